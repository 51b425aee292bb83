//! Tells when the files of a configuration have changed, without looking at them again and again.
//!
//! Editors put a new file in the place of the old one, and whoever deploys changes a link: so folders are watched, at each
//! turn that the way to a file takes, and for the names on that way alone. What comes in one go is told once. File systems
//! that are changed from another host (NFS) tell nothing: there a reload is asked for, by a signal or by control.

#[cfg(target_os = "linux")]
mod inotify;
#[cfg(not(target_os = "linux"))]
mod others;
mod places;

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

#[cfg(target_os = "linux")]
use self::inotify::{Stop, Waiter};
#[cfg(not(target_os = "linux"))]
use self::others::{Stop, Waiter};
use self::places::Places;
use crate::modem::clock::Clock;

/// How long it must be quiet before a change is told: an editor, a copy and a `git pull` take several steps.
const QUIET: Duration = Duration::from_millis(250);
/// A change is told no later than this, however long others follow.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
/// By so much a file's stamp may be behind the clock: the kernel stamps by its last tick. Less than [`QUIET`], so that what
/// was told once is not told again.
const STAMP_LAG: Duration = Duration::from_millis(50);
/// How often the way to the files is gone again when it changes while watches are set.
const LOOKS_MAX: u32 = 5;

/// A watch over files; ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    tell: mpsc::Sender<()>,
    told: mpsc::Receiver<()>,
    /// Its end is that of the thread at work.
    stop: Option<Stop>,
}

impl Watch {
    /// Watches nothing yet: see [`Watch::follow`].
    pub fn new() -> Self {
        let (tell, told) = mpsc::channel(1);
        Self { tell, told, stop: None }
    }

    /// Watches these files from now on, and no others. They need not be there (yet), nor their folders. One that has changed
    /// since `read_from`, when the reading of them began, is told at once: so no change is lost between a reading and the
    /// watch over what was read.
    ///
    /// Where the system has no watches left this is logged, and nothing will be told.
    pub fn follow(&mut self, files: impl IntoIterator<Item = PathBuf>, read_from: Timestamp) {
        let files: Vec<PathBuf> =
            files.into_iter().map(|file| std::path::absolute(&file).unwrap_or(file)).collect();
        let tell = self.tell.clone();
        let started = Waiter::start().and_then(|(mut waiter, stop)| {
            // Set before the old watch ends, and before anybody goes on.
            let places = arm(&mut waiter, &files);
            let changed = places.have_changed_since(read_from.checked_sub(STAMP_LAG).unwrap_or(read_from));
            thread::Builder::new()
                .name("files".to_owned())
                .spawn(move || watch(&mut waiter, &files, changed, &tell))?;
            Ok(stop)
        });
        match started {
            Ok(stop) => self.stop = Some(stop),
            Err(error) => {
                self.stop = None;
                tracing::warn!(%error, "nothing tells when a file of the configuration changes; ask for a reload");
            }
        }
    }

    /// The next time that files may have changed; several changes may be one. Cancel-safe.
    pub async fn next(&mut self) {
        if self.told.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// Something happened on the way to a file.
    Changed,
    /// Something else happened.
    Idly,
    /// The time is up.
    Quiet,
    /// Nobody listens any more.
    Stopped,
}

/// Sets the watches for all files, as the way to them is now.
fn arm(waiter: &mut Waiter, files: &[PathBuf]) -> Places {
    let mut places = Places::of(files);
    for _ in 0..LOOKS_MAX {
        waiter.arm(&places);
        // What changed before its watch was set told nobody.
        let again = Places::of(files);
        if again == places {
            break;
        }
        places = again;
    }
    places
}

fn watch(waiter: &mut Waiter, files: &[PathBuf], mut changed: bool, tell: &mpsc::Sender<()>) {
    let clock = Clock::start();
    let mut since = clock.now();
    loop {
        let left = TOLD_WITHIN.saturating_sub(clock.now().since(since)).min(QUIET);
        match waiter.wait(changed.then_some(left)) {
            Woken::Changed if !changed => {
                changed = true;
                since = clock.now();
            }
            Woken::Changed | Woken::Idly if !changed || clock.now().since(since) < TOLD_WITHIN => {}
            Woken::Changed | Woken::Idly | Woken::Quiet => {
                arm(waiter, files);
                changed = false;
                // A full channel has a word in it already.
                let _ = tell.try_send(());
            }
            Woken::Stopped => {
                if changed {
                    let _ = tell.try_send(());
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
