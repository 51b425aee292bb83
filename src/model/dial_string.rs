//! What goes behind `ATD`: checked once, here, and masked wherever it is written.
//!
//! Which string a number becomes, and whether it may be dialed at all, is decided in `config::numbering`.

use std::fmt;

/// Characters that a dial string may hold, prefixes included. `!`, `;`, `/`, `S`, `L` and a second `D` are not among them.
pub const ALLOWED: &str = "0123456789*#,W@TP";

/// Longest run of digits in a prefix that is shown; longer ones are access codes and are masked.
pub const PLAIN_PREFIX_DIGITS: usize = 2;

/// What stands for an access code in everything that is written.
pub const MASK: &str = "xxxx";

/// A dial string: the prefix of the outside line or carrier (which may hold access codes) and the number itself.
///
/// `Display` and `Debug` mask access codes; only [`DialString::command`] has them in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct DialString {
    prefix: Box<str>,
    number: Box<str>,
}

/// A character that must not be dialed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("holds {0:?}; a dial string holds digits and `* # , W @ T P` alone")]
pub struct DialStringError(pub char);

impl DialString {
    /// Takes the two parts after checking each character; lower-case letters are taken for upper-case ones.
    pub fn new(prefix: &str, number: &str) -> Result<Self, DialStringError> {
        let check = |text: &str| -> Result<Box<str>, DialStringError> {
            let text = text.to_ascii_uppercase();
            match text.chars().find(|&c| !ALLOWED.contains(c)) {
                Some(bad) => Err(DialStringError(bad)),
                None => Ok(text.into()),
            }
        };
        Ok(Self { prefix: check(prefix)?, number: check(number)? })
    }

    /// The string in clear, as it follows `ATD`. For the modem alone.
    pub fn command(&self) -> String {
        format!("{}{}", self.prefix, self.number)
    }

    /// The digits (and `*`, `#`) that reach the exchange, prefix included: what screening looks at.
    pub fn digits(&self) -> String {
        self.command().chars().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#')).collect()
    }

    /// Like [`Self::digits`], without the prefix.
    pub fn number_digits(&self) -> String {
        self.number.chars().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#')).collect()
    }

    /// A text of the modem's, which may have said some of this string back, without its access codes: digit runs of
    /// the text that are a part of one, or hold one, are masked.
    pub fn mask_in(&self, text: &str) -> String {
        let is_code = |run: &&str| run.len() > PLAIN_PREFIX_DIGITS;
        let codes: Vec<&str> = self.prefix.split(|c: char| !c.is_ascii_digit()).filter(is_code).collect();
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(from) = rest.find(|c: char| c.is_ascii_digit()) {
            let (before, digits) = rest.split_at(from);
            let len = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let (run, after) = digits.split_at(len);
            let told = is_code(&run) && codes.iter().any(|code| code.contains(run) || run.contains(code));
            out.push_str(before);
            out.push_str(if told { MASK } else { run });
            rest = after;
        }
        out + rest
    }

    /// As it may be written: digit runs of the prefix that are longer than [`PLAIN_PREFIX_DIGITS`] are masked.
    pub fn masked(&self) -> String {
        let mut out = String::new();
        let mut run = String::new();
        for c in self.prefix.chars().chain(std::iter::once('\0')) {
            if c.is_ascii_digit() {
                run.push(c);
                continue;
            }
            out.push_str(if run.len() > PLAIN_PREFIX_DIGITS { MASK } else { &run });
            run.clear();
            if c != '\0' {
                out.push(c);
            }
        }
        out.push_str(&self.number);
        out
    }
}

impl fmt::Display for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.masked())
    }
}

impl fmt::Debug for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DialString({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_codes_are_masked_and_outside_prefixes_are_not() {
        let show = |prefix: &str| DialString::new(prefix, "5550101").unwrap().to_string();
        assert_eq!(show("9,"), "9,5550101");
        assert_eq!(show("9,1010288,W4711#"), "9,xxxx,Wxxxx#5550101");
        assert_eq!(show("*70,"), "*70,5550101");
        assert_eq!(format!("{:?}", DialString::new("1234", "5").unwrap()), "DialString(xxxx5)");
    }

    #[test]
    fn what_a_modem_says_back_has_no_access_code() {
        let dial = DialString::new("9,471199W", "5550101").unwrap();
        assert_eq!(dial.mask_in("TDT9,471199W5550101"), "TDT9,xxxxW5550101");
        assert_eq!(dial.mask_in("DIALING 4711995550101"), "DIALING xxxx");
        assert_eq!(dial.mask_in("ATDT9,4711~99W555"), "ATDT9,xxxx~99W555");
        assert_eq!(dial.mask_in("CARRIER 33600"), "CARRIER 33600");
        assert_eq!(DialString::new("9,", "5550101").unwrap().mask_in("DT9,5550101"), "DT9,5550101");
    }

    #[test]
    fn nothing_that_a_modem_takes_for_a_command_is_allowed() {
        for bad in ["5;H", "5!5", "5\r", "555D5", "L", "S=1", "5 5", "５"] {
            assert!(DialString::new("", bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(DialString::new("9w", "1").unwrap().command(), "9W1");
    }
}
