//! Command lines, escapes and identities.

use proptest::prelude::*;

use super::*;
use crate::modem::identify::{FALLBACK, Identity, choose};
use crate::modem::profile::Question;

fn modem(firmware: Firmware) -> SimModem {
    let profile: Profile = serde_yaml::from_str("{ profile: generic }").unwrap();
    let entry: ModemEntry = serde_yaml::from_str("{ id: m, profile: generic }").unwrap();
    SimModem::new(&ModemEntry { firmware: Some(firmware), ..entry }, &profile)
}

/// What is printed for a line sent to a modem that does not echo.
fn answer(modem: &mut SimModem, line: &str) -> String {
    modem.input(Mono::ZERO, format!("{line}\r").as_bytes());
    String::from_utf8(modem.take_out()).unwrap()
}

#[test]
fn command_lines() {
    use Firmware::{Hayes, Rockwell, Usr, V250};
    const OK: &str = "\r\nOK\r\n";
    const ERROR: &str = "\r\nERROR\r\n";
    let table: &[(Firmware, &str, &str)] = &[
        (Hayes, "AT", OK),
        (Hayes, "at", OK),
        (Hayes, "aT", ""),
        (Hayes, "noise AT", OK),
        (Hayes, "AAT", OK),
        (Hayes, "AT E0 Q0 V1 X4", OK),
        (Hayes, "ATE0;V1", OK),
        (Hayes, "ATE2", ERROR),
        (Hayes, "ATX5", ERROR),
        (Hayes, "ATX9", ERROR),
        (Usr, "ATX7", OK),
        (Usr, "ATX8", ERROR),
        (V250, "ATX5", ERROR),
        (Hayes, "ATW1", ERROR),
        (Rockwell, "ATW1", OK),
        (Rockwell, "AT&F", OK),
        (Rockwell, "AT&C1&D2&K3&S1", OK),
        (Usr, "AT&C1&D2&H1&R2&I0&B1", OK),
        (Usr, "ATX4&A3", OK),
        (Rockwell, "AT&A3", ERROR),
        (Rockwell, "AT\\N3%C1", OK),
        (Rockwell, "AT%TCB", OK),
        (Rockwell, "AT-STE=1", OK),
        (Hayes, "AT%TCB", ERROR),
        (Usr, "ATS7=90S0=0", OK),
        (Usr, "ATS7?", "\r\n060\r\n\r\nOK\r\n"),
        (Hayes, "ATS7=45S7?", "\r\n045\r\n\r\nOK\r\n"),
        (Hayes, "ATS7=300", ERROR),
        (Hayes, "ATS999?", ERROR),
        (Hayes, "ATS7", ERROR),
        (V250, "AT+MR=1;+ER=1;+DR=1", OK),
        (V250, "AT+MR=1;+MR?", "\r\n+MR: 1\r\n\r\nOK\r\n"),
        (V250, "AT+MR=?", "\r\n+MR: (0,1)\r\n\r\nOK\r\n"),
        (Rockwell, "AT+MR=1", ERROR),
        (Hayes, "AT+MR=1", ERROR),
        (Usr, "AT+FCLASS=0", OK),
        (V250, "AT+NONSENSE=1", ERROR),
        (Hayes, "AT+GMI", ERROR),
        (Hayes, "ATI", "\r\n240\r\n\r\nOK\r\n"),
        (Hayes, "ATI99", ERROR),
        (Hayes, "ATJ", ERROR),
        (Hayes, "AT?", ERROR),
        (Hayes, "ATH", OK),
        (Hayes, "ATH1", OK),
        (Hayes, "ATO", "\r\nNO CARRIER\r\n"),
        (Hayes, "ATV0", "0\r"),
        (Hayes, "ATV0Y1S7?", "050\r\n0\r"),
        (Hayes, "ATQ1", ""),
        (Hayes, "ATDT555;ATH", ERROR),
    ];
    for (firmware, line, expected) in table {
        let mut modem = modem(*firmware);
        answer(&mut modem, "ATE0");
        modem.take_out();
        assert_eq!(answer(&mut modem, line), *expected, "{line} on {firmware:?}");
    }
}

#[test]
fn echo_backspace_and_repetition() {
    let mut m = modem(Firmware::Hayes);
    assert_eq!(answer(&mut m, "AT"), "AT\r\r\nOK\r\n");
    assert_eq!(answer(&mut m, "ATX9\x084"), "ATX9\x08 \x084\r\r\nOK\r\n");
    m.input(Mono::ZERO, b"A/");
    assert_eq!(String::from_utf8(m.take_out()).unwrap(), "A/\r\nOK\r\n");
    answer(&mut m, "ATE0");
    assert_eq!(answer(&mut m, "AT\n"), "\r\nOK\r\n", "a LF inside is nothing");
    assert_eq!(answer(&mut m, "\nAT"), "\r\nOK\r\n");
}

#[test]
fn a_line_that_is_too_long_is_an_error_and_does_nothing() {
    let mut m = modem(Firmware::Hayes);
    answer(&mut m, "ATE0");
    let long = format!("ATS7=99{}", "X4".repeat(BODY_LEN_MAX));
    assert_eq!(answer(&mut m, &long), "\r\nERROR\r\n");
    assert_eq!(answer(&mut m, "ATS7?"), "\r\n050\r\n\r\nOK\r\n");
    let just = format!("AT{}", "X4".repeat(BODY_LEN_MAX / 2));
    assert_eq!(answer(&mut m, &just), "\r\nOK\r\n");
}

#[test]
fn what_comes_before_an_error_stays_done() {
    let mut m = modem(Firmware::Hayes);
    answer(&mut m, "ATE0");
    assert_eq!(answer(&mut m, "ATS7=33J1S8=7"), "\r\nERROR\r\n");
    assert!(answer(&mut m, "ATS7?S8?").starts_with("\r\n033\r\n\r\n002\r\n"));
}

#[test]
fn dial_commands_as_wishes() {
    for (line, text, held) in [
        ("ATDT9,5550101", "T9,5550101", false),
        ("ATD5550101;", "5550101", true),
        ("atdt 555-0101", "T 555-0101", false),
        ("ATX4DP1W2@", "P1W2@", false),
    ] {
        let mut m = modem(Firmware::Usr);
        answer(&mut m, line);
        assert_eq!(m.take_wishes(), [Wish::Dial { text: text.to_owned(), held }], "{line}");
        assert_eq!(m.mode(), Mode::Dialing);
        m.input(Mono::ZERO, b"x");
        assert_eq!(m.take_wishes(), [Wish::Abort]);
        answer(&mut m, "ATDL");
        assert_eq!(m.take_wishes(), [Wish::Dial { text: text.to_owned(), held: false }]);
    }
}

#[test]
fn numbers_in_place_of_words() {
    let mut m = modem(Firmware::Usr);
    answer(&mut m, "ATE0V0X7");
    let mut number = |reply: Reply| {
        m.print(&reply);
        String::from_utf8(m.take_out()).unwrap()
    };
    assert_eq!(number(Reply::Ringing), "11\r");
    assert_eq!(number(Reply::Busy), "7\r");
    assert_eq!(number(Reply::NoAnswer), "8\r");
    assert_eq!(number(Reply::NoDialtone), "6\r");
}

#[test]
fn x_levels_hide_what_they_hide() {
    let said = |firmware, x: u8, reply: Reply| {
        let mut m = modem(firmware);
        answer(&mut m, &format!("ATE0X{x}"));
        m.print(&reply);
        String::from_utf8(m.take_out()).unwrap().trim().to_owned()
    };
    let table = [
        (0, "NO CARRIER", "NO CARRIER"),
        (1, "NO CARRIER", "NO CARRIER"),
        (2, "NO CARRIER", "NO DIALTONE"),
        (3, "BUSY", "NO CARRIER"),
        (4, "BUSY", "NO DIALTONE"),
    ];
    for (x, busy, tone) in table {
        assert_eq!(said(Firmware::Rockwell, x, Reply::Busy), busy, "X{x}");
        assert_eq!(said(Firmware::Rockwell, x, Reply::NoDialtone), tone, "X{x}");
    }
    assert_eq!(said(Firmware::Rockwell, 3, Reply::Blacklisted), "ERROR");
    assert_eq!(said(Firmware::Rockwell, 4, Reply::Delayed(3542)), "DELAYED 00:59:02");
    assert_eq!(said(Firmware::Rockwell, 4, Reply::Blacklisted), "BLACKLISTED");
    assert_eq!(said(Firmware::Usr, 4, Reply::Ringing), "");
    assert_eq!(said(Firmware::Usr, 7, Reply::Ringing), "RINGING");
    assert_eq!(said(Firmware::Si24xx, 5, Reply::Ringing), "RINGING");
    assert_eq!(said(Firmware::Si24xx, 4, Reply::Ringing), "");
    // Their own columns: NO DIALTONE at X2, X4 and X5 [AN93].
    assert_eq!(said(Firmware::Si24xx, 3, Reply::NoDialtone), "NO CARRIER");
    assert_eq!(said(Firmware::Zyxel, 1, Reply::Ringing), "RINGING");
}

#[test]
fn the_escape_needs_silence_before_between_and_after() {
    let at = Mono::from_millis;
    let online = || {
        let mut m = modem(Firmware::Hayes);
        m.connect(at(0), &LinkEntry::default());
        m.take_out();
        m
    };
    let mut m = online();
    m.input(at(1500), b"+++");
    assert_eq!(m.deadline(), Some(at(2500)));
    m.time(at(2499));
    assert_eq!(m.mode(), Mode::Online);
    m.time(at(2500));
    assert_eq!((m.mode(), m.take_out()), (Mode::Escaped, b"\r\nOK\r\n".to_vec()));
    // The far end gets them all the same.
    assert_eq!(m.take_wishes(), [Wish::Data(b"+++".to_vec())]);

    for (bytes, why) in [
        (vec![(500, "+++")], "no silence before"),
        (vec![(1500, "++"), (2600, "+")], "too slow"),
        (vec![(1500, "+++"), (1600, "x")], "no silence after"),
        (vec![(1500, "++++")], "four"),
        (vec![(1500, "x+++")], "something in front"),
    ] {
        let mut m = online();
        for (ms, text) in bytes {
            m.input(at(ms), text.as_bytes());
        }
        m.time(at(9000));
        assert_eq!(m.mode(), Mode::Online, "{why}");
    }

    let mut m = online();
    m.set.s[2] = 200;
    m.input(at(1500), b"+++");
    m.time(at(9000));
    assert_eq!(m.mode(), Mode::Online, "S2 above 127 switches it off");
}

#[test]
fn dtr_acts_as_its_setting_says() {
    for (setting, mode, wish) in [
        (0, Mode::Online, vec![]),
        (1, Mode::Escaped, vec![]),
        (2, Mode::Command, vec![Wish::HangUp(HangUpBy::Dtr)]),
        (3, Mode::Command, vec![Wish::HangUp(HangUpBy::Dtr)]),
    ] {
        let mut m = modem(Firmware::Hayes);
        answer(&mut m, &format!("ATS7=33&D{setting}"));
        m.connect(Mono::ZERO, &LinkEntry::default());
        m.dtr_dropped();
        assert_eq!((m.mode(), m.take_wishes()), (mode, wish), "&D{setting}");
        assert_eq!(m.register(7), if setting == 3 { 50 } else { 33 }, "&D3 resets");
    }
}

/// The shipped profiles.
fn shipped() -> Vec<Profile> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/hardware/modems");
    let mut profiles: Vec<Profile> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| serde_yaml::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap())
        .collect();
    profiles.sort_by(|a, b| a.profile.cmp(&b.profile));
    assert!(profiles.len() >= 4);
    profiles
}

fn playing(profile: &Profile) -> SimModem {
    let entry: ModemEntry =
        serde_yaml::from_str(&format!("{{ id: m, profile: {} }}", profile.profile)).unwrap();
    SimModem::new(&entry, profile)
}

#[test]
fn auto_recognises_each_shipped_profile() {
    let profiles = shipped();
    for profile in &profiles {
        let mut m = playing(profile);
        answer(&mut m, "ATE0");
        let answers = Question::FAMILY.map(|question| {
            let said = answer(&mut m, question.command());
            let lines = said.lines().map(str::trim).filter(|l| !matches!(*l, "" | "OK" | "ERROR"));
            (question, lines.map(str::to_owned).collect())
        });
        let identity = Identity { answers: answers.to_vec() };
        let chosen = choose(&profiles, &identity).map(|p| p.profile.as_str());
        // What tells nothing gets no S register; `generic`, which sends some, is for people to choose.
        let expected = if profile.profile == "generic" { FALLBACK } else { profile.profile.as_str() };
        assert_eq!(chosen, Some(expected), "{identity:?}");
    }
}

#[test]
fn each_shipped_set_up_is_taken() {
    for profile in shipped() {
        let mut m = playing(&profile);
        answer(&mut m, "ATE0");
        for line in &profile.setup {
            let said = answer(&mut m, &line.send);
            let fine = said.ends_with("OK\r\n") || (line.optional && said.ends_with("ERROR\r\n"));
            assert!(fine, "{}: `{}` gives {said:?}", profile.profile, line.send);
            answer(&mut m, "ATE0");
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_bring_it_down(
        firmware in 0..Firmware::ALL.len(),
        chunks in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..80), 0..3000_u64), 0..30),
        online in any::<bool>(),
    ) {
        let mut m = modem(Firmware::ALL[firmware]);
        let mut now = 0;
        for (i, (bytes, wait)) in chunks.iter().enumerate() {
            if online && i == 3 {
                m.connect(Mono::from_millis(now), &LinkEntry::default());
            }
            now += wait;
            m.input(Mono::from_millis(now), bytes);
            m.take_wishes();
            // Whatever it prints is in proportion to what it was told.
            prop_assert!(m.take_out().len() <= 4096 + bytes.len() * 64);
        }
        m.dtr_dropped();
        m.take_wishes();
    }

    #[test]
    fn command_lines_end_in_one_result(body in "[ -~]{0,40}") {
        prop_assume!(!body.to_ascii_uppercase().contains(['D', 'A', 'Q', 'V', 'S']));
        let mut m = modem(Firmware::V250);
        answer(&mut m, "ATE0");
        let said = answer(&mut m, &format!("AT{body}"));
        let results = said.matches("\r\nOK\r\n").count() + said.matches("\r\nERROR\r\n").count()
            + said.matches("\r\nNO CARRIER\r\n").count();
        prop_assert_eq!(results, 1, "{:?}", said);
    }
}
