//! The files of a run that hang on more than one event: what each is called, when what it says has changed, and what it
//! says. Transcripts, which hang on one call each, and the writing are `render`'s.

use std::path::Path;

use super::{ReportError, RunState, consoles, html, summary_json, tables};
use crate::model::EventKind;

/// The files that hang on more than one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Lines,
    Calls,
    Consoles,
    Modems,
    Summary,
    Page,
}

impl View {
    /// All of them, in the order in which they are written.
    pub(super) const ALL: [Self; 6] =
        [Self::Lines, Self::Calls, Self::Consoles, Self::Modems, Self::Summary, Self::Page];

    /// Its name within the run's folder.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Lines => "lines.csv",
            Self::Calls => "calls.csv",
            Self::Consoles => "consoles.csv",
            Self::Modems => "modems.csv",
            Self::Summary => "summary.json",
            Self::Page => html::FILE,
        }
    }

    /// What it says now, of the run in the folder `dir`: the page tells what consoles said as well, which lies there.
    pub(super) fn bytes(self, state: &RunState, dir: &Path) -> Result<Vec<u8>, ReportError> {
        let csv =
            |table: csv::Result<_>| table.map_err(|source| ReportError::Csv { file: self.file(), source });
        match self {
            Self::Lines => csv(tables::lines(state)),
            Self::Calls => csv(tables::calls(state)),
            Self::Consoles => csv(tables::consoles(state)),
            Self::Modems => csv(tables::modems(state)),
            Self::Summary => Ok(summary_json::bytes(state)?),
            Self::Page => {
                let said = html::Transcripts::read(state, dir)
                    .map_err(|source| ReportError::io(dir.join(super::render::TRANSCRIPTS), source))?;
                Ok(html::page(state, &said)?.into_bytes())
            }
        }
    }

    /// Whether the run has this file: that of the consoles is for plans that have some, and what is read in the morning is
    /// written once the run has ended.
    pub(super) fn is_for(self, state: &RunState) -> bool {
        match self {
            Self::Lines | Self::Calls | Self::Modems | Self::Summary => true,
            Self::Consoles => consoles::any(state),
            Self::Page => state.ended().is_some(),
        }
    }

    /// Whether an event changes what this file says.
    pub(super) fn hangs_on(self, event: &EventKind) -> bool {
        match event {
            EventKind::RunStarted(_) | EventKind::RunResumed(_) | EventKind::RunEnded { .. } => true,
            EventKind::Modem { .. } | EventKind::BenchCheck(_) => {
                matches!(self, Self::Modems | Self::Summary)
            }
            EventKind::CallEnded(_) => matches!(self, Self::Calls | Self::Modems | Self::Summary),
            EventKind::Verdict(_) | EventKind::VerdictWithdrawn { .. } => {
                matches!(self, Self::Lines | Self::Consoles | Self::Summary)
            }
            EventKind::LinesBefore { .. } => {
                matches!(self, Self::Lines | Self::Summary)
            }
            EventKind::Credential { .. } | EventKind::Notice { .. } => self == Self::Summary,
            EventKind::CallStarted { .. }
            | EventKind::CallMoment { .. }
            | EventKind::PasswordSent { .. }
            | EventKind::LineWaits { .. } => false,
        }
    }
}
