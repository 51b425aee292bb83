//! Lines: all of them as they stand, and one with what it waits for and how its nights were.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{App, Asked, ROWS, ROWS_MAX, quoted};
use crate::config::PlannedLine;
use crate::config::service::LoadedPlan;
use crate::history::{Store, Waits};
use crate::journal;
use crate::model::{Blame, CallId, CallRecord, Changed, Fault, Line, LineId, PlanName, RunId, Verdict};
use crate::report::{RunState, Situation, safe_line};
use crate::service::http::answer::Trouble;
use crate::service::http::archive::Archive;
use crate::service::live::LiveRun;

/// Nights that are told of a line, if nothing is said.
const NIGHTS: usize = 100;
/// Nights that are told of a line at most.
const NIGHTS_MAX: usize = 5000;
/// The history's name in a reports folder.
const HISTORY: &str = crate::run::history::FILE_NAME;
/// The last run that ended.
const LATEST: &str = "latest";

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "as its readers know it")]
pub(in super::super) struct Lines {
    lines: Vec<Standing>,
    /// Lines that are asked for, on this page or not.
    total: usize,
    /// What `after` must be for the next page; absent on the last one.
    next: Option<String>,
}

/// How a line stands.
#[derive(Clone, Serialize)]
struct Standing {
    plan: PlanName,
    #[serde(flatten)]
    line: Line,
    /// The call that it has now.
    calling: Option<CallId>,
    /// An operator disabled it: why.
    disabled: Option<String>,
    /// What the plan says of it before anything is dialed: its fault.
    preset: Option<Fault>,
    /// What was found of it last.
    last: Option<Found>,
}

/// What was found of a line last.
#[derive(Clone, Serialize)]
struct Found {
    /// In this run.
    run: RunId,
    result: Verdict,
    fault: Option<Fault>,
    blame: Option<Blame>,
    detail: String,
    judged: Option<Timestamp>,
    /// What changed against the run before it.
    changed: Option<&'static str>,
}

impl Found {
    fn of(state: &RunState, line: &LineId) -> Option<Self> {
        let (_, known) = state.line(line)?;
        let verdict = known.verdict.as_ref()?;
        Some(Self {
            run: state.header().run.clone(),
            result: Verdict::of(verdict.fault),
            fault: verdict.fault,
            blame: verdict.fault.map(Fault::blame),
            detail: safe_line(&verdict.detail),
            judged: known.judged,
            changed: state.changed(line).as_ref().map(word_of),
        })
    }
}

fn word_of(changed: &Changed) -> &'static str {
    changed.change.word()
}

/// A plan's runs, as far as they say how its lines stand: the last that ended, and the one that goes on.
struct Sources {
    last: Option<Arc<RunState>>,
    live: Option<Arc<LiveRun>>,
}

impl Sources {
    fn of(app: &App, plan: &LoadedPlan, archive: &Archive) -> Self {
        let folder = plan.entry.reports.join(LATEST);
        let last = folder.join(journal::FILE_NAME).is_file().then(|| archive.run(&folder));
        let last = last.and_then(|read| {
            read.inspect_err(
                |error| tracing::warn!(folder = %folder.display(), %error, "a run can't be read"),
            )
            .ok()
        });
        Self { last, live: app.rooms.live_run(plan.name()) }
    }

    /// Of each line what was found last.
    fn standings(&self, app: &App, plan: &LoadedPlan) -> Vec<Standing> {
        let status = Arc::clone(&app.rooms.status.borrow());
        let none = BTreeMap::new();
        let disabled = status.plans.iter().find(|known| known.plan == *plan.name());
        let disabled = disabled.map_or(&none, |known| &known.disabled_lines);
        let mut standings: Vec<Standing> = plan
            .plan
            .lines
            .iter()
            .map(|planned: &PlannedLine| Standing {
                plan: plan.name().clone(),
                line: planned.line.clone(),
                calling: None,
                disabled: disabled.get(&planned.line.id).cloned(),
                preset: planned.preset.as_ref().map(|preset| preset.fault),
                last: self.last.as_deref().and_then(|state| Found::of(state, &planned.line.id)),
            })
            .collect();
        if let Some(live) = &self.live {
            live.read(|state| {
                let calls: BTreeMap<&LineId, &CallId> =
                    state.running().iter().map(|(call, running)| (&running.line, call)).collect();
                for standing in &mut standings {
                    standing.calling = calls.get(&standing.line.id).map(|call| CallId::clone(call));
                    if let Some(found) = Found::of(state, &standing.line.id) {
                        standing.last = Some(found);
                    }
                }
            });
        }
        standings
    }
}

pub(in super::super) async fn list(State(app): State<App>, asked: Asked) -> Result<Json<Lines>, Trouble> {
    asked.only(&["plan", "site", "result", "q", "limit", "after"])?;
    let plans = match asked.get("plan") {
        Some(name) => vec![app.plan(name)?],
        None => app.rooms.plans(),
    };
    let results = results(asked.get("result"))?;
    let site = asked.get("site").map(str::to_lowercase);
    let words: Vec<String> =
        asked.get("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
    let limit = asked.number("limit", ROWS, ROWS_MAX)?;
    let after = asked.get("after").map(ToOwned::to_owned);
    let asker = app.clone();
    app.read(move |archive| {
        let mut rows: Vec<Standing> = Vec::new();
        for plan in &plans {
            rows.extend(Sources::of(&asker, plan, archive).standings(&asker, plan));
        }
        rows.retain(|row| {
            let result = row.last.as_ref().map(|found| found.result);
            results.as_ref().is_none_or(|wanted| wanted.contains(&result))
                && site.as_ref().is_none_or(|site| row.line.site.as_str().to_lowercase() == *site)
                && words.iter().all(|word| row.says(word))
        });
        let total = rows.len();
        let from = match &after {
            None => 0,
            Some(after) => {
                let at = rows.iter().position(|row| row.key() == *after);
                at.map(|at| at + 1).ok_or_else(|| {
                    Trouble::malformed(format!(
                        "after is {}, which is no line that is asked for",
                        quoted(after)
                    ))
                    .hint("take it from `next` of the page before, and ask for the same")
                })?
            }
        };
        let lines: Vec<Standing> = rows.iter().skip(from).take(limit).cloned().collect();
        let has_more = from + lines.len() < total;
        let next = lines.last().filter(|_| has_more).map(Standing::key);
        Ok(Json(Lines { lines, total, next }))
    })
    .await
}

impl Standing {
    fn key(&self) -> String {
        format!("{}/{}", self.plan, self.line.id)
    }

    /// Whether a word, in small letters, stands in what it is known by.
    fn says(&self, word: &str) -> bool {
        let line = &self.line;
        let is_in = |text: &str| text.to_lowercase().contains(word);
        let digits: String = word.chars().filter(char::is_ascii_digit).collect();
        let is_number = digits.len() >= 3 && line.number.as_str().contains(&digits);
        is_in(line.id.as_str())
            || is_in(line.site.as_str())
            || is_number
            || line.hostname.as_ref().is_some_and(|host| is_in(host.as_str()))
            || line.facets.tags.iter().any(|tag| is_in(tag))
            || self.last.as_ref().and_then(|found| found.fault).is_some_and(|fault| is_in(fault.code()))
    }
}

/// `fail,untested`; `none` is no result yet.
fn results(asked: Option<&str>) -> Result<Option<BTreeSet<Option<Verdict>>>, Trouble> {
    let Some(text) = asked else { return Ok(None) };
    let known = [Verdict::Pass, Verdict::Degraded, Verdict::Fail, Verdict::Untested];
    let one = |word: &str| match word {
        "none" => Ok(None),
        word => known.into_iter().find(|known| known.word() == word).map(Some).ok_or_else(|| {
            Trouble::malformed(format!("result is {}", quoted(word)))
                .hint("write pass, degraded, fail, untested or none; commas between several")
        }),
    };
    text.split(',').map(|word| one(word.trim())).collect::<Result<_, _>>().map(Some)
}

#[derive(Serialize)]
pub(in super::super) struct One {
    #[serde(flatten)]
    standing: Standing,
    /// Why it is not being dialed now, and when it will be, as far as a run or the plan knows.
    why: String,
    /// Why nothing of its plan is dialed now; empty while something is.
    plan_why: String,
    /// When its plan is due next.
    next: Option<Timestamp>,
    /// Its calls in the run that `run` names.
    calls: Vec<CallRecord>,
    /// What is usual on it: its nights, the oldest first.
    nights: Vec<NightRow>,
    /// Why the history can't be told.
    history_problem: Option<String>,
}

#[derive(Serialize)]
struct NightRow {
    run: String,
    started: Timestamp,
    result: Option<Verdict>,
    fault: Option<Fault>,
    family: Option<String>,
    figures: BTreeMap<&'static str, f64>,
}

pub(in super::super) async fn one(
    State(app): State<App>,
    Path((plan, line)): Path<(String, String)>,
    asked: Asked,
) -> Result<Json<One>, Trouble> {
    asked.only(&["nights"])?;
    let nights = asked.number("nights", NIGHTS, NIGHTS_MAX)?;
    let plan = app.plan(&plan)?;
    let unknown = || {
        Trouble::unknown(format!("plan `{}` has no line {}", plan.name(), quoted(&line)))
            .hint(format!("/api/v1/lines?plan={}&q=.. finds lines", plan.name()))
    };
    let id: LineId = line.parse().map_err(|_| unknown())?;
    let place = plan.plan.lines.iter().position(|planned| planned.line.id == id).ok_or_else(unknown)?;
    let asker = app.clone();
    app.read(move |archive| {
        let sources = Sources::of(&asker, &plan, archive);
        let standing = sources.standings(&asker, &plan).swap_remove(place);
        let calls_of = |state: &RunState| {
            let (_, known) = state.line(&id)?;
            let calls: Vec<CallRecord> = known.calls.iter().map(without_words).collect();
            (!calls.is_empty() || known.verdict.is_some()).then_some(calls)
        };
        let live = sources.live.as_ref().and_then(|live| live.read(calls_of).flatten());
        let calls = live.or_else(|| sources.last.as_deref().and_then(calls_of)).unwrap_or_default();
        let status = Arc::clone(&asker.rooms.status.borrow());
        let plan_status = status.plans.iter().find(|known| known.plan == *plan.name());
        let (nights, history_problem) = match history(&plan, &id, nights) {
            Ok(nights) => (nights, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        Ok(Json(One {
            why: why(&asker, &plan, &id, &standing, &sources),
            plan_why: plan_status.map(|known| known.why.clone()).unwrap_or_default(),
            next: plan_status.and_then(|known| known.next),
            calls,
            nights,
            history_problem,
            standing,
        }))
    })
    .await
}

/// What consoles said is in the transcripts.
fn without_words(record: &CallRecord) -> CallRecord {
    let mut record = record.clone();
    record.transcript = None;
    record
}

/// What it waits for, in words.
fn why(app: &App, plan: &LoadedPlan, line: &LineId, standing: &Standing, sources: &Sources) -> String {
    if let Some(why) = &standing.disabled {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        return format!("disabled by an operator{why}");
    }
    let now = app.rooms.clock.wall();
    if let Some(live) = &sources.live {
        let zone = plan.plan.zone.as_ref().map_or_else(TimeZone::system, |zone| zone.rules().clone());
        let events = journal::read(&live.folder.join(journal::FILE_NAME)).map(|replay| replay.events);
        if let Some(situation) = events.ok().and_then(|events| Situation::of(&events)) {
            return situation.line(line, now, &zone);
        }
    }
    let preset = plan.plan.line(line).and_then(|planned| planned.preset.as_ref());
    preset.map_or_else(
        || "no run of its plan is going on".to_owned(),
        |preset| format!("its plan keeps it from being dialed: {}: {}", preset.fault, preset.detail),
    )
}

fn history(plan: &LoadedPlan, line: &LineId, max: usize) -> Result<Vec<NightRow>, String> {
    let path = plan.plan.history.file.clone().unwrap_or_else(|| plan.entry.reports.join(HISTORY));
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let store = Store::read(&path, Waits::Briefly).map_err(|error| error.to_string())?;
    let told =
        store.trend(line.as_str(), Some(plan.name().as_str()), None).map_err(|error| error.to_string())?;
    let Some(trend) = told.and_then(|told| told.parts.into_iter().next()) else { return Ok(Vec::new()) };
    let skip = trend.nights.len().saturating_sub(max);
    let row = |night: crate::history::trend::Night| NightRow {
        run: night.run,
        started: night.started,
        result: night.found.map(Verdict::of),
        fault: night.found.flatten(),
        family: night.family,
        figures: night.figures.into_iter().map(|(figure, value)| (figure.word(), value)).collect(),
    };
    Ok(trend.nights.into_iter().skip(skip).map(row).collect())
}
