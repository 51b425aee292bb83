//! What can go wrong with the history database: where, and what to do. No error of these ever ends a run.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::schema::VERSION;

/// The history could not be read or written. Nothing of it was changed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is none yet.
    #[error("there is no history at `{path}` yet; a run makes it, and so does `lineman report import`")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something else has that name.
    #[error(
        "`{path}` is no history of lineman, and was left as it is; move it away, or name another file with the plan's `history: {{ file: ... }}`"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later lineman wrote it.
    #[error(
        "`{path}` has version {found}, and this lineman knows versions up to {VERSION}; it was left as it is: use the lineman that wrote it, or a newer one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// The file is damaged.
    #[error(
        "`{path}` is damaged, and was left as it is; move it away (with its -wal and -shm), and `lineman report import` makes it again from the runs' journals"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// As SQLite says it.
        source: rusqlite::Error,
    },
    /// Another process holds it.
    #[error(
        "`{path}` is held by another program; nothing was written, and it is caught up with at the next run, or with `lineman report import`"
    )]
    Held {
        /// The file.
        path: PathBuf,
        /// As SQLite says it.
        source: rusqlite::Error,
    },
    /// Nothing more fits on the disk.
    #[error(
        "the disk that holds `{path}` is full; nothing was written, free some space, then `lineman report import`"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// As SQLite says it.
        source: rusqlite::Error,
    },
    /// No right to it.
    #[error(
        "`{path}` can't be written; give this user the right to it and to its folder, or name another file with the plan's `history: {{ file: ... }}`"
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// As SQLite or the system says it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Anything else that SQLite says.
    #[error("`{path}` can't be used")]
    Other {
        /// The file.
        path: PathBuf,
        /// As SQLite says it.
        source: rusqlite::Error,
    },
}

impl HistoryError {
    pub(super) fn sql(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, source },
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Held { path, source },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::Unwritable { path, source: Box::new(source) }
            }
            _ => Self::Other { path, source },
        }
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, source: rusqlite::Error::ToSqlConversionFailure(Box::new(source)) }
            }
            _ => Self::Unwritable { path, source: Box::new(source) },
        }
    }
}
