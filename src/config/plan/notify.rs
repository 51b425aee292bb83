//! `notify:` of a plan: to whom mail goes, and which hooks are called. What it comes to is the notify room's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::file::ListFile;
use crate::config::bank::missing;
use crate::config::credentials::{CredentialSource, PasswordFile, PlannedCredential, Words};
use crate::config::problem::{list, quoted, suggestion};
use crate::config::source::beside;
use crate::config::yaml::Doc;
use crate::model::{CredentialName, span};
use crate::notify::options::{
    ATTACH, ATTACH_BYTES_MAX, ATTACHABLE, HOOK_ATTEMPTS, HOOK_LIMIT, HOOK_LIMIT_MAX, MAIL_LIMIT,
};
use crate::notify::{Hook, Limits, Mail, Server, Tls, Url, When};

/// Most tries of a webhook.
const ATTEMPTS_MAX: u32 = 10;
/// Longest pause between two messages: longer ones would be one at the end.
const EVERY_MAX: Duration = Duration::from_secs(24 * 3600);
/// Largest attachments in bytes: no mail server takes more.
const ATTACH_MAX: u64 = 100_000_000;

/// Who is told of a plan's runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NotifyPlan {
    /// Runs on a simulated bank are told too.
    pub simulated: bool,
    /// The mail.
    pub mail: Option<MailPlan>,
    /// The hooks, by their names.
    pub hooks: Vec<HookPlan>,
}

/// The mail at a run's end.
#[derive(Debug, Clone, PartialEq)]
pub struct MailPlan {
    /// What is wished for.
    pub mail: Mail,
    /// With what its server is logged into.
    pub credential: Option<CredentialName>,
}

impl MailPlan {
    /// To these alone, through the mail server of this host: for whoever asks for mail where the plan has none.
    pub fn local(to: Vec<Mailbox>) -> Self {
        let mail = Mail {
            to,
            from: None,
            server: Server::local(),
            ca: None,
            when: When::Always,
            attach: ATTACH.map(str::to_owned).into(),
            attach_max: ATTACH_BYTES_MAX,
            limit: MAIL_LIMIT,
        };
        Self { mail, credential: None }
    }
}

/// A hook.
#[derive(Debug, Clone, PartialEq)]
pub struct HookPlan {
    /// What is wished for.
    pub hook: Hook,
    /// How it is reached.
    pub way: WayPlan,
}

/// How a hook is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum WayPlan {
    /// A program and its arguments.
    Command(Vec<String>),
    /// A web server.
    Webhook {
        /// Where it is.
        url: UrlPlan,
        /// What it is shown.
        credential: Option<CredentialName>,
        /// How often it is tried.
        attempts: u32,
        /// Certificates that are trusted beside the host's own.
        ca: Option<PathBuf>,
    },
}

/// Where a webhook is.
#[derive(Debug, Clone, PartialEq)]
pub enum UrlPlan {
    /// As it is written.
    Written(Url),
    /// It is a secret, to be had there.
    Secret(Box<PlannedCredential>),
}

/// `notify:` as written.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NotifyFile {
    simulated: bool,
    mail: Option<MailFile>,
    hooks: BTreeMap<String, Option<HookFile>>,
}

/// `notify.mail:`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MailFile {
    to: Option<ListFile>,
    from: Option<String>,
    server: Option<String>,
    tls: Option<String>,
    ca: Option<String>,
    credential: Option<String>,
    when: Option<String>,
    attach: Option<ListFile>,
    attach_max: Option<String>,
    limit: Option<String>,
}

/// `notify.hooks.NAME:`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HookFile {
    command: Option<Words>,
    webhook: Option<UrlFile>,
    credential: Option<String>,
    ca: Option<String>,
    attempts: Option<u32>,
    limit: Option<String>,
    when: Option<String>,
    failures: Option<bool>,
    every: Option<String>,
    max_messages: Option<u32>,
    max_lines: Option<u32>,
}

/// `webhook:`: the address, or where it is to be had.
#[derive(Debug)]
enum UrlFile {
    Written(String),
    Secret(PasswordFile),
}

impl<'de> Deserialize<'de> for UrlFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Address;

        impl<'de> Visitor<'de> for Address {
            type Value = UrlFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a URL (`https://HOST/PATH`), or where it is: `{ env: NAME }`, `{ file: PATH }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<UrlFile, E> {
                Ok(UrlFile::Written(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<UrlFile, A::Error> {
                PasswordFile::deserialize(MapAccessDeserializer::new(map)).map(UrlFile::Secret)
            }
        }

        d.deserialize_any(Address)
    }
}

/// What the checks of this key need of the plan.
struct Desk<'a> {
    plan: &'a Path,
    /// The credentials that the plan has.
    known: &'a [&'a CredentialName],
    doc: &'a Doc,
}

/// Checks the whole of it.
pub(super) fn check(
    file: Option<NotifyFile>,
    plan: &Path,
    known: &[&CredentialName],
    doc: &Doc,
) -> NotifyPlan {
    let Some(file) = file else { return NotifyPlan::default() };
    let desk = Desk { plan, known, doc };
    let mail = file.mail.and_then(|mail| desk.mail(&mail));
    let hooks = file.hooks.into_iter().filter_map(|(name, hook)| desk.hook(&name, hook)).collect();
    NotifyPlan { simulated: file.simulated, mail, hooks }
}

impl Desk<'_> {
    fn mail(&self, file: &MailFile) -> Option<MailPlan> {
        let (doc, before) = (self.doc, self.doc.problem_count());
        let key = |name: &str| format!("notify.mail.{name}");
        let mut to = Vec::new();
        match &file.to {
            None => missing(doc, "notify.mail", "says to nobody; write `to: noc@example.com`"),
            Some(written) => {
                if written.items.is_empty() {
                    doc.problem(
                        &key("to"),
                        "names nobody; write `to: noc@example.com`, or leave out `mail:`",
                    );
                }
                for (key, item) in written.keyed(&key("to")) {
                    to.extend(self.address(item.unwrap_or_default(), &key));
                }
            }
        }
        let from = file.from.as_deref().and_then(|from| self.address(from, &key("from")));
        let credential = self.credential(file.credential.as_deref(), &key("credential"));
        let server = self.server(file.server.as_deref(), file.tls.as_deref());
        if let Some(server) = &server
            && server.tls == Tls::None
            && file.credential.is_some()
            && !Server::is_local(&server.host)
        {
            doc.problem(&key("tls"), "is `none`, and the password would go through the network in the clear; write `starttls` or `smtps`");
        }
        let when =
            self.when(file.when.as_deref(), &key("when"), &[When::Always, When::Change, When::Failure]);
        let mut attach: Vec<String> = Vec::new();
        match &file.attach {
            None => attach = ATTACH.map(str::to_owned).into(),
            Some(written) => {
                for (key, item) in written.keyed(&key("attach")) {
                    match item.unwrap_or_default() {
                        // Which is how nothing is written in one text.
                        "none" if written.items.len() == 1 => {}
                        name if ATTACHABLE.contains(&name) => attach.push(name.to_owned()),
                        name => {
                            let near = suggestion(name, ATTACHABLE);
                            let what = format!(
                                "{} is no file of a run that can be attached: {}{near}",
                                quoted(name),
                                list(ATTACHABLE)
                            );
                            doc.problem(&key, what);
                        }
                    }
                }
            }
        }
        let attach_max = match file.attach_max.as_deref().map(size) {
            None => ATTACH_BYTES_MAX,
            Some(Some(bytes)) if bytes <= ATTACH_MAX => bytes,
            Some(_) => {
                doc.problem(
                    &key("attach_max"),
                    "is no size up to 100MB; write a number with its unit, as `500kB` or `7MB`",
                );
                ATTACH_BYTES_MAX
            }
        };
        let limit = self.limit(file.limit.as_deref(), &key("limit"), MAIL_LIMIT);
        let ca = self.certificates(file.ca.as_deref());
        let mail = Mail {
            to,
            from,
            server: server?,
            ca,
            when: when.unwrap_or(When::Always),
            attach,
            attach_max,
            limit,
        };
        (doc.problem_count() == before).then_some(MailPlan { mail, credential })
    }

    fn server(&self, written: Option<&str>, tls: Option<&str>) -> Option<Server> {
        let word = tls;
        let tls = word.and_then(|word| Tls::ALL.into_iter().find(|tls| tls.word() == word));
        if let (Some(word), None) = (word, tls) {
            let near = suggestion(word, Tls::ALL.map(Tls::word));
            let what = format!("{} is none of `starttls`, `smtps` and `none`{near}", quoted(word));
            self.doc.problem("notify.mail.tls", what);
        }
        let Some(text) = written else {
            let local = Server::local();
            let tls = tls.unwrap_or(local.tls);
            return Some(Server { port: tls.port(), tls, ..local });
        };
        let Some((host, port)) = host_and_port(text) else {
            let what =
                format!("{} is no server; write `mail.example.com` or `mail.example.com:587`", quoted(text));
            self.doc.problem("notify.mail.server", what);
            return None;
        };
        let usual = match port {
            _ if Server::is_local(&host) => Tls::None,
            Some(465) => Tls::Smtps,
            _ => Tls::StartTls,
        };
        let tls = tls.unwrap_or(usual);
        Some(Server { host, port: port.unwrap_or(tls.port()), tls })
    }

    fn address(&self, text: &str, key: &str) -> Option<Mailbox> {
        let address = if text.chars().any(char::is_control) { None } else { text.parse::<Mailbox>().ok() };
        if address.is_none() {
            let what = format!(
                "{} is no mail address; write `noc@example.com` or `NOC <noc@example.com>`",
                quoted(text)
            );
            self.doc.problem(key, what);
        }
        address
    }

    fn credential(&self, written: Option<&str>, key: &str) -> Option<CredentialName> {
        let text = written?;
        let found = self.known.iter().find(|known| known.as_str() == text);
        if found.is_none() {
            let near = suggestion(text, self.known.iter().map(|known| known.as_str()));
            let what = format!(
                "{} is no credential of this plan; write it under `credentials:`{near}",
                quoted(text)
            );
            self.doc.problem(key, what);
        }
        found.map(|found| CredentialName::clone(found))
    }

    fn when(&self, written: Option<&str>, key: &str, allowed: &[When]) -> Option<When> {
        let word = written?;
        let found = allowed.iter().copied().find(|when| when.word() == word);
        if found.is_none() {
            let words: Vec<&str> = allowed.iter().map(|when| when.word()).collect();
            let near = suggestion(word, words.iter().copied());
            self.doc.problem(key, format!("{} is none of {}{near}", quoted(word), list(words)));
        }
        found
    }

    fn span(&self, written: Option<&str>, key: &str, usual: Duration, most: Duration) -> Duration {
        match written.map(span::parse) {
            None => usual,
            Some(Ok(span)) if span <= most => span,
            Some(Ok(_)) => {
                self.doc.problem(key, format!("is longer than {} s; write less", most.as_secs()));
                usual
            }
            Some(Err(what)) => {
                self.doc.problem(key, what);
                usual
            }
        }
    }

    fn limit(&self, written: Option<&str>, key: &str, usual: Duration) -> Duration {
        let limit = self.span(written, key, usual, HOOK_LIMIT_MAX);
        if limit.is_zero() {
            self.doc.problem(key, "is no time at all; nothing could be sent in it");
        }
        limit
    }

    /// Whether the file is there is seen when it is wanted: a night is not called off for it.
    fn certificates(&self, written: Option<&str>) -> Option<PathBuf> {
        written.map(|path| beside(self.plan, path))
    }

    fn hook(&self, name: &str, file: Option<HookFile>) -> Option<HookPlan> {
        let (doc, before) = (self.doc, self.doc.problem_count());
        let whole = format!("notify.hooks.{name}");
        let key = |part: &str| format!("{whole}.{part}");
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            doc.problem(&whole, "is no name of a hook: letters, digits, `-` and `_` are allowed");
        }
        let Some(file) = file else {
            missing(
                doc,
                &whole,
                "is empty; write `{ webhook: https://... }` or `{ command: [PROGRAM, ARGUMENT] }`",
            );
            return None;
        };
        let when = self.when(file.when.as_deref(), &key("when"), &When::ALL).unwrap_or(When::Always);
        let limits = Limits {
            every: self.span(file.every.as_deref(), &key("every"), Limits::default().every, EVERY_MAX),
            max_messages: file.max_messages.unwrap_or(Limits::default().max_messages),
            max_lines: file.max_lines.map_or(Limits::default().max_lines, |lines| lines as usize),
        };
        let failures = file.failures.unwrap_or(true).then_some(limits);
        if failures.is_none() && when == When::Never {
            doc.problem(&whole, "is never called: `when: never`, and `failures: false`; leave it out");
        }
        let limit = self.limit(file.limit.as_deref(), &key("limit"), HOOK_LIMIT);
        let way = match (file.command, file.webhook) {
            (Some(words), None) => {
                for (part, written) in [
                    ("credential", file.credential.is_some()),
                    ("attempts", file.attempts.is_some()),
                    ("ca", file.ca.is_some()),
                ] {
                    if written {
                        doc.problem(&key(part), "is for a webhook; a command has no use for it");
                    }
                }
                self.command(&words.0, &key("command"))
            }
            (None, Some(url)) => {
                let credential = self.credential(file.credential.as_deref(), &key("credential"));
                let ca = self.certificates(file.ca.as_deref());
                let attempts = file.attempts.unwrap_or(HOOK_ATTEMPTS);
                if !(1..=ATTEMPTS_MAX).contains(&attempts) {
                    doc.problem(&key("attempts"), format!("is {attempts}; write 1 to {ATTEMPTS_MAX}"));
                }
                self.url(url, file.credential.is_some(), &key("webhook")).map(|url| WayPlan::Webhook {
                    url,
                    credential,
                    attempts,
                    ca,
                })
            }
            (Some(_), Some(_)) => {
                doc.problem(&whole, "is both a command and a webhook; make two hooks of it");
                None
            }
            (None, None) if doc.lost_a_part(&whole) => None,
            (None, None) => {
                missing(
                    doc,
                    &whole,
                    "is neither a command nor a webhook; write `webhook: https://...` or `command: [PROGRAM, ARGUMENT]`",
                );
                None
            }
        };
        let hook = Hook { name: name.to_owned(), when, failures, limit };
        way.filter(|_| doc.problem_count() == before).map(|way| HookPlan { hook, way })
    }

    fn command(&self, words: &[String], key: &str) -> Option<WayPlan> {
        match words.split_first() {
            Some((program, arguments))
                if !program.is_empty() && words.iter().all(|word| !word.contains('\0')) =>
            {
                // A path is relative to the plan, like every path in it; a bare name is looked up as usual.
                let program = if program.contains('/') {
                    beside(self.plan, program).display().to_string()
                } else {
                    program.clone()
                };
                Some(WayPlan::Command(std::iter::once(program).chain(arguments.iter().cloned()).collect()))
            }
            _ => {
                self.doc.problem(key, "names no program; write `[PROGRAM, ARGUMENT]`");
                None
            }
        }
    }

    fn url(&self, file: UrlFile, has_credential: bool, key: &str) -> Option<UrlPlan> {
        match file {
            UrlFile::Written(text) => match text.parse::<Url>() {
                Ok(url) if has_credential && url.is_open() => {
                    self.doc.problem(
                        key,
                        "is not `https`, and the credential would go through the network in the clear",
                    );
                    None
                }
                Ok(url) => Some(UrlPlan::Written(url)),
                Err(what) => {
                    self.doc.problem(key, what.to_string());
                    None
                }
            },
            UrlFile::Secret(password) => {
                let source = password.check(key, self.plan, self.doc)?;
                if source == CredentialSource::Prompt {
                    self.doc.problem(key, "can't be asked for at every run; say where it is: `{ env: NAME }` or `{ file: PATH }`");
                    return None;
                }
                let credential = PlannedCredential {
                    username: String::new(),
                    source,
                    prove_on: None,
                    at: self.doc.place(key),
                };
                Some(UrlPlan::Secret(Box::new(credential)))
            }
        }
    }
}

/// `HOST`, `HOST:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some(""))?),
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
    let port = if port.is_empty() { None } else { Some(port.parse::<u16>().ok().filter(|port| *port > 0)?) };
    (is_host && !(text.ends_with(':'))).then(|| (host.to_owned(), port))
}

/// `500kB`, `7MB` or a number of bytes.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim() {
        "" | "B" => 1.0,
        "kB" | "KB" | "k" => 1e3,
        "MB" | "M" => 1e6,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * unit;
    // It is finite, not negative, and far below what a u64 holds.
    #[expect(clippy::cast_sign_loss, reason = "digits and points have no sign")]
    (bytes <= 1e12).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_sizes_are_read_as_people_write_them() {
        assert_eq!(host_and_port("mail.example.com"), Some(("mail.example.com".to_owned(), None)));
        assert_eq!(host_and_port("mail.example.com:25"), Some(("mail.example.com".to_owned(), Some(25))));
        assert_eq!(host_and_port("[::1]:2525"), Some(("::1".to_owned(), Some(2525))));
        assert_eq!(host_and_port("[::1]"), Some(("::1".to_owned(), None)));
        for bad in ["", ":25", "mail:", "mail:x", "mail:0", "mail:99999", "a b", "smtp://mail", "[::1]25"] {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
        assert_eq!(
            (size("500kB"), size("7MB"), size("1.5 MB"), size("12")),
            (Some(500_000), Some(7_000_000), Some(1_500_000), Some(12))
        );
        assert_eq!((size("7 GB"), size("MB"), size("-1"), size("1e99")), (None, None, None, None));
    }
}
