mod checks;
mod limits;
mod orders;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::watch::Watch;
use super::world::{CheckFate, Fate, Nature, SetUp, World, line, modem, plan};
use super::{CalledBefore, Check, Decision, Input, Preset, SchedulerPlan};
use crate::fleet::redial::RedialLaw;
use crate::model::event::CheckOutcome;
use crate::model::{Fault, LineId, ModemId, Mono};

const GOOD: Option<Fault> = None;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// All calls of a line find the same, whatever the modem.
fn all(fates: &'static [(&'static str, Option<Fault>)]) -> impl FnMut(&str, &str, u32) -> Fate {
    move |line, _, _| {
        let fault = fates.iter().find(|(id, _)| *id == line).and_then(|(_, fault)| *fault);
        Fate::of(fault, 30)
    }
}

fn finished<N: Nature>(mut world: World<N>) -> World<N> {
    assert!(world.run(100_000), "it does not come to its end");
    world
}

fn ran<N: Nature>(plan: SchedulerPlan, nature: N) -> World<N> {
    finished(World::new(plan, nature))
}

fn lines_dialed<N: Nature>(world: &World<N>) -> Vec<String> {
    world.dials().into_iter().map(|(_, line, _)| line).collect()
}

// ---- verdicts

#[test]
fn what_a_lines_calls_make_of_it() {
    use Fault::*;
    type Row = (&'static str, &'static [Option<Fault>], Option<Fault>, u32);
    // What the first, second .. call finds; the verdict; the call that decides.
    let table: &[Row] = &[
        ("a pass", &[None], None, 1),
        ("a blemish is a pass", &[Some(Noisy)], Some(Noisy), 1),
        ("a lost logout is no reason to call again", &[Some(LogoutUnproven)], Some(LogoutUnproven), 1),
        ("two failing calls", &[Some(Busy), Some(Busy)], Some(Busy), 2),
        ("the one that got furthest decides", &[Some(LoginTimeout), Some(Busy)], Some(LoginTimeout), 1),
        ("of equals the last", &[Some(Reorder), Some(Busy)], Some(Busy), 2),
        ("a retry", &[Some(NoAnswer), None], Some(NeededRetry), 2),
        ("a retry with a blemish", &[Some(NoAnswer), Some(Noisy)], Some(Noisy), 2),
        ("no carrier, twice", &[Some(NoCarrier), Some(NoCarrier)], Some(NoCarrier), 2),
        ("carrier lost, then fine", &[Some(CarrierLost), None], Some(NeededRetry), 2),
        ("voice", &[Some(Voice)], Some(Voice), 1),
        ("a fax", &[Some(Fax)], Some(Fax), 1),
        ("a refused login", &[Some(LoginRefused)], Some(LoginRefused), 1),
        ("an expired password", &[Some(PasswordExpired)], Some(PasswordExpired), 1),
        ("an open console", &[Some(OpenConsole)], Some(OpenConsole), 1),
        ("a boot prompt", &[Some(BootPrompt)], Some(BootPrompt), 1),
        ("busy, then voice", &[Some(Busy), Some(Voice)], Some(Voice), 2),
        ("a bench fault is not the line's", &[Some(NoDialtone), None], None, 2),
        ("nor a reason for needed-retry", &[Some(ModemSilent), Some(PortLost), None], None, 3),
        ("and does not confirm", &[Some(Busy), Some(NoDialtone), Some(Busy)], Some(Busy), 3),
    ];
    for (what, calls, verdict, decides) in table {
        let world = ran(plan(1, 3), |_: &str, _: &str, attempt: u32| {
            Fate::of(*calls.get(attempt as usize - 1).expect("one call too many"), 30)
        });
        let found = world.verdict("L0");
        assert_eq!(found.fault, *verdict, "{what}: {found:?}");
        assert_eq!(found.call.as_ref().unwrap().to_string(), format!("L0.{decides}"), "{what}");
        assert_eq!(found.attempts as usize, calls.len(), "{what}");
    }
}

#[test]
fn a_retry_tells_what_failed_first() {
    let world = ran(plan(1, 2), |_: &str, _: &str, attempt: u32| {
        Fate::of(if attempt == 1 { Some(Fault::Busy) } else { GOOD }, 10)
    });
    assert_eq!(world.verdict("L0").detail, "passed at call 2, after busy on m0");
}

#[test]
fn attempts_bound_the_calls_where_confirm_is_out_of_reach() {
    let mut three = plan(1, 4);
    three.policy.attempts = 2;
    three.policy.confirm = 5;
    let world = ran(three, all(&[("L0", Some(Fault::ConsoleSilent))]));
    assert_eq!((world.fault("L0"), world.dials().len()), (Some(Fault::ConsoleSilent), 2));
}

/// A technician's `--repeat` of one line, on one modem.
fn repeated(calls: u32) -> SchedulerPlan {
    let mut plan = plan(1, 1);
    let policy = &mut plan.policy;
    (policy.attempts, policy.confirm, policy.repeat) = (calls, calls, calls);
    policy.bench_calls_per_modem = 1;
    plan
}

#[test]
fn calls_that_are_to_be_repeated_are_made_whatever_they_find() {
    use Fault::*;
    type Row = (&'static str, u32, &'static [Option<Fault>], Option<Fault>);
    let table: &[Row] = &[
        ("all pass", 4, &[None, None, None, None], None),
        ("some fail", 4, &[Some(Busy), None, Some(NoAnswer), None], Some(NeededRetry)),
        ("a blemish", 3, &[None, Some(Noisy), None], Some(Noisy)),
        ("all fail, and the furthest decides", 3, &[Some(Busy), Some(NoAnswer), Some(Busy)], Some(NoAnswer)),
        ("a person ends it", 5, &[None, Some(Voice)], Some(NeededRetry)),
        ("a refused login ends it", 5, &[Some(LoginRefused)], Some(LoginRefused)),
        ("our own side ends it", 5, &[None, Some(NoDialtone)], None),
        (
            "no carrier twice in a row ends it",
            6,
            &[None, Some(NoCarrier), None, Some(NoCarrier), Some(NoCarrier)],
            Some(NeededRetry),
        ),
        ("no carrier at all", 6, &[Some(NoCarrier), Some(NoCarrier)], Some(NoCarrier)),
    ];
    for (what, wanted, calls, verdict) in table {
        let world = ran(repeated(*wanted), |_: &str, _: &str, attempt: u32| {
            Fate::of(
                *calls.get(attempt as usize - 1).unwrap_or_else(|| panic!("{what}: one call too many")),
                30,
            )
        });
        let found = world.verdict("L0");
        assert_eq!((found.fault, found.attempts as usize), (*verdict, calls.len()), "{what}: {found:?}");
    }
}

#[test]
fn a_call_that_passed_has_its_pause_before_the_next_one() {
    let mut plan = repeated(3);
    plan.policy.repeat_pause = secs(40);
    let world = ran(plan, all(&[]));
    assert!(world.now >= Mono::ZERO + secs(3 * 30 + 2 * 40), "{:?}", world.now);
    assert_eq!(world.dials().len(), 3);
}

#[test]
fn the_law_on_calling_again_does_not_begin_anew_with_each_run() {
    let mut before = repeated(1);
    before.redial = RedialLaw { attempts: Some(3), busy_attempts: None, pauses: vec![secs(120)] };
    let number = before.lines[0].ways[0].number.clone();
    let called = |ago| CalledBefore {
        number: number.clone(),
        ago: secs(ago),
        fault: Some(Fault::NoAnswer),
        through: false,
    };
    before.past.called = vec![called(30)];
    let mut spent = before.clone();
    let world = ran(before, all(&[]));
    assert!(world.now >= Mono::ZERO + secs(90), "{:?}", world.now);
    spent.past.called = vec![called(900), called(600), called(300)];
    let world = ran(spent, all(&[]));
    assert_eq!((world.fault("L0"), world.dials().len()), (Some(Fault::OverBudget), 0));
}

#[test]
fn a_number_that_answered_without_carrier_gets_two_calls_a_run() {
    let mut shared = plan(2, 3);
    shared.policy.confirm = 3;
    shared.lines[1].ways[0].number = shared.lines[0].ways[0].number.clone();
    let world = ran(shared, all(&[("L0", Some(Fault::NoCarrier)), ("L1", Some(Fault::NoCarrier))]));
    assert_eq!(world.dials().len(), 2);
    assert_eq!((world.fault("L0"), world.fault("L1")), (Some(Fault::NoCarrier), Some(Fault::NoCarrier)));
}

#[test]
fn nobody_is_woken_for_a_second_line_of_the_same_number() {
    let mut shared = plan(3, 1);
    shared.lines[2].ways[0].number = shared.lines[0].ways[0].number.clone();
    let world = ran(shared, all(&[("L0", Some(Fault::Voice))]));
    assert_eq!(lines_dialed(&world), ["L0", "L1"]);
    let inherited = world.verdict("L2");
    assert_eq!((inherited.fault, inherited.attempts, &inherited.call), (Some(Fault::Voice), 0, &None));
    assert!(inherited.detail.contains("`L0`"), "{}", inherited.detail);
}

// ---- order

#[test]
fn longest_expected_first_ties_in_plan_order_and_the_proving_line_before_all() {
    let mut some = plan(5, 1);
    some.lines[1].expected = Some(secs(90));
    some.lines[2].expected = Some(secs(20));
    some.lines[4].prove_on = true;
    let world = ran(some.clone(), all(&[]));
    assert_eq!(lines_dialed(&world), ["L4", "L1", "L0", "L3", "L2"]);
    some.policy.in_order = true;
    assert_eq!(lines_dialed(&ran(some, all(&[]))), ["L4", "L0", "L1", "L2", "L3"]);
}

#[test]
fn a_line_whose_first_call_took_long_goes_before_those_never_called() {
    let mut some = plan(8, 2);
    some.policy.retry_after.insert(Fault::NoAnswer, secs(20));
    let world =
        ran(
            some,
            |line: &str, _: &str, _: u32| {
                if line == "L0" { Fate::of(Some(Fault::NoAnswer), 100) } else { Fate::of(GOOD, 30) }
            },
        );
    // m0 was on it from 1 to 101; from 121 on it is the first that m1 takes.
    let again = world.dials().into_iter().filter(|(_, line, _)| line == "L0").nth(1).unwrap();
    assert_eq!((again.0, again.2.as_str()), (121, "m1"));
}

#[test]
fn a_waiting_line_never_blocks_a_modem() {
    let world = ran(plan(4, 1), |line: &str, _: &str, attempt: u32| {
        Fate::of((line == "L0" && attempt == 1).then_some(Fault::Busy), 10)
    });
    let dials = world.dials();
    assert_eq!(
        dials.iter().map(|(at, line, _)| (*at, line.as_str())).collect::<Vec<_>>(),
        [(1, "L0"), (11, "L1"), (21, "L2"), (31, "L3"), (11 + 180, "L0"),]
    );
    let waits: Vec<_> = world.decisions().filter(|d| matches!(d, Decision::Waits { .. })).collect();
    assert!(matches!(&waits[..], [Decision::Waits { line, until: Some(until), why, .. }]
            if line.as_str() == "L0" && until.as_micros() == 191_000_000 && why == "after busy"));
}

#[test]
fn trunk_limits_hold_and_the_rest_of_the_bank_goes_on() {
    let mut some = plan(6, 4);
    for seat in &mut some.modems[..3] {
        seat.trunk = Some("pstn".parse().unwrap());
    }
    some.trunks.insert("pstn".parse().unwrap(), NonZeroU32::new(2).unwrap());
    let at_start: Vec<String> =
        ran(some, all(&[])).dials().into_iter().filter(|dial| dial.0 == 1).map(|dial| dial.2).collect();
    assert_eq!(at_start, ["m0", "m1", "m3"]);
}

// ---- another modem

#[test]
fn a_failing_call_is_confirmed_on_another_modem_even_if_one_must_wait_for_it() {
    let mut some = plan(2, 2);
    some.policy.retry_after.insert(Fault::ConsoleSilent, secs(1));
    // L0 fails on m0 after 10 s; m1 is on L1 for 300 s more.
    let world =
        ran(
            some,
            |line: &str, _: &str, _: u32| {
                if line == "L0" { Fate::of(Some(Fault::ConsoleSilent), 10) } else { Fate::of(GOOD, 300) }
            },
        );
    let dials = world.dials();
    assert_eq!(dials[2], (301, "L0".to_owned(), "m1".to_owned()));
}

struct Bank {
    calls: fn(&str, &str, u32) -> Fate,
    /// Of each modem, the fault of every set-up from this one to that one.
    set_ups: BTreeMap<&'static str, (u32, u32, Fault)>,
}

impl Nature for Bank {
    fn call(&mut self, line: &LineId, modem: &ModemId, attempt: u32, _: &Watch) -> Fate {
        (self.calls)(line.as_str(), modem.as_str(), attempt)
    }

    fn set_up(&mut self, modem: &ModemId, nth: u32) -> SetUp {
        match self.set_ups.get(modem.as_str()) {
            Some(&(from, to, fault)) if (from..=to).contains(&nth) => (Err(fault), secs(1)),
            _ => (Ok(()), secs(1)),
        }
    }

    fn check(&mut self, _: &ModemId, _: &Check, _: u32) -> CheckFate {
        (CheckOutcome::Failed, Some(Fault::NoConnect), secs(20))
    }
}

fn good(_: &str, _: &str, _: u32) -> Fate {
    Fate::of(GOOD, 30)
}

fn silent(_: &str, _: &str, _: u32) -> Fate {
    Fate::of(Some(Fault::ConsoleSilent), 10)
}

#[test]
fn with_one_modem_in_service_the_same_one_confirms() {
    for fault in [Fault::PortBusy, Fault::ModemSilent] {
        let bank = Bank { calls: silent, set_ups: BTreeMap::from([("m1", (1, u32::MAX, fault))]) };
        let world = ran(plan(1, 2), bank);
        assert_eq!(world.fault("L0"), Some(Fault::ConsoleSilent));
        let modems: Vec<String> = world.dials().into_iter().map(|dial| dial.2).collect();
        assert_eq!(modems, ["m0", "m0"], "{fault}");
    }
}

#[test]
fn a_modem_that_comes_back_confirms() {
    let bank = Bank { calls: silent, set_ups: BTreeMap::from([("m1", (1, 2, Fault::ModemSilent))]) };
    let world = ran(plan(1, 2), bank);
    // Set up at 0, 11 and 42 s.
    assert_eq!(world.dials()[1], (43, "L0".to_owned(), "m1".to_owned()));
}

#[test]
fn a_bench_fault_moves_the_line_at_once_and_takes_the_modem_out() {
    let world = ran(plan(1, 2), |_: &str, modem: &str, _: u32| {
        Fate::of((modem == "m0").then_some(Fault::ModemSilent), 10)
    });
    assert_eq!(world.fault("L0"), None);
    assert_eq!(world.dials()[1], (11, "L0".to_owned(), "m1".to_owned()));
}

#[test]
fn a_line_that_no_modem_can_dial_is_untested_with_their_fault() {
    for (modems, calls) in [(1, 2), (2, 4), (8, 6)] {
        let mut some = plan(1, modems);
        some.policy.bench.pauses = vec![secs(1)];
        let world = ran(some, all(&[("L0", Some(Fault::NoDialtone))]));
        let verdict = world.verdict("L0");
        assert_eq!((verdict.fault, verdict.attempts), (Some(Fault::NoDialtone), calls), "{modems} modems");
    }
}

#[test]
fn two_calls_in_a_row_without_an_outside_line_rest_a_modem() {
    let world = ran(plan(6, 2), |_: &str, modem: &str, _: u32| {
        Fate::of((modem == "m0").then_some(Fault::NoDialtone), 5)
    });
    let on_m0: Vec<u64> =
        world.dials().into_iter().filter(|dial| dial.2 == "m0").map(|dial| dial.0).collect();
    // 1 and 6 s, then 10 s of rest and a set-up, all over again with 30 s.
    assert_eq!(on_m0[..3], [1, 6, 22]);
    assert!((0..6).all(|n| world.fault(&format!("L{n}")).is_none()));
}

// ---- a bank that is out

#[test]
fn lines_wait_for_the_only_modem_and_its_pauses_grow() {
    let bank = Bank { calls: good, set_ups: BTreeMap::from([("m0", (1, 4, Fault::ModemSilent))]) };
    let world = ran(plan(1, 1), bank);
    let set_ups: Vec<u64> = world
        .log
        .iter()
        .filter(|(_, _, decisions)| decisions.iter().any(|d| matches!(d, Decision::SetUp(_))))
        .map(|(now, _, _)| now.as_micros() / 1_000_000)
        .collect();
    assert_eq!(set_ups, [0, 11, 42, 103, 164]);
    assert_eq!(world.fault("L0"), None);
}

#[test]
fn a_modem_that_never_comes_is_given_up_and_the_lines_are_untested_with_its_fault() {
    let bank = Bank { calls: good, set_ups: BTreeMap::from([("m0", (1, u32::MAX, Fault::ModemError))]) };
    let world = ran(plan(2, 1), bank);
    assert!(world.decisions().any(|d| matches!(d, Decision::GiveUp { fault: Fault::ModemError, .. })));
    assert_eq!((world.fault("L0"), world.fault("L1")), (Some(Fault::ModemError), Some(Fault::ModemError)));
    assert_eq!(world.watch.seats.len(), 1);
    assert!(world.verdict("L0").detail.contains("`m0`"));
}

#[test]
fn busy_ports_are_tried_until_patience_ends() {
    let bank = Bank { calls: good, set_ups: BTreeMap::from([("m0", (1, u32::MAX, Fault::PortBusy))]) };
    let world = ran(plan(1, 1), bank);
    assert_eq!(world.fault("L0"), Some(Fault::PortBusy));
    assert_eq!(world.now.as_micros(), 600_000_000);
    assert!(!world.decisions().any(|d| matches!(d, Decision::GiveUp { .. })));
}

#[test]
fn a_bank_without_modems_judges_at_once() {
    let world = ran(plan(2, 0), all(&[]));
    assert_eq!(world.fault("L1"), Some(Fault::PortOpenFailed));
    assert_eq!(world.log.len(), 1);
}

#[test]
fn a_modem_that_is_told_out_in_a_call_goes_when_the_call_is_over() {
    let mut world = World::new(plan(3, 1), all(&[]));
    world.at(10, Input::ModemOut { modem: modem(0).id, fault: Fault::ModemError, detail: "wedged".into() });
    let world = finished(world);
    let at: Vec<u64> = world.dials().into_iter().map(|dial| dial.0).collect();
    assert_eq!(at, [1, 42, 72], "10 s of pause and 1 s of set-up after its first call");
}

// ---- panics

#[test]
fn a_panic_costs_one_call_and_is_a_verdict_only_if_it_persists() {
    let panics = |fault: Option<Fault>| Fate { panics: true, ..Fate::of(fault, 5) };
    let once = ran(
        plan(1, 2),
        move |_: &str, _: &str, attempt: u32| {
            if attempt == 1 { panics(None) } else { Fate::of(GOOD, 5) }
        },
    );
    assert_eq!(once.fault("L0"), None);
    assert_eq!(once.dials()[1].2, "m1", "the line goes to another modem");
    let set_up_again =
        once.decisions().filter(|d| matches!(d, Decision::SetUp(m) if m.as_str() == "m0")).count();
    assert_eq!(set_up_again, 2);

    let twice = ran(plan(1, 2), move |_: &str, _: &str, _: u32| panics(None));
    assert_eq!((twice.fault("L0"), twice.dials().len()), (Some(Fault::Internal), 2));
    let alone = ran(plan(1, 1), move |_: &str, _: &str, _: u32| panics(None));
    assert_eq!((alone.fault("L0"), alone.dials().len()), (Some(Fault::Internal), 3));
}

// ---- credentials

fn with_credential(lines: usize, modems: usize) -> SchedulerPlan {
    let mut some = plan(lines, modems);
    for job in &mut some.lines {
        job.credential = Some("oob".parse().unwrap());
    }
    some
}

struct Desk;

impl Nature for Desk {
    /// The first line proves it, after a long while; the others lose their patience before.
    fn call(&mut self, line: &LineId, _: &ModemId, _: u32, watch: &Watch) -> Fate {
        match line.as_str() {
            "L0" => Fate::of(GOOD, 100),
            _ if watch.proven.is_empty() => Fate::of(Some(Fault::CredentialUnproven), 20),
            _ => Fate::of(GOOD, 20),
        }
    }
}

#[test]
fn lines_that_found_the_credential_unproven_wait_until_it_is_proven() {
    let world = ran(with_credential(3, 3), Desk);
    let dials: Vec<(u64, String)> = world.dials().into_iter().map(|(at, line, _)| (at, line)).collect();
    let expect = [(1, "L0"), (1, "L1"), (1, "L2"), (101, "L1"), (101, "L2")];
    assert_eq!(dials, expect.map(|(at, line)| (at, line.to_owned())));
    assert_eq!((world.fault("L1"), world.fault("L2")), (None, None), "and no retry is held against them");
}

#[test]
fn once_it_is_stopped_lines_are_still_dialed_up_to_the_prompt() {
    struct Stopped;
    impl Nature for Stopped {
        fn call(&mut self, line: &LineId, _: &ModemId, _: u32, watch: &Watch) -> Fate {
            match line.as_str() {
                "L0" => Fate::of(Some(Fault::LoginRefused), 30),
                "L3" => Fate::of(Some(Fault::Busy), 5),
                _ if watch.stopped.is_empty() => Fate::of(Some(Fault::CredentialUnproven), 20),
                _ => Fate::of(Some(Fault::CredentialUnproven), 10),
            }
        }
    }
    let world = ran(with_credential(4, 2), Stopped);
    assert_eq!(world.fault("L0"), Some(Fault::LoginRefused));
    assert_eq!((world.fault("L1"), world.verdict("L1").attempts), (Some(Fault::CredentialUnproven), 1));
    assert_eq!((world.fault("L2"), world.verdict("L2").attempts), (Some(Fault::CredentialUnproven), 1));
    assert_eq!(world.fault("L3"), Some(Fault::Busy));
}

#[test]
fn a_proving_line_that_never_gets_there_does_not_block_the_others() {
    struct Stuck;
    impl Nature for Stuck {
        fn call(&mut self, line: &LineId, _: &ModemId, attempt: u32, _: &Watch) -> Fate {
            match (line.as_str(), attempt) {
                ("L0", _) => Fate::of(Some(Fault::NoAnswer), 90),
                (_, 1) => Fate::of(Some(Fault::CredentialUnproven), 20),
                _ => Fate::of(GOOD, 20),
            }
        }
    }
    let mut some = with_credential(4, 4);
    some.lines[0].prove_on = true;
    let world = ran(some, Stuck);
    assert_eq!(world.fault("L0"), Some(Fault::NoAnswer));
    assert!((1..4).all(|n| world.fault(&format!("L{n}")).is_none()));
}

#[test]
fn a_credential_that_is_never_proven_ends_after_the_attempts() {
    let world =
        ran(with_credential(2, 2), |_: &str, _: &str, _: u32| Fate::of(Some(Fault::CredentialUnproven), 20));
    for id in ["L0", "L1"] {
        assert_eq!((world.fault(id), world.verdict(id).attempts), (Some(Fault::CredentialUnproven), 3));
    }
}

// ---- quarantine

/// m0 hears no carrier on anything, busy on the even lines; L8 is really silent.
fn deaf(line: &str, modem: &str, _: u32) -> Fate {
    match (modem, line) {
        ("m0", _) => Fate::of(Some(Fault::NoConnect), 10),
        (_, "L8") => Fate::of(Some(Fault::ConsoleSilent), 20),
        _ => Fate::of(GOOD, 20),
    }
}

#[test]
fn a_modem_that_fails_where_others_succeed_is_quarantined_and_its_verdicts_are_withdrawn() {
    let mut some = plan(16, 3);
    some.policy.retry_after.insert(Fault::NoConnect, secs(1));
    let world = ran(some, deaf);
    let quarantined: Vec<_> = world
        .decisions()
        .filter_map(|d| match d {
            Decision::Quarantine { modem, detail, .. } => Some((modem.to_string(), detail.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(quarantined.len(), 1);
    assert_eq!(quarantined[0].0, "m0");
    for n in (0..16).filter(|&n| n != 8) {
        assert_eq!(world.fault(&format!("L{n}")), None, "L{n}: a plain pass, since only m0 had failed");
    }
    assert_eq!(world.fault("L8"), Some(Fault::ConsoleSilent));
    let withdrawn = world.decisions().filter(|d| matches!(d, Decision::Withdraw { .. })).count();
    assert!(withdrawn >= 3, "{withdrawn} needed-retry verdicts were taken back");
}

#[test]
fn a_voice_that_only_a_bad_modem_heard_is_neither_believed_nor_called_again() {
    let mut some = plan(16, 3);
    some.policy.retry_after.insert(Fault::NoConnect, secs(1));
    let world =
        ran(
            some,
            |line: &str, modem: &str, attempt: u32| {
                if line == "L0" { Fate::of(Some(Fault::Voice), 10) } else { deaf(line, modem, attempt) }
            },
        );
    assert_eq!(world.dials().iter().filter(|dial| dial.1 == "L0").count(), 1);
    assert_eq!(world.fault("L0"), Some(Fault::QuarantinedBench));
    assert!(world.verdict("L0").detail.contains("voice"), "{}", world.verdict("L0").detail);
}

#[test]
fn when_only_modems_under_quarantine_are_left_lines_are_untested() {
    let mut some = plan(30, 2);
    some.policy.retry_after.insert(Fault::NoConnect, secs(1));
    some.policy.bench.setups_max = 1;
    let mut world =
        World::new(some, Bank { calls: deaf, set_ups: BTreeMap::from([("m1", (2, 99, Fault::PortLost))]) });
    // m1 goes when m0 is under quarantine already.
    world.at(200, Input::ModemOut { modem: modem(1).id, fault: Fault::PortLost, detail: "gone".into() });
    let world = finished(world);
    assert!(world.watch.quarantined.contains(&modem(0).id));
    let verdict = world.verdict("L29");
    assert_eq!(verdict.fault, Some(Fault::QuarantinedBench));
    assert!(verdict.detail.contains("`m1`: set-up: port-lost"), "{}", verdict.detail);
}

// ---- beginnings and ends

#[test]
fn preset_lines_have_their_verdict_at_the_start_and_are_never_dialed() {
    let mut some = plan(3, 1);
    some.lines[1].preset =
        Some(Preset { fault: Fault::Screened, detail: "911 is an emergency number".into() });
    let world = ran(some, all(&[]));
    assert_eq!(lines_dialed(&world), ["L0", "L2"]);
    assert!(matches!(&world.log[0].2[0], Decision::Verdict(v) if v.fault == Some(Fault::Screened)
            && v.detail == "911 is an emergency number" && v.attempts == 0));
}

#[test]
fn a_plan_of_presets_alone_touches_no_modem() {
    let mut some = plan(2, 3);
    for job in &mut some.lines {
        job.preset = Some(Preset { fault: Fault::Skipped, detail: String::new() });
    }
    let world = ran(some, all(&[]));
    assert_eq!(world.log.len(), 1);
    assert!(matches!(world.log[0].2[..], [Decision::Verdict(_), Decision::Verdict(_), Decision::Finished]));
}

#[test]
fn a_drain_lets_calls_end_and_cancels_the_rest() {
    let mut world = World::new(plan(5, 2), all(&[("L1", Some(Fault::Busy))]));
    world.at(10, Input::Drain);
    let world = finished(world);
    assert_eq!(lines_dialed(&world), ["L0", "L1"]);
    assert_eq!(world.fault("L0"), None);
    for n in 1..5 {
        assert_eq!(world.fault(&format!("L{n}")), Some(Fault::Cancelled), "L{n}");
    }
    assert_eq!(world.now.as_micros(), 31_000_000);
}

#[test]
fn a_deadline_lets_calls_end_and_leaves_off_the_rest() {
    let nature = |line: &str, _: &str, _: u32| Fate::of((line == "L1").then_some(Fault::Busy), 30);
    let mut world = World::new(plan(4, 2), nature);
    world.at(10, Input::Deadline);
    let world = finished(world);
    assert_eq!(world.dials().len(), 2);
    assert_eq!(world.fault("L0"), None, "its call ended as it would have");
    for line in ["L1", "L2", "L3"] {
        assert_eq!(world.fault(line), Some(Fault::PastDeadline), "{line}");
    }
    assert_eq!(world.verdict("L1").detail, "the deadline came after its first call");
    assert_eq!(world.verdict("L2").detail, "the deadline came before its first call");
}

#[test]
fn a_call_that_is_not_made_counts_for_nothing() {
    let nature = |line: &str, _: &str, _: u32| Fate { refused: line == "L0", ..Fate::of(GOOD, 30) };
    let world = ran(plan(2, 1), nature);
    let verdict = world.verdict("L0");
    assert_eq!((verdict.fault, verdict.attempts, &verdict.call), (Some(Fault::Screened), 0, &None));
    assert_eq!((world.fault("L1"), lines_dialed(&world)), (GOOD, vec!["L0".to_owned(), "L1".to_owned()]));
}

#[test]
fn a_drain_before_anything_is_ready_ends_at_once() {
    let mut world = World::new(plan(3, 2), all(&[]));
    world.at(0, Input::Drain);
    let world = finished(world);
    assert_eq!(world.dials(), []);
    assert_eq!(world.log.len(), 2);
}

#[test]
fn a_resumed_run_redials_no_finished_line_and_counts_on() {
    let mut world = World::new(plan(4, 1), |line: &str, _: &str, _: u32| {
        Fate::of((line == "L1").then_some(Fault::ConsoleSilent), 10)
    });
    // L0 passed, L1 failed once, L2 is in a call.
    assert!(!world.run(3));
    assert_eq!(lines_dialed(&world), ["L0", "L1", "L2"]);
    world.resume();
    let world = finished(world);
    assert_eq!(lines_dialed(&world), ["L2", "L3", "L1"]);
    let calls: Vec<String> =
        ["L1", "L2"].map(|id| world.verdict(id).call.clone().unwrap().to_string()).into();
    assert_eq!(calls, ["L1.2", "L2.2"], "ids of lost calls are not used again");
    assert!(!world.decisions().any(|d| matches!(d, Decision::Verdict(v) if v.line.as_str() == "L0")));
}

#[test]
fn a_cancelled_line_is_dialed_when_the_run_goes_on() {
    let mut world = World::new(plan(2, 1), all(&[]));
    world.at(5, Input::Drain);
    assert!(world.run(100));
    world.watch.finished = false;
    world.resume();
    let world = finished(world);
    assert_eq!(lines_dialed(&world), ["L1"]);
    assert_eq!(world.fault("L1"), None);
}

#[test]
fn a_call_that_a_signal_cut_short_is_made_again_when_the_run_goes_on() {
    let mut world = World::new(plan(1, 1), |_: &str, _: &str, attempt: u32| {
        Fate::of((attempt == 1).then_some(Fault::Cancelled), 10)
    });
    world.at(5, Input::Drain);
    assert!(world.run(100));
    assert_eq!(world.fault("L0"), Some(Fault::Cancelled));
    world.watch.finished = false;
    world.resume();
    let world = finished(world);
    assert_eq!(world.fault("L0"), None);
    assert_eq!(world.verdict("L0").call.as_ref().unwrap().as_str(), "L0.2");
}

#[test]
fn a_shared_number_is_called_by_one_line_at_a_time() {
    let mut shared = plan(3, 3);
    shared.lines[1].ways[0].number = line(0).ways[0].number.clone();
    let world = ran(shared, all(&[]));
    let dials: Vec<(u64, String)> = world.dials().into_iter().map(|(at, line, _)| (at, line)).collect();
    assert_eq!(dials, [(1, "L0"), (1, "L2"), (31, "L1")].map(|(at, line)| (at, line.to_owned())));
}

// ---- calls that are cut short

/// The first call would end like this at its full time, the second .. : fault, and how long it would take to connect.
type Slow = (Option<Fault>, Option<u64>);

fn shortened(plan: SchedulerPlan, calls: &'static [Slow], deadline_s: Option<u64>) -> World<impl Nature> {
    let nature = |_: &str, _: &str, attempt: u32| {
        let (fault, connect_s) = *calls.get(attempt as usize - 1).expect("one call too many");
        Fate { slow: connect_s.map(secs), ..Fate::of(fault, 90) }
    };
    finished(World::new(plan, nature).shortening(deadline_s))
}

#[test]
fn a_call_that_was_cut_short_needs_one_with_its_full_time_that_bears_it_out() {
    use Fault::*;
    type Row = (&'static str, &'static [Slow], Option<Fault>, u32);
    // What the calls would find; the verdict; the call that decides. The first one is cut short wherever it can be.
    let table: &[Row] = &[
        ("it rings again", &[(Some(NoAnswer), None), (Some(NoAnswer), None)], Some(NoAnswer), 2),
        ("nothing is heard at all", &[(Some(NoAnswer), None), (Some(NoRing), None)], Some(NoRing), 2),
        ("slower than ever", &[(GOOD, Some(60)), (GOOD, Some(60))], None, 2),
        (
            "busy bears nothing out",
            &[(GOOD, Some(60)), (Some(Busy), None), (GOOD, Some(60))],
            Some(NeededRetry),
            3,
        ),
        (
            "busy, confirmed by itself",
            &[(Some(NoAnswer), None), (Some(Busy), None), (Some(Busy), None)],
            Some(Busy),
            3,
        ),
        (
            "a console that is silent, confirmed by itself",
            &[(GOOD, Some(60)), (Some(ConsoleSilent), None), (Some(ConsoleSilent), None)],
            Some(ConsoleSilent),
            3,
        ),
        ("what answers at once is not cut short", &[(Some(Busy), None), (Some(Busy), None)], Some(Busy), 2),
        (
            "nor is a bench fault evidence",
            &[(Some(NoAnswer), None), (Some(NoDialtone), None), (GOOD, None)],
            None,
            3,
        ),
        (
            "behind a bench fault that dialed nothing the short one comes first, too",
            &[(Some(NoDialtone), None), (GOOD, Some(80)), (GOOD, Some(80))],
            None,
            3,
        ),
    ];
    for (what, calls, verdict, decides) in table {
        let world = shortened(plan(1, 3), calls, None);
        let found = world.verdict("L0");
        assert_eq!(found.fault, *verdict, "{what}: {found:?}");
        assert_eq!(found.call.as_ref().unwrap().to_string(), format!("L0.{decides}"), "{what}");
        assert_eq!(found.attempts as usize, calls.len(), "{what}");
    }
}

#[test]
fn a_short_call_is_told_as_such() {
    let world = shortened(plan(1, 2), &[(GOOD, Some(60)), (GOOD, Some(60))], None);
    assert_eq!(world.verdict("L0").detail, "passed at call 2, after no-answer on m0, cut short");
}

#[test]
fn a_first_call_has_its_full_time_where_no_second_one_could_follow() {
    let policies: [fn(&mut SchedulerPlan); 4] = [
        |plan| plan.policy.confirm = 1,
        |plan| (plan.policy.attempts, plan.policy.confirm) = (1, 1),
        |plan| plan.policy.adaptive = false,
        |plan| {
            let number = plan.lines[0].ways[0].number.clone();
            plan.lines.push(line(1));
            plan.lines[1].ways[0].number = number;
            plan.lines[1].preset = Some(Preset { fault: Fault::Skipped, detail: String::new() });
        },
    ];
    for change in policies {
        let mut some = plan(1, 2);
        change(&mut some);
        let world = shortened(some, &[(GOOD, Some(60))], None);
        assert_eq!((world.fault("L0"), world.verdict("L0").attempts), (None, 1));
    }
    // A pause of 300 s after no answer, and 300 s for the rest.
    let near = shortened(plan(1, 2), &[(GOOD, Some(60))], Some(599));
    assert_eq!((near.fault("L0"), near.verdict("L0").attempts), (None, 1));
    let far = shortened(plan(1, 2), &[(GOOD, Some(60)), (GOOD, Some(60))], Some(610));
    assert_eq!(far.verdict("L0").attempts, 2);
}

#[test]
fn a_call_of_which_no_end_is_known_speaks_for_the_full_time() {
    let nature = |_: &str, _: &str, _: u32| Fate { slow: Some(secs(60)), ..Fate::of(GOOD, 90) };
    let mut world = World::new(plan(1, 1), nature).shortening(None);
    world.run(1);
    world.resume();
    let world = finished(world);
    assert_eq!((world.fault("L0"), world.verdict("L0").attempts), (None, 2));
    assert!(
        world.log.iter().all(|(_, input, _)| {
            !matches!(input, Input::CallEnded(report) if report.cut_short.is_some())
        })
    );
}

/// The network is slow tonight: what is too slow for a short call is no modem's fault; a deaf modem's is.
#[test]
fn a_short_call_speaks_against_its_modem_only_if_others_are_as_quick_as_ever() {
    struct Slow(u64);
    impl Nature for Slow {
        fn call(&mut self, _: &LineId, modem: &ModemId, _: u32, _: &Watch) -> Fate {
            match modem.as_str() {
                "m0" => Fate::of(Some(Fault::NoAnswer), 90),
                _ => Fate { slow: (self.0 > 43).then(|| secs(self.0)), ..Fate::of(GOOD, 30) },
            }
        }

        /// Checks say nothing, so that the lines alone speak.
        fn check(&mut self, _: &ModemId, _: &Check, _: u32) -> CheckFate {
            (CheckOutcome::Unknown, Some(Fault::Busy), secs(5))
        }
    }
    let night = |connect_s: u64| {
        let mut some = plan(16, 3);
        for fault in crate::call::limits::UNANSWERED {
            some.policy.retry_after.insert(fault, secs(1));
        }
        let world = finished(World::new(some, Slow(connect_s)).shortening(None));
        world.decisions().any(|decision| matches!(decision, Decision::Quarantine { .. }))
    };
    assert!(night(20), "m0 is deaf");
    assert!(!night(60), "nobody knows");
}

#[test]
fn a_retry_can_be_no_blemish() {
    let mut some = plan(1, 2);
    some.policy.degraded.needed_retry = false;
    let world = ran(some, |_: &str, _: &str, attempt: u32| {
        Fate::of(if attempt == 1 { Some(Fault::Busy) } else { GOOD }, 10)
    });
    assert_eq!((world.fault("L0"), world.verdict("L0").attempts), (None, 2));
    assert_eq!(world.verdict("L0").detail, "passed at call 2, after busy on m0");
}
