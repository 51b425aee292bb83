//! The top of the page: which run this is, what it comes to in a sentence, what changed since the last one, and how many
//! lines came out how.

use serde::Serialize;

use super::super::consoles::ConsoleCounts;
use super::super::{ModemFigures, RunState, cost, news};
use super::words::{self, clean, count, grouped, stamp};
use crate::model::event::Ending;
use crate::model::{Change, Changed, Verdict};

/// Lines that are named of one kind of change.
const NAMED_MAX: usize = 25;

#[derive(Serialize)]
pub(super) struct Head<'a> {
    run: &'a str,
    plan: &'a str,
    bank: &'a str,
    /// The date that the run began.
    day: String,
    began: String,
    /// Empty as long as it has no end.
    ended: String,
    took: String,
    /// What the run comes to.
    headline: String,
    /// The worst that it holds, as a result's word.
    tone: &'static str,
    /// What is to be known before the figures are believed; empty where nothing is.
    warning: String,
    calls: String,
    sittings: u64,
    cost: Option<String>,
    lineman: String,
    seed: u64,
    lines: u64,
}

pub(super) fn head(state: &RunState) -> Head<'_> {
    let (header, ended) = (state.header(), state.ended());
    let took = ended.map(|(_, at)| at.duration_since(state.started()).as_secs());
    Head {
        run: header.run.as_str(),
        plan: header.plan.as_str(),
        bank: header.bank.as_str(),
        day: state.started().strftime("%A, %-d %B %Y").to_string(),
        began: stamp(state.started()),
        ended: ended.map(|(_, at)| stamp(at)).unwrap_or_default(),
        took: took.map(|took| words::span(u64::try_from(took).unwrap_or(0))).unwrap_or_default(),
        headline: headline(state),
        tone: tone(state).word(),
        warning: warning(state),
        calls: count(state.calls_ended(), "call"),
        sittings: state.sittings(),
        cost: cost::text(state),
        lineman: clean(&header.sitting.lineman),
        seed: header.seed,
        lines: header.lines.len() as u64,
    }
}

/// What to be told in one breath: what is new, else what is wrong, else that nothing is.
fn headline(state: &RunState) -> String {
    let counts = state.counts();
    let new = state.changes().count(Change::NewFailure);
    let untested = match counts.untested + counts.left {
        0 => String::new(),
        lines => format!("; {} not tested", words_were(lines)),
    };
    let new = match new {
        0 => String::new(),
        new => format!("{}. ", count(new, "new failure")),
    };
    let rest = match (counts.fail, counts.pass + counts.degraded) {
        (0, 0) => "No line was tested".to_owned(),
        (0, _) => "Every line that was tested would have saved the day".to_owned(),
        (1, _) => format!("1 of {} would not have saved the day", count(counts.total(), "line")),
        (fail, _) => {
            format!("{} of {} would not have saved the day", grouped(fail), count(counts.total(), "line"))
        }
    };
    let untested = if counts.pass + counts.degraded + counts.fail == 0 { String::new() } else { untested };
    format!("{new}{rest}{untested}.")
}

fn words_were(lines: u64) -> String {
    if lines == 1 { "1 was".to_owned() } else { format!("{} were", grouped(lines)) }
}

fn tone(state: &RunState) -> Verdict {
    let counts = state.counts();
    [Verdict::Fail, Verdict::Degraded, Verdict::Pass]
        .into_iter()
        .find(|result| counts.of(*result) > 0)
        .unwrap_or(Verdict::Untested)
}

fn warning(state: &RunState) -> String {
    let run = &state.header().run;
    if let Err(broken) = state.check() {
        return format!("These counts are wrong: {broken}. Please report it, with events.jsonl.");
    }
    match state.ended() {
        Some((Ending::Completed, _)) => String::new(),
        Some((Ending::Interrupted, _)) => {
            format!("The run was interrupted: `lineman audit --resume {run}` goes on where it stopped.")
        }
        None => format!(
            "The run has no end: it is going on, or was cut off (then `lineman audit --resume {run}` goes on). {} no verdict yet.",
            match state.counts().left {
                1 => "1 line has".to_owned(),
                left => format!("{} lines have", grouped(left)),
            }
        ),
    }
}

/// A dot in the colour of the worst result, as a picture of its own for a browser's tab.
pub(super) fn icon(state: &RunState) -> &'static str {
    match tone(state) {
        Verdict::Pass => {
            "data:image/svg+xml,%3Csvg xmlns='http:%2F%2Fwww.w3.org%2F2000%2Fsvg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%231a7f37'/%3E%3C/svg%3E"
        }
        Verdict::Degraded => {
            "data:image/svg+xml,%3Csvg xmlns='http:%2F%2Fwww.w3.org%2F2000%2Fsvg' viewBox='0 0 16 16'%3E%3Cpath d='M8 1 15 15H1z' fill='%23a15c00'/%3E%3C/svg%3E"
        }
        Verdict::Fail => {
            "data:image/svg+xml,%3Csvg xmlns='http:%2F%2Fwww.w3.org%2F2000%2Fsvg' viewBox='0 0 16 16'%3E%3Cpath d='M2 2 14 14M14 2 2 14' stroke='%23c4161c' stroke-width='4'/%3E%3C/svg%3E"
        }
        Verdict::Untested => {
            "data:image/svg+xml,%3Csvg xmlns='http:%2F%2Fwww.w3.org%2F2000%2Fsvg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='5.5' fill='none' stroke='%237444bd' stroke-width='3'/%3E%3C/svg%3E"
        }
    }
}

/// What changed since the run before.
#[derive(Serialize)]
pub(super) struct News {
    /// Against which run; absent where none of its lines was ever tested.
    against: Option<String>,
    groups: Vec<Group>,
    /// What everybody knows: a word and how many.
    known: Vec<Known>,
    /// Those of them that fail otherwise than they did.
    otherwise: Vec<NewsLine>,
}

#[derive(Serialize)]
struct Group {
    /// [`Change::word`].
    change: &'static str,
    title: &'static str,
    tone: &'static str,
    count: String,
    lines: Vec<NewsLine>,
    more: usize,
    /// Whether the page's own table has them: gone lines are not in it.
    listed: bool,
}

#[derive(Serialize)]
struct NewsLine {
    line: String,
    site: String,
    now: &'static str,
    before: String,
    listed: bool,
}

#[derive(Serialize)]
struct Known {
    change: &'static str,
    what: &'static str,
    count: String,
}

/// Absent where no history was told: then nothing can be said to have changed.
pub(super) fn news(state: &RunState) -> Option<News> {
    if !state.has_history() {
        return None;
    }
    let changes = state.changes();
    let title = |change| match change {
        Change::NewFailure => Some(("New failures", "fail")),
        Change::NewlyDegraded => Some(("Newly degraded", "degraded")),
        Change::Recovered => Some(("Recovered", "pass")),
        Change::Flapping => Some(("Flapping: they come and go", "degraded")),
        Change::Stale => Some(("Stale from now on: nobody knows how they are", "untested")),
        Change::NewLine => Some(("New lines", "none")),
        Change::GoneLine => Some(("Lines that the plan has no more", "none")),
        Change::StillFailing | Change::StillDegraded | Change::Untested | Change::Same => None,
    };
    let groups = Change::ALL.into_iter().filter_map(|change| {
        let (title, tone) = title(change)?;
        let fresh = |line: &&Changed| change != Change::Stale || line.newly_stale();
        let lines: Vec<&Changed> = changes.lines(change).iter().filter(fresh).collect();
        let listed = change != Change::GoneLine;
        (!lines.is_empty()).then(|| Group {
            change: change.word(),
            title,
            tone,
            count: count(lines.len() as u64, "line"),
            more: lines.len().saturating_sub(NAMED_MAX),
            lines: lines.iter().take(NAMED_MAX).map(|line| told(line)).collect(),
            listed,
        })
    });
    let known = |(change, what): (Change, &'static str)| {
        let old = changes.lines(change).iter().filter(|line| change != Change::Stale || !line.newly_stale());
        let lines = old.count() as u64;
        (lines > 0).then(|| Known { change: change.word(), what, count: grouped(lines) })
    };
    let otherwise = [Change::StillFailing, Change::StillDegraded]
        .into_iter()
        .flat_map(|change| changes.lines(change))
        .filter_map(|line| {
            let was = line.other_before()?;
            Some(NewsLine { before: format!("was {was}"), ..told(line) })
        });
    Some(News {
        against: state.has_past().then(|| changes.against.as_ref().map(ToString::to_string)).flatten(),
        groups: groups.collect(),
        known: [
            (Change::StillFailing, "still failing"),
            (Change::StillDegraded, "still degraded"),
            (Change::Stale, "still stale"),
            (Change::Untested, "not tested"),
            (Change::Same, "passed as before"),
        ]
        .into_iter()
        .filter_map(known)
        .collect(),
        otherwise: otherwise.take(NAMED_MAX).collect(),
    })
}

fn told(changed: &Changed) -> NewsLine {
    NewsLine {
        line: changed.line.to_string(),
        site: changed.site.as_ref().map(ToString::to_string).unwrap_or_default(),
        now: news::word_now(changed),
        before: news::before(changed),
        listed: changed.change != Change::GoneLine,
    }
}

/// How many lines came out so.
#[derive(Serialize)]
pub(super) struct Tile {
    result: &'static str,
    count: String,
    /// Of all lines, in percent, for people: 99.98 is no 100.
    percent: String,
    /// The same as a figure, for the bar; and where its piece of the bar begins.
    width: f64,
    from: f64,
    meaning: &'static str,
    any: bool,
}

pub(super) fn results(state: &RunState) -> Vec<Tile> {
    let counts = state.counts();
    let all = counts.total().max(1) as f64;
    let mut from = 0.0;
    let one = |result: Verdict| {
        let lines = counts.of(result);
        let width = lines as f64 * 100.0 / all;
        let tile = Tile {
            result: result.word(),
            count: grouped(lines),
            percent: percent(lines, counts.total()),
            width: hundredths(width),
            from: hundredths(from),
            any: lines > 0,
            meaning: match result {
                Verdict::Pass => "would have saved the day",
                Verdict::Degraded => "would have, but something is wrong",
                Verdict::Fail => "would not have saved the day",
                Verdict::Untested => "not known, and not the line's fault",
            },
        };
        from += width;
        tile
    };
    Verdict::ALL.into_iter().map(one).collect()
}

fn hundredths(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

/// What else is counted, in sentences: consoles behind lines, calls in vain.
pub(super) fn asides(state: &RunState) -> Vec<String> {
    let mut told = Vec::new();
    let consoles = ConsoleCounts::of(state);
    if consoles.total > 0 {
        told.push(format!(
            "{} behind console servers: {} pass, {} degraded, {} fail, {} not reached.",
            count(consoles.total, "console"),
            grouped(consoles.pass),
            grouped(consoles.degraded),
            grouped(consoles.fail),
            grouped(consoles.untested)
        ));
    }
    let sum = |of: fn(&ModemFigures) -> u64| state.modems().iter().map(of).sum::<u64>();
    let (answered, free) = (sum(|modem| modem.answered_failures), sum(|modem| modem.free_failures));
    if answered + free > 0 {
        told.push(format!(
            "Calls in vain: {} answered, which the carrier charges; {} not answered, which are free.",
            grouped(answered),
            grouped(free)
        ));
    }
    told
}

/// One that is not all is never told as 100 %, nor one that is something as 0 %.
fn percent(part: u64, all: u64) -> String {
    if part == 0 || all == 0 {
        return "0 %".to_owned();
    }
    let tenths = part * 1000 / all;
    match tenths {
        1000 => "100 %".to_owned(),
        0 => "< 0.1 %".to_owned(),
        tenths => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}
