//! What a modem can be checked with: the reference number, another modem, a line that passed elsewhere; and which of them now.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::windows::Opening;
use super::{Check, CheckPlan, Scheduler};
use crate::fleet::budget::Funds;
use crate::model::Mono;

/// Failed checks in a row that the reference number gets in a run, from all modems together.
pub const REFERENCE_FAILED_MAX: u32 = 12;
/// How often the number of a line that passed is called for checks in a run.
pub const KNOWN_LINE_CHECKS_MAX: u32 = 2;
/// How many lines that passed are kept in mind for checks, the latest.
const KNOWN_LINES: usize = 64;

/// What can be called for a check.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) plan: CheckPlan,
    /// The reference's place among the numbers.
    pub(super) reference: Option<usize>,
    /// The places of the modems' own numbers, by modem.
    peers: Vec<Option<usize>>,
    /// Checks in a row that did not reach it.
    pub(super) reference_failed: u32,
    /// It may not be dialed, or wakes somebody.
    pub(super) reference_closed: bool,
    /// The latest lines that passed, and on which modem.
    passed: VecDeque<(usize, usize)>,
    /// How often their numbers were called for checks.
    pub(super) uses: BTreeMap<usize, u32>,
    /// Numbers that a check has reached in this sitting.
    pub(super) reached: BTreeSet<usize>,
    /// Some modem got through to something in this sitting.
    pub(super) sound: bool,
    /// Modems that failed their checks since.
    pub(super) condemned: u32,
}

impl Targets {
    pub(super) fn new(plan: CheckPlan, reference: Option<usize>, peers: Vec<Option<usize>>) -> Self {
        Self { plan, reference, peers, ..Self::default() }
    }

    /// A modem's own number is no number of ours: it is called for no check any more.
    pub(super) fn close_peer(&mut self, modem: usize) {
        if let Some(peer) = self.peers.get_mut(modem) {
            *peer = None;
        }
    }

    /// The place of a modem's own number among the numbers, if it may be called.
    pub(super) fn peer(&self, modem: usize) -> Option<usize> {
        self.peers.get(modem).copied().flatten()
    }

    /// A line passed.
    pub(super) fn passed(&mut self, line: usize, modem: usize) {
        self.passed.retain(|&(known, _)| known != line);
        self.passed.push_front((line, modem));
        self.passed.truncate(KNOWN_LINES);
    }
}

/// What can be called now.
pub(super) enum Found {
    Now(Check),
    /// Not before then.
    At(Mono),
    /// Once a call that is running is over.
    Later,
    Nothing,
}

impl Scheduler {
    pub(super) fn target(&self, now: Mono, modem: usize) -> Found {
        let failed = &self.trust[modem].failed;
        let mut again = None;
        let (mut later, mut at) = (false, None::<Mono>);
        for found in [self.reference(now), self.peer(now, modem), self.known_line(now, modem)] {
            match found {
                Found::Now(check) if !failed.contains(&check) => return Found::Now(check),
                Found::Now(check) => again = again.or(Some(check)),
                Found::At(time) => at = Some(at.map_or(time, |at| at.min(time))),
                Found::Later => later = true,
                Found::Nothing => {}
            }
        }
        match (again, later, at) {
            (Some(check), ..) => Found::Now(check),
            (None, true, _) => Found::Later,
            (None, false, Some(at)) => Found::At(at),
            (None, false, None) => Found::Nothing,
        }
    }

    fn reference(&self, now: Mono) -> Found {
        let Some(number) = self.targets.reference else { return Found::Nothing };
        if self.targets.reference_closed || self.targets.reference_failed >= REFERENCE_FAILED_MAX {
            return Found::Nothing;
        }
        self.number_for_check(now, number, Check::Reference)
    }

    fn number_for_check(&self, now: Mono, number: usize, check: Check) -> Found {
        let entry = &self.numbers[number];
        if entry.redial.is_spent(&self.redial) {
            return Found::Nothing;
        }
        if !self.gates.has_room(number) {
            return Found::Later;
        }
        match self.pays_for(&check) {
            Funds::Enough => {}
            Funds::SetAside(_) => return Found::Later,
            Funds::Spent(_) => return Found::Nothing,
        }
        let held = entry.held.map(|(_, until)| until).filter(|until| *until > now);
        match entry.redial.until(now).max(held) {
            Some(at) => Found::At(at),
            None => Found::Now(check),
        }
    }

    fn peer(&self, now: Mono, modem: usize) -> Found {
        let failed = &self.trust[modem].failed;
        let (ready, mut later) = self.bench.answerers(modem);
        // The first in the order of the bank, of all trunks; and of those that it has failed to reach already.
        let (mut first, mut again, mut at) = (None::<usize>, None::<usize>, None::<Mono>);
        for modems in ready {
            for &other in modems.iter().filter(|&&other| other != modem) {
                if first.is_some_and(|first| first < other) {
                    break;
                }
                let Some(number) = self.targets.peer(other) else { continue };
                match self.number_for_check(now, number, Check::Peer(self.bench.ids[other].clone())) {
                    Found::Now(check) if !failed.contains(&check) => first = Some(other),
                    Found::Now(_) => again = Some(again.map_or(other, |again| again.min(other))),
                    Found::At(time) => at = Some(at.map_or(time, |at| at.min(time))),
                    Found::Later => later = true,
                    Found::Nothing => {}
                }
            }
        }
        match (first.or(again), later, at) {
            (Some(other), ..) => Found::Now(Check::Peer(self.bench.ids[other].clone())),
            (None, true, _) => Found::Later,
            (None, false, Some(at)) => Found::At(at),
            (None, false, None) => Found::Nothing,
        }
    }

    /// A line that passed on another modem. One that passed on this modem is a second opinion only, for one that has failed
    /// a check: what it was called with may be dead.
    fn known_line(&self, now: Mono, modem: usize) -> Found {
        let failed = &self.trust[modem].failed;
        let (mut own, mut again, mut later) = (None, None, None);
        for &(line, on) in &self.targets.passed {
            let number = self.lines[line].ways[0].number;
            let used = self.targets.uses.get(&number).copied().unwrap_or(0);
            if self.orders.is_skipped(line) {
                continue;
            }
            let closed = used >= KNOWN_LINE_CHECKS_MAX || self.numbers[number].record.is_closed();
            if closed || (on == modem && (failed.is_empty() || own.is_some())) {
                continue;
            }
            let found = match self.opening(line, now) {
                // Nobody is rung up outside the window for our sake.
                Opening::At(_) | Opening::Never => continue,
                Opening::Now if self.is_group_full(line) => Found::Later,
                Opening::Now => self.number_for_check(now, number, Check::Line(self.lines[line].id.clone())),
            };
            match found {
                Found::Now(check) if failed.contains(&check) => again = again.or(Some(check)),
                Found::Now(check) if on == modem => own = Some(check),
                Found::Now(check) => return Found::Now(check),
                wait @ (Found::Later | Found::At(_)) if on != modem => later = later.or(Some(wait)),
                Found::Later | Found::At(_) | Found::Nothing => {}
            }
        }
        own.or(again).map_or_else(|| later.unwrap_or(Found::Nothing), Found::Now)
    }

    /// The number that a check calls.
    pub(super) fn number_of(&self, check: &Check) -> Option<usize> {
        match check {
            Check::DialTone => None,
            Check::Peer(peer) => {
                let peer = self.modem_index.get(peer).copied()?;
                self.targets.peer(peer)
            }
            Check::Reference => self.targets.reference,
            Check::Line(line) => self.line_index.get(line).map(|&line| self.lines[line].ways[0].number),
        }
    }

    /// The line that a check calls.
    pub(super) fn line_of(&self, check: &Check) -> Option<usize> {
        match check {
            Check::Line(line) => self.line_index.get(line).copied(),
            Check::DialTone | Check::Reference | Check::Peer(_) => None,
        }
    }

    /// Whether a site or hunt group of this line has all its calls.
    fn is_group_full(&self, line: usize) -> bool {
        let mut groups = self.lines[line].groups.iter();
        groups.any(|group| !self.gates.has_room(self.numbers.len() + group))
    }
}

/// A check in words, as what is to be reached.
pub(super) fn words(check: &Check) -> String {
    match check {
        Check::DialTone => "a dial tone".to_owned(),
        Check::Reference => "the reference number".to_owned(),
        Check::Peer(peer) => format!("modem `{peer}`"),
        Check::Line(line) => format!("`{line}`, which had passed"),
    }
}
