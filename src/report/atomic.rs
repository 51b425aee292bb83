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

/// Puts `bytes` into the file at `path`, in one step for whoever reads it, and on the disk when this returns. A symlink
/// stays, and what it points to is replaced; what is no file (a pipe, a terminal) is written to.
///
/// # Errors
/// The file or its folder can't be written; what was there is as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return File::options().write(true).open(&path)?.write_all(bytes);
    }
    let name = path.file_name().and_then(std::ffi::OsStr::to_str);
    let name = name.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    write(dir, name, bytes, true)?;
    sync_dir(dir)
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
