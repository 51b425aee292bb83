//! What is said to a console once the modems are connected, and what is made of its answers.
//!
//! A console family is a [`Dialog`]: data from `hardware/consoles/*.yaml`. A [`Session`] plays it for one call: a pure
//! machine without I/O or clock. It wakes the console, logs in, compares the host's name, logs out, proves that, and
//! ends with a [`Finding`]. Whether a password may go out at all is decided elsewhere (`fleet`): the session asks.

pub mod aloud;
pub mod credential;
pub mod dialog;
pub mod handover;
mod legible;
mod matcher;
mod round;
mod row;
pub mod session;
mod sieve;
mod speech;
pub mod teletype;
pub mod transcript;
mod unheard;
mod veil;
mod visit;

pub use credential::{Credential, CredentialError};
pub use dialog::{Dialog, DialogFile};
pub(crate) use round::skipped;
pub use round::{Behind, RoundLimits};
pub use session::{Expect, Finding, Input, Outcome, Output, Session, SessionLimits};
