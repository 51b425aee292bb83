//! The daemon's log as journald reads it: a priority in front of each line, and no time, since it stamps them itself. Where
//! nobody stamps them they bear their time.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;
use std::time::Duration;

use super::house::House;
use crate::night::SOON;
use crate::stage::{Stage, end, wait_until};
use crate::town::{Branch, PASSWORD, Town, VARIABLE};

/// The first line of a daemon's log, where this environment says who reads it.
fn first_line(stage: &Stage, journal_stream: impl FnOnce(&File) -> String) -> String {
    let path = stage.path("log");
    let log = File::create(&path).unwrap();
    let mut command = stage.lineman(["serve", "hq.yaml"]);
    command.env(VARIABLE, PASSWORD).env("JOURNAL_STREAM", journal_stream(&log));
    let mut daemon = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let came = wait_until(SOON, || fs::read_to_string(&path).is_ok_and(|text| text.contains('\n')));
    end(&mut daemon, Duration::from_secs(5));
    assert!(came, "it says nothing");
    fs::read_to_string(&path).unwrap().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_log_for_journald_has_priorities_and_any_other_has_times() {
    let stage = Stage::new();
    Town::new(&["courier"], [Branch::new(1)]).found(&stage);
    House::new(&stage).write();
    let name = |log: &File| log.metadata().map(|facts| format!("{}:{}", facts.dev(), facts.ino())).unwrap();
    let line = first_line(&stage, name);
    assert!(line.starts_with("<6> INFO lineman::"), "{line}");
    let line = first_line(&stage, |_| "1:2".to_owned());
    let (stamp, rest) = line.split_once(' ').unwrap();
    assert!(
        stamp.parse::<jiff::Timestamp>().is_ok() && rest.trim_start().starts_with("INFO lineman::"),
        "{line}"
    );
}
