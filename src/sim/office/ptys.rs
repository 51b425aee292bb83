//! Ports that are ptys, as the exchange's thread sees them: their links, who has them open, what is read and written.
//!
//! A pty has no modem-control lines (libraries.md S3): that a program has it open stands for DTR, and a carrier that falls
//! is told to a session on it by taking the pty away.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::poll::PollFlags;
use nix::sys::inotify::WatchDescriptor;

use crate::modem::port::Signal;

use super::worker::{READ_BYTES, READ_BYTES_MAX, Worker};
use crate::sim::error::SimError;
use crate::sim::exchange::Input;
use crate::sim::fault::FaultKind;
use crate::sim::presence::{Change, Presence};
use crate::sim::pty::Pty;

/// A port with its link.
#[derive(Debug)]
pub(super) struct PtyPort {
    link: PathBuf,
    /// Its pty; none while it is vanished.
    at: Option<Place>,
    /// How many programs have it open, as far as events tell.
    opens: u32,
    was_open: bool,
}

#[derive(Debug)]
struct Place {
    pty: Pty,
    watch: WatchDescriptor,
}

impl PtyPort {
    /// A port in the folder `dir`, as its fault from the start has it.
    pub(super) fn open(
        index: usize,
        name: &str,
        dir: &Path,
        fault: Option<FaultKind>,
        presence: &mut Presence,
    ) -> Result<Self, SimError> {
        let mut port = Self { link: dir.join(name), at: None, opens: 0, was_open: false };
        if fault != Some(FaultKind::PortMissing) {
            port.make(index, presence)?;
        }
        if fault == Some(FaultKind::PortBusy)
            && let Some(at) = &port.at
        {
            at.pty.lock().map_err(|source| SimError::Pty { port: name.to_owned(), source })?;
        }
        Ok(port)
    }

    /// Where programs find it.
    pub(super) fn link(&self) -> &Path {
        &self.link
    }

    /// Its pty, unless it is vanished.
    pub(super) fn pty(&self) -> Option<&Pty> {
        self.at.as_ref().map(|place| &place.pty)
    }

    /// Writes, if it is there.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if let Some(place) = &mut self.at {
            place.pty.write(bytes);
        }
    }

    /// Reads what is there, and does nothing with it yet.
    fn read(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let Some(place) = &mut self.at else { return all };
        let mut bytes = [0; READ_BYTES];
        while all.len() < READ_BYTES_MAX
            && let Ok(Some(n @ 1..)) = place.pty.read(&mut bytes)
        {
            all.extend_from_slice(&bytes[..n]);
        }
        all
    }

    /// Whether this change of a line has to end a session on it.
    pub(super) fn is_hung_up_by(&self, signal: Signal, level: bool) -> bool {
        signal == Signal::Dcd && !level && self.pty().is_some_and(Pty::has_session)
    }

    fn make(&mut self, index: usize, presence: &mut Presence) -> Result<(), SimError> {
        let name = || self.link.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let pty = Pty::raw().map_err(|source| SimError::Pty { port: name(), source })?;
        let watch = presence.watch(index, pty.path()).map_err(SimError::System)?;
        if fs::symlink_metadata(&self.link).is_ok_and(|m| !m.file_type().is_symlink()) {
            return Err(SimError::Occupied(self.link.clone()));
        }
        // Made beside and moved over, so that there is never a moment without a link.
        let beside = self.link.with_file_name(format!(".{}.new", name()));
        let linked = fs::remove_file(&beside)
            .or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
            .and_then(|()| std::os::unix::fs::symlink(pty.path(), &beside))
            .and_then(|()| fs::rename(&beside, &self.link));
        linked.map_err(|source| SimError::Folder { path: self.link.clone(), source })?;
        self.at = Some(Place { pty, watch });
        self.opens = 0;
        Ok(())
    }

    /// Takes pty and link away.
    pub(super) fn unmake(&mut self, presence: &mut Presence) {
        if let Some(place) = self.at.take() {
            presence.unwatch(place.watch);
            // Only a link that still leads to this pty is ours to remove.
            if fs::read_link(&self.link).is_ok_and(|to| to == place.pty.path()) {
                let _ = fs::remove_file(&self.link);
            }
        }
        self.opens = 0;
        self.was_open = false;
    }
}

impl Worker {
    /// Ends the session whose terminal a port is, as a falling carrier does on a serial line. The kernel does that for a
    /// pty only when its master goes, so the next program gets another one.
    pub(super) fn hang_up_terminal(&mut self, port: usize) {
        let Some(pty) = self.ports[port].pty() else { return };
        // The old one goes only when the new one has its link, so that there is never a moment without a port.
        let old = pty.at.take();
        pty.was_open = false;
        if let Some(place) = &old {
            self.presence.unwatch(place.watch);
        }
        self.remake(port);
    }

    /// Puts a port back.
    pub(super) fn remake(&mut self, port: usize) {
        let Some(pty) = self.ports[port].pty() else { return };
        if let Err(error) = pty.make(port, &mut self.presence) {
            self.trouble(None, &error.to_string());
        }
    }

    /// A pty can be read, or take more.
    pub(super) fn serve_pty(&mut self, port: usize, flags: PollFlags) {
        let Some(pty) = self.ports[port].pty() else { return };
        if flags.contains(PollFlags::POLLOUT)
            && let Some(place) = &mut pty.at
        {
            place.pty.catch_up();
        }
        let bytes = pty.read();
        self.changes.extend(self.presence.changes());
        // If the port was closed and opened again meanwhile, what was read came after: an opening is always noticed before
        // what is written then. What an old program wrote last may be lost, as its call is.
        let closed = self.changes.iter().position(|c| *c == Change::Closed(port));
        if closed.is_some_and(|at| self.changes.iter().skip(at).any(|c| *c == Change::Opened(port))) {
            self.see_changes();
        }
        self.take_in(port, &bytes);
        // What was noticed by the way is not left until something else is noticed: a close that is seen only once a call
        // is under way would hang it up.
        if !self.changes.is_empty() {
            self.see_changes();
        }
    }

    fn take_in(&mut self, port: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        // Bytes can be quicker than the news of the opening.
        self.opened(port);
        let now = self.clock.now();
        self.handle(now, Input::Bytes(port, bytes));
    }

    /// Programs have opened or closed ports, or somebody has cut a modem's power.
    pub(super) fn see_changes(&mut self) {
        self.changes.extend(self.presence.changes());
        while let Some(change) = self.changes.pop_front() {
            match change {
                Change::Power(port) => {
                    let now = self.clock.now();
                    self.handle(now, Input::Power(port));
                }
                Change::Opened(port) => {
                    if let Some(pty) = self.ports[port].pty().filter(|pty| pty.at.is_some()) {
                        pty.opens += 1;
                        self.opened(port);
                    }
                }
                Change::Closed(port) => {
                    if self.ports[port].pty().is_some_and(|pty| pty.at.is_some()) {
                        self.closed(port);
                    }
                }
            }
        }
    }

    fn opened(&mut self, port: usize) {
        let Some(pty) = self.ports[port].pty() else { return };
        if !std::mem::replace(&mut pty.was_open, true) {
            let now = self.clock.now();
            self.handle(now, Input::Opened(port));
        }
    }

    /// A close was seen. DTR fell if nobody is left, or if by the count nobody was, before somebody opened it again.
    ///
    /// The count can be one too low if two programs opened the port within the µs that this thread takes to look: then a
    /// call is hung up too early, which is the safer error.
    fn closed(&mut self, port: usize) {
        // What was written before the close comes before it; but see `serve_pty`.
        let mut later = Vec::new();
        if !self.changes.contains(&Change::Opened(port)) {
            let bytes = self.ports[port].pty().map(PtyPort::read).unwrap_or_default();
            self.changes.extend(self.presence.changes());
            if self.changes.contains(&Change::Opened(port)) {
                later = bytes;
            } else {
                self.take_in(port, &bytes);
            }
        }
        let Some(elsewhere) = self.ask(port) else { return };
        let Some(pty) = self.ports[port].pty() else { return };
        let count = pty.opens.saturating_sub(1);
        let dropped = !elsewhere || count == 0;
        pty.opens = if dropped { 0 } else { count };
        if dropped && pty.was_open {
            pty.was_open = false;
            if let Some(place) = &mut pty.at
                && !elsewhere
            {
                place.pty.forget_output();
            }
            let now = self.clock.now();
            self.handle(now, Input::Closed(port));
        }
        self.take_in(port, &later);
    }

    /// Asks the pty whether anybody has it open. Our own opening and closing for that is not to be noticed, so the watch
    /// is lifted; what was noticed until then is kept.
    fn ask(&mut self, port: usize) -> Option<bool> {
        let place = self.ports[port].pty()?.at.as_mut()?;
        self.presence.unwatch(place.watch);
        self.changes.extend(self.presence.changes());
        let elsewhere = place.pty.is_open_elsewhere();
        let watch = self.presence.watch(port, place.pty.path());
        match (elsewhere, watch) {
            (Ok(elsewhere), Ok(watch)) => {
                place.watch = watch;
                Some(elsewhere)
            }
            (Err(error), _) | (_, Err(error)) => {
                self.trouble(None, &format!("a port can't be watched: {error}"));
                None
            }
        }
    }
}
