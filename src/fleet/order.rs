//! What a run is told while it goes on: by a signal, by the daemon, by whoever operates it.
//!
//! Each order is answered, once it is carried out or refused; what it does to calls and lines is the scheduler's to say.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::call::machine::Cancel;
use crate::model::{LineId, ModemId, Mono, PhoneNumber};

/// An order, and who waits for the answer.
#[derive(Debug)]
pub struct Told {
    /// What is to be done.
    pub order: Order,
    /// Whoever wants to know; it may be gone meanwhile.
    pub reply: Option<oneshot::Sender<Answer>>,
}

/// What became of an order.
pub type Answer = Result<Done, Refused>;

/// It is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// What was done, in words.
    Said(String),
    /// This modem is on-hook and its port closed, until [`Order::TakeBack`].
    Lent(ModemId),
}

/// It can't be carried out, and this is why; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// What a run is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// End it: nothing is dialed any more, calls that are running log out or hang up, lines that are left are `cancelled`.
    Stop {
        /// How, the milder first.
        how: Cancel,
        /// Why, in words: for the lines that are left.
        why: Option<String>,
    },
    /// Nothing is dialed any more, calls that are running end as they may; lines that are left are `cancelled`.
    Drain {
        /// Why, in words.
        why: String,
    },
    /// No call begins until [`Order::Resume`], or until this time; calls that are running end as they may.
    Pause {
        /// Why, in words.
        why: String,
        /// It ends by itself then.
        until: Option<Mono>,
    },
    /// A pause is over.
    Resume,
    /// A modem is out of service: a call on it logs out and hangs up first, and its line goes to another modem; then its port
    /// is closed.
    Disable {
        /// Which.
        modem: ModemId,
        /// Why, in words.
        why: String,
    },
    /// It is in service again.
    Enable {
        /// Which.
        modem: ModemId,
    },
    /// A modem's worker ends, after a call on it has logged out and hung up, and a new one opens its port again.
    Restart {
        /// Which.
        modem: ModemId,
        /// Why, in words.
        why: String,
    },
    /// A line is not dialed in this run: a call to it logs out and hangs up first; its verdict is `skipped`.
    Skip {
        /// Which.
        line: LineId,
        /// Why, in words.
        why: String,
    },
    /// A line that was skipped is to be dialed after all.
    Restore {
        /// Which.
        line: LineId,
    },
    /// Lend a modem to a technician's call, as soon as one is free: it counts as in a call to these numbers, on its trunk, and
    /// in the groups of this line, until [`Order::TakeBack`].
    Lend {
        /// What will be called: nobody else calls it meanwhile.
        numbers: Vec<PhoneNumber>,
        /// The line of the run that they belong to, if it is one of it.
        line: Option<LineId>,
    },
    /// What was lent is given back.
    TakeBack {
        /// Which.
        modem: ModemId,
    },
}

impl Order {
    /// As a signal says it.
    pub const fn stop(how: Cancel) -> Told {
        Told { order: Self::Stop { how, why: None }, reply: None }
    }
}

/// What holds when a run begins, by order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Modems that are out of service, and why.
    pub disabled: BTreeMap<ModemId, String>,
    /// Modems that are lent: what their calls hold.
    pub lent: BTreeMap<ModemId, Loan>,
    /// Lines that are not dialed, and why.
    pub skipped: BTreeMap<LineId, String>,
    /// No call begins, and why.
    pub paused: Option<Pause>,
}

/// What a modem is lent for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loan {
    /// Numbers that it calls: nobody else does meanwhile.
    pub numbers: Vec<PhoneNumber>,
    /// The line of the run that they belong to, if it is one of it.
    pub line: Option<LineId>,
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Why, in words.
    pub why: String,
    /// It ends by itself then; absent: when it is resumed.
    pub until: Option<Mono>,
}
