//! The commands of RFC 2217 that a client sends, with what each may say, and how answers look. Pure.

use super::options::COM_PORT;
use super::telnet::{self, IAC, SB, SE};

/// An answer's code is its command's plus this.
const ANSWER: u8 = 100;

/// A command, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Signature = 0,
    SetBaudRate = 1,
    SetDataSize = 2,
    SetParity = 3,
    SetStopSize = 4,
    SetControl = 5,
    NotifyLineState = 6,
    NotifyModemState = 7,
    SetLineStateMask = 10,
    SetModemStateMask = 11,
    PurgeData = 12,
}

/// What a client asks for. `None` asks for the value in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// Our signature.
    AskSignature,
    /// Its own.
    TellSignature,
    BaudRate(Option<u32>),
    /// 5 to 8.
    DataSize(Option<u8>),
    /// 1 none, 2 odd, 3 even, 4 mark, 5 space.
    Parity(Option<u8>),
    /// 1, 2, or 3 for one and a half.
    StopSize(Option<u8>),
    /// 0 to 19.
    Control(u8),
    AskLineState,
    AskModemState,
    Suspend,
    Resume,
    LineStateMask(u8),
    ModemStateMask(u8),
    /// 1 what came from the modem, 2 what goes to it, 3 both.
    Purge(u8),
}

/// Reads a subnegotiation, without the option's number.
pub(super) fn read(bytes: &[u8]) -> Result<Request, String> {
    let [code, value @ ..] = bytes else { return Err("COM-PORT-OPTION without a command".to_owned()) };
    let wrong = || Err(format!("COM-PORT-OPTION {code} with the value {value:?}"));
    let asked = |value: u8| (value != 0).then_some(value);
    Ok(match (*code, value) {
        (0, []) => Request::AskSignature,
        (0, _) => Request::TellSignature,
        (1, &[a, b, c, d]) => {
            let baud = u32::from_be_bytes([a, b, c, d]);
            Request::BaudRate((baud != 0).then_some(baud))
        }
        (2, &[bits @ (0 | 5..=8)]) => Request::DataSize(asked(bits)),
        (3, &[parity @ 0..=5]) => Request::Parity(asked(parity)),
        (4, &[stops @ 0..=3]) => Request::StopSize(asked(stops)),
        (5, &[control @ 0..=19]) => Request::Control(control),
        // The RFC gives the client these two codes and no word on them; clients ask with them.
        (6, []) => Request::AskLineState,
        (7, []) => Request::AskModemState,
        (8, []) => Request::Suspend,
        (9, []) => Request::Resume,
        (10, &[mask]) => Request::LineStateMask(mask),
        (11, &[mask]) => Request::ModemStateMask(mask),
        (12, &[buffers @ 1..=3]) => Request::Purge(buffers),
        (0..=12, _) => return wrong(),
        _ => return Err(format!("COM-PORT-OPTION {code} is no command of a client")),
    })
}

/// Appends an answer, or a notification.
pub(super) fn answer(code: Code, value: &[u8], into: &mut Vec<u8>) {
    into.extend([IAC, SB, COM_PORT, code as u8 + ANSWER]);
    telnet::escape(value, into);
    into.extend([IAC, SE]);
}

/// A serial port's settings, as a client sets and asks them. They change nothing here: a simulated modem understands
/// every speed.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) baud: u32,
    pub(super) data_size: u8,
    pub(super) parity: u8,
    pub(super) stop_size: u8,
    /// As SET-CONTROL numbers it: 1 none, 2 XON/XOFF, 3 RTS/CTS, 17 DCD, 19 DSR.
    flow_out: u8,
    /// 14 none, 15 XON/XOFF, 16 RTS/CTS, 18 DTR.
    flow_in: u8,
    breaking: bool,
    pub(super) dtr: bool,
    rts: bool,
}

impl Settings {
    pub(super) const fn new(dtr: bool) -> Self {
        Self {
            baud: 9600,
            data_size: 8,
            parity: 1,
            stop_size: 1,
            flow_out: 1,
            flow_in: 14,
            breaking: false,
            dtr,
            rts: true,
        }
    }

    /// Does a SET-CONTROL; gives the value that is then in force, as the same command would set it.
    pub(super) fn control(&mut self, value: u8) -> u8 {
        let switch = |on: bool, first: u8| if on { first } else { first + 1 };
        match value {
            // What goes out rules both ways, until what comes in is set by itself.
            1..=3 => {
                self.flow_out = value;
                self.flow_in = value + 13;
            }
            17 | 19 => self.flow_out = value,
            14..=16 | 18 => self.flow_in = value,
            5 | 6 => self.breaking = value == 5,
            8 | 9 => self.dtr = value == 8,
            11 | 12 => self.rts = value == 11,
            _ => {}
        }
        match value {
            4..=6 => switch(self.breaking, 5),
            7..=9 => switch(self.dtr, 8),
            10..=12 => switch(self.rts, 11),
            13..=16 | 18 => self.flow_in,
            _ => self.flow_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        for (bytes, expected) in [
            (&[0][..], Request::AskSignature),
            (b"\0pySerial", Request::TellSignature),
            (&[1, 0, 1, 0xC2, 0], Request::BaudRate(Some(115_200))),
            (&[1, 0, 0, 0, 0], Request::BaudRate(None)),
            (&[2, 8], Request::DataSize(Some(8))),
            (&[3, 0], Request::Parity(None)),
            (&[4, 3], Request::StopSize(Some(3))),
            (&[5, 9], Request::Control(9)),
            (&[7], Request::AskModemState),
            (&[8], Request::Suspend),
            (&[9], Request::Resume),
            (&[10, 0], Request::LineStateMask(0)),
            (&[11, 255], Request::ModemStateMask(255)),
            (&[12, 3], Request::Purge(3)),
        ] {
            assert_eq!(read(bytes).as_ref(), Ok(&expected), "{bytes:?}");
        }
    }

    #[test]
    fn what_no_client_may_say_is_refused() {
        for bytes in [
            &[][..],
            &[1],
            &[1, 0, 0, 37],
            &[1, 0, 0, 0, 37, 128],
            &[2, 4],
            &[2, 9],
            &[2, 8, 0],
            &[3, 6],
            &[4, 4],
            &[5],
            &[5, 20],
            &[7, 1],
            &[8, 0],
            &[11],
            &[12, 0],
            &[12, 4],
            &[13],
            &[105, 8],
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn controls_answer_with_what_is_in_force() {
        let mut settings = Settings::new(true);
        for (value, expected) in [
            (7, 8),
            (9, 9),
            (7, 9),
            (8, 8),
            (10, 11),
            (12, 12),
            (10, 12),
            (4, 6),
            (5, 5),
            (4, 5),
            (0, 1),
            (3, 3),
            (0, 3),
            (13, 16),
            (14, 14),
            (0, 3),
            (19, 19),
            (0, 19),
            (13, 14),
        ] {
            assert_eq!(settings.control(value), expected, "SET-CONTROL {value}");
        }
        assert!(settings.dtr && !settings.rts);
    }

    #[test]
    fn answers_double_what_must_be_doubled() {
        let mut out = Vec::new();
        answer(Code::SetModemStateMask, &[255], &mut out);
        assert_eq!(out, [255, 250, 44, 111, 255, 255, 255, 240]);
    }
}
