//! summary.json: a run in one object, for programs. Keys are stable; they are documented in `reports/SCHEMA.md`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::changes_json::ChangesJson;
use super::consoles::ConsoleCounts;
use super::cost::{ClassJson, decimal};
use super::render::TRANSCRIPTS;
use super::{LineCounts, ModemFigures, RunState, SCHEMA, cell, exit_code, transcript};
use crate::model::event::{CredentialState, Ending, ModemState};
use crate::model::{Blame, CallId, Fault, NumberClass, TrunkName, Verdict};

#[derive(Serialize)]
struct Summary<'a> {
    schema: u32,
    run: &'a str,
    plan: &'a str,
    bank: &'a str,
    seed: u64,
    lineman: &'a str,
    started: String,
    finished: Option<String>,
    ending: Option<Ending>,
    exit_code: Option<u8>,
    sittings: u64,
    changes: Option<ChangesJson<'a>>,
    lines: LineCounts,
    consoles: ConsoleCounts,
    by_blame: BTreeMap<Blame, u64>,
    by_fault: BTreeMap<Fault, u64>,
    calls: u64,
    answered_failures: u64,
    free_failures: u64,
    billed_s: Option<u64>,
    cost: Option<String>,
    currency: Option<&'a str>,
    by_class: BTreeMap<NumberClass, ClassJson>,
    not_passed: Vec<NotPassed<'a>>,
    modems: Vec<Modem<'a>>,
    credentials: Vec<Credential<'a>>,
    notices: Vec<Notice>,
}

#[derive(Serialize)]
struct NotPassed<'a> {
    line: &'a str,
    site: &'a str,
    number: &'a str,
    result: Verdict,
    fault: Fault,
    blame: Blame,
    detail: String,
    advice: &'static str,
    attempts: u32,
    call: Option<&'a str>,
    modem: Option<&'a str>,
    transcripts: Vec<String>,
    withdrawn: Vec<String>,
}

#[derive(Serialize)]
struct Modem<'a> {
    #[serde(rename = "modem")]
    id: &'a str,
    port: String,
    profile: String,
    trunk: Option<&'a str>,
    state: Option<&'static str>,
    health: &'static str,
    calls: u64,
    passed: u64,
    degraded: u64,
    failed: u64,
    untested: u64,
    bench_faults: u64,
    hangup_unproven: u64,
    times_out: u64,
    ms_on_line: u64,
    faults: &'a BTreeMap<Fault, u64>,
    last_fault: Option<Fault>,
    detail: String,
    answered_failures: u64,
    free_failures: u64,
    checks: u64,
    checks_failed: u64,
    billed_s: Option<u64>,
    cost: Option<String>,
}

#[derive(Serialize)]
struct Credential<'a> {
    #[serde(rename = "credential")]
    name: &'a str,
    state: CredentialState,
    detail: String,
}

#[derive(Serialize)]
struct Notice {
    at: String,
    text: String,
}

/// The file's bytes.
pub fn bytes(state: &RunState) -> serde_json::Result<Vec<u8>> {
    let header = state.header();
    let mut by_blame = BTreeMap::new();
    let mut by_fault = BTreeMap::new();
    let mut not_passed = Vec::new();
    for (line, known) in state.lines() {
        let Some(verdict) = &known.verdict else { continue };
        let Some(fault) = verdict.fault else { continue };
        *by_blame.entry(fault.blame()).or_default() += 1;
        *by_fault.entry(fault).or_default() += 1;
        not_passed.push(NotPassed {
            line: line.id.as_str(),
            site: line.site.as_str(),
            number: line.number.as_str(),
            result: fault.verdict(),
            fault,
            blame: fault.blame(),
            detail: cell::one_line(&verdict.detail),
            advice: fault.advice(),
            attempts: verdict.attempts,
            call: verdict.call.as_ref().map(CallId::as_str),
            modem: known.deciding().map(|call| call.modem.as_str()),
            transcripts: known
                .transcripts
                .iter()
                .map(|call| format!("{TRANSCRIPTS}/{}", transcript::file_name(call)))
                .collect(),
            withdrawn: known.withdrawn.iter().map(|why| cell::one_line(why)).collect(),
        });
    }
    let changes = state.changes();
    let charges = state.charges();
    let summary = Summary {
        schema: SCHEMA,
        run: header.run.as_str(),
        plan: header.plan.as_str(),
        bank: header.bank.as_str(),
        seed: header.seed,
        lineman: &header.sitting.lineman,
        started: format!("{:.3}", state.started()),
        finished: state.ended().map(|(_, at)| format!("{at:.3}")),
        ending: state.ended().map(|(ending, _)| ending),
        exit_code: state.ended().map(|_| exit_code(state)),
        sittings: state.sittings(),
        changes: state.has_past().then(|| ChangesJson::from(&changes)),
        lines: state.counts().into(),
        consoles: ConsoleCounts::of(state),
        by_blame,
        by_fault,
        calls: state.calls_ended(),
        answered_failures: state.modems().iter().map(|modem| modem.answered_failures).sum(),
        free_failures: state.modems().iter().map(|modem| modem.free_failures).sum(),
        billed_s: charges.total().billed_s(),
        cost: charges.total().cost().filter(|_| header.currency.is_some()).map(decimal),
        currency: header.currency.as_deref(),
        by_class: charges.by_class().iter().map(|(class, sum)| (*class, sum.into())).collect(),
        not_passed,
        modems: state.modems().iter().map(modem).collect(),
        credentials: state
            .credentials()
            .iter()
            .map(|(name, (state, detail))| Credential {
                name: name.as_str(),
                state: *state,
                detail: cell::one_line(detail),
            })
            .collect(),
        notices: state
            .notices()
            .iter()
            .map(|(at, text)| Notice { at: format!("{at:.3}"), text: cell::one_line(text) })
            .collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&summary)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn modem(figures: &ModemFigures) -> Modem<'_> {
    Modem {
        id: figures.header.id.as_str(),
        port: cell::one_line(&figures.header.port),
        profile: cell::one_line(&figures.header.profile),
        trunk: figures.header.trunk.as_ref().map(TrunkName::as_str),
        state: figures.state.map(ModemState::word),
        health: figures.health().word(),
        calls: figures.calls,
        passed: figures.calls_of(Verdict::Pass),
        degraded: figures.calls_of(Verdict::Degraded),
        failed: figures.calls_of(Verdict::Fail),
        untested: figures.calls_of(Verdict::Untested),
        bench_faults: figures.bench_faults,
        hangup_unproven: figures.hangup_unproven,
        times_out: figures.times_out,
        ms_on_line: u64::try_from(figures.on_line.as_millis()).unwrap_or(u64::MAX),
        faults: &figures.faults,
        last_fault: figures.last_fault,
        detail: cell::one_line(&figures.detail),
        answered_failures: figures.answered_failures,
        free_failures: figures.free_failures,
        checks: figures.checks,
        checks_failed: figures.checks_failed,
        billed_s: figures.charges.total().billed_s(),
        cost: figures.charges.total().cost().map(decimal),
    }
}
