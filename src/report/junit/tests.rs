//! JUnit XML: what each verdict becomes, sums that add up, and hostile text that stays text.

use std::collections::BTreeMap;

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::super::sample::{event, header, line, modem, night};
use super::bytes;
use crate::model::event::{Ending, LineVerdict};
use crate::model::{EventKind, Fault, Verdict};
use crate::report::RunState;

/// The attributes of an element, as its reader gets them.
type Attributes = BTreeMap<String, String>;

/// A case: its attributes, and the element in it with its own and its text.
struct Case {
    attributes: Attributes,
    inner: Option<(String, Attributes, String)>,
}

/// Reads a document back with a parser that refuses what is not well-formed.
fn read(xml: &[u8]) -> (Attributes, Vec<Case>) {
    let text = std::str::from_utf8(xml).unwrap();
    assert!(text.chars().all(xml_can_hold), "a character that XML 1.0 has no place for");
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let attributes = |element: &quick_xml::events::BytesStart<'_>| -> Attributes {
        element
            .attributes()
            .map(|attribute| {
                let attribute = attribute.unwrap();
                let value = attribute.normalized_value(quick_xml::XmlVersion::default()).unwrap();
                (attribute.key.as_ref().to_owned(), value.into_owned())
            })
            .collect()
    };
    let name = |element: &quick_xml::events::BytesStart<'_>| element.name().as_ref().to_owned();
    let (mut suite, mut cases): (Attributes, Vec<Case>) = (Attributes::new(), Vec::new());
    let mut depth = Vec::new();
    loop {
        let next = reader.read_event().unwrap();
        let (element, closed) = match &next {
            Event::Start(element) => (Some(element), false),
            Event::Empty(element) => (Some(element), true),
            _ => (None, false),
        };
        if let Some(element) = element {
            let (name, inside) = (name(element), depth.last().map(String::as_str));
            match name.as_str() {
                "testsuite" => suite = attributes(element),
                "testcase" => cases.push(Case { attributes: attributes(element), inner: None }),
                _ if inside == Some("testcase") => {
                    let inner = Some((name.clone(), attributes(element), String::new()));
                    cases.last_mut().unwrap().inner = inner;
                }
                _ => {}
            }
            if !closed {
                depth.push(name);
            }
        }
        let in_case = depth.iter().any(|name| name == "testcase");
        let mut add = |text: &str| {
            if let Some((_, _, all)) =
                cases.last_mut().and_then(|case| case.inner.as_mut()).filter(|_| in_case)
            {
                all.push_str(text);
            }
        };
        match next {
            Event::Text(text) => add(&text),
            Event::GeneralRef(entity) => {
                add(quick_xml::escape::resolve_predefined_entity(&entity).unwrap_or("\u{fffd}"));
            }
            Event::End(_) => drop(depth.pop()),
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(depth.is_empty());
    (suite, cases)
}

fn xml_can_hold(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[test]
fn each_line_is_a_case_and_says_its_verdict() {
    let state = RunState::of(&night()).unwrap();
    let (suite, cases) = read(&bytes(&state).unwrap());
    let counts = state.counts();
    let count = |kind: &str| {
        cases.iter().filter(|case| case.inner.as_ref().is_some_and(|(name, ..)| name == kind)).count() as u64
    };
    assert_eq!(suite["tests"], counts.total().to_string());
    assert_eq!(
        (suite["failures"].as_str(), count("failure")),
        (counts.fail.to_string().as_str(), counts.fail)
    );
    assert_eq!(suite["errors"], count("error").to_string());
    assert_eq!(suite["skipped"], count("skipped").to_string());
    assert_eq!(count("error") + count("skipped"), counts.untested);
    assert_eq!(count("system-out"), counts.degraded);
    for ((line, known), case) in state.lines().zip(&cases) {
        assert_eq!(case.attributes["name"], line.id.as_str());
        let fault = known.verdict.as_ref().unwrap().fault;
        let Some(fault) = fault else {
            assert!(case.inner.is_none(), "{}", line.id);
            continue;
        };
        let (kind, attributes, text) = case.inner.as_ref().unwrap();
        let said = attributes.get("message").unwrap_or(text);
        let begins = format!("{} {fault} (blame: {})", fault.verdict(), fault.blame());
        assert!(said.starts_with(&begins), "{}: {said}", line.id);
        if kind != "system-out" {
            assert_eq!(attributes["type"], fault.code());
        }
        assert!(kind == "skipped" || text.contains(fault.advice()), "{text}");
    }
}

/// One line with that fault: which element its case holds.
fn element_of(fault: Fault) -> Option<String> {
    let verdict =
        LineVerdict { line: line(1).id, fault: Some(fault), detail: String::new(), call: None, attempts: 0 };
    let events = [
        event(0, header(vec![line(1)], vec![modem(0, "courier")])),
        event(1, EventKind::Verdict(verdict)),
        event(2, EventKind::RunEnded { ending: Ending::Completed }),
    ];
    let (_, cases) = read(&bytes(&RunState::of(&events).unwrap()).unwrap());
    cases[0].inner.as_ref().map(|(name, ..)| name.clone())
}

#[test]
fn a_line_is_never_failed_by_our_own_side() {
    for fault in Fault::ALL {
        let element = element_of(fault).unwrap();
        let ours = fault.blame().is_bench() || fault == Fault::CredentialUnproven || fault == Fault::Internal;
        let is = match fault.verdict() {
            Verdict::Fail => "failure",
            Verdict::Degraded | Verdict::Pass => "system-out",
            Verdict::Untested if ours => "error",
            Verdict::Untested => "skipped",
        };
        assert_eq!(element, is, "{fault}");
    }
}

#[test]
fn a_line_without_a_verdict_is_skipped_and_says_so() {
    let events = [event(0, header(vec![line(1)], vec![modem(0, "courier")]))];
    let (suite, cases) = read(&bytes(&RunState::of(&events).unwrap()).unwrap());
    let (kind, attributes, _) = cases[0].inner.as_ref().unwrap();
    assert_eq!(
        (kind.as_str(), attributes["type"].as_str(), suite["skipped"].as_str()),
        ("skipped", "no-verdict", "1")
    );
}

proptest! {
    #[test]
    fn whatever_a_far_end_says_stays_text(said in "\\PC{0,20}|.{0,20}|[<>&\"'\\]\\[!\u{0}-\u{20}\u{fffe}\u{ffff}-]{0,20}") {
        let verdict = LineVerdict {
            line: line(1).id,
            fault: Some(Fault::NoRing),
            detail: said.clone(),
            call: None,
            attempts: 0,
        };
        let events = [
            event(0, header(vec![line(1)], vec![modem(0, "courier")])),
            event(1, EventKind::Notice { text: said.clone() }),
            event(2, EventKind::Verdict(verdict)),
            event(3, EventKind::RunEnded { ending: Ending::Completed }),
        ];
        let (_, cases) = read(&bytes(&RunState::of(&events).unwrap()).unwrap());
        let (_, attributes, _) = cases[0].inner.as_ref().unwrap();
        let detail = if said.is_empty() { String::new() } else { format!(": {}", super::clean(&said)) };
        prop_assert_eq!(&attributes["message"], &format!("fail no-ring (blame: network){detail}"));
    }
}
