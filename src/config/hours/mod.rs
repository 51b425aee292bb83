//! When a site may be dialed: windows by classes of days, holidays and blackouts, in the site's own time zone.
//!
//! [`Hours`] answers the two questions that there are: may it be dialed at this instant ([`Hours::is_open`], a look at the
//! site's clocks), and which spells of a run are open ([`Hours::windows`], computed between the changes of the zone's
//! clocks). Both follow one rule, and a property test holds them to each other. How hours are written in plans is
//! `plan`'s.

pub mod days;
pub mod spells;
pub mod week;
pub mod zone;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{Timestamp, Zoned};

use self::days::{Blackout, Holidays};
use self::spells::{Spell, civil_second, joined};
use self::week::{DAY_S, Window};
use self::zone::Zone;
use crate::model::{Reading, Windows};

/// How far beyond a run's horizon a spell that began before it is followed: a run that lasts longer is told so by its
/// windows.
const BEYOND_HORIZON_S: i64 = 8 * DAY_S;

/// How far ahead the next opening is looked for, in steps: nearly always it is within a week, and what opens once a year is
/// found too.
const AHEAD_S: [i64; 3] = [9 * DAY_S, 70 * DAY_S, 800 * DAY_S];

/// When a site may be dialed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    zone: Zone,
    /// None: always, but for blackouts.
    windows: Vec<Window>,
    holidays: Arc<Holidays>,
    /// Blackouts, joined, in seconds of the site's calendar.
    dark: Vec<Spell>,
}

/// A spell in which a site may be dialed, by its own clocks and by UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Its first instant, or the instant that was asked from.
    pub from: Zoned,
    /// Its end.
    pub to: Zoned,
}

impl Hours {
    /// Of a zone, with these windows (none: always), holidays and blackouts.
    pub fn new(zone: Zone, windows: Vec<Window>, holidays: Arc<Holidays>, blackouts: &[Blackout]) -> Self {
        let dark = blackouts.iter().map(|dark| (civil_second(dark.from), civil_second(dark.to))).collect();
        // Holidays change nothing where there are no windows.
        let holidays = if windows.is_empty() { Arc::default() } else { holidays };
        Self { zone, windows, holidays, dark: joined(dark) }
    }

    /// The site's zone.
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether the site may be dialed at this instant: whether its own clocks show a day and a time inside. One that comes
    /// twice, when they are put back, is inside both times.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.is_open_civil(self.zone.rules().to_datetime(at))
    }

    fn is_open_civil(&self, at: DateTime) -> bool {
        let date = at.date();
        let second = civil_second(at);
        if self.dark.iter().any(|&(from, to)| (from..to).contains(&second)) {
            return false;
        }
        if self.windows.is_empty() {
            return true;
        }
        let midnight = civil_second(date.to_datetime(jiff::civil::Time::midnight()));
        let in_window_of = |day: jiff::civil::Date, since_midnight: i64| {
            let class = self.holidays.class(day);
            self.windows.iter().any(|window| {
                let (from, to) = window.span_s();
                window.days().contains(class) && (from..to).contains(&since_midnight)
            })
        };
        in_window_of(date, second - midnight)
            || date.yesterday().is_ok_and(|before| in_window_of(before, second - midnight + DAY_S))
    }

    /// The spells from `from` on in which the site may be dialed and which begin before `horizon`, in the run's own time.
    /// One that is open at the horizon keeps its own end, as far as it lies in the next days.
    pub fn windows(&self, reading: &Reading, from: Timestamp, horizon: Timestamp) -> Windows {
        let (first, last) = (from.as_second(), horizon.as_second() + 1);
        let open = spells::open(self, first, last.saturating_add(BEYOND_HORIZON_S));
        let instant = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let open = open.into_iter().map(|(begins, ends)| (instant(begins).max(from), instant(ends)));
        let begun = open.filter(|(begins, _)| *begins < horizon);
        Windows::new(begun.map(|(begins, ends)| (reading.not_before(begins), reading.not_after(ends))))
    }

    /// The first spell from `after` on that is long enough for a call; absent if there is none within two years.
    pub fn next(&self, after: Timestamp, room: Duration) -> Option<Opening> {
        let room_s = i64::try_from(room.as_secs()).ok()? + i64::from(room.subsec_nanos() > 0);
        let first = after.as_second() + i64::from(after.subsec_nanosecond() > 0);
        AHEAD_S.iter().find_map(|ahead| {
            let last = first + ahead;
            let open = spells::open(self, first, last);
            // One that is cut off at the end of what was looked at is looked at again, further ahead.
            let whole = |to: i64| to < last || *ahead == AHEAD_S[AHEAD_S.len() - 1];
            let (from, to) = open.into_iter().find(|&(from, to)| to - from >= room_s)?;
            whole(to).then(|| self.opening(from, to)).flatten()
        })
    }

    fn opening(&self, from: i64, to: i64) -> Option<Opening> {
        let here =
            |second: i64| Some(Timestamp::from_second(second).ok()?.to_zoned(self.zone.rules().clone()));
        Some(Opening { from: here(from)?, to: here(to)? })
    }

    /// Whether it may be dialed around the clock, but for blackouts.
    pub const fn has_windows(&self) -> bool {
        !self.windows.is_empty()
    }

    /// The holidays that its windows look at.
    pub fn holidays(&self) -> &Holidays {
        &self.holidays
    }
}

/// As the windows are written, in the zone.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let windows: Vec<String> = self.windows.iter().map(ToString::to_string).collect();
        let windows =
            if windows.is_empty() { "always but for blackouts".to_owned() } else { windows.join(", ") };
        write!(f, "{windows} {}", self.zone)
    }
}

/// `Mon 2026-11-23 22:00 -05:00 America/New_York (2026-11-24 03:00 UTC)`: the beginning.
impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&local_and_utc(&self.from))
    }
}

/// An instant as the clocks there show it, with their zone, and as UTC.
pub fn local_and_utc(at: &Zoned) -> String {
    let zone = at.time_zone().iana_name().unwrap_or_default();
    let here = at.strftime("%a %Y-%m-%d %H:%M %:z");
    if zone == "UTC" || zone == "Etc/UTC" {
        return at.strftime("%a %Y-%m-%d %H:%M UTC").to_string();
    }
    let utc = at.timestamp().strftime("%Y-%m-%d %H:%M UTC");
    let space = if zone.is_empty() { "" } else { " " };
    format!("{here}{space}{zone} ({utc})")
}
