//! What is known of a modem family, as data: `hardware/modems/*.yaml`.
//!
//! A profile says how a modem is set up, recognised, dialed and hung up, and which of its words and wires mark which
//! instant. The simulated exchange plays the same profiles turned round.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer};

use super::connect::ConnectNumber;
use super::result_code::ResultCode;

/// Longest set-up line in characters, `AT` included (modems.md 1.1: many modems take no more than 40).
pub const SETUP_LINE_LEN_MAX: usize = 39;

/// Largest compiled pattern in bytes: a profile may come from anybody.
const REGEX_SIZE_MAX: usize = 1 << 20;

/// Longest rest of any kind that a profile may ask for.
const REST_MAX: Duration = Duration::from_secs(10);

/// A modem family.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name: that of its file, and what a bank's `profile:` says.
    pub profile: String,
    /// The family, for people.
    #[serde(default)]
    pub about: String,
    /// How `profile: auto` recognises it; the first rule that fits wins, over all profiles in the order of their names.
    #[serde(default, rename = "match")]
    pub rules: Vec<MatchRule>,
    /// The set-up, line by line.
    #[serde(default)]
    pub setup: Vec<SetupLine>,
    /// The dial command in front of the dial string: `ATDT`, `ATDP`, `ATD`.
    #[serde(default = "default_dial")]
    pub dial: String,
    /// Its set-up asks for error control (or its factory settings do), so that a link without it is a bad one. To be said
    /// only where it is known.
    #[serde(default)]
    pub asks_error_control: bool,
    /// Which word or wire marks which instant.
    #[serde(default)]
    pub marks: Marks,
    /// What its ambiguous words mean.
    #[serde(default)]
    pub words: Words,
    /// Ways to hang up, in the order in which they are tried.
    #[serde(default = "default_hangup")]
    pub hangup: Vec<HangupWay>,
    /// What it can be asked about the call that is just over, in this order.
    #[serde(default)]
    pub diagnostics: Vec<Report>,
    /// What has to be known to live with it.
    #[serde(default)]
    pub quirks: Quirks,
    /// What its numeric results beyond the common ones mean, in words; needed only with `quirks.numeric`.
    #[serde(default)]
    pub numbers: BTreeMap<u16, String>,
}

fn default_dial() -> String {
    "ATDT".to_owned()
}

fn default_hangup() -> Vec<HangupWay> {
    vec![HangupWay::Dtr, HangupWay::Escape, HangupWay::Reopen]
}

/// One rule of `match`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchRule {
    /// The question.
    pub ask: Question,
    /// What one line of the answer must match.
    #[serde(deserialize_with = "regex_from_text")]
    pub answer: Regex,
    /// It fits many families, so it is tried only after the rules of all profiles that are not weak.
    #[serde(default)]
    pub weak: bool,
}

/// What `auto` may ask of a modem that has not told who it is: never an S register (modems.md 3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Question {
    /// `ATI`: product code.
    #[serde(rename = "ATI")]
    I,
    /// `ATI3`: maker or firmware.
    #[serde(rename = "ATI3")]
    I3,
    /// `AT+GMI`: maker.
    #[serde(rename = "+GMI")]
    Maker,
    /// `AT+GMM`: model.
    #[serde(rename = "+GMM")]
    Model,
    /// `AT+GSN`: serial number, where a modem has one to tell (UNSURE on most).
    #[serde(rename = "+GSN")]
    Serial,
}

impl Question {
    /// What a family is known by, in the order in which it is asked.
    pub const FAMILY: [Self; 4] = [Self::I, Self::I3, Self::Maker, Self::Model];
    /// What a single modem is known by: the same, and its serial number.
    pub const MODEM: [Self; 5] = [Self::I, Self::I3, Self::Maker, Self::Model, Self::Serial];

    /// The command line, without its CR.
    pub const fn command(self) -> &'static str {
        match self {
            Self::I => "ATI",
            Self::I3 => "ATI3",
            Self::Maker => "AT+GMI",
            Self::Model => "AT+GMM",
            Self::Serial => "AT+GSN",
        }
    }
}

/// A report on the last call (modems.md 3). How each is read is `modem::diagnostics`'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Report {
    /// `ATI6`: US Robotics' link report.
    #[serde(rename = "ATI6")]
    I6,
    /// `ATI11`: US Robotics' line report; the last-connection report of soft modems.
    #[serde(rename = "ATI11")]
    I11,
    /// `AT&V1`: Rockwell's last-call report.
    #[serde(rename = "AT&V1")]
    V1,
    /// `AT#UD`: Unimodem's diagnostics.
    #[serde(rename = "AT#UD")]
    Ud,
    /// `ATS86?`: the first event behind a NO CARRIER.
    #[serde(rename = "ATS86?")]
    S86,
    /// `AT%L`: received level.
    #[serde(rename = "AT%L")]
    Level,
    /// `AT%Q`: line quality.
    #[serde(rename = "AT%Q")]
    Quality,
}

impl Report {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::I6, Self::I11, Self::V1, Self::Ud, Self::S86, Self::Level, Self::Quality];

    /// The command line, without its CR.
    pub const fn command(self) -> &'static str {
        match self {
            Self::I6 => "ATI6",
            Self::I11 => "ATI11",
            Self::V1 => "AT&V1",
            Self::Ud => "AT#UD",
            Self::S86 => "ATS86?",
            Self::Level => "AT%L",
            Self::Quality => "AT%Q",
        }
    }

    /// Its name in keys of a journal.
    pub const fn key(self) -> &'static str {
        match self {
            Self::I6 => "ati6",
            Self::I11 => "ati11",
            Self::V1 => "at-v1",
            Self::Ud => "ud",
            Self::S86 => "s86",
            Self::Level => "level",
            Self::Quality => "quality",
        }
    }

    /// Whether its answer is three digits, which a modem that speaks in numbers says for a result code as well.
    const fn is_number(self) -> bool {
        matches!(self, Self::S86 | Self::Level | Self::Quality)
    }
}

/// One line of the set-up. Written `AT&F`, or `{ send: AT+MR=1, optional: true, pause: 3s }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupLine {
    /// The command line, `AT` included, without its CR.
    pub send: String,
    /// ERROR means "not here" and is no fault.
    pub optional: bool,
    /// Marks that this line turns on: where it was refused, and no other line gives them, the modem has them not.
    pub gives: Vec<MarkName>,
    /// Rest after its OK, beyond the profile's settle time (ATZ needs seconds on some modems, modems.md 4).
    pub pause: Duration,
}

/// A mark, as a set-up line's `gives` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkName {
    /// [`Marks::ringing`].
    Ringing,
    /// [`Marks::answered`].
    Answered,
    /// The lines of [`Marks::carrier`]; a wire is not turned on by a command of its own.
    Carrier,
}

/// Which word or wire marks which instant (modems.md 2.2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// It prints RINGING when it hears ringback.
    #[serde(default)]
    pub ringing: bool,
    /// It prints RINGING at every burst, or once a call; left out where that is not known, as it is for every vendor
    /// (modems.md 2.2). One that is heard to print more than one is known from then on.
    #[serde(default)]
    pub ringing_repeats: Option<bool>,
    /// What marks the end of dialing.
    #[serde(default)]
    pub digits_sent: Option<DigitsMark>,
    /// What marks the answer.
    #[serde(default)]
    pub answered: Option<AnswerMark>,
    /// What marks the end of training; several may, the first to come counts.
    #[serde(default)]
    pub carrier: Vec<CarrierMark>,
}

/// What marks the end of dialing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigitsMark {
    /// `ATDT<number>;` is answered OK when the digits are out, and a bare `ATD` lets call progress begin [WESTERMO].
    Held,
    /// The same, on a modem that was seen to do it.
    #[serde(skip)]
    HeldProven,
}

/// What marks the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerMark {
    /// DSR rises when answer tone is heard (`&S1` on Rockwell).
    Dsr,
}

/// What marks the end of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CarrierMark {
    /// A line: `CARRIER n`, `+MCR`, `+MRR`.
    Line,
    /// DCD rises at carrier, before error control.
    Dcd,
}

/// What a family's ambiguous words mean (modems.md 0.6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// `NO ANSWER` is said only after ringback went on until S7 ran out (Rockwell).
    #[serde(default)]
    pub no_answer_means_ringback: bool,
    /// Whose rate the number behind CONNECT is; left out where it is not known.
    #[serde(default)]
    pub connect_number: Option<ConnectNumber>,
}

/// A way to hang up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HangupWay {
    /// Drop DTR (`&D2`).
    Dtr,
    /// `+++` within its guard times, then ATH.
    Escape,
    /// Close the port with HUPCL and open it again.
    Reopen,
}

/// What has to be known to live with a family (modems.md 4).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// Rest after each OK before the next command.
    #[serde(with = "crate::model::span")]
    pub settle: Duration,
    /// Rest after the port was opened or DTR raised before the first command.
    #[serde(with = "crate::model::span")]
    pub open_delay: Duration,
    /// How long DTR stays low for a hang-up.
    #[serde(with = "crate::model::span")]
    pub dtr_low: Duration,
    /// Guard time around `+++` (S12).
    #[serde(with = "crate::model::span")]
    pub escape_guard: Duration,
    /// It answers with numbers whatever V says.
    pub numeric: bool,
    /// It may print its lines about the link (`PROTOCOL: ...`) behind CONNECT, where the console's text begins.
    pub link_lines_after_connect: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            settle: Duration::ZERO,
            open_delay: Duration::ZERO,
            dtr_low: Duration::from_millis(500),
            escape_guard: Duration::from_millis(1100),
            numeric: false,
            link_lines_after_connect: false,
        }
    }
}

fn regex_from_text<'de, D: Deserializer<'de>>(d: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(d)?;
    RegexBuilder::new(&text).size_limit(REGEX_SIZE_MAX).build().map_err(serde::de::Error::custom)
}

impl<'de> Deserialize<'de> for SetupLine {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        /// The long form.
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            send: String,
            #[serde(default)]
            optional: bool,
            #[serde(default, with = "crate::model::span")]
            pause: Duration,
            #[serde(default)]
            gives: Vec<MarkName>,
        }

        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = SetupLine;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "a command line such as `AT&F`, or `{ send: AT+MR=1, optional: true, pause: 3s }`",
                )
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SetupLine, E> {
                Ok(SetupLine::plain(text))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<SetupLine, A::Error> {
                let Long { send, optional, pause, gives } =
                    Long::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(SetupLine { send, optional, pause, gives })
            }
        }

        d.deserialize_any(Visitor)
    }
}

impl SetupLine {
    /// A line that must be taken, and gives no mark.
    pub fn plain(send: &str) -> Self {
        Self { send: send.to_owned(), optional: false, pause: Duration::ZERO, gives: Vec::new() }
    }

    /// The value that it writes into an S register, if it does; of several the last.
    fn register(&self, register: u8) -> Option<u8> {
        let body: String = self.send.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_uppercase();
        let wanted = format!("S{register}=");
        // An extended command (`+MS=...`) reaches to its `;`, and holds no register.
        body.split(';').filter(|part| !part.contains('+')).fold(None, |found, part| {
            let value = part.rsplit_once(&wanted).and_then(|(_, rest)| {
                rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default().parse().ok()
            });
            value.or(found)
        })
    }
}

impl Profile {
    /// The value that the set-up leaves in an S register; absent where it does not write it.
    pub fn register(&self, register: u8) -> Option<u8> {
        self.setup.iter().rev().find_map(|line| line.register(register))
    }

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

impl MarkName {
    /// Its key under `marks`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Carrier => "carrier",
        }
    }
}

impl Marks {
    /// Whether a mark that a set-up line can give is there.
    fn has(&self, mark: MarkName) -> bool {
        match mark {
            MarkName::Ringing => self.ringing,
            MarkName::Answered => self.answered.is_some(),
            MarkName::Carrier => self.carrier.contains(&CarrierMark::Line),
        }
    }

    /// Takes such a mark away.
    pub(super) fn remove(&mut self, mark: MarkName) {
        match mark {
            MarkName::Ringing => (self.ringing, self.ringing_repeats) = (false, None),
            MarkName::Answered => self.answered = None,
            MarkName::Carrier => self.carrier.retain(|mark| *mark != CarrierMark::Line),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text.len() <= crate::model::id::NAME_LEN_MAX
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// What is wrong with a set-up line.
fn command_problems(line: &str) -> Vec<String> {
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

#[cfg(test)]
mod tests;
