//! The table of all lines: a row each. Kept short, since there may be thousands: a cell's place says what it is.

use serde::Serialize;

use super::super::{LineState, RunState, news};
use super::words::{clean, seconds};
use crate::model::usual::Figures;
use crate::model::{Change, Fault, Line, PhaseTimes, Verdict};

/// One line. An absent figure is an empty cell.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    line: &'a str,
    site: &'a str,
    number: &'a str,
    /// A result's word; empty as long as there is none.
    result: &'static str,
    fault: &'static str,
    blame: &'static str,
    /// [`Change::word`]; empty where it passed as before, or nothing is known.
    change: &'static str,
    /// What changed of it, as a mark for people: `NEW`, `3rd run since ...`.
    mark: String,
    detail: String,
    modem: &'a str,
    attempts: u32,
    /// Dial command .. CONNECT, s.
    connect: String,
    /// The slower way's rate, bit/s.
    rate: String,
}

/// The words of what can change, but for those that stand in no row.
pub(super) fn changes() -> Vec<&'static str> {
    let in_a_row = |change: &Change| !matches!(change, Change::Same | Change::GoneLine);
    Change::ALL.into_iter().filter(in_a_row).map(Change::word).collect()
}

pub(super) fn rows(state: &RunState) -> Vec<Row<'_>> {
    state.lines().map(|(line, known)| row(state, line, known)).collect()
}

fn row<'a>(state: &RunState, line: &'a Line, known: &'a LineState) -> Row<'a> {
    let verdict = known.verdict.as_ref();
    let fault = verdict.and_then(|verdict| verdict.fault);
    let call = known.deciding();
    let times = call.map(|call| PhaseTimes::of(&call.timeline));
    let changed = state.changed(&line.id);
    Row {
        line: line.id.as_str(),
        site: line.site.as_str(),
        number: line.number.as_str(),
        result: verdict.map_or("", |_| Verdict::of(fault).word()),
        fault: fault.map_or("", Fault::code),
        blame: fault.map_or("", |fault| fault.blame().word()),
        change: changed
            .as_ref()
            .map(|changed| changed.change)
            .filter(|change| *change != Change::Same)
            .map_or("", Change::word),
        mark: changed.as_ref().and_then(news::mark).unwrap_or_default(),
        detail: verdict.map(|verdict| clean(&verdict.detail)).unwrap_or_default(),
        modem: call.map_or("", |call| call.modem.as_str()),
        attempts: verdict.map_or(known.attempts_begun, |verdict| verdict.attempts),
        connect: times.and_then(|times| times.dialed_to_connect_ms).map(seconds).unwrap_or_default(),
        rate: call
            .and_then(|call| Figures::of(call).connect_bps)
            .map(|rate| rate.to_string())
            .unwrap_or_default(),
    }
}
