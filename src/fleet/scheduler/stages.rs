//! A line's ways between its stages: judged, put off, parked, ready, done.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::bench::BARRED;
use super::judge::{Case, Finding, Judgement, Known, Trial, WayState};
use super::lines::{Stage, Wait};
use super::queue::{Burden, Rank};
use super::windows::Opening;
use super::{Decision, Scheduler, Timer};
use crate::fleet::policy::{CallClass, NUMBER_HELD};
use crate::model::event::LineVerdict;
use crate::model::{CredentialName, Fault, Mono};

/// What a failing call weighs in a line's burden: a second opinion of the same modem is worth little ..
const FAILING_WEIGHT: u32 = 2;
/// .. and so is a second try with a modem that let the line down, but two such tries weigh no more than one failing call.
const BENCH_WEIGHT: u32 = 1;

/// What is told of a line that was not expected to fit before the deadline, and did not.
const LEFT_OUT: &str =
    "; as foreseen: those of higher priority, and then those that were not tested for longest, went first";

impl Scheduler {
    pub(super) fn credential(&mut self, now: Mono, name: &CredentialName, known: Known) {
        let Some(&credential) = self.credential_index.get(name) else { return };
        // Stopped is for good.
        if self.credentials[credential].known == Known::Stopped {
            return;
        }
        self.credentials[credential].known = known;
        for rank in self.credentials[credential].parked.clone() {
            self.unpark(now, rank.line);
        }
    }

    pub(super) fn unpark(&mut self, now: Mono, line: usize) {
        self.detach(line);
        self.dispose_parked(now, line);
    }

    /// When all who could prove a credential are done, one of those who waited for it is sent to prove it.
    pub(super) fn release_if_stuck(&mut self, credential: usize) {
        let entry = &self.credentials[credential];
        if entry.known == Known::Nothing
            && entry.active == 0
            && let Some(&rank) = entry.parked.first()
        {
            self.detach(rank.line);
            self.enqueue(rank.line);
        }
    }

    pub(super) fn judge(&self, line: usize) -> Judgement {
        let entry = &self.lines[line];
        let states = entry.ways.iter().enumerate().map(|(index, way)| WayState {
            number: &self.numbers[way.number].record,
            shut: self.shut(line, index),
            via: way.via.as_deref(),
        });
        let ways: Vec<WayState> = states.collect();
        Case {
            line: &entry.id,
            trials: &entry.trials,
            ways: &ways,
            credential: self.known(line),
            policy: &self.policy,
            modems: &self.bench.ids,
        }
        .judge()
    }

    /// Judges a line that is nowhere: it gets its verdict, or a place to wait.
    pub(super) fn dispose(&mut self, now: Mono, line: usize) {
        match self.judge(line) {
            Judgement::Settled(finding) => self.conclude(line, finding),
            _ if self.orders.is_skipped(line) => self.leave_out(line),
            _ if self.closed.is_some() => self.leave_off(line),
            Judgement::AfterProof => self.park(line),
            Judgement::Again(fault) => self.again(now, line, fault),
        }
    }

    /// Judges a line that waited for a credential of which something is known now.
    pub(super) fn dispose_parked(&mut self, now: Mono, line: usize) {
        match self.judge(line) {
            Judgement::Settled(finding) => self.conclude(line, finding),
            _ if self.closed.is_some() => self.leave_off(line),
            Judgement::AfterProof | Judgement::Again(_) => self.again(now, line, None),
        }
    }

    /// Judges a line that waits, and leaves it where it is if it has to go on waiting for the same.
    pub(super) fn review(&mut self, line: usize) {
        if !self.lines[line].is_waiting() {
            return;
        }
        match self.judge(line) {
            Judgement::Settled(finding) => self.conclude(line, finding),
            Judgement::AfterProof => {}
            Judgement::Again(fault) => {
                let parked = matches!(self.lines[line].stage, Stage::Parked { .. });
                if !parked && self.closed.is_none() && self.is_astray(line) {
                    self.detach(line);
                    self.again(self.now, line, fault);
                }
            }
        }
    }

    pub(super) fn again(&mut self, now: Mono, line: usize, fault: Option<Fault>) {
        if !self.choose_way(line) {
            return self.enqueue(line);
        }
        let until = match fault {
            Some(fault) => self.rested(now, line, fault),
            None if self.lines[line].trials.last().is_some_and(|trial| trial.class == CallClass::Passed) => {
                now + self.policy.repeat_pause
            }
            None => now,
        };
        if until <= now {
            return self.enqueue(line);
        }
        self.put_off(line, until, Wait::Pause(fault));
    }

    /// When the number that a line goes to next has had its rest: each of them has its own, so that a line need not wait
    /// for one while it can go to another.
    fn rested(&self, now: Mono, line: usize, fault: Fault) -> Mono {
        let entry = &self.lines[line];
        let same = |trial: &&Trial| trial.number == entry.number() && !trial.void;
        match entry.trials.iter().rposition(|trial| same(&trial)) {
            None => now,
            Some(last) if last + 1 == entry.trials.len() => now + self.pause(line, fault),
            Some(last) => {
                let trial = &entry.trials[last];
                trial.ended + trial.fault.map_or(Duration::ZERO, |fault| self.policy.retry_after(fault))
            }
        }
    }

    /// A line that is nowhere waits until then, or for its window if that is not open then.
    pub(super) fn put_off(&mut self, line: usize, until: Mono, wait: Wait) {
        let (until, wait) = match wait {
            // Something else may end these.
            Wait::Held(_) | Wait::Refused => (until, wait),
            Wait::Pause(_) | Wait::Redial | Wait::Window => match self.opening(line, until) {
                Opening::Now => (until, wait),
                Opening::At(at) => (at, Wait::Window),
                Opening::Never => return self.shut_out(line),
            },
        };
        if wait == Wait::Refused {
            self.refused_numbers.insert(self.lines[line].number());
        }
        if wait == Wait::Window {
            self.windowed += 1;
            // It proves nothing before its window opens.
            if let Some(credential) = self.lines[line].credential {
                self.credentials[credential].active -= 1;
                self.stuck.insert(credential);
            }
        }
        self.lines[line].stage = Stage::Waiting { until, wait };
        self.timers.insert((until, Timer::Line(line)));
        self.stirs(line);
    }

    /// A modem that could not be brought on-hook may hold this number: a call to it would find it busy through us.
    pub(super) fn hold(&mut self, number: usize, modem: usize) {
        self.numbers[number].held = Some((modem, self.now + NUMBER_HELD));
        self.trust[modem].holds.insert(number);
        self.look_again(number);
    }

    /// A modem is on-hook for certain: what it may have held is free.
    pub(super) fn let_go(&mut self, modem: usize) {
        for number in std::mem::take(&mut self.trust[modem].holds) {
            if self.numbers[number].held.is_none_or(|(holder, _)| holder != modem) {
                continue;
            }
            self.numbers[number].held = None;
            for line in self.numbers[number].lines.clone() {
                let waits = matches!(self.lines[line].stage, Stage::Waiting { wait: Wait::Held(_), .. });
                if waits && self.lines[line].number() == number {
                    self.ready_again(line);
                }
            }
        }
    }

    /// A fault of our own costs a line no time, as long as some other modem has not let it down yet.
    pub(super) fn pause(&self, line: usize, fault: Fault) -> Duration {
        let fresh_modem_left = || self.bench.lightest(&self.burden(line), self.bench.hopeful()) == 0;
        if CallClass::of(Some(fault)).is_bench() && fresh_modem_left() {
            return Duration::ZERO;
        }
        self.policy.retry_after(fault)
    }

    pub(super) fn burden(&self, line: usize) -> Burden {
        let mut weights: BTreeMap<usize, u32> = BTreeMap::new();
        for trial in &self.lines[line].trials {
            let weight = match trial.class {
                _ if trial.is_failing() => FAILING_WEIGHT,
                CallClass::BenchModem | CallClass::BenchLine | CallClass::Defect => BENCH_WEIGHT,
                _ => continue,
            };
            *weights.entry(trial.modem).or_default() += weight;
        }
        let number = self.lines[line].number();
        for &modem in self.numbers[number].refused_by.keys() {
            if self.is_barred(number, modem) {
                weights.insert(modem, BARRED);
            }
        }
        weights.into_iter().collect()
    }

    pub(super) fn rank(&self, line: usize) -> Rank {
        let entry = &self.lines[line];
        let expected = if self.policy.in_order { Duration::ZERO } else { entry.expected };
        Rank {
            proves_nothing: !entry.prove_on,
            priority: Reverse(entry.priority),
            deferred: entry.deferred,
            expected: Reverse(expected),
            line,
        }
    }

    /// A line that is nowhere is ready for its next call, as far as it is up to the line; or waits for what keeps it back.
    pub(super) fn enqueue(&mut self, line: usize) {
        if !self.choose_way(line) {
            return match self.judge(line) {
                Judgement::Settled(finding) => self.conclude(line, finding),
                Judgement::Again(_) | Judgement::AfterProof => self.no_way(line),
            };
        }
        let number = self.lines[line].number();
        let held = self.numbers[number].held.filter(|(_, until)| *until > self.now);
        if let Some((holder, until)) = held {
            return self.put_off(line, until, Wait::Held(holder));
        }
        if let Some(until) = self.numbers[number].redial.until(self.now) {
            return self.put_off(line, until, Wait::Redial);
        }
        if let Some((until, who)) = self.refused(number) {
            return match until {
                Some(until) => self.put_off(line, until, Wait::Refused),
                None => self.refused_for_good(line, &who),
            };
        }
        match self.opening(line, self.now) {
            Opening::Now => {}
            Opening::At(at) => return self.put_off(line, at, Wait::Window),
            Opening::Never => return self.shut_out(line),
        }
        let (burden, rank) = (self.burden(line), self.rank(line));
        if let Some(gate) = self.closed_gate(line) {
            self.gates.wait(gate, &burden, rank);
            self.lines[line].stage = Stage::Blocked { gate, burden, rank };
        } else {
            self.queue.insert(&burden, rank);
            self.lines[line].stage = Stage::Queued { burden, rank, sent_by: None };
        }
        self.mind_window(line);
        self.stirs(line);
    }

    /// Judges a line that can't be called any more, and of which that is all that is known.
    fn no_way(&mut self, line: usize) {
        let detail = "its number may not be called any more in this run".to_owned();
        self.conclude(line, Finding { fault: Some(Fault::OverBudget), detail, call: None });
    }

    pub(super) fn park(&mut self, line: usize) {
        let rank = self.rank(line);
        let Some(credential) = self.lines[line].credential else { return self.enqueue(line) };
        self.credentials[credential].parked.insert(rank);
        self.credentials[credential].active -= 1;
        self.lines[line].stage = Stage::Parked { rank };
        self.mind_window(line);
        self.stirs(line);
        self.release_if_stuck(credential);
    }

    /// Takes a line out of wherever it waits.
    pub(super) fn detach(&mut self, line: usize) {
        let entry = &mut self.lines[line];
        match std::mem::replace(&mut entry.stage, Stage::New) {
            Stage::Queued { burden, rank, sent_by } => {
                self.queue.remove(&burden, rank);
                if let Some(gate) = sent_by {
                    self.gates.gone(gate, &burden, rank);
                    self.ajar.insert(gate);
                }
            }
            Stage::Blocked { gate, burden, rank } => self.gates.stop_waiting(gate, &burden, rank),
            Stage::Waiting { until, wait } => {
                self.timers.remove(&(until, Timer::Line(line)));
                if wait == Wait::Window {
                    self.windowed -= 1;
                    if let Some(credential) = entry.credential {
                        self.credentials[credential].active += 1;
                    }
                }
            }
            Stage::Parked { rank } => {
                if let Some(credential) = entry.credential {
                    self.credentials[credential].parked.remove(&rank);
                    self.credentials[credential].active += 1;
                }
            }
            other @ (Stage::New | Stage::Running { .. } | Stage::Judged { .. }) => entry.stage = other,
        }
    }

    /// Judges a line that will not be dialed any more, although it should be.
    pub(super) fn leave_off(&mut self, line: usize) {
        let why = self.closed.unwrap_or(Fault::Cancelled);
        let what = if why == Fault::PastDeadline { "the deadline came" } else { "the run was interrupted" };
        let when = match self.lines[line].trials.len() {
            0 => "before its first call".to_owned(),
            1 => "after its first call".to_owned(),
            made => format!("after {made} of its calls"),
        };
        let foreseen = why == Fault::PastDeadline && self.lines[line].deferred.is_some();
        let chosen = if foreseen { LEFT_OUT } else { "" };
        let asked = self.orders.stopped.as_ref().filter(|_| why == Fault::Cancelled);
        let asked = asked.map_or(String::new(), |asked| format!(": {asked}"));
        let detail = format!("{what} {when}{asked}{chosen}");
        self.conclude(line, Finding { fault: Some(why), detail, call: None });
    }

    pub(super) fn conclude(&mut self, line: usize, finding: Finding) {
        self.detach(line);
        self.forget_window(line);
        self.stirs(line);
        let entry = &mut self.lines[line];
        debug_assert!(matches!(entry.stage, Stage::New), "a line without a call gets one verdict");
        let Finding { fault, detail, call } = finding;
        entry.stage = Stage::Judged { fault, call: call.clone() };
        let attempts = entry.begun;
        self.decisions.push(Decision::Verdict(LineVerdict {
            line: entry.id.clone(),
            fault,
            detail,
            call,
            attempts,
        }));
        self.open -= 1;
        if let Some(credential) = entry.credential {
            self.credentials[credential].active -= 1;
            self.release_if_stuck(credential);
        }
    }
}
