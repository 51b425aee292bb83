//! Two daemons on one bank, one lock between them: one of them dials at a time, and a run goes on whoever is lost.

use std::collections::BTreeSet;
use std::fs;

use jiff::{SignedDuration, Timestamp};
use lineman::model::EventKind;

use super::house::{
    Daemon, House, assert_all_pass, assert_hung_up, dials, journal_so_far, judged, once, runs,
};
use crate::night::{Exchange, RUN};
use crate::stage::{Stage, wait_until};
use crate::town::{Branch, Town};

const LINES: usize = 26;

fn stands(daemon: &Daemon) -> (String, String) {
    let status = daemon.status();
    let word = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    (word("stands"), word("role"))
}

/// Waits until a run has so many verdicts.
fn wait_verdicts(house: &House<'_>, run: &str, count: usize, daemon: &Daemon) {
    let folder = house.reports().join(run);
    assert!(wait_until(RUN, || judged(&folder).len() >= count), "{}", daemon.said());
}

#[test]
fn the_second_daemon_takes_over_when_the_first_is_killed_and_when_one_loses_the_lock() {
    let stage = Stage::new();
    let mut town = Town::new(&["courier", "generic", "v250", "courier"], (1..=LINES).map(Branch::new));
    town.timing = "think: 1s".to_owned();
    let exchange = Exchange::of(&town, &stage);
    let entry = once(Timestamp::now() + SignedDuration::from_secs(3));
    let house = |name| {
        let mut house = House::named(&stage, name);
        "http: none\nleadership: { lock: leader.lock }".clone_into(&mut house.keys);
        house.entry.clone_from(&entry);
        house
    };
    let (left, right) = (house("left"), house("right"));
    let first = left.open();
    first.wait_for("its turn to lead", |line| !line.contains("standing by"));
    let second = right.open();
    second.wait_for("its waiting", |line| line.contains("standing by: it is secondary"));
    assert_eq!(stands(&second), ("standing-by".to_owned(), "secondary".to_owned()));
    let refused = second.control(&serde_json::json!({"do": "start", "plan": "town"}));
    assert!(refused.refused().contains("secondary"), "{}", refused.text);

    // The first is killed amid its run.
    first.wait_for("the run that is due", |line| line.contains("run 2"));
    let run = runs(&left.reports()).pop().expect("a run");
    wait_verdicts(&left, &run, 4, &first);
    let done = judged(&left.reports().join(&run));
    let ended = first.kill_hard();
    second.wait_run(&run);
    let before = dials(&exchange.log());

    // The second one loses the lock amid the same run; a new life of the first waits for it.
    let first = left.open();
    wait_verdicts(&right, &run, 12, &second);
    let done_before_loss = judged(&left.reports().join(&run));
    fs::remove_file(stage.path("leader.lock")).unwrap();
    first.wait_run(&run);
    let said = || format!("{}\n--- first\n{}\n--- second\n{}", ended.said(), first.said(), second.said());
    first.wait_over(&run);
    assert_all_pass(&left.run("latest"), LINES, &[], &said());
    assert_eq!(
        runs(&left.reports()),
        std::slice::from_ref(&run),
        "one run it was, and one it stayed\n{}",
        said()
    );

    // Nobody dialed what was finished; nothing was cut off but by the kill.
    let after = dials(&exchange.log());
    for line in done.keys() {
        assert_eq!(after[line], before[line], "{line} was dialed again\n{}", said());
    }
    for line in done_before_loss.keys() {
        let calls = after[line];
        assert!(calls <= 2, "{line} was dialed {calls} times\n{}", said());
    }
    exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
    let mut sittings = 0;
    let mut dialed_by: BTreeSet<(usize, String)> = BTreeSet::new();
    let journal = journal_so_far(&left.reports().join(&run));
    for event in &journal {
        match &event.kind {
            EventKind::RunResumed(_) => sittings += 1,
            EventKind::CallStarted { line, .. } => drop(dialed_by.insert((sittings, line.to_string()))),
            _ => {}
        }
    }
    assert_eq!(sittings, 2, "the run began, was taken over, and taken over again\n{}", said());
    // The last one to lead knows that it does; the other waits for it again.
    assert_eq!(stands(&first).1, "primary", "{}", said());
    second.wait_for("its standing by", |line| line.contains("standing by"));
    first.close();
    second.wait_for("its turn", |line| !line.contains("standing by"));
    assert_eq!(stands(&second).1, "primary");
    second.close();
}

/// Told by a cluster manager: what it is told takes effect at once, in the middle of a run too.
#[test]
fn a_daemon_that_is_told_to_stand_by_ends_its_calls_and_goes_on_when_it_leads_again() {
    let stage = Stage::new();
    let mut town = Town::new(&["courier", "v250"], (1..=12).map(Branch::new));
    town.timing = "think: 1s".to_owned();
    let exchange = Exchange::of(&town, &stage);
    let mut house = House::new(&stage);
    "http: none\nleadership: { told: { initial: primary } }".clone_into(&mut house.keys);
    let daemon = house.open();
    let run = daemon.start_run();
    wait_verdicts(&house, &run, 3, &daemon);
    let role = |role: &str| daemon.control(&serde_json::json!({"do": "role", "role": role}));
    role("secondary").done();
    daemon.wait_over(&run);
    daemon.wait_for("its standing by", |line| line.contains("standing by"));
    assert_hung_up(&exchange, &daemon.said());
    let (done, dialed) = (judged(&house.reports().join(&run)), exchange.dialed().len());
    assert!(done.len() < 12, "it was over too soon\n{}", daemon.said());
    role("primary").done();
    daemon.wait_for("the run again", |line| line.contains(&run));
    daemon.wait_over(&run);
    assert_all_pass(&house.run("latest"), 12, &[], &daemon.said());
    let again = exchange.dialed();
    assert!(again[dialed..].iter().all(|line| !done.contains_key(line)), "{}", daemon.said());
    assert_hung_up(&exchange, &daemon.said());
    daemon.close();
}
