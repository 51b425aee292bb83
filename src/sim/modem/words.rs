//! How each family words things: result codes, link lines, identities, diagnostics (modems.md 2, 3 and 4).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::modem::profile::{Profile, Question};

use super::{Firmware, LastCall, LinkEntry, Settings};

/// A result code, before Q, V and X have their say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done.
    Ok,
    /// Not understood, or not done.
    Error,
    /// A call comes in.
    Ring,
    /// It rings at the far end.
    Ringing,
    /// No carrier, or lost.
    NoCarrier,
    /// No dial tone.
    NoDialtone,
    /// Engaged.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// A voice.
    Voice,
    /// A fax.
    Fax,
    /// Our line is in use.
    LineInUse,
    /// Fast busy.
    Reorder,
    /// Locked for a while.
    Delayed,
    /// Locked.
    Blacklisted,
    /// Not allowed to dial.
    DialingDisabled,
    /// Any other text.
    Text(String),
}

/// The firmware that a profile asks for: by its name, else by what it relies on.
pub(super) fn firmware_of(profile: &Profile) -> Firmware {
    let sets = |part: &str| profile.setup.iter().any(|l| l.send.to_ascii_uppercase().contains(part));
    match profile.profile.as_str() {
        "courier" => Firmware::Usr,
        "rockwell-conexant" => Firmware::Rockwell,
        "v250" => Firmware::V250,
        "generic" => Firmware::Hayes,
        _ if sets("&A3") || profile.marks.ringing => Firmware::Usr,
        _ if sets("S95") || sets("W1") => Firmware::Rockwell,
        _ if sets("+MR") => Firmware::V250,
        _ => Firmware::Hayes,
    }
}

/// Identities that real modems of the family have: `ATI`, `ATI3`, `+GMI`, `+GMM`; empty where they answer ERROR or
/// nothing.
const fn identities(firmware: Firmware) -> &'static [[&'static str; 4]] {
    match firmware {
        Firmware::Usr => &[
            ["5607", "USRobotics Courier V.Everything Rev. 2.1.1", "", ""],
            ["3366", "USRobotics Courier V.Everything", "U.S. Robotics", "Courier"],
        ],
        Firmware::Rockwell => &[
            ["56000", "V2.210-V90_2M_DLS", "", ""],
            ["56000", "V1.400-V90_2M_DLS", "ROCKWELL", "RC56D"],
            ["56000", "CX93001-EIS_V0.2002-V92", "CONEXANT", "CX93001"],
            ["33600", "ACF3", "Conexant", "ACF"],
        ],
        Firmware::V250 => &[
            ["Si2457", "C", "Silicon Laboratories", "Si2457"],
            [
                "LT V.92 1.0 MT5634ZBA-V92",
                "LT V.92 Data+Fax Modem",
                "Multi-Tech Systems, Inc.",
                "MT5634ZBA-V92",
            ],
        ],
        Firmware::Hayes => &[["240", "", "", ""]],
    }
}

/// Answers by which `profile: auto` finds this profile: those of the first identity that one of its rules knows.
pub(super) fn identity(firmware: Firmware, profile: &Profile) -> BTreeMap<String, String> {
    let column = |ask: Question| match ask {
        Question::I => 0,
        Question::I3 => 1,
        Question::Maker => 2,
        Question::Model => 3,
        // No family is known by it.
        Question::Serial => 4,
    };
    let all = identities(firmware);
    let knows = |identity: &[&str; 4]| {
        profile.rules.iter().any(|rule| {
            let answer = identity.get(column(rule.ask));
            answer.is_some_and(|answer| !answer.is_empty() && rule.answer.is_match(answer))
        })
    };
    let chosen = all.iter().find(|identity| knows(identity)).unwrap_or(&all[0]);
    ["ATI", "ATI3", "+GMI", "+GMM"]
        .into_iter()
        .zip(chosen)
        .filter(|(_, answer)| !answer.is_empty())
        .map(|(key, answer)| (key.to_owned(), (*answer).to_owned()))
        .collect()
}

/// The highest X.
pub(super) const fn x_max(firmware: Firmware) -> u32 {
    match firmware {
        Firmware::Usr => 7,
        Firmware::V250 => 5,
        Firmware::Rockwell | Firmware::Hayes => 4,
    }
}

/// Whether X lets this be printed (modems.md 1.6).
pub(super) fn shows(firmware: Firmware, set: &Settings, reply: &Reply) -> bool {
    match reply {
        Reply::NoDialtone => set.x == 2 || set.x >= 4,
        Reply::Busy | Reply::Reorder => set.x >= 3,
        Reply::Ringing => set.x >= 5 && matches!(firmware, Firmware::Usr | Firmware::V250),
        Reply::Voice => set.x >= 5 && matches!(firmware, Firmware::Usr | Firmware::V250),
        Reply::Fax => firmware != Firmware::Hayes,
        _ => true,
    }
}

/// A result code as the settings want it; what X hides is nothing, or `NO CARRIER`, or `ERROR`.
pub(super) fn render(firmware: Firmware, set: &Settings, reply: &Reply) -> Vec<u8> {
    let instead = match reply {
        Reply::Delayed | Reply::Blacklisted if set.x < 4 && firmware == Firmware::Rockwell => Reply::Error,
        Reply::Ringing if !shows(firmware, set, reply) => return Vec::new(),
        other if !shows(firmware, set, other) => Reply::NoCarrier,
        other => other.clone(),
    };
    let spaced = firmware == Firmware::Usr;
    let (number, text): (u16, &str) = match &instead {
        Reply::Ok => (0, "OK"),
        Reply::Ring => (2, "RING"),
        Reply::NoCarrier => (3, "NO CARRIER"),
        Reply::Error => (4, "ERROR"),
        Reply::NoDialtone => (6, if spaced { "NO DIAL TONE" } else { "NO DIALTONE" }),
        Reply::Busy => (7, "BUSY"),
        Reply::NoAnswer => (8, "NO ANSWER"),
        Reply::Ringing => (if spaced { 11 } else { 9 }, "RINGING"),
        Reply::Voice => (12, "VOICE"),
        Reply::Fax => (33, "FAX"),
        Reply::LineInUse => (83, "LINE IN USE"),
        Reply::Reorder => (84, "REORDER"),
        Reply::Delayed => (24, "DELAYED 00:01:00"),
        Reply::Blacklisted => (32, "BLACKLISTED"),
        Reply::DialingDisabled => (85, "DIALING DISABLED"),
        Reply::Text(text) => (4, text),
    };
    code(set, number, text)
}

fn code(set: &Settings, number: u16, text: &str) -> Vec<u8> {
    let (cr, lf) = (char::from(set.s[3]), char::from(set.s[4]));
    match (set.quiet, set.verbose) {
        (true, _) => Vec::new(),
        (false, true) => format!("{cr}{lf}{text}{cr}{lf}").into_bytes(),
        (false, false) => format!("{number}{cr}").into_bytes(),
    }
}

/// What is printed when training is over.
pub(super) fn carrier(firmware: Firmware, set: &Settings, link: &LinkEntry) -> Vec<u8> {
    let rx = link.rx.unwrap_or(link.tx);
    match firmware {
        Firmware::V250 if set.mr => {
            let mut out = code(set, 50, &format!("+MCR: {}", link.modulation));
            out.extend(code(set, 50, &format!("+MRR: {},{rx}", link.tx)));
            out
        }
        Firmware::Rockwell | Firmware::V250 if set.w == 1 || set.s[95] & 0x04 != 0 => {
            code(set, 50, &format!("CARRIER {rx}"))
        }
        _ => Vec::new(),
    }
}

/// What is printed when error control and compression are settled.
pub(super) fn negotiated(firmware: Firmware, set: &Settings, link: &LinkEntry) -> Vec<u8> {
    let mut out = Vec::new();
    let protocol = match link.protocol.as_str() {
        "MNP" => "ALT",
        other => other,
    };
    let three_lines = set.w == 1 && !set.mr;
    match firmware {
        Firmware::Rockwell | Firmware::V250 if three_lines || set.s[95] & 0x28 != 0 => {
            if three_lines || set.s[95] & 0x08 != 0 {
                out.extend(code(set, 77, &format!("PROTOCOL: {protocol}")));
            }
            if three_lines || set.s[95] & 0x20 != 0 {
                let compression = match link.compression.as_str() {
                    "V42B" => "V.42BIS",
                    "MNP5" => "CLASS 5",
                    "V44" => "V.44",
                    other => other,
                };
                out.extend(code(set, 67, &format!("COMPRESSION: {compression}")));
            }
        }
        Firmware::V250 => {
            if set.er {
                out.extend(code(set, 77, &format!("+ER: {protocol}")));
            }
            if set.dr {
                let compression = if link.compression == "MNP5" { "ALT" } else { &link.compression };
                out.extend(code(set, 67, &format!("+DR: {compression}")));
            }
        }
        Firmware::Rockwell | Firmware::Usr | Firmware::Hayes => {}
    }
    out
}

/// The CONNECT line.
pub(super) fn connect(firmware: Firmware, set: &Settings, link: &LinkEntry) -> Vec<u8> {
    const DTE_BPS: u32 = 115_200;
    if set.x == 0 {
        return code(set, 1, "CONNECT");
    }
    let rx = link.rx.unwrap_or(link.tx);
    let number = match rx {
        0..=300 => 1,
        301..=1200 => 5,
        1201..=2400 => 10,
        2401..=4800 => 18,
        4801..=9600 => 13,
        9601..=14_400 => 25,
        14_401..=28_800 => 107,
        _ => 155,
    };
    let plain = link.protocol == "NONE";
    let mut text = String::from("CONNECT ");
    // Writing to a String cannot fail.
    let _ = match firmware {
        Firmware::Usr => {
            let mut said = write!(text, "{rx}");
            if set.amp_a >= 1 {
                text.push_str(if plain { "/NONE" } else { "/ARQ" });
            }
            if set.amp_a >= 2 {
                said = write!(text, "/{}", link.modulation);
            }
            if set.amp_a >= 3 && !plain {
                let compression = if link.compression == "V42B" { "V42BIS" } else { &link.compression };
                said = write!(text, "/{}/{compression}", link.protocol);
            }
            said
        }
        Firmware::Rockwell | Firmware::V250 => {
            let shows_line_rate = set.w == 2 || set.s[95] & 0x01 != 0;
            let said = write!(text, "{}", if shows_line_rate { rx } else { DTE_BPS });
            if set.s[95] & 0x02 != 0 && !plain {
                text.push_str("/ARQ");
            }
            said
        }
        Firmware::Hayes => write!(text, "{rx}"),
    };
    code(set, number, &text)
}

/// `ATI6` of a Courier (PARACAS).
pub(super) fn link_report(call: &LastCall) -> Vec<String> {
    let link = call.link.clone().unwrap_or_default();
    let seconds = call.duration.as_secs();
    vec![
        "USRobotics Courier Link Diagnostics...".to_owned(),
        format!("Retrains Requested {:>12}      Retrains Granted {:>14}", link.retrains, 0),
        format!("Line Reversals {:>16}      Blers {:>25}", 0, link.block_errors),
        format!("Link Timeouts {:>17}      Link Naks {:>21}", 0, link.block_errors / 4),
        format!("Protocol               {}", link.protocol),
        format!("Speed                  {}/{}", link.tx, link.rx.unwrap_or(link.tx)),
        format!("Last Call              {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        format!(
            "Disconnect Reason is {}",
            if call.clear_cause == 0x20 { "DTR dropped" } else { "DISC Received" }
        ),
    ]
}

/// `ATI11` of a Courier (PARACAS).
pub(super) fn signal_report(call: &LastCall) -> Vec<String> {
    let link = call.link.clone().unwrap_or_default();
    vec![
        format!("Modulation                  {}", link.modulation),
        "Recv/Xmit Level  (-dB)      23/16".to_owned(),
        format!("SNR              (dB)       {}", link.snr),
        "Roundtrip Delay  (msec)     3".to_owned(),
    ]
}

/// `AT&V1` of a Rockwell set (WESTERMO).
pub(super) fn termination_report(call: &LastCall) -> Vec<String> {
    let link = call.link.clone().unwrap_or_default();
    let reason =
        if call.clear_cause == 0x20 || call.clear_cause == 0x51 { "LOCAL REQUEST" } else { "CARRIER LOSS" };
    vec![
        format!("TERMINATION REASON.......... {reason}"),
        format!("LAST TX rate................ {} BPS", link.tx),
        format!("LAST RX rate................ {} BPS", link.rx.unwrap_or(link.tx)),
        format!("PROTOCOL.................... {}", link.protocol),
        format!("Line QUALITY................ {:03}", 100_u32.saturating_sub(link.snr * 2)),
        "Rx LEVEL.................... 015".to_owned(),
        format!("Local Rtrn Count............ {:02}", link.retrains),
        "Remote Rtrn Count........... 00".to_owned(),
    ]
}

/// `AT#UD` (TORNADO).
pub(super) fn unimodem_report(call: &LastCall) -> Vec<String> {
    let link = call.link.clone().unwrap_or_default();
    vec![
        format!("DIAG <2A4D3263 1={:02X} 2=0 3=0>", call.setup_result),
        format!("DIAG <2A4D3263 10=17 11=0C 12={:02X}>", 23 + link.snr),
        format!(
            "DIAG <2A4D3263 32={:X} 33=0 34={:X} 35={:X}>",
            link.retrains,
            link.tx,
            link.rx.unwrap_or(link.tx)
        ),
        format!("DIAG <2A4D3263 60={:02X}>", call.clear_cause),
    ]
}
