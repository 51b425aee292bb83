//! The daemon's brain: what runs when, on which bank, for whom, and what it is told. Pure: it is handed what has happened,
//! with the time, and says what is to be done.
//!
//! It never waits: whatever takes time is an action whose outcome comes back as an input. So nothing that is slow or broken
//! holds up a word of the operator's.

mod held;
mod jobs;
mod orders;
mod picture;
mod queue;
mod reload;
mod wants;

#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::control::{self, Control, Level, Role};
use super::durable::Durable;
use super::leftover::Leftover;
use crate::call::machine::Cancel;
use crate::config::problem::Problems;
use crate::config::service::{LeadershipPlan, Loaded, LoadedPlan};
use crate::fleet::order;
use crate::model::{BankName, LineId, ModemId, Mono, PlanName, Reading, RunId};

use self::jobs::{Job, Pending};
use self::orders::Asked;
use self::queue::Queue;

pub use self::jobs::{FAILURES_MAX, RETRY_FIRST, RETRY_SLOWLY};
pub use self::picture::overlay;
pub use self::queue::CALLS_WAITING_MAX;

/// A run, or a technician's call, of this daemon's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// An order to a job, for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

/// Somebody who waits for the answer to a control; the loop gives them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What has happened.
#[derive(Debug)]
pub enum Input {
    /// Nothing but time: [`Keeper::next_deadline`] has come, or the wall clock was set.
    Time,
    /// The configuration was read again, and is good.
    Config(Arc<Loaded>),
    /// It was read again, and is bad.
    BadConfig(Problems),
    /// What the daemon is among its peers.
    Role {
        /// What.
        role: Role,
        /// Who says so, and why, in words.
        why: String,
    },
    /// Somebody tells it something.
    Control {
        /// Who waits for the answer.
        ticket: Ticket,
        /// What.
        control: Control,
    },
    /// The answer to [`Action::Look`].
    Found {
        /// The plan.
        plan: PlanName,
        /// Its newest run, if it has one; or why nobody can say.
        newest: Result<Option<Leftover>, String>,
    },
    /// A job has begun: it has its run.
    Begun {
        /// Which.
        job: JobId,
        /// Its run.
        run: RunId,
    },
    /// A job could not begin, and nothing was dialed.
    NotBegun {
        /// Which.
        job: JobId,
        /// Why, in words.
        why: String,
    },
    /// A job that had begun is over, and its ports are closed.
    Ended {
        /// Which.
        job: JobId,
        /// How.
        end: RunEnd,
    },
    /// A job has answered an order. Of one that is over all orders are answered, or its end says it.
    Ordered {
        /// Which.
        order: OrderId,
        /// What it answered.
        answer: order::Answer,
    },
    /// What became of [`Action::Keep`].
    Kept(Result<(), String>),
    /// The daemon is to end.
    Terminate(Cancel),
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEnd {
    /// It has said its last word, and written its report.
    Over {
        /// Whether all of it was done.
        completed: bool,
        /// Lines by result.
        counts: BTreeMap<String, usize>,
    },
    /// It died: by a panic, or because it could not go on. Its journal stands as it is.
    Died(String),
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum Action {
    /// Write this to the disk, before what comes next; the outcome is [`Input::Kept`].
    Keep(Durable),
    /// Look for the newest run in a plan's reports folder; the outcome is [`Input::Found`].
    Look {
        /// The plan.
        plan: PlanName,
        /// The folder of its runs.
        reports: PathBuf,
    },
    /// Begin a job; the outcome is [`Input::Begun`] or [`Input::NotBegun`].
    Begin(Begin),
    /// Tell a job; the outcome is [`Input::Ordered`].
    Order {
        /// Which job.
        job: JobId,
        /// Which order.
        order: OrderId,
        /// What.
        what: order::Order,
    },
    /// Answer somebody.
    Reply {
        /// Who.
        ticket: Ticket,
        /// What.
        answer: control::Answer,
    },
    /// Read the configuration again; the outcome is [`Input::Config`] or [`Input::BadConfig`].
    Reload,
    /// How the role is found out from now on, for the way of the first configuration; the outcome is [`Input::Role`].
    Lead(LeadershipPlan),
    /// The operator says what the role is, where it is told: for the leadership's handle.
    Tell(Role),
    /// How much is logged from now on; the room `""` is all others.
    Levels(BTreeMap<String, Level>),
    /// Write to the log.
    Log {
        /// How grave.
        level: Level,
        /// What, in words.
        text: String,
    },
    /// All is over: end.
    Exit,
}

/// A job that is to begin.
#[derive(Debug, Clone)]
pub struct Begin {
    /// Its name.
    pub job: JobId,
    /// What it is of; a run keeps it, whatever is loaded later.
    pub plan: LoadedPlan,
    /// What it is.
    pub what: What,
    /// Modems that an operator disabled, and why; those that the bank's file disables are not among them.
    pub disabled: BTreeMap<ModemId, String>,
    /// Lines that an operator disabled, and why; those that the plan disables are not among them.
    pub skipped: BTreeMap<LineId, String>,
    /// When it was due; absent: on demand.
    pub due: Option<Timestamp>,
}

/// What a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A run of the plan.
    Run {
        /// The run that is resumed; absent: a new one.
        resume: Option<RunId>,
    },
    /// A technician's call.
    Call {
        /// To this line.
        line: LineId,
        /// On this modem alone, which a run has lent; absent: on any of the bank, which nobody else has.
        modem: Option<ModemId>,
    },
}

/// A state that could not be written is written again after this.
const KEEP_AGAIN: Duration = Duration::from_secs(60);

/// Whether the reports folder of a plan was looked into since the daemon may run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    /// It is being looked into.
    Asked,
    /// It was.
    Done,
}

/// The brain.
#[derive(Debug)]
pub struct Keeper {
    /// Both clocks at the last step.
    now: Reading,
    /// When it began, by the wall clock.
    started: Timestamp,
    loaded: Arc<Loaded>,
    /// Since when it is in force.
    loaded_at: Timestamp,
    /// Why a newer configuration is not in force.
    problem: Option<String>,
    durable: Durable,
    /// What was last tried to be written.
    kept: Option<Durable>,
    /// That failed: why, and when it is tried again.
    unkept: Option<(String, Mono)>,
    role: Role,
    role_why: String,
    /// Plans that this daemon may run and whose folders it has looked into; the others it looks into first.
    looked: BTreeMap<PlanName, Looked>,
    /// Folders that could not be looked into, and why.
    unseen: BTreeMap<PlanName, String>,
    jobs: BTreeMap<JobId, Job>,
    queue: Queue,
    pending: BTreeMap<OrderId, Pending>,
    /// Who waits for the next configuration.
    reloads: Vec<Ticket>,
    /// Who asked for what this step orders.
    asked: Option<Asked>,
    /// How often the workers of modems were started again because an operator wanted it.
    restarts: BTreeMap<(BankName, ModemId), u32>,
    /// Levels that an operator set.
    levels: BTreeMap<String, Level>,
    terminating: Option<Cancel>,
    exited: bool,
    /// Names of jobs and orders are counted here.
    counter: u64,
    logs: Vec<Action>,
    orders: Vec<Action>,
    after: Vec<Action>,
}

impl Keeper {
    /// A daemon that begins with this configuration and what it kept of an earlier life.
    pub fn new(now: &Reading, loaded: Arc<Loaded>, durable: Durable) -> (Self, Vec<Action>) {
        let mut keeper = Self {
            now: *now,
            started: now.wall,
            loaded_at: now.wall,
            problem: None,
            durable,
            kept: None,
            unkept: None,
            role: Role::None,
            role_why: "nobody knows yet".to_owned(),
            looked: BTreeMap::new(),
            unseen: BTreeMap::new(),
            jobs: BTreeMap::new(),
            queue: Queue::default(),
            pending: BTreeMap::new(),
            reloads: Vec::new(),
            asked: None,
            restarts: BTreeMap::new(),
            levels: BTreeMap::new(),
            terminating: None,
            exited: false,
            counter: 0,
            logs: Vec::new(),
            orders: Vec::new(),
            after: Vec::new(),
            loaded,
        };
        let levels = keeper.effective_levels();
        keeper.after.push(Action::Levels(levels));
        if let Some(held) = keeper.daemon_held() {
            keeper.log(Level::Warn, format!("nothing is dialed: {}", held.told()));
        }
        keeper.remember_plans();
        keeper.settle();
        let actions = keeper.actions();
        (keeper, actions)
    }

    /// Names of jobs and orders begin behind this one: answers to an earlier brain's mean nothing to this one.
    pub fn name_behind(&mut self, number: u64) {
        self.counter = self.counter.max(number);
    }

    /// One thing has happened: what is to be done.
    #[must_use]
    pub fn step(&mut self, now: &Reading, input: Input) -> Vec<Action> {
        self.now = *now;
        self.take(input);
        self.settle();
        self.actions()
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Time => {}
            Input::Config(loaded) => self.reload(loaded),
            Input::BadConfig(problems) => self.bad_reload(&problems),
            Input::Role { role, why } => self.take_role(role, why),
            Input::Control { ticket, control } => self.control(ticket, control),
            Input::Found { plan, newest } => self.found(&plan, newest),
            Input::Begun { job, run } => self.begun(job, run),
            Input::NotBegun { job, why } => self.not_begun(job, &why),
            Input::Ended { job, end } => self.ended(job, end),
            Input::Ordered { order, answer } => self.ordered(order, answer),
            Input::Kept(outcome) => self.take_kept(outcome),
            Input::Terminate(how) => self.terminate(how),
        }
    }

    /// What follows from all that is in force now.
    fn settle(&mut self) {
        self.end_pauses();
        self.accrue();
        self.expire();
        self.look();
        self.steer();
        self.dispatch();
        self.answer();
    }

    /// What this step comes to: what is told to runs first, since nothing may hold up a hang-up; then what must be on the disk
    /// before anybody is told of it.
    fn actions(&mut self) -> Vec<Action> {
        let mut actions = std::mem::take(&mut self.logs);
        actions.append(&mut self.orders);
        let again = self.unkept.as_ref().is_some_and(|(_, at)| *at <= self.now.mono);
        if again || self.kept.as_ref() != Some(&self.durable) {
            if let Some((_, at)) = &mut self.unkept {
                *at = self.now.mono + KEEP_AGAIN;
            }
            self.kept = Some(self.durable.clone());
            actions.push(Action::Keep(self.durable.clone()));
        }
        actions.append(&mut self.after);
        if self.terminating.is_some() && self.jobs.is_empty() && !self.exited {
            self.exited = true;
            actions.push(Action::Exit);
        }
        actions
    }

    /// When it wants to be stepped again, whatever happens: a time of the wall clock, later than that of the last step.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.exited {
            return None;
        }
        let now = self.now.wall;
        let wall = |at: Mono| (at > self.now.mono).then(|| now + at.since(self.now.mono));
        let dues = self.loaded.plans.iter().filter_map(|plan| self.next_due(plan));
        let items =
            self.queue.iter().flat_map(|item| [item.expires, item.not_before.and_then(wall)]).flatten();
        let plans = self.durable.plans.values().map(|memory| &memory.holds);
        let pauses = std::iter::once(&self.durable.daemon)
            .chain(plans)
            .filter_map(|holds| holds.paused.as_ref()?.until);
        let keep = self.unkept.as_ref().and_then(|(_, at)| wall(*at));
        dues.chain(items).chain(pauses).chain(keep).filter(|at| *at > now).min()
    }

    fn log(&mut self, level: Level, text: impl Into<String>) {
        self.logs.push(Action::Log { level, text: text.into() });
    }

    fn reply(&mut self, ticket: Ticket, answer: control::Answer) {
        self.after.push(Action::Reply { ticket, answer });
    }

    fn take_kept(&mut self, outcome: Result<(), String>) {
        match (outcome, &self.unkept) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                self.unkept = None;
                self.log(Level::Info, "the state can be written again");
            }
            (Err(why), before) => {
                if before.as_ref().is_none_or(|(told, _)| *told != why) {
                    self.log(
                        Level::Error,
                        format!("the state can't be written, and would be lost with the daemon: {why}"),
                    );
                }
                self.unkept = Some((why, self.now.mono + KEEP_AGAIN));
            }
        }
    }

    fn take_role(&mut self, role: Role, why: String) {
        if role != self.role {
            self.log(Level::Info, format!("this daemon is {role}: {why}"));
        }
        self.role = role;
        self.role_why = why;
        // Whoever had the role meanwhile may have begun what is due: it is looked at again.
        let loaded = Arc::clone(&self.loaded);
        self.looked.retain(|plan, _| loaded.plan(plan).is_some_and(|plan| plan.entry.when.fits(role)));
    }

    fn terminate(&mut self, how: Cancel) {
        if self.terminating.is_none() {
            self.log(Level::Info, "the daemon is to end: calls log out and hang up first");
        }
        self.terminating = self.terminating.max(Some(how));
        for ticket in std::mem::take(&mut self.reloads) {
            self.reply(ticket, Err(refused("the daemon is ending".to_owned())));
        }
        for item in self.queue.take_all(|item| item.want.is_call() || item.ticket.is_some()) {
            self.drop_item(&item, "the daemon is ending");
        }
    }
}

/// It is carried out.
#[expect(clippy::unnecessary_wraps, reason = "it is what a ticket is answered with")]
fn done(said: impl Into<String>) -> control::Answer {
    Ok(control::Done { said: said.into(), run: None })
}

/// It can't be carried out.
fn refused(why: impl Into<String>) -> control::Refused {
    control::Refused { why: why.into(), unknown: false }
}

/// What was named does not exist.
fn unknown(why: impl Into<String>) -> control::Refused {
    control::Refused { why: why.into(), unknown: true }
}
