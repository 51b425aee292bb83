//! One client's connection, without its socket: what it asks for is done and answered, what the modem does is told it.
//! Pure: bytes, changes of lines and time come in; bytes and [`Event`]s come out.
//!
//! It holds no more than [`OUT_MAX`] of answers, give or take one turn's, and [`DATA_MAX`] of data. A client that asks and
//! does not read is not read either; data that it does not take is lost, as on a wire.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Mono;
use crate::modem::port::Signal;

use super::command::{self, Code, Request, Settings};
use super::manners::{Control, Greeting, Manners};
use super::options::{BINARY, COM_PORT, ECHO, Options, SUPPRESS_GO_AHEAD};
use super::telnet::{self, IAC, Piece, Receiver, Verb};

/// Bytes that wait for the socket, before the client is read no further.
const OUT_MAX: usize = 16 * 1024;
/// Of these, data: there is always room for answers to a client that reads no data but goes on asking.
const STAGED_MAX: usize = OUT_MAX / 2;
/// Data that waits behind them.
const DATA_MAX: usize = 64 * 1024;
/// Mistakes of one client that are told; a client that is no client makes one with every byte.
const WRONGS_MAX: u32 = 50;

const DCD: u8 = 128;
const RI: u8 = 64;
const DSR: u8 = 32;
const CTS: u8 = 16;
/// RI has fallen. The other three bits of change are those of the lines four places down; this one is of one edge only.
const RI_FELL: u8 = 4;
/// Both registers are empty: what is to go to the modem is there at once.
const LINE_STATE: u8 = 0x60;

/// The modem's lines, as NOTIFY-MODEMSTATE has them. CTS is always on: a simulated modem takes all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lines(u8);

impl Lines {
    pub(super) const fn new() -> Self {
        Self(CTS)
    }

    /// With a line set.
    pub(super) const fn with(self, signal: Signal, level: bool) -> Self {
        let bit = match signal {
            Signal::Dcd => DCD,
            Signal::Dsr => DSR,
            Signal::Ri => RI,
        };
        Self(if level { self.0 | bit } else { self.0 & !bit })
    }

    /// What has changed since `before`, as the low bits tell it.
    const fn changes(self, before: Self) -> u8 {
        let both = (self.0 ^ before.0) >> 4;
        if before.0 & RI != 0 && self.0 & RI == 0 { both | RI_FELL } else { both & !RI_FELL }
    }
}

/// What a client did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) enum Event {
    /// Bytes for the modem.
    Data(Vec<u8>),
    /// It raised or dropped DTR.
    Dtr(bool),
    /// It broke the protocol.
    Wrong(String),
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct Session {
    manners: Manners,
    /// Told to who asks.
    signature: String,
    receiver: Receiver,
    options: Options,
    /// COM-PORT-OPTION is on for the client once this much has gone out: it can't know earlier.
    agreed_at: Option<u64>,
    settings: Settings,
    modem_mask: u8,
    lines: Lines,
    told: Lines,
    /// Changes that were not told yet.
    changes: u8,
    /// When the lines are looked at next, if they are looked at by the clock.
    look: Option<(Duration, Mono)>,
    /// It asked us to say nothing.
    suspended: bool,
    /// The last data byte of the client was a CR, and it sends text.
    after_cr_in: bool,
    after_cr_out: bool,
    heard: Vec<u8>,
    events: VecDeque<Event>,
    wrongs: u32,
    data: VecDeque<u8>,
    out: Vec<u8>,
    /// Bytes that were ever put into `out`, and that have gone out of it.
    queued: u64,
    gone: u64,
}

impl Session {
    /// A client that has just connected.
    pub(super) fn new(now: Mono, manners: &Manners, signature: &str, lines: Lines, dtr: bool) -> Self {
        let forward = manners.greeting == Greeting::Forward;
        let ours: &[u8] =
            if forward { &[BINARY, SUPPRESS_GO_AHEAD, ECHO] } else { &[BINARY, SUPPRESS_GO_AHEAD] };
        let mut session = Self {
            manners: manners.clone(),
            signature: signature.to_owned(),
            receiver: Receiver::new(),
            options: Options::new(ours, &[BINARY, SUPPRESS_GO_AHEAD, COM_PORT]),
            agreed_at: None,
            settings: Settings::new(dtr),
            modem_mask: 255,
            lines,
            told: lines,
            changes: 0,
            look: manners.notify_every.map(|every| (every, now + every)),
            suspended: false,
            after_cr_in: false,
            after_cr_out: false,
            heard: Vec::new(),
            events: VecDeque::new(),
            wrongs: 0,
            data: VecDeque::new(),
            out: Vec::new(),
            queued: 0,
            gone: 0,
        };
        session.greet();
        session
    }

    fn greet(&mut self) {
        self.ask(Verb::Will, SUPPRESS_GO_AHEAD);
        match self.manners.greeting {
            Greeting::Plain => {
                self.ask(Verb::Do, SUPPRESS_GO_AHEAD);
                self.ask(Verb::Will, BINARY);
                self.ask(Verb::Do, BINARY);
            }
            Greeting::Forward => {
                self.ask(Verb::Will, ECHO);
                self.put(&[IAC, Verb::Dont.code(), ECHO]);
                self.ask(Verb::Will, BINARY);
                self.ask(Verb::Do, BINARY);
                self.ask(Verb::Do, COM_PORT);
                self.notify();
            }
        }
    }

    fn ask(&mut self, verb: Verb, option: u8) {
        self.options.ask(verb, option);
        self.put(&[IAC, verb.code(), option]);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.queued += bytes.len() as u64;
    }

    fn answer(&mut self, code: Code, value: &[u8]) {
        let mut bytes = Vec::new();
        command::answer(code, value, &mut bytes);
        self.put(&bytes);
    }

    /// What the client did, in its order.
    pub(super) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes for the socket.
    pub(super) fn output(&self) -> &[u8] {
        if self.suspended { &[] } else { &self.out }
    }

    /// So many of them have gone.
    pub(super) fn sent(&mut self, count: usize) {
        self.out.drain(..count);
        self.gone += count as u64;
        self.stage();
    }

    /// Whether the client may be read.
    pub(super) fn wants_input(&self) -> bool {
        self.out.len() < OUT_MAX
    }

    /// Takes in what the client sent.
    pub(super) fn input(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match self.receiver.push(byte) {
                Some(Piece::Data(byte)) => self.hear(byte),
                Some(Piece::Option(verb, option)) => self.negotiate(verb, option),
                Some(Piece::Subnegotiation(bytes)) => self.subnegotiate(&bytes),
                Some(Piece::Wrong(what)) => self.wrong(what),
                // Break, go-ahead, are-you-there and the like mean nothing to a modem.
                None | Some(Piece::Command(_)) => {}
            }
        }
        self.pass_data();
        if self.suspended && !self.wants_input() {
            self.wrong("more questions than there is room for, while no answer is to be sent".to_owned());
            self.suspended = false;
        }
    }

    /// The client has gone.
    pub(super) fn end(&mut self) {
        if self.receiver.is_amid() {
            self.wrong("the connection ends in the middle of a command".to_owned());
        }
    }

    /// What came together goes to the modem together, before what came next is done.
    fn pass_data(&mut self) {
        if !self.heard.is_empty() {
            self.events.push_back(Event::Data(std::mem::take(&mut self.heard)));
        }
    }

    fn wrong(&mut self, what: String) {
        self.wrongs += 1;
        if self.wrongs <= WRONGS_MAX {
            self.events.push_back(Event::Wrong(what));
        } else if self.wrongs == WRONGS_MAX + 1 {
            self.events.push_back(Event::Wrong("and more, which is not told".to_owned()));
        }
    }

    fn hear(&mut self, byte: u8) {
        if self.options.is_theirs(BINARY) {
            self.after_cr_in = false;
        } else if std::mem::replace(&mut self.after_cr_in, byte == b'\r') {
            match byte {
                0 => return,
                b'\n' => {}
                _ => self.wrong(format!("a CR with {byte} behind it, without BINARY")),
            }
        }
        self.heard.push(byte);
    }

    fn negotiate(&mut self, verb: Verb, option: u8) {
        let outcome = self.options.heard(verb, option);
        if let Some(answer) = outcome.answer {
            self.put(&[IAC, answer.code(), option]);
        }
        if let Some(wrong) = outcome.wrong {
            self.wrong(wrong);
        }
        if option != COM_PORT {
            return;
        }
        match outcome.client {
            Some(true) => {
                // What we asked for first, the client has seen; what we only answer now, it has not.
                let asked_first = outcome.answer.is_none();
                self.agreed_at = Some(if asked_first { self.gone } else { self.queued });
                if self.manners.greeting == Greeting::Plain {
                    self.notify();
                }
            }
            Some(false) => self.agreed_at = None,
            None => {}
        }
    }

    fn subnegotiate(&mut self, bytes: &[u8]) {
        let Some((&option, bytes)) = bytes.split_first() else {
            self.wrong("an empty subnegotiation".to_owned());
            return;
        };
        if option != COM_PORT {
            self.wrong(format!("a subnegotiation of option {option}, which was never agreed"));
            return;
        }
        let early = match self.agreed_at {
            None => Some("before the option is agreed"),
            Some(at) if at > self.gone => Some("before our DO can have been seen"),
            Some(_) => None,
        };
        if let Some(early) = early {
            self.wrong(format!("COM-PORT-OPTION {bytes:?} {early}"));
            if !self.manners.obeys_early {
                return;
            }
            self.agreed_at = Some(self.gone);
        }
        match command::read(bytes) {
            Ok(request) => self.serve(request),
            Err(what) => self.wrong(what),
        }
    }

    fn serve(&mut self, request: Request) {
        self.pass_data();
        let settings = &mut self.settings;
        match request {
            Request::AskSignature => {
                let signature = self.signature.clone();
                self.answer(Code::Signature, signature.as_bytes());
            }
            Request::TellSignature => {}
            Request::BaudRate(baud) => {
                settings.baud = baud.unwrap_or(settings.baud);
                let mut value = settings.baud.to_be_bytes().to_vec();
                value.resize(if self.manners.long_baud { 8 } else { 4 }, 0);
                self.answer(Code::SetBaudRate, &value);
            }
            Request::DataSize(size) => {
                settings.data_size = size.unwrap_or(settings.data_size);
                let value = settings.data_size;
                self.answer(Code::SetDataSize, &[value]);
            }
            Request::Parity(parity) => {
                settings.parity = parity.unwrap_or(settings.parity);
                let value = settings.parity;
                self.answer(Code::SetParity, &[value]);
            }
            Request::StopSize(size) => {
                settings.stop_size = size.unwrap_or(settings.stop_size);
                let value = settings.stop_size;
                self.answer(Code::SetStopSize, &[value]);
            }
            Request::Control(asked) => self.control(asked),
            Request::AskLineState => self.answer(Code::NotifyLineState, &[LINE_STATE]),
            Request::AskModemState => {
                let value = self.modem_state() & self.modem_mask;
                self.answer(Code::NotifyModemState, &[value]);
                self.noted();
            }
            Request::Suspend => self.suspended = true,
            Request::Resume => {
                self.suspended = false;
                self.stage();
                self.notify_changes();
            }
            // Nothing ever happens to the line between server and modem.
            Request::LineStateMask(mask) => self.answer(Code::SetLineStateMask, &[mask]),
            Request::ModemStateMask(mask) => {
                self.modem_mask = mask;
                self.answer(Code::SetModemStateMask, &[mask]);
            }
            Request::Purge(buffers) => {
                if buffers & 1 != 0 {
                    self.data.clear();
                }
                // What is for the modem never waits here.
                self.answer(Code::PurgeData, &[buffers]);
            }
        }
    }

    fn control(&mut self, asked: u8) {
        let dtr = self.settings.dtr;
        let value = self.settings.control(asked);
        if self.settings.dtr != dtr {
            self.events.push_back(Event::Dtr(self.settings.dtr));
        }
        match self.manners.control {
            Control::Right => self.answer(Code::SetControl, &[value]),
            Control::NoLines => match asked {
                8 | 9 | 11 | 12 => {}
                7 | 10 => self.answer(Code::SetControl, &[asked]),
                _ => self.answer(Code::SetControl, &[value]),
            },
            Control::AlwaysOne => self.answer(Code::SetControl, &[1]),
            Control::Never => {}
        }
    }

    /// Data from the modem.
    pub(super) fn data(&mut self, bytes: &[u8]) {
        let room = DATA_MAX.saturating_sub(self.data.len()).min(bytes.len());
        self.data.extend(&bytes[..room]);
        self.stage();
    }

    /// Puts data on its way, in its order with what is told of the lines.
    fn stage(&mut self) {
        if self.suspended || self.data.is_empty() || self.out.len() >= STAGED_MAX {
            return;
        }
        let count = self.data.len().min(STAGED_MAX - self.out.len());
        let some: Vec<u8> = self.data.drain(..count).collect();
        let mut bytes = Vec::with_capacity(count + 16);
        if self.options.is_ours(BINARY) {
            self.after_cr_out = false;
            telnet::escape(&some, &mut bytes);
        } else {
            telnet::escape_text(&some, &mut self.after_cr_out, &mut bytes);
        }
        self.put(&bytes);
    }

    /// The modem has set a line.
    pub(super) fn set(&mut self, now: Mono, lines: Lines) {
        self.time(now);
        if self.look.is_none() {
            self.changes |= lines.changes(self.lines);
        }
        self.lines = lines;
        self.notify_changes();
    }

    /// When it wants to be told the time; only if it has something to tell then.
    pub(super) fn deadline(&self) -> Option<Mono> {
        let (_, at) = self.look?;
        (self.is_open() && self.lines != self.told).then_some(at)
    }

    /// The time.
    pub(super) fn time(&mut self, now: Mono) {
        let Some((every, at)) = self.look else { return };
        if at > now {
            return;
        }
        // Looks that would have shown nothing are skipped, and the beat is kept.
        let missed = now.since(at).as_nanos() / every.as_nanos().max(1);
        let next = at + every.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1));
        self.look = Some((every, next.max(now)));
        // A pulse between two looks is not seen.
        self.changes |= self.lines.changes(self.told);
        self.notify_pending();
    }

    fn is_open(&self) -> bool {
        self.agreed_at.is_some_and(|at| at <= self.gone) && !self.suspended && self.out.len() < OUT_MAX
    }

    fn notify_changes(&mut self) {
        if self.look.is_none() {
            self.notify_pending();
        }
    }

    fn notify_pending(&mut self) {
        if self.changes != 0 || self.lines != self.told {
            if self.agreed_at.is_none() || self.suspended || self.out.len() >= OUT_MAX {
                return;
            }
            self.notify();
        }
    }

    /// Tells the lines, as far as the client wants to hear of them.
    fn notify(&mut self) {
        let value = self.modem_state() & self.modem_mask;
        if value != 0 {
            self.answer(Code::NotifyModemState, &[value]);
        }
        self.noted();
    }

    const fn modem_state(&self) -> u8 {
        self.lines.0 | self.changes
    }

    const fn noted(&mut self) {
        self.told = self.lines;
        self.changes = 0;
    }
}

#[cfg(test)]
mod tests;
