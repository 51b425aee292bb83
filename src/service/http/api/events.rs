//! Server-sent events: what goes on, as it comes, from a picture or from where a reader was cut off.
//!
//! Whoever reads too slowly is told how much he missed, and gets a picture again; nobody waits for him.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{App, Asked};
use crate::model::{PlanName, RunId};
use crate::service::http::Rooms;
use crate::service::http::answer::Trouble;
use crate::service::http::feed::{Feed, Heard, Next, Place};
use crate::service::status::Status;

/// Readers at a time, of both doors.
pub(in super::super) const STREAMS_MAX: usize = 100;
/// Proxies close what is silent for a minute. Only while somebody reads does anything wake up for it.
const ALIVE_EVERY: Duration = Duration::from_secs(25);

pub(in super::super) async fn stream(
    State(app): State<App>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    asked.only(&["plan", "run"])?;
    let plan: Option<PlanName> =
        asked.get("plan").map(|name| app.plan(name)).transpose()?.map(|plan| plan.name().clone());
    let run: Option<RunId> = asked.word("run")?;
    let permit = Arc::clone(&app.streams).try_acquire_owned().map_err(|_| {
        Trouble::new(StatusCode::SERVICE_UNAVAILABLE, format!("{STREAMS_MAX} others are looking on already"))
    })?;
    // The place first, and the picture after it: what comes between is told twice rather than never.
    let here = app.feed.here();
    let was = headers.get("last-event-id").and_then(|id| place(id.to_str().ok()?));
    let was = was.filter(|was| app.feed.knows(*was));
    let mut reader = Reader {
        place: was.unwrap_or(here),
        changes: app.feed.changes(),
        status: app.rooms.status.clone(),
        feed: app.feed,
        rooms: app.rooms,
        plan,
        run,
        ready: VecDeque::new(),
        _permit: permit,
    };
    reader.status.mark_unchanged();
    if was.is_none() {
        reader.show();
    }
    let end = app.end;
    let events = futures_util::stream::unfold((reader, end), |(mut reader, end)| async move {
        let event = tokio::select! {
            event = reader.next() => event?,
            () = end.cancelled() => return None,
        };
        Some((Ok::<_, Infallible>(event), (reader, end)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)).into_response())
}

/// `<epoch>-<number>`.
fn place(id: &str) -> Option<Place> {
    let (epoch, number) = id.split_once('-')?;
    Some(Place { epoch: epoch.parse().ok()?, number: number.parse().ok()? })
}

struct Reader {
    place: Place,
    changes: watch::Receiver<u64>,
    status: watch::Receiver<Arc<Status>>,
    feed: Arc<Feed>,
    rooms: Rooms,
    plan: Option<PlanName>,
    run: Option<RunId>,
    ready: VecDeque<Event>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// The next event; absent when the daemon ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            self.changes.mark_unchanged();
            match self.feed.next(self.place) {
                Next::Event(heard, behind) => {
                    self.place = behind;
                    if self.is_wanted(&heard) {
                        return Some(self.event("event").data(&heard.json));
                    }
                    continue;
                }
                Next::Missed(events, behind) => {
                    self.place = behind;
                    self.ready.push_back(self.event("missed").data(format!("{{\"events\":{events}}}")));
                    self.show();
                    continue;
                }
                Next::None => {}
            }
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                changed = self.status.changed() => {
                    changed.ok()?;
                    let status = Arc::clone(&self.status.borrow_and_update());
                    if let Ok(json) = serde_json::to_string(status.as_ref()) {
                        return Some(self.event("status").data(json));
                    }
                }
            }
        }
    }

    fn is_wanted(&self, heard: &Heard) -> bool {
        self.plan.as_ref().is_none_or(|plan| *plan == heard.plan)
            && self.run.as_ref().is_none_or(|run| *run == heard.run)
    }

    fn event(&self, name: &str) -> Event {
        Event::default().event(name).id(format!("{}-{}", self.place.epoch, self.place.number))
    }

    /// A picture is next.
    fn show(&mut self) {
        let mut picture = self.feed.picture(&self.rooms);
        picture.runs.retain(|run| {
            self.plan.as_ref().is_none_or(|plan| *plan == run.plan)
                && self.run.as_ref().is_none_or(|id| *id == run.run)
        });
        if let Ok(json) = serde_json::to_string(&picture) {
            self.ready.push_back(self.event("picture").data(json));
        }
    }
}
