//! From civil hours to instants: the spells in which a site may be dialed.
//!
//! The rule is pointwise: an instant is open iff the site's own clocks show a day and a time inside. So an hour that comes
//! twice counts both times, and one that is skipped not at all. Between two changes of its clocks a zone is a
//! constant offset, and there the calendar is plain arithmetic: the changes are asked of the zone, all else is computed. Pure.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use super::Hours;
use super::week::DAY_S;

/// A half-open spell `[from, to)`, in whole seconds: of UTC, or of a calendar (both from 1970-01-01 00:00 there).
pub(super) type Spell = (i64, i64);

/// The open spells of `hours` between two instants (seconds, UTC), in their order; they neither touch nor overlap.
pub(super) fn open(hours: &Hours, from: i64, to: i64) -> Vec<Spell> {
    let mut open = Vec::new();
    for (from, to, offset) in segments(hours.zone.rules(), from, to) {
        let (from, to) = (from + offset, to + offset);
        let civil = if hours.windows.is_empty() { vec![(from, to)] } else { by_day(hours, from, to) };
        for (from, to) in without(&joined(civil), &hours.dark) {
            open.push((from - offset, to - offset));
        }
    }
    joined(open)
}

/// The stretches between two instants in which the zone's offset (seconds east of UTC) does not change.
fn segments(zone: &TimeZone, from: i64, to: i64) -> Vec<(i64, i64, i64)> {
    let seconds = |offset: Offset| i64::from(offset.seconds());
    let mut segments = Vec::new();
    let Ok(first) = Timestamp::from_second(from) else { return segments };
    let (mut at, mut offset) = (from, seconds(zone.to_offset(first)));
    for change in zone.following(first) {
        let then = change.timestamp().as_second();
        if then >= to {
            break;
        }
        segments.push((at, then, offset));
        (at, offset) = (then, seconds(change.offset()));
    }
    segments.push((at, to, offset));
    segments.retain(|&(from, to, _)| from < to);
    segments
}

/// What the windows leave open of a stretch of the calendar.
fn by_day(hours: &Hours, from: i64, to: i64) -> Vec<Spell> {
    let mut open = Vec::new();
    // A window over midnight may have begun the day before.
    for day in from.div_euclid(DAY_S) - 1..=(to - 1).div_euclid(DAY_S) {
        let Some(date) = date_of(day) else { continue };
        let class = hours.holidays.class(date);
        for window in hours.windows.iter().filter(|window| window.days().contains(class)) {
            let (begins, ends) = window.span_s();
            let spell = ((day * DAY_S + begins).max(from), (day * DAY_S + ends).min(to));
            if spell.0 < spell.1 {
                open.push(spell);
            }
        }
    }
    open
}

/// In their order, each with what it touches or overlaps.
pub(super) fn joined(mut spells: Vec<Spell>) -> Vec<Spell> {
    spells.sort_unstable();
    let mut joined: Vec<Spell> = Vec::with_capacity(spells.len());
    for (from, to) in spells {
        match joined.last_mut() {
            Some((_, end)) if from <= *end => *end = (*end).max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// What is left of `open` outside `dark`; both are in their order.
fn without(open: &[Spell], dark: &[Spell]) -> Vec<Spell> {
    let mut left = Vec::with_capacity(open.len());
    for &(begins, to) in open {
        let mut from = begins;
        for &(dark_from, dark_to) in dark.iter().filter(|dark| dark.1 > begins && dark.0 < to) {
            if from < dark_from {
                left.push((from, dark_from));
            }
            from = dark_to;
        }
        if from < to {
            left.push((from, to));
        }
    }
    left
}

/// Seconds of the calendar.
pub(super) fn civil_second(at: DateTime) -> i64 {
    // A calendar without a zone counts as UTC does.
    Offset::UTC
        .to_timestamp(at)
        .map_or(if at.year() < 0 { i64::MIN / 4 } else { i64::MAX / 4 }, Timestamp::as_second)
}

/// The date so many days after 1970-01-01; absent outside the calendar.
fn date_of(day: i64) -> Option<Date> {
    Timestamp::from_second(day.checked_mul(DAY_S)?).ok().map(|at| Offset::UTC.to_datetime(at).date())
}
