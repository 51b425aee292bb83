//! A line on its way to its verdict.

use std::time::Duration;

use super::Preset;
use super::judge::Trial;
use super::queue::{Burden, Rank};
use crate::model::{CallId, Fault, LineId, Mono};

#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: LineId,
    pub(super) number: usize,
    pub(super) credential: Option<usize>,
    pub(super) prove_on: bool,
    /// How long its calls are expected to take.
    pub(super) expected: Duration,
    pub(super) preset: Option<Preset>,
    pub(super) stage: Stage,
    /// Its calls that are over, in their order.
    pub(super) trials: Vec<Trial>,
    /// The highest attempt number in use.
    pub(super) begun: u32,
}

/// Where a line is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nowhere: on its way from one stage to the next.
    New,
    /// Ready to be dialed.
    Queued { burden: Burden, rank: Rank },
    /// Not before then, if nothing ends the wait before.
    Waiting { until: Mono, wait: Wait },
    /// Until its credential is proven or stopped.
    Parked { rank: Rank },
    /// In a call.
    Running { modem: usize, began: Mono },
    /// Done.
    Judged { fault: Option<Fault>, call: Option<CallId> },
}

/// What a line waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// For the time alone.
    Pause,
    /// For the modem that may hold its number, too.
    Held,
    /// For a modem that does not refuse its number, too.
    Refused,
}

impl Line {
    /// Open, and not in a call.
    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Queued { .. } | Stage::Waiting { .. } | Stage::Parked { .. })
    }

    /// A call that took long will take long again; one that was short says nothing of a better one. Bench faults say
    /// nothing at all.
    pub(super) fn learn(&mut self, took: Duration, fault: Option<Fault>) {
        if !fault.is_some_and(|fault| fault.blame().is_bench()) {
            self.expected = self.expected.max(took);
        }
    }
}
