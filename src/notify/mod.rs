//! Telling people and programs that do not come and look: one mail at the end of a run; a hook (a command, or a webhook)
//! at its end and, gathered into digests, at new failures.
//!
//! What is said is composed purely, from what the reports know: [`letter`], [`payload`], [`occasion`] (whether there is
//! anything to say) and [`digest`] (when). Thin shells carry it: [`smtp`], [`command`], [`webhook`], and [`courier`],
//! which serves one hook beside a run that must never wait for it. A sink that fails hands back why, in words without
//! secrets; whom that is told, and where options and secrets come from, is for others.

pub mod command;
pub mod courier;
pub mod digest;
pub mod letter;
pub mod occasion;
pub mod options;
pub mod payload;
pub mod secret;
pub mod smtp;
pub mod webhook;

pub use courier::{Courier, News};
pub use digest::{Batch, Digest, Failure};
pub use letter::Letter;
pub use options::{Hook, Limits, Mail, Server, Tls, Url, When};
pub use payload::Context;
pub use secret::{Failed, Login};
