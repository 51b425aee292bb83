//! A port in memory, for tests under paused time and for the simulated exchange: bytes and modem-control lines both
//! ways, back-pressure, hang-ups, a port that vanishes and comes back.
//!
//! [`Door`] is what stands for the path: as long as it lives the port can be opened, closed and opened again, like a
//! tty. [`MemoryEnd`] is the modem's side.

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::Mono;

use super::{Owner, Port, PortError, PortEvent, REOPEN_PAUSE_DATA, REOPEN_PAUSE_LINES};
use crate::modem::clock::Clock;
use crate::modem::machine::{PortFacts, Signal};

/// Bytes that one direction holds before its writer has to wait: about what a tty holds.
pub const BUFFER_BYTES: usize = 4096;

/// Which wires the cable has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wires {
    /// Data alone, as on a pty.
    Data,
    /// Data, DTR, DCD, DSR and RI.
    DataAndLines,
}

/// What the modem's side sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndEvent {
    /// Bytes that were written to the modem.
    Bytes(Vec<u8>),
    /// DTR was raised or dropped on the open port.
    Dtr(bool),
    /// The port was opened; with lines, DTR rose.
    Opened,
    /// The port was closed: a hang-up. With lines, DTR fell.
    Closed,
}

/// An open port and the modem's side of it, with modem-control lines. Its `Opened` has been seen already.
pub fn pair(clock: Clock) -> (Port, MemoryEnd) {
    pair_with(clock, Wires::DataAndLines)
}

/// An open port and the modem's side of it.
pub fn pair_with(clock: Clock, wires: Wires) -> (Port, MemoryEnd) {
    let (door, end) = door(clock, wires);
    let opening = {
        let mut state = end.cable.lock();
        state.dtr = wires == Wires::DataAndLines;
        state.open()
    };
    let port = MemoryPort { door, opening, told_closed: false, dcd_at_open: false };
    (Port(super::Kind::Memory(port)), end)
}

/// A port that can be opened, and the modem's side of it. Nothing is open yet.
pub fn door(clock: Clock, wires: Wires) -> (Door, MemoryEnd) {
    let cable = Arc::new(Cable {
        clock,
        wires,
        state: Mutex::default(),
        port_wakes: Notify::new(),
        port_has_room: Notify::new(),
        end_wakes: Notify::new(),
        end_has_room: Notify::new(),
    });
    (Door(Arc::new(Key(Arc::clone(&cable)))), MemoryEnd { cable })
}

struct Cable {
    clock: Clock,
    wires: Wires,
    state: Mutex<State>,
    /// Something is there for the port's side to take.
    port_wakes: Notify,
    /// The port's side took bytes: the modem's side may go on sending.
    port_has_room: Notify,
    end_wakes: Notify,
    end_has_room: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// No door and no port is left: nobody will ever open it again.
    forsaken: bool,
    /// Which opening of the port is in force, if one is.
    open: Option<u64>,
    openings: u64,
    vanished: bool,
    sabotaged: bool,
    jammed: bool,
    dtr: bool,
    dcd: bool,
    dsr: bool,
    ri: bool,
    to_port: VecDeque<PortEvent>,
    to_port_bytes: usize,
    to_end: VecDeque<EndEvent>,
    to_end_bytes: usize,
}

impl State {
    fn open(&mut self) -> u64 {
        self.jammed = false;
        self.openings += 1;
        self.open = Some(self.openings);
        self.openings
    }

    fn line(&mut self, signal: Signal) -> &mut bool {
        match signal {
            Signal::Dcd => &mut self.dcd,
            Signal::Dsr => &mut self.dsr,
            Signal::Ri => &mut self.ri,
        }
    }
}

impl Cable {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_lines(&self) -> bool {
        self.wires == Wires::DataAndLines
    }

    /// Opens the port: which opening this is, and the level of DCD.
    fn open(&self) -> Result<(u64, bool), PortError> {
        let mut state = self.lock();
        if state.vanished {
            return Err(PortError::Missing { path: PATH.to_owned() });
        }
        if state.open.is_some() {
            let owner = Some(Owner { pid: std::process::id(), name: None });
            return Err(PortError::Busy { path: PATH.to_owned(), owner });
        }
        let opening = state.open();
        state.dtr = self.has_lines();
        state.to_port.clear();
        state.to_port_bytes = 0;
        state.to_end.push_back(EndEvent::Opened);
        let dcd = state.dcd && self.has_lines();
        drop(state);
        self.end_wakes.notify_one();
        Ok((opening, dcd))
    }

    /// Closes the port if this opening of it is in force.
    fn close(&self, opening: u64) {
        let mut state = self.lock();
        if state.open != Some(opening) {
            return;
        }
        state.open = None;
        state.dtr = false;
        state.to_end.push_back(EndEvent::Closed);
        drop(state);
        self.end_wakes.notify_one();
        self.port_has_room.notify_one();
    }
}

impl fmt::Debug for Cable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cable").field("wires", &self.wires).finish_non_exhaustive()
    }
}

/// What stands for the path of a port in memory. Two doors are equal if they lead to the same port.
#[derive(Debug, Clone)]
pub struct Door(Arc<Key>);

/// One for all doors and ports of a cable: with the last of them the modem's side ends.
#[derive(Debug)]
struct Key(Arc<Cable>);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.lock().forsaken = true;
        self.0.end_wakes.notify_one();
        self.0.port_has_room.notify_one();
    }
}

const PATH: &str = "memory";

impl Door {
    fn cable(&self) -> &Cable {
        &self.0.0
    }

    pub(super) fn open(&self) -> Result<MemoryPort, PortError> {
        let (opening, dcd_at_open) = self.cable().open()?;
        Ok(MemoryPort { door: self.clone(), opening, told_closed: false, dcd_at_open })
    }

    /// Lets nothing that is done on the port come to an end, for as long as it is open: what a driver does that is stuck, for
    /// tests of who notices.
    pub fn jam(&self) {
        self.cable().lock().jammed = true;
        self.cable().port_wakes.notify_one();
    }

    /// Makes whoever reads the port next panic, once: what a defect in the middle of a call does, for tests of what it
    /// costs.
    pub fn sabotage(&self) {
        self.cable().lock().sabotaged = true;
        self.cable().port_wakes.notify_one();
    }
}

impl PartialEq for Door {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Door {}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PATH)
    }
}

/// Our side of an open port.
#[derive(Debug)]
pub(super) struct MemoryPort {
    door: Door,
    opening: u64,
    told_closed: bool,
    dcd_at_open: bool,
}

impl MemoryPort {
    pub(super) fn facts(&self) -> PortFacts {
        PortFacts {
            has_signals: self.door.cable().has_lines(),
            dcd_at_open: self.dcd_at_open,
            ..PortFacts::BARE
        }
    }

    #[expect(clippy::unused_self, reason = "ports of all kinds have this face")]
    pub(super) fn path(&self) -> String {
        PATH.to_owned()
    }

    pub(super) async fn next(&mut self) -> PortEvent {
        let cable = self.door.cable();
        loop {
            if self.told_closed {
                pending::<()>().await;
            }
            let (event, sabotaged) = {
                let mut state = cable.lock();
                (state.to_port.pop_front(), std::mem::take(&mut state.sabotaged))
            };
            assert!(!sabotaged, "the port was sabotaged");
            match event {
                Some(PortEvent::Bytes(bytes, at)) => {
                    cable.lock().to_port_bytes -= bytes.len();
                    cable.port_has_room.notify_one();
                    return PortEvent::Bytes(bytes, at);
                }
                Some(event @ PortEvent::Closed(_)) => {
                    self.told_closed = true;
                    return event;
                }
                Some(event) => return event,
                None => cable.port_wakes.notified().await,
            }
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<Mono, PortError> {
        let cable = self.door.cable();
        if cable.lock().jammed {
            pending::<()>().await;
        }
        let mut written = 0;
        let all = async {
            while written < bytes.len() {
                let room = {
                    let mut state = cable.lock();
                    if state.open != Some(self.opening) {
                        return Err(self.lost());
                    }
                    let room = (BUFFER_BYTES - state.to_end_bytes).min(bytes.len() - written);
                    if room > 0 {
                        state.to_end_bytes += room;
                        state.to_end.push_back(EndEvent::Bytes(bytes[written..written + room].to_vec()));
                        written += room;
                    }
                    room
                };
                if room > 0 {
                    cable.end_wakes.notify_one();
                } else {
                    cable.end_has_room.notified().await;
                }
            }
            Ok(cable.clock.now())
        };
        tokio::time::timeout(limit, all).await.unwrap_or_else(|_| {
            Err(PortError::Stalled { path: PATH.to_owned(), written, length: bytes.len(), limit })
        })
    }

    pub(super) fn dtr(&mut self, up: bool) -> Result<(), PortError> {
        let cable = self.door.cable();
        let mut state = cable.lock();
        if state.open != Some(self.opening) {
            return Err(self.lost());
        }
        if cable.has_lines() && state.dtr != up {
            state.dtr = up;
            state.to_end.push_back(EndEvent::Dtr(up));
            drop(state);
            cable.end_wakes.notify_one();
        }
        Ok(())
    }

    pub(super) fn level(&self, signal: Signal) -> Option<bool> {
        let cable = self.door.cable();
        let mut state = cable.lock();
        (cable.has_lines() && state.open == Some(self.opening)).then(|| *state.line(signal))
    }

    pub(super) fn drain_input(&mut self) -> Result<(), PortError> {
        let cable = self.door.cable();
        let mut state = cable.lock();
        if state.open != Some(self.opening) {
            return Err(self.lost());
        }
        state.to_port.retain(|event| !matches!(event, PortEvent::Bytes(..)));
        state.to_port_bytes = 0;
        drop(state);
        cable.port_has_room.notify_one();
        Ok(())
    }

    pub(super) async fn reopen(&mut self, limit: Duration) -> Result<(), PortError> {
        let cable = self.door.cable();
        cable.close(self.opening);
        let pause = if cable.has_lines() { REOPEN_PAUSE_LINES } else { REOPEN_PAUSE_DATA };
        tokio::time::timeout(limit, tokio::time::sleep(pause))
            .await
            .map_err(|_| PortError::Timeout { path: PATH.to_owned(), limit })?;
        (self.opening, self.dcd_at_open) = cable.open().map_err(|error| match error {
            PortError::Missing { .. } => self.lost(),
            other => other,
        })?;
        self.told_closed = false;
        Ok(())
    }

    fn lost(&self) -> PortError {
        PortError::Lost { path: self.path(), detail: "the other side is gone".to_owned() }
    }
}

impl Drop for MemoryPort {
    fn drop(&mut self) {
        self.door.cable().close(self.opening);
    }
}

/// The modem's side. It stays when the port is closed, and sees it opened again. Each of its waits is for one task.
#[derive(Debug)]
pub struct MemoryEnd {
    cable: Arc<Cable>,
}

impl MemoryEnd {
    /// Waits for what the port's side does next; `None` when nobody is left who could open the port. Cancel-safe.
    pub async fn recv(&self) -> Option<EndEvent> {
        loop {
            {
                let mut state = self.cable.lock();
                let event = state.to_end.pop_front();
                if let Some(EndEvent::Bytes(bytes)) = &event {
                    state.to_end_bytes -= bytes.len();
                    self.cable.end_has_room.notify_one();
                }
                if event.is_some() || state.forsaken {
                    return event;
                }
            }
            self.cable.end_wakes.notified().await;
        }
    }

    /// Sends bytes to the port, stamped now. Waits while more than [`BUFFER_BYTES`] lie there unread. False if nobody
    /// has the port open: then what was left of them is lost, as on a tty. If it is cancelled, a part may have gone.
    pub async fn send(&self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = {
                let mut state = self.cable.lock();
                if state.open.is_none() {
                    return false;
                }
                let room = (BUFFER_BYTES - state.to_port_bytes).min(rest.len());
                if room > 0 {
                    let (now, later) = rest.split_at(room);
                    state.to_port_bytes += room;
                    state.to_port.push_back(PortEvent::Bytes(now.to_vec(), self.cable.clock.now()));
                    rest = later;
                }
                room
            };
            if room > 0 {
                self.cable.port_wakes.notify_one();
            } else {
                self.cable.port_has_room.notified().await;
            }
        }
        true
    }

    /// Sets a line that goes to the port. Does nothing if the cable has no lines.
    pub fn set(&self, signal: Signal, level: bool) {
        let mut state = self.cable.lock();
        if !self.cable.has_lines() || *state.line(signal) == level {
            return;
        }
        *state.line(signal) = level;
        if state.open.is_some() {
            state.to_port.push_back(PortEvent::Signal(signal, level, self.cable.clock.now()));
            drop(state);
            self.cable.port_wakes.notify_one();
        }
    }

    /// The level of DTR; false on a closed port and on a cable without lines.
    pub fn dtr(&self) -> bool {
        self.cable.lock().dtr
    }

    /// Whether the cable has modem-control lines.
    pub fn has_lines(&self) -> bool {
        self.cable.has_lines()
    }

    /// Whether the port is open.
    pub fn is_open(&self) -> bool {
        self.cable.lock().open.is_some()
    }

    /// The port vanishes, as when an adapter is pulled out: who has it open is told, and opening it fails.
    pub fn vanish(&self) {
        let mut state = self.cable.lock();
        state.vanished = true;
        if state.open.take().is_some() {
            state.dtr = false;
            state.to_port.push_back(PortEvent::Closed("the other side is gone".to_owned()));
        }
        drop(state);
        self.cable.port_wakes.notify_one();
        self.cable.end_has_room.notify_one();
    }

    /// A port that vanished is there again, closed.
    pub fn restore(&self) {
        self.cable.lock().vanished = false;
    }
}

impl Drop for MemoryEnd {
    fn drop(&mut self) {
        self.vanish();
    }
}

#[cfg(test)]
mod tests;
