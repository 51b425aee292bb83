//! Telnet on the wire (RFC 854, 855, 856): bytes in, items out, and the way back. Pure, byte by byte, so that how a
//! stream arrives in pieces can't change what it says.
//!
//! It knows no option: what is asked and agreed stands in `options`, what a subnegotiation says in `com_port`. It holds
//! one unfinished subnegotiation of bounded length.

/// Longest subnegotiation that is kept, in bytes; a longer one is thrown away whole. RFC 2217 needs five; a signature
/// is a name.
pub(super) const SUB_BYTES_MAX: usize = 512;

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;
const CR: u8 = b'\r';
const NUL: u8 = 0;

/// What is said of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// The sender uses it, or would.
    Will,
    /// The sender does not use it, or will stop.
    Wont,
    /// The other side is to use it.
    Do,
    /// The other side is not to use it.
    Dont,
}

impl Verb {
    const fn byte(self) -> u8 {
        match self {
            Self::Will => WILL,
            Self::Wont => WONT,
            Self::Do => DO,
            Self::Dont => DONT,
        }
    }
}

/// A piece of a telnet stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Data, never empty.
    Data(Vec<u8>),
    /// `WILL`, `WONT`, `DO` or `DONT` of an option.
    Option(Verb, u8),
    /// A subnegotiation: its option, and what it says, with doubled 255s undone.
    Sub(u8, Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    /// Behind an IAC.
    Command,
    /// Behind `WILL` and its like.
    Option(Verb),
    Sub,
    /// Behind an IAC in a subnegotiation.
    SubCommand,
}

/// Reads one direction of a telnet stream.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    sub: Vec<u8>,
    /// The subnegotiation is longer than any that means something to us.
    sub_too_long: bool,
    /// The last data byte was a CR outside of binary mode: a NUL belongs to it.
    after_cr: bool,
}

impl Decoder {
    pub(super) const fn new() -> Self {
        Self { state: State::Data, sub: Vec::new(), sub_too_long: false, after_cr: false }
    }

    /// Takes the next item off the front of `bytes`; `None` when they are used up. `binary` is the sender's mode now,
    /// so an item that changes it must be acted on before the next is taken.
    pub(super) fn next(&mut self, bytes: &mut &[u8], binary: bool) -> Option<Item> {
        let mut data = Vec::new();
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.state == State::Data && byte == IAC && !data.is_empty() {
                return Some(Item::Data(data));
            }
            *bytes = rest;
            match self.state {
                State::Data if byte == IAC => self.state = State::Command,
                State::Data => self.data(byte, binary, &mut data),
                State::Command => match byte {
                    // A doubled one is data.
                    IAC => {
                        self.state = State::Data;
                        self.data(byte, binary, &mut data);
                    }
                    other => self.command(other),
                },
                State::Option(verb) => {
                    self.state = State::Data;
                    return Some(Item::Option(verb, byte));
                }
                State::Sub if byte == IAC => self.state = State::SubCommand,
                State::Sub => self.sub_byte(byte),
                State::SubCommand => match byte {
                    IAC => {
                        self.state = State::Sub;
                        self.sub_byte(byte);
                    }
                    SE => {
                        self.state = State::Data;
                        if let Some(item) = self.end_sub() {
                            return Some(item);
                        }
                    }
                    // It was never closed. What stands here is a command of its own.
                    other => self.command(other),
                },
            }
        }
        (!data.is_empty()).then_some(Item::Data(data))
    }

    fn data(&mut self, byte: u8, binary: bool, data: &mut Vec<u8>) {
        let of_cr = std::mem::take(&mut self.after_cr) && byte == NUL;
        if binary || !of_cr {
            data.push(byte);
        }
        self.after_cr = !binary && byte == CR;
    }

    fn command(&mut self, byte: u8) {
        self.state = match byte {
            WILL => State::Option(Verb::Will),
            WONT => State::Option(Verb::Wont),
            DO => State::Option(Verb::Do),
            DONT => State::Option(Verb::Dont),
            SB => {
                self.sub.clear();
                self.sub_too_long = false;
                State::Sub
            }
            // NOP, a data mark, are-you-there and the like mean nothing on a modem's port.
            _ => State::Data,
        };
    }

    fn sub_byte(&mut self, byte: u8) {
        if self.sub.len() < SUB_BYTES_MAX {
            self.sub.push(byte);
        } else {
            self.sub_too_long = true;
        }
    }

    fn end_sub(&mut self) -> Option<Item> {
        let sub = std::mem::take(&mut self.sub);
        let (&option, said) = sub.split_first()?;
        (!self.sub_too_long).then(|| Item::Sub(option, said.to_vec()))
    }
}

/// Appends data to what goes out. Outside of binary mode a CR alone is `CR NUL` (RFC 854).
pub(super) fn put_data(data: &[u8], binary: bool, out: &mut Vec<u8>) {
    for &byte in data {
        out.push(byte);
        match byte {
            IAC => out.push(IAC),
            CR if !binary => out.push(NUL),
            _ => {}
        }
    }
}

/// Appends a word on an option.
pub(super) fn put_option(verb: Verb, option: u8, out: &mut Vec<u8>) {
    out.extend([IAC, verb.byte(), option]);
}

/// Appends a subnegotiation.
pub(super) fn put_sub(option: u8, said: &[u8], out: &mut Vec<u8>) {
    out.extend([IAC, SB, option]);
    put_data(said, true, out);
    out.extend([IAC, SE]);
}

#[cfg(test)]
mod tests;
