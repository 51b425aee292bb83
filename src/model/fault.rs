//! Faults, whose they are, and what they make of a line: the closed list of the design, in one place.
//!
//! `result` and `blame` derive from the fault here and nowhere else. The codes are documented in `reports/SCHEMA.md`;
//! a test holds that page against this list.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a run finds of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It would have saved the day.
    Pass,
    /// It would have, but something is wrong with it.
    Degraded,
    /// It would not have.
    Fail,
    /// Not known, and not the line's fault.
    Untested,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pass, Self::Degraded, Self::Fail, Self::Untested];

    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Degraded => "degraded",
            Self::Fail => "fail",
            Self::Untested => "untested",
        }
    }

    /// The verdict that a fault, or its absence, makes.
    pub const fn of(fault: Option<Fault>) -> Self {
        match fault {
            None => Self::Pass,
            Some(fault) => fault.verdict(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Whose a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// Our modem or its port.
    BenchModem,
    /// Our own outside line.
    BenchLine,
    /// The telephone network between.
    Network,
    /// The line at the far end, or who answers there.
    FarLine,
    /// The modem at the far end.
    FarModem,
    /// Something at the far end that our modem can't tell apart.
    FarEnd,
    /// The console behind the far modem.
    Console,
    /// A finding for the security team.
    Security,
    /// Username and password.
    Credential,
    /// The plan's own rules, or the user.
    Policy,
    /// This program.
    Lineman,
}

impl Blame {
    /// All of them, the near ones first: the order in which a summary tells them.
    pub const ALL: [Self; 11] = [
        Self::Lineman,
        Self::BenchModem,
        Self::BenchLine,
        Self::Credential,
        Self::Network,
        Self::FarLine,
        Self::FarModem,
        Self::FarEnd,
        Self::Console,
        Self::Security,
        Self::Policy,
    ];

    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BenchModem => "bench-modem",
            Self::BenchLine => "bench-line",
            Self::Network => "network",
            Self::FarLine => "far-line",
            Self::FarModem => "far-modem",
            Self::FarEnd => "far-end",
            Self::Console => "console",
            Self::Security => "security",
            Self::Credential => "credential",
            Self::Policy => "policy",
            Self::Lineman => "lineman",
        }
    }

    /// Our own side: such a fault is never a line's.
    pub const fn is_bench(self) -> bool {
        matches!(self, Self::BenchModem | Self::BenchLine)
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Why a line, or a call, is not a plain pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The port could not be opened.
    PortOpenFailed,
    /// Another program holds the port.
    PortBusy,
    /// The port vanished during a call.
    PortLost,
    /// The modem did not answer AT.
    ModemSilent,
    /// The modem answered ERROR to its set-up or to the dial command.
    ModemError,
    /// The modem refused to dial: blacklisted, delayed, disabled.
    ModemRefused,
    /// Only modems that are under quarantine were left.
    QuarantinedBench,
    /// No dial tone at our end.
    NoDialtone,
    /// Another telephone is off-hook on our own line.
    LineInUse,
    /// A call came in while we dialed out.
    Glare,
    /// Fast busy: the network did not carry the call.
    Reorder,
    /// Nothing was heard within the limit, or an intercept.
    NoRing,
    /// Engaged, at each try.
    Busy,
    /// It rang and nobody answered.
    NoAnswer,
    /// A human or an announcement answered.
    Voice,
    /// A fax machine answered.
    Fax,
    /// It answered and never trained.
    NoCarrier,
    /// The carrier dropped before our work was done.
    CarrierLost,
    /// No CONNECT, and our modem gives no evidence of what happened.
    NoConnect,
    /// Carrier, but not one character.
    ConsoleSilent,
    /// Unreadable characters: speed or parity mismatch, or noise.
    Garbage,
    /// The console spoke, but the login did not come to its end in time.
    LoginTimeout,
    /// The device sits at its boot loader.
    BootPrompt,
    /// The console port is in use by somebody else.
    ConsoleBusy,
    /// The console refuses all logins.
    LoginUnavailable,
    /// Another host answered.
    WrongConsole,
    /// A command prompt without a login.
    OpenConsole,
    /// The console refused the credential.
    LoginRefused,
    /// The password must be changed before a login.
    PasswordExpired,
    /// The credential was stopped before it was proven, so nothing was sent.
    CredentialUnproven,
    /// The session's end could not be proven.
    LogoutUnproven,
    /// The connect speed is too low.
    SlowConnect,
    /// Training took far longer than usual.
    SlowTrain,
    /// No error control, although it was asked for.
    NoErrorControl,
    /// The modems had to train again.
    Retrains,
    /// Block errors or a bad signal-to-noise ratio.
    Noisy,
    /// It passed, but not at the first try.
    NeededRetry,
    /// Its window was closed.
    OutOfWindow,
    /// The run's deadline came first.
    PastDeadline,
    /// The budget was spent.
    OverBudget,
    /// The number may not be dialed.
    Screened,
    /// Known dead.
    OnHold,
    /// Left out by the user's choice.
    Skipped,
    /// The run was interrupted before the line was judged.
    Cancelled,
    /// A defect of lineman itself, and it persisted.
    Internal,
}

impl Fault {
    /// All of them, in the order of the design.
    pub const ALL: [Self; 45] = [
        Self::PortOpenFailed,
        Self::PortBusy,
        Self::PortLost,
        Self::ModemSilent,
        Self::ModemError,
        Self::ModemRefused,
        Self::QuarantinedBench,
        Self::NoDialtone,
        Self::LineInUse,
        Self::Glare,
        Self::Reorder,
        Self::NoRing,
        Self::Busy,
        Self::NoAnswer,
        Self::Voice,
        Self::Fax,
        Self::NoCarrier,
        Self::CarrierLost,
        Self::NoConnect,
        Self::ConsoleSilent,
        Self::Garbage,
        Self::LoginTimeout,
        Self::BootPrompt,
        Self::ConsoleBusy,
        Self::LoginUnavailable,
        Self::WrongConsole,
        Self::OpenConsole,
        Self::LoginRefused,
        Self::PasswordExpired,
        Self::CredentialUnproven,
        Self::LogoutUnproven,
        Self::SlowConnect,
        Self::SlowTrain,
        Self::NoErrorControl,
        Self::Retrains,
        Self::Noisy,
        Self::NeededRetry,
        Self::OutOfWindow,
        Self::PastDeadline,
        Self::OverBudget,
        Self::Screened,
        Self::OnHold,
        Self::Skipped,
        Self::Cancelled,
        Self::Internal,
    ];

    /// The stable code for files.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PortOpenFailed => "port-open-failed",
            Self::PortBusy => "port-busy",
            Self::PortLost => "port-lost",
            Self::ModemSilent => "modem-silent",
            Self::ModemError => "modem-error",
            Self::ModemRefused => "modem-refused",
            Self::QuarantinedBench => "quarantined-bench",
            Self::NoDialtone => "no-dialtone",
            Self::LineInUse => "line-in-use",
            Self::Glare => "glare",
            Self::Reorder => "reorder",
            Self::NoRing => "no-ring",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Voice => "voice",
            Self::Fax => "fax",
            Self::NoCarrier => "no-carrier",
            Self::CarrierLost => "carrier-lost",
            Self::NoConnect => "no-connect",
            Self::ConsoleSilent => "console-silent",
            Self::Garbage => "garbage",
            Self::LoginTimeout => "login-timeout",
            Self::BootPrompt => "boot-prompt",
            Self::ConsoleBusy => "console-busy",
            Self::LoginUnavailable => "login-unavailable",
            Self::WrongConsole => "wrong-console",
            Self::OpenConsole => "open-console",
            Self::LoginRefused => "login-refused",
            Self::PasswordExpired => "password-expired",
            Self::CredentialUnproven => "credential-unproven",
            Self::LogoutUnproven => "logout-unproven",
            Self::SlowConnect => "slow-connect",
            Self::SlowTrain => "slow-train",
            Self::NoErrorControl => "no-error-control",
            Self::Retrains => "retrains",
            Self::Noisy => "noisy",
            Self::NeededRetry => "needed-retry",
            Self::OutOfWindow => "out-of-window",
            Self::PastDeadline => "past-deadline",
            Self::OverBudget => "over-budget",
            Self::Screened => "screened",
            Self::OnHold => "on-hold",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// What it makes of a line, and whose it is.
    const fn consequence(self) -> (Verdict, Blame) {
        match self {
            Self::PortOpenFailed
            | Self::PortBusy
            | Self::PortLost
            | Self::ModemSilent
            | Self::ModemError
            | Self::ModemRefused
            | Self::QuarantinedBench => (Verdict::Untested, Blame::BenchModem),
            Self::NoDialtone | Self::LineInUse | Self::Glare => (Verdict::Untested, Blame::BenchLine),
            Self::Reorder | Self::NoRing => (Verdict::Fail, Blame::Network),
            Self::Busy | Self::NoAnswer | Self::Voice | Self::Fax => (Verdict::Fail, Blame::FarLine),
            Self::NoCarrier | Self::CarrierLost => (Verdict::Fail, Blame::FarModem),
            Self::NoConnect => (Verdict::Fail, Blame::FarEnd),
            Self::ConsoleSilent
            | Self::Garbage
            | Self::LoginTimeout
            | Self::BootPrompt
            | Self::ConsoleBusy
            | Self::LoginUnavailable
            | Self::WrongConsole => (Verdict::Fail, Blame::Console),
            Self::OpenConsole => (Verdict::Fail, Blame::Security),
            Self::LoginRefused | Self::PasswordExpired => (Verdict::Fail, Blame::Credential),
            Self::CredentialUnproven => (Verdict::Untested, Blame::Credential),
            Self::LogoutUnproven => (Verdict::Degraded, Blame::Console),
            Self::SlowConnect | Self::SlowTrain | Self::NoErrorControl | Self::Retrains | Self::Noisy => {
                (Verdict::Degraded, Blame::FarLine)
            }
            Self::NeededRetry => (Verdict::Degraded, Blame::Network),
            Self::OutOfWindow
            | Self::PastDeadline
            | Self::OverBudget
            | Self::Screened
            | Self::OnHold
            | Self::Skipped
            | Self::Cancelled => (Verdict::Untested, Blame::Policy),
            Self::Internal => (Verdict::Untested, Blame::Lineman),
        }
    }

    /// What it makes of a line.
    pub const fn verdict(self) -> Verdict {
        self.consequence().0
    }

    /// Whose it is.
    pub const fn blame(self) -> Blame {
        self.consequence().1
    }

    /// One sentence for whoever has to act.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::PortOpenFailed => {
                "our port could not be opened: is the adaptor plugged in, and may this user open it (group dialout)?"
            }
            Self::PortBusy => "another program holds our port: end it, or leave the modem to it",
            Self::PortLost => "our port vanished during the call: check the USB cable, the hub and its power",
            Self::ModemSilent => {
                "our modem does not answer AT: switch it off and on, check its cable and its speed"
            }
            Self::ModemError => {
                "our modem refuses its set-up: does the profile fit this modem? (`profile: auto` asks it)"
            }
            Self::ModemRefused => {
                "our modem refuses to dial this number (redial lock): power-cycle it, or wait until its list has cleared"
            }
            Self::QuarantinedBench => {
                "only modems under quarantine were left: repair the bench, then run these lines again"
            }
            Self::NoDialtone => {
                "no dial tone at our end: check our jack, our cable and the outside-line prefix"
            }
            Self::LineInUse => "our own line is in use by another telephone: find it and hang it up",
            Self::Glare => "a call came in on our own line while we dialed: use a line that nobody calls",
            Self::Reorder => {
                "the network refused the call (fast busy): try from another telephone, then tell the carrier"
            }
            Self::NoRing => "nothing was heard: is the number still in service? tell the carrier",
            Self::Busy => "the line is busy at each try: a far modem may hang off-hook; have it power-cycled",
            Self::NoAnswer => {
                "it rings and nothing answers: is the far modem on, plugged in, and set to answer (S0=1)?"
            }
            Self::Voice => "answered by voice: was the number reassigned?",
            Self::Fax => "answered by a fax: is the number right, or was the modem's jack taken?",
            Self::NoCarrier => {
                "it answered but never trained: power-cycle the far modem, then have the line's noise checked"
            }
            Self::CarrierLost => {
                "the carrier dropped during the session: check the far modem's power and the line's noise"
            }
            Self::NoConnect => {
                "no connection, and this modem cannot tell why (no ring, no answer, or no carrier): call the number by telephone and listen"
            }
            Self::ConsoleSilent => {
                "the modems connect and the console says nothing: check the cable between modem and console, and that the port runs a login (no `no exec`)"
            }
            Self::Garbage => {
                "unreadable characters: set the console port and the far modem to the same speed and parity"
            }
            Self::LoginTimeout => {
                "the console answers but the login does not come to its end: is the authentication server slow or away?"
            }
            Self::BootPrompt => "the device sits at its boot loader: it is down; boot it",
            Self::ConsoleBusy => "somebody else holds the console port: end that session, or clear the line",
            Self::LoginUnavailable => {
                "the console lets nobody log in: no password set, nologin, or its authentication service is down"
            }
            Self::WrongConsole => {
                "another host answered, or one that does not name itself: lines crossed, or the inventory is wrong"
            }
            Self::OpenConsole => {
                "a command prompt stood open without a login: end the stale session and set a login and a timeout on that port"
            }
            Self::LoginRefused => "the console refused the credential: is the account known there?",
            Self::PasswordExpired => {
                "the password has expired there: change it, then give lineman the new one"
            }
            Self::CredentialUnproven => {
                "nothing was sent, since the credential is refused or not proven: check it, then run `lineman audit --forget-refusal NAME`"
            }
            Self::LogoutUnproven => {
                "the login works, but its end could not be proven: a session may be left open there"
            }
            Self::SlowConnect => "the link is slow: have the line checked for noise and loss",
            Self::SlowTrain => "training takes long: have the line checked",
            Self::NoErrorControl => "no error control: set the far modem to V.42, check the line",
            Self::Retrains => "the modems had to train again during the call: the line is noisy",
            Self::Noisy => "the line is noisy: have it checked before it dies",
            Self::NeededRetry => "it passed, but not at the first try: watch this line",
            Self::OutOfWindow => "its window was closed during this run",
            Self::PastDeadline => "the deadline came first: start earlier, or add modems",
            Self::OverBudget => "the budget of this run was spent",
            Self::Screened => {
                "this number may not be dialed (emergency, premium or short number): correct the plan"
            }
            Self::OnHold => {
                "on hold: known dead, or a person answered there and nobody has confirmed the number"
            }
            Self::Skipped => "left out of this run by choice",
            Self::Cancelled => "the run was interrupted: go on with `lineman audit --resume`",
            Self::Internal => "a defect of lineman itself: please report it with events.jsonl",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// A text that is no fault code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no fault code; reports/SCHEMA.md lists them")]
pub struct UnknownFault(pub String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        Self::ALL.into_iter().find(|f| f.code() == text).ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for fault in Fault::ALL {
            assert_eq!(fault.code().parse(), Ok(fault));
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.code());
            assert!(!fault.advice().is_empty());
        }
    }

    #[test]
    fn a_bench_fault_never_fails_a_line() {
        for fault in Fault::ALL {
            let near = fault.blame().is_bench() || matches!(fault.blame(), Blame::Policy | Blame::Lineman);
            assert!(!near || fault.verdict() == Verdict::Untested, "{fault}");
        }
    }

    #[test]
    fn words_are_what_serde_writes() {
        for blame in Blame::ALL {
            assert_eq!(serde_json::to_value(blame).unwrap(), blame.word());
        }
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.word());
        }
    }
}
