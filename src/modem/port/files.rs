//! The limit of open files: a large bank needs more than some systems give a process to begin with (256 on macOS), and a
//! port that can't be opened for the want of one would look like a fault of its modem. Where there is no such limit
//! (Windows), nothing is to be done.

#[cfg(unix)]
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Lets the process have this many files, as far as it may (libraries.md S14). What it has already stays.
#[cfg(unix)]
pub fn allow_files(needed: u64) {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < needed
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, needed.min(hard), hard)
    {
        tracing::warn!(%error, needed, "the limit of open files can't be raised");
    }
}

/// Nothing is limited here.
#[cfg(not(unix))]
pub fn allow_files(_needed: u64) {}
