//! The exchange's own log of what really happened: tests hold the reports against it.
//!
//! One JSON object a line. `mono_us` is CLOCK_MONOTONIC in µs (under paused time: µs since the start), taken when the
//! bytes that show the event are handed to the port.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A program opened the port.
    PortOpened,
    /// The last program closed the port, or DTR fell.
    PortClosed,
    /// The port was taken away.
    PortVanished,
    /// The port was put back.
    PortReturned,
    /// A modem's power was cut and is back.
    PowerCut,
    /// A dial command without a digit was taken: dial tone is listened for.
    OffHook,
    /// A dial command was taken.
    Dialed,
    /// The digits are out.
    DigitsSent,
    /// A burst of ringing; `burst` counts from 1, `text` is what our modem printed.
    Ringback,
    /// The far end went off-hook.
    Answered,
    /// The modems are trained; `rate` from the far end.
    Carrier,
    /// CONNECT was printed; `text` has it.
    Connected,
    /// The login prompt is out.
    Prompted,
    /// The username came in; `text` has it.
    Username,
    /// A password came in; `accepted` says what came of it.
    Password,
    /// The command prompt is out.
    LoggedIn,
    /// A command came in that is no logout; `text` has it.
    Command,
    /// A console behind a console server was chosen; `text` is its port.
    ConsoleChosen,
    /// A byte that is no CR went through to a console behind a console server; `text` has its port and the byte.
    ConsoleTyped,
    /// A console behind a console server was left.
    ConsoleLeft,
    /// The logout came in.
    Logout,
    /// The session is over: login prompt back.
    LoggedOut,
    /// A dial command ended without a carrier; `text` is the result.
    Failed,
    /// The carrier went; `by` says through whom.
    CarrierLost,
    /// Our modem was told to hang up; `by` says how.
    HungUp,
    /// Our modem is on-hook again; the call is over.
    OnHook,
    /// A program was started behind a line.
    Started,
    /// The program behind a line ended.
    Ended,
    /// A client broke RFC 2217, or telnet; `text` tells how.
    ProtocolError,
    /// The exchange could not do as its file says; `text` tells why.
    Trouble,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, CLOCK_MONOTONIC in µs.
    pub mono_us: u64,
    /// What.
    pub event: What,
    /// The call, counted from 1 over the exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// Our modem, or the answering one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modem: Option<String>,
    /// The line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The line's n-th call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The digits as dialed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialed: Option<String>,
    /// The rule that decided the call; `line` for the line's own fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What goes wrong in this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// A count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// bit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Through whom, or how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether a password was right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// What was printed or typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Entry {
    /// An entry that has no stamp yet.
    pub const fn new(event: What) -> Self {
        Self {
            mono_us: 0,
            event,
            call: None,
            modem: None,
            line: None,
            attempt: None,
            dialed: None,
            rule: None,
            fault: None,
            burst: None,
            rate: None,
            by: None,
            accepted: None,
            text: None,
        }
    }
}

/// Where entries go. Clones write to the same log.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    kept: Option<Vec<Entry>>,
    to: Option<Box<dyn Write + Send>>,
}

impl Log {
    /// Kept in memory, for tests.
    pub fn in_memory() -> Self {
        Self::with(Some(Vec::new()), None)
    }

    /// Written as JSON lines, each at once.
    pub fn to(writer: impl Write + Send + 'static) -> Self {
        Self::with(None, Some(Box::new(writer)))
    }

    /// Nothing is kept.
    pub fn none() -> Self {
        Self::with(None, None)
    }

    fn with(kept: Option<Vec<Entry>>, to: Option<Box<dyn Write + Send>>) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { kept, to })) }
    }

    /// What was kept so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).kept.clone().unwrap_or_default()
    }

    /// Adds an entry. A log that can't be written any more is given up, never the exchange.
    pub(super) fn add(&self, entry: Entry) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(to) = &mut inner.to {
            let written =
                serde_json::to_string(&entry).map_or(Ok(()), |line| to.write_all((line + "\n").as_bytes()));
            if written.and_then(|()| to.flush()).is_err() {
                tracing::warn!("the exchange's log cannot be written any more");
                inner.to = None;
            }
        }
        if let Some(kept) = &mut inner.kept {
            kept.push(entry);
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Log")
    }
}
