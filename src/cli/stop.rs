//! How the user stops a run: the first SIGINT or SIGTERM logs out and hangs up, the second drops all lines at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::call::machine::Cancel;

use super::{Failure, complain};

/// Listens from now on.
///
/// # Errors
/// The signals can't be listened for.
pub(super) fn listen() -> Result<mpsc::Receiver<Cancel>, Failure> {
    let wrong = |error| Failure::wrong(format!("signals can't be listened for: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(wrong)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(wrong)?;
    // A terminal that is closed stops the run as Ctrl-C does.
    let mut hangup = signal(SignalKind::hangup()).map_err(wrong)?;
    let (stop, stops) = mpsc::channel(2);
    tokio::spawn(async move {
        let mut next = Cancel::LogOut;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            match next {
                Cancel::LogOut => complain(
                    "stopping: no more dials; calls log out and hang up (again: drop all lines at once)",
                ),
                Cancel::HangUp => complain("dropping all lines"),
            }
            if stop.send(next).await.is_err() {
                return;
            }
            next = Cancel::HangUp;
        }
    });
    Ok(stops)
}
