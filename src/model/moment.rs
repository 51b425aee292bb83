//! The instants of one call, in their order: each observed, or bounded, or absent. Never guessed, never 0.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Mono;

/// An instant of a call. The order of the variants is the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The port is ours.
    Taken,
    /// The modem answered `OK` to its set-up.
    Ready,
    /// The CR of the dial command was written.
    Dialed,
    /// The digits are out; only where a modem shows it (the `;` form).
    DigitsSent,
    /// First RINGING.
    Ringing,
    /// The far end went off-hook.
    Answered,
    /// The modems are trained: rate and modulation are settled.
    Carrier,
    /// `CONNECT`.
    Connected,
    /// The login prompt, or a banner that identifies.
    Prompted,
    /// The command prompt.
    LoggedIn,
    /// The identity matched.
    Verified,
    /// A technician to whom the console was handed over gave it back; only where that was wanted.
    HandedBack,
    /// Login prompt back, or carrier gone, after logout.
    LoggedOut,
    /// On-hook is proven.
    OnHook,
    /// The port is free again.
    Released,
}

impl Moment {
    /// All of them, in order.
    pub const ALL: [Self; 15] = [
        Self::Taken,
        Self::Ready,
        Self::Dialed,
        Self::DigitsSent,
        Self::Ringing,
        Self::Answered,
        Self::Carrier,
        Self::Connected,
        Self::Prompted,
        Self::LoggedIn,
        Self::Verified,
        Self::HandedBack,
        Self::LoggedOut,
        Self::OnHook,
        Self::Released,
    ];

    /// What a call is busy with once this instant has passed: the word that a live view shows.
    pub const fn activity(self) -> &'static str {
        match self {
            Self::Taken => "setting up",
            Self::Ready => "ready",
            Self::Dialed => "dialing",
            Self::DigitsSent => "waiting for ring",
            Self::Ringing => "ringing",
            Self::Answered => "training",
            Self::Carrier => "connecting",
            Self::Connected => "waiting for prompt",
            Self::Prompted => "logging in",
            Self::LoggedIn => "verifying",
            Self::Verified | Self::HandedBack => "logging out",
            Self::LoggedOut => "hanging up",
            Self::OnHook => "on-hook",
            Self::Released => "idle",
        }
    }
}

/// When a moment was: `half_width` is zero where it was observed, else the true instant lies within `at` ± it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The instant, or the middle of the span that bounds it.
    pub at: Mono,
    /// Half the width of that span.
    #[serde(default, skip_serializing_if = "Duration::is_zero", with = "half_width_us")]
    pub half_width: Duration,
}

mod half_width_us {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(width: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(u64::try_from(width.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u64::deserialize(d).map(Duration::from_micros)
    }
}

/// What is known of a call's instants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline {
    marks: std::collections::BTreeMap<Moment, Mark>,
}

impl Timeline {
    /// Notes an instant as observed. The first observation stands: a second RINGING is not a new ringing.
    pub fn observe(&mut self, moment: Moment, at: Mono) {
        self.note(moment, Mark { at, half_width: Duration::ZERO });
    }

    /// Notes that an instant lies between `earliest` and `latest`.
    pub fn bound(&mut self, moment: Moment, earliest: Mono, latest: Mono) {
        let half_width = latest.since(earliest) / 2;
        self.note(moment, Mark { at: earliest + half_width, half_width });
    }

    /// Notes an instant as observed in place of an earlier observation that came to nothing: a dial command that the
    /// modem did not take.
    pub fn observe_anew(&mut self, moment: Moment, at: Mono) {
        self.marks.remove(&moment);
        self.observe(moment, at);
    }

    /// Notes that an instant lies between `earliest` and `latest`, where one that comes before it may lie anywhere up to
    /// `not_before`: its mark is never put before that.
    pub fn bound_after(&mut self, moment: Moment, earliest: Mono, latest: Mono, not_before: Mono) {
        let middle = earliest + latest.since(earliest) / 2;
        let at = middle.max(not_before);
        self.note(moment, Mark { at, half_width: at.since(earliest).max(latest.since(at)) });
    }

    fn note(&mut self, moment: Moment, mark: Mark) {
        debug_assert!(
            self.marks.range(..moment).all(|(_, m)| m.at.as_micros() <= mark.at.as_micros() + 1),
            "{moment:?} lies before an earlier instant"
        );
        self.marks.entry(moment).or_insert(mark);
    }

    /// The mark of an instant, if it is known.
    pub fn get(&self, moment: Moment) -> Option<Mark> {
        self.marks.get(&moment).copied()
    }

    /// The furthest instant that was reached on the way to the console; hang-up, which every call reaches, aside.
    pub fn furthest(&self) -> Option<Moment> {
        self.marks.keys().rev().find(|m| **m < Moment::OnHook).copied()
    }

    /// All known marks, in the order of the moments.
    pub fn iter(&self) -> impl Iterator<Item = (Moment, Mark)> + '_ {
        self.marks.iter().map(|(moment, mark)| (*moment, *mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_observation_stands() {
        let mut line = Timeline::default();
        line.observe(Moment::Ringing, Mono::from_millis(10));
        line.observe(Moment::Ringing, Mono::from_millis(20));
        assert_eq!(line.get(Moment::Ringing).unwrap().at, Mono::from_millis(10));
    }

    #[test]
    fn a_bounded_instant_is_the_middle_with_its_half_width() {
        let mut line = Timeline::default();
        line.bound(Moment::Answered, Mono::from_millis(1000), Mono::from_millis(7000));
        let mark = line.get(Moment::Answered).unwrap();
        assert_eq!((mark.at, mark.half_width), (Mono::from_millis(4000), Duration::from_secs(3)));
    }

    #[test]
    fn a_bounded_instant_is_never_put_before_an_earlier_one_and_still_holds_all_of_its_span() {
        let mut line = Timeline::default();
        line.bound(Moment::Answered, Mono::from_millis(1000), Mono::from_millis(2000));
        line.bound_after(
            Moment::Carrier,
            Mono::from_millis(1000),
            Mono::from_millis(1600),
            Mono::from_millis(1500),
        );
        let mark = line.get(Moment::Carrier).unwrap();
        assert_eq!((mark.at, mark.half_width), (Mono::from_millis(1500), Duration::from_millis(500)));
    }

    #[test]
    fn hanging_up_is_not_progress() {
        let mut line = Timeline::default();
        line.observe(Moment::Dialed, Mono::from_millis(1));
        line.observe(Moment::OnHook, Mono::from_millis(2));
        assert_eq!(line.furthest(), Some(Moment::Dialed));
    }
}
