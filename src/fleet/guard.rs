//! The guard that no run locks an account: who may send a password, and when no more. Pure.
//!
//! One guard an account: entries of a plan with the same username share it. Secrets are not known here; what was refused
//! in earlier runs is [`super::refusals`]'s.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CredentialName, LineId};

/// What a call at its login prompt is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Send the password, now. [`Guard::outcome`] must follow.
    Grant,
    /// Wait at the prompt: an [`Effect::Release`] follows, or the caller's own limit passes.
    Wait,
    /// Send nothing, log out, hang up; why, in words.
    Deny(String),
}

/// What became of a granted password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The login worked.
    Accepted,
    /// The console refused it.
    Refused,
    /// The call was lost after the password was sent: counts as refused.
    Lost,
    /// The call ended before the password was sent.
    Unsent,
}

/// What the caller must do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Tell a waiting call its answer; never [`Answer::Wait`].
    Release {
        /// The line whose call waits.
        line: LineId,
        /// Its answer.
        answer: Answer,
    },
    /// A login with this credential worked for the first time in this run.
    Proven(CredentialName),
    /// The account is sent no password any more in this run.
    Stopped {
        /// All credentials of the account.
        credentials: Vec<CredentialName>,
        /// The one whose secret was refused: to be remembered ([`super::refusals`]).
        refused: CredentialName,
        /// In words.
        why: String,
    },
}

/// The guard of one account.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    entries: BTreeMap<CredentialName, Entry>,
    /// Calls at their prompts, in the order in which they came.
    waiting: Vec<(LineId, CredentialName)>,
    /// Passwords granted whose outcome is not known.
    outstanding: BTreeMap<LineId, Grant>,
    /// Lines that have their verdict.
    done: BTreeSet<LineId>,
    /// The line of the last outcome, if it was a refusal.
    last_refused: Option<LineId>,
    stopped: Option<String>,
}

#[derive(Debug, Clone)]
struct Grant {
    credential: CredentialName,
    proven: bool,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    /// While it is not proven and this line has no verdict, no other line may prove it.
    prove_on: Option<LineId>,
    proven: bool,
    barred: Option<String>,
}

impl Guard {
    /// A guard that knows no credential yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a credential of this account. `prove_on` is the plan's line for it, else the one where it worked last, if
    /// that line will be dialed in this run; without one the first to get there proves it.
    pub fn add(&mut self, credential: CredentialName, prove_on: Option<LineId>) {
        self.entries.insert(credential, Entry { prove_on, ..Entry::default() });
    }

    /// Denies a credential from the start: its secret was refused in an earlier run.
    pub fn bar(&mut self, credential: &CredentialName, why: String) {
        if let Some(entry) = self.entries.get_mut(credential) {
            entry.barred = Some(why);
        }
    }

    /// Whether nobody knows yet if this credential works: it is neither proven, nor refused.
    pub fn is_open(&self, credential: &CredentialName) -> bool {
        self.entries.get(credential).is_some_and(|entry| !entry.proven) && self.denial(credential).is_none()
    }

    /// A line's call is at its login prompt and asks whether it may send the password.
    pub fn ask(&mut self, line: &LineId, credential: &CredentialName) -> Answer {
        if let Some(why) = self.denial(credential) {
            return Answer::Deny(why);
        }
        if self.may_send(line, credential) {
            self.grant(line, credential);
            return Answer::Grant;
        }
        self.waiting.push((line.clone(), credential.clone()));
        Answer::Wait
    }

    /// What became of the password that `line` was granted.
    pub fn outcome(&mut self, line: &LineId, outcome: Outcome) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(Grant { credential, proven }) = self.outstanding.remove(line) else { return effects };
        match outcome {
            Outcome::Unsent => {}
            Outcome::Accepted => {
                self.last_refused = None;
                if let Some(entry) = self.entries.get_mut(&credential)
                    && !entry.proven
                {
                    entry.proven = true;
                    effects.push(Effect::Proven(credential));
                }
            }
            Outcome::Refused | Outcome::Lost => self.refused(line, credential, proven, outcome, &mut effects),
        }
        self.release(&mut effects);
        effects
    }

    /// The line's call is over, however it ended. A granted password of which no outcome was told counts as lost: what
    /// nobody knows must be taken for the worst.
    pub fn call_over(&mut self, line: &LineId) -> Vec<Effect> {
        self.waiting.retain(|(waiting, _)| waiting != line);
        self.outcome(line, Outcome::Lost)
    }

    /// The line has its verdict: nobody waits for it to prove a credential any more.
    pub fn line_done(&mut self, line: &LineId) -> Vec<Effect> {
        let mut effects = self.call_over(line);
        self.done.insert(line.clone());
        self.release(&mut effects);
        effects
    }

    /// The line's verdict was withdrawn, or it will be dialed after all.
    pub fn line_again(&mut self, line: &LineId) {
        self.done.remove(line);
    }

    /// Why the account was stopped, if it was.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    fn denial(&self, credential: &CredentialName) -> Option<String> {
        let unknown = || Some(format!("`{credential}` is not known to its guard"));
        self.stopped
            .clone()
            .or_else(|| self.entries.get(credential).map_or_else(unknown, |e| e.barred.clone()))
    }

    fn may_send(&self, line: &LineId, credential: &CredentialName) -> bool {
        let Some(entry) = self.entries.get(credential) else { return false };
        if self.outstanding.contains_key(line) {
            return false;
        }
        // After a refusal of a proven credential the next answer decides: one at a time, so that a password that was
        // changed in the middle of a run is sent as seldom as can be.
        if self.last_refused.is_some() && !self.outstanding.is_empty() {
            return false;
        }
        if entry.proven {
            return true;
        }
        let unproven_is_out = self.outstanding.values().any(|grant| !grant.proven);
        let chosen =
            entry.prove_on.as_ref().is_none_or(|prover| prover == line || self.done.contains(prover));
        chosen && !unproven_is_out
    }

    fn grant(&mut self, line: &LineId, credential: &CredentialName) {
        let proven = self.entries.get(credential).is_some_and(|entry| entry.proven);
        self.outstanding.insert(line.clone(), Grant { credential: credential.clone(), proven });
    }

    fn refused(
        &mut self,
        line: &LineId,
        credential: CredentialName,
        proven: bool,
        outcome: Outcome,
        effects: &mut Vec<Effect>,
    ) {
        let what = if outcome == Outcome::Lost { "lost after the password was sent" } else { "refused" };
        let why = match self.last_refused.replace(line.clone()) {
            _ if self.stopped.is_some() => return,
            _ if !proven => format!("`{credential}` was {what} on `{line}` before it was proven"),
            Some(last) if last != *line => {
                format!("`{credential}` was {what} on `{line}`, right after a refusal on `{last}`")
            }
            _ => return,
        };
        self.stopped = Some(why.clone());
        let credentials = self.entries.keys().cloned().collect();
        effects.push(Effect::Stopped { credentials, refused: credential, why });
    }

    /// Answers the calls that wait, in the order in which they came.
    fn release(&mut self, effects: &mut Vec<Effect>) {
        let mut still = Vec::new();
        for (line, credential) in std::mem::take(&mut self.waiting) {
            if let Some(why) = self.denial(&credential) {
                effects.push(Effect::Release { line, answer: Answer::Deny(why) });
            } else if self.may_send(&line, &credential) {
                self.grant(&line, &credential);
                effects.push(Effect::Release { line, answer: Answer::Grant });
            } else {
                still.push((line, credential));
            }
        }
        self.waiting = still;
    }
}

#[cfg(test)]
mod tests;
