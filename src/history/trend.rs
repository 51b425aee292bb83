//! The nights of one line, of a site's lines, or of one of our modems: what its figures were, and which of them drift.
//!
//! A line's figures are those of the calls that decided that it works. Families of modems are never mixed: they differ in
//! the instants that they show, the rates that they reach and the way in which they measure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::diff::timestamp;
use super::drift::{Course, Drift, Figure, drift};
use super::names::Key;
use super::{HistoryError, Store};
use crate::model::{Fault, Verdict};

/// Lines of one site that are told, at most; a site with more is no branch.
pub const LINES_MAX: usize = 64;
/// Calls of a modem in a run from which on a share of them says anything.
const MODEM_CALLS_MIN: f64 = 10.0;
/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A line.
    Line,
    /// All lines of a site.
    Site,
    /// One of our modems.
    Modem,
    /// All lines and modems that drift.
    All,
}

impl Kind {
    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Site => "site",
            Self::Modem => "modem",
            Self::All => "all",
        }
    }
}

/// What a name turned out to be, and the nights of it.
#[derive(Debug, Clone)]
pub struct Trends {
    /// What it is.
    pub kind: Kind,
    /// Each of its lines, or the modem.
    pub parts: Vec<Trend>,
    /// Parts that are left out, beyond [`LINES_MAX`].
    pub left_out: usize,
    /// Lines and modems that were looked at.
    pub looked: usize,
    /// Those of them that have nights enough of some figure to say whether it drifts.
    pub judged: usize,
}

/// The nights of one line or modem.
#[derive(Debug, Clone)]
pub struct Trend {
    /// Its name.
    pub name: String,
    /// The site of a line.
    pub site: Option<String>,
    /// The plan of a line.
    pub plan: Option<String>,
    /// The bank.
    pub bank: String,
    /// All nights of which something is known, in the order of time.
    pub nights: Vec<Night>,
    /// By family and figure: which way it goes.
    pub tracks: BTreeMap<(String, Figure), Drift>,
}

/// One night of a line or a modem.
#[derive(Debug, Clone)]
pub struct Night {
    /// The run.
    pub run: String,
    /// When it began.
    pub started: Timestamp,
    /// What it found of the line; absent for a modem, and where it was killed before.
    pub found: Option<Option<Fault>>,
    /// The family of the modem that made the call, or of the modem itself; absent: no call.
    pub family: Option<String>,
    /// What is known of the night.
    pub figures: BTreeMap<Figure, f64>,
}

impl Night {
    /// What was found, in a letter for a picture: `.` pass, `d` degraded, `X` fail, ` ` not tested.
    pub fn letter(&self) -> char {
        match self.found.map(Verdict::of) {
            Some(Verdict::Pass) => '.',
            Some(Verdict::Degraded) => 'd',
            Some(Verdict::Fail) => 'X',
            Some(Verdict::Untested) | None => ' ',
        }
    }
}

impl Trend {
    fn of(head: Head, nights: Vec<Night>) -> Self {
        let tracks = Self::tracks_of(&nights);
        let Head { name, site, plan, bank, .. } = head;
        Self { name, site, plan, bank, nights, tracks }
    }

    /// By family and figure: which way it goes over these nights.
    pub(super) fn tracks_of(nights: &[Night]) -> BTreeMap<(String, Figure), Drift> {
        let mut figures: BTreeMap<(String, Figure), Vec<(f64, f64)>> = BTreeMap::new();
        for night in nights {
            let Some(family) = &night.family else { continue };
            let at = day(night.started.as_second());
            for (&figure, &value) in &night.figures {
                figures.entry((family.clone(), figure)).or_default().push((at, value));
            }
        }
        let told = |(key, nights): ((String, Figure), Vec<(f64, f64)>)| {
            let told = drift(key.1, &nights)?;
            Some((key, told))
        };
        figures.into_iter().filter_map(told).collect()
    }

    /// The nights of one family's figure, one for each of [`Self::nights`].
    pub fn figures(&self, family: &str, figure: Figure) -> Vec<Option<f64>> {
        let of = |night: &Night| {
            night.figures.get(&figure).copied().filter(|_| night.family.as_deref() == Some(family))
        };
        self.nights.iter().map(of).collect()
    }
}

pub(super) struct Head {
    key: Key,
    series: Key,
    name: String,
    site: Option<String>,
    plan: Option<String>,
    bank: String,
}

impl Head {
    pub(super) const fn modem(name: String, bank: String) -> Self {
        Self { key: 0, series: 0, name, site: None, plan: None, bank }
    }
}

/// Those that have nights enough.
fn judged(parts: &[Trend]) -> usize {
    parts.iter().filter(|part| has_enough(&part.tracks)).count()
}

/// Whether there are nights enough of some figure to say whether it drifts.
pub(super) fn has_enough(tracks: &BTreeMap<(String, Figure), Drift>) -> bool {
    tracks.values().any(|told| told.course != Course::TooFew)
}

/// The second in which a run began, in days.
pub(super) fn day(second: i64) -> f64 {
    second as f64 / DAY_S
}

/// The figures of a line's night, from the columns behind the family.
pub(super) fn line_figures(row: &Row<'_>) -> rusqlite::Result<impl Iterator<Item = (Figure, f64)> + use<>> {
    let speed = row.get::<_, Option<f64>>(8)?.or(row.get(9)?);
    let found: [(Figure, Option<f64>); 8] = [
        (Figure::Train, row.get(4)?),
        (Figure::TrainConnect, row.get(5)?),
        (Figure::RingTrain, row.get(6)?),
        (Figure::Connect, row.get(7)?),
        (Figure::Speed, speed),
        (Figure::Level, row.get(10)?),
        (Figure::Snr, row.get(11)?),
        (Figure::Retrains, row.get(12)?),
    ];
    Ok(found.into_iter().filter_map(|(figure, value)| Some((figure, value?))))
}

impl Store {
    /// The nights of what has this name, from `since` on: a line, else a site, else a modem. A line that stands in more
    /// than one plan is that of the plan that ran last, unless one is named; absent if nothing has the name.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn trend(
        &self,
        name: &str,
        plan: Option<&str>,
        since: Option<Timestamp>,
    ) -> Result<Option<Trends>, HistoryError> {
        let since = since.map_or(i64::MIN, Timestamp::as_second);
        self.trends(name, plan, since).map_err(|error| self.error(error))
    }

    fn trends(&self, name: &str, plan: Option<&str>, since: i64) -> rusqlite::Result<Option<Trends>> {
        let line = self.lines_where("line.name = ?1", name, plan)?.into_iter().next();
        if let Some(line) = line {
            let part = self.line_trend(line, since)?;
            let judged = usize::from(has_enough(&part.tracks));
            return Ok(Some(Trends { kind: Kind::Line, parts: vec![part], left_out: 0, looked: 1, judged }));
        }
        let mut lines = self.lines_where("facets.site = ?1", name, plan)?;
        // Only the plan that ran last, and of a line whose number changed only what it is now.
        if let Some(series) = lines.first().map(|line| line.series) {
            lines.retain(|line| line.series == series);
            lines.sort_by(|a, b| a.name.cmp(&b.name));
            lines.dedup_by(|a, b| a.name == b.name);
            let lines_of_site = lines.len();
            let left_out = lines_of_site.saturating_sub(LINES_MAX);
            lines.truncate(LINES_MAX);
            let parts: Vec<Trend> =
                lines.into_iter().map(|line| self.line_trend(line, since)).collect::<Result<_, _>>()?;
            let looked = lines_of_site - left_out;
            let judged = judged(&parts);
            return Ok(Some(Trends { kind: Kind::Site, parts, left_out, looked, judged }));
        }
        let bank = self
            .connection()
            .query_row(
                "SELECT modem.bank FROM bench JOIN modem ON modem.id = bench.modem AND modem.name = ?1
                 JOIN run ON run.run = bench.run JOIN series ON series.id = run.series
                 WHERE ?2 IS NULL OR series.plan = ?2 ORDER BY bench.run DESC LIMIT 1",
                params![name, plan],
                |row| row.get(0),
            )
            .optional()?;
        let Some(bank) = bank else { return Ok(None) };
        let head = Head::modem(name.to_owned(), bank);
        let part = self.modem_trend(head, plan, since)?;
        let judged = usize::from(has_enough(&part.tracks));
        Ok(Some(Trends { kind: Kind::Modem, parts: vec![part], left_out: 0, looked: 1, judged }))
    }

    /// Lines, those of the plan that ran last first, and of one name the newest first.
    pub(super) fn lines_where(
        &self,
        filter: &str,
        value: impl rusqlite::ToSql,
        plan: Option<&str>,
    ) -> rusqlite::Result<Vec<Head>> {
        let mut lines = self.connection().prepare(&format!(
            "SELECT line.id, line.series, line.name, facets.site, series.plan, series.bank
             FROM line JOIN facets ON facets.id = line.facets JOIN series ON series.id = line.series
             WHERE {filter} AND (?2 IS NULL OR series.plan = ?2) ORDER BY line.last_run DESC, line.series, line.id DESC"
        ))?;
        let head = |row: &Row<'_>| {
            Ok(Head {
                key: row.get(0)?,
                series: row.get(1)?,
                name: row.get(2)?,
                site: row.get(3)?,
                plan: row.get(4)?,
                bank: row.get(5)?,
            })
        };
        lines.query_map(params![value, plan], head)?.collect()
    }

    pub(super) fn line_trend(&self, line: Head, since: i64) -> rusqlite::Result<Trend> {
        let mut nights = self.connection().prepare_cached(
            "SELECT run.run, run.id, fault.code, modem.family, call.train_ms, call.train_connect_ms,
                 call.ring_train_ms, call.dialed_to_connect_ms, min(link.tx_bps, link.rx_bps),
                 coalesce(link.tx_bps, link.rx_bps), call.rx_level_dbm, call.snr_db, call.retrains
             FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = ?1
             LEFT JOIN fault ON fault.id = verdict.fault
             LEFT JOIN call ON call.run = verdict.run AND call.line = verdict.line AND call.attempt = verdict.call
             LEFT JOIN modem ON modem.id = call.modem LEFT JOIN link ON link.id = call.link
             WHERE run.series = ?2 AND run.run >= ?3 ORDER BY run.run",
        )?;
        let mut rows = nights.query([line.key, line.series, since])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(mut night) = night(row)? else { continue };
            let works = night
                .found
                .is_some_and(|fault| matches!(Verdict::of(fault), Verdict::Pass | Verdict::Degraded));
            if works {
                night.figures.extend(line_figures(row)?);
            }
            found.push(night);
        }
        Ok(Trend::of(line, found))
    }

    pub(super) fn modem_trend(&self, modem: Head, plan: Option<&str>, since: i64) -> rusqlite::Result<Trend> {
        let mut nights = self.connection().prepare_cached(
            "SELECT run.run, run.id, NULL, modem.family, bench.train_ms, bench.train_connect_ms, bench.ring_train_ms,
                 bench.dialed_to_connect_ms, bench.connect_bps, NULL, bench.rx_level_dbm, bench.snr_db,
                 bench.calls, bench.pass + bench.degraded
             FROM run JOIN series ON series.id = run.series AND series.bank = ?1
             JOIN modem ON modem.bank = ?1 AND modem.name = ?2
             CROSS JOIN bench ON bench.run = run.run AND bench.modem = modem.id
             WHERE run.run >= ?3 AND (?4 IS NULL OR series.plan = ?4) ORDER BY run.run",
        )?;
        let mut rows = nights.query(params![modem.bank, modem.name, since, plan])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(mut night) = night(row)? else { continue };
            let (calls, passed): (f64, f64) = (row.get(12)?, row.get(13)?);
            let failed = (calls >= MODEM_CALLS_MIN).then(|| (calls - passed) / calls * 100.0);
            for (figure, value) in [
                (Figure::Train, row.get(4)?),
                (Figure::TrainConnect, row.get(5)?),
                (Figure::RingTrain, row.get(6)?),
                (Figure::Connect, row.get(7)?),
                (Figure::Speed, row.get(8)?),
                (Figure::Level, row.get(10)?),
                (Figure::Snr, row.get(11)?),
                (Figure::Failed, failed),
            ] {
                if let Some(value) = value {
                    night.figures.insert(figure, value);
                }
            }
            found.push(night);
        }
        Ok(Trend::of(modem, found))
    }
}

/// The first columns of all questions: the run, its id, what it found, the family.
pub(super) fn night(row: &Row<'_>) -> rusqlite::Result<Option<Night>> {
    let Some(started) = timestamp(row.get(0)?) else { return Ok(None) };
    let found = match row.get::<_, Option<String>>(2)?.as_deref() {
        None => None,
        Some("") => Some(None),
        // What a later lineman found, and this one has no word for.
        Some(code) => code.parse().ok().map(Some),
    };
    Ok(Some(Night { run: row.get(1)?, started, found, family: row.get(3)?, figures: BTreeMap::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::played::{Call, Town};

    fn call(modem: &'static str, fault: Option<Fault>, train_ms: u64) -> Call {
        Call { modem, fault, train_ms: Some(train_ms) }
    }

    /// Two families in turn; the line is dead for three nights, and trains longer and longer on one of them.
    fn town() -> Town {
        let mut town = Town::new();
        for night in 0..60 {
            let train = 9000 + u64::from(night) * 60;
            let (fault, calls) = match night {
                20..23 => (Some(Fault::Busy), vec![call("m00", Some(Fault::Busy), 0)]),
                _ if night % 2 == 0 => (None, vec![call("m00", None, train)]),
                _ => (None, vec![call("m03", None, 4000)]),
            };
            town.night_with_calls(
                night,
                &[("b1-A", Some(fault), calls), ("b1-B", Some(None), vec![call("m01", None, 9500)])],
            );
        }
        town
    }

    #[test]
    fn a_line_is_held_against_its_own_baseline_and_families_apart() {
        let town = town();
        let found = town.store().trend("b1-A", None, None).unwrap().unwrap();
        assert_eq!((found.kind, found.parts.len()), (Kind::Line, 1));
        let line = &found.parts[0];
        assert_eq!((line.nights.len(), line.site.as_deref(), line.bank.as_str()), (60, Some("b1"), "hq"));
        let letters: String = line.nights.iter().map(Night::letter).collect();
        assert_eq!(letters.matches('X').count(), 3);
        assert_eq!(&letters[18..25], "..XXX..");
        let courier = line.tracks[&("courier".to_owned(), Figure::Train)];
        assert_eq!((courier.nights, courier.course), (28, Course::Worse));
        assert!((courier.slope_by_day.unwrap() - 60.0).abs() < 1e-9);
        let rockwell = line.tracks[&("rockwell".to_owned(), Figure::Train)];
        assert_eq!((rockwell.nights, rockwell.course, rockwell.median), (29, Course::Steady, 4000.0));
        assert_eq!(line.figures("rockwell", Figure::Train).iter().flatten().count(), 29);
    }

    #[test]
    fn a_site_is_its_lines_and_a_modem_is_its_own() {
        let town = town();
        let site = town.store().trend("b1", None, None).unwrap().unwrap();
        let names: Vec<&str> = site.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!((site.kind, names), (Kind::Site, vec!["b1-A", "b1-B"]));
        let modem = town.store().trend("m00", None, None).unwrap().unwrap();
        assert_eq!((modem.kind, modem.parts[0].nights.len()), (Kind::Modem, 60));
        // One call a night is no share of anything.
        assert!(!modem.parts[0].tracks.contains_key(&("courier".to_owned(), Figure::Failed)));
        assert_eq!(modem.parts[0].tracks[&("courier".to_owned(), Figure::Train)].nights, 28);
        assert!(town.store().trend("m00", Some("other"), None).unwrap().is_none());
        assert!(town.store().trend("nobody", None, None).unwrap().is_none());
        assert!(town.store().trend("b1-A", Some("other"), None).unwrap().is_none());
    }

    #[test]
    fn of_modems_of_one_name_the_one_that_ran_last_is_told() {
        let mut town = Town::new();
        for (night, bank) in (0..).zip(["hq", "lab", "hq"]) {
            town.moves_to(bank);
            town.night_with_calls(night, &[("b1-A", Some(None), vec![call("m00", None, 9000)])]);
        }
        let modem = town.store().trend("m00", None, None).unwrap().unwrap();
        assert_eq!((modem.parts[0].bank.as_str(), modem.parts[0].nights.len()), ("hq", 2));
    }

    #[test]
    fn few_nights_are_told_to_be_few() {
        let town = town();
        let since = crate::history::played::began(45);
        let found = town.store().trend("b1-A", Some("nightly"), Some(since)).unwrap().unwrap();
        assert_eq!(found.parts[0].nights.len(), 15);
        assert!(found.parts[0].tracks.values().all(|track| track.course == Course::TooFew));
    }
}
