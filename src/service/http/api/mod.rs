//! What is answered to each route: what a handler may use, and how names and numbers in a request are read.

pub(super) mod events;
pub(super) mod lines;
pub(super) mod metrics;
pub(super) mod runs;
pub(super) mod service;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::Rooms;
use super::answer::Trouble;
use super::archive::{Archive, ArchiveError};
use super::feed::Feed;
use crate::config::service::LoadedPlan;
use crate::model::RunId;

/// Bytes of a request's body: the longest control has some hundred.
pub(super) const BODY_BYTES_MAX: usize = 16 << 10;
/// Requests that read files at a time; more wait, and hold up nothing but themselves.
pub(super) const READERS_MAX: usize = 4;
/// Rows of an answer, if nothing is said.
const ROWS: usize = 100;
/// Rows of an answer at most.
const ROWS_MAX: usize = 1000;

/// What every handler may use.
#[derive(Clone)]
pub(super) struct App {
    /// What is told of.
    pub(super) rooms: Rooms,
    /// Runs that are on disk.
    pub(super) archive: Arc<Archive>,
    /// What their plans' last runs found.
    pub(super) figures: Arc<metrics::Figures>,
    /// What goes on.
    pub(super) feed: Arc<Feed>,
    /// The server ends.
    pub(super) end: CancellationToken,
    /// Live streams that are free.
    pub(super) streams: Arc<Semaphore>,
    /// Readers of files that are free.
    pub(super) readers: Arc<Semaphore>,
}

impl App {
    /// Does what blocks on files, a few at a time.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Archive) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let permit = Arc::clone(&self.readers).acquire_owned().await.map_err(Trouble::ours)?;
        let archive = Arc::clone(&self.archive);
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            read(&archive)
        });
        read.await.map_err(|_| Trouble::ours("a defect of lineman; the daemon's log says more"))?
    }

    /// The plan of this name.
    fn plan(&self, name: &str) -> Result<LoadedPlan, Trouble> {
        let found = name.parse().ok().and_then(|name| self.rooms.plan(&name));
        found.ok_or_else(|| {
            let known: Vec<String> =
                self.rooms.plans().iter().map(|plan| format!("`{}`", plan.name())).collect();
            Trouble::unknown(format!("there is no plan {}", quoted(name))).hint(match known.as_slice() {
                [] => "the daemon has no plans".to_owned(),
                known => format!("the plans are {}", known.join(", ")),
            })
        })
    }

    /// The folder of a run of this plan.
    fn folder(&self, plan: &LoadedPlan, run: &str) -> Result<PathBuf, Trouble> {
        let found = run.parse::<RunId>().ok().and_then(|run| self.rooms.folder(plan, &run));
        found.ok_or_else(|| {
            Trouble::unknown(format!("plan `{}` has no run {}", plan.name(), quoted(run))).hint(format!(
                "/api/v1/runs?plan={} lists them; `latest` is the last that ended",
                plan.name()
            ))
        })
    }
}

impl From<ArchiveError> for Trouble {
    fn from(error: ArchiveError) -> Self {
        Self::ours(error)
    }
}

/// What somebody typed, as it may stand in an answer: short, and without control characters.
fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}

/// The questions behind the `?`: each once, none that the route does not know.
pub(super) struct Asked(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Trouble> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Trouble::malformed(error.body_text()))?;
        let mut asked = BTreeMap::new();
        for (key, value) in pairs {
            if asked.insert(key.clone(), value).is_some() {
                return Err(Trouble::malformed(format!("{} is asked twice", quoted(&key))));
            }
        }
        Ok(Self(asked))
    }
}

impl Asked {
    /// Refuses what is not among these.
    fn only(&self, known: &[&str]) -> Result<(), Trouble> {
        match self.0.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(Trouble::malformed(format!("nothing is known by {}", quoted(key))).hint(
                if known.is_empty() {
                    "nothing can be asked behind `?` here".to_owned()
                } else {
                    format!("what can be asked is {}", known.join(", "))
                },
            )),
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn number(&self, key: &str, otherwise: usize, max: usize) -> Result<usize, Trouble> {
        let Some(text) = self.get(key) else { return Ok(otherwise) };
        match text.parse::<usize>() {
            Ok(number) if number <= max => Ok(number),
            _ => Err(Trouble::malformed(format!("{key} is {}; write a number up to {max}", quoted(text)))),
        }
    }

    fn word<T: FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<Option<T>, Trouble> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|error: T::Err| Trouble::malformed(format!("{key} {} {error}", quoted(text))))
        };
        self.get(key).map(parse).transpose()
    }
}

/// An answer that is JSON already.
fn json(bytes: Vec<u8>) -> axum::response::Response {
    use axum::response::IntoResponse;

    (StatusCode::OK, [(axum::http::header::CONTENT_TYPE, "application/json")], bytes).into_response()
}
