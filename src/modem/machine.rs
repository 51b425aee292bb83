//! The face that the pure machines of this room (set-up, identification, hang-up) share: what goes in, what comes out.
//!
//! A machine has no clock and no I/O. Whoever drives it does the actions in order, feeds what happened, and calls
//! again when the deadline has passed; extra calls are harmless.

use crate::model::Mono;

use super::codec::Token;

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A token from the modem.
    Token(&'a Token),
    /// A modem-control line changed, or was read.
    Signal(Signal, bool),
    /// The port was closed and opened again, as asked.
    Reopened,
    /// Time has passed; the deadline may have come.
    Time,
}

/// A modem-control line that comes to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Data carrier detect.
    Dcd,
    /// Data set ready.
    Dsr,
    /// Ring indicator.
    Ri,
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write these bytes.
    Write(Vec<u8>),
    /// Raise or drop DTR.
    Dtr(bool),
    /// Close the port with HUPCL, open it again, tell [`Input::Reopened`].
    Reopen,
    /// Throw away what has come in and not been read.
    Drain,
}

/// Where a machine stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Progress<T> {
    /// It waits; call it with [`Input::Time`] at this instant if nothing else happens.
    Until(Mono),
    /// It is done.
    Done(T),
}

/// What a port can do, as found when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortFacts {
    /// It has modem-control lines (a pty has none).
    pub has_signals: bool,
    /// DCD as read at opening, where it has one.
    pub dcd_at_open: bool,
}
