//! What a run says of itself in the log, for `-v`: its events as they come, without what is long in them.

use crate::model::{EventKind, Fault};

/// An event for the log, without what is long in it.
pub(super) fn tell(event: &EventKind) {
    match event {
        EventKind::CallStarted { call, modem, dialed, .. } => {
            tracing::info!(%call, %modem, dialed, "a call begins");
        }
        EventKind::CallMoment { call, moment, .. } => tracing::debug!(%call, "{}", moment.activity()),
        EventKind::CallEnded(record) => {
            let fault = record.fault.map_or("none", Fault::code);
            tracing::info!(call = %record.call, fault, detail = record.detail, hangup = ?record.hangup, "a call is over");
        }
        EventKind::BenchCheck(record) => {
            let fault = record.fault.map_or("none", Fault::code);
            tracing::info!(modem = %record.modem, check = record.check.word(), fault, detail = record.detail, "{}", record.outcome.word());
        }
        EventKind::Modem { modem, state, detail, .. } => tracing::info!(%modem, detail, "{}", state.word()),
        EventKind::LineWaits { line, until, reason, why } => {
            tracing::info!(%line, ?until, reason = reason.word(), why, "waits");
        }
        EventKind::LinesBefore { lines } => tracing::info!("history knows {} lines", lines.len()),
        EventKind::Credential { credential, state, detail } => tracing::info!(%credential, ?state, detail),
        EventKind::Verdict(verdict) => {
            let fault = verdict.fault.map_or("none", Fault::code);
            tracing::info!(line = %verdict.line, fault, detail = verdict.detail, "judged");
        }
        EventKind::VerdictWithdrawn { line, why } => tracing::info!(%line, why, "verdict withdrawn"),
        EventKind::PasswordSent { call, credential } => {
            tracing::info!(%call, %credential, "its password goes out");
        }
        EventKind::Notice { text } => tracing::info!("{text}"),
        EventKind::Paused { why, until } => tracing::info!(?until, why, "the run is paused"),
        EventKind::Resumed => tracing::info!("the pause is over"),
        EventKind::RunStarted(_) | EventKind::RunResumed(_) | EventKind::RunEnded { .. } => {}
    }
}
