//! The gap: our own time between the end of one call and the next dial on the same modem, with modems that answer `OK`
//! at once and no rest on-hook; and how long each kind of end takes to be proven.

use std::collections::BTreeMap;
use std::time::Duration;

use lineman::model::{CallRecord, Moment};
use lineman::sim::log::What;

use super::common::{ExchangeCall, FOUR, Line, Night, Played, Row, Sample, Stage, Wire};

/// What the issue asks for, ms.
const GAP_MAX_MS: f64 = 25.0;
/// Without DCD, only silence behind it tells the modem's `NO CARRIER` from a console's text: there is no quicker proof
/// that the call is over, and this end is told apart.
const MID_SESSION: &str = "the carrier dropped in mid-session";

pub(crate) fn rows() -> Vec<Row> {
    let mut lines = Vec::new();
    for round in 0..20 {
        lines.extend([
            Line::new("linux", ""),
            Line::new("cisco-ios", ""),
            Line::new("cisco-nxos", ""),
            Line::new("generic", ""),
            Line::new("cisco-ios", ", after_logout: return"),
        ]);
        if round % 2 == 0 {
            lines.push(Line::new("cisco-ios", ", fault: busy"));
            lines.push(Line::new("linux", ", fault: { kind: drops, at: prompted, after: 300ms }"));
        }
        if round % 5 == 0 {
            lines.push(Line::new("cisco-ios", ", fault: no-answer"));
            lines.push(Line::new("cisco-ios", ", fault: no-ring"));
            lines.push(Line::new("cisco-ios", ", fault: boot-prompt"));
            lines.push(Line::new("cisco-ios", ", fault: open-console"));
            lines.push(Line::new("none", ", fault: never-trains"));
        }
    }
    let night = Night {
        modems: 4,
        modem_extra: "",
        families: FOUR,
        wire: Wire::Pty,
        pace: 0.03,
        timing: "{ reply: 0ms }",
        // Shorter than S7 at this pace for a line that rings for ever, so that dials are aborted too.
        limits: "{ dial: 2s, prompt: 4s, login: 4s, grant_wait: 20s, logout: 3s, hangup: 8s, call: 60s }",
        lines,
    };
    let played = Stage::set(&night).play(Duration::from_secs(180));
    let calls = played.calls();
    let readings = readings(&played);
    let gaps = gaps(&calls, &readings);
    let all = Sample::of(gaps.iter().filter(|(end, _)| *end != MID_SESSION).map(|(_, gap)| *gap));
    let ms = |us: u64| us as f64 / 1000.0;
    let mut rows = vec![
        Row::at_most(
            format!("on-hook to next dial, max of {}", all.len()),
            ms(all.percentile(100)),
            GAP_MAX_MS,
            "ms",
        ),
        Row::told("  99th percentile", format!("{:.2} ms", ms(all.percentile(99)))),
        Row::told("  median", format!("{:.2} ms", ms(all.percentile(50)))),
        // On real ports it is over before the rest on-hook is.
        Row::told("  besides: reading the modem's account of the call; median, max", {
            let read = Sample::of(readings.values().copied());
            format!("{:.1}, {:.1} ms", ms(read.percentile(50)), ms(read.percentile(100)))
        }),
    ];
    let mut by_end: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (end, gap) in &gaps {
        by_end.entry(end).or_default().push(*gap);
    }
    let mut proofs: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (record, call) in played.pairs(&calls) {
        let Some(on_hook) = record.timeline.get(Moment::OnHook) else { continue };
        let ours = played.origin_us() + on_hook.at.as_micros();
        proofs.entry(end(call)).or_default().push(ours.saturating_sub(call.span().1));
    }
    for (end, gaps) in by_end {
        let gap = Sample::of(gaps);
        let proof = Sample::of(proofs.remove(end).unwrap_or_default());
        rows.push(Row::told(
            format!("  {end}: {} gaps, max; proof of on-hook, max", gap.len()),
            format!("{:.1}; {:.1} ms", ms(gap.percentile(100)), ms(proof.percentile(100))),
        ));
    }
    rows
}

/// How a call ended, in the exchange's words.
fn end(call: &ExchangeCall) -> &'static str {
    let by =
        call.entries.iter().find(|entry| entry.event == What::HungUp).and_then(|entry| entry.by.as_deref());
    match by {
        Some("dtr") => "we closed the port, carrier up",
        Some("key") => "we aborted the dial",
        Some(_) => "we sent ATH",
        None if call.at(What::CarrierLost).is_some() && call.at(What::Logout).is_some() => {
            "the logout dropped the carrier"
        }
        None if call.at(What::CarrierLost).is_some() => MID_SESSION,
        None => "the modem gave up the dial",
    }
}

/// How long the modem was asked about each call after it was proven on-hook, µs, by line and attempt.
fn readings(played: &Played) -> BTreeMap<(String, u32), u64> {
    let reading = |record: &CallRecord| {
        let at = |moment| record.timeline.get(moment).map(|mark| mark.at.as_micros());
        let took = at(Moment::Released)?.saturating_sub(at(Moment::OnHook)?);
        Some(((record.line.to_string(), record.attempt), took))
    };
    played.records().filter_map(reading).collect()
}

/// For each dial that had to wait for its modem's last call: how that one ended, and the time since then, µs, less what
/// the modem was asked about it. Where the line itself was still in another call, that call's end counts.
fn gaps(calls: &[ExchangeCall], readings: &BTreeMap<(String, u32), u64>) -> Vec<(&'static str, u64)> {
    let over = |call: &ExchangeCall| {
        call.span().1 + readings.get(&(call.line.clone(), call.attempt)).copied().unwrap_or(0)
    };
    let mut gaps = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let (dialed, _) = call.span();
        let Some(before) = calls[..index].iter().rfind(|other| other.modem == call.modem) else { continue };
        let line_free = calls[..index].iter().filter(|other| other.line == call.line).map(over).max();
        let free = over(before).max(line_free.unwrap_or(0));
        gaps.push((end(before), dialed.saturating_sub(free)));
    }
    gaps
}
