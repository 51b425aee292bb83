//! What is wanted, and when its turn is: times of the schedules, runs that were cut off, the queue's way to the banks.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::held::at;
use super::queue::{Item, Want};
use super::{Action, Keeper, Level, Looked, What, refused};
use crate::config::service::{LATE, LoadedPlan};
use crate::fleet::order::Order;
use crate::model::{BankName, LineId, PhoneNumber, PlanName};
use crate::service::durable::{PlanMemory, Running};
use crate::service::leftover::{Left, Leftover};
use crate::service::status::LastRun;

use super::jobs::{Job, Purpose};

/// A clock that was set back by more was wrong before: what was dealt with in its future is forgotten.
const SET_BACK_MAX: SignedDuration = SignedDuration::from_hours(25);
/// Missed times of one plan that are counted; more are many.
const MISSED_COUNTED_MAX: usize = 1000;

impl Keeper {
    /// Whether a plan's schedule runs at all: a plan that is disabled is not late.
    fn is_scheduled(&self, loaded: &LoadedPlan) -> bool {
        let disabled = !self.loaded.service.enabled || self.durable.daemon.disabled.is_some();
        !disabled && self.plan_disabled(loaded).is_none()
    }

    /// When a plan is due next.
    pub(super) fn next_due(&self, loaded: &LoadedPlan) -> Option<Timestamp> {
        if self.terminating.is_some() || !self.is_scheduled(loaded) {
            return None;
        }
        let dealt_with = self.durable.plans.get(loaded.name()).and_then(|memory| memory.dealt_with);
        let from = dealt_with.map_or(self.now.wall, |dealt_with| dealt_with.max(self.now.wall));
        loaded.entry.schedule.as_ref()?.next_after(from)
    }

    /// Makes room in the memory for the plans that there are; a schedule that is new has missed nothing.
    pub(super) fn remember_plans(&mut self) {
        let loaded = std::sync::Arc::clone(&self.loaded);
        let now = self.now.wall;
        for plan in &loaded.plans {
            let schedule = plan.entry.schedule.as_ref().map(ToString::to_string).unwrap_or_default();
            let memory = self.memory(plan.name());
            if memory.schedule != schedule || (memory.dealt_with.is_none() && !schedule.is_empty()) {
                memory.dealt_with = (!schedule.is_empty()).then_some(now);
                memory.schedule = schedule;
            }
            let waits = |item: &Item| item.plan == *plan.name() && item.want == Want::Demand;
            let demanded = memory.demanded;
            if let Some(since) = demanded.filter(|_| self.queue.find(waits).is_none())
                && !self.runs(plan.name())
            {
                self.queue.push(plan.name().clone(), Want::Demand, since, |_| {});
            }
        }
    }

    /// Whether a run of the plan goes on, or begins.
    pub(super) fn runs(&self, plan: &PlanName) -> bool {
        self.jobs.values().any(|job| !job.is_call() && job.plan.name() == plan)
    }

    /// Takes up what is due.
    pub(super) fn accrue(&mut self) {
        if self.terminating.is_some() {
            return;
        }
        let loaded = std::sync::Arc::clone(&self.loaded);
        for plan in &loaded.plans {
            self.accrue_plan(plan);
        }
    }

    fn accrue_plan(&mut self, plan: &LoadedPlan) {
        let now = self.now.wall;
        let name = plan.name();
        let Some(schedule) = &plan.entry.schedule else { return };
        let dealt_with = self.durable.plans.get(name).and_then(|memory| memory.dealt_with).unwrap_or(now);
        if dealt_with.duration_since(now) > SET_BACK_MAX {
            self.log(
                Level::Warn,
                format!("the clock was set back by more than a day; times of plan `{name}` from now on count again"),
            );
            self.memory(name).dealt_with = Some(now);
            return;
        }
        let Some(last) = schedule.last_until(now).filter(|last| *last > dealt_with) else { return };
        let waiting = self.queue.find(|item| item.plan == *name && matches!(item.want, Want::Due(_)));
        let waiting = waiting.and_then(|item| match item.want {
            Want::Due(due) => Some((item.number, due)),
            _ => None,
        });
        if waiting.is_some_and(|(_, due)| due >= last) {
            return;
        }
        // What begins, and is not yet said to have begun, is of its time.
        let begins = self.jobs.values().filter(|job| job.plan.name() == name).filter_map(|job| job.due).max();
        if begins.is_some_and(|due| due >= last) {
            return;
        }
        // Of several times that have come, the last alone is of use.
        let from = waiting.map(|(_, due)| due).max(begins).max(Some(dealt_with)).unwrap_or(dealt_with);
        let mut passed = 0;
        let mut time = from;
        while let Some(next) =
            schedule.next_after(time).filter(|next| *next < last && passed < MISSED_COUNTED_MAX)
        {
            passed += 1;
            time = next;
        }
        if let Some((number, due)) = waiting
            && let Some(item) = self.queue.take(number)
        {
            let (why, due) = (self.why_waits(&item), schedule.told(due));
            self.log(
                Level::Warn,
                format!("plan `{name}` missed its time {due}: {why}; it gives way to the next"),
            );
        }
        let scheduled = self.is_scheduled(plan);
        let last_told = schedule.told(last);
        if passed > 0 {
            let many = if passed == MISSED_COUNTED_MAX { " or more" } else { "" };
            let level = if scheduled { Level::Warn } else { Level::Info };
            self.log(level, format!("plan `{name}` missed {passed}{many} of its times before {last_told}"));
        }
        if !scheduled {
            self.memory(name).dealt_with = Some(last);
            return self.log(Level::Info, format!("plan `{name}` is not run at {last_told}: it is disabled"));
        }
        let late = plan.entry.missed.unwrap_or_default().max(LATE);
        self.queue.push(name.clone(), Want::Due(last), last, |item| item.expires = Some(last + late));
    }

    /// Lets go of what came too late.
    pub(super) fn expire(&mut self) {
        let now = self.now.wall;
        let late: Vec<u64> = self
            .queue
            .iter()
            .filter(|item| item.expires.is_some_and(|expires| expires <= now))
            .map(|item| item.number)
            .collect();
        for number in late {
            let Some(item) = self.queue.take(number) else { continue };
            let past = item.expires.is_some_and(|expires| expires <= self.started);
            let why = if past { "no daemon ran".to_owned() } else { self.why_waits(&item) };
            let stood_by =
                !past && self.loaded.plan(&item.plan).is_some_and(|plan| !plan.entry.when.fits(self.role));
            let level = if stood_by { Level::Info } else { Level::Warn };
            let what = match &item.want {
                Want::Due(due) => {
                    format!("plan `{}` missed its time {}: {why}", item.plan, self.told(&item.plan, *due))
                }
                Want::Resume(running) => {
                    format!("run `{}` is left as it is, its window has ended: {why}", running.run)
                }
                Want::Call(line) => format!("the call to `{line}` is given up: {why}"),
                Want::Demand => format!("the run of plan `{}` on demand is given up: {why}", item.plan),
            };
            self.log(level, what.clone());
            if let Some(ticket) = item.ticket {
                self.reply(ticket, Err(refused(what)));
            }
            self.forget(&item);
        }
    }

    /// A time of a plan's schedule, in its zone.
    pub(super) fn told(&self, plan: &PlanName, time: Timestamp) -> String {
        let schedule = self.loaded.plan(plan).and_then(|plan| plan.entry.schedule.as_ref());
        schedule.map_or_else(|| at(time), |schedule| schedule.told(time))
    }

    /// What waited is not to come up again.
    pub(super) fn forget(&mut self, item: &Item) {
        let now = self.now.wall;
        let memory = self.memory(&item.plan);
        match &item.want {
            Want::Call(_) => {}
            Want::Demand => memory.demanded = None,
            Want::Due(due) => memory.dealt_with = memory.dealt_with.max(Some(*due)),
            Want::Resume(running) => leave(memory, running, now),
        }
    }

    /// Takes something out of the queue's hands, with words.
    pub(super) fn drop_item(&mut self, item: &Item, why: &str) {
        let what = match &item.want {
            Want::Call(line) => format!("the call to `{line}` is not made: {why}"),
            Want::Demand => format!("plan `{}` is not run on demand: {why}", item.plan),
            Want::Resume(running) => format!("run `{}` is left as it is: {why}", running.run),
            Want::Due(due) => {
                format!("plan `{}` is not run at {}: {why}", item.plan, self.told(&item.plan, *due))
            }
        };
        self.log(Level::Warn, what.clone());
        if let Some(ticket) = item.ticket {
            self.reply(ticket, Err(refused(what)));
        }
        self.forget(item);
    }

    /// Has the folders looked into of plans that may be run from now on.
    pub(super) fn look(&mut self) {
        if self.terminating.is_some() {
            return;
        }
        let loaded = std::sync::Arc::clone(&self.loaded);
        for plan in &loaded.plans {
            let name = plan.name();
            if self.looked.contains_key(name) || !plan.entry.when.fits(self.role) || self.runs(name) {
                continue;
            }
            self.looked.insert(name.clone(), Looked::Asked);
            self.after.push(Action::Look { plan: name.clone(), reports: plan.entry.reports.clone() });
        }
    }

    /// The newest run of a plan, as its folder shows it: what was cut off goes on, what another host did is done.
    pub(super) fn found(&mut self, name: &PlanName, newest: Result<Option<Leftover>, String>) {
        if self.looked.get(name) != Some(&Looked::Asked) {
            return;
        }
        self.looked.insert(name.clone(), Looked::Done);
        let newest = match newest {
            Ok(newest) => {
                self.unseen.remove(name);
                newest
            }
            Err(why) => {
                self.log(Level::Error, format!("what was run of plan `{name}` can't be seen: {why}"));
                self.unseen.insert(name.clone(), why);
                None
            }
        };
        let Some(plan) = self.loaded.plan(name).cloned() else { return };
        let memory = self.durable.plans.get(name).cloned().unwrap_or_default();
        // It is waiting for its turn already.
        if self.queue.find(|item| item.plan == *name && item.want.resumed().is_some()).is_some() {
            return;
        }
        if let Some(running) = memory.running {
            let same = newest.as_ref().filter(|newest| newest.run == running.run);
            match same {
                Some(found) if found.stands == Left::Completed => {
                    let run = running.run.clone();
                    self.log(
                        Level::Info,
                        format!("run `{run}` is done; the daemon had ended before it could say so"),
                    );
                    let last = LastRun {
                        run,
                        ended: self.now.wall,
                        completed: true,
                        counts: std::collections::BTreeMap::new(),
                    };
                    let memory = self.memory(name);
                    memory.running = None;
                    memory.last = Some(last);
                }
                Some(_) => self.go_on_with(name, &running),
                None => {
                    let run = &running.run;
                    let why = newest.as_ref().map_or_else(
                        || "its folder is not there".to_owned(),
                        |newer| format!("run `{}` was begun after it", newer.run),
                    );
                    self.log(Level::Warn, format!("run `{run}` was cut off, and is left as it is: {why}"));
                    let now = self.now.wall;
                    leave(self.memory(name), &running, now);
                }
            }
            if same.is_some() {
                return;
            }
        }
        let Some(newest) = newest else { return };
        let known = memory.last.is_some_and(|last| last.run == newest.run);
        let Some(due) = plan.entry.schedule.as_ref().and_then(|schedule| schedule.last_until(self.now.wall))
        else {
            return;
        };
        if known || newest.begun < due {
            return;
        }
        // Another host, or somebody by hand, has begun what is due.
        let run = newest.run.clone();
        match newest.stands {
            Left::Completed | Left::Live => {
                let words = if newest.stands == Left::Live { "goes on" } else { "is done" };
                if memory.dealt_with < Some(due) {
                    let time = self.told(name, due);
                    self.log(
                        Level::Info,
                        format!(
                            "plan `{name}` needs no run for {time}: run `{run}`, which others began, {words}"
                        ),
                    );
                    self.memory(name).dealt_with = Some(due);
                    let gone = self.queue.take_all(|item| {
                        item.plan == *name && matches!(item.want, Want::Due(at) if at <= due)
                    });
                    drop(gone);
                }
            }
            Left::CutOff | Left::Interrupted => {
                self.memory(name).dealt_with = memory.dealt_with.max(Some(due));
                let gone = self
                    .queue
                    .take_all(|item| item.plan == *name && matches!(item.want, Want::Due(at) if at <= due));
                drop(gone);
                let running = super::jobs::running_of(&plan, run, newest.begun, due);
                self.memory(name).running = Some(running.clone());
                self.go_on_with(name, &running);
            }
        }
    }

    /// A run that was cut off waits for its turn, if its window holds.
    fn go_on_with(&mut self, name: &PlanName, running: &Running) {
        let now = self.now.wall;
        let run = &running.run;
        if running.until <= now {
            self.log(
                Level::Warn,
                format!(
                    "run `{run}` was cut off, and is left as it is: its window ended {}",
                    at(running.until)
                ),
            );
            return leave(self.memory(name), running, now);
        }
        self.log(
            Level::Info,
            format!(
                "run `{run}` was cut off; it goes on while its window holds, until {}",
                at(running.until)
            ),
        );
        let pause = (running.deaths > 0).then(|| self.now.mono + super::jobs::pause_after(running.deaths));
        self.queue.push(name.clone(), Want::Resume(running.clone()), now, |item| {
            item.expires = Some(running.until);
            item.failures = running.deaths;
            item.failed = (running.deaths > 0).then(|| format!("it died {} times", running.deaths));
            item.not_before = pause;
        });
    }

    /// Gives free banks to who is first, and has modems lent to calls beside a run.
    pub(super) fn dispatch(&mut self) {
        let numbers: Vec<u64> = self.queue.iter().map(|item| item.number).collect();
        for number in numbers {
            let Some(item) = self.queue.find(|item| item.number == number) else { continue };
            let Some(plan) = self.loaded.plan(&item.plan).cloned() else { continue };
            let looked = item.want.is_call() || self.looked.get(&item.plan) == Some(&Looked::Done);
            let early = item.not_before.is_some_and(|not_before| not_before > self.now.mono);
            if early || !looked || self.held(&plan, item.anyway).is_some() || item.lending.is_some() {
                continue;
            }
            if self.meets(&item.want, &plan).is_some() {
                continue;
            }
            if self.is_free(plan.bank()) {
                if let Some(item) = self.queue.take(number) {
                    if !item.want.is_call() {
                        self.may_be_lent_again(plan.bank());
                    }
                    self.begin(item, plan, None);
                }
            } else if item.want.is_call() && item.unlent.is_none() {
                self.ask_to_lend(number, &plan);
            }
        }
    }

    /// A job that would be met: one of another bank that calls a number which is wanted too, so that each would find it busy
    /// and blame the line; or a run of the same plan, whose bank has another name now. On the bank itself the run sees to it.
    fn meets(&self, want: &Want, plan: &LoadedPlan) -> Option<&Job> {
        let mut others = self.jobs.values().filter(|job| job.bank() != plan.bank()).peekable();
        others.peek()?;
        let line = match want {
            Want::Call(line) => Some(line),
            Want::Demand | Want::Resume(_) | Want::Due(_) => None,
        };
        let wanted: BTreeSet<&PhoneNumber> = numbers(plan, line).collect();
        others.find(|job| {
            let called = match &job.what {
                What::Call { line, .. } => Some(line),
                What::Run { .. } => None,
            };
            let same = !job.is_call() && line.is_none() && job.plan.name() == plan.name();
            same || numbers(&job.plan, called).any(|number| wanted.contains(number))
        })
    }

    /// Nobody has it.
    pub(super) fn is_free(&self, bank: &BankName) -> bool {
        !self.jobs.values().any(|job| job.bank() == bank)
    }

    /// Another run has the bank: it may be asked.
    fn may_be_lent_again(&mut self, bank: &BankName) {
        let loaded = std::sync::Arc::clone(&self.loaded);
        for item in self.queue.iter_mut() {
            if loaded.plan(&item.plan).is_some_and(|plan| plan.bank() == bank) {
                item.unlent = None;
            }
        }
    }

    fn ask_to_lend(&mut self, number: u64, plan: &LoadedPlan) {
        let Some((job, run)) = self.run_on(plan.bank()) else { return };
        if run.run.is_none() || run.ending().is_some() {
            return;
        }
        let Some(Want::Call(line)) =
            self.queue.find(|item| item.number == number).map(|item| item.want.clone())
        else {
            return;
        };
        let Some(planned) = plan.plan.line(&line) else { return };
        let mut numbers = vec![planned.line.number.clone()];
        numbers.extend(
            planned.ways.iter().map(|way| way.number.clone()).filter(|number| *number != planned.line.number),
        );
        numbers.dedup();
        let own = (run.plan.name() == plan.name() && run.plan.plan.line(&line).is_some()).then_some(line);
        let order = self.order(job, Order::Lend { numbers, line: own }, Purpose::Lend(number));
        if let Some(item) = self.queue.get_mut(number) {
            item.lending = Some(order);
        }
    }

    /// Why something waits, in words.
    pub(super) fn why_waits(&self, item: &Item) -> String {
        let Some(plan) = self.loaded.plan(&item.plan) else { return format!("plan `{}` is gone", item.plan) };
        if let Some(held) = self.held(plan, item.anyway) {
            return held.told();
        }
        if let Some(failed) =
            item.failed.as_ref().filter(|_| item.not_before.is_some_and(|at| at > self.now.mono))
        {
            return format!("it failed {} times in a row, and is tried again: {failed}", item.failures);
        }
        if item.lending.is_some() {
            return "a run is asked to lend it a modem".to_owned();
        }
        let owner = self.jobs.values().find(|job| job.bank() == plan.bank());
        if let Some(job) = owner {
            let who = match (&job.run, job.is_call()) {
                (Some((run, _)), false) => format!("run `{run}`"),
                (Some((run, _)), true) => format!("the call of run `{run}`"),
                (None, _) => format!("a run of plan `{}`, which begins", job.plan.name()),
            };
            let unlent =
                item.unlent.as_ref().map(|why| format!(", which lends no modem: {why}")).unwrap_or_default();
            return format!("bank `{}` is taken by {who}{unlent}", plan.bank());
        }
        if let Some(job) = self.meets(&item.want, plan) {
            let run = job.run.as_ref().map(|(run, _)| format!(" `{run}`")).unwrap_or_default();
            return format!(
                "a run{run} on bank `{}` calls numbers of it, and would find them busy, as this would",
                job.bank()
            );
        }
        if self.looked.get(&item.plan) != Some(&Looked::Done) {
            return "its reports folder is being looked into".to_owned();
        }
        "its turn comes".to_owned()
    }
}

/// The numbers that a run of a plan may call, or a call to one line of it; those of a simulated network are of no other bank's.
fn numbers<'a>(plan: &'a LoadedPlan, line: Option<&LineId>) -> impl Iterator<Item = &'a PhoneNumber> {
    let plan = &plan.plan;
    let alone = plan.bank.exchange.is_some();
    let planned = plan.lines.iter().filter(move |_| !alone);
    let planned = planned.filter(move |planned| line.is_none_or(|line| planned.line.id == *line));
    planned.flat_map(|planned| planned.ways.iter().map(|way| &way.number))
}

/// A run that was cut off is left as it is.
fn leave(memory: &mut PlanMemory, running: &Running, now: Timestamp) {
    if memory.running.as_ref().is_some_and(|other| other.run == running.run) {
        memory.running = None;
    }
    let last = LastRun {
        run: running.run.clone(),
        ended: now,
        completed: false,
        counts: std::collections::BTreeMap::new(),
    };
    memory.last = Some(last);
}
