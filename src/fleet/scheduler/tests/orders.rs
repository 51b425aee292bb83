//! Tables of orders: what each does to lines and modems, and why one is refused.

use super::*;
use crate::fleet::order::{Loan, Order, Pause};

fn m(n: usize) -> ModemId {
    modem(n).id
}

fn disable(n: usize) -> Order {
    Order::Disable { modem: m(n), why: "moved".to_owned() }
}

fn good(_: &str, _: &str, _: u32) -> Fate {
    Fate::of(GOOD, 30)
}

fn lend(lines: &[usize]) -> Order {
    let numbers = lines.iter().map(|&n| line(n).ways[0].number.clone()).collect();
    Order::Lend { numbers, line: lines.first().map(|&n| line(n).id) }
}

/// What was answered, in its order.
fn answers<N: Nature>(world: &World<N>) -> Vec<Result<&str, &str>> {
    let mut all = Vec::new();
    for decision in world.decisions() {
        if let Decision::Answer { answer, .. } = decision {
            all.push(answer.as_deref().map_err(String::as_str));
        }
    }
    all
}

/// When, and which modem, was lent.
fn lent<N: Nature>(world: &World<N>) -> Vec<(u64, String)> {
    let at = |(now, _, decisions): &(Mono, Input, Vec<Decision>)| {
        let modem = decisions.iter().find_map(|decision| match decision {
            Decision::Lend { modem, .. } => Some(modem.to_string()),
            _ => None,
        });
        modem.map(|modem| (now.as_micros() / 1_000_000, modem))
    };
    world.log.iter().filter_map(at).collect()
}

#[test]
fn all_modems_disabled_is_nobodys_fault() {
    let mut world = World::new(plan(2, 2), good);
    world.order(0, disable(0));
    world.order(0, disable(1));
    let world = finished(world);
    for id in ["L0", "L1"] {
        let verdict = world.verdict(id);
        assert_eq!(verdict.fault, Some(Fault::Cancelled), "{verdict:?}");
        assert_eq!(verdict.detail, "no modem is left in service: all are disabled");
    }
    assert_eq!(world.now, Mono::ZERO + world_patience());
}

fn world_patience() -> Duration {
    crate::fleet::policy::BenchPolicy::default().patience
}

#[test]
fn a_call_that_is_called_off_is_no_attempt() {
    let mut one = plan(1, 2);
    one.policy.attempts = 1;
    one.policy.confirm = 1;
    let mut world = World::new(one, good);
    // Now and then a call ends as it would have: not this one.
    world.ticket();
    world.order(5, disable(0));
    let world = finished(world);
    assert_eq!(world.fault("L0"), GOOD);
    let on: Vec<String> = world.dials().into_iter().map(|(_, _, modem)| modem).collect();
    assert_eq!(on, ["m0", "m1"]);
    assert_eq!(world.verdict("L0").detail, "");
    assert_eq!(world.verdict("L0").attempts, 2, "its ids are not used twice");
}

#[test]
fn the_reasons_of_refusals() {
    let mut world = World::new(plan(3, 2), good);
    let of = |text: &str| text.parse::<ModemId>().unwrap();
    let orders = [
        Order::Disable { modem: of("m9"), why: String::new() },
        Order::Enable { modem: m(0) },
        Order::Skip { line: "L9".parse().unwrap(), why: String::new() },
        Order::Restore { line: line(0).id },
        Order::Resume,
        Order::TakeBack { modem: m(0) },
        Order::Pause { why: String::new(), until: Some(Mono::ZERO) },
        disable(1),
        Order::Restart { modem: m(1), why: String::new() },
        Order::Stop { how: crate::call::machine::Cancel::LogOut, why: None },
        Order::Pause { why: String::new(), until: None },
        lend(&[0]),
        Order::Restart { modem: m(0), why: String::new() },
    ];
    for order in orders {
        world.order(10, order);
    }
    let world = finished(world);
    assert_eq!(
        answers(&world),
        [
            Err("the run has no modem `m9`"),
            Err("`m0` is not disabled"),
            Err("the run has no line `L9`"),
            Err("`L0` is not skipped"),
            Err("the run is not paused"),
            Err("`m0` is not lent"),
            Err("a pause must end later than now"),
            Ok("`m1` is disabled; its call is ended first"),
            Err("`m1` is disabled (moved): enable it instead"),
            Ok("nothing is dialed any more; 2 calls are ending"),
            Err("the run is ending: nothing is dialed any more"),
            Err("the run is ending: its bank is free in a moment"),
            Err("the run is ending: nothing is dialed any more"),
        ]
    );
}

#[test]
fn a_technician_gets_the_first_modem_that_comes_free() {
    // Both modems are in calls of 30 s, and ten lines wait.
    let mut world = World::new(plan(10, 2), good);
    world.order(5, lend(&[9]));
    let world = finished(world);
    assert_eq!(lent(&world), [(31, "m0".to_owned())]);
    assert!(
        world.log.iter().all(|(_, _, decisions)| decisions.iter().all(|d| !matches!(d, Decision::Recall(_))))
    );
}

#[test]
fn a_technician_waits_for_the_number_the_trunk_and_the_group() {
    // Its number is in a call.
    let mut world = World::new(plan(1, 2), good);
    world.order(5, lend(&[0]));
    assert_eq!(lent(&finished(world)), [(31, "m0".to_owned())]);
    // The trunk carries one call.
    let mut one = plan(4, 2);
    let trunk: crate::model::TrunkName = "t".parse().unwrap();
    one.modems.iter_mut().for_each(|seat| seat.trunk = Some(trunk.clone()));
    one.trunks.insert(trunk, NonZeroU32::MIN);
    let mut world = World::new(one, good);
    world.order(5, lend(&[3]));
    assert_eq!(lent(&finished(world)), [(31, "m0".to_owned())]);
}

/// A technician's call knows of runs that are over alone: the run that lends the modem holds to the law for it.
#[test]
fn a_technician_waits_for_as_long_as_redial_rules_leave_the_number_alone() {
    let busy = |line: &str, _: &str, attempt: u32| {
        Fate::of(if line == "L0" && attempt == 1 { Some(Fault::Busy) } else { GOOD }, 30)
    };
    let with = |attempts: Option<u32>, pause: u64| {
        let mut one = plan(4, 1);
        one.room = secs(200);
        one.redial = RedialLaw { attempts, pauses: vec![secs(pause)], ..RedialLaw::default() };
        let mut world = World::new(one, busy);
        // L0 was busy at 31 s.
        world.order(40, lend(&[0]));
        finished(world)
    };
    let world = with(None, 100);
    let at = lent(&world).first().map(|(at, _)| *at);
    assert!(at.is_some_and(|at| at >= 131), "{at:?}");
    assert_eq!(answers(&with(None, 1_000)), [Err("redial rules leave its number alone for 991 s more")]);
    assert_eq!(
        answers(&with(Some(1), 100)),
        [Err("redial rules allow its number no more calls in this run")]
    );
}

#[test]
fn nobody_waits_longer_for_a_modem_than_a_call_and_a_minute() {
    let mut one = plan(2, 1);
    one.room = secs(100);
    let mut world = World::new(one, good);
    // Its only modem is in other hands, for as long as anybody asks.
    world.order(5, lend(&[0]));
    world.order(6, lend(&[1]));
    let world = finished(world);
    // The first takes it when L0's call is over; the second gets it in turn, or is refused.
    let refused = answers(&world).into_iter().find_map(Result::err);
    assert!(
        lent(&world).len() == 2 || refused == Some("no modem came free for it within 160 s"),
        "{:?}",
        answers(&world)
    );
}

#[test]
fn a_pause_holds_the_last_checks_back() {
    let mut world = World::new(plan(2, 1), good);
    world.order(5, Order::Pause { why: "moved".to_owned(), until: Some(Mono::from_millis(900_000)) });
    let world = finished(world);
    let begun: Vec<u64> = world.dials().into_iter().map(|(at, ..)| at).collect();
    assert_eq!(begun, [1, 900]);
}

#[test]
fn a_run_may_begin_paused_and_with_modems_away() {
    let mut standing = plan(3, 3);
    standing.standing.paused =
        Some(Pause { why: "moved".to_owned(), until: Some(Mono::from_millis(50_000)) });
    standing.standing.disabled.insert(m(0), "dead".to_owned());
    standing.standing.lent.insert(m(1), Loan { numbers: Vec::new(), line: Some(line(2).id) });
    standing.standing.skipped.insert(line(1).id, "moved".to_owned());
    let mut scheduler = crate::fleet::scheduler::Scheduler::new(standing);
    let begun = scheduler.step(Mono::ZERO, Input::Start);
    let set_up: Vec<&Decision> = begun.iter().filter(|d| matches!(d, Decision::SetUp(_))).collect();
    assert_eq!(set_up, [&Decision::SetUp(m(2))]);
    assert!(begun.iter().any(|d| matches!(d, Decision::Verdict(v) if v.fault == Some(Fault::Skipped))));
    assert_eq!(scheduler.step(Mono::from_millis(1000), Input::ModemReady(m(2))), []);
    assert_eq!(scheduler.next_deadline(), Some(Mono::from_millis(50_000)));
    let resumed = scheduler.step(Mono::from_millis(50_000), Input::Time);
    assert!(
        matches!(resumed.as_slice(), [Decision::Resumed, Decision::Dial { modem, .. }] if *modem == m(2)),
        "{resumed:?}"
    );
}
