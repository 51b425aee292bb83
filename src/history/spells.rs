//! Spells: runs in a row in which a line had one result, those in which it was untested left out.
//!
//! They tell since when a line fails without a look at each of its nights, and outlive the verdicts that they are made
//! of. A run is mostly the newest of its series, and then extends them; one that comes in late, or once more, has what
//! was made since unwound first.

use rusqlite::{OptionalExtension, Transaction, params};

use super::names::Key;

/// Takes from the spells of a series what the runs from `run` on made of them; the verdicts must still stand as they did
/// then.
pub(super) fn unwind(change: &Transaction<'_>, series: Key, run: i64) -> rusqlite::Result<()> {
    let newest: Option<i64> =
        change.query_row("SELECT max(run) FROM run WHERE series = ?1", [series], |row| row.get(0))?;
    if newest.is_none_or(|newest| newest < run) {
        return Ok(());
    }
    let of_series = "line IN (SELECT id FROM line WHERE series = ?1)";
    change.execute(&format!("DELETE FROM spell WHERE first_run >= ?2 AND {of_series}"), [series, run])?;
    let mut cut = change.prepare(&format!(
        "SELECT line, first_run, last_run FROM spell WHERE last_run >= ?2 AND {of_series}"
    ))?;
    let cut: Vec<(Key, i64, i64)> = cut
        .query_map([series, run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let mut gone = change.prepare(
        "SELECT count(*) FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = ?1
         JOIN fault ON fault.id = verdict.fault AND fault.result <> 'untested'
         WHERE run.series = ?2 AND run.run BETWEEN ?3 AND ?4",
    )?;
    let mut left = change.prepare(
        "SELECT verdict.run, verdict.run + coalesce(verdict.at, 0), verdict.fault
         FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = ?1
         JOIN fault ON fault.id = verdict.fault AND fault.result <> 'untested'
         WHERE run.series = ?2 AND run.run >= ?3 AND run.run < ?4 ORDER BY run.run DESC LIMIT 1",
    )?;
    let mut shorten = change.prepare(
        "UPDATE spell SET runs = max(runs - ?3, 1), last_run = ?4, last_at = ?5, fault = ?6
         WHERE line = ?1 AND first_run = ?2",
    )?;
    for (line, first_run, last_run) in cut {
        let runs: i64 = gone.query_row([line, series, run, last_run], |row| row.get(0))?;
        let last: Option<(i64, i64, Key)> = left
            .query_row([line, series, first_run, run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        match last {
            Some((last, at, fault)) => {
                shorten.execute(params![line, first_run, runs, last, at, fault])?;
            }
            // Its verdicts are beyond what is kept: only its beginning is known of it.
            None => {
                change.execute(
                    "UPDATE spell SET runs = max(runs - ?3, 1), last_run = first_run, last_at = since
                     WHERE line = ?1 AND first_run = ?2",
                    [line, first_run, runs],
                )?;
            }
        }
    }
    untested_up_to(change, series, run)
}

/// Counts anew how often in a row each line was untested before `run`.
fn untested_up_to(change: &Transaction<'_>, series: Key, run: i64) -> rusqlite::Result<()> {
    change.execute(
        "UPDATE line SET untested_runs = (
             SELECT count(*) FROM run CROSS JOIN verdict ON verdict.run = run.run AND verdict.line = line.id
             WHERE run.series = ?1 AND run.run < ?2 AND verdict.fault IS NOT NULL
                 AND run.run > coalesce((SELECT max(last_run) FROM spell WHERE spell.line = line.id), -1))
         WHERE series = ?1",
        [series, run],
    )?;
    Ok(())
}

/// Adds what the runs of a series from `run` on found.
pub(super) fn wind(change: &Transaction<'_>, series: Key, run: i64) -> rusqlite::Result<()> {
    let mut found = change.prepare(
        "SELECT verdict.line, run.run, run.run + coalesce(verdict.at, 0), fault.id, fault.result
         FROM run CROSS JOIN verdict ON verdict.run = run.run JOIN fault ON fault.id = verdict.fault
         WHERE run.series = ?1 AND run.run >= ?2 ORDER BY run.run",
    )?;
    let mut last = change
        .prepare("SELECT first_run, result FROM spell WHERE line = ?1 ORDER BY first_run DESC LIMIT 1")?;
    let mut extend = change.prepare(
        "UPDATE spell SET runs = runs + 1, last_run = ?3, last_at = ?4, fault = ?5
         WHERE line = ?1 AND first_run = ?2",
    )?;
    let mut begin = change.prepare(
        "INSERT INTO spell (line, first_run, last_run, since, last_at, runs, result, fault)
         VALUES (?1, ?2, ?2, ?3, ?3, 1, ?4, ?5)",
    )?;
    let mut untested = change.prepare("UPDATE line SET untested_runs = untested_runs + 1 WHERE id = ?1")?;
    let mut tested =
        change.prepare("UPDATE line SET untested_runs = 0 WHERE id = ?1 AND untested_runs <> 0")?;
    let mut rows = found.query([series, run])?;
    while let Some(row) = rows.next()? {
        let (line, run, at, fault): (Key, i64, i64, Key) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let result = row.get_ref(4)?.as_str()?;
        if result == "untested" {
            untested.execute([line])?;
            continue;
        }
        tested.execute([line])?;
        let spell: Option<(i64, bool)> = last
            .query_row([line], |row| Ok((row.get(0)?, row.get_ref(1)?.as_str()? == result)))
            .optional()?;
        match spell {
            Some((first_run, true)) => extend.execute([line, first_run, run, at, fault])?,
            _ => begin.execute(params![line, run, at, result, fault])?,
        };
    }
    Ok(())
}
