//! How long each stretch of a call may take. Every wait of a call has one of these.

use std::time::Duration;

/// The limits of one call. Defaults are those of the design; a plan changes them, and a console file may have longer
/// ones for its own stretches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The modem's set-up, from taking the port to `OK` on its last line.
    pub setup: Duration,
    /// From the CR of the dial command to CONNECT or a failure. The modem's own S7 should not be shorter.
    pub dial: Duration,
    /// From CONNECT to a login prompt.
    pub prompt: Duration,
    /// From the login prompt to the command prompt.
    pub login: Duration,
    /// How long a call may wait at the login prompt until another one has proven the credential. It must stay below
    /// the far end's own login time-out (30 s on IOS, 60 s on many others).
    pub grant_wait: Duration,
    /// From the first logout command to its proof.
    pub logout: Duration,
    /// From the decision to hang up to the proof.
    pub hangup: Duration,
    /// From the CR of the dial command to the decision to hang up.
    pub call: Duration,
    /// The network's time may be compressed, as on simulated banks and behind ptys: no figure of real modems (the least time that a
    /// number takes to be dialed, S7) is held against what comes.
    pub compressed: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            setup: Duration::from_secs(15),
            dial: Duration::from_secs(90),
            prompt: Duration::from_secs(20),
            login: Duration::from_secs(45),
            grant_wait: Duration::from_secs(25),
            logout: Duration::from_secs(10),
            hangup: Duration::from_secs(10),
            call: Duration::from_secs(240),
            compressed: false,
        }
    }
}
