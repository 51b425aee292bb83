//! Whole runs in memory, under paused time: what a run promises, whatever goes wrong.

mod played;
mod promises;
mod resumed;
mod stage;
mod verdicts;
