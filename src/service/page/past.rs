//! Runs that have ended, as their journals and the history have them. A journal of thousands of lines takes a moment to read, so
//! the last few are kept.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Lost;
use crate::config::service::LoadedPlan;
use crate::history::{HistoryError, Series, Store, Waits};
use crate::journal;
use crate::model::{PlanName, RunId};
use crate::report::RunState;
use crate::run::history::FILE_NAME;
use crate::run::technician::FOLDER;
use crate::service::status::Status;

/// Runs that are kept.
const KEPT_MAX: usize = 8;

/// The runs that were asked for last.
#[derive(Debug, Default)]
pub(super) struct Past {
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    folder: PathBuf,
    bytes: u64,
    state: Arc<RunState>,
}

impl Past {
    /// The run in this folder, as its journal tells it.
    pub(super) fn run(&self, folder: &Path) -> Result<Arc<RunState>, Lost> {
        let path = folder.join(journal::FILE_NAME);
        let bytes = std::fs::metadata(&path)
            .map_err(|error| Lost::Unknown(format!("the journal of that run can't be read: {error}")))?
            .len();
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = kept.iter().position(|kept| kept.folder == folder && kept.bytes == bytes)
                && let Some(found) = kept.remove(at)
            {
                let state = Arc::clone(&found.state);
                kept.push_front(found);
                return Ok(state);
            }
        }
        let state = Arc::new(read(&path)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.folder != folder);
        kept.push_front(Kept { folder: folder.to_owned(), bytes, state: Arc::clone(&state) });
        kept.truncate(KEPT_MAX);
        Ok(state)
    }

    /// The last run of a plan that has ended; absent if it has none that can be read.
    pub(super) fn last(&self, plan: &LoadedPlan, status: &Status) -> Option<Arc<RunState>> {
        let run = last_id(plan, status)?;
        match self.run(&plan.entry.reports.join(run.as_str())) {
            Ok(state) => Some(state),
            Err(Lost::Unreadable(what) | Lost::Unknown(what)) => {
                tracing::warn!(%run, "the last run of plan `{}` can't be shown: {what}", plan.name());
                None
            }
            Err(Lost::Template(_)) => None,
        }
    }
}

/// The last run of a plan that has ended.
pub(super) fn last_id(plan: &LoadedPlan, status: &Status) -> Option<RunId> {
    let told = status.plans.iter().find(|told| told.plan == *plan.name()).and_then(|told| told.last.as_ref());
    told.map(|last| last.run.clone()).or_else(|| {
        let link = std::fs::read_link(plan.entry.reports.join("latest")).ok()?;
        link.file_name()?.to_str()?.parse().ok()
    })
}

fn read(path: &Path) -> Result<RunState, Lost> {
    let unreadable = |what: String| Lost::Unreadable(format!("that run can't be read: {what}"));
    let (mut state, mut broken) = (None, None);
    let scanned = journal::scan(path, |event| {
        if broken.is_some() {
            return;
        }
        match &mut state {
            None => match RunState::begin(&event) {
                Ok(begun) => state = Some(begun),
                Err(error) => broken = Some(error),
            },
            Some(state) => broken = state.apply(&event).err(),
        }
    });
    scanned.map_err(|error| unreadable(error.to_string()))?;
    match (state, broken) {
        (_, Some(broken)) => Err(unreadable(broken.to_string())),
        (None, None) => Err(unreadable("its journal is empty".to_owned())),
        (Some(state), None) => Ok(state),
    }
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
    let mut what = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        what = format!("{what}: {error}");
        cause = error.source();
    }
    Lost::Unreadable(format!("the history can't be read now: {what}"))
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
