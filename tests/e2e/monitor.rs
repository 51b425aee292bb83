//! A monitor that asks: `lineman report status` after real nights, its exit codes, what it says of old and of missing runs;
//! and the files that monitors read, which are whole or not there.

use std::fs;

use crate::night::{Ended, Exchange, RUN, Running, audited, rows, run_of};
use crate::stage::Stage;
use crate::town::{Branch, Town};

fn report(stage: &Stage, words: &[&str]) -> Ended {
    let mut command = stage.lineman(["report"]);
    command.args(words);
    Running::start(command).finish(RUN)
}

/// Asks; the first line of the answer has to begin so, and there is nothing on stderr, which no monitor reads.
#[track_caller]
fn asked(stage: &Stage, words: &[&str], code: i32, begins: &str) -> String {
    let answer = report(stage, &[&["status"], words].concat());
    assert_eq!(answer.code(), Some(code), "{words:?}: {}", answer.said());
    assert!(answer.out.starts_with(begins), "{words:?}: {}", answer.said());
    assert!(answer.err.is_empty(), "{words:?}: {}", answer.said());
    answer.out
}

#[test]
fn a_monitor_learns_how_lines_stand_in_one_line_and_a_code() {
    let stage = Stage::new();
    asked(&stage, &[], 3, "LINEMAN UNKNOWN - reports cannot be read");
    let branches =
        [Branch::new(1), Branch::with_fault(2, "busy"), Branch::new(3), Branch::with_fault(4, "no-answer")];
    let town = Town::new(&["courier", "v250"], branches);
    let exchange = Exchange::of(&town, &stage);
    let night = audited(&stage, &["--plain"]);
    let first = run_of(&stage, "latest");

    let text = asked(&stage, &["BR0001-A"], 0, "LINEMAN OK - BR0001-A pass; ");
    let figures = text.lines().next().unwrap().split_once('|').unwrap().1;
    let row = rows(&first.join("lines.csv")).into_iter().find(|row| row["line"] == "BR0001-A").unwrap();
    for phase in ["setup", "train", "connect", "login", "total"] {
        let cell = &row[&format!("{phase}_ms")];
        let expected = cell.parse::<u64>().ok().map(|ms| format!(" {phase}={}.{:03}s", ms / 1000, ms % 1000));
        let told = figures.contains(&format!(" {phase}="));
        assert_eq!(told, expected.is_some(), "{phase}: {figures}");
        assert!(expected.is_none_or(|expected| figures.contains(&expected)), "{phase} {cell}: {figures}");
    }
    let text = asked(&stage, &["BR0002-A"], 2, "LINEMAN CRITICAL - BR0002-A fail: busy (far-line)");
    assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("the line is busy")), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains('|')).count(), 1, "{text}");
    asked(&stage, &["BR0001-A", "BR0003"], 0, "LINEMAN OK - BR0001-A, BR0003: 2 lines, 2 ok |critical=0");
    let plan = asked(&stage, &[], 2, "LINEMAN CRITICAL - plan ");
    assert!(plan.contains("4 lines, 2 critical, 2 ok; BR000"), "{plan}");
    // A finding of a moment ago is too old for some.
    asked(
        &stage,
        &["BR0001-A", "--max-age", "0"],
        3,
        "LINEMAN UNKNOWN - BR0001-A not tested within 0 s: pass",
    );
    // Whatever is wrong is UNKNOWN: a monitor would take 2 for CRITICAL.
    asked(
        &stage,
        &["BR0099-A"],
        3,
        "LINEMAN UNKNOWN - no run in reports that has ended has a line or site BR0099-A",
    );
    asked(&stage, &["--plan", "other"], 3, "LINEMAN UNKNOWN - there is no run of plan other");
    asked(&stage, &["--max-age", "soon"], 3, "LINEMAN UNKNOWN - invalid value soon");
    asked(&stage, &["--what"], 3, "LINEMAN UNKNOWN - unexpected argument --what");

    // By day a technician walks one branch: that clears no alarm of the others, and raises none.
    let branch = audited(&stage, &["--plain", "--only", "BR0003-A"]);
    assert_ne!(run_of(&stage, "latest"), first, "{}", branch.said());
    asked(&stage, &["BR0003-A"], 0, "LINEMAN OK - BR0003-A pass; ");
    let text = asked(&stage, &["BR0002-A"], 2, "LINEMAN CRITICAL - BR0002-A fail: busy (far-line); ");
    assert!(text.contains("the last run left it out"), "{text}");
    asked(&stage, &["BR0001-A"], 0, "LINEMAN OK - BR0001-A pass; ");
    let passive = report(&stage, &["nagios"]);
    let told: Vec<&str> = passive.out.lines().filter_map(|line| line.split(';').nth(2)).collect();
    assert_eq!(told, ["lineman BR0003-A"], "{}", passive.said());
    let metrics = fs::read_to_string(run_of(&stage, "latest").join("metrics.prom")).unwrap();
    let sample = |line: &str| {
        let labels = format!("site=\"{}\",line=\"{line}\"}} ", &line[..6]);
        let of = metrics.lines().find(|text| text.starts_with("lineman_line_up{") && text.contains(&labels));
        of.and_then(|text| text.rsplit(' ').next()).unwrap_or_default().to_owned()
    };
    assert_eq!(["BR0001-A", "BR0002-A", "BR0003-A"].map(sample), ["1", "0", "1"], "{}", night.said());
    drop(exchange);

    // A run that has not ended says nothing yet: the one before it does.
    let live = stage.path("reports/29991231T235959Z-later");
    fs::create_dir_all(&live).unwrap();
    let journal = fs::read_to_string(first.join("events.jsonl")).unwrap();
    let half: Vec<&str> = journal.lines().take(journal.lines().count() / 2).collect();
    fs::write(live.join("events.jsonl"), half.join("\n") + "\n").unwrap();
    asked(&stage, &["BR0002-A"], 2, "LINEMAN CRITICAL - BR0002-A fail: busy");
    // One that ended and was written later does.
    fs::write(live.join("events.jsonl"), journal.replace("\"fault\":\"busy\"", "\"fault\":\"voice\""))
        .unwrap();
    asked(&stage, &["BR0002-A"], 2, "LINEMAN CRITICAL - BR0002-A fail: voice");
}

#[test]
fn what_monitors_read_is_there_once_a_run_has_ended_and_never_before() {
    let stage = Stage::new();
    let town = Town::new(&["courier"], [Branch::new(1), Branch::with_fault(2, "busy")]);
    let exchange = Exchange::of(&town, &stage);
    let mut run = Running::start(crate::night::audit(&stage, &["--plain"]));
    run.wait_for_verdicts(1);
    let metrics = run_of(&stage, "current").join("metrics.prom");
    // Looked at while its writer may be at work: if it is there, it is whole.
    let mut seen = 0;
    while run.is_running() {
        if let Ok(text) = fs::read_to_string(&metrics) {
            assert!(text.ends_with("# EOF\n"), "{text}");
            seen += 1;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    }
    let ended = run.finish(RUN);
    let text = fs::read_to_string(&metrics).unwrap();
    assert!(text.contains("lineman_run_completed{") && text.ends_with("# EOF\n"), "{seen} {}", ended.said());
    // Rendered again it is the same, wherever it goes.
    assert_eq!(report(&stage, &["prometheus"]).out, text);
    assert_eq!(report(&stage, &["prometheus", "-o", "again.prom"]).code(), Some(0));
    assert_eq!(fs::read_to_string(stage.path("again.prom")).unwrap(), text);
    drop(exchange);
}
