//! A watcher who sees only what goes into the scheduler and what comes out, and holds it to its promises at every step.
//!
//! What is known from outside stands here; what is held of calls and checks in `dials`, of verdicts in `verdicts`.

mod checks;
mod dials;
mod limits;
mod orders;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};

use self::limits::Spending;
use super::{CallReport, Check, Decision, Input, LineJob, Past, Preflight, SchedulerPlan};
use crate::fleet::order::{Loan, Standing};
use crate::fleet::policy::{CALLS_WITHOUT_CARRIER_MAX, CallClass, NUMBER_HELD, OUTSIDE_LINE_STREAK_MAX};
use crate::fleet::redial::RedialCount;
use crate::model::event::Via;
use crate::model::event::{LineVerdict, WaitReason};
use crate::model::{CallId, CredentialName, Fault, LineId, ModemId, Mono, PhoneNumber, TrunkName, Windows};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    SettingUp,
    Ready,
    InCall,
    Out,
    Gone,
    /// Out of service by order.
    Away,
    Lent,
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
    /// Which way each of them goes.
    on_way: BTreeMap<LineId, usize>,
    /// Calls of which no end is known, and the ways that they went.
    lost: Vec<(LineId, usize)>,
    /// Those that the last death of the process lost, for a journal.
    newly_lost: Vec<(LineId, Option<Via>)>,
    /// When each line may be dialed.
    windows: BTreeMap<LineId, Windows>,
    began: Option<Mono>,
    /// What calls and checks took, and what is set aside for those that are running, by modem.
    spent: Vec<Spending>,
    /// Checks that were running when the process died.
    lost_checks: Vec<Check>,
    aside: BTreeMap<ModemId, Spending>,
    pub(super) calls: BTreeMap<LineId, Vec<Call>>,
    pub(super) begun: BTreeMap<LineId, u32>,
    pub(super) verdicts: BTreeMap<LineId, LineVerdict>,
    /// What each line that waits was told to wait for last.
    pub(super) waits: BTreeMap<LineId, (WaitReason, Option<Mono>)>,
    pub(super) proven: BTreeSet<CredentialName>,
    pub(super) stopped: BTreeSet<CredentialName>,
    draining: bool,
    /// As the scheduler was told.
    pub(super) deadline: Option<Mono>,
    past_deadline: bool,
    /// Numbers that a modem may hold although its call is over.
    held: BTreeMap<PhoneNumber, (ModemId, Mono)>,
    /// Lines that may not be dialed, as it turned out.
    refused: BTreeSet<LineId>,
    started: bool,
    pub(super) finished: bool,
    /// Calls in the order in which they ended, for a journal.
    pub(super) journal: Vec<CallReport>,
    /// Calls in a row without a usable outside line.
    lineless: BTreeMap<ModemId, u32>,
    /// Failing calls of each modem since it passed anything, and those that a quarantine made void.
    unproven: BTreeMap<ModemId, Vec<(LineId, u32)>>,
    void: BTreeSet<(LineId, u32)>,
    /// Checks that are running, and who answers them.
    checking: BTreeMap<ModemId, Check>,
    answering: BTreeSet<ModemId>,
    /// Modems that have not been asked what the plan wants to be asked first.
    unasked: BTreeMap<ModemId, Preflight>,
    /// Lines in a row that failed on a modem without a word of a console.
    piles: BTreeMap<ModemId, BTreeSet<LineId>>,
    /// Checks that each modem failed since it passed anything.
    failed_checks: BTreeMap<ModemId, u32>,
    /// Checks that it passed, in this sitting.
    pub(super) passed_checks: BTreeMap<ModemId, u32>,
    /// How often a line was called to check a modem.
    known_line_checks: BTreeMap<LineId, u32>,
    /// Who refuses which number, and until when.
    barred: BTreeMap<(ModemId, PhoneNumber), Option<Mono>>,
    redial: BTreeMap<PhoneNumber, RedialCount>,
    // What was ordered.
    open_tickets: BTreeSet<u64>,
    /// Who waits for a modem.
    wanted: BTreeMap<u64, Loan>,
    pub(super) lent: BTreeMap<ModemId, Loan>,
    disabled: BTreeMap<ModemId, String>,
    skipped: BTreeMap<LineId, String>,
    paused: bool,
    /// Lines whose calls are called off.
    recalled: BTreeSet<LineId>,
    /// Calls that were, before a digit went out.
    called_off: Vec<(LineId, usize)>,
    /// Modems that are tried again slowly.
    down: BTreeSet<ModemId>,
    /// Deaths in a row.
    deaths: BTreeMap<ModemId, u32>,
}

impl Watch {
    pub(super) fn new(plan: &SchedulerPlan) -> Self {
        let mut redial: BTreeMap<PhoneNumber, RedialCount> = BTreeMap::new();
        for before in &plan.past.called {
            let count = redial.entry(before.number.clone()).or_default();
            count.recall(&plan.redial, before.ago, before.fault, before.through);
        }
        Self {
            seats: plan.modems.iter().map(|m| (m.id.clone(), (Seat::SettingUp, None))).collect(),
            plan: plan.clone(),
            leaving: BTreeMap::new(),
            quarantined: BTreeSet::new(),
            running: BTreeMap::new(),
            on_way: BTreeMap::new(),
            lost: Vec::new(),
            newly_lost: Vec::new(),
            windows: plan.lines.iter().map(|job| (job.id.clone(), job.windows.clone())).collect(),
            began: None,
            spent: Vec::new(),
            lost_checks: plan.past.lost_checks.clone(),
            aside: BTreeMap::new(),
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
            refused: BTreeSet::new(),
            started: false,
            finished: false,
            journal: Vec::new(),
            lineless: BTreeMap::new(),
            unproven: BTreeMap::new(),
            void: BTreeSet::new(),
            checking: BTreeMap::new(),
            answering: BTreeSet::new(),
            unasked: plan.modems.iter().map(|m| (m.id.clone(), plan.checks.preflight)).collect(),
            piles: BTreeMap::new(),
            failed_checks: BTreeMap::new(),
            passed_checks: BTreeMap::new(),
            known_line_checks: BTreeMap::new(),
            barred: BTreeMap::new(),
            redial,
            open_tickets: BTreeSet::new(),
            wanted: BTreeMap::new(),
            lent: BTreeMap::new(),
            disabled: BTreeMap::new(),
            skipped: BTreeMap::new(),
            paused: false,
            recalled: BTreeSet::new(),
            called_off: Vec::new(),
            down: BTreeSet::new(),
            deaths: BTreeMap::new(),
        }
    }

    /// The process was killed: calls that were running are lost, the journal remains.
    pub(super) fn killed(&mut self) -> (Past, Standing) {
        self.lose_calls();
        self.began = None;
        self.waits.clear();
        self.leaving.clear();
        self.lineless.clear();
        self.proven.clear();
        self.draining = false;
        self.past_deadline = false;
        self.held.clear();
        self.started = false;
        for (seat, fault) in self.seats.values_mut() {
            *seat = Seat::SettingUp;
            *fault = None;
        }
        let standing = self.standing();
        self.checking.clear();
        self.answering.clear();
        self.unasked.values_mut().for_each(|preflight| *preflight = self.plan.checks.preflight);
        self.failed_checks.clear();
        self.passed_checks.clear();
        self.known_line_checks.clear();
        self.barred.clear();
        let past = Past {
            verdicts: self.verdicts.values().cloned().collect(),
            calls: self.journal.clone(),
            begun: self.begun.clone(),
            quarantined: self.quarantined.clone(),
            unproven: self
                .unproven
                .values()
                .flatten()
                .map(|(line, attempt)| CallId::new(line, *attempt))
                .collect(),
            checks: self.spent.iter().filter(|spent| spent.check).map(|spent| spent.charge).collect(),
            lost_checks: self.lost_checks.clone(),
            // Of calls that a signal cut short the journal has the end.
            lost: std::mem::take(&mut self.newly_lost),
            called: Vec::new(),
            void: self.void.iter().map(|(line, attempt)| CallId::new(line, *attempt)).collect(),
        };
        self.recount_redials();
        self.recount_piles();
        // To go on with what was cut short is what a resumed run is for.
        self.verdicts.retain(|_, verdict| verdict.fault != Some(Fault::Cancelled));
        (past, standing)
    }

    pub(super) fn jobs(&self) -> &[LineJob] {
        &self.plan.lines
    }

    fn job(&self, line: &LineId) -> &LineJob {
        self.plan.lines.iter().find(|job| job.id == *line).unwrap()
    }

    fn way(&self, report: &CallReport) -> usize {
        self.job(&report.line).ways.iter().position(|way| way.via == report.via).unwrap()
    }

    /// The number that a call went to.
    fn number(&self, report: &CallReport) -> &PhoneNumber {
        &self.job(&report.line).ways[self.way(report)].number
    }

    /// The number that a running call goes to.
    fn number_in_call(&self, line: &LineId) -> &PhoneNumber {
        &self.job(line).ways[self.on_way[line]].number
    }

    fn siblings<'a>(&'a self, number: &'a PhoneNumber) -> impl Iterator<Item = &'a LineId> + 'a {
        let here = move |job: &&LineJob| job.ways.iter().any(|way| way.number == *number);
        self.plan.lines.iter().filter(here).map(|job| &job.id)
    }

    fn calls(&self, line: &LineId) -> &[Call] {
        self.calls.get(line).map_or(&[], Vec::as_slice)
    }

    fn is_void(&self, call: &Call) -> bool {
        self.void.contains(&(call.report.line.clone(), call.report.attempt))
    }

    /// Whether a call failed that had its whole time.
    fn failing_in_full(&self, line: &LineId) -> bool {
        let in_full = |call: &Call| call.class.is_failing() && call.report.cut_short.is_none();
        self.calls(line).iter().any(|call| in_full(call) && !self.is_void(call))
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

    fn weight(&self, now: Mono, line: &LineId, number: &PhoneNumber, modem: &ModemId) -> u32 {
        if self.is_barred(now, number, modem) {
            return u32::MAX;
        }
        let of = |call: &Call| match call.class {
            class if class.is_failing() && !self.is_void(call) => 2,
            class if class.is_bench() || class == CallClass::Defect => 1,
            _ => 0,
        };
        self.calls(line).iter().filter(|call| call.report.modem == *modem).map(of).sum()
    }

    fn dialed(&self, number: &PhoneNumber) -> u32 {
        let lost = self.lost.iter().filter(|(line, way)| self.job(line).ways[*way].number == *number).count();
        let dialed = self.number_calls(number).filter(|call| call.report.dialed).count();
        u32::try_from(lost + dialed).unwrap()
    }

    fn number_calls<'a>(&'a self, number: &'a PhoneNumber) -> impl Iterator<Item = &'a Call> + 'a {
        let calls = self.siblings(number).flat_map(|line| self.calls(line));
        calls.filter(move |call| self.number(&call.report) == number)
    }

    fn without_carrier(&self, number: &PhoneNumber) -> bool {
        self.number_calls(number).any(|call| call.class == CallClass::AnsweredWithoutCarrier)
    }

    fn woken(&self, number: &PhoneNumber) -> bool {
        self.number_calls(number).any(|call| matches!(call.report.fault, Some(Fault::Voice | Fault::Fax)))
    }

    fn number_closed(&self, number: &PhoneNumber) -> bool {
        if self.plan.policy.repeat > 1 {
            return self.woken(number) || self.closed_since_a_pass(number);
        }
        self.woken(number)
            || (self.without_carrier(number) && self.dialed(number) >= CALLS_WITHOUT_CARRIER_MAX)
    }

    /// Where calls are made whatever they find, one that passed shows that a modem is there.
    fn closed_since_a_pass(&self, number: &PhoneNumber) -> bool {
        let calls: Vec<&Call> = self.number_calls(number).collect();
        let passed = calls.iter().rposition(|call| call.class == CallClass::Passed);
        let since = &calls[passed.map_or(0, |at| at + 1)..];
        let dialed = since.iter().filter(|call| call.report.dialed).count();
        since.iter().any(|call| call.class == CallClass::AnsweredWithoutCarrier)
            && dialed >= CALLS_WITHOUT_CARRIER_MAX as usize
    }

    fn hopeful(&self, modem: &ModemId) -> bool {
        let (seat, fault) = self.seats[modem];
        !self.quarantined.contains(modem)
            && !self.disabled.contains_key(modem)
            && !self.down.contains(modem)
            && match seat {
                Seat::Ready | Seat::InCall => self.leaving.get(modem) != Some(&Fault::PortBusy),
                Seat::SettingUp | Seat::Out => fault != Some(Fault::PortBusy),
                Seat::Gone | Seat::Away | Seat::Lent => false,
            }
    }

    fn is_held(&self, number: &PhoneNumber, now: Mono) -> bool {
        self.held.get(number).is_some_and(|(_, until)| *until > now)
    }

    fn trunk_of(&self, id: &ModemId) -> Option<TrunkName> {
        self.plan.modems.iter().find(|m| m.id == *id).unwrap().trunk.clone()
    }

    fn trunk_has_room(&self, modem: &ModemId) -> bool {
        let Some(trunk) = self.trunk_of(modem) else { return true };
        let on_calls = self.running.values().map(|(other, _)| other);
        let calls = on_calls
            .chain(self.checking.keys())
            .chain(&self.answering)
            .chain(self.lent.keys())
            .filter(|other| self.trunk_of(other).as_ref() == Some(&trunk))
            .count();
        self.plan.trunks.get(&trunk).is_none_or(|most| calls < most.get() as usize)
    }

    /// Takes in what the scheduler was told, before it answers.
    pub(super) fn input(&mut self, now: Mono, input: &Input) {
        match input {
            Input::Start => {
                self.started = true;
                self.began = Some(now);
            }
            Input::ModemReady(modem) => {
                let rests = self.quarantined.contains(modem);
                let seat = self.seats.get_mut(modem).unwrap();
                if seat.0 == Seat::SettingUp || (seat.0 == Seat::Out && !rests) {
                    *seat = (Seat::Ready, None);
                    self.down.remove(modem);
                }
                let free: Vec<PhoneNumber> =
                    self.held.iter().filter(|(_, (by, _))| by == modem).map(|(n, _)| n.clone()).collect();
                for number in free {
                    self.held.remove(&number);
                }
            }
            Input::ModemOut { modem, fault, .. } => {
                let seat = self.seats.get_mut(modem).unwrap();
                match seat.0 {
                    Seat::InCall => {
                        self.leaving.insert(modem.clone(), *fault);
                    }
                    Seat::Ready | Seat::SettingUp => *seat = (Seat::Out, Some(*fault)),
                    Seat::Out | Seat::Gone | Seat::Away | Seat::Lent => {}
                }
            }
            Input::CallEnded(report) => self.ended(now, report),
            Input::Checked(report) => self.checked(now, report),
            Input::Answered(modem) => self.answered(modem),
            Input::Panicked { modem, line, detail } => {
                let attempt = self.running[line].1;
                let via = self.job(line).ways[self.on_way[line]].via.clone();
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
                    via,
                    charge: None,
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
                self.on_way.remove(line);
                self.aside.remove(modem);
                self.begun.insert(line.clone(), attempt - 1);
                self.refused.insert(line.clone());
                let seat = match self.leaving.remove(modem) {
                    _ if self.quarantined.contains(modem) => (Seat::Out, None),
                    Some(fault) => (Seat::Out, Some(fault)),
                    None => (Seat::Ready, None),
                };
                self.seats.insert(modem.clone(), seat);
            }
            Input::Told { ticket, order } => self.told(now, *ticket, order),
            Input::Drain => self.draining = true,
            Input::Deadline => self.past_deadline = true,
            Input::Windows(windows) => self.windows.extend(windows.iter().cloned()),
            Input::Lost { .. } | Input::Time => {}
        }
    }

    fn ended(&mut self, now: Mono, report: &CallReport) {
        if report.held {
            let number = self.number(report).clone();
            self.held.insert(number, (report.modem.clone(), now + NUMBER_HELD));
        }
        let (modem, attempt) = self.running.remove(&report.line).expect("only running calls end");
        assert_eq!((&modem, attempt), (&report.modem, report.attempt));
        assert_eq!(self.on_way.remove(&report.line), Some(self.way(report)));
        self.settled(&modem, report.dialed, report.charge);
        if self.was_called_off(report) {
            self.journal.push(report.clone());
            return self.called_off(now, report);
        }
        let class = CallClass::of(report.fault);
        self.calls.entry(report.line.clone()).or_default().push(Call { report: report.clone(), class });
        self.journal.push(report.clone());
        self.learned(now, report, class);
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
        self.lived(&modem, class);
        let seat = match class {
            _ if self.quarantined.contains(&modem) => (Seat::Out, None),
            CallClass::BenchModem => (Seat::Out, report.fault),
            CallClass::Defect => self.after_death(&modem, leaving),
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
                    assert!(
                        !matches!(seat.0, Seat::InCall | Seat::Gone | Seat::Lent),
                        "set up {modem} while {seat:?}"
                    );
                    assert!(!self.disabled.contains_key(modem), "set up {modem}, which is disabled");
                    // A modem rests after bad outside lines, without a word.
                    seat.0 = Seat::SettingUp;
                }
                Decision::Dial { line, modem, attempt, way, call, may_shorten } => {
                    assert_eq!(call.as_str(), format!("{line}.{attempt}"));
                    self.invariant_shortened(now, line, *may_shorten);
                    self.invariant_limits(now, line, *way, modem);
                    self.invariant_dial(now, line, *way, (modem, *attempt));
                }
                Decision::Verdict(verdict) => self.invariant_verdict(now, verdict),
                Decision::Withdraw { line, .. } => {
                    let before = self.verdicts.remove(line);
                    assert!(before.is_some(), "withdrew a verdict that `{line}` has not");
                    // Whoever was left out by the plan may be called by order.
                    let jobs = self.plan.lines.iter_mut().filter(|job| job.id == *line);
                    jobs.for_each(|job| job.preset = None);
                }
                Decision::Quarantine { modem, .. } => {
                    self.invariant_quarantine(modem);
                    assert!(self.quarantined.insert(modem.clone()), "quarantined twice");
                    self.void.extend(self.unproven.remove(modem).unwrap_or_default());
                    let seat = self.seats.get_mut(modem).unwrap();
                    if !matches!(seat.0, Seat::InCall | Seat::Gone | Seat::Away | Seat::Lent) {
                        seat.0 = Seat::Out;
                    }
                }
                Decision::Check { modem, check } => self.invariant_check(now, modem, check),
                Decision::TakeBack { modem, .. } => self.invariant_take_back(modem),
                Decision::Notice(text) => {
                    // One that can't be asked is believed.
                    let told = |id: &ModemId| text.starts_with(&format!("`{id}` was not checked"));
                    if let Some((_, asked)) = self.unasked.iter_mut().find(|(id, _)| told(id)) {
                        *asked = Preflight::Off;
                    }
                }
                Decision::GiveUp { modem, fault, .. } => {
                    assert_ne!(*fault, Fault::PortBusy, "a busy port is tried as long as there are lines");
                    self.seats.insert(modem.clone(), (Seat::Gone, Some(*fault)));
                }
                Decision::Answer { .. }
                | Decision::Lend { .. }
                | Decision::Paused { .. }
                | Decision::Resumed
                | Decision::Recall(_)
                | Decision::Dismiss { .. }
                | Decision::Restart(_)
                | Decision::Down { .. } => self.decided_by_order(now, decision),
                Decision::Waits { line, until, reason, .. } => self.waits(now, line, *until, *reason),
                Decision::Finished => self.invariant_finished(),
            }
        }
        self.invariant_budget();
        if self.started && !self.finished && !self.draining && !self.past_deadline && !self.paused {
            self.invariant_no_idle_modem(now);
        }
    }

    fn invariant_finished(&mut self) {
        assert!(self.running.is_empty(), "finished in the middle of a call");
        assert!(self.checking.is_empty() && self.answering.is_empty(), "finished in the middle of a check");
        assert!(self.open_tickets.is_empty(), "orders without an answer: {:?}", self.open_tickets);
        assert_eq!(self.verdicts.len(), self.plan.lines.len(), "the verdicts do not add up to the plan");
        self.finished = true;
    }
}
