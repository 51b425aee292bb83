//! The daemon from outside, amid all that can befall it: `lineman serve` over an exchange in a process of its own, killed,
//! starved, misled and steered while it works. One file a kind of trouble; what they share stands in `house`.
//!
//! After each trouble the same holds: nothing that was finished is lost or dialed again, no line is blamed, no session stays
//! open, no modem stays off-hook, and the daemon is alive and says the truth.

mod clients;
mod control;
pub(crate) mod house;
mod journald;
mod kills;
mod leader;
mod prometheus;
mod signals;
mod steer;
mod trial;
mod troubles;
