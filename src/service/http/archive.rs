//! Runs that are on disk, read for whoever asks: folded once, and kept while they are asked for.
//!
//! A night of 5,000 lines takes a second to fold and some tens of megabytes to keep, so few are kept, and one alone is folded
//! at a time: who asks for many waits, and the host does not.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::journal::{self, JournalError};
use crate::report::{ReportError, RunState};

/// Runs that are kept folded.
const KEPT_MAX: usize = 4;
/// Bytes of a file that are handed out: a page of 5,000 lines has some ten million.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Why a run can't be told of.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Its journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its events contradict each other.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file can't be read.
    #[error("`{name}` could not be read: {source}")]
    File {
        /// Its name.
        name: String,
        /// As the system says it.
        source: io::Error,
    },
}

#[derive(Debug)]
struct Kept {
    folder: PathBuf,
    bytes: u64,
    state: Arc<RunState>,
}

/// The runs that were asked for last.
#[derive(Debug, Default)]
pub struct Archive {
    kept: Mutex<Vec<Kept>>,
    folding: Mutex<()>,
}

impl Archive {
    /// A run, as its journal tells it now. Blocks on files.
    ///
    /// # Errors
    /// If the journal can't be read, or contradicts itself.
    pub fn run(&self, folder: &Path) -> Result<Arc<RunState>, ArchiveError> {
        let journal = folder.join(journal::FILE_NAME);
        let length = || fs::metadata(&journal).map_or(0, |found| found.len());
        if let Some(state) = self.kept(folder, length()) {
            return Ok(state);
        }
        let _one_at_a_time = self.folding.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = length();
        if let Some(state) = self.kept(folder, bytes) {
            return Ok(state);
        }
        let replay = journal::read(&journal)?;
        let state = Arc::new(crate::report::fold(&replay.events)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.folder != folder);
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push(Kept { folder: folder.to_owned(), bytes, state: Arc::clone(&state) });
        Ok(state)
    }

    fn kept(&self, folder: &Path, bytes: u64) -> Option<Arc<RunState>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|kept| kept.folder == folder && kept.bytes == bytes)?;
        // What is asked for stays longest.
        let found = kept.remove(at);
        let state = Arc::clone(&found.state);
        kept.push(found);
        Some(state)
    }
}

/// A file of a run; absent if it has none of this name. A link is no file of a run. Blocks on files.
///
/// # Errors
/// If it can't be read, or is no report of ours.
pub fn file(path: &Path) -> Result<Option<Vec<u8>>, ArchiveError> {
    let name = || path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let trouble = |source| ArchiveError::File { name: name(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble(error)),
        Ok(found) if !found.is_file() => return Ok(None),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(trouble)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(trouble(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes"))));
    }
    Ok(Some(bytes))
}
