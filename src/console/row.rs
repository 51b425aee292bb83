//! The line that a console is writing, with its cursor, as it would stand on a terminal: prompts are edited in place. Only
//! one line is kept; a program that draws a whole screen is read line by line.

use super::sieve::Mark;

/// Longest line in characters; a longer one is broken there.
const ROW_LEN_MAX: usize = 2048;
/// Columns from one tabulator stop to the next.
const TAB: usize = 8;

/// The line.
#[derive(Debug, Default)]
pub(super) struct Row {
    cells: Vec<char>,
    cursor: usize,
    /// The row to which the cursor was sent, until a line end leaves it unknown.
    number: Option<u16>,
    /// The next character stands on another line.
    left: bool,
}

impl Row {
    /// Its characters.
    pub(super) fn cells(&self) -> &[char] {
        &self.cells
    }

    /// Where the cursor stands; it may be beyond the end.
    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Takes a mark. A line that has ended with it is given back.
    pub(super) fn take(&mut self, mark: Mark) -> Option<Vec<char>> {
        match mark {
            Mark::Char(c) => return self.write(c),
            Mark::Newline => {
                self.number = None;
                return Some(self.end());
            }
            Mark::Return => self.cursor = 0,
            Mark::Tab => self.go_to(self.cursor - self.cursor % TAB + TAB),
            Mark::Backspace => self.cursor = self.cursor.saturating_sub(1),
            Mark::Row(number, column) => {
                if self.number != Some(number) {
                    self.left |= !self.cells.is_empty();
                }
                self.number = Some(number);
                if let Some(column) = column {
                    self.go_to(usize::from(column) - 1);
                }
            }
            Mark::LeaveRow | Mark::EraseScreen(2..) => {
                self.number = None;
                self.left |= !self.cells.is_empty();
            }
            Mark::Right(by) => self.go_to(self.cursor + usize::from(by)),
            Mark::Left(by) => self.cursor = self.cursor.saturating_sub(usize::from(by)),
            Mark::Column(column) => self.go_to(usize::from(column) - 1),
            // What else is meant of the line is not known once it was left.
            _ if self.left => {}
            Mark::EraseRow(0) | Mark::EraseScreen(0) => self.cells.truncate(self.cursor),
            Mark::EraseRow(1) | Mark::EraseScreen(1) => {
                let end = (self.cursor + 1).min(self.cells.len());
                self.cells[..end].fill(' ');
            }
            Mark::EraseRow(_) => self.cells.clear(),
            Mark::Delete(count) => {
                let from = self.cursor.min(self.cells.len());
                let to = (from + usize::from(count)).min(self.cells.len());
                self.cells.drain(from..to);
            }
            Mark::Insert(count) => {
                if self.cursor < self.cells.len() {
                    let blanks = usize::from(count).min(ROW_LEN_MAX - self.cells.len());
                    self.cells.splice(self.cursor..self.cursor, std::iter::repeat_n(' ', blanks));
                }
            }
        }
        None
    }

    /// Ends the line as it stands.
    pub(super) fn end(&mut self) -> Vec<char> {
        self.left = false;
        self.cursor = 0;
        std::mem::take(&mut self.cells)
    }

    fn go_to(&mut self, column: usize) {
        self.cursor = column.min(ROW_LEN_MAX - 1);
    }

    fn write(&mut self, c: char) -> Option<Vec<char>> {
        let ended = if self.left || self.cursor >= ROW_LEN_MAX {
            let column = if self.left { self.cursor } else { 0 };
            let ended = self.end();
            self.cursor = column;
            Some(ended)
        } else {
            None
        };
        while self.cells.len() <= self.cursor {
            self.cells.push(' ');
        }
        self.cells[self.cursor] = c;
        self.cursor += 1;
        ended
    }
}
