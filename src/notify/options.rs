//! What can be wished for: to whom mail goes and through which server, which hooks there are, when, and how often.
//! Born valid; how it is written in a plan is the config room's.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lettre::message::Mailbox;
use ureq::http::Uri;

/// When the end of a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After every run.
    Always,
    /// When the run brought something new about, had nothing to be compared with, or could not do its work.
    Change,
    /// When a line fails, or the run could not do its work.
    Failure,
    /// Not at all: for hooks that are there for new failures alone.
    Never,
}

impl When {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Always, Self::Change, Self::Failure, Self::Never];

    /// The word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Change => "change",
            Self::Failure => "failure",
            Self::Never => "never",
        }
    }
}

/// How the way to a mail server is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// In the clear at first, then TLS, or no mail: RFC 3207, port 587.
    StartTls,
    /// From the first byte: RFC 8314, port 465.
    Smtps,
    /// Never: for a server on this host. Port 25.
    None,
}

impl Tls {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::StartTls, Self::Smtps, Self::None];

    /// The word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Smtps => "smtps",
            Self::None => "none",
        }
    }

    /// The port where nobody names one.
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Smtps => 465,
            Self::None => 25,
        }
    }
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, which its certificate must bear, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is kept secret.
    pub tls: Tls,
}

impl Server {
    /// The mail server of this host, as every host has one that sends the mail of cron.
    pub fn local() -> Self {
        Self { host: "localhost".to_owned(), port: Tls::None.port(), tls: Tls::None }
    }

    /// Whether a name can only be this host.
    pub fn is_local(host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.eq_ignore_ascii_case("localhost")
            || bare.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = match self.tls {
            Tls::None => "no TLS",
            tls => tls.word(),
        };
        write!(f, "{}:{} ({secret})", self.host, self.port)
    }
}

/// The mail at the end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// To whom.
    pub to: Vec<Mailbox>,
    /// From whom; absent: `lineman` at this host.
    pub from: Option<Mailbox>,
    /// Through whom.
    pub server: Server,
    /// A file of certificates (PEM) that are trusted beside the host's own.
    pub ca: Option<PathBuf>,
    /// When.
    pub when: When,
    /// Files of the run that are attached, in this order, as far as there is room.
    pub attach: Vec<String>,
    /// Room for them, bytes before they are encoded.
    pub attach_max: u64,
    /// How long all of it may take.
    pub limit: Duration,
}

/// Files that are attached if a plan names none.
pub const ATTACH: [&str; 4] = ["lines.csv", "calls.csv", "consoles.csv", "modems.csv"];
/// Files of a run that can be attached.
pub const ATTACHABLE: [&str; 7] =
    ["lines.csv", "calls.csv", "consoles.csv", "modems.csv", "summary.json", "junit.xml", "report.html"];
/// Room for attachments: what most servers take is 10 MB and more, and encoding adds a third.
pub const ATTACH_BYTES_MAX: u64 = 7_000_000;
/// How long a mail may take.
pub const MAIL_LIMIT: Duration = Duration::from_secs(60);

/// How often new failures are told, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Least time between two messages.
    pub every: Duration,
    /// Messages in one run, its end not counted.
    pub max_messages: u32,
    /// Lines that are named in one; the others are counted.
    pub max_lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { every: Duration::from_secs(600), max_messages: 20, max_lines: 20 }
    }
}

impl Limits {
    /// How long a first failure waits for others: an exchange that goes down takes many lines with it, one by one.
    pub fn gather(&self) -> Duration {
        self.every.min(Duration::from_secs(30))
    }
}

/// A hook: who is called, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Its name in the plan.
    pub name: String,
    /// When the end of a run is told to it.
    pub when: When,
    /// How new failures are told to it; absent: they are not.
    pub failures: Option<Limits>,
    /// How long one message may take, tries again included.
    pub limit: Duration,
}

/// How long a message to a hook may take.
pub const HOOK_LIMIT: Duration = Duration::from_secs(30);
/// Longest that a message to a hook may be given: the end of a run waits for it.
pub const HOOK_LIMIT_MAX: Duration = Duration::from_secs(600);
/// How often a webhook is tried.
pub const HOOK_ATTEMPTS: u32 = 3;

/// Where a webhook is. Its path may be as good as a password, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(Uri);

/// Why a text is no address of a webhook. Never holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not even that.
    #[error("is no URL; write `https://HOST/PATH`")]
    Unreadable,
    /// Another protocol.
    #[error("is neither `https://...` nor `http://...`")]
    Scheme,
    /// A password in a place where it would be shown.
    #[error("holds a username or password; name a credential instead: `credential: NAME`")]
    UserInfo,
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.trim().parse().map_err(|_| UrlError::Unreadable)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(UrlError::Scheme);
        }
        let authority = uri.authority().ok_or(UrlError::Unreadable)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::UserInfo);
        }
        if authority.host().is_empty() { Err(UrlError::Unreadable) } else { Ok(Self(uri)) }
    }
}

impl Url {
    /// The address, for whoever calls it.
    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    /// What of it may be as good as a password, in all the pieces in which a server may repeat it.
    pub(super) fn traces(&self) -> Vec<String> {
        /// Shorter parts are words, such as `api` and `v1`.
        const PART_LEN_MIN: usize = 8;
        let (path, query) = (self.0.path(), self.0.query().unwrap_or_default());
        let parts = path.split('/').chain(query.split(['&', '='])).filter(|part| part.len() >= PART_LEN_MIN);
        let whole = [self.0.to_string(), format!("{path}?{query}"), path.to_owned(), query.to_owned()];
        whole.into_iter().chain(parts.map(str::to_owned)).collect()
    }

    /// Whether what is sent there can be read on the way.
    pub fn is_open(&self) -> bool {
        self.0.scheme_str() != Some("https") && !self.0.host().is_some_and(Server::is_local)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let place = self.0.authority().map_or("", |authority| authority.as_str());
        write!(f, "{scheme}://{place}")?;
        if self.0.path().len() > 1 { f.write_str("/...") } else { Ok(()) }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::secret::Failed;

    #[test]
    fn a_url_is_shown_without_its_path_which_may_be_a_secret() {
        let url: Url = "https://hooks.example.com:8443/services/T0/s3cret?key=s3cret".parse().unwrap();
        assert_eq!(url.to_string(), "https://hooks.example.com:8443/...");
        assert_eq!(format!("{url:?}"), "Url(https://hooks.example.com:8443/...)");
        assert_eq!("http://127.0.0.1:80/".parse::<Url>().unwrap().to_string(), "http://127.0.0.1:80");
    }

    #[test]
    fn no_piece_of_an_address_that_a_server_repeats_gives_it_away() {
        let url: Url =
            "https://hooks.example.com/services/T0/Hidden-Path-33?key=Hidden-Key-44".parse().unwrap();
        let traces = url.traces();
        let secrets: Vec<&str> = traces.iter().map(String::as_str).collect();
        for said in [
            "no hook at /services/T0/Hidden-Path-33",
            "Hidden-Path-33: unknown",
            "key=Hidden-Key-44 is wrong",
            "POST /services/T0/Hidden-Path-33?key=Hidden-Key-44 HTTP/1.1",
            "https://hooks.example.com/services/T0/Hidden-Path-33?key=Hidden-Key-44",
        ] {
            let told = Failed::without(said, &secrets).to_string();
            assert!(told.contains("****") && !told.contains("Hidden"), "{told}");
        }
    }

    #[test]
    fn what_is_no_webhook_is_told_without_being_repeated() {
        assert_eq!("".parse::<Url>(), Err(UrlError::Unreadable));
        assert_eq!("hooks.example.com/x y".parse::<Url>(), Err(UrlError::Unreadable));
        assert_eq!("/path".parse::<Url>(), Err(UrlError::Scheme));
        assert_eq!("ftp://example.com/".parse::<Url>(), Err(UrlError::Scheme));
        assert_eq!("https://u:s3cret@example.com/".parse::<Url>(), Err(UrlError::UserInfo));
        assert_eq!("https://example.com/a\r\nX: y".parse::<Url>(), Err(UrlError::Unreadable));
    }

    #[test]
    fn what_can_be_read_on_the_way_is_known() {
        let open = |text: &str| text.parse::<Url>().unwrap().is_open();
        assert!(open("http://hooks.example.com/"));
        assert!(!open("https://hooks.example.com/"));
        assert!(!open("http://127.0.0.1:8080/") && !open("http://localhost/") && !open("http://[::1]:1/"));
        assert!(!Server::is_local("localhost.example.com"));
    }
}
