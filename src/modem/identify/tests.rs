use super::*;
use crate::modem::machine::rig::{Pretend, Ran, run};

fn shipped() -> Vec<Profile> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("hardware/modems");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| serde_yaml::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap())
        .collect()
}

fn identify(modem: Pretend) -> Ran<Result<Identity, SetupFault>> {
    run(Identify::new(&PortFacts::default(), SetupLimits::default()), modem)
}

fn answers(ran: Ran<Result<Identity, SetupFault>>) -> Vec<(Question, Vec<String>)> {
    ran.out.unwrap().answers
}

#[test]
fn only_the_four_questions_are_asked_and_never_a_register() {
    for echo in [false, true] {
        let modem = Pretend {
            echo,
            answers: vec![("ATI", "5601"), ("ATI3", "Courier V.Everything"), ("AT+GMM", "A\r\n\r\nB")],
            errors: vec!["AT+GMI"],
            ..Pretend::default()
        };
        let ran = identify(modem);
        assert_eq!(ran.did, ["0 AT", "10 ATE0Q0V1", "20 ATI", "30 ATI3", "40 AT+GMI", "50 AT+GMM"], "{echo}");
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            answers(ran),
            [
                (Question::I, lines(&["5601"])),
                (Question::I3, lines(&["Courier V.Everything"])),
                (Question::Maker, lines(&[])),
                (Question::Model, lines(&["A", "B"])),
            ]
        );
    }
}

#[test]
fn ok_to_everything_and_an_empty_maker_are_answers() {
    let ran = identify(Pretend { answers: vec![("AT+GMI", "")], ..Pretend::default() });
    assert!(answers(ran).iter().all(|(_, lines)| lines.is_empty()));
}

#[test]
fn a_question_without_an_answer_does_not_shift_the_others() {
    // Each OK comes 1.1 s late: after its question was given up.
    let modem = Pretend { latency_ms: 1_100, answers: vec![("ATI", "5601")], ..Pretend::default() };
    let limits = SetupLimits { answer: Duration::from_secs(2), ..SetupLimits::default() };
    let ran = run(Identify::new(&PortFacts::default(), limits), modem);
    assert!(ran.did.last().unwrap().ends_with("AT+GMM"), "{:?}", ran.did);
    for (question, lines) in answers(ran) {
        assert!(lines.is_empty(), "{question:?}: {lines:?}");
    }
}

#[test]
fn a_flood_is_cut() {
    let flood: &'static str = Box::leak("line\r\n".repeat(500).into_boxed_str());
    let ran = identify(Pretend { answers: vec![("ATI", flood)], ..Pretend::default() });
    assert_eq!(answers(ran)[0].1.len(), ANSWER_LINES_MAX);
}

#[test]
fn a_dead_modem_is_told_as_silent() {
    let ran = identify(Pretend { dead: true, ..Pretend::default() });
    assert_eq!(ran.out.unwrap_err().fault, crate::model::Fault::ModemSilent);
}

#[test]
fn a_modem_gets_the_profile_of_its_family() {
    let profiles = shipped();
    let chosen = |answers: &[(Question, &str)]| {
        let identity = Identity {
            answers: answers.iter().map(|(question, line)| (*question, vec![(*line).to_owned()])).collect(),
        };
        choose(&profiles, &identity).map(|profile| profile.profile.clone()).unwrap()
    };
    for (answers, expected) in [
        (&[(Question::I, "3366")][..], "courier"),
        (&[(Question::I, "1445")], "courier"),
        (&[(Question::I, "6401")], "courier"),
        (&[(Question::I, "5607B")], "courier"),
        (&[(Question::I3, "U.S. Robotics Courier V.Everything")], "courier"),
        (&[(Question::Maker, "U.S. Robotics, Inc.")], "courier"),
        (&[(Question::I, "33600")], "rockwell-conexant"),
        (&[(Question::I, "249"), (Question::Maker, "ACME")], "rockwell-conexant"),
        (&[(Question::I, "MT5600ZDXV V2.00")], "rockwell-conexant"),
        (&[(Question::I, "MT5600BL"), (Question::Maker, "Multi-Tech Systems")], "rockwell-conexant"),
        (&[(Question::I, "SOMETHING"), (Question::I3, "VF.FFF-V90_AI")], "rockwell-conexant"),
        (&[(Question::Maker, "CONEXANT")], "rockwell-conexant"),
        (&[(Question::I3, "CX93001-EIS_V0.2002-V92")], "rockwell-conexant"),
        (&[(Question::I, "1496")], "zyxel"),
        (&[(Question::I, "28642")], "zyxel"),
        (&[(Question::I, "33604")], "zyxel"),
        (&[(Question::I, "1501")], "zyxel"),
        (&[(Question::I, "247"), (Question::Maker, "Multi-Tech")], "multitech"),
        (&[(Question::I, "LT V.92 1.0 MT5634ZBA-V92"), (Question::Maker, "Multi-Tech Systems")], "lucent"),
        (&[(Question::I, "LT V.90 Data+Fax Modem Version 5.41")], "lucent"),
        (&[(Question::I, "2884")], "microcom"),
        (&[(Question::I, "282")], "elsa"),
        (&[(Question::I, "140")], "elsa"),
        (
            &[(Question::I, "C"), (Question::Maker, "Silicon Laboratories"), (Question::Model, "Si2457")],
            "si24xx",
        ),
        (&[(Question::I3, "Smartlink Soft Modem")], "softmodem"),
        // A maker that nobody knows: the standard. It comes last, though many a name sorts behind it.
        (&[(Question::Maker, "ACME"), (Question::Model, "Fast 1")], "v250"),
        (&[(Question::I, "0"), (Question::Maker, "Multi-Tech Systems")], "v250"),
        // Nobody, or a router's modem, whose registers are its own.
        (&[(Question::I, "Modem product ID = 242"), (Question::Maker, "Cisco")], "unknown"),
        (&[(Question::I, "336001")], "unknown"),
        (&[(Question::I, "184")], "unknown"),
        (&[(Question::I, "1.0")], "unknown"),
        (&[(Question::Maker, "")], "unknown"),
        (&[], "unknown"),
    ] {
        assert_eq!(chosen(answers), expected, "{answers:?}");
    }
    assert!(choose(&[], &Identity::default()).is_none());
}

#[test]
fn a_weak_rule_yields_to_any_other_whatever_the_names() {
    let profile = |yaml: &str| serde_yaml::from_str::<Profile>(yaml).unwrap();
    let profiles = [
        profile("{ profile: z, setup: [ATZ], match: [{ ask: +GMI, answer: ACME }] }"),
        profile("{ profile: a, setup: [ATZ], match: [{ ask: +GMI, answer: '.', weak: true }] }"),
    ];
    let acme = Identity { answers: vec![(Question::Maker, vec!["ACME".to_owned()])] };
    assert_eq!(choose(&profiles, &acme).unwrap().profile, "z");
    let other = Identity { answers: vec![(Question::Maker, vec!["Other".to_owned()])] };
    assert_eq!(choose(&profiles, &other).unwrap().profile, "a");
}
