//! Takes a call that another modem of our own bank makes: waits for RING, answers, holds the line until the caller hangs
//! up, and goes on-hook, proven. Pure.
//!
//! It answers while it is asked to, and at no other time: S0 is never set. That the call is our own nobody can tell
//! here; a stranger who calls in that moment hears a carrier and is hung up on.

use std::time::Duration;

use crate::model::Mono;

use super::codec::Token;
use super::hangup::{HangUp, HangupOutcome, Situation};
use super::machine::{Action, Input, PortFacts, Progress, Signal, command};
use super::profile::Profile;
use super::result_code::ResultCode;

/// How long the caller may take to hang up once both are connected.
pub const HOLD_MAX: Duration = Duration::from_secs(15);

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerOutcome {
    /// RING was heard.
    pub rang: bool,
    /// CONNECT was seen.
    pub connected: bool,
    /// Whether on-hook was proven.
    pub on_hook: bool,
    /// Why it was not.
    pub detail: String,
}

/// The machine.
#[derive(Debug)]
pub struct Answer {
    profile: Profile,
    facts: PortFacts,
    wait: Duration,
    train: Duration,
    hangup: Duration,
    dcd: bool,
    rang: bool,
    connected: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Not started, or done.
    Idle,
    /// For RING.
    Waiting {
        until: Mono,
    },
    /// ATA is out.
    Training {
        until: Mono,
    },
    /// Connected, until the caller goes.
    Holding {
        until: Mono,
    },
    HangingUp(Box<HangUp>),
}

impl Answer {
    /// Waits `wait` for RING, then `train` for CONNECT, and hangs up within `hangup`.
    pub fn new(
        profile: &Profile,
        facts: PortFacts,
        wait: Duration,
        train: Duration,
        hangup: Duration,
    ) -> Self {
        Self {
            profile: profile.clone(),
            facts,
            wait,
            train,
            hangup,
            dcd: facts.has_signals && facts.dcd_at_open,
            rang: false,
            connected: false,
            state: State::Idle,
        }
    }

    /// Begins.
    pub fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<AnswerOutcome> {
        actions.push(Action::Drain);
        self.state = State::Waiting { until: now + self.wait };
        self.progress()
    }

    /// Takes what happened.
    pub fn handle(
        &mut self,
        now: Mono,
        input: Input<'_>,
        actions: &mut Vec<Action>,
    ) -> Progress<AnswerOutcome> {
        if let Input::Signal(Signal::Dcd, up) = input {
            self.dcd = up;
        }
        let done = match (&mut self.state, input) {
            (State::HangingUp(hangup), input) => match hangup.handle(now, input, actions) {
                Progress::Until(_) => None,
                Progress::Done(outcome) => Some(self.over(outcome)),
            },
            (_, Input::Token(Token::Result(code))) => self.result(now, code, actions),
            (State::Holding { .. }, Input::Signal(Signal::Dcd, false)) => {
                self.hang_up(now, false, false, actions)
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
    ) -> Option<Progress<AnswerOutcome>> {
        match (&self.state, code) {
            (State::Waiting { .. }, ResultCode::Ring) => {
                self.rang = true;
                actions.push(command("ATA"));
                self.state = State::Training { until: now + self.train };
                None
            }
            (State::Training { .. }, ResultCode::Connect(_)) => {
                self.connected = true;
                self.state = State::Holding { until: now + HOLD_MAX };
                None
            }
            // The caller gave up, or it could not be answered.
            (State::Training { .. }, code) if code.is_final() => self.hang_up(now, false, false, actions),
            (State::Holding { .. }, ResultCode::NoCarrier) => self.hang_up(now, false, false, actions),
            _ => None,
        }
    }

    fn time(&mut self, now: Mono, actions: &mut Vec<Action>) -> Option<Progress<AnswerOutcome>> {
        match self.state {
            // Nothing was typed: it is on-hook, and AT proves that it is there.
            State::Waiting { until } if now >= until => self.hang_up(now, false, false, actions),
            State::Training { until } if now >= until => self.hang_up(now, false, true, actions),
            State::Holding { until } if now >= until => self.hang_up(now, true, false, actions),
            _ => None,
        }
    }

    fn hang_up(
        &mut self,
        now: Mono,
        carrier: bool,
        answering: bool,
        actions: &mut Vec<Action>,
    ) -> Option<Progress<AnswerOutcome>> {
        let situation = Situation {
            carrier_may_be_up: carrier,
            logged_out_took_carrier: self.connected && !carrier,
            in_dialing: answering,
            held: false,
            dcd: self.facts.has_signals.then_some(self.dcd),
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

    fn over(&mut self, outcome: HangupOutcome) -> Progress<AnswerOutcome> {
        self.state = State::Idle;
        Progress::Done(AnswerOutcome {
            rang: self.rang,
            connected: self.connected,
            on_hook: outcome.proven,
            detail: outcome.detail,
        })
    }

    fn progress(&self) -> Progress<AnswerOutcome> {
        Progress::Until(match &self.state {
            State::Idle => Mono::ZERO,
            State::Waiting { until } | State::Training { until } | State::Holding { until } => *until,
            State::HangingUp(hangup) => hangup.deadline(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(60);

    fn machine() -> (Answer, Vec<Action>) {
        let profile: Profile = serde_yaml::from_str("profile: generic").unwrap();
        let mut actions = Vec::new();
        let mut answer = Answer::new(&profile, PortFacts::default(), WAIT, WAIT, Duration::from_secs(10));
        assert_eq!(answer.start(Mono::ZERO, &mut actions), Progress::Until(Mono::ZERO + WAIT));
        assert_eq!(std::mem::take(&mut actions), [Action::Drain]);
        (answer, actions)
    }

    fn hear(
        answer: &mut Answer,
        ms: u64,
        code: ResultCode,
        actions: &mut Vec<Action>,
    ) -> Progress<AnswerOutcome> {
        answer.handle(Mono::from_millis(ms), Input::Token(&Token::Result(code)), actions)
    }

    #[test]
    fn it_answers_a_ring_and_hangs_up_behind_the_caller() {
        let (mut answer, mut actions) = machine();
        let _ = hear(&mut answer, 100, ResultCode::Ring, &mut actions);
        assert_eq!(std::mem::take(&mut actions), [command("ATA")]);
        let connect = ResultCode::Connect(crate::modem::connect::Connect::default());
        let _ = hear(&mut answer, 200, connect, &mut actions);
        let _ = hear(&mut answer, 300, ResultCode::NoCarrier, &mut actions);
        assert_eq!(std::mem::take(&mut actions), [command("AT")], "the proof, and nothing else");
        let done = hear(&mut answer, 310, ResultCode::Ok, &mut actions);
        let outcome = AnswerOutcome { rang: true, connected: true, on_hook: true, detail: String::new() };
        assert_eq!(done, Progress::Done(outcome));
    }

    #[test]
    fn nothing_is_typed_before_it_rings() {
        let (mut answer, mut actions) = machine();
        for code in [ResultCode::Ok, ResultCode::NoCarrier, ResultCode::Busy] {
            let _ = hear(&mut answer, 100, code, &mut actions);
        }
        assert_eq!(actions, []);
        let _ = answer.handle(Mono::ZERO + WAIT, Input::Time, &mut actions);
        assert_eq!(actions, [command("AT")]);
        let done = hear(&mut answer, 60_010, ResultCode::Ok, &mut actions);
        assert!(matches!(done, Progress::Done(AnswerOutcome { rang: false, on_hook: true, .. })));
    }
}
