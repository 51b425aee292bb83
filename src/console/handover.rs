//! A console that was handed over to a technician: how long, how far the checks had come, why it was taken back.

use std::time::Duration;

/// How long a console may stay handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandoverLimits {
    /// Neither key nor word for so long ends it.
    pub idle: Duration,
    /// It ends after so long, whatever happens.
    pub whole: Duration,
}

impl Default for HandoverLimits {
    fn default() -> Self {
        Self { idle: Duration::from_mins(10), whole: Duration::from_mins(60) }
    }
}

/// How far the checks had come when the console was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Logged in, and it is the host that must answer.
    Verified,
    /// Logged in; no host is expected.
    LoggedIn,
    /// At the login prompt, since there is no credential: the technician logs in, and out.
    LoginPrompt,
    /// Connected; nothing is known of the console.
    Connected,
}

/// Why a console was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// The technician's escape key.
    Escape,
    /// The terminal is gone.
    TerminalGone,
    /// The carrier is gone.
    CarrierLost,
    /// The idle limit.
    Idle,
    /// The whole limit.
    Whole,
    /// The run is being ended.
    Cancelled,
    /// The port is gone.
    PortLost,
}
