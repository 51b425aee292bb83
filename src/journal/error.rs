//! What can go wrong with a run's folder and its journal: where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::RunId;
use crate::model::event::EVENT_FORMAT;

/// The journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Nothing more fits on the disk.
    #[error(
        "the disk that holds `{path}` is full; free some space, then go on with `lineman audit --resume`"
    )]
    DiskFull {
        /// The journal.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// Another fault of the disk or its rights.
    #[error("`{path}` could not be {what}")]
    Io {
        /// The journal.
        path: PathBuf,
        /// What was tried: `created`, `written`.
        what: &'static str,
        /// As the system says it.
        source: io::Error,
    },
    /// A journal is there already, where a new one was to begin.
    #[error(
        "`{path}` exists; a run begins a journal of its own, go on with this one with `lineman audit --resume`"
    )]
    Exists {
        /// The journal.
        path: PathBuf,
    },
    /// No journal.
    #[error("`{path}` does not exist; is its folder a run's, and did the run get as far as its first event?")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A whole line that is no event: not what a crash leaves behind.
    #[error(
        "`{path}` is damaged at line {line}, and not by a crash, which could only cut its end; \
         restore it from a copy (without line {line} and all after it, it is readable)"
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The first line begins no run.
    #[error("`{path}` is no journal of lineman: its first line is not a `run-started` event")]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later lineman.
    #[error(
        "`{path}` has event format {format}, and this lineman knows formats up to {EVENT_FORMAT}; use the lineman that wrote it, or a newer one"
    )]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its format.
        format: u64,
    },
    /// An event that has no JSON form: a defect.
    #[error("an event could not be put into words for `{path}`")]
    Encode {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

impl JournalError {
    /// Names a full disk as such.
    pub(super) fn io(path: &Path, what: &'static str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            _ => Self::Io { path, what, source },
        }
    }
}

/// A run's folder could not be made, found or taken.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// It can't be written.
    #[error(
        "the reports folder `{path}` cannot be written ({}); give this user the right to, or name another with `--reports`",
        io::Error::kind(source)
    )]
    Unwritable {
        /// What could not be made.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// Nothing more fits on the disk.
    #[error("the disk that holds `{path}` is full; free some space, or name another folder with `--reports`")]
    DiskFull {
        /// What could not be made.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// Another run is writing there.
    #[error(
        "`{path}` is in use by {owner}; wait until it has ended, or name another folder with `--reports`"
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The run and its process, as far as it left word.
        owner: String,
    },
    /// `current` or `latest` is something of the user's.
    #[error("`{path}` is no symbolic link, and lineman puts one there; move it away (nothing was changed)")]
    NotALink {
        /// What is in the way.
        path: PathBuf,
    },
    /// No run to go on with.
    #[error("`{path}` points to no run; name the run, as in `--resume 20261121T020000Z-nightly`")]
    NoCurrent {
        /// The link.
        path: PathBuf,
    },
    /// No such run.
    #[error("there is no run `{run}` in `{reports}`{}", newest(.known))]
    NoSuchRun {
        /// What was asked for.
        run: RunId,
        /// Where.
        reports: PathBuf,
        /// The newest runs there.
        known: Vec<String>,
    },
    /// A hundred runs of one plan within a second.
    #[error("`{path}` exists, and so do its next names; wait a second")]
    Exhausted {
        /// The first name.
        path: PathBuf,
    },
}

impl RunDirError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path, source },
            _ => Self::Unwritable { path, source },
        }
    }
}

fn newest(runs: &[String]) -> String {
    if runs.is_empty() {
        "; it holds none".into()
    } else {
        format!("; the newest there: `{}`", runs.join("`, `"))
    }
}
