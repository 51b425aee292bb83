//! Promises 1 to 3: one verdict a line, whose fault it is, who is called again and who never.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lineman::fleet::policy::Policy;
use lineman::model::event::{Ending, ModemState};
use lineman::model::{EventKind, Fault};
use lineman::sim::log::What;

use crate::stage::{PASSWORD, Stage, USER};

/// An exchange with `modems` modems, and lines as `(id, rest of its entry)`.
pub(crate) fn bank(modems: &[&str], lines: &[(&str, &str)]) -> String {
    let modem = |(n, modem): (usize, &&str)| format!("  - {{ id: m{n}, {modem} }}\n");
    let line = |(n, (id, rest)): (usize, &(&str, &str))| {
        let rest = if rest.is_empty() { String::new() } else { format!(", {rest}") };
        format!("  - {{ id: {id}, number: \"+1 704 555 {:04}\"{rest} }}\n", 100 + n)
    };
    let modems: String = modems.iter().enumerate().map(modem).collect();
    let lines: String = lines.iter().enumerate().map(line).collect();
    format!("exchange: stage\nseed: 7\nmodems:\n{modems}lines:\n{lines}")
}

/// An exchange with these rules, each without its name.
pub(crate) fn with_rules(exchange: &str, rules: &[&str]) -> String {
    let rule = |(n, rule): (usize, &&str)| format!("  - {{ name: r{n}, {rule} }}\n");
    let rules: String = rules.iter().enumerate().map(rule).collect();
    format!("{exchange}rules:\n{rules}")
}

/// A sound line with an IOS console behind it; `rest` is put behind.
pub(crate) fn ios(rest: &str) -> String {
    let rest = if rest.is_empty() { String::new() } else { format!(", {rest}") };
    format!("console: cisco-ios, hostname: rtr1, username: {USER}, password: {PASSWORD}{rest}")
}

/// One modem of each family.
pub(crate) const ALL: [&str; 4] =
    ["profile: courier", "profile: rockwell-conexant", "profile: v250", "profile: generic"];

/// So many sound lines, `G000` and on.
pub(crate) fn good(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("G{n:03}"), ios(""))).collect()
}

/// Sound lines, with others behind them.
pub(crate) fn bank_of(modems: &[&str], sound: usize, others: &[(&str, String)]) -> String {
    let sound = good(sound);
    let lines: Vec<(&str, &str)> = sound
        .iter()
        .map(|(id, rest)| (id.as_str(), rest.as_str()))
        .chain(others.iter().map(|(id, rest)| (*id, rest.as_str())))
        .collect();
    bank(modems, &lines)
}

#[test]
fn two_hundred_good_lines_all_pass() {
    let played = Stage::new(&bank_of(&ALL, 200, &[])).play();
    for (line, fault) in played.faults() {
        assert_eq!(fault, None, "{line}: {}", played.verdict(&line).detail);
    }
    assert_eq!(played.calls().len(), 200);
    assert_eq!(played.end.ending, Ending::Completed);
    assert_eq!(played.logged(What::HungUp).len(), 200, "each call was hung up by us");
}

/// Every fault of a line, on both kinds of ports, on a modem that tells everything: its verdict, and the calls it costs.
#[test]
fn each_fault_of_a_line_gets_its_verdict_and_its_calls() {
    let faults: &[(&str, Option<Fault>, usize)] = &[
        ("busy", Some(Fault::Busy), 2),
        ("no-answer", Some(Fault::NoAnswer), 2),
        ("reorder", Some(Fault::Reorder), 2),
        ("no-ring", Some(Fault::NoRing), 2),
        ("voice", Some(Fault::Voice), 1),
        ("fax", Some(Fault::Fax), 1),
        // Of one RINGING nobody knows whether others had to follow; two show that the modem tells each.
        ("never-trains", Some(Fault::NoConnect), 2),
        ("never-trains, rings: 3", Some(Fault::NoCarrier), 2),
        ("{ kind: drops, at: connected, after: 300ms }", Some(Fault::CarrierLost), 2),
        ("silent", Some(Fault::ConsoleSilent), 2),
        ("garbage", Some(Fault::Garbage), 2),
        ("flood", Some(Fault::LoginTimeout), 2),
        ("echo", Some(Fault::ConsoleSilent), 2),
        ("{ kind: wrong-host, text: other-rtr }", Some(Fault::WrongConsole), 2),
        ("open-console", Some(Fault::OpenConsole), 1),
        ("boot-prompt", Some(Fault::BootPrompt), 1),
        ("console-busy", Some(Fault::ConsoleBusy), 2),
        ("login-unavailable", Some(Fault::LoginUnavailable), 2),
        ("login-stalls", Some(Fault::LoginTimeout), 2),
        ("password-expired", Some(Fault::PasswordExpired), 1),
        ("lost-logout", Some(Fault::LogoutUnproven), 1),
        ("{ kind: busy, times: 1 }", Some(Fault::NeededRetry), 2),
        ("slow-connect", Some(Fault::SlowConnect), 1),
        ("no-error-control", Some(Fault::NoErrorControl), 1),
    ];
    for wired in [false, true] {
        for (fault, expected, calls) in faults {
            // A sound line proves the credential first, and others lie between two refusals.
            let line = [("BAD", ios(&format!("fault: {fault}")))];
            let mut stage = Stage::new(&bank_of(&["profile: courier"; 3], 2, &line));
            if wired {
                stage = stage.with_lines();
            }
            let played = stage.play();
            let verdict = played.verdict("BAD");
            assert_eq!(verdict.fault, *expected, "{fault}, modem lines: {wired}: {verdict:?}");
            let made = played.calls_of("BAD");
            assert_eq!(made.len(), *calls, "{fault}, modem lines: {wired}: {made:#?}");
            assert_eq!([played.fault("G000"), played.fault("G001")], [None, None], "{fault}: {wired}");
            assert_eq!(played.unproven().len(), 0, "{fault}, modem lines: {wired}: {:#?}", played.unproven());
        }
    }
}

#[test]
fn each_fault_of_our_own_bench_moves_the_line_and_never_fails_it() {
    for fault in ["dead", "wedged", "setup-error", "hangup-ignored"] {
        for wired in [false, true] {
            let bad = format!("profile: courier, fault: {fault}");
            let mut stage = Stage::new(&bank_of(&[&bad, "profile: courier"], 6, &[]));
            if wired {
                stage = stage.with_lines();
            }
            let played = stage.play();
            for (line, found) in played.faults() {
                assert_eq!(found, None, "{fault}, {wired}: {line}: {}", played.verdict(&line).detail);
            }
        }
    }
}

#[test]
fn a_refusal_of_our_own_modem_or_outside_line_moves_the_line() {
    for fault in
        ["no-dialtone", "line-in-use", "glare", "dial-error", "blacklisted", "delayed", "dialing-disabled"]
    {
        let rule = format!("modem: m0, fault: {fault}");
        let exchange = with_rules(&bank_of(&["profile: courier"; 2], 3, &[]), &[&rule]);
        let played = Stage::new(&exchange).play();
        for (line, found) in played.faults() {
            assert_eq!(found, None, "{fault}: {line}: {}", played.verdict(&line).detail);
        }
    }
}

#[test]
fn a_bench_fault_that_cannot_be_got_round_leaves_the_line_untested() {
    for (fault, expected) in [
        ("no-dialtone", Fault::NoDialtone),
        ("line-in-use", Fault::LineInUse),
        ("glare", Fault::Glare),
        ("blacklisted", Fault::ModemRefused),
    ] {
        let line = [("BAD", ios(&format!("fault: {fault}")))];
        let played = Stage::new(&bank_of(&["profile: courier"; 2], 2, &line)).play();
        assert_eq!(played.fault("BAD"), Some(expected), "{:?}", played.verdict("BAD"));
        assert_eq!(played.fault("G000"), None);
    }
    let played = Stage::new(&bank_of(&["profile: courier, fault: dead"; 2], 2, &[])).play();
    assert_eq!(played.fault("G000"), Some(Fault::ModemSilent));
    assert_eq!(played.calls().len(), 0);
}

/// Promise 3: three lines that fail on one modem and pass on others; what it found alone is taken back.
#[test]
fn a_modem_that_fails_where_others_succeed_is_quarantined_and_its_verdicts_withdrawn() {
    // Nothing that it hears is ever an answer; a line that was judged on its word alone is judged again.
    let exchange = with_rules(&bank_of(&["profile: courier"; 3], 30, &[]), &["modem: m1, fault: no-answer"]);
    let mut stage = Stage::new(&exchange);
    stage.policy = Policy {
        confirm: 1,
        retry_after: BTreeMap::from([(Fault::NoAnswer, Duration::from_secs(1))]),
        ..Policy::default()
    };
    let played = stage.play();
    // With `confirm: 1` no line is dialed again that could contradict it: it is found by its check, at the end at last.
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{:?}", played.faults());

    let mut stage = Stage::new(&exchange);
    stage.policy.retry_after = BTreeMap::from([(Fault::NoAnswer, Duration::from_secs(1))]);
    let played = stage.play();
    let quarantined: Vec<_> = played
        .modem_states()
        .into_iter()
        .filter(|(_, state, ..)| *state == ModemState::Quarantined)
        .map(|(modem, ..)| modem)
        .collect();
    assert_eq!(quarantined, ["m1"]);
    for (line, fault) in played.faults() {
        assert!(matches!(fault, None | Some(Fault::NeededRetry)), "{line}: {:?}", played.verdict(&line));
    }
    let at = played
        .events
        .iter()
        .position(|e| matches!(&e.kind, EventKind::Modem { state: ModemState::Quarantined, .. }))
        .unwrap();
    let after = &played.events[at..];
    assert!(
        !after
            .iter()
            .any(|e| matches!(&e.kind, EventKind::CallStarted { modem, .. } if modem.as_str() == "m1")),
        "it is dialed on no more"
    );
}

/// What it alone had found, and nobody may check by a second call, is taken back and not blamed on the line.
#[test]
fn a_verdict_that_rests_on_a_quarantined_modem_is_withdrawn() {
    let rules = ["modem: m1, line: G001, fault: voice", "modem: m1, fault: no-answer"];
    let mut stage = Stage::new(&with_rules(&bank_of(&["profile: courier"; 3], 30, &[]), &rules));
    stage.policy.in_order = true;
    stage.policy.retry_after = BTreeMap::from([(Fault::NoAnswer, Duration::from_secs(1))]);
    let played = stage.play();
    let told: Vec<Option<Fault>> = played
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Verdict(verdict) if verdict.line.as_str() == "G001" => Some(verdict.fault),
            _ => None,
        })
        .collect();
    assert_eq!(told, [Some(Fault::Voice), Some(Fault::QuarantinedBench)]);
    let withdrawn = |kind: &EventKind| matches!(kind, EventKind::VerdictWithdrawn { line, .. } if line.as_str() == "G001");
    assert_eq!(played.events.iter().filter(|event| withdrawn(&event.kind)).count(), 1);
    assert_eq!(played.calls_of("G001").len(), 1, "nobody is woken twice");
}

#[test]
fn two_lines_with_one_number_are_never_called_at_the_same_time() {
    // The exchange has one line a number; the plan's second line goes there too.
    let played = Stage::new(&bank_of(&["profile: courier"; 2], 2, &[])).sharing("G001", "G000").play();
    assert_eq!(played.calls().len(), 2);
}

#[test]
fn a_trunk_carries_no_more_calls_than_it_may() {
    for most in [1, 2] {
        let mut stage = Stage::new(&bank_of(&["profile: courier"; 4], 12, &[]));
        stage.trunk = Some(most);
        let played = stage.play();
        assert!(played.faults().iter().all(|(_, fault)| fault.is_none()));
    }
}

/// Exact: what is left over is set-up, which takes no time here.
#[test]
fn a_modem_rests_on_hook_between_two_calls() {
    for wired in [false, true] {
        let mut stage = Stage::new(&bank_of(&["profile: generic"], 4, &[]));
        stage.on_hook_min = Duration::from_secs(3);
        if wired {
            stage = stage.with_lines();
        }
        let played = stage.play();
        let mut rests = BTreeSet::new();
        let mut on_hook = None;
        for entry in &played.log {
            match entry.event {
                What::OnHook => on_hook = Some(entry.mono_us),
                What::Dialed => rests.extend(on_hook.map(|at| entry.mono_us - at)),
                _ => {}
            }
        }
        // With lines the DTR pulse is part of it: the modem is on-hook before it is proven.
        let most = if wired { 3_600_000 } else { 3_050_000 };
        assert!(rests.iter().all(|rest| (3_000_000..most).contains(rest)), "{rests:?}");
        assert_eq!(played.calls().len(), 4);
    }
}

#[test]
fn a_number_that_was_refused_at_the_last_moment_is_not_dialed() {
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 3, &[]));
    stage.undialable.insert("G001");
    let played = stage.play();
    assert_eq!(played.fault("G001"), Some(Fault::Screened));
    assert_eq!(played.calls_of("G001").len(), 0);
    assert_eq!(played.calls().len(), 2);
}

#[test]
fn modems_that_are_asked_who_they_are_work_like_the_others() {
    let mut stage = Stage::new(&bank_of(&ALL, 12, &[]));
    stage.auto = true;
    let played = stage.play();
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{:?}", played.faults());
    let told: Vec<(&str, &str)> = played
        .modem_states()
        .into_iter()
        .filter(|(_, state, ..)| *state == ModemState::Identified)
        .map(|(modem, _, _, detail)| (modem, detail.split(' ').next().unwrap_or_default()))
        .collect();
    for pair in [("m0", "courier"), ("m1", "rockwell-conexant"), ("m2", "v250"), ("m3", "unknown")] {
        assert!(told.contains(&pair), "{told:?}");
    }
}

#[test]
fn same_seed_same_night() {
    let night = |seed: u64| {
        let others = [("N1", ios("fault: garbage")), ("N2", ios("fault: busy"))];
        let exchange = bank_of(&ALL, 25, &others).replace("seed: 7", &format!("seed: {seed}"));
        let rules =
            ["probability: 0.3, fault: busy", "probability: 0.2, fault: { kind: drops, at: logged-in }"];
        let exchange = with_rules(&exchange, &rules);
        Stage::new(&exchange).play()
    };
    let (first, again, other) = (night(1), night(1), night(2));
    assert_eq!(first.story(), again.story());
    assert_ne!(first.story(), other.story(), "the seed means something");
}

#[test]
fn a_record_that_cannot_be_kept_ends_the_run() {
    use crate::stage::Deed;
    let stage = Stage::new(&bank_of(&["profile: courier"; 2], 10, &[]))
        .when(|kind| matches!(kind, EventKind::Verdict(_)), Deed::Break);
    let played = stage.play_unchecked();
    assert!(played.end.broken.is_some());
    assert_eq!(played.end.ending, Ending::Interrupted);
    let dialed = played.logged(What::Dialed).len();
    assert!(dialed <= 3, "{dialed} calls were dialed");
    assert_eq!(played.logged(What::OnHook).len(), dialed, "all lines were hung up");
}
