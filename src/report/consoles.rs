//! The consoles behind lines: what is said of each once its line is judged, and how many there are of which kind.

use super::{LineState, RunState};
use crate::model::event::ConsoleRecord;
use crate::model::{CallRecord, Fault, Line, Verdict};

/// One console of a judged line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) line: &'a Line,
    pub(super) name: &'a str,
    /// What the line came to.
    pub(super) line_fault: Option<Fault>,
    /// The call that tells of it, and what it tells; absent if no call was made.
    pub(super) by: Option<(&'a CallRecord, &'a ConsoleRecord)>,
}

impl Found<'_> {
    pub(super) fn fault(&self) -> Option<Fault> {
        self.by.map_or(Some(Fault::Skipped), |(_, record)| record.fault)
    }

    pub(super) fn detail(&self) -> String {
        match (self.by, self.line_fault) {
            (Some((_, record)), _) => record.detail.clone(),
            (None, Some(fault)) => format!("not reached: {fault}"),
            (None, None) => "not reached".to_owned(),
        }
    }

    /// What to do about it; where it was not reached, the line's own advice says that.
    pub(super) fn advice(&self) -> Option<&'static str> {
        self.fault().filter(|fault| *fault != Fault::Skipped).map(Fault::advice)
    }
}

/// Each console of a judged line, in the order of the plan, as the call that decided found it; where that one did not come to
/// it, as the last one that did.
pub(super) fn of_line<'a>(line: &'a Line, known: &'a LineState) -> impl Iterator<Item = Found<'a>> {
    let judged = known.verdict.as_ref();
    line.facets.consoles.iter().filter(move |_| judged.is_some()).map(move |name| {
        let in_call = move |call: &'a CallRecord| {
            call.consoles.iter().find(|record| record.console == *name).map(|record| (call, record))
        };
        let deciding = known.deciding().and_then(in_call);
        let seen = |(_, record): &(&CallRecord, &ConsoleRecord)| record.fault != Some(Fault::Skipped);
        let others = known.calls.iter().filter_map(in_call).filter(seen);
        let by = deciding.filter(seen).or_else(|| others.max_by_key(|(call, _)| call.attempt)).or(deciding);
        Found { line, name, line_fault: judged.and_then(|verdict| verdict.fault), by }
    })
}

/// Consoles by their result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct ConsoleCounts {
    /// All of the plan.
    pub(super) total: u64,
    pub(super) pass: u64,
    pub(super) degraded: u64,
    pub(super) fail: u64,
    pub(super) untested: u64,
}

impl ConsoleCounts {
    /// Those of the lines that are judged; all of them are in `total`.
    pub(super) fn of(state: &RunState) -> Self {
        let mut counts = Self::default();
        for (line, known) in state.lines() {
            counts.total += line.facets.consoles.len() as u64;
            for found in of_line(line, known) {
                let slot = match Verdict::of(found.fault()) {
                    Verdict::Pass => &mut counts.pass,
                    Verdict::Degraded => &mut counts.degraded,
                    Verdict::Fail => &mut counts.fail,
                    Verdict::Untested => &mut counts.untested,
                };
                *slot += 1;
            }
        }
        counts
    }
}

/// Whether the plan has any.
pub(super) fn any(state: &RunState) -> bool {
    state.header().lines.iter().any(|line| !line.facets.consoles.is_empty())
}
