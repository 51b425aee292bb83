//! A serial port where there are no ttys: Windows' COM ports. Compiled there alone.
//!
//! What it lacks against `serial`: the system keeps other programs out by itself, so there are no lock files and no
//! owner to name; modem-control lines can't be waited for, so they are read now and then, and only while a call waits.

use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_serial::{
    ClearBuffer, DataBits, FlowControl, Parity, SerialPort as _, SerialPortBuilderExt, SerialStream, StopBits,
};

use super::{PortError, PortEvent, PortOptions, REOPEN_PAUSE_LINES};
use crate::model::Mono;
use crate::modem::clock::Clock;
use crate::modem::machine::{PortFacts, Signal};

/// Most bytes that one read takes.
const READ_BYTES_MAX: usize = 4096;

/// How often the modem-control lines are read while a call waits. On USB each reading is a transfer.
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Lines that are told.
const SIGNALS: [Signal; 3] = [Signal::Dcd, Signal::Dsr, Signal::Ri];

/// A COM port, open or (after a failed reopening) closed.
#[derive(Debug)]
pub(super) struct SerialPort {
    path: PathBuf,
    options: PortOptions,
    clock: Clock,
    facts: PortFacts,
    buffer: Box<[u8]>,
    stream: Option<SerialStream>,
    told_closed: bool,
    /// When the lines are read next; absent while no call waits, or where there are none.
    poll_at: Option<Instant>,
    /// The lines as told so far, in the order of [`SIGNALS`].
    known: [bool; 3],
}

impl SerialPort {
    pub(super) async fn open(path: &Path, options: &PortOptions, clock: Clock) -> Result<Self, PortError> {
        let (stream, facts) = open_off_thread(path, options).await?;
        let mut port = Self {
            path: path.to_owned(),
            options: options.clone(),
            clock,
            facts,
            buffer: vec![0; READ_BYTES_MAX].into_boxed_slice(),
            stream: Some(stream),
            told_closed: false,
            poll_at: None,
            known: [false; 3],
        };
        port.known = SIGNALS.map(|signal| port.level(signal).unwrap_or(false));
        Ok(port)
    }

    pub(super) const fn facts(&self) -> PortFacts {
        self.facts
    }

    /// There are none here.
    #[expect(clippy::unused_self, reason = "the face of the other systems' port")]
    pub(super) const fn is_pty(&self) -> bool {
        false
    }

    pub(super) fn path(&self) -> String {
        name(&self.path)
    }

    pub(super) async fn next(&mut self) -> PortEvent {
        loop {
            let Some(stream) = self.stream.as_mut().filter(|_| !self.told_closed) else {
                if self.told_closed {
                    pending::<()>().await;
                }
                self.told_closed = true;
                return PortEvent::Closed("it is closed".to_owned());
            };
            let end = tokio::select! {
                biased;
                read = stream.read(&mut self.buffer) => {
                    let at = self.clock.now();
                    match read {
                        Ok(0) => "the adapter is gone".to_owned(),
                        Ok(length) => return PortEvent::Bytes(self.buffer[..length].to_vec(), at),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Err(error) => error.to_string(),
                    }
                }
                () = until(self.poll_at) => {
                    if let Some(edge) = self.edge() {
                        return edge;
                    }
                    self.poll_at = Some(self.clock.instant(self.clock.now() + POLL_EVERY));
                    continue;
                }
            };
            self.told_closed = true;
            return PortEvent::Closed(end);
        }
    }

    /// The first line that stands otherwise than told; the others are found at once by the next look.
    fn edge(&mut self) -> Option<PortEvent> {
        let at = self.clock.now();
        let levels = SIGNALS.map(|signal| self.level(signal));
        let changed =
            levels.iter().zip(&self.known).position(|(now, was)| now.is_some_and(|now| now != *was))?;
        let (signal, level) = (SIGNALS.get(changed)?, (*levels.get(changed)?)?);
        *self.known.get_mut(changed)? = level;
        Some(PortEvent::Signal(*signal, level, at))
    }

    pub(super) async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<Mono, PortError> {
        let path = name(&self.path);
        let lost = |detail: String| PortError::Lost { path: path.clone(), detail };
        let Some(stream) = self.stream.as_mut().filter(|_| !self.told_closed) else {
            return Err(lost("it is closed".to_owned()));
        };
        let mut written = 0;
        let all = async {
            while written < bytes.len() {
                match stream.write(&bytes[written..]).await {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(length) => written += length,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(self.clock.now())
        };
        if let Ok(done) = timeout(limit, all).await {
            return done.map_err(|error| lost(error.to_string()));
        }
        // It must not go out when nobody reckons with it any more: it could be a dial command.
        let _ = stream.clear(ClearBuffer::Output);
        Err(PortError::Stalled { path, written, length: bytes.len(), limit })
    }

    pub(super) fn dtr(&mut self, up: bool) -> Result<(), PortError> {
        let path = name(&self.path);
        match self.stream.as_mut() {
            None => Err(PortError::Lost { path, detail: "it is closed".to_owned() }),
            Some(_) if !self.facts.has_signals => Ok(()),
            Some(stream) => stream
                .write_data_terminal_ready(up)
                .map_err(|error| PortError::Lost { path, detail: error.to_string() }),
        }
    }

    pub(super) fn level(&mut self, signal: Signal) -> Option<bool> {
        let stream = self.stream.as_mut().filter(|_| self.facts.has_signals)?;
        level(stream, signal)
    }

    pub(super) fn drain_input(&mut self) -> Result<(), PortError> {
        let path = name(&self.path);
        let Some(stream) = self.stream.as_ref().filter(|_| !self.told_closed) else {
            return Err(PortError::Lost { path, detail: "it is closed".to_owned() });
        };
        stream.clear(ClearBuffer::Input).map_err(|error| PortError::Lost { path, detail: error.to_string() })
    }

    pub(super) fn watch(&mut self, on: bool) {
        self.poll_at = (on && self.facts.has_signals).then(|| self.clock.instant(self.clock.now()));
    }

    pub(super) async fn reopen(&mut self, limit: Duration) -> Result<(), PortError> {
        let watching = self.poll_at.is_some();
        if let Some(stream) = self.stream.take() {
            shut(stream).await;
        }
        let again = async {
            sleep(REOPEN_PAUSE_LINES).await;
            open_off_thread(&self.path, &self.options).await
        };
        let opened = timeout(limit, again).await;
        let late = |_| PortError::Timeout { path: name(&self.path), limit };
        let (stream, facts) = opened.map_err(late)?.map_err(|error| match error {
            PortError::Missing { path } => {
                PortError::Lost { path, detail: "it does not exist any more".to_owned() }
            }
            other => other,
        })?;
        (self.stream, self.facts, self.told_closed) = (Some(stream), facts, false);
        self.watch(watching);
        Ok(())
    }

    pub(super) async fn close(mut self) {
        if let Some(stream) = self.stream.take() {
            shut(stream).await;
        }
    }
}

/// Hangs up and closes, off this thread since it may block.
async fn shut(mut stream: SerialStream) {
    // A panic in it has nothing left to spoil.
    let _ = tokio::task::spawn_blocking(move || {
        let _ = stream.write_data_terminal_ready(false);
        let _ = stream.clear(ClearBuffer::Output);
        drop(stream);
    })
    .await;
}

fn level(stream: &mut SerialStream, signal: Signal) -> Option<bool> {
    match signal {
        Signal::Dcd => stream.read_carrier_detect(),
        Signal::Dsr => stream.read_data_set_ready(),
        Signal::Ri => stream.read_ring_indicator(),
    }
    .ok()
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

async fn open_off_thread(path: &Path, options: &PortOptions) -> Result<(SerialStream, PortFacts), PortError> {
    let (shown, path, options) = (name(path), path.to_owned(), options.clone());
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _inside = runtime.enter();
        open_com(&path, &options)
    })
    .await
    .unwrap_or_else(|error| Err(PortError::Open { path: shown, source: io::Error::other(error) }))
}

fn open_com(path: &Path, options: &PortOptions) -> Result<(SerialStream, PortFacts), PortError> {
    let failed = |error: tokio_serial::Error| refusal(path, error.into());
    let flow = if options.rtscts { FlowControl::Hardware } else { FlowControl::None };
    let mut stream = tokio_serial::new(path.to_string_lossy(), options.baud)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(flow)
        .open_native_async()
        .map_err(failed)?;
    stream.write_data_terminal_ready(true).map_err(failed)?;
    stream.clear(ClearBuffer::All).map_err(failed)?;
    let dcd = level(&mut stream, Signal::Dcd);
    let facts =
        PortFacts { has_signals: dcd.is_some(), dcd_at_open: dcd.unwrap_or(false), ..PortFacts::default() };
    Ok((stream, facts))
}

fn refusal(path: &Path, error: io::Error) -> PortError {
    let path = name(path);
    match error.kind() {
        io::ErrorKind::NotFound => PortError::Missing { path },
        // The system's word for a port that another program holds.
        io::ErrorKind::PermissionDenied => PortError::Busy { path, owner: None },
        _ => PortError::Open { path, source: error },
    }
}
