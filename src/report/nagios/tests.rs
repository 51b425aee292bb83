//! States, texts and results of the sample night. That Nagios and Icinga themselves take them is `tests/e2e`'s.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::passive::{Asked, Form, Template, results};
use super::status::{Standing, report};
use super::*;
use crate::model::{Event, EventKind};
use crate::report::RunState;
use crate::report::sample::{header, line, modem, night, start};

const DAY: Duration = Duration::from_secs(26 * 3600);

/// The night with other faults for some lines.
fn with(faults: &[(&str, Fault)]) -> Vec<Event> {
    let mut events = night();
    for event in &mut events {
        if let EventKind::Verdict(verdict) = &mut event.kind
            && let Some((_, fault)) = faults.iter().find(|(line, _)| verdict.line.as_str() == *line)
        {
            verdict.fault = Some(*fault);
        }
    }
    events
}

fn now(hours: i64) -> Timestamp {
    start() + SignedDuration::from_hours(hours)
}

/// How a line of the night stands so many hours after it began.
fn standing(faults: &[(&str, Fault)], id: &str, hours: i64) -> (Status, String) {
    let state = RunState::of(&with(faults)).unwrap();
    let (line, known) = state.line(&id.parse().unwrap()).unwrap();
    let standing = Standing::of(line, known, now(hours), DAY);
    let (status, text) = report(id, &[standing], &[&state]);
    (status, text.lines().next().unwrap().to_owned())
}

#[test]
fn a_finding_stands_until_it_is_old() {
    for (id, status) in
        [("BR0001-A", Status::Ok), ("BR0003-A", Status::Warning), ("BR0004-A", Status::Critical)]
    {
        assert_eq!(standing(&[], id, 8).0, status, "{id}");
        let (old, text) = standing(&[], id, 30);
        assert_eq!(old, Status::Unknown, "{id}");
        assert!(text.contains("not tested within 26 h"), "{text}");
    }
    let (_, text) = standing(&[], "BR0004-A", 8);
    assert_eq!(
        text,
        "LINEMAN CRITICAL - BR0004-A fail: busy (far-line): busy in 2 calls, 187 s apart; 7 h ago |age=28581.100s attempts=2 setup=0.044s total=6.754s"
    );
}

#[test]
fn what_was_to_be_tested_and_was_not_is_unknown_at_once() {
    let (status, text) = standing(&[("BR0001-A", Fault::NoDialtone)], "BR0001-A", 1);
    assert_eq!(status, Status::Unknown);
    assert!(text.contains("untested: no-dialtone (bench-line); tested last 25 h ago: pass"), "{text}");
    let (status, text) = standing(&[], "BR0008-A", 1);
    assert!(status == Status::Unknown && text.contains("it was never tested"), "{text}");
}

#[test]
fn what_was_left_out_by_choice_stands_as_the_run_before_found_it() {
    let (status, text) = standing(&[("BR0004-A", Fault::Skipped)], "BR0004-A", 1);
    assert_eq!(status, Status::Critical);
    assert!(text.contains("fail: busy (far-line); 25 h ago; the last run left it out"), "{text}");
    assert_eq!(standing(&[("BR0001-A", Fault::OnHold)], "BR0001-A", 1).0, Status::Ok);
    // An old pass is no pass of today.
    assert_eq!(standing(&[("BR0001-A", Fault::OnHold)], "BR0001-A", 5).0, Status::Unknown);
    assert_eq!(standing(&[("BR0002-A", Fault::Skipped)], "BR0002-A", 1).0, Status::Unknown, "never tested");
}

#[test]
fn a_clock_that_was_set_back_makes_nothing_old() {
    assert_eq!(standing(&[], "BR0001-A", -200).0, Status::Ok);
}

#[test]
fn of_several_lines_the_worst_counts_and_leads() {
    let state = RunState::of(&with(&[("BR0001-A", Fault::NoDialtone)])).unwrap();
    let of = |ids: &[&str]| {
        let lines: Vec<_> = ids
            .iter()
            .map(|id| {
                let (line, known) = state.line(&id.parse().unwrap()).unwrap();
                Standing::of(line, known, now(1), DAY)
            })
            .collect();
        report("here", &lines, &[&state])
    };
    assert_eq!(of(&["BR0002-A", "BR0003-A"]).0, Status::Warning);
    assert_eq!(of(&["BR0002-A", "BR0003-A", "BR0001-A"]).0, Status::Unknown);
    let (status, text) = of(&["BR0002-A", "BR0003-A", "BR0001-A", "BR0004-A"]);
    assert_eq!(status, Status::Critical);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with(
            "LINEMAN CRITICAL - here: 4 lines, 1 critical, 1 unknown, 1 warning, 1 ok; BR0004-A fail: busy"
        ) && lines[0].contains(" |critical=1 unknown=1 warning=1 ok=1 oldest="),
        "{text}"
    );
    assert!(
        lines[1].starts_with("CRITICAL BR0004-A") && lines[2].starts_with("  the line is busy"),
        "{text}"
    );
    assert!(lines[3].starts_with("UNKNOWN BR0001-A") && lines[5].starts_with("WARNING BR0003-A"), "{text}");
}

#[test]
fn a_plan_of_thousands_fits_into_what_a_monitor_reads() {
    let lines: Vec<_> = (1..=5_000).map(line).collect();
    let mut events = vec![crate::report::sample::event(0, header(lines, vec![modem(0, "courier")]))];
    for n in 1..=5_000 {
        let verdict = crate::model::event::LineVerdict {
            line: line(n).id,
            fault: Some(Fault::NoDialtone),
            detail: "é".repeat(1_000),
            call: None,
            attempts: 1,
        };
        events.push(crate::report::sample::event(1, EventKind::Verdict(verdict)));
    }
    let state = RunState::of(&events).unwrap();
    let standings: Vec<_> =
        state.lines().map(|(line, known)| Standing::of(line, known, now(1), DAY)).collect();
    let (status, text) = report("plan nightly", &standings, &[&state]);
    assert_eq!(status, Status::Unknown);
    assert!(text.len() < 8_000, "{}", text.len());
    assert!(text.contains("more that are not OK") && text.contains("run 20261121T020000Z-nightly"), "{text}");
}

fn asked(form: Form) -> Asked {
    Asked {
        form,
        host: "{site}".parse().unwrap(),
        service: "lineman {line}".parse().unwrap(),
        run_host: Some("dialer1".into()),
        all: false,
    }
}

#[test]
fn each_line_has_a_result_unless_it_was_left_out_by_choice() {
    let state =
        RunState::of(&with(&[("BR0002-A", Fault::Skipped), ("BR0009-A", Fault::OutOfWindow)])).unwrap();
    let text = results(&state, &asked(Form::Command)).unwrap();
    let fields: Vec<Vec<&str>> = text.lines().map(|line| line.splitn(5, ';').collect()).collect();
    let of = |service: &str| fields.iter().find(|fields| fields[2] == service).map(|fields| fields[3]);
    for finding in Finding::all(&state) {
        let code = Status::of(finding.result()).code().to_string();
        let expected = (!finding.is_left_out()).then_some(code.as_str());
        assert_eq!(of(&format!("lineman {}", finding.line.id)), expected, "{}", finding.line.id);
    }
    assert_eq!(of("lineman nightly"), Some("0"), "the run itself went well");
    assert_eq!(fields.len(), 12);
    let all = results(&state, &Asked { all: true, ..asked(Form::Command) }).unwrap();
    assert_eq!(all.lines().count(), 14);
    assert!(all.contains("BR0002;lineman BR0002-A;3;UNKNOWN - BR0002-A untested: skipped (policy)"), "{all}");
}

#[test]
fn names_come_from_templates_that_hold_nothing_harmful() {
    for good in ["{site}", "{site}-{line}", "oob", "{plan} {hostname}", "a.b-c_d"] {
        assert_eq!(good.parse::<Template>().unwrap().to_string(), good);
    }
    for bad in ["", "a;b", "{sites}", "{site", "site}", "a\tb", "a\nb", "a'b", "}{", "a|b", "$x", "a\\nb"] {
        assert!(bad.parse::<Template>().is_err(), "{bad:?} was taken");
    }
    let mut events = night();
    if let EventKind::RunStarted(header) = &mut events[0].kind {
        for line in header.lines.iter_mut().take(7) {
            line.hostname = None;
        }
    }
    let state = RunState::of(&events).unwrap();
    let nameless = Asked { host: "{hostname}".parse().unwrap(), ..asked(Form::Command) };
    let told = results(&state, &nameless).unwrap_err().to_string();
    assert_eq!(
        told,
        "`{hostname}` needs a hostname, and the plan has none for BR0001-A, BR0002-A, BR0003-A, BR0004-A, BR0005-A and 2 more"
    );
}

/// The night, with these words of a far end in every verdict.
fn hostile(words: &str) -> RunState {
    let mut events = night();
    for event in &mut events {
        if let EventKind::Verdict(verdict) = &mut event.kind {
            words.clone_into(&mut verdict.detail);
        }
    }
    RunState::of(&events).unwrap()
}

proptest! {
    #[test]
    fn no_words_of_a_far_end_leave_their_place(words in "\\PC{0,40}|[\\x00-\\x2f|\\\\;<>`$'\"~&a]{0,40}|.{300,900}") {
        let state = hostile(&words);
        for (form, columns, separator) in [(Form::Command, 5, ';'), (Form::Nsca, 4, '\t')] {
            let text = results(&state, &asked(form)).unwrap();
            prop_assert_eq!(text.lines().count(), 14, "{}", text);
            for line in text.lines() {
                let fields: Vec<&str> = line.splitn(columns, separator).collect();
                prop_assert_eq!(fields.len(), columns);
                let output = fields[columns - 1];
                // An old receiver gets no figures where they do not fit.
                prop_assert!(matches!((form, output.matches('|').count()), (_, 1) | (Form::Nsca, 0)), "{}", output);
                // The one backslash is ours, before the advice.
                prop_assert!(output.matches('\\').count() <= usize::from(form == Form::Command));
                prop_assert!(!output.contains([';', '<', '>', '`', '$', '"', '\'', '~', '&']), "{}", output);
                prop_assert!(form != Form::Nsca || output.len() <= 511, "{}", output.len());
            }
        }
        for line in results(&state, &asked(Form::Icinga)).unwrap().lines() {
            let result: serde_json::Value = serde_json::from_str(line).unwrap();
            prop_assert!(result["exit_status"].as_u64() < Some(4));
        }
        let standings: Vec<_> =
            state.lines().map(|(line, known)| Standing::of(line, known, now(1), DAY)).collect();
        for lines in [&standings[..1], &standings[..]] {
            let (_, text) = report("plan", lines, &[&state]);
            prop_assert_eq!(text.matches('|').count(), 1);
            prop_assert!(!text.contains(['\\', '<', '>', '`', '$']), "{}", text);
        }
    }
}
