//! How the user stops a run: the first SIGINT or SIGTERM logs out and hangs up, the second drops all lines at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::call::machine::Cancel;
use crate::fleet::order::{Order, Told};
use crate::report::outcome::INTERRUPTED;

use super::{Failure, complain, note};

/// The run has ended, and a signal has another meaning from then on.
static OVER: AtomicBool = AtomicBool::new(false);

/// How long the last words of a run that is ended at once may take.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Listens from now on.
///
/// # Errors
/// The signals can't be listened for.
pub(super) fn listen() -> Result<mpsc::Receiver<Told>, Failure> {
    let mut wishes = Wishes::listen()
        .map_err(|error| Failure::wrong(format!("signals can't be listened for: {error}")))?;
    let (stop, stops) = mpsc::channel(2);
    tokio::spawn(async move {
        let mut next = Cancel::LogOut;
        let mut dropping = false;
        loop {
            wishes.next().await;
            if OVER.load(Ordering::Relaxed) {
                return;
            }
            match next {
                Cancel::LogOut => {
                    note(
                        "stopping: no more dials; calls log out and hang up (again: drop all lines at once)",
                    );
                }
                Cancel::HangUp if !dropping => {
                    dropping = true;
                    note("dropping all lines (again: end at once, whatever hangs)");
                }
                Cancel::HangUp => end_at_once(),
            }
            if stop.send(Order::stop(next)).await.is_err() {
                return;
            }
            next = Cancel::HangUp;
        }
    });
    Ok(stops)
}

/// Waits for a signal once the run is over, when there is nothing left to hang up.
pub(super) async fn impatience() {
    OVER.store(true, Ordering::Relaxed);
    match Wishes::listen() {
        Ok(mut wishes) => wishes.next().await,
        Err(_) => std::future::pending().await,
    }
}

/// The last resort of a user whose third signal comes: closing the ports hangs up, and the journal is on the disk.
#[expect(clippy::exit, reason = "the user asked for it for the third time; something hangs")]
fn end_at_once() {
    complain("ended at once; `lineman audit --resume` goes on");
    super::terminal::restore();
    // The viewer may get it out, unless it is the terminal that hangs.
    std::thread::park_timeout(LAST_WORDS);
    std::process::exit(i32::from(INTERRUPTED));
}

#[cfg(unix)]
use unix::Wishes;

/// Signals.
#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The user's wishes to stop.
    pub(super) struct Wishes {
        interrupt: Signal,
        terminate: Signal,
        hangup: Option<Signal>,
    }

    impl Wishes {
        pub(super) fn listen() -> std::io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                // A terminal that is closed stops the run as Ctrl-C does, unless the user said otherwise: `nohup`.
                hangup: if super::ignores_hangup(SignalKind::hangup().as_raw_value()) {
                    None
                } else {
                    Some(signal(SignalKind::hangup())?)
                },
            })
        }

        pub(super) async fn next(&mut self) {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                () = arrival(&mut self.hangup) => {}
            }
        }
    }

    async fn arrival(signal: &mut Option<Signal>) {
        match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// The user's wishes to stop where there are no signals: Ctrl-C.
#[cfg(not(unix))]
struct Wishes;

#[cfg(not(unix))]
impl Wishes {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether whoever started us had SIGHUP ignored, which listening for it would undo.
#[cfg(unix)]
fn ignores_hangup(hangup: i32) -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| is_ignored(&status, hangup))
}

/// Reads the mask of ignored signals in `/proc/PID/status`: hex, the lowest bit is signal 1.
#[cfg(any(unix, test))]
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1_u64.checked_shl(bit));
    mask.zip(bit).is_some_and(|(mask, bit)| mask & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_ignored_from_the_start_is_seen() {
        let status = "Name:\tlineman\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert!(is_ignored(status, 1) && is_ignored(status, 13));
        assert!(!is_ignored(status, 2) && !is_ignored(status, 0));
        assert!(!is_ignored("", 1) && !is_ignored("SigIgn:\tx\n", 1));
    }
}
