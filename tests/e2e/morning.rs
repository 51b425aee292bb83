//! The morning after: what changed leads everything that a run says, and the history answers what is asked of it.

use std::fs;
use std::path::PathBuf;

use crate::night::{Ended, Exchange, RUN, Running, audited, rows, run_of};
use crate::stage::Stage;
use crate::town::{Branch, Town};

/// One night over these branches: their numbers, and their faults.
fn night(stage: &Stage, branches: &[(usize, &str)]) -> (Ended, PathBuf) {
    let branch = |&(n, fault): &(usize, &str)| match fault {
        "" => Branch::new(n),
        fault => Branch::with_fault(n, fault),
    };
    let exchange = Exchange::of(&Town::new(&["courier", "v250"], branches.iter().map(branch)), stage);
    let ended = audited(stage, &["--plain"]);
    drop(exchange);
    (ended, run_of(stage, "latest"))
}

fn report(stage: &Stage, words: &[&str]) -> Ended {
    let mut command = stage.lineman(["report"]);
    command.args(words);
    Running::start(command).finish(RUN)
}

#[test]
fn what_changed_leads_and_everything_can_be_asked_again() {
    let stage = Stage::new();
    let (first, run) = night(&stage, &[(1, ""), (2, "busy"), (3, "no-answer"), (4, "")]);
    assert!(!first.out.contains("What changed"), "{}", first.said());
    assert!(
        rows(&run.join("lines.csv")).iter().all(|row| row["change"].is_empty() && row["nights"].is_empty())
    );
    let alone = report(&stage, &["diff"]);
    assert!(alone.code() == Some(2) && alone.err.contains("nothing to compare"), "{}", alone.said());

    let (second, run) = night(&stage, &[(1, "busy"), (2, ""), (3, "no-answer"), (5, "")]);
    let changes: Vec<String> = rows(&run.join("lines.csv"))
        .iter()
        .map(|row| format!("{} {} {}", row["line"], row["change"], row["nights"]))
        .collect();
    let expected =
        ["BR0001-A new-failure 1", "BR0002-A recovered 1", "BR0003-A still-failing 2", "BR0005-A new-line 1"];
    assert_eq!(changes, expected, "{}", second.said());
    // As they came, and at the end before any count.
    assert!(second.out.contains("BR0001-A [NEW] busy"), "{}", second.said());
    assert!(second.out.contains("BR0003-A [2nd run since "), "{}", second.said());
    let page = &second.out[second.out.find("What changed since ").unwrap()..];
    let place = |words: &str| page.find(words).unwrap_or_else(|| panic!("`{words}` is not in\n{page}"));
    let order = [
        place("new failures: 1 line"),
        place("BR0001-A  busy  passed in 1 run since "),
        place("recovered: 1 line"),
        place("BR0002-A  pass  was busy in 1 run since "),
        place("new lines: 1 line"),
        place("gone lines: 1 line"),
        place("known already: still failing 1"),
        place("\n  pass "),
    ];
    assert!(order.is_sorted(), "{page}");
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap();
    let told = &summary["changes"];
    assert_eq!(
        (&told["new_failures"][0]["line"], &told["new_failures"][0]["was"]),
        (&"BR0001-A".into(), &"pass".into())
    );
    assert_eq!(told["gone_lines"][0]["line"], "BR0004-A");

    // The history says the same of the two runs, in each of its forms.
    let text = report(&stage, &["diff"]);
    assert_eq!(text.code(), Some(0), "{}", text.said());
    assert!(text.out.contains("BR0001-A  busy  passed in 1 run since "), "{}", text.said());
    // Nothing else of it names what everybody knows.
    assert!(
        text.out.contains("still failing: 1 line\n    BR0003-A  no-answer  in 2 runs since "),
        "{}",
        text.said()
    );
    let json: serde_json::Value =
        serde_json::from_str(&report(&stage, &["diff", "--format", "json"]).out).unwrap();
    assert_eq!(json["changes"]["counts"], told["counts"]);
    let csv = report(&stage, &["diff", "--format", "csv"]).out;
    let mut classes: Vec<&str> = csv.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["gone-line", "new-failure", "new-line", "recovered", "still-failing"]);
    // A run against itself: nothing is new.
    let name = json["to"]["run"].as_str().unwrap();
    let itself = report(&stage, &["diff", name, name]);
    assert!(itself.out.contains("nothing is new"), "{}", itself.said());
    let turned = report(&stage, &["diff", name, json["from"]["run"].as_str().unwrap()]);
    assert!(
        turned.code() == Some(2) && turned.err.contains("the earlier one comes first"),
        "{}",
        turned.said()
    );

    let trend = report(&stage, &["trend", "BR0002-A"]);
    assert_eq!(trend.code(), Some(0), "{}", trend.said());
    assert!(trend.out.contains("[X.]") && trend.out.contains("too few nights"), "{}", trend.said());
    let drifting = report(&stage, &["trend"]);
    assert!(
        drifting.code() == Some(0)
            && drifting.out.contains("nothing drifts: of 4 lines that work and modems, 0 have"),
        "{}",
        drifting.said()
    );
    let nobody = report(&stage, &["trend", "BR9999"]);
    assert!(nobody.code() == Some(2) && nobody.err.contains("BR9999"), "{}", nobody.said());
    let rates = report(&stage, &["rates", "--by", "site", "--format", "csv"]).out;
    assert!(rates.contains("\r\nsite,BR0003,2,2,0,1,1.000000,"), "{rates}");
    let modems = report(&stage, &["rates", "--by", "modem"]);
    assert!(modems.code() == Some(0) && modems.out.contains("too few calls"), "{}", modems.said());
}
