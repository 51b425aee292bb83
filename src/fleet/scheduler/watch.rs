//! A watcher who sees only what goes into the scheduler and what comes out, and holds it to its promises at every step.

use std::collections::{BTreeMap, BTreeSet};

use super::{CallReport, Decision, Input, Past, SchedulerPlan};
use crate::fleet::policy::{
    CALLS_WITHOUT_CARRIER_MAX, CallClass, NUMBER_HELD, OUTSIDE_LINE_STREAK_MAX, PANICS_MAX, Policy,
};
use crate::model::event::LineVerdict;
use crate::model::{CredentialName, Fault, LineId, ModemId, Mono, PhoneNumber, Verdict};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    SettingUp,
    Ready,
    InCall,
    Out,
    Gone,
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) report: CallReport,
    pub(super) class: CallClass,
}

/// What is known from outside.
#[derive(Debug)]
pub(super) struct Watch {
    plan: SchedulerPlan,
    pub(super) seats: BTreeMap<ModemId, (Seat, Option<Fault>)>,
    /// Told to be out while in a call.
    leaving: BTreeMap<ModemId, Fault>,
    pub(super) quarantined: BTreeSet<ModemId>,
    pub(super) running: BTreeMap<LineId, (ModemId, u32)>,
    pub(super) calls: BTreeMap<LineId, Vec<Call>>,
    pub(super) begun: BTreeMap<LineId, u32>,
    pub(super) verdicts: BTreeMap<LineId, LineVerdict>,
    waits: BTreeMap<LineId, Mono>,
    pub(super) proven: BTreeSet<CredentialName>,
    pub(super) stopped: BTreeSet<CredentialName>,
    draining: bool,
    /// As the scheduler was told.
    pub(super) deadline: Option<Mono>,
    past_deadline: bool,
    /// Numbers that a modem may hold although its call is over.
    held: BTreeMap<PhoneNumber, (ModemId, Mono)>,
    /// Lines that wait for such a one, and not for a pause.
    waits_for_modem: BTreeSet<LineId>,
    /// Lines that may not be dialed, as it turned out.
    refused: BTreeSet<LineId>,
    started: bool,
    pub(super) finished: bool,
    /// Calls in the order in which they ended, for a journal.
    pub(super) journal: Vec<CallReport>,
    /// Calls in a row without a usable outside line.
    lineless: BTreeMap<ModemId, u32>,
}

impl Watch {
    pub(super) fn new(plan: &SchedulerPlan) -> Self {
        Self {
            seats: plan.modems.iter().map(|m| (m.id.clone(), (Seat::SettingUp, None))).collect(),
            plan: plan.clone(),
            leaving: BTreeMap::new(),
            quarantined: BTreeSet::new(),
            running: BTreeMap::new(),
            calls: BTreeMap::new(),
            begun: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            waits: BTreeMap::new(),
            proven: BTreeSet::new(),
            stopped: BTreeSet::new(),
            draining: false,
            deadline: None,
            past_deadline: false,
            held: BTreeMap::new(),
            waits_for_modem: BTreeSet::new(),
            refused: BTreeSet::new(),
            started: false,
            finished: false,
            journal: Vec::new(),
            lineless: BTreeMap::new(),
        }
    }

    /// The process was killed: calls that were running are lost, the journal remains.
    pub(super) fn killed(&mut self) -> Past {
        self.running.clear();
        self.waits.clear();
        self.leaving.clear();
        self.lineless.clear();
        self.proven.clear();
        self.draining = false;
        self.past_deadline = false;
        self.held.clear();
        self.waits_for_modem.clear();
        self.started = false;
        for (id, (seat, fault)) in &mut self.seats {
            *seat = if self.quarantined.contains(id) { Seat::Gone } else { Seat::SettingUp };
            *fault = None;
        }
        let past = Past {
            verdicts: self.verdicts.values().cloned().collect(),
            calls: self.journal.clone(),
            begun: self.begun.clone(),
            quarantined: self.quarantined.clone(),
        };
        // To go on with what was cut short is what a resumed run is for.
        self.verdicts.retain(|_, verdict| verdict.fault != Some(Fault::Cancelled));
        for calls in self.calls.values_mut() {
            calls.retain(|call| call.class != CallClass::Policy);
        }
        past
    }

    fn number(&self, line: &LineId) -> &PhoneNumber {
        &self.plan.lines.iter().find(|job| job.id == *line).unwrap().number
    }

    fn siblings<'a>(&'a self, number: &'a PhoneNumber) -> impl Iterator<Item = &'a LineId> + 'a {
        self.plan.lines.iter().filter(move |job| job.number == *number).map(|job| &job.id)
    }

    fn calls(&self, line: &LineId) -> &[Call] {
        self.calls.get(line).map_or(&[], Vec::as_slice)
    }

    fn is_void(&self, call: &Call) -> bool {
        call.class.is_failing() && self.quarantined.contains(&call.report.modem)
    }

    fn failing(&self, line: &LineId) -> usize {
        self.calls(line).iter().filter(|call| call.class.is_failing() && !self.is_void(call)).count()
    }

    /// Failing calls that may confirm: one that was cut short only beside one with its whole time that bears it out.
    fn confirming(&self, line: &LineId) -> usize {
        let failing =
            || self.calls(line).iter().filter(|call| call.class.is_failing() && !self.is_void(call));
        let silent = |call: &Call| {
            let fault = call.report.fault;
            matches!(fault, Some(Fault::NoAnswer | Fault::NoRing | Fault::NoConnect | Fault::NoCarrier))
        };
        let borne_out = failing().any(|call| call.report.cut_short.is_none() && silent(call));
        failing().filter(|call| call.report.cut_short.is_none() || borne_out).count()
    }

    fn attempts(&self, line: &LineId) -> usize {
        self.calls(line).iter().filter(|call| call.class.is_attempt() && !self.is_void(call)).count()
    }

    fn weight(&self, line: &LineId, modem: &ModemId) -> u32 {
        let of = |call: &Call| match call.class {
            class if class.is_failing() && !self.is_void(call) => 2,
            class if class.is_bench() || class == CallClass::Defect => 1,
            _ => 0,
        };
        self.calls(line).iter().filter(|call| call.report.modem == *modem).map(of).sum()
    }

    fn dialed(&self, number: &PhoneNumber) -> u32 {
        let of = |line: &LineId| {
            let calls = self.calls(line);
            let begun = self.begun.get(line).copied().unwrap_or(0);
            let running = u32::from(self.running.contains_key(line));
            let lost = begun - running - u32::try_from(calls.len()).unwrap();
            lost + calls.iter().map(|call| u32::from(call.report.dialed)).sum::<u32>()
        };
        self.siblings(number).map(of).sum()
    }

    fn number_calls<'a>(&'a self, number: &'a PhoneNumber) -> impl Iterator<Item = &'a Call> + 'a {
        self.siblings(number).flat_map(|line| self.calls(line))
    }

    fn without_carrier(&self, number: &PhoneNumber) -> bool {
        self.number_calls(number).any(|call| call.class == CallClass::AnsweredWithoutCarrier)
    }

    fn woken(&self, number: &PhoneNumber) -> bool {
        self.number_calls(number).any(|call| matches!(call.report.fault, Some(Fault::Voice | Fault::Fax)))
    }

    fn number_closed(&self, number: &PhoneNumber) -> bool {
        self.woken(number)
            || (self.without_carrier(number) && self.dialed(number) >= CALLS_WITHOUT_CARRIER_MAX)
    }

    fn hopeful(&self, modem: &ModemId) -> bool {
        let (seat, fault) = self.seats[modem];
        !self.quarantined.contains(modem)
            && match seat {
                Seat::Ready | Seat::InCall => self.leaving.get(modem) != Some(&Fault::PortBusy),
                Seat::SettingUp | Seat::Out => fault != Some(Fault::PortBusy),
                Seat::Gone => false,
            }
    }

    fn is_held(&self, number: &PhoneNumber, now: Mono) -> bool {
        self.held.get(number).is_some_and(|(_, until)| *until > now)
    }

    fn trunk_has_room(&self, modem: &ModemId) -> bool {
        let trunk_of = |id: &ModemId| self.plan.modems.iter().find(|m| m.id == *id).unwrap().trunk.clone();
        let Some(trunk) = trunk_of(modem) else { return true };
        let calls =
            self.running.values().filter(|(other, _)| trunk_of(other).as_ref() == Some(&trunk)).count();
        self.plan.trunks.get(&trunk).is_none_or(|most| calls < most.get() as usize)
    }

    /// Takes in what the scheduler was told, before it answers.
    pub(super) fn input(&mut self, now: Mono, input: &Input) {
        match input {
            Input::Start => self.started = true,
            Input::ModemReady(modem) => {
                let seat = self.seats.get_mut(modem).unwrap();
                if matches!(seat.0, Seat::SettingUp | Seat::Out) {
                    *seat = (Seat::Ready, None);
                }
                let free: Vec<PhoneNumber> =
                    self.held.iter().filter(|(_, (by, _))| by == modem).map(|(n, _)| n.clone()).collect();
                for number in free {
                    self.held.remove(&number);
                    for line in self.siblings(&number).cloned().collect::<Vec<_>>() {
                        if self.waits_for_modem.remove(&line) {
                            self.waits.remove(&line);
                        }
                    }
                }
            }
            Input::ModemOut { modem, fault, .. } => {
                let seat = self.seats.get_mut(modem).unwrap();
                match seat.0 {
                    Seat::InCall => {
                        self.leaving.insert(modem.clone(), *fault);
                    }
                    Seat::Ready | Seat::SettingUp => *seat = (Seat::Out, Some(*fault)),
                    Seat::Out | Seat::Gone => {}
                }
            }
            Input::CallEnded(report) => self.ended(now, report),
            Input::Panicked { modem, line, detail } => {
                let attempt = self.running[line].1;
                let report = CallReport {
                    line: line.clone(),
                    modem: modem.clone(),
                    attempt,
                    fault: Some(Fault::Internal),
                    furthest: None,
                    dialed: true,
                    held: true,
                    took: std::time::Duration::ZERO,
                    cut_short: None,
                    connected_after: None,
                    refused_for: None,
                    detail: detail.clone(),
                };
                self.ended(now, &report);
            }
            Input::CredentialProven(name) => {
                self.proven.insert(name.clone());
            }
            Input::CredentialStopped(name) => {
                self.stopped.insert(name.clone());
            }
            Input::NotDialed { modem, line, .. } => {
                let (taken, attempt) = self.running.remove(line).expect("only calls that were decided on");
                assert_eq!(taken, *modem);
                self.begun.insert(line.clone(), attempt - 1);
                self.refused.insert(line.clone());
                let seat = match self.leaving.remove(modem) {
                    _ if self.quarantined.contains(modem) => (Seat::Gone, None),
                    Some(fault) => (Seat::Out, Some(fault)),
                    None => (Seat::Ready, None),
                };
                self.seats.insert(modem.clone(), seat);
            }
            Input::Drain => self.draining = true,
            Input::Deadline => self.past_deadline = true,
            Input::Time => {}
        }
    }

    fn ended(&mut self, now: Mono, report: &CallReport) {
        if report.held {
            let number = self.number(&report.line).clone();
            self.held.insert(number, (report.modem.clone(), now + NUMBER_HELD));
        }
        let (modem, attempt) = self.running.remove(&report.line).expect("only running calls end");
        assert_eq!((&modem, attempt), (&report.modem, report.attempt));
        let class = CallClass::of(report.fault);
        self.calls.entry(report.line.clone()).or_default().push(Call { report: report.clone(), class });
        self.journal.push(report.clone());
        let leaving = self.leaving.remove(&modem);
        let lineless = self.lineless.entry(modem.clone()).or_default();
        *lineless = match class {
            CallClass::BenchLine => *lineless + 1,
            // They say nothing of the outside line.
            CallClass::BenchModem | CallClass::Defect => *lineless,
            _ => 0,
        };
        let rests =
            class == CallClass::BenchLine && *lineless >= OUTSIDE_LINE_STREAK_MAX && leaving.is_none();
        if rests {
            *lineless = 0;
        }
        let seat = match class {
            _ if self.quarantined.contains(&modem) => (Seat::Gone, None),
            CallClass::BenchModem => (Seat::Out, report.fault),
            CallClass::Defect => (Seat::SettingUp, leaving),
            _ if leaving.is_some() || rests => (Seat::Out, leaving),
            _ => (Seat::Ready, None),
        };
        self.seats.insert(modem, seat);
    }

    /// Holds what the scheduler decided to its promises.
    pub(super) fn decided(&mut self, now: Mono, decisions: &[Decision]) {
        for decision in decisions {
            assert!(!self.finished, "{decision:?} after Finished");
            match decision {
                Decision::SetUp(modem) => {
                    let seat = self.seats.get_mut(modem).unwrap();
                    assert!(!matches!(seat.0, Seat::InCall | Seat::Gone), "set up {modem} while {seat:?}");
                    // A modem rests after bad outside lines, without a word.
                    seat.0 = Seat::SettingUp;
                }
                Decision::Dial { line, modem, attempt, call, may_shorten } => {
                    assert_eq!(call.as_str(), format!("{line}.{attempt}"));
                    self.invariant_shortened(now, line, *may_shorten);
                    self.invariant_dial(now, line, modem, *attempt);
                }
                Decision::Verdict(verdict) => self.invariant_verdict(verdict),
                Decision::Withdraw { line, .. } => {
                    assert!(self.verdicts.remove(line).is_some(), "withdrew a verdict that `{line}` has not");
                }
                Decision::Quarantine { modem, .. } => {
                    self.invariant_quarantine(modem);
                    assert!(self.quarantined.insert(modem.clone()), "quarantined twice");
                    let seat = self.seats.get_mut(modem).unwrap();
                    if seat.0 != Seat::InCall {
                        seat.0 = Seat::Gone;
                    }
                }
                Decision::GiveUp { modem, fault, .. } => {
                    assert_ne!(*fault, Fault::PortBusy, "a busy port is tried as long as there are lines");
                    self.seats.insert(modem.clone(), (Seat::Gone, Some(*fault)));
                }
                Decision::Waits { line, until, why } => {
                    if why.contains("may still hold") {
                        self.waits_for_modem.insert(line.clone());
                    } else {
                        self.waits_for_modem.remove(line);
                    }
                    assert!(*until > now && !self.running.contains_key(line), "waits for nothing");
                    assert!(!self.verdicts.contains_key(line));
                    assert!(
                        self.waits.insert(line.clone(), *until).is_none_or(|before| before <= now),
                        "told twice"
                    );
                }
                Decision::Finished => self.invariant_finished(),
            }
        }
        if self.started && !self.finished && !self.draining && !self.past_deadline {
            self.invariant_no_idle_modem(now);
        }
    }

    /// Only the first call to a number, where a second one can follow.
    fn invariant_shortened(&self, now: Mono, line: &LineId, may_shorten: bool) {
        if !may_shorten {
            return;
        }
        let policy = &self.plan.policy;
        assert!(policy.adaptive && policy.confirm > 1 && policy.attempts > 1, "no second call can follow");
        let room = policy.second_call_room();
        assert!(self.deadline.is_none_or(|at| now + room <= at), "the deadline comes before the second call");
        let number = self.number(line);
        assert_eq!(self.siblings(number).count(), 1, "another line's calls count for its number");
        assert_eq!(self.dialed(number), 0, "it is not the first call");
    }

    fn invariant_dial(&mut self, now: Mono, line: &LineId, modem: &ModemId, attempt: u32) {
        let job = self.plan.lines.iter().find(|job| job.id == *line).unwrap();
        assert!(self.started && !self.draining, "dialed while draining");
        assert!(!self.past_deadline, "dialed after the deadline");
        assert!(!self.refused.contains(line), "dialed although it may not be");
        assert!(job.preset.is_none() && !self.verdicts.contains_key(line), "dialed a finished line");
        assert_eq!(self.seats[modem].0, Seat::Ready, "{modem} is not free");
        assert!(!self.quarantined.contains(modem));
        assert!(self.trunk_has_room(modem), "trunk limit exceeded");
        let number = job.number.clone();
        for busy in self.running.keys() {
            assert_ne!(*self.number(busy), number, "two calls to one number");
        }
        assert!(self.attempts(line) < self.plan.policy.attempts as usize, "one attempt too many on `{line}`");
        assert!(!self.is_held(&number, now), "a call to a number that a modem of ours may hold");
        assert!(!self.calls(line).iter().any(|call| call.class == CallClass::Final), "woken twice");
        assert!(!self.number_closed(&number), "the number has had its calls");
        assert!(
            !self.calls(line).iter().any(|call| matches!(call.class, CallClass::Passed | CallClass::Policy))
        );
        assert!(self.confirming(line) < self.plan.policy.confirm as usize, "confirmed once too often");
        assert!(self.waits.remove(line).is_none_or(|until| until <= now), "dialed before its time");
        let weight = self.weight(line, modem);
        for other in self.seats.keys().filter(|other| self.hopeful(other)) {
            assert!(
                weight <= self.weight(line, other),
                "`{line}` meets {modem} again, although {other} is there"
            );
        }
        let begun = self.begun.entry(line.clone()).or_default();
        assert_eq!(attempt, *begun + 1, "attempts are counted on");
        *begun = attempt;
        self.running.insert(line.clone(), (modem.clone(), attempt));
        self.seats.insert(modem.clone(), (Seat::InCall, None));
    }

    fn invariant_verdict(&mut self, verdict: &LineVerdict) {
        let line = &verdict.line;
        let job = self.plan.lines.iter().find(|job| job.id == *line).unwrap();
        assert!(!self.verdicts.contains_key(line), "a second verdict for `{line}`");
        assert!(!self.running.contains_key(line), "judged in the middle of a call");
        assert_eq!(verdict.attempts, self.begun.get(line).copied().unwrap_or(0));
        let decided = verdict.call.as_ref().map(|id| {
            let call =
                self.calls(line).iter().find(|call| format!("{line}.{}", call.report.attempt) == id.as_str());
            call.expect("the call that decided is one of the line's")
        });
        let class = CallClass::of(verdict.fault);
        let has = |class: CallClass| self.calls(line).iter().any(|call| call.class == class);
        if let Some(preset) = &job.preset {
            assert_eq!((verdict.fault, &decided.is_none()), (Some(preset.fault), &true));
        } else {
            match (Verdict::of(verdict.fault), class) {
                (Verdict::Pass | Verdict::Degraded, _) => self.invariant_pass(verdict),
                (Verdict::Fail, _) => self.invariant_fail(verdict, decided),
                (_, CallClass::Unproven) => {
                    assert!(has(CallClass::Unproven), "unproven, and never came to a prompt");
                    let exhausted = self.attempts(line) >= self.plan.policy.attempts as usize;
                    let credential = job.credential.as_ref();
                    let known = credential.is_none_or(|name| self.stopped.contains(name));
                    let confirmed = self.confirming(line) >= self.plan.policy.confirm as usize
                        || has(CallClass::Final)
                        || self.number_closed(&job.number);
                    assert!(known || exhausted || confirmed, "nothing was known yet of the credential");
                }
                (_, CallClass::BenchModem | CallClass::BenchLine) => self.invariant_bench(verdict, decided),
                (_, CallClass::Defect) => {
                    let panics = self.calls(line).iter().filter(|call| call.class == CallClass::Defect);
                    let modems: BTreeSet<_> = panics.clone().map(|call| &call.report.modem).collect();
                    assert!(modems.len() >= 2 || panics.count() >= PANICS_MAX as usize, "it did not persist");
                }
                (_, CallClass::Policy) => match verdict.fault {
                    Some(Fault::Cancelled) => assert!(self.draining || has(CallClass::Policy)),
                    Some(Fault::PastDeadline) => assert!(self.past_deadline),
                    Some(Fault::Screened) => assert!(self.refused.contains(line)),
                    Some(Fault::OverBudget) => assert!(self.number_closed(&job.number)),
                    _ => assert!(has(CallClass::Policy)),
                },
                (_, other) => panic!("{other:?} is no class of an untested line"),
            }
        }
        self.waits.remove(line);
        self.verdicts.insert(line.clone(), verdict.clone());
    }

    fn invariant_pass(&self, verdict: &LineVerdict) {
        let line = &verdict.line;
        let passed = self.calls(line).iter().rfind(|call| call.class == CallClass::Passed);
        let passed = passed.expect("passed without a call that did");
        assert_eq!(verdict.call.as_ref().unwrap().as_str(), format!("{line}.{}", passed.report.attempt));
        match passed.report.fault {
            Some(own) => assert_eq!(verdict.fault, Some(own)),
            None if self.failing(line) > 0 && self.plan.policy.degraded.needed_retry => {
                assert_eq!(verdict.fault, Some(Fault::NeededRetry));
            }
            None => assert_eq!(verdict.fault, None),
        }
    }

    fn invariant_fail(&self, verdict: &LineVerdict, decided: Option<&Call>) {
        let line = &verdict.line;
        let number = self.number(line);
        assert!(
            !self.calls(line).iter().any(|call| call.class == CallClass::Passed),
            "failed although it passed"
        );
        let Some(decided) = decided else {
            let seen = self
                .number_calls(number)
                .any(|call| call.report.fault == verdict.fault && !self.is_void(call));
            assert!(
                seen && self.number_closed(number)
                    && self
                        .calls(line)
                        .iter()
                        .all(|call| !call.class.is_failing() || self.is_void(call) || self.woken(number))
            );
            return;
        };
        assert_eq!(decided.report.fault, verdict.fault);
        assert!(!self.is_void(decided), "rests on a modem under quarantine");
        assert_eq!(decided.report.cut_short, None, "rests on a call that was cut short");
        let further = self.calls(line).iter().any(|call| {
            let counts =
                (call.class.is_failing() && !self.is_void(call)) || call.class == CallClass::Unproven;
            counts
                && call.report.cut_short.is_none()
                && (call.report.furthest, call.report.attempt)
                    > (decided.report.furthest, decided.report.attempt)
        });
        assert!(!further, "another call got further");
        let on_number =
            self.number_calls(number).filter(|call| call.class.is_failing() && !self.is_void(call)).count();
        let own =
            |class: CallClass| self.calls(line).iter().any(|call| call.class == class && !self.is_void(call));
        let confirmed = self.confirming(line) >= self.plan.policy.confirm as usize
            || own(CallClass::Final)
            || self.attempts(line) >= self.plan.policy.attempts as usize
            || (self.number_closed(number) && on_number >= CALLS_WITHOUT_CARRIER_MAX as usize);
        assert!(confirmed, "`{line}` fails on one opinion");
    }

    fn invariant_bench(&self, verdict: &LineVerdict, decided: Option<&Call>) {
        let line = &verdict.line;
        let bench = self.calls(line).iter().filter(|call| call.class.is_bench()).count();
        assert!(bench <= Policy::bench_calls_max(self.plan.modems.len()) as usize);
        let Some(decided) = decided else {
            let in_service = |(id, (seat, _)): (&ModemId, &(Seat, Option<Fault>))| {
                !self.quarantined.contains(id) && matches!(seat, Seat::Ready | Seat::InCall)
            };
            let distrusted =
                verdict.fault == Some(Fault::QuarantinedBench) && self.number_closed(self.number(line));
            assert!(distrusted || !self.seats.iter().any(in_service), "gave up with a modem in service");
            return;
        };
        if verdict.fault == Some(Fault::QuarantinedBench) && self.is_void(decided) {
            assert_eq!(decided.class, CallClass::Final);
            return;
        }
        let all = bench == Policy::bench_calls_max(self.plan.modems.len()) as usize;
        assert!(all || self.number_closed(self.number(line)), "gave up after {bench} bench faults");
    }

    fn invariant_quarantine(&self, modem: &ModemId) {
        let contradicted = self.calls.values().filter(|calls| {
            calls.iter().any(|call| call.class.is_failing() && call.report.modem == *modem)
                && calls.iter().any(|call| call.class == CallClass::Passed && call.report.modem != *modem)
        });
        assert!(contradicted.count() >= 3, "quarantined {modem} without evidence");
    }

    fn invariant_finished(&mut self) {
        assert!(self.running.is_empty(), "finished in the middle of a call");
        assert_eq!(self.verdicts.len(), self.plan.lines.len(), "the verdicts do not add up to the plan");
        self.finished = true;
    }

    /// A line that was never called, whose number is idle, and a free modem: one of them is asleep.
    fn invariant_no_idle_modem(&self, now: Mono) {
        let free = self.seats.iter().any(|(id, (seat, _))| *seat == Seat::Ready && self.trunk_has_room(id));
        if !free {
            return;
        }
        for job in &self.plan.lines {
            let fresh = job.preset.is_none()
                && !self.verdicts.contains_key(&job.id)
                && !self.begun.contains_key(&job.id);
            let idle = !self.is_held(&job.number, now)
                && !self.running.keys().any(|busy| *self.number(busy) == job.number);
            assert!(!(fresh && idle), "`{}` waits while a modem is free", job.id);
        }
    }
}
