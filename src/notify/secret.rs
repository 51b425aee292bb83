//! Secrets of sinks, and why a sink failed: in words that hold none of them.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::report::safe_line;

/// Longest account of a failure in characters.
const WHY_CHARS_MAX: usize = 300;
/// What stands for a secret.
const MASK: &str = "********";
/// Shorter secrets are not looked for: they would be found everywhere.
const MASKED_LEN_MIN: usize = 4;

/// With what a sink is logged into.
#[derive(Clone)]
pub struct Login {
    /// The username; empty: the password is a bearer token.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(********)")
    }
}

/// Why a sink did not take a message: one line, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

impl Failed {
    /// For a reason in words.
    pub fn new(why: impl fmt::Display) -> Self {
        Self::without(why, &[])
    }

    /// For a reason in which these texts must not appear: servers repeat what they are told.
    pub(super) fn without(why: impl fmt::Display, secrets: &[&str]) -> Self {
        let mut text = safe_line(&why.to_string());
        for secret in secrets.iter().filter(|secret| secret.len() >= MASKED_LEN_MIN) {
            text = text.replace(secret, MASK);
        }
        let cut = text.char_indices().nth(WHY_CHARS_MAX).map(|(at, _)| at);
        if let Some(at) = cut {
            text.truncate(at);
            text.push('…');
        }
        Self(text.trim().to_owned())
    }

    /// The same of an error, with its causes as far as they say more.
    pub(super) fn of(error: &dyn std::error::Error, secrets: &[&str]) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let said = inner.to_string();
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            cause = inner.source();
        }
        Self::without(text, secrets)
    }
}

/// What a login would look like in the words of a server that repeats it.
pub(super) fn traces(login: Option<&Login>) -> Vec<String> {
    login.map(|login| vec![login.password.expose_secret().to_owned()]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_short_line_without_secrets() {
        let login = Login { username: "u".into(), password: "s3cret-word".into() };
        assert!(!format!("{login:?}").contains("s3cret"));
        let traces = traces(Some(&login));
        let secrets: Vec<&str> = traces.iter().map(String::as_str).collect();
        let told = Failed::without("535 no:\r\n\u{1b}[31ms3cret-word is wrong", &secrets).to_string();
        assert_eq!(told, "535 no:  \u{fffd}[31m******** is wrong");
        assert!(Failed::new("x".repeat(10_000)).to_string().chars().count() <= WHY_CHARS_MAX + 1);
    }
}
