//! One line, and one bank, night by night: what their pages show. A line's figures here are those of the call that decided,
//! whatever it found; which of them drift is `trend`'s to say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::diff::timestamp;
use super::drift::{Drift, Figure};
use super::names::Key;
use super::trend::{Night, Trend, line_figures, night};
use super::{HistoryError, Series, Store};
use crate::model::{Fault, LineId, ModemId, Verdict};

/// Most nights of one portrait.
pub const NIGHTS_MAX: u16 = 1_000;
/// Most calls that are told of the last night.
const CALLS_MAX: i64 = 64;
/// Most spells that are told.
const SPELLS_MAX: i64 = 5;

/// A line over its nights.
#[derive(Debug, Clone)]
pub struct Portrait {
    /// Its site.
    pub site: String,
    /// Its number, as it was called last.
    pub number: String,
    /// Its console's host name.
    pub hostname: Option<String>,
    /// Its last nights, in the order of time; at most [`NIGHTS_MAX`].
    pub nights: Vec<LineNight>,
    /// By family and figure: which way it goes.
    pub tracks: BTreeMap<(String, Figure), Drift>,
    /// All calls of the last of its nights, in their order.
    pub calls: Vec<LastCall>,
    /// Runs in a row with one result, the newest first.
    pub spells: Vec<Standing>,
}

/// A line in one run.
#[derive(Debug, Clone)]
pub struct LineNight {
    /// The run.
    pub run: String,
    /// When it began.
    pub started: Timestamp,
    /// What it found; absent: it was killed before.
    pub found: Option<Option<Fault>>,
    /// In words, of what did not pass.
    pub detail: Option<String>,
    /// Calls that were made.
    pub attempts: u32,
    /// When the verdict was found.
    pub at: Option<Timestamp>,
    /// The call that decided.
    pub deciding: Option<u32>,
    /// The modem that made it, and its family.
    pub modem: Option<(String, String)>,
    /// digits sent .. ringing, ms
    pub post_dial_ms: Option<i64>,
    /// ringing .. answered, ms
    pub ring_ms: Option<i64>,
    /// answered .. carrier, ms
    pub train_ms: Option<i64>,
    /// ringing .. carrier, ms, where the answer is hidden
    pub ring_train_ms: Option<i64>,
    /// answered .. connected, ms, where the carrier is hidden
    pub train_connect_ms: Option<i64>,
    /// dial command .. CONNECT, ms
    pub dialed_to_connect_ms: Option<i64>,
    /// Our way's and the other way's line rate, bit/s.
    pub rates: (Option<u32>, Option<u32>),
    /// What our modem received, dBm.
    pub rx_level_dbm: Option<i64>,
    /// Signal to noise ratio, dB.
    pub snr_db: Option<i64>,
}

/// One call of the last night.
#[derive(Debug, Clone)]
pub struct LastCall {
    /// Its number within the line.
    pub attempt: u32,
    /// When its port was taken.
    pub at: Timestamp,
    /// What it found.
    pub fault: Option<Fault>,
    /// The modem that made it.
    pub modem: String,
    /// dial command .. CONNECT, ms
    pub dialed_to_connect_ms: Option<i64>,
    /// dialed .. on-hook, ms
    pub total_ms: Option<i64>,
}

/// Runs in a row with one result.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The last fault.
    pub fault: Option<Fault>,
    /// The first verdict of it.
    pub since: Timestamp,
    /// The last one.
    pub last: Timestamp,
    /// In so many runs.
    pub runs: u32,
}

/// A bank over its runs.
#[derive(Debug, Clone, Default)]
pub struct BankNights {
    /// The runs, in the order of time.
    pub runs: Vec<(String, Timestamp)>,
    /// Its modems by name; for each of the runs how it served, absent where it was not in the bank.
    pub modems: BTreeMap<ModemId, Vec<Option<Service>>>,
}

/// One run of a plan, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub run: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; absent: it was killed.
    pub ended: Option<Timestamp>,
    /// All of it was done.
    pub completed: bool,
    /// Lines that passed, were degraded, failed, were not tested.
    pub counts: [u32; 4],
    /// Calls.
    pub calls: u32,
}

/// How a modem served a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its family.
    pub family: String,
    /// How well, in the word of the reports.
    pub health: String,
    /// What was told of it last, in the word of the reports.
    pub state: Option<String>,
    /// Its calls.
    pub calls: u32,
    /// Those that passed, blemished ones too.
    pub passed: u32,
    /// Those that ended in a fault of our own side.
    pub bench_faults: u32,
    /// How often it was taken out for a while.
    pub times_out: u32,
    /// The latest fault that is its own.
    pub last_fault: Option<Fault>,
    /// What was said with it.
    pub detail: Option<String>,
}

impl Store {
    /// A line over its last nights; absent if nothing is known of it. Of a line whose number changed it is the newest one.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn portrait(&self, of: Series<'_>, line: &LineId) -> Result<Option<Portrait>, HistoryError> {
        self.portrait_of(of, line).map_err(|error| self.error(error))
    }

    fn portrait_of(&self, of: Series<'_>, line: &LineId) -> rusqlite::Result<Option<Portrait>> {
        let Some(series) = self.series(of)? else { return Ok(None) };
        let found: Option<(Key, String, String, Option<String>)> = self
            .connection()
            .prepare_cached(
                "SELECT line.id, facets.site, number.number, facets.hostname FROM line
                 JOIN facets ON facets.id = line.facets JOIN number ON number.id = line.number
                 WHERE line.series = ?1 AND line.name = ?2 ORDER BY line.last_run DESC, line.id DESC LIMIT 1",
            )?
            .query_row(params![series, line.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((key, site, number, hostname)) = found else { return Ok(None) };
        let since: i64 = self
            .connection()
            .prepare_cached("SELECT run FROM run WHERE series = ?1 ORDER BY run DESC LIMIT 1 OFFSET ?2")?
            .query_row(params![series, NIGHTS_MAX - 1], |row| row.get(0))
            .optional()?
            .unwrap_or(i64::MIN);
        let mut asked = self.connection().prepare_cached(
            "SELECT run.run, run.id, fault.code, modem.family, call.train_ms, call.train_connect_ms,
                 call.ring_train_ms, call.dialed_to_connect_ms, min(link.tx_bps, link.rx_bps),
                 coalesce(link.tx_bps, link.rx_bps), call.rx_level_dbm, call.snr_db, call.retrains,
                 verdict.detail, verdict.attempts, verdict.run + verdict.at, verdict.call, modem.name,
                 call.post_dial_ms, call.ring_ms, link.tx_bps, link.rx_bps
             FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = ?1
             LEFT JOIN fault ON fault.id = verdict.fault
             LEFT JOIN call ON call.run = verdict.run AND call.line = verdict.line AND call.attempt = verdict.call
             LEFT JOIN modem ON modem.id = call.modem LEFT JOIN link ON link.id = call.link
             WHERE run.series = ?2 AND run.run >= ?3 ORDER BY run.run",
        )?;
        let mut rows = asked.query([key, series, since])?;
        let (mut nights, mut followed, mut last_run) = (Vec::new(), Vec::new(), None);
        while let Some(row) = rows.next()? {
            let Some(mut one) = night(row)? else { continue };
            last_run = Some(row.get::<_, i64>(0)?);
            nights.push(line_night(row, &one)?);
            if works(&one) {
                one.figures.extend(line_figures(row)?);
            }
            followed.push(one);
        }
        drop(rows);
        let calls = last_run.map(|run| self.last_calls(run, key)).transpose()?.unwrap_or_default();
        let spells = self.standings(key)?;
        let tracks = Trend::tracks_of(&followed);
        Ok(Some(Portrait { site, number, hostname, nights, tracks, calls, spells }))
    }

    fn last_calls(&self, run: i64, line: Key) -> rusqlite::Result<Vec<LastCall>> {
        let mut asked = self.connection().prepare_cached(
            "SELECT call.attempt, call.run + call.at, fault.code, modem.name, call.dialed_to_connect_ms, call.total_ms
             FROM call JOIN fault ON fault.id = call.fault JOIN modem ON modem.id = call.modem
             WHERE call.run = ?1 AND call.line = ?2 ORDER BY call.attempt LIMIT ?3",
        )?;
        let mut rows = asked.query([run, line, CALLS_MAX])?;
        let mut calls = Vec::new();
        while let Some(row) = rows.next()? {
            let (Some(at), Some(fault)) = (timestamp(row.get(1)?), fault(row, 2)?) else { continue };
            calls.push(LastCall {
                attempt: row.get(0)?,
                at,
                fault,
                modem: row.get(3)?,
                dialed_to_connect_ms: row.get(4)?,
                total_ms: row.get(5)?,
            });
        }
        Ok(calls)
    }

    fn standings(&self, line: Key) -> rusqlite::Result<Vec<Standing>> {
        let mut asked = self.connection().prepare_cached(
            "SELECT spell.since, spell.last_at, fault.code, spell.runs
             FROM spell JOIN fault ON fault.id = spell.fault WHERE spell.line = ?1
             ORDER BY spell.first_run DESC LIMIT ?2",
        )?;
        let mut rows = asked.query([line, SPELLS_MAX])?;
        let mut spells = Vec::new();
        while let Some(row) = rows.next()? {
            let (Some(since), Some(last)) = (timestamp(row.get(0)?), timestamp(row.get(1)?)) else {
                continue;
            };
            let Some(fault) = fault(row, 2)? else { continue };
            spells.push(Standing { fault, since, last, runs: row.get(3)? });
        }
        Ok(spells)
    }

    /// The last runs of a plan, the newest first, `runs_max` of them at most.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn runs_of(&self, of: Series<'_>, runs_max: u16) -> Result<Vec<RunRow>, HistoryError> {
        let read = || {
            let Some(series) = self.series(of)? else { return Ok(Vec::new()) };
            let mut asked = self.connection().prepare_cached(
                "SELECT run, id, ended, ending, pass, degraded, fail, untested, calls FROM run
                 WHERE series = ?1 ORDER BY run DESC LIMIT ?2",
            )?;
            let mut rows = asked.query(params![series, runs_max])?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                let Some(started) = timestamp(row.get(0)?) else { continue };
                runs.push(RunRow {
                    run: row.get(1)?,
                    started,
                    ended: row.get::<_, Option<i64>>(2)?.and_then(timestamp),
                    completed: row.get::<_, Option<String>>(3)?.as_deref() == Some("completed"),
                    counts: [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?],
                    calls: row.get(8)?,
                });
            }
            Ok(runs)
        };
        read().map_err(|error: rusqlite::Error| self.error(error))
    }

    /// How the modems of a bank served its last runs, `runs_max` of them at most.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn bank_nights(
        &self,
        bank: &crate::model::BankName,
        runs_max: u16,
    ) -> Result<BankNights, HistoryError> {
        self.bank_nights_of(bank.as_str(), runs_max).map_err(|error| self.error(error))
    }

    fn bank_nights_of(&self, bank: &str, runs_max: u16) -> rusqlite::Result<BankNights> {
        let mut asked = self.connection().prepare_cached(
            "SELECT run.run, run.id FROM run JOIN series ON series.id = run.series AND series.bank = ?1
             WHERE EXISTS (SELECT 1 FROM bench WHERE bench.run = run.run) ORDER BY run.run DESC LIMIT ?2",
        )?;
        let mut runs: Vec<(i64, String)> = asked
            .query_map(params![bank, runs_max], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        runs.reverse();
        let mut found = BankNights::default();
        let mut asked = self.connection().prepare_cached(
            "SELECT modem.name, modem.family, bench.health, bench.state, bench.calls, bench.pass + bench.degraded,
                 bench.bench_faults, bench.times_out, fault.code, bench.detail
             FROM bench JOIN modem ON modem.id = bench.modem LEFT JOIN fault ON fault.id = bench.last_fault
             WHERE bench.run = ?1",
        )?;
        let all = runs.len();
        for (place, (run, id)) in runs.into_iter().enumerate() {
            let Some(at) = timestamp(run) else { continue };
            let mut rows = asked.query([run])?;
            while let Some(row) = rows.next()? {
                // Whatever is no name of ours can't be a modem of a bank.
                let Ok(modem) = row.get_ref(0)?.as_str()?.parse::<ModemId>() else { continue };
                let served = Service {
                    family: row.get(1)?,
                    health: row.get(2)?,
                    state: row.get(3)?,
                    calls: row.get(4)?,
                    passed: row.get(5)?,
                    bench_faults: row.get(6)?,
                    times_out: row.get(7)?,
                    last_fault: row.get::<_, Option<String>>(8)?.and_then(|code| code.parse().ok()),
                    detail: row.get(9)?,
                };
                if let Some(slot) =
                    found.modems.entry(modem).or_insert_with(|| vec![None; all]).get_mut(place)
                {
                    *slot = Some(served);
                }
            }
            found.runs.push((id, at));
        }
        Ok(found)
    }
}

/// A night on which the line works: its figures are its own.
fn works(night: &Night) -> bool {
    night.found.is_some_and(|fault| matches!(Verdict::of(fault), Verdict::Pass | Verdict::Degraded))
}

fn line_night(row: &Row<'_>, night: &Night) -> rusqlite::Result<LineNight> {
    let modem: Option<String> = row.get(17)?;
    Ok(LineNight {
        run: night.run.clone(),
        started: night.started,
        found: night.found,
        detail: row.get(13)?,
        attempts: row.get(14)?,
        at: row.get::<_, Option<i64>>(15)?.and_then(timestamp),
        deciding: row.get(16)?,
        modem: modem.zip(night.family.clone()),
        post_dial_ms: row.get(18)?,
        ring_ms: row.get(19)?,
        train_ms: row.get(4)?,
        ring_train_ms: row.get(6)?,
        train_connect_ms: row.get(5)?,
        dialed_to_connect_ms: row.get(7)?,
        rates: (row.get(20)?, row.get(21)?),
        rx_level_dbm: row.get(10)?,
        snr_db: row.get(11)?,
    })
}

/// A fault by its code, whose empty word is a pass; absent is one that a later lineman entered.
#[expect(clippy::option_option, reason = "a pass, and what nobody here knows, are two things")]
fn fault(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Option<Fault>>> {
    let code = row.get_ref(column)?.as_str()?;
    Ok(if code.is_empty() { Some(None) } else { code.parse().ok().map(Some) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::played::{Call, Town, began, run_id};
    use crate::model::{BankName, PlanName};

    fn call(modem: &'static str, fault: Option<Fault>, train_ms: Option<u64>) -> Call {
        Call { modem, fault, train_ms }
    }

    /// Forty nights: dead for three of them, and called twice in the last.
    fn town() -> Town {
        let mut town = Town::new();
        for night in 0..40 {
            let (fault, calls) = match night {
                20..23 => (Some(Fault::Busy), vec![call("m00", Some(Fault::Busy), None)]),
                39 => (None, vec![call("m00", Some(Fault::Busy), None), call("m03", None, Some(4_000))]),
                _ => (None, vec![call("m00", None, Some(9_000))]),
            };
            town.night_with_calls(
                night,
                &[
                    ("BR0001-A", Some(fault), calls),
                    ("BR0002-A", Some(None), vec![call("m01", None, Some(8_000))]),
                ],
            );
        }
        town
    }

    #[test]
    fn a_line_has_its_nights_calls_and_spells() {
        let town = town();
        let (plan, bank): (PlanName, BankName) = ("nightly".parse().unwrap(), "hq".parse().unwrap());
        let of = Series { plan: &plan, bank: &bank, except: None };
        let portrait = town.store().portrait(of, &"BR0001-A".parse().unwrap()).unwrap().unwrap();
        assert_eq!(portrait.site, "BR0001");
        assert_eq!(portrait.nights.len(), 40);
        assert_eq!(portrait.nights[0].started, began(0));
        assert_eq!(portrait.nights[21].found, Some(Some(Fault::Busy)));
        assert_eq!(portrait.nights[21].train_ms, None);
        let last = &portrait.nights[39];
        assert_eq!(last.run, run_id(39).to_string());
        assert_eq!((last.train_ms, last.attempts), (Some(4_000), 2));
        assert_eq!(last.modem, Some(("m03".to_owned(), "rockwell".to_owned())));
        let calls: Vec<_> = portrait.calls.iter().map(|call| (call.attempt, call.fault)).collect();
        assert_eq!(calls, [(1, Some(Fault::Busy)), (2, None)]);
        let spells: Vec<_> = portrait.spells.iter().map(|spell| (spell.fault, spell.runs)).collect();
        assert_eq!(spells, [(None, 17), (Some(Fault::Busy), 3), (None, 20)]);
        assert!(portrait.tracks.contains_key(&("courier".to_owned(), Figure::Train)));
        // Nothing is known of others, and that is no error.
        assert!(town.store().portrait(of, &"BR0009-A".parse().unwrap()).unwrap().is_none());
        let other: PlanName = "weekly".parse().unwrap();
        let of = Series { plan: &other, bank: &bank, except: None };
        assert!(town.store().portrait(of, &"BR0001-A".parse().unwrap()).unwrap().is_none());
    }

    #[test]
    fn a_bank_has_its_modems_night_by_night() {
        let town = town();
        let found = town.store().bank_nights(&"hq".parse().unwrap(), 10).unwrap();
        assert_eq!(found.runs.len(), 10);
        assert_eq!(found.runs[9].0, run_id(39).to_string());
        let (plan, bank): (PlanName, BankName) = ("nightly".parse().unwrap(), "hq".parse().unwrap());
        let runs = town.store().runs_of(Series { plan: &plan, bank: &bank, except: None }, 3).unwrap();
        let told: Vec<_> = runs.iter().map(|run| (run.run.as_str(), run.completed, run.counts)).collect();
        let ids = [39, 38, 37].map(|night| run_id(night).to_string());
        assert_eq!(
            told,
            [
                (ids[0].as_str(), true, [2, 0, 0, 0]),
                (&ids[1], true, [2, 0, 0, 0]),
                (&ids[2], true, [2, 0, 0, 0])
            ]
        );
        let m03 = &found.modems[&"m03".parse().unwrap()];
        assert_eq!(m03[9].as_ref().map(|served| (served.calls, served.passed)), Some((1, 1)));
        assert_eq!(m03[8].as_ref().map(|served| served.calls), Some(0));
        assert!(town.store().bank_nights(&"elsewhere".parse().unwrap(), 10).unwrap().modems.is_empty());
    }
}
