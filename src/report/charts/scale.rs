//! Axes: where a figure lies, which round figures get a tick, and how durations and rates are told.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A duration as people read it: `870 ms`, `9.2 s`, `1 min 30 s`, `2 h 5 min`.
pub(super) fn ms(ms: f64) -> String {
    match ms {
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 59_950.0 => {
            let text = format!("{:.1}", ms / 1000.0);
            format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
        }
        ms => {
            let seconds = whole((ms / 1000.0).round());
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            match (hours, minutes, seconds) {
                (0, minutes, 0) => format!("{minutes} min"),
                (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
                (hours, 0, _) => format!("{hours} h"),
                (hours, minutes, _) => format!("{hours} h {minutes} min"),
            }
        }
    }
}

/// The whole part of what is not below zero.
#[expect(clippy::cast_sign_loss, reason = "what is below zero is taken for zero")]
pub(super) const fn whole(figure: f64) -> usize {
    figure as usize
}

/// Round steps of at most `count` ticks over `span`: 1, 2 or 5 by a power of ten.
pub(super) fn step(span: f64, count: f64) -> f64 {
    if span.is_nan() || span <= 0.0 {
        return 1.0;
    }
    let raw = span / count;
    let power = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= raw * 0.999).unwrap_or(raw)
}

/// Steps of clocks, s.
const CLOCK_STEPS_S: [i64; 17] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
const DAY_S: i64 = 86_400;

/// The step, s, of at most `count` ticks over `span_s`.
pub(super) fn clock_step(span_s: f64, count: f64) -> i64 {
    let raw = span_s / count.max(1.0);
    CLOCK_STEPS_S
        .into_iter()
        .find(|step| *step as f64 >= raw)
        .unwrap_or_else(|| DAY_S * ((raw / DAY_S as f64).ceil() as i64).max(1))
}

/// The step, ms, of at most `count` ticks over so many ms: round in seconds, minutes or hours.
pub(super) fn duration_step(span_ms: f64, count: f64) -> f64 {
    if span_ms / count <= 500.0 {
        step(span_ms, count)
    } else {
        clock_step(span_ms / 1000.0, count) as f64 * 1000.0
    }
}

/// A time of the day, UTC; with seconds where they are wanted.
pub(super) fn clock(at: Timestamp, seconds: bool) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    if seconds { at.strftime("%H:%M:%S").to_string() } else { at.strftime("%H:%M").to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_as_people_tell_them() {
        let told =
            [0.0, 870.0, 999.6, 9_240.0, 10_000.0, 59_949.0, 59_960.0, 90_000.0, 7_500_000.0, 3_600_000.0];
        let told: Vec<String> = told.into_iter().map(ms).collect();
        let want =
            ["0 ms", "870 ms", "1 s", "9.2 s", "10 s", "59.9 s", "1 min", "1 min 30 s", "2 h 5 min", "1 h"];
        assert_eq!(told, want);
    }

    #[test]
    fn ticks_of_durations_are_round_in_their_units() {
        assert!((duration_step(900.0, 6.0) - 200.0).abs() < 1e-6);
        assert!((duration_step(26_000.0, 8.0) - 5_000.0).abs() < 1e-6);
        assert!((duration_step(240_000.0, 8.0) - 30_000.0).abs() < 1e-6);
    }

    #[test]
    fn steps_are_round_and_not_too_many() {
        for span in [0.3, 1.0, 7.0, 33.6, 99.0, 12_345.0] {
            let step = step(span, 6.0);
            assert!(span / step <= 6.01, "{span}: {step}");
        }
        assert!((step(33.6, 6.0) - 10.0).abs() < 1e-9);
        assert!((step(f64::NAN, 6.0) - 1.0).abs() < 1e-9 && (step(0.0, 6.0) - 1.0).abs() < 1e-9);
        assert_eq!(clock_step(28_800.0, 10.0), 3600);
        assert_eq!(clock_step(30.0, 10.0), 5);
        assert_eq!(clock_step(86_400.0 * 15.0, 10.0), 2 * 86_400);
    }
}
