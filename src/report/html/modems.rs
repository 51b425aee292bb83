//! The table of our own modems.

use serde::Serialize;

use super::super::RunState;
use super::words::{clean, span};
use crate::model::{TrunkName, Verdict};

#[derive(Serialize)]
pub(super) struct Modems<'a> {
    rows: Vec<Row<'a>>,
    /// The currency, where calls have a price.
    currency: Option<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    modem: &'a str,
    profile: String,
    trunk: &'a str,
    port: String,
    state: &'static str,
    health: &'static str,
    calls: u64,
    passed: u64,
    degraded: u64,
    failed: u64,
    untested: u64,
    bench_faults: u64,
    checks: String,
    on_line: String,
    on_line_s: u64,
    cost: String,
    faults: String,
    detail: String,
}

pub(super) fn modems(state: &RunState) -> Modems<'_> {
    let currency = state.header().currency.as_deref().map(clean);
    let rows = state.modems().iter().map(|modem| {
        let faults: Vec<String> =
            modem.faults.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        Row {
            modem: modem.header.id.as_str(),
            profile: clean(&modem.header.profile),
            trunk: modem.header.trunk.as_ref().map_or("", TrunkName::as_str),
            port: clean(&modem.header.port),
            state: modem.state.map_or("never set up", |told| told.word()),
            health: modem.health().word(),
            calls: modem.calls,
            passed: modem.calls_of(Verdict::Pass),
            degraded: modem.calls_of(Verdict::Degraded),
            failed: modem.calls_of(Verdict::Fail),
            untested: modem.calls_of(Verdict::Untested),
            bench_faults: modem.bench_faults,
            checks: match (modem.checks, modem.checks_failed) {
                (0, _) => String::new(),
                (checks, 0) => checks.to_string(),
                (checks, failed) => format!("{checks} ({failed} failed)"),
            },
            on_line: span(modem.on_line.as_secs()),
            on_line_s: modem.on_line.as_secs(),
            cost: modem
                .charges
                .total()
                .cost()
                .filter(|_| currency.is_some())
                .map(|cost| cost.to_string())
                .unwrap_or_default(),
            faults: faults.join(", "),
            detail: clean(&modem.detail),
        }
    });
    Modems { rows: rows.collect(), currency: currency.clone() }
}
