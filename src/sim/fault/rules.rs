//! The rules that decide what goes wrong in a call: in order, the first that fits wins, chance from a seed. Pure.
//!
//! Chance is drawn anew for each rule and each of a line's calls, from the exchange's seed and their names: so one rule more
//! does not disturb the others, and neither does the order in which lines are called.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::{FaultEntry, FaultKind};
use crate::sim::file::{ExchangeFile, RuleEntry};

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
pub(in crate::sim) fn child(seed: u64, name: &str) -> fastrand::Rng {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    fastrand::Rng::with_seed(seed ^ hash)
}
