//! What changed, in words for people: what is new first and line by line, what everybody knows in one line a kind.

use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use super::RunState;
use super::live::lines_text;
use super::page::{Page, Paint};
use crate::model::before::FLAPPING_RUNS;
use crate::model::changes::{Change, Changed, Changes, Standing};
use crate::model::event::LineVerdict;
use crate::model::{Event, EventKind, Fault, LineBefore, LineId, Verdict};

/// Lines that are named of one kind; a telephone exchange that burnt down is told by its number.
const NAMED_MAX: usize = 20;
/// Lines that are named of a kind that everybody knows, because something else is wrong with them now.
const WORSE_MAX: usize = 5;

/// The lead of a run's summary.
pub(super) fn tonight(page: &mut Page, state: &RunState) {
    if !state.has_past() {
        page.line("");
        page.wrapped(0, "No earlier run knows a line of this plan: from the next one on, this page begins with what changed.");
        return;
    }
    let changes = state.changes();
    let against = changes.against.as_ref().map_or_else(|| "earlier runs".to_owned(), ToString::to_string);
    page.heading(&format!("What changed since {against}"));
    list(page, &changes);
}

/// What changed, below a heading that says against what.
pub fn list(page: &mut Page, changes: &Changes) {
    if changes.is_empty() {
        // One that comes and goes may have gone just now: that nothing began to fail would not be true of it.
        let moved = changes.lines(Change::Flapping).iter().any(Changed::has_turned);
        let words = if moved {
            "  nothing is new but of lines that come and go"
        } else {
            "  nothing is new: no line began to fail, and none recovered"
        };
        page.painted(words, (!moved).then_some(Paint::Green));
    }
    for change in Change::ALL {
        let Told::ByLine(what, paint) = told(change) else { continue };
        // Stale lines are told by name once: every night they are more of the same.
        let named = changes.lines(change).iter().filter(|line| change != Change::Stale || line.newly_stale());
        let named: Vec<&Changed> = named.collect();
        if !named.is_empty() {
            one_kind(page, what, paint, &named);
        }
    }
    let count = |change| match told(change) {
        Told::Counted(what) => (what, changes.count(change)),
        Told::ByLine(..) if change == Change::Stale => {
            let known = changes.lines(change).iter().filter(|line| !line.newly_stale());
            ("still stale", known.count() as u64)
        }
        Told::ByLine(what, _) => (what, 0),
    };
    let known = Change::ALL.map(count).into_iter().filter(|(_, count)| *count > 0);
    let known: Vec<String> = known.map(|(what, count)| format!("{what} {count}")).collect();
    if !known.is_empty() {
        page.hanging(2, 4, &format!("known already: {}", known.join(", ")));
    }
    let worse: Vec<&Changed> = [Change::StillFailing, Change::StillDegraded]
        .into_iter()
        .flat_map(|change| changes.lines(change))
        .filter(|line| line.other_before().is_some())
        .collect();
    for line in worse.iter().take(WORSE_MAX) {
        let (Some(now), Some(was)) = (line.fault(), line.other_before()) else { continue };
        page.hanging(4, 8, &format!("{} is {now} now, was {was}", line.line));
    }
    if worse.len() > WORSE_MAX {
        page.line(&format!("    and {} more with another fault than before", worse.len() - WORSE_MAX));
    }
}

/// What everybody knows, line by line: for whoever asks for it, and has no other list of it.
pub fn known(page: &mut Page, changes: &Changes) {
    for (change, what, paint) in [
        (Change::StillFailing, "still failing", Paint::Red),
        (Change::StillDegraded, "still degraded", Paint::Yellow),
    ] {
        let lines: Vec<&Changed> = changes.lines(change).iter().collect();
        if !lines.is_empty() {
            one_kind(page, what, paint, &lines);
        }
    }
}

enum Told {
    /// Line by line, under these words.
    ByLine(&'static str, Paint),
    /// By a number, with this word.
    Counted(&'static str),
}

const fn told(change: Change) -> Told {
    match change {
        Change::NewFailure => Told::ByLine("new failures", Paint::Red),
        Change::NewlyDegraded => Told::ByLine("newly degraded", Paint::Yellow),
        Change::Recovered => Told::ByLine("recovered", Paint::Green),
        Change::Flapping => Told::ByLine("flapping", Paint::Yellow),
        Change::Stale => Told::ByLine("stale from now on", Paint::Magenta),
        Change::NewLine => Told::ByLine("new lines", Paint::Bold),
        Change::GoneLine => Told::ByLine("gone lines", Paint::Bold),
        Change::StillFailing => Told::Counted("still failing"),
        Change::StillDegraded => Told::Counted("still degraded"),
        Change::Untested => Told::Counted("not tested"),
        Change::Same => Told::Counted("passed as before"),
    }
}

fn one_kind(page: &mut Page, what: &str, paint: Paint, lines: &[&Changed]) {
    page.painted(&format!("  {what}: {}", lines_text(lines.len() as u64)), Some(paint));
    // New and gone ones come in great numbers when a plan is changed, and have nothing to tell but their names.
    if lines.iter().all(|line| matches!(line.change, Change::NewLine | Change::GoneLine)) {
        let mut names: Vec<String> = lines.iter().take(NAMED_MAX).map(|line| line.line.to_string()).collect();
        if lines.len() > NAMED_MAX {
            names.push(format!("and {} more", lines.len() - NAMED_MAX));
        }
        page.wrapped(4, &names.join(", "));
        return;
    }
    let shown = &lines[..lines.len().min(NAMED_MAX)];
    let name_width = shown.iter().map(|line| line.line.as_str().width()).max().unwrap_or(0);
    let fault_width = shown.iter().map(|line| word_now(line).width()).max().unwrap_or(0);
    for line in shown {
        let name = line.line.as_str();
        let (gap, word) = (" ".repeat(name_width - name.width()), word_now(line));
        let rest = " ".repeat(fault_width - word.width());
        page.line(&format!("    {name}{gap}  {word}{rest}  {}", before(line)));
    }
    if lines.len() > NAMED_MAX {
        let word = lines[0].change.word();
        page.line(&format!("    and {} more: see `{word}` in the column `change`", lines.len() - NAMED_MAX));
    }
}

/// What the line is now, in a word.
pub(super) fn word_now(line: &Changed) -> &'static str {
    line.now.map_or("gone", |now| now.fault.map_or(Verdict::Pass.word(), Fault::code))
}

/// What it was before, in words.
pub(super) fn before(line: &Changed) -> String {
    let was = line.last.as_ref().map(|last| {
        let word = last.fault.map_or("passed".to_owned(), |fault| format!("was {fault}"));
        format!("{word} {} since {}", times(last.runs), last.since.strftime("%F"))
    });
    match line.change {
        Change::Flapping => {
            let changes = line.now.map_or(0, |now| now.changes);
            format!("came or went {changes} times in its last {FLAPPING_RUNS} runs")
        }
        Change::Stale => {
            let runs = line.now.map_or(0, |now| now.runs);
            match &line.last {
                Some(last) => format!("untested {}, last tested {}", times(runs), last.at.strftime("%F")),
                None => format!("untested {}, never tested", times(runs)),
            }
        }
        Change::StillFailing | Change::StillDegraded => {
            let since = line.now.and_then(|now| now.since);
            let since = since.map_or(String::new(), |since| format!(" since {}", since.strftime("%F")));
            format!("{}{since}", times(line.nights().unwrap_or(1)))
        }
        _ if line.first => "new in the plan".to_owned(),
        _ => was.unwrap_or_else(|| "never tested before".to_owned()),
    }
}

fn times(runs: u32) -> String {
    if runs == 1 { "in 1 run".to_owned() } else { format!("in {runs} runs") }
}

/// What is put beside a line that began to be unwell tonight.
pub(super) const NEW: &str = "NEW";

/// What is put beside a line that is not well, so that nobody takes what everybody knows for news; absent where there is
/// nothing to say.
pub fn mark(changed: &Changed) -> Option<String> {
    let nights = changed.nights().unwrap_or(1);
    match changed.change {
        Change::NewFailure | Change::NewlyDegraded => Some(NEW.to_owned()),
        Change::StillFailing | Change::StillDegraded => {
            let since = changed.now.and_then(|now| now.since);
            let since = since.map_or(String::new(), |since| format!(" since {}", since.strftime("%F")));
            Some(format!("{} run{since}", ordinal(nights)))
        }
        Change::Recovered => Some("recovered".to_owned()),
        Change::Flapping => Some("flapping".to_owned()),
        Change::Stale => Some(format!("stale: untested {}", times(nights))),
        Change::NewLine | Change::GoneLine | Change::Untested | Change::Same => None,
    }
}

fn ordinal(n: u32) -> String {
    let end = match (n % 10, n % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// What was known of the lines before tonight, for whoever watches the verdicts come.
#[derive(Debug, Clone, Default)]
pub struct Known {
    lines: HashMap<LineId, LineBefore>,
}

impl Known {
    /// Takes the next event: one of them tells it.
    pub fn apply(&mut self, event: &Event) {
        if let EventKind::LinesBefore { lines } = &event.kind {
            self.lines = lines.iter().map(|before| (before.line.clone(), before.clone())).collect();
        }
    }

    /// Whether anything is known.
    pub fn is_told(&self) -> bool {
        !self.lines.is_empty()
    }

    /// What a verdict changes; absent where nothing is known of any line.
    pub fn change(&self, event: &Event, verdict: &LineVerdict) -> Option<Change> {
        self.changed(event, verdict).map(|changed| changed.change)
    }

    /// The mark beside a verdict that is told, in brackets; empty where there is nothing to say.
    pub fn mark(&self, event: &Event, verdict: &LineVerdict) -> String {
        let mark = self.changed(event, verdict).and_then(|changed| mark(&changed));
        mark.map_or(String::new(), |mark| format!(" [{mark}]"))
    }

    fn changed(&self, event: &Event, verdict: &LineVerdict) -> Option<Changed> {
        let before = self.lines.get(&verdict.line);
        let now = Standing::after(before, verdict.fault, event.at);
        self.is_told().then(|| Changed::of(verdict.line.clone(), None, before, now))
    }
}
