//! A run as JUnit XML, for what shows and counts results: a line is a test case, its site the class.
//!
//! `fail` is a failure; `untested` is skipped where the plan's rules or the user left the line out, and an error where our
//! own side kept us from judging it; `degraded` is a case that passed, with words in its output. The structure is that of
//! `reports/schemas/junit.xsd`.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::render::TRANSCRIPTS;
use super::{LineState, ReportError, RunState, SCHEMA, cell, exit_code, transcript};
use crate::model::event::Ending;
use crate::model::{Blame, CallRecord, Fault, Line, Verdict};

/// What a case says of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It passed, or it is degraded: then there is a fault.
    Passed(Option<Fault>),
    /// It failed.
    Failed(Fault),
    /// Our side kept us from judging it.
    Errored(Fault),
    /// It was not to be tested; without a fault, it has no verdict yet.
    Skipped(Option<Fault>),
}

impl Outcome {
    fn of(known: &LineState) -> Self {
        let Some(verdict) = &known.verdict else { return Self::Skipped(None) };
        let Some(fault) = verdict.fault else { return Self::Passed(None) };
        match (fault.verdict(), fault.blame()) {
            (Verdict::Pass | Verdict::Degraded, _) => Self::Passed(Some(fault)),
            (Verdict::Fail, _) => Self::Failed(fault),
            (Verdict::Untested, Blame::Policy) => Self::Skipped(Some(fault)),
            (Verdict::Untested, _) => Self::Errored(fault),
        }
    }
}

/// How many cases came to what.
#[derive(Debug, Default)]
struct Sums {
    failures: u64,
    errors: u64,
    skipped: u64,
    degraded: u64,
    time: Duration,
}

impl Sums {
    fn of(state: &RunState) -> Self {
        let mut sums = Self::default();
        for (_, known) in state.lines() {
            let slot = match Outcome::of(known) {
                Outcome::Passed(None) => None,
                Outcome::Passed(Some(_)) => Some(&mut sums.degraded),
                Outcome::Failed(_) => Some(&mut sums.failures),
                Outcome::Errored(_) => Some(&mut sums.errors),
                Outcome::Skipped(_) => Some(&mut sums.skipped),
            };
            if let Some(count) = slot {
                *count += 1;
            }
            sums.time += busy(known);
        }
        sums
    }
}

/// The run as JUnit XML.
///
/// # Errors
/// It has no XML form: a defect.
pub fn bytes(state: &RunState) -> Result<Vec<u8>, ReportError> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    document(&mut xml, state).map_err(ReportError::Xml)?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

type Out = Writer<Vec<u8>>;

fn document(xml: &mut Out, state: &RunState) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites").write_inner_content(|xml| suite(xml, state))?;
    Ok(())
}

fn suite(xml: &mut Out, state: &RunState) -> io::Result<()> {
    let sums = Sums::of(state);
    let header = state.header();
    // The schema that is used most knows no zone here; `started` among the properties has it.
    let timestamp = state.started().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    xml.create_element("testsuite")
        .with_attribute(("name", header.plan.as_str()))
        .with_attribute(("package", "lineman"))
        .with_attribute(("id", "0"))
        .with_attribute(("tests", header.lines.len().to_string().as_str()))
        .with_attribute(("failures", sums.failures.to_string().as_str()))
        .with_attribute(("errors", sums.errors.to_string().as_str()))
        .with_attribute(("skipped", sums.skipped.to_string().as_str()))
        .with_attribute(("time", seconds(sums.time).as_str()))
        .with_attribute(("timestamp", timestamp.as_str()))
        .with_attribute(("hostname", header.bank.as_str()))
        .write_inner_content(|xml| {
            properties(xml, state, &sums)?;
            for (line, known) in state.lines() {
                case(xml, state, line, known)?;
            }
            let notices: Vec<String> =
                state.notices().iter().map(|(at, text)| format!("{at:.3} {}", clean(text))).collect();
            text(xml, "system-out", &notices.join("\n"))?;
            text(xml, "system-err", "")
        })?;
    Ok(())
}

/// What is known of the run as a whole.
fn properties(xml: &mut Out, state: &RunState, sums: &Sums) -> io::Result<()> {
    let header = state.header();
    let ended = state.ended();
    let ending = ended.map(|(ending, _)| match ending {
        Ending::Completed => "completed",
        Ending::Interrupted => "interrupted",
    });
    let all = [
        ("schema", Some(SCHEMA.to_string())),
        ("run", Some(header.run.to_string())),
        ("plan", Some(header.plan.to_string())),
        ("bank", Some(header.bank.to_string())),
        ("lineman", Some(header.sitting.lineman.clone())),
        ("started", Some(format!("{:.3}", state.started()))),
        ("finished", ended.map(|(_, at)| format!("{at:.3}"))),
        ("ending", ending.map(str::to_owned)),
        ("exit_code", ended.map(|_| exit_code(state).to_string())),
        ("degraded", Some(sums.degraded.to_string())),
    ];
    xml.create_element("properties").write_inner_content(|xml| {
        for (name, value) in all.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))) {
            xml.create_element("property")
                .with_attribute(("name", name))
                .with_attribute(("value", clean(value).as_str()))
                .write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn case(xml: &mut Out, state: &RunState, line: &Line, known: &LineState) -> io::Result<()> {
    // The last dot parts the class from its package.
    let class = format!("{}.{}", state.header().plan, line.site.as_str().replace('.', "_"));
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", line.id.as_str()))
        .with_attribute(("time", seconds(busy(known)).as_str()));
    match Outcome::of(known) {
        Outcome::Passed(None) => element.write_empty()?,
        Outcome::Passed(Some(fault)) => element.write_inner_content(|xml| {
            text(xml, "system-out", &format!("{}\n{}", message(fault, known), body(line, known, fault)))
        })?,
        Outcome::Failed(fault) => {
            element.write_inner_content(|xml| finding(xml, "failure", line, known, fault))?
        }
        Outcome::Errored(fault) => {
            element.write_inner_content(|xml| finding(xml, "error", line, known, fault))?
        }
        Outcome::Skipped(fault) => element.write_inner_content(|xml| {
            let why = fault.map_or_else(|| "no verdict yet".to_owned(), |fault| message(fault, known));
            xml.create_element("skipped")
                .with_attribute(("type", fault.map_or("no-verdict", Fault::code)))
                .with_attribute(("message", why.as_str()))
                .write_empty()?;
            Ok(())
        })?,
    };
    Ok(())
}

fn finding(xml: &mut Out, kind: &str, line: &Line, known: &LineState, fault: Fault) -> io::Result<()> {
    xml.create_element(kind)
        .with_attribute(("type", fault.code()))
        .with_attribute(("message", message(fault, known).as_str()))
        .write_text_content(BytesText::new(&body(line, known, fault)))?;
    Ok(())
}

/// `fail busy (blame: far-line): BUSY after 4.0 s`.
fn message(fault: Fault, known: &LineState) -> String {
    let detail = known.verdict.as_ref().map_or("", |verdict| verdict.detail.as_str());
    let colon = if detail.is_empty() { "" } else { ": " };
    format!("{} {fault} (blame: {}){colon}{}", fault.verdict(), fault.blame().word(), clean(detail))
}

/// What to do, and where to look.
fn body(line: &Line, known: &LineState, fault: Fault) -> String {
    let mut body = format!("advice: {}\nnumber: {}\n", fault.advice(), line.number);
    let mut calls: Vec<&CallRecord> = known.calls.iter().collect();
    calls.sort_by_key(|call| call.attempt);
    for call in calls {
        let found = call.fault.map_or(Verdict::Pass.word(), Fault::code);
        let colon = if call.detail.is_empty() { "" } else { ": " };
        let decided = if known.deciding().is_some_and(|by| by.call == call.call) { " (decided)" } else { "" };
        let (attempt, modem) = (call.attempt, &call.modem);
        let _ = writeln!(
            body,
            "call {attempt}: {:.3} on {modem}, {found}{decided}{colon}{}",
            call.started,
            clean(&call.detail)
        );
    }
    for call in &known.transcripts {
        let _ = writeln!(body, "transcript: {TRANSCRIPTS}/{}", transcript::file_name(call));
    }
    for why in &known.withdrawn {
        let _ = writeln!(body, "an earlier verdict was withdrawn: {}", clean(why));
    }
    body
}

fn text(xml: &mut Out, element: &str, text: &str) -> io::Result<()> {
    xml.create_element(element).write_text_content(BytesText::new(text))?;
    Ok(())
}

/// How long our modems were taken by a line: 0 where it was not called.
fn busy(known: &LineState) -> Duration {
    let of = |call: &CallRecord| {
        let mut marks = call.timeline.iter().map(|(_, mark)| mark.at);
        let first = marks.next()?;
        Some(marks.last()?.since(first))
    };
    known.calls.iter().filter_map(of).sum()
}

/// With a point and no more, as the schemas have it.
fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

/// Text that XML 1.0 can hold, on one line: two characters that it cannot hold show nothing to people, and are no controls.
fn clean(text: &str) -> String {
    cell::one_line(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests;
