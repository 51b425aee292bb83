//! How the page words figures and times.

use jiff::Timestamp;

use super::super::cell;

/// Text from wherever it comes: one line, nothing in it that acts. Markup is escaped by the template engine.
pub(crate) fn clean(text: &str) -> String {
    cell::one_line(text)
}

/// Seconds with two decimals, with one from a hundred on.
pub(crate) fn seconds(ms: u64) -> String {
    let (whole, hundredths) = ((ms + 5) / 1000, (ms + 5) % 1000 / 10);
    if whole < 100 {
        format!("{whole}.{hundredths:02}")
    } else {
        format!("{}.{}", (ms + 50) / 1000, (ms + 50) % 1000 / 100)
    }
}

/// `2 h 05 min`, `14 min 30 s`, `50 s`.
pub(crate) fn span(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, rest) => format!("{rest} s"),
        (0, minutes, rest) => format!("{minutes} min {rest:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// The time of the day, UTC.
pub(crate) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// Both, to the second.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%F %H:%M:%S").to_string()
}

/// `1 line`, `12 lines`.
pub(crate) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{} {what}s", grouped(number)) }
}

/// `1,204,000`: figures of more than three places are read in groups.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_worded_as_people_read_them() {
        assert_eq!(
            [0, 4, 66, 9_996, 99_990, 99_996, 218_960].map(seconds),
            ["0.00", "0.00", "0.07", "10.00", "99.99", "100.0", "219.0"]
        );
        assert_eq!([50, 870, 7_500].map(span), ["50 s", "14 min 30 s", "2 h 05 min"]);
        assert_eq!([7, 999, 5_000, 1_204_000].map(grouped), ["7", "999", "5,000", "1,204,000"]);
    }
}
