//! What is worth telling: of an event, and of a run's end. Silence must be able to mean that all is as it was, so a run that could not
//! do its work is never silent.

use super::courier::News;
use super::digest::Failure;
use super::options::When;
use crate::model::changes::Change;
use crate::model::{Event, EventKind, LineId, Verdict};
use crate::report::outcome::{COULD_NOT_JUDGE, INTERRUPTED};
use crate::report::{RunState, exit_code};

/// Whether a run's end is due to somebody who wants it told then.
pub fn is_due(when: When, state: &RunState) -> bool {
    match when {
        When::Always => true,
        When::Change => is_troubled(state) || is_news(state),
        When::Failure => is_troubled(state) || state.counts().fail > 0,
        When::Never => false,
    }
}

/// Whether the run could not do its work, so that what it says of lines is not all that there is to say.
fn is_troubled(state: &RunState) -> bool {
    matches!(exit_code(state), COULD_NOT_JUDGE | INTERRUPTED)
}

/// Whether it brought anything new about. Without a past everything is new.
fn is_news(state: &RunState) -> bool {
    if !state.has_past() {
        return true;
    }
    let changes = state.changes();
    !changes.is_empty()
        || changes.lines(Change::Flapping).iter().any(crate::model::Changed::has_turned)
        || changes.lines(Change::Stale).iter().any(crate::model::Changed::newly_stale)
}

/// What an event that `state` has taken already means to hooks: a line began to fail, or a verdict was taken back.
pub fn news(state: &RunState, event: &Event) -> Option<News> {
    match &event.kind {
        EventKind::Verdict(verdict) => new_failure(state, &verdict.line).map(News::Failed),
        EventKind::VerdictWithdrawn { line, why } => {
            Some(News::Withdrawn { line: line.clone(), why: why.clone() })
        }
        _ => None,
    }
}

/// The line as one that began to fail, if it did. Without a past to compare with every one that fails did; one that comes
/// and goes is told at the end.
pub(super) fn new_failure(state: &RunState, id: &LineId) -> Option<Failure> {
    let (line, known) = state.line(id)?;
    let verdict = known.verdict.as_ref()?;
    let fault = verdict.fault.filter(|fault| fault.verdict() == Verdict::Fail)?;
    let change = || state.changed(id).map(|changed| changed.change);
    (!state.has_past() || change() == Some(Change::NewFailure)).then(|| Failure {
        line: line.id.clone(),
        site: line.site.clone(),
        number: line.number.clone(),
        fault,
        detail: verdict.detail.clone(),
        at: known.judged.unwrap_or_default(),
    })
}
