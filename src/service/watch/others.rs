//! Where there is no inotify: what the crate `notify` has for that system.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Woken;
use super::places::Places;

/// Events that wait for the watch; more are as good as one.
const EVENTS_MAX: usize = 1_024;

/// Ends the wait when it is dropped.
#[derive(Debug)]
pub(super) struct Stop(SyncSender<Option<Event>>);

impl Drop for Stop {
    fn drop(&mut self) {
        // Where it is full the thread wakes anyway, and finds the next one.
        let _ = self.0.try_send(None);
    }
}

/// Waits for the system's word.
#[derive(Debug)]
pub(super) struct Waiter {
    watcher: RecommendedWatcher,
    events: Receiver<Option<Event>>,
    watched: BTreeSet<PathBuf>,
    names: BTreeSet<OsString>,
}

impl Waiter {
    pub(super) fn start() -> io::Result<(Self, Stop)> {
        let (tell, events) = sync_channel(EVENTS_MAX);
        let stop = Stop(tell.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event
                && let Err(TrySendError::Disconnected(_)) = tell.try_send(Some(event))
            {
                tracing::trace!("nobody watches files any more");
            }
        })
        .map_err(io::Error::other)?;
        Ok((Self { watcher, events, watched: BTreeSet::new(), names: BTreeSet::new() }, stop))
    }

    /// Watches these places from now on, and no others.
    pub(super) fn arm(&mut self, places: &Places) {
        let wanted: BTreeSet<PathBuf> = places.names.keys().cloned().collect();
        for old in self.watched.difference(&wanted) {
            // The folder may be gone, and its watch with it.
            let _ = self.watcher.unwatch(old);
        }
        for folder in &wanted {
            if let Err(error) = self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %folder.display(), %error, "a folder of the configuration can't be watched");
            }
        }
        self.watched = wanted;
        self.names = places.names.values().flatten().cloned().collect();
    }

    /// Waits until something happens, or for so long at most.
    pub(super) fn wait(&mut self, limit: Option<Duration>) -> Woken {
        let event = match limit {
            None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(limit) => self.events.recv_timeout(limit),
        };
        match event {
            Ok(Some(event)) if self.matters(&event) => Woken::Changed,
            Ok(Some(_)) => Woken::Idly,
            Err(RecvTimeoutError::Timeout) => Woken::Quiet,
            Ok(None) | Err(RecvTimeoutError::Disconnected) => Woken::Stopped,
        }
    }

    fn matters(&self, event: &Event) -> bool {
        let is_named =
            || event.paths.iter().filter_map(|path| path.file_name()).any(|n| self.names.contains(n));
        !matches!(event.kind, EventKind::Access(_)) && (event.need_rescan() || is_named())
    }
}
