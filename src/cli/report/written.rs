//! A run that goes out in one format: found, folded, and written to stdout or whole into a file.

use std::io::{self, Write};
use std::path::Path;

use super::again::Named;
use crate::cli::Failure;
use crate::cli::args::Written;
use crate::report::{self, ReportError, RunState};

/// The run that is written.
pub(super) struct Run {
    /// What its events come to.
    pub(super) state: RunState,
    /// Its folder, and its events: a transcript is in them alone.
    pub(super) named: Named,
}

/// Writes a run as `format` gives it. The exit code is 0 once it is written, whatever the run found.
///
/// # Errors
/// There is no such run, its journal can't be read, or what was asked can't be written.
pub(super) fn write(
    args: &Written,
    format: impl FnOnce(&Run) -> Result<Vec<u8>, Failure>,
) -> Result<u8, Failure> {
    let named = Named::open(args.run.as_deref(), &super::folder(args.reports.as_ref()))?;
    let state = report::fold(&named.events).map_err(Failure::wrong)?;
    let bytes = format(&Run { state, named })?;
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => report::replace(path, &bytes)
            .map_err(|error| Failure::wrong(format!("`{}` could not be written: {error}", path.display())))?,
        None => to_stdout(&bytes)?,
    }
    Ok(0)
}

/// A defect of a format, or what else the report room says.
pub(super) fn trouble(error: &ReportError) -> Failure {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    Failure::wrong(text)
}

/// A reader that went away (`| head`) has what it wanted.
fn to_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::wrong(format!("stdout could not be written: {error}")))
        }
        _ => Ok(()),
    }
}
