//! Why nothing came of a wait for a prompt: silence, an echo, noise, garbage, or a text that nobody understood.

use std::time::Duration;

use crate::model::Fault;

use super::legible::{GARBAGE_BYTES_MIN, Legibility};

/// `2.5 s`
pub(super) fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

/// What came in place of a prompt.
pub(super) struct Unheard<'a> {
    /// Counts over its bytes.
    pub(super) legible: &'a Legibility,
    /// CRs that were sent.
    pub(super) wakes: u32,
    /// The limit, in words.
    pub(super) within: &'a str,
    /// `; last line "..."`, or nothing.
    pub(super) last: &'a str,
}

impl Unheard<'_> {
    /// The fault, and why. `text` is what came, `woken_with` what we sent besides CRs.
    pub(super) fn why(&self, text: &str, woken_with: &str) -> (Fault, String) {
        if let Some(garbage) = self.legible.garbage() {
            return (Fault::Garbage, garbage);
        }
        let within = self.within;
        let woken = match self.wakes {
            0 => String::new(),
            1 => " after 1 CR".to_owned(),
            times => format!(" after {times} CRs"),
        };
        let (total, unreadable) = (self.legible.total(), self.legible.unreadable());
        if total == 0 {
            (Fault::ConsoleSilent, format!("not one character within {within}{woken}"))
        } else if unreadable == 0 && echoes_alone(text, woken_with) {
            let what = if self.wakes > 0 { "it only echoes what is sent" } else { "blank lines alone" };
            (Fault::ConsoleSilent, format!("{what}, nothing else within {within}{woken}"))
        } else if total < GARBAGE_BYTES_MIN && unreadable * 2 > total {
            let detail = format!("{total} bytes of noise, nothing else within {within}{woken}");
            (Fault::ConsoleSilent, detail)
        } else {
            (Fault::LoginTimeout, format!("no login prompt within {within}{woken}{}", self.last))
        }
    }
}

/// Whether nothing came but what we sent.
fn echoes_alone(text: &str, sent: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line == sent
    })
}
