//! Ports: how we reach a modem. One handle for all kinds; nothing above knows which kind it holds.
//!
//! A port is used by one task. What comes in (bytes, edges of modem-control lines) is stamped at once and waited for
//! together; an idle port makes no wake-ups. What the bytes mean is the codec's matter, when to raise or drop DTR that
//! of the machines.

mod address;
#[cfg(not(unix))]
mod com;
mod error;
mod files;
pub mod list;
#[cfg(unix)]
mod lock;
pub mod memory;
mod remote;
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
pub use address::{Address, AddressError};
#[cfg(not(unix))]
use com::SerialPort;
pub use error::{Owner, PortError};
pub use files::allow_files;
use memory::{Door, MemoryPort};
use remote::{Place, RemotePort, Scheme};
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
    /// On a server, with its speed and its modem-control lines: telnet with the com port option (RFC 2217).
    Rfc2217(Address),
    /// On a server, over telnet without that option.
    Telnet(Address),
    /// On a server, as raw bytes over TCP.
    Tcp(Address),
    /// In memory; made by tests, never by a file.
    Memory(Door),
}

/// Why a text is no port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortPathError {
    /// Nothing there.
    #[error("is empty; write the path of a tty, as `/dev/ttyUSB0`, or `rfc2217://host:port`")]
    Empty,
    /// A port on a server whose address makes no sense.
    #[error("is no address of a port: {why}; write it as `{scheme}://host:port`")]
    Address {
        /// The scheme as written.
        scheme: String,
        /// What is wrong.
        why: AddressError,
    },
    /// A scheme that is none of ours.
    #[error(
        "`{0}://` is no kind of port; write the path of a tty, or `rfc2217://host:port` (`telnet://`, `tcp://`)"
    )]
    Scheme(String),
    /// A NUL can't be in a path.
    #[error("holds a NUL")]
    Nul,
}

impl PortPath {
    /// The server's address, where the port is on one.
    pub const fn address(&self) -> Option<&Address> {
        match self {
            Self::Rfc2217(address) | Self::Telnet(address) | Self::Tcp(address) => Some(address),
            Self::Tty(_) | Self::Memory(_) => None,
        }
    }
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
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Tty(PathBuf::from(text)));
        };
        let kind = match scheme {
            "rfc2217" => Self::Rfc2217,
            "telnet" => Self::Telnet,
            "tcp" => Self::Tcp,
            _ => return Err(PortPathError::Scheme(scheme.to_owned())),
        };
        Address::parse(rest)
            .map(kind)
            .map_err(|why| PortPathError::Address { scheme: scheme.to_owned(), why })
    }
}

impl fmt::Display for PortPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tty(path) => path.display().fmt(f),
            Self::Rfc2217(address) => write!(f, "rfc2217://{address}"),
            Self::Telnet(address) => write!(f, "telnet://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
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
    Remote(Box<RemotePort>),
    Memory(MemoryPort),
}

impl Port {
    /// Opens and locks a port. What came in before is thrown away.
    pub async fn open(path: &PortPath, options: &PortOptions, clock: Clock) -> Result<Self, PortError> {
        match path {
            PortPath::Tty(path) => {
                SerialPort::open(path, options, clock).await.map(|port| Self(Kind::Serial(Box::new(port))))
            }
            PortPath::Rfc2217(address) => {
                Self::open_remote(path, Scheme::Rfc2217, address, options, clock).await
            }
            PortPath::Telnet(address) => {
                Self::open_remote(path, Scheme::Telnet, address, options, clock).await
            }
            PortPath::Tcp(address) => Self::open_remote(path, Scheme::Tcp, address, options, clock).await,
            PortPath::Memory(door) => door.open().map(|port| Self(Kind::Memory(port))),
        }
    }

    async fn open_remote(
        path: &PortPath,
        scheme: Scheme,
        address: &Address,
        options: &PortOptions,
        clock: Clock,
    ) -> Result<Self, PortError> {
        let place = Place { path: path.to_string(), address: address.clone(), scheme };
        RemotePort::open(place, options, clock).await.map(|port| Self(Kind::Remote(Box::new(port))))
    }

    /// What it can do, as found when it was last opened.
    pub fn facts(&self) -> PortFacts {
        match &self.0 {
            Kind::Serial(port) => port.facts(),
            Kind::Remote(port) => port.facts(),
            Kind::Memory(port) => port.facts(),
        }
    }

    /// [`Self::facts`] with DCD as it is now, where it can be read.
    pub fn facts_now(&mut self) -> PortFacts {
        let facts = self.facts();
        PortFacts { dcd_at_open: self.level(Signal::Dcd).unwrap_or(facts.dcd_at_open), ..facts }
    }

    /// Whether a program is behind it in place of a modem: a simulated one, whose time may be compressed.
    pub fn is_pty(&self) -> bool {
        matches!(&self.0, Kind::Serial(port) if port.is_pty())
    }

    /// Its path as the user wrote it.
    pub fn path(&self) -> String {
        match &self.0 {
            Kind::Serial(port) => port.path(),
            Kind::Remote(port) => port.path(),
            Kind::Memory(port) => port.path(),
        }
    }

    /// Waits for what comes next. Cancel-safe. After [`PortEvent::Closed`] it waits for ever, so that no caller can
    /// spin on a dead port.
    pub async fn next(&mut self) -> PortEvent {
        match &mut self.0 {
            Kind::Serial(port) => port.next().await,
            Kind::Remote(port) => port.next().await,
            Kind::Memory(port) => port.next().await,
        }
    }

    /// Writes all of `bytes` and, on real ports, waits until they have left the driver; tells when that was. On a server's
    /// port that is when they were handed to the network. Not cancel-safe: let the limit end it. What could not be
    /// written within the limit is thrown away, so that it can't go out later; a connection to a server is given up for
    /// that.
    pub async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<Mono, PortError> {
        match &mut self.0 {
            Kind::Serial(port) => port.write(bytes, limit).await,
            Kind::Remote(port) => port.write(bytes, limit).await,
            Kind::Memory(port) => port.write(bytes, limit).await,
        }
    }

    /// Raises or drops DTR. Does nothing where the port has no such line ([`PortFacts::has_signals`]).
    pub fn dtr(&mut self, up: bool) -> Result<(), PortError> {
        match &mut self.0 {
            Kind::Serial(port) => port.dtr(up),
            Kind::Remote(port) => port.dtr(up),
            Kind::Memory(port) => port.dtr(up),
        }
    }

    /// The level of a line now; `None` where the port has none or can't be read.
    pub fn level(&mut self, signal: Signal) -> Option<bool> {
        match &mut self.0 {
            Kind::Serial(port) => port.level(signal),
            Kind::Remote(port) => port.level(signal),
            Kind::Memory(port) => port.level(signal),
        }
    }

    /// Throws away the bytes that came in and were not read. Edges stay.
    pub fn drain_input(&mut self) -> Result<(), PortError> {
        match &mut self.0 {
            Kind::Serial(port) => port.drain_input(),
            Kind::Remote(port) => port.drain_input(),
            Kind::Memory(port) => port.drain_input(),
        }
    }

    /// Says whether a call waits for edges: drivers that can't wait for them are polled only while this is on.
    pub fn watch(&mut self, on: bool) {
        match &mut self.0 {
            Kind::Serial(port) => port.watch(on),
            // A server tells by itself.
            Kind::Remote(_) | Kind::Memory(_) => {}
        }
    }

    /// Closes the port so that the modem hangs up (HUPCL, DTR falls; a pty's other side sees its hang-up; a server is
    /// asked to drop DTR, and may not do it: [`PortFacts::may_stay_online`]), waits [`REOPEN_PAUSE_DATA`] or
    /// [`REOPEN_PAUSE_LINES`], opens it again. The lock file stays ours. After an error the
    /// port is closed, and this may be tried again.
    pub async fn reopen(&mut self, limit: Duration) -> Result<(), PortError> {
        match &mut self.0 {
            Kind::Serial(port) => port.reopen(limit).await,
            Kind::Remote(port) => port.reopen(limit).await,
            Kind::Memory(port) => port.reopen(limit).await,
        }
    }

    /// Closes the port, lets go of its locks, and waits until that is done.
    pub async fn close(self) {
        match self.0 {
            Kind::Serial(port) => port.close().await,
            Kind::Remote(port) => port.close().await,
            Kind::Memory(port) => drop(port),
        }
    }
}

#[cfg(test)]
mod tests;
