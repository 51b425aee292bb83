//! What is answered where something went wrong: one form, `{"error": .., "hint": ..}`, and the right status.

use std::fmt::Display;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Something was not done, and this is why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The status; not in the body.
    #[serde(skip)]
    pub status: u16,
    /// What is wrong, in words.
    pub error: String,
    /// What would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Trouble {
    /// With this status.
    pub fn new(status: StatusCode, error: impl Display) -> Self {
        Self { status: status.as_u16(), error: error.to_string(), hint: None }
    }

    /// What is asked for is not here.
    pub fn unknown(error: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// It can't be understood.
    pub fn malformed(error: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// We can't.
    pub fn ours(error: impl Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// With what would be right.
    #[must_use]
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}

/// Asked too often: not before so long.
pub(super) fn too_often(wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let mut answer = Trouble::new(StatusCode::TOO_MANY_REQUESTS, "this peer asks too often").into_response();
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    answer
}
