//! The tables of a run, lines, calls, consoles and modems: what rows each has, and how they are written as CSV.
//!
//! What columns there are is `columns`'.

use csv::{Terminator, Writer, WriterBuilder};

use super::cell;
use super::columns::{CALLS, CONSOLES, Cell, ConsoleRow, LINES, MODEMS, ModemRow, Row};
use super::consoles;
use super::{LineState, ReportError, RunState};
use crate::model::charge::ChargeSum;
use crate::model::{Line, PhaseTimes};

/// Bytes of a usual row, to spare growing.
const ROW_BYTES: usize = 512;

/// A table of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// One row a line: the verdict.
    Lines,
    /// One row a call that has ended.
    Calls,
    /// One row a console behind a console server.
    Consoles,
    /// One row a modem of the bank.
    Modems,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Lines, Self::Calls, Self::Consoles, Self::Modems];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Calls => "calls",
            Self::Consoles => "consoles",
            Self::Modems => "modems",
        }
    }

    /// Its file's name within the run's folder.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Lines => "lines.csv",
            Self::Calls => "calls.csv",
            Self::Consoles => "consoles.csv",
            Self::Modems => "modems.csv",
        }
    }

    /// The table as CSV: RFC 4180, UTF-8, a header always.
    ///
    /// # Errors
    /// It has no CSV form: a defect.
    pub fn bytes(self, state: &RunState) -> Result<Vec<u8>, ReportError> {
        let rows = match self {
            Self::Lines | Self::Consoles => state.header().lines.len(),
            Self::Calls => usize::try_from(state.calls_ended()).unwrap_or(0),
            Self::Modems => state.modems().len(),
        };
        let mut csv = Csv::new(rows);
        let walked = walk(self, state, &mut csv);
        walked.and_then(|()| csv.finish()).map_err(|source| ReportError::Csv { file: self.file(), source })
    }
}

/// Where the cells of a table go, row by row.
pub(super) trait Sink {
    /// Why it could not take one.
    type Error;

    /// The columns, before the first row.
    fn columns(&mut self, names: &mut dyn Iterator<Item = &'static str>) -> Result<(), Self::Error>;

    /// The next cell of the row.
    fn cell(&mut self, column: &'static str, cell: &Cell<'_>) -> Result<(), Self::Error>;

    /// The row is whole.
    fn end_row(&mut self) -> Result<(), Self::Error>;
}

/// Walks a table of a run.
///
/// # Errors
/// The sink's.
pub(super) fn walk<S: Sink>(table: Table, state: &RunState, sink: &mut S) -> Result<(), S::Error> {
    match table {
        Table::Lines => lines(state, sink),
        Table::Calls => calls(state, sink),
        Table::Consoles => consoles(state, sink),
        Table::Modems => modems(state, sink),
    }
}

/// The judged lines, in the order of the plan. Lines without a verdict have no row yet: a reader of a live run can
/// take every row for a finding.
fn lines<S: Sink>(state: &RunState, sink: &mut S) -> Result<(), S::Error> {
    sink.columns(&mut LINES.iter().map(|column| column.name))?;
    for (line, known) in state.lines() {
        if let Some(row) = line_row(state, line, known) {
            for column in &LINES {
                sink.cell(column.name, &(column.cell)(&row))?;
            }
            sink.end_row()?;
        }
    }
    Ok(())
}

/// The finished calls: lines in the order of the plan, calls of a line in the order of their attempts.
fn calls<S: Sink>(state: &RunState, sink: &mut S) -> Result<(), S::Error> {
    sink.columns(&mut CALLS.iter().map(|column| column.name))?;
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
                sink.cell(column.name, &(column.cell)(&row))?;
            }
            sink.end_row()?;
        }
    }
    Ok(())
}

/// The consoles of the judged lines: lines and consoles in the order of the plan.
fn consoles<S: Sink>(state: &RunState, sink: &mut S) -> Result<(), S::Error> {
    sink.columns(&mut CONSOLES.iter().map(|column| column.name))?;
    for (line, known) in state.lines() {
        for found in consoles::of_line(line, known) {
            let row = ConsoleRow { state, found };
            for column in &CONSOLES {
                sink.cell(column.name, &(column.cell)(&row))?;
            }
            sink.end_row()?;
        }
    }
    Ok(())
}

/// All modems of the bank, in its order.
fn modems<S: Sink>(state: &RunState, sink: &mut S) -> Result<(), S::Error> {
    sink.columns(&mut MODEMS.iter().map(|column| column.name))?;
    for modem in state.modems() {
        let row = ModemRow { state, modem };
        for column in &MODEMS {
            sink.cell(column.name, &(column.cell)(&row))?;
        }
        sink.end_row()?;
    }
    Ok(())
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

/// CSV: RFC 4180 with its CRLF, an empty cell for what is absent.
struct Csv(Writer<Vec<u8>>);

impl Csv {
    fn new(rows: usize) -> Self {
        let room = Vec::with_capacity(ROW_BYTES.saturating_mul(rows + 1));
        Self(WriterBuilder::new().terminator(Terminator::CRLF).from_writer(room))
    }

    fn finish(self) -> csv::Result<Vec<u8>> {
        self.0.into_inner().map_err(|error| csv::Error::from(std::io::Error::from(error.error().kind())))
    }
}

impl Sink for Csv {
    type Error = csv::Error;

    fn columns(&mut self, names: &mut dyn Iterator<Item = &'static str>) -> csv::Result<()> {
        self.0.write_record(names)
    }

    fn cell(&mut self, _column: &'static str, cell: &Cell<'_>) -> csv::Result<()> {
        let table = &mut self.0;
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

    fn end_row(&mut self) -> csv::Result<()> {
        self.0.write_record(None::<&[u8]>)
    }
}
