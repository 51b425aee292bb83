//! `AT&V1`, the last-call report of Rockwell's and Conexant's chip sets (modems.md 3.2). Its dots may be missing.

use super::text::{Fields, Figure, cut, level};
use super::{Account, words};
use crate::modem::connect;
use crate::modem::profile::Report;

const LABELS: [&str; 20] = [
    "termination reason",
    "last tx rate",
    "highest tx rate",
    "last rx rate",
    "highest rx rate",
    "protocol",
    "compression",
    "line quality",
    "rx level",
    "highest rx state",
    "highest tx state",
    "eqm sum",
    "min distance",
    "rbs pattern",
    "rate drop",
    "digital loss",
    "digital pad",
    "local rtrn count",
    "remote rtrn count",
    "flex",
];

const TAKEN: [&str; 7] = [
    "termination reason",
    "last tx rate",
    "last rx rate",
    "protocol",
    "compression",
    "line quality",
    "rx level",
];

pub(super) fn parse(lines: &[String]) -> Account {
    let fields = Fields::read(lines, &LABELS);
    let mut account = Account::new(Report::V1);
    let told = &mut account.told;
    if let Some(reason) = fields.text("termination reason").filter(|text| !is_nothing(text)) {
        told.disconnect_cause = Some(cut(reason, super::MORE_VALUE_LEN_MAX));
        told.termination = words::termination(reason);
    }
    told.line_quality = fields.figure("line quality", 0..=255).value();
    // AT%L's scale: 9 to 43 below 1 mW.
    told.rx_level_dbm = level(fields.figure("rx level", 1..=60).value());
    told.retrains = count(&fields, "local rtrn count").plus(count(&fields, "remote rtrn count")).value();
    let bps = |label| fields.figure(label, 1..=connect::LINE_BPS_MAX).value().and_then(super::rate);
    account.link.tx_bps = bps("last tx rate");
    account.link.rx_bps = bps("last rx rate");
    // `NONE` stands there as well where there was no link: that is for `call` to tell.
    account.link.protocol = fields.text("protocol").and_then(|text| connect::protocol(text).protocol);
    account.link.compression =
        fields.text("compression").and_then(|text| connect::compression(text).compression);
    fields.rest_into(&TAKEN, &mut account.told);
    account
}

/// Two digits. Whether they are hexadecimal is not documented: letters among them say so, else the lower reading holds.
fn count(fields: &Fields, label: &str) -> Figure {
    let hex =
        fields.text(label).filter(|text| text.len() == 2 && text.bytes().all(|b| b.is_ascii_hexdigit()));
    match hex.filter(|text| !text.bytes().all(|b| b.is_ascii_digit())) {
        Some(text) => u32::from_str_radix(text, 16).map_or(Figure::Garbled, Figure::Of),
        None => fields.figure(label, 0..=99),
    }
}

fn is_nothing(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}
