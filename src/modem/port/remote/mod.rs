//! A port that a server has: over RFC 2217, over telnet, or as raw bytes over TCP. The thin async shell; what is said to
//! the server is decided in `client`.
//!
//! No lock is taken here, the server has its own. Nothing waits without a limit: names are looked up, connections made,
//! options negotiated and bytes sent within one each, and a server that died is found out by keep-alives.

mod client;
mod com_port;
mod options;
mod telnet;

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{sleep, sleep_until, timeout};

use super::{Address, PortError, PortEvent, PortOptions, REOPEN_PAUSE_LINES};
use crate::model::Mono;
use crate::modem::clock::Clock;
use crate::modem::machine::{PortFacts, Signal};
use client::{Client, Event, Kind};

/// Longest that looking a name up and connecting may take in all.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Longest that one address of a name may take, where it has several.
const CONNECT_ADDRESS_LIMIT: Duration = Duration::from_secs(3);
/// Longest that a server may take to give us its port; more than all limits of the negotiation together.
const OPEN_LIMIT: Duration = Duration::from_secs(4);

/// How late an edge of a modem-control line may come: servers look at the lines once a second (ser2net) or ten times
/// (sredird), and don't say which (modems.md 8). An edge that just missed a look needs the whole second and the way here.
pub(super) const SIGNAL_LAG: Duration = Duration::from_millis(1050);

/// When the first keep-alive goes out on a silent connection, how far apart they are, and how many stay unanswered until
/// the server counts as gone: half a minute.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(10);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(5);
const KEEP_ALIVE_TRIES: u32 = 4;

/// Longest that the last words on a connection may take to be sent, and the server to close its end.
const FAREWELL_LIMIT: Duration = Duration::from_millis(500);
/// How long to wait before a server that says its port is in use is asked again, when it is our own last connection that
/// it may not have let go of.
const REOPEN_RETRY: Duration = Duration::from_millis(200);

/// Most bytes of one read.
const READ_BYTES_MAX: usize = 4096;
/// Bytes that may wait to be fetched before no more are read.
const EVENT_BYTES_MAX: usize = 64 * 1024;
/// What an edge of a modem-control line counts as, among the bytes that wait.
const EDGE_BYTES: usize = 16;
/// Most reads at a time: a server that floods must let others have their turn, and limits theirs.
const READS_MAX: usize = 4;
/// How often as much is read when what is there is to be thrown away.
const DRAIN_TURNS_MAX: usize = 8;
/// Bytes that may wait to be sent: a server that makes us answer more than this floods.
const OUT_BYTES_MAX: usize = 64 * 1024;

/// What a user wrote, and what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// As the user wrote it.
    pub(super) path: String,
    pub(super) address: Address,
    pub(super) scheme: Scheme,
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Rfc2217,
    Telnet,
    Tcp,
}

/// A port on a server, connected or (after a failed reopening, or its end) not.
#[derive(Debug)]
pub(super) struct RemotePort {
    place: Place,
    options: PortOptions,
    clock: Clock,
    link: Option<Link>,
    /// A connection has shown that the port has modem-control lines.
    lines_proven: bool,
    dcd_at_open: bool,
    told_closed: bool,
}

/// A connection.
#[derive(Debug)]
struct Link {
    stream: TcpStream,
    client: Client,
    clock: Clock,
    buffer: Box<[u8]>,
    events: VecDeque<PortEvent>,
    event_bytes: usize,
    out: VecDeque<u8>,
    /// Why it has ended; what came before is still to be fetched.
    end: Option<String>,
}

impl RemotePort {
    pub(super) async fn open(place: Place, options: &PortOptions, clock: Clock) -> Result<Self, PortError> {
        let mut port = Self {
            place,
            options: options.clone(),
            clock,
            link: None,
            lines_proven: false,
            dcd_at_open: false,
            told_closed: false,
        };
        port.connect().await?;
        if let Some(link) = &mut port.link {
            for remark in link.client.take_remarks() {
                tracing::warn!(port = %port.place.path, "{remark}");
            }
        }
        Ok(port)
    }

    async fn connect(&mut self) -> Result<(), PortError> {
        let unreachable = |source| PortError::Connect { path: self.path(), source };
        let connecting = timeout(CONNECT_LIMIT, connect(&self.place.address)).await;
        let stream = connecting.unwrap_or_else(|_| Err(late(CONNECT_LIMIT))).map_err(unreachable)?;
        let kind = match self.place.scheme {
            Scheme::Rfc2217 => Kind::Rfc2217 { baud: self.options.baud, rtscts: self.options.rtscts },
            Scheme::Telnet => Kind::Telnet,
            Scheme::Tcp => Kind::Raw,
        };
        let mut link = Link::new(stream, Client::new(kind, self.lines_proven, self.clock.now()), self.clock);
        let opening = async {
            while !link.client.is_open() && link.end.is_none() {
                link.turn().await;
            }
        };
        if timeout(OPEN_LIMIT, opening).await.is_err() {
            return Err(unreachable(late(OPEN_LIMIT)));
        }
        if let Some(end) = link.end {
            return Err(refusal(self.path(), link.client.banner(), &end));
        }
        self.lines_proven = link.client.has_lines();
        self.dcd_at_open = link.client.level(Signal::Dcd).unwrap_or(false);
        self.link = Some(link);
        self.told_closed = false;
        Ok(())
    }

    pub(super) fn facts(&self) -> PortFacts {
        let has_signals = self.lines_proven || self.link.as_ref().is_some_and(|link| link.client.has_lines());
        PortFacts {
            has_signals,
            dcd_at_open: self.dcd_at_open,
            may_stay_online: true,
            signal_lag: if has_signals { SIGNAL_LAG } else { Duration::ZERO },
        }
    }

    pub(super) fn path(&self) -> String {
        self.place.path.clone()
    }

    pub(super) async fn next(&mut self) -> PortEvent {
        let end = loop {
            if self.told_closed {
                pending::<()>().await;
            }
            let Some(link) = &mut self.link else { break "it is closed".to_owned() };
            if let Some(event) = link.fetch() {
                return event;
            }
            if let Some(end) = link.end.take() {
                break end;
            }
            link.turn().await;
        };
        self.link = None;
        self.told_closed = true;
        PortEvent::Closed(end)
    }

    pub(super) async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<Mono, PortError> {
        let path = self.path();
        let link = self.living()?;
        let all = async {
            while link.client.is_suspended() && link.end.is_none() {
                link.turn().await;
            }
            link.client.send(bytes);
            link.flush().await;
        };
        if timeout(limit, all).await.is_err() {
            let written = bytes.len().saturating_sub(link.out.len());
            // What the kernel has of it can't be called back: the connection goes, and it with it. It must not go out
            // when nobody reckons with it any more: it could be a dial command.
            let _ = link.stream.set_zero_linger();
            link.end = Some("its server takes nothing any more".to_owned());
            return Err(PortError::Stalled { path, written, length: bytes.len(), limit });
        }
        match &link.end {
            Some(end) => Err(PortError::Lost { path, detail: end.clone() }),
            None => Ok(self.clock.now()),
        }
    }

    pub(super) fn dtr(&mut self, up: bool) -> Result<(), PortError> {
        let has_signals = self.facts().has_signals;
        let link = self.living()?;
        if has_signals && link.client.dtr(up) {
            link.send_now();
        }
        Ok(())
    }

    pub(super) fn level(&self, signal: Signal) -> Option<bool> {
        self.link.as_ref().and_then(|link| link.client.level(signal))
    }

    pub(super) fn drain_input(&mut self) -> Result<(), PortError> {
        let now = self.clock.now();
        let link = self.living()?;
        for _ in 0..DRAIN_TURNS_MAX {
            if !link.read_now() {
                break;
            }
        }
        link.client.purge(now);
        link.collect(now);
        link.events.retain(|event| !matches!(event, PortEvent::Bytes(..)));
        link.event_bytes = link.events.iter().map(weight).sum();
        link.send_now();
        Ok(())
    }

    pub(super) async fn reopen(&mut self, limit: Duration) -> Result<(), PortError> {
        if let Some(link) = self.link.take() {
            link.leave().await;
        }
        let again = async {
            sleep(REOPEN_PAUSE_LINES).await;
            loop {
                match self.connect().await {
                    Err(PortError::Refused { .. }) => sleep(REOPEN_RETRY).await,
                    done => break done,
                }
            }
        };
        let done = timeout(limit, again).await;
        done.unwrap_or_else(|_| Err(PortError::Timeout { path: self.path(), limit })).map_err(|error| {
            match error {
                PortError::Connect { path, source } => {
                    PortError::Lost { path, detail: format!("its server can't be reached again: {source}") }
                }
                other => other,
            }
        })
    }

    pub(super) async fn close(mut self) {
        if let Some(link) = self.link.take() {
            link.leave().await;
        }
    }

    /// The connection, if there is one that has not ended.
    fn living(&mut self) -> Result<&mut Link, PortError> {
        let lost = |detail: String| PortError::Lost { path: self.place.path.clone(), detail };
        match &mut self.link {
            Some(Link { end: Some(end), .. }) => Err(lost(end.clone())),
            Some(link) => Ok(link),
            None => Err(lost("it is closed".to_owned())),
        }
    }
}

impl Drop for RemotePort {
    fn drop(&mut self) {
        if let Some(link) = &mut self.link
            && link.client.dtr(false)
        {
            link.send_now();
        }
    }
}

impl Link {
    fn new(stream: TcpStream, client: Client, clock: Clock) -> Self {
        let mut link = Self {
            stream,
            client,
            clock,
            buffer: vec![0; READ_BYTES_MAX].into_boxed_slice(),
            events: VecDeque::new(),
            event_bytes: 0,
            out: VecDeque::new(),
            end: None,
        };
        link.collect(clock.now());
        link
    }

    /// Waits for one thing to happen, and does what follows from it. Cancel-safe.
    async fn turn(&mut self) {
        let deadline = self.client.deadline().map(|at| self.clock.instant(at));
        let mut interest = None::<Interest>;
        if self.event_bytes < EVENT_BYTES_MAX {
            interest = Some(Interest::READABLE);
        }
        if !self.out.is_empty() {
            interest = Some(interest.map_or(Interest::WRITABLE, |interest| interest.add(Interest::WRITABLE)));
        }
        let ready = async {
            match interest {
                Some(interest) => self.stream.ready(interest).await,
                None => pending().await,
            }
        };
        let time = async {
            match deadline {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            ready = ready => match ready {
                Ok(ready) => {
                    let more = (ready.is_readable() || ready.is_read_closed()) && self.read_now();
                    // Where there is always something to be read, time is told here alone.
                    self.time();
                    self.send_now();
                    if more {
                        tokio::task::yield_now().await;
                    }
                }
                Err(error) => self.fail(&error),
            },
            () = time => {
                self.time();
                self.send_now();
            }
        }
    }

    fn time(&mut self) {
        let now = self.clock.now();
        self.client.time(now);
        self.collect(now);
    }

    /// Reads what is there, no more than may wait, and not for ever: whether more may be there.
    fn read_now(&mut self) -> bool {
        for _ in 0..READS_MAX {
            if self.end.is_some() || self.event_bytes >= EVENT_BYTES_MAX {
                return false;
            }
            match self.stream.try_read(&mut self.buffer) {
                Ok(0) => self.end = Some("its server closed the connection".to_owned()),
                Ok(length) => {
                    let now = self.clock.now();
                    self.client.receive(now, &self.buffer[..length]);
                    self.collect(now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.fail(&error),
            }
        }
        true
    }

    /// Takes over what the client has to tell and to say.
    fn collect(&mut self, now: Mono) {
        while let Some(event) = self.client.next_event() {
            let event = match event {
                Event::Data(bytes) => PortEvent::Bytes(bytes, now),
                Event::Signal(signal, level) => PortEvent::Signal(signal, level, now),
            };
            self.event_bytes += weight(&event);
            self.events.push_back(event);
        }
        self.out.extend(self.client.take_out());
        if self.out.len() > OUT_BYTES_MAX && self.end.is_none() {
            self.end = Some("its server asks more than can be answered".to_owned());
        }
    }

    /// Sends what can be sent without waiting.
    fn send_now(&mut self) {
        self.out.extend(self.client.take_out());
        while self.end.is_none() && !self.out.is_empty() {
            match self.stream.try_write(self.out.as_slices().0) {
                Ok(length) => drop(self.out.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.fail(&error),
            }
        }
    }

    /// Sends all there is to send; reads meanwhile, since a server may take nothing before it is rid of what it has.
    async fn flush(&mut self) {
        self.send_now();
        while self.end.is_none() && !self.out.is_empty() {
            self.turn().await;
        }
    }

    fn fetch(&mut self) -> Option<PortEvent> {
        let event = self.events.pop_front()?;
        self.event_bytes -= weight(&event);
        Some(event)
    }

    fn fail(&mut self, error: &io::Error) {
        let what = match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                "its server dropped the connection".to_owned()
            }
            io::ErrorKind::TimedOut => "its server does not answer any more".to_owned(),
            _ => error.to_string(),
        };
        self.end.get_or_insert(what);
    }

    /// Drops DTR, closes our end, and gives the server the time to see it: it may have but one port to give.
    async fn leave(mut self) {
        self.client.dtr(false);
        let farewell = async {
            self.flush().await;
            if self.stream.shutdown().await.is_ok() {
                while self.end.is_none() {
                    // Nothing of it is wanted any more.
                    self.events.clear();
                    self.event_bytes = 0;
                    self.turn().await;
                }
            }
        };
        let _ = timeout(FAREWELL_LIMIT, farewell).await;
    }
}

/// What an event counts as while it waits.
fn weight(event: &PortEvent) -> usize {
    match event {
        PortEvent::Bytes(bytes, _) => bytes.len(),
        PortEvent::Signal(..) => EDGE_BYTES,
        PortEvent::Closed(_) => 0,
    }
}

fn late(limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs()))
}

/// Connects to the first address of a name that answers.
async fn connect(address: &Address) -> io::Result<TcpStream> {
    let unknown = |error: io::Error| {
        io::Error::new(io::ErrorKind::NotFound, format!("`{}` is not known: {error}", address.host()))
    };
    let addresses: Vec<SocketAddr> =
        lookup_host((address.host(), address.port())).await.map_err(unknown)?.collect();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, format!("`{}` has no address", address.host()));
    for address in addresses {
        let connecting = timeout(CONNECT_ADDRESS_LIMIT, TcpStream::connect(address)).await;
        match connecting.unwrap_or_else(|_| Err(late(CONNECT_ADDRESS_LIMIT))) {
            Ok(stream) => {
                settle(&stream);
                return Ok(stream);
            }
            Err(error) => failed = plainly(error),
        }
    }
    Err(failed)
}

/// What a failed connection means, in words that help.
fn plainly(error: io::Error) -> io::Error {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there (connection refused)",
        io::ErrorKind::HostUnreachable => "no way leads to its host (host unreachable)",
        io::ErrorKind::NetworkUnreachable => "no way leads to its network (network unreachable)",
        _ => return error,
    };
    io::Error::new(error.kind(), why)
}

/// Small packets at once, and a way to find out that the server has died. A system that has neither does without.
fn settle(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let keep_alive = TcpKeepalive::new().with_time(KEEP_ALIVE_AFTER).with_interval(KEEP_ALIVE_EVERY);
    let _ = socket.set_tcp_keepalive(&keep_alive.with_retries(KEEP_ALIVE_TRIES));
    // Keep-alives stop while bytes of ours are unconfirmed: then this limit holds.
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(KEEP_ALIVE_AFTER + KEEP_ALIVE_EVERY * KEEP_ALIVE_TRIES));
}

/// Words by which servers say that somebody else has the port.
const BUSY_WORDS: [&str; 3] = ["in use", "busy", "occupied"];

/// What it means that a server ended the connection before the port was ours.
fn refusal(path: String, banner: &[u8], end: &str) -> PortError {
    let said: String =
        String::from_utf8_lossy(banner).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = said.to_lowercase();
    if BUSY_WORDS.iter().any(|word| lower.contains(word)) {
        return PortError::Refused { path, said };
    }
    let why = if said.is_empty() {
        format!("{end} before it gave us the port; somebody else may have it")
    } else {
        format!("{end} before it gave us the port, and said `{said}`")
    };
    PortError::Connect { path, source: io::Error::new(io::ErrorKind::ConnectionAborted, why) }
}

#[cfg(test)]
mod tests;
