//! Our own bench is checked before it judges: at the start, when failures pile up on a modem, and before one is taken
//! back from quarantine. Which check is made when, and what it means; the checks themselves are the workers'.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bench::{Due, State, Trouble};
use super::spending::Aside;
use super::targets::{Found, KNOWN_LINE_CHECKS_MAX, words};
use super::{Check, CheckReport, Decision, Preflight, Scheduler, Timer};
use crate::model::event::CheckOutcome;
use crate::model::{Fault, ModemId, Mono};

/// Calls that a modem must fail to be condemned, to different numbers where there are some.
pub const FAILED_CHECKS: usize = 2;
/// Checks in a row that may say nothing before the modem is believed without one.
const UNKNOWN_CHECKS_MAX: u32 = 3;
/// How long a modem waits after a check that said nothing: a busy reference number is free again in a moment, or not
/// tonight.
const CHECK_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Modems that must fail their checks before the whole bench is held for faulty, while nobody has reached anything: the
/// others need not call a number in vain too.
pub const FAULTY_MODEMS: u32 = 3;
/// What is told of a modem that is taken back begins with this.
pub const TAKEN_BACK: &str = "taken back";
/// Why a modem has to make a call before its next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The plan wants it before the first line.
    Preflight,
    /// Failures piled up on it.
    PileUp,
    /// It is under quarantine.
    Retest,
}

/// What is known of a modem's soundness.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Its dial tone is to be listened for.
    pub(super) tone_due: bool,
    pub(super) call_due: Option<Why>,
    /// What it did not reach since its check began.
    pub(super) failed: Vec<Check>,
    /// Checks in a row that said nothing.
    unknown: u32,
    not_before: Option<Mono>,
    pub(super) running: Option<Check>,
    /// What is set aside for that.
    aside: Option<Aside>,
    /// That was called off: it says nothing.
    pub(super) recalled: bool,
    /// It answers the check of another one.
    answers: bool,
    /// Times that it was, or waited to be, checked under quarantine.
    retests: u32,
    /// It was told once that it can't be checked.
    told: bool,
    /// Numbers that it may hold although its calls are over.
    pub(super) holds: BTreeSet<usize>,
    /// Its failing calls since it last passed anything: line and attempt.
    pub(super) unproven: BTreeSet<(usize, u32)>,
}

/// What a modem that is free does next.
enum Next {
    /// It is trusted: a line.
    Line,
    /// This check.
    Check(Check),
    /// It waits for something that will come: another call to the number, a pause.
    Wait,
}

impl Scheduler {
    /// What each modem is to be asked first.
    pub(super) fn preflight(&mut self) {
        for modem in 0..self.trust.len() {
            let quarantined = self.bench.is_quarantined(modem);
            let trust = &mut self.trust[modem];
            trust.tone_due = self.targets.plan.preflight >= Preflight::DialTone;
            trust.call_due = match self.targets.plan.preflight {
                _ if quarantined => Some(Why::Retest),
                Preflight::Reference => Some(Why::Preflight),
                Preflight::Off | Preflight::DialTone => None,
            };
            self.heed(modem);
        }
    }

    /// Tells the bench what is due of a modem. To be called wherever that may have changed.
    pub(super) fn heed(&mut self, modem: usize) {
        if self.trust[modem].call_due == Some(Why::PileUp) {
            self.piled.insert(modem);
        } else {
            self.piled.remove(&modem);
        }
        self.bench.note_due(modem, self.due(modem));
    }

    fn due(&self, modem: usize) -> Due {
        let trust = &self.trust[modem];
        let suspect = self.piles.is_suspect(modem);
        let doubtful = suspect || matches!(trust.call_due, Some(Why::PileUp | Why::Retest));
        Due {
            check: trust.tone_due || trust.call_due.is_some() || suspect,
            tone: trust.tone_due,
            // One that has not been checked yet may answer for all that is known.
            answers: !doubtful && self.targets.peer(modem).is_some(),
        }
    }

    /// Holds what is kept of the whole bank to what is known of its modems one by one.
    #[cfg(test)]
    pub(super) fn assert_kept(&self) {
        self.bench.assert_kept();
        for modem in 0..self.trust.len() {
            assert_eq!(self.bench.due(modem), self.due(modem));
            let piled = self.trust[modem].call_due == Some(Why::PileUp);
            assert_eq!(self.piled.contains(&modem), piled);
        }
    }

    /// Begins the check that this free modem owes. Whether it is trusted with a line instead.
    pub(super) fn is_trusted(&mut self, now: Mono, modem: usize) -> bool {
        match self.next(now, modem) {
            Next::Line => !self.bench.is_quarantined(modem),
            Next::Wait => false,
            Next::Check(check) => {
                self.begin_check(modem, check);
                false
            }
        }
    }

    fn next(&mut self, now: Mono, modem: usize) -> Next {
        if self.trust[modem].tone_due {
            return Next::Check(Check::DialTone);
        }
        if self.trust[modem].call_due.is_none() {
            // At the very end, those who come next are the verdicts that rest on it.
            if !self.piles.is_suspect(modem) || (self.queue.is_empty() && self.open > 0) {
                return Next::Line;
            }
            self.trust[modem].call_due = Some(Why::PileUp);
            self.heed(modem);
        }
        if self.trust[modem].not_before.is_some_and(|at| at > now) {
            return Next::Wait;
        }
        match self.target(now, modem) {
            Found::Now(check) => Next::Check(check),
            Found::Later => Next::Wait,
            Found::At(at) => {
                self.wait_for_check(modem, at);
                Next::Wait
            }
            // Nothing else can be called, and what it did not reach was reached by others: no second opinion is needed.
            Found::Nothing if self.trust[modem].failed.iter().any(|check| self.is_known_to_answer(check)) => {
                self.condemn(now, modem, "other modems did");
                Next::Wait
            }
            Found::Nothing => {
                self.uncheckable(now, modem, "there is no number that it could be checked with")
            }
        }
    }

    /// Whether a check is to be made before the verdicts are final.
    pub(super) fn has_last_checks(&self) -> bool {
        self.piles.suspects().iter().any(|&modem| self.is_doubtful(modem))
    }

    fn is_doubtful(&self, modem: usize) -> bool {
        let doubtful = self.piles.is_suspect(modem) && !self.trust[modem].unproven.is_empty();
        self.open == 0 && doubtful && self.bench.is_free(modem) && !self.bench.is_quarantined(modem)
    }

    /// All lines have their verdicts: those that rest on a modem that is suspect are not final before it is checked.
    pub(super) fn last_checks(&mut self, now: Mono) {
        for modem in self.piles.suspects().clone() {
            // One of them may have been condemned meanwhile, and there are lines to call again.
            if self.is_doubtful(modem) {
                self.is_trusted(now, modem);
            }
        }
    }

    /// Whether somebody has reached it: a reference that nobody has may be dead itself.
    fn is_known_to_answer(&self, check: &Check) -> bool {
        let reached = || self.number_of(check).is_some_and(|number| self.targets.reached.contains(&number));
        matches!(check, Check::Line(_)) || reached()
    }

    fn wait_for_check(&mut self, modem: usize, at: Mono) {
        self.trust[modem].not_before = Some(at);
        self.timers.insert((at, Timer::Check(modem)));
    }

    /// It can't be checked: it is believed as it was before.
    fn uncheckable(&mut self, now: Mono, modem: usize, why: &str) -> Next {
        let trust = &mut self.trust[modem];
        if trust.call_due == Some(Why::Retest) {
            self.rest(now, modem);
            return Next::Wait;
        }
        trust.call_due = None;
        trust.failed.clear();
        trust.unknown = 0;
        self.piles.settled(modem);
        self.heed(modem);
        if !std::mem::replace(&mut self.trust[modem].told, true) {
            let id = &self.bench.ids[modem];
            self.decisions.push(Decision::Notice(format!("`{id}` was not checked: {why}")));
        }
        Next::Line
    }

    // --- a check begins and ends

    fn begin_check(&mut self, modem: usize, check: Check) {
        self.bench.begin_call(modem);
        if let Check::Peer(peer) = &check
            && let Some(&peer) = self.modem_index.get(peer)
        {
            self.bench.begin_call(peer);
            self.trust[peer].answers = true;
            self.checking += 1;
        }
        if let Some(number) = self.number_of(&check) {
            let line = self.line_of(&check);
            self.enter(number, line);
            let toll = self.toll(&check);
            self.trust[modem].aside = toll.and_then(|toll| self.set_aside(line, number, toll));
        }
        if let Check::Line(line) = &check
            && let Some(&line) = self.line_index.get(line)
        {
            *self.targets.uses.entry(self.lines[line].ways[0].number).or_default() += 1;
        }
        self.checking += 1;
        self.trust[modem].running = Some(check.clone());
        self.decisions.push(Decision::Check { modem: self.bench.ids[modem].clone(), check });
    }

    /// A modem that answered another one's call is free again.
    pub(super) fn answered(&mut self, now: Mono, id: &ModemId) {
        let Some(&modem) = self.modem_index.get(id) else { return };
        if !std::mem::take(&mut self.trust[modem].answers) {
            return;
        }
        self.checking -= 1;
        self.bench.end_call(modem);
        self.free(now, modem);
    }

    pub(super) fn checked(&mut self, now: Mono, report: &CheckReport) {
        let Some(&modem) = self.modem_index.get(&report.modem) else { return };
        let Some(check) = self.trust[modem].running.take() else { return };
        let recalled = std::mem::take(&mut self.trust[modem].recalled);
        self.checking -= 1;
        self.bench.end_call(modem);
        if let Some(number) = self.number_of(&check) {
            self.leave(number, self.line_of(&check));
            let aside = self.trust[modem].aside.take();
            self.settle(aside, report.dialed, report.charge.as_ref());
            if report.dialed {
                let through = report.outcome == CheckOutcome::Passed;
                self.note_redial(now, number, report.fault, through);
                if self.numbers[number].redial.is_spent(&self.redial) {
                    for line in self.numbers[number].lines.clone() {
                        self.review(line);
                    }
                }
            }
            if report.held {
                self.hold(number, modem);
            }
        }
        let ours = report.fault.filter(|fault| fault.blame().is_bench());
        match report.outcome {
            CheckOutcome::Passed => self.check_passed(now, modem, &check, report),
            CheckOutcome::Failed if let Some(fault) = ours => {
                let trouble = Trouble { fault, detail: report.detail.clone() };
                let exit = self.bench.out(modem, now, trouble.clone(), &self.policy.bench);
                self.note_exit(modem, &exit, &trouble);
            }
            // As if it had not been made: it stays due.
            CheckOutcome::Failed | CheckOutcome::Unknown if recalled => self.free(now, modem),
            CheckOutcome::Failed => self.check_failed(now, modem, check, report),
            CheckOutcome::Unknown => self.check_unknown(now, modem, &check, report),
        }
    }

    /// The modem did its part: free, unless it was told to be out meanwhile.
    fn free(&mut self, now: Mono, modem: usize) {
        if let Some(exit) = self.bench.free_or_leave(modem, now, &self.policy.bench) {
            let trouble = Trouble { fault: Fault::ModemError, detail: String::new() };
            self.note_exit(modem, &exit, &trouble);
        }
    }

    fn check_passed(&mut self, now: Mono, modem: usize, check: &Check, report: &CheckReport) {
        if *check == Check::DialTone {
            self.trust[modem].tone_due = false;
            self.heed(modem);
            return self.free(now, modem);
        }
        if !self.bench.is_quarantined(modem) {
            for settled in self.piles.passed(modem) {
                self.heed(settled);
            }
            for other in self.piled.clone() {
                let trust = &mut self.trust[other];
                // One that has failed a check, or is about to, is not acquitted by another one's.
                let asked = !trust.failed.is_empty() || trust.running.is_some();
                if !asked && !self.piles.is_suspect(other) {
                    trust.call_due = None;
                    self.heed(other);
                }
            }
        }
        self.targets.reached.extend(self.number_of(check));
        self.targets.sound = true;
        self.targets.condemned = 0;
        if *check == Check::Reference {
            self.targets.reference_failed = 0;
        }
        let trust = &mut self.trust[modem];
        trust.call_due = None;
        trust.failed.clear();
        trust.unknown = 0;
        trust.unproven.clear();
        self.heed(modem);
        if let Some(exit) = self.bench.served(modem, now, &self.policy.bench) {
            let trouble = Trouble { fault: Fault::ModemError, detail: String::new() };
            self.note_exit(modem, &exit, &trouble);
        }
        if self.bench.take_back(modem) {
            self.trust[modem].retests = 0;
            self.health.absolve(modem);
            self.piles.worked(modem);
            self.heed(modem);
            let what = words(check);
            let mut detail = format!("{TAKEN_BACK}: it reached {what}");
            if !report.detail.is_empty() {
                detail = format!("{detail} ({})", report.detail);
            }
            self.decisions.push(Decision::TakeBack { modem: self.bench.ids[modem].clone(), detail });
            self.welcome();
        }
    }

    fn check_failed(&mut self, now: Mono, modem: usize, check: Check, report: &CheckReport) {
        if check == Check::DialTone {
            // Where it is missing, that is our own line's fault; anything else says nothing.
            return self.check_unknown(now, modem, &check, report);
        }
        if check == Check::Reference {
            self.targets.reference_failed += 1;
        }
        self.trust[modem].failed.push(check);
        self.free(now, modem);
        if self.trust[modem].failed.len() >= FAILED_CHECKS {
            self.condemn(now, modem, if report.detail.is_empty() { "no CONNECT" } else { &report.detail });
        }
    }

    /// The modem has failed its check.
    fn condemn(&mut self, now: Mono, modem: usize, heard: &str) {
        if self.trust[modem].call_due == Some(Why::Retest) {
            self.trust[modem].failed.clear();
            return self.rest(now, modem);
        }
        let mut what: Vec<String> = self.trust[modem].failed.iter().map(words).collect();
        let times =
            if what.windows(2).all(|pair| pair[0] == pair[1]) && what.len() > 1 { " twice" } else { "" };
        what.dedup();
        let detail = format!("could not reach {}{times}: {heard}", what.join(" nor "));
        self.targets.condemned += 1;
        self.put_under_quarantine(now, modem, detail);
        if !self.targets.sound && self.targets.condemned >= FAULTY_MODEMS {
            self.give_up_the_bench(now);
        }
    }

    fn check_unknown(&mut self, now: Mono, modem: usize, check: &Check, report: &CheckReport) {
        // The book does not let it be dialed, or somebody was called from their sleep: nobody is a second time.
        if matches!(report.fault, Some(Fault::Screened | Fault::Voice | Fault::Fax)) {
            match check {
                Check::Reference => self.targets.reference_closed = true,
                Check::Line(line) => {
                    if let Some(&line) = self.line_index.get(line) {
                        self.targets.uses.insert(self.lines[line].ways[0].number, KNOWN_LINE_CHECKS_MAX);
                    }
                }
                Check::Peer(peer) => {
                    if let Some(&peer) = self.modem_index.get(peer) {
                        self.targets.close_peer(peer);
                        self.heed(peer);
                    }
                }
                Check::DialTone => {}
            }
        }
        if report.fault == Some(Fault::Internal) {
            let trouble = Trouble { fault: Fault::Internal, detail: report.detail.clone() };
            if let Some(exit) = self.bench.died(modem, now, trouble.clone(), &self.policy.bench) {
                self.note_exit(modem, &exit, &trouble);
            }
        } else {
            self.free(now, modem);
        }
        if *check == Check::DialTone {
            self.trust[modem].tone_due = false;
            self.heed(modem);
            return;
        }
        self.trust[modem].unknown += 1;
        if self.trust[modem].unknown >= UNKNOWN_CHECKS_MAX {
            self.trust[modem].unknown = 0;
            let why = if report.detail.is_empty() { "its checks said nothing" } else { &report.detail };
            let _ = self.uncheckable(now, modem, why);
        } else if self.closed.is_none() {
            self.wait_for_check(modem, now + CHECK_AGAIN_AFTER);
        }
    }

    // --- quarantine

    /// No line is called on it any more, before it has passed a check; what rested on its calls is judged anew.
    pub(super) fn put_under_quarantine(&mut self, now: Mono, modem: usize, detail: String) {
        self.bench.quarantine(modem);
        let trust = &mut self.trust[modem];
        trust.call_due = Some(Why::Retest);
        trust.failed.clear();
        trust.unknown = 0;
        self.heed(modem);
        self.health.settle(modem);
        let until = self.back_at(now, modem, Fault::QuarantinedBench);
        self.decisions.push(Decision::Quarantine { modem: self.bench.ids[modem].clone(), detail, until });
        if self.bench.state(modem) != State::InCall {
            self.rest(now, modem);
        }
        self.disown(now, modem);
    }

    /// When a modem that went out now with this fault would be seen to again, if that is known.
    fn back_at(&self, now: Mono, modem: usize, fault: Fault) -> Option<Mono> {
        if !self.bench.is_quarantined(modem) {
            return self.bench.back_at(modem, now, fault, &self.policy.bench);
        }
        match self.bench.state(modem) {
            State::InCall | State::Gone | State::Away => None,
            State::Ready | State::SettingUp | State::Out { .. } => {
                Some(now + self.policy.bench.retest(self.trust[modem].retests + 1)?)
            }
        }
    }

    /// When a modem of which it was just told that it goes out with this fault will be seen to again, if that is known: what
    /// [`Self::step`] will make of it.
    pub fn returns(&self, now: Mono, modem: &ModemId, fault: Fault) -> Option<Mono> {
        self.back_at(now, *self.modem_index.get(modem)?, fault)
    }

    /// A modem under quarantine waits for its next check, if there is one.
    pub(super) fn rest(&mut self, now: Mono, modem: usize) {
        if let State::Out { until } = self.bench.state(modem) {
            self.timers.remove(&(until, Timer::Modem(modem)));
        }
        if self.bench.state(modem) == State::Away {
            return;
        }
        let trust = &mut self.trust[modem];
        trust.retests += 1;
        trust.tone_due = self.targets.plan.preflight >= Preflight::DialTone;
        let retest = self.policy.bench.retest(trust.retests);
        self.heed(modem);
        match retest {
            Some(pause) => {
                let until = now + pause;
                if self.bench.rest(modem, Some(until)) && self.closed.is_none() {
                    self.timers.insert((until, Timer::Modem(modem)));
                }
            }
            None => drop(self.bench.rest(modem, None)),
        }
    }

    /// Modem after modem failed its checks, and nobody has reached anything: it is not the modems.
    fn give_up_the_bench(&mut self, now: Mono) {
        for modem in 0..self.trust.len() {
            if !self.bench.is_quarantined(modem) && self.bench.state(modem) != State::Gone {
                let detail = format!(
                    "{} modems in a row could not be brought through to any number: the bench is faulty",
                    self.targets.condemned
                );
                self.put_under_quarantine(now, modem, detail);
            }
        }
    }
}
