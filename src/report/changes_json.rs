//! What changed, in one object for programs: a part of summary.json, and the whole of `lineman report diff --format json`.
//! Keys are stable; they are documented in `reports/SCHEMA.md`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::changes::{Change, Changed, Changes};
use crate::model::{Fault, RunId, Verdict};

/// What changed of all lines.
#[derive(Debug, Serialize)]
pub struct ChangesJson<'a> {
    against: Option<&'a str>,
    counts: BTreeMap<&'static str, u64>,
    new_failures: Vec<Line<'a>>,
    newly_degraded: Vec<Line<'a>>,
    recovered: Vec<Line<'a>>,
    flapping: Vec<Line<'a>>,
    stale: Vec<Line<'a>>,
    new_lines: Vec<Line<'a>>,
    gone_lines: Vec<Line<'a>>,
    still_failing: Vec<Line<'a>>,
    still_degraded: Vec<Line<'a>>,
    untested: Vec<Line<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    #[serde(rename = "line")]
    name: &'a str,
    site: Option<&'a str>,
    now: Option<&'static str>,
    was: Option<&'static str>,
    nights: Option<u32>,
    since: Option<String>,
    last_tested: Option<String>,
    first: bool,
}

impl<'a> From<&'a Changes> for ChangesJson<'a> {
    fn from(changes: &'a Changes) -> Self {
        let lines = |change| changes.lines(change).iter().map(line).collect();
        Self {
            against: changes.against.as_ref().map(RunId::as_str),
            counts: Change::ALL.map(|change| (change.word(), changes.count(change))).into(),
            new_failures: lines(Change::NewFailure),
            newly_degraded: lines(Change::NewlyDegraded),
            recovered: lines(Change::Recovered),
            flapping: lines(Change::Flapping),
            stale: lines(Change::Stale),
            new_lines: lines(Change::NewLine),
            gone_lines: lines(Change::GoneLine),
            still_failing: lines(Change::StillFailing),
            still_degraded: lines(Change::StillDegraded),
            untested: lines(Change::Untested),
        }
    }
}

fn line(changed: &Changed) -> Line<'_> {
    Line {
        name: changed.line.as_str(),
        site: changed.site.as_ref().map(crate::model::SiteId::as_str),
        now: changed.now.map(|now| word(now.fault)),
        was: changed.last.as_ref().map(|last| word(last.fault)),
        nights: changed.nights(),
        since: changed.now.and_then(|now| now.since).map(stamp),
        last_tested: changed.last.as_ref().map(|last| stamp(last.at)),
        first: changed.first,
    }
}

/// A finding in a word: the fault, or `pass`.
pub(super) fn word(fault: Option<Fault>) -> &'static str {
    fault.map_or(Verdict::Pass.word(), Fault::code)
}

fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The columns of `lineman report diff --format csv`.
pub const DIFF_COLUMNS: [&str; 8] =
    ["change", "line", "site", "now", "was", "nights", "since", "last_tested"];

/// Its rows: all lines but those that passed as before.
pub fn diff_rows(changes: &Changes) -> impl Iterator<Item = [String; 8]> {
    changes.all().filter(|changed| changed.change != Change::Same).map(|changed| {
        let line = line(changed);
        let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
        [
            changed.change.word().to_owned(),
            line.name.to_owned(),
            text(line.site),
            text(line.now),
            text(line.was),
            line.nights.map(|nights| nights.to_string()).unwrap_or_default(),
            line.since.unwrap_or_default(),
            line.last_tested.unwrap_or_default(),
        ]
    })
}
