//! Windows as people write them: `mon-fri 22:00-05:00`, on which classes of days and between which times of day.

use std::fmt;
use std::str::FromStr;

use crate::config::problem::{list, quoted, suggestion};

/// Seconds of a civil day. Days of 23 and 25 hours are the zone's affair, not the calendar's.
pub const DAY_S: i64 = 24 * 3600;

/// Minutes of a civil day.
const DAY_MIN: u32 = 24 * 60;

/// The classes of days, Monday first: a holiday is no weekday.
const CLASSES: [(&str, &str); 8] = [
    ("mon", "monday"),
    ("tue", "tuesday"),
    ("wed", "wednesday"),
    ("thu", "thursday"),
    ("fri", "friday"),
    ("sat", "saturday"),
    ("sun", "sunday"),
    ("holiday", "holidays"),
];

/// How many of the classes are weekdays.
const WEEKDAYS: usize = 7;

/// Some of the eight classes of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Days(u8);

/// The class of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayClass {
    /// A day of the week that is no holiday: 0 is Monday, 6 is Sunday.
    Weekday(u8),
    /// A holiday, whatever its day of the week.
    Holiday,
}

impl DayClass {
    const fn bit(self) -> u8 {
        match self {
            Self::Weekday(day) => 1 << (day % 7),
            Self::Holiday => 1 << WEEKDAYS,
        }
    }
}

impl Days {
    /// Every day, holidays too.
    pub const ALL: Self = Self(u8::MAX);

    /// Whether every day is among them.
    pub const fn is_all(self) -> bool {
        self.0 == Self::ALL.0
    }

    /// Whether days of this class are among them.
    pub const fn contains(self, class: DayClass) -> bool {
        self.0 & class.bit() != 0
    }
}

/// A window of each day of some classes. One over midnight belongs to the day on which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    days: Days,
    /// Minute of the day on which it begins, under 24 h.
    from: u32,
    /// The minute before which it ends, counted from the same midnight: after `from`, and less than 24 h after it but for a
    /// whole day.
    to: u32,
}

impl Window {
    /// On which days it begins.
    pub const fn days(self) -> Days {
        self.days
    }

    /// Where it begins and ends, in seconds from the midnight at which its day begins: `[from, to)`.
    pub fn span_s(self) -> (i64, i64) {
        (i64::from(self.from) * 60, i64::from(self.to) * 60)
    }

    /// Whether another window of the same list may go on where this one ends, or begin where this one does: then neither
    /// is as short as it looks.
    pub fn meets(self, other: Self) -> bool {
        let day = |minute: u32| minute % DAY_MIN;
        let within = |minute: u32, of: Self| {
            let from_there = (minute + DAY_MIN - of.from) % DAY_MIN;
            from_there <= of.to - of.from
        };
        within(day(self.to), other)
            || within(day(self.from), other)
            || within(day(other.to), self)
            || within(day(other.from), self)
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let even = text.trim().replace(['\u{2013}', '\u{2014}'], "-");
        let even = closed_up(&even);
        let words: Vec<&str> = even.split_whitespace().collect();
        let (days, hours) = match words[..] {
            [hours] => (None, hours),
            [days, hours] => (Some(days), hours),
            _ => {
                return Err(format!(
                    "{} is no window; write `mon-fri 22:00-05:00`, or `22:00-05:00` for every day",
                    quoted(text)
                ));
            }
        };
        if !hours.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "{} names no times of day; write `mon-fri 22:00-05:00`, and `00:00-24:00` for whole days",
                quoted(text)
            ));
        }
        let days = days.map_or(Ok(Days::ALL), str::parse)?;
        let (from, to) = hours
            .split_once('-')
            .ok_or_else(|| format!("{} has no end; write `22:00-05:00`", quoted(hours)))?;
        let (from, to) = (minute(from)?, minute(to)?);
        if from == DAY_MIN {
            return Err(format!("{} begins at 24:00; write `00:00` of the next day", quoted(hours)));
        }
        if from == to {
            return Err(format!(
                "{} begins and ends at the same time; write `00:00-24:00` for the whole day",
                quoted(hours)
            ));
        }
        Ok(Self { days, from, to: if to > from { to } else { to + DAY_MIN } })
    }
}

/// Without the blanks around `-` and `,`.
fn closed_up(text: &str) -> String {
    let mut out = text.to_owned();
    for sign in ['-', ','] {
        let parts: Vec<&str> = out.split(sign).map(str::trim).collect();
        out = parts.join(&sign.to_string());
    }
    out
}

/// The minute of the day of `22:00`; 24:00 is 1440.
fn minute(text: &str) -> Result<u32, String> {
    let wrong = || format!("{} is no time of day; write it as `05:30`, up to `24:00`", quoted(text));
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |part: &str, most: usize| {
        let fits = (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if fits { part.parse::<u32>().ok() } else { None }
    };
    let hours = digits(hours, 2).ok_or_else(wrong)?;
    let minutes = digits(minutes, 2).filter(|_| minutes.len() == 2).ok_or_else(wrong)?;
    if minutes > 59 || hours > 24 || (hours == 24 && minutes > 0) {
        return Err(wrong());
    }
    Ok(hours * 60 + minutes)
}

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut days = 0;
        for part in text.split(',') {
            match part.split_once('-') {
                None => days |= 1 << class(part)?,
                Some((first, last)) => {
                    let (first, last) = (class(first)?, class(last)?);
                    if first == WEEKDAYS || last == WEEKDAYS {
                        return Err(format!(
                            "{} goes from or to `holiday`, which is no day of the week; write `sat,sun,holiday`",
                            quoted(part)
                        ));
                    }
                    let mut day = first;
                    loop {
                        days |= 1 << day;
                        if day == last {
                            break;
                        }
                        day = (day + 1) % WEEKDAYS;
                    }
                }
            }
        }
        Ok(Self(days))
    }
}

fn class(word: &str) -> Result<usize, String> {
    let lower = word.to_lowercase();
    CLASSES.iter().position(|&(short, long)| lower == short || lower == long).ok_or_else(|| {
        let near = suggestion(word, CLASSES.iter().flat_map(|&(short, long)| [short, long]));
        let known = list(CLASSES.map(|(short, _)| short));
        format!("{} is no day{near}; known are {known}", quoted(word))
    })
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |class: usize| self.0 & (1 << class) != 0;
        let mut parts: Vec<String> = Vec::new();
        let mut class = 0;
        while class < WEEKDAYS {
            let run = (class..WEEKDAYS).take_while(|&c| has(c)).count();
            match run {
                0 => {}
                1 | 2 => parts.extend((class..class + run).map(|c| CLASSES[c].0.to_owned())),
                _ => parts.push(format!("{}-{}", CLASSES[class].0, CLASSES[class + run - 1].0)),
            }
            class += run.max(1);
        }
        if has(WEEKDAYS) {
            parts.push(CLASSES[WEEKDAYS].0.to_owned());
        }
        f.write_str(&parts.join(","))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != Days::ALL {
            write!(f, "{} ", self.days)?;
        }
        let to = if self.to > DAY_MIN { self.to - DAY_MIN } else { self.to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Window {
        text.parse().unwrap()
    }

    #[test]
    fn windows_read_and_are_said_again() {
        for (text, said) in [
            ("mon-fri 22:00-05:00", "mon-fri 22:00-05:00"),
            ("22:00 - 05:00", "22:00-05:00"),
            ("Sat, Sun,holidays 00:00-24:00", "sat,sun,holiday 00:00-24:00"),
            ("fri-mon 9:05-24:00", "mon,fri-sun 09:05-24:00"),
            ("mon-sun,holiday 22:00-00:00", "22:00-24:00"),
            ("thursday 00:00\u{2013}00:30", "thu 00:00-00:30"),
        ] {
            assert_eq!(window(text).to_string(), said);
            assert_eq!(window(said), window(text));
        }
        assert_eq!(window("22:00-05:00").span_s(), (22 * 3600, 29 * 3600));
        let mondays = window("mon 01:00-02:00").days();
        assert!(mondays.contains(DayClass::Weekday(0)) && !mondays.contains(DayClass::Weekday(1)));
        assert!(!mondays.contains(DayClass::Holiday) && Days::ALL.contains(DayClass::Holiday));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        let wrong = |text: &str| text.parse::<Window>().unwrap_err();
        for (text, said) in [
            ("", "is no window; write `mon-fri 22:00-05:00`"),
            ("mon-fri", "names no times of day"),
            ("mon fri 22:00-05:00", "is no window"),
            ("thur 22:00-05:00", "`thur` is no day; did you mean `thu`?"),
            ("mo 22:00-05:00", "known are `mon`, `tue`"),
            ("mon-holiday 22:00-05:00", "no day of the week"),
            ("22:00", "has no end"),
            ("22:00-25:00", "`25:00` is no time of day"),
            ("22-05", "`22` is no time of day"),
            ("22:60-05:00", "`22:60` is no time of day"),
            ("22:00-05:0", "`05:0` is no time of day"),
            ("24:00-05:00", "begins at 24:00"),
            ("05:00-05:00", "the same time; write `00:00-24:00`"),
            ("10pm-5am", "`10pm` is no time of day"),
        ] {
            assert!(wrong(text).contains(said), "{text}: {}", wrong(text));
        }
    }

    #[test]
    fn windows_that_meet_make_one() {
        assert!(window("22:00-24:00").meets(window("00:00-00:05")));
        assert!(window("mon 00:00-00:05").meets(window("sun 22:00-24:00")));
        assert!(window("22:00-05:00").meets(window("23:00-23:05")));
        assert!(!window("22:00-05:00").meets(window("12:00-12:05")));
    }
}
