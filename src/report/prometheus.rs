//! metrics.prom: a run as gauges, for the textfile collector of Prometheus's node exporter; also valid OpenMetrics.
//!
//! Gauges alone, since a run that has ended counts nothing any more: each figure is what the last run of the plan found,
//! until the next takes its place. Nothing carries a time stamp (the collector refuses them): times are values. Every
//! sample has its plan as a label, so that the files of several plans on one host never collide. An absent figure has no
//! sample. `reports/monitoring/prometheus.md` is the user's page.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::exposition::{self, Family, Labels};
use super::finding::Finding;
use super::{Health, RunState, exit_code};
use crate::model::event::{CredentialState, Ending};
use crate::model::{Change, Fault, PhaseTimes, Verdict};

/// What stands for the absent fault of a line that passed: an empty label would be no label.
pub const NO_REASON: &str = "none";

/// The families that [`Detail::Verdicts`] leaves out.
pub const OF_PHASES: [&str; 4] =
    ["lineman_line_phase", "lineman_line_dialed_to_connect", "lineman_line_total", "lineman_line_rate_bps"];

/// How much is told of each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Verdicts alone: three samples a line.
    Verdicts,
    /// Its durations and rates too: up to twenty samples a line.
    Phases,
}

/// The file's text.
///
/// # Errors
/// A sample has no text form: a defect.
pub fn text(state: &RunState, detail: Detail) -> Result<String, fmt::Error> {
    exposition::text(families(state, detail).into_iter().map(Arc::new))
}

/// The metrics of a run, those of them that have a sample.
pub fn families(state: &RunState, detail: Detail) -> Vec<Family> {
    let plan: Arc<str> = state.header().plan.as_str().into();
    let mut families = run(state, &plan);
    families.extend(lines(state, &plan, detail));
    families.extend(modems(state, &plan));
    families.retain(|family| !family.is_empty());
    families
}

fn from_ms(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// What is told of the run as a whole.
fn run(state: &RunState, plan: &Arc<str>) -> Vec<Family> {
    let header = state.header();
    let of = |more: &[(&'static str, &str)]| -> Labels {
        let more = more.iter().map(|(name, value)| (*name, Arc::from(*value)));
        std::iter::once(("plan", Arc::clone(plan))).chain(more).collect()
    };
    let mut info = Family::new(
        "lineman_run_info",
        "The last run of the plan: its id, its bank and the lineman that ran it",
    );
    let about =
        [("run", header.run.as_str()), ("bank", header.bank.as_str()), ("version", &header.sitting.lineman)];
    info.whole(of(&about), 1_u64);
    let mut started = Family::seconds("lineman_run_started_timestamp", "When the run began, Unix time");
    started.measure(of(&[]), exposition::unix(state.started()));
    let mut finished = Family::seconds("lineman_run_finished_timestamp", "When the run ended, Unix time");
    let mut completed =
        Family::new("lineman_run_completed", "Whether the run came to its end (1) or was interrupted (0)");
    let mut code =
        Family::new("lineman_run_exit_code", "Exit code of the run, as `lineman audit --help` has it");
    if let Some((ending, at)) = state.ended() {
        finished.measure(of(&[]), exposition::unix(at));
        completed.whole(of(&[]), u64::from(ending == Ending::Completed));
        code.whole(of(&[]), exit_code(state));
    }
    let mut counts = Family::new("lineman_run_lines", "Lines of the plan by their result in the run");
    for result in Verdict::ALL {
        counts.whole(of(&[("result", result.word())]), state.counts().of(result));
    }
    let mut by_fault: BTreeMap<Fault, u64> = Fault::ALL.into_iter().map(|fault| (fault, 0)).collect();
    for fault in Finding::all(state).filter_map(|finding| finding.verdict.fault) {
        *by_fault.entry(fault).or_default() += 1;
    }
    let mut faults = Family::new("lineman_run_faults", "Lines of the plan by the fault that the run found");
    for (fault, count) in by_fault {
        let labels =
            [("result", fault.verdict().word()), ("blame", fault.blame().word()), ("reason", fault.code())];
        faults.whole(of(&labels), count);
    }
    let mut changes = Family::new(
        "lineman_run_changes",
        "Lines by what changed since each was tested last; absent without a history",
    );
    if state.has_past() {
        let told = state.changes();
        for change in Change::ALL {
            changes.whole(of(&[("change", change.word())]), told.count(change));
        }
    }
    let mut calls = Family::new("lineman_run_calls", "Calls that the run made");
    calls.whole(of(&[]), state.calls_ended());
    let mut answered = Family::new(
        "lineman_run_answered_failures",
        "Calls that did not pass and had been answered: they cost",
    );
    answered.whole(of(&[]), state.modems().iter().map(|modem| modem.answered_failures).sum::<u64>());
    let charges = state.charges();
    let mut billed =
        Family::seconds("lineman_run_billed", "Time that is billed, after the rounding of the tariff");
    if let Some(billed_s) = charges.total().billed_s() {
        billed.measure(of(&[]), billed_s as f64);
    }
    let mut cost =
        Family::new("lineman_run_cost", "What the calls of the run cost, in the currency of the tariff");
    if let (Some(currency), Some(sum)) = (header.currency.as_deref(), charges.total().cost()) {
        cost.measure(of(&[("currency", currency)]), sum.0 as f64 / 1e6);
    }
    let mut credentials = Family::new(
        "lineman_credential_proven",
        "Whether a login with the credential worked (1), or it was stopped (0); absent where nothing was learned of it",
    );
    for (credential, (known, _)) in state.credentials() {
        let labels = of(&[("credential", credential.as_str())]);
        credentials.whole(labels, u64::from(*known == CredentialState::Proven));
    }
    vec![
        info,
        started,
        finished,
        completed,
        code,
        counts,
        faults,
        changes,
        calls,
        answered,
        billed,
        cost,
        credentials,
    ]
}

/// The phases of a call that follow one another: their sum is no longer than the call.
pub(super) fn phases(times: &PhaseTimes) -> [(&'static str, Option<u64>); 13] {
    [
        ("setup", times.setup_ms),
        ("dial", times.dial_ms),
        ("post_dial", times.post_dial_ms),
        ("ring", times.ring_ms),
        ("train", times.train_ms),
        ("connect", times.connect_ms),
        ("prompt", times.prompt_ms),
        ("login", times.login_ms),
        ("verify", times.verify_ms),
        ("logout", times.logout_ms),
        ("hangup", times.hangup_ms),
        ("ring_train", times.ring_train_ms),
        ("train_connect", times.train_connect_ms),
    ]
}

fn lines(state: &RunState, plan: &Arc<str>, detail: Detail) -> Vec<Family> {
    let mut verdict = Family::new(
        "lineman_line_verdict",
        "What the last run found of the line, as labels; always 1. The reason of a pass is none",
    );
    let mut up = Family::new(
        "lineman_line_up",
        "Whether the line would have saved the day when it was tested last, in the last run or before it: 1 pass or degraded, 0 fail; absent if it never was",
    );
    let mut tested = Family::seconds(
        "lineman_line_tested_timestamp",
        "When the line was tested last, in the last run or before it, Unix time; absent if it never was",
    );
    let mut attempts = Family::new("lineman_line_attempts", "Calls that the last run made to the line");
    let mut phase = Family::seconds(
        "lineman_line_phase",
        "How long each phase of the deciding call took; absent where the modem does not show it",
    );
    let mut to_connect = Family::seconds(
        "lineman_line_dialed_to_connect",
        "From the dial command to CONNECT in the deciding call",
    );
    let mut total =
        Family::seconds("lineman_line_total", "From the dial command to proven on-hook in the deciding call");
    let mut rate = Family::new(
        "lineman_line_rate_bps",
        "Line rate of the deciding call in bit/s, to the far end (tx) and from it (rx)",
    );
    for finding in Finding::all(state) {
        let (line, site): (Arc<str>, Arc<str>) =
            (finding.line.id.as_str().into(), finding.line.site.as_str().into());
        let labels = || -> Labels {
            vec![("plan", Arc::clone(plan)), ("site", Arc::clone(&site)), ("line", Arc::clone(&line))]
        };
        let with = |more: &[(&'static str, &str)]| -> Labels {
            labels().into_iter().chain(more.iter().map(|(name, value)| (*name, Arc::from(*value)))).collect()
        };
        let fault = finding.verdict.fault;
        let found = [
            ("result", finding.result().word()),
            ("blame", fault.map_or(NO_REASON, |fault| fault.blame().word())),
            ("reason", fault.map_or(NO_REASON, Fault::code)),
        ];
        verdict.whole(with(&found), 1_u64);
        if let Some(last) = finding.tested() {
            up.whole(labels(), u64::from(last.result() != Verdict::Fail));
            tested.measure(labels(), exposition::unix(last.at));
        }
        attempts.whole(labels(), finding.verdict.attempts);
        let Some(call) = finding.known.deciding().filter(|_| detail == Detail::Phases) else { continue };
        let times = PhaseTimes::of(&call.timeline);
        for (name, ms) in phases(&times) {
            if let Some(ms) = ms {
                phase.measure(with(&[("phase", name)]), from_ms(ms));
            }
        }
        if let Some(ms) = times.dialed_to_connect_ms {
            to_connect.measure(labels(), from_ms(ms));
        }
        if let Some(ms) = times.total_ms {
            total.measure(labels(), from_ms(ms));
        }
        for (direction, bps) in [("tx", call.link.tx_bps), ("rx", call.link.rx_bps)] {
            if let Some(bps) = bps {
                rate.whole(with(&[("direction", direction)]), bps);
            }
        }
    }
    vec![verdict, up, tested, attempts, phase, to_connect, total, rate]
}

fn modems(state: &RunState, plan: &Arc<str>) -> Vec<Family> {
    let mut health =
        Family::new("lineman_modem_health", "How well our modem served the run: 1 at the one that holds");
    let mut calls = Family::new("lineman_modem_calls", "Calls of our modem in the run, by their result");
    let mut faults =
        Family::new("lineman_modem_bench_faults", "Calls of our modem that ended in a fault of our own side");
    let mut unproven =
        Family::new("lineman_modem_hangup_unproven", "Calls of our modem after which on-hook was not proven");
    let mut out =
        Family::new("lineman_modem_times_out", "How often our modem was taken out of the run for a while");
    let mut failed = Family::new("lineman_modem_checks_failed", "Checks of the bench that our modem failed");
    let mut on_line = Family::seconds("lineman_modem_on_line", "Time of our modem on the line, off-hook");
    for modem in state.modems() {
        let id: Arc<str> = modem.header.id.as_str().into();
        let of = |more: Option<(&'static str, &str)>| -> Labels {
            let own = [("plan", Arc::clone(plan)), ("modem", Arc::clone(&id))];
            own.into_iter().chain(more.map(|(name, value)| (name, Arc::from(value)))).collect()
        };
        for each in Health::ALL {
            health.whole(of(Some(("health", each.word()))), u64::from(modem.health() == each));
        }
        for result in Verdict::ALL {
            calls.whole(of(Some(("result", result.word()))), modem.calls_of(result));
        }
        faults.whole(of(None), modem.bench_faults);
        unproven.whole(of(None), modem.hangup_unproven);
        out.whole(of(None), modem.times_out);
        failed.whole(of(None), modem.checks_failed);
        on_line.measure(of(None), modem.on_line.as_secs_f64());
    }
    vec![health, calls, faults, unproven, out, failed, on_line]
}

#[cfg(test)]
mod tests;
