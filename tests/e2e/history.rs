//! The history across nights: what the last night found is known the next one; a history that is lost is made again from
//! the journals, and one that can't be used is told and left as it is, and changes no verdict.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lineman::model::{EventKind, Fault, LineBefore};
use rusqlite::Connection;

use crate::night::{Ended, Exchange, Running, audit, audited, journal, rows, run_of};
use crate::stage::Stage;
use crate::town::{Branch, Town};

fn database(stage: &Stage) -> PathBuf {
    stage.path("reports/history.db")
}

/// What SQLite says to anybody who asks.
fn asked(stage: &Stage, sql: &str) -> String {
    let answer = Connection::open(database(stage)).unwrap().query_row(sql, [], |row| row.get(0));
    answer.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// What the last run was told of its lines before it began.
fn before(run: &Path) -> BTreeMap<String, LineBefore> {
    let mut events = journal(run).into_iter().enumerate();
    let told = events.find_map(|(nth, event)| match event.kind {
        EventKind::LinesBefore { lines } => Some((nth, lines)),
        _ => None,
    });
    let Some((nth, lines)) = told else { return BTreeMap::new() };
    assert_eq!(nth, 1, "it stands behind the header");
    lines.into_iter().map(|before| (before.line.to_string(), before)).collect()
}

fn notices(run: &Path) -> String {
    let text = |event: lineman::model::Event| match event.kind {
        EventKind::Notice { text } => Some(text + "\n"),
        _ => None,
    };
    journal(run).into_iter().filter_map(text).collect()
}

fn results(run: &Path) -> Vec<String> {
    rows(&run.join("lines.csv")).iter().map(|row| format!("{} {}", row["result"], row["fault"])).collect()
}

/// One night over three branches with these faults.
fn night(stage: &Stage, faults: [&str; 3]) -> (Ended, PathBuf, Vec<String>) {
    let branch = |(n, fault): (usize, &str)| match fault {
        "" => Branch::new(n),
        fault => Branch::with_fault(n, fault),
    };
    let exchange = Exchange::of(&Town::new(&["courier", "v250"], (1..).zip(faults).map(branch)), stage);
    let ended = audited(stage, &["--plain"]);
    let dialed = exchange.dialed();
    (ended, run_of(stage, "latest"), dialed)
}

#[test]
fn a_night_knows_what_the_last_one_found_and_a_lost_history_is_made_again() {
    let stage = Stage::new();
    let (first, run, _) = night(&stage, ["", "busy", "voice"]);
    assert!(before(&run).is_empty(), "{}", first.said());
    assert_eq!(notices(&run), "", "a first run misses nothing\n{}", first.said());
    assert_eq!(results(&run), ["pass ", "fail busy", "fail voice"], "{}", first.said());

    let (second, run, dialed) = night(&stage, ["no-answer", "busy", ""]);
    let told = before(&run);
    let tested = |line: &str| told[line].tested.clone().unwrap();
    assert_eq!(told.len(), 3, "{}", second.said());
    assert_eq!((tested("BR0001-A").fault, tested("BR0001-A").runs), (None, 1));
    assert_eq!(tested("BR0002-A").fault.map(Fault::code), Some("busy"));
    assert!(!dialed.contains(&"BR0003-A".to_owned()), "a stranger was rung again\n{}", second.said());
    assert_eq!(results(&run), ["fail no-answer", "fail busy", "untested on-hold"], "{}", second.said());
    let verdicts =
        "SELECT group_concat(line || ' ' || fault, ', ') FROM (SELECT * FROM verdicts ORDER BY run, line)";
    let all = "BR0001-A , BR0002-A busy, BR0003-A voice, BR0001-A no-answer, BR0002-A busy, BR0003-A on-hold";
    assert_eq!(asked(&stage, verdicts), all);
    let name = run.file_name().unwrap().to_string_lossy();
    let calls = format!(
        "SELECT count(*) || ' ' || count(train_ms) || ' ' || sum(total_ms) FROM calls WHERE run <= '{name}'"
    );
    let counted = asked(&stage, &calls);

    // Lost with all its files: the journals have everything.
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        let _ = fs::remove_file(stage.path("reports").join(name));
    }
    let import = |more: &[&str]| {
        let mut command = stage.lineman(["report", "import"]);
        command.args(more);
        Running::start(command).finish(crate::night::RUN)
    };
    let (third, run, _) = night(&stage, ["no-answer", "", ""]);
    let told = before(&run);
    let tested = |line: &str| told[line].tested.clone().unwrap();
    assert_eq!(tested("BR0002-A").runs, 2, "{}", third.said());
    assert_eq!(
        (told["BR0003-A"].untested_runs, tested("BR0003-A").fault.map(Fault::code)),
        (1, Some("voice"))
    );
    assert_eq!(asked(&stage, "SELECT CAST(count(*) AS TEXT) FROM runs"), "3");

    // And by hand, twice.
    fs::remove_file(database(&stage)).unwrap();
    let made = import(&[]);
    assert_eq!(made.code(), Some(0), "{}", made.said());
    assert!(made.out.contains("3 runs taken in"), "{}", made.said());
    assert!(asked(&stage, verdicts).starts_with(all));
    assert_eq!(asked(&stage, &calls), counted);
    let again = import(&["reports"]);
    assert!(
        again.out.contains("0 runs taken in") && again.out.contains("3 known already"),
        "{}",
        again.said()
    );
    // A journal that is damaged is left out, and said so; nonsense is usage.
    let copy = stage.path("reports/20250101T020000Z-town");
    fs::create_dir(&copy).unwrap();
    fs::write(copy.join("events.jsonl"), "nonsense\n").unwrap();
    let partly = import(&[]);
    assert_eq!(partly.code(), Some(1), "{}", partly.said());
    assert!(
        partly.err.contains("20250101T020000Z-town") && partly.out.contains("1 left out"),
        "{}",
        partly.said()
    );
    assert_eq!(import(&["nowhere"]).code(), Some(2));
}

#[test]
fn a_history_that_can_not_be_used_is_told_and_changes_no_verdict() {
    let stage = Stage::new();
    let faults = ["", "busy", ""];
    let expected = ["pass ", "fail busy", "pass "];
    night(&stage, faults);
    let sound = fs::read(database(&stage)).unwrap();

    // Damaged behind its first page.
    let mut damaged = sound.clone();
    damaged[4096..].fill(0xa5);
    fs::write(database(&stage), &damaged).unwrap();
    let (ended, run, _) = night(&stage, faults);
    assert_eq!(
        (ended.code(), results(&run)),
        (Some(1), expected.map(str::to_owned).to_vec()),
        "{}",
        ended.said()
    );
    let told = notices(&run);
    assert!(
        told.contains("history.db` is damaged") && told.contains("report import"),
        "{told}\n{}",
        ended.said()
    );
    assert!(ended.err.contains("history.db` is damaged"), "{}", ended.said());
    assert_eq!(fs::read(database(&stage)).unwrap(), damaged, "it was changed");

    // Somebody else's file.
    fs::write(database(&stage), "my notes").unwrap();
    let (ended, run, _) = night(&stage, faults);
    assert_eq!(
        (ended.code(), results(&run)),
        (Some(1), expected.map(str::to_owned).to_vec()),
        "{}",
        ended.said()
    );
    assert!(notices(&run).contains("is no history of lineman"), "{}", ended.said());
    assert_eq!(fs::read_to_string(database(&stage)).unwrap(), "my notes");

    // The file of the first night is put back, and another program writes to it all night: it can still be read.
    fs::write(database(&stage), &sound).unwrap();
    let other = Connection::open(database(&stage)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE line SET name = name").unwrap();
    let (ended, run, _) = night(&stage, faults);
    assert_eq!(
        (ended.code(), results(&run)),
        (Some(1), expected.map(str::to_owned).to_vec()),
        "{}",
        ended.said()
    );
    assert!(notices(&run).contains("held by another program"), "{}", ended.said());
    assert_eq!(before(&run).len(), 3, "{}", ended.said());
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);

    // Nothing was lost: the next run catches up with all of them.
    let (ended, run, _) = night(&stage, faults);
    assert!(!notices(&run).contains("history"), "{}", ended.said());
    let busy = before(&run)["BR0002-A"].tested.clone().unwrap();
    assert_eq!(busy.runs, 4, "{}", ended.said());
    assert_eq!(asked(&stage, "SELECT CAST(count(*) AS TEXT) FROM runs"), "5");
}

#[test]
fn a_run_that_was_killed_is_caught_up_with_and_one_that_goes_on_is_told_once() {
    let stage = Stage::new();
    let mut town = Town::new(&["courier"], (1..=8).map(Branch::new));
    town.plan_keys.push_str("\nhistory: { file: kept/lineman.db }\n");
    let exchange = Exchange::of(&town, &stage);
    // Its folder is not there: told, and no more.
    let ended = audited(&stage, &["--plain"]);
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    assert!(ended.err.contains("kept/lineman.db"), "{}", ended.said());
    fs::create_dir(stage.path("kept")).unwrap();

    let mut run = Running::start(audit(&stage, &["--plain"]));
    run.wait_for_verdicts(3);
    let killed = run.kill_hard();
    exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
    let folder = run_of(&stage, "current");
    assert_eq!(before(&folder).len(), 8, "{}", killed.said());

    // Another run begins before that one goes on.
    let ended = audited(&stage, &["--plain"]);
    let told = before(&run_of(&stage, "latest"));
    let twice =
        told.values().filter(|line| line.tested.as_ref().is_some_and(|tested| tested.runs == 2)).count();
    assert!((3..8).contains(&twice), "{told:?}\n{}", ended.said());

    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let ended = audited(&stage, &["--plain", "--resume", &name]);
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    let telling = journal(&folder).iter().filter(|e| matches!(e.kind, EventKind::LinesBefore { .. })).count();
    assert_eq!(telling, 1, "{}", ended.said());
    let kept = Connection::open(stage.path("kept/lineman.db")).unwrap();
    let passes: i64 = kept.query_row("SELECT sum(pass) FROM runs", [], |row| row.get(0)).unwrap();
    assert_eq!(passes, 24);
    assert!(!database(&stage).exists());
}
