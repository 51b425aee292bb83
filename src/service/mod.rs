//! The daemon: begins runs by their schedules, one at a time for each bank; sees to it that they go on; is steered and looked
//! at while it works.
//!
//! One loop waits for all that can happen (`daemon`); what is decided is decided by a pure machine (`keeper`). What a run does
//! is `run`'s and `fleet`'s. Nothing here prints or exits: `cli` does.

pub mod control;
pub mod durable;
pub mod keeper;
pub mod leadership;
pub mod leftover;
pub mod live;
pub mod page;
pub mod progress;
pub mod status;
