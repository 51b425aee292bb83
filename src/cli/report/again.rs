//! `lineman report [RUN]`: writes all files of a run again from its journal; and how a run that is named is found.

use std::path::{Path, PathBuf};

use crate::cli::args::Report;
use crate::cli::{Failure, note, say, screen};
use crate::journal;
use crate::model::Event;
use crate::report::{self, exit_code, summary};

/// A run that was named, as its journal has it.
pub(super) struct Named {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Its journal's file.
    pub(super) journal: PathBuf,
    /// Its events, those that were cut off by a crash left out.
    pub(super) events: Vec<Event>,
}

impl Named {
    /// Finds a run by its id in a reports folder, or by its own folder; without a name, what `latest` points to. That the
    /// end of its journal was cut off is told.
    ///
    /// # Errors
    /// There is no such run, or its journal can't be read.
    pub(super) fn open(run: Option<&str>, reports: &Path) -> Result<Self, Failure> {
        let named = run.unwrap_or("latest");
        let folder = [reports.join(named), PathBuf::from(named)].into_iter().find(|folder| folder.is_dir());
        let Some(folder) = folder else {
            return Err(Failure::wrong(format!(
                "there is no run `{named}` in {}; name a run's id, or its folder",
                reports.display()
            )));
        };
        let path = folder.join(journal::FILE_NAME);
        let replay = journal::read(&path).map_err(Failure::wrong)?;
        if let Some(cut) = replay.cut {
            note(&format!(
                "{}: line {} is cut off, as a crash leaves it; it is left out",
                path.display(),
                cut.line
            ));
        }
        Ok(Self { folder, journal: path, events: replay.events })
    }
}

/// Runs it; the exit code is the run's own.
pub(super) fn run(args: &Report) -> Result<u8, Failure> {
    let named = Named::open(args.run.as_deref(), &super::folder(args.reports.as_ref()))?;
    let (state, _) = report::replay(&named.events, &named.folder).map_err(Failure::wrong)?;
    let mut files = report::files(&state, &named.folder);
    files.push(named.journal);
    say(&summary::text(&state, &files, screen::style()));
    Ok(exit_code(&state))
}
