//! Every way out of a call: it comes to nothing, the carrier goes, somebody hangs up; and what redial locks make of it.

use std::time::Duration;

use crate::model::Mono;
use crate::sim::fault::FaultKind;
use crate::sim::file::Firmware;
use crate::sim::log::{Entry, What};
use crate::sim::modem::{CallEnd, Heard, Mode, Reply};

use super::calls::Far;
use super::script::Step;
use super::{CallNumber, Engine, Output};

impl Engine {
    /// A dial command comes to nothing. `end` is how, where the reply does not tell.
    pub(super) fn fail(&mut self, at: Mono, number: CallNumber, reply: &Reply, end: Option<CallEnd>) {
        let Some(call) = self.calls.get(&number) else { return };
        let (port, digits, tone) = (call.port, call.digits.clone(), call.has_tone());
        let refused = call.refusal.is_some()
            || matches!(
                reply,
                Reply::Delayed(_) | Reply::Blacklisted | Reply::DialingDisabled | Reply::Error
            );
        let trains = call.fault.as_ref().is_none_or(|f| f.kind != FaultKind::NeverTrains);
        let word = call.fault.as_ref().and_then(|f| f.text.clone());
        let end = end.unwrap_or(match reply {
            Reply::Delayed(_) => CallEnd::Delayed,
            _ if refused => CallEnd::Blacklisted,
            Reply::NoDialtone => CallEnd::NoDialtone,
            Reply::LineInUse => CallEnd::ExtensionOffHook,
            Reply::Busy => CallEnd::Busy,
            Reply::Reorder => CallEnd::Reorder,
            Reply::Fax => CallEnd::Fax,
            _ if call.fault.as_ref().is_some_and(|f| f.kind == FaultKind::Glare) => CallEnd::IncomingCall,
            _ if tone && !trains => CallEnd::TrainingFailed,
            _ => CallEnd::SetupTimer,
        });
        let heard = match reply {
            Reply::NoDialtone => Some(Heard::NoDialtone),
            Reply::Reorder => Some(Heard::Reorder),
            Reply::Busy => Some(Heard::Busy),
            Reply::Voice => Some(Heard::Voice),
            Reply::Fax => Some(Heard::AnswerTone),
            _ => None,
        };
        let seat = &mut self.seats[port];
        let shown = matches!(seat.modem.mode(), Mode::Dialing);
        if let Some(heard) = heard {
            seat.modem.last_call.heard = heard;
        }
        // ELSA sets count only what nobody answered (modems.md 5.1).
        let forgives = tone && seat.modem.firmware() == Firmware::Elsa;
        if !refused && !digits.is_empty() && !forgives {
            self.count_failure(port, digits, at);
        }
        if shown {
            let said = word.map_or_else(|| reply.clone(), Reply::Text);
            self.seats[port].modem.ended(&said);
        }
        let text = self.printed(port);
        let failed = Entry { text, ..self.entry(number, What::Failed) };
        let mut entries = vec![failed];
        entries.extend(self.end_call(at, number, end, None));
        self.flush(at, port, entries);
        self.wires(port);
    }

    fn count_failure(&mut self, port: usize, digits: String, at: Mono) {
        let seat = &self.seats[port];
        let redial = seat.entry.as_ref().and_then(|e| e.redial.as_ref());
        let own = seat.modem.own_lock().map(|(n, s)| (n, Duration::from_secs(s)));
        let Some((most, span)) = own.or_else(|| redial.map(|r| (r.failures, r.lock))) else { return };
        let until = at + self.paced(span);
        let (failures, lock) = self.seats[port].redials.entry(digits).or_default();
        *failures += 1;
        if *failures >= most {
            *lock = Some(until);
        }
    }

    /// What the modem's own redial lock says of a number, and what it is in the log.
    pub(super) fn locked(&self, port: usize, digits: &str, now: Mono) -> Option<(Reply, FaultKind)> {
        let seat = &self.seats[port];
        let redial = seat.entry.as_ref().and_then(|e| e.redial.as_ref());
        if redial.is_none() && seat.modem.own_lock().is_none() {
            return None;
        }
        let full = redial.and_then(|r| r.list).is_some_and(|most| seat.redials.len() >= most);
        let Some((_, until)) = seat.redials.get(digits) else {
            let refuses = full && seat.modem.firmware() == Firmware::Si24xx;
            return refuses.then_some((Reply::BlacklistFull, FaultKind::Blacklisted));
        };
        let left = until.filter(|until| now < *until)?.since(now).div_f64(self.file.pace);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let delayed = redial.is_some_and(|r| r.delayed);
        let kind = if delayed { FaultKind::Delayed } else { FaultKind::Blacklisted };
        Some((seat.modem.locked(seconds, delayed), kind))
    }

    /// The far end drops the carrier; our modem notices after S10. A good-bye needs a link that has words for one.
    pub(super) fn lose_carrier(&mut self, now: Mono, number: CallNumber, by: &str, end: CallEnd) {
        let Some(call) = self.calls.get(&number) else { return };
        if call.connected.is_none() || call.script.iter().any(|(_, s)| *s == Step::NoCarrier) {
            return;
        }
        let port = call.port;
        let plain = self.link_of(call).protocol == "NONE";
        let end = if plain { CallEnd::CarrierLost } else { end };
        let mut entry = self.entry(number, What::CarrierLost);
        entry.by = Some(by.to_owned());
        self.out.push_back(Output::Log(entry));
        let s10 = Duration::from_millis(u64::from(self.seats[port].modem.register(10)) * 100);
        let noticed = now + self.paced(s10);
        self.leave_far(now, number);
        if let Some(call) = self.calls.get_mut(&number) {
            call.lost = Some(end);
            call.script.clear();
            call.script.push_back((noticed, Step::NoCarrier));
        }
    }

    /// Takes the far side out of a call: the line is free, the program is hung up on, a called modem loses its carrier.
    fn leave_far(&mut self, now: Mono, number: CallNumber) {
        let Some(call) = self.calls.get_mut(&number) else { return };
        let far = std::mem::replace(&mut call.far, Far::Nothing);
        let (line, connected) = (call.line, call.connected);
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
            let end = if connected.is_some() { CallEnd::Remote } else { CallEnd::TrainingFailed };
            self.close_account(now, port, end, connected);
            self.seats[port].modem.ended(&Reply::NoCarrier);
        }
        self.drop_wires(port);
        self.flush(now, port, Vec::new());
    }

    /// Ends a call on our side: how, and through whom if we were told to.
    pub(super) fn end_call(
        &mut self,
        now: Mono,
        number: CallNumber,
        end: CallEnd,
        by: Option<&str>,
    ) -> Vec<Entry> {
        let Some(call) = self.calls.get(&number) else { return Vec::new() };
        let (port, connected) = (call.port, call.connected);
        let succeeded = connected.map(|_| call.digits.clone());
        let mut entries = Vec::new();
        if let Some(by) = by {
            let mut entry = self.entry(number, What::HungUp);
            entry.by = Some(by.to_owned());
            self.out.push_back(Output::Log(entry));
        }
        entries.push(self.entry(number, What::OnHook));
        self.leave_far(now, number);
        self.calls.remove(&number);
        self.close_account(now, port, end, connected);
        let wedges = self.modem_fault(port).is_some_and(|f| f.kind == FaultKind::Wedged);
        let seat = &mut self.seats[port];
        seat.call = None;
        seat.modem.hangup_ignored = false;
        seat.wedged |= wedges;
        if let Some(digits) = succeeded {
            seat.redials.remove(&digits);
        }
        self.drop_wires(port);
        entries
    }

    /// What the modem will tell of this call, unless it was told to forget it.
    fn close_account(&mut self, now: Mono, port: usize, end: CallEnd, connected: Option<Mono>) {
        let pace = self.file.pace;
        let account = &mut self.seats[port].modem.last_call;
        if account.end == CallEnd::UnderWay {
            account.end = end;
            account.duration = connected.map_or(account.duration, |at| now.since(at).div_f64(pace));
        }
    }

    /// No tone, no carrier, no ring.
    fn drop_wires(&mut self, port: usize) {
        let seat = &mut self.seats[port];
        (seat.tone, seat.carrier, seat.ringing) = (false, false, false);
        self.wires(port);
    }

    /// A called modem goes on-hook: the carrier goes, or never comes.
    pub(super) fn called_hangs_up(&mut self, now: Mono, port: usize, by: &str, end: CallEnd) {
        let Some(number) = self.seats[port].call.filter(|_| self.is_called(port)) else { return };
        let Some(call) = self.calls.get(&number) else {
            self.seats[port].call = None;
            return;
        };
        let (connected, answered) = (call.connected, call.answered);
        if !answered {
            // It rings on: a modem that was not off-hook can't hang up.
            return;
        }
        self.seats[port].call = None;
        self.close_account(now, port, end, connected);
        self.drop_wires(port);
        if connected.is_some() {
            let far_end = if end.is_local() { CallEnd::Remote } else { CallEnd::CarrierLost };
            self.lose_carrier(now, number, by, far_end);
        } else {
            self.fail(now, number, &Reply::NoCarrier, None);
        }
    }
}
