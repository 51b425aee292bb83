//! Runs over time: what earlier nights found, in one database beside the runs' folders; trends and differences.
//!
//! It is a view of the runs' journals, and can be made again from them. What a run knows of it stands in that run's own
//! journal ([`crate::model::LineBefore`]). Which runs are taken in, and when, is `cli`'s; what is asked by whom, too.

pub mod diff;
pub mod drift;
mod drifting;
mod error;
mod ingest;
mod names;
pub mod night;
pub mod portrait;
pub mod rates;
pub mod recall;
mod retention;
mod schema;
mod spells;
pub mod statistics;
mod store;
pub mod trend;

pub use error::HistoryError;
pub use night::{Night, Taken};
pub use recall::{Dial, LineMemory, Series, VoiceHold};
pub use retention::{Keep, Pruned};
pub use store::{Store, Waits};

#[cfg(test)]
mod played;
#[cfg(test)]
mod tests;
