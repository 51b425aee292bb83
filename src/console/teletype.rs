//! What a console says, for a terminal that stands at it: printable characters, CR, LF and backspaces, nothing else. Lines
//! are edited in place as the far end edits them, by motions of our own making, so no sequence of the far end's comes
//! through.
//!
//! Backspaces can't leave the row of the terminal on which the cursor stands. A line that fills more than one is written
//! anew on a fresh row if anything but its end changes.

use std::time::Duration;

use secrecy::SecretString;
use unicode_width::UnicodeWidthChar as _;

use super::row::Row;
use super::sieve::{Mark, Sieve};
use super::veil::Veil;
use crate::model::Mono;

/// Rest after which what may have been the beginning of a secret is shown: the echo of a key is not waited for longer.
const REST: Duration = Duration::from_millis(120);
/// Columns of a terminal of which nothing is known.
const WIDTH: u16 = 80;
/// No terminal is narrower than this; a smaller figure means that it does not know.
const WIDTH_MIN: u16 = 8;

/// The teletype.
pub struct Teletype {
    sieve: Sieve,
    veil: Veil,
    row: Row,
    paper: Paper,
    rest_at: Option<Mono>,
}

impl std::fmt::Debug for Teletype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teletype").field("width", &self.paper.width).finish_non_exhaustive()
    }
}

impl Teletype {
    /// One that begins on a fresh row of a terminal.
    pub fn new() -> Self {
        Self {
            sieve: Sieve::default(),
            veil: Veil::default(),
            row: Row::default(),
            paper: Paper { width: WIDTH, ..Paper::default() },
            rest_at: None,
        }
    }

    /// Masks a secret from here on.
    pub fn mask(&mut self, secret: &SecretString) {
        self.veil.add(secret);
    }

    /// The terminal is so many columns wide from here on; 0 is taken for one that does not know.
    pub fn width(&mut self, columns: u16) {
        let columns = if columns < WIDTH_MIN { WIDTH } else { columns };
        // A row that was wrapped was wrapped anew, or cut, as the terminal likes.
        self.paper.wrapped |= span(&self.paper.cells) >= usize::from(self.paper.width.min(columns));
        self.paper.width = columns;
    }

    /// Takes what came at `now`, and gives what to write.
    pub fn take(&mut self, now: Mono, bytes: &[u8]) -> String {
        let Self { sieve, veil, row, paper, .. } = self;
        for &byte in bytes {
            sieve.feed(byte, &mut |mark| veil.take(mark, &mut |mark| write(row, paper, mark)));
        }
        self.rest_at = self.veil.holds().then(|| now + REST);
        self.shown()
    }

    /// When [`Self::rest`] is due.
    pub fn deadline(&self) -> Option<Mono> {
        self.rest_at
    }

    /// The output may have rested: what was held back is shown.
    pub fn rest(&mut self, now: Mono) -> String {
        if self.rest_at.take_if(|at| *at <= now).is_none() {
            return String::new();
        }
        self.end()
    }

    /// Nothing more comes: what is held back is shown.
    pub fn end(&mut self) -> String {
        self.rest_at = None;
        let Self { veil, row, paper, .. } = self;
        veil.flush(&mut |mark| write(row, paper, mark));
        self.shown()
    }

    fn shown(&mut self) -> String {
        self.paper.show(self.row.cells(), self.row.cursor());
        std::mem::take(&mut self.paper.out)
    }
}

impl Default for Teletype {
    fn default() -> Self {
        Self::new()
    }
}

fn write(row: &mut Row, paper: &mut Paper, mark: Mark) {
    if let Some(ended) = row.take(mark) {
        paper.show(&ended, ended.len());
        paper.newline();
    }
}

/// Columns that characters take.
fn span(cells: &[char]) -> usize {
    cells.iter().map(|c| c.width().unwrap_or(0)).sum()
}

/// The row of the terminal as it was written.
#[derive(Default)]
struct Paper {
    width: u16,
    cells: Vec<char>,
    cursor: usize,
    /// The line takes more than one row, or did before the terminal was made narrower.
    wrapped: bool,
    out: String,
}

impl Paper {
    fn newline(&mut self) {
        self.out.push_str("\r\n");
        self.cells.clear();
        self.cursor = 0;
        self.wrapped = false;
    }

    fn back(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n('\u{8}', columns));
    }

    /// Makes the row show `cells`, with the cursor at `cursor`.
    fn show(&mut self, cells: &[char], cursor: usize) {
        // A cursor beyond the end stands on blanks.
        let mut wanted = cells.to_vec();
        while wanted.len() < cursor {
            wanted.push(' ');
        }
        let common = self.cells.iter().zip(&wanted).take_while(|(had, wants)| had == wants).count();
        let is_same = common == self.cells.len() && common == wanted.len();
        if is_same && self.cursor == cursor {
            return;
        }
        let grows = common == self.cells.len() && self.cursor == common && cursor == wanted.len();
        if !grows {
            let fits = span(&self.cells).max(span(&wanted)) < usize::from(self.width);
            if self.wrapped || !fits {
                self.newline();
                self.out.extend(&wanted);
                let after = span(&wanted[cursor..]);
                // The cursor can go back within its last row alone.
                let in_row = span(&wanted).checked_rem(usize::from(self.width)).unwrap_or_default();
                if after <= in_row {
                    self.back(after);
                }
                self.wrapped = !fits;
                (self.cells, self.cursor) = (wanted, cursor);
                return;
            }
        }
        if is_same {
            self.go(cursor);
            return;
        }
        self.go(common);
        let (had, wants) = (span(&self.cells[common..]), span(&wanted[common..]));
        self.out.extend(&wanted[common..]);
        let rest = had.saturating_sub(wants);
        self.out.extend(std::iter::repeat_n(' ', rest));
        self.back(rest + span(&wanted[cursor..]));
        self.wrapped |= span(&wanted) >= usize::from(self.width);
        (self.cells, self.cursor) = (wanted, cursor);
    }

    /// Moves the cursor within what is shown.
    fn go(&mut self, to: usize) {
        if to < self.cursor {
            self.back(span(&self.cells[to..self.cursor]));
        } else {
            self.out.extend(&self.cells[self.cursor..to]);
        }
        self.cursor = to;
    }
}

#[cfg(test)]
#[path = "teletype/tests.rs"]
mod tests;
