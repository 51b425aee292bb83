//! YAML text -> a `*File` struct, with all that is wrong told at once.
//!
//! `serde_yaml` decodes, and the struct is the one owner of the schema. A tree with marks is built beside it
//! (`node`): it guards against hostile texts, finds keys that are written twice, and knows the line of every key.
//! Where decoding fails, the same struct is decoded from that tree by `de`, whose errors know their node: the
//! mistake is told, the node taken out, and so on until it decodes or nothing is left to take out.

mod de;
mod node;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::path::Path;

use serde::de::DeserializeOwned;

use self::de::{Mistake, Step, Wrong};
use self::node::{Entry, Kind, Node, Unreadable};
use super::problem::{Place, Problem, Problems, list, quoted, suggestion};
use super::source;

pub use self::node::{DEPTH_MAX, NODES_MAX};

/// Most mistakes of form that are looked for in one file; each costs a decoding.
const MISTAKES_MAX: usize = 100;

/// A file that was read: its marks, and the problems found in it so far.
#[derive(Debug)]
pub struct Doc {
    file: String,
    root: Option<Node>,
    problems: RefCell<Vec<Problem>>,
}

impl Doc {
    /// The file, as it is said in messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where a key is: the way to it with `.` and `[n]`. A key that is not there is placed at the innermost part of
    /// its way that is.
    pub fn place(&self, key: &str) -> Place {
        let line = self.root.as_ref().and_then(|root| find(root, key).0);
        Place { file: self.file.clone(), line, key: key.to_owned() }
    }

    /// Notes a problem at a key.
    pub fn problem(&self, key: &str, what: impl Into<String>) {
        self.push(Problem::new(self.place(key), what));
    }

    /// Notes a problem that has its place.
    pub fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Whether something was written at this key, told as wrong and taken out: its absence is no second problem.
    pub fn is_pruned(&self, key: &str) -> bool {
        self.root.as_ref().is_some_and(|root| find(root, key).1)
    }

    /// Whether something directly under this key was told as wrong and taken out.
    pub fn lost_a_part(&self, key: &str) -> bool {
        let node = self.root.as_ref().and_then(|root| find(root, key).2);
        let gone = |node: &Node| matches!(node.kind, Kind::Pruned | Kind::Gone);
        node.is_some_and(|node| match &node.kind {
            Kind::Map(entries) => entries.iter().any(|entry| gone(&entry.value)),
            Kind::List(nodes) => nodes.iter().any(gone),
            _ => false,
        })
    }

    /// All problems, in the order in which they were noted.
    pub fn into_problems(self) -> Problems {
        Problems(self.problems.into_inner())
    }

    /// How many problems were noted.
    pub fn problem_count(&self) -> usize {
        self.problems.borrow().len()
    }

    /// Whether a problem was noted.
    pub fn has_problems(&self) -> bool {
        self.problem_count() > 0
    }
}

/// Line of the key, or of the innermost part of its way that exists; whether that part was taken out; the node, if it is
/// the key's own.
fn find<'a>(root: &'a Node, key: &str) -> (Option<usize>, bool, Option<&'a Node>) {
    let (mut node, mut line, mut rest) = (root, None, key);
    loop {
        if matches!(node.kind, Kind::Pruned | Kind::Gone) {
            return (line, true, None);
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let next = match &node.kind {
            Kind::Map(entries) => entries
                .iter()
                .filter(|entry| entry.first_at.is_none())
                .filter_map(|entry| Some((entry, rest.strip_prefix(entry.key.as_str())?)))
                .filter(|(_, rest)| rest.is_empty() || rest.starts_with(['.', '[']))
                .max_by_key(|(entry, _)| entry.key.len())
                .map(|(entry, rest)| (&entry.value, entry.line, rest)),
            Kind::List(nodes) => rest
                .strip_prefix('[')
                .and_then(|inner| inner.split_once(']'))
                .and_then(|(index, rest)| Some((nodes.get(index.parse::<usize>().ok()?)?, rest)))
                .map(|(node, rest)| (node, node.line, rest)),
            _ => None,
        };
        let Some((inner, inner_line, inner_rest)) = next else {
            return (line, false, rest.is_empty().then_some(node));
        };
        (node, line, rest) = (inner, Some(inner_line), inner_rest);
    }
}

/// What a text holds, as far as it could be decoded, with its marks and problems. Where there are problems of form,
/// `value` is what is left without the parts that they are about.
pub struct Decoded<T> {
    /// The value, unless too much is wrong.
    pub value: Option<T>,
    /// Marks and problems.
    pub doc: Doc,
}

/// Reads and decodes a file.
pub fn read<T: DeserializeOwned>(path: &Path) -> Decoded<T> {
    match source::read(path) {
        Ok(text) => decode(&text, source::shown(path)),
        Err(problem) => {
            let doc = Doc { file: source::shown(path), root: None, problems: RefCell::new(vec![problem]) };
            Decoded { value: None, doc }
        }
    }
}

/// Decodes a text; `file` is its name in messages.
pub fn decode<T: DeserializeOwned>(text: &str, file: impl Into<String>) -> Decoded<T> {
    let mut doc = Doc { file: file.into(), root: None, problems: RefCell::default() };
    let mut root = match node::tree(text) {
        Ok(root) => root,
        Err(Unreadable { line, what }) => {
            doc.push(Problem::new(Place { line, ..Place::file(doc.file.clone()) }, what));
            return Decoded { value: None, doc };
        }
    };
    take_out_duplicates(&mut root, &mut Vec::new(), &doc);
    if !doc.has_problems()
        && let Ok(value) = serde_yaml::from_str::<T>(text)
    {
        doc.root = Some(root);
        return Decoded { value: Some(value), doc };
    }
    let value = diagnose::<T>(&mut root, &doc);
    if value.is_some() && !doc.has_problems() {
        // The two decoders disagree. Its own words are not said: they may hold what stands there.
        let line = serde_yaml::from_str::<T>(text).err().and_then(|e| e.location()).map(|l| l.line());
        doc.push(Problem::new(
            Place { line, ..Place::file(doc.file.clone()) },
            "what stands here is not understood",
        ));
    }
    doc.root = Some(root);
    Decoded { value, doc }
}

/// Tells each key that is written twice, and takes the later one out.
fn take_out_duplicates(node: &mut Node, way: &mut Vec<Step>, doc: &Doc) {
    match &mut node.kind {
        Kind::Map(entries) => {
            for Entry { key, line, first_at, value, .. } in entries {
                way.push(Step::Key(key.clone()));
                if let Some(first) = first_at {
                    let at = Place { file: doc.file.clone(), line: Some(*line), key: written(way) };
                    doc.push(Problem::new(
                        at,
                        format!("is written twice; it stands at line {first} already"),
                    ));
                    value.kind = Kind::Pruned;
                }
                take_out_duplicates(value, way, doc);
                way.pop();
            }
        }
        Kind::List(nodes) => {
            for (index, inner) in nodes.iter_mut().enumerate() {
                way.push(Step::Index(index));
                take_out_duplicates(inner, way, doc);
                way.pop();
            }
        }
        Kind::Scalar { .. } | Kind::Pruned | Kind::Gone => {}
    }
}

/// Decodes, tells what is wrong, takes it out, and again.
fn diagnose<T: DeserializeOwned>(root: &mut Node, doc: &Doc) -> Option<T> {
    for _ in 0..MISTAKES_MAX {
        let Mistake { way_up, wrong } = match T::deserialize(&*root) {
            Ok(value) => return Some(value),
            Err(mistake) => mistake,
        };
        let way: Vec<Step> = way_up.into_iter().rev().collect();
        let Some((node, line)) = walk(root, &way) else { break };
        match node.kind {
            // It was told before, and what decodes the list has no room for a gap.
            Kind::Pruned => node.kind = Kind::Gone,
            Kind::Gone => return None,
            // What it lacks was there, was wrong, and is told.
            Kind::Map(ref entries) if lacks_what_was_wrong(&wrong, entries) => {
                if way.is_empty() {
                    return None;
                }
                node.kind = Kind::Pruned;
            }
            _ => {
                // An unknown key within a password may be the password itself, written without its key.
                let parent = &way[..way.len().saturating_sub(1)];
                let unsaid =
                    matches!(wrong, Wrong::UnknownKey { .. } | Wrong::BadKey(_)) && is_secret(parent);
                let key = written(if unsaid { parent } else { &way });
                let at = Place { file: doc.file.clone(), line: Some(line), key };
                doc.push(Problem::new(at, describe(&wrong, node, is_secret(&way))));
                if way.is_empty() {
                    return None;
                }
                node.kind = Kind::Pruned;
            }
        }
    }
    // Said behind the last of them.
    let line = doc.problems.borrow().iter().filter_map(|problem| problem.at.line).max();
    doc.push(Problem::new(
        Place { line, ..Place::file(doc.file.clone()) },
        "more is wrong; mend these first",
    ));
    None
}

fn lacks_what_was_wrong(wrong: &Wrong, entries: &[Entry]) -> bool {
    let Wrong::Missing(missing) = wrong else { return false };
    entries.iter().any(|entry| entry.key == *missing && matches!(entry.value.kind, Kind::Pruned | Kind::Gone))
}

/// The node at the end of the way, and the line on which its key stands.
fn walk<'a>(root: &'a mut Node, way: &[Step]) -> Option<(&'a mut Node, usize)> {
    let mut line = root.line;
    let mut node = root;
    for step in way {
        (node, line) = match (step, &mut node.kind) {
            (Step::Key(key), Kind::Map(entries)) => {
                let entry = entries.iter_mut().find(|e| e.key == *key && e.first_at.is_none())?;
                (&mut entry.value, entry.line)
            }
            (Step::Index(index), Kind::List(nodes)) => {
                let inner = nodes.get_mut(*index)?;
                let line = inner.line;
                (inner, line)
            }
            _ => return None,
        };
    }
    Some((node, line))
}

/// The way as it is written in messages: `lines[3].number`.
fn written(way: &[Step]) -> String {
    let mut out = String::new();
    for step in way {
        match step {
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                // A key may be a secret in the wrong place, or a megabyte; the way is for finding it.
                out.push_str(&super::problem::visible(&key.chars().take(80).collect::<String>()));
            }
            Step::Index(index) => {
                out.push('[');
                out.push_str(&index.to_string());
                out.push(']');
            }
        }
    }
    out
}

/// Whether what stands there may be a secret.
fn is_secret(way: &[Step]) -> bool {
    way.iter().any(|step| matches!(step, Step::Key(key) if key == "password"))
}

fn describe(wrong: &Wrong, node: &Node, secret: bool) -> String {
    let found = found(node, secret);
    match wrong {
        Wrong::UnknownKey { key, known } => {
            let near = suggestion(key, known.iter().copied());
            let known = match known.len() {
                0 => "no key is known here".to_owned(),
                _ => format!("known here: {}", list(known.iter().copied())),
            };
            format!("unknown key{near}; {known}")
        }
        Wrong::Missing(key) => format!("has no `{key}`"),
        Wrong::NotOneOf(known) => {
            let near = match &node.kind {
                Kind::Scalar { text, .. } if !secret => suggestion(text, known.iter().copied()),
                _ => String::new(),
            };
            format!("is {found}; must be one of {}{near}", list(known.iter().copied()))
        }
        Wrong::Expected(what) => format!("is {found}; must be {}", in_words(what)),
        Wrong::BadKey(what) => format!("the key must be {}", in_words(what)),
        Wrong::Said(what) => what.clone(),
    }
}

fn found(node: &Node, secret: bool) -> String {
    match &node.kind {
        Kind::Scalar { text, plain: true } if text.is_empty() => "empty".to_owned(),
        Kind::Scalar { .. } if secret => "a text".to_owned(),
        Kind::Scalar { text, .. } => quoted(text),
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a mapping".to_owned(),
        Kind::Pruned | Kind::Gone => "wrong".to_owned(),
    }
}

/// What serde says that it expected, for people.
fn in_words(expected: &str) -> String {
    match expected {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" => "a text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping (`key: value`)".to_owned(),
        struct_name if struct_name.starts_with("struct ") => "a mapping (`key: value`)".to_owned(),
        enum_name if enum_name.starts_with("enum ") => "a word".to_owned(),
        other => other.to_owned(),
    }
}
