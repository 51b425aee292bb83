//! Files are put in their places: all of them or none, and nothing that is there is ever written over.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What was put there; taken away again, unless it is to stay.
#[derive(Debug, Default)]
pub(super) struct Placed {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Placed {
    /// Writes a file, and the folders to it.
    ///
    /// # Errors
    /// It is there already, or can't be written.
    pub(super) fn put(&mut self, path: &Path, text: &str) -> Result<(), String> {
        let told = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{} is there already, and is not overwritten; choose another name", path.display())
            }
            _ => format!("{} can't be written: {error}", path.display()),
        };
        if let Some(folder) = path.parent() {
            self.folder(folder).map_err(told)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(told)?;
        self.files.push(path.to_owned());
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(told)
    }

    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<&Path> =
            folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.is_dir()).collect();
        for path in missing.into_iter().rev() {
            fs::create_dir(path)?;
            self.folders.push(path.to_owned());
        }
        Ok(())
    }

    /// It stays; the files, in their order.
    pub(super) fn keep(mut self) -> Vec<PathBuf> {
        self.folders.clear();
        std::mem::take(&mut self.files)
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        for file in self.files.iter().rev() {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.iter().rev() {
            // One that somebody else has put something into stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_taken_away_again_unless_it_is_kept_and_what_was_there_stays() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (root.path().join("old.yaml"), root.path().join("a/b/new.yaml"));
        fs::write(&old, "mine").unwrap();
        let mut placed = Placed::default();
        placed.put(&new, "x").unwrap();
        assert!(placed.put(&old, "y").unwrap_err().contains("not overwritten"));
        drop(placed);
        assert_eq!(fs::read_to_string(&old).unwrap(), "mine");
        assert!(!root.path().join("a").exists());
        let mut placed = Placed::default();
        placed.put(&new, "x").unwrap();
        assert_eq!((placed.keep(), fs::read_to_string(&new).unwrap()), (vec![new.clone()], "x".to_owned()));
    }
}
