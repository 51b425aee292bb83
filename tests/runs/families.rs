//! Every family dials every kind of line, with modem lines and without: the instants that it shows are those of the
//! exchange's own log, what it can't show is left out, and no fault is claimed that it can't know.

use std::collections::BTreeMap;
use std::time::Duration;

use lineman::model::event::ModemState;
use lineman::model::{CallRecord, Fault, Moment, PhaseTimes};
use lineman::sim::log::{Entry, What};

use crate::stage::{Played, Stage};
use crate::verdicts::{bank, ios};

/// What a family shows of a call that connects.
#[derive(Debug, Clone, Copy, Default)]
struct Shows {
    sent: bool,
    ringing: bool,
    /// Where the port has modem lines.
    dsr: bool,
    carrier: bool,
}

const NOTHING: Shows = Shows { sent: false, ringing: false, dsr: false, carrier: false };

/// The table of modems.md 2.2.
const FAMILIES: [(&str, Shows); 12] = [
    ("courier", Shows { ringing: true, ..NOTHING }),
    ("elsa", NOTHING),
    ("generic", NOTHING),
    ("lucent", Shows { carrier: true, ..NOTHING }),
    ("microcom", NOTHING),
    ("multitech", NOTHING),
    ("rockwell-conexant", Shows { sent: true, dsr: true, carrier: true, ..NOTHING }),
    ("si24xx", Shows { ringing: true, carrier: true, ..NOTHING }),
    ("softmodem", Shows { carrier: true, ..NOTHING }),
    ("unknown", NOTHING),
    ("v250", Shows { carrier: true, ..NOTHING }),
    ("zyxel", Shows { ringing: true, ..NOTHING }),
];

fn lines() -> Vec<(&'static str, String)> {
    vec![
        ("GOOD", ios("rings: 3")),
        ("ONCE", ios("rings: 1")),
        ("BUSY", ios("fault: busy")),
        ("ALONE", ios("fault: no-answer")),
        ("NEVER", ios("fault: never-trains, rings: 3")),
        ("VOICE", ios("fault: voice, rings: 2")),
        ("DEAD", ios("fault: no-ring")),
    ]
}

fn play(modem: &str, lines: &[(&str, String)], wired: bool) -> Played {
    let lines: Vec<(&str, &str)> = lines.iter().map(|(id, rest)| (*id, rest.as_str())).collect();
    let mut stage = Stage::new(&bank(&[modem], &lines));
    stage.policy.confirm = 1;
    if wired {
        stage = stage.with_lines();
    }
    stage.play()
}

/// What the exchange's log has of each call, in the order in which they were dialed.
fn logged(played: &Played) -> Vec<BTreeMap<What, &Entry>> {
    let mut calls: BTreeMap<u64, BTreeMap<What, &Entry>> = BTreeMap::new();
    for entry in &played.log {
        if let Some(call) = entry.call {
            calls.entry(call).or_default().entry(entry.event).or_insert(entry);
        }
    }
    calls.into_values().filter(|call| call.contains_key(&What::Dialed)).collect()
}

/// Each instant that a call tells lies where the exchange had it, within its own half-width.
fn hold_instants(what: &str, call: &CallRecord, log: &BTreeMap<What, &Entry>) {
    for (moment, event) in [
        (Moment::Dialed, What::Dialed),
        (Moment::DigitsSent, What::DigitsSent),
        (Moment::Ringing, What::Ringback),
        (Moment::Answered, What::Answered),
        (Moment::Carrier, What::Carrier),
        (Moment::Connected, What::Connected),
    ] {
        let Some(mark) = call.timeline.get(moment) else { continue };
        let entry = log.get(&event).unwrap_or_else(|| panic!("{what}: {moment:?} never was: {call:?}"));
        let off = mark.at.as_micros().abs_diff(entry.mono_us);
        assert!(
            u128::from(off) <= mark.half_width.as_micros() + 1,
            "{what}: {moment:?} is {off} us off, half-width {:?}: {call:?}",
            mark.half_width
        );
        let times = PhaseTimes::of(&call.timeline);
        let told = times.split_error_ms.map_or(Duration::ZERO, Duration::from_millis);
        assert!(mark.half_width <= told, "{what}: {times:?}");
    }
}

fn hold_phases(what: &str, call: &CallRecord, shows: Shows, wired: bool) {
    let times = PhaseTimes::of(&call.timeline);
    let has = |moment| call.timeline.get(moment).is_some();
    let observed = shows.dsr && wired;
    let answered = observed || shows.ringing;
    assert_eq!(has(Moment::DigitsSent), shows.sent, "{what}: {times:?}");
    assert_eq!(has(Moment::Ringing), shows.ringing, "{what}: {times:?}");
    assert_eq!(has(Moment::Answered), answered, "{what}: {times:?}");
    assert_eq!(has(Moment::Carrier), shows.carrier, "{what}: {times:?}");
    assert_eq!(times.dial_ms.is_some(), shows.sent, "{what}: {times:?}");
    assert_eq!(times.ring_ms.is_some(), answered, "{what}: {times:?}");
    assert_eq!(times.train_ms.is_some(), answered && shows.carrier, "{what}: {times:?}");
    assert_eq!(times.connect_ms.is_some(), shows.carrier, "{what}: {times:?}");
    assert_eq!(times.split_error_ms.is_some(), answered && !observed, "{what}: {times:?}");
}

/// Faults that this family may find on this line; the first is the truth.
fn allowed(family: &str, line: &str, shows: Shows) -> Vec<Option<Fault>> {
    let rockwell = family == "rockwell-conexant";
    let faults = match line {
        "BUSY" => vec![Fault::Busy],
        "ALONE" if shows.ringing || rockwell => vec![Fault::NoAnswer],
        "ALONE" => vec![Fault::NoAnswer, Fault::NoConnect],
        // On a Rockwell the wire tells, or S7, which only the answer tone sets back.
        "NEVER" if shows.ringing || rockwell => vec![Fault::NoCarrier],
        "NEVER" => vec![Fault::NoCarrier, Fault::NoConnect],
        "VOICE" if family == "courier" => vec![Fault::Voice],
        // It fell silent, or it said nothing that such a modem knows.
        "VOICE" if shows.ringing => vec![Fault::Voice, Fault::NoCarrier],
        "VOICE" => vec![Fault::Voice, Fault::NoConnect],
        "DEAD" if shows.ringing => vec![Fault::NoRing],
        "DEAD" => vec![Fault::NoRing, Fault::NoConnect],
        _ => return vec![None],
    };
    faults.into_iter().map(Some).collect()
}

#[test]
fn every_family_tells_what_it_can_and_no_more() {
    for (family, shows) in FAMILIES {
        for wired in [false, true] {
            let played = play(&format!("profile: {family}"), &lines(), wired);
            let log = logged(&played);
            let calls = played.calls();
            assert_eq!(calls.len(), log.len(), "{family}: each call dials once");
            for (call, log) in calls.iter().zip(&log) {
                let what = format!("{family}, modem lines: {wired}, {}", call.call);
                hold_instants(&what, call, log);
                if matches!(call.line.as_str(), "GOOD" | "ONCE") {
                    hold_phases(&what, call, shows, wired);
                }
            }
            for (line, fault) in played.faults() {
                let may = allowed(family, &line, shows);
                assert!(
                    may.contains(&fault),
                    "{family}, modem lines: {wired}, {line}: {fault:?} is none of {may:?}: {:?}",
                    played.verdict(&line)
                );
            }
        }
    }
}

/// A modem that prints one RINGING a call: the answer lies anywhere behind it, and silence is no evidence.
#[test]
fn a_single_ringing_bounds_the_answer_by_what_came_after_it() {
    for family in ["courier", "zyxel", "si24xx"] {
        let played = play(&format!("profile: {family}, ringing_once: true"), &lines(), false);
        for (call, log) in played.calls().iter().zip(logged(&played)) {
            hold_instants(family, call, &log);
            assert!(call.rings.is_none_or(|rings| rings <= 1), "{call:?}");
        }
        let good = played.calls_of("GOOD")[0];
        let answered = good.timeline.get(Moment::Answered).expect("it is bounded");
        assert!(answered.half_width > Duration::from_secs(3), "{good:?}");
        for (line, expected) in [
            ("GOOD", None),
            ("NEVER", Some(Fault::NoConnect)),
            ("ALONE", Some(Fault::NoConnect)),
            ("DEAD", Some(Fault::NoRing)),
        ] {
            assert_eq!(played.fault(line), expected, "{family}: {line}: {:?}", played.verdict(line));
        }
    }
}

/// A Sportster that stops at X4 prints no RINGING, and nobody says that none was heard.
#[test]
fn a_line_that_is_refused_takes_its_marks_with_it() {
    let played = play("profile: courier, refuses: [X6, X7]", &lines(), true);
    for (call, log) in played.calls().iter().zip(logged(&played)) {
        hold_instants("sportster", call, &log);
        assert_eq!(call.rings, None, "{call:?}");
    }
    for (line, fault) in played.faults() {
        let mut may = allowed("sportster", &line, NOTHING);
        // At X4 a Courier has no VOICE.
        may.extend((line == "VOICE").then_some(Some(Fault::NoConnect)));
        assert!(may.contains(&fault), "{line}: {fault:?}: {:?}", played.verdict(&line));
        assert_ne!(fault, Some(Fault::NoRing), "{line}: {:?}", played.verdict(&line));
    }
    let told: Vec<&str> =
        played.modem_states().into_iter().map(|(_, _, _, detail)| detail).filter(|d| !d.is_empty()).collect();
    assert_eq!(told, ["tells CONNECT alone; does not take `ATX6`, `ATX7`"]);
}

/// A modem that answers ERROR to the `;` form is dialed plainly in the same call, and from then on.
#[test]
fn a_modem_without_the_held_form_loses_no_call_by_it() {
    for wired in [false, true] {
        let played = play("profile: rockwell-conexant, refuses: [';']", &lines(), wired);
        let log = logged(&played);
        assert_eq!(played.calls().len(), lines().len(), "{:#?}", played.calls());
        for (call, log) in played.calls().iter().zip(&log) {
            hold_instants("no held form", call, log);
            assert!(call.timeline.get(Moment::DigitsSent).is_none());
        }
        assert_eq!(played.fault("GOOD"), None);
        assert_eq!(played.fault("BUSY"), Some(Fault::Busy));
    }
}

#[test]
fn what_a_modem_takes_is_told_once() {
    let played = play("profile: rockwell-conexant", &lines(), true);
    let told: Vec<&str> = played
        .modem_states()
        .into_iter()
        .filter(|(_, state, ..)| *state == ModemState::Ready)
        .map(|(_, _, _, detail)| detail)
        .collect();
    assert!(told[0].starts_with("tells end of dialing, answer by DSR, carrier"), "{told:?}");
    assert!(told[1..].iter().all(|detail| detail.is_empty()), "{told:?}");
}
