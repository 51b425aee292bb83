//! What the daemon tells of itself: one picture, made by the loop after each change, read by the API, the page, `/metrics` and
//! `lineman status` alike.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::control::{Level, Role};
use crate::model::{BankName, CallId, LineId, ModemId, PlanName, RunId};

/// The daemon as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What the configuration calls it.
    pub service: String,
    /// The program's version.
    pub lineman: String,
    /// When it began.
    pub started: Timestamp,
    /// When this picture was made.
    pub at: Timestamp,
    /// Whether it dials at all.
    pub stands: Stands,
    /// Why not, in words; empty where it does.
    pub why: String,
    /// That ends by itself then.
    pub until: Option<Timestamp>,
    /// What it is among its peers, and who says so.
    pub role: Role,
    /// How that is found out, in words.
    pub leadership: String,
    /// The configuration.
    pub config: ConfigStatus,
    /// The plans, in the order of the configuration.
    pub plans: Vec<PlanStatus>,
    /// The banks, by their names.
    pub banks: Vec<BankStatus>,
    /// What waits for its bank, in its order.
    pub queue: Vec<Waiting>,
    /// What is logged; the room `""` is all others.
    pub log: BTreeMap<String, Level>,
    /// What is wrong with the daemon itself, in words: its state can't be kept, a folder can't be read.
    pub troubles: Vec<String>,
}

impl Status {
    /// All of it in one line.
    pub fn line(&self) -> String {
        let held = match self.stands {
            Stands::Working | Stands::Idle | Stands::Waiting => None,
            stands => Some(stands.word()),
        };
        let of_plans = || self.plans.iter().filter_map(|plan| plan.run.as_ref());
        let calls = self.banks.iter().filter_map(|bank| bank.run.as_ref());
        let calls =
            calls.filter(|call| of_plans().all(|run| run != *call)).map(|call| format!("call {call}"));
        let runs: Vec<String> = of_plans().map(|run| format!("run {run}")).chain(calls).collect();
        let next = self.plans.iter().filter_map(|plan| Some((plan.next?, &plan.plan))).min();
        let mut parts = Vec::new();
        parts
            .extend(held.map(|held| format!("{held}: {}", self.why).trim_end_matches([' ', ':']).to_owned()));
        parts.extend((!runs.is_empty()).then(|| runs.join(", ")));
        if parts.is_empty() {
            parts.push("idle".to_owned());
        }
        parts.extend(next.map(|(at, plan)| format!("next is {plan} at {at:.0}")));
        parts.extend(self.config.problem.as_ref().map(|_| "the configuration file is wrong".to_owned()));
        parts.join("; ")
    }
}

/// Whether the daemon, a plan or a modem works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stands {
    /// At work: a run goes on, a call is made.
    Working,
    /// Ready, and nothing to do now.
    Idle,
    /// Being set up.
    SettingUp,
    /// It is due, and waits for something.
    Waiting,
    /// Paused, until it is resumed or for a time.
    Paused,
    /// It finishes what it does, and begins nothing else.
    Draining,
    /// Drained, or stopped, until it is resumed.
    Stopped,
    /// Everything was hung up, until it is released.
    EmergencyStopped,
    /// Disabled, in a file or by an operator.
    Disabled,
    /// Another daemon has the role for it.
    StandingBy,
    /// Lent to a technician's call.
    Lent,
    /// Under quarantine: it failed where others succeed.
    Quarantined,
    /// It can't be had just now, and is tried again.
    Out,
    /// It died, or failed, again and again: it is tried again slowly.
    Down,
}

impl Stands {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Working,
        Self::Idle,
        Self::SettingUp,
        Self::Waiting,
        Self::Paused,
        Self::Draining,
        Self::Stopped,
        Self::EmergencyStopped,
        Self::Disabled,
        Self::StandingBy,
        Self::Lent,
        Self::Quarantined,
        Self::Out,
        Self::Down,
    ];

    /// As JSON and metrics have it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Idle => "idle",
            Self::SettingUp => "setting-up",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::EmergencyStopped => "emergency-stopped",
            Self::Disabled => "disabled",
            Self::StandingBy => "standing-by",
            Self::Lent => "lent",
            Self::Quarantined => "quarantined",
            Self::Out => "out",
            Self::Down => "down",
        }
    }

    /// In words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Idle => "idle",
            Self::SettingUp => "being set up",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::EmergencyStopped => "EMERGENCY STOP",
            Self::Disabled => "disabled",
            Self::StandingBy => "standing by",
            Self::Lent => "lent",
            Self::Quarantined => "under quarantine",
            Self::Out => "out",
            Self::Down => "down",
        }
    }
}

/// The configuration that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigStatus {
    /// Its file.
    pub path: String,
    /// Since when it is in force.
    pub loaded: Timestamp,
    /// Why a newer one is not: all its problems, in words.
    pub problem: Option<String>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStatus {
    /// Which.
    pub plan: PlanName,
    /// Its bank.
    pub bank: BankName,
    /// How it stands.
    pub stands: Stands,
    /// Why nothing of it is dialed now, in words; empty while it is.
    pub why: String,
    /// That ends by itself then.
    pub until: Option<Timestamp>,
    /// Its schedule, as it is written.
    pub schedule: Vec<String>,
    /// When it is due next.
    pub next: Option<Timestamp>,
    /// The run that goes on.
    pub run: Option<RunId>,
    /// How far that is, once something is recorded of it.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// The last run that ended.
    pub last: Option<LastRun>,
    /// Lines that an operator disabled, and why.
    pub disabled_lines: BTreeMap<LineId, String>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Lines that have a verdict.
    pub judged: u64,
    /// All its lines.
    pub lines: u64,
}

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// Which.
    pub run: RunId,
    /// When.
    pub ended: Timestamp,
    /// Whether all of it was done.
    pub completed: bool,
    /// Lines by result.
    pub counts: BTreeMap<String, usize>,
}

/// A bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankStatus {
    /// Which.
    pub bank: BankName,
    /// The run that has it.
    pub run: Option<RunId>,
    /// Its modems, in the bank's order.
    pub modems: Vec<ModemStatus>,
}

/// A modem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModemStatus {
    /// Which.
    pub modem: ModemId,
    /// Its port.
    pub port: String,
    /// How it stands.
    pub stands: Stands,
    /// Why it isn't dialing, in words; empty while it is.
    pub why: String,
    /// It is tried again then.
    pub until: Option<Timestamp>,
    /// The call that it makes.
    pub call: Option<CallId>,
    /// How often its worker died or was started again since the daemon began.
    pub restarts: u32,
}

/// What waits for its bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The plan.
    pub plan: PlanName,
    /// The line, of a technician's call.
    pub line: Option<LineId>,
    /// Since when.
    pub since: Timestamp,
    /// For what, in words.
    pub why: String,
}
