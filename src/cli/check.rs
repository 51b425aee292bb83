//! `lineman check`: validates all files of a plan and shows what would be dialed; dials nothing.

use std::time::Duration;

use crate::config::check::{Check, hours};
use crate::config::credentials::foresee;
use crate::config::{Plan, load_plan};
use crate::fleet::policy::{EXPECTED_CALL, EXPECTED_CONSOLE};
use crate::model::{Fault, Reading};
use crate::modem::clock::{Clock, Wall};

use super::args;
use super::example::Example;
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
    let (remembered, confirmed) = (standing::Remembered::default(), standing::confirmed(&reports));
    standing::settle(&mut plan, remembered, &confirmed, &args.selection, clock.wall())?;
    say(&text(&plan, &now));
    let unreadable = foresee(&plan.credentials, &|name| std::env::var_os(name));
    if unreadable.is_empty() {
        return Ok(0);
    }
    let told: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    Err(Failure::wrong(told.join("\n")))
}

/// What would be dialed, as text. Lines that the user left out are not worth a row.
pub(super) fn text(plan: &Plan, now: &Reading) -> String {
    let expected = |line: &Line| {
        let behind = u32::try_from(line.facets.consoles.len()).unwrap_or(u32::MAX);
        EXPECTED_CALL + EXPECTED_CONSOLE * behind
    };
    let mut check = Check::of(plan, expected);
    check.rows.retain(|row| !matches!(row.preset, Some((Fault::Skipped, _))));
    let mut text = check.to_text();
    if let Some(hours) = hours::text(plan, now.wall) {
        text.push_str("\n\n");
        text.push_str(&hours);
    }
    text
}
