//! Lines as they were written, inline or in a CSV file, each with its place.

use std::path::Path;

use super::file::{COLUMNS, LineFile};
use crate::config::problem::{Place, Problem, list, quoted, suggestion};
use crate::config::source;
use crate::config::yaml::Doc;

/// A line as it was written.
pub(super) struct WrittenLine {
    pub(super) file: LineFile,
    at: At,
}

enum At {
    Inline(usize),
    Csv { file: String, line: usize },
}

impl WrittenLine {
    /// Where a key of it is.
    pub(super) fn place(&self, key: &str, doc: &Doc) -> Place {
        match &self.at {
            At::Inline(index) => doc.place(&format!("lines[{index}].{key}")),
            At::Csv { file, line } => Place { file: file.clone(), line: Some(*line), key: key.to_owned() },
        }
    }

    /// Notes a problem of a key.
    pub(super) fn problem(&self, key: &str, what: impl Into<String>, doc: &Doc) {
        doc.push(Problem::new(self.place(key, doc), what));
    }

    /// Notes that a key is missing, unless what stood there was told as wrong already.
    pub(super) fn missing(&self, key: &str, what: &str, doc: &Doc) {
        let told = matches!(self.at, At::Inline(index) if doc.is_pruned(&format!("lines[{index}].{key}")));
        if !told {
            self.problem(key, what, doc);
        }
    }
}

/// Lines of a plan's own list.
pub(super) fn inline(files: Vec<Option<LineFile>>, doc: &Doc) -> Vec<WrittenLine> {
    let mut lines = Vec::with_capacity(files.len());
    for (index, file) in files.into_iter().enumerate() {
        match file {
            Some(file) => lines.push(WrittenLine { file, at: At::Inline(index) }),
            None if doc.is_pruned(&format!("lines[{index}]")) => {}
            None => doc.problem(
                &format!("lines[{index}]"),
                "is empty; write `{ id: NAME, site: SITE, number: \"+1 919 555 0101\" }`",
            ),
        }
    }
    lines
}

/// Lines of a CSV file: a header with our names, one row a line. `;` and tabs are taken where the header has them, since
/// spreadsheets of many countries write them.
pub(super) fn csv(path: &Path, doc: &Doc) -> Vec<WrittenLine> {
    let text = match source::read(path) {
        Ok(text) => text,
        Err(problem) => {
            doc.push(problem);
            return Vec::new();
        }
    };
    let file = source::shown(path);
    let at = |line: usize, key: &str| Place { file: file.clone(), line: Some(line), key: key.to_owned() };
    let header = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().find(|&d| header.contains(char::from(d))).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = reader.records();
    let Some(Ok(header)) = rows.next() else {
        doc.push(Problem::new(
            at(1, ""),
            format!("is empty; its first row names the columns: {}", list(COLUMNS)),
        ));
        return Vec::new();
    };
    let columns = columns(&header, |key, what| doc.push(Problem::new(at(1, key), what)));
    let mut lines = Vec::new();
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let line = error.position().map_or(1, |p| p.line() as usize);
                doc.push(Problem::new(at(line, ""), "is no row of a CSV file"));
                continue;
            }
        };
        let line = row.position().map_or(1, |position| position.line() as usize);
        if row.iter().all(str::is_empty) {
            continue;
        }
        if row.len() != columns.len() {
            let what = format!(
                "the row has {} cells and the header {}; is a quote or a separator missing?",
                row.len(),
                columns.len()
            );
            doc.push(Problem::new(at(line, ""), what));
            continue;
        }
        let mut written = LineFile::default();
        for (cell, column) in row.iter().zip(&columns) {
            if let Some(slot) = column.and_then(|column| written.cell(column)) {
                *slot = Some(cell).filter(|cell| !cell.is_empty()).map(str::to_owned);
            }
        }
        lines.push(WrittenLine { file: written, at: At::Csv { file: file.clone(), line } });
    }
    lines
}

/// For each cell of the header the column of ours that it names.
fn columns(header: &csv::StringRecord, mut problem: impl FnMut(&str, String)) -> Vec<Option<usize>> {
    let mut found: Vec<Option<usize>> = Vec::new();
    for name in header {
        let column = COLUMNS.iter().position(|column| *column == name);
        match column {
            None => {
                let near = suggestion(name, COLUMNS);
                problem("", format!("unknown column {}{near}; known are {}", quoted(name), list(COLUMNS)));
            }
            Some(_) if found.contains(&column) => problem(name, "the column stands twice".to_owned()),
            Some(_) => {}
        }
        found.push(column);
    }
    for needed in ["id", "number"] {
        if !header.iter().any(|name| name == needed) {
            problem(needed, format!("the column is missing; the first row must name it ({})", list(COLUMNS)));
        }
    }
    found
}
