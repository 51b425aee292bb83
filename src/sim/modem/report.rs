//! A modem's accounts of its last call, in the layouts of modems.md 3.

use super::last::{CallEnd, Heard, LastCall};
use super::link::dotted;
use crate::sim::file::ReportStyle;

/// The state of a set that is in data mode, and of one that has failed in training (modems.md 3.2; the latter is UNSURE).
const STATE_DATA: u8 = 67;
const STATE_TRAINING: u8 = 24;

/// `ATI6` of US Robotics \[PARACAS].
pub(super) fn link(call: &LastCall, product: &str) -> Vec<String> {
    let pair = |a: &str, x: u64, b: &str, y: u64| format!("{a:<18}{x:>13}      {b:<18}{y:>13}");
    let one = |a: &str, x: u64| format!("{a:<18}{x:>13}");
    let mut lines = vec![format!("{product} Link Diagnostics...")];
    let Some(link) = &call.link else {
        lines.push("No Connection".to_owned());
        return lines;
    };
    let seconds = call.duration.as_secs();
    let blocks = |characters: u64| characters.div_ceil(40);
    let errors = u64::from(link.block_errors);
    lines.extend([
        pair("Chars sent", call.sent, "Chars Received", call.received),
        one("Chars lost", 0),
        pair("Octets sent", call.sent * 3 / 4, "Octets Received", call.received * 3 / 4),
        pair("Blocks sent", blocks(call.sent), "Blocks Received", blocks(call.received)),
        one("Blocks resent", errors / 2),
        pair("Retrains Requested", u64::from(link.retrains), "Retrains Granted", 0),
        pair("Line Reversals", 0, "Blers", errors),
        pair("Link Timeouts", 0, "Link Naks", errors / 4),
    ]);
    let compression = match link.compression.as_str() {
        "V42B" => "V42BIS 2048/32",
        other => other,
    };
    lines.extend([
        format!("Data Compression       {compression}"),
        "Equalization           Long".to_owned(),
        "Fallback               Disabled".to_owned(),
        format!("Protocol               {}", link.protocol),
        format!("Speed                  {}/{}", link.tx, link.to_us()),
        format!("Last Call              {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    ]);
    // The first three were seen; the others are lore (UNSURE).
    let reason = match call.end {
        CallEnd::Dtr => "DTR dropped",
        CallEnd::Remote => "DISC Received",
        CallEnd::Key => "Keypress Abort",
        CallEnd::Command | CallEnd::Reset => "Escape code",
        CallEnd::CarrierLost => "Loss of Carrier",
        _ => return lines,
    };
    lines.push(format!("Disconnect Reason is {reason}"));
    lines
}

/// `ATI11` of US Robotics \[PARACAS], \[MODEMHELP].
pub(super) fn signal(call: &LastCall) -> Vec<String> {
    let Some(link) = &call.link else { return vec!["No Connection".to_owned()] };
    let row = |label: &str, value: String| format!("{label:<28}{value}");
    let (rx, tx) = (link.rx_level_dbm.unsigned_abs(), link.tx_level_dbm.unsigned_abs());
    vec![
        row("Modulation", dotted(&link.modulation)),
        row("Carrier Freq     (Hz)", "1959/1959".to_owned()),
        row("Symbol Rate", "3429/3429".to_owned()),
        row("Trellis Code", "64S-4D/64S-4D".to_owned()),
        row("Nonlinear Encoding", "ON/ON".to_owned()),
        row("Precoding", "OFF/ON".to_owned()),
        row("Shaping", "OFF/ON".to_owned()),
        row("Preemphasis      (-dB)", "2/2".to_owned()),
        row("Recv/Xmit Level  (-dB)", format!("{rx}/{tx}")),
        row("SNR              (dB)", link.snr.to_string()),
        row("Near Echo Loss   (dB)", "31".to_owned()),
        row("Far Echo Loss    (dB)", "57".to_owned()),
        row("Roundtrip Delay  (msec)", link.round_trip_ms.to_string()),
        row("Speed Shifts Up/Down", format!("0/{}", link.rate_shifts)),
    ]
}

/// `AT&V1` of a Rockwell set \[WESTERMO], \[MT5600SMI].
pub(super) fn termination(call: &LastCall, style: ReportStyle) -> Vec<String> {
    let dots = style == ReportStyle::Dots;
    let row = |label: &str, value: String| {
        if dots { format!("{label:.<28} {value}") } else { format!("{label} {value}") }
    };
    let unit = if dots { "BPS" } else { "BIT/S" };
    // LOCAL REQUEST was seen; the other words are UNSURE.
    let reason = match call.end {
        end if end.is_local() => "LOCAL REQUEST",
        CallEnd::Remote => "REMOTE REQUEST",
        CallEnd::CarrierLost => "CARRIER LOSS",
        _ => "NONE",
    };
    let mut lines = vec![row("TERMINATION REASON", reason.to_owned())];
    let rate = |bps: u32| format!("{bps} {unit}");
    let link = call.link.clone();
    let (tx, rx) = link.as_ref().map_or((0, 0), |l| (l.tx, l.to_us()));
    let (protocol, compression) = match &link {
        Some(l) => (
            if l.protocol == "MNP" { "ALT" } else { l.protocol.as_str() },
            match l.compression.as_str() {
                "V42B" => "V42Bis",
                "MNP5" => "CLASS 5",
                other => other,
            },
        ),
        None => ("NONE", "NONE"),
    };
    lines.extend([
        row("LAST TX rate", rate(tx)),
        row("HIGHEST TX rate", rate(tx)),
        row("LAST RX rate", rate(rx)),
        row("HIGHEST RX rate", rate(rx)),
        row("PROTOCOL", protocol.to_owned()),
        row("COMPRESSION", compression.to_owned()),
    ]);
    let state = match (&link, call.heard) {
        (Some(_), _) => STATE_DATA,
        (None, Heard::AnswerTone) => STATE_TRAINING,
        (None, _) => 0,
    };
    let (quality, level) = link.as_ref().map_or((0, 0), |l| (quality(l.snr), l.rx_level_dbm.unsigned_abs()));
    let (retrains, drops) = link.as_ref().map_or((0, 0), |l| (l.retrains, l.rate_shifts));
    lines.extend([
        row("Line QUALITY", format!("{quality:03}")),
        row("Rx LEVEL", format!("{level:03}")),
        row("Highest Rx State", format!("{state:02}")),
        row("Highest TX State", format!("{state:02}")),
        row("EQM Sum", format!("{:04X}", quality * 4)),
        row("Min Distance", "0000".to_owned()),
        row("RBS Pattern", "00".to_owned()),
        row("Rate Drop", format!("{drops:02}")),
        if dots { row("Digital Loss", "2000".to_owned()) } else { "Digital Pad... None".to_owned() },
        row("Local Rtrn Count", format!("{retrains:02}")),
        row("Remote Rtrn Count", "00".to_owned()),
        "Flex 9481814347C4".to_owned(),
    ]);
    lines
}

/// Line quality as a Rockwell set sees it, from the noise: the higher, the worse.
pub(super) fn quality(snr_db: u32) -> u32 {
    100_u32.saturating_sub(snr_db * 2).max(7)
}

/// `AT#UD` \[TORNADO], \[USRSOFT].
pub(super) fn unimodem(call: Option<&LastCall>, answer_tone_key: u8) -> Vec<String> {
    let record = |pairs: String| format!("DIAG <2A4D3263 {pairs}>");
    let Some(call) = call else { return vec![record("1=0".to_owned()), record("60=1".to_owned())] };
    let heard = match call.heard {
        Heard::NoCall => 0,
        Heard::NoDialtone => 1,
        Heard::Reorder => 2,
        Heard::Busy => 3,
        Heard::Nothing => 4,
        Heard::Voice => 5,
        Heard::AnswerTone => answer_tone_key,
    };
    let mut lines = vec![record(format!("1={heard:02X} 2=0 3=0"))];
    if let Some(link) = &call.link {
        let (rx, tx) = (link.rx_level_dbm.unsigned_abs(), link.tx_level_dbm.unsigned_abs());
        let noise = u32::from(rx) + link.snr;
        let compression = match link.compression.as_str() {
            "V42B" => 1,
            "MNP5" => 0x80,
            _ => 0,
        };
        let (tx_bps, rx_bps) = (link.tx, link.to_us());
        lines.extend([
            record(format!("10={rx:02X} 11={tx:02X} 12={noise:02X} 17={:X}", link.round_trip_ms)),
            record(format!("22=D65 23=D65 26={tx_bps:X} 27={rx_bps:X}")),
            record(format!(
                "30=0 31={:X} 32={:X} 33=0 34={tx_bps:X} 35={rx_bps:X}",
                link.rate_shifts, link.retrains
            )),
            record(format!("42=0 43={:X} 44={compression:X}", link.block_errors / 4)),
            record(format!("52={:X} 53={:X} 54=0 55=0", call.sent, call.received)),
            record(format!("58={:X} 59={:X}", link.block_errors / 2, link.block_errors)),
        ]);
    }
    lines.push(record(format!("60={:02X}", call.end.v58())));
    lines
}

/// `ATI11` of Lucent and soft modems: the fields of \[USRSOFT19], \[TOSHIBA], \[ACTIONTEC]; how they are spaced is UNSURE.
pub(super) fn connection(call: &LastCall) -> Vec<String> {
    let row = |label: &str, value: String| format!("{label:<36} {value}");
    let mut lines =
        vec![row("Description", "Status".to_owned()), row("---------------", "------------".to_owned())];
    let link = call.link.clone().unwrap_or_default();
    let is = call.link.is_some();
    let text = |value: &str| if is { value.to_owned() } else { "None".to_owned() };
    let count = |value: u32| if is { value.to_string() } else { "0".to_owned() };
    let compression = if link.compression == "V42B" { "V42bis" } else { &link.compression };
    let cause = match call.end {
        CallEnd::Remote | CallEnd::CarrierLost => 1,
        CallEnd::SetupTimer if call.heard != Heard::AnswerTone => 2,
        CallEnd::SetupTimer | CallEnd::TrainingFailed => 3,
        _ => 0,
    };
    let errors = link.block_errors;
    lines.extend([
        row("Last Connection", text(&dotted(&link.modulation))),
        row("Initial Transmit Carrier Rate", count(link.tx)),
        row("Initial Receive  Carrier Rate", count(link.to_us())),
        row("Final   Transmit Carrier Rate", count(link.tx)),
        row("Final   Receive  Carrier Rate", count(link.to_us())),
        row("Protocol Negotiation Result", text(&link.protocol)),
        row("Data Compression Result", text(compression)),
        row("Estimated Noise Level", count(u32::from(link.rx_level_dbm.unsigned_abs()) + link.snr)),
        row("Receive  Signal Power Level (-dBm)", count(link.rx_level_dbm.unsigned_abs().into())),
        row("Transmit Signal Power Level (-dBm)", count(link.tx_level_dbm.unsigned_abs().into())),
        row("Round Trip Delay (msec)", count(link.round_trip_ms)),
        row("Near Echo Level (-dBm)", count(39)),
        row("Far  Echo Level (-dBm)", count(60)),
        row("Transmit Frame Count", call.sent.div_ceil(40).to_string()),
        row("Transmit Frame Error Count", count(errors / 2)),
        row("Receive Frame Count", call.received.div_ceil(40).to_string()),
        row("Receive Frame Error Count", count(errors)),
        row("Retrain by Local Modem", count(link.retrains)),
        row("Retrain by Remote Modem", "0".to_owned()),
        row("Call Termination Cause", cause.to_string()),
        row("Robbed-Bit Signaling", "00".to_owned()),
        row("Digital Loss (dB)", "0".to_owned()),
        row("Remote Server ID", "NA".to_owned()),
    ]);
    lines
}
