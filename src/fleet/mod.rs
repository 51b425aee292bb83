//! Many lines, many modems: who dials what and when, and what a line's calls make of it.
//!
//! The pure part (policy, scheduler, health, guard) decides and knows neither ports nor clocks; what may be dialed at
//! all is decided in `config`, what a call finds in `call`.

pub mod budget;
pub mod desk;
pub mod dispatcher;
pub mod forecast;
pub mod guard;
pub mod health;
pub mod hours;
pub mod inspection;
pub mod order;
pub mod pileup;
pub mod policy;
pub mod redial;
pub mod refusals;
pub mod reset;
pub mod scheduler;
mod talk;
pub mod worker;
