//! `ATS86?`, `AT%L` and `AT%Q`: answers of one figure, three digits each (modems.md 3.2).

use super::Account;
use super::text::{ascii, digits, level};
use crate::model::Termination;
use crate::modem::profile::Report;

pub(super) fn s86(lines: &[String]) -> Account {
    let mut account = Account::new(Report::S86);
    let value = figure(lines).and_then(|value| u8::try_from(value).ok());
    account.told.s86 = value;
    account.told.termination = value.and_then(|value| {
        Some(match value {
            4 => Termination::CarrierLost,
            5 | 9 | 14 => Termination::ErrorControl,
            12 => Termination::Remote,
            13 => Termination::LineTooBad,
            25 => Termination::OwnLine,
            // 0 is a normal end, whoever's; others are not documented.
            _ => return None,
        })
    });
    let cause = match value {
        Some(4) => Some("loss of carrier"),
        Some(5) => Some("no error-correcting modem found"),
        Some(9) => Some("no common protocol"),
        Some(12) => Some("remote disconnected"),
        Some(13) => Some("no reply after 10 retransmissions"),
        Some(14) => Some("protocol violation"),
        Some(25) => Some("extension picked up or line reversed"),
        _ => None,
    };
    account.told.disconnect_cause =
        value.zip(cause).map(|(value, cause)| format!("S86={value:03} ({cause})"));
    account
}

/// The received level, in dB below 1 mW. Rockwell's manuals call it valid online only, so no shipped profile asks for it.
pub(super) fn received_level(lines: &[String]) -> Account {
    let mut account = Account::new(Report::Level);
    account.told.rx_level_dbm = level(figure(lines).filter(|db| *db <= 60));
    account
}

/// The line's quality as EQM's high byte; online only, like the level.
pub(super) fn quality(lines: &[String]) -> Account {
    let mut account = Account::new(Report::Quality);
    account.told.line_quality = figure(lines).filter(|value| *value <= 255);
    account
}

/// The one line that is three digits.
fn figure(lines: &[String]) -> Option<u32> {
    let mut found = lines.iter().map(|line| ascii(line)).filter_map(|line| {
        let text = line.trim();
        (text.len() == 3).then(|| digits(text)).flatten()
    });
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}
