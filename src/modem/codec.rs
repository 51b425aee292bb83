//! The AT codec: bytes in, tokens out.
//!
//! In command state it reads lines, whatever mixture of CR and LF parts them, with echo or without; after a CONNECT it
//! passes bytes on untouched. It works byte by byte, so that the way in which a stream arrives in pieces can't change
//! what it says. It holds one unfinished line of bounded length and what was not fetched yet; it sends nothing, and what
//! a result means is not its business.

mod late;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use self::late::{Late, LateLines};
use super::profile::Profile;
use super::result_code::ResultCode;

/// Longest line in bytes; a longer one is given out in pieces.
pub const LINE_LEN_MAX: usize = 512;

/// What stays of an overlong line when its first part is given out, so that a CONNECT glued to its end is not cut.
const LINE_TAIL_KEPT: usize = 128;

/// Most bytes of text and data that wait to be fetched; what comes beyond is dropped. Results are kept.
pub const PENDING_BYTES_MAX: usize = 256 * 1024;

/// Most tokens that wait to be fetched, results included.
const PENDING_TOKENS_MAX: usize = 16 * 1024;

/// How many of our own command lines are remembered.
const ECHOES_MAX: usize = 8;

/// Shortest dialed number, in digits, by which a line is recognised as its echo.
const ECHO_DIGITS_MIN: usize = 3;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A result code, or a line on the way to one.
    Result(ResultCode),
    /// A line that is no result: the answer to a question, or noise.
    Info(String),
    /// Bytes from the far end.
    Data(Vec<u8>),
}

/// The codec of one port. `next` of [`Iterator`] fetches the tokens; `None` means "none yet".
pub struct Codec {
    numeric: bool,
    numbers: BTreeMap<u16, String>,
    /// It stays in command state, whatever reads like a CONNECT.
    on_hook: bool,
    online: bool,
    /// Lines about the link may come behind CONNECT.
    link_lines_after_connect: bool,
    /// They are looked for.
    late: Option<LateLines>,
    /// The line end of CONNECT was a CR, so an LF next belongs to it.
    swallow_lf: bool,
    /// A dial command waits for its final result.
    dialing: bool,
    line: Vec<u8>,
    echoes: VecDeque<Echo>,
    tokens: VecDeque<Token>,
    pending_bytes: usize,
}

/// One of our own command lines, which a modem may say back.
struct Echo {
    text: String,
    /// The digits behind ATD, for modems that print the number again.
    digits: Option<String>,
}

impl Codec {
    /// A codec in command state; `numeric` where a modem answers with numbers whatever V says.
    pub const fn new(numeric: bool) -> Self {
        Self {
            numeric,
            numbers: BTreeMap::new(),
            on_hook: false,
            online: false,
            link_lines_after_connect: false,
            late: None,
            swallow_lf: false,
            dialing: false,
            line: Vec::new(),
            echoes: VecDeque::new(),
            tokens: VecDeque::new(),
            pending_bytes: 0,
        }
    }

    /// A codec for modems of this family, its own numeric codes included.
    pub fn for_profile(profile: &Profile) -> Self {
        Self {
            numbers: profile.numbers.clone(),
            link_lines_after_connect: profile.quirks.link_lines_after_connect,
            ..Self::new(profile.quirks.numeric)
        }
    }

    /// The same for a modem that is on-hook and is asked about its last call: a line that reads like a CONNECT is one of a
    /// report, and puts nothing online.
    pub fn for_reports(profile: &Profile) -> Self {
        Self { on_hook: true, ..Self::for_profile(profile) }
    }

    /// Whether bytes are passed on as data.
    pub const fn is_online(&self) -> bool {
        self.online
    }

    /// Says which state the modem is in. A CONNECT switches to data by itself; the way back has to be told.
    pub fn set_online(&mut self, online: bool) {
        if self.online != online {
            self.online = online;
            self.swallow_lf = false;
            self.late = None;
            self.line.clear();
        }
    }

    /// Tells a command line of ours, without its CR: where it comes back, as an echo, it is swallowed. A dial command
    /// also makes every line that holds its number noise, and lines that nobody knows [`ResultCode::Unknown`] until
    /// the dial has its final result.
    pub fn expect_echo(&mut self, command: &str) {
        let text = command.trim().to_ascii_uppercase();
        if text.is_empty() {
            return;
        }
        let digits = text.strip_prefix("ATD").map(digits_of);
        self.dialing = digits.is_some();
        if self.echoes.len() == ECHOES_MAX {
            self.echoes.pop_front();
        }
        self.echoes.push_back(Echo { text, digits: digits.filter(|d| d.len() >= ECHO_DIGITS_MIN) });
    }

    /// [`Self::expect_echo`] for bytes as they were written; what is no command line is passed over.
    pub fn note_written(&mut self, bytes: &[u8]) {
        if self.online {
            return;
        }
        if let Some(command) = bytes.strip_suffix(b"\r").and_then(|line| std::str::from_utf8(line).ok())
            && command.get(..2).is_some_and(|at| at.eq_ignore_ascii_case("AT"))
        {
            self.expect_echo(command);
        }
    }

    /// Forgets an unfinished line and all tokens that were not fetched: what the last call left behind.
    pub fn clear(&mut self) {
        self.line.clear();
        self.tokens.clear();
        self.pending_bytes = 0;
    }

    /// Takes bytes as they arrived.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.online {
                if std::mem::take(&mut self.swallow_lf) && byte == b'\n' {
                    bytes = rest;
                } else if self.late.is_some() {
                    bytes = rest;
                    self.late_byte(byte);
                } else {
                    self.push_data(bytes);
                    return;
                }
                continue;
            }
            bytes = rest;
            self.command_byte(byte);
        }
    }

    /// A byte behind CONNECT, while lines about the link may come.
    fn late_byte(&mut self, byte: u8) {
        match self.late.as_mut().map(|late| late.take(byte)) {
            None | Some(Late::Held) => {}
            Some(Late::Line(code)) => {
                self.swallow_lf = byte == b'\r';
                self.push(Token::Result(code), 0);
            }
            Some(Late::Data(data)) => {
                self.late = None;
                self.push_data(&data);
            }
        }
    }

    fn command_byte(&mut self, byte: u8) {
        match byte {
            b'\r' | b'\n' => {
                let line = std::mem::take(&mut self.line);
                self.read_line(&String::from_utf8_lossy(&line));
                self.swallow_lf = self.online && byte == b'\r';
            }
            b'\t' => self.line.push(b' '),
            // NUL, XON, DLE ETX and the like are no text.
            0..=0x1f | 0x7f => {}
            _ => self.line.push(byte),
        }
        if self.line.len() >= LINE_LEN_MAX {
            let tail = self.line.split_off(self.line.len() - LINE_TAIL_KEPT);
            let head = std::mem::replace(&mut self.line, tail);
            self.push_text(&String::from_utf8_lossy(&head));
        }
    }

    fn read_line(&mut self, raw: &str) {
        let line = raw.trim();
        if line.is_empty() {
            return;
        }
        let upper = line.to_ascii_uppercase();
        let behind_echo = self.echoes.iter().filter_map(|echo| upper.strip_prefix(&echo.text)).map(str::trim);
        let read = behind_echo.clone().find_map(|rest| self.result(rest));
        if read.is_none() && behind_echo.clone().any(str::is_empty) {
            return;
        }
        if let Some(code) = read {
            return self.push_result(code);
        }
        if let Some((before, connect)) = glued_connect(line) {
            if let Some(code) = ResultCode::parse(before) {
                self.push_result(code);
            } else if !self.is_echo(before) {
                self.push_text(before);
            }
            return self.push_result(connect);
        }
        if let Some(code) = self.result(line) {
            return self.push_result(code);
        }
        if !self.is_echo(line) {
            self.push_text(line);
        }
    }

    fn result(&self, text: &str) -> Option<ResultCode> {
        if self.numeric
            && let Ok(number) = text.trim().parse::<u16>()
            && text.trim().len() <= 3
        {
            return self
                .numbers
                .get(&number)
                .and_then(|word| ResultCode::parse(word))
                .or_else(|| ResultCode::from_number(number));
        }
        ResultCode::parse(text)
    }

    /// Whether a line that is no result is one of ours, or holds the dialed number.
    fn is_echo(&self, line: &str) -> bool {
        let digits = digits_of(line);
        self.echoes.iter().any(|echo| {
            line.trim().eq_ignore_ascii_case(&echo.text)
                || echo.digits.as_ref().is_some_and(|dialed| digits.contains(dialed.as_str()))
        })
    }

    fn push_result(&mut self, code: ResultCode) {
        if code.is_final() {
            self.dialing = false;
        }
        if let ResultCode::Connect(_) = code
            && !self.on_hook
        {
            self.online = true;
            self.late = self.link_lines_after_connect.then(LateLines::default);
        }
        self.push(Token::Result(code), 0);
    }

    fn push_text(&mut self, text: &str) {
        let text = text.trim().to_owned();
        if text.is_empty() {
            return;
        }
        let bytes = text.len();
        if self.dialing {
            self.push(Token::Result(ResultCode::Unknown(text)), bytes);
        } else {
            self.push(Token::Info(text), bytes);
        }
    }

    fn push_data(&mut self, bytes: &[u8]) {
        let room = PENDING_BYTES_MAX.saturating_sub(self.pending_bytes).min(bytes.len());
        let Some(bytes) = bytes.get(..room).filter(|bytes| !bytes.is_empty()) else {
            return;
        };
        if let Some(Token::Data(last)) = self.tokens.back_mut() {
            last.extend_from_slice(bytes);
            self.pending_bytes += bytes.len();
        } else {
            self.push(Token::Data(bytes.to_vec()), bytes.len());
        }
    }

    /// Queues a token that weighs this many bytes.
    fn push(&mut self, token: Token, bytes: usize) {
        let fits = bytes == 0 || self.pending_bytes.saturating_add(bytes) <= PENDING_BYTES_MAX;
        if fits && self.tokens.len() < PENDING_TOKENS_MAX {
            self.pending_bytes += bytes;
            self.tokens.push_back(token);
        }
    }
}

impl Iterator for Codec {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.pop_front()?;
        self.pending_bytes -= match &token {
            Token::Result(ResultCode::Unknown(text)) | Token::Info(text) => text.len(),
            Token::Data(bytes) => bytes.len(),
            Token::Result(_) => 0,
        };
        Some(token)
    }
}

impl fmt::Debug for Codec {
    /// Without the echoes, which hold dial strings in clear.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codec")
            .field("online", &self.online)
            .field("dialing", &self.dialing)
            .field("line_len", &self.line.len())
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

/// Whether data that came while online ends with the modem's own word that the carrier is gone: a framed `NO CARRIER`
/// at the very end of `tail`. Within the flow it would be a far console's text.
pub fn online_end(tail: &[u8]) -> bool {
    tail.ends_with(b"\r\nNO CARRIER\r\n")
}

fn digits_of(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#')).collect()
}

/// A CONNECT behind other text without a line end between them: the echo of a dial command, RINGING, line noise.
///
/// Behind a word it is that word's (`DISCONNECT`, `UNABLE TO CONNECT`), and with a word behind it no result
/// (`CONNECT FAILED`): only plain forms are looked for in the middle of a line.
fn glued_connect(line: &str) -> Option<(&str, ResultCode)> {
    const WORD: &str = "CONNECT";
    let upper = line.to_ascii_uppercase();
    if upper.starts_with(WORD) {
        return None;
    }
    let (before, connect) = line.split_at_checked(upper.rfind(WORD)?)?;
    let behind = connect.get(WORD.len()..)?.trim_start();
    if !(behind.is_empty() || behind.starts_with(|c: char| c.is_ascii_digit() || c == '/')) {
        return None;
    }
    let before = before.trim();
    let on_the_way = matches!(
        ResultCode::parse(before),
        Some(ResultCode::Ring | ResultCode::Ringing | ResultCode::Dialing)
    );
    if before.ends_with(|c: char| c.is_ascii_alphabetic()) && !on_the_way {
        return None;
    }
    Some((before, ResultCode::parse(connect)?))
}

#[cfg(test)]
mod tests;
