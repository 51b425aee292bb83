//! Runs that have ended, as their journals and the history have them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Here, Lost};
use crate::config::service::LoadedPlan;
use crate::history::{HistoryError, Series, Store, Waits};
use crate::journal;
use crate::model::{PlanName, RunId};
use crate::report::RunState;
use crate::run::history::FILE_NAME;
use crate::run::technician::FOLDER;
use crate::service::status::Status;

/// The run in this folder, as its journal tells it.
pub(super) fn run(here: &Here, folder: &Path) -> Result<Arc<RunState>, Lost> {
    let read = here.desk.archive.run(folder);
    read.map_err(|error| Lost::Unreadable(format!("that run can't be read: {}", chain(&error))))
}

/// The last run of a plan that has ended; absent if it has none that can be read.
pub(super) fn last(here: &Here, plan: &LoadedPlan) -> Option<Arc<RunState>> {
    let run = last_id(plan, &here.status)?;
    match run_of(here, plan, &run) {
        Ok(state) => Some(state),
        Err(error) => {
            tracing::warn!(%run, ?error, "the last run of plan `{}` can't be shown", plan.name());
            None
        }
    }
}

fn run_of(here: &Here, plan: &LoadedPlan, id: &RunId) -> Result<Arc<RunState>, Lost> {
    run(here, &plan.entry.reports.join(id.as_str()))
}

/// The last run of a plan that has ended.
pub(super) fn last_id(plan: &LoadedPlan, status: &Status) -> Option<RunId> {
    let told = status.plans.iter().find(|told| told.plan == *plan.name()).and_then(|told| told.last.as_ref());
    told.map(|last| last.run.clone()).or_else(|| {
        let link = std::fs::read_link(plan.entry.reports.join("latest")).ok()?;
        link.file_name()?.to_str()?.parse().ok()
    })
}

/// The history of a plan; absent where there is none yet.
pub(super) fn history(plan: &LoadedPlan) -> Result<Option<Store>, Lost> {
    let path = plan.plan.history.file.clone().unwrap_or_else(|| plan.entry.reports.join(FILE_NAME));
    match Store::read(&path, Waits::Briefly) {
        Ok(store) => Ok(Some(store)),
        Err(HistoryError::Missing { .. }) => Ok(None),
        Err(error) => Err(unread(&error)),
    }
}

pub(super) fn unread(error: &HistoryError) -> Lost {
    Lost::Unreadable(format!("the history can't be read now: {}", chain(error)))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut what = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        what = format!("{what}: {error}");
        cause = error.source();
    }
    what
}

/// The runs of a plan on its bank.
pub(super) fn series(plan: &LoadedPlan) -> Series<'_> {
    Series { plan: plan.name(), bank: plan.bank(), except: None }
}

/// The folder of a run of a plan, if the name is that of a run: it never leads out of the reports folder.
pub(super) fn folder(plan: &LoadedPlan, run: &str) -> Result<PathBuf, Lost> {
    let unknown = || Lost::Unknown(format!("plan `{}` has no run `{run}`", plan.name()));
    let id: RunId = run.parse().map_err(|_| unknown())?;
    // A night's, else that of a technician's call.
    let folders = [plan.entry.reports.join(id.as_str()), plan.entry.reports.join(FOLDER).join(id.as_str())];
    folders.into_iter().find(|folder| folder.join(journal::FILE_NAME).is_file()).ok_or_else(unknown)
}

/// Where a plan's page of runs is.
pub(super) fn runs_of(plan: &PlanName) -> String {
    format!("/runs?plan={}", crate::report::html::path_safe(plan.as_str()))
}
