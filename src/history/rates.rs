//! How often it fails, by whom or what, with counts and intervals; and which of our modems is worse than its brothers.
//!
//! Lines are counted by their verdicts, the bench by its calls. What was not tested counts for nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::statistics::{Share, fisher_more, holm, wilson};
use super::{HistoryError, Store};

/// A modem is told to be worse than its brothers from this probability of chance down, all comparisons of the report
/// taken together: one report in a hundred accuses somebody wrongly.
pub const CHANCE_MAX: f64 = 0.01;
/// Fewest calls on either side of a comparison.
pub const CALLS_MIN: u64 = 20;

/// What the rates are told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The branch: verdicts.
    Site,
    /// The country of the number: verdicts.
    Country,
    /// The fault: verdicts.
    Cause,
    /// Our outside lines: calls.
    Trunk,
    /// Our modem: calls, and the comparison.
    Modem,
    /// The carrier whose code was dialed: calls.
    Carrier,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Site, Self::Trunk, Self::Modem, Self::Carrier, Self::Country, Self::Cause];

    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::Trunk => "trunk",
            Self::Modem => "modem",
            Self::Carrier => "carrier",
            Self::Country => "country",
            Self::Cause => "cause",
        }
    }

    /// Whether calls are counted, and not verdicts.
    pub const fn counts_calls(self) -> bool {
        matches!(self, Self::Trunk | Self::Modem | Self::Carrier)
    }
}

/// How often one of them failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// Its name; empty where there is none (a modem without a trunk, a call without a carrier).
    pub name: String,
    /// The bank of a modem or a trunk: another bank's of the same name is another one.
    pub bank: Option<String>,
    /// Verdicts, or calls.
    pub tried: u64,
    /// Those that failed beyond our bench; of a cause, those with this fault.
    pub failed: u64,
    /// Calls that ended in a fault of our own bench; 0 where verdicts are counted.
    pub bench_faults: u64,
    /// Lines that were tested or called; a dead line fails night after night, so that many failures may be one.
    pub lines: u64,
    /// `failed` and `bench_faults` of `tried`, with the interval of 95 %. It takes each night for itself.
    pub share: Share,
}

/// A modem against its brothers: the first calls to lines that were found sound that night, so that a modem is blamed for
/// no line, and gets no line that another one had failed on.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The modem.
    pub modem: String,
    /// Its bank.
    pub bank: String,
    /// Its family.
    pub family: String,
    /// Whether its brothers are those of its family; else it has none, and they are all other modems of the bank.
    pub same_family: bool,
    /// First calls to sound lines.
    pub calls: u64,
    /// Those that failed, through the bench or beyond.
    pub failed: u64,
    /// Its brothers' first calls to sound lines.
    pub others: u64,
    /// Those that failed.
    pub others_failed: u64,
    /// Its share.
    pub share: Option<Share>,
    /// Its brothers'.
    pub others_share: Option<Share>,
    /// Probability that a modem as good as its brothers has so many failures or more: Fisher's exact test. Absent with
    /// fewer than [`CALLS_MIN`] calls on either side.
    pub chance: Option<f64>,
    /// The same, held to more since as many modems are compared: Holm's correction.
    pub chance_of_all: Option<f64>,
}

impl Comparison {
    /// Whether it is worse than its brothers, beyond chance.
    pub fn is_worse(&self) -> bool {
        self.chance_of_all.is_some_and(|chance| chance < CHANCE_MAX)
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// What they are told by.
    pub by: By,
    /// Runs that were looked at.
    pub runs: u64,
    /// Worst first: by the lower end of the interval, so that one failure of one try does not lead.
    pub rates: Vec<Rate>,
    /// For [`By::Modem`]: each modem against its brothers, the least likely by chance first.
    pub comparisons: Vec<Comparison>,
}

impl Store {
    /// The rates of the runs that began from `since` on; of one plan alone, if it is named.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn rates(&self, by: By, since: Timestamp, plan: Option<&str>) -> Result<Rates, HistoryError> {
        self.all_rates(by, since.as_second(), plan).map_err(|error| self.error(error))
    }

    fn all_rates(&self, by: By, since: i64, plan: Option<&str>) -> rusqlite::Result<Rates> {
        let runs = self.connection().query_row(
            "SELECT count(*) FROM run JOIN series ON series.id = run.series
             WHERE run.run >= ?1 AND (?2 IS NULL OR series.plan = ?2)",
            params![since, plan],
            |row| count(row, 0),
        )?;
        let mut rates = match by {
            By::Site => self.by_verdicts("facets.site", since, plan)?,
            By::Country => self.by_verdicts("coalesce(facets.country, '')", since, plan)?,
            By::Cause => self.by_cause(since, plan)?,
            By::Trunk => self.by_calls("coalesce(modem.trunk, '')", "modem.bank", since, plan)?,
            By::Modem => self.by_calls("modem.name", "modem.bank", since, plan)?,
            By::Carrier => self.by_calls("coalesce(carrier.name, '')", "NULL", since, plan)?,
        };
        rates.sort_by(|a, b| {
            b.share.low.total_cmp(&a.share.low).then_with(|| (&a.name, &a.bank).cmp(&(&b.name, &b.bank)))
        });
        let comparisons =
            if by == By::Modem { compared(&self.first_calls(since, plan)?) } else { Vec::new() };
        Ok(Rates { by, runs, rates, comparisons })
    }

    fn by_verdicts(&self, key: &str, since: i64, plan: Option<&str>) -> rusqlite::Result<Vec<Rate>> {
        let mut rates = self.connection().prepare(&format!(
            "SELECT {key}, count(*), sum(fault.result = 'fail'), 0, count(DISTINCT verdict.line), NULL
             FROM run JOIN series ON series.id = run.series CROSS JOIN verdict ON verdict.run = run.run
             JOIN facets ON facets.id = verdict.facets
             JOIN fault ON fault.id = verdict.fault AND fault.result <> 'untested'
             WHERE run.run >= ?1 AND (?2 IS NULL OR series.plan = ?2) GROUP BY 1"
        ))?;
        let found: Vec<Option<Rate>> =
            rates.query_map(params![since, plan], rate)?.collect::<Result<_, _>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Of a cause, its part of all lines that were to be tested: what is left out by rule counts for nothing.
    fn by_cause(&self, since: i64, plan: Option<&str>) -> rusqlite::Result<Vec<Rate>> {
        let mut causes = self.connection().prepare(
            "SELECT fault.code, count(*), count(DISTINCT verdict.line)
             FROM run JOIN series ON series.id = run.series CROSS JOIN verdict ON verdict.run = run.run
             JOIN fault ON fault.id = verdict.fault AND fault.blame <> 'policy'
             WHERE run.run >= ?1 AND (?2 IS NULL OR series.plan = ?2) GROUP BY 1",
        )?;
        let found: Vec<(String, u64, u64)> = causes
            .query_map(params![since, plan], |row| Ok((row.get(0)?, count(row, 1)?, count(row, 2)?)))?
            .collect::<Result<_, _>>()?;
        let tried = found.iter().map(|(_, count, _)| count).sum();
        let cause = |(name, failed, lines): (String, u64, u64)| {
            let share = wilson(failed, tried)?;
            // A pass has no code, and is no cause.
            let rate = Rate { name, bank: None, tried, failed, bench_faults: 0, lines, share };
            (!rate.name.is_empty()).then_some(rate)
        };
        Ok(found.into_iter().filter_map(cause).collect())
    }

    fn by_calls(&self, key: &str, bank: &str, since: i64, plan: Option<&str>) -> rusqlite::Result<Vec<Rate>> {
        let mut rates = self.connection().prepare(&format!(
            "SELECT {key}, count(*), sum(fault.result = 'fail'), sum(fault.result = 'untested'),
                 count(DISTINCT call.line), {bank}
             FROM run JOIN series ON series.id = run.series CROSS JOIN call ON call.run = run.run
             JOIN modem ON modem.id = call.modem
             JOIN fault ON fault.id = call.fault AND (fault.result <> 'untested' OR fault.blame LIKE 'bench-%')
             LEFT JOIN carrier ON carrier.id = call.carrier
             WHERE run.run >= ?1 AND (?2 IS NULL OR series.plan = ?2) GROUP BY 1, 6"
        ))?;
        let found: Vec<Option<Rate>> =
            rates.query_map(params![since, plan], rate)?.collect::<Result<_, _>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    /// By bank, modem and family: first calls to lines that were sound that night, and those that failed.
    fn first_calls(&self, since: i64, plan: Option<&str>) -> rusqlite::Result<Vec<FirstCalls>> {
        let mut calls = self.connection().prepare(
            "SELECT modem.bank, modem.name, modem.family, count(*), sum(fault.result IN ('fail', 'untested'))
             FROM run JOIN series ON series.id = run.series CROSS JOIN verdict ON verdict.run = run.run
             JOIN fault AS found ON found.id = verdict.fault AND found.result IN ('pass', 'degraded')
             CROSS JOIN call ON call.run = verdict.run AND call.line = verdict.line AND call.attempt = 1
             JOIN fault ON fault.id = call.fault AND (fault.result <> 'untested' OR fault.blame LIKE 'bench-%')
             JOIN modem ON modem.id = call.modem
             WHERE run.run >= ?1 AND (?2 IS NULL OR series.plan = ?2) GROUP BY 1, 2, 3",
        )?;
        let found = calls.query_map(params![since, plan], |row| {
            Ok(FirstCalls {
                bank: row.get(0)?,
                modem: row.get(1)?,
                family: row.get(2)?,
                calls: count(row, 3)?,
                failed: count(row, 4)?,
            })
        })?;
        found.collect()
    }
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

fn rate(row: &Row<'_>) -> rusqlite::Result<Option<Rate>> {
    let (tried, failed, bench_faults) = (count(row, 1)?, count(row, 2)?, count(row, 3)?);
    let Some(share) = wilson(failed + bench_faults, tried) else { return Ok(None) };
    let (name, bank, lines) = (row.get(0)?, row.get(5)?, count(row, 4)?);
    Ok(Some(Rate { name, bank, tried, failed, bench_faults, lines, share }))
}

/// What one modem did with lines that were sound that night.
#[derive(Debug, Clone)]
struct FirstCalls {
    bank: String,
    modem: String,
    family: String,
    calls: u64,
    failed: u64,
}

/// Each modem against its brothers.
fn compared(modems: &[FirstCalls]) -> Vec<Comparison> {
    let mut families: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for modem in modems {
        *families.entry((&modem.bank, &modem.family)).or_default() += 1;
    }
    let mut comparisons: Vec<Comparison> = modems
        .iter()
        .map(|modem| {
            let same_family =
                families.get(&(modem.bank.as_str(), modem.family.as_str())).is_some_and(|&n| n > 1);
            let brothers = modems.iter().filter(|other| {
                other.bank == modem.bank
                    && other.modem != modem.modem
                    && (!same_family || other.family == modem.family)
            });
            let (others, others_failed) =
                brothers.fold((0, 0), |(calls, failed), other| (calls + other.calls, failed + other.failed));
            let enough = modem.calls >= CALLS_MIN && others >= CALLS_MIN;
            Comparison {
                modem: modem.modem.clone(),
                bank: modem.bank.clone(),
                family: modem.family.clone(),
                same_family,
                calls: modem.calls,
                failed: modem.failed,
                others,
                others_failed,
                share: wilson(modem.failed, modem.calls),
                others_share: wilson(others_failed, others),
                chance: enough.then(|| fisher_more(modem.failed, modem.calls, others_failed, others)),
                chance_of_all: None,
            }
        })
        .collect();
    let places: Vec<usize> =
        (0..comparisons.len()).filter(|&place| comparisons[place].chance.is_some()).collect();
    let chances: Vec<f64> = places.iter().filter_map(|&place| comparisons[place].chance).collect();
    for (place, chance) in places.into_iter().zip(holm(&chances)) {
        comparisons[place].chance_of_all = Some(chance);
    }
    comparisons.sort_by(|a, b| {
        let rank = |one: &Comparison| one.chance.unwrap_or(2.0);
        rank(a).total_cmp(&rank(b)).then_with(|| (&a.modem, &a.bank).cmp(&(&b.modem, &b.bank)))
    });
    comparisons
}

#[cfg(test)]
mod tests;
