//! What keeps lines from being dialed today: selection by what history knows, numbers that people have confirmed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use crate::config::Plan;
use crate::config::plan::standing::Standing;
use crate::config::problem::suggestion;
use crate::history::Confirmed;
use crate::model::{LineId, PhoneNumber, VoiceHolds};

use super::args::Selection;
use super::{Failure, complain};

/// What history knows of the plan's lines and numbers.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    /// Numbers at which a person answered.
    pub(super) voice: VoiceHolds,
    /// When each line, with the number that it has now, passed last.
    pub(super) passed: BTreeMap<LineId, Timestamp>,
}

/// Applies it to the plan, and tells what is worth a notice.
///
/// # Errors
/// A date of the plan means nothing, or lies where it can't.
pub(super) fn settle(
    plan: &mut Plan,
    mut remembered: Remembered,
    confirmed: &Confirmed,
    selection: &Selection,
    now: Timestamp,
) -> Result<(), Failure> {
    confirmed.apply(&mut remembered.voice);
    let standing = Standing {
        now,
        voice: &remembered.voice,
        passed: &remembered.passed,
        skip_passed: selection.skip_passed,
    };
    for notice in plan.settle(&standing).map_err(Failure::wrong)? {
        complain(&format!("notice: {notice}"));
    }
    Ok(())
}

/// The numbers that were confirmed so far. A file that can't be read keeps more lines on hold, and holds up no night.
pub(super) fn confirmed(reports: &Path) -> Confirmed {
    Confirmed::open(reports).unwrap_or_else(|error| {
        complain(&format!("warning: {error}; no number counts as confirmed by it"));
        Confirmed::default()
    })
}

/// Remembers that the numbers of these lines were confirmed.
///
/// # Errors
/// The plan has no such line, or it can't be remembered.
pub(super) fn confirm(plan: &Plan, reports: &Path, lines: &[LineId], now: Timestamp) -> Result<(), Failure> {
    let mut unknown = Vec::new();
    for line in lines.iter().filter(|line| plan.line(line).is_none()) {
        let near = suggestion(line.as_str(), plan.lines.iter().map(|planned| planned.line.id.as_str()));
        unknown.push(format!("--number-confirmed: `{line}` is no line of this plan{near}"));
    }
    if !unknown.is_empty() {
        return Err(Failure::wrong(unknown.join("\n")));
    }
    for planned in lines.iter().filter_map(|line| plan.line(line)) {
        let own = std::iter::once(&planned.line.number);
        let numbers: BTreeSet<PhoneNumber> =
            own.chain(planned.ways.iter().map(|way| &way.number)).cloned().collect();
        let told: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        Confirmed::confirm(reports, &planned.line.id, numbers, now).map_err(Failure::wrong)?;
        complain(&format!("line `{}`: {} confirmed", planned.line.id, told.join(", ")));
    }
    Ok(())
}
