//! The files of a run that hang on more than one event: what each is called, when what it says has changed, and what it
//! says. Transcripts, which hang on one call each, and the writing are `render`'s.

use super::{ReportError, RunState, consoles, summary_json, tables};
use crate::model::EventKind;

/// The files that hang on more than one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Lines,
    Calls,
    Consoles,
    Modems,
    Summary,
}

impl View {
    /// All of them, in the order in which they are written.
    pub(super) const ALL: [Self; 5] = [Self::Lines, Self::Calls, Self::Consoles, Self::Modems, Self::Summary];

    /// Its name within the run's folder.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Lines => "lines.csv",
            Self::Calls => "calls.csv",
            Self::Consoles => "consoles.csv",
            Self::Modems => "modems.csv",
            Self::Summary => "summary.json",
        }
    }

    /// What it says now.
    pub(super) fn bytes(self, state: &RunState) -> Result<Vec<u8>, ReportError> {
        let csv =
            |table: csv::Result<_>| table.map_err(|source| ReportError::Csv { file: self.file(), source });
        match self {
            Self::Lines => csv(tables::lines(state)),
            Self::Calls => csv(tables::calls(state)),
            Self::Consoles => csv(tables::consoles(state)),
            Self::Modems => csv(tables::modems(state)),
            Self::Summary => Ok(summary_json::bytes(state)?),
        }
    }

    /// Whether the run has this file: that of the consoles is for plans that have some.
    pub(super) fn is_for(self, state: &RunState) -> bool {
        self != Self::Consoles || consoles::any(state)
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
