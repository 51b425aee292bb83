//! One call: from taking the port to proven on-hook.
//!
//! `machine` decides and is pure; `dialing` reads what a modem says between dialing and CONNECT, `evidence` weighs what it
//! tells afterwards; `quality` tells a bad line that passed from a good one by figures; `shell` drives a machine over a
//! port and is the only file here that awaits. Which line is called when, and what a call means for the line's verdict,
//! is `fleet`'s.

pub mod dial_time;
pub mod dialing;
pub mod evidence;
pub mod limits;
pub mod live;
pub mod machine;
pub mod quality;
pub mod shell;
pub mod spec;
pub mod tap;

#[cfg(test)]
mod tests;

pub use limits::{Limits, ShortDial};
pub use quality::Quality;
pub use spec::CallSpec;
pub use tap::{Tap, TapEnd};
