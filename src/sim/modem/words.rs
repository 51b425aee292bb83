//! Result codes: which a family has, what X makes of them, and how they are framed (modems.md 1.2, 1.3, 1.6, 2.1).

use std::collections::BTreeMap;

use crate::modem::profile::{Profile, Question};

use super::family::{Family, Form, LockWord};
use super::{Firmware, Settings};

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
    /// Locked for so many seconds.
    Delayed(u64),
    /// Locked.
    Blacklisted,
    /// The list of locked numbers is full: no new number is dialed.
    BlacklistFull,
    /// Not allowed to dial.
    DialingDisabled,
    /// Locked until it is switched off.
    DialLocked,
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
        "si24xx" => Firmware::Si24xx,
        "zyxel" => Firmware::Zyxel,
        "multitech" => Firmware::Multitech,
        "lucent" => Firmware::Lucent,
        "microcom" => Firmware::Microcom,
        "elsa" => Firmware::Elsa,
        "softmodem" => Firmware::Softmodem,
        _ if sets("&A3") || profile.marks.ringing => Firmware::Usr,
        _ if sets("S95") || sets("W1") => Firmware::Rockwell,
        _ if sets("+MR") => Firmware::V250,
        _ => Firmware::Hayes,
    }
}

/// Answers by which `profile: auto` finds this profile: those of the first identity that one of its rules knows.
pub(super) fn identity(family: &Family, profile: &Profile) -> BTreeMap<String, String> {
    let column = |ask: Question| match ask {
        Question::I => 0,
        Question::I3 => 1,
        Question::Maker => 2,
        Question::Model => 3,
        // No family is known by it.
        Question::Serial => 4,
    };
    let all = family.identities;
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

/// Whether X lets this be printed (modems.md 1.6).
pub(super) fn shows(family: &Family, set: &Settings, reply: &Reply) -> bool {
    match reply {
        Reply::NoDialtone => family.x_no_dialtone.contains(&set.x),
        Reply::Busy | Reply::Reorder => set.x >= family.x_busy,
        // ZyXEL: S42.6 turns it off.
        Reply::Ringing if family.form == Form::Zyxel => set.s[42] & 0x40 == 0,
        Reply::Ringing => set.x >= family.x_ringing,
        Reply::Voice => set.x >= family.x_voice,
        Reply::Fax => family.firmware != Firmware::Hayes,
        _ => true,
    }
}

/// What a lock, or the file's word for one, is in this family.
fn of_lock(family: &Family, set: &Settings, reply: &Reply) -> Reply {
    match (family.lock, reply) {
        (LockWord::NoCarrier, _) => Reply::NoCarrier,
        (LockWord::DialLocked, _) => Reply::DialLocked,
        // Below X4 they are ERROR (modems.md 0.2).
        _ if set.x < 4 && matches!(family.form, Form::Rockwell | Form::Conexant) => Reply::Error,
        _ => reply.clone(),
    }
}

/// A result code as the settings want it; what X hides is nothing, or `NO CARRIER`, or `ERROR`.
pub(super) fn render(family: &Family, set: &Settings, reply: &Reply) -> Vec<u8> {
    let instead = match reply {
        Reply::Delayed(_) | Reply::Blacklisted => of_lock(family, set, reply),
        Reply::Reorder if !family.reorder => Reply::Busy,
        // Si24xx look for it only when told to by `%V`.
        Reply::LineInUse if family.form == Form::Si24xx && set.look == 0 => Reply::NoDialtone,
        other => other.clone(),
    };
    let instead = match instead {
        Reply::Ringing if !shows(family, set, &instead) => return Vec::new(),
        other if !shows(family, set, &other) => Reply::NoCarrier,
        other => other,
    };
    let text = match &instead {
        Reply::Ok => "OK",
        Reply::Ring => "RING",
        Reply::NoCarrier => "NO CARRIER",
        Reply::Error => "ERROR",
        Reply::NoDialtone => family.no_dialtone,
        Reply::Busy => "BUSY",
        Reply::NoAnswer => "NO ANSWER",
        Reply::Ringing => "RINGING",
        Reply::Voice => "VOICE",
        Reply::Fax => "FAX",
        Reply::LineInUse => "LINE IN USE",
        Reply::Reorder => "REORDER",
        Reply::Delayed(seconds) => {
            let text = format!("DELAYED {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            return code(set, family.number("DELAYED"), &text);
        }
        Reply::Blacklisted => "BLACKLISTED",
        Reply::BlacklistFull => "BLACKLIST FULL",
        Reply::DialingDisabled => "DIALING DISABLED",
        Reply::DialLocked => "DIAL LOCKED",
        Reply::Text(text) => text,
    };
    // The one code that comes without a line of its own (modems.md 1.2).
    if text == "X" && family.form == Form::Si24xx && !set.quiet && set.verbose {
        return b"X\r\n".to_vec();
    }
    code(set, family.number(text), text)
}

/// A line of result, or its number; a word without a number comes as a word.
pub(super) fn code(set: &Settings, number: Option<u16>, text: &str) -> Vec<u8> {
    let (cr, lf) = (char::from(set.s[3]), char::from(set.s[4]));
    match (set.quiet, set.verbose, number) {
        (true, ..) => Vec::new(),
        (false, true, _) => format!("{cr}{lf}{text}{cr}{lf}").into_bytes(),
        (false, false, Some(number)) => format!("{number}{cr}").into_bytes(),
        (false, false, None) => format!("{text}{cr}").into_bytes(),
    }
}
