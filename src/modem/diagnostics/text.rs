//! What all reports have in common: labels, values, and how strictly a value is read.
//!
//! A figure that is garbled, out of range, or told twice and differently is no figure: a wrong one could judge a line.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::model::Diagnostics;

/// Most entries of [`Diagnostics::more`].
pub const MORE_MAX: usize = 64;
/// Longest key there, in characters.
pub const MORE_KEY_LEN_MAX: usize = 40;
/// Longest value there, and longest cause, in characters.
pub const MORE_VALUE_LEN_MAX: usize = 60;

/// Words that may stand behind a figure.
const UNITS: [&str; 12] =
    ["bps", "bit/s", "bits/s", "baud", "db", "dbm", "-dbm", "ms", "msec", "hz", "ppm", "sec"];

/// The labels of a report with their values.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// `None` where a label came twice with different values.
    values: BTreeMap<String, Option<String>>,
}

/// A figure behind a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// The label is not there.
    Missing,
    /// It is there, and what stands behind it is no figure within its range.
    Garbled,
    /// The figure.
    Of(u32),
}

impl Figure {
    /// The figure, if there is one.
    pub(super) const fn value(self) -> Option<u32> {
        match self {
            Self::Of(value) => Some(value),
            Self::Missing | Self::Garbled => None,
        }
    }

    /// The sum of two figures that count the same thing at both ends. One that is not told adds nothing; one that is
    /// garbled makes the sum unknown.
    pub(super) const fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Garbled, _) | (_, Self::Garbled) => Self::Garbled,
            (Self::Missing, one) | (one, Self::Missing) => one,
            (Self::Of(a), Self::Of(b)) => Self::Of(a.saturating_add(b)),
        }
    }
}

impl Fields {
    /// Reads `label value` columns, parted by dots, blanks, `:` or `=`. `known` are the labels that the report is known
    /// to have, in small letters: they are found even where one blank alone stands before their value.
    pub(super) fn read(lines: &[String], known: &[&str]) -> Self {
        let mut fields = Self::default();
        for line in lines {
            let line = ascii(line);
            let mut rest = line.trim();
            while !rest.is_empty() {
                rest = fields.column(rest, known).trim_start();
            }
        }
        fields
    }

    /// Reads one column and gives what stands behind it.
    fn column<'a>(&mut self, text: &'a str, known: &[&str]) -> &'a str {
        let found = known
            .iter()
            .filter_map(|label| Some((*label, label_len(text, label)?)))
            .max_by_key(|(_, len)| *len);
        let (label, behind) = match found {
            Some((label, len)) => (label.to_owned(), skip_unit(&text[len..])),
            None => {
                match text.find([':', '=']).into_iter().chain(text.find("  ")).chain(text.find("..")).min() {
                    Some(end) => (text[..end].to_ascii_lowercase(), &text[end..]),
                    // A headline, or a lone word.
                    None => return "",
                }
            }
        };
        let behind = behind.trim_start_matches([' ', '.', ':', '=']);
        let (value, rest) = behind.split_once("  ").unwrap_or((behind, ""));
        self.insert(label.trim(), value.trim());
        rest
    }

    fn insert(&mut self, label: &str, value: &str) {
        if label.is_empty() || value.is_empty() || self.values.len() >= MORE_MAX {
            return;
        }
        self.values
            .entry(label.to_owned())
            .and_modify(|known| {
                if known.as_deref() != Some(value) {
                    *known = None;
                }
            })
            .or_insert_with(|| Some(value.to_owned()));
    }

    /// The text behind a label.
    pub(super) fn text(&self, label: &str) -> Option<&str> {
        self.values.get(label)?.as_deref()
    }

    /// The figure behind a label.
    pub(super) fn figure(&self, label: &str, range: RangeInclusive<u32>) -> Figure {
        match self.values.get(label) {
            None => Figure::Missing,
            Some(value) => value
                .as_deref()
                .and_then(number)
                .filter(|value| range.contains(value))
                .map_or(Figure::Garbled, Figure::Of),
        }
    }

    /// The two figures of `23/16`.
    pub(super) fn pair(&self, label: &str, range: RangeInclusive<u32>) -> (Option<u32>, Option<u32>) {
        let one = |text: &str| number(text.trim()).filter(|value| range.contains(value));
        match self.text(label).and_then(|text| text.split_once('/')) {
            Some((first, second)) => (one(first), one(second)),
            None => (None, None),
        }
    }

    /// All that has no place of its own, into `told`.
    pub(super) fn rest_into(self, taken: &[&str], told: &mut Diagnostics) {
        for (label, value) in self.values {
            if let Some(value) = value
                && !taken.contains(&label.as_str())
            {
                more(told, &label, &value);
            }
        }
    }
}

/// Notes something that has no place of its own: key in kebab-case, both bounded. The first word on a key stands.
pub(super) fn more(told: &mut Diagnostics, key: &str, value: &str) {
    let key = kebab(key);
    let value = cut(value, MORE_VALUE_LEN_MAX);
    let room = told.more.len() < MORE_MAX;
    if room && !value.is_empty() && key.contains(|c: char| c.is_ascii_lowercase()) {
        told.more.entry(key).or_insert(value);
    }
}

/// Text as it may be shown: printable ASCII, one line. Anything else is a `?`, so that it can't vanish from within a figure.
pub(super) fn ascii(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            ' '..='~' => c,
            '\t' => ' ',
            // As one manual prints `-dBm`.
            '\u{2013}' | '\u{2212}' => '-',
            _ => '?',
        })
        .collect()
}

/// The first characters of a text that is ASCII, without blanks at its ends.
pub(super) fn cut(text: &str, most: usize) -> String {
    ascii(text).chars().take(most).collect::<String>().trim().to_owned()
}

/// A decimal figure, with nothing behind it but its unit.
pub(super) fn number(text: &str) -> Option<u32> {
    let mut words = text.split_ascii_whitespace();
    let figure = digits(words.next()?)?;
    words.all(|word| UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))).then_some(figure)
}

/// Digits and nothing else.
pub(super) fn digits(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A level of this many dB below 1 mW. 0 is what a modem prints that has measured nothing.
pub(super) fn level(below: Option<u32>) -> Option<i16> {
    below.filter(|db| (1..=100).contains(db)).and_then(|db| i16::try_from(db).ok()).map(|db| -db)
}

/// How long `label` is at the beginning of `text`: its blanks fit any number of them, and no letter or digit follows.
fn label_len(text: &str, label: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    for wanted in label.bytes() {
        if wanted == b' ' {
            let blanks = bytes[at..].iter().take_while(|b| **b == b' ').count();
            if blanks == 0 {
                return None;
            }
            at += blanks;
        } else {
            if !bytes.get(at)?.eq_ignore_ascii_case(&wanted) {
                return None;
            }
            at += 1;
        }
    }
    match bytes.get(at) {
        None | Some(b' ' | b'.' | b':' | b'=') => Some(at),
        Some(_) => None,
    }
}

/// Past the unit that some labels carry: `Recv/Xmit Level  (-dB)`.
fn skip_unit(text: &str) -> &str {
    let trimmed = text.trim_start();
    match trimmed.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
        Some((unit, behind)) if unit.len() <= 8 => behind,
        _ => text,
    }
}

fn kebab(label: &str) -> String {
    let mut key = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            key.push(c.to_ascii_lowercase());
        } else if !key.is_empty() && !key.ends_with('-') {
            key.push('-');
        }
        if key.len() >= MORE_KEY_LEN_MAX {
            break;
        }
    }
    key.trim_end_matches('-').to_owned()
}
