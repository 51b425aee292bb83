//! `AT#UD`, the report that Microsoft's Unimodem asks for, with the codes of ITU-T V.58 (modems.md 3.3).
//!
//! The most exact of all: keys and values are closed lists, and the modem forgets them at each ATD, so that what it
//! tells is of the last call.

use std::collections::BTreeMap;

use super::text::{ascii, cut, level, more};
use super::{Account, ROUND_TRIP_MAX_MS};
use crate::model::{CallSetup, Termination};
use crate::modem::profile::Report;

/// What every line begins with.
const HEAD: &str = "DIAG <2A4D3263";
/// No counter of a call is higher.
const COUNT_MAX: u32 = 1_000_000;

/// Key 1, call setup result; key 60, cause of the end.
const SETUP: u8 = 0x01;
const CAUSE: u8 = 0x60;

/// Keys without a place of their own, and what they are called.
const NAMES: [(u8, &str); 37] = [
    (0x00, "ud-revision"),
    (0x02, "multimedia-mode"),
    (0x03, "dte-dce-mode"),
    (0x04, "v8-cm"),
    (0x05, "v8-jm"),
    (0x12, "noise-dbm"),
    (0x13, "normalised-mse"),
    (0x14, "near-echo-loss-db"),
    (0x15, "far-echo-loss-db"),
    (0x16, "far-echo-delay-ms"),
    (0x18, "v34-info"),
    (0x20, "tx-carrier-result"),
    (0x21, "rx-carrier-result"),
    (0x22, "tx-symbol-rate"),
    (0x23, "rx-symbol-rate"),
    (0x24, "tx-carrier-frequency"),
    (0x25, "rx-carrier-frequency"),
    (0x26, "initial-tx-rate"),
    (0x27, "initial-rx-rate"),
    (0x30, "carrier-losses"),
    (0x32, "retrains-requested"),
    (0x33, "retrains-granted"),
    (0x40, "protocol-result"),
    (0x41, "frame-size"),
    (0x42, "ec-timeouts"),
    (0x43, "ec-naks"),
    (0x50, "tx-flow-control"),
    (0x51, "rx-flow-control"),
    (0x52, "chars-sent"),
    (0x53, "chars-received"),
    (0x54, "chars-lost-sent"),
    (0x55, "chars-lost-received"),
    (0x56, "frames-sent"),
    (0x57, "frames-received"),
    (0x58, "frame-errors-sent"),
    (0x59, "frame-errors-received"),
    (0x61, "call-waiting-events"),
];

/// Those whose value is no number.
const OCTETS: [u8; 3] = [0x04, 0x05, 0x18];

pub(super) fn parse(lines: &[String]) -> Account {
    let pairs = Pairs::read(lines);
    let mut account = Account::new(Report::Ud);
    let told = &mut account.told;
    let setup = pairs.number(SETUP, 0xff);
    told.call_setup = setup.and_then(call_setup);
    let cause = pairs.number(CAUSE, 0xff);
    if let Some(cause) = cause {
        told.termination = termination(cause);
        // 0 is `unidentified`: it says nothing.
        told.disconnect_cause = (cause != 0).then(|| format!("#UD 60={cause:02X} ({})", name(cause)));
    }
    account.cause = cause;
    // It knows of no call before, or thinks that one is still going on: whatever it tells is not of ours.
    account.no_call = setup == Some(0) || matches!(cause, Some(1 | 2));
    told.rx_level_dbm = level(pairs.number(0x10, 0x2f));
    told.tx_level_dbm = level(pairs.number(0x11, 0x2f));
    told.round_trip_ms = pairs.number(0x17, ROUND_TRIP_MAX_MS).filter(|ms| *ms > 0);
    told.rate_shifts = pairs.number(0x31, COUNT_MAX);
    told.retrains = pairs.sum(0x32, 0x33);
    told.block_errors = pairs.sum(0x58, 0x59);
    account.received = pairs.number(0x53, u32::MAX);
    account.link.tx_bps = pairs.number(0x34, u32::MAX).and_then(super::rate);
    account.link.rx_bps = pairs.number(0x35, u32::MAX).and_then(super::rate);
    account.link.compression = match pairs.number(0x44, 0xff) {
        Some(0) => Some("NONE".to_owned()),
        Some(1) => Some("V.42bis".to_owned()),
        Some(0x80) => Some("MNP5".to_owned()),
        _ => None,
    };
    for (key, name) in NAMES {
        let shown = if OCTETS.contains(&key) {
            pairs.text(key).map(str::to_owned)
        } else if key == 0x12 {
            pairs.number(key, 100).map(|db| format!("-{db}"))
        } else {
            pairs.number(key, u32::MAX).map(|value| value.to_string())
        };
        if let Some(shown) = shown {
            more(&mut account.told, name, &shown);
        }
    }
    account
}

/// Keys with their values; `None` where one came twice and differently.
struct Pairs(BTreeMap<u8, Option<String>>);

impl Pairs {
    fn read(lines: &[String]) -> Self {
        let mut pairs: BTreeMap<u8, Option<String>> = BTreeMap::new();
        for line in lines {
            let line = ascii(line);
            let Some(body) = line.trim().strip_prefix(HEAD) else { continue };
            // Without its end the last value may be cut.
            let (body, whole) = match body.split_once('>') {
                Some((body, _)) => (body, true),
                None => (body, false),
            };
            if !body.starts_with(' ') {
                continue;
            }
            let mut words: Vec<&str> = body.split_ascii_whitespace().collect();
            if !whole {
                words.pop();
            }
            for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
                let Some(key) = hex(key).and_then(|key| u8::try_from(key).ok()) else { continue };
                pairs
                    .entry(key)
                    .and_modify(|known| {
                        if known.as_deref() != Some(value) {
                            *known = None;
                        }
                    })
                    .or_insert_with(|| Some(value.to_owned()));
            }
        }
        Self(pairs)
    }

    fn text(&self, key: u8) -> Option<&str> {
        let value = self.0.get(&key)?.as_deref()?;
        value.bytes().all(|b| b.is_ascii_hexdigit()).then_some(value)
    }

    fn number(&self, key: u8, most: u32) -> Option<u32> {
        hex(self.0.get(&key)?.as_deref()?).filter(|value| *value <= most)
    }

    /// Both ends' counters. One that is not told adds nothing; one that is garbled makes the sum unknown.
    fn sum(&self, a: u8, b: u8) -> Option<u32> {
        let told = |key| self.0.contains_key(&key);
        let one = |key| if told(key) { self.number(key, COUNT_MAX) } else { Some(0) };
        (told(a) || told(b)).then(|| Some(one(a)? + one(b)?)).flatten()
    }
}

/// One to eight hexadecimal digits.
fn hex(text: &str) -> Option<u32> {
    let fits = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

fn call_setup(code: u32) -> Option<CallSetup> {
    Some(match code {
        1 => CallSetup::NoDialtone,
        2 => CallSetup::Reorder,
        3 => CallSetup::Busy,
        4 => CallSetup::Nothing,
        5 => CallSetup::Voice,
        // Two makers give it two numbers (modems.md 3.3).
        6 | 7 => CallSetup::AnswerTone,
        _ => return None,
    })
}

fn termination(cause: u32) -> Option<Termination> {
    Some(match cause {
        // Unidentified; no previous call; a call in progress.
        0..=2 => return None,
        0x04 | 0x29 | 0x2a => Termination::Refused,
        0x19 => Termination::Inactivity,
        0x20 | 0x50..=0x52 => Termination::Local,
        0x2b | 0x2d | 0x2f => Termination::OwnLine,
        0x2c => Termination::NoAnswer,
        0x2e | 0x3c | 0x64 => Termination::CarrierLost,
        0x31 | 0x33 => Termination::Network,
        0x34 | 0x41 | 0x5f => Termination::Remote,
        0x3d | 0x3e => Termination::TrainingFailed,
        0x3f | 0x40 | 0x5d => Termination::LineTooBad,
        0x5a..=0x5c | 0x5e | 0x60 => Termination::ErrorControl,
        _ => Termination::Other,
    })
}

/// What a cause is called.
fn name(cause: u32) -> String {
    let name = match cause {
        0x01 => "no previous call",
        0x02 => "call in progress",
        0x03 => "call waiting",
        0x04 => "delayed",
        0x19 => "inactivity timer",
        0x1f => "DTR low",
        0x20 => "DTR dropped",
        0x29 => "blacklisted number",
        0x2a => "attempts limit",
        0x2b => "extension off-hook",
        0x2c => "setup timer",
        0x2d => "incoming call",
        0x2e => "loop current interrupted",
        0x2f => "no dial tone",
        0x31 => "reorder",
        0x33 => "busy",
        0x34 => "long-space disconnect",
        0x3c => "carrier lost",
        0x3d => "training failed",
        0x3e => "no modulation in common",
        0x3f => "retrain failed",
        0x40 => "retrain count exceeded",
        0x41 => "cleardown received",
        0x42 => "fax detected",
        0x46 => "in test mode",
        0x50 => "key abort",
        0x51 => "ATH",
        0x52 => "ATZ",
        0x5a => "frame reject",
        0x5b => "no error control",
        0x5c => "protocol violation",
        0x5d => "n400 exceeded",
        0x5e => "negotiation failed",
        0x5f => "DISC received",
        0x60 => "SABME received",
        0x64 => "loss of synchronisation",
        _ => return cut("unknown cause", 20),
    };
    name.to_owned()
}
