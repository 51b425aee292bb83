//! How calls and workers end: what is told of a call that is over, and what one costs whose worker died.

use std::time::Duration;

use tokio::task::{Id, JoinError};

use super::{LineBook, Run, Running, Worker};
use crate::call::shell::CallOver;
use crate::console::transcript::clean_line;
use crate::fleet::scheduler::{CallReport, Input};
use crate::fleet::worker::OpenPort;
use crate::model::event::{Hangup, ModemState};
use crate::model::price::earlier;
use crate::model::{
    CallRecord, Charge, EventKind, Fault, Link, ModemId, Moment, Mono, PhoneNumber, Price, Timeline,
};

impl<O: OpenPort, B: LineBook> Run<'_, O, B> {
    pub(super) fn over(&mut self, modem: ModemId, over: CallOver) {
        let running = self.workers.get_mut(&modem).and_then(|worker| worker.call.take());
        let CallOver { mut record, hangup_detail, dialed, port_lost, refused_for, at, .. } = over;
        let unproven = record.hangup == Hangup::Unproven;
        if let Some(Running { spec, .. }) = &running {
            self.not_through_ourselves(spec.number(), &mut record);
            if unproven {
                self.held.insert(spec.number().clone(), modem.clone());
            }
        }
        let took = record.timeline.get(Moment::Taken).map(|taken| at.since(taken.at)).unwrap_or_default();
        self.desk.call_over(&record.line, running.is_some_and(|running| running.password_sent));
        self.desk_effects();
        let report = CallReport {
            line: record.line.clone(),
            modem: modem.clone(),
            attempt: record.attempt,
            fault: record.fault,
            furthest: record.furthest(),
            dialed,
            // With a port goes its DTR.
            held: unproven && !port_lost,
            took,
            cut_short: record.cut_short_ms.map(Duration::from_millis),
            connected_after: connected_after(&record),
            via: record.via.clone(),
            charge: record.charge.filter(|_| dialed),
            refused_for,
            detail: record.detail.clone(),
        };
        self.emit(EventKind::CallEnded(Box::new(record)));
        if unproven {
            // It gets no other line before its set-up, which begins by hanging up, has proven it.
            let detail = format!("on-hook is not proven: {hangup_detail}");
            self.modem_away(&modem, ModemState::HangupUnproven, Fault::ModemSilent, hangup_detail);
            if !port_lost {
                self.step(Input::ModemOut { modem, fault: Fault::ModemSilent, detail });
            }
        }
        self.step(Input::CallEnded(Box::new(report)));
    }

    /// A number that is busy with a call of our own is never charged to the line.
    fn not_through_ourselves(&self, number: &PhoneNumber, record: &mut CallRecord) {
        let holder = self.held.get(number).filter(|holder| **holder != record.modem);
        if let Some(holder) = holder.filter(|_| record.fault == Some(Fault::Busy)) {
            record.fault = Some(Fault::LineInUse);
            record.detail =
                format!("BUSY: `{holder}`, whose on-hook is not proven, may still hold the number");
        }
    }

    /// What is charged for a call of which nothing is known but when it began: all of the time since.
    pub(super) fn charge_all_since(&self, price: &Price, began: Mono) -> Charge {
        let (now, wall) = (self.clock.now(), self.clock.wall());
        let length = now.since(began);
        price.charge(Some((earlier(wall, length), wall)), length)
    }

    /// A worker's task has ended while the run goes on: it panicked. That costs one call.
    pub(super) fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        if self.stuck.remove(&id).is_some() {
            return;
        }
        let Some(modem) = self.task_modems.remove(&id) else { return };
        if self.has_left(id, &modem) || self.workers.get(&modem).is_none_or(|worker| worker.task != id) {
            return;
        }
        let Some(worker) = self.workers.remove(&modem) else { return };
        let why = match ended {
            Ok(_) => "its worker ended early".to_owned(),
            Err(error) if error.is_cancelled() => {
                "it took longer than all its limits allow: its worker was ended".to_owned()
            }
            Err(error) => panic_text(error),
        };
        // The port was dropped with the task, which hung up; the new worker's set-up proves it.
        self.hire(worker.seat.clone(), None, worker.call.is_some() || worker.check.is_some());
        self.died(&modem, worker, &why);
    }

    /// A worker is no more: that costs what it was at.
    pub(super) fn died(&mut self, modem: &ModemId, worker: Worker, why: &str) {
        tracing::error!(%modem, "{why}");
        let (modem, why) = (modem.clone(), why.to_owned());
        let Worker { call: running, check, limit, .. } = worker;
        if let Some(limit) = limit {
            self.limits.remove(&(limit, modem.clone()));
        }
        self.modem(modem.clone(), ModemState::Out, Some(Fault::Internal), why.clone());
        if let Some(check) = check {
            return self.check_died(&modem, &check, &why);
        }
        let Some(Running { spec, started, began, password_sent, .. }) = running else {
            self.step(Input::ModemOut { modem, fault: Fault::Internal, detail: why });
            return;
        };
        self.held.insert(spec.number().clone(), modem.clone());
        let charge = self.charge_all_since(&spec.price, began);
        self.desk.call_over(&spec.line.id, password_sent);
        self.desk_effects();
        self.emit(EventKind::CallEnded(Box::new(CallRecord {
            call: spec.call.clone(),
            line: spec.line.id.clone(),
            modem: modem.clone(),
            attempt: spec.attempt,
            dialed: spec.dial.masked(),
            via: spec.via.clone(),
            started,
            finished: self.clock.wall(),
            timeline: Timeline::default(),
            rings: None,
            fault: Some(Fault::Internal),
            detail: why.clone(),
            cut_short_ms: None,
            link: Link::default(),
            diagnostics: None,
            hostname: None,
            consoles: Vec::new(),
            charge: Some(charge),
            hangup: Hangup::Unproven,
            unknown: Vec::new(),
            transcript: None,
        })));
        self.step(Input::Panicked { modem, line: spec.line.id, detail: why });
    }
}

/// Dial command .. CONNECT.
fn connected_after(record: &CallRecord) -> Option<Duration> {
    let at = |moment| record.timeline.get(moment).map(|mark| mark.at);
    Some(at(Moment::Connected)?.since(at(Moment::Dialed)?))
}

fn panic_text(error: JoinError) -> String {
    let what = match error.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    format!("its worker panicked: {}", clean_line(&what))
}
