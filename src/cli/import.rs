//! `lineman report import`: takes runs into the history from their journals.

use std::path::{Path, PathBuf};

use crate::history::{Store, Taken, Waits};
use crate::journal;

use super::args::Import;
use super::{Failure, complain, note, report, say};
use crate::run::history::{self, Unread};

/// Some run could not be taken in.
const SOME_NOT: u8 = 1;

/// Runs it.
pub(super) fn run(args: &Import) -> Result<u8, Failure> {
    let reports = report::folder(args.reports.as_ref());
    let named = if args.folders.is_empty() { vec![reports.clone()] } else { args.folders.clone() };
    let mut runs: Vec<PathBuf> = Vec::new();
    for folder in &named {
        runs.extend(runs_of(folder)?);
    }
    // Oldest first: what is newest of a line is then only added. A run's name begins with its time.
    runs.sort_by(|a, b| a.file_name().cmp(&b.file_name()).then_with(|| a.cmp(b)));
    runs.dedup();
    let path = args.history.clone().unwrap_or_else(|| reports.join(history::FILE_NAME));
    let mut store =
        Store::write(&path, Waits::Patiently).map_err(|error| Failure::wrong(history::trouble(&error)))?;
    let (mut new, mut renewed, mut known, mut left) = (0_u64, 0_u64, 0_u64, 0_u64);
    for run in &runs {
        if journal::is_live(run) {
            note(&format!("{}: the run is going on; it is taken in at its end", run.display()));
            continue;
        }
        match history::take_in(&mut store, run, None) {
            Ok(Taken::New) => new += 1,
            Ok(Taken::Renewed) => renewed += 1,
            Ok(Taken::Known) => known += 1,
            Err(Unread::History(error)) => return Err(Failure::wrong(history::trouble(&error))),
            Err(unread) => {
                complain(&format!("{}: left out: {unread}", run.display()));
                left += 1;
            }
        }
    }
    say(&format!(
        "{}: {new} runs taken in, {renewed} brought up to date, {known} known already, {left} left out; {:.1} MB",
        store.path().display(),
        store.bytes() as f64 / 1e6
    ));
    Ok(if left > 0 { SOME_NOT } else { 0 })
}

/// The runs of a folder: itself, or those in it.
fn runs_of(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if folder.join(journal::FILE_NAME).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let runs = journal::runs(folder).map_err(|error| {
        Failure::wrong(format!(
            "{} can't be read ({error}); name a run's folder, or a reports folder",
            folder.display()
        ))
    })?;
    if runs.is_empty() {
        return Err(Failure::wrong(format!(
            "{} holds no run: no folder with a journal; name a run's folder, or a reports folder",
            folder.display()
        )));
    }
    Ok(runs.into_iter().map(|(_, path, _)| path).collect())
}
