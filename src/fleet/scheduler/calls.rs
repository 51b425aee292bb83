//! Calls begin and end: which modem takes which line, and what an end means for both.

use super::bench::{BARRED, Trouble, weight};
use super::judge::{Finding, Judgement, NumberRecord, Trial};
use super::lines::Stage;
use super::queue::{Burden, Rank};
use super::spending::Aside;
use super::{CallReport, Decision, Scheduler};
use crate::fleet::policy::CallClass;
use crate::model::{CallId, Fault, LineId, ModemId, Moment, Mono};

/// A call that is over: when it began, what was set aside for it, and whether it was called off.
struct Ended {
    began: Mono,
    aside: Option<Aside>,
    recalled: bool,
}

impl Scheduler {
    /// Gives free modems their next lines.
    pub(super) fn assign(&mut self, now: Mono) {
        loop {
            let hopeful = self.bench.hopeful();
            self.assign_once(now);
            // A modem that was condemned meanwhile gave its lines back, and those before it have not seen them.
            if self.bench.hopeful() >= hopeful {
                return;
            }
        }
    }

    fn assign_once(&mut self, now: Mono) {
        if self.closed.is_some() {
            return;
        }
        self.serve_wanted(now);
        if self.orders.is_paused() {
            return;
        }
        if self.open == 0 {
            return self.last_checks(now);
        }
        self.open_gates();
        if self.pressing() == 0 {
            return;
        }
        self.free_the_stranded();
        let hopeful = self.bench.hopeful();
        while let Some(modem) = self.bench.next_free(!self.queue.is_empty()) {
            if self.pressing() == 0 {
                break;
            }
            self.serve(now, modem, hopeful);
            self.bench.put_aside(modem);
        }
        self.bench.ask_again();
    }

    /// Gives a free modem a line, or its check.
    fn serve(&mut self, now: Mono, modem: usize, hopeful: usize) {
        if !self.is_trusted(now, modem) || self.queue.is_empty() {
            return;
        }
        while let Some(Rank { line, .. }) = self.queue.best(|burden| self.may_take(modem, burden, hopeful)) {
            if self.closed_gate(line).is_none() && !self.is_astray(line) {
                self.dial(now, line, modem);
            } else {
                // It goes to where it waits, or to its verdict.
                self.ready_again(line);
            }
            self.open_gates();
            if !self.bench.is_free(modem) {
                return;
            }
        }
    }

    /// Whether a modem takes a line with this burden, or leaves it to one that has failed less for it.
    fn may_take(&self, modem: usize, burden: &Burden, hopeful: usize) -> bool {
        let own = weight(burden, modem);
        own < BARRED && own <= self.bench.lightest(burden, hopeful)
    }

    /// Lets those go on that waited for a gate which is open now.
    pub(super) fn open_gates(&mut self) {
        loop {
            if let Some(credential) = self.stuck.pop_first() {
                self.release_if_stuck(credential);
            } else if let Some(gate) = self.ajar.pop_first() {
                self.open_gate(gate);
            } else {
                return;
            }
        }
    }

    fn open_gate(&mut self, gate: usize) {
        for burden in self.gates.burdens(gate) {
            while self.closed_is(gate).is_none()
                && let Some(rank) = self.gates.next(gate, &burden)
            {
                self.ready_again(rank.line);
                if let Stage::Queued { sent_by, burden, .. } = &mut self.lines[rank.line].stage {
                    *sent_by = Some(gate);
                    self.gates.sent(gate, burden.clone(), rank);
                }
            }
        }
    }

    /// A gate that lets this line's next call not through now.
    pub(super) fn closed_gate(&self, line: usize) -> Option<usize> {
        let entry = &self.lines[line];
        let way = &entry.ways[entry.way];
        let groups = entry.groups.iter().map(|group| self.numbers.len() + group);
        let purse = way.purse.map(|purse| self.purse_gate(purse));
        std::iter::once(way.number).chain(groups).chain(purse).find_map(|gate| self.closed_is(gate))
    }

    /// The gate, if it is closed.
    fn closed_is(&self, gate: usize) -> Option<usize> {
        let open = match gate.checked_sub(self.purse_gate(0)) {
            Some(purse) => self.purse_is_open(purse),
            None => self.gates.has_room(gate),
        };
        (!open).then_some(gate)
    }

    /// A call to this number, of this line, goes through its gates.
    pub(super) fn enter(&mut self, number: usize, line: Option<usize>) {
        self.gates.enter(number);
        for &group in line.iter().flat_map(|&line| &self.lines[line].groups) {
            self.gates.enter(self.numbers.len() + group);
        }
    }

    /// It has ended.
    pub(super) fn leave(&mut self, number: usize, line: Option<usize>) {
        let groups = line.iter().flat_map(|&line| &self.lines[line].groups);
        for gate in groups.map(|group| self.numbers.len() + group).chain([number]) {
            self.gates.leave(gate);
            self.ajar.insert(gate);
        }
    }

    pub(super) fn dial(&mut self, now: Mono, line: usize, modem: usize) {
        self.detach(line);
        self.forget_window(line);
        let may_shorten = self.may_shorten(now, line);
        let (number, worst) = (self.lines[line].number(), self.lines[line].ways[self.lines[line].way].worst);
        self.enter(number, Some(line));
        let aside = self.set_aside(Some(line), number, worst);
        self.bench.begin_call(modem);
        self.running += 1;
        let entry = &mut self.lines[line];
        entry.begun += 1;
        entry.stage = Stage::Running { modem, began: now, aside, recalled: false };
        self.on_line[modem] = Some(line);
        let entry = &self.lines[line];
        self.decisions.push(Decision::Dial {
            line: entry.id.clone(),
            modem: self.bench.ids[modem].clone(),
            attempt: entry.begun,
            way: entry.way,
            call: CallId::new(&entry.id, entry.begun),
            may_shorten,
        });
        self.stirs(line);
    }

    /// Whether this call's dial limit may be shortened. A call that was cut short is never the only evidence, so there
    /// must be time and calls left for another one; and it is only ever the first call to a number, of one line alone
    /// that has no other: whatever was dialed there before, or may have been, speaks for the full time.
    fn may_shorten(&self, now: Mono, line: usize) -> bool {
        let entry = &self.lines[line];
        let number = &self.numbers[entry.number()];
        let Some(pause) = self.redial.second_call_after() else { return false };
        let room = self.policy.second_call_room() + pause;
        let in_time = self.deadline.is_none_or(|deadline| now + room <= deadline)
            && entry.windows.holds(now, room + self.room);
        let budget = self.ledger.budget();
        self.policy.may_shorten()
            && in_time
            && entry.ways.len() == 1
            && budget.line.is_unlimited()
            && budget.number.is_unlimited()
            && number.lines.len() == 1
            && number.lost == 0
            && number.record.dialed == 0
    }

    /// A call that was decided on and never begun: as if it had not been, but for the line, which is judged.
    pub(super) fn not_dialed(&mut self, now: Mono, line: &LineId, modem: &ModemId, detail: String) {
        let (Some(&line), Some(&modem)) = (self.line_index.get(line), self.modem_index.get(modem)) else {
            return;
        };
        let Some(Ended { aside, .. }) = self.end_running(line, modem) else { return };
        self.settle(aside, false, None);
        self.lines[line].begun -= 1;
        self.bench.end_call(modem);
        if let Some(exit) = self.bench.free_or_leave(modem, now, &self.policy.bench) {
            let trouble = Trouble { fault: Fault::ModemError, detail: String::new() };
            self.note_exit(modem, &exit, &trouble);
        }
        self.leave(self.lines[line].number(), Some(line));
        self.conclude(line, Finding { fault: Some(Fault::Screened), detail, call: None });
    }

    /// Takes a line out of its call with this modem: when that began, and what was set aside for it.
    fn end_running(&mut self, line: usize, modem: usize) -> Option<Ended> {
        let stage = &mut self.lines[line].stage;
        match std::mem::replace(stage, Stage::New) {
            Stage::Running { modem: expected, began, aside, recalled } if expected == modem => {
                self.running -= 1;
                self.on_line[modem] = None;
                Some(Ended { began, aside, recalled })
            }
            other => {
                *stage = other;
                None
            }
        }
    }

    pub(super) fn panicked(&mut self, now: Mono, line: LineId, modem: ModemId, detail: String) {
        let Some(&index) = self.line_index.get(&line) else { return };
        let Stage::Running { began, .. } = self.lines[index].stage else { return };
        let report = CallReport {
            line,
            modem,
            attempt: self.lines[index].begun,
            fault: Some(Fault::Internal),
            furthest: None,
            // Nobody knows.
            dialed: true,
            held: true,
            took: now.since(began),
            cut_short: None,
            connected_after: None,
            via: None,
            charge: None,
            refused_for: None,
            detail,
        };
        self.call_ended(now, &report);
    }

    pub(super) fn call_ended(&mut self, now: Mono, report: &CallReport) {
        let (Some(&line), Some(&modem)) =
            (self.line_index.get(&report.line), self.modem_index.get(&report.modem))
        else {
            return;
        };
        let Some(Ended { began, aside, recalled }) = self.end_running(line, modem) else { return };
        self.settle(aside, report.dialed, report.charge.as_ref());
        // Once the run is ended by order, what is cut off is the run's.
        if recalled && report.fault == Some(Fault::Cancelled) && self.closed != Some(Fault::Cancelled) {
            return self.called_off(now, line, modem, report);
        }
        self.lines[line].learn(report.took, report.fault);
        let way = self.lines[line].way;
        let trial = self.trial(modem, (line, way), now, report);
        let class = trial.class;
        let (number, route) = (trial.number, self.lines[line].ways[way].route);
        self.numbers[number].record.note(&self.lines[line].id, &trial, self.policy.repeat > 1);
        if class == CallClass::Passed {
            self.health.passed(modem, route, (began, now), report.connected_after);
        } else if trial.is_failing() {
            self.health.failed(modem, route, (began, now), report.cut_short);
        }
        self.remember(modem, line, &trial);
        self.lines[line].trials.push(trial);
        self.release_modem(now, modem, class, report);
        self.leave(number, Some(line));
        if report.dialed {
            self.note_redial(now, number, report.fault, class == CallClass::Passed);
        }
        if report.fault == Some(Fault::ModemRefused) {
            self.bar(now, number, modem, report.refused_for);
        }
        if report.held {
            self.hold(number, modem);
        }
        self.dispose(now, line);
        if self.numbers[number].record.is_closed() || self.numbers[number].redial.is_spent(&self.redial) {
            for sibling in self.numbers[number].lines.clone() {
                self.review(sibling);
            }
        }
        self.quarantine(now);
    }

    /// A call was cut off by an order that concerns its modem, or its line: it counts as not made, but that digits may have gone
    /// out, and what they cost.
    fn called_off(&mut self, now: Mono, line: usize, modem: usize, report: &CallReport) {
        let number = self.lines[line].number();
        self.bench.end_call(modem);
        if let Some(exit) = self.bench.free_or_leave(modem, now, &self.policy.bench) {
            let trouble = Trouble { fault: Fault::ModemError, detail: report.detail.clone() };
            self.note_exit(modem, &exit, &trouble);
        }
        if self.bench.is_quarantined(modem) {
            self.rest(now, modem);
        }
        self.leave(number, Some(line));
        if report.dialed {
            self.numbers[number].lost += 1;
            self.recount(number);
            self.note_redial(now, number, None, false);
        }
        if report.held {
            self.hold(number, modem);
        }
        match self.judge(line) {
            Judgement::Settled(finding) => self.conclude(line, finding),
            _ if self.orders.is_skipped(line) => self.leave_out(line),
            _ if self.closed.is_some() => self.leave_off(line),
            Judgement::AfterProof => self.park(line),
            Judgement::Again(_) => self.again(now, line, None),
        }
        if self.numbers[number].record.is_closed() || self.numbers[number].redial.is_spent(&self.redial) {
            for sibling in self.numbers[number].lines.clone() {
                self.review(sibling);
            }
        }
    }

    pub(super) fn release_modem(&mut self, now: Mono, modem: usize, class: CallClass, report: &CallReport) {
        let policy = &self.policy.bench;
        let fault = report.fault.unwrap_or(Fault::ModemError);
        let trouble = Trouble { fault, detail: report.detail.clone() };
        self.bench.end_call(modem);
        let exit = match class {
            CallClass::BenchModem => Some(self.bench.out(modem, now, trouble.clone(), policy)),
            CallClass::BenchLine => self.bench.lineless(modem, now, trouble.clone(), policy),
            // Nobody knows what its port holds: it is set up from scratch.
            CallClass::Defect => self.bench.died(modem, now, trouble.clone(), policy),
            CallClass::Passed
            | CallClass::Failed
            | CallClass::AnsweredWithoutCarrier
            | CallClass::Final
            | CallClass::Unproven
            | CallClass::Policy => self.bench.served(modem, now, policy),
        };
        if let Some(exit) = exit {
            self.note_exit(modem, &exit, &trouble);
        }
        if self.bench.is_quarantined(modem) {
            self.rest(now, modem);
        }
    }

    /// What a call says of its modem, beside what it says of its line.
    pub(super) fn remember(&mut self, modem: usize, line: usize, trial: &Trial) {
        if trial.class == CallClass::Passed {
            self.trust[modem].unproven.clear();
            self.targets.sound = true;
            // Checks call lines by their own numbers.
            if trial.way == 0 {
                self.targets.passed(line, modem);
            }
        } else if trial.is_failing() {
            self.trust[modem].unproven.insert((line, trial.attempt));
        }
        // Who has come to a console's prompt has sent and heard.
        if trial.class == CallClass::Passed || trial.furthest >= Some(Moment::Prompted) {
            self.piles.worked(modem);
        } else if trial.is_failing() {
            self.piles.failed(modem, line);
        }
        self.heed(modem);
    }

    pub(super) fn trial(
        &self,
        modem: usize,
        (line, way): (usize, usize),
        ended: Mono,
        report: &CallReport,
    ) -> Trial {
        let class = CallClass::of(report.fault);
        Trial {
            attempt: report.attempt,
            modem,
            way,
            number: self.lines[line].ways[way].number,
            ended,
            fault: report.fault,
            class,
            furthest: report.furthest,
            dialed: report.dialed,
            detail: report.detail.clone(),
            cut_short: report.cut_short.is_some(),
            void: class.is_failing() && self.bench.is_quarantined(modem),
        }
    }

    /// Counts a number's calls from scratch.
    pub(super) fn recount(&mut self, number: usize) {
        let mut record = NumberRecord { dialed: self.numbers[number].lost, ..NumberRecord::default() };
        for &line in &self.numbers[number].lines {
            let line = &self.lines[line];
            let here = line.trials.iter().filter(|trial| trial.number == number);
            here.for_each(|trial| record.note(&line.id, trial, self.policy.repeat > 1));
        }
        self.numbers[number].record = record;
    }
}
