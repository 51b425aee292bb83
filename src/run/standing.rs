//! What keeps lines from being dialed today, as far as earlier runs and people tell: what history recalls of them is applied
//! to the plan here, and what people confirm is remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Plan;
use crate::config::plan::standing::Standing;
use crate::config::problem::suggestion;
use crate::model::{LineId, PhoneNumber};

use super::history::{History, Recalled};
use super::{Failure, Host};

/// Applies it to the plan; what is worth a notice.
///
/// # Errors
/// A date of the plan means nothing, or lies where it can't.
pub(crate) fn settle(
    plan: &mut Plan,
    recalled: &Recalled,
    skip_passed: Option<Duration>,
    now: Timestamp,
) -> Result<Vec<String>, Failure> {
    let passed: BTreeMap<LineId, Timestamp> =
        recalled.lines.iter().filter_map(|(line, memory)| Some((line.clone(), memory.passed?))).collect();
    let standing = Standing { now, voice: &recalled.voice, passed: &passed, skip_passed };
    plan.settle(&standing).map_err(Failure::wrong)
}

/// Remembers that the numbers of these lines were confirmed: before anything is recalled, so that it counts at once.
///
/// # Errors
/// The plan has no such line, or it can't be remembered.
pub(crate) fn confirm(
    plan: &Plan,
    history: &History<'_>,
    lines: &[LineId],
    now: Timestamp,
    host: &dyn Host,
) -> Result<(), Failure> {
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
        let numbers: BTreeSet<&PhoneNumber> = own.chain(planned.ways.iter().map(|way| &way.number)).collect();
        history.confirm(&numbers, now).map_err(|why| {
            Failure::wrong(format!(
                "--number-confirmed: it can't be remembered that the number of `{}` was confirmed, so nothing was dialed: {why}; `number_confirmed: DATE` in the plan does the same",
                planned.line.id
            ))
        })?;
        let told: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        host.note(&format!("line `{}`: {} confirmed", planned.line.id, told.join(", ")));
    }
    Ok(())
}
