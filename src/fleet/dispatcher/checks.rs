//! How modems are checked, and what is told of it: acts of our own bench, which no line's figures have a part in.

use std::time::Duration;

use super::{LineBook, NotDialed, Run};
use crate::call::CallSpec;
use crate::fleet::scheduler::{Check, CheckReport, Input};
use crate::fleet::worker::{self, CheckOver, Command, OpenPort};
use crate::model::event::{CheckKind, CheckOutcome, CheckRecord, Hangup, ModemState};
use crate::model::{Charge, EventKind, Fault, ModemId, Mono, PhoneNumber, Price};

/// A check that is being made, or the answer to one.
pub(super) struct RunningCheck {
    /// Absent for the modem that answers.
    kind: Option<CheckKind>,
    /// Whom it calls; absent where no digit is dialed.
    called: Option<Called>,
    began: Mono,
}

/// Whom a check calls.
#[derive(Debug)]
pub(super) struct Called {
    /// The dial string, masked.
    dialed: String,
    number: PhoneNumber,
    price: Price,
}

impl<O: OpenPort, B: LineBook> Run<'_, O, B> {
    pub(super) fn check(&mut self, modem: &ModemId, check: &Check) {
        if *check == Check::DialTone {
            return self.begin_check(modem, Some(check.kind()), None, Command::DialTone, check.told());
        }
        let call = match self.may_check(check) {
            Ok(()) => self.book.check(check, modem),
            Err(why) => Err(NotDialed(why)),
        };
        match call {
            Ok(spec) => {
                if let Check::Peer(peer) = check {
                    // It must listen before the other one dials.
                    let what = format!("answers `{modem}`");
                    self.begin_check(peer, None, None, Command::Answer, what);
                }
                self.call_for_check(modem, check, spec);
            }
            Err(why) => {
                if let Check::Peer(peer) = check {
                    self.step(Input::Answered(peer.clone()));
                }
                self.step(Input::Checked(Box::new(CheckReport {
                    modem: modem.clone(),
                    outcome: CheckOutcome::Unknown,
                    fault: Some(Fault::Screened),
                    detail: why.to_string(),
                    dialed: false,
                    held: false,
                    charge: None,
                })));
            }
        }
    }

    fn call_for_check(&mut self, modem: &ModemId, check: &Check, spec: CallSpec) {
        let called = Some(Called {
            dialed: spec.dial.masked(),
            number: spec.number().clone(),
            price: spec.price.clone(),
        });
        self.begin_check(modem, Some(check.kind()), called, Command::Check(Box::new(spec)), check.told());
    }

    fn begin_check(
        &mut self,
        modem: &ModemId,
        kind: Option<CheckKind>,
        called: Option<Called>,
        command: Command,
        what: String,
    ) {
        let began = self.clock.now();
        if let Some(worker) = self.workers.get_mut(modem) {
            worker.check = Some(RunningCheck { kind, called, began });
        }
        self.modem(modem.clone(), ModemState::Checking, None, what);
        let longest = match &command {
            Command::Check(spec) => self.longest_call(modem, spec),
            Command::SetUp | Command::Call(_) | Command::DialTone | Command::Answer => {
                self.seats.get(modem).map(worker::longest_listening).unwrap_or_default()
            }
        };
        self.command(modem, command, longest);
    }

    pub(super) fn check_over(&mut self, modem: ModemId, over: CheckOver) {
        let Some(check) = self.workers.get_mut(&modem).and_then(|worker| worker.check.take()) else { return };
        let CheckOver { outcome, fault, detail, dialed, hangup, hangup_detail, port_lost, charge, .. } = over;
        let unproven = hangup == Hangup::Unproven;
        if let Some(kind) = check.kind {
            self.tell_check(&modem, kind, &check, (outcome, fault, &detail), charge);
        }
        self.state_after_check(&modem, outcome, fault, &detail);
        if unproven {
            if let Some(called) = &check.called {
                self.held.insert(called.number.clone(), modem.clone());
            }
            let why = format!("on-hook is not proven: {hangup_detail}");
            let fault = if port_lost { Fault::PortLost } else { Fault::ModemSilent };
            self.modem_away(&modem, ModemState::HangupUnproven, fault, hangup_detail);
            self.step(Input::ModemOut { modem: modem.clone(), fault, detail: why });
        }
        if check.kind.is_none() {
            return self.step(Input::Answered(modem));
        }
        self.step(Input::Checked(Box::new(CheckReport {
            modem,
            outcome,
            fault,
            detail,
            dialed,
            held: unproven && !port_lost,
            charge: charge.filter(|_| dialed),
        })));
    }

    fn tell_check(
        &mut self,
        modem: &ModemId,
        kind: CheckKind,
        check: &RunningCheck,
        (outcome, fault, detail): (CheckOutcome, Option<Fault>, &str),
        charge: Option<Charge>,
    ) {
        let took: Duration = self.clock.now().since(check.began);
        self.emit(EventKind::BenchCheck(Box::new(CheckRecord {
            modem: modem.clone(),
            check: kind,
            outcome,
            dialed: check.called.as_ref().map(|called| called.dialed.clone()),
            fault,
            detail: detail.to_owned(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            charge,
        })));
    }

    /// What the modem is now, as far as the check says it; the scheduler may say more at once.
    fn state_after_check(
        &mut self,
        modem: &ModemId,
        outcome: CheckOutcome,
        fault: Option<Fault>,
        detail: &str,
    ) {
        let ours = fault.filter(|fault| outcome == CheckOutcome::Failed && fault.blame().is_bench());
        if ours.is_some() {
            self.modem(modem.clone(), ModemState::Out, ours, detail.to_owned());
        } else if !self.quarantined.contains(modem) {
            self.modem(modem.clone(), ModemState::Ready, None, String::new());
        } else if outcome != CheckOutcome::Passed {
            let detail = format!("still under quarantine: {detail}");
            self.modem(modem.clone(), ModemState::Quarantined, None, detail);
        }
    }

    /// The worker of a check died: it says nothing of its modem.
    pub(super) fn check_died(&mut self, modem: &ModemId, check: &RunningCheck, why: &str) {
        let Some(kind) = check.kind else {
            let (modem, detail) = (modem.clone(), why.to_owned());
            self.step(Input::ModemOut { modem: modem.clone(), fault: Fault::Internal, detail });
            return self.step(Input::Answered(modem));
        };
        // Nobody knows what became of its call: all of the time may have been billed.
        let mut charge = None;
        if let Some(called) = &check.called {
            self.held.insert(called.number.clone(), modem.clone());
            charge = Some(self.charge_all_since(&called.price, check.began));
        }
        let fault = Some(Fault::Internal);
        self.tell_check(modem, kind, check, (CheckOutcome::Unknown, fault, why), charge);
        self.step(Input::Checked(Box::new(CheckReport {
            modem: modem.clone(),
            outcome: CheckOutcome::Unknown,
            fault,
            detail: why.to_owned(),
            dialed: check.called.is_some(),
            held: check.called.is_some(),
            charge,
        })));
    }
}
