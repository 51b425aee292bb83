//! What is wrong with a profile: all of it at once, told to whoever wrote the file.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Profile, REST_MAX, SETUP_LINE_LEN_MAX};
use crate::modem::result_code::ResultCode;

impl Profile {
    /// All that is wrong with it, as key path and sentence; empty for a sound one.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut add = |key: String, what: String| found.push((key, what));
        if !is_name(&self.profile) {
            add(
                "profile".to_owned(),
                format!("`{}` is no name; use letters, digits, `-`, `_` and `.`", self.profile),
            );
        }
        for (i, rule) in self.rules.iter().enumerate() {
            if rule.answer.is_match("") {
                add(
                    format!("match[{i}].answer"),
                    format!("`{}` fits every answer, an empty one too", rule.answer),
                );
            }
        }
        if self.setup.is_empty() {
            add("setup".to_owned(), "has no line; `[\"AT&F\", ATE0Q0V1X4]` is the least".to_owned());
        }
        for (i, line) in self.setup.iter().enumerate() {
            for what in command_problems(&line.send) {
                add(format!("setup[{i}].send"), what);
            }
            if line.pause > REST_MAX {
                add(format!("setup[{i}].pause"), format!("is longer than {} s", REST_MAX.as_secs()));
            }
            for mark in &line.gives {
                if !self.marks.has(*mark) {
                    let key = mark.key();
                    add(format!("setup[{i}].gives"), format!("gives `{key}`, which `marks` has not"));
                }
            }
        }
        if !["ATD", "ATDT", "ATDP"].iter().any(|dial| dial.eq_ignore_ascii_case(&self.dial)) {
            add("dial".to_owned(), format!("`{}` is none of `ATDT`, `ATDP`, `ATD`", self.dial));
        }
        let mut seen = BTreeSet::new();
        for (i, way) in self.hangup.iter().enumerate() {
            if !seen.insert(*way) {
                add(format!("hangup[{i}]"), "stands twice".to_owned());
            }
        }
        if self.marks.ringing_repeats.is_some() && !self.marks.ringing {
            add(
                "marks.ringing_repeats".to_owned(),
                "says how often a RINGING comes that `marks` has not".to_owned(),
            );
        }
        if self.hangup.is_empty() {
            add("hangup".to_owned(), "has no way; `[dtr, escape, reopen]` is usual".to_owned());
        }
        let mut asked = BTreeSet::new();
        for (i, report) in self.diagnostics.iter().enumerate() {
            if !asked.insert(*report) {
                add(format!("diagnostics[{i}]"), "stands twice".to_owned());
            }
            if self.quirks.numeric && report.is_number() {
                add(
                    format!("diagnostics[{i}]"),
                    format!(
                        "the answer to `{}` is a number, and with `quirks.numeric` it can't be told from a result",
                        report.command()
                    ),
                );
            }
        }
        for (key, rest, least) in [
            ("settle", self.quirks.settle, Duration::ZERO),
            ("open_delay", self.quirks.open_delay, Duration::ZERO),
            // S25 wants more than its 50 ms (modems.md 1.5).
            ("dtr_low", self.quirks.dtr_low, Duration::from_millis(75)),
            ("escape_guard", self.quirks.escape_guard, Duration::from_millis(20)),
        ] {
            if rest > REST_MAX || rest < least {
                add(
                    format!("quirks.{key}"),
                    format!(
                        "{} ms is not within {} ms and {} ms",
                        rest.as_millis(),
                        least.as_millis(),
                        REST_MAX.as_millis()
                    ),
                );
            }
        }
        for (number, word) in &self.numbers {
            if ResultCode::parse(word).is_none() {
                add(format!("numbers.{number}"), format!("`{word}` is no result code"));
            }
        }
        found
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text.len() <= crate::model::id::NAME_LEN_MAX
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// What is wrong with a set-up line.
pub(super) fn command_problems(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    if line.len() > SETUP_LINE_LEN_MAX {
        found.push(format!(
            "`{line}` has {} characters; many modems take no more than {SETUP_LINE_LEN_MAX}: split it",
            line.chars().count()
        ));
    }
    if let Some(bad) = line.chars().find(|c| !c.is_ascii_graphic() && *c != ' ') {
        found.push(format!("holds {bad:?}; a command line holds printable ASCII alone, its CR is added"));
    }
    let Some(body) = line.strip_prefix("AT").or_else(|| line.strip_prefix("at")) else {
        found.push(format!("`{line}` does not begin with `AT`"));
        return found;
    };
    for (prefix, letter, argument) in commands(body) {
        let why = match (prefix, letter, argument.as_str()) {
            (None, 'D', _) => "dials; a set-up must not",
            (None, 'A', _) => "answers a call; a set-up must not",
            (None, 'O', _) => "goes online; a set-up must not",
            (None, 'Q', "1" | "2") => "turns results off, and then nothing can be verified",
            (Some('&'), 'W' | 'Z', _) => "stores something in the modem for good; a set-up must not",
            _ => continue,
        };
        let shown = prefix.map(String::from).unwrap_or_default();
        found.push(format!("`{shown}{letter}{argument}` in `{line}` {why}"));
    }
    found
}

/// The commands of a line's body: prefix, letter in capitals, digits behind it. An extended command (`+MR=1`) reaches
/// to its `;`, and those of vendors that begin with `#` or `-` have names of several letters.
fn commands(body: &str) -> Vec<(Option<char>, char, String)> {
    let mut out = Vec::new();
    let mut chars = body.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).peekable();
    while let Some(c) = chars.next() {
        match c {
            '+' => while chars.next_if(|c| *c != ';').is_some() {},
            '#' | '-' => while chars.next_if(char::is_ascii_alphabetic).is_some() {},
            _ => {
                // `=`, `;` and the like stand between commands; a letter behind them is one of its own.
                let prefix = matches!(c, '&' | '%' | '\\' | '*' | '$' | ')').then_some(c);
                let letter =
                    if prefix.is_some() { chars.next_if(char::is_ascii_alphabetic) } else { Some(c) };
                if let Some(letter) = letter.filter(char::is_ascii_alphabetic) {
                    let mut argument = String::new();
                    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                        argument.push(digit);
                    }
                    out.push((prefix, letter, argument));
                }
            }
        }
    }
    out
}
