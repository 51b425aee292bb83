//! The published schemas against what is written, and columns that never move.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{documented, with_consoles};
use crate::model::{Event, EventKind};
use crate::report::package::columns;
use crate::report::sample::night;
use crate::report::{RunState, SCHEMA, Table, json, summary_json};

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/schemas")
}

fn schema(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(schemas().join(name)).unwrap()).unwrap()
}

/// Takes a schema at its word: a key that it does not name is wrong. Readers may get newer keys; we may not write any that
/// is not published.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            keys.values_mut().for_each(strict);
            if keys
                .get("properties")
                .is_some_and(|properties| !properties.get("$ref").is_some_and(Value::is_string))
            {
                keys.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(all) => all.iter_mut().for_each(strict),
        _ => {}
    }
}

/// Finds schemas in the published folder, where a validator of the user would.
struct Folder;

impl jsonschema::Retrieve for Folder {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().rsplit('/').next().unwrap_or_default();
        let mut found = schema(name);
        strict(&mut found);
        Ok(found)
    }
}

fn validator(name: &str) -> Validator {
    let mut schema = schema(name);
    strict(&mut schema);
    jsonschema::options()
        .with_base_uri(format!("file:///schemas/{name}"))
        .with_retriever(Folder)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// Nights of all sorts: with all that can be told, as they go, and as older ones told them.
fn nights() -> Vec<RunState> {
    let journal =
        |text: &str| -> Vec<Event> { text.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let whole = night();
    let ends = [1, whole.len() / 3, whole.len() / 2, whole.len() - 1, whole.len()];
    let mut nights: Vec<Vec<Event>> = ends.into_iter().map(|end| whole[..end].to_vec()).collect();
    nights.push(with_consoles());
    nights.push(journal(include_str!("../../../tests/fixtures/journal/schema-1.jsonl")));
    nights.push(journal(include_str!("../../../tests/fixtures/journal/schema-2.jsonl")));
    let mut broke = whole.clone();
    broke.retain(|event| !matches!(event.kind, EventKind::LinesBefore { .. }));
    nights.push(broke);
    nights.iter().map(|events| RunState::of(events).unwrap()).collect()
}

fn problems(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn what_is_written_is_what_the_json_schemas_say() {
    let (summary, run) = (validator("summary.schema.json"), validator("run.schema.json"));
    for state in nights() {
        let written: Value = serde_json::from_slice(&summary_json::bytes(&state).unwrap()).unwrap();
        assert_eq!(problems(&summary, &written), Vec::<String>::new());
        let whole: Value = serde_json::from_slice(&json::bytes(&state).unwrap()).unwrap();
        assert_eq!(problems(&run, &whole), Vec::<String>::new());
        assert_eq!(whole["summary"], written);
    }
}

#[test]
fn the_json_schemas_find_what_is_wrong() {
    let (summary, run) = (validator("summary.schema.json"), validator("run.schema.json"));
    let state = RunState::of(&night()).unwrap();
    let whole: Value = serde_json::from_slice(&json::bytes(&state).unwrap()).unwrap();
    for (pointer, wrong) in [
        ("/schema", json!("3")),
        ("/summary/lines/pass", json!(-1)),
        ("/summary/not_passed/0/fault", json!("Not A Code")),
        ("/summary/started", json!("yesterday")),
        ("/summary/cost", json!(1.5)),
        ("/lines/0/result", json!("passed")),
        ("/lines/0/number", json!("919")),
        ("/calls/0/train_ms", json!("8000")),
        ("/modems/0/seconds_on_line", json!(null)),
        ("/lines/0", json!({ "line": "BR0001-A" })),
    ] {
        let mut broken = whole.clone();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert!(!problems(&run, &broken).is_empty(), "{pointer}");
        if let Some(of) = pointer.strip_prefix("/summary").filter(|_| !broken["summary"].is_null()) {
            assert!(!problems(&summary, &broken["summary"]).is_empty(), "{of}");
        }
    }
    let mut newer = whole;
    newer["summary"]["modems"][0]["unheard_of"] = json!(1);
    assert!(!problems(&run, &newer).is_empty(), "a key that is not published");
}

/// The description of a table's columns.
fn fields(table: Table) -> Vec<Value> {
    let schema: Value = serde_json::from_str(columns(table)).unwrap();
    schema["fields"].as_array().unwrap().clone()
}

#[test]
fn the_table_schemas_have_the_columns_and_words_of_schema_md() {
    let page = include_str!("../../../reports/SCHEMA.md");
    let state = RunState::of(&with_consoles()).unwrap();
    let both = |rows: Vec<Vec<String>>| -> BTreeMap<String, Vec<String>> {
        rows.into_iter().map(|row| (row[0].clone(), row)).collect()
    };
    for table in Table::ALL {
        let mut told = both(documented(page, "lines.csv"));
        if table != Table::Lines {
            told.extend(both(documented(page, table.file())));
        }
        let fields = fields(table);
        let head = String::from_utf8(table.bytes(&state).unwrap()).unwrap();
        let names: Vec<&str> = head.lines().next().unwrap().trim_end().split(',').collect();
        assert_eq!(fields.iter().map(|field| field["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
        for field in fields {
            let name = field["name"].as_str().unwrap();
            let row = &told[name];
            assert_eq!(field["description"], row[1], "{} {name}", table.file());
            let never = row[3].starts_with("never");
            assert_eq!(field["constraints"]["required"] == json!(true), never, "{} {name}", table.file());
            assert_eq!(field["empty"].is_null(), never, "{} {name}", table.file());
        }
    }
}

#[test]
fn the_schema_of_a_run_has_the_columns_of_the_tables() {
    let run = schema("run.schema.json");
    for table in Table::ALL {
        let row = &run["properties"][table.word()]["items"];
        let words = |value: &Value| -> BTreeSet<String> {
            value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        let fields = fields(table);
        let kept: Vec<&Value> = fields
            .iter()
            .filter(|field| !["schema", "run", "plan"].iter().any(|of_the_run| field["name"] == *of_the_run))
            .collect();
        let names: BTreeSet<String> =
            kept.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(row["properties"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>(), names);
        assert_eq!(words(&row["required"]), names);
        for field in kept {
            let key = &row["properties"][field["name"].as_str().unwrap()];
            let nullable = key.to_string().contains("\"null\"");
            assert_eq!(nullable, field["constraints"]["required"].is_null(), "{field}");
            let told = field["description"].as_str().unwrap();
            assert!(key["description"].as_str().unwrap().starts_with(told), "{field}");
        }
    }
}

/// What a schema promised, by file.
fn promised(text: &str) -> BTreeMap<&str, Vec<&str>> {
    text.lines()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(file, names)| (file, names.split(' ').collect()))
        .collect()
}

/// The columns and keys of all schemas so far. A new schema adds a file here; none of the others ever changes.
const SO_FAR: [&str; SCHEMA as usize] = [
    include_str!("../../../tests/fixtures/columns/schema-1.txt"),
    include_str!("../../../tests/fixtures/columns/schema-2.txt"),
    include_str!("../../../tests/fixtures/columns/schema-3.txt"),
];

#[test]
fn columns_never_move_and_keys_never_go() {
    let state = RunState::of(&with_consoles()).unwrap();
    let mut now: BTreeMap<String, Vec<String>> = Table::ALL
        .into_iter()
        .map(|table| {
            let csv = String::from_utf8(table.bytes(&state).unwrap()).unwrap();
            let head = csv.lines().next().unwrap().trim_end().split(',').map(str::to_owned).collect();
            (table.file().to_owned(), head)
        })
        .collect();
    let summary: Value = serde_json::from_slice(&summary_json::bytes(&state).unwrap()).unwrap();
    for (name, pointer) in
        [("", ""), ("/lines", "/lines"), ("/modems", "/modems/0"), ("/not_passed", "/not_passed/0")]
    {
        let keys = summary.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect();
        now.insert(format!("summary.json{name}"), keys);
    }
    for (place, text) in SO_FAR.into_iter().enumerate() {
        let number = place + 1;
        for (file, names) in promised(text) {
            let is = &now[file];
            if file.starts_with("summary.json") {
                let gone: Vec<&&str> =
                    names.iter().filter(|name| !is.iter().any(|key| key == **name)).collect();
                assert!(gone.is_empty(), "{file} had {gone:?} in schema {number}");
            } else {
                assert_eq!(is[..names.len()], names, "{file} since schema {number}");
            }
        }
    }
    // What is new has a new number.
    let latest = promised(SO_FAR[SO_FAR.len() - 1]);
    for (file, names) in &now {
        let is: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(
            is,
            latest[file.as_str()].iter().copied().collect(),
            "{file}: a new column is a new schema"
        );
    }
}
