//! Good files, and what is wrong with bad ones.

use super::*;
use crate::sim::fault::FaultKind;

fn problems(yaml: &str) -> Vec<String> {
    let file: ExchangeFile = serde_yaml::from_str(yaml).unwrap();
    file.problems().into_iter().map(|(key, what)| format!("{key}: {what}")).collect()
}

#[test]
fn all_problems_of_a_file_are_told_at_once() {
    let yaml = r#"
exchange: ""
pace: 0
location: { country_code: "+1" }
timing: { ring: { on: 0, off: 4s } }
modems:
  - { id: m0, profile: courier, answers: { ATI9: x }, fault: busy, trunk: none }
  - { id: m0, profile: courier }
lines:
  - { id: a, number: "+1 919 555 0101", rings: 0, fault: dead }
  - { id: a, number: "+1 919 555 0101", console: linux, exec: [] }
  - { id: c, number: "+1 919 555 0103", answer_on: m0, fault: { kind: busy, rate: 2400, after: 1s } }
  - { id: d, number: "+1 919 555 0104", fault: garbage, ring: { on: 1s, off: 2s }, answer_after: 3s }
rules:
  - { name: r, line: nobody, modem: m9, number: "919", probability: 1.5, fault: busy }
  - { name: r, line: a, fault: dead }
"#;
    assert_eq!(
        problems(yaml),
        [
            "pace: is 0; a factor above 0 and up to 100 is meant, 1 for real time",
            "exchange: is no name; write `exchange: NAME`",
            "location.country_code: is `+1`; digits alone are meant",
            "timing.ring.on: is 0; a burst has a length",
            "modems[0].trunk: `none` is not among `trunks`",
            "modems[0].answers: `ATI9` is no question; ATI, ATI1, ATI2, ATI3, ATI4, ATI7, +GMI, +GMM, +GMR, +GSN are",
            "modems[0].fault.kind: `busy` happens to a line; write it as a line's `fault` or as a rule",
            "modems[1].id: `m0` is taken by modems[0].id",
            "lines[0].rings: is 0; a line rings at least once before it answers",
            "lines[0].fault.kind: `dead` happens to a modem; write it as a modem's `fault` or as a rule",
            "lines[1].id: `a` is taken by lines[0]",
            "lines[1].number: `+19195550101` is taken by lines[0]",
            "lines[1]: has more than one of `console`, `exec` and `answer_on`",
            "lines[1].exec: names no program; write `[/path/to/program, argument]`",
            "lines[2].answer_on: `m0` is taken by modems[0].id",
            "lines[2].fault: `after` does not belong to `busy` but to `drops`, `port-vanishes`",
            "lines[2].fault: `rate` does not belong to `busy` but to `slow-connect`",
            "lines[3].answer_after: is not shorter than one burst and its pause; write one more of `rings`",
            "lines[3].fault.kind: `garbage` happens at a console, and this line has none",
            "rules[0].line: `nobody` is no line of this exchange",
            "rules[0].modem: `m9` is no modem of this exchange",
            "rules[0].number: is `919`; `+` and the first digits are meant",
            "rules[0].probability: is outside 0 to 1",
            "rules[1].name: `r` is taken by rules[0]",
            "rules[1]: `dead` happens to a modem before a line is known; name a modem alone",
        ]
    );
}

#[test]
fn what_is_no_exchange_is_refused_with_its_place() {
    let refused = |yaml: &str| serde_yaml::from_str::<ExchangeFile>(yaml).unwrap_err().to_string();
    for (yaml, part) in [
        ("{ exchange: t, modems: [], colour: red }", "unknown field `colour`"),
        ("{ exchange: t }", "missing field `modems`"),
        ("{ exchange: t, modems: [{ id: m0, profile: p, fault: bizzy }] }", "unknown variant `bizzy`"),
        (
            "{ exchange: t, modems: [{ id: m0, profile: p, fault: { kind: drops, when: now } }] }",
            "unknown field `when`",
        ),
        ("{ exchange: t, modems: [{ id: m0, profile: p, fault: [1] }] }", "a fault such as `busy`"),
        ("{ exchange: t, modems: [], timing: { train: 8 } }", "write a number with its unit"),
        ("{ exchange: t, modems: [], lines: [{ id: a, number: '5550101' }] }", "has no country code"),
        ("{ exchange: t, modems: [], rules: [{ name: r, attempt: 3-1, fault: busy }] }", "is no range"),
        ("{ exchange: t, modems: [], rules: [{ name: r, attempt: 0, fault: busy }] }", "is no range"),
    ] {
        let said = refused(yaml);
        assert!(said.contains(part), "{yaml}: {said}");
    }
}

#[test]
fn ranges_hold_what_they_say() {
    let holds = |text: &str| (1..=6).filter(|n| text.parse::<Range>().unwrap().holds(*n)).collect::<Vec<_>>();
    assert_eq!(holds("2"), [2]);
    assert_eq!(holds("2-4"), [2, 3, 4]);
    assert_eq!(holds("5-"), [5, 6]);
}

#[test]
fn faults_are_called_what_serde_calls_them() {
    for word in ["port-vanishes", "no-dialtone", "login-stalls", "busy", "hangup-ignored"] {
        let kind: FaultKind = serde_yaml::from_str(word).unwrap();
        assert_eq!(kind.to_string(), word);
    }
}

fn shipped(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_shipped_exchanges_are_good() {
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/hardware/exchanges")).unwrap() {
        let path = entry.unwrap().path();
        let file: ExchangeFile = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(file.problems(), Vec::new(), "{}", path.display());
    }
}

#[test]
fn the_example_plan_and_the_demonstration_agree() {
    let file: ExchangeFile = serde_yaml::from_str(&shipped("hardware/exchanges/demo.yaml")).unwrap();
    let plan: serde_yaml::Value = serde_yaml::from_str(&shipped("dialplans/example.yaml")).unwrap();
    let mut found = 0;
    for line in plan["lines"].as_sequence().unwrap() {
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        let id = text("id").unwrap();
        let Some(entry) = file.lines.iter().find(|l| l.id.as_str() == id) else {
            // What is screened or on hold is never dialed, and need not be there.
            assert!(id == "PREM-A" || line.get("on_hold").is_some(), "{id} is not in the exchange");
            continue;
        };
        found += 1;
        let number: PhoneNumber = text("number").unwrap().parse().unwrap();
        assert_eq!(entry.number, number, "{id}");
        assert_eq!(entry.hostname.as_ref().map(ToString::to_string), text("hostname"), "{id}");
        let console = text("console").unwrap_or_else(|| "cisco-ios".to_owned());
        assert_eq!(entry.console, serde_yaml::from_str(&console).unwrap(), "{id}");
    }
    assert_eq!(found, file.lines.len());
    let bank: serde_yaml::Value = serde_yaml::from_str(&shipped("hardware/banks/demo.yaml")).unwrap();
    let ids = |text: Vec<&str>| text.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let banked = bank["modems"].as_sequence().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(ids(banked), ids(file.modems.iter().map(|m| m.id.as_str()).collect()));
}

#[test]
fn the_reference_of_faults_names_them_all() {
    let file: ExchangeFile = serde_yaml::from_str(&shipped("hardware/exchanges/faults.yaml")).unwrap();
    let of_lines = file.lines.iter().filter_map(|l| l.fault.as_ref()).map(|f| f.kind);
    let of_modems = file.modems.iter().filter_map(|m| m.fault.as_ref()).map(|f| f.kind);
    let named: std::collections::BTreeSet<FaultKind> =
        of_lines.chain(of_modems).chain([FaultKind::Busy]).collect();
    // The error of an unknown word lists all that there are.
    let error = serde_yaml::from_str::<FaultKind>("none-of-them").unwrap_err().to_string();
    let all: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
    assert!(all.len() > 40, "{error}");
    for word in all {
        let kind: FaultKind = serde_yaml::from_str(word).unwrap();
        assert!(named.contains(&kind), "`{word}` is missing");
    }
}

#[test]
fn consoles_behind_a_line_are_checked() {
    let line = |rest: &str| {
        problems(&format!(
            "{{ exchange: t, modems: [{{ id: m0, profile: p }}], lines: [{{ id: a, number: '+1 919 555 0101', {rest} }}] }}"
        ))
    };
    for (rest, part) in [
        ("console: linux, consoles: [{ port: '1' }]", "stand behind a console server"),
        ("console: port-menu, consoles: [{ port: sw1 }]", "is no figure"),
        ("console: port-names, consoles: [{ port: a }, { port: a }]", "`a` is taken by consoles[0]"),
        ("console: port-names, consoles: [{ port: 'a b' }]", "is not 1 to 40"),
        ("console: port-names, consoles: [{ port: a, console: port-menu }]", "none stands behind another"),
        (
            "console: port-names, consoles: [{ port: a, console: linux, fault: busy }]",
            "does not happen before a login",
        ),
    ] {
        let said = line(rest);
        assert!(said.len() == 1 && said[0].contains(part), "{rest}: {said:?}");
    }
    assert_eq!(line("console: port-names, consoles: [{ port: a, console: linux, fault: silent }]"), [""; 0]);
}
