//! lines.csv, calls.csv, consoles.csv and modems.csv as bytes: RFC 4180 with its CRLF, a header always, an empty cell for what is
//! absent.

use csv::{Terminator, Writer, WriterBuilder};

use super::cell;
use super::columns::{CALLS, CONSOLES, Cell, Column, ConsoleRow, LINES, MODEMS, ModemRow, Row};
use super::consoles;
use super::{LineState, RunState};
use crate::model::charge::ChargeSum;
use crate::model::{Line, PhaseTimes};

/// Bytes of a usual row, to spare growing.
const ROW_BYTES: usize = 512;

/// The judged lines, in the order of the plan. Lines without a verdict have no row yet: a reader of a live run can
/// take every row for a finding.
pub(super) fn lines(state: &RunState) -> csv::Result<Vec<u8>> {
    let mut table = table(&LINES, state.header().lines.len())?;
    for (line, known) in state.lines() {
        if let Some(row) = line_row(state, line, known) {
            for column in &LINES {
                write(&mut table, &(column.cell)(&row))?;
            }
            end_row(&mut table)?;
        }
    }
    finish(table)
}

/// The finished calls: lines in the order of the plan, calls of a line in the order of their attempts.
pub(super) fn calls(state: &RunState) -> csv::Result<Vec<u8>> {
    let mut table = table(&CALLS, usize::try_from(state.calls_ended()).unwrap_or(0))?;
    for (line, known) in state.lines() {
        let mut calls: Vec<_> = known.calls.iter().collect();
        calls.sort_by_key(|call| call.attempt);
        for call in calls {
            let row = Row {
                state,
                line,
                fault: call.fault,
                detail: &call.detail,
                attempts: call.attempt,
                call: Some(call),
                times: PhaseTimes::of(&call.timeline),
                charges: ChargeSum::of([call.charge]),
                changed: None,
            };
            for column in &CALLS {
                write(&mut table, &(column.cell)(&row))?;
            }
            end_row(&mut table)?;
        }
    }
    finish(table)
}

/// The consoles of the judged lines: lines and consoles in the order of the plan.
pub(super) fn consoles(state: &RunState) -> csv::Result<Vec<u8>> {
    let mut table = table(&CONSOLES, state.header().lines.len())?;
    for (line, known) in state.lines() {
        for found in consoles::of_line(line, known) {
            let row = ConsoleRow { state, found };
            for column in &CONSOLES {
                write(&mut table, &(column.cell)(&row))?;
            }
            end_row(&mut table)?;
        }
    }
    finish(table)
}

/// All modems of the bank, in its order.
pub(super) fn modems(state: &RunState) -> csv::Result<Vec<u8>> {
    let mut table = table(&MODEMS, state.modems().len())?;
    for modem in state.modems() {
        let row = ModemRow { state, modem };
        for column in &MODEMS {
            write(&mut table, &(column.cell)(&row))?;
        }
        end_row(&mut table)?;
    }
    finish(table)
}

fn line_row<'a>(state: &'a RunState, line: &'a Line, known: &'a LineState) -> Option<Row<'a>> {
    let verdict = known.verdict.as_ref()?;
    let call = known.deciding();
    Some(Row {
        state,
        line,
        fault: verdict.fault,
        detail: &verdict.detail,
        attempts: verdict.attempts,
        call,
        times: call.map(|call| PhaseTimes::of(&call.timeline)).unwrap_or_default(),
        charges: known.charges(),
        changed: state.changed(&line.id),
    })
}

fn table<F>(columns: &[Column<F>], rows: usize) -> csv::Result<Writer<Vec<u8>>> {
    let mut table = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::with_capacity(ROW_BYTES.saturating_mul(rows + 1)));
    table.write_record(columns.iter().map(|column| column.name))?;
    Ok(table)
}

fn write(table: &mut Writer<Vec<u8>>, cell: &Cell<'_>) -> csv::Result<()> {
    match cell {
        Cell::Absent => table.write_field(""),
        Cell::Word(word) => table.write_field(word),
        Cell::Text(text) => table.write_field(cell::text(text)),
        Cell::Owned(text) => table.write_field(cell::text(text)),
        Cell::Figure(figure) => table.write_field(figure.to_string()),
        Cell::Signed(figure) => table.write_field(figure.to_string()),
        Cell::Money(money) => table.write_field(money.to_string()),
        Cell::Seconds(ms) => table.write_field(format!("{}.{:03}", ms / 1000, ms % 1000)),
        Cell::Time(at) => table.write_field(format!("{at:.3}")),
    }
}

fn end_row(table: &mut Writer<Vec<u8>>) -> csv::Result<()> {
    table.write_record(None::<&[u8]>)
}

fn finish(table: Writer<Vec<u8>>) -> csv::Result<Vec<u8>> {
    table.into_inner().map_err(|error| csv::Error::from(std::io::Error::from(error.error().kind())))
}
