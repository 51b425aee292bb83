//! What a hook is told: one JSON object, and the same few words as variables of a command's environment.
//!
//! `reports/schemas/hook.schema.json` is its published form. `text` is for chats: it holds nothing that a far end said, so
//! that no console can call a channel together.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::digest::{Batch, Failure, Withdrawn};
use super::occasion::new_failure;
use super::options::Limits;
use crate::model::changes::Change;
use crate::model::event::Ending;
use crate::model::{Blame, Fault, PlanName, RunId, Verdict};
use crate::report::{LineCounts, RunState, exit_code, safe_line};

/// Version of the object. Keys are only ever added.
pub const SCHEMA: u32 = 1;

/// Longest detail of one line in characters.
const DETAIL_CHARS_MAX: usize = 500;

/// What every message says of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanName,
    /// Our host.
    pub host: String,
    /// Where its files are.
    pub folder: String,
    /// It is sent to try the way.
    pub rehearsal: bool,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Lines began to fail, or are taken back; the run goes on.
    NewFailures,
    /// The run has ended.
    RunEnded,
    /// The run's record could not be kept or written: what it found may be lost.
    RunBroken,
}

impl Topic {
    /// The word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NewFailures => "new-failures",
            Self::RunEnded => "run-ended",
            Self::RunBroken => "run-broken",
        }
    }
}

#[derive(Serialize)]
struct Object<'a> {
    schema: u32,
    event: Topic,
    text: &'a str,
    rehearsal: bool,
    lineman: &'static str,
    host: &'a str,
    plan: &'a str,
    run: &'a str,
    folder: &'a str,
    failures: &'a [Failing],
    failures_more: usize,
    withdrawn: &'a [Back],
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
}

#[derive(Serialize)]
struct Failing {
    line: String,
    site: String,
    number: String,
    result: Verdict,
    fault: Fault,
    blame: Blame,
    detail: String,
    advice: &'static str,
    at: Option<String>,
}

#[derive(Serialize)]
struct Back {
    line: String,
    why: String,
}

/// What is told of a run's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Ended {
    started: String,
    finished: Option<String>,
    ending: Option<Ending>,
    exit_code: u8,
    lines: LineCounts,
    calls: u64,
    compared: bool,
    new_failures: u64,
    newly_degraded: u64,
    recovered: u64,
    still_failing: u64,
}

/// A message for a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What about.
    pub topic: Topic,
    /// The same in a line or a few, for a chat.
    pub text: String,
    /// The object, one line.
    pub json: String,
    /// What a command finds in its environment.
    pub variables: Vec<(&'static str, String)>,
}

impl Message {
    /// New failures while a run goes on.
    pub fn of_batch(context: &Context, batch: &Batch, limits: &Limits) -> Self {
        let mut text = format!("lineman {}: {}", context.plan, new_failures(batch.failures.len()));
        name_lines(
            &mut text,
            batch.failures.iter().map(|failure| (failure, failure.fault)),
            limits.max_lines,
        );
        if !batch.withdrawn.is_empty() {
            let lines: Vec<&str> =
                batch.withdrawn.iter().take(limits.max_lines).map(|back| back.line.as_str()).collect();
            let _ = write!(text, "\nwithdrawn, since our own modem was at fault: {}", lines.join(", "));
            let more = batch.withdrawn.len() - lines.len();
            if more > 0 {
                let _ = write!(text, " and {more} more");
            }
        }
        let failures: Vec<Failing> = batch.failures.iter().take(limits.max_lines).map(line).collect();
        let withdrawn: Vec<Back> = batch.withdrawn.iter().take(limits.max_lines).map(back).collect();
        Self::of(context, Topic::NewFailures, text, &failures, batch.failures.len(), &withdrawn, None)
    }

    /// The end of a run.
    pub fn of_end(context: &Context, state: &RunState, max_lines: usize) -> Self {
        let counts = state.counts();
        let changes = state.changes();
        let code = exit_code(state);
        let mut text = format!("lineman {}: {}", context.plan, headline(state));
        let new = new_in(state);
        name_lines(&mut text, new.iter().map(|failure| (failure, failure.fault)), max_lines);
        let failures: Vec<Failing> = new.iter().take(max_lines).map(line).collect();
        let ended = Ended {
            started: stamp(state.started()),
            finished: state.ended().map(|(_, at)| stamp(at)),
            ending: state.ended().map(|(ending, _)| ending),
            exit_code: code,
            lines: counts.into(),
            calls: state.calls_ended(),
            compared: state.has_past(),
            new_failures: new.len() as u64,
            newly_degraded: changes.count(Change::NewlyDegraded),
            recovered: changes.count(Change::Recovered),
            still_failing: changes.count(Change::StillFailing),
        };
        let mut message = Self::of(context, Topic::RunEnded, text, &failures, new.len(), &[], Some(ended));
        message.variables.extend([
            ("LINEMAN_EXIT_CODE", code.to_string()),
            ("LINEMAN_PASS", counts.pass.to_string()),
            ("LINEMAN_DEGRADED", counts.degraded.to_string()),
            ("LINEMAN_FAIL", counts.fail.to_string()),
            ("LINEMAN_UNTESTED", counts.untested.to_string()),
        ]);
        message
    }

    /// A run whose record could not be kept.
    pub fn of_breakdown(context: &Context, why: &str) -> Self {
        let text = format!("lineman {}: {}", context.plan, broken(why));
        Self::of(context, Topic::RunBroken, text, &[], 0, &[], None)
    }

    fn of(
        context: &Context,
        topic: Topic,
        text: String,
        failures: &[Failing],
        failures_all: usize,
        withdrawn: &[Back],
        ended: Option<Ended>,
    ) -> Self {
        let text = if context.rehearsal { format!("[rehearsal] {text}") } else { text };
        let object = Object {
            schema: SCHEMA,
            event: topic,
            text: &text,
            rehearsal: context.rehearsal,
            lineman: env!("CARGO_PKG_VERSION"),
            host: &context.host,
            plan: context.plan.as_str(),
            run: context.run.as_str(),
            folder: &context.folder,
            failures,
            failures_more: failures_all - failures.len(),
            withdrawn,
            ended,
        };
        // Texts, numbers and lists: there is nothing in it that JSON could not say.
        let json = serde_json::to_string(&object).unwrap_or_default();
        let named: Vec<&str> = failures.iter().map(|line| line.line.as_str()).collect();
        let variables = vec![
            ("LINEMAN_EVENT", topic.word().to_owned()),
            ("LINEMAN_TEXT", text.clone()),
            ("LINEMAN_REHEARSAL", context.rehearsal.to_string()),
            ("LINEMAN_HOST", context.host.clone()),
            ("LINEMAN_PLAN", context.plan.to_string()),
            ("LINEMAN_RUN", context.run.to_string()),
            ("LINEMAN_FOLDER", context.folder.clone()),
            ("LINEMAN_NEW_FAILURES", failures_all.to_string()),
            ("LINEMAN_LINES", named.join(" ")),
        ];
        Self { topic, text, json, variables }
    }
}

/// The lines that began to fail in a run; without a past to compare with, all that fail.
pub fn new_in(state: &RunState) -> Vec<Failure> {
    state.lines().filter_map(|(line, _)| new_failure(state, &line.id)).collect()
}

/// The run in a line: what is new, then the counts; or that there is little to be read from it.
pub(super) fn headline(state: &RunState) -> String {
    use crate::report::outcome::{COULD_NOT_JUDGE, INTERRUPTED};
    let counts = state.counts();
    let mut parts = Vec::new();
    match exit_code(state) {
        INTERRUPTED if state.ended().is_none() => parts.push("NOT ENDED".to_owned()),
        INTERRUPTED => parts.push("INTERRUPTED".to_owned()),
        COULD_NOT_JUDGE => parts.push("COULD NOT JUDGE any line: our own side is at fault".to_owned()),
        _ => {}
    }
    if state.has_past() {
        let changes = state.changes();
        parts.push(new_failures(usize::try_from(changes.count(Change::NewFailure)).unwrap_or(usize::MAX)));
        for (change, what) in [(Change::NewlyDegraded, "newly degraded"), (Change::Recovered, "recovered")] {
            match changes.count(change) {
                0 => {}
                count => parts.push(format!("{count} {what}")),
            }
        }
    }
    parts.push(format!("{} fail", counts.fail));
    for (count, what) in [(counts.degraded, "degraded"), (counts.untested, "untested"), (counts.left, "left")]
    {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.push(format!("{} pass", counts.pass));
    parts.join(", ")
}

/// That a run's record could not be kept, in a sentence.
pub(super) fn broken(why: &str) -> String {
    let first = why.lines().next().unwrap_or_default();
    format!("the run BROKE DOWN: {}", safe_line(first))
}

fn new_failures(count: usize) -> String {
    match count {
        0 => "no new failure".to_owned(),
        1 => "1 new failure".to_owned(),
        count => format!("{count} new failures"),
    }
}

fn name_lines<'a>(text: &mut String, lines: impl Iterator<Item = (&'a Failure, Fault)>, max: usize) {
    let mut more = 0;
    for (index, (failure, fault)) in lines.enumerate() {
        if index >= max {
            more += 1;
            continue;
        }
        let site = match failure.site.as_str() {
            site if site == failure.line.as_str() => String::new(),
            site => format!(" (site {site})"),
        };
        let _ = write!(text, "\n{}{site}: {fault}: {}", failure.line, fault.advice());
    }
    if more > 0 {
        let _ = write!(text, "\nand {more} more");
    }
}

fn line(failure: &Failure) -> Failing {
    let detail = safe_line(&failure.detail).chars().take(DETAIL_CHARS_MAX).collect();
    Failing {
        line: failure.line.to_string(),
        site: failure.site.to_string(),
        number: failure.number.to_string(),
        result: failure.fault.verdict(),
        fault: failure.fault,
        blame: failure.fault.blame(),
        detail,
        advice: failure.fault.advice(),
        at: Some(stamp(failure.at)),
    }
}

fn back(withdrawn: &Withdrawn) -> Back {
    let why = safe_line(&withdrawn.why).chars().take(DETAIL_CHARS_MAX).collect();
    Back { line: withdrawn.line.to_string(), why }
}

fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests;
