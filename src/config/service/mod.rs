//! The daemon's file (`lineman serve CONFIG`): which plans run when, where it keeps what, who may steer it; born valid.
//!
//! What is read and checked stands in `written`, all that a daemon works by in `loaded`, what two of them differ in in
//! `difference`.

pub mod difference;
pub mod loaded;
pub mod schedule;
pub mod socket;
mod written;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::credentials::PlannedCredential;
use crate::model::{Level, Role};

pub use self::loaded::{Loaded, LoadedPlan, Unloaded, load};
pub use self::schedule::Schedule;
pub use self::written::ROOMS;

/// Where the HTTP server listens, if nothing is said.
pub const LISTEN: &str = "127.0.0.1:9467";
/// Most connections at a time, if nothing is said.
pub const CONNECTIONS_MAX: usize = 256;
/// By how much a run may begin late, if nothing is said.
pub const MISSED: Duration = Duration::from_secs(3600);
/// How late a run always may begin: to wake up, and to find the bank just being freed, is no miss.
pub const LATE: Duration = Duration::from_secs(60);
/// How long after it was due a run is resumed at most, if nothing is said.
pub const WINDOW_MAX: Duration = Duration::from_secs(12 * 3600);

/// The daemon's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name: that of its state file too.
    pub name: String,
    /// The file it was read from.
    pub path: PathBuf,
    /// Whether it begins anything at all.
    pub enabled: bool,
    /// Each plan's runs are in a folder of its own in this one.
    pub reports: PathBuf,
    /// The folder of its state.
    pub state: PathBuf,
    /// The control socket; absent: none.
    pub socket: Option<PathBuf>,
    /// The HTTP server; absent: none.
    pub http: Option<Http>,
    /// How it learns what it is among its peers.
    pub leadership: LeadershipPlan,
    /// How much is logged.
    pub log: LogPlan,
}

impl Service {
    /// The file in which its state is kept.
    pub fn state_file(&self) -> PathBuf {
        self.state.join(format!("{}.json", self.name))
    }
}

/// The HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Where it listens; port 0: any that is free.
    pub listen: SocketAddr,
    /// With TLS, by these files.
    pub tls: Option<TlsFiles>,
    /// The token that may change things; absent: nothing can be changed over HTTP.
    pub token: Option<PlannedCredential>,
    /// Who may read.
    pub reading: Access,
    /// Most connections at a time.
    pub max_connections: usize,
}

/// What TLS needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that lead to its root, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Who may read over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Who has the token.
    Token,
    /// Everybody.
    Open,
}

/// How the daemon learns what it is among its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadershipPlan {
    /// It is always the primary.
    Always,
    /// Who holds the lock on this file is the primary, all others are secondary.
    Lock(PathBuf),
    /// It is told, by control; until then it is this.
    Told(Role),
}

/// How much is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlan {
    /// Of all rooms that are not named.
    pub default: Level,
    /// Of these.
    pub rooms: BTreeMap<String, Level>,
}

/// What a plan is run by.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanEntry {
    /// The plan's file.
    pub path: PathBuf,
    /// When it is due; absent: on demand only.
    pub schedule: Option<Schedule>,
    /// By how much a run may begin late; absent: not at all, but for [`LATE`].
    pub missed: Option<Duration>,
    /// How long after it was due a run that was cut off is resumed; absent: until its next time, [`WINDOW_MAX`] at most.
    pub window: Option<Duration>,
    /// In which role it runs.
    pub when: When,
    /// Whether it runs at all.
    pub enabled: bool,
    /// It runs while the daemon is paused too.
    pub during_pause: bool,
    /// The folder of its runs.
    pub reports: PathBuf,
}

/// In which role a plan runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// As the primary.
    Primary,
    /// As a secondary.
    Secondary,
    /// In any role, and where nobody knows it.
    Always,
}

impl When {
    /// Whether it may run in this role.
    pub const fn fits(self, role: Role) -> bool {
        match self {
            Self::Always => true,
            Self::Primary => matches!(role, Role::Primary),
            Self::Secondary => matches!(role, Role::Secondary),
        }
    }

    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Always => "always",
        }
    }
}
