//! The formats of a run, as their users get them: each says the same of each line, real validators take them, and nobody
//! ever reads half of one.

mod readers;
mod tearing;
mod validators;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::night::{Ended, RUN, Running};
use crate::stage::Stage;

use self::readers::Verdicts;
pub(crate) use self::validators::is_a_data_package;

/// The sample's run.
const RUN_ID: &str = "20261121T020000Z-nightly";

/// A reports folder with one run, of which there is the journal alone.
fn with_journal(text: &str) -> Stage {
    let stage = Stage::new();
    let run = stage.path("reports").join(RUN_ID);
    fs::create_dir_all(&run).expect("a folder for the run");
    fs::write(run.join("events.jsonl"), text).expect("a journal");
    stage
}

fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `lineman report WORDS... RUN`.
fn report(stage: &Stage, words: &[&str]) -> Ended {
    let mut command = stage.lineman(["report"]);
    command.args(words).arg(RUN_ID);
    Running::start(command).finish(RUN)
}

fn told(stage: &Stage, words: &[&str]) -> String {
    let ended = report(stage, words);
    assert_eq!(ended.code(), Some(0), "{words:?}: {}", ended.said());
    ended.out
}

/// Every format with its reader, and the words that ask for it.
type Format = (&'static [&'static str], fn(&str) -> Verdicts);
const FORMATS: [Format; 7] = [
    (&["csv"], readers::csv),
    (&["json"], readers::json),
    (&["junit"], readers::junit),
    (&["html"], readers::html),
    (&["prometheus"], readers::prometheus),
    // Lines that were left out by choice keep their state there, unless one asks for them.
    (&["nagios", "--all"], readers::nagios),
    (&["zabbix", "--all"], readers::zabbix),
];

#[test]
fn all_formats_of_a_run_say_the_same_of_each_line() {
    let whole = repository("reports/samples/events.jsonl");
    let events: Vec<&str> = whole.lines().collect();
    // As it ended, as a crash left it, and as older linemans wrote it.
    let half = events[..events.len() * 2 / 3].join("\n") + "\n";
    for (journal, lines) in [
        (whole.clone(), 13),
        (half, 0),
        (repository("tests/fixtures/journal/schema-1.jsonl"), 1),
        (repository("tests/fixtures/journal/schema-2.jsonl"), 1),
    ] {
        let stage = with_journal(&journal);
        let expected = readers::csv(&told(&stage, &["csv"]));
        assert!(expected.len() >= lines, "{expected:?}");
        for (words, read) in FORMATS {
            assert_eq!(read(&told(&stage, words)), expected, "{words:?}");
        }
        // The text names each line that did not pass behind its fault.
        let text = told(&stage, &["text"]);
        let mut fault = String::new();
        let mut named = Verdicts::new();
        let section =
            text.split("\n\n").filter(|part| !part.starts_with("What changed") && !part.starts_with("Files"));
        for row in section.flat_map(str::lines) {
            let words: Vec<&str> = row.split_whitespace().collect();
            if let [code, result] = words[..]
                && result.starts_with('(')
                && row.starts_with("  ")
            {
                fault = format!("{} {code}", result.trim_matches(['(', ')']));
            } else if let Some(line) = words.first().filter(|word| expected.contains_key(**word)) {
                let (result, fault) = fault.split_once(' ').expect("a fault stands before its lines");
                named.insert((*line).to_owned(), (result.to_owned(), fault.to_owned()));
            }
        }
        let mut not_passed = expected.clone();
        not_passed.retain(|_, (result, _)| result != "pass");
        assert_eq!(named, not_passed, "{text}");
        // Written into a folder, they are the same bytes; and the summary agrees.
        let all = report(&stage, &[]);
        assert!(matches!(all.code(), Some(1 | 4)), "{}", all.said());
        let folder = stage.path("reports").join(RUN_ID);
        assert_eq!(
            readers::summary(&fs::read_to_string(folder.join("summary.json")).expect("a summary")),
            not_passed
        );
        let ended = all.code() == Some(1);
        for (name, words) in [
            ("lines.csv", &["csv"][..]),
            ("calls.csv", &["csv", "--table", "calls"]),
            ("modems.csv", &["csv", "--table", "modems"]),
            ("junit.xml", &["junit"]),
            ("metrics.prom", &["prometheus"]),
            ("report.html", &["html"]),
        ] {
            let path = folder.join(name);
            // Of a night that has no end there is nothing yet that is made of a whole one.
            assert_eq!(path.exists(), ended || words[0] == "csv", "{name}");
            if path.exists() {
                assert!(fs::read_to_string(&path).expect("a text") == told(&stage, words), "{name}");
            }
        }
    }
}

#[test]
fn a_plugin_says_of_each_line_what_the_tables_say() {
    let stage = with_journal(&repository("reports/samples/events.jsonl"));
    std::os::unix::fs::symlink(RUN_ID, stage.path("reports/latest")).expect("a link");
    for (line, (result, fault)) in readers::csv(&told(&stage, &["csv"])) {
        let words = ["report", "status", &line, "--max-age", "40000d"];
        let ended = Running::start(stage.lineman(words)).finish(RUN);
        let code = match result.as_str() {
            "pass" => 0,
            "degraded" => 1,
            "fail" => 2,
            _ => 3,
        };
        assert_eq!(ended.code(), Some(code), "{line}: {}", ended.said());
        assert!(ended.out.contains(&fault), "{line}: {}", ended.said());
    }
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let stage = with_journal(&repository("reports/samples/events.jsonl"));
    let told = told(&stage, &["csv"]);
    for (words, file) in [(["csv", "-o"], "out.csv"), (["csv", "--output"], "again.csv")] {
        let path = stage.path(file);
        let name = path.display().to_string();
        let ended = report(&stage, &[words[0], words[1], &name]);
        assert_eq!((ended.code(), ended.out.as_str()), (Some(0), ""), "{}", ended.said());
        assert_eq!(fs::read_to_string(&path).expect("it was written"), told);
    }
    // A link stays one, and what it points to is new.
    let (real, link) = (stage.write("real.csv", "old"), stage.path("link.csv"));
    std::os::unix::fs::symlink(&real, &link).expect("a link");
    assert_eq!(report(&stage, &["csv", "-o", &link.display().to_string()]).code(), Some(0));
    assert!(link.is_symlink() && fs::read_to_string(&real).expect("a file") == told);
    // One that leads to nothing yet makes it.
    let (there, ahead) = (stage.path("ahead.csv"), stage.path("ahead-link.csv"));
    std::os::unix::fs::symlink("ahead.csv", &ahead).expect("a link");
    assert_eq!(report(&stage, &["csv", "-o", &ahead.display().to_string()]).code(), Some(0));
    assert!(ahead.is_symlink() && fs::read_to_string(&there).expect("a file") == told);
    let circle = stage.path("circle.csv");
    std::os::unix::fs::symlink("circle.csv", &circle).expect("a link");
    assert_eq!(report(&stage, &["csv", "-o", &circle.display().to_string()]).code(), Some(2));
    assert!(circle.is_symlink());
    assert_eq!(report(&stage, &["csv", "-o", "/dev/stdout"]).out, told);
    // What was for its owner's eyes stays so.
    let private = stage.write("private.csv", "old");
    fs::set_permissions(&private, Permissions::from_mode(0o600)).expect("its own file");
    assert_eq!(report(&stage, &["csv", "-o", &private.display().to_string()]).code(), Some(0));
    assert_eq!(fs::metadata(&private).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&private).expect("a file"), told);
    // What can't be written leaves what was there.
    let kept = stage.write("kept.csv", "kept");
    for (folder, what) in [
        ("nowhere/out.csv", "could not be written"),
        (".", "could not be written"),
        ("folder/", "could not be written"),
    ] {
        let ended = report(&stage, &["csv", "-o", &stage.path(folder).display().to_string()]);
        assert!(ended.code() == Some(2) && ended.err.contains(what), "{folder}: {}", ended.said());
    }
    let none = Running::start(stage.lineman(["report", "csv", "no-such-run", "-o", "kept.csv"])).finish(RUN);
    assert!(none.code() == Some(2) && none.err.contains("there is no run `no-such-run`"), "{}", none.said());
    assert_eq!(fs::read_to_string(kept).expect("a file"), "kept");
    // What was begun is swept up: nothing half-written lies about.
    let left: Vec<_> =
        fs::read_dir(stage.path(".")).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".writing")), "{left:?}");
}
