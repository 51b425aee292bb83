//! `lineman check`: validates all files of a plan and shows what would be dialed; dials nothing.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::check::{Check, hours};
use crate::config::credentials::foresee;
use crate::config::{Plan, load_plan};
use crate::fleet::hours::{Calendar, Derived};
use crate::fleet::policy::expected_call;
use crate::fleet::scheduler::Past;
use crate::model::{Fault, Line, Reading};
use crate::modem::clock::{Clock, Wall};

use super::args;
use super::example::Example;
use crate::run::experience::Experience;
use crate::run::history::{History, Recalled};
use crate::run::hours::{RunCalendar, Wishes};
use crate::run::{job, outlook, standing, telling};

use super::{Failure, note, say};

/// Runs it; the exit code.
pub(super) fn run(args: &args::Check) -> Result<u8, Failure> {
    let example = if args.plan.is_none() { Some(Example::find()?) } else { None };
    let path = args.plan.clone().or_else(|| example.as_ref().map(|e| e.plan.clone())).unwrap_or_default();
    let overrides = args.selection.overrides(args.bank.clone(), None);
    let mut plan = load_plan(&path, &overrides).map_err(Failure::wrong)?;
    for warning in &plan.warnings {
        note(&format!("warning: {warning}"));
    }
    let clock = Clock::start();
    let now = Wall::Host.read(&clock);
    let reports = super::audit::reports_folder(args.reports.as_deref(), example.is_some());
    let recalled = settled(&mut plan, &reports, &args.selection, clock.wall())?;
    let plan = Arc::new(plan);
    let calendar = RunCalendar::new(Arc::clone(&plan), Wishes::default());
    say(&text(&plan, &now, calendar, &recalled));
    let mut unreadable = foresee(&plan.credentials, &|name| std::env::var_os(name));
    unreadable.extend(telling::foresee(&plan));
    if unreadable.is_empty() {
        return Ok(0);
    }
    let told: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    Err(Failure::wrong(told.join("\n")))
}

/// Applies to a plan what history knows, and changes nothing there; what it knows.
///
/// # Errors
/// A date of the plan means nothing, or lies where it can't.
pub(super) fn settled(
    plan: &mut Plan,
    reports: &Path,
    selection: &args::Selection,
    now: Timestamp,
) -> Result<Recalled, Failure> {
    let recalled = History::of(plan, reports).look();
    for notice in &recalled.notices {
        note(&format!("notice: {notice}"));
    }
    let told = standing::settle(plan, &recalled, selection.skip_passed, now)?;
    for notice in told {
        note(&format!("notice: {notice}"));
    }
    Ok(recalled)
}

/// What would be dialed, as text. Lines that the user left out are not worth a row.
pub(super) fn text(plan: &Plan, now: &Reading, mut calendar: RunCalendar, recalled: &Recalled) -> String {
    let experience = Experience::of(plan, recalled);
    let unknown = |line: &Line| expected_call(line.facets.consoles.len());
    let expected = |line: &Line| experience.expected(&line.id).unwrap_or_else(|| unknown(line));
    let mut check = Check::of(plan, expected);
    check.rows.retain(|row| !matches!(row.preset, Some((Fault::Skipped, _))));
    let mut text = check.to_text();
    if let Some(hours) = hours::text(plan, now.wall) {
        text.push_str("\n\n");
        text.push_str(&hours);
    }
    let Derived { windows, deadline, .. } = calendar.derive(now);
    let windows = windows.into_iter().collect();
    let mut scheduled = job::scheduler_plan(plan, Past::default(), &experience, &windows);
    let outlook = outlook::of(plan, &mut scheduled, &experience, now, deadline);
    if let Some(told) = telling::text(plan) {
        text.push_str("\n\nwhen it has ended:\n  ");
        text.push_str(&told.join("\n  "));
    }
    if !outlook.is_empty() {
        text.push_str("\n\nif it began now:\n  ");
        text.push_str(&outlook.join("\n  "));
    }
    text
}
