//! What `lineman report status` says: one line for the monitor, more behind it for people, and a state.
//!
//! The rule: a line that was to be tested and was not is UNKNOWN. Any other stands as it was found when it was tested
//! last, `pass` OK, `degraded` WARNING, `fail` CRITICAL, as long as that is no longer ago than the limit; then it is UNKNOWN:
//! an old finding, good or bad, says nothing of today. Of several lines the worst counts: CRITICAL, UNKNOWN, WARNING, OK.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use super::{Figure, Status, cut, figures, plain, words, written};
use crate::model::{Line, Verdict};
use crate::report::finding::Finding;
use crate::report::{LineState, RunState};

/// What stands before everything, so that a pager shows who speaks.
const SERVICE: &str = "LINEMAN";
/// Bytes that are given at most: Nagios reads 8 KiB of a plugin.
const BYTES_MAX: usize = 7_500;
/// Bytes of one line's text at most: a pager shows no more, and a far end writes parts of it.
const TEXT_MAX: usize = 400;

/// How a line stands now.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    line: &'a Line,
    finding: Option<Finding<'a>>,
    /// The state.
    pub status: Status,
    text: String,
    /// Since its last test, ms.
    age_ms: Option<u64>,
    advice: Option<&'static str>,
}

impl<'a> Standing<'a> {
    /// Of a line of a run, at `now`.
    pub fn of(line: &'a Line, known: &'a LineState, now: Timestamp, max_age: Duration) -> Self {
        let Some(finding) = Finding::of(line, known) else {
            let text = "the run has not judged it".to_owned();
            return Self { line, finding: None, status: Status::Unknown, text, age_ms: None, advice: None };
        };
        let fault = finding.verdict.fault;
        let tested = finding.tested();
        let age = tested.map(|tested| {
            // A clock that was set back makes nothing old.
            Duration::try_from(now.duration_since(tested.at)).unwrap_or(Duration::ZERO)
        });
        let ago = age.map_or(String::new(), |age| format!("{} ago", span(age)));
        let last = tested.map(|last| {
            let found =
                last.fault.map_or("pass".to_owned(), |fault| format!("{} ({fault})", fault.verdict()));
            format!("tested last {ago}: {found}")
        });
        let tonight = cut(&words(fault, &finding.verdict.detail), TEXT_MAX);
        let (status, text) = match (finding.result(), tested, age) {
            (Verdict::Untested, Some(last), Some(age)) if finding.is_left_out() => {
                let status = if age > max_age { Status::Unknown } else { Status::of(last.result()) };
                (status, format!("{}; the last run left it out ({tonight})", last_words(last.fault, &ago)))
            }
            (Verdict::Untested, _, _) => (
                Status::Unknown,
                format!("{tonight}; {}", last.unwrap_or_else(|| "it was never tested".to_owned())),
            ),
            (_, _, Some(age)) if age > max_age => (Status::Unknown, format!("{tonight}; {ago}")),
            (result, _, _) => (Status::of(result), format!("{tonight}; {ago}")),
        };
        let old = age.is_some_and(|age| age > max_age);
        let text = if old { format!("not tested within {}: {text}", span(max_age)) } else { text };
        let advice = match (fault, tested) {
            (Some(_), Some(last)) if finding.is_left_out() => last.fault.map(crate::model::Fault::advice),
            (fault, _) => fault.map(crate::model::Fault::advice),
        };
        let age_ms = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        Self { line, finding: Some(finding), status, text, age_ms, advice }
    }
}

fn last_words(fault: Option<crate::model::Fault>, ago: &str) -> String {
    format!("{}; {ago}", words(fault, ""))
}

/// A span in its largest unit, as people say it.
fn span(span: Duration) -> String {
    match span.as_secs() {
        s @ 0..=119 => format!("{s} s"),
        s @ 120..=7_199 => format!("{} min", s / 60),
        s @ 7_200..=172_799 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

/// What the plugin prints, and its state.
///
/// `about` is what was asked for, in a word: a line, a site or a plan; `runs` those that answered.
pub fn report(about: &str, lines: &[Standing<'_>], runs: &[&RunState]) -> (Status, String) {
    let status =
        lines.iter().map(|line| line.status).max_by_key(|status| status.weight()).unwrap_or(Status::Unknown);
    let mut out = String::new();
    let (head, figures) = match lines {
        [] => ("there is no line".to_owned(), Vec::new()),
        [line] => of_one(line),
        lines => of_many(about, lines),
    };
    let _ = write!(out, "{SERVICE} {} - {head}", status.word());
    if !figures.is_empty() {
        let _ = write!(out, " |{}", written(&figures));
    }
    out.push('\n');
    let runs: Vec<String> = runs
        .iter()
        .map(|run| {
            let ended = run.ended().map_or("has not ended".to_owned(), |(_, at)| format!("ended {at:.0}"));
            format!("run {} of plan {}, {ended}", run.header().run, run.header().plan)
        })
        .collect();
    let foot = runs.join("\n") + "\n";
    let mut left_out = 0;
    let mut said: Vec<&Standing<'_>> = lines.iter().filter(|line| line.status != Status::Ok).collect();
    said.sort_by_key(|line| std::cmp::Reverse(line.status.weight()));
    for line in said {
        let mut text = String::new();
        if lines.len() > 1 {
            let _ = writeln!(text, "{} {}: {}", line.status.word(), line.line.id, line.text);
        }
        if let Some(advice) = line.advice {
            let _ = writeln!(text, "{}{}", if lines.len() > 1 { "  " } else { "" }, plain(advice));
        }
        // Room for the foot, and for the sentence that says how many are missing.
        if out.len() + text.len() + foot.len() + 80 > BYTES_MAX {
            left_out += 1;
        } else {
            out.push_str(&text);
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "and {left_out} more that are not OK: ask for a site or a line");
    }
    out.push_str(&cut(&foot, 1_000));
    (status, out)
}

fn of_one(standing: &Standing<'_>) -> (String, Vec<Figure>) {
    let mut all: Vec<Figure> = Figure::seconds("age", standing.age_ms).into_iter().collect();
    all.extend(standing.finding.iter().flat_map(figures));
    (format!("{} {}", standing.line.id, standing.text), all)
}

fn of_many(about: &str, lines: &[Standing<'_>]) -> (String, Vec<Figure>) {
    let count = |status: Status| lines.iter().filter(|line| line.status == status).count() as u64;
    let counts = [
        ("critical", count(Status::Critical)),
        ("unknown", count(Status::Unknown)),
        ("warning", count(Status::Warning)),
        ("ok", count(Status::Ok)),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let mut head = format!("{about}: {} lines, {}", lines.len(), told.join(", "));
    let worst = lines.iter().filter(|line| line.status != Status::Ok).max_by_key(|line| line.status.weight());
    if let Some(worst) = worst {
        let _ = write!(head, "; {} {}", worst.line.id, worst.text);
    }
    let mut figures: Vec<Figure> = counts.iter().map(|(word, count)| Figure::count(word, *count)).collect();
    let oldest = lines.iter().filter_map(|line| line.age_ms).max();
    figures.extend(Figure::seconds("oldest", oldest));
    (head, figures)
}
