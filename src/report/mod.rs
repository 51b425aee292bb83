//! The views of a run: tables, transcripts, the summary and the live board, all of them folds of its events.
//!
//! Nothing here knows how the work is done or where events are kept; whoever has the events (the dispatcher as they
//! come, a replay of the journal later) gets the same bytes. `reports/SCHEMA.md` documents what is written.

mod atomic;
pub mod call;
mod cell;
pub mod changes_json;
pub mod charts;
mod columns;
mod consoles;
mod cost;
mod counts;
pub mod exposition;
pub mod finding;
pub mod html;
pub mod json;
pub mod junit;
pub mod live;
mod modem;
pub mod nagios;
pub mod news;
mod night;
pub mod outcome;
mod package;
pub mod page;
pub mod prometheus;
mod render;
mod state;
pub mod summary;
pub mod summary_json;
mod tables;
mod transcript;
mod view;
pub mod why;
pub mod zabbix;

pub use atomic::replace;
pub use cell::{one_line as safe_line, text as safe_cell};
pub use cost::Charges;
pub use counts::{Counts, LineCounts};
pub use live::Board;
pub use modem::{Health, ModemFigures};
pub use night::{Act, SittingSpan, Spell};
pub use outcome::exit_code;
pub use render::{Renderer, ReportError, files, fold, replay};
pub use state::{Broken, LineState, RunState};
pub use tables::Table;
pub use transcript::said_in_file;
pub use why::Situation;

/// Version of the columns and keys of everything that is written here. Columns are only ever added at the end, and
/// then this number grows.
pub const SCHEMA: u32 = 3;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
