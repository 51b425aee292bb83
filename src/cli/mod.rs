//! The command line: arguments, printing, exit codes; one file a verb.
//!
//! The other rooms hand back values; this one alone prints, and its callers alone end the process.

pub mod args;
mod audit;
mod bench;
mod check;
mod example;
mod experience;
mod history;
mod hours;
mod import;
mod job;
mod modems;
mod outlook;
mod refused;
mod report;
mod schema;
mod screen;
mod scribe;
mod secrets;
mod sim;
mod standing;
mod stop;
mod terminal;
mod viewer;
mod why;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::report::outcome::COULD_NOT_JUDGE;

use self::args::{Cli, Verb};

/// Exit code of wrong usage or configuration: nothing was dialed.
const WRONG: u8 = 2;

/// What ends a verb before its work is done: told on stderr.
#[derive(Debug)]
struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// Usage or configuration is wrong: nothing was dialed.
    fn wrong(text: impl Display) -> Self {
        Self { code: WRONG, text: text.to_string() }
    }

    /// There was a run, and nobody can read from its files what it found.
    fn unjudged(text: impl Display) -> Self {
        Self { code: COULD_NOT_JUDGE, text: text.to_string() }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // A monitor takes the usual code of wrong usage for CRITICAL.
        Err(error) if error.use_stderr() && report::status::is_asked(std::env::args_os()) => {
            return ExitCode::from(report::status::unknown(
                error.to_string().lines().next().unwrap_or_default(),
            ));
        }
        Err(error) => error.exit(),
    };
    log_to_stderr(cli.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("error: the runtime could not be started: {error}"));
            return ExitCode::from(WRONG);
        }
    };
    let done = runtime.block_on(async {
        match &cli.verb {
            Verb::Audit(args) => audit::run(args, cli.verbose > 0).await,
            Verb::Check(args) => check::run(args),
            Verb::Modems(args) => modems::run(args).await,
            Verb::Report(args) => report::run(args),
            Verb::Why(args) => why::run(args),
            Verb::Sim(args) => sim::run(args).await,
            Verb::Schema(args) => {
                schema::run(args);
                Ok(0)
            }
        }
    });
    // A thread that waits for a port or a disk that hangs must not hold up the end.
    runtime.shutdown_background();
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            complain(&format!("error: {}", failure.text));
            ExitCode::from(failure.code)
        }
    }
}

fn log_to_stderr(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let level = match verbose {
        0 => "warn",
        1 => "lineman=info",
        2 => "lineman=debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| viewer::Aside).without_time().init();
}

/// Data and results go here. A reader that went away (`| head`) is no error.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end_matches('\n'));
}

/// Talk and errors go here.
fn complain(text: &str) {
    viewer::aside(text);
}
