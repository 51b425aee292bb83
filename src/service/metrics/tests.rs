//! `/metrics` of a daemon at work, and what must hold of any. That the real Prometheus takes it is `tests/e2e`'s.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::*;
use crate::model::Role;
use crate::report::sample::night;
use crate::service::status::{BankStatus, ConfigStatus, ModemStatus, PlanStatus, Waiting};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn plan(name: &str, stands: Stands) -> PlanStatus {
    PlanStatus {
        plan: name.parse().unwrap(),
        bank: "hq".parse().unwrap(),
        stands,
        why: String::new(),
        until: None,
        schedule: vec!["0 2 * * *".into()],
        next: Some(at("2026-11-23T02:00:00Z")),
        run: None,
        progress: None,
        last: None,
        disabled_lines: [("BR0001-A".parse().unwrap(), "cut off".to_owned())].into(),
    }
}

fn modem(id: &str, stands: Stands, restarts: u32) -> ModemStatus {
    ModemStatus {
        modem: id.parse().unwrap(),
        port: "/dev/ttyS0".into(),
        stands,
        why: "hostile\"} 1\n".into(),
        until: None,
        call: None,
        restarts,
    }
}

fn status() -> Status {
    Status {
        service: "hq".into(),
        lineman: "0.1\"} 2\nx\\".into(),
        started: at("2026-11-22T10:00:00Z"),
        at: at("2026-11-22T10:30:00Z"),
        stands: Stands::Paused,
        why: "hostile\"} 1\n".into(),
        until: Some(at("2026-11-22T12:00:00Z")),
        role: Role::Secondary,
        leadership: "told".into(),
        config: ConfigStatus {
            path: "/etc/lineman/lineman.yaml".into(),
            loaded: at("2026-11-22T10:00:00Z"),
            problem: Some("hostile\"} 1\n".into()),
        },
        plans: vec![plan("nightly", Stands::Waiting), plan("weekly", Stands::StandingBy)],
        banks: vec![BankStatus {
            bank: "hq".parse().unwrap(),
            run: None,
            modems: vec![modem("m00", Stands::Idle, 0), modem("m01", Stands::Down, 7)],
        }],
        queue: vec![Waiting {
            plan: "nightly".parse().unwrap(),
            line: None,
            since: at("2026-11-22T10:20:00Z"),
            why: "hostile\"} 1\n".into(),
        }],
        log: BTreeMap::new(),
        troubles: vec!["hostile\"} 1\n".into()],
    }
}

fn process() -> Process {
    Process {
        resident: Some(20 << 20),
        descriptors: Some(12),
        descriptors_max: Some(1_024),
        threads: Some(5),
        processor: Some(std::time::Duration::from_millis(1_500)),
    }
}

fn told() -> String {
    let events = night();
    let state = RunState::of(&events).unwrap();
    let half = RunState::of(&events[..events.len() / 2]).unwrap();
    let going = [Going::of(&half, false), Going { is_call: true, calls: 1, ..Going::of(&half, true) }];
    text(&status(), &going, &[Found::of(&state)], &process(), Detail::Verdicts).unwrap()
}

#[test]
fn it_says_how_all_of_it_stands() {
    let text = told();
    let half = RunState::of(&night()[..night().len() / 2]).unwrap();
    let left = half.counts().total() - half.counts().judged();
    assert!(left > 0);
    for line in [
        "lineman_service_stands{stands=\"paused\"} 1",
        "lineman_service_until_timestamp_seconds 1795348800.0",
        "lineman_service_role{service=\"hq\",role=\"secondary\"} 1",
        "lineman_config_last_reload_successful 0",
        "lineman_service_troubles 1",
        "lineman_queue_length 1",
        "lineman_queue_oldest_timestamp_seconds 1795342800.0",
        "lineman_plan_stands{plan=\"nightly\",bank=\"hq\",stands=\"waiting\"} 1",
        "lineman_plan_next_timestamp_seconds{plan=\"weekly\"} 1795399200.0",
        "lineman_plan_disabled_lines{plan=\"nightly\"} 1",
        "lineman_bank_modems{bank=\"hq\",stands=\"down\"} 1",
        "lineman_bank_modems{bank=\"hq\",stands=\"lent\"} 0",
        "lineman_modem_stands{bank=\"hq\",modem=\"m01\",stands=\"down\"} 1",
        "lineman_modem_restarts_total{bank=\"hq\",modem=\"m01\"} 7",
        &format!("lineman_live_run_lines{{plan=\"nightly\",result=\"left\"}} {left}"),
        "lineman_live_technician_calls 1",
        "process_resident_memory_bytes 20971520",
        "process_cpu_seconds_total 1.5",
        // What the last run found, as its own file says it.
        "lineman_line_up{plan=\"nightly\",site=\"BR0004\",line=\"BR0004-A\"} 0",
    ] {
        assert!(text.lines().any(|written| written == line), "{line} is missing in\n{text}");
    }
    assert_eq!(text.matches("\nlineman_service_stands{").count(), 1, "what does not hold has no sample");
    for phases in prometheus::OF_PHASES {
        assert!(!text.contains(phases), "nobody asked for {phases}");
    }
}

#[test]
fn each_family_stands_once_however_many_plans_there_are() {
    let found = Found::of(&RunState::of(&night()).unwrap());
    let text = text(&status(), &[], &[found.clone(), found], &Process::default(), Detail::Phases).unwrap();
    let mut families = BTreeSet::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            assert!(families.insert(family.to_owned()), "{family} stands twice");
        }
    }
    assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1);
    assert!(!text.contains("process_"), "what the system does not tell is absent");
}

#[test]
fn no_words_of_a_far_end_or_an_operator_become_a_label() {
    assert!(!told().contains("hostile"));
    assert!(told().contains(r#"version="0.1\"} 2\nx\\""#));
}

#[test]
fn the_users_page_has_each_metric_and_no_other() {
    let pages = [
        include_str!("../../../reports/monitoring/daemon.md"),
        include_str!("../../../reports/monitoring/prometheus.md"),
    ];
    let named = pages.iter().flat_map(|page| {
        let table = page.split_once("| metric |").unwrap().1;
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next())
    });
    let named: BTreeSet<String> = named.map(ToOwned::to_owned).collect();
    let state = RunState::of(&night()).unwrap();
    let all = text(&status(), &[Going::of(&state, false)], &[Found::of(&state)], &process(), Detail::Phases);
    let written: BTreeSet<String> = all
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next().map(str::to_owned))
        .collect();
    assert_eq!(written, named);
}
