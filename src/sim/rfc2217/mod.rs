//! RFC 2217 at the exchange's side: a modem on a TCP port of this host, with its modem-control lines, which a pty lacks.
//!
//! It is strict, so that a client's mistakes show: they are told in the exchange's log. With other [`Manners`] it makes
//! those mistakes itself that servers in the field make. The codec is this room's own, on purpose: with lineman's
//! client it would share each misreading of the RFC. `session` is pure; `server` has the sockets.

mod command;
mod manners;
mod options;
#[cfg(target_os = "linux")]
mod server;
mod session;
mod telnet;

pub use manners::{BadManners, Control, Manners};
#[cfg(target_os = "linux")]
pub(super) use server::Server;
#[cfg(target_os = "linux")]
pub(super) use session::Event;

#[cfg(test)]
mod tests;
