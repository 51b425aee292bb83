//! Takes a console's bytes apart into printable characters and the few motions that have a meaning for text. Everything
//! else (escape sequences, control and hidden characters, what noise began) stays in the sieve. What is made of the
//! marks is the business of `transcript`, which keeps a text, and of `row`, which keeps a line as it is edited.

/// Longest escape sequence in bytes; what has not ended by then was noise and is given up.
pub(super) const ESCAPE_LEN_MAX: usize = 256;

/// What comes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// A printable character.
    Char(char),
    /// LF, VT or FF.
    Newline,
    /// CR.
    Return,
    /// A tabulator.
    Tab,
    /// The cursor goes one to the left.
    Backspace,
    /// The cursor goes to a row, from 1, and to a column of it, from 1.
    Row(u16, Option<u16>),
    /// The cursor goes to another row, wherever that is.
    LeaveRow,
    /// The cursor goes so far to the right.
    Right(u16),
    /// The cursor goes so far to the left.
    Left(u16),
    /// The cursor goes to a column, from 1.
    Column(u16),
    /// What is erased of the row: 0 from the cursor on, 1 up to the cursor, 2 all of it.
    EraseRow(u16),
    /// What is erased of the screen: 0 from the cursor on, 1 up to the cursor, 2 and above all of it.
    EraseScreen(u16),
    /// So many characters go at the cursor.
    Delete(u16),
    /// So many blanks come at the cursor.
    Insert(u16),
}

/// Marks that change the order of characters, or show nothing at all: they could hide or disguise what is written.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The sieve.
#[derive(Default)]
pub(super) struct Sieve {
    parser: vte::Parser,
    /// Bytes since an ESC that has not come to its end; 0 outside of a sequence.
    escape_len: usize,
}

impl Sieve {
    /// Takes one byte: whole characters, sequences and line ends come out the same however the bytes were cut.
    pub(super) fn feed(&mut self, byte: u8, to: &mut impl FnMut(Mark)) {
        // A sequence that noise began must not swallow the prompt after it: a line end or too great a length ends it.
        if self.escape_len > ESCAPE_LEN_MAX || (self.escape_len > 0 && matches!(byte, b'\r' | b'\n')) {
            self.parser = vte::Parser::new();
            self.escape_len = 0;
        }
        let mut holes = Holes { to, sequence_ended: false };
        self.parser.advance(&mut holes, &[byte]);
        let ended = holes.sequence_ended;
        if byte == 0x1b {
            self.escape_len = 1;
        } else if ended {
            self.escape_len = 0;
        } else if self.escape_len > 0 {
            self.escape_len += 1;
        }
    }

    /// Lets go of a character that was cut off at the end.
    pub(super) fn flush(&mut self, to: &mut impl FnMut(Mark)) {
        self.parser.advance(&mut Holes { to, sequence_ended: false }, b"\0");
    }
}

/// What the parser hands its finds to.
struct Holes<'a, F> {
    to: &'a mut F,
    /// The sequence that began has ended.
    sequence_ended: bool,
}

impl<F: FnMut(Mark)> vte::Perform for Holes<'_, F> {
    fn print(&mut self, c: char) {
        self.sequence_ended = true;
        if !c.is_control() && !is_hidden(c) {
            (self.to)(Mark::Char(c));
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' | 0x0b | 0x0c => (self.to)(Mark::Newline),
            b'\r' => (self.to)(Mark::Return),
            b'\t' => (self.to)(Mark::Tab),
            0x08 => (self.to)(Mark::Backspace),
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
        let mut given = params.iter().map(|param| param.first().copied().unwrap_or_default());
        let (first, second) = (given.next().unwrap_or_default(), given.next().unwrap_or_default());
        let mark = match action {
            // CUP and HVP; VPA
            'H' | 'f' => Mark::Row(first.max(1), Some(second.max(1))),
            'd' => Mark::Row(first.max(1), None),
            // CUU, CUD, CNL, CPL
            'A' | 'B' | 'E' | 'F' => Mark::LeaveRow,
            // CUF, CUB, CHA and HPA
            'C' => Mark::Right(first.max(1)),
            'D' => Mark::Left(first.max(1)),
            'G' | '`' => Mark::Column(first.max(1)),
            // ED, EL, DCH, ICH
            'J' => Mark::EraseScreen(first),
            'K' => Mark::EraseRow(first),
            'P' => Mark::Delete(first.max(1)),
            '@' => Mark::Insert(first.max(1)),
            _ => return,
        };
        (self.to)(mark);
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        self.sequence_ended = true;
        // IND and NEL
        if intermediates.is_empty() && matches!(byte, b'D' | b'E') {
            (self.to)(Mark::LeaveRow);
        }
    }
}
