//! What modems tell of their last call, how each way to end one shows in it, and what wipes it.

use super::*;

/// A call to a line of this kind, hung up by DTR after it; `more` is the line's.
fn called(profile: &str, more: &str) -> Bench {
    let mut b = Bench::new(&format!(
        r#"
exchange: t
modems: [{{ id: m0, profile: {profile} }}]
lines: [{{ id: a, number: "+1 919 555 0101", console: cisco-ios, hostname: r, {more} }}]
"#
    ));
    b.call();
    b.pass(Duration::from_secs(30));
    dtr(&mut b);
    b
}

fn dtr(b: &mut Bench) {
    b.feed(Input::Dtr(0, false));
    b.pass(Duration::from_secs(1));
    b.feed(Input::Dtr(0, true));
    b.pass(Duration::from_secs(2));
}

const BAD: &str = "link: { tx: 26400, rx: 28800, retrains: 5, rate_shifts: 2, block_errors: 40, snr: 27, \
    rx_level_dbm: -31, tx_level_dbm: -12, round_trip_ms: 62 }";

#[test]
fn a_courier_tells_of_link_and_line() {
    let mut b = called("courier", BAD);
    let report = b.after("ATI6\r", 1);
    for line in [
        "USRobotics Courier V.Everything Rev. 2.1.1 Link Diagnostics...",
        "Chars lost                    0",
        "Retrains Requested            5      Retrains Granted              0",
        "Line Reversals                0      Blers                        40",
        "Link Timeouts                 0      Link Naks                    10",
        "Data Compression       V42BIS 2048/32",
        "Protocol               LAPM",
        "Speed                  26400/28800",
        "Last Call              00:00:58",
        "Disconnect Reason is DTR dropped",
    ] {
        assert!(report.contains(&format!("\r\n{line}\r\n")), "{line} is not in {report}");
    }
    let report = b.after("ATI11\r", 1);
    for line in [
        "Modulation                  V.34",
        "Recv/Xmit Level  (-dB)      31/12",
        "SNR              (dB)       27",
        "Roundtrip Delay  (msec)     62",
        "Speed Shifts Up/Down        0/2",
    ] {
        assert!(report.contains(&format!("\r\n{line}\r\n")), "{line} is not in {report}");
    }
    // The template leaves it, a reset does not (modems.md 0.7).
    b.after("AT&F1\rATE0\r", 1);
    assert!(b.after("ATI6\r", 1).contains("Last Call"));
    b.after("ATZ\rATE0\r", 1);
    assert!(!b.after("ATI6\r", 1).contains("Last Call"));
    assert!(!b.after("ATI11\r", 1).contains("SNR"));
}

#[test]
fn a_rockwell_tells_why_it_ended() {
    let mut b = called("rockwell-conexant", BAD);
    let report = b.after("AT&V1\r", 1);
    for line in [
        "TERMINATION REASON.......... LOCAL REQUEST",
        "LAST TX rate................ 26400 BPS",
        "LAST RX rate................ 28800 BPS",
        "PROTOCOL.................... LAPM",
        "COMPRESSION................. V42Bis",
        "Line QUALITY................ 046",
        "Rx LEVEL.................... 031",
        "Highest Rx State............ 67",
        "Rate Drop................... 02",
        "Local Rtrn Count............ 05",
    ] {
        assert!(report.contains(&format!("\r\n{line}\r\n")), "{line} is not in {report}");
    }
    assert_eq!(b.after("ATS86?\r", 1), "\r\n000\r\n\r\nOK\r\n");
    let yaml = r#"
exchange: t
modems: [{ id: m0, profile: rockwell-conexant, report: plain }]
lines: [{ id: a, number: "+1 919 555 0101", fault: { kind: drops, after: 1s } }]
"#;
    let mut b = Bench::new(yaml);
    b.call();
    let report = b.after("AT&V1\r", 1);
    assert!(report.contains("\r\nTERMINATION REASON CARRIER LOSS\r\n"), "{report}");
    assert!(report.contains("\r\nLAST TX rate 33600 BIT/S\r\n"), "{report}");
    assert_eq!(b.after("ATS86?\r", 1), "\r\n004\r\n\r\nOK\r\n");
}

#[test]
fn levels_are_told_online_only() {
    for (profile, off_line) in [("rockwell-conexant", "ERROR"), ("v250", "000\r\n\r\nOK")] {
        let mut b = Bench::new(&format!(
            r#"
exchange: t
modems: [{{ id: m0, profile: {profile} }}]
lines: [{{ id: a, number: "+1 919 555 0101", {BAD} }}]
"#
        ));
        b.call();
        b.after("+++", 2);
        assert_eq!(b.after("AT%L\r", 1), "\r\n031\r\n\r\nOK\r\n", "{profile}");
        assert_eq!(b.after("AT%Q\r", 1), "\r\n046\r\n\r\nOK\r\n", "{profile}");
        b.after("ATH\r", 1);
        assert_eq!(b.after("AT%L\r", 1).trim(), off_line, "{profile}");
    }
}

#[test]
fn the_unimodem_report_is_in_hexadecimal_and_goes_with_the_next_command_that_wipes_it() {
    let mut b = called("softmodem", BAD);
    let report = b.after("AT#UD\r", 1);
    for record in ["1=07 2=0 3=0", "10=1F 11=0C 12=3A 17=3E", "34=6720 35=7080", "31=2 32=5", "60=20"] {
        assert!(report.contains(record), "{record} is not in {report}");
    }
    // `&D2` keeps it over a drop of DTR, and so do questions.
    dtr(&mut b);
    b.after("ATI3\rATS7=60\r", 1);
    assert_eq!(b.after("AT#UD\r", 1), report);
    for wipes in ["ATZ", "AT&F", "ATA", "ATDT5550199"] {
        let mut b = called("softmodem", "");
        b.send(0, &format!("{wipes}\r"));
        // A key ends what was begun.
        b.after(" ", 1);
        b.after("ATE0V1\r", 1);
        let said = b.after("AT#UD\r", 1);
        assert!(!said.contains("34="), "{wipes}: {said}");
    }
    let mut b = called("softmodem", "");
    b.after("AT&D3\r", 1);
    dtr(&mut b);
    b.after("ATE0\r", 1);
    assert_eq!(b.after("AT#UD\r", 1), "\r\nDIAG <2A4D3263 1=0>\r\nDIAG <2A4D3263 60=1>\r\n\r\nOK\r\n");
}

/// Key 1 is 4 or 7: nobody answered, or a modem did and failed later. Key 60 says how it ended.
#[test]
fn each_end_of_a_call_has_its_own_code() {
    let table = [
        ("no-answer", "1=04", "60=2C"),
        ("no-ring", "1=04", "60=2C"),
        ("never-trains", "1=07", "60=3D"),
        ("busy", "1=03", "60=33"),
        ("reorder", "1=02", "60=31"),
        ("no-dialtone", "1=01", "60=2F"),
        ("voice", "1=05", "60=2C"),
        ("fax", "1=07", "60=42"),
        ("delayed", "1=04", "60=04"),
        ("blacklisted", "1=04", "60=29"),
        ("glare", "1=04", "60=2D"),
        ("line-in-use", "1=04", "60=2B"),
        ("{ kind: drops, after: 1s }", "1=07", "60=3C"),
        ("{ kind: drops, at: carrier }", "1=07", "60=3C"),
        ("console-busy", "1=07", "60=5F"),
        ("deaf", "1=04", "60=2C"),
    ];
    for (fault, heard, end) in table {
        let mut b = Bench::faulty("softmodem", fault, "cisco-ios");
        b.after("ATE0X4S7=25\r", 1);
        b.after("ATDT5550101\r", 120);
        let report = b.after("AT#UD\r", 1);
        assert!(report.contains(heard) && report.contains(end), "{fault}: {report}");
    }
    for (hang_up, end) in [("+++|ATH\r", "60=51"), ("", "60=20")] {
        let mut b = Bench::faulty("softmodem", "{ kind: drops, at: logout }", "cisco-ios");
        b.call();
        match hang_up.split_once('|') {
            Some((escape, command)) => {
                b.after(escape, 2);
                b.after(command, 1);
            }
            None => dtr(&mut b),
        }
        let report = b.after("AT#UD\r", 1);
        assert!(report.contains(end), "{report}");
    }
}

#[test]
fn a_soft_modem_tells_of_its_last_connection() {
    let mut b = called("lucent", BAD);
    let report = b.after("ATI11\r", 1);
    let field = |label: &str| {
        report
            .lines()
            .find_map(|l| l.strip_prefix(label))
            .unwrap_or_else(|| panic!("{label}: {report}"))
            .trim()
    };
    assert_eq!(field("Final   Transmit Carrier Rate"), "26400");
    assert_eq!(field("Receive  Signal Power Level (-dBm)"), "31");
    assert_eq!(field("Round Trip Delay (msec)"), "62");
    assert_eq!(field("Retrain by Local Modem"), "5");
    assert_eq!(field("Call Termination Cause"), "0");
    for (fault, cause) in [("no-answer", "2"), ("never-trains", "3"), ("{ kind: drops, after: 1s }", "1")] {
        let mut b = Bench::faulty("lucent", fault, "cisco-ios");
        b.call();
        b.pass(Duration::from_secs(60));
        let report = b.after("ATI11\r", 1);
        assert!(report.contains(&format!("Call Termination Cause               {cause}\r\n")), "{report}");
    }
}

#[test]
fn faults_of_a_line_show_in_the_account() {
    let level = |fault: &str| {
        let mut b = Bench::faulty("courier", fault, "cisco-ios");
        b.call();
        b.feed(Input::Closed(0));
        b.feed(Input::Opened(0));
        b.after("ATI11\r", 1)
    };
    assert!(level("weak").contains("Recv/Xmit Level  (-dB)      42/16"));
    assert!(level("weak").contains("SNR              (dB)       22"));
    let bad = level("{ kind: noisy, link: { snr: 12, rx_level_dbm: -38, round_trip_ms: 620 } }");
    assert!(bad.contains("SNR              (dB)       12") && bad.contains("(-dB)      38/16"), "{bad}");
    assert!(bad.contains("Roundtrip Delay  (msec)     620"), "{bad}");
}
