//! Good lines and bad ones that pass: rules on figures, and first calls that are cut short by what is usual on a line.

use std::collections::BTreeMap;
use std::time::Duration;

use lineman::model::usual::Nights;
use lineman::model::{FailureCost, Fault, LineId, Moment, Usual};

use crate::stage::{Played, Stage};
use crate::verdicts::{bank_of, ios};

const COURIERS: [&str; 3] = ["profile: courier"; 3];

/// What so many nights like this one make usual, on a bank of one family.
fn usual_after(nights: usize, played: &Played, family: &str) -> BTreeMap<LineId, Usual> {
    let mut gathered: BTreeMap<LineId, Nights> = BTreeMap::new();
    for call in played.calls() {
        for _ in 0..nights {
            gathered.entry(call.line.clone()).or_default().note(family, call);
        }
    }
    gathered.into_iter().map(|(line, nights)| (line, nights.usual())).collect()
}

/// Three sound lines and `BAD`, of which six nights like `before` are known, on a night like `tonight`.
fn night(modem: &str, wired: bool, before: &str, tonight: &str) -> Stage {
    let family = modem.trim_start_matches("profile: ");
    let stage = |rest: &str| {
        let stage = Stage::new(&bank_of(&[modem; 3], 3, &[("BAD", ios(rest))]));
        if wired { stage.with_lines() } else { stage }
    };
    let usual = usual_after(6, &stage(before).play(), family);
    assert_eq!(usual.len(), 4, "all lines passed");
    let mut stage = stage(tonight);
    stage.usual = usual;
    stage
}

fn dialed_for(played: &Played, attempt: usize) -> Duration {
    let call = played.calls_of("BAD")[attempt - 1];
    let at = |moment| call.timeline.get(moment).expect("it was dialed and hung up").at;
    at(Moment::OnHook).since(at(Moment::Dialed))
}

#[test]
fn a_bad_line_passes_once_and_says_what_is_bad() {
    let table = [
        ("fault: slow-connect", Fault::SlowConnect, "connected at 2400 bit/s, under 9600"),
        (
            "fault: no-error-control",
            Fault::NoErrorControl,
            "asked for error control, and the modem tells that there is none",
        ),
    ];
    for (fault, expected, detail) in table {
        let played = Stage::new(&bank_of(&COURIERS, 2, &[("BAD", ios(fault))])).play();
        let verdict = played.verdict("BAD");
        assert_eq!((verdict.fault, verdict.detail.as_str()), (Some(expected), detail), "{fault}");
        let calls = played.calls_of("BAD");
        assert_eq!(
            (calls.len(), calls[0].fault),
            (1, Some(expected)),
            "the journal holds it, and nobody redials"
        );
        assert_eq!([played.fault("G000"), played.fault("G001")], [None, None]);
    }
}

#[test]
fn what_the_modem_tells_after_the_call_is_held_against_the_rules() {
    for modem in ["profile: courier", "profile: rockwell-conexant"] {
        let played = Stage::new(&bank_of(&[modem; 2], 2, &[("BAD", ios("fault: noisy"))])).play();
        let verdict = played.verdict("BAD");
        assert_eq!((verdict.fault, verdict.attempts), (Some(Fault::Retrains), 1), "{modem}: {verdict:?}");
        assert!(verdict.detail.starts_with("retrained "), "{modem}: {}", verdict.detail);
        assert_eq!([played.fault("G000"), played.fault("G001")], [None, None], "{modem}");
    }
    // The Courier counts block errors, too; and without that rule there is still the level.
    let played = night("profile: courier", false, "", "fault: noisy").play();
    let detail = &played.verdict("BAD").detail;
    assert!(detail.contains(" block errors in ") && detail.contains(", over 67 a minute"), "{detail}");
    assert!(detail.contains("; noisy: signal to noise 18 dB, usual "), "{detail}");
}

#[test]
fn a_rule_that_is_off_finds_nothing() {
    let mut stage = Stage::new(&bank_of(&COURIERS, 2, &[("BAD", ios("fault: slow-connect"))]));
    stage.policy.degraded.connect_bps = None;
    assert_eq!(stage.play().fault("BAD"), None);
}

#[test]
fn training_that_takes_far_longer_than_on_other_nights_is_told_by_what_the_modem_shows() {
    // A modem that shows answer and carrier, and one that shows neither, but by its ringing (if it rings more than once).
    for (modem, wired, what) in [
        ("profile: rockwell-conexant", true, "trained "),
        ("profile: courier", false, "trained and connected in "),
    ] {
        let played =
            night(modem, wired, "rings: 3", "rings: 3, fault: { kind: slow-train, span: 40s }").play();
        let verdict = played.verdict("BAD");
        assert_eq!(verdict.fault, Some(Fault::SlowTrain), "{modem}: {verdict:?}");
        assert!(verdict.detail.starts_with(what), "{modem}: {}", verdict.detail);
        assert!(verdict.detail.contains("(6 nights, "), "{modem}: {}", verdict.detail);
        assert_eq!(played.fault("G001"), None);
        let same = night(modem, wired, "rings: 3", "rings: 3").play();
        assert_eq!(same.fault("BAD"), None, "{modem}: a night like all others");
    }
    // One that tells of its CONNECT alone can't say how long training took.
    let played = night("profile: generic", false, "", "fault: { kind: slow-train, span: 25s }").play();
    assert_eq!(played.fault("BAD"), None);
}

#[test]
fn a_line_that_has_died_is_called_dead_sooner_and_by_a_call_with_its_full_time() {
    for (modem, fault, verdict) in [
        ("profile: courier", "no-answer", Fault::NoAnswer),
        ("profile: courier", "no-ring", Fault::NoRing),
        ("profile: generic", "no-ring", Fault::NoConnect),
    ] {
        let mut stage = night(modem, false, "rings: 1", &format!("fault: {fault}"));
        // The modem's own S7 (75 s) must not come before our limit.
        stage.limits.dial = Duration::from_secs(70);
        let played = stage.play();
        let calls = played.calls_of("BAD");
        assert_eq!((calls.len(), played.fault("BAD")), (2, Some(verdict)), "{modem}, {fault}");
        let limit = Duration::from_millis(calls[0].cut_short_ms.expect("the first is cut short"));
        assert!(limit < Duration::from_secs(50), "{limit:?}");
        let [first, second] = [1, 2].map(|attempt| dialed_for(&played, attempt));
        assert!(first >= limit && first < limit + Duration::from_secs(12), "{first:?}, {limit:?}");
        assert!(second >= Duration::from_secs(70), "{second:?}");
        assert_eq!(calls[1].cut_short_ms, None);
        assert!(calls[0].detail.contains("(shortened: this line connects in "), "{}", calls[0].detail);
        assert_eq!(played.verdict("BAD").call.as_ref().unwrap().as_str(), "BAD.2");
        assert!(played.verdict("BAD").detail.contains(", cut short"), "{}", played.verdict("BAD").detail);
        for line in ["G000", "G001", "G002"] {
            assert_eq!(played.fault(line), None, "a line as quick as ever is not touched");
        }
    }
}

#[test]
fn a_line_that_is_slower_than_ever_passes_with_its_full_time() {
    // It rang once on all other nights, and tonight ten times.
    let played = night("profile: courier", false, "rings: 1, train: 5s", "rings: 10, train: 5s").play();
    let calls = played.calls_of("BAD");
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[0].fault, calls[0].cut_short_ms.is_some()), (Some(Fault::NoAnswer), true));
    assert_eq!((calls[1].fault, calls[1].cut_short_ms), (None, None));
    assert_eq!(played.fault("BAD"), None, "the second call was for our sake");
    assert!(played.verdict("BAD").detail.contains("cut short"), "{}", played.verdict("BAD").detail);
}

#[test]
fn whoever_has_answered_is_given_the_full_time() {
    // Ringing has ceased well before the shortened limit: somebody is there.
    let mut stage = night(
        "profile: courier",
        false,
        "rings: 2, train: 5s",
        "rings: 2, train: 5s, fault: { kind: slow-train, span: 50s }",
    );
    stage.limits.dial = Duration::from_secs(90);
    let played = stage.play();
    let calls = played.calls_of("BAD");
    assert_eq!((calls.len(), calls[0].cut_short_ms), (1, None));
    assert_eq!(played.fault("BAD"), Some(Fault::SlowTrain));
}

/// This modem shows nothing before CONNECT, and says afterwards what it heard.
#[test]
fn what_a_modem_says_of_a_short_call_afterwards_is_believed_but_for_a_training_that_had_no_time() {
    let rockwell = "profile: rockwell-conexant";
    let played = night(rockwell, false, "rings: 1, train: 5s", "fault: voice").play();
    let calls = played.calls_of("BAD");
    assert_eq!((played.fault("BAD"), calls.len()), (Some(Fault::Voice), 1), "nobody is woken twice");
    assert_eq!(calls[0].cut_short_ms, None, "{}", calls[0].detail);

    let slow = "rings: 1, fault: { kind: slow-train, span: 50s }";
    let played = night(rockwell, false, "rings: 1, train: 5s", slow).play();
    let calls = played.calls_of("BAD");
    assert_eq!((calls.len(), calls[1].cut_short_ms), (2, None));
    assert_eq!((calls[0].fault, calls[0].cut_short_ms.is_some()), (Some(Fault::NoCarrier), true));
    assert_eq!(played.fault("BAD"), Some(Fault::SlowTrain), "{}", played.verdict("BAD").detail);
}

#[test]
fn no_first_call_is_cut_short_where_the_deadline_would_make_it_the_last() {
    let mut stage = night("profile: courier", false, "rings: 1, train: 5s", "rings: 10, train: 5s");
    stage.deadline = Some(Duration::from_secs(400));
    let played = stage.play();
    assert_eq!((played.calls_of("BAD").len(), played.fault("BAD")), (1, None));
}

#[test]
fn what_is_usual_can_be_left_out_of_account() {
    let mut stage = night("profile: courier", false, "rings: 1, train: 5s", "rings: 10, train: 5s");
    stage.policy.adaptive = false;
    let played = stage.play();
    assert_eq!((played.calls_of("BAD").len(), played.fault("BAD")), (1, None));
}

#[test]
fn failures_that_cost_are_told_from_those_that_are_free() {
    let cost = |modem: &str, fault: &str| {
        let played =
            Stage::new(&bank_of(&[modem; 2], 1, &[("BAD", ios(&format!("rings: 3, fault: {fault}")))]))
                .play();
        played.calls_of("BAD")[0].failure_cost()
    };
    let courier = COURIERS[0];
    assert_eq!(cost(courier, "busy"), Some(FailureCost::Free));
    assert_eq!(cost(courier, "no-answer"), Some(FailureCost::Free));
    assert_eq!(cost(courier, "voice"), Some(FailureCost::Answered));
    assert_eq!(cost(courier, "never-trains"), Some(FailureCost::Answered));
    assert_eq!(cost(courier, "silent"), Some(FailureCost::Answered));
    assert_eq!(cost(courier, "lost-logout"), None, "it passed");
    assert_eq!(cost("profile: generic", "never-trains"), Some(FailureCost::Unknown), "it shows nothing");
}
