//! A whole run in one JSON object: its summary, and its tables with each cell as a figure, a word or null.
//!
//! A row of a table stands on a line of its own, so that nights can be searched and compared line by line.

use serde::Serialize;

use super::columns::Cell;
use super::tables::{self, Sink};
use super::{ReportError, RunState, SCHEMA, Table, cell, cost, summary_json};

/// Columns in which every row of a run says the same: the summary has them.
const OF_THE_RUN: [&str; 3] = ["schema", "run", "plan"];
/// Milliseconds in a second.
const MS_PER_S: f64 = 1000.0;

/// A run as one object.
///
/// # Errors
/// It has no JSON form: a defect.
pub fn bytes(state: &RunState) -> Result<Vec<u8>, ReportError> {
    let mut out = format!("{{\n\"schema\": {SCHEMA},\n\"summary\": ").into_bytes();
    out.extend_from_slice(summary_json::bytes(state)?.trim_ascii_end());
    for table in Table::ALL {
        out.extend_from_slice(format!(",\n\"{}\": [", table.word()).as_bytes());
        let mut rows = Rows { out, first_row: true, first_cell: true };
        tables::walk(table, state, &mut rows)?;
        out = rows.out;
        out.extend_from_slice(b"\n]");
    }
    out.extend_from_slice(b"\n}\n");
    Ok(out)
}

/// Rows of one table as a JSON list, a row a line, from the `skip`th on and no more than `max`; and how many the table has.
///
/// # Errors
/// They have no JSON form: a defect.
pub fn rows(
    table: Table,
    state: &RunState,
    skip: usize,
    max: usize,
) -> Result<(Vec<u8>, usize), ReportError> {
    let mut part =
        Part { rows: Rows { out: b"[".to_vec(), first_row: true, first_cell: true }, skip, max, seen: 0 };
    tables::walk(table, state, &mut part)?;
    let Part { rows: Rows { mut out, .. }, seen, .. } = part;
    out.extend_from_slice(b"\n]");
    Ok((out, seen))
}

/// Some of the rows.
struct Part {
    rows: Rows,
    skip: usize,
    max: usize,
    seen: usize,
}

impl Part {
    const fn is_wanted(&self) -> bool {
        self.seen >= self.skip && self.seen - self.skip < self.max
    }
}

impl Sink for Part {
    type Error = serde_json::Error;

    fn columns(&mut self, names: &mut dyn Iterator<Item = &'static str>) -> serde_json::Result<()> {
        self.rows.columns(names)
    }

    fn cell(&mut self, column: &'static str, cell: &Cell<'_>) -> serde_json::Result<()> {
        if self.is_wanted() { self.rows.cell(column, cell) } else { Ok(()) }
    }

    fn end_row(&mut self) -> serde_json::Result<()> {
        let wanted = self.is_wanted();
        self.seen += 1;
        if wanted { self.rows.end_row() } else { Ok(()) }
    }
}

/// The rows of one table, as objects.
struct Rows {
    out: Vec<u8>,
    first_row: bool,
    first_cell: bool,
}

impl Rows {
    fn value(&mut self, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
        serde_json::to_writer(&mut self.out, value)
    }

    /// Free text; where there is none, null, as the cell of the table is empty.
    fn text(&mut self, text: &str) -> serde_json::Result<()> {
        self.value(&Some(cell::one_line(text)).filter(|text| !text.is_empty()))
    }
}

impl Sink for Rows {
    type Error = serde_json::Error;

    fn columns(&mut self, _names: &mut dyn Iterator<Item = &'static str>) -> serde_json::Result<()> {
        Ok(())
    }

    fn cell(&mut self, column: &'static str, cell: &Cell<'_>) -> serde_json::Result<()> {
        if OF_THE_RUN.contains(&column) {
            return Ok(());
        }
        let before: &[u8] = match (self.first_cell, self.first_row) {
            (false, _) => b",",
            (true, false) => b",\n{",
            (true, true) => b"\n{",
        };
        self.out.extend_from_slice(before);
        self.first_cell = false;
        self.value(column)?;
        self.out.push(b':');
        match cell {
            Cell::Absent => self.value(&()),
            Cell::Word(word) => self.value(word),
            Cell::Text(text) => self.text(text),
            Cell::Owned(text) => self.text(text),
            Cell::Figure(figure) => self.value(figure),
            Cell::Signed(figure) => self.value(figure),
            Cell::Money(money) => self.value(&cost::decimal(*money)),
            Cell::Seconds(ms) => self.value(&(*ms as f64 / MS_PER_S)),
            Cell::Time(at) => self.value(&format!("{at:.3}")),
        }
    }

    fn end_row(&mut self) -> serde_json::Result<()> {
        self.out.push(b'}');
        (self.first_row, self.first_cell) = (false, true);
        Ok(())
    }
}
