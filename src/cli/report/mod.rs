//! `lineman report`: writes the report of a run again from its journal, in all formats or in one; or asks the history.

use std::path::PathBuf;

use super::args::{self, Asked, ReportVerb};
use super::{Failure, import};
use crate::history::{Store, Waits};
use crate::run::history;

mod again;
mod diff;
mod formats;
mod monitor;
mod notify;
mod rates;
pub(super) mod status;
mod trend;
mod written;

/// Runs it. The exit code is the run's own where all its files are written again, and its verb's own else.
pub(super) fn run(args: &args::Report) -> Result<u8, Failure> {
    match &args.verb {
        None => again::run(args),
        Some(ReportVerb::Html(args)) => formats::html(args),
        Some(ReportVerb::Csv(args)) => formats::csv(args),
        Some(ReportVerb::Json(args)) => formats::json(args),
        Some(ReportVerb::Junit(args)) => formats::junit(args),
        Some(ReportVerb::Text(args)) => formats::text(args),
        Some(ReportVerb::Prometheus(args)) => monitor::prometheus(args),
        Some(ReportVerb::Nagios(args)) => monitor::nagios(args),
        Some(ReportVerb::Zabbix(args)) => monitor::zabbix(args),
        Some(ReportVerb::Status(args)) => Ok(status::run(args)),
        Some(ReportVerb::Import(args)) => import::run(args),
        Some(ReportVerb::Diff(args)) => diff::run(args),
        Some(ReportVerb::Trend(args)) => trend::run(args),
        Some(ReportVerb::Rates(args)) => rates::run(args),
        Some(ReportVerb::Notify(args)) => notify::run(args),
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

/// A probability as people read it: it is never 0.
fn chance(p: f64) -> String {
    match p {
        p if p < 1e-6 => "below 0.000001".to_owned(),
        p if p < 0.001 => format!("{p:.6}"),
        p => format!("{p:.3}"),
    }
}
