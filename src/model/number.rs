//! Telephone numbers in E.164.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Most digits that E.164 allows.
pub const DIGITS_MAX: usize = 15;
/// Fewest digits, country code included, that we take for a subscriber's number.
pub const DIGITS_MIN: usize = 7;

/// A number in E.164: `+` and digits. Written with blanks, dots, dashes or brackets, it is kept without them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(Arc<str>);

/// Why a text is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// No `+` in front: we could not know the country.
    #[error("has no country code; write it as +<country><number>, for example `+1 919 555 0101`")]
    NoCountry,
    /// Something other than a digit or a separator.
    #[error("holds {0:?}; digits and ` . - ( )` are allowed after the `+`")]
    BadCharacter(char),
    /// Too short or too long.
    #[error("has {0} digits; E.164 has {DIGITS_MIN} to {DIGITS_MAX}")]
    Length(usize),
    /// No country code begins with 0.
    #[error("has a country code that begins with 0")]
    ZeroCountry,
}

impl PhoneNumber {
    /// With the `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the `+`.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}

impl FromStr for PhoneNumber {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let rest = text.trim().strip_prefix('+').ok_or(NumberError::NoCountry)?;
        let mut kept = String::with_capacity(rest.len() + 1);
        kept.push('+');
        for c in rest.chars() {
            match c {
                '0'..='9' => kept.push(c),
                ' ' | '.' | '-' | '(' | ')' | '\u{a0}' => {}
                other => return Err(NumberError::BadCharacter(other)),
            }
        }
        let digits = kept.len() - 1;
        if !(DIGITS_MIN..=DIGITS_MAX).contains(&digits) {
            return Err(NumberError::Length(digits));
        }
        if kept.starts_with("+0") {
            return Err(NumberError::ZeroCountry);
        }
        Ok(Self(Arc::from(kept)))
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0.to_string()
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_go_and_nothing_else_is_taken() {
        assert_eq!("+1 (919) 555-0101".parse::<PhoneNumber>().unwrap().as_str(), "+19195550101");
        assert_eq!("9195550101".parse::<PhoneNumber>(), Err(NumberError::NoCountry));
        assert_eq!("+1919555010x".parse::<PhoneNumber>(), Err(NumberError::BadCharacter('x')));
        assert_eq!("+911".parse::<PhoneNumber>(), Err(NumberError::Length(3)));
        assert_eq!("+09195550101".parse::<PhoneNumber>(), Err(NumberError::ZeroCountry));
    }
}
