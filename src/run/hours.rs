//! The calendar of a run: which windows its lines have from now to its horizon, when its deadline comes, and what `--at` and
//! `--no-wait` make of them. It is asked again whenever the wall clock is set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::config::Plan;
use crate::config::hours::{Hours, local_and_utc};
use crate::fleet::hours::{self as fleet, Calendar, Derived};
use crate::fleet::scheduler::Past;
use crate::model::{CredentialName, LineId, Mono, Reading, Windows};
use crate::modem::clock::set::SetWatch;
use crate::modem::clock::{Clock, Wall};

use super::Failure;

/// How long a run without a deadline waits for windows.
const HORIZON: SignedDuration = SignedDuration::from_hours(24);
/// How far ahead `--at` may lie: so long secrets are kept in memory, and ports open.
const AT_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
/// No clock that is right shows an earlier time: nothing of this program is older.
const PLAUSIBLE_FROM: &str = "2026-11-01T00:00:00Z";
/// The end of time, for a line that may always be dialed.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);

/// When a run shall begin to dial: `--at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The next time that the clocks of the plan's zone show it.
    Time(Time),
    /// A day and a time of the plan's zone.
    Day(DateTime),
    /// An instant.
    Instant(Timestamp),
}

impl std::str::FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = Time::strptime("%H:%M", text) {
            return Ok(Self::Time(time));
        }
        let day = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
        if let Some(day) = day.iter().find_map(|form| DateTime::strptime(form, text).ok()) {
            return Ok(Self::Day(day));
        }
        text.parse().map(Self::Instant).map_err(|_| {
            "is no time; write `02:00`, or `2026-11-23T02:00` (of the plan's zone), or `2026-11-23T02:00Z`".to_owned()
        })
    }
}

/// What the user asks for on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wishes {
    /// Dial nothing before this but what proves credentials.
    pub(crate) at: Option<At>,
    /// Wait for no window.
    pub(crate) no_wait: bool,
}

impl Wishes {
    /// When the run shall begin to dial, if the user says so.
    pub(crate) fn at_of(self, plan: &Plan, reading: &Reading) -> Option<Timestamp> {
        let zone = zone(plan);
        match self.at? {
            At::Time(time) => next_time(time, &reading.begun.to_zoned(zone)),
            At::Day(day) => zone.to_zoned(day).ok().map(|at| at.timestamp()),
            At::Instant(at) => Some(at),
        }
    }
}

/// The calendar of one sitting.
pub(crate) struct RunCalendar {
    plan: Arc<Plan>,
    wishes: Wishes,
    /// Lines that may be dialed before `--at`.
    provers: BTreeSet<LineId>,
    lines: BTreeMap<LineId, usize>,
    /// `--at`, as the clock is set.
    not_before: Option<Timestamp>,
}

/// What the two clocks come to for the run.
#[derive(Debug, Clone, Copy)]
struct Spell {
    /// When its lines may be dialed from: `--at`, else its beginning.
    from: Timestamp,
    deadline: Option<Timestamp>,
    /// What does not open before this does not open in this run.
    horizon: Timestamp,
}

impl RunCalendar {
    pub(crate) fn new(plan: Arc<Plan>, wishes: Wishes) -> Self {
        let lines =
            plan.lines.iter().enumerate().map(|(at, planned)| (planned.line.id.clone(), at)).collect();
        Self { plan, wishes, provers: BTreeSet::new(), lines, not_before: None }
    }

    /// Refuses what makes no sense now: a clock that nobody has set, an `--at` that is over or too far away.
    pub(crate) fn check(&self, reading: &Reading) -> Result<(), Failure> {
        let hourly = self.plan.lines.iter().any(|planned| planned.hours.is_some());
        let plausible = PLAUSIBLE_FROM.parse::<Timestamp>().is_ok_and(|from| reading.wall >= from);
        if !plausible && (hourly || self.wishes.at.is_some()) {
            return Err(Failure::wrong(format!(
                "this host's clock shows {}, so nobody knows which windows are open; set it first (is NTP running?)",
                reading.wall.strftime("%Y-%m-%d %H:%M UTC")
            )));
        }
        let Some(at) = self.at(reading) else { return Ok(()) };
        let ahead = at.duration_since(reading.wall);
        if ahead.is_negative() {
            return Err(Failure::wrong(format!("--at: {} is over", self.said(at))));
        }
        if ahead > AT_MAX {
            return Err(Failure::wrong(format!(
                "--at: {} is more than {} days away; nothing is kept in memory that long",
                self.said(at),
                AT_MAX.as_hours() / 24
            )));
        }
        Ok(())
    }

    /// Chooses the line on which each credential is proven before `--at`: the one that the plan or experience names if it is
    /// open by then, else the one that opens first. What the user should read of it.
    pub(crate) fn prove(
        &mut self,
        provers: &mut BTreeMap<CredentialName, LineId>,
        past: &Past,
        reading: &Reading,
    ) -> Vec<String> {
        let Some(at) = self.at(reading) else { return Vec::new() };
        let room = self.plan.room();
        let done: BTreeSet<&LineId> = past.verdicts.iter().map(|verdict| &verdict.line).collect();
        // For each credential the lines that use it, each with when it can be called first.
        let mut users: BTreeMap<&CredentialName, Vec<(Option<Timestamp>, &LineId)>> = BTreeMap::new();
        for planned in &self.plan.lines {
            let Some(name) = &planned.credential else { continue };
            if planned.preset.is_some() || done.contains(&planned.line.id) {
                continue;
            }
            let open = match &planned.hours {
                None => Some(reading.wall),
                Some(hours) => hours.next(reading.wall, room).map(|opening| opening.from.timestamp()),
            };
            users.entry(name).or_default().push((open, &planned.line.id));
        }
        let mut told = vec![format!(
            "nothing but what proves credentials is dialed before {}; the run waits until then",
            self.said(at)
        )];
        for (name, lines) in users {
            let in_time = |open: &Option<Timestamp>| open.is_some_and(|open| open < at);
            let named = provers.get(name);
            let chosen = lines
                .iter()
                .find(|(open, line)| in_time(open) && named == Some(*line))
                .or_else(|| lines.iter().filter(|(open, _)| in_time(open)).min_by_key(|(open, _)| *open));
            if let Some((Some(open), line)) = chosen {
                let soon = open.duration_since(reading.wall) <= SignedDuration::from_secs(1);
                let when = if soon { "now".to_owned() } else { self.said(*open) };
                told.push(format!("credential `{name}` is proven on line `{line}`: {when}"));
                self.provers.insert((*line).clone());
                provers.insert(name.clone(), (*line).clone());
                continue;
            }
            let first = lines.iter().filter_map(|(open, line)| Some(((*open)?, line))).min();
            let first = first.map_or_else(
                || "none of its lines is".to_owned(),
                |(open, line)| format!("the first of its lines, `{line}`, is at {}", self.said(open)),
            );
            told.push(format!(
                "credential `{name}` can't be proven before then: no line that it is for is open until then ({first})"
            ));
        }
        told
    }

    /// What the dispatcher needs to ask again.
    pub(crate) fn into_hours(self, first: &First, notices: Vec<String>) -> fleet::Hours {
        fleet::Hours {
            calendar: Box::new(self),
            wall: Wall::Host,
            horizon: first.horizon,
            derived: first.reading,
            set: SetWatch::start(),
            notices,
        }
    }

    /// An instant as the plan's people read it.
    fn said(&self, at: Timestamp) -> String {
        local_and_utc(&at.to_zoned(zone(&self.plan)))
    }

    fn at(&self, reading: &Reading) -> Option<Timestamp> {
        self.wishes.at_of(&self.plan, reading)
    }

    fn spell(&self, reading: &Reading) -> Spell {
        let from = self.at(reading).unwrap_or(reading.begun);
        let deadline = self.plan.deadline.and_then(|time| next_time(time, &from.to_zoned(zone(&self.plan))));
        let horizon = deadline.unwrap_or_else(|| from.saturating_add(HORIZON).unwrap_or(Timestamp::MAX));
        Spell { from, deadline, horizon }
    }

    /// The windows of a line. Before `--at` the provers alone have any.
    fn windows(&self, line: &LineId, hours: Option<&Hours>, spell: &Spell, reading: &Reading) -> Windows {
        let waits = self.wishes.at.is_some() && !self.provers.contains(line);
        let from = if waits { spell.from.max(reading.wall) } else { reading.wall };
        let windows = match hours {
            None if waits => {
                let at = reading.not_before(from);
                return Windows::new([(at, at + FAR)]);
            }
            None => return Windows::ALWAYS,
            Some(hours) if self.wishes.no_wait => hours.windows(reading, reading.begun, spell.horizon),
            Some(hours) => return hours.windows(reading, from, spell.horizon),
        };
        // Whoever was closed at the beginning stays so, and nobody gets a second window.
        let begun = reading.not_before(reading.begun);
        let first = windows.spells().and_then(|spells| spells.first().copied());
        match first.filter(|_| windows.holds(begun, self.plan.room())) {
            Some(open) => Windows::new([open]),
            None => Windows::new([]),
        }
    }
}

impl Calendar for RunCalendar {
    fn derive(&mut self, reading: &Reading) -> Derived {
        let spell = self.spell(reading);
        self.not_before = self.wishes.at.map(|_| spell.from);
        // Lines of one site, and of sites with the same hours, share theirs.
        let mut known: BTreeMap<(usize, bool), Windows> = BTreeMap::new();
        let mut windows = Vec::new();
        for planned in &self.plan.lines {
            let id = &planned.line.id;
            if planned.hours.is_none() && self.wishes.at.is_none() {
                continue;
            }
            let which = planned.hours.as_ref().map_or(0, |hours| Arc::as_ptr(hours).addr());
            let key = (which, self.provers.contains(id));
            let known = known
                .entry(key)
                .or_insert_with(|| self.windows(id, planned.hours.as_deref(), &spell, reading));
            windows.push((id.clone(), known.clone()));
        }
        let deadline = spell.deadline.map(|deadline| reading.not_before(deadline));
        let horizon = reading.not_before(spell.horizon);
        Derived { windows, deadline, horizon }
    }

    fn may_dial(&self, line: &LineId, wall: Timestamp) -> Result<(), String> {
        if self.not_before.is_some_and(|from| wall < from) && !self.provers.contains(line) {
            return Err("it is not to be dialed yet (`--at`); this is a defect of lineman".to_owned());
        }
        let planned = self.lines.get(line).and_then(|at| self.plan.lines.get(*at));
        match planned.and_then(|planned| planned.hours.as_deref()) {
            Some(hours) if !hours.is_open(wall) => {
                Err(format!("its window is closed by its own clocks ({hours}); this is a defect of lineman"))
            }
            _ => Ok(()),
        }
    }

    fn opens_next(&self, line: &LineId, wall: Timestamp) -> Option<String> {
        let planned = self.lines.get(line).and_then(|at| self.plan.lines.get(*at))?;
        let hours = planned.hours.as_deref()?;
        let room = self.plan.room();
        let next = hours.next(wall, room);
        Some(match next {
            Some(next)
                if next.from.timestamp() <= wall.saturating_add(SignedDuration::from_secs(1)).ok()? =>
            {
                format!("it is open now, until {}", local_and_utc(&next.to))
            }
            Some(next) => format!("it opens next {next}"),
            None => "it does not open within two years".to_owned(),
        })
    }
}

/// The zone of times that name no site: the plan's, else the bank's, else this host's.
pub(crate) fn zone(plan: &Plan) -> TimeZone {
    plan.zone.as_ref().map_or_else(TimeZone::system, |zone| zone.rules().clone())
}

/// The next instant after `after` at which its clocks show `time`; absent beyond the end of the calendar.
fn next_time(time: Time, after: &Zoned) -> Option<Timestamp> {
    let on = |day: &Zoned| day.with().time(time).build().ok();
    let next = match on(after).filter(|today| today > after) {
        Some(today) => today,
        None => on(&after.tomorrow().ok()?)?,
    };
    Some(next.timestamp())
}

/// Windows and deadline as they are at a sitting's beginning, beside the reading that they are derived from.
pub(crate) struct First {
    pub(crate) reading: Reading,
    pub(crate) windows: BTreeMap<LineId, Windows>,
    pub(crate) deadline: Option<Mono>,
    horizon: Mono,
}

impl First {
    pub(crate) fn of(calendar: &mut RunCalendar, clock: Clock) -> Self {
        let reading = Wall::Host.read(&clock);
        let Derived { windows, deadline, horizon } = calendar.derive(&reading);
        Self { reading, windows: windows.into_iter().collect(), deadline, horizon }
    }
}

#[cfg(test)]
mod tests;
