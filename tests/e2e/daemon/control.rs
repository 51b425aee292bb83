//! What an operator does while a run goes on, over the daemon's socket.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lineman::modem::clock::monotonic_us;
use lineman::sim::log::{Entry, What};
use serde_json::{Value, json};

use super::house::{House, assert_all_pass, assert_hung_up, calls, judged};
use crate::night::{Exchange, RUN, SOON, rows, verdict};
use crate::stage::{Stage, wait_until};
use crate::town::{Branch, Town};

/// A town whose sessions take a while, so that there is somebody to be interrupted.
fn slow(lines: usize, modems: &[&str]) -> Town {
    let mut town = Town::new(modems, (1..=lines).map(Branch::new));
    "think: 2s".clone_into(&mut town.timing);
    town
}

fn dialed(entry: &Entry) -> bool {
    entry.event == What::Dialed
}

#[test]
fn a_run_on_demand_is_made_and_the_daemon_stays_and_tells_the_truth() {
    let stage = Stage::new();
    let exchange = Exchange::of(&slow(8, &["courier", "generic"]), &stage);
    let house = House::new(&stage);
    let mut daemon = house.open();
    let run = daemon.start_run();
    daemon.wait_run(&run);
    let second = daemon.control(&json!({"do": "start", "plan": "town"}));
    assert!(second.refused().contains(&run), "{}", second.text);
    let unknown = daemon.control(&json!({"do": "start", "plan": "twon"}));
    assert!(unknown.code == 404 && unknown.text.contains("`town`"), "{}", unknown.text);
    // Somebody is in a session, and the status says on which modem.
    exchange.wait_for("a session", |log| !calls(log, What::LoggedIn).is_empty());
    let modems = || {
        let status = daemon.status();
        status["banks"][0]["modems"].as_array().expect("modems").clone()
    };
    let at_work = |modem: &Value| modem["stands"] == "working" && !modem["call"].is_null();
    assert!(wait_until(SOON, || modems().iter().any(at_work)), "{:?}", modems());
    daemon.wait_over(&run);
    assert_all_pass(&house.run("latest"), 8, &[], &daemon.said());
    assert_hung_up(&exchange, &daemon.said());
    let plan = daemon.plan();
    assert_eq!((&plan["last"]["run"], &plan["stands"]), (&json!(run), &json!("idle")), "{plan:#}");
    // Between runs it holds no port, and nothing waits for it.
    assert!(modems().iter().all(|modem| modem["stands"] == "idle"), "{:?}", modems());
    assert!(daemon.is_alive());
    daemon.close();
}

#[test]
fn an_emergency_stop_hangs_up_everything_and_holds_over_a_crash() {
    let stage = Stage::new();
    let exchange = Exchange::of(&slow(12, &["courier", "v250", "generic"]), &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    let run = daemon.start_run();
    exchange.wait_for("a session amid others", |log| {
        calls(log, What::LoggedOut).len() >= 2 && calls(log, What::LoggedIn) != calls(log, What::LoggedOut)
    });
    daemon.control(&json!({"do": "emergency-stop", "why": "fire drill"})).done();
    let dials = exchange.dialed().len();
    daemon.wait_over(&run);
    daemon.wait_for("the stop", |line| line.contains("EMERGENCY STOP") && line.contains("fire drill"));
    assert!(exchange.off_hook().is_empty(), "{}", daemon.said());
    assert_eq!(exchange.dialed().len(), dials, "dialed behind the stop\n{}", daemon.said());
    let done = judged(&house.run("latest"));
    for row in rows(&house.run("latest").join("lines.csv")) {
        let expected = if done.contains_key(&row["line"]) { "pass - -" } else { "untested cancelled policy" };
        assert_eq!(verdict(&row), expected, "{}", daemon.said());
    }
    // Neither a start, nor a resumption, nor a crash ends it.
    for word in
        [json!({"do": "start", "plan": "town"}), json!({"do": "start", "plan": "town", "anyway": true})]
    {
        assert!(daemon.control(&word).refused().contains("fire drill"), "{word}");
    }
    assert!(daemon.control(&json!({"do": "resume"})).refused().contains("release"));
    let ended = daemon.kill_hard();
    let daemon = house.open();
    let said = || format!("{}\n{}", ended.said(), daemon.said());
    assert!(daemon.line().contains("EMERGENCY STOP"), "{}", said());
    let answer = daemon.control(&json!({"do": "call", "line": "BR0001-A"}));
    assert!(answer.refused().contains("fire drill"), "{}", answer.text);
    assert_eq!(exchange.dialed().len(), dials, "{}", said());
    daemon.control(&json!({"do": "release"})).done();
    let next = daemon.whole_run();
    assert!(house.run("latest").ends_with(next));
    assert_all_pass(&house.run("latest"), 12, &[], &said());
    exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
    daemon.close();
}

#[test]
fn a_pause_ends_by_itself_and_a_drain_lets_calls_end() {
    let stage = Stage::new();
    let exchange = Exchange::of(&slow(14, &["courier", "v250"]), &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    let run = daemon.start_run();
    exchange.wait_for("two calls done", |log| calls(log, What::LoggedOut).len() >= 2);
    let until = Timestamp::now() + SignedDuration::from_millis(1_500);
    let answer = daemon.control(&json!({"do": "pause", "until": until.to_string(), "why": "cable work"}));
    answer.done();
    let (paused_at, seen) = (monotonic_us(), exchange.log().len());
    daemon.wait_for("the pause", |line| line.contains("paused") && line.contains("cable work"));
    assert_eq!(daemon.plan()["stands"], "paused", "{:#}", daemon.plan());
    daemon.wait_for("the pause's end", |line| !line.contains("paused"));
    let late = |entry: &Entry| dialed(entry) && entry.mono_us > paused_at + 1_300_000;
    exchange.wait_for("calls after the pause", |log| log[seen..].iter().any(late));
    // By the monotonic clock; a call that was on its way when the word came is no new one.
    let after: Vec<u64> = exchange.log()[seen..]
        .iter()
        .filter(|entry| dialed(entry))
        .map(|entry| entry.mono_us.saturating_sub(paused_at))
        .collect();
    assert!(after.iter().all(|us| *us < 500_000 || *us > 1_300_000), "dialed in the pause: {after:?} us");
    assert!(after.iter().filter(|us| **us < 500_000).count() <= 2, "dialed in the pause: {after:?} us");
    // Paused again, and resumed by hand; whoever wants a call all the same may have it.
    daemon.control(&json!({"do": "pause"})).done();
    exchange.wait_for("silence", |_| exchange.off_hook().is_empty());
    let dials = exchange.dialed().len();
    assert!(daemon.control(&json!({"do": "call", "line": "BR0014-A"})).refused().contains("paused"));
    daemon.control(&json!({"do": "resume"})).done();
    exchange.wait_for("calls again", |_| exchange.dialed().len() > dials);

    daemon.control(&json!({"do": "drain", "why": "the move"})).done();
    daemon.wait_over(&run);
    assert_hung_up(&exchange, &daemon.said());
    daemon.wait_for("the drain", |line| line.contains("the move"));
    for row in rows(&house.run("latest").join("lines.csv")) {
        let verdict = verdict(&row);
        assert!(["pass - -", "untested cancelled policy"].contains(&verdict.as_str()), "{row:?}");
        if verdict != "pass - -" {
            assert!(row["detail"].contains("the move"), "{row:?}");
        }
    }
    assert!(daemon.control(&json!({"do": "start", "plan": "town"})).refused().contains("the move"));
    daemon.control(&json!({"do": "resume"})).done();
    let answer = daemon.control(&json!({"do": "stop", "plan": "town"}));
    assert!(answer.refused().contains("nothing runs"), "{}", answer.text);
    let run = daemon.start_run();
    exchange.wait_for("a call", |log| !calls(log, What::LoggedIn).is_empty());
    daemon.control(&json!({"do": "stop", "plan": "town", "why": "enough"})).done();
    daemon.wait_over(&run);
    assert_hung_up(&exchange, &daemon.said());
    daemon.close();
}

#[test]
fn modems_and_lines_are_taken_out_and_put_back_amid_a_run() {
    let stage = Stage::new();
    let exchange = Exchange::of(&slow(20, &["courier", "v250", "generic"]), &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    let run = daemon.start_run();
    exchange.wait_for("a proof", |log| !calls(log, What::LoggedOut).is_empty());
    let on = |log: &[Entry], modem: &str, from: usize| {
        log[from..].iter().filter(|e| dialed(e) && e.modem.as_deref() == Some(modem)).count()
    };
    // One in a session is taken out: it is logged out first, and its line goes to another modem.
    exchange.wait_for("a session on m00", |log| {
        let on_m00: Vec<&Entry> = log.iter().filter(|e| e.modem.as_deref() == Some("m00")).collect();
        on_m00.last().is_some_and(|entry| entry.event == What::LoggedIn)
    });
    let answer = daemon.control(&json!({"do": "disable", "modem": "m00", "why": "being replaced"}));
    assert!(answer.done().contains("m00"), "{}", answer.text);
    let seen = exchange.log().len();
    let modem = daemon.modem("m00");
    assert_eq!(modem["stands"], "disabled", "{modem:#}");
    assert!(modem["why"].as_str().is_some_and(|why| why.contains("being replaced")), "{modem:#}");
    // Another one is started again.
    let answer = daemon.control(&json!({"do": "restart", "modem": "m01"}));
    assert!(answer.done().contains("m01"), "{}", answer.text);
    let refused = daemon.control(&json!({"do": "restart", "modem": "m00"}));
    assert!(refused.refused().contains("disabled"), "{}", refused.text);
    // A line that nobody is to call.
    let answer = daemon.control(&json!({"do": "disable", "line": "BR0020-A", "why": "asbestos"}));
    answer.done();
    exchange.wait_for("calls on the others", |log| on(log, "m01", seen) > 0 && on(log, "m02", seen) > 1);
    assert_eq!(on(&exchange.log(), "m00", seen), 0, "a disabled modem dialed\n{}", daemon.said());
    // Out of service over a crash too.
    let ended = daemon.kill_hard();
    let daemon = house.open();
    daemon.wait_run(&run);
    let said = || format!("{}\n{}", ended.said(), daemon.said());
    assert_eq!(daemon.modem("m00")["stands"], "disabled", "{}", said());
    let at = exchange.log().len();
    exchange.wait_for("calls again", |log| on(log, "m01", at) + on(log, "m02", at) > 1);
    assert_eq!(on(&exchange.log(), "m00", seen), 0, "a disabled modem dialed\n{}", said());
    daemon.control(&json!({"do": "enable", "modem": "m00"})).done();
    exchange.wait_for("a call on m00", |log| on(log, "m00", at) > 0);
    daemon.wait_over(&run);
    let rows = assert_all_pass(&house.run("latest"), 20, &[("BR0020-A", "untested skipped policy")], &said());
    assert!(rows[19]["detail"].contains("asbestos"), "{:?}", rows[19]);
    assert!(!exchange.dialed().contains(&"BR0020-A".to_owned()), "{}", said());
    exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
    daemon.close();
}

#[test]
fn a_technicians_call_is_made_beside_a_run_and_for_itself() {
    let stage = Stage::new();
    let exchange = Exchange::of(&slow(14, &["courier", "v250"]), &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    let call = |line: &str| daemon.control(&json!({"do": "call", "line": line}));
    // With the bank free it is made at once.
    let answer = call("BR0003-A");
    answer.done();
    let alone = answer.body["run"].as_str().expect("a run").to_owned();
    let calls_folder = house.reports().join("calls");
    let ended = |run: &str| {
        let folder = calls_folder.join(run);
        wait_until(RUN, || rows_of(&folder).is_some_and(|rows| rows.len() == 1 && !rows[0].is_empty()))
    };
    assert!(ended(&alone), "{}", daemon.said());
    daemon.wait_for("the call's end", |line| !line.contains(&alone));
    let run = daemon.start_run();
    exchange.wait_for("the run's calls", |log| calls(log, What::LoggedOut).len() >= 3);
    // Beside a run it borrows a modem; the line's own call of the run comes before or after, never at the same time.
    let answer = call("BR0014-A");
    answer.done();
    let beside = answer.body["run"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned();
    assert!(ended(&beside), "{}", daemon.said());
    assert!(daemon.line().contains(&run), "the run goes on\n{}", daemon.said());
    daemon.wait_over(&run);
    assert_all_pass(&house.run("latest"), 14, &[], &daemon.said());
    for run in [&alone, &beside] {
        let rows = rows_of(&calls_folder.join(run)).expect("rows");
        assert_eq!(rows, ["pass - -"], "{}", daemon.said());
    }
    assert_hung_up(&exchange, &daemon.said());
    assert_never_twice(&exchange.log());
    daemon.close();
}

fn rows_of(folder: &std::path::Path) -> Option<Vec<String>> {
    let ended = super::house::journal_so_far(folder)
        .last()
        .is_some_and(|event| matches!(event.kind, lineman::model::EventKind::RunEnded { .. }));
    (ended && folder.join("lines.csv").exists())
        .then(|| rows(&folder.join("lines.csv")).iter().map(verdict).collect())
}

/// Never two calls to one line, nor on one modem, at a time.
pub(super) fn assert_never_twice(log: &[Entry]) {
    let mut off_hook: Vec<&Entry> = Vec::new();
    for entry in log {
        match entry.event {
            What::Dialed => {
                let other = off_hook.iter().find(|o| o.line == entry.line || o.modem == entry.modem);
                assert!(other.is_none(), "{entry:?} beside {other:?}");
                off_hook.push(entry);
            }
            What::OnHook => off_hook.retain(|other| other.call != entry.call),
            _ => {}
        }
    }
}

#[test]
fn what_was_missed_begins_late_and_what_was_cut_off_goes_on_while_its_window_holds() {
    let stage = Stage::new();
    let exchange = Exchange::of(&slow(10, &["courier", "v250"]), &stage);
    let mut house = House::new(&stage);
    let due = Timestamp::now() + SignedDuration::from_secs(3);
    house.entry = super::house::once(due);
    // It knows its schedule, and is away when it is due.
    house.open().close();
    let wait = Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
    std::thread::park_timeout(wait + Duration::from_millis(100));
    assert!(exchange.dialed().is_empty());
    let daemon = house.open();
    daemon.wait_for("the run that was missed", |line| line.contains("run 2"));
    let run = super::house::runs(&house.reports()).pop().expect("a run");
    exchange.wait_for("some calls", |log| calls(log, What::LoggedOut).len() >= 3);
    let first = daemon.kill_hard();
    let done = judged(&house.reports().join(&run));
    let dials = exchange.dialed().len();
    let daemon = house.open();
    daemon.wait_run(&run);
    exchange.wait_for("more calls", |log| calls(log, What::LoggedOut).len() >= 6);
    assert!(exchange.dialed()[dials..].iter().all(|line| !done.contains_key(line)), "{}", daemon.said());
    daemon.wait_over(&run);
    let said = format!("{}\n{}", first.said(), daemon.said());
    assert_all_pass(&house.run("latest"), 10, &[], &said);
    assert_eq!(super::house::runs(&house.reports()), [run], "{said}");
    exchange.wait_for("all lines on-hook", |_| exchange.off_hook().is_empty());
    // What was missed before is not missed again, and the next time is tomorrow's.
    let next: Timestamp = daemon.plan()["next"].as_str().expect("a time").parse().expect("a time");
    assert!(next.duration_since(due) > SignedDuration::from_hours(23), "{next} {due}");
    daemon.close();
}
