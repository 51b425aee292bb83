//! What a run comes to in one number: the exit code of its command.

use super::RunState;
use crate::model::event::Ending;
use crate::model::{Blame, Fault};

/// Every line that counts passed.
pub const ALL_PASSED: u8 = 0;
/// Some line is not a pass.
pub const SOME_NOT_PASSED: u8 = 1;
/// Lines were to be tested, and every one ended on our side: nothing was learned of any.
pub const COULD_NOT_JUDGE: u8 = 3;
/// Interrupted; the report is written.
pub const INTERRUPTED: u8 = 4;

/// Whether a line with this fault stays out of the exit code: nobody meant it to be tested in this run.
pub const fn is_left_out(fault: Fault) -> bool {
    matches!(fault, Fault::Skipped | Fault::OnHold | Fault::OutOfWindow)
}

/// The exit code of a run: the first that holds of interrupted, could not judge, some not passed, all passed.
///
/// A run without an end (it was killed, or is still going on) counts as interrupted. Usage and configuration errors
/// (2) come before there is a run.
pub fn exit_code(state: &RunState) -> u8 {
    if !matches!(state.ended(), Some((Ending::Completed, _))) {
        return INTERRUPTED;
    }
    let faults: Vec<Option<Fault>> = state
        .lines()
        .filter_map(|(_, line)| line.verdict.as_ref())
        .map(|verdict| verdict.fault)
        .filter(|fault| !fault.is_some_and(is_left_out))
        .collect();
    let ours = |fault: &Option<Fault>| {
        fault.is_some_and(|fault| {
            let blame = fault.blame();
            blame.is_bench() || matches!(blame, Blame::Credential | Blame::Lineman)
        })
    };
    if !faults.is_empty() && faults.iter().all(ours) {
        COULD_NOT_JUDGE
    } else if faults.iter().any(Option::is_some) {
        SOME_NOT_PASSED
    } else {
        ALL_PASSED
    }
}
