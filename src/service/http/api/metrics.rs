//! `/metrics`: what is told stands in `service::metrics`; here it is gathered, once for each scrape.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{App, Asked, quoted};
use crate::journal;
use crate::model::PlanName;
use crate::report::exposition::CONTENT_TYPE;
use crate::report::prometheus::Detail;
use crate::service::http::answer::Trouble;
use crate::service::http::archive::Archive;
use crate::service::metrics::{self, Found, Going};
use crate::service::process::Process;

/// What the plans' last runs found, until there are later ones.
#[derive(Debug, Default)]
pub(in super::super) struct Figures(Mutex<BTreeMap<PlanName, Kept>>);

/// Of one run, whose journal had so many bytes.
#[derive(Debug, Clone)]
struct Kept {
    folder: PathBuf,
    bytes: u64,
    found: Found,
}

impl Figures {
    /// What the run found that `latest` leads to; absent before the first one. Blocks on files.
    fn of(&self, plan: &PlanName, latest: &Path, archive: &Archive) -> Option<Found> {
        let folder = latest.canonicalize().ok()?;
        let bytes = fs::metadata(folder.join(journal::FILE_NAME)).ok()?.len();
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().get(plan).filter(|kept| kept.folder == folder && kept.bytes == bytes).cloned();
        if let Some(known) = known {
            return Some(known.found);
        }
        match archive.run(&folder) {
            Ok(state) => {
                let found = Found::of(&state);
                kept().insert(plan.clone(), Kept { folder, bytes, found: found.clone() });
                Some(found)
            }
            Err(error) => {
                tracing::warn!(%plan, folder = %folder.display(), %error, "no figures of the last run");
                None
            }
        }
    }

    /// Forgets the plans that are gone.
    fn keep(&self, plans: impl Fn(&PlanName) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|plan, _| plans(plan));
    }
}

/// The figures of the daemon and of its plans' runs.
pub(in super::super) async fn get(State(app): State<App>, asked: Asked) -> Result<Response, Trouble> {
    asked.only(&["lines"])?;
    let detail = match asked.get("lines") {
        None | Some("phases") => Detail::Phases,
        Some("verdicts") => Detail::Verdicts,
        Some(other) => {
            return Err(Trouble::malformed(format!("lines is {}; write phases or verdicts", quoted(other))));
        }
    };
    let status = Arc::clone(&app.rooms.status.borrow());
    let status = Arc::new(app.rooms.live.over(&status));
    let going: Vec<Going> = app
        .rooms
        .live
        .runs()
        .iter()
        .filter_map(|run| run.read(|state| Going::of(state, run.is_call)))
        .collect();
    let plans = app.rooms.plans();
    let figures = Arc::clone(&app.figures);
    let text = app
        .read(move |archive| {
            figures.keep(|name| plans.iter().any(|plan| plan.name() == name));
            let found: Vec<Found> = plans
                .iter()
                .filter_map(|plan| {
                    figures.of(plan.name(), &plan.entry.reports.join(journal::LATEST), archive)
                })
                .collect();
            metrics::text(&status, &going, &found, &Process::look(), detail).map_err(Trouble::ours)
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response())
}
