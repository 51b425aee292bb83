//! What a technician reads, as it stands on the screen: each a whole text, so that a change is looked at.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::model::event::{Hangup, LineVerdict, ModemHeader};
use crate::model::usual::{FamilyUsual, Spread};
use crate::model::{CallRecord, Event, EventKind, Fault, Line, Link, Moment, Mono, Timeline, Usual};
use crate::report::page::Style;
use crate::report::{LineState, sample};

const STYLE: Style = Style { colour: false, width: 100 };

/// A call that came to its end, with a CONNECT after so many ms.
fn call(attempt: u32, connect_ms: u64, fault: Option<Fault>) -> CallRecord {
    use Moment::{Answered, Connected, Dialed, LoggedIn, LoggedOut, OnHook, Prompted, Ready, Ringing, Taken};
    let mut timeline = Timeline::default();
    let at = |ms| Mono::from_millis(1000 + ms);
    for (moment, ms) in [(Taken, 0), (Ready, 40), (Dialed, 50), (Ringing, 3050)] {
        timeline.observe(moment, at(ms));
    }
    if fault.is_none() {
        timeline.bound(Answered, at(7050), at(9050));
        for (moment, after) in [(Connected, 0), (Prompted, 800), (LoggedIn, 1900), (LoggedOut, 2300)] {
            timeline.observe(moment, at(50 + connect_ms + after));
        }
    }
    timeline.observe(OnHook, at(3000 + connect_ms));
    let line: crate::model::LineId = "BR0001-A".parse().unwrap();
    CallRecord {
        call: crate::model::CallId::new(&line, attempt),
        attempt,
        timeline,
        fault,
        detail: if fault.is_some() { "BUSY\u{1b}[31m".to_owned() } else { String::new() },
        link: Link {
            rx_bps: Some(33_600),
            tx_bps: Some(31_200),
            modulation: Some("V.34".to_owned()),
            ..Link::default()
        },
        hostname: fault.is_none().then(|| "br0001-rtr1".to_owned()),
        hangup: Hangup::Proven,
        ..CallRecord::sample()
    }
}

fn known() -> ThereUsually {
    let family =
        FamilyUsual { train_connect_ms: Spread::of(&[13_000, 13_500, 14_000]), ..FamilyUsual::default() };
    let usual = Usual {
        dialed_to_connect_ms: Spread::of(&[20_000, 21_000, 20_500]),
        families: BTreeMap::from([("courier".to_owned(), family)]),
    };
    let nights = [("courier".to_owned(), call(1, 20_000, None)), ("v250".to_owned(), call(1, 90_000, None))];
    ThereUsually::of(Some(&usual), &nights)
}

/// What the watch says of a call, as its events come.
fn watched(record: &CallRecord, style: Style, repeat: u32) -> String {
    let mut watch = Watch::new(style, repeat, BTreeMap::from([(record.line.clone(), known())]));
    let line = Line { id: record.line.clone(), ..sample::line(1) };
    let modem = ModemHeader { id: record.modem.clone(), ..sample::modem(0, "courier") };
    let header = sample::header(vec![line], vec![modem]);
    let mut said = Vec::new();
    let mut tell = |mono: Mono, kind: EventKind| {
        said.extend(watch.apply(&Event { at: Timestamp::UNIX_EPOCH, mono, kind }));
        said.extend(watch.now(mono + std::time::Duration::from_secs(2)).map(|row| format!("~ {row}")));
    };
    tell(Mono::ZERO, header);
    let (call, line, modem) = (record.call.clone(), record.line.clone(), record.modem.clone());
    let dialed = "9,5550101".to_owned();
    tell(
        Mono::from_millis(1000),
        EventKind::CallStarted { call: call.clone(), line, modem, attempt: 1, dialed, via: None },
    );
    for (moment, mark) in record.timeline.iter().filter(|(_, mark)| mark.half_width.is_zero()) {
        // A prompt is told once the output rests, and counts from when it was there.
        let late = std::time::Duration::from_millis(if moment == Moment::Prompted { 500 } else { 0 });
        let was = (!late.is_zero()).then_some(mark.at);
        tell(mark.at + late, EventKind::CallMoment { call: call.clone(), moment, was });
    }
    tell(Mono::from_millis(90_000), EventKind::CallEnded(Box::new(record.clone())));
    said.join("\n")
}

fn judged(calls: Vec<CallRecord>, fault: Option<Fault>, detail: &str) -> (Line, LineState) {
    let line = Line { id: "BR0001-A".parse().unwrap(), ..sample::line(1) };
    let last = calls.last().map(|record| record.call.clone());
    let attempts = u32::try_from(calls.len()).unwrap();
    let verdict =
        LineVerdict { line: line.id.clone(), fault, detail: detail.to_owned(), call: last, attempts };
    (line, LineState { verdict: Some(verdict), calls, ..LineState::default() })
}

#[test]
fn each_phase_is_told_as_it_ends_with_what_is_usual() {
    insta::assert_snapshot!(watched(&call(1, 25_000, None), STYLE, 1));
}

#[test]
fn a_narrow_terminal_has_the_figures_and_no_more() {
    let text = watched(&call(1, 25_000, None), Style { width: 50, ..STYLE }, 1);
    assert!(!text.lines().any(|line| line.starts_with("  ") && line.contains("usually")), "{text}");
    for width in [40, 50, 60, 75, 90, 100] {
        let text = watched(&call(1, 20_000, None), Style { width, ..STYLE }, 1);
        // The first line names whom it calls, and the link is as long as the modem tells it: the terminal breaks them.
        let rows = text.lines().skip(1).filter(|line| !line.starts_with('~') && !line.starts_with("  link"));
        for row in rows {
            assert!(row.chars().count() <= width, "{width}: {row}");
        }
    }
}

#[test]
fn of_many_calls_each_has_one_row() {
    let text = watched(&call(3, 20_000, Some(Fault::Busy)), STYLE, 5);
    let rows: Vec<&str> = text.lines().filter(|line| !line.starts_with('~')).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert_eq!(
        rows[1],
        "  call   1  fail busy, 33600 bit/s from there, 31200 to there, V.34: BUSY\u{fffd}[31m"
    );
}

#[test]
fn a_verdict_says_what_to_look_at_the_likeliest_first() {
    let (line, state) = judged(vec![call(1, 20_000, Some(Fault::Busy))], Some(Fault::Busy), "BUSY\u{1b}[2J");
    let text = found(&line, &state, Style { width: 72, ..STYLE });
    assert!(!text.contains('\u{1b}'), "{text}");
    insta::assert_snapshot!(text);
    let (line, state) = judged(vec![], Some(Fault::NoDialtone), "");
    let text = found(&line, &state, STYLE);
    assert!(
        text.contains("our own side") && text.contains("another jack") && !text.contains("One call's"),
        "{text}"
    );
    let (line, state) = judged(vec![call(1, 20_000, None)], None, "");
    assert!(found(&line, &state, STYLE).contains("br0001-rtr1 answered; 33600 bit/s"));
}

#[test]
fn many_calls_are_counted_spread_and_drawn() {
    let mut calls: Vec<CallRecord> = [20_000, 20_400, 21_000, 20_100, 30_000, 20_300, 20_200, 20_000]
        .into_iter()
        .zip(1..)
        .map(|(ms, n)| call(n, ms, None))
        .collect();
    calls.push(call(9, 20_000, Some(Fault::Busy)));
    calls.push(call(10, 20_000, Some(Fault::NoDialtone)));
    let (line, state) = judged(calls, Some(Fault::NeededRetry), "");
    let there = known();
    let usual = (&there, "courier");
    insta::assert_snapshot!(many(&line, &state, 10, &usual, STYLE, Ink::Blocks));
    let narrow = many(&line, &state, 10, &usual, Style { width: 60, ..STYLE }, Ink::Ascii);
    assert!(narrow.is_ascii() && narrow.lines().all(|line| line.len() <= 60), "{narrow}");
    assert!(narrow.contains("\n  1 more says nothing of the line: it ended on our own side\n"), "{narrow}");
    let narrow = many(&line, &state, 10, &usual, Style { width: 40, ..STYLE }, Ink::Ascii);
    assert!(narrow.lines().all(|line| line.len() <= 40), "{narrow}");
    assert!(narrow.lines().any(|line| line.split_whitespace().eq(["calls", "median"])), "{narrow}");
}

#[test]
fn figures_of_our_own_modem_are_held_against_its_own_family_alone() {
    let there = known();
    let median = |family: &str, figure| there.get(family, figure).map(|usual| usual.median);
    assert_eq!(median("courier", Figure::TrainConnect), Some(13_500), "the history's own");
    assert_eq!(median("courier", Figure::Ring), Some(5_000), "a night's journal");
    assert_eq!(median("rockwell-conexant", Figure::Ring), None);
    assert_eq!(median("rockwell-conexant", Figure::DialedToConnect), Some(20_500));
    assert_eq!(median("rockwell-conexant", Figure::Login), Some(1_100));
}
