//! `lineman report html|csv|json|junit|text`: one run in one format. What it says is the report room's.

use super::written::{self, Run, trouble};
use crate::cli::args::{CsvTable, Table, Written};
use crate::cli::{Failure, screen};
use crate::report::html::Transcripts;
use crate::report::page::Style;
use crate::report::{self, summary};

/// Columns of a text that goes into a file.
const FILE_WIDTH: usize = 100;

/// `lineman report html`.
pub(super) fn html(args: &Written) -> Result<u8, Failure> {
    written::write(args, |run| {
        // What consoles said is in the events alone: nothing of the run's folder is needed.
        let said = Transcripts::of(&run.named.events);
        let page = report::html::page(&run.state, &said).map_err(|error| trouble(&error.into()))?;
        Ok(page.into_bytes())
    })
}

/// `lineman report csv`.
pub(super) fn csv(args: &CsvTable) -> Result<u8, Failure> {
    let table = match args.table {
        Table::Lines => report::Table::Lines,
        Table::Calls => report::Table::Calls,
        Table::Consoles => report::Table::Consoles,
        Table::Modems => report::Table::Modems,
    };
    written::write(&args.written, |run| table.bytes(&run.state).map_err(|error| trouble(&error)))
}

/// `lineman report json`.
pub(super) fn json(args: &Written) -> Result<u8, Failure> {
    written::write(args, |run| report::json::bytes(&run.state).map_err(|error| trouble(&error)))
}

/// `lineman report junit`.
pub(super) fn junit(args: &Written) -> Result<u8, Failure> {
    written::write(args, |run| report::junit::bytes(&run.state).map_err(|error| trouble(&error)))
}

/// `lineman report text`.
pub(super) fn text(args: &Written) -> Result<u8, Failure> {
    let style = match args.output {
        None => screen::style(),
        Some(_) => Style { colour: false, width: FILE_WIDTH },
    };
    written::write(args, |run| Ok(summary::text(&run.state, &files(run), style).into_bytes()))
}

/// The run's files that are there: nothing is written here.
fn files(run: &Run) -> Vec<std::path::PathBuf> {
    let mut files = report::files(&run.state, &run.named.folder);
    files.push(run.named.journal.clone());
    files.retain(|file| file.exists());
    files
}
