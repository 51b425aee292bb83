//! The daemon's file: what it comes to, what is said of a wrong one, and in what two of them differ.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{Access, LeadershipPlan, Loaded, Schedule, When, difference, load};
use crate::model::{Level, Role};

const BANK: &str = "bank: hq\nrehearsal: true\nlocation: { country: US }\nmodems:\n  - { id: m0, port: /dev/x0, profile: generic }\n  - { id: m1, port: /dev/x1, profile: generic }\n";
const PLAN: &str = "plan: night\nbank: hq.yaml\nzone: America/New_York\ndefaults: { console: none }\nlines:\n  - { id: A, number: \"+1 919 555 0101\" }\n  - { id: B, number: \"+1 919 555 0102\" }\n";

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.write("hq.yaml", BANK);
        tree.write("night.yaml", PLAN);
        tree
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, text: &str) -> Result<Loaded, String> {
        self.load_in(text, &|name| (name == "HOME").then(|| OsString::from("/home/desk")))
    }

    fn load_in(&self, text: &str, env: &dyn Fn(&str) -> Option<OsString>) -> Result<Loaded, String> {
        self.write("lineman.yaml", text);
        load(&self.path("lineman.yaml"), env).map_err(|bad| bad.problems.to_string())
    }
}

const SHORT: &str = "service: hq\nreports: reports\nplans: [{ plan: night.yaml }]\n";

#[test]
fn what_is_not_said_has_its_default() {
    let tree = Tree::new();
    let loaded = tree.load(SHORT).unwrap();
    let service = &loaded.service;
    assert_eq!(service.state, Path::new("/home/desk/.local/state/lineman"));
    assert_eq!(service.state_file(), Path::new("/home/desk/.local/state/lineman/hq.json"));
    assert_eq!(service.socket.as_deref(), Some(Path::new("/home/desk/.local/state/lineman/control.sock")));
    let http = service.http.as_ref().unwrap();
    assert_eq!(
        (http.listen.to_string().as_str(), http.reading, http.max_connections),
        ("127.0.0.1:9467", Access::Token, 256)
    );
    assert!(http.token.is_none() && http.tls.is_none() && service.enabled);
    assert_eq!((&service.leadership, service.log.default), (&LeadershipPlan::Always, Level::Info));
    let entry = &loaded.plans[0].entry;
    assert_eq!(
        (entry.missed, entry.window, entry.when),
        (Some(Duration::from_secs(3600)), None, When::Primary)
    );
    assert!(entry.enabled && !entry.during_pause && entry.schedule.is_none());
    assert_eq!(entry.reports, tree.path("reports/night"));
    let unit = |name: &str| match name {
        "STATE_DIRECTORY" => Some(OsString::from("/var/lib/lineman/state:/other")),
        "RUNTIME_DIRECTORY" => Some(OsString::from("/run/lineman")),
        _ => None,
    };
    let service = tree.load_in(SHORT, &unit).unwrap().service;
    assert_eq!(service.state, Path::new("/var/lib/lineman/state"));
    assert_eq!(service.socket.as_deref(), Some(Path::new("/run/lineman/control.sock")));
}

#[test]
fn what_is_said_is_so() {
    let tree = Tree::new();
    tree.write("x.pem", "");
    let loaded = tree
        .load("service: hq\nenabled: false\nreports: /r\nstate: s\nsocket: none\nhttp: { listen: \"[::1]:0\", tls: { certificate: x.pem, key: x.pem }, token: { env: TOKEN }, reading: open, max_connections: 5 }\nleadership: { told: { initial: secondary } }\nlog: { default: warn, fleet: debug }\nplans: [{ plan: night.yaml, schedule: [\"0 2 * * mon-fri\", \"30 4 * * sun\"], zone: Europe/Berlin, missed: skip, window: 6h, when: always, enabled: false, during_pause: true, reports: elsewhere }]\n")
        .unwrap();
    let service = &loaded.service;
    assert!(!service.enabled && service.socket.is_none());
    assert_eq!(service.leadership, LeadershipPlan::Told(Role::Secondary));
    assert_eq!((service.log.default, service.log.rooms["fleet"]), (Level::Warn, Level::Debug));
    let http = service.http.as_ref().unwrap();
    assert!(
        http.tls.is_some()
            && http.token.is_some()
            && http.reading == Access::Open
            && http.max_connections == 5
    );
    let entry = &loaded.plans[0].entry;
    assert_eq!(
        (entry.missed, entry.window, entry.when),
        (None, Some(Duration::from_secs(6 * 3600)), When::Always)
    );
    assert_eq!(entry.reports, tree.path("elsewhere"));
    let schedule = entry.schedule.as_ref().unwrap();
    assert_eq!(schedule.to_string(), "`0 2 * * mon-fri`, `30 4 * * sun` in Europe/Berlin");
    let from: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    assert_eq!(schedule.preview(from, 2), ["Sun 2026-11-22 04:30 CET", "Mon 2026-11-23 02:00 CET"]);
    for file in ["lineman.yaml", "night.yaml", "hq.yaml", "x.pem"] {
        assert!(loaded.files.contains(&tree.path(file)), "{file} is not watched: {:?}", loaded.files);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_what_would_be_right() {
    let tree = Tree::new();
    tree.write("bad.yaml", &PLAN.replace("plan: night", "plan: other").replace("id: B", "id: A"));
    tree.write(
        "asks.yaml",
        &PLAN
            .replace("plan: night", "plan: asks")
            .replace("lines:", "credentials: { oob: { username: oob, password: { prompt: true } } }\nlines:"),
    );
    let said = tree
        .load("service: \"h q\"\nstate: ~/state\nsoket: x\nhttp: { listen: \"0.0.0.0:9467\", reading: all, max_connections: 0, token: { prompt: true }, tls: { certificate: gone.pem } }\nleadership: { lock: a, told: {} }\nlog: { flet: debug, fleet: loud }\nplans:\n  - { plan: night.yaml, schedule: \"0 25 * * *\", missed: soon, when: master, zone: New York }\n  - { plan: night.yaml }\n  - { plan: bad.yaml, schedule: \"* * *\" }\n  - { plan: asks.yaml }\n  - { schedule: \"0 2 30 2 *\" }\n  - {}\n")
        .unwrap_err();
    for part in [
        "lineman.yaml:1: service: holds ' '",
        "lineman.yaml:2: state: is `~/state`; write a path, whole and without `~`",
        "lineman.yaml:3: soket: unknown key; did you mean `socket`?",
        "http.reading: is `all`; write `token` or `open`",
        "http.max_connections: is 0",
        "http.token: asks for it at a terminal",
        "http.tls.key: is missing",
        "gone.pem` can't be read",
        "leadership: says two ways",
        "log.flet: is no room of lineman; did you mean `fleet`?",
        "log.fleet: is `loud`; write one of",
        "plans[0].schedule: `0 25 * * *`: `25` is no hour; write minute, hour",
        "plans[0].missed: `soon` is no duration",
        "plans[0].when: is `master`; write one of `primary`, `secondary` and `always`",
        "plans[0].zone: `New York` is no time zone; did you mean `America/New_York`?",
        "plans[1].plan: its plan is named `night`, as that of plans[0]",
        "plans[2].schedule: `* * *` has 3 fields",
        "bad.yaml:7: lines[1].id: `A` is the id of",
        "asks.yaml:5: credentials.oob: asks for the password at a terminal",
        "plans[4].plan: names no plan",
        "reports: names no folder",
    ] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
}

#[test]
fn other_hosts_may_come_in_by_tls_or_an_explicit_word_only() {
    let tree = Tree::new();
    let http = |keys: &str| tree.load(&format!("{SHORT}http: {{ listen: \"192.0.2.1:9467\"{keys} }}\n"));
    assert!(http("").unwrap_err().contains("can be reached from other hosts"));
    assert!(http(", plaintext: true").is_ok());
}

#[test]
fn a_bank_is_one_file_and_a_port_is_of_one_bank() {
    let tree = Tree::new();
    let second = |bank: &str| {
        tree.write("two.yaml", bank);
        tree.write(
            "second.yaml",
            &PLAN.replace("plan: night", "plan: second").replace("hq.yaml", "two.yaml"),
        );
        tree.load("service: hq\nreports: r\nplans: [{ plan: night.yaml }, { plan: second.yaml }]\n")
    };
    assert!(second(BANK).unwrap_err().contains("its bank is named `hq`, as that of plans[0]"));
    let renamed = BANK.replace("bank: hq", "bank: two");
    assert!(second(&renamed).unwrap_err().contains("has the port `/dev/x0`, which is one of the bank `hq`"));
    assert!(second(&renamed.replace("/dev/x", "/dev/y")).is_ok());
}

#[test]
fn a_bad_file_tells_what_to_watch_all_the_same() {
    let tree = Tree::new();
    tree.write("lineman.yaml", "service: hq\nreports: r\nplans: [{ plan: gone.yaml }]\n");
    let bad = load(&tree.path("lineman.yaml"), &|_| Some(OsString::from("/x"))).unwrap_err();
    assert!(bad.problems.to_string().contains("gone.yaml: there is no such file"), "{}", bad.problems);
    assert!(bad.files.contains(&tree.path("gone.yaml")), "{:?}", bad.files);
}

#[test]
fn what_changed_is_said_in_words() {
    let tree = Tree::new();
    let before = tree.load(SHORT).unwrap();
    assert_eq!(difference::told(&before, &before), Vec::<String>::new());
    tree.write(
        "night.yaml",
        &PLAN
            .replace("id: A", "enabled: false, id: A")
            .replace("0102", "0103")
            .replace("lines:", "policy: { attempts: 2 }\nlines:\n  - { id: C, number: \"+1 919 555 0109\" }"),
    );
    tree.write("hq.yaml", &BANK.replace("id: m0", "enabled: false, id: m0").replace("/dev/x1", "/dev/x7"));
    let after = tree.load(&SHORT.replace("night.yaml }", "night.yaml, schedule: \"0 3 * * *\" }")).unwrap();
    assert_eq!(
        difference::told(&before, &after),
        [
            "plan `night` is due by `0 3 * * *` in America/New_York now, for on demand only",
            "plan `night`: line `C` is new",
            "plan `night`: line `A` is disabled",
            "plan `night`: line `B` has changed",
            "plan `night`: `policy` has changed, for runs that begin from now on",
            "bank `hq`: modem `m0` is disabled",
            "bank `hq`: modem `m1` has changed, for runs that begin from now on",
        ]
    );
    let planned = &after.plans[0].plan.line(&"A".parse().unwrap()).unwrap().preset;
    assert_eq!(planned.as_ref().map(|preset| preset.detail.as_str()), Some("disabled in the plan"));
}

fn in_new_york(texts: &[&str]) -> Schedule {
    let zone = TimeZone::get("America/New_York").unwrap();
    Schedule::new(texts, zone, "America/New_York").unwrap()
}

fn due(texts: &[&str], from: &str, n: usize) -> Vec<String> {
    in_new_york(texts).preview(from.parse().unwrap(), n)
}

#[test]
fn a_night_whose_clocks_are_set_has_each_time_once() {
    // Forward: 02:00 to 03:00; the time that is skipped is due at the first minute that there is.
    let spring = due(&["30 2 * * *"], "2026-03-07T12:00:00Z", 2);
    assert_eq!(spring, ["Sun 2026-03-08 03:00 EDT", "Mon 2026-03-09 02:30 EDT"]);
    // Back: 02:00 to 01:00; the time that comes twice is due once.
    let autumn = due(&["30 1 * * *"], "2026-10-31T12:00:00Z", 2);
    assert_eq!(autumn, ["Sun 2026-11-01 01:30 EDT", "Mon 2026-11-02 01:30 EST"]);
    // What comes every so often goes through.
    assert_eq!(due(&["*/30 * * * *"], "2026-11-01T04:45:00Z", 5).len(), 5);
    assert_eq!(
        due(&["0 * * * *"], "2026-11-01T04:45:00Z", 3),
        ["Sun 2026-11-01 01:00 EDT", "Sun 2026-11-01 01:00 EST", "Sun 2026-11-01 02:00 EST"]
    );
}

#[test]
fn expressions_add_up_and_have_seconds_if_they_want() {
    let both = due(&["0 2 * * mon", "0 2 * * mon-tue", "30 4 1 * *"], "2026-11-29T12:00:00Z", 3);
    assert_eq!(both, ["Mon 2026-11-30 02:00 EST", "Tue 2026-12-01 02:00 EST", "Tue 2026-12-01 04:30 EST"]);
    assert_eq!(
        due(&["*/20 * * * * *"], "2026-11-29T12:00:30Z", 2),
        ["Sun 2026-11-29 07:00:40 EST", "Sun 2026-11-29 07:01 EST"]
    );
    assert_eq!(due(&["@daily"], "2026-11-29T12:00:30Z", 1), ["Mon 2026-11-30 00:00 EST"]);
}

#[test]
fn an_expression_that_means_nothing_is_told_by_its_field() {
    let said = |text: &str| Schedule::new(&[text], TimeZone::UTC, "UTC").unwrap_err().remove(0).1;
    for (text, part) in [
        ("", "has 0 fields"),
        ("60 2 * * *", "`60` is no minute"),
        ("0 2 32 13 *", "`32` is no day of the month, `13` is no month"),
        ("0 2 * * mun", "`mun` is no day of the week"),
        ("61 0 2 * * *", "`61` is no second"),
        ("0 2 30 2 *", "never comes"),
        ("@never", "is no schedule"),
        ("0 0 2 * * * 2027", "has 7 fields"),
    ] {
        assert!(said(text).contains(part), "{text}: {}", said(text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Forward and back agree, whatever the clocks do.
    #[test]
    fn the_last_time_before_the_next_is_the_one_before(
        minute in 0_u8..60, hour in 0_u8..5, every in prop::bool::ANY, from in 1_740_000_000_i64..1_800_000_000, ms in 0_i64..1000,
    ) {
        let text = if every { format!("{minute} * * * *") } else { format!("{minute} {hour} * * *") };
        let schedule = in_new_york(&[&text]);
        let from = Timestamp::from_millisecond(from * 1000 + ms).unwrap();
        let next = schedule.next_after(from).unwrap();
        prop_assert!(next > from);
        prop_assert_eq!(schedule.last_until(next), Some(next));
        let last = schedule.last_until(from).unwrap();
        prop_assert!(last <= from);
        prop_assert_eq!(schedule.next_after(last), Some(next));
    }

    /// No text makes it fall over.
    #[test]
    fn any_expression_is_taken_or_told(text in "[0-9*/,#LW? a-z@-]{0,30}") {
        let _ = Schedule::new(&[&text], TimeZone::UTC, "UTC");
    }
}
