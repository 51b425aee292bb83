//! What a carrier takes for calls, as data (`dialplans/tariffs/*.yaml`): by class of number, and by the beginning of the
//! number where that has a price of its own.
//!
//! What comes of it for a call is [`crate::model::price`]'s; nothing here is guessed: a number without a price has none.

mod money;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Deserialize;

use super::hours::week::{DayClass, Days, Window};
use super::hours::zone::Zone;
use super::library::{Known, LibraryFile};
use super::problem::quoted;
use crate::model::price::{Hours, Rate, Rates};
use crate::model::{Micros, NumberClass, PhoneNumber, span};

pub use self::money::money;

/// Billed by the begun minute where nothing else is written: never too little.
const STEP_S: u32 = 60;
/// Longest step of billing, s.
const STEP_S_MAX: u64 = 3600;

/// A carrier's prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    /// Its name: that of its file.
    pub name: String,
    /// Three capitals, of ISO 4217.
    pub currency: String,
    classes: BTreeMap<NumberClass, Arc<Rates>>,
    /// By the first digits of the number, country code first.
    prefixes: BTreeMap<String, Arc<Rates>>,
}

impl Tariff {
    /// The rates of a number of this class: those of the longest of its beginnings that has any, else the class's.
    pub fn rates(&self, class: NumberClass, number: &PhoneNumber) -> Option<&Arc<Rates>> {
        let digits = number.digits();
        let by_prefix = (1..=digits.len()).rev().find_map(|length| self.prefixes.get(&digits[..length]));
        by_prefix.or_else(|| self.classes.get(&class))
    }
}

/// `dialplans/tariffs/*.yaml` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TariffFile {
    tariff: Option<String>,
    currency: Option<String>,
    zone: Option<String>,
    first: Option<String>,
    step: Option<String>,
    classes: ClassesFile,
    prefixes: BTreeMap<String, Option<RatesFile>>,
}

/// `classes:`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ClassesFile {
    local: Option<RatesFile>,
    national: Option<RatesFile>,
    mobile: Option<RatesFile>,
    international: Option<RatesFile>,
}

/// Prices of a class or of a beginning.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RatesFile {
    per_call: Option<String>,
    per_minute: Option<String>,
    first: Option<String>,
    step: Option<String>,
    hours: Vec<Option<HoursFile>>,
}

/// Prices of certain hours; what is left out is as at the others.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HoursFile {
    when: Vec<Option<String>>,
    per_call: Option<String>,
    per_minute: Option<String>,
    first: Option<String>,
    step: Option<String>,
}

type Complaints = Vec<(String, String)>;

impl LibraryFile for TariffFile {
    type Ready = Tariff;
    const KIND: Known = Known::Tariff;

    fn name(&self) -> Option<&str> {
        self.tariff.as_deref()
    }

    fn ready(self) -> Result<Tariff, Complaints> {
        let mut checker = Checker { out: Complaints::new(), zone: None, first_s: STEP_S, step_s: STEP_S };
        let currency = checker.currency(self.currency.as_deref());
        checker.zone = checker.zone(self.zone.as_deref());
        checker.first_s = checker.seconds(self.first.as_deref(), "first", STEP_S);
        checker.step_s = checker.seconds(self.step.as_deref(), "step", STEP_S);
        let ClassesFile { local, national, mobile, international } = self.classes;
        let mut classes = BTreeMap::new();
        for (class, file) in NumberClass::ALL.into_iter().zip([local, national, mobile, international]) {
            if let Some(file) = file {
                let rates = checker.rates(&file, &format!("classes.{}", class.word()));
                classes.insert(class, Arc::new(rates));
            }
        }
        let mut prefixes = BTreeMap::new();
        for (text, file) in &self.prefixes {
            let key = format!("prefixes.{text}");
            let Some(digits) = checker.prefix(text, &key) else { continue };
            let Some(file) = file else {
                checker.wrong(&key, "is empty; write `{ per_minute: \"0.05\" }`");
                continue;
            };
            let rates = checker.rates(file, &key);
            if prefixes.insert(digits, Arc::new(rates)).is_some() {
                checker.wrong(&key, "stands here already, written in another way");
            }
        }
        if classes.is_empty() && prefixes.is_empty() && checker.out.is_empty() {
            checker.wrong(
                "classes",
                "has no price; write `national: { per_minute: \"0.05\" }`, for `local`, `mobile` and `international` too",
            );
        }
        if checker.out.is_empty() {
            Ok(Tariff { name: self.tariff.unwrap_or_default(), currency, classes, prefixes })
        } else {
            Err(checker.out)
        }
    }
}

struct Checker {
    out: Complaints,
    zone: Option<TimeZone>,
    first_s: u32,
    step_s: u32,
}

impl Checker {
    fn wrong(&mut self, key: &str, what: impl Into<String>) {
        self.out.push((key.to_owned(), what.into()));
    }

    fn currency(&mut self, text: Option<&str>) -> String {
        match text {
            Some(text) if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) => text.to_owned(),
            Some(text) => {
                let what =
                    format!("is {}; write the three letters of ISO 4217, as `USD` or `EUR`", quoted(text));
                self.wrong("currency", what);
                String::new()
            }
            None => {
                self.wrong("currency", "is missing; write the three letters of ISO 4217, as `USD` or `EUR`");
                String::new()
            }
        }
    }

    fn zone(&mut self, text: Option<&str>) -> Option<TimeZone> {
        match Zone::named(text?) {
            Ok(zone) => Some(zone.rules().clone()),
            Err(what) => {
                self.wrong("zone", what);
                // What is wrong with the hours is told all the same.
                Some(TimeZone::UTC)
            }
        }
    }

    /// Digits of `+44 20`.
    fn prefix(&mut self, text: &str, key: &str) -> Option<String> {
        let kept: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')')).collect();
        let digits = kept.strip_prefix('+').filter(|digits| {
            let most = crate::model::number::DIGITS_MAX;
            (1..=most).contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0')
        });
        if digits.is_none() {
            self.wrong(
                key,
                "is no beginning of a number; write it with its country code, in quotes, as `\"+44 7\"`",
            );
        }
        digits.map(str::to_owned)
    }

    fn seconds(&mut self, text: Option<&str>, key: &str, default: u32) -> u32 {
        let Some(text) = text else { return default };
        match span::parse(text) {
            Ok(span) if span.subsec_nanos() == 0 && (1..=STEP_S_MAX).contains(&span.as_secs()) => {
                u32::try_from(span.as_secs()).unwrap_or(default)
            }
            Ok(_) => {
                self.wrong(
                    key,
                    format!("is {}; billing goes by whole seconds, from `1s` to `1h`", quoted(text)),
                );
                default
            }
            Err(what) => {
                self.wrong(key, what);
                default
            }
        }
    }

    fn money(&mut self, text: Option<&str>, key: &str, default: Micros) -> Micros {
        match text.map(money) {
            None => default,
            Some(Ok(money)) => money,
            Some(Err(what)) => {
                self.wrong(key, what);
                default
            }
        }
    }

    fn rates(&mut self, file: &RatesFile, key: &str) -> Rates {
        if file.per_call.is_none() && file.per_minute.is_none() {
            self.wrong(
                key,
                "has no price; write `per_minute: \"0.05\"`, `per_call: \"0.10\"` or both (`\"0\"` is free)",
            );
        }
        let base = Rate {
            per_call: self.money(file.per_call.as_deref(), &format!("{key}.per_call"), Micros(0)),
            per_minute: self.money(file.per_minute.as_deref(), &format!("{key}.per_minute"), Micros(0)),
            first_s: self.seconds(file.first.as_deref(), &format!("{key}.first"), self.first_s),
            step_s: self.seconds(file.step.as_deref(), &format!("{key}.step"), self.step_s),
        };
        let mut timed = Vec::new();
        for (index, hours) in file.hours.iter().enumerate() {
            let key = format!("{key}.hours[{index}]");
            match hours {
                Some(hours) => timed.push(self.timed(hours, base, &key)),
                None => {
                    self.wrong(
                        &key,
                        "is empty; write `{ when: [\"mon-fri 22:00-06:00\"], per_minute: \"0.01\" }`",
                    );
                }
            }
        }
        Rates { base, timed, zone: self.zone.clone().unwrap_or(TimeZone::UTC) }
    }

    fn timed(&mut self, file: &HoursFile, base: Rate, key: &str) -> (Vec<Hours>, Rate) {
        if self.zone.is_none() {
            self.wrong(key, "are of no time zone; write `zone: America/New_York` at the head of the tariff");
        }
        let mut when = Vec::new();
        for (index, text) in file.when.iter().enumerate() {
            let key = format!("{key}.when[{index}]");
            match text.as_deref().map(str::parse::<Window>) {
                Some(Ok(window)) => match hours_of(window) {
                    Ok(hours) => when.push(hours),
                    Err(what) => self.wrong(&key, what),
                },
                Some(Err(what)) => self.wrong(&key, what),
                None => self.wrong(&key, "is empty; write `mon-fri 22:00-06:00`"),
            }
        }
        if file.when.is_empty() {
            self.wrong(key, "has no `when`; write `when: [\"mon-fri 22:00-06:00\"]`");
        }
        let rate = Rate {
            per_call: self.money(file.per_call.as_deref(), &format!("{key}.per_call"), base.per_call),
            per_minute: self.money(file.per_minute.as_deref(), &format!("{key}.per_minute"), base.per_minute),
            first_s: self.seconds(file.first.as_deref(), &format!("{key}.first"), base.first_s),
            step_s: self.seconds(file.step.as_deref(), &format!("{key}.step"), base.step_s),
        };
        (when, rate)
    }
}

/// A window as hours of days of the week.
fn hours_of(window: Window) -> Result<Hours, String> {
    let days = window.days();
    // Every day is every day; but a tariff has no calendar of holidays to pick some by.
    if days != Days::ALL && days.contains(DayClass::Holiday) {
        return Err("names holidays, of which a tariff knows none: leave `holiday` out, they are charged like other days"
            .to_owned());
    }
    let weekdays = (0..7u8).filter(|day| days.contains(DayClass::Weekday(*day)));
    let (from_s, to_s) = window.span_s();
    let seconds = |second: i64| u32::try_from(second).map_err(|_| "is no span of a day".to_owned());
    Ok(Hours {
        days: weekdays.fold(0, |days, day| days | 1 << day),
        from_s: seconds(from_s)?,
        to_s: seconds(to_s)?,
    })
}

/// `0.05/min, 60+60 s`: the dearest of some rates, as people say it.
pub fn said(rates: &Rates, length: Duration) -> String {
    let Some(rate) = rates.all().max_by_key(|rate| rate.cost(rate.billed_s(length))) else {
        return String::new();
    };
    let mut parts = Vec::new();
    if rate.per_call > Micros(0) {
        parts.push(format!("{} a call", rate.per_call));
    }
    if rate.per_minute > Micros(0) {
        parts.push(format!("{}/min", rate.per_minute));
    }
    if parts.is_empty() { "free".to_owned() } else { parts.join(" + ") }
}
