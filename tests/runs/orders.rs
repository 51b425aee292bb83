//! What a run is told while it goes on: in each phase of a call, nothing is begun that was forbidden, everything is hung up,
//! and no line is blamed for an order.

use std::collections::BTreeSet;
use std::time::Duration;

use lineman::call::machine::Cancel;
use lineman::fleet::order::{Answer, Done, Loan, Order};
use lineman::fleet::policy::BenchPolicy;
use lineman::model::event::{Ending, Hangup, ModemState};
use lineman::model::{Event, EventKind, Fault, LineId, ModemId, Moment, Mono, PhoneNumber};
use lineman::sim::log::What;

use crate::stage::{Deed, Played, Stage};
use crate::verdicts::{ALL, bank_of, ios};

const WHY: &str = "the rack is moved";

fn m(modem: &str) -> ModemId {
    modem.parse().expect("a name")
}

fn line(line: &str) -> LineId {
    line.parse().expect("a name")
}

fn disable(modem: &str) -> Order {
    Order::Disable { modem: m(modem), why: WHY.to_owned() }
}

fn restart(modem: &str) -> Order {
    Order::Restart { modem: m(modem), why: WHY.to_owned() }
}

fn skip(id: &str) -> Order {
    Order::Skip { line: line(id), why: WHY.to_owned() }
}

/// At this moment of a call, for the first time.
fn at(moment: Moment) -> impl FnMut(&EventKind) -> bool + Send + 'static {
    move |kind| matches!(kind, EventKind::CallMoment { moment: m, .. } if *m == moment)
}

/// At this moment of the first call of a modem.
fn at_on(moment: Moment, modem: &'static str) -> impl FnMut(&EventKind) -> bool + Send + 'static {
    let mut calls = BTreeSet::new();
    move |kind| match kind {
        EventKind::CallStarted { call, modem: on, .. } if on.as_str() == modem => {
            calls.insert(call.clone());
            false
        }
        EventKind::CallMoment { call, moment: m, .. } => *m == moment && calls.contains(call),
        _ => false,
    }
}

/// Whether that moment came: not every modem shows each of them.
fn met(played: &Played, mut fits: impl FnMut(&EventKind) -> bool) -> bool {
    played.events.iter().any(|event| fits(&event.kind))
}

/// Everything is on-hook, proven, and no line is blamed.
fn nobody_is_blamed(played: &Played, what: &str) {
    assert_eq!(played.logged(What::Dialed).len(), played.logged(What::OnHook).len(), "{what}: off-hook");
    assert_eq!(played.unproven(), Vec::<&lineman::model::CallRecord>::new(), "{what}");
    for (line, fault) in played.faults() {
        assert!(
            matches!(fault, None | Some(Fault::Cancelled | Fault::Skipped)),
            "{what}: {line} is {fault:?}: {}",
            played.verdict(&line).detail
        );
    }
}

fn answer<'a>(played: &'a Played, order: &Order) -> &'a Answer {
    let all = &played.heard.answers;
    let found = all.iter().find(|(asked, _)| asked == order);
    &found.unwrap_or_else(|| panic!("{order:?} has no answer: {all:?}")).1
}

fn done(played: &Played, order: &Order) -> String {
    match answer(played, order) {
        Ok(Done::Said(text)) => text.clone(),
        other => panic!("{order:?}: {other:?}"),
    }
}

fn refused(played: &Played, order: &Order) -> String {
    match answer(played, order) {
        Err(why) => why.0.clone(),
        other => panic!("{order:?}: {other:?}"),
    }
}

/// When a modem was told to be so, first.
fn told(played: &Played, modem: &str, state: ModemState) -> Option<Mono> {
    let is = |event: &&Event| matches!(&event.kind, EventKind::Modem { modem: id, state: now, .. } if id.as_str() == modem && *now == state);
    played.events.iter().find(is).map(|event| event.mono)
}

/// No call begins on a modem between two instants.
fn rests(played: &Played, modem: &str, from: Mono, to: Option<Mono>) {
    let to = to.unwrap_or(Mono::from_micros(u64::MAX));
    for entry in played.log.iter().filter(|entry| entry.modem.as_deref() == Some(modem)) {
        let at = Mono::from_micros(entry.mono_us);
        assert!(
            entry.event != What::Dialed || at <= from || at >= to,
            "{modem} dialed at {at:?}, and rests from {from:?} to {to:?}"
        );
    }
}

/// What moments can be met: nobody has a terminal here, and only wires show an answer.
fn moments() -> impl Iterator<Item = Moment> {
    Moment::ALL.into_iter().filter(|moment| !matches!(moment, Moment::HandedBack | Moment::Answered))
}

#[test]
fn a_modem_that_is_disabled_in_any_phase_hangs_up_and_its_line_goes_to_another() {
    let mut seen = 0;
    for moment in moments() {
        for wired in [false, true] {
            let what = format!("disabled at {moment:?}, modem lines: {wired}");
            let mut stage =
                Stage::new(&bank_of(&ALL, 9, &[])).when(at_on(moment, "m0"), Deed::Order(disable("m0")));
            if wired {
                stage = stage.with_lines();
            }
            let played = stage.play();
            nobody_is_blamed(&played, &what);
            assert_eq!(played.end.ending, Ending::Completed, "{what}");
            for (line, fault) in played.faults() {
                assert_eq!(fault, None, "{what}: {line}: {}", played.verdict(&line).detail);
            }
            if !met(&played, at_on(moment, "m0")) {
                continue;
            }
            seen += 1;
            assert!(done(&played, &disable("m0")).contains("is disabled"), "{what}");
            let since =
                told(&played, "m0", ModemState::Disabled).unwrap_or_else(|| panic!("{what}: not told"));
            rests(&played, "m0", since, None);
            let on_m0 = played.calls().into_iter().filter(|call| call.modem.as_str() == "m0").count();
            // By then the next one may have begun.
            assert_eq!(on_m0, if moment == Moment::Released { on_m0.min(2) } else { 1 }, "{what}");
            // What was cut off is no attempt of the line.
            for call in played.calls().iter().filter(|call| call.fault == Some(Fault::Cancelled)) {
                let verdict = played.verdict(call.line.as_str());
                assert_eq!(verdict.detail, "", "{what}: {verdict:?}");
            }
        }
    }
    assert!(seen >= 16, "{seen}");
}

#[test]
fn a_modem_that_is_enabled_again_dials_again() {
    let mut stage =
        Stage::new(&bank_of(&ALL, 30, &[])).when(at(Moment::Connected), Deed::Order(disable("m0")));
    let enable = Order::Enable { modem: m("m0") };
    stage.orders = vec![(Duration::from_secs(90), enable.clone()), (Duration::from_secs(91), enable.clone())];
    let played = stage.play();
    nobody_is_blamed(&played, "enabled");
    let since = told(&played, "m0", ModemState::Disabled).expect("told");
    rests(&played, "m0", since, Some(Mono::from_millis(90_000)));
    assert!(done(&played, &enable).contains("set up first"));
    let later = |entry: &&lineman::sim::log::Entry| {
        entry.modem.as_deref() == Some("m0") && entry.mono_us > 90_000_000 && entry.event == What::Dialed
    };
    assert!(played.log.iter().any(|entry| later(&entry)), "it never dialed again");
    assert!(played.heard.answers.iter().any(|(order, answer)| *order == enable && answer.is_err()));
}

#[test]
fn a_worker_that_is_started_again_in_any_phase_costs_nobody_anything() {
    let mut seen = 0;
    for moment in moments() {
        let what = format!("started again at {moment:?}");
        let played = Stage::new(&bank_of(&ALL, 12, &[]))
            .with_lines()
            .when(at_on(moment, "m1"), Deed::Order(restart("m1")))
            .play();
        nobody_is_blamed(&played, &what);
        assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{what}: {:?}", played.faults());
        if !met(&played, at_on(moment, "m1")) {
            continue;
        }
        seen += 1;
        assert!(done(&played, &restart("m1")).contains("started again"), "{what}");
        assert_eq!(played.times("m1", ModemState::Out), 0, "{what}: that is no fault");
        assert_eq!(played.times("m1", ModemState::Ready), 2, "{what}: set up by two workers");
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn a_line_that_is_skipped_in_any_phase_ends_at_once_and_comes_back_if_asked() {
    for moment in moments() {
        let what = format!("skipped at {moment:?}");
        let played = Stage::new(&bank_of(&ALL, 6, &[])).when(at(moment), Deed::Order(skip("G000"))).play();
        nobody_is_blamed(&played, &what);
        let verdict = played.verdict("G000");
        match verdict.fault {
            Some(Fault::Skipped) => assert_eq!(verdict.detail, format!("disabled: {WHY}"), "{what}"),
            // The logout was on its way, or the console had been seen.
            None => assert!(moment >= Moment::Prompted, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
        assert!(played.calls_of("G000").len() <= 1, "{what}");
        assert!(played.faults().iter().all(|(id, fault)| id == "G000" || fault.is_none()), "{what}");
        done(&played, &skip("G000"));
    }
    let mut stage = Stage::new(&bank_of(&ALL, 20, &[]));
    let restore = Order::Restore { line: line("G019") };
    stage.orders = vec![(Duration::from_secs(10), skip("G019")), (Duration::from_secs(40), restore.clone())];
    let played = stage.play();
    assert_eq!(played.fault("G019"), None);
    assert!(done(&played, &restore).contains("after all"));
    assert!(played.events.iter().any(|event| matches!(event.kind, EventKind::VerdictWithdrawn { .. })));
}

#[test]
fn a_pause_in_any_phase_lets_calls_end_and_begins_none() {
    for moment in moments() {
        let what = format!("paused at {moment:?}");
        let pause = Order::Pause { why: WHY.to_owned(), until: Some(Mono::from_millis(3_600_000)) };
        let played = Stage::new(&bank_of(&ALL, 12, &[])).when(at(moment), Deed::Order(pause.clone())).play();
        nobody_is_blamed(&played, &what);
        assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{what}");
        let is = |event: &&Event| matches!(event.kind, EventKind::Paused { .. });
        let paused = played.events.iter().find(is).map(|event| event.mono);
        let paused = paused.unwrap_or_else(|| panic!("{what}: not told"));
        let begun = |event: &&Event| matches!(event.kind, EventKind::CallStarted { .. });
        for event in played.events.iter().filter(begun) {
            let hour = Mono::from_millis(3_600_000);
            assert!(event.mono <= paused || event.mono >= hour, "{what}: {event:?}");
        }
        assert!(done(&played, &pause).starts_with("paused"), "{what}");
    }
}

#[test]
fn a_pause_outlasts_the_patience_of_the_bench_and_holds_set_ups_back() {
    // Both modems are out when the pause begins; an hour later they are there again.
    let exchange = bank_of(&["profile: courier, fault: { kind: dead }", "profile: courier"], 4, &[]);
    let mut stage = Stage::new(&exchange);
    stage.orders = vec![
        (Duration::from_secs(1), Order::Pause { why: WHY.to_owned(), until: None }),
        (Duration::from_secs(7200), Order::Resume),
        (Duration::from_secs(7201), Order::Resume),
    ];
    let played = stage.play();
    nobody_is_blamed(&played, "a long pause");
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{:?}", played.faults());
    let resumes: Vec<bool> = played
        .heard
        .answers
        .iter()
        .filter(|(order, _)| *order == Order::Resume)
        .map(|(_, answer)| answer.is_ok())
        .collect();
    assert_eq!(resumes, [true, false]);
}

#[test]
fn a_drain_lets_calls_end_and_a_stop_tells_why() {
    for moment in moments() {
        let drain = Order::Drain { why: WHY.to_owned() };
        let played = Stage::new(&bank_of(&ALL, 9, &[])).when(at(moment), Deed::Order(drain.clone())).play();
        let what = format!("drained at {moment:?}");
        nobody_is_blamed(&played, &what);
        assert_eq!(played.end.ending, Ending::Interrupted, "{what}");
        assert!(played.calls().iter().all(|call| call.fault.is_none()), "{what}: calls end as they may");
        let left = played.verdict("G008");
        assert_eq!(left.fault, Some(Fault::Cancelled), "{what}");
        assert_eq!(left.detail, format!("the run was interrupted before its first call: {WHY}"), "{what}");
        done(&played, &drain);
        for how in [Cancel::LogOut, Cancel::HangUp] {
            let stop = Order::Stop { how, why: Some(WHY.to_owned()) };
            let played =
                Stage::new(&bank_of(&ALL, 9, &[])).when(at(moment), Deed::Order(stop.clone())).play();
            nobody_is_blamed(&played, &what);
            assert_eq!(played.end.ending, Ending::Interrupted, "{what}");
            assert!(played.verdict("G008").detail.ends_with(WHY), "{what}");
            done(&played, &stop);
        }
    }
}

#[test]
fn a_modem_is_lent_once_it_is_on_hook_and_nobody_else_calls_its_number() {
    let mut seen = 0;
    for moment in moments() {
        let what = format!("lent at {moment:?}");
        let borrow = Deed::Borrow("G005", Duration::from_secs(200));
        let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 6, &[])).when(at(moment), borrow);
        stage.on_hook_min = Duration::from_secs(3);
        stage.trunk = Some(2);
        let played = stage.play();
        nobody_is_blamed(&played, &what);
        assert!(played.faults().iter().all(|(_, fault)| fault.is_none()), "{what}: {:?}", played.faults());
        if !met(&played, at(moment)) {
            continue;
        }
        seen += 1;
        let [lent] = played.heard.lent.as_slice() else { panic!("{what}: {:?}", played.heard) };
        let number = played.setting.lines.iter().find(|entry| entry.id.as_str() == "G005").map(|e| &e.id);
        rests(&played, &lent.modem, lent.from, lent.to);
        for entry in played.logged(What::Dialed) {
            let at = Mono::from_micros(entry.mono_us);
            let theirs = entry.line.as_deref() == number.map(LineId::as_str);
            assert!(!theirs || at < lent.from || lent.to.is_none_or(|to| at >= to), "{what}: {entry:?}");
        }
        let mut last = played.log.iter().filter(|entry| {
            entry.modem.as_deref() == Some(&lent.modem) && Mono::from_micros(entry.mono_us) <= lent.from
        });
        let last = last.rfind(|entry| matches!(entry.event, What::Dialed | What::OnHook));
        if let Some(last) = last {
            assert_eq!(last.event, What::OnHook, "{what}: lent off-hook");
            let rest = lent.from.since(Mono::from_micros(last.mono_us));
            assert!(rest >= Duration::from_secs(3), "{what}: lent {rest:?} after its call");
        }
        assert!(told(&played, &lent.modem, ModemState::Lent).is_some(), "{what}");
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn what_can_not_be_lent_is_refused_with_the_reason() {
    // Both modems are dead, and given up.
    let mut stage = Stage::new(&bank_of(&["profile: courier, fault: { kind: dead }"; 2], 2, &[]));
    stage.policy.bench = BenchPolicy { setups_max: 1, ..BenchPolicy::default() };
    let lend =
        Order::Lend { numbers: vec!["+19195559998".parse::<PhoneNumber>().expect("a number")], line: None };
    stage.orders = vec![
        (Duration::from_millis(10), disable("m0")),
        (Duration::from_millis(20), disable("m1")),
        (Duration::from_millis(30), lend.clone()),
        (Duration::from_millis(40), disable("m7")),
        (Duration::from_millis(50), restart("m1")),
        (Duration::from_millis(60), Order::TakeBack { modem: m("m0") }),
        (Duration::from_millis(70), Order::Restore { line: line("G000") }),
        (Duration::from_millis(80), Order::Resume),
    ];
    let played = stage.play();
    assert_eq!(refused(&played, &lend), "no modem can be had: `m0` is disabled, `m1` is disabled");
    assert_eq!(refused(&played, &disable("m7")), "the run has no modem `m7`");
    assert_eq!(refused(&played, &restart("m1")), format!("`m1` is disabled ({WHY}): enable it instead"));
    assert_eq!(refused(&played, &Order::TakeBack { modem: m("m0") }), "`m0` is not lent");
    assert_eq!(refused(&played, &Order::Restore { line: line("G000") }), "`G000` is not skipped");
    assert_eq!(refused(&played, &Order::Resume), "the run is not paused");
    // Nobody but the operator is the reason, and `--resume` goes on.
    assert!(
        played.faults().iter().all(|(_, fault)| *fault == Some(Fault::Cancelled)),
        "{:?}",
        played.faults()
    );
    assert_eq!(played.end.ending, Ending::Interrupted);
}

#[test]
fn a_run_begins_with_what_was_ordered_before() {
    let mut stage = Stage::new(&bank_of(&ALL, 8, &[]));
    stage.standing.disabled.insert(m("m0"), WHY.to_owned());
    stage.standing.lent.insert(m("m1"), Loan::default());
    stage.standing.skipped.insert(line("G003"), WHY.to_owned());
    stage.orders = vec![(Duration::from_secs(60), Order::TakeBack { modem: m("m1") })];
    let played = stage.play();
    nobody_is_blamed(&played, "standing");
    assert_eq!(played.fault("G003"), Some(Fault::Skipped));
    assert_eq!(played.calls_of("G003").len(), 0);
    rests(&played, "m0", Mono::ZERO, None);
    rests(&played, "m1", Mono::ZERO, Some(Mono::from_millis(60_000)));
    assert_eq!(played.times("m0", ModemState::Disabled), 1);
    assert_eq!(played.times("m1", ModemState::Lent), 1);
}

/// Of a password that is on its way one hears first what becomes of it: else it would count as refused for all lines.
#[test]
fn no_credential_is_stopped_for_an_order() {
    for after in (0..6000).step_by(150) {
        let slow: Vec<(&str, String)> =
            ["S0", "S1", "S2", "S3"].into_iter().map(|id| (id, ios(""))).collect();
        let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 0, &slow));
        stage.orders = vec![(Duration::from_millis(18_000 + after), disable("m0"))];
        let played = stage.play();
        let what = format!("disabled after {after} ms");
        nobody_is_blamed(&played, &what);
        let stopped = played
            .credentials()
            .iter()
            .any(|(_, state)| *state == lineman::model::event::CredentialState::Stopped);
        assert!(!stopped, "{what}: {:?}", played.credentials());
    }
}

/// A driver that does not come back: the call is past every limit, its worker is ended, and the line is not blamed.
#[test]
fn a_call_that_is_stuck_past_every_limit_is_ended_and_its_modem_set_up_again() {
    for moment in [Moment::Ready, Moment::Dialed, Moment::Connected] {
        let what = format!("stuck at {moment:?}");
        let played = Stage::new(&bank_of(&["profile: courier"; 2], 8, &[]))
            .when(at_on(moment, "m0"), Deed::Jam("m0"))
            .play_unchecked();
        for (line, fault) in played.faults() {
            assert_eq!(fault, None, "{what}: {line}: {}", played.verdict(&line).detail);
        }
        let stuck: Vec<_> =
            played.calls().into_iter().filter(|call| call.fault == Some(Fault::Internal)).collect();
        let [stuck] = stuck.as_slice() else { panic!("{what}: {:?}", played.calls()) };
        assert!(stuck.detail.contains("longer than all its limits"), "{what}: {}", stuck.detail);
        assert_eq!(stuck.hangup, Hangup::Unproven, "{what}");
        let room = played.setting.room;
        let took = Duration::try_from(stuck.finished.duration_since(stuck.started)).expect("forward");
        assert!(took >= room && took <= room + Duration::from_secs(60), "{what}: {took:?} of {room:?}");
    }
}

/// A worker that dies in every call: the pauses grow, then its modem is down, and tried again slowly; the others do the work.
#[test]
fn a_modem_in_a_crash_loop_is_down_and_is_tried_again_slowly() {
    for slow_retry in [None, Some(Duration::from_secs(600))] {
        let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 60, &[])).whenever(
            |kind| matches!(kind, EventKind::CallStarted { modem, .. } if modem.as_str() == "m0"),
            Deed::Sabotage("m0"),
        );
        stage.policy.bench = BenchPolicy { slow_retry, ..BenchPolicy::default() };
        let played = stage.play();
        for (line, fault) in played.faults() {
            assert_eq!(fault, None, "{line}: {}", played.verdict(&line).detail);
        }
        let deaths: Vec<Mono> = played
            .events
            .iter()
            .filter(|event| matches!(&event.kind, EventKind::CallEnded(call) if call.fault == Some(Fault::Internal)))
            .map(|event| event.mono)
            .collect();
        let pauses: Vec<u64> = deaths.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
        assert!(pauses.windows(2).take(3).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        let down = played.times("m0", ModemState::Down);
        let wedged = played.times("m0", ModemState::Wedged);
        if slow_retry.is_some() {
            assert!(down >= 1 && wedged == 0, "{down} {wedged}");
            assert!(pauses[4..].iter().all(|pause| *pause >= 600), "{pauses:?}");
        } else {
            assert_eq!((down, wedged, deaths.len()), (0, 1, 5), "{pauses:?}");
        }
    }
}
