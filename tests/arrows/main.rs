//! Holds the house to its plan by reading the sources: the arrows between rooms, the purity of the cores, who prints,
//! where `unsafe` stands, and that every file says what it is and stays short. Each rule is also shown a file that breaks
//! it, so that a rule that finds nothing has found nothing to find.

mod rules;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rules::{CORES, SourceFile, broken, is_in, opens_with_its_subject};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All `.rs` files under `folder`, as paths under it with `/`, sorted.
fn rust_files(folder: &Path) -> Vec<(String, String)> {
    fn walk(folder: &Path, under: &str, found: &mut Vec<(String, String)>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if under.is_empty() { name } else { format!("{under}/{name}") };
            if entry.path().is_dir() {
                walk(&entry.path(), &path, found);
            } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(entry.path()).expect("a source file is readable text");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, "", &mut found);
    found.sort();
    found
}

/// The files of `src` that are part of the program: no `tests.rs`, no module that is declared for tests only.
fn program() -> Vec<SourceFile> {
    let files = rust_files(&root().join("src"));
    let test_only: BTreeSet<String> = files
        .iter()
        .flat_map(|(path, text)| {
            let folder = match path.rsplit_once('/') {
                Some((folder, "mod.rs")) => folder.to_owned(),
                _ => path.trim_end_matches(".rs").to_owned(),
            };
            source::test_only_modules(text).into_iter().map(move |module| format!("{folder}/{module}"))
        })
        .collect();
    let is_test = |path: &str| {
        path.ends_with("/tests.rs")
            || path.contains("/tests/")
            || test_only.iter().any(|module| is_in(path, module))
    };
    files.iter().filter(|(path, _)| !is_test(path)).map(|(path, text)| SourceFile::new(path, text)).collect()
}

#[test]
fn every_rule_holds_over_the_sources() {
    let files = program();
    assert!(files.len() > 20, "only {} files under src were found", files.len());
    let found: Vec<String> = files.iter().flat_map(broken).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_core_that_is_named_exists() {
    let files = program();
    let missing: Vec<&&str> =
        CORES.iter().filter(|core| !files.iter().any(|file| is_in(&file.path, core))).collect();
    assert!(missing.is_empty(), "no file under src for the cores {missing:?}: was one renamed?");
}

#[test]
fn tests_say_what_they_are_too() {
    let tests = rust_files(&root().join("tests"));
    let mute: Vec<&String> =
        tests.iter().filter(|(_, text)| !opens_with_its_subject(text)).map(|(path, _)| path).collect();
    assert!(mute.is_empty(), "files under tests that do not open with `//!`: {mute:?}");
}

/// What the rules say of a file with these lines.
fn said_of(path: &str, lines: &str) -> String {
    broken(&SourceFile::new(path, &format!("//! A file.\n{lines}\n"))).join("\n")
}

#[track_caller]
fn assert_breaks(path: &str, lines: &str, expected: &str) {
    let said = said_of(path, lines);
    assert!(said.contains(expected), "`{lines}` in {path}: expected `{expected}`, the rules said `{said}`");
}

#[track_caller]
fn assert_keeps(path: &str, lines: &str) {
    assert_eq!(said_of(path, lines), "", "`{lines}` in {path}");
}

#[test]
fn an_arrow_in_the_wrong_direction_is_found() {
    assert_breaks("model/line.rs", "use crate::call::CallSpec;", "src/model/line.rs:2: `model` may not use");
    assert_breaks(
        "modem/setup.rs",
        "use crate::console::Dialog;",
        "`modem` may not use `crate::console::Dialog`",
    );
    assert_breaks(
        "modem/port/tty.rs",
        "use super::super::super::fleet::Seat;",
        "may not use `super::super::super::fleet",
    );
    assert_breaks(
        "report/csv.rs",
        "use crate::{model::Line, journal::Journal};",
        "`report` may not use `crate::journal",
    );
    assert_breaks(
        "report/csv.rs",
        "fn f() { crate::fleet::run(); }",
        "`report` may not use `crate::fleet::run`",
    );
    assert_breaks(
        "sim/mod.rs",
        "use crate::modem::codec::Codec;",
        "`sim` may not use `crate::modem::codec::Codec`",
    );
    assert_breaks("sim/mod.rs", "use crate::modem::*;", "`sim` may not use `crate::modem::*`");
    assert_breaks("fleet/worker.rs", "use crate::config::Plan;", "`fleet` may not use `crate::config::Plan`");
    assert_breaks("call/mod.rs", "use crate::*;", "`call` may not use `crate::*`");
    assert_breaks("call/mod.rs", "pub use crate::cli::run;", "`call` may not use `crate::cli::run`");
    assert_breaks("attic/mod.rs", "", "`attic` is no room");
    assert_breaks("main.rs", "use lineman::attic;\nunsafe {}", "src/main.rs:3: `unsafe`");
}

#[test]
fn an_arrow_in_the_right_direction_is_none_to_speak_of() {
    assert_keeps("fleet/worker.rs", "use crate::call::CallSpec;\nuse crate::{model::Line, modem::port};");
    assert_keeps(
        "sim/mod.rs",
        "use crate::modem::port::memory;\nuse crate::modem::{port::Port, profile::Profile};",
    );
    assert_keeps("config/plan.rs", "use crate::fleet::policy::Policy;\npub(crate) fn f() {}");
    assert_keeps("modem/port/tty.rs", "use super::super::machine;\nuse super::locks;");
    assert_keeps("main.rs", "use lineman::cli;");
    assert_keeps("report/csv.rs", "// crate::fleet::run\n#[cfg(test)]\nmod tests { use crate::fleet; }");
    assert_keeps("report/csv.rs", "const HELP: &str = \"crate::fleet::run\";");
}

#[test]
fn an_impure_core_is_found() {
    for impure in [
        "async fn f() {}",
        "use tokio::sync::mpsc;",
        "use std::{fmt, fs};",
        "fn f() { std::net::TcpStream::connect(a); }",
        "use std::thread;",
        "fn f() { let now = Instant::now(); }",
        "use std::time::{Duration, SystemTime};",
        "static mut COUNT: u32 = 0;",
        "fn f() { std::env::var(\"X\"); }",
        "use std::process::Command;",
        "fn f() { fastrand::u8(..); }",
        "fn f() { jiff::Timestamp::now(); }",
    ] {
        assert_breaks("console/session.rs", impure, "a pure core may not");
        assert_breaks("modem/codec.rs", impure, "a pure core may not");
        assert_breaks("fleet/scheduler/queue.rs", impure, "a pure core may not");
    }
    assert_keeps("console/session.rs", "use std::time::Duration;\nuse crate::model::Mono;");
    assert_keeps("modem/port/tty.rs", "use tokio::fs;\nasync fn f() {}");
}

#[test]
fn prints_clocks_and_unsafe_are_found_where_they_do_not_belong() {
    assert_breaks("fleet/worker.rs", "fn f() { println!(\"x\"); }", "only cli prints: `println!`");
    assert_breaks("report/csv.rs", "fn f() { eprint!(\"x\"); }", "only cli prints: `eprint!`");
    assert_breaks("config/mod.rs", "fn f() { std::process::exit(2); }", "only cli prints or exits");
    assert_breaks(
        "call/shell.rs",
        "use std::io::{self, stdout};",
        "only cli prints or exits: `std::io::stdout`",
    );
    assert_keeps("cli/audit.rs", "fn f() { println!(\"x\"); std::process::exit(2); }");
    assert_breaks(
        "call/shell.rs",
        "fn f() { tokio::time::Instant::now(); }",
        "only modem/clock.rs reads clocks",
    );
    assert_keeps("modem/clock.rs", "fn f() { tokio::time::Instant::now(); }");
    assert_breaks("modem/port/tty.rs", "unsafe fn f() {}", "`unsafe` stands in");
    assert_keeps("modem/port/signals.rs", "unsafe fn f() {}");
}

#[test]
fn a_mute_or_endless_file_is_found() {
    let said = broken(&SourceFile::new("model/line.rs", "use std::fmt;\n")).join("\n");
    assert_eq!(said, "src/model/line.rs:1: must open with `//!`");
    let said = said_of("model/line.rs", &"\n".repeat(800));
    assert!(said.contains("lines, more than 800"), "{said}");
}
