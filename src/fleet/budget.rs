//! What a run may spend on calls, on billed time and on money, and what it has spent. Pure.
//!
//! A budget is never exceeded: before a call begins, the most that it can take is set aside in every purse that it is
//! paid from, and once it has ended, what it took is spent and the rest is free again. What a call can take at most and
//! what it took are [`Charge`]s, and others work them out; which line goes without its call is the scheduler's to decide.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::model::{Charge, Micros, NumberClass};

/// What may be spent; absent is without a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purse {
    /// Calls that dial.
    pub calls: Option<u64>,
    /// Billed time, after the tariff's rounding; whole seconds.
    pub time: Option<Duration>,
    /// Money, in the tariff's currency.
    pub cost: Option<Micros>,
}

impl Purse {
    /// Whether it has no limit at all.
    pub const fn is_unlimited(&self) -> bool {
        self.calls.is_none() && self.time.is_none() && self.cost.is_none()
    }
}

/// The purses of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// For all of its calls, those of checks of the bench too.
    pub run: Purse,
    /// For all of its calls of a class; a class that is not here has no limit.
    pub by_class: BTreeMap<NumberClass, Purse>,
    /// For the calls of each line.
    pub line: Purse,
    /// For the calls to each number.
    pub number: Purse,
}

impl Budget {
    /// Whether some purse has a limit in money.
    pub fn counts_money(&self) -> bool {
        [&self.run, &self.line, &self.number]
            .into_iter()
            .chain(self.by_class.values())
            .any(|purse| purse.cost.is_some())
    }
}

/// Whose purse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The line's.
    Line,
    /// The number's.
    Number,
    /// That of all calls of this class.
    Class(NumberClass),
    /// The run's.
    Run,
}

/// What a purse is short of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Calls.
    Calls,
    /// Billed time.
    Time,
    /// Money.
    Cost,
}

/// A purse that can't pay for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shortage {
    /// Whose it is.
    pub scope: Scope,
    /// What it is short of.
    pub measure: Measure,
    /// Its limit, in calls, seconds or millionths of the currency.
    pub limit: u64,
}

impl fmt::Display for Shortage {
    /// `the run's budget of 100 calls`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope {
            Scope::Line => f.write_str("the line's budget of ")?,
            Scope::Number => f.write_str("the number's budget of ")?,
            Scope::Class(class) => write!(f, "the run's budget for {} calls of ", class.word())?,
            Scope::Run => f.write_str("the run's budget of ")?,
        }
        match (self.measure, self.limit) {
            (Measure::Calls, 1) => f.write_str("1 call"),
            (Measure::Calls, calls) => write!(f, "{calls} calls"),
            (Measure::Time, seconds) if seconds % 60 == 0 => write!(f, "{} min", seconds / 60),
            (Measure::Time, seconds) => write!(f, "{} min {} s", seconds / 60, seconds % 60),
            (Measure::Cost, micros) => write!(f, "{}", Micros(micros)),
        }
    }
}

/// Whether a call may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Funds {
    /// All of its purses can pay for the longest that it can be.
    Enough,
    /// Not now: what this purse has left is set aside for calls that are running. It may be enough once they have ended.
    SetAside(Shortage),
    /// Not in this run any more: so much of this purse is spent for good.
    Spent(Shortage),
}

/// What is set aside for one call, until it is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what is set aside stays so until it is settled"]
pub struct SetAside<L, N> {
    line: Option<L>,
    number: N,
    most: Charge,
}

/// What was counted of one purse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    calls: u64,
    seconds: u64,
    cost: Micros,
}

impl Sums {
    fn of(charge: &Charge) -> Self {
        Self { calls: 1, seconds: charge.billed_s.into(), cost: charge.cost.unwrap_or_default() }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            seconds: self.seconds.saturating_add(other.seconds),
            cost: self.cost.plus(other.cost),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(other.calls),
            seconds: self.seconds.saturating_sub(other.seconds),
            cost: Micros(self.cost.0.saturating_sub(other.cost.0)),
        }
    }

    /// What of the purse these go beyond, if they do.
    fn beyond(&self, purse: &Purse) -> Option<(Measure, u64)> {
        let over = |spent: u64, limit: Option<u64>| limit.filter(|limit| spent > *limit);
        let calls = over(self.calls, purse.calls).map(|limit| (Measure::Calls, limit));
        let time = over(self.seconds, purse.time.map(|time| time.as_secs()));
        let cost = over(self.cost.0, purse.cost.map(|cost| cost.0));
        calls.or(time.map(|limit| (Measure::Time, limit))).or(cost.map(|limit| (Measure::Cost, limit)))
    }
}

/// One purse's book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Account {
    /// Spent for good.
    spent: Sums,
    /// Set aside for calls that are running.
    aside: Sums,
}

impl Account {
    fn funds(&self, purse: &Purse, scope: Scope, most: &Charge) -> Funds {
        if most.cost.is_none()
            && let Some(limit) = purse.cost
        {
            // It could cost anything.
            return Funds::Spent(Shortage { scope, measure: Measure::Cost, limit: limit.0 });
        }
        let spent = self.spent.plus(Sums::of(most));
        let shortage = |(measure, limit)| Shortage { scope, measure, limit };
        if let Some(beyond) = spent.beyond(purse) {
            return Funds::Spent(shortage(beyond));
        }
        match spent.plus(self.aside).beyond(purse) {
            Some(beyond) => Funds::SetAside(shortage(beyond)),
            None => Funds::Enough,
        }
    }
}

/// The book of a run: what is spent, and what is set aside. `L` names a line, `N` a number.
#[derive(Debug, Clone)]
pub struct Ledger<L, N> {
    budget: Budget,
    run: Account,
    by_class: BTreeMap<NumberClass, Account>,
    // Kept only where there is a limit: a plan may have a million lines.
    lines: BTreeMap<L, Account>,
    numbers: BTreeMap<N, Account>,
}

impl<L: Ord + Clone, N: Ord + Clone> Ledger<L, N> {
    /// A book with nothing in it.
    pub const fn new(budget: Budget) -> Self {
        Self {
            budget,
            run: Account { spent: NOTHING, aside: NOTHING },
            by_class: BTreeMap::new(),
            lines: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// The budget that it keeps.
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Counts a call of an earlier sitting. One of which the end is not known took the most that it can have.
    pub fn spend(&mut self, line: Option<&L>, number: &N, took: &Charge) {
        self.each(line, number, took.class, |account| account.spent = account.spent.plus(Sums::of(took)));
    }

    /// Whether a call may begin that takes `most` at most. A check of the bench has no line. Of several purses that
    /// can't pay, one that is spent for good is told before one that is not, and the line's and the number's own before
    /// those that all share.
    pub fn may_begin(&self, line: Option<&L>, number: &N, most: &Charge) -> Funds {
        let class = most.class;
        let none = Account::default();
        let of_line = line.map(|line| (self.lines.get(line), &self.budget.line, Scope::Line));
        let of_class = self.budget.by_class.get(&class);
        let purses = [
            of_line,
            Some((self.numbers.get(number), &self.budget.number, Scope::Number)),
            of_class.map(|purse| (self.by_class.get(&class), purse, Scope::Class(class))),
            Some((Some(&self.run), &self.budget.run, Scope::Run)),
        ];
        let mut not_now = None;
        for (account, purse, scope) in purses.into_iter().flatten() {
            match account.unwrap_or(&none).funds(purse, scope, most) {
                Funds::Spent(shortage) => return Funds::Spent(shortage),
                Funds::SetAside(shortage) => not_now = not_now.or(Some(shortage)),
                Funds::Enough => {}
            }
        }
        not_now.map_or(Funds::Enough, Funds::SetAside)
    }

    /// Sets aside the most that a call can take, and lets it begin.
    ///
    /// # Errors
    /// If it may not: nothing is set aside then.
    pub fn begin(&mut self, line: Option<L>, number: N, most: Charge) -> Result<SetAside<L, N>, Funds> {
        match self.may_begin(line.as_ref(), &number, &most) {
            Funds::Enough => {}
            funds @ (Funds::SetAside(_) | Funds::Spent(_)) => return Err(funds),
        }
        let aside = Sums::of(&most);
        self.each(line.as_ref(), &number, most.class, |account| account.aside = account.aside.plus(aside));
        Ok(SetAside { line, number, most })
    }

    /// A call has ended: what it took is spent, and the rest of what was set aside is free again. Absent: it dialed
    /// nothing, and is no call.
    pub fn settle(&mut self, reserve: SetAside<L, N>, took: Option<&Charge>) {
        let SetAside { line, number, most } = reserve;
        let (aside, took) = (Sums::of(&most), took.map_or(NOTHING, Sums::of));
        self.each(line.as_ref(), &number, most.class, |account| {
            account.aside = account.aside.minus(aside);
            account.spent = account.spent.plus(took);
        });
    }

    /// A call has ended, and nobody knows what it took: all that was set aside is spent.
    pub fn settle_in_full(&mut self, reserve: SetAside<L, N>) {
        let most = reserve.most;
        self.settle(reserve, Some(&most));
    }

    fn each(
        &mut self,
        line: Option<&L>,
        number: &N,
        class: NumberClass,
        mut change: impl FnMut(&mut Account),
    ) {
        change(&mut self.run);
        if self.budget.by_class.contains_key(&class) {
            change(self.by_class.entry(class).or_default());
        }
        if let Some(line) = line.filter(|_| !self.budget.line.is_unlimited()) {
            change(self.lines.entry(line.clone()).or_default());
        }
        if !self.budget.number.is_unlimited() {
            change(self.numbers.entry(number.clone()).or_default());
        }
    }
}

const NOTHING: Sums = Sums { calls: 0, seconds: 0, cost: Micros(0) };

#[cfg(test)]
mod tests;
