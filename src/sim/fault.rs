//! What can go wrong, with its particulars. Which of it happens in a call is decided in `rules`.

mod rules;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::model::span;

use super::file::{LinkChange, some_span};
pub(super) use rules::child;
pub use rules::{Occasion, Range, Rules};

/// What goes wrong. The order is that of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The port does not exist.
    PortMissing,
    /// Another program holds the port.
    PortBusy,
    /// The modem answers nothing at all.
    Dead,
    /// The modem answers nothing more once a call is over.
    Wedged,
    /// ERROR to command lines (to those that hold `text`, if given).
    SetupError,
    /// Hang-ups by DTR, escape and ATH are not done.
    HangupIgnored,
    /// The port vanishes during a call, at `at` and `after`; it returns after `back_after`, if given.
    PortVanishes,
    /// ERROR to the dial command.
    DialError,
    /// `BLACKLISTED`.
    Blacklisted,
    /// `DELAYED`.
    Delayed,
    /// `DIALING DISABLED`.
    DialingDisabled,
    /// No dial tone at our end.
    NoDialtone,
    /// Another telephone is off-hook on our line.
    LineInUse,
    /// Our modem never hears answer tone.
    Deaf,
    /// A call comes in while we dial.
    Glare,
    /// Fast busy.
    Reorder,
    /// Nothing is heard.
    NoRing,
    /// An announcement, without ringing.
    Intercept,
    /// Engaged.
    Busy,
    /// It rings for ever.
    NoAnswer,
    /// A human answers.
    Voice,
    /// A fax answers.
    Fax,
    /// It answers and never trains.
    NeverTrains,
    /// Training takes long: `span` in place of the line's own.
    SlowTrain,
    /// A slow link: `rate` bit/s.
    SlowConnect,
    /// A weak signal: what is received is near the limit of what a modem can read.
    Weak,
    /// No error control.
    NoErrorControl,
    /// Retrains and block errors in the diagnostics, and a pause in the middle of the session.
    Noisy,
    /// The carrier drops, at `at` and `after`.
    Drops,
    /// The console says nothing.
    Silent,
    /// Noise in place of characters.
    Garbage,
    /// Characters with their parity bit set.
    ParityGarbage,
    /// Output without end.
    Flood,
    /// The far end only echoes.
    Echo,
    /// Another host answers: `text` is its name.
    WrongHost,
    /// A command prompt without a login.
    OpenConsole,
    /// The device sits at its boot loader.
    BootPrompt,
    /// Somebody else holds the console.
    ConsoleBusy,
    /// The console lets nobody log in.
    LoginUnavailable,
    /// Nothing follows the password.
    LoginStalls,
    /// The password is refused.
    RefusedPassword,
    /// The password must be changed.
    PasswordExpired,
    /// The logout is swallowed: the prompt comes again.
    LostLogout,
}

impl FaultKind {
    /// It happens to a modem or its port, call or no call.
    pub const fn is_of_modem(self) -> bool {
        matches!(
            self,
            Self::PortMissing
                | Self::PortBusy
                | Self::Dead
                | Self::Wedged
                | Self::SetupError
                | Self::HangupIgnored
        )
    }

    /// It may also be a modem's own `fault`, and then is that of all its calls: our jack, our wires, our receiver.
    pub const fn is_of_bench(self) -> bool {
        matches!(
            self,
            Self::NoDialtone
                | Self::LineInUse
                | Self::Glare
                | Self::DialError
                | Self::Deaf
                | Self::Noisy
                | Self::Weak
                | Self::SlowConnect
                | Self::NoErrorControl
        )
    }

    /// It decides what becomes of a call before the far end has any say.
    pub const fn is_before_the_network(self) -> bool {
        matches!(self, Self::NoDialtone | Self::LineInUse | Self::Glare | Self::DialError)
    }

    /// It makes a link worse and leaves the call as it is otherwise.
    pub const fn is_of_link(self) -> bool {
        matches!(self, Self::SlowConnect | Self::NoErrorControl | Self::Noisy | Self::Weak | Self::SlowTrain)
    }

    /// It happens at a simulated console, and needs one.
    pub const fn is_of_console(self) -> bool {
        matches!(
            self,
            Self::Garbage
                | Self::ParityGarbage
                | Self::Flood
                | Self::Echo
                | Self::WrongHost
                | Self::OpenConsole
                | Self::BootPrompt
                | Self::ConsoleBusy
                | Self::LoginUnavailable
                | Self::LoginStalls
                | Self::RefusedPassword
                | Self::PasswordExpired
                | Self::LostLogout
        )
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The words in files are those of serde: kebab-case of the variant's name.
        let mut word = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !word.is_empty() {
                word.push('-');
            }
            word.push(c.to_ascii_lowercase());
        }
        f.pad(&word)
    }
}

/// Where in a call something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The dial command was taken.
    Dialed,
    /// The first burst.
    Ringing,
    /// The far end went off-hook.
    Answered,
    /// The modems are trained.
    Carrier,
    /// CONNECT.
    Connected,
    /// The login prompt is out.
    Prompted,
    /// The username was received.
    Username,
    /// The password was received.
    Password,
    /// The command prompt is out.
    LoggedIn,
    /// The logout was received.
    Logout,
}

/// What brings a dead modem back to life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClearedBy {
    /// Its port is closed (for `after` at least), or its power is cut.
    Close,
    /// Its power is cut.
    Power,
}

/// A fault with its particulars. Written `busy`, or `{ kind: drops, at: password, after: 100ms }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultEntry {
    /// What.
    pub kind: FaultKind,
    /// Where in the call; CONNECT if left out.
    pub at: Option<Stage>,
    /// How long after that, at the exchange's pace.
    pub after: Duration,
    /// When a vanished port returns, at the exchange's pace; never if left out.
    pub back_after: Option<Duration>,
    /// The span of a slow training.
    pub span: Option<Duration>,
    /// The rate of a slow link, bit/s.
    pub rate: Option<u32>,
    /// A text: the other host's name, the part of a set-up line, or what the modem says in place of its own word at the
    /// end of a dial command that fails.
    pub text: Option<String>,
    /// It happens so often at most.
    pub times: Option<u32>,
    /// It begins so long after the exchange's start, at the exchange's pace.
    pub from: Option<Duration>,
    /// It is over so long after the exchange's start, at the exchange's pace.
    pub until: Option<Duration>,
    /// What brings the modem back to life.
    pub cleared_by: Option<ClearedBy>,
    /// What it makes of the link, beyond what its kind does.
    pub link: Option<LinkChange>,
}

impl FaultEntry {
    /// A fault without particulars.
    pub const fn plain(kind: FaultKind) -> Self {
        Self {
            kind,
            at: None,
            after: Duration::ZERO,
            back_after: None,
            span: None,
            rate: None,
            text: None,
            times: None,
            from: None,
            until: None,
            cleared_by: None,
            link: None,
        }
    }

    /// Whether it is there so long after the exchange's start.
    pub fn holds_at(&self, since_start: Duration) -> bool {
        self.from.is_none_or(|from| from <= since_start) && self.until.is_none_or(|until| since_start < until)
    }

    /// Particulars that do not belong to this kind.
    pub fn problems(&self) -> Vec<String> {
        use FaultKind::{
            Dead, Delayed, Drops, NoErrorControl, Noisy, PortVanishes, SlowConnect, SlowTrain, Weak, Wedged,
        };
        let mut found = Vec::new();
        let mut only = |given: bool, key: &str, kinds: &[FaultKind]| {
            if given && !kinds.contains(&self.kind) {
                let fit: Vec<String> = kinds.iter().map(|k| format!("`{k}`")).collect();
                found.push(format!("`{key}` does not belong to `{}` but to {}", self.kind, fit.join(", ")));
            }
        };
        only(self.at.is_some(), "at", &[Drops, PortVanishes]);
        if self.cleared_by != Some(ClearedBy::Close) {
            only(!self.after.is_zero(), "after", &[Drops, PortVanishes]);
        }
        only(self.back_after.is_some(), "back_after", &[PortVanishes]);
        only(self.span.is_some(), "span", &[SlowTrain, Delayed]);
        only(self.rate.is_some(), "rate", &[SlowConnect]);
        only(self.cleared_by.is_some(), "cleared_by", &[Dead, Wedged]);
        only(self.link.is_some(), "link", &[Noisy, Weak, SlowConnect, NoErrorControl, SlowTrain]);
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            found.push("`until` is not later than `from`".to_owned());
        }
        found
    }
}

impl<'de> Deserialize<'de> for FaultEntry {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        /// The long form.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            kind: FaultKind,
            #[serde(default)]
            at: Option<Stage>,
            #[serde(default, with = "span")]
            after: Duration,
            #[serde(default, deserialize_with = "some_span")]
            back_after: Option<Duration>,
            #[serde(default, deserialize_with = "some_span")]
            span: Option<Duration>,
            #[serde(default)]
            rate: Option<u32>,
            #[serde(default)]
            text: Option<String>,
            #[serde(default)]
            times: Option<u32>,
            #[serde(default, deserialize_with = "some_span")]
            from: Option<Duration>,
            #[serde(default, deserialize_with = "some_span")]
            until: Option<Duration>,
            #[serde(default)]
            cleared_by: Option<ClearedBy>,
            #[serde(default)]
            link: Option<LinkChange>,
        }

        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = FaultEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a fault such as `busy`, or `{ kind: drops, at: password, after: 100ms }`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<FaultEntry, E> {
                let kind = FaultKind::deserialize(serde::de::value::StrDeserializer::new(text))?;
                Ok(FaultEntry::plain(kind))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<FaultEntry, A::Error> {
                let long = Long::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let Long { kind, at, after, back_after, span, rate, text, times, .. } = long;
                let Long { from, until, cleared_by, link, .. } = long;
                Ok(FaultEntry {
                    kind,
                    at,
                    after,
                    back_after,
                    span,
                    rate,
                    text,
                    times,
                    from,
                    until,
                    cleared_by,
                    link,
                })
            }
        }

        d.deserialize_any(Visitor)
    }
}
