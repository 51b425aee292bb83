//! What changed between two runs: how each line stood after the one, and how after the other.
//!
//! A line that a run did not test stands as it stood after the last one that did.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::{OptionalExtension, Row, params};

use super::names::Key;
use super::{HistoryError, Store};
use crate::model::before::{FLAPPING_CHANGES, FLAPPING_RUNS, LineBefore, TestedBefore};
use crate::model::changes::{Changed, Changes, Standing};
use crate::model::{Fault, LineId, RunId, SiteId, Verdict};

/// A run that the history knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRun {
    key: Key,
    series: Key,
    /// Its id.
    pub id: RunId,
    /// Its plan.
    pub plan: String,
    /// Its bank.
    pub bank: String,
    /// When it began.
    pub started: Timestamp,
    /// Whether it came to its end; else it was killed, and tells of some lines alone.
    pub ended: bool,
}

/// What a run is named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// The last one.
    Last,
    /// The one before this one, of the same plan on the same bank.
    Before(&'a KnownRun),
    /// By its id.
    Id(&'a str),
    /// The last one that began on this day, UTC, as the ids have it.
    Day(Date),
}

/// Columns of [`KnownRun`].
const RUN: &str = "SELECT run.run, run.series, run.id, series.plan, series.bank, run.ended IS NOT NULL
    FROM run JOIN series ON series.id = run.series";

impl Store {
    /// Finds a run; of one plan alone, if that is given.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn run(&self, which: Which<'_>, plan: Option<&str>) -> Result<Option<KnownRun>, HistoryError> {
        let find = |filter: &str, values: &[&dyn rusqlite::ToSql]| {
            let sql = format!("{RUN} WHERE {filter} ORDER BY run.run DESC LIMIT 1");
            self.connection().query_row(&sql, values, known_run).optional()
        };
        let found = match which {
            Which::Last => find("?1 IS NULL OR series.plan = ?1", params![plan]),
            Which::Before(run) => find("run.series = ?1 AND run.run < ?2", params![run.series, run.key]),
            Which::Id(id) => find("run.id = ?1 AND (?2 IS NULL OR series.plan = ?2)", params![id, plan]),
            Which::Day(day) => {
                let from =
                    day.to_zoned(jiff::tz::TimeZone::UTC).map_or(i64::MAX, |day| day.timestamp().as_second());
                find(
                    "run.run >= ?1 AND run.run < ?1 + 86400 AND (?2 IS NULL OR series.plan = ?2)",
                    params![from, plan],
                )
            }
        };
        found.map(Option::flatten).map_err(|error| self.error(error))
    }

    /// What changed from the run `from` to the run `to`, line by line in the order in which the history came to know them. Lines of which `to` found
    /// nothing, since it was killed before, are left out.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn diff(&self, from: &KnownRun, to: &KnownRun) -> Result<Changes, HistoryError> {
        self.changed(from, to).map_err(|error| self.error(error))
    }

    fn changed(&self, from: &KnownRun, to: &KnownRun) -> rusqlite::Result<Changes> {
        let (mut old, new) = (Nights::of(self, from)?, Nights::of(self, to)?);
        let mut changed = Vec::with_capacity(new.order.len());
        for name in &new.order {
            let then = old.lines.remove(name);
            let Some(now) = new.lines.get(name) else { continue };
            // A line whose number has changed is another one.
            let then = then.filter(|then| then.number == now.number);
            let Some(fault) = now.found else { continue };
            // That it passed as before is all that is told of most lines: their nights need not be counted.
            let mut before = match &then {
                Some(then) => Some(self.stood(from, name, then, false)?),
                None => None,
            };
            let plain = fault.is_none()
                && before.as_ref().is_some_and(|before| {
                    before.changes < FLAPPING_CHANGES
                        && before.tested.as_ref().is_some_and(|tested| tested.fault.is_none())
                });
            let standing = self.standing(to, now, fault, !plain)?;
            let told = Changed::of(name.clone(), now.site.clone(), before.as_ref(), standing);
            if told.change.is_news()
                && let Some(then) = &then
            {
                before = Some(self.stood(from, name, then, true)?);
            }
            changed.push(Changed::of(name.clone(), now.site.clone(), before.as_ref(), standing));
        }
        for name in &old.order {
            let Some(then) = old.lines.get(name).filter(|_| !new.lines.contains_key(name)) else { continue };
            changed.push(Changed::gone(&self.stood(from, name, then, true)?, then.site.clone()));
        }
        let mut changes = Changes::of(changed);
        changes.against = Some(from.id.clone());
        Ok(changes)
    }

    /// How a line stood after a run, as what was before another. `exactly`: with the nights counted.
    fn stood(
        &self,
        run: &KnownRun,
        name: &LineId,
        line: &LineNight,
        exactly: bool,
    ) -> rusqlite::Result<LineBefore> {
        let spells = self.spells(run, line.key, exactly)?;
        let tested = match &spells.top {
            None => None,
            Some(top) => {
                let last = match line.found {
                    Some(fault) if Verdict::of(fault) != Verdict::Untested => {
                        Some((run.id.clone(), line.at, fault))
                    }
                    _ => self.last_tested(run, line.key)?,
                };
                last.map(|(id, at, fault)| TestedBefore {
                    run: id,
                    at: at.unwrap_or(top.since),
                    fault,
                    since: top.since,
                    runs: top.runs,
                })
            }
        };
        Ok(LineBefore {
            line: name.clone(),
            tested,
            untested_runs: 0,
            untested_by_choice: 0,
            changes: spells.changes,
            usual: None,
        })
    }

    /// How a line stands after a run.
    fn standing(
        &self,
        run: &KnownRun,
        line: &LineNight,
        fault: Option<Fault>,
        exactly: bool,
    ) -> rusqlite::Result<Standing> {
        let spells = self.spells(run, line.key, exactly)?;
        let changes = spells.changes;
        if Verdict::of(fault) == Verdict::Untested {
            let since = spells.top.map_or(-1, |top| top.last_run);
            let runs = self.untested_runs(run, line.key, since)?;
            let by_choice = self.by_choice(run.series, line.key, since, run.key)?;
            return Ok(Standing { fault, runs, by_choice, since: None, changes });
        }
        let (runs, since) = spells.top.map_or((1, None), |top| (top.runs, Some(top.since)));
        Ok(Standing { fault, runs, by_choice: 0, since, changes })
    }

    /// In how many runs in a row, up to this one, a line was untested; `tested` is the last run that tested it.
    fn untested_runs(&self, run: &KnownRun, line: Key, tested: Key) -> rusqlite::Result<u32> {
        self.connection()
            .prepare_cached(
                "SELECT count(*) FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = ?1
                 WHERE run.series = ?2 AND run.run > ?3 AND run.run <= ?4 AND verdict.fault IS NOT NULL",
            )?
            .query_row([line, run.series, tested, run.key], |row| row.get(0))
    }

    /// The last verdict of a line up to a run that tested it.
    fn last_tested(&self, run: &KnownRun, line: Key) -> rusqlite::Result<Option<LastTest>> {
        let found = self
            .connection()
            .prepare_cached(
                "SELECT run.id, verdict.run + coalesce(verdict.at, 0), fault.code
                 FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = ?1
                 JOIN fault ON fault.id = verdict.fault AND fault.result <> 'untested'
                 WHERE run.series = ?2 AND run.run <= ?3 ORDER BY run.run DESC LIMIT 1",
            )?
            .query_row([line, run.series, run.key], |row| {
                Ok((row.get::<_, String>(0)?, row.get(1)?, row.get::<_, String>(2)?))
            })
            .optional()?;
        Ok(found.and_then(|(id, at, fault)| Some((id.parse().ok()?, timestamp(at), fault.parse().ok()))))
    }

    /// What the spells of a line say up to a run. `exactly`: the nights of the last one are counted where it goes on
    /// beyond the run.
    fn spells(&self, run: &KnownRun, line: Key, exactly: bool) -> rusqlite::Result<Spells> {
        let mut spells = self.connection().prepare_cached(
            "SELECT first_run, last_run, since, runs, result FROM spell WHERE line = ?1 AND first_run <= ?2
             ORDER BY first_run DESC",
        )?;
        let mut rows = spells.query([line, run.key])?;
        let mut top: Option<Top> = None;
        // Runs of each spell, the last one first, and whether it fails.
        let mut past: Vec<(u32, bool)> = Vec::new();
        let (mut seen, mut turns) = (0_u32, 0_u32);
        while let Some(row) = rows.next()? {
            let (first, last, runs): (Key, Key, u32) = (row.get(0)?, row.get(1)?, row.get(3)?);
            let fails = row.get_ref(4)?.as_str()? == Verdict::Fail.word();
            turns += u32::from(past.last().is_some_and(|&(_, newer)| newer != fails));
            past.push((runs, fails));
            if top.is_none() {
                let Some(since) = timestamp(row.get(2)?) else { break };
                top = Some(Top { first_run: first, last_run: last, since, runs });
                // How far the last one reaches back is not known yet.
                continue;
            }
            seen = seen.saturating_add(runs);
            if seen >= FLAPPING_RUNS {
                break;
            }
        }
        drop(rows);
        let Some(mut top) = top else { return Ok(Spells { top: None, changes: 0 }) };
        if top.last_run > run.key && (exactly || turns >= FLAPPING_CHANGES) {
            (top.runs, top.last_run) = self.cut(run, line, &top)?;
        }
        if let Some(newest) = past.first_mut() {
            newest.0 = top.runs;
        }
        let (mut seen, mut changes, mut newer) = (0_u32, 0, None);
        for (runs, fails) in past {
            if seen >= FLAPPING_RUNS {
                break;
            }
            changes += u32::from(newer.is_some_and(|newer: bool| newer != fails));
            newer = Some(fails);
            seen = seen.saturating_add(runs);
        }
        Ok(Spells { top: Some(top), changes })
    }

    /// Of a spell that goes on beyond a run: in how many runs up to it, and the last of them.
    fn cut(&self, run: &KnownRun, line: Key, top: &Top) -> rusqlite::Result<(u32, Key)> {
        let count = |from: Key, to: Key| -> rusqlite::Result<(u32, Option<Key>)> {
            self.connection()
                .prepare_cached(
                    "SELECT count(*), max(run.run) FROM run CROSS JOIN verdict ON verdict.run = run.run
                         AND verdict.line = ?1
                     JOIN fault ON fault.id = verdict.fault AND fault.result <> 'untested'
                     WHERE run.series = ?2 AND run.run BETWEEN ?3 AND ?4",
                )?
                .query_row([line, run.series, from, to], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        // The shorter side is counted. Verdicts that are not kept any more lie on the longer one.
        if top.last_run - run.key < run.key - top.first_run {
            let (later, _) = count(run.key + 1, top.last_run)?;
            let last = self
                .connection()
                .prepare_cached(
                    "SELECT run.run FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = ?1
                     JOIN fault ON fault.id = verdict.fault AND fault.result <> 'untested'
                     WHERE run.series = ?2 AND run.run <= ?3 ORDER BY run.run DESC LIMIT 1",
                )?
                .query_row([line, run.series, run.key], |row| row.get(0))
                .optional()?;
            return Ok((top.runs.saturating_sub(later).max(1), last.unwrap_or(top.first_run)));
        }
        let (runs, last) = count(top.first_run, run.key)?;
        Ok((runs.max(1), last.unwrap_or(top.first_run)))
    }
}

/// A verdict that tested its line: the run, when it was told, and what was found.
type LastTest = (RunId, Option<Timestamp>, Option<Fault>);

/// The spell in which a line was after a run, up to that run.
#[derive(Debug, Clone, Copy)]
struct Top {
    first_run: Key,
    last_run: Key,
    since: Timestamp,
    runs: u32,
}

struct Spells {
    top: Option<Top>,
    changes: u32,
}

/// What a run found of one line.
struct LineNight {
    key: Key,
    number: String,
    site: Option<SiteId>,
    /// Absent: nothing, the run was killed before.
    #[expect(clippy::option_option, reason = "nothing, a pass and a fault are three things")]
    found: Option<Option<Fault>>,
    at: Option<Timestamp>,
}

/// The lines of a run.
struct Nights {
    order: Vec<LineId>,
    lines: HashMap<LineId, LineNight>,
}

impl Nights {
    fn of(store: &Store, run: &KnownRun) -> rusqlite::Result<Self> {
        let mut verdicts = store.connection().prepare_cached(
            "SELECT line.name, verdict.line, number.number, facets.site, fault.code, verdict.run + verdict.at
             FROM verdict JOIN line ON line.id = verdict.line JOIN number ON number.id = line.number
             JOIN facets ON facets.id = verdict.facets LEFT JOIN fault ON fault.id = verdict.fault
             WHERE verdict.run = ?1 ORDER BY verdict.line",
        )?;
        let mut nights = Self { order: Vec::new(), lines: HashMap::new() };
        let mut rows = verdicts.query([run.key])?;
        while let Some(row) = rows.next()? {
            let Ok(name) = row.get_ref(0)?.as_str()?.parse::<LineId>() else { continue };
            let found = match row.get::<_, Option<String>>(4)?.as_deref() {
                None => None,
                Some("") => Some(None),
                // What a later lineman found, and this one has no word for: nothing is claimed of it.
                Some(code) => code.parse().ok().map(Some),
            };
            let line = LineNight {
                key: row.get(1)?,
                number: row.get(2)?,
                site: row.get_ref(3)?.as_str()?.parse().ok(),
                found,
                at: row.get::<_, Option<i64>>(5)?.and_then(timestamp),
            };
            nights.order.push(name.clone());
            nights.lines.insert(name, line);
        }
        Ok(nights)
    }
}

/// Absent where the names are none of ours.
fn known_run(row: &Row<'_>) -> rusqlite::Result<Option<KnownRun>> {
    let key = row.get(0)?;
    let (Ok(id), Some(started)) = (row.get_ref(2)?.as_str()?.parse(), timestamp(key)) else {
        return Ok(None);
    };
    Ok(Some(KnownRun {
        key,
        series: row.get(1)?,
        id,
        plan: row.get(3)?,
        bank: row.get(4)?,
        started,
        ended: row.get(5)?,
    }))
}

pub(super) fn timestamp(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

#[cfg(test)]
mod tests;
