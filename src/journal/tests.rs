//! Journal and folder: what a crash, a full disk, a second run or a hostile file does to them.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::log::write_out;
use super::*;
use crate::model::event::{Ending, LineVerdict, RunHeader, Sitting};
use crate::model::{Event, EventKind, Fault, Mono};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_226_400_000 + ms).unwrap()
}

fn event(ms: i64, kind: EventKind) -> Event {
    Event { at: at(ms), mono: Mono::from_millis(ms.unsigned_abs()), kind }
}

fn header(format: u32) -> EventKind {
    EventKind::RunStarted(Box::new(RunHeader {
        format,
        run: "20261121T020000Z-nightly".parse().unwrap(),
        plan: "nightly".parse().unwrap(),
        plan_path: None,
        bank: "hq".parse().unwrap(),
        seed: u64::MAX,
        currency: None,
        sites: std::collections::BTreeMap::new(),
        lines: Vec::new(),
        modems: Vec::new(),
        sitting: Sitting { lineman: "0.1.0".into(), origin_us: 1 },
    }))
}

fn notice(text: &str) -> EventKind {
    EventKind::Notice { text: text.into() }
}

fn some_events() -> Vec<Event> {
    let verdict = LineVerdict {
        line: "BR0001-A".parse().unwrap(),
        fault: Some(Fault::Busy),
        detail: "busy twice \u{202e}\"quoted\"\nnew line, é".into(),
        call: None,
        attempts: 2,
    };
    vec![
        event(0, header(1)),
        event(10, EventKind::Verdict(verdict)),
        event(20, notice("two")),
        event(30, EventKind::RunEnded { ending: Ending::Completed }),
    ]
}

fn run_dir(reports: &Path) -> RunDir {
    RunDir::create(reports, at(0), &"nightly".parse().unwrap()).unwrap()
}

fn written(dir: &RunDir, events: &[Event]) -> std::path::PathBuf {
    let mut journal = Journal::create(dir).unwrap();
    for event in events {
        journal.append(event).unwrap();
    }
    journal.sync().unwrap();
    journal.path().to_owned()
}

#[test]
fn what_was_synced_reads_back() {
    let home = TempDir::new().unwrap();
    let dir = run_dir(home.path());
    let path = written(&dir, &some_events());
    let replay = read(&path).unwrap();
    assert_eq!(replay.events, some_events());
    assert_eq!((replay.cut, replay.sound_bytes), (None, fs::metadata(&path).unwrap().len()));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), some_events().len(), "one line an event");
}

#[test]
fn a_cut_last_line_is_told_and_taken_away_before_new_events_follow() {
    let home = TempDir::new().unwrap();
    let path = {
        let dir = run_dir(home.path());
        let path = written(&dir, &some_events()[..2]);
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"at\":\"2026-11").unwrap();
        path
    };
    let dir = RunDir::resume(home.path(), None).unwrap();
    let (mut journal, replay) = Journal::resume(&dir).unwrap();
    assert_eq!(replay.events, some_events()[..2]);
    assert_eq!(replay.cut, Some(Cut { line: 3, bytes: 14 }));
    journal.append(&some_events()[2]).unwrap();
    journal.sync().unwrap();
    assert_eq!(read(&path).unwrap().events, some_events()[..3]);
}

#[test]
fn a_damaged_middle_is_refused_with_its_line() {
    let home = TempDir::new().unwrap();
    let dir = run_dir(home.path());
    let path = written(&dir, &some_events());
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[2] = "{\"at\":\"2026-11-";
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let error = read(&path).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { line: 3, .. }), "{error:?}");
    assert!(error.to_string().contains("is damaged at line 3"), "{error}");
    assert!(Journal::resume(&dir).is_err(), "a damaged journal must not be written on");
    assert_eq!(fs::read_to_string(&path).unwrap(), lines.join("\n") + "\n", "nor be changed");
}

#[test]
fn a_newer_format_is_refused_even_where_nothing_else_of_it_can_be_read() {
    let read = |text: &str| replay::read_from(text.as_bytes(), Path::new("events.jsonl"));
    let newer = "{\"event\":\"run-started\",\"format\":3,\"colour\":\"new\"}\n";
    let error = read(newer).unwrap_err();
    assert!(matches!(error, JournalError::Newer { format: 3, .. }), "{error:?}");
    assert!(error.to_string().contains("format 3"), "{error}");
    for none in ["hello\n", "{}\n", "{\"event\":\"notice\",\"format\":1}\n"] {
        assert!(matches!(read(none), Err(JournalError::NotAJournal { .. })), "{none}");
    }
    assert_eq!(read("").unwrap().events, []);
}

#[test]
fn two_runs_into_one_folder_are_an_error_that_names_the_first() {
    let home = TempDir::new().unwrap();
    let first = run_dir(home.path());
    let again = RunDir::create(home.path(), at(5000), &"hourly".parse().unwrap()).unwrap_err();
    assert!(matches!(again, RunDirError::InUse { .. }));
    assert!(again.to_string().contains("run `20261121T020000Z-nightly`"), "{again}");
    assert!(again.to_string().contains(&std::process::id().to_string()), "{again}");
    assert!(matches!(RunDir::resume(home.path(), None), Err(RunDirError::InUse { .. })));
    assert_eq!(fs::read_link(home.path().join("current")).unwrap(), Path::new(first.run().as_str()));
    drop(first);
    run_dir(home.path());
}

#[test]
fn a_run_of_the_same_second_gets_a_folder_of_its_own() {
    let home = TempDir::new().unwrap();
    let names: Vec<String> = (0..3).map(|_| run_dir(home.path()).run().to_string()).collect();
    assert_eq!(
        names,
        ["20261121T020000Z-nightly", "20261121T020000Z-nightly-2", "20261121T020000Z-nightly-3"]
    );
}

#[test]
fn current_is_there_from_the_start_and_latest_from_the_end() {
    let home = TempDir::new().unwrap();
    let link = |name: &str| fs::read_link(home.path().join(name)).ok();
    let first = run_dir(home.path());
    assert_eq!(link("current").as_deref(), Some(Path::new("20261121T020000Z-nightly")));
    assert_eq!(link("latest"), None);
    first.publish().unwrap();
    assert_eq!(link("latest").as_deref(), Some(Path::new("20261121T020000Z-nightly")));
    drop(first);
    let second = run_dir(home.path());
    assert_eq!(link("current").as_deref(), Some(Path::new("20261121T020000Z-nightly-2")));
    assert_eq!(link("latest").as_deref(), Some(Path::new("20261121T020000Z-nightly")));
    second.publish().unwrap();
    assert_eq!(link("latest").as_deref(), Some(Path::new("20261121T020000Z-nightly-2")));
    let mut names: Vec<String> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [".lock", "20261121T020000Z-nightly", "20261121T020000Z-nightly-2", "current", "latest"],
        "nothing else is left behind"
    );
}

#[test]
fn a_folder_in_the_place_of_a_link_is_an_error_and_loses_nothing() {
    for name in ["current", "latest"] {
        let home = TempDir::new().unwrap();
        fs::create_dir(home.path().join(name)).unwrap();
        fs::write(home.path().join(name).join("mine"), "precious").unwrap();
        let error = RunDir::create(home.path(), at(0), &"nightly".parse().unwrap()).unwrap_err();
        assert!(matches!(&error, RunDirError::NotALink { path } if path.ends_with(name)), "{error}");
        assert_eq!(fs::read_to_string(home.path().join(name).join("mine")).unwrap(), "precious");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "and no folder of a run was made");
    }
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("latest"), "a file").unwrap();
    assert!(RunDir::create(home.path(), at(0), &"nightly".parse().unwrap()).is_err());
    assert_eq!(fs::read_to_string(home.path().join("latest")).unwrap(), "a file");
}

#[test]
fn a_reports_folder_that_cannot_be_is_named() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("reports");
    fs::write(&file, "").unwrap();
    // Not a missing right, which a test that runs as root would not notice.
    let error = RunDir::create(&file.join("night"), at(0), &"nightly".parse().unwrap()).unwrap_err();
    assert!(matches!(error, RunDirError::Unwritable { .. }));
    assert!(error.to_string().contains("reports") && error.to_string().contains("--reports"), "{error}");
}

#[test]
fn resuming_finds_the_run_or_says_which_there_are() {
    let home = TempDir::new().unwrap();
    let missing = RunDir::resume(home.path(), None).unwrap_err();
    assert!(matches!(missing, RunDirError::NoCurrent { .. }), "{missing}");
    {
        let dir = run_dir(home.path());
        written(&dir, &some_events());
    }
    let wrong = RunDir::resume(home.path(), Some(&"yesterday".parse().unwrap())).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        format!(
            "there is no run `yesterday` in `{}`; the newest there: `20261121T020000Z-nightly`",
            home.path().display()
        )
    );
    let by_link = RunDir::resume(home.path(), Some(&"current".parse().unwrap())).unwrap();
    assert_eq!(by_link.run().as_str(), "20261121T020000Z-nightly");
}

#[test]
fn a_new_journal_never_writes_over_an_old_one() {
    let home = TempDir::new().unwrap();
    let dir = run_dir(home.path());
    let path = written(&dir, &some_events());
    assert!(matches!(Journal::create(&dir), Err(JournalError::Exists { .. })));
    assert_eq!(read(&path).unwrap().events, some_events());
    let other = TempDir::new().unwrap();
    assert!(matches!(Journal::resume(&run_dir(other.path())), Err(JournalError::Missing { .. })));
}

/// Takes `room` bytes, a few at a time, and is full then.
struct Disk {
    took: Vec<u8>,
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(7).min(self.room - self.took.len());
        if n == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.took.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_full_disk_the_journal_goes_on_at_the_very_byte() {
    let text = b"0123456789abcdefghijklmnopqrstuvwxyz";
    for room in 0..text.len() {
        let mut disk = Disk { took: Vec::new(), room };
        let mut pending = text.to_vec();
        assert_eq!(write_out(&mut disk, &mut pending).unwrap_err().kind(), io::ErrorKind::StorageFull);
        disk.room = text.len();
        write_out(&mut disk, &mut pending).unwrap();
        assert_eq!(disk.took, text);
    }
}

#[test]
fn a_full_disk_is_named_as_such() {
    let error =
        JournalError::io(Path::new("reports/x/events.jsonl"), "written", io::ErrorKind::StorageFull.into());
    assert!(error.to_string().starts_with("the disk that holds `reports/x/events.jsonl` is full"), "{error}");
    // The real thing, where the system has it.
    if let Ok(mut full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let error = write_out(&mut full, &mut b"x".to_vec()).unwrap_err();
        let error = JournalError::io(Path::new("/dev/full"), "written", error);
        assert!(matches!(error, JournalError::DiskFull { .. }), "{error:?}");
    }
}

proptest! {
    #[test]
    fn a_journal_cut_at_any_byte_gives_the_events_before_the_cut(
        texts in prop::collection::vec(".{0,20}", 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let events: Vec<Event> = std::iter::once(event(0, header(1)))
            .chain(texts.iter().map(|text| event(1, notice(text))))
            .collect();
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for event in &events {
            serde_json::to_writer(&mut bytes, event).unwrap();
            bytes.push(b'\n');
            ends.push(bytes.len());
        }
        let cut = cut.index(bytes.len() + 1);
        let whole = ends.iter().filter(|&&end| end <= cut).count() - 1;
        let replay = replay::read_from(&bytes[..cut], Path::new("x")).unwrap();
        prop_assert_eq!(&replay.events, &events[..whole]);
        prop_assert_eq!(replay.sound_bytes as usize, ends[whole]);
        prop_assert_eq!(replay.cut.is_some(), cut != ends[whole]);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = replay::read_from(&bytes[..], Path::new("x"));
    }
}

/// A daemon, and whoever watches it, tell runs by their ids alone.
#[test]
fn a_run_beside_others_never_has_the_id_of_one_of_the_folder_around() {
    let home = TempDir::new().unwrap();
    let night = run_dir(home.path());
    let beside =
        || RunDir::create_beside(&home.path().join("calls"), at(0), &"nightly".parse().unwrap()).unwrap();
    let (first, second) = (beside(), beside());
    assert_eq!(first.run(), &night.run().nth(2));
    assert_eq!(second.run(), &night.run().nth(3));
}
