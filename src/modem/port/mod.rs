//! Ports: how we reach a modem. One handle for all kinds; nothing above knows which kind it holds.
//!
//! A port is used by one task. What comes in (bytes, edges of modem-control lines) is stamped at once and waited for
//! together; an idle port makes no wake-ups. What the bytes mean is the codec's matter, when to raise or drop DTR that
//! of the machines.

#[cfg(not(unix))]
mod com;
mod error;
#[cfg(unix)]
mod lock;
pub mod memory;
#[cfg(unix)]
mod serial;
#[cfg(unix)]
mod signals;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::model::Mono;

use super::clock::Clock;
use super::machine::PortFacts;
/// The modem lines that a port tells of, or can drive.
pub use super::machine::Signal;
#[cfg(not(unix))]
use com::SerialPort;
pub use error::{Owner, PortError};
use memory::{Door, MemoryPort};
#[cfg(unix)]
use serial::SerialPort;

/// Speed between us and the modem unless said otherwise, in bit/s.
pub const BAUD_DEFAULT: u32 = 115_200;

/// Where lock files lie unless said otherwise.
pub const LOCK_DIR_DEFAULT: &str = "/var/lock";

/// How long a port without modem-control lines stays closed when it is reopened: for the other side of a pty, which is
/// woken by the hang-up, to see it before it is gone again. Every call to a console that keeps its carrier waits for it.
pub const REOPEN_PAUSE_DATA: Duration = Duration::from_millis(10);

/// How long a port with modem-control lines stays closed when it is reopened: DTR must be low for longer than any
/// modem's S25 asks (modems.md 1.7), and the line on-hook for longer than a flash.
pub const REOPEN_PAUSE_LINES: Duration = Duration::from_millis(500);

/// How to reach a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortPath {
    /// A tty: a serial line, or a pty.
    Tty(PathBuf),
    /// In memory; made by tests, never by a file.
    Memory(Door),
}

/// Why a text is no port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortPathError {
    /// Nothing there.
    #[error("is empty; write the path of a tty, as `/dev/ttyUSB0`")]
    Empty,
    /// A scheme that this version can't open.
    #[error("`{0}` names a port over the network, which this version can't open; write the path of a tty")]
    Network(String),
    /// A scheme that is none of ours.
    #[error("`{0}` is no port; write the path of a tty, as `/dev/ttyUSB0`")]
    Scheme(String),
    /// A NUL can't be in a path.
    #[error("holds a NUL")]
    Nul,
}

impl FromStr for PortPath {
    type Err = PortPathError;

    fn from_str(text: &str) -> Result<Self, PortPathError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(PortPathError::Empty);
        }
        if text.contains('\0') {
            return Err(PortPathError::Nul);
        }
        match text.split_once("://") {
            Some(("rfc2217" | "tcp", _)) => Err(PortPathError::Network(text.to_owned())),
            Some(_) => Err(PortPathError::Scheme(text.to_owned())),
            None => Ok(Self::Tty(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for PortPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tty(path) => path.display().fmt(f),
            Self::Memory(door) => door.fmt(f),
        }
    }
}

/// How a port is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortOptions {
    /// Speed in bit/s. Always 8 data bits, no parity, 1 stop bit.
    pub baud: u32,
    /// RTS/CTS flow control, on real ports; a pty has none.
    pub rtscts: bool,
    /// Where UUCP lock files lie.
    pub lock_dir: PathBuf,
}

impl Default for PortOptions {
    fn default() -> Self {
        Self { baud: BAUD_DEFAULT, rtscts: true, lock_dir: PathBuf::from(LOCK_DIR_DEFAULT) }
    }
}

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortEvent {
    /// Bytes from the modem, never empty.
    Bytes(Vec<u8>, Mono),
    /// A modem-control line went to this level.
    Signal(Signal, bool, Mono),
    /// The port is gone, and why. Told once; only [`Port::reopen`] can help.
    Closed(String),
}

/// An open port, held exclusively.
///
/// Dropping it closes it and lets go of its locks; [`Port::close`] does so and waits for it.
#[derive(Debug)]
pub struct Port(Kind);

#[derive(Debug)]
enum Kind {
    Serial(Box<SerialPort>),
    Memory(MemoryPort),
}

impl Port {
    /// Opens and locks a port. What came in before is thrown away.
    pub async fn open(path: &PortPath, options: &PortOptions, clock: Clock) -> Result<Self, PortError> {
        match path {
            PortPath::Tty(path) => {
                SerialPort::open(path, options, clock).await.map(|port| Self(Kind::Serial(Box::new(port))))
            }
            PortPath::Memory(door) => door.open().map(|port| Self(Kind::Memory(port))),
        }
    }

    /// What it can do, as found when it was last opened.
    pub fn facts(&self) -> PortFacts {
        match &self.0 {
            Kind::Serial(port) => port.facts(),
            Kind::Memory(port) => port.facts(),
        }
    }

    /// [`Self::facts`] with DCD as it is now, where it can be read.
    pub fn facts_now(&mut self) -> PortFacts {
        let facts = self.facts();
        PortFacts { dcd_at_open: self.level(Signal::Dcd).unwrap_or(facts.dcd_at_open), ..facts }
    }

    /// Its path as the user wrote it.
    pub fn path(&self) -> String {
        match &self.0 {
            Kind::Serial(port) => port.path(),
            Kind::Memory(port) => port.path(),
        }
    }

    /// Waits for what comes next. Cancel-safe. After [`PortEvent::Closed`] it waits for ever, so that no caller can
    /// spin on a dead port.
    pub async fn next(&mut self) -> PortEvent {
        match &mut self.0 {
            Kind::Serial(port) => port.next().await,
            Kind::Memory(port) => port.next().await,
        }
    }

    /// Writes all of `bytes` and, on real ports, waits until they have left the driver; tells when that was. Not
    /// cancel-safe: let the limit end it. What could not be written within the limit is thrown away, so that it can't
    /// go out later.
    pub async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<Mono, PortError> {
        match &mut self.0 {
            Kind::Serial(port) => port.write(bytes, limit).await,
            Kind::Memory(port) => port.write(bytes, limit).await,
        }
    }

    /// Raises or drops DTR. Does nothing where the port has no such line ([`PortFacts::has_signals`]).
    pub fn dtr(&mut self, up: bool) -> Result<(), PortError> {
        match &mut self.0 {
            Kind::Serial(port) => port.dtr(up),
            Kind::Memory(port) => port.dtr(up),
        }
    }

    /// The level of a line now; `None` where the port has none or can't be read.
    pub fn level(&mut self, signal: Signal) -> Option<bool> {
        match &mut self.0 {
            Kind::Serial(port) => port.level(signal),
            Kind::Memory(port) => port.level(signal),
        }
    }

    /// Throws away the bytes that came in and were not read. Edges stay.
    pub fn drain_input(&mut self) -> Result<(), PortError> {
        match &mut self.0 {
            Kind::Serial(port) => port.drain_input(),
            Kind::Memory(port) => port.drain_input(),
        }
    }

    /// Says whether a call waits for edges: drivers that can't wait for them are polled only while this is on.
    pub fn watch(&mut self, on: bool) {
        match &mut self.0 {
            Kind::Serial(port) => port.watch(on),
            Kind::Memory(_) => {}
        }
    }

    /// Closes the port so that the modem hangs up (HUPCL, DTR falls; a pty's other side sees its hang-up), waits
    /// [`REOPEN_PAUSE_DATA`] or [`REOPEN_PAUSE_LINES`], opens it again. The lock file stays ours. After an error the
    /// port is closed, and this may be tried again.
    pub async fn reopen(&mut self, limit: Duration) -> Result<(), PortError> {
        match &mut self.0 {
            Kind::Serial(port) => port.reopen(limit).await,
            Kind::Memory(port) => port.reopen(limit).await,
        }
    }

    /// Closes the port, lets go of its locks, and waits until that is done.
    pub async fn close(self) {
        match self.0 {
            Kind::Serial(port) => port.close().await,
            Kind::Memory(port) => drop(port),
        }
    }
}

#[cfg(test)]
mod tests;
