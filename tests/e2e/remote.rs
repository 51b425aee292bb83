//! Ports on a server with modem-control lines: the exchange serves its modems over RFC 2217 with the manners of servers in
//! the field, and what lineman makes of late edges, of a DTR that nobody drops, and of modems that stay online is held
//! against the exchange's log.

use std::time::Duration;

use lineman::model::{CallRecord, EventKind, Moment};
use lineman::sim::log::{Entry, What};

use crate::night::{Exchange, Running, at_once, audit, audited, journal, rows, run_of};
use crate::stage::Stage;
use crate::town::{Branch, Town};

/// How far beyond its bounds a stamp may lie on a machine that also does other things.
const OFF: Duration = Duration::from_millis(100);

/// A family that shows the answer by DSR. Slow enough for a server that looks at the lines once a second.
fn town(pace: f64, branches: usize) -> Town {
    let mut town = Town::new(
        &["rockwell-conexant", "rockwell-conexant"],
        (1..=branches).map(|n| Branch::new(n).rings(2)),
    );
    town.pace = pace;
    // Who may be online behind a server is waited for with an escape and its guard times.
    town.limits = town.limits.replace("setup: 5s", "setup: 15s").replace("hangup: 4s", "hangup: 10s");
    town
}

/// What came to the consoles that belongs to no dialog: AT commands, and escapes.
fn strayed(exchange: &Exchange) -> Vec<String> {
    let heard = exchange.logged(What::Command).into_iter().chain(exchange.logged(What::Username));
    heard.filter_map(|entry| entry.text).filter(|text| text.to_uppercase().contains("AT")).collect()
}

fn hung_up_by(exchange: &Exchange) -> Vec<String> {
    exchange.logged(What::HungUp).into_iter().filter_map(|entry| entry.by).collect()
}

fn calls(events: &[lineman::model::Event]) -> Vec<CallRecord> {
    let ended = events.iter().filter_map(|event| match &event.kind {
        EventKind::CallEnded(record) => Some(CallRecord::clone(record)),
        _ => None,
    });
    ended.collect()
}

#[test]
fn edges_that_a_server_tells_mark_the_answer_and_their_bounds_hold() {
    let each = |manners: &str| {
        let stage = Stage::new();
        let exchange = Exchange::served(&town(0.3, 4), &stage, manners);
        let ended = audited(&stage, &["--plain"]);
        let said = format!("{manners}: {}\n{:#?}", ended.said(), exchange.log());
        assert_eq!(ended.code(), Some(0), "{said}");
        assert_eq!(strayed(&exchange), [""; 0], "{said}");
        let wrong = exchange.logged(What::ProtocolError);
        assert!(wrong.is_empty(), "{wrong:#?}\n{said}");
        // DTR went through, and DCD proved it.
        assert!(exchange.off_hook().is_empty(), "{said}");
        let by = hung_up_by(&exchange);
        assert!(!by.is_empty() && by.iter().all(|by| by == "dtr"), "{by:?}\n{said}");
        let run = run_of(&stage, "latest");
        let events = journal(&run);
        let EventKind::RunStarted(header) = &events[0].kind else { panic!("{:?}", events[0]) };
        let origin = Duration::from_micros(header.sitting.origin_us);
        let log = exchange.log();
        let logged = |line: &str, what: What| -> Entry {
            let found = log.iter().find(|e| e.line.as_deref() == Some(line) && e.event == what);
            found.unwrap_or_else(|| panic!("{line}: {what:?} is not in the log\n{said}")).clone()
        };
        for call in calls(&events) {
            let line = call.line.as_str();
            let mark =
                call.timeline.get(Moment::Answered).unwrap_or_else(|| panic!("{line}: unseen\n{said}"));
            let at = origin + Duration::from_micros(mark.at.as_micros());
            let truth = Duration::from_micros(logged(line, What::Answered).mono_us);
            assert!(
                !mark.half_width.is_zero() && at.abs_diff(truth) <= mark.half_width + OFF,
                "{line}: {at:?} ± {:?}, and it was {truth:?}\n{said}",
                mark.half_width
            );
        }
        for row in rows(&run.join("calls.csv")) {
            let error: u64 = row["split_error_ms"].parse().unwrap_or_else(|_| panic!("{row:?}\n{said}"));
            assert!((1..=525).contains(&error), "{row:?}");
            assert!(!row["train_ms"].is_empty(), "{row:?}");
        }
    };
    at_once(&["strict", "ser2net", "sredird"], each);
}

#[test]
fn a_modem_that_a_killed_run_left_online_is_hung_up_before_it_is_spoken_to() {
    let cases = [
        // The server leaves DTR up when its client goes: DCD shows the call, and a drop of DTR ends it.
        ("strict,keep-dtr", "dtr"),
        // Nor does it drop it when it is told to.
        ("strict,keep-dtr,no-dtr", "ath"),
        ("ser2net,keep-dtr,no-dtr", "ath"),
    ];
    at_once(&cases, |(manners, way)| {
        let stage = Stage::new();
        let mut town = town(0.1, 3);
        town.modems.truncate(1);
        let exchange = Exchange::served(&town, &stage, manners);
        let run = Running::start(audit(&stage, &["--plain"]));
        exchange.wait_for("a prompt", |log| log.iter().any(|entry| entry.event == What::Prompted));
        run.kill_hard();
        assert_eq!(exchange.off_hook().len(), 1, "{manners}: it did not stay online");
        let ended = audited(&stage, &["--plain"]);
        let said = format!("{manners}: {}\n{:#?}", ended.said(), exchange.log());
        assert_eq!(ended.code(), Some(0), "{said}");
        assert_eq!(strayed(&exchange), [""; 0], "{said}");
        assert!(exchange.off_hook().is_empty(), "{said}");
        let by = hung_up_by(&exchange);
        assert!(by.iter().all(|by| by.contains(way)), "{by:?}\n{said}");
        let modems = rows(&run_of(&stage, "latest").join("modems.csv"));
        assert_eq!(modems[0]["hangup_unproven"], "0", "{said}");
    });
}
