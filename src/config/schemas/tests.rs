//! The schemas against the readers: the same keys at every place, and every file that is shipped fits.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Kind;
use crate::config::{Overrides, Problems, load_exchange, load_plan, service};

/// No key of ours.
const NO_KEY: &str = "zzz";

fn schema(kind: Kind) -> Value {
    serde_json::from_str(kind.schema()).unwrap()
}

/// Follows a reference, also one that stands beside a description.
fn resolved<'a>(schema: &'a Value, whole: &'a Value) -> &'a Value {
    let inner = schema.get("allOf").map_or(schema, |all| &all[0]);
    match inner.get("$ref").and_then(Value::as_str) {
        Some(way) => resolved(whole.pointer(way.trim_start_matches('#')).unwrap(), whole),
        None => inner,
    }
}

/// A document that has every object that the schema knows, each with a key that nothing knows; and for each object the way
/// to it with the keys that the schema gives it.
fn plant(
    schema: &Value,
    whole: &Value,
    way: &str,
    known: &mut BTreeMap<String, BTreeSet<String>>,
) -> Option<Value> {
    let schema = resolved(schema, whole);
    let below = |key: &str| if way.is_empty() { key.to_owned() } else { format!("{way}.{key}") };
    if let Some(either) = schema.get("anyOf").and_then(Value::as_array) {
        return either.iter().find_map(|one| plant(one, whole, way, known));
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        known.insert(way.to_owned(), properties.keys().cloned().collect());
        let mut object = serde_json::Map::new();
        for (key, property) in properties {
            if let Some(value) = plant(property, whole, &below(key), known) {
                object.insert(key.clone(), value);
            }
        }
        object.insert(NO_KEY.to_owned(), json!(1));
        return Some(Value::Object(object));
    }
    if let Some(items) = schema.get("items") {
        return plant(items, whole, &format!("{way}[0]"), known).map(|item| json!([item]));
    }
    let values = schema.get("additionalProperties").filter(|values| values.is_object())?;
    plant(values, whole, &below("x"), known).map(|value| json!({ "x": value }))
}

/// What the reader says that it knows, by the way to where it says so.
fn told(problems: &Problems) -> BTreeMap<String, BTreeSet<String>> {
    let mut told = BTreeMap::new();
    for problem in &problems.0 {
        let Some((_, known)) = problem.what.split_once("known here: ") else { continue };
        let way = problem.at.key.trim_end_matches(NO_KEY).trim_end_matches('.').to_owned();
        told.insert(way, known.split('`').skip(1).step_by(2).map(str::to_owned).collect());
    }
    told
}

/// A tree in which the file of a kind is the planted one, and what it takes to have it read; what the readers said.
fn read(kind: Kind, planted: &Value) -> Problems {
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path();
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "dialplans/p.yaml",
        "plan: p\nbank: ../hardware/banks/b.yaml\nnumbering: n\ntariff: t\ndefaults: { console: c }\nlines: [{ id: A, number: '+1 919 555 0101' }]\n",
    );
    write(
        "hardware/banks/b.yaml",
        "bank: b\nlocation: { country: US }\nmodems: [{ id: m, port: /dev/x, profile: m }]\n",
    );
    write(
        "dialplans/numbering/n.yaml",
        include_str!("../../../dialplans/numbering/us.yaml")
            .replace("numbering: us", "numbering: n")
            .as_str(),
    );
    let path = match kind {
        Kind::Plan => "dialplans/p.yaml",
        Kind::Numbering => "dialplans/numbering/n.yaml",
        Kind::Tariff => "dialplans/tariffs/t.yaml",
        Kind::Bank => "hardware/banks/b.yaml",
        Kind::Modem => "hardware/modems/m.yaml",
        Kind::Console => "hardware/consoles/c.yaml",
        Kind::Exchange => "hardware/exchanges/e.yaml",
        Kind::Service => "lineman.yaml",
    };
    // JSON is YAML.
    write(path, &planted.to_string());
    match kind {
        Kind::Exchange => load_exchange(&root.join(path)).map(|_| ()).unwrap_err(),
        Kind::Service => service::load(&root.join(path), &|_| None).map(|_| ()).unwrap_err().problems,
        _ => load_plan(&root.join("dialplans/p.yaml"), &Overrides::default()).map(|_| ()).unwrap_err(),
    }
}

#[test]
fn every_key_of_a_schema_is_one_that_the_reader_knows_and_the_other_way_round() {
    for kind in Kind::ALL {
        let whole = schema(kind);
        let mut known = BTreeMap::new();
        let planted = plant(&whole, &whole, "", &mut known).unwrap();
        let told = told(&read(kind, &planted));
        for (way, keys) in &known {
            let reader = told.get(way);
            assert_eq!(reader, Some(keys), "{}: `{way}`", kind.word());
        }
        assert_eq!(told.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>(), "{}", kind.word());
    }
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .collect();
    files.sort();
    files
}

/// The shipped files of each kind.
fn shipped() -> Vec<(Kind, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    [
        (Kind::Plan, "dialplans"),
        (Kind::Numbering, "dialplans/numbering"),
        (Kind::Tariff, "dialplans/tariffs"),
        (Kind::Bank, "hardware/banks"),
        (Kind::Modem, "hardware/modems"),
        (Kind::Console, "hardware/consoles"),
        (Kind::Exchange, "hardware/exchanges"),
        (Kind::Service, "hardware/host"),
    ]
    .into_iter()
    .flat_map(|(kind, folder)| yaml_files(&root.join(folder)).into_iter().map(move |file| (kind, file)))
    .collect()
}

fn problems(kind: Kind, file: &Path) -> Vec<String> {
    let validator = jsonschema::validator_for(&schema(kind)).unwrap();
    let document: Value = serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error} at {}", file.display(), error.instance_path()))
        .collect()
}

#[test]
fn every_shipped_file_fits_its_schema_and_names_it_in_its_first_line() {
    let files = shipped();
    assert!(files.len() > 50, "{}", files.len());
    for (kind, file) in files {
        assert_eq!(problems(kind, &file), Vec::<String>::new());
        let text = fs::read_to_string(&file).unwrap();
        let named =
            text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
        let named = named.unwrap_or_else(|| panic!("{}: the first line names no schema", file.display()));
        let path = file.parent().unwrap().join(named);
        let found =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {named}: {error}", file.display()));
        assert_eq!(found, kind.schema(), "{}", file.display());
    }
}

#[test]
fn plans_that_are_right_fit_and_forms_that_are_wrong_do_not() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config");
    let mut good = 0;
    for file in yaml_files(&fixtures) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.starts_with("good") {
            assert_eq!(problems(Kind::Plan, &file), Vec::<String>::new());
            good += 1;
        }
    }
    assert!(good >= 8, "{good}");
    for name in ["unknown-keys.yaml", "bad-limits.yaml", "wrong-types.yaml", "bad-words.yaml"] {
        assert_ne!(problems(Kind::Plan, &fixtures.join(name)), Vec::<String>::new(), "{name}");
    }
}
