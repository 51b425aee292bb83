//! The plan's deadline: nothing is dialed from there on, and calls end as they may.

use std::time::Duration;

use lineman::model::event::Ending;
use lineman::model::{EventKind, Fault};
use lineman::sim::log::What;

use crate::stage::Stage;
use crate::verdicts::{bank_of, ios};

#[test]
fn after_the_deadline_nothing_is_dialed_and_calls_end_as_they_may() {
    let deadline = Duration::from_secs(60);
    let others = [("BUSY", ios("fault: busy"))];
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 12, &others));
    stage.deadline = Some(deadline);
    let played = stage.play();
    assert_eq!(played.end.ending, Ending::Completed, "a deadline is part of the plan");
    let at = u64::try_from(deadline.as_micros()).unwrap();
    let late = played.logged(What::Dialed).into_iter().filter(|entry| entry.mono_us > at).count();
    assert_eq!(late, 0);
    let running = played.calls().into_iter().filter(|call| {
        let released = call.timeline.get(lineman::model::Moment::Released).unwrap();
        released.at.as_micros() > at
    });
    assert!(running.clone().count() > 0, "the deadline came in the middle of calls");
    assert!(running.into_iter().all(|call| call.fault.is_none()), "they end as they would have");
    let left: Vec<_> =
        played.faults().into_iter().filter(|(_, fault)| *fault == Some(Fault::PastDeadline)).collect();
    let passed = played.faults().into_iter().filter(|(_, fault)| fault.is_none()).count();
    assert!(passed >= 2 && left.len() + passed == 13, "{passed} passed, {left:?}");
    assert!(played.events.iter().any(|event| matches!(&event.kind, EventKind::Notice { .. })));
}

#[test]
fn a_deadline_that_has_passed_leaves_off_every_line() {
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 3, &[]));
    stage.deadline = Some(Duration::ZERO);
    let played = stage.play();
    assert!(played.faults().iter().all(|(_, fault)| *fault == Some(Fault::PastDeadline)));
    assert_eq!(played.calls().len(), 0);
}

#[test]
fn a_deadline_that_never_comes_changes_nothing() {
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 3, &[]));
    stage.deadline = Some(Duration::from_secs(6 * 3600));
    let played = stage.play();
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()));
    assert!(played.took < Duration::from_secs(300), "the run does not wait for it: {:?}", played.took);
}
