//! The stamps: how far our instants lie from the exchange's own log, with 64 modems in one process; and what that
//! process uses.

use std::time::Duration;

use lineman::model::{CallRecord, Moment};
use lineman::sim::log::What;

use super::common::{ExchangeCall, FOUR, Line, Night, Played, Row, Sample, Stage, Wire};

const MODEMS: usize = 64;
/// What the issue asks for.
pub(crate) const OFF_MAX_MS: f64 = 2.0;
const CORES_MAX: f64 = 0.5;
const MEMORY_MAX_MIB: f64 = 64.0;

/// Our instants, and the exchange's word for each.
const PAIRS: [(Moment, What); 6] = [
    (Moment::Dialed, What::Dialed),
    (Moment::Ringing, What::Ringback),
    (Moment::Carrier, What::Carrier),
    (Moment::Connected, What::Connected),
    (Moment::Prompted, What::Prompted),
    (Moment::LoggedIn, What::LoggedIn),
];

pub(crate) fn rows() -> Vec<Row> {
    let played = Stage::set(&night(MODEMS, 4, Wire::Pty)).play(Duration::from_secs(300));
    let mut rows = figures(&played);
    let usage = played.usage;
    rows.push(Row::at_most(
        "lineman's CPU, in cores",
        usage.cpu.as_secs_f64() / usage.wall.as_secs_f64(),
        CORES_MAX,
        "",
    ));
    rows.push(Row::at_most(
        "lineman's peak resident memory",
        usage.peak_kib as f64 / 1024.0,
        MEMORY_MAX_MIB,
        "MiB",
    ));
    rows
}

/// So many modems of four families at once, with so many lines for each.
pub(crate) fn night(modems: usize, lines: usize, wire: Wire) -> Night {
    let consoles = ["cisco-ios", "cisco-nxos", "linux", "generic"];
    let line = |index: usize| {
        let (rings, train_s) = (1 + index % 3, 5 + index % 7);
        let fault = if index % 16 == 7 { ", fault: busy" } else { "" };
        Line::new(consoles[index / 4 % 4], format!(", rings: {rings}, train: {train_s}s{fault}"))
    };
    Night {
        modems,
        modem_extra: "",
        families: FOUR,
        wire,
        pace: 0.25,
        timing: "{ think: 50ms }",
        limits: "{ setup: 15s, dial: 40s, prompt: 4s, login: 8s, grant_wait: 60s, logout: 3s, hangup: 10s, call: 120s }",
        lines: (0..lines * modems).map(line).collect(),
    }
}

/// How far the stamps of a night lie from the exchange's.
pub(crate) fn figures(played: &Played) -> Vec<Row> {
    let calls = played.calls();
    let origin = played.origin_us();
    let pairs = played.pairs(&calls);
    let mut all = Vec::new();
    let mut rows = Vec::new();
    for (moment, what) in PAIRS {
        let offs: Vec<u64> =
            pairs.iter().filter_map(|(record, call)| off(record, call, origin, moment, what)).collect();
        let sample = Sample::of(offs.iter().copied());
        rows.push(Row::told(
            format!("  {moment:?}: {} stamps; median, 99th percentile, max", sample.len()).to_lowercase(),
            format!("{}, {}, {} ms", ms(&sample, 50), ms(&sample, 99), ms(&sample, 100)),
        ));
        all.extend(offs);
    }
    let all = Sample::of(all);
    let inside = pairs.iter().filter_map(|(record, call)| is_within(record, call, origin));
    let (within, bounded) = inside.fold((0, 0), |(within, all), good| (within + u32::from(good), all + 1));
    rows.push(Row {
        figure: "  answers that lie within their bounds".to_owned(),
        measured: format!("{within} of {bounded}"),
        bound: "all".to_owned(),
        ratio: None,
        met: Some(within == bounded),
    });
    let mut table = vec![Row::at_most(
        format!("off the exchange's log, 99th percentile of {}", all.len()),
        all.percentile(99) as f64 / 1000.0,
        OFF_MAX_MS,
        "ms",
    )];
    table.push(Row::told("  median, max", format!("{}, {} ms", ms(&all, 50), ms(&all, 100))));
    table.append(&mut rows);
    table
}

/// A percentile in ms.
pub(crate) fn ms(sample: &Sample, percent: usize) -> String {
    format!("{:.2}", sample.percentile(percent) as f64 / 1000.0)
}

/// How far an observed stamp lies from the exchange's, µs.
pub(crate) fn off(
    record: &CallRecord,
    call: &ExchangeCall,
    origin: u64,
    moment: Moment,
    what: What,
) -> Option<u64> {
    let mark = record.timeline.get(moment).filter(|mark| mark.half_width.is_zero())?;
    Some((origin + mark.at.as_micros()).abs_diff(call.at(what)?))
}

/// Whether a bounded answer really lies within its bounds; absent where it is not bounded.
fn is_within(record: &CallRecord, call: &ExchangeCall, origin: u64) -> Option<bool> {
    let mark = record.timeline.get(Moment::Answered).filter(|mark| !mark.half_width.is_zero())?;
    let off = (origin + mark.at.as_micros()).abs_diff(call.at(What::Answered)?);
    Some(u128::from(off) <= mark.half_width.as_micros())
}
