//! The files of a run that hang on more than one event: what each is called, when what it says has changed, and what it
//! says. Transcripts, which hang on one call each, and the writing are `render`'s.

use std::path::Path;

use super::prometheus::{self, Detail};
use super::{ReportError, RunState, Table, consoles, html, junit, package, summary_json};
use crate::model::EventKind;

/// The files that hang on more than one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Lines,
    Calls,
    Consoles,
    Modems,
    Summary,
    Package,
    Junit,
    Metrics,
    Page,
}

impl View {
    /// All of them, in the order in which they are written.
    pub(super) const ALL: [Self; 9] = [
        Self::Lines,
        Self::Calls,
        Self::Consoles,
        Self::Modems,
        Self::Summary,
        Self::Package,
        Self::Junit,
        Self::Metrics,
        Self::Page,
    ];

    /// Its name within the run's folder.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Lines => Table::Lines.file(),
            Self::Calls => Table::Calls.file(),
            Self::Consoles => Table::Consoles.file(),
            Self::Modems => Table::Modems.file(),
            Self::Summary => "summary.json",
            Self::Package => "datapackage.json",
            Self::Junit => "junit.xml",
            Self::Metrics => "metrics.prom",
            Self::Page => html::FILE,
        }
    }

    /// What it says now, of the run in the folder `dir`: the page tells what consoles said as well, which lies there.
    pub(super) fn bytes(self, state: &RunState, dir: &Path) -> Result<Vec<u8>, ReportError> {
        match self {
            Self::Lines => Table::Lines.bytes(state),
            Self::Calls => Table::Calls.bytes(state),
            Self::Consoles => Table::Consoles.bytes(state),
            Self::Modems => Table::Modems.bytes(state),
            Self::Summary => Ok(summary_json::bytes(state)?),
            Self::Package => Ok(package::bytes(state)?),
            Self::Junit => junit::bytes(state),
            Self::Metrics => Ok(prometheus::text(state, Detail::Phases)?.into_bytes()),
            Self::Page => {
                let said = html::Transcripts::read(state, dir)
                    .map_err(|source| ReportError::io(dir.join(super::render::TRANSCRIPTS), source))?;
                Ok(html::page(state, &said)?.into_bytes())
            }
        }
    }

    /// Whether the run has this file now: that of the consoles is for plans that have some, and what is made of a whole night
    /// is written once there is one.
    pub(super) fn is_for(self, state: &RunState) -> bool {
        match self {
            Self::Lines | Self::Calls | Self::Modems | Self::Summary | Self::Package => true,
            Self::Consoles => consoles::any(state),
            Self::Junit | Self::Metrics | Self::Page => state.ended().is_some(),
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
            EventKind::Credential { .. }
            | EventKind::Notice { .. }
            | EventKind::Paused { .. }
            | EventKind::Resumed => self == Self::Summary,
            EventKind::CallStarted { .. }
            | EventKind::CallMoment { .. }
            | EventKind::PasswordSent { .. }
            | EventKind::LineWaits { .. } => false,
        }
    }
}
