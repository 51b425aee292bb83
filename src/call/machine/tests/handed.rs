//! The side channel of a call: what a terminal is told, and what its keys do.

use secrecy::SecretString;

use super::*;
use crate::call::live::{Back, HandoverLimits, Stand, Wish};
use crate::call::{Tap, TapEnd};

fn wish(watch: bool, interactive: bool) -> (Tap, TapEnd) {
    let secrets: Vec<SecretString> = vec!["0ther-s3cret".to_owned().into()];
    let handover = interactive.then(HandoverLimits::default);
    Tap::new(Wish { watch, handover, secrets: secrets.into() })
}

fn rig(with_console: bool, watch: bool, interactive: bool) -> Rig {
    let spec = CallSpec { tap: Some(wish(watch, interactive).0), ..spec(with_console) };
    let mut rig = Rig::new(spec, COURIER, WIRED);
    rig.says("\r\nOK\r\n").rests(9000).input(Input::Signal(Signal::Dcd, true));
    rig.says("\r\nCONNECT 9600\r\n");
    rig
}

fn log_in(rig: &mut Rig) {
    rig.says("\r\nmotd 0ther-s3cret \x1b[5mblink\r\n\r\nUsername: ").rests(100);
    rig.input(Input::Granted(credential())).rests(100);
    rig.says("oob\r\nPassword: ").rests(100).says("s3cret\r\nbr1-rtr1>").rests(100);
}

fn lines(rig: &Rig) -> Vec<&str> {
    rig.live
        .iter()
        .filter_map(|live| if let Live::Line { text, .. } = live { Some(text.as_str()) } else { None })
        .collect()
}

fn words(rig: &Rig) -> String {
    rig.live
        .iter()
        .filter_map(|live| if let Live::Words { text, .. } = live { Some(text.as_str()) } else { None })
        .collect()
}

#[test]
fn who_watches_sees_every_line_cleaned_and_without_secrets() {
    let mut rig = rig(true, true, false);
    log_in(&mut rig);
    rig.says("exit\r\n")
        .input(Input::Signal(Signal::Dcd, false))
        .rests(5000)
        .says("\r\nOK\r\n")
        .rests(20_000);
    assert!(rig.ending.is_some());
    let shown = ["motd ******** blink", "Username: oob", "Password: ********", "br1-rtr1>exit"];
    assert_eq!(lines(&rig), shown);
}

#[test]
fn a_verified_console_is_handed_over_and_its_hang_up_proven() {
    let mut rig = rig(true, false, true);
    log_in(&mut rig);
    let handed = rig.live.iter().find_map(|live| match live {
        Live::HandedOver { stand, host, .. } => Some((*stand, host.clone())),
        _ => None,
    });
    assert_eq!(handed, Some((Stand::Verified, Some("br1-rtr1".to_owned()))));
    // Longer than the call's own limit.
    rig.rests(400_000).input(Input::Key(&Key::Typed(b"show clock\r".to_vec())));
    assert!(rig.written.ends_with("show clock\r"), "{:?}", rig.written);
    rig.says("show clock\r\n\x1b]0;evil\x07noon\r\nbr1-rtr1>").rests(1000);
    assert_eq!(words(&rig), "br1-rtr1>show clock\r\nnoon\r\nbr1-rtr1>");
    rig.input(Input::Key(&Key::Back(Back::Escape))).rests(700);
    assert!(rig.written.ends_with("exit\r"), "{:?}", rig.written);
    rig.input(Input::Signal(Signal::Dcd, false))
        .says("\r\nNO CARRIER\r\n")
        .rests(30)
        .says("\r\nOK\r\n")
        .rests(60_000);
    let ending = rig.ending();
    assert_eq!((ending.fault, ending.hangup), (None, Hangup::Proven), "{ending:?}");
    let logout = PhaseTimes::of(&ending.timeline).logout_ms.expect("it is known");
    assert!(logout < 2000, "{logout}");
    assert!(rig.live.iter().any(
        |live| matches!(live, Live::TakenBack { why: Back::Escape, lasted, .. } if lasted.as_secs() >= 400)
    ));
}

#[test]
fn a_call_that_fails_says_why_nothing_was_handed_over() {
    let spec = CallSpec { tap: Some(wish(false, true).0), ..spec(true) };
    let mut rig = Rig::new(spec, COURIER, WIRED);
    rig.says("\r\nOK\r\n").rests(5000).says("\r\nBUSY\r\n").rests(60_000);
    assert!(rig.ending.is_some());
    assert!(
        matches!(&rig.live[..], [Live::NotHandedOver { why, .. }] if why.starts_with("busy")),
        "{:?}",
        rig.live
    );
}

#[test]
fn without_a_dialog_the_line_itself_is_handed_over() {
    for (end, why) in [
        (Some(Input::Key(&Key::Back(Back::Escape))), Back::Escape),
        (Some(Input::Cancel(Cancel::LogOut)), Back::Cancelled),
        (Some(Input::Signal(Signal::Dcd, false)), Back::CarrierLost),
        (Some(Input::PortLost(Fault::PortLost, "gone")), Back::PortLost),
        (None, Back::Idle),
    ] {
        let mut rig = rig(false, false, true);
        assert!(
            matches!(rig.live.first(), Some(Live::HandedOver { stand: Stand::Connected, .. })),
            "{:?}",
            rig.live
        );
        rig.says("\r\nwho are you? ").rests(1000).input(Input::Key(&Key::Typed(b"me\r".to_vec())));
        assert!(rig.written.ends_with("me\r"));
        assert_eq!(words(&rig), "\r\nwho are you? ");
        match end {
            Some(input) => drop(rig.input(input)),
            None => drop(rig.rests(700_000)),
        }
        rig.rests(5000);
        if rig.ending.is_none() {
            rig.input(Input::Signal(Signal::Dcd, false)).says("\r\nOK\r\n").rests(30_000);
        }
        let told =
            rig.live.iter().any(|live| matches!(live, Live::TakenBack { why: told, .. } if *told == why));
        assert!(told, "{why:?}: {:?}", rig.live);
        let ending = rig.ending();
        let fault = (why == Back::PortLost).then_some(Fault::PortLost);
        assert_eq!(ending.fault, fault, "{ending:?}");
    }
}
