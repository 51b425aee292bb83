//! All routes of the API in one table, with what each needs; and the router that is made of it. `openapi.json` says the same
//! to programs, and a test holds the two together.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use super::Rooms;
use super::answer::Trouble;
use super::api::{self, App, events};
use super::archive::Archive;
use super::feed::Feed;
use super::guard::{self, Guard, Need};
use crate::service::page;

/// For an answer to be ready; control has a limit of its own.
const ANSWER_LIMIT: Duration = Duration::from_secs(90);

/// One route of the API.
pub(super) struct Route {
    /// With what it is asked: for the test, since the handler knows it too.
    #[cfg_attr(not(test), expect(dead_code, reason = "the handler knows it"))]
    pub(super) method: Method,
    /// Where, as OpenAPI writes it.
    pub(super) path: &'static str,
    /// What the asker must be allowed.
    pub(super) need: Need,
    handler: MethodRouter<App>,
}

/// The API.
pub(super) fn table() -> Vec<Route> {
    let read = |path, handler| Route { method: Method::GET, path, need: Need::Read, handler };
    let open = |path, handler| Route { method: Method::GET, path, need: Need::Nothing, handler };
    let change = |path, handler| Route { method: Method::POST, path, need: Need::Change, handler };
    vec![
        open("/-/healthy", get(api::service::healthy)),
        open("/-/ready", get(api::service::ready)),
        change("/-/reload", post(api::service::reload)),
        read("/metrics", get(api::metrics::get)),
        open("/api/v1/openapi.json", get(api::service::openapi)),
        read("/api/v1/status", get(api::service::status)),
        read("/api/v1/plans", get(api::service::plans)),
        read("/api/v1/modems", get(api::service::modems)),
        read("/api/v1/calls", get(api::service::calls)),
        read("/api/v1/lines", get(api::lines::list)),
        read("/api/v1/lines/{plan}/{line}", get(api::lines::one)),
        read("/api/v1/runs", get(api::runs::list)),
        read("/api/v1/runs/{plan}/{run}", get(api::runs::one)),
        read("/api/v1/runs/{plan}/{run}/lines", get(api::runs::lines)),
        read("/api/v1/runs/{plan}/{run}/calls", get(api::runs::calls)),
        read("/api/v1/runs/{plan}/{run}/modems", get(api::runs::modems)),
        read("/api/v1/runs/{plan}/{run}/{file}", get(api::runs::file)),
        read("/api/v1/events", get(events::stream)),
        change("/api/v1/control", post(api::service::control)),
    ]
}

/// What serves both doors.
pub(super) fn router(
    rooms: Rooms,
    guard: &Arc<Guard>,
    end: &CancellationToken,
    tasks: &TaskTracker,
) -> Router {
    let feed = Feed::new(rooms.clock.origin_us());
    tasks.spawn(Arc::clone(&feed).follow(rooms.live.subscribe(), end.clone()));
    let app = App {
        archive: Arc::new(Archive::default()),
        figures: Arc::default(),
        feed,
        end: end.clone(),
        streams: Arc::new(tokio::sync::Semaphore::new(events::STREAMS_MAX)),
        readers: Arc::new(tokio::sync::Semaphore::new(api::READERS_MAX)),
        rooms,
    };
    let shown = page::Shown {
        status: app.rooms.status.clone(),
        live: Arc::clone(&app.rooms.live),
        config: app.rooms.config.clone(),
        archive: Arc::clone(&app.archive),
    };
    let needs = |need| middleware::from_fn_with_state((Arc::clone(guard), need), guard::admit);
    let mut router = Router::new();
    for Route { path, need, handler, .. } in table() {
        router = router.route(path, handler.layer(needs(need)));
    }
    router
        .with_state(app)
        .merge(page::routes(shown).layer(needs(Need::Read)).layer(middleware::from_fn(page::refused)))
        .merge(page::statics().layer(needs(Need::Nothing)))
        .fallback_service(Router::new().fallback(nowhere).layer(needs(Need::Nothing)))
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(api::BODY_BYTES_MAX))
        .layer(middleware::from_fn(in_time))
        .layer(CatchPanicLayer::custom(broken))
        .layer(middleware::from_fn(guard::headers))
}

async fn nowhere() -> Trouble {
    Trouble::unknown("there is nothing here").hint("/api/v1/openapi.json tells what there is")
}

async fn not_so(method: Method) -> Trouble {
    Trouble::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not for this path"))
        .hint("/api/v1/openapi.json tells what there is")
}

async fn in_time(request: Request, next: Next) -> Response {
    timeout(ANSWER_LIMIT, next.run(request)).await.unwrap_or_else(|_| {
        Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "the answer was not ready in time").into_response()
    })
}

/// A defect: one request fails, and the daemon works on.
#[expect(clippy::needless_pass_by_value, reason = "tower-http hands it over")]
fn broken(panic: Box<dyn Any + Send>) -> Response {
    let why = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    tracing::error!(why, "a request met a defect of lineman");
    Trouble::ours("a defect of lineman; the daemon's log says more").into_response()
}
