//! The bench is checked before it judges, and numbers are called no oftener than may be.

use std::time::Duration;

use super::{finished, secs};
use crate::fleet::redial::RedialLaw;
use crate::fleet::scheduler::watch::Watch;
use crate::fleet::scheduler::world::{CheckFate, Fate, Nature, World, modem, plan};
use crate::fleet::scheduler::{Check, Decision, Preflight, SchedulerPlan};
use crate::model::event::CheckOutcome;
use crate::model::{Fault, LineId, ModemId};

type Calls = fn(&str, &str, u32) -> Option<Fault>;
/// What the nth check of a modem meets; none is a pass.
type Checks = fn(&str, &Check, u32) -> Option<Fault>;

struct Bench {
    calls: Calls,
    checks: Checks,
}

impl Nature for Bench {
    fn call(&mut self, line: &LineId, modem: &ModemId, attempt: u32, _: &Watch) -> Fate {
        Fate::of((self.calls)(line.as_str(), modem.as_str(), attempt), 10)
    }

    fn check(&mut self, modem: &ModemId, check: &Check, nth: u32) -> CheckFate {
        match (self.checks)(modem.as_str(), check, nth) {
            None => (CheckOutcome::Passed, None, secs(20)),
            Some(fault @ (Fault::Busy | Fault::Voice)) => (CheckOutcome::Unknown, Some(fault), secs(20)),
            Some(fault) => (CheckOutcome::Failed, Some(fault), secs(20)),
        }
    }
}

fn ran(plan: SchedulerPlan, calls: Calls, checks: Checks) -> World<Bench> {
    finished(World::new(plan, Bench { calls, checks }))
}

/// With a reference number, and short pauses.
fn with_reference(lines: usize, modems: usize, preflight: Preflight) -> SchedulerPlan {
    let mut plan = plan(lines, modems);
    plan.checks.reference = Some("+19195559999".parse().unwrap());
    plan.checks.preflight = preflight;
    plan.policy.retry_after = Fault::ALL.into_iter().map(|fault| (fault, secs(1))).collect();
    plan
}

/// `(seconds, modem, check)`
fn checks(world: &World<Bench>) -> Vec<(u64, String, Check)> {
    let mut found = Vec::new();
    for (now, _, decisions) in &world.log {
        for decision in decisions {
            if let Decision::Check { modem, check } = decision {
                found.push((now.as_micros() / 1_000_000, modem.to_string(), check.clone()));
            }
        }
    }
    found
}

fn told(world: &World<Bench>, what: impl Fn(&Decision) -> bool) -> usize {
    world.decisions().filter(|decision| what(decision)).count()
}

fn id(n: usize) -> ModemId {
    modem(n).id
}

// ---- before the first line

#[test]
fn each_modem_listens_for_its_dial_tone_before_its_first_line_all_at_a_time() {
    let mut some = plan(6, 3);
    some.checks.preflight = Preflight::DialTone;
    let world = ran(some, |_, _, _| None, |_, _, _| None);
    let checks = checks(&world);
    assert_eq!(checks.len(), 3);
    assert!(checks.iter().all(|(at, _, check)| *at == 1 && *check == Check::DialTone), "{checks:?}");
    assert_eq!(world.dials().iter().filter(|dial| dial.0 == 21).count(), 3, "{:?}", world.dials());
}

#[test]
fn a_modem_without_dial_tone_is_out_for_a_while_and_tried_again() {
    let mut some = plan(30, 2);
    some.checks.preflight = Preflight::DialTone;
    let world =
        ran(some, |_, _, _| None, |modem, _, nth| (modem == "m1" && nth <= 2).then_some(Fault::NoDialtone));
    assert_eq!(checks(&world).iter().filter(|(_, modem, _)| modem == "m1").count(), 3);
    assert!(world.dials().iter().any(|dial| dial.2 == "m1"), "it is back");
    assert!((0..30).all(|n| world.fault(&format!("L{n}")).is_none()));
}

#[test]
fn a_bench_without_any_dial_tone_dials_nothing_and_fails_nothing() {
    let mut some = plan(5, 2);
    some.checks.preflight = Preflight::DialTone;
    let world = ran(some, |_, _, _| None, |_, _, _| Some(Fault::NoDialtone));
    assert_eq!(world.dials(), []);
    assert!((0..5).all(|n| world.fault(&format!("L{n}")) == Some(Fault::NoDialtone)));
}

#[test]
fn a_modem_that_does_not_reach_the_reference_judges_no_line() {
    let some = with_reference(12, 3, Preflight::Reference);
    let world = ran(
        some,
        |_, modem, _| (modem == "m1").then_some(Fault::NoConnect),
        |modem, check, _| (modem == "m1" && *check != Check::DialTone).then_some(Fault::NoConnect),
    );
    assert!(world.watch.quarantined.contains(&id(1)));
    assert!(world.dials().iter().all(|dial| dial.2 != "m1"));
    assert!((0..12).all(|n| world.fault(&format!("L{n}")).is_none()));
}

#[test]
fn where_nobody_reaches_the_reference_the_bench_is_faulty_and_nothing_is_dialed() {
    let some = with_reference(10, 16, Preflight::Reference);
    let world = ran(
        some,
        |_, _, _| Some(Fault::NoConnect),
        |_, check, _| (*check != Check::DialTone).then_some(Fault::NoConnect),
    );
    assert_eq!(world.dials(), []);
    assert!((0..10).all(|n| world.fault(&format!("L{n}")) == Some(Fault::QuarantinedBench)));
    let called = checks(&world).iter().filter(|(_, _, check)| *check == Check::Reference).count();
    assert!((6..=12).contains(&called), "{called} calls to a number that nobody reaches");
}

#[test]
fn a_reference_that_is_busy_says_nothing_and_that_is_told() {
    let some = with_reference(4, 1, Preflight::Reference);
    let world = ran(some, |_, _, _| None, |_, check, _| (*check == Check::Reference).then_some(Fault::Busy));
    assert_eq!(told(&world, |d| matches!(d, Decision::Notice(_))), 1);
    assert!((0..4).all(|n| world.fault(&format!("L{n}")).is_none()));
}

#[test]
fn a_reference_that_is_a_person_is_called_once() {
    let some = with_reference(4, 3, Preflight::Reference);
    let world = ran(some, |_, _, _| None, |_, check, _| (*check == Check::Reference).then_some(Fault::Voice));
    let called = checks(&world).iter().filter(|(_, _, check)| *check == Check::Reference).count();
    assert_eq!(called, 1);
}

// ---- failures that pile up

#[test]
fn dead_lines_with_a_healthy_bench_still_fail() {
    let some = with_reference(40, 4, Preflight::Off);
    let world = ran(some, |_, _, _| Some(Fault::NoAnswer), |_, _, _| None);
    assert!((0..40).all(|n| world.fault(&format!("L{n}")) == Some(Fault::NoAnswer)));
    assert!(world.watch.quarantined.is_empty());
    let checks = checks(&world);
    // The whole bank failed: one modem asked for all, and more is borne after each time.
    assert!((1..=4).contains(&checks.len()), "{checks:?}");
    assert_eq!(told(&world, |d| matches!(d, Decision::Withdraw { .. })), 0);
}

#[test]
fn a_bench_that_fails_in_the_night_takes_its_verdicts_back() {
    let some = with_reference(30, 2, Preflight::Off);
    let world = ran(
        some,
        |line, _, _| (line.len() == 3).then_some(Fault::NoConnect),
        |_, _, _| Some(Fault::NoConnect),
    );
    assert_eq!(world.watch.quarantined.len(), 2);
    for n in 0..30 {
        let expected = (n >= 10).then_some(Fault::QuarantinedBench);
        assert_eq!(world.fault(&format!("L{n}")), expected, "L{n}");
    }
}

#[test]
fn a_deaf_modem_is_found_its_verdicts_withdrawn_and_taken_back_once_it_hears() {
    // All that there is is dead for m0, and it alone is asked: nobody contradicts it but the reference.
    let mut some = with_reference(400, 1, Preflight::Off);
    some.policy.attempts = 1;
    some.policy.confirm = 1;
    let world = ran(
        some,
        |line, _, attempt| {
            let n: usize = line[1..].parse().unwrap();
            (n < 4 && attempt == 1).then_some(Fault::NoConnect)
        },
        |_, _, nth| (nth <= 2).then_some(Fault::NoConnect),
    );
    assert_eq!(told(&world, |d| matches!(d, Decision::Quarantine { .. })), 1);
    assert_eq!(told(&world, |d| matches!(d, Decision::Withdraw { .. })), 4);
    assert_eq!(told(&world, |d| matches!(d, Decision::TakeBack { .. })), 1);
    assert!((0..400).all(|n| world.fault(&format!("L{n}")).is_none()), "all were called again");
    assert!(world.watch.quarantined.is_empty());
}

#[test]
fn without_a_reference_a_line_that_passed_elsewhere_is_called_twice_at_most() {
    let mut some = plan(200, 3);
    some.policy.retry_after.insert(Fault::NoConnect, secs(1));
    let world = ran(
        some,
        |_, modem, _| (modem == "m0").then_some(Fault::NoConnect),
        |modem, _, _| (modem == "m0").then_some(Fault::NoConnect),
    );
    assert!(world.watch.quarantined.contains(&id(0)));
    let checks = checks(&world);
    assert!(checks.iter().any(|(_, _, check)| matches!(check, Check::Line(_))), "{checks:?}");
    assert!((0..200).all(|n| world.fault(&format!("L{n}")).is_none()));
}

#[test]
fn where_nothing_can_be_called_it_is_told_once_and_failures_stand() {
    let mut some = plan(40, 1);
    some.policy.retry_after.insert(Fault::NoAnswer, secs(1));
    let world = ran(some, |_, _, _| Some(Fault::NoAnswer), |_, _, _| None);
    assert_eq!(checks(&world), []);
    assert_eq!(told(&world, |d| matches!(d, Decision::Notice(_))), 1);
    assert!((0..40).all(|n| world.fault(&format!("L{n}")) == Some(Fault::NoAnswer)));
}

#[test]
fn modems_call_each_other_where_there_is_no_reference() {
    let mut some = plan(4, 2);
    some.checks.preflight = Preflight::Reference;
    some.modems[1].has_number = true;
    let world = ran(some, |_, _, _| None, |_, _, _| None);
    let calls: Vec<_> = checks(&world).into_iter().filter(|(.., check)| *check != Check::DialTone).collect();
    assert_eq!(calls, [(21, "m0".to_owned(), Check::Peer(id(1)))]);
    let told = told(&world, |d| matches!(d, Decision::Notice(text) if text.contains("`m1` was not checked")));
    assert_eq!(told, 1, "nobody has a number that m1 could call");
}

#[test]
fn a_resumed_run_checks_the_modems_that_were_under_quarantine() {
    let mut some = with_reference(8, 2, Preflight::Off);
    some.past.quarantined.insert(id(0));
    let mut world = World::new(some, Bench { calls: |_, _, _| None, checks: |_, _, _| None });
    // The watcher is told what it can't have seen.
    world.watch.quarantined.insert(id(0));
    let world = finished(world);
    assert_eq!(checks(&world)[0], (1, "m0".to_owned(), Check::Reference));
    assert_eq!(told(&world, |d| matches!(d, Decision::TakeBack { .. })), 1);
    assert!(world.dials().iter().any(|dial| dial.2 == "m0"));
}

// ---- law and refusals

#[test]
fn redial_rules_hold_for_a_number_whatever_its_lines() {
    let mut some = plan(2, 3);
    some.lines[1].ways[0].number = some.lines[0].ways[0].number.clone();
    some.redial = RedialLaw { attempts: Some(3), busy_attempts: None, pauses: vec![secs(120)] };
    some.policy.retry_after.insert(Fault::Reorder, secs(1));
    let world = ran(some, |_, _, _| Some(Fault::Reorder), |_, _, _| None);
    let at: Vec<u64> = world.dials().iter().map(|dial| dial.0).collect();
    assert_eq!(at, [1, 131, 261], "three calls to the number in all, 120 s apart");
    assert_eq!(world.fault("L0"), Some(Fault::Reorder));
    assert_eq!(world.fault("L1"), Some(Fault::Reorder));
    let details = format!("{} {}", world.verdict("L0").detail, world.verdict("L1").detail);
    assert!(details.contains("redial rules"), "{details}");
}

#[test]
fn a_line_whose_number_is_spent_before_its_first_call_is_over_budget() {
    let mut some = plan(2, 1);
    some.lines[1].ways[0].number = some.lines[0].ways[0].number.clone();
    some.redial = RedialLaw { attempts: Some(1), ..RedialLaw::default() };
    let world = ran(some, |_, _, _| Some(Fault::Busy), |_, _, _| None);
    assert_eq!(world.dials().len(), 1);
    assert_eq!((world.fault("L0"), world.fault("L1")), (Some(Fault::Busy), Some(Fault::OverBudget)));
}

/// m0 refuses every number at first, for so long if it tells.
struct Refusing(Option<Duration>);

impl Nature for Refusing {
    fn call(&mut self, _: &LineId, modem: &ModemId, attempt: u32, _: &Watch) -> Fate {
        let fault = (modem.as_str() == "m0" && attempt == 1).then_some(Fault::ModemRefused);
        Fate { refused_for: self.0, ..Fate::of(fault, 1) }
    }
}

#[test]
fn a_refusal_is_kept_for_the_time_that_it_names() {
    let world = finished(World::new(plan(1, 1), Refusing(Some(secs(3600)))));
    let at: Vec<u64> = world.dials().iter().map(|dial| dial.0).collect();
    assert_eq!((at, world.fault("L0")), (vec![1, 3602], None));
}

#[test]
fn a_refusal_without_a_time_is_for_the_whole_run_on_that_modem_and_no_other() {
    let world = finished(World::new(plan(1, 2), Refusing(None)));
    let modems: Vec<String> = world.dials().into_iter().map(|dial| dial.2).collect();
    assert_eq!((modems, world.fault("L0")), (vec!["m0".to_owned(), "m1".to_owned()], None));
    let world = finished(World::new(plan(1, 1), Refusing(None)));
    assert_eq!((world.dials().len(), world.fault("L0")), (1, Some(Fault::ModemRefused)));
    assert!(world.verdict("L0").detail.contains("refuses its number"), "{}", world.verdict("L0").detail);
}

// ---- what a check must not do

#[test]
fn failures_at_the_very_end_are_checked_before_the_run_is_over() {
    let mut some = with_reference(10, 1, Preflight::Off);
    some.policy.attempts = 1;
    some.policy.confirm = 1;
    // Deaf from its seventh line on: the queue is empty when the fourth failure is known.
    let world = ran(
        some,
        |line, _, _| matches!(line, "L6" | "L7" | "L8" | "L9").then_some(Fault::NoConnect),
        |_, _, _| Some(Fault::NoConnect),
    );
    for n in 6..10 {
        assert_eq!(world.fault(&format!("L{n}")), Some(Fault::QuarantinedBench), "L{n}");
    }
    assert!((0..6).all(|n| world.fault(&format!("L{n}")).is_none()));
}

#[test]
fn two_known_lines_are_called_before_one_is_called_twice() {
    let mut some = plan(60, 3);
    some.policy.retry_after.insert(Fault::NoConnect, secs(1));
    let nature = |_: &str, modem: &str, _: u32| {
        if modem == "m0" { Fate::of(Some(Fault::NoConnect), 5) } else { Fate::of(None, 100) }
    };
    let world = finished(World::new(some, nature));
    let called: Vec<&Check> = world
        .decisions()
        .filter_map(|decision| match decision {
            Decision::Check { modem, check } if *modem == id(0) => Some(check),
            _ => None,
        })
        .collect();
    assert!(called.len() >= 2 && called[0] != called[1], "{called:?}");
}

/// Deaf `m1` beside others that only have dead lines.
struct Deaf;
impl Nature for Deaf {
    fn call(&mut self, _: &LineId, modem: &ModemId, _: u32, _: &Watch) -> Fate {
        Fate::of(Some(Fault::NoAnswer), if modem.as_str() == "m1" { 10 } else { 40 })
    }

    fn check(&mut self, modem: &ModemId, _: &Check, _: u32) -> CheckFate {
        match modem.as_str() {
            "m1" => (CheckOutcome::Failed, Some(Fault::NoConnect), secs(20)),
            _ => (CheckOutcome::Passed, None, secs(20)),
        }
    }
}

#[test]
fn who_failed_a_check_is_not_acquitted_by_another_ones() {
    let mut some = with_reference(60, 2, Preflight::Off);
    // The reference is left alone for a while after each failed call.
    some.redial = RedialLaw { attempts: None, busy_attempts: None, pauses: vec![secs(300)] };
    let world = finished(World::new(some, Deaf));
    let of: Vec<(u64, &Decision)> = world
        .log
        .iter()
        .flat_map(|(now, _, decisions)| decisions.iter().map(move |d| (now.as_micros() / 1_000_000, d)))
        .filter(|(_, decision)| match decision {
            Decision::Check { modem, .. }
            | Decision::Quarantine { modem, .. }
            | Decision::Dial { modem, .. } => *modem == id(1),
            _ => false,
        })
        .collect();
    let first = of.iter().position(|(_, decision)| matches!(decision, Decision::Check { .. })).unwrap();
    let then: Vec<_> = of[first..].iter().take(3).collect();
    assert!(
        matches!(
            then[..],
            [(_, Decision::Check { .. }), (_, Decision::Check { .. }), (_, Decision::Quarantine { .. })]
        ),
        "no line in between: {then:?}"
    );
}

#[test]
fn a_modem_number_that_is_a_person_is_called_once() {
    let mut some = plan(12, 4);
    some.checks.preflight = Preflight::Reference;
    some.modems[3].has_number = true;
    let world =
        ran(some, |_, _, _| None, |_, check, _| matches!(check, Check::Peer(_)).then_some(Fault::Voice));
    let called = checks(&world).iter().filter(|(.., check)| matches!(check, Check::Peer(_))).count();
    assert_eq!(called, 1);
}

#[test]
fn a_dead_reference_does_not_condemn_the_only_modem() {
    let some = with_reference(40, 1, Preflight::Off);
    let world = ran(
        some,
        |line, _, _| matches!(line, "L8" | "L9" | "L10" | "L11" | "L12" | "L13").then_some(Fault::NoAnswer),
        |_, check, _| (*check == Check::Reference).then_some(Fault::NoAnswer),
    );
    assert!(checks(&world).iter().any(|(.., check)| *check == Check::Reference));
    assert!(told(&world, |d| matches!(d, Decision::Quarantine { .. })) == 0, "{:?}", checks(&world));
    assert_eq!(world.fault("L8"), Some(Fault::NoAnswer));
}

/// The reference is dead and may be called three times; after that the one line that has passed has been called as often
/// as it may.
#[test]
fn a_reference_that_nobody_has_reached_does_not_condemn_by_one_call() {
    struct Dead;
    impl Nature for Dead {
        fn call(&mut self, line: &LineId, modem: &ModemId, _: u32, _: &Watch) -> Fate {
            match (modem.as_str(), line.as_str()) {
                ("m0", _) => Fate::of(Some(Fault::NoAnswer), 10),
                (_, "L1") => Fate::of(None, 10),
                _ => Fate::of(None, 5000),
            }
        }

        fn check(&mut self, _: &ModemId, check: &Check, _: u32) -> CheckFate {
            match check {
                Check::Reference => (CheckOutcome::Failed, Some(Fault::NoConnect), secs(20)),
                _ => (CheckOutcome::Passed, None, secs(20)),
            }
        }
    }
    let mut some = with_reference(40, 2, Preflight::Off);
    (some.policy.attempts, some.policy.confirm) = (1, 1);
    some.redial = RedialLaw { attempts: Some(3), busy_attempts: None, pauses: Vec::new() };
    let world = finished(World::new(some, Dead));
    let called = |what: &Check| {
        world
            .decisions()
            .filter(|decision| matches!(decision, Decision::Check { check, .. } if check == what))
            .count()
    };
    assert_eq!(called(&Check::Reference), 3);
    let quarantined = world.decisions().any(|decision| matches!(decision, Decision::Quarantine { .. }));
    assert!(!quarantined, "nobody knows whether anything answers there");
}
