//! Files that a reader sees whole or not at all: written beside their place, then renamed into it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How a half-written file is named until it is whole. Begins with a dot, so that no `*.csv` takes it for a report.
const TEMP_PREFIX: &str = ".writing-";

/// Puts `bytes` into the file `name` of `dir`, in one step for whoever reads it. `durable` brings the bytes to the
/// disk before the rename: without it a loss of power could leave an empty file (a crash of this program could not).
pub(super) fn write(dir: &Path, name: &str, bytes: &[u8], durable: bool) -> io::Result<()> {
    write_as(dir, name.as_ref(), bytes, durable, None)
}

/// The same; a file that takes the place of another can have its permissions.
fn write_as(
    dir: &Path,
    name: &OsStr,
    bytes: &[u8],
    durable: bool,
    permissions: Option<fs::Permissions>,
) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMP_PREFIX);
    // Reports are for others to read, as the umask allows; a temporary file's own 0600 would stay after the rename.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(dir)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    file.write_all(bytes)?;
    if durable {
        file.as_file().sync_all()?;
    }
    file.persist(dir.join(name)).map_err(|error| error.error)?;
    Ok(())
}

/// Puts `bytes` into the file at `path`, in one step for whoever reads it, and on the disk when this returns. A symlink
/// stays, and what it points to is replaced, or made; a file that was there keeps its permissions; what is no file (a pipe,
/// a terminal) is written to.
///
/// # Errors
/// The file or its folder can't be written; what was there is as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file() && !there.is_dir()) {
        return File::options().write(true).open(path)?.write_all(bytes);
    }
    let path = followed(path)?;
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = there.filter(fs::Metadata::is_file).map(|there| there.permissions());
    write_as(dir, name, bytes, true, permissions)?;
    sync_dir(dir)
}

/// Where a path leads by its symlinks, though nothing may be there yet.
fn followed(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const LINKS_MAX: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        if let Ok(whole) = fs::canonicalize(&path) {
            return Ok(whole);
        }
        let Ok(target) = fs::read_link(&path) else { return Ok(path) };
        // What is absolute takes the place of all.
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("its links lead in a circle"))
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
