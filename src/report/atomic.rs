//! Files that a reader sees whole or not at all: written beside their place, then renamed into it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// How a half-written file is named until it is whole. Begins with a dot, so that no `*.csv` takes it for a report.
const TEMP_PREFIX: &str = ".writing-";

/// Puts `bytes` into the file `name` of `dir`, in one step for whoever reads it. `durable` brings the bytes to the
/// disk before the rename: without it a loss of power could leave an empty file (a crash of this program could not).
pub(super) fn write(dir: &Path, name: &str, bytes: &[u8], durable: bool) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMP_PREFIX);
    // Reports are for others to read, as the umask allows; a temporary file's own 0600 would stay after the rename.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(dir)?;
    file.write_all(bytes)?;
    if durable {
        file.as_file().sync_all()?;
    }
    file.persist(dir.join(name)).map_err(|error| error.error)?;
    Ok(())
}

/// Brings renames in a folder to the disk.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    // Elsewhere a folder can't be opened, and the file system keeps renames by itself.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Removes what a killed writer left half-written. Only for a folder that nobody else writes.
pub(super) fn sweep(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMP_PREFIX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
