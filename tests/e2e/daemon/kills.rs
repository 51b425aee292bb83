//! kill -9 at random points of a run, and a daemon that goes on: a hundred seeds, each the point of one kill.
//!
//! `KILL_SEED=n` plays the night of one seed alone. A seed is a point in the life of a process, so the same one meets the same
//! spot within a few milliseconds: what fails tells where it was, with both sides' records.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use lineman::model::EventKind;

use super::house::{Daemon, House, assert_all_pass, journal_so_far, judged};
use crate::night::{Exchange, at_once};
use crate::stage::Stage;
use crate::town::{Branch, Town};

/// Kills in one night; each life comes a piece further.
const KILLS: u64 = 10;
const LINES: usize = 36;
/// A life that comes to no end and not to its point is killed all the same.
const LIFE_MAX: Duration = Duration::from_secs(10);

/// Where a life ends.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// So long after the process was started: while it reads its files, looks for what was left, goes on with it.
    Alive(Duration),
    /// When this file has grown by so many bytes, and a moment later.
    Grown { journal: bool, bytes: u64, then: Duration },
}

impl Point {
    fn of(seed: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let then = Duration::from_micros(chance.u64(0..4_000));
        match chance.u8(0..5) {
            0 | 1 => Self::Alive(Duration::from_millis(chance.u64(0..900))),
            2 => Self::Grown { journal: false, bytes: chance.u64(1..12_000), then },
            _ => Self::Grown { journal: true, bytes: chance.u64(1..40_000), then },
        }
    }

    /// Waits for it in a daemon's life; a run that has come to its end before was met at its end.
    fn wait(self, born: Instant, journal: &Path, exchange: &Path) {
        let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let path = |of_run: bool| if of_run { journal } else { exchange };
        let (until, grown) = match self {
            Self::Alive(age) => (born + age, None),
            Self::Grown { journal, bytes, .. } => (born + LIFE_MAX, Some((path(journal), bytes))),
        };
        let from = grown.map_or(0, |(path, _)| length(path));
        while Instant::now() < until && grown.is_none_or(|(path, bytes)| length(path) < from + bytes) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        if let Self::Grown { then, .. } = self {
            std::thread::park_timeout(then);
        }
    }
}

/// What a night must not lose.
#[derive(Default)]
struct Ledger {
    done: BTreeMap<String, String>,
    dialed: usize,
}

impl Ledger {
    /// The daemon is dead: what it had finished is there, what was finished before it lived was not dialed by it.
    fn balance(&mut self, run: &Path, exchange: &Exchange, what: &str) {
        exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
        let (now, dialed) = (judged(run), exchange.dialed());
        for (line, fault) in &self.done {
            assert_eq!(now.get(line), Some(fault), "a finished line was lost: {line}\n{what}");
        }
        let again: Vec<_> =
            dialed[self.dialed..].iter().filter(|line| self.done.contains_key(*line)).collect();
        assert!(again.is_empty(), "dialed again: {again:?}\n{what}");
        *self = Self { done: now, dialed: dialed.len() };
    }
}

/// One night, with the kills of these seeds.
fn night(seeds: impl Iterator<Item = u64>) {
    let stage = Stage::new();
    let mut town = Town::new(&["courier", "generic", "v250", "courier"], (1..=LINES).map(Branch::new));
    town.branches[4] = Branch::with_fault(5, "busy");
    town.branches[7] = Branch::with_fault(8, "{ kind: wrong-host, text: other-rtr9 }");
    let but = [("BR0005-A", "fail busy far-line"), ("BR0008-A", "fail wrong-console console")];
    let exchange = Exchange::of(&town, &stage);
    let house = House::new(&stage);
    let mut ledger = Ledger::default();
    let mut run = String::new();
    let (mut lives, mut cut_off) = (0, 0);
    for seed in seeds {
        let point = Point::of(seed);
        let born = Instant::now();
        let mut daemon = house.begin();
        if run.is_empty() || judged(&house.reports().join(&run)).len() == LINES {
            daemon.wait_ready();
            if !run.is_empty() {
                // All is done; this life says so, if its last one could not.
                daemon.wait_settled(&run);
                settled(&house, &run, &but, &format!("before seed {seed}\n{}", daemon.said()));
            }
            run = daemon.start_run();
            ledger.done.clear();
            wait_proven(&house.reports().join(&run), &daemon);
        }
        let folder = house.reports().join(&run);
        point.wait(born, &folder.join("events.jsonl"), &exchange.port("exchange.jsonl"));
        let alive = daemon.is_alive();
        let what = format!("seed {seed}, {point:?}, run {run}\n{}", daemon.said());
        assert!(alive, "it has ended by itself: {what}");
        drop(daemon.kill_hard());
        lives += 1;
        cut_off += u64::from(has_open_calls(&folder));
        ledger.balance(&folder, &exchange, &what);
    }
    assert!(lives < KILLS || cut_off >= 2, "{cut_off} of {lives} kills met with a call: that proves little");
    let daemon = house.open();
    daemon.wait_settled(&run);
    settled(&house, &run, &but, &daemon.said());
    ledger.balance(&house.reports().join(&run), &exchange, &daemon.said());
    daemon.close();
}

/// The run has come to its end, and everything is right with it.
fn settled(house: &House<'_>, run: &str, but: &[(&str, &str)], what: &str) {
    let folder = house.run("latest");
    assert!(folder.ends_with(run), "{} is not {run}\n{what}", folder.display());
    assert_all_pass(&folder, LINES, but, what);
}

/// A call that was cut off between a password and its proof stops the credential, and the run with it: that is in `troubles`.
fn wait_proven(run: &Path, daemon: &Daemon) {
    let proven = || {
        fs::read_to_string(run.join("events.jsonl")).is_ok_and(|text| text.contains("\"state\":\"proven\""))
    };
    assert!(crate::stage::wait_until(crate::night::SOON, proven), "{}", daemon.said());
    assert!(!journal_so_far(run).is_empty());
}

/// Whether a call was cut off.
fn has_open_calls(run: &Path) -> bool {
    let mut open: BTreeSet<String> = BTreeSet::new();
    for event in journal_so_far(run) {
        match event.kind {
            EventKind::CallStarted { call, .. } => drop(open.insert(call.to_string())),
            EventKind::CallEnded(record) => drop(open.remove(record.call.as_str())),
            // What an earlier sitting left is none of this one's.
            EventKind::RunResumed(_) => open.clear(),
            _ => {}
        }
    }
    !open.is_empty()
}

fn nights(seeds: std::ops::Range<u64>) {
    if let Some(seed) = std::env::var_os("KILL_SEED").and_then(|text| text.to_str()?.parse().ok()) {
        if seeds.contains(&seed) {
            night(std::iter::once(seed));
        }
        return;
    }
    let nights: Vec<u64> = seeds.step_by(KILLS as usize).collect();
    at_once(&nights, |first| night(first..first + KILLS));
}

#[test]
fn a_daemon_that_is_killed_at_random_points_goes_on_with_its_run_one() {
    nights(0..50);
}

#[test]
fn a_daemon_that_is_killed_at_random_points_goes_on_with_its_run_two() {
    nights(50..100);
}
