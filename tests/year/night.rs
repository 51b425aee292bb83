//! One night: the scheduler against far ends made of dice, and everything that it decides held to the calendar.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lineman::fleet::budget::Purse;
use lineman::fleet::scheduler::{
    CallReport, CheckReport, Decision, Input, LineJob, Scheduler, SchedulerPlan,
};
use lineman::model::event::CheckOutcome;
use lineman::model::{Charge, Fault, LineId, Micros, ModemId, Moment, Mono, PhoneNumber, Reading, Windows};

use crate::bank::{LINES, MODEMS, ROOM, TRUNK, World, cost, hours_of};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The run has so long; the next one begins half an hour later.
const DEADLINE: Duration = Duration::from_secs(23 * 3600 + 1800);

/// What a night came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) by_fault: BTreeMap<&'static str, usize>,
    pub(crate) calls: usize,
    /// Calls by another way than a line's own number.
    pub(crate) another_way: usize,
    /// Calls that began in the last minute in which they could.
    pub(crate) at_the_edge: usize,
    /// Lines that were never called although their window opened.
    pub(crate) missed: usize,
}

impl Tally {
    pub(crate) fn verdicts(&self) -> usize {
        self.by_fault.values().sum()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (fault, count) in &other.by_fault {
            *self.by_fault.entry(fault).or_default() += count;
        }
        self.calls += other.calls;
        self.another_way += other.another_way;
        self.at_the_edge += other.at_the_edge;
        self.missed += other.missed;
    }
}

/// A call that is running.
struct Call {
    line: usize,
    way: usize,
    modem: usize,
}

pub(crate) struct Night<'a> {
    world: &'a World,
    nth: u32,
    begins: Timestamp,
    windows: Vec<Windows>,
    plan: SchedulerPlan,
    lines: BTreeMap<LineId, usize>,
    modems: BTreeMap<ModemId, usize>,
    events: BTreeMap<(Mono, u64), Input>,
    sequence: u64,
    running: BTreeMap<LineId, Call>,
    numbers: BTreeSet<PhoneNumber>,
    groups: BTreeMap<usize, u32>,
    trunks: [u32; 2],
    busy: [bool; MODEMS],
    /// What calls took, and what those that are running may take.
    spent: Vec<(usize, usize, Charge)>,
    verdicts: BTreeMap<LineId, (Option<Fault>, u32)>,
    tally: Tally,
}

impl<'a> Night<'a> {
    pub(crate) fn new(world: &'a World, night: u32) -> Self {
        let begins = world.begins(night);
        let reading = Reading { mono: Mono::ZERO, wall: begins, begun: begins };
        let horizon = begins + DAY;
        let windows: Vec<Windows> =
            world.hours.iter().map(|hours| hours.windows(&reading, begins, horizon)).collect();
        let plan = world.plan(&windows);
        Self {
            world,
            nth: night,
            begins,
            windows,
            lines: plan.lines.iter().enumerate().map(|(n, job)| (job.id.clone(), n)).collect(),
            modems: plan.modems.iter().enumerate().map(|(n, seat)| (seat.id.clone(), n)).collect(),
            plan,
            events: BTreeMap::new(),
            sequence: 0,
            running: BTreeMap::new(),
            numbers: BTreeSet::new(),
            groups: BTreeMap::new(),
            trunks: [0; 2],
            busy: [false; MODEMS],
            spent: Vec::new(),
            verdicts: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// Nights on which nothing is wrong with the bench, and the network is as ever.
    pub(crate) const fn is_quiet(night: u32) -> bool {
        !Self::is_dark(night) && !Self::is_stormy(night)
    }

    /// Another program has the ports for hours.
    const fn is_dark(night: u32) -> bool {
        night % 26 == 13
    }

    /// Calls fail in heaps, and cost more calls.
    const fn is_stormy(night: u32) -> bool {
        night % 39 == 26
    }

    pub(crate) fn play(mut self) -> Tally {
        let deadline = Mono::ZERO + DEADLINE;
        let mut scheduler = Scheduler::new(self.plan.clone()).until(Some(deadline));
        self.push(deadline, Input::Deadline);
        let mut now = Mono::ZERO;
        let mut input = Some(Input::Start);
        while let Some(next) = input.take() {
            let mut inputs = vec![next];
            while let Some(input) = inputs.pop() {
                self.heard(&input);
                for decision in scheduler.step(now, input) {
                    if self.decided(now, decision) {
                        return self.over();
                    }
                }
            }
            let (event, due) = (self.events.keys().next().copied(), scheduler.next_deadline());
            input = match (event, due) {
                (Some(key), due) if due.is_none_or(|at| key.0 <= at) => {
                    now = now.max(key.0);
                    self.events.remove(&key)
                }
                (_, Some(at)) => {
                    now = at;
                    Some(Input::Time)
                }
                (_, None) => None,
            };
        }
        panic!("night {}: nothing will ever happen", self.nth);
    }

    fn push(&mut self, at: Mono, input: Input) {
        self.sequence += 1;
        self.events.insert((at, self.sequence), input);
    }

    fn dice(&self, what: &str) -> fastrand::Rng {
        let seed = what
            .bytes()
            .fold(u64::from(self.nth), |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        fastrand::Rng::with_seed(seed)
    }

    fn job(&self, line: usize) -> &LineJob {
        &self.plan.lines[line]
    }

    /// A call is over before the scheduler hears of it.
    fn heard(&mut self, input: &Input) {
        let Input::CallEnded(report) = input else { return };
        let call = self.running.remove(&report.line).expect("only running calls end");
        self.numbers.remove(&self.plan.lines[call.line].ways[call.way].number);
        for group in &self.plan.lines[call.line].groups {
            *self.groups.get_mut(group).expect("it was counted") -= 1;
        }
        self.busy[call.modem] = false;
        self.trunks[call.modem % 2] -= 1;
        self.spent.push((call.line, call.way, report.charge.expect("it is told")));
    }

    /// Does what was decided. Whether the night is over.
    fn decided(&mut self, now: Mono, decision: Decision) -> bool {
        match decision {
            Decision::SetUp(modem) => self.set_up(now, modem),
            Decision::Dial { line, modem, attempt, way, .. } => self.dial(now, line, modem, (attempt, way)),
            Decision::Check { modem, .. } => {
                let report = CheckReport {
                    modem,
                    outcome: CheckOutcome::Passed,
                    fault: None,
                    detail: String::new(),
                    dialed: false,
                    held: false,
                    charge: None,
                };
                self.push(now + Duration::from_secs(5), Input::Checked(Box::new(report)));
            }
            Decision::Verdict(verdict) => {
                let found = (verdict.fault, verdict.attempts);
                assert!(self.verdicts.insert(verdict.line, found).is_none(), "a second verdict");
            }
            Decision::Withdraw { line, .. } => {
                assert!(self.verdicts.remove(&line).is_some(), "withdrawn, and there was none");
            }
            Decision::Finished => return true,
            Decision::Quarantine { .. }
            | Decision::TakeBack { .. }
            | Decision::Notice(_)
            | Decision::GiveUp { .. }
            | Decision::Down { .. }
            | Decision::Recall(_)
            | Decision::Dismiss { .. }
            | Decision::Restart(_)
            | Decision::Lend { .. }
            | Decision::Answer { .. }
            | Decision::Paused { .. }
            | Decision::Resumed
            | Decision::Waits { .. } => {}
        }
        false
    }

    /// On a dark night all ports are in other hands for nine hours.
    fn set_up(&mut self, now: Mono, modem: ModemId) {
        let hour = now.since(Mono::ZERO).as_secs() / 3600;
        let input = if Self::is_dark(self.nth) && (8..17).contains(&hour) {
            Input::ModemOut { modem, fault: Fault::PortBusy, detail: "another program has it".to_owned() }
        } else {
            Input::ModemReady(modem)
        };
        self.push(now + Duration::from_secs(3), input);
    }

    fn dial(&mut self, now: Mono, line: LineId, modem: ModemId, (attempt, way): (u32, usize)) {
        let (index, seat) = (self.lines[&line], self.modems[&modem]);
        let (fault, took) = self.fate(now, index, way, attempt);
        self.hold(now, index, way, seat, took);
        let chosen = self.job(index).ways[way].clone();
        self.tally.calls += 1;
        self.tally.another_way += usize::from(way > 0);
        let answered = matches!(fault, None | Some(Fault::Voice | Fault::ConsoleSilent));
        let billed_s = if answered { took.as_secs() as u32 } else { 0 };
        let charge =
            Charge { class: chosen.worst.class, billed_s, cost: Some(cost(chosen.worst.class, billed_s)) };
        self.running.insert(line.clone(), Call { line: index, way, modem: seat });
        let report = CallReport {
            line,
            modem,
            attempt,
            fault,
            furthest: Some(if fault.is_none() { Moment::LoggedOut } else { Moment::Dialed }),
            dialed: true,
            held: false,
            took,
            cut_short: None,
            connected_after: fault.is_none().then_some(Duration::from_secs(25)),
            via: chosen.via,
            charge: Some(charge),
            refused_for: None,
            detail: String::new(),
        };
        self.push(now + took, Input::CallEnded(Box::new(report)));
    }

    /// What a call finds: one line in forty is dead tonight, and any call may fail.
    fn fate(&self, now: Mono, line: usize, way: usize, attempt: u32) -> (Option<Fault>, Duration) {
        let mut dice = self.dice(&format!("{line} {way} {attempt}"));
        let took = Duration::from_millis(dice.u64(20_000..160_000));
        let dead = self.dice(&format!("{line} {way}")).u32(..40) == 0;
        let storm = Self::is_stormy(self.nth) && now.since(Mono::ZERO) < DAY / 2;
        // The bank is in other hands: what runs when it is taken loses its port.
        let faults = [Fault::Busy, Fault::NoAnswer, Fault::NoAnswer, Fault::ConsoleSilent, Fault::Voice];
        let fails = dead || dice.u32(..50) == 0 || (storm && dice.u32(..10) < 6);
        let nth = if dead { line % 4 } else { dice.usize(..4) + usize::from(dice.u32(..200) == 0) };
        if Self::is_dark(self.nth) && (8 * 3600..8 * 3600 + 200).contains(&now.since(Mono::ZERO).as_secs()) {
            return (Some(Fault::PortBusy), took);
        }
        (fails.then(|| faults[nth.min(4)]), took)
    }

    /// Holds a call to every limit that there is.
    fn hold(&mut self, now: Mono, line: usize, way: usize, modem: usize, took: Duration) {
        let night = self.nth;
        assert!(now < Mono::ZERO + DEADLINE, "night {night}: dialed after the deadline");
        assert!(took <= ROOM);
        self.hold_hours(now, line);
        let job = &self.plan.lines[line];
        assert!(!std::mem::replace(&mut self.busy[modem], true), "night {night}: two calls on a modem");
        self.trunks[modem % 2] += 1;
        assert!(self.trunks[modem % 2] <= TRUNK, "night {night}: too many calls on a trunk");
        let chosen = &job.ways[way];
        assert!(self.numbers.insert(chosen.number.clone()), "night {night}: two calls to one number");
        for group in &job.groups {
            let calls = self.groups.entry(*group).or_default();
            *calls += 1;
            assert!(*calls <= self.plan.groups[*group].max_calls.get(), "night {night}: too many calls");
        }
        assert!(!self.verdicts.contains_key(&job.id), "night {night}: a finished line is dialed");
    }

    /// The longest that the call can take lies within the hours of its site, as its clocks show them.
    fn hold_hours(&mut self, now: Mono, line: usize) {
        let hours = &self.world.hours[hours_of(line)];
        let wall = self.begins + now.since(Mono::ZERO);
        let last = wall + ROOM - Duration::from_micros(1);
        let mut at = wall;
        while at < last {
            assert!(hours.is_open(at), "night {}: called at {at}, which is outside of {hours}", self.nth);
            at += Duration::from_secs(60);
        }
        assert!(hours.is_open(last), "night {}: called too late at {wall} for {hours}", self.nth);
        self.tally.at_the_edge += usize::from(!hours.is_open(last + Duration::from_secs(60)));
    }

    fn over(mut self) -> Tally {
        let night = self.nth;
        assert!(self.running.is_empty(), "night {night}: over in the middle of a call");
        assert_eq!(self.verdicts.len(), LINES, "night {night}: not every line is accounted for");
        self.hold_budget();
        for (line, (fault, attempts)) in &self.verdicts {
            *self.tally.by_fault.entry(fault.map_or("pass", Fault::code)).or_default() += 1;
            let windows = &self.windows[hours_of(self.lines[line])];
            let opens = windows.next(Mono::ZERO, ROOM).is_some_and(|at| at < Mono::ZERO + DEADLINE);
            let never = matches!(fault, Some(Fault::OutOfWindow | Fault::PastDeadline)) && *attempts == 0;
            self.tally.missed += usize::from(opens && never);
        }
        self.tally
    }

    /// Every purse is within its limits at the end; what is set aside sees to it that it was all the time.
    fn hold_budget(&self) {
        let budget = &self.plan.budget;
        let held = |purse: &Purse, what: &str, charges: &mut dyn Iterator<Item = &Charge>| {
            let (mut calls, mut seconds, mut cost) = (0, 0, 0);
            for charge in charges {
                let Micros(micros) = charge.cost.expect("it has a price");
                (calls, seconds, cost) = (calls + 1, seconds + u64::from(charge.billed_s), cost + micros);
            }
            let night = self.nth;
            assert!(purse.calls.is_none_or(|most| calls <= most), "night {night}: {what}: {calls} calls");
            assert!(
                purse.time.is_none_or(|most| seconds <= most.as_secs()),
                "night {night}: {what}: {seconds} s"
            );
            assert!(purse.cost.is_none_or(|most| cost <= most.0), "night {night}: {what}: {cost}");
        };
        held(&budget.run, "the run", &mut self.spent.iter().map(|(_, _, charge)| charge));
        for (class, purse) in &budget.by_class {
            let of_class =
                self.spent.iter().map(|(_, _, charge)| charge).filter(|charge| charge.class == *class);
            held(purse, class.word(), &mut of_class.into_iter());
        }
        let mut lines: BTreeMap<usize, Vec<Charge>> = BTreeMap::new();
        let mut numbers: BTreeMap<&PhoneNumber, Vec<Charge>> = BTreeMap::new();
        for &(line, way, charge) in &self.spent {
            lines.entry(line).or_default().push(charge);
            numbers.entry(&self.job(line).ways[way].number).or_default().push(charge);
        }
        for charges in lines.values() {
            held(&budget.line, "a line", &mut charges.iter());
        }
        for charges in numbers.values() {
            held(&budget.number, "a number", &mut charges.iter());
        }
    }
}
