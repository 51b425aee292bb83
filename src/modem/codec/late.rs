//! Lines about the link that a modem prints behind its CONNECT, where the far end's text begins: which of the two comes
//! first is not known for every family (modems.md 2.2).
//!
//! Only the very first lines are looked at, and the first byte that fits no such line ends the search: from there on
//! everything is the far end's. Bytes are held back only as long as they may still become such a line.

use crate::modem::result_code::ResultCode;

/// How such lines begin.
const HEADS: [&str; 9] =
    ["PROTOCOL:", "COMPRESSION:", "MODULATION:", "CARRIER ", "+MCR:", "+MRR:", "+ER:", "+DR:", "+ILRR:"];
/// Longest such line, its line ends included.
const LINE_LEN_MAX: usize = 48;
/// Most such lines.
const LINES_MAX: u32 = 8;

/// What a byte came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// It may still become a line.
    Held,
    /// A line is complete.
    Line(ResultCode),
    /// It is the far end's, with all that was held back.
    Data(Vec<u8>),
}

/// The search for them.
#[derive(Debug, Default)]
pub(super) struct LateLines {
    held: Vec<u8>,
    lines: u32,
}

impl LateLines {
    /// Takes a byte. After [`Late::Data`] the search is over.
    pub(super) fn take(&mut self, byte: u8) -> Late {
        self.held.push(byte);
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let begin = self.held.iter().position(|byte| !is_end(byte)).unwrap_or(self.held.len());
        let text = String::from_utf8_lossy(&self.held[begin..]).to_ascii_uppercase();
        let fits = HEADS.iter().any(|head| head.starts_with(text.as_str()) || text.starts_with(head))
            && !text
                .strip_prefix("CARRIER ")
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
        if !fits || self.held.len() > LINE_LEN_MAX || self.lines >= LINES_MAX {
            return Late::Data(std::mem::take(&mut self.held));
        }
        if text.is_empty() || !is_end(&byte) {
            return Late::Held;
        }
        match ResultCode::parse(text.trim_end()) {
            Some(code) if code.link().is_some() || matches!(code, ResultCode::PortRate(_)) => {
                self.held.clear();
                self.lines += 1;
                Late::Line(code)
            }
            _ => Late::Data(std::mem::take(&mut self.held)),
        }
    }
}
