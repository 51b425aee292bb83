//! Taking a run in: all of it in one transaction, or nothing; the same run twice is the same as once.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::names::{Key, Names, number_key, series};
use super::night::{LineNight, ModemNight, Night, Taken};
use super::{HistoryError, Store, spells};
use crate::model::event::{Ending, Hangup};
use crate::model::usual::{Figures, Spread};
use crate::model::{Blame, CallRecord, Fault, ModemId, Moment, NumberClass, PhaseTimes, Timeline, Verdict};

/// Longest detail that is kept, in characters; the journal has all of it.
const DETAIL_MAX: usize = 300;

impl Store {
    /// Takes a run in. One that is known already is left as it is, unless its journal has grown: then what was known of
    /// it is replaced.
    ///
    /// # Errors
    /// If the database can't be written; it is then as it was.
    pub fn ingest(&mut self, night: &Night<'_>) -> Result<Taken, HistoryError> {
        let path = self.path().to_owned();
        let sql = |error| HistoryError::sql(&path, error);
        let change = self.change()?;
        let taken = taken_in(&change, night).map_err(sql)?;
        change.commit().map_err(sql)?;
        Ok(taken)
    }
}

fn taken_in(change: &Transaction<'_>, night: &Night<'_>) -> rusqlite::Result<Taken> {
    let series = series(change, night.header)?;
    let id = night.header.run.as_str();
    let known: Option<(i64, i64)> = change
        .query_row(
            "SELECT run, journal_bytes FROM run WHERE id = ?1 AND series = ?2",
            params![id, series],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let bytes = i64::try_from(night.journal_bytes).unwrap_or(i64::MAX);
    let (run, taken) = match known {
        Some((_, known)) if known == bytes => return Ok(Taken::Known),
        Some((run, _)) => (run, Taken::Renewed),
        None => (free_key(change, night.started.as_second())?, Taken::New),
    };
    spells::unwind(change, series, run)?;
    if taken == Taken::Renewed {
        forget(change, run)?;
    }
    change.execute("DELETE FROM refused WHERE id = ?1", [id])?;
    Ingest { change, series, run, names: Names::of(change, &night.header.bank)? }.all(night, bytes)?;
    spells::wind(change, series, run)?;
    Ok(taken)
}

/// The second in which a run began, or the next one that no other run has.
fn free_key(change: &Transaction<'_>, second: i64) -> rusqlite::Result<i64> {
    let mut is_taken = change.prepare("SELECT count(*) FROM run WHERE run = ?1")?;
    let mut key = second;
    while is_taken.query_row([key], |row| row.get::<_, i64>(0))? > 0 {
        key += 1;
    }
    Ok(key)
}

/// Takes a run's rows out. The names that they used stay.
pub(super) fn forget(change: &Transaction<'_>, run: i64) -> rusqlite::Result<()> {
    for table in ["call", "verdict", "bench", "run"] {
        change.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
    }
    Ok(())
}

struct Ingest<'a> {
    change: &'a Transaction<'a>,
    series: Key,
    run: i64,
    names: Names<'a>,
}

/// What is summed up while calls are taken in.
#[derive(Default)]
struct Sums {
    calls: i64,
    billed_s: i64,
    cost: Option<i64>,
}

impl Sums {
    fn add(&mut self, record: &CallRecord) {
        self.calls += 1;
        if let Some(charge) = record.charge {
            self.billed_s += i64::from(charge.billed_s);
            if let Some(cost) = charge.cost {
                *self.cost.get_or_insert(0) += signed(cost.0);
            }
        }
    }
}

impl Ingest<'_> {
    fn all(&mut self, night: &Night<'_>, journal_bytes: i64) -> rusqlite::Result<()> {
        let mut sums = Sums::default();
        let mut results = [0_i64; Verdict::ALL.len()];
        let mut benches = Vec::new();
        for modem in &night.modems {
            benches.push((self.names.modem(modem)?, modem, Vec::new()));
        }
        let places: HashMap<&ModemId, usize> =
            night.modems.iter().enumerate().map(|(place, modem)| (modem.id, place)).collect();
        for line in &night.lines {
            for record in line.calls {
                sums.add(record);
                if let Some(place) = places.get(&record.modem) {
                    benches[*place].2.push(record);
                }
            }
            if let Some(verdict) = line.verdict {
                results[Verdict::of(verdict.fault) as usize] += 1;
            }
        }
        let [pass, degraded, fail, untested] = results;
        self.change.execute(
            "INSERT INTO run (run, id, series, ended, ending, sittings, lineman, currency, lines, pass, degraded,
                 fail, untested, calls, billed_s, cost, journal_bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            params![
                self.run,
                night.header.run.as_str(),
                self.series,
                night.ended.map(|(_, at)| at.as_second()),
                night.ended.map(|(ending, _)| ending_word(ending)),
                signed(night.sittings),
                night.header.sitting.lineman,
                night.header.currency,
                signed(night.lines.len() as u64),
                pass,
                degraded,
                fail,
                untested,
                sums.calls,
                sums.billed_s,
                sums.cost,
                journal_bytes,
            ],
        )?;
        for line in &night.lines {
            let (key, facets) = self.names.line(self.series, line.line, self.run)?;
            self.verdict(key, facets, line)?;
            for record in line.calls {
                let Some((modem_key, modem, _)) = places.get(&record.modem).map(|place| &benches[*place])
                else {
                    continue;
                };
                self.call(key, *modem_key, record)?;
                let decided = line.verdict.and_then(|verdict| verdict.call.as_ref()) == Some(&record.call);
                if decided || !line.doubted && !modem.quarantined {
                    self.heard(night, line, record)?;
                }
            }
        }
        benches.iter().try_for_each(|(key, modem, calls)| self.bench(*key, modem, calls))
    }

    fn verdict(&self, line: Key, facets: Key, night: &LineNight<'_>) -> rusqlite::Result<()> {
        let deciding = night.verdict.and_then(|verdict| {
            let id = verdict.call.as_ref()?;
            night.calls.iter().find(|record| record.call == *id)
        });
        let detail = night.verdict.filter(|verdict| is_telling(verdict.fault)).map(|verdict| &verdict.detail);
        self.change
            .prepare_cached(
                "INSERT INTO verdict (run, line, facets, fault, at, attempts, call, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.run,
                line,
                facets,
                night.verdict.map(|verdict| self.names.fault(verdict.fault)),
                deciding.map(|record| record.finished.as_second() - self.run),
                night.verdict.map_or(0, |verdict| i64::from(verdict.attempts)),
                deciding.map(|record| i64::from(record.attempt)),
                detail.filter(|detail| !detail.is_empty()).map(|detail| shortened(detail)),
            ])?;
        Ok(())
    }

    fn call(&mut self, line: Key, modem: Key, record: &CallRecord) -> rusqlite::Result<()> {
        let times = PhaseTimes::of(&record.timeline);
        let error_ms = Figures::of(record).answer_error_ms;
        let via = record.via.as_ref();
        let other =
            via.and_then(|via| via.number.as_ref()).map(|number| self.names.number(number)).transpose()?;
        let carrier = via
            .and_then(|via| via.carrier.as_ref())
            .map(|carrier| self.names.carrier(carrier))
            .transpose()?;
        let link = self.names.link(&record.link)?;
        let charge = record.charge.as_ref();
        let told = record.diagnostics.as_deref();
        let class =
            |class| (0_i64..).zip(NumberClass::ALL).find_map(|(key, known)| (known == class).then_some(key));
        self.change
            .prepare_cached(
                "INSERT INTO call (run, line, attempt, at, took_ms, fault, modem, dialed, hangup, via, carrier, class,
                     billed_s, cost, total_ms, dialed_to_connect_ms, post_dial_ms, ring_ms, train_ms, connect_ms,
                     ring_train_ms, train_connect_ms, answer_error_ms, link, rx_level_dbm, tx_level_dbm, snr_db,
                     line_quality, retrains, rate_shifts, block_errors, round_trip_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                     ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)",
            )?
            .execute(params![
                self.run,
                line,
                record.attempt,
                record.started.as_second() - self.run,
                took_ms(&record.timeline),
                self.names.fault(record.fault),
                modem,
                record.timeline.get(Moment::Dialed).is_some(),
                match record.hangup {
                    Hangup::NotNeeded => 0,
                    Hangup::Proven => 1,
                    Hangup::Unproven => 2,
                },
                other,
                carrier,
                charge.and_then(|charge| class(charge.class)),
                charge.map(|charge| charge.billed_s),
                charge.and_then(|charge| charge.cost).map(|cost| signed(cost.0)),
                times.total_ms.map(signed),
                times.dialed_to_connect_ms.map(signed),
                times.post_dial_ms.map(signed),
                times.ring_ms.map(signed),
                times.train_ms.map(signed),
                times.connect_ms.map(signed),
                times.ring_train_ms.map(signed),
                times.train_connect_ms.map(signed),
                (error_ms > 0).then_some(error_ms),
                link,
                told.and_then(|told| told.rx_level_dbm),
                told.and_then(|told| told.tx_level_dbm),
                told.and_then(|told| told.snr_db),
                told.and_then(|told| told.line_quality),
                told.and_then(|told| told.retrains),
                told.and_then(|told| told.rate_shifts),
                told.and_then(|told| told.block_errors),
                told.and_then(|told| told.round_trip_ms),
            ])?;
        Ok(())
    }

    /// Who was heard at a number: a voice, or a modem.
    fn heard(&self, night: &Night<'_>, line: &LineNight<'_>, record: &CallRecord) -> rusqlite::Result<()> {
        let number = record.via.as_ref().and_then(|via| via.number.as_ref()).unwrap_or(&line.line.number);
        let at = record.finished.as_second();
        if record.fault == Some(Fault::Voice) {
            let key = number_key(self.change, &night.header.bank, number)?;
            self.change
                .prepare_cached(
                    "UPDATE number SET voice_at = ?2, voice_run = ?3, voice_line = ?4
                     WHERE id = ?1 AND coalesce(voice_at, ?2) <= ?2",
                )?
                .execute(params![key, at, night.header.run.as_str(), line.line.id.as_str()])?;
        } else if record.timeline.furthest().is_some_and(|furthest| furthest >= Moment::Carrier) {
            let key = number_key(self.change, &night.header.bank, number)?;
            self.change
                .prepare_cached(
                    "UPDATE number SET carrier_at = max(coalesce(carrier_at, ?2), ?2) WHERE id = ?1",
                )?
                .execute(params![key, at])?;
        }
        Ok(())
    }

    fn bench(&self, key: Key, modem: &ModemNight<'_>, calls: &[&CallRecord]) -> rusqlite::Result<()> {
        let mut sums = Sums::default();
        let mut results = [0_i64; Verdict::ALL.len()];
        let mut passed = Vec::new();
        for record in calls {
            sums.add(record);
            let result = Verdict::of(record.fault);
            results[result as usize] += 1;
            if matches!(result, Verdict::Pass | Verdict::Degraded) {
                passed.push(Figures::of(record));
            }
        }
        let median = |figure: fn(&Figures) -> Option<i64>| {
            let figures: Vec<i64> = passed.iter().filter_map(figure).collect();
            Spread::of(&figures).map(|spread| spread.median)
        };
        let [pass, degraded, fail, untested] = results;
        self.change
            .prepare_cached(
                "INSERT INTO bench (run, modem, health, state, calls, pass, degraded, fail, untested, bench_faults,
                     hangup_unproven, times_out, checks, checks_failed, on_line_ms, billed_s, cost, last_fault, detail,
                     dialed_to_connect_ms, train_ms, train_connect_ms, ring_train_ms, connect_bps, rx_level_dbm, snr_db)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                     ?21, ?22, ?23, ?24, ?25, ?26)",
            )?
            .execute(params![
                self.run,
                key,
                modem.health,
                modem.state,
                sums.calls,
                pass,
                degraded,
                fail,
                untested,
                signed(modem.bench_faults),
                signed(modem.hangup_unproven),
                signed(modem.times_out),
                signed(modem.checks),
                signed(modem.checks_failed),
                signed(modem.on_line_ms),
                sums.billed_s,
                sums.cost,
                modem.last_fault.map(|fault| self.names.fault(Some(fault))),
                Some(modem.detail).filter(|detail| !detail.is_empty()).map(shortened),
                median(|figures| figures.dialed_to_connect_ms),
                median(|figures| figures.train_ms),
                median(|figures| figures.train_connect_ms),
                median(|figures| figures.ring_train_ms),
                median(|figures| figures.connect_bps),
                median(|figures| figures.rx_level_dbm),
                median(|figures| figures.snr_db),
            ])?;
        Ok(())
    }
}

/// Whether a verdict's detail tells more than its fault does: rules that leave out thousands of lines say the same of each.
fn is_telling(fault: Option<Fault>) -> bool {
    fault.is_some_and(|fault| {
        fault.blame() != Blame::Policy || matches!(fault, Fault::OnHold | Fault::Screened)
    })
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(DETAIL_MAX).map_or(text, |(at, _)| &text[..at])
}

const fn ending_word(ending: Ending) -> &'static str {
    match ending {
        Ending::Completed => "completed",
        Ending::Interrupted => "interrupted",
    }
}

/// SQLite's integers have a sign; nothing that we count comes near it.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The time that the modem was taken.
fn took_ms(timeline: &Timeline) -> Option<i64> {
    let at = |moment| timeline.get(moment).map(|mark| mark.at);
    let took = at(Moment::Released)?.since(at(Moment::Taken)?);
    i64::try_from(took.as_millis()).ok()
}
