//! Durations as people write them in files: `90s`, `250ms`, `3m`, `1h`, `7d`. A number needs its unit; `0` alone does not.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// Reads `90s`, `1.5s`, `250ms`, `3m`, `2h`, `7d` or `0`. A day is 24 hours.
///
/// # Errors
/// A sentence that says what would be right.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{text}` is no duration; write a number with its unit, as `250ms`, `90s`, `3m`, `1h` or `7d`"
        )
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit_s = match unit.trim() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(number * unit_s).map_err(|_| wrong())
}

/// For `#[serde(with = "...")]`.
pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_needs_its_unit() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse("3m"), Ok(Duration::from_secs(180)));
        assert_eq!(parse("7d"), Ok(Duration::from_secs(168 * 3600)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        for bad in ["90", "s", "", "9 parsecs", "-3s", "1e99h"] {
            assert!(parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
