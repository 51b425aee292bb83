//! What keeps a line from being dialed today, and no longer: holds that have an end, numbers at which a person answered,
//! lines that passed not long ago. Time and what earlier runs found are handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use super::{Plan, PlannedLine, Preset};
use crate::config::hours::zone::Zone;
use crate::config::problem::{Place, Problem, Problems, quoted};
use crate::history::VoiceHold;
use crate::model::{Fault, LineId, PhoneNumber};

/// A line that is known to be dead, and why nobody need call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// From this day on, in the site's zone, it is dialed again; absent: until somebody takes the hold away.
    pub until: Option<Date>,
    /// Where the end is written.
    pub(super) at: Place,
}

impl Hold {
    /// As it is told of a line that is not dialed for it.
    pub fn told(&self) -> String {
        match self.until {
            Some(until) => format!("{} (until {until})", self.reason),
            None => format!("{} (no end date, age unknown)", self.reason),
        }
    }
}

/// What is known when a run begins.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// The time.
    pub now: Timestamp,
    /// Numbers at which a person answered, and no modem since, and that nobody has confirmed since.
    pub voice: &'a BTreeMap<PhoneNumber, VoiceHold>,
    /// When lines, with the numbers that they have now, passed last.
    pub passed: &'a BTreeMap<LineId, Timestamp>,
    /// Lines that passed within this time are skipped.
    pub skip_passed: Option<Duration>,
}

impl Plan {
    /// Applies what is known today, in each line's own zone. Gives what is worth a notice.
    ///
    /// # Errors
    /// A date means nothing without a zone, or lies where it can't.
    pub fn settle(&mut self, standing: &Standing<'_>) -> Result<Vec<String>, Problems> {
        let mut problems = Problems::default();
        let mut notices = Vec::new();
        for planned in &mut self.lines {
            let zone = planned.zone.clone();
            let zone = zone.as_ref().map(Zone::rules);
            settle_hold(planned, standing.now, zone, &mut problems);
            settle_voice(planned, standing, zone, &mut problems, &mut notices);
            settle_passed(planned, standing);
        }
        if problems.is_empty() { Ok(notices) } else { Err(problems.in_order()) }
    }
}

/// Ends a hold whose day has come.
fn settle_hold(planned: &mut PlannedLine, now: Timestamp, zone: Option<&TimeZone>, problems: &mut Problems) {
    let Some((hold, until)) = planned.hold.as_ref().and_then(|hold| Some((hold, hold.until?))) else {
        return;
    };
    let Some(zone) = zone else {
        let what = format!(
            "is {until}, and when that day begins is not known; write the site's `zone:` (as `zone: America/New_York`) at the line, its site or the plan"
        );
        problems.0.push(Problem::new(hold.at.clone(), what));
        return;
    };
    let held = planned.preset.as_ref().is_some_and(|preset| preset.fault == Fault::OnHold);
    if held && day(now, zone) >= until {
        planned.preset = None;
    }
}

/// Takes the ways away that lead to a person; without any other the line is on hold.
fn settle_voice(
    planned: &mut PlannedLine,
    standing: &Standing<'_>,
    zone: Option<&TimeZone>,
    problems: &mut Problems,
    notices: &mut Vec<String>,
) {
    if let Some((date, at)) = &planned.number_confirmed
        && *date > day(standing.now, zone.unwrap_or(&first_to_see_a_day()))
    {
        let what = format!("is {date}, which is still to come; write the day on which somebody confirmed it");
        problems.0.push(Problem::new(at.clone(), what));
    }
    let mut held: BTreeMap<&PhoneNumber, &VoiceHold> = BTreeMap::new();
    for way in &planned.ways {
        if let Some(heard) = standing.voice.get(&way.number)
            && !confirmed_since(planned, heard, zone)
        {
            held.insert(&way.number, heard);
        }
    }
    let Some(told) = held.iter().map(|(number, heard)| voice_told(planned, number, heard, zone)).next()
    else {
        return;
    };
    let held: BTreeSet<PhoneNumber> = held.into_keys().cloned().collect();
    let left: Vec<_> = planned.ways.iter().filter(|way| !held.contains(&way.number)).cloned().collect();
    if planned.preset.is_some() {
        return;
    }
    if left.is_empty() {
        planned.preset = Some(Preset { fault: Fault::OnHold, detail: told });
    } else {
        let by = left.first().map(super::ways::PlannedWay::told).unwrap_or_default();
        notices.push(format!("line `{}` is called by {by}: {told}", planned.line.id));
        planned.ways = left;
    }
}

/// Whether the plan says that the number was confirmed on or after the day on which the voice was heard.
fn confirmed_since(planned: &PlannedLine, heard: &VoiceHold, zone: Option<&TimeZone>) -> bool {
    planned.number_confirmed.as_ref().is_some_and(|(date, _)| *date >= voice_day(heard, zone))
}

/// The day on which a voice was heard. Without a zone the latest that it can have been: a stranger is not rung for want
/// of a zone.
fn voice_day(heard: &VoiceHold, zone: Option<&TimeZone>) -> Date {
    day(heard.at, zone.unwrap_or(&first_to_see_a_day()))
}

fn voice_told(
    planned: &PlannedLine,
    number: &PhoneNumber,
    heard: &VoiceHold,
    zone: Option<&TimeZone>,
) -> String {
    let date = voice_day(heard, zone);
    let line = &planned.line.id;
    let whose =
        if heard.line == line.as_str() { String::new() } else { format!(", for line `{}`", heard.line) };
    format!(
        "{number} was answered by voice in run {}{whose}, and nobody has confirmed the number since: `lineman audit --number-confirmed {line}`, or `number_confirmed: {date}` or later in the plan",
        heard.run
    )
}

/// Skips a line that passed not long ago.
fn settle_passed(planned: &mut PlannedLine, standing: &Standing<'_>) {
    let (Some(within), Some(at)) = (standing.skip_passed, standing.passed.get(&planned.line.id)) else {
        return;
    };
    let ago = Duration::try_from(standing.now.duration_since(*at)).unwrap_or_default();
    if planned.preset.is_none() && ago <= within {
        let detail = format!("passed at {at:.0}, within the time of `--skip-passed`");
        planned.preset = Some(Preset { fault: Fault::Skipped, detail });
    }
}

/// The date that a site's clocks show.
fn day(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

/// Where a date is seen first on earth.
fn first_to_see_a_day() -> TimeZone {
    TimeZone::fixed(Offset::constant(14))
}

/// A date as people write it: exactly `2026-12-25`, since what else might be taken for one means something else.
pub(super) fn date(text: &str) -> Result<Date, String> {
    let form = text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    let date = if form { text.parse().ok() } else { None };
    date.ok_or_else(|| format!("is {}; write a date as `2026-12-25`", quoted(text)))
}
