//! How long a modem takes to dial a string, at the very least: what comes back sooner is its own doing, or our own
//! exchange's, and never the far line's.
//!
//! Each figure is a lower bound of what manuals give (modems.md 1.4, 1.7, 6), not the usual one; a country may have set
//! others, but none that is quicker.

use std::time::Duration;

/// Going off-hook and knowing dial tone: 700 to 800 ms are typical \[V92QC], a blind dial waits 2 s \[WESTERMO].
const DIAL_TONE: Duration = Duration::from_millis(500);
/// A tone digit: S11 begins at 50 ms, and its gap is as long \[WESTERMO].
const TONE: Duration = Duration::from_millis(100);
/// One pulse: twenty a second, the quicker of the two rates in use.
const PULSE: Duration = Duration::from_millis(50);
/// The pause behind the pulses of a digit.
const PULSE_GAP: Duration = Duration::from_millis(250);
/// `W`: a second dial tone.
const WAIT: Duration = Duration::from_millis(500);
/// `,`: S8 as it comes from the factory.
const PAUSE: Duration = Duration::from_secs(2);

/// The least time from the CR of the dial command until the last digit of `dial` is out. `pulse` where it is dialed
/// in pulses from its beginning; `s8_s` is the length of `,` where the set-up writes S8.
pub fn least(dial: &str, pulse: bool, s8_s: Option<u8>) -> Duration {
    let pause = s8_s.map_or(PAUSE, |s| Duration::from_secs(s.into()));
    let mut pulse = pulse;
    let mut span = DIAL_TONE;
    for c in dial.chars() {
        span += match c {
            '0'..='9' | '*' | '#' if !pulse => TONE,
            '0'..='9' => PULSE_GAP + PULSE * c.to_digit(10).filter(|pulses| *pulses > 0).unwrap_or(10),
            ',' => pause,
            'W' | 'w' => WAIT,
            'P' | 'p' | 'T' | 't' => {
                pulse = c.eq_ignore_ascii_case(&'P');
                Duration::ZERO
            }
            // Behind it the modem listens: a result may come at any time.
            '@' => break,
            _ => Duration::ZERO,
        };
    }
    span
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(dial: &str) -> u128 {
        least(dial, false, None).as_millis()
    }

    #[test]
    fn digits_pauses_and_waits_add_up() {
        assert_eq!(ms("5550101"), 1200);
        assert_eq!(ms("9,5550101"), 3300);
        assert_eq!(ms("9W5550101"), 1800);
        assert_eq!(ms("P5"), 1000);
        assert_eq!(ms("P0T5"), 1350);
        assert_eq!(ms("555@"), 800, "what follows the silence is no dialing");
        assert_eq!(least("0", true, None), Duration::from_millis(1250));
        assert_eq!(least("9,5", false, Some(4)), Duration::from_millis(4700));
        assert_eq!(least("9,5", false, Some(0)), Duration::from_millis(700));
    }

    proptest! {
        /// It is a bound from below: a usual modem (95 ms tones and gaps, dial tone known after 700 ms) is slower.
        #[test]
        fn no_usual_modem_is_quicker(dial in "[0-9*#,W]{1,30}") {
            let usual = dial.chars().fold(Duration::from_millis(700), |span, c| span + match c {
                ',' => Duration::from_secs(2),
                'W' => Duration::from_millis(700),
                _ => Duration::from_millis(190),
            });
            prop_assert!(least(&dial, false, None) <= usual);
        }
    }
}
