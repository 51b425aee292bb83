//! Who is dialed next, on which modem, and what a line's calls make of it: a pure machine.
//!
//! It has no clock, no I/O and no dice: same inputs, same decisions. What a call finds is `call`'s; who may send a
//! password is [`super::guard`]'s; ports are the workers'.
//!
//! Ties, spelled out: free modems are served in the order of the bank; each takes the best line that it may dial: first
//! the line that proves a credential, then the higher priority, then what fits before the deadline, then the longest
//! expected, then the order of the plan.

mod bench;
mod calls;
mod checks;
mod face;
mod gates;
mod judge;
mod lines;
mod orders;
#[cfg(test)]
mod properties;
mod quarantine;
mod queue;
mod refusals;
mod spending;
mod stages;
mod targets;
#[cfg(test)]
mod tests;
mod waits;
#[cfg(test)]
mod watch;
mod ways;
mod windows;
#[cfg(test)]
mod world;

pub use checks::{FAILED_CHECKS, FAULTY_MODEMS, TAKEN_BACK};
pub use face::{
    CallReport, CalledBefore, Check, CheckPlan, CheckReport, Decision, Group, GroupKind, Input, LineJob,
    ModemSeat, Past, Preflight, Preset, SchedulerPlan, Way, outcome_of,
};
pub use targets::{KNOWN_LINE_CHECKS_MAX, REFERENCE_FAILED_MAX};
pub use waits::{LineStands, ModemStands};
pub use windows::{HORIZON, LULL_MAX};

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::bench::{Bench, Exit, State, Trouble};
use self::checks::Trust;
use self::gates::Gates;
use self::judge::{Finding, Known, NumberRecord};
use self::lines::{Line, Stage, Wait};
use self::orders::Orders;
use self::queue::{Queue, Rank};
use self::targets::Targets;
use super::budget::{Budget, Ledger};
use super::health::Health;
use super::order::Pause;
use super::pileup::PileUps;
use super::policy::{CallClass, EXPECTED_CALL, Policy};
use super::redial::{RedialCount, RedialLaw};
use crate::model::{CallId, Charge, CredentialName, Fault, LineId, ModemId, Mono, PhoneNumber};

/// The scheduler of one sitting.
#[derive(Debug)]
pub struct Scheduler {
    policy: Policy,
    redial: RedialLaw,
    bench: Bench,
    health: Health,
    piles: PileUps,
    /// Of each modem.
    trust: Vec<Trust>,
    /// Modems that are to be checked since failures piled up on them.
    piled: BTreeSet<usize>,
    targets: Targets,
    /// Numbers whose lines wait for a modem that does not refuse them, or did.
    refused_numbers: BTreeSet<usize>,
    lines: Vec<Line>,
    /// The lines of the routes beyond each line's own ([`lines::Way::route`]).
    other_routes: Vec<usize>,
    line_index: BTreeMap<LineId, usize>,
    modem_index: BTreeMap<ModemId, usize>,
    numbers: Vec<Number>,
    credentials: Vec<Credential>,
    credential_index: BTreeMap<CredentialName, usize>,
    queue: Queue,
    gates: Gates,
    /// Gates that may have opened: whoever waits there is looked at before anybody is dialed.
    ajar: BTreeSet<usize>,
    groups: Vec<Group>,
    ledger: Ledger<usize, usize>,
    has_budget: bool,
    /// What calls are charged at most, each kind once, where a budget that all share has a limit: each has its gate.
    purses: Vec<Charge>,
    /// What a call to each modem's own number is charged at most.
    tolls: Vec<Option<Charge>>,
    /// The longest that a call can take.
    room: Duration,
    /// Lines whose waiting may have changed in this step.
    stirred: BTreeSet<usize>,
    /// Credentials of which somebody should look whether a line is left that may prove them.
    stuck: BTreeSet<usize>,
    timers: BTreeSet<(Mono, Timer)>,
    /// Lines without a verdict.
    open: usize,
    /// Those of them that wait for their window.
    windowed: usize,
    /// Calls to lines that are running.
    running: usize,
    /// Modems that are being checked, or answer one that is.
    checking: usize,
    /// The line that each modem calls.
    on_line: Vec<Option<usize>>,
    number_index: BTreeMap<PhoneNumber, usize>,
    orders: Orders,
    started: bool,
    now: Mono,
    /// Nothing is dialed any more, and this is why: the fault of the lines that are left.
    closed: Option<Fault>,
    /// When nothing will be dialed any more, if that is known: [`Input::Deadline`] will come then.
    deadline: Option<Mono>,
    began: Mono,
    /// Windows that open later are another run's.
    horizon: Mono,
    /// The same without a deadline, where it is not [`HORIZON`] from the beginning.
    looks_to: Option<Mono>,
    finished: bool,
    decisions: Vec<Decision>,
}

/// What a point in time is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A modem is to be set up again.
    Modem(usize),
    /// A line may be dialed again.
    Line(usize),
    /// A line's window has no room for a call any more.
    Closes(usize),
    /// A modem may be checked again.
    Check(usize),
    /// A modem refuses a number no longer.
    Number(usize),
    /// Somebody waits for a modem.
    Wanted,
}

#[derive(Debug, Default)]
struct Number {
    lines: Vec<usize>,
    record: NumberRecord,
    /// Calls of earlier sittings of which no end is known: digits may have gone out.
    lost: u32,
    /// The modem that may hold it although its call is over, and until when that is to be feared.
    held: Option<(usize, Mono)>,
    /// What national rules count.
    redial: RedialCount,
    /// The modems that refuse it, and until when; without a time, for the rest of the run.
    refused_by: BTreeMap<usize, Option<Mono>>,
}

#[derive(Debug)]
struct Credential {
    name: CredentialName,
    known: Known,
    /// Lines that were called, found it unproven, and wait until it is known.
    parked: BTreeSet<Rank>,
    /// Open lines that are not parked: one of them may yet prove it.
    active: usize,
}

impl Scheduler {
    /// Takes a plan; nothing happens before [`Input::Start`].
    pub fn new(plan: SchedulerPlan) -> Self {
        let SchedulerPlan {
            lines: jobs,
            modems,
            trunks,
            groups,
            budget,
            room,
            policy,
            checks,
            redial,
            past,
            standing,
        } = plan;
        let modem_index = modems.iter().enumerate().map(|(index, seat)| (seat.id.clone(), index)).collect();
        let mut numbers: Vec<Number> = Vec::new();
        let mut number_index: BTreeMap<PhoneNumber, usize> = BTreeMap::new();
        let mut credentials = Vec::new();
        let mut credential_index = BTreeMap::new();
        let mut line_index = BTreeMap::new();
        let mut lines = Vec::with_capacity(jobs.len());
        let first_other = jobs.len();
        let mut other_routes = Vec::new();
        for (index, job) in jobs.into_iter().enumerate() {
            let mut ways = Vec::with_capacity(job.ways.len());
            for (nth, way) in job.ways.into_iter().enumerate() {
                let number = *number_index.entry(way.number).or_insert_with(|| {
                    numbers.push(Number::default());
                    numbers.len() - 1
                });
                if numbers[number].lines.last() != Some(&index) {
                    numbers[number].lines.push(index);
                }
                let route = if nth == 0 {
                    index
                } else {
                    other_routes.push(index);
                    first_other + other_routes.len() - 1
                };
                ways.push(lines::Way {
                    number,
                    via: way.via.map(Box::new),
                    worst: way.worst,
                    route,
                    purse: None,
                });
            }
            let credential = job.credential.map(|name| {
                *credential_index.entry(name).or_insert_with_key(|name| {
                    let (name, known) = (name.clone(), Known::Nothing);
                    credentials.push(Credential { name, known, parked: BTreeSet::new(), active: 0 });
                    credentials.len() - 1
                })
            });
            line_index.insert(job.id.clone(), index);
            lines.push(Line {
                id: job.id,
                ways: ways.into(),
                way: 0,
                groups: job.groups.into(),
                windows: job.windows,
                credential,
                prove_on: job.prove_on,
                priority: job.priority,
                deferred: job.deferred,
                expected: job.expected.unwrap_or(EXPECTED_CALL),
                preset: job.preset,
                stage: Stage::New,
                trials: Vec::new(),
                begun: 0,
                closes: None,
                told: None,
            });
        }
        let reference = checks.reference.clone().map(|number| {
            *number_index.entry(number).or_insert_with(|| {
                numbers.push(Number::default());
                numbers.len() - 1
            })
        });
        // The modems' own numbers are no line's (the bank is held to that): a place for each.
        let own = |seat: &ModemSeat| {
            seat.has_number.then(|| {
                numbers.push(Number::default());
                numbers.len() - 1
            })
        };
        let peers = modems.iter().map(own).collect();
        let tolls = modems.iter().map(|seat| seat.toll).collect();
        let mut gates = Gates::default();
        for most in numbers.iter().map(|_| 1).chain(groups.iter().map(|group| group.max_calls.get())) {
            gates.add(most);
        }
        let bench = Bench::new(modems, &trunks);
        let modems_count = bench.ids.len();
        let mut scheduler = Self {
            policy,
            redial,
            health: Health::new(bench.ids.len()),
            piles: PileUps::new(bench.ids.len()),
            trust: std::iter::repeat_with(Trust::default).take(bench.ids.len()).collect(),
            piled: BTreeSet::new(),
            targets: Targets::new(checks, reference, peers),
            refused_numbers: BTreeSet::new(),
            bench,
            queue: Queue::default(),
            gates,
            ajar: BTreeSet::new(),
            groups,
            has_budget: budget != Budget::default(),
            ledger: Ledger::new(budget),
            purses: Vec::new(),
            tolls,
            room,
            stirred: BTreeSet::new(),
            stuck: BTreeSet::new(),
            lines,
            other_routes,
            line_index,
            modem_index,
            numbers,
            credentials,
            credential_index,
            timers: BTreeSet::new(),
            open: 0,
            windowed: 0,
            running: 0,
            checking: 0,
            on_line: vec![None; modems_count],
            number_index,
            orders: Orders::default(),
            started: false,
            now: Mono::ZERO,
            closed: None,
            deadline: None,
            began: Mono::ZERO,
            horizon: Mono::ZERO,
            looks_to: None,
            finished: false,
            decisions: Vec::new(),
        };
        scheduler.open_purses();
        for before in &past.called {
            if let Some(&number) = scheduler.number_index.get(&before.number) {
                let redial = &mut scheduler.numbers[number].redial;
                redial.recall(&scheduler.redial, before.ago, before.fault, before.through);
            }
        }
        scheduler.recall(past);
        scheduler.preflight();
        scheduler.stand(standing);
        scheduler
    }

    /// Says when [`Input::Deadline`] will come, so that no line is left with half an opinion then.
    #[must_use]
    pub const fn until(mut self, deadline: Option<Mono>) -> Self {
        self.deadline = deadline;
        self
    }

    /// The deadline is another one now: the wall clock was set.
    pub fn set_deadline(&mut self, deadline: Option<Mono>, looks_to: Option<Mono>) {
        self.deadline = deadline;
        self.looks_to = looks_to;
        self.horizon = deadline.or(looks_to).unwrap_or(self.began + HORIZON);
    }

    /// How far a run without a deadline looks ahead for windows, where that is not [`HORIZON`] from its beginning.
    #[must_use]
    pub const fn looking_to(mut self, looks_to: Option<Mono>) -> Self {
        self.looks_to = looks_to;
        self
    }

    /// Takes over what earlier sittings found. Evidence against modems is gathered anew: how their calls lay in time is
    /// not known any more.
    fn recall(&mut self, past: Past) {
        for modem in &past.quarantined {
            if let Some(&modem) = self.modem_index.get(modem) {
                self.bench.quarantine(modem);
                self.health.settle(modem);
            }
        }
        let mut lost: Vec<(usize, usize)> = Vec::new();
        // Calls to numbers to which no way of their lines leads any more.
        let mut elsewhere: Vec<usize> = Vec::new();
        for report in past.calls {
            let (Some(&line), Some(&modem)) =
                (self.line_index.get(&report.line), self.modem_index.get(&report.modem))
            else {
                continue;
            };
            let Some(way) = self.way_of(line, report.via.as_ref()) else {
                self.lines[line].begun = self.lines[line].begun.max(report.attempt);
                self.recall_charge_elsewhere(line, &report);
                elsewhere.push(line);
                continue;
            };
            self.recall_charge(line, way, &report);
            // A call that was cut short by a signal is no reason to leave its line alone now; it counts as lost.
            if CallClass::of(report.fault) == CallClass::Policy {
                self.lines[line].begun = self.lines[line].begun.max(report.attempt);
                lost.push((line, way));
                continue;
            }
            self.lines[line].learn(report.took, report.fault);
            let mut trial = self.trial(modem, (line, way), Mono::ZERO, &report);
            let call = CallId::new(&self.lines[line].id, trial.attempt);
            trial.void = trial.class.is_failing() && past.void.contains(&call);
            self.remember(modem, line, &trial);
            if !past.unproven.contains(&call) {
                self.trust[modem].unproven.remove(&(line, trial.attempt));
            }
            let number = trial.number;
            if report.dialed {
                // When that was is not known any more: the pause is kept from here on.
                let through = trial.class == CallClass::Passed;
                self.numbers[number].redial.note(&self.redial, Mono::ZERO, report.fault, through);
            }
            self.lines[line].trials.push(trial);
        }
        self.recall_checks(&past.checks, &past.lost_checks);
        for (id, begun) in past.begun {
            if let Some(&line) = self.line_index.get(&id) {
                self.lines[line].begun = self.lines[line].begun.max(begun);
            }
        }
        for (line, via) in past.lost {
            let Some(&line) = self.line_index.get(&line) else { continue };
            let way = self.way_of(line, via.as_ref());
            self.spend_in_full(line, way);
            match way {
                Some(way) => lost.push((line, way)),
                None => elsewhere.push(line),
            }
        }
        let mut known: BTreeMap<usize, usize> = BTreeMap::new();
        for line in lost.iter().map(|&(line, _)| line).chain(elsewhere) {
            *known.entry(line).or_default() += 1;
        }
        for index in 0..self.lines.len() {
            let line = &mut self.lines[index];
            let highest = line.trials.iter().map(|trial| trial.attempt).max().unwrap_or(0);
            line.begun = line.begun.max(highest);
            let ended = u32::try_from(line.trials.len()).unwrap_or(u32::MAX);
            let known = u32::try_from(known.get(&index).copied().unwrap_or(0)).unwrap_or(u32::MAX);
            // Which way the others went is not known: its own number is the likeliest.
            for _ in 0..line.begun.saturating_sub(ended).saturating_sub(known) {
                self.spend_in_full(index, Some(0));
                lost.push((index, 0));
            }
        }
        for (line, way) in lost {
            let number = &mut self.numbers[self.lines[line].ways[way].number];
            number.lost += 1;
            number.redial.note(&self.redial, Mono::ZERO, None, false);
        }
        for number in 0..self.numbers.len() {
            self.recount(number);
        }
        // What was sound then need not be so now.
        self.targets.sound = false;
        for verdict in past.verdicts {
            if verdict.fault != Some(Fault::Cancelled)
                && let Some(&line) = self.line_index.get(&verdict.line)
            {
                self.lines[line].stage = Stage::Judged { fault: verdict.fault, call: verdict.call };
            }
        }
        for line in &self.lines {
            if matches!(line.stage, Stage::New) {
                self.open += 1;
                if let Some(credential) = line.credential {
                    self.credentials[credential].active += 1;
                }
            }
        }
    }

    /// Takes in what happened and says what to do. `now` never goes back.
    pub fn step(&mut self, now: Mono, input: Input) -> Vec<Decision> {
        if self.finished {
            return Vec::new();
        }
        self.now = now;
        match input {
            Input::Start => self.start(now),
            Input::ModemReady(id) => self.modem_ready(&id),
            Input::ModemOut { modem, fault, detail } => {
                self.modem_out(now, &modem, &Trouble { fault, detail });
            }
            Input::CallEnded(report) => self.call_ended(now, &report),
            Input::Checked(report) => self.checked(now, &report),
            Input::Answered(id) => self.answered(now, &id),
            Input::Panicked { modem, line, detail } => self.panicked(now, line, modem, detail),
            Input::CredentialProven(name) => self.credential(now, &name, Known::Proven),
            Input::CredentialStopped(name) => self.credential(now, &name, Known::Stopped),
            Input::NotDialed { modem, line, detail } => self.not_dialed(now, &line, &modem, detail),
            Input::Told { ticket, order } => self.told(now, ticket, order),
            Input::Lost { modem, detail } => {
                if let Some(&modem) = self.modem_index.get(&modem) {
                    self.lost(modem, detail);
                }
            }
            Input::Drain => self.close(Fault::Cancelled),
            Input::Deadline => self.close(Fault::PastDeadline),
            Input::Windows(windows) => self.new_windows(now, windows),
            Input::Time => {}
        }
        if self.started {
            if self.pause_ends().is_some_and(|until| until <= now) {
                self.resume();
            }
            self.carry_out();
            self.run_timers(now);
            self.bench.watch(now);
            self.lose_hope(now);
            self.assign(now);
            self.tell_waits();
            self.finish();
        }
        std::mem::take(&mut self.decisions)
    }

    /// When [`Input::Time`] is due, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Mono> {
        if self.finished || !self.started {
            return None;
        }
        if self.open == 0 {
            return self.pause_ends();
        }
        let patience = if self.pressing() > 0 && !self.orders.is_paused() {
            self.bench.patience_ends(&self.policy.bench)
        } else {
            None
        };
        self.timers.first().map(|&(at, _)| at).into_iter().chain(patience).chain(self.pause_ends()).min()
    }

    /// Lines that might be dialed now, or soon: those that wait for their windows ask nothing of the bench.
    const fn pressing(&self) -> usize {
        self.waiting().saturating_sub(self.windowed)
    }

    /// Lines without a verdict that are not in a call.
    const fn waiting(&self) -> usize {
        self.open.saturating_sub(self.running)
    }

    fn start(&mut self, now: Mono) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.began = now;
        self.set_deadline(self.deadline, self.looks_to);
        for line in 0..self.lines.len() {
            if !matches!(self.lines[line].stage, Stage::New) {
                continue;
            }
            match self.lines[line].preset.clone() {
                Some(Preset { fault, detail }) => {
                    self.conclude(line, Finding { fault: Some(fault), detail, call: None });
                }
                None => self.dispose(now, line),
            }
        }
        if let Some(Pause { why, until }) = self.orders.paused.clone() {
            self.decisions.push(Decision::Paused { why, until });
        }
        if self.open == 0 {
            return;
        }
        for modem in 0..self.bench.ids.len() {
            if self.bench.state(modem) == State::SettingUp {
                self.decisions.push(Decision::SetUp(self.bench.ids[modem].clone()));
            }
        }
    }

    /// Nothing is dialed from here on. A signal outranks the deadline: what it cuts off is made up for by a resumption.
    fn close(&mut self, why: Fault) {
        if self.closed != Some(Fault::Cancelled) {
            self.closed = Some(why);
        }
        for line in 0..self.lines.len() {
            if self.lines[line].is_waiting() {
                self.leave_off(line);
            }
        }
        self.timers.clear();
        self.refuse_the_rest("the run is ending: its bank is free in a moment");
    }

    fn finish(&mut self) {
        // What rests on a modem that is to be checked first waits for the end of a pause.
        let waits = self.orders.is_paused() && self.closed.is_none() && self.has_last_checks();
        if self.open == 0 && self.running == 0 && self.checking == 0 && !waits {
            self.refuse_the_rest("the run has ended: its bank is free");
            self.finished = true;
            self.timers.clear();
            self.decisions.push(Decision::Finished);
        }
    }

    fn modem_ready(&mut self, id: &ModemId) {
        let Some(&modem) = self.modem_index.get(id) else { return };
        match self.bench.state(modem) {
            // Under quarantine it waits for its time, however well its set-up went.
            State::Out { .. } if self.bench.is_quarantined(modem) => {}
            state => {
                if let State::Out { until } = state {
                    self.timers.remove(&(until, Timer::Modem(modem)));
                }
                self.bench.ready(modem);
            }
        }
        self.let_go(modem);
        self.welcome();
    }

    fn modem_out(&mut self, now: Mono, id: &ModemId, trouble: &Trouble) {
        let Some(&modem) = self.modem_index.get(id) else { return };
        let exit = self.bench.out(modem, now, trouble.clone(), &self.policy.bench);
        self.note_exit(modem, &exit, trouble);
    }

    fn note_exit(&mut self, modem: usize, exit: &Exit, trouble: &Trouble) {
        match exit {
            &Exit::Until(until) if self.closed.is_none() => {
                self.timers.insert((until, Timer::Modem(modem)));
            }
            &Exit::Slowly(until) => {
                if self.closed.is_none() {
                    self.timers.insert((until, Timer::Modem(modem)));
                }
                self.decisions.push(Decision::Down {
                    modem: self.bench.ids[modem].clone(),
                    fault: trouble.fault,
                    detail: trouble.detail.clone(),
                    until,
                });
            }
            Exit::ForGood => self.decisions.push(Decision::GiveUp {
                modem: self.bench.ids[modem].clone(),
                fault: trouble.fault,
                detail: trouble.detail.clone(),
            }),
            Exit::Until(_) | Exit::AfterCall | Exit::AlreadyOut => {}
        }
    }

    fn run_timers(&mut self, now: Mono) {
        // Where no line is open they keep: a last check may yet open some.
        while self.open > 0
            && let Some(&(at, timer)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            match timer {
                Timer::Modem(modem) if self.closed.is_none() => self.set_up_due(modem),
                // It is only that somebody looks again.
                Timer::Modem(_) | Timer::Check(_) | Timer::Wanted => {}
                Timer::Line(line) => self.ready_again(line),
                Timer::Closes(line) => self.window_closed(line),
                Timer::Number(number) => self.unbar(number),
            }
        }
    }

    /// Ends the lines that wait for a modem, if none can be had any more. Those that wait for their windows are not in a
    /// hurry, as long as one may come back.
    fn lose_hope(&mut self, now: Mono) {
        if self.orders.is_paused() {
            return;
        }
        let for_good = self.bench.is_gone();
        if (if for_good { self.waiting() } else { self.pressing() }) == 0 {
            return;
        }
        let Some(Trouble { fault, detail }) = self.bench.hopeless(now, &self.policy.bench) else { return };
        for line in 0..self.lines.len() {
            let windowed = matches!(self.lines[line].stage, Stage::Waiting { wait: Wait::Window, .. });
            if self.lines[line].is_waiting() && (for_good || !windowed) {
                self.conclude(line, Finding { fault: Some(fault), detail: detail.clone(), call: None });
            }
        }
    }
}
