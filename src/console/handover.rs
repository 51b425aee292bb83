//! A console that was handed over to a technician: how long it may be, what of the keys goes out, and what is to be known
//! of them when it is taken back. Pure, and no part of what is written down.
//!
//! Keys go out as they are, but for one thing: three `+` in a row are what calls a modem back to its command state. The
//! third, and what more of them come, are held until another key follows, so they never stand before a pause.

use std::time::Duration;

use super::Dialog;
use crate::model::Mono;

/// How long before a limit it is told.
const WARNING: Duration = Duration::from_secs(60);
/// As much of a typed line is kept as a command to leave may be long.
const TYPED_LEN_MAX: usize = 40;
/// `+` in a row that a modem may take for its escape.
const PLUSES: u32 = 3;
/// Most of them that are held: nobody means more.
const HELD_MAX: u32 = 256;
/// What ends a session nearly everywhere, beside a dialog's own words.
const FAREWELLS: [&str; 3] = ["exit", "logout", "quit"];
/// Ctrl-D, which ends a session where nothing stands on its line.
const END_OF_INPUT: u8 = 0x04;

/// How long a console may stay handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandoverLimits {
    /// No key for so long ends it, whatever the console says meanwhile.
    pub idle: Duration,
    /// It ends after so long, whatever happens.
    pub whole: Duration,
}

impl Default for HandoverLimits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(10 * 60), whole: Duration::from_secs(60 * 60) }
    }
}

/// How far the checks had come when the console was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Logged in, and it is the host that must answer.
    Verified,
    /// Logged in; no host is expected.
    LoggedIn,
    /// At the login prompt, since there is no credential: the technician logs in.
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

/// What has become due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It will be taken back in so long.
    Soon(Back, Duration),
    /// It is to be taken back now.
    Over(Back),
}

/// A console while it is handed over.
#[derive(Debug)]
pub struct Handover {
    limits: HandoverLimits,
    since: Mono,
    /// When a key came last.
    key_at: Mono,
    idle_told: bool,
    whole_told: bool,
    /// `+` in a row at the end of what was typed; all but the first two are held.
    pluses: u32,
    /// What stands on the line that is being typed, and the last one that was ended.
    typed: Vec<u8>,
    last: Vec<u8>,
}

impl Handover {
    /// One that begins now.
    pub fn new(limits: HandoverLimits, now: Mono) -> Self {
        Self {
            limits,
            since: now,
            key_at: now,
            idle_told: false,
            whole_told: false,
            pluses: 0,
            typed: Vec::new(),
            last: Vec::new(),
        }
    }

    /// How long it has been so.
    pub fn lasted(&self, now: Mono) -> Duration {
        now.since(self.since)
    }

    /// When [`Self::due`] is to be asked.
    pub fn deadline(&self) -> Mono {
        let at = |end: Mono, told: bool, limit: Duration| {
            // A limit that is shorter than the warning has none.
            if told || limit <= WARNING { end } else { end.before(WARNING) }
        };
        let (idle, whole) = self.ends();
        at(idle, self.idle_told, self.limits.idle).min(at(whole, self.whole_told, self.limits.whole))
    }

    fn ends(&self) -> (Mono, Mono) {
        (self.key_at + self.limits.idle, self.since + self.limits.whole)
    }

    /// What is due now, if anything.
    pub fn due(&mut self, now: Mono) -> Option<Due> {
        let (idle, whole) = self.ends();
        if now >= whole {
            return Some(Due::Over(Back::Whole));
        }
        if now >= idle {
            return Some(Due::Over(Back::Idle));
        }
        if !self.whole_told && self.limits.whole > WARNING && now >= whole.before(WARNING) {
            self.whole_told = true;
            return Some(Due::Soon(Back::Whole, whole.since(now)));
        }
        if !self.idle_told && self.limits.idle > WARNING && now >= idle.before(WARNING) {
            self.idle_told = true;
            // Which of them comes first is what counts.
            return (idle < whole).then(|| Due::Soon(Back::Idle, idle.since(now)));
        }
        None
    }

    /// Keys were typed: what goes out of them, and of what was held.
    pub fn keys(&mut self, now: Mono, keys: &[u8]) -> Vec<u8> {
        (self.key_at, self.idle_told) = (now, false);
        let mut out = Vec::with_capacity(keys.len());
        for &key in keys {
            self.note(key);
            if key == b'+' {
                self.pluses += 1;
                if self.pluses < PLUSES {
                    out.push(key);
                }
                continue;
            }
            let held = (std::mem::take(&mut self.pluses) + 1).saturating_sub(PLUSES);
            out.extend(std::iter::repeat_n(b'+', held.min(HELD_MAX) as usize));
            out.push(key);
        }
        out
    }

    fn note(&mut self, key: u8) {
        match key {
            b'\r' | b'\n' => self.last = std::mem::take(&mut self.typed),
            0x08 | 0x7f => drop(self.typed.pop()),
            // Ctrl-C and Ctrl-U clear the line.
            0x03 | 0x15 => {
                self.typed.clear();
                self.last.clear();
            }
            END_OF_INPUT if self.typed.is_empty() => self.last = vec![END_OF_INPUT],
            // More than a farewell is none; that something stands there is enough to know.
            key if self.typed.len() <= TYPED_LEN_MAX => self.typed.push(key),
            _ => {}
        }
    }

    /// Whether something stands on the line that a CR would send off.
    pub fn is_typing(&self) -> bool {
        !self.typed.is_empty()
    }

    /// Whether the last that was typed is a command to leave: a far end that hangs up then has logged out.
    pub fn said_farewell(&self, dialog: Option<&Dialog>) -> bool {
        if self.last == [END_OF_INPUT] {
            return true;
        }
        let Ok(last) = std::str::from_utf8(&self.last) else { return false };
        let last = last.trim().to_ascii_lowercase();
        FAREWELLS.contains(&last.as_str()) || dialog.is_some_and(|dialog| dialog.logout.contains(&last))
    }
}

#[cfg(test)]
#[path = "handover/tests.rs"]
mod tests;
