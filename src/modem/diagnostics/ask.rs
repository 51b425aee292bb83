//! Asking for the reports: a pure machine that types each command of a profile's list, and reads to its OK.
//!
//! It comes right after a proven hang-up, and it must not keep a line from being dialed: every wait has a limit, and a
//! modem that says ERROR, or nothing, to a command is told of, so that it is not asked again.

use std::time::Duration;

use crate::model::Mono;
use crate::modem::codec::Token;
use crate::modem::machine::{Action, Input, Knock, Knocked, Progress, command};
use crate::modem::profile::{Profile, Report};
use crate::modem::result_code::ResultCode;

use super::{Account, parse};

/// Most lines of an answer that are kept; the longest known report has 24.
const ANSWER_LINES_MAX: usize = 64;
/// Most characters of an answer that are kept.
const ANSWER_CHARS_MAX: usize = 8 * 1024;
/// How often a report that stops between two pages is told to go on.
const PAGES_MAX: u32 = 4;
/// What stands between two pages, in capitals.
const PAGE_END: &str = "PRESS ANY KEY";
/// How often AT is typed to a modem that has not answered a report.
const KNOCKS: u32 = 2;

/// How long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiagnoseLimits {
    /// Longest silence within an answer.
    pub quiet: Duration,
    /// From the first command to the last answer. A modem that stops in the middle costs some more: it gets two AT, `quiet`
    /// each, to show that it owes nothing.
    pub total: Duration,
}

impl Default for DiagnoseLimits {
    fn default() -> Self {
        Self { quiet: Duration::from_secs(1), total: Duration::from_secs(3) }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// What each report told, those that told nothing left out.
    pub accounts: Vec<Account>,
    /// Reports that this modem does not have: it said ERROR, or nothing at all.
    pub not_here: Vec<Report>,
    /// The modem owes no answer. If it may owe one, it must be set up as a whole before it dials.
    pub settled: bool,
}

/// The machine.
#[derive(Debug)]
pub struct Diagnose {
    reports: Vec<Report>,
    settle: Duration,
    limits: DiagnoseLimits,
    deadline: Mono,
    state: State,
    found: Diagnosis,
}

#[derive(Debug)]
enum State {
    /// Not started, or done.
    Idle,
    /// The rest that the modem wants behind an OK.
    Resting { next: usize, until: Mono },
    /// A command is out.
    Asked { index: usize, lines: Vec<String>, chars: usize, pages: u32, until: Mono },
    /// It did not end its answer; AT shows when it has. `silent` is the report that it had said nothing to.
    Settling { knock: Knock, silent: Option<Report> },
}

impl Diagnose {
    /// Asks for the profile's reports, in its order. The modem must be on-hook, in command state, and owe nothing.
    pub fn new(profile: &Profile, limits: DiagnoseLimits) -> Self {
        Self {
            reports: profile.diagnostics.clone(),
            settle: profile.quirks.settle,
            limits,
            deadline: Mono::ZERO,
            state: State::Idle,
            found: Diagnosis { settled: true, ..Diagnosis::default() },
        }
    }

    /// Begins.
    pub fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<Diagnosis> {
        self.deadline = now + self.limits.total;
        if self.reports.is_empty() {
            return self.done();
        }
        actions.push(Action::Drain);
        self.rest(now, 0, actions)
    }

    /// Takes what happened.
    pub fn handle(&mut self, now: Mono, input: Input<'_>, actions: &mut Vec<Action>) -> Progress<Diagnosis> {
        match (&mut self.state, input) {
            (State::Asked { .. }, Input::Token(Token::Result(code))) => {
                return self.result(now, code, actions);
            }
            (State::Asked { .. }, Input::Token(Token::Info(line))) => {
                let line = line.clone();
                self.keep(now, line, actions);
                return self.progress();
            }
            (State::Settling { knock, .. }, Input::Token(Token::Result(code))) => {
                let knocked = knock.result(now, code, actions);
                return self.knocked(knocked);
            }
            // It has the report after all, and was late.
            (State::Settling { silent, .. }, Input::Token(Token::Info(_))) => *silent = None,
            _ => {}
        }
        self.time(now, actions)
    }

    /// Stops at once: what has been told stands.
    pub fn stop(&mut self) -> Diagnosis {
        if !matches!(self.state, State::Idle | State::Resting { .. }) {
            self.found.settled = false;
        }
        self.state = State::Idle;
        std::mem::take(&mut self.found)
    }

    fn result(&mut self, now: Mono, code: &ResultCode, actions: &mut Vec<Action>) -> Progress<Diagnosis> {
        let State::Asked { index, lines, .. } = &mut self.state else { return self.progress() };
        let next = *index + 1;
        let Some(report) = self.reports.get(*index).copied() else { return self.done() };
        match code {
            ResultCode::Ok => {
                let lines = std::mem::take(lines);
                self.take(report, &lines);
                self.rest(now, next, actions)
            }
            ResultCode::Error => {
                self.found.not_here.push(report);
                self.rest(now, next, actions)
            }
            // Lines of a report that look like those before a CONNECT.
            ResultCode::Modulation(link) => {
                let line = link.modulation.as_ref().map(|word| format!("Modulation: {word}"));
                self.keep_some(now, line, actions)
            }
            ResultCode::Protocol(link) => {
                let line = link.protocol.as_ref().map(|word| format!("Protocol: {word}"));
                self.keep_some(now, line, actions)
            }
            ResultCode::Compression(link) => {
                let line = link.compression.as_ref().map(|word| format!("Compression: {word}"));
                self.keep_some(now, line, actions)
            }
            ResultCode::Noise(line) | ResultCode::Unknown(line) => {
                let line = line.clone();
                self.keep_some(now, Some(line), actions)
            }
            // A RING, a late NO CARRIER: not the answer.
            _ => self.progress(),
        }
    }

    fn keep_some(
        &mut self,
        now: Mono,
        line: Option<String>,
        actions: &mut Vec<Action>,
    ) -> Progress<Diagnosis> {
        if let Some(line) = line {
            self.keep(now, line, actions);
        }
        self.progress()
    }

    /// A line of the answer.
    fn keep(&mut self, now: Mono, line: String, actions: &mut Vec<Action>) {
        let quiet = self.limits.quiet;
        let State::Asked { lines, chars, pages, until, .. } = &mut self.state else { return };
        *until = now + quiet;
        if line.to_ascii_uppercase().contains(PAGE_END) {
            if *pages < PAGES_MAX {
                *pages += 1;
                // A CR: where nobody waits for a key it is no command either.
                actions.push(Action::Write(b"\r".to_vec()));
            }
        } else if lines.len() < ANSWER_LINES_MAX && *chars + line.len() <= ANSWER_CHARS_MAX {
            *chars += line.len();
            lines.push(line);
        }
    }

    fn take(&mut self, report: Report, lines: &[String]) {
        let account = parse(report, lines);
        if account != Account::new(report) {
            self.found.accounts.push(account);
        }
    }

    fn knocked(&mut self, knocked: Knocked) -> Progress<Diagnosis> {
        match knocked {
            Knocked::Waiting => self.progress(),
            Knocked::Answered => self.done(),
            Knocked::Silent | Knocked::Refused => {
                self.found.settled = false;
                self.done()
            }
        }
    }

    fn time(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<Diagnosis> {
        match &mut self.state {
            State::Idle => {}
            State::Resting { next, until } => {
                if now >= *until {
                    let next = *next;
                    return self.ask(now, next, actions);
                }
            }
            State::Asked { index, lines, until, .. } => {
                if now < (*until).min(self.deadline) {
                    return self.progress();
                }
                // Its lines are whole; what it says from here on is lost, and so is the rest of the list.
                let (index, lines) = (*index, std::mem::take(lines));
                let report = self.reports.get(index).copied();
                if let Some(report) = report {
                    self.take(report, &lines);
                }
                let knock = Knock::start(now, KNOCKS, self.limits.quiet, 1, actions);
                self.state = State::Settling { knock, silent: report.filter(|_| lines.is_empty()) };
            }
            State::Settling { knock, .. } => {
                let knocked = knock.time(now, actions);
                return self.knocked(knocked);
            }
        }
        self.progress()
    }

    fn rest(&mut self, now: Mono, next: usize, actions: &mut Vec<Action>) -> Progress<Diagnosis> {
        if next >= self.reports.len() {
            return self.done();
        }
        if self.settle.is_zero() {
            return self.ask(now, next, actions);
        }
        self.state = State::Resting { next, until: now + self.settle };
        self.progress()
    }

    fn ask(&mut self, now: Mono, index: usize, actions: &mut Vec<Action>) -> Progress<Diagnosis> {
        let Some(report) = self.reports.get(index).filter(|_| now < self.deadline) else {
            return self.done();
        };
        actions.push(command(report.command()));
        let until = now + self.limits.quiet;
        self.state = State::Asked { index, lines: Vec::new(), chars: 0, pages: 0, until };
        self.progress()
    }

    fn done(&mut self) -> Progress<Diagnosis> {
        if let State::Settling { silent: Some(report), .. } = self.state {
            self.found.not_here.push(report);
        }
        self.state = State::Idle;
        Progress::Done(std::mem::take(&mut self.found))
    }

    fn progress(&self) -> Progress<Diagnosis> {
        Progress::Until(match &self.state {
            State::Idle => self.deadline,
            State::Resting { until, .. } => *until,
            State::Asked { until, .. } => (*until).min(self.deadline),
            State::Settling { knock, .. } => knock.deadline(),
        })
    }
}

#[cfg(test)]
mod tests;
