//! Our own bench fails: it is checked before it judges, no line fails for it, and a modem that works again is taken back.

use std::time::Duration;

use lineman::call::machine::Cancel;
use lineman::fleet::policy::BenchPolicy;
use lineman::fleet::scheduler::Preflight;
use lineman::model::event::{CheckKind, CheckOutcome, ModemState};
use lineman::model::{EventKind, Fault};
use lineman::sim::log::What;

use crate::stage::{Deed, Played, Stage};
use crate::verdicts::{bank, ios};

const REFERENCE: (&str, &str) = ("REF", "");
const COULD_NOT_JUDGE: u8 = 3;

fn lines(count: usize, rest: &str) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("G{n:03}"), ios(rest))).collect()
}

/// Modems, so many lines, and a number that answers with a carrier.
fn stage(modems: &[&str], lines: &[(String, String)]) -> Stage {
    let mut all: Vec<(&str, &str)> = vec![REFERENCE];
    all.extend(lines.iter().map(|(id, rest)| (id.as_str(), rest.as_str())));
    let mut stage = Stage::new(&bank(modems, &all)).with_reference("REF", Preflight::Off);
    let soon = |fault| (fault, Duration::from_secs(1));
    stage.policy.retry_after = Fault::ALL.into_iter().map(soon).collect();
    stage.policy.bench =
        BenchPolicy { retests: [120, 300].map(Duration::from_secs).to_vec(), ..BenchPolicy::default() };
    stage
}

fn kinds(played: &Played, modem: &str) -> Vec<(CheckKind, CheckOutcome)> {
    let of = played.checks().into_iter().filter(|check| check.modem.as_str() == modem);
    of.map(|check| (check.check, check.outcome)).collect()
}

fn faults(played: &Played) -> Vec<Option<Fault>> {
    played.faults().into_iter().map(|(_, fault)| fault).collect()
}

#[test]
fn each_family_hears_its_dial_tone_and_is_on_hook_again() {
    for wired in [false, true] {
        for family in
            ["courier", "rockwell-conexant", "v250", "generic", "si24xx", "multitech", "lucent", "zyxel"]
        {
            let modem = format!("profile: {family}");
            let mut stage = Stage::new(&bank(&[&modem], &[("L0", &ios(""))]));
            stage.preflight = Preflight::DialTone;
            stage.on_hook_min = Duration::from_secs(3);
            if wired {
                stage = stage.with_lines();
            }
            let played = stage.play();
            assert_eq!(played.fault("L0"), None, "{family}, wired: {wired}");
            let checks = kinds(&played, "m0");
            assert_eq!(checks, [(CheckKind::DialTone, CheckOutcome::Passed)], "{family}, wired: {wired}");
            let checked = played.logged(What::OnHook).first().map(|entry| entry.mono_us);
            let dialed = played.logged(What::Dialed).last().map(|entry| entry.mono_us);
            assert!(checked < dialed, "{family}: on-hook in between");
        }
    }
}

#[test]
fn a_bench_without_dial_tone_dials_nothing_and_fails_nothing() {
    let lines = lines(6, "");
    let mut stage = stage(&["profile: courier, fault: no-dialtone"; 3], &lines);
    stage.preflight = Preflight::DialTone;
    let played = stage.play();
    assert!(faults(&played).iter().all(|fault| *fault == Some(Fault::NoDialtone)), "{:?}", faults(&played));
    assert_eq!(played.calls().len(), 0);
    assert_eq!(played.exit_code(), COULD_NOT_JUDGE);
}

#[test]
fn a_jack_without_dial_tone_for_a_while_costs_its_modem_that_while() {
    let lines = lines(40, "");
    let mut stage =
        stage(&["profile: courier", "profile: courier, fault: { kind: no-dialtone, until: 90s }"], &lines);
    stage.preflight = Preflight::DialTone;
    let played = stage.play();
    assert!(faults(&played).iter().all(Option::is_none), "{:?}", faults(&played));
    assert!(played.times("m1", ModemState::Out) >= 1);
    assert!(played.calls().iter().any(|call| call.modem.as_str() == "m1"));
    assert_eq!(played.calls().len(), 40, "no line met it while it was out");
}

#[test]
fn a_deaf_modem_that_fails_the_reference_judges_nothing() {
    let lines = lines(12, "");
    let mut stage = stage(&["profile: courier", "profile: courier, fault: deaf", "profile: v250"], &lines);
    stage.preflight = Preflight::Reference;
    let played = stage.play();
    assert!(faults(&played).iter().all(Option::is_none), "{:?}", faults(&played));
    assert_eq!(played.times("m1", ModemState::Quarantined), 1);
    assert!(played.calls().iter().all(|call| call.modem.as_str() != "m1"));
    // The second time to a line that had passed on another modem by then: the reference could be to blame.
    let failed = [(CheckKind::Reference, CheckOutcome::Failed), (CheckKind::KnownLine, CheckOutcome::Failed)];
    assert_eq!(kinds(&played, "m1")[1..3], failed);
}

#[test]
fn where_nobody_reaches_the_reference_no_line_is_dialed() {
    let lines = lines(8, "");
    let mut stage = stage(&["profile: courier, fault: deaf"; 4], &lines);
    stage.preflight = Preflight::Reference;
    let played = stage.play();
    assert!(faults(&played).iter().all(|fault| *fault == Some(Fault::QuarantinedBench)));
    assert_eq!(played.calls().len(), 0);
    assert_eq!(played.exit_code(), COULD_NOT_JUDGE);
    assert!(played.verdict("G000").detail.contains("quarantine"), "{}", played.verdict("G000").detail);
}

/// Deaf for twenty minutes in the middle of the night, with nobody beside it who could contradict.
#[test]
fn a_deaf_modem_is_found_its_verdicts_withdrawn_and_it_is_taken_back() {
    for wired in [false, true] {
        let lines = lines(60, "");
        let mut stage = stage(&["profile: courier, fault: { kind: deaf, from: 5m, until: 25m }"], &lines);
        // One failing call is a verdict here, so that there is something to take back.
        stage.policy.attempts = 1;
        stage.policy.confirm = 1;
        stage.policy.bench.patience = Duration::from_secs(3600);
        if wired {
            stage = stage.with_lines();
        }
        let played = stage.play();
        assert!(played.times("m0", ModemState::Quarantined) >= 1, "{:?}", played.checks());
        let withdrawn = |kind: &EventKind| matches!(kind, EventKind::VerdictWithdrawn { .. });
        assert!(played.events.iter().filter(|event| withdrawn(&event.kind)).count() >= 4);
        let back = |(_, state, _, detail): &(&str, ModemState, _, &str)| {
            *state == ModemState::Ready && detail.starts_with("taken back")
        };
        assert_eq!(played.modem_states().iter().filter(|told| back(told)).count(), 1, "wired: {wired}");
        // A call that was cut in the middle by the deafness may have been answered without a carrier twice.
        let bad: Vec<_> = played.faults().into_iter().filter(|(_, fault)| fault.is_some()).collect();
        assert!(bad.iter().all(|(_, fault)| *fault == Some(Fault::QuarantinedBench)), "{bad:?}");
        assert_eq!(played.exit_code(), u8::from(!bad.is_empty()));
    }
}

#[test]
fn a_bench_that_goes_deaf_for_good_fails_no_line() {
    let lines = lines(40, "");
    let deaf = "profile: courier, fault: { kind: deaf, from: 4m }";
    let played = stage(&[deaf, deaf], &lines).play();
    let found = faults(&played);
    assert!(found.iter().any(Option::is_none), "those before stand");
    assert!(found.contains(&Some(Fault::QuarantinedBench)), "{found:?}");
    for (line, fault) in played.faults() {
        assert!(matches!(fault, None | Some(Fault::QuarantinedBench)), "{line}: {fault:?}");
    }
}

#[test]
fn dead_lines_with_a_healthy_bench_still_fail() {
    let lines = lines(24, "fault: no-answer");
    let played = stage(&["profile: courier"; 3], &lines).play();
    assert!(faults(&played).iter().all(|fault| *fault == Some(Fault::NoAnswer)), "{:?}", faults(&played));
    assert!(!played.checks().is_empty());
    assert!(
        played.checks().iter().all(|check| check.outcome == CheckOutcome::Passed),
        "{:?}",
        played.checks()
    );
    assert_eq!(played.times("m0", ModemState::Quarantined), 0);
    assert_eq!(played.exit_code(), 1);
}

#[test]
fn modems_with_numbers_of_their_own_check_each_other() {
    let modems = [
        "profile: courier, number: \"+1 704 555 0901\"",
        "profile: rockwell-conexant, number: \"+1 704 555 0902\"",
    ];
    for wired in [false, true] {
        let mut stage = Stage::new(&bank(&modems, &[("L0", &ios("")), ("L1", &ios("")), ("L2", &ios(""))]));
        stage.preflight = Preflight::Reference;
        if wired {
            stage = stage.with_lines();
        }
        let played = stage.play();
        assert!(faults(&played).iter().all(Option::is_none), "{:?}", faults(&played));
        let tone = (CheckKind::DialTone, CheckOutcome::Passed);
        assert_eq!(kinds(&played, "m0"), [tone, (CheckKind::Peer, CheckOutcome::Passed)], "wired: {wired}");
        // By then the other one is in a call, and a line has passed.
        assert_eq!(kinds(&played, "m1"), [tone, (CheckKind::KnownLine, CheckOutcome::Passed)]);
    }
}

#[test]
fn a_signal_ends_a_check_at_once() {
    for at in [500, 2_000, 8_000, 15_000] {
        let lines = lines(3, "");
        let mut stage = stage(&["profile: courier"; 2], &lines);
        stage.preflight = Preflight::Reference;
        stage.interrupts = vec![(Duration::from_millis(at), Cancel::LogOut)];
        let played = stage.play();
        assert!(faults(&played).iter().all(|fault| matches!(fault, None | Some(Fault::Cancelled))));
        let late = played.took.saturating_sub(Duration::from_millis(at));
        assert!(late < Duration::from_secs(40), "{late:?} after the signal at {at} ms");
    }
}

#[test]
fn a_worker_that_dies_in_a_check_costs_no_line_anything() {
    for nth in 1..=2 {
        let lines = lines(6, "");
        let mut stage = stage(&["profile: courier"; 2], &lines);
        stage.preflight = Preflight::Reference;
        let mut seen = 0;
        let checking = move |kind: &EventKind| match kind {
            EventKind::Modem { modem, state: ModemState::Checking, .. } if modem.as_str() == "m0" => {
                seen += 1;
                seen == nth
            }
            _ => false,
        };
        let played = stage.when(checking, Deed::Sabotage("m0")).play();
        assert!(faults(&played).iter().all(Option::is_none), "{:?}", faults(&played));
        assert!(played.checks().iter().any(|check| check.fault == Some(Fault::Internal)), "check {nth}");
    }
}
