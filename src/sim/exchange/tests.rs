//! Every fault, and every way through a call, in pure time.

mod accounts;
mod bench;
mod families;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::sim::log::What;
use crate::sim::tests::{file, profiles};

/// An exchange, its time, and what it did.
struct Bench {
    engine: Engine,
    now: Mono,
    said: BTreeMap<usize, String>,
    raw: BTreeMap<usize, Vec<u8>>,
    log: Vec<Entry>,
    signals: Vec<(Mono, Signal, bool)>,
    /// The same with their ports.
    wires: Vec<(usize, Signal, bool)>,
    others: Vec<Output>,
}

impl Bench {
    fn new(yaml: &str) -> Self {
        let engine = Engine::new(file(yaml), &profiles());
        let mut bench = Self {
            engine,
            now: Mono::from_millis(1000),
            said: BTreeMap::new(),
            raw: BTreeMap::new(),
            log: Vec::new(),
            signals: Vec::new(),
            wires: Vec::new(),
            others: Vec::new(),
        };
        bench.feed(Input::Opened(0));
        bench
    }

    /// One line with this fault, dialed from a modem of this profile.
    fn faulty(profile: &str, fault: &str, console: &str) -> Self {
        Self::new(&format!(
            r#"
exchange: t
modems: [{{ id: m0, profile: {profile} }}, {{ id: m1, profile: courier }}]
lines:
  - {{ id: a, number: "+1 919 555 0101", console: {console}, hostname: rtr1, username: oob, password: demo, fault: {fault} }}
"#
        ))
    }

    fn feed(&mut self, input: Input<'_>) {
        self.engine.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Write { port, bytes, entries } => {
                    self.said.entry(port).or_default().push_str(&String::from_utf8_lossy(&bytes));
                    self.raw.entry(port).or_default().extend(bytes);
                    self.log
                        .extend(entries.into_iter().map(|e| Entry { mono_us: self.now.as_micros(), ..e }));
                }
                Output::Log(e) => self.log.push(Entry { mono_us: self.now.as_micros(), ..e }),
                Output::Signal(port, signal, level) => {
                    self.signals.push((self.now, signal, level));
                    self.wires.push((port, signal, level));
                }
                other => self.others.push(other),
            }
        }
    }

    fn send(&mut self, port: usize, text: &str) {
        self.feed(Input::Bytes(port, text.as_bytes()));
    }

    /// Lets time go by, deadline by deadline.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        let mut steps = 0;
        while let Some(due) = self.engine.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.feed(Input::Time);
            steps += 1;
            assert!(steps < 100_000, "the exchange does not come to rest");
        }
        self.now = end;
    }

    /// Sends and lets time go by; what was said meanwhile.
    fn after(&mut self, text: &str, seconds: u64) -> String {
        self.said.remove(&0);
        self.send(0, text);
        self.pass(Duration::from_secs(seconds));
        self.said.remove(&0).unwrap_or_default()
    }

    /// What another port's modem says to this meanwhile.
    fn after_on(&mut self, port: usize, text: &str, seconds: u64) -> String {
        self.said.remove(&port);
        self.send(port, text);
        self.pass(Duration::from_secs(seconds));
        self.said.remove(&port).unwrap_or_default()
    }

    /// The modem set up, the line dialed, and a login prompt waited for.
    fn call(&mut self) -> String {
        self.after("ATE0V1Q0S0=0\r", 1);
        self.after("ATDT5550101\r", 45)
    }

    fn events(&self) -> Vec<What> {
        self.log.iter().map(|e| e.event).collect()
    }

    fn at(&self, what: What) -> Mono {
        Mono::from_micros(
            self.log.iter().find(|e| e.event == what).unwrap_or_else(|| panic!("no {what:?}")).mono_us,
        )
    }
}

#[test]
fn every_family_words_a_good_call_in_its_own_way() {
    let call = |profile: &str, setup: &str| {
        let mut b = Bench::faulty(profile, "{ kind: refused-password }", "cisco-ios");
        b.after(&format!("ATE0{setup}\r"), 1);
        b.after("ATDT5550101\r", 60).replace("\r\n", "|")
    };
    assert!(
        call("courier", "X7&A3")
            .starts_with("|RINGING||CONNECT 33600/ARQ/V34/LAPM/V42BIS|||User Access Verification"),
        "{}",
        call("courier", "X7&A3")
    );
    assert!(call("courier", "X4&A1").starts_with("|CONNECT 33600/ARQ|"));
    assert!(call("courier", "X0").starts_with("|CONNECT||"));
    assert!(
        call("rockwell-conexant", "X4W1")
            .starts_with("|CARRIER 33600||PROTOCOL: LAPM||COMPRESSION: V.42BIS||CONNECT 115200|")
    );
    assert!(
        call("rockwell-conexant", "X4S95=47")
            .starts_with("|CARRIER 33600||PROTOCOL: LAPM||COMPRESSION: V.42BIS||CONNECT 33600/ARQ|")
    );
    assert!(call("rockwell-conexant", "X4").starts_with("|CONNECT 115200|"));
    assert!(
        call("v250", "X4+MR=1;+ER=1;+DR=1")
            .starts_with("|+MCR: V34||+MRR: 33600,33600||+ER: LAPM||+DR: V42B||CONNECT 115200|")
    );
    assert!(call("v250", "X4").starts_with("|CONNECT 115200|"));
    assert!(call("v250", "X4\\V1").starts_with("|CONNECT 115200/V34/LAPM/V42B/33600|"));
    assert!(
        call("v250", "X4W1")
            .starts_with("|CARRIER 33600||PROTOCOL: LAPM||COMPRESSION: V.42BIS||CONNECT 115200|")
    );
    assert!(call("generic", "X4").starts_with("|CONNECT 33600|"));
}

#[test]
fn what_a_dial_command_comes_to() {
    // (fault, courier, rockwell, generic)
    let table = [
        ("no-dialtone", "NO DIAL TONE", "NO DIALTONE", "NO DIALTONE"),
        ("line-in-use", "LINE IN USE", "LINE IN USE", "LINE IN USE"),
        ("glare", "RING||NO CARRIER", "RING||NO CARRIER", "RING||NO CARRIER"),
        ("dial-error", "ERROR", "ERROR", "ERROR"),
        ("blacklisted", "BLACKLISTED", "BLACKLISTED", "BLACKLISTED"),
        ("delayed", "DELAYED 00:01:00", "DELAYED 00:01:00", "DELAYED 00:01:00"),
        ("dialing-disabled", "DIALING DISABLED", "DIALING DISABLED", "DIALING DISABLED"),
        ("reorder", "REORDER", "REORDER", "REORDER"),
        ("no-ring", "NO CARRIER", "NO CARRIER", "NO CARRIER"),
        ("intercept", "VOICE", "NO CARRIER", "NO CARRIER"),
        ("busy", "BUSY", "BUSY", "BUSY"),
        ("voice", "RINGING||VOICE", "NO CARRIER", "NO CARRIER"),
        ("fax", "RINGING||FAX", "FAX", "NO CARRIER"),
        ("never-trains", "RINGING||NO CARRIER", "NO CARRIER", "NO CARRIER"),
        ("{ kind: drops, at: answered, after: 1s }", "RINGING||NO CARRIER", "NO CARRIER", "NO CARRIER"),
        ("{ kind: drops, at: carrier }", "RINGING||NO CARRIER", "CARRIER 33600||NO CARRIER", "NO CARRIER"),
        (
            "{ kind: busy, text: UN-OBTAINABLE NUMBER }",
            "UN-OBTAINABLE NUMBER",
            "UN-OBTAINABLE NUMBER",
            "UN-OBTAINABLE NUMBER",
        ),
    ];
    for (fault, courier, rockwell, generic) in table {
        for (profile, setup, expected) in [
            ("courier", "X7&A3", courier),
            ("rockwell-conexant", "X4W1", rockwell),
            ("generic", "X4", generic),
        ] {
            let mut b = Bench::faulty(profile, fault, "cisco-ios");
            b.after(&format!("ATE0{setup}\r"), 1);
            let said = b.after("ATDT5550101\r", 120).replace("\r\n", "|");
            assert_eq!(said.trim_matches('|'), expected, "{fault} on {profile}");
            assert!(b.after("AT\r", 1).contains("OK"), "{fault}: {profile} is not in command state");
            assert_eq!(*b.events().last().unwrap(), What::OnHook, "{fault} on {profile}");
            assert!(b.engine.deadline().is_none(), "{fault}: something is left over");
        }
    }
}

#[test]
fn a_line_that_rings_for_ever_rings_until_s7() {
    for (profile, word) in
        [("courier", "NO CARRIER"), ("rockwell-conexant", "NO ANSWER"), ("generic", "NO CARRIER")]
    {
        let mut b = Bench::faulty(profile, "no-answer", "cisco-ios");
        b.after("ATE0S7=30\r", 1);
        let said = b.after("ATDT5550101\r", 40);
        assert!(said.trim_end().ends_with(word), "{profile}: {said:?}");
        let bursts = b.log.iter().filter(|e| e.event == What::Ringback).count();
        // Ringing begins 2.5 s after the digits, every 6 s until 30 s after them.
        assert_eq!(bursts, 5, "{profile}");
        assert_eq!(said.matches("RINGING").count(), if profile == "courier" { 5 } else { 0 });
        let waited = b.at(What::Failed).since(b.at(What::DigitsSent));
        assert_eq!(waited, Duration::from_secs(30));
        assert!(b.after("ATDT5550101@\r", 40).trim_end().ends_with("NO ANSWER"), "@ waits for silence");
    }
}

#[test]
fn spans_are_those_of_the_file_times_the_pace() {
    for (pace, own, after) in [(1.0, "", 2800), (0.1, "", 2800), (0.1, "answer_after: 700ms,", 700)] {
        let mut b = Bench::new(&format!(
            r#"
exchange: t
pace: {pace}
modems: [{{ id: m0, profile: rockwell-conexant }}]
lines:
  - {{ id: a, number: "+1 919 555 0101", rings: 3, {own} train: 5s, setup: 1s, error_control: 500ms, console: generic }}
"#
        ));
        b.call();
        let span = |from, to| b.at(to).since(b.at(from));
        let paced = |ms: u64| Duration::from_millis(ms).mul_f64(pace);
        assert_eq!(span(What::Dialed, What::DigitsSent), paced(800 + 7 * 190));
        assert_eq!(span(What::DigitsSent, What::Ringback), paced(1000));
        assert_eq!(span(What::Ringback, What::Answered), paced(2 * 6000 + after));
        assert_eq!(span(What::Answered, What::Carrier), paced(5000));
        assert_eq!(span(What::Carrier, What::Connected), paced(500));
        assert_eq!(span(What::Connected, What::Prompted), paced(400));
    }
}

#[test]
fn late_calls_shift_nothing() {
    let yaml = r#"
exchange: t
modems: [{ id: m0, profile: courier }]
lines: [{ id: a, number: "+1 919 555 0101", rings: 2, console: cisco-ios, hostname: r }]
"#;
    let order = |step: Duration| {
        let mut b = Bench::new(yaml);
        b.send(0, "ATE0\rATDT5550101\r");
        for _ in 0..(60_000 / step.as_millis()) {
            b.now = b.now + step;
            b.feed(Input::Time);
        }
        (b.events(), b.said.remove(&0))
    };
    assert_eq!(order(Duration::from_millis(10)), order(Duration::from_secs(20)));
}

#[test]
fn what_a_console_says_in_each_trouble() {
    let table = [
        ("cisco-ios", "open-console", "rtr1#"),
        ("cisco-nxos", "open-console", "rtr1# "),
        ("linux", "open-console", "root@rtr1:~# "),
        ("cisco-ios", "boot-prompt", "rommon 1 > "),
        ("cisco-nxos", "boot-prompt", "loader> "),
        ("cisco-ios", "wrong-host", "Username: "),
        ("linux", "{ kind: wrong-host, text: other9 }", "other9 login: "),
        ("cisco-ios", "console-busy", "NO CARRIER\r\n"),
        ("cisco-ios", "login-unavailable", "none set\r\n\r\nNO CARRIER\r\n"),
        ("cisco-ios", "{ kind: drops, at: connected, after: 100ms }", "V42BIS\r\n\r\nNO CARRIER\r\n"),
        ("cisco-ios", "{ kind: drops, at: prompted, after: 100ms }", "Username: \r\nNO CARRIER\r\n"),
        ("cisco-ios", "silent", "V42BIS\r\n"),
        ("cisco-ios", "echo", "V42BIS\r\n"),
        ("cisco-ios", "slow-connect", "Username: "),
        ("none", "silent", "V42BIS\r\n"),
    ];
    for (console, fault, end) in table {
        let mut b = Bench::faulty("courier", fault, console);
        let said = b.call();
        assert!(said.ends_with(end), "{fault} on {console}: {said:?}");
    }
}

#[test]
fn logins_and_what_becomes_of_them() {
    let table = [
        ("cisco-ios", "{ kind: drops, at: username }", "oob\r\nNO CARRIER\r\n", ""),
        ("cisco-ios", "{ kind: drops, at: password }", "Password: ", "\r\nNO CARRIER\r\n"),
        ("cisco-ios", "{ kind: drops, at: logged-in, after: 10s }", "Password: ", "rtr1>\r\nNO CARRIER\r\n"),
        (
            "cisco-ios",
            "refused-password",
            "Password: ",
            "% Login invalid\r\n\r\n\r\nUser Access Verification\r\n\r\nUsername: ",
        ),
        (
            "linux",
            "refused-password",
            "Password: ",
            "Login incorrect\r\n\r\n\r\nDebian GNU/Linux 12 rtr1 ttyS0\r\n\r\nrtr1 login: ",
        ),
        ("linux", "password-expired", "Password: ", "Current password: "),
        ("linux", "login-unavailable", "Password: ", "NO CARRIER\r\n"),
        ("cisco-ios", "login-stalls", "Password: ", "\r\n"),
        ("cisco-nxos", "{ kind: noisy }", "Password: ", "rtr1# "),
        ("generic", "{ kind: no-error-control }", "Password: ", "rtr1> "),
    ];
    for (console, fault, asked, came) in table {
        let mut b = Bench::faulty("courier", fault, console);
        b.call();
        let said = b.after("oob\r", 5);
        assert!(said.ends_with(asked), "{fault} on {console}: {said:?}");
        let said = b.after("demo\r", 20);
        assert!(said.ends_with(came), "{fault} on {console}: {said:?}");
    }
}

#[test]
fn after_a_logout_each_family_has_its_own_way() {
    for (console, more, end) in [
        ("cisco-ios", "", "Username: "),
        ("cisco-ios", ", after_logout: return", "Press RETURN to get started.\r\n"),
        ("cisco-nxos", "", "rtr1 login: "),
        ("generic", "", "rtr1 login: "),
        ("linux", "", "logout\r\n\r\nNO CARRIER\r\n"),
        ("linux", ", after_logout: prompt", "rtr1 login: "),
    ] {
        let mut b = Bench::new(&format!(
            r#"
exchange: t
modems: [{{ id: m0, profile: courier }}]
lines:
  - {{ id: a, number: "+1 919 555 0101", console: {console}, hostname: rtr1, username: oob, password: demo{more} }}
"#
        ));
        b.call();
        b.after("oob\r", 5);
        b.after("demo\r", 5);
        let said = b.after("exit\r", 5);
        assert!(said.ends_with(end), "{console}{more}: {said:?}");
        assert_eq!(b.log.iter().filter(|e| e.event == What::Logout).count(), 1);
    }
}

#[test]
fn a_lost_logout_brings_the_prompt_again_and_again() {
    let mut b = Bench::faulty("courier", "lost-logout", "cisco-ios");
    b.call();
    b.after("oob\r", 5);
    assert!(b.after("demo\r", 5).ends_with("rtr1>"));
    for _ in 0..3 {
        assert!(b.after("exit\r", 5).ends_with("rtr1>"));
    }
    assert!(!b.events().contains(&What::LoggedOut));
}

#[test]
fn garbage_floods_and_echoes_are_what_they_are_called() {
    let mut b = Bench::faulty("courier", "garbage", "cisco-ios");
    b.call();
    let raw = &b.raw[&0];
    let noise = &raw[raw.len() - 24..];
    assert!(noise.iter().filter(|byte| **byte >= 0x80).count() > 12, "{noise:?}");
    let again = {
        let mut b = Bench::faulty("courier", "garbage", "cisco-ios");
        b.call();
        b.raw[&0].clone()
    };
    assert_eq!(*raw, again, "the same seed gives the same noise");

    let mut b = Bench::faulty("courier", "parity-garbage", "cisco-ios");
    let said = b.call();
    let plain: Vec<u8> = b.raw[&0].iter().map(|byte| byte & 0x7f).collect();
    assert!(String::from_utf8(plain).unwrap().ends_with("Username: "));
    assert!(!said.contains("Username"));

    let mut b = Bench::faulty("courier", "flood", "cisco-ios");
    assert!(b.call().len() > 100_000);
    b.feed(Input::Closed(0));
    assert!(b.engine.deadline().is_none());

    let mut b = Bench::faulty("courier", "echo", "cisco-ios");
    b.call();
    assert_eq!(b.after("\rabc", 1), "\rabc");
}

#[test]
fn any_key_aborts_a_dial() {
    let mut b = Bench::faulty("courier", "busy", "cisco-ios");
    b.after("ATE0\r", 1);
    b.after("ATDT5550101\r", 2);
    assert_eq!(b.after("\r", 0), "\r\nNO CARRIER\r\n");
    assert_eq!(b.log.iter().find(|e| e.event == What::HungUp).unwrap().by.as_deref(), Some("key"));
    assert_eq!(b.after("AT\r", 1), "\r\nOK\r\n");
    // A LF behind the CR is such a key (modems.md 0.3).
    assert!(b.after("ATDT5550101\r\n", 0).contains("NO CARRIER"));
}

#[test]
fn digits_are_timed_apart_with_the_semicolon() {
    let mut b = Bench::faulty("courier", "{ kind: slow-train, span: 20s }", "cisco-ios");
    b.after("ATE0\r", 1);
    assert_eq!(b.after("ATDT5550101;\r", 2), "");
    b.pass(Duration::from_secs(1));
    assert_eq!(b.said.remove(&0).unwrap(), "\r\nOK\r\n");
    assert!(b.after("ATD\r", 60).contains("CONNECT"));
    // Told too late, the modem still hears the carrier.
    b.feed(Input::Closed(0));
    b.feed(Input::Opened(0));
    b.after("ATDT5550101;\r", 100);
    assert_eq!(b.after("ATD\r", 0), "");
    b.pass(Duration::from_secs(60));
    assert!(b.said[&0].contains("CONNECT"));
    // And it can be told to hang up.
    b.feed(Input::Closed(0));
    b.feed(Input::Opened(0));
    b.after("ATDT5550101;\r", 5);
    assert_eq!(b.after("ATH\r", 1), "\r\nOK\r\n");
    assert!(b.engine.deadline().is_none());
}

#[test]
fn a_number_in_a_call_is_busy_and_free_again_after() {
    let mut b = Bench::new(
        r#"
exchange: t
modems: [{ id: m0, profile: courier }, { id: m1, profile: courier }]
lines: [{ id: a, number: "+1 919 555 0101", console: cisco-ios, hostname: r }]
"#,
    );
    b.feed(Input::Opened(1));
    b.call();
    b.send(1, "ATE0\rATDT19195550101\r");
    b.pass(Duration::from_secs(20));
    assert!(b.said[&1].ends_with("BUSY\r\n"), "{:?}", b.said[&1]);
    b.feed(Input::Closed(0));
    b.send(1, "ATDT9195550101\r");
    b.pass(Duration::from_secs(60));
    assert!(b.said[&1].contains("CONNECT"));
}

#[test]
fn a_full_trunk_gives_no_dial_tone() {
    let mut b = Bench::new(
        r#"
exchange: t
trunks: { pstn: { lines: 1 } }
modems: [{ id: m0, profile: courier, trunk: pstn }, { id: m1, profile: courier, trunk: pstn }, { id: m2, profile: courier }]
lines:
  - { id: a, number: "+1 919 555 0101", console: cisco-ios, hostname: r }
  - { id: b, number: "+1 919 555 0102", fault: busy }
"#,
    );
    b.call();
    for (port, said) in [(1, "NO DIAL TONE"), (2, "BUSY")] {
        b.feed(Input::Opened(port));
        b.send(port, "ATE0\rATDT5550102\r");
        b.pass(Duration::from_secs(10));
        assert!(b.said[&port].trim_end().ends_with(said), "{:?}", b.said[&port]);
    }
    b.feed(Input::Closed(0));
    b.send(1, "ATDT5550102\r");
    b.pass(Duration::from_secs(10));
    assert!(b.said[&1].trim_end().ends_with("BUSY"));
}

#[test]
fn unknown_numbers_are_out_of_service_and_emergency_calls_stand_out() {
    let mut b = Bench::faulty("generic", "busy", "cisco-ios");
    b.after("ATE0\r", 1);
    assert!(b.after("ATDT2025550199\r", 120).contains("NO CARRIER"));
    assert_eq!(b.log.iter().find(|e| e.event == What::Dialed).unwrap().line, None);
    b.after("ATDT911\r", 120);
    assert_eq!(b.log.iter().filter(|e| e.text.as_deref() == Some("EMERGENCY NUMBER")).count(), 1);
}

#[test]
fn escape_and_hang_up_by_command() {
    let mut b = Bench::faulty("courier", "refused-password", "cisco-ios");
    b.call();
    b.pass(Duration::from_secs(2));
    b.said.clear();
    assert!(b.after("+++", 2).ends_with("\r\nOK\r\n"));
    assert_eq!(b.after("AT\r", 0), "\r\nOK\r\n");
    assert!(b.after("ATO\r", 0).contains("CONNECT 33600"));
    b.pass(Duration::from_secs(2));
    b.after("+++", 2);
    assert_eq!(b.after("ATH\r", 0), "\r\nOK\r\n");
    assert_eq!(b.log.iter().find(|e| e.event == What::HungUp).unwrap().by.as_deref(), Some("ath"));
    assert_eq!(*b.events().last().unwrap(), What::OnHook);
    assert!(b.engine.deadline().is_none());
    // Without the guard time it is data.
    b.call();
    b.send(0, "x");
    assert!(!b.after("+++", 3).contains("OK"));
}

#[test]
fn wires_tell_answer_and_carrier() {
    let mut b = Bench::faulty("rockwell-conexant", "refused-password", "cisco-ios");
    b.after("ATE0&S1&C1&D2\r", 1);
    b.after("ATDT5550101\r", 60);
    let answered = b.at(What::Answered);
    let connected = b.at(What::Connected);
    // `&S0` until it is set otherwise, on both modems.
    let before =
        b.signals.iter().filter(|(at, ..)| *at < answered).map(|(_, signal, level)| (*signal, *level));
    let dsr = |level| (Signal::Dsr, level);
    assert_eq!(before.collect::<Vec<_>>(), [dsr(true), dsr(true), dsr(false)]);
    b.signals.retain(|(at, ..)| *at >= answered);
    assert_eq!(b.signals, [(answered, Signal::Dsr, true), (connected, Signal::Dcd, true)]);
    // A flicker of DTR shorter than S25 is none.
    b.feed(Input::Dtr(0, false));
    b.pass(Duration::from_millis(20));
    b.feed(Input::Dtr(0, true));
    b.pass(Duration::from_secs(1));
    assert_eq!(b.signals.len(), 2);
    b.feed(Input::Dtr(0, false));
    b.pass(Duration::from_millis(100));
    assert_eq!(b.signals.len(), 4);
    assert!(b.signals[2..].iter().all(|(.., level)| !level));
    assert!(b.said[&0].ends_with("OK\r\n"));
}

#[test]
fn modems_that_are_wrong_themselves() {
    let with = |fault: &str| {
        Bench::new(&format!(
            r#"
exchange: t
modems: [{{ id: m0, profile: courier, fault: {fault} }}]
lines: [{{ id: a, number: "+1 919 555 0101", console: cisco-ios, hostname: r }}]
"#
        ))
    };
    let mut b = with("dead");
    assert_eq!(b.after("AT\r", 10), "");

    let mut b = with("wedged");
    b.call();
    b.feed(Input::Closed(0));
    b.feed(Input::Opened(0));
    assert_eq!(b.after("AT\r", 10), "");

    let mut b = with("{ kind: setup-error, text: '&A3' }");
    b.after("ATE0\r", 1);
    assert_eq!(b.after("ATX4&A3\r", 1), "\r\nERROR\r\n");
    assert_eq!(b.after("ATX4\r", 1), "\r\nOK\r\n");

    let mut b = with("hangup-ignored");
    b.call();
    b.feed(Input::Closed(0));
    b.pass(Duration::from_secs(5));
    b.feed(Input::Opened(0));
    assert!(!b.after("AT\r", 5).contains("OK"), "it is still online");
    assert!(!b.events().contains(&What::OnHook));

    let mut b = with("port-missing");
    assert_eq!(b.engine.port_fault(0), Some(FaultKind::PortMissing));
}

#[test]
fn a_port_vanishes_in_the_middle_and_comes_back() {
    let mut b = Bench::faulty(
        "courier",
        "{ kind: port-vanishes, at: ringing, after: 1s, back_after: 5s }",
        "cisco-ios",
    );
    b.after("ATE0\r", 1);
    b.after("ATDT5550101\r", 60);
    assert_eq!(b.others, [Output::Vanish(0), Output::Return(0)]);
    let events = b.events();
    let from = events.iter().position(|e| *e == What::PortVanished).unwrap();
    assert_eq!(events[from..], [What::PortVanished, What::HungUp, What::OnHook, What::PortReturned]);
    assert_eq!(b.at(What::PortReturned).since(b.at(What::PortVanished)), Duration::from_secs(5));
    // It powers up as it was.
    b.feed(Input::Opened(0));
    assert!(b.after("AT\r", 1).contains("OK"));
}

#[test]
fn rules_are_tried_in_order_and_counted() {
    let mut b = Bench::new(
        r#"
exchange: t
modems: [{ id: m0, profile: courier }, { id: m1, profile: courier }]
lines: [{ id: a, number: "+1 919 555 0101", console: cisco-ios, hostname: r, fault: voice }]
rules:
  - { name: other, modem: m1, fault: reorder }
  - { name: twice, line: a, attempt: 1-2, fault: busy }
  - { name: once, number: "+1919", times: 1, fault: { kind: reorder } }
  - { name: fourth, modem: m0, call: 4, fault: no-dialtone }
"#,
    );
    b.after("ATE0\r", 1);
    let words: Vec<String> =
        (0..5).map(|_| b.after("ATDT5550101\r", 100).replace("RINGING", "").trim().to_owned()).collect();
    assert_eq!(words, ["BUSY", "BUSY", "REORDER", "NO DIAL TONE", "VOICE"]);
    let rules: Vec<_> = b.log.iter().filter_map(|e| e.rule.clone()).collect();
    assert_eq!(rules, ["twice", "twice", "once", "fourth", "line"]);
    b.feed(Input::Opened(1));
    b.send(1, "ATE0\rATDT5550101\r");
    b.pass(Duration::from_secs(60));
    assert!(b.said[&1].ends_with("REORDER\r\n"));
}

#[test]
fn chance_comes_from_the_seed_and_each_rule_has_its_own() {
    let run = |seed: u64, more: &str| {
        let mut b = Bench::new(&format!(
            r#"
exchange: t
seed: {seed}
modems: [{{ id: m0, profile: courier }}]
lines: [{{ id: a, number: "+1 919 555 0101", console: cisco-ios, hostname: r, fault: reorder }}]
rules:
{more}
  - {{ name: half, probability: 0.5, fault: busy }}
"#
        ));
        b.after("ATE0\r", 1);
        (0..24).map(|_| b.after("ATDT5550101\r", 60).contains("BUSY")).collect::<Vec<_>>()
    };
    let one = run(1, "");
    assert!(one.contains(&true) && one.contains(&false), "{one:?}");
    assert_eq!(one, run(1, ""));
    assert_ne!(one, run(2, ""));
    assert_eq!(
        one,
        run(1, "  - { name: never, probability: 0.0, fault: voice }"),
        "another rule disturbs nothing"
    );
}

#[test]
fn a_redial_lock_counts_failures_and_opens_again() {
    let mut b = Bench::new(
        r#"
exchange: t
modems: [{ id: m0, profile: courier, redial: { failures: 2, lock: 180s } }]
lines: [{ id: a, number: "+1 919 555 0101", console: cisco-ios, hostname: r, fault: { kind: busy, times: 3 } }]
"#,
    );
    b.after("ATE0\r", 1);
    let words: Vec<String> = (0..3).map(|_| b.after("ATDT5550101\r", 10).trim().to_owned()).collect();
    assert_eq!(words, ["BUSY", "BUSY", "DIALING DISABLED"]);
    b.pass(Duration::from_secs(180));
    assert_eq!(b.after("ATDT5550101\r", 10).trim(), "BUSY");
}

#[test]
fn diagnostics_tell_what_the_line_was_like() {
    let mut b = Bench::faulty("courier", "noisy", "cisco-ios");
    b.call();
    b.feed(Input::Closed(0));
    b.feed(Input::Opened(0));
    let report = b.after("ATI6\r", 1);
    assert!(report.contains("Retrains Requested            4"), "{report}");
    assert!(b.after("ATI11\r", 1).contains("SNR              (dB)       18"));

    let mut b = Bench::faulty("v250", "fax", "cisco-ios");
    b.call();
    let report = b.after("AT#UD\r", 1);
    assert!(report.contains("DIAG <2A4D3263 1=06") && report.contains("60=42"), "{report}");
}

#[test]
fn an_answering_modem_rings_answers_and_carries_data_both_ways() {
    let yaml = r#"
exchange: t
modems: [{ id: m0, profile: courier }]
lines: [{ id: a, number: "+1 919 555 0101", answer_on: far }]
"#;
    let mut b = Bench::new(yaml);
    b.feed(Input::Opened(1));
    b.send(1, "ATE0\r");
    b.after("ATE0\r", 1);
    b.said.clear();
    b.after("ATDT5550101\r", 13);
    assert_eq!(b.said[&1], "\r\nRING\r\n\r\nRING\r\n");
    b.said.clear();
    b.send(1, "ATA\r");
    b.pass(Duration::from_secs(20));
    assert!(b.said[&0].ends_with("V42BIS\r\n"));
    assert_eq!(b.said[&1], "\r\nCONNECT 33600\r\n");
    b.said.clear();
    b.send(0, "hello");
    b.send(1, "there");
    assert_eq!((b.said[&1].as_str(), b.said[&0].as_str()), ("hello", "there"));
    // Hung up there: our carrier goes.
    b.said.clear();
    b.feed(Input::Closed(1));
    b.pass(Duration::from_secs(3));
    assert_eq!(b.said[&0], "\r\nNO CARRIER\r\n");
    assert!(b.engine.deadline().is_none());

    // Hung up here: its carrier goes.
    let mut b = Bench::new(yaml);
    b.feed(Input::Opened(1));
    b.send(1, "ATE0S0=1\r");
    b.after("ATE0\r", 1);
    b.after("ATDT5550101\r", 20);
    b.said.clear();
    b.feed(Input::Closed(0));
    assert_eq!(b.said[&1], "\r\nNO CARRIER\r\n");
    assert!(b.engine.deadline().is_none());

    // Nobody answers.
    let mut b = Bench::new(yaml);
    assert!(b.after("ATDT5550101\r", 100).ends_with("NO CARRIER\r\n"));
    assert!(b.engine.deadline().is_none());
}

#[test]
fn a_program_is_started_at_connect_and_stopped_at_hang_up() {
    let mut b = Bench::new(
        r#"
exchange: t
modems: [{ id: m0, profile: courier }]
lines: [{ id: a, number: "+1 919 555 0101", exec: [cat] }]
"#,
    );
    b.call();
    assert_eq!(b.others, [Output::Start { line: 0, call: 1 }]);
    b.send(0, "x");
    b.feed(Input::FarBytes(1, b"y"));
    assert!(b.said[&0].ends_with('y'));
    b.feed(Input::Closed(0));
    assert_eq!(b.others[1..], [Output::Send(1, b"x".to_vec()), Output::Stop(1)]);
    // What comes late belongs to nobody.
    b.feed(Input::FarBytes(1, b"late"));
    b.feed(Input::FarEnded(1));
    b.feed(Input::Opened(0));
    b.after("ATDT5550101\r", 60);
    b.feed(Input::FarEnded(2));
    b.pass(Duration::from_secs(3));
    assert!(b.said[&0].ends_with("NO CARRIER\r\n"));
}

#[test]
fn the_log_counts_every_call_once() {
    let mut b = Bench::faulty("courier", "{ kind: busy, times: 1 }", "cisco-ios");
    b.call();
    b.after("ATDT5550101\r", 60);
    b.feed(Input::Closed(0));
    for call in [1, 2] {
        let of = |what| b.log.iter().filter(|e| e.call == Some(call) && e.event == what).count();
        assert_eq!((of(What::Dialed), of(What::OnHook)), (1, 1), "call {call}");
    }
    let attempts: Vec<_> = b.log.iter().filter(|e| e.event == What::Dialed).map(|e| e.attempt).collect();
    assert_eq!(attempts, [Some(1), Some(2)]);
}

proptest! {
    /// Whatever comes, in whatever order: no panic, it comes to rest, and every call that began has ended.
    #[test]
    fn nothing_brings_it_down(
        steps in prop::collection::vec((0..6_u8, 0..3_usize, prop::collection::vec(any::<u8>(), 0..24), 0..30_000_u64), 1..40),
    ) {
        let mut b = Bench::new(
            r#"
exchange: t
modems: [{ id: m0, profile: courier }, { id: m1, profile: rockwell-conexant }]
lines:
  - { id: a, number: "+1 919 555 0101", console: linux, hostname: r, username: u, password: p }
  - { id: b, number: "+1 919 555 0102", answer_on: far }
rules: [{ name: r, probability: 0.3, fault: { kind: drops, at: ringing } }]
"#,
        );
        for (kind, port, bytes, wait) in steps {
            match kind {
                0 => b.feed(Input::Opened(port)),
                1 => b.feed(Input::Closed(port)),
                2 => b.feed(Input::Bytes(port, &bytes)),
                3 => b.feed(Input::Bytes(port, b"\rATDT5550101\r")),
                4 => b.feed(Input::Bytes(port, b"\rATDT5550102\r")),
                _ => b.feed(Input::Bytes(port, b"\rATA\r")),
            }
            b.pass(Duration::from_millis(wait));
        }
        for port in 0..3 {
            b.feed(Input::Opened(port));
            b.feed(Input::Closed(port));
        }
        b.pass(Duration::from_secs(400));
        prop_assert!(b.engine.deadline().is_none());
        // A dial command without a digit goes off-hook and dials nothing; digits may follow in the same call.
        let begun = |e: &&Entry| matches!(e.event, What::Dialed | What::OffHook);
        let begun: BTreeSet<_> = b.log.iter().filter(begun).map(|e| e.call).collect();
        let ended = b.log.iter().filter(|e| e.event == What::OnHook).count();
        prop_assert_eq!(begun.len(), ended);
    }
}
