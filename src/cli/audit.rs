//! `lineman audit`: runs a plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::load_plan;
use crate::modem::clock::{Clock, Wall};
use crate::report::{Board, exit_code, summary};
use crate::run::hours::{RunCalendar, Wishes};
use crate::run::night::{Night, Wish};
use crate::run::resumed::Resumed;

use super::args::Audit;
use super::example::{self, Example};
use super::viewer::Viewer;
use super::{Failure, check, complain, note, person, say, screen, stop};

/// Where runs are written, unless the example plan is run or `--reports` says otherwise.
const REPORTS: &str = "reports";

/// Runs it; the exit code. `talkative`: the log goes to stderr, so no board is drawn over it.
pub(super) async fn run(args: &Audit, talkative: bool) -> Result<u8, Failure> {
    let example = if args.plan.is_none() && args.resume.is_none() { Some(Example::find()?) } else { None };
    let reports = reports_folder(args.reports.as_deref(), example.is_some());
    let clock = Clock::start();
    let wish = wish(args);
    let host = person();
    let resumed =
        args.resume.as_deref().map(|run| Resumed::open(&reports, run, host.as_ref())).transpose()?;
    if let Some(complete) = resumed.as_ref().filter(|resumed| resumed.is_complete()) {
        return publish(complete);
    }
    let path = plan_path(args, example.as_ref(), resumed.as_ref())?;
    let overrides = args.selection.overrides(args.bank.clone(), args.seed);
    let mut plan = load_plan(&path, &overrides).map_err(Failure::wrong)?;
    for warning in &plan.warnings {
        note(&format!("warning: {warning}"));
    }
    if args.dry_run {
        if let Some(resumed) = &resumed {
            resumed.fits(&plan)?;
        }
        let now = Wall::Host.read(&clock);
        let dialed_at = wish.hours.at_of(&plan, &now).map_or(now.wall, |at| at.max(now.wall));
        let recalled = check::settled(&mut plan, &reports, &args.selection, dialed_at)?;
        let calendar = RunCalendar::new(Arc::new(plan.clone()), wish.hours);
        calendar.check(&now)?;
        say(&check::text(&plan, &now, calendar, &recalled));
        return Ok(0);
    }
    let board = resumed.as_ref().map(board);
    let night = Box::pin(Night::prepare(plan, &reports, resumed, &wish, host, clock)).await?;
    let stops = stop::listen()?;
    let sitting = Box::pin(night.open()).await?;
    let viewer = Viewer::start(screen::choose(args.plain || talkative, board), clock);
    let done = Box::pin(sitting.carry_out(Box::new(viewer), stops)).await;
    // A terminal may take nothing any more: the run is published by now.
    if let Some(state) = &done.state {
        say(&summary::text(state, &done.files, screen::style()));
    }
    if let Some(trouble) = &done.trouble {
        complain(trouble);
    }
    let code = done.state.as_ref().map(exit_code);
    let (told, failure) = Box::pin(done.tell(stop::impatience())).await;
    if let Some(told) = told {
        say(&told);
    }
    match (failure, code) {
        (Some(failure), _) => Err(failure),
        (None, Some(code)) => Ok(code),
        (None, None) => Err(Failure::unjudged("the run left no record")),
    }
}

fn wish(args: &Audit) -> Wish {
    Wish {
        hours: Wishes { at: args.at, no_wait: args.no_wait },
        skip_passed: args.selection.skip_passed,
        number_confirmed: args.number_confirmed.clone(),
        forget_refusal: args.forget_refusal.clone(),
        mail: args.mail.clone(),
        no_notify: args.no_notify,
        ..Wish::default()
    }
}

/// Where runs are written.
pub(super) fn reports_folder(written: Option<&Path>, example: bool) -> PathBuf {
    match written {
        Some(reports) => reports.to_owned(),
        None if example => PathBuf::from(example::REPORTS),
        None => PathBuf::from(REPORTS),
    }
}

fn plan_path(args: &Audit, example: Option<&Example>, resumed: Option<&Resumed>) -> Result<PathBuf, Failure> {
    if let Some(path) = args.plan.clone().or_else(|| example.map(|example| example.plan.clone())) {
        return Ok(path);
    }
    resumed.and_then(Resumed::plan_path).ok_or_else(|| {
        Failure::wrong("the run to be resumed does not say which plan it was; name the plan: `lineman audit PLAN --resume`")
    })
}

/// The live view with what earlier sittings showed.
fn board(resumed: &Resumed) -> Board {
    let mut board = Board::new(resumed.state().header());
    for event in resumed.events() {
        board.apply(event);
    }
    board
}

/// Writes what a complete run that was killed had not written.
fn publish(resumed: &Resumed) -> Result<u8, Failure> {
    let (state, files) = resumed.publish()?;
    note(
        "the run had come to its end, but not its files: they are written now; mail and hooks were not sent",
    );
    say(&summary::text(&state, &files, screen::style()));
    Ok(exit_code(&state))
}
