//! Which telnet options are in force, by the Q method of RFC 1143: it can't loop, and crossing requests settle. Pure.
//!
//! Of all options four concern us; every other one is refused. What an option does is not known here.

use super::telnet::Verb;

/// Transmit binary (RFC 856).
pub(super) const BINARY: u8 = 0;
/// Echo (RFC 857).
pub(super) const ECHO: u8 = 1;
/// Suppress go ahead (RFC 858).
pub(super) const SUPPRESS_GO_AHEAD: u8 = 3;
/// Com port control (RFC 2217).
pub(super) const COM_PORT: u8 = 44;

const KNOWN: [u8; 4] = [BINARY, ECHO, SUPPRESS_GO_AHEAD, COM_PORT];

/// Where an option of one side stands (RFC 1143 section 7). Nothing of ours asks for an option to end, so the queue
/// bit and `WANTNO` are needed for neither side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Q {
    #[default]
    No,
    Yes,
    /// Asked for, and not answered.
    WantYes,
}

/// An option, as each side uses it.
#[derive(Debug, Clone, Copy, Default)]
struct Both {
    us: Q,
    him: Q,
}

/// All options of a connection.
#[derive(Debug, Default)]
pub(super) struct Options {
    known: [Both; KNOWN.len()],
}

impl Options {
    fn get(&self, option: u8) -> Both {
        KNOWN.iter().position(|&known| known == option).map_or(Both::default(), |at| self.known[at])
    }

    fn get_mut(&mut self, option: u8) -> Option<&mut Both> {
        KNOWN.iter().position(|&known| known == option).map(|at| &mut self.known[at])
    }

    /// We would use an option: what is to be said, if anything.
    pub(super) fn offer(&mut self, option: u8) -> Option<Verb> {
        let both = self.get_mut(option).filter(|both| both.us == Q::No)?;
        both.us = Q::WantYes;
        Some(Verb::Will)
    }

    /// The other side is to use an option: what is to be said, if anything.
    pub(super) fn ask(&mut self, option: u8) -> Option<Verb> {
        let both = self.get_mut(option).filter(|both| both.him == Q::No)?;
        both.him = Q::WantYes;
        Some(Verb::Do)
    }

    /// Takes what the other side says; what is to be answered, if anything.
    pub(super) fn hear(&mut self, verb: Verb, option: u8) -> Option<Verb> {
        let welcome = match verb {
            // Nobody at our end wants to hear himself.
            Verb::Do | Verb::Dont => option != ECHO,
            Verb::Will | Verb::Wont => true,
        };
        let Some(both) = self.get_mut(option) else {
            return match verb {
                Verb::Will => Some(Verb::Dont),
                Verb::Do => Some(Verb::Wont),
                Verb::Wont | Verb::Dont => None,
            };
        };
        let (side, yes, no) = match verb {
            Verb::Will | Verb::Wont => (&mut both.him, Verb::Do, Verb::Dont),
            Verb::Do | Verb::Dont => (&mut both.us, Verb::Will, Verb::Wont),
        };
        match (verb, *side) {
            (Verb::Will | Verb::Do, Q::Yes) | (Verb::Wont | Verb::Dont, Q::No) => None,
            (Verb::Will | Verb::Do, Q::WantYes) => {
                *side = Q::Yes;
                None
            }
            (Verb::Will | Verb::Do, Q::No) if welcome => {
                *side = Q::Yes;
                Some(yes)
            }
            (Verb::Will | Verb::Do, Q::No) => Some(no),
            (Verb::Wont | Verb::Dont, Q::WantYes) => {
                *side = Q::No;
                None
            }
            (Verb::Wont | Verb::Dont, Q::Yes) => {
                *side = Q::No;
                Some(no)
            }
        }
    }

    /// Whether we use it, by agreement.
    pub(super) fn ours(&self, option: u8) -> bool {
        self.get(option).us == Q::Yes
    }

    /// Whether the other side uses it, by agreement.
    pub(super) fn theirs(&self, option: u8) -> bool {
        self.get(option).him == Q::Yes
    }

    /// Whether everything that we said has been answered.
    pub(super) fn are_settled(&self) -> bool {
        self.known.iter().all(|both| both.us != Q::WantYes && both.him != Q::WantYes)
    }

    /// Whether our word on this option has been answered.
    pub(super) fn is_settled(&self, option: u8) -> bool {
        let both = self.get(option);
        both.us != Q::WantYes && both.him != Q::WantYes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_not_answered() {
        let mut options = Options::default();
        assert_eq!(options.offer(COM_PORT), Some(Verb::Will));
        assert_eq!(options.offer(COM_PORT), None, "it is asked once");
        assert!(!options.is_settled(COM_PORT) && !options.are_settled());
        assert_eq!(options.hear(Verb::Do, COM_PORT), None);
        assert!(options.ours(COM_PORT) && !options.theirs(COM_PORT) && options.are_settled());
        assert_eq!(options.hear(Verb::Do, COM_PORT), None, "nor is it when it is said again");
    }

    #[test]
    fn a_refusal_is_taken_in_silence_and_an_end_is_confirmed() {
        let mut options = Options::default();
        assert_eq!(options.ask(BINARY), Some(Verb::Do));
        assert_eq!(options.hear(Verb::Wont, BINARY), None);
        assert!(!options.theirs(BINARY) && options.is_settled(BINARY));
        assert_eq!(options.hear(Verb::Will, BINARY), Some(Verb::Do), "it may change its mind");
        assert_eq!(options.hear(Verb::Wont, BINARY), Some(Verb::Dont));
        assert!(!options.theirs(BINARY));
    }

    #[test]
    fn what_is_offered_to_us_is_taken_and_what_nobody_knows_is_not() {
        let mut options = Options::default();
        assert_eq!(options.hear(Verb::Will, ECHO), Some(Verb::Do));
        assert_eq!(options.hear(Verb::Do, ECHO), Some(Verb::Wont));
        assert_eq!(options.hear(Verb::Do, SUPPRESS_GO_AHEAD), Some(Verb::Will));
        assert_eq!(options.hear(Verb::Will, 24), Some(Verb::Dont));
        assert_eq!(options.hear(Verb::Do, 24), Some(Verb::Wont));
        assert_eq!(options.hear(Verb::Dont, 24), None);
        assert_eq!(options.hear(Verb::Wont, 24), None);
    }

    /// Two of these talk to each other until nothing is left to say: whoever begins, and whatever crosses.
    #[test]
    fn two_sides_always_come_to_rest_and_agree() {
        for begins in 0..4 {
            let (mut a, mut b) = (Options::default(), Options::default());
            let mut to_b: Vec<Verb> =
                (begins & 1 > 0).then(|| a.offer(COM_PORT)).flatten().into_iter().collect();
            let mut to_a: Vec<Verb> =
                (begins & 2 > 0).then(|| b.ask(COM_PORT)).flatten().into_iter().collect();
            for turn in 0.. {
                assert!(turn < 8, "they go on for ever");
                if to_a.is_empty() && to_b.is_empty() {
                    break;
                }
                let heard = std::mem::take(&mut to_b);
                to_a.extend(heard.into_iter().filter_map(|verb| b.hear(verb, COM_PORT)));
                let heard = std::mem::take(&mut to_a);
                to_b.extend(heard.into_iter().filter_map(|verb| a.hear(verb, COM_PORT)));
            }
            assert_eq!(a.ours(COM_PORT), b.theirs(COM_PORT));
            assert_eq!(a.ours(COM_PORT), begins > 0);
        }
    }
}
