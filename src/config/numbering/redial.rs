//! What a country's law asks of whoever dials one number again and again, as data: `redial:` of a numbering file.
//!
//! Read and checked here; kept by the fleet's scheduler, and `on_hook_min` by the bank. The figures and their sources
//! stand in the files (modems.md 5.1). A file without `redial:` knows of no such rule, and says so.

use std::time::Duration;

use serde::Deserialize;

use super::Complaints;
use crate::model::span;

/// Longest pause that a file may ask for; more is a slip, or a rule for another run.
const PAUSE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Longest rest on-hook that a file may ask for: every call waits for it.
const ON_HOOK_MAX: Duration = Duration::from_secs(600);

/// The law of the country that we dial from, for calls to one number one after the other. Only failed calls count; one
/// that succeeds ends the series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redial {
    /// Most calls in a series, the first one included; without it any number.
    pub attempts: Option<u32>,
    /// Most calls in a series in which each found a busy or congestion tone; without it `attempts` holds for those too.
    pub busy_attempts: Option<u32>,
    /// Least pause after the first failed call, after the second, and so on; the last one repeats. Empty: none.
    pub pauses: Vec<Duration>,
    /// Least rest on-hook between two calls of one modem, whatever their numbers.
    pub on_hook_min: Option<Duration>,
}

impl Redial {
    /// The least pause after this many failed calls in a row (from 1).
    pub fn pause_after(&self, failed: u32) -> Duration {
        let index = usize::try_from(failed.saturating_sub(1)).unwrap_or(usize::MAX);
        self.pauses.get(index).or(self.pauses.last()).copied().unwrap_or_default()
    }
}

/// `redial:` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RedialFile {
    attempts: Option<u32>,
    busy_attempts: Option<u32>,
    pauses: Vec<Option<String>>,
    on_hook_min: Option<String>,
}

impl RedialFile {
    pub(super) fn check(self, out: &mut Complaints) -> Redial {
        let mut wrong = |key: &str, what: String| out.push((format!("redial.{key}"), what));
        for (key, value) in [("attempts", self.attempts), ("busy_attempts", self.busy_attempts)] {
            if value == Some(0) {
                wrong(key, "is 0; then nothing could be dialed, leave it out for no limit".to_owned());
            }
        }
        if let (Some(attempts), Some(busy)) = (self.attempts, self.busy_attempts)
            && busy < attempts
        {
            wrong("busy_attempts", format!("is {busy}, under `attempts: {attempts}`; leave it out"));
        }
        let mut pauses = Vec::new();
        for (index, text) in self.pauses.iter().enumerate() {
            match text.as_deref().map_or_else(|| Err("is empty; write `2m`".to_owned()), span::parse) {
                Ok(pause) if pause <= PAUSE_MAX => pauses.push(pause),
                Ok(_) => wrong(&format!("pauses[{index}]"), "is over 24h; no run is so long".to_owned()),
                Err(what) => wrong(&format!("pauses[{index}]"), what),
            }
        }
        let on_hook_min = match self.on_hook_min.as_deref().map(span::parse) {
            Some(Ok(rest)) if rest > ON_HOOK_MAX => {
                wrong("on_hook_min", "is over 10m, and every call waits for it".to_owned());
                None
            }
            Some(Ok(rest)) if rest.is_zero() => {
                wrong("on_hook_min", "is 0; leave it out for no limit".to_owned());
                None
            }
            Some(Ok(rest)) => Some(rest),
            Some(Err(what)) => {
                wrong("on_hook_min", what);
                None
            }
            None => None,
        };
        let redial =
            Redial { attempts: self.attempts, busy_attempts: self.busy_attempts, pauses, on_hook_min };
        if redial == Redial::default() && self.pauses.is_empty() && self.on_hook_min.is_none() {
            out.push(("redial".to_owned(), "has no rule; leave it out where there is none".to_owned()));
        }
        redial
    }
}
