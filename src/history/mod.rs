//! Runs over time: what earlier nights found, in one database beside the runs' folders; trends and differences.
//!
//! It is a view of the runs' journals, and can be made again from them. What a run knows of it stands in that run's own
//! journal ([`crate::model::LineBefore`]).

pub mod confirmed;

pub use confirmed::{Confirmed, ConfirmedError};
