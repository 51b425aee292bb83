//! `lineman report notify [RUN]`: sends what the end of a run would send, so that the way can be tried by day.

use std::collections::BTreeSet;

use super::again::Named;
use crate::cli::args::Notify;
use crate::cli::{Failure, complain, person, say};
use crate::config::{Overrides, load_plan};
use crate::model::RunId;
use crate::modem::clock::Clock;
use crate::notify::payload::Message;
use crate::notify::{Batch, Hook, Letter, When, smtp};
use crate::report::RunState;
use crate::run::telling::{self, Told, Wish};

/// Exit code: a sink did not take it.
const NOT_TAKEN: u8 = 1;

/// Runs it; 0 where every sink took it.
pub(super) fn run(args: &Notify) -> Result<u8, Failure> {
    // The verbs of `report` wait for nothing but disks; this one alone waits for the network.
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(send(args)))
}

async fn send(args: &Notify) -> Result<u8, Failure> {
    let named = Named::open(args.run.as_deref(), &super::folder(args.reports.as_ref()))?;
    let state = RunState::of(&named.events).map_err(Failure::wrong)?;
    let path = args.plan.clone().or_else(|| state.header().plan_path.clone()).ok_or_else(no_plan)?;
    let plan = load_plan(&path, &Overrides::default()).map_err(Failure::wrong)?;
    let mut told =
        Told::prepare(&plan, &Wish { mail: &args.mail, nobody: false, asked: true }, &person()).await;
    choose(&mut told, args)?;
    if told.mail.is_none() && told.hooks.is_empty() && told.out.is_empty() {
        return Err(Failure::wrong(format!(
            "{} says nobody who is to be told; write `notify:` there, or name an address: `--mail noc@example.com`",
            path.display()
        )));
    }
    let context = telling::context_of(&plan, state.header().run.clone(), &named.folder, true);
    let clock = Clock::start();
    let mut failed = !told.out.is_empty();
    let mut outcome = |sink: &str, result: Result<(), String>| match result {
        Ok(()) => say(&format!("{sink}: taken")),
        Err(why) => {
            failed = true;
            complain(&format!("error: {sink}: {why}"));
        }
    };
    // Each rehearsal is a message of its own.
    let id = rehearsal_id(&context.run, clock);
    if let Some((mail, login)) = &told.mail {
        let sink = format!("mail through {}", mail.server);
        let letter = Letter::of_run(&context, &state, telling::enclosed(mail, &named.folder));
        if args.show {
            let message = smtp::message(&letter, mail, &id, clock.wall()).map_err(Failure::wrong)?;
            say(&String::from_utf8_lossy(&message.formatted()));
        } else {
            let sent = telling::post(&letter, mail, login.as_ref(), &id, clock.wall()).await;
            outcome(&sink, sent.map_err(|why| why.to_string()));
        }
    }
    for (hook, way) in &told.hooks {
        let message = message(hook, &context, &state);
        if args.show {
            say(&message.json);
        } else {
            let sent = way.carry(hook, &message, &format!("{id}.{}", hook.name)).await;
            outcome(&format!("hook {}", hook.name), sent.map_err(|why| why.to_string()));
        }
    }
    Ok(if failed { NOT_TAKEN } else { 0 })
}

fn no_plan() -> Failure {
    Failure::wrong("the run does not say which plan it was; name it: `--plan PLAN`")
}

fn rehearsal_id(run: &RunId, clock: Clock) -> String {
    format!("{run}.rehearsal-{}", clock.wall().as_millisecond())
}

/// Leaves the sinks that were named; all, if none was.
fn choose(told: &mut Told, args: &Notify) -> Result<(), Failure> {
    let known: BTreeSet<&str> = told.hooks.iter().map(|(hook, _)| hook.name.as_str()).collect();
    if let Some(other) = args.hook.iter().find(|name| !known.contains(name.as_str())) {
        let known: Vec<&str> = known.into_iter().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Failure::wrong(format!(
            "--hook: the plan has no hook `{other}` that can be reached; it has: {known}"
        )));
    }
    match (args.mail.is_empty(), args.hook.is_empty()) {
        (true, true) => {}
        (false, true) => told.hooks.clear(),
        (mail_unnamed, false) => {
            told.hooks.retain(|(hook, _)| args.hook.contains(&hook.name));
            if mail_unnamed {
                told.mail = None;
            }
        }
    }
    Ok(())
}

/// What a hook would get: the end of the run, else what failed in it.
fn message(hook: &Hook, context: &crate::notify::Context, state: &RunState) -> Message {
    let limits = hook.failures.unwrap_or_default();
    match hook.when {
        When::Never => {
            let failures = crate::notify::payload::new_in(state);
            Message::of_batch(context, &Batch { failures, withdrawn: Vec::new() }, &limits)
        }
        _ => Message::of_end(context, state, limits.max_lines),
    }
}
