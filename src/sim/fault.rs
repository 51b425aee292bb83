//! What can go wrong, and the rules that decide when: in order, the first that fits wins, chance from a seed.
//!
//! The rules are pure. Chance is drawn anew for each rule and each of a line's calls, from the exchange's seed and their names: so
//! one rule more does not disturb the others, and neither does the order in which lines are called.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::model::span;

use super::file::{ExchangeFile, LinkChange, RuleEntry, some_span};

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

/// A range of counts: `1`, `2-4`, `3-`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: u32,
    last: u32,
}

impl Range {
    /// Whether the n-th is meant.
    pub const fn holds(self, n: u32) -> bool {
        self.first <= n && n <= self.last
    }
}

impl std::str::FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no range; write `1`, `2-4` or `3-`");
        let number = |part: &str| part.trim().parse::<u32>().ok().filter(|&n| n > 0).ok_or_else(wrong);
        let range = match text.split_once('-') {
            None => Self { first: number(text)?, last: number(text)? },
            Some((first, "")) => Self { first: number(first)?, last: u32::MAX },
            Some((first, last)) => Self { first: number(first)?, last: number(last)? },
        };
        if range.first > range.last { Err(wrong()) } else { Ok(range) }
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Range;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count such as `1`, `2-4` or `3-`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Range, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Range, E> {
                n.to_string().parse().map_err(E::custom)
            }
        }

        d.deserialize_any(Visitor)
    }
}

/// What a rule is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The modem.
    pub modem: &'a str,
    /// This will be the modem's n-th call.
    pub call: u32,
    /// The line and its number with the `+`, once they are known.
    pub line: Option<(&'a str, &'a str)>,
    /// This is the line's n-th call.
    pub attempt: u32,
    /// How long the exchange has run, at its own pace.
    pub since_start: Duration,
}

#[derive(Debug)]
struct Rule {
    entry: RuleEntry,
    seed: u64,
    fired: u32,
    /// Modem faults hold for a whole call: what chance said of (modem, call) once stays so.
    said: BTreeMap<(String, u32), bool>,
}

/// All rules of an exchange, with their chance and their counts.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    /// How often a line's or a modem's own fault has happened.
    own: BTreeMap<String, u32>,
}

impl Rules {
    /// The rules of a file.
    pub fn new(file: &ExchangeFile) -> Self {
        let rules = file
            .rules
            .iter()
            .map(|entry| Rule { entry: entry.clone(), seed: file.seed, fired: 0, said: BTreeMap::new() })
            .collect();
        Self { rules, own: BTreeMap::new() }
    }

    /// The fault of a call about to be dialed, and the name of its rule: the first rule that fits, else the line's own.
    /// Only kinds that `may` happen are looked at.
    pub fn of_call(
        &mut self,
        on: Occasion<'_>,
        own: Option<&FaultEntry>,
        may: &dyn Fn(FaultKind) -> bool,
    ) -> Option<(FaultEntry, String)> {
        for rule in &mut self.rules {
            let kind = rule.entry.fault.kind;
            if kind.is_of_modem() || !may(kind) || !rule.fits(on) {
                continue;
            }
            if !rule.strikes(&on) {
                continue;
            }
            rule.fired += 1;
            return Some((rule.entry.fault.clone(), rule.entry.name.clone()));
        }
        let (own, (line, _)) = own.zip(on.line)?;
        if !own.holds_at(on.since_start) {
            return None;
        }
        self.own_fault(line, own).map(|fault| (fault, "line".to_owned()))
    }

    /// The fault that a modem has now, before a line is known; asked as often as one likes.
    pub fn of_modem(&mut self, on: Occasion<'_>, own: Option<&FaultEntry>) -> Option<FaultEntry> {
        for rule in &mut self.rules {
            if !rule.entry.fault.kind.is_of_modem() || !rule.fits_modem(on) {
                continue;
            }
            let key = (on.modem.to_owned(), on.call);
            let fires = if let Some(&said) = rule.said.get(&key) {
                said
            } else {
                let limit_reached =
                    rule.entry.times.or(rule.entry.fault.times).is_some_and(|t| rule.fired >= t);
                let fires = !limit_reached && rule.strikes(&on);
                rule.fired += u32::from(fires);
                rule.said.insert(key, fires);
                fires
            };
            if fires {
                return Some(rule.entry.fault.clone());
            }
        }
        own.filter(|fault| fault.holds_at(on.since_start)).cloned()
    }

    fn own_fault(&mut self, line: &str, fault: &FaultEntry) -> Option<FaultEntry> {
        let fired = self.own.entry(line.to_owned()).or_default();
        if fault.times.is_some_and(|times| *fired >= times) {
            return None;
        }
        *fired += 1;
        Some(fault.clone())
    }
}

impl Rule {
    /// What chance says of this call. It depends on the line's n-th call, or on the modem's where no line is known, and not on
    /// who came first: the clock has no say in what a seed makes of a night.
    fn strikes(&self, on: &Occasion<'_>) -> bool {
        let Some(probability) = self.entry.probability else { return true };
        let which = match on.line {
            Some((line, _)) => format!("{line}.{}", on.attempt),
            None => format!("{}.{}", on.modem, on.call),
        };
        child(self.seed, &format!("{}/{which}", self.entry.name)).f64() < probability
    }

    fn fits_modem(&self, on: Occasion<'_>) -> bool {
        self.entry.modem.as_ref().is_none_or(|m| m.as_str() == on.modem)
            && self.entry.fault.holds_at(on.since_start)
            && self.entry.call.is_none_or(|range| range.holds(on.call))
    }

    fn fits(&self, on: Occasion<'_>) -> bool {
        let of_line =
            |wanted: &dyn Fn(&str, &str) -> bool| on.line.is_some_and(|(id, number)| wanted(id, number));
        self.fits_modem(on)
            && self.entry.line.as_ref().is_none_or(|l| of_line(&|id, _| id == l.as_str()))
            && self.entry.number.as_ref().is_none_or(|n| of_line(&|_, number| number.starts_with(n.as_str())))
            && self.entry.attempt.is_none_or(|range| range.holds(on.attempt))
            && self.entry.times.or(self.entry.fault.times).is_none_or(|times| self.fired < times)
    }
}

/// A generator of its own for each name (FNV-1a over the name, mixed with the seed).
pub(super) fn child(seed: u64, name: &str) -> fastrand::Rng {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    fastrand::Rng::with_seed(seed ^ hash)
}
