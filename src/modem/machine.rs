//! The face that the pure machines of this room (set-up, identification, hang-up) share: what goes in, what comes out.
//!
//! A machine has no clock and no I/O. Whoever drives it does the actions in order, feeds what happened, and calls
//! again when the deadline has passed; extra calls are harmless.

use std::time::Duration;

use crate::model::Mono;

use super::codec::Token;
use super::result_code::ResultCode;

/// How long a modem that owes more answers than one must be silent, beyond the time that they may need, before the next
/// command: a late OK must not be taken for the answer to it.
pub const RESYNC_QUIET: Duration = Duration::from_millis(200);

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

/// A machine that can be driven over a port by itself.
pub trait PortMachine {
    /// What it comes to.
    type Outcome;

    /// Begins.
    fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<Self::Outcome>;

    /// Takes what happened.
    fn handle(&mut self, now: Mono, input: Input<'_>, actions: &mut Vec<Action>) -> Progress<Self::Outcome>;
}

impl<M: PortMachine> PortMachine for &mut M {
    type Outcome = M::Outcome;

    fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<M::Outcome> {
        M::start(self, now, actions)
    }

    fn handle(&mut self, now: Mono, input: Input<'_>, actions: &mut Vec<Action>) -> Progress<M::Outcome> {
        M::handle(self, now, input, actions)
    }
}

/// What a port can do, as found when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortFacts {
    /// It has modem-control lines (a pty has none).
    pub has_signals: bool,
    /// DCD as read at opening, where it has one.
    pub dcd_at_open: bool,
    /// A server stands between: neither opening and closing the port nor a drop of DTR hangs up for certain, so a modem
    /// may be online through all of it. What hung up is proven by the fall of DCD, or by the OK to ATH.
    pub may_stay_online: bool,
    /// How late an edge of a modem-control line may be told; zero where it is told at once.
    pub signal_lag: Duration,
}

impl PortFacts {
    /// A port of this machine without modem-control lines.
    pub const BARE: Self =
        Self { has_signals: false, dcd_at_open: false, may_stay_online: false, signal_lag: Duration::ZERO };

    /// A port of this machine with modem-control lines, DCD low.
    pub const WIRED: Self = Self { has_signals: true, ..Self::BARE };
}

/// Types AT until the modem says OK: the knock on the door that set-up and hang-up share.
#[derive(Debug)]
pub(super) struct Knock {
    tries_left: u32,
    answer_max: Duration,
    /// Command lines that have not been answered.
    unanswered: u32,
    first_asked: Mono,
    last_asked: Mono,
    state: KnockState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KnockState {
    /// AT was typed; its answer is due.
    Asked { until: Mono },
    /// OK has come; answers to earlier tries may follow.
    Quiet { until: Mono },
}

/// What a knock has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knocked {
    /// Not known yet.
    Waiting,
    /// The modem is there, in command state, and owes no answer.
    Answered,
    /// It said nothing, at any try.
    Silent,
    /// It said ERROR to the last try.
    Refused,
}

impl Knock {
    /// Types the first AT. `owed` answers to earlier commands may come before its own.
    pub(super) fn start(
        now: Mono,
        tries: u32,
        answer_max: Duration,
        owed: u32,
        actions: &mut Vec<Action>,
    ) -> Self {
        let mut knock = Self {
            tries_left: tries,
            answer_max,
            unanswered: owed,
            first_asked: now,
            last_asked: now,
            state: KnockState::Asked { until: now },
        };
        knock.ask(now, actions);
        knock
    }

    fn ask(&mut self, now: Mono, actions: &mut Vec<Action>) {
        actions.push(command("AT"));
        self.tries_left = self.tries_left.saturating_sub(1);
        self.unanswered += 1;
        self.last_asked = now;
        self.state = KnockState::Asked { until: now + self.answer_max };
    }

    /// When it wants to be called again.
    pub(super) const fn deadline(&self) -> Mono {
        match self.state {
            KnockState::Asked { until } | KnockState::Quiet { until } => until,
        }
    }

    /// A result from the modem. A late NO CARRIER, a RING and the like are passed over.
    pub(super) fn result(&mut self, now: Mono, code: &ResultCode, actions: &mut Vec<Action>) -> Knocked {
        match code {
            ResultCode::Ok => {
                self.unanswered = self.unanswered.saturating_sub(1);
                if self.unanswered == 0 {
                    return Knocked::Answered;
                }
                if let KnockState::Asked { .. } = self.state {
                    // Was this the answer to the first AT, and not to the last, then the last one's comes as long
                    // after it as they were typed apart.
                    let apart = self.last_asked.since(self.first_asked);
                    // Was it that of an earlier command, then our AT still has its whole time.
                    let until = (now + apart + RESYNC_QUIET).max(self.last_asked + self.answer_max);
                    self.state = KnockState::Quiet { until };
                }
                Knocked::Waiting
            }
            // The modem lives; our AT met the rest of something else in its command buffer.
            ResultCode::Error => {
                self.unanswered = self.unanswered.saturating_sub(1);
                match self.state {
                    KnockState::Quiet { .. } if self.unanswered == 0 => Knocked::Answered,
                    KnockState::Asked { .. } if self.tries_left > 0 => {
                        self.ask(now, actions);
                        Knocked::Waiting
                    }
                    KnockState::Asked { .. } => Knocked::Refused,
                    KnockState::Quiet { .. } => Knocked::Waiting,
                }
            }
            _ => Knocked::Waiting,
        }
    }

    /// Time has passed.
    pub(super) fn time(&mut self, now: Mono, actions: &mut Vec<Action>) -> Knocked {
        if now < self.deadline() {
            return Knocked::Waiting;
        }
        match self.state {
            KnockState::Quiet { .. } => Knocked::Answered,
            KnockState::Asked { .. } if self.tries_left > 0 => {
                self.ask(now, actions);
                Knocked::Waiting
            }
            KnockState::Asked { .. } => Knocked::Silent,
        }
    }
}

/// A command line, ended by CR alone: an LF would be a character received during dialing, which aborts it
/// (modems.md 0.3).
pub(super) fn command(line: &str) -> Action {
    Action::Write(format!("{line}\r").into_bytes())
}

#[cfg(test)]
pub(crate) mod rig;
