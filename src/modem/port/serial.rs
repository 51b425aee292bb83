//! A port that is a tty: a serial line, or a pty.
//!
//! It lives with what ttys do (libraries.md S1 to S16): nothing here flushes or shuts the stream down, which would
//! block; a read of nothing is the end; every write has a limit; real ports are closed off the async threads, since
//! the kernel may wait for output there.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::future::pending;
use std::io::{self, IsTerminal};
#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc;
#[cfg(target_os = "linux")]
use nix::sys::stat::major;
use nix::sys::termios::{ControlFlags, SetArg, tcgetattr, tcsetattr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_serial::{
    ClearBuffer, DataBits, FlowControl, Parity, SerialPort as _, SerialPortBuilderExt, SerialStream, StopBits,
};

use super::lock::{Held, LockFile, flock_owner};
use super::signals::{Lines, Watch, fd_of};
use super::{PortError, PortEvent, PortOptions, REOPEN_PAUSE_DATA, REOPEN_PAUSE_LINES};
use crate::model::Mono;
use crate::modem::clock::Clock;
use crate::modem::machine::{PortFacts, Signal};

/// Most bytes that one read takes: what a tty holds.
const READ_BYTES_MAX: usize = 4096;

/// Most bytes that are read away after the kernel's own flush, which leaves what is still on its way inside it. A
/// port that sends more without a pause is flooding, and no draining would help.
const DRAIN_BYTES_MAX: usize = 64 * 1024;

/// How far a port's speed may be from what was asked before it is told, in percent: what a UART can bear.
const BAUD_DIFFERENCE_MAX_PERCENT: u64 = 3;

/// Bounds of one wait for output to leave the driver.
const OUTPUT_WAIT_MIN: Duration = Duration::from_millis(1);
const OUTPUT_WAIT_MAX: Duration = Duration::from_millis(50);

/// Bits on the wire for a byte: start, 8 data, stop.
const BITS_PER_BYTE: u64 = 10;

/// Majors of ptys: Unix98 slaves, and the slaves of old BSD ones (the kernel's devices.txt).
#[cfg(target_os = "linux")]
const PTY_MAJORS: std::ops::RangeInclusive<u64> = 136..=143;
#[cfg(target_os = "linux")]
const PTY_MAJOR_BSD: u64 = 3;

/// What a read of nothing, or EIO, says of a tty.
const HUNG_UP: &str = "the other side hung up, or the adapter is gone";

/// A tty, open or (after a failed reopening) closed, and its lock file.
#[derive(Debug)]
pub(super) struct SerialPort {
    path: PathBuf,
    options: PortOptions,
    clock: Clock,
    facts: PortFacts,
    buffer: Box<[u8]>,
    told_closed: bool,
    watching: bool,
    tty: Option<Tty>,
    /// After `tty`, so that it is let go last.
    lock: Option<Locked>,
}

/// The lock file, and of which real path.
#[derive(Debug)]
struct Locked {
    real_path: PathBuf,
    _file: LockFile,
}

/// An open tty.
#[derive(Debug)]
struct Tty {
    stream: SerialStream,
    is_pty: bool,
    lines: Option<Lines>,
    /// Where there are lines to watch.
    watch: Option<Watch>,
}

impl SerialPort {
    pub(super) async fn open(path: &Path, options: &PortOptions, clock: Clock) -> Result<Self, PortError> {
        let (tty, lock) = open_off_thread(path.to_owned(), options.clone(), clock, None).await?;
        tty.tell_oddities(&name(path), options);
        Ok(Self {
            path: path.to_owned(),
            options: options.clone(),
            clock,
            facts: tty.facts(),
            buffer: vec![0; READ_BYTES_MAX].into_boxed_slice(),
            told_closed: false,
            watching: false,
            tty: Some(tty),
            lock,
        })
    }

    pub(super) const fn facts(&self) -> PortFacts {
        self.facts
    }

    pub(super) fn is_pty(&self) -> bool {
        self.tty.as_ref().is_some_and(|tty| tty.is_pty)
    }

    pub(super) fn path(&self) -> String {
        name(&self.path)
    }

    pub(super) async fn next(&mut self) -> PortEvent {
        let Some(tty) = self.tty.as_mut().filter(|_| !self.told_closed) else {
            if self.told_closed {
                pending::<()>().await;
            }
            self.told_closed = true;
            return PortEvent::Closed("it is closed".to_owned());
        };
        let end = loop {
            tokio::select! {
                biased;
                edge = edge_of(&mut tty.watch) => return PortEvent::Signal(edge.signal, edge.level, edge.at),
                read = tty.stream.read(&mut self.buffer) => {
                    let at = self.clock.now();
                    match read {
                        Ok(0) => break HUNG_UP.to_owned(),
                        Ok(length) => return PortEvent::Bytes(self.buffer[..length].to_vec(), at),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) if error.raw_os_error() == Some(libc::EIO) => break HUNG_UP.to_owned(),
                        Err(error) => break error.to_string(),
                    }
                }
            }
        };
        self.told_closed = true;
        PortEvent::Closed(end)
    }

    pub(super) async fn write(&mut self, bytes: &[u8], limit: Duration) -> Result<Mono, PortError> {
        let lost = |detail: String| PortError::Lost { path: name(&self.path), detail };
        let Some(tty) = self.tty.as_mut().filter(|_| !self.told_closed) else {
            return Err(lost("it is closed".to_owned()));
        };
        let baud = self.options.baud;
        let mut written = 0;
        let all = async {
            while written < bytes.len() {
                // Tried before it is waited for: the room that a flush makes wakes nobody on a pty.
                let done = match tty.stream.try_write(&bytes[written..]) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        tty.stream.write(&bytes[written..]).await
                    }
                    done => done,
                };
                match done {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(length) => written += length,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            // A pty's other side has it now. A driver still has to send it.
            while let Some(wait) = tty.output_wait(baud) {
                sleep(wait).await;
            }
            Ok(self.clock.now())
        };
        if let Ok(done) = timeout(limit, all).await {
            return done.map_err(|error| lost(error.to_string()));
        }
        // It must not go out when nobody reckons with it any more: it could be a dial command.
        let _ = tty.stream.clear(ClearBuffer::Output);
        Err(PortError::Stalled { path: name(&self.path), written, length: bytes.len(), limit })
    }

    pub(super) fn dtr(&mut self, up: bool) -> Result<(), PortError> {
        let path = name(&self.path);
        let Some(tty) = self.tty.as_mut() else {
            return Err(PortError::Lost { path, detail: "it is closed".to_owned() });
        };
        if !self.facts.has_signals {
            return Ok(());
        }
        tty.stream
            .write_data_terminal_ready(up)
            .map_err(|error| PortError::Lost { path, detail: error.to_string() })
    }

    pub(super) fn level(&self, signal: Signal) -> Option<bool> {
        let tty = self.tty.as_ref().filter(|_| self.facts.has_signals)?;
        Lines::read(fd_of(&tty.stream)).ok().map(|lines| lines.level(signal))
    }

    pub(super) fn drain_input(&mut self) -> Result<(), PortError> {
        let path = name(&self.path);
        let lost = |detail: String| PortError::Lost { path, detail };
        let Some(tty) = self.tty.as_mut().filter(|_| !self.told_closed) else {
            return Err(lost("it is closed".to_owned()));
        };
        drain(&mut tty.stream, &mut self.buffer).map_err(|error| lost(error.to_string()))
    }

    pub(super) fn watch(&mut self, on: bool) {
        self.watching = on;
        if let Some(watch) = self.tty.as_mut().and_then(|tty| tty.watch.as_mut()) {
            watch.watch(on);
        }
    }

    pub(super) async fn reopen(&mut self, limit: Duration) -> Result<(), PortError> {
        let late = |_| PortError::Timeout { path: name(&self.path), limit };
        let pause = if self.facts.has_signals { REOPEN_PAUSE_LINES } else { REOPEN_PAUSE_DATA };
        let tty = self.tty.take();
        let again = async {
            if let Some(tty) = tty {
                tty.close().await;
            }
            sleep(pause).await;
            let locked = self.lock.as_ref().map(|lock| lock.real_path.clone());
            open_off_thread(self.path.clone(), self.options.clone(), self.clock, locked).await
        };
        let (tty, lock) = timeout(limit, again).await.map_err(late)?.map_err(|error| match error {
            PortError::Missing { path } => {
                PortError::Lost { path, detail: "it does not exist any more".to_owned() }
            }
            PortError::Open { path, source } => PortError::Lost { path, detail: source.to_string() },
            other => other,
        })?;
        if lock.is_some() {
            // The path leads elsewhere now, as when an adapter comes back under another name.
            self.lock = lock;
        }
        self.facts = tty.facts();
        self.tty = Some(tty);
        self.told_closed = false;
        self.watch(self.watching);
        Ok(())
    }

    pub(super) async fn close(mut self) {
        if let Some(tty) = self.tty.take() {
            tty.close().await;
        }
    }
}

#[cfg(test)]
impl SerialPort {
    /// Bytes that came in and were not read.
    pub(super) fn queued(&self) -> u32 {
        self.tty.as_ref().map_or(0, |tty| tty.stream.bytes_to_read().unwrap_or(0))
    }

    pub(super) fn baud_now(&self) -> Option<u32> {
        self.tty.as_ref()?.stream.baud_rate().ok()
    }
}

async fn edge_of(watch: &mut Option<Watch>) -> super::signals::Edge {
    match watch {
        Some(watch) => watch.next().await,
        None => pending().await,
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

impl Drop for SerialPort {
    fn drop(&mut self) {
        let Some(tty) = self.tty.take() else { return };
        let lock = self.lock.take();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !tty.is_pty => {
                runtime.spawn_blocking(move || {
                    tty.shut();
                    drop(lock);
                });
            }
            _ => tty.shut(),
        }
    }
}

impl Tty {
    fn facts(&self) -> PortFacts {
        PortFacts {
            has_signals: self.lines.is_some(),
            dcd_at_open: self.lines.is_some_and(|lines| lines.dcd),
            ..PortFacts::BARE
        }
    }

    /// How long to wait before looking again whether all output is gone; `None` if it is, or can't be known.
    fn output_wait(&self, baud: u32) -> Option<Duration> {
        if self.is_pty {
            return None;
        }
        let left = self.stream.bytes_to_write().ok().filter(|&bytes| bytes > 0)?;
        let micros = u64::from(left) * BITS_PER_BYTE * 1_000_000 / u64::from(baud.max(1));
        Some(Duration::from_micros(micros).clamp(OUTPUT_WAIT_MIN, OUTPUT_WAIT_MAX))
    }

    /// Tells what a user should know of a real port that is open now.
    fn tell_oddities(&self, path: &str, options: &PortOptions) {
        if self.is_pty {
            return;
        }
        let asked = Settings::asked(options);
        match Settings::of(&self.stream) {
            Ok(got) => {
                for difference in asked.differences(&got) {
                    tracing::warn!(port = path, "the port did not take a setting: {difference}");
                }
            }
            Err(error) => tracing::warn!(port = path, %error, "the port's settings can't be read back"),
        }
        if options.rtscts && self.lines.is_some_and(|lines| !lines.cts) {
            tracing::warn!(
                port = path,
                "CTS is low: is the modem off, or the cable without it? nothing can be sent"
            );
        }
    }

    /// Closes it, off this thread where that may block.
    async fn close(self) {
        if self.is_pty {
            self.shut();
        } else {
            // It can't be cancelled once it has begun, and a panic in it has nothing left to spoil.
            let _ = tokio::task::spawn_blocking(move || self.shut()).await;
        }
    }

    /// Closes it here. On a real port this may block.
    fn shut(mut self) {
        if let Some(watch) = self.watch.take() {
            watch.end();
        }
        if !self.is_pty {
            // HUPCL does it too, but not if another process has the port open, or our thread could not be ended.
            if self.lines.is_some() {
                let _ = self.stream.write_data_terminal_ready(false);
            }
            // Else the close waits for output that a modem with a low CTS never takes.
            let _ = self.stream.clear(ClearBuffer::Output);
        }
        // Closing alone would leave the lock for as long as a child of ours, forked at this moment, has not come to
        // its exec.
        if let Ok(same) = fd_of(&self.stream).try_clone_to_owned() {
            let _ = File::from(same).unlock();
        }
    }
}

/// Throws away what came in. What is still on its way inside the kernel is read away after the flush.
fn drain(stream: &mut SerialStream, buffer: &mut [u8]) -> io::Result<()> {
    stream.clear(ClearBuffer::Input)?;
    let mut drained = 0;
    while drained < DRAIN_BYTES_MAX {
        match stream.try_read(buffer) {
            // The end is told by the next read that waits.
            Ok(0) => break,
            Ok(length) => drained += length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn open_off_thread(
    path: PathBuf,
    options: PortOptions,
    clock: Clock,
    locked: Option<PathBuf>,
) -> Result<(Tty, Option<Locked>), PortError> {
    let shown = name(&path);
    tokio::task::spawn_blocking(move || open_tty(&path, &options, clock, locked.as_deref()))
        .await
        .unwrap_or_else(|error| Err(PortError::Open { path: shown, source: io::Error::other(error) }))
}

/// Opens and locks a tty. `locked` is the real path whose lock file is ours already; a lock is given back only if
/// another one had to be taken.
fn open_tty(
    path: &Path,
    options: &PortOptions,
    clock: Clock,
    locked: Option<&Path>,
) -> Result<(Tty, Option<Locked>), PortError> {
    let refused = |error: io::Error| refusal(path, error);
    let failed = |error: tokio_serial::Error| refusal(path, error.into());
    let busy = |owner| PortError::Busy { path: name(path), owner };

    // Programs lock by the name of the tty itself, never by a link to it (modems.md 8).
    let real_path = fs::canonicalize(path).map_err(refused)?;
    let meta = fs::metadata(&real_path).map_err(refused)?;
    if !meta.file_type().is_char_device() {
        return Err(PortError::NotATty { path: name(path) });
    }
    let is_pty = is_pty(&real_path, &meta);
    let lock = if locked == Some(real_path.as_path()) {
        None
    } else {
        let file = LockFile::take(&options.lock_dir, &real_path).map_err(|Held { owner }| busy(owner))?;
        Some(Locked { real_path: real_path.clone(), _file: file })
    };

    // Opened by ourselves first: `serialport` loses the errno, and would set TIOCEXCL, and take it off again, on a
    // port that another program holds.
    let probe = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(&real_path)
        .map_err(refused)?;
    if !probe.is_terminal() {
        return Err(PortError::NotATty { path: name(path) });
    }
    let not_ours = |tty: &File, error| match error {
        TryLockError::WouldBlock => busy(flock_owner(tty)),
        TryLockError::Error(error) => refused(error),
    };
    probe.try_lock().map_err(|error| not_ours(&probe, error))?;
    // Shared while there are two descriptors, so that nobody comes between.
    probe.try_lock_shared().map_err(|error| not_ours(&probe, error))?;
    let flow = if options.rtscts && !is_pty { FlowControl::Hardware } else { FlowControl::None };
    let mut stream = tokio_serial::new(real_path.to_string_lossy(), options.baud)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(flow)
        .exclusive(false)
        .open_native_async()
        .map_err(failed)?;
    // Unlocked, not just closed: see `Tty::shut`.
    probe.unlock().map_err(refused)?;
    drop(probe);
    let same = File::from(fd_of(&stream).try_clone_to_owned().map_err(refused)?);
    same.try_lock().map_err(|error| not_ours(&same, error))?;
    drop(same);
    if !is_pty {
        // On a pty it would stick for as long as the other side lives (libraries.md S9).
        stream.set_exclusive(true).map_err(failed)?;
    }

    hang_up_on_close(&stream).map_err(refused)?;
    let lines = Lines::read(fd_of(&stream)).ok();
    let watch = lines.map(|lines| Watch::start(fd_of(&stream), lines, clock)).transpose().map_err(refused)?;
    drain(&mut stream, &mut vec![0; READ_BYTES_MAX]).map_err(refused)?;
    Ok((Tty { stream, is_pty, lines, watch }, lock))
}

/// Whether a tty is a pty, by its kind of driver.
#[cfg(target_os = "linux")]
fn is_pty(_path: &Path, meta: &fs::Metadata) -> bool {
    PTY_MAJORS.contains(&major(meta.rdev())) || major(meta.rdev()) == PTY_MAJOR_BSD
}

/// Whether a tty is a pty, by its name: majors are every system's own.
#[cfg(not(target_os = "linux"))]
fn is_pty(path: &Path, _meta: &fs::Metadata) -> bool {
    path.starts_with("/dev/pts") || path.to_string_lossy().starts_with("/dev/ttys")
}

/// Sets HUPCL, so that even a killed program hangs up.
fn hang_up_on_close(stream: &SerialStream) -> io::Result<()> {
    let fd = fd_of(stream);
    let mut settings = tcgetattr(fd)?;
    settings.control_flags |= ControlFlags::HUPCL;
    Ok(tcsetattr(fd, SetArg::TCSANOW, &settings)?)
}

fn refusal(path: &Path, error: io::Error) -> PortError {
    let path = name(path);
    match error.kind() {
        io::ErrorKind::NotFound => PortError::Missing { path },
        io::ErrorKind::PermissionDenied => PortError::Denied { path },
        io::ErrorKind::ResourceBusy => PortError::Busy { path, owner: None },
        _ => PortError::Open { path, source: error },
    }
}

/// The settings that are asked of a port and read back.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    baud: u32,
    data_bits: DataBits,
    parity: Parity,
    stop_bits: StopBits,
    flow: FlowControl,
}

impl Settings {
    fn asked(options: &PortOptions) -> Self {
        Self {
            baud: options.baud,
            data_bits: DataBits::Eight,
            parity: Parity::None,
            stop_bits: StopBits::One,
            flow: if options.rtscts { FlowControl::Hardware } else { FlowControl::None },
        }
    }

    fn of(stream: &SerialStream) -> tokio_serial::Result<Self> {
        Ok(Self {
            baud: stream.baud_rate()?,
            data_bits: stream.data_bits()?,
            parity: stream.parity()?,
            stop_bits: stream.stop_bits()?,
            flow: stream.flow_control()?,
        })
    }

    /// What of `self` the port did not take, as sentences.
    fn differences(&self, got: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let off = u64::from(self.baud.abs_diff(got.baud));
        if off * 100 > u64::from(self.baud) * BAUD_DIFFERENCE_MAX_PERCENT {
            found.push(format!("speed {} instead of {} bit/s", got.baud, self.baud));
        }
        let mut differ = |what: &str, asked: String, got: String| {
            if asked != got {
                found.push(format!("{what} {got} instead of {asked}"));
            }
        };
        differ("data bits", self.data_bits.to_string(), got.data_bits.to_string());
        differ("parity", self.parity.to_string(), got.parity.to_string());
        differ("stop bits", self.stop_bits.to_string(), got.stop_bits.to_string());
        differ("flow control", self.flow.to_string(), got.flow.to_string());
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_a_port_did_not_take_are_told() {
        let asked = Settings::asked(&PortOptions::default());
        assert_eq!(asked.differences(&asked), Vec::<String>::new());
        let near = Settings { baud: 117_000, ..asked.clone() };
        assert_eq!(asked.differences(&near), Vec::<String>::new(), "a UART's rounding is no difference");
        let far = Settings { baud: 9600, parity: Parity::Even, flow: FlowControl::None, ..asked.clone() };
        assert_eq!(asked.differences(&far).len(), 3);
        assert_eq!(asked.differences(&far)[0], "speed 9600 instead of 115200 bit/s");
    }
}
