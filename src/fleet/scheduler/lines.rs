//! A line on its way to its verdict.

use std::time::Duration;

use super::Preset;
use super::judge::Trial;
use super::queue::{Burden, Rank};
use super::spending::Aside;
use crate::model::event::{Via, WaitReason};
use crate::model::{CallId, Charge, Fault, LineId, Mono, Windows};

#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: LineId,
    /// How it can be reached; never empty.
    pub(super) ways: Box<[Way]>,
    /// The way that it goes now, or next.
    pub(super) way: usize,
    /// The groups that it belongs to, by their places in the plan.
    pub(super) groups: Box<[usize]>,
    pub(super) windows: Windows,
    pub(super) credential: Option<usize>,
    pub(super) prove_on: bool,
    pub(super) priority: i32,
    pub(super) deferred: Option<u32>,
    /// How long its calls are expected to take.
    pub(super) expected: Duration,
    pub(super) preset: Option<Preset>,
    pub(super) stage: Stage,
    /// Its calls that are over, in their order.
    pub(super) trials: Vec<Trial>,
    /// The highest attempt number in use.
    pub(super) begun: u32,
    /// The timer that tells when its window has no more room for a call.
    pub(super) closes: Option<Mono>,
    /// What was told last of its waiting.
    pub(super) told: Option<Told>,
}

/// What is told of a line that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) reason: WaitReason,
    pub(super) until: Option<Mono>,
    /// The gate of the group that is named: a line may go from one to another.
    pub(super) gate: Option<usize>,
}

/// A way to a line.
#[derive(Debug)]
pub(super) struct Way {
    /// Its number's place.
    pub(super) number: usize,
    /// Absent for the line's own number without a carrier.
    pub(super) via: Option<Box<Via>>,
    /// What its longest call is charged.
    pub(super) worst: Charge,
    /// Its name in the evidence against modems: that another way passed says nothing of this one.
    pub(super) route: usize,
    /// Where lines wait whose calls are charged alike, when what is left is set aside.
    pub(super) purse: Option<usize>,
}

/// Where a line is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nowhere: on its way from one stage to the next.
    New,
    /// Ready to be dialed; sent by this gate for those that wait there.
    Queued { burden: Burden, rank: Rank, sent_by: Option<usize> },
    /// Ready but for this gate.
    Blocked { gate: usize, burden: Burden, rank: Rank },
    /// Not before then, if nothing ends the wait before.
    Waiting { until: Mono, wait: Wait },
    /// Until its credential is proven or stopped.
    Parked { rank: Rank },
    /// In a call.
    Running {
        modem: usize,
        began: Mono,
        aside: Option<Aside>,
        /// It was called off: if nothing else comes of it, it counts as not made.
        recalled: bool,
    },
    /// Done.
    Judged { fault: Option<Fault>, call: Option<CallId> },
}

/// What a line waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// For the time alone, after a call that found this.
    Pause(Option<Fault>),
    /// For the time alone: redial rules.
    Redial,
    /// For its window.
    Window,
    /// For this modem, which may hold its number, too.
    Held(usize),
    /// For a modem that does not refuse its number, too.
    Refused,
}

impl Line {
    /// The place of the number that is called now, or next.
    pub(super) fn number(&self) -> usize {
        self.ways[self.way].number
    }

    /// Open, and not in a call.
    pub(super) const fn is_waiting(&self) -> bool {
        matches!(
            self.stage,
            Stage::Queued { .. } | Stage::Blocked { .. } | Stage::Waiting { .. } | Stage::Parked { .. }
        )
    }

    /// Ready, but for a modem or a gate.
    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Queued { .. } | Stage::Blocked { .. })
    }

    /// A call that took long will take long again; one that was short says nothing of a better one. Bench faults say
    /// nothing at all.
    pub(super) fn learn(&mut self, took: Duration, fault: Option<Fault>) {
        if !fault.is_some_and(|fault| fault.blame().is_bench()) {
            self.expected = self.expected.max(took);
        }
    }
}
