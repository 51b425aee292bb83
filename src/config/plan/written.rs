//! Lines and sites as they were written, inline or in a CSV file, each with its place.

use std::path::Path;

use super::file::{LineFile, SiteFile};
use crate::config::problem::{Place, Problem, list, quoted, suggestion};
use crate::config::source;
use crate::config::yaml::Doc;

/// What a row of a CSV file becomes; the same names are keys where it is written inline.
pub(super) trait Row: Default {
    /// Names of the columns.
    const COLUMNS: &'static [&'static str];
    /// Those that there must be.
    const NEEDED: &'static [&'static str];

    /// Puts a cell in; `column` is one of [`Self::COLUMNS`].
    fn set(&mut self, column: &str, cell: &str);
}

/// A line as it was written.
pub(super) type WrittenLine = Written<LineFile>;
/// A site as it was written.
pub(super) type WrittenSite = Written<SiteFile>;

/// Something as it was written, with its place.
pub(super) struct Written<T> {
    pub(super) file: T,
    at: At,
}

enum At {
    /// The way to it in the plan: `lines[3]`, `sites.BR0001`.
    Inline(String),
    Csv {
        file: String,
        line: usize,
    },
}

impl<T> Written<T> {
    /// Where a key of it is.
    pub(super) fn place(&self, key: &str, doc: &Doc) -> Place {
        match &self.at {
            At::Inline(way) if key.is_empty() => doc.place(way),
            At::Inline(way) => doc.place(&format!("{way}.{key}")),
            At::Csv { file, line } => Place { file: file.clone(), line: Some(*line), key: key.to_owned() },
        }
    }

    /// Notes a problem of a key.
    pub(super) fn problem(&self, key: &str, what: impl Into<String>, doc: &Doc) {
        doc.push(Problem::new(self.place(key, doc), what));
    }

    /// Notes that a key is missing, unless what stood there was told as wrong already.
    pub(super) fn missing(&self, key: &str, what: &str, doc: &Doc) {
        if !self.is_pruned(key, doc) {
            self.problem(key, what, doc);
        }
    }

    /// A list that stands under one of its keys; `example` says what an empty item should be.
    pub(super) fn children<U>(
        &self,
        files: Vec<Option<U>>,
        key: &str,
        example: &str,
        doc: &Doc,
    ) -> Vec<Written<U>> {
        let At::Inline(way) = &self.at else { return Vec::new() };
        let mut found = Vec::with_capacity(files.len());
        for (index, file) in files.into_iter().enumerate() {
            let way = format!("{way}.{key}[{index}]");
            match file {
                Some(file) => found.push(Written { file, at: At::Inline(way) }),
                None if doc.is_pruned(&way) => {}
                None => doc.problem(&way, example),
            }
        }
        found
    }

    /// Whether it stands in the plan itself.
    pub(super) const fn is_inline(&self) -> bool {
        matches!(self.at, At::Inline(_))
    }

    /// Whether something was written at this key, told as wrong and taken out.
    pub(super) fn is_pruned(&self, key: &str, doc: &Doc) -> bool {
        matches!(&self.at, At::Inline(way) if doc.is_pruned(&format!("{way}.{key}")))
    }
}

/// Lines of a plan's own list.
pub(super) fn lines(files: Vec<Option<LineFile>>, doc: &Doc) -> Vec<WrittenLine> {
    let mut lines = Vec::with_capacity(files.len());
    for (index, file) in files.into_iter().enumerate() {
        let way = format!("lines[{index}]");
        match file {
            Some(file) => lines.push(Written { file, at: At::Inline(way) }),
            None if doc.is_pruned(&way) => {}
            None => {
                doc.problem(&way, "is empty; write `{ id: NAME, site: SITE, number: \"+1 919 555 0101\" }`");
            }
        }
    }
    lines
}

/// Sites of a plan's own mapping; each knows its name.
pub(super) fn sites(
    files: impl IntoIterator<Item = (String, Option<SiteFile>)>,
    doc: &Doc,
) -> Vec<WrittenSite> {
    let mut sites = Vec::new();
    for (name, file) in files {
        let way = format!("sites.{name}");
        match file {
            Some(file) => {
                sites.push(Written { file: SiteFile { site: Some(name), ..file }, at: At::Inline(way) });
            }
            None if doc.is_pruned(&way) => {}
            None => {
                doc.problem(&way, "is empty; write what holds for the site, as `{ zone: America/New_York }`");
            }
        }
    }
    sites
}

/// Rows of a CSV file: a header with our names, one row each. `;` and tabs are taken where the header has them, since
/// spreadsheets of many countries write them. `key` of the plan names the file.
pub(super) fn csv<T: Row>(plan: &Path, key: &str, name: &str, doc: &Doc) -> Vec<Written<T>> {
    let path = &source::beside(plan, name);
    let text = match source::read(path) {
        Ok(text) => text,
        // Whoever has to mend it must find where it is named.
        Err(Problem { at: Place { file, line: None, .. }, what }) => {
            doc.problem(key, format!("{file}: {what}; a table is looked for from the plan's folder"));
            return Vec::new();
        }
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
        let known = list(T::COLUMNS.iter().copied());
        doc.push(Problem::new(at(1, ""), format!("is empty; its first row names the columns: {known}")));
        return Vec::new();
    };
    let columns = columns::<T>(&header, |key, what| doc.push(Problem::new(at(1, key), what)));
    let mut found = Vec::new();
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
        let mut written = T::default();
        for (cell, column) in row.iter().zip(&columns) {
            if let Some(column) = column.filter(|_| !cell.is_empty()) {
                written.set(column, cell);
            }
        }
        found.push(Written { file: written, at: At::Csv { file: file.clone(), line } });
    }
    found
}

/// For each cell of the header the column of ours that it names.
fn columns<T: Row>(
    header: &csv::StringRecord,
    mut problem: impl FnMut(&str, String),
) -> Vec<Option<&'static str>> {
    let mut found: Vec<Option<&'static str>> = Vec::new();
    let known = list(T::COLUMNS.iter().copied());
    for name in header {
        let column = T::COLUMNS.iter().copied().find(|column| *column == name);
        match column {
            None => {
                let near = suggestion(name, T::COLUMNS.iter().copied());
                problem("", format!("unknown column {}{near}; known are {known}", quoted(name)));
            }
            Some(_) if found.contains(&column) => problem(name, "the column stands twice".to_owned()),
            Some(_) => {}
        }
        found.push(column);
    }
    for needed in T::NEEDED {
        if !header.iter().any(|name| name == *needed) {
            problem(needed, format!("the column is missing; the first row must name it ({known})"));
        }
    }
    found
}
