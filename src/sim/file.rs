//! An exchange file as people write it: `hardware/exchanges/*.yaml`, with its defaults and its checks.
//!
//! What the words do is told in [`super::exchange`], [`super::console`] and [`super::fault`]. All spans are those of a
//! real telephone network; `pace` shortens them.

mod checks;
mod link;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::model::span;
use crate::model::{Hostname, LineId, ModemId, PhoneNumber, TrunkName};

use super::fault::{FaultEntry, Range};
pub use link::{LinkChange, LinkEntry};

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
    /// Codes that choose a carrier which works from here, in front of a whole national or international number. Behind any
    /// other code there is nobody.
    pub carriers: Vec<String>,
}

impl Default for Location {
    fn default() -> Self {
        Self {
            country_code: "1".to_owned(),
            area_code: "919".to_owned(),
            trunk: "1".to_owned(),
            international: "011".to_owned(),
            outside: String::new(),
            carriers: Vec::new(),
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
    /// Its answers to questions such as `ATI` and `+GMI`, by that name, where they shall differ: another maker's, another
    /// serial number, or those of the modem that was expected on the next port.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    /// Commands of its family that it does not know all the same: ERROR to lines that hold one of these texts.
    #[serde(default)]
    pub refuses: Vec<String>,
    /// Its own number: it can be called, by the other modems here too.
    #[serde(default)]
    pub number: Option<PhoneNumber>,
    /// When DCD rises under `&C1`; which one a vendor does is not known (modems.md 2.2). Left out, it is CONNECT, unless its
    /// profile takes DCD for the carrier.
    #[serde(default)]
    pub dcd: Option<DcdAt>,
    /// How it lays out `AT&V1`.
    #[serde(default)]
    pub report: ReportStyle,
    /// The outside lines that it shares; left out, it has one of its own.
    #[serde(default)]
    pub trunk: Option<TrunkName>,
    /// It prints RINGING once a call, not once a burst: no vendor tells which (modems.md 2.2).
    #[serde(default)]
    pub ringing_once: bool,
    /// Its redial lock.
    #[serde(default)]
    pub redial: Option<RedialEntry>,
    /// What is wrong with it.
    #[serde(default)]
    pub fault: Option<FaultEntry>,
}

/// When a modem raises DCD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DcdAt {
    /// When training is over.
    Carrier,
    /// With CONNECT.
    Connect,
}

/// How `AT&V1` is laid out (modems.md 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportStyle {
    /// `LAST TX rate................ 26400 BPS`.
    #[default]
    Dots,
    /// `LAST TX rate 26400 BIT/S`.
    Plain,
}

/// A redial lock as regulators want it (modems.md 5.1). What is said at it is the family's own word.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedialEntry {
    /// Failed calls to one number before it is locked.
    pub failures: u32,
    /// How long the lock holds, at the exchange's pace.
    #[serde(with = "span")]
    pub lock: Duration,
    /// It says `DELAYED hh:mm:ss`, where its family has both; else `BLACKLISTED`.
    #[serde(default)]
    pub delayed: bool,
    /// Numbers that its list holds; then every new one is refused. For ever enough if left out.
    #[serde(default)]
    pub list: Option<usize>,
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
    /// Silicon Laboratories: RINGING at X5, `\V`, a blacklist of its own.
    Si24xx,
    /// ZyXEL: RINGING, `CONNECT 115200/V.34 33600/V.42bis`.
    Zyxel,
    /// Multi-Tech's old one: `CONNECT 33600 LAPM COMPRESSED`, and NO CARRIER for a forbidden number.
    Multitech,
    /// Lucent and Agere: protocol lines as Rockwell's, a report by `ATI11`.
    Lucent,
    /// Microcom: `CONNECT 33600/REL - LAPM`.
    Microcom,
    /// ELSA: `DIAL LOCKED`, and a reset when DTR rises.
    Elsa,
    /// A soft modem: `Modulation: V.34`, REORDER.
    Softmodem,
}

impl Firmware {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Usr,
        Self::Rockwell,
        Self::V250,
        Self::Hayes,
        Self::Si24xx,
        Self::Zyxel,
        Self::Multitech,
        Self::Lucent,
        Self::Microcom,
        Self::Elsa,
        Self::Softmodem,
    ];
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
    /// Its own span from the start of its last burst to its answer; left out, it answers early in the pause behind it.
    #[serde(default, deserialize_with = "some_span")]
    pub answer_after: Option<Duration>,
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
    /// The consoles behind it, where it is a console server.
    #[serde(default)]
    pub consoles: Vec<BehindEntry>,
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
    /// A console server with a menu of its ports.
    PortMenu,
    /// A console server with a command line, where ports have names.
    PortNames,
    /// Something with `login:` and `Password:`.
    Generic,
}

impl ConsoleKind {
    /// Consoles may stand behind it.
    pub const fn is_server(self) -> bool {
        matches!(self, Self::PortMenu | Self::PortNames)
    }
}

/// A console behind a console server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BehindEntry {
    /// What its port is called: a figure of the menu, a name of the command line.
    pub port: String,
    /// What speaks there.
    #[serde(default)]
    pub console: ConsoleKind,
    /// The host's name.
    #[serde(default)]
    pub hostname: Option<Hostname>,
    /// Said before the login prompt, in place of the family's own banner.
    #[serde(default)]
    pub banner: Option<String>,
    /// It asks for a password alone.
    #[serde(default)]
    pub password_only: bool,
    /// The server does not connect it, and says why.
    #[serde(default)]
    pub refuses: Option<Refusal>,
    /// The escape does nothing there: it goes through to the console.
    #[serde(default)]
    pub holds: bool,
    /// It shows what only its server should.
    #[serde(default)]
    pub fakes: Option<Fake>,
    /// What is wrong with it.
    #[serde(default)]
    pub fault: Option<FaultEntry>,
}

impl BehindEntry {
    /// As a line of its own, which sleeps until a CR comes.
    pub(super) fn as_line(&self, server: &LineEntry) -> LineEntry {
        LineEntry {
            console: self.console,
            hostname: self.hostname.clone(),
            username: (!self.password_only).then(|| "nobody".to_owned()),
            password: Some("nothing that anybody knows".to_owned()),
            banner: self.banner.clone(),
            wake: true,
            syslog: false,
            after_logout: None,
            login_limit: None,
            consoles: Vec::new(),
            exec: None,
            answer_on: None,
            fault: None,
            ..server.clone()
        }
    }
}

/// Why a port can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Somebody else has it.
    Busy,
    /// It is switched off, or nothing is plugged in.
    Off,
    /// There is no such port.
    Unknown,
    /// In words that nobody knows.
    Odd,
}

/// What a hostile console shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fake {
    /// The server's menu or prompt, at each CR.
    Menu,
    /// A refusal and the server's prompt, as soon as it is connected.
    Refusal,
    /// The server's prompt, when the escape comes through to it.
    Escape,
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

#[cfg(test)]
mod tests;
