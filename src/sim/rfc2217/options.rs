//! Which telnet options are on, at each side: RFC 1143's method, for a side that turns nothing off by itself. Pure.

use super::telnet::Verb;

/// Eight bits, and no rule for CR (RFC 856).
pub(super) const BINARY: u8 = 0;
/// The far side's echo (RFC 857).
pub(super) const ECHO: u8 = 1;
/// No go-aheads (RFC 858).
pub(super) const SUPPRESS_GO_AHEAD: u8 = 3;
/// RFC 2217.
pub(super) const COM_PORT: u8 = 44;

/// An option at one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Off, and refused if asked for.
    Refused,
    /// Refused already, and told so.
    RefusedTold,
    Off,
    On,
    /// We have asked for it.
    Asked,
}

/// What came of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What to answer, about the same option.
    pub(super) answer: Option<Verb>,
    /// The option went on at the client's side, or off.
    pub(super) client: Option<bool>,
    /// What the client did wrong.
    pub(super) wrong: Option<String>,
}

/// All options, at both sides.
#[derive(Debug)]
pub(super) struct Options {
    /// At ours: what the client says DO and DONT of.
    ours: [State; 256],
    /// At the client's: what it says WILL and WONT of.
    theirs: [State; 256],
}

impl Options {
    /// All off. We are willing to do `ours`, and let the client do `theirs`.
    pub(super) fn new(ours: &[u8], theirs: &[u8]) -> Self {
        let table = |willing: &[u8]| {
            let mut states = [State::Refused; 256];
            for option in willing {
                states[usize::from(*option)] = State::Off;
            }
            states
        };
        Self { ours: table(ours), theirs: table(theirs) }
    }

    /// Notes that we ask, unasked, for an option to go on.
    pub(super) fn ask(&mut self, verb: Verb, option: u8) {
        let state = match verb {
            Verb::Will => &mut self.ours[usize::from(option)],
            Verb::Do => &mut self.theirs[usize::from(option)],
            Verb::Wont | Verb::Dont => return,
        };
        *state = State::Asked;
    }

    /// Whether it is on at our side.
    pub(super) fn is_ours(&self, option: u8) -> bool {
        self.ours[usize::from(option)] == State::On
    }

    /// Whether it is on at the client's side.
    pub(super) fn is_theirs(&self, option: u8) -> bool {
        self.theirs[usize::from(option)] == State::On
    }

    /// Takes in what the client said.
    pub(super) fn heard(&mut self, verb: Verb, option: u8) -> Outcome {
        let client = matches!(verb, Verb::Will | Verb::Wont);
        let (state, yes, no) = if client {
            (&mut self.theirs[usize::from(option)], Verb::Do, Verb::Dont)
        } else {
            (&mut self.ours[usize::from(option)], Verb::Will, Verb::Wont)
        };
        let on = matches!(verb, Verb::Will | Verb::Do);
        let wrong = |why: &str| Some(format!("{} {option} {why}", verb.word()));
        match (*state, on) {
            (State::Off, true) => {
                *state = State::On;
                Outcome { answer: Some(yes), client: client.then_some(true), wrong: None }
            }
            (State::Asked, true) => {
                *state = State::On;
                Outcome { client: client.then_some(true), ..Outcome::default() }
            }
            (State::Asked, false) => {
                *state = State::Off;
                Outcome::default()
            }
            (State::On, false) => {
                *state = State::Off;
                Outcome { answer: Some(no), client: client.then_some(false), wrong: None }
            }
            (State::Refused, true) => {
                *state = State::RefusedTold;
                Outcome { answer: Some(no), ..Outcome::default() }
            }
            // Answered all the same: who gets no answer waits for it.
            (State::RefusedTold, true) => {
                Outcome { answer: Some(no), wrong: wrong("although it was refused"), client: None }
            }
            // A request must change something (RFC 854): else two that answer each other never end.
            (State::On, true) => Outcome { wrong: wrong("although it is on"), ..Outcome::default() },
            (State::Off | State::Refused | State::RefusedTold, false) => {
                Outcome { wrong: wrong("although it is off"), ..Outcome::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(outcome: &Outcome) -> (Option<Verb>, bool) {
        (outcome.answer, outcome.wrong.is_some())
    }

    #[test]
    fn requests_are_answered_and_answers_are_not() {
        let mut options = Options::new(&[BINARY, SUPPRESS_GO_AHEAD], &[BINARY, COM_PORT]);
        options.ask(Verb::Will, BINARY);
        options.ask(Verb::Do, BINARY);
        for (verb, option, expected) in [
            // Answers to ours.
            (Verb::Do, BINARY, (None, false)),
            (Verb::Wont, BINARY, (None, false)),
            // Requests, of what we know and what we don't.
            (Verb::Will, BINARY, (Some(Verb::Do), false)),
            (Verb::Will, COM_PORT, (Some(Verb::Do), false)),
            (Verb::Do, COM_PORT, (Some(Verb::Wont), false)),
            (Verb::Do, SUPPRESS_GO_AHEAD, (Some(Verb::Will), false)),
            (Verb::Will, 24, (Some(Verb::Dont), false)),
            // Needless ones.
            (Verb::Will, COM_PORT, (None, true)),
            (Verb::Do, BINARY, (None, true)),
            (Verb::Wont, 31, (None, true)),
            (Verb::Dont, COM_PORT, (None, true)),
            (Verb::Will, 24, (Some(Verb::Dont), true)),
            // And off again, on again.
            (Verb::Dont, BINARY, (Some(Verb::Wont), false)),
            (Verb::Wont, COM_PORT, (Some(Verb::Dont), false)),
            (Verb::Wont, COM_PORT, (None, true)),
            (Verb::Will, COM_PORT, (Some(Verb::Do), false)),
        ] {
            assert_eq!(answer(&options.heard(verb, option)), expected, "{} {option}", verb.word());
        }
        assert!(options.is_theirs(COM_PORT) && options.is_theirs(BINARY) && !options.is_ours(BINARY));
    }

    #[test]
    fn what_the_client_turns_on_and_off_is_told() {
        let mut options = Options::new(&[], &[COM_PORT]);
        assert_eq!(options.heard(Verb::Will, COM_PORT).client, Some(true));
        assert_eq!(options.heard(Verb::Will, COM_PORT).client, None);
        assert_eq!(options.heard(Verb::Wont, COM_PORT).client, Some(false));
        assert_eq!(options.heard(Verb::Do, COM_PORT).client, None);
    }
}
