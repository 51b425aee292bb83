//! Runs: those of a plan, and of each its summary, tables and files.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{App, Asked, ROWS, ROWS_MAX, json, quoted};
use crate::config::service::LoadedPlan;
use crate::journal;
use crate::model::{PlanName, RunId};
use crate::report::{self, LineCounts, RunState, Table, summary_json};
use crate::service::http::answer::Trouble;
use crate::service::http::{CALLS, archive};

/// The files of a run that are handed out, and as what.
const FILES: [(&str, &str); 10] = [
    ("report.html", "text/html; charset=utf-8"),
    ("summary.json", "application/json"),
    ("datapackage.json", "application/json"),
    ("lines.csv", "text/csv; charset=utf-8"),
    ("calls.csv", "text/csv; charset=utf-8"),
    ("consoles.csv", "text/csv; charset=utf-8"),
    ("modems.csv", "text/csv; charset=utf-8"),
    ("junit.xml", "application/xml"),
    ("metrics.prom", "text/plain; version=0.0.4; charset=utf-8"),
    (journal::FILE_NAME, "application/x-ndjson"),
];

/// The report is a page in one file, with its own script and style. It gets them, and nothing else of this host: in a sandbox
/// it is a stranger to the pages beside it, and to what they keep.
const REPORT_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; \
    style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Serialize)]
pub(in super::super) struct Runs {
    runs: Vec<Run>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "as its readers know it")]
struct Run {
    run: RunId,
    plan: PlanName,
    /// A technician's call.
    call: bool,
    /// It goes on.
    live: bool,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    /// How it ended; absent while it goes on, and where it was cut off.
    ending: Option<String>,
    /// As its command's.
    exit_code: Option<u8>,
    lines: Option<LineCounts>,
}

/// What is taken from a summary.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary {
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    ending: Option<String>,
    exit_code: Option<u8>,
    lines: Option<LineCounts>,
}

pub(in super::super) async fn list(State(app): State<App>, asked: Asked) -> Result<Json<Runs>, Trouble> {
    asked.only(&["plan", "calls", "before", "limit"])?;
    let plans = match asked.get("plan") {
        Some(name) => vec![app.plan(name)?],
        None => app.rooms.plans(),
    };
    let calls: bool = asked.word("calls")?.unwrap_or(false);
    let before: Option<RunId> = asked.word("before")?;
    let limit = asked.number("limit", ROWS, ROWS_MAX)?;
    let live = app.rooms.live.runs();
    app.read(move |_| {
        let mut found = Vec::new();
        for plan in &plans {
            let reports = if calls { plan.entry.reports.join(CALLS) } else { plan.entry.reports.clone() };
            // Before the first run there is no folder.
            let runs = journal::runs(&reports).unwrap_or_default();
            let earlier =
                runs.into_iter().filter(|(run, ..)| before.as_ref().is_none_or(|before| run < before));
            found.extend(earlier.map(|(run, folder, _)| (run, plan.name().clone(), folder)));
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(limit);
        let runs = found.into_iter().map(|(run, plan, folder)| {
            let summary = archive::file(&folder.join("summary.json")).ok().flatten();
            let summary: Summary =
                summary.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
            let live = live.iter().any(|live| live.folder == folder);
            let Summary { started, finished, ending, exit_code, lines } = summary;
            Run { run, plan, call: calls, live, started, finished, ending, exit_code, lines }
        });
        Ok(Json(Runs { runs: runs.collect() }))
    })
    .await
}

/// Looks at a run: at what is recorded of it while it goes on, at its journal else.
async fn look<T: Send + 'static>(
    app: &App,
    plan: &LoadedPlan,
    run: &str,
    look: impl FnOnce(&RunState) -> Result<T, report::ReportError> + Send + 'static,
) -> Result<T, Trouble> {
    let folder = app.folder(plan, run)?;
    let live = app.rooms.live.runs().into_iter().find(|live| live.folder == folder);
    app.read(move |archive| {
        let state = match live {
            Some(live) => live.read(RunState::clone).map(Arc::new),
            None => None,
        };
        let state = match state {
            Some(state) => state,
            None => archive.run(&folder)?,
        };
        look(&state).map_err(Trouble::ours)
    })
    .await
}

pub(in super::super) async fn one(
    State(app): State<App>,
    Path((plan, run)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Trouble> {
    asked.only(&[])?;
    let plan = app.plan(&plan)?;
    look(&app, &plan, &run, |state| Ok(summary_json::bytes(state)?)).await.map(json)
}

pub(in super::super) async fn lines(
    app: State<App>,
    path: Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Trouble> {
    table(app, path, &asked, Table::Lines).await
}

pub(in super::super) async fn calls(
    app: State<App>,
    path: Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Trouble> {
    table(app, path, &asked, Table::Calls).await
}

pub(in super::super) async fn modems(
    app: State<App>,
    path: Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Trouble> {
    table(app, path, &asked, Table::Modems).await
}

async fn table(
    State(app): State<App>,
    Path((plan, run)): Path<(String, String)>,
    asked: &Asked,
    table: Table,
) -> Result<Response, Trouble> {
    asked.only(&["skip", "limit"])?;
    let (skip, limit) = (asked.number("skip", 0, usize::MAX >> 1)?, asked.number("limit", ROWS, ROWS_MAX)?);
    let plan = app.plan(&plan)?;
    let rows = look(&app, &plan, &run, move |state| {
        let (rows, total) = report::json::rows(table, state, skip, limit)?;
        let mut out =
            format!("{{\"schema\":{},\"total\":{total},\"{}\":", report::SCHEMA, table.word()).into_bytes();
        out.extend_from_slice(&rows);
        out.push(b'}');
        Ok(out)
    });
    rows.await.map(json)
}

pub(in super::super) async fn file(
    State(app): State<App>,
    Path((plan, run, name)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    let plan = app.plan(&plan)?;
    let unknown = || {
        let known: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        Trouble::unknown(format!("a run has no file {} to hand out", quoted(&name)))
            .hint(format!("it may have {}", known.join(", ")))
    };
    let &(known, kind) = FILES.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
    let path = app.folder(&plan, &run)?.join(FilePath::new(known));
    let bytes = app.read(move |_| Ok(archive::file(&path)?)).await?;
    let bytes = bytes.ok_or_else(|| {
        Trouble::unknown(format!("this run has no `{known}`"))
            .hint("some files are written when a run has ended")
    })?;
    let mut answer = ([(header::CONTENT_TYPE, kind)], bytes).into_response();
    if known == "report.html" {
        let policy = header::HeaderValue::from_static(REPORT_POLICY);
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(answer)
}
