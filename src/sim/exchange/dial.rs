//! What a dialed string means: how long it takes to dial, and which number it reaches.

use std::time::Duration;

use crate::sim::file::{Location, Timing};

/// Numbers that must never be dialed from here; the log makes them plain to see. Some are those of other countries.
const EMERGENCY: [&str; 8] = ["911", "112", "999", "000", "110", "119", "118", "933"];

/// A dial string, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialed {
    /// The digits that reach the exchange.
    pub(super) digits: String,
    /// How long dialing takes, the first dial tone not counted.
    pub(super) span: Duration,
    /// It begins with `W`: dial tone is listened for, whatever X says.
    pub(super) waits: bool,
    /// It holds `@`: silence is waited for after the ringing.
    pub(super) quiet_answer: bool,
}

/// Reads what follows `D`; `pause_s` is S8.
pub(super) fn read(text: &str, timing: &Timing, pause_s: u8) -> Dialed {
    let mut dialed =
        Dialed { digits: String::new(), span: Duration::ZERO, waits: false, quiet_answer: false };
    let mut pulse = false;
    for c in text.chars() {
        dialed.span += match c {
            '0'..='9' | '*' | '#' | 'A'..='D' => {
                dialed.digits.push(c);
                // Pulses take about a second a digit (modems.md 6).
                if pulse { Duration::from_secs(1) } else { timing.digit }
            }
            // The first dial tone is waited for in any case.
            'W' if dialed.digits.is_empty() => {
                dialed.waits = true;
                Duration::ZERO
            }
            'W' => timing.dial_tone,
            ',' => Duration::from_secs(u64::from(pause_s)),
            '/' => Duration::from_millis(125),
            '@' => {
                dialed.quiet_answer = true;
                Duration::ZERO
            }
            'P' | 'T' => {
                pulse = c == 'P';
                Duration::ZERO
            }
            // Blanks, brackets and unknown letters are passed over, as Rockwell sets do (modems.md 1.4).
            _ => Duration::ZERO,
        };
    }
    dialed
}

/// The number in E.164, without its `+`, that digits reach from a location; several readings are possible.
pub(super) fn readings(digits: &str, at: &Location) -> Vec<String> {
    let mut strings = vec![digits];
    if !at.outside.is_empty()
        && let Some(rest) = digits.strip_prefix(at.outside.as_str())
    {
        strings.insert(0, rest);
    }
    let mut numbers = Vec::new();
    for digits in strings {
        // Behind a carrier's code stands a whole number, never one of our own area.
        for carrier in &at.carriers {
            numbers
                .extend(digits.strip_prefix(carrier.as_str()).into_iter().flat_map(|rest| whole(rest, at)));
        }
        numbers.extend(whole(digits, at));
        numbers.push(format!("{}{digits}", at.country_code));
        if !at.area_code.is_empty() {
            numbers.push(format!("{}{}{digits}", at.country_code, at.area_code));
        }
    }
    numbers
}

/// The numbers that digits with an international or a trunk prefix reach.
fn whole(digits: &str, at: &Location) -> Vec<String> {
    let behind = |prefix: &str| if prefix.is_empty() { None } else { digits.strip_prefix(prefix) };
    let international = behind(&at.international).map(ToOwned::to_owned);
    let national = behind(&at.trunk).map(|national| format!("{}{national}", at.country_code));
    international.into_iter().chain(national).collect()
}

/// Whether these digits would have reached an emergency service.
pub(super) fn is_emergency(digits: &str, at: &Location) -> bool {
    let outside = digits.strip_prefix(at.outside.as_str()).filter(|_| !at.outside.is_empty());
    [Some(digits), outside].into_iter().flatten().any(|d| EMERGENCY.contains(&d) || d == "9911")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_dial_a_number_from_here_are_known_and_no_others() {
        let here = Location { outside: "9".to_owned(), ..Location::default() };
        let reaches = |digits: &str| readings(digits, &here).contains(&"19195550101".to_owned());
        for good in ["9195550101", "19195550101", "5550101", "95550101", "919195550101", "99195550101"] {
            assert!(reaches(good), "{good}");
        }
        for bad in ["555010", "0119195550101", "9205550101", "95550102", ""] {
            assert!(!reaches(bad), "{bad}");
        }
        assert!(readings("011442079460101", &here).contains(&"442079460101".to_owned()));
    }

    #[test]
    fn behind_a_carriers_code_stands_a_whole_number() {
        let here = Location { carriers: vec!["1010288".to_owned()], ..Location::default() };
        let reaches = |digits: &str| readings(digits, &here).contains(&"19195550101".to_owned());
        assert!(reaches("101028819195550101") && reaches("19195550101"));
        for bad in ["10102889195550101", "10102885550101", "101033319195550101"] {
            assert!(!reaches(bad), "{bad}");
        }
        assert!(readings("1010288011442079460101", &here).contains(&"442079460101".to_owned()));
    }

    #[test]
    fn dialing_takes_its_time() {
        let timing = Timing::default();
        let dialed = read("T9W,555-0101@", &timing, 2);
        assert_eq!(dialed.digits, "95550101");
        assert!(dialed.quiet_answer);
        assert_eq!(dialed.span, timing.digit * 8 + timing.dial_tone + Duration::from_secs(2));
        assert_eq!(read("P55", &timing, 2).span, Duration::from_secs(2));
        let tone = read("TW", &timing, 2);
        assert!(tone.waits && tone.digits.is_empty() && tone.span.is_zero() && !dialed.waits);
    }

    #[test]
    fn emergency_numbers_are_seen_behind_the_outside_prefix_too() {
        let here = Location { outside: "9".to_owned(), ..Location::default() };
        assert!(is_emergency("911", &here) && is_emergency("9911", &here) && is_emergency("9112", &here));
        assert!(!is_emergency("9115550101", &here));
    }
}
