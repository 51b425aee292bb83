//! Each family as modems.md has it: what it prints on good lines and bad ones, which commands it knows, its numbers, its
//! locks.

use super::*;
use crate::sim::file::ExchangeFile;

/// The families in the order of the shipped file, each with the set-up that shows most.
const SETUPS: [(&str, &str); 11] = [
    ("courier", "AT&F1\rATE0X7&A3\r"),
    ("rockwell", "AT&F\rATE0X4W1&S1\r"),
    ("v250", "AT&F\rATE0X4+MR=1;+ER=1;+DR=1\r"),
    ("generic", "AT&F\rATE0X4\r"),
    ("si24xx", "AT&F\rATE0X5\\V2%V1\r"),
    ("zyxel", "AT&F\rATE0X5\r"),
    ("multitech", "AT&F\rATE0X4&E4\r"),
    ("lucent", "AT&F\rATE0X4W1\r"),
    ("microcom", "AT&F\rATE0X4\r"),
    ("elsa", "AT&F\rATE0X4\r"),
    ("softmodem", "AT&F\rATE0X4&A3\r"),
];

fn families() -> ExchangeFile {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/hardware/exchanges/families.yaml");
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A bench with the shipped families, the modem of one of them set up; and its port.
fn playing(family: &str) -> (Bench, usize) {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/hardware/exchanges/families.yaml"));
    let mut b = Bench::new(&text.unwrap());
    let port = SETUPS.iter().position(|(name, _)| *name == family).unwrap();
    b.feed(Input::Opened(port));
    // ELSA sets reset themselves first.
    b.pass(Duration::from_secs(2));
    let said = b.after_on(port, SETUPS[port].1, 1);
    assert_eq!(said.matches("OK").count(), 2, "{family}: {said:?}");
    (b, port)
}

/// What a dial command of a family comes to on a line, with `|` for line ends; a console's words are cut off.
fn dialed(family: &str, line: &str) -> String {
    let (mut b, port) = playing(family);
    let number = families().lines.iter().find(|l| l.id.as_str() == line).unwrap().number.to_string();
    let digits = number.strip_prefix("+1").map_or_else(|| format!("011{}", &number[1..]), str::to_owned);
    let said = b.after_on(port, &format!("ATDT{digits}\r"), 30).replace("\r\n", "|");
    let end = said.find("|||").unwrap_or(said.len());
    said[..end].trim_matches('|').replace("||", "|")
}

#[test]
fn a_good_line_in_each_familys_words() {
    let table = [
        ("courier", "RINGING|RINGING|CONNECT 33600/ARQ/V34/LAPM/V42BIS"),
        ("rockwell", "CARRIER 33600|PROTOCOL: LAPM|COMPRESSION: V.42BIS|CONNECT 115200"),
        ("v250", "+MCR: V34|+MRR: 33600,33600|+ER: LAPM|+DR: V42B|CONNECT 115200"),
        ("generic", "CONNECT 33600"),
        ("si24xx", "RINGING|RINGING|PROTOCOL: V42bis|CONNECT 33600"),
        ("zyxel", "RINGING|RINGING|CONNECT 115200/V.34 33600/V.42bis"),
        ("multitech", "CONNECT 33600 LAPM COMPRESSED"),
        ("lucent", "CARRIER 33600|PROTOCOL: LAPM|COMPRESSION: V.42BIS|CONNECT 115200"),
        ("microcom", "CONNECT 33600/REL - LAPM"),
        ("elsa", "CONNECT 33600"),
        ("softmodem", "Modulation: V.34|Protocol: LAPM|Compression: V.42BIS|CONNECT 115200"),
    ];
    for (family, expected) in table {
        assert_eq!(dialed(family, "good"), expected, "{family}");
    }
}

#[test]
fn links_that_are_worse_in_each_familys_words() {
    let table = [
        ("courier", "no-control", "RINGING|CONNECT 33600/NONE/V34"),
        ("courier", "mnp", "RINGING|CONNECT 14400/ARQ/V32B/MNP/MNP5"),
        ("courier", "slow", "RINGING|CONNECT 4800/ARQ/V22B/LAPM/V42BIS"),
        ("rockwell", "no-control", "CARRIER 33600|PROTOCOL: NONE|COMPRESSION: NONE|CONNECT 115200"),
        ("rockwell", "mnp", "CARRIER 14400|PROTOCOL: ALT|COMPRESSION: CLASS 5|CONNECT 115200"),
        ("v250", "mnp", "+MCR: V32B|+MRR: 14400,14400|+ER: ALT|+DR: ALT|CONNECT 115200"),
        ("si24xx", "no-control", "RINGING|PROTOCOL: NONE|CONNECT 33600"),
        ("zyxel", "slow", "RINGING|CONNECT 115200/V.22bis 4800/V.42bis"),
        ("zyxel", "no-control", "RINGING|CONNECT 115200/V.34 33600"),
        ("multitech", "no-control", "CONNECT 33600"),
        ("microcom", "mnp", "CONNECT 14400/REL - MNP"),
        ("microcom", "no-control", "CONNECT 33600"),
        ("softmodem", "mnp", "Modulation: V.32bis|Protocol: ALT|Compression: CLASS 5|CONNECT 115200"),
        ("generic", "noisy", "CONNECT 9600"),
        ("generic", "retrains", "CONNECT 21600"),
        ("generic", "late", "CONNECT 33600"),
        ("generic", "reference", "CONNECT 33600"),
        ("generic", "far-away", "CONNECT 33600"),
    ];
    for (family, line, expected) in table {
        assert_eq!(dialed(family, line), expected, "{family} on {line}");
    }
}

#[test]
fn failures_in_each_familys_words() {
    let table = [
        ("courier", "no-dialtone", "NO DIAL TONE"),
        ("zyxel", "no-dialtone", "NO DIAL TONE"),
        ("si24xx", "no-dialtone", "NO DIALTONE"),
        ("lucent", "busy", "BUSY"),
        ("zyxel", "busy", "BUSY"),
        // Fast busy is BUSY to all that have no word for it.
        ("si24xx", "reorder", "BUSY"),
        ("multitech", "reorder", "BUSY"),
        ("softmodem", "reorder", "REORDER"),
        // Ringback until S7: NO ANSWER on a Rockwell, and on no other.
        ("rockwell", "no-answer", "NO ANSWER"),
        ("lucent", "no-answer", "NO CARRIER"),
        ("rockwell", "no-carrier", "NO CARRIER"),
        ("microcom", "voice", "NO CARRIER"),
        ("courier", "voice", "RINGING|VOICE"),
        ("courier", "fax", "RINGING|FAX"),
        ("rockwell", "refused", "BLACKLISTED"),
        // As if the line had failed (modems.md 0.9), and as if a key were turned.
        ("multitech", "refused", "NO CARRIER"),
        ("elsa", "refused", "DIAL LOCKED"),
    ];
    for (family, line, expected) in table {
        assert_eq!(dialed(family, line), expected, "{family} on {line}");
    }
}

#[test]
fn a_refusal_comes_faster_than_dialing_takes() {
    for family in ["multitech", "rockwell", "elsa"] {
        let (mut b, port) = playing(family);
        let begin = b.now;
        b.send(port, "ATDT9195550118\r");
        b.pass(Duration::from_millis(1));
        let said = b.said.remove(&port).unwrap();
        assert!(!said.trim().is_empty() && b.now.since(begin) < Duration::from_millis(5), "{family}: {said}");
        assert!(!b.events().contains(&What::DigitsSent), "{family}");
    }
}

/// All families on all lines: each call ends once, and the modem is in command state after it.
#[test]
fn every_family_comes_through_every_line() {
    let file = families();
    for (family, _) in SETUPS {
        let (mut b, port) = playing(family);
        for line in &file.lines {
            let digits = line.number.digits();
            b.after_on(port, &format!("ATDT011{digits}\r"), 40);
            b.feed(Input::Dtr(port, false));
            b.pass(Duration::from_secs(1));
            b.feed(Input::Dtr(port, true));
            b.pass(Duration::from_secs(2));
            let said = b.after_on(port, "AT\r", 1);
            assert!(said.ends_with("\r\nOK\r\n"), "{family} after {}: {said:?}", line.id);
            // An ELSA has reset itself, and echoes again.
            b.after_on(port, SETUPS[port].1, 1);
        }
        assert!(b.engine.deadline().is_none(), "{family}: something is left over");
        let count = |what| b.log.iter().filter(|e| e.event == what).count();
        assert_eq!(count(What::Dialed), file.lines.len(), "{family}");
        assert_eq!(count(What::OnHook), file.lines.len(), "{family}");
    }
}

#[test]
fn commands_that_a_family_does_not_know_are_errors() {
    let table = [
        ("courier", "ATW1", false),
        ("courier", "AT&A3", true),
        ("courier", "ATS95=44", false),
        ("courier", "AT#UD", false),
        ("courier", "AT&V1", false),
        ("courier", "ATI11", true),
        ("courier", "ATS86?", false),
        ("rockwell", "AT&V1", true),
        ("rockwell", "AT#UD", true),
        ("rockwell", "ATS86?", true),
        ("rockwell", "AT+MR=1", false),
        ("rockwell", "ATX5", false),
        ("rockwell", "AT&A3", false),
        ("rockwell", "ATI11", false),
        ("rockwell", "AT%L", false),
        ("rockwell", "AT-STE=7", true),
        ("rockwell", "AT\\V1", false),
        ("v250", "AT\\V1", true),
        ("v250", "AT%L", true),
        ("v250", "AT&V1", false),
        ("v250", "AT+MR=1", true),
        ("generic", "ATW1", false),
        ("generic", "AT+GMI", false),
        ("generic", "AT\\N3", false),
        ("si24xx", "AT+MR=1", true),
        ("si24xx", "ATX5", true),
        ("si24xx", "ATX6", false),
        ("si24xx", "AT&V1", false),
        ("si24xx", "AT#UD", false),
        ("si24xx", "ATS42=1", true),
        ("zyxel", "ATS38.3=1", true),
        ("zyxel", "ATS38.9=1", false),
        ("zyxel", "AT+MR=1", false),
        ("multitech", "AT&Q1", true),
        ("multitech", "ATW1", false),
        ("multitech", "ATS95=44", false),
        ("lucent", "ATI11", true),
        ("lucent", "AT&V1", false),
        ("lucent", "AT#UD", false),
        ("lucent", "AT+MR=1", true),
        ("microcom", "AT\\N3", true),
        ("microcom", "AT+MR=1", false),
        ("elsa", "AT#UD", false),
        ("softmodem", "ATI11", true),
        ("softmodem", "AT#UD", true),
        ("softmodem", "AT+MR=1", false),
    ];
    for (family, line, known) in table {
        let (mut b, port) = playing(family);
        let said = b.after_on(port, &format!("{line}\r"), 1);
        let end = if known { "\r\nOK\r\n" } else { "\r\nERROR\r\n" };
        assert!(said.ends_with(end), "{line} on {family}: {said:?}");
    }
}

#[test]
fn numbers_in_place_of_words_are_each_familys_own() {
    // 11 is RINGING on a Courier, 9 on an Si24xx, and CONNECT 4800 on a Rockwell (modems.md 0.1).
    let table = [
        ("courier", "good", "11|11|155"),
        ("si24xx", "good", "9|9|79|22"),
        ("rockwell", "slow", "48|77|67|19"),
        ("rockwell", "refused", "32"),
        ("multitech", "good", "33LC"),
        ("multitech", "no-control", "33"),
        ("courier", "no-dialtone", "6"),
        ("generic", "busy", "7"),
        ("rockwell", "no-answer", "8"),
        ("elsa", "no-carrier", "3"),
    ];
    for (family, line, expected) in table {
        let (mut b, port) = playing(family);
        let number = families().lines.iter().find(|l| l.id.as_str() == line).unwrap().number.clone();
        assert_eq!(b.after_on(port, "ATV0\r", 1), "0\r");
        let said = b.after_on(port, &format!("ATDT{}\r", &number.digits()[1..]), 30);
        let end = said.find('\n').map_or(said.len(), |end| end - 1);
        assert_eq!(said[..end].trim_end_matches('\r').replace('\r', "|"), expected, "{family} on {line}");
    }
}

#[test]
fn one_ringing_a_call_and_none_where_it_is_turned_off() {
    let (mut b, port) = playing("zyxel");
    b.after_on(port, "ATS42.6=1\r", 1);
    assert!(!b.after_on(port, "ATDT9195550101\r", 10).contains("RINGING"));
    let mut b = Bench::new(
        r#"
exchange: t
modems: [{ id: m0, profile: si24xx, ringing_once: true }]
lines: [{ id: a, number: "+1 919 555 0101", rings: 4 }]
"#,
    );
    b.after("ATE0X5\r", 1);
    assert_eq!(b.after("ATDT5550101\r", 60).matches("RINGING").count(), 1);
}

#[test]
fn redial_locks_are_each_familys_own() {
    let bench = |profile: &str, more: &str| {
        let mut b = Bench::new(&format!(
            r#"
exchange: t
modems: [{{ id: m0, profile: {profile}, {more} }}]
lines:
  - {{ id: a, number: "+1 919 555 0101", fault: busy }}
  - {{ id: b, number: "+1 919 555 0102", fault: busy }}
  - {{ id: c, number: "+1 919 555 0103", fault: never-trains }}
"#
        ));
        b.pass(Duration::from_secs(2));
        b.after("ATE0S7=20\r", 1);
        b
    };
    let tries = |b: &mut Bench, digits: &str, count: usize| -> Vec<String> {
        (0..count).map(|_| b.after(&format!("ATDT{digits}\r"), 60).trim().to_owned()).collect()
    };
    let lock = "redial: { failures: 2, lock: 3h, delayed: true }";
    let mut b = bench("rockwell-conexant", lock);
    assert_eq!(tries(&mut b, "5550101", 4), ["BUSY", "BUSY", "DELAYED 02:59:08", "DELAYED 02:58:08"]);
    // Cleared by a command, and by a cut of power.
    b.after("AT%TCB\r", 1);
    assert_eq!(tries(&mut b, "5550101", 3)[..2], ["BUSY", "BUSY"]);
    b.feed(Input::Power(0));
    b.after("ATE0\r", 1);
    assert_eq!(tries(&mut b, "5550101", 1), ["BUSY"]);

    let mut b = bench("courier", "redial: { failures: 1, lock: 3h }");
    assert_eq!(tries(&mut b, "5550101", 2), ["BUSY", "DIALING DISABLED"]);
    b.after("ATS40=7\r", 1);
    assert_eq!(tries(&mut b, "5550101", 1), ["BUSY"]);

    // An answer tone is a success to an ELSA.
    let mut b = bench("elsa", lock);
    assert_eq!(tries(&mut b, "5550101", 3), ["BUSY", "BUSY", "DIAL LOCKED"]);
    assert_eq!(tries(&mut b, "5550103", 4), ["NO CARRIER"; 4]);

    // An Si24xx has its lock in registers, off as it comes.
    let mut b = bench("si24xx", "redial: { failures: 90, lock: 1s, list: 1 }");
    b.after("ATS42=1\r", 1);
    assert_eq!(tries(&mut b, "5550101", 3), ["BUSY", "BUSY", "BLACKLISTED"]);
    assert_eq!(tries(&mut b, "5550102", 1), ["BLACKLIST FULL"]);
    assert_eq!(b.after("AT%B\r", 1), "\r\n5550101\r\n\r\nOK\r\n");
    let mut b = bench("si24xx", "");
    assert_eq!(tries(&mut b, "5550101", 4), ["BUSY"; 4]);
}

#[test]
fn the_elsa_is_deaf_while_it_resets_itself() {
    let (mut b, port) = playing("elsa");
    b.feed(Input::Closed(port));
    b.feed(Input::Opened(port));
    assert_eq!(b.after_on(port, "AT\r", 1), "");
    b.pass(Duration::from_millis(600));
    assert!(b.after_on(port, "AT\r", 1).starts_with("AT\r"), "and it echoes again");
    // DTR counts as the opening does; a flicker does not.
    b.feed(Input::Dtr(port, false));
    b.pass(Duration::from_millis(20));
    b.feed(Input::Dtr(port, true));
    assert!(b.after_on(port, "AT\r", 1).contains("OK"));
    b.feed(Input::Dtr(port, false));
    b.pass(Duration::from_millis(200));
    b.feed(Input::Dtr(port, true));
    assert_eq!(b.after_on(port, "AT\r", 1), "");
}

#[test]
fn a_quiet_answer_hides_busy_from_a_zyxel() {
    let (mut b, port) = playing("zyxel");
    assert!(b.after_on(port, "ATDT9195550111@\r", 30).contains("NO CARRIER"));
    let (mut b, port) = playing("courier");
    assert!(b.after_on(port, "ATDT9195550111@\r", 30).contains("BUSY"));
}

#[test]
fn an_overcurrent_code_has_no_line_of_its_own() {
    let mut b = Bench::faulty("si24xx", "{ kind: no-dialtone, text: X }", "none");
    b.after("ATE0\r", 1);
    assert_eq!(b.after("ATDT5550101\r", 10), "X\r\n");
    // And `%V` is what makes it look for other telephones.
    for (look, said) in [("%V0", "NO DIALTONE"), ("%V1", "LINE IN USE")] {
        let mut b = Bench::faulty("si24xx", "line-in-use", "none");
        b.after(&format!("ATE0{look}\r"), 1);
        assert_eq!(b.after("ATDT5550101\r", 10).trim(), said);
    }
}

#[test]
fn an_entry_may_refuse_what_its_family_knows() {
    let mut b = Bench::new(
        r#"
exchange: t
modems: [{ id: m0, profile: v250, refuses: [+MR, '#ud'], answers: { +GSN: "4711" } }]
"#,
    );
    b.after("ATE0\r", 1);
    assert_eq!(b.after("AT+MR=1\r", 1).trim(), "ERROR");
    assert_eq!(b.after("AT#UD\r", 1).trim(), "ERROR");
    assert_eq!(b.after("AT+ER=1\r", 1).trim(), "OK");
    assert_eq!(b.after("AT+GSN\r", 1), "\r\n4711\r\n\r\nOK\r\n");
}
