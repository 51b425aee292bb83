//! `lineman report`: writes the report of a run again from its journal, or asks the history.

use std::path::PathBuf;

use crate::journal;
use crate::report::{self, exit_code, summary};

use super::args::{self, Asked, ReportVerb};
use super::{Failure, complain, history, import, say, screen};
use crate::history::{Store, Waits};

mod diff;
mod rates;
mod trend;

/// Runs it; the exit code is the run's own.
pub(super) fn run(args: &args::Report) -> Result<u8, Failure> {
    match &args.verb {
        None => again(args),
        Some(ReportVerb::Import(args)) => import::run(args),
        Some(ReportVerb::Diff(args)) => diff::run(args),
        Some(ReportVerb::Trend(args)) => trend::run(args),
        Some(ReportVerb::Rates(args)) => rates::run(args),
    }
}

/// The history that is asked.
fn store(asked: &Asked) -> Result<Store, Failure> {
    let path =
        asked.history.clone().unwrap_or_else(|| folder(asked.reports.as_ref()).join(history::FILE_NAME));
    Store::read(&path, Waits::Patiently).map_err(|error| Failure::wrong(history::trouble(&error)))
}

/// A table as the tables of a run are: RFC 4180, its cells made safe.
fn csv<R: AsRef<[String]>>(columns: &[&str], rows: impl IntoIterator<Item = R>) -> Result<String, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::wrong(format!("the table could not be put together: {error}"))
    };
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    table.write_record(columns).map_err(|error| wrong(&error))?;
    for row in rows {
        table.write_record(row.as_ref()).map_err(|error| wrong(&error))?;
    }
    let bytes = table.into_inner().map_err(|error| wrong(&error))?;
    String::from_utf8(bytes).map_err(|error| wrong(&error))
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Failure::wrong(format!("the answer could not be put together: {error}")))
}

/// Where runs were written.
pub(super) fn folder(named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| PathBuf::from("reports"))
}

fn again(args: &args::Report) -> Result<u8, Failure> {
    let reports = folder(args.reports.as_ref());
    let named = args.run.clone().unwrap_or_else(|| "latest".to_owned());
    let folder = [reports.join(&named), PathBuf::from(&named)].into_iter().find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        return Err(Failure::wrong(format!(
            "there is no run `{named}` in {}; name a run's id, or its folder",
            reports.display()
        )));
    };
    let path = folder.join(journal::FILE_NAME);
    let replay = journal::read(&path).map_err(Failure::wrong)?;
    if let Some(cut) = replay.cut {
        complain(&format!(
            "{}: line {} is cut off, as a crash leaves it; it is left out",
            path.display(),
            cut.line
        ));
    }
    let (state, _) = report::replay(&replay.events, &folder).map_err(Failure::wrong)?;
    let mut files = report::files(&state, &folder);
    files.push(path);
    say(&summary::text(&state, &files, screen::style()));
    Ok(exit_code(&state))
}

/// A probability as people read it: it is never 0.
fn chance(p: f64) -> String {
    match p {
        p if p < 1e-6 => "below 0.000001".to_owned(),
        p if p < 0.001 => format!("{p:.6}"),
        p => format!("{p:.3}"),
    }
}
