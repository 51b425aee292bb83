//! The doors as one: opened as the configuration says, kept as it says when it changes, closed in time.
//!
//! A change that can't be done (a port that is taken, a certificate that can't be read) is told, and what was there stays.

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
use crate::config::credentials::{self, CredentialError, Outside};
use crate::config::service::{Access, Http, Service};
use crate::model::CredentialName;
use crate::modem::clock::Clock;

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
    #[error("{TOKEN} has fewer than {TOKEN_CHARS_MIN} characters, which can be guessed; `openssl rand -hex 32` makes a good one")]
    ShortToken,
}

/// The doors, opened.
pub struct Server {
    rooms: Rooms,
    router: Router,
    guard: Arc<Guard>,
    end: CancellationToken,
    tasks: TaskTracker,
    port: Option<Port>,
    socket: Option<(PathBuf, CancellationToken)>,
    tls: Arc<RwLock<Option<TlsAcceptor>>>,
    has_tls: bool,
    port_hall: Arc<Hall>,
    socket_hall: Arc<Hall>,
}

/// The port that is listened on.
struct Port {
    asked: std::net::SocketAddr,
    bound: std::net::SocketAddr,
    end: CancellationToken,
}

impl Server {
    /// Opens the doors that the configuration in force has, and serves; `stop` ends all of it at the next request, and what
    /// goes on (events) at once. To be called within a runtime.
    ///
    /// # Errors
    /// If a door can't be opened, or the token can't be had: a daemon that begins so would be one that nobody can steer.
    pub async fn open(rooms: Rooms, clock: Clock, stop: CancellationToken) -> Result<Self, HttpError> {
        let service = rooms.config.borrow().service.clone();
        let rights = rights(service.http.as_ref()).await?;
        let guard = Arc::new(Guard::new(rights, clock));
        let tasks = TaskTracker::new();
        let router = routes::router(&rooms, &guard, &stop, &tasks);
        let mut server = Self {
            rooms,
            router,
            guard,
            end: stop,
            tasks,
            port: None,
            socket: None,
            tls: Arc::default(),
            has_tls: false,
            port_hall: Hall::new(service.http.as_ref().map_or(0, |http| http.max_connections)),
            socket_hall: Hall::new(LOCAL_CONNECTIONS_MAX),
        };
        server.settle_socket(&service)?;
        server.settle_port(&service)?;
        Ok(server)
    }

    /// Where the port is, if there is one: what the system gave it, where any free one was asked for.
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.port.as_ref().map(|port| port.bound)
    }

    /// Whether the port speaks TLS.
    pub const fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// Follows the configuration until the server is stopped; then waits, not for long, for what is being served.
    pub async fn run(mut self) {
        let mut config = self.rooms.config.clone();
        loop {
            let changed = tokio::select! {
                changed = config.changed() => changed,
                () = self.end.cancelled() => break,
            };
            if changed.is_err() {
                // The loop is gone: nobody is left to say `stop`.
                self.end.cancel();
                break;
            }
            let service = config.borrow_and_update().service.clone();
            self.settle(&service).await;
        }
        self.tasks.close();
        if timeout(END_LIMIT, self.tasks.wait()).await.is_err() {
            tracing::warn!(connections = self.tasks.len(), "not all connections ended in time; they are cut off");
        }
    }

    /// As the configuration says now; what can't be done is told, and left as it was.
    async fn settle(&mut self, service: &Service) {
        match rights(service.http.as_ref()).await {
            Ok(rights) => self.guard.set(rights),
            Err(error) => tracing::error!("{error}; the token stays as it was"),
        }
        if let Err(error) = self.settle_socket(service) {
            tracing::error!("{error}; the control socket stays as it was");
        }
        if let Err(error) = self.settle_port(service) {
            tracing::error!("{error}; the HTTP server stays as it was");
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
    let short = resolved.password.as_ref().is_some_and(|token| token.expose_secret().chars().count() < TOKEN_CHARS_MIN);
    if short {
        return Err(HttpError::ShortToken);
    }
    Ok(Rights { token: resolved.password, open })
}
