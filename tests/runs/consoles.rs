//! Each family of consoles that is played, from CONNECT to the proven logout.

use lineman::model::Fault;
use lineman::sim::log::What;

use crate::stage::{PASSWORD, Stage, USER};
use crate::verdicts::{bank, with_rules};

const KINDS: [&str; 7] =
    ["cisco-ios", "cisco-nxos", "linux", "generic", "junos", "hp-procurve", "hp-procurve-menu"];

fn lines(rest: &str) -> Vec<(String, String)> {
    let line = |kind: &&str| {
        let entry =
            format!("console: {kind}, hostname: {kind}-1, username: {USER}, password: {PASSWORD}{rest}");
        ((*kind).to_owned(), entry)
    };
    KINDS.iter().map(line).collect()
}

fn exchange(rest: &str) -> String {
    let lines = lines(rest);
    let lines: Vec<(&str, &str)> = lines.iter().map(|(id, rest)| (id.as_str(), rest.as_str())).collect();
    bank(&["profile: courier", "profile: courier"], &lines)
}

#[test]
fn every_family_passes_and_gets_no_command_but_its_way_out() {
    let played = Stage::new(&exchange("")).play();
    for (line, fault) in played.faults() {
        assert_eq!(fault, None, "{line}: {}", played.verdict(&line).detail);
    }
    assert_eq!(played.logged(What::Command).len(), 0, "nothing was saved, and no item of a menu chosen");
    assert_eq!(played.logged(What::LoggedIn).len(), KINDS.len());
    // A Linux shell that exits drops the line at once.
    assert_eq!(played.logged(What::LoggedOut).len() + 1, KINDS.len());
}

#[test]
fn another_host_is_told_in_every_family() {
    let played =
        Stage::new(&with_rules(&exchange(""), &["fault: { kind: wrong-host, text: other-host }"])).play();
    for (line, fault) in played.faults() {
        assert_eq!(fault, Some(Fault::WrongConsole), "{line}: {}", played.verdict(&line).detail);
        assert!(played.verdict(&line).detail.contains("other-host"), "{line}");
    }
}
