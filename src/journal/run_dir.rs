//! A run's folder, `reports/<run-id>/`, and the links `current` and `latest` beside it.
//!
//! A run holds two locks: one on the reports folder, since `current` can point to one live run only, and one on its
//! own folder, so that nothing else writes there.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::RunDirError;
use super::lock::Lock;
use super::log::sync_dir;
use crate::model::{PlanName, RunId};

/// Points to the live run, and to the last one when none is live.
const CURRENT: &str = "current";
/// Points to the last run that has ended.
pub const LATEST: &str = "latest";
/// Runs of one plan that may begin within one second.
const SAME_SECOND_MAX: u8 = 99;
/// Runs that an error names.
const KNOWN_MAX: usize = 5;

/// Whether the run in this folder is going on: some process writes it.
pub fn is_live(folder: &Path) -> bool {
    super::lock::is_held(folder)
}

/// The folder of a run that this process writes.
#[derive(Debug)]
pub struct RunDir {
    reports: PathBuf,
    run: RunId,
    path: PathBuf,
    _own: Lock,
    /// Absent where another run has it: the links are that one's.
    outer: Option<Lock>,
}

impl RunDir {
    /// Makes the folder of a new run, with the reports folder around it if need be, and points `current` to it. The
    /// run's id is new: where one of this second exists, a number is put behind it.
    ///
    /// # Errors
    /// If the folder can't be written, another run writes into it, or something that is no link stands where `current`
    /// or `latest` belong; nothing is changed then.
    pub fn create(reports: &Path, started: Timestamp, plan: &PlanName) -> Result<Self, RunDirError> {
        fs::create_dir_all(reports).map_err(|source| RunDirError::io(reports, source))?;
        links_are_free(reports)?;
        let first = RunId::new(started, plan);
        let outer = Lock::take(reports, &owner(&first))?;
        let (run, path) = fresh_folder(reports, &first, None)?;
        let own = Lock::take(&path, &owner(&run))?;
        let dir = Self { reports: reports.to_owned(), run, path, _own: own, outer: Some(outer) };
        dir.point(CURRENT)?;
        Ok(dir)
    }

    /// The same where other runs may go on beside it: while one of them has the links, this one leaves them alone.
    ///
    /// # Errors
    /// As [`Self::create`], but for other runs.
    pub fn create_beside(reports: &Path, started: Timestamp, plan: &PlanName) -> Result<Self, RunDirError> {
        fs::create_dir_all(reports).map_err(|source| RunDirError::io(reports, source))?;
        links_are_free(reports)?;
        let first = RunId::new(started, plan);
        let outer = match Lock::take(reports, &owner(&first)) {
            Ok(outer) => Some(outer),
            Err(RunDirError::InUse { .. }) => None,
            Err(error) => return Err(error),
        };
        // A daemon tells both by their ids alone: one of the folder around this one is taken too.
        let (run, path) = fresh_folder(reports, &first, reports.parent())?;
        let own = Lock::take(&path, &owner(&run))?;
        let dir = Self { reports: reports.to_owned(), run, path, _own: own, outer };
        dir.point(CURRENT)?;
        Ok(dir)
    }

    /// Takes the folder of an interrupted run: the named one, else the one that `current` points to.
    ///
    /// # Errors
    /// If there is none, or it is in use.
    pub fn resume(reports: &Path, run: Option<&RunId>) -> Result<Self, RunDirError> {
        links_are_free(reports)?;
        let run = if let Some(run) = run {
            // `latest` and `current` are taken for the runs that they point to.
            link_target(&reports.join(run.as_str())).unwrap_or_else(|| run.clone())
        } else {
            let current = reports.join(CURRENT);
            link_target(&current).ok_or(RunDirError::NoCurrent { path: current })?
        };
        let path = reports.join(run.as_str());
        if !path.is_dir() {
            return Err(RunDirError::NoSuchRun {
                run,
                reports: reports.to_owned(),
                known: known_runs(reports),
            });
        }
        let outer = Lock::take(reports, &owner(&run))?;
        let own = Lock::take(&path, &owner(&run))?;
        let dir = Self { reports: reports.to_owned(), run, path, _own: own, outer: Some(outer) };
        dir.point(CURRENT)?;
        Ok(dir)
    }

    /// The run's id; the folder's name.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The run's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The reports folder around it.
    pub fn reports(&self) -> &Path {
        &self.reports
    }

    /// Points `latest` to this run: to be called when the run has ended and all its files are written. Atomic: at any
    /// instant the link is the old one or the new one.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn publish(&self) -> Result<(), RunDirError> {
        self.point(LATEST)
    }

    /// The run that `latest` points to, if it points to one.
    pub fn latest(&self) -> Option<RunId> {
        link_target(&self.reports.join(LATEST))
    }

    fn point(&self, name: &str) -> Result<(), RunDirError> {
        if self.outer.is_none() {
            return Ok(());
        }
        let link = self.reports.join(name);
        link_is_free(&link)?;
        // The name is ours alone as long as we hold the folder's lock; a leftover of a crash is in nobody's use.
        let temp = self.reports.join(format!(".{name}.new"));
        match fs::remove_file(&temp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RunDirError::io(&temp, error));
            }
            _ => {}
        }
        match renewed(self.run.as_str(), &temp, &link).and_then(|()| sync_dir(&self.reports)) {
            Err(error) if cfg!(not(unix)) => {
                // Links need a right there that not every user has.
                tracing::warn!(%error, "`{name}` can't be kept as a link; runs are found by their own names");
                Ok(())
            }
            done => done.map_err(|source| RunDirError::io(&link, source)),
        }
    }
}

/// Makes `link` lead to `target`, in one step for whoever reads it.
#[cfg(unix)]
fn renewed(target: &str, temp: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, temp)?;
    fs::rename(temp, link)
}

/// Makes `link` lead to `target`. A rename does not take the place of a link to a folder there, so the old one goes first.
#[cfg(not(unix))]
fn renewed(target: &str, _temp: &Path, link: &Path) -> io::Result<()> {
    match fs::remove_dir(link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::windows::fs::symlink_dir(target, link)
}

/// The runs of a reports folder that have a journal, the oldest first: each with its folder's path and the journal's
/// length in bytes. Ids sort by time.
///
/// # Errors
/// If the folder can't be read.
pub fn runs(reports: &Path) -> io::Result<Vec<(RunId, PathBuf, u64)>> {
    let mut runs = Vec::new();
    for entry in fs::read_dir(reports)? {
        let entry = entry?;
        // `latest` and `current` are links, and no runs of their own.
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let Some(run) = entry.file_name().to_str().and_then(|name| name.parse::<RunId>().ok()) else {
            continue;
        };
        let path = entry.path();
        match fs::metadata(path.join(super::FILE_NAME)) {
            Ok(journal) if journal.is_file() => runs.push((run, path, journal.len())),
            _ => {}
        }
    }
    runs.sort_unstable();
    Ok(runs)
}

fn owner(run: &RunId) -> String {
    format!("run `{run}` (process {})", std::process::id())
}

fn fresh_folder(
    reports: &Path,
    first: &RunId,
    around: Option<&Path>,
) -> Result<(RunId, PathBuf), RunDirError> {
    let names = std::iter::once(first.clone()).chain((2..=SAME_SECOND_MAX).map(|n| first.nth(n)));
    let names = names.filter(|run| around.is_none_or(|around| !around.join(run.as_str()).exists()));
    for run in names {
        let path = reports.join(run.as_str());
        match DirBuilder::new().create(&path) {
            Ok(()) => return Ok((run, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(RunDirError::io(&path, error)),
        }
    }
    Err(RunDirError::Exhausted { path: reports.join(first.as_str()) })
}

fn links_are_free(reports: &Path) -> Result<(), RunDirError> {
    link_is_free(&reports.join(CURRENT))?;
    link_is_free(&reports.join(LATEST))
}

/// A rename would put a link in place of a file without a word, so what is no link is looked for first.
fn link_is_free(link: &Path) -> Result<(), RunDirError> {
    match fs::symlink_metadata(link) {
        Ok(found) if !found.is_symlink() => Err(RunDirError::NotALink { path: link.to_owned() }),
        _ => Ok(()),
    }
}

/// The run that a link of ours points to.
fn link_target(link: &Path) -> Option<RunId> {
    fs::read_link(link).ok()?.file_name()?.to_str()?.parse().ok()
}

/// The newest runs of a folder, newest first.
fn known_runs(reports: &Path) -> Vec<String> {
    let known = runs(reports).unwrap_or_default();
    known.iter().rev().take(KNOWN_MAX).map(|(run, ..)| run.to_string()).collect()
}
