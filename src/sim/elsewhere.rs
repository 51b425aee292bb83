//! The exchange where it has no ports to offer: on systems other than Linux its ptys, its sockets' thread and the watch
//! on who opens them are missing. In memory it works everywhere.

use std::path::{Path, PathBuf};

use crate::modem::clock::Clock;

use super::error::SimError;
use super::exchange::Engine;
use super::log::Log;
use super::rfc2217::Manners;

/// There is none here.
#[derive(Debug)]
pub(super) enum Office {}

/// A port and where it is.
#[derive(Debug)]
pub(super) struct PortAt {
    pub(super) place: Place,
    /// One of our modems, not an answering one.
    pub(super) ours: bool,
}

/// Where a port is.
#[derive(Debug)]
pub(super) enum Place {
    Path(PathBuf),
    Url(String),
}

impl Office {
    /// Says that there is none.
    pub(super) fn open(
        _engine: Engine,
        _dir: &Path,
        _wires: Option<&Manners>,
        _clock: Clock,
        _log: Log,
    ) -> Result<(Self, Vec<PortAt>), SimError> {
        Err(SimError::NotHere)
    }

    pub(super) fn stop(&mut self) {
        match *self {}
    }
}
