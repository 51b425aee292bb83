//! A lock on a folder: one writer, named to whoever comes second.
//!
//! The lock is the kernel's (`flock`), so that it falls with the process, however that ends; the file stays and its
//! text is only for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use super::RunDirError;

/// Name of the file that is locked.
const FILE_NAME: &str = ".lock";

/// How long somebody who only looks may hold it, and how often that is waited for.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS_MAX: u32 = 5;

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Whether somebody holds the folder now. Nothing is written, and nobody is kept from taking it.
pub(super) fn is_held(dir: &Path) -> bool {
    File::open(dir.join(FILE_NAME))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl Lock {
    /// Takes the folder, or says who has it. `owner` is left in the file for the next one to read.
    pub(super) fn take(dir: &Path, owner: &str) -> Result<Self, RunDirError> {
        let path = dir.join(FILE_NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| RunDirError::io(&path, source))?;
        // Somebody who only looks whether it is held holds it for an instant.
        let mut tried = file.try_lock();
        for _ in 0..LOOKS_MAX {
            if !matches!(tried, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::park_timeout(LOOK);
            tried = file.try_lock();
        }
        match tried {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Whoever holds it may not have written its name yet, or may be no lineman.
                let _ = file.read_to_string(&mut text);
                let owner = match text.trim() {
                    "" => "another program".to_owned(),
                    owner => owner.chars().filter(|c| !c.is_control()).take(200).collect(),
                };
                return Err(RunDirError::InUse { path: dir.to_owned(), owner });
            }
            Err(TryLockError::Error(source)) => return Err(RunDirError::io(&path, source)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{owner}"))
            .map_err(|source| RunDirError::io(&path, source))?;
        Ok(Self { _file: file })
    }
}
