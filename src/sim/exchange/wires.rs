//! The wires of a port: what DCD, DSR, RI and CTS say at each instant, and when they change.
//!
//! They follow from what a modem is set to and what it hears (modems.md 1.6): DSR is on always (`&S0`), or from answer tone to
//! the loss of the carrier (`&S1`); DCD is on always (`&C0`), or follows the carrier (`&C1`); RI is on during each burst of
//! a call that comes in. CTS is on for as long as the modem is, since nothing here is slow to take what is sent.

use crate::modem::port::Signal;

use super::{Engine, Output};

/// The levels of a port's wires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Levels {
    /// Carrier.
    pub dcd: bool,
    /// The modem is ready, or hears answer tone.
    pub dsr: bool,
    /// A call comes in.
    pub ri: bool,
    /// It takes what is sent.
    pub cts: bool,
}

impl Engine {
    /// Tells what has changed on a port's wires.
    pub(super) fn wires(&mut self, port: usize) {
        let seat = &mut self.seats[port];
        let there = !seat.vanished;
        let now = Levels {
            dcd: there && (seat.carrier || !seat.modem.dcd_follows()),
            dsr: there && (seat.tone || !seat.modem.dsr_follows()),
            ri: there && seat.ringing,
            cts: there,
        };
        let before = std::mem::replace(&mut seat.levels, now);
        for (signal, was, is) in [
            (Signal::Ri, before.ri, now.ri),
            (Signal::Dsr, before.dsr, now.dsr),
            (Signal::Dcd, before.dcd, now.dcd),
        ] {
            if was != is {
                self.out.push_back(Output::Signal(port, signal, is));
            }
        }
    }
}
