//! What is wrong, and with whom: lines by blame and fault, and the troubles of our own bench.

use serde::Serialize;

use super::super::{Health, LineState, RunState, news, summary};
use super::words::{clean, count, grouped};
use crate::model::event::CredentialState;
use crate::model::{Blame, Fault, Line};

/// Lines that are named of one fault; the table has all of them.
const NAMED_MAX: usize = 12;

/// All faults of one blame.
#[derive(Serialize)]
pub(super) struct BlameGroup<'a> {
    blame: &'static str,
    meaning: &'static str,
    count: String,
    faults: Vec<FaultGroup<'a>>,
}

#[derive(Serialize)]
struct FaultGroup<'a> {
    fault: &'static str,
    result: &'static str,
    advice: &'static str,
    count: String,
    /// Of the most frequent fault of the run, in percent.
    width: u64,
    lines: Vec<Found<'a>>,
    more: String,
}

#[derive(Serialize)]
struct Found<'a> {
    line: &'a str,
    site: &'a str,
    number: &'a str,
    mark: String,
    is_new: bool,
    detail: String,
}

pub(super) fn by_blame(state: &RunState) -> Vec<BlameGroup<'_>> {
    let found: Vec<(Fault, &Line, &LineState)> = state
        .lines()
        .filter_map(|(line, known)| Some((known.verdict.as_ref()?.fault?, line, known)))
        .collect();
    let lines_of = |fault: Fault| found.iter().filter(move |(other, ..)| *other == fault);
    let most = Fault::ALL.into_iter().map(|fault| lines_of(fault).count()).max().unwrap_or(0).max(1) as u64;
    let one_fault = |fault: Fault| {
        let mut lines: Vec<_> = lines_of(fault).map(|(_, line, known)| (*line, *known)).collect();
        let all = lines.len() as u64;
        // What everybody knows stands behind what is new.
        if state.has_past() {
            lines.sort_by_key(|(line, _)| state.changed(&line.id).map(|changed| changed.change));
        }
        (all > 0).then(|| FaultGroup {
            fault: fault.code(),
            result: fault.verdict().word(),
            advice: fault.advice(),
            count: count(all, "line"),
            width: (all * 100 / most).max(1),
            more: all.checked_sub(NAMED_MAX as u64).filter(|more| *more > 0).map(grouped).unwrap_or_default(),
            lines: lines
                .into_iter()
                .take(NAMED_MAX)
                .map(|(line, known)| one_line(state, line, known))
                .collect(),
        })
    };
    let one_blame = |blame: Blame| {
        let lines = found.iter().filter(|(fault, ..)| fault.blame() == blame).count() as u64;
        (lines > 0).then(|| BlameGroup {
            blame: blame.word(),
            meaning: summary::meaning(blame),
            count: count(lines, "line"),
            faults: Fault::ALL
                .into_iter()
                .filter(|fault| fault.blame() == blame)
                .filter_map(one_fault)
                .collect(),
        })
    };
    Blame::ALL.into_iter().filter_map(one_blame).collect()
}

fn one_line<'a>(state: &RunState, line: &'a Line, known: &LineState) -> Found<'a> {
    let mark = state.changed(&line.id).and_then(|changed| news::mark(&changed)).unwrap_or_default();
    Found {
        line: line.id.as_str(),
        site: if line.site.as_str() == line.id.as_str() { "" } else { line.site.as_str() },
        number: line.number.as_str(),
        is_new: mark == news::NEW,
        mark,
        detail: known.verdict.as_ref().map(|verdict| clean(&verdict.detail)).unwrap_or_default(),
    }
}

/// The troubles of our own side.
#[derive(Serialize)]
pub(super) struct Bench {
    modems: Vec<Trouble>,
    of: String,
    credentials: Vec<Stopped>,
    notices: Vec<Notice>,
}

#[derive(Serialize)]
struct Trouble {
    modem: String,
    port: String,
    state: &'static str,
    health: &'static str,
    detail: String,
    facts: Vec<String>,
    fault: &'static str,
    advice: &'static str,
}

#[derive(Serialize)]
struct Stopped {
    name: String,
    detail: String,
}

#[derive(Serialize)]
struct Notice {
    at: String,
    text: String,
}

pub(super) fn bench(state: &RunState) -> Bench {
    // Those that are gone before those that stumbled.
    let with = |health| state.modems().iter().filter(move |modem| modem.health() == health);
    let modems = with(Health::Bad).chain(with(Health::Troubled)).map(|modem| {
        let mut facts = vec![match modem.calls {
            0 => "made no call".to_owned(),
            calls => {
                format!("{} of its {} ended in a fault of ours", modem.bench_faults, count(calls, "call"))
            }
        }];
        if modem.hangup_unproven > 0 {
            facts.push(format!("on-hook not proven after {}", modem.hangup_unproven));
        }
        match modem.times_out {
            0 => {}
            1 => facts.push("out for a while once".to_owned()),
            times => facts.push(format!("out for a while {times} times")),
        }
        if modem.checks_failed > 0 {
            facts.push(format!("failed {} of {}", modem.checks_failed, count(modem.checks, "check")));
        }
        Trouble {
            modem: modem.header.id.to_string(),
            port: clean(&modem.header.port),
            state: modem.state.map_or("never set up", |told| told.word()),
            health: modem.health().word(),
            detail: clean(&modem.detail),
            facts,
            fault: modem.last_fault.map_or("", Fault::code),
            advice: modem.last_fault.map_or("", Fault::advice),
        }
    });
    let stopped = state.credentials().iter().filter(|(_, (told, _))| *told == CredentialState::Stopped);
    Bench {
        modems: modems.collect(),
        of: count(state.modems().len() as u64, "modem"),
        credentials: stopped
            .map(|(name, (_, detail))| Stopped { name: name.to_string(), detail: clean(detail) })
            .collect(),
        notices: state
            .notices()
            .iter()
            .map(|(at, text)| Notice { at: super::words::clock(*at), text: clean(text) })
            .collect(),
    }
}
