//! `zone`, `windows`, `holidays` and `blackouts` of a plan, its sites and its lines -> the hours of each line.
//!
//! The nearest wins: a line's own zone and windows, else its site's, else the plan's; the zone of the bank's location comes
//! last. Holidays are the site's, else the plan's. Blackouts add up: who is barred by any of the three is barred. Where there are windows or
//! blackouts and no zone anywhere, that is an error: the hour is never guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::file::ListFile;
use super::written::{Written, WrittenLine, WrittenSite};
use crate::config::hours::Hours;
use crate::config::hours::days::{Blackout, Holidays};
use crate::config::hours::week::{DayClass, Window};
use crate::config::hours::zone::Zone;
use crate::config::problem::{Place, Problem, quoted};
use crate::config::source::{self, beside};
use crate::config::yaml::Doc;
use crate::model::SiteId;

/// What was told of a `holiday` that never comes.
const HOLIDAY: &str = "holiday";

/// The keys as written at one place.
#[derive(Debug, Default)]
pub(super) struct HoursKeys {
    pub(super) zone: Option<String>,
    pub(super) windows: Option<ListFile>,
    pub(super) holidays: Option<ListFile>,
    pub(super) blackouts: Option<ListFile>,
}

/// What one place says: the plan, a site, or a line.
#[derive(Debug, Default)]
struct Level {
    zone: Said<Zone>,
    windows: Said<Vec<Window>>,
    holidays: Said<Arc<Holidays>>,
    blackouts: Vec<Blackout>,
}

/// What stands at a key.
#[derive(Debug, Default)]
enum Said<T> {
    #[default]
    Nothing,
    /// Something wrong, which is told.
    Wrong,
    Right(T),
}

impl<T> Said<T> {
    const fn is_said(&self) -> bool {
        !matches!(self, Self::Nothing)
    }
}

/// Puts the hours of lines together, and tells what is wrong with them.
pub(super) struct HoursChecker<'a> {
    doc: &'a Doc,
    path: &'a Path,
    /// The longest that a call can take.
    room: Duration,
    plan: Level,
    bank_zone: Option<Zone>,
    sites: BTreeMap<SiteId, Level>,
    /// Files of dates that were read; none where one is wrong.
    files: BTreeMap<PathBuf, Option<Holidays>>,
    /// Equal hours are shared: what is derived of them is derived once.
    known: BTreeSet<Arc<Hours>>,
    /// Places that were told that they have no zone.
    told: BTreeSet<String>,
    warnings: Vec<Problem>,
}

impl<'a> HoursChecker<'a> {
    /// Reads what the plan says for all lines.
    pub(super) fn new(
        keys: &HoursKeys,
        bank_zone: Option<Zone>,
        path: &'a Path,
        room: Duration,
        doc: &'a Doc,
    ) -> Self {
        let mut checker = Self {
            doc,
            path,
            room,
            plan: Level::default(),
            bank_zone,
            sites: BTreeMap::new(),
            files: BTreeMap::new(),
            known: BTreeSet::new(),
            told: BTreeSet::new(),
            warnings: Vec::new(),
        };
        let at = |key: &str| doc.place(key);
        checker.plan = checker.level(keys, &at, &|key| doc.is_pruned(key), path);
        checker
    }

    /// Reads what a site says.
    pub(super) fn site(&mut self, site: &WrittenSite) {
        let keys = HoursKeys {
            zone: site.file.zone.clone(),
            windows: site.file.windows.clone(),
            holidays: site.file.holidays.clone(),
            blackouts: site.file.blackouts.clone(),
        };
        let level = self.written(&keys, site);
        // A wrong name is told, and so is one that stands twice.
        if let Some(Ok(name)) = site.file.site.as_deref().map(str::parse::<SiteId>) {
            self.sites.entry(name).or_insert(level);
        }
    }

    /// The hours of a line (absent: it may be dialed at any time), and its zone, where that is known.
    pub(super) fn line(
        &mut self,
        keys: &HoursKeys,
        site: &SiteId,
        line: &WrittenLine,
    ) -> (Option<Arc<Hours>>, Option<Zone>) {
        let own = self.written(keys, line);
        let levels = [Some(&own), self.sites.get(site), Some(&self.plan)];
        let zone = levels.into_iter().flatten().find_map(|level| right(&level.zone));
        let zone = zone.or(self.bank_zone.as_ref()).cloned();
        (self.hours(&own, site, line), zone)
    }

    fn hours(&mut self, own: &Level, site: &SiteId, line: &WrittenLine) -> Option<Arc<Hours>> {
        let levels = [Some(own), self.sites.get(site), Some(&self.plan)];
        let levels = || levels.into_iter().flatten();
        let wrong = levels().any(|level| {
            matches!(level.zone, Said::Wrong)
                || matches!(level.windows, Said::Wrong)
                || matches!(level.holidays, Said::Wrong)
        });
        if wrong {
            return None;
        }
        let windows = levels().find_map(|level| right(&level.windows)).cloned().unwrap_or_default();
        let blackouts: Vec<Blackout> = levels().flat_map(|level| level.blackouts.iter().copied()).collect();
        if windows.is_empty() && blackouts.is_empty() {
            return None;
        }
        let Some(zone) = levels().find_map(|level| right(&level.zone)).or(self.bank_zone.as_ref()) else {
            let by_plan = self.plan.windows.is_said() || !self.plan.blackouts.is_empty();
            let place = match (by_plan, self.plan.windows.is_said()) {
                (true, true) => self.doc.place("windows"),
                (true, false) => self.doc.place("blackouts"),
                (false, _) => line.place("zone", self.doc),
            };
            let what = "there are hours and no zone that they are of; write `zone: America/New_York` for the plan, the site or the line, or in the bank `location: { zone: America/New_York }`";
            if self.told.insert(place.to_string()) {
                self.doc.push(Problem::new(place, what));
            }
            return None;
        };
        let holidays = levels().find_map(|level| right(&level.holidays)).cloned().unwrap_or_default();
        let names_holidays =
            |window: &Window| window.days().contains(DayClass::Holiday) && !window.days().is_all();
        if holidays.is_empty() && windows.iter().any(names_holidays) && self.told.insert(HOLIDAY.to_owned()) {
            let what = "a window is for a `holiday`, and no holidays are listed for the plan or the site; write `holidays: [2026-12-25, holidays.txt]`, or it never opens";
            self.warnings.push(Problem::new(self.doc.place("holidays"), what));
        }
        let hours = Arc::new(Hours::new(zone.clone(), windows, holidays, &blackouts));
        if let Some(known) = self.known.get(&hours) {
            return Some(Arc::clone(known));
        }
        self.known.insert(Arc::clone(&hours));
        Some(hours)
    }

    /// The plan's own zone, else the bank's: by which a time of day without a site is meant.
    pub(super) fn zone(&self) -> Option<Zone> {
        right(&self.plan.zone).or(self.bank_zone.as_ref()).cloned()
    }

    /// What is not wrong, but should be read.
    pub(super) fn into_warnings(self) -> Vec<Problem> {
        self.warnings
    }

    fn written<T>(&mut self, keys: &HoursKeys, written: &Written<T>) -> Level {
        let doc = self.doc;
        let folder = if written.is_inline() {
            self.path.to_owned()
        } else {
            PathBuf::from(written.place("", doc).file)
        };
        self.level(keys, &|key| written.place(key, doc), &|key| written.is_pruned(key, doc), &folder)
    }

    fn level(
        &mut self,
        keys: &HoursKeys,
        place: &dyn Fn(&str) -> Place,
        pruned: &dyn Fn(&str) -> bool,
        beside_file: &Path,
    ) -> Level {
        let doc = self.doc;
        let tell = |key: &str, what: String| doc.push(Problem::new(place(key), what));
        let mut level = Level::default();
        match keys.zone.as_deref().map(Zone::named) {
            Some(Ok(zone)) => {
                self.warnings.extend(zone.doubt().map(|what| Problem::new(place("zone"), what)));
                level.zone = Said::Right(zone);
            }
            Some(Err(what)) => {
                tell("zone", what);
                level.zone = Said::Wrong;
            }
            None if pruned("zone") => level.zone = Said::Wrong,
            None => {}
        }
        level.windows = match &keys.windows {
            Some(list) => {
                let (windows, all_right) = parsed::<Window>(list, "windows", "`mon-fri 22:00-05:00`", &tell);
                let (keys, windows): (Vec<String>, Vec<Window>) = windows.into_iter().unzip();
                let short = self.too_short(&windows, &keys, &tell);
                if all_right && !short { Said::Right(windows) } else { Said::Wrong }
            }
            None if pruned("windows") => Said::Wrong,
            None => Said::Nothing,
        };
        level.holidays = match &keys.holidays {
            Some(list) => {
                let holidays = self.holidays(list, &tell, beside_file);
                holidays.map_or(Said::Wrong, |holidays| Said::Right(Arc::new(holidays)))
            }
            None if pruned("holidays") => Said::Wrong,
            None => Said::Nothing,
        };
        if let Some(list) = &keys.blackouts {
            let form = "`2026-12-31T18:00/2027-01-01T12:00`";
            level.blackouts = parsed::<Blackout>(list, "blackouts", form, &tell)
                .0
                .into_iter()
                .map(|(_, dark)| dark)
                .collect();
        }
        level
    }

    /// Tells each window in which no call could ever lie.
    fn too_short(&self, windows: &[Window], keys: &[String], tell: &dyn Fn(&str, String)) -> bool {
        let mut any = false;
        for (at, window) in windows.iter().enumerate() {
            let (from, to) = window.span_s();
            let long = Duration::from_secs(u64::try_from(to - from).unwrap_or_default());
            if long >= self.room || together(windows, at) >= self.room {
                continue;
            }
            any = true;
            let room_s = self.room.as_secs() + u64::from(self.room.subsec_nanos() > 0);
            tell(
                &keys[at],
                format!(
                    "`{window}` is {} min long, and the longest call takes {} min {} s (`limits:`): no call would ever be begun in it",
                    long.as_secs() / 60,
                    room_s / 60,
                    room_s % 60
                ),
            );
        }
        any
    }

    fn holidays(
        &mut self,
        list: &ListFile,
        tell: &dyn Fn(&str, String),
        beside_file: &Path,
    ) -> Option<Holidays> {
        let mut all = Holidays::default();
        let mut right = true;
        for (key, item) in list.keyed("holidays") {
            let Some(item) = item else {
                tell(&key, "is empty; write a date, `2026-12-25`, or the name of a file of dates".to_owned());
                right = false;
                continue;
            };
            let is_file = item.contains(|c: char| c.is_alphabetic() || c == '/');
            if !is_file {
                if let Err(what) = all.add(item) {
                    tell(&key, what);
                    right = false;
                }
                continue;
            }
            match self.file(&beside(beside_file, item), &key, item, tell) {
                Some(dates) => all.extend(&dates),
                None => right = false,
            }
        }
        right.then_some(all)
    }

    /// A file of dates; each is read once.
    fn file(
        &mut self,
        path: &Path,
        key: &str,
        written: &str,
        tell: &dyn Fn(&str, String),
    ) -> Option<Holidays> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        let read = match source::read(path) {
            Ok(text) => {
                let (holidays, wrong) = Holidays::read(&text);
                let file = source::shown(path);
                let right = wrong.is_empty();
                for (row, what) in wrong {
                    let place = Place { file: file.clone(), line: Some(row), key: String::new() };
                    self.doc.push(Problem::new(place, what));
                }
                right.then_some(holidays)
            }
            Err(problem) => {
                tell(
                    key,
                    format!(
                        "{} is no date, and as a file of dates it can't be read: {}: {}",
                        quoted(written),
                        problem.at.file,
                        problem.what
                    ),
                );
                None
            }
        };
        self.files.insert(path.to_owned(), read.clone());
        read
    }
}

/// How long a window is at most with those that meet it, and those that meet them.
fn together(windows: &[Window], at: usize) -> Duration {
    let mut met = vec![at];
    let mut next = 0;
    while let Some(&window) = met.get(next) {
        let more: Vec<usize> = (0..windows.len())
            .filter(|other| !met.contains(other) && windows[window].meets(windows[*other]))
            .collect();
        met.extend(more);
        next += 1;
    }
    let long = |at: &usize| {
        let (from, to) = windows[*at].span_s();
        u64::try_from(to - from).unwrap_or_default()
    };
    Duration::from_secs(met.iter().map(long).sum())
}

const fn right<T>(said: &Said<T>) -> Option<&T> {
    match said {
        Said::Right(value) => Some(value),
        Said::Nothing | Said::Wrong => None,
    }
}

/// The items of a list, each with its key, and whether all were right.
fn parsed<T: std::str::FromStr<Err = String>>(
    list: &ListFile,
    key: &str,
    form: &str,
    tell: &dyn Fn(&str, String),
) -> (Vec<(String, T)>, bool) {
    let mut items = Vec::new();
    let mut all = true;
    for (key, item) in list.keyed(key) {
        match item.map(str::parse::<T>) {
            Some(Ok(item)) => items.push((key, item)),
            Some(Err(what)) => {
                tell(&key, what);
                all = false;
            }
            None => {
                tell(&key, format!("is empty; write {form}"));
                all = false;
            }
        }
    }
    if list.items.is_empty() {
        tell(key, format!("is empty; write {form}, or leave the key out"));
        all = false;
    }
    (items, all)
}
