//! Is there a dial tone? A pure machine that takes the modem off-hook without dialing a digit, hears what it says, and
//! puts it back on-hook, proven like every hang-up.
//!
//! What it types behind the dial command is `W;`: wait for dial tone, then come back to command state (modems.md 1.4). No
//! prefix goes with it, so nobody can be reached. What a missing dial tone means for a modem is `fleet`'s.

use std::time::Duration;

use crate::model::{Fault, Mono};

use super::codec::Token;
use super::hangup::{AT_ANSWER_MAX, AT_TRIES, ATH_ANSWER_MAX, ATH_TRIES, HangUp, HangupOutcome, Situation};
use super::machine::{Action, Input, Knock, Knocked, PortFacts, Progress, Signal, command};
use super::profile::Profile;
use super::result_code::ResultCode;

/// What stands behind the dial command.
const WAIT_AND_RETURN: &str = "W;";

/// How long an aborted dial may take to say so.
const ABORT_ANSWER_MAX: Duration = Duration::from_secs(2);

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

#[derive(Debug)]
enum State {
    /// Not started, or done.
    Idle,
    /// The command is out.
    Listening { until: Mono },
    /// A CR went out to end it.
    Aborting { until: Mono },
    /// ATH is out.
    Ath { tries: u32, until: Mono },
    /// AT is out.
    Proving(Knock),
    /// ATH or AT was not answered: the ways of any hang-up.
    HangingUp(Box<HangUp>),
}

impl DialTone {
    /// Listens for at most `wait`, then hangs up within `hangup` for each of two ways.
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
            self.abort(now, actions);
        } else {
            actions.push(Action::Drain);
            actions.push(command(&self.dial));
            self.state = State::Listening { until: now + self.wait };
        }
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
        match &mut self.state {
            State::Listening { .. } => {
                if let ResultCode::Unknown(text) | ResultCode::Noise(text) = code {
                    self.note(text);
                    return None;
                }
                self.tone = meaning(code)?;
                match code {
                    // The dial goes on.
                    ResultCode::Ring => self.abort(now, actions),
                    // Whoever that is: ATH would go to them.
                    ResultCode::Connect(_) => return self.hang_up(now, actions),
                    _ => self.ath(now, 1, actions),
                }
                None
            }
            State::Aborting { .. } => {
                if let ResultCode::Connect(_) = code {
                    return self.hang_up(now, actions);
                }
                if code.is_final() {
                    self.ath(now, 1, actions);
                }
                None
            }
            State::Ath { tries, .. } => {
                match code {
                    ResultCode::Ok | ResultCode::NoCarrier => {
                        let owed = *tries - 1;
                        self.state =
                            State::Proving(Knock::start(now, AT_TRIES, AT_ANSWER_MAX, owed, actions));
                    }
                    ResultCode::Error => return self.ath_again(now, actions),
                    _ => {}
                }
                None
            }
            State::Proving(knock) => {
                let knocked = knock.result(now, code, actions);
                self.knocked(now, knocked, actions)
            }
            State::Idle | State::HangingUp(_) => None,
        }
    }

    fn time(&mut self, now: Mono, actions: &mut Vec<Action>) -> Option<Progress<ToneOutcome>> {
        match &mut self.state {
            State::Listening { until } if now >= *until => {
                let said = self.odd.as_ref().map_or(String::new(), |text| format!(", but `{text}`"));
                let why = format!("no answer within {} s{said}", self.wait.as_secs());
                self.tone = Tone::Unknown(why);
                self.abort(now, actions);
                None
            }
            State::Aborting { until } if now >= *until => {
                self.ath(now, 1, actions);
                None
            }
            State::Ath { until, .. } if now >= *until => self.ath_again(now, actions),
            State::Proving(knock) => {
                let knocked = knock.time(now, actions);
                self.knocked(now, knocked, actions)
            }
            State::Idle
            | State::Listening { .. }
            | State::Aborting { .. }
            | State::Ath { .. }
            | State::HangingUp(_) => None,
        }
    }

    fn knocked(
        &mut self,
        now: Mono,
        knocked: Knocked,
        actions: &mut Vec<Action>,
    ) -> Option<Progress<ToneOutcome>> {
        match knocked {
            Knocked::Waiting => None,
            Knocked::Answered => {
                Some(self.over(HangupOutcome { proven: true, how: None, detail: String::new() }))
            }
            Knocked::Silent | Knocked::Refused => self.hang_up(now, actions),
        }
    }

    /// Keeps a line that no table knows: it may say why nothing else comes.
    fn note(&mut self, text: &str) {
        if self.odd.is_none() && !text.trim().is_empty() {
            self.odd = Some(text.trim().to_owned());
        }
    }

    /// Any character ends a dial; a CR is harmless to a modem that has just given up by itself.
    fn abort(&mut self, now: Mono, actions: &mut Vec<Action>) {
        actions.push(Action::Write(b"\r".to_vec()));
        self.state = State::Aborting { until: now + ABORT_ANSWER_MAX };
    }

    /// Behind `;` the modem is off-hook and in command state: ATH reaches it, and nobody else.
    fn ath(&mut self, now: Mono, tries: u32, actions: &mut Vec<Action>) {
        actions.push(command("ATH"));
        self.state = State::Ath { tries, until: now + ATH_ANSWER_MAX };
    }

    fn ath_again(&mut self, now: Mono, actions: &mut Vec<Action>) -> Option<Progress<ToneOutcome>> {
        match self.state {
            State::Ath { tries, .. } if tries < ATH_TRIES => {
                self.ath(now, tries + 1, actions);
                None
            }
            _ => self.hang_up(now, actions),
        }
    }

    fn hang_up(&mut self, now: Mono, actions: &mut Vec<Action>) -> Option<Progress<ToneOutcome>> {
        let situation = Situation {
            carrier_may_be_up: true,
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
            State::Listening { until } | State::Aborting { until } | State::Ath { until, .. } => *until,
            State::Proving(knock) => knock.deadline(),
            State::HangingUp(hangup) => hangup.deadline(),
        })
    }
}

/// What a result says of the dial tone; `None` where it is not the answer.
fn meaning(code: &ResultCode) -> Option<Tone> {
    let missing = |fault, why: &str| Some(Tone::Missing(fault, why.to_owned()));
    match code {
        ResultCode::Ok | ResultCode::Dialtone => Some(Tone::Heard),
        ResultCode::NoDialtone => missing(Fault::NoDialtone, "NO DIALTONE"),
        ResultCode::NoLine => missing(Fault::NoDialtone, "NO LINE: no loop voltage, the cable is out"),
        ResultCode::OverCurrent => {
            missing(Fault::NoDialtone, "over-current: a digital PBX line, the wrong jack")
        }
        ResultCode::LineInUse => missing(Fault::LineInUse, "LINE IN USE"),
        ResultCode::PhoneOffHook => missing(Fault::LineInUse, "PHONE OFF-HOOK"),
        ResultCode::Error => Some(Tone::Unknown("it does not know the command".to_owned())),
        ResultCode::Ring => Some(Tone::Unknown("a call came in on its line".to_owned())),
        other if other.is_final() => Some(Tone::Unknown("its answer says nothing of a dial tone".to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
