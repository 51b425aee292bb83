//! Which modems fail where others succeed: the evidence that puts one under quarantine. Pure.
//!
//! What a quarantine does to verdicts and to the queue is the scheduler's. Modems and lines are indices of its plan.

use std::collections::BTreeMap;
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
#[derive(Debug, Clone)]
pub struct Health {
    modems: Vec<Record>,
    /// The modems on which each line has passed, and the least time from dial to CONNECT, where it is known.
    passed_on: BTreeMap<usize, BTreeMap<usize, Option<Duration>>>,
}

#[derive(Debug, Clone, Default)]
struct Record {
    /// Lines that failed on this modem since it passed one.
    streak: BTreeMap<usize, Failure>,
    /// When its last passing call ended.
    passed: Option<Mono>,
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
}

impl Health {
    /// No evidence yet, for `modems` modems.
    pub fn new(modems: usize) -> Self {
        Self { modems: vec![Record::default(); modems], passed_on: BTreeMap::new() }
    }

    /// A call blamed its line. `span` is its beginning and its end, `cut_short` the dial limit that ended it, if that was
    /// shortened.
    pub fn failed(&mut self, modem: usize, line: usize, span: (Mono, Mono), cut_short: Option<Duration>) {
        let (began, ended) = span;
        let amid_passes = self
            .modems
            .iter()
            .enumerate()
            .any(|(other, record)| other != modem && record.passed.is_some_and(|passed| passed >= began));
        let mut failure = Failure { ended, cut_short, amid_passes, contradicted: false };
        failure.contradicted = self.passed_on.get(&line).is_some_and(|modems| {
            modems.iter().any(|(&other, &took)| other != modem && failure.is_contradicted_by(took))
        });
        if let Some(record) = self.modems.get_mut(modem) {
            record.streak.insert(line, failure);
        }
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
        let least = self.passed_on.entry(line).or_default().entry(modem).or_insert(connected_after);
        *least = [*least, connected_after].into_iter().flatten().min();
        for (other, record) in self.modems.iter_mut().enumerate() {
            if other == modem {
                record.streak.clear();
                record.passed = Some(ended);
                continue;
            }
            for (&failed, failure) in &mut record.streak {
                failure.amid_passes |= failure.ended >= began;
                failure.contradicted |= failed == line && failure.is_contradicted_by(connected_after);
            }
        }
    }

    /// The modem was under quarantine and has passed its check: what spoke against it is past.
    pub fn absolve(&mut self, modem: usize) {
        if let Some(record) = self.modems.get_mut(modem) {
            *record = Record::default();
        }
    }

    /// The lines that speak against a modem, if they are enough to put it under quarantine.
    pub fn evidence(&self, modem: usize) -> Option<Vec<usize>> {
        let lines: Vec<usize> = self
            .modems
            .get(modem)?
            .streak
            .iter()
            .filter(|(_, failure)| failure.amid_passes && failure.contradicted)
            .map(|(&line, _)| line)
            .collect();
        (lines.len() >= CONTRADICTED_LINES_MAX).then_some(lines)
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
