//! What Nagios, Icinga and their kin are told: states, one line of text, figures; and in `passive` and `status` the two
//! ways in which they get them.
//!
//! All text goes through [`plain`]: far ends write parts of it, and it ends in web pages and on command lines.

pub mod passive;
pub mod status;

use std::fmt::Write as _;

use super::cell;
use super::finding::Finding;
use crate::model::{Fault, PhaseTimes, Verdict};

/// What a check comes to. The numbers are the exit codes of monitoring plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It works.
    Ok = 0,
    /// It works, and something is wrong with it.
    Warning = 1,
    /// It does not.
    Critical = 2,
    /// Nobody knows.
    Unknown = 3,
}

impl Status {
    /// What a result is there.
    pub const fn of(result: Verdict) -> Self {
        match result {
            Verdict::Pass => Self::Ok,
            Verdict::Degraded => Self::Warning,
            Verdict::Fail => Self::Critical,
            Verdict::Untested => Self::Unknown,
        }
    }

    /// The exit code.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The word that stands before the text.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// How bad it is among several: a line of which nobody knows may be dead, a degraded one is known to work.
    pub const fn weight(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Unknown => 2,
            Self::Critical => 3,
        }
    }
}

/// Text that only shows itself, whatever reads it: one line; no `|`, `\`, `;`, `<`, `>` that would be marks to a monitor or
/// a browser; and, since notification commands hand it to a shell between quotes, no quotes and nothing that a shell expands.
pub fn plain(text: &str) -> String {
    let swap = |c| match c {
        '|' | '\\' => Some('/'),
        ';' => Some(','),
        '<' => Some('('),
        '>' => Some(')'),
        '&' => Some('+'),
        '~' => Some('-'),
        '`' | '"' | '\'' | '$' => None,
        c => Some(c),
    };
    cell::one_line(text).chars().filter_map(swap).collect()
}

/// A text's beginning, if it is longer than `bytes`; what was cut off shows as dots.
fn cut(text: &str, bytes: usize) -> String {
    const DOTS: &str = "...";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end =
        (0..=bytes.saturating_sub(DOTS.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}{DOTS}", &text[..end])
}

/// What was found of a line in a few words: `busy (far-line): busy in 2 calls, 187 s apart`; of a pass `pass`.
fn words(fault: Option<Fault>, detail: &str) -> String {
    let found =
        fault.map_or("pass".to_owned(), |fault| format!("{}: {fault} ({})", fault.verdict(), fault.blame()));
    if detail.is_empty() { found } else { format!("{found}: {}", plain(detail)) }
}

/// A figure for graphs: its label, its value, its unit.
#[derive(Debug, Clone, PartialEq)]
struct Figure {
    label: &'static str,
    value: String,
    unit: &'static str,
}

impl Figure {
    fn seconds(label: &'static str, ms: Option<u64>) -> Option<Self> {
        ms.map(|ms| Self { label, value: format!("{}.{:03}", ms / 1000, ms % 1000), unit: "s" })
    }

    fn count(label: &'static str, value: impl Into<u64>) -> Self {
        Self { label, value: value.into().to_string(), unit: "" }
    }
}

/// `ring=6.030s train=9.720s`: no thresholds, since the verdict is already made. What is not known is not there.
fn written(figures: &[Figure]) -> String {
    let mut out = String::new();
    for Figure { label, value, unit } in figures {
        let blank = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{blank}{label}={value}{unit}");
    }
    out
}

/// The figures of the call that decided what the run found of a line.
fn figures(finding: &Finding<'_>) -> Vec<Figure> {
    let mut all = vec![Figure::count("attempts", finding.verdict.attempts)];
    let Some(call) = finding.known.deciding() else { return all };
    let times = PhaseTimes::of(&call.timeline);
    all.extend(
        super::prometheus::phases(&times).into_iter().filter_map(|(name, ms)| Figure::seconds(name, ms)),
    );
    all.extend(Figure::seconds("dialed_to_connect", times.dialed_to_connect_ms));
    all.extend(Figure::seconds("total", times.total_ms));
    let rates = [("tx_bps", call.link.tx_bps), ("rx_bps", call.link.rx_bps)];
    all.extend(rates.into_iter().filter_map(|(label, bps)| bps.map(|bps| Figure::count(label, bps))));
    all
}

#[cfg(test)]
mod tests;
