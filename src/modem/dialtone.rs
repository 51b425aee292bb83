//! Is there a dial tone? A pure machine that takes the modem off-hook without dialing a digit, hears what it says, and
//! puts it back on-hook, proven like every hang-up.
//!
//! What it types behind the dial command is `W;`: wait for dial tone, then come back to command state (modems.md 1.4). No
//! prefix goes with it, so nobody can be reached. What a missing dial tone means for a modem is `fleet`'s.

use std::time::Duration;

use crate::model::{Fault, Mono};

use super::codec::Token;
use super::hangup::{HangUp, HangupOutcome, Situation};
use super::machine::{Action, Input, PortFacts, Progress, Signal, command};
use super::profile::Profile;
use super::result_code::ResultCode;

/// What stands behind the dial command.
const WAIT_AND_RETURN: &str = "W;";

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tone {
    /// A dial tone.
    Heard,
    /// The modem says that there is none: which fault of our own line, and in words.
    Missing(Fault, String),
    /// It does not tell; why.
    Unknown(String),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToneOutcome {
    /// What was heard.
    pub tone: Tone,
    /// Whether on-hook was proven.
    pub on_hook: bool,
    /// Why it was not.
    pub detail: String,
}

/// The machine.
#[derive(Debug)]
pub struct DialTone {
    dial: String,
    profile: Profile,
    facts: PortFacts,
    wait: Duration,
    hangup: Duration,
    dcd: bool,
    /// The first line that no table knows.
    odd: Option<String>,
    tone: Tone,
    state: State,
}

/// How the modem is left when the listening ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The command has no answer yet.
    Listening,
    /// In command state, on-hook or not.
    OffHook,
    /// In data state.
    Online,
}

#[derive(Debug)]
enum State {
    /// Not started, or done.
    Idle,
    /// The command is out.
    Listening { until: Mono },
    /// It is being put on-hook.
    HangingUp(Box<HangUp>),
}

impl DialTone {
    /// Listens for at most `wait`, then hangs up within `hangup`.
    pub fn new(profile: &Profile, facts: PortFacts, wait: Duration, hangup: Duration) -> Self {
        Self {
            dial: format!("{}{WAIT_AND_RETURN}", profile.dial),
            profile: profile.clone(),
            facts,
            wait,
            hangup,
            dcd: facts.has_signals && facts.dcd_at_open,
            odd: None,
            tone: Tone::Unknown("it was not waited for".to_owned()),
            state: State::Idle,
        }
    }

    /// Only the hang-up of one that was cut short.
    pub fn cut_short(profile: &Profile, facts: PortFacts, hangup: Duration) -> Self {
        Self { dial: String::new(), ..Self::new(profile, facts, Duration::ZERO, hangup) }
    }

    /// Begins.
    pub fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<ToneOutcome> {
        if self.dial.is_empty() {
            return self.hang_up(now, Left::Listening, actions).unwrap_or_else(|| self.progress());
        }
        actions.push(Action::Drain);
        actions.push(command(&self.dial));
        self.state = State::Listening { until: now + self.wait };
        self.progress()
    }

    /// Takes what happened.
    pub fn handle(
        &mut self,
        now: Mono,
        input: Input<'_>,
        actions: &mut Vec<Action>,
    ) -> Progress<ToneOutcome> {
        if let Input::Signal(Signal::Dcd, up) = input {
            self.dcd = up;
        }
        let done = match (&mut self.state, input) {
            (State::HangingUp(hangup), input) => match hangup.handle(now, input, actions) {
                Progress::Until(_) => None,
                Progress::Done(outcome) => Some(self.over(outcome)),
            },
            (_, Input::Token(Token::Result(code))) => self.result(now, code, actions),
            (State::Listening { .. }, Input::Token(Token::Info(text))) => {
                self.note(text);
                None
            }
            (_, Input::Token(_) | Input::Signal(..) | Input::Reopened | Input::Time) => None,
        };
        done.or_else(|| self.time(now, actions)).unwrap_or_else(|| self.progress())
    }

    fn result(
        &mut self,
        now: Mono,
        code: &ResultCode,
        actions: &mut Vec<Action>,
    ) -> Option<Progress<ToneOutcome>> {
        let State::Listening { .. } = self.state else { return None };
        if let ResultCode::Unknown(text) | ResultCode::Noise(text) = code {
            self.note(text);
            return None;
        }
        self.tone = meaning(code)?;
        let left = match code {
            // The dial goes on.
            ResultCode::Ring => Left::Listening,
            // Whoever that is: ATH would go to them.
            ResultCode::Connect(_) => Left::Online,
            _ => Left::OffHook,
        };
        self.hang_up(now, left, actions)
    }

    fn time(&mut self, now: Mono, actions: &mut Vec<Action>) -> Option<Progress<ToneOutcome>> {
        match self.state {
            State::Listening { until } if now >= until => {
                let said = self.odd.as_ref().map_or(String::new(), |text| format!(", but `{text}`"));
                let why = format!("no answer within {} s{said}", self.wait.as_secs());
                self.tone = Tone::Unknown(why);
                self.hang_up(now, Left::Listening, actions)
            }
            State::Idle | State::Listening { .. } | State::HangingUp(_) => None,
        }
    }

    /// Keeps a line that no table knows: it may say why nothing else comes.
    fn note(&mut self, text: &str) {
        if self.odd.is_none() && !text.trim().is_empty() {
            self.odd = Some(text.trim().to_owned());
        }
    }

    /// Behind `;` the modem is off-hook in command state, whatever it said: only ATH proves anything.
    fn hang_up(&mut self, now: Mono, left: Left, actions: &mut Vec<Action>) -> Option<Progress<ToneOutcome>> {
        let situation = Situation {
            carrier_may_be_up: left == Left::Online,
            in_dialing: left == Left::Listening,
            held: left != Left::Online,
            dcd: self.facts.has_signals.then_some(self.dcd),
            ..Situation::default()
        };
        let mut hangup = HangUp::new(&self.profile, self.facts, situation, self.hangup);
        match hangup.start(now, actions) {
            Progress::Until(_) => {
                self.state = State::HangingUp(Box::new(hangup));
                None
            }
            Progress::Done(outcome) => Some(self.over(outcome)),
        }
    }

    fn over(&mut self, outcome: HangupOutcome) -> Progress<ToneOutcome> {
        self.state = State::Idle;
        Progress::Done(ToneOutcome {
            tone: self.tone.clone(),
            on_hook: outcome.proven,
            detail: outcome.detail,
        })
    }

    fn progress(&self) -> Progress<ToneOutcome> {
        Progress::Until(match &self.state {
            State::Idle => Mono::ZERO,
            State::Listening { until } => *until,
            State::HangingUp(hangup) => hangup.deadline(),
        })
    }
}

/// What a result says of the dial tone; `None` where it is not the answer.
fn meaning(code: &ResultCode) -> Option<Tone> {
    if let Some((fault, why)) = code.own_line() {
        return Some(Tone::Missing(fault, why.to_owned()));
    }
    match code {
        ResultCode::Ok | ResultCode::Dialtone => Some(Tone::Heard),
        ResultCode::Error => Some(Tone::Unknown("it does not know the command".to_owned())),
        ResultCode::Ring => Some(Tone::Unknown("a call came in on its line".to_owned())),
        other if other.is_final() => Some(Tone::Unknown("its answer says nothing of a dial tone".to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
