//! What validators that nobody here wrote say: libxml2's xmllint, the Frictionless project's own program, junitparser. The last two are not in
//! Debian; `tests/all` puts them into the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{RUN_ID, report, repository, with_journal};
use crate::real::can_run_with;
use crate::stage::Stage;

/// Programs of Python packages, where `tests/all` installs them.
fn tool(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
    target.join("tools/formats/bin").join(name)
}

/// What is lacking of these; silence if nothing.
fn lacking(tools: &[&PathBuf]) -> String {
    let missing: Vec<String> =
        tools.iter().filter(|tool| !tool.exists()).map(|tool| tool.display().to_string()).collect();
    missing.join("; ")
}

/// The run of the samples, with all its files written.
fn rendered() -> (Stage, PathBuf) {
    let stage = with_journal(&repository("reports/samples/events.jsonl"));
    let ended = report(&stage, &[]);
    assert_eq!(ended.code(), Some(1), "{}", ended.said());
    let run = stage.path("reports").join(RUN_ID);
    (stage, run)
}

/// Whether a program takes a file, and what it says.
fn takes(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn xmllint(file: &Path) -> (bool, String) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/schemas/junit.xsd");
    takes(Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).arg(file))
}

#[test]
fn xmllint_takes_the_junit_xml_and_no_other() {
    if !can_run_with("xmllint over junit.xml", &crate::real::lacking(&["xmllint"])) {
        return;
    }
    let (stage, run) = rendered();
    let (fits, said) = xmllint(&run.join("junit.xml"));
    assert!(fits, "{said}");
    let text = fs::read_to_string(run.join("junit.xml")).expect("it was written");
    for (from, to) in [
        ("tests=\"13\"", "tests=\"many\""),
        ("<failure type=", "<failure kind="),
        ("<testcase ", "<test "),
        ("time=\"", "time=\"-"),
    ] {
        let broken = stage.write("broken.xml", &text.replacen(from, to, 1));
        assert!(text.contains(from) && !xmllint(&broken).0, "{from}");
    }
    // A run that goes on has the same structure.
    let journal = repository("reports/samples/events.jsonl");
    let begun = with_journal(&(journal.lines().take(40).collect::<Vec<_>>().join("\n") + "\n"));
    let path = begun.path("going.xml");
    assert_eq!(report(&begun, &["junit", "-o", &path.display().to_string()]).code(), Some(0));
    let (fits, said) = xmllint(&path);
    assert!(fits, "{said}");
}

#[test]
fn junitparser_counts_what_the_run_counted() {
    let python = tool("python");
    if !can_run_with("junitparser over junit.xml", &lacking(&[&python])) {
        return;
    }
    let (_stage, run) = rendered();
    let program = "import sys, junitparser\n\
        for suite in junitparser.JUnitXml.fromfile(sys.argv[1]):\n    \
            print(suite.tests, suite.failures, suite.errors, suite.skipped, len(list(suite)))";
    let (well, said) = takes(Command::new(python).args(["-c", program]).arg(run.join("junit.xml")));
    assert!(well, "{said}");
    assert_eq!(said.trim(), "13 6 0 1 13");
}

fn frictionless(package: &Path) -> (bool, String) {
    let mut command = Command::new(tool("frictionless"));
    takes(command.arg("validate").arg(package).current_dir(package.parent().expect("a folder")))
}

/// Whether the Frictionless program takes the data package of a run, if it is here.
pub(crate) fn is_a_data_package(run: &Path) {
    if can_run_with("frictionless over a run's tables", &lacking(&[&tool("frictionless")])) {
        let (fits, said) = frictionless(&run.join("datapackage.json"));
        assert!(fits, "{said}");
    }
}

#[test]
fn frictionless_takes_the_tables_and_finds_what_is_wrong() {
    if !can_run_with("frictionless over a run's tables", &lacking(&[&tool("frictionless")])) {
        return;
    }
    let (_stage, run) = rendered();
    let package = run.join("datapackage.json");
    let (fits, said) = frictionless(&package);
    assert!(fits, "{said}");
    for (table, from, to, finds) in [
        ("lines.csv", ",pass,", ",passed,", "enum"),
        ("lines.csv", "+19195550101", "9195550101", "pattern"),
        ("lines.csv", ",m00,", ",m77,", "foreign-key"),
        ("calls.csv", "2026-11-21T02:00:00.225Z", "this morning", "type-error"),
        ("modems.csv", "241.628", "many", "type-error"),
        ("modems.csv", "m01", "m00", "unique"),
        ("calls.csv", "attempts", "tries", "incorrect-label"),
    ] {
        let path = run.join(table);
        let whole = fs::read_to_string(&path).expect("a table");
        assert!(whole.contains(from), "{table} has no {from}");
        fs::write(&path, whole.replacen(from, to, 1)).expect("a table");
        let (fits, said) = frictionless(&package);
        assert!(
            !fits && said.replace(['\n', '│', ' '], "").contains(&finds.replace(' ', "")),
            "{from}: {said}"
        );
        fs::write(&path, whole).expect("a table");
    }
}
