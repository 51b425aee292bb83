//! What both clocks showed at one moment: the bridge between a run's own time and the calendar, until the wall clock is set.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Mono;

/// One look at both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The run's own time, which nobody sets.
    pub mono: Mono,
    /// The wall clock at the same moment.
    pub wall: Timestamp,
    /// When the sitting began, by the wall clock as it is set now; time in which the host was suspended included.
    pub begun: Timestamp,
}

impl Reading {
    /// When the wall clock will show `at`, or did, as it is set now; the run's origin if that lies before it. Rounded up: a
    /// window that opens then is open.
    pub fn not_before(&self, at: Timestamp) -> Mono {
        self.mono_at(at, true)
    }

    /// The same rounded down: a window that closes then is still open just before.
    pub fn not_after(&self, at: Timestamp) -> Mono {
        self.mono_at(at, false)
    }

    fn mono_at(&self, at: Timestamp, up: bool) -> Mono {
        let away = at.duration_since(self.wall);
        let micros = |span: Duration, up: bool| {
            let over = u32::from(up && !span.subsec_nanos().is_multiple_of(1_000));
            Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
                + Duration::from_micros(over.into())
        };
        if away.is_negative() {
            // Rounding up is towards now.
            self.mono.before(micros(away.unsigned_abs(), !up))
        } else {
            self.mono + micros(away.unsigned_abs(), up)
        }
    }

    /// How far the wall clock was set forward between an earlier look and this one; negative: back. Time that both saw
    /// pass counts for nothing.
    pub fn set_since(&self, earlier: &Self) -> SignedDuration {
        let wall = self.wall.duration_since(earlier.wall);
        let passed = SignedDuration::try_from(self.mono.since(earlier.mono)).unwrap_or(SignedDuration::MAX);
        wall.saturating_sub(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn reading(mono_ms: u64, wall: &str) -> Reading {
        Reading { mono: Mono::from_millis(mono_ms), wall: at(wall), begun: at(wall) }
    }

    #[test]
    fn an_instant_of_the_calendar_is_one_of_the_run() {
        let now = reading(5_000, "2026-11-22T03:00:00.0000005Z");
        assert_eq!(now.not_before(at("2026-11-22T03:00:01Z")), Mono::from_micros(6_000_000));
        assert_eq!(now.not_after(at("2026-11-22T03:00:01Z")), Mono::from_micros(5_999_999));
        assert_eq!(now.not_before(at("2026-11-22T02:59:59Z")), Mono::from_micros(4_000_000));
        assert_eq!(now.not_after(at("2026-11-22T02:59:59Z")), Mono::from_micros(3_999_999));
        assert_eq!(now.not_before(at("2026-11-22T02:00:00Z")), Mono::ZERO);
    }

    #[test]
    fn a_clock_that_was_set_is_seen_and_time_that_passes_is_not() {
        let first = reading(1_000, "2026-11-22T03:00:00Z");
        assert_eq!(reading(61_000, "2026-11-22T03:01:00Z").set_since(&first), SignedDuration::ZERO);
        assert_eq!(reading(61_000, "2026-11-22T04:01:00Z").set_since(&first), SignedDuration::from_hours(1));
        assert_eq!(reading(61_000, "2026-11-22T02:01:00Z").set_since(&first), SignedDuration::from_hours(-1));
    }
}
