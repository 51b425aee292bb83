//! A username and its password, as one call holds them. Where they come from is `config`'s business.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What is typed at the prompts. `Debug` shows neither part.
#[derive(Clone)]
pub struct Credential {
    username: String,
    password: SecretString,
}

/// Why a credential can't be typed at a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// An empty password would be an empty line, which no console could prove.
    #[error("the password is empty")]
    EmptyPassword,
    /// A line end inside would be a second answer: one password a call, and no more.
    #[error("the {0} holds a control character (a line end at its end, perhaps)")]
    Control(&'static str),
}

impl Credential {
    /// Takes the two after checking that each is one line. The username may be empty where a console asks for none.
    pub fn new(username: impl Into<String>, password: SecretString) -> Result<Self, CredentialError> {
        let username = username.into();
        if password.expose_secret().is_empty() {
            return Err(CredentialError::EmptyPassword);
        }
        if username.chars().any(char::is_control) {
            return Err(CredentialError::Control("username"));
        }
        if password.expose_secret().chars().any(char::is_control) {
            return Err(CredentialError::Control("password"));
        }
        Ok(Self { username, password })
    }

    /// The username.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password, still wrapped.
    pub fn password(&self) -> &SecretString {
        &self.password
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(********)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_part() {
        let credential = Credential::new("oob", "s3cret-word".into()).unwrap();
        let shown = format!("{credential:?}");
        assert!(!shown.contains("oob") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_line_end_inside_would_be_a_second_answer() {
        assert_eq!(
            Credential::new("oob", "one\rtwo".into()).unwrap_err(),
            CredentialError::Control("password")
        );
        assert_eq!(Credential::new("oob\n", "one".into()).unwrap_err(), CredentialError::Control("username"));
        assert_eq!(Credential::new("", "".into()).unwrap_err(), CredentialError::EmptyPassword);
        assert!(Credential::new("", "line password".into()).is_ok());
    }
}
