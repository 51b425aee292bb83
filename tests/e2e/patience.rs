//! Waiting for what other processes do: with a limit, and without sleeping.

use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The end of a child, if it comes within `limit`.
pub(crate) fn ended(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let mut status = None;
    wait_until(limit, || {
        status = child.try_wait().expect("a child of ours can be waited for");
        status.is_some()
    });
    status
}

/// Ends a child of ours: SIGTERM, and SIGKILL if that does not do within `limit`.
pub(crate) fn end(child: &mut Child, limit: Duration) {
    if child.try_wait().is_ok_and(|status| status.is_some()) {
        return;
    }
    // Not waited for yet, so the id is still its own.
    if let Ok(id) = i32::try_from(child.id()) {
        let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
    }
    if ended(child, limit).is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Waits for a condition, looking at it every few milliseconds; whether it came true within `limit`.
pub(crate) fn wait_until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if holds() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::park_timeout(Duration::from_millis(10));
    }
}
