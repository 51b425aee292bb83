//! What a call is to do: everything that is decided before it.

use std::sync::Arc;
use std::time::Duration;

use crate::console::{Behind, Dialog};
use crate::model::event::Via;
use crate::model::{CallId, CredentialName, DialString, Line, ModemId, PhoneNumber, Price};

use super::{Limits, Quality, ShortDial, Tap};

/// One call to be made.
#[derive(Debug, Clone)]
pub struct CallSpec {
    /// Its id.
    pub call: CallId,
    /// The line, and the host that must answer there.
    pub line: Line,
    /// Number of the call within the line, from 1.
    pub attempt: u32,
    /// The modem that makes it.
    pub modem: ModemId,
    /// What follows `ATD`. It was screened.
    pub dial: DialString,
    /// The way, where it is not the line's own number without a carrier.
    pub via: Option<Via>,
    /// How to speak with the console; none stops after CONNECT.
    pub dialog: Option<Arc<Dialog>>,
    /// The consoles behind it that are to be seen in the same call, where it is a console server.
    pub consoles: Vec<Behind>,
    /// What to log in with; without one the console is checked up to its login prompt.
    pub credential: Option<CredentialName>,
    /// The rate of the modem's port, bit/s.
    pub port_bps: Option<u32>,
    /// Its limits.
    pub limits: Limits,
    /// A shorter dial limit, as long as nobody answers; only where another call can follow that has the full one.
    pub short_dial: Option<ShortDial>,
    /// What it is measured by, should it pass.
    pub quality: Quality,
    /// What it is charged by.
    pub price: Price,
    /// Time from one ring burst to the next where the line is, for modems that print a single RINGING.
    pub ring_cadence: Duration,
    /// Where a terminal looks on, or wants the console after the checks.
    pub tap: Option<Tap>,
}

impl CallSpec {
    /// The number that is called, which need not be the line's own.
    pub fn number(&self) -> &PhoneNumber {
        self.via.as_ref().and_then(|via| via.number.as_ref()).unwrap_or(&self.line.number)
    }

    /// From the CR of the dial command to the decision to hang up, at most.
    pub fn call_limit(&self) -> Duration {
        self.limits.call_with(self.dialog.as_deref(), &self.consoles)
    }
}
