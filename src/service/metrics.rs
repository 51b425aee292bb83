//! `/metrics`: the daemon as it stands, the runs that go on, and what the last run of each plan found, as Prometheus reads it.
//!
//! What a run found is `report::prometheus`'; here it is of all plans at once. How something stands is a label of a sample that
//! is always 1, as a verdict is: there is one sample for what holds, none for what does not. Nothing is counted here: all of
//! it is what the daemon knows anyway. `reports/monitoring/daemon.md` is the user's page.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::process::Process;
use super::status::{Stands, Status};
use crate::model::{BankName, PlanName, RunId, Verdict};
use crate::report::exposition::{self, Family, Labels, unix};
use crate::report::prometheus::{self, Detail};
use crate::report::{Counts, RunState};

/// A run that goes on, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Going {
    /// Which.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanName,
    /// Its bank.
    pub bank: BankName,
    /// A technician's call.
    pub is_call: bool,
    /// When it began.
    pub started: jiff::Timestamp,
    /// What it has found.
    pub counts: Counts,
    /// Calls that are made now.
    pub calls: u64,
    /// Calls that have ended.
    pub calls_ended: u64,
}

impl Going {
    /// That of this state.
    pub fn of(state: &RunState, is_call: bool) -> Self {
        let header = state.header();
        Self {
            run: header.run.clone(),
            plan: header.plan.clone(),
            bank: header.bank.clone(),
            is_call,
            started: state.started(),
            counts: state.counts(),
            calls: state.running().len() as u64,
            calls_ended: state.calls_ended(),
        }
    }
}

/// What the last run of a plan found: kept from one scrape to the next, since it changes once a night.
#[derive(Debug, Clone)]
pub struct Found(Vec<Arc<Family>>);

impl Found {
    /// That of this state.
    pub fn of(state: &RunState) -> Self {
        Self(prometheus::families(state, Detail::Phases).into_iter().map(Arc::new).collect())
    }
}

/// The text. `found` is what the last run of each plan found, `detail` how much of its lines is told.
///
/// # Errors
/// A sample has no text form: a defect.
pub fn text(
    status: &Status,
    going: &[Going],
    found: &[Found],
    process: &Process,
    detail: Detail,
) -> Result<String, fmt::Error> {
    let mut own = daemon(status);
    own.extend(plans(status));
    own.extend(modems(status));
    own.extend(runs(going));
    own.extend(host(process));
    let own = own.into_iter().filter(|family| !family.is_empty()).map(Arc::new);
    let found = found.iter().flat_map(|found| found.0.iter().cloned());
    let found =
        found.filter(|family| detail == Detail::Phases || !prometheus::OF_PHASES.contains(&family.name()));
    exposition::text(own.chain(found))
}

fn labels(of: &[(&'static str, &str)]) -> Labels {
    of.iter().map(|(name, value)| (*name, Arc::from(*value))).collect()
}

/// What is told of the daemon as a whole.
fn daemon(status: &Status) -> Vec<Family> {
    let mut info = Family::new("lineman_service_info", "The daemon: its name and its lineman; always 1");
    info.whole(labels(&[("service", &status.service), ("version", &status.lineman)]), 1_u64);
    let mut started =
        Family::seconds("lineman_service_started_timestamp", "When the daemon began, Unix time");
    started.measure(Labels::new(), unix(status.started));
    let mut stands = Family::new(
        "lineman_service_stands",
        "How the daemon stands, as a label; always 1. There is one sample, of what holds",
    );
    stands.whole(labels(&[("stands", status.stands.code())]), 1_u64);
    let mut until = Family::seconds(
        "lineman_service_until_timestamp",
        "When that ends by itself, Unix time; absent where it does not",
    );
    if let Some(at) = status.until {
        until.measure(Labels::new(), unix(at));
    }
    let mut role = Family::new(
        "lineman_service_role",
        "What the daemon is among its peers, as a label: primary, secondary or none; always 1",
    );
    role.whole(labels(&[("service", &status.service), ("role", status.role.word())]), 1_u64);
    let mut loaded = Family::seconds(
        "lineman_config_loaded_timestamp",
        "Since when the configuration is in force, Unix time",
    );
    loaded.measure(Labels::new(), unix(status.config.loaded));
    let mut good = Family::new(
        "lineman_config_last_reload_successful",
        "Whether the newest configuration is the one in force (1), or it is wrong and an older one is (0)",
    );
    good.whole(Labels::new(), u64::from(status.config.problem.is_none()));
    let mut troubles = Family::new(
        "lineman_service_troubles",
        "What is wrong with the daemon itself, how many things; `lineman status` names them",
    );
    troubles.whole(Labels::new(), status.troubles.len() as u64);
    let mut queue = Family::new("lineman_queue_length", "Runs and calls that wait for their bank");
    queue.whole(Labels::new(), status.queue.len() as u64);
    let mut oldest = Family::seconds(
        "lineman_queue_oldest_timestamp",
        "Since when the one that waits longest does, Unix time; absent while nothing waits",
    );
    if let Some(at) = status.queue.iter().map(|waiting| waiting.since).min() {
        oldest.measure(Labels::new(), unix(at));
    }
    vec![info, started, stands, until, role, loaded, good, troubles, queue, oldest]
}

fn plans(status: &Status) -> Vec<Family> {
    let mut stands = Family::new(
        "lineman_plan_stands",
        "How the plan stands, as a label; always 1. There is one sample of each, of what holds",
    );
    let mut next = Family::seconds(
        "lineman_plan_next_timestamp",
        "When the plan is due next, Unix time; absent where it never is",
    );
    let mut disabled =
        Family::new("lineman_plan_disabled_lines", "Lines of the plan that an operator has disabled");
    for plan in &status.plans {
        let name = ("plan", plan.plan.as_str());
        stands.whole(labels(&[name, ("bank", plan.bank.as_str()), ("stands", plan.stands.code())]), 1_u64);
        if let Some(at) = plan.next {
            next.measure(labels(&[name]), unix(at));
        }
        disabled.whole(labels(&[name]), plan.disabled_lines.len() as u64);
    }
    vec![stands, next, disabled]
}

fn modems(status: &Status) -> Vec<Family> {
    let mut counts = Family::new("lineman_bank_modems", "Modems of the bank by how they stand");
    let mut stands = Family::new(
        "lineman_modem_stands",
        "How our modem stands, as a label; always 1. There is one sample of each, of what holds",
    );
    let mut restarts = Family::new(
        "lineman_modem_restarts",
        "How often the worker of our modem died, or was started again, since the daemon began",
    )
    .counter();
    for bank in &status.banks {
        let name = ("bank", bank.bank.as_str());
        let mut by: BTreeMap<Stands, u64> = Stands::ALL.into_iter().map(|stands| (stands, 0)).collect();
        for modem in &bank.modems {
            *by.entry(modem.stands).or_default() += 1;
            let of = ("modem", modem.modem.as_str());
            stands.whole(labels(&[name, of, ("stands", modem.stands.code())]), 1_u64);
            restarts.whole(labels(&[name, of]), modem.restarts);
        }
        for (stands, n) in by {
            counts.whole(labels(&[name, ("stands", stands.code())]), n);
        }
    }
    vec![counts, stands, restarts]
}

/// What is told of the runs that go on.
fn runs(going: &[Going]) -> Vec<Family> {
    let mut info = Family::new("lineman_live_run_info", "A run that goes on: its id and its bank; always 1");
    let mut started =
        Family::seconds("lineman_live_run_started_timestamp", "When the run that goes on began, Unix time");
    let mut lines = Family::new(
        "lineman_live_run_lines",
        "Lines of the run that goes on by their result so far; those without one are `left`",
    );
    let mut ended =
        Family::new("lineman_live_run_calls_ended", "Calls of the run that goes on that have ended");
    let mut calls = Family::new("lineman_live_calls", "Calls that are made now, on the bank");
    let mut technicians = Family::new("lineman_live_technician_calls", "Calls of technicians that go on");
    let mut by_bank: BTreeMap<&BankName, u64> = BTreeMap::new();
    for run in going {
        *by_bank.entry(&run.bank).or_default() += run.calls;
        if run.is_call {
            continue;
        }
        let plan = ("plan", run.plan.as_str());
        info.whole(labels(&[plan, ("run", run.run.as_str()), ("bank", run.bank.as_str())]), 1_u64);
        started.measure(labels(&[plan]), unix(run.started));
        for result in Verdict::ALL {
            lines.whole(labels(&[plan, ("result", result.word())]), run.counts.of(result));
        }
        let left = run.counts.total().saturating_sub(run.counts.judged());
        lines.whole(labels(&[plan, ("result", "left")]), left);
        ended.whole(labels(&[plan]), run.calls_ended);
    }
    for (bank, n) in by_bank {
        calls.whole(labels(&[("bank", bank.as_str())]), n);
    }
    technicians.whole(Labels::new(), going.iter().filter(|run| run.is_call).count() as u64);
    vec![info, started, lines, ended, calls, technicians]
}

/// What Prometheus's own clients call these figures: dashboards ask for them by these names.
fn host(process: &Process) -> Vec<Family> {
    let mut resident = Family::bytes("process_resident_memory", "Memory that the daemon has in use");
    let mut open = Family::new("process_open_fds", "Descriptors that the daemon has open");
    let mut max = Family::new("process_max_fds", "Descriptors that the daemon may have open");
    let mut threads = Family::new("process_threads", "Threads of the daemon");
    let figures = [
        (&mut resident, process.resident),
        (&mut open, process.descriptors),
        (&mut max, process.descriptors_max),
        (&mut threads, process.threads),
    ];
    for (family, value) in figures {
        if let Some(value) = value {
            family.whole(Labels::new(), value);
        }
    }
    let mut processor =
        Family::seconds("process_cpu", "Time of a processor that the daemon has used").counter();
    if let Some(used) = process.processor {
        processor.measure(Labels::new(), used.as_secs_f64());
    }
    vec![resident, open, max, threads, processor]
}

#[cfg(test)]
mod tests;
