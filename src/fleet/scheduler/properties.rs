//! Random plans, banks and outcomes: every promise that the scheduler can break is held after every step.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::watch::Watch;
use super::world::{CheckFate, Fate, Nature, SetUp, World, line, modem, plan};
use super::{Check, CheckPlan, Decision, Group, GroupKind, Input, Preflight, Preset, SchedulerPlan, Way};
use crate::fleet::budget::{Budget, Purse};
use crate::fleet::order::Order;
use crate::fleet::policy::{BenchPolicy, CallClass, Policy};
use crate::fleet::redial::RedialLaw;
use crate::model::event::{CheckOutcome, Via, WaitReason};
use crate::model::{Charge, Fault, LineId, Micros, ModemId, Mono, NumberClass, TrunkName, Windows};

/// Every fault that a call can have, and none.
const FATES: [Option<Fault>; 25] = [
    None,
    None,
    None,
    Some(Fault::Noisy),
    Some(Fault::LogoutUnproven),
    Some(Fault::Busy),
    Some(Fault::NoAnswer),
    Some(Fault::NoCarrier),
    Some(Fault::CarrierLost),
    Some(Fault::Voice),
    Some(Fault::Reorder),
    Some(Fault::NoConnect),
    Some(Fault::ConsoleSilent),
    Some(Fault::LoginTimeout),
    Some(Fault::OpenConsole),
    Some(Fault::LoginRefused),
    Some(Fault::CredentialUnproven),
    Some(Fault::CredentialUnproven),
    Some(Fault::NoDialtone),
    Some(Fault::ModemRefused),
    Some(Fault::ModemSilent),
    Some(Fault::PortLost),
    Some(Fault::PortBusy),
    Some(Fault::Internal),
    Some(Fault::Cancelled),
];

/// A world whose every turn is a function of a seed.
#[derive(Debug, Clone)]
struct Seeded {
    seed: u64,
    /// How many lines out of 8 are good.
    good: u8,
    /// How often out of 8 a call goes as its line usually goes.
    steady: u8,
    /// Of each modem, what it makes of every call: a bad one fails where others succeed.
    bad: BTreeMap<ModemId, Fault>,
    /// How many of a modem's first set-ups fail, and how.
    set_ups: BTreeMap<ModemId, (u32, Fault)>,
    /// How often out of 16 a worker panics.
    panics: u8,
    /// Checks of a bad modem, from then on it passes them.
    heals_after: u32,
}

impl Seeded {
    fn dice(&self, what: &str) -> fastrand::Rng {
        let mixed = what
            .bytes()
            .fold(self.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        fastrand::Rng::with_seed(mixed)
    }
}

impl Nature for Seeded {
    fn call(&mut self, line: &LineId, modem: &ModemId, attempt: u32, watch: &Watch) -> Fate {
        self.call_by(line, 0, modem, attempt, watch)
    }

    fn call_by(&mut self, line: &LineId, way: usize, modem: &ModemId, attempt: u32, watch: &Watch) -> Fate {
        let mut dice = self.dice(&format!("{line} {modem} {attempt}"));
        let mut usual = match way {
            0 => self.dice(line.as_str()),
            way => self.dice(&format!("{line} by {way}")),
        };
        let usual = if usual.u8(..8) < self.good { None } else { usual.choice(FATES).flatten() };
        let fault = if dice.u8(..8) < self.steady { usual } else { dice.choice(FATES).flatten() };
        let fault = match (self.bad.get(modem), fault) {
            (Some(Fault::NoCarrier), _) if dice.u8(..4) == 0 => Some(Fault::Voice),
            (Some(&bad), fault) if !CallClass::of(fault).is_bench() => Some(bad),
            // A proven credential is granted at once.
            (None, Some(Fault::CredentialUnproven)) if !watch.proven.is_empty() => None,
            (_, fault) => fault,
        };
        let mut fate = Fate::of(fault, dice.u64(1..120));
        // Now and then a bench fault comes when the digits are out.
        fate.dialed |= dice.u8(..4) == 0;
        fate.slow = (dice.u8(..6) == 0).then(|| Duration::from_secs(60));
        fate.untold = self.dice(&format!("untold {line} {attempt}")).u8(..8) == 0;
        fate.held = self.dice(&format!("held {line} {modem} {attempt}")).u8(..12) == 0;
        // Of those that refuse, half say for how long.
        fate.refused_for = dice.bool().then(|| Duration::from_secs(dice.u64(1..600)));
        fate.refused = self.dice(&format!("may {line}")).u8(..32) == 0;
        fate.panics = fault == Some(Fault::Internal) || dice.u8(..16) < self.panics;
        fate
    }

    fn check(&mut self, modem: &ModemId, check: &Check, nth: u32) -> CheckFate {
        let mut dice = self.dice(&format!("check {modem} {check:?} {nth}"));
        let took = Duration::from_secs(dice.u64(1..60));
        let missing = (CheckOutcome::Failed, Some(Fault::NoDialtone), took);
        if *check == Check::DialTone {
            return match dice.u8(..16) {
                0 => missing,
                1 => (CheckOutcome::Unknown, None, took),
                _ => (CheckOutcome::Passed, None, took),
            };
        }
        if self.bad.contains_key(modem) && nth <= self.heals_after {
            return (CheckOutcome::Failed, Some(Fault::NoConnect), took);
        }
        match dice.u8(..16) {
            0 => missing,
            1 => (CheckOutcome::Unknown, Some(Fault::Busy), took),
            2 => (CheckOutcome::Unknown, Some(Fault::Internal), took),
            3 => (CheckOutcome::Unknown, Some(Fault::Voice), took),
            4 => (CheckOutcome::Failed, Some(Fault::NoAnswer), took),
            _ => (CheckOutcome::Passed, None, took),
        }
    }

    fn set_up(&mut self, modem: &ModemId, nth: u32) -> SetUp {
        match self.set_ups.get(modem) {
            Some(&(failing, fault)) if nth <= failing => (Err(fault), Duration::from_secs(2)),
            _ => (Ok(()), Duration::from_secs(1)),
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    plan: SchedulerPlan,
    nature: Seeded,
    /// Seconds at which a modem goes out by itself.
    outs: Vec<(u64, usize, Fault)>,
    drain: Option<u64>,
    deadline: Option<u64>,
    /// Killed and resumed after so many steps.
    killed: Option<usize>,
    /// Somebody sets the wall clock: when, and how many seconds later all windows are then.
    set: Option<(u64, u64)>,
    /// What is ordered, and when.
    orders: Vec<(u64, Bidding)>,
}

/// An order in the making: which, and of what.
#[derive(Debug, Clone, Copy)]
struct Bidding {
    kind: u8,
    modem: usize,
    line: usize,
    lasts: u64,
}

fn orders() -> impl Strategy<Value = Vec<(u64, Bidding)>> {
    let one = (0..24u8, 0..6usize, 0..14usize, 1..600u64).prop_map(|(kind, modem, line, lasts)| Bidding {
        kind,
        modem,
        line,
        lasts,
    });
    let some = proptest::collection::vec((0..900u64, one), 1..10);
    prop_oneof![1 => Just(Vec::new()), 1 => some]
}

/// The longest call of these worlds.
const ROOM: Duration = Duration::from_secs(120);

/// Number, credential, whether it proves, expected seconds; a preset; and what limits it.
type Drawn = ((usize, Option<usize>, bool, Option<u64>), Option<usize>, Limited);

/// What limits a line: other ways (number, carrier), its window's spells, groups, priority, rank among the deferred.
type Limited = (Vec<(Option<usize>, bool)>, Option<Vec<(u64, u64)>>, Vec<usize>, i32, Option<u32>);

impl Bidding {
    /// Brings it, and what must follow it.
    fn give(self, world: &mut World<Seeded>, at: u64, modems: &[ModemId]) {
        let modem = modems[self.modem % modems.len()].clone();
        let jobs = world.lines();
        let job = &jobs[self.line % jobs.len()];
        let (line, numbers) = (job.id.clone(), job.ways.iter().map(|way| way.number.clone()).collect());
        let why = "maintenance".to_owned();
        let later = at + self.lasts;
        let order = match self.kind {
            0..5 => {
                if self.kind < 4 {
                    world.order(later, Order::Enable { modem: modem.clone() });
                }
                Order::Disable { modem, why }
            }
            5..8 => Order::Restart { modem, why },
            8..11 => {
                if self.kind == 8 {
                    world.order(later, Order::Restore { line: line.clone() });
                }
                Order::Skip { line, why }
            }
            11..16 => Order::Lend { numbers, line: Some(line).filter(|_| self.kind < 14) },
            16 => Order::Lend { numbers: vec!["+19195557777".parse().unwrap()], line: None },
            17 | 18 => Order::Pause { why, until: Some(Mono::from_millis(later * 1000)) },
            19 => {
                world.order(later, Order::Resume);
                Order::Pause { why, until: None }
            }
            20 => Order::Enable { modem },
            21 => Order::TakeBack { modem },
            22 => Order::Restore { line },
            _ => Order::Drain { why },
        };
        world.order(at, order);
    }
}

/// Of few lines something is said, of some worlds of none.
fn limited() -> impl Strategy<Value = Limited> {
    let way = (proptest::option::weighted(0.7, 0..10usize), any::<bool>());
    let spell = (0..1800u64, 60..900u64);
    (
        proptest::collection::vec(way, 0..3),
        proptest::option::weighted(0.5, proptest::collection::vec(spell, 0..4)),
        proptest::collection::vec(0..GROUPS, 0..3),
        -1..2i32,
        proptest::option::weighted(0.2, 0..3u32),
    )
}

/// Most groups of a world.
const GROUPS: usize = 3;

fn windows(spells: &[(u64, u64)], later: u64) -> Windows {
    let s = |seconds: u64| Mono::from_millis((seconds + later) * 1000);
    Windows::new(spells.iter().map(|&(from, long)| (s(from), s(from + long))))
}

/// A way to a number: its class and price hang on the number, so that lines that share it agree.
fn way(number: usize, via: Option<Via>) -> Way {
    let number_of = |n: usize| format!("+1919555{n:04}").parse().unwrap();
    let cost = (number != 7).then_some(Micros(number as u64 * 1000));
    let worst = Charge { class: NumberClass::ALL[number % 4], billed_s: 60 * (1 + number as u32 % 3), cost };
    Way { number: number_of(number), via, worst }
}

fn limit(job: &mut super::LineJob, own: usize, (ways, spells, mut groups, priority, deferred): Limited) {
    job.ways = vec![way(own, None)];
    for (number, carrier) in ways {
        let number = number.filter(|&number| number != own);
        let via = Via {
            number: number.map(|number| way(number, None).number),
            carrier: carrier.then(|| "att".parse().unwrap()),
        };
        let known = job.ways.iter().any(|way| way.via.as_ref() == Some(&via));
        if !known && (number.is_some() || carrier) {
            job.ways.push(way(number.unwrap_or(own), Some(via)));
        }
    }
    job.windows = spells.map_or(Windows::ALWAYS, |spells| windows(&spells, 0));
    groups.sort_unstable();
    groups.dedup();
    (job.groups, job.priority, job.deferred) = (groups, priority, deferred);
}

fn purse() -> impl Strategy<Value = Purse> {
    (
        proptest::option::weighted(0.3, 1..30u64),
        proptest::option::weighted(0.3, (60..3600u64).prop_map(Duration::from_secs)),
        proptest::option::weighted(0.3, (1000..100_000u64).prop_map(Micros)),
    )
        .prop_map(|(calls, time, cost)| Purse { calls, time, cost })
}

fn budget() -> impl Strategy<Value = Budget> {
    let maybe = |share: f64| proptest::option::weighted(share, purse()).prop_map(Option::unwrap_or_default);
    let some = (
        maybe(0.5),
        proptest::collection::btree_map((0..4usize).prop_map(|n| NumberClass::ALL[n]), purse(), 0..3),
        maybe(0.3),
        maybe(0.3),
    );
    let some = some.prop_map(|(run, by_class, line, number)| Budget { run, by_class, line, number });
    prop_oneof![2 => Just(Budget::default()), 1 => some]
}

fn lines() -> impl Strategy<Value = Vec<super::LineJob>> {
    let one = (
        0..10usize,
        proptest::option::weighted(0.6, 0..2usize),
        any::<bool>(),
        proptest::option::of(10..200u64),
    );
    let one = (one, proptest::option::weighted(0.1, 0..3usize), limited());
    // One world in two is without limits, as plans were before there were any.
    (proptest::collection::vec(one, 1..14), any::<bool>()).prop_map(|(lines, limits)| {
        let presets = [Fault::Screened, Fault::Skipped, Fault::OnHold];
        let make = |(n, ((number, credential, prove_on, expected), preset, limited)): (usize, Drawn)| {
            let mut job: super::LineJob = line(n);
            limit(&mut job, number, if limits { limited } else { Limited::default() });
            job.credential = credential.map(|n| format!("c{n}").parse().unwrap());
            job.prove_on = prove_on && n == 0;
            job.expected = expected.map(Duration::from_secs);
            job.preset = preset.map(|n| Preset { fault: presets[n], detail: String::new() });
            job
        };
        lines.into_iter().enumerate().map(make).collect()
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    (1..5u32, 1..4u32, any::<bool>(), 0..3u64, 60..600u64, (1..4u32, any::<bool>())).prop_map(
        |(attempts, confirm, in_order, pause, patience, (setups_max, slow))| Policy {
            attempts,
            confirm,
            in_order,
            retry_after: if pause == 0 {
                Fault::ALL.into_iter().map(|fault| (fault, Duration::ZERO)).collect()
            } else {
                BTreeMap::from([(Fault::Busy, Duration::from_secs(pause))])
            },
            bench: BenchPolicy {
                patience: Duration::from_secs(patience),
                pauses: [5, 20].map(Duration::from_secs).to_vec(),
                setups_max,
                retests: [30, 90].map(Duration::from_secs).to_vec(),
                retests_max: 4,
                deaths: [0, 15].map(Duration::from_secs).to_vec(),
                deaths_max: setups_max,
                slow_retry: slow.then_some(Duration::from_secs(300)),
            },
            ..Policy::default()
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    prop_oneof![4 => anything(), 1 => one_bad_modem()]
}

/// A bank that is sound but for one modem, and lines that mostly are.
fn one_bad_modem() -> impl Strategy<Value = Case> {
    (anything(), 2..5usize, 0..4usize, 6..9u8).prop_map(|(mut case, sound, bad, good)| {
        case.outs.clear();
        case.plan.modems = (0..=sound).map(modem).collect();
        case.plan.redial = RedialLaw::default();
        case.plan.policy.confirm = case.plan.policy.confirm.max(2);
        case.plan.policy.attempts = case.plan.policy.attempts.max(2);
        for n in case.plan.lines.len()..12 {
            case.plan.lines.push(line(n));
        }
        let bad = BTreeMap::from([(modem(0).id, BAD[bad])]);
        case.nature = Seeded { good, steady: 7, panics: 0, bad, set_ups: BTreeMap::new(), ..case.nature };
        case
    })
}

/// What a bad modem makes of every call.
const BAD: [Fault; 4] = [Fault::NoConnect, Fault::Busy, Fault::Garbage, Fault::NoCarrier];

fn anything() -> impl Strategy<Value = Case> {
    let seats = proptest::collection::vec(
        (
            proptest::option::weighted(0.5, 0..2usize),
            proptest::option::weighted(0.3, 0..4usize),
            proptest::option::weighted(0.3, (1..12u32, any::<bool>())),
        ),
        1..6,
    );
    let trunks = proptest::collection::vec(proptest::option::of(1..3u32), 2);
    let outs = proptest::collection::vec((1..900u64, 0..6usize, any::<bool>()), 0..4);
    let checks = (0..3u8, any::<bool>(), proptest::option::weighted(0.3, any::<bool>()), 0..6u32);
    let law = (
        proptest::option::weighted(0.2, 1..5u32),
        proptest::option::weighted(0.2, 1..5u32),
        proptest::collection::vec((0..90u64).prop_map(Duration::from_secs), 0..3),
    );
    let law = law.prop_map(|(attempts, busy_attempts, pauses)| RedialLaw { attempts, busy_attempts, pauses });
    let law = prop_oneof![2 => Just(RedialLaw::default()), 1 => law];
    let ends = (
        proptest::option::weighted(0.2, 0..600u64),
        proptest::option::weighted(0.2, 0..600u64),
        proptest::option::weighted(0.3, 0..60usize),
    );
    let dice = (any::<u64>(), 0..9u8, 0..9u8, 0..2u8);
    let groups = proptest::collection::vec(1..4u32, GROUPS);
    let limits = (groups, budget(), proptest::option::weighted(0.2, (1..900u64, 0..1200u64)));
    let checks_and_law = (checks, law, orders());
    (lines(), seats, trunks, policy(), outs, ends, dice, checks_and_law, limits).prop_map(
        |(
            lines,
            seats,
            limits,
            policy,
            outs,
            (drain, deadline, killed),
            (seed, good, steady, panics),
            ((preflight, has_reference, numbered, heals_after), redial, orders),
            (groups, budget, set),
        )| {
            let trunk = |n: usize| -> TrunkName { format!("t{n}").parse().unwrap() };
            let mut nature = Seeded {
                seed,
                good,
                steady,
                bad: BTreeMap::new(),
                set_ups: BTreeMap::new(),
                panics,
                heals_after,
            };
            let mut modems = Vec::new();
            for (n, (on, bad, failing)) in seats.into_iter().enumerate() {
                let mut seat = modem(n);
                seat.trunk = on.map(trunk);
                seat.toll = Some(way(n, None).worst);
                seat.has_number = numbered.is_some_and(|all| all || n % 2 == 0);
                if let Some(bad) = bad {
                    nature.bad.insert(seat.id.clone(), BAD[bad]);
                }
                if let Some((failing, busy)) = failing {
                    let fault = if busy { Fault::PortBusy } else { Fault::ModemSilent };
                    nature.set_ups.insert(seat.id.clone(), (failing, fault));
                }
                modems.push(seat);
            }
            let limits = limits.into_iter().enumerate();
            let trunks = limits.filter_map(|(n, most)| Some((trunk(n), NonZeroU32::new(most?)?))).collect();
            let outs = outs
                .into_iter()
                .map(|(at, n, busy)| {
                    (at, n % modems.len(), if busy { Fault::PortBusy } else { Fault::ModemError })
                })
                .collect();
            let checks = CheckPlan {
                preflight: [Preflight::Off, Preflight::DialTone, Preflight::Reference]
                    [usize::from(preflight)],
                reference: has_reference.then(|| "+19195559999".parse().unwrap()),
                toll: Some(way(5, None).worst),
            };
            let past = super::Past::default();
            let group = |(n, most): (usize, u32)| Group {
                name: format!("g{n}"),
                kind: if n == 0 { GroupKind::HuntGroup } else { GroupKind::Site },
                max_calls: NonZeroU32::new(most).unwrap(),
            };
            let groups = groups.into_iter().enumerate().map(group).collect();
            let room = ROOM;
            let plan = SchedulerPlan {
                lines,
                modems,
                trunks,
                groups,
                budget,
                room,
                policy,
                checks,
                redial,
                past,
                ..SchedulerPlan::default()
            };
            Case { plan, nature, outs, drain, deadline, killed, set, orders }
        },
    )
}

/// Far above what any case needs: each line has at most 4 attempts, 6 bench calls and 3 panics.
const STEPS_MAX: usize = 5_000;

fn run(case: Case) -> World<Seeded> {
    let modems: Vec<ModemId> = case.plan.modems.iter().map(|seat| seat.id.clone()).collect();
    // One case in two knows what is usual.
    let shortens = case.nature.seed.is_multiple_of(2);
    let mut world = World::new(case.plan, case.nature);
    if shortens {
        world = world.shortening(case.deadline);
    }
    for (at, n, fault) in case.outs {
        world.at(at, Input::ModemOut { modem: modems[n].clone(), fault, detail: "gone".to_owned() });
    }
    for (at, order) in case.orders {
        order.give(&mut world, at, &modems);
    }
    if let Some(at) = case.drain {
        world.at(at, Input::Drain);
    }
    if let Some(at) = case.deadline {
        world.at(at, Input::Deadline);
    }
    if let Some((at, later)) = case.set {
        let lines = world.lines().to_vec();
        let moved = lines.into_iter().filter_map(|job| {
            let spells = job.windows.spells()?.iter().map(|&(from, to)| {
                let later = Duration::from_secs(later);
                (from + later, to + later)
            });
            Some((job.id, Windows::new(spells)))
        });
        world.at(at, Input::Windows(moved.collect()));
    }
    if let Some(steps) = case.killed
        && !world.run(steps)
    {
        world.assert_deterministic();
        world.resume();
    }
    assert!(world.run(STEPS_MAX), "it does not come to its end");
    world.assert_deterministic();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_after_every_step(case in case()) {
        run(case);
    }
}

/// The property above is worth as much as the worlds that it meets.
#[test]
fn the_random_worlds_meet_every_ending() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..1500 {
        let case = case().new_tree(&mut runner).unwrap().current();
        let resumed = case.killed.is_some();
        let world = run(case);
        for decision in world.decisions() {
            let what = match decision {
                Decision::Verdict(verdict) => verdict.fault.map_or("pass", Fault::code),
                Decision::Withdraw { .. } => "(withdraw)",
                Decision::Quarantine { .. } => "(quarantine)",
                Decision::GiveUp { .. } => "(give up)",
                Decision::Waits { reason, .. } => match reason {
                    WaitReason::Modem => "(waits: modem)",
                    WaitReason::Window => "(waits: window)",
                    WaitReason::Pause => "(waits: pause)",
                    WaitReason::Redial => "(waits: redial)",
                    WaitReason::Held => "(waits: held)",
                    WaitReason::Refused => "(waits: refused)",
                    WaitReason::Number => "(waits: number)",
                    WaitReason::Group => "(waits: group)",
                    WaitReason::Budget => "(waits: budget)",
                    WaitReason::Credential => "(waits: credential)",
                },
                Decision::Check { check, .. } => match check {
                    Check::DialTone => "(check: tone)",
                    Check::Reference => "(check: reference)",
                    Check::Peer(_) => "(check: peer)",
                    Check::Line(_) => "(check: line)",
                },
                Decision::TakeBack { .. } => "(take back)",
                Decision::Down { .. } => "(down)",
                Decision::Recall(_) => "(recall)",
                Decision::Dismiss { .. } => "(dismiss)",
                Decision::Restart(_) => "(restart)",
                Decision::Lend { .. } => "(lend)",
                Decision::Answer { answer: Ok(_), .. } => "(done)",
                Decision::Answer { answer: Err(_), .. } => "(refused)",
                Decision::Paused { .. } => "(paused)",
                Decision::Resumed => "(resumed)",
                Decision::Notice(_) => "(notice)",
                Decision::Dial { way: 1.., .. } => "(by another way)",
                Decision::SetUp(_) | Decision::Dial { .. } | Decision::Finished => continue,
            };
            *seen.entry(format!("{what}{}", if resumed { ", resumed" } else { "" })).or_default() += 1;
        }
    }
    let must = [
        "pass",
        "needed-retry",
        "noisy",
        "busy",
        "no-answer",
        "no-carrier",
        "carrier-lost",
        "voice",
        "login-timeout",
        "open-console",
        "login-refused",
        "credential-unproven",
        "no-dialtone",
        "modem-refused",
        "modem-silent",
        "port-lost",
        "port-busy",
        "quarantined-bench",
        "internal",
        "cancelled",
        "past-deadline",
        "over-budget",
        "screened",
        "(withdraw)",
        "(quarantine)",
        "(give up)",
        "(waits: modem)",
        "(waits: window)",
        "(waits: pause)",
        "(waits: redial)",
        "(waits: held)",
        "(waits: refused)",
        "(waits: number)",
        "(waits: group)",
        "(waits: budget)",
        "(waits: credential)",
        "(by another way)",
        "out-of-window",
        "(check: tone)",
        "(check: reference)",
        "(check: peer)",
        "(check: line)",
        "(take back)",
        "(notice)",
        "(take back), resumed",
        "skipped",
        "(down)",
        "(recall)",
        "(dismiss)",
        "(restart)",
        "(lend)",
        "(done)",
        "(refused)",
        "(paused)",
        "(resumed)",
        "pass, resumed",
        "busy, resumed",
        "(quarantine), resumed",
    ];
    let missing: Vec<&str> = must.into_iter().filter(|what| !seen.contains_key(*what)).collect();
    assert!(missing.is_empty(), "never met: {missing:?}");
}

#[test]
fn five_thousand_lines_on_sixty_four_modems_run_through() {
    let mut big = plan(5000, 64);
    for (n, job) in big.lines.iter_mut().enumerate() {
        job.ways[0].number = format!("+1919{:07}", n / 2).parse().unwrap();
    }
    let mut scheduler = super::Scheduler::new(big);
    let mut events = BTreeMap::new();
    let (mut now, mut sequence, mut verdicts, mut finished) = (crate::model::Mono::ZERO, 0u64, 0, false);
    let mut queue = vec![Input::Start];
    while let Some(input) = queue.pop() {
        for decision in scheduler.step(now, input) {
            sequence += 1;
            match decision {
                super::Decision::SetUp(modem) => {
                    events.insert((now, sequence), Input::ModemReady(modem));
                }
                super::Decision::Dial { line, modem, attempt, .. } => {
                    let fault = [None, Some(Fault::Busy), Some(Fault::NoAnswer)]
                        [usize::from(sequence % 7 < 3) * (attempt as usize % 3)];
                    let took = Duration::from_secs(30 + sequence % 60);
                    let report = super::CallReport {
                        held: false,
                        line,
                        modem,
                        attempt,
                        fault,
                        furthest: None,
                        dialed: true,
                        took,
                        cut_short: None,
                        connected_after: None,
                        via: None,
                        charge: None,
                        refused_for: None,
                        detail: String::new(),
                    };
                    events.insert((now + took, sequence), Input::CallEnded(Box::new(report)));
                }
                super::Decision::Verdict(_) => verdicts += 1,
                super::Decision::Withdraw { .. } => verdicts -= 1,
                super::Decision::Finished => finished = true,
                super::Decision::Check { modem, .. } => {
                    let report = super::CheckReport {
                        modem,
                        outcome: CheckOutcome::Passed,
                        fault: None,
                        detail: String::new(),
                        dialed: true,
                        held: false,
                        charge: None,
                    };
                    events
                        .insert((now + Duration::from_secs(20), sequence), Input::Checked(Box::new(report)));
                }
                super::Decision::Quarantine { .. }
                | super::Decision::TakeBack { .. }
                | super::Decision::Notice(_)
                | super::Decision::GiveUp { .. }
                | super::Decision::Down { .. }
                | super::Decision::Recall(_)
                | super::Decision::Dismiss { .. }
                | super::Decision::Restart(_)
                | super::Decision::Lend { .. }
                | super::Decision::Answer { .. }
                | super::Decision::Paused { .. }
                | super::Decision::Resumed
                | super::Decision::Waits { .. } => {}
            }
        }
        let deadline = scheduler.next_deadline();
        let next = events.keys().next().copied();
        match (next, deadline) {
            (Some(key), deadline) if deadline.is_none_or(|at| key.0 <= at) => {
                now = key.0;
                queue.extend(events.remove(&key));
            }
            (_, Some(at)) => {
                now = at;
                queue.push(Input::Time);
            }
            _ => {}
        }
    }
    assert!(finished);
    assert_eq!(verdicts, 5000);
}
