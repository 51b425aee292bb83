//! All that a daemon works by: its file, and every plan that it names, read at one moment.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{PlanEntry, Service, written};
use crate::config::plan::{Overrides, Plan, load_plan};
use crate::config::problem::Problems;
use crate::config::source;
use crate::model::{BankName, PlanName};

/// A daemon's file with its plans; valid as a whole.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The file.
    pub service: Service,
    /// The plans, in its order; their names, and the ports of their banks, are each one's own.
    pub plans: Vec<LoadedPlan>,
    /// All files that were read, or looked for in vain: what to watch.
    pub files: Vec<PathBuf>,
    /// What is not wrong, but should be read.
    pub warnings: Vec<String>,
}

/// A plan, with what it is run by.
#[derive(Clone)]
pub struct LoadedPlan {
    /// What it is run by.
    pub entry: PlanEntry,
    /// The plan.
    pub plan: Arc<Plan>,
}

impl fmt::Debug for LoadedPlan {
    /// A whole plan would fill a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadedPlan({} on {})", self.name(), self.bank())
    }
}

impl LoadedPlan {
    /// Its name.
    pub fn name(&self) -> &PlanName {
        &self.plan.name
    }

    /// Its bank's name.
    pub fn bank(&self) -> &BankName {
        &self.plan.bank.name
    }
}

impl Loaded {
    /// The plan of this name.
    pub fn plan(&self, name: &PlanName) -> Option<&LoadedPlan> {
        self.plans.iter().find(|plan| plan.name() == name)
    }
}

/// A daemon's file that can't be worked by.
#[derive(Debug, Clone)]
pub struct Unloaded {
    /// All that is wrong.
    pub problems: Problems,
    /// All files that were read, or looked for in vain: a change of one may mend it.
    pub files: Vec<PathBuf>,
}

/// Reads the daemon's file and all that it names. Blocks on files.
///
/// # Errors
/// All that is wrong with any of it.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Loaded, Unloaded> {
    let (read, files) =
        source::noting(|| written::read(path, env, &|plan| load_plan(plan, &Overrides::default())));
    match read {
        Ok((service, plans, warnings)) => Ok(Loaded { service, plans, files, warnings }),
        Err(problems) => Err(Unloaded { problems, files }),
    }
}
