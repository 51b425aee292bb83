//! What hooks are told of the night of the samples, held against the published schema.

use serde_json::Value;

use super::*;
use crate::report::sample::{Story, header, line, modem, night};

fn context() -> Context {
    Context {
        run: "20261121T020000Z-nightly".parse().unwrap(),
        plan: "nightly".parse().unwrap(),
        host: "oob1".to_owned(),
        folder: "/r".to_owned(),
        rehearsal: false,
    }
}

#[track_caller]
fn object(message: &Message) -> Value {
    let object: Value = serde_json::from_str(&message.json).unwrap();
    let schema = include_str!("../../../reports/schemas/hook.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&object).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{}", message.json);
    assert!(!message.json.contains('\n'), "one line");
    object
}

#[test]
fn the_end_of_a_run_names_what_is_new_and_adds_up() {
    let state = RunState::of(&night()).unwrap();
    let message = Message::of_end(&context(), &state, 2);
    let told = object(&message);
    assert_eq!(told["event"], "run-ended");
    assert_eq!((told["failures"].as_array().unwrap().len(), told["failures_more"].as_u64()), (2, Some(1)));
    assert_eq!(told["ended"]["new_failures"], 3);
    let lines = &told["ended"]["lines"];
    let sum: u64 =
        ["pass", "degraded", "fail", "untested", "left"].iter().map(|key| lines[key].as_u64().unwrap()).sum();
    assert_eq!(lines["total"].as_u64(), Some(sum));
    assert!(told["text"].as_str().unwrap().ends_with("\nand 1 more"), "{}", told["text"]);
    let variable = |name: &str| {
        message.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(variable("LINEMAN_EVENT"), Some("run-ended"));
    assert_eq!(variable("LINEMAN_NEW_FAILURES"), Some("3"));
    assert_eq!(variable("LINEMAN_FAIL"), Some("6"));
}

#[test]
fn new_failures_and_withdrawals_have_the_same_form() {
    let failures = new_in(&RunState::of(&night()).unwrap());
    let withdrawn = vec![Withdrawn { line: "BR0009-A".parse().unwrap(), why: "m1 is bad".to_owned() }];
    let message = Message::of_batch(&context(), &Batch { failures, withdrawn }, &Limits::default());
    let told = object(&message);
    assert_eq!(
        (told["event"].as_str(), told["withdrawn"][0]["line"].as_str()),
        (Some("new-failures"), Some("BR0009-A"))
    );
    assert!(told.get("ended").is_none());
    object(&Message::of_breakdown(&context(), "the disk is full\nmore of it"));
}

#[test]
fn a_chat_reads_nothing_that_a_far_end_said() {
    let mut story = Story::new(header(vec![line(1)], vec![modem(0, "courier")]));
    let said = "<!channel> @here [click](https://evil.example)\r\n\u{1b}[2J\" } , {";
    story.judge(10, 1, 0, None, Some(Fault::Voice), said);
    let state = RunState::of(&story.events()).unwrap();
    let batch = Batch { failures: new_in(&state), withdrawn: Vec::new() };
    for message in
        [Message::of_end(&context(), &state, 20), Message::of_batch(&context(), &batch, &Limits::default())]
    {
        let told = object(&message);
        assert!(!message.text.contains("channel") && !message.text.contains("evil"), "{}", message.text);
        assert!(
            message.variables.iter().all(|(_, value)| !value.contains("channel") && !value.contains('\0'))
        );
        let detail = told["failures"][0]["detail"].as_str().unwrap();
        assert!(detail.contains("<!channel>") && !detail.contains(['\r', '\n', '\u{1b}']), "{detail:?}");
    }
}
