//! Modem-control lines: reading them, and waiting for their edges.
//!
//! The kernel tells an edge only to a thread that sits in TIOCMIWAIT, and nothing but a signal gets a thread out of
//! there. So each open port with lines has a thread of its own, which stamps an edge the moment the call returns, and
//! is ended by a signal whose handler does nothing. Drivers without TIOCMIWAIT are polled, and only while a call waits.
#![allow(
    unsafe_code,
    reason = "the ioctls of modem-control lines and the ending of a blocked thread have no safe form"
)]

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, mem, ptr};

use nix::errno::Errno;
use nix::libc;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_serial::SerialStream;

use crate::model::Mono;
use crate::modem::clock::Clock;
use crate::modem::machine::Signal;

/// How often the lines of a driver without TIOCMIWAIT are read while a call waits. On USB each reading is a transfer,
/// so not more often (libraries.md S7).
const POLL_EVERY: Duration = Duration::from_millis(100);

/// After an edge the lines are read once more, this much later: an edge that comes in the few microseconds between
/// reading the lines and waiting again is not told by the kernel, and edges come in groups.
const SECOND_LOOK_AFTER: Duration = Duration::from_millis(20);

/// How long a thread is given to end, and how often it is told to.
const END_TRIES_MAX: u32 = 250;
const END_TRY_EVERY: Duration = Duration::from_millis(2);

/// Returns without an edge, in a row, after which a driver's TIOCMIWAIT is held to be broken. CTS and counters of
/// other lines may wake us now and then, never so often.
const VAIN_RETURNS_MAX: u32 = 64;

/// Edges that wait to be taken. A call takes them at once; a line that chatters blocks its thread and loses nothing
/// but the stamps in between.
const EDGES_MAX: usize = 64;

/// The lines that are watched.
#[cfg(target_os = "linux")]
const WATCHED: libc::c_int = libc::TIOCM_CD | libc::TIOCM_DSR | libc::TIOCM_RNG;

nix::ioctl_read_bad!(tiocmget, libc::TIOCMGET, libc::c_int);
#[cfg(target_os = "linux")]
nix::ioctl_write_int_bad!(tiocmiwait, libc::TIOCMIWAIT);
#[cfg(target_os = "linux")]
nix::ioctl_read_bad!(tiocgicount, libc::TIOCGICOUNT, RawCounts);

/// `struct serial_icounter_struct` of the kernel's ABI.
#[cfg(target_os = "linux")]
#[repr(C)]
#[derive(Default)]
struct RawCounts {
    cts: libc::c_int,
    dsr: libc::c_int,
    rng: libc::c_int,
    dcd: libc::c_int,
    rest: [libc::c_int; 16],
}

/// The file descriptor of an open port, which its stream doesn't lend in a safe form.
pub(super) fn fd_of(stream: &SerialStream) -> BorrowedFd<'_> {
    // SAFETY: the descriptor is open as long as the stream lives, and the borrow lives no longer than the stream.
    unsafe { BorrowedFd::borrow_raw(stream.as_raw_fd()) }
}

/// The levels of the lines that come to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lines {
    pub(super) dcd: bool,
    pub(super) dsr: bool,
    pub(super) ri: bool,
    pub(super) cts: bool,
}

impl Lines {
    /// Reads them. ENOTTY: the port has none.
    pub(super) fn read(fd: BorrowedFd<'_>) -> Result<Self, Errno> {
        let mut bits: libc::c_int = 0;
        // SAFETY: the kernel writes one int, and `bits` is one.
        unsafe { tiocmget(fd.as_raw_fd(), &raw mut bits) }?;
        Ok(Self {
            dcd: bits & libc::TIOCM_CD != 0,
            dsr: bits & libc::TIOCM_DSR != 0,
            ri: bits & libc::TIOCM_RNG != 0,
            cts: bits & libc::TIOCM_CTS != 0,
        })
    }

    /// The level of one.
    pub(super) const fn level(self, signal: Signal) -> bool {
        match signal {
            Signal::Dcd => self.dcd,
            Signal::Dsr => self.dsr,
            Signal::Ri => self.ri,
        }
    }

    fn set(&mut self, signal: Signal, level: bool) {
        match signal {
            Signal::Dcd => self.dcd = level,
            Signal::Dsr => self.dsr = level,
            Signal::Ri => self.ri = level,
        }
    }
}

/// How often lines changed since the driver was loaded. For RI one edge of the two is counted, for the others both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    dcd: i32,
    dsr: i32,
    ri: i32,
}

#[cfg(not(target_os = "linux"))]
impl Counts {
    /// Only Linux counts.
    const fn read(_fd: BorrowedFd<'_>) -> Option<Self> {
        None
    }
}

#[cfg(target_os = "linux")]
impl Counts {
    fn read(fd: BorrowedFd<'_>) -> Option<Self> {
        let mut raw = RawCounts::default();
        // SAFETY: the kernel writes one `serial_icounter_struct`, which `RawCounts` is, field by field.
        unsafe { tiocgicount(fd.as_raw_fd(), &raw mut raw) }.ok()?;
        Some(Self { dcd: raw.dcd, dsr: raw.dsr, ri: raw.rng })
    }
}

/// What one look at the lines shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Look {
    lines: Lines,
    counts: Option<Counts>,
}

impl Look {
    fn take(fd: BorrowedFd<'_>) -> Result<Self, Errno> {
        // The lines first: an edge between the two is then counted too early, which `edges` knows, and never too late.
        let lines = Lines::read(fd)?;
        Ok(Self { lines, counts: Counts::read(fd) })
    }
}

/// The edges between two looks, by line. Where the counters show that a line went and came back, both edges are told.
fn edges(before: Look, after: Look) -> Vec<(Signal, bool)> {
    let mut found = Vec::new();
    for signal in [Signal::Dcd, Signal::Dsr, Signal::Ri] {
        let (was, is) = (before.lines.level(signal), after.lines.level(signal));
        if was != is {
            found.push((signal, is));
            continue;
        }
        let moved = match (before.counts, after.counts) {
            (Some(before), Some(after)) => match signal {
                Signal::Dcd => after.dcd.wrapping_sub(before.dcd),
                Signal::Dsr => after.dsr.wrapping_sub(before.dsr),
                Signal::Ri => after.ri.wrapping_sub(before.ri),
            },
            _ => 0,
        };
        // One count alone, on a line that counts both edges, is an edge whose level the other look has shown or will.
        let back_and_forth = if signal == Signal::Ri { moved >= 1 && !is } else { moved >= 2 };
        if back_and_forth {
            found.extend([(signal, !is), (signal, is)]);
        }
    }
    found
}

/// An edge of a modem-control line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) signal: Signal,
    pub(super) level: bool,
    pub(super) at: Mono,
}

/// What a thread tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Edge(Edge),
    /// The driver can't wait for edges.
    CannotWait,
}

/// Reads the lines.
type LookFn = Arc<dyn Fn() -> Result<Look, Errno> + Send + Sync>;

/// Blocks until a line may have changed; EINTR when a signal came.
type WaitFn = Box<dyn FnMut() -> Result<(), Errno> + Send>;

/// Waits in the driver.
#[cfg(target_os = "linux")]
fn wait_on(fd: Arc<OwnedFd>) -> WaitFn {
    // SAFETY: TIOCMIWAIT takes its argument by value, and the closure holds the descriptor open.
    Box::new(move || unsafe { tiocmiwait(fd.as_raw_fd(), WATCHED) }.map(drop))
}

/// Only Linux can wait in the driver; elsewhere the lines are polled during calls.
#[cfg(not(target_os = "linux"))]
fn wait_on(_fd: Arc<OwnedFd>) -> WaitFn {
    Box::new(|| Err(Errno::ENOTTY))
}

/// The lines of an open port, watched.
pub(super) struct Watch {
    look: LookFn,
    clock: Clock,
    /// As told so far.
    known: Lines,
    on: bool,
    source: Source,
    second_look: Option<Instant>,
}

#[derive(Debug)]
enum Source {
    /// A thread waits.
    Thread(Waiter),
    /// We look now and then.
    Poll(Poll),
    /// The lines can't be read any more: the port is going.
    Gone,
}

/// Looking now and then.
#[derive(Debug)]
struct Poll {
    before: Look,
    /// Not before this; at once if there is no such instant.
    next: Option<Instant>,
    found: VecDeque<Edge>,
}

impl Poll {
    fn from(lines: Lines) -> Source {
        let before = Look { lines, counts: None };
        Source::Poll(Self { before, next: None, found: VecDeque::new() })
    }
}

impl Watch {
    /// Begins to watch the lines of an open port; they stood at `lines`.
    pub(super) fn start(fd: BorrowedFd<'_>, lines: Lines, clock: Clock) -> io::Result<Self> {
        let fd = Arc::new(fd.try_clone_to_owned()?);
        Ok(Self::with(wait_on(Arc::clone(&fd)), Arc::new(move || Look::take(fd.as_fd())), lines, clock))
    }

    fn with(wait: WaitFn, look: LookFn, lines: Lines, clock: Clock) -> Self {
        let source = match Waiter::start(wait, Arc::clone(&look), lines, clock) {
            Ok(waiter) => Source::Thread(waiter),
            Err(error) => {
                tracing::warn!(%error, "no thread for modem-control lines; they are polled during calls");
                Poll::from(lines)
            }
        };
        Self { look, clock, known: lines, on: false, source, second_look: None }
    }

    /// The next edge. Cancel-safe.
    pub(super) async fn next(&mut self) -> Edge {
        let edge = loop {
            match &mut self.source {
                Source::Gone => pending().await,
                Source::Thread(waiter) => tokio::select! {
                    told = waiter.told.recv() => match told {
                        Some(Told::Edge(edge)) => {
                            self.second_look = Some(self.clock.instant(edge.at + SECOND_LOOK_AFTER));
                            break edge;
                        }
                        Some(Told::CannotWait) => {
                            tracing::debug!("driver without TIOCMIWAIT: lines are polled during calls");
                            self.source = Poll::from(self.known);
                        }
                        None => self.source = Source::Gone,
                    },
                    () = until(self.second_look) => {
                        self.second_look = None;
                        waiter.nudge();
                    }
                },
                Source::Poll(poll) => {
                    if let Some(edge) = poll.found.pop_front() {
                        break edge;
                    }
                    if !self.on {
                        pending::<()>().await;
                    }
                    if let Some(at) = poll.next {
                        tokio::time::sleep_until(at).await;
                    }
                    let at = self.clock.now();
                    let Ok(look) = (self.look)() else {
                        self.source = Source::Gone;
                        continue;
                    };
                    let found = edges(poll.before, look);
                    poll.found.extend(found.into_iter().map(|(signal, level)| Edge { signal, level, at }));
                    poll.before = look;
                    poll.next = Some(self.clock.instant(at + POLL_EVERY));
                }
            }
        };
        self.known.set(edge.signal, edge.level);
        edge
    }

    /// Says whether a call waits for edges.
    pub(super) fn watch(&mut self, on: bool) {
        let begins = on && !self.on;
        self.on = on;
        match &mut self.source {
            Source::Poll(poll) if begins => {
                poll.next = None;
                // What went and came back while nobody waited is nobody's edge.
                poll.before.counts = None;
            }
            // An edge that was missed is found before it matters.
            Source::Thread(waiter) if begins => waiter.nudge(),
            Source::Poll(_) | Source::Thread(_) | Source::Gone => {}
        }
    }

    /// Ends the watching; blocks for some ms, half a second at most. False if the thread could not be got out.
    pub(super) fn end(self) -> bool {
        match self.source {
            Source::Thread(waiter) => waiter.end(),
            Source::Poll(_) | Source::Gone => true,
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("known", &self.known)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Waits until then; for ever if there is no such instant.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => pending().await,
    }
}

/// A thread that waits for edges.
#[derive(Debug)]
struct Waiter {
    told: mpsc::Receiver<Told>,
    stop: Arc<AtomicBool>,
    /// Closed by the thread's end.
    ended: std_mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Waiter {
    fn start(mut wait: WaitFn, look: LookFn, lines: Lines, clock: Clock) -> io::Result<Self> {
        let signal = wake_signal()?;
        let (tell, told) = mpsc::channel(EDGES_MAX);
        let (ending, ended) = std_mpsc::sync_channel::<()>(0);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("modem-lines".to_owned()).spawn(move || {
            let _ending = ending;
            unblock(signal);
            watch_lines(&mut *wait, &*look, lines, clock, &stopped, &tell);
        })?;
        Ok(Self { told, stop, ended, thread: Some(thread) })
    }

    /// Makes the thread look at the lines, if it waits.
    fn nudge(&self) {
        if let (Some(thread), Ok(signal)) = (&self.thread, wake_signal()) {
            // SAFETY: the thread has not been joined, so its id is valid, even if it has ended.
            unsafe { libc::pthread_kill(thread.as_pthread_t(), signal) };
        }
    }

    /// Gets the thread out. A signal that comes before the thread waits wakes nobody, so it is sent until the thread
    /// says that it has ended.
    fn end(mut self) -> bool {
        self.stop_thread()
    }

    fn stop_thread(&mut self) -> bool {
        self.stop.store(true, Ordering::SeqCst);
        // It may stand in a full channel rather than in the driver.
        self.told.close();
        while self.told.try_recv().is_ok() {}
        for _ in 0..END_TRIES_MAX {
            if self.thread.is_none() {
                return true;
            }
            self.nudge();
            if self.ended.recv_timeout(END_TRY_EVERY) == Err(std_mpsc::RecvTimeoutError::Disconnected) {
                let joined = self.thread.take().map(JoinHandle::join);
                return matches!(joined, None | Some(Ok(())));
            }
        }
        tracing::warn!("the thread that waits for modem-control lines does not end; the driver holds it");
        self.thread = None;
        false
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.stop_thread();
        }
    }
}

/// What the thread does.
fn watch_lines(
    wait: &mut dyn FnMut() -> Result<(), Errno>,
    look: &dyn Fn() -> Result<Look, Errno>,
    lines: Lines,
    clock: Clock,
    stop: &AtomicBool,
    tell: &mpsc::Sender<Told>,
) {
    let mut before = Look { lines, counts: None };
    let mut at = clock.now();
    let mut vain_returns = 0;
    loop {
        match look() {
            Ok(now) => {
                for (signal, level) in edges(before, now) {
                    vain_returns = 0;
                    if tell.blocking_send(Told::Edge(Edge { signal, level, at })).is_err() {
                        return;
                    }
                }
                before = now;
            }
            Err(Errno::EINTR) => {}
            // The port is gone; its bytes tell that too.
            Err(_) => return,
        }
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let woken = wait();
        at = clock.now();
        match woken {
            Ok(()) => vain_returns += 1,
            Err(Errno::EINTR) => {}
            Err(_) => vain_returns = VAIN_RETURNS_MAX,
        }
        if vain_returns >= VAIN_RETURNS_MAX {
            let _ = tell.blocking_send(Told::CannotWait);
            return;
        }
    }
}

/// The signal that wakes the threads, its handler installed once for the process. A real-time signal, so that SIGUSR1
/// and SIGUSR2 stay free.
fn wake_signal() -> io::Result<libc::c_int> {
    static SIGNAL: OnceLock<Result<libc::c_int, Errno>> = OnceLock::new();
    extern "C" fn nothing(_: libc::c_int) {}
    let installed = SIGNAL.get_or_init(|| {
        #[cfg(target_os = "linux")]
        let signal = libc::SIGRTMIN() + 5;
        // Nothing waits in a driver there, and this one is ignored unless it is caught.
        #[cfg(not(target_os = "linux"))]
        let signal = libc::SIGURG;
        // SAFETY: an all-zero sigaction is a valid one (no flags, so that system calls are interrupted; an empty
        // mask), and a handler that does nothing is safe at any point.
        let done = unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
            libc::sigaction(signal, &raw const action, ptr::null_mut())
        };
        Errno::result(done).map(|_| signal)
    });
    installed.map_err(io::Error::from)
}

/// Lets the signal through to this thread, whatever mask it inherited.
fn unblock(signal: libc::c_int) {
    // SAFETY: the set is initialised by sigemptyset before it is used, and belongs to this frame.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
    }
}

#[cfg(test)]
mod tests;
