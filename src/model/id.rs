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
    /// Over [`NAME_LEN_MAX`].
    #[error("is longer than {NAME_LEN_MAX} characters")]
    TooLong,
    /// A character that could break a path, a log or a report.
    #[error("holds {0:?}; letters, digits and `. _ - : @ +` are allowed")]
    BadCharacter(char),
    /// `.` or a leading dot, which would hide a file or climb out of its folder.
    #[error("begins with `.`")]
    LeadingDot,
}

fn checked(text: &str) -> Result<Arc<str>, NameError> {
    if text.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if text.chars().count() > NAME_LEN_MAX {
        return Err(NameError::TooLong);
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
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
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
                checked(text).map(Self)
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
    LineId;
    /// A site: the branch that a line belongs to.
    SiteId;
    /// One of our dial-out modems.
    ModemId;
    /// A group of modems that shares outside lines.
    TrunkName;
    /// A bank of modems.
    BankName;
    /// A dial plan.
    PlanName;
    /// A credential of a plan.
    CredentialName;
    /// A run; sorts by time, see [`RunId::new`].
    RunId;
    /// A call: `<line>.<attempt>`, unique within its run.
    CallId;
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
    fn run_ids_sort_by_time() {
        let plan: PlanName = "nightly".parse().unwrap();
        let id = RunId::new("2026-11-21T02:00:00Z".parse().unwrap(), &plan);
        assert_eq!(id.as_str(), "20261121T020000Z-nightly");
    }
}
