//! A console that is handed over to a technician's terminal, and taken back: on the simulated bank, over a real pty.

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::LocalFlags;
use nix::unistd::Pid;

use crate::night::{RUN, rows};
use crate::stage::{Row, Stage, wait_until};
use crate::terminal::Terminal;

/// What a technician is told as the console is theirs.
const YOURS: &str = "in all.";
/// How long a key may take to be answered.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);
/// Ctrl-].
const ESCAPE: &[u8] = b"\x1d";

fn call(stage: &Stage, arguments: &[&str]) -> Terminal {
    let mut command = stage.lineman(["call", "RDU01-A", "--interactive"]);
    command.args(arguments).env("LC_ALL", "C.UTF-8");
    Terminal::start(&command, None)
}

/// The only call of the only run.
fn record(stage: &Stage) -> Row {
    let mut calls = rows(&stage.path("reports/demo/calls/latest/calls.csv"));
    assert_eq!(calls.len(), 1);
    calls.remove(0)
}

fn is_raw(terminal: &Terminal) -> bool {
    !terminal.settings().local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG)
}

fn handed_over(stage: &Stage) -> Terminal {
    let terminal = call(stage, &[]);
    terminal.wait_for("the console", |screen| screen.contains(YOURS) && screen.ends_with("rdu01-rtr1>"));
    assert!(is_raw(&terminal), "the keys are the console's");
    terminal
}

#[test]
fn keys_go_to_the_console_and_its_hang_up_is_proven() {
    let stage = Stage::new();
    let mut terminal = handed_over(&stage);
    // Ctrl-C is the console's here, and so is what is no escape.
    terminal.press(b"relo\x7foad\x03");
    terminal.wait_for("its answer", |screen| screen.contains("rdu01-rtr1>reload^C"));
    terminal.press(b"show cl~.\x7f\x7fock\r");
    terminal
        .wait_for("its answer", |screen| screen.contains("Invalid input") && screen.ends_with("rdu01-rtr1>"));
    terminal.press(b"half");
    terminal.wait_for("its echo", |screen| screen.ends_with("rdu01-rtr1>half"));
    terminal.press(ESCAPE);
    terminal.wait_for("that it is back", |screen| screen.contains("given back, after"));
    let (status, raw) = terminal.finish(RUN);
    let said = String::from_utf8_lossy(&raw).into_owned();
    assert_eq!(status.code(), Some(0), "{said}");
    for part in ["handed back", "logged out", "on-hook", "PASS"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let record = record(&stage);
    assert_eq!((record["result"].as_str(), record["fault"].as_str()), ("pass", ""), "{record:?}");
    assert!(record["logout_ms"].parse::<u64>().is_ok_and(|ms| ms < 3000), "{record:?}");
    // Nothing of it is kept.
    let journal = std::fs::read_to_string(stage.path("reports/demo/calls/latest/events.jsonl")).unwrap();
    assert!(!journal.contains("show clo") && !journal.contains("Invalid input"), "{journal}");
}

#[test]
fn what_was_typed_before_is_not_the_consoles_and_the_terminal_is_left_as_it_was() {
    let stage = Stage::new();
    let mut terminal = call(&stage, &[]);
    let settings = terminal.settings();
    terminal.wait_for("the call", |screen| screen.contains("dialing"));
    terminal.press(b"too early\r");
    terminal.wait_for("the console", |screen| screen.contains(YOURS) && screen.ends_with("rdu01-rtr1>"));
    terminal.press(b"~?");
    terminal.wait_for("help", |screen| screen.contains("~~ types ~"));
    terminal.press(b"~.");
    terminal.wait_for("the verdict", |screen| screen.contains("PASS"));
    assert_eq!(terminal.settings().local_flags, settings.local_flags);
    assert_eq!(terminal.settings().input_flags, settings.input_flags);
    let (status, _) = terminal.finish(RUN);
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_far_end_that_is_left_by_hand_has_logged_out() {
    let stage = Stage::new();
    let mut terminal = handed_over(&stage);
    terminal.press(b"exit\r");
    terminal.wait_for("its login prompt", |screen| screen.ends_with("Username:"));
    terminal.press(ESCAPE);
    let (status, raw) = terminal.finish(RUN);
    assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&raw));
    assert_eq!(record(&stage)["result"], "pass");
}

/// A line that no longer fits its row can't be edited by backspaces: it is written anew, as wide as the window is by then.
#[test]
fn a_window_that_is_made_narrower_is_known() {
    let stage = Stage::new();
    let mut terminal = handed_over(&stage);
    let long = "ping 10.1.2.3 and then some more words";
    terminal.press(long.as_bytes());
    terminal.wait_for("its echo", |screen| screen.ends_with(long));
    terminal.resize(30);
    // The signal and the key go different ways: who types on sees the line anew at last.
    for _ in 0..20 {
        terminal.press(b"\x7f");
        if wait_until(LOOK, || terminal.see(|screen| screen.all().matches("rdu01-rtr1>ping").count() > 1)) {
            return;
        }
    }
    panic!("{}", terminal.see(crate::terminal::Screen::all));
}

#[test]
fn a_signal_takes_it_back_logs_out_and_gives_the_terminal_back() {
    let stage = Stage::new();
    let mut terminal = handed_over(&stage);
    kill(Pid::from_raw(terminal.program()), Signal::SIGTERM).expect("it runs");
    terminal.wait_for("why", |screen| screen.contains("taken back: the run is being ended"));
    terminal.wait_for("the end", |screen| screen.contains("written to"));
    assert!(!is_raw(&terminal));
    let (status, raw) = terminal.finish(RUN);
    assert_eq!(status.code(), Some(4), "{}", String::from_utf8_lossy(&raw));
}

#[test]
fn a_terminal_that_is_closed_gives_the_console_back() {
    let stage = Stage::new();
    let terminal = handed_over(&stage);
    drop(terminal);
    let record = record(&stage);
    assert_eq!((record["result"].as_str(), record["logout_ms"].is_empty()), ("pass", false), "{record:?}");
}

/// With no credential the checks come as far as its prompt; the rest is the technician's, and so is the password.
#[test]
fn without_a_credential_the_login_prompt_is_the_technicians() {
    let stage = Stage::new();
    let bank = concat!(env!("CARGO_MANIFEST_DIR"), "/hardware/banks/demo.yaml");
    let mut command = stage.lineman(["call", "+19195550101", "--console", "cisco-ios", "--interactive"]);
    command.args(["--bank", bank, "--hostname", "rdu01-rtr1", "--reports", "reports"]);
    let mut terminal = Terminal::start(&command, None);
    terminal
        .wait_for("the prompt", |screen| screen.contains("log in yourself") && screen.ends_with("Username:"));
    terminal.press(b"oob\r");
    terminal.wait_for("the question", |screen| screen.ends_with("Password:"));
    terminal.press(b"demo-only\r");
    terminal.wait_for("the console", |screen| screen.ends_with("rdu01-rtr1>"));
    terminal.press(ESCAPE);
    let (status, raw) = terminal.finish(RUN);
    let said = String::from_utf8_lossy(&raw).into_owned();
    // What was checked says nothing of a login; that it was left again is proven all the same.
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("credential-unproven") && said.contains("logged out"), "{said}");
    assert!(!said.contains("demo-only"), "{said}");
}

#[test]
fn without_a_terminal_nothing_is_dialed() {
    let stage = Stage::new();
    let output = stage.lineman(["call", "RDU01-A", "--interactive"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--interactive needs a terminal"), "{said}");
    assert!(!stage.path("reports/demo/calls").exists());
}
