//! Whether a program has a port open, and when it lets go: on a pty the only thing that can stand for DTR. And whether
//! somebody cuts a modem's power, which is asked for by a file `<id>.power` in the exchange's folder.
//!
//! Since we hold a slave ourselves, the kernel tells us no hang-up. It does tell of each open and close of the slave's
//! node through inotify, in order and also when a program closes and opens again at once. Equal events in a row may be
//! merged, so the count is only a guess: at each close the pty itself is asked.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};

/// A change at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It was opened.
    Opened(usize),
    /// It was closed, perhaps by the last program.
    Closed(usize),
    /// Its modem's power is cut for a moment.
    Power(usize),
}

/// Watches the nodes of all ports.
#[derive(Debug)]
pub(super) struct Presence {
    inotify: Inotify,
    /// Old descriptors stay until the kernel says that nothing more will come of them.
    ports: BTreeMap<WatchDescriptor, usize>,
    folder: Option<Folder>,
}

/// The exchange's folder, with the files by which power is cut.
#[derive(Debug)]
struct Folder {
    watch: WatchDescriptor,
    path: PathBuf,
    /// Which file is for which port.
    files: BTreeMap<OsString, usize>,
}

impl Presence {
    pub(super) fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        Ok(Self { inotify, ports: BTreeMap::new(), folder: None })
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

    /// Watches the folder for files that cut the power of these modems, in the order of their ports.
    pub(super) fn watch_folder<'a>(
        &mut self,
        path: &Path,
        names: impl Iterator<Item = &'a str>,
    ) -> io::Result<()> {
        let watch = self.inotify.add_watch(path, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO)?;
        let files = names.enumerate().map(|(port, name)| (OsString::from(format!("{name}.power")), port));
        self.folder = Some(Folder { watch, path: path.to_owned(), files: files.collect() });
        Ok(())
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
                if let Some(folder) = self.folder.as_ref().filter(|folder| folder.watch == event.wd) {
                    let name = event.name.unwrap_or_default();
                    if let Some(port) = folder.files.get(&name) {
                        // It has said what it had to; failing to remove it only leaves it lying there.
                        let _ = std::fs::remove_file(folder.path.join(&name));
                        changes.push_back(Change::Power(*port));
                    }
                    continue;
                }
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
