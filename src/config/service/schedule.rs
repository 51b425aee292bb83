//! When a plan is due: cron expressions in a zone. Pure; the time comes from outside.
//!
//! Where clocks are set, a time that is skipped is due at the first minute that there is, and one that comes twice is due
//! once; what is due every so often goes through.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::problem::quoted;

/// Most expressions of one plan.
pub const EXPRESSIONS_MAX: usize = 32;

/// The fields of an expression; the first may be left out.
const FIELDS: [&str; 6] = ["second", "minute", "hour", "day of the month", "month", "day of the week"];

/// When a plan is due; at least one expression.
#[derive(Clone)]
pub struct Schedule {
    expressions: Vec<(String, Cron)>,
    zone: TimeZone,
    zone_name: String,
}

impl Schedule {
    /// The expressions, in this zone; `zone_name` is how it is told.
    ///
    /// # Errors
    /// For each expression that is wrong its place, what is wrong and what would be right.
    pub fn new(texts: &[&str], zone: TimeZone, zone_name: &str) -> Result<Self, Vec<(usize, String)>> {
        let mut expressions = Vec::new();
        let mut wrong = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            match expression(text) {
                Ok(cron) => expressions.push(((*text).trim().to_owned(), cron)),
                Err(what) => wrong.push((at, what)),
            }
        }
        if wrong.is_empty() {
            Ok(Self { expressions, zone, zone_name: zone_name.to_owned() })
        } else {
            Err(wrong)
        }
    }

    /// The expressions as they are written.
    pub fn written(&self) -> Vec<String> {
        self.expressions.iter().map(|(text, _)| text.clone()).collect()
    }

    /// The zone's name.
    pub fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// The first time after `at`; none where the calendar ends.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let from = whole(at)?.to_zoned(self.zone.clone());
        let next = |cron: &Cron| cron.find_next_occurrence(&from, false).ok().map(|next| next.timestamp());
        self.expressions.iter().filter_map(|(_, cron)| next(cron)).filter(|next| *next > at).min()
    }

    /// The last time that is not after `at`; none where the calendar begins.
    pub fn last_until(&self, at: Timestamp) -> Option<Timestamp> {
        let from = whole(at)?.to_zoned(self.zone.clone());
        let last = |cron: &Cron| cron.find_previous_occurrence(&from, true).ok().map(|last| last.timestamp());
        self.expressions.iter().filter_map(|(_, cron)| last(cron)).filter(|last| *last <= at).max()
    }

    /// The next `n` times after `at`, as they are told: `Mon 2026-11-23 02:00 EST`.
    pub fn preview(&self, at: Timestamp, n: usize) -> Vec<String> {
        let mut at = at;
        let mut told = Vec::new();
        while told.len() < n
            && let Some(next) = self.next_after(at)
        {
            told.push(self.told(next));
            at = next;
        }
        told
    }

    /// A time in the schedule's zone.
    pub fn told(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        let form = if zoned.second() == 0 { "%a %Y-%m-%d %H:%M %Z" } else { "%a %Y-%m-%d %H:%M:%S %Z" };
        zoned.strftime(form).to_string()
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({:?} in {})", self.written(), self.zone_name)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (text, _)) in self.expressions.iter().enumerate() {
            write!(f, "{}`{text}`", if at == 0 { "" } else { ", " })?;
        }
        write!(f, " in {}", self.zone_name)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.zone_name == other.zone_name && self.zone == other.zone && self.written() == other.written()
    }
}

/// Seconds are what expressions are of.
fn whole(at: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(at.as_nanosecond().div_euclid(1_000_000_000).try_into().ok()?).ok()
}

fn parser() -> CronParser {
    CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build()
}

fn expression(text: &str) -> Result<Cron, String> {
    const RIGHT: &str = "write minute, hour, day of the month, month, day of the week, as `0 2 * * mon-fri`";
    let text = text.trim();
    let fields: Vec<&str> = text.split_whitespace().collect();
    let named = text.starts_with('@');
    if !named && !matches!(fields.len(), 5 | 6) {
        let n = fields.len();
        let fields = if n == 1 { "field" } else { "fields" };
        return Err(format!("{} has {n} {fields}; {RIGHT} (or six, with the seconds first)", quoted(text)));
    }
    let cron = parser().parse(text).map_err(|_| {
        if named {
            return format!(
                "{} is no schedule; {RIGHT}, or one of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`",
                quoted(text)
            );
        }
        let names = &FIELDS[6 - fields.len()..];
        let wrong: Vec<String> = fields
            .iter()
            .zip(names)
            .enumerate()
            .filter(|(at, (field, _))| !alone(field, *at, fields.len()))
            .map(|(_, (field, name))| format!("{} is no {name}", quoted(field)))
            .collect();
        let wrong =
            if wrong.is_empty() { "its fields do not go together".to_owned() } else { wrong.join(", ") };
        format!("{}: {wrong}; {RIGHT}", quoted(text))
    })?;
    // Any day will do: the calendar is the same again after 400 years, and croner looks far enough.
    let someday = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    match cron.find_next_occurrence(&someday, true) {
        Ok(_) => Ok(cron),
        Err(_) => Err(format!("{} never comes; {RIGHT}", quoted(text))),
    }
}

/// Whether a field means something at its place.
fn alone(field: &str, at: usize, of: usize) -> bool {
    let text: Vec<&str> = (0..of).map(|n| if n == at { field } else { "*" }).collect();
    parser().parse(&text.join(" ")).is_ok()
}
