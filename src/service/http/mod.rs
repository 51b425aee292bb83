//! The daemon's HTTP: one router behind two doors, a port (with TLS where it is not for this host alone) and the control
//! socket; the API, the live events, and the client that `lineman status` and `lineman control` are.
//!
//! It decides nothing: what it tells comes from [`Rooms`], what it is told goes to the daemon's loop and is answered there.
//! The web page is `page`'s, the figures of `/metrics` are `metrics`'.

pub mod answer;
mod api;
pub mod archive;
mod bucket;
pub mod client;
mod connection;
mod feed;
mod guard;
mod listen;
mod patient;
mod routes;
mod seats;
mod server;
mod tls;
mod trust;

#[cfg(test)]
#[cfg(unix)]
mod stage;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::control::{Answer, Control};
use super::live::{Live, LiveRun};
use super::status::Status;
use crate::config::service::{Loaded, LoadedPlan};
use crate::model::{PlanName, RunId};
use crate::modem::clock::Clock;

pub use self::guard::TOKEN_CHARS_MIN;
pub use self::server::{HttpError, Server};

/// Where the technicians' calls of a plan are, within the folder of its runs.
pub(crate) const CALLS: &str = crate::run::technician::FOLDER;

/// What HTTP tells of, and whom it tells what it is told.
#[derive(Debug, Clone)]
pub struct Rooms {
    /// The daemon as it stands.
    pub status: watch::Receiver<Arc<Status>>,
    /// The runs that go on.
    pub live: Arc<Live>,
    /// The loop.
    pub control: mpsc::Sender<(Control, oneshot::Sender<Answer>)>,
    /// The configuration that is in force.
    pub config: watch::Receiver<Arc<Loaded>>,
    /// The daemon's clock.
    pub clock: Clock,
}

impl Rooms {
    /// The plan of this name.
    pub fn plan(&self, name: &PlanName) -> Option<LoadedPlan> {
        self.config.borrow().plan(name).cloned()
    }

    /// All plans.
    pub fn plans(&self) -> Vec<LoadedPlan> {
        self.config.borrow().plans.clone()
    }

    /// The plan's run that goes on: a night's, not a technician's call.
    pub fn live_run(&self, plan: &PlanName) -> Option<Arc<LiveRun>> {
        self.live.runs().into_iter().find(|live| live.plan == *plan && !live.is_call)
    }

    /// Where a run of this plan lies, if it is there: a night's, or a technician's call. `latest` and `current` are those that
    /// the links lead to. A [`RunId`] can't lead out of the folder.
    pub fn folder(&self, plan: &LoadedPlan, run: &RunId) -> Option<PathBuf> {
        let reports = &plan.entry.reports;
        let live = self.live.runs().into_iter().find(|live| live.plan == *plan.name() && live.run == *run);
        live.map(|live| live.folder.clone())
            .into_iter()
            .chain([reports.join(run.as_str()), reports.join(CALLS).join(run.as_str())])
            .find(|folder| folder.join(crate::journal::FILE_NAME).is_file())
    }
}
