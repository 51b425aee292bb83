//! `ATI11`: the line as US Robotics' modems measured it (modems.md 3.1), and, under the same command, the
//! last-connection report of Lucent's and of soft modems (3.4), which also stands on some Multi-Tech models.

use super::text::{Fields, cut, level};
use super::{Account, usr};
use crate::model::Termination;
use crate::modem::connect;
use crate::modem::profile::Report;

const LABELS: [&str; 43] = [
    // US Robotics.
    "modulation",
    "carrier freq",
    "carrier offset",
    "symbol rate",
    "trellis code",
    "nonlinear encoding",
    "precoding",
    "shaping",
    "preemphasis",
    "recv/xmit level",
    "snr",
    "near echo loss",
    "far echo loss",
    "roundtrip delay",
    "timing offset",
    "speed shifts up/down",
    "status",
    "v.90 peak speed",
    // Last connection.
    "last connection",
    "initial transmit carrier rate",
    "initial receive carrier rate",
    "final transmit carrier rate",
    "final receive carrier rate",
    "protocol negotiation result",
    "data compression result",
    "estimated signal/noise ratio",
    "estimated signal/noise level",
    "estimated noise level",
    "receive signal power level",
    "transmit signal power level",
    "round trip delay",
    "near echo level",
    "far echo level",
    "transmit frame count",
    "transmit frame error count",
    "receive frame count",
    "receive frame error count",
    "retrain by local modem",
    "retrain by remote modem",
    "call termination cause",
    "robbed-bit signaling",
    "digital loss",
    "remote server id",
];

/// Those that have a place of their own. The received power of a last-connection report has none: its makers call it
/// relative, and valid only during the call.
const TAKEN: [&str; 15] = [
    "modulation",
    "recv/xmit level",
    "snr",
    "roundtrip delay",
    "speed shifts up/down",
    "last connection",
    "final transmit carrier rate",
    "final receive carrier rate",
    "protocol negotiation result",
    "data compression result",
    "estimated signal/noise ratio",
    "estimated signal/noise level",
    "transmit signal power level",
    "round trip delay",
    "call termination cause",
];

const COUNT_MAX: u32 = 65_535;

pub(super) fn parse(lines: &[String]) -> Account {
    let fields = Fields::read(lines, &LABELS);
    let mut account = Account::new(Report::I11);
    let told = &mut account.told;
    // 0 dB and 0 ms are what is printed where nothing was measured.
    let first = |labels: [&str; 3], most: u32| {
        labels.into_iter().find_map(|label| fields.figure(label, 1..=most).value())
    };

    let (recv, xmit) = fields.pair("recv/xmit level", 1..=60);
    told.rx_level_dbm = level(recv);
    told.tx_level_dbm = level(xmit.or_else(|| fields.figure("transmit signal power level", 1..=60).value()));
    let snr = first(["snr", "estimated signal/noise ratio", "estimated signal/noise level"], 99);
    told.snr_db = snr.and_then(|db| u16::try_from(db).ok());
    told.round_trip_ms =
        first(["roundtrip delay", "round trip delay", "round trip delay"], super::ROUND_TRIP_MAX_MS);
    told.rate_shifts = usr::shifts(&fields);
    let local = fields.figure("retrain by local modem", 0..=COUNT_MAX);
    told.retrains = local.plus(fields.figure("retrain by remote modem", 0..=COUNT_MAX)).value();
    let sent_again = fields.figure("transmit frame error count", 0..=COUNT_MAX);
    told.block_errors = sent_again.plus(fields.figure("receive frame error count", 0..=COUNT_MAX)).value();
    if let Some(cause) = fields.text("call termination cause") {
        let (termination, cause) = termination(cause);
        told.termination = termination;
        told.disconnect_cause = Some(cause);
    }
    account.received = fields.figure("receive frame count", 0..=COUNT_MAX).value();
    let modulation = fields.text("modulation").or_else(|| fields.text("last connection"));
    let modulation = modulation.filter(|text| !text.eq_ignore_ascii_case("none"));
    account.link.modulation = modulation.and_then(|text| connect::modulation(text).modulation);
    let bps = |label| fields.figure(label, 1..=connect::LINE_BPS_MAX).value().and_then(super::rate);
    account.link.tx_bps = bps("final transmit carrier rate");
    account.link.rx_bps = bps("final receive carrier rate");
    let word = |label| fields.text(label);
    account.link.protocol = word("protocol negotiation result").and_then(|t| connect::protocol(t).protocol);
    account.link.compression =
        word("data compression result").and_then(|t| connect::compression(t).compression);
    fields.rest_into(&TAKEN, &mut account.told);
    account
}

/// `Call Termination Cause`: a number, or a number with words behind it.
fn termination(text: &str) -> (Option<Termination>, String) {
    let (termination, words) = match text.split([' ', ':', '-']).next() {
        Some("0") => (Termination::Local, "local request"),
        Some("1") => (Termination::Remote, "remote request or loss of signal"),
        Some("2") => (Termination::NoAnswer, "no answer"),
        Some("3") => (Termination::TrainingFailed, "training failure"),
        Some("4") => (Termination::ErrorControl, "protocol failure"),
        _ => return (super::words::termination(text), cut(text, super::MORE_VALUE_LEN_MAX)),
    };
    (Some(termination), format!("cause {} ({words})", cut(text, 2)))
}
