//! Whether the end of a run is worth telling. Silence must be able to mean that all is as it was, so a run that could not
//! do its work is never silent.

use super::options::When;
use crate::model::changes::Change;
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
