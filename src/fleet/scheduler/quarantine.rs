//! A modem that fails where others succeed: out, and what rested on its calls is judged anew.

use std::collections::BTreeSet;

use super::Scheduler;
use super::judge::Judgement;
use super::lines::Stage;
use crate::fleet::policy::CallClass;
use crate::model::{Fault, Mono};

impl Scheduler {
    /// Puts every modem under quarantine that the evidence is against, and takes its verdicts back.
    pub(super) fn quarantine(&mut self, now: Mono) {
        for modem in self.health.convicted() {
            let Some(evidence) = self.health.evidence(modem) else { continue };
            let names: Vec<&str> =
                evidence.iter().map(|&route| self.lines[self.line_by(route)].id.as_str()).collect();
            let detail = format!("failed on lines that passed on other modems: {}", names.join(", "));
            self.put_under_quarantine(now, modem, detail);
        }
    }

    /// Counts the failing calls of a modem since it last passed anything as not made, and judges anew what rested on them.
    pub(super) fn disown(&mut self, now: Mono, modem: usize) {
        let mut touched = BTreeSet::new();
        for (line, attempt) in std::mem::take(&mut self.trust[modem].unproven) {
            let line = &mut self.lines[line];
            for trial in line.trials.iter_mut().filter(|trial| trial.attempt == attempt) {
                trial.void = true;
                touched.insert(trial.number);
            }
        }
        // A line may go to several of them: all are counted before any is judged.
        for &number in &touched {
            self.recount(number);
        }
        for number in touched {
            for line in self.numbers[number].lines.clone() {
                self.reconsider(now, line, modem);
            }
        }
    }

    pub(super) fn reconsider(&mut self, now: Mono, line: usize, modem: usize) {
        match &self.lines[line].stage {
            Stage::Queued { .. } | Stage::Blocked { .. } => {
                self.review(line);
                // What weighs on it has changed: a void call speaks against no modem.
                if self.lines[line].is_ready() {
                    self.ready_again(line);
                }
            }
            Stage::Waiting { .. } | Stage::Parked { .. } => self.review(line),
            // The last four rest on no call.
            Stage::Running { .. }
            | Stage::New
            | Stage::Judged {
                fault: Some(Fault::Cancelled | Fault::PastDeadline | Fault::OutOfWindow | Fault::Skipped),
                ..
            } => {}
            Stage::Judged { .. } if self.lines[line].preset.is_some() => {}
            Stage::Judged { fault, .. } if !self.may_rest_on(line, modem, *fault) => {}
            Stage::Judged { fault, call } => {
                let judgement = self.judge(line);
                if let Judgement::Settled(finding) = &judgement
                    && finding.fault == *fault
                    && finding.call == *call
                {
                    return;
                }
                let why = format!("it rested on calls of `{}`, now under quarantine", self.bench.ids[modem]);
                self.reopen(line, why);
                self.dispose(now, line);
            }
        }
    }

    /// Whether a line's verdict can have to do with a modem's calls: with its own, or with those to its number.
    pub(super) fn may_rest_on(&self, line: usize, modem: usize, fault: Option<Fault>) -> bool {
        CallClass::of(fault).is_failing()
            || fault == Some(Fault::OverBudget)
            || self.lines[line].trials.iter().any(|trial| trial.modem == modem && trial.void)
    }
}
