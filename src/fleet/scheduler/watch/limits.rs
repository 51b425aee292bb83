//! What is held of windows, groups, ways and budgets: each call within its window, no limit exceeded, no purse overdrawn.

use std::collections::BTreeSet;

use super::{Call, CallClass, Check, Fault, LineId, ModemId, Mono, PhoneNumber, Watch};
use crate::fleet::budget::Purse;
use crate::fleet::scheduler::{HORIZON, LULL_MAX, Way};
use crate::model::{Blame, Charge, Micros};

/// What a call took, or may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spending {
    pub(super) line: Option<LineId>,
    /// Absent for a number that nobody else calls.
    pub(super) number: Option<PhoneNumber>,
    pub(super) charge: Charge,
    pub(super) check: bool,
}

impl Watch {
    // --- what is known

    /// The process dies: what was running is lost.
    pub(super) fn lose_calls(&mut self) {
        let aside = std::mem::take(&mut self.aside);
        // A check that was running is paid in full, and is no check of which the journal has a charge.
        let running = aside.into_values().filter(|aside| aside.check);
        self.spent.extend(running.map(|aside| Spending { line: None, number: None, check: false, ..aside }));
        let checks = self.checking.values().filter(|check| **check != Check::DialTone).cloned();
        self.lost_checks.extend(checks);
        // What checks took counts for the run from then on, and for no line or number.
        for spent in self.spent.iter_mut().filter(|spent| spent.check) {
            (spent.line, spent.number) = (None, None);
        }
        for (line, way) in std::mem::take(&mut self.on_way) {
            let Way { number, via, worst, .. } = self.job(&line).ways[way].clone();
            self.newly_lost.push((line.clone(), via));
            self.spent.push(Spending {
                line: Some(line.clone()),
                number: Some(number),
                charge: worst,
                check: false,
            });
            self.lost.push((line, way));
        }
        self.running.clear();
        // Those that a signal cut short count as lost too, and are made again.
        let cut = |call: &Call| call.class == CallClass::Policy;
        let lost: Vec<(LineId, usize)> = self
            .calls
            .values()
            .flatten()
            .filter(|call| cut(call))
            .map(|call| (call.report.line.clone(), self.way(&call.report)))
            .collect();
        self.lost.extend(lost);
        self.calls.values_mut().for_each(|calls| calls.retain(|call| !cut(call)));
        // A clock that was set is set for the next sitting too; its windows are the plan's again here.
        self.windows = self.plan.lines.iter().map(|job| (job.id.clone(), job.windows.clone())).collect();
    }

    /// A call is over, and what was set aside for it is settled.
    pub(super) fn settled(&mut self, modem: &ModemId, dialed: bool, charge: Option<Charge>) {
        let Some(aside) = self.aside.remove(modem) else { return };
        let charge = charge.or(dialed.then_some(aside.charge));
        self.spent.extend(charge.map(|charge| Spending { charge, ..aside }));
    }

    /// Sums of calls, seconds and money.
    fn sums<'a>(spent: impl Iterator<Item = &'a Spending>) -> (u64, u64, u64) {
        spent.fold((0, 0, 0), |(calls, seconds, cost), Spending { charge, .. }| {
            (
                calls + 1,
                seconds + u64::from(charge.billed_s),
                cost + charge.cost.map_or(0, |Micros(cost)| cost),
            )
        })
    }

    /// Whether a purse can pay for one more call, beside what is spent and, if asked, set aside.
    fn pays(&self, purse: &Purse, most: &Charge, aside: bool, belongs: impl Fn(&Spending) -> bool) -> bool {
        let aside = self.aside.values().filter(|_| aside);
        let (calls, seconds, cost) =
            Self::sums(self.spent.iter().chain(aside).filter(|spent| belongs(spent)));
        purse.calls.is_none_or(|limit| calls < limit)
            && purse.time.is_none_or(|limit| seconds + u64::from(most.billed_s) <= limit.as_secs())
            && purse.cost.is_none_or(|limit| most.cost.is_some_and(|most| cost + most.0 <= limit.0))
    }

    /// Whether the line's and the number's own purses can pay for a call; and the run's, and its class's.
    pub(super) fn affords(&self, line: Option<&LineId>, way: &Way, aside: bool) -> (bool, bool) {
        let budget = &self.plan.budget;
        let most = &way.worst;
        let own = line.is_none_or(|line| {
            self.pays(&budget.line, most, aside, |spent| spent.line.as_ref() == Some(line))
        }) && self
            .pays(&budget.number, most, aside, |spent| spent.number.as_ref() == Some(&way.number));
        let class = budget
            .by_class
            .get(&most.class)
            .is_none_or(|purse| self.pays(purse, most, aside, |spent| spent.charge.class == most.class));
        (own, class && self.pays(&budget.run, most, aside, |_| true))
    }

    /// Whether a way can't be gone any more in this run.
    pub(super) fn is_shut(&self, line: &LineId, way: &Way) -> bool {
        self.number_closed(&way.number) || self.is_spent(&way.number) || {
            let (own, run) = self.affords(Some(line), way, false);
            !own || !run
        }
    }

    pub(super) fn is_nowhere(&self, line: &LineId) -> bool {
        self.job(line).ways.iter().all(|way| self.is_shut(line, way))
    }

    /// Failing calls that are needed for a verdict: every way that there is, or was gone, has its chance.
    pub(super) fn confirm(&self, line: &LineId) -> usize {
        let tried: BTreeSet<usize> = self
            .calls(line)
            .iter()
            .filter(|call| !self.is_void(call))
            .map(|call| self.way(&call.report))
            .collect();
        let ways = self.job(line).ways.iter().enumerate();
        let chances = ways.filter(|(index, way)| tried.contains(index) || !self.is_shut(line, way)).count();
        chances.max(self.plan.policy.confirm as usize)
    }

    pub(super) fn attempts_max(&self, line: &LineId) -> usize {
        let most = self.plan.policy.attempts as usize;
        if self.job(line).ways.len() > 1 { most.max(self.confirm(line)) } else { most }
    }

    /// The ways that a call may go, as far as the calls before say: the next after one that failed on the way.
    fn next_way(&self, line: &LineId) -> usize {
        let ways = &self.job(line).ways;
        let mut way = 0;
        for call in self.calls(line).iter().filter(|call| !self.is_void(call)) {
            let on_the_way = call.report.fault.is_some_and(|fault| {
                matches!(fault.blame(), Blame::Network | Blame::FarLine | Blame::FarModem | Blame::FarEnd)
            });
            way = self.way(&call.report) + usize::from(call.class.is_failing() && on_the_way);
        }
        (way..way + ways.len())
            .map(|way| way % ways.len())
            .find(|&way| !self.is_shut(line, &ways[way]))
            .unwrap_or(0)
    }

    /// Calls, and checks, that a group carries.
    fn calls_in(&self, group: usize) -> usize {
        let checked = self.checking.values().filter_map(|check| match check {
            Check::Line(line) => Some(line),
            Check::DialTone | Check::Reference | Check::Peer(_) => None,
        });
        let lent = self.lent_lines().filter(|line| self.windows.contains_key(*line));
        self.running
            .keys()
            .chain(checked)
            .chain(lent)
            .filter(|line| self.job(line).groups.contains(&group))
            .count()
    }

    pub(super) fn groups_have_room(&self, line: &LineId) -> bool {
        let room = |group: usize| self.calls_in(group) < self.plan.groups[group].max_calls.get() as usize;
        self.job(line).groups.iter().all(|&group| room(group))
    }

    pub(super) fn is_open(&self, now: Mono, line: &LineId) -> bool {
        self.windows[line].holds(now, self.plan.room)
    }

    // --- what is held

    pub(super) fn invariant_limits(&mut self, now: Mono, line: &LineId, way: usize, modem: &ModemId) {
        assert!(self.is_open(now, line), "`{line}` is dialed outside its window");
        assert!(self.groups_have_room(line), "a site or hunt group of `{line}` has too many calls");
        let job = self.job(line);
        let chosen = &job.ways[way];
        assert!(!self.is_shut(line, chosen), "`{line}` goes a way that is shut");
        // A number that modems refuse for good may be passed over.
        let refused = |way: &Way| {
            self.barred.iter().any(|((_, number), until)| *number == way.number && until.is_none())
        };
        let next = self.next_way(line);
        assert!(
            way == next || job.ways.iter().any(refused),
            "`{line}` goes way {way} although {next} is next: {:?}",
            self.calls(line)
        );
        assert_eq!(self.affords(Some(line), chosen, true), (true, true), "a budget is overdrawn");
        let aside = Spending {
            line: Some(line.clone()),
            number: Some(chosen.number.clone()),
            charge: chosen.worst,
            check: false,
        };
        if self.counts_money() {
            self.aside.insert(modem.clone(), aside);
        }
    }

    /// The same of a check.
    pub(super) fn invariant_check_limits(&mut self, now: Mono, modem: &ModemId, check: &Check) {
        let seat = |id: &ModemId| self.plan.modems.iter().find(|seat| seat.id == *id).unwrap();
        let (line, number, toll) = match check {
            Check::DialTone => return,
            Check::Reference => (None, self.plan.checks.reference.clone(), self.plan.checks.toll),
            Check::Peer(peer) => (None, None, seat(peer).toll),
            Check::Line(line) => {
                assert!(self.is_open(now, line), "a check calls `{line}` outside its window");
                assert!(self.groups_have_room(line), "a check exceeds the limit of a group");
                let way = &self.job(line).ways[0];
                assert_eq!(self.affords(Some(line), way, true), (true, true), "a check overdraws a budget");
                (Some(line.clone()), Some(way.number.clone()), Some(way.worst))
            }
        };
        let Some(charge) = toll.filter(|_| self.counts_money()) else { return };
        if let Some(number) = &number {
            let way = Way { worst: charge, ..Way::own(number.clone()) };
            assert_eq!(self.affords(line.as_ref(), &way, true), (true, true), "a check overdraws a budget");
        }
        self.aside.insert(modem.clone(), Spending { line, number, charge, check: true });
    }

    fn counts_money(&self) -> bool {
        self.plan.budget != crate::fleet::budget::Budget::default()
    }

    /// No purse is overdrawn, whatever was decided.
    pub(super) fn invariant_budget(&self) {
        let none = Charge { class: crate::model::NumberClass::Local, billed_s: 0, cost: Some(Micros(0)) };
        let within = |purse: &Purse, belongs: &dyn Fn(&Spending) -> bool| {
            let calls = purse.calls.map(|calls| calls + 1);
            assert!(self.pays(&Purse { calls, ..*purse }, &none, true, belongs), "overdrawn: {purse:?}");
        };
        let budget = &self.plan.budget;
        within(&budget.run, &|_| true);
        for (class, purse) in &budget.by_class {
            within(purse, &|spent| spent.charge.class == *class);
        }
        for job in &self.plan.lines {
            within(&budget.line, &|spent| spent.line.as_ref() == Some(&job.id));
            for way in &job.ways {
                within(&budget.number, &|spent| spent.number.as_ref() == Some(&way.number));
            }
        }
    }

    /// A line ends out of its window only if that does not open for it any more in this run.
    pub(super) fn invariant_out_of_window(&self, now: Mono, line: &LineId) {
        let windows = &self.windows[line];
        let horizon = self.deadline.unwrap_or(self.began.unwrap() + HORIZON);
        let half = self.calls(line).iter().any(|call| call.class.is_attempt() && !self.is_void(call));
        // A pause that would outlast the window ends with it.
        let numbers = || self.job(line).ways.iter().map(|way| &way.number);
        let laws = numbers().filter_map(|number| self.redial.get(number)?.until(now));
        let faults = self.calls(line).iter().filter_map(|call| call.report.fault);
        let pauses = faults.map(|fault| now + self.plan.policy.retry_after(fault));
        let never = |from: Mono| {
            let next = windows.next(from, self.plan.room);
            next.is_none_or(|at| at > from && (at >= horizon || half && at.since(from) > LULL_MAX))
        };
        let reason = laws.chain(pauses).chain([now]).any(never);
        assert!(
            reason,
            "`{line}` is out of its window, which opens at {:?}",
            windows.next(now, self.plan.room)
        );
    }

    /// A budget is the reason of a verdict only where it can pay for no way.
    pub(super) fn invariant_over_budget(&self, line: &LineId) {
        assert!(self.is_nowhere(line), "`{line}` is over budget, and there is a way");
    }

    /// The fault that a verdict inherits was seen at one of the line's numbers.
    pub(super) fn seen_at_a_number(&self, line: &LineId, fault: Option<Fault>) -> bool {
        let numbers = self.job(line).ways.iter().map(|way| &way.number);
        numbers
            .flat_map(|number| self.number_calls(number))
            .any(|call| call.report.fault == fault && !self.is_void(call))
    }
}
