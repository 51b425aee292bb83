//! What `openapi.json` says is what is served, both ways: every route, what each needs, and the form of every answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::service::http::guard::Need;
use crate::service::http::routes::table;
use crate::service::http::stage::{RUN, Stage};

fn document() -> Value {
    serde_json::from_str(include_str!("../openapi.json")).unwrap()
}

/// (method, path, security) of each operation.
fn operations() -> Vec<(String, String, Value)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().clone();
    let of = |(path, methods): (String, Value)| {
        let methods = methods.as_object().unwrap().clone().into_iter();
        methods.map(move |(method, operation)| (method, path.clone(), operation)).collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(of).collect()
}

#[test]
fn every_route_is_told_and_what_is_told_is_a_route() {
    let told: BTreeSet<(String, String)> =
        operations().into_iter().map(|(method, path, _)| (method.to_uppercase(), path)).collect();
    let served: BTreeSet<(String, String)> =
        table().into_iter().map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    assert_eq!(told, served);
}

#[test]
fn what_each_route_needs_is_told() {
    for (method, path, operation) in operations() {
        let route = table()
            .into_iter()
            .find(|route| route.path == path && route.method.as_str() == method.to_uppercase());
        let right = match route.unwrap().need {
            Need::Nothing => json!([]),
            Need::Read => json!([{ "bearer": [] }, { "basic": [] }, {}]),
            Need::Change => json!([{ "bearer": [] }]),
        };
        assert_eq!(operation["security"], right, "{method} {path}");
    }
}

/// A schema of the document, strict about keys that it does not name.
fn validator(schema: &Value) -> jsonschema::Validator {
    let mut root = schema.clone();
    let components = strict(document()["components"].clone());
    root["components"] = components;
    jsonschema::validator_for(&root).unwrap()
}

fn strict(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut map: serde_json::Map<String, Value> =
                map.into_iter().map(|(key, value)| (key, strict(value))).collect();
            let is_object = map.get("type").is_some_and(|kind| kind == "object");
            if is_object
                && map.contains_key("properties")
                && map.contains_key("required")
                && !is_summary(&map)
            {
                map.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(map)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(strict).collect()),
        other => other,
    }
}

/// It has names alone, since SCHEMA.md tells of it.
fn is_summary(map: &serde_json::Map<String, Value>) -> bool {
    !map.contains_key("properties")
}

#[tokio::test]
async fn every_answer_has_the_form_that_is_told() {
    let stage = Stage::usual().await;
    stage.record_a_night();
    let asked = |path: &str| {
        path.replace("{plan}", "nightly")
            .replace("{line}", "BR0002-A")
            .replace("{run}", RUN)
            .replace("{file}", "lines.csv")
    };
    let mut forms = 0;
    for (method, path, operation) in operations() {
        if path == "/api/v1/events" {
            continue;
        }
        let got = match method.as_str() {
            "get" => stage.get(&asked(&path)).await,
            _ => stage.post(&asked(&path), r#"{"do":"reload"}"#).await,
        };
        assert_eq!(got.status, 200, "{path}: {got:?}");
        let content = &operation["responses"]["200"]["content"];
        let Some(schema) = content.get("application/json").map(|content| &content["schema"]) else {
            continue;
        };
        if schema == &json!({ "type": "string" }) {
            continue;
        }
        let errors: Vec<String> = validator(schema)
            .iter_errors(&got.json())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{path}: {errors:#?}\n{}", got.body);
        forms += 1;
    }
    assert!(forms >= 13, "{forms}");
}

#[tokio::test]
async fn an_error_has_the_form_that_is_told_and_is_one_of_those_that_are_told() {
    let stage = Stage::usual().await;
    let form = validator(&json!({ "$ref": "#/components/schemas/Error" }));
    for (method, path, operation) in operations() {
        let path =
            path.replace("{plan}", "x").replace("{line}", "x").replace("{run}", "x").replace("{file}", "x");
        let nonsense = format!("{path}?nonsense=1");
        for got in [
            stage.ask(&method.to_uppercase(), &path, &[], "").await,
            if method == "get" {
                stage.get(&nonsense).await
            } else {
                stage.post(&path, r#"{"do":"fly"}"#).await
            },
        ] {
            if got.status == 200 {
                continue;
            }
            assert!(operation["responses"].get(got.status.to_string()).is_some(), "{method} {path}: {got:?}");
            assert!(form.is_valid(&got.json()), "{method} {path}: {got:?}");
        }
    }
}

/// Every control that is told is taken, and what is taken is told.
#[test]
fn controls_are_those_that_are_told() {
    use crate::service::control::Control;

    let document = document();
    let form = validator(&json!({ "$ref": "#/components/schemas/Control" }));
    let examples = [
        json!({"do": "start", "plan": "nightly"}),
        json!({"do": "start", "plan": "nightly", "anyway": true}),
        json!({"do": "stop"}),
        json!({"do": "stop", "plan": "nightly", "why": "x"}),
        json!({"do": "pause", "until": "2026-11-22T06:00:00Z", "why": "x"}),
        json!({"do": "resume"}),
        json!({"do": "drain", "why": "x"}),
        json!({"do": "emergency-stop"}),
        json!({"do": "release"}),
        json!({"do": "restart", "modem": "m00", "bank": "hq"}),
        json!({"do": "enable", "modem": "m00"}),
        json!({"do": "enable", "daemon": true}),
        json!({"do": "disable", "line": "BR0001-A", "plan": "nightly", "why": "x"}),
        json!({"do": "disable", "plan": "nightly"}),
        json!({"do": "call", "line": "BR0001-A"}),
        json!({"do": "role", "role": "secondary"}),
        json!({"do": "log", "room": "fleet", "level": "debug"}),
        json!({"do": "log"}),
        json!({"do": "reload"}),
    ];
    let mut seen = BTreeSet::new();
    for example in &examples {
        assert!(form.is_valid(example), "{example}");
        serde_json::from_value::<Control>(example.clone())
            .unwrap_or_else(|error| panic!("{example}: {error}"));
        seen.insert(example["do"].as_str().unwrap().to_owned());
        let mut more = example.clone();
        more["nonsense"] = json!(1);
        assert!(!form.is_valid(&more), "{more}");
        assert!(serde_json::from_value::<Control>(more).is_err());
    }
    let told = document["components"]["schemas"]["Control"]["oneOf"].as_array().unwrap();
    let told: BTreeSet<String> =
        told.iter().map(|one| one["properties"]["do"]["const"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, seen);
}
