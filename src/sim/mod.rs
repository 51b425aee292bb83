//! The virtual exchange: modems on ptys, over RFC 2217 or in memory, lines, consoles, faults, and a log of what really happened.
//!
//! The core is pure: [`exchange::Engine`] with [`modem`], [`console`] and [`fault`] inside it. The shells drive it:
//! ptys and RFC 2217 on a thread of their own, memory under tokio's time. The room knows of the other rooms only the modem's profiles
//! and ports; what it says in its own words can therefore contradict what lineman expects.

#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "what only ports of its own need"))]

pub mod console;
pub mod exchange;
pub mod fault;
pub mod file;
pub mod log;
pub mod modem;
pub mod rfc2217;

mod error;
mod memory;
#[cfg(target_os = "linux")]
mod office;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod office;
#[cfg(target_os = "linux")]
mod presence;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod pty;
mod running;
#[cfg(test)]
mod tests;

pub use error::SimError;
pub use running::{Exchange, RunningExchange};
