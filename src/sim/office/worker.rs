//! The thread of an exchange: what it waits for, and who is told what came. What a port or a program then does is told
//! in the files of their subjects.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use crate::model::Mono;
use crate::modem::clock::Clock;

use super::ptys::PtyPort;
use super::{Bell, Message};
use crate::sim::exchange::{CallNumber, Engine, Input, Output};
use crate::sim::log::{Entry, Log, What};
use crate::sim::presence::{Change, Presence};
use crate::sim::program::Program;
use crate::sim::rfc2217::Server;

/// Bytes read at a time.
pub(super) const READ_BYTES: usize = 4096;
/// Bytes taken in from one port before the others have their turn.
pub(super) const READ_BYTES_MAX: usize = 64 * 1024;
/// How long ending programs are waited for when the exchange stops.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// What a port is made of.
pub(super) enum Face {
    /// A pty, without modem-control lines (libraries.md S3).
    Pty(PtyPort),
    /// A TCP port that speaks RFC 2217, with them.
    Wire(Box<Server>),
}

impl Face {
    /// It, if it is a pty.
    pub(super) fn pty(&mut self) -> Option<&mut PtyPort> {
        match self {
            Self::Pty(pty) => Some(pty),
            Self::Wire(_) => None,
        }
    }

    /// It, if it is served over RFC 2217.
    pub(super) fn wire(&mut self) -> Option<&mut Server> {
        match self {
            Self::Pty(_) => None,
            Self::Wire(server) => Some(server),
        }
    }

    fn deadline(&self) -> Option<Mono> {
        match self {
            Self::Pty(_) => None,
            Self::Wire(server) => server.deadline(),
        }
    }
}

/// All that the thread has.
pub(super) struct Worker {
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    pub(super) log: Log,
    pub(super) presence: Presence,
    /// Openings and closings of ptys that are not yet dealt with.
    pub(super) changes: VecDeque<Change>,
    pub(super) ports: Vec<Face>,
    pub(super) programs: BTreeMap<CallNumber, Program>,
    pub(super) bell: Bell,
    pub(super) rung: UnixStream,
    pub(super) messages: Receiver<Message>,
    /// Ptys whose carrier fell under a session.
    pub(super) fallen: Vec<usize>,
}

/// Whose descriptor is ready.
#[derive(Clone, Copy)]
enum Who {
    Bell,
    Presence,
    Pty(usize),
    /// Somebody wants to have an RFC 2217 port.
    Caller(usize),
    /// Who has it says something, or can take more.
    Client(usize),
    /// Somebody who was refused.
    Refused(usize),
    Program(CallNumber),
}

impl Worker {
    pub(super) fn run(mut self) {
        loop {
            let now = self.clock.now();
            self.tend_programs(now);
            self.tend_wires(now);
            self.handle(now, Input::Time);
            let deadline = self
                .engine
                .deadline()
                .into_iter()
                .chain(self.programs.values().filter_map(Program::deadline))
                .chain(self.ports.iter().filter_map(Face::deadline))
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
                    Who::Pty(port) => self.serve_pty(port, flags),
                    Who::Caller(port) => self.serve_caller(port),
                    Who::Client(port) => self.serve_client(port, flags),
                    Who::Refused(port) => self.serve_refused(port),
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
            match port {
                Face::Pty(pty) => {
                    if let Some(pty) = pty.pty() {
                        whose.push(Who::Pty(index));
                        fds.push(PollFd::new(pty.fd(), interest(pty.is_behind())));
                    }
                }
                Face::Wire(server) => {
                    if let Some(fd) = server.caller_fd() {
                        whose.push(Who::Caller(index));
                        fds.push(PollFd::new(fd, PollFlags::POLLIN));
                    }
                    if let Some((fd, flags)) = server.client_fd() {
                        whose.push(Who::Client(index));
                        fds.push(PollFd::new(fd, flags));
                    }
                    for fd in server.refused_fds() {
                        whose.push(Who::Refused(index));
                        fds.push(PollFd::new(fd, PollFlags::POLLIN));
                    }
                }
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

    /// Tells the exchange, and does what it says.
    pub(super) fn handle(&mut self, now: Mono, input: Input<'_>) {
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

    fn act(&mut self, output: Output) {
        match output {
            Output::Write { port, bytes, entries } => {
                let stamp = self.stamp();
                match &mut self.ports[port] {
                    Face::Pty(pty) => pty.write(&bytes),
                    Face::Wire(server) => server.write(&bytes),
                }
                for entry in entries {
                    self.log.add(Entry { mono_us: stamp, ..entry });
                }
            }
            Output::Signal(port, signal, level) => {
                let now = self.clock.now();
                match &mut self.ports[port] {
                    Face::Pty(pty) if pty.is_hung_up_by(signal, level) => self.fallen.push(port),
                    Face::Pty(_) => {}
                    Face::Wire(server) => server.set(now, signal, level),
                }
            }
            Output::Vanish(port) => match &mut self.ports[port] {
                Face::Pty(pty) => pty.unmake(&mut self.presence),
                Face::Wire(server) => server.vanish(),
            },
            Output::Return(port) => match &mut self.ports[port] {
                Face::Pty(_) => self.remake(port),
                Face::Wire(server) => server.come_back(),
            },
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

    /// CLOCK_MONOTONIC in µs.
    pub(super) fn stamp(&self) -> u64 {
        self.clock.origin_us() + self.clock.now().as_micros()
    }

    /// Tells of what could not be done as the file says.
    pub(super) fn trouble(&self, call: Option<CallNumber>, text: &str) {
        tracing::warn!(text, "the exchange could not do as its file says");
        let entry =
            Entry { mono_us: self.stamp(), call, text: Some(text.to_owned()), ..Entry::new(What::Trouble) };
        self.log.add(entry);
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

    /// Everything goes: ports, links, programs.
    fn close(mut self) {
        for port in &mut self.ports {
            match port {
                Face::Pty(pty) => pty.unmake(&mut self.presence),
                Face::Wire(server) => server.close(),
            }
        }
        // Whoever still calls gets no answer, and must not keep us from waiting.
        self.ports.clear();
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
