//! Who is this modem? A pure machine that wakes it and asks, and the choice of a profile by its answers.
//!
//! Only [`Question`]s are asked: S registers mean different things to different families (modems.md 3.7). OK with
//! nothing, an empty `+GMI` and ERROR are answers like any other.

use std::time::Duration;

use crate::model::Mono;

use super::codec::Token;
use super::machine::{Action, Input, PortFacts, Progress, RESYNC_QUIET, command};
use super::profile::{Profile, Question};
use super::result_code::ResultCode;
use super::setup::{Setup, SetupFault, SetupLimits};

/// How long a question may take to its OK or ERROR.
pub const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Most lines of an answer that are kept.
pub const ANSWER_LINES_MAX: usize = 32;

/// Name of the profile that is chosen where none fits: the one that sends no S register, since nobody knows what they mean
/// there (modems.md 3.7). `generic`, which does, is for people to choose.
pub const FALLBACK: &str = "unknown";

/// What a modem said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Each question with the lines of its answer, blanks at their ends off. No line where it said nothing, or ERROR.
    pub answers: Vec<(Question, Vec<String>)>,
}

impl Identity {
    /// The answer to a question.
    pub fn answer(&self, question: Question) -> &[String] {
        self.answers.iter().find(|(asked, _)| *asked == question).map_or(&[], |(_, lines)| lines)
    }
}

/// The machine. It fails only where the modem can't be woken.
#[derive(Debug)]
pub struct Identify {
    wake: Setup,
    questions: &'static [Question],
    identity: Identity,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The modem is being woken.
    Waking,
    /// A question is out.
    Asked { question: Question, lines: Vec<String>, until: Mono },
    /// A question was not answered in time; its answer may still come, and is thrown away.
    Late { until: Mono },
    /// Done.
    Over,
}

impl Identify {
    /// Which family sits on a port; what may be online there is hung up first.
    pub fn new(facts: &PortFacts, limits: SetupLimits) -> Self {
        Self {
            wake: Setup::wake(facts, limits),
            questions: &Question::FAMILY,
            identity: Identity::default(),
            state: State::Waking,
        }
    }

    /// Which modem sits on a port: asked for its serial number too.
    pub fn of_one(facts: &PortFacts, limits: SetupLimits) -> Self {
        Self { questions: &Question::MODEM, ..Self::new(facts, limits) }
    }

    /// Whether something had to be hung up first: [`Setup::hung_up`].
    pub const fn hung_up(&self) -> bool {
        self.wake.hung_up()
    }

    /// Begins.
    pub fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<Result<Identity, SetupFault>> {
        match self.wake.start(now, actions) {
            Progress::Until(until) => Progress::Until(until),
            Progress::Done(Ok(_)) => self.ask(now, actions),
            Progress::Done(Err(fault)) => self.over(Err(fault)),
        }
    }

    /// Takes what happened.
    pub fn handle(
        &mut self,
        now: Mono,
        input: Input<'_>,
        actions: &mut Vec<Action>,
    ) -> Progress<Result<Identity, SetupFault>> {
        match &mut self.state {
            State::Waking => match self.wake.handle(now, input, actions) {
                Progress::Until(until) => Progress::Until(until),
                Progress::Done(Ok(_)) => self.ask(now, actions),
                Progress::Done(Err(fault)) => self.over(Err(fault)),
            },
            State::Asked { question, lines, until } => {
                let question = *question;
                match input {
                    Input::Token(Token::Info(line)) => {
                        let echo = line.eq_ignore_ascii_case(question.command());
                        if !echo && lines.len() < ANSWER_LINES_MAX {
                            lines.push(line.clone());
                        }
                    }
                    Input::Token(Token::Result(ResultCode::Ok)) => {
                        let lines = std::mem::take(lines);
                        self.identity.answers.push((question, lines));
                        return self.ask(now, actions);
                    }
                    Input::Token(Token::Result(ResultCode::Error)) => {
                        self.identity.answers.push((question, Vec::new()));
                        return self.ask(now, actions);
                    }
                    Input::Token(_) | Input::Signal(..) | Input::Reopened | Input::Time => {}
                }
                if now < *until {
                    return Progress::Until(*until);
                }
                // What it said so far stands, though no OK closed it.
                let lines = std::mem::take(lines);
                self.identity.answers.push((question, lines));
                let until = now + RESYNC_QUIET;
                self.state = State::Late { until };
                Progress::Until(until)
            }
            State::Late { until } => {
                if now < *until {
                    return Progress::Until(*until);
                }
                actions.push(Action::Drain);
                self.ask(now, actions)
            }
            State::Over => Progress::Until(now),
        }
    }

    /// Asks the next question, or is done.
    fn ask(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<Result<Identity, SetupFault>> {
        let Some(question) = self.questions.get(self.identity.answers.len()).copied() else {
            let identity = std::mem::take(&mut self.identity);
            return self.over(Ok(identity));
        };
        actions.push(command(question.command()));
        let until = now + ANSWER_MAX;
        self.state = State::Asked { question, lines: Vec::new(), until };
        Progress::Until(until)
    }

    fn over(&mut self, end: Result<Identity, SetupFault>) -> Progress<Result<Identity, SetupFault>> {
        self.state = State::Over;
        Progress::Done(end)
    }
}

/// The profile of a modem: the first rule that fits, over the profiles in the order of their names and their rules in
/// the order of the file, weak rules last; the one called [`FALLBACK`] where none fits; `None` only where that one is
/// missing.
pub fn choose<'a>(profiles: &'a [Profile], identity: &Identity) -> Option<&'a Profile> {
    let mut by_name: Vec<&Profile> = profiles.iter().collect();
    by_name.sort_by(|a, b| a.profile.cmp(&b.profile));
    let fits = |weak: bool| {
        by_name.iter().copied().find(|profile| {
            profile
                .rules
                .iter()
                .filter(|rule| rule.weak == weak)
                .any(|rule| identity.answer(rule.ask).iter().any(|line| rule.answer.is_match(line)))
        })
    };
    fits(false)
        .or_else(|| fits(true))
        .or_else(|| by_name.iter().copied().find(|profile| profile.profile == FALLBACK))
}

#[cfg(test)]
mod tests;
