//! A run as passive check results: what it found of each line, and how it went itself, in the forms that Nagios and Icinga
//! take.
//!
//! A line that was left out by choice has no result, so that it keeps the state that it had: a run of one branch by day
//! clears no alarm and raises none. That a line is not tested for days is found by the monitor's own freshness limit.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{Figure, Status, cut, figures, plain, words, written};
use crate::model::event::Ending;
use crate::model::{Line, PlanName, Verdict};
use crate::report::RunState;
use crate::report::finding::Finding;
use crate::report::outcome::{COULD_NOT_JUDGE, exit_code};

/// Bytes of a result's text: the oldest receivers that are in use take 511, with the figures.
const TEXT_MAX: usize = 350;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Lines of the external command file: `[time] PROCESS_SERVICE_CHECK_RESULT;host;service;state;text`.
    Command,
    /// Lines with tabs, as `send_nsca` and `send_nrdp` read them.
    Nsca,
    /// A JSON object a line, each the body of Icinga's action `process-check-result`.
    Icinga,
}

/// A name with places for what is known of a line: `{site}`, `{line}`, `{hostname}`, `{plan}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Site,
    Line,
    Hostname,
    Plan,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing.
    #[error("is empty")]
    Empty,
    /// What no name of a host or service may hold.
    #[error("holds {0:?}, which no name of a host or service may hold")]
    Character(char),
    /// A brace without its place.
    #[error("has a place that is not known: `{0}`; {{site}}, {{line}}, {{hostname}} and {{plan}} are")]
    Place(String),
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        // What Nagios calls illegal in object names, and what would end a field or a line.
        if let Some(bad) = text.chars().find(|&c| c.is_control() || "`~!$%^&*|'\"<>?,()=;\\".contains(c)) {
            return Err(TemplateError::Character(bad));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, place) = rest.split_at(open);
            let end = place.find('}').filter(|_| place.starts_with('{'));
            let end = end.ok_or_else(|| TemplateError::Place(place.to_owned()))?;
            let (place, after) = place.split_at(end + 1);
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(match place {
                "{site}" => Piece::Site,
                "{line}" => Piece::Line,
                "{hostname}" => Piece::Hostname,
                "{plan}" => Piece::Plan,
                other => return Err(TemplateError::Place(other.to_owned())),
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        if pieces.is_empty() { Err(TemplateError::Empty) } else { Ok(Self(pieces)) }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Site => f.write_str("{site}"),
            Piece::Line => f.write_str("{line}"),
            Piece::Hostname => f.write_str("{hostname}"),
            Piece::Plan => f.write_str("{plan}"),
        })
    }
}

impl Template {
    /// The name for a line; absent where it needs a hostname and the plan has none.
    pub fn name(&self, plan: &PlanName, line: &Line) -> Option<String> {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Site => Some(line.site.to_string()),
            Piece::Line => Some(line.id.to_string()),
            Piece::Hostname => line.hostname.as_ref().map(ToString::to_string),
            Piece::Plan => Some(plan.to_string()),
        };
        self.0.iter().map(piece).collect()
    }
}

/// How results are named, which there are, and how they are written.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How they are written.
    pub form: Form,
    /// The host of each line's result.
    pub host: Template,
    /// Its service.
    pub service: Template,
    /// The host, and the service `lineman PLAN`, that gets a result of how the run itself went.
    pub run_host: Option<String>,
    /// Lines too that were left out by choice; they are UNKNOWN.
    pub all: bool,
}

/// Lines whose name could not be put together: the plan gives them no hostname.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{template}` needs a hostname, and the plan has none for {}", named(.lines))]
pub struct Nameless {
    /// What needs it.
    pub template: String,
    /// Which.
    pub lines: Vec<String>,
}

fn named(lines: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = lines.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match lines.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// One result.
struct Outcome {
    host: String,
    service: String,
    at_s: i64,
    status: Status,
    text: String,
    advice: Option<String>,
    figures: Vec<Figure>,
}

#[derive(Serialize)]
struct IcingaResult<'a> {
    r#type: &'static str,
    service: String,
    exit_status: u8,
    plugin_output: String,
    performance_data: Vec<String>,
    check_source: &'a str,
    execution_start: i64,
    execution_end: i64,
}

/// The results of a run that has judged its lines, in the order of the plan; that of the run last.
///
/// # Errors
/// Names that can't be put together.
pub fn results(state: &RunState, asked: &Asked) -> Result<String, Nameless> {
    let plan = &state.header().plan;
    for template in [&asked.host, &asked.service] {
        let nameless: Vec<String> = Finding::all(state)
            .filter(|finding| template.name(plan, finding.line).is_none())
            .map(|finding| finding.line.id.to_string())
            .collect();
        if !nameless.is_empty() {
            return Err(Nameless { template: template.to_string(), lines: nameless });
        }
    }
    let of_lines =
        Finding::all(state).filter(|finding| asked.all || !finding.is_left_out()).filter_map(|finding| {
            let fault = finding.verdict.fault;
            Some(Outcome {
                host: asked.host.name(plan, finding.line)?,
                service: asked.service.name(plan, finding.line)?,
                at_s: finding.judged.as_second(),
                status: Status::of(finding.result()),
                text: format!("{} {}", finding.line.id, words(fault, &finding.verdict.detail)),
                advice: fault.map(|fault| plain(fault.advice())),
                figures: figures(&finding),
            })
        });
    let of_run = asked.run_host.as_ref().and_then(|host| of_run(state, host));
    Ok(of_lines.chain(of_run).map(|outcome| written_as(asked.form, &outcome, state)).collect())
}

/// How the run itself went: OK once it could judge, whatever it found.
fn of_run(state: &RunState, host: &str) -> Option<Outcome> {
    let (ending, at) = state.ended()?;
    let (status, word) = match (ending, exit_code(state)) {
        (Ending::Interrupted, _) => (Status::Warning, "was interrupted"),
        (Ending::Completed, COULD_NOT_JUDGE) => (Status::Critical, "could not judge any line"),
        (Ending::Completed, _) => (Status::Ok, "completed"),
    };
    let counts = Verdict::ALL.map(|result| (result.word(), state.counts().of(result)));
    let told = counts.map(|(word, count)| format!("{count} {word}")).join(", ");
    Some(Outcome {
        host: host.to_owned(),
        service: format!("lineman {}", state.header().plan),
        at_s: at.as_second(),
        status,
        text: format!("run {} {word}: {told}", state.header().run),
        advice: None,
        figures: counts.map(|(word, count)| Figure::count(word, count)).to_vec(),
    })
}

fn written_as(form: Form, outcome: &Outcome, state: &RunState) -> String {
    let Outcome { host, service, at_s, status, text, advice, figures } = outcome;
    let code = status.code();
    let text = cut(&format!("{} - {text}", status.word()), TEXT_MAX);
    let figures = written(figures);
    match form {
        // A further line of output is written as a backslash and an n there.
        Form::Command => {
            let advice = advice.as_ref().map_or(String::new(), |advice| format!("\\n{advice}"));
            format!(
                "[{at_s}] PROCESS_SERVICE_CHECK_RESULT;{host};{service};{code};{text}|{figures}{advice}\n"
            )
        }
        // Old receivers take neither further lines nor more than 511 bytes: figures go if there is no room for all.
        Form::Nsca => {
            let figures =
                if text.len() + figures.len() < 511 { format!("|{figures}") } else { String::new() };
            format!("{host}\t{service}\t{code}\t{text}{figures}\n")
        }
        Form::Icinga => {
            let result = IcingaResult {
                r#type: "Service",
                service: format!("{host}!{service}"),
                exit_status: code,
                plugin_output: advice
                    .as_ref()
                    .map_or_else(|| text.clone(), |advice| format!("{text}\n{advice}")),
                performance_data: figures.split_whitespace().map(ToOwned::to_owned).collect(),
                check_source: state.header().bank.as_str(),
                execution_start: *at_s,
                execution_end: *at_s,
            };
            serde_json::to_string(&result).map_or_else(|_| String::new(), |text| text + "\n")
        }
    }
}
