//! A page of text for people: headings, words that are broken at blanks, colour where it is wanted.

use unicode_width::UnicodeWidthStr;

use crate::model::Verdict;

/// Least width that a text is laid out for; a narrower terminal wraps by itself.
const WIDTH_MIN: usize = 40;

/// How a text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With ANSI colours.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

/// ANSI colours, by their number.
#[derive(Debug, Clone, Copy)]
pub enum Paint {
    /// Stands out.
    Bold = 1,
    /// Bad.
    Red = 31,
    /// Good.
    Green = 32,
    /// To be watched.
    Yellow = 33,
    /// Not known.
    Magenta = 35,
}

impl Paint {
    /// The colour of a result.
    pub const fn of(result: Verdict) -> Self {
        match result {
            Verdict::Pass => Self::Green,
            Verdict::Degraded => Self::Yellow,
            Verdict::Fail => Self::Red,
            Verdict::Untested => Self::Magenta,
        }
    }
}

/// A page while it is written.
#[derive(Debug)]
pub struct Page {
    out: String,
    colour: bool,
    width: usize,
}

impl Page {
    /// An empty one.
    pub fn new(style: Style) -> Self {
        Self { out: String::new(), colour: style.colour, width: style.width.max(WIDTH_MIN) }
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.out
    }

    /// A line as it is.
    pub fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// A line in a colour.
    pub fn painted(&mut self, text: &str, paint: Option<Paint>) {
        match paint.filter(|_| self.colour) {
            Some(paint) => self.line(&format!("\u{1b}[{}m{text}\u{1b}[0m", paint as u8)),
            None => self.line(text),
        }
    }

    /// A heading, with an empty line before it.
    pub fn heading(&mut self, text: &str) {
        self.line("");
        self.painted(text, Some(Paint::Bold));
    }

    /// Words, indented and broken at blanks; a word that is too long stands alone.
    pub fn wrapped(&mut self, indent: usize, text: &str) {
        self.hanging(indent, indent, text);
    }

    /// The same, with the rows behind the first indented by `hang`.
    pub fn hanging(&mut self, indent: usize, hang: usize, text: &str) {
        let mut row = " ".repeat(indent);
        let mut columns = indent;
        let mut bare = true;
        for word in text.split_whitespace() {
            let width = word.width();
            if !bare && columns + 1 + width > self.width {
                self.line(&row);
                row = " ".repeat(hang);
                columns = hang;
                bare = true;
            }
            if !bare {
                row.push(' ');
                columns += 1;
            }
            row.push_str(word);
            columns += width;
            bare = false;
        }
        if !bare {
            self.line(&row);
        }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.width
    }
}
