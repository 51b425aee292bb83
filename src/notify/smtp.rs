//! A letter on its way: built as a message, and handed to a mail server within a limit.
//!
//! TLS is not given up where it was asked for: a server that does not offer it gets no mail. What can be in vain only for
//! a moment (the server is not there, or says "later") is tried again; a server that was lost on the way is not, since it
//! may have taken the mail.

use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as Secrecy, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;

use super::letter::Letter;
use super::options::{Mail, Tls};
use super::secret::{Failed, Login, traces};

/// How often a mail is tried.
const ATTEMPTS: u32 = 3;
/// Pause before the second try; before the third it is thrice that.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest wait for one answer of a server, and for a connection.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// RFC 3834: nobody's out-of-office note answers it.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// This host's name as mail has it.
pub fn host() -> String {
    let name = ClientId::default().to_string();
    // A host without a name gives an address literal, which is no part of a mail address that servers like.
    if name.starts_with('[') { "localhost".to_owned() } else { name }
}

/// Builds the message; its id is made of the run, so that a copy of it is known as one.
///
/// # Errors
/// This host's name makes no sender's address, and none was given.
pub fn message(letter: &Letter, mail: &Mail, id: &str, at: Timestamp) -> Result<Message, Failed> {
    let host = host();
    let from = match &mail.from {
        Some(from) => from.clone(),
        None => format!("lineman@{host}").parse::<Mailbox>().map_err(|error| {
            Failed::new(format!("this host's name `{host}` makes no address ({error}); write `from:`"))
        })?,
    };
    let mut builder = Message::builder()
        .from(from)
        .subject(letter.subject.as_str())
        .message_id(Some(format!("<{id}@{host}>")))
        .date(SystemTime::from(at))
        .header(AutoSubmitted);
    for to in &mail.to {
        builder = builder.to(to.clone());
    }
    let both = MultiPart::alternative().singlepart(SinglePart::plain(letter.text.clone()));
    let both =
        if letter.html.is_empty() { both } else { both.singlepart(SinglePart::html(letter.html.clone())) };
    let mut whole = MultiPart::mixed().multipart(both);
    for file in &letter.files {
        let part = Part::new(file.name.clone()).body(file.bytes.clone(), content_type(&file.name));
        whole = whole.singlepart(part);
    }
    builder.multipart(whole).map_err(|error| Failed::of(&error, &[]))
}

fn content_type(name: &str) -> ContentType {
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv") => "text/csv; charset=utf-8; header=present",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("html") => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    };
    ContentType::parse(kind).unwrap_or(ContentType::TEXT_PLAIN)
}

/// Hands a message to the server.
///
/// # Errors
/// It was not taken, or not in time.
pub async fn send(message: &Message, mail: &Mail, login: Option<&Login>) -> Result<(), Failed> {
    let traces = traces(login);
    let secrets: Vec<&str> = traces.iter().map(String::as_str).collect();
    let transport = transport(mail, login)?;
    let tries = async {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let Err(error) = transport.send(message.clone()).await else { return Ok(()) };
            if attempt == ATTEMPTS || !is_worth_another(&error) {
                return Err(Failed::of(&error, &secrets));
            }
            tokio::time::sleep(pause).await;
            pause *= 3;
        }
        Ok(())
    };
    tokio::time::timeout(mail.limit, tries).await.unwrap_or_else(|_| {
        Err(Failed::new(format!("{} took no mail within {} s", mail.server, mail.limit.as_secs_f64())))
    })
}

/// Whether nothing was taken, and that may be another time.
fn is_worth_another(error: &lettre::transport::smtp::Error) -> bool {
    let refused = || {
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(inner) = cause {
            if let Some(io) = inner.downcast_ref::<std::io::Error>() {
                return io.kind() == std::io::ErrorKind::ConnectionRefused;
            }
            cause = inner.source();
        }
        false
    };
    error.is_transient() || refused()
}

fn transport(mail: &Mail, login: Option<&Login>) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failed> {
    let tls = match mail.server.tls {
        Tls::None => Secrecy::None,
        Tls::StartTls => Secrecy::Required(parameters(mail)?),
        Tls::Smtps => Secrecy::Wrapper(parameters(mail)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(mail.server.host.as_str())
        .port(mail.server.port)
        .timeout(Some(ANSWER_LIMIT.min(mail.limit)))
        .tls(tls);
    if let Some(login) = login {
        let password = login.password.expose_secret().to_owned();
        builder = builder.credentials(Credentials::new(login.username.clone(), password));
    }
    Ok(builder.build())
}

fn parameters(mail: &Mail) -> Result<TlsParameters, Failed> {
    let mut builder = TlsParameters::builder(mail.server.host.clone());
    if let Some(path) = &mail.ca {
        let certificate = Certificate::from_pem(&pem(path)?).map_err(|error| Failed::of(&error, &[]))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| Failed::of(&error, &[]))
}

/// The text of a file of certificates.
pub(super) fn pem(path: &Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(path).map_err(|error| {
        Failed::new(format!("the certificates in {} can't be read: {error}", path.display()))
    })
}
