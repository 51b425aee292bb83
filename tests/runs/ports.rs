//! Workers that die and ports that go: one call is lost, and the run goes on.

use std::time::Duration;

use lineman::call::machine::Cancel;
use lineman::model::event::ModemState;
use lineman::model::{EventKind, Fault, Moment};
use lineman::sim::log::What;

use crate::stage::{Deed, Opening, Stage};
use crate::verdicts::{bank_of, with_rules};

/// When a call on this modem reaches this moment.
fn at(moment: Moment, modem: &'static str) -> impl FnMut(&EventKind) -> bool {
    let mut on = None;
    move |kind| match kind {
        EventKind::CallStarted { call, modem: m, .. } if m.as_str() == modem => {
            on = Some(call.clone());
            moment == Moment::Taken
        }
        EventKind::CallMoment { call, moment: m, .. } => *m == moment && on.as_ref() == Some(call),
        _ => false,
    }
}

/// Wherever in the call the defect shows.
#[test]
fn a_worker_that_panics_costs_one_call() {
    for moment in [
        Moment::Taken,
        Moment::Ready,
        Moment::Dialed,
        Moment::Ringing,
        Moment::Connected,
        Moment::Prompted,
        Moment::LoggedIn,
        Moment::LoggedOut,
    ] {
        for wired in [false, true] {
            let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 6, &[]))
                .when(at(moment, "m0"), Deed::Sabotage("m0"));
            stage.on_hook_min = Duration::from_secs(3);
            if wired {
                stage = stage.with_lines();
            }
            let played = stage.play();
            let lost: Vec<_> =
                played.calls().into_iter().filter(|c| c.fault == Some(Fault::Internal)).collect();
            assert_eq!(lost.len(), 1, "{moment:?}");
            let line = lost[0].line.as_str();
            let calls = played.calls_of(line);
            assert_eq!(calls.len(), 2, "{moment:?}: it was called again");
            assert_eq!(calls[1].modem.as_str(), "m1", "{moment:?}: on another modem");
            for (line, fault) in played.faults() {
                assert_eq!(fault, None, "{moment:?}: {line}: {:?}", played.verdict(&line));
            }
            let calls_after = played.calls().iter().filter(|c| c.modem.as_str() == "m0").count();
            assert!(calls_after >= 2, "{moment:?}: the modem goes on");
            assert_eq!(
                played.logged(What::Dialed).len(),
                played.logged(What::OnHook).len(),
                "{moment:?}: the port was hung up"
            );
        }
    }
}

#[test]
fn a_defect_that_persists_is_told_as_one() {
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 1, &[]));
    for modem in ["m0", "m1"] {
        stage = stage.whenever(at(Moment::Dialed, modem), Deed::Sabotage(modem));
    }
    let played = stage.play();
    assert_eq!(played.fault("G000"), Some(Fault::Internal), "{:?}", played.verdict("G000"));
    assert_eq!(played.calls().len(), 2, "two modems saw it");
    assert!(played.verdict("G000").detail.contains("sabotaged"), "{:?}", played.verdict("G000"));
}

#[test]
fn a_worker_that_dies_in_its_set_up_is_replaced() {
    let stage = Stage::new(&bank_of(&["profile: courier"; 2], 2, &[]))
        .when(|kind| matches!(kind, EventKind::RunStarted(_)), Deed::Sabotage("m0"));
    let played = stage.play();
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()));
    let states = played.modem_states();
    assert!(
        states.iter().any(|(m, s, f, _)| (*m, *s, *f) == ("m0", ModemState::Out, Some(Fault::Internal))),
        "{states:?}"
    );
    assert!(
        states.iter().any(|(m, s, ..)| (*m, *s) == ("m0", ModemState::Ready)),
        "it came back: {states:?}"
    );
}

/// The adapter is pulled out in the middle of a call and put back, or not.
#[test]
fn a_port_that_vanishes_moves_its_line_and_comes_back() {
    for stage_of_call in ["dialed", "ringing", "answered", "carrier", "connected", "prompted", "logout"] {
        for back in [true, false] {
            for wired in [false, true] {
                let back_after = if back { ", back_after: 20s" } else { "" };
                let fault = format!("kind: port-vanishes, at: {stage_of_call}, after: 50ms{back_after}");
                let rule = format!("modem: m0, call: 1, fault: {{ {fault} }}");
                let exchange = with_rules(&bank_of(&["profile: courier"; 2], 8, &[]), &[&rule]);
                let mut stage = Stage::new(&exchange);
                if wired {
                    stage = stage.with_lines();
                }
                let played = stage.play();
                let what = format!("{stage_of_call}, back: {back}, modem lines: {wired}");
                for (line, fault) in played.faults() {
                    assert_eq!(fault, None, "{what}: {line}: {:?}", played.verdict(&line));
                }
                assert_eq!(played.logged(What::PortVanished).len(), 1, "{what}");
                let later = played.calls().iter().filter(|c| c.modem.as_str() == "m0").count();
                assert_eq!(later > 1, back, "{what}: {later} calls on it");
            }
        }
    }
}

#[test]
fn a_driver_that_never_answers_holds_up_nobody() {
    for after in [None, Some(Duration::from_secs(1))] {
        let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 3, &[]));
        stage.openings.insert("m0", Opening::Stuck);
        stage.interrupts = after.into_iter().map(|after| (after, Cancel::LogOut)).collect();
        let played = stage.play();
        if after.is_some() {
            assert!(played.took < Duration::from_secs(5), "{:?}", played.took);
            continue;
        }
        assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{:?}", played.faults());
        let states = played.modem_states();
        let out = |(m, s, f, _): &(&str, ModemState, Option<Fault>, &str)| {
            (*m, *s, *f) == ("m0", ModemState::Out, Some(Fault::PortOpenFailed))
        };
        assert!(states.iter().any(out), "{states:?}");
    }
}

#[test]
fn a_worker_that_dies_at_every_set_up_is_given_up() {
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 60, &[]));
    stage.openings.insert("m0", Opening::Panics);
    let played = stage.play();
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()));
    let states = played.modem_states();
    assert!(states.iter().any(|(m, s, ..)| (*m, *s) == ("m0", ModemState::Wedged)), "{states:?}");

    let mut stage = Stage::new(&bank_of(&["profile: courier"], 2, &[]));
    stage.openings.insert("m0", Opening::Panics);
    let played = stage.play();
    for (line, fault) in played.faults() {
        assert_eq!(fault, Some(Fault::Internal), "{:?}", played.verdict(&line));
        assert!(played.verdict(&line).detail.contains("no such port"));
    }
}
