//! `lineman report`: writes the report of a run again from its journal, or asks the history.

use std::path::PathBuf;

use crate::journal;
use crate::report::{self, exit_code, summary};

use super::args::{self, ReportVerb};
use super::{Failure, complain, import, say, screen};

/// Runs it; the exit code is the run's own.
pub(super) fn run(args: &args::Report) -> Result<u8, Failure> {
    match &args.verb {
        None => again(args),
        Some(ReportVerb::Import(args)) => import::run(args),
    }
}

/// Where runs were written.
pub(super) fn folder(named: Option<&PathBuf>) -> PathBuf {
    named.cloned().unwrap_or_else(|| PathBuf::from("reports"))
}

fn again(args: &args::Report) -> Result<u8, Failure> {
    let reports = folder(args.reports.as_ref());
    let named = args.run.clone().unwrap_or_else(|| "latest".to_owned());
    let folder = [reports.join(&named), PathBuf::from(&named)].into_iter().find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        return Err(Failure::wrong(format!(
            "there is no run `{named}` in {}; name a run's id, or its folder",
            reports.display()
        )));
    };
    let path = folder.join(journal::FILE_NAME);
    let replay = journal::read(&path).map_err(Failure::wrong)?;
    if let Some(cut) = replay.cut {
        complain(&format!(
            "{}: line {} is cut off, as a crash leaves it; it is left out",
            path.display(),
            cut.line
        ));
    }
    let (state, _) = report::replay(&replay.events, &folder).map_err(Failure::wrong)?;
    let mut files = report::files(&state, &folder);
    files.push(path);
    say(&summary::text(&state, &files, screen::style()));
    Ok(exit_code(&state))
}
