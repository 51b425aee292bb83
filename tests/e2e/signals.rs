//! SIGINT and SIGTERM: the first one logs out and hangs up, the second drops all lines; the report is written either way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lineman::sim::log::{Entry, What};
use nix::sys::signal::Signal;

use crate::night::{Ended, Exchange, RUN, Running, SOON, audit, audited, rows, run_of};
use crate::stage::{Row, Stage};
use crate::town::{Branch, Town};

/// From the second signal to the end of the process; two to three seconds are meant.
const AT_ONCE: Duration = Duration::from_secs(4);

const STOPPING: &str = "stopping";

fn by_call(log: &[Entry], what: What) -> BTreeSet<u64> {
    log.iter().filter(|entry| entry.event == what).filter_map(|entry| entry.call).collect()
}

/// The rows of a run that was interrupted: every line has one.
fn interrupted(stage: &Stage, ended: &Ended, lines: usize) -> Vec<Row> {
    let said = ended.said();
    assert_eq!(ended.code(), Some(4), "{said}");
    let run = run_of(stage, "latest");
    let rows = rows(&run.join("lines.csv"));
    assert_eq!(rows.len(), lines, "{said}");
    assert!(rows.iter().all(|row| !row["result"].is_empty()), "{rows:?}");
    let summary = std::fs::read_to_string(run.join("summary.json")).unwrap();
    assert!(summary.contains("\"interrupted\""), "{summary}");
    rows
}

#[test]
fn the_first_signal_logs_out_hangs_up_and_leaves_a_report_to_go_on_from() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut town = Town::new(&["courier", "generic", "courier"], (1..=10).map(Branch::new));
        // Sessions that take a while, so that there are some to be logged out.
        town.timing = "think: 6s".to_owned();
        let stage = Stage::new();
        let exchange = Exchange::of(&town, &stage);
        let mut run = Running::start(audit(&stage, &["--plain"]));
        exchange.wait_for("a session amid others", |log| {
            by_call(log, What::LoggedOut).len() >= 2 && {
                let inside = by_call(log, What::Password);
                let gone = by_call(log, What::Logout);
                inside.difference(&gone).count() >= 1
            }
        });
        run.signal(signal);
        run.wait_for("the answer to the signal", |text| text.contains(STOPPING));
        let dialed = exchange.dialed().len();
        let ended = run.finish(RUN);
        let said = format!("{signal}: {}", ended.said());
        let lines = interrupted(&stage, &ended, 10);
        let log = exchange.log();
        assert_eq!(exchange.dialed().len(), dialed, "dialed after the signal\n{said}");
        assert!(exchange.off_hook().is_empty(), "{said}");
        // Whoever got in was logged out, and nobody's session was cut off.
        let (inside, out) = (by_call(&log, What::LoggedIn), by_call(&log, What::LoggedOut));
        assert_eq!(inside, out, "sessions were left open\n{said}\n{log:#?}");

        // What was judged stays judged; a call that was let come to its end may have passed.
        let judged: BTreeSet<String> =
            lines.iter().filter(|row| row["fault"] != "cancelled").map(|row| row["line"].clone()).collect();
        assert!(judged.len() >= 2 && judged.len() < 10, "{judged:?}\n{said}");
        for row in &lines {
            let expected = if judged.contains(&row["line"]) { ["pass", ""] } else { ["untested", "policy"] };
            assert_eq!([&row["result"], &row["blame"]], expected, "{row:?}\n{said}");
        }
        let resumed = audited(&stage, &["--plain", "--resume"]);
        let said = format!("{signal}: {}\nresumed: {}", ended.said(), resumed.said());
        assert_eq!(resumed.code(), Some(0), "{said}");
        assert!(exchange.dialed()[dialed..].iter().all(|line| !judged.contains(line)), "{said}");
        let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
        assert!(lines.len() == 10 && lines.iter().all(|row| row["result"] == "pass"), "{lines:?}\n{said}");
        assert!(exchange.off_hook().is_empty(), "{said}");
    }
}

#[test]
fn the_second_signal_drops_all_lines_at_once() {
    // Four calls that all have long to wait: for a login, a logout, a prompt, an answer.
    let mut town = Town::new(
        &["courier"; 4],
        [
            Branch::with_fault(1, "login-stalls").near("credential: slow"),
            Branch::with_fault(2, "lost-logout"),
            Branch::with_fault(3, "silent"),
            Branch::with_fault(4, "no-answer"),
        ],
    );
    town.rules = vec!["name: ring, line: BR0004-A, fault: no-answer".to_owned()];
    let stage = Stage::new();
    // The ring goes on until S7 has run out.
    town.pace = 0.2;
    town.timing =
        "dial_tone: 50ms, digit: 5ms, setup: 100ms, ring: { on: 200ms, off: 400ms }, train: 200ms, error_control: 50ms"
            .to_owned();
    town.limits =
        "setup: 5s, dial: 60s, prompt: 60s, login: 60s, logout: 60s, hangup: 10s, call: 200s".to_owned();
    town.credentials = "{ oob: { username: oob, password: { env: TOWN_PASSWORD } }, slow: { username: other, password: { env: TOWN_PASSWORD } } }".to_owned();
    let exchange = Exchange::of(&town, &stage);
    let mut run = Running::start(audit(&stage, &["--plain"]));
    exchange.wait_for("all calls at their waits", |log| {
        by_call(log, What::Password).len() == 2
            && by_call(log, What::Logout).len() == 1
            && by_call(log, What::Connected).len() == 3
            && by_call(log, What::Ringback).len() == 4
    });
    run.signal(Signal::SIGINT);
    run.wait_for("the answer to the first", |text| text.contains(STOPPING));
    let began = Instant::now();
    run.signal(Signal::SIGINT);
    let ended = run.finish(SOON);
    let took = began.elapsed();
    let said = ended.said();
    let lines = interrupted(&stage, &ended, 4);
    assert!(took < AT_ONCE, "it took {took:?}\n{said}");
    assert!(exchange.off_hook().is_empty(), "{:?}\n{said}", exchange.off_hook());
    assert!(ended.err.contains("dropping all lines"), "{said}");
    // The calls that were cut off found nothing of their lines: not even that logged in, and was not out again.
    for row in &lines {
        assert_eq!(row["fault"], "cancelled", "{row:?}\n{said}");
    }
}

#[test]
fn a_run_that_only_waits_ends_at_once() {
    // A modem that says nothing, and a line that is to be called again in an hour.
    let branches = [Branch::with_fault(1, "busy"), Branch::with_fault(2, "busy")];
    let mut town = Town::new(&["courier", "courier"], branches).modem(1, "fault: dead");
    town.limits = town.limits.replace("setup: 5s", "setup: 60s");
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let plan = std::fs::read_to_string(stage.path("plan.yaml")).unwrap();
    stage.write("plan.yaml", &plan.replace("busy: 200ms", "busy: 1h"));
    let mut run = Running::start(audit(&stage, &["--plain"]));
    exchange.wait_for("both lines called once", |log| by_call(log, What::OnHook).len() == 2);
    let began = Instant::now();
    run.signal(Signal::SIGTERM);
    run.wait_for("the answer to the signal", |text| text.contains(STOPPING));
    let ended = run.finish(SOON);
    let took = began.elapsed();
    let lines = interrupted(&stage, &ended, 2);
    assert!(took < AT_ONCE, "it took {took:?}\n{}", ended.said());
    for row in &lines {
        assert_eq!([row["fault"].as_str(), row["attempts"].as_str()], ["cancelled", "1"], "{row:?}");
    }
}
