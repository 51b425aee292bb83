//! Files that people write -> types born valid: plan, bank, numbering, profiles, consoles, credentials.
//!
//! Structs named `*File` mirror what is written and never leave this room; [`plan::Plan`] and what it holds are valid by
//! construction. All problems of a file are told at once, each with file, line, key, what is wrong and what would be
//! right. Nothing is dialed here and nothing printed; only `cli` uses this room.

pub mod bank;
pub mod check;
pub mod credentials;
mod degraded;
pub mod exchange;
pub mod history;
pub mod hours;
pub mod library;
pub mod limits;
pub mod numbering;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod schemas;
pub mod screening;
pub mod service;
pub mod source;
pub mod tariff;
pub mod wiring;
pub mod yaml;

pub use bank::Bank;
pub use exchange::load_exchange;
pub use plan::{Overrides, Plan, PlannedLine, load_bench, load_plan};
pub use problem::{Place, Problem, Problems};
