//! Promises 1 to 3: one verdict a line, whose fault it is, who is called again and who never.

use std::fmt::Write as _;

use lineman::model::Fault;
use lineman::model::event::Ending;

use crate::stage::{PASSWORD, Stage, USER};

/// An exchange with `modems` modems, and lines as `(id, rest of its entry)`.
pub(crate) fn bank(modems: &[&str], lines: &[(&str, &str)]) -> String {
    let mut text = String::from("exchange: stage\nseed: 7\nmodems:\n");
    for (n, modem) in modems.iter().enumerate() {
        writeln!(text, "  - {{ id: m{n}, {modem} }}").unwrap();
    }
    text.push_str("lines:\n");
    for (n, (id, rest)) in lines.iter().enumerate() {
        let rest = if rest.is_empty() { String::new() } else { format!(", {rest}") };
        writeln!(text, "  - {{ id: {id}, number: \"+1 704 555 {:04}\"{rest} }}", 100 + n).unwrap();
    }
    text
}

/// A sound line with an IOS console behind it; `rest` is put behind.
pub(crate) fn ios(rest: &str) -> String {
    let rest = if rest.is_empty() { String::new() } else { format!(", {rest}") };
    format!("console: cisco-ios, hostname: rtr1, username: {USER}, password: {PASSWORD}{rest}")
}

const ALL: [&str; 4] =
    ["profile: courier", "profile: rockwell-conexant", "profile: v250", "profile: generic"];

#[test]
fn two_hundred_good_lines_all_pass() {
    let good = ios("");
    let ids: Vec<String> = (0..200).map(|n| format!("L{n:03}")).collect();
    let lines: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), good.as_str())).collect();
    let played = Stage::new(&bank(&ALL, &lines)).play();
    for (line, fault) in played.faults() {
        assert_eq!(fault, None, "{line}: {}", played.verdict(&line).detail);
    }
    assert_eq!(played.calls().len(), 200);
    assert_eq!(played.end.ending, Ending::Completed);
}
