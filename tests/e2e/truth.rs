//! The reports against what really happened: the exchange, in a process of its own, keeps a log that lineman never sees.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lineman::model::{CallRecord, EventKind, Moment, Mono};
use lineman::sim::log::{Entry, What};

use crate::night::{Ended, Exchange, audited, journal, rows, run_of};
use crate::stage::{Row, Stage};
use crate::town::{Branch, Town};

/// How far a stamp may be off, on a machine that also does other things.
const FAR_OFF_US: i64 = 1_000_000;
/// How far nine of ten stamps may be off.
const OFF_US: i64 = 50_000;
/// No stamp of ours may lie before what it tells of, but for rounding.
const BEFORE_US: i64 = 5;

/// One modem of each family that differs in what it shows.
const PROFILES: [&str; 4] = ["courier", "rockwell-conexant", "v250", "generic"];

/// A night and its truth.
struct Night {
    log: Vec<Entry>,
    calls: Vec<Row>,
    records: Vec<CallRecord>,
    origin_us: u64,
    ended: Ended,
    /// By modem, in order: our call, and what the exchange logged of it.
    pairs: Vec<(CallRecord, Vec<Entry>)>,
}

fn night(town: &Town) -> Night {
    let stage = Stage::new();
    let exchange = Exchange::of(town, &stage);
    let ended = audited(&stage, &[]);
    // Our program is gone, so the ports are closed; the log has it a moment later.
    let count = |log: &[Entry], what| log.iter().filter(|entry| entry.event == what).count();
    exchange.wait_for("all ports closed", |log| {
        count(log, What::PortOpened) == count(log, What::PortClosed) && count(log, What::PortOpened) > 0
    });
    assert!(exchange.off_hook().is_empty(), "still off-hook: {:?}\n{}", exchange.off_hook(), ended.said());
    let run = run_of(&stage, "latest");
    let events = journal(&run);
    let EventKind::RunStarted(header) = &events[0].kind else { panic!("{:?}", events[0]) };
    let origin_us = header.sitting.origin_us;
    let records: Vec<CallRecord> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::CallEnded(record) => Some(CallRecord::clone(record)),
            _ => None,
        })
        .collect();
    let log = exchange.log();
    let pairs = pair(&records, &log);
    Night { calls: rows(&run.join("calls.csv")), log, records, origin_us, ended, pairs }
}

/// The nth call that we say a modem made is the nth that it made.
fn pair(records: &[CallRecord], log: &[Entry]) -> Vec<(CallRecord, Vec<Entry>)> {
    let mut ours: BTreeMap<String, Vec<CallRecord>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.timeline.get(Moment::Dialed).is_some()) {
        ours.entry(record.modem.to_string()).or_default().push(record.clone());
    }
    let mut theirs: BTreeMap<String, Vec<Vec<Entry>>> = BTreeMap::new();
    for dialed in log.iter().filter(|entry| entry.event == What::Dialed) {
        let call: Vec<Entry> = log.iter().filter(|entry| entry.call == dialed.call).cloned().collect();
        theirs.entry(dialed.modem.clone().unwrap()).or_default().push(call);
    }
    let modems: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let mut pairs = Vec::new();
    for modem in modems {
        let (ours, theirs) = (ours.get(modem).cloned(), theirs.get(modem).cloned());
        let (ours, theirs) = (ours.unwrap_or_default(), theirs.unwrap_or_default());
        assert_eq!(ours.len(), theirs.len(), "calls on {modem}: {ours:#?} {theirs:#?}");
        pairs.extend(ours.into_iter().zip(theirs));
    }
    pairs
}

fn instant(call: &[Entry], what: What) -> Option<&Entry> {
    call.iter().find(|entry| entry.event == what)
}

impl Night {
    fn absolute(&self, mono: Mono) -> i64 {
        i64::try_from(self.origin_us + mono.as_micros()).unwrap()
    }

    fn row(&self, record: &CallRecord) -> &Row {
        self.calls.iter().find(|row| row["call"] == record.call.as_str()).expect("each call has its row")
    }
}

/// Lines of all kinds, one number twice, and some that are called more than once.
fn town() -> Town {
    let mut branches: Vec<Branch> = (1..=14).map(|n| Branch::new(n).rings(1 + n as u32 % 3)).collect();
    branches.push(Branch::with_fault(15, "busy").rings(2));
    branches.push(Branch::with_fault(16, "{ kind: busy, times: 1 }").rings(2));
    branches.push(Branch::with_fault(17, "silent").rings(2));
    branches.push(Branch::with_fault(18, "{ kind: drops, after: 100ms }").rings(2));
    branches.push(Branch::new(19).far("after_logout: drop"));
    branches.push(Branch::new(20).far("syslog: true"));
    let mut town = Town::new(&PROFILES, branches);
    // On a port, a NO CARRIER that comes sooner than a number can be dialed is no word of the network.
    town.pace = 0.06;
    town.more_lines =
        vec!["id: TWIN-A, site: TWIN, number: \"+1 704 555 0101\", hostname: br0001-rtr1".to_owned()];
    town
}

#[test]
fn the_reports_tell_what_the_exchange_saw() {
    let night = night(&town());
    let said = night.ended.said();
    assert_eq!(night.ended.code(), Some(1), "{said}");
    assert_eq!(night.calls.len(), night.records.len());

    for (ours, theirs) in &night.pairs {
        let dialed = &theirs[0];
        let row = night.row(ours);
        let digits: String = row["dialed"].chars().filter(char::is_ascii_digit).collect();
        assert_eq!(Some(&digits), dialed.dialed.as_ref(), "{row:?}");
        if ours.line.as_str() != "TWIN-A" {
            assert_eq!(Some(ours.line.as_str()), dialed.line.as_deref(), "{row:?}");
        }
        assert_eq!(dialed.text, None, "{dialed:?}");
        let rings = theirs.iter().filter(|entry| entry.event == What::Ringback).count();
        if row["modem"] == "m00" {
            assert_eq!(row["rings"], rings.to_string(), "{row:?}");
        } else {
            assert_eq!(row["rings"], "", "only a Courier tells of rings: {row:?}");
        }
        assert_eq!(
            row["result"] == "pass",
            instant(theirs, What::LoggedOut).is_some() || row["line"] == "BR0019-A",
            "{row:?}\n{theirs:#?}"
        );
    }
    stamps_agree(&night);
    never_two_at_a_time(&night);
}

fn stamps_agree(night: &Night) {
    let watched = [
        (Moment::Dialed, What::Dialed),
        (Moment::Ringing, What::Ringback),
        (Moment::Carrier, What::Carrier),
        (Moment::Connected, What::Connected),
        (Moment::Prompted, What::Prompted),
        (Moment::LoggedIn, What::LoggedIn),
        (Moment::OnHook, What::OnHook),
    ];
    let mut off: Vec<(i64, String)> = Vec::new();
    for (ours, theirs) in &night.pairs {
        for (moment, what) in watched {
            let (Some(mark), Some(entry)) = (ours.timeline.get(moment), instant(theirs, what)) else {
                continue;
            };
            let late = night.absolute(mark.at) - i64::try_from(entry.mono_us).unwrap();
            let name = format!("{} {moment:?}: {late} us", ours.call);
            assert!(late.abs() < FAR_OFF_US, "{name}");
            // What we hear comes after it was said; what we say comes before it is heard.
            assert!(moment == Moment::Dialed || late > -BEFORE_US, "{name}: known before it was");
            off.push((late.abs(), name));
        }
        // The answer, where only rings tell of it, lies within its bounds.
        if let (Some(mark), Some(entry)) =
            (ours.timeline.get(Moment::Answered), instant(theirs, What::Answered))
        {
            let off = night.absolute(mark.at) - i64::try_from(entry.mono_us).unwrap();
            let allowed = i64::try_from(mark.half_width.as_micros()).unwrap() + OFF_US;
            assert!(
                !mark.half_width.is_zero() && off.abs() <= allowed,
                "{}: {off} us of {allowed}",
                ours.call
            );
        }
        let passed = ours.fault.is_none();
        let seen = |moment| ours.timeline.get(moment).is_some();
        for moment in [
            Moment::Dialed,
            Moment::Connected,
            Moment::Prompted,
            Moment::LoggedIn,
            Moment::Verified,
            Moment::LoggedOut,
        ] {
            assert!(!passed || seen(moment), "{}: passed without {moment:?}", ours.call);
        }
        assert!(seen(Moment::OnHook), "{}: its hang-up was not proven", ours.call);
        for (moment, what) in watched {
            // Nothing is claimed that was not.
            assert!(!seen(moment) || instant(theirs, what).is_some(), "{}: {moment:?} never was", ours.call);
        }
    }
    off.sort();
    let (worst, name) = &off[off.len() * 9 / 10];
    assert!(*worst < OFF_US, "one of ten stamps is off by more than {worst} us: {name}");
}

fn never_two_at_a_time(night: &Night) {
    let mut taken: BTreeMap<String, u64> = BTreeMap::new();
    for entry in &night.log {
        let (Some(call), Some(modem)) = (entry.call, entry.modem.clone()) else { continue };
        match entry.event {
            What::Dialed => {
                for key in [modem, entry.dialed.clone().unwrap()] {
                    if let Some(other) = taken.insert(key.clone(), call) {
                        panic!("calls {other} and {call} at a time on {key}: {:#?}", night.log);
                    }
                }
            }
            What::OnHook => taken.retain(|_, other| *other != call),
            _ => {}
        }
    }
    assert!(taken.is_empty(), "{taken:?}");
}

#[test]
fn phases_are_told_where_the_modem_shows_them_and_nowhere_else() {
    // What each family shows of a call on a pty, where no wire tells of DSR and DCD.
    let shown: [(&str, &[&str]); 4] = [
        ("m00", &["post_dial_ms", "ring_ms", "train_connect_ms", "split_error_ms", "rings"]),
        ("m01", &["dial_ms", "ring_train_ms", "connect_ms"]),
        ("m02", &["connect_ms"]),
        ("m03", &[]),
    ];
    let always = [
        "prompt_ms",
        "login_ms",
        "verify_ms",
        "logout_ms",
        "hangup_ms",
        "total_ms",
        "setup_ms",
        "dialed_to_connect_ms",
    ];
    let hidden = [
        "dial_ms",
        "post_dial_ms",
        "ring_ms",
        "train_ms",
        "connect_ms",
        "ring_train_ms",
        "train_connect_ms",
        "split_error_ms",
        "rings",
    ];
    let mut town = Town::new(&PROFILES, (1..=12).map(|n| Branch::new(n).rings(2)));
    town.pace = 0.06;
    let night = night(&town);
    let said = night.ended.said();
    assert_eq!(night.ended.code(), Some(0), "{said}");
    let mut seen = BTreeSet::new();
    for (record, entries) in &night.pairs {
        let row = night.row(record);
        let (_, shown) = shown.iter().find(|(modem, _)| *modem == row["modem"]).unwrap();
        seen.insert(row["modem"].clone());
        for phase in always.iter().chain(*shown) {
            assert!(row[*phase].parse::<u64>().is_ok(), "{phase} is missing: {row:?}");
        }
        for phase in hidden.iter().filter(|phase| !shown.contains(phase)) {
            assert_eq!(row[*phase], "", "{phase} can't be known: {row:?}");
        }
        // The phases are the differences of the exchange's own instants.
        for (phase, from, to) in [
            ("connect_ms", What::Carrier, What::Connected),
            ("prompt_ms", What::Connected, What::Prompted),
            ("login_ms", What::Prompted, What::LoggedIn),
            ("dialed_to_connect_ms", What::Dialed, What::Connected),
        ] {
            let Ok(told) = row[phase].parse::<u64>() else { continue };
            let [from, to] = [from, to].map(|what| instant(entries, what).expect("it came to that").mono_us);
            let true_ms = (to - from) / 1000;
            assert!(told.abs_diff(true_ms) <= 500, "{phase} is {told}, and was {true_ms}: {row:?}");
        }
        assert_eq!([&row["tx_bps"], &row["rx_bps"]], ["33600", "33600"], "{row:?}");
        let protocol = if row["modem"] == "m03" { "" } else { "LAPM" };
        assert_eq!(row["protocol"], protocol, "{row:?}");
    }
    assert_eq!(seen.len(), PROFILES.len(), "a modem had no call\n{said}");
    assert!(Duration::from_micros(night.origin_us) > Duration::ZERO);
}
