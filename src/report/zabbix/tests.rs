//! The sender file and the discovery of the sample night, and the template that takes them. That the real zabbix_sender
//! reads them so is `tests/e2e`'s.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::EventKind;
use crate::report::sample::night;

fn asked(all: bool) -> Asked {
    Asked { host: "lineman-nightly".into(), detail: Detail::Phases, all }
}

/// The fields of a line, as the sender reads them.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = line.chars().peekable();
    while rest.peek().is_some() {
        let mut field = String::new();
        if rest.next_if_eq(&'"').is_some() {
            loop {
                match rest.next() {
                    Some('\\') => field.extend(rest.next()),
                    Some('"') => break,
                    Some(c) => field.push(c),
                    None => panic!("a field without its end: {line}"),
                }
            }
        } else {
            while let Some(c) = rest.next_if(|c| *c != ' ') {
                field.push(c);
            }
        }
        assert!(matches!(rest.next(), None | Some(' ')), "{line}");
        fields.push(field);
    }
    fields
}

/// Key and value of each line, in their order.
fn sent(text: &str) -> Vec<(String, i64, String)> {
    text.lines()
        .map(|line| {
            let [host, key, at, value] = <[String; 4]>::try_from(fields(line)).unwrap();
            assert_eq!(host, "lineman-nightly");
            (key, at.parse().unwrap(), value)
        })
        .collect()
}

#[test]
fn it_says_what_the_run_found_in_the_order_of_time() {
    let state = RunState::of(&night()).unwrap();
    let sent = sent(&sender(&state, &asked(false)).unwrap());
    assert!(sent.is_sorted_by_key(|(_, at, _)| *at));
    let values: BTreeMap<&str, &str> =
        sent.iter().map(|(key, _, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(values.len(), sent.len(), "a key stands twice");
    for finding in Finding::all(&state) {
        let of = |what: &str| values[format!("lineman.line.{what}[{}]", finding.line.id).as_str()];
        assert_eq!(of("result"), Status::of(finding.result()).code().to_string());
        assert_eq!(of("reason"), finding.verdict.fault.map_or("none", Fault::code));
    }
    assert_eq!(values["lineman.line.phase[BR0001-A,ring]"], "6.030");
    assert!(!values.contains_key("lineman.line.phase[BR0004-A,ring]"), "it never rang");
    assert_eq!((values["lineman.run.lines[fail]"], values["lineman.run.exit_code"]), ("6", "1"));
    let list: Vec<BTreeMap<String, String>> =
        serde_json::from_str(values["lineman.lines.discovery"]).unwrap();
    assert_eq!(
        (list.len(), list[3]["{#LINE}"].as_str(), list[3]["{#SITE}"].as_str()),
        (13, "BR0004-A", "BR0004")
    );
}

#[test]
fn what_was_left_out_by_choice_sends_nothing() {
    let mut events = night();
    for event in &mut events {
        if let EventKind::Verdict(verdict) = &mut event.kind
            && verdict.line.as_str() == "BR0004-A"
        {
            verdict.fault = Some(Fault::Skipped);
        }
    }
    let state = RunState::of(&events).unwrap();
    let key = "lineman.line.result[BR0004-A]";
    assert!(!sender(&state, &asked(false)).unwrap().contains(key));
    assert!(sender(&state, &asked(true)).unwrap().contains(&format!("\"{key}\" 1795226619 \"3\"")));
    assert!(
        discovery(&state, Discovery::Lines).unwrap().contains("BR0004-A"),
        "it is still a line of the plan"
    );
}

#[test]
fn the_template_has_an_item_for_each_key_and_no_other() {
    let template = include_str!("../../../reports/monitoring/zabbix/template.yaml");
    let template: serde_json::Value = serde_yaml::from_str(template).unwrap();
    let template = &template["zabbix_export"]["templates"][0];
    let mut keys = BTreeSet::new();
    let mut take = |items: &serde_json::Value| {
        for item in items.as_array().unwrap() {
            assert_eq!(item["type"], "TRAP");
            assert!(keys.insert(item["key"].as_str().unwrap().to_owned()), "{item}");
        }
    };
    take(&template["items"]);
    take(&template["discovery_rules"]);
    for rule in template["discovery_rules"].as_array().unwrap() {
        take(&rule["item_prototypes"]);
    }
    let mut events = night();
    // A modem that shows the ring and the training as one span, and one that sends the digits and waits.
    for event in &mut events {
        if let EventKind::CallEnded(record) = &mut event.kind {
            let mut timeline = crate::model::Timeline::default();
            for (moment, mark) in record.timeline.iter() {
                let hidden = match record.line.as_str() {
                    "BR0001-A" => moment == crate::model::Moment::Answered,
                    "BR0009-A" => moment == crate::model::Moment::Carrier,
                    _ => false,
                };
                if !hidden {
                    timeline.bound(moment, mark.at, mark.at);
                }
            }
            if record.line.as_str() == "BR0002-A" {
                let dialed = timeline.get(crate::model::Moment::Dialed).unwrap().at;
                timeline.observe(crate::model::Moment::DigitsSent, dialed);
            }
            record.timeline = timeline;
        }
    }
    let state = RunState::of(&events).unwrap();
    let written: BTreeSet<String> = sent(&sender(&state, &asked(true)).unwrap())
        .into_iter()
        .map(|(key, _, _)| {
            let inner = key.split_once('[').map(|(_, inner)| inner.trim_end_matches(']').to_owned());
            match inner {
                Some(inner) if key.starts_with("lineman.line.") => {
                    key.replace(inner.split(',').next().unwrap(), "{#LINE}")
                }
                Some(inner) if key.starts_with("lineman.modem.") => key.replace(&inner, "{#MODEM}"),
                _ => key,
            }
        })
        .collect();
    assert_eq!(written, keys);
}

proptest! {
    #[test]
    fn no_words_of_a_far_end_leave_their_field(words in "\\PC{0,40}|[\\x00-\\x2f\\\\\"a]{0,40}") {
        let mut events = night();
        for event in &mut events {
            if let EventKind::Verdict(verdict) = &mut event.kind {
                words.clone_into(&mut verdict.detail);
            }
        }
        let state = RunState::of(&events).unwrap();
        let expected = cell::one_line(&words);
        let values = sent(&sender(&state, &asked(true)).unwrap());
        let (_, _, detail) = values.iter().find(|(key, _, _)| key == "lineman.line.detail[BR0001-A]").unwrap();
        prop_assert_eq!(detail, &expected);
    }
}
