//! The exchange on ptys: one thread that waits for all ports and programs together and keeps the exchange's time.
//!
//! A thread and ppoll(2) rather than tasks: its instants are exact to some ten µs whatever the runtime is busy with, and
//! while nothing is under way it does not wake up at all.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::inotify::WatchDescriptor;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::time::TimeSpec;

use crate::model::Mono;
use crate::modem::clock::Clock;
use crate::modem::port::Signal;

use super::error::SimError;
use super::exchange::{CallNumber, Engine, Input, Output};
use super::fault::FaultKind;
use super::log::{Entry, Log, What};
use super::presence::{Change, Presence};
use super::program::Program;
use super::pty::Pty;

/// Bytes read at a time.
const READ_BYTES: usize = 4096;
/// Bytes taken in from one port before the others have their turn.
const READ_BYTES_MAX: usize = 64 * 1024;
/// File descriptors beyond two a port: standard streams, programs, what else the process has open.
const FDS_BESIDES: u64 = 256;
/// How long ending programs are waited for when the exchange stops.
const STOP_LIMIT: Duration = Duration::from_secs(3);

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
    /// Makes the ports below `dir` and sets the thread to work.
    pub(super) fn open(
        mut engine: Engine,
        dir: &Path,
        clock: Clock,
        log: Log,
    ) -> Result<(Self, Vec<PortAt>), SimError> {
        let names: Vec<(String, bool)> = engine.ports().map(|(name, ours)| (name.to_owned(), ours)).collect();
        raise_limit(names.len() as u64 * 2 + FDS_BESIDES);
        fs::create_dir_all(dir).map_err(|source| SimError::Folder { path: dir.to_owned(), source })?;
        let (tell, messages) = channel();
        let (bell, rung) = UnixStream::pair().map_err(SimError::System)?;
        bell.set_nonblocking(true).map_err(SimError::System)?;
        rung.set_nonblocking(true).map_err(SimError::System)?;
        let bell = Bell { messages: tell, bell: Arc::new(bell) };
        let mut presence = Presence::new().map_err(SimError::System)?;
        let mut ports = Vec::new();
        for (index, (name, _)) in names.iter().enumerate() {
            let link = dir.join(name);
            let fault = engine.port_fault(index);
            let mut port = Port { link, at: None, opens: 0, was_open: false };
            if fault != Some(FaultKind::PortMissing) {
                port.make(index, &mut presence)?;
            }
            if fault == Some(FaultKind::PortBusy)
                && let Some(at) = &port.at
            {
                at.pty.lock().map_err(|source| SimError::Pty { port: name.clone(), source })?;
            }
            ports.push(port);
        }
        let told = names
            .into_iter()
            .zip(&ports)
            .map(|((_, ours), port)| PortAt { path: port.link.clone(), ours })
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

/// Where a port is.
#[derive(Debug)]
pub(super) struct PortAt {
    pub(super) path: PathBuf,
    /// One of our modems, not an answering one.
    pub(super) ours: bool,
}

/// A port with its link.
#[derive(Debug)]
struct Port {
    link: PathBuf,
    /// Its pty; none while it is vanished.
    at: Option<Place>,
    /// How many programs have it open, as far as events tell.
    opens: u32,
    was_open: bool,
}

#[derive(Debug)]
struct Place {
    pty: Pty,
    watch: WatchDescriptor,
}

impl Port {
    fn make(&mut self, index: usize, presence: &mut Presence) -> Result<(), SimError> {
        let name = || self.link.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let pty = Pty::raw().map_err(|source| SimError::Pty { port: name(), source })?;
        let watch = presence.watch(index, pty.path()).map_err(SimError::System)?;
        if fs::symlink_metadata(&self.link).is_ok_and(|m| !m.file_type().is_symlink()) {
            return Err(SimError::Occupied(self.link.clone()));
        }
        // Made beside and moved over, so that there is never a moment without a link.
        let beside = self.link.with_file_name(format!(".{}.new", name()));
        let linked = fs::remove_file(&beside)
            .or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
            .and_then(|()| std::os::unix::fs::symlink(pty.path(), &beside))
            .and_then(|()| fs::rename(&beside, &self.link));
        linked.map_err(|source| SimError::Folder { path: self.link.clone(), source })?;
        self.at = Some(Place { pty, watch });
        self.opens = 0;
        Ok(())
    }

    fn unmake(&mut self, presence: &mut Presence) {
        if let Some(place) = self.at.take() {
            presence.unwatch(place.watch);
            // Only a link that still leads to this pty is ours to remove.
            if fs::read_link(&self.link).is_ok_and(|to| to == place.pty.path()) {
                let _ = fs::remove_file(&self.link);
            }
        }
        self.opens = 0;
        self.was_open = false;
    }
}

struct Worker {
    engine: Engine,
    clock: Clock,
    log: Log,
    presence: Presence,
    /// Openings and closings that are not yet dealt with.
    changes: VecDeque<Change>,
    ports: Vec<Port>,
    programs: BTreeMap<CallNumber, Program>,
    bell: Bell,
    rung: UnixStream,
    messages: Receiver<Message>,
    /// Ports whose carrier fell under a session.
    fallen: Vec<usize>,
}

/// Whose descriptor is ready.
#[derive(Clone, Copy)]
enum Who {
    Bell,
    Presence,
    Port(usize),
    Program(CallNumber),
}

impl Worker {
    fn run(mut self) {
        loop {
            let now = self.clock.now();
            self.tend_programs(now);
            self.handle(now, Input::Time);
            let deadline = self
                .engine
                .deadline()
                .into_iter()
                .chain(self.programs.values().filter_map(Program::deadline))
                .min();
            let ready = match self.wait(deadline) {
                Ok(ready) => ready,
                Err(error) => {
                    tracing::error!(%error, "the exchange can't wait for its ports");
                    break;
                }
            };
            let mut stop = false;
            for (who, flags) in ready {
                match who {
                    Who::Bell => stop |= self.read_messages(),
                    Who::Presence => self.see_changes(),
                    Who::Port(port) => self.serve_port(port, flags),
                    Who::Program(call) => self.serve_program(call, flags),
                }
            }
            if stop {
                break;
            }
        }
        self.close();
    }

    /// Waits until something is ready or the deadline has come.
    fn wait(&self, deadline: Option<Mono>) -> io::Result<Vec<(Who, PollFlags)>> {
        let mut whose = vec![Who::Bell, Who::Presence];
        let mut fds: Vec<PollFd<'_>> = vec![
            PollFd::new(self.rung.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.presence.fd(), PollFlags::POLLIN),
        ];
        for (index, port) in self.ports.iter().enumerate() {
            if let Some(place) = &port.at {
                whose.push(Who::Port(index));
                fds.push(PollFd::new(place.pty.fd(), interest(place.pty.is_behind())));
            }
        }
        for (call, program) in &self.programs {
            if let Some(fd) = program.fd() {
                whose.push(Who::Program(*call));
                fds.push(PollFd::new(fd, interest(program.is_behind())));
            }
        }
        let timeout = deadline.map(|at| TimeSpec::from(at.since(self.clock.now())));
        match ppoll(&mut fds, timeout, None) {
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
        let ready = fds.iter().zip(whose).filter_map(|(fd, who)| {
            let flags = fd.revents().unwrap_or(PollFlags::empty());
            (!flags.is_empty()).then_some((who, flags))
        });
        Ok(ready.collect())
    }

    fn handle(&mut self, now: Mono, input: Input<'_>) {
        self.engine.handle(now, input);
        loop {
            while let Some(output) = self.engine.poll() {
                self.act(output);
            }
            let Some(port) = self.fallen.pop() else { return };
            self.hang_up_terminal(port);
            self.engine.handle(now, Input::Closed(port));
        }
    }

    /// Ends the session whose terminal a port is, as a falling carrier does on a serial line. The kernel does that for a
    /// pty only when its master goes, so the next program gets another one.
    fn hang_up_terminal(&mut self, port: usize) {
        let old = self.ports[port].at.take();
        if let Some(place) = &old {
            self.presence.unwatch(place.watch);
        }
        self.ports[port].was_open = false;
        if let Err(error) = self.ports[port].make(port, &mut self.presence) {
            self.trouble(None, &error.to_string());
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Write { port, bytes, entries } => {
                let stamp = self.stamp();
                if let Some(place) = &mut self.ports[port].at {
                    place.pty.write(&bytes);
                }
                for entry in entries {
                    self.log.add(Entry { mono_us: stamp, ..entry });
                }
            }
            Output::Signal(port, Signal::Dcd, false)
                if self.ports[port].at.as_ref().is_some_and(|place| place.pty.has_session()) =>
            {
                self.fallen.push(port);
            }
            // A pty has no modem-control lines (libraries.md S3).
            Output::Signal(..) => {}
            Output::Vanish(port) => self.ports[port].unmake(&mut self.presence),
            Output::Return(port) => {
                if let Err(error) = self.ports[port].make(port, &mut self.presence) {
                    self.trouble(None, &error.to_string());
                }
            }
            Output::Start { line, call } => self.start(line, call),
            Output::Send(call, bytes) => {
                if let Some(pty) = self.programs.get_mut(&call).and_then(Program::pty) {
                    pty.write(&bytes);
                }
            }
            Output::Stop(call) => {
                let now = self.clock.now();
                if let Some(program) = self.programs.get_mut(&call) {
                    program.hang_up(now);
                }
            }
            Output::Log(entry) => self.log.add(Entry { mono_us: self.stamp(), ..entry }),
        }
    }

    fn stamp(&self) -> u64 {
        self.clock.origin_us() + self.clock.now().as_micros()
    }

    fn trouble(&self, call: Option<CallNumber>, text: &str) {
        tracing::warn!(text, "the exchange could not do as its file says");
        let entry =
            Entry { mono_us: self.stamp(), call, text: Some(text.to_owned()), ..Entry::new(What::Trouble) };
        self.log.add(entry);
    }

    fn start(&mut self, line: usize, call: CallNumber) {
        let argv = self.engine.program(line).unwrap_or_default().to_vec();
        let bell = self.bell.clone();
        match Program::start(&argv, move || bell.tell(Message::Ended(call))) {
            Ok(program) => {
                self.programs.insert(call, program);
                self.log.add(Entry { mono_us: self.stamp(), call: Some(call), ..Entry::new(What::Started) });
            }
            Err(error) => {
                self.trouble(Some(call), &format!("`{}` could not be started: {error}", argv.join(" ")));
                // Told by the bell, since we are amid the exchange's outputs.
                self.bell.tell(Message::Ended(call));
            }
        }
    }

    fn tend_programs(&mut self, now: Mono) {
        let over: Vec<CallNumber> = self
            .programs
            .iter_mut()
            .filter_map(|(call, p)| (p.deadline().is_some() && p.is_over(now)).then_some(*call))
            .collect();
        for call in over {
            self.programs.remove(&call);
        }
    }

    fn read_messages(&mut self) -> bool {
        let mut rings = [0; 64];
        while matches!((&self.rung).read(&mut rings), Ok(n) if n > 0) {}
        let mut stop = false;
        while let Ok(message) = self.messages.try_recv() {
            match message {
                Message::Stop => stop = true,
                Message::Ended(call) => self.program_ended(call),
            }
        }
        stop
    }

    fn program_ended(&mut self, call: CallNumber) {
        // Its last words come before its end.
        self.read_program(call);
        let now = self.clock.now();
        let known = self.programs.contains_key(&call);
        if known {
            self.log.add(Entry { mono_us: self.stamp(), call: Some(call), ..Entry::new(What::Ended) });
        }
        self.handle(now, Input::FarEnded(call));
        if let Some(program) = self.programs.get_mut(&call) {
            program.hang_up(now);
            if program.is_over(now) {
                self.programs.remove(&call);
            }
        }
    }

    fn serve_program(&mut self, call: CallNumber, flags: PollFlags) {
        if flags.contains(PollFlags::POLLOUT)
            && let Some(pty) = self.programs.get_mut(&call).and_then(Program::pty)
        {
            pty.catch_up();
        }
        if flags.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR)
            && !self.read_program(call)
        {
            // All have let go of the terminal: the carrier drops, and what may be left of the program is ended.
            let now = self.clock.now();
            self.handle(now, Input::FarEnded(call));
            if let Some(program) = self.programs.get_mut(&call) {
                program.hang_up(now);
            }
        }
    }

    /// Reads what a program has said. False if its terminal is gone.
    fn read_program(&mut self, call: CallNumber) -> bool {
        let mut bytes = [0; READ_BYTES];
        loop {
            let Some(pty) = self.programs.get_mut(&call).and_then(Program::pty) else { return true };
            match pty.read(&mut bytes) {
                Ok(None) => return true,
                Ok(Some(0)) | Err(_) => return false,
                Ok(Some(n)) => {
                    let now = self.clock.now();
                    self.handle(now, Input::FarBytes(call, &bytes[..n]));
                }
            }
        }
    }

    fn serve_port(&mut self, port: usize, flags: PollFlags) {
        if flags.contains(PollFlags::POLLOUT)
            && let Some(place) = &mut self.ports[port].at
        {
            place.pty.catch_up();
        }
        let bytes = self.read_port(port);
        self.changes.extend(self.presence.changes());
        // If the port was closed and opened again meanwhile, what was read came after: an opening is always noticed before
        // what is written then. What an old program wrote last may be lost, as its call is.
        let closed = self.changes.iter().position(|c| *c == Change::Closed(port));
        if closed.is_some_and(|at| self.changes.iter().skip(at).any(|c| *c == Change::Opened(port))) {
            self.see_changes();
        }
        self.take_in(port, &bytes);
        // What was noticed by the way is not left until something else is noticed: a close that is seen only once a call
        // is under way would hang it up.
        if !self.changes.is_empty() {
            self.see_changes();
        }
    }

    /// Reads what is there, and does nothing with it yet.
    fn read_port(&mut self, port: usize) -> Vec<u8> {
        let mut all = Vec::new();
        let Some(place) = &mut self.ports[port].at else { return all };
        let mut bytes = [0; READ_BYTES];
        while all.len() < READ_BYTES_MAX
            && let Ok(Some(n @ 1..)) = place.pty.read(&mut bytes)
        {
            all.extend_from_slice(&bytes[..n]);
        }
        all
    }

    fn take_in(&mut self, port: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        // Bytes can be quicker than the news of the opening.
        self.opened(port);
        let now = self.clock.now();
        self.handle(now, Input::Bytes(port, bytes));
    }

    /// Programs have opened or closed ports.
    fn see_changes(&mut self) {
        self.changes.extend(self.presence.changes());
        while let Some(change) = self.changes.pop_front() {
            let port = change.port();
            if self.ports[port].at.is_none() {
                continue;
            }
            match change {
                Change::Opened(_) => {
                    self.ports[port].opens += 1;
                    self.opened(port);
                }
                Change::Closed(_) => self.closed(port),
            }
        }
    }

    fn opened(&mut self, port: usize) {
        if !self.ports[port].was_open {
            self.ports[port].was_open = true;
            let now = self.clock.now();
            self.handle(now, Input::Opened(port));
        }
    }

    /// A close was seen. DTR fell if nobody is left, or if by the count nobody was, before somebody opened it again.
    ///
    /// The count can be one too low if two programs opened the port within the µs that this thread takes to look: then a
    /// call is hung up too early, which is the safer error.
    fn closed(&mut self, port: usize) {
        // What was written before the close comes before it; but see `serve_port`.
        let mut later = Vec::new();
        if !self.changes.contains(&Change::Opened(port)) {
            let bytes = self.read_port(port);
            self.changes.extend(self.presence.changes());
            if self.changes.contains(&Change::Opened(port)) {
                later = bytes;
            } else {
                self.take_in(port, &bytes);
            }
        }
        let Some(elsewhere) = self.ask(port) else { return };
        let count = self.ports[port].opens.saturating_sub(1);
        let dropped = !elsewhere || count == 0;
        self.ports[port].opens = if dropped { 0 } else { count };
        if dropped && self.ports[port].was_open {
            self.ports[port].was_open = false;
            if let Some(place) = &mut self.ports[port].at
                && !elsewhere
            {
                place.pty.forget_output();
            }
            let now = self.clock.now();
            self.handle(now, Input::Closed(port));
        }
        self.take_in(port, &later);
    }

    /// Asks the pty whether anybody has it open. Our own opening and closing for that is not to be noticed, so the watch
    /// is lifted; what was noticed until then is kept.
    fn ask(&mut self, port: usize) -> Option<bool> {
        let place = self.ports[port].at.as_mut()?;
        self.presence.unwatch(place.watch);
        self.changes.extend(self.presence.changes());
        let elsewhere = place.pty.is_open_elsewhere();
        let watch = self.presence.watch(port, place.pty.path());
        match (elsewhere, watch) {
            (Ok(elsewhere), Ok(watch)) => {
                place.watch = watch;
                Some(elsewhere)
            }
            (Err(error), _) | (_, Err(error)) => {
                self.trouble(None, &format!("a port can't be watched: {error}"));
                None
            }
        }
    }

    /// Everything goes: ports, links, programs.
    fn close(mut self) {
        for port in &mut self.ports {
            port.unmake(&mut self.presence);
        }
        let begin = self.clock.now();
        for program in self.programs.values_mut() {
            program.hang_up(begin);
        }
        while !self.programs.is_empty() {
            let now = self.clock.now();
            self.programs.retain(|_, program| !program.is_over(now));
            let Some(next) = self.programs.values().filter_map(Program::deadline).min() else { break };
            if now.since(begin) > STOP_LIMIT {
                break;
            }
            // A program that ends rings the bell.
            if self.wait(Some(next)).is_err() {
                break;
            }
            let mut rings = [0; 64];
            while matches!((&self.rung).read(&mut rings), Ok(n) if n > 0) {}
        }
    }
}

fn interest(behind: bool) -> PollFlags {
    if behind { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN }
}

/// Lets the process have this many files, as far as it may (libraries.md S14).
fn raise_limit(needed: u64) {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < needed
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, needed.min(hard), hard)
    {
        tracing::warn!(%error, needed, "the limit of open files can't be raised");
    }
}
