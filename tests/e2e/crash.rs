//! Killed at any instant, a run loses no finished verdict, and `--resume` redials no finished line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use lineman::model::EventKind;

use crate::night::{Exchange, Running, audit, audited, journal, rows, run_of, verdicts};
use crate::stage::Stage;
use crate::town::{Branch, Town};

const LINES: usize = 18;

/// A night with something of everything that a journal can hold.
fn town() -> Town {
    let branches = (1..=LINES).map(|n| match n {
        3 => Branch::with_fault(n, "busy"),
        6 => Branch::with_fault(n, "{ kind: busy, times: 1 }"),
        9 => Branch::with_fault(n, "open-console"),
        12 => Branch::with_fault(n, "{ kind: wrong-host, text: other-rtr9 }"),
        15 => Branch::new(n).near("on_hold: \"dug up\""),
        _ => Branch::new(n),
    });
    Town::new(&["courier", "generic", "v250"], branches)
}

/// Lines that have a verdict in the journal of the run.
fn judged(run: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(run.join("events.jsonl")).expect("a run has a journal");
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut judged = BTreeSet::new();
    for line in whole.lines() {
        match serde_json::from_str::<lineman::model::Event>(line).expect("a line of JSON").kind {
            EventKind::Verdict(verdict) => drop(judged.insert(verdict.line.to_string())),
            EventKind::VerdictWithdrawn { line, .. } => drop(judged.remove(line.as_str())),
            _ => {}
        }
    }
    judged
}

#[test]
fn a_run_that_is_killed_after_its_last_call_is_published_by_resume() {
    let stage = Stage::new();
    let town = Town::new(&["courier"], [Branch::new(1), Branch::with_fault(2, "busy")]);
    let _exchange = Exchange::of(&town, &stage);
    let night = audited(&stage, &[]);
    assert_eq!(night.code(), Some(1), "{}", night.said());
    let run = run_of(&stage, "latest");
    let whole = fs::read(run.join("report.html")).expect("a page");
    // As it lies there when the journal has the end, and nothing else has.
    fs::remove_file(stage.path("reports/latest")).expect("a link");
    for view in ["report.html", "metrics.prom", "junit.xml"] {
        fs::remove_file(run.join(view)).expect("a view");
    }
    let resumed = audited(&stage, &["--resume"]);
    assert_eq!(resumed.code(), Some(1), "{}", resumed.said());
    assert!(resumed.err.contains("come to its end"), "{}", resumed.said());
    assert_eq!(run_of(&stage, "latest"), run);
    assert!(fs::read(run.join("report.html")).expect("a page") == whole && run.join("metrics.prom").exists());
    let again = audited(&stage, &["--resume"]);
    assert!(again.code() == Some(2) && again.err.contains("nothing to resume"), "{}", again.said());
}

/// Every line once, in the plan's order, each with its verdict.
fn assert_complete(run: &Path, said: &str) {
    let lines = rows(&run.join("lines.csv"));
    let ids: Vec<String> = lines.iter().map(|row| row["line"].clone()).collect();
    let planned: Vec<String> = (1..=LINES).map(|n| Branch::new(n).id).collect();
    assert_eq!(ids, planned, "{said}");
    for row in &lines {
        let expected = match row["line"].as_str() {
            "BR0003-A" => "busy",
            "BR0009-A" => "open-console",
            "BR0012-A" => "wrong-console",
            "BR0015-A" => "on-hold",
            // How many calls of a line with an end were lost is chance; a new exchange is busy once more, too.
            "BR0006-A" if ["needed-retry", "busy"].contains(&row["fault"].as_str()) => &row["fault"],
            _ => "",
        };
        assert_eq!(row["fault"], expected, "{row:?}\n{said}");
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_dials_no_finished_line_twice() {
    let stage = Stage::new();
    let exchange = Exchange::of(&town(), &stage);
    let latest = stage.path("reports/latest");
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut dialed_before = 0;
    let mut args: &[&str] = &["--plain"];
    for verdicts_seen in [1, 3, 2, 4] {
        let mut run = Running::start(audit(&stage, args));
        run.wait_for_verdicts(verdicts_seen);
        let shown = run.kill_hard();
        assert!(!latest.exists(), "half a night is told as a whole one");
        let folder = run_of(&stage, "current");
        let now = judged(&folder);
        // What was shown is on disk, and nothing that was there is gone.
        let told: BTreeSet<String> = shown
            .out
            .lines()
            .filter(|line| verdicts(line) == 1)
            .filter_map(|line| line.split_ascii_whitespace().nth(3).map(ToOwned::to_owned))
            .collect();
        assert!(told.is_subset(&now) && done.is_subset(&now), "{told:?} {done:?} {now:?}");
        exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
        let dialed = exchange.dialed();
        let again: Vec<&String> =
            dialed[dialed_before..].iter().filter(|line| done.contains(*line)).collect();
        assert!(again.is_empty(), "dialed again: {again:?}\n{}", shown.said());
        (done, dialed_before, args) = (now, dialed.len(), &["--plain", "--resume"]);
    }
    let ended = audited(&stage, args);
    let said = ended.said();
    assert_eq!(ended.code(), Some(1), "{said}");
    let dialed = exchange.dialed();
    assert!(!dialed[dialed_before..].iter().any(|line| done.contains(line)), "{done:?} {dialed:?}\n{said}");
    let run = run_of(&stage, "latest");
    assert_eq!(run, run_of(&stage, "current"), "one run it was, and one it stayed");
    assert_complete(&run, &said);
    let runs =
        fs::read_dir(stage.path("reports")).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    // `current` and `latest` are folders too, by their links.
    assert_eq!(runs.count(), 3, "a resumed run makes no folder of its own");

    // No call has two numbers, and no number is given twice, whatever was lost.
    let calls = rows(&run.join("calls.csv"));
    let ids: BTreeSet<&String> = calls.iter().map(|call| &call["call"]).collect();
    assert_eq!(ids.len(), calls.len());
    assert!(calls.len() <= dialed.len(), "more calls are told than were made");
    // It is complete: there is nothing left to resume.
    let again = audited(&stage, &["--resume"]);
    assert_eq!(again.code(), Some(2), "{}", again.said());
    assert!(again.err.contains("complete"), "{}", again.said());
    assert_eq!(exchange.dialed().len(), dialed.len());
}

#[test]
fn a_reader_never_sees_half_a_file_nor_half_a_night() {
    let stage = Stage::new();
    town().found(&stage);
    let mut run = Running::start(audit(&stage, &["--plain"]));
    run.wait_for("the first verdict", |text| verdicts(text) > 0);
    let folder = run_of(&stage, "current");
    let mut versions = BTreeSet::new();
    let columns = 59;
    while run.is_running() {
        for name in ["lines.csv", "calls.csv", "modems.csv", "summary.json"] {
            // It may not be there yet, but never in part.
            let Ok(text) = fs::read_to_string(folder.join(name)) else { continue };
            assert!(text.ends_with('\n'), "{name} is torn: {text:?}");
            if name == "summary.json" {
                serde_json::from_str::<serde_json::Value>(&text)
                    .unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
                continue;
            }
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let records: Vec<csv::StringRecord> = reader
                .records()
                .map(|row| row.unwrap_or_else(|e| panic!("{name} is torn: {e}\n{text}")))
                .collect();
            if name == "lines.csv" {
                assert_eq!(reader.headers().unwrap().len(), columns);
                versions.insert(records.len());
            }
        }
        let latest = fs::read_link(stage.path("reports/latest"));
        assert!(latest.is_err() || judged(&folder).len() == LINES, "`latest` moved before the end");
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
    let ended = run.finish(crate::night::SOON);
    assert_eq!(ended.code(), Some(1), "{}", ended.said());
    assert!(!versions.is_empty(), "lines.csv was never seen while the run went on");
    assert_complete(&run_of(&stage, "latest"), &ended.said());
}

#[test]
fn a_journal_that_was_cut_at_any_byte_is_gone_on_with() {
    let stage = Stage::new();
    town().found(&stage);
    let mut run = Running::start(audit(&stage, &["--plain"]));
    run.wait_for_verdicts(8);
    run.kill_hard();
    let path = run_of(&stage, "current").join("events.jsonl");
    let whole = fs::read(&path).unwrap();
    let header = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // Between a password and its proof a cut stops the credential: that is `credentials`' matter.
    let proven = find(&whole, b"\"state\":\"proven\"") + 200;
    let mut chance = fastrand::Rng::with_seed(11);
    let cuts: Vec<usize> = [header, header + 1, whole.len() - 1]
        .into_iter()
        .chain(std::iter::repeat_with(|| chance.usize(proven..whole.len())).take(5))
        .collect();
    std::thread::scope(|scope| {
        for cut in cuts {
            let (whole, from) = (&whole, &stage);
            scope.spawn(move || {
                let stage = Stage::new();
                copy(&from.path(""), &stage.path(""));
                let journal_path = run_of(&stage, "current").join("events.jsonl");
                fs::write(&journal_path, &whole[..cut]).unwrap();
                let before = judged(&run_of(&stage, "current"));
                let ended = audited(&stage, &["--plain", "--resume"]);
                let said = format!("cut at {cut}: {}", ended.said());
                assert_eq!(ended.code(), Some(1), "{said}");
                let run = run_of(&stage, "latest");
                assert_complete(&run, &said);
                let torn = whole[cut - 1] != b'\n';
                assert_eq!(ended.err.contains("cut off"), torn, "a cut is told: {said}");
                let mut sittings = 0;
                for event in journal(&run) {
                    match event.kind {
                        EventKind::RunResumed(_) => sittings += 1,
                        EventKind::CallStarted { line, .. } if sittings > 0 => {
                            assert!(!before.contains(line.as_str()), "{line} was finished\n{said}");
                        }
                        _ => {}
                    }
                }
                assert_eq!(sittings, 1, "{said}");
            });
        }
    });
    // In its first line there is no run yet; a hole in the middle is damage. Neither is guessed at.
    let mut hole = whole.clone();
    hole[header + 3] = b'\xff';
    for (text, what) in [(&hole[..], "at line 2"), (&whole[..header - 2], "before anything was dialed")] {
        fs::write(&path, text).unwrap();
        let ended = audited(&stage, &["--plain", "--resume"]);
        assert_eq!(ended.code(), Some(2), "{what}: {}", ended.said());
        assert!(ended.err.contains(what), "{what}: {}", ended.said());
        // A first line in part was never told to anybody; all else is kept for people to look at.
        assert!(text.len() < header || fs::read(&path).unwrap() == text, "what can't be read was changed");
    }
}

/// All files of a run that are views of its journal.
fn views(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut views = BTreeMap::new();
    for folder in [run.to_owned(), run.join("transcripts")] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() && name != "events.jsonl" && name != ".lock" {
                views.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    views
}

#[test]
fn a_report_that_is_rendered_again_has_the_same_bytes() {
    let stage = Stage::new();
    town().found(&stage);
    let mut run = Running::start(audit(&stage, &["--plain"]));
    run.wait_for_verdicts(4);
    run.kill_hard();
    let ended = audited(&stage, &["--plain", "--resume"]);
    let run = run_of(&stage, "latest");
    let before = views(&run);
    assert!(before.len() >= 5, "{:?}", before.keys());
    for name in ["lines.csv", "calls.csv", "modems.csv", "summary.json"] {
        fs::remove_file(run.join(name)).unwrap();
    }
    fs::remove_dir_all(run.join("transcripts")).unwrap();
    let id = run.file_name().unwrap().to_string_lossy().into_owned();
    let mut command = stage.lineman(["report", &id, "--reports", "reports"]);
    command.env("TZ", "Asia/Tokyo").env("LC_ALL", "de_DE.UTF-8");
    let again = Running::start(command).finish(crate::night::SOON);
    assert_eq!(again.code(), ended.code(), "{}", again.said());
    let after = views(&run);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, bytes) in before {
        assert!(bytes == after[&name], "{name} differs:\n{}", String::from_utf8_lossy(&after[&name]));
    }
    // The summary is the one that was told at the end of the run.
    let told = |text: &str| text.split_once("Run 2").map(|(_, rest)| rest.to_owned());
    assert_eq!(told(&again.out), told(&ended.out));
}

/// A journal that a lineman wrote which knew nothing of diagnostics.
#[test]
fn a_journal_of_an_older_schema_is_rendered_by_the_command() {
    let stage = Stage::new();
    let run = stage.path("reports").join("20261121T020000Z-nightly");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("events.jsonl"), include_str!("../fixtures/journal/schema-1.jsonl")).unwrap();
    let command = stage.lineman(["report", "20261121T020000Z-nightly", "--reports", "reports"]);
    let rendered = Running::start(command).finish(crate::night::SOON);
    assert_eq!(rendered.code(), Some(1), "{}", rendered.said());
    let lines = fs::read_to_string(run.join("lines.csv")).unwrap();
    assert_eq!(lines.lines().count(), 14, "a header and 13 lines");
    assert!(lines.lines().next().unwrap().contains(",hostname,termination,"), "{lines}");
    assert!(lines.lines().nth(1).unwrap().contains("br0001-rtr1,,,,,,,,,,"), "{lines}");
}

fn find(text: &[u8], what: &[u8]) -> usize {
    text.windows(what.len()).position(|window| window == what).expect("it is there")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(path).unwrap(), place).unwrap();
        } else if path.is_dir() {
            fs::create_dir_all(&place).unwrap();
            copy(&path, &place);
        } else {
            fs::copy(path, place).unwrap();
        }
    }
}
