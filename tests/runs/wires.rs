//! Modem lines: what DTR, DCD and DSR tell and prove.

use std::time::Duration;

use lineman::model::event::{Hangup, ModemState};
use lineman::model::{Fault, Moment, PhaseTimes};
use lineman::sim::log::What;

use crate::stage::Stage;
use crate::verdicts::{bank_of, ios};

#[test]
fn dtr_hangs_up_and_dcd_proves_it() {
    let played = Stage::new(&bank_of(&["profile: courier"; 2], 4, &[])).with_lines().play();
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()));
    for entry in played.logged(What::HungUp) {
        assert_eq!(entry.by.as_deref(), Some("dtr"), "{entry:?}");
    }
    for call in played.calls() {
        let at = |moment| call.timeline.get(moment).unwrap().at;
        let took = at(Moment::OnHook).since(at(Moment::LoggedOut));
        assert!(took < Duration::from_millis(600), "no guard time was waited out: {took:?}");
    }
}

#[test]
fn the_dsr_edge_is_the_answer_on_a_rockwell() {
    let played = Stage::new(&bank_of(&["profile: rockwell-conexant"], 2, &[])).with_lines().play();
    let answers = played.logged(What::Answered);
    for (call, answered) in played.calls().iter().zip(answers) {
        let mark = call.timeline.get(Moment::Answered).unwrap();
        assert_eq!(mark.half_width, Duration::ZERO, "observed, not bounded");
        assert_eq!(mark.at.as_micros(), answered.mono_us);
        let times = PhaseTimes::of(&call.timeline);
        assert_eq!((times.train_ms, times.connect_ms), (Some(8000), Some(1200)));
        assert_eq!(call.rings, None, "no ringing is told by this family");
        let sent = call.timeline.get(Moment::DigitsSent).unwrap();
        assert_eq!(sent.half_width, Duration::ZERO, "the OK of the `;` form");
        assert_eq!(times.ring_ms, Some(u64::try_from(mark.at.since(sent.at).as_millis()).unwrap()));
        assert!(times.dial_ms.is_some_and(|ms| ms > 1000), "{times:?}");
    }
    let bare = Stage::new(&bank_of(&["profile: rockwell-conexant"], 1, &[])).play();
    assert!(bare.calls()[0].timeline.get(Moment::Answered).is_none(), "without the wire nobody knows");
}

/// The fall of DCD ends a session at once, whatever the modem says.
#[test]
fn a_carrier_that_is_lost_is_seen_by_dcd() {
    let line = [("DROP", ios("fault: { kind: drops, at: connected, after: 300ms }"))];
    let mut stage = Stage::new(&bank_of(&["profile: courier"], 0, &line)).with_lines();
    stage.policy.confirm = 1;
    let played = stage.play();
    assert_eq!(played.fault("DROP"), Some(Fault::CarrierLost), "{:?}", played.verdict("DROP"));
    let call = played.calls()[0];
    let lost = played.logged(What::OnHook)[0].mono_us;
    let on_hook = call.timeline.get(Moment::OnHook).unwrap().at.as_micros();
    assert!(on_hook - lost < 100_000, "{} us from the fall to the proof", on_hook - lost);
}

/// A modem whose DTR is not wired through: DCD stays, and an escape does it.
const DEAF: &str =
    "{ profile: deaf, setup: [AT&F, ATE0Q0V1X4, AT&C1&D0, ATS0=0, ATS7=75], hangup: [dtr, escape, reopen] }";

#[test]
fn a_dcd_that_stays_escalates_to_the_escape() {
    let mut stage = Stage::new(&bank_of(&["profile: deaf, firmware: hayes"], 3, &[])).with_lines();
    stage.profiles.push(DEAF);
    let played = stage.play();
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{:?}", played.faults());
    for entry in played.logged(What::HungUp) {
        assert_eq!(entry.by.as_deref(), Some("ath"), "{entry:?}");
    }
    assert_eq!(played.unproven().len(), 0, "{:#?}", played.unproven());
}

#[test]
fn an_on_hook_that_cannot_be_proven_is_the_modems_fault_and_not_the_lines() {
    for wired in [false, true] {
        let mut stage =
            Stage::new(&bank_of(&["profile: courier, fault: hangup-ignored", "profile: courier"], 4, &[]));
        if wired {
            stage = stage.with_lines();
        }
        let played = stage.play();
        for (line, fault) in played.faults() {
            assert_eq!(fault, None, "{line}: {:?}", played.verdict(&line));
        }
        let unproven = played.unproven();
        assert!(!unproven.is_empty() && unproven.iter().all(|call| call.modem.as_str() == "m0"));
        let states = played.modem_states();
        assert!(states.iter().any(|(m, s, ..)| (*m, *s) == ("m0", ModemState::HangupUnproven)), "{states:?}");
        for call in unproven {
            assert_eq!(call.fault, None, "{call:?}");
            assert_eq!(call.hangup, Hangup::Unproven);
        }
    }
}

/// A console that says nothing never hangs up, and this modem can't: the number stays engaged, and by whom is known.
#[test]
fn a_number_that_our_own_modem_holds_is_not_the_lines_fault() {
    let lines = [("HELD", ios("fault: { kind: silent, times: 1 }"))];
    let modems = ["profile: courier, fault: hangup-ignored", "profile: courier"];
    let played = Stage::new(&bank_of(&modems, 0, &lines)).play();
    let verdict = played.verdict("HELD");
    assert_eq!(verdict.fault, Some(Fault::LineInUse), "{verdict:?}");
    assert!(verdict.detail.contains("`m0`"), "{verdict:?}");
}

/// The same where the one line called it as an alternative number, and the other one's own number it is.
#[test]
fn a_number_that_our_own_modem_holds_for_another_line_is_not_the_lines_fault() {
    let silent = ("HELD", ios("fault: { kind: silent, times: 1 }"));
    let lines = [("MAIN", ios("fault: busy")), silent, ("LATE", ios(""))];
    let modems = ["profile: courier", "profile: courier, fault: hangup-ignored"];
    let mut stage = Stage::new(&bank_of(&modems, 0, &lines)).sharing("LATE", "HELD");
    stage.alternatives.insert("MAIN", "HELD");
    stage.windows.insert("LATE", vec![(120, 7200)]);
    let played = stage.play_unchecked();
    let calls = |line| {
        let calls = played.calls_of(line).into_iter();
        calls.map(|call| (call.modem.to_string(), call.via.is_some(), call.fault)).collect::<Vec<_>>()
    };
    let call = |modem: &str, other: bool, fault| (modem.to_owned(), other, Some(fault));
    let main = [call("m0", false, Fault::Busy), call("m1", true, Fault::ConsoleSilent)];
    assert_eq!(calls("MAIN"), main);
    assert_eq!(calls("LATE")[0], call("m0", false, Fault::LineInUse), "{:?}", calls("LATE"));
}
