//! `report.html`: the morning's page, one file that needs nothing else, neither a network nor a script.
//!
//! What it says is put together here and in the files beside, as views of the [`RunState`]; how it looks is `page.html`'s,
//! `style.css`'s and `page.js`'s, and the pictures are `charts`'. The tables of lines and the sections of lines stand in
//! `<noscript>`: without scripts they are there at once; with them a browser takes them for mere text, which costs
//! nothing, and the script brings in what is looked at. So there is one source for both, and all markup is made here,
//! escaped by the template engine: the script never puts markup together.
//!
//! What may run is named by its hash in the page's own content security policy, and nothing may be fetched.

mod digest;
mod findings;
mod head;
mod lines;
mod modems;
mod section;
pub(crate) mod words;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::view::View;
use super::{RunState, charts, transcript};
use crate::model::{CallId, Event, EventKind};

/// What it is called in the run's folder.
pub const FILE: &str = "report.html";

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
/// The page's script.
pub const SCRIPT: &str = include_str!("page.js");

/// Bytes of transcripts that a page holds; beyond that each is cut, and the page says where all of it is.
const TRANSCRIPTS_MAX: usize = 4 << 20;
/// What is left of a transcript at least, in bytes.
const TRANSCRIPT_MIN: usize = 1 << 10;
/// Up to so many lines each gets a picture of its phases in its own section; of more, only those that did not pass.
const PICTURED_LINES_MAX: usize = 500;

/// What consoles said, by the call in which they did. A [`RunState`] does not hold it, since it is written as it comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcripts(HashMap<CallId, String>);

impl Transcripts {
    /// From the events of a run.
    pub fn of(events: &[Event]) -> Self {
        let ended = events.iter().filter_map(|event| match &event.kind {
            EventKind::CallEnded(record) => Some(record),
            _ => None,
        });
        Self(ended.filter_map(|record| Some((record.call.clone(), transcript::said(record)?))).collect())
    }

    /// From the files that were written of a run, in its folder: the same texts.
    ///
    /// # Errors
    /// If one is there and can't be read. One that is gone is left out.
    pub fn read(state: &RunState, dir: &Path) -> io::Result<Self> {
        let mut said = HashMap::new();
        for call in state.lines().flat_map(|(_, line)| &line.transcripts) {
            match fs::read_to_string(dir.join(super::render::TRANSCRIPTS).join(transcript::file_name(call))) {
                Ok(text) => drop(said.insert(call.clone(), transcript::said_in(&text).to_owned())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self(said))
    }

    fn of_call(&self, call: &CallId) -> Option<&str> {
        self.0.get(call).map(String::as_str)
    }

    /// Bytes that one may have on the page.
    fn limit(&self) -> usize {
        if self.0.values().map(String::len).sum::<usize>() <= TRANSCRIPTS_MAX {
            return usize::MAX;
        }
        (TRANSCRIPTS_MAX / self.0.len().max(1)).max(TRANSCRIPT_MIN)
    }
}

/// A picture, with the heading that it stands under.
#[derive(Serialize)]
struct Picture {
    id: &'static str,
    title: &'static str,
    html: Value,
}

/// Where a server has what the page else brings with it, and where it leads to besides: addresses.
#[derive(Debug, Clone, Serialize)]
pub struct Served {
    /// [`style`].
    pub style: String,
    /// [`SCRIPT`].
    pub script: String,
    /// The server's own first page.
    pub home: String,
    /// The runs of the plan.
    pub runs: String,
    /// Before the name of a line: its page.
    pub line: String,
    /// Before the name of a file of the run.
    pub files: String,
}

/// The style sheet of the page, its pictures' included.
pub fn style() -> String {
    format!("{}{STYLE}", charts::STYLE)
}

/// All that the template is given.
#[derive(Serialize)]
struct Page<'a> {
    policy: String,
    style: Value,
    script: Value,
    icon: &'static str,
    head: head::Head<'a>,
    news: Option<head::News>,
    results: Vec<head::Tile>,
    asides: Vec<String>,
    blames: Vec<findings::BlameGroup<'a>>,
    bench: findings::Bench,
    pictures: Vec<Picture>,
    /// What can change of a line, in the order in which a person should read it.
    changes: Vec<&'static str>,
    rows: Vec<lines::Row<'a>>,
    sections: Vec<section::Section<'a>>,
    modems: modems::Modems<'a>,
    files: Vec<&'static str>,
    served: Option<&'a Served>,
    /// Before the name of a file that lies beside the page.
    beside: &'a str,
}

/// The page of a run. The same events always give the same bytes.
///
/// # Errors
/// If the template does not fit what it is given: a defect.
pub fn page(state: &RunState, said: &Transcripts) -> Result<String, minijinja::Error> {
    render(state, said, None)
}

/// The same page from a server, which gives its style and its script as files: nothing stands inline, so a policy that forbids
/// that shows it too.
///
/// # Errors
/// As [`page`].
pub fn served(state: &RunState, said: &Transcripts, by: &Served) -> Result<String, minijinja::Error> {
    render(state, said, Some(by))
}

/// What is told of a run at a glance: `head`, `news`, `results` and `asides`, as the page's own template has them.
pub fn overview(state: &RunState) -> Value {
    #[derive(Serialize)]
    struct Overview<'a> {
        head: head::Head<'a>,
        news: Option<head::News>,
        results: Vec<head::Tile>,
        asides: Vec<String>,
        icon: &'static str,
    }
    Value::from(Serde(Overview {
        head: head::head(state),
        news: head::news(state),
        results: head::results(state),
        asides: head::asides(state),
        icon: head::icon(state),
    }))
}

/// A name as a part of an address: what is neither letter nor digit of ASCII, nor one of `-._~`, by its bytes.
/// [RFC 3986, section 2.1]
pub fn path_safe(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn render(state: &RunState, said: &Transcripts, served: Option<&Served>) -> Result<String, minijinja::Error> {
    let style = style();
    let mut page = Environment::new();
    page.set_undefined_behavior(UndefinedBehavior::Strict);
    page.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    // Ends in `.html`: everything that is put in is escaped, but for what says itself that it is safe.
    page.add_filter("pathsafe", |name: &str| path_safe(name));
    page.add_template("page.html", PAGE)?;
    page.get_template("page.html")?.render(Value::from(Serde(Page {
        policy: policy(&style, SCRIPT),
        style: Value::from_safe_string(style),
        script: Value::from_safe_string(SCRIPT.to_owned()),
        icon: head::icon(state),
        head: head::head(state),
        news: head::news(state),
        results: head::results(state),
        asides: head::asides(state),
        blames: findings::by_blame(state),
        bench: findings::bench(state),
        pictures: pictures(state),
        changes: lines::changes(),
        rows: lines::rows(state),
        sections: section::sections(state, said),
        modems: modems::modems(state),
        files: files(state, served.is_some()),
        served,
        beside: served.map_or("", |by| by.files.as_str()),
    })))
}

/// The text that the style and the script elements hold must be this, to the byte.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| digest::base64(&digest::sha256(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(style),
        hash(script)
    )
}

fn pictures(state: &RunState) -> Vec<Picture> {
    type Draw = fn(&RunState) -> Option<String>;
    let all: [(&str, &str, Draw); 5] = [
        ("bank", "The bank's night", charts::gantt),
        ("phases", "Phases of the slowest lines", charts::phases),
        ("times", "How long it rings, trains and connects", charts::times),
        ("speeds", "Speed against each line's usual", charts::speeds),
        ("map", "Where the sites are", charts::map),
    ];
    let drawn = all.into_iter().filter_map(|(id, title, draw)| {
        Some(Picture { id, title, html: Value::from_safe_string(draw(state)?) })
    });
    drawn.collect()
}

/// What lies beside the page, in the run's folder.
fn files(state: &RunState, served: bool) -> Vec<&'static str> {
    let views = View::ALL.into_iter().filter(|view| *view != View::Page && view.is_for(state));
    let mut files: Vec<&'static str> = views.map(View::file).collect();
    files.push("events.jsonl");
    if !served && state.lines().any(|(_, line)| !line.transcripts.is_empty()) {
        files.push("transcripts/");
    }
    files
}

#[cfg(test)]
mod tests;
