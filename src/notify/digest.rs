//! When new failures are told: gathered, never more often than was asked for, each once. Pure; time is handed in.
//!
//! A failure that is withdrawn before it was told is forgotten; one that was told is taken back in the next message.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::options::Limits;
use crate::model::{Fault, LineId, Mono, PhoneNumber, SiteId};

/// A line that began to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line.
    pub line: LineId,
    /// Where it is.
    pub site: SiteId,
    /// Its number.
    pub number: PhoneNumber,
    /// What was found.
    pub fault: Fault,
    /// In words. Cleaned.
    pub detail: String,
    /// When it was judged.
    pub at: Timestamp,
}

/// A failure that was told, and is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawn {
    /// The line.
    pub line: LineId,
    /// Why, in words.
    pub why: String,
}

/// What one message tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// New failures, in the order in which they were found.
    pub failures: Vec<Failure>,
    /// Failures of earlier messages that are taken back.
    pub withdrawn: Vec<Withdrawn>,
}

impl Batch {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.failures.is_empty() && self.withdrawn.is_empty()
    }
}

/// What is to be told, and when.
#[derive(Debug)]
pub struct Digest {
    limits: Limits,
    pending: Batch,
    /// Since when something is pending.
    since: Option<Mono>,
    /// When the last message was taken.
    last: Option<Mono>,
    sent: u32,
    /// Lines that are failing as far as was told, and in how many messages.
    told: BTreeMap<LineId, u32>,
}

impl Digest {
    /// Nothing told yet.
    pub fn new(limits: Limits) -> Self {
        let (pending, told) = (Batch::default(), BTreeMap::new());
        Self { limits, pending, since: None, last: None, sent: 0, told }
    }

    /// A line began to fail.
    pub fn failed(&mut self, now: Mono, failure: Failure) {
        self.pending.failures.retain(|known| known.line != failure.line);
        // It was told as failing, taken back, and fails after all: what was told stands, with another reason perhaps.
        self.pending.withdrawn.retain(|known| known.line != failure.line);
        self.pending.failures.push(failure);
        self.since.get_or_insert(now);
    }

    /// A verdict was taken back.
    pub fn withdrawn(&mut self, now: Mono, line: &LineId, why: &str) {
        self.pending.failures.retain(|known| known.line != *line);
        if self.told.contains_key(line) {
            self.pending.withdrawn.retain(|known| known.line != *line);
            self.pending.withdrawn.push(Withdrawn { line: line.clone(), why: why.to_owned() });
        }
        if self.pending.is_empty() {
            self.since = None;
        } else {
            self.since.get_or_insert(now);
        }
    }

    /// When the next message is due; absent while nothing is to be told, or nothing may be.
    pub fn due(&self) -> Option<Mono> {
        if self.sent >= self.limits.max_messages {
            return None;
        }
        let gathered = self.since? + self.limits.gather();
        Some(self.last.map_or(gathered, |last| gathered.max(last + self.limits.every)))
    }

    /// The message that is due now, if one is.
    pub fn take(&mut self, now: Mono) -> Option<Batch> {
        self.due().filter(|due| *due <= now)?;
        self.last = Some(now);
        self.sent += 1;
        Some(self.let_go())
    }

    /// What was taken did not get through: it belongs into the next message.
    pub fn undelivered(&mut self, now: Mono, batch: Batch) {
        for failure in batch.failures.into_iter().rev() {
            let times = self.told.remove(&failure.line).unwrap_or(0);
            if times > 1 {
                self.told.insert(failure.line.clone(), times - 1);
            }
            if !self.pending.failures.iter().any(|known| known.line == failure.line) {
                self.pending.failures.insert(0, failure);
            }
        }
        for withdrawn in batch.withdrawn.into_iter().rev() {
            self.told.insert(withdrawn.line.clone(), 1);
            if !self.pending.failures.iter().any(|known| known.line == withdrawn.line) {
                self.pending.withdrawn.insert(0, withdrawn);
            }
        }
        if !self.pending.is_empty() {
            self.since.get_or_insert(now);
        }
    }

    /// What is left to tell at the end.
    pub fn finish(mut self) -> Batch {
        self.let_go()
    }

    fn let_go(&mut self) -> Batch {
        self.since = None;
        let batch = std::mem::take(&mut self.pending);
        for failure in &batch.failures {
            *self.told.entry(failure.line.clone()).or_default() += 1;
        }
        for withdrawn in &batch.withdrawn {
            self.told.remove(&withdrawn.line);
        }
        batch
    }
}

#[cfg(test)]
mod tests;
