//! `lineman call`: a technician's call to one line, or to the few of a site, every phase live; then what it found and what
//! to look at.
//!
//! It is a run like any other, with a journal and reports of its own under `calls/` in the reports folder; but one call makes
//! its verdict, and the plan's history does not take it in. Screening, redial law, guard and refused secrets hold.

mod before;
mod rules;
mod screen;
mod target;
mod usual;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use crate::call::Tap;
use crate::call::live::{HandoverLimits, Live, Wish};
use crate::config::Plan;
use crate::fleet::dispatcher::{self, Job};
use crate::fleet::scheduler::{Group, GroupKind, Past, SchedulerPlan};
use crate::journal::{Journal, RunDir};
use crate::model::event::Ending;
use crate::model::{EventKind, Fault, LineId};
use crate::modem::clock::{Clock, Wall};
use crate::report::call::{ThereUsually, Watch, found, many};
use crate::report::outcome::{ALL_PASSED, COULD_NOT_JUDGE, is_left_out};
use crate::report::{Renderer, RunState, exit_code};

use super::args::{Call, Selection};
use super::bench::Bench;
use super::experience::{self, Experience};
use super::history::{History, Recalled};
use super::hours::{First, RunCalendar, Wishes};
use super::notify::Herald;
use super::scribe::{self, Minutes, Scribe};
use super::terminal::{self, Terminal};
use super::{Failure, audit, complain, job, say, secrets, standing, stop};

use self::target::Target;

/// Where calls are written, within the reports folder: never where `latest` and `current` of the nights are looked for.
pub(super) const FOLDER: &str = "calls";
/// Modems that are opened for a single call: one to call, and one should our own side fail.
const MODEMS: usize = 2;

type There = std::collections::BTreeMap<LineId, ThereUsually>;

/// Runs it; the exit code. `talkative`: the log goes to stderr, so no row is drawn over it.
pub(super) async fn run(args: &Call, talkative: bool) -> Result<u8, Failure> {
    if args.interactive {
        terminal::ready().map_err(Failure::wrong)?;
    }
    let clock = Clock::start();
    let Target { mut plan, example } = target::find(args).await?;
    if args.interactive && plan.lines.len() != 1 {
        return Err(Failure::wrong(format!(
            "--interactive hands one console over, and these are {} lines; name one of them",
            plan.lines.len()
        )));
    }
    let reports = audit::reports_folder(args.reports.as_deref(), example.is_some());
    let calls = reports.join(FOLDER);
    let mut recalled = recall(args, &mut plan, &reports, clock)?;
    let mut bench = Bench::open_few(&mut plan, if args.repeat > 1 { 1 } else { MODEMS }, clock).await?;
    let plan = Arc::new(plan);
    let memory = secrets::memory(&plan, &reports, &args.forget_refusal, clock)?;
    let mut cut_off = experience::left_behind(&reports, &plan)?;
    cut_off.retain(|name| !args.forget_refusal.contains(name));
    let experience = Experience::of(&plan, &recalled);
    let desk = secrets::desk(&plan, &Past::default(), &cut_off, &experience.provers, &memory).await?;
    let stops = stop::listen()?;

    let there = usual::of(&plan, &recalled, &reports);
    let row = screen::is_movable() && !args.plain && !args.interactive && !talkative;
    let watch = Watch::new(super::screen::style(), args.repeat, there.clone());
    let dir = RunDir::create_beside(&calls, clock.wall(), &plan.name).map_err(Failure::wrong)?;
    let journal = Journal::create(&dir).map_err(Failure::wrong)?;
    let views = scribe::Past { state: None, renderer: Renderer::new(dir.path()) };
    let mut scribe = Scribe::start(journal, views, screen::of(watch, row), Herald::default(), clock);

    let called = before::called(&plan, &History::of(&plan, &reports), &calls, clock.wall());
    let past = Past { called, ..Past::default() };
    let mut calendar = RunCalendar::new(Arc::clone(&plan), Wishes { at: None, no_wait: true });
    let first = First::of(&mut calendar, clock);
    let mut scheduled = job::scheduler_plan(&plan, past, &experience, &first.windows);
    one_after_the_other(&mut scheduled);
    let book = job::Book::new(Arc::clone(&plan), experience.usual);
    let (book, terminal) = match tap(args, row, desk.secrets()) {
        Some((tap, terminal)) => (book.with_tap(tap), Some(terminal)),
        None => (book, None),
    };
    let seats = job::seats(&plan).into_iter().map(|seat| {
        let port = bench.open.remove(&seat.id);
        (seat, port)
    });
    let before = std::mem::take(&mut recalled.before);
    let preface = (!before.is_empty()).then_some(EventKind::LinesBefore { lines: before });
    let notices = recalled.notices.into_iter().map(|text| EventKind::Notice { text });
    let job = Job {
        opening: EventKind::RunStarted(Box::new(job::header(&plan, dir.run(), clock))),
        preface: preface.into_iter().chain(notices).collect(),
        seats: seats.collect(),
        opener: Arc::clone(&bench.ports),
        plan: scheduled,
        book,
        desk,
        deadline: None,
        hours: Some(calendar.into_hours(&first, Vec::new())),
    };
    let end = dispatcher::run(job, clock, &mut scribe, stops).await;
    if let Some(terminal) = terminal {
        tokio::task::block_in_place(|| terminal.finish());
    }
    bench.close().await;
    let minutes = scribe.finish();
    conclude(args, &dir, minutes, end.broken.map(|error| error.to_string()), &there)
}

/// What earlier runs know of the lines, and what keeps them from being called now; the plan's rules become those of a call.
fn recall(args: &Call, plan: &mut Plan, reports: &Path, clock: Clock) -> Result<Recalled, Failure> {
    let now = Wall::Host.read(&clock);
    let history = History::of(plan, reports);
    if args.number_confirmed {
        let lines: Vec<LineId> = plan.lines.iter().map(|planned| planned.line.id.clone()).collect();
        standing::confirm(plan, &history, &lines, clock.wall())?;
    }
    let mut recalled = history.look();
    // A line that is gone from the plan is not this call's business, and neither are those that were not named.
    recalled.before.retain(|before| plan.line(&before.line).is_some());
    let told = rules::lift(args, plan);
    recalled.notices.extend(told);
    let told = standing::settle(plan, &recalled, &Selection::default(), now.wall)?;
    recalled.notices.extend(told);
    recalled.notices.extend(rules::one_call(args, plan));
    RunCalendar::new(Arc::new(plan.clone()), Wishes::default()).check(&now)?;
    Ok(recalled)
}

/// No two calls at a time: whoever stands in front of a rack follows one.
fn one_after_the_other(plan: &mut SchedulerPlan) {
    let place = plan.groups.len();
    plan.groups.push(Group { name: FOLDER.to_owned(), kind: GroupKind::Site, max_calls: NonZeroU32::MIN });
    for line in &mut plan.lines {
        line.groups.push(place);
    }
}

/// The side channel between the call and the terminal, where one is wanted.
fn tap(args: &Call, row: bool, secrets: Arc<[SecretString]>) -> Option<(Tap, Terminal)> {
    if !args.watch && !args.interactive {
        return None;
    }
    let handover = args.interactive.then(HandoverLimits::default);
    let (tap, end) = Tap::new(Wish { watch: args.watch, handover, secrets });
    let show = move |live: &Live| {
        let Live::Line { text, .. } = live else { return };
        let said = format!("            | {text}");
        if row { complain(&said) } else { say(&said) }
    };
    Some((tap, Terminal::start(end, show)))
}

/// Checks the record, publishes it, tells what was found.
fn conclude(
    args: &Call,
    dir: &RunDir,
    minutes: Minutes,
    broken: Option<String>,
    there: &There,
) -> Result<u8, Failure> {
    let Minutes { state, report_error, journal_error } = minutes;
    if let Some(why) = journal_error.or(broken) {
        return Err(Failure::unjudged(format!(
            "the record of the calls could not be kept, so they were ended: {why}\nwhat was recorded is in {}",
            dir.path().display()
        )));
    }
    let Some(state) = state else { return Err(Failure::unjudged("the calls left no record")) };
    state.check().map_err(|error| {
        Failure::unjudged(format!("the run's counts do not add up: {error}; this is a defect"))
    })?;
    let published = if report_error.is_none() { dir.publish() } else { Ok(()) };
    say(&text(args, &state, there, &dir.path().display().to_string()));
    if let Some(why) = report_error {
        return Err(Failure::unjudged(format!(
            "what was found stands in the journal, but a report could not be written: {why}\n`lineman report {}` writes it again",
            dir.path().display()
        )));
    }
    published.map_err(Failure::unjudged)?;
    Ok(code(&state))
}

/// The exit code of the night, but that nothing is fine where nothing was called.
fn code(state: &RunState) -> u8 {
    let left_out = |fault: Option<Fault>| fault.is_some_and(is_left_out);
    let none =
        state.lines().all(|(_, line)| left_out(line.verdict.as_ref().and_then(|verdict| verdict.fault)));
    match exit_code(state) {
        ALL_PASSED if none => COULD_NOT_JUDGE,
        code => code,
    }
}

/// What was found of each line, and where it is written.
fn text(args: &Call, state: &RunState, there: &There, folder: &str) -> String {
    let style = super::screen::style();
    let interrupted = matches!(state.ended(), Some((Ending::Interrupted, _)));
    let nothing = ThereUsually::default();
    let mut parts = Vec::new();
    for (line, about) in state.lines() {
        if args.repeat > 1 {
            let family = about.calls.last().and_then(|record| {
                let modem = state.modems().iter().find(|modem| modem.header.id == record.modem)?;
                Some(modem.header.profile.as_str())
            });
            let usually = (there.get(&line.id).unwrap_or(&nothing), family.unwrap_or_default());
            parts.push(many(line, about, args.repeat, &usually, style, screen::ink()));
        }
        let cancelled = about.verdict.as_ref().is_some_and(|verdict| verdict.fault == Some(Fault::Cancelled));
        if !(interrupted && cancelled && args.repeat > 1) {
            parts.push(found(line, about, style));
        }
    }
    if interrupted {
        parts.push("interrupted: this is what there was until then".to_owned());
    }
    parts.push(format!("written to {folder}"));
    format!("\n{}", parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>().join("\n\n"))
}
