//! Where a run looks up, and remembers, secrets that were refused.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::credentials::ResolvedCredential;
use crate::console::Credential;
use crate::fleet::desk::Remember;
use crate::fleet::refusals::Refusals;
use crate::model::PlanName;
use crate::modem::clock::Clock;

use super::Failure;

/// Its file in the reports folder, for all runs that are written there.
pub(super) const FILE: &str = ".refused-secrets.json";

/// The memory of refused secrets; none for a simulated bank, where no account can be locked.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    plan: PlanName,
    clock: Clock,
    file: Option<Arc<Mutex<Refusals>>>,
}

impl Memory {
    /// A memory that forgets all at the end of the run.
    pub(super) fn none(plan: &PlanName, clock: Clock) -> Self {
        Self { plan: plan.clone(), clock, file: None }
    }

    /// The memory of a reports folder.
    ///
    /// # Errors
    /// It can't be read, or others can.
    pub(super) fn open(reports: &Path, plan: &PlanName, clock: Clock) -> Result<Self, Failure> {
        let path: PathBuf = reports.join(FILE);
        let refusals = Refusals::open(path).map_err(Failure::wrong)?;
        Ok(Self { plan: plan.clone(), clock, file: Some(Arc::new(Mutex::new(refusals))) })
    }

    /// Forgets what was refused to this account, on the user's say-so.
    ///
    /// # Errors
    /// The memory can't be written.
    pub(super) fn forget(&self, username: &str) -> Result<usize, Failure> {
        let Some(file) = &self.file else { return Ok(0) };
        file.lock().unwrap_or_else(PoisonError::into_inner).forget(username).map_err(Failure::wrong)
    }

    /// Why this secret must not be sent, if it was refused before. Slow on purpose.
    pub(super) fn barred(&self, credential: &ResolvedCredential) -> Option<String> {
        let file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = file.find(&credential.username, credential.password.as_ref()?)?;
        Some(format!(
            "its secret was refused on {:.0} (plan {}) and has not changed since",
            refusal.when, refusal.plan
        ))
    }
}

impl Remember for Memory {
    fn refused(&self, credential: &Credential, why: &str) {
        let Some(file) = &self.file else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) =
            file.remember(credential.username(), credential.password(), self.clock.wall(), &self.plan)
        {
            tracing::error!("a refused secret could not be remembered ({why}): {error}");
        }
    }
}
