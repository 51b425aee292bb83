//! The newest run in a plan's reports folder: whether it is going on, was cut off, or has ended. Asked when the daemon begins,
//! and when it gets its role: another host, or an earlier life of this one, may have begun what is due.

use std::path::Path;

use jiff::Timestamp;

use crate::journal;
use crate::model::event::Ending;
use crate::model::{EventKind, PlanName, RunId};

/// The newest run of a plan, as its folder shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Which.
    pub run: RunId,
    /// When it began.
    pub begun: Timestamp,
    /// How it stands.
    pub stands: Left,
}

/// How a run that was found stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Some process is writing it.
    Live,
    /// Its journal has no end, or it was not published.
    CutOff,
    /// It was ended before it was done.
    Interrupted,
    /// All of it was done.
    Completed,
}

/// Looks for the newest run of this plan; one whose journal has no beginning has dialed nothing, and is passed over. Blocks
/// on files.
///
/// # Errors
/// The folder, or the journal of its newest run, can't be read; in words.
pub fn look(reports: &Path, plan: &PlanName) -> Result<Option<Leftover>, String> {
    if !reports.exists() {
        return Ok(None);
    }
    let runs = journal::runs(reports)
        .map_err(|error| format!("the folder `{}` can't be read: {error}", reports.display()))?;
    for (run, folder, _) in runs.into_iter().rev() {
        let mut begun = None;
        let mut end = None;
        let mut ours = false;
        journal::scan_kinds(
            &folder.join(journal::FILE_NAME),
            &["run-started", "run-resumed", "run-ended"],
            |event| match event.kind {
                EventKind::RunStarted(header) => {
                    begun = Some(event.at);
                    ours = header.plan == *plan;
                }
                EventKind::RunResumed(_) => end = None,
                EventKind::RunEnded { ending } => end = Some(ending),
                _ => {}
            },
        )
        .map_err(|error| error.to_string())?;
        let Some(begun) = begun.filter(|_| ours) else { continue };
        let stands = match end {
            _ if journal::is_live(&folder) => Left::Live,
            Some(Ending::Interrupted) => Left::Interrupted,
            Some(Ending::Completed) if is_published(reports, &run) => Left::Completed,
            // Of one that is completed the last call was made, and nobody who reads `latest` knows: whoever goes on with it
            // publishes it.
            None | Some(Ending::Completed) => Left::CutOff,
        };
        return Ok(Some(Leftover { run, begun, stands }));
    }
    Ok(None)
}

/// Whether `latest` knows this run, or a later one.
fn is_published(reports: &Path, run: &RunId) -> bool {
    let target = std::fs::read_link(reports.join(journal::LATEST)).ok();
    let latest =
        target.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<RunId>().ok());
    latest.is_some_and(|latest| latest >= *run)
}

#[cfg(test)]
mod tests;
