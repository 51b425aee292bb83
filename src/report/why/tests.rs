//! What is said of lines and modems, event by event.

use super::*;
use crate::model::Mono;
use crate::report::sample;

fn at(seconds: i64) -> Timestamp {
    sample::start() + SignedDuration::from_secs(seconds)
}

/// What a run says of a line and a modem, after these events at so many seconds.
fn told(events: Vec<(i64, EventKind)>, name: &str, now_s: i64) -> String {
    let lines = (1..=3).map(sample::line).collect();
    let opening = sample::header(lines, vec![sample::modem(0, "courier"), sample::modem(1, "courier")]);
    let events: Vec<Event> = [(0, opening)]
        .into_iter()
        .chain(events)
        .map(|(s, kind)| Event { at: at(s), mono: Mono::from_millis(u64::try_from(s).unwrap() * 1000), kind })
        .collect();
    let situation = Situation::of(&events).unwrap();
    match name.parse::<ModemId>().ok().and_then(|modem| situation.modem(&modem, at(now_s), &TimeZone::UTC)) {
        Some(text) => text,
        None => situation.line(&name.parse().unwrap(), at(now_s), &TimeZone::UTC),
    }
}

fn state(n: u32, state: ModemState, fault: Option<Fault>, until_s: Option<i64>) -> EventKind {
    let detail = if fault.is_some() { "no answer to AT".to_owned() } else { String::new() };
    EventKind::Modem { modem: sample::modem(n, "").id, state, fault, detail, until: until_s.map(at) }
}

fn waits(n: u32, until_s: Option<i64>, reason: WaitReason, why: &str) -> EventKind {
    EventKind::LineWaits { line: sample::line(n).id, until: until_s.map(at), reason, why: why.to_owned() }
}

fn started(n: u32) -> EventKind {
    EventKind::CallStarted {
        call: format!("BR{n:04}-A.1").parse().unwrap(),
        line: sample::line(n).id,
        modem: sample::modem(0, "").id,
        attempt: 1,
        dialed: String::new(),
        via: None,
    }
}

fn judged(n: u32, fault: Option<Fault>) -> EventKind {
    let call = fault.is_none().then(|| format!("BR{n:04}-A.1").parse().unwrap());
    EventKind::Verdict(LineVerdict {
        line: sample::line(n).id,
        fault,
        detail: String::new(),
        call,
        attempts: 1,
    })
}

#[test]
fn a_line_that_waits_says_for_what_and_until_when() {
    let wait = || vec![(5, waits(1, Some(185), WaitReason::Pause, "after busy"))];
    let text = told(wait(), "BR0001-A", 60);
    assert_eq!(
        text,
        "waits (pause): after busy; not before 2026-11-21 02:03:05Z, in 125 s".replace("125 s", "2 min")
    );
    let text = told(wait(), "BR0001-A", 200);
    assert!(text.ends_with("that time has come: it is dialed as soon as a modem is free"), "{text}");
    let text = told(vec![(5, waits(1, None, WaitReason::Group, ""))], "BR0001-A", 60);
    assert!(text.contains("(group): its site or hunt group") && text.contains("no time is known"), "{text}");
}

#[test]
fn a_line_of_which_nothing_was_told_waits_for_a_modem_and_is_told_of_the_bench() {
    let events = vec![(1, state(0, ModemState::Ready, None, None)), (2, started(2))];
    let text = told(events, "BR0001-A", 10);
    assert_eq!(
        text,
        "waits for a free modem: 1 of 2 are in service and 1 in calls, and 2 lines wait for one"
    );
    let text = told(vec![(1, state(0, ModemState::Out, Some(Fault::ModemSilent), Some(31)))], "BR0003-A", 10);
    assert!(text.contains("0 of 2 are in service") && text.contains("none can make a call now"), "{text}");
}

#[test]
fn whoever_asks_in_a_pause_hears_of_it() {
    let paused = |until| {
        let until = jiff::SignedDuration::from_secs(until);
        EventKind::Paused { why: "the rack is moved".to_owned(), until: Some(sample::start() + until) }
    };
    let events = vec![(1, state(0, ModemState::Ready, None, None)), (5, paused(605))];
    let text = told(events.clone(), "BR0001-A", 10);
    assert_eq!(
        text,
        "waits: the run is paused since 2026-11-21 02:00:05Z, until 2026-11-21 02:10:05Z, in 9 min: the rack is moved"
    );
    let over = [events, vec![(9, EventKind::Resumed)]].concat();
    assert!(told(over, "BR0001-A", 10).starts_with("waits for a free modem"));
    let disabled = vec![(1, state(0, ModemState::Disabled, None, None))];
    let text = told(disabled, "m00", 10);
    assert!(text.starts_with("is disabled: nothing is dialed on it before it is enabled"), "{text}");
}

#[test]
fn a_line_in_a_call_and_one_that_is_judged_are_not_waiting() {
    let text = told(vec![(2, started(1))], "BR0001-A", 9);
    assert!(text.starts_with("is being called now: call 1, on m00,") && text.ends_with("for 7 s"), "{text}");
    let text = told(vec![(9, judged(1, Some(Fault::OnHold)))], "BR0001-A", 10);
    assert!(
        text.starts_with("has its verdict, untested/on-hold") && text.contains("not dialed again"),
        "{text}"
    );
    let text = told(vec![(9, judged(1, Some(Fault::Cancelled)))], "BR0001-A", 10);
    assert!(text.contains("--resume"), "{text}");
}

#[test]
fn a_modem_says_what_it_is_at_and_when_it_comes_back() {
    let out = vec![(1, state(0, ModemState::Out, Some(Fault::ModemSilent), Some(31)))];
    let text = told(out, "m00", 11);
    assert!(text.starts_with("is out: modem-silent: no answer to AT; since "), "{text}");
    assert!(text.ends_with("it is tried again at 2026-11-21 02:00:31Z, in 20 s"), "{text}");
    let idle = vec![
        (1, state(0, ModemState::Ready, None, None)),
        (2, judged(2, None)),
        (2, judged(3, None)),
        (2, waits(1, Some(300), WaitReason::Window, "its hours")),
    ];
    let text = told(idle, "m00", 10);
    assert!(
        text.starts_with("is free; 1 line open, and none is for it now: 1 window; the next may be dialed at"),
        "{text}"
    );
    assert!(told(vec![(1, started(1))], "m00", 4).starts_with("calls BR0001-A: "));
}

#[test]
fn a_resumed_run_forgets_what_waited_and_who_was_cancelled() {
    let sitting = crate::model::event::Sitting { lineman: "0".to_owned(), origin_us: 0 };
    let events = vec![
        (2, waits(1, Some(300), WaitReason::Pause, "after busy")),
        (3, judged(2, Some(Fault::Cancelled))),
        (4, EventKind::RunEnded { ending: Ending::Interrupted }),
        (5, EventKind::RunResumed(sitting)),
    ];
    assert!(told(events.clone(), "BR0001-A", 6).starts_with("waits for a free modem"));
    assert!(told(events, "BR0002-A", 6).starts_with("waits for a free modem"));
}
