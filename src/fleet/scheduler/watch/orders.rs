//! What is held of orders: each is answered once, nothing is begun that was forbidden, nobody is blamed for what an order cut off.

use super::{
    CallClass, CallReport, Decision, Fault, LineId, ModemId, Mono, PhoneNumber, RedialCount, Seat, Watch,
};
use crate::fleet::order::{Loan, Order, Standing};

impl Watch {
    /// Takes in an order, before it is answered.
    pub(super) fn told(&mut self, now: Mono, ticket: u64, order: &Order) {
        assert!(self.open_tickets.insert(ticket), "two orders with one ticket");
        match order {
            Order::Disable { modem, why } if self.seats.contains_key(modem) => {
                self.disabled.insert(modem.clone(), why.clone());
            }
            Order::Enable { modem } => drop(self.disabled.remove(modem)),
            Order::Skip { line, why } if self.plan.lines.iter().any(|job| job.id == *line) => {
                self.skipped.insert(line.clone(), why.clone());
            }
            Order::Restore { line } => drop(self.skipped.remove(line)),
            Order::Stop { .. } | Order::Drain { .. } => self.draining = true,
            Order::TakeBack { modem } => self.taken_home(now, modem),
            Order::Lend { numbers, line } => {
                let loan = Loan { numbers: numbers.clone(), line: line.clone() };
                self.wanted.insert(ticket, loan);
            }
            Order::Pause { .. }
            | Order::Resume
            | Order::Disable { .. }
            | Order::Restart { .. }
            | Order::Skip { .. } => {}
        }
    }

    fn taken_home(&mut self, now: Mono, modem: &ModemId) {
        let Some(loan) = self.lent.remove(modem) else { return };
        self.renewed(modem, Seat::SettingUp);
        for number in self.known_numbers(&loan) {
            self.redial.entry(number).or_default().note(&self.plan.redial, now, None, false);
        }
    }

    /// Those of them that the run may call itself.
    fn known_numbers(&self, loan: &Loan) -> Vec<PhoneNumber> {
        let planned = |number: &PhoneNumber| {
            self.plan.lines.iter().any(|job| job.ways.iter().any(|way| way.number == *number))
                || self.plan.checks.reference.as_ref() == Some(number)
        };
        let mut numbers: Vec<PhoneNumber> =
            loan.numbers.iter().filter(|number| planned(number)).cloned().collect();
        numbers.sort();
        numbers.dedup();
        numbers
    }

    /// Lines that lent modems call.
    pub(super) fn lent_lines(&self) -> impl Iterator<Item = &LineId> {
        self.lent.values().filter_map(|loan| loan.line.as_ref())
    }

    /// A technician calls it.
    pub(super) fn is_lent_out(&self, number: &PhoneNumber) -> bool {
        self.lent.values().any(|loan| loan.numbers.contains(number))
    }

    /// Whether a call that is over was called off, and came to nothing else.
    pub(super) fn was_called_off(&mut self, report: &CallReport) -> bool {
        let recalled = self.recalled.remove(&report.line);
        recalled && report.fault == Some(Fault::Cancelled) && !self.draining
    }

    /// It counts as not made, but for the digits.
    pub(super) fn called_off(&mut self, now: Mono, report: &CallReport) {
        let (line, way) = (report.line.clone(), self.way(report));
        if report.dialed {
            let number = self.number(report).clone();
            self.redial.entry(number).or_default().note(&self.plan.redial, now, None, false);
            self.lost.push((line, way));
        } else {
            self.called_off.push((line, way));
        }
        let modem = report.modem.clone();
        let seat = match self.leaving.remove(&modem) {
            _ if self.quarantined.contains(&modem) => (Seat::Out, None),
            Some(fault) => (Seat::Out, Some(fault)),
            None => (Seat::Ready, None),
        };
        self.seats.insert(modem, seat);
    }

    /// Of a defect: its modem is set up again at once, the first time.
    pub(super) fn after_death(&mut self, modem: &ModemId, leaving: Option<Fault>) -> (Seat, Option<Fault>) {
        let deaths = self.deaths.entry(modem.clone()).or_default();
        *deaths += 1;
        (if *deaths > 1 { Seat::Out } else { Seat::SettingUp }, leaving)
    }

    /// A modem did its part.
    pub(super) fn lived(&mut self, modem: &ModemId, class: CallClass) {
        if !matches!(class, CallClass::Defect | CallClass::BenchModem | CallClass::BenchLine) {
            self.deaths.remove(modem);
        }
    }

    /// Nobody is in service, since all were taken out of it.
    pub(super) fn all_are_away(&self) -> bool {
        self.seats.values().any(|(seat, _)| *seat == Seat::Away) && !self.has_service()
    }

    pub(super) fn decided_by_order(&mut self, now: Mono, decision: &Decision) {
        match decision {
            Decision::Answer { ticket, answer } => {
                assert!(self.open_tickets.remove(ticket), "answered twice");
                self.wanted.remove(ticket);
                if let Err(why) = answer {
                    assert!(!why.is_empty(), "refused without a reason");
                }
            }
            Decision::Lend { ticket, modem, .. } => {
                assert!(self.open_tickets.remove(ticket), "answered twice");
                let loan = self.wanted.remove(ticket).expect("somebody wanted it");
                assert!(!self.draining && !self.past_deadline, "lent at the end");
                assert_eq!(self.seats[modem].0, Seat::Ready, "{modem} is not free");
                assert!(!self.quarantined.contains(modem) && !self.disabled.contains_key(modem));
                assert!(self.trunk_has_room(modem), "trunk limit exceeded");
                for number in &self.known_numbers(&loan) {
                    assert!(!self.is_being_called(number), "lent for a number that is busy");
                    assert!(!self.running.keys().any(|busy| self.number_in_call(busy) == number));
                    assert!(!self.is_barred(now, number, modem), "{modem} refuses the number");
                    let law = &self.plan.redial;
                    let lawful = |count: &RedialCount| count.until(now).is_none() && !count.is_spent(law);
                    assert!(self.redial.get(number).is_none_or(lawful), "lent against redial rules");
                }
                let planned = loan.line.as_ref().filter(|line| self.windows.contains_key(line));
                assert!(planned.is_none_or(|line| self.groups_have_room(line)), "too many calls in a group");
                self.seats.insert(modem.clone(), (Seat::Lent, None));
                self.lent.insert(modem.clone(), loan);
            }
            Decision::Paused { .. } => self.paused = true,
            Decision::Resumed => assert!(std::mem::take(&mut self.paused), "resumed, and was not paused"),
            Decision::Recall(modem) => {
                assert_eq!(self.seats[modem].0, Seat::InCall, "called off what does not run");
                let line = self.running.iter().find(|(_, (on, _))| on == modem).map(|(line, _)| line.clone());
                self.recalled.extend(line);
            }
            Decision::Dismiss { modem, .. } => {
                assert!(self.disabled.contains_key(modem), "{modem} was not disabled");
                self.leaves(modem, Seat::Away);
            }
            Decision::Restart(modem) => {
                assert!(!self.disabled.contains_key(modem), "{modem} is disabled");
                self.leaves(modem, Seat::SettingUp);
            }
            Decision::Down { modem, fault, .. } => {
                self.down.insert(modem.clone());
                self.seats.insert(modem.clone(), (Seat::Out, Some(*fault)));
            }
            _ => unreachable!("nothing that was ordered"),
        }
    }

    fn leaves(&mut self, modem: &ModemId, to: Seat) {
        assert!(!matches!(self.seats[modem].0, Seat::InCall | Seat::Lent), "{modem} is not on-hook");
        self.renewed(modem, to);
    }

    fn renewed(&mut self, modem: &ModemId, to: Seat) {
        self.down.remove(modem);
        self.deaths.remove(modem);
        self.lineless.remove(modem);
        self.leaving.remove(modem);
        self.seats.insert(modem.clone(), (to, None));
    }

    /// What whoever operates the run holds to over its death.
    pub(super) fn standing(&mut self) -> Standing {
        self.open_tickets.clear();
        self.wanted.clear();
        self.recalled.clear();
        self.down.clear();
        self.deaths.clear();
        self.paused = false;
        let off = std::mem::take(&mut self.called_off);
        self.lost.extend(off);
        let lent: Vec<ModemId> = self.lent.keys().cloned().collect();
        for (id, (seat, _)) in &mut self.seats {
            if self.disabled.contains_key(id) {
                *seat = Seat::Away;
            }
        }
        for id in lent {
            if self.disabled.contains_key(&id) {
                self.lent.remove(&id);
            } else {
                self.seats.insert(id, (Seat::Lent, None));
            }
        }
        Standing {
            disabled: self.disabled.clone(),
            lent: self.lent.clone(),
            skipped: self.skipped.clone(),
            paused: None,
        }
    }
}
