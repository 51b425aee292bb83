//! The table of all lines: a row each. Kept short, since there may be thousands: a cell's place says what it is.

use serde::Serialize;

use super::super::{LineState, RunState, news};
use super::words::{clean, seconds};
use crate::model::usual::Figures;
use crate::model::{Fault, Line, PhaseTimes, Verdict};

/// One line. An absent figure is an empty cell.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    line: &'a str,
    site: &'a str,
    /// A result's word; empty as long as there is none.
    result: &'static str,
    fault: &'static str,
    blame: &'static str,
    /// What changed of it, as a mark for people: `NEW`, `3rd run since ...`.
    mark: String,
    detail: String,
    modem: &'a str,
    attempts: u32,
    /// Dial command .. CONNECT, s.
    connect: String,
    /// The slower way's rate, bit/s.
    rate: Option<i64>,
}

pub(super) fn rows(state: &RunState) -> Vec<Row<'_>> {
    state.lines().map(|(line, known)| row(state, line, known)).collect()
}

fn row<'a>(state: &RunState, line: &'a Line, known: &'a LineState) -> Row<'a> {
    let verdict = known.verdict.as_ref();
    let fault = verdict.and_then(|verdict| verdict.fault);
    let call = known.deciding();
    let times = call.map(|call| PhaseTimes::of(&call.timeline));
    Row {
        line: line.id.as_str(),
        site: line.site.as_str(),
        result: verdict.map_or("", |_| Verdict::of(fault).word()),
        fault: fault.map_or("", Fault::code),
        blame: fault.map_or("", |fault| fault.blame().word()),
        mark: state.changed(&line.id).and_then(|changed| news::mark(&changed)).unwrap_or_default(),
        detail: verdict.map(|verdict| clean(&verdict.detail)).unwrap_or_default(),
        modem: call.map_or("", |call| call.modem.as_str()),
        attempts: verdict.map_or(known.attempts_begun, |verdict| verdict.attempts),
        connect: times.and_then(|times| times.dialed_to_connect_ms).map(seconds).unwrap_or_default(),
        rate: call.and_then(|call| Figures::of(call).connect_bps),
    }
}
