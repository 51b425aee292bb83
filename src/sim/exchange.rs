//! The exchange itself: modems, lines and the calls between them. Pure: time and bytes come in, actions come out.
//!
//! A dial command becomes a script: what happens when, unless somebody hangs up first. Spans are those of the file times
//! its `pace`. Whoever drives it feeds [`Input`]s, does the [`Output`]s in their order, and calls again at
//! [`Engine::deadline`]; extra calls are harmless.

mod bench;
mod calls;
mod dial;
mod dialing;
mod ends;
mod script;
mod wires;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::model::Mono;
use crate::modem::port::Signal;
use crate::modem::profile::{CarrierMark, Profile};

use super::fault::{FaultKind, Rules};
use super::file::{DcdAt, ExchangeFile, LineEntry, ModemEntry};
use super::log::{Entry, What};
use super::modem::{CallEnd, Mode, Reply, SimModem, Wish};
use calls::Call;
pub use wires::Levels;

/// A call, counted from 1.
pub type CallNumber = u64;

/// What happens to an exchange. Ports are counted: our modems first, then the answering ones, in the file's order.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A program opened a port.
    Opened(usize),
    /// The last program closed it.
    Closed(usize),
    /// DTR rose or fell on an open port.
    Dtr(usize, bool),
    /// Bytes from the program.
    Bytes(usize, &'a [u8]),
    /// A modem's power was cut, and is back: a relay, or the USB port that feeds it.
    Power(usize),
    /// Bytes from the program behind a line.
    FarBytes(CallNumber, &'a [u8]),
    /// The program behind a line ended, or could not be started.
    FarEnded(CallNumber),
    /// Time has passed.
    Time,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write to a port; the entries are stamped as it is done.
    Write {
        /// Which.
        port: usize,
        /// What.
        bytes: Vec<u8>,
        /// What these bytes show.
        entries: Vec<Entry>,
    },
    /// Set a modem-control line.
    Signal(usize, Signal, bool),
    /// Take a port away.
    Vanish(usize),
    /// Put it back.
    Return(usize),
    /// Start the program behind a line, for this call.
    Start {
        /// Which line.
        line: usize,
        /// For which call.
        call: CallNumber,
    },
    /// Bytes for that program.
    Send(CallNumber, Vec<u8>),
    /// Hang up on it.
    Stop(CallNumber),
    /// Stamp and log.
    Log(Entry),
}

/// A modem at its place.
#[derive(Debug)]
struct Seat {
    name: String,
    modem: SimModem,
    /// Its entry, for one of ours; the others only answer.
    entry: Option<ModemEntry>,
    /// DCD rises with the carrier, not with CONNECT.
    early_dcd: bool,
    open: bool,
    closed_at: Option<Mono>,
    vanished: bool,
    returns: Option<Mono>,
    /// It answers nothing any more.
    wedged: bool,
    /// What had killed it was cured.
    cured: bool,
    /// It resets itself until then, and hears nothing.
    resets_until: Option<Mono>,
    dtr_fell: Option<Mono>,
    dtr_low: bool,
    /// Answer tone was heard, or is sent, and the carrier is not gone.
    tone: bool,
    /// The carrier is there, as DCD sees it.
    carrier: bool,
    /// A burst of an incoming call's ringing.
    ringing: bool,
    last_ring: Option<Mono>,
    /// The levels of its wires as last told.
    levels: Levels,
    calls: u32,
    /// The call that it makes, or that comes to it.
    call: Option<CallNumber>,
    /// An ATA without a call runs out then.
    gives_up: Option<Mono>,
    /// Failed calls by number, and until when the number is locked.
    redials: BTreeMap<String, (u32, Option<Mono>)>,
    /// Answers that wait for the modem's own time.
    outbox: VecDeque<(Mono, Vec<u8>, Vec<Entry>)>,
}

#[derive(Debug)]
struct LineSeat {
    entry: LineEntry,
    /// The call that holds it.
    call: Option<CallNumber>,
    attempts: u32,
    /// The port of the modem that it rings.
    answering: Option<usize>,
}

impl LineSeat {
    const fn new(entry: LineEntry, answering: Option<usize>) -> Self {
        Self { entry, call: None, attempts: 0, answering }
    }
}

/// The exchange.
#[derive(Debug)]
pub struct Engine {
    file: ExchangeFile,
    rules: Rules,
    seats: Vec<Seat>,
    lines: Vec<LineSeat>,
    calls: BTreeMap<CallNumber, Call>,
    next_call: CallNumber,
    out: VecDeque<Output>,
    /// When the first thing happened, and the last one.
    started: Option<Mono>,
    now: Mono,
}

impl Engine {
    /// An exchange, all on-hook. Modems whose profile is not among `profiles` are the caller's to refuse; they play the
    /// Hayes minimum here.
    pub fn new(file: ExchangeFile, profiles: &[Profile]) -> Self {
        let mut seats: Vec<Seat> = file
            .modems
            .iter()
            .map(|entry| {
                let profile = profiles.iter().find(|p| p.profile == entry.profile);
                let modem = profile.map_or_else(SimModem::answering, |p| SimModem::new(entry, p));
                let marks = profile.is_some_and(|p| p.marks.carrier.contains(&CarrierMark::Dcd));
                let early_dcd = entry.dcd.map_or(marks, |at| at == DcdAt::Carrier);
                Seat { entry: Some(entry.clone()), early_dcd, ..Seat::new(entry.id.to_string(), modem) }
            })
            .collect();
        let mut lines = Vec::new();
        for entry in &file.lines {
            let answering = entry.answer_on.as_ref().map(|port| {
                seats.push(Seat::new(port.to_string(), SimModem::answering()));
                seats.len() - 1
            });
            lines.push(LineSeat::new(entry.clone(), answering));
        }
        // Behind the file's lines: those of our own modems.
        let own = file.modems.iter().enumerate();
        lines.extend(own.filter_map(|(port, entry)| Some(LineSeat::new(bench::line_of(entry)?, Some(port)))));
        let rules = Rules::new(&file);
        let mut engine = Self {
            file,
            rules,
            seats,
            lines,
            calls: BTreeMap::new(),
            next_call: 1,
            out: VecDeque::new(),
            started: None,
            now: Mono::ZERO,
        };
        for port in 0..engine.seats.len() {
            engine.wires(port);
        }
        engine
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.file.exchange
    }

    /// The names of all ports, in their order, and which of them are our modems.
    pub fn ports(&self) -> impl Iterator<Item = (&str, bool)> + '_ {
        self.seats.iter().map(|seat| (seat.name.as_str(), seat.entry.is_some()))
    }

    /// The levels of a port's wires now.
    pub fn levels(&self, port: usize) -> Option<Levels> {
        self.seats.get(port).map(|seat| seat.levels)
    }

    /// What is wrong with a port from the start: missing, or held by another program.
    pub fn port_fault(&mut self, port: usize) -> Option<FaultKind> {
        self.modem_fault(port)
            .map(|f| f.kind)
            .filter(|kind| matches!(kind, FaultKind::PortMissing | FaultKind::PortBusy))
    }

    /// The program of a line.
    pub fn program(&self, line: usize) -> Option<&[String]> {
        self.lines.get(line)?.entry.exec.as_deref()
    }

    /// When it wants to be called next; `None` while nothing is under way.
    pub fn deadline(&self) -> Option<Mono> {
        let seats = self.seats.iter().filter_map(Seat::deadline);
        let calls = self.calls.values().filter_map(Call::deadline);
        seats.chain(calls).min()
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Takes in what happened. Everything that was due before is done first, in its order.
    pub fn handle(&mut self, now: Mono, input: Input<'_>) {
        self.started.get_or_insert(now);
        self.advance(now);
        self.now = self.now.max(now);
        match input {
            Input::Opened(port) => {
                self.revive_by_close(now, port);
                self.seats[port].open = true;
                self.log_port(port, What::PortOpened);
                self.dtr_rose(now, port);
            }
            Input::Closed(port) => {
                if self.seats[port].open {
                    self.seats[port].open = false;
                    self.seats[port].closed_at = Some(now);
                    self.seats[port].dtr_low = true;
                    self.seats[port].dtr_fell = None;
                    self.log_port(port, What::PortClosed);
                    self.dtr_dropped(now, port);
                }
            }
            Input::Dtr(port, true) => {
                let flicker = self.seats[port].dtr_fell.take().is_some();
                if flicker {
                    self.seats[port].dtr_low = false;
                }
                self.dtr_rose(now, port);
            }
            Input::Dtr(port, false) => {
                self.seats[port].dtr_low = true;
                self.seats[port].dtr_fell = Some(now);
            }
            Input::Power(port) => self.power_cut(now, port),
            Input::Bytes(port, bytes) => {
                self.seats[port].open = true;
                self.bytes(now, port, bytes);
            }
            Input::FarBytes(call, bytes) => self.far_bytes(call, bytes),
            Input::FarEnded(call) => self.lose_carrier(now, call, "program", CallEnd::Remote),
            Input::Time => {}
        }
        self.advance(now);
    }

    /// Does all that is due, each at its own time, so that a late call shifts nothing.
    fn advance(&mut self, now: Mono) {
        while let Some(due) = self.deadline().filter(|due| *due <= now) {
            self.now = self.now.max(due);
            let seat = (0..self.seats.len()).find(|&port| self.seats[port].deadline() == Some(due));
            if let Some(port) = seat {
                self.seat_due(due, port);
                continue;
            }
            let call = self.calls.iter().find(|(_, call)| call.deadline() == Some(due)).map(|(n, _)| *n);
            match call {
                Some(number) => self.call_due(due, number),
                None => break,
            }
        }
    }

    fn seat_due(&mut self, due: Mono, port: usize) {
        let seat = &mut self.seats[port];
        if seat.outbox.front().is_some_and(|(at, ..)| *at <= due) {
            if let Some((_, bytes, entries)) = seat.outbox.pop_front() {
                self.write_now(port, bytes, entries);
            }
        } else if seat.returns.is_some_and(|at| at <= due) {
            seat.returns = None;
            seat.vanished = false;
            self.out.push_back(Output::Return(port));
            self.log_port(port, What::PortReturned);
        } else if seat.dtr_due().is_some_and(|at| at <= due) {
            seat.dtr_fell = None;
            self.dtr_dropped(due, port);
        } else if seat.gives_up.is_some_and(|at| at <= due) {
            seat.gives_up = None;
            seat.modem.ended(&Reply::NoCarrier);
            self.flush(due, port, Vec::new());
        } else {
            seat.modem.time(due);
            self.serve(due, port);
        }
    }

    /// A span of the file at the exchange's pace.
    fn paced(&self, span: Duration) -> Duration {
        span.mul_f64(self.file.pace)
    }

    fn bytes(&mut self, now: Mono, port: usize, bytes: &[u8]) {
        let fault = self.modem_fault(port);
        let seat = &mut self.seats[port];
        let dead = fault.as_ref().is_some_and(|f| f.kind == FaultKind::Dead);
        if seat.wedged || dead || seat.vanished || seat.resets_until.is_some_and(|until| now < until) {
            return;
        }
        seat.modem.setup_error =
            fault.filter(|f| f.kind == FaultKind::SetupError).map(|f| f.text.unwrap_or_default());
        // Piece by piece: what a command line leads to comes before what follows it.
        let mut rest = bytes;
        while !rest.is_empty() {
            let seat = &mut self.seats[port];
            let command = matches!(seat.modem.mode(), Mode::Command | Mode::Escaped);
            let cut = if command {
                rest.iter().position(|b| *b == b'\r').map_or(rest.len(), |i| i + 1)
            } else {
                rest.len()
            };
            let cut = if matches!(seat.modem.mode(), Mode::Dialing | Mode::Answering) { 1 } else { cut };
            seat.modem.input(now, &rest[..cut]);
            rest = &rest[cut..];
            self.serve(now, port);
            if self.seats[port].wedged {
                return;
            }
        }
    }

    /// Grants a modem's wishes, then lets it speak.
    fn serve(&mut self, now: Mono, port: usize) {
        let mut entries = Vec::new();
        for wish in self.seats[port].modem.take_wishes() {
            match wish {
                // Its line is for calls that come in.
                Wish::Dial { .. } if self.seats[port].entry.is_none() => {
                    self.seats[port].modem.ended(&Reply::Error);
                }
                Wish::Dial { .. } if self.is_rung(now, port) => {
                    self.seats[port].modem.ended(&Reply::NoCarrier);
                }
                Wish::Dial { text, held } => self.dial(now, port, &text, held),
                Wish::Proceed => self.proceed(now, port),
                Wish::Abort => {
                    self.seats[port].gives_up = None;
                    if self.is_called(port) {
                        self.called_hangs_up(now, port, "key", CallEnd::Key);
                    } else if let Some(number) = self.seats[port].call {
                        entries.extend(self.end_call(now, number, CallEnd::Key, Some("key")));
                    }
                    self.seats[port].modem.ended(&Reply::NoCarrier);
                }
                Wish::HangUp(by) if self.is_called(port) => {
                    self.called_hangs_up(now, port, by.word(), by.into());
                }
                Wish::HangUp(by) => {
                    if let Some(number) = self.seats[port].call {
                        entries.extend(self.end_call(now, number, by.into(), Some(by.word())));
                    }
                    if CallEnd::from(by) == CallEnd::Dtr {
                        self.seats[port].modem.print(&Reply::Ok);
                    }
                }
                Wish::Answer => self.answer(now, port),
                Wish::Data(bytes) => self.data(now, port, bytes),
                Wish::ForgetLocks => self.seats[port].redials.clear(),
                Wish::ListLocks => {
                    let numbers: Vec<String> = self.seats[port].redials.keys().cloned().collect();
                    self.seats[port].modem.info_lines(&numbers);
                    self.seats[port].modem.print(&Reply::Ok);
                }
            }
        }
        self.flush(now, port, entries);
        self.wires(port);
    }

    fn dtr_dropped(&mut self, now: Mono, port: usize) {
        if self.seats[port].wedged {
            return;
        }
        self.seats[port].gives_up = None;
        self.seats[port].modem.dtr_dropped();
        self.serve(now, port);
    }

    /// DTR rose: some modems reset themselves then (modems.md 4).
    fn dtr_rose(&mut self, now: Mono, port: usize) {
        let seat = &mut self.seats[port];
        let span = seat.modem.family().reset_on_dtr;
        let rose = std::mem::take(&mut seat.dtr_low);
        if span.is_zero() || !rose || seat.call.is_some() {
            return;
        }
        seat.modem.restart();
        seat.gives_up = None;
        // A span of the modem's own, which no pace shortens.
        seat.resets_until = Some(now + span);
        self.wires(port);
    }

    /// Lets out what a modem has printed, with what it shows; entries that no bytes show are logged now.
    fn flush(&mut self, now: Mono, port: usize, mut entries: Vec<Entry>) {
        let bytes = self.seats[port].modem.take_out();
        if bytes.is_empty() {
            self.out.extend(entries.drain(..).map(Output::Log));
            return;
        }
        let reply = self.paced(self.file.timing.reply);
        let seat = &mut self.seats[port];
        if reply.is_zero() && seat.outbox.is_empty() {
            self.write_now(port, bytes, entries);
        } else {
            let at = seat.outbox.back().map_or(now + reply, |(last, ..)| (*last).max(now + reply));
            seat.outbox.push_back((at, bytes, entries));
        }
    }

    fn write_now(&mut self, port: usize, bytes: Vec<u8>, entries: Vec<Entry>) {
        let seat = &self.seats[port];
        if seat.open && !seat.vanished {
            self.out.push_back(Output::Write { port, bytes, entries });
        } else {
            self.out.extend(entries.into_iter().map(Output::Log));
        }
    }

    fn log_port(&mut self, port: usize, what: What) {
        let entry = Entry { modem: Some(self.seats[port].name.clone()), ..Entry::new(what) };
        self.out.push_back(Output::Log(entry));
    }
}

impl Seat {
    fn new(name: String, modem: SimModem) -> Self {
        Self {
            name,
            modem,
            entry: None,
            early_dcd: false,
            open: false,
            closed_at: None,
            vanished: false,
            returns: None,
            wedged: false,
            cured: false,
            resets_until: None,
            dtr_fell: None,
            dtr_low: true,
            tone: false,
            carrier: false,
            ringing: false,
            last_ring: None,
            levels: Levels::default(),
            calls: 0,
            call: None,
            gives_up: None,
            redials: BTreeMap::new(),
            outbox: VecDeque::new(),
        }
    }

    /// DTR must be low for longer than S25 to act (modems.md 1.5).
    fn dtr_due(&self) -> Option<Mono> {
        self.dtr_fell.map(|at| at + Duration::from_millis(u64::from(self.modem.register(25)) * 10))
    }

    fn deadline(&self) -> Option<Mono> {
        [
            self.outbox.front().map(|(at, ..)| *at),
            self.returns,
            self.dtr_due(),
            self.gives_up,
            self.modem.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

#[cfg(test)]
mod tests;
