use proptest::prelude::*;

use super::*;
use crate::modem::machine::rig::{Pretend, Ran, run};

fn profile(reports: &str) -> Profile {
    let profile: Profile =
        serde_yaml::from_str(&format!("{{ profile: a, diagnostics: [{reports}] }}")).unwrap();
    profile
}

fn ask(reports: &str, modem: Pretend) -> Ran<Diagnosis> {
    run(Diagnose::new(&profile(reports), DiagnoseLimits::default()), modem)
}

fn told(ran: &Ran<Diagnosis>) -> Vec<Report> {
    ran.out.accounts.iter().map(|account| account.report).collect()
}

const ROCKWELL: &str = "AT#UD, AT&V1, ATS86?";

#[test]
fn each_report_is_asked_after_the_ok_to_the_one_before() {
    for echo in [false, true] {
        let modem = Pretend {
            echo,
            answers: vec![
                ("AT#UD", "DIAG <2A4D3263 1=07>\r\nDIAG <2A4D3263 60=51>"),
                ("AT&V1", "TERMINATION REASON.......... LOCAL REQUEST"),
                ("ATS86?", "000"),
            ],
            ..Pretend::default()
        };
        let ran = ask(ROCKWELL, modem);
        assert_eq!(ran.did, ["0 AT#UD", "10 AT&V1", "20 ATS86?"]);
        assert_eq!(told(&ran), [Report::Ud, Report::V1, Report::S86]);
        assert_eq!(ran.out.accounts[0].cause, Some(0x51), "all lines of an answer count");
        assert_eq!((ran.out.settled, ran.out.not_here.len(), ran.took_ms), (true, 0, 30));
        assert_eq!(ran.late, Vec::<String>::new());
    }
}

#[test]
fn nothing_is_asked_where_the_profile_has_no_reports() {
    let ran = ask("", Pretend::default());
    assert_eq!((ran.did.len(), ran.took_ms, ran.out.settled), (0, 0, true));
}

#[test]
fn a_report_that_the_modem_does_not_have_is_told_and_the_others_are_asked() {
    let modem = Pretend { errors: vec!["AT#UD"], answers: vec![("ATS86?", "012")], ..Pretend::default() };
    let ran = ask(ROCKWELL, modem);
    assert_eq!(ran.out.not_here, [Report::Ud]);
    // OK with nothing is an answer that tells nothing.
    assert_eq!(told(&ran), [Report::S86]);
    assert!(ran.out.settled);
}

#[test]
fn a_modem_that_leaves_a_report_unanswered_costs_little_and_owes_nothing_when_it_is_done() {
    let ran = ask(ROCKWELL, Pretend { deaf_for: 1, ..Pretend::default() });
    assert_eq!(ran.did, ["0 AT#UD", "1000 AT"]);
    assert_eq!((ran.out.not_here.clone(), ran.out.settled), (vec![Report::Ud], true));
    assert_eq!(ran.late, Vec::<String>::new());
    let ran = ask(ROCKWELL, Pretend { dead: true, ..Pretend::default() });
    assert!(!ran.out.settled);
    assert!(ran.took_ms <= 3_000, "{} ms", ran.took_ms);
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_ones() {
    let modem = Pretend {
        latency_ms: 1_100,
        answers: vec![("AT#UD", "DIAG <2A4D3263 60=51>")],
        ..Pretend::default()
    };
    let ran = ask(ROCKWELL, modem);
    assert_eq!(told(&ran), []);
    assert_eq!(ran.did, ["0 AT#UD", "1000 AT"], "the rest is left alone");
    assert!(ran.out.not_here.is_empty(), "it has the report, and is slow once");
}

#[test]
fn an_answer_without_end_is_bounded_in_time_and_size() {
    let endless: Vec<(u64, &str)> = (0..400).map(|n| (n * 20, "Chars sent 1")).collect();
    let ran = ask("ATI6", Pretend { dead: true, unasked: endless, ..Pretend::default() });
    assert!(ran.took_ms <= 6_000, "{} ms", ran.took_ms);
    assert!(!ran.out.settled);
    assert!(ran.out.not_here.is_empty(), "it has the report");
    assert_eq!(told(&ran), [Report::I6]);
}

#[test]
fn a_report_in_pages_is_told_to_go_on() {
    let modem = Pretend {
        answers: vec![("ATI11", "SNR  (dB)  30\r\nPress any key to continue; ESC to quit.")],
        ..Pretend::default()
    };
    let ran = ask("ATI11", modem);
    assert_eq!(ran.did, ["0 ATI11", "10 "]);
    assert_eq!(ran.out.accounts[0].told.snr_db, Some(30));
    assert!(!ran.out.accounts[0].told.more.contains_key("press-any-key-to-continue"));
}

#[test]
fn what_else_a_modem_says_meanwhile_is_not_the_answer() {
    let modem = Pretend {
        unasked: vec![(3, "NO CARRIER"), (4, "RING")],
        answers: vec![("ATI6", "Protocol: LAPM")],
        ..Pretend::default()
    };
    let ran = ask("ATI6", modem);
    assert_eq!(ran.out.accounts[0].link.protocol.as_deref(), Some("LAPM"), "a line that reads like a result");
    assert!(ran.out.settled);
}

#[test]
fn it_stops_at_once_and_tells_whether_an_answer_is_owed() {
    let mut machine = Diagnose::new(&profile(ROCKWELL), DiagnoseLimits::default());
    let (mut actions, now) = (Vec::new(), Mono::from_millis(7));
    assert!(matches!(machine.start(now, &mut actions), Progress::Until(_)));
    let account = Token::Info("DIAG <2A4D3263 1=07>".to_owned());
    assert!(matches!(machine.handle(now, Input::Token(&account), &mut actions), Progress::Until(_)));
    let ok = Token::Result(ResultCode::Ok);
    assert!(matches!(machine.handle(now, Input::Token(&ok), &mut actions), Progress::Until(_)));
    let found = machine.stop();
    assert_eq!((found.accounts.len(), found.settled), (1, false), "AT&V1 is out");
    let mut idle = Diagnose::new(&profile("ATI6"), DiagnoseLimits::default());
    assert!(idle.stop().settled);
}

proptest! {
    /// Whatever a modem says and when: it ends in time, and types nothing but its reports, AT, and CRs.
    #[test]
    fn it_ends_in_time(
        latency_ms in 0..1500u64,
        deaf_for in 0..4usize,
        dead in any::<bool>(),
        echo in any::<bool>(),
        errors in proptest::sample::subsequence(vec!["AT#UD", "AT&V1", "ATS86?"], 0..3),
        unasked in proptest::collection::vec(
            (0..6000u64, proptest::sample::select(vec![
                "OK", "ERROR", "RING", "NO CARRIER", "CONNECT 28800", "DIAG <2A4D3263 1=4>", "Press any key", "#",
            ])),
            0..40,
        ),
    ) {
        let modem = Pretend { dead, echo, deaf_for, errors, latency_ms, unasked, ..Pretend::default() };
        let ran = ask(ROCKWELL, modem);
        prop_assert!(ran.took_ms <= 6_300, "{} ms, {:?}", ran.took_ms, ran.did);
        for deed in &ran.did {
            let (_, command) = deed.split_once(' ').unwrap();
            prop_assert!(["AT#UD", "AT&V1", "ATS86?", "AT", ""].contains(&command), "{command}");
        }
    }
}
