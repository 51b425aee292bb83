//! What hostile and merely wrong YAML does: a word with its place, soon, and never a panic.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Sample {
    name: Option<String>,
    count: Option<u8>,
    ready: bool,
    list: Vec<Option<Item>>,
    map: BTreeMap<u16, String>,
    kind: Option<Kind>,
    #[serde(with = "crate::model::span")]
    rest: Duration,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    text: String,
    #[serde(default)]
    figure: f64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Plain,
    Dressed(String),
    Boxed { text: String },
}

fn told(text: &str) -> String {
    let Decoded { value, doc } = decode::<Sample>(text, "f.yaml");
    assert!(value.is_none() || doc.has_problems(), "it was taken: {value:?}");
    doc.into_problems().to_string()
}

fn taken(text: &str) -> Sample {
    let Decoded { value, doc } = decode::<Sample>(text, "f.yaml");
    assert_eq!(doc.into_problems().to_string(), "");
    value.unwrap()
}

#[test]
fn all_mistakes_of_form_are_told_at_once_each_where_it_is() {
    let text = "\
name: {a: b}
cuont: 3
count: 300
ready: perhaps
list:
  - {text: good, figure: 1.5}
  - {figure: 2}
  - {text: t, figure: heavy, more: 1}
  - 5
map: {1: one, two: zwei}
kind: dresed
rest: 90
";
    assert_eq!(
        told(text),
        "\
f.yaml:1: name: is a mapping; must be a text
f.yaml:2: cuont: unknown key; did you mean `count`?; known here: `name`, `count`, `ready`, `list`, `map`, `kind` and `rest`
f.yaml:3: count: is `300`; must be a whole number from 0 to 255
f.yaml:4: ready: is `perhaps`; must be `true` or `false`
f.yaml:7: list[1]: has no `text`
f.yaml:8: list[2].figure: is `heavy`; must be a number
f.yaml:8: list[2].more: unknown key; known here: `text` and `figure`
f.yaml:9: list[3]: is `5`; must be a mapping (`key: value`)
f.yaml:10: map.two: the key must be a whole number from 0 to 65535
f.yaml:11: kind: is `dresed`; must be one of `plain`, `dressed` and `boxed`; did you mean `dressed`?
f.yaml:12: rest: `90` is no duration; write a number with its unit, as `250ms`, `90s`, `3m`, `1h` or `7d`"
    );
}

#[test]
fn what_is_left_decodes_as_serde_yaml_would() {
    for text in [
        "name: 007\ncount: 7\nready: true\nrest: 90s\n",
        "name: ~\ncount:\nlist:\nmap:\nkind: plain\nrest: 0\n",
        "name: +1 919\nlist: [{text: 1e5, figure: 3}, ~, {text: 'no', figure: -2.5e3}]\nmap: {1: a, 2: 'b'}\n",
        "kind: !dressed well\nname: |\n  two\n  lines\n",
        "kind: !boxed {text: \"\\e[31m\"}\ncount: 0x1f\n",
        "name: 'true'\nready: True\ncount: +5\n",
    ] {
        let by_serde = serde_yaml::from_str::<Sample>(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let ours = Sample::deserialize(&node::tree(text).unwrap())
            .unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(by_serde, ours, "{text}");
        assert_eq!(taken(text), ours);
    }
}

#[test]
fn keys_that_are_written_twice_are_told_in_maps_too() {
    assert_eq!(
        told("map:\n  1: a\n  2: b\n  1: c\n"),
        "f.yaml:4: map.1: is written twice; it stands at line 2 already"
    );
    assert_eq!(
        told("name: a\n? name\n: b\n"),
        "f.yaml:2: name: is written twice; it stands at line 1 already"
    );
}

#[test]
fn hostile_texts_are_refused_soon() {
    let laughs = "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n";
    assert!(told(laughs).starts_with("f.yaml:1: anchors and aliases"));
    for deep in ["[", "{", "{a: ", "[[a, ", "- ", "? ", "a: {b: ["] {
        let said = told(&deep.repeat(40_000 / deep.len()));
        assert!(said.starts_with("f.yaml:1: is n"), "{deep:?}: {said}");
    }
    let mut stairs = String::new();
    for depth in 0..3000 {
        stairs += &" ".repeat(depth);
        stairs += "a:\n";
    }
    assert_eq!(told(&stairs), "f.yaml:65: is nested deeper than 64 levels");
    let long = "x".repeat(7 << 20);
    assert_eq!(taken(&format!("name: {long}\n")).name.map(|n| n.len()), Some(7 << 20));
    let said = told(&format!("count: {long}\n"));
    assert!(said.len() < 200, "a message of {} bytes", said.len());
    let said = told(&format!("{long}: 1\n"));
    assert!(said.len() < 400, "a message of {} bytes", said.len());
    assert!(told(&"- x\n".repeat(NODES_MAX + 1)).ends_with("holds more than 1000000 values"));
    assert_eq!(told(""), "f.yaml: is empty");
    assert_eq!(
        told("# nothing\n---\n...\n---\n"),
        "f.yaml:4: a second document begins here (`---`); one file holds one"
    );
}

#[test]
fn what_stands_in_a_file_is_shown_without_its_escapes() {
    assert_eq!(
        told("count: \"\\e]0;owned\\a\\0\\u202e\"\n"),
        r"f.yaml:1: count: is `\u{1b}]0;owned\u{7}\u{0}\u{202e}`; must be a whole number from 0 to 255"
    );
    assert!(told("\"\\e[2J\": 1\n").starts_with(r"f.yaml:1: \u{1b}[2J: unknown key"));
}

#[test]
fn files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let said = |name: &str| {
        let path = folder.path().join(name);
        let problems = read::<Sample>(&path).doc.into_problems().to_string();
        problems.replace(&folder.path().display().to_string(), "")
    };
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("big", &vec![b'#'; source::FILE_BYTES_MAX as usize + 1]);
    write("latin", b"name: a\nname: \xe9\n");
    write("nul", b"name: a\n\nb\0\n");
    write("bom", b"\xef\xbb\xbfname: a\n");
    write("empty", b"");
    nix::unistd::mkfifo(&folder.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(said("nowhere"), "/nowhere: there is no such file");
    assert_eq!(said("big/file"), "/big/file: there is no such file");
    assert_eq!(said(""), ": is a folder; a file is meant");
    assert_eq!(said("fifo"), "/fifo: is no plain file");
    assert_eq!(said("big"), "/big: is larger than 8 MiB, which no plan needs");
    assert_eq!(said("latin"), "/latin:2: is not UTF-8; save it as UTF-8");
    assert_eq!(said("nul"), "/nul:3: holds the control character \\u{0}; this is no text file");
    assert_eq!(said("bom"), "");
    assert_eq!(said("empty"), "/empty: is empty");
}

#[test]
fn a_place_is_that_of_the_innermost_key_there_is() {
    let text = "map:\n  1: a\nlist:\n  - text: t\n  - text: u\n    figure: 1\nname: x\n";
    let doc = decode::<Sample>(text, "f.yaml").doc;
    let line = |key: &str| doc.place(key).line;
    assert_eq!(line("list[1].figure"), Some(6));
    assert_eq!(line("list[1].missing"), Some(5));
    assert_eq!(line("list[9].missing"), Some(3));
    assert_eq!(line("map.1"), Some(2));
    assert_eq!(line("nowhere"), None);
    let dotted = decode::<BTreeMap<String, BTreeMap<String, String>>>("a.b:\n  c: d\na:\n  e: f\n", "f").doc;
    assert_eq!((dotted.place("a.b.c").line, dotted.place("a.e").line), (Some(2), Some(4)));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-\\[\\]{}:,?!&*#|>'\"%@` \t\n\ra-c0-1~<.\\\\é]{0,80}") {
        let decoded = decode::<Sample>(&text, "f.yaml");
        prop_assert!(decoded.value.is_some() || decoded.doc.has_problems());
    }

    #[test]
    fn what_serde_yaml_takes_is_taken(text in "(name: [a-z~'\"0-9]{0,3}\n)?(count: [0-9x]{0,4}\n)?(list: [\\[\\]{}a-z:, ]{0,12}\n)?") {
        let ours = decode::<Sample>(&text, "f.yaml");
        if let Ok(theirs) = serde_yaml::from_str::<Sample>(&text) {
            let said = ours.doc.into_problems();
            prop_assert!(ours.value.as_ref() == Some(&theirs) || !said.is_empty(), "{:?} {:?}", text, said);
        } else {
            prop_assert!(ours.doc.has_problems());
        }
    }
}
