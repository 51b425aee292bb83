//! Asking a daemon: over its control socket, or over HTTP from elsewhere; what `lineman status`, `lineman control` and
//! `lineman why` do.
//!
//! One connection a request. Waits are bounded, but for live events, which end with their daemon.

#[cfg(unix)]
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};

use super::answer::Trouble;
use super::trust;
use crate::model::{Event, PlanName, RunId};
use crate::service::control::{Control, Done};
use crate::service::status::Status;

/// For a connection to stand.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// For an answer to be there: a daemon gives up on a control before.
const ANSWER_LIMIT: Duration = Duration::from_secs(95);
/// Bytes of an answer: lines of a large plan.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Bytes of one event.
const EVENT_BYTES_MAX: usize = 16 << 20;

/// Where a daemon is asked.
#[derive(Debug, Clone)]
pub enum Place {
    /// By its control socket.
    Socket(PathBuf),
    /// By HTTP.
    Url(Uri),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "control socket `{}`", path.display()),
            Self::Url(url) => write!(f, "{url}"),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody is there.
    #[error("no daemon answers at {place}: {why}")]
    Absent {
        /// Where.
        place: String,
        /// As the system says it.
        why: String,
    },
    /// It stopped in the middle, or is no daemon.
    #[error("{place} answered in a way that is no daemon's of this version: {why}")]
    Strange {
        /// Where.
        place: String,
        /// What about it.
        why: String,
    },
    /// It says no.
    #[error("{}{}", .0.error, .0.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    Refused(Trouble),
    /// What is to be trusted can't be read.
    #[error("`{path}` {why}")]
    Ca {
        /// The file.
        path: PathBuf,
        /// What about it.
        why: String,
    },
}

/// Asks one daemon.
#[derive(Debug)]
pub struct Client {
    place: Place,
    token: Option<SecretString>,
    /// Certificates that are trusted beside the host's own.
    ca: Option<PathBuf>,
}

/// A stream to a daemon.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Client {
    /// Asks here.
    pub const fn new(place: Place, token: Option<SecretString>, ca: Option<PathBuf>) -> Self {
        Self { place, token, ca }
    }

    /// Where it asks.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// How the daemon stands.
    ///
    /// # Errors
    /// There is no answer, or it is none of ours.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get("/api/v1/status").await
    }

    /// What stands at a path of the API.
    ///
    /// # Errors
    /// There is no answer, or it is none of ours.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let bytes = self.bytes(path).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.strange(&error))
    }

    /// What stands at a path, as it is.
    ///
    /// # Errors
    /// There is no answer, or it is a refusal.
    pub async fn bytes(&self, path: &str) -> Result<Bytes, ClientError> {
        let answer = self.ask("GET", path, None).await?;
        self.all(answer).await
    }

    /// Tells the daemon something; what it says to it.
    ///
    /// # Errors
    /// There is no answer, or it is a refusal.
    pub async fn control(&self, control: &Control) -> Result<Done, ClientError> {
        let body = serde_json::to_vec(control).map_err(|error| self.strange(&error))?;
        let answer = self.ask("POST", "/api/v1/control", Some(body)).await?;
        let bytes = self.all(answer).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.strange(&error))
    }

    /// What goes on, from now on.
    ///
    /// # Errors
    /// There is no answer, or it is a refusal.
    pub async fn events(&self) -> Result<Events, ClientError> {
        let answer = self.ask("GET", "/api/v1/events", None).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refusal(answer).await);
        }
        Ok(Events { body: answer.into_body(), text: Vec::new(), place: self.place.to_string() })
    }

    fn strange(&self, why: &dyn std::fmt::Display) -> ClientError {
        ClientError::Strange { place: self.place.to_string(), why: why.to_string() }
    }

    fn absent(&self, why: &dyn std::fmt::Display) -> ClientError {
        ClientError::Absent { place: self.place.to_string(), why: why.to_string() }
    }

    async fn all(&self, answer: Response<Incoming>) -> Result<Bytes, ClientError> {
        if answer.status() != StatusCode::OK {
            return Err(self.refusal(answer).await);
        }
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
        let body =
            timeout(ANSWER_LIMIT, body).await.map_err(|_| self.strange(&"it stopped in the middle"))?;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| self.strange(&error))
    }

    async fn refusal(&self, answer: Response<Incoming>) -> ClientError {
        let status = answer.status();
        let body = timeout(CONNECT_LIMIT, Limited::new(answer.into_body(), 1 << 16).collect()).await;
        let body =
            body.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
        match serde_json::from_slice::<Trouble>(&body) {
            Ok(trouble) => ClientError::Refused(Trouble { status: status.as_u16(), ..trouble }),
            Err(_) => self.strange(&status),
        }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Response<Incoming>, ClientError> {
        let stream = timeout(CONNECT_LIMIT, self.connect());
        let stream = stream.await.map_err(|_| self.absent(&"it does not answer in time"))??;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.absent(&error))?;
        // It ends with its request: one that fails fails there.
        tokio::spawn(connection);
        let (host, path) = match &self.place {
            Place::Socket(_) => ("localhost".to_owned(), path.to_owned()),
            Place::Url(url) => {
                let host = url.authority().map(ToString::to_string).unwrap_or_default();
                (host, format!("{}{path}", url.path().trim_end_matches('/')))
            }
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("lineman/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                .map_err(|_| self.strange(&"the token has characters that no header may have"))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| self.strange(&error))?;
        let answer = timeout(ANSWER_LIMIT, sender.send_request(request)).await;
        answer.map_err(|_| self.absent(&"it does not answer in time"))?.map_err(|error| self.absent(&error))
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, ClientError> {
        let url = match &self.place {
            Place::Socket(path) => return self.local(path).await,
            Place::Url(url) => url,
        };
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let is_tls = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await.map_err(|error| self.absent(&error))?;
        if !is_tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| self.absent(&error))?;
        let connector = TlsConnector::from(Arc::new(self.tls()?));
        Ok(Box::new(connector.connect(name, stream).await.map_err(|error| self.absent(&error))?))
    }

    #[cfg(unix)]
    async fn local(&self, path: &Path) -> Result<Box<dyn Stream>, ClientError> {
        let stream =
            tokio::net::UnixStream::connect(path).await.map_err(|error| self.absent(&said(&error)))?;
        Ok(Box::new(stream))
    }

    #[cfg(not(unix))]
    async fn local(&self, _path: &Path) -> Result<Box<dyn Stream>, ClientError> {
        Err(self.absent(&"there are no control sockets on this system; use --url"))
    }

    /// Whom this host trusts, and whom the caller names.
    fn tls(&self) -> Result<ClientConfig, ClientError> {
        let mut named = Vec::new();
        if let Some(path) = &self.ca {
            let ca = |why: String| ClientError::Ca { path: path.clone(), why };
            let pem = std::fs::read(path).map_err(|error| ca(format!("could not be read: {error}")))?;
            let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
            named = certs.map_err(|error| ca(format!("is no PEM file: {error}")))?;
            if named.is_empty() {
                return Err(ca("holds no certificate in PEM form".to_owned()));
            }
        }
        let own = rustls_native_certs::load_native_certs().certs;
        trust::client(own, named).map_err(|error| self.strange(&error))
    }
}

#[cfg(unix)]
/// What somebody can do about it.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such socket; is a daemon running?".to_owned(),
        io::ErrorKind::ConnectionRefused => "nobody listens there any more; is a daemon running?".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "you may not open it; who may is its folder's and its group's matter".to_owned()
        }
        _ => error.to_string(),
    }
}

/// What goes on at a daemon, as it comes.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    text: Vec<u8>,
    place: String,
}

/// An event of a run.
#[derive(Debug, Deserialize)]
pub struct RunEvent {
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanName,
    /// Whether it is a technician's call.
    pub call: bool,
    /// Its place among the run's events.
    pub seq: u64,
    /// What happened.
    pub event: Event,
}

/// What comes from a daemon.
#[derive(Debug)]
pub enum Live {
    /// Everything as it stands.
    Picture,
    /// Something happened in a run.
    Event(Box<RunEvent>),
    /// The daemon stands otherwise now.
    Status(Box<Status>),
    /// So many events were missed, since they came faster than they were read.
    Missed,
}

impl Events {
    /// The next one; absent when the daemon has ended.
    ///
    /// # Errors
    /// It can't be understood, or the connection broke.
    pub async fn next(&mut self) -> Result<Option<Live>, ClientError> {
        loop {
            while let Some(block) = self.block() {
                if let Some(live) = self.read(&block)? {
                    return Ok(Some(live));
                }
            }
            if self.text.len() > EVENT_BYTES_MAX {
                return Err(self.strange(&"an event is too long"));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| self.strange(&error))?;
            if let Ok(bytes) = frame.into_data() {
                self.text.extend_from_slice(&bytes);
            }
        }
    }

    /// The lines up to the next empty one.
    fn block(&mut self) -> Option<String> {
        let end = self.text.windows(2).position(|two| two == b"\n\n")?;
        let block: Vec<u8> = self.text.drain(..end + 2).collect();
        Some(String::from_utf8_lossy(&block).into_owned())
    }

    fn read(&self, block: &str) -> Result<Option<Live>, ClientError> {
        let (mut name, mut data) = ("", String::new());
        for line in block.lines() {
            match line.split_once(':').map(|(key, value)| (key, value.strip_prefix(' ').unwrap_or(value))) {
                Some(("event", value)) => name = value,
                Some(("data", value)) => data.push_str(value),
                _ => {}
            }
        }
        let wrong = |error: serde_json::Error| self.strange(&error);
        Ok(match name {
            "picture" => Some(Live::Picture),
            "missed" => Some(Live::Missed),
            "status" => Some(Live::Status(Box::new(serde_json::from_str(&data).map_err(wrong)?))),
            "event" => Some(Live::Event(Box::new(serde_json::from_str(&data).map_err(wrong)?))),
            // A newer daemon may tell more.
            _ => None,
        })
    }

    fn strange(&self, why: &dyn std::fmt::Display) -> ClientError {
        ClientError::Strange { place: self.place.clone(), why: why.to_string() }
    }
}
