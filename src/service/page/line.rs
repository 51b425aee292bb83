//! A line's page: how it is now, its nights with their pictures, what drifts, what its console said last; and a call to it,
//! begun and watched.
//!
//! Everything of the nights comes from the history in a few questions, whatever the size of the plan: no journal of a night is
//! read for it.

use jiff::Timestamp;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::frame::Moment;
use super::past::{folder, history, last_id, run as run_at, series, unread};
use super::{Here, Lost, Page};
use crate::config::service::LoadedPlan;
use crate::history::drift::{BASELINE_MIN, Course, Figure, RECENT_NIGHTS};
use crate::history::portrait::{LineNight, Portrait};
use crate::model::{Blame, CallRecord, Fault, Line, LineId, Mono, PhaseTimes, Timeline, Verdict};
use crate::report::call::{Figure as Phase, reached, seconds};
use crate::report::charts;
use crate::report::html::words::{clean, clock, count};
use crate::report::said_in_file;
use crate::service::live::LiveRun;

/// Nights of the table.
const NIGHTS_SHOWN: usize = 60;
/// What is shown of what a console said, in bytes.
const SAID_MAX: usize = 16 << 10;

/// What a call or a run found.
#[derive(Serialize, Default)]
struct Found {
    result: &'static str,
    fault: &'static str,
    blame: &'static str,
    advice: &'static str,
    detail: String,
    at: Option<Moment>,
    /// The run, where its report is of use.
    run: String,
}

/// A call to the line, running or over.
#[derive(Serialize)]
struct Call {
    run: String,
    by_hand: bool,
    modem: String,
    attempt: u32,
    dialed: String,
    rows: Vec<Step>,
    /// What it is at; empty where it is over.
    now: &'static str,
    seconds: u64,
    found: Option<Found>,
}

/// Something that has come in a call.
#[derive(Serialize)]
struct Step {
    what: &'static str,
    /// Since the dial command; behind `~` where the modem does not show it.
    at: String,
    /// By how much that may be off; empty where it was seen.
    half: String,
    /// The phases that ended with it, with how long they took.
    phases: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Night {
    run: String,
    day: String,
    result: &'static str,
    fault: &'static str,
    detail: String,
    attempts: u32,
    modem: String,
    ring: String,
    train: String,
    connect: String,
    rate: String,
}

/// A figure that is followed.
#[derive(Serialize)]
struct Track {
    family: String,
    figure: &'static str,
    course: &'static str,
    tone: &'static str,
    told: String,
}

#[derive(Serialize)]
struct Spell {
    result: &'static str,
    fault: &'static str,
    since: String,
    last: String,
    runs: u32,
}

pub(super) fn page(here: &Here, parts: &[String]) -> Result<Page, Lost> {
    let [plan, name] = parts else { return Err(Lost::Unknown("there is no such page".to_owned())) };
    let plan = here.plan(plan)?;
    let unknown = || Lost::Unknown(format!("plan `{}` has no line `{name}`", plan.name()));
    let id: LineId = name.parse().map_err(|_| unknown())?;
    let planned = plan.plan.lines.iter().find(|planned| planned.line.id == id).map(|planned| &planned.line);
    let live = live(here, plan, &id);
    if here.part {
        return Ok(Page { template: "line", title: String::new(), section: "lines", value: live });
    }
    let mut note = String::new();
    let portrait = match history(plan).and_then(|store| {
        store.map(|store| store.portrait(series(plan), &id).map_err(|error| unread(&error))).transpose()
    }) {
        Ok(found) => found.flatten(),
        // The rest of the page is of use without it.
        Err(Lost::Unreadable(what)) => {
            note = what;
            None
        }
        Err(lost) => return Err(lost),
    };
    if planned.is_none() && portrait.is_none() {
        return Err(unknown());
    }
    let head = head(plan, &id, planned, portrait.as_ref());
    let nights = portrait.as_ref().map(nights).unwrap_or_default();
    let value = context! {
        head,
        in_plan => planned.is_some(),
        note,
        now => portrait.as_ref().and_then(|portrait| Some(Value::from(Serde(last(portrait.nights.last()?))))),
        calls => Value::from(Serde(portrait.as_ref().map(last_calls).unwrap_or_default())),
        said => said(here, plan, &id, portrait.as_ref()),
        spells => Value::from(Serde(portrait.as_ref().map(spells).unwrap_or_default())),
        tracks => Value::from(Serde(portrait.as_ref().map(tracks).unwrap_or_default())),
        needed => BASELINE_MIN + RECENT_NIGHTS,
        recent => RECENT_NIGHTS,
        known => portrait.as_ref().map_or(0, |portrait| portrait.nights.len()),
        strip => picture(charts::strip(&nights)),
        over => picture(charts::over_nights(&nights)),
        nights => Value::from(Serde(portrait.as_ref().map(table).unwrap_or_default())),
        ..live
    };
    Ok(Page { template: "line", title: id.to_string(), section: "lines", value })
}

fn picture(drawn: Option<String>) -> Option<Value> {
    drawn.map(Value::from_safe_string)
}

fn head(plan: &LoadedPlan, id: &LineId, planned: Option<&Line>, portrait: Option<&Portrait>) -> Value {
    let site = planned.map(|line| line.site.to_string()).or_else(|| portrait.map(|known| clean(&known.site)));
    let number =
        planned.map(|line| line.number.to_string()).or_else(|| portrait.map(|known| clean(&known.number)));
    let hostname = planned
        .and_then(|line| line.hostname.as_ref().map(ToString::to_string))
        .or_else(|| portrait.and_then(|known| known.hostname.as_deref().map(clean)));
    context! {
        line => id.to_string(), plan => plan.name().to_string(), bank => plan.bank().to_string(),
        site => site.filter(|site| site != id.as_str()).unwrap_or_default(),
        number => number.unwrap_or_default(), hostname => hostname.unwrap_or_default(),
        tags => planned.map(|line| line.facets.tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")).unwrap_or_default(),
    }
}

fn found(fault: Option<Fault>, detail: &str, at: Option<Timestamp>) -> Found {
    Found {
        result: Verdict::of(fault).word(),
        fault: fault.map_or("", Fault::code),
        blame: fault.map(Fault::blame).map_or("", Blame::word),
        advice: fault.map_or("", Fault::advice),
        detail: clean(detail),
        at: at.map(Moment::from),
        run: String::new(),
    }
}

/// What the last run that the history knows found.
fn last(night: &LineNight) -> Found {
    let detail = night.detail.as_deref().unwrap_or_default();
    match night.found {
        None => Found {
            detail: "the run was cut off before it had a verdict".to_owned(),
            run: night.run.clone(),
            ..Found::default()
        },
        Some(fault) => {
            Found { run: night.run.clone(), ..found(fault, detail, night.at.or(Some(night.started))) }
        }
    }
}

/// What changes while one looks: calls that go on, tonight's verdict, what it waits for, who disabled it.
fn live(here: &Here, plan: &LoadedPlan, id: &LineId) -> Value {
    let now = here.live().now();
    let (mut calls, mut tonight, mut waits) = (Vec::new(), None, String::new());
    for run in here.live().runs().iter().filter(|run| run.plan == *plan.name()) {
        calls.extend(going(run, id, now));
        let seen = run.read(|state| {
            let (_, known) = state.line(id)?;
            let ended: Vec<Call> =
                known.calls.iter().map(|record| over(run.run.as_str(), run.is_call, record)).collect();
            let verdict =
                known.verdict.as_ref().map(|verdict| found(verdict.fault, &verdict.detail, known.judged));
            Some((ended, verdict))
        });
        let Some((ended, verdict)) = seen.flatten() else { continue };
        calls.extend(ended);
        if !run.is_call {
            tonight = verdict.map(|found| Found { run: run.run.to_string(), ..found });
            let waiting =
                run.watch(|progress| progress.board().waiting().get(id).map(|waits| clean(&waits.why)));
            waits = waiting.flatten().unwrap_or_default();
        }
    }
    // A call by hand that was begun here, and may be over.
    let asked = here.word("call");
    let mut ended = None;
    if !asked.is_empty() && !calls.iter().any(|call| call.by_hand) {
        ended = made(here, plan, id, asked);
    }
    calls.sort_by_key(|call| (!call.by_hand, call.now.is_empty()));
    let told = here.status.plans.iter().find(|told| told.plan == *plan.name());
    let disabled = told.and_then(|told| told.disabled_lines.get(id)).map(|why| clean(why));
    let queued: Vec<String> = here
        .status
        .queue
        .iter()
        .filter(|waiting| waiting.plan == *plan.name() && waiting.line.as_ref() == Some(id))
        .map(|waiting| clean(&waiting.why))
        .collect();
    context! {
        going => Value::from(Serde(calls)),
        made => Value::from(Serde(ended)),
        tonight => Value::from(Serde(tonight)),
        waits, queued,
        is_disabled => disabled.is_some(),
        disabled => disabled.unwrap_or_default(),
        plan => plan.name().to_string(),
        line => id.to_string(),
    }
}

fn going(run: &LiveRun, id: &LineId, now: Mono) -> Vec<Call> {
    let calls = run.watch(|progress| {
        let of_line = progress.calls().values().filter(|going| going.line == *id);
        of_line
            .map(|going| {
                let (moment, at) = going.at;
                Call {
                    run: run.run.to_string(),
                    by_hand: run.is_call,
                    modem: going.modem.to_string(),
                    attempt: going.attempt,
                    dialed: clean(&going.dialed),
                    rows: steps(&going.timeline),
                    now: moment.activity(),
                    seconds: progress.since(at, now).as_secs(),
                    found: None,
                }
            })
            .collect()
    });
    calls.unwrap_or_default()
}

fn over(run: &str, by_hand: bool, record: &CallRecord) -> Call {
    Call {
        run: run.to_owned(),
        by_hand,
        modem: record.modem.to_string(),
        attempt: record.attempt,
        dialed: clean(&record.dialed),
        rows: steps(&record.timeline),
        now: "",
        seconds: 0,
        found: Some(found(record.fault, &record.detail, Some(record.finished))),
    }
}

/// A call by hand that is over, by the name of its run.
fn made(here: &Here, plan: &LoadedPlan, id: &LineId, run: &str) -> Option<Vec<Call>> {
    let folder = folder(plan, run).ok()?;
    let state = run_at(here, &folder).ok()?;
    let (_, known) = state.line(id)?;
    Some(known.calls.iter().map(|record| over(run, true, record)).collect())
}

/// What has come in a call, each with the phases that it ended.
fn steps(timeline: &Timeline) -> Vec<Step> {
    let mut so_far = Timeline::default();
    let mut before = PhaseTimes::default();
    let dialed = timeline.get(crate::model::Moment::Dialed).map(|mark| mark.at);
    let step = |(moment, mark): (crate::model::Moment, crate::model::Mark)| {
        so_far.observe(moment, mark.at);
        let after = PhaseTimes::of(&so_far);
        let mut phases: Vec<(&'static str, String)> = Phase::ALL
            .into_iter()
            .filter(|phase| phase.of(&before).is_none())
            .filter_map(|phase| Some((phase.word(), seconds(phase.of(&after)?))))
            .collect();
        if phases.len() > 1 {
            phases.truncate(1);
        }
        before = after;
        let at = dialed.filter(|dialed| mark.at >= *dialed).map(|dialed| {
            let ms = u64::try_from(mark.at.since(dialed).as_millis()).unwrap_or(u64::MAX);
            seconds(ms)
        });
        let half = u64::try_from(mark.half_width.as_millis()).unwrap_or(u64::MAX);
        let (around, half) = if half == 0 { ("", String::new()) } else { ("~", seconds(half)) };
        let at = at.map(|at| format!("{around}{at}"));
        Step { what: reached(moment), at: at.unwrap_or_default(), half, phases }
    };
    timeline.iter().map(step).collect()
}

fn nights(portrait: &Portrait) -> Vec<charts::LineNight> {
    let figure = |ms: Option<i64>| ms.map(|ms| ms as f64);
    let night = |night: &LineNight| charts::LineNight {
        run: night.run.clone(),
        at: night.started,
        found: night.found,
        family: night.modem.as_ref().map(|(_, family)| clean(family)).unwrap_or_default(),
        ring_ms: figure(night.ring_ms),
        train_ms: figure(night.train_ms),
        ring_train_ms: figure(night.ring_train_ms),
        train_connect_ms: figure(night.train_connect_ms),
        connect_ms: figure(night.dialed_to_connect_ms),
        rate: slower(night).map(f64::from),
    };
    portrait.nights.iter().map(night).collect()
}

fn slower(night: &LineNight) -> Option<u32> {
    let (tx, rx) = night.rates;
    tx.into_iter().chain(rx).min()
}

fn table(portrait: &Portrait) -> Vec<Night> {
    let ms = |ms: Option<i64>| ms.map(|ms| seconds(u64::try_from(ms).unwrap_or(0))).unwrap_or_default();
    let night = |night: &LineNight| Night {
        run: night.run.clone(),
        day: night.started.strftime("%F %H:%M").to_string(),
        result: night.found.map_or("", |fault| Verdict::of(fault).word()),
        fault: night.found.flatten().map_or("", Fault::code),
        detail: night.detail.as_deref().map(clean).unwrap_or_default(),
        attempts: night.attempts,
        modem: night.modem.as_ref().map(|(modem, _)| clean(modem)).unwrap_or_default(),
        ring: ms(night.ring_ms),
        train: ms(night.train_ms.or(night.train_connect_ms).or(night.ring_train_ms)),
        connect: ms(night.dialed_to_connect_ms),
        rate: slower(night).map(|rate| rate.to_string()).unwrap_or_default(),
    };
    portrait.nights.iter().rev().take(NIGHTS_SHOWN).map(night).collect()
}

fn last_calls(portrait: &Portrait) -> Vec<(u32, String, String, Found)> {
    let call = |call: &crate::history::portrait::LastCall| {
        let connect = call.dialed_to_connect_ms.map(|ms| seconds(u64::try_from(ms).unwrap_or(0)));
        (
            call.attempt,
            format!("{} on {}", clock(call.at), clean(&call.modem)),
            connect.unwrap_or_default(),
            found(call.fault, "", None),
        )
    };
    portrait.calls.iter().map(call).collect()
}

fn spells(portrait: &Portrait) -> Vec<Spell> {
    let spell = |spell: &crate::history::portrait::Standing| Spell {
        result: Verdict::of(spell.fault).word(),
        fault: spell.fault.map_or("", Fault::code),
        since: spell.since.strftime("%F").to_string(),
        last: spell.last.strftime("%F").to_string(),
        runs: spell.runs,
    };
    portrait.spells.iter().map(spell).collect()
}

fn tracks(portrait: &Portrait) -> Vec<Track> {
    let track = |((family, figure), drift): (&(String, Figure), &crate::history::drift::Drift)| {
        let told = match drift.recent {
            None => format!("{} in {}", figure.told(drift.median), count(drift.nights as u64, "run")),
            Some(recent) => format!(
                "{} in the last {RECENT_NIGHTS} runs, {} before",
                figure.told(recent),
                figure.told(drift.median)
            ),
        };
        let (course, tone) = match drift.course {
            Course::TooFew => ("too few runs to say", "none"),
            Course::Steady => ("steady", "pass"),
            Course::Worse => ("gets worse", "fail"),
            Course::Better => ("gets better", "pass"),
        };
        Track { family: clean(family), figure: figure.title(), course, tone, told }
    };
    portrait.tracks.iter().map(track).collect()
}

/// What the console said in the last run's calls that did not pass, cut where it is long.
fn said(here: &Here, plan: &LoadedPlan, id: &LineId, portrait: Option<&Portrait>) -> Vec<Value> {
    let Some(last) = last_id(plan, &here.status) else { return Vec::new() };
    let Some(portrait) =
        portrait.filter(|known| known.nights.last().is_some_and(|night| night.run == last.as_str()))
    else {
        return Vec::new();
    };
    let folder = plan.entry.reports.join(last.as_str());
    let of_call = |call: &crate::history::portrait::LastCall| {
        let said = said_in_file(&folder, &crate::model::CallId::new(id, call.attempt), SAID_MAX)?;
        Some(context! { attempt => call.attempt, text => said })
    };
    portrait.calls.iter().filter(|call| call.fault.is_some()).filter_map(of_call).collect()
}
