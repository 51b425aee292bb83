//! What is kept for how long, and which runs are known at all.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{OptionalExtension, params};

use super::names::{Key, number_key};
use super::{HistoryError, Store};
use crate::model::{BankName, PhoneNumber, RunId};

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// The figures of each call.
    pub calls: Duration,
    /// Verdicts, modem health and sums; never shorter.
    pub verdicts: Duration,
}

/// What went by the rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs that are gone, but for how long their lines have been as they are.
    pub runs: usize,
    /// Calls that are gone, those of such runs included.
    pub calls: usize,
}

impl Store {
    /// Takes out what is older than it is kept. Spells stay as long as their line is known, and so does who was heard at
    /// a number.
    ///
    /// Age is counted back from the last run but one, not from now: one night on which the clock of this host was years
    /// ahead loses nothing.
    ///
    /// # Errors
    /// If the database can't be written; it is then as it was.
    pub fn prune(&mut self, keep: Keep) -> Result<Pruned, HistoryError> {
        let path = self.path().to_owned();
        let sql = |error| HistoryError::sql(&path, error);
        let last: Option<i64> = self
            .connection()
            .query_row("SELECT run FROM run ORDER BY run DESC LIMIT 1 OFFSET 1", [], |row| row.get(0))
            .optional()
            .map_err(sql)?;
        let Some(last) = last else { return Ok(Pruned::default()) };
        let before = |keep: Duration| last.saturating_sub_unsigned(keep.as_secs());
        let (calls, verdicts) = (before(keep.calls), before(keep.verdicts.max(keep.calls)));
        let change = self.change()?;
        let prune = || {
            let gone = change.execute("DELETE FROM call WHERE run < ?1", [calls])?;
            change.execute("UPDATE run SET calls_kept = 0 WHERE run < ?1 AND calls_kept = 1", [calls])?;
            for table in ["verdict", "bench"] {
                change.execute(&format!("DELETE FROM {table} WHERE run < ?1"), [verdicts])?;
            }
            let runs = change.execute("DELETE FROM run WHERE run < ?1", [verdicts])?;
            change.execute(
                "DELETE FROM spell WHERE line IN (SELECT id FROM line WHERE last_run < ?1)",
                [verdicts],
            )?;
            change.execute("DELETE FROM line WHERE last_run < ?1", [verdicts])?;
            if let Ok(oldest) = Timestamp::from_second(verdicts) {
                change.execute("DELETE FROM refused WHERE id < ?1", [id_prefix(oldest)])?;
            }
            Ok(Pruned { runs, calls: gone })
        };
        let pruned = prune().map_err(sql)?;
        change.commit().map_err(sql)?;
        Ok(pruned)
    }

    /// The runs that were taken in or refused, with the length that their journal had then.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn known_runs(&self) -> Result<HashSet<(String, u64)>, HistoryError> {
        let read = || {
            let mut runs = self.connection().prepare(
                "SELECT id, journal_bytes FROM run UNION ALL SELECT id, journal_bytes FROM refused",
            )?;
            let mut known = HashSet::new();
            let mut rows = runs.query([])?;
            while let Some(row) = rows.next()? {
                known.insert((row.get(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)));
            }
            Ok(known)
        };
        read().map_err(|error| self.error(error))
    }

    /// Runs that began before this are taken for pruned, and are not to be taken in again; absent as long as nothing was.
    ///
    /// # Errors
    /// If the database can't be read.
    pub fn kept_since(&self, keep: Keep) -> Result<Option<Timestamp>, HistoryError> {
        let read = || {
            let last: Option<i64> = self
                .connection()
                .query_row("SELECT run FROM run ORDER BY run DESC LIMIT 1 OFFSET 1", [], |row| row.get(0))
                .optional()?;
            let since =
                last.map(|last| last.saturating_sub_unsigned(keep.verdicts.max(keep.calls).as_secs()));
            Ok(since.and_then(|since| Timestamp::from_second(since).ok()))
        };
        read().map_err(|error| self.error(error))
    }

    /// Notes that a run's journal can't be taken in, so that it is told once and not read again until it changes.
    ///
    /// # Errors
    /// If the database can't be written.
    pub fn refuse(&mut self, run: &RunId, journal_bytes: u64, why: &str) -> Result<(), HistoryError> {
        let bytes = i64::try_from(journal_bytes).unwrap_or(i64::MAX);
        self.connection()
            .execute(
                "INSERT INTO refused (id, journal_bytes, why) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET journal_bytes = excluded.journal_bytes, why = excluded.why",
                params![run.as_str(), bytes, why],
            )
            .map(drop)
            .map_err(|error| self.error(error))
    }

    /// Somebody says that a number is the right one, whoever answered it.
    ///
    /// # Errors
    /// If the database can't be written.
    pub fn confirm_number(
        &mut self,
        bank: &BankName,
        number: &PhoneNumber,
        at: Timestamp,
    ) -> Result<(), HistoryError> {
        let path = self.path().to_owned();
        let sql = |error| HistoryError::sql(&path, error);
        let change = self.change()?;
        let confirm = || {
            let key: Key = number_key(&change, bank, number)?;
            change.execute("UPDATE number SET confirmed_at = ?2 WHERE id = ?1", [key, at.as_second()])
        };
        confirm().map_err(sql)?;
        change.commit().map_err(sql)
    }
}

/// What the ids of the runs that began then begin with.
fn id_prefix(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}
