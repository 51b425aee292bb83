//! Windows, groups, ranks, other ways, budgets: what each does to a line, one by one.

use super::*;
use crate::fleet::budget::{Budget, Purse};
use crate::fleet::scheduler::{
    CallReport, CheckPlan, Group, GroupKind, LineJob, Past, Preflight, Scheduler, Way,
};
use crate::model::event::{Via, WaitReason};
use crate::model::{Charge, Micros, Mono, NumberClass, Windows};

fn s(seconds: u64) -> Mono {
    Mono::from_millis(seconds * 1000)
}

fn open(spells: &[(u64, u64)]) -> Windows {
    Windows::new(spells.iter().map(|&(from, to)| (s(from), s(to))))
}

/// So many lines and modems; calls take 100 s at most.
fn limited(lines: usize, modems: usize) -> SchedulerPlan {
    SchedulerPlan { room: secs(100), ..plan(lines, modems) }
}

fn at<N: Nature>(world: &World<N>) -> Vec<(u64, String)> {
    world.dials().into_iter().map(|(at, line, _)| (at, line)).collect()
}

fn told<N: Nature>(world: &World<N>, line: &str) -> Vec<(WaitReason, Option<u64>)> {
    let waits = world.decisions().filter_map(|decision| match decision {
        Decision::Waits { line: id, until, reason, .. } if id.as_str() == line => {
            Some((*reason, until.map(|until| until.as_micros() / 1_000_000)))
        }
        _ => None,
    });
    waits.collect()
}

#[test]
fn a_line_outside_its_window_waits_for_it_and_blocks_nobody() {
    let mut some = limited(3, 1);
    some.lines[0].windows = open(&[(500, 700)]);
    // Its whole room must fit: from 1 to 100 there is too little.
    some.lines[1].windows = open(&[(0, 100), (200, 301)]);
    let world = ran(some, all(&[]));
    assert_eq!(at(&world), [(1, "L2".to_owned()), (200, "L1".to_owned()), (500, "L0".to_owned())]);
    assert_eq!(told(&world, "L0"), [(WaitReason::Window, Some(500))]);
    assert_eq!(told(&world, "L1"), [(WaitReason::Window, Some(200))]);
}

#[test]
fn a_window_that_does_not_open_before_the_end_of_the_run_is_told_at_once() {
    let day = 24 * 3600;
    let mut some = limited(4, 1);
    some.lines[0].windows = open(&[]);
    some.lines[1].windows = open(&[(10, 50)]);
    some.lines[2].windows = open(&[(day + 1, 2 * day)]);
    let world = ran(some, all(&[]));
    assert_eq!(at(&world), [(1, "L3".to_owned())]);
    for line in ["L0", "L1", "L2"] {
        let verdict = world.verdict(line);
        assert_eq!((verdict.fault, verdict.attempts), (Some(Fault::OutOfWindow), 0), "{line}");
        assert_eq!(verdict.detail, "its window does not open any more in this run");
    }
    assert!(world.log[0].2.iter().filter(|d| matches!(d, Decision::Verdict(_))).count() == 3, "at the start");
}

#[test]
fn half_an_opinion_is_none_when_the_window_closes() {
    let mut some = limited(1, 2);
    some.lines[0].windows = open(&[(0, 250), (20_000, 40_000)]);
    // Busy from 1 to 31, and again after 180 s at the earliest: too late, and tomorrow is another night.
    let world = ran(some, all(&[("L0", Some(Fault::Busy))]));
    assert_eq!(at(&world), [(1, "L0".to_owned())]);
    assert_eq!(world.now, s(31), "nothing is waited for");
    let verdict = world.verdict("L0");
    assert_eq!((verdict.fault, &verdict.call), (Some(Fault::OutOfWindow), &None));
    assert_eq!(verdict.detail, "its window closed after its first call (busy)");
}

#[test]
fn a_blackout_in_the_middle_of_the_night_is_waited_out() {
    let mut some = limited(1, 2);
    some.lines[0].windows = open(&[(0, 250), (1000, 4000)]);
    let world = ran(some, all(&[("L0", Some(Fault::Busy))]));
    assert_eq!(at(&world), [(1, "L0".to_owned()), (1000, "L0".to_owned())]);
    assert_eq!(world.fault("L0"), Some(Fault::Busy));
    assert_eq!(told(&world, "L0"), [(WaitReason::Window, Some(1000))]);
}

#[test]
fn a_line_that_no_modem_came_to_in_time_is_out_of_its_window() {
    let mut some = limited(2, 1);
    some.lines[0].expected = Some(secs(90));
    some.lines[1].windows = open(&[(0, 120)]);
    let world = ran(some, |_: &str, _: &str, _: u32| Fate::of(GOOD, 90));
    assert_eq!(at(&world), [(1, "L0".to_owned())]);
    assert_eq!((world.fault("L0"), world.fault("L1")), (None, Some(Fault::OutOfWindow)));
}

#[test]
fn a_clock_that_was_wrong_takes_verdicts_back_and_one_that_is_set_moves_windows() {
    let mut some = limited(3, 1);
    some.lines[0].windows = open(&[]);
    some.lines[1].windows = open(&[(10_000, 20_000)]);
    let mut world = World::new(some, all(&[]));
    let id = |line: &str| line.parse::<LineId>().unwrap();
    let windows = vec![(id("L0"), open(&[(300, 900)])), (id("L1"), open(&[(0, 400)]))];
    world.at(20, Input::Windows(windows));
    let world = finished(world);
    assert_eq!(at(&world), [(1, "L2".to_owned()), (31, "L1".to_owned()), (300, "L0".to_owned())]);
    assert!(world.decisions().any(|d| matches!(d, Decision::Withdraw { line, .. } if line.as_str() == "L0")));
    assert_eq!((world.fault("L0"), world.fault("L1")), (None, None));
}

#[test]
fn a_parked_line_is_judged_when_its_window_closes() {
    let mut some = limited(2, 2);
    for job in &mut some.lines {
        job.credential = Some("oob".parse().unwrap());
    }
    some.lines[1].windows = open(&[(0, 200)]);
    // L0 takes its time to prove it, and never does; L1 found it unproven after 10 s.
    let world = ran(some, |line: &str, _: &str, _: u32| {
        let long = if line == "L0" { 99 } else { 10 };
        Fate::of(Some(Fault::CredentialUnproven), long)
    });
    assert_eq!(told(&world, "L1")[0], (WaitReason::Credential, None));
    let faults = [world.fault("L0"), world.fault("L1")];
    assert_eq!(faults, [Some(Fault::CredentialUnproven), Some(Fault::OutOfWindow)]);
}

#[test]
fn a_group_has_its_limit_and_the_rest_goes_on() {
    let mut some = limited(6, 4);
    let most = NonZeroU32::new(1).unwrap();
    some.groups = vec![Group { name: "BR1".to_owned(), kind: GroupKind::Site, max_calls: most }];
    some.lines[..4].iter_mut().for_each(|job| job.groups = vec![0]);
    let world = ran(some, all(&[]));
    let of_the_group: Vec<u64> = at(&world)
        .into_iter()
        .filter(|(_, line)| ["L0", "L1", "L2", "L3"].contains(&line.as_str()))
        .map(|d| d.0)
        .collect();
    assert_eq!(of_the_group, [1, 31, 61, 91]);
    assert_eq!(at(&world).iter().filter(|(at, _)| *at == 1).count(), 3, "and the two others at once");
    let why = world.decisions().find_map(|decision| match decision {
        Decision::Waits { reason: WaitReason::Group, why, .. } => Some(why.clone()),
        _ => None,
    });
    assert_eq!(why.unwrap(), "site `BR1` has its 1 call");
}

#[test]
fn priority_goes_before_length_and_what_does_not_fit_goes_last() {
    let mut some = limited(5, 1);
    some.lines[0].deferred = Some(1);
    some.lines[1].deferred = Some(0);
    some.lines[2].priority = -1;
    some.lines[3].expected = Some(secs(90));
    some.lines[4].priority = 3;
    assert_eq!(lines_dialed(&ran(some, all(&[]))), ["L4", "L3", "L1", "L0", "L2"]);
}

/// L0 has a second number, and a third way over a carrier.
fn three_ways() -> SchedulerPlan {
    let mut some = limited(1, 2);
    let number: crate::model::PhoneNumber = "+19195559001".parse().unwrap();
    let other = Via { number: Some(number.clone()), carrier: None };
    let carrier = Via { number: None, carrier: Some("att".parse().unwrap()) };
    some.lines[0].ways.push(Way { via: Some(other), ..Way::own(number) });
    let own = some.lines[0].ways[0].number.clone();
    some.lines[0].ways.push(Way { via: Some(carrier), ..Way::own(own) });
    some
}

/// What each way finds.
struct ByWay(fn(usize) -> Option<Fault>);

impl Nature for ByWay {
    fn call(&mut self, _: &LineId, _: &ModemId, _: u32, _: &Watch) -> Fate {
        unreachable!("all calls go some way")
    }

    fn call_by(&mut self, _: &LineId, way: usize, _: &ModemId, _: u32, _: &Watch) -> Fate {
        Fate::of((self.0)(way), 30)
    }
}

#[test]
fn a_call_that_fails_on_the_way_moves_the_line_to_its_next_way_at_once() {
    let world = ran(three_ways(), ByWay(|way| (way == 0).then_some(Fault::Reorder)));
    assert_eq!(world.dials().iter().map(|dial| dial.0).collect::<Vec<_>>(), [1, 31]);
    let verdict = world.verdict("L0");
    assert_eq!(verdict.fault, Some(Fault::NeededRetry));
    assert_eq!(verdict.detail, "passed at call 2 by +19195559001, after reorder on m0 by its own number");
}

#[test]
fn a_line_fails_when_all_its_ways_did() {
    let world = ran(three_ways(), ByWay(|_| Some(Fault::Reorder)));
    let ways: Vec<usize> = world
        .decisions()
        .filter_map(|d| match d {
            Decision::Dial { way, .. } => Some(*way),
            _ => None,
        })
        .collect();
    assert_eq!(ways, [0, 1, 2]);
    // The third goes to the first's number, which has its rest.
    assert_eq!(world.dials()[2].0, 1 + 30 + 60);
    assert_eq!(world.fault("L0"), Some(Fault::Reorder));
}

#[test]
fn a_stranger_at_one_number_says_nothing_of_another_and_a_console_that_fails_nothing_of_the_way() {
    let world = ran(three_ways(), ByWay(|way| (way != 1).then_some(Fault::Voice)));
    let verdict = world.verdict("L0");
    assert_eq!((verdict.fault, verdict.attempts), (Some(Fault::NeededRetry), 2));
    assert!(verdict.detail.contains("voice on m0 by its own number"), "{}", verdict.detail);
    // Whoever was woken is not woken by another carrier.
    let world = ran(three_ways(), ByWay(|way| Some(if way == 1 { Fault::Reorder } else { Fault::Voice })));
    let ways = world.decisions().filter(|d| matches!(d, Decision::Dial { way: 2, .. })).count();
    assert_eq!((ways, world.fault("L0")), (0, Some(Fault::Voice)));
    let world = ran(three_ways(), ByWay(|_| Some(Fault::LoginTimeout)));
    assert!(world.decisions().all(|d| !matches!(d, Decision::Dial { way: 1.., .. })));
}

fn priced(lines: usize, modems: usize, budget: Budget) -> SchedulerPlan {
    let mut some = SchedulerPlan { budget, ..limited(lines, modems) };
    for job in &mut some.lines {
        job.ways[0].worst = Charge { class: NumberClass::National, billed_s: 120, cost: Some(Micros(120)) };
    }
    some
}

#[test]
fn a_budget_of_the_run_ends_the_lines_that_it_does_not_pay_for() {
    let run = Purse { calls: Some(3), ..Purse::default() };
    let world = ran(priced(5, 2, Budget { run, ..Budget::default() }), all(&[]));
    assert_eq!(world.dials().len(), 3);
    let spent: Vec<&str> =
        ["L3", "L4"].into_iter().filter(|line| world.fault(line) == Some(Fault::OverBudget)).collect();
    assert_eq!(spent, ["L3", "L4"]);
    assert_eq!(world.verdict("L4").detail, "the run's budget of 3 calls is spent");
}

#[test]
fn the_longest_call_is_set_aside_and_what_is_left_of_it_pays_for_the_next() {
    // 300 s: two calls at a time, and each takes 30 s in the end.
    let run = Purse { time: Some(secs(300)), ..Purse::default() };
    let world = ran(priced(4, 3, Budget { run, ..Budget::default() }), all(&[]));
    assert_eq!(at(&world).iter().map(|dial| dial.0).collect::<Vec<_>>(), [1, 1, 31, 31]);
    assert!(world.decisions().any(|d| matches!(d, Decision::Waits { reason: WaitReason::Budget, .. })));
    assert!((0..4).all(|n| world.fault(&format!("L{n}")).is_none()));
}

#[test]
fn half_an_opinion_that_no_budget_completes_is_none_and_a_lines_own_budget_decides() {
    let once = Purse { calls: Some(1), ..Purse::default() };
    let busy = || all(&[("L0", Some(Fault::Busy))]);
    let world = ran(priced(1, 2, Budget { run: once, ..Budget::default() }), busy());
    let verdict = world.verdict("L0");
    assert_eq!((verdict.fault, &verdict.call), (Some(Fault::OverBudget), &None));
    assert_eq!(verdict.detail, "the run's budget of 1 call is spent; before that busy on m0");
    // As redial rules do: it is judged by what it has, and says so.
    let world = ran(priced(1, 2, Budget { line: once, ..Budget::default() }), busy());
    let verdict = world.verdict("L0");
    assert_eq!(verdict.fault, Some(Fault::Busy));
    assert!(
        verdict.detail.ends_with("; the line's budget of 1 call allows no more calls"),
        "{}",
        verdict.detail
    );
}

#[test]
fn what_earlier_sittings_spent_counts() {
    let run = Purse { calls: Some(2), ..Purse::default() };
    let mut world = World::new(priced(4, 1, Budget { run, ..Budget::default() }), all(&[]));
    // Set up, dialed, ended, dialed: the second call is lost.
    assert!(!world.run(2));
    world.resume();
    let world = finished(world);
    assert_eq!(world.dials().len(), 0);
    assert_eq!(["L0", "L1", "L2", "L3"].map(|line| world.fault(line).is_some()), [false, true, true, true]);
}

#[test]
fn what_was_heard_at_a_number_that_is_no_way_any_more_says_nothing_of_the_others() {
    // A person answered the line's own number, then the run was interrupted: from then on that number is on hold.
    let mut some = three_ways();
    let id = some.lines[0].id.clone();
    let ways = std::mem::take(&mut some.lines[0].ways);
    some.lines[0].ways = ways[1..2].to_vec();
    // And of another line the alternative number is.
    let mut other = LineJob::new("L1".parse().unwrap(), "+19195550777".parse().unwrap());
    other.ways.truncate(1);
    let number = some.lines[0].ways[0].number.clone();
    some.lines.push(other.clone());
    some.lines[0].ways[0].number = "+19195559009".parse().unwrap();
    some.lines[0].ways[0].via = Some(Via { number: Some("+19195559009".parse().unwrap()), carrier: None });
    let report = |line: &LineId, via: Option<Via>| CallReport {
        line: line.clone(),
        modem: "m0".parse().unwrap(),
        attempt: 1,
        fault: Some(Fault::Voice),
        furthest: None,
        dialed: true,
        held: false,
        took: secs(30),
        cut_short: None,
        connected_after: None,
        via,
        charge: None,
        refused_for: None,
        detail: String::new(),
    };
    let gone = Via { number: Some(number), carrier: None };
    some.past = Past {
        calls: vec![report(&id, None), report(&other.id, Some(gone.clone()))],
        begun: [(id.clone(), 1), (other.id.clone(), 2)].into(),
        lost: vec![(other.id.clone(), Some(gone))],
        ..Past::default()
    };
    // The watch of other tests knows of no number beside those of the ways.
    let mut scheduler = Scheduler::new(some);
    let mut decided = scheduler.step(s(0), Input::Start);
    for modem in ["m0", "m1"] {
        decided.extend(scheduler.step(s(1), Input::ModemReady(modem.parse().unwrap())));
    }
    let dials = decided.iter().filter_map(|decision| match decision {
        Decision::Dial { line, attempt, way, .. } => Some((line.as_str(), *attempt, *way)),
        _ => None,
    });
    assert_eq!(dials.collect::<Vec<_>>(), [("L0", 2, 0), ("L1", 3, 0)], "{decided:#?}");
}

#[test]
fn a_line_that_goes_from_one_full_group_to_another_says_so() {
    let mut some = limited(3, 4);
    let most = NonZeroU32::new(1).unwrap();
    let group = |name: &str, kind| Group { name: name.to_owned(), kind, max_calls: most };
    some.groups = vec![group("BR1", GroupKind::Site), group("hunt", GroupKind::HuntGroup)];
    // L0 takes the site, and L1 the hunt group for longer; L2 needs both.
    some.lines[0].groups = vec![0];
    some.lines[1].groups = vec![1];
    some.lines[2].groups = vec![0, 1];
    let long = |line: &str, _: &str, _: u32| Fate::of(GOOD, if line == "L1" { 80 } else { 30 });
    let world = ran(some, long);
    assert_eq!(at(&world)[2], (81, "L2".to_owned()));
    let why = world.decisions().filter_map(|decision| match decision {
        Decision::Waits { line, why, .. } if line.as_str() == "L2" => Some(why.as_str()),
        _ => None,
    });
    let why: Vec<&str> = why.collect();
    assert_eq!(why[..2], ["site `BR1` has its 1 call", "hunt group `hunt` has its 1 call"], "{why:?}");
}

#[test]
fn a_check_that_was_running_when_the_run_was_killed_counts_in_full() {
    let run = Purse { calls: Some(3), ..Purse::default() };
    let mut some = priced(2, 1, Budget { run, ..Budget::default() });
    some.checks = CheckPlan {
        preflight: Preflight::Reference,
        reference: Some("+19195550000".parse().unwrap()),
        toll: Some(some.lines[0].ways[0].worst),
    };
    // A world in which the number of calls is enough for both checks and one line.
    let mut world = World::new(some, all(&[]));
    while !world
        .decisions()
        .any(|decision| matches!(decision, Decision::Check { check: Check::Reference, .. }))
    {
        assert!(!world.run(1));
    }
    world.resume();
    let world = finished(world);
    assert_eq!((world.fault("L0"), world.fault("L1")), (None, Some(Fault::OverBudget)));
}

#[test]
fn what_is_told_of_a_check_tells_which_one_it_was() {
    let checks = [Check::Reference, Check::Peer("m01".parse().unwrap()), Check::Line("L1".parse().unwrap())];
    for check in checks {
        assert_eq!(Check::of_told(&check.told()), Some(check));
    }
    for other in [Check::DialTone.told(), "answers `m01`".to_owned(), "calls `m01`, or so".to_owned()] {
        assert_eq!(Check::of_told(&other), None, "{other}");
    }
}

#[test]
fn a_line_that_a_set_clock_takes_back_has_its_pause_all_the_same() {
    let mut some = limited(2, 2);
    some.lines[0].windows = open(&[(0, 250)]);
    some.lines[1].windows = open(&[(2000, 3000)]);
    let mut world = World::new(some, all(&[("L0", Some(Fault::Busy))]));
    // Busy from 1 to 31, and out of its window; then that is open for longer.
    world.at(40, Input::Windows(vec![("L0".parse().unwrap(), open(&[(0, 4000)]))]));
    let world = finished(world);
    let calls = at(&world);
    assert_eq!(calls[0], (1, "L0".to_owned()));
    assert!(calls[1].0 >= 31 + 180, "a busy line is left alone for its time: {calls:?}");
    assert_eq!(world.fault("L0"), Some(Fault::Busy));
}
