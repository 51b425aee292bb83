//! What is held of checks, and what is learned from them and from calls: evidence, refusals, redials.

use super::{
    Call, CallClass, CallReport, Check, Fault, ModemId, Mono, NUMBER_HELD, PhoneNumber, Preflight,
    RedialCount, Seat, Watch,
};
use crate::fleet::pileup::PILE_UP_LINES;
use crate::fleet::scheduler::{CheckReport, FAULTY_MODEMS, KNOWN_LINE_CHECKS_MAX};
use crate::model::Moment;
use crate::model::event::CheckOutcome;

impl Watch {
    // --- what is learned

    pub(super) fn learned(&mut self, now: Mono, report: &CallReport, class: CallClass) {
        let (line, modem) = (&report.line, &report.modem);
        let key = (line.clone(), report.attempt);
        if class == CallClass::Passed {
            self.unproven.remove(modem);
            self.failed_checks.remove(modem);
        } else if class.is_failing() && self.quarantined.contains(modem) {
            self.void.insert(key);
        } else if class.is_failing() {
            self.unproven.entry(modem.clone()).or_default().push(key);
        }
        self.pile_up(report, class);
        let number = self.number(report).clone();
        if report.dialed {
            self.redialed(now, number.clone(), report.fault, class == CallClass::Passed);
        }
        if report.fault == Some(Fault::ModemRefused) {
            let until = report.refused_for.map(|span| now + span);
            self.barred.insert((modem.clone(), number), until);
        }
    }

    fn pile_up(&mut self, report: &CallReport, class: CallClass) {
        if class == CallClass::Passed || report.furthest >= Some(Moment::Prompted) {
            self.piles.remove(&report.modem);
        } else if class.is_failing() {
            self.piles.entry(report.modem.clone()).or_default().insert(report.line.clone());
        }
    }

    /// As a resumed sitting counts them: it knows of no checks.
    pub(super) fn recount_piles(&mut self) {
        self.piles.clear();
        for report in self.journal.clone() {
            if !self.void.contains(&(report.line.clone(), report.attempt)) {
                self.pile_up(&report, CallClass::of(report.fault));
            }
        }
    }

    fn redialed(&mut self, now: Mono, number: PhoneNumber, fault: Option<Fault>, through: bool) {
        self.redial.entry(number).or_default().note(&self.plan.redial, now, fault, through);
    }

    /// As a resumed sitting counts them: from the journal, with all pauses to be kept from its start.
    pub(super) fn recount_redials(&mut self) {
        self.redial.clear();
        for report in self.journal.clone() {
            if CallClass::of(report.fault) == CallClass::Policy || !report.dialed {
                continue;
            }
            let through = CallClass::of(report.fault) == CallClass::Passed;
            let number = self.number(&report).clone();
            self.redialed(Mono::ZERO, number, report.fault, through);
        }
        for (line, way) in self.lost.clone() {
            let number = self.job(&line).ways[way].number.clone();
            self.redialed(Mono::ZERO, number, None, false);
        }
    }

    pub(super) fn is_spent(&self, number: &PhoneNumber) -> bool {
        self.redial.get(number).is_some_and(|count: &RedialCount| count.is_spent(&self.plan.redial))
    }

    pub(super) fn is_barred(&self, now: Mono, number: &PhoneNumber, modem: &ModemId) -> bool {
        let key = (modem.clone(), number.clone());
        self.barred.get(&key).is_some_and(|until| until.is_none_or(|until| until > now))
    }

    fn number_called(&self, check: &Check) -> Option<&PhoneNumber> {
        match check {
            Check::DialTone | Check::Peer(_) => None,
            Check::Reference => self.plan.checks.reference.as_ref(),
            Check::Line(line) => Some(&self.job(line).ways[0].number),
        }
    }

    /// A check calls this number.
    pub(super) fn is_being_called(&self, number: &PhoneNumber) -> bool {
        self.is_lent_out(number)
            || self.checking.values().any(|check| self.number_called(check) == Some(number))
    }

    pub(super) fn checked(&mut self, now: Mono, report: &CheckReport) {
        let modem = &report.modem;
        let check = self.checking.remove(modem).expect("only running checks end");
        let number = self.number_called(&check).cloned();
        self.settled(modem, report.dialed, report.charge);
        if let Some(number) = number {
            if report.dialed {
                let through = report.outcome == CheckOutcome::Passed;
                self.redialed(now, number.clone(), report.fault, through);
            }
            if report.held {
                self.held.insert(number, (modem.clone(), now + NUMBER_HELD));
            }
        }
        let ours = report.fault.is_some_and(|fault| fault.blame().is_bench());
        let asked = self.unasked.get_mut(modem).unwrap();
        match (&check, report.outcome) {
            (Check::DialTone, CheckOutcome::Failed) => {}
            (Check::DialTone, _) => {
                *asked = if *asked == Preflight::Reference { Preflight::Reference } else { Preflight::Off };
            }
            (_, CheckOutcome::Passed) => *asked = Preflight::Off,
            // Asked again, or believed without an answer, which is told.
            (_, CheckOutcome::Failed | CheckOutcome::Unknown) => {}
        }
        match (&check, report.outcome) {
            (Check::DialTone, _) => {}
            (_, CheckOutcome::Passed) => {
                *self.passed_checks.entry(modem.clone()).or_default() += 1;
                self.failed_checks.remove(modem);
                self.unproven.remove(modem);
                self.piles.remove(modem);
                self.lineless.remove(modem);
                self.deaths.remove(modem);
            }
            (_, CheckOutcome::Failed) if !ours => {
                *self.failed_checks.entry(modem.clone()).or_default() += 1;
            }
            (_, CheckOutcome::Failed | CheckOutcome::Unknown) => {}
        }
        let seat = match (report.outcome, self.leaving.remove(modem)) {
            (CheckOutcome::Failed, _) if ours => (Seat::Out, report.fault),
            (_, leaving) if report.fault == Some(Fault::Internal) => self.after_death(modem, leaving),
            (_, Some(leaving)) => (Seat::Out, Some(leaving)),
            (_, None) => (Seat::Ready, None),
        };
        self.seats.insert(modem.clone(), seat);
    }

    pub(super) fn answered(&mut self, modem: &ModemId) {
        assert!(self.answering.remove(modem), "{modem} had nothing to answer");
        let seat = match self.leaving.remove(modem) {
            Some(fault) => (Seat::Out, Some(fault)),
            None => (Seat::Ready, None),
        };
        self.seats.insert(modem.clone(), seat);
    }

    // --- what is held

    pub(super) fn invariant_check(&mut self, now: Mono, modem: &ModemId, check: &Check) {
        assert!(self.started && !self.draining && !self.past_deadline, "checked {modem} after the end");
        assert!(!self.paused && !self.disabled.contains_key(modem), "checked {modem} in spite of orders");
        let suspect = self.piles.get(modem).is_some_and(|lines| lines.len() >= PILE_UP_LINES);
        assert!(suspect || self.verdicts.len() < self.plan.lines.len(), "checked {modem} for nobody");
        self.takes_a_seat(modem);
        self.invariant_check_limits(now, modem, check);
        if let Some(number) = self.number_called(check) {
            assert!(!self.is_being_called(number), "two checks call {number}");
            assert!(
                !self.running.keys().any(|busy| self.number_in_call(busy) == number),
                "a check calls a busy number"
            );
            assert!(!self.is_spent(number) && !self.is_held(number, now));
            assert_eq!(self.redial.get(number).and_then(|count| count.until(now)), None);
        }
        match check {
            Check::DialTone => assert_ne!(self.plan.checks.preflight, Preflight::Off),
            Check::Reference => assert!(self.plan.checks.reference.is_some()),
            Check::Peer(peer) => {
                assert!(!self.quarantined.contains(peer), "{peer} is no judge");
                assert!(self.plan.modems.iter().any(|seat| seat.id == *peer && seat.has_number));
                self.checking.insert(modem.clone(), check.clone());
                self.takes_a_seat(peer);
                self.answering.insert(peer.clone());
            }
            Check::Line(line) => {
                let second = self.failed_checks.contains_key(modem);
                let elsewhere =
                    |call: &Call| call.class == CallClass::Passed && (second || call.report.modem != *modem);
                assert!(self.calls(line).iter().any(elsewhere), "`{line}` is not known to be good");
                assert!(!self.number_closed(&self.job(line).ways[0].number));
                assert!(!self.skipped.contains_key(line), "`{line}` is skipped");
                let calls = self.known_line_checks.entry(line.clone()).or_default();
                *calls += 1;
                assert!(*calls <= KNOWN_LINE_CHECKS_MAX, "`{line}` is called too often");
            }
        }
        self.checking.insert(modem.clone(), check.clone());
    }

    fn takes_a_seat(&mut self, modem: &ModemId) {
        assert_eq!(self.seats[modem].0, Seat::Ready, "{modem} is not free");
        assert!(self.trunk_has_room(modem), "trunk limit exceeded");
        self.seats.insert(modem.clone(), (Seat::InCall, None));
    }

    pub(super) fn invariant_take_back(&mut self, modem: &ModemId) {
        assert!(self.quarantined.remove(modem), "{modem} was not under quarantine");
        assert!(self.passed_checks.contains_key(modem), "taken back without a check");
    }

    pub(super) fn invariant_quarantine(&self, modem: &ModemId) {
        let contradicted = self.calls.values().filter(|calls| {
            calls.iter().any(|call| call.class.is_failing() && call.report.modem == *modem)
                && calls.iter().any(|call| call.class == CallClass::Passed && call.report.modem != *modem)
        });
        let failed = |modem: &ModemId| self.failed_checks.get(modem).copied().unwrap_or(0);
        // Modem after modem failed, and none got through: then the whole bench is distrusted.
        let bench = self.seats.keys().filter(|modem| failed(modem) > 0).count() >= FAULTY_MODEMS as usize;
        assert!(
            contradicted.count() >= 3 || failed(modem) > 0 || bench,
            "quarantined {modem} without evidence"
        );
    }
}
