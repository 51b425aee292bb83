//! Habits of the command line: help with examples, completion in a real bash, manual pages through the real man, colour when
//! it is wanted, quiet when it is asked for, and a log that a collector can read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::limits::modem_keys;
use crate::night::{Ended, RUN, Running, SOON, audit, audited, verdicts};
use crate::stage::{Stage, finish};
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

/// What begins a colour.
const ESCAPE: char = '\u{1b}';

fn town() -> Town {
    Town::new(&["courier"], [Branch::new(1), Branch::with_fault(2, "busy")])
}

fn ran(command: Command) -> Ended {
    let output = finish(command, SOON);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { status: output.status, out: text(&output.stdout), err: text(&output.stderr) }
}

/// The words that call each verb, as the manual pages are named: `lineman-report-diff.1` is `report diff`.
fn verbs(pages: &Path) -> Vec<Vec<String>> {
    let names = fs::read_dir(pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let words = names.map(|name| {
        let name = name.strip_suffix(".1").unwrap().to_owned();
        // One verb has a dash of its own.
        let name = name.replace("emergency-stop", "emergency_stop");
        name.split('-').skip(1).map(|word| word.replace('_', "-")).collect()
    });
    words.collect()
}

#[test]
fn every_verb_has_a_manual_page_that_man_renders_and_help_with_examples() {
    let stage = Stage::new();
    let pages = stage.path("share/man/man1");
    let written = ran(stage.lineman([Path::new("man"), &pages]));
    assert_eq!(written.code(), Some(0), "{}", written.said());
    let verbs = verbs(&pages);
    assert!(verbs.len() > 9 && verbs.contains(&vec!["report".to_owned(), "diff".to_owned()]), "{verbs:?}");
    for words in verbs {
        let help = ran({
            let mut command = stage.lineman(words.iter().map(String::as_str).chain(["--help"]));
            command.env("COLUMNS", "100");
            command
        });
        let named = words.join(" ");
        assert_eq!((help.code(), help.err.as_str()), (Some(0), ""), "{named}");
        assert!(help.out.contains("\nExamples:\n  "), "{named} has no examples:\n{}", help.out);
        let after = help.out.split("\nExamples:\n").nth(1).unwrap_or_default();
        let broken = after.lines().take_while(|line| !line.is_empty()).find(|line| !line.starts_with("  "));
        assert_eq!(broken, None, "{named}: an example is too long for a terminal");
        let long = help.out.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{named}: too long for a terminal");
        let page = pages.join(
            ["lineman"].into_iter().chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join("-")
                + ".1",
        );
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.starts_with(".ie") || text.contains(".TH "), "{named}");
        for command in [renderer(&page), checker(&page)].into_iter().flatten() {
            let shown = ran(command);
            assert_eq!((shown.code(), shown.err.as_str()), (Some(0), ""), "{named}: {}", shown.said());
            assert!(shown.out.is_empty() || shown.out.contains("EXAMPLES"), "{named}: {}", shown.out);
        }
    }
}

/// `man` on a page, if it is here.
fn renderer(page: &Path) -> Option<Command> {
    let mut command = Command::new("man");
    command.args(["--warnings", "-l"]).arg(page);
    command.env("MANWIDTH", "80").env("MANPAGER", "cat").env("LC_ALL", "C.UTF-8").env("MANROFFOPT", "-ww");
    there("man").then_some(command)
}

/// groff itself, which warns of more.
fn checker(page: &Path) -> Option<Command> {
    let mut command = Command::new("groff");
    command.args(["-man", "-Tutf8", "-ww", "-z", "-K", "utf8"]).arg(page);
    there("groff").then_some(command)
}

/// Whether a program can be run here; where nothing may be left out, it must be.
fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| {
        fs::metadata(folder.join(program))
            .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
    });
    assert!(found || std::env::var_os("CI").is_none(), "{program} is not here");
    found
}

/// What bash offers behind these words.
fn completed(stage: &Stage, words: &str) -> Vec<String> {
    let script = format!(
        "source <(lineman completions bash) || exit 9\n\
         COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_TYPE=9\n\
         [[ '{words}' == *' ' ]] && {{ COMP_WORDS+=(''); COMP_CWORD=$((COMP_CWORD + 1)); }}\n\
         complete -p lineman > /dev/null || exit 8\n\
         _clap_complete_lineman lineman \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let binary = Path::new(env!("CARGO_BIN_EXE_lineman")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(binary.to_owned()).chain(std::env::split_paths(&path));
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", &script]).current_dir(stage.path(""));
    command.env("PATH", std::env::join_paths(folders).unwrap()).env("HOME", stage.path("home"));
    let ended = ran(command);
    assert_eq!((ended.code(), ended.err.as_str()), (Some(0), ""), "{words}: {}", ended.said());
    ended.out.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn bash_completes_verbs_options_and_the_names_of_lines() {
    let stage = Stage::new();
    town().found(&stage);
    assert_eq!(completed(&stage, "lineman rep"), ["report"]);
    assert_eq!(completed(&stage, "lineman audit --res"), ["--resume"]);
    assert!(completed(&stage, "lineman report ").contains(&"diff".to_owned()));
    assert_eq!(completed(&stage, "lineman audit plan.yaml --only BR0002"), ["BR0002", "BR0002-A"]);
    assert_eq!(completed(&stage, "lineman check plan.yaml --only BR0001-A,br0002-"), ["BR0001-A,BR0002-A"]);
    assert_eq!(completed(&stage, "lineman init --console cisco-n"), ["cisco-nxos"]);
    assert!(
        completed(&stage, "lineman audit pla").contains(&"plan.yaml".to_owned()),
        "files are offered too"
    );
    // Where no plan is named, the last run tells; where there is none, nothing is said.
    assert_eq!(completed(&stage, "lineman why m0"), Vec::<String>::new());
    assert_eq!(audited(&stage, &[]).code(), Some(1));
    assert_eq!(completed(&stage, "lineman why m0"), ["m00"]);
    assert_eq!(completed(&stage, "lineman call BR0001-A --plan plan.yaml --modem "), ["m00"]);
    assert_eq!(completed(&stage, "lineman schema ba"), ["bank"]);
    assert_eq!(completed(&stage, "lineman report trend BR0001"), ["BR0001", "BR0001-A"]);
    let runs = completed(&stage, "lineman report 20");
    assert!(runs.len() == 1 && runs[0].ends_with("-town"), "{runs:?}");
}

#[test]
fn every_shell_gets_its_script() {
    let stage = Stage::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = ran(stage.lineman(["completions", shell]));
        assert_eq!((script.code(), script.err.as_str()), (Some(0), ""), "{shell}");
        assert!(script.out.contains("LINEMAN_COMPLETE"), "{shell}: {}", script.out);
        // It asks the lineman that is in the PATH, wherever this one was built.
        assert!(!script.out.contains("target"), "{shell}: {}", script.out);
    }
}

#[test]
fn there_is_colour_where_it_is_wanted_and_nowhere_else() {
    let stage = Stage::new();
    town().found(&stage);
    assert_eq!(audited(&stage, &[]).code(), Some(1));
    let shown = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = stage.lineman(arguments);
        command
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR")
            .env_remove("CLICOLOR_FORCE")
            .env("TERM", "xterm");
        command.envs(variables.iter().copied());
        let ended = ran(command);
        assert!(!ended.err.contains(ESCAPE) || !ended.err.is_empty(), "{}", ended.said());
        ended.out.contains(ESCAPE)
    };
    for arguments in [&["report"][..], &["--help"]] {
        let with = |more: &'static str| [arguments, &[more]].concat();
        assert!(!shown(arguments, &[]), "it is no terminal");
        assert!(shown(arguments, &[("CLICOLOR_FORCE", "1")]) && shown(&with("--color=always"), &[]));
        assert!(!shown(arguments, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
        assert!(shown(&with("--color=always"), &[("NO_COLOR", "1")]), "what is typed is stronger");
        assert!(!shown(&with("--color=never"), &[("CLICOLOR_FORCE", "1")]));
    }
}

#[test]
fn quiet_leaves_what_came_out_and_very_quiet_the_exit_code_alone() {
    let stage = Stage::new();
    town().found(&stage);
    let loud = audited(&stage, &[]);
    let quiet = audited(&stage, &["-q"]);
    let silent = audited(&stage, &["-qq"]);
    assert_eq!((loud.code(), quiet.code(), silent.code()), (Some(1), Some(1), Some(1)));
    assert!(verdicts(&loud.out) == 2 && loud.out.contains("lines.csv"), "{}", loud.said());
    assert!(
        verdicts(&quiet.out) == 0 && quiet.out.contains("busy") && quiet.out.contains("lines.csv"),
        "{}",
        quiet.said()
    );
    assert_eq!((quiet.err.as_str(), silent.out.as_str(), silent.err.as_str()), ("", "", ""));
    let wrong = ran(stage.lineman(["check", "none.yaml", "-qq"]));
    assert!(
        wrong.code() == Some(2) && wrong.err.contains("there is no such file"),
        "errors are told all the same"
    );
    let both = ran(stage.lineman(["check", "-q", "-v"]));
    assert!(both.code() == Some(2) && both.err.contains("cannot be used with"), "{}", both.said());
}

/// Every line of it is an object with its time, its level and its words.
fn objects(text: &str) -> Vec<Value> {
    let object = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "target", "message"] {
            // What is traced may have no words of its own.
            assert!(key == "message" || value[key].is_string(), "{line} has no {key}");
        }
        value
    };
    text.lines().map(object).collect()
}

#[test]
fn a_log_of_json_has_an_object_a_line_and_no_secret() {
    const CODE: &str = "4711";
    let stage = Stage::new();
    town().found(&stage);
    for level in ["-v", "-vv", "-vvv"] {
        let ended = audited(&stage, &["--log-format", "json", level]);
        assert_eq!(ended.code(), Some(1), "{}", ended.said());
        let log = objects(&ended.err);
        let said = |what: &str| {
            log.iter().any(|one| one["message"].as_str().is_some_and(|text| text.contains(what)))
        };
        assert!(said("a call begins"), "{level}: {}", ended.err);
        assert_eq!(said("> AT"), level != "-v", "what is said to modems is told from -vv on");
        assert!(!ended.said().contains(PASSWORD), "{level}");
    }
    modem_keys(&stage, &format!("prefix: \"9,{CODE},\""));
    let ended = audited(&stage, &["--log-format=json", "-vvv"]);
    objects(&ended.err);
    assert!(!ended.said().contains(CODE), "an access code is told");
}

#[test]
fn complaints_are_json_too_where_the_log_is() {
    let stage = Stage::new();
    town().found(&stage);
    let one = |arguments: &[&str], level: &str, words: &str| {
        let ended = ran(stage.lineman(["--log-format", "json"].iter().chain(arguments)));
        let log = objects(&ended.err);
        let told = log.iter().any(|one| {
            one["level"] == level && one["message"].as_str().is_some_and(|text| text.contains(words))
        });
        assert!(told && ended.out.is_empty(), "{arguments:?}: {}", ended.said());
        ended.code()
    };
    assert_eq!(one(&["check", "none.yaml"], "ERROR", "there is no such file"), Some(2));
    assert_eq!(one(&["nonsense"], "ERROR", "unrecognized subcommand"), Some(2));
    // A level that nobody logs at is no reason to lose what a user is told.
    let mut command = audit(&stage, &["--log-format", "json"]);
    command.env("RUST_LOG", "off").env(VARIABLE, PASSWORD);
    let mut run = Running::start(command);
    run.wait_for("a verdict", |text| verdicts(text) > 0);
    run.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = run.finish(RUN);
    let log = objects(&ended.err);
    assert!(
        ended.code() != Some(4)
            || log.iter().any(|one| one["message"].as_str().is_some_and(|text| text.starts_with("stopping"))),
        "{}",
        ended.said()
    );
}
