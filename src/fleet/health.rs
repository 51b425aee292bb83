//! Which modems fail where others succeed: the evidence that puts one under quarantine. Pure.
//!
//! What a quarantine does to verdicts and to the queue is the scheduler's. Modems and lines are indices of its plan.
//! Nothing looks at all modems because of one call: what a pass can bear on is found by its line, and by its time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::Mono;

/// Lines whose failing call on a modem must be contradicted before it is put under quarantine.
pub const CONTRADICTED_LINES_MAX: usize = 3;

/// The record of a bank.
///
/// A modem's failing call on a line counts against it when
/// - the same line passed on another modem (where the failing call was cut short: within the time that it had),
/// - the modem itself has not passed any line since, and
/// - some other modem's passing call overlaps it in time: when nobody gets through, the fault is not this modem's (a
///   network that was down for ten minutes would otherwise put the whole bank under quarantine once it is back).
#[derive(Debug, Clone, Default)]
pub struct Health {
    modems: Vec<Record>,
    /// Line and modem on which it has passed, and the least time from dial to CONNECT, where it is known.
    passed_on: BTreeMap<(usize, usize), Option<Duration>>,
    /// Line and modem on which it has failed since that one passed anything.
    failed_on: BTreeSet<(usize, usize)>,
    /// When each modem's last passing call ended.
    passes: BTreeSet<(Mono, usize)>,
    /// Failures of which it is not known yet that some other modem passed meanwhile: when they ended, modem, line.
    lonely: BTreeSet<(Mono, usize, usize)>,
    /// Modems that the evidence is enough against, and that are not settled.
    convicted: BTreeSet<usize>,
}

#[derive(Debug, Clone, Default)]
struct Record {
    /// Lines that failed on this modem since it passed one.
    streak: BTreeMap<usize, Failure>,
    /// How many of them count against it.
    against: usize,
    /// When its last passing call ended.
    passed: Option<Mono>,
    /// It is under quarantine already.
    settled: bool,
}

#[derive(Debug, Clone, Copy)]
struct Failure {
    ended: Mono,
    /// The time that it had, if its dial limit was shortened.
    cut_short: Option<Duration>,
    /// Some other modem passed a line meanwhile.
    amid_passes: bool,
    /// Another modem passed this line.
    contradicted: bool,
}

impl Failure {
    /// A pass that took longer than a call that was cut short had says nothing against its modem.
    fn is_contradicted_by(&self, connected_after: Option<Duration>) -> bool {
        self.cut_short.is_none_or(|had| connected_after.is_some_and(|took| took <= had))
    }

    const fn counts(&self) -> bool {
        self.amid_passes && self.contradicted
    }
}

impl Health {
    /// No evidence yet, for `modems` modems.
    pub fn new(modems: usize) -> Self {
        Self { modems: vec![Record::default(); modems], ..Self::default() }
    }

    /// A call blamed its line. `span` is its beginning and its end, `cut_short` the dial limit that ended it, if that was
    /// shortened.
    pub fn failed(&mut self, modem: usize, line: usize, span: (Mono, Mono), cut_short: Option<Duration>) {
        if modem >= self.modems.len() {
            return;
        }
        let (began, ended) = span;
        // Of the last two passes one is another modem's, if any is.
        let last = self.passes.iter().rev().find(|&&(_, other)| other != modem);
        let amid_passes = last.is_some_and(|&(passed, _)| passed >= began);
        let mut failure = Failure { ended, cut_short, amid_passes, contradicted: false };
        failure.contradicted = self
            .passed_on
            .range((line, 0)..=(line, usize::MAX))
            .any(|(&(_, other), &took)| other != modem && failure.is_contradicted_by(took));
        self.forget(modem, line);
        self.failed_on.insert((line, modem));
        if !amid_passes {
            self.lonely.insert((ended, modem, line));
        }
        self.modems[modem].streak.insert(line, failure);
        self.count(modem, false, failure.counts());
    }

    /// A call passed its line. `span` is its beginning and its end, `connected_after` the time from dial to CONNECT.
    pub fn passed(
        &mut self,
        modem: usize,
        line: usize,
        span: (Mono, Mono),
        connected_after: Option<Duration>,
    ) {
        let (began, ended) = span;
        let least = self.passed_on.entry((line, modem)).or_insert(connected_after);
        *least = [*least, connected_after].into_iter().flatten().min();
        self.clear(modem);
        if let Some(record) = self.modems.get_mut(modem) {
            record.passed = Some(ended);
            self.passes.insert((ended, modem));
        }
        // Each failure is told so once: it counts what passes bring to light, and not what there is.
        for (_, other, failed) in self.lonely.split_off(&(began, 0, 0)) {
            self.revise(other, failed, |failure| failure.amid_passes = true);
        }
        let contradicted: Vec<usize> =
            self.failed_on.range((line, 0)..=(line, usize::MAX)).map(|&(_, other)| other).collect();
        for other in contradicted {
            self.revise(other, line, |failure| {
                failure.contradicted |= failure.is_contradicted_by(connected_after);
            });
        }
    }

    /// The modem is under quarantine: its evidence has been heard.
    pub fn settle(&mut self, modem: usize) {
        if let Some(record) = self.modems.get_mut(modem) {
            record.settled = true;
            self.convicted.remove(&modem);
        }
    }

    /// The modem was under quarantine and has passed its check: what spoke against it is past.
    pub fn absolve(&mut self, modem: usize) {
        self.clear(modem);
        if let Some(record) = self.modems.get_mut(modem) {
            *record = Record::default();
        }
    }

    /// Modems that are not settled and that the evidence is enough against, in the order of the bank.
    pub fn convicted(&self) -> Vec<usize> {
        self.convicted.iter().copied().collect()
    }

    /// The lines that speak against a modem, if they are enough to put it under quarantine.
    pub fn evidence(&self, modem: usize) -> Option<Vec<usize>> {
        let record = self.modems.get(modem)?;
        let lines = record.streak.iter().filter(|(_, failure)| failure.counts()).map(|(&line, _)| line);
        (record.against >= CONTRADICTED_LINES_MAX).then(|| lines.collect())
    }

    /// Nothing speaks against a modem, and it has passed nothing.
    fn clear(&mut self, modem: usize) {
        let Some(record) = self.modems.get_mut(modem) else { return };
        for (line, failure) in std::mem::take(&mut record.streak) {
            self.failed_on.remove(&(line, modem));
            self.lonely.remove(&(failure.ended, modem, line));
        }
        record.against = 0;
        if let Some(passed) = record.passed.take() {
            self.passes.remove(&(passed, modem));
        }
        self.convicted.remove(&modem);
    }

    /// A line failed again on the same modem: only the last time counts.
    fn forget(&mut self, modem: usize, line: usize) {
        if let Some(failure) = self.modems[modem].streak.remove(&line) {
            self.failed_on.remove(&(line, modem));
            self.lonely.remove(&(failure.ended, modem, line));
            self.count(modem, failure.counts(), false);
        }
    }

    fn revise(&mut self, modem: usize, line: usize, change: impl FnOnce(&mut Failure)) {
        let Some(failure) = self.modems.get_mut(modem).and_then(|record| record.streak.get_mut(&line)) else {
            return;
        };
        let before = failure.counts();
        change(failure);
        let after = failure.counts();
        self.count(modem, before, after);
    }

    fn count(&mut self, modem: usize, before: bool, after: bool) {
        let record = &mut self.modems[modem];
        record.against = record.against + usize::from(after) - usize::from(before);
        if record.against >= CONTRADICTED_LINES_MAX && !record.settled {
            self.convicted.insert(modem);
        } else {
            self.convicted.remove(&modem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: usize = 0;
    const GOOD: usize = 1;

    fn s(seconds: u64) -> Mono {
        Mono::from_millis(seconds * 1000)
    }

    /// The good modem is in a passing call (line 99) while the bad one fails three lines, one after the other.
    fn three_failures() -> Health {
        let mut health = Health::new(2);
        for line in 0..3 {
            let began = line as u64 * 10;
            health.failed(BAD, line, (s(began), s(began + 10)), None);
        }
        health.passed(GOOD, 99, (s(0), s(35)), None);
        health
    }

    #[test]
    fn three_contradicted_lines_put_a_modem_under_quarantine_and_two_do_not() {
        let mut health = three_failures();
        health.passed(GOOD, 0, (s(40), s(50)), None);
        health.passed(GOOD, 1, (s(50), s(60)), None);
        assert_eq!(health.evidence(BAD), None);
        health.passed(GOOD, 2, (s(60), s(70)), None);
        assert_eq!(health.evidence(BAD), Some(vec![0, 1, 2]));
        assert_eq!(health.evidence(GOOD), None);
    }

    #[test]
    fn a_pass_of_its_own_clears_a_modem() {
        let mut health = three_failures();
        health.passed(GOOD, 0, (s(40), s(50)), None);
        health.passed(BAD, 7, (s(45), s(55)), None);
        health.passed(GOOD, 1, (s(50), s(60)), None);
        health.passed(GOOD, 2, (s(60), s(70)), None);
        assert_eq!(health.evidence(BAD), None);
    }

    #[test]
    fn one_line_that_fails_again_and_again_is_one_line() {
        let mut health = three_failures();
        health.passed(GOOD, 0, (s(40), s(50)), None);
        for n in 0..5 {
            health.failed(BAD, 0, (s(60 + n), s(61 + n)), None);
        }
        assert_eq!(health.evidence(BAD), None);
    }

    #[test]
    fn what_failed_while_nobody_got_through_is_no_evidence() {
        let mut health = Health::new(2);
        for line in 0..3 {
            health.failed(BAD, line, (s(0), s(10)), None);
            health.failed(GOOD, line + 10, (s(0), s(10)), None);
        }
        // The network is back.
        for line in 0..3 {
            health.passed(GOOD, line, (s(20), s(30)), None);
        }
        assert_eq!(health.evidence(BAD), None);
    }

    #[test]
    fn a_line_that_passed_before_contradicts_too() {
        let mut health = Health::new(2);
        for line in 0..3 {
            health.passed(GOOD, line, (s(0), s(10)), None);
        }
        for line in 0..3 {
            health.failed(BAD, line, (s(5), s(15)), None);
        }
        assert_eq!(health.evidence(BAD), Some(vec![0, 1, 2]));
    }
}
