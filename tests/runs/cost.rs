//! What calls are charged, and that budgets are kept: each run is held to both, these ones to their figures too.

use std::time::Duration;

use lineman::fleet::budget::{Budget, Purse};
use lineman::fleet::policy::Policy;
use lineman::model::{EventKind, Fault, Micros};

use crate::stage::{Stage, price};
use crate::verdicts::{ALL, bank, bank_of, ios};

fn within(budget: Budget, modems: &[&str], sound: usize, others: &[(&str, String)]) -> crate::stage::Played {
    let mut stage = Stage::new(&bank_of(modems, sound, others));
    stage.budget = budget;
    stage.play()
}

fn over_budget(played: &crate::stage::Played) -> usize {
    let fault = |event: &lineman::model::Event| match &event.kind {
        EventKind::Verdict(verdict) => verdict.fault,
        _ => None,
    };
    played.events.iter().filter(|event| fault(event) == Some(Fault::OverBudget)).count()
}

#[test]
fn an_answered_call_is_billed_by_the_tariffs_steps_and_one_that_nobody_answered_is_free() {
    let lines = [("GOOD", ios("")), ("BUSY", ios("fault: busy")), ("QUIET", ios("fault: no-answer"))];
    let lines: Vec<(&str, &str)> = lines.iter().map(|(id, rest)| (*id, rest.as_str())).collect();
    for modem in ALL {
        let played = Stage::new(&bank(&[modem], &lines)).play();
        for call in played.calls() {
            let charge = call.charge.unwrap();
            match (call.line.as_str(), call.fault) {
                ("GOOD", None) => {
                    assert!(charge.billed_s >= 30 && (charge.billed_s - 30) % 6 == 0, "{modem}: {charge:?}");
                    // 0.01 and 0.06 a minute.
                    assert_eq!(charge.cost, Some(Micros(10_000 + 1_000 * u64::from(charge.billed_s))));
                }
                (_, Some(Fault::Busy | Fault::NoAnswer)) => {
                    assert_eq!((charge.billed_s, charge.cost), (0, Some(Micros(0))), "{modem}: {call:?}");
                }
                // This modem does not tell an answer that came to nothing from none.
                (_, Some(Fault::NoConnect)) => assert!(charge.billed_s > 30, "{modem}: {call:?}"),
                other => panic!("{modem}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_budget_of_calls_ends_the_run_with_the_lines_that_are_left_over_budget() {
    let run = Purse { calls: Some(7), ..Purse::default() };
    let played = within(Budget { run, ..Budget::default() }, &ALL, 20, &[]);
    assert_eq!(played.calls().len(), 7);
    assert_eq!(over_budget(&played), 13);
}

#[test]
fn money_that_was_set_aside_and_not_spent_pays_for_other_calls() {
    // Enough for three of the longest at a time, and each takes a small part of that.
    let worst = {
        let played = Stage::new(&bank_of(&ALL, 1, &[])).play();
        price().worst(played.setting.room).cost.unwrap()
    };
    let run = Purse { cost: Some(worst.times(3)), ..Purse::default() };
    let played = within(Budget { run, ..Budget::default() }, &ALL, 30, &[]);
    let spent: u64 = played.calls().iter().map(|call| call.charge.unwrap().cost.unwrap().0).sum();
    assert!(played.calls().len() > 10, "{} calls", played.calls().len());
    assert!(spent > worst.times(2).0 && spent <= worst.times(3).0, "{spent} of {worst}");
    assert!(over_budget(&played) > 0);
}

#[test]
fn a_line_that_has_had_its_calls_is_judged_by_what_it_has() {
    let line = Purse { calls: Some(1), ..Purse::default() };
    let mut stage = Stage::new(&bank_of(&ALL, 3, &[("BUSY", ios("fault: busy"))]));
    stage.budget = Budget { line, ..Budget::default() };
    stage.policy = Policy { attempts: 3, confirm: 1, ..Policy::default() };
    let played = stage.play();
    assert_eq!(played.calls_of("BUSY").len(), 1);
    assert_eq!(played.verdict("BUSY").fault, Some(Fault::Busy));
    assert_eq!(over_budget(&played), 0);
}

#[test]
fn checks_of_the_bench_count_for_the_runs_budget() {
    let time = Purse { time: Some(Duration::from_secs(3600)), ..Purse::default() };
    let mut stage = Stage::new(&bank_of(&["profile: courier", "profile: v250"], 4, &[("REF", ios(""))]))
        .with_reference("REF", lineman::fleet::scheduler::Preflight::Reference);
    stage.budget = Budget { run: time, ..Budget::default() };
    let played = stage.play();
    let checks: Vec<_> = played
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::BenchCheck(check) => check.charge,
            _ => None,
        })
        .collect();
    assert!(!checks.is_empty() && checks.iter().all(|charge| charge.billed_s >= 30), "{checks:?}");
}
