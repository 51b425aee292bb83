//! `lineman check`: validates all files of a plan and shows what would be dialed; dials nothing.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::check::{Check, hours};
use crate::config::credentials::foresee;
use crate::config::{Plan, load_plan};
use crate::fleet::policy::EXPECTED_CALL;
use crate::model::{Fault, Reading};
use crate::modem::clock::{Clock, Wall};

use super::args;
use super::example::Example;
use super::history::History;
use super::{Failure, complain, say, standing};

/// Runs it; the exit code.
pub(super) fn run(args: &args::Check) -> Result<u8, Failure> {
    let example = if args.plan.is_none() { Some(Example::find()?) } else { None };
    let path = args.plan.clone().or_else(|| example.as_ref().map(|e| e.plan.clone())).unwrap_or_default();
    let overrides = args.selection.overrides(args.bank.clone(), None);
    let mut plan = load_plan(&path, &overrides).map_err(Failure::wrong)?;
    for warning in &plan.warnings {
        complain(&format!("warning: {warning}"));
    }
    let clock = Clock::start();
    let now = Wall::Host.read(&clock);
    let reports = super::audit::reports_folder(args.reports.as_deref(), example.is_some());
    settled(&mut plan, &reports, &args.selection, clock.wall())?;
    say(&text(&plan, &now));
    let unreadable = foresee(&plan.credentials, &|name| std::env::var_os(name));
    if unreadable.is_empty() {
        return Ok(0);
    }
    let told: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    Err(Failure::wrong(told.join("\n")))
}

/// Applies to a plan what history knows, and changes nothing there.
///
/// # Errors
/// A date of the plan means nothing, or lies where it can't.
pub(super) fn settled(
    plan: &mut Plan,
    reports: &Path,
    selection: &args::Selection,
    now: Timestamp,
) -> Result<(), Failure> {
    let recalled = History::of(plan, reports).look();
    for notice in &recalled.notices {
        complain(&format!("notice: {notice}"));
    }
    standing::settle(plan, &recalled, selection, now)
}

/// What would be dialed, as text. Lines that the user left out are not worth a row.
pub(super) fn text(plan: &Plan, now: &Reading) -> String {
    let expected: Duration = EXPECTED_CALL;
    let mut check = Check::of(plan, |_| expected);
    check.rows.retain(|row| !matches!(row.preset, Some((Fault::Skipped, _))));
    let mut text = check.to_text();
    if let Some(hours) = hours::text(plan, now.wall) {
        text.push_str("\n\n");
        text.push_str(&hours);
    }
    text
}
