//! What is asked behind the hang-up, when it is not, and what it changes.

use super::*;
use crate::model::{CallSetup, Termination};
use crate::modem::profile::Report;

const SPORTSTER: &str = "{ profile: courier, marks: { ringing: true }, diagnostics: [ATI6, ATI11] }";
const ROCKWELL: &str =
    "{ profile: rockwell, words: { no_answer_means_ringback: true }, diagnostics: [AT#UD, AT&V1] }";

/// On-hook is proven after a dial that ended with this word; the reports are due.
fn failed(profile: &str, word: &str) -> Rig {
    let mut rig = Rig::new(spec(true), profile, BARE);
    rig.says("\r\nOK\r\n").rests(30_000).says(word).rests(10);
    assert!(rig.written.ends_with("AT\r"), "{:?}", rig.written);
    rig.says("\r\nOK\r\n");
    rig
}

#[test]
fn a_failed_call_is_asked_about_and_its_on_hook_stays_when_it_was() {
    let mut rig = failed(ROCKWELL, "\r\nNO CARRIER\r\n");
    let on_hook = rig.now;
    assert!(rig.written.ends_with("AT\rAT#UD\r"), "{:?}", rig.written);
    assert_eq!(rig.moments.last(), Some(&Moment::OnHook));
    rig.rests(400).says("DIAG <2A4D3263 1=07 60=3D>\r\n\r\nOK\r\n").rests(300);
    assert!(rig.written.ends_with("AT&V1\r"));
    rig.says("ERROR\r\n");
    let ending = rig.ending();
    assert_eq!(ending.fault, Some(Fault::NoCarrier));
    assert!(
        ending.detail.ends_with("; #UD: answer tone was heard, and training failed"),
        "{}",
        ending.detail
    );
    assert_eq!(ending.hangup, Hangup::Proven);
    let at = |moment| ending.timeline.get(moment).unwrap().at;
    assert_eq!((at(Moment::OnHook), at(Moment::Released)), (on_hook, on_hook + Duration::from_millis(700)));
    assert_eq!(rig.moments.last(), Some(&Moment::Released));
    let told = ending.diagnostics.as_ref().unwrap();
    assert_eq!(
        (told.call_setup, told.termination),
        (Some(CallSetup::AnswerTone), Some(Termination::TrainingFailed))
    );
    assert_eq!(
        (ending.learned.no_reports.iter().copied().collect::<Vec<_>>(), ending.settled),
        (vec![Report::V1], true)
    );
}

#[test]
fn the_same_word_without_answer_tone_is_another_fault_and_a_clear_word_stays() {
    for (word, heard, expected) in [
        ("\r\nNO CARRIER\r\n", "1=4", Fault::NoRing),
        ("\r\nNO CARRIER\r\n", "1=3", Fault::Busy),
        ("\r\nNO CARRIER\r\n", "1=0", Fault::NoConnect),
        ("\r\nBUSY\r\n", "1=7", Fault::Busy),
        ("\r\nNO ANSWER\r\n", "1=7", Fault::NoAnswer),
        ("\r\nVOICE\r\n", "1=4", Fault::Voice),
    ] {
        let mut rig = failed(ROCKWELL, word);
        rig.says(&format!("DIAG <2A4D3263 {heard}>\r\nOK\r\n")).says("\r\nOK\r\n");
        assert_eq!(rig.ending().fault, Some(expected), "{word:?} {heard}: {}", rig.ending().detail);
    }
}

#[test]
fn a_call_that_passes_keeps_its_verdict_and_gets_its_figures() {
    let mut rig = Rig::new(CallSpec { dialog: None, ..spec(false) }, SPORTSTER, WIRED);
    rig.says("\r\nOK\r\n").rests(20_000).input(Input::Signal(Signal::Dcd, true));
    rig.says("\r\nCONNECT 33600/ARQ\r\n").rests(10).input(Input::Signal(Signal::Dcd, false)).rests(700);
    rig.says("\r\nNO CARRIER\r\n").rests(100).says("\r\nOK\r\n");
    assert!(rig.written.ends_with("ATI6\r"), "{:?}", rig.written);
    rig.says("Speed  28800/26400\r\nProtocol  LAPM\r\nLast Call  00:00:01\r\nBlers  7\r\nDial string  9,5550101\r\n\r\nOK\r\n");
    rig.says("Modulation  V.34\r\nRecv/Xmit Level (-dB)  23/16\r\n\r\nOK\r\n");
    let ending = rig.ending();
    assert_eq!((ending.fault, ending.detail.as_str()), (None, ""));
    let told = ending.diagnostics.as_ref().unwrap();
    assert_eq!((told.rx_level_dbm, told.block_errors), (Some(-23), Some(7)));
    let Link { modulation, tx_bps, rx_bps, protocol, .. } = &ending.link;
    assert_eq!((*tx_bps, *rx_bps), (Some(33_600), Some(33_600)), "CONNECT told it");
    assert_eq!((modulation.as_deref(), protocol.as_deref()), (Some("V.34"), Some("ARQ")));
}

#[test]
fn nothing_is_asked_where_nobody_would_wait_for_it() {
    // Dropped by the user.
    let mut rig = Rig::at_password(BARE);
    rig.input(Input::Cancel(Cancel::HangUp)).rests(60_000);
    assert!(!rig.written.contains("ATI"));
    // Cancelled while it dialed: what would it tell?
    let mut rig = Rig::new(spec(true), SPORTSTER, BARE);
    rig.says("\r\nOK\r\n").rests(3000).input(Input::Cancel(Cancel::LogOut));
    rig.rests(100).says("\r\nNO CARRIER\r\n").rests(100).says("\r\nOK\r\n").rests(30_000);
    assert_eq!(rig.ending().hangup, Hangup::Proven);
    assert!(!rig.written.contains("ATI"), "{:?}", rig.written);
    // On-hook is not proven.
    let mut rig = Rig::new(spec(true), SPORTSTER, BARE);
    rig.says("\r\nOK\r\n").rests(9000).says("\r\nBUSY\r\n").rests(60_000);
    assert_eq!(rig.ending().hangup, Hangup::Unproven);
    assert!(!rig.written.contains("ATI"), "{:?}", rig.written);
}

#[test]
fn a_cancel_ends_it_at_once_and_what_was_told_stands() {
    for how in [Cancel::LogOut, Cancel::HangUp] {
        let mut rig = failed(ROCKWELL, "\r\nNO CARRIER\r\n");
        rig.says("DIAG <2A4D3263 1=07>\r\nOK\r\n");
        rig.input(Input::Cancel(how));
        let ending = rig.ending();
        assert_eq!((ending.fault, ending.hangup), (Some(Fault::NoCarrier), Hangup::Proven));
        assert!(!ending.settled, "AT&V1 may still be answered");
    }
}

#[test]
fn a_port_that_is_lost_meanwhile_takes_nothing_back() {
    let mut rig = failed(ROCKWELL, "\r\nBUSY\r\n");
    rig.input(Input::PortLost(Fault::PortLost, "unplugged"));
    let ending = rig.ending();
    assert_eq!((ending.fault, ending.hangup, ending.port_lost), (Some(Fault::Busy), Hangup::Proven, true));
}

#[test]
fn a_modem_that_goes_silent_costs_seconds_and_no_verdict() {
    let mut rig = failed(ROCKWELL, "\r\nBUSY\r\n");
    let from = rig.now;
    rig.rests(60_000);
    let ending = rig.ending();
    assert_eq!((ending.fault, ending.settled), (Some(Fault::Busy), false));
    assert!(ending.timeline.get(Moment::Released).unwrap().at.since(from) <= Duration::from_secs(7));
}

#[test]
fn a_report_that_reads_like_a_connect_or_an_echo_puts_nothing_online() {
    let mut rig = failed(ROCKWELL, "\r\nNO CARRIER\r\n");
    rig.says("CONNECT SPEED 28800\r\n")
        .says("DIAG <2A4D3263 1=3 52=95550101>\r\n")
        .says("\r\nOK\r\n")
        .says("\r\nOK\r\n");
    assert_eq!(rig.ending().fault, Some(Fault::Busy), "a line that holds the dialed digits is no echo");
}

#[test]
fn a_report_that_holds_the_dial_string_tells_no_access_code() {
    let dial = DialString::new("9,471199W", "5550101").unwrap();
    let mut rig = Rig::new(CallSpec { dial, ..spec(true) }, SPORTSTER, BARE);
    rig.says("\r\nOK\r\n").rests(30_000).says("\r\nBUSY\r\n").rests(10).says("\r\nOK\r\n");
    rig.says("Chars sent  0      Chars Received  0\r\nLast number  9,471199W5550101\r\n")
        .says("Disconnect Reason is Busy 4711995550101\r\nOK\r\n")
        .says("\r\nOK\r\n");
    let told = format!("{:?}", rig.ending().diagnostics);
    assert!(told.contains("last-number") && told.contains("xxxx") && !told.contains("4711"), "{told}");
}

#[test]
fn a_report_that_prints_the_dial_string_as_a_label_tells_no_access_code_either() {
    let dial = DialString::new("9,471199W", "5550101").unwrap();
    let mut rig = Rig::new(CallSpec { dial, ..spec(true) }, SPORTSTER, BARE);
    rig.says("\r\nOK\r\n").rests(30_000).says("\r\nBUSY\r\n").rests(10).says("\r\nOK\r\n");
    rig.says("ATDT9,471199W5550101  busy\r\nChars sent  0      Chars Received  0\r\nOK\r\n")
        .says("\r\nOK\r\n");
    let told = rig.ending().diagnostics.as_ref().unwrap();
    assert!(!format!("{told:?}").contains("471199"), "{told:?}");
    assert!(told.more.values().any(|value| value == "busy"), "{told:?}");
}

#[test]
fn an_answer_that_comes_in_one_piece_with_a_line_like_a_connect_costs_no_time() {
    let mut rig = failed(ROCKWELL, "\r\nNO CARRIER\r\n");
    rig.says("CONNECT SPEED 28800\r\nDIAG <2A4D3263 1=3>\r\n\r\nOK\r\n");
    assert!(rig.written.ends_with("AT&V1\r"), "{:?}", rig.written);
}
