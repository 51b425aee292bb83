//! A line's ways between its stages: judged, put off, parked, ready, done.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bench::BARRED;
use super::judge::{Case, Finding, Judgement, Known};
use super::lines::{Stage, Wait};
use super::queue::{Burden, Rank};
use super::{Decision, Scheduler, Timer};
use crate::fleet::policy::{CallClass, NUMBER_HELD};
use crate::model::event::{LineVerdict, WaitReason};
use crate::model::{CredentialName, Fault, Mono};

/// What a failing call weighs in a line's burden: a second opinion of the same modem is worth little ..
const FAILING_WEIGHT: u32 = 2;
/// .. and so is a second try with a modem that let the line down, but two such tries weigh no more than one failing call.
const BENCH_WEIGHT: u32 = 1;

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
        Case {
            line: &entry.id,
            trials: &entry.trials,
            number: &self.numbers[entry.number].record,
            spent: self.numbers[entry.number].redial.is_spent(&self.redial),
            // A credential that the plan does not know can't be waited for.
            credential: entry
                .credential
                .map_or(Known::Stopped, |credential| self.credentials[credential].known),
            policy: &self.policy,
            modems: &self.bench.ids,
        }
        .judge()
    }

    /// Judges a line that is nowhere: it gets its verdict, or a place to wait.
    pub(super) fn dispose(&mut self, now: Mono, line: usize) {
        match self.judge(line) {
            Judgement::Settled(finding) => self.conclude(line, finding),
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

    /// Judges a line that waits, and leaves it where it is if it has to go on waiting.
    pub(super) fn review(&mut self, line: usize) {
        if self.lines[line].is_waiting()
            && let Judgement::Settled(finding) = self.judge(line)
        {
            self.conclude(line, finding);
        }
    }

    pub(super) fn again(&mut self, now: Mono, line: usize, fault: Option<Fault>) {
        let pause = fault.map_or(Duration::ZERO, |fault| self.pause(line, fault));
        if pause.is_zero() {
            return self.enqueue(line);
        }
        let why = fault.map_or_else(String::new, |fault| format!("after {fault}"));
        self.put_off(line, now + pause, why, Wait::Pause);
    }

    fn put_off(&mut self, line: usize, until: Mono, why: String, wait: Wait) {
        if wait == Wait::Refused {
            self.refused_numbers.insert(self.lines[line].number);
        }
        self.lines[line].stage = Stage::Waiting { until, wait };
        self.timers.insert((until, Timer::Line(line)));
        let reason = match wait {
            Wait::Pause => WaitReason::Pause,
            Wait::Held => WaitReason::Held,
            Wait::Refused => WaitReason::Refused,
        };
        let line = self.lines[line].id.clone();
        self.decisions.push(Decision::Waits { line, until: Some(until), reason, why });
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
                if matches!(self.lines[line].stage, Stage::Waiting { wait: Wait::Held, .. }) {
                    self.detach(line);
                    self.enqueue(line);
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
        let number = self.lines[line].number;
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
        Rank { proves_nothing: !entry.prove_on, expected: std::cmp::Reverse(expected), line }
    }

    pub(super) fn enqueue(&mut self, line: usize) {
        let held = self.numbers[self.lines[line].number].held;
        if let Some((holder, until)) = held.filter(|(_, until)| *until > self.now) {
            let why = format!("`{}` may still hold its number", self.bench.ids[holder]);
            return self.put_off(line, until, why, Wait::Held);
        }
        let number = self.lines[line].number;
        if let Some(until) = self.numbers[number].redial.until(self.now) {
            return self.put_off(line, until, "redial rules".to_owned(), Wait::Pause);
        }
        if let Some((until, who)) = self.refused(number) {
            return match until {
                Some(until) => self.put_off(line, until, who, Wait::Refused),
                None => self.refused_for_good(line, &who),
            };
        }
        let (burden, rank) = (self.burden(line), self.rank(line));
        self.queue.insert(self.lines[line].number, &burden, rank);
        self.lines[line].stage = Stage::Queued { burden, rank };
    }

    pub(super) fn park(&mut self, line: usize) {
        let rank = self.rank(line);
        let Some(credential) = self.lines[line].credential else { return self.enqueue(line) };
        self.credentials[credential].parked.insert(rank);
        self.credentials[credential].active -= 1;
        self.lines[line].stage = Stage::Parked { rank };
        self.release_if_stuck(credential);
    }

    /// Takes a line out of wherever it waits.
    pub(super) fn detach(&mut self, line: usize) {
        let entry = &mut self.lines[line];
        match std::mem::replace(&mut entry.stage, Stage::New) {
            Stage::Queued { burden, rank } => self.queue.remove(entry.number, &burden, rank),
            Stage::Waiting { until, .. } => {
                self.timers.remove(&(until, Timer::Line(line)));
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
        self.conclude(line, Finding { fault: Some(why), detail: format!("{what} {when}"), call: None });
    }

    pub(super) fn conclude(&mut self, line: usize, finding: Finding) {
        self.detach(line);
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
