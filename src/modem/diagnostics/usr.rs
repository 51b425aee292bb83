//! `ATI6`, the link report of US Robotics (modems.md 3.1).

use std::time::Duration;

use super::text::{Fields, cut, digits};
use super::{Account, words};
use crate::modem::connect;
use crate::modem::profile::Report;

const LABELS: [&str; 24] = [
    "chars sent",
    "chars received",
    "chars lost",
    "octets sent",
    "octets received",
    "blocks sent",
    "blocks received",
    "blocks resent",
    "retrains requested",
    "retrains granted",
    "line reversals",
    "blers",
    "link timeouts",
    "link naks",
    "data compression",
    "equalization",
    "fallback",
    "protocol",
    "speed",
    "speed shifts up/down",
    "v.90 peak speed",
    "last call",
    "disconnect reason is",
    "status",
];

/// Those that have a place of their own; sums keep their parts in `more`.
const TAKEN: [&str; 6] =
    ["blers", "data compression", "protocol", "speed", "disconnect reason is", "speed shifts up/down"];

/// No counter of a call is higher.
const COUNT_MAX: u32 = 1_000_000;

pub(super) fn parse(lines: &[String]) -> Account {
    let fields = Fields::read(lines, &LABELS);
    let mut account = Account::new(Report::I6);
    let told = &mut account.told;
    let requested = fields.figure("retrains requested", 0..=COUNT_MAX);
    told.retrains = requested.plus(fields.figure("retrains granted", 0..=COUNT_MAX)).value();
    told.rate_shifts = shifts(&fields);
    let resent = fields.figure("blocks resent", 0..=COUNT_MAX);
    told.block_errors = fields.figure("blers", 0..=COUNT_MAX).plus(resent).value();
    if let Some(reason) = fields.text("disconnect reason is") {
        told.disconnect_cause = Some(cut(reason, super::MORE_VALUE_LEN_MAX));
        told.termination = words::termination(reason);
    }
    account.received = fields.figure("chars received", 0..=u32::MAX).value();
    account.last_call = fields.text("last call").and_then(clock);
    if let (Some(tx), Some(rx)) = fields.pair("speed", 1..=connect::LINE_BPS_MAX) {
        (account.link.tx_bps, account.link.rx_bps) = (super::rate(tx), super::rate(rx));
    }
    if let Some(protocol) = fields.text("protocol") {
        account.link.protocol = connect::protocol(protocol).protocol;
    }
    if let Some(compression) = fields.text("data compression").and_then(|text| text.split(' ').next()) {
        account.link.compression = connect::compression(compression).compression;
    }
    fields.rest_into(&TAKEN, &mut account.told);
    account
}

/// Changes of rate, up and down.
pub(super) fn shifts(fields: &Fields) -> Option<u32> {
    let (up, down) = fields.pair("speed shifts up/down", 0..=COUNT_MAX);
    Some(up? + down?)
}

/// `00:03:21`.
fn clock(text: &str) -> Option<Duration> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (digits(parts.next()?)?, digits(parts.next()?)?, digits(parts.next()?)?);
    if parts.next().is_some() || hours > 999 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(Duration::from_secs(u64::from(hours) * 3600 + u64::from(minutes) * 60 + u64::from(seconds)))
}
