use super::*;

fn link(protocol: Option<&str>, compression: Option<&str>) -> Link {
    Link {
        protocol: protocol.map(str::to_owned),
        compression: compression.map(str::to_owned),
        ..Link::default()
    }
}

/// The rows of modems.md 2.1, CONNECT's forms aside, with whether each ends a dial.
fn rows() -> Vec<(&'static str, ResultCode, bool)> {
    use ResultCode as R;
    let rates = |tx, rx| Link { tx_bps: Some(tx), rx_bps: Some(rx), ..Link::default() };
    let modulated = || Link { modulation: Some("V.34".to_owned()), ..Link::default() };
    vec![
        ("OK", R::Ok, true),
        ("RING", R::Ring, false),
        ("RINGING", R::Ringing, false),
        ("RRING", R::Ringing, false),
        ("NO CARRIER", R::NoCarrier, true),
        ("ERROR", R::Error, true),
        ("NO DIALTONE", R::NoDialtone, true),
        ("NO DIAL TONE", R::NoDialtone, true),
        ("BUSY", R::Busy, true),
        ("NO ANSWER", R::NoAnswer, true),
        ("CARRIER 300", R::Carrier(rates(300, 300)), false),
        ("CARRIER 28800", R::Carrier(rates(28_800, 28_800)), false),
        ("+MRR: 28800,48000", R::Carrier(rates(28_800, 48_000)), false),
        ("+MRR: 28800, 26400", R::Carrier(rates(28_800, 26_400)), false),
        ("+MCR: V34", R::Modulation(modulated()), false),
        ("Modulation: V.34", R::ModulationName(modulated()), false),
        ("PROTOCOL: NONE", R::Protocol(link(Some("NONE"), None)), false),
        ("PROTOCOL: LAPM", R::Protocol(link(Some("LAPM"), None)), false),
        ("PROTOCOL: LAP-M", R::Protocol(link(Some("LAPM"), None)), false),
        ("Protocol: LAPM", R::Protocol(link(Some("LAPM"), None)), false),
        ("PROTOCOL: ALT", R::Protocol(link(Some("MNP"), None)), false),
        ("PROTOCOL: ALTERNATE, + CLASS 2", R::Protocol(link(Some("MNP"), None)), false),
        ("PROTOCOL: V42bis", R::Protocol(link(Some("LAPM"), Some("V.42bis"))), false),
        ("+ER: LAPM", R::Protocol(link(Some("LAPM"), None)), false),
        ("+ER: NONE", R::Protocol(link(Some("NONE"), None)), false),
        ("COMPRESSION: CLASS 5", R::Compression(link(None, Some("MNP5"))), false),
        ("COMPRESSION: V.42 bis", R::Compression(link(None, Some("V.42bis"))), false),
        ("COMPRESSION: NONE", R::Compression(link(None, Some("NONE"))), false),
        ("+DR: V42B", R::Compression(link(None, Some("V.42bis"))), false),
        ("+DR: ALT", R::Compression(link(None, Some("MNP5"))), false),
        ("+ILRR: 115200", R::PortRate(Some(115_200)), false),
        ("+ILRR: 115200,57600", R::PortRate(Some(115_200)), false),
        ("+ILRR: fast", R::PortRate(None), false),
        ("DIALING", R::Dialing, false),
        ("DIALING 5550101", R::Dialing, false),
        ("DIALTONE", R::Dialtone, true),
        ("VOICE", R::Voice, true),
        ("FAX", R::Fax, true),
        ("CONNECT FAX", R::Fax, true),
        ("+FCO", R::Fax, true),
        ("+FCON", R::Fax, true),
        ("+FCERROR", R::FaxError, true),
        ("+F4", R::FaxError, true),
        ("DATA", R::Data, false),
        ("DELAYED", R::Delayed(None), true),
        ("DELAYED 00:59:02", R::Delayed(Some(Duration::from_secs(59 * 60 + 2))), true),
        ("DELAYED 02:00", R::Delayed(Some(Duration::from_secs(120))), true),
        ("DELAYED soon", R::Delayed(None), true),
        ("BLACKLISTED", R::Blacklisted, true),
        ("BLACKLIST FULL", R::BlacklistFull, true),
        ("DIALING DISABLED", R::DialingDisabled, true),
        ("DIAL LOCKED", R::DialLocked, true),
        ("LINE IN USE", R::LineInUse, true),
        ("LINE-IN-USE", R::LineInUse, true),
        ("NO LINE", R::NoLine, true),
        ("X", R::OverCurrent, true),
        ("POLARITY REVERSAL", R::PolarityReversal, false),
        ("NO POLARITY REVERSAL", R::NoPolarityReversal, false),
        ("UN-OBTAINABLE NUMBER", R::UnobtainableNumber, true),
        ("PHONE OFF-HOOK", R::PhoneOffHook, true),
        ("REORDER", R::Reorder, true),
        ("CED", R::Noise("CED".to_owned()), false),
        ("CIDM", R::Noise("CIDM".to_owned()), false),
        ("FLASH", R::Noise("FLASH".to_owned()), false),
        ("STAS", R::Noise("STAS".to_owned()), false),
        ("MESSAGE-WAITING", R::Noise("MESSAGE-WAITING".to_owned()), false),
        ("+FHR: FF 03 10", R::Noise("+FHR: FF 03 10".to_owned()), false),
    ]
}

#[test]
fn every_row_is_read_whatever_its_case_and_blanks() {
    for (line, code, is_final) in rows() {
        assert_eq!(ResultCode::parse(line).as_ref(), Some(&code), "{line}");
        assert_eq!(code.is_final(), is_final, "{line}");
        if !matches!(code, ResultCode::Noise(_)) {
            assert_eq!(ResultCode::parse(&line.to_ascii_lowercase()), Some(code.clone()), "{line}");
            let wide = format!("  {} ", line.replace(' ', "  "));
            assert_eq!(ResultCode::parse(&wide), Some(code), "{wide}");
        }
    }
    assert!(matches!(ResultCode::parse("CONNECT 9600"), Some(ResultCode::Connect(_))));
    assert!(ResultCode::Connect(Connect::default()).is_final());
}

#[test]
fn what_is_shown_is_read_back() {
    for (line, code, _) in rows() {
        let shown = code.to_string();
        let again = ResultCode::parse(&shown);
        // Lines with a value show their name alone.
        if !shown.ends_with("ION") && !["CARRIER", "PROTOCOL", "+ILRR", "DELAYED"].contains(&shown.as_str()) {
            assert_eq!(again, Some(code), "{line} shows as {shown}");
        }
    }
}

#[test]
fn a_cause_behind_a_known_word_does_not_hide_it() {
    assert_eq!(ResultCode::parse("NO CARRIER (S86=12)"), Some(ResultCode::NoCarrier));
    assert_eq!(ResultCode::parse("NO DIAL TONE, check cable"), Some(ResultCode::NoDialtone));
    assert_eq!(ResultCode::parse("NO ANSWER: timeout"), Some(ResultCode::NoAnswer));
}

#[test]
fn what_is_no_result_is_none() {
    for line in [
        "",
        " ",
        "RING RING",
        "RINGER ON",
        "NO CARRIERS",
        "BUSY SIGNAL DETECTION ENABLED",
        "ERROR CONTROL: LAPM",
        "PROTOCOL.................... LAPM",
        "COMPRESSION................. V42Bis",
        "Protocol               LAPM",
        "DIGITAL LINE DETECTED",
        "OVERCURRENT",
        "+CME ERROR: 4",
        "14400",
        "0",
        "XX",
        "Courier V.Everything",
        "OK?",
        "LAPM",
    ] {
        assert_eq!(ResultCode::parse(line), None, "{line}");
    }
}

#[test]
fn only_the_numbers_that_all_families_share_are_known() {
    use ResultCode as R;
    for (number, code) in [
        (0, R::Ok),
        (2, R::Ring),
        (3, R::NoCarrier),
        (4, R::Error),
        (6, R::NoDialtone),
        (7, R::Busy),
        (8, R::NoAnswer),
    ] {
        assert_eq!(R::from_number(number), Some(code), "{number}");
    }
    for (number, bare) in [(1, None), (5, Some(1_200)), (10, Some(2_400))] {
        assert!(matches!(R::from_number(number), Some(R::Connect(c)) if c.bare_bps == bare), "{number}");
    }
    // 9, 11, 12, 13 mean different things to different vendors.
    for number in [9, 11, 12, 13, 33, 99, u16::MAX] {
        assert_eq!(R::from_number(number), None, "{number}");
    }
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_line_panics(line in "\\PC{0,80}") {
            let _ = ResultCode::parse(&line);
            let _ = ResultCode::parse(&format!("CONNECT {line}"));
            let _ = ResultCode::parse(&format!("+MRR: {line}"));
            let _ = ResultCode::parse(&format!("PROTOCOL: {line}"));
            let _ = ResultCode::parse(&format!("DELAYED {line}"));
        }

        #[test]
        fn no_rate_is_beyond_what_a_line_can_do(
            line in "CONNECT [0-9]{1,7}(/(ARQ|V34|LAPM|TX|[0-9]{2,6})){0,3}",
            dte in proptest::option::of(1_u32..300_000),
        ) {
            let Some(ResultCode::Connect(connect)) = ResultCode::parse(&line) else {
                return Err(TestCaseError::fail(line));
            };
            let settled = connect.settle(&Link::default(), None, dte);
            for bps in [settled.tx_bps, settled.rx_bps].into_iter().flatten() {
                prop_assert!(bps <= connect::LINE_BPS_MAX, "{line}: {bps}");
            }
        }
    }
}
