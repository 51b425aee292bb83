//! Where a run looks up, and remembers, secrets that were refused.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::credentials::ResolvedCredential;
use crate::console::Credential;
use crate::fleet::desk::Remember;
use crate::fleet::refusals::{Refusal, Refusals, RefusalsError};
use crate::model::PlanName;
use crate::modem::clock::Clock;

use super::Failure;

/// Its file in the user's state folder: an account knows nothing of reports folders, and is locked by all runs together.
const FILE: &str = "lineman/refused-secrets.json";
/// Its file in the reports folder, for a user without a state folder.
const FILE_IN_REPORTS: &str = ".refused-secrets.json";

/// The memory of refused secrets; none for a simulated bank, where no account can be locked.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    plan: PlanName,
    clock: Clock,
    file: Option<Arc<Mutex<Refusals>>>,
}

impl Memory {
    /// A memory that forgets all at the end of the run.
    pub(crate) fn none(plan: &PlanName, clock: Clock) -> Self {
        Self { plan: plan.clone(), clock, file: None }
    }

    /// The memory of this user; of the reports folder where the user has no state folder.
    ///
    /// # Errors
    /// It can't be read or written, or others can.
    pub(crate) fn open(reports: &Path, plan: &PlanName, clock: Clock) -> Result<Self, Failure> {
        let path = place(&|name| std::env::var_os(name), reports);
        let mut refusals = Refusals::open(&path).map_err(told)?;
        if let Err(error) = refusals.ensure_writable() {
            // A service's user may have a home that is not there.
            let instead = reports.join(FILE_IN_REPORTS);
            tracing::warn!("{error}; refused secrets are remembered in {} instead", instead.display());
            refusals = Refusals::open(instead).map_err(told)?;
            refusals.ensure_writable().map_err(told)?;
        }
        Ok(Self { plan: plan.clone(), clock, file: Some(Arc::new(Mutex::new(refusals))) })
    }

    /// Forgets what was refused to this account, on the user's say-so.
    ///
    /// # Errors
    /// The memory can't be written.
    pub(crate) fn forget(&self, username: &str) -> Result<usize, Failure> {
        let Some(file) = &self.file else { return Ok(0) };
        file.lock().unwrap_or_else(PoisonError::into_inner).forget(username).map_err(told)
    }

    /// Why this secret must not be sent, if it was refused before. Slow on purpose.
    pub(crate) fn barred(&self, credential: &ResolvedCredential) -> Option<String> {
        let file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        file.find(&credential.username, credential.password.as_ref()?).map(words)
    }
}

fn words(refusal: &Refusal) -> String {
    format!("its secret was refused on {:.0} (plan {}) and has not changed since", refusal.when, refusal.plan)
}

/// `$XDG_STATE_HOME`, else `~/.local/state`; names that are not absolute count as none.
fn place(env: &dyn Fn(&str) -> Option<OsString>, reports: &Path) -> PathBuf {
    let folder = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    match folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state"))) {
        Some(state) => state.join(FILE),
        None => reports.join(FILE_IN_REPORTS),
    }
}

fn told(error: RefusalsError) -> Failure {
    match std::error::Error::source(&error) {
        Some(why) => Failure::wrong(format!("{error}: {why}")),
        None => Failure::wrong(error),
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

    fn refused_elsewhere(&self, credential: &Credential, seen: &mut u64) -> Option<String> {
        let mut file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        match file.renew() {
            Ok(changes) if changes > std::mem::replace(seen, changes) => {
                file.find(credential.username(), credential.password()).map(words)
            }
            Ok(_) => None,
            Err(error) => {
                tracing::warn!("what other runs were refused with is not known: {error}");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As of two runs on two banks, which begin at the same time.
    #[test]
    fn what_another_run_was_refused_with_is_heard_of_for_each_credential() {
        let folder = tempfile::TempDir::new().unwrap();
        let of_run = || Memory {
            plan: "nightly".parse().unwrap(),
            clock: Clock::start(),
            file: Some(Arc::new(Mutex::new(Refusals::open(folder.path().join("refused.json")).unwrap()))),
        };
        let (ours, theirs) = (of_run(), of_run());
        let secret = |username: &str, text: &str| Credential::new(username, text.to_owned().into()).unwrap();
        let (mut oob, mut lab) = (0, 0);
        assert_eq!(ours.refused_elsewhere(&secret("oob", "old"), &mut oob), None);
        theirs.refused(&secret("oob", "old"), "it was refused");
        assert_eq!(ours.refused_elsewhere(&secret("lab", "old"), &mut lab), None, "another account");
        let why = ours.refused_elsewhere(&secret("oob", "old"), &mut oob).unwrap();
        assert!(why.contains("plan nightly"), "{why}");
        assert_eq!(ours.refused_elsewhere(&secret("oob", "new"), &mut 0), None, "it has changed");
    }

    #[test]
    fn all_reports_folders_of_a_user_share_one_memory() {
        let at = |variables: &[(&str, &str)], reports: &str| {
            let env = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            };
            place(&env, Path::new(reports)).display().to_string()
        };
        let home: &[(&str, &str)] = &[("HOME", "/home/oob")];
        assert_eq!(at(home, "reports"), "/home/oob/.local/state/lineman/refused-secrets.json");
        assert_eq!(at(home, "/tmp/br1"), at(home, "reports"));
        let state = [("XDG_STATE_HOME", "/var/lib/oob"), ("HOME", "/home/oob")];
        assert_eq!(at(&state, "reports"), "/var/lib/oob/lineman/refused-secrets.json");
        assert_eq!(at(&[("HOME", "")], "reports"), "reports/.refused-secrets.json");
    }
}
