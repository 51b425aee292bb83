//! The daemon: begins runs by their schedules, one at a time for each bank; sees to it that they go on; is steered and looked
//! at while it works.
//!
//! One loop waits for all that can happen (`daemon`); what is decided is decided by a pure machine (`keeper`). What a run does
//! is `run`'s and `fleet`'s. Nothing here prints or exits: `cli` does.

pub mod alone;
mod brain;
pub mod control;
pub mod daemon;
pub mod durable;
pub mod http;
mod jobs;
pub mod keeper;
pub mod leadership;
pub mod leftover;
pub mod levels;
pub mod live;
pub mod metrics;
pub mod page;
pub mod process;
pub mod progress;
pub mod signals;
pub mod status;
pub mod systemd;
pub mod watch;
