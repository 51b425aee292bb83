//! What was known of a line before a run began: what tells in the morning what changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fault, LineId, RunId, Usual};

/// What earlier runs of the plan on this bank say of a line. History makes it; a run writes it into its journal, so that
/// every view of the run can tell what changed without asking anybody else. One of a line that the run's plan does not have
/// says that the line is gone: the last run had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineBefore {
    /// The line.
    pub line: LineId,
    /// The last run in which it was judged otherwise than `untested`; absent: none, it was never tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<TestedBefore>,
    /// Runs in a row, up to the last one, in which it ended `untested`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untested_runs: u32,
    /// In how many of these it was left out by choice (`skipped`, `on-hold`): a technician's runs of one branch by day leave
    /// out all the others, and nobody meant to test them then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untested_by_choice: u32,
    /// How often its result went from failing to not failing or back within the last runs that tested it: one fewer than
    /// [`FLAPPING_RUNS`], since tonight's comes on top.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub changes: u32,
    /// What was usual on it, for views that hold tonight's figures against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Usual>,
}

/// How many runs are looked at for lines that come and go.
pub const FLAPPING_RUNS: u32 = 14;
/// So many changes in them, tonight's included, are flapping.
pub const FLAPPING_CHANGES: u32 = 4;

/// The last time that a line was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedBefore {
    /// In this run.
    pub run: RunId,
    /// When that run's verdict was told.
    pub at: Timestamp,
    /// What was found; absent is a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Since when its result (pass, degraded, fail) has been the same.
    pub since: Timestamp,
    /// In how many runs in a row, those in which it was untested left out.
    pub runs: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
