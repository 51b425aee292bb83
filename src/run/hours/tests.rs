//! Deadlines, `--at`, `--no-wait`, and a wall clock that is set while a run goes on.

use std::fs;

use super::*;
use crate::config::{Overrides, load_plan};

#[test]
fn a_deadline_is_the_next_time_that_the_clocks_show_it() {
    let wait = |now: &str, time: &str| {
        let now: Zoned = now.parse().unwrap();
        next_time(time.parse().unwrap(), &now).unwrap().duration_since(now.timestamp()).as_secs()
    };
    let hour = 3600;
    assert_eq!(wait("2026-11-21T22:00:00-05:00[America/New_York]", "05:30"), 7 * hour + hour / 2);
    assert_eq!(wait("2026-11-21T02:00:00-05:00[America/New_York]", "05:30"), 3 * hour + hour / 2);
    assert_eq!(wait("2026-11-21T05:30:00-05:00[America/New_York]", "05:30"), 24 * hour);
    // The night in which the clocks are put back is an hour longer, and the one in spring an hour shorter.
    assert_eq!(wait("2026-10-31T22:00:00-04:00[America/New_York]", "05:30"), 8 * hour + hour / 2);
    assert_eq!(wait("2026-03-07T22:00:00-05:00[America/New_York]", "05:30"), 6 * hour + hour / 2);
    // A time that is skipped that night comes as soon as the clocks are past it.
    assert_eq!(wait("2026-03-08T01:00:00-05:00[America/New_York]", "02:30"), hour + hour / 2);
}

const BANK: &str = "bank: hq\nlocation: { country: US, area_code: '919' }\nmodems: [{ id: m00, port: /dev/ttyS0, profile: generic }]\n";

fn plan(keys: &str, lines: &str) -> Arc<Plan> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bank.yaml"), BANK).unwrap();
    let text = format!(
        "plan: p\nbank: bank.yaml\nnumbering: us\ndefaults: {{ console: generic, credential: oob }}\n\
         credentials:\n  oob: {{ username: oob, password: {{ env: A }} }}\n  noc: {{ username: noc, password: {{ env: B }} }}\n\
         {keys}lines:\n{lines}"
    );
    fs::write(folder.path().join("plan.yaml"), text).unwrap();
    Arc::new(load_plan(&folder.path().join("plan.yaml"), &Overrides::default()).unwrap())
}

const LINES: &str = "- { id: A, number: '+1 919 555 0101' }\n\
    - { id: B, number: '+1 919 555 0102', windows: '17:00-19:00' }\n\
    - { id: C, number: '+1 919 555 0103', credential: noc }\n";
const NIGHT: &str = "zone: America/New_York\nwindows: 22:00-05:00\n";

/// A look at both clocks so many minutes after the run's beginning.
fn reading(minutes: u64, wall: &str) -> Reading {
    let mono = Mono::from_millis(minutes * 60_000);
    let wall: Timestamp = wall.parse().unwrap();
    let begun = wall - SignedDuration::try_from(mono.since(Mono::ZERO)).unwrap();
    Reading { mono, wall, begun }
}

fn calendar(plan: &Arc<Plan>, at: Option<&str>, no_wait: bool) -> RunCalendar {
    RunCalendar::new(Arc::clone(plan), Wishes { at: at.map(|at| at.parse().unwrap()), no_wait })
}

/// Minutes from the run's beginning at which a line's windows open and close.
fn minutes(derived: &Derived, line: &str) -> Vec<(u64, u64)> {
    let windows = derived.windows.iter().find(|(id, _)| id.as_str() == line).map(|(_, windows)| windows);
    let spells = windows.and_then(Windows::spells).unwrap_or_default();
    let minute = |at: Mono| at.as_micros() / 60_000_000;
    spells.iter().map(|&(from, to)| (minute(from), minute(to))).collect()
}

#[test]
fn a_runs_horizon_is_its_deadline_or_a_day() {
    // 18:00 in New York.
    let now = reading(0, "2026-11-22T23:00:00Z");
    let derived = calendar(&plan(NIGHT, LINES), None, false).derive(&now);
    assert_eq!(minutes(&derived, "A"), [(240, 660)]);
    assert_eq!(minutes(&derived, "B"), [(0, 60), (23 * 60, 25 * 60)]);
    assert_eq!((derived.deadline, derived.horizon), (None, Mono::from_millis(24 * 3_600_000)));
    let early = plan(&format!("policy: {{ deadline: '21:00' }}\n{NIGHT}"), LINES);
    let derived = calendar(&early, None, false).derive(&now);
    assert_eq!((minutes(&derived, "A"), minutes(&derived, "B")), (vec![], vec![(0, 60)]));
    assert_eq!(derived.deadline, Some(Mono::from_millis(3 * 3_600_000)));
}

#[test]
fn no_wait_takes_who_is_open_and_nobody_later() {
    let now = reading(0, "2026-11-22T23:00:00Z");
    let derived = calendar(&plan(NIGHT, LINES), None, true).derive(&now);
    assert_eq!((minutes(&derived, "A"), minutes(&derived, "B")), (vec![], vec![(0, 60)]));
    // Open, but not for as long as a call may take.
    let late = reading(0, "2026-11-22T23:58:00Z");
    let derived = calendar(&plan(NIGHT, LINES), None, true).derive(&late);
    assert_eq!(minutes(&derived, "B"), []);
    // A line without hours is always open.
    let derived = calendar(&plan("", "- { id: A, number: '+1 919 555 0101' }\n"), None, true).derive(&now);
    assert_eq!(derived.windows, []);
}

#[test]
fn before_at_the_provers_alone_are_dialed_and_a_deadline_counts_from_it() {
    let plan = plan(&format!("policy: {{ deadline: '05:30' }}\n{NIGHT}"), LINES);
    let now = reading(0, "2026-11-22T23:00:00Z");
    let mut calendar = calendar(&plan, Some("02:00"), false);
    assert!(calendar.check(&now).is_ok());
    let mut provers = BTreeMap::new();
    let told = calendar.prove(&mut provers, &Past::default(), &now);
    let names: Vec<_> = provers.iter().map(|(name, line)| (name.as_str(), line.as_str())).collect();
    assert_eq!(names, [("noc", "C"), ("oob", "B")], "who opens first");
    assert_eq!(
        told,
        [
            "nothing but what proves credentials is dialed before Mon 2026-11-23 02:00 -05:00 America/New_York (2026-11-23 07:00 UTC); the run waits until then",
            "credential `noc` is proven on line `C`: Sun 2026-11-22 22:00 -05:00 America/New_York (2026-11-23 03:00 UTC)",
            "credential `oob` is proven on line `B`: now",
        ]
    );
    let derived = calendar.derive(&now);
    assert_eq!(minutes(&derived, "A"), [(8 * 60, 11 * 60)], "from two o'clock on");
    assert_eq!(minutes(&derived, "B"), [(0, 60)]);
    assert_eq!(minutes(&derived, "C"), [(4 * 60, 11 * 60)]);
    assert_eq!(derived.deadline, Some(Mono::from_millis((11 * 60 + 30) * 60_000)));
    let wall = |text: &str| text.parse::<Timestamp>().unwrap();
    let id = |line: &str| line.parse::<LineId>().unwrap();
    assert!(calendar.may_dial(&id("A"), wall("2026-11-23T06:59:00Z")).is_err());
    assert!(calendar.may_dial(&id("A"), wall("2026-11-23T07:00:00Z")).is_ok());
    assert!(calendar.may_dial(&id("C"), wall("2026-11-23T03:00:00Z")).is_ok());
    assert!(calendar.may_dial(&id("C"), wall("2026-11-23T02:59:00Z")).is_err());
}

#[test]
fn the_plans_own_prover_is_taken_where_it_is_open_and_who_can_not_be_proven_is_told() {
    let plan = plan(NIGHT, LINES);
    let oob: CredentialName = "oob".parse().unwrap();
    let mut provers = BTreeMap::from([(oob.clone(), "A".parse().unwrap())]);
    let evening = reading(0, "2026-11-22T23:00:00Z");
    calendar(&plan, Some("23:00"), false).prove(&mut provers, &Past::default(), &evening);
    assert_eq!(provers[&oob].as_str(), "A", "it opens at ten");
    let told = calendar(&plan, Some("21:00"), false).prove(&mut provers, &Past::default(), &evening);
    assert_eq!(provers[&oob].as_str(), "B", "the other one does not open in time");
    assert!(told[1].starts_with("credential `noc` can't be proven before then"), "{told:?}");
    assert!(told[1].contains("`C`, is at Sun 2026-11-22 22:00 -05:00"), "{told:?}");
    assert!(calendar(&plan, None, false).prove(&mut provers, &Past::default(), &evening).is_empty());
}

#[test]
fn lines_without_hours_wait_for_at_too() {
    let plan = plan("", "- { id: A, number: '+1 919 555 0101' }\n- { id: B, number: '+1 919 555 0102' }\n");
    let now = reading(0, "2026-11-22T23:00:00Z");
    let mut calendar = calendar(&plan, Some("2026-11-23T02:00Z"), false);
    let mut provers = BTreeMap::new();
    calendar.prove(&mut provers, &Past::default(), &now);
    let derived = calendar.derive(&now);
    let ids: Vec<&str> = derived.windows.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(ids, ["A", "B"]);
    assert!(derived.windows[0].1.is_always(), "it proves the credential");
    assert_eq!(minutes(&derived, "B")[0].0, 180);
    assert_eq!(derived.horizon, Mono::from_millis(27 * 3_600_000));
}

#[test]
fn a_clock_that_is_set_moves_windows_deadline_and_at() {
    let plan = plan(&format!("policy: {{ deadline: '05:30' }}\n{NIGHT}"), LINES);
    let mut calendar = calendar(&plan, Some("02:00"), false);
    // The host believes that it is noon in the summer of another year; half an hour later it learns the truth.
    calendar.derive(&reading(0, "2027-07-01T16:00:00Z"));
    let derived = calendar.derive(&reading(30, "2026-11-22T23:30:00Z"));
    assert_eq!(minutes(&derived, "A"), [(8 * 60, 11 * 60)]);
    assert_eq!(derived.deadline, Some(Mono::from_millis((11 * 60 + 30) * 60_000)));
    // Time that the host slept is not the calendar's mistake: the deadline of the night stays over.
    let slept =
        Reading { begun: "2026-11-22T23:00:00Z".parse().unwrap(), ..reading(60, "2026-11-23T12:00:00Z") };
    let derived = calendar.derive(&slept);
    assert_eq!(derived.deadline, Some(Mono::ZERO));
}

#[test]
fn times_that_make_no_sense_are_refused() {
    for right in
        ["02:00", "2026-11-23T02:00", "2026-11-23 02:00", "2026-11-23T02:00Z", "2026-11-23T02:00:00+01:00"]
    {
        assert!(right.parse::<At>().is_ok(), "{right}");
    }
    for wrong in ["", "2", "24:00", "tomorrow", "2026-11-23", "02:00Z", "2026-02-30T02:00"] {
        assert!(wrong.parse::<At>().is_err(), "{wrong}");
    }
    let plan = plan(NIGHT, LINES);
    let now = reading(0, "2026-11-22T23:00:00Z");
    let said = |at: &str, now: &Reading| calendar(&plan, Some(at), false).check(now).unwrap_err().text;
    assert!(said("2026-11-22T17:59", &now).contains("is over"));
    assert!(said("2026-12-23T02:00Z", &now).contains("more than 7 days away"));
    let unset = reading(0, "1970-01-01T00:00:10Z");
    assert!(said("02:00", &unset).contains("this host's clock shows 1970-01-01 00:00 UTC"));
    assert!(calendar(&plan, None, false).check(&unset).is_err());
}

#[test]
fn what_is_out_of_its_window_says_when_it_opens() {
    let calendar = calendar(&plan(NIGHT, LINES), None, false);
    let next = |line: &str, wall: &str| {
        calendar.opens_next(&line.parse().unwrap(), wall.parse().unwrap()).unwrap_or_default()
    };
    assert_eq!(
        next("A", "2026-11-22T23:00:00Z"),
        "it opens next Sun 2026-11-22 22:00 -05:00 America/New_York (2026-11-23 03:00 UTC)"
    );
    assert!(next("A", "2026-11-23T04:00:00Z").starts_with("it is open now, until Mon 2026-11-23 05:00"));
}
