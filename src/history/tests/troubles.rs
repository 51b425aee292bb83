//! What can happen to a database: nothing is lost, nothing is changed, and the error says what to do.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::*;
use crate::history::HistoryError;

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

fn opened(path: &Path) -> [Result<Store, HistoryError>; 2] {
    [Store::read(path, Waits::Briefly), Store::write(path, Waits::Briefly)]
}

#[test]
fn what_is_no_history_of_ours_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign)
        .unwrap()
        .execute_batch("CREATE TABLE mine (a); INSERT INTO mine VALUES (1);")
        .unwrap();
    for content in [&b""[..], b"SQLite", &[b'x'; 5000], &bytes(&foreign)] {
        fs::write(&path, content).unwrap();
        for opened in opened(&path) {
            let error = opened.unwrap_err();
            assert!(matches!(error, HistoryError::Foreign { .. }), "{error}");
            assert!(error.to_string().contains("history.db") && error.to_string().contains("move it away"));
        }
        assert_eq!(bytes(&path), content);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(opened(&path).iter().all(Result::is_err));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else was left there");
}

#[test]
fn a_later_linemans_history_is_left_as_it_is() {
    let (folder, mut store) = store();
    let mut run = Run::of(0, 1);
    run.tested(0, None);
    run.taken_by(&mut store);
    store.connection().pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let path = folder.path().join("history.db");
    let before = bytes(&path);
    for opened in opened(&path) {
        let error = opened.unwrap_err();
        assert!(matches!(error, HistoryError::Newer { found: 99, .. }), "{error}");
    }
    assert_eq!(bytes(&path), before);
}

#[test]
fn damage_is_an_error_that_names_the_file_and_changes_nothing() {
    let (folder, mut store) = store();
    for night in 0..40 {
        let mut run = Run::of(night, 30);
        (0..30).for_each(|n| run.tested(n, Some(Fault::Busy)));
        run.taken_by(&mut store);
    }
    drop(store);
    let path = folder.path().join("history.db");
    let mut broken = bytes(&path);
    let sound = broken.len();
    // Every page but the first, which still says what the file is.
    broken[4096..].fill(0x5a);
    fs::write(&path, &broken).unwrap();
    let error = match Store::write(&path, Waits::Briefly) {
        Err(error) => error,
        Ok(mut store) => {
            let mut run = Run::of(41, 30);
            (0..30).for_each(|n| run.tested(n, None));
            let night = Night {
                header: &run.header,
                started: run.started,
                ended: None,
                sittings: 1,
                journal_bytes: 1,
                lines: Vec::new(),
                modems: Vec::new(),
            };
            store.ingest(&night).unwrap_err()
        }
    };
    assert!(matches!(error, HistoryError::Corrupt { .. }), "{error}");
    assert!(
        error.to_string().contains("history.db") && error.to_string().contains("report import"),
        "{error}"
    );
    assert_eq!(bytes(&path), broken);
    // One that was cut short.
    broken.truncate(sound / 2);
    fs::write(&path, &broken).unwrap();
    assert!(opened(&path).iter().any(Result::is_err) || sound < 8192);
    assert_eq!(bytes(&path), broken);
}

#[test]
fn another_process_that_writes_is_waited_for_briefly_and_readers_not_at_all() {
    let (folder, mut store) = store();
    let mut run = Run::of(0, 1);
    run.tested(0, Some(Fault::Busy));
    run.taken_by(&mut store);
    let path = folder.path().join("history.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let read = Store::read(&path, Waits::Briefly).unwrap();
    assert_eq!(before(&read, 1).len(), 1);
    let mut late = Store::write(&path, Waits::Briefly).unwrap();
    let error = late.refuse(&run.header.run, 1, "why").unwrap_err();
    assert!(matches!(error, HistoryError::Held { .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    late.refuse(&run.header.run, 1, "why").unwrap();
}

#[test]
fn a_full_disk_loses_nothing_and_the_run_can_be_taken_in_later() {
    let (_folder, mut store) = store();
    let mut run = Run::of(0, 2);
    run.tested(0, None);
    run.taken_by(&mut store);
    let before = dump(&store);
    let pages = number_of(&store, "PRAGMA page_count");
    store.connection().pragma_update(None, "max_page_count", pages).unwrap();
    let mut large = Run::of(1, 3_000);
    (0..3_000).for_each(|n| large.tested(n, Some(Fault::Busy)));
    let night = |run: &Run, store: &mut Store| {
        let lines = run.header.lines.iter().zip(&run.found).map(|(line, found)| LineNight {
            line,
            verdict: found.verdict.as_ref(),
            calls: &found.calls,
            doubted: false,
        });
        store.ingest(&Night {
            header: &run.header,
            started: run.started,
            ended: None,
            sittings: 1,
            journal_bytes: 1,
            lines: lines.collect(),
            modems: Vec::new(),
        })
    };
    let error = night(&large, &mut store).unwrap_err();
    assert!(matches!(error, HistoryError::DiskFull { .. }), "{error}");
    assert_eq!(dump(&store), before);
    store.connection().pragma_update(None, "max_page_count", 1_000_000).unwrap();
    assert_eq!(night(&large, &mut store).unwrap(), Taken::New);
}

#[test]
fn a_kill_in_the_middle_of_an_ingest_leaves_the_history_as_it_was() {
    let (folder, mut store) = store();
    let mut run = Run::of(0, 2);
    run.tested(0, None);
    run.taken_by(&mut store);
    let before = dump(&store);
    // A tiny cache: what is not committed yet goes to the disk nevertheless.
    store.connection().execute_batch("PRAGMA cache_size = 5").unwrap();
    let change = store.change().unwrap();
    for row in 0..5_000 {
        change.execute("INSERT INTO spell VALUES (?1, 1, 1, 1, 1, 1, 'fail', 1)", [row + 100]).unwrap();
    }
    // What a kill would leave of it at this instant.
    let left = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder.path()).unwrap().flatten() {
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
        }
    }
    assert!(
        fs::metadata(left.path().join("history.db-wal")).unwrap().len() > 50_000,
        "nothing had reached the disk"
    );
    drop(change);
    let mut found = Store::write(&left.path().join("history.db"), Waits::Briefly).unwrap();
    assert_eq!(dump(&found), before);
    assert_eq!(run.taken_by(&mut found), Taken::Known);
    let checked: String =
        found.connection().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(checked, "ok");
}

#[cfg(unix)]
#[test]
fn a_folder_that_can_not_be_written_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store) = store();
    drop(store);
    if nix::unistd::geteuid().is_root() {
        // Root may write anywhere but where there is nothing to write to.
        let error = Store::write(Path::new("/proc/history.db"), Waits::Briefly).unwrap_err();
        assert!(matches!(error, HistoryError::Unwritable { .. } | HistoryError::Missing { .. }), "{error}");
        return;
    }
    let locked = fs::Permissions::from_mode(0o555);
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.path(), locked.clone()).unwrap();
    let error = Store::write(&folder.path().join("other.db"), Waits::Briefly).unwrap_err();
    fs::set_permissions(folder.path(), open).unwrap();
    assert!(matches!(error, HistoryError::Unwritable { .. }), "{error}");
}
