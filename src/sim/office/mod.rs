//! The exchange on ptys, and on RFC 2217: one thread that waits for all ports and programs together and keeps the
//! exchange's time.
//!
//! A thread and ppoll(2) rather than tasks: its instants are exact to some ten µs whatever the runtime is busy with, and
//! while nothing is under way it does not wake up at all. Here is the handle on that thread; what it does is in
//! [`worker`], and by subject in [`ptys`], [`wires`] and [`programs`].

mod programs;
mod ptys;
mod wires;
mod worker;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use crate::modem::clock::Clock;
use crate::modem::port::allow_files;

use super::error::SimError;
use super::exchange::{CallNumber, Engine};
use super::log::Log;
use super::presence::Presence;
use super::rfc2217::{Manners, Server};
use ptys::PtyPort;
use worker::{Face, Worker};

/// File descriptors beyond those of the ports: standard streams, programs, what else the process has open.
const FDS_BESIDES: u64 = 256;
/// File descriptors of one port: master and slave, or listener, client, and one that is being refused.
const FDS_A_PORT: u64 = 3;

/// What the thread is told.
enum Message {
    Stop,
    Ended(CallNumber),
}

/// Rings the thread's bell after a message.
#[derive(Debug, Clone)]
struct Bell {
    messages: Sender<Message>,
    bell: Arc<UnixStream>,
}

impl Bell {
    fn tell(&self, message: Message) {
        // A thread that has ended needs no message; a full pipe rings already.
        let _ = self.messages.send(message);
        let _ = (&*self.bell).write(&[0]);
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stop => "Stop",
            Self::Ended(_) => "Ended",
        })
    }
}

/// The running thread; dropping it stops it and waits for its end.
#[derive(Debug)]
pub(super) struct Office {
    bell: Bell,
    thread: Option<JoinHandle<()>>,
}

impl Office {
    /// Makes the ports and sets the thread to work. Answering ports are ptys below `dir`, and so are our modems', unless
    /// `wires` says how they are served over RFC 2217.
    pub(super) fn open(
        mut engine: Engine,
        dir: &Path,
        wires: Option<&Manners>,
        clock: Clock,
        log: Log,
    ) -> Result<(Self, Vec<PortAt>), SimError> {
        let names: Vec<(String, bool)> = engine.ports().map(|(name, ours)| (name.to_owned(), ours)).collect();
        allow_files(names.len() as u64 * FDS_A_PORT + FDS_BESIDES);
        fs::create_dir_all(dir).map_err(|source| SimError::Folder { path: dir.to_owned(), source })?;
        let (tell, messages) = channel();
        let (bell, rung) = UnixStream::pair().map_err(SimError::System)?;
        bell.set_nonblocking(true).map_err(SimError::System)?;
        rung.set_nonblocking(true).map_err(SimError::System)?;
        let bell = Bell { messages: tell, bell: Arc::new(bell) };
        let mut presence = Presence::new().map_err(SimError::System)?;
        let mut ports = Vec::new();
        for (index, (name, ours)) in names.iter().enumerate() {
            let fault = engine.port_fault(index);
            ports.push(match wires.filter(|_| *ours) {
                Some(manners) => Face::Wire(Box::new(Server::open(name, dir, manners.clone(), fault)?)),
                None => Face::Pty(PtyPort::open(index, name, dir, fault, &mut presence)?),
            });
        }
        presence.watch_folder(dir, names.iter().map(|(name, _)| name.as_str())).map_err(SimError::System)?;
        let told = names
            .into_iter()
            .zip(&ports)
            .map(|((_, ours), port)| PortAt {
                place: match port {
                    Face::Pty(pty) => Place::Path(pty.link().to_owned()),
                    Face::Wire(server) => Place::Url(server.url()),
                },
                ours,
            })
            .collect();
        let worker = Worker {
            engine,
            clock,
            log,
            presence,
            changes: VecDeque::new(),
            ports,
            programs: BTreeMap::new(),
            bell: bell.clone(),
            rung,
            messages,
            fallen: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("sim-{}", worker.engine.name()))
            .spawn(move || worker.run())
            .map_err(SimError::System)?;
        Ok((Self { bell, thread: Some(thread) }, told))
    }

    /// Stops the thread: ports go, programs are hung up on and reaped.
    pub(super) fn stop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.bell.tell(Message::Stop);
            if thread.join().is_err() {
                tracing::error!("the exchange's thread panicked");
            }
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port, and where it is.
#[derive(Debug)]
pub(super) struct PortAt {
    pub(super) place: Place,
    /// One of our modems, not an answering one.
    pub(super) ours: bool,
}

/// Where a port is.
#[derive(Debug)]
pub(super) enum Place {
    /// A link to a pty.
    Path(PathBuf),
    /// `rfc2217://host:port`.
    Url(String),
}
