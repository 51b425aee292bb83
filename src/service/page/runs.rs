//! The runs of each plan, and the report of one.

use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::frame::Moment;
use super::past::{self, folder, history, series};
use super::{Here, Lost, Page, assets};
use crate::config::service::LoadedPlan;
use crate::journal;
use crate::report::RunState;
use crate::report::html::words::{grouped, span};
use crate::report::html::{self, Served, Transcripts, path_safe};

/// Runs of a plan that are listed, if only one plan is asked for.
const RUNS_MAX: u16 = 1_000;
/// The same of each plan otherwise.
const RUNS_MAX_EACH: u16 = 14;

#[derive(Serialize)]
struct Runs {
    plan: String,
    bank: String,
    all: String,
    rows: Vec<Row>,
    more: bool,
    note: String,
}

#[derive(Serialize)]
struct Row {
    run: String,
    began: Option<Moment>,
    took: String,
    ending: &'static str,
    counts: Option<[String; 4]>,
    calls: String,
}

pub(super) fn list(here: &Here) -> Result<Page, Lost> {
    let wanted = here.word("plan");
    let plans: Vec<&LoadedPlan> =
        if wanted.is_empty() { here.loaded.plans.iter().collect() } else { vec![here.plan(wanted)?] };
    let most = if plans.len() == 1 { RUNS_MAX } else { RUNS_MAX_EACH };
    let runs: Vec<Runs> = plans.into_iter().map(|plan| of_plan(here, plan, most)).collect();
    Ok(Page {
        template: "runs",
        title: "Runs".to_owned(),
        section: "runs",
        value: context! { plans => Value::from(Serde(runs)), wanted },
    })
}

fn of_plan(here: &Here, plan: &LoadedPlan, most: u16) -> Runs {
    let (known, mut note) = match history(plan).and_then(|store| {
        store.map_or(Ok(Vec::new()), |store| {
            store.runs_of(series(plan), most).map_err(|error| past::unread(&error))
        })
    }) {
        Ok(known) => (known, String::new()),
        Err(Lost::Unreadable(what) | Lost::Unknown(what)) => (Vec::new(), what),
        Err(Lost::Template(_)) => (Vec::new(), String::new()),
    };
    let live = here.live().runs();
    let is_live = |run: &str| live.iter().any(|live| live.run.as_str() == run && live.plan == *plan.name());
    // The folder tells which of them have a report still, and those that the history has not taken in.
    let folders = journal::runs(&plan.entry.reports).unwrap_or_default();
    let mut rows: Vec<Row> = Vec::new();
    for (run, ..) in folders.iter().rev().take(usize::from(most)) {
        let known = known.iter().find(|row| row.run == run.as_str());
        rows.push(Row {
            run: run.to_string(),
            began: known.map(|row| row.started.into()),
            took: known
                .and_then(|row| Some(row.ended?.duration_since(row.started).as_secs()))
                .map(|took| span(u64::try_from(took).unwrap_or(0)))
                .unwrap_or_default(),
            ending: match known {
                _ if is_live(run.as_str()) => "goes on",
                Some(row) if row.completed => "done",
                Some(row) if row.ended.is_some() => "interrupted",
                Some(_) => "cut off",
                None => "",
            },
            counts: known.map(|row| row.counts.map(|count| grouped(u64::from(count)))),
            calls: known.map(|row| grouped(u64::from(row.calls))).unwrap_or_default(),
        });
    }
    if rows.is_empty() && note.is_empty() {
        note.push_str("No run of this plan is known yet.");
    }
    Runs {
        plan: plan.name().to_string(),
        bank: plan.bank().to_string(),
        all: past::runs_of(plan.name()),
        more: folders.len() > rows.len(),
        rows,
        note,
    }
}

/// The report of a run; of one that goes on, what there is so far.
pub(super) fn report(here: &Here, plan: &str, run: &str) -> Result<String, Lost> {
    let plan = here.plan(plan)?;
    let folder = folder(plan, run)?;
    let live = here.live().runs();
    let live = live.iter().find(|live| live.folder == folder);
    let links = assets::links();
    let name = path_safe(plan.name().as_str());
    let by = Served {
        style: links.report_style,
        script: links.report_script,
        home: "/".to_owned(),
        runs: past::runs_of(plan.name()),
        line: format!("/lines/{name}/"),
        files: format!("/api/v1/runs/{name}/{}/", path_safe(run)),
    };
    let draw = |state: &RunState| {
        let said = Transcripts::read(state, &folder).unwrap_or_default();
        html::served(state, &said, &by)
    };
    // Whoever looks at a run that goes on must not hold it up for as long as a page takes.
    let copy = live.and_then(|live| live.read(RunState::clone));
    match copy {
        Some(state) => Ok(draw(&state)?),
        None => Ok(draw(past::run(here, &folder)?.as_ref())?),
    }
}
