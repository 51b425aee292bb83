//! A CSV file as somebody exported it: its header and its rows, each with its place.

use std::path::Path;

use crate::config::problem::{Place, Problem};
use crate::config::source;

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// The file, as it is said.
    pub(super) file: String,
    /// Names of its columns.
    pub(super) header: Vec<String>,
    /// Its rows, blank ones left out.
    pub(super) rows: Vec<Row>,
}

/// A row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Line in the file, from 1.
    pub(super) line: usize,
    /// As many cells as the header has.
    pub(super) cells: Vec<String>,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// It can't be read, or is no table.
    pub(super) fn read(path: &Path) -> Result<Self, Vec<Problem>> {
        let text = source::read(path).map_err(|problem| vec![problem])?;
        Self::of(source::shown(path), &text)
    }

    /// Of the text of a file. Commas, semicolons or tabs stand between cells: whichever its header has most of.
    pub(super) fn of(file: String, text: &str) -> Result<Self, Vec<Problem>> {
        let at = |line: usize| Place { file: file.clone(), line: Some(line), key: String::new() };
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        // What stands between quotes is no separator: only the pieces outside are counted.
        let outside = || first.split('"').step_by(2).flat_map(str::bytes);
        let delimiter =
            [b'\t', b';', b','].into_iter().max_by_key(|&b| outside().filter(|&c| c == b).count());
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.unwrap_or(b','))
            .flexible(true)
            .has_headers(false)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let (mut header, mut rows, mut problems) = (None, Vec::new(), Vec::new());
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(1, |place| place.line() as usize);
                    problems.push(Problem::new(at(line), "is no row of a CSV file"));
                    continue;
                }
            };
            if record.iter().all(str::is_empty) {
                continue;
            }
            let line = record.position().map_or(1, |place| place.line() as usize);
            let cells: Vec<String> = record.iter().map(ToOwned::to_owned).collect();
            let Some(names) = &header else {
                header = Some(cells);
                continue;
            };
            let wanted: usize = Vec::len(names);
            if cells.len() == wanted {
                rows.push(Row { line, cells });
            } else {
                let what = format!(
                    "the row has {} cells and the header {wanted}; is a quote or a separator missing?",
                    cells.len()
                );
                problems.push(Problem::new(at(line), what));
            }
        }
        match header {
            None => Err(vec![Problem::new(Place::file(file), "is empty; its first row names the columns")]),
            Some(_) if !problems.is_empty() => Err(problems),
            Some(header) => Ok(Self { file, header, rows }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_whatever_stands_between_its_cells() {
        for (text, cells) in [
            ("a,b\r\n1,2\r\n", ["1", "2"]),
            ("a;b\n\n1;\"2,5; x\"\n", ["1", "2,5; x"]),
            ("\"a, or b\"\tb\n 1 \t2\n\t\n", ["1", "2"]),
        ] {
            let table = Table::of("x.csv".to_owned(), text).unwrap();
            assert_eq!(table.rows.last().unwrap().cells, cells, "{text:?}");
        }
        let wrong = Table::of("x.csv".to_owned(), "a,b\n1\n1,2\n1,2,3\n").unwrap_err();
        let told: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        assert!(
            told[0].starts_with("x.csv:2: the row has 1 cells") && told[1].starts_with("x.csv:4:"),
            "{told:?}"
        );
        assert!(Table::of("x.csv".to_owned(), "\n").is_err());
    }
}
