//! How many lines there are of each result, for everybody who tells it.

use serde::{Deserialize, Serialize};

use crate::model::Verdict;

/// Lines by their result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Judged `pass`.
    pub pass: u64,
    /// Judged `degraded`.
    pub degraded: u64,
    /// Judged `fail`.
    pub fail: u64,
    /// Judged `untested`.
    pub untested: u64,
    /// Not judged yet.
    pub left: u64,
}

/// The same as files and other programs get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    total: u64,
    pass: u64,
    degraded: u64,
    fail: u64,
    untested: u64,
    left: u64,
}

impl From<Counts> for LineCounts {
    fn from(counts: Counts) -> Self {
        let Counts { pass, degraded, fail, untested, left } = counts;
        Self { total: counts.total(), pass, degraded, fail, untested, left }
    }
}

impl Counts {
    /// All lines of `total`, none judged.
    pub(super) fn none_of(total: usize) -> Self {
        Self { left: total as u64, ..Self::default() }
    }

    /// Lines with this result.
    pub const fn of(&self, result: Verdict) -> u64 {
        match result {
            Verdict::Pass => self.pass,
            Verdict::Degraded => self.degraded,
            Verdict::Fail => self.fail,
            Verdict::Untested => self.untested,
        }
    }

    /// Lines that have a verdict.
    pub const fn judged(&self) -> u64 {
        self.pass + self.degraded + self.fail + self.untested
    }

    /// All lines.
    pub const fn total(&self) -> u64 {
        self.judged() + self.left
    }

    fn slot(&mut self, result: Verdict) -> &mut u64 {
        match result {
            Verdict::Pass => &mut self.pass,
            Verdict::Degraded => &mut self.degraded,
            Verdict::Fail => &mut self.fail,
            Verdict::Untested => &mut self.untested,
        }
    }

    pub(super) fn judge(&mut self, result: Verdict) {
        *self.slot(result) += 1;
        self.left = self.left.saturating_sub(1);
    }

    pub(super) fn withdraw(&mut self, result: Verdict) {
        let slot = self.slot(result);
        *slot = slot.saturating_sub(1);
        self.left += 1;
    }
}
