//! Holidays and blackouts, as dates of the site's own calendar.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};

use super::week::DayClass;
use crate::config::problem::quoted;

/// Holidays: dates, and days that come every year.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holidays {
    dates: BTreeSet<Date>,
    /// Month and day.
    yearly: BTreeSet<(i8, i8)>,
}

impl Holidays {
    /// Whether this date is one.
    pub fn contains(&self, date: Date) -> bool {
        self.dates.contains(&date) || self.yearly.contains(&(date.month(), date.day()))
    }

    /// The class of a date.
    pub fn class(&self, date: Date) -> DayClass {
        if self.contains(date) {
            DayClass::Holiday
        } else {
            DayClass::Weekday(date.weekday().to_monday_zero_offset().unsigned_abs())
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.dates.is_empty() && self.yearly.is_empty()
    }

    /// Whether some come every year.
    pub fn has_yearly(&self) -> bool {
        !self.yearly.is_empty()
    }

    /// The last date that is given with its year; absent where none is.
    pub fn last_date(&self) -> Option<Date> {
        self.dates.last().copied()
    }

    /// Takes in all of `other`.
    pub(in crate::config) fn extend(&mut self, other: &Self) {
        self.dates.extend(&other.dates);
        self.yearly.extend(&other.yearly);
    }

    /// Takes in a date: `2026-12-25`, or `12-25` of every year.
    pub(in crate::config) fn add(&mut self, text: &str) -> Result<(), String> {
        let yearly = text.len() == "12-25".len();
        // A leap year: the 29th of February comes in some years, and is a day.
        let whole = if yearly { format!("2024-{text}") } else { text.to_owned() };
        let date = date(&whole).ok_or_else(|| {
            format!("{} is no date; write `2026-12-25`, or `12-25` for every year", quoted(text))
        })?;
        if yearly {
            self.yearly.insert((date.month(), date.day()));
        } else {
            self.dates.insert(date);
        }
        Ok(())
    }

    /// Reads the text of a file: a date a row, what stands behind it is a note, `#` begins a comment. What is wrong is
    /// told with its row, from 1.
    pub(in crate::config) fn read(text: &str) -> (Self, Vec<(usize, String)>) {
        let mut holidays = Self::default();
        let mut wrong = Vec::new();
        let mut first = true;
        for (index, row) in text.lines().enumerate() {
            let row = row.split('#').next().unwrap_or_default();
            let separates = |c: char| c.is_whitespace() || ",;".contains(c);
            let Some(word) = row.split(separates).find(|word| !word.is_empty()) else { continue };
            // The name of the column, where a spreadsheet wrote the file.
            if std::mem::take(&mut first) && word.eq_ignore_ascii_case("date") {
                continue;
            }
            if let Err(what) = holidays.add(word) {
                wrong.push((index + 1, what));
            }
        }
        if holidays.is_empty() && wrong.is_empty() {
            wrong.push((1, "holds no date; write one a row, as `2026-12-25`".to_owned()));
        }
        (holidays, wrong)
    }
}

/// Exactly `2026-12-25`: what else jiff takes (a time behind it, a zone) means something else here.
fn date(text: &str) -> Option<Date> {
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if form { text.parse().ok() } else { None }
}

/// A spell in which nothing is dialed, by the site's own clocks: `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blackout {
    /// From then on.
    pub from: DateTime,
    /// Until then.
    pub to: DateTime,
}

impl std::str::FromStr for Blackout {
    type Err = String;

    /// `2026-12-31T18:00/2027-01-01T12:00`, or dates alone for whole days: `2026-12-24/2026-12-26` ends with the 26th.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |part: &str| {
            format!("{} is no date and time; write `2026-12-31T18:00/2027-01-01T12:00`", quoted(part))
        };
        let (first, last) = text.split_once('/').unwrap_or((text, text));
        let (first, last) = (first.trim(), last.trim());
        let from = instant(first, false).ok_or_else(|| wrong(first))?;
        let to = instant(last, true).ok_or_else(|| wrong(last))?;
        if first.len() > 10 && !text.contains('/') {
            return Err(format!(
                "{} has no end; write `2026-12-31T18:00/2027-01-01T12:00`, or a date for a whole day",
                quoted(text)
            ));
        }
        if from >= to {
            return Err(format!("{} ends before it has begun; write the earlier one first", quoted(text)));
        }
        Ok(Self { from, to })
    }
}

/// `2026-12-31T18:00`, also with a blank or with seconds; of a date alone its first instant, or the first of the next day.
fn instant(text: &str, end: bool) -> Option<DateTime> {
    if let Some(day) = date(text) {
        return Some(if end { day.tomorrow().ok()? } else { day }.to_datetime(jiff::civil::Time::midnight()));
    }
    let (day, time) = text.split_once(['T', 't', ' '])?;
    let time = time.trim();
    if time == "24:00" {
        return Some(date(day)?.tomorrow().ok()?.to_datetime(jiff::civil::Time::midnight()));
    }
    let known = ["%H:%M", "%H:%M:%S"];
    let time = known.iter().find_map(|form| jiff::civil::Time::strptime(form, time).ok())?;
    Some(date(day)?.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_alone_and_from_files() {
        let (holidays, wrong) = Holidays::read(
            "# of the company\ndate,name\n2026-12-25 Christmas\n\n2027-01-01;New Year\n07-04\n02-29 # leap days\n",
        );
        assert_eq!(wrong, []);
        let is = |text: &str| holidays.contains(text.parse().unwrap());
        assert!(is("2026-12-25") && !is("2027-12-25") && is("2031-07-04") && is("2028-02-29"));
        assert_eq!(holidays.last_date(), Some("2027-01-01".parse().unwrap()));
        assert_eq!(holidays.class("2026-12-25".parse().unwrap()), DayClass::Holiday);
        assert_eq!(holidays.class("2026-11-22".parse().unwrap()), DayClass::Weekday(6));
        let (_, wrong) = Holidays::read("25.12.2026\n2026-02-30\n2026-13-01\n");
        let rows: Vec<usize> = wrong.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, [1, 2, 3]);
        assert_eq!(Holidays::read("# none yet\n").1.len(), 1);
    }

    #[test]
    fn blackouts_are_spells_of_the_calendar() {
        let blackout = |text: &str| text.parse::<Blackout>();
        let is = |from: &str, to: &str| Ok(Blackout { from: from.parse().unwrap(), to: to.parse().unwrap() });
        assert_eq!(blackout("2026-12-31T18:00/2027-01-01T12:00"), is("2026-12-31T18:00", "2027-01-01T12:00"));
        assert_eq!(blackout("2026-12-24/2026-12-26"), is("2026-12-24T00:00", "2026-12-27T00:00"));
        assert_eq!(blackout("2026-12-24"), is("2026-12-24T00:00", "2026-12-25T00:00"));
        assert_eq!(
            blackout("2026-12-24 18:00 / 2026-12-24 24:00"),
            is("2026-12-24T18:00", "2026-12-25T00:00")
        );
        for (text, said) in [
            ("2026-12-31T18:00", "has no end"),
            ("2027-01-01T12:00/2026-12-31T18:00", "ends before it has begun"),
            ("2026-12-31T18:00Z/2027-01-01T12:00Z", "is no date and time"),
            ("tomorrow", "is no date and time"),
            ("2026-02-30", "is no date and time"),
        ] {
            assert!(blackout(text).is_err_and(|what| what.contains(said)), "{text}: {:?}", blackout(text));
        }
    }
}
