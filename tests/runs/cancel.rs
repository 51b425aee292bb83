//! Promise 8: a run that is interrupted at any instant dials no more, hangs up all lines and says so.

use std::time::Duration;

use lineman::call::machine::Cancel;
use lineman::model::event::{Ending, Hangup};
use lineman::model::{EventKind, Fault, Moment};
use lineman::sim::log::What;

use crate::stage::{Deed, Played, Stage};
use crate::verdicts::{ALL, bank_of, ios};

fn held(played: &Played, what: &str) {
    assert_eq!(played.end.ending, Ending::Interrupted, "{what}");
    let dialed = played.logged(What::Dialed).len();
    let on_hook = played.logged(What::OnHook).len();
    assert_eq!(dialed, on_hook, "{what}: some lines are still off-hook");
    for call in played.calls() {
        assert_ne!(call.hangup, Hangup::Unproven, "{what}: {call:?}");
    }
    for (line, fault) in played.faults() {
        assert!(
            matches!(fault, None | Some(Fault::Cancelled)),
            "{what}: {line} is {fault:?}: {}",
            played.verdict(&line).detail
        );
    }
}

/// When a moment of a call is told, the run is stopped, mildly or at once.
#[test]
fn a_run_that_is_stopped_at_any_moment_of_a_call_hangs_up() {
    for moment in Moment::ALL {
        for how in [Cancel::LogOut, Cancel::HangUp] {
            for wired in [false, true] {
                let mut stage = Stage::new(&bank_of(&ALL, 9, &[])).when(
                    move |kind| matches!(kind, EventKind::CallMoment { moment: m, .. } if *m == moment),
                    Deed::Interrupt(how),
                );
                if wired {
                    stage = stage.with_lines();
                }
                let played = stage.play();
                let met = played
                    .events
                    .iter()
                    .any(|e| matches!(&e.kind, EventKind::CallMoment { moment: m, .. } if *m == moment));
                // Without wires no modem here shows the answer.
                // Nobody has a terminal here.
                let hidden = (moment == Moment::Answered && !wired) || moment == Moment::HandedBack;
                assert_eq!(met, !hidden, "{moment:?}");
                if met {
                    held(&played, &format!("{how:?} at {moment:?}, modem lines: {wired}"));
                }
            }
        }
    }
}

/// Any time at all, a quarter of a second apart: over the whole length of the first calls.
#[test]
fn a_run_that_is_stopped_at_any_time_hangs_up() {
    for quarter in 0..140 {
        for how in [Cancel::LogOut, Cancel::HangUp] {
            let at = Duration::from_millis(quarter * 250 + 1);
            let mut stage = Stage::new(&bank_of(&ALL, 6, &[]));
            stage.interrupts = vec![(at, how)];
            if quarter % 2 == 0 {
                stage = stage.with_lines();
            }
            let played = stage.play();
            held(&played, &format!("{how:?} at {at:?}"));
            let late = played.took.saturating_sub(at);
            let most = if how == Cancel::LogOut { 30 } else { 12 };
            assert!(late <= Duration::from_secs(most), "{how:?} at {at:?} took {late:?}");
        }
    }
}

/// The second signal comes while the first is being obeyed.
#[test]
fn a_second_signal_drops_what_the_first_lets_go_on() {
    for after in [0, 20, 100, 400, 1500] {
        let slow = ("SLOW", ios("fault: lost-logout"));
        let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 3, &[slow]));
        stage.interrupts = vec![
            (Duration::from_secs(19), Cancel::LogOut),
            (Duration::from_millis(19_000 + after), Cancel::HangUp),
        ];
        let played = stage.play();
        held(&played, &format!("again after {after} ms"));
        assert!(played.took < Duration::from_secs(32), "{:?}", played.took);
    }
}

/// What was found before the signal stands: a console that answered as another is no less wrong.
#[test]
fn what_was_found_before_the_signal_stands() {
    for how in [Cancel::LogOut, Cancel::HangUp] {
        let line = ("OPEN", ios("fault: { kind: open-console }, after_logout: prompt"));
        let stage = Stage::new(&bank_of(&["profile: courier"], 0, &[line])).when(
            // The logout is on its way when the prompt has been seen.
            |kind| matches!(kind, EventKind::CallMoment { moment: Moment::LoggedOut, .. }),
            Deed::Interrupt(how),
        );
        let played = stage.play();
        assert_eq!(played.fault("OPEN"), Some(Fault::OpenConsole), "{how:?}");
    }
}

#[test]
fn a_run_that_is_stopped_before_any_modem_is_ready_ends_at_once() {
    for how in [Cancel::LogOut, Cancel::HangUp] {
        // Set-up of a dead modem takes many seconds.
        let mut stage = Stage::new(&bank_of(&["profile: courier, fault: dead"; 2], 3, &[]));
        stage.interrupts = vec![(Duration::from_millis(10), how)];
        let played = stage.play();
        held(&played, "at set-up");
        assert!(played.took < Duration::from_secs(1), "{:?}", played.took);
        assert_eq!(played.calls().len(), 0);
    }
}

#[test]
fn a_modem_that_rests_on_hook_is_not_waited_for() {
    for how in [Cancel::LogOut, Cancel::HangUp] {
        let mut stage = Stage::new(&bank_of(&["profile: courier"], 3, &[])).when(
            |kind| matches!(kind, EventKind::CallStarted { attempt: 1, line, .. } if line.as_str() == "G001"),
            Deed::Interrupt(how),
        );
        stage.on_hook_min = Duration::from_secs(600);
        let played = stage.play();
        held(&played, "on-hook");
        assert!(played.took < Duration::from_secs(60), "{:?}", played.took);
        assert_eq!(played.logged(What::Dialed).len(), 1);
    }
}

#[test]
fn lines_that_wait_for_a_redial_are_cancelled_without_a_call() {
    let line = ("BUSY", ios("fault: busy"));
    let stage = Stage::new(&bank_of(&["profile: courier"; 2], 1, &[line]))
        .when(|kind| matches!(kind, EventKind::LineWaits { .. }), Deed::Interrupt(Cancel::LogOut));
    let played = stage.play();
    assert_eq!(played.fault("BUSY"), Some(Fault::Cancelled));
    assert_eq!(played.calls_of("BUSY").len(), 1);
}
