//! The mail at the end of a run, as words: subject, the summary as text, a short page as its alternative, and which files
//! go with it. Pure; the files' bytes are handed in. How it becomes a message is [`super::smtp`]'s.
//!
//! The page is for mail programs, which know little of style sheets and nothing of scripts; the whole report is
//! `report.html`, which can be attached.

use std::fmt::Write as _;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::payload::{Context, broken, headline};
use crate::model::changes::Change;
use crate::model::{Blame, Fault, Verdict};
use crate::report::summary::{self, Style};
use crate::report::{Health, RunState, news, safe_line};

/// Columns of the text.
const WIDTH: usize = 76;
/// Longest text in bytes: a night on which everything fails is read in lines.csv.
const TEXT_BYTES_MAX: usize = 100_000;
/// Lines that the page names of one kind.
const NAMED_MAX: usize = 40;

const PAGE: &str = include_str!("letter.html");

/// A file that goes with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A file that was to be attached and was not, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why, in words.
    pub why: String,
}

/// What goes with a mail, and what does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enclosed {
    /// What does.
    pub files: Vec<Attachment>,
    /// What does not.
    pub left_out: Vec<LeftOut>,
}

impl Enclosed {
    /// Takes files in their order as long as there is room; a smaller one behind a big one may still fit. `found` is each
    /// file's size and bytes as far as they could be had, else why not; absent where the run has no such file.
    pub fn pack<'a>(
        wanted: impl IntoIterator<Item = (&'a str, Option<Result<Vec<u8>, String>>)>,
        bytes_max: u64,
    ) -> Self {
        let mut packed = Self::default();
        let mut room = bytes_max;
        for (name, found) in wanted {
            match found {
                None => {}
                Some(Ok(bytes)) if bytes.len() as u64 <= room => {
                    room -= bytes.len() as u64;
                    packed.files.push(Attachment { name: name.to_owned(), bytes });
                }
                Some(Ok(bytes)) => {
                    let (size, most) = (megabytes(bytes.len() as u64), megabytes(bytes_max));
                    let why = format!("it has {size}, and all attachments may have {most}");
                    packed.left_out.push(LeftOut { name: name.to_owned(), why });
                }
                Some(Err(why)) => packed.left_out.push(LeftOut { name: name.to_owned(), why }),
            }
        }
        packed
    }
}

fn megabytes(bytes: u64) -> String {
    if bytes >= 100_000 {
        format!("{:.1} MB", bytes as f64 / 1e6)
    } else {
        format!("{:.1} kB", bytes as f64 / 1e3)
    }
}

/// A mail, but for whom it is from and to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its subject: one line of names and figures.
    pub subject: String,
    /// What it says, as text.
    pub text: String,
    /// The same as a page, shorter.
    pub html: String,
    /// What goes with it.
    pub files: Vec<Attachment>,
}

/// One line in the page.
#[derive(Serialize)]
struct Row {
    line: String,
    site: String,
    number: String,
    fault: String,
    note: String,
    detail: String,
}

#[derive(Serialize)]
struct Section {
    title: String,
    colour: &'static str,
    advice: Option<&'static str>,
    rows: Vec<Row>,
    more: usize,
}

/// What the page shows.
#[derive(Serialize, Default)]
struct Page<'a> {
    title: String,
    plan: &'a str,
    run: &'a str,
    host: &'a str,
    rehearsal: bool,
    headline: &'a str,
    span: String,
    counts: Vec<Count>,
    compared: bool,
    news: Vec<Section>,
    sections: Vec<Section>,
    modems: Vec<String>,
    notices: Vec<String>,
    enclosure: &'a str,
}

#[derive(Serialize)]
struct Count {
    word: &'static str,
    lines: u64,
    colour: &'static str,
}

/// Dark enough on white, and behind a white sign, for everybody (WCAG AA).
const fn colour(result: Verdict) -> &'static str {
    match result {
        Verdict::Pass => "#1a6b2f",
        Verdict::Degraded => "#8a5300",
        Verdict::Fail => "#b3121d",
        Verdict::Untested => "#6b3fa0",
    }
}

impl Letter {
    /// The mail at a run's end.
    pub fn of_run(context: &Context, state: &RunState, enclosed: Enclosed) -> Self {
        let headline = headline(state);
        let enclosure = enclosure(context, &enclosed);
        let mut text = String::new();
        let _ = writeln!(text, "{}: {headline}\n", context.plan);
        let summary = summary::text(state, &[], Style { colour: false, width: WIDTH });
        let cut = cut(&summary, TEXT_BYTES_MAX);
        text.push_str(cut);
        if cut.len() < summary.len() {
            text.push_str("\n... the rest is too long for a mail; lines.csv has every line.\n");
        }
        let _ = write!(text, "\n{enclosure}");
        let html = page(&Page {
            span: span(state),
            counts: counts(state),
            compared: state.has_past(),
            news: news(state),
            sections: sections(state),
            modems: modems(state),
            notices: state.notices().iter().map(|(_, text)| safe_line(text)).take(NAMED_MAX).collect(),
            enclosure: &enclosure,
            ..head(context, &headline)
        });
        Self { subject: subject(context, &headline), text, html, files: enclosed.files }
    }

    /// The mail of a run whose record could not be kept.
    pub fn of_breakdown(context: &Context, why: &str) -> Self {
        let headline = broken(why);
        let why: Vec<String> = why.lines().map(safe_line).collect();
        let (plan, run, host) = (&context.plan, &context.run, &context.host);
        let text = format!("{plan}: {headline}\n\nRun {run} on {host}:\n  {}\n", why.join("\n  "));
        let html = page(&Page { notices: why, ..head(context, &headline) });
        Self { subject: subject(context, &headline), text, html, files: Vec::new() }
    }
}

fn head<'a>(context: &'a Context, headline: &'a str) -> Page<'a> {
    Page {
        title: format!("{}: {headline}", context.plan),
        plan: context.plan.as_str(),
        run: context.run.as_str(),
        host: &context.host,
        rehearsal: context.rehearsal,
        headline,
        ..Page::default()
    }
}

fn subject(context: &Context, headline: &str) -> String {
    const CHARS_MAX: usize = 180;
    let rehearsal = if context.rehearsal { "[rehearsal] " } else { "" };
    let subject = safe_line(&format!("{rehearsal}lineman {}: {headline}", context.plan));
    subject.chars().take(CHARS_MAX).collect()
}

/// Whole lines, as many as fit.
fn cut(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind('\n').map_or(0, |at| at + 1);
    &text[..end]
}

fn enclosure(context: &Context, enclosed: &Enclosed) -> String {
    let mut said = String::new();
    if !enclosed.files.is_empty() {
        let names: Vec<&str> = enclosed.files.iter().map(|file| file.name.as_str()).collect();
        let _ = writeln!(said, "Attached: {}.", names.join(", "));
    }
    for file in &enclosed.left_out {
        let _ = writeln!(said, "Not attached: {}: {}.", file.name, safe_line(&file.why));
    }
    let _ = writeln!(said, "All files of this run: {} on {}.", safe_line(&context.folder), context.host);
    said
}

fn span(state: &RunState) -> String {
    match state.ended() {
        Some((_, ended)) => format!("{:.0} to {ended:.0}", state.started()),
        None => format!("from {:.0}", state.started()),
    }
}

fn counts(state: &RunState) -> Vec<Count> {
    let of = |result: Verdict| Count {
        word: result.word(),
        lines: state.counts().of(result),
        colour: colour(result),
    };
    [Verdict::Fail, Verdict::Degraded, Verdict::Untested, Verdict::Pass].map(of).into()
}

/// What changed, as rows.
fn news(state: &RunState) -> Vec<Section> {
    let changes = state.changes();
    let told = [
        (Change::NewFailure, "New failures", Verdict::Fail),
        (Change::NewlyDegraded, "Newly degraded", Verdict::Degraded),
        (Change::Recovered, "Recovered", Verdict::Pass),
        (Change::Flapping, "Flapping", Verdict::Degraded),
        (Change::Stale, "Stale: not tested for long", Verdict::Untested),
        (Change::NewLine, "New in the plan", Verdict::Pass),
        (Change::GoneLine, "Gone from the plan", Verdict::Untested),
    ];
    let section = |(change, title, like): (Change, &str, Verdict)| {
        let lines = changes.lines(change);
        let rows = lines.iter().take(NAMED_MAX).map(|changed| {
            let fault = changed.now.and_then(|now| now.fault);
            let was = changed.last.as_ref().map(|last| {
                let was = last.fault.map_or(Verdict::Pass.word(), Fault::code);
                format!("was {was} since {}", last.since.strftime("%F"))
            });
            row(state, &changed.line, fault, was.unwrap_or_default())
        });
        let more = lines.len().saturating_sub(NAMED_MAX);
        let title = format!("{title}: {}", lines.len());
        Section { title, colour: colour(like), advice: None, rows: rows.collect(), more }
    };
    told.into_iter().map(section).filter(|section| !section.rows.is_empty()).collect()
}

/// What is not well, by fault, each with what to do.
fn sections(state: &RunState) -> Vec<Section> {
    let mut sections = Vec::new();
    // What fails stands first: a mail may not be read to its end.
    for result in [Verdict::Fail, Verdict::Degraded, Verdict::Untested] {
        let of_result = |fault: &Fault| fault.verdict() == result;
        for fault in Blame::ALL.into_iter().flat_map(|blame| {
            Fault::ALL.into_iter().filter(of_result).filter(move |fault| fault.blame() == blame)
        }) {
            let is_it = |known: &crate::report::LineState| {
                known.verdict.as_ref().is_some_and(|verdict| verdict.fault == Some(fault))
            };
            let lines: Vec<_> = state.lines().filter(|(_, known)| is_it(known)).collect();
            if lines.is_empty() {
                continue;
            }
            let rows = lines.iter().take(NAMED_MAX).map(|(line, _)| {
                let mark = state.changed(&line.id).and_then(|changed| news::mark(&changed));
                row(state, &line.id, Some(fault), mark.unwrap_or_default())
            });
            sections.push(Section {
                title: format!("{fault} ({result}, {}): {}", fault.blame(), lines.len()),
                colour: colour(fault.verdict()),
                advice: Some(fault.advice()),
                rows: rows.collect(),
                more: lines.len().saturating_sub(NAMED_MAX),
            });
        }
    }
    sections
}

fn row(state: &RunState, id: &crate::model::LineId, fault: Option<Fault>, note: String) -> Row {
    let known = state.line(id);
    let site = known.map(|(line, _)| line.site.as_str()).filter(|site| *site != id.as_str());
    let verdict = known.and_then(|(_, known)| known.verdict.as_ref());
    Row {
        line: id.to_string(),
        site: site.unwrap_or_default().to_owned(),
        number: known.map(|(line, _)| line.number.to_string()).unwrap_or_default(),
        fault: fault.map_or(Verdict::Pass.word(), Fault::code).to_owned(),
        note,
        detail: verdict.map(|verdict| safe_line(&verdict.detail)).unwrap_or_default(),
    }
}

fn modems(state: &RunState) -> Vec<String> {
    let troubled = state.modems().iter().filter(|m| matches!(m.health(), Health::Troubled | Health::Bad));
    let told = troubled.map(|modem| {
        let at = modem.state.map_or("never set up", |told| told.word());
        let detail = match safe_line(&modem.detail) {
            detail if detail.is_empty() => detail,
            detail => format!(": {detail}"),
        };
        format!("{} ({}): {at}{detail}", modem.header.id, safe_line(&modem.header.port))
    });
    told.take(NAMED_MAX).collect()
}

/// The page; its name ends with `.html`, so everything that is put into it is escaped.
fn page(page: &Page<'_>) -> String {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // The template is part of the program, and a test renders it; a mail without its alternative says all as well.
    let told = templates
        .add_template("letter.html", PAGE)
        .and_then(|()| templates.get_template("letter.html"))
        .and_then(|template| template.render(Serde(page)));
    told.unwrap_or_default()
}

#[cfg(test)]
mod tests;
