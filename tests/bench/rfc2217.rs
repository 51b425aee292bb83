//! Stamps over RFC 2217: the same night over ptys, over the exchange's own server with the manners of servers in the
//! field, and over Debian's ser2net, each held against the exchange's log.

use std::path::Path;
use std::time::Duration;

use lineman::model::{CallRecord, Moment};
use lineman::sim::log::What;

use super::common::{ExchangeCall, Line, Night, Played, Row, SER2NET, Sample, Stage, Wire};
use super::stamps::{OFF_MAX_MS, ms, off};

const MODEMS: usize = 64;
/// How each way is called, and how often its server looks at the modem lines; `strict` tells each edge at once.
const WAYS: [(&str, Wire); 6] = [
    ("ptys", Wire::Pty),
    ("strict server", Wire::Rfc2217("strict")),
    ("manners of sredird (looks every 100 ms)", Wire::Rfc2217("sredird")),
    ("manners of ser2net (looks every 1 s)", Wire::Rfc2217("ser2net")),
    ("ser2net in front of ptys", Wire::Ser2net("")),
    ("ser2net, `chardelay: false`", Wire::Ser2net("  options:\n    chardelay: false\n")),
];

/// What a modem says; the modem lines have no part in it.
const SAID: [(Moment, What); 7] = [
    (Moment::Dialed, What::Dialed),
    (Moment::DigitsSent, What::DigitsSent),
    (Moment::Ringing, What::Ringback),
    (Moment::Carrier, What::Carrier),
    (Moment::Connected, What::Connected),
    (Moment::Prompted, What::Prompted),
    (Moment::LoggedIn, What::LoggedIn),
];

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut over_ptys = None;
    for (name, wire) in WAYS {
        if matches!(wire, Wire::Ser2net(_)) && !Path::new(SER2NET).exists() {
            rows.push(Row::told(name, "not installed"));
            continue;
        }
        let played = Stage::set(&night(wire)).play(Duration::from_secs(300));
        // What ser2net itself holds back is not ours.
        let is_ours = !matches!(wire, Wire::Ser2net(_));
        rows.extend(figures(name, &played, is_ours, &mut over_ptys));
    }
    rows
}

/// One family that shows its answer by DSR, and one that only rings; they answer anywhere in burst or pause.
fn night(wire: Wire) -> Night {
    let mut chance = fastrand::Rng::with_seed(2217);
    let mut line = || {
        let (rings, after, train) = (chance.u32(2..=3), chance.u32(100..5900), chance.u32(5000..=12_000));
        Line::new("cisco-ios", format!(", rings: {rings}, answer_after: {after}ms, train: {train}ms"))
    };
    Night {
        modems: MODEMS,
        modem_extra: "",
        families: &["rockwell-conexant", "courier"],
        wire,
        // Slow enough for a server that looks at the lines once a second.
        pace: 0.4,
        // A session that is over between two looks shows no edge at all.
        timing: "{ think: 600ms }",
        limits: "{ setup: 15s, dial: 40s, prompt: 4s, login: 8s, grant_wait: 60s, logout: 3s, hangup: 10s, call: 120s }",
        lines: (0..MODEMS).map(|_| line()).collect(),
    }
}

fn figures(name: &str, played: &Played, is_ours: bool, over_ptys: &mut Option<f64>) -> Vec<Row> {
    let calls = played.calls();
    let origin = played.origin_us();
    let pairs = played.pairs(&calls);
    let connected = pairs.iter().filter(|(record, _)| record.fault.is_none()).count();
    assert_eq!(connected, MODEMS, "{name}: calls failed");
    let said = |moment, what| pairs.iter().filter_map(move |(r, call)| off(r, call, origin, moment, what));
    let said = Sample::of(SAID.into_iter().flat_map(|(moment, what)| said(moment, what)));
    let p99 = said.percentile(99) as f64 / 1000.0;
    let ratio = p99 / *over_ptys.get_or_insert(p99);
    let said_by_modem = format!("{name}: what the modem says, p99 of {}", said.len());
    let row = if is_ours {
        Row::at_most(said_by_modem, p99, OFF_MAX_MS, "ms")
    } else {
        Row::told(said_by_modem, format!("{p99:.2} ms"))
    };
    let mut rows = vec![
        // To the same over ptys.
        Row { ratio: Some(ratio), ..row },
        Row::told("  median, max", format!("{}, {} ms", ms(&said, 50), ms(&said, 100))),
    ];
    // A Courier has RINGING, and a Rockwell has not.
    for (what, rings) in [("DSR", false), ("RINGING", true)] {
        let of: Vec<_> = pairs
            .iter()
            .filter(|(r, _)| r.timeline.get(Moment::Ringing).is_some() == rings)
            .filter_map(|(record, call)| answer(record, call, origin))
            .collect();
        if of.is_empty() {
            rows.push(Row::told(format!("  answer by {what}"), "not shown"));
            continue;
        }
        let error = Sample::of(of.iter().map(|(off, _)| *off));
        let widest = of.iter().map(|(_, width)| *width).max().unwrap_or(0);
        let kept = of.iter().filter(|(off, width)| off <= width).count();
        rows.push(Row {
            figure: format!("  answer by {what}; median, p99, max of {}", of.len()),
            measured: format!("{}, {}, {} ms", ms(&error, 50), ms(&error, 99), ms(&error, 100)),
            bound: format!("{} ms", widest / 1000),
            ratio: Some(error.percentile(100) as f64 / widest as f64),
            met: Some(kept == of.len()),
        });
    }
    let on_hook: Vec<_> = pairs
        .iter()
        .filter_map(|(record, call)| {
            let ours = record.timeline.get(Moment::OnHook)?;
            Some((origin + ours.at.as_micros()).saturating_sub(call.at(What::OnHook)?))
        })
        .collect();
    let on_hook = Sample::of(on_hook);
    rows.push(Row::told(
        format!("  on-hook to its proof; median, p99, max of {}", on_hook.len()),
        format!("{}, {}, {} ms", ms(&on_hook, 50), ms(&on_hook, 99), ms(&on_hook, 100)),
    ));
    rows
}

/// How far the answer lies off the exchange's, and how far it may by its own word, µs.
fn answer(record: &CallRecord, call: &ExchangeCall, origin: u64) -> Option<(u64, u64)> {
    let mark = record.timeline.get(Moment::Answered)?;
    let off = (origin + mark.at.as_micros()).abs_diff(call.at(What::Answered)?);
    Some((off, u64::try_from(mark.half_width.as_micros()).ok()?))
}
