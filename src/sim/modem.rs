//! A modem's own side: command lines in, answers and wishes out. Pure.
//!
//! It knows V.250 command lines, its settings and the way it words things; what a wish (dial, hang up, answer) leads to
//! is the exchange's matter, which then tells the modem what to print. The facts are those of modems.md 1, 2 and 4.

mod command;
mod family;
mod last;
mod link;
mod report;
mod settings;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Mono;
use crate::modem::profile::Profile;

use super::file::{Firmware, LinkEntry, ModemEntry, ReportStyle};
pub(super) use family::Family;
use family::{LockWord, Report};
pub use last::{CallEnd, Heard, LastCall};
use settings::Settings;
pub use words::Reply;

/// Longest command line behind `AT` that it takes; the CX930xx have 50 at least, and longer ones are an ERROR.
pub const BODY_LEN_MAX: usize = 60;

/// What a modem asks of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// `D` with this string; `held` for the `;` form, which comes back to command state once the digits are out.
    Dial {
        /// What followed the `D`, without the `;`.
        text: String,
        /// The `;` form.
        held: bool,
    },
    /// A bare `D` after the `;` form: call progress begins.
    Proceed,
    /// A key was pressed while dialing or answering.
    Abort,
    /// On-hook, and why.
    HangUp(HangUpBy),
    /// `A`.
    Answer,
    /// Data for the far end.
    Data(Vec<u8>),
    /// Its redial lock shall forget all numbers.
    ForgetLocks,
    /// Its redial lock's list, to be printed.
    ListLocks,
}

/// What made a modem hang up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HangUpBy {
    /// DTR fell, or the port was closed.
    Dtr,
    /// `ATH`.
    Command,
    /// `ATZ`.
    Reset,
}

impl From<HangUpBy> for CallEnd {
    fn from(by: HangUpBy) -> Self {
        match by {
            HangUpBy::Dtr => Self::Dtr,
            HangUpBy::Command => Self::Command,
            HangUpBy::Reset => Self::Reset,
        }
    }
}

impl HangUpBy {
    /// The word for the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dtr => "dtr",
            Self::Command => "ath",
            Self::Reset => "atz",
        }
    }
}

/// Where a modem stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Command state, on-hook or (after the `;` form) off-hook.
    Command,
    /// A dial command runs: any key aborts it.
    Dialing,
    /// An answer command runs: any key aborts it.
    Answering,
    /// Data state.
    Online,
    /// Command state with the carrier up, after an escape.
    Escaped,
}

/// A simulated modem.
#[derive(Debug, Clone)]
pub struct SimModem {
    family: &'static Family,
    answers: BTreeMap<String, String>,
    refuses: Vec<String>,
    report: ReportStyle,
    set: Settings,
    mode: Mode,
    /// Off-hook in command state, after the `;` form.
    held: bool,
    /// Off-hook by `ATH1`.
    lifted: bool,
    /// The command line so far, `AT` included; `None` before an `A`.
    line: Option<Vec<u8>>,
    last_line: String,
    last_number: String,
    /// When the last byte for the far end came.
    data_at: Mono,
    escapes: u8,
    escape_due: Option<Mono>,
    out: Vec<u8>,
    wishes: Vec<Wish>,
    /// ERROR to command lines that hold this text; all do if it is empty.
    pub(super) setup_error: Option<String>,
    /// Nothing but the far end ends a call.
    pub(super) hangup_ignored: bool,
    /// What the diagnostics tell.
    pub(super) last_call: LastCall,
    /// `AT#UD` still has it: it is wiped by more than the others are (modems.md 3.3).
    unimodem: bool,
}

impl SimModem {
    /// A modem that plays `profile`.
    pub fn new(entry: &ModemEntry, profile: &Profile) -> Self {
        let family = Family::of(entry.firmware.unwrap_or_else(|| words::firmware_of(profile)));
        let mut answers = words::identity(family, profile);
        answers.extend(entry.answers.clone());
        Self { refuses: entry.refuses.clone(), report: entry.report, ..Self::with(family, answers) }
    }

    /// A plain modem for the answering side of a line.
    pub fn answering() -> Self {
        Self::with(Family::of(Firmware::Hayes), BTreeMap::new())
    }

    fn with(family: &'static Family, answers: BTreeMap<String, String>) -> Self {
        Self {
            family,
            answers,
            refuses: Vec::new(),
            report: ReportStyle::default(),
            set: Settings::factory(family),
            mode: Mode::Command,
            held: false,
            lifted: false,
            line: None,
            last_line: String::new(),
            last_number: String::new(),
            data_at: Mono::ZERO,
            escapes: 0,
            escape_due: None,
            out: Vec::new(),
            wishes: Vec::new(),
            setup_error: None,
            hangup_ignored: false,
            last_call: LastCall::default(),
            unimodem: false,
        }
    }

    /// Where it stands.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Its command set.
    pub const fn firmware(&self) -> Firmware {
        self.family.firmware
    }

    /// What is peculiar to its family.
    pub(super) const fn family(&self) -> &'static Family {
        self.family
    }

    /// Off-hook: who calls it finds it engaged.
    pub fn is_off_hook(&self) -> bool {
        self.mode != Mode::Command || self.held || self.lifted
    }

    /// It answers by itself after so many rings, with DTR high or low as its setting wants it.
    pub const fn answers_after(&self, dtr: bool) -> Option<u8> {
        let rings = self.set.s[0];
        // `&D2` and `&D3`: no auto-answer while DTR is low (modems.md 1.6).
        if rings == 0 || (!dtr && self.set.amp_d >= 2) { None } else { Some(rings) }
    }

    /// An S register.
    pub const fn register(&self, n: u8) -> u8 {
        self.set.s[n as usize]
    }

    /// DSR follows the answer tone (`&S1`).
    pub const fn dsr_follows(&self) -> bool {
        self.set.amp_s == 1
    }

    /// DCD follows the carrier (`&C1`).
    pub const fn dcd_follows(&self) -> bool {
        self.set.amp_c == 1
    }

    /// What it has printed since the last time.
    pub fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// What it has printed and not let out yet.
    pub fn peek_out(&self) -> &[u8] {
        &self.out
    }

    /// What it wants since the last time.
    pub fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// When it wants to be called again.
    pub const fn deadline(&self) -> Option<Mono> {
        self.escape_due
    }

    /// Bytes from the program that uses it.
    pub fn input(&mut self, now: Mono, bytes: &[u8]) {
        self.time(now);
        for &byte in bytes {
            match self.mode {
                Mode::Online => self.data_byte(now, byte),
                Mode::Dialing | Mode::Answering => {
                    self.on_hook();
                    self.wishes.push(Wish::Abort);
                }
                Mode::Command | Mode::Escaped => self.command_byte(now, byte),
            }
        }
    }

    /// Time has passed: a guard time may be over.
    pub fn time(&mut self, now: Mono) {
        if self.escape_due.is_some_and(|due| due <= now) {
            self.escape_due = None;
            self.escapes = 0;
            if self.mode == Mode::Online && !self.hangup_ignored {
                self.mode = Mode::Escaped;
                self.print(&Reply::Ok);
            }
        }
    }

    /// DTR fell, or the port was closed.
    pub fn dtr_dropped(&mut self) {
        self.line = None;
        if self.hangup_ignored {
            return;
        }
        match (self.set.amp_d, self.mode) {
            (1, Mode::Online) => self.mode = Mode::Escaped,
            (0 | 1, _) => {}
            (d, _) => {
                if self.mode != Mode::Command || self.held {
                    self.wishes.push(Wish::HangUp(HangUpBy::Dtr));
                }
                if d == 3 {
                    self.set = Settings::factory(self.family);
                    self.unimodem = false;
                }
                self.on_hook();
            }
        }
    }

    /// It was switched off and on, or resets itself: nothing is left of what it was told, or had to tell.
    pub fn restart(&mut self) {
        self.on_hook();
        self.line = None;
        self.out.clear();
        self.set = Settings::factory(self.family);
        self.last_call = LastCall::default();
        self.unimodem = false;
    }

    /// A call begins, ours or one that comes in: what the last one left is gone.
    pub(super) fn begins_call(&mut self, heard: Heard) {
        self.last_call = LastCall { heard, end: CallEnd::UnderWay, ..LastCall::default() };
        self.unimodem = true;
    }

    fn on_hook(&mut self) {
        self.mode = Mode::Command;
        self.held = false;
        self.lifted = false;
        self.escapes = 0;
        self.escape_due = None;
    }

    fn guard(&self) -> Duration {
        Duration::from_millis(u64::from(self.set.s[12]) * 20)
    }

    fn data_byte(&mut self, now: Mono, byte: u8) {
        let quiet = now.since(self.data_at) >= self.guard();
        self.data_at = now;
        self.escape_due = None;
        let is_escape = byte == self.set.s[2] && byte < 128;
        self.escapes = match (is_escape, self.escapes) {
            (true, 0) if quiet => 1,
            (true, n @ (1 | 2)) if !quiet => n + 1,
            _ => 0,
        };
        if self.escapes == 3 {
            self.escape_due = Some(now + self.guard());
        }
        match self.wishes.last_mut() {
            Some(Wish::Data(bytes)) => bytes.push(byte),
            _ => self.wishes.push(Wish::Data(vec![byte])),
        }
    }

    fn command_byte(&mut self, now: Mono, byte: u8) {
        let byte = byte & 0x7f;
        let (end, erase) = (self.set.s[3], self.set.s[5]);
        let Some(line) = &mut self.line else {
            if byte.eq_ignore_ascii_case(&b'A') {
                self.line = Some(vec![byte]);
                self.echo(&[byte]);
            }
            return;
        };
        if line.len() == 1 {
            // `AT` or `at`; mixed case is none (modems.md 1.1). `A/` acts at once.
            let first = line[0];
            if byte == b'/' {
                self.line = None;
                self.echo(b"/");
                let again = self.last_line.clone();
                self.execute(now, &again);
            } else if (first, byte) == (b'A', b'T') || (first, byte) == (b'a', b't') {
                line.push(byte);
                self.echo(&[byte]);
            } else if byte.eq_ignore_ascii_case(&b'A') {
                line[0] = byte;
                self.echo(&[byte]);
            } else {
                self.line = None;
            }
            return;
        }
        if byte == end {
            let body = String::from_utf8_lossy(&line[2..]).into_owned();
            let too_long = line.len() - 2 > BODY_LEN_MAX;
            self.line = None;
            self.echo(&[end]);
            if too_long {
                self.print(&Reply::Error);
                return;
            }
            self.last_line.clone_from(&body);
            self.execute(now, &body);
        } else if byte == erase {
            if line.len() > 2 {
                line.pop();
                self.echo(b"\x08 \x08");
            }
        } else if byte >= b' ' {
            // One more than allowed is kept, so that the end of the line knows.
            if line.len() <= 2 + BODY_LEN_MAX {
                line.push(byte);
            }
            self.echo(&[byte]);
        }
    }

    fn echo(&mut self, bytes: &[u8]) {
        if self.set.echo {
            self.out.extend_from_slice(bytes);
        }
    }

    /// It answers by itself, as ATA would.
    pub(super) fn answers_now(&mut self) {
        if self.mode == Mode::Command {
            self.mode = Mode::Answering;
        }
    }

    /// What the exchange reports of the call that it was asked for.
    pub fn digits_sent(&mut self) {
        if self.mode == Mode::Dialing {
            self.mode = Mode::Command;
            self.held = true;
            self.print(&Reply::Ok);
        }
    }

    /// Training is over.
    pub fn carrier(&mut self, link: &LinkEntry) {
        let text = link::carrier(self.family, &self.set, link);
        self.out.extend_from_slice(&text);
    }

    /// Error control and compression are settled.
    pub fn negotiated(&mut self, link: &LinkEntry) {
        let text = link::negotiated(self.family, &self.set, link);
        self.out.extend_from_slice(&text);
    }

    /// CONNECT: data state.
    pub fn connect(&mut self, now: Mono, link: &LinkEntry) {
        self.mode = Mode::Online;
        self.held = false;
        self.data_at = now;
        self.escapes = 0;
        self.last_call.link = Some(link.clone());
        let text = link::connect(self.family, &self.set, link);
        self.out.extend_from_slice(&text);
    }

    /// The call is over for another reason than a command: the final result, and on-hook.
    pub fn ended(&mut self, reply: &Reply) {
        self.on_hook();
        self.print(reply);
    }

    /// Prints a result code as the settings want it, or nothing where they hide it.
    pub fn print(&mut self, reply: &Reply) {
        let text = words::render(self.family, &self.set, reply);
        self.out.extend_from_slice(&text);
    }

    /// Whether its settings let it print this.
    pub fn shows(&self, reply: &Reply) -> bool {
        words::shows(self.family, &self.set, reply)
    }

    /// What it says when S7 runs out and ringback went on until then.
    pub fn no_answer(&self, waited_for_silence: bool) -> Reply {
        let said = self.family.no_answer_is_ringback || waited_for_silence;
        if said { Reply::NoAnswer } else { Reply::NoCarrier }
    }

    /// What it makes of a busy tone: with `@`, some sets lose it.
    pub fn busy(&self, waited_for_silence: bool) -> Reply {
        if self.family.quiet_hides_busy && waited_for_silence { Reply::NoCarrier } else { Reply::Busy }
    }

    /// What it says at its own redial lock, which holds for so many seconds more.
    pub fn locked(&self, seconds: u64, delayed: bool) -> Reply {
        match self.family.lock {
            LockWord::Blacklisted if delayed => Reply::Delayed(seconds),
            LockWord::Blacklisted => Reply::Blacklisted,
            LockWord::DialingDisabled => Reply::DialingDisabled,
            LockWord::DialLocked => Reply::DialLocked,
            LockWord::NoCarrier => Reply::NoCarrier,
        }
    }

    /// Its own redial lock, where registers rule it: failures before a number is locked, and for how many seconds.
    pub const fn own_lock(&self) -> Option<(u32, u64)> {
        let on = matches!(self.family.firmware, Firmware::Si24xx) && self.set.s[42] == 1;
        if on { Some((self.set.s[43] as u32, self.set.s[44] as u64)) } else { None }
    }

    /// How it takes a missing dial tone: it listens for one at all, and how many seconds for. `W` in front makes it
    /// listen; without, X decides (modems.md 1.4, 1.6).
    pub fn listens_for_tone(&self, waits: bool) -> Option<u8> {
        let sees = self.family.x_no_dialtone.contains(&self.set.x);
        if waits && self.set.x >= self.family.tone_x {
            Some(self.set.s[usize::from(self.family.tone_register)].max(2))
        } else {
            // S6 of European builds.
            sees.then_some(4)
        }
    }

    /// Prints lines of information, as one block.
    pub(super) fn info_lines(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            self.info(&lines.join("\r\n"));
        }
    }

    fn info(&mut self, text: &str) {
        let line = if self.set.verbose { format!("\r\n{text}\r\n") } else { format!("{text}\r\n") };
        self.out.extend_from_slice(line.as_bytes());
    }
}

#[cfg(test)]
mod tests;
