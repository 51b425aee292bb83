//! A real program behind a line: on a pty of its own that is its controlling terminal, for one call.
//!
//! It is started through setsid(1) of util-linux, since a new session needs code between fork and exec, which would be
//! `unsafe` here. A thread of its own waits for its end without reaping it, so that its pid stays ours until we
//! reap it: a signal can never hit a stranger.

use std::io;
use std::os::fd::BorrowedFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::model::Mono;

use super::pty::Pty;

/// How long a program may take to end after its terminal is gone, and again after SIGTERM.
const GRACE: Duration = Duration::from_millis(500);

/// A running program.
#[derive(Debug)]
pub(super) struct Program {
    /// Its terminal; closed at hang-up.
    pty: Option<Pty>,
    child: Child,
    /// What comes next if it does not end by itself.
    next: Option<(Mono, Signal)>,
}

impl Program {
    /// Starts it. `ended` is called from another thread when it has ended.
    pub(super) fn start(argv: &[String], ended: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let pty = Pty::cooked()?;
        let slave = pty.open_slave()?;
        // Not a group leader, so setsid(1) needs no fork and the pid is the program's own.
        let mut child = Command::new("setsid")
            .arg("--ctty")
            .arg("--")
            .args(argv)
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave.try_clone()?))
            .stderr(Stdio::from(slave))
            .spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let waiter = std::thread::Builder::new().name("sim-program".to_owned()).spawn(move || {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(pid), flags) == Err(nix::errno::Errno::EINTR) {}
            ended();
        });
        if let Err(error) = waiter {
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
        Ok(Self { pty: Some(pty), child, next: None })
    }

    /// For polling, while its terminal is open.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pty.as_ref().map(Pty::fd)
    }

    /// Bytes wait to be written.
    pub(super) fn is_behind(&self) -> bool {
        self.pty.as_ref().is_some_and(Pty::is_behind)
    }

    /// Its terminal.
    pub(super) fn pty(&mut self) -> Option<&mut Pty> {
        self.pty.as_mut()
    }

    /// Hangs up: its terminal goes, which sends SIGHUP; if that does not help, more follows.
    pub(super) fn hang_up(&mut self, now: Mono) {
        if self.pty.take().is_some() {
            self.next = Some((now + GRACE, Signal::SIGTERM));
        }
    }

    /// When more has to follow.
    pub(super) fn deadline(&self) -> Option<Mono> {
        self.next.map(|(at, _)| at)
    }

    /// Does what is due. True once it has ended and is reaped.
    pub(super) fn is_over(&mut self, now: Mono) -> bool {
        match self.child.try_wait() {
            Ok(None) => {}
            // Ended, or never ours to wait for.
            Ok(Some(_)) | Err(_) => return true,
        }
        if let Some((_, signal)) = self.next.filter(|(at, _)| *at <= now) {
            // It has not been reaped, so the pid is still its own. A failure means that it is ending right now.
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), signal);
            self.next = Some((now + GRACE, Signal::SIGKILL));
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.pty = None;
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
