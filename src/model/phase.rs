//! Phases: the stretches between two instants, in whole milliseconds. Both ends known, or no figure.

use std::cell::Cell;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Mark, Moment, Timeline};

/// The durations of one call in ms, in the order of the reports' columns. Absent is absent, never 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTimes {
    /// taken .. ready
    pub setup_ms: Option<u64>,
    /// dialed .. digits sent
    pub dial_ms: Option<u64>,
    /// digits sent (else dialed) .. ringing
    pub post_dial_ms: Option<u64>,
    /// ringing (else digits sent) .. answered
    pub ring_ms: Option<u64>,
    /// answered .. carrier
    pub train_ms: Option<u64>,
    /// carrier .. connected
    pub connect_ms: Option<u64>,
    /// connected .. prompted
    pub prompt_ms: Option<u64>,
    /// prompted .. logged in
    pub login_ms: Option<u64>,
    /// logged in .. verified
    pub verify_ms: Option<u64>,
    /// verified (else logged in) .. logged out
    pub logout_ms: Option<u64>,
    /// logged out .. on-hook
    pub hangup_ms: Option<u64>,
    /// dialed .. on-hook
    pub total_ms: Option<u64>,
    /// ringing (else digits sent) .. carrier, where the answer between them is hidden
    pub ring_train_ms: Option<u64>,
    /// answered .. connected, where the carrier between them is hidden
    pub train_connect_ms: Option<u64>,
    /// dialed .. connected
    pub dialed_to_connect_ms: Option<u64>,
    /// How wrong a phase may be at most: the half-widths of both its ends together, of the phase where they are widest.
    /// Absent where all ends are observed.
    pub split_error_ms: Option<u64>,
}

impl PhaseTimes {
    /// What a timeline lets one say.
    pub fn of(timeline: &Timeline) -> Self {
        use Moment::{
            Answered, Carrier, Connected, Dialed, DigitsSent, HandedBack, LoggedIn, LoggedOut, OnHook,
            Prompted, Ready, Ringing, Taken, Verified,
        };
        let mark = |moment| timeline.get(moment);
        let widest = Cell::new(Duration::ZERO);
        let span = |from: Option<Mark>, to: Moment| -> Option<u64> {
            let (from, to) = (from?, mark(to)?);
            widest.set(widest.get().max(from.half_width + to.half_width));
            let micros = to.at.since(from.at).as_micros();
            u64::try_from((micros + 500) / 1000).ok()
        };
        let ring_start = mark(Ringing).or(mark(DigitsSent));
        let times = Self {
            setup_ms: span(mark(Taken), Ready),
            dial_ms: span(mark(Dialed), DigitsSent),
            post_dial_ms: span(mark(DigitsSent).or(mark(Dialed)), Ringing),
            ring_ms: span(ring_start, Answered),
            train_ms: span(mark(Answered), Carrier),
            connect_ms: span(mark(Carrier), Connected),
            prompt_ms: span(mark(Connected), Prompted),
            login_ms: span(mark(Prompted), LoggedIn),
            verify_ms: span(mark(LoggedIn), Verified),
            logout_ms: span(mark(HandedBack).or(mark(Verified)).or(mark(LoggedIn)), LoggedOut),
            hangup_ms: span(mark(LoggedOut), OnHook),
            total_ms: span(mark(Dialed), OnHook),
            ring_train_ms: span(ring_start.filter(|_| mark(Answered).is_none()), Carrier),
            train_connect_ms: span(mark(Answered).filter(|_| mark(Carrier).is_none()), Connected),
            dialed_to_connect_ms: span(mark(Dialed), Connected),
            split_error_ms: None,
        };
        let split_error_ms = u64::try_from(widest.get().as_micros().div_ceil(1000)).ok().filter(|&ms| ms > 0);
        Self { split_error_ms, ..times }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Mono;

    fn timeline(marks: &[(Moment, u64)]) -> Timeline {
        let mut line = Timeline::default();
        for &(moment, ms) in marks {
            line.observe(moment, Mono::from_millis(ms));
        }
        line
    }

    #[test]
    fn a_modem_that_shows_all_has_all_phases_and_no_span() {
        use Moment::*;
        let times = PhaseTimes::of(&timeline(&[
            (Taken, 0),
            (Ready, 40),
            (Dialed, 50),
            (Ringing, 3050),
            (Answered, 9050),
            (Carrier, 17_050),
            (Connected, 18_050),
            (OnHook, 30_050),
        ]));
        assert_eq!(times.post_dial_ms, Some(3000));
        assert_eq!((times.ring_ms, times.train_ms, times.connect_ms), (Some(6000), Some(8000), Some(1000)));
        assert_eq!((times.ring_train_ms, times.train_connect_ms), (None, None));
        assert_eq!((times.dialed_to_connect_ms, times.total_ms), (Some(18_000), Some(30_000)));
    }

    #[test]
    fn a_modem_that_says_connect_alone_has_one_span_and_no_zero() {
        let times = PhaseTimes::of(&timeline(&[(Moment::Dialed, 0), (Moment::Connected, 21_000)]));
        assert_eq!(times, PhaseTimes { dialed_to_connect_ms: Some(21_000), ..PhaseTimes::default() });
    }

    #[test]
    fn a_hidden_answer_gives_ring_and_train_as_one_span() {
        let times = PhaseTimes::of(&timeline(&[
            (Moment::Dialed, 0),
            (Moment::DigitsSent, 2000),
            (Moment::Carrier, 17_000),
        ]));
        assert_eq!((times.ring_ms, times.train_ms, times.ring_train_ms), (None, None, Some(15_000)));
    }

    #[test]
    fn the_error_of_a_bounded_split_is_told() {
        let mut line = timeline(&[(Moment::Dialed, 0), (Moment::Ringing, 1000)]);
        line.bound(Moment::Answered, Mono::from_millis(7000), Mono::from_millis(13_000));
        line.observe(Moment::Connected, Mono::from_millis(25_000));
        let times = PhaseTimes::of(&line);
        assert_eq!((times.ring_ms, times.train_connect_ms), (Some(9000), Some(15_000)));
        assert_eq!(times.split_error_ms, Some(3000));
        assert_eq!(line.get(Moment::Answered).unwrap().half_width, Duration::from_secs(3));
    }

    #[test]
    fn a_phase_between_two_bounded_instants_may_be_wrong_by_both() {
        let mut line = timeline(&[(Moment::Dialed, 0), (Moment::Ringing, 1000)]);
        line.bound(Moment::Answered, Mono::from_millis(7000), Mono::from_millis(9000));
        line.bound(Moment::Carrier, Mono::from_millis(15_000), Mono::from_millis(16_000));
        let times = PhaseTimes::of(&line);
        // It may have trained from 9 to 15 s, or from 7 to 16 s.
        assert_eq!((times.train_ms, times.split_error_ms), (Some(7500), Some(1500)));
    }
}
