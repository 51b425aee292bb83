//! Credentials: where a plan says that a password is, and getting it from there.
//!
//! A password is never written in a plan, and never leaves this room but as a `SecretString`. Who may use it, and when,
//! is the fleet's guard's to say.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use tokio::io::AsyncReadExt;

use super::bank::missing;
use super::problem::{Place, Problem, Problems, quoted, visible};
use super::source::{beside, shown};
use super::yaml::Doc;
use crate::model::{CredentialName, LineId};

/// Longest password in bytes; a longer one is some other file.
pub const SECRET_BYTES_MAX: u64 = 1024;

/// How long a `command:` may take.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// The console asks for no password.
    None,
    /// An environment variable.
    Env(String),
    /// A file that nobody else can read.
    File(PathBuf),
    /// What a program prints; never through a shell.
    Command(Vec<String>),
    /// The user is asked.
    Prompt,
    /// `$CREDENTIALS_DIRECTORY/NAME`, as systemd hands it to a service.
    Systemd(String),
}

/// A credential of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCredential {
    /// The username; empty where the console asks for none.
    pub username: String,
    /// Where its password is.
    pub source: CredentialSource,
    /// The line on which it is proven first.
    pub prove_on: Option<LineId>,
    /// Where it stands in the plan, for complaints.
    pub at: Place,
}

/// A credential with its password.
#[derive(Debug, Clone)]
pub struct ResolvedCredential {
    /// The username; may be empty.
    pub username: String,
    /// The password; absent where there is none.
    pub password: Option<SecretString>,
}

/// What the resolver may ask of the world outside; the cli hands it in.
pub struct Outside<'a> {
    /// Reads the environment.
    pub env: &'a (dyn Fn(&str) -> Option<OsString> + Sync),
    /// Asks the user for a password, without echo; the text says for what.
    pub prompt: &'a mut (dyn FnMut(&str) -> std::io::Result<SecretString> + Send),
}

/// `credentials.NAME` as written.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CredentialFile {
    username: Option<String>,
    password: Option<PasswordFile>,
    pub(super) prove_on: Option<String>,
}

/// `password:` as written: a mapping that says where it is. Anything else may be the password itself, which is never
/// said again.
#[derive(Debug, Default)]
pub(super) struct PasswordFile {
    env: Option<String>,
    file: Option<String>,
    command: Option<Vec<String>>,
    prompt: Option<bool>,
    systemd: Option<String>,
}

const WHERE: &str = "a password is never written in a plan; say where it is: `{ env: NAME }`, `{ file: PATH }`, \
                     `{ command: [PROGRAM, ARGUMENT] }`, `{ systemd: NAME }` or `{ prompt: true }`";

impl<'de> Deserialize<'de> for PasswordFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[derive(Default)]
        struct Keys {
            env: Option<String>,
            file: Option<String>,
            command: Option<Words>,
            prompt: Option<bool>,
            systemd: Option<String>,
        }

        struct Where;

        impl<'de> Visitor<'de> for Where {
            type Value = PasswordFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("where the password is")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PasswordFile, A::Error> {
                let Keys { env, file, command, prompt, systemd } =
                    Keys::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PasswordFile { env, file, command: command.map(|words| words.0), prompt, systemd })
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<PasswordFile, E> {
                Err(E::custom(WHERE))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<PasswordFile, E> {
                Err(E::custom(WHERE))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<PasswordFile, E> {
                Err(E::custom(WHERE))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<PasswordFile, E> {
                Err(E::custom(WHERE))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<PasswordFile, E> {
                Err(E::custom(WHERE))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<PasswordFile, A::Error> {
                Err(de::Error::custom(WHERE))
            }
        }

        d.deserialize_any(Where)
    }
}

/// A program and its arguments.
#[derive(Debug)]
pub(super) struct Words(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Program;

        impl<'de> Visitor<'de> for Program {
            type Value = Words;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a program and its arguments, as a list: `[PROGRAM, ARGUMENT]`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Words, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Words)
            }
        }

        d.deserialize_seq(Program)
    }
}

impl CredentialFile {
    /// The credential, `prove_on` aside, which is for whoever knows the lines.
    pub(super) fn check(self, key: &str, plan: &Path, doc: &Doc) -> Option<PlannedCredential> {
        let under = |name: &str| format!("{key}.{name}");
        if let Some(bad) = self.username.as_deref().and_then(|name| name.chars().find(|c| c.is_control())) {
            doc.problem(&under("username"), format!("holds {}", bad.escape_unicode()));
        }
        let username = self.username.unwrap_or_default();
        let source = match self.password {
            Some(password) => password.check(&under("password"), plan, doc)?,
            None if doc.is_pruned(&under("password")) => return None,
            None if username.is_empty() => {
                missing(
                    doc,
                    key,
                    "has neither username nor password; write `{ username: NAME, password: { env: NAME } }`",
                );
                return None;
            }
            None => CredentialSource::None,
        };
        Some(PlannedCredential { username, source, prove_on: None, at: doc.place(key) })
    }
}

impl PasswordFile {
    pub(super) fn check(self, key: &str, plan: &Path, doc: &Doc) -> Option<CredentialSource> {
        let said = [
            self.env.is_some(),
            self.file.is_some(),
            self.command.is_some(),
            self.prompt.is_some(),
            self.systemd.is_some(),
        ];
        match said.into_iter().filter(|&said| said).count() {
            1 => {}
            0 => {
                if !doc.lost_a_part(key) {
                    doc.problem(key, WHERE);
                }
                return None;
            }
            _ => {
                doc.problem(key, "says more than one place; say one");
                return None;
            }
        }
        let is_name = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if let Some(name) = self.env {
            if is_name(&name) {
                return Some(CredentialSource::Env(name));
            }
            // Not said again: somebody may have taken `env:` for the place to write it.
            doc.problem(
                &format!("{key}.env"),
                "is no name of an environment variable; write its name, not its value",
            );
        } else if let Some(path) = self.file {
            if !path.is_empty() && !path.starts_with('~') {
                return Some(CredentialSource::File(beside(plan, &path)));
            }
            doc.problem(&format!("{key}.file"), "is no path; write it whole, without `~`");
        } else if let Some(words) = self.command {
            match words.split_first() {
                Some((program, arguments)) if !program.is_empty() => {
                    // A path is relative to the plan, like every path in it; a bare name is looked up as usual.
                    let program = if program.contains('/') {
                        beside(plan, program).display().to_string()
                    } else {
                        program.clone()
                    };
                    return Some(CredentialSource::Command(
                        std::iter::once(program).chain(arguments.iter().cloned()).collect(),
                    ));
                }
                _ => doc.problem(&format!("{key}.command"), "names no program; write `[PROGRAM, ARGUMENT]`"),
            }
        } else if let Some(prompt) = self.prompt {
            if prompt {
                return Some(CredentialSource::Prompt);
            }
            doc.problem(&format!("{key}.prompt"), "is false; write `prompt: true`, or another place");
        } else if let Some(name) = self.systemd {
            if !name.is_empty() && !name.contains('/') && !name.starts_with('.') {
                return Some(CredentialSource::Systemd(name));
            }
            doc.problem(
                &format!("{key}.systemd"),
                "is no name of a credential; write the name that the unit gives it",
            );
        }
        None
    }
}

/// Why a password could not be had. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The variable is not there.
    #[error("the environment variable `{0}` is not set; set it, or name another place for the password")]
    EnvMissing(String),
    /// A value that is no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// The file can't be had.
    #[error("the file `{path}` can't be read: {source}")]
    FileUnreadable {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Not a plain file.
    #[error("`{0}` is no plain file")]
    NotAFile(String),
    /// Others could read it.
    #[error("the file `{path}` can be read by others (mode {mode:04o}); run `chmod 600 {path}`")]
    FileOpen {
        /// Which.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// systemd gave us none.
    #[error(
        "`$CREDENTIALS_DIRECTORY` is not set: this is no service of systemd with `LoadCredential={0}:...`"
    )]
    NoSystemd(String),
    /// The program can't be started.
    #[error("the program `{program}` can't be started: {source}")]
    CommandMissing {
        /// Which.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The program failed.
    #[error("the program `{program}` ended with {status}{said}")]
    CommandFailed {
        /// Which.
        program: String,
        /// How it ended.
        status: String,
        /// What it said on stderr, cleaned, behind `: `; or nothing.
        said: String,
    },
    /// The program did not end.
    #[error("the program `{program}` gave no password within {} s", limit.as_secs_f64())]
    CommandSlow {
        /// Which.
        program: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The user could not be asked.
    #[error(
        "the password can't be asked for: {0}; run it on a terminal, or name another place for the password"
    )]
    NoPrompt(std::io::Error),
    /// Nothing came.
    #[error("the password is empty")]
    Empty,
    /// More than a password.
    #[error("the password is longer than {SECRET_BYTES_MAX} bytes; is this another file?")]
    TooLong,
    /// It would send more than itself.
    #[error(
        "the password holds a control character or a line break, which the console would take for an Enter"
    )]
    Control,
}

/// The passwords of all credentials, or everything that is wrong with them.
pub async fn resolve_all(
    credentials: &BTreeMap<CredentialName, PlannedCredential>,
    mut outside: Outside<'_>,
) -> Result<BTreeMap<CredentialName, ResolvedCredential>, Problems> {
    let mut resolved = BTreeMap::new();
    let mut problems = Problems::default();
    for (name, credential) in credentials {
        match resolve(name, credential, &mut outside).await {
            Ok(ready) => drop(resolved.insert(name.clone(), ready)),
            Err(error) => problems.0.push(problem_of(credential, &error)),
        }
    }
    problems.or_value(Some(resolved))
}

fn problem_of(credential: &PlannedCredential, error: &CredentialError) -> Problem {
    let mut at = credential.at.clone();
    at.key.push_str(".password");
    Problem::new(at, error.to_string())
}

/// What can be seen to be wrong without asking anybody or running anything: for `check`.
pub fn foresee(
    credentials: &BTreeMap<CredentialName, PlannedCredential>,
    env: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for credential in credentials.values() {
        let seen = match &credential.source {
            CredentialSource::None | CredentialSource::Command(_) | CredentialSource::Prompt => Ok(()),
            CredentialSource::Env(name) => from_env(name, env).map(drop),
            CredentialSource::File(path) => from_file(path).map(drop),
            CredentialSource::Systemd(name) => from_systemd(name, env).map(drop),
        };
        problems.extend(seen.err().map(|error| problem_of(credential, &error)));
    }
    problems
}

/// The password of one credential.
pub async fn resolve(
    name: &CredentialName,
    credential: &PlannedCredential,
    outside: &mut Outside<'_>,
) -> Result<ResolvedCredential, CredentialError> {
    let password = match &credential.source {
        CredentialSource::None => None,
        CredentialSource::Env(variable) => Some(from_env(variable, outside.env)?),
        CredentialSource::File(path) => Some(from_file(path)?),
        CredentialSource::Command(words) => Some(from_command(words, COMMAND_LIMIT).await?),
        CredentialSource::Systemd(file) => Some(from_systemd(file, outside.env)?),
        CredentialSource::Prompt => {
            let user = match credential.username.as_str() {
                "" => String::new(),
                user => format!(" (user `{}`)", visible(user)),
            };
            let given = (outside.prompt)(&format!("Password of credential `{name}`{user}: "));
            let given = given.map_err(CredentialError::NoPrompt)?;
            Some(checked(given.expose_secret())?)
        }
    };
    Ok(ResolvedCredential { username: credential.username.clone(), password })
}

fn from_env(name: &str, env: &dyn Fn(&str) -> Option<OsString>) -> Result<SecretString, CredentialError> {
    let value = env(name).ok_or_else(|| CredentialError::EnvMissing(name.to_owned()))?;
    let text = Zeroizing::new(value.into_string().map_err(|_| CredentialError::NotUtf8)?);
    checked(&text)
}

fn from_file(path: &Path) -> Result<SecretString, CredentialError> {
    let unreadable = |source| CredentialError::FileUnreadable { path: shown(path), source };
    // Asked before opening, since to open a fifo would wait; asked again of what was opened.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(CredentialError::NotAFile(shown(path)));
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    // Elsewhere there are no such bits, and who may read a file is the administrator's matter.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(CredentialError::FileOpen { path: shown(path), mode });
        }
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX as usize + 2));
    file.take(SECRET_BYTES_MAX + 2).read_to_end(&mut bytes).map_err(unreadable)?;
    checked_bytes(&bytes)
}

fn from_systemd(name: &str, env: &dyn Fn(&str) -> Option<OsString>) -> Result<SecretString, CredentialError> {
    let folder = env("CREDENTIALS_DIRECTORY").ok_or_else(|| CredentialError::NoSystemd(name.to_owned()))?;
    let path = Path::new(&folder).join(name);
    let unreadable = |source| CredentialError::FileUnreadable { path: shown(&path), source };
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX as usize + 2));
    // The folder is systemd's, of this service alone: its modes are not ours to judge.
    let file = std::fs::File::open(&path).map_err(unreadable)?;
    file.take(SECRET_BYTES_MAX + 2).read_to_end(&mut bytes).map_err(unreadable)?;
    checked_bytes(&bytes)
}

async fn from_command(words: &[String], limit: Duration) -> Result<SecretString, CredentialError> {
    let Some((program, arguments)) = words.split_first() else { return Err(CredentialError::Empty) };
    let named = || quoted(program).trim_matches('`').to_owned();
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| CredentialError::CommandMissing { program: named(), source })?;
    let mut said = Zeroizing::new(Vec::with_capacity(SECRET_BYTES_MAX as usize + 2));
    let mut complaint = Vec::new();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let work = async {
        // Both at once, and each to its bound: a program that fills one pipe must not wait for us at the other.
        let read_out = async {
            if let Some(out) = out {
                let _ = out.take(SECRET_BYTES_MAX + 2).read_to_end(&mut said).await;
            }
        };
        let read_err = async {
            if let Some(mut err) = err {
                let _ = (&mut err).take(4096).read_to_end(&mut complaint).await;
                let _ = tokio::io::copy(&mut err, &mut tokio::io::sink()).await;
            }
        };
        tokio::join!(read_out, read_err);
        child.wait().await
    };
    let slow = || CredentialError::CommandSlow { program: named(), limit };
    let ended = tokio::time::timeout(limit, work).await.map_err(|_| slow())?;
    let status = ended.map_err(|source| CredentialError::CommandMissing { program: named(), source })?;
    if said.len() as u64 > SECRET_BYTES_MAX {
        return Err(CredentialError::TooLong);
    }
    if !status.success() {
        let text = String::from_utf8_lossy(&complaint);
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        let said = if first.is_empty() { String::new() } else { format!(": {}", quoted(first)) };
        let status = status.code().map_or_else(|| "a signal".to_owned(), |code| format!("status {code}"));
        return Err(CredentialError::CommandFailed { program: named(), status, said });
    }
    checked_bytes(&said)
}

fn checked_bytes(bytes: &[u8]) -> Result<SecretString, CredentialError> {
    let text = std::str::from_utf8(bytes).map_err(|_| CredentialError::NotUtf8)?;
    checked(text)
}

/// The secret without the line break that files and programs put behind it.
fn checked(text: &str) -> Result<SecretString, CredentialError> {
    let bare = text.strip_suffix('\n').unwrap_or(text);
    let bare = bare.strip_suffix('\r').unwrap_or(bare);
    if bare.is_empty() {
        return Err(CredentialError::Empty);
    }
    if bare.len() as u64 > SECRET_BYTES_MAX {
        return Err(CredentialError::TooLong);
    }
    if bare.chars().any(char::is_control) {
        return Err(CredentialError::Control);
    }
    Ok(SecretString::from(bare.to_owned()))
}

#[cfg(test)]
mod tests;
