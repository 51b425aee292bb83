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
        let mut secrets: Vec<&str> =
            secrets.iter().copied().filter(|secret| secret.len() >= MASKED_LEN_MIN).collect();
        // The whole before its parts, of which something would be left standing.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
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

/// What a login would look like in the words of a server that repeats it: as it is, and as HTTP and SMTP write it.
pub(super) fn traces(login: Option<&Login>) -> Vec<String> {
    let Some(Login { username, password }) = login else { return Vec::new() };
    let password = password.expose_secret();
    let written =
        [format!("{username}:{password}"), format!("\0{username}\0{password}"), password.to_owned()];
    let written = written.iter().map(|text| base64(text.as_bytes()).trim_end_matches('=').to_owned());
    std::iter::once(password.to_owned()).chain(written).collect()
}

/// RFC 4648, section 4.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let place = (all >> (18 - 6 * digit)) & 63;
            out.push(if digit <= three.len() { char::from(DIGITS[place as usize]) } else { '=' });
        }
    }
    out
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

    #[test]
    fn a_login_is_known_in_the_forms_that_servers_repeat() {
        let login = Login { username: "Aladdin".into(), password: "open sesame".into() };
        let traces = traces(Some(&login));
        let secrets: Vec<&str> = traces.iter().map(String::as_str).collect();
        for said in [
            "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "535 AUTH PLAIN AEFsYWRkaW4Ab3BlbiBzZXNhbWU= is wrong",
            "535 b3BlbiBzZXNhbWU is wrong",
            "open sesame is wrong",
        ] {
            let told = Failed::without(said, &secrets).to_string();
            assert!(told.contains(MASK), "{told}");
            for part in ["sesame", "QWxh", "AEFs", "b3Bl", "NhbWU"] {
                assert!(!told.contains(part), "{told}");
            }
        }
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        let pairs = [
            "", "", "f", "Zg==", "fo", "Zm8=", "foo", "Zm9v", "foob", "Zm9vYg==", "fooba", "Zm9vYmE=",
            "foobar", "Zm9vYmFy",
        ];
        for pair in pairs.chunks(2) {
            assert_eq!(base64(pair[0].as_bytes()), pair[1]);
        }
    }
}
