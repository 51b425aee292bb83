//! How long each line took in the last run of the plan, so that the longest can begin first: one that is found out at
//! the end holds up the run alone.
//!
//! A hint and no more: a last run that can't be read, or was another plan's, tells nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use crate::config::Plan;
use crate::journal;
use crate::model::{Blame, EventKind, LineId};

use super::job;

/// The last run that has ended, as the journal room links it.
const LATEST: &str = "latest";

/// The time that modems were taken for each line, all its calls together.
///
/// A simulated bank has no experience: its runs shall be alike.
pub(super) fn lengths(reports: &Path, plan: &Plan) -> BTreeMap<LineId, Duration> {
    let mut lengths = BTreeMap::new();
    if plan.bank.exchange.is_some() {
        return lengths;
    }
    // A line whose number has changed is another line.
    let mut known: BTreeSet<LineId> = BTreeSet::new();
    let path = reports.join(LATEST).join(journal::FILE_NAME);
    let scanned = journal::scan(&path, |event| match event.kind {
        EventKind::RunStarted(header) if header.plan == plan.name => {
            let before: BTreeMap<_, _> = header.lines.iter().map(|line| (&line.id, &line.number)).collect();
            let same = plan.lines.iter().map(|planned| &planned.line);
            let same = same.filter(|line| before.get(&line.id) == Some(&&line.number));
            known = same.map(|line| line.id.clone()).collect();
        }
        EventKind::CallEnded(record) if known.contains(&record.line) => {
            let call = job::report(&record);
            let of_the_line =
                |blame: Blame| !blame.is_bench() && !matches!(blame, Blame::Policy | Blame::Lineman);
            if call.fault.is_none_or(|fault| of_the_line(fault.blame())) {
                *lengths.entry(call.line).or_default() += call.took;
            }
        }
        _ => {}
    });
    if let Err(error) = scanned {
        tracing::debug!("no experience of an earlier run: {error}");
    }
    lengths
}
