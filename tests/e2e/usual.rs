//! What the nights before teach: the program catches up with its own reports folder, and tells a bad line by its own measure. That a
//! first call is cut short takes half a minute of real time, and is held in `tests/runs`.

use std::fs;

use crate::night::{Exchange, audited, rows, run_of};
use crate::stage::{Row, Stage};
use crate::town::{Branch, Town};

/// Lines that passed, on a port as real as a pty can be; one of them with this far end.
fn town(bad: &str) -> Town {
    let branch = |n: usize| Branch::new(n).rings(2).far("train: 5s");
    let bad = if bad.is_empty() { branch(1) } else { branch(1).far(bad) };
    let mut town = Town::new(&["courier", "courier"], [bad, branch(2)]);
    town.policy.push_str(", degraded: { train: { margin: 300ms } }");
    town
}

/// One night, and its row of a line.
fn night(stage: &Stage, bad: &str) -> Row {
    let exchange = Exchange::of(&town(bad), stage);
    let ended = audited(stage, &[]);
    drop(exchange);
    let lines = rows(&run_of(stage, "latest").join("lines.csv"));
    let row = lines.into_iter().find(|row| row["line"] == "BR0001-A");
    row.unwrap_or_else(|| panic!("{}", ended.said()))
}

/// Four more nights like the last one.
fn four_more(stage: &Stage) {
    let first = fs::canonicalize(run_of(stage, "latest")).unwrap();
    for day in 1..=4 {
        let folder = first.with_file_name(format!("2025010{day}T020000Z-town"));
        fs::create_dir(&folder).unwrap();
        let journal = fs::read_to_string(first.join("events.jsonl")).unwrap();
        let (from, to) =
            (first.file_name().unwrap().to_string_lossy(), folder.file_name().unwrap().to_string_lossy());
        fs::write(folder.join("events.jsonl"), journal.replacen(&*from, &to, 1)).unwrap();
    }
}

#[test]
fn a_line_that_trains_far_longer_than_on_the_nights_before_is_degraded() {
    let stage = Stage::new();
    let slow = "fault: { kind: slow-train, span: 60s }";
    assert_eq!(night(&stage, "")["result"], "pass");
    four_more(&stage);
    let row = night(&stage, slow);
    assert_eq!((row["result"].as_str(), row["fault"].as_str()), ("degraded", "slow-train"), "{row:?}");
    assert!(row["detail"].contains(" s, usual 0.") && row["detail"].contains("(5 nights, "), "{row:?}");
    // What is neither in the history nor in the folder any more teaches nothing.
    let reports = fs::canonicalize(run_of(&stage, "latest")).unwrap();
    let reports = reports.parent().unwrap();
    for entry in fs::read_dir(reports).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("2025") {
            fs::remove_dir_all(entry.path()).unwrap();
        } else if name.starts_with("history.db") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    assert_eq!(night(&stage, slow)["result"], "pass");
}
