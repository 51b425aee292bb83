//! What a console said, made fit to be read, matched and kept: no escape sequences, no control or hidden characters,
//! line ends as `\n`, bounded, and without secrets once it leaves the room.

use secrecy::{ExposeSecret, SecretString};

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
/// Longest escape sequence in bytes; what has not ended by then was noise and is given up.
const ESCAPE_LEN_MAX: usize = 256;
/// Blanks and line ends that may lie between two characters of an echoed secret (a terminal wraps its lines).
const WRAP_LEN_MAX: usize = 4;

/// The text of a session as it grows. Positions are counted from its beginning and stay valid while it is cut.
pub(super) struct Screen {
    parser: vte::Parser,
    page: Page,
    /// Bytes since an ESC that has not come to its end; 0 outside of a sequence.
    escape_len: usize,
}

/// The part of [`Screen`] that the parser writes on.
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
    /// The sequence that began has ended.
    sequence_ended: bool,
    /// The row to which the cursor was sent, until a line end leaves it unknown.
    row: Option<u16>,
}

/// Marks that change the order of characters, or show nothing at all: they could hide or disguise what is written.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
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

impl vte::Perform for Page {
    fn print(&mut self, c: char) {
        self.sequence_ended = true;
        if !c.is_control() && !is_hidden(c) {
            self.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' | 0x0b | 0x0c => self.newline(),
            b'\r' => self.cr = true,
            b'\t' => self.push(' '),
            0x08 => self.backspace(),
            // CAN and SUB end a sequence.
            0x18 | 0x1a => self.sequence_ended = true,
            _ => {}
        }
    }

    fn unhook(&mut self) {
        self.sequence_ended = true;
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.sequence_ended = true;
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _: bool, action: char) {
        self.sequence_ended = true;
        if !intermediates.is_empty() {
            return;
        }
        let first = params.iter().next().and_then(|param| param.first()).copied().unwrap_or_default();
        match action {
            // CUP, HVP, VPA
            'H' | 'f' | 'd' => self.go_to_row(first.max(1)),
            // CUU, CUD, CNL, CPL; ED of the whole screen; EL of the whole line
            'A' | 'B' | 'E' | 'F' => self.leave_row(),
            'J' | 'K' if first >= 2 => self.leave_row(),
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        self.sequence_ended = true;
        // IND and NEL
        if intermediates.is_empty() && matches!(byte, b'D' | b'E') {
            self.leave_row();
        }
    }
}

impl Screen {
    pub(super) fn new() -> Self {
        Self { parser: vte::Parser::new(), page: Page::default(), escape_len: 0 }
    }

    /// Takes one byte: whole characters, sequences and line ends come out the same however the bytes were cut.
    pub(super) fn feed(&mut self, byte: u8) {
        // A sequence that noise began must not swallow the prompt after it: a line end or too great a length ends it.
        if self.escape_len > ESCAPE_LEN_MAX || (self.escape_len > 0 && matches!(byte, b'\r' | b'\n')) {
            self.parser = vte::Parser::new();
            self.escape_len = 0;
        }
        self.page.sequence_ended = false;
        self.parser.advance(&mut self.page, &[byte]);
        if byte == 0x1b {
            self.escape_len = 1;
        } else if self.page.sequence_ended {
            self.escape_len = 0;
        } else if self.escape_len > 0 {
            self.escape_len += 1;
        }
    }

    /// Lets go of a character that was cut off at the end.
    pub(super) fn flush(&mut self) {
        self.parser.advance(&mut self.page, b"\0");
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
