//! Monotonic time inside one run. Wall-clock stamps are `jiff::Timestamp` and are never subtracted.

use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A monotonic instant: microseconds since the run's origin. Ordered, cheap, and meaningless outside its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mono(u64);

impl Mono {
    /// The instant so long before this one; the origin if that lies before it.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self::ZERO + self.since(Self::ZERO).saturating_sub(by)
    }

    /// The run's origin.
    pub const ZERO: Self = Self(0);

    /// The instant `micros` µs after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant `millis` ms after the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_never_goes_negative() {
        assert_eq!(Mono::from_millis(5).since(Mono::from_millis(9)), Duration::ZERO);
        assert_eq!(
            (Mono::from_millis(5) + Duration::from_millis(4)).since(Mono::ZERO),
            Duration::from_millis(9)
        );
    }
}
