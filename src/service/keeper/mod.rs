//! The daemon's brain: what runs when, on which bank, for whom, and what it is told. Pure: it is handed what has happened,
//! with the time, and says what is to be done.
//!
//! It never waits: whatever takes time is an action whose outcome comes back as an input. So nothing that is slow or broken
//! holds up a word of the operator's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::control::{self, Control, Level, Role};
use super::durable::Durable;
use super::leftover::Leftover;
use super::status::Status;
use crate::call::machine::Cancel;
use crate::config::problem::Problems;
use crate::config::service::{LeadershipPlan, Loaded, LoadedPlan};
use crate::fleet::order;
use crate::model::{LineId, ModemId, PlanName, Reading, RunId};

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
    /// How the role is found out from now on; the outcome is [`Input::Role`].
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

/// The brain.
#[derive(Debug)]
pub struct Keeper {
    loaded: Arc<Loaded>,
    durable: Durable,
}

impl Keeper {
    /// A daemon that begins with this configuration and what it kept of an earlier life.
    pub fn new(now: &Reading, loaded: Arc<Loaded>, durable: Durable) -> (Self, Vec<Action>) {
        let _ = now;
        (Self { loaded, durable }, Vec::new())
    }

    /// One thing has happened: what is to be done.
    pub fn step(&mut self, now: &Reading, input: Input) -> Vec<Action> {
        let _ = (now, input, &self.durable);
        Vec::new()
    }

    /// When it wants to be stepped again, whatever happens: a time of the wall clock.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    /// The daemon as it stands, as far as the brain knows: what the modems of a run do is in its own state.
    pub fn status(&self, now: &Reading) -> Status {
        Status {
            service: self.loaded.service.name.clone(),
            lineman: env!("CARGO_PKG_VERSION").to_owned(),
            started: now.begun,
            at: now.wall,
            stands: super::status::Stands::Idle,
            why: String::new(),
            until: None,
            role: Role::None,
            leadership: String::new(),
            config: super::status::ConfigStatus {
                path: self.loaded.service.path.display().to_string(),
                loaded: now.begun,
                problem: None,
            },
            plans: Vec::new(),
            banks: Vec::new(),
            queue: Vec::new(),
            log: BTreeMap::new(),
            troubles: Vec::new(),
        }
    }
}
