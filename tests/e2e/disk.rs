//! A full disk: told before anything is dialed where that is possible; else the run ends, hung up, and can be gone on with.
//!
//! The disk is a small tmpfs in a mount namespace of its own, for which it takes root; elsewhere it is loudly left out.

use std::io::Write;
use std::process::Command;

use lineman::sim::log::What;

use crate::night::{Ended, Exchange, RUN, Running};
use crate::stage::Stage;
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

/// Runs a shell script in a namespace where `reports` is a disk of this size; `None` where that can't be had.
fn with_disk(stage: &Stage, size: &str, script: &str) -> Option<Ended> {
    let lineman = stage.lineman([""; 0]);
    let mut command = Command::new("unshare");
    let mount =
        format!("mkdir -p reports && mount -t tmpfs -o size={size} tmpfs reports || exit 99\n{script}");
    command.args(["--mount", "--propagation", "private", "sh", "-c", &mount]);
    command.current_dir(stage.path("")).env("LINEMAN", env!("CARGO_BIN_EXE_lineman")).env(VARIABLE, PASSWORD);
    for (name, value) in lineman.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let root = nix::unistd::geteuid().is_root();
    let ended = root.then(|| Running::start(command).finish(RUN)).filter(|ended| ended.code() != Some(99));
    if ended.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "\n*** a full disk WAS NOT TESTED: it takes root and a mount namespace\n"
        );
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "in CI it must be");
    }
    ended
}

#[test]
fn a_disk_that_is_full_from_the_start_is_told_before_anything_is_dialed() {
    let stage = Stage::new();
    let exchange = Exchange::of(&Town::new(&["courier"], [Branch::new(1)]), &stage);
    let script = "head -c 1M /dev/zero > reports/filling 2>/dev/null\n\"$LINEMAN\" audit plan.yaml --reports reports --plain";
    let Some(ended) = with_disk(&stage, "64k", script) else { return };
    assert_eq!(ended.code(), Some(2), "{}", ended.said());
    assert!(
        ended.err.contains("reports") && ended.err.contains("is full; free some space"),
        "{}",
        ended.said()
    );
    assert!(exchange.dialed().is_empty(), "{}", ended.said());
}

#[test]
fn a_disk_that_fills_up_ends_the_run_and_loses_nothing() {
    let stage = Stage::new();
    let exchange =
        Exchange::of(&Town::new(&["courier", "generic", "v250"], (1..=40).map(Branch::new)), &stage);
    // Full after some verdicts; then there is room again, and the run goes on.
    let script = "
        \"$LINEMAN\" audit plan.yaml --reports reports --plain; echo \"first ended with $?\"
        ls -l reports/ reports/current/; test -e reports/latest && echo 'half a night is told as a whole one'
        mount -o remount,size=16m reports
        \"$LINEMAN\" audit plan.yaml --reports reports --plain --resume; echo \"second ended with $?\"
        wc -l < reports/latest/lines.csv; grep -c ',pass,' reports/latest/lines.csv";
    let Some(ended) = with_disk(&stage, "100k", script) else { return };
    let said = ended.said();
    assert!(ended.out.contains("first ended with 3"), "{said}");
    assert!(!ended.out.contains("half a night"), "{said}");
    assert!(ended.err.contains("is full; free some space") && ended.err.contains("--resume"), "{said}");
    assert!(ended.out.contains("second ended with 0"), "{said}");
    assert!(ended.out.trim_end().ends_with("41\n40"), "{said}");
    exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
    // What was judged before the disk was full was not dialed again: only calls that were cut off were.
    let dialed = exchange.dialed().len();
    assert!((40..=46).contains(&dialed), "{dialed} dials of 40 lines\n{said}");
    let sessions = exchange.logged(What::LoggedIn).len();
    assert_eq!(sessions, exchange.logged(What::LoggedOut).len(), "a session was left open\n{said}");
}
