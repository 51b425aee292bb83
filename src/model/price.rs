//! What a number costs to call: rates, their hours, and what comes of them for a call. Pure; the prices themselves are
//! data, which `config` reads.
//!
//! Never too little: a call that lies in the hours of several rates is charged by the dearest of them, and seconds and
//! money are rounded up.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Charge, Micros, NumberClass};

/// Seconds of a civil day.
const DAY_S: i64 = 24 * 3600;

/// What an answered call costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// Once, whatever its length.
    pub per_call: Micros,
    /// For a minute of billed time.
    pub per_minute: Micros,
    /// Billed at least, s; 0 counts as 1.
    pub first_s: u32,
    /// Billed beyond that in steps of so many s; 0 counts as 1.
    pub step_s: u32,
}

impl Rate {
    /// Free of charge, by the second.
    pub const FREE: Self = Self { per_call: Micros(0), per_minute: Micros(0), first_s: 1, step_s: 1 };

    /// Seconds that are billed for an answered call of this length.
    pub fn billed_s(&self, length: Duration) -> u32 {
        let seconds = u32::try_from(length.as_micros().div_ceil(1_000_000)).unwrap_or(u32::MAX);
        let (first, step) = (self.first_s.max(1), self.step_s.max(1));
        let beyond = seconds.saturating_sub(first).div_ceil(step);
        first.saturating_add(beyond.saturating_mul(step))
    }

    /// What so many billed seconds cost.
    pub fn cost(&self, billed_s: u32) -> Micros {
        let minutes = u128::from(self.per_minute.0) * u128::from(billed_s);
        let time = u64::try_from(minutes.div_ceil(60)).unwrap_or(u64::MAX);
        self.per_call.plus(Micros(time))
    }
}

/// Hours of some days of the week. Those over midnight belong to the day on which they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hours {
    /// Bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// From this second of the day on.
    pub from_s: u32,
    /// Before this one, counted from the same midnight; may lie beyond the day's end, by less than a day.
    pub to_s: u32,
}

impl Hours {
    /// The spells, in civil seconds from the midnight before `first`, of the days from the one before `first` to `last`.
    fn spells(self, first: jiff::civil::Date, days: i64) -> impl Iterator<Item = (i64, i64)> {
        (-1..=days).filter_map(move |day| {
            let date = first.checked_add(day.days()).ok()?;
            let bit = 1u8 << (date.weekday().to_monday_zero_offset() % 7);
            let midnight = day * DAY_S;
            (self.days & bit != 0)
                .then_some((midnight + i64::from(self.from_s), midnight + i64::from(self.to_s)))
        })
    }
}

/// The rates of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Whenever no other one holds.
    pub base: Rate,
    /// Rates of certain hours; the first that fits holds.
    pub timed: Vec<(Vec<Hours>, Rate)>,
    /// Whose clocks the hours are of.
    pub zone: TimeZone,
}

impl Rates {
    /// The same rate at any hour.
    pub const fn flat(base: Rate) -> Self {
        Self { base, timed: Vec::new(), zone: TimeZone::UTC }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Rate> {
        std::iter::once(&self.base).chain(self.timed.iter().map(|(_, rate)| rate))
    }

    /// Those that hold at some instant of a call, both ends included.
    fn during(&self, from: Timestamp, to: Timestamp) -> Vec<Rate> {
        if self.timed.is_empty() {
            return vec![self.base];
        }
        let (begin, end) = (self.zone.to_datetime(from), self.zone.to_datetime(to));
        let same_offset = self.zone.to_offset(from) == self.zone.to_offset(to);
        let days = begin.date().until(end.date()).map_or(-1, |span| i64::from(span.get_days()));
        if !same_offset || !(0..=7).contains(&days) {
            // The clocks were changed meanwhile, or nobody hung up for a week: any of them may hold.
            return self.all().copied().collect();
        }
        let first = begin.date();
        let midnight = first.to_datetime(jiff::civil::Time::midnight());
        let second = |at: DateTime| at.duration_since(midnight).as_secs();
        let (begin, end) = (second(begin), second(end));
        let spells: Vec<Vec<(i64, i64)>> = self
            .timed
            .iter()
            .map(|(hours, _)| hours.iter().flat_map(|hours| hours.spells(first, days)).collect())
            .collect();
        // What holds changes only where a spell begins or ends.
        let edges = spells.iter().flatten().flat_map(|&(from, to)| [from, to]);
        let mut instants: Vec<i64> = edges.filter(|edge| (begin..=end).contains(edge)).collect();
        instants.push(begin);
        let at = |instant: i64| {
            let holds =
                |spells: &Vec<(i64, i64)>| spells.iter().any(|(from, to)| (*from..*to).contains(&instant));
            spells.iter().position(holds).map_or(self.base, |place| self.timed[place].1)
        };
        instants.into_iter().map(at).collect()
    }
}

/// What calls to a number are charged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Where the number lies.
    pub class: NumberClass,
    /// Its rates; absent without a tariff that has a price for it: seconds are counted then, and no money.
    pub rates: Option<Arc<Rates>>,
}

impl Price {
    /// Of a number that has no price.
    pub const fn unknown(class: NumberClass) -> Self {
        Self { class, rates: None }
    }

    /// What is charged for a call. `answered` is the time in which the far end was off-hook, or may have been, by the wall
    /// clock; absent: nobody answered.
    pub fn charge(&self, answered: Option<(Timestamp, Timestamp)>, length: Duration) -> Charge {
        match (answered, &self.rates) {
            (None, rates) => {
                Charge { class: self.class, billed_s: 0, cost: rates.as_ref().map(|_| Micros(0)) }
            }
            (Some((from, to)), Some(rates)) => self.dearest(&rates.during(from.min(to), to), length),
            (Some(_), None) => self.dearest(&[], length),
        }
    }

    /// The most that a call of at most this length can be charged, whenever it is made.
    pub fn worst(&self, length: Duration) -> Charge {
        match &self.rates {
            Some(rates) => self.dearest(&rates.all().copied().collect::<Vec<_>>(), length),
            None => self.dearest(&[], length),
        }
    }

    fn dearest(&self, rates: &[Rate], length: Duration) -> Charge {
        let billed = |rate: &Rate| rate.billed_s(length);
        let billed_s = rates.iter().map(billed).max().unwrap_or_else(|| billed(&Rate::FREE));
        let cost = rates.iter().map(|rate| rate.cost(billed(rate))).max();
        Charge { class: self.class, billed_s, cost }
    }
}

/// The instant so long before another; the earliest there is where that lies before it.
pub fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_sub(by).ok()).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
