//! `lineman call`, as a technician types it: on the example plan with nothing but the program, and on ports without any file.

use std::fs;
use std::process::Output;

use lineman::sim::log::What;
use nix::sys::signal::Signal;

use crate::night::{Exchange, RUN, Running, SOON, rows};
use crate::stage::{Row, Stage, finish};
use crate::terminal::Terminal;
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

/// The number that no plan has, behind which a modem answers.
const NUMBER: &str = "+17045550101";

struct Called {
    output: Output,
}

impl Called {
    fn of(stage: &Stage, arguments: &[&str]) -> Self {
        let mut command = stage.lineman(["call"]);
        command.args(arguments).env(VARIABLE, PASSWORD).env("LC_ALL", "C.UTF-8");
        Self { output: finish(command, RUN) }
    }

    fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    fn out(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    fn said(&self) -> String {
        format!("{}\n{}\n{}", self.output.status, self.out(), String::from_utf8_lossy(&self.output.stderr))
    }
}

/// The calls of the last run of a technician's in a reports folder.
fn calls(stage: &Stage, reports: &str) -> Vec<Row> {
    rows(&stage.path(reports).join("calls/latest/calls.csv"))
}

/// Where in a text these words stand, which must come in this order.
fn in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let Some(at) = rest.find(word) else { panic!("`{word}` is not where it belongs:\n{text}") };
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn a_line_of_the_example_is_called_at_once_and_every_phase_is_told() {
    let stage = Stage::new();
    let called = Called::of(&stage, &["RDU01-A"]);
    let said = called.said();
    assert_eq!(called.code(), Some(0), "{said}");
    in_order(
        &called.out(),
        &[
            "RDU01-A (+19195550101, rdu01-rtr1): dialing",
            "modem ready",
            "dialing",
            "it rings",
            "CONNECT",
            "login prompt",
            "logged in",
            "right console",
            "logged out",
            "on-hook",
            "on-hook is proven",
            "RDU01-A: PASS",
            "written to reports/demo/calls/",
        ],
    );
    assert!(!said.contains('\u{1b}'), "colours are for terminals\n{said}");
    let calls = calls(&stage, "reports/demo");
    assert_eq!(calls.len(), 1, "{said}");
    assert_eq!(calls[0]["result"], "pass", "{said}");
    // What the monitor reads of the nights is not touched, and no history begins with a technician's call.
    for absent in ["latest", "current", "history.db"] {
        assert!(fs::symlink_metadata(stage.path("reports/demo").join(absent)).is_err(), "{absent}");
    }
    // The same run is a run like any other.
    let mut again = stage.lineman(["report", "latest", "--reports", "reports/demo/calls"]);
    again.env("NO_COLOR", "1");
    let again = finish(again, SOON);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn a_dead_line_is_one_calls_finding_with_what_to_look_at() {
    let stage = Stage::new();
    let called = Called::of(&stage, &["CLT02-A"]);
    let said = called.said();
    assert_eq!(called.code(), Some(1), "{said}");
    in_order(
        &called.out(),
        &["CLT02-A: FAIL busy (blame: far-line)", "One call's finding", "1. ", "off-hook", "2. "],
    );
    assert_eq!(calls(&stage, "reports/demo").len(), 1, "nothing confirms it\n{said}");
}

#[test]
fn many_calls_are_made_whatever_they_find() {
    let stage = Stage::new();
    let called = Called::of(&stage, &["GSO02-A", "--repeat", "5"]);
    let said = called.said();
    // The first call meets a busy line, and all others pass.
    assert_eq!(called.code(), Some(1), "{said}");
    in_order(
        &called.out(),
        &[
            "call   1  fail busy",
            "call   5  pass",
            "5 of 5 calls",
            "4  pass, 80 %",
            "1  fail busy",
            "median",
            "×",
        ],
    );
    let results: Vec<String> =
        calls(&stage, "reports/demo").iter().map(|row| row["result"].clone()).collect();
    assert_eq!(results, ["fail", "pass", "pass", "pass", "pass"], "{said}");
    assert!(called.out().contains("GSO02-A: DEGRADED needed-retry"), "{said}");
}

#[test]
fn what_may_not_be_dialed_is_not_and_what_is_on_hold_waits_for_a_word() {
    let stage = Stage::new();
    let premium = Called::of(&stage, &["PREM-A"]);
    assert_eq!(premium.code(), Some(1), "{}", premium.said());
    assert!(premium.out().contains("PREM-A: UNTESTED screened"), "{}", premium.said());
    let held = Called::of(&stage, &["HNL01-A"]);
    assert_eq!(held.code(), Some(3), "nothing was called, and that is not fine\n{}", held.said());
    in_order(&held.out(), &["UNTESTED on-hold", "cable cut, ticket 4711", "--on-hold"]);
    let called = Called::of(&stage, &["HNL01-A", "--on-hold"]);
    in_order(&called.out(), &["called all the same: cable cut", "HNL01-A (+18085550144", "dialing"]);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_dialed() {
    let stage = Stage::new();
    for (arguments, told) in [
        (&["RDU9"][..], "did you mean"),
        (&["+1 919"], "E.164"),
        (&["(919) 555-0101"], "`(919) 555-0101` has no country code"),
        (&["911", "--port", "/dev/null", "--country", "US"], "no country code"),
        (&["RDU01-A", "--modem", "m99"], "has no modem `m99`"),
        (&["RDU01-A", "--port", "/dev/null"], "numbers are made up"),
        (&[NUMBER, "--port", "/dev/null"], "--country US"),
        (
            &[NUMBER, "--port", "/dev/null", "--country", "US", "--profile", "curier"],
            "did you mean `courier`",
        ),
        (
            &[NUMBER, "--port", "/dev/null", "--country", "US", "--console", "ciso-ios"],
            "did you mean `cisco-ios`",
        ),
        (&["RDU01-A", "--console", "linux"], "of a line the plan says it"),
        (&["RDU01-A", "--repeat", "0"], "0"),
        (&["RDU01", "--interactive"], "terminal"),
    ] {
        let called = Called::of(&stage, arguments);
        assert_eq!(called.code(), Some(2), "{arguments:?}: {}", called.said());
        assert!(called.said().contains(told), "{arguments:?}: {}", called.said());
    }
    assert!(!stage.path("reports").exists(), "nothing was begun");
}

#[test]
fn one_modem_and_a_number_are_enough_and_screened_all_the_same() {
    let town = Town::new(&["courier"], [Branch::new(1)]);
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let port = exchange.port("m00").display().to_string();
    let here = ["--port", &port, "--country", "US", "--area-code", "919"];
    let called = Called::of(&stage, &[&[NUMBER], &here[..]].concat());
    let said = called.said();
    assert_eq!(called.code(), Some(0), "{said}");
    // The modem was asked who it is, and the number dialed as from there.
    in_order(
        &called.out(),
        &["+17045550101 (+17045550101): dialing 17045550101 on m00 (courier)", "CONNECT", ": PASS"],
    );
    assert_eq!(exchange.dialed(), ["BR0001-A"], "{said}");

    for number in ["+19005550143", "+1911555", "+19195559112345"] {
        let refused = Called::of(&stage, &[&["--number", number], &here[..]].concat());
        assert!(matches!(refused.code(), Some(1 | 2)), "{number}: {}", refused.said());
    }
    assert_eq!(exchange.dialed().len(), 1, "a number was dialed that may not be");

    // And logs in, with a password that no file has.
    let login = [
        "--console",
        "cisco-ios",
        "--hostname",
        "br0001-rtr1",
        "--username",
        "oob",
        "--password-env",
        VARIABLE,
    ];
    let called = Called::of(&stage, &[&[NUMBER], &here[..], &login].concat());
    let said = called.said();
    assert_eq!(called.code(), Some(0), "{said}");
    in_order(&called.out(), &["logged in", "right console", "logged out", ": PASS", "br0001-rtr1 answered"]);
    assert!(!said.contains(PASSWORD), "{said}");
    assert!(exchange.off_hook().is_empty(), "{said}");
}

#[test]
fn a_fault_of_our_own_goes_to_another_modem_and_else_says_so() {
    let town = Town::new(&["courier", "courier"], [Branch::new(1)]).modem(0, "fault: no-dialtone");
    let stage = Stage::new();
    town.found(&stage);
    let called = Called::of(&stage, &["BR0001-A", "--plan", "plan.yaml"]);
    assert_eq!(called.code(), Some(0), "{}", called.said());
    let called = Called::of(&stage, &["BR0001-A", "--plan", "plan.yaml", "--modem", "m00"]);
    let said = called.said();
    assert_eq!(called.code(), Some(3), "{said}");
    in_order(&called.out(), &["UNTESTED no-dialtone (blame: bench-line)", "our own side", "another jack"]);
    assert_eq!(calls(&stage, "reports").len(), 1, "{said}");
}

#[test]
fn a_refused_password_ends_the_repeating_and_is_remembered_for_the_night() {
    let town = Town::new(&["courier"], [Branch::with_fault(1, "refused-password"), Branch::new(2)]);
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let called = Called::of(&stage, &["BR0001-A", "--plan", "plan.yaml", "--repeat", "5"]);
    let said = called.said();
    assert!(matches!(called.code(), Some(1 | 3)), "{said}");
    assert_eq!(exchange.logged(What::Password).len(), 1, "{said}");
    let night = Called::of(&stage, &["BR0002-A", "--plan", "plan.yaml"]);
    assert_eq!(exchange.logged(What::Password).len(), 1, "a refused secret was sent again\n{}", night.said());
    assert!(night.out().contains("credential-unproven"), "{}", night.said());
    let allowed = Called::of(&stage, &["BR0002-A", "--plan", "plan.yaml", "--forget-refusal", "oob"]);
    assert_eq!(allowed.code(), Some(0), "{}", allowed.said());
}

#[test]
fn a_window_that_is_shut_says_so_and_a_word_opens_it() {
    let mut town = Town::new(&["courier"], [Branch::new(1)]);
    // Open on a day of the year on which nobody runs this.
    town.plan_keys = "preflight: off\nzone: UTC\nwindows: \"00:00-24:00\"\nblackouts: [\"2020-01-01T00:00/2090-01-01T00:00\"]".to_owned();
    let stage = Stage::new();
    town.found(&stage);
    let called = Called::of(&stage, &["BR0001-A", "--plan", "plan.yaml"]);
    assert_eq!(called.code(), Some(3), "{}", called.said());
    in_order(&called.out(), &["UNTESTED out-of-window", "--any-time"]);
    let called = Called::of(&stage, &["BR0001-A", "--plan", "plan.yaml", "--any-time"]);
    assert_eq!(called.code(), Some(0), "{}", called.said());
}

#[test]
fn what_is_usual_comes_from_the_nights() {
    let stage = Stage::new();
    let town = Town::new(&["courier"], [Branch::new(1)]);
    town.found(&stage);
    let night = stage.audit(&[(VARIABLE, PASSWORD)], RUN);
    assert!(night.output.status.success(), "{}", night.said());
    let called = Called::of(&stage, &["BR0001", "--plan", "plan.yaml"]);
    let told = called.out();
    for phase in ["post-dial", "dialed to CONNECT", "prompt", "login", "logout"] {
        let row =
            told.lines().find(|line| line.contains(phase)).unwrap_or_else(|| panic!("{}", called.said()));
        assert!(row.contains("usually") && row.contains("1 night"), "{row}\n{told}");
    }
}

#[test]
fn a_signal_ends_the_repeating_with_what_there_was() {
    let mut town = Town::new(&["courier"], [Branch::new(1)]);
    town.timing = "think: 2s".to_owned();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let mut command = stage.lineman(["call", "BR0001-A", "--plan", "plan.yaml", "--repeat", "100"]);
    command.env(VARIABLE, PASSWORD);
    let run = Running::start(command);
    exchange.wait_for("the third call", |log| log.iter().filter(|e| e.event == What::Dialed).count() >= 3);
    run.signal(Signal::SIGINT);
    let ended = run.finish(RUN);
    let said = ended.said();
    assert_eq!(ended.code(), Some(4), "{said}");
    in_order(&said, &["of 100 calls", "pass, 100 %", "interrupted: this is what there was"]);
    assert!(exchange.off_hook().is_empty(), "{said}");
}

#[test]
fn on_a_terminal_a_row_shows_what_goes_on_and_is_gone_at_the_end() {
    let mut town = Town::new(&["courier"], [Branch::new(1)]);
    town.timing = "think: 10s".to_owned();
    let stage = Stage::new();
    town.found(&stage);
    let mut command = stage.lineman(["call", "BR0001-A", "--plan", "plan.yaml"]);
    command.env(VARIABLE, PASSWORD);
    let mut terminal = Terminal::start(&command, None);
    terminal
        .wait_for("the row", |screen| screen.contains("waiting for prompt") || screen.contains("logging in"));
    let (status, _) = terminal.finish(RUN);
    let all = terminal.see(crate::terminal::Screen::all);
    assert_eq!(status.code(), Some(0), "{all}");
    assert!(all.contains("BR0001-A: PASS") && all.contains("right console"), "{all}");
    let row = all.lines().find(|line| line.trim_start().starts_with("waiting for prompt"));
    assert_eq!(row, None, "the row is left standing\n{all}");
    terminal.see(|screen| assert!(screen.odd.is_empty() && !screen.cursor_hidden, "{:?}\n{all}", screen.odd));
}

#[test]
fn the_law_on_calling_again_holds_from_one_command_to_the_next() {
    let mut town = Town::new(&["courier"], [Branch::with_fault(1, "{ kind: no-answer, text: NO ANSWER }")]);
    town.exchange_keys = "location: { country_code: \"43\", trunk: \"0\", international: \"00\" }".to_owned();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let port = exchange.port("m00").display().to_string();
    // Austria: a minute after a failed call, three in a row.
    let here = ["+17045550101", "--port", &port, "--country", "AT"];
    let first = Called::of(&stage, &here);
    assert_eq!(first.code(), Some(1), "{}", first.said());
    let mut command = stage.lineman(["call"]);
    command.args(here);
    let mut again = Running::start(command);
    again.wait_for("the wait", |text| text.contains("redial rules"));
    assert_eq!(exchange.dialed().len(), 1, "called again within the minute");
    again.signal(Signal::SIGINT);
    assert_eq!(again.finish(RUN).code(), Some(4));
}

#[test]
fn two_technicians_call_side_by_side() {
    let mut town = Town::new(&["courier", "courier"], [Branch::new(1), Branch::new(2)]);
    town.timing = "think: 30s".to_owned();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let call = |line: &str, modem: &str| {
        let mut command = stage.lineman(["call", line, "--plan", "plan.yaml", "--modem", modem]);
        command.env(VARIABLE, PASSWORD);
        Running::start(command)
    };
    let first = call("BR0001-A", "m00");
    exchange.wait_for("the first call", |log| log.iter().any(|e| e.event == What::Answered));
    let second = call("BR0002-A", "m01").finish(RUN);
    assert_eq!(second.code(), Some(0), "{}", second.said());
    let first = first.finish(RUN);
    assert_eq!(first.code(), Some(0), "{}", first.said());
}

#[test]
fn a_password_that_was_on_its_way_when_a_call_was_killed_is_not_sent_by_the_night() {
    let mut town = Town::new(&["courier"], [Branch::new(1)]);
    town.timing = "think: 60s".to_owned();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let mut command = stage.lineman(["call", "BR0001-A", "--plan", "plan.yaml"]);
    command.env(VARIABLE, PASSWORD);
    let call = Running::start(command);
    exchange.wait_for("the password", |log| log.iter().any(|e| e.event == What::Password));
    drop(call.kill_hard());
    let night = stage.audit(&[(VARIABLE, PASSWORD)], RUN);
    assert_eq!(night.lines()["BR0001-A"]["fault"], "credential-unproven", "{}", night.said());
    assert_eq!(exchange.logged(What::Password).len(), 1, "{}", night.said());
}
