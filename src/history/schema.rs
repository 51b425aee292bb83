//! The shape of the database: its versions, how one becomes the next, and how a file of ours is known.
//!
//! `PRAGMA user_version` holds the version and `PRAGMA application_id` our own mark. A file that lacks the mark is never
//! opened as a database: that alone could change it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::HistoryError;
use crate::model::{Fault, Verdict};

/// `LINE`, big-endian: bytes 68 to 71 of the file.
pub(super) const APPLICATION_ID: i32 = 0x4c49_4e45;

/// From nothing to version 1, from 1 to 2, and so on. What was released is never changed.
const MIGRATIONS: [&str; VERSION as usize] = [include_str!("schema.sql")];

/// The version that this lineman writes.
pub(super) const VERSION: i64 = 1;

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// There is no file.
    Missing,
    /// It carries our mark.
    Ours,
    /// It does not, or is no database.
    Foreign,
}

/// Looks at a file without opening it as a database.
pub(super) fn mark(path: &Path) -> io::Result<Mark> {
    let mut head = [0_u8; 72];
    let read = match File::open(path) {
        Ok(mut file) => file.read_exact(&mut head),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Mark::Missing),
        Err(error) => return Err(error),
    };
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Mark::Foreign),
        // A folder, for one.
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Ok(Mark::Foreign),
        read => read?,
    }
    let ours = head.starts_with(b"SQLite format 3\0") && head[68..] == APPLICATION_ID.to_be_bytes();
    Ok(if ours { Mark::Ours } else { Mark::Foreign })
}

/// The version of an open database.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings an open database of ours to [`VERSION`], in one transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), HistoryError> {
    migrate_by(connection, path, &MIGRATIONS)
}

fn migrate_by(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), HistoryError> {
    let sql = |error| HistoryError::sql(path, error);
    let target = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let refuse_newer = |found: i64| {
        if found > target { Err(HistoryError::Newer { path: path.to_owned(), found }) } else { Ok(()) }
    };
    let found = version(connection).map_err(sql)?;
    refuse_newer(found)?;
    if found == target {
        return Ok(());
    }
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    // Another process may have been quicker.
    let found = version(&change).map_err(sql)?;
    refuse_newer(found)?;
    for step in steps.iter().skip(usize::try_from(found).unwrap_or(0)) {
        change.execute_batch(step).map_err(sql)?;
    }
    change.pragma_update(None, "user_version", target).map_err(sql)?;
    change.commit().map_err(sql)
}

/// The faults as this lineman knows them: code, result, blame. What they make of a line is always what it knows of them.
fn faults() -> impl Iterator<Item = [&'static str; 3]> {
    let pass = ["", Verdict::Pass.word(), ""];
    let known = |fault: Fault| [fault.code(), fault.verdict().word(), fault.blame().word()];
    std::iter::once(pass).chain(Fault::ALL.into_iter().map(known))
}

/// Whether all of them are entered as they are.
pub(super) fn has_faults(connection: &Connection) -> rusqlite::Result<bool> {
    let mut entered =
        connection.prepare("SELECT count(*) FROM fault WHERE code = ?1 AND result = ?2 AND blame = ?3")?;
    for fault in faults() {
        if entered.query_row(fault, |row| row.get::<_, i64>(0))? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Enters those that are not, 0 for none.
pub(super) fn enter_faults(connection: &Connection) -> rusqlite::Result<()> {
    let mut enter = connection.prepare(
        "INSERT INTO fault (id, code, result, blame)
         VALUES (CASE ?1 WHEN '' THEN 0 ELSE (SELECT coalesce(max(id), 0) + 1 FROM fault) END, ?1, ?2, ?3)
         ON CONFLICT (code) DO UPDATE SET result = excluded.result, blame = excluded.blame",
    )?;
    for fault in faults() {
        enter.execute(fault)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(connection: &mut Connection, steps: &[&str]) -> (Result<(), HistoryError>, i64) {
        let done = migrate_by(connection, Path::new("history.db"), steps);
        let found = version(connection).unwrap();
        (done, found)
    }

    #[test]
    fn versions_are_passed_through_in_their_order_and_all_at_once() {
        let mut open = Connection::open_in_memory().unwrap();
        let steps = [
            "CREATE TABLE a (x)",
            "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)",
            "CREATE TABLE b (z)",
        ];
        let (done, found) = versions(&mut open, &steps[..1]);
        assert!(done.is_ok() && found == 1);
        let (done, found) = versions(&mut open, &steps);
        assert!(done.is_ok() && found == 3);
        let sum: i64 =
            open.query_row("SELECT x + y FROM a, (SELECT count(*) FROM b)", [], |row| row.get(0)).unwrap();
        assert_eq!(sum, 3);
        let (done, found) = versions(&mut open, &steps);
        assert!(done.is_ok() && found == 3);
        let (done, found) = versions(&mut open, &steps[..2]);
        assert!(matches!(done, Err(HistoryError::Newer { found: 3, .. })) && found == 3);
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before_it() {
        let mut open = Connection::open_in_memory().unwrap();
        versions(&mut open, &["CREATE TABLE a (x)"]).0.unwrap();
        let (done, found) = versions(&mut open, &["", "CREATE TABLE b (y)", "CREATE TABLE a (x)"]);
        assert!(done.is_err() && found == 1);
        let tables: i64 = open.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1, "half of it was kept");
    }

    #[test]
    fn the_schema_that_was_released_is_never_changed() {
        // Whoever has to change this number has changed what other people's files were made by: write a migration instead.
        let text = MIGRATIONS[0];
        let sum = text.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        assert_eq!(sum, RELEASED);
    }

    const RELEASED: u32 = 789_178_224;
}
