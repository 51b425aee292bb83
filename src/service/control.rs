//! What the daemon is told by whoever operates it, and what it answers; over HTTP and the control socket alike.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{BankName, LineId, ModemId, PlanName, RunId};
pub use crate::model::{Level, Role};

mod typed;

/// What is to be done. Its form in JSON is that of the API: `{"do": "pause", "why": "...", "until": "..."}`.
/// A key that an action does not know is an error: what was meant by it would silently not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", try_from = "typed::Typed")]
pub enum Control {
    /// Run a plan now, or as soon as its bank is free.
    Start {
        /// Which.
        plan: PlanName,
        /// Although it, or the daemon, is paused; what was stopped or disabled stays so.
        #[serde(default, skip_serializing_if = "is_false")]
        anyway: bool,
    },
    /// End the run of a plan (all runs, without one): calls log out and hang up; what waits in the queue is taken out.
    Stop {
        /// Which; absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanName>,
        /// Why, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// Begin no call and no run: for maintenance. Calls that are running end as they may.
    Pause {
        /// What; absent: the whole daemon.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanName>,
        /// It ends by itself then; absent: with `resume`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// Why, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// A pause, a drain or a stop of the daemon is over.
    Resume {
        /// What; absent: the whole daemon.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanName>,
    },
    /// Calls that are running end as they may, and nothing else begins until `resume`.
    Drain {
        /// What; absent: the whole daemon.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanName>,
        /// Why, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// Hang up everything now; nothing is dialed until `release`, over restarts too.
    EmergencyStop {
        /// Why, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// An emergency stop is over.
    Release,
    /// End a modem's worker, after its call has hung up, and start it again with its port opened anew.
    Restart {
        /// Which.
        modem: ModemId,
        /// Of which bank; may be left out where one bank alone has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bank: Option<BankName>,
    },
    /// Something may work again that was disabled here. What its file disables stays so.
    Enable {
        /// What.
        #[serde(flatten)]
        subject: Subject,
    },
    /// Something shall not be dialed, or dialed on, until it is enabled again, over restarts too.
    Disable {
        /// What.
        #[serde(flatten)]
        subject: Subject,
        /// Why, in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// A technician's call to a line, before whatever waits; beside a run of its bank it borrows one modem.
    Call {
        /// The plan that has the line; may be left out where one alone has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanName>,
        /// Which.
        line: LineId,
        /// Although its plan, or the daemon, is paused; what was stopped or disabled stays so.
        #[serde(default, skip_serializing_if = "is_false")]
        anyway: bool,
    },
    /// What this daemon is among its peers, as keepalived, Pacemaker or an operator tells it.
    Role {
        /// What it is from now on.
        role: Role,
    },
    /// How much is logged, of one room or of all.
    Log {
        /// The room; absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        /// From this level on; absent: as the configuration says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<Level>,
    },
    /// Read all configuration again.
    Reload,
}

impl Control {
    /// Why, as whoever says it has put it; absent where nothing is put.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Stop { why, .. }
            | Self::Pause { why, .. }
            | Self::Drain { why, .. }
            | Self::EmergencyStop { why }
            | Self::Disable { why, .. } => Some(why.as_str()).filter(|why| !why.is_empty()),
            Self::Start { .. }
            | Self::Resume { .. }
            | Self::Release
            | Self::Restart { .. }
            | Self::Enable { .. }
            | Self::Call { .. }
            | Self::Role { .. }
            | Self::Log { .. }
            | Self::Reload => None,
        }
    }
}

/// What can be disabled. In JSON its one key: `{"modem": "m00", "bank": "hq"}`, `{"plan": "nightly"}`, `{"daemon": true}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Subject {
    /// A line of a plan; the plan may be left out where one alone has it.
    Line {
        /// Which.
        line: LineId,
        /// Of which plan.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<PlanName>,
    },
    /// A modem of a bank; the bank may be left out where one alone has it.
    Modem {
        /// Which.
        modem: ModemId,
        /// Of which bank.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bank: Option<BankName>,
    },
    /// A plan.
    Plan {
        /// Which.
        plan: PlanName,
    },
    /// All of it.
    Daemon {
        /// Always true.
        daemon: bool,
    },
}

/// What became of it.
pub type Answer = Result<Done, Refused>;

/// It is carried out, or under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What was done, in words.
    pub said: String,
    /// The run that was begun, where there is one to watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// Why it can't be carried out; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// In words.
    pub why: String,
    /// What was named does not exist.
    #[serde(default)]
    pub unknown: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it in so")]
const fn is_false(word: &bool) -> bool {
    !*word
}
