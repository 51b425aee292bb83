//! Why a line is not being dialed, and when it will be; why a modem dials nobody.
//!
//! All of it is read from where a line or a modem stands: what is told as it changes, and what is answered when somebody
//! asks, can't disagree.

use super::bench::State;
use super::lines::{Stage, Told, Wait};
use super::{Decision, Scheduler};
use crate::model::event::WaitReason;
use crate::model::{Fault, LineId, ModemId, Mono};

/// Where a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineStands {
    /// It has its verdict.
    Judged(Option<Fault>),
    /// It is in a call.
    InCall(ModemId),
    /// It waits.
    Waits {
        /// For what.
        reason: WaitReason,
        /// Not before; absent where no time is known, but an event.
        until: Option<Mono>,
        /// In words.
        why: String,
    },
}

/// Where a modem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModemStands {
    /// It is being set up.
    SettingUp,
    /// It is free, and no line is there that it could call.
    Free,
    /// On a call, or a check.
    InCall,
    /// Out; it is set up again then.
    Out(Mono),
    /// Under quarantine; it is checked again then, if ever.
    Quarantined(Option<Mono>),
    /// Left alone for the rest of the run.
    Gone,
    /// Out of service by order.
    Disabled,
    /// Lent to a technician's call.
    Lent,
}

impl Scheduler {
    /// Why a line is not being dialed now, and when it will be; absent for a line that is not in the plan, and before the start.
    pub fn why(&self, line: &LineId) -> Option<LineStands> {
        let line = *self.line_index.get(line)?;
        Some(match &self.lines[line].stage {
            Stage::New => return None,
            Stage::Judged { fault, .. } => LineStands::Judged(*fault),
            Stage::Running { modem, .. } => LineStands::InCall(self.bench.ids[*modem].clone()),
            Stage::Queued { .. } | Stage::Blocked { .. } | Stage::Waiting { .. } | Stage::Parked { .. } => {
                let Told { reason, until, .. } = self.waits_for(line)?;
                LineStands::Waits { reason, until, why: self.words_of(line) }
            }
        })
    }

    /// Why a modem dials nobody; absent for one that is not in the bank.
    pub fn why_modem(&self, modem: &ModemId) -> Option<ModemStands> {
        let modem = *self.modem_index.get(modem)?;
        Some(match (self.bench.is_quarantined(modem), self.bench.state(modem)) {
            (_, State::InCall) if self.orders.is_lent(modem) => ModemStands::Lent,
            (_, State::InCall) => ModemStands::InCall,
            (_, State::Away) => ModemStands::Disabled,
            (_, State::Gone) => ModemStands::Gone,
            (true, State::Out { until }) => ModemStands::Quarantined(Some(until)),
            (true, State::SettingUp | State::Ready) => ModemStands::Quarantined(None),
            (false, State::SettingUp) => ModemStands::SettingUp,
            (false, State::Ready) => ModemStands::Free,
            (false, State::Out { until }) => ModemStands::Out(until),
        })
    }

    /// What a line waits for, if it does.
    fn waits_for(&self, line: usize) -> Option<Told> {
        let plain = |reason| Told { reason, until: None, gate: None };
        Some(match &self.lines[line].stage {
            Stage::New | Stage::Running { .. } | Stage::Judged { .. } => return None,
            Stage::Queued { .. } => plain(WaitReason::Modem),
            Stage::Parked { .. } => plain(WaitReason::Credential),
            Stage::Blocked { gate, .. } if *gate < self.numbers.len() => plain(WaitReason::Number),
            Stage::Blocked { gate, .. } if *gate < self.purse_gate(0) => {
                Told { gate: Some(*gate), ..plain(WaitReason::Group) }
            }
            Stage::Blocked { .. } => plain(WaitReason::Budget),
            Stage::Waiting { until, wait } => {
                let reason = match wait {
                    Wait::Pause(_) => WaitReason::Pause,
                    Wait::Redial => WaitReason::Redial,
                    Wait::Window => WaitReason::Window,
                    Wait::Held(_) => WaitReason::Held,
                    Wait::Refused => WaitReason::Refused,
                };
                Told { until: Some(*until), ..plain(reason) }
            }
        })
    }

    /// The same in words.
    fn words_of(&self, line: usize) -> String {
        let entry = &self.lines[line];
        match &entry.stage {
            Stage::New | Stage::Running { .. } | Stage::Judged { .. } => String::new(),
            Stage::Queued { .. } => "no modem is free for it".to_owned(),
            Stage::Parked { .. } => match entry.credential {
                Some(credential) => {
                    format!("`{}` is neither proven nor stopped", self.credentials[credential].name)
                }
                None => String::new(),
            },
            Stage::Blocked { gate, .. } => {
                if let Some(group) = gate.checked_sub(self.numbers.len()).and_then(|at| self.groups.get(at)) {
                    let (most, calls) =
                        (group.max_calls, if group.max_calls.get() == 1 { "call" } else { "calls" });
                    format!("{} `{}` has its {most} {calls}", group.kind.word(), group.name)
                } else if *gate < self.numbers.len() {
                    "another call to its number".to_owned()
                } else {
                    self.purse_words(*gate - self.purse_gate(0))
                }
            }
            Stage::Waiting { wait, .. } => match wait {
                Wait::Pause(Some(fault)) => format!("after {fault}"),
                Wait::Pause(None) => String::new(),
                Wait::Redial => "redial rules".to_owned(),
                Wait::Window => "outside its window".to_owned(),
                Wait::Held(holder) => format!("`{}` may still hold its number", self.bench.ids[*holder]),
                Wait::Refused => self.refused(entry.number()).map_or_else(String::new, |(_, who)| who),
            },
        }
    }

    /// What a line waits for may have changed: it is told when this step is over.
    pub(super) fn stirs(&mut self, line: usize) {
        // A plan of a million lines begins with all of them ready.
        let entry = &self.lines[line];
        if entry.told.is_some() || (entry.is_waiting() && !matches!(entry.stage, Stage::Queued { .. })) {
            self.stirred.insert(line);
        }
    }

    /// Tells what lines wait for, where that has changed in this step.
    pub(super) fn tell_waits(&mut self) {
        for line in std::mem::take(&mut self.stirred) {
            let waits = self.waits_for(line);
            let told = self.lines[line].told;
            // A line of which nothing was told waits for a modem.
            let for_modem = waits.is_some_and(|waits| waits.reason == WaitReason::Modem);
            if waits == told || (told.is_none() && for_modem) {
                continue;
            }
            self.lines[line].told = waits;
            if let Some(Told { reason, until, .. }) = waits {
                let (id, why) = (self.lines[line].id.clone(), self.words_of(line));
                self.decisions.push(Decision::Waits { line: id, until, reason, why });
            }
        }
    }
}
