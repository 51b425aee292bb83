//! Jobs: runs and technicians' calls that go on. What each should be told follows from what is in force ([`Keeper::steer`]);
//! what becomes of it when it ends, or dies, is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::held::{Ending, at};
use super::queue::{Item, Want};
use super::{Action, Begin, JobId, Keeper, Level, OrderId, RunEnd, Ticket, What, done, refused};
use crate::config::service::{LoadedPlan, WINDOW_MAX};
use crate::fleet::order::{self, Order};
use crate::model::{BankName, LineId, ModemId, Mono, PlanName, RunId};
use crate::service::durable::Running;
use crate::service::status::LastRun;

/// Pause before what failed is tried again; each failure in a row doubles it.
pub const RETRY_FIRST: Duration = Duration::from_secs(5);
/// So often in a row, and it is `down`: tried again slowly.
pub const FAILURES_MAX: u32 = 5;
/// How slowly.
pub const RETRY_SLOWLY: Duration = Duration::from_secs(900);
/// What lived so long is no part of a row of failures.
const LIVED_LONG: Duration = Duration::from_secs(600);

/// The pause after so many failures in a row.
pub(super) fn pause_after(failures: u32) -> Duration {
    if failures > FAILURES_MAX { RETRY_SLOWLY } else { RETRY_FIRST * 2_u32.pow(failures.saturating_sub(1)) }
}

/// One that goes on.
#[derive(Debug)]
pub(super) struct Job {
    /// As it was when it began.
    pub(super) plan: LoadedPlan,
    pub(super) what: What,
    /// When it was due.
    pub(super) due: Option<Timestamp>,
    /// It began although it was paused.
    pub(super) anyway: bool,
    /// How often in a row it died before.
    pub(super) failures: u32,
    /// What it was taken from the queue as, should it not begin.
    item: Option<Box<Item>>,
    /// Its run, once it has begun; and when that was.
    pub(super) run: Option<(RunId, Mono)>,
    /// Who wants to know that it has begun.
    ticket: Option<Ticket>,
    /// An operator ended it, and why.
    pub(super) stopped: Option<String>,
    told: Told,
}

/// What a job has been told.
#[derive(Debug, Default)]
struct Told {
    ending: Option<Ending>,
    paused: bool,
    disabled: BTreeSet<ModemId>,
    skipped: BTreeSet<LineId>,
}

impl Job {
    pub(super) const fn is_call(&self) -> bool {
        matches!(self.what, What::Call { .. })
    }

    pub(super) fn bank(&self) -> &BankName {
        self.plan.bank()
    }

    /// The modem that it has borrowed.
    pub(super) const fn borrowed(&self) -> Option<&ModemId> {
        match &self.what {
            What::Call { modem, .. } => modem.as_ref(),
            What::Run { .. } => None,
        }
    }

    /// It is ending, and why.
    pub(super) const fn ending(&self) -> Option<&Ending> {
        self.told.ending.as_ref()
    }
}

/// An order that is not answered yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) job: JobId,
    pub(super) purpose: Purpose,
}

/// Who wants its answer.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Nobody: a refusal is told; this is what was wanted.
    Told(String),
    /// Somebody waits: it holds whatever the run answers, and this is said.
    Asked(Ticket, String),
    /// Somebody waits for a modem's worker to be started again.
    Restart { ticket: Ticket, bank: BankName, modem: ModemId },
    /// What waits in the queue, by its number.
    Lend(u64),
}

impl Keeper {
    /// Sends an order.
    pub(super) fn order(&mut self, job: JobId, what: Order, purpose: Purpose) -> OrderId {
        self.counter += 1;
        let order = OrderId(self.counter);
        self.pending.insert(order, Pending { job, purpose });
        self.orders.push(Action::Order { job, order, what });
        order
    }

    /// The run that has a bank, if one has begun there and is not ending.
    pub(super) fn run_on(&self, bank: &BankName) -> Option<(JobId, &Job)> {
        let fits = |job: &Job| !job.is_call() && job.bank() == bank;
        self.jobs.iter().find(|(_, job)| fits(job)).map(|(id, job)| (*id, job))
    }

    /// Begins what was taken from the queue, on this modem alone if one was lent.
    pub(super) fn begin(&mut self, mut item: Item, loaded: LoadedPlan, modem: Option<ModemId>) {
        self.counter += 1;
        let id = JobId(self.counter);
        let (what, due) = match &item.want {
            Want::Call(line) => (What::Call { line: line.clone(), modem }, None),
            Want::Demand => (What::Run { resume: None }, None),
            Want::Resume(running) => (What::Run { resume: Some(running.run.clone()) }, running.due),
            Want::Due(due) => (What::Run { resume: None }, Some(*due)),
        };
        let disabled = self.disabled_by_operator(loaded.bank());
        let memory = self.durable.plans.get(loaded.name());
        let skipped: BTreeMap<LineId, String> = memory
            .iter()
            .flat_map(|memory| &memory.lines)
            .map(|(line, word)| (line.clone(), by_operator(&word.why)))
            .collect();
        let told = Told {
            disabled: self.modems_off(&loaded).into_keys().collect(),
            skipped: self.lines_off(&loaded).into_keys().collect(),
            ..Told::default()
        };
        let words = match (&what, due) {
            (What::Call { line, modem: Some(modem) }, _) => {
                format!("a call to `{line}` begins on `{modem}`, which the run has lent")
            }
            (What::Call { line, modem: None }, _) => format!("a call to `{line}` begins"),
            (What::Run { resume: Some(run) }, _) => format!("run `{run}` goes on"),
            (What::Run { resume: None }, Some(due)) => {
                format!("plan `{}` begins, due {}", loaded.name(), at(due))
            }
            (What::Run { resume: None }, None) => format!("plan `{}` begins on demand", loaded.name()),
        };
        self.log(Level::Info, words);
        let begin = Begin { job: id, plan: loaded.clone(), what: what.clone(), disabled, skipped, due };
        self.after.push(Action::Begin(begin));
        let job = Job {
            plan: loaded,
            what,
            due,
            anyway: item.anyway,
            failures: item.failures,
            ticket: item.ticket.take(),
            item: Some(Box::new(item)),
            run: None,
            stopped: None,
            told,
        };
        self.jobs.insert(id, job);
    }

    /// A job has begun.
    pub(super) fn begun(&mut self, id: JobId, run: RunId) {
        let (now, mono) = (self.now.wall, self.now.mono);
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.run = Some((run.clone(), mono));
        let ticket = job.ticket.take();
        let item = job.item.take();
        let (plan, due, failures, is_call) = (job.plan.clone(), job.due, job.failures, job.is_call());
        let name = plan.name().clone();
        if !is_call {
            self.let_go_of_older(&name, &run);
            let running = if let Some(Want::Resume(running)) = item.map(|item| item.want) {
                Running { deaths: failures, ..running }
            } else {
                let until = window_of(&plan, due.unwrap_or(now));
                Running { run: run.clone(), due, begun: now, until, deaths: failures }
            };
            let memory = self.memory(&name);
            memory.running = Some(running);
            memory.demanded = memory.demanded.filter(|_| due.is_some());
            if let Some(due) = due {
                memory.dealt_with = memory.dealt_with.max(Some(due));
            }
        }
        if let Some(ticket) = ticket {
            self.reply(ticket, Ok(control_done(format!("run `{run}` has begun"), Some(run))));
        }
    }

    /// A run that was cut off, and could not go on, is left as it is once another one of its plan has begun: that one dials
    /// all its lines anew.
    fn let_go_of_older(&mut self, name: &PlanName, begun: &RunId) {
        let older = self.queue.take_all(|item| {
            item.plan == *name && item.want.resumed().is_some_and(|waiting| waiting != begun)
        });
        for item in older {
            self.drop_item(&item, &format!("run `{begun}` was begun after it"));
        }
    }

    /// A job could not begin.
    pub(super) fn not_begun(&mut self, id: JobId, why: &str) {
        let Some(mut job) = self.jobs.remove(&id) else { return };
        self.settle_orders(id);
        self.take_back(&job);
        let name = job.plan.name().clone();
        let what = match &job.what {
            What::Call { line, .. } => format!("the call to `{line}` can't begin: {why}"),
            What::Run { resume: Some(run) } => format!("run `{run}` can't go on: {why}"),
            What::Run { resume: None } => match job.due {
                Some(due) => format!("plan `{name}` can't begin, due {}: {why}", self.told(&name, due)),
                None => format!("plan `{name}` can't begin: {why}"),
            },
        };
        let Some(mut item) = job.item.take() else { return };
        let asked = job.ticket.take();
        let ends = job.stopped.is_some()
            || self.ending(&job.plan, job.is_call()).is_some_and(|ending| !ending.goes_on);
        let dropped = match &item.want {
            Want::Call(_) | Want::Demand => true,
            Want::Resume(_) => ends,
            // What holds it back now may let go of it in time.
            Want::Due(_) => job.stopped.is_some(),
        };
        if dropped {
            self.log(Level::Error, what.clone());
            if let Some(ticket) = asked {
                self.reply(ticket, Err(refused(what)));
            }
            return self.forget(&item);
        }
        item.failures += 1;
        item.failed = Some(why.to_owned());
        if let Some(ticket) = asked {
            self.reply(ticket, Err(refused(what.clone())));
        }
        self.try_again(*item, &what);
    }

    /// Back into the queue, after a pause.
    fn try_again(&mut self, item: Item, what: &str) {
        let pause = pause_after(item.failures);
        let down = if item.failures > FAILURES_MAX {
            format!(", {} times in a row", item.failures)
        } else {
            String::new()
        };
        self.log(Level::Error, format!("{what}{down}; it is tried again in {} s", pause.as_secs()));
        let not_before = self.now.mono + pause;
        self.queue.push(item.plan.clone(), item.want.clone(), item.since, |again| {
            again.expires = item.expires;
            again.failures = item.failures;
            again.failed = item.failed;
            again.anyway = item.anyway;
            again.not_before = Some(not_before);
        });
    }

    /// A job is over.
    pub(super) fn ended(&mut self, id: JobId, end: RunEnd) {
        let Some(mut job) = self.jobs.remove(&id) else { return };
        self.settle_orders(id);
        self.take_back(&job);
        let name = job.plan.name().clone();
        let Some((run, begun)) = job.run.clone() else {
            // It is over before it was told to have begun: then it has not.
            self.jobs.insert(id, job);
            let why = match end {
                RunEnd::Died(why) => why,
                RunEnd::Over { .. } => "it ended at once".to_owned(),
            };
            return self.not_begun(id, &why);
        };
        if let Some(ticket) = job.ticket.take() {
            self.reply(ticket, Ok(control_done(format!("run `{run}` has ended"), Some(run.clone()))));
        }
        let ending = job.told.ending.clone();
        if job.is_call() {
            match &end {
                RunEnd::Over { .. } => self.log(Level::Info, format!("the call of run `{run}` has ended")),
                RunEnd::Died(why) => self.log(Level::Error, format!("the call of run `{run}` died: {why}")),
            }
            return;
        }
        let goes_on = ending.as_ref().is_none_or(|ending| ending.goes_on);
        let why = ending.as_ref().map(|ending| format!(" ({})", ending.why)).unwrap_or_default();
        match end {
            RunEnd::Over { completed, counts } => {
                let completed_word = if completed { "is done" } else { "was ended before it was done" };
                let goes_on = !completed && ending.is_some() && goes_on && job.stopped.is_none();
                let later = if goes_on { "; it goes on while its window holds" } else { "" };
                let level = if completed { Level::Info } else { Level::Warn };
                let why = if completed { "" } else { why.as_str() };
                let found: Vec<String> =
                    counts.iter().map(|(result, lines)| format!("{result} {lines}")).collect();
                let found = if found.is_empty() { String::new() } else { format!(": {}", found.join(", ")) };
                self.log(level, format!("run `{run}` {completed_word}{why}{later}{found}"));
                if goes_on {
                    // What ended it is not over; whoever sees that it is looks for the run again.
                    self.looked.remove(&name);
                } else {
                    self.last(&job, LastRun { run, ended: self.now.wall, completed, counts });
                }
            }
            RunEnd::Died(what) if !goes_on || job.stopped.is_some() => {
                self.log(Level::Error, format!("run `{run}` died while it was ended{why}: {what}"));
                self.last(
                    &job,
                    LastRun { run, ended: self.now.wall, completed: false, counts: BTreeMap::new() },
                );
            }
            RunEnd::Died(what) => {
                let lived_long = self.now.mono.since(begun) >= LIVED_LONG;
                let failures = if lived_long { 1 } else { job.failures + 1 };
                let memory = self.memory(&name);
                let Some(running) = memory.running.as_mut() else { return };
                running.deaths = failures;
                let running = running.clone();
                let words = format!("run `{run}` died: {what}");
                if self.terminating.is_some() {
                    return self.log(Level::Error, format!("{words}; the next daemon goes on with it"));
                }
                let now = self.now.wall;
                self.queue.push(name, Want::Resume(running.clone()), now, |item| {
                    item.expires = Some(running.until);
                    item.failures = failures;
                    item.failed = Some(what);
                    item.anyway = job.anyway;
                });
                // Pushed and taken again, so that there is one way back into the queue.
                if let Some(item) = self.queue.take_all(|item| item.want.resumed() == Some(&run)).pop() {
                    self.try_again(item, &words);
                }
            }
        }
    }

    /// A run has ended for good.
    fn last(&mut self, job: &Job, last: LastRun) {
        let memory = self.memory(job.plan.name());
        memory.running = None;
        memory.last = Some(last);
    }

    /// Orders to a job that is no more are answered by that.
    fn settle_orders(&mut self, id: JobId) {
        let theirs: Vec<OrderId> =
            self.pending.iter().filter(|(_, pending)| pending.job == id).map(|(order, _)| *order).collect();
        for order in theirs {
            let Some(Pending { purpose, .. }) = self.pending.remove(&order) else { continue };
            match purpose {
                Purpose::Told(_) => {}
                Purpose::Asked(ticket, said) => self.reply(ticket, done(said)),
                Purpose::Restart { ticket, .. } => {
                    self.reply(ticket, Err(refused("its run has ended meanwhile".to_owned())));
                }
                // It waits for the bank like any other now.
                Purpose::Lend(number) => {
                    if let Some(item) = self.queue.get_mut(number) {
                        item.lending = None;
                    }
                }
            }
        }
    }

    /// Gives a modem back that a call had borrowed, if the run is still there.
    fn take_back(&mut self, job: &Job) {
        let Some(modem) = job.borrowed().cloned() else { return };
        if let Some((run, _)) = self.run_on(job.bank()) {
            let words = format!("to take `{modem}` back");
            self.order(run, Order::TakeBack { modem }, Purpose::Told(words));
        }
    }

    /// An order was answered.
    pub(super) fn ordered(&mut self, order: OrderId, answer: order::Answer) {
        let Some(Pending { job, purpose }) = self.pending.remove(&order) else {
            // A modem that nobody wants any more goes back.
            return;
        };
        match (purpose, answer) {
            (Purpose::Told(_), Ok(_)) => {}
            (Purpose::Told(what), Err(why)) => self.log(Level::Warn, format!("a run refused {what}: {why}")),
            (Purpose::Asked(ticket, said), Ok(order::Done::Said(words))) => {
                self.reply(ticket, done(format!("{said}; {words}")));
            }
            (Purpose::Asked(ticket, said), Ok(order::Done::Lent(_))) => self.reply(ticket, done(said)),
            (Purpose::Asked(ticket, said), Err(why)) => {
                self.reply(ticket, done(format!("{said} (the run: {why})")));
            }
            (Purpose::Restart { ticket, bank, modem }, Ok(done_so)) => {
                let words = match done_so {
                    order::Done::Said(words) => words,
                    order::Done::Lent(modem) => format!("`{modem}` is lent"),
                };
                *self.restarts.entry((bank, modem)).or_default() += 1;
                self.log(Level::Info, words.clone());
                self.reply(ticket, done(words));
            }
            (Purpose::Restart { ticket, .. }, Err(why)) => self.reply(ticket, Err(refused(why.to_string()))),
            (Purpose::Lend(number), Ok(order::Done::Lent(modem))) => self.lent(job, number, modem),
            (Purpose::Lend(number), Ok(order::Done::Said(words))) => self.unlent(job, number, &words),
            (Purpose::Lend(number), Err(why)) => self.unlent(job, number, &why.to_string()),
        }
    }

    /// A run has lent a modem to what waits.
    fn lent(&mut self, job: JobId, number: u64, modem: ModemId) {
        let wanted = self.queue.find(|item| item.number == number).cloned();
        let loaded = wanted.as_ref().and_then(|item| self.loaded.plan(&item.plan)).cloned();
        let may = loaded
            .as_ref()
            .zip(wanted.as_ref())
            .is_some_and(|(loaded, item)| self.held(loaded, item.anyway).is_none());
        match (loaded, self.queue.get_mut(number)) {
            (Some(loaded), Some(item)) if may => {
                item.lending = None;
                if let Some(item) = self.queue.take(number) {
                    self.begin(item, loaded, Some(modem));
                }
            }
            (_, item) => {
                if let Some(item) = item {
                    item.lending = None;
                }
                let words = format!("to take `{modem}` back");
                self.order(job, Order::TakeBack { modem }, Purpose::Told(words));
            }
        }
    }

    /// A run lends none. Who waits for an answer gets it; who was told that the call waits has its turn when the bank is free.
    fn unlent(&mut self, job: JobId, number: u64, why: &str) {
        let ending = self.jobs.get(&job).is_none_or(|job| job.ending().is_some());
        let Some(item) = self.queue.get_mut(number) else { return };
        item.lending = None;
        item.unlent = Some(why.to_owned());
        if !ending && let Some(ticket) = item.ticket.take() {
            self.queue.take(number);
            self.reply(ticket, Err(refused(why.to_owned())));
        }
    }

    /// Tells every job what it should have been told by now.
    pub(super) fn steer(&mut self) {
        let ids: Vec<JobId> = self.jobs.keys().copied().collect();
        for id in ids {
            self.steer_one(id);
        }
    }

    fn steer_one(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else { return };
        if job.run.is_none() {
            return;
        }
        let is_call = job.is_call();
        let asked = job.stopped.clone().map(|why| Ending {
            how: Some(crate::call::machine::Cancel::LogOut),
            why,
            goes_on: false,
        });
        let wanted = self.ending(&job.plan, is_call).into_iter().chain(asked).reduce(Ending::graver);
        let told = job.told.ending.clone();
        if let Some(wanted) = wanted
            && told.as_ref().is_none_or(|told| wanted.how > told.how || (!wanted.goes_on && told.goes_on))
        {
            self.end_one(id, wanted, told.as_ref());
        }
        let Some(job) = self.jobs.get(&id) else { return };
        if job.told.ending.is_some() {
            return;
        }
        // Its calls end as they may, so a call that goes on is not paused.
        let now = self.loaded.plan(job.plan.name()).unwrap_or(&job.plan);
        let pause = self.pause_of(now).filter(|_| !is_call && !job.anyway);
        let (disabled, skipped) = (self.modems_off(&job.plan), self.lines_off(&job.plan));
        let borrowed = job.borrowed().cloned();
        let mut orders: Vec<(Order, String)> = Vec::new();
        match (&pause, job.told.paused) {
            (Some(held), false) => {
                orders.push((Order::Pause { why: held.told(), until: None }, "to pause".to_owned()));
            }
            (None, true) => orders.push((Order::Resume, "to go on".to_owned())),
            _ => {}
        }
        let mine = |modem: &ModemId| borrowed.as_ref().is_none_or(|borrowed| borrowed == modem);
        for (modem, why) in
            disabled.iter().filter(|(modem, _)| mine(modem) && !job.told.disabled.contains(*modem))
        {
            orders.push((
                Order::Disable { modem: modem.clone(), why: why.clone() },
                format!("to disable `{modem}`"),
            ));
        }
        for modem in job.told.disabled.iter().filter(|modem| mine(modem) && !disabled.contains_key(*modem)) {
            orders.push((Order::Enable { modem: modem.clone() }, format!("to enable `{modem}`")));
        }
        for (line, why) in skipped.iter().filter(|(line, _)| !job.told.skipped.contains(*line)) {
            orders.push((Order::Skip { line: line.clone(), why: why.clone() }, format!("to skip `{line}`")));
        }
        for line in job.told.skipped.iter().filter(|line| !skipped.contains_key(*line)) {
            orders.push((Order::Restore { line: line.clone() }, format!("to dial `{line}` after all")));
        }
        for (order, words) in orders {
            let purpose = self.purpose_of(&order, words);
            self.order(id, order, purpose);
        }
        if let Some(job) = self.jobs.get_mut(&id) {
            job.told.paused = pause.is_some();
            job.told.disabled = disabled.into_keys().collect();
            job.told.skipped = skipped.into_keys().collect();
        }
    }

    /// Whoever asked for what an order does gets its answer.
    fn purpose_of(&mut self, order: &Order, words: String) -> Purpose {
        let asked = self.asked.take_if(|asked| asked.fits(order));
        let Some(asked) = asked else { return Purpose::Told(words) };
        self.log(Level::Info, format!("{}{}", asked.said, asked.because));
        Purpose::Asked(asked.ticket, asked.said)
    }

    /// Ends a job; what was ended for good before goes on no more.
    fn end_one(&mut self, id: JobId, wanted: Ending, told: Option<&Ending>) {
        let goes_on = wanted.goes_on && told.is_none_or(|told| told.goes_on);
        let graver = told.is_none_or(|told| wanted.how > told.how);
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.told.ending = Some(Ending { goes_on, ..wanted.clone() });
        let run = job.run.as_ref().map(|(run, _)| run.clone());
        let (name, is_call) = (job.plan.name().clone(), job.is_call());
        if !is_call
            && !goes_on
            && let Some(run) = run.clone()
        {
            // Whatever happens until it has ended, it is not to be gone on with.
            let last = LastRun { run, ended: self.now.wall, completed: false, counts: BTreeMap::new() };
            let memory = self.memory(&name);
            memory.running = None;
            memory.last = Some(last);
        }
        if !graver {
            return;
        }
        if let Some(run) = run {
            self.log(Level::Warn, format!("run `{run}` is ended: {}", wanted.why));
        }
        let order = match wanted.how {
            Some(how) => Order::Stop { how, why: Some(wanted.why) },
            None => Order::Drain { why: wanted.why },
        };
        self.order(id, order, Purpose::Told("to end".to_owned()));
    }

    /// The modems of a bank that are out of service now, and why: by an operator, or by its file.
    pub(super) fn modems_off(&self, plan: &LoadedPlan) -> BTreeMap<ModemId, String> {
        let now = self.loaded.plans.iter().find(|other| other.bank() == plan.bank()).unwrap_or(plan);
        let bank = &now.plan.bank;
        let mut off = bank.off();
        off.extend(self.disabled_by_operator(plan.bank()));
        // What the bank had when the job began is all that it can be told of.
        off.retain(|modem, _| plan.plan.bank.modems.iter().any(|known| known.id == *modem));
        off
    }

    /// Those that an operator disabled.
    pub(super) fn disabled_by_operator(&self, bank: &BankName) -> BTreeMap<ModemId, String> {
        let words = self.durable.modems.get(bank).into_iter().flatten();
        words.map(|(modem, word)| (modem.clone(), by_operator(&word.why))).collect()
    }

    /// The lines of a plan that are not to be dialed now, and why.
    fn lines_off(&self, plan: &LoadedPlan) -> BTreeMap<LineId, String> {
        let now = self.loaded.plan(plan.name()).unwrap_or(plan);
        let by_file = now.plan.lines.iter().filter(|planned| !planned.enabled);
        let mut off: BTreeMap<LineId, String> =
            by_file.map(|planned| (planned.line.id.clone(), "disabled in the plan".to_owned())).collect();
        let memory = self.durable.plans.get(plan.name());
        let words = memory.into_iter().flat_map(|memory| &memory.lines);
        off.extend(words.map(|(line, word)| (line.clone(), by_operator(&word.why))));
        off.retain(|line, _| plan.plan.line(line).is_some());
        off
    }
}

/// Until when a run that was due then is resumed.
fn window_of(plan: &LoadedPlan, due: Timestamp) -> Timestamp {
    let most = due + plan.entry.window.unwrap_or(WINDOW_MAX);
    let next = plan.entry.schedule.as_ref().and_then(|schedule| schedule.next_after(due));
    match (plan.entry.window, next) {
        (None, Some(next)) => most.min(next),
        _ => most,
    }
}

/// What is kept of a run that was found.
pub(super) fn running_of(plan: &LoadedPlan, run: RunId, begun: Timestamp, due: Timestamp) -> Running {
    Running { run, due: Some(due), begun, until: window_of(plan, due), deaths: 0 }
}

/// Why something is disabled, as it is told of a verdict or a modem.
pub(super) fn by_operator(why: &str) -> String {
    if why.is_empty() {
        "disabled by an operator".to_owned()
    } else {
        format!("disabled by an operator: {why}")
    }
}

fn control_done(said: String, run: Option<RunId>) -> crate::service::control::Done {
    crate::service::control::Done { said, run }
}
