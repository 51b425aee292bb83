//! Money as people write it: `"1.25"`, `"0.0375"`; never a floating figure.

use crate::config::problem::quoted;
use crate::model::Micros;

/// Digits behind the point that are exact.
const DECIMALS: usize = 6;
/// Most digits before it.
const WHOLE_DIGITS_MAX: usize = 12;

/// Reads `1.25`.
///
/// # Errors
/// A sentence that says what would be right.
pub fn money(text: &str) -> Result<Micros, String> {
    let text = text.trim();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if text.starts_with('-') && digits(&whole[1..]) && digits(rest) {
        return Err(format!("is {}; a price is never below zero", quoted(text)));
    }
    let right = !whole.is_empty() && digits(whole) && digits(rest) && !text.ends_with('.');
    if !right {
        let hint = if text.contains(',') { " (a point, no comma)" } else { "" };
        return Err(format!(
            "is {}; write an amount in quotes, as `\"0.05\"`{hint}, without a currency",
            quoted(text)
        ));
    }
    if rest.len() > DECIMALS {
        return Err(format!("is {}; at most {DECIMALS} digits stand behind the point", quoted(text)));
    }
    if whole.len() > WHOLE_DIGITS_MAX {
        return Err(format!("is {}; that is more than any call can cost", quoted(text)));
    }
    let figure = |part: &str| part.parse::<u64>().unwrap_or_default();
    Ok(Micros(figure(whole) * 1_000_000 + figure(&format!("{rest:0<DECIMALS$}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_read_as_they_are_written() {
        for (text, micros) in
            [("0", 0), ("1.25", 1_250_000), ("0.0375", 37_500), ("007", 7_000_000), ("0.000001", 1)]
        {
            assert_eq!(money(text), Ok(Micros(micros)), "{text}");
        }
        assert_eq!(money("999999999999.999999").unwrap().to_string(), "999999999999.999999");
    }

    #[test]
    fn what_is_no_amount_is_told_with_what_would_be_right() {
        for (text, said) in [
            ("", "write an amount"),
            ("0,05", "(a point, no comma)"),
            ("0.05 USD", "without a currency"),
            (".5", "write an amount"),
            ("5.", "write an amount"),
            ("1e3", "write an amount"),
            ("-1", "never below zero"),
            ("1.2.3", "write an amount"),
            ("0.0000001", "6 digits"),
            ("1234567890123", "more than any call"),
            ("\u{0661}", "write an amount"),
        ] {
            let error = money(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
