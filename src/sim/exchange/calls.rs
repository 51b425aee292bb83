//! Calls under way: dialing, ringing, the carrier, and what speaks behind it. How they end is [`super::ends`]'s.

use std::collections::VecDeque;

use crate::model::Mono;
use crate::sim::console::{Act, Console, Manner};
use crate::sim::fault::{self, FaultEntry, FaultKind, Stage};
use crate::sim::file::{ConsoleKind, LinkEntry};
use crate::sim::log::{Entry, What};
use crate::sim::modem::{CallEnd, Heard, Mode, Reply};

use super::script::Step;
use super::{CallNumber, Engine, Output};

/// Retrains beyond these hold up a session no longer.
const RETRAINS_MAX: u32 = 20;

/// What is behind a connected line.
#[derive(Debug)]
pub(super) enum Far {
    /// Nothing yet, or nothing at all.
    Nothing,
    /// A console of ours.
    Console(Box<Console>),
    /// A program.
    Program,
    /// An answering modem, at this port.
    Modem(usize),
}

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) port: usize,
    pub(super) line: Option<usize>,
    pub(super) attempt: u32,
    pub(super) fault: Option<FaultEntry>,
    pub(super) fault_done: bool,
    /// What is wrong with our modem's own receiver or wires, and with those of the called modem.
    pub(super) bench: Option<FaultEntry>,
    pub(super) far_bench: Option<FaultEntry>,
    /// The modem will not dial it.
    pub(super) refusal: Option<Reply>,
    pub(super) script: VecDeque<(Mono, Step)>,
    /// When S7 runs out.
    pub(super) limit: Mono,
    pub(super) quiet_answer: bool,
    /// In command state after the `;` form: what happens is not printed.
    pub(super) held: bool,
    /// The digits are out: from here on a held call waits.
    pub(super) dialed: bool,
    /// The script waits until the modem listens.
    pub(super) paused: bool,
    pub(super) digits: String,
    pub(super) bursts: u32,
    /// The far end is off-hook.
    pub(super) answered: bool,
    pub(super) connected: Option<Mono>,
    /// How the carrier went, while our modem has not noticed.
    pub(super) lost: Option<CallEnd>,
    pub(super) far: Far,
}

impl Call {
    pub(super) fn deadline(&self) -> Option<Mono> {
        let script = self.script.front().filter(|_| !self.paused).map(|(at, _)| *at);
        let console = match &self.far {
            Far::Console(console) => console.deadline(),
            Far::Nothing | Far::Program | Far::Modem(_) => None,
        };
        match (script, console) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Our modem does not hear answer tone.
    pub(super) fn is_deaf(&self) -> bool {
        let deaf = |fault: &Option<FaultEntry>| fault.as_ref().is_some_and(|f| f.kind == FaultKind::Deaf);
        deaf(&self.fault) || deaf(&self.bench)
    }

    /// What answers sends answer tone, and our modem hears it.
    pub(super) fn has_tone(&self) -> bool {
        self.answered && !self.is_deaf() && self.fault.as_ref().is_none_or(|f| f.kind != FaultKind::Voice)
    }

    /// Puts a step into the script at its time.
    pub(super) fn insert(&mut self, at: Mono, step: Step) {
        let place = self.script.partition_point(|(other, _)| *other <= at);
        self.script.insert(place, (at, step));
    }
}

impl Engine {
    pub(super) fn call_due(&mut self, due: Mono, number: CallNumber) {
        let Some(mut call) = self.calls.remove(&number) else { return };
        if !call.paused
            && call.script.front().is_some_and(|(at, _)| *at <= due)
            && let Some((at, step)) = call.script.pop_front()
        {
            // The call goes back before the step is done: a step may end it.
            self.calls.insert(number, call);
            self.step(at, number, step);
            return;
        }
        let act = match &mut call.far {
            Far::Console(console) => console.poll(due),
            Far::Nothing | Far::Program | Far::Modem(_) => None,
        };
        self.calls.insert(number, call);
        match act {
            None => {}
            Some(Act::Drop) => self.lose_carrier(due, number, "console", CallEnd::Remote),
            Some(Act::Say(bytes, shows)) => {
                let entries = shows.map(|what| self.entry(number, what)).into_iter().collect();
                self.tell_caller(number, bytes, entries);
                match shows {
                    Some(What::Prompted) => self.reach(number, Stage::Prompted, due),
                    Some(What::LoggedIn) => self.reach(number, Stage::LoggedIn, due),
                    _ => {}
                }
            }
            Some(Act::Heard(what, text, accepted)) => {
                let entry = Entry { accepted, text, ..self.entry(number, what) };
                self.out.push_back(Output::Log(entry));
                match what {
                    What::Username => self.reach(number, Stage::Username, due),
                    What::Password => self.reach(number, Stage::Password, due),
                    What::Logout => self.reach(number, Stage::Logout, due),
                    _ => {}
                }
            }
        }
    }

    fn reach(&mut self, number: CallNumber, stage: Stage, now: Mono) {
        if let Some(mut call) = self.calls.remove(&number) {
            self.stage(&mut call, stage, now);
            self.calls.insert(number, call);
        }
    }

    /// An entry about a call.
    pub(super) fn entry(&self, number: CallNumber, what: What) -> Entry {
        let call = self.calls.get(&number);
        Entry {
            call: Some(number),
            modem: call.map(|c| self.seats[c.port].name.clone()),
            line: call.and_then(|c| c.line).map(|l| self.lines[l].entry.id.to_string()),
            attempt: call.filter(|c| c.line.is_some()).map(|c| c.attempt),
            ..Entry::new(what)
        }
    }

    fn step(&mut self, at: Mono, number: CallNumber, step: Step) {
        let Some(call) = self.calls.get(&number) else { return };
        let (port, held) = (call.port, call.held);
        if held && call.dialed && matches!(step, Step::Carrier | Step::Fail(_)) {
            // The modem does not listen yet: it hears the tone, or the carrier, once it is told to.
            if let Some(call) = self.calls.get_mut(&number) {
                call.script.push_front((at, step));
                call.paused = true;
            }
            return;
        }
        match step {
            Step::DigitsSent => {
                if let Some(call) = self.calls.get_mut(&number) {
                    call.dialed = true;
                }
                let entry = self.entry(number, What::DigitsSent);
                if held {
                    self.seats[port].modem.digits_sent();
                }
                self.flush(at, port, vec![entry]);
            }
            Step::Seize => self.seize(at, number),
            Step::IncomingRing => {
                self.seats[port].modem.print(&Reply::Ring);
                self.seats[port].ringing = true;
                self.wires(port);
                self.flush(at, port, Vec::new());
            }
            Step::Ringback => self.ringback(at, number),
            Step::RingOff => {
                let line = self.calls.get(&number).and_then(|call| call.line);
                if let Some(far) = line.and_then(|l| self.lines[l].answering) {
                    self.seats[far].ringing = false;
                    self.wires(far);
                }
            }
            Step::Answer => {
                if let Some(call) = self.calls.get_mut(&number) {
                    call.answered = true;
                }
                let entry = self.entry(number, What::Answered);
                self.out.push_back(Output::Log(entry));
                if !held {
                    self.hears_answer(number);
                }
                self.reach(number, Stage::Answered, at);
            }
            Step::Carrier => self.carrier(at, number),
            Step::Negotiated => {
                let link = self.link(number);
                self.seats[port].modem.negotiated(&link);
                self.flush(at, port, Vec::new());
                if let Some(far) = self.far_modem(number) {
                    self.seats[far].modem.negotiated(&link.mirrored());
                    self.flush(at, far, Vec::new());
                }
            }
            Step::Connect => self.connect(at, number),
            Step::Fail(reply) => self.fail(at, number, &reply, None),
            Step::LoseCarrier => {
                if self.calls.get(&number).is_some_and(|c| c.connected.is_none()) {
                    self.fail(at, number, &Reply::NoCarrier, Some(CallEnd::CarrierLost));
                } else {
                    self.lose_carrier(at, number, "rule", CallEnd::CarrierLost);
                }
            }
            Step::NoCarrier => {
                let end = self.calls.get(&number).and_then(|c| c.lost).unwrap_or(CallEnd::CarrierLost);
                let entries = self.end_call(at, number, end, None);
                self.seats[port].modem.ended(&Reply::NoCarrier);
                self.flush(at, port, entries);
                self.wires(port);
            }
            Step::Vanish => {
                let back = self.calls.get(&number).and_then(|c| c.fault.as_ref()).and_then(|f| f.back_after);
                self.seats[port].returns = back.map(|span| at + self.paced(span));
                self.log_port(port, What::PortVanished);
                self.out.push_back(Output::Vanish(port));
                // With the adapter goes DTR.
                self.dtr_dropped(at, port);
                self.seats[port].vanished = true;
                self.seats[port].open = false;
                self.wires(port);
            }
        }
    }

    /// The far end is off-hook, and our modem listens.
    pub(super) fn hears_answer(&mut self, number: CallNumber) {
        let Some(call) = self.calls.get(&number) else { return };
        let (port, tone) = (call.port, call.has_tone());
        let voice = call.fault.as_ref().is_some_and(|f| f.kind == FaultKind::Voice);
        let seat = &mut self.seats[port];
        seat.tone = tone;
        match (tone, voice) {
            (true, _) => seat.modem.last_call.heard = Heard::AnswerTone,
            (false, true) => seat.modem.last_call.heard = Heard::Voice,
            (false, false) => {}
        }
        self.wires(port);
    }

    fn carrier(&mut self, at: Mono, number: CallNumber) {
        let Some(port) = self.calls.get(&number).map(|call| call.port) else { return };
        let link = self.link(number);
        self.seats[port].modem.carrier(&link);
        let text = self.printed(port);
        let entry = Entry { rate: Some(link.to_us()), text, ..self.entry(number, What::Carrier) };
        self.seats[port].carrier |= self.seats[port].early_dcd;
        self.wires(port);
        self.flush(at, port, vec![entry]);
        if let Some(far) = self.far_modem(number) {
            self.seats[far].modem.carrier(&link.mirrored());
            self.seats[far].carrier |= self.seats[far].early_dcd;
            self.wires(far);
            self.flush(at, far, Vec::new());
        }
        self.reach(number, Stage::Carrier, at);
    }

    /// The port of the modem that has answered this call.
    fn far_modem(&self, number: CallNumber) -> Option<usize> {
        match self.calls.get(&number)?.far {
            Far::Modem(port) => Some(port),
            Far::Nothing | Far::Console(_) | Far::Program => None,
        }
    }

    /// What a modem has printed and not let out yet, as a text for the log.
    pub(super) fn printed(&mut self, port: usize) -> Option<String> {
        let out = self.seats[port].modem.peek_out();
        let text = String::from_utf8_lossy(out).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn link(&self, number: CallNumber) -> LinkEntry {
        self.calls.get(&number).map(|call| self.link_of(call)).unwrap_or_default()
    }

    fn seize(&mut self, at: Mono, number: CallNumber) {
        let Some(mut call) = self.calls.remove(&number) else { return };
        if let Some(line) = call.line {
            let engaged = self.lines[line].answering.is_some_and(|far| self.is_engaged(far));
            if engaged || self.lines[line].call.is_some() {
                let busy = self.seats[call.port].modem.busy(call.quiet_answer);
                call.script.push_back((at + self.paced(self.file.timing.tone), Step::Fail(busy)));
            } else {
                self.lines[line].call = Some(number);
                self.ring_script(&mut call, at);
            }
        }
        self.calls.insert(number, call);
    }

    fn ringback(&mut self, at: Mono, number: CallNumber) {
        let Some(call) = self.calls.get_mut(&number) else { return };
        call.bursts += 1;
        let (port, held, burst, line) = (call.port, call.held, call.bursts, call.line);
        let once = self.seats[port].entry.as_ref().is_some_and(|e| e.ringing_once);
        if !held && (burst == 1 || !once) && self.seats[port].modem.shows(&Reply::Ringing) {
            self.seats[port].modem.print(&Reply::Ringing);
        }
        let text = self.printed(port);
        let entry = Entry { burst: Some(burst), text, ..self.entry(number, What::Ringback) };
        self.flush(at, port, vec![entry]);
        if burst == 1 {
            self.reach(number, Stage::Ringing, at);
        }
        let Some(far) = line.and_then(|l| self.lines[l].answering) else { return };
        self.seats[far].call = Some(number);
        if self.is_dead(far) || self.seats[far].modem.mode() != Mode::Command {
            return;
        }
        let seat = &mut self.seats[far];
        seat.ringing = true;
        seat.last_ring = Some(at);
        seat.modem.print(&Reply::Ring);
        let answers = seat.modem.answers_after(seat.open).is_some_and(|after| burst >= u32::from(after));
        self.wires(far);
        self.flush(at, far, Vec::new());
        if answers {
            self.answer(at, far);
        }
    }

    /// A called modem goes off-hook.
    pub(super) fn answer(&mut self, now: Mono, port: usize) {
        let ringing = self.seats[port]
            .call
            .filter(|n| self.calls.get(n).is_some_and(|c| !c.answered && c.port != port));
        let Some(number) = ringing else {
            self.seats[port].gives_up = Some(now + self.s7(port));
            return;
        };
        let bench = self.bench_fault(port);
        let Some(mut call) = self.calls.remove(&number) else { return };
        call.script.clear();
        call.answered = true;
        call.far = Far::Modem(port);
        call.far_bench = bench;
        self.answer_script(&mut call, now);
        self.calls.insert(number, call);
        let seat = &mut self.seats[port];
        seat.modem.begins_call(Heard::Nothing);
        seat.modem.answers_now();
        seat.ringing = false;
        seat.tone = true;
        self.wires(port);
    }

    fn connect(&mut self, at: Mono, number: CallNumber) {
        let link = self.link(number);
        let Some(call) = self.calls.get_mut(&number) else { return };
        call.connected = Some(at);
        let (port, line) = (call.port, call.line);
        let far_port = self.far_modem(number);
        self.seats[port].modem.connect(at, &link);
        let text = self.printed(port);
        let entry = Entry { rate: Some(link.to_us()), text, ..self.entry(number, What::Connected) };
        self.seats[port].carrier = true;
        self.wires(port);
        self.flush(at, port, vec![entry]);
        if let Some(far) = far_port {
            self.seats[far].modem.connect(at, &link.mirrored());
            self.seats[far].carrier = true;
            self.wires(far);
            self.flush(at, far, Vec::new());
        }
        self.reach(number, Stage::Connected, at);
        let Some(line) = line else { return };
        if far_port.is_some() {
            return;
        }
        let entry = &self.lines[line].entry;
        if entry.exec.is_some() {
            if let Some(call) = self.calls.get_mut(&number) {
                call.far = Far::Program;
            }
            self.out.push_back(Output::Start { line, call: number });
        } else if entry.console != ConsoleKind::None {
            let manner = Manner {
                prompt: self.paced(self.file.timing.prompt),
                // Each retrain holds up what is under way.
                think: self.paced(self.file.timing.think) * (1 + link.retrains.min(RETRAINS_MAX)),
                pace: self.file.pace,
                chance: fault::child(self.file.seed, &format!("{}.{}", entry.id, self.lines[line].attempts)),
            };
            let fault = self.calls.get(&number).and_then(|c| c.fault.clone());
            let console = Console::start(entry, fault.as_ref(), manner, at);
            if let Some(call) = self.calls.get_mut(&number) {
                call.far = Far::Console(Box::new(console));
            }
        }
    }

    /// Data from a program to the far end.
    pub(super) fn data(&mut self, now: Mono, port: usize, bytes: Vec<u8>) {
        let Some(number) = self.seats[port].call else { return };
        self.seats[port].modem.last_call.sent += bytes.len() as u64;
        if self.is_called(port) {
            self.tell_caller(number, bytes, Vec::new());
            return;
        }
        let Some(call) = self.calls.get_mut(&number) else { return };
        match &mut call.far {
            Far::Nothing => {}
            Far::Console(console) => console.input(now, &bytes),
            Far::Program => self.out.push_back(Output::Send(number, bytes)),
            Far::Modem(far) => {
                let far = *far;
                self.seats[far].modem.last_call.received += bytes.len() as u64;
                if self.seats[far].modem.mode() == Mode::Online {
                    self.write_now(far, bytes, Vec::new());
                }
            }
        }
    }

    pub(super) fn far_bytes(&mut self, number: CallNumber, bytes: &[u8]) {
        self.tell_caller(number, bytes.to_vec(), Vec::new());
    }

    /// Data from the far end to our program.
    fn tell_caller(&mut self, number: CallNumber, bytes: Vec<u8>, entries: Vec<Entry>) {
        let Some(call) = self.calls.get(&number) else { return };
        let port = call.port;
        self.seats[port].modem.last_call.received += bytes.len() as u64;
        if self.seats[port].modem.mode() == Mode::Online {
            self.write_now(port, bytes, entries);
        } else {
            self.out.extend(entries.into_iter().map(Output::Log));
        }
    }
}
