//! Calls begin and end: which modem takes which line, and what an end means for both.

use super::bench::{BARRED, Trouble, weight};
use super::judge::{Finding, NumberRecord, Trial};
use super::lines::Stage;
use super::queue::Burden;
use super::{CallReport, Decision, Scheduler};
use crate::fleet::policy::CallClass;
use crate::model::{CallId, Fault, LineId, ModemId, Moment, Mono};

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
        if self.open == 0 {
            return self.last_checks(now);
        }
        if self.waiting() == 0 {
            return;
        }
        self.free_the_stranded();
        let hopeful = self.bench.hopeful();
        while let Some(modem) = self.bench.next_free(!self.queue.is_empty()) {
            if self.waiting() == 0 {
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
        let allowed = |burden: &Burden| {
            let own = weight(burden, modem);
            own < BARRED && own <= self.bench.lightest(burden, hopeful)
        };
        if let Some(rank) = self.queue.best(allowed) {
            self.dial(now, rank.line, modem);
        }
    }

    pub(super) fn dial(&mut self, now: Mono, line: usize, modem: usize) {
        self.detach(line);
        let may_shorten = self.may_shorten(now, line);
        self.queue.set_in_call(self.lines[line].number, true);
        self.bench.begin_call(modem);
        self.running += 1;
        let entry = &mut self.lines[line];
        entry.begun += 1;
        entry.stage = Stage::Running { modem, began: now };
        self.decisions.push(Decision::Dial {
            line: entry.id.clone(),
            modem: self.bench.ids[modem].clone(),
            attempt: entry.begun,
            way: 0,
            call: CallId::new(&entry.id, entry.begun),
            may_shorten,
        });
    }

    /// Whether this call's dial limit may be shortened. A call that was cut short is never the only evidence, so there
    /// must be time and calls left for another one; and it is only ever the first call to a number, of one line alone:
    /// whatever was dialed there before, or may have been, speaks for the full time.
    fn may_shorten(&self, now: Mono, line: usize) -> bool {
        let number = &self.numbers[self.lines[line].number];
        let Some(pause) = self.redial.second_call_after() else { return false };
        let room = self.policy.second_call_room() + pause;
        let in_time = self.deadline.is_none_or(|deadline| now + room <= deadline);
        self.policy.may_shorten()
            && in_time
            && number.lines.len() == 1
            && number.lost == 0
            && number.record.dialed == 0
    }

    /// A call that was decided on and never begun: as if it had not been, but for the line, which is judged.
    pub(super) fn not_dialed(&mut self, now: Mono, line: &LineId, modem: &ModemId, detail: String) {
        let (Some(&line), Some(&modem)) = (self.line_index.get(line), self.modem_index.get(modem)) else {
            return;
        };
        if !matches!(self.lines[line].stage, Stage::Running { modem: expected, .. } if expected == modem) {
            return;
        }
        self.running -= 1;
        self.lines[line].stage = Stage::New;
        self.lines[line].begun -= 1;
        self.bench.end_call(modem);
        if let Some(exit) = self.bench.free_or_leave(modem, now, &self.policy.bench) {
            let trouble = Trouble { fault: Fault::ModemError, detail: String::new() };
            self.note_exit(modem, &exit, &trouble);
        }
        self.queue.set_in_call(self.lines[line].number, false);
        self.conclude(line, Finding { fault: Some(Fault::Screened), detail, call: None });
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
        let Stage::Running { modem: expected, began } = self.lines[line].stage else { return };
        if expected != modem {
            return;
        }
        self.running -= 1;
        self.lines[line].stage = Stage::New;
        self.lines[line].learn(report.took, report.fault);
        let trial = self.trial(modem, report);
        let class = trial.class;
        let number = self.lines[line].number;
        self.numbers[number].record.note(&self.lines[line].id, &trial);
        if class == CallClass::Passed {
            self.health.passed(modem, line, (began, now), report.connected_after);
        } else if trial.is_failing() {
            self.health.failed(modem, line, (began, now), report.cut_short);
        }
        self.remember(modem, line, &trial);
        self.lines[line].trials.push(trial);
        self.release_modem(now, modem, class, report);
        self.queue.set_in_call(number, false);
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

    pub(super) fn release_modem(&mut self, now: Mono, modem: usize, class: CallClass, report: &CallReport) {
        let policy = &self.policy.bench;
        let fault = report.fault.unwrap_or(Fault::ModemError);
        let trouble = Trouble { fault, detail: report.detail.clone() };
        self.bench.end_call(modem);
        let exit = match class {
            CallClass::BenchModem => Some(self.bench.out(modem, now, trouble.clone(), policy)),
            CallClass::BenchLine => self.bench.lineless(modem, now, trouble.clone(), policy),
            // Nobody knows what its port holds: it is set up from scratch.
            CallClass::Defect => self.bench.set_up_again(modem, now),
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
            self.targets.passed(line, modem);
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

    pub(super) fn trial(&self, modem: usize, report: &CallReport) -> Trial {
        let class = CallClass::of(report.fault);
        Trial {
            attempt: report.attempt,
            modem,
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
            line.trials.iter().for_each(|trial| record.note(&line.id, trial));
        }
        self.numbers[number].record = record;
    }
}
