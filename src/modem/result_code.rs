//! What modems say: a closed list of result codes, with every line of modems.md 2.1.
//!
//! What a code means for a call (fault, blame, mark) is `call`'s; here is only which code a line is. Words are matched
//! whatever their case, since one firmware prints `Protocol: LAPM` where all others shout.

use std::fmt;
use std::time::Duration;

use crate::model::{Fault, Link};

use super::connect::{self, Connect};

/// A result code, or a line that a modem prints on the way to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultCode {
    /// `OK`. As the answer to a dial command without `;` it means that the call was given up (AT&T DataPort).
    Ok,
    /// `CONNECT` in any form but `CONNECT FAX`.
    Connect(Connect),
    /// `RING`: a call comes in; while dialing that is glare.
    Ring,
    /// `RINGING`, Telebit's `RRING`: ringback is heard.
    Ringing,
    /// `NO CARRIER`: one word for many ends.
    NoCarrier,
    /// `ERROR`.
    Error,
    /// `NO DIALTONE`, `NO DIAL TONE`.
    NoDialtone,
    /// `BUSY`.
    Busy,
    /// `NO ANSWER`.
    NoAnswer,
    /// `CARRIER n` or `+MRR: tx,rx`: training is done, the rates are settled.
    Carrier(Link),
    /// `+MCR: V34`: the same instant, and the modulation.
    Modulation(Link),
    /// `Modulation: V.34`: the modulation, at an instant that no manual names.
    ModulationName(Link),
    /// `PROTOCOL: ...` or `+ER: ...`: error control is settled.
    Protocol(Link),
    /// `COMPRESSION: ...` or `+DR: ...`.
    Compression(Link),
    /// `+ILRR: n`: the port's rate, bit/s; `None` where the number can't be read.
    PortRate(Option<u32>),
    /// `VOICE`: a human or an announcement answered; the modem hangs up.
    Voice,
    /// `FAX`, `CONNECT FAX`, `+FCO`, `+FCON`: a fax machine answered.
    Fax,
    /// `+FCERROR`, `+F4`: the fax handshake failed, or the modem is in a fax class.
    FaxError,
    /// `DATA` of the fax classes.
    Data,
    /// `DELAYED`, with the time to wait where the modem tells it.
    Delayed(Option<Duration>),
    /// `BLACKLISTED`.
    Blacklisted,
    /// `BLACKLIST FULL`: no new number is taken.
    BlacklistFull,
    /// `DIALING DISABLED` (USR).
    DialingDisabled,
    /// `DIAL LOCKED` (ELSA).
    DialLocked,
    /// `LINE IN USE`, `LINE-IN-USE`: another telephone on our line is off-hook.
    LineInUse,
    /// `NO LINE`: no loop voltage.
    NoLine,
    /// `X` (Si24xx): over-current, as on a digital PBX line.
    OverCurrent,
    /// `POLARITY REVERSAL`: answer supervision (Si24xx, `G`).
    PolarityReversal,
    /// `NO POLARITY REVERSAL`.
    NoPolarityReversal,
    /// `UN-OBTAINABLE NUMBER`: tones on a line that wants pulses.
    UnobtainableNumber,
    /// `PHONE OFF-HOOK`.
    PhoneOffHook,
    /// `REORDER`: fast busy.
    Reorder,
    /// `DIALING`: under way.
    Dialing,
    /// `DIALTONE` (Case Mayze): still there after the digits, so they were not taken.
    Dialtone,
    /// A line that is known and means nothing to a dial: `CED`, `CIDM`, `FLASH`, `STAS`, `MESSAGE-WAITING`, `+FHR:` ...
    Noise(String),
    /// A line that came while a dial command was unanswered and that nobody knows. To be recorded; ends nothing.
    Unknown(String),
}

/// Words behind which some firmwares add a cause, and which no other line begins with.
const WITH_CAUSE: [(&str, ResultCode); 4] = [
    ("NO CARRIER", ResultCode::NoCarrier),
    ("NO ANSWER", ResultCode::NoAnswer),
    ("NO DIALTONE", ResultCode::NoDialtone),
    ("NO DIAL TONE", ResultCode::NoDialtone),
];

impl ResultCode {
    /// What it says against our own outside line, if it does, in words (modems.md 2.1).
    pub const fn own_line(&self) -> Option<(Fault, &'static str)> {
        Some(match self {
            Self::NoDialtone => (Fault::NoDialtone, "NO DIALTONE"),
            Self::NoLine => (Fault::NoDialtone, "NO LINE: no loop voltage, the cable is out"),
            Self::OverCurrent => (Fault::NoDialtone, "over-current: a digital PBX line, the wrong jack"),
            Self::LineInUse => (Fault::LineInUse, "LINE IN USE"),
            Self::PhoneOffHook => (Fault::LineInUse, "PHONE OFF-HOOK"),
            _ => return None,
        })
    }

    /// Reads one line; `None` if it is no result known here. Never gives [`ResultCode::Unknown`].
    pub fn parse(line: &str) -> Option<Self> {
        let text = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let upper = text.to_ascii_uppercase();
        if let Some(code) = whole_line(&upper) {
            return Some(code);
        }
        if let Some(connect) = Connect::parse(&text) {
            return Some(Self::Connect(connect));
        }
        let (head, rest) = upper.split_once([':', ' ']).unwrap_or((&upper, ""));
        let rest = rest.trim_start_matches([':', ' ']);
        match head {
            // `Carrier Freq` and `Carrier Offset` stand in reports on a call that is over.
            "CARRIER" if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                return Some(Self::Carrier(connect::carrier(rest)));
            }
            "+MRR" => return Some(Self::Carrier(connect::rates(rest))),
            "+MCR" => return Some(Self::Modulation(connect::modulation(rest))),
            "+ER" => return Some(Self::Protocol(connect::protocol(rest))),
            "+DR" => return Some(Self::Compression(connect::compression(rest))),
            "+ILRR" => {
                let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
                return Some(Self::PortRate(digits.parse().ok()));
            }
            // These three are words of manuals and menus as well, so they need their colon.
            "MODULATION" if upper.contains(':') => {
                return Some(Self::ModulationName(connect::modulation(rest)));
            }
            "PROTOCOL" if upper.contains(':') => return Some(Self::Protocol(connect::protocol(rest))),
            "COMPRESSION" if upper.contains(':') => {
                return Some(Self::Compression(connect::compression(rest)));
            }
            "DELAYED" => return Some(Self::Delayed(clock_time(rest))),
            "DIALING" => return Some(Self::Dialing),
            _ => {}
        }
        if is_noise(&upper, head) {
            return Some(Self::Noise(text));
        }
        WITH_CAUSE.into_iter().find_map(|(word, code)| {
            let cause = upper.strip_prefix(word)?;
            cause.starts_with(|c: char| !c.is_alphanumeric()).then_some(code)
        })
    }

    /// The numeric codes that all families share (modems.md 1.3). Everything above is a vendor's own and stands in
    /// its profile.
    pub fn from_number(number: u16) -> Option<Self> {
        let word = match number {
            0 => "OK",
            1 => "CONNECT",
            2 => "RING",
            3 => "NO CARRIER",
            4 => "ERROR",
            5 => "CONNECT 1200",
            6 => "NO DIALTONE",
            7 => "BUSY",
            8 => "NO ANSWER",
            10 => "CONNECT 2400",
            _ => return None,
        };
        Self::parse(word)
    }

    /// What it tells of the link, if it is a line about that.
    pub const fn link(&self) -> Option<&Link> {
        match self {
            Self::Carrier(link)
            | Self::Modulation(link)
            | Self::ModulationName(link)
            | Self::Protocol(link)
            | Self::Compression(link) => Some(link),
            _ => None,
        }
    }

    /// Whether it ends the command that it answers, a dial command included.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Ok
            | Self::Connect(_)
            | Self::NoCarrier
            | Self::Error
            | Self::NoDialtone
            | Self::Busy
            | Self::NoAnswer
            | Self::Voice
            | Self::Fax
            | Self::FaxError
            | Self::Delayed(_)
            | Self::Blacklisted
            | Self::BlacklistFull
            | Self::DialingDisabled
            | Self::DialLocked
            | Self::LineInUse
            | Self::NoLine
            | Self::OverCurrent
            | Self::UnobtainableNumber
            | Self::PhoneOffHook
            | Self::Reorder
            | Self::Dialtone => true,
            Self::Ring
            | Self::Ringing
            | Self::Carrier(_)
            | Self::Modulation(_)
            | Self::ModulationName(_)
            | Self::Protocol(_)
            | Self::Compression(_)
            | Self::PortRate(_)
            | Self::Data
            | Self::PolarityReversal
            | Self::NoPolarityReversal
            | Self::Dialing
            | Self::Noise(_)
            | Self::Unknown(_) => false,
        }
    }
}

/// Lines that are one fixed text.
fn whole_line(upper: &str) -> Option<ResultCode> {
    Some(match upper {
        "OK" => ResultCode::Ok,
        "RING" => ResultCode::Ring,
        "RINGING" | "RRING" => ResultCode::Ringing,
        "NO CARRIER" => ResultCode::NoCarrier,
        "ERROR" => ResultCode::Error,
        "NO DIALTONE" | "NO DIAL TONE" => ResultCode::NoDialtone,
        "BUSY" => ResultCode::Busy,
        "NO ANSWER" => ResultCode::NoAnswer,
        "VOICE" => ResultCode::Voice,
        "FAX" | "CONNECT FAX" | "+FCO" | "+FCON" => ResultCode::Fax,
        "+FCERROR" | "+F4" => ResultCode::FaxError,
        "DATA" => ResultCode::Data,
        "BLACKLISTED" => ResultCode::Blacklisted,
        "BLACKLIST FULL" => ResultCode::BlacklistFull,
        "DIALING DISABLED" => ResultCode::DialingDisabled,
        "DIAL LOCKED" => ResultCode::DialLocked,
        "LINE IN USE" | "LINE-IN-USE" => ResultCode::LineInUse,
        "NO LINE" => ResultCode::NoLine,
        "X" => ResultCode::OverCurrent,
        "POLARITY REVERSAL" => ResultCode::PolarityReversal,
        "NO POLARITY REVERSAL" => ResultCode::NoPolarityReversal,
        "UN-OBTAINABLE NUMBER" | "UNOBTAINABLE NUMBER" => ResultCode::UnobtainableNumber,
        "PHONE OFF-HOOK" | "PHONE OFF HOOK" => ResultCode::PhoneOffHook,
        "REORDER" => ResultCode::Reorder,
        "DIALTONE" | "DIAL TONE" => ResultCode::Dialtone,
        _ => return None,
    })
}

/// Known lines without a meaning here: caller ID, fax frames, calling tones (modems.md 2, HylaFAX's list).
fn is_noise(upper: &str, head: &str) -> bool {
    const WHOLE: [&str; 5] = ["CED", "CIDM", "FLASH", "STAS", "MESSAGE-WAITING"];
    const HEADS: [&str; 6] = ["+FHR", "+A8", "+F34", "+FDB", "+A8C", "+A8M"];
    WHOLE.contains(&upper) || HEADS.contains(&head)
}

/// `00:59:02`, `59:02` or seconds alone.
fn clock_time(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut fields = 0;
    for field in text.trim().split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(field.trim().parse::<u32>().ok()?.into())?;
        fields += 1;
    }
    (fields <= 3).then(|| Duration::from_secs(seconds))
}

impl fmt::Display for ResultCode {
    /// The word as most modems print it, for logs and details.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "OK",
            Self::Connect(connect) => &connect.text,
            Self::Ring => "RING",
            Self::Ringing => "RINGING",
            Self::NoCarrier => "NO CARRIER",
            Self::Error => "ERROR",
            Self::NoDialtone => "NO DIALTONE",
            Self::Busy => "BUSY",
            Self::NoAnswer => "NO ANSWER",
            Self::Carrier(_) => "CARRIER",
            Self::Modulation(_) | Self::ModulationName(_) => "MODULATION",
            Self::Protocol(_) => "PROTOCOL",
            Self::Compression(_) => "COMPRESSION",
            Self::PortRate(_) => "+ILRR",
            Self::Voice => "VOICE",
            Self::Fax => "FAX",
            Self::FaxError => "+FCERROR",
            Self::Data => "DATA",
            Self::Delayed(_) => "DELAYED",
            Self::Blacklisted => "BLACKLISTED",
            Self::BlacklistFull => "BLACKLIST FULL",
            Self::DialingDisabled => "DIALING DISABLED",
            Self::DialLocked => "DIAL LOCKED",
            Self::LineInUse => "LINE IN USE",
            Self::NoLine => "NO LINE",
            Self::OverCurrent => "X",
            Self::PolarityReversal => "POLARITY REVERSAL",
            Self::NoPolarityReversal => "NO POLARITY REVERSAL",
            Self::UnobtainableNumber => "UN-OBTAINABLE NUMBER",
            Self::PhoneOffHook => "PHONE OFF-HOOK",
            Self::Reorder => "REORDER",
            Self::Dialing => "DIALING",
            Self::Dialtone => "DIALTONE",
            Self::Noise(text) | Self::Unknown(text) => text,
        })
    }
}

#[cfg(test)]
mod tests;
