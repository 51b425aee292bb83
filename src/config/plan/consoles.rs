//! `consoles:`: what stands behind a line's console server. Written in the line itself, or for the whole plan in a CSV file
//! with a row for each console.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::CONSOLE_NONE;
use super::written::{self, Row, Written, WrittenLine};
use crate::config::problem::{Place, quoted, suggestion};
use crate::config::yaml::Doc;
use crate::console::{Behind, Dialog};
use crate::model::Hostname;

/// Most consoles behind one line: they are seen in one call, and each has up to 40 s of it.
pub(super) const CONSOLES_MAX: usize = 96;
/// Longest name of a console, in characters.
const NAME_LEN_MAX: usize = 64;
/// How a console is read that names no dialog. Nothing is typed there but CRs, so that the union of all prompts will do.
const USUAL_DIALOG: &str = "generic";

/// A console as it is written; the same names are the columns of the CSV file, and there `line` too.
#[derive(Debug, Default, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConsoleFile {
    line: Option<String>,
    name: Option<String>,
    port: Option<String>,
    hostname: Option<String>,
    console: Option<String>,
}

impl Row for ConsoleFile {
    const COLUMNS: &'static [&'static str] = &["line", "name", "port", "hostname", "console"];
    const NEEDED: &'static [&'static str] = &["line", "port"];

    fn set(&mut self, column: &str, cell: &str) {
        let text = Some(cell.to_owned());
        match column {
            "line" => self.line = text,
            "name" => self.name = text,
            "port" => self.port = text,
            "hostname" => self.hostname = text,
            "console" => self.console = text,
            _ => {}
        }
    }
}

/// Looks up a dialog by its name; the complaint is for whoever wrote the name (none where the dialog's own file is wrong).
pub(super) type Lookup<'a> = dyn FnMut(&str) -> Result<Arc<Dialog>, Option<String>> + 'a;

/// The consoles of each line, in the order of the lines.
pub(super) fn read(
    file: Option<&str>,
    lines: &mut [WrittenLine],
    default_server: Option<&str>,
    plan: &Path,
    doc: &Doc,
    dialog: &mut Lookup<'_>,
) -> Vec<Vec<Behind>> {
    let rows = file.map(|name| written::csv::<ConsoleFile>(plan, "consoles", name, doc)).unwrap_or_default();
    let ids: BTreeSet<&str> = lines.iter().filter_map(|line| line.file.id.as_deref()).collect();
    let mut by_line: BTreeMap<String, Vec<Written<ConsoleFile>>> = BTreeMap::new();
    for row in rows {
        match row.file.line.clone() {
            Some(line) if ids.contains(line.as_str()) => {
                by_line.entry(line).or_default().push(row);
            }
            Some(line) => {
                let near = suggestion(&line, ids.iter().copied());
                row.problem("line", format!("{} is no line of this plan{near}", quoted(&line)), doc);
            }
            None => {
                row.missing("line", "the row names no line; write the id of the one that leads to it", doc);
            }
        }
    }
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        let rows = line.file.id.as_ref().and_then(|id| by_line.remove(id)).unwrap_or_default();
        let own = line.file.consoles.take();
        if let (Some(_), Some(row)) = (&own, rows.first()) {
            let what = "the line has a list of `consoles` in the plan; write them there, or all of them here";
            row.problem("line", what, doc);
        }
        let example = "is empty; write `{ port: \"3\", hostname: br1-sw1, console: cisco-ios }`";
        let mut consoles = line.children(own.unwrap_or_default(), "consoles", example, doc);
        for inline in consoles.iter().filter(|console| console.file.line.is_some()) {
            inline.problem("line", "is known here; the key is a column of the CSV file", doc);
        }
        consoles.extend(rows);
        all.push(check(&consoles, line, default_server, doc, dialog));
    }
    all
}

/// Checks the consoles of one line.
fn check(
    consoles: &[Written<ConsoleFile>],
    line: &WrittenLine,
    default_server: Option<&str>,
    doc: &Doc,
    dialog: &mut Lookup<'_>,
) -> Vec<Behind> {
    let Some(first) = consoles.first() else { return Vec::new() };
    let name = line.file.console.as_deref().or(default_server);
    let Some(name) = name.filter(|name| *name != CONSOLE_NONE) else {
        let what = "the call to this line stops after CONNECT; name the console server's dialog in `console`, as `console: opengear`";
        first.problem("port", what, doc);
        return Vec::new();
    };
    // What is wrong with it is told where the line is checked.
    let server = dialog(name).ok();
    if server.as_ref().is_some_and(|server| !server.has_ports()) {
        let what = format!(
            "`{name}` is the line's console, and does not say how a port is chosen there; name the dialog of a console server, or write `ports:` into that file"
        );
        first.problem("port", what, doc);
        return Vec::new();
    }
    if consoles.len() > CONSOLES_MAX {
        let what = format!(
            "{} consoles stand behind this line, and {CONSOLES_MAX} is the most: they are seen in one call",
            consoles.len()
        );
        first.problem("port", what, doc);
    }
    let mut names: BTreeMap<String, Place> = BTreeMap::new();
    let mut ports: BTreeMap<String, Place> = BTreeMap::new();
    let mut found = Vec::with_capacity(consoles.len());
    for console in consoles {
        let Some(port) = console.file.port.clone() else {
            let what = "the console has no port; write what its console server calls it, as `port: \"3\"`";
            console.missing("port", what, doc);
            continue;
        };
        if let Some(what) = server.as_ref().and_then(|server| server.port_problem(&port)) {
            console.problem("port", what, doc);
        }
        let hostname = match console.file.hostname.as_deref().map(str::parse::<Hostname>) {
            Some(Ok(hostname)) => Some(hostname),
            Some(Err(error)) => {
                console.problem("hostname", error.to_string(), doc);
                None
            }
            None => None,
        };
        let own = hostname.as_ref().map_or_else(|| port.clone(), ToString::to_string);
        let name = console.file.name.clone().unwrap_or(own);
        if name.is_empty() || name.chars().count() > NAME_LEN_MAX || name.chars().any(char::is_control) {
            let what =
                format!("is no name: 1 to {NAME_LEN_MAX} characters, none of them a control character");
            console.problem("name", what, doc);
        }
        for (key, text, seen) in [("name", &name, &mut names), ("port", &port, &mut ports)] {
            let place = console.place(key, doc);
            if let Some(first) = seen.get(text) {
                let first = Place { key: String::new(), ..first.clone() };
                let what = format!("{} is that of the console at {first} already", quoted(text));
                console.problem(key, what, doc);
            } else {
                seen.insert(text.clone(), place);
            }
        }
        let dialog_name = console.file.console.as_deref().unwrap_or(USUAL_DIALOG);
        let dialog = if dialog_name == CONSOLE_NONE {
            let what = "`none` stops after CONNECT; a console behind a console server is read by a dialog, or left out";
            console.problem("console", what, doc);
            None
        } else {
            match dialog(dialog_name) {
                Ok(dialog) => Some(dialog),
                Err(what) => {
                    if let Some(what) = what {
                        console.problem("console", what, doc);
                    }
                    None
                }
            }
        };
        found.extend(dialog.map(|dialog| Behind { name, port, hostname, dialog }));
    }
    found
}
