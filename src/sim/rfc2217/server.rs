//! A modem's TCP port: who calls it, who has it, and what goes through. One client at a time; a second one is told so and
//! sent away. Never waits: the exchange's thread does.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::poll::PollFlags;

use crate::model::Mono;
use crate::modem::port::Signal;

use super::manners::Manners;
use super::session::{Event, Lines, Session};
use crate::sim::error::SimError;
use crate::sim::fault::FaultKind;

/// What URLs of ports begin with.
const SCHEME: &str = "rfc2217://";
/// Bytes read at a time.
const READ_BYTES: usize = 4096;
/// Reads from one client before the others have their turn.
const READS_MAX: u32 = 16;
/// How long somebody who was refused may take to hear it. Closed at once, the refusal would be lost with what came from
/// there.
const REFUSED_LIMIT: Duration = Duration::from_secs(1);
/// How many are being refused at a time; beyond that the first of them have had their time.
const REFUSED_MAX: usize = 8;
/// How long nobody is let in after the system could not.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A modem's port.
#[derive(Debug)]
pub(in crate::sim) struct Server {
    name: String,
    manners: Manners,
    listener: TcpListener,
    address: SocketAddr,
    /// Where its URL stands.
    file: PathBuf,
    lines: Lines,
    dtr: bool,
    state: State,
    client: Option<Client>,
    refused: VecDeque<Refused>,
    /// Nobody is let in until then.
    paused: Option<Mono>,
}

/// What a caller finds, if nobody has the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    /// Another program of that host has it.
    Held,
    /// The adapter is pulled out.
    Vanished,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    session: Session,
}

#[derive(Debug)]
struct Refused {
    stream: TcpStream,
    until: Mono,
}

/// What came from the client.
#[derive(Debug, Default)]
pub(in crate::sim) struct Heard {
    /// In its order.
    pub(in crate::sim) events: Vec<Event>,
    /// And then it went.
    pub(in crate::sim) gone: bool,
}

impl Server {
    /// A port of 127.0.0.1 that the kernel chooses, with its URL in the folder `dir`.
    pub(in crate::sim) fn open(
        name: &str,
        dir: &Path,
        manners: Manners,
        fault: Option<FaultKind>,
    ) -> Result<Self, SimError> {
        let failed = |source| SimError::Listen { port: name.to_owned(), source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let file = dir.join(format!("{name}.url"));
        let server = Self {
            name: name.to_owned(),
            manners,
            listener,
            address,
            file,
            lines: Lines::new(),
            dtr: true,
            state: match fault {
                Some(FaultKind::PortMissing) => State::Vanished,
                Some(FaultKind::PortBusy) => State::Held,
                _ => State::Free,
            },
            client: None,
            refused: VecDeque::new(),
            paused: None,
        };
        server.write_url(dir)?;
        Ok(server)
    }

    /// Made beside and moved over, so that nobody reads half a URL.
    fn write_url(&self, dir: &Path) -> Result<(), SimError> {
        // An exchange that was killed has left its own.
        let ours = fs::read_to_string(&self.file).is_ok_and(|text| text.starts_with(SCHEME));
        if !ours && fs::symlink_metadata(&self.file).is_ok() {
            return Err(SimError::NoUrl(self.file.clone()));
        }
        let beside = dir.join(format!(".{}.url.new", self.name));
        fs::write(&beside, format!("{}\n", self.url()))
            .and_then(|()| fs::rename(&beside, &self.file))
            .map_err(|source| SimError::Folder { path: self.file.clone(), source })
    }

    /// The modem's name.
    pub(in crate::sim) fn name(&self) -> &str {
        &self.name
    }

    /// Where clients find it.
    pub(in crate::sim) fn url(&self) -> String {
        format!("{SCHEME}{}", self.address)
    }

    /// Whether the modem hears of DTR when a client comes or goes.
    pub(in crate::sim) const fn drops_dtr(&self) -> bool {
        !self.manners.keep_dtr && !self.manners.no_dtr
    }

    /// For polling: callers.
    pub(in crate::sim) fn caller_fd(&self) -> Option<BorrowedFd<'_>> {
        self.paused.is_none().then(|| self.listener.as_fd())
    }

    /// For polling: who has the port.
    pub(in crate::sim) fn client_fd(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let Client { stream, session } = self.client.as_ref()?;
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::POLLIN, session.wants_input());
        flags.set(PollFlags::POLLOUT, !session.output().is_empty());
        Some((stream.as_fd(), flags))
    }

    /// For polling: who was refused.
    pub(in crate::sim) fn refused_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.refused.iter().map(|refused| refused.stream.as_fd())
    }

    /// When it wants to be told the time.
    pub(in crate::sim) fn deadline(&self) -> Option<Mono> {
        let session = self.client.as_ref().and_then(|client| client.session.deadline());
        let refused = self.refused.front().map(|refused| refused.until);
        [session, refused, self.paused].into_iter().flatten().min()
    }

    /// The time.
    pub(in crate::sim) fn time(&mut self, now: Mono) {
        self.paused = self.paused.filter(|until| *until > now);
        self.refused.retain(|refused| refused.until > now);
        if let Some(client) = &mut self.client {
            client.session.time(now);
            client.flush();
        }
    }

    /// Lets callers in, or sends them away. True if the port has got a client.
    pub(in crate::sim) fn accept(&mut self, now: Mono) -> bool {
        let mut came = false;
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return came,
                Err(e)
                    if matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted) =>
                {
                    continue;
                }
                Err(error) => {
                    // The caller still stands at the door, so asking again at once would be asking for ever.
                    tracing::warn!(%error, port = self.name, "a caller can't be let in");
                    self.paused = Some(now + ACCEPT_PAUSE);
                    return came;
                }
            };
            // What fails here fails because the caller has gone.
            if stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true)).is_err() {
                continue;
            }
            let refusal = match (self.state, &self.client) {
                (State::Free, None) => None,
                (State::Free, Some(_)) | (State::Held, _) => Some("Port already in use\r\n"),
                (State::Vanished, _) => Some("The port is not there\r\n"),
            };
            if let Some(text) = refusal {
                self.refuse(now, stream, text);
                continue;
            }
            let signature = format!("lineman exchange, modem {}", self.name);
            let session = Session::new(now, &self.manners, &signature, self.lines, self.dtr);
            let mut client = Client { stream, session };
            client.flush();
            self.client = Some(client);
            came = true;
        }
    }

    fn refuse(&mut self, now: Mono, mut stream: TcpStream, text: &str) {
        tracing::info!(port = self.name, text = text.trim_end(), "a caller is refused");
        // So few bytes always go into a new connection, unless it is gone already.
        if stream.write_all(text.as_bytes()).and_then(|()| stream.shutdown(Shutdown::Write)).is_err() {
            return;
        }
        if self.refused.len() == REFUSED_MAX {
            self.refused.pop_front();
        }
        self.refused.push_back(Refused { stream, until: now + REFUSED_LIMIT });
    }

    /// Listens to those who were refused, and lets go of those who have gone.
    pub(in crate::sim) fn see_off(&mut self) {
        self.refused.retain_mut(|refused| {
            let mut bytes = [0; READ_BYTES];
            match refused.stream.read(&mut bytes) {
                Ok(0) => false,
                Ok(_) => true,
                Err(e) => matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
            }
        });
    }

    /// The client can be read, or take more.
    pub(in crate::sim) fn serve(&mut self, flags: PollFlags) -> Heard {
        let mut heard = Heard::default();
        let Some(client) = &mut self.client else { return heard };
        client.flush();
        if flags.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR) {
            let ending = flags.intersects(PollFlags::POLLHUP | PollFlags::POLLERR);
            heard.gone = client.read(ending);
            if heard.gone {
                client.session.end();
            } else {
                client.flush();
            }
            while let Some(event) = client.session.event() {
                match event {
                    Event::Dtr(up) => {
                        self.dtr = up;
                        if !self.manners.no_dtr {
                            heard.events.push(Event::Dtr(up));
                        }
                    }
                    Event::Data(_) | Event::Wrong(_) => heard.events.push(event),
                }
            }
        }
        if heard.gone {
            self.client = None;
            if !self.manners.keep_dtr {
                self.dtr = true;
            }
        }
        heard
    }

    /// Writes to the client; without one the bytes are lost, as on a wire.
    pub(in crate::sim) fn write(&mut self, bytes: &[u8]) {
        if let Some(client) = &mut self.client {
            client.session.data(bytes);
            client.flush();
        }
    }

    /// The modem has set a line.
    pub(in crate::sim) fn set(&mut self, now: Mono, signal: Signal, level: bool) {
        self.lines = self.lines.with(signal, level);
        if let Some(client) = &mut self.client {
            client.session.set(now, self.lines);
            client.flush();
        }
    }

    /// The adapter is pulled out: who has the port loses it, who calls is sent away.
    pub(in crate::sim) fn vanish(&mut self) {
        self.client = None;
        self.dtr = true;
        self.state = State::Vanished;
    }

    /// It is there again.
    pub(in crate::sim) const fn come_back(&mut self) {
        self.state = State::Free;
    }

    /// The file with its URL goes, unless another exchange has written its own.
    pub(in crate::sim) fn close(&mut self) {
        self.client = None;
        if fs::read_to_string(&self.file).is_ok_and(|url| url.trim_end() == self.url()) {
            let _ = fs::remove_file(&self.file);
        }
    }
}

impl Client {
    /// Reads what is there; true if that was the last. If the connection is ending, all is read: none may be left out
    /// that came before its end.
    fn read(&mut self, ending: bool) -> bool {
        let mut bytes = [0; READ_BYTES];
        let mut reads = 0;
        while ending || (reads < READS_MAX && self.session.wants_input()) {
            reads += 1;
            match self.stream.read(&mut bytes) {
                Ok(0) => return true,
                Ok(n) => {
                    self.session.input(&bytes[..n]);
                    self.flush();
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => return true,
            }
        }
        false
    }

    /// Writes what can be written now. That the client has gone shows when it is read.
    fn flush(&mut self) {
        loop {
            let output = self.session.output();
            if output.is_empty() {
                return;
            }
            match self.stream.write(output) {
                Ok(0) => return,
                Ok(n) => self.session.sent(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}
