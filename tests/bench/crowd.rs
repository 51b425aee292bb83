//! The crowd: 256 modems at once in one process on one host, by ptys and by RFC 2217: how far the stamps lie off the
//! exchange's log, what lineman uses for it, and whether it wakes up while all of them ring.

use std::time::Duration;

use super::common::{Row, Stage, Usage, Wire};
use super::{idle, stamps};

const MODEMS: usize = 256;
/// The limit of open files that a login session of Linux begins with; lineman is started with less, and raises it.
const FILES_MAX: f64 = 1024.0;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, wire) in [("ptys", Wire::Pty), ("RFC 2217", Wire::Rfc2217("strict"))] {
        let played = Stage::set(&stamps::night(MODEMS, 3, wire)).play(Duration::from_secs(300));
        let most = at_once(&played.calls().iter().map(super::common::ExchangeCall::span).collect::<Vec<_>>());
        rows.push(Row::told(format!("{MODEMS} modems by {name}: calls at once, most"), most.to_string()));
        rows.extend(stamps::figures(&played));
        rows.extend(used(&played.usage));
    }
    rows.extend(idle::rows_of(MODEMS));
    rows
}

fn used(usage: &Usage) -> [Row; 5] {
    [
        Row::told(
            "lineman's CPU, in cores",
            format!("{:.3}", usage.cpu.as_secs_f64() / usage.wall.as_secs_f64()),
        ),
        Row::told("  a modem, of one core", {
            let share = usage.cpu.as_secs_f64() / usage.wall.as_secs_f64() / MODEMS as f64;
            format!("{:.4} %", share * 100.0)
        }),
        Row::told("lineman's peak resident memory", format!("{:.1} MiB", usage.peak_kib as f64 / 1024.0)),
        Row::told("  threads, most", usage.threads.to_string()),
        Row::at_most("  open files, most", usage.files as f64, FILES_MAX, ""),
    ]
}

/// How many of these overlap at most.
fn at_once(spans: &[(u64, u64)]) -> i64 {
    let mut edges: Vec<(u64, i64)> = spans.iter().flat_map(|&(from, to)| [(from, 1), (to, -1)]).collect();
    edges.sort_unstable();
    let mut now = 0;
    edges
        .iter()
        .map(|&(_, step)| {
            now += step;
            now
        })
        .max()
        .unwrap_or(0)
}
