//! A bank and its far ends in virtual time, for tests: it does what the scheduler decides, and the watcher looks on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::watch::{Seat, Watch};
use super::{
    CallReport, Check, CheckPlan, CheckReport, Decision, Input, LineJob, LineStands, ModemSeat, ModemStands,
    Past, Scheduler, SchedulerPlan, Way,
};
use crate::call::limits::UNANSWERED;
use crate::fleet::order::Order;
use crate::fleet::policy::{BenchPolicy, CallClass, Policy};
use crate::fleet::redial::RedialLaw;
use crate::fleet::scheduler::outcome_of;
use crate::model::event::{CheckOutcome, LineVerdict, WaitReason};
use crate::model::{Charge, Fault, LineId, Micros, ModemId, Moment, Mono};

/// What a call will find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) fault: Option<Fault>,
    pub(super) took: Duration,
    pub(super) furthest: Option<Moment>,
    pub(super) dialed: bool,
    pub(super) panics: bool,
    /// It is not made at all.
    pub(super) refused: bool,
    /// Its modem stays off-hook: told out as its call ends.
    pub(super) held: bool,
    /// How long its modem says that it refuses the number.
    pub(super) refused_for: Option<Duration>,
    /// Nobody knows what it is charged, if it dialed.
    pub(super) untold: bool,
    /// The time that it would take to connect, where a shortened limit cuts it off.
    pub(super) slow: Option<Duration>,
}

/// The shortened dial limit of these lines.
pub(super) const SHORT: Duration = Duration::from_secs(43);

impl Fate {
    /// The usual way such a call goes, in so many seconds.
    pub(super) fn of(fault: Option<Fault>, seconds: u64) -> Self {
        let furthest = match fault {
            None => Moment::LoggedOut,
            Some(Fault::NoDialtone | Fault::ModemSilent | Fault::PortBusy | Fault::PortLost) => Moment::Taken,
            Some(Fault::Busy | Fault::Reorder | Fault::NoRing | Fault::NoConnect) => Moment::Dialed,
            Some(Fault::NoAnswer) => Moment::Ringing,
            Some(Fault::NoCarrier | Fault::Voice | Fault::Fax) => Moment::Answered,
            Some(Fault::ConsoleSilent | Fault::Garbage | Fault::CarrierLost) => Moment::Connected,
            Some(_) => Moment::Prompted,
        };
        Self {
            fault,
            took: Duration::from_secs(seconds),
            furthest: Some(furthest),
            dialed: !CallClass::of(fault).is_bench(),
            panics: false,
            refused: false,
            held: false,
            refused_for: None,
            untold: false,
            slow: None,
        }
    }
}

/// How a set-up will go, and how long it takes.
pub(super) type SetUp = (Result<(), Fault>, Duration);

/// What a check will find, and how long it takes.
pub(super) type CheckFate = (CheckOutcome, Option<Fault>, Duration);

/// What the world is like.
pub(super) trait Nature {
    fn call(&mut self, line: &LineId, modem: &ModemId, attempt: u32, watch: &Watch) -> Fate;

    /// The same by a certain way; all are alike unless it says otherwise.
    fn call_by(&mut self, line: &LineId, way: usize, modem: &ModemId, attempt: u32, watch: &Watch) -> Fate {
        let _ = way;
        self.call(line, modem, attempt, watch)
    }

    fn set_up(&mut self, _modem: &ModemId, _nth: u32) -> SetUp {
        (Ok(()), Duration::from_secs(1))
    }

    /// The `nth` check of a modem (from 1); absent is a pass.
    fn check(&mut self, _modem: &ModemId, _check: &Check, _nth: u32) -> CheckFate {
        (CheckOutcome::Passed, None, Duration::from_secs(20))
    }
}

impl<F: FnMut(&str, &str, u32) -> Fate> Nature for F {
    fn call(&mut self, line: &LineId, modem: &ModemId, attempt: u32, _: &Watch) -> Fate {
        self(line.as_str(), modem.as_str(), attempt)
    }

    /// A line that is called for a check is as it is.
    fn check(&mut self, modem: &ModemId, check: &Check, _nth: u32) -> CheckFate {
        let Check::Line(line) = check else { return (CheckOutcome::Passed, None, Duration::from_secs(20)) };
        let fate = self(line.as_str(), modem.as_str(), u32::MAX);
        (outcome_of(fate.fault), fate.fault, fate.took)
    }
}

pub(super) struct World<N> {
    scheduler: Scheduler,
    pub(super) watch: Watch,
    nature: N,
    plan: SchedulerPlan,
    pub(super) now: Mono,
    events: BTreeMap<(Mono, u64), Input>,
    sequence: u64,
    set_ups: BTreeMap<ModemId, u32>,
    checks: BTreeMap<ModemId, u32>,
    /// Lines have a shortened limit, and whoever is not reached within it is cut off.
    shortens: bool,
    deadline: Option<Mono>,
    /// All that went in and came out.
    pub(super) log: Vec<(Mono, Input, Vec<Decision>)>,
}

impl<N: Nature> World<N> {
    pub(super) fn new(plan: SchedulerPlan, nature: N) -> Self {
        Self {
            scheduler: Scheduler::new(plan.clone()),
            watch: Watch::new(&plan),
            nature,
            plan,
            now: Mono::ZERO,
            events: BTreeMap::new(),
            sequence: 0,
            set_ups: BTreeMap::new(),
            checks: BTreeMap::new(),
            shortens: false,
            deadline: None,
            log: Vec::new(),
        }
    }

    /// Lets every line have a shortened limit, and the scheduler know of a deadline (which comes as an input).
    pub(super) fn shortening(mut self, deadline_s: Option<u64>) -> Self {
        self.shortens = true;
        self.deadline = deadline_s.map(|seconds| Mono::from_millis(seconds * 1000));
        self.scheduler = Scheduler::new(self.plan.clone()).until(self.deadline);
        self.watch.deadline = self.deadline;
        self
    }

    /// Something that will happen of itself.
    pub(super) fn at(&mut self, seconds: u64, input: Input) {
        self.push(Mono::from_millis(seconds * 1000), input);
    }

    fn push(&mut self, at: Mono, input: Input) {
        self.sequence += 1;
        self.events.insert((at, self.sequence), input);
    }

    /// A ticket that nobody has.
    pub(super) fn ticket(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// An order that will come.
    pub(super) fn order(&mut self, seconds: u64, order: Order) {
        let ticket = self.ticket();
        self.at(seconds, Input::Told { ticket, order });
    }

    /// What is under way for a modem ends early: mostly as called off, now and then as it would have.
    fn call_off(&mut self, modem: &ModemId) {
        let soon = self.now + Duration::from_secs(2);
        let ends = |input: &Input| match input {
            Input::CallEnded(report) => report.modem == *modem,
            Input::Checked(report) => report.modem == *modem,
            Input::Answered(id) => id == modem,
            _ => false,
        };
        let Some(key) = self.events.iter().find(|(_, input)| ends(input)).map(|(key, _)| *key) else {
            return;
        };
        let Some(mut input) = self.events.remove(&key) else { return };
        let as_it_was = key.0 <= soon || key.1.is_multiple_of(5);
        if !as_it_was {
            match &mut input {
                Input::CallEnded(report) => {
                    report.fault = Some(Fault::Cancelled);
                    report.connected_after = None;
                    report.cut_short = None;
                    report.detail = "cancelled while dialing".to_owned();
                }
                Input::Checked(report) => {
                    report.outcome = CheckOutcome::Unknown;
                    report.fault = Some(Fault::Cancelled);
                }
                _ => {}
            }
        }
        self.push(key.0.min(soon), input);
    }

    /// A worker ends: its set-up does too.
    fn dismiss(&mut self, modem: &ModemId) {
        let set_up = |input: &Input| match input {
            Input::ModemReady(id) => id == modem,
            Input::ModemOut { modem: id, detail, .. } => id == modem && detail.starts_with("set-up"),
            _ => false,
        };
        self.events.retain(|_, input| !set_up(input));
    }

    /// Runs to the end, or so many steps. Whether the end came.
    pub(super) fn run(&mut self, steps_max: usize) -> bool {
        if self.log.is_empty() {
            self.step(Input::Start);
        }
        let mut was_overdue = false;
        for _ in 0..steps_max {
            if self.watch.finished {
                assert_eq!(self.scheduler.next_deadline(), None);
                assert_eq!(self.scheduler.step(self.now, Input::Time), []);
                return true;
            }
            let deadline = self.scheduler.next_deadline();
            // A last check may open lines again whose timers were left alone while none was open: due at once, and once.
            let overdue = deadline.is_some_and(|at| at <= self.now);
            assert!(!(overdue && was_overdue), "a deadline that has passed");
            was_overdue = overdue;
            let deadline = deadline.map(|at| at.max(self.now));
            let event = self.events.keys().next().copied();
            match (event, deadline) {
                (Some(key), deadline) if deadline.is_none_or(|at| key.0 <= at) => {
                    self.now = self.now.max(key.0);
                    let input = self.events.remove(&key).unwrap();
                    self.happen(input);
                }
                (_, Some(at)) => {
                    self.now = at;
                    self.step(Input::Time);
                }
                (Some(_), None) => unreachable!("covered by the first arm"),
                (None, None) => panic!("nothing will ever happen: {:#?}", self.watch),
            }
        }
        self.watch.finished
    }

    fn happen(&mut self, input: Input) {
        match &input {
            // A modem can't fail its set-up when it is not being set up, nor go out twice.
            Input::ModemReady(modem) if self.watch.seats[modem].0 != Seat::SettingUp => {}
            Input::CallEnded(report) => {
                // What the guard would have told by now.
                let job = self.plan.lines.iter().find(|job| job.id == report.line).unwrap();
                if let Some(name) = job.credential.clone() {
                    if CallClass::of(report.fault) == CallClass::Passed && !self.watch.proven.contains(&name)
                    {
                        self.step(Input::CredentialProven(name));
                    } else if report.fault == Some(Fault::LoginRefused) && !self.watch.proven.contains(&name)
                    {
                        self.step(Input::CredentialStopped(name));
                    }
                }
                if report.held {
                    let (modem, fault) = (report.modem.clone(), Fault::ModemSilent);
                    self.step(Input::ModemOut { modem, fault, detail: "off-hook".to_owned() });
                }
                self.step(input);
            }
            _ => self.step(input),
        }
    }

    pub(super) fn step(&mut self, input: Input) {
        self.watch.input(self.now, &input);
        let decisions = self.scheduler.step(self.now, input.clone());
        self.scheduler.assert_kept();
        self.watch.decided(self.now, &decisions);
        self.assert_why();
        for decision in &decisions {
            match decision {
                Decision::SetUp(modem) => self.set_up(modem),
                Decision::Dial { line, modem, attempt, way, may_shorten, .. } => {
                    let mut fate = self.nature.call_by(line, *way, modem, *attempt, &self.watch);
                    let unanswered = fate.fault.is_some_and(|fault| UNANSWERED.contains(&fault));
                    let cut = self.shortens
                        && *may_shorten
                        && !fate.panics
                        && !fate.refused
                        && (unanswered || fate.slow.is_some());
                    if cut {
                        let fault = fate.fault.filter(|_| unanswered).or(Some(Fault::NoAnswer));
                        fate = Fate {
                            fault,
                            furthest: Some(Moment::Ringing),
                            took: SHORT,
                            dialed: true,
                            ..fate
                        };
                    }
                    assert!(self.plan.room.is_zero() || fate.took <= self.plan.room, "a call has a limit");
                    let job = self.plan.lines.iter().find(|job| job.id == *line).unwrap();
                    let Way { via, worst, .. } = job.ways[*way].clone();
                    let (line, modem) = (line.clone(), modem.clone());
                    let input = if fate.refused {
                        Input::NotDialed { modem, line, detail: "an emergency number".to_owned() }
                    } else if fate.panics {
                        Input::Panicked { modem, line, detail: "the worker of the call panicked".to_owned() }
                    } else {
                        Input::CallEnded(Box::new(CallReport {
                            line,
                            modem,
                            attempt: *attempt,
                            fault: fate.fault,
                            furthest: fate.furthest,
                            dialed: fate.dialed,
                            held: fate.held,
                            via,
                            charge: charged(&worst, &fate),
                            refused_for: fate.refused_for,
                            took: fate.took,
                            cut_short: cut.then_some(SHORT),
                            connected_after: match fate.fault {
                                None => fate.slow.or(Some(Duration::from_secs(20))),
                                Some(_) => None,
                            },
                            detail: fate.fault.map_or_else(String::new, |fault| format!("heard {fault}")),
                        }))
                    };
                    let took = if fate.refused { Duration::ZERO } else { fate.took };
                    self.push(self.now + took, input);
                }
                Decision::Check { modem, check } => {
                    let nth = self.checks.entry(modem.clone()).or_default();
                    *nth += 1;
                    let (outcome, fault, took) = self.nature.check(modem, check, *nth);
                    let report = CheckReport {
                        modem: modem.clone(),
                        outcome,
                        fault,
                        detail: String::new(),
                        dialed: *check != Check::DialTone,
                        held: false,
                        charge: None,
                    };
                    if let Check::Peer(peer) = check {
                        self.push(self.now + took, Input::Answered(peer.clone()));
                    }
                    self.push(self.now + took, Input::Checked(Box::new(report)));
                }
                Decision::Recall(modem) => self.call_off(modem),
                Decision::Dismiss { modem, .. } => self.dismiss(modem),
                Decision::Restart(modem) => {
                    self.dismiss(modem);
                    self.set_up(modem);
                }
                Decision::Lend { modem, .. } => {
                    let (modem, ticket) = (modem.clone(), self.ticket());
                    let lasts = Duration::from_secs(ticket * 7 % 400);
                    self.push(self.now + lasts, Input::Told { ticket, order: Order::TakeBack { modem } });
                }
                _ => {}
            }
        }
        self.log.push((self.now, input, decisions));
    }

    fn set_up(&mut self, modem: &ModemId) {
        let nth = self.set_ups.entry(modem.clone()).or_default();
        *nth += 1;
        let (result, took) = self.nature.set_up(modem, *nth);
        let modem = modem.clone();
        let input = match result {
            Ok(()) => Input::ModemReady(modem),
            Err(fault) => Input::ModemOut { modem, fault, detail: format!("set-up: {fault}") },
        };
        self.push(self.now + took, input);
    }

    /// Whoever asks is told what was told.
    fn assert_why(&self) {
        for job in &self.plan.lines {
            let Some(stands) = self.scheduler.why(&job.id) else { continue };
            match stands {
                LineStands::Judged(fault) => {
                    assert_eq!(self.watch.verdicts.get(&job.id).map(|verdict| verdict.fault), Some(fault));
                }
                LineStands::InCall(modem) => assert_eq!(self.watch.running[&job.id].0, modem),
                LineStands::Waits { reason, until, .. } => {
                    let told = self.watch.waits.get(&job.id).copied();
                    assert_eq!(told.unwrap_or((WaitReason::Modem, None)), (reason, until), "{}", job.id);
                }
            }
        }
        for seat in &self.plan.modems {
            let stands = self.scheduler.why_modem(&seat.id).unwrap();
            let (known, _) = self.watch.seats[&seat.id];
            let quarantined = self.watch.quarantined.contains(&seat.id);
            let agrees = match stands {
                ModemStands::InCall => known == Seat::InCall,
                ModemStands::Free => known == Seat::Ready && !quarantined,
                ModemStands::SettingUp => known == Seat::SettingUp,
                ModemStands::Out(_) => matches!(known, Seat::Out | Seat::SettingUp),
                ModemStands::Quarantined(_) => quarantined,
                ModemStands::Disabled => known == Seat::Away,
                ModemStands::Lent => known == Seat::Lent,
                ModemStands::Gone => known == Seat::Gone || quarantined,
            };
            assert!(agrees, "{}: {stands:?}, and it is {known:?}", seat.id);
        }
    }

    /// Kills the process and goes on from its journal.
    pub(super) fn resume(&mut self) {
        let (past, standing) = self.watch.killed();
        self.plan.lines = self.watch.jobs().to_vec();
        self.events.clear();
        self.log.clear();
        self.set_ups.clear();
        self.checks.clear();
        self.now = Mono::ZERO;
        self.plan.past = past;
        self.plan.standing = standing;
        let lent: Vec<ModemId> = self.watch.lent.keys().cloned().collect();
        for modem in lent {
            let order = Order::TakeBack { modem };
            let ticket = self.ticket();
            self.at(40, Input::Told { ticket, order });
        }
        self.scheduler = Scheduler::new(self.plan.clone()).until(self.deadline);
    }

    /// A second scheduler that is told the same decides the same.
    pub(super) fn assert_deterministic(&self) {
        let mut twin = Scheduler::new(self.plan.clone()).until(self.deadline);
        for (now, input, decisions) in &self.log {
            assert_eq!(&twin.step(*now, input.clone()), decisions);
        }
    }

    pub(super) fn lines(&self) -> &[LineJob] {
        &self.plan.lines
    }

    pub(super) fn verdict(&self, line: &str) -> &LineVerdict {
        &self.watch.verdicts[&line.parse::<LineId>().unwrap()]
    }

    pub(super) fn fault(&self, line: &str) -> Option<Fault> {
        self.verdict(line).fault
    }

    /// `(seconds, line, modem)` of each dial.
    pub(super) fn dials(&self) -> Vec<(u64, String, String)> {
        self.log
            .iter()
            .flat_map(|(now, _, decisions)| decisions.iter().map(move |decision| (now, decision)))
            .filter_map(|(now, decision)| match decision {
                Decision::Dial { line, modem, .. } => {
                    Some((now.as_micros() / 1_000_000, line.to_string(), modem.to_string()))
                }
                _ => None,
            })
            .collect()
    }

    pub(super) fn decisions(&self) -> impl Iterator<Item = &Decision> + '_ {
        self.log.iter().flat_map(|(_, _, decisions)| decisions)
    }
}

/// What a call is charged that may be charged so much.
fn charged(worst: &Charge, fate: &Fate) -> Option<Charge> {
    if fate.untold || !fate.dialed {
        return None;
    }
    let seconds = if fate.fault.is_some() { 0 } else { fate.took.as_secs().min(worst.billed_s.into()) };
    let cost = |most: Micros| Micros(most.0 * seconds / u64::from(worst.billed_s.max(1)));
    Some(Charge { class: worst.class, billed_s: seconds as u32, cost: worst.cost.map(cost) })
}

pub(super) fn line(n: usize) -> LineJob {
    LineJob::new(format!("L{n}").parse().unwrap(), format!("+1919555{n:04}").parse().unwrap())
}

pub(super) fn modem(n: usize) -> ModemSeat {
    ModemSeat { id: format!("m{n}").parse().unwrap(), trunk: None, has_number: false, toll: None }
}

/// So many lines and modems, the rules of the defaults.
pub(super) fn plan(lines: usize, modems: usize) -> SchedulerPlan {
    SchedulerPlan {
        lines: (0..lines).map(line).collect(),
        modems: (0..modems).map(modem).collect(),
        trunks: BTreeMap::new(),
        policy: Policy { bench: BenchPolicy::default(), ..Policy::default() },
        checks: CheckPlan::default(),
        redial: RedialLaw::default(),
        past: Past::default(),
        ..SchedulerPlan::default()
    }
}
