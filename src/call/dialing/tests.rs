use proptest::prelude::*;

use super::*;
use crate::call::Limits;
use crate::model::{DialString, Line};

const COURIER: &str = "{ profile: courier, setup: [ATS7=75], marks: { ringing: true } }";
const ROCKWELL: &str = "{ profile: rockwell, setup: [ATS7=75], marks: { answered: dsr, carrier: [line] }, words: { no_answer_means_ringback: true } }";
const HELD: &str = "{ profile: rockwell, setup: [ATS7=75], marks: { digits_sent: held, answered: dsr, carrier: [line] }, words: { no_answer_means_ringback: true } }";
const GENERIC: &str = "{ profile: generic, setup: [ATS7=75] }";
/// Sends no S register, so that nobody knows its S7.
const UNKNOWN: &str = "{ profile: unknown }";

fn profile(yaml: &str) -> Profile {
    serde_yaml::from_str(yaml).unwrap()
}

fn spec(attempt: u32, compressed: bool) -> CallSpec {
    CallSpec {
        call: format!("BR1.{attempt}").parse().unwrap(),
        line: Line {
            id: "BR1".parse().unwrap(),
            site: "BR1".parse().unwrap(),
            number: "+19195550101".parse().unwrap(),
            hostname: None,
            facets: crate::model::Facets::default(),
        },
        attempt,
        modem: "m00".parse().unwrap(),
        dial: DialString::new("", "5550101").unwrap(),
        via: None,
        credential: None,
        dialog: None,
        consoles: Vec::new(),
        port_bps: None,
        limits: Limits { compressed, ..Limits::default() },
        short_dial: None,
        quality: crate::call::Quality::default(),
        price: crate::model::Price::unknown(crate::model::NumberClass::National),
        ring_cadence: Duration::from_secs(6),
        tap: None,
    }
}

fn ear(yaml: &str) -> Dialing {
    Dialing::new(&profile(yaml), &spec(1, false), Mono::ZERO)
}

fn at(s: u64) -> Mono {
    Mono::from_millis(s * 1000)
}

/// Reads a line as the codec does.
fn code(line: &str) -> ResultCode {
    ResultCode::parse(line).unwrap_or_else(|| ResultCode::Unknown(line.to_owned()))
}

fn failure(heard: Heard) -> (Fault, String) {
    match heard {
        Heard::Failed(fault, why) => (fault, why),
        other => panic!("{other:?} is no failure"),
    }
}

fn fault(heard: Heard) -> Fault {
    failure(heard).0
}

fn fault_of(yaml: &str, rings: &[u64], end: (u64, &str)) -> (Fault, String) {
    let mut ear = ear(yaml);
    for s in rings {
        ear.hear(at(*s), &ResultCode::Ringing);
    }
    failure(ear.hear(at(end.0), &code(end.1)))
}

#[test]
fn no_carrier_after_ringing_to_the_end_is_no_answer_and_after_silence_no_carrier() {
    let rings: Vec<u64> = (0..13).map(|n| 4 + n * 6).collect();
    assert_eq!(fault_of(COURIER, &rings, (80, "NO CARRIER")).0, Fault::NoAnswer);
    assert_eq!(fault_of(COURIER, &[4, 10, 16, 22], (80, "NO CARRIER")).0, Fault::NoCarrier);
    assert_eq!(fault_of(COURIER, &[4, 10, 16, 22], (40, "NO CARRIER")).0, Fault::NoCarrier);
}

#[test]
fn a_single_ringing_is_no_evidence_of_an_answer_unless_the_modem_is_known_to_repeat() {
    let (fault, why) = fault_of(COURIER, &[4], (80, "NO CARRIER"));
    assert_eq!(fault, Fault::NoConnect);
    assert_eq!(
        why,
        "NO CARRIER after 80 s: RINGING came 76 s before, and this modem may print it but once a call: nothing shows \
         whether it was answered; S7 (75 s) had run out"
    );
    let (fault, why) = fault_of(COURIER, &[4], (40, "NO CARRIER"));
    assert_eq!(fault, Fault::NoConnect);
    assert!(
        why.ends_with("; S7 (75 s) had not run out, so it was answered and did not train, or was cut off"),
        "{why}"
    );
    let repeats = COURIER.replace("ringing: true", "ringing: true, ringing_repeats: true");
    assert_eq!(fault_of(&repeats, &[4], (80, "NO CARRIER")).0, Fault::NoCarrier);
    assert_eq!(fault_of(&repeats, &[76], (80, "NO CARRIER")).0, Fault::NoAnswer);
    let once = COURIER.replace("ringing: true", "ringing: true, ringing_repeats: false");
    assert_eq!(fault_of(&once, &[4], (80, "NO CARRIER")).0, Fault::NoConnect);
    assert_eq!(fault_of(&once, &[4, 10], (80, "NO CARRIER")).0, Fault::NoCarrier, "it was heard to repeat");
}

#[test]
fn a_modem_that_is_heard_to_repeat_is_known_from_then_on() {
    let mut ear = ear(COURIER);
    ear.hear(at(4), &ResultCode::Ringing);
    assert!(!ear.learned().ringing_repeats);
    ear.hear(at(10), &ResultCode::Ringing);
    assert!(ear.learned().ringing_repeats);
    let own = profile(COURIER).for_modem(&ear.learned());
    let mut next = Dialing::new(&own, &spec(1, false), Mono::ZERO);
    next.hear(at(4), &ResultCode::Ringing);
    assert_eq!(fault(next.hear(at(80), &ResultCode::NoCarrier)), Fault::NoCarrier);
}

#[test]
fn a_modem_that_took_the_command_and_prints_no_ringing_blames_no_network() {
    let mut learned = Learned::default();
    for _ in 0..2 {
        let own = profile(COURIER).for_modem(&learned);
        let mut ear = Dialing::new(&own, &spec(1, false), Mono::ZERO);
        assert_eq!(ear.hear(at(20), &code("CONNECT 33600")), Heard::Connected);
        learned.absorb(ear.learned());
    }
    let own = profile(COURIER).for_modem(&learned);
    let mut ear = Dialing::new(&own, &spec(1, false), Mono::ZERO);
    assert_eq!(fault(ear.hear(at(80), &ResultCode::NoCarrier)), Fault::NoConnect);
    assert_eq!(ear.rings(), None);
    ear.hear(at(81), &ResultCode::Ringing);
    learned.absorb(ear.learned());
    assert!(profile(COURIER).for_modem(&learned).marks.ringing);
}

#[test]
fn no_carrier_means_only_what_the_family_can_know() {
    for (yaml, s, expected) in [
        (COURIER, 80, Fault::NoRing),
        // Something ended it before its time: no line that is dead does that.
        (COURIER, 40, Fault::NoConnect),
        (GENERIC, 80, Fault::NoConnect),
        (GENERIC, 40, Fault::NoConnect),
        (UNKNOWN, 60, Fault::NoConnect),
        (ROCKWELL, 80, Fault::NoConnect),
        (ROCKWELL, 40, Fault::NoConnect),
    ] {
        assert_eq!(fault_of(yaml, &[], (s, "NO CARRIER")).0, expected, "{yaml} after {s} s");
    }
    assert!(fault_of(ROCKWELL, &[], (80, "NO CARRIER")).1.contains("else it were NO ANSWER"));
    let mut rockwell = ear(ROCKWELL);
    assert_eq!(rockwell.signal(at(9), Signal::Dsr, true), Heard::Moment(Moment::Answered));
    assert_eq!(fault(rockwell.hear(at(50), &ResultCode::NoCarrier)), Fault::NoCarrier);
    let mut courier = ear(COURIER);
    assert_eq!(
        courier.signal(at(9), Signal::Dsr, true),
        Heard::Nothing,
        "it says nothing of the answer there"
    );
}

#[test]
fn rockwells_no_answer_is_believed_when_its_timer_can_have_run_out() {
    let (fault, why) = fault_of(ROCKWELL, &[], (78, "NO ANSWER"));
    assert_eq!((fault, why.as_str()), (Fault::NoAnswer, "NO ANSWER: it rang until S7 (75 s) ran out"));
    let (fault, why) = fault_of(ROCKWELL, &[], (20, "NO ANSWER"));
    assert_eq!(fault, Fault::NoConnect);
    assert!(why.starts_with("NO ANSWER after 20 s, though"), "{why}");
    assert_eq!(fault_of(COURIER, &[], (20, "NO ANSWER")).0, Fault::NoAnswer, "elsewhere it is the `@`'s");
    assert_eq!(fault_of(&ROCKWELL.replace("ATS7=75", "AT&F"), &[], (20, "NO ANSWER")).0, Fault::NoAnswer);
}

#[test]
fn what_comes_faster_than_dialing_is_never_the_lines() {
    let hear = |word: &str, compressed: bool| {
        let mut ear = Dialing::new(&profile(GENERIC), &spec(1, compressed), Mono::ZERO);
        failure(ear.hear(Mono::from_millis(1100), &code(word)))
    };
    for word in ["NO CARRIER", "NO ANSWER"] {
        let (fault, why) = hear(word, false);
        assert_eq!(fault, Fault::ModemRefused);
        assert!(why.contains("after 1100 ms, faster than the number can be dialed"), "{why}");
        assert_ne!(hear(word, true).0, Fault::ModemRefused, "a simulated network may be that quick");
    }
    // The tone of our own exchange: no outside line is free.
    for word in ["BUSY", "REORDER", "VOICE", "FAX"] {
        assert_eq!(hear(word, false).0, Fault::NoDialtone, "{word}");
        assert!(!hear(word, true).0.blame().is_bench(), "{word}");
    }
    let mut ear = Dialing::new(&profile(GENERIC), &spec(1, false), Mono::ZERO);
    assert_eq!(fault(ear.hear(Mono::from_millis(1200), &ResultCode::Busy)), Fault::Busy);
}

#[test]
fn a_refusal_that_names_its_time_is_told_with_it() {
    let mut delayed = ear(ROCKWELL);
    let (fault, why) = failure(delayed.hear(at(1), &code("DELAYED 00:59:02")));
    assert_eq!((fault, why.as_str()), (Fault::ModemRefused, "DELAYED for 3542 s: the modem's redial lock"));
    assert_eq!(delayed.refused_for(), Some(Duration::from_secs(3542)));
    let mut plain = ear(ROCKWELL);
    assert_eq!(failure(plain.hear(at(1), &code("DELAYED"))).0, Fault::ModemRefused);
    assert_eq!(plain.refused_for(), None);
}

#[test]
fn the_answer_is_bounded_by_the_cadence_where_every_ring_is_told() {
    let mut courier = ear(COURIER);
    courier.hear(at(4), &ResultCode::Ringing);
    assert_eq!(courier.answer_bounds(at(30)), Some((at(4), at(30))), "it may have rung on untold");
    courier.hear(at(7), &ResultCode::Ringing);
    assert_eq!(courier.answer_bounds(at(30)), Some((at(7), at(10))), "the cadence as it was heard");
    assert_eq!(
        courier.answer_bounds(at(8)),
        Some((at(7), at(8))),
        "what came after the answer bounds it too"
    );
    let mut known = ear("{ profile: a, marks: { ringing: true, ringing_repeats: true } }");
    known.hear(at(4), &ResultCode::Ringing);
    assert_eq!(known.answer_bounds(at(30)), Some((at(4), at(10))), "the country's");
}

#[test]
fn a_ringback_of_two_parts_and_a_ring_that_was_missed_make_no_bound_too_narrow() {
    let ms = Mono::from_millis;
    let british = CallSpec { ring_cadence: Duration::from_secs(3), ..spec(1, false) };
    let mut ear = Dialing::new(&profile(COURIER), &british, Mono::ZERO);
    for at in [4000, 4600] {
        ear.hear(ms(at), &ResultCode::Ringing);
    }
    // The next burst is due at 7.0 s; until then nothing shows whether it still rings.
    assert_eq!(ear.answer_bounds(at(30)), Some((ms(4600), ms(7600))), "a gap within a burst is no cadence");
    for at in [7000, 7600] {
        ear.hear(ms(at), &ResultCode::Ringing);
    }
    let (earliest, latest) = ear.answer_bounds(at(30)).unwrap();
    assert!(earliest == ms(7600) && latest >= ms(10_000), "{latest:?}");
    assert_eq!(fault(ear.hear(ms(9900), &ResultCode::NoCarrier)), Fault::NoConnect, "it may have rung on");
}

#[test]
fn a_wire_that_rises_before_the_number_is_out_is_no_answer() {
    let mut rockwell = ear(ROCKWELL);
    assert_eq!(
        rockwell.signal(Mono::from_millis(300), Signal::Dsr, true),
        Heard::Nothing,
        "it goes off-hook"
    );
    let (found, why) = failure(rockwell.hear(at(80), &ResultCode::NoCarrier));
    assert_eq!(found, Fault::NoConnect, "{why}");
    let mut held = ear(HELD);
    assert_eq!(held.signal(at(3), Signal::Dsr, true), Heard::Nothing, "it still dials");
    held.hear(at(4), &ResultCode::Ok);
    held.signal(at(5), Signal::Dsr, false);
    assert_eq!(held.signal(at(9), Signal::Dsr, true), Heard::Moment(Moment::Answered));
}

#[test]
fn bench_words_blame_the_bench() {
    for word in [
        "NO DIALTONE",
        "NO DIAL TONE",
        "NO LINE",
        "X",
        "LINE-IN-USE",
        "PHONE OFF-HOOK",
        "RING",
        "BLACKLISTED",
        "BLACKLIST FULL",
        "DELAYED",
        "DIALING DISABLED",
        "DIAL LOCKED",
        "ERROR",
        "OK",
    ] {
        assert!(fault(ear(GENERIC).hear(at(9), &code(word))).blame().is_bench(), "{word}");
    }
}

#[test]
fn unknown_lines_are_kept_bounded_and_end_nothing() {
    let mut ear = ear(GENERIC);
    for n in 0..100 {
        assert_eq!(
            ear.hear(at(1), &ResultCode::Unknown(format!("NOISE {n} {}", "x".repeat(200)))),
            Heard::Nothing
        );
    }
    let kept = ear.take_unknown();
    assert_eq!((kept.len(), kept[0].len()), (UNKNOWN_LINES_MAX, UNKNOWN_LINE_LEN_MAX));
}

mod held {
    use super::*;

    /// The digits went out at 3 s, and the modem was told to listen.
    fn proceeding(yaml: &str) -> Dialing {
        let mut ear = ear(yaml);
        assert_eq!(ear.hear(at(3), &ResultCode::Ok), Heard::DigitsSent);
        assert!(ear.may_be_held());
        ear
    }

    #[test]
    fn the_command_has_its_semicolon_only_where_it_is_due() {
        let command = |yaml: &str, attempt| Dialing::command(&profile(yaml), &spec(attempt, false));
        assert_eq!(command(ROCKWELL, 1), "ATDT5550101");
        assert_eq!(command(HELD, 1), "ATDT5550101;");
        assert_eq!(command(HELD, 2), "ATDT5550101", "a confirming call takes no risk");
        let proven = Learned { held_dial_works: true, ..Learned::default() };
        let own = profile(HELD).for_modem(&proven);
        assert_eq!(Dialing::command(&own, &spec(2, false)), "ATDT5550101;");
    }

    #[test]
    fn call_progress_behind_it_proves_it() {
        for word in ["CARRIER 33600", "BUSY", "+MCR: V34", "CONNECT 115200", "RINGING"] {
            let mut ear = proceeding(HELD);
            ear.hear(at(20), &code(word));
            assert!(ear.learned().held_dial_works, "{word}");
        }
        let mut ear = proceeding(HELD);
        assert_eq!(fault(ear.hear(at(79), &ResultCode::NoAnswer)), Fault::NoAnswer);
        assert!(ear.learned().held_dial_works);
        let mut ear = proceeding(HELD);
        ear.signal(at(9), Signal::Dsr, true);
        assert!(ear.learned().held_dial_works);
    }

    #[test]
    fn error_before_anything_was_dialed_goes_on_plainly() {
        let mut ear = ear(HELD);
        let now = Mono::from_millis(50);
        assert_eq!(ear.hear(now, &ResultCode::Error), Heard::DialPlainly);
        assert!(ear.learned().held_dial_fails);
        ear.dialed_plainly(now);
        assert!(!ear.may_be_held());
        assert_eq!(fault(ear.hear(at(9), &ResultCode::Busy)), Fault::Busy);
        assert_eq!(fault(ear.hear(at(9), &ResultCode::Ok)), Fault::ModemError, "the plain form gets no OK");
    }

    #[test]
    fn a_late_error_or_an_early_ok_is_the_benchs_fault_and_nothing_is_dialed_again() {
        let mut late = ear(HELD);
        assert_eq!(fault(late.hear(at(9), &ResultCode::Error)), Fault::ModemError);
        assert!(late.learned().held_dial_fails);
        let mut early = ear(HELD);
        assert_eq!(fault(early.hear(Mono::from_millis(900), &ResultCode::Ok)), Fault::ModemError);
        assert!(early.learned().held_dial_fails && early.may_be_held());
    }

    #[test]
    fn what_no_listening_modem_says_is_the_benchs_fault() {
        for (s, word) in [
            (4, "NO DIALTONE"),
            (50, "NO DIALTONE"),
            (4, "NO ANSWER"),
            (4, "NO CARRIER"),
            (4, "ERROR"),
            (4, "OK"),
        ] {
            let mut ear = proceeding(HELD);
            let (fault, why) = failure(ear.hear(at(s), &code(word)));
            assert_eq!(fault, Fault::ModemError, "{word} after {s} s");
            assert!(why.contains("does not do the `;` dial form"), "{why}");
            assert!(ear.learned().held_dial_fails && !ear.learned().held_dial_works);
        }
        let mut before = ear(HELD);
        assert_eq!(
            fault(before.hear(at(2), &ResultCode::NoDialtone)),
            Fault::NoDialtone,
            "there is none to begin with"
        );
        assert!(!before.learned().held_dial_fails);
    }

    #[test]
    fn a_modem_that_passes_over_the_semicolon_is_listened_to_as_it_is() {
        let mut ear = ear(HELD);
        assert_eq!(ear.hear(at(20), &code("CARRIER 33600")), Heard::Moment(Moment::Carrier));
        assert_eq!(ear.hear(at(22), &code("CONNECT 115200")), Heard::Connected);
        assert!(ear.learned().held_dial_fails);
    }

    #[test]
    fn a_finding_without_evidence_leaves_a_doubt() {
        let mut ear = proceeding(HELD);
        assert_eq!(fault(ear.hear(at(79), &ResultCode::NoCarrier)), Fault::NoConnect);
        assert_eq!(ear.learned().held_dial_doubts, 1);
        let own = profile(HELD).for_modem(&Learned { held_dial_works: true, ..Learned::default() });
        let mut known = Dialing::new(&own, &spec(1, false), Mono::ZERO);
        known.hear(at(3), &ResultCode::Ok);
        known.hear(at(79), &ResultCode::NoCarrier);
        assert_eq!(known.learned().held_dial_doubts, 0);
    }

    #[test]
    fn a_number_that_is_never_told_as_sent_is_the_benchs_fault() {
        let mut ear = ear(HELD);
        let (fault, why) = ear.expired(at(90));
        assert_eq!(fault, Fault::ModemSilent, "{why}");
        assert!(ear.learned().held_dial_fails);
        let mut deaf = proceeding(HELD);
        assert_eq!(deaf.expired(at(90)).0, Fault::ModemSilent, "it kept not even S7");
    }

    #[test]
    fn with_the_end_of_dialing_seen_the_timer_tells_more() {
        // S7 began at 3 s: at 76 s it still runs, at 79 it may be out, at 88 something has set it back.
        let proven = profile(HELD).for_modem(&Learned { held_dial_works: true, ..Learned::default() });
        let after_digits = || {
            let mut ear = Dialing::new(&proven, &spec(2, false), Mono::ZERO);
            assert_eq!(ear.hear(at(3), &ResultCode::Ok), Heard::DigitsSent);
            ear
        };
        let no_carrier = |s: u64| failure(after_digits().hear(at(s), &ResultCode::NoCarrier));
        assert!(no_carrier(76).1.contains("had not run out"));
        assert!(no_carrier(79).1.ends_with("; S7 (75 s) had run out"));
        let (fault, why) = no_carrier(88);
        assert_eq!(fault, Fault::NoCarrier, "{why}");
        let (fault, why) = after_digits().expired(at(90));
        assert_eq!(fault, Fault::NoCarrier, "{why}");
        let unproven = failure(proceeding(HELD).hear(at(88), &ResultCode::NoCarrier));
        assert_eq!(unproven.0, Fault::NoConnect, "it may not have listened from 3 s on");
    }
}

/// The table of modems.md 2.2: what each family lets be told apart.
mod families {
    use super::*;

    #[derive(Debug, Default, PartialEq, Eq)]
    struct Seen {
        sent: Option<u64>,
        ringing: Option<u64>,
        answered: Option<u64>,
        bounds: Option<(u64, u64)>,
        carrier: Option<u64>,
        connected: Option<u64>,
        link: Link,
    }

    enum Say {
        Line(u64, &'static str),
        Dsr(u64),
        Dcd(u64),
    }
    use Say::{Dcd, Dsr, Line};

    /// Plays a dialog to an ear of a shipped profile.
    fn seen(family: &str, dialog: &[Say]) -> Seen {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("hardware/modems").join(family);
        let text = std::fs::read_to_string(path.with_extension("yaml")).unwrap();
        let mut spec = spec(1, false);
        spec.port_bps = Some(115_200);
        let mut ear = Dialing::new(&profile(&text), &spec, Mono::ZERO);
        let mut seen = Seen::default();
        let s = |mono: Mono| mono.as_micros() / 1_000_000;
        for say in dialog {
            let (now, heard) = match say {
                Line(s, line) => (*s, ear.hear(at(*s), &code(line))),
                Dsr(s) => (*s, ear.signal(at(*s), Signal::Dsr, true)),
                Dcd(s) => (*s, ear.signal(at(*s), Signal::Dcd, true)),
            };
            match heard {
                Heard::Nothing => {}
                Heard::DigitsSent => seen.sent = Some(now),
                Heard::Moment(Moment::Ringing) => seen.ringing = Some(now),
                Heard::Moment(Moment::Answered) => seen.answered = Some(now),
                Heard::Moment(Moment::Carrier) => {
                    seen.carrier = Some(now);
                    seen.bounds = ear.answer_bounds(at(now)).map(|(from, to)| (s(from), s(to)));
                }
                Heard::Connected => {
                    seen.connected = Some(now);
                    let bounds = ear.answer_bounds(at(now)).map(|(from, to)| (s(from), s(to)));
                    seen.bounds = seen.bounds.or(bounds);
                }
                other => panic!("{other:?}"),
            }
        }
        seen.link = ear.link().clone();
        seen
    }

    fn link(modulation: &str, bps: Option<u32>, protocol: &str, compression: &str) -> Link {
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Link {
            modulation: word(modulation),
            tx_bps: bps,
            rx_bps: bps,
            protocol: word(protocol),
            compression: word(compression),
        }
    }

    #[test]
    fn courier_ring_and_the_rest() {
        let dialog =
            [Line(5, "RINGING"), Line(11, "RINGING"), Line(25, "CONNECT 33600/ARQ/V34/LAPM/V42BIS"), Dcd(25)];
        assert_eq!(
            seen("courier", &dialog),
            Seen {
                ringing: Some(5),
                bounds: Some((11, 17)),
                connected: Some(25),
                link: link("V.34", Some(33_600), "LAPM", "V.42bis"),
                ..Seen::default()
            }
        );
        let once = [Line(5, "RINGING"), Line(25, "CONNECT 1200/NONE")];
        assert_eq!(seen("courier", &once).bounds, Some((5, 25)));
    }

    #[test]
    fn rockwell_with_wires_all_of_it_and_without_ring_and_train_as_one() {
        let words = |wired: bool| {
            let mut dialog = vec![Line(3, "OK")];
            dialog.extend(wired.then_some(Dsr(12)));
            dialog.extend([
                Line(20, "CARRIER 33600"),
                Line(21, "PROTOCOL: LAP-M"),
                Line(21, "COMPRESSION: V.42 bis"),
                Line(22, "CONNECT 115200"),
            ]);
            seen("rockwell-conexant", &dialog)
        };
        let link = link("", Some(33_600), "LAPM", "V.42bis");
        let bare = Seen { sent: Some(3), carrier: Some(20), connected: Some(22), link, ..Seen::default() };
        assert_eq!(words(false), bare);
        assert_eq!(words(true), Seen { answered: Some(12), ..bare });
    }

    #[test]
    fn newer_conexants_and_lucents_say_it_the_v250_way() {
        for family in ["rockwell-conexant", "lucent", "v250"] {
            let mut dialog = Vec::new();
            if family == "rockwell-conexant" {
                dialog.push(Line(3, "OK"));
            }
            dialog.extend([
                Line(20, "+MCR: V34"),
                Line(20, "+MRR: 28800, 33600"),
                Line(21, "+ER: LAPM"),
                Line(21, "+DR: V42B"),
                Line(22, "CONNECT 115200"),
            ]);
            let seen = seen(family, &dialog);
            assert_eq!((seen.carrier, seen.connected), (Some(20), Some(22)), "{family}");
            let expected = Link { tx_bps: Some(28_800), ..link("V.34", Some(33_600), "LAPM", "V.42bis") };
            assert_eq!(seen.link, expected, "{family}");
        }
    }

    #[test]
    fn zyxel_like_a_courier() {
        let seen = seen(
            "zyxel",
            &[Line(5, "RINGING"), Line(11, "RINGING"), Line(24, "CONNECT 38400/V.32bis 14400/V.42bis")],
        );
        assert_eq!((seen.ringing, seen.bounds, seen.connected), (Some(5), Some((11, 17)), Some(24)));
        assert_eq!(seen.link.modulation.as_deref(), Some("V.32bis"));
        assert_eq!((seen.link.rx_bps, seen.link.compression.as_deref()), (Some(14_400), Some("V.42bis")));
    }

    #[test]
    fn si24xx_ringing_then_lines_in_any_order() {
        for lines in
            [["+MCR: V34", "+MRR: 33600", "PROTOCOL: V42"], ["PROTOCOL: V42", "+MRR: 33600", "+MCR: V34"]]
        {
            let mut dialog = vec![Line(5, "RINGING"), Line(11, "RINGING")];
            dialog.extend(lines.map(|line| Line(20, line)));
            dialog.push(Line(21, "CONNECT 33600"));
            let seen = seen("si24xx", &dialog);
            assert_eq!(
                (seen.ringing, seen.carrier, seen.connected),
                (Some(5), Some(20), Some(21)),
                "{lines:?}"
            );
            assert_eq!(seen.link, link("V.34", Some(33_600), "LAPM", ""), "{lines:?}");
        }
    }

    #[test]
    fn soft_modems_do_not_shout() {
        let seen = seen(
            "softmodem",
            &[
                Line(18, "Modulation: V.34"),
                Line(20, "Protocol: LAPM"),
                Line(20, "Compression: V.42BIS"),
                Line(20, "CONNECT 33,600"),
            ],
        );
        assert_eq!((seen.carrier, seen.connected), (None, Some(20)), "no manual says when it comes");
        assert_eq!(seen.link, link("V.34", Some(33_600), "LAPM", "V.42bis"));
    }

    #[test]
    fn a_modulation_that_is_named_before_the_rest_was_the_end_of_training() {
        let hindsight = |lines: &[(u64, &str)]| {
            let mut ear = ear("{ profile: a }");
            for (ms, line) in lines {
                ear.hear(Mono::from_millis(*ms), &code(line));
            }
            ear.carrier_in_hindsight(Mono::from_millis(20_000))
        };
        let named = (18_000, "Modulation: V.34");
        let at = Some(Mono::from_millis(18_000));
        assert_eq!(hindsight(&[named]), at);
        assert_eq!(hindsight(&[named, (19_900, "Protocol: LAPM")]), at);
        assert_eq!(hindsight(&[named, (18_100, "Protocol: LAPM")]), None, "all in one go");
        assert_eq!(hindsight(&[(19_990, "Modulation: V.34")]), None);
        assert_eq!(hindsight(&[named, (18_500, "CARRIER 33600")]), None, "it was marked as it came");
    }

    #[test]
    fn what_shows_connect_alone_is_given_no_phase() {
        let mut dialogs =
            vec![("multitech", "CONNECT 33600 LAPM, COMPRESSED"), ("microcom", "CONNECT 19200/REL - MNP")];
        dialogs.extend([("elsa", "CONNECT 28800"), ("generic", "CONNECT"), ("unknown", "CONNECT 9600")]);
        for (family, connect) in dialogs {
            let seen = seen(family, &[Dsr(9), Dcd(20), Line(22, connect)]);
            let none = (None, None, None, None, None);
            assert_eq!((seen.sent, seen.ringing, seen.answered, seen.bounds, seen.carrier), none, "{family}");
            assert_eq!(seen.connected, Some(22), "{family}");
        }
    }
}

proptest! {
    /// Whatever a modem says in whatever order: it is judged once at the end, and only with a fault that its marks allow.
    #[test]
    fn nothing_is_claimed_that_was_not_seen(
        which in 0_usize..5,
        words in proptest::collection::vec((0_usize..14, 0_u64..9_000), 0..12),
        end in 0_usize..3,
        wired in any::<bool>(),
    ) {
        let yaml = [COURIER, ROCKWELL, HELD, GENERIC, UNKNOWN][which];
        let lines = [
            "RINGING", "CARRIER 33600", "+MRR: 28800", "PROTOCOL: LAPM", "COMPRESSION: NONE", "DIALING", "noise",
            "+ER: LAPM", "+DR: V44", "MESSAGE-WAITING", "RINGING", "RINGING", "OK", "ERROR",
        ];
        let mut ear = ear(yaml);
        let mut now = Mono::from_millis(2_000);
        let (mut rang, mut answered, mut carrier) = (0, false, false);
        for (word, ms) in words {
            now = now + Duration::from_millis(ms);
            if wired && ms % 7 == 0 && ear.signal(now, Signal::Dsr, true) != Heard::Nothing {
                answered = true;
            }
            let code = code(lines[word]);
            match ear.hear(now, &code) {
                Heard::Moment(Moment::Carrier) => carrier = true,
                Heard::Failed(fault, _) => {
                    prop_assert!(fault.blame().is_bench(), "{:?} by {}", fault, code);
                    return Ok(());
                }
                _ => {}
            }
            rang += u32::from(code == ResultCode::Ringing);
        }
        now = now + Duration::from_secs(30);
        let fault = match end {
            0 => fault(ear.hear(now, &ResultCode::NoCarrier)),
            1 => fault(ear.hear(now, &ResultCode::NoAnswer)),
            _ => ear.expired(now).0,
        };
        match fault {
            Fault::CarrierLost => prop_assert!(carrier),
            Fault::NoCarrier => prop_assert!(answered || rang > 1 || which == 2, "{}", which),
            Fault::NoRing => prop_assert!(rang == 0 && which == 0),
            Fault::NoAnswer => prop_assert!(end == 1 || rang > 1),
            Fault::NoConnect => prop_assert!(!carrier || end == 1),
            Fault::ModemError | Fault::ModemSilent => prop_assert_eq!(which, 2),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
