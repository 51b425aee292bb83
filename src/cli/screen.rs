//! What a person sees of a run while it goes on: a live board on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fleet::scheduler::TAKEN_BACK;
use crate::model::event::{CheckKind, CheckOutcome, CheckRecord, LineVerdict};
use crate::model::{Event, EventKind, Fault, Mono, Verdict};
use crate::report::news::Known;
use crate::report::summary::Style;
use crate::report::{Board, Counts};

use super::manner;

/// How often the seconds on the board go on.
const TICK: Duration = Duration::from_secs(1);
/// Width of the summary where no terminal says how wide it is.
const PAGE_WIDTH: usize = 110;
/// Rows of the terminal that are left free below the board.
const ROWS_FREE: usize = 2;

/// Shows a run.
pub(super) trait Screen: Send {
    /// An event was recorded; `counts` have it already.
    fn show(&mut self, counts: Counts, event: &Event);
    /// Words that belong on stderr.
    fn aside(&mut self, text: &str);
    /// Time has passed.
    fn tick(&mut self, now: Mono);
    /// How long until [`Screen::tick`] is wanted; nothing that shows no time wants it.
    fn next_tick(&self, now: Mono) -> Option<Duration>;
    /// The run is over.
    fn finish(&mut self);
}

/// The screen that fits: the board if a person watches, else plain lines.
pub(super) fn choose(plain: bool, earlier: Option<Board>) -> Box<dyn Screen> {
    let manner = manner::now();
    if manner.is_quiet() {
        return Box::new(Quiet);
    }
    // On a terminal that cannot move its cursor the board would draw nothing at all.
    let movable = console::Term::stderr().features().is_attended() && !is_dumb(std::env::var_os("TERM"));
    if !plain && !manner.is_json() && std::io::stdout().is_terminal() && movable {
        Box::new(Live::new(earlier))
    } else {
        Box::new(Plain { known: earlier.map(|board| board.known().clone()).unwrap_or_default() })
    }
}

pub(super) fn is_dumb(term: Option<std::ffi::OsString>) -> bool {
    term.is_none_or(|term| term.is_empty() || term == "dumb")
}

/// How the text at the end is to look on stdout.
pub(super) fn style() -> Style {
    let term = console::Term::stdout();
    let width = if term.is_term() { usize::from(term.size().1) } else { PAGE_WIDTH };
    Style { colour: console::colors_enabled(), width }
}

/// One line a verdict: what plain output and the scroll above the board show.
fn verdict_line(event: &Event, counts: Counts, verdict: &LineVerdict, known: &Known) -> String {
    let result = Verdict::of(verdict.fault);
    let fault = verdict.fault.map_or(String::new(), |fault| format!(" {fault} ({})", fault.blame()));
    let detail = if verdict.detail.is_empty() { String::new() } else { format!(": {}", verdict.detail) };
    format!(
        "{} [{}/{}] {:<8} {}{}{fault}{detail}",
        event.at.strftime("%H:%M:%SZ"),
        counts.judged(),
        counts.total(),
        result,
        verdict.line,
        known.mark(event, verdict),
    )
}

/// Plain lines on stdout: one a verdict, and what the user should read.
struct Plain {
    known: Known,
}

impl Screen for Plain {
    fn show(&mut self, counts: Counts, event: &Event) {
        self.known.apply(event);
        let line = match &event.kind {
            EventKind::RunStarted(header) => {
                format!(
                    "run {} of plan {}: {} lines, {} modems",
                    header.run,
                    header.plan,
                    header.lines.len(),
                    header.modems.len()
                )
            }
            // Left out by the user's own word: no news, and there may be thousands.
            EventKind::Verdict(verdict) if verdict.fault == Some(Fault::Skipped) => return,
            EventKind::Verdict(verdict) => verdict_line(event, counts, verdict, &self.known),
            other => match notable(other) {
                Some(text) => format!("{} {text}", event.at.strftime("%H:%M:%SZ")),
                None => return,
            },
        };
        // A reader that went away (`| head`) is no reason to leave calls hanging.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    fn aside(&mut self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    fn tick(&mut self, _now: Mono) {}

    fn next_tick(&self, _now: Mono) -> Option<Duration> {
        None
    }

    fn finish(&mut self) {}
}

/// Nothing but what is said aside.
struct Quiet;

impl Screen for Quiet {
    fn show(&mut self, _counts: Counts, _event: &Event) {}

    fn aside(&mut self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    fn tick(&mut self, _now: Mono) {}

    fn next_tick(&self, _now: Mono) -> Option<Duration> {
        None
    }

    fn finish(&mut self) {}
}

/// What a person should read besides verdicts.
fn notable(event: &EventKind) -> Option<String> {
    use crate::model::event::{CredentialState, ModemState};
    Some(match event {
        EventKind::Modem { state: ModemState::Checking, .. } => return None,
        EventKind::BenchCheck(record) => check_line(record)?,
        EventKind::Modem { modem, state, fault, detail, .. }
            if *state != ModemState::Ready || detail.starts_with(TAKEN_BACK) =>
        {
            let fault = fault.map_or(String::new(), |fault| format!(" {fault}"));
            let colon = if matches!(state, ModemState::Disabled | ModemState::Down) { ":" } else { "" };
            let told = format!("modem {modem}: {}{fault}{colon} {detail}", state.word());
            let again = if *state == ModemState::Out { " (it is tried again)" } else { "" };
            format!("{}{again}", told.trim_end())
        }
        EventKind::Credential { credential, state: CredentialState::Stopped, detail } => {
            format!("credential {credential} is stopped: {detail}")
        }
        EventKind::VerdictWithdrawn { line, why } => format!("verdict of {line} withdrawn: {why}"),
        EventKind::Notice { text } => text.clone(),
        EventKind::Paused { why, until } => crate::report::why::pause_text(why, *until),
        EventKind::Resumed => "the pause is over".to_owned(),
        EventKind::RunResumed(_) => "the run goes on".to_owned(),
        _ => return None,
    })
}

/// A check that is worth a line: a dial tone that is there is what everybody expects.
fn check_line(record: &CheckRecord) -> Option<String> {
    if record.outcome == CheckOutcome::Passed && record.check == CheckKind::DialTone {
        return None;
    }
    let dialed = record.dialed.as_ref().map_or(String::new(), |dialed| format!(" {dialed}"));
    let detail = if record.detail.is_empty() { String::new() } else { format!(": {}", record.detail) };
    Some(format!(
        "modem {}: check {}{dialed} {}{detail}",
        record.modem,
        record.check.word(),
        record.outcome.word()
    ))
}

/// The board on a terminal.
struct Live {
    board: Option<Board>,
    multi: MultiProgress,
    rows: Vec<ProgressBar>,
    drawn: Mono,
}

impl Live {
    fn new(board: Option<Board>) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        Self { board, multi, rows: Vec::new(), drawn: Mono::ZERO }
    }

    fn draw(&mut self, now: Mono) {
        self.drawn = now;
        let Some(board) = &self.board else { return };
        let (height, width) = console::Term::stderr().size();
        let mut lines = board.text(now, usize::from(width).saturating_sub(1));
        let room = usize::from(height).saturating_sub(ROWS_FREE).max(3);
        if lines.len() > room {
            let hidden = lines.len() - (room - 1);
            lines.truncate(room - 1);
            let more = format!("and {hidden} more rows than this terminal shows");
            lines.push(console::truncate_str(&more, usize::from(width).saturating_sub(1), "…").into_owned());
        }
        while self.rows.len() > lines.len() {
            if let Some(bar) = self.rows.pop() {
                self.multi.remove(&bar);
            }
        }
        while self.rows.len() < lines.len() {
            let style =
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            self.rows.push(self.multi.add(ProgressBar::new(1).with_style(style)));
        }
        for (bar, line) in self.rows.iter().zip(lines) {
            if bar.message() != line {
                bar.set_message(line);
            }
        }
    }
}

impl Screen for Live {
    fn show(&mut self, counts: Counts, event: &Event) {
        match (&mut self.board, &event.kind) {
            (Some(board), _) => board.apply(event),
            (None, EventKind::RunStarted(header)) => self.board = Some(Board::new(header)),
            (None, _) => {}
        }
        let above = match &event.kind {
            EventKind::Verdict(verdict) if matches!(verdict.fault, None | Some(Fault::Skipped)) => None,
            EventKind::Verdict(verdict) => {
                let none = Known::default();
                let known = self.board.as_ref().map_or(&none, Board::known);
                Some(verdict_line(event, counts, verdict, known))
            }
            other => notable(other),
        };
        if let Some(line) = above {
            // A terminal that went away is noticed by the signal that it sends.
            let _ = self.multi.println(line);
        }
    }

    fn aside(&mut self, text: &str) {
        let _ = self.multi.println(text);
    }

    fn tick(&mut self, now: Mono) {
        self.draw(now);
    }

    fn next_tick(&self, now: Mono) -> Option<Duration> {
        Some((self.drawn + TICK).since(now))
    }

    fn finish(&mut self) {
        let _ = self.multi.clear();
    }
}
