//! One play of a run: a bank that works and far ends that are as they were, in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Frame, LinePast, calls};
use crate::fleet::policy::CallClass;
use crate::fleet::scheduler::{
    CallReport, Check, CheckReport, Decision, Input, Scheduler, SchedulerPlan, outcome_of,
};
use crate::model::{Charge, CredentialName, Fault, LineId, Micros, ModemId, Moment, Mono, Verdict};

/// A modem's set-up.
const SET_UP: Duration = Duration::from_secs(2);
/// A check of a modem: a call up to CONNECT.
const CHECK: Duration = Duration::from_secs(40);
/// The same for a dial tone alone.
const TONE: Duration = Duration::from_secs(4);
/// Steps by line and modem after which a play is given up; a run has some ten.
const STEPS_MAX: usize = 200;

/// What a run is played with.
pub(super) struct Play<'a> {
    pub(super) frame: Frame,
    pub(super) known: &'a [LinePast],
    /// How long modems are taken for a line.
    pub(super) length: &'a dyn Fn(usize) -> Duration,
}

/// How it ended.
pub(super) struct Played {
    /// When its last call did; absent where none was made.
    pub(super) ended: Option<Mono>,
    /// What was found of each line.
    verdicts: Vec<Found>,
}

/// What was found of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Nothing: it was not judged, or its verdict was taken back.
    Nothing,
    /// This; absent is a pass.
    Verdict(Option<Fault>),
}

impl Played {
    /// Lines that the deadline cut off, or that were not played to their end.
    pub(super) fn late(&self) -> impl Iterator<Item = usize> + '_ {
        self.those(|found| matches!(found, Found::Nothing | Found::Verdict(Some(Fault::PastDeadline))))
    }

    /// Lines whose windows or budgets kept them out.
    pub(super) fn kept_out(&self) -> impl Iterator<Item = usize> + '_ {
        self.those(|found| matches!(found, Found::Verdict(Some(Fault::OutOfWindow | Fault::OverBudget))))
    }

    fn those(&self, which: fn(Found) -> bool) -> impl Iterator<Item = usize> + '_ {
        (0..self.verdicts.len()).filter(move |&line| which(self.verdicts[line]))
    }
}

/// What happens, and what is known meanwhile.
struct Night<'a> {
    play: &'a Play<'a>,
    scheduler: Scheduler,
    index: BTreeMap<LineId, usize>,
    credentials: Vec<Option<CredentialName>>,
    /// What the longest call of each way is charged.
    worst: Vec<Vec<Charge>>,
    room: Duration,
    confirm: u32,
    proven: BTreeSet<CredentialName>,
    events: BTreeMap<(Mono, u64), Input>,
    sequence: u64,
    played: Played,
    finished: bool,
}

impl Play<'_> {
    /// Plays it to its end.
    pub(super) fn run(&self, plan: SchedulerPlan) -> Played {
        let steps_max = (plan.lines.len() + plan.modems.len() + 1).saturating_mul(STEPS_MAX);
        let mut verdicts = vec![Found::Nothing; plan.lines.len()];
        let index: BTreeMap<LineId, usize> =
            plan.lines.iter().enumerate().map(|(line, job)| (job.id.clone(), line)).collect();
        for verdict in &plan.past.verdicts {
            if let Some(&line) = index.get(&verdict.line) {
                verdicts[line] = Found::Verdict(verdict.fault);
            }
        }
        let mut night = Night {
            play: self,
            index,
            credentials: plan.lines.iter().map(|job| job.credential.clone()).collect(),
            worst: plan.lines.iter().map(|job| job.ways.iter().map(|way| way.worst).collect()).collect(),
            room: plan.room,
            confirm: plan.policy.confirm,
            scheduler: Scheduler::new(plan).until(self.frame.deadline),
            proven: BTreeSet::new(),
            events: BTreeMap::new(),
            sequence: 0,
            played: Played { ended: None, verdicts },
            finished: false,
        };
        if let Some(deadline) = self.frame.deadline {
            night.push(deadline, Input::Deadline);
        }
        night.step(self.frame.start, Input::Start);
        for _ in 0..steps_max {
            if night.finished || !night.happen() {
                break;
            }
        }
        night.played
    }
}

impl Night<'_> {
    fn push(&mut self, at: Mono, input: Input) {
        self.sequence += 1;
        self.events.insert((at, self.sequence), input);
    }

    /// The next thing that happens, if anything will.
    fn happen(&mut self) -> bool {
        let timer = self.scheduler.next_deadline();
        let event = self.events.keys().next().copied();
        match (event, timer) {
            (Some(key), timer) if timer.is_none_or(|timer| key.0 <= timer) => {
                let Some(input) = self.events.remove(&key) else { return false };
                if let Input::CallEnded(report) = &input {
                    self.prove(key.0, report.fault, &report.line);
                    self.played.ended = self.played.ended.max(Some(key.0));
                }
                self.step(key.0, input);
                true
            }
            (_, Some(at)) => {
                self.step(at, Input::Time);
                true
            }
            (_, None) => false,
        }
    }

    /// A call that passed has proven its credential.
    fn prove(&mut self, now: Mono, fault: Option<Fault>, line: &LineId) {
        let credential = self.index.get(line).and_then(|&line| self.credentials[line].clone());
        if CallClass::of(fault) == CallClass::Passed
            && let Some(name) = credential
            && self.proven.insert(name.clone())
        {
            self.step(now, Input::CredentialProven(name));
        }
    }

    fn step(&mut self, now: Mono, input: Input) {
        for decision in self.scheduler.step(now, input) {
            match decision {
                Decision::SetUp(modem) => self.push(now + SET_UP, Input::ModemReady(modem)),
                Decision::Dial { line, modem, attempt, way, .. } => self.call(now, line, modem, attempt, way),
                Decision::Check { modem, check } => self.check(now, modem, check),
                Decision::Verdict(verdict) => self.judged(&verdict.line, Found::Verdict(verdict.fault)),
                Decision::Withdraw { line, .. } => self.judged(&line, Found::Nothing),
                Decision::Finished => self.finished = true,
                Decision::Quarantine { .. }
                | Decision::TakeBack { .. }
                | Decision::Notice(_)
                | Decision::GiveUp { .. }
                | Decision::Down { .. }
                | Decision::Paused { .. }
                | Decision::Resumed
                | Decision::Answer { .. }
                // No order comes in a forecast.
                | Decision::Recall(_)
                | Decision::Dismiss { .. }
                | Decision::Restart(_)
                | Decision::Lend { .. }
                | Decision::Waits { .. } => {}
            }
        }
    }

    fn judged(&mut self, line: &LineId, found: Found) {
        if let Some(&line) = self.index.get(line) {
            self.played.verdicts[line] = found;
        }
    }

    /// A line that failed last fails as it did, in as many calls as it takes, on whatever way; any other passes in one.
    fn call(&mut self, now: Mono, id: LineId, modem: ModemId, attempt: u32, way: usize) {
        let Some(&line) = self.index.get(&id) else { return };
        let fault = self.play.known[line].fault.filter(|fault| fault.verdict() == Verdict::Fail);
        let took = (self.play.length)(line) / calls(fault, self.confirm);
        let report = CallReport {
            line: id,
            modem,
            attempt,
            fault,
            furthest: Some(if fault.is_some() { Moment::Dialed } else { Moment::LoggedOut }),
            dialed: true,
            held: false,
            took,
            cut_short: None,
            connected_after: None,
            via: None,
            charge: self.charge(line, way, fault, took),
            refused_for: None,
            detail: String::new(),
        };
        self.push(now + took + self.play.frame.on_hook_min, Input::CallEnded(Box::new(report)));
    }

    /// What a call comes to, as far as it is known: its share of the longest one's time and price.
    fn charge(&self, line: usize, way: usize, fault: Option<Fault>, took: Duration) -> Option<Charge> {
        let worst = self.worst[line].get(way)?;
        let unanswered =
            matches!(fault, Some(Fault::Busy | Fault::NoAnswer | Fault::Reorder | Fault::NoRing));
        // In thousandths, rounded up: a budget is not to last longer in a forecast than it does.
        let share = match took.as_millis().saturating_mul(1000).checked_div(self.room.as_millis()) {
            _ if unanswered => 0,
            Some(share) => u64::try_from(share + 1).unwrap_or(u64::MAX).min(1000),
            None => 1000,
        };
        let part = |whole: u64| whole.saturating_mul(share).div_ceil(1000);
        Some(Charge {
            class: worst.class,
            billed_s: u32::try_from(part(u64::from(worst.billed_s))).unwrap_or(u32::MAX),
            cost: worst.cost.map(|cost| Micros(part(cost.0))),
        })
    }

    fn check(&mut self, now: Mono, modem: ModemId, check: Check) {
        let ends = now + if check == Check::DialTone { TONE } else { CHECK };
        if let Check::Peer(peer) = check {
            self.push(ends, Input::Answered(peer));
        }
        let report = CheckReport {
            modem,
            outcome: outcome_of(None),
            fault: None,
            detail: String::new(),
            dialed: true,
            held: false,
            charge: None,
        };
        self.push(ends, Input::Checked(Box::new(report)));
    }
}
