//! The command line: arguments, printing, exit codes; one file a verb.
//!
//! The other rooms hand back values; this one alone prints, and its callers alone end the process.

pub mod args;
mod audit;
mod call;
mod check;
mod control;
mod daemon;
mod example;
mod import;
mod init;
mod man;
mod manner;
mod modems;
mod names;
mod password;
mod report;
mod schema;
mod screen;
mod serve;
mod shell;
mod sim;
mod status;
mod stop;
mod terminal;
mod trial;
mod viewer;
mod why;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::FromArgMatches;
use secrecy::SecretString;

use crate::report::outcome::COULD_NOT_JUDGE;
use crate::run::{Failure, FailureKind, Host};

use self::args::{Cli, Verb};
use self::manner::{complain, note};

/// Exit code of wrong usage or configuration: nothing was dialed.
const WRONG: u8 = 2;

/// Runs the program.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let here = std::env::current_dir().ok();
    if let Some(code) = shell::answer(&words, here.as_deref()) {
        return ExitCode::from(code);
    }
    let cli = match read(words) {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    let reader = match &cli.verb {
        Verb::Serve(_) => manner::Reader::Later,
        _ => manner::Reader::User,
    };
    let levels = manner::settle(&cli.talk, reader, &|name| std::env::var_os(name));
    if matches!(&cli.verb, Verb::Serve(args) if !args.check) {
        serve::with_one_heap();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("error: the runtime could not be started: {error}"));
            return ExitCode::from(WRONG);
        }
    };
    let done = runtime.block_on(async {
        match &cli.verb {
            Verb::Audit(args) => Box::pin(audit::run(args, cli.talk.verbose > 0)).await,
            Verb::Call(args) => call::run(args, cli.talk.verbose > 0).await,
            Verb::Check(args) => check::run(args),
            Verb::Modems(args) => modems::run(args).await,
            Verb::Report(args) => report::run(args),
            Verb::Serve(args) => Box::pin(serve::run(args, levels)).await,
            Verb::Status(args) => status::run(args).await,
            Verb::Control(args) => control::run(args).await,
            Verb::Why(args) => why::run(args).await,
            Verb::Sim(args) => sim::run(args).await,
            Verb::Schema(args) => {
                schema::run(args);
                Ok(0)
            }
            Verb::Init(args) => init::run(args).await,
            Verb::Completions(args) => shell::run(args),
            Verb::Man(args) => man::run(args),
        }
    });
    // A thread that waits for a port or a disk that hangs must not hold up the end.
    runtime.shutdown_background();
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            complain(&format!("error: {}", failure.text));
            ExitCode::from(code_of(&failure))
        }
    }
}

/// Whoever sits at the terminal, as far as a run talks to him.
fn person() -> Arc<dyn Host> {
    Arc::new(Person)
}

/// See [`person`].
struct Person;

impl Host for Person {
    fn note(&self, text: &str) {
        note(text);
    }

    fn complain(&self, text: &str) {
        complain(text);
    }

    fn ask(&self, question: &str) -> std::io::Result<SecretString> {
        password::ask(question)
    }
}

/// The exit code of a failure.
fn code_of(failure: &Failure) -> u8 {
    match failure.kind {
        FailureKind::Wrong => WRONG,
        FailureKind::Unjudged => COULD_NOT_JUDGE,
    }
}

/// The command line; where it can't be understood, or asks for help alone, that was said, and this is the exit code.
fn read(words: Vec<OsString>) -> Result<Cli, u8> {
    let early = manner::Early::of(&words, &|name| std::env::var_os(name));
    let is_status = report::status::is_asked(words.iter().cloned());
    let read = args::command().color(early.color).try_get_matches_from(words);
    read.and_then(|typed| Cli::from_arg_matches(&typed)).map_err(|error| {
        // A monitor takes the usual code of wrong usage for CRITICAL.
        if is_status && error.use_stderr() {
            return report::status::unknown(error.to_string().lines().next().unwrap_or_default());
        }
        if early.json && error.use_stderr() {
            let talk = args::Talk { log_format: args::LogFormat::Json, ..args::Talk::default() };
            manner::settle(&talk, manner::Reader::User, &|name| std::env::var_os(name));
            complain(&error.render().to_string());
        } else {
            // A reader that went away is no error.
            let _ = error.print();
        }
        u8::try_from(error.exit_code()).unwrap_or(WRONG)
    })
}

/// Data and results go here, unless the user wants to hear of errors alone. A reader that went away (`| head`) is no error.
fn say(text: &str) {
    if manner::now().is_silent() {
        return;
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
}
