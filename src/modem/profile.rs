//! What is known of a modem family, as data: `hardware/modems/*.yaml`.
//!
//! A profile says how a modem is set up, recognised, dialed and hung up, and which of its words and wires mark which
//! instant. The simulated exchange plays the same profiles turned round.

mod problems;

use std::collections::BTreeMap;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer};

use super::connect::ConnectNumber;

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
    /// `ATDT<number>;` is answered OK when the digits are out, and a bare `ATD` lets call progress begin \[WESTERMO].
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
                let Long { send, optional, gives, pause } =
                    Long::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(SetupLine { send, optional, gives, pause })
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

#[cfg(test)]
mod tests;
