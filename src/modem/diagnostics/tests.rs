//! The samples of modems.md, and what is left of them when they are damaged.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::{CallSetup, Termination};
use crate::modem::codec::{Codec, Token};

const ATI6: &str = "\
USRobotics Sportster 33600 Fax Link Diagnostics...
Chars sent                14760      Chars Received            34270
Chars lost                    0
Octets sent                6677      Octets Received           25925
Blocks sent                 369      Blocks Received             636
Blocks resent                 0
Retrains Requested            0      Retrains Granted              0
Line Reversals                0      Blers                         0
Link Timeouts                 0      Link Naks                     0
Data Compression       V42BIS 2048/32
Equalization           Long
Fallback               Disabled
Protocol               LAPM
Speed                  28800/26400
Last Call              00:03:21
Disconnect Reason is DISC Received";

const ATI11: &str = "\
Modulation                  V.34
Carrier Freq     (Hz)       1959/1959
Symbol Rate                 3429/3429
Trellis Code                64S-4D/64S-4D
Nonlinear Encoding          ON/ON
Precoding                   OFF/ON
Shaping                     OFF/ON
Preemphasis      (-dB)      2/2
Recv/Xmit Level  (-dB)      23/16
SNR              (dB)       30
Near Echo Loss   (dB)       31
Far Echo Loss    (dB)       57
Roundtrip Delay  (msec)     3";

const V1: &str = "\
TERMINATION REASON.......... LOCAL REQUEST
LAST TX rate................ 26400 BPS
HIGHEST TX rate............. 26400 BPS
LAST RX rate................ 49333 BPS
HIGHEST RX rate............. 49333 BPS
PROTOCOL.................... LAPM
COMPRESSION................. V42Bis
Line QUALITY................ 038
Rx LEVEL.................... 015
Highest Rx State............ 67
Highest TX State............ 67
EQM Sum..................... 00B4
Min Distance................ 0000
RBS Pattern................. 00
Rate Drop................... 00
Digital Loss................ 2000
Local Rtrn Count............ 00
Remote Rtrn Count........... 00
Flex 9481814347C4";

const UD: &str = "\
DIAG <2A4D3263 1=06 2=0 3=0>
DIAG <2A4D3263 10=1F 11=0C 12=52>
DIAG <2A4D3263 17=3C 31=2 32=1 33=0 34=6720 35=7080>
DIAG <2A4D3263 40=2 44=1 52=10 53=1A4 58=0 59=3>
DIAG <2A4D3263 60=5F>";

const SOFT: &str = "\
Description                         Status
---------------                     ------------
Last Connection                     V.34
Initial Transmit Carrier Rate       33600
Initial Receive  Carrier Rate       33600
Final   Transmit Carrier Rate       31200
Final   Receive  Carrier Rate       33600
Protocol Negotiation Result         LAPM
Data Compression Result             V42bis
Estimated Noise Level               10
Receive  Signal Power Level  (-dBm) 20
Transmit Signal Power Level  (-dBm) 10
Round Trip Delay             (msec) 60
Near Echo Level              (-dBm) 39
Far Echo Level               (-dBm) 60
Transmit Frame Count                120
Transmit Frame Error Count          1
Receive Frame Count                 340
Receive Frame Error Count           4
Retrain by Local Modem              1
Retrain by Remote Modem             0
Call Termination Cause              3";

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn read(report: Report, text: &str) -> Account {
    parse(report, &lines(text))
}

fn more<'a>(account: &'a Account, key: &str) -> Option<&'a str> {
    account.told.more.get(key).map(String::as_str)
}

#[test]
fn a_sportsters_link_report_is_read() {
    let account = read(Report::I6, ATI6);
    let told = &account.told;
    assert_eq!((told.retrains, told.rate_shifts, told.block_errors), (Some(0), None, Some(0)));
    assert_eq!(told.termination, Some(Termination::Remote));
    assert_eq!(told.disconnect_cause.as_deref(), Some("DISC Received"));
    assert_eq!(account.last_call, Some(Duration::from_secs(201)));
    assert_eq!(account.received, Some(34_270));
    let Link { modulation, tx_bps, rx_bps, protocol, compression } = &account.link;
    assert_eq!((tx_bps, rx_bps, modulation), (&Some(28_800), &Some(26_400), &None));
    assert_eq!((protocol.as_deref(), compression.as_deref()), (Some("LAPM"), Some("V.42bis")));
    for (key, value) in [
        ("chars-sent", "14760"),
        ("chars-lost", "0"),
        ("link-naks", "0"),
        ("equalization", "Long"),
        ("fallback", "Disabled"),
        ("blocks-received", "636"),
        ("last-call", "00:03:21"),
    ] {
        assert_eq!(more(&account, key), Some(value), "{key}");
    }
}

#[test]
fn counters_of_both_ends_are_added_and_one_that_is_garbled_makes_the_sum_unknown() {
    let bad = ATI6.replace("Blers                         0", "Blers                        12");
    let bad = bad.replace("Blocks resent                 0", "Blocks resent                 3");
    assert_eq!(read(Report::I6, &bad).told.block_errors, Some(15));
    let garbled = bad.replace("Blocks resent                 3", "Blocks resent                 #");
    assert_eq!(read(Report::I6, &garbled).told.block_errors, None);
    let without = bad.replace("Blocks resent                 3\n", "");
    assert_eq!(read(Report::I6, &without).told.block_errors, Some(12));
    let asked = ATI6.replace("Retrains Requested            0", "Retrains Requested            2");
    assert_eq!(read(Report::I6, &asked).told.retrains, Some(2));
}

#[test]
fn a_sportsters_line_report_is_read() {
    let account = read(Report::I11, ATI11);
    let told = &account.told;
    assert_eq!((told.rx_level_dbm, told.tx_level_dbm, told.snr_db), (Some(-23), Some(-16), Some(30)));
    assert_eq!((told.round_trip_ms, told.retrains), (Some(3), None));
    assert_eq!(account.link.modulation.as_deref(), Some("V.34"));
    assert_eq!((more(&account, "near-echo-loss"), more(&account, "far-echo-loss")), (Some("31"), Some("57")));
    assert_eq!(more(&account, "carrier-freq"), Some("1959/1959"));
    assert_eq!(more(&account, "symbol-rate"), Some("3429/3429"));
    let shifts = read(Report::I11, "Speed Shifts Up/Down        1/2");
    assert_eq!(shifts.told.rate_shifts, Some(3));
    let unmeasured = read(Report::I11, "Recv/Xmit Level  (-dB)      0/16\nSNR              (dB)       0");
    assert_eq!((unmeasured.told.rx_level_dbm, unmeasured.told.snr_db), (None, None));
    assert_eq!(unmeasured.told.tx_level_dbm, Some(-16));
}

#[test]
fn rockwells_last_call_report_is_read_with_dots_and_without() {
    let bare = V1.replace(['.'], "").replace("BPS", "BIT/S");
    let single: String =
        bare.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect();
    for text in [V1, &bare, &single] {
        let account = read(Report::V1, text);
        let told = &account.told;
        assert_eq!(
            (told.line_quality, told.rx_level_dbm, told.retrains),
            (Some(38), Some(-15), Some(0)),
            "{text}"
        );
        assert_eq!(told.termination, Some(Termination::Local));
        assert_eq!(told.disconnect_cause.as_deref(), Some("LOCAL REQUEST"));
        let Link { tx_bps, rx_bps, protocol, compression, .. } = &account.link;
        assert_eq!((*tx_bps, *rx_bps), (Some(26_400), Some(49_333)));
        assert_eq!((protocol.as_deref(), compression.as_deref()), (Some("LAPM"), Some("V.42bis")));
        assert_eq!(
            (more(&account, "highest-rx-state"), more(&account, "eqm-sum")),
            (Some("67"), Some("00B4"))
        );
        assert_eq!(more(&account, "digital-loss"), Some("2000"));
    }
    let trained = V1.replace("Local Rtrn Count............ 00", "Local Rtrn Count............ 0A");
    assert_eq!(read(Report::V1, &trained).told.retrains, Some(10));
}

#[test]
fn unimodems_report_is_read() {
    let account = read(Report::Ud, UD);
    let told = &account.told;
    assert_eq!(told.call_setup, Some(CallSetup::AnswerTone));
    assert_eq!((told.rx_level_dbm, told.tx_level_dbm), (Some(-31), Some(-12)));
    assert_eq!((told.round_trip_ms, told.rate_shifts, told.retrains), (Some(60), Some(2), Some(1)));
    assert_eq!(told.block_errors, Some(3));
    assert_eq!(told.termination, Some(Termination::Remote));
    assert_eq!(told.disconnect_cause.as_deref(), Some("#UD 60=5F (DISC received)"));
    assert_eq!((account.cause, account.received, account.no_call), (Some(0x5f), Some(420), false));
    assert_eq!((account.link.tx_bps, account.link.rx_bps), (Some(26_400), Some(28_800)));
    assert_eq!(account.link.compression.as_deref(), Some("V.42bis"));
    assert_eq!((more(&account, "noise-dbm"), more(&account, "chars-sent")), (Some("-82"), Some("16")));
    for (line, no_call) in
        [("1=0", true), ("60=1", true), ("60=02", true), ("1=07 60=51", false), ("60=0", false)]
    {
        let account = read(Report::Ud, &format!("DIAG <2A4D3263 {line}>"));
        assert_eq!(account.no_call, no_call, "{line}");
    }
    assert_eq!(read(Report::Ud, "DIAG <2A4D3263 1=4>").told.call_setup, Some(CallSetup::Nothing));
    assert_eq!(read(Report::Ud, "DIAG <2A4D3263 1=7>").told.call_setup, Some(CallSetup::AnswerTone));
}

#[test]
fn what_is_no_unimodem_report_tells_nothing() {
    for text in [
        "DIAG <2A4D3263 1=4",
        "DIAG <2A4D3264 1=4>",
        "DIAG 2A4D3263 1=4",
        "DIAG <2A4D32631=4>",
        "DIAG <2A4D3263 1=4 1=7>",
        "DIAG <2A4D3263 1=>",
        "DIAG <2A4D3263 =4>",
        "DIAG <2A4D3263 1=4G>",
        "DIAG <2A4D3263 1=104>",
        "DIAG <2A4D3263 10=30>",
        "DIAG <2A4D3263 10=0>",
        "",
    ] {
        assert_eq!(read(Report::Ud, text), Account::new(Report::Ud), "{text}");
    }
}

#[test]
fn every_code_of_the_termination_cause_is_read() {
    for (code, end) in [
        ("04", Termination::Refused),
        ("19", Termination::Inactivity),
        ("20", Termination::Local),
        ("29", Termination::Refused),
        ("2A", Termination::Refused),
        ("2B", Termination::OwnLine),
        ("2C", Termination::NoAnswer),
        ("2D", Termination::OwnLine),
        ("2E", Termination::CarrierLost),
        ("2F", Termination::OwnLine),
        ("31", Termination::Network),
        ("33", Termination::Network),
        ("34", Termination::Remote),
        ("3C", Termination::CarrierLost),
        ("3D", Termination::TrainingFailed),
        ("3E", Termination::TrainingFailed),
        ("3F", Termination::LineTooBad),
        ("40", Termination::LineTooBad),
        ("41", Termination::Remote),
        ("42", Termination::Other),
        ("46", Termination::Other),
        ("50", Termination::Local),
        ("51", Termination::Local),
        ("52", Termination::Local),
        ("5A", Termination::ErrorControl),
        ("5B", Termination::ErrorControl),
        ("5C", Termination::ErrorControl),
        ("5D", Termination::LineTooBad),
        ("5E", Termination::ErrorControl),
        ("5F", Termination::Remote),
        ("60", Termination::ErrorControl),
        ("64", Termination::CarrierLost),
        ("7F", Termination::Other),
    ] {
        let told = read(Report::Ud, &format!("DIAG <2A4D3263 60={code}>")).told;
        assert_eq!(told.termination, Some(end), "{code}");
        assert!(told.disconnect_cause.unwrap().starts_with(&format!("#UD 60={code} (")));
    }
}

#[test]
fn the_last_connection_report_is_read() {
    let account = read(Report::I11, SOFT);
    let told = &account.told;
    assert_eq!((told.tx_level_dbm, told.rx_level_dbm), (Some(-10), None), "valid during the call alone");
    assert_eq!(more(&account, "receive-signal-power-level"), Some("20"));
    assert_eq!((told.snr_db, more(&account, "estimated-noise-level")), (None, Some("10")));
    assert_eq!((told.round_trip_ms, told.retrains, told.block_errors), (Some(60), Some(1), Some(5)));
    assert_eq!(told.termination, Some(Termination::TrainingFailed));
    assert_eq!(told.disconnect_cause.as_deref(), Some("cause 3 (training failure)"));
    assert_eq!((account.link.tx_bps, account.link.rx_bps), (Some(31_200), Some(33_600)));
    assert_eq!(account.link.modulation.as_deref(), Some("V.34"));
    assert_eq!(account.link.protocol.as_deref(), Some("LAPM"));
    let ratio = read(Report::I11, "Estimated Signal/Noise Ratio        38");
    assert_eq!(ratio.told.snr_db, Some(38));
}

#[test]
fn registers_are_three_digits_or_nothing() {
    for (text, value) in [
        ("012", Some(12)),
        ("000", Some(0)),
        ("12", None),
        ("300", None),
        ("0x4", None),
        ("", None),
        ("012\n013", None),
    ] {
        assert_eq!(read(Report::S86, text).told.s86, value, "{text}");
    }
    assert_eq!(read(Report::S86, "012").told.termination, Some(Termination::Remote));
    assert_eq!(read(Report::S86, "000").told.termination, None);
    for (text, level) in [("009", Some(-9)), ("043", Some(-43)), ("000", None), ("099", None), ("-09", None)]
    {
        assert_eq!(read(Report::Level, text).told.rx_level_dbm, level, "{text}");
    }
    assert_eq!(read(Report::Quality, "016").told.line_quality, Some(16));
    assert_eq!(read(Report::Quality, "999").told.line_quality, None);
}

#[test]
fn figures_out_of_range_are_absent_and_never_0() {
    let silly = V1
        .replace("26400 BPS", "115200 BPS")
        .replace("49333", "65535")
        .replace("Rx LEVEL.................... 015", "Rx LEVEL.................... 215")
        .replace("038", "999");
    let account = read(Report::V1, &silly);
    assert_eq!((account.link.tx_bps, account.link.rx_bps), (None, None));
    assert_eq!((account.told.rx_level_dbm, account.told.line_quality), (None, None));
    let none = read(Report::V1, "LAST TX rate................ 0 BPS\nRx LEVEL.................... 000");
    assert!(!none.tells_link());
    assert_eq!(none.told.rx_level_dbm, None);
}

#[test]
fn the_words_for_an_end() {
    for (text, end) in [
        ("DTR dropped", Some(Termination::Local)),
        ("Keypress Abort", Some(Termination::Local)),
        ("Loss of Carrier", Some(Termination::CarrierLost)),
        ("CARRIER LOSS", Some(Termination::CarrierLost)),
        ("Inactivity Time Out", Some(Termination::Inactivity)),
        ("GSTN Clear Down", Some(Termination::Remote)),
        ("Retransmit Limit", Some(Termination::LineTooBad)),
        ("Unable to Retrain", Some(Termination::LineTooBad)),
        ("XID Timeout", Some(Termination::ErrorControl)),
        ("REMOTE REQUEST", Some(Termination::Remote)),
        ("Ring", Some(Termination::Other)),
        ("NONE", None),
        (" ", None),
    ] {
        assert_eq!(words::termination(text), end, "{text}");
    }
}

#[test]
fn of_several_reports_the_more_exact_one_stands_and_the_others_words_are_kept() {
    let (told, link) = merge(vec![read(Report::S86, "012"), read(Report::V1, V1), read(Report::Ud, UD)]);
    assert_eq!(told.termination, Some(Termination::Remote));
    assert_eq!(told.disconnect_cause.as_deref(), Some("#UD 60=5F (DISC received)"));
    assert_eq!(told.more.get("cause-at-v1").map(String::as_str), Some("LOCAL REQUEST"));
    assert_eq!(told.more.get("cause-s86").map(String::as_str), Some("S86=012 (remote disconnected)"));
    assert_eq!((told.rx_level_dbm, told.line_quality, told.s86), (Some(-31), Some(38), Some(12)));
    assert_eq!(
        (link.tx_bps, link.rx_bps, link.protocol.as_deref()),
        (Some(26_400), Some(28_800), Some("LAPM"))
    );
    let (told, link) = merge(vec![read(Report::I6, ATI6), read(Report::I11, ATI11)]);
    assert_eq!(
        (told.snr_db, told.retrains, told.termination),
        (Some(30), Some(0), Some(Termination::Remote))
    );
    assert_eq!((link.modulation.as_deref(), link.tx_bps), (Some("V.34"), Some(28_800)));
    assert!(merge(Vec::new()).0.is_empty());
}

/// No line of a report is taken for a result, so all of them arrive.
#[test]
fn every_line_comes_through_the_codec() {
    for text in [ATI6, ATI11, V1, UD, SOFT, "012"] {
        let mut codec = Codec::new(false);
        codec.feed(text.replace('\n', "\r\n").as_bytes());
        codec.feed(b"\r\n\r\nOK\r\n");
        let came: Vec<String> = codec
            .filter_map(|token| match token {
                Token::Info(line) => Some(line),
                Token::Result(_) | Token::Data(_) => None,
            })
            .collect();
        assert_eq!(came, lines(text));
    }
}

const ALL: [(Report, &str); 7] = [
    (Report::I6, ATI6),
    (Report::I11, ATI11),
    (Report::I11, SOFT),
    (Report::V1, V1),
    (Report::Ud, UD),
    (Report::S86, "012"),
    (Report::Level, "009"),
];

/// All whole numbers that stand in a text, decimal and hexadecimal.
fn numbers(text: &str) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        found.extend(word.parse::<u64>().ok());
        found.extend(u64::from_str_radix(word, 16).ok());
    }
    found
}

/// Every figure of an account stands in the text, or is the sum of two that do.
fn is_in(account: &Account, text: &str) -> bool {
    let there = numbers(text);
    let told = &account.told;
    let level = |level: Option<i16>| level.map(|dbm| u64::from(dbm.unsigned_abs()));
    let plain = [
        level(told.tx_level_dbm),
        level(told.rx_level_dbm),
        told.snr_db.map(u64::from),
        told.line_quality.map(u64::from),
        told.round_trip_ms.map(u64::from),
        told.s86.map(u64::from),
        account.link.tx_bps.map(u64::from),
        account.link.rx_bps.map(u64::from),
        account.received.map(u64::from),
        account.cause.map(u64::from),
    ];
    let sums = [told.retrains, told.rate_shifts, told.block_errors];
    let below_zero = told.tx_level_dbm.into_iter().chain(told.rx_level_dbm).all(|dbm| dbm < 0);
    below_zero
        && plain.into_iter().flatten().all(|figure| there.contains(&figure))
        && sums.into_iter().flatten().map(u64::from).all(|figure| {
            there.contains(&figure) || there.iter().any(|part| there.contains(&(figure.wrapping_sub(*part))))
        })
}

fn bounded(told: &Diagnostics) -> bool {
    let fits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|b| (b' '..=b'~').contains(&b))
    };
    told.more.len() <= MORE_MAX
        && told.more.iter().all(|(key, value)| {
            fits(key, MORE_KEY_LEN_MAX)
                && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && fits(value, MORE_VALUE_LEN_MAX)
        })
        && told.disconnect_cause.as_ref().is_none_or(|cause| fits(cause, MORE_VALUE_LEN_MAX))
}

#[derive(Debug, Clone)]
enum Damage {
    Cut(usize),
    Flip(usize, u8),
    Swap(usize, usize),
    Double(usize),
    Drop(usize),
    Join(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0..2000usize;
    prop_oneof![
        at.clone().prop_map(Damage::Cut),
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (at.clone(), at.clone()).prop_map(|(a, b)| Damage::Swap(a, b)),
        at.clone().prop_map(Damage::Double),
        at.clone().prop_map(Damage::Drop),
        at.prop_map(Damage::Join),
    ]
}

fn damaged(text: &str, damages: &[Damage]) -> String {
    let mut text = text.to_owned();
    for damage in damages {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let count = lines.len().max(1);
        match *damage {
            Damage::Cut(at) => {
                let kept: Vec<u8> = text.bytes().take(at % (text.len() + 1)).collect();
                text = String::from_utf8_lossy(&kept).into_owned();
                continue;
            }
            Damage::Flip(at, byte) => {
                let mut bytes = text.into_bytes();
                let len = bytes.len().max(1);
                if let Some(old) = bytes.get_mut(at % len) {
                    *old = byte;
                }
                text = String::from_utf8_lossy(&bytes).into_owned();
                continue;
            }
            Damage::Swap(a, b) if !lines.is_empty() => lines.swap(a % count, b % count),
            Damage::Double(at) if !lines.is_empty() => lines.insert(at % count, lines[at % count].clone()),
            Damage::Drop(at) if !lines.is_empty() => drop(lines.remove(at % count)),
            Damage::Join(at) if lines.len() > 1 => {
                let next = lines.remove(at % (count - 1) + 1);
                lines[at % (count - 1)].push_str(&next);
            }
            Damage::Swap(..) | Damage::Double(_) | Damage::Drop(_) | Damage::Join(_) => {}
        }
        text = lines.join("\n");
    }
    text
}

proptest! {
    #[test]
    fn damage_invents_no_figure(
        which in 0..ALL.len(),
        damages in proptest::collection::vec(damage(), 1..12),
        read_as in proptest::option::of(0..Report::ALL.len()),
    ) {
        let (report, text) = ALL[which];
        let report = read_as.map_or(report, |index| Report::ALL[index]);
        let text = damaged(text, &damages);
        let account = read(report, &text);
        prop_assert!(is_in(&account, &text), "{account:#?}\n{text}");
        prop_assert!(bounded(&account.told), "{account:#?}");
        let (merged, _) = merge(ALL.iter().map(|(report, text)| read(*report, &damaged(text, &damages))).collect());
        prop_assert!(bounded(&merged), "{merged:#?}");
    }

    #[test]
    fn any_bytes_are_no_report(bytes in proptest::collection::vec(any::<u8>(), 0..600), which in 0..Report::ALL.len()) {
        let text = String::from_utf8_lossy(&bytes);
        let account = read(Report::ALL[which], &text);
        prop_assert!(is_in(&account, &text) && bounded(&account.told), "{account:#?}");
    }

    /// The order of lines tells nothing, and saying a line twice tells nothing more.
    #[test]
    fn lines_may_come_in_any_order_and_twice(which in 0..ALL.len(), turns in proptest::collection::vec((0..40usize, 0..40usize), 0..20)) {
        let (report, text) = ALL[which];
        let mut mixed = lines(text);
        for (a, b) in turns {
            let count = mixed.len();
            mixed.swap(a % count, b % count);
            mixed.push(mixed[a % count].clone());
        }
        prop_assert_eq!(parse(report, &mixed), read(report, text));
    }
}
