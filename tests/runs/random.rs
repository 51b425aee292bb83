//! Any plan, any bank, any trouble, stopped at any time: every promise holds, and the run ends.

use std::collections::BTreeMap;
use std::time::Duration;

use lineman::call::machine::Cancel;
use lineman::fleet::budget::Purse;
use lineman::fleet::policy::Policy;
use lineman::fleet::redial::RedialLaw;
use lineman::fleet::scheduler::Preflight;
use lineman::model::usual::Spread;
use lineman::model::{EventKind, Fault, Moment, Usual};
use proptest::prelude::*;

use crate::promises;
use crate::stage::{Deed, Played, Stage};
use crate::verdicts::{bank, ios, with_rules};

const MODEMS: [&str; 13] = [
    "profile: courier, fault: { kind: deaf, until: 5m }",
    "profile: rockwell-conexant, fault: { kind: deaf, from: 2m }",
    "profile: courier, fault: { kind: no-dialtone, until: 2m }",
    "profile: courier, number: \"+1 704 555 0901\"",
    "profile: courier",
    "profile: courier",
    "profile: rockwell-conexant",
    "profile: v250",
    "profile: generic",
    "profile: generic, fault: dead",
    "profile: courier, fault: hangup-ignored",
    "profile: courier, ringing_once: true",
    "profile: v250, redial: { failures: 2, lock: 60s }",
];

const LINES: [&str; 27] = [
    "",
    "",
    "",
    "rings: 3",
    "wake: true",
    "syslog: true",
    "after_logout: drop",
    "fault: busy",
    "fault: no-answer",
    "fault: voice",
    "fault: never-trains",
    "fault: reorder",
    "fault: { kind: drops, at: connected, after: 200ms }",
    "fault: { kind: drops, at: username }",
    "fault: { kind: drops, at: password }",
    "fault: silent",
    "fault: garbage",
    "fault: open-console",
    "fault: { kind: wrong-host, text: other }",
    "fault: refused-password",
    "fault: login-stalls",
    "fault: lost-logout",
    "fault: console-busy",
    "fault: { kind: busy, times: 1 }",
    // Console servers.
    "console: port-names, consoles: [{ port: a, console: linux, hostname: a }, { port: b, console: junos, fault: open-console }]",
    "console: port-menu, consoles: [{ port: \"1\", console: linux, hostname: a, holds: true }, { port: \"2\", console: linux, hostname: b }]",
    "console: port-names, consoles: [{ port: a, console: linux, fakes: menu }, { port: b, refuses: busy }], fault: { kind: drops, at: logged-in, after: 5s }",
];

/// What a reference number can turn out to be.
const REFERENCES: [&str; 5] =
    ["", "fault: busy", "fault: voice", "fault: no-answer", "fault: { kind: never-trains, times: 3 }"];

const RULES: [&str; 9] = [
    "probability: 0.2, fault: busy",
    "probability: 0.2, fault: { kind: drops, at: logged-in }",
    "modem: m0, fault: no-dialtone, times: 3",
    "modem: m0, call: 2-, fault: wedged",
    "modem: m1, call: 1-3, fault: setup-error",
    "modem: m0, call: 1, fault: { kind: port-vanishes, at: connected, after: 100ms, back_after: 15s }",
    "modem: m1, call: 2, fault: { kind: port-vanishes, at: dialed }",
    "probability: 0.1, fault: glare",
    "probability: 0.1, fault: { kind: port-vanishes, at: logout, back_after: 5s }",
];

/// In the order of the calls: at which moment does a worker die.
const DEATHS: [Moment; 6] =
    [Moment::Taken, Moment::Dialed, Moment::Connected, Moment::Prompted, Moment::LoggedIn, Moment::LoggedOut];

#[derive(Debug, Clone)]
struct Night {
    seed: u64,
    modems: Vec<usize>,
    lines: Vec<usize>,
    rules: Vec<usize>,
    shared: bool,
    wired: bool,
    auto: bool,
    trunk: Option<u32>,
    on_hook: u64,
    attempts: u32,
    confirm: u32,
    quick_retries: bool,
    prove_on: Option<usize>,
    death: Option<(usize, usize)>,
    deadline: Option<u64>,
    stops: Vec<(u64, bool)>,
    preflight: u8,
    reference: Option<usize>,
    redial: Option<(u32, u64)>,
    budget: Option<(u64, u64)>,
}

/// A line with an IOS console, but where it names another.
fn far(rest: &str) -> String {
    let sound = ios("");
    match rest.strip_prefix("console: ") {
        Some(other) => sound.replace("console: cisco-ios", &format!("console: {other}")),
        None => ios(rest),
    }
}

fn night() -> impl Strategy<Value = Night> {
    let bank = (
        any::<u64>(),
        proptest::collection::vec(0..MODEMS.len(), 1..5),
        proptest::collection::vec(0..LINES.len(), 1..9),
        proptest::collection::vec(0..RULES.len(), 0..3),
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.2),
    );
    let plan = (
        proptest::option::weighted(0.3, 1..3u32),
        prop_oneof![Just(0u64), Just(3000u64)],
        1..4u32,
        1..4u32,
        any::<bool>(),
        proptest::option::weighted(0.3, 0..8usize),
    );
    let checks = (
        0..3u8,
        proptest::option::weighted(0.5, 0..REFERENCES.len()),
        proptest::option::weighted(0.2, (1..4u32, 0..120u64)),
        // Calls, and minutes, that the run may take.
        proptest::option::weighted(0.3, (1..20u64, 5..60u64)),
    );
    let ends = (
        proptest::option::weighted(0.3, (0..4usize, 0..DEATHS.len())),
        proptest::option::weighted(0.15, 0..400_000u64),
        proptest::collection::vec((0..200_000u64, any::<bool>()), 0..3),
    );
    (bank, plan, ends, checks).prop_map(
        |(
            (seed, modems, lines, rules, shared, wired, auto),
            (trunk, on_hook, attempts, confirm, quick_retries, prove_on),
            (death, deadline, stops),
            (preflight, reference, redial, budget),
        )| Night {
            seed,
            modems,
            lines,
            rules,
            shared,
            wired,
            auto,
            trunk,
            on_hook,
            attempts,
            confirm: confirm.min(attempts),
            quick_retries,
            prove_on,
            death,
            deadline,
            stops,
            preflight,
            reference,
            redial,
            budget,
        },
    )
}

const IDS: [&str; 9] = ["L0", "L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8"];
const MODEM_IDS: [&str; 4] = ["m0", "m1", "m2", "m3"];

fn play(night: &Night) -> Played {
    let modems: Vec<String> = night
        .modems
        .iter()
        .enumerate()
        .map(|(n, modem)| MODEMS[*modem].replace("0901", &format!("090{n}")))
        .collect();
    let modems: Vec<&str> = modems.iter().map(String::as_str).collect();
    let lines: Vec<(&str, String)> =
        night.lines.iter().enumerate().map(|(n, line)| (IDS[n], far(LINES[*line]))).collect();
    let mut lines: Vec<(&str, &str)> = lines.iter().map(|(id, rest)| (*id, rest.as_str())).collect();
    let planned = lines.len();
    lines.extend(night.reference.map(|n| ("REF", REFERENCES[n])));
    // A rule for a modem that the bank does not have is none.
    let rules: Vec<&str> = night
        .rules
        .iter()
        .map(|rule| RULES[*rule])
        .filter(|rule| modems.len() > 1 || !rule.contains("m1"))
        .collect();
    let exchange =
        with_rules(&bank(&modems, &lines), &rules).replace("seed: 7", &format!("seed: {}", night.seed));
    let mut stage = Stage::new(&exchange);
    if night.wired {
        stage = stage.with_lines();
    }
    if night.shared && planned > 1 {
        stage = stage.sharing("L1", "L0");
    }
    stage.preflight =
        [Preflight::Off, Preflight::DialTone, Preflight::Reference][usize::from(night.preflight)];
    stage.reference = night.reference.map(|_| "REF");
    if let Some((calls, minutes)) = night.budget {
        let time = Some(Duration::from_secs(minutes * 60));
        stage.budget.run = Purse { calls: Some(calls), time, ..Purse::default() };
    }
    if let Some((attempts, pause)) = night.redial {
        let pauses = vec![Duration::from_secs(pause)];
        stage.redial = RedialLaw { attempts: Some(attempts), busy_attempts: None, pauses };
    }
    stage.auto = night.auto;
    stage.trunk = night.trunk;
    stage.on_hook_min = Duration::from_millis(night.on_hook);
    stage.policy = Policy { attempts: night.attempts, confirm: night.confirm, ..Policy::default() };
    if night.quick_retries {
        stage.policy.retry_after =
            Fault::ALL.into_iter().map(|fault| (fault, Duration::from_secs(1))).collect::<BTreeMap<_, _>>();
    }
    stage.accounts[0].prove_on = night
        .prove_on
        .and_then(|n| IDS.get(n))
        .copied()
        .filter(|id| lines.iter().any(|(line, _)| line == id));
    // Who dies can't hang up again, and a modem that ignores it then holds its number: two faults are too many.
    let stuck = modems.iter().any(|modem| modem.contains("hangup-ignored"));
    if let Some((modem, death)) = night.death
        && modem < modems.len()
        && !stuck
    {
        let (id, moment) = (MODEM_IDS[modem], DEATHS[death]);
        let mut on = None;
        let fits = move |kind: &EventKind| match kind {
            EventKind::CallStarted { call, modem, .. } if modem.as_str() == id => {
                on = Some(call.clone());
                moment == Moment::Taken
            }
            EventKind::CallMoment { call, moment: m, .. } => *m == moment && on.as_ref() == Some(call),
            _ => false,
        };
        stage = stage.when(fits, Deed::Sabotage(id));
    }
    stage.deadline = night.deadline.map(Duration::from_millis);
    if night.seed.is_multiple_of(2) {
        // Every line was quicker on other nights than many of them are tonight.
        let usual = Usual { dialed_to_connect_ms: Spread::of(&[8_000; 6]), ..Usual::default() };
        let ids = stage.exchange.lines.iter().map(|entry| (entry.id.clone(), usual.clone()));
        stage.usual = ids.collect();
    }
    stage.interrupts = night
        .stops
        .iter()
        .map(|(at, at_once)| {
            (Duration::from_millis(*at), if *at_once { Cancel::HangUp } else { Cancel::LogOut })
        })
        .collect();
    stage.play_unchecked()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_in_any_night(night in night()) {
        let played = play(&night);
        promises::hold(&played);
        // Nine lines of three calls, and what a bench may cost them.
        prop_assert!(played.took < Duration::from_secs(4 * 3600), "{:?}", played.took);
        if let Some((stop, _)) = night.stops.iter().min() {
            let late = played.took.saturating_sub(Duration::from_millis(*stop));
            prop_assert!(late < Duration::from_secs(90), "{late:?} after the signal");
        }
    }

    /// But for a signal: it reaches all calls in one instant, and which of them answers first is nobody's promise.
    #[test]
    fn the_same_night_goes_the_same_way(mut night in night()) {
        night.stops.clear();
        let (first, second) = (play(&night).story(), play(&night).story());
        for (one, other) in first.iter().zip(&second) {
            prop_assert_eq!(one, other);
        }
        prop_assert_eq!(first.len(), second.len());
    }
}
