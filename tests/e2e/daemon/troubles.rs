//! What befalls a daemon from below: ports that vanish, modems that are wedged, a disk that fills up, a history that others
//! hold, a cut between a password and its proof, files that are changed for better and for worse.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use lineman::sim::log::{Entry, What};
use serde_json::json;

use super::house::{Daemon, House, assert_all_pass, assert_hung_up, calls, judged};
use crate::night::{Exchange, RUN, Running, SOON, rows, verdict};
use crate::stage::{Stage, wait_until};
use crate::town::{Branch, Town};

fn on(log: &[Entry], modem: &str, what: What) -> usize {
    log.iter().filter(|entry| entry.event == what && entry.modem.as_deref() == Some(modem)).count()
}

#[test]
fn a_port_that_vanishes_and_a_wedged_modem_cost_no_line_and_the_status_says_so() {
    let mut town = Town::new(&["courier", "courier", "v250"], (1..=18).map(Branch::new))
        .modem(1, "fault: { kind: wedged }");
    town.timing = "think: 2s".to_owned();
    town.rules = vec![
        "name: unplugged, modem: m00, call: 2, fault: { kind: port-vanishes, at: logged-in, back_after: 20s }"
            .to_owned(),
    ];
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let house = House::new(&stage);
    let mut daemon = house.open();
    let run = daemon.start_run();
    exchange.wait_for("the port that vanished", |log| on(log, "m00", What::PortVanished) > 0);
    let out = |modem: &str| {
        let row = daemon.modem(modem);
        let why = row["why"].as_str().unwrap_or_default().to_owned();
        (row["stands"].as_str().unwrap_or_default().to_owned(), why)
    };
    assert!(wait_until(SOON, || out("m00").0 == "out"), "{:?}", out("m00"));
    assert!(!out("m00").1.is_empty(), "it does not say why\n{}", daemon.said());
    assert!(wait_until(SOON, || ["out", "down"].contains(&out("m01").0.as_str())), "{:?}", out("m01"));
    daemon.wait_over(&run);
    assert_all_pass(&house.run("latest"), 18, &[], &daemon.said());
    exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
    exchange.wait_for("the port's return", |log| on(log, "m00", What::PortReturned) > 0);
    // The next run has it again, without anybody's doing.
    let before = exchange.log().len();
    let next = daemon.whole_run();
    assert!(house.run("latest").ends_with(next));
    assert!(on(&exchange.log()[before..], "m00", What::Dialed) > 0, "{}", daemon.said());
    assert_all_pass(&house.run("latest"), 18, &[], &daemon.said());
    assert!(daemon.is_alive());
    daemon.close();
}

/// Nobody who can't make a small disk of its own can fill one up.
fn small_disk() -> bool {
    let root = nix::unistd::geteuid().is_root()
        && Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    if !root {
        let _ = writeln!(std::io::stderr(), "\n*** a full disk WAS NOT TESTED: it takes root\n");
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "in CI it must be");
    }
    root
}

#[test]
fn a_disk_that_fills_up_ends_the_run_and_when_there_is_room_it_goes_on() {
    if !small_disk() {
        return;
    }
    let stage = Stage::new();
    let exchange =
        Exchange::of(&Town::new(&["courier", "generic", "v250"], (1..=40).map(Branch::new)), &stage);
    let house = House::new(&stage);
    house.write();
    let daemon = house.begin_by(|stage| {
        let mut command = Command::new("unshare");
        let script =
            "mkdir -p reports && mount -t tmpfs -o size=120k tmpfs reports && exec \"$0\" serve hq.yaml";
        command.args(["--mount", "--propagation", "private", "sh", "-c", script]);
        command.arg(env!("CARGO_BIN_EXE_lineman")).current_dir(stage.path(""));
        for (name, value) in stage.lineman([""; 0]).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command
    });
    daemon.wait_ready();
    let run = daemon.start_run();
    daemon.wait_over(&run);
    let dials = exchange.dialed().len();
    assert!(dials < 40, "the disk was never full\n{}", daemon.said());
    assert_hung_up(&exchange, &daemon.said());
    // It says what is wrong, and when it tries again.
    let plan = daemon.plan();
    let why = plan["why"].as_str().unwrap_or_default();
    assert!(why.contains("is full") && plan["stands"] == "waiting", "{plan:#}\n{}", daemon.said());
    assert!(!plan["until"].is_null(), "{plan:#}");
    // In the daemon's own namespace.
    let inside = |program: &[&str]| {
        let mut command = Command::new("nsenter");
        let id = daemon.id().to_string();
        command.args(["--mount", "--target", &id, "--wd", "--"]).args(program).current_dir(stage.path(""));
        Running::start(command).finish(SOON)
    };
    let reports = stage.path("reports").display().to_string();
    let ended = inside(&["mount", "-o", "remount,size=16m", &reports]);
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    // Whoever has made room need not wait for the next try.
    let answer = daemon.control(&json!({"do": "start", "plan": "town"}));
    assert!(answer.done().contains(&run), "{}", answer.text);
    daemon.wait_settled(&run);
    let lines = inside(&["cat", &format!("{reports}/town/latest/lines.csv")]);
    let passed = lines.out.lines().filter(|line| line.contains(",pass,")).count();
    assert_eq!(passed, 40, "{}\n{}", lines.out, daemon.said());
    assert_hung_up(&exchange, &daemon.said());
    // What was judged before the disk was full was not dialed again: only calls that were cut off were.
    let dialed = exchange.dialed().len();
    assert!((40..=46).contains(&dialed), "{dialed} dials of 40 lines\n{}", daemon.said());
    daemon.close();
}

#[test]
fn a_history_that_others_hold_holds_up_no_run() {
    let stage = Stage::new();
    let exchange = Exchange::of(&Town::new(&["courier", "v250"], (1..=6).map(Branch::new)), &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    daemon.whole_run();
    let path = house.reports().join("history.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let held = daemon.whole_run();
    assert_all_pass(&house.run("latest"), 6, &[], &daemon.said());
    assert!(house.run("latest").ends_with(&held));
    assert!(daemon.log().contains("history"), "nothing is told of it\n{}", daemon.said());
    other.execute_batch("COMMIT").unwrap();
    drop(other);
    // The next run catches up with what was left out.
    let last = daemon.whole_run();
    let store = rusqlite::Connection::open(&path).unwrap();
    let runs: i64 = store.query_row("SELECT count(*) FROM run", [], |row| row.get(0)).unwrap();
    assert_eq!(runs, 3, "{held} or {last} is not in the history\n{}", daemon.said());
    assert_hung_up(&exchange, &daemon.said());
    daemon.close();
}

/// Nobody knows whether that password was right: no other line gets it, and no account is locked.
#[test]
fn a_cut_between_a_password_and_its_proof_sends_no_other_one() {
    let mut town = Town::new(&["courier", "v250"], (1..=6).map(Branch::new));
    town.branches[0] = Branch::new(1).far("fault: login-stalls");
    town.credentials = town.credentials.replace("username: oob", "username: oob, prove_on: BR0001-A");
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    let run = daemon.start_run();
    exchange.wait_for("the password", |log| !calls(log, What::Password).is_empty());
    let ended = daemon.kill_hard();
    let daemon = house.open();
    daemon.wait_over(&run);
    let said = format!("{}\n{}", ended.said(), daemon.said());
    for row in rows(&house.run("latest").join("lines.csv")) {
        assert_eq!(verdict(&row), "untested credential-unproven credential", "{row:?}\n{said}");
    }
    assert_eq!(calls(&exchange.log(), What::Password).len(), 1, "a second password was sent\n{said}");
    daemon.close();
}

/// As an editor does it: a new file in the place of the old one.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

fn edit(stage: &Stage, name: &str, from: &str, to: &str) {
    let path = stage.path(name);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{name} has no `{from}`:\n{text}");
    replace(&path, &text.replacen(from, to, 1));
}

fn problem(daemon: &Daemon) -> Option<String> {
    daemon.status()["config"]["problem"].as_str().map(ToOwned::to_owned)
}

#[test]
fn files_that_change_amid_a_run_take_effect_at_once_and_bad_ones_are_told() {
    let mut town = Town::new(&["courier", "v250", "generic"], (1..=22).map(Branch::new));
    town.timing = "think: 2s".to_owned();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    let run = daemon.start_run();
    exchange.wait_for("a call", |log| !calls(log, What::LoggedOut).is_empty());
    // A bad plan: told, and the good one stays.
    edit(&stage, "plan.yaml", "numbering: us", "numbering: su");
    daemon.wait_for("the bad file", |line| line.contains("configuration file is wrong"));
    assert!(problem(&daemon).is_some_and(|why| why.contains("plan.yaml") && why.contains("su")));
    assert!(daemon.line().contains(&run), "{}", daemon.said());
    // Still bad when somebody asks.
    let answer = daemon.control(&json!({"do": "reload"}));
    assert!(answer.refused().contains("plan.yaml"), "{}", answer.text);
    edit(&stage, "plan.yaml", "numbering: su", "numbering: us");
    daemon.wait_for("the good file", |line| !line.contains("is wrong"));
    assert_eq!(problem(&daemon), None);
    // A modem and a line are disabled in their files: at once, in the run that goes on.
    edit(&stage, "bank.yaml", "id: m01,", "id: m01, enabled: false,");
    assert!(wait_until(SOON, || daemon.modem("m01")["stands"] == "disabled"), "{:#}", daemon.modem("m01"));
    exchange.wait_for("m01 on-hook", |_| {
        exchange.off_hook().iter().all(|entry| entry.modem.as_deref() != Some("m01"))
    });
    let seen = exchange.log().len();
    edit(&stage, "plan.yaml", "id: BR0022-A,", "id: BR0022-A, enabled: false,");
    edit(&stage, "bank.yaml", "id: m01, enabled: false,", "id: m01,");
    exchange.wait_for("m01 at work again", |log| on(&log[seen..], "m01", What::Dialed) > 0);
    daemon.wait_over(&run);
    let said = daemon.said();
    assert_all_pass(&house.run("latest"), 22, &[("BR0022-A", "untested skipped policy")], &said);
    assert_hung_up(&exchange, &said);
    // The plan itself, amid a run: calls are logged out, and nothing of it begins.
    let run = daemon.start_run();
    exchange.wait_for("the second run", |log| log[seen..].iter().any(|entry| entry.event == What::LoggedIn));
    edit(&stage, "hq.yaml", "plan: plan.yaml", "plan: plan.yaml, enabled: false");
    daemon.wait_over(&run);
    assert_hung_up(&exchange, &said);
    assert!(daemon.control(&json!({"do": "start", "plan": "town"})).refused().contains("disabled"));
    edit(&stage, "hq.yaml", ", enabled: false", "");
    assert!(wait_until(RUN, || daemon.plan()["stands"] == "idle"), "{:#}", daemon.plan());
    // And the daemon.
    let run = daemon.start_run();
    let seen = exchange.log().len();
    exchange.wait_for("the third run", |log| log[seen..].iter().any(|entry| entry.event == What::LoggedIn));
    edit(&stage, "hq.yaml", "service: hq", "service: hq\nenabled: false");
    daemon.wait_over(&run);
    daemon.wait_for("its being disabled", |line| line.contains("disabled"));
    assert_hung_up(&exchange, &said);
    let done = judged(&house.run("latest"));
    assert!(done.values().all(|verdict| verdict == "pass" || verdict == "skipped"), "{done:?}");
    daemon.close();
}
