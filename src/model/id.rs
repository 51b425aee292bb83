//! Names of things: short, printable, safe in a file name and in a log.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name in characters: it becomes part of file names (transcripts) and of terminal columns.
pub const NAME_LEN_MAX: usize = 64;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or blanks alone.
    #[error("is empty")]
    Empty,
    /// Over the limit: [`NAME_LEN_MAX`], but for names that are built of others.
    #[error("is longer than {0} characters")]
    TooLong(usize),
    /// A character that could break a path, a log or a report.
    #[error("holds {0:?}; letters, digits and `. _ - : @ +` are allowed")]
    BadCharacter(char),
    /// `.` or a leading dot, which would hide a file or climb out of its folder.
    #[error("begins with `.`")]
    LeadingDot,
}

/// Longest [`CallId`]: a line's name and the number of the call.
const CALL_ID_LEN_MAX: usize = NAME_LEN_MAX + 11;
/// Longest [`RunId`]: the start, a plan's name, and a number where two runs began in one second.
const RUN_ID_LEN_MAX: usize = NAME_LEN_MAX + 24;

fn checked(text: &str, len_max: usize) -> Result<Arc<str>, NameError> {
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if text.chars().count() > len_max {
        return Err(NameError::TooLong(len_max));
    }
    if text.starts_with('.') {
        return Err(NameError::LeadingDot);
    }
    match text.chars().find(|&c| !(c.is_alphanumeric() || "._-:@+".contains(c))) {
        Some(c) => Err(NameError::BadCharacter(c)),
        None => Ok(Arc::from(text)),
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $len_max:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                checked(text, $len_max).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}

names! {
    /// A line of the plan.
    LineId: NAME_LEN_MAX;
    /// A site: the branch that a line belongs to.
    SiteId: NAME_LEN_MAX;
    /// One of our dial-out modems.
    ModemId: NAME_LEN_MAX;
    /// A group of modems that shares outside lines.
    TrunkName: NAME_LEN_MAX;
    /// A hunt group of a plan: lines of which a busy one rolls over to the next.
    GroupName: NAME_LEN_MAX;
    /// A carrier of a plan: a code that is dialed before the number.
    CarrierName: NAME_LEN_MAX;
    /// A bank of modems.
    BankName: NAME_LEN_MAX;
    /// A dial plan.
    PlanName: NAME_LEN_MAX;
    /// A credential of a plan.
    CredentialName: NAME_LEN_MAX;
    /// A run; sorts by time, see [`RunId::new`].
    RunId: RUN_ID_LEN_MAX;
    /// A call: `<line>.<attempt>`, unique within its run.
    CallId: CALL_ID_LEN_MAX;
}

impl CallId {
    /// The id of a line's n-th call.
    pub fn new(line: &LineId, attempt: u32) -> Self {
        Self(Arc::from(format!("{line}.{attempt}")))
    }
}

impl RunId {
    /// `20261121T020000Z-nightly`: the start in UTC, then the plan's name, so that ids sort by time.
    pub fn new(started: jiff::Timestamp, plan: &PlanName) -> Self {
        Self(Arc::from(format!("{}-{plan}", started.strftime("%Y%m%dT%H%M%SZ"))))
    }

    /// The id of the n-th run of a plan that began within one second: `-2`, `-3` behind the first one's.
    #[must_use]
    pub fn nth(&self, n: u8) -> Self {
        Self(Arc::from(format!("{self}-{n}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_climb_out_of_a_folder_are_refused() {
        for bad in ["", "  ", "../x", "a/b", "a b", "a\n", ".hidden", "a\u{1b}[31m"] {
            assert!(bad.parse::<LineId>().is_err(), "{bad:?} was taken");
        }
        assert!("x".repeat(65).parse::<LineId>().is_err());
        assert_eq!("BR0001-A".parse::<LineId>().map(|l| l.to_string()), Ok("BR0001-A".into()));
    }

    #[test]
    fn ids_that_are_built_of_the_longest_names_read_back() {
        let long = "x".repeat(NAME_LEN_MAX);
        let call = CallId::new(&long.parse().unwrap(), u32::MAX);
        assert_eq!(call.as_str().parse(), Ok(call));
        let run = RunId::new("2026-11-21T02:00:00Z".parse().unwrap(), &long.parse().unwrap()).nth(u8::MAX);
        assert_eq!(run.as_str().parse(), Ok(run));
    }

    #[test]
    fn run_ids_sort_by_time() {
        let plan: PlanName = "nightly".parse().unwrap();
        let id = RunId::new("2026-11-21T02:00:00Z".parse().unwrap(), &plan);
        assert_eq!(id.as_str(), "20261121T020000Z-nightly");
    }
}
