//! The exchange itself: modems, lines and the calls between them. Pure: time and bytes come in, actions come out.
//!
//! A dial command becomes a script: what happens when, unless somebody hangs up first. Spans are those of the file times
//! its `pace`. Whoever drives it feeds [`Input`]s, does the [`Output`]s in their order, and calls again at
//! [`Engine::deadline`]; extra calls are harmless.

mod calls;
mod dial;
mod script;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::model::Mono;
use crate::modem::port::Signal;
use crate::modem::profile::{CarrierMark, Profile};

use super::fault::{FaultEntry, FaultKind, Occasion, Rules};
use super::file::{ExchangeFile, LineEntry, ModemEntry};
use super::log::{Entry, What};
use super::modem::{HangUpBy, Mode, Reply, SimModem, Wish};
use calls::Call;

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
    /// Its entry, for one of ours.
    entry: Option<ModemEntry>,
    /// The line that it answers, for an answering one.
    answers: Option<usize>,
    /// DCD rises with the carrier, not with CONNECT.
    early_dcd: bool,
    open: bool,
    vanished: bool,
    returns: Option<Mono>,
    /// It answers nothing any more.
    wedged: bool,
    dtr_fell: Option<Mono>,
    dcd: bool,
    dsr: bool,
    calls: u32,
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
    /// The port of its answering modem.
    answering: Option<usize>,
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
                let early_dcd = profile.is_some_and(|p| p.marks.carrier.contains(&CarrierMark::Dcd));
                Seat { entry: Some(entry.clone()), early_dcd, ..Seat::new(entry.id.to_string(), modem) }
            })
            .collect();
        let mut lines = Vec::new();
        for (i, entry) in file.lines.iter().enumerate() {
            let answering = entry.answer_on.as_ref().map(|port| {
                let seat = Seat::new(port.to_string(), SimModem::answering());
                seats.push(Seat { answers: Some(i), ..seat });
                seats.len() - 1
            });
            lines.push(LineSeat { entry: entry.clone(), call: None, attempts: 0, answering });
        }
        let rules = Rules::new(&file);
        Self { file, rules, seats, lines, calls: BTreeMap::new(), next_call: 1, out: VecDeque::new() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.file.exchange
    }

    /// The names of all ports, in their order, and which of them are our modems.
    pub fn ports(&self) -> impl Iterator<Item = (&str, bool)> + '_ {
        self.seats.iter().map(|seat| (seat.name.as_str(), seat.answers.is_none()))
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
        self.advance(now);
        match input {
            Input::Opened(port) => {
                self.seats[port].open = true;
                self.log_port(port, What::PortOpened);
            }
            Input::Closed(port) => {
                if self.seats[port].open {
                    self.seats[port].open = false;
                    self.log_port(port, What::PortClosed);
                    self.dtr_dropped(now, port);
                }
            }
            Input::Dtr(port, true) => self.seats[port].dtr_fell = None,
            Input::Dtr(port, false) => self.seats[port].dtr_fell = Some(now),
            Input::Bytes(port, bytes) => {
                self.seats[port].open = true;
                self.bytes(now, port, bytes);
            }
            Input::FarBytes(call, bytes) => self.far_bytes(call, bytes),
            Input::FarEnded(call) => self.lose_carrier(now, call, "program"),
            Input::Time => {}
        }
        self.advance(now);
    }

    /// Does all that is due, each at its own time, so that a late call shifts nothing.
    fn advance(&mut self, now: Mono) {
        while let Some(due) = self.deadline().filter(|due| *due <= now) {
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

    fn modem_fault(&mut self, port: usize) -> Option<FaultEntry> {
        let seat = &self.seats[port];
        let entry = seat.entry.as_ref()?;
        let call = if seat.call.is_some() { seat.calls } else { seat.calls + 1 };
        let on = Occasion { modem: &seat.name, call, line: None, attempt: 0 };
        self.rules.of_modem(on, entry.fault.as_ref())
    }

    fn bytes(&mut self, now: Mono, port: usize, bytes: &[u8]) {
        let fault = self.modem_fault(port);
        let seat = &mut self.seats[port];
        let dead = fault.as_ref().is_some_and(|f| f.kind == FaultKind::Dead);
        if seat.wedged || dead || seat.vanished {
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
        }
    }

    /// Grants a modem's wishes, then lets it speak.
    fn serve(&mut self, now: Mono, port: usize) {
        let mut entries = Vec::new();
        for wish in self.seats[port].modem.take_wishes() {
            match wish {
                // Its line is for calls that come in.
                Wish::Dial { .. } if self.seats[port].answers.is_some() => {
                    self.seats[port].modem.ended(&Reply::Error);
                }
                Wish::Dial { text, held } => self.dial(now, port, &text, held),
                Wish::Proceed => self.proceed(now, port),
                Wish::Abort => {
                    self.seats[port].gives_up = None;
                    if self.seats[port].answers.is_some() {
                        self.answering_hangs_up(now, port, "key");
                    } else if let Some(number) = self.seats[port].call {
                        entries.extend(self.end_call(number, What::HungUp, "key"));
                    }
                    self.seats[port].modem.ended(&Reply::NoCarrier);
                }
                Wish::HangUp(by) if self.seats[port].answers.is_some() => {
                    self.answering_hangs_up(now, port, by.word());
                }
                Wish::HangUp(by) => {
                    if let Some(number) = self.seats[port].call {
                        self.seats[port].modem.last_call.clear_cause = match by {
                            HangUpBy::Dtr => 0x20,
                            HangUpBy::Command => 0x51,
                            HangUpBy::Reset => 0x52,
                        };
                        entries.extend(self.end_call(number, What::HungUp, by.word()));
                    }
                    if by == HangUpBy::Dtr {
                        self.seats[port].modem.print(&Reply::Ok);
                    }
                }
                Wish::Answer => self.answer(now, port),
                Wish::Data(bytes) => self.data(now, port, bytes),
            }
        }
        self.flush(now, port, entries);
    }

    fn dtr_dropped(&mut self, now: Mono, port: usize) {
        if self.seats[port].wedged {
            return;
        }
        self.seats[port].gives_up = None;
        self.seats[port].modem.dtr_dropped();
        self.serve(now, port);
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

    fn signal(&mut self, port: usize, signal: Signal, level: bool) {
        let seat = &mut self.seats[port];
        let slot = match signal {
            Signal::Dcd => &mut seat.dcd,
            Signal::Dsr | Signal::Ri => &mut seat.dsr,
        };
        if *slot != level {
            *slot = level;
            self.out.push_back(Output::Signal(port, signal, level));
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
            answers: None,
            early_dcd: false,
            open: false,
            vanished: false,
            returns: None,
            wedged: false,
            dtr_fell: None,
            dcd: false,
            dsr: false,
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
