//! Calls under way: dialing, ringing, the carrier, what speaks behind it, and every way out.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Mono;
use crate::modem::port::Signal;
use crate::sim::console::{Act, Console, Manner};
use crate::sim::fault::{self, FaultEntry, FaultKind, Occasion, Stage};
use crate::sim::file::{ConsoleKind, LinkEntry};
use crate::sim::log::{Entry, What};
use crate::sim::modem::{LastCall, Mode, Reply};

use super::script::Step;
use super::{CallNumber, Engine, Output, dial};

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
    attempt: u32,
    pub(super) fault: Option<FaultEntry>,
    pub(super) fault_done: bool,
    pub(super) script: VecDeque<(Mono, Step)>,
    /// When S7 runs out.
    pub(super) limit: Mono,
    pub(super) quiet_answer: bool,
    /// In command state after the `;` form: what happens is not printed.
    pub(super) held: bool,
    /// The script waits until the modem listens.
    paused: bool,
    digits: String,
    bursts: u32,
    /// The far end is off-hook.
    answered: bool,
    connected: Option<Mono>,
    far: Far,
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

    /// Puts a step into the script at its time.
    pub(super) fn insert(&mut self, at: Mono, step: Step) {
        let place = self.script.partition_point(|(other, _)| *other <= at);
        self.script.insert(place, (at, step));
    }
}

impl Engine {
    pub(super) fn dial(&mut self, now: Mono, port: usize, text: &str, held: bool) {
        let dialed = dial::read(text, &self.file.timing, self.seats[port].modem.register(8));
        let known = dial::readings(&dialed.digits, &self.file.location);
        let line = self.lines.iter().position(|line| known.iter().any(|n| n == line.entry.number.digits()));
        let number = self.next_call;
        self.next_call += 1;
        let seat = &mut self.seats[port];
        seat.calls += 1;
        seat.call = Some(number);
        seat.modem.last_call = LastCall { setup_result: 4, ..LastCall::default() };
        let attempt = line.map_or(0, |l| {
            self.lines[l].attempts += 1;
            self.lines[l].attempts
        });
        let names =
            line.map(|l| (self.lines[l].entry.id.to_string(), self.lines[l].entry.number.to_string()));
        let seat = &self.seats[port];
        let on = Occasion {
            modem: &seat.name,
            call: seat.calls,
            line: names.as_ref().map(|(id, number)| (id.as_str(), number.as_str())),
            attempt,
        };
        let own = line.and_then(|l| self.lines[l].entry.fault.as_ref());
        let locked = seat.locked(&dialed.digits, now);
        let found = if let Some(kind) = locked {
            Some((FaultEntry::plain(kind), "redial".to_owned()))
        } else if self.trunk_is_full(port) {
            Some((FaultEntry::plain(FaultKind::NoDialtone), "trunk".to_owned()))
        } else {
            self.rules.of_call(on, own)
        };
        let emergency = dial::is_emergency(&dialed.digits, &self.file.location);
        let entry = Entry {
            call: Some(number),
            modem: Some(seat.name.clone()),
            line: names.map(|(id, _)| id),
            attempt: line.map(|_| attempt),
            dialed: Some(dialed.digits.clone()),
            rule: found.as_ref().map(|(_, rule)| rule.clone()),
            fault: found.as_ref().map(|(fault, _)| fault.kind.to_string()),
            text: emergency.then(|| "EMERGENCY NUMBER".to_owned()),
            ..Entry::new(What::Dialed)
        };
        self.out.push_back(Output::Log(entry));
        let mut call = Call {
            port,
            line,
            attempt,
            fault: found.map(|(fault, _)| fault),
            fault_done: false,
            script: VecDeque::new(),
            limit: now,
            quiet_answer: dialed.quiet_answer,
            held,
            paused: false,
            digits: dialed.digits,
            bursts: 0,
            answered: false,
            connected: None,
            far: Far::Nothing,
        };
        self.begin_script(&mut call, now, dialed.span, line.is_some());
        self.stage(&mut call, Stage::Dialed, now);
        self.calls.insert(number, call);
        let ignored = self.modem_fault(port).is_some_and(|f| f.kind == FaultKind::HangupIgnored);
        self.seats[port].modem.hangup_ignored = ignored;
    }

    /// No outside line is left for this modem, which counts itself.
    fn trunk_is_full(&self, port: usize) -> bool {
        let trunk_of = |seat: &super::Seat| seat.entry.as_ref().and_then(|e| e.trunk.clone());
        let Some(trunk) = trunk_of(&self.seats[port]) else { return false };
        let Some(entry) = self.file.trunks.get(&trunk) else { return false };
        let off_hook =
            self.seats.iter().filter(|s| s.call.is_some() && trunk_of(s).as_ref() == Some(&trunk)).count();
        off_hook > entry.lines as usize
    }

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
            Some(Act::Drop) => self.lose_carrier(due, number, "console"),
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
        if held && matches!(step, Step::Carrier | Step::Fail(_)) {
            // The modem does not listen yet: it hears the tone, or the carrier, once it is told to.
            if let Some(call) = self.calls.get_mut(&number) {
                call.script.push_front((at, step));
                call.paused = true;
            }
            return;
        }
        match step {
            Step::DigitsSent => {
                let entry = self.entry(number, What::DigitsSent);
                self.seats[port].modem.last_call.setup_result = 4;
                if held {
                    self.seats[port].modem.digits_sent();
                }
                self.flush(at, port, vec![entry]);
            }
            Step::Seize => self.seize(at, number),
            Step::IncomingRing => {
                self.seats[port].modem.print(&Reply::Ring);
                self.flush(at, port, Vec::new());
            }
            Step::Ringback => self.ringback(at, number),
            Step::Answer => {
                if let Some(call) = self.calls.get_mut(&number) {
                    call.answered = true;
                }
                let entry = self.entry(number, What::Answered);
                self.out.push_back(Output::Log(entry));
                let seat = &mut self.seats[port];
                let kind = self.calls.get(&number).and_then(|c| c.fault.as_ref()).map(|f| f.kind);
                let tone = kind != Some(FaultKind::Voice);
                seat.modem.last_call.setup_result = if tone { 7 } else { 5 };
                if seat.modem.dsr_follows() && tone {
                    self.signal(port, Signal::Dsr, true);
                }
                self.reach(number, Stage::Answered, at);
            }
            Step::Carrier => {
                let link = self.link(number);
                let rate = Some(link.rx.unwrap_or(link.tx));
                self.seats[port].modem.carrier(&link);
                let text = self.printed(port);
                let entry = Entry { rate, text, ..self.entry(number, What::Carrier) };
                if self.seats[port].early_dcd {
                    self.signal(port, Signal::Dcd, true);
                }
                self.flush(at, port, vec![entry]);
                self.reach(number, Stage::Carrier, at);
            }
            Step::Negotiated => {
                let link = self.link(number);
                self.seats[port].modem.negotiated(&link);
                self.flush(at, port, Vec::new());
            }
            Step::Connect => self.connect(at, number),
            Step::Fail(reply) => {
                let word =
                    self.calls.get(&number).and_then(|c| c.fault.as_ref()).and_then(|f| f.text.clone());
                let reply = word.map_or(reply, Reply::Text);
                self.fail(at, number, &reply);
            }
            Step::LoseCarrier => {
                if self.calls.get(&number).is_some_and(|c| c.connected.is_none()) {
                    self.fail(at, number, &Reply::NoCarrier);
                } else {
                    self.lose_carrier(at, number, "rule");
                }
            }
            Step::NoCarrier => {
                let entries = self.end_call(number, What::OnHook, "");
                self.seats[port].modem.last_call.clear_cause = 0x3C;
                self.seats[port].modem.ended(&Reply::NoCarrier);
                self.flush(at, port, entries);
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
            }
        }
    }

    /// A bare `D` after the `;` form: the modem listens from now on.
    pub(super) fn proceed(&mut self, now: Mono, port: usize) {
        let Some(call) = self.seats[port].call.and_then(|n| self.calls.get_mut(&n)) else {
            self.seats[port].modem.ended(&Reply::NoCarrier);
            return;
        };
        call.held = false;
        if std::mem::take(&mut call.paused)
            && let Some((first, _)) = call.script.front()
        {
            let late = now.since(*first);
            for (at, _) in &mut call.script {
                *at = *at + late;
            }
        }
    }

    /// What a modem has printed and not let out yet, as a text for the log.
    fn printed(&mut self, port: usize) -> Option<String> {
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
            if self.lines[line].call.is_some() {
                call.script.push_back((at + self.paced(self.file.timing.tone), Step::Fail(Reply::Busy)));
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
        if self.seats[far].modem.mode() == Mode::Command {
            self.seats[far].modem.print(&Reply::Ring);
            self.flush(at, far, Vec::new());
            let after = u32::from(self.seats[far].modem.register(0));
            if after > 0 && burst >= after {
                self.answer(at, far);
            }
        }
    }

    /// An answering modem goes off-hook.
    pub(super) fn answer(&mut self, now: Mono, port: usize) {
        let ringing = self.seats[port].call.filter(|n| self.calls.get(n).is_some_and(|c| !c.answered));
        let Some(number) = ringing else {
            let span = Duration::from_secs(u64::from(self.seats[port].modem.register(7)));
            self.seats[port].gives_up = Some(now + self.paced(span));
            return;
        };
        let Some(mut call) = self.calls.remove(&number) else { return };
        call.script.clear();
        call.answered = true;
        call.far = Far::Modem(port);
        self.answer_script(&mut call, now);
        self.calls.insert(number, call);
    }

    fn connect(&mut self, at: Mono, number: CallNumber) {
        let link = self.link(number);
        let Some(call) = self.calls.get_mut(&number) else { return };
        call.connected = Some(at);
        let (port, line) = (call.port, call.line);
        let far_port = match call.far {
            Far::Modem(port) => Some(port),
            Far::Nothing | Far::Console(_) | Far::Program => None,
        };
        self.seats[port].modem.connect(at, &link);
        let text = self.printed(port);
        let entry =
            Entry { rate: Some(link.rx.unwrap_or(link.tx)), text, ..self.entry(number, What::Connected) };
        self.signal(port, Signal::Dcd, true);
        self.flush(at, port, vec![entry]);
        if let Some(far) = far_port {
            self.seats[far].modem.connect(at, &link);
            self.signal(far, Signal::Dcd, true);
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
                think: self.paced(self.file.timing.think),
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

    /// A dial command comes to nothing.
    fn fail(&mut self, at: Mono, number: CallNumber, reply: &Reply) {
        let Some(call) = self.calls.get(&number) else { return };
        let (port, digits) = (call.port, call.digits.clone());
        let shown = matches!(self.seats[port].modem.mode(), Mode::Dialing);
        self.seats[port].modem.last_call.clear_cause = match reply {
            Reply::NoDialtone => 0x2F,
            Reply::Busy => 0x33,
            Reply::Reorder => 0x31,
            Reply::Fax => 0x42,
            _ => 0x2C,
        };
        match reply {
            Reply::NoDialtone => self.seats[port].modem.last_call.setup_result = 1,
            Reply::Reorder => self.seats[port].modem.last_call.setup_result = 2,
            Reply::Busy => self.seats[port].modem.last_call.setup_result = 3,
            _ => {}
        }
        let refused =
            matches!(reply, Reply::Delayed | Reply::Blacklisted | Reply::DialingDisabled | Reply::Error);
        if !refused {
            self.count_failure(port, digits, at);
        }
        if shown {
            self.seats[port].modem.ended(reply);
        }
        let text = self.printed(port);
        let failed = Entry { text, ..self.entry(number, What::Failed) };
        let mut entries = vec![failed];
        entries.extend(self.end_call(number, What::OnHook, ""));
        self.flush(at, port, entries);
    }

    fn count_failure(&mut self, port: usize, digits: String, at: Mono) {
        let Some(redial) = self.seats[port].entry.as_ref().and_then(|e| e.redial.clone()) else { return };
        let until = at + self.paced(redial.lock);
        let (failures, lock) = self.seats[port].redials.entry(digits).or_default();
        *failures += 1;
        if *failures >= redial.failures {
            *lock = Some(until);
        }
    }

    /// The far end drops the carrier; our modem notices after S10.
    pub(super) fn lose_carrier(&mut self, now: Mono, number: CallNumber, by: &str) {
        let Some(call) = self.calls.get(&number) else { return };
        if call.connected.is_none() || call.script.iter().any(|(_, s)| *s == Step::NoCarrier) {
            return;
        }
        let port = call.port;
        let mut entry = self.entry(number, What::CarrierLost);
        entry.by = Some(by.to_owned());
        self.out.push_back(Output::Log(entry));
        let s10 = Duration::from_millis(u64::from(self.seats[port].modem.register(10)) * 100);
        let noticed = now + self.paced(s10);
        self.leave_far(number);
        if let Some(call) = self.calls.get_mut(&number) {
            call.script.clear();
            call.script.push_back((noticed, Step::NoCarrier));
        }
    }

    /// Takes the far side out of a call: the line is free, the program is hung up on, an answering modem loses its
    /// carrier.
    fn leave_far(&mut self, number: CallNumber) {
        let Some(call) = self.calls.get_mut(&number) else { return };
        let far = std::mem::replace(&mut call.far, Far::Nothing);
        let line = call.line;
        if let Some(line) = line.filter(|&l| self.lines[l].call == Some(number)) {
            self.lines[line].call = None;
        }
        match far {
            Far::Nothing | Far::Console(_) | Far::Modem(_) => {}
            Far::Program => self.out.push_back(Output::Stop(number)),
        }
        let Some(port) = line.and_then(|l| self.lines[l].answering) else { return };
        let seat = &mut self.seats[port];
        if seat.call != Some(number) {
            return;
        }
        seat.call = None;
        if seat.modem.mode() != Mode::Command {
            seat.modem.ended(&Reply::NoCarrier);
        }
        self.signal(port, Signal::Dcd, false);
        self.flush(Mono::ZERO, port, Vec::new());
    }

    /// Ends a call on our side. `what` says how; the entries are for the bytes that show it.
    pub(super) fn end_call(&mut self, number: CallNumber, what: What, by: &str) -> Vec<Entry> {
        let Some(call) = self.calls.get(&number) else { return Vec::new() };
        let (port, succeeded) = (call.port, call.connected.map(|_| call.digits.clone()));
        let mut entries = Vec::new();
        if what == What::HungUp {
            let mut entry = self.entry(number, what);
            entry.by = Some(by.to_owned());
            self.out.push_back(Output::Log(entry));
        }
        entries.push(self.entry(number, What::OnHook));
        self.leave_far(number);
        self.calls.remove(&number);
        let wedges = self.modem_fault(port).is_some_and(|f| f.kind == FaultKind::Wedged);
        self.seats[port].call = None;
        self.seats[port].modem.hangup_ignored = false;
        self.seats[port].wedged |= wedges;
        if let Some(digits) = succeeded {
            self.seats[port].redials.remove(&digits);
        }
        self.signal(port, Signal::Dcd, false);
        self.signal(port, Signal::Dsr, false);
        entries
    }

    /// An answering modem goes on-hook: the carrier goes, or never comes.
    pub(super) fn answering_hangs_up(&mut self, now: Mono, port: usize, by: &str) {
        let Some(number) = self.seats[port].call.take() else { return };
        self.signal(port, Signal::Dcd, false);
        let Some(call) = self.calls.get(&number) else { return };
        if call.connected.is_some() {
            self.lose_carrier(now, number, by);
        } else if call.answered {
            self.fail(now, number, &Reply::NoCarrier);
        }
    }

    /// Data from a program to the far end.
    pub(super) fn data(&mut self, now: Mono, port: usize, bytes: Vec<u8>) {
        let Some(number) = self.seats[port].call else { return };
        let Some(call) = self.calls.get_mut(&number) else { return };
        if self.seats[port].answers.is_some() {
            self.tell_caller(number, bytes, Vec::new());
            return;
        }
        match &mut call.far {
            Far::Nothing => {}
            Far::Console(console) => console.input(now, &bytes),
            Far::Program => self.out.push_back(Output::Send(number, bytes)),
            Far::Modem(far) => {
                let far = *far;
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
        if self.seats[port].modem.mode() == Mode::Online {
            self.write_now(port, bytes, entries);
        } else {
            self.out.extend(entries.into_iter().map(Output::Log));
        }
    }
}

impl super::Seat {
    fn locked(&self, digits: &str, now: Mono) -> Option<FaultKind> {
        let (_, until) = self.redials.get(digits)?;
        let delayed = self.entry.as_ref()?.redial.as_ref()?.delayed;
        let locked = until.is_some_and(|until| now < until);
        locked.then_some(if delayed { FaultKind::Delayed } else { FaultKind::Blacklisted })
    }
}
