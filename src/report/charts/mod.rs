//! The pictures of a run, as HTML fragments with inline SVG: no script, no file beside, nothing from a network.
//!
//! Each is a `<figure>` that brings the sentence it proves, its key, a text alternative and its figures as a table; its
//! heading is the page's. A page that mounts them puts [`STYLE`] into its head once. All colours are variables there:
//! they follow the system's dark mode, or `data-theme="dark"` and `"light"` at the root. However many lines a run has, a
//! picture stays below [`SIZE_MAX`]: what is too much to be drawn one by one is drawn together.

mod figure;
mod gantt;
mod map;
mod nights;
mod phases;
mod scale;
mod segments;
mod speeds;
mod svg;
mod times;

pub use nights::{LineNight, Served, bank_nights, over_nights, strip};

use super::RunState;
use crate::model::LineId;

/// The style sheet of all pictures.
pub const STYLE: &str = include_str!("charts.css");
/// What each picture of a night of thousands of lines stays below, bytes.
pub const SIZE_MAX: usize = 300_000;

/// The bank's night: each modem's calls by result, checks, spells out of the run, and gaps. Absent where nothing happened.
pub fn gantt(state: &RunState) -> Option<String> {
    gantt::draw(state)
}

/// How long each phase took, stacked, of the slowest lines and of the line in the middle. Absent without a timed call.
pub fn phases(state: &RunState) -> Option<String> {
    phases::draw(state)
}

/// The phases of all calls of one line, stacked; small, without a figure around it: for that line's own section. Absent if
/// no call of it was timed.
pub fn phases_of(state: &RunState, line: &LineId) -> Option<String> {
    phases::of_line(state, line)
}

/// How ring, train and connect times are spread, by the family of our modem. Absent without any.
pub fn times(state: &RunState) -> Option<String> {
    times::draw(state)
}

/// Each line's rate against its usual one; where nothing is usual yet, how rates are spread. Absent without any.
pub fn speeds(state: &RunState) -> Option<String> {
    speeds::draw(state)
}

/// The sites whose coordinates the plan gives, by their worst verdict. Absent without any.
pub fn map(state: &RunState) -> Option<String> {
    map::draw(state)
}

#[cfg(test)]
mod tests;
