//! No machine that runs these has modem-control lines: the reading and the waiting are put in from outside here, and
//! the waiting blocks for real, in a read of a pipe.

use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const NONE: Lines = Lines { dcd: false, dsr: false, ri: false, cts: false };
const DCD: Lines = Lines { dcd: true, ..NONE };
const DSR: Lines = Lines { dsr: true, ..NONE };

fn look(lines: Lines, counts: (i32, i32, i32)) -> Look {
    let (dcd, dsr, ri) = counts;
    Look { lines, counts: Some(Counts { dcd, dsr, ri }) }
}

/// Longest that any of these waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

async fn next(watch: &mut Watch) -> Edge {
    tokio::time::timeout(PATIENCE, watch.next()).await.expect("no edge came")
}

/// Lines that a test sets, and a wait that a byte in a pipe ends.
struct Bench {
    lines: Arc<Mutex<Lines>>,
    bell: OwnedFd,
}

impl Bench {
    fn new() -> (Self, LookFn, WaitFn) {
        let (reader, bell) = nix::unistd::pipe().unwrap();
        let lines = Arc::new(Mutex::new(NONE));
        let read = Arc::clone(&lines);
        let look: LookFn = Arc::new(move || Ok(Look { lines: *read.lock().unwrap(), counts: None }));
        let wait: WaitFn = Box::new(move || match nix::unistd::read(&reader, &mut [0]) {
            Ok(0) => Err(Errno::EIO),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        });
        (Self { lines, bell }, look, wait)
    }

    fn set(&self, lines: Lines) {
        *self.lines.lock().unwrap() = lines;
    }

    fn ring(&self) {
        nix::unistd::write(&self.bell, b"!").unwrap();
    }
}

#[test]
fn edges_are_what_differs() {
    let plain = |lines| Look { lines, counts: None };
    assert_eq!(edges(plain(NONE), plain(NONE)), []);
    assert_eq!(edges(plain(NONE), plain(DCD)), [(Signal::Dcd, true)]);
    assert_eq!(edges(plain(DCD), plain(DSR)), [(Signal::Dcd, false), (Signal::Dsr, true)]);
    assert_eq!(edges(plain(NONE), plain(Lines { cts: true, ..NONE })), [], "CTS is not ours to watch");
}

#[test]
fn a_line_that_went_and_came_back_is_seen_by_its_counter() {
    let before = look(DCD, (3, 0, 0));
    assert_eq!(edges(before, look(DCD, (5, 0, 0))), [(Signal::Dcd, false), (Signal::Dcd, true)]);
    assert_eq!(edges(before, look(DCD, (3, 0, 1))), [(Signal::Ri, true), (Signal::Ri, false)]);
    // Three edges, of which the last is the level that is seen: told as the one.
    assert_eq!(edges(before, look(NONE, (6, 0, 0))), [(Signal::Dcd, false)]);
}

#[test]
fn an_edge_between_the_two_readings_of_a_look_is_told_once() {
    let first = look(NONE, (0, 0, 0));
    let counted_early = look(NONE, (1, 0, 0));
    let level_follows = look(DCD, (1, 0, 0));
    assert_eq!(edges(first, counted_early), []);
    assert_eq!(edges(counted_early, level_follows), [(Signal::Dcd, true)]);
}

#[test]
fn counters_may_overflow() {
    let before = look(NONE, (i32::MAX, 0, 0));
    assert_eq!(edges(before, look(NONE, (i32::MIN + 1, 0, 0))).len(), 2);
}

fn any_look() -> impl Strategy<Value = Look> {
    (any::<[bool; 3]>(), any::<Option<[i32; 3]>>()).prop_map(|([dcd, dsr, ri], counts)| Look {
        lines: Lines { dcd, dsr, ri, cts: false },
        counts: counts.map(|[dcd, dsr, ri]| Counts { dcd, dsr, ri }),
    })
}

proptest! {
    #[test]
    fn edges_lead_from_one_look_to_the_next_and_each_changes_something(before in any_look(), after in any_look()) {
        let mut lines = before.lines;
        for (signal, level) in edges(before, after) {
            prop_assert_ne!(lines.level(signal), level);
            lines.set(signal, level);
        }
        prop_assert_eq!(lines, after.lines);
    }
}

#[tokio::test]
async fn a_blocked_thread_tells_edges_and_is_ended_by_a_signal() {
    let (bench, look, wait) = Bench::new();
    let clock = Clock::start();
    let mut watch = Watch::with(wait, look, NONE, clock);
    bench.set(DCD);
    bench.ring();
    let edge = next(&mut watch).await;
    assert_eq!((edge.signal, edge.level), (Signal::Dcd, true));
    assert!(edge.at <= clock.now());
    // It blocks in its read again, or is about to: both must end.
    assert!(watch.end());
}

#[test]
fn a_thread_ends_wherever_it_is() {
    for _ in 0..200 {
        let (_bench, look, wait) = Bench::new();
        assert!(Watch::with(wait, look, NONE, Clock::start()).end());
    }
}

#[test]
fn dropping_ends_the_thread() {
    let (bench, look, wait) = Bench::new();
    drop(Watch::with(wait, look, NONE, Clock::start()));
    // The thread held the other end of the pipe; with nobody there a write fails, and SIGPIPE is ignored in Rust.
    assert_eq!(nix::unistd::write(&bench.bell, b"!"), Err(Errno::EPIPE));
}

#[test]
fn a_thread_that_nobody_listens_to_ends() {
    let lines = Arc::new(Mutex::new(NONE));
    let read = Arc::clone(&lines);
    let look: LookFn = Arc::new(move || Ok(Look { lines: *read.lock().unwrap(), counts: None }));
    // An edge with every return: the channel is full before long.
    let wait: WaitFn = Box::new(move || {
        let mut lines = lines.lock().unwrap();
        lines.dcd = !lines.dcd;
        Ok(())
    });
    let watch = Watch::with(wait, look, NONE, Clock::start());
    assert!(watch.end());
}

#[tokio::test]
async fn a_second_look_finds_the_edge_that_came_between() {
    let (bench, look, wait) = Bench::new();
    let mut watch = Watch::with(wait, look, NONE, Clock::start());
    bench.set(DCD);
    bench.ring();
    assert_eq!(next(&mut watch).await.signal, Signal::Dcd);
    // This one rings no bell.
    bench.set(Lines { dsr: true, ..DCD });
    let edge = next(&mut watch).await;
    assert_eq!((edge.signal, edge.level), (Signal::Dsr, true));
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_cannot_wait_is_polled_while_a_call_waits_and_not_otherwise() {
    let (bench, look, _) = Bench::new();
    let looks = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&looks);
    let look: LookFn = Arc::new(move || {
        *counted.lock().unwrap() += 1;
        look()
    });
    let clock = Clock::start();
    let mut watch = Watch::with(Box::new(|| Err(Errno::ENOTTY)), look, NONE, clock);
    // The thread is outside of paused time: wait until it has told.
    while !matches!(watch.source, Source::Poll(_)) {
        assert!(one_turn(&mut watch).await.is_none());
    }
    let before = *looks.lock().unwrap();
    bench.set(DCD);
    assert!(tokio::time::timeout(Duration::from_secs(3600), watch.next()).await.is_err());
    assert_eq!(*looks.lock().unwrap(), before, "it polled while nobody waited");

    watch.watch(true);
    let began = clock.now();
    let edge = watch.next().await;
    assert_eq!((edge.signal, edge.level, edge.at), (Signal::Dcd, true, began));
    bench.set(NONE);
    let edge = watch.next().await;
    assert_eq!((edge.signal, edge.level), (Signal::Dcd, false));
    assert_eq!(edge.at, began + POLL_EVERY);
    assert!(watch.end());
}

/// One turn of the runtime's wheel for the watch.
async fn one_turn(watch: &mut Watch) -> Option<Edge> {
    tokio::select! {
        edge = watch.next() => Some(edge),
        () = tokio::task::yield_now() => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_returns_for_nothing_again_and_again_is_given_up() {
    let (_bench, look, _) = Bench::new();
    let mut watch = Watch::with(Box::new(|| Ok(())), look, NONE, Clock::start());
    while !matches!(watch.source, Source::Poll(_)) {
        assert!(one_turn(&mut watch).await.is_none());
    }
    assert!(watch.end());
}

#[tokio::test(start_paused = true)]
async fn lines_that_cannot_be_read_any_more_wake_nobody() {
    let mut watch = Watch::with(Box::new(|| Ok(())), Arc::new(|| Err(Errno::EIO)), NONE, Clock::start());
    while !matches!(watch.source, Source::Gone) {
        assert!(one_turn(&mut watch).await.is_none());
    }
    assert!(tokio::time::timeout(Duration::from_secs(3600), watch.next()).await.is_err());
    assert!(watch.end());
}

#[test]
fn a_pty_has_no_lines() {
    let pty = nix::pty::openpty(None, None).unwrap();
    assert_eq!(Lines::read(pty.slave.as_fd()), Err(Errno::ENOTTY));
    assert_eq!(Counts::read(pty.slave.as_fd()), None);
}
