//! Limits of one call, as a plan writes them: `limits: { dial: 90s, ... }`.

use std::time::Duration;

use serde::Deserialize;

use super::yaml::Doc;
use crate::call::Limits;
use crate::model::span;

/// `limits:` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsFile {
    setup: Option<String>,
    dial: Option<String>,
    prompt: Option<String>,
    login: Option<String>,
    grant_wait: Option<String>,
    logout: Option<String>,
    choose: Option<String>,
    console: Option<String>,
    leave: Option<String>,
    hangup: Option<String>,
    call: Option<String>,
}

impl LimitsFile {
    /// The limits, defaults where nothing is written.
    pub(super) fn check(&self, doc: &Doc) -> Limits {
        let mut limits = Limits::default();
        let written = [
            ("setup", &self.setup, &mut limits.setup),
            ("dial", &self.dial, &mut limits.dial),
            ("prompt", &self.prompt, &mut limits.prompt),
            ("login", &self.login, &mut limits.login),
            ("grant_wait", &self.grant_wait, &mut limits.grant_wait),
            ("logout", &self.logout, &mut limits.logout),
            ("choose", &self.choose, &mut limits.choose),
            ("console", &self.console, &mut limits.console),
            ("leave", &self.leave, &mut limits.leave),
            ("hangup", &self.hangup, &mut limits.hangup),
            ("call", &self.call, &mut limits.call),
        ];
        for (name, text, limit) in written {
            let Some(text) = text else { continue };
            match span::parse(text) {
                Ok(Duration::ZERO) => {
                    doc.problem(&format!("limits.{name}"), "is zero; nothing could be waited for");
                }
                Ok(span) => *limit = span,
                Err(what) => doc.problem(&format!("limits.{name}"), what),
            }
        }
        if limits.call < limits.dial {
            let place = if self.call.is_some() { "limits.call" } else { "limits.dial" };
            doc.problem(
                place,
                format!(
                    "the whole call's limit ({}) is shorter than that of its dialing ({}); make `call` the longest",
                    seconds(limits.call),
                    seconds(limits.dial)
                ),
            );
        }
        limits
    }
}

fn seconds(span: Duration) -> String {
    format!("{}s", span.as_secs_f64())
}
