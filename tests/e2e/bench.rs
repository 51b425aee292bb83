//! Our own bench fails, seen from outside: no line fails for it, the exit code says so, and `modems check` finds who it is.

use std::fs;

use lineman::sim::log::What;

use crate::night::{Exchange, RUN, Running, audit, audited, run_of};
use crate::stage::{Stage, finish};
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

fn branches(count: usize) -> impl Iterator<Item = Branch> {
    (1..=count).map(Branch::new)
}

/// `result fault` of each line.
fn verdicts(audit: &crate::stage::Audit) -> Vec<String> {
    audit.lines().into_values().map(|row| format!("{} {}", row["result"], row["fault"])).collect()
}

fn check(stage: &Stage, arguments: &[&str]) -> (String, Option<i32>) {
    let mut all = vec!["modems", "check"];
    all.extend(arguments);
    let output = finish(stage.lineman(&all), RUN);
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (text, output.status.code())
}

#[test]
fn a_faulty_bench_ends_with_3_and_fails_no_line() {
    for (fault, preflight, verdict) in [
        ("no-dialtone", "dial-tone", "untested no-dialtone"),
        ("deaf", "reference", "untested quarantined-bench"),
    ] {
        let stage = Stage::new();
        let mut town = Town::new(&["courier", "rockwell-conexant"], branches(4)).with_reference(preflight);
        for n in 0..2 {
            town = town.modem(n, &format!("fault: {fault}"));
        }
        town.policy = "attempts: 3, confirm: 2, patience: 2s, retest_after: [1h]".to_owned();
        town.found(&stage);
        let audit = stage.audit(&[(VARIABLE, PASSWORD)], RUN);
        assert_eq!(audit.output.status.code(), Some(3), "{fault}: {}", audit.said());
        assert!(verdicts(&audit).iter().all(|found| found == verdict), "{fault}: {}", audit.said());
        assert!(audit.modems().values().all(|row| row["calls"] == "0" && row["checks_failed"] != "0"));
    }
}

/// On ptys of another process, with the exchange's own log: deaf for a while, and nobody beside it.
#[test]
fn a_deaf_modem_is_found_its_verdicts_withdrawn_and_it_is_taken_back() {
    let stage = Stage::new();
    let town = Town::new(&["courier"], branches(20)).with_reference("dial-tone");
    // At 50 times the pace of the clock: deaf from the 4th second to the 16th.
    let mut town = town.modem(0, "fault: { kind: deaf, from: 200s, until: 800s }");
    town.policy = "attempts: 1, confirm: 1, patience: 60s, retest_after: [2s]".to_owned();
    let exchange = Exchange::of(&town, &stage);
    let audit = stage.audit(&[(VARIABLE, PASSWORD)], RUN);
    let said = audit.said();
    assert_eq!(audit.output.status.code(), Some(0), "{said}");
    assert!(said.contains("\"state\":\"quarantined\""), "{said}");
    assert!(said.contains("\"event\":\"verdict-withdrawn\""), "{said}");
    assert!(said.contains("taken back: it reached the reference number"), "{said}");
    let modem = &audit.modems()["m00"];
    assert_eq!((modem["state"].as_str(), modem["health"].as_str()), ("ready", "troubled"), "{modem:?}");
    assert!(exchange.off_hook().is_empty(), "{:?}", exchange.off_hook());
    let checked =
        exchange.logged(What::Dialed).into_iter().filter(|entry| entry.line.as_deref() == Some("REF"));
    assert!(checked.count() >= 2, "one that failed, and one that did not");
    // The second opinion was a line that it had passed itself: a dead reference alone condemns nobody.
    let failed: u32 = modem["checks_failed"].parse().expect("a count");
    assert!(failed >= 2, "{modem:?}");
}

#[test]
fn dead_lines_with_a_healthy_bench_still_fail() {
    let stage = Stage::new();
    let dead = (1..=10).map(|n| Branch::with_fault(n, "{ kind: reorder, text: BUSY }"));
    let mut town = Town::new(&["courier", "v250"], dead).with_reference("off");
    town.policy = "attempts: 2, confirm: 2".to_owned();
    town.found(&stage);
    let audit = stage.audit(&[(VARIABLE, PASSWORD)], RUN);
    assert_eq!(audit.output.status.code(), Some(1), "{}", audit.said());
    assert!(verdicts(&audit).iter().all(|found| found == "fail busy"), "{}", audit.said());
    let modems = audit.modems();
    assert!(modems.values().any(|row| row["checks"] != "0"), "{modems:?}");
    assert!(modems.values().all(|row| row["checks_failed"] == "0" && row["state"] == "ready"), "{modems:?}");
}

#[test]
fn a_killed_run_goes_on_and_checks_the_modem_that_was_under_quarantine() {
    let stage = Stage::new();
    let mut town = Town::new(&["courier", "courier"], branches(50)).with_reference("reference");
    // At 50 times the pace of the clock: deaf for the first ten seconds.
    town = town.modem(1, "fault: { kind: deaf, until: 500s }");
    town.policy = "attempts: 2, confirm: 2, retest_after: [1s]".to_owned();
    let exchange = Exchange::of(&town, &stage);
    let mut running = Running::start(audit(&stage, &["--plain"]));
    running.wait_for("the quarantine", |text| text.contains("m01: quarantined"));
    running.kill_hard();
    let ended = audited(&stage, &["--resume"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    let events = fs::read_to_string(run_of(&stage, "latest").join("events.jsonl")).unwrap();
    assert!(events.contains("taken back"), "{events}");
    assert!(exchange.off_hook().is_empty());
}

#[test]
fn modems_check_says_who_works() {
    let stage = Stage::new();
    let profiles = ["courier", "rockwell-conexant", "v250", "courier"];
    let mut town = Town::new(&profiles, branches(1)).with_reference("off");
    town.own_numbers = true;
    town.found(&stage);
    let (text, code) = check(&stage, &["plan.yaml"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.matches("works").count(), 4, "{text}");

    let town = town.modem(1, "fault: deaf").modem(3, "fault: no-dialtone");
    town.found(&stage);
    let (text, code) = check(&stage, &["plan.yaml"]);
    assert_eq!(code, Some(1), "{text}");
    let row = |id: &str| text.lines().find(|line| line.trim_start().starts_with(id)).unwrap_or_default();
    for (id, verdict) in [("m00", "works"), ("m01", "fails"), ("m02", "works"), ("m03", "fails")] {
        assert!(row(id).ends_with(verdict), "{id}: {text}");
    }
    assert!(text.contains("m03: NO DIALTONE"), "{text}");

    let town = town.modem(0, "fault: dead").modem(2, "fault: no-dialtone");
    town.found(&stage);
    let (text, code) = check(&stage, &["plan.yaml"]);
    // The deaf one has nobody left to call but the reference, which it does not hear.
    assert_eq!(code, Some(3), "{text}");
}

#[test]
fn modems_check_takes_a_bank_alone_and_calls_no_line() {
    let stage = Stage::new();
    let mut town = Town::new(&["courier", "courier"], branches(2));
    town.own_numbers = true;
    let exchange = Exchange::of(&town, &stage);
    let (text, code) = check(&stage, &["--bank", "bank.yaml"]);
    assert_eq!(code, Some(0), "{text}");
    let called: Vec<String> = exchange.dialed().into_iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(called, ["m01", "m00"], "each calls the other: {:?}", exchange.log());
    assert!(exchange.off_hook().is_empty());
    let (text, code) = check(&stage, &["--bank", "nowhere.yaml"]);
    assert_eq!(code, Some(2), "{text}");
}
