//! The writing side: one JSON object a line, buffered, and on the disk when `sync` returns.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{FILE_NAME, JournalError, Replay, RunDir, read};
use crate::model::Event;

/// Bytes that may wait before they are written without being asked to: a few hundred events.
const PENDING_MAX: usize = 64 * 1024;

/// A journal that is being written.
///
/// After an error nothing is lost and nothing is torn: what could not be written waits, and the next call tries again
/// from the very byte where the disk gave up.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    pending: Vec<u8>,
}

impl Journal {
    /// Begins the journal of a new run.
    ///
    /// # Errors
    /// If there is one already, or the folder can't be written.
    pub fn create(run_dir: &RunDir) -> Result<Self, JournalError> {
        let path = run_dir.path().join(FILE_NAME);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| JournalError::io(&path, "created", source))?;
        // A file whose folder entry is lost is lost: the entry is synced once, here.
        sync_dir(run_dir.path()).map_err(|source| JournalError::io(&path, "created", source))?;
        Ok(Self { path, file, pending: Vec::new() })
    }

    /// Opens the journal of an interrupted run and hands back what it holds. A last line that was cut off by a crash
    /// is told in the replay and taken away from the file.
    ///
    /// # Errors
    /// As [`read`]; also if the file can't be written.
    pub fn resume(run_dir: &RunDir) -> Result<(Self, Replay), JournalError> {
        let path = run_dir.path().join(FILE_NAME);
        let replay = read(&path)?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(|source| JournalError::io(&path, "opened for writing", source))?;
        if replay.cut.is_some() {
            file.set_len(replay.sound_bytes)
                .and_then(|()| file.sync_all())
                .map_err(|source| JournalError::io(&path, "freed of its cut last line", source))?;
        }
        Ok((Self { path, file, pending: Vec::new() }, replay))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes one event. It is on the disk after the next [`Journal::sync`].
    ///
    /// # Errors
    /// If the disk takes no more; the event is kept, and the next call tries again.
    pub fn append(&mut self, event: &Event) -> Result<(), JournalError> {
        let before = self.pending.len();
        if let Err(source) = serde_json::to_writer(&mut self.pending, event) {
            self.pending.truncate(before);
            return Err(JournalError::Encode { path: self.path.clone(), source });
        }
        self.pending.push(b'\n');
        if self.pending.len() >= PENDING_MAX {
            self.flush()?;
        }
        Ok(())
    }

    /// Returns when every event so far is on the disk.
    ///
    /// # Errors
    /// If the disk takes no more, or does not keep what it took.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.flush()?;
        self.file.sync_data().map_err(|source| JournalError::io(&self.path, "synced to the disk", source))
    }

    /// Hands every event so far to the system: from then on our own death loses none, but a power cut may.
    ///
    /// # Errors
    /// If the disk takes no more.
    pub fn flush(&mut self) -> Result<(), JournalError> {
        write_out(&mut self.file, &mut self.pending)
            .map_err(|source| JournalError::io(&self.path, "written", source))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Nobody is left to be told of a failure, and nothing that was promised hangs on it.
        let _ = self.flush();
    }
}

/// Writes all that is pending. What was taken is gone from `pending` even if a later byte fails, so that a second try
/// neither repeats nor skips a byte.
pub(super) fn write_out(file: &mut impl Write, pending: &mut Vec<u8>) -> std::io::Result<()> {
    let mut done = 0;
    let result = loop {
        match pending.get(done..) {
            None | Some([]) => break Ok(()),
            Some(rest) => match file.write(rest) {
                Ok(0) => break Err(std::io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            },
        }
    };
    pending.drain(..done);
    result
}

/// Brings a folder's entries to the disk.
pub(super) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    // Elsewhere a folder can't be opened, and the file system keeps renames by itself.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}
