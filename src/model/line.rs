//! A line under audit, and the host that must answer behind it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{GroupName, LineId, PhoneNumber, SiteId};

/// A line of a plan, as far as its reports need it. How it is dialed and what is said there belongs to `call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Unique within the plan.
    pub id: LineId,
    /// The branch.
    pub site: SiteId,
    /// What is called.
    pub number: PhoneNumber,
    /// The host that must answer; without one, any console of the right kind will do.
    pub hostname: Option<Hostname>,
    /// What lines are picked and counted by.
    #[serde(default, skip_serializing_if = "Facets::is_empty")]
    pub facets: Facets,
}

/// What lines are picked and counted by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facets {
    /// Words of the plan's author, for `--tag`; sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Who goes first, the higher the sooner; 0 where nothing is said.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// The country of its number, two letters, where the numbering data know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The hunt group that its number belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hunt_group: Option<GroupName>,
    /// The names of the consoles behind it, where it leads to a console server; in the order of the plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consoles: Vec<String>,
}

impl Facets {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
const fn is_zero(priority: &i32) -> bool {
    *priority == 0
}

/// A host's name as a console shows it: letters, digits, `-`, `_` and `.`; compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hostname(String);

/// Why a text is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no host name: 1 to 63 letters, digits, `-`, `_` and `.`")]
pub struct HostnameError;

impl Hostname {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `seen` names this host. A console may show the short form of a name that is written with its domain.
    pub fn is(&self, seen: &str) -> bool {
        let short = self.0.split('.').next().unwrap_or(&self.0);
        seen.eq_ignore_ascii_case(&self.0) || seen.eq_ignore_ascii_case(short)
    }
}

impl FromStr for Hostname {
    type Err = HostnameError;

    fn from_str(text: &str) -> Result<Self, HostnameError> {
        let fits = (1..=63).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if fits { Ok(Self(text.to_owned())) } else { Err(HostnameError) }
    }
}

impl TryFrom<String> for Hostname {
    type Error = HostnameError;

    fn try_from(text: String) -> Result<Self, HostnameError> {
        text.parse()
    }
}

impl From<Hostname> for String {
    fn from(name: Hostname) -> Self {
        name.0
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_prompt_names_a_long_host_and_no_other() {
        let host: Hostname = "br0001-rtr1.example.net".parse().unwrap();
        assert!(host.is("BR0001-RTR1") && host.is("br0001-rtr1.example.net"));
        assert!(!host.is("br0001-rtr10") && !host.is("br0001") && !host.is("br0001-rtr1.example.org"));
        assert!("rtr 1".parse::<Hostname>().is_err() && "".parse::<Hostname>().is_err());
    }
}
