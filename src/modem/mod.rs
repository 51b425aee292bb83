//! Modems: the AT codec, result codes, profiles, set-up, hang-up, identification, reports on the last call; and the ports behind which they sit.
//!
//! The machines here are pure. What a call does with them is `call`'s.

pub mod answer;
pub mod clock;
pub mod codec;
pub mod connect;
pub mod diagnostics;
pub mod dialtone;
pub mod driver;
pub mod fingerprint;
pub mod hangup;
pub mod identify;
pub mod learned;
pub mod machine;
pub mod port;
pub mod profile;
pub mod result_code;
pub mod setup;
