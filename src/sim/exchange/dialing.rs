//! Dial commands: a new call, more digits in a held one, and what is decided about a call before it begins.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Mono;
use crate::sim::fault::{FaultEntry, FaultKind, Occasion, Stage};
use crate::sim::log::{Entry, What};
use crate::sim::modem::{Heard, Reply};

use super::calls::{Call, Far};
use super::script::Step;
use super::{CallNumber, Engine, Output, dial};

impl Engine {
    pub(super) fn dial(&mut self, now: Mono, port: usize, text: &str, held: bool) {
        let dialed = dial::read(text, &self.file.timing, self.seats[port].modem.register(8));
        if let Some(number) = self.seats[port].call {
            self.dial_on(now, number, &dialed, held);
            return;
        }
        let number = self.next_call;
        self.next_call += 1;
        self.seats[port].call = Some(number);
        self.seats[port].modem.begins_call(Heard::Nothing);
        let mut call = Call {
            port,
            line: None,
            attempt: 0,
            fault: None,
            fault_done: false,
            bench: None,
            far_bench: None,
            refusal: None,
            script: VecDeque::new(),
            limit: now,
            quiet_answer: dialed.quiet_answer,
            held,
            dialed: false,
            paused: false,
            digits: dialed.digits.clone(),
            bursts: 0,
            answered: false,
            connected: None,
            lost: None,
            far: Far::Nothing,
        };
        self.decide(now, number, &mut call);
        self.begin_script(&mut call, now, self.file.timing.dial_tone, &dialed);
        self.stage(&mut call, Stage::Dialed, now);
        self.calls.insert(number, call);
        let ignored = self.modem_fault(port).is_some_and(|f| f.kind == FaultKind::HangupIgnored);
        self.seats[port].modem.hangup_ignored = ignored;
    }

    /// More digits after a held dial command, in the same call.
    fn dial_on(&mut self, now: Mono, number: CallNumber, dialed: &dial::Dialed, held: bool) {
        let Some(mut call) = self.calls.remove(&number) else { return };
        let found = call.line.is_some();
        if found {
            // The network has the number already, and takes no more.
            self.calls.insert(number, call);
            let port = self.calls[&number].port;
            if held {
                self.seats[port].modem.digits_sent();
            } else {
                self.proceed(now, port);
            }
            return;
        }
        call.digits.push_str(&dialed.digits);
        call.quiet_answer |= dialed.quiet_answer;
        call.held = held;
        call.dialed = false;
        call.paused = false;
        call.script.clear();
        self.decide(now, number, &mut call);
        let tone = if dialed.waits { self.file.timing.dial_tone } else { Duration::ZERO };
        self.begin_script(&mut call, now, tone, dialed);
        self.stage(&mut call, Stage::Dialed, now);
        self.calls.insert(number, call);
    }

    /// Which line the digits so far reach, what goes wrong on the way, and the log's word on it.
    fn decide(&mut self, now: Mono, number: CallNumber, call: &mut Call) {
        let port = call.port;
        let no_digits = call.digits.is_empty();
        if !no_digits {
            self.seats[port].calls += 1;
            let known = dial::readings(&call.digits, &self.file.location);
            call.line =
                self.lines.iter().position(|line| known.iter().any(|n| n == line.entry.number.digits()));
        }
        let line = call.line;
        call.attempt = line.map_or(0, |l| {
            self.lines[l].attempts += 1;
            self.lines[l].attempts
        });
        let bench = self.bench_fault(port);
        let early = bench.as_ref().is_some_and(|f| f.kind.is_before_the_network());
        let names =
            line.map(|l| (self.lines[l].entry.id.to_string(), self.lines[l].entry.number.to_string()));
        let since_start = self.since_start();
        let seat = &self.seats[port];
        let on = Occasion {
            modem: &seat.name,
            call: seat.calls,
            line: names.as_ref().map(|(id, number)| (id.as_str(), number.as_str())),
            attempt: call.attempt,
            since_start,
        };
        let own = line.and_then(|l| self.lines[l].entry.fault.as_ref());
        let locked = if no_digits { None } else { self.locked(port, &call.digits, now) };
        let found = if let Some((reply, kind)) = locked {
            call.refusal = Some(reply);
            Some((FaultEntry::plain(kind), "redial".to_owned()))
        } else if self.trunk_is_full(port) {
            Some((FaultEntry::plain(FaultKind::NoDialtone), "trunk".to_owned()))
        } else if early {
            bench.clone().map(|fault| (fault, "modem".to_owned()))
        } else {
            // Without a digit, only what is on our side can go wrong.
            let fits = |kind: FaultKind| !no_digits || kind.is_before_the_network();
            self.rules.of_call(on, own, &fits)
        };
        call.bench = bench.filter(|_| !early);
        let emergency = dial::is_emergency(&call.digits, &self.file.location);
        let entry = Entry {
            call: Some(number),
            modem: Some(self.seats[port].name.clone()),
            line: names.map(|(id, _)| id),
            attempt: line.map(|_| call.attempt),
            dialed: (!no_digits).then(|| call.digits.clone()),
            rule: found.as_ref().map(|(_, rule)| rule.clone()),
            fault: found.as_ref().map(|(fault, _)| fault.kind.to_string()),
            text: emergency.then(|| "EMERGENCY NUMBER".to_owned()),
            ..Entry::new(if no_digits { What::OffHook } else { What::Dialed })
        };
        self.out.push_back(Output::Log(entry));
        call.fault = found.map(|(fault, _)| fault);
    }

    /// A bare `D` after the `;` form: the modem listens from now on.
    pub(super) fn proceed(&mut self, now: Mono, port: usize) {
        let limit = now + self.s7(port);
        let Some(number) = self.seats[port].call.filter(|_| !self.is_called(port)) else {
            self.seats[port].modem.ended(&Reply::NoCarrier);
            return;
        };
        let Some(call) = self.calls.get_mut(&number) else { return };
        call.held = false;
        if std::mem::take(&mut call.paused)
            && let Some((first, _)) = call.script.front()
        {
            let late = now.since(*first);
            for (at, _) in &mut call.script {
                *at = *at + late;
            }
        } else if call.bursts == 0 && !call.answered {
            // S7 begins with call progress: what waits for its end waits longer.
            let old = std::mem::replace(&mut call.limit, limit);
            for (at, step) in &mut call.script {
                if *at == old && matches!(step, Step::Fail(_)) {
                    *at = limit;
                }
            }
            if call.script.is_empty() {
                call.script.push_back((limit, Step::Fail(Reply::NoCarrier)));
            }
        }
        if call.answered {
            self.hears_answer(number);
        }
    }
}
