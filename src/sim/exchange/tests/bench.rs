//! Our own bench: modems that call each other, what can be wrong with one for a while, held dialing, and wires.

use super::*;

const TWO: &str = r#"
exchange: t
modems:
  - { id: m0, profile: courier, number: "+1 919 555 0190" }
  - { id: m1, profile: rockwell-conexant, number: "+1 919 555 0191" }
  - { id: m2, profile: v250 }
lines: [{ id: a, number: "+1 919 555 0101", console: cisco-ios, hostname: r }]
"#;

fn two() -> Bench {
    let mut b = Bench::new(TWO);
    for port in [1, 2] {
        b.feed(Input::Opened(port));
        b.after_on(port, "ATE0&S1\r", 1);
    }
    b.after("ATE0X7&S1\r", 1);
    b.wires.clear();
    b
}

#[test]
fn our_modems_can_call_each_other() {
    let mut b = two();
    b.said.clear();
    assert!(b.after("ATDT5550191\r", 6).contains("RINGING"));
    assert_eq!(b.said.remove(&1).unwrap(), "\r\nRING\r\n");
    b.said.clear();
    b.send(1, "ATA\r");
    b.pass(Duration::from_secs(12));
    assert!(b.said[&0].contains("CONNECT 33600/ARQ"), "{:?}", b.said);
    assert!(b.said[&1].contains("CONNECT 115200"), "{:?}", b.said);
    b.said.clear();
    b.send(0, "hello");
    b.send(1, "there");
    assert_eq!((b.said[&1].as_str(), b.said[&0].as_str()), ("hello", "there"));
    // Ring on and off, answer tone and carrier on both, as the wires tell it.
    let of = |b: &Bench, port: usize| -> Vec<(Signal, bool)> {
        b.wires.iter().filter(|(p, ..)| *p == port).map(|(_, signal, level)| (*signal, *level)).collect()
    };
    assert_eq!(
        of(&b, 1),
        [(Signal::Ri, true), (Signal::Ri, false), (Signal::Dsr, true), (Signal::Dcd, true)]
    );
    assert_eq!(of(&b, 0), [(Signal::Dsr, true), (Signal::Dcd, true)]);
    let levels = b.engine.levels(1).unwrap();
    assert!(levels.dcd && levels.dsr && levels.cts && !levels.ri);
    b.wires.clear();
    b.said.clear();
    // Either side ends it for both.
    b.feed(Input::Dtr(1, false));
    b.pass(Duration::from_secs(3));
    assert!(b.said[&0].ends_with("\r\nNO CARRIER\r\n"), "{:?}", b.said);
    assert_eq!(of(&b, 1), [(Signal::Dsr, false), (Signal::Dcd, false)]);
    assert_eq!(of(&b, 0), [(Signal::Dsr, false), (Signal::Dcd, false)]);
    b.feed(Input::Dtr(1, true));
    assert!(b.after_on(1, "AT&V1\r", 1).contains("LOCAL REQUEST"));
    assert!(b.after("ATI6\r", 1).contains("DISC Received"));
    assert!(b.engine.deadline().is_none());
}

#[test]
fn a_called_modem_may_answer_by_itself_and_be_hung_up_on() {
    let mut b = two();
    b.after_on(1, "ATS0=2\r", 1);
    let said = b.after("ATDT5550191\r", 30);
    assert_eq!(said.matches("RINGING").count(), 2, "{said}");
    assert!(said.contains("CONNECT"), "{said}");
    b.said.clear();
    b.feed(Input::Closed(0));
    assert!(b.said[&1].ends_with("\r\nNO CARRIER\r\n"));
    b.feed(Input::Opened(0));
    // With DTR low it does not (`&D2`).
    b.feed(Input::Closed(1));
    assert!(!b.after("ATE0S7=30\rATDT5550191\r", 60).contains("CONNECT"));
    assert!(b.engine.deadline().is_none());
    // A modem that was rung dials nothing for 8 s on a Rockwell, then it does.
    b.feed(Input::Opened(1));
    b.send(0, "ATDT5550191\r");
    b.pass(Duration::from_secs(5));
    b.send(0, " ");
    assert!(b.after_on(1, "ATE0\rATDT5550101\r", 1).ends_with("NO CARRIER\r\n"));
    b.pass(Duration::from_secs(8));
    assert!(b.after_on(1, "ATDT5550101\r", 30).contains("CONNECT"));
}

#[test]
fn a_modem_that_is_off_hook_is_busy() {
    for (what, send) in [
        ("in a call", "ATDT5550101\r"),
        ("dialing", "ATDTW;\r"),
        ("off-hook by command", "ATH1\r"),
        ("waiting in an answer", "ATA\r"),
    ] {
        let mut b = two();
        b.after_on(1, send, 30);
        let said = b.after("ATDT5550191\r", 10);
        assert!(said.ends_with("BUSY\r\n"), "{what}: {said:?}");
    }
    // Its own number is busy as well; and nobody is rung twice.
    let mut b = two();
    assert!(b.after("ATDT5550190\r", 10).ends_with("BUSY\r\n"));
    b.send(0, "ATDT5550191\r");
    b.pass(Duration::from_secs(5));
    assert!(b.after_on(2, "ATDT5550191\r", 10).ends_with("BUSY\r\n"));
}

#[test]
fn a_dial_command_while_it_rings_comes_to_nothing() {
    let mut b = two();
    b.send(1, "ATDT5550190\r");
    b.pass(Duration::from_secs(5));
    assert_eq!(b.after("ATDT5550101\r", 1), "\r\nNO CARRIER\r\n");
    b.said.clear();
    // And it can still be answered.
    b.send(0, "ATA\r");
    b.pass(Duration::from_secs(12));
    assert!(b.said[&0].contains("CONNECT") && b.said[&1].contains("CONNECT"), "{:?}", b.said);
}

#[test]
fn a_shared_trunk_holds_called_modems_too() {
    let mut b = Bench::new(
        r#"
exchange: t
trunks: { pstn: { lines: 1 } }
modems: [{ id: m0, profile: courier, trunk: pstn }, { id: m1, profile: courier, trunk: pstn, number: "+1 919 555 0191" }]
"#,
    );
    b.after("ATE0\r", 1);
    assert!(b.after("ATDT5550191\r", 10).ends_with("BUSY\r\n"));
}

#[test]
fn what_is_wrong_with_one_modem_is_wrong_in_all_its_calls() {
    let with = |fault: &str| {
        let mut b = Bench::new(&format!(
            r#"
exchange: t
modems: [{{ id: m0, profile: courier, fault: {fault}, number: "+1 919 555 0190" }}, {{ id: m1, profile: courier }}]
lines:
  - {{ id: a, number: "+1 919 555 0101" }}
  - {{ id: b, number: "+1 919 555 0102", fault: busy }}
"#
        ));
        b.after("ATE0X7S7=40\r", 1);
        b
    };
    let mut b = with("no-dialtone");
    for digits in ["5550101", "5550102", "W;"] {
        assert!(b.after(&format!("ATDT{digits}\r"), 60).ends_with("NO DIAL TONE\r\n"), "{digits}");
    }
    let mut b = with("deaf");
    assert!(b.after("ATDT5550101\r", 60).ends_with("NO CARRIER\r\n"));
    assert!(b.after("ATDT5550102\r", 60).ends_with("BUSY\r\n"), "a deaf one hears that");
    assert!(!b.wires.contains(&(0, Signal::Dcd, true)));
    // It answers, and hears nothing then either.
    b.feed(Input::Opened(1));
    b.after("ATS0=1\r", 1);
    b.after_on(1, "ATE0\r", 1);
    let said = b.after_on(1, "ATDT5550190\r", 90);
    assert!(said.ends_with("NO CARRIER\r\n"), "{said}");

    let mut b = with("{ kind: noisy, link: { tx: 2400 } }");
    assert!(b.after("ATDT5550101\r", 30).contains("CONNECT 2400"));
    b.feed(Input::Closed(0));
    b.feed(Input::Opened(0));
    assert!(b.after("ATI6\r", 1).contains("Blers                       250"));
    // Another modem has no such trouble, but with this one.
    b.feed(Input::Opened(1));
    b.after_on(1, "ATE0X7\r", 1);
    assert!(b.after_on(1, "ATDT5550101\r", 30).contains("CONNECT 33600"));
    b.feed(Input::Closed(1));
    b.feed(Input::Opened(1));
    b.after("ATS0=1\r", 1);
    assert!(b.after_on(1, "ATDT5550190\r", 30).contains("CONNECT 2400"));
}

#[test]
fn faults_may_come_and_go_with_the_time() {
    for pace in [1.0, 0.1] {
        let mut b = Bench::new(&format!(
            r#"
exchange: t
pace: {pace}
modems: [{{ id: m0, profile: courier, fault: {{ kind: no-dialtone, from: 100s, until: 300s }} }}]
lines: [{{ id: a, number: "+1 919 555 0101", fault: {{ kind: busy, from: 300s }} }}]
rules: [{{ name: r, fault: {{ kind: reorder, until: 100s }} }}]
"#
        ));
        b.after("ATE0\r", 0);
        let mut dialed = |from: u64| {
            let due = Mono::from_millis(1000) + Duration::from_secs(from).mul_f64(pace);
            b.pass(due.since(b.now));
            b.after("ATDT5550101\r", 8).trim().to_owned()
        };
        assert_eq!([dialed(1), dialed(150), dialed(400)], ["REORDER", "NO DIAL TONE", "BUSY"], "{pace}");
    }
}

#[test]
fn what_revives_a_dead_modem() {
    let with = |fault: &str| {
        let b = Bench::new(&format!(
            r#"
exchange: t
modems: [{{ id: m0, profile: courier, fault: {fault} }}]
lines: [{{ id: a, number: "+1 919 555 0101" }}]
"#
        ));
        assert_eq!(b.said.get(&0), None);
        b
    };
    let reopen = |b: &mut Bench, closed: u64| {
        b.feed(Input::Closed(0));
        b.pass(Duration::from_secs(closed));
        b.feed(Input::Opened(0));
        b.after("AT\r", 1).contains("OK")
    };
    let mut b = with("dead");
    assert!(!reopen(&mut b, 10));
    b.feed(Input::Power(0));
    assert!(!reopen(&mut b, 10), "dead is dead");

    let mut b = with("{ kind: dead, cleared_by: close, after: 5s }");
    assert_eq!(b.after("AT\r", 1), "");
    assert!(!reopen(&mut b, 4));
    assert!(reopen(&mut b, 5));

    let mut b = with("{ kind: dead, cleared_by: power }");
    assert!(!reopen(&mut b, 10));
    b.feed(Input::Power(0));
    assert!(b.after("AT\r", 1).contains("OK"));

    let mut b = with("{ kind: wedged, cleared_by: power }");
    for _ in 0..2 {
        assert!(b.call().contains("CONNECT"));
        assert!(!reopen(&mut b, 10));
        b.feed(Input::Power(0));
    }
    assert_eq!(b.events().iter().filter(|e| **e == What::PowerCut).count(), 2);
}

#[test]
fn a_cut_of_power_ends_a_call_and_leaves_nothing() {
    let mut b = two();
    b.after_on(1, "ATS0=1\r", 1);
    b.after("ATDT5550191\r", 30);
    b.said.clear();
    b.feed(Input::Power(1));
    b.pass(Duration::from_secs(3));
    assert!(b.said[&0].ends_with("NO CARRIER\r\n"), "{:?}", b.said);
    assert!(b.after("ATI6\r", 1).contains("Loss of Carrier"));
    assert!(b.after_on(1, "AT\r", 1).starts_with("AT\r"), "it echoes again");
    assert!(b.engine.deadline().is_none());
}

#[test]
fn held_dialing_tells_of_our_side_and_waits_for_the_rest() {
    // Dial tone alone: OK, and nothing has been dialed.
    let mut b = Bench::faulty("courier", "busy", "none");
    b.after("ATE0X7\r", 1);
    let begin = b.now;
    b.send(0, "ATDTW;\r");
    b.pass(Duration::from_millis(799));
    assert_eq!(b.said.remove(&0), Some(String::new()).filter(|s| !s.is_empty()));
    b.pass(Duration::from_millis(1));
    assert_eq!(
        (b.said.remove(&0).unwrap().as_str(), b.now.since(begin)),
        ("\r\nOK\r\n", Duration::from_millis(800))
    );
    assert_eq!(b.after("ATH\r", 1), "\r\nOK\r\n");
    assert_eq!(b.events()[1..], [What::OffHook, What::DigitsSent, What::HungUp, What::OnHook]);
    assert!(b.engine.deadline().is_none());
    // And digits may follow it, some now and some later.
    assert!(b.after("ATDTW;\r", 5).contains("OK"));
    assert_eq!(b.after("ATDT555;\r", 2), "\r\nOK\r\n");
    assert_eq!(b.after("ATDT0101\r", 20), "\r\nBUSY\r\n");
    let dialed: Vec<_> = b.log.iter().filter_map(|e| e.dialed.clone()).collect();
    assert_eq!(dialed, ["555", "5550101"]);
    assert!(b.engine.deadline().is_none());
    // What goes wrong on our side is told at once, in the held form too.
    for (fault, said) in [
        ("no-dialtone", "NO DIAL TONE"),
        ("line-in-use", "LINE IN USE"),
        ("blacklisted", "BLACKLISTED"),
        ("dial-error", "ERROR"),
    ] {
        let mut b = Bench::faulty("courier", fault, "none");
        b.after("ATE0X7\r", 1);
        assert_eq!(b.after("ATDT5550101;\r", 90).trim(), said);
        assert!(b.engine.deadline().is_none());
    }
    // What the network says waits until the modem listens.
    let mut b = Bench::faulty("courier", "busy", "none");
    b.after("ATE0X7\r", 1);
    assert_eq!(b.after("ATDT5550101;\r", 60), "\r\nOK\r\n");
    assert_eq!(b.after("ATD\r", 1), "\r\nBUSY\r\n");
}

#[test]
fn a_held_call_hears_no_ringing_and_no_answer_before_it_listens() {
    let mut b = Bench::new(
        r#"
exchange: t
modems: [{ id: m0, profile: courier }]
lines: [{ id: a, number: "+1 919 555 0101", rings: 3 }]
"#,
    );
    b.after("ATE0X7&S1\r", 1);
    b.signals.clear();
    // The first burst comes 2.5 s after the digits, and is missed.
    assert_eq!(b.after("ATDT5550101;\r", 8), "\r\nOK\r\n");
    assert!(b.after("ATD\r", 1).is_empty());
    b.pass(Duration::from_secs(30));
    assert_eq!(b.said[&0].matches("RINGING").count(), 2);
    assert!(b.said[&0].contains("CONNECT"));
    b.feed(Input::Closed(0));
    b.feed(Input::Opened(0));
    b.signals.clear();
    b.after("ATDT5550101;\r", 24);
    assert_eq!(b.signals, [], "DSR waits");
    b.send(0, "ATD\r");
    assert_eq!(b.signals, [(b.now, Signal::Dsr, true)]);
}

#[test]
fn dial_tone_is_waited_for_as_long_as_the_family_has_it() {
    // `W` makes a modem listen whatever X says; on a Courier only from X3 on, and for S7.
    let table = [
        ("courier", "X7", "", 4),
        ("courier", "X7S7=30", "W", 30),
        ("rockwell-conexant", "X4S6=9", "W", 9),
        ("generic", "X4", "W", 2),
    ];
    for (profile, set, wait, seconds) in table {
        let mut b = Bench::faulty(profile, "no-dialtone", "none");
        b.after(&format!("ATE0{set}\r"), 1);
        let begin = b.now;
        b.after(&format!("ATDT{wait}5550101\r"), 60);
        assert_eq!(b.at(What::Failed).since(begin), Duration::from_secs(seconds), "{profile} {wait}");
    }
    // Blind: it dials into nothing.
    let mut b = Bench::faulty("rockwell-conexant", "no-dialtone", "none");
    b.after("ATE0X3\r", 1);
    assert!(b.after("ATDT5550101\r", 90).contains("NO CARRIER"));
    assert!(b.events().contains(&What::DigitsSent));
    let mut b = Bench::faulty("rockwell-conexant", "no-dialtone", "none");
    b.after("ATE0X3\r", 1);
    b.after("ATDTW5550101\r", 90);
    assert!(!b.events().contains(&What::DigitsSent));
}

#[test]
fn dsr_and_dcd_are_what_they_are_set_to() {
    let mut b = Bench::faulty("courier", "silent", "none");
    let levels = |b: &Bench| (b.engine.levels(0).unwrap().dsr, b.engine.levels(0).unwrap().dcd);
    assert_eq!(levels(&b), (true, false));
    b.after("AT&S1\r", 1);
    assert_eq!(levels(&b), (false, false));
    b.after("AT&C0\r", 1);
    assert_eq!(levels(&b), (false, true));
    b.after("AT&C1\r", 1);
    b.call();
    assert_eq!(levels(&b), (true, true));
    b.feed(Input::Closed(0));
    assert_eq!(levels(&b), (false, false));
    // DCD with the carrier, or with CONNECT.
    for (key, early) in [("carrier", true), ("connect", false)] {
        let mut b = Bench::new(&format!(
            r#"
exchange: t
modems: [{{ id: m0, profile: courier, dcd: {key} }}]
lines: [{{ id: a, number: "+1 919 555 0101" }}]
"#
        ));
        b.call();
        let rose = b.signals.iter().find(|(_, signal, level)| *signal == Signal::Dcd && *level).unwrap().0;
        assert_eq!(rose, b.at(if early { What::Carrier } else { What::Connected }), "{key}");
    }
}

proptest! {
    /// Modems that call each other, held and let go, cut from power, in any order: it comes to rest, each call ends once.
    #[test]
    fn no_bench_brings_it_down(
        steps in prop::collection::vec((0..12_u8, 0..4_usize, 0..20_000_u64), 1..60),
    ) {
        let mut b = Bench::new(
            r#"
exchange: t
trunks: { pstn: { lines: 2 } }
modems:
  - { id: m0, profile: courier, number: "+1 919 555 0190", trunk: pstn }
  - { id: m1, profile: elsa, number: "+1 919 555 0191", trunk: pstn, fault: { kind: deaf, until: 60s } }
  - { id: m2, profile: si24xx, number: "+1 919 555 0192", fault: { kind: wedged, cleared_by: close } }
  - { id: m3, profile: softmodem, number: "+1 919 555 0193", redial: { failures: 1, lock: 30s } }
lines: [{ id: a, number: "+1 919 555 0101", console: linux, hostname: r }]
rules: [{ name: r, probability: 0.2, fault: { kind: drops, at: carrier } }]
"#,
        );
        for (kind, port, wait) in steps {
            match kind {
                0 => b.feed(Input::Opened(port)),
                1 => b.feed(Input::Closed(port)),
                2 => b.feed(Input::Dtr(port, wait % 2 == 0)),
                3 => b.feed(Input::Power(port)),
                4 => b.send(port, "\rATDTW;\r"),
                5 => b.send(port, "\rATDT555;\r"),
                6 => b.send(port, &format!("\rATDT555019{}\r", wait % 4)),
                7 => b.send(port, &format!("\rATD019{};\r", wait % 4)),
                8 => b.send(port, "\rATD\r"),
                9 => b.send(port, "\rATA\r"),
                10 => b.send(port, "\rATH\r"),
                _ => b.send(port, "\rATS0=1S42=1H1\r"),
            }
            b.pass(Duration::from_millis(wait));
        }
        for port in 0..4 {
            b.feed(Input::Opened(port));
            b.feed(Input::Closed(port));
        }
        b.pass(Duration::from_secs(400));
        prop_assert!(b.engine.deadline().is_none());
        let begun: std::collections::BTreeSet<_> = b.log.iter()
            .filter(|e| matches!(e.event, What::Dialed | What::OffHook)).map(|e| e.call).collect();
        let ended: Vec<_> = b.log.iter().filter(|e| e.event == What::OnHook).map(|e| e.call).collect();
        prop_assert_eq!(begun.len(), ended.len());
        prop_assert_eq!(begun.into_iter().collect::<Vec<_>>(), { let mut e = ended; e.sort(); e });
        for port in 0..4 {
            let levels = b.engine.levels(port).unwrap();
            prop_assert!(!levels.dcd && !levels.ri, "{:?}", levels);
        }
    }
}
