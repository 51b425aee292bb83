use super::*;
use crate::modem::machine::rig::{Pretend, Ran, run};

fn shipped() -> Vec<Profile> {
    ["v250", "courier", "rockwell-conexant", "generic"]
        .map(|name| {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("hardware/modems");
            let text = std::fs::read_to_string(folder.join(name).with_extension("yaml")).unwrap();
            serde_yaml::from_str(&text).unwrap()
        })
        .into()
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
        (&[(Question::I, "5607B")], "courier"),
        (&[(Question::I3, "U.S. Robotics Courier V.Everything")], "courier"),
        (&[(Question::Maker, "U.S. Robotics, Inc.")], "courier"),
        (&[(Question::I, "33600")], "rockwell-conexant"),
        (&[(Question::I, "249"), (Question::Maker, "ACME")], "rockwell-conexant"),
        (&[(Question::I, "MT5600ZDXV V2.00")], "rockwell-conexant"),
        (&[(Question::Maker, "CONEXANT")], "rockwell-conexant"),
        // A maker that nobody knows: the standard. It comes last, though many a name sorts behind it.
        (&[(Question::Maker, "ACME"), (Question::Model, "Fast 1")], "v250"),
        (&[(Question::I, "336001")], "generic"),
        (&[(Question::I, "1496")], "generic"),
        (&[(Question::Maker, "")], "generic"),
        (&[], "generic"),
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
