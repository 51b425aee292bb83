//! The event stream of a run: the only bridge between the work and what is written of it.
//!
//! Events are facts, in the order in which they became known. Every report, the live view and `--resume` are views of
//! them; whoever needs a new figure in a report adds it here, and nowhere else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    BankName, CallId, CarrierName, Charge, Coordinates, CredentialName, Diagnostics, Fault, Line, LineBefore,
    LineId, Link, ModemId, Moment, Mono, PhoneNumber, PlanName, RunId, SiteId, Timeline, TrunkName,
};

/// Version of the event format; a reader refuses a newer one.
pub const EVENT_FORMAT: u32 = 2;

/// One fact, with its two stamps, both taken at the same place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Wall clock, UTC.
    pub at: Timestamp,
    /// Monotonic, within the sitting: a resumed run begins again at zero.
    pub mono: Mono,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// First event of a run: all that its reports need to know of the plan.
    RunStarted(Box<RunHeader>),
    /// An interrupted run goes on: calls that had begun and not ended are void, and so are `cancelled` verdicts.
    RunResumed(Sitting),
    /// What is told of a modem changed.
    Modem {
        /// Which.
        modem: ModemId,
        /// To what.
        state: ModemState,
        /// Why, where there is a why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
        /// In words, with figures.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
        /// Nothing is done with it before then, where that is known: a modem that is out is set up again, one under
        /// quarantine is checked again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// What earlier runs found of the lines; behind the header, once, if there is a history.
    LinesBefore {
        /// Those of which something is known, in the order of the plan; behind them those that the last run of the plan
        /// had and this one has not: they are gone.
        lines: Vec<LineBefore>,
    },
    /// A modem takes its port for a call.
    CallStarted {
        /// The call.
        call: CallId,
        /// Its line.
        line: LineId,
        /// Its modem.
        modem: ModemId,
        /// Number of the call within the line, from 1.
        attempt: u32,
        /// The dial string, access codes masked.
        dialed: String,
        /// The way, where it is not the line's own number without a carrier.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<Via>,
    },
    /// An instant of a running call has come. Bounded instants are told when the call ends.
    CallMoment {
        /// The call.
        call: CallId,
        /// Which instant.
        moment: Moment,
        /// When it was, where that is well before it could be told: a prompt is one once the output rests.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<Mono>,
    },
    /// A password goes out. Until its call tells what became of it, it counts as refused.
    PasswordSent {
        /// The call.
        call: CallId,
        /// Whose password.
        credential: CredentialName,
    },
    /// A call is over, on-hook or as near to it as could be had.
    CallEnded(Box<CallRecord>),
    /// A modem was checked: an act of our own bench, no call of a line.
    BenchCheck(Box<CheckRecord>),
    /// A line waits for its next call, and this is why. It holds until its next call begins, its verdict is told, or
    /// another one of these.
    LineWaits {
        /// The line.
        line: LineId,
        /// Not before; absent where no time is known, but an event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// What for.
        #[serde(default)]
        reason: WaitReason,
        /// In words.
        why: String,
    },
    /// A credential was proven or stopped.
    Credential {
        /// Which.
        credential: CredentialName,
        /// To what.
        state: CredentialState,
        /// In words.
        detail: String,
    },
    /// The line is judged.
    Verdict(LineVerdict),
    /// A verdict is taken back, since the modem that found it turned out bad; another will follow.
    VerdictWithdrawn {
        /// The line.
        line: LineId,
        /// Why, in words.
        why: String,
    },
    /// Whoever operates the run has paused it: no call begins until [`EventKind::Resumed`].
    Paused {
        /// Why, in words.
        why: String,
        /// It ends by itself then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// A pause is over.
    Resumed,
    /// Something that the user should read.
    Notice {
        /// What it is, in words.
        text: String,
    },
    /// Last event of a sitting. A journal without it was cut off.
    RunEnded {
        /// How.
        ending: Ending,
    },
}

/// What a line waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitReason {
    /// For a free modem: it would be dialed now.
    Modem,
    /// For its window to open.
    Window,
    /// The pause after a failed call.
    #[default]
    Pause,
    /// National rules for calling a number again.
    Redial,
    /// A modem of ours that may still hold its number.
    Held,
    /// A modem that does not refuse its number.
    Refused,
    /// Another call to its number.
    Number,
    /// Its site or hunt group has all the calls that it may have at a time.
    Group,
    /// What is left of a budget is set aside for calls that are running.
    Budget,
    /// Its credential is neither proven nor stopped.
    Credential,
}

impl WaitReason {
    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Modem => "modem",
            Self::Window => "window",
            Self::Pause => "pause",
            Self::Redial => "redial",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Number => "number",
            Self::Group => "group",
            Self::Budget => "budget",
            Self::Credential => "credential",
        }
    }
}

/// Another way to a line than its own number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    /// The alternative number that was called; absent: the line's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<PhoneNumber>,
    /// The carrier whose code was dialed before it; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<CarrierName>,
}

/// One of several consoles behind one line, as a call found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleRecord {
    /// Its name: the port or menu entry that the plan gives.
    pub console: String,
    /// What was found; absent is a pass. A console that the call did not come to is `skipped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// In words. Cleaned.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The host that it said it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// From its choice to its answer, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_ms: Option<u64>,
}

/// What a run's reports need to know of its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// [`EVENT_FORMAT`] of the writer.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// The plan's name.
    pub plan: PlanName,
    /// Where the plan was read from, as it was given; `--resume` reads it again from there.
    pub plan_path: Option<PathBuf>,
    /// The bank's name.
    pub bank: BankName,
    /// Seed of all randomness.
    pub seed: u64,
    /// The currency of all costs of the run, where its plan has a tariff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Where sites lie, of those of which the plan says it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sites: BTreeMap<SiteId, Coordinates>,
    /// All lines, in the order of the plan.
    pub lines: Vec<Line>,
    /// All modems, in the order of the bank.
    pub modems: Vec<ModemHeader>,
    /// This sitting.
    pub sitting: Sitting,
}

/// One process's spell of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sitting {
    /// Version of lineman.
    pub lineman: String,
    /// `CLOCK_MONOTONIC` at the origin of this sitting's monotonic stamps, µs: lets another program on this host (the
    /// simulated exchange) compare its log with ours.
    pub origin_us: u64,
}

/// A modem, as far as reports need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModemHeader {
    /// The modem.
    pub id: ModemId,
    /// Its port as the bank has it.
    pub port: String,
    /// Its profile's name; `auto` until it was asked.
    pub profile: String,
    /// The trunk that it shares, if any.
    pub trunk: Option<TrunkName>,
}

/// What is told of a modem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModemState {
    /// Set up and free.
    Ready,
    /// It told who it is; the detail is its profile's name, with more behind a blank if there is more to tell.
    Identified,
    /// Taken out for a while: its port is busy or gone, or its set-up failed. It is tried again.
    Out,
    /// Its on-hook could not be proven: fault of the modem, never of a line.
    HangupUnproven,
    /// It is being checked; the detail says how. No line is called on it meanwhile.
    Checking,
    /// It fails where others succeed, or failed its check: no line is called on it until it has passed a check again,
    /// which the next `ready` tells.
    Quarantined,
    /// It was tried often enough and is left alone for the rest of the run.
    Wedged,
    /// It died, or failed, again and again: it is tried again slowly.
    Down,
    /// Out of service, by whoever operates the bank: its port is closed, until it is enabled again.
    Disabled,
    /// Lent to a technician's call: its port is closed, until it is given back.
    Lent,
}

impl ModemState {
    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Identified => "identified",
            Self::Out => "out",
            Self::HangupUnproven => "hangup-unproven",
            Self::Checking => "checking",
            Self::Quarantined => "quarantined",
            Self::Wedged => "wedged",
            Self::Down => "down",
            Self::Disabled => "disabled",
            Self::Lent => "lent",
        }
    }
}

/// What is told of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialState {
    /// A login with it worked.
    Proven,
    /// It was refused, and no password of it is sent any more.
    Stopped,
}

/// How a sitting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Every line has its verdict.
    Completed,
    /// By a signal: the lines that were left are `cancelled`, and `--resume` goes on.
    Interrupted,
}

/// Everything that is known of one call once it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// Its line.
    pub line: LineId,
    /// Its modem.
    pub modem: ModemId,
    /// Number of the call within the line, from 1.
    pub attempt: u32,
    /// The dial string, access codes masked.
    pub dialed: String,
    /// The way, where it is not the line's own number without a carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// When the port was taken.
    pub started: Timestamp,
    /// When the call was over.
    pub finished: Timestamp,
    /// Its instants.
    pub timeline: Timeline,
    /// RINGINGs heard; absent where the modem does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rings: Option<u32>,
    /// What the call found; absent is a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The finding in words, with what was seen. Cleaned: one line, no control characters, no secrets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The dial limit that ended the call, ms, where it was shortened by what is usual on the line: weak evidence, never
    /// the only one for a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short_ms: Option<u64>,
    /// The link, as far as the modem told it.
    #[serde(default)]
    pub link: Link,
    /// What the modem told of the call once it was over; absent if it was not asked, or told nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<Box<Diagnostics>>,
    /// The host that the console said it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The consoles behind a console server, where the plan has some for the line; in the plan's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consoles: Vec<ConsoleRecord>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
    /// Whether on-hook was proven.
    pub hangup: Hangup,
    /// Lines from the modem that no table knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// What the console said: cleaned, bounded, without secrets. Absent if the call passed or heard nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

/// How a modem is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckKind {
    /// Off-hook, and on-hook again: is there a dial tone? No digit is dialed.
    DialTone,
    /// A call to the plan's reference number, up to CONNECT.
    Reference,
    /// A call to the number of another modem of the bank, which answers it.
    Peer,
    /// A call to a line that passed in this run on another modem, up to CONNECT.
    KnownLine,
}

impl CheckKind {
    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DialTone => "dial-tone",
            Self::Reference => "reference",
            Self::Peer => "peer",
            Self::KnownLine => "known-line",
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// The dial tone was heard; the call got its CONNECT.
    Passed,
    /// It was not; it did not.
    Failed,
    /// It says nothing of the modem: the number was busy, the modem does not know the command, the run was being ended.
    Unknown,
}

impl CheckOutcome {
    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// One check of a modem that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// The modem that was checked.
    pub modem: ModemId,
    /// How.
    pub check: CheckKind,
    /// What it came to.
    pub outcome: CheckOutcome,
    /// The dial string, access codes masked; absent where no digit was dialed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialed: Option<String>,
    /// What was heard instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// In words. Cleaned.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How long the modem was taken, ms.
    pub took_ms: u64,
    /// What its call costs; absent where no digit was dialed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
}

/// How a call's hang-up went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hangup {
    /// The call never went off-hook.
    NotNeeded,
    /// On-hook was proven.
    Proven,
    /// It could not be proven: a fault of the modem.
    Unproven,
}

/// A line's verdict; its result and blame derive from the fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineVerdict {
    /// The line.
    pub line: LineId,
    /// Absent is a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// In words, with figures. Cleaned.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The call that decided; absent if none was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// Calls made to the line in this run.
    pub attempts: u32,
}

#[cfg(test)]
impl CallRecord {
    /// A call of which nothing is known but that it passed, for tests to put more into.
    pub(crate) fn sample() -> Self {
        Self {
            call: "BR0001-A.1".parse().unwrap(),
            line: "BR0001-A".parse().unwrap(),
            modem: "m00".parse().unwrap(),
            attempt: 1,
            dialed: String::new(),
            via: None,
            started: Timestamp::UNIX_EPOCH,
            finished: Timestamp::UNIX_EPOCH,
            timeline: Timeline::default(),
            rings: None,
            fault: None,
            detail: String::new(),
            cut_short_ms: None,
            link: Link::default(),
            diagnostics: None,
            hostname: None,
            consoles: Vec::new(),
            charge: None,
            hangup: Hangup::Proven,
            unknown: Vec::new(),
            transcript: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_json_object_and_reads_back() {
        let event = Event {
            at: "2026-11-21T02:00:00.125Z".parse().unwrap(),
            mono: Mono::from_millis(125),
            kind: EventKind::Verdict(LineVerdict {
                line: "BR0001-A".parse().unwrap(),
                fault: Some(Fault::Busy),
                detail: "busy twice".into(),
                call: Some("BR0001-A.2".parse().unwrap()),
                attempts: 2,
            }),
        };
        let text = serde_json::to_string(&event).unwrap();
        assert!(text.contains(r#""event":"verdict""#) && text.contains(r#""fault":"busy""#), "{text}");
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}
