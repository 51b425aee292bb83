//! The kernel's own word on Linux. Asked for no more than is needed: a folder that somebody only reads, and one that is only
//! passed through, wake nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::Woken;
use super::places::Places;

/// Ends the wait when it is dropped.
pub(super) type Stop = io::PipeWriter;

/// Waits for the kernel's word.
#[derive(Debug)]
pub(super) struct Waiter {
    inotify: Inotify,
    stop: io::PipeReader,
    /// What is watched: where, for which names, and for what.
    watched: BTreeMap<WatchDescriptor, Watched>,
}

#[derive(Debug)]
struct Watched {
    folder: PathBuf,
    names: BTreeSet<OsString>,
    flags: AddWatchFlags,
}

/// A folder of names that matter.
fn of_names() -> AddWatchFlags {
    AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_MOVE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_CLOSE_WRITE
        // A file that could not be read may be readable now.
        | AddWatchFlags::IN_ATTRIB
        | of_itself()
}

/// A folder that is passed through.
fn of_itself() -> AddWatchFlags {
    AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_ONLYDIR
}

impl Waiter {
    pub(super) fn start() -> io::Result<(Self, Stop)> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let (stop, stopper) = io::pipe()?;
        Ok((Self { inotify, stop, watched: BTreeMap::new() }, stopper))
    }

    /// Watches these places from now on, and no others.
    pub(super) fn arm(&mut self, places: &Places) {
        let mut watched: BTreeMap<WatchDescriptor, Watched> = BTreeMap::new();
        let nothing = BTreeSet::new();
        let named = places.names.iter().map(|(folder, names)| (folder, names, of_names()));
        let passed = places.passed.iter().filter(|folder| !places.names.contains_key(*folder));
        for (folder, names, flags) in named.chain(passed.map(|folder| (folder, &nothing, of_itself()))) {
            if let Err(error) = self.add(&mut watched, folder, names, flags)
                // What is gone again is found by the next look.
                && !matches!(error, Errno::ENOENT | Errno::ENOTDIR)
            {
                tracing::warn!(folder = %folder.display(), %error, "a folder of the configuration can't be watched");
            }
        }
        for old in self.watched.keys().filter(|old| !watched.contains_key(old)) {
            // The folder may be gone, and its watch with it.
            let _ = self.inotify.rm_watch(*old);
        }
        self.watched = watched;
    }

    fn add(
        &self,
        watched: &mut BTreeMap<WatchDescriptor, Watched>,
        folder: &Path,
        names: &BTreeSet<OsString>,
        flags: AddWatchFlags,
    ) -> nix::Result<()> {
        let at = self.inotify.add_watch(folder, flags)?;
        if let Some(there) = watched.get_mut(&at) {
            // One folder by two paths (mounted twice): it has one watch, for both.
            there.names.extend(names.iter().cloned());
            there.flags |= flags;
            self.inotify.add_watch(folder, there.flags)?;
            return Ok(());
        }
        let names = names.clone();
        watched.insert(at, Watched { folder: folder.to_owned(), names, flags });
        Ok(())
    }

    /// Waits until something happens, or for so long at most.
    pub(super) fn wait(&mut self, limit: Option<Duration>) -> Woken {
        // Rounded up: a wait of 0 ms would be none.
        let limit = limit.map(|limit| u16::try_from(limit.as_millis() + 1).unwrap_or(u16::MAX));
        let limit = limit.map_or(PollTimeout::NONE, PollTimeout::from);
        let mut either = [
            PollFd::new(self.inotify.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.stop.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut either, limit) {
            Ok(0) => return Woken::Quiet,
            Ok(_) => {}
            Err(Errno::EINTR) => return Woken::Idly,
            Err(error) => {
                tracing::warn!(%error, "the files of the configuration are no longer watched");
                return Woken::Stopped;
            }
        }
        if either[1].any().unwrap_or(true) {
            return Woken::Stopped;
        }
        let mut woken = Woken::Idly;
        while let Ok(events) = self.inotify.read_events() {
            if events.iter().any(|event| self.matters(event)) {
                woken = Woken::Changed;
            }
        }
        woken
    }

    fn matters(&self, event: &InotifyEvent) -> bool {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            return true;
        }
        // A watch that was given up may have said something before.
        let Some(watched) = self.watched.get(&event.wd) else { return false };
        let Some(name) = &event.name else { return true };
        if !watched.names.contains(name) {
            return false;
        }
        // A plain file with one name was just created: whoever does that writes it next, and half of it is nothing to read.
        let is_begun = event.mask.contains(AddWatchFlags::IN_CREATE)
            && fs::symlink_metadata(watched.folder.join(name))
                .is_ok_and(|facts| facts.is_file() && facts.nlink() == 1);
        !is_begun
    }
}
