//! Whether a program has a port open, and when it lets go: on a pty the only thing that can stand for DTR.
//!
//! Since we hold a slave ourselves, the kernel tells us no hang-up. It does tell of each open and close of the slave's
//! node through inotify, in order and also when a program closes and opens again at once. Equal events in a row may be
//! merged, so the count is only a guess: at each close the pty itself is asked.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

/// A change at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It was opened.
    Opened(usize),
    /// It was closed, perhaps by the last program.
    Closed(usize),
}

impl Change {
    /// Whose.
    pub(super) const fn port(self) -> usize {
        match self {
            Self::Opened(port) | Self::Closed(port) => port,
        }
    }
}

/// Watches the nodes of all ports.
#[derive(Debug)]
pub(super) struct Presence {
    inotify: Inotify,
    /// Old descriptors stay until the kernel says that nothing more will come of them.
    ports: BTreeMap<WatchDescriptor, usize>,
}

impl Presence {
    pub(super) fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        Ok(Self { inotify, ports: BTreeMap::new() })
    }

    /// For polling.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }

    /// Watches a port's node from now on.
    pub(super) fn watch(&mut self, port: usize, path: &Path) -> io::Result<WatchDescriptor> {
        let flags = AddWatchFlags::IN_OPEN | AddWatchFlags::IN_CLOSE;
        let watch = self.inotify.add_watch(path, flags)?;
        self.ports.insert(watch, port);
        Ok(watch)
    }

    /// Watches it no more. What was noticed before is still told.
    pub(super) fn unwatch(&mut self, watch: WatchDescriptor) {
        // The node may be gone with its pty: then the watch went with it.
        let _ = self.inotify.rm_watch(watch);
    }

    /// What has happened since the last time, in order.
    pub(super) fn changes(&mut self) -> VecDeque<Change> {
        let mut changes = VecDeque::new();
        loop {
            let events = match self.inotify.read_events() {
                Ok(events) => events,
                Err(Errno::EINTR) => continue,
                Err(_) => return changes,
            };
            for event in events {
                let Some(&port) = self.ports.get(&event.wd) else { continue };
                if event.mask.contains(AddWatchFlags::IN_IGNORED) {
                    self.ports.remove(&event.wd);
                } else if event.mask.contains(AddWatchFlags::IN_OPEN) {
                    changes.push_back(Change::Opened(port));
                } else {
                    changes.push_back(Change::Closed(port));
                }
            }
        }
    }
}
