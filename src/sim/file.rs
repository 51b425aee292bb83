//! An exchange file as people write it: `hardware/exchanges/*.yaml`, with its defaults and its checks.
//!
//! What the words do is told in [`super::exchange`], [`super::console`] and [`super::fault`]. All spans are those of a
//! real telephone network; `pace` shortens them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::model::span;
use crate::model::{Hostname, LineId, ModemId, PhoneNumber, TrunkName};

use super::fault::{FaultEntry, Range};

/// Most characters that a word of an exchange file (a banner, a text to say) may have.
const TEXT_LEN_MAX: usize = 4096;

/// A simulated exchange: modems on our side, lines on the other, and what goes wrong between them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeFile {
    /// The exchange's name.
    pub exchange: String,
    /// For people.
    #[serde(default)]
    pub about: String,
    /// Where all chance comes from: the same seed gives the same run.
    #[serde(default)]
    pub seed: u64,
    /// All spans of the exchange are multiplied with it; `0.05` rings twenty times as fast as a real network. Guard
    /// times of modems and time-outs of consoles stay as they are.
    #[serde(default = "one")]
    pub pace: f64,
    /// Where our modems stand, which decides what a dialed string means.
    #[serde(default)]
    pub location: Location,
    /// Spans of the network, unless a line has its own.
    #[serde(default)]
    pub timing: Timing,
    /// Groups of our modems that share outside lines; a modem that finds none free has no dial tone.
    #[serde(default)]
    pub trunks: BTreeMap<TrunkName, TrunkEntry>,
    /// Our modems.
    pub modems: Vec<ModemEntry>,
    /// The lines that can be reached.
    #[serde(default)]
    pub lines: Vec<LineEntry>,
    /// What goes wrong; the first rule that fits a call wins, and comes before a line's own `fault`.
    #[serde(default)]
    pub rules: Vec<RuleEntry>,
}

fn one() -> f64 {
    1.0
}

/// How digits are read at our end: the reverse of a numbering plan.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Location {
    /// Country calling code.
    pub country_code: String,
    /// Area code; numbers may be dialed without it. Empty where there is none.
    pub area_code: String,
    /// Digits in front of a national number.
    pub trunk: String,
    /// Digits in front of an international number.
    pub international: String,
    /// Digits that reach an outside line; they are taken off if present.
    pub outside: String,
}

impl Default for Location {
    fn default() -> Self {
        Self {
            country_code: "1".to_owned(),
            area_code: "919".to_owned(),
            trunk: "1".to_owned(),
            international: "011".to_owned(),
            outside: String::new(),
        }
    }
}

/// Ringing: on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cadence {
    /// Length of a burst.
    #[serde(with = "span")]
    pub on: Duration,
    /// Silence between two.
    #[serde(with = "span")]
    pub off: Duration,
}

/// The network's spans; the defaults are those of modems.md 6 for the United States.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// Until dial tone is recognised; 800 ms.
    #[serde(with = "span")]
    pub dial_tone: Duration,
    /// One digit with its gap; 190 ms.
    #[serde(with = "span")]
    pub digit: Duration,
    /// Last digit to first ring, or to the busy tone; 2.5 s.
    #[serde(with = "span")]
    pub setup: Duration,
    /// Ring cadence; 2 s on, 4 s off.
    pub ring: Cadence,
    /// Until a busy or reorder tone is recognised; 2.5 s.
    #[serde(with = "span")]
    pub tone: Duration,
    /// Answer to carrier; 8 s.
    #[serde(with = "span")]
    pub train: Duration,
    /// Carrier to CONNECT; 1.2 s.
    #[serde(with = "span")]
    pub error_control: Duration,
    /// CONNECT to the first character of a console; 400 ms.
    #[serde(with = "span")]
    pub prompt: Duration,
    /// A console's thinking time; 50 ms.
    #[serde(with = "span")]
    pub think: Duration,
    /// A modem's own time to answer a command line; 0.
    #[serde(with = "span")]
    pub reply: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            dial_tone: ms(800),
            digit: ms(190),
            setup: ms(2500),
            ring: Cadence { on: ms(2000), off: ms(4000) },
            tone: ms(2500),
            train: ms(8000),
            error_control: ms(1200),
            prompt: ms(400),
            think: ms(50),
            reply: Duration::ZERO,
        }
    }
}

/// Outside lines that modems share.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkEntry {
    /// How many there are.
    pub lines: u32,
}

/// One of our modems.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModemEntry {
    /// Its id, which is also the name of its port in the exchange's folder.
    pub id: ModemId,
    /// The profile whose reverse it plays.
    pub profile: String,
    /// Its command set, where the profile's name does not tell.
    #[serde(default)]
    pub firmware: Option<Firmware>,
    /// Its answers to `ATI`, `ATI3`, `+GMI`, `+GMM`, by that name, where they shall differ.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    /// The outside lines that it shares; left out, it has one of its own.
    #[serde(default)]
    pub trunk: Option<TrunkName>,
    /// It prints RINGING once a call, not once a burst.
    #[serde(default)]
    pub ringing_once: bool,
    /// Its redial lock.
    #[serde(default)]
    pub redial: Option<RedialEntry>,
    /// What is wrong with it.
    #[serde(default)]
    pub fault: Option<FaultEntry>,
}

/// A redial lock as regulators want it (modems.md 5.1).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedialEntry {
    /// Failed calls to one number before it is locked.
    pub failures: u32,
    /// How long the lock holds, at the exchange's pace.
    #[serde(with = "span")]
    pub lock: Duration,
    /// It says `DELAYED`; else `BLACKLISTED`.
    #[serde(default)]
    pub delayed: bool,
}

/// A command set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// US Robotics: `&A`, RINGING, `CONNECT 33600/ARQ/V34/LAPM/V42BIS`.
    Usr,
    /// Rockwell and old Conexant: W, S95, `CARRIER`, `PROTOCOL`, `COMPRESSION`.
    Rockwell,
    /// V.250 forms: `+MCR`, `+MRR`, `+ER`, `+DR`.
    V250,
    /// The Hayes minimum: CONNECT and nothing before it.
    Hayes,
}

/// A line that can be reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineEntry {
    /// Its id: in the log, and what rules name.
    pub id: LineId,
    /// Its number.
    pub number: PhoneNumber,
    /// Bursts before it answers.
    #[serde(default = "one_ring")]
    pub rings: u32,
    /// Its own span from last digit to first ring.
    #[serde(default, deserialize_with = "some_span")]
    pub setup: Option<Duration>,
    /// Its own ring cadence.
    #[serde(default)]
    pub ring: Option<Cadence>,
    /// Its own span from answer to carrier.
    #[serde(default, deserialize_with = "some_span")]
    pub train: Option<Duration>,
    /// Its own span from carrier to CONNECT.
    #[serde(default, deserialize_with = "some_span")]
    pub error_control: Option<Duration>,
    /// What the modems agree upon.
    #[serde(default)]
    pub link: LinkEntry,
    /// What speaks behind it.
    #[serde(default)]
    pub console: ConsoleKind,
    /// The host's name.
    #[serde(default)]
    pub hostname: Option<Hostname>,
    /// Who may log in; without it the console asks for a password alone.
    #[serde(default)]
    pub username: Option<String>,
    /// The password; without it the console asks for none.
    #[serde(default)]
    pub password: Option<String>,
    /// Said before the login prompt, in place of the family's own banner.
    #[serde(default)]
    pub banner: Option<String>,
    /// The console says nothing before it has seen a CR.
    #[serde(default)]
    pub wake: bool,
    /// Syslog lines come in the middle of the dialog.
    #[serde(default)]
    pub syslog: bool,
    /// What follows a logout, where the family's own way is not wanted.
    #[serde(default)]
    pub after_logout: Option<AfterLogout>,
    /// A login that is not completed in this time ends the session; not shortened by `pace`.
    #[serde(default, deserialize_with = "some_span")]
    pub login_limit: Option<Duration>,
    /// A program that answers in place of a console: run on a pty of its own, started anew for each call.
    #[serde(default)]
    pub exec: Option<Vec<String>>,
    /// The name of a second pty in the exchange's folder: an answering modem, for a program such as mgetty.
    #[serde(default)]
    pub answer_on: Option<ModemId>,
    /// What is wrong with the line.
    #[serde(default)]
    pub fault: Option<FaultEntry>,
}

fn one_ring() -> u32 {
    1
}

/// What two modems agree upon; the words are those that modems print.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkEntry {
    /// `V34`, `V32B`, `V22B`.
    pub modulation: String,
    /// Line rate from us, bit/s.
    pub tx: u32,
    /// Line rate to us, bit/s; as `tx` if left out.
    pub rx: Option<u32>,
    /// `LAPM`, `MNP`, `NONE`.
    pub protocol: String,
    /// `V42B`, `V44`, `MNP5`, `NONE`.
    pub compression: String,
    /// Retrains that its diagnostics tell after the call.
    pub retrains: u32,
    /// Block errors that its diagnostics tell after the call.
    pub block_errors: u32,
    /// Signal-to-noise ratio that its diagnostics tell, dB.
    pub snr: u32,
}

impl Default for LinkEntry {
    fn default() -> Self {
        Self {
            modulation: "V34".to_owned(),
            tx: 33_600,
            rx: None,
            protocol: "LAPM".to_owned(),
            compression: "V42B".to_owned(),
            retrains: 0,
            block_errors: 0,
            snr: 34,
        }
    }
}

/// What speaks behind a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsoleKind {
    /// Nothing at all.
    #[default]
    None,
    /// Cisco IOS.
    CiscoIos,
    /// Cisco NX-OS.
    CiscoNxos,
    /// A Linux getty and shell.
    Linux,
    /// Junos.
    Junos,
    /// HP ProCurve: it draws, wants a key first, and asks at the logout.
    HpProcurve,
    /// The same with its menu in place of the command line.
    HpProcurveMenu,
    /// Something with `login:` and `Password:`.
    Generic,
}

/// What follows a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterLogout {
    /// The login prompt, and the carrier stays.
    Prompt,
    /// A line that asks for RETURN; the login prompt after it.
    Return,
    /// The carrier drops.
    Drop,
}

/// A rule of what goes wrong. All conditions that are given must hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleEntry {
    /// Its name: in the log, and the root of its chance.
    pub name: String,
    /// This line.
    #[serde(default)]
    pub line: Option<LineId>,
    /// Numbers that begin so, written in E.164.
    #[serde(default)]
    pub number: Option<String>,
    /// This modem.
    #[serde(default)]
    pub modem: Option<ModemId>,
    /// The line's n-th calls: `1`, `2-4`, `3-`.
    #[serde(default)]
    pub attempt: Option<Range>,
    /// The modem's n-th calls: `1`, `2-4`, `3-`.
    #[serde(default)]
    pub call: Option<Range>,
    /// It fires by chance, 0 to 1.
    #[serde(default)]
    pub probability: Option<f64>,
    /// It fires so often at most; whom it meets, the order of the calls decides.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    pub fault: FaultEntry,
}

/// A span that may be left out.
pub(super) fn some_span<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    span::deserialize(d).map(Some)
}

/// Takes a name; where it is taken already, whose it is.
fn taken<'a, P: Clone>(names: &mut BTreeMap<&'a str, P>, name: &'a str, place: P) -> Option<P> {
    match names.entry(name) {
        Entry::Occupied(first) => Some(first.get().clone()),
        Entry::Vacant(free) => {
            free.insert(place);
            None
        }
    }
}

impl ExchangeFile {
    /// All that is wrong with it: key path, and what would be right.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut say = |key: String, what: String| found.push((key, what));
        if !(self.pace.is_finite() && self.pace > 0.0 && self.pace <= 100.0) {
            say(
                "pace".into(),
                format!("is {}; a factor above 0 and up to 100 is meant, 1 for real time", self.pace),
            );
        }
        if self.exchange.is_empty() || self.exchange.contains(char::is_control) {
            say("exchange".into(), "is no name; write `exchange: NAME`".into());
        }
        if self.modems.is_empty() {
            say("modems".into(), "is empty; an exchange has at least one modem".into());
        }
        for (key, digits) in [
            ("country_code", &self.location.country_code),
            ("area_code", &self.location.area_code),
            ("trunk", &self.location.trunk),
            ("international", &self.location.international),
            ("outside", &self.location.outside),
        ] {
            if !digits.chars().all(|c| c.is_ascii_digit()) {
                say(format!("location.{key}"), format!("is `{digits}`; digits alone are meant"));
            }
        }
        if self.timing.ring.on.is_zero() {
            say("timing.ring.on".into(), "is 0; a burst has a length".into());
        }
        let mut ports: BTreeMap<&str, String> = BTreeMap::new();
        for (i, modem) in self.modems.iter().enumerate() {
            if let Some(first) = taken(&mut ports, modem.id.as_str(), format!("modems[{i}].id")) {
                say(format!("modems[{i}].id"), format!("`{}` is taken by {first}", modem.id));
            }
            if let Some(trunk) = &modem.trunk
                && !self.trunks.contains_key(trunk)
            {
                say(format!("modems[{i}].trunk"), format!("`{trunk}` is not among `trunks`"));
            }
            for name in modem.answers.keys() {
                if !["ATI", "ATI3", "+GMI", "+GMM"].contains(&name.as_str()) {
                    say(
                        format!("modems[{i}].answers"),
                        format!("`{name}` is no question; ATI, ATI3, +GMI, +GMM are"),
                    );
                }
            }
            if let Some(fault) = &modem.fault {
                for what in fault.problems() {
                    say(format!("modems[{i}].fault"), what);
                }
                if !fault.kind.is_of_modem() {
                    say(
                        format!("modems[{i}].fault.kind"),
                        format!(
                            "`{}` happens to a line; write it as a line's `fault` or as a rule",
                            fault.kind
                        ),
                    );
                }
            }
        }
        let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, line) in self.lines.iter().enumerate() {
            if let Some(first) = taken(&mut ids, line.id.as_str(), i) {
                say(format!("lines[{i}].id"), format!("`{}` is taken by lines[{first}]", line.id));
            }
            if let Some(first) = taken(&mut numbers, line.number.as_str(), i) {
                say(format!("lines[{i}].number"), format!("`{}` is taken by lines[{first}]", line.number));
            }
            if let Some(port) = &line.answer_on
                && let Some(first) = taken(&mut ports, port.as_str(), format!("lines[{i}].answer_on"))
            {
                say(format!("lines[{i}].answer_on"), format!("`{port}` is taken by {first}"));
            }
            let ends = usize::from(line.console != ConsoleKind::None)
                + usize::from(line.exec.is_some())
                + usize::from(line.answer_on.is_some());
            if ends > 1 {
                say(format!("lines[{i}]"), "has more than one of `console`, `exec` and `answer_on`".into());
            }
            if line.exec.as_ref().is_some_and(|argv| argv.first().is_none_or(String::is_empty)) {
                say(
                    format!("lines[{i}].exec"),
                    "names no program; write `[/path/to/program, argument]`".into(),
                );
            }
            if line.rings == 0 {
                say(format!("lines[{i}].rings"), "is 0; a line rings at least once before it answers".into());
            }
            if line.banner.as_ref().is_some_and(|b| b.len() > TEXT_LEN_MAX) {
                say(format!("lines[{i}].banner"), format!("is longer than {TEXT_LEN_MAX} bytes"));
            }
            if let Some(fault) = &line.fault {
                for what in fault.problems() {
                    say(format!("lines[{i}].fault"), what);
                }
                if fault.kind.is_of_console() && line.console == ConsoleKind::None {
                    say(
                        format!("lines[{i}].fault.kind"),
                        format!("`{}` happens at a console, and this line has none", fault.kind),
                    );
                }
                if fault.kind.is_of_modem() {
                    say(
                        format!("lines[{i}].fault.kind"),
                        format!(
                            "`{}` happens to a modem; write it as a modem's `fault` or as a rule",
                            fault.kind
                        ),
                    );
                }
            }
        }
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, rule) in self.rules.iter().enumerate() {
            if let Some(first) = taken(&mut names, rule.name.as_str(), i) {
                say(format!("rules[{i}].name"), format!("`{}` is taken by rules[{first}]", rule.name));
            }
            if let Some(line) = &rule.line
                && !ids.contains_key(line.as_str())
            {
                say(format!("rules[{i}].line"), format!("`{line}` is no line of this exchange"));
            }
            if let Some(modem) = &rule.modem
                && !self.modems.iter().any(|m| m.id == *modem)
            {
                say(format!("rules[{i}].modem"), format!("`{modem}` is no modem of this exchange"));
            }
            if let Some(number) = &rule.number
                && !(number.starts_with('+') && number[1..].chars().all(|c| c.is_ascii_digit()))
            {
                say(
                    format!("rules[{i}].number"),
                    format!("is `{number}`; `+` and the first digits are meant"),
                );
            }
            if rule.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
                say(format!("rules[{i}].probability"), "is outside 0 to 1".into());
            }
            if rule.fault.kind.is_of_modem() && (rule.line.is_some() || rule.number.is_some()) {
                say(
                    format!("rules[{i}]"),
                    format!(
                        "`{}` happens to a modem before a line is known; name a modem alone",
                        rule.fault.kind
                    ),
                );
            }
            for what in rule.fault.problems() {
                say(format!("rules[{i}].fault"), what);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
