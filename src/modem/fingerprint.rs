//! What tells one modem from another: its own words about itself, as a bank keeps them. Pure.
//!
//! A cable that was put into the wrong port shows here before anything is dialed. Asking is [`super::identify`]'s.

use std::fmt;
use std::str::FromStr;

use super::identify::Identity;

/// Between the parts of a fingerprint.
const BETWEEN: &str = " / ";

/// Longest fingerprint, characters.
pub const FINGERPRINT_LEN_MAX: usize = 240;

/// Longest part that is taken of one line of an answer, characters.
const PART_LEN_MAX: usize = 60;

/// Most lines of answers that make a fingerprint: the first ones name maker and model.
const PARTS_MAX: usize = 6;

/// What a modem must say of itself: parts with ` / ` between them, each of which must be a line of its answers to
/// `ATI`, `ATI3`, `AT+GMI`, `AT+GMM` or `AT+GSN`. One part alone (a serial number, say) is a fingerprint too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    parts: Vec<String>,
}

/// Why a text is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// Nothing there.
    #[error("is empty; `lineman modems` shows what the modem says of itself")]
    Empty,
    /// Too long to be one.
    #[error(
        "has more than {FINGERPRINT_LEN_MAX} characters; a part that tells the modem from its neighbours is enough"
    )]
    Long,
    /// Control characters can't be in an answer.
    #[error("holds {0:?}; an answer is printable text")]
    Unprintable(char),
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        if text.chars().count() > FINGERPRINT_LEN_MAX {
            return Err(FingerprintError::Long);
        }
        if let Some(bad) = text.chars().find(|c| c.is_control()) {
            return Err(FingerprintError::Unprintable(bad));
        }
        let parts: Vec<String> = text.split('/').map(plain).filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { Err(FingerprintError::Empty) } else { Ok(Self { parts }) }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join(BETWEEN))
    }
}

impl Fingerprint {
    /// That of a modem that has told who it is; none if it said nothing.
    pub fn of(identity: &Identity) -> Option<Self> {
        let mut parts: Vec<String> = Vec::new();
        let mut length = 0;
        for part in lines(identity) {
            // As text it has to be read again, from a bank.
            let longer = length + part.len() + if parts.is_empty() { 0 } else { BETWEEN.len() };
            if parts.len() < PARTS_MAX && longer <= FINGERPRINT_LEN_MAX && !parts.contains(&part) {
                parts.push(part);
                length = longer;
            }
        }
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// Whether this is the modem: every part is a line of what it said. Case and the number of blanks don't count.
    pub fn fits(&self, identity: &Identity) -> bool {
        let said: Vec<String> = lines(identity).map(|line| line.to_lowercase()).collect();
        self.parts.iter().all(|part| said.contains(&part.to_lowercase()))
    }
}

/// What it said, line by line, as parts.
fn lines(identity: &Identity) -> impl Iterator<Item = String> + '_ {
    let answers = identity.answers.iter().flat_map(|(_, lines)| lines);
    // A slash would fall apart when the fingerprint is read again.
    answers.flat_map(|line| line.split('/')).map(plain).filter(|part| !part.is_empty())
}

/// One blank between words, nothing but ASCII that shows itself, no more than a part may have. What a modem says beyond
/// that is noise, or meant to be.
fn plain(text: &str) -> String {
    let shown: String = text.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' }).collect();
    let words: Vec<&str> = shown.split_whitespace().collect();
    words.join(" ").chars().take(PART_LEN_MAX).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::modem::profile::Question;

    fn says(lines: &[&str]) -> Identity {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Identity { answers: vec![(Question::I, lines)] }
    }

    #[test]
    fn a_part_is_enough_and_a_wrong_part_is_not() {
        let courier = says(&["3366", "USRobotics  Courier V.Everything"]);
        for fits in ["3366", "3366 / usrobotics courier v.everything", "USRobotics Courier V.Everything"] {
            assert!(fits.parse::<Fingerprint>().unwrap().fits(&courier), "{fits}");
        }
        for other in ["336", "3366 / Sportster", "USRobotics Courier"] {
            assert!(!other.parse::<Fingerprint>().unwrap().fits(&courier), "{other}");
        }
    }

    #[test]
    fn a_modem_that_says_nothing_has_none_and_fits_none() {
        assert_eq!(Fingerprint::of(&says(&[])), None);
        assert_eq!(Fingerprint::of(&says(&[" ", "\u{7}", "\u{202e}\u{feff}"])), None);
        assert!(!"3366".parse::<Fingerprint>().unwrap().fits(&says(&[])));
    }

    #[test]
    fn what_is_no_fingerprint_is_told() {
        assert_eq!(" / ".parse::<Fingerprint>(), Err(FingerprintError::Empty));
        assert_eq!("a\u{1b}".parse::<Fingerprint>(), Err(FingerprintError::Unprintable('\u{1b}')));
        assert_eq!("x".repeat(300).parse::<Fingerprint>(), Err(FingerprintError::Long));
    }

    proptest! {
        #[test]
        fn that_of_a_modem_is_read_back_and_fits_it(lines in prop::collection::vec("[ -~]{0,90}|\\PC{0,90}|.{0,90}", 0..9)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let identity = says(&lines);
            if let Some(fingerprint) = Fingerprint::of(&identity) {
                let text = fingerprint.to_string();
                let again: Fingerprint = text.parse().unwrap();
                prop_assert!(again.fits(&identity), "{text}");
                prop_assert!(text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{text:?}");
            }
        }
    }
}
