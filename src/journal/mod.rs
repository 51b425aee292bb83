//! The journal: a run's event log, and the folder that it lies in.
//!
//! `events.jsonl` is the record of a run; everything else that a run writes is a view of it (`report`). What events
//! mean is `model::event`'s; when they are written and synced is the dispatcher's.

mod error;
mod lock;
mod log;
mod replay;
mod run_dir;

pub use error::{JournalError, RunDirError};
pub use log::Journal;
pub use replay::{Cut, Replay, read, scan, scan_kinds};
pub use run_dir::{LATEST, RunDir, is_live, runs};

/// Name of the journal within a run's folder.
pub const FILE_NAME: &str = "events.jsonl";

#[cfg(test)]
mod tests;
