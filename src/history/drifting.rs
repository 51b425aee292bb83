//! All lines of a plan and all modems of its bank at once: which of them drift. It is what nobody can ask by name, since
//! whoever asks does not know yet that something is wrong.
//!
//! Among so many figures chance alone makes some drift: a slope has to stand up to Holm's correction over all of them, and
//! a shift to a baseline that is long enough for its spread to be known.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{OptionalExtension, params};

use super::drift::{Course, Drift, Figure, SLOPE_CHANCE, drift};
use super::names::Key;
use super::statistics::holm;
use super::trend::{Head, Kind, LINES_MAX, Trend, Trends, day, has_enough, line_figures};
use super::{HistoryError, Store};
use crate::model::Verdict;

/// Runs that are read: more than a baseline and the last nights, since some did not test a line.
const RUNS_MAX: i64 = 150;
/// Nights of a baseline from which on a shift is told. The spread of 14 nights is so uncertain that one steady figure in
/// 200 seems to have shifted; of 30, one in 2000; of 45, one in 20,000.
const BASELINE_SURE: usize = 30;

/// The figures of a line, by family and figure.
type Figures = BTreeMap<(String, Figure), Vec<(f64, f64)>>;

impl Store {
    /// The lines that the last run of a plan had and that did not fail when they were tested last, and the modems of its
    /// bank: those that drift. Without a plan, of the one that ran last; absent if there is no run.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn drifting(&self, plan: Option<&str>) -> Result<Option<Trends>, HistoryError> {
        self.all_drifting(plan).map_err(|error| self.error(error))
    }

    fn all_drifting(&self, plan: Option<&str>) -> rusqlite::Result<Option<Trends>> {
        let last: Option<(Key, Key, String, String)> = self
            .connection()
            .query_row(
                "SELECT run.run, run.series, series.plan, series.bank FROM run JOIN series ON series.id = run.series
                 WHERE ?1 IS NULL OR series.plan = ?1 ORDER BY run.run DESC LIMIT 1",
                [plan],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .optional()?;
        let Some((run, series, plan, bank)) = last else { return Ok(None) };
        let oldest: Key = self.connection().query_row(
            "SELECT min(run) FROM (SELECT run FROM run WHERE series = ?1 ORDER BY run DESC LIMIT ?2)",
            params![series, RUNS_MAX],
            |row| row.get(0),
        )?;
        let lines = self.working_lines(series, run)?;
        let mut figures = self.figures_of(series, oldest)?;
        let mut parts: Vec<(Option<Key>, String, Tracks)> = lines
            .into_iter()
            .map(|(key, name)| (Some(key), name, tracks(figures.remove(&key).unwrap_or_default())))
            .collect();
        drop(figures);
        let mut modems: BTreeMap<String, Trend> = BTreeMap::new();
        for name in self.modems_of(run)? {
            let head = Head::modem(name.clone(), bank.clone());
            let trend = self.modem_trend(head, Some(&plan), oldest)?;
            // When lines die, all modems fail more often: that is told by holding them against their brothers.
            let mut tracks = trend.tracks.clone();
            tracks.retain(|(_, figure), _| *figure != Figure::Failed);
            parts.push((None, name.clone(), tracks));
            modems.insert(name, trend);
        }
        let looked = parts.len();
        let judged = parts.iter().filter(|(.., tracks)| has_enough(tracks)).count();
        let sure = sure(parts.iter().flat_map(|(.., tracks)| tracks.values()));
        let mut sure = sure.into_iter();
        // As many answers as there are tracks, in their order.
        parts.retain(|(.., tracks)| {
            let told: Vec<bool> = sure.by_ref().take(tracks.len()).collect();
            told.contains(&true)
        });
        let left_out = parts.len().saturating_sub(LINES_MAX);
        parts.truncate(LINES_MAX);
        let mut told = Vec::new();
        for (key, name, _) in parts {
            match key {
                None => told.extend(modems.remove(&name)),
                Some(key) => {
                    let head = self.lines_where("line.id = ?1", key, Some(&plan))?.into_iter().next();
                    if let Some(head) = head {
                        told.push(self.line_trend(head, oldest)?);
                    }
                }
            }
        }
        Ok(Some(Trends { kind: Kind::All, parts: told, left_out, looked, judged }))
    }

    /// Lines that the run had, and that did not fail when they were tested last.
    fn working_lines(&self, series: Key, run: Key) -> rusqlite::Result<Vec<(Key, String)>> {
        let mut lines = self.connection().prepare(
            "SELECT id, name FROM line WHERE series = ?1 AND last_run = ?2 AND ?3 <>
                 (SELECT result FROM spell WHERE spell.line = line.id ORDER BY first_run DESC LIMIT 1)
             ORDER BY id",
        )?;
        let found = lines
            .query_map(params![series, run, Verdict::Fail.word()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.collect()
    }

    fn modems_of(&self, run: Key) -> rusqlite::Result<Vec<String>> {
        let mut modems = self.connection().prepare(
            "SELECT DISTINCT modem.name FROM bench JOIN modem ON modem.id = bench.modem WHERE bench.run = ?1 ORDER BY 1",
        )?;
        modems.query_map([run], |row| row.get(0))?.collect()
    }

    /// The figures of all lines, in the order of time.
    fn figures_of(&self, series: Key, oldest: Key) -> rusqlite::Result<HashMap<Key, Figures>> {
        let mut nights = self.connection().prepare(
            "SELECT verdict.line, run.run, NULL, modem.family, call.train_ms, call.train_connect_ms,
                 call.ring_train_ms, call.dialed_to_connect_ms, min(link.tx_bps, link.rx_bps),
                 coalesce(link.tx_bps, link.rx_bps), call.rx_level_dbm, call.snr_db, call.retrains
             FROM run CROSS JOIN verdict ON verdict.run = run.run
             JOIN fault ON fault.id = verdict.fault AND fault.result IN ('pass', 'degraded')
             JOIN call ON call.run = verdict.run AND call.line = verdict.line AND call.attempt = verdict.call
             JOIN modem ON modem.id = call.modem LEFT JOIN link ON link.id = call.link
             WHERE run.series = ?1 AND run.run >= ?2 ORDER BY run.run",
        )?;
        let mut rows = nights.query(params![series, oldest])?;
        let mut found: HashMap<Key, Figures> = HashMap::new();
        while let Some(row) = rows.next()? {
            let (line, run, family): (Key, Key, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
            let figures = found.entry(line).or_default();
            for (figure, value) in line_figures(row)? {
                figures.entry((family.clone(), figure)).or_default().push((day(run), value));
            }
        }
        Ok(found)
    }
}

type Tracks = BTreeMap<(String, Figure), Drift>;

fn tracks(figures: Figures) -> Tracks {
    figures.into_iter().filter_map(|(key, nights)| Some((key.clone(), drift(key.1, &nights)?))).collect()
}

/// Of each of so many figures, whether it gets worse beyond what chance makes of some of them.
fn sure<'a>(told: impl Iterator<Item = &'a Drift>) -> Vec<bool> {
    let told: Vec<&Drift> = told.collect();
    let judged: Vec<f64> = told.iter().filter_map(|drift| drift.chance).collect();
    let mut held = holm(&judged).into_iter();
    told.into_iter()
        .map(|drift| {
            let chance = drift.chance.and_then(|_| held.next());
            let sloping = drift.sloping && chance.is_some_and(|chance| chance < SLOPE_CHANCE);
            let shifted = drift.shifted && drift.baseline_nights >= BASELINE_SURE;
            drift.course == Course::Worse && (sloping || shifted)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::played::{Call, Town};
    use crate::model::Fault;

    /// Sixty nights of forty lines that differ from night to night: one of them trains longer and longer, one has
    /// become slow a week ago, one did both and is dead now.
    #[test]
    fn what_drifts_is_found_among_many_that_do_not_and_what_is_dead_is_no_drift() {
        let names: Vec<String> = (0..40).map(|n| format!("b{n:02}-A")).collect();
        let mut town = Town::new();
        let mut state = 11_u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % 4000
        };
        for night in 0..60_u32 {
            let slope = u64::from(night) * 120;
            let shift = if night >= 53 { 8000 } else { 0 };
            let found: Vec<_> = names
                .iter()
                .enumerate()
                .map(|(n, name)| {
                    let fault = (n == 9 && night > 57).then_some(Fault::NoAnswer);
                    let more = match n {
                        5 => slope,
                        7 => shift,
                        9 => slope + shift,
                        _ => 0,
                    };
                    let call = Call { modem: "m00", fault, train_ms: Some(8000 + noise() + more) };
                    (name.as_str(), Some(fault), vec![call])
                })
                .collect();
            town.night_with_calls(night, &found);
        }
        let told = town.store().drifting(None).unwrap().unwrap();
        let drifting: Vec<&str> = told.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!((told.kind, drifting), (Kind::All, vec!["b05-A", "b07-A"]));
        assert_eq!(told.parts[0].nights.len(), 60);
        // The dead line is not looked at; the bank's four modems are.
        // Three of the modems made no call.
        assert_eq!((told.looked, told.judged, told.left_out), (39 + 4, 39 + 1, 0));
        assert!(town.store().drifting(Some("other")).unwrap().is_none());
    }

    /// A third of the lines dies in one week: no modem is the worse for it.
    #[test]
    fn dead_lines_are_no_drift_of_our_modems() {
        let names: Vec<String> = (0..40).map(|n| format!("b{n:02}-A")).collect();
        let mut town = Town::new();
        for night in 0..60_u32 {
            let found: Vec<_> = (0..40)
                .map(|n| {
                    let fault = (night > 50 && n < 14).then_some(Fault::NoAnswer);
                    let call = Call { modem: ["m00", "m01"][n % 2], fault, train_ms: Some(9000) };
                    (names[n].as_str(), Some(fault), vec![call])
                })
                .collect();
            town.night_with_calls(night, &found);
        }
        let one = town.store().trend("m00", None, None).unwrap().unwrap();
        let failed = one.parts[0].tracks[&("courier".to_owned(), Figure::Failed)];
        assert_eq!(failed.course, Course::Worse);
        assert!(town.store().drifting(None).unwrap().unwrap().parts.is_empty());
    }

    #[test]
    fn a_slope_that_one_figure_could_be_told_by_is_not_told_of_a_thousand() {
        let nights: Vec<(f64, f64)> = (0..60)
            .map(|n| (f64::from(n), 10_000.0 + f64::from(n) * 40.0 + f64::from(n * 37 % 60) * 60.0))
            .collect();
        let one = drift(Figure::Train, &nights).unwrap();
        assert!(one.sloping && one.chance.unwrap() > 1e-9, "{one:?}");
        let steady =
            Drift { course: Course::Steady, sloping: false, shifted: false, chance: Some(0.5), ..one };
        assert_eq!(sure([&one].into_iter()), [true]);
        let crowd: Vec<Drift> = std::iter::repeat_n(steady, 1_000_000).chain([one]).collect();
        assert!(sure(crowd.iter()).iter().all(|sure| !sure));
    }
}
