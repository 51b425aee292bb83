//! A modem's own side: command lines in, answers and wishes out. Pure.
//!
//! It knows V.250 command lines, its settings and the way it words things; what a wish (dial, hang up, answer) leads to
//! is the exchange's matter, which then tells the modem what to print. The facts are those of modems.md 1, 2 and 4.

mod command;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Mono;
use crate::modem::profile::Profile;

use super::file::{Firmware, LinkEntry, ModemEntry};
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

/// What the last call was like, for the diagnostics.
#[derive(Debug, Clone, Default)]
pub struct LastCall {
    /// The link, if it came so far.
    pub link: Option<LinkEntry>,
    /// CONNECT to on-hook.
    pub duration: Duration,
    /// V.58 key 1: 1 no dial tone, 2 reorder, 3 busy, 4 nothing recognised, 5 voice, 7 answer tone.
    pub setup_result: u8,
    /// V.58 key 60.
    pub clear_cause: u8,
}

/// What a modem can be set to.
#[derive(Debug, Clone)]
struct Settings {
    echo: bool,
    quiet: bool,
    verbose: bool,
    x: u8,
    w: u8,
    amp_a: u8,
    amp_c: u8,
    amp_d: u8,
    amp_s: u8,
    mr: bool,
    er: bool,
    dr: bool,
    s: [u8; 256],
}

impl Settings {
    fn factory(firmware: Firmware) -> Self {
        let mut s = [0_u8; 256];
        for (register, value) in [
            (2, 43),
            (3, 13),
            (4, 10),
            (5, 8),
            (6, 2),
            (7, 50),
            (8, 2),
            (9, 6),
            (10, 14),
            (11, 95),
            (12, 50),
            (25, 5),
            (38, 20),
        ] {
            s[register] = value;
        }
        if firmware == Firmware::Usr {
            s[7] = 60;
        }
        let x = match firmware {
            Firmware::Usr => 7,
            Firmware::Rockwell | Firmware::V250 | Firmware::Hayes => 4,
        };
        Self {
            echo: true,
            quiet: false,
            verbose: true,
            x,
            w: 0,
            amp_a: if firmware == Firmware::Usr { 3 } else { 0 },
            amp_c: 1,
            amp_d: 2,
            amp_s: 0,
            mr: false,
            er: false,
            dr: false,
            s,
        }
    }
}

/// A simulated modem.
#[derive(Debug, Clone)]
pub struct SimModem {
    firmware: Firmware,
    answers: BTreeMap<String, String>,
    no_answer_word: bool,
    set: Settings,
    mode: Mode,
    /// Off-hook in command state, after the `;` form.
    held: bool,
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
}

impl SimModem {
    /// A modem that plays `profile`.
    pub fn new(entry: &ModemEntry, profile: &Profile) -> Self {
        let firmware = entry.firmware.unwrap_or_else(|| words::firmware_of(profile));
        let mut answers = words::identity(firmware, profile);
        answers.extend(entry.answers.clone());
        Self::with(firmware, answers, profile.words.no_answer_means_ringback)
    }

    /// A plain modem for the answering side of a line.
    pub fn answering() -> Self {
        Self::with(Firmware::Hayes, BTreeMap::new(), false)
    }

    fn with(firmware: Firmware, answers: BTreeMap<String, String>, no_answer_word: bool) -> Self {
        Self {
            firmware,
            answers,
            no_answer_word,
            set: Settings::factory(firmware),
            mode: Mode::Command,
            held: false,
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
        }
    }

    /// Where it stands.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Its command set.
    pub const fn firmware(&self) -> Firmware {
        self.firmware
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
                    self.mode = Mode::Command;
                    self.held = false;
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
                    self.set = Settings::factory(self.firmware);
                }
                self.on_hook();
            }
        }
    }

    fn on_hook(&mut self) {
        self.mode = Mode::Command;
        self.held = false;
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
        let text = words::carrier(self.firmware, &self.set, link);
        self.out.extend_from_slice(&text);
    }

    /// Error control and compression are settled.
    pub fn negotiated(&mut self, link: &LinkEntry) {
        let text = words::negotiated(self.firmware, &self.set, link);
        self.out.extend_from_slice(&text);
    }

    /// CONNECT: data state.
    pub fn connect(&mut self, now: Mono, link: &LinkEntry) {
        self.mode = Mode::Online;
        self.held = false;
        self.data_at = now;
        self.escapes = 0;
        self.last_call.link = Some(link.clone());
        let text = words::connect(self.firmware, &self.set, link);
        self.out.extend_from_slice(&text);
    }

    /// The call is over for another reason than a command: the final result, and on-hook.
    pub fn ended(&mut self, reply: &Reply) {
        self.on_hook();
        self.print(reply);
    }

    /// Prints a result code as the settings want it, or nothing where they hide it.
    pub fn print(&mut self, reply: &Reply) {
        let text = words::render(self.firmware, &self.set, reply);
        self.out.extend_from_slice(&text);
    }

    /// Whether its settings let it print this.
    pub fn shows(&self, reply: &Reply) -> bool {
        words::shows(self.firmware, &self.set, reply)
    }

    /// What it says when S7 runs out and ringback went on until then.
    pub fn no_answer(&self, waited_for_silence: bool) -> Reply {
        if self.no_answer_word || waited_for_silence { Reply::NoAnswer } else { Reply::NoCarrier }
    }

    fn info(&mut self, text: &str) {
        let line = if self.set.verbose { format!("\r\n{text}\r\n") } else { format!("{text}\r\n") };
        self.out.extend_from_slice(line.as_bytes());
    }
}

#[cfg(test)]
mod tests;
