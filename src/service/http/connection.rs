//! Connections: taken, given a seat, served, and closed in time.
//!
//! Every wait for the far end has a limit: TLS, a request's head, its body (`api`), and that it takes what is sent to it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::guard::Door;
use super::patient::Patient;
use super::seats::{Entry, Seat, Seats};

/// For TLS to be agreed upon.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// For the head of a request to come, the first one and each later one: what idles for longer is closed.
const HEAD_LIMIT: Duration = Duration::from_secs(15);
/// That a peer takes nothing of what is sent to it.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// For the answer to one that gets no seat.
const FULL_LIMIT: Duration = Duration::from_secs(2);
/// Bytes of a request's head: some five times what a browser sends.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Headers of a request.
const HEADERS_MAX: usize = 64;
/// After a failure to take a connection: the system has no descriptors, and asking at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// For requests that are being served when the server ends.
const DRAIN_LIMIT: Duration = Duration::from_secs(3);

const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n\
    Connection: close\r\nContent-Length: 44\r\n\r\n{\"error\":\"all connections are being served\"}";

/// A door's seats, and how whoever sits there is told to go.
#[derive(Debug)]
pub(super) struct Hall {
    state: Mutex<HallState>,
}

#[derive(Debug)]
struct HallState {
    seats: Seats,
    ways_out: BTreeMap<Seat, CancellationToken>,
}

impl Hall {
    pub(super) fn new(max: usize) -> Arc<Self> {
        let state = HallState { seats: Seats::new(max), ways_out: BTreeMap::new() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    pub(super) fn resize(&self, max: usize) {
        self.with(|state| state.seats.resize(max));
    }

    /// How many are taken.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.with(|state| state.seats.taken())
    }

    fn with<T>(&self, act: impl FnOnce(&mut HallState) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(self: &Arc<Self>) -> Option<Guest> {
        self.with(|state| match state.seats.enter() {
            Entry::Full => None,
            Entry::Seated(seat, lost) => {
                if let Some(way_out) = lost.and_then(|lost| state.ways_out.remove(&lost)) {
                    way_out.cancel();
                }
                let way_out = CancellationToken::new();
                state.ways_out.insert(seat, way_out.clone());
                Some(Guest { hall: Arc::clone(self), seat, way_out })
            }
        })
    }
}

/// One that has a seat, until this is dropped.
struct Guest {
    hall: Arc<Hall>,
    seat: Seat,
    way_out: CancellationToken,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.hall.with(|state| {
            state.seats.leave(self.seat);
            state.ways_out.remove(&self.seat);
        });
    }
}

/// A request that is being served, until its answer is sent.
struct Served {
    hall: Arc<Hall>,
    seat: Seat,
}

impl Served {
    fn new(hall: &Arc<Hall>, seat: Seat) -> Self {
        hall.with(|state| state.seats.busy(seat));
        Self { hall: Arc::clone(hall), seat }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.hall.with(|state| state.seats.idle(self.seat));
    }
}

/// What every connection of a door needs.
#[derive(Clone)]
pub(super) struct Inside {
    /// What serves.
    pub(super) router: Router,
    /// The seats.
    pub(super) hall: Arc<Hall>,
    /// The connections.
    pub(super) tasks: TaskTracker,
    /// The server ends, or this door is closed.
    pub(super) end: CancellationToken,
}

/// Takes connections of a TCP port until the door is closed.
pub(super) async fn take_tcp(
    listener: tokio::net::TcpListener,
    tls: Arc<std::sync::RwLock<Option<TlsAcceptor>>>,
    inside: Inside,
) {
    let local = listener.local_addr().map(|address| address.ip());
    let loopback = local.is_ok_and(|ip| ip.to_canonical().is_loopback());
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            () = inside.end.cancelled() => return,
        };
        let (stream, peer): (_, SocketAddr) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                refused(&error, &inside.end).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let acceptor = tls.read().unwrap_or_else(PoisonError::into_inner).clone();
        let inside = inside.clone();
        inside.tasks.clone().spawn(tcp(stream, peer.ip(), loopback, acceptor, inside));
    }
}

async fn tcp(
    mut stream: tokio::net::TcpStream,
    peer: IpAddr,
    loopback: bool,
    acceptor: Option<TlsAcceptor>,
    inside: Inside,
) {
    let door = Door::Http { peer, loopback, tls: acceptor.is_some() };
    let Some(guest) = inside.hall.enter() else {
        // Whoever expects TLS could not read it.
        if acceptor.is_none() {
            let said = async {
                stream.write_all(FULL).await?;
                stream.shutdown().await
            };
            let _ = timeout(FULL_LIMIT, said).await;
        }
        return;
    };
    let Some(acceptor) = acceptor else {
        return serve(stream, door, guest, inside).await;
    };
    let agreed = tokio::select! {
        agreed = timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)) => agreed,
        () = guest.way_out.cancelled() => return,
        () = inside.end.cancelled() => return,
    };
    match agreed {
        Ok(Ok(stream)) => serve(stream, door, guest, inside).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS was agreed upon"),
        Err(_) => tracing::debug!(%peer, "no TLS was agreed upon in time"),
    }
}

/// Takes connections of the control socket until it is closed.
#[cfg(unix)]
pub(super) async fn take_local(socket: super::listen::ControlSocket, inside: Inside) {
    loop {
        let taken = tokio::select! {
            taken = socket.listener.accept() => taken,
            () = inside.end.cancelled() => return,
        };
        match taken {
            Ok((mut stream, _)) => {
                let inside = inside.clone();
                inside.tasks.clone().spawn(async move {
                    match inside.hall.enter() {
                        Some(guest) => serve(stream, Door::Socket, guest, inside).await,
                        None => {
                            let _ = timeout(FULL_LIMIT, stream.write_all(FULL)).await;
                        }
                    }
                });
            }
            Err(error) => refused(&error, &inside.end).await,
        }
    }
}

/// A connection could not be taken: most often there are no descriptors left.
async fn refused(error: &io::Error, end: &CancellationToken) {
    tracing::warn!(%error, "a connection could not be taken");
    tokio::select! {
        () = tokio::time::sleep(ACCEPT_PAUSE) => {}
        () = end.cancelled() => {}
    }
}

async fn serve<S>(stream: S, door: Door, guest: Guest, inside: Inside)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Inside { router, hall, end, .. } = inside;
    let seat = guest.seat;
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let served = Served::new(&hall, seat);
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(door);
            let answer = match router.oneshot(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            // It is being served until its last byte is on the way, or it goes.
            let (head, body) = answer.into_parts();
            let body = body.map_frame(move |frame| {
                let _ = &served;
                frame
            });
            Ok::<_, Infallible>(hyper::Response::from_parts(head, body))
        }
    });
    let io = TokioIo::new(Patient::new(stream, STALL_LIMIT));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = guest.way_out.cancelled() => return,
        () = end.cancelled() => {
            connection.as_mut().graceful_shutdown();
            timeout(DRAIN_LIMIT, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_one_without_a_seat_is_told_is_as_long_as_it_says() {
        let text = std::str::from_utf8(super::FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
    }
}
