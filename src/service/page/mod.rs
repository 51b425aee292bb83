//! The web page: tonight's run as it goes on, the last one's report, runs, lines with their nights, modems, and control.
//!
//! All markup is made here by templates that escape whatever they are given; the script (`app.js`) fetches the live part of a page
//! again when an event says that something changed, and sends what a person asks for to the API. Who may look and who may
//! change something is the server's to know (`http`): reading takes the token as a password, which a browser asks for by itself; what
//! changes something takes it as a bearer's, from the script. What a page costs is bounded: whatever reads files or the history runs beside the loop, a few at a time.

mod assets;
mod control;
mod frame;
mod going;
mod line;
mod lines;
mod modems;
mod past;
mod runs;
mod template;
mod tonight;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use minijinja::Value;
use minijinja::value::Serde;
use tokio::sync::{Semaphore, watch};

use super::http::archive::Archive;
use super::live::Live;
use super::status::Status;
use crate::config::service::{Loaded, LoadedPlan};
use crate::model::PlanName;

/// What a browser may do with these pages: nothing from elsewhere, nothing inline.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Pages that are put together at a time; each may read a history or a journal.
const AT_A_TIME: usize = 4;

/// What the pages show.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The daemon.
    pub status: watch::Receiver<Arc<Status>>,
    /// Its runs that go on.
    pub live: Arc<Live>,
    /// What it works by.
    pub config: watch::Receiver<Arc<Loaded>>,
    /// Runs that have ended.
    pub archive: Arc<Archive>,
}

/// What all handlers share.
#[derive(Debug)]
struct Desk {
    shown: Shown,
    archive: Arc<Archive>,
    turns: Arc<Semaphore>,
}

/// What one page is made of: the daemon as it was when it was asked for.
#[derive(Debug, Clone)]
struct Here {
    desk: Arc<Desk>,
    status: Arc<Status>,
    loaded: Arc<Loaded>,
    /// Only what changes is wanted.
    part: bool,
    /// The query.
    asked: HashMap<String, String>,
}

/// Why there is no page.
#[derive(Debug)]
enum Lost {
    /// What was asked for does not exist; in words.
    Unknown(String),
    /// It is there, and can't be read now; in words.
    Unreadable(String),
    /// The template does not fit: a defect.
    Template(minijinja::Error),
}

impl From<minijinja::Error> for Lost {
    fn from(error: minijinja::Error) -> Self {
        Self::Template(error)
    }
}

impl Here {
    /// A plan of the configuration.
    fn plan(&self, name: &str) -> Result<&LoadedPlan, Lost> {
        let known = name.parse::<PlanName>().ok().and_then(|name| self.loaded.plan(&name));
        known.ok_or_else(|| Lost::Unknown(format!("there is no plan `{name}`")))
    }

    fn live(&self) -> &Live {
        &self.desk.shown.live
    }

    fn word(&self, key: &str) -> &str {
        self.asked.get(key).map(|word| word.trim()).unwrap_or_default()
    }
}

/// A page: its template, and what it is given beside the frame.
struct Page {
    template: &'static str,
    title: String,
    section: &'static str,
    value: Value,
}

/// What makes a page of one address: its parts in the order in which they stand there.
type Make = fn(&Here, &[String]) -> Result<Page, Lost>;

/// All addresses of the page; reading needs whatever the server asks for, `/static` nothing.
pub fn routes(shown: Shown) -> Router<()> {
    let archive = Arc::clone(&shown.archive);
    let desk = Arc::new(Desk { shown, archive, turns: Arc::new(Semaphore::new(AT_A_TIME)) });
    let page = |make: Make| {
        get(move |desk: State<Arc<Desk>>, path: Parts, asked: Query<HashMap<String, String>>| {
            answer(desk, path, asked, make)
        })
    };
    Router::new()
        .route("/", page(|here, _| tonight::page(here)))
        .route("/runs", page(|here, _| runs::list(here)))
        .route("/runs/{plan}/{run}", get(report))
        .route("/lines", page(|here, _| lines::page(here)))
        .route("/lines/{plan}/{line}", page(line::page))
        .route("/modems", page(|here, _| modems::page(here)))
        .route("/control", page(|here, _| control::page(here)))
        .with_state(desk)
}

/// What anybody may fetch: it holds no data.
pub fn statics() -> Router<()> {
    Router::new().route("/static/{file}", get(assets::file))
}

/// What a browser is shown in place of a page that it may not have: `answer` says why, to programs.
pub async fn refused(request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    let what = match answer.status() {
        StatusCode::UNAUTHORIZED => {
            "To look here takes the daemon's token: it is the password that the browser asks for, with any name."
        }
        StatusCode::FORBIDDEN => {
            "This daemon has no token, and is not open for reading over HTTP. `lineman status` on its host needs neither; `http.token` or `http.reading: open` in its configuration opens these pages."
        }
        StatusCode::TOO_MANY_REQUESTS => {
            "Too many requests came from this address. Wait a little, and load the page again."
        }
        StatusCode::MISDIRECTED_REQUEST => {
            "Without the token these pages are for requests to `localhost` or an address."
        }
        _ => return answer,
    };
    let (mut parts, _) = answer.into_parts();
    let page = problem(parts.status, what);
    let (fresh, body) = page.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(fresh.headers);
    Response::from_parts(parts, body)
}

type Parts = Option<Path<Vec<(String, String)>>>;

async fn answer(
    State(desk): State<Arc<Desk>>,
    path: Parts,
    Query(asked): Query<HashMap<String, String>>,
    make: Make,
) -> Response {
    let parts: Vec<String> =
        path.map(|Path(parts)| parts.into_iter().map(|(_, part)| part).collect()).unwrap_or_default();
    in_turn(desk, asked, move |here| {
        let Page { template, title, section, value } = make(here, &parts)?;
        if here.part {
            return Ok(template::part(template, &value)?);
        }
        Ok(template::page(template, &frame::frame(here, title, section), &value)?)
    })
    .await
}

/// A run's whole report.
async fn report(
    State(desk): State<Arc<Desk>>,
    Path((plan, run)): Path<(String, String)>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    in_turn(desk, asked, move |here| runs::report(here, &plan, &run)).await
}

/// Puts a page together beside the runtime, a few at a time.
async fn in_turn(
    desk: Arc<Desk>,
    asked: HashMap<String, String>,
    make: impl FnOnce(&Here) -> Result<String, Lost> + Send + 'static,
) -> Response {
    let Ok(turn) = Arc::clone(&desk.turns).acquire_owned().await else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "The daemon is ending.");
    };
    let (status, loaded) = (Arc::clone(&desk.shown.status.borrow()), Arc::clone(&desk.shown.config.borrow()));
    let status = Arc::new(desk.shown.live.over(&status));
    let here = Here { desk, status, loaded, part: asked.contains_key("part"), asked };
    let made = tokio::task::spawn_blocking(move || {
        let made = make(&here);
        drop(turn);
        made
    });
    match made.await {
        Ok(Ok(page)) => html(StatusCode::OK, page),
        Ok(Err(Lost::Unknown(what))) => problem(StatusCode::NOT_FOUND, &what),
        Ok(Err(Lost::Unreadable(what))) => problem(StatusCode::SERVICE_UNAVAILABLE, &what),
        Ok(Err(Lost::Template(error))) => failed(&error),
        // A defect in one page is no reason to end.
        Err(panicked) => {
            tracing::error!(%panicked, "a page could not be put together");
            problem(
                StatusCode::INTERNAL_SERVER_ERROR,
                "This page could not be put together; the log says why.",
            )
        }
    }
}

fn html(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (status, headers, page).into_response()
}

fn problem(status: StatusCode, what: &str) -> Response {
    let value = minijinja::context! { assets => Value::from(Serde(assets::links())), what => crate::report::safe_line(what), status => status.as_u16() };
    match template::render("problem.html", &value) {
        Ok(page) => html(status, page),
        Err(error) => failed(&error),
    }
}

fn failed(error: &minijinja::Error) -> Response {
    tracing::error!(%error, "a page's template does not fit");
    (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be put together; the log says why.\n")
        .into_response()
}

#[cfg(test)]
mod tests;
