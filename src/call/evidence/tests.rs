use std::collections::BTreeMap;

use super::*;
use crate::modem::diagnostics::parse;

const SETUPS: [Option<CallSetup>; 7] = [
    None,
    Some(CallSetup::NoDialtone),
    Some(CallSetup::Reorder),
    Some(CallSetup::Busy),
    Some(CallSetup::Nothing),
    Some(CallSetup::Voice),
    Some(CallSetup::AnswerTone),
];

const HEARD: Facts = Facts {
    connected: false,
    carrier: false,
    answer_tone: false,
    said_no_carrier: true,
    no_answer_means_ringback: false,
    span: Some(Duration::from_secs(60)),
};

fn account(report: Report, text: &str) -> Account {
    parse(report, &text.lines().map(str::to_owned).collect::<Vec<_>>())
}

/// What `#UD` with these values makes of a fault.
fn by_ud(fault: Fault, ud: &str, facts: &Facts) -> (Fault, String) {
    let account = account(Report::Ud, &format!("DIAG <2A4D3263 {ud}>"));
    refine(fault, "NO CARRIER: x".to_owned(), &account.told, account.cause, facts)
}

#[test]
fn what_the_modem_heard_tells_an_ambiguous_end() {
    let rockwell = Facts { no_answer_means_ringback: true, ..HEARD };
    let limit = Facts { said_no_carrier: false, ..rockwell };
    for (fault, ud, facts, expected) in [
        (Fault::NoConnect, "1=1", &HEARD, Fault::NoDialtone),
        (Fault::NoConnect, "1=2", &HEARD, Fault::Reorder),
        (Fault::NoConnect, "1=3", &HEARD, Fault::Busy),
        (Fault::NoConnect, "1=4", &HEARD, Fault::NoConnect),
        (Fault::NoConnect, "1=4", &rockwell, Fault::NoRing),
        (Fault::NoConnect, "1=4", &limit, Fault::NoConnect),
        (Fault::NoConnect, "1=5", &HEARD, Fault::Voice),
        (Fault::NoConnect, "1=6", &HEARD, Fault::NoCarrier),
        (Fault::NoConnect, "1=7", &rockwell, Fault::NoCarrier),
        (Fault::NoConnect, "1=7 60=3D", &HEARD, Fault::NoCarrier),
        (Fault::NoConnect, "1=7 60=42", &HEARD, Fault::Fax),
        (Fault::NoConnect, "60=33", &HEARD, Fault::Busy),
        (Fault::NoConnect, "60=31", &HEARD, Fault::Reorder),
        (Fault::NoConnect, "60=3E", &HEARD, Fault::NoCarrier),
        (Fault::NoConnect, "60=2B", &HEARD, Fault::LineInUse),
        (Fault::NoConnect, "60=2D", &HEARD, Fault::Glare),
        (Fault::NoConnect, "60=2F", &HEARD, Fault::NoDialtone),
        (Fault::NoConnect, "60=04", &HEARD, Fault::ModemRefused),
        (Fault::NoConnect, "1=4 60=29", &HEARD, Fault::ModemRefused),
        (Fault::NoConnect, "60=2A", &HEARD, Fault::ModemRefused),
        // It dialed, so it did not refuse.
        (Fault::NoConnect, "1=7 60=29", &HEARD, Fault::NoCarrier),
        // Neither the setup timer nor a key tells what was heard.
        (Fault::NoConnect, "60=2C", &HEARD, Fault::NoConnect),
        (Fault::NoConnect, "60=50", &HEARD, Fault::NoConnect),
        (Fault::NoRing, "1=7", &HEARD, Fault::NoCarrier),
        (Fault::NoRing, "1=4", &HEARD, Fault::NoRing),
        (Fault::NoRing, "1=5", &HEARD, Fault::Voice),
        // It rang: only what answered is open.
        (Fault::NoCarrier, "1=5", &HEARD, Fault::Voice),
        (Fault::NoCarrier, "60=42", &HEARD, Fault::Fax),
        (Fault::NoCarrier, "1=3", &HEARD, Fault::NoCarrier),
        (Fault::NoCarrier, "1=1", &HEARD, Fault::NoCarrier),
        (Fault::NoCarrier, "60=29", &HEARD, Fault::NoCarrier),
        (Fault::NoCarrier, "1=5", &Facts { answer_tone: true, ..HEARD }, Fault::NoCarrier),
        // Too soon for the network.
        (Fault::ModemRefused, "1=1", &HEARD, Fault::NoDialtone),
        (Fault::ModemRefused, "60=2B", &HEARD, Fault::LineInUse),
        (Fault::ModemRefused, "60=29", &HEARD, Fault::ModemRefused),
        (Fault::ModemRefused, "1=3", &HEARD, Fault::ModemRefused),
        (Fault::ModemRefused, "1=1", &Facts { said_no_carrier: false, ..HEARD }, Fault::ModemRefused),
    ] {
        let (refined, detail) = by_ud(fault, ud, facts);
        assert_eq!(refined, expected, "{fault} by {ud}: {detail}");
        assert!(detail.starts_with("NO CARRIER: x"), "what was heard stays: {detail}");
        assert!(refined == fault || detail.contains("; #UD: "), "it says what told it: {detail}");
    }
    let (_, detail) = by_ud(Fault::NoConnect, "1=7", &HEARD);
    assert_eq!(detail, "NO CARRIER: x; #UD: answer tone was heard");
}

/// Every fault with everything that can be told: which may become which.
#[test]
fn no_clear_word_is_overruled_and_nothing_is_made_a_pass() {
    let may: BTreeMap<Fault, &[Fault]> = BTreeMap::from([
        (
            Fault::NoConnect,
            &[
                Fault::ModemRefused,
                Fault::NoDialtone,
                Fault::LineInUse,
                Fault::Glare,
                Fault::Reorder,
                Fault::NoRing,
                Fault::Busy,
                Fault::Voice,
                Fault::Fax,
                Fault::NoCarrier,
                Fault::CarrierLost,
            ] as &[Fault],
        ),
        (
            Fault::NoRing,
            &[
                Fault::ModemRefused,
                Fault::NoDialtone,
                Fault::LineInUse,
                Fault::Glare,
                Fault::Reorder,
                Fault::Busy,
                Fault::Voice,
                Fault::Fax,
                Fault::NoCarrier,
                Fault::CarrierLost,
            ],
        ),
        (Fault::ModemRefused, &[Fault::NoDialtone, Fault::LineInUse, Fault::Glare]),
        (Fault::NoCarrier, &[Fault::Voice, Fault::Fax]),
    ]);
    let causes = (0..=0x70u32).map(Some).chain([None]);
    let registers =
        [None, Some(0), Some(4), Some(5), Some(9), Some(12), Some(13), Some(14), Some(25), Some(99)];
    let ends = Termination::ALL.map(Some).into_iter().chain([None]);
    let mut seen: BTreeMap<Fault, Vec<Fault>> = BTreeMap::new();
    for (cause, (call_setup, end)) in causes.flat_map(|cause| {
        SETUPS.into_iter().flat_map({
            let ends = ends.clone();
            move |setup| ends.clone().map(move |end| (cause, (setup, end)))
        })
    }) {
        for s86 in registers {
            let told = Diagnostics {
                termination: end,
                disconnect_cause: end.map(|end| end.word().to_owned()),
                call_setup,
                s86,
                ..Diagnostics::default()
            };
            for bits in 0..8u8 {
                let facts = Facts {
                    answer_tone: bits & 1 != 0,
                    said_no_carrier: bits & 2 != 0,
                    no_answer_means_ringback: bits & 4 != 0,
                    ..HEARD
                };
                for fault in [Fault::NoConnect, Fault::NoRing, Fault::ModemRefused, Fault::NoCarrier] {
                    let (refined, _) = refine(fault, String::new(), &told, cause, &facts);
                    if refined != fault && !seen.entry(fault).or_default().contains(&refined) {
                        seen.entry(fault).or_default().push(refined);
                    }
                }
            }
            if s86 == Some(5) {
                for fault in Fault::ALL.into_iter().filter(|fault| !may.contains_key(fault)) {
                    let refined = refine(fault, "word".to_owned(), &told, cause, &HEARD);
                    assert_eq!(refined, (fault, "word".to_owned()));
                }
            }
        }
    }
    for (fault, mut became) in seen {
        became.sort();
        assert_eq!(became, may[&fault], "{fault}");
    }
}

#[test]
fn s86_counts_only_behind_a_no_carrier_and_only_where_it_is_clear() {
    for (value, said_no_carrier, expected) in [
        (25, true, Fault::LineInUse),
        (9, true, Fault::CarrierLost),
        (5, true, Fault::CarrierLost),
        (13, true, Fault::CarrierLost),
        (0, true, Fault::NoConnect),
        (4, true, Fault::NoConnect),
        (12, true, Fault::NoConnect),
        (25, false, Fault::NoConnect),
        (9, false, Fault::NoConnect),
    ] {
        let told = account(Report::S86, &format!("{value:03}")).told;
        let facts = Facts { said_no_carrier, ..HEARD };
        let (fault, detail) = refine(Fault::NoConnect, "NO CARRIER".to_owned(), &told, None, &facts);
        assert_eq!(fault, expected, "S86={value}: {detail}");
    }
}

const UP: Facts = Facts { connected: true, carrier: true, said_no_carrier: false, ..HEARD };

fn believes(report: Report, text: &str, facts: &Facts) -> bool {
    !believed(vec![account(report, text)], facts).is_empty()
}

#[test]
fn a_report_of_another_call_is_not_believed() {
    let link = "Chars sent  20      Chars Received  90\nSpeed  28800/26400\nLast Call  00:00:30\nDisconnect Reason is DISC Received";
    let silent =
        "Chars sent  0      Chars Received  0\nLast Call  00:00:00\nDisconnect Reason is Keypress Abort";
    let v1 = "TERMINATION REASON.......... LOCAL REQUEST\nLAST RX rate................ 26400 BPS";
    let bare = "TERMINATION REASON.......... NO ANSWER\nLAST RX rate................ 0 BPS";
    let last = "Final Receive Carrier Rate  26400\nCall Termination Cause  0";
    for (report, text, facts, expected) in [
        (Report::I6, link, &UP, true),
        (Report::I6, link, &HEARD, false),
        (Report::I6, silent, &HEARD, true),
        (Report::I6, "Disconnect Reason is DISC Received", &HEARD, false),
        (Report::I6, "Last Call  00:01:30", &UP, false),
        (Report::I6, "Last Call  00:01:02", &UP, true),
        (Report::V1, v1, &UP, true),
        (Report::V1, v1, &HEARD, false),
        (Report::V1, bare, &HEARD, true),
        (Report::V1, bare, &UP, false),
        (Report::I11, last, &UP, true),
        (Report::I11, last, &HEARD, false),
        (Report::I11, "Call Termination Cause  3", &HEARD, true),
        (Report::I11, "Call Termination Cause  3", &UP, false),
        (Report::Ud, "DIAG <2A4D3263 1=7 60=51>", &UP, true),
        (Report::Ud, "DIAG <2A4D3263 1=7 60=51>", &HEARD, true),
        (Report::Ud, "DIAG <2A4D3263 1=0>", &HEARD, false),
        (Report::Ud, "DIAG <2A4D3263 1=4 60=1>", &HEARD, false),
        (Report::Ud, "DIAG <2A4D3263 60=2>", &UP, false),
        (Report::Ud, "DIAG <2A4D3263 1=3>", &UP, false),
        (Report::Ud, "DIAG <2A4D3263 60=33>", &UP, false),
        (Report::Ud, "DIAG <2A4D3263 1=7 53=10>", &HEARD, false),
        (Report::Quality, "038", &HEARD, false),
        (Report::Quality, "038", &UP, true),
        (Report::S86, "012", &HEARD, true),
    ] {
        assert_eq!(believes(report, text, facts), expected, "{report:?} {text:?} {facts:?}");
    }
}

#[test]
fn without_a_carrier_only_a_modem_that_heard_answer_tone_has_measured_anything() {
    for (ud, level) in [("1=4 10=1F", None), ("10=1F", None), ("1=7 10=1F", Some(-31))] {
        let accounts = vec![
            account(Report::V1, "TERMINATION REASON.... NO ANSWER\nRx LEVEL.... 015\nLine QUALITY.... 038"),
            account(Report::Ud, &format!("DIAG <2A4D3263 {ud}>")),
        ];
        let kept = believed(accounts, &HEARD);
        assert_eq!((kept[0].told.rx_level_dbm, kept[0].told.line_quality), (None, None));
        assert_eq!(kept[0].told.termination, Some(Termination::NoAnswer));
        assert_eq!(kept[1].told.rx_level_dbm, level, "{ud}");
    }
}

#[test]
fn the_end_of_the_call_fills_only_what_connect_left_open() {
    let mut link = Link { rx_bps: Some(33_600), protocol: Some("ARQ".into()), ..Link::default() };
    let at_end = Link {
        modulation: Some("V.34".into()),
        tx_bps: Some(28_800),
        rx_bps: Some(26_400),
        protocol: Some("LAPM".into()),
        compression: None,
    };
    fill(&mut link, at_end);
    assert_eq!((link.tx_bps, link.rx_bps), (Some(28_800), Some(33_600)));
    assert_eq!((link.modulation.as_deref(), link.protocol.as_deref()), (Some("V.34"), Some("ARQ")));
}

#[test]
fn a_blank_report_behind_a_connect_is_of_no_call_and_makes_no_link_bad() {
    let v1 = "TERMINATION REASON.......... NONE\nLAST TX rate................ 0 BPS\nLAST RX rate................ 0 BPS\n\
              PROTOCOL.................... NONE\nCOMPRESSION................. NONE\nLocal Rtrn Count............ 00";
    let i6 = "Chars sent  0      Chars Received  0\nRetrains Requested  0\nProtocol  NONE";
    let i11 = "Protocol Negotiation Result  NONE\nRetrain by Local Modem  0";
    for (report, text) in [(Report::V1, v1), (Report::I6, i6), (Report::I11, i11)] {
        assert!(!believes(report, text, &UP), "{report:?}");
    }
    let told = "LAST RX rate................ 26400 BPS\nPROTOCOL.................... NONE";
    assert!(believes(Report::V1, told, &UP));
    assert!(believes(Report::V1, "TERMINATION REASON.......... LOCAL REQUEST", &UP), "it tells an end");
}

#[test]
fn an_end_that_we_made_ourselves_is_not_the_one_that_an_older_report_tells() {
    for (report, text, expected) in [
        (Report::I11, "Call Termination Cause  3", Fault::NoCarrier),
        (Report::I11, "Call Termination Cause  4", Fault::CarrierLost),
        (Report::V1, "TERMINATION REASON.......... RETRAIN FAILED", Fault::CarrierLost),
    ] {
        let refined = |facts: &Facts| {
            let (told, _) = crate::modem::diagnostics::merge(believed(vec![account(report, text)], facts));
            refine(Fault::NoConnect, "x".to_owned(), &told, None, facts).0
        };
        assert_eq!(refined(&HEARD), expected, "{text}");
        let limit = Facts { said_no_carrier: false, ..HEARD };
        assert_eq!(refined(&limit), Fault::NoConnect, "our own limit came: {text}");
    }
}
