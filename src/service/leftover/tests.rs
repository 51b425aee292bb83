//! What a folder of runs shows of the newest one.

use std::fs;
use std::path::Path;

use super::*;
use crate::journal::{Journal, RunDir};
use crate::model::event::{EVENT_FORMAT, RunHeader, Sitting};
use crate::model::{Event, Mono};

fn at(second: u8) -> Timestamp {
    format!("2026-11-22T02:00:{second:02}Z").parse().unwrap()
}

fn event(second: u8, kind: EventKind) -> Event {
    Event { at: at(second), mono: Mono::from_millis(u64::from(second) * 1000), kind }
}

fn sitting() -> Sitting {
    Sitting { lineman: "0".to_owned(), origin_us: 0 }
}

fn started(run: &RunId, plan: &str) -> EventKind {
    EventKind::RunStarted(Box::new(RunHeader {
        format: EVENT_FORMAT,
        run: run.clone(),
        plan: plan.parse().unwrap(),
        plan_path: None,
        bank: "hq".parse().unwrap(),
        seed: 0,
        currency: None,
        sites: std::collections::BTreeMap::new(),
        lines: Vec::new(),
        modems: Vec::new(),
        sitting: sitting(),
    }))
}

/// Writes a run; the folder is still its writer's.
fn run(reports: &Path, second: u8, plan: &str, more: impl IntoIterator<Item = EventKind>) -> (RunDir, RunId) {
    let folder = RunDir::create(reports, at(second), &plan.parse().unwrap()).unwrap();
    let run = folder.run().clone();
    let mut journal = Journal::create(&folder).unwrap();
    journal.append(&event(second, started(&run, plan))).unwrap();
    for kind in more {
        journal.append(&event(second + 1, kind)).unwrap();
    }
    journal.sync().unwrap();
    (folder, run)
}

fn newest(reports: &Path) -> Option<(RunId, Left)> {
    let found = look(reports, &"night".parse().unwrap()).unwrap();
    found.map(|found| (found.run, found.stands))
}

#[test]
fn the_newest_run_is_seen_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path();
    assert_eq!(newest(&reports.join("not/yet")), None);
    assert_eq!(newest(reports), None);
    let (dir, first) = run(reports, 0, "night", [EventKind::RunEnded { ending: Ending::Completed }]);
    assert_eq!(newest(reports), Some((first.clone(), Left::Live)));
    // Killed before anybody could read that it is done: somebody must go on with it, if only to publish it.
    drop(dir);
    assert_eq!(newest(reports), Some((first.clone(), Left::CutOff)));
    RunDir::resume(reports, Some(&first)).unwrap().publish().unwrap();
    assert_eq!(newest(reports), Some((first.clone(), Left::Completed)));
    let (_, second) = run(reports, 10, "night", []);
    assert_eq!(newest(reports), Some((second, Left::CutOff)));
    let interrupted = EventKind::RunEnded { ending: Ending::Interrupted };
    let (_, third) = run(reports, 20, "night", [interrupted.clone()]);
    assert_eq!(newest(reports), Some((third.clone(), Left::Interrupted)));
    // Gone on with, and cut off then.
    let (_, fourth) = run(reports, 30, "night", [interrupted, EventKind::RunResumed(sitting())]);
    assert_eq!(newest(reports), Some((fourth.clone(), Left::CutOff)));
    // Another plan's, and one that never began.
    run(reports, 40, "other", []);
    let empty = reports.join("20261122T020050Z-night");
    fs::create_dir(&empty).unwrap();
    fs::write(empty.join(journal::FILE_NAME), "").unwrap();
    assert_eq!(newest(reports), Some((fourth, Left::CutOff)));
}

#[test]
fn a_journal_that_can_not_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("20261122T020050Z-night");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join(journal::FILE_NAME), "nonsense\nnonsense\n").unwrap();
    let said = look(folder.path(), &"night".parse().unwrap()).unwrap_err();
    assert!(said.contains("events.jsonl"), "{said}");
}
