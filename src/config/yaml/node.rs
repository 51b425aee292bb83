//! A YAML text as a tree in which every node knows its line: for finding places, and for saying what is wrong.
//!
//! Built from parser events as they come, so that what is too deep or too much is refused before it is read on. It is
//! the guard in front of `serde_yaml`, which is quadratic in flow nesting (libraries.md 3, Y8).

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

/// Deepest nesting of lists and mappings. Ours need 6.
pub const DEPTH_MAX: usize = 64;

/// Most nodes in one file; a plan of 5,000 lines has 80,000.
pub const NODES_MAX: usize = 1_000_000;

/// One value of the tree.
#[derive(Debug)]
pub(super) struct Node {
    /// Line in the file, from 1.
    pub(super) line: usize,
    /// A local tag (`!name`), without its `!`.
    pub(super) tag: Option<String>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar {
        text: String,
        /// Neither quoted nor a block: `~`, `5` and `true` have their own meaning.
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Was wrong, is told, and counts as absent; in a list it keeps its place.
    Pruned,
    /// Like `Pruned`, and has lost its place in the list too.
    Gone,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// The key as text, and as the scalar that it was.
    pub(super) key: String,
    pub(super) key_node: Node,
    /// Line of the key.
    pub(super) line: usize,
    /// The key was written before in this mapping, there.
    pub(super) first_at: Option<usize>,
    pub(super) value: Node,
}

/// Why a text makes no tree.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) line: Option<usize>,
    pub(super) what: String,
}

/// A list or mapping that is still open.
struct Open {
    line: usize,
    tag: Option<String>,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        /// Line of each key's first appearance.
        keys: HashMap<String, usize>,
        /// The key whose value comes next.
        pending: Option<(String, Node)>,
    },
}

impl Open {
    fn list(line: usize, tag: Option<&Tag>) -> Self {
        Self { line, tag: local(tag), inside: Inside::List(Vec::new()) }
    }

    fn map(line: usize, tag: Option<&Tag>) -> Self {
        let inside = Inside::Map { entries: Vec::new(), keys: HashMap::new(), pending: None };
        Self { line, tag: local(tag), inside }
    }

    fn take(&mut self, node: Node) -> Result<(), Unreadable> {
        let (entries, keys, pending) = match &mut self.inside {
            Inside::List(list) => {
                list.push(node);
                return Ok(());
            }
            Inside::Map { entries, keys, pending } => (entries, keys, pending),
        };
        if let Some((key, key_node)) = pending.take() {
            let line = key_node.line;
            let first_at = keys.get(&key).copied();
            keys.entry(key.clone()).or_insert(line);
            entries.push(Entry { key, key_node, line, first_at, value: node });
            return Ok(());
        }
        match &node.kind {
            Kind::Scalar { text, plain: true } if text == "<<" => {
                Err(refuse(node.line, "merge keys (`<<`) are not taken here; write the keys out"))
            }
            Kind::Scalar { text, .. } => {
                *pending = Some((text.clone(), node));
                Ok(())
            }
            _ => Err(refuse(node.line, "a key must be a text, not a list or a mapping")),
        }
    }

    fn close(self) -> Node {
        let kind = match self.inside {
            Inside::List(list) => Kind::List(list),
            Inside::Map { entries, .. } => Kind::Map(entries),
        };
        Node { line: self.line, tag: self.tag, kind }
    }
}

fn refuse(line: usize, what: impl Into<String>) -> Unreadable {
    Unreadable { line: Some(line), what: what.into() }
}

/// The tree of a text's only document.
pub(super) fn tree(text: &str) -> Result<Node, Unreadable> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut root: Option<Node> = None;
    let mut nodes = 0_usize;
    while let Some(event) = parser.next_event() {
        let (event, Span { start, .. }) =
            event.map_err(|error| syntax(text, error.marker().line(), error.info()))?;
        let line = start.line();
        let anchored = matches!(
            event,
            Event::Scalar(_, _, 1.., _) | Event::SequenceStart(1.., _) | Event::MappingStart(1.., _)
        );
        if anchored || matches!(event, Event::Alias(_)) {
            return Err(refuse(
                line,
                "anchors and aliases (`&x`, `*x`) are not taken here; write the value out, or in quotes if it is a text",
            ));
        }
        let done = match event {
            Event::Scalar(value, style, _, tag) => {
                let plain = style == ScalarStyle::Plain;
                Some(Node {
                    line,
                    tag: local(tag.as_deref()),
                    kind: Kind::Scalar { text: value.into_owned(), plain },
                })
            }
            Event::SequenceStart(_, tag) => {
                open.push(Open::list(line, tag.as_deref()));
                None
            }
            Event::MappingStart(_, tag) => {
                open.push(Open::map(line, tag.as_deref()));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(Open::close),
            Event::DocumentStart(_) if root.is_some() => {
                return Err(refuse(line, "a second document begins here (`---`); one file holds one"));
            }
            _ => None,
        };
        nodes += 1;
        if open.len() > DEPTH_MAX {
            return Err(refuse(line, format!("is nested deeper than {DEPTH_MAX} levels")));
        }
        if nodes > NODES_MAX {
            return Err(refuse(line, format!("holds more than {NODES_MAX} values")));
        }
        if let Some(node) = done {
            match open.last_mut() {
                Some(parent) => parent.take(node)?,
                None => root = Some(node),
            }
        }
    }
    root.ok_or_else(|| Unreadable { line: None, what: "is empty".to_owned() })
}

fn local(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| tag.handle == "!").map(|tag| tag.suffix.clone())
}

/// The parser's complaint in words that help; the text itself is never said again, since it may hold a secret.
fn syntax(text: &str, line: usize, info: &str) -> Unreadable {
    let indent: Option<&str> =
        text.lines().nth(line.saturating_sub(1)).and_then(|l| l.split(|c: char| !c.is_whitespace()).next());
    if indent.is_some_and(|indent| indent.contains('\t')) {
        return refuse(line, "is indented with a tab; YAML wants blanks");
    }
    let hint = if info.contains("quoted scalar") { "; is a quote missing?" } else { "" };
    refuse(line, format!("is no YAML: {info}{hint}"))
}
