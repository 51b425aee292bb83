//! The side channel between running calls and a terminal: bounded both ways, and never a reason for a call to wait.
//!
//! What it carries is in `live`. A terminal that takes nothing misses words, which are counted; keys that a call does not
//! take make the terminal wait.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

use super::live::{Key, Live, Wish};

/// Words that may wait for the terminal: a console's whole table at once.
const LIVE_MAX: usize = 1024;
/// Keys that may wait for the line.
const KEYS_WAITING_MAX: usize = 64;

/// The calls' end: goes into [`CallSpec::tap`](super::CallSpec). Clones are the same tap.
#[derive(Clone)]
pub struct Tap {
    wish: Wish,
    live: mpsc::Sender<Live>,
    missed: Arc<AtomicU64>,
    keys: Arc<Mutex<mpsc::Receiver<Key>>>,
}

/// The terminal's end.
#[derive(Debug)]
pub struct TapEnd {
    /// What calls tell. It ends once every [`Tap`] is gone.
    pub live: mpsc::Receiver<Live>,
    /// What goes to the call that was handed over.
    pub keys: mpsc::Sender<Key>,
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("wish", &self.wish).finish_non_exhaustive()
    }
}

impl Tap {
    /// A side channel for what is wished.
    pub fn new(wish: Wish) -> (Self, TapEnd) {
        let (live, live_in) = mpsc::channel(LIVE_MAX);
        let (keys, keys_in) = mpsc::channel(KEYS_WAITING_MAX);
        let tap = Self { wish, live, missed: Arc::default(), keys: Arc::new(Mutex::new(keys_in)) };
        (tap, TapEnd { live: live_in, keys })
    }

    /// What is wished of the calls.
    pub fn wish(&self) -> &Wish {
        &self.wish
    }

    /// Tells the terminal, if it takes it. True unless nobody is there any more.
    pub(crate) fn tell(&self, live: Live) -> bool {
        let missed = self.missed.swap(0, Ordering::Relaxed);
        let told = if missed > 0 { self.live.try_send(Live::Missed(missed)) } else { Ok(()) };
        match told.and_then(|()| self.live.try_send(live)) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.missed.fetch_add(missed + 1, Ordering::Relaxed);
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// The keys, for the call that is handed over: one at a time has them.
    pub(crate) fn keys(&self) -> Option<OwnedMutexGuard<mpsc::Receiver<Key>>> {
        Arc::clone(&self.keys).try_lock_owned().ok()
    }
}
