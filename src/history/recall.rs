//! What a run asks at its start: what was found of each of its lines, how long they take, what is usual there, and whose
//! numbers strangers answer.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::names::Key;
use super::{HistoryError, Store};
use crate::model::before::{FLAPPING_RUNS, LineBefore, TestedBefore};
use crate::model::fault::UnknownFault;
use crate::model::usual::{Figures, Nights, Spread};
use crate::model::{BankName, Blame, Fault, Line, LineId, PhoneNumber, PlanName, RunId, Usual, Verdict};

/// Nights that make the usual: two weeks, so that a line that was repaired is known anew soon.
pub const NIGHTS_MAX: usize = 14;
/// Runs that are looked at for them: many of them may have called a few lines alone.
const RUNS_MAX: i64 = 100;
/// Calls that are read for them, by line of the plan.
const CALLS_MAX: usize = 20;

/// Whose history is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// The plan.
    pub plan: &'a PlanName,
    /// The bank: another one has other outside lines, and a simulated one takes no time that means anything.
    pub bank: &'a BankName,
    /// The run that goes on: what it found tonight is not what was before.
    pub except: Option<&'a RunId>,
}

/// What is known of one line. A line whose number has changed is another line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineMemory {
    /// What is usual on it, of the last [`NIGHTS_MAX`] nights on which it passed; absent if it never did.
    pub usual: Option<Usual>,
    /// The time that modems were taken for it in a run, ms, all its calls together but those that our own bench spoiled;
    /// of the last [`NIGHTS_MAX`] nights that ended as the last one did, since a line that fails takes longer.
    pub took_ms: Option<Spread>,
    /// When it passed last, with or without a blemish.
    pub worked: Option<Timestamp>,
    /// When it passed last without one.
    pub passed: Option<Timestamp>,
    /// When it was tested last: judged otherwise than `untested`.
    pub tested: Option<Timestamp>,
}

/// A number that a voice answered, and no modem since, and of which nobody has said since that it is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceHold {
    /// When it was heard.
    pub at: Timestamp,
    /// In this run.
    pub run: String,
    /// On this line.
    pub line: String,
}

/// A call that went out to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dial {
    /// When it was over.
    pub at: Timestamp,
    /// What it found.
    pub fault: Option<Fault>,
}

/// A line of which something is known.
struct Known {
    key: Key,
    untested_runs: i64,
    /// The last run that had it is the last one of all.
    in_last_run: bool,
}

type KnownLines = HashMap<(LineId, PhoneNumber), Known>;

impl Store {
    /// What earlier runs found of these lines, in their order; a line of which nothing is known is left out. Behind them
    /// stand the lines that the last run had and that are none of these, by name. Nothing is
    /// known of how it was before a run that is in the history itself, or is older than the newest there.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn lines_before<'a>(
        &self,
        of: Series<'_>,
        lines: impl IntoIterator<Item = &'a Line>,
    ) -> Result<Vec<LineBefore>, HistoryError> {
        let read = || {
            let Some(series) = self.series(of)? else { return Ok(Vec::new()) };
            if self.is_overtaken(series, of.except)? {
                return Ok(Vec::new());
            }
            self.before(series, of, lines.into_iter())
        };
        read().map_err(|error| self.error(error))
    }

    fn before<'a>(
        &self,
        series: Key,
        of: Series<'_>,
        lines: impl Iterator<Item = &'a Line>,
    ) -> rusqlite::Result<Vec<LineBefore>> {
        let known = self.known(series)?;
        let mut spells = self.connection().prepare(
            "SELECT spell.result, fault.code, run.id, spell.last_at, spell.since, spell.runs, spell.last_run
             FROM spell JOIN fault ON fault.id = spell.fault LEFT JOIN run ON run.run = spell.last_run
             WHERE spell.line = ?1 ORDER BY spell.first_run DESC",
        )?;
        let mut before = Vec::new();
        let mut asked = HashSet::new();
        let mut wanted: Vec<(&LineId, &Known)> = Vec::new();
        for line in lines {
            asked.insert(&line.id);
            wanted.extend(known.get(&(line.id.clone(), line.number.clone())).map(|found| (&line.id, found)));
        }
        let is_gone = |(name, found): &(&LineId, &Known)| found.in_last_run && !asked.contains(name);
        let mut gone: Vec<(&LineId, &Known)> =
            known.iter().map(|((name, _), found)| (name, found)).filter(is_gone).collect();
        gone.sort_unstable_by_key(|(_, found)| found.key);
        wanted.append(&mut gone);
        for (name, found) in wanted {
            let mut told = LineBefore {
                line: name.clone(),
                tested: None,
                untested_runs: u32::try_from(found.untested_runs).unwrap_or(u32::MAX),
                untested_by_choice: 0,
                changes: 0,
                usual: None,
            };
            let (mut seen, mut newer_fails) = (0_u32, None);
            let mut tested_in = -1;
            let mut rows = spells.query([found.key])?;
            while let Some(row) = rows.next()? {
                let fails = row.get_ref(0)?.as_str()? == Verdict::Fail.word();
                told.changes += u32::from(newer_fails.is_some_and(|newer: bool| newer != fails));
                if newer_fails.replace(fails).is_none() {
                    told.tested = tested(row, of.plan)?;
                    tested_in = row.get(6)?;
                }
                seen = seen.saturating_add(count(row, 5)?);
                // Tonight's run is the last of those that are looked at.
                if seen >= FLAPPING_RUNS - 1 {
                    break;
                }
            }
            if told.untested_runs > 0 {
                told.untested_by_choice =
                    self.by_choice(series, found.key, tested_in, Key::MAX)?.min(told.untested_runs);
            }
            if told.tested.is_some() || told.untested_runs > 0 {
                before.push(told);
            }
        }
        Ok(before)
    }

    /// In how many runs behind one and up to another a line was left out by choice.
    pub(super) fn by_choice(&self, series: Key, line: Key, after: Key, to: Key) -> rusqlite::Result<u32> {
        self.connection()
            .prepare_cached(
                "SELECT count(*) FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = ?1
                 JOIN fault ON fault.id = verdict.fault AND fault.code IN ('skipped', 'on-hold')
                 WHERE run.series = ?2 AND run.run > ?3 AND run.run <= ?4",
            )?
            .query_row([line, series, after, to], |row| count(row, 0))
    }

    /// What else is known of these lines. Lines of which nothing is known are left out.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn recall<'a>(
        &self,
        of: Series<'_>,
        lines: impl IntoIterator<Item = &'a Line>,
    ) -> Result<BTreeMap<LineId, LineMemory>, HistoryError> {
        let read = || {
            let Some(series) = self.series(of)? else { return Ok(BTreeMap::new()) };
            self.memories(series, of.except, lines.into_iter())
        };
        read().map_err(|error| self.error(error))
    }

    fn memories<'a>(
        &self,
        series: Key,
        except: Option<&RunId>,
        lines: impl Iterator<Item = &'a Line>,
    ) -> rusqlite::Result<BTreeMap<LineId, LineMemory>> {
        let known = self.known(series)?;
        let asked: HashMap<Key, &LineId> = lines
            .filter_map(|line| Some((known.get(&(line.id.clone(), line.number.clone()))?.key, &line.id)))
            .collect();
        let mut memories: BTreeMap<LineId, LineMemory> = BTreeMap::new();
        let mut spells = self.connection().prepare(
            "SELECT spell.line, spell.result, max(spell.last_at) FROM line JOIN spell ON spell.line = line.id
             WHERE line.series = ?1 GROUP BY spell.line, spell.result",
        )?;
        let mut rows = spells.query([series])?;
        while let Some(row) = rows.next()? {
            let Some(line) = asked.get(&row.get(0)?) else { continue };
            let memory = memories.entry((*line).clone()).or_default();
            let result = row.get_ref(1)?.as_str()?;
            let at = timestamp(row.get(2)?);
            memory.tested = memory.tested.max(at);
            if result != Verdict::Fail.word() {
                memory.worked = memory.worked.max(at);
            }
            if result == Verdict::Pass.word() {
                memory.passed = at;
            }
        }
        drop(rows);
        for (line, nights) in self.nights(series, except, &asked, known.len())? {
            let memory = memories.entry(line.clone()).or_default();
            if nights.passed > 0 {
                memory.usual = Some(nights.usual.usual());
            }
            memory.took_ms = Spread::of(&nights.took_ms);
        }
        Ok(memories)
    }

    /// The last nights of each line.
    fn nights<'a>(
        &self,
        series: Key,
        except: Option<&RunId>,
        asked: &HashMap<Key, &'a LineId>,
        lines: usize,
    ) -> rusqlite::Result<HashMap<&'a LineId, LineNights>> {
        let mut runs = self.connection().prepare(
            "SELECT run, calls FROM run WHERE series = ?1 AND ended IS NOT NULL AND calls_kept = 1 AND id <> ?2
             ORDER BY run DESC LIMIT ?3",
        )?;
        let runs: Vec<(i64, i64)> = runs
            .query_map(params![series, except.map_or("", RunId::as_str), RUNS_MAX], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        // What modems were taken for is told of a bench fault too, but says nothing of the line.
        let mut calls = self.connection().prepare(
            "SELECT call.line, call.took_ms, fault.result, fault.blame, modem.family, link.tx_bps, link.rx_bps,
                 call.train_ms, call.train_connect_ms, call.ring_train_ms, call.answer_error_ms, call.rx_level_dbm,
                 call.snr_db, call.dialed_to_connect_ms
             FROM call JOIN fault ON fault.id = call.fault JOIN modem ON modem.id = call.modem
                 LEFT JOIN link ON link.id = call.link
             WHERE call.run = ?1 ORDER BY call.line, call.attempt",
        )?;
        let mut nights: HashMap<&LineId, LineNights> = HashMap::new();
        let budget = CALLS_MAX.saturating_mul(lines);
        let mut read = 0_usize;
        for (nth, (run, count)) in runs.into_iter().enumerate() {
            if nth >= NIGHTS_MAX && read >= budget {
                break;
            }
            read += usize::try_from(count).unwrap_or(0);
            let mut rows = calls.query([run])?;
            let mut tonight: Option<(&LineId, LineNight)> = None;
            while let Some(row) = rows.next()? {
                let Some(line) = asked.get(&row.get(0)?) else { continue };
                match &mut tonight {
                    Some((of, night)) if of == line => night.note(row)?,
                    _ => {
                        let mut night = LineNight::default();
                        night.note(row)?;
                        if let Some((of, over)) = tonight.replace((line, night)) {
                            nights.entry(of).or_default().add(over);
                        }
                    }
                }
            }
            if let Some((of, over)) = tonight {
                nights.entry(of).or_default().add(over);
            }
        }
        Ok(nights)
    }

    /// Numbers that a voice answered and no modem since, as called from this bank, and that nobody has confirmed since.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn voice_holds(&self, bank: &BankName) -> Result<BTreeMap<PhoneNumber, VoiceHold>, HistoryError> {
        let read = || {
            let mut numbers = self.connection().prepare(
                "SELECT number, voice_at, voice_run, voice_line FROM number
                 WHERE bank = ?1 AND voice_at > coalesce(carrier_at, -1) AND voice_at > coalesce(confirmed_at, -1)",
            )?;
            let mut holds = BTreeMap::new();
            let mut rows = numbers.query([bank.as_str()])?;
            while let Some(row) = rows.next()? {
                let (Ok(number), Some(at)) = (row.get_ref(0)?.as_str()?.parse(), timestamp(row.get(1)?))
                else {
                    continue;
                };
                holds.insert(number, VoiceHold { at, run: row.get(2)?, line: row.get(3)? });
            }
            Ok(holds)
        };
        read().map_err(|error| self.error(error))
    }

    /// Calls that went out from this bank since then, by number, in the order of their ends: what a law on calling again
    /// counts.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn dials_since(
        &self,
        bank: &BankName,
        since: Timestamp,
        except: Option<&RunId>,
    ) -> Result<BTreeMap<PhoneNumber, Vec<Dial>>, HistoryError> {
        let read = || {
            // A run may have begun long before its last calls.
            let mut calls = self.connection().prepare(
                "SELECT coalesce(other.number, number.number), call.run + call.at + call.took_ms / 1000 AS ended, fault.code
                 FROM run JOIN series ON series.id = run.series AND series.bank = ?1
                     CROSS JOIN call ON call.run = run.run AND call.dialed = 1
                     JOIN line ON line.id = call.line JOIN number ON number.id = line.number
                     LEFT JOIN number AS other ON other.id = call.via JOIN fault ON fault.id = call.fault
                 WHERE run.run >= ?2 - 604800 AND coalesce(run.ended, ?2) >= ?2 AND run.id <> ?3 AND ended >= ?2
                 ORDER BY ended",
            )?;
            let mut dials: BTreeMap<PhoneNumber, Vec<Dial>> = BTreeMap::new();
            let mut rows =
                calls.query(params![bank.as_str(), since.as_second(), except.map_or("", RunId::as_str)])?;
            while let Some(row) = rows.next()? {
                let (number, at) = (row.get_ref(0)?.as_str()?.parse(), timestamp(row.get(1)?));
                let (Ok(number), Some(at), Ok(fault)) = (number, at, fault(row, 2)?) else { continue };
                dials.entry(number).or_default().push(Dial { at, fault });
            }
            Ok(dials)
        };
        read().map_err(|error| self.error(error))
    }

    /// The key of a plan on a bank; absent if none of its runs is known.
    pub(super) fn series(&self, of: Series<'_>) -> rusqlite::Result<Option<Key>> {
        self.connection()
            .prepare_cached("SELECT id FROM series WHERE plan = ?1 AND bank = ?2")?
            .query_row([of.plan.as_str(), of.bank.as_str()], |row| row.get(0))
            .optional()
    }

    /// Whether a run, or a later one, is in the history already. Ids of one plan sort by time.
    fn is_overtaken(&self, series: Key, run: Option<&RunId>) -> rusqlite::Result<bool> {
        let Some(run) = run else { return Ok(false) };
        self.connection().query_row(
            "SELECT count(*) > 0 FROM run WHERE series = ?1 AND id >= ?2",
            params![series, run.as_str()],
            |row| row.get(0),
        )
    }

    fn known(&self, series: Key) -> rusqlite::Result<KnownLines> {
        let mut lines = self.connection().prepare_cached(
            "SELECT line.id, line.name, number.number, line.untested_runs,
                 line.last_run = (SELECT max(run) FROM run WHERE series = ?1)
             FROM line JOIN number ON number.id = line.number WHERE line.series = ?1",
        )?;
        let mut known = HashMap::new();
        let mut rows = lines.query([series])?;
        while let Some(row) = rows.next()? {
            // Whatever is no name of ours can't be a line of a plan.
            if let (Ok(name), Ok(number)) =
                (row.get_ref(1)?.as_str()?.parse(), row.get_ref(2)?.as_str()?.parse())
            {
                let line = Known {
                    key: row.get(0)?,
                    untested_runs: row.get(3)?,
                    in_last_run: row.get::<_, Option<bool>>(4)? == Some(true),
                };
                known.insert((name, number), line);
            }
        }
        Ok(known)
    }
}

/// The last nights of one line, the newest first.
#[derive(Default)]
struct LineNights {
    usual: Nights,
    passed: usize,
    took_ms: Vec<i64>,
    /// Whether it passed on the newest of them.
    newest: Option<bool>,
}

impl LineNights {
    fn add(&mut self, night: LineNight) {
        let works = night.passed.is_some();
        if let Some((family, figures)) = night.passed
            && self.passed < NIGHTS_MAX
        {
            self.passed += 1;
            self.usual.add(&family, figures);
        }
        if night.took_ms == 0 {
            return;
        }
        if *self.newest.get_or_insert(works) == works && self.took_ms.len() < NIGHTS_MAX {
            self.took_ms.push(night.took_ms);
        }
    }
}

/// One line in one run.
#[derive(Default)]
struct LineNight {
    took_ms: i64,
    /// The last call that passed, with the family of its modem.
    passed: Option<(String, Figures)>,
}

impl LineNight {
    fn note(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let blame = row.get_ref(3)?.as_str()?;
        if ![Blame::BenchModem, Blame::BenchLine, Blame::Policy, Blame::Lineman]
            .iter()
            .any(|b| b.word() == blame)
        {
            self.took_ms += row.get::<_, Option<i64>>(1)?.unwrap_or(0);
        }
        let result = row.get_ref(2)?.as_str()?;
        if result != Verdict::Pass.word() && result != Verdict::Degraded.word() {
            return Ok(());
        }
        let rates: [Option<i64>; 2] = [row.get(5)?, row.get(6)?];
        let figures = Figures {
            connect_bps: rates.into_iter().flatten().min(),
            train_ms: row.get(7)?,
            train_connect_ms: row.get(8)?,
            ring_train_ms: row.get(9)?,
            answer_error_ms: row.get::<_, Option<i64>>(10)?.unwrap_or(0),
            rx_level_dbm: row.get(11)?,
            snr_db: row.get(12)?,
            dialed_to_connect_ms: row.get(13)?,
        };
        self.passed = Some((row.get(4)?, figures));
        Ok(())
    }
}

fn tested(row: &Row<'_>, plan: &PlanName) -> rusqlite::Result<Option<TestedBefore>> {
    let (Some(at), Some(since)) = (timestamp(row.get(3)?), timestamp(row.get(4)?)) else { return Ok(None) };
    let Ok(fault) = fault(row, 1)? else { return Ok(None) };
    let run = match row.get_ref(2)?.as_str_or_null()?.map(str::parse) {
        Some(Ok(run)) => run,
        // It is beyond what is kept, but its name is made of its beginning.
        _ => RunId::new(timestamp(row.get(6)?).unwrap_or(at), plan),
    };
    Ok(Some(TestedBefore { run, at, fault, since, runs: count(row, 5)? }))
}

/// A fault by its code, absent for a pass. One that a later lineman entered is not known here, and no pass.
fn fault(row: &Row<'_>, column: usize) -> rusqlite::Result<Result<Option<Fault>, UnknownFault>> {
    let code = row.get_ref(column)?.as_str()?;
    Ok(if code.is_empty() { Ok(None) } else { code.parse().map(Some) })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    Ok(u32::try_from(row.get::<_, i64>(column)?).unwrap_or(u32::MAX))
}

fn timestamp(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}
