//! Why a port can't be had or used, and what fault that makes of it.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::model::Fault;

/// Who holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The process.
    pub pid: u32,
    /// Its name, where the kernel tells it.
    pub name: Option<String>,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "`{name}` (pid {})", self.pid),
            None => write!(f, "pid {}", self.pid),
        }
    }
}

fn by(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| "another program".to_owned(), Owner::to_string)
}

/// Why a port can't be had or used.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Another program, or another port of ours, holds it.
    #[error("port `{path}` is held by {}", by(owner.as_ref()))]
    Busy {
        /// The port.
        path: String,
        /// Who, where it can be found out.
        owner: Option<Owner>,
    },
    /// There is no such path.
    #[error("port `{path}` does not exist; is the modem plugged in?")]
    Missing {
        /// The port.
        path: String,
    },
    /// The path is there, and is no terminal line.
    #[error("port `{path}` is no tty")]
    NotATty {
        /// The port.
        path: String,
    },
    /// We may not open it.
    #[error("port `{path}` may not be opened by this user; members of its group (often `dialout`) may")]
    Denied {
        /// The port.
        path: String,
    },
    /// It could not be opened or set up for another reason.
    #[error("port `{path}` could not be opened")]
    Open {
        /// The port.
        path: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Its server can't be reached, or does not give us the port.
    #[error("port `{path}` can't be reached")]
    Connect {
        /// The port.
        path: String,
        /// What the network, or the server, said.
        #[source]
        source: io::Error,
    },
    /// Its server says that it is in use.
    #[error("port `{path}` is in use; its server said `{said}`")]
    Refused {
        /// The port.
        path: String,
        /// The server's words.
        said: String,
    },
    /// It was there, and is gone.
    #[error("port `{path}` is gone: {detail}")]
    Lost {
        /// The port.
        path: String,
        /// How that showed.
        detail: String,
    },
    /// Bytes were not taken within the limit: what was left of them was thrown away.
    #[error("port `{path}` did not send {length} bytes in {limit:?}, its driver took {written}; is CTS low?")]
    Stalled {
        /// The port.
        path: String,
        /// Bytes that the driver took.
        written: usize,
        /// Bytes there were.
        length: usize,
        /// The limit.
        limit: Duration,
    },
    /// Closing and opening again took longer than its limit.
    #[error("port `{path}` could not be closed and opened again in {limit:?}")]
    Timeout {
        /// The port.
        path: String,
        /// The limit.
        limit: Duration,
    },
}

impl PortError {
    /// The fault that this makes.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Busy { .. } | Self::Refused { .. } => Fault::PortBusy,
            Self::Missing { .. }
            | Self::NotATty { .. }
            | Self::Denied { .. }
            | Self::Open { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. } => Fault::PortOpenFailed,
            Self::Lost { .. } => Fault::PortLost,
            Self::Stalled { .. } => Fault::ModemSilent,
        }
    }

    /// The sentence with its cause, for a `detail`.
    pub fn detail(&self) -> String {
        match self {
            Self::Open { source, .. } | Self::Connect { source, .. } => format!("{self}: {source}"),
            other => other.to_string(),
        }
    }
}
