//! Bad input through the program: exit code 2, a message that says where and what would be right, and nothing dialed.
//!
//! Each message is held in full by the config room's fixtures; here it is that they reach the user, all of them at once.

use std::fs;
use std::time::{Duration, Instant};

use crate::night::{Ended, Exchange, RUN, Running, SOON, audit, audited, run_of};
use crate::stage::Stage;
use crate::town::{Branch, Town, VARIABLE};

/// What is wrong with a town: a file, what is replaced in it, by what, and what must be said.
type Case<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

const CASES: &[Case<'_>] = &[
    (
        "plan.yaml",
        "plan: town",
        "plan: town\nplann: x",
        &["plan.yaml:2: plann: ", "unknown", "did you mean `plan`"],
    ),
    ("plan.yaml", "attempts: 3", "attempts: many", &["plan.yaml:6: policy.attempts: "]),
    (
        "plan.yaml",
        "attempts: 3",
        "degraded: { connect_bps: fast, retrain: 2 }, attempts: 3",
        &[
            "plan.yaml:6: policy.degraded.connect_bps: ",
            "a number, or `off`",
            "policy.degraded.retrain: unknown key",
            "did you mean `retrains`",
        ],
    ),
    ("plan.yaml", "site: BR0002", "site: [BR0002]", &["plan.yaml:10: lines[1].site: "]),
    (
        "plan.yaml",
        "id: BR0002-A",
        "id: BR0001-A",
        &["plan.yaml:10: lines[1].id: ", "BR0001-A", "plan.yaml:9"],
    ),
    ("plan.yaml", "\"+1 704 555 0101\"", "\"555\"", &["plan.yaml:9: lines[0].number: ", "+"]),
    ("plan.yaml", "\"+1 704 555 0101\"", "\"+1 704 555 01O1\"", &["plan.yaml:9: lines[0].number: "]),
    ("plan.yaml", "\"+1 704 555 0101\"", "17045550101", &["plan.yaml:9: lines[0].number: ", "+"]),
    ("plan.yaml", "numbering: us", "numbering: xx", &["plan.yaml:3: numbering: ", "`xx`", "us"]),
    (
        "plan.yaml",
        "console: cisco-ios",
        "console: cisco-oss",
        &["plan.yaml:5: defaults.console: ", "did you mean `cisco-ios`"],
    ),
    (
        "plan.yaml",
        "credential: oob",
        "credential: obo",
        &["plan.yaml:5: defaults.credential: ", "did you mean `oob`"],
    ),
    ("plan.yaml", "bank: bank.yaml", "bank: bonk.yaml", &["bonk.yaml: there is no such file"]),
    (
        "plan.yaml",
        "{ env: TOWN_PASSWORD }",
        "{ env: NO_SUCH_VARIABLE }",
        &["plan.yaml:4: credentials.oob.password", "NO_SUCH_VARIABLE"],
    ),
    (
        "plan.yaml",
        "{ env: TOWN_PASSWORD }",
        "{ file: no-such-file }",
        &["plan.yaml:4: credentials.oob.password", "no-such-file"],
    ),
    ("plan.yaml", "{ env: TOWN_PASSWORD }", "secret", &["plan.yaml:4: credentials.oob.password", "env"]),
    ("plan.yaml", "setup: 5s", "setup: 5", &["plan.yaml:7: limits.setup: ", "`90s`"]),
    ("plan.yaml", "plan: town", "plan: ../town", &["plan.yaml:1: plan: "]),
    (
        "bank.yaml",
        "profile: courier",
        "profile: curier",
        &["bank.yaml:5: modems[0].profile: ", "did you mean `courier`"],
    ),
    ("bank.yaml", "on_hook_min: 0s", "on_hook_min: 0s\nspeed: 9600", &["bank.yaml:4: speed: ", "unknown"]),
    ("bank.yaml", "id: m01", "id: m00", &["bank.yaml:6: modems[1].id: ", "m00"]),
    ("exchange.yaml", "pace: 0.02", "pace: fast", &["exchange.yaml:3: pace: "]),
    ("exchange.yaml", "fault: busy", "fault: bussy", &["exchange.yaml:", "fault"]),
    (
        "hardware/consoles/cisco-ios.yaml",
        "rommon",
        "rom(mon",
        &["cisco-ios.yaml:", "prompts.boot[0]: ", "no valid pattern"],
    ),
];

fn town() -> Town {
    Town::new(&["courier", "generic"], [Branch::with_fault(1, "busy"), Branch::new(2)])
}

/// A town, with one of our own console files in its folder.
fn founded() -> Stage {
    let stage = Stage::new();
    town().found(&stage);
    fs::create_dir_all(stage.path("hardware/consoles")).unwrap();
    let consoles = concat!(env!("CARGO_MANIFEST_DIR"), "/hardware/consoles/cisco-ios.yaml");
    fs::copy(consoles, stage.path("hardware/consoles/cisco-ios.yaml")).unwrap();
    stage
}

/// What is wrong with a refusal, if anything.
fn wrong(stage: &Stage, what: &str, ended: &Ended, wanted: &[&str]) -> Option<String> {
    let mut wrong: Vec<String> = wanted
        .iter()
        .filter(|text| !ended.err.contains(**text))
        .map(|text| format!("`{text}` is not said"))
        .collect();
    if ended.code() != Some(2) || ended.err.contains("panicked") {
        wrong.push("it was not refused".to_owned());
    }
    if stage.path("reports").exists() {
        wrong.push("a run was begun".to_owned());
    }
    (!wrong.is_empty()).then(|| format!("{what}: {}\n{}", wrong.join(", "), ended.said()))
}

fn assert_refused(stage: &Stage, what: &str, ended: &Ended, wanted: &[&str]) {
    assert_eq!(wrong(stage, what, ended, wanted), None);
}

#[test]
fn every_mistake_is_told_with_its_place_and_nothing_is_dialed() {
    let stage = founded();
    let mut all_wrong = Vec::new();
    for (file, from, to, wanted) in CASES {
        let good = fs::read_to_string(stage.path(file)).unwrap();
        assert!(good.contains(from), "{file} has no `{from}`:\n{good}");
        stage.write(file, &good.replacen(from, to, 1));
        all_wrong.extend(wrong(&stage, &format!("{file}: {to}"), &audited(&stage, &[]), wanted));
        stage.write(file, &good);
    }
    assert!(all_wrong.is_empty(), "{}", all_wrong.join("\n"));
    // All of it was right but for the mistakes.
    assert_eq!(audited(&stage, &["--dry-run"]).code(), Some(0));
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once() {
    let stage = founded();
    // One mistake a place, and none that hides another.
    let together = ["plann", "attempts: many", "id: BR0001-A", "\"555\"", "setup: 5", "curier", "speed"];
    let mut wanted = Vec::new();
    for (file, from, to, messages) in
        CASES.iter().filter(|case| together.iter().any(|word| case.2.contains(word)))
    {
        let text = fs::read_to_string(stage.path(file)).unwrap();
        stage.write(file, &text.replacen(from, to, 1));
        // Lines shift with each mistake that is a line more; keys do not.
        wanted.push(messages[0].split_once(": ").map_or(messages[0], |(_, key)| key));
    }
    assert_eq!(wanted.len(), together.len());
    assert_refused(&stage, "all at once", &audited(&stage, &[]), &wanted);
}

#[test]
fn hostile_files_are_refused_quickly() {
    let stage = founded();
    let good = fs::read_to_string(stage.path("plan.yaml")).unwrap();
    let laughs = (1..30)
        .fold("a0: &a0 [x, x]\n".to_owned(), |text, n| format!("{text}a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    let huge = format!("{good}{}", "# filling\n".repeat(1 << 20));
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("aliases", laughs.into_bytes(), "plan.yaml:"),
        ("depth", format!("plan: {}", "[".repeat(100_000)).into_bytes(), "plan.yaml:1: "),
        ("braces", format!("plan: {}", "{a: ".repeat(100_000)).into_bytes(), "plan.yaml:"),
        ("size", huge.into_bytes(), "larger than"),
        ("binary", (0..=255).cycle().take(5000).collect(), "plan.yaml"),
        ("nul", format!("{good}\0").into_bytes(), "plan.yaml"),
        ("empty", Vec::new(), "plan.yaml"),
        ("no lines", good.split("lines:").next().unwrap().to_owned().into_bytes(), "no lines"),
        (
            "no lines in a list",
            format!("{}lines: []\n", good.split("lines:").next().unwrap()).into_bytes(),
            "no lines",
        ),
    ];
    for (what, text, wanted) in cases {
        fs::write(stage.path("plan.yaml"), text).unwrap();
        let began = Instant::now();
        let ended = Running::start(audit(&stage, &[])).finish(SOON);
        assert!(began.elapsed() < Duration::from_secs(10), "{what} took {:?}", began.elapsed());
        assert_refused(&stage, what, &ended, &[wanted]);
        assert!(ended.err.len() < 100_000, "{what}: an error as long as the file");
    }
    // Names of files that are none.
    fs::remove_file(stage.path("plan.yaml")).unwrap();
    assert_refused(&stage, "missing", &audited(&stage, &[]), &["plan.yaml"]);
    fs::create_dir(stage.path("plan.yaml")).unwrap();
    assert_refused(&stage, "folder", &audited(&stage, &[]), &["plan.yaml"]);
}

#[test]
fn a_message_cannot_act_on_the_terminal() {
    let stage = founded();
    let good = fs::read_to_string(stage.path("plan.yaml")).unwrap();
    let hostile = "\\e]0;owned\\a\\e[2J\\u202Egnp";
    for (from, to) in
        [("console: cisco-ios", "console: "), ("plan: town", "plan: "), ("numbering: us", "numbering: ")]
    {
        stage.write("plan.yaml", &good.replacen(from, &format!("{to}\"{hostile}\""), 1));
        let ended = audited(&stage, &[]);
        assert_refused(&stage, to, &ended, &["plan.yaml:"]);
        let bad = ended.err.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(bad, None, "{:?}", ended.err);
    }
}

#[test]
fn a_reports_folder_that_cannot_be_written_is_told_before_anything_is_dialed() {
    let stage = Stage::new();
    let exchange = Exchange::of(&town(), &stage);
    stage.write("a-file", "precious");
    fs::create_dir_all(stage.path("taken/current")).unwrap();
    for reports in ["a-file", "a-file/below", "/proc/lineman-reports", "taken"] {
        let mut command = stage.lineman(["audit", "plan.yaml", "--reports", reports]);
        command.env(VARIABLE, "x");
        let ended = Running::start(command).finish(RUN);
        assert_eq!(ended.code(), Some(2), "{reports}: {}", ended.said());
        let named = reports.trim_end_matches("/below");
        assert!(ended.err.contains(named), "{reports} is not named: {}", ended.said());
    }
    assert!(exchange.dialed().is_empty());
    assert_eq!(fs::read_to_string(stage.path("a-file")).unwrap(), "precious");
    assert_eq!(
        fs::read_dir(stage.path("taken"))
            .unwrap()
            .filter(|entry| !entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'))
            .count(),
        1
    );
}

#[test]
fn two_runs_into_one_reports_folder_are_one_too_many() {
    let stage = Stage::new();
    let town = Town::new(&["courier"], [Branch::with_fault(1, "no-answer")]);
    // Two lines' worth of ringing, so that the first is still at it.
    let exchange = Exchange::of(&Town { pace: 0.1, ..town }, &stage);
    let mut first = Running::start(audit(&stage, &["--plain"]));
    first.wait_for("its beginning", |text| text.contains("of plan town"));
    let id = run_of(&stage, "current").file_name().unwrap().to_string_lossy().into_owned();
    // On a bank of its own: the ports are not what it is about.
    let other = Stage::new();
    Town::new(&["courier"], [Branch::new(2)]).found(&other);
    for more in [&["--reports"][..], &["--resume", "--reports"]] {
        let mut command = other.lineman(["audit", "plan.yaml"]);
        command.args(more).arg(stage.path("reports")).env(VARIABLE, "x");
        let ended = Running::start(command).finish(RUN);
        assert_eq!(ended.code(), Some(2), "{}", ended.said());
        assert!(ended.err.contains(&id) && ended.err.contains(&first.id().to_string()), "{}", ended.said());
    }
    let ended = first.finish(RUN);
    assert_eq!(ended.code(), Some(1), "{}", ended.said());
    assert_eq!(run_of(&stage, "latest"), stage.path("reports").join(&id));
    let runs = fs::read_dir(stage.path("reports"))
        .unwrap()
        .filter(|entry| !entry.as_ref().unwrap().path().is_symlink());
    assert_eq!(runs.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 1);
    assert_eq!(exchange.dialed().len(), 2);
}

#[test]
fn wrong_usage_is_told_too() {
    let stage = founded();
    for (args, wanted) in [
        (&["--only", "BR9999"][..], "BR9999"),
        (&["--resume"], "reports/current"),
        (&["--resume", "20200101T000000Z-town"], "20200101T000000Z-town"),
        (&["--resume", "../../etc"], "../../etc"),
        (&["--seed", "x"], "--seed"),
        (&["--no-such"], "--no-such"),
    ] {
        let ended = audited(&stage, args);
        assert_eq!(ended.code(), Some(2), "{args:?}: {}", ended.said());
        assert!(ended.err.contains(wanted), "{args:?}: {}", ended.said());
        assert!(!stage.path("reports/latest").exists());
    }
}
