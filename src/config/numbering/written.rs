//! Numbers as people write them in inventories, read into E.164 by the rules of a country: with trunk prefix or without it,
//! with the country code behind `+`, behind an international prefix, or bare.
//!
//! A number that could mean two lines is refused: a wrong guess would ring a stranger night after night.

use std::collections::BTreeSet;

use super::Numbering;
use crate::config::problem::{list, quoted};
use crate::model::PhoneNumber;

/// Words that an extension begins with.
const EXTENSIONS: [&str; 5] = ["ext", "extension", "x", "durchwahl", "poste"];

impl Numbering {
    /// The number that a text of an inventory means here.
    ///
    /// # Errors
    /// It means none, or more than one; the sentence says what would be right, and goes behind the name of a cell.
    pub fn read(&self, text: &str) -> Result<PhoneNumber, String> {
        let plain = plain(text)?;
        if plain.starts_with('+') {
            let number: PhoneNumber =
                plain.parse().map_err(|error| format!("is {}, which {error}", quoted(text)))?;
            return match self.national_part(&number) {
                Some(national) if !self.is_national(national) => Err(self.no_number(text)),
                _ => Ok(number),
            };
        }
        let mut found = BTreeSet::new();
        if let Some(abroad) = plain.strip_prefix(&self.international_prefix)
            && let Ok(number) = format!("+{abroad}").parse::<PhoneNumber>()
            && self.national_part(&number).is_none_or(|national| self.is_national(national))
        {
            found.insert(number);
        }
        let after_trunk = plain.strip_prefix(&self.trunk_prefix).filter(|_| !self.trunk_prefix.is_empty());
        let after_code = plain.strip_prefix(&self.country_code);
        for national in [Some(plain.as_str()), after_trunk, after_code].into_iter().flatten() {
            if self.is_national(national)
                && let Ok(number) = format!("+{}{national}", self.country_code).parse()
            {
                found.insert(number);
            }
        }
        let mut all = found.iter();
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(only.clone()),
            (None, _) => Err(self.no_number(text)),
            (Some(_), Some(_)) => Err(format!(
                "is {}, which may be {}; write the one that it is",
                quoted(text),
                list(found.iter().map(PhoneNumber::as_str)).replace(" and ", " or ")
            )),
        }
    }

    fn no_number(&self, text: &str) -> String {
        format!(
            "is {}, which is no number of {} (a number there has {}); write numbers of other countries as +<country><number>",
            quoted(text),
            self.country,
            self.national_about
        )
    }
}

/// Its digits, with the `+` in front if there is one; all that people write between them is gone.
fn plain(text: &str) -> Result<String, String> {
    // A quote in front is how spreadsheets are told that a cell is text.
    let mut rest = text.trim().trim_start_matches('\'').trim();
    for scheme in ["tel:", "Tel:", "TEL:"] {
        rest = rest.strip_prefix(scheme).unwrap_or(rest).trim();
    }
    if is_damaged(rest) {
        return Err(format!(
            "is {}: a spreadsheet made a figure of the number, and its last digits are lost; export the column as text",
            quoted(text)
        ));
    }
    if let Some(word) = extension(rest) {
        return Err(format!(
            "is {}, with an extension ({}): a modem needs a number of its own",
            quoted(text),
            quoted(word)
        ));
    }
    let rest = whole_float(rest).unwrap_or(rest);
    // `+44 (0)20 ...`: the zero is for callers at home.
    let without_trunk = rest.replace("(0)", " ");
    let rest = if rest.starts_with('+') { without_trunk.as_str() } else { rest };
    let mut kept = String::with_capacity(rest.len());
    for (at, c) in rest.char_indices() {
        match c {
            '+' if at == 0 => kept.push(c),
            '0'..='9' => kept.push(c),
            ' '
            | '.'
            | '-'
            | '('
            | ')'
            | '/'
            | '\u{a0}'
            | '\u{2009}'
            | '\u{202f}'
            | '\u{2010}'..='\u{2015}' => {}
            ',' | ';' | '|' | '\n' => {
                return Err(format!(
                    "is {}: more than one number? a line has one; others of it go into a column `alternatives`, with `|` between them",
                    quoted(text)
                ));
            }
            other => {
                return Err(format!(
                    "is {}, which holds {}; a number has digits, and ` . - ( ) /` between them",
                    quoted(text),
                    quoted(&other.to_string())
                ));
            }
        }
    }
    Ok(kept)
}

/// `1.91956E+10`, as spreadsheets show long numbers.
fn is_damaged(text: &str) -> bool {
    let Some((figure, power)) = text.split_once(['E', 'e']) else { return false };
    let is_figure = figure.starts_with(|c: char| c.is_ascii_digit())
        && figure.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',');
    let power = power.trim_start_matches('+');
    is_figure && !power.is_empty() && power.chars().all(|c| c.is_ascii_digit())
}

/// `19195550101` of `19195550101.0`, as programs write a column of figures.
fn whole_float(text: &str) -> Option<&str> {
    let (whole, part) = text.split_once('.')?;
    let is_one = whole.len() >= crate::model::number::DIGITS_MIN
        && whole.bytes().all(|b| b.is_ascii_digit())
        && !part.is_empty()
        && part.bytes().all(|b| b == b'0');
    is_one.then_some(whole)
}

/// What stands of an extension at the end, from its word on.
fn extension(text: &str) -> Option<&str> {
    let head = text.trim_end_matches(|c: char| c.is_ascii_digit());
    if head.len() == text.len() {
        return None;
    }
    let head = head.trim_end_matches([' ', '.', ':']);
    if head.ends_with('#') {
        return Some(&text[head.len() - 1..]);
    }
    let before = head.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let word = &head[before.len()..];
    let is_one = EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(word));
    (is_one && before.bytes().any(|b| b.is_ascii_digit())).then(|| &text[before.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::library::{Known, Library};
    use crate::config::numbering::NumberingFile;
    use proptest::prelude::*;

    fn rules(name: &str) -> Numbering {
        Library::built_in().load::<NumberingFile>(name).unwrap()
    }

    fn read(country: &str, text: &str) -> String {
        rules(country).read(text).map_or_else(|why| why, |number| number.to_string())
    }

    #[test]
    fn numbers_are_read_however_people_write_them() {
        for text in [
            "+1 919 555 0101",
            "(919) 555-0101",
            "919.555.0101",
            "1-919-555-0101",
            "19195550101",
            "19195550101.0",
            "919\u{a0}555\u{2011}0101",
            "'+1 (919) 555-0101",
            "tel:+1-919-555-0101",
            "011 1 919 555 0101",
        ] {
            assert_eq!(read("us", text), "+19195550101", "{text:?}");
        }
        for text in
            ["020 7946 0139", "+44 (0)20 7946 0139", "0044 20 7946 0139", "2079460139", "442079460139"]
        {
            assert_eq!(read("gb", text), "+442079460139", "{text:?}");
        }
        assert_eq!(read("gb", "00 1 919 555 0101"), "+19195550101");
        assert_eq!(read("us", "011 44 20 7946 0139"), "+442079460139");
        assert_eq!(read("us", "+44 20 7946 0139"), "+442079460139");
        assert_eq!(read("it", "06 5550 1234"), "+390655501234", "its zero is no trunk prefix");
        assert_eq!(read("de", "030/55501020"), "+493055501020");
        assert_eq!(read("es", "915 550 101"), "+34915550101");
    }

    #[test]
    fn what_means_no_line_or_two_is_refused_in_plain_words() {
        let refused = |country: &str, text: &str, word: &str| {
            let why = rules(country).read(text).expect_err(text);
            assert!(why.contains(word), "{text}: {why}");
        };
        refused("us", "555-0101", "no number of US");
        refused("us", "1.91956E+10", "export the column as text");
        refused("us", "1,91956E10", "export the column as text");
        refused("us", "919 555 0101 x12", "extension");
        refused("us", "919 555 0101 ext. 12", "extension");
        refused("us", "919 555 0101#12", "extension");
        refused("us", "919 555 0101 / 919 555 0102", "no number of US");
        refused("us", "919 555 0101, 919 555 0102", "more than one number");
        refused("us", "919-CALL-OOB", "holds `C`");
        refused("us", "+1 919 555 010", "no number of US");
        refused("us", "+0 919 555 0101", "country code that begins with 0");
        refused("us", "", "no number of US");
        refused("us", "911", "no number of US");
        // With the country code, or a number of Westerland's area.
        refused("de", "4930 5550102", "`+49305550102` or `+4949305550102`");
    }

    proptest! {
        #[test]
        fn whatever_a_cell_holds_it_is_a_number_of_some_country_or_refused(text in "\\PC{0,40}") {
            for name in Library::built_in().names(Known::Numbering) {
                let rules = rules(&name);
                if let Ok(number) = rules.read(&text) {
                    prop_assert!(rules.national_part(&number).is_none_or(|national| rules.is_national(national)));
                }
            }
        }

        #[test]
        fn what_was_read_reads_the_same_again(digits in "[0-9]{4,16}") {
            for name in ["us", "gb", "de", "it", "fr", "in"] {
                let rules = rules(name);
                if let Ok(number) = rules.read(&digits) {
                    prop_assert_eq!(rules.read(number.as_str()), Ok(number));
                }
            }
        }
    }
}
