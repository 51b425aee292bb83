//! Our own modems as numbers that can be called, and what is wrong with our own bench: dead modems and what revives them,
//! jacks without dial tone, deaf and noisy receivers, trunks that are full.

use std::time::Duration;

use crate::model::Mono;
use crate::sim::fault::{ClearedBy, FaultEntry, FaultKind, Occasion};
use crate::sim::file::{ConsoleKind, LineEntry, LinkEntry, ModemEntry};
use crate::sim::log::What;
use crate::sim::modem::{CallEnd, Mode};

use super::{Engine, Seat};

/// How long the ring counter S1 stands after a ring; until then some modems dial nothing (modems.md 1.4).
const RING_REST: Duration = Duration::from_secs(8);

/// The line by which a modem with a number of its own is reached: it rings for as long as the caller waits.
pub(super) fn line_of(modem: &ModemEntry) -> Option<LineEntry> {
    Some(LineEntry {
        id: modem.id.as_str().parse().ok()?,
        number: modem.number.clone()?,
        rings: 1,
        setup: None,
        ring: None,
        answer_after: None,
        train: None,
        error_control: None,
        link: LinkEntry::default(),
        console: ConsoleKind::None,
        hostname: None,
        username: None,
        password: None,
        banner: None,
        wake: false,
        syslog: false,
        after_logout: None,
        login_limit: None,
        consoles: Vec::new(),
        exec: None,
        answer_on: None,
        fault: None,
    })
}

impl Engine {
    /// How long the exchange has run, at its own pace.
    pub(super) fn since_start(&self) -> Duration {
        self.now.since(self.started.unwrap_or(self.now)).div_f64(self.file.pace)
    }

    /// What is wrong with a modem now.
    pub(super) fn modem_fault(&mut self, port: usize) -> Option<FaultEntry> {
        let since_start = self.since_start();
        let seat = &self.seats[port];
        let entry = seat.entry.as_ref()?;
        let call = if seat.call.is_some() { seat.calls } else { seat.calls + 1 };
        let on = Occasion { modem: &seat.name, call, line: None, attempt: 0, since_start };
        let fault = self.rules.of_modem(on, entry.fault.as_ref())?;
        let cured = self.seats[port].cured && fault.cleared_by.is_some();
        (!cured).then_some(fault)
    }

    /// What is wrong with a modem's own line or receiver, for all its calls.
    pub(super) fn bench_fault(&mut self, port: usize) -> Option<FaultEntry> {
        self.modem_fault(port).filter(|fault| fault.kind.is_of_bench())
    }

    /// It answers nothing: no command, no call.
    pub(super) fn is_dead(&mut self, port: usize) -> bool {
        let dead = self.modem_fault(port).is_some_and(|f| f.kind == FaultKind::Dead);
        let seat = &self.seats[port];
        dead || seat.wedged || seat.vanished
    }

    /// The port of a dead modem was closed for long enough, and is opened again.
    pub(super) fn revive_by_close(&mut self, now: Mono, port: usize) {
        let Some(closed) = self.seats[port].closed_at else { return };
        let Some(fault) = self.modem_fault(port) else { return };
        if fault.cleared_by == Some(ClearedBy::Close) && now.since(closed) >= self.paced(fault.after) {
            self.seats[port].wedged = false;
            self.seats[port].cured |= fault.kind == FaultKind::Dead;
        }
    }

    /// Its power was cut and is back: calls, settings, accounts and locks are gone.
    pub(super) fn power_cut(&mut self, now: Mono, port: usize) {
        if let Some(number) = self.seats[port].call {
            if self.is_called(port) {
                self.called_hangs_up(now, port, "power", CallEnd::CarrierLost);
            } else {
                let entries = self.end_call(now, number, CallEnd::Reset, Some("power"));
                self.flush(now, port, entries);
            }
        }
        let fault = self.modem_fault(port).filter(|fault| fault.kind == FaultKind::Dead);
        let cures = fault.is_some_and(|fault| fault.cleared_by.is_some());
        let seat = &mut self.seats[port];
        seat.modem.restart();
        seat.redials.clear();
        seat.outbox.clear();
        seat.gives_up = None;
        seat.wedged = false;
        seat.cured |= cures;
        self.log_port(port, What::PowerCut);
        self.wires(port);
    }

    /// The call at this port is one that comes in.
    pub(super) fn is_called(&self, port: usize) -> bool {
        let seat = &self.seats[port];
        let call = seat.call.and_then(|number| self.calls.get(&number));
        call.map_or(seat.entry.is_none(), |call| call.port != port)
    }

    /// A call comes in here right now, or did so a moment ago and the modem still counts its rings.
    pub(super) fn is_rung(&self, now: Mono, port: usize) -> bool {
        let seat = &self.seats[port];
        let counts = seat.modem.family().rests_after_ring
            && seat.last_ring.is_some_and(|at| now.since(at) < self.paced(RING_REST));
        (seat.call.is_some() && self.is_called(port)) || counts
    }

    /// Nobody can reach this modem: it is off-hook, rung by another, or no outside line is left for it.
    pub(super) fn is_engaged(&self, port: usize) -> bool {
        let seat = &self.seats[port];
        seat.call.is_some()
            || seat.modem.is_off_hook()
            || seat.modem.mode() != Mode::Command
            || self.trunk_use(seat).is_some_and(|(used, lines)| used >= lines)
    }

    /// No outside line is left for this modem, which counts itself.
    pub(super) fn trunk_is_full(&self, port: usize) -> bool {
        self.trunk_use(&self.seats[port]).is_some_and(|(used, lines)| used > lines)
    }

    /// How many of its trunk's lines are in use, and how many there are.
    fn trunk_use(&self, seat: &Seat) -> Option<(usize, usize)> {
        let trunk = seat.entry.as_ref()?.trunk.as_ref()?;
        let lines = self.file.trunks.get(trunk)?.lines as usize;
        let shares = |other: &&Seat| other.entry.as_ref().is_some_and(|e| e.trunk.as_ref() == Some(trunk));
        Some((self.seats.iter().filter(shares).filter(|s| s.call.is_some()).count(), lines))
    }
}
