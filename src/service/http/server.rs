//! The doors as one: opened as the configuration says, kept as it says when it changes, closed in time.
//!
//! A change that can't be done (a port that is taken, a certificate that can't be read) is told, and what was there stays.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Hall, Inside, take_tcp};
use super::guard::{Guard, Rights, TOKEN_CHARS_MIN};
use super::listen::{self, ListenError};
use super::tls::{self, TlsError};
use super::{Rooms, routes};
use crate::config::credentials::{self, CredentialError, CredentialSource, Outside};
use crate::config::service::{Access, Http, Service};
use crate::model::CredentialName;

/// Connections of the control socket at a time: it is for few, and must never be kept busy by the many of HTTP.
const LOCAL_CONNECTIONS_MAX: usize = 64;
/// For all connections to end, when the server does.
const END_LIMIT: Duration = Duration::from_secs(4);
/// What the token is called in messages.
const TOKEN: &str = "http.token";

/// Why the server could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A door.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// TLS.
    #[error("http.tls: {0}")]
    Tls(#[from] TlsError),
    /// The token can't be had.
    #[error("{TOKEN}: {}", .0.to_string().replace("password", "token"))]
    Token(CredentialError),
    /// It can be guessed.
    #[error(
        "{TOKEN} has fewer than {TOKEN_CHARS_MIN} characters, which can be guessed; `openssl rand -hex 32` makes a good one"
    )]
    ShortToken,
}

/// The doors, opened.
pub struct Server {
    router: Router,
    guard: Arc<Guard>,
    end: CancellationToken,
    tasks: TaskTracker,
    port: Option<Port>,
    socket: Option<(PathBuf, CancellationToken)>,
    /// The file that tells the port's address.
    told: Option<PathBuf>,
    tls: Arc<RwLock<Option<TlsAcceptor>>>,
    has_tls: bool,
    port_hall: Arc<Hall>,
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no control socket here"))]
    socket_hall: Arc<Hall>,
    /// Ends the wait for a token that is asked for.
    asking: CancellationToken,
    is_first: bool,
}

/// The port that is listened on.
struct Port {
    asked: SocketAddr,
    bound: SocketAddr,
    end: CancellationToken,
}

impl Server {
    /// With no door open yet. To be called within a runtime.
    pub fn new(rooms: Rooms) -> Self {
        let guard = Arc::new(Guard::new(Rights::default(), rooms.clock));
        let end = CancellationToken::new();
        let tasks = TaskTracker::new();
        let router = routes::router(rooms, &guard, &end, &tasks);
        Self {
            router,
            guard,
            end,
            tasks,
            port: None,
            socket: None,
            told: None,
            tls: Arc::default(),
            has_tls: false,
            port_hall: Hall::new(0),
            socket_hall: Hall::new(LOCAL_CONNECTIONS_MAX),
            asking: CancellationToken::new(),
            is_first: true,
        }
    }

    /// Where the port is, if there is one: what the system gave it, where any free one was asked for.
    pub fn address(&self) -> Option<SocketAddr> {
        self.port.as_ref().map(|port| port.bound)
    }

    /// Opens and closes doors as the configuration says now, and reads the token and the certificate. The first time it waits
    /// for the token; later, a program that gives it is asked meanwhile, and until then the old one holds.
    ///
    /// # Errors
    /// What can't be done; that stays as it was, and all else is done.
    pub async fn apply(&mut self, service: &Service) -> Result<(), HttpError> {
        let rights = self.settle_rights(service).await;
        let socket = self.settle_socket(service);
        let port = self.settle_port(service);
        self.tell_address(service);
        self.is_first = false;
        rights.and(socket).and(port)
    }

    /// Closes all doors: idle connections and live events end at once, whoever is being served has a little time.
    pub async fn stop(self) {
        self.end.cancel();
        self.tasks.close();
        if timeout(END_LIMIT, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "not all connections ended in time; they are cut off"
            );
        }
        if let Some(path) = self.told {
            let _ = std::fs::remove_file(path);
        }
    }

    async fn settle_rights(&mut self, service: &Service) -> Result<(), HttpError> {
        self.asking.cancel();
        let takes_time = |http: &Http| {
            http.token.as_ref().is_some_and(|token| matches!(token.source, CredentialSource::Command(_)))
        };
        let http = service.http.clone();
        if self.is_first || !http.as_ref().is_some_and(takes_time) {
            self.guard.set(rights(http.as_ref()).await?);
            return Ok(());
        }
        self.asking = self.end.child_token();
        let (guard, asking) = (Arc::clone(&self.guard), self.asking.clone());
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own, since what asks for secrets may not change threads.
        self.tasks.spawn_blocking(move || {
            let asked = runtime.block_on(async {
                tokio::select! {
                    asked = rights(http.as_ref()) => Some(asked),
                    () = asking.cancelled() => None,
                }
            });
            let Some(asked) = asked else { return };
            match asked {
                Ok(rights) => guard.set(rights),
                Err(error) => tracing::error!("{error}; the token stays as it was"),
            }
        });
        Ok(())
    }

    /// Where any free port was asked for, somebody must find it.
    fn tell_address(&mut self, service: &Service) {
        let Some(address) = self.address() else { return };
        let scheme = if self.has_tls { "https" } else { "http" };
        let path = service.state.join(format!("{}.http", service.name));
        match crate::report::replace(&path, format!("{scheme}://{address}\n").as_bytes()) {
            Ok(()) => self.told = Some(path),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the server's address could not be written");
            }
        }
    }

    fn inside(&self, hall: &Arc<Hall>, end: &CancellationToken) -> Inside {
        Inside {
            router: self.router.clone(),
            hall: Arc::clone(hall),
            tasks: self.tasks.clone(),
            end: end.clone(),
        }
    }

    fn settle_port(&mut self, service: &Service) -> Result<(), HttpError> {
        let Some(http) = &service.http else {
            if let Some(port) = self.port.take() {
                port.end.cancel();
            }
            return Ok(());
        };
        // Read again each time: certificates are renewed under their old names.
        let acceptor = http.tls.as_ref().map(tls::acceptor).transpose()?;
        let is_new = self.port.as_ref().is_none_or(|port| port.asked != http.listen);
        if is_new {
            let listener = listen::port(http.listen)?;
            let bound = listener.local_addr().unwrap_or(http.listen);
            let end = self.end.child_token();
            let inside = self.inside(&self.port_hall, &end);
            let port = Port { asked: http.listen, bound, end };
            if let Some(old) = self.port.replace(port) {
                old.end.cancel();
            }
            self.put_tls(acceptor);
            self.tasks.spawn(take_tcp(listener, Arc::clone(&self.tls), inside));
            tracing::info!(%bound, tls = self.has_tls, "HTTP is served");
        } else {
            self.put_tls(acceptor);
        }
        self.port_hall.resize(http.max_connections);
        Ok(())
    }

    fn put_tls(&mut self, acceptor: Option<TlsAcceptor>) {
        self.has_tls = acceptor.is_some();
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
    }

    #[cfg(unix)]
    fn settle_socket(&mut self, service: &Service) -> Result<(), HttpError> {
        if self.socket.as_ref().map(|(path, _)| path) == service.socket.as_ref() {
            return Ok(());
        }
        let opened = match &service.socket {
            None => None,
            Some(path) => {
                let socket = listen::ControlSocket::open(path)?;
                let end = self.end.child_token();
                let inside = self.inside(&self.socket_hall, &end);
                self.tasks.spawn(super::connection::take_local(socket, inside));
                tracing::info!(socket = %path.display(), "control is taken");
                Some((path.clone(), end))
            }
        };
        if let Some((_, end)) = std::mem::replace(&mut self.socket, opened) {
            end.cancel();
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn settle_socket(&mut self, service: &Service) -> Result<(), HttpError> {
        if let Some(path) = &service.socket {
            tracing::warn!(socket = %path.display(), "there are no control sockets on this system; use HTTP");
            self.socket = Some((path.clone(), CancellationToken::new()));
        }
        Ok(())
    }

    /// Connections that are open.
    #[cfg(test)]
    pub(super) fn connections(&self) -> usize {
        self.port_hall.taken() + self.socket_hall.taken()
    }
}

/// Who may do what, as the configuration says.
async fn rights(http: Option<&Http>) -> Result<Rights, HttpError> {
    let Some(http) = http else { return Ok(Rights::default()) };
    let open = http.reading == Access::Open;
    let Some(planned) = &http.token else { return Ok(Rights { token: None, open }) };
    let name: CredentialName = TOKEN.parse().unwrap_or_else(|_| unreachable!("it is a name"));
    let mut outside = Outside {
        env: &|name| std::env::var_os(name),
        prompt: &mut |_| Err(std::io::Error::other("a daemon asks nobody")),
    };
    let resolved = credentials::resolve(&name, planned, &mut outside).await.map_err(HttpError::Token)?;
    let short = resolved
        .password
        .as_ref()
        .is_some_and(|token| token.expose_secret().chars().count() < TOKEN_CHARS_MIN);
    if short {
        return Err(HttpError::ShortToken);
    }
    Ok(Rights { token: resolved.password, open })
}
