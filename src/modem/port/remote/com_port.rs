//! What is said inside RFC 2217's option: settings, modem-control lines, purges. Pure; framing is `telnet`'s.

use crate::modem::machine::Signal;

/// A server's codes are ours and this.
const FROM_SERVER: u8 = 100;

const SET_BAUDRATE: u8 = 1;
const SET_DATASIZE: u8 = 2;
const SET_PARITY: u8 = 3;
const SET_STOPSIZE: u8 = 4;
const SET_CONTROL: u8 = 5;
const NOTIFY_MODEMSTATE: u8 = 7;
const FLOWCONTROL_SUSPEND: u8 = 8;
const FLOWCONTROL_RESUME: u8 = 9;
const SET_LINESTATE_MASK: u8 = 10;
const SET_MODEMSTATE_MASK: u8 = 11;
const PURGE_DATA: u8 = 12;

/// What we ask of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// Speed in bit/s.
    Baud(u32),
    /// Data bits.
    DataSize(u8),
    /// 1 is none.
    Parity(u8),
    /// 1 is one stop bit.
    StopSize(u8),
    /// Flow control and modem-control lines.
    Control(Control),
    /// Which line states it is to tell of.
    LineStateMask(u8),
    /// Which modem states it is to tell of.
    ModemStateMask(u8),
    /// Throw buffered data away.
    Purge(Purge),
}

/// What SET-CONTROL asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    FlowNone,
    FlowRtsCts,
    DtrOn,
    DtrOff,
    RtsOn,
}

impl Control {
    const fn code(self) -> u8 {
        match self {
            Self::FlowNone => 1,
            Self::FlowRtsCts => 3,
            Self::DtrOn => 8,
            Self::DtrOff => 9,
            Self::RtsOn => 11,
        }
    }
}

/// Which of the server's buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purge {
    /// What came from the modem.
    FromModem,
    /// Both ways.
    Both,
}

impl Purge {
    const fn code(self) -> u8 {
        match self {
            Self::FromModem => 1,
            Self::Both => 3,
        }
    }
}

impl Request {
    /// What stands in the subnegotiation.
    pub(super) fn said(self) -> Vec<u8> {
        match self {
            Self::Baud(baud) => [&[SET_BAUDRATE], baud.to_be_bytes().as_slice()].concat(),
            Self::DataSize(bits) => vec![SET_DATASIZE, bits],
            Self::Parity(parity) => vec![SET_PARITY, parity],
            Self::StopSize(bits) => vec![SET_STOPSIZE, bits],
            Self::Control(control) => vec![SET_CONTROL, control.code()],
            Self::LineStateMask(mask) => vec![SET_LINESTATE_MASK, mask],
            Self::ModemStateMask(mask) => vec![SET_MODEMSTATE_MASK, mask],
            Self::Purge(purge) => vec![PURGE_DATA, purge.code()],
        }
    }
}

/// What a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// The speed in force, bit/s.
    Baud(u32),
    /// The data bits in force.
    DataSize(u8),
    /// The parity in force.
    Parity(u8),
    /// The stop bits in force.
    StopSize(u8),
    /// The modem-control lines.
    ModemState(ModemState),
    /// It takes no more data from us for now.
    Suspend,
    /// It takes data again.
    Resume,
    /// It purged.
    Purged,
    /// Something that tells us nothing, or nothing that can be believed: the echo of a SET-CONTROL says what was asked
    /// or what the flow control is, never what DTR does (modems.md 8, libraries.md R3).
    Other,
}

impl Reply {
    /// Reads what stands in a subnegotiation; `None` if it is too short or not a server's.
    pub(super) fn read(said: &[u8]) -> Option<Self> {
        let (&code, value) = said.split_first()?;
        let first = value.first().copied();
        Some(match code.checked_sub(FROM_SERVER)? {
            // Some send more bytes than these four.
            SET_BAUDRATE => Self::Baud(u32::from_be_bytes(value.get(..4)?.try_into().ok()?)),
            SET_DATASIZE => Self::DataSize(first?),
            SET_PARITY => Self::Parity(first?),
            SET_STOPSIZE => Self::StopSize(first?),
            NOTIFY_MODEMSTATE => Self::ModemState(ModemState(first?)),
            FLOWCONTROL_SUSPEND => Self::Suspend,
            FLOWCONTROL_RESUME => Self::Resume,
            PURGE_DATA => Self::Purged,
            _ => Self::Other,
        })
    }
}

/// The modem-control lines as a server tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ModemState(u8);

impl ModemState {
    /// DCD, RI, DSR and CTS; below them stand the bits that tell of changes, which servers set as they like.
    const LEVELS: u8 = 0xf0;

    /// Whether a line of ours is high.
    pub(super) const fn level(self, signal: Signal) -> bool {
        let bit = match signal {
            Signal::Dcd => 0x80,
            Signal::Ri => 0x40,
            Signal::Dsr => 0x20,
        };
        self.0 & bit != 0
    }

    /// Whether any line is high, CTS included: a server whose port has no such lines tells of them too, as low.
    pub(super) const fn any(self) -> bool {
        self.0 & Self::LEVELS != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written_as_the_standard_has_them() {
        for (request, said) in [
            (Request::Baud(115_200), [1, 0, 1, 0xc2, 0].as_slice()),
            (Request::DataSize(8), &[2, 8]),
            (Request::Parity(1), &[3, 1]),
            (Request::StopSize(1), &[4, 1]),
            (Request::Control(Control::FlowNone), &[5, 1]),
            (Request::Control(Control::FlowRtsCts), &[5, 3]),
            (Request::Control(Control::DtrOn), &[5, 8]),
            (Request::Control(Control::DtrOff), &[5, 9]),
            (Request::Control(Control::RtsOn), &[5, 11]),
            (Request::LineStateMask(0), &[10, 0]),
            (Request::ModemStateMask(255), &[11, 255]),
            (Request::Purge(Purge::FromModem), &[12, 1]),
            (Request::Purge(Purge::Both), &[12, 3]),
        ] {
            assert_eq!(request.said(), said, "{request:?}");
        }
    }

    #[test]
    fn replies_are_read_and_rubbish_is_not() {
        assert_eq!(Reply::read(&[101, 0, 1, 0xc2, 0]), Some(Reply::Baud(115_200)));
        assert_eq!(Reply::read(&[101, 0, 0, 0x25, 0x80, 0, 0, 0, 0]), Some(Reply::Baud(9600)), "sredird");
        assert_eq!(Reply::read(&[102, 8]), Some(Reply::DataSize(8)));
        assert_eq!(Reply::read(&[105, 1]), Some(Reply::Other));
        assert_eq!(Reply::read(&[107, 0xb0]), Some(Reply::ModemState(ModemState(0xb0))));
        assert_eq!(Reply::read(&[108]), Some(Reply::Suspend));
        assert_eq!(Reply::read(&[109]), Some(Reply::Resume));
        assert_eq!(Reply::read(&[112, 1]), Some(Reply::Purged));
        assert_eq!(Reply::read(&[100, b's']), Some(Reply::Other));
        for rubbish in [&[][..], &[101, 1, 2], &[102], &[107], &[1, 0, 0, 0, 0], &[99]] {
            assert_eq!(Reply::read(rubbish), None, "{rubbish:?}");
        }
    }

    #[test]
    fn a_modem_state_has_levels_and_bits_that_say_nothing() {
        let state = ModemState(0x80 | 0x20 | 0x0f);
        assert!(state.level(Signal::Dcd) && state.level(Signal::Dsr) && !state.level(Signal::Ri));
        assert!(state.any() && ModemState(0x10).any() && !ModemState(0x0f).any());
    }
}
