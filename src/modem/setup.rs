//! Setting a modem up, verified: a pure machine that hangs up what it finds online, knocks, and types the profile's
//! lines, each to its OK.
//!
//! When a modem is set up, and what happens to one that fails, is `call`'s and `fleet`'s.

use std::time::Duration;

use crate::model::{Fault, Mono};

use super::codec::Token;
use super::hangup::{HangUp, HangupOutcome, Situation};
use super::machine::{Action, Input, Knock, Knocked, PortFacts, Progress, RESYNC_QUIET, Signal, command};
use super::profile::{HangupWay, Profile, Quirks, SetupLine};
use super::result_code::ResultCode;

/// What a port is told first when nobody knows who sits on it: echo off, results on, in words.
const WAKE_LINE: &str = "ATE0Q0V1";

/// How long each step of a set-up may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetupLimits {
    /// AT to its OK.
    pub answer: Duration,
    /// How often AT is typed.
    pub tries: u32,
    /// A set-up line to its OK; ATZ takes its time.
    pub command: Duration,
    /// Hanging up what is found online, or waking what is silent.
    pub recover: Duration,
    /// All of it.
    pub total: Duration,
}

impl Default for SetupLimits {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(1),
            tries: 3,
            command: Duration::from_secs(4),
            recover: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// Why a modem could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct SetupFault {
    /// [`Fault::ModemSilent`] or [`Fault::ModemError`].
    pub fault: Fault,
    /// What was said, or not, for people.
    pub detail: String,
}

/// A modem that is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetupDone {
    /// Optional lines that it answered `ERROR`: what they ask for is not here.
    pub refused: Vec<String>,
}

/// What a set-up comes to.
pub type SetupEnd = Result<SetupDone, SetupFault>;

/// Done, or `None`: not yet.
type Done = Option<Progress<SetupEnd>>;

/// The machine.
#[derive(Debug)]
pub struct Setup {
    kind: Kind,
    lines: Vec<SetupLine>,
    ways: Vec<HangupWay>,
    quirks: Quirks,
    facts: PortFacts,
    limits: SetupLimits,
    deadline: Mono,
    dcd: bool,
    /// It may be online, whatever DCD says.
    may_be_online: bool,
    /// A silent modem was woken with DTR or an escape; that is done once.
    recovered: bool,
    refused: Vec<String>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    Quick,
}

#[derive(Debug)]
enum State {
    /// Not started, or done.
    Idle,
    /// The rest that the modem wants after its port was opened.
    Opening { until: Mono },
    /// AT is out.
    Knocking(Knock),
    /// What was found online is hung up, or what is silent is woken.
    Recovering(Box<HangUp>),
    /// A line is out.
    Asked { index: usize, again: bool, until: Mono },
    /// The rest behind a line.
    Resting { next: usize, until: Mono },
}

impl Setup {
    /// The whole set-up of a port that may be found online: hangs up first what may be online, then knocks, drains, and types the lines.
    pub fn full(profile: &Profile, facts: &PortFacts, limits: SetupLimits) -> Self {
        Self::new(Kind::Full, profile, *facts, limits)
    }

    /// Between two calls: drains, and one AT to its OK: one round trip. After any failure the whole set-up is due.
    pub fn quick(profile: &Profile, facts: &PortFacts, limits: SetupLimits) -> Self {
        Self::new(Kind::Quick, profile, *facts, SetupLimits { tries: 1, ..limits })
    }

    /// Before identification: like the whole set-up, but with nothing that only some families know.
    pub fn wake(facts: &PortFacts, limits: SetupLimits) -> Self {
        Self {
            kind: Kind::Full,
            lines: vec![SetupLine::plain(WAKE_LINE)],
            ways: vec![HangupWay::Dtr, HangupWay::Escape, HangupWay::Reopen],
            quirks: Quirks::default(),
            facts: *facts,
            limits,
            deadline: Mono::ZERO,
            dcd: facts.has_signals && facts.dcd_at_open,
            may_be_online: facts.may_stay_online,
            recovered: false,
            refused: Vec::new(),
            state: State::Idle,
        }
    }

    fn new(kind: Kind, profile: &Profile, facts: PortFacts, limits: SetupLimits) -> Self {
        Self {
            kind,
            lines: profile.setup.clone(),
            ways: profile.hangup.clone(),
            quirks: profile.quirks.clone(),
            ..Self::wake(&facts, limits)
        }
    }

    /// Says that the modem was proven on-hook just now: only a high DCD speaks against that.
    #[must_use]
    pub fn on_hook(mut self) -> Self {
        self.may_be_online = false;
        self
    }

    /// Whether it had to hang up what it found, or to wake what was silent: the line may have been in use until then.
    pub const fn hung_up(&self) -> bool {
        self.recovered
    }

    /// Begins.
    pub fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<SetupEnd> {
        self.deadline = now + self.limits.total;
        if self.kind == Kind::Full && !self.quirks.open_delay.is_zero() {
            self.state = State::Opening { until: now + self.quirks.open_delay };
            return self.progress();
        }
        self.opened(now, actions).unwrap_or_else(|| self.progress())
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Mono, input: Input<'_>, actions: &mut Vec<Action>) -> Progress<SetupEnd> {
        if let Input::Signal(Signal::Dcd, up) = input {
            self.dcd = up;
        }
        let done = match &mut self.state {
            State::Recovering(hangup) => match hangup.handle(now, input, actions) {
                Progress::Until(_) => None,
                Progress::Done(outcome) => self.recovered(now, &outcome, actions),
            },
            _ => match input {
                Input::Token(Token::Result(code)) => self.result(now, code, actions),
                Input::Token(_) | Input::Signal(..) | Input::Reopened | Input::Time => None,
            },
        };
        done.or_else(|| self.time(now, actions)).unwrap_or_else(|| self.progress())
    }

    /// The port is open and has rested.
    fn opened(&mut self, now: Mono, actions: &mut Vec<Action>) -> Done {
        // Opening a port of this machine hung up. Behind a server the far console may be listening: AT is not for it.
        if self.kind == Kind::Full && (self.dcd || self.may_be_online) {
            let ways = self.ways.clone();
            return self.recover(now, &ways, actions);
        }
        self.knock(now, actions);
        None
    }

    fn knock(&mut self, now: Mono, actions: &mut Vec<Action>) {
        actions.push(Action::Drain);
        self.state = State::Knocking(Knock::start(now, self.limits.tries, self.limits.answer, 0, actions));
    }

    /// Hangs up what may be online.
    fn recover(&mut self, now: Mono, ways: &[HangupWay], actions: &mut Vec<Action>) -> Done {
        self.recovered = true;
        let situation = Situation {
            carrier_may_be_up: true,
            dcd: self.facts.has_signals.then_some(self.dcd),
            ..Situation::default()
        };
        let mut hangup = HangUp::with_ways(ways, &self.quirks, self.facts, situation, self.limits.recover);
        match hangup.start(now, actions) {
            Progress::Until(_) => {
                self.state = State::Recovering(Box::new(hangup));
                None
            }
            Progress::Done(outcome) => self.recovered(now, &outcome, actions),
        }
    }

    fn recovered(&mut self, now: Mono, outcome: &HangupOutcome, actions: &mut Vec<Action>) -> Done {
        if outcome.proven {
            return self.answered(now, actions);
        }
        Some(self.fault(Fault::ModemSilent, format!("no answer to `AT` ({})", outcome.detail)))
    }

    /// The modem is there and owes nothing: on to the lines.
    fn answered(&mut self, now: Mono, actions: &mut Vec<Action>) -> Done {
        if self.kind == Kind::Quick {
            return Some(self.done());
        }
        actions.push(Action::Drain);
        self.rest(now, self.quirks.settle, 0, actions)
    }

    fn rest(&mut self, now: Mono, rest: Duration, next: usize, actions: &mut Vec<Action>) -> Done {
        if rest.is_zero() {
            return self.line(now, next, false, actions);
        }
        self.state = State::Resting { next, until: now + rest };
        None
    }

    /// Types a line, or is done behind the last.
    fn line(&mut self, now: Mono, index: usize, again: bool, actions: &mut Vec<Action>) -> Done {
        let Some(line) = self.lines.get(index) else {
            return Some(self.done());
        };
        actions.push(command(&line.send));
        self.state = State::Asked { index, again, until: now + self.limits.command };
        None
    }

    fn result(&mut self, now: Mono, code: &ResultCode, actions: &mut Vec<Action>) -> Done {
        match &mut self.state {
            State::Knocking(knock) => {
                let knocked = knock.result(now, code, actions);
                self.knocked(now, knocked, actions)
            }
            State::Asked { index, again, .. } => {
                let index = *index;
                // Where it was typed twice, a second OK may follow.
                let settle = if *again { self.quirks.settle.max(RESYNC_QUIET) } else { self.quirks.settle };
                let line = self.lines.get(index)?;
                match code {
                    ResultCode::Ok => {
                        let rest = settle + line.pause;
                        self.rest(now, rest, index + 1, actions)
                    }
                    ResultCode::Error if line.optional => {
                        self.refused.push(line.send.clone());
                        self.rest(now, settle, index + 1, actions)
                    }
                    ResultCode::Error => {
                        let detail = format!("`{}` was answered `ERROR`", line.send);
                        Some(self.fault(Fault::ModemError, detail))
                    }
                    // A RING, a late NO CARRIER: not the answer.
                    _ => None,
                }
            }
            State::Idle | State::Opening { .. } | State::Recovering(_) | State::Resting { .. } => None,
        }
    }

    fn knocked(&mut self, now: Mono, knocked: Knocked, actions: &mut Vec<Action>) -> Done {
        match knocked {
            Knocked::Waiting => None,
            Knocked::Answered => self.answered(now, actions),
            Knocked::Refused => {
                Some(self.fault(Fault::ModemError, "`AT` was answered `ERROR` each time".to_owned()))
            }
            Knocked::Silent if self.kind == Kind::Full && !self.recovered => {
                // It may be online behind a port that can't show it, or stuck. An escape hurts nobody now.
                self.recover(now, &[HangupWay::Dtr, HangupWay::Escape], actions)
            }
            Knocked::Silent => {
                let waited = self.limits.answer * self.limits.tries;
                let detail = format!("no answer to `AT` within {} ms", waited.as_millis());
                Some(self.fault(Fault::ModemSilent, detail))
            }
        }
    }

    /// Does what has fallen due.
    fn time(&mut self, now: Mono, actions: &mut Vec<Action>) -> Done {
        if matches!(self.state, State::Idle) {
            return None;
        }
        if now >= self.deadline {
            // A recovery may have dropped it just now.
            if let State::Recovering(_) = self.state {
                actions.push(Action::Dtr(true));
            }
            let detail = format!("set-up did not end within {} ms", self.limits.total.as_millis());
            return Some(self.fault(Fault::ModemSilent, detail));
        }
        match &mut self.state {
            State::Opening { until } if now >= *until => self.opened(now, actions),
            State::Knocking(knock) => {
                let knocked = knock.time(now, actions);
                self.knocked(now, knocked, actions)
            }
            State::Resting { next, until } if now >= *until => {
                let next = *next;
                self.line(now, next, false, actions)
            }
            State::Asked { index, again: false, until } if now >= *until => {
                // A RING may have swallowed the line; once more is harmless.
                let index = *index;
                self.line(now, index, true, actions)
            }
            State::Asked { index, again: true, until } if now >= *until => {
                let line = self.lines.get(*index).map(|line| line.send.clone()).unwrap_or_default();
                let detail = format!("no answer to `{line}` within {} ms", self.limits.command.as_millis());
                Some(self.fault(Fault::ModemSilent, detail))
            }
            // A recovery keeps its own time.
            State::Recovering(_)
            | State::Idle
            | State::Opening { .. }
            | State::Resting { .. }
            | State::Asked { .. } => None,
        }
    }

    fn done(&mut self) -> Progress<SetupEnd> {
        self.state = State::Idle;
        Progress::Done(Ok(SetupDone { refused: std::mem::take(&mut self.refused) }))
    }

    fn fault(&mut self, fault: Fault, detail: String) -> Progress<SetupEnd> {
        self.state = State::Idle;
        Progress::Done(Err(SetupFault { fault, detail }))
    }

    fn progress(&self) -> Progress<SetupEnd> {
        let step = match &self.state {
            State::Idle => self.deadline,
            State::Opening { until } | State::Asked { until, .. } | State::Resting { until, .. } => *until,
            State::Knocking(knock) => knock.deadline(),
            State::Recovering(hangup) => hangup.deadline(),
        };
        Progress::Until(step.min(self.deadline))
    }
}

#[cfg(test)]
mod tests;
