//! What a console said, made fit to be read, matched and kept: no escape sequences, no control or hidden characters,
//! line ends as `\n`, bounded, and without secrets once it leaves the room. What comes through at all, `sieve` says.

use secrecy::{ExposeSecret, SecretString};

use super::sieve::{Mark, Sieve, is_hidden};

/// Bytes that a transcript keeps of its beginning.
pub const HEAD_LEN_MAX: usize = 4 * 1024;
/// Bytes that a transcript keeps of its end.
pub const TAIL_LEN_MAX: usize = 12 * 1024;
/// Longest detail that [`clean_line`] gives, in characters.
pub const DETAIL_LEN_MAX: usize = 200;
/// What stands for a secret.
pub const MASK: &str = "********";

/// More of the beginning is held than is shown, so that a secret that lies across the cut is still seen whole.
const HELD_HEAD_LEN: usize = 2 * HEAD_LEN_MAX;
/// The text is cut back to this when it has grown to twice as much.
const HELD_TAIL_LEN: usize = 2 * TAIL_LEN_MAX;
/// Blanks and line ends that may lie between two characters of an echoed secret (a terminal wraps its lines).
pub(super) const WRAP_LEN_MAX: usize = 4;

/// The text of a session as it grows. Positions are counted from its beginning and stay valid while it is cut.
pub(super) struct Screen {
    sieve: Sieve,
    page: Page,
}

/// The part of [`Screen`] that the marks are written on.
#[derive(Default)]
struct Page {
    head: Option<String>,
    text: String,
    /// Position of the first byte of `text`.
    base: usize,
    /// A CR came, and what follows decides whether it was a line end.
    cr: bool,
    /// A backspace takes back nothing before this.
    floor: usize,
    /// The row to which the cursor was sent, until a line end leaves it unknown.
    row: Option<u16>,
}

impl Page {
    fn push(&mut self, c: char) {
        if self.cr {
            self.cr = false;
            if !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push('\n');
            }
        }
        self.text.push(c);
        if self.text.len() >= 2 * HELD_TAIL_LEN {
            self.cut();
        }
    }

    fn newline(&mut self) {
        self.cr = false;
        self.row = None;
        self.text.push('\n');
        if self.text.len() >= 2 * HELD_TAIL_LEN {
            self.cut();
        }
    }

    /// The cursor goes to a row: what is written there is another line. A console that draws its screen has no line
    /// ends, and goes to and fro within the row of its prompt.
    fn go_to_row(&mut self, row: u16) {
        if self.row != Some(row) {
            self.row = Some(row);
            self.cr = true;
        }
    }

    /// What is written next stands on a fresh line, wherever that is.
    fn leave_row(&mut self) {
        self.row = None;
        self.cr = true;
    }

    fn backspace(&mut self) {
        if self.base + self.text.len() > self.floor && !self.text.ends_with('\n') {
            self.text.pop();
        }
    }

    fn cut(&mut self) {
        if self.head.is_none() {
            self.head = Some(self.text[..floor_boundary(&self.text, HELD_HEAD_LEN)].to_owned());
        }
        let from = floor_boundary(&self.text, self.text.len() - HELD_TAIL_LEN);
        self.text.drain(..from);
        self.base += from;
    }
}

/// The largest character boundary that is no larger than `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Page {
    fn mark(&mut self, mark: Mark) {
        match mark {
            Mark::Char(c) => self.push(c),
            Mark::Newline => self.newline(),
            Mark::Return => self.cr = true,
            Mark::Tab => self.push(' '),
            Mark::Backspace => self.backspace(),
            Mark::Row(row, _) => self.go_to_row(row),
            Mark::LeaveRow | Mark::EraseRow(2..) | Mark::EraseScreen(2..) => self.leave_row(),
            // Where the cursor goes within its row, and what goes with it, changes nothing of what was said.
            Mark::Right(_)
            | Mark::Left(_)
            | Mark::Column(_)
            | Mark::EraseRow(_)
            | Mark::EraseScreen(_)
            | Mark::Delete(_)
            | Mark::Insert(_) => {}
        }
    }
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { sieve: Sieve::default(), page: Page::default() }
    }

    /// Takes one byte: whole characters, sequences and line ends come out the same however the bytes were cut.
    pub(super) fn feed(&mut self, byte: u8) {
        self.sieve.feed(byte, &mut |mark| self.page.mark(mark));
    }

    /// Lets go of a character that was cut off at the end.
    pub(super) fn flush(&mut self) {
        self.sieve.flush(&mut |mark| self.page.mark(mark));
    }

    /// The position after the last character.
    pub(super) fn end(&self) -> usize {
        self.page.base + self.page.text.len()
    }

    /// Fixes the text so far: backspaces that come later don't take it back.
    pub(super) fn fix(&mut self) -> usize {
        self.page.floor = self.end();
        self.page.floor
    }

    /// What came after a position, as far as it is still held.
    pub(super) fn since(&self, position: usize) -> &str {
        let at = position.saturating_sub(self.page.base);
        &self.page.text[floor_boundary(&self.page.text, at)..]
    }

    /// All of it, bounded, without `secret`.
    pub(super) fn transcript(&self, secret: Option<&SecretString>) -> String {
        let Some(head) = &self.page.head else {
            let text = redact(&self.page.text, secret);
            if text.len() <= HEAD_LEN_MAX + TAIL_LEN_MAX {
                return text;
            }
            let head = &text[..floor_boundary(&text, HEAD_LEN_MAX)];
            let tail = &text[ceil_boundary(&text, text.len() - TAIL_LEN_MAX)..];
            return joined(head, tail);
        };
        // A secret that lies across the end of what is held would be seen in part: that much is left out.
        let secret_len = secret.map_or(0, |secret| secret.expose_secret().chars().count());
        let margin = secret_len * (1 + WRAP_LEN_MAX);
        let head = redact_inside(head, secret, 0, margin);
        let head = &head[..floor_boundary(&head, HEAD_LEN_MAX)];
        let tail = redact_inside(&self.page.text, secret, margin, 0);
        let tail = &tail[ceil_boundary(&tail, tail.len().saturating_sub(TAIL_LEN_MAX))..];
        joined(head, tail)
    }
}

fn joined(head: &str, tail: &str) -> String {
    format!("{}\n[... left out ...]\n{}", head.trim_end_matches('\n'), tail)
}

/// The smallest character boundary that is no smaller than `at`.
fn ceil_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Replaces `secret` wherever it shows up: as it is, wrapped over lines, or cut off at the end of a line after at
/// least half of it.
pub(super) fn redact(text: &str, secret: Option<&SecretString>) -> String {
    redact_inside(text, secret, 0, 0)
}

/// Like [`redact`], without the first `skip` and the last `drop` characters of `text`.
fn redact_inside(text: &str, secret: Option<&SecretString>, skip: usize, drop: usize) -> String {
    let secret = secret.map_or("", |secret| secret.expose_secret());
    // Hidden characters were taken out of the text, so they are not looked for either.
    let secret: Vec<char> = secret.chars().filter(|&c| !is_hidden(c)).collect();
    let Some(&first) = secret.first() else { return text.to_owned() };
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len().saturating_sub(drop) {
        let len = if chars[at] == first { secret_len_at(&chars[at..], &secret) } else { 0 };
        if len > 0 {
            at += len;
            if at > skip {
                out.push_str(MASK);
            }
        } else {
            at += 1;
            if at > skip {
                out.push(chars[at - 1]);
            }
        }
    }
    out
}

/// How many characters of `text` are the secret, or the cut-off beginning of it; 0 if none.
fn secret_len_at(text: &[char], secret: &[char]) -> usize {
    let cut_min = secret.len().div_ceil(2).max(4);
    let mut at = 0;
    for (index, wanted) in secret.iter().enumerate() {
        let before = at;
        if text.get(at) != Some(wanted) && index > 0 {
            while at - before < WRAP_LEN_MAX && matches!(text.get(at), Some(' ' | '\n')) {
                at += 1;
            }
        }
        if text.get(at) != Some(wanted) {
            let is_cut = index >= cut_min && matches!(text.get(before), None | Some('\n'));
            return if is_cut { before } else { 0 };
        }
        at += 1;
    }
    at
}

/// Any text as one short line that is safe in a terminal, a CSV cell and a log: no escape sequences, control or hidden
/// characters; blanks collapsed; cut at [`DETAIL_LEN_MAX`] characters.
pub fn clean_line(text: &str) -> String {
    let mut screen = Screen::new();
    for byte in text.bytes() {
        screen.feed(byte);
    }
    screen.flush();
    let mut line = String::new();
    for word in screen.page.text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > 8 * DETAIL_LEN_MAX {
            break;
        }
    }
    if line.chars().count() > DETAIL_LEN_MAX {
        line = line.chars().take(DETAIL_LEN_MAX - 1).collect();
        line.push('…');
    }
    line
}

#[cfg(test)]
#[path = "transcript/tests.rs"]
mod tests;
