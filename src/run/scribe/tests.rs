//! A scribe that dies, and one that is dropped: what it had taken is kept, and the run is told.

use std::path::Path;

use super::*;
use crate::journal::{self, RunDir};
use crate::model::event::{Ending, RunHeader, Sitting};

/// Panics at this notice, as a view might at something that nobody thought of.
struct Fainting(&'static str);

impl Watcher for Fainting {
    fn see(&mut self, _state: &RunState, event: &Event) {
        assert!(!matches!(&event.kind, EventKind::Notice { text } if text == self.0), "it fainted");
    }

    fn close(self: Box<Self>) {}
}

fn event(ms: u64, kind: EventKind) -> Event {
    Event { at: jiff::Timestamp::UNIX_EPOCH, mono: Mono::from_millis(ms), kind }
}

fn notice(text: &str) -> Event {
    event(1, EventKind::Notice { text: text.to_owned() })
}

/// A run's folder, and a scribe at work in it, with its first event.
fn at_work(reports: &Path) -> (RunDir, Scribe) {
    let plan = "nightly".parse().unwrap();
    let dir = RunDir::create(reports, jiff::Timestamp::UNIX_EPOCH, &plan).unwrap();
    let journal = Journal::create(&dir).unwrap();
    let past = Past { state: None, renderer: Renderer::new(dir.path()) };
    let watcher = Box::new(Fainting("too much"));
    let mut scribe =
        Scribe::start(journal, past, Record::default(), watcher, Herald::default(), Clock::start());
    let header = RunHeader {
        format: crate::model::event::EVENT_FORMAT,
        run: dir.run().clone(),
        plan,
        plan_path: None,
        bank: "hq".parse().unwrap(),
        seed: 1,
        currency: None,
        sites: std::collections::BTreeMap::new(),
        lines: Vec::new(),
        modems: Vec::new(),
        sitting: Sitting { lineman: "0".to_owned(), origin_us: 0 },
    };
    scribe.on_event(&event(0, EventKind::RunStarted(Box::new(header)))).unwrap();
    (dir, scribe)
}

fn kept(dir: &RunDir) -> Vec<String> {
    let mut kept = Vec::new();
    journal::scan_kinds(&dir.path().join(journal::FILE_NAME), &["notice"], |event| {
        if let EventKind::Notice { text } = event.kind {
            kept.push(text);
        }
    })
    .unwrap();
    kept
}

#[test]
fn a_scribe_that_dies_has_kept_what_it_saw_and_the_run_hears_of_it() {
    let reports = tempfile::tempdir().unwrap();
    let (dir, mut scribe) = at_work(reports.path());
    scribe.on_event(&notice("before")).unwrap();
    scribe.on_event(&notice("too much")).unwrap();
    // The queue takes events for as long as the thread lives; it is dying.
    let told = (0..1_000_000).find_map(|_| {
        std::thread::yield_now();
        scribe.on_event(&notice("after")).err()
    });
    assert!(told.is_some_and(|error| error.0.contains("the scribe is gone")));
    let minutes = scribe.finish();
    let why = minutes.journal_error.unwrap();
    assert!(why.contains("died") && minutes.state.is_none(), "{why}");
    // What was kept is kept, that of which it died too; nothing came after it that anybody was told of.
    let kept = kept(&dir);
    assert_eq!(kept[..2], ["before", "too much"]);
}

#[test]
fn a_run_that_dies_leaves_its_folder_when_all_is_written() {
    let reports = tempfile::tempdir().unwrap();
    let (dir, mut scribe) = at_work(reports.path());
    for _ in 0..500 {
        scribe.on_event(&notice("one more")).unwrap();
    }
    // As a panic in the run does.
    drop(scribe);
    assert_eq!(kept(&dir).len(), 500);
    drop(dir);
    let again = RunDir::resume(reports.path(), None).unwrap();
    let (mut journal, replay) = Journal::resume(&again).unwrap();
    assert_eq!(replay.events.len(), 501);
    journal.append(&event(9, EventKind::RunEnded { ending: Ending::Interrupted })).unwrap();
}
