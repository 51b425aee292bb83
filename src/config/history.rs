//! Where a plan's history is kept, and for how long: `history: { file: ../reports/history.db, keep_calls: 400d }`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::source::beside;
use super::yaml::Doc;
use crate::model::span;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Where the history of a plan's runs is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPlan {
    /// The database; absent: `history.db` in the reports folder.
    pub file: Option<PathBuf>,
    /// How long each call's figures are kept.
    pub keep_calls: Duration,
    /// How long verdicts, modem health and sums are kept; never shorter.
    pub keep_verdicts: Duration,
}

impl Default for HistoryPlan {
    /// A bit more than one year of calls, and three of verdicts.
    fn default() -> Self {
        Self { file: None, keep_calls: DAY * 400, keep_verdicts: DAY * 1100 }
    }
}

/// `history:` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HistoryFile {
    file: Option<String>,
    keep_calls: Option<String>,
    keep_verdicts: Option<String>,
}

impl HistoryFile {
    /// The history, defaults where nothing is written. Its file is looked for beside the plan, like any other.
    pub(super) fn check(&self, plan: &Path, doc: &Doc) -> HistoryPlan {
        let mut history = HistoryPlan::default();
        match self.file.as_deref() {
            Some("") => doc.problem(
                "history.file",
                "is empty; name a file, or leave it out for `history.db` in the reports folder",
            ),
            file => history.file = file.map(|file| beside(plan, file)),
        }
        let written = [
            ("keep_calls", &self.keep_calls, &mut history.keep_calls),
            ("keep_verdicts", &self.keep_verdicts, &mut history.keep_verdicts),
        ];
        for (name, text, keep) in written {
            let Some(text) = text else { continue };
            match span::parse(text) {
                Ok(span) if span < DAY => doc.problem(
                    &format!("history.{name}"),
                    format!("`{text}` is less than a day; then no night could be compared with the last one, write as many days as you want to look back, as `400d`"),
                ),
                Ok(span) => *keep = span,
                Err(what) => doc.problem(&format!("history.{name}"), what),
            }
        }
        if history.keep_verdicts < history.keep_calls {
            if self.keep_verdicts.is_some() {
                doc.problem(
                    "history.keep_verdicts",
                    format!(
                        "is shorter than `keep_calls` ({} days), and a call is kept with its verdict; make it as long at least",
                        history.keep_calls.as_secs() / DAY.as_secs()
                    ),
                );
            }
            history.keep_verdicts = history.keep_calls;
        }
        history
    }
}
