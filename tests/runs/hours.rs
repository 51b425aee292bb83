//! Windows, and a wall clock that is wrong when a run begins and is set while it goes on: no call at the wrong hour.

use std::time::Duration;

use lineman::model::event::{Ending, WaitReason};
use lineman::model::{EventKind, Fault};
use lineman::sim::log::What;

use crate::stage::{Played, Stage};
use crate::verdicts::{ALL, bank_of};

const HOUR: u64 = 3600;

/// Eight sound lines, all with this window.
fn stage(window: &[(u64, u64)]) -> Stage {
    let mut stage = Stage::new(&bank_of(&ALL, 8, &[]));
    for line in ["G000", "G001", "G002", "G003", "G004", "G005", "G006", "G007"] {
        stage.windows.insert(line, window.to_vec());
    }
    stage
}

/// When lines were dialed, in seconds from the beginning.
fn dialed(played: &Played) -> Vec<u64> {
    played.logged(What::Dialed).into_iter().map(|entry| entry.mono_us / 1_000_000).collect()
}

fn said(played: &Played, part: &str) -> bool {
    let said = |event: &lineman::model::Event| matches!(&event.kind, EventKind::Notice { text } if text.contains(part));
    played.events.iter().any(said)
}

#[test]
fn a_run_waits_for_its_windows_and_no_call_outlasts_one() {
    let played = stage(&[(2 * HOUR, 3 * HOUR)]).play();
    assert_eq!(played.end.ending, Ending::Completed);
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{:?}", played.faults());
    let dialed = dialed(&played);
    assert_eq!(dialed.len(), 8);
    assert!(dialed.iter().all(|at| (2 * HOUR..3 * HOUR).contains(at)), "{dialed:?}");
    let waits = played.events.iter().filter(|event| {
        matches!(event.kind, EventKind::LineWaits { reason: WaitReason::Window, until: Some(_), .. })
    });
    assert_eq!(waits.count(), 8, "each line says what it waits for, once");
}

#[test]
fn who_never_opens_is_told_so_at_once_and_when_it_would() {
    let mut stage = stage(&[(2 * HOUR, 3 * HOUR)]);
    stage.deadline = Some(Duration::from_secs(HOUR));
    stage.windows.insert("G003", vec![(0, HOUR)]);
    let played = stage.play();
    let out: Vec<_> =
        played.faults().into_iter().filter(|(_, fault)| *fault == Some(Fault::OutOfWindow)).collect();
    assert_eq!(out.len(), 7, "{:?}", played.faults());
    assert!(played.took < Duration::from_secs(600), "nobody waits for them: {:?}", played.took);
    let details = played.events.iter().filter_map(|event| match &event.kind {
        EventKind::Verdict(verdict) if verdict.fault == Some(Fault::OutOfWindow) => Some(&verdict.detail),
        _ => None,
    });
    assert!(
        details.clone().count() == 7 && details.clone().all(|detail| detail.contains("; it opens next 20"))
    );
}

#[test]
fn a_clock_that_is_set_right_moves_the_windows() {
    // The host woke up two hours behind: by its clock the window is far away, and in truth it is about to open.
    let mut stage = stage(&[(HOUR, 2 * HOUR)]);
    stage.wrong_by = -2 * 3600;
    stage.set_right = Some(Duration::from_secs(600));
    let played = stage.play();
    let dialed = dialed(&played);
    assert_eq!(dialed.len(), 8);
    assert!(dialed.iter().all(|at| (HOUR..2 * HOUR).contains(at)), "{dialed:?}");
    assert!(said(&played, "the wall clock was set forward by 2 h 0 min"));
}

#[test]
fn a_clock_that_ran_ahead_dials_nobody_once_it_is_known() {
    // By the wrong clock the window opens after ten minutes; it is set right just before, and nobody is told.
    for in_silence in [false, true] {
        let mut stage = stage(&[(3 * HOUR, 4 * HOUR)]);
        stage.wrong_by = 3 * 3600 - 600;
        stage.set_right = Some(Duration::from_secs(599));
        stage.set_in_silence = in_silence;
        let played = stage.play();
        let dialed = dialed(&played);
        assert_eq!(dialed.len(), 8);
        assert!(dialed.iter().all(|at| (3 * HOUR..4 * HOUR).contains(at)), "{in_silence}: {dialed:?}");
        assert!(said(&played, "the wall clock was set back by 2 h 50 min"));
    }
}

#[test]
fn a_clock_set_beyond_the_window_leaves_its_lines_out() {
    let mut stage = stage(&[(HOUR, 2 * HOUR)]);
    stage.wrong_by = -5 * 3600;
    // In truth the window has passed by then.
    stage.set_right = Some(Duration::from_secs(2 * HOUR + 60));
    let played = stage.play();
    assert_eq!(dialed(&played), Vec::<u64>::new());
    assert!(played.faults().iter().all(|(_, fault)| *fault == Some(Fault::OutOfWindow)));
    assert!(played.took < Duration::from_secs(3 * HOUR));
}

#[test]
fn a_deadline_comes_when_the_right_clock_shows_it() {
    for (wrong_by, set_right, passes) in [(-2 * 3600, 600, 0), (1800, 60, 8)] {
        let mut stage = stage(&[(HOUR, 2 * HOUR)]);
        // By the right clock: before the window, or after it.
        stage.deadline = Some(Duration::from_secs(if passes == 0 { 500 } else { 3 * HOUR }));
        stage.wrong_by = wrong_by;
        stage.set_right = Some(Duration::from_secs(set_right));
        let played = stage.play();
        let passed = played.faults().into_iter().filter(|(_, fault)| fault.is_none()).count();
        assert_eq!(passed, passes, "{:?}", played.faults());
        assert_eq!(played.faults().len(), 8);
    }
}

#[test]
fn a_clock_set_beyond_the_deadline_dials_nobody_although_the_windows_are_open() {
    // The host slept through the beginning of its windows, and through the deadline.
    let mut stage = stage(&[(HOUR, 4 * HOUR)]);
    stage.deadline = Some(Duration::from_secs(2 * HOUR));
    stage.wrong_by = -5 * 3600;
    stage.set_right = Some(Duration::from_secs(2 * HOUR + 60));
    let played = stage.play();
    assert_eq!(dialed(&played), Vec::<u64>::new());
    let faults = played.faults();
    assert!(faults.iter().all(|(_, fault)| *fault == Some(Fault::PastDeadline)), "{faults:?}");
}
