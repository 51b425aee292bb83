//! What a client sends, taken apart: data, option requests, subnegotiations, commands, and what is none of these
//! (RFC 854, RFC 855). Pure, a byte at a time.

/// Interpret as command.
pub(super) const IAC: u8 = 255;
/// Ends a subnegotiation.
pub(super) const SE: u8 = 240;
/// Begins one.
pub(super) const SB: u8 = 250;
/// The lowest code that is a command: `EOF` of RFC 1184.
const COMMAND_MIN: u8 = 236;

/// More than any subnegotiation of a client needs, a signature included.
const SUBNEGOTIATION_MAX: usize = 256;

/// A request or an answer about an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Will,
    Wont,
    Do,
    Dont,
}

impl Verb {
    const fn of(code: u8) -> Option<Self> {
        match code {
            251 => Some(Self::Will),
            252 => Some(Self::Wont),
            253 => Some(Self::Do),
            254 => Some(Self::Dont),
            _ => None,
        }
    }

    /// Its byte.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Will => 251,
            Self::Wont => 252,
            Self::Do => 253,
            Self::Dont => 254,
        }
    }

    /// Its name.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Will => "WILL",
            Self::Wont => "WONT",
            Self::Do => "DO",
            Self::Dont => "DONT",
        }
    }
}

/// A piece of what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Data(u8),
    Option(Verb, u8),
    /// All between `IAC SB` and `IAC SE`, the option first, unescaped.
    Subnegotiation(Vec<u8>),
    /// Any other command, by its code.
    Command(u8),
    /// No telnet.
    Wrong(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    Iac,
    Option(Verb),
    Sub,
    SubIac,
    /// In a subnegotiation that is too long, until its end.
    Lost,
    LostIac,
}

/// Takes a client's bytes apart.
#[derive(Debug)]
pub(super) struct Receiver {
    state: State,
    sub: Vec<u8>,
}

impl Receiver {
    pub(super) const fn new() -> Self {
        Self { state: State::Data, sub: Vec::new() }
    }

    /// Whether it stands in the middle of a command.
    pub(super) fn is_amid(&self) -> bool {
        self.state != State::Data
    }

    /// Takes a byte; gives the piece that it completes.
    pub(super) fn push(&mut self, byte: u8) -> Option<Piece> {
        let (state, piece) = match (self.state, byte) {
            (State::Data, IAC) => (State::Iac, None),
            (State::Data, byte) => (State::Data, Some(Piece::Data(byte))),
            (State::Iac, IAC) => (State::Data, Some(Piece::Data(IAC))),
            (State::Iac, SB) => {
                self.sub.clear();
                (State::Sub, None)
            }
            (State::Iac, code) => match Verb::of(code) {
                Some(verb) => (State::Option(verb), None),
                None if code == SE => (State::Data, Some(Piece::Wrong("SE without SB".to_owned()))),
                None if code >= COMMAND_MIN => (State::Data, Some(Piece::Command(code))),
                None => {
                    (State::Data, Some(Piece::Wrong(format!("IAC {code} is no command: 255 not doubled?"))))
                }
            },
            (State::Option(verb), option) => (State::Data, Some(Piece::Option(verb, option))),
            (State::Sub, IAC) => (State::SubIac, None),
            (State::Sub, byte) => self.keep(byte),
            (State::SubIac, IAC) => self.keep(IAC),
            (State::SubIac, SE) => (State::Data, Some(Piece::Subnegotiation(std::mem::take(&mut self.sub)))),
            (State::SubIac, code) => {
                let wrong = format!("IAC {code} in a subnegotiation: 255 not doubled?");
                (State::Lost, Some(Piece::Wrong(wrong)))
            }
            (State::Lost, IAC) => (State::LostIac, None),
            (State::LostIac, SE) => (State::Data, None),
            (State::Lost | State::LostIac, _) => (State::Lost, None),
        };
        self.state = state;
        piece
    }

    fn keep(&mut self, byte: u8) -> (State, Option<Piece>) {
        if self.sub.len() < SUBNEGOTIATION_MAX {
            self.sub.push(byte);
            return (State::Sub, None);
        }
        (State::Lost, Some(Piece::Wrong(format!("a subnegotiation of more than {SUBNEGOTIATION_MAX} bytes"))))
    }
}

/// Appends bytes with each 255 doubled.
pub(super) fn escape(bytes: &[u8], into: &mut Vec<u8>) {
    for &byte in bytes {
        into.push(byte);
        if byte == IAC {
            into.push(IAC);
        }
    }
}

/// Appends data as a network virtual terminal sends it: a CR is followed by LF or NUL. `after_cr` says what went before,
/// from call to call.
pub(super) fn escape_text(bytes: &[u8], after_cr: &mut bool, into: &mut Vec<u8>) {
    for &byte in bytes {
        if std::mem::replace(after_cr, byte == b'\r') && byte != b'\n' {
            into.push(0);
        }
        escape(&[byte], into);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(bytes: &[u8]) -> Vec<Piece> {
        let mut receiver = Receiver::new();
        bytes.iter().filter_map(|byte| receiver.push(*byte)).collect()
    }

    #[test]
    fn each_piece_is_told_for_what_it_is() {
        for (bytes, expected) in [
            (&b"A"[..], vec![Piece::Data(b'A')]),
            (&[IAC, IAC], vec![Piece::Data(255)]),
            (&[IAC, 251, 44], vec![Piece::Option(Verb::Will, 44)]),
            (&[IAC, 252, 0], vec![Piece::Option(Verb::Wont, 0)]),
            (&[IAC, 253, 3], vec![Piece::Option(Verb::Do, 3)]),
            (&[IAC, 254, 1, b'x'], vec![Piece::Option(Verb::Dont, 1), Piece::Data(b'x')]),
            // An option may have any number, 255 too.
            (&[IAC, 251, 255], vec![Piece::Option(Verb::Will, 255)]),
            (&[IAC, 241], vec![Piece::Command(241)]),
            (&[IAC, 236], vec![Piece::Command(236)]),
            (&[IAC, SB, 44, 5, 8, IAC, SE], vec![Piece::Subnegotiation(vec![44, 5, 8])]),
            (&[IAC, SB, 44, 11, IAC, IAC, IAC, SE], vec![Piece::Subnegotiation(vec![44, 11, 255])]),
            (&[IAC, SB, IAC, SE], vec![Piece::Subnegotiation(vec![])]),
        ] {
            assert_eq!(pieces(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_telnet_is_told_once_and_got_over() {
        let over: Vec<u8> =
            [IAC, SB, 44].into_iter().chain([1; 300]).chain([IAC, IAC, IAC, SE, b'x']).collect();
        for bytes in
            [&[IAC, b'A', b'x'][..], &[IAC, SE, b'x'], &[IAC, SB, 44, 11, IAC, 16, IAC, SE, b'x'], &over]
        {
            let got = pieces(bytes);
            assert!(matches!(&got[..], [Piece::Wrong(_), Piece::Data(b'x')]), "{bytes:?}: {got:?}");
        }
    }

    #[test]
    fn text_has_something_after_each_cr() {
        for (text, expected) in [
            (&b"AT\rOK\r\n"[..], &b"AT\r\0OK\r\n"[..]),
            (b"\r\r", b"\r\0\r"),
            (b"\r\xff", b"\r\0\xff\xff"),
            (b"\n", b"\n"),
        ] {
            let mut out = Vec::new();
            escape_text(text, &mut false, &mut out);
            assert_eq!(out, expected);
        }
        let mut out = Vec::new();
        let mut after_cr = false;
        escape_text(b"OK\r", &mut after_cr, &mut out);
        escape_text(b"\n>", &mut after_cr, &mut out);
        assert_eq!(out, b"OK\r\n>");
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_out_as_it_was(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut wire = Vec::new();
            escape(&bytes, &mut wire);
            let data: Vec<Piece> = bytes.iter().map(|b| Piece::Data(*b)).collect();
            prop_assert_eq!(pieces(&wire), data);
            let sub: Vec<u8> = [IAC, SB].into_iter().chain(wire).chain([IAC, SE]).collect();
            prop_assert_eq!(pieces(&sub), vec![Piece::Subnegotiation(bytes)]);
        }

        #[test]
        fn no_bytes_confuse_it_for_ever(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 236..=255_u8], 0..600)
        ) {
            let mut receiver = Receiver::new();
            for byte in &bytes {
                receiver.push(*byte);
                prop_assert!(receiver.sub.len() <= SUBNEGOTIATION_MAX);
            }
            // Whatever it was amid of ends with this, and data is data again.
            for byte in [0, IAC, SE] {
                receiver.push(byte);
            }
            prop_assert_eq!(receiver.push(b'x'), Some(Piece::Data(b'x')));
        }
    }
}
