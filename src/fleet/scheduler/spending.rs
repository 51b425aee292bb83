//! The budget as the scheduler keeps it: what is set aside for each call, and which lines go without.
//!
//! How purses are counted is [`crate::fleet::budget`]'s.

use super::judge::Shut;
use super::{CallReport, Check, Scheduler};
use crate::fleet::budget::{Funds, Purse, Scope, SetAside};
use crate::model::Charge;

/// Why a line whose number has had its lawful calls is judged by what it has.
pub(super) const NO_MORE_CALLS: &str = "redial rules allow its number no more calls in this run";
/// A number that stands for none of the plan's: its purse is never used.
const NO_NUMBER: usize = usize::MAX;

/// What is set aside for a call: by line and number.
pub(super) type Aside = SetAside<usize, usize>;

impl Scheduler {
    /// Whether no budget pays for another call of this line by this way, in this run.
    pub(super) fn unaffordable(&self, line: usize, way: usize) -> Option<Shut> {
        if !self.has_budget {
            return None;
        }
        let way = &self.lines[line].ways[way];
        let Funds::Spent(shortage) = self.ledger.may_begin(Some(&line), &way.number, &way.worst) else {
            return None;
        };
        Some(match shortage.scope {
            Scope::Line | Scope::Number => Shut::Spent(format!("{shortage} allows no more calls")),
            Scope::Run | Scope::Class(_) => Shut::OverBudget(format!("{shortage} is spent")),
        })
    }

    /// Whether a gate of the budget is open: what is left pays for one more such call, or never will.
    pub(super) fn purse_is_open(&self, purse: usize) -> bool {
        let funds = self.ledger.may_begin(None, &NO_NUMBER, &self.purses[purse]);
        !matches!(funds, Funds::SetAside(_))
    }

    /// What a purse waits for, in words.
    pub(super) fn purse_words(&self, purse: usize) -> String {
        match self.ledger.may_begin(None, &NO_NUMBER, &self.purses[purse]) {
            Funds::SetAside(shortage) => {
                format!("what is left of {shortage} is set aside for calls that are running")
            }
            Funds::Spent(_) | Funds::Enough => "its budget".to_owned(),
        }
    }

    /// Where lines wait whose calls are charged like this, if a budget that calls share has a limit.
    pub(super) fn purse_of(&mut self, worst: &Charge) -> Option<usize> {
        let budget = self.ledger.budget();
        if budget.run.is_unlimited() && budget.by_class.get(&worst.class).is_none_or(Purse::is_unlimited) {
            return None;
        }
        let known = self.purses.iter().position(|purse| purse == worst);
        Some(known.unwrap_or_else(|| {
            self.purses.push(*worst);
            self.purses.len() - 1
        }))
    }

    /// Sets aside what a call may take at most.
    pub(super) fn set_aside(&mut self, line: Option<usize>, number: usize, worst: Charge) -> Option<Aside> {
        if !self.has_budget {
            return None;
        }
        self.ledger.begin(line, number, worst).ok()
    }

    /// A call is over: what it took is spent. One that dialed and of which nothing else is known took all that it could.
    pub(super) fn settle(&mut self, aside: Option<Aside>, dialed: bool, charge: Option<&Charge>) {
        let Some(aside) = aside else { return };
        match charge {
            Some(charge) => self.ledger.settle(aside, Some(charge)),
            None if dialed => self.ledger.settle_in_full(aside),
            None => self.ledger.settle(aside, None),
        }
        for purse in 0..self.purses.len() {
            let gate = self.purse_gate(purse);
            if self.gates.is_awaited(gate) {
                self.ajar.insert(gate);
            }
        }
    }

    /// What a check's call is charged at most; nothing where it calls nobody, or nobody knows.
    pub(super) fn toll(&self, check: &Check) -> Option<Charge> {
        match check {
            Check::DialTone => None,
            Check::Reference => self.targets.plan.toll,
            Check::Peer(peer) => self.tolls.get(*self.modem_index.get(peer)?).copied().flatten(),
            Check::Line(line) => Some(self.lines[*self.line_index.get(line)?].ways[0].worst),
        }
    }

    /// Whether the budget pays for a check now, or later (absent), or never.
    pub(super) fn pays_for(&self, check: &Check) -> Funds {
        let (Some(toll), true) = (self.toll(check), self.has_budget) else { return Funds::Enough };
        let number = self.number_of(check).unwrap_or(NO_NUMBER);
        let line = match check {
            Check::Line(line) => self.line_index.get(line),
            Check::DialTone | Check::Reference | Check::Peer(_) => None,
        };
        self.ledger.may_begin(line, &number, &toll)
    }

    /// A gate for each kind of charge that waits for what is set aside.
    pub(super) fn open_purses(&mut self) {
        for line in 0..self.lines.len() {
            for way in 0..self.lines[line].ways.len() {
                let worst = self.lines[line].ways[way].worst;
                let purse = self.purse_of(&worst);
                self.lines[line].ways[way].purse = purse;
            }
        }
        // What a call takes is counted by the ledger: the gate itself lets any number through.
        for _ in &self.purses {
            self.gates.add(u32::MAX);
        }
    }

    /// The gate of a purse.
    pub(super) const fn purse_gate(&self, purse: usize) -> usize {
        self.numbers.len() + self.groups.len() + purse
    }

    /// Counts a call of an earlier sitting.
    pub(super) fn recall_charge(&mut self, line: usize, way: usize, report: &CallReport) {
        let way = &self.lines[line].ways[way];
        let charge = report.charge.or(report.dialed.then_some(way.worst));
        if let Some(charge) = charge {
            self.ledger.spend(Some(&line), &way.number, &charge);
        }
    }

    /// Counts a call of which no end is known.
    pub(super) fn spend_in_full(&mut self, line: usize, way: usize) {
        let way = &self.lines[line].ways[way];
        self.ledger.spend(Some(&line), &way.number, &way.worst);
    }

    /// Counts what earlier sittings spent on checks.
    pub(super) fn recall_checks(&mut self, charges: &[Charge]) {
        for charge in charges {
            self.ledger.spend(None, &NO_NUMBER, charge);
        }
    }
}
