//! Text made safe for where it goes: a table's cell, a line of a terminal, a transcript.
//!
//! Far ends are strangers. Whoever heard them has cleaned what they said; here it is cleaned again, since this is the
//! last place before a spreadsheet or a terminal sees it.

/// What stands for a character that must not be shown.
const REPLACEMENT: char = '\u{fffd}';
/// What makes a spreadsheet take a cell for a formula; the wide forms count as well.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Whether a character acts instead of showing itself: control characters (C1 too), direction marks, zero-width ones,
/// line and paragraph separators, the byte-order mark, and the invisible tags.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line without anything that acts: line ends and tabs become blanks, the rest U+FFFD.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if acts(c) => REPLACEMENT,
            c => c,
        })
        .collect()
}

/// Lines without anything that acts; line ends are LF, tabs stay.
pub(super) fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\r' => '\n',
            c if acts(c) => REPLACEMENT,
            c => c,
        })
        .collect()
}

/// Free text for a cell: one line, and nothing that a spreadsheet takes for a formula.
///
/// An apostrophe goes before a formula character at the beginning, and also after a `;`: where a spreadsheet's own
/// separator is the semicolon, a new cell begins there.
pub fn text(raw: &str) -> String {
    let clean = one_line(raw);
    let mut out = String::with_capacity(clean.len() + 1);
    if raw.starts_with(['\t', '\r']) && !begins_formula(&clean) {
        out.push('\'');
    }
    for (i, part) in clean.split(';').enumerate() {
        if i > 0 {
            out.push(';');
        }
        if begins_formula(part) {
            out.push('\'');
        }
        out.push_str(part);
    }
    out
}

/// Blanks and quotes before a formula character do not hide it from every spreadsheet.
fn begins_formula(part: &str) -> bool {
    part.trim_start_matches([' ', '"', '\u{a0}']).starts_with(FORMULA)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_get_an_apostrophe_and_words_do_not() {
        for (raw, safe) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1+1", "'+1+1"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("\rx", "' x"),
            ("  =1", "'  =1"),
            ("\"=1", "'\"=1"),
            ("＝1", "'＝1"),
            ("busy; =1", "busy;' =1"),
            ("router> said \"no\"", "router> said \"no\""),
            ("rate 2400-4800; noisy", "rate 2400-4800; noisy"),
            ("", ""),
        ] {
            assert_eq!(text(raw), safe, "{raw:?}");
        }
    }

    #[test]
    fn what_acts_is_replaced() {
        assert_eq!(
            one_line("a\r\nb\tc\u{1b}[31m\u{9b}\u{202e}\u{200b}é"),
            "a  b c\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}é"
        );
        assert_eq!(lines("a\r\nb\rc\td\u{7}"), "a\nb\nc\td\u{fffd}");
    }

    proptest! {
        #[test]
        fn no_text_makes_a_cell_that_acts(raw in "\\PC*|[\\x00-\\x20=+@;\"'\\-]{0,12}|.*") {
            let cell = text(&raw);
            prop_assert!(!cell.chars().any(acts));
            for part in cell.split(';') {
                prop_assert!(!part.trim_start_matches([' ', '"']).starts_with(FORMULA), "{:?}", cell);
            }
            prop_assert_eq!(lines(&lines(&raw)), lines(&raw));
        }
    }
}
