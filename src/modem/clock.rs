//! The clock of a run: monotonic time for durations, wall-clock stamps, both from one place. The only file that reads
//! clocks.
//!
//! The wall clock is read once, at the origin; later stamps are origin plus monotonic time. So the two never
//! disagree within a run, a step of the wall clock (NTP, a technician with `date`) changes no report, and paused time
//! in tests moves both. Each sitting of a run has a clock of its own.

pub mod set;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
#[cfg(unix)]
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use tokio::time::Instant;

use crate::model::{Mono, Reading};

/// Monotonic and wall time of one run.
///
/// Under paused tokio time it must be started inside the runtime, and then stands and jumps with it.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    wall_origin: Timestamp,
    origin_us: u64,
    /// The same of the clock that goes on while the host sleeps.
    awake_us: u64,
}

impl Clock {
    /// A clock whose origin is now.
    pub fn start() -> Self {
        let origin = Instant::now();
        let origin_us = monotonic_us();
        Self { origin, wall_origin: Timestamp::now(), origin_us, awake_us: since_boot_us() }
    }

    /// Now.
    pub fn now(&self) -> Mono {
        self.mono(Instant::now())
    }

    /// The instant of `at`; the origin if `at` is earlier.
    pub fn mono(&self, at: Instant) -> Mono {
        Mono::ZERO + at.saturating_duration_since(self.origin)
    }

    /// The tokio instant of `at`, to wait until.
    pub fn instant(&self, at: Mono) -> Instant {
        self.origin + at.since(Mono::ZERO)
    }

    /// The wall clock now, UTC, rounded to whole ms.
    pub fn wall(&self) -> Timestamp {
        self.wall_at(self.now())
    }

    /// The wall clock at `at`, UTC, rounded to whole ms: the same instant always gets the same stamp.
    pub fn wall_at(&self, at: Mono) -> Timestamp {
        let exact = self.wall_origin.checked_add(at.since(Mono::ZERO)).unwrap_or(Timestamp::MAX);
        exact.round(TimestampRound::new().smallest(Unit::Millisecond)).unwrap_or(exact)
    }

    /// CLOCK_MONOTONIC at the origin in µs: sets the instants of two processes on one host side by side. It means
    /// nothing under paused time.
    pub fn origin_us(&self) -> u64 {
        self.origin_us
    }
}

/// How often two clocks are read again when something came between.
const LOOKS_MAX: u32 = 5;
/// How close to each other they must be read.
const LOOK_WITHIN: Duration = Duration::from_micros(200);

/// The wall clock, beside the clock of a run.
#[derive(Debug, Clone)]
pub enum Wall {
    /// The host's, which anybody may set.
    Host,
    /// One that goes with the run's clock and is so many ms ahead of it: for runs in memory.
    Played(Arc<AtomicI64>),
}

impl Wall {
    /// Looks at both clocks at once.
    pub fn read(&self, clock: &Clock) -> Reading {
        match self {
            Self::Host => clock.look(),
            Self::Played(ahead) => {
                let ahead = SignedDuration::from_millis(ahead.load(Ordering::SeqCst));
                let shown = |at: Timestamp| at.checked_add(ahead).unwrap_or(at);
                let mono = clock.now();
                let exact = clock.wall_origin.checked_add(mono.since(Mono::ZERO)).unwrap_or(Timestamp::MAX);
                let exact = exact.round(Unit::Microsecond).unwrap_or(exact);
                Reading { mono, wall: shown(exact), begun: shown(clock.wall_origin) }
            }
        }
    }
}

impl Clock {
    /// Both clocks of this host, as near to one instant as can be had.
    fn look(&self) -> Reading {
        let once = || {
            let before = self.now();
            let wall = Timestamp::now();
            // The run's time is in µs; finer, a window would lose one by rounding at its two ends.
            let wall = wall.round(Unit::Microsecond).unwrap_or(wall);
            (self.now().since(before), before, wall)
        };
        let mut best = once();
        for _ in 1..LOOKS_MAX {
            if best.0 <= LOOK_WITHIN {
                break;
            }
            best = best.min(once());
        }
        let (_, mono, wall) = best;
        let passed = Duration::from_micros(since_boot_us().saturating_sub(self.awake_us));
        let passed = passed.max(mono.since(Mono::ZERO));
        Reading { mono, wall, begun: wall.checked_sub(passed).unwrap_or(Timestamp::MIN) }
    }
}

/// CLOCK_BOOTTIME in µs, which goes on while the host sleeps; 0 where it can't be read.
#[cfg(target_os = "linux")]
fn since_boot_us() -> u64 {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
        .ok()
        .and_then(|t| u64::try_from(Duration::from(t).as_micros()).ok())
        .unwrap_or(0)
}

/// There is no such clock here: sleep counts as a clock that was set.
#[cfg(not(target_os = "linux"))]
const fn since_boot_us() -> u64 {
    0
}

/// CLOCK_MONOTONIC in µs, as other programs of this host read it; 0 where it can't be read.
#[cfg(unix)]
pub fn monotonic_us() -> u64 {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
        .ok()
        .and_then(|t| u64::try_from(Duration::from(t).as_micros()).ok())
        .unwrap_or(0)
}

/// There is no such clock here, and so no second log to compare with.
#[cfg(not(unix))]
pub const fn monotonic_us() -> u64 {
    0
}

/// How old a file stamp is; zero if it lies in the future.
#[cfg(unix)]
pub(super) fn age_of(stamp: SystemTime) -> Duration {
    SystemTime::now().duration_since(stamp).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_time_moves_both_hands() {
        let clock = Clock::start();
        assert_eq!(clock.now(), Mono::ZERO);
        let wall = clock.wall_at(Mono::ZERO);
        tokio::time::advance(Duration::from_millis(2500)).await;
        assert_eq!(clock.now(), Mono::from_millis(2500));
        assert_eq!(clock.wall().duration_since(wall).as_millis(), 2500);
    }

    #[tokio::test(start_paused = true)]
    async fn an_instant_and_its_mono_are_one() {
        let clock = Clock::start();
        let at = Mono::from_micros(1_234_567);
        assert_eq!(clock.mono(clock.instant(at)), at);
        tokio::time::sleep_until(clock.instant(at)).await;
        assert!(clock.now() >= at);
    }

    #[test]
    fn stamps_are_whole_milliseconds_near_the_wall_clock() {
        let clock = Clock::start();
        let stamp = clock.wall();
        assert_eq!(stamp.subsec_nanosecond() % 1_000_000, 0);
        assert!(Timestamp::now().duration_since(stamp).unsigned_abs() < Duration::from_secs(60));
    }

    #[test]
    fn rounding_is_to_the_nearest() {
        let mut clock = Clock::start();
        clock.wall_origin = "2026-11-21T01:02:03Z".parse().unwrap();
        assert_eq!(clock.wall_at(Mono::from_micros(1_499)).to_string(), "2026-11-21T01:02:03.001Z");
        assert_eq!(clock.wall_at(Mono::from_micros(1_500)).to_string(), "2026-11-21T01:02:03.002Z");
    }

    #[test]
    fn the_origin_is_that_of_the_kernel() {
        let before = monotonic_us();
        let clock = Clock::start();
        let now = clock.origin_us() + clock.now().as_micros();
        assert!(clock.origin_us() >= before && now <= monotonic_us() + 1_000);
    }

    #[test]
    fn a_file_from_the_future_is_new() {
        assert_eq!(age_of(SystemTime::now() + Duration::from_secs(3600)), Duration::ZERO);
    }
}
