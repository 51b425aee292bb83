//! metrics.prom of the sample night, and what must hold of any. That the real promtool and node exporter take it is
//! `tests/e2e`'s.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::{Event, EventKind};
use crate::report::sample::night;

/// A sample: its metric, its labels, its value.
type Sample = (String, BTreeMap<String, String>, f64);

/// Reads the text format, strictly: what it does not understand fails the test.
fn read(text: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut described = BTreeSet::new();
    let (lines, end) = text.split_at(text.len() - "# EOF\n".len());
    assert_eq!(end, "# EOF\n");
    for line in lines.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (what, name, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            match what {
                "HELP" => assert!(described.insert(name.to_owned()) && rest.len() > 10, "{line}"),
                "TYPE" => assert_eq!(rest, "gauge", "{line}"),
                "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (name, rest) = line.split_once('{').unwrap();
        assert!(described.contains(name) && name.starts_with("lineman_"), "{line}");
        let (labels, value) = rest.rsplit_once("} ").unwrap();
        let mut read = BTreeMap::new();
        let mut left = labels;
        while !left.is_empty() {
            let (key, after) = left.split_once("=\"").unwrap();
            let mut escaped = false;
            let end = after.find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            let (value, after) = after.split_at(end.unwrap());
            assert!(read.insert(key.to_owned(), value.to_owned()).is_none(), "{line}");
            left = after[1..].trim_start_matches(',');
        }
        samples.push((name.to_owned(), read, value.parse().unwrap()));
    }
    let unique: BTreeSet<_> = samples.iter().map(|(name, labels, _)| (name, labels)).collect();
    assert_eq!(unique.len(), samples.len(), "a sample stands twice");
    samples
}

fn told(events: &[Event]) -> (RunState, Vec<Sample>) {
    let state = RunState::of(events).unwrap();
    let samples = read(&text(&state, Detail::Phases).unwrap());
    (state, samples)
}

fn value(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let fits = |sample: &&Sample| {
        sample.0 == name && labels.iter().all(|(key, value)| sample.1.get(*key).is_some_and(|v| v == value))
    };
    samples.iter().find(fits).map(|sample| sample.2)
}

#[test]
fn it_says_what_the_run_found() {
    let (state, samples) = told(&night());
    for finding in Finding::all(&state) {
        let labels = [
            ("line", finding.line.id.as_str()),
            ("site", finding.line.site.as_str()),
            ("result", finding.result().word()),
            ("reason", finding.verdict.fault.map_or("none", Fault::code)),
        ];
        assert_eq!(value(&samples, "lineman_line_verdict", &labels), Some(1.0), "{labels:?}");
        let up =
            (finding.result() != Verdict::Untested).then(|| f64::from(finding.result() != Verdict::Fail));
        assert_eq!(value(&samples, "lineman_line_up", &labels[..1]), up, "{labels:?}");
    }
    for result in Verdict::ALL {
        let count = value(&samples, "lineman_run_lines", &[("result", result.word())]);
        assert_eq!(count, Some(state.counts().of(result) as f64));
    }
    let faults = samples.iter().filter(|sample| sample.0 == "lineman_run_faults");
    assert_eq!(faults.clone().count(), Fault::ALL.len());
    let passed = state.counts().pass as f64;
    assert!(
        (faults.map(|sample| sample.2).sum::<f64>() + passed - state.counts().total() as f64).abs() < 1e-9
    );
    let ring = [("line", "BR0001-A"), ("phase", "ring")];
    assert_eq!(value(&samples, "lineman_line_phase_seconds", &ring), Some(6.03));
    // A busy line never rang: no figure, not 0.
    assert_eq!(
        value(&samples, "lineman_line_phase_seconds", &[("line", "BR0004-A"), ("phase", "ring")]),
        None
    );
    assert_eq!(value(&samples, "lineman_run_finished_timestamp_seconds", &[]), Some(1_795_226_694.135));
    assert_eq!(value(&samples, "lineman_modem_health", &[("modem", "m01"), ("health", "bad")]), Some(1.0));
    assert_eq!(value(&samples, "lineman_modem_health", &[("modem", "m01"), ("health", "good")]), Some(0.0));
}

#[test]
fn a_run_that_has_not_ended_has_no_end_and_no_line_that_is_not_judged() {
    let events = night();
    let (state, samples) = told(&events[..events.len() / 2]);
    for metric in ["lineman_run_finished_timestamp_seconds", "lineman_run_exit_code", "lineman_run_completed"]
    {
        assert_eq!(value(&samples, metric, &[]), None, "{metric}");
    }
    let verdicts = samples.iter().filter(|sample| sample.0 == "lineman_line_verdict").count();
    assert_eq!(verdicts as u64, state.counts().judged());
}

#[test]
fn a_line_that_was_left_out_stays_as_it_was() {
    let mut events = night();
    for event in &mut events {
        if let EventKind::Verdict(verdict) = &mut event.kind
            && ["BR0001-A", "BR0004-A"].contains(&verdict.line.as_str())
        {
            verdict.fault = Some(Fault::Skipped);
        }
    }
    let (_, samples) = told(&events);
    for (line, up) in [("BR0001-A", 1.0), ("BR0004-A", 0.0)] {
        assert_eq!(value(&samples, "lineman_line_up", &[("line", line)]), Some(up));
        let labels = [("line", line), ("result", "untested"), ("reason", "skipped")];
        assert_eq!(value(&samples, "lineman_line_verdict", &labels), Some(1.0));
        let tested = value(&samples, "lineman_line_tested_timestamp_seconds", &[("line", line)]).unwrap();
        assert!((tested - 1_795_140_000.125).abs() < 0.001, "{tested}");
    }
}

#[test]
fn no_words_of_a_far_end_become_a_label() {
    let mut events = night();
    for event in &mut events {
        match &mut event.kind {
            EventKind::Verdict(verdict) => verdict.detail = "hostile\"} 1\n".into(),
            EventKind::CallEnded(record) => record.detail = "hostile\"} 1\n".into(),
            EventKind::RunStarted(header) => header.sitting.lineman = "0.1\"} 2\nx\\".into(),
            _ => {}
        }
    }
    let state = RunState::of(&events).unwrap();
    let text = text(&state, Detail::Phases).unwrap();
    assert!(!text.contains("hostile"));
    let samples = read(&text);
    assert_eq!(value(&samples, "lineman_run_info", &[("version", "0.1\\\"} 2\\nx\\\\")]), Some(1.0));
    let known: BTreeSet<&str> =
        samples.iter().flat_map(|sample| sample.1.keys().map(String::as_str)).collect();
    let allowed = [
        "bank",
        "blame",
        "change",
        "credential",
        "currency",
        "direction",
        "health",
        "line",
        "modem",
        "phase",
        "plan",
        "reason",
        "result",
        "run",
        "site",
        "version",
    ];
    assert_eq!(known.into_iter().collect::<Vec<_>>(), allowed);
    // The run's id changes every night, and would make new series of all lines.
    assert!(samples.iter().all(|sample| sample.0 == "lineman_run_info" || !sample.1.contains_key("run")));
}

#[test]
fn verdicts_alone_are_few() {
    let state = RunState::of(&night()).unwrap();
    let short = read(&text(&state, Detail::Verdicts).unwrap());
    assert!(short.iter().all(|sample| !sample.0.starts_with("lineman_line_phase")));
    let per_line = short.iter().filter(|sample| sample.1.contains_key("line")).count();
    assert!(per_line <= 4 * state.header().lines.len(), "{per_line}");
}

#[test]
fn the_users_page_has_each_metric_and_no_other() {
    let page = include_str!("../../../reports/monitoring/prometheus.md");
    let table = page.split_once("| metric |").unwrap().1;
    let page: BTreeSet<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let (_, samples) = told(&night());
    let written: BTreeSet<&str> = samples.iter().map(|sample| sample.0.as_str()).collect();
    assert_eq!(written, page);
}
