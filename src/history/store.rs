//! The open database: made, opened, read from, and written to by one writer at a time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::HistoryError;
use super::schema::{self, Mark};

/// How long another process is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// A run is about to begin, or its user waits for its end: a moment.
    Briefly,
    /// The history is all that was asked for.
    Patiently,
}

impl Waits {
    const fn limit(self) -> Duration {
        match self {
            Self::Briefly => Duration::from_secs(2),
            Self::Patiently => Duration::from_secs(30),
        }
    }
}

/// The history of the runs of one reports folder, or of more.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Connection,
}

impl Store {
    /// Opens it for reading alone.
    ///
    /// # Errors
    /// If there is none, it is no history, a newer lineman's, damaged, or held by another process. Nothing is changed.
    pub fn read(path: &Path, waits: Waits) -> Result<Self, HistoryError> {
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, waits)?;
        let found = schema::version(&store.connection).map_err(|error| store.error(error))?;
        if found > schema::VERSION {
            return Err(HistoryError::Newer { path: path.to_owned(), found });
        }
        if found < schema::VERSION {
            // An older one is brought up to date by whoever may write.
            drop(store);
            return Self::write(path, waits);
        }
        Ok(store)
    }

    /// Opens it for writing, makes it if there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// As [`Store::read`], and if it can't be written.
    pub fn write(path: &Path, waits: Waits) -> Result<Self, HistoryError> {
        if schema::mark(path).map_err(|error| HistoryError::io(path, error))? == Mark::Missing {
            create(path)?;
        }
        let mut store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, waits)?;
        schema::migrate(&mut store.connection, path)?;
        let sql = |error| HistoryError::sql(path, error);
        if !schema::has_faults(&store.connection).map_err(sql)? {
            let change = store.change()?;
            schema::enter_faults(&change).map_err(sql)?;
            change.commit().map_err(sql)?;
        }
        Ok(store)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file, without its log.
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |found| found.len())
    }

    fn connect(path: &Path, flags: OpenFlags, waits: Waits) -> Result<Self, HistoryError> {
        match schema::mark(path).map_err(|error| HistoryError::io(path, error))? {
            Mark::Missing => return Err(HistoryError::Missing { path: path.to_owned() }),
            Mark::Foreign => return Err(HistoryError::Foreign { path: path.to_owned() }),
            Mark::Ours => {}
        }
        let sql = |error| HistoryError::sql(path, error);
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(sql)?;
        connection.busy_timeout(waits.limit()).map_err(sql)?;
        connection.set_prepared_statement_cache_capacity(64);
        // A night is written once, and can be made again from its journal: it need not be synced page by page.
        connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF;").map_err(sql)?;
        // Any page of it can be damaged; that the first one is not is seen here.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(sql)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    /// For queries.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Begins to write: nobody else does until it is committed or dropped, which undoes it.
    pub(super) fn change(&mut self) -> Result<Transaction<'_>, HistoryError> {
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| HistoryError::sql(&self.path, error))
    }

    /// An error with the file's name.
    pub(super) fn error(&self, error: rusqlite::Error) -> HistoryError {
        HistoryError::sql(&self.path, error)
    }
}

/// Makes an empty history under another name, and gives it its own once it is whole: nobody ever sees half of one. If
/// another process was quicker, its file stands.
fn create(path: &Path) -> Result<(), HistoryError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let temp = tempfile::Builder::new()
        .prefix(".history.")
        .suffix(".new")
        .tempfile_in(folder)
        .map_err(|error| HistoryError::io(path, error))?;
    let sql = |error| HistoryError::sql(path, error);
    let mut connection = Connection::open(temp.path()).map_err(sql)?;
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).map_err(sql)?;
    schema::migrate(&mut connection, path)?;
    // The journal's name is written into the file, so it is set before anybody else opens it.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).map_err(sql)?;
    connection.close().map_err(|(_, error)| sql(error))?;
    match temp.persist_noclobber(path) {
        Err(failed) if failed.error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(HistoryError::io(path, failed.error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
