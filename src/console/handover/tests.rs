use proptest::prelude::*;

use super::*;

const LIMITS: HandoverLimits =
    HandoverLimits { idle: Duration::from_secs(10 * 60), whole: Duration::from_secs(15 * 60) };

fn at(seconds: u64) -> Mono {
    Mono::from_millis(seconds * 1000)
}

#[test]
fn the_limits_are_told_a_minute_before_and_a_key_begins_the_idle_one_anew() {
    let mut handover = Handover::new(LIMITS, at(0));
    assert_eq!(handover.deadline(), at(540));
    assert_eq!(handover.due(at(540)), Some(Due::Soon(Back::Idle, Duration::from_secs(60))));
    assert_eq!(handover.due(at(541)), None);
    handover.keys(at(550), b"x");
    // The whole limit comes at 900 s, the idle one would at 1150.
    assert_eq!(handover.deadline(), at(840));
    assert_eq!(handover.due(at(840)), Some(Due::Soon(Back::Whole, Duration::from_secs(60))));
    assert_eq!(handover.due(at(900)), Some(Due::Over(Back::Whole)));
    let mut idle = Handover::new(LIMITS, at(0));
    assert_eq!(idle.due(at(600)), Some(Due::Over(Back::Idle)));
}

#[test]
fn limits_that_are_shorter_than_their_warning_have_none() {
    let limits = HandoverLimits { idle: Duration::from_secs(2), whole: Duration::from_secs(5) };
    let mut handover = Handover::new(limits, at(0));
    assert_eq!(handover.deadline(), at(2));
    assert_eq!(handover.due(at(2)), Some(Due::Over(Back::Idle)));
}

#[test]
fn three_pluses_never_stand_before_a_pause() {
    let mut handover = Handover::new(LIMITS, at(0));
    assert_eq!(handover.keys(at(1), b"a+"), b"a+");
    assert_eq!(handover.keys(at(2), b"+"), b"+");
    assert_eq!(handover.keys(at(3), b"+"), b"");
    assert_eq!(handover.keys(at(4), b"+"), b"");
    assert_eq!(handover.keys(at(9), b"b"), b"++b");
    assert_eq!(handover.keys(at(9), b"c++"), b"c++");
}

#[test]
fn a_farewell_and_a_line_that_was_begun_are_known() {
    for (keys, farewell, typing) in [
        (&b"show clock\rexit\r"[..], true, false),
        (b"Exi\x7fit\r", true, false),
        (b"exit\rshow clock\r", false, false),
        (b"\x04", true, false),
        (b"ab\x04", false, true),
        (b"exit", false, true),
        (b"exi\x03", false, false),
        (b"\x1b[A", false, true),
        (b"", false, false),
    ] {
        let mut handover = Handover::new(LIMITS, at(0));
        handover.keys(at(1), keys);
        assert_eq!((handover.said_farewell(None), handover.is_typing()), (farewell, typing), "{keys:?}");
    }
}

proptest! {
    /// However keys are cut into pieces: what goes out is what was typed but for pluses at its end, and no piece leaves
    /// three of them behind.
    #[test]
    fn keys_go_out_as_they_are(pieces in proptest::collection::vec("[a+]{0,6}", 0..30)) {
        let mut handover = Handover::new(LIMITS, at(0));
        let mut out = Vec::new();
        for (second, piece) in (1..).zip(&pieces) {
            out.extend(handover.keys(at(second), piece.as_bytes()));
            prop_assert!(!out.ends_with(b"+++"), "{out:?}");
        }
        let typed = pieces.concat();
        let sent = String::from_utf8(out).unwrap();
        prop_assert!(typed.starts_with(&sent));
        prop_assert!(typed[sent.len()..].chars().all(|c| c == '+'));
    }
}
