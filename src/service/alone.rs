//! One daemon has one state: two that wrote the same file would each undo what the other was told.

use std::fs::{self, File, TryLockError};
use std::path::Path;

/// The right to write a daemon's state; given back when it is dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub struct Alone {
    _lock: File,
}

impl Alone {
    /// Takes it, in the folder of states, which is made if need be.
    ///
    /// # Errors
    /// Another daemon has it, or the folder can't be written; in words.
    pub fn take(folder: &Path, service: &str) -> Result<Self, String> {
        let path = folder.join(format!("{service}.lock"));
        let wrong = |error: &std::io::Error| {
            format!("the state folder `{}` can't be used: {error}", folder.display())
        };
        fs::create_dir_all(folder).map_err(|error| wrong(&error))?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| wrong(&error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(format!(
                "another daemon `{service}` is at work with the state in `{}`; end it, or give this one another `service:` name or `state:` folder",
                folder.display()
            )),
            Err(TryLockError::Error(error)) => Err(wrong(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_daemon_has_a_state_and_leaves_it_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let first = Alone::take(folder.path(), "hq").unwrap();
        let why = Alone::take(folder.path(), "hq").unwrap_err();
        assert!(why.contains("another daemon `hq`"), "{why}");
        Alone::take(folder.path(), "lab").unwrap();
        drop(first);
        Alone::take(folder.path(), "hq").unwrap();
    }
}
