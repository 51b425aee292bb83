//! The daemon itself: how it stands, its plans and modems, the calls that go on, and what it is told.

use std::time::Duration;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{App, Asked, BODY_BYTES_MAX};
use crate::model::{BankName, ModemId, PlanName, RunId};
use crate::service::control::{Control, Done};
use crate::service::http::answer::Trouble;
use crate::service::http::feed::{CallPicture, ModemPicture};
use crate::service::status::{ModemStatus, PlanStatus, Status};

/// For the loop to take a control, and to answer it: a call that is running logs out and hangs up first.
const CONTROL_LIMIT: Duration = Duration::from_secs(60);
/// For the body of a control to come.
const BODY_LIMIT: Duration = Duration::from_secs(10);

/// Whether the daemon's loop is there.
pub(in super::super) async fn healthy(State(app): State<App>) -> Response {
    match app.rooms.status.has_changed() {
        Ok(_) => "healthy\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the daemon's loop has ended\n").into_response(),
    }
}

/// Whether it works, and goes on working.
pub(in super::super) async fn ready(State(app): State<App>) -> Response {
    if app.end.is_cancelled() || app.rooms.control.is_closed() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the daemon is ending\n").into_response();
    }
    "ready\n".into_response()
}

pub(in super::super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../openapi.json")).into_response()
}

pub(in super::super) async fn status(State(app): State<App>, asked: Asked) -> Result<Json<Status>, Trouble> {
    asked.only(&[])?;
    let status = Arc::clone(&app.rooms.status.borrow());
    Ok(Json(app.rooms.live.over(&status)))
}

#[derive(Serialize)]
pub(in super::super) struct Plans {
    plans: Vec<PlanStatus>,
}

pub(in super::super) async fn plans(State(app): State<App>, asked: Asked) -> Result<Json<Plans>, Trouble> {
    asked.only(&[])?;
    Ok(Json(Plans { plans: app.rooms.status.borrow().plans.clone() }))
}

#[derive(Serialize)]
pub(in super::super) struct Modems {
    modems: Vec<Modem>,
}

#[derive(Serialize)]
struct Modem {
    bank: BankName,
    run: Option<RunId>,
    #[serde(flatten)]
    status: ModemStatus,
    /// What the run that goes on knows of it.
    in_run: Option<ModemPicture>,
}

pub(in super::super) async fn modems(State(app): State<App>, asked: Asked) -> Result<Json<Modems>, Trouble> {
    asked.only(&["bank"])?;
    let only: Option<BankName> = asked.word("bank")?;
    let picture = app.feed.picture(&app.rooms);
    let in_run = |bank: &BankName, modem: &ModemId| {
        let runs = picture.runs.iter().filter(|run| run.bank == *bank && !run.call);
        runs.flat_map(|run| &run.modems).find(|known| known.modem == *modem).cloned()
    };
    let banks =
        picture.status.banks.iter().filter(|bank| only.as_ref().is_none_or(|only| *only == bank.bank));
    let modems = banks.flat_map(|bank| {
        bank.modems.iter().map(|status| Modem {
            bank: bank.bank.clone(),
            run: bank.run.clone(),
            in_run: in_run(&bank.bank, &status.modem),
            status: status.clone(),
        })
    });
    Ok(Json(Modems { modems: modems.collect() }))
}

#[derive(Serialize)]
pub(in super::super) struct Calls {
    calls: Vec<Call>,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "as its readers know it")]
struct Call {
    run: RunId,
    plan: PlanName,
    technician: bool,
    #[serde(flatten)]
    call: CallPicture,
}

pub(in super::super) async fn calls(State(app): State<App>, asked: Asked) -> Result<Json<Calls>, Trouble> {
    asked.only(&["plan"])?;
    let only: Option<PlanName> = asked.word("plan")?;
    let runs = app.feed.picture(&app.rooms).runs;
    let wanted = runs.into_iter().filter(|run| only.as_ref().is_none_or(|only| *only == run.plan));
    let calls = wanted.flat_map(|run| {
        let (id, plan, technician) = (run.run, run.plan, run.call);
        run.calls.into_iter().map(move |call| Call { run: id.clone(), plan: plan.clone(), technician, call })
    });
    Ok(Json(Calls { calls: calls.collect() }))
}

pub(in super::super) async fn reload(State(app): State<App>) -> Result<Json<Done>, Trouble> {
    tell(&app, Control::Reload).await
}

pub(in super::super) async fn control(
    State(app): State<App>,
    headers: HeaderMap,
    request: axum::extract::Request,
) -> Result<Json<Done>, Trouble> {
    let is_json = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        return Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a control is JSON")
            .hint("send `Content-Type: application/json`"));
    }
    // What says itself that it is too large need not be waited for.
    if axum::body::HttpBody::size_hint(request.body()).lower() > BODY_BYTES_MAX as u64 {
        let why = format!("a control has no more than {} KiB", BODY_BYTES_MAX >> 10);
        return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    let body = timeout(BODY_LIMIT, <Bytes as axum::extract::FromRequest<App>>::from_request(request, &app));
    let body = body
        .await
        .map_err(|_| Trouble::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"))?
        .map_err(|error: BytesRejection| Trouble::new(error.status(), error.body_text()))?;
    let control: Control = serde_json::from_slice(&body).map_err(|error| {
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        Trouble::new(status, format!("this is no control: {error}"))
            .hint("as `{\"do\": \"start\", \"plan\": \"nightly\"}`; /api/v1/openapi.json tells all of them")
    })?;
    tell(&app, control).await
}

/// Tells the loop, and waits for its answer. Whoever asked may be gone before it comes: it is carried out all the same.
async fn tell(app: &App, control: Control) -> Result<Json<Done>, Trouble> {
    let ending = || Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is ending");
    let (reply, answer) = oneshot::channel();
    let told = async {
        app.rooms.control.send((control, reply)).await.map_err(|_| ending())?;
        answer.await.map_err(|_| ending())
    };
    let answer = timeout(CONTROL_LIMIT, told).await.map_err(|_| {
        Trouble::new(
            StatusCode::GATEWAY_TIMEOUT,
            format!("there is no answer within {} s; it may still be carried out", CONTROL_LIMIT.as_secs()),
        )
        .hint("`lineman status` tells how it stands")
    })?;
    answer?.map(Json).map_err(|refused| {
        let status = if refused.unknown { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
        Trouble::new(status, refused.why)
    })
}
