//! The round of the consoles behind a console server, in one call: choose one, visit it, leave it, prove that the server's
//! prompt is back, choose the next. A pure machine; the session of the call owns it between login and logout.
//!
//! **Between a choice and the escape nothing but CRs is typed**, whatever is shown: a visit can ask for nothing else. The next
//! text goes out only once the line at which the first choice was typed stands there again, letter for letter, after the
//! escape, and was not seen before it: a console that prints a menu, or a host whose prompt looks like one, is not believed.
//! Where that proof does not come, nothing is typed any more, and the call hangs up.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::model::event::ConsoleRecord;
use crate::model::{Fault, Hostname, Mono, Verdict};

use super::Dialog;
use super::matcher::{self, Prompt};
use super::speech::{self, Say};
use super::transcript::Screen;
use super::unheard::seconds;
use super::visit::{Seen, Stands, Visit, VisitLimits, Wish};

/// Rest before the server's prompt is believed to be back.
const SETTLE_HOME: Duration = Duration::from_millis(500);
/// Answers to questions and `Press RETURN` of the server, over the whole round, for each console.
const ANSWERS_PER_CONSOLE: usize = 3;
/// Bytes of what one console said that are kept for the transcript.
const KEPT_MAX: usize = 4 * 1024;

/// One console behind a console server.
#[derive(Debug, Clone)]
pub struct Behind {
    /// Its name, for people.
    pub name: String,
    /// What the console server calls it.
    pub port: String,
    /// The host that must answer; without one, any login prompt will do.
    pub hostname: Option<Hostname>,
    /// How it speaks. Nothing of it is typed: it is read by it.
    pub dialog: Arc<Dialog>,
}

/// Limits of a round, each for one console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundLimits {
    /// Its choice until the server has connected it.
    pub choose: Duration,
    /// Connected until a prompt.
    pub console: Duration,
    /// The escape until the server's prompt is back, and again for what is typed there.
    pub leave: Duration,
}

impl Default for RoundLimits {
    fn default() -> Self {
        Self {
            choose: Duration::from_secs(10),
            console: Duration::from_secs(20),
            leave: Duration::from_secs(10),
        }
    }
}

impl RoundLimits {
    /// As they hold at this console server: its file may have longer ones.
    #[must_use]
    pub fn at(self, server: &Dialog) -> Self {
        let longer = server.timeouts;
        Self { choose: self.choose.max(longer.choose), leave: self.leave.max(longer.leave), ..self }
    }

    /// The longest that a round over these consoles can take: the way to the menu, and each console with all its waits.
    pub fn all(self, server: &Dialog, consoles: &[Behind]) -> Duration {
        if consoles.is_empty() {
            return Duration::ZERO;
        }
        let limits = self.at(server);
        let leave = if server.ports.as_ref().is_some_and(|ports| ports.close.is_some()) { 2 } else { 1 };
        let of = |behind: &Behind| {
            limits.choose + limits.console.max(behind.dialog.timeouts.prompt) + limits.leave * leave
        };
        limits.choose + consoles.iter().map(of).sum::<Duration>()
    }
}

/// What the round asks for.
#[derive(Debug)]
pub(super) enum Act {
    /// Write these bytes.
    Say(Vec<u8>),
    /// All that could be seen was seen.
    Over,
}

/// What a round found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// One for each console, in the order of the plan. Not cleaned.
    pub(super) consoles: Vec<ConsoleRecord>,
    /// What the call says of it; absent if all passed. Not cleaned.
    pub(super) verdict: Option<(Fault, String)>,
    /// The server's prompt that stands there; absent where nothing may be typed any more.
    pub(super) home: Option<Prompt>,
    /// The line of that prompt.
    pub(super) home_line: String,
    /// When the last console was seen.
    pub(super) at: Mono,
    /// What the consoles said that did not pass.
    pub(super) transcript: String,
}

enum Stage {
    /// On the way to the menu of ports.
    Opening,
    /// At a console.
    Visiting { index: usize, visit: Box<Visit> },
    /// The escape is out.
    Leaving { index: usize },
    /// Back, and what ends the connection is typed.
    Closing,
    /// Over.
    Over,
}

/// What the server says, since we last typed something there.
struct Ear {
    screen: Screen,
    bytes: usize,
    last_rx: Mono,
    look_at: Option<Mono>,
}

impl Ear {
    fn new(now: Mono) -> Self {
        Self { screen: Screen::new(), bytes: 0, last_rx: now, look_at: None }
    }
}

/// The machine.
pub(super) struct Round {
    server: Arc<Dialog>,
    consoles: Vec<Behind>,
    limits: RoundLimits,
    bytes_max: usize,
    secret: Option<SecretString>,
    /// Consoles still to come, the next one last.
    order: Vec<usize>,
    found: Vec<Option<ConsoleRecord>>,
    transcript: String,
    /// Where choices are typed: the prompt's kind and its line.
    home: Option<(Prompt, String)>,
    stage: Stage,
    ear: Ear,
    limit_at: Mono,
    now: Mono,
    answers: usize,
    last_seen: Mono,
    /// No further console is chosen; why.
    stopped: Option<(Fault, String)>,
}

impl Round {
    /// Begins at the server's prompt. With `backwards` the last console comes first: what one call did not come to is the
    /// first that the next one sees.
    pub(super) fn new(
        server: Arc<Dialog>,
        consoles: Vec<Behind>,
        backwards: bool,
        limits: RoundLimits,
        bytes_max: usize,
        secret: Option<SecretString>,
    ) -> Self {
        let mut order: Vec<usize> = (0..consoles.len()).collect();
        if !backwards {
            order.reverse();
        }
        Self {
            limits: limits.at(&server),
            server,
            found: vec![None; consoles.len()],
            consoles,
            bytes_max,
            secret,
            order,
            transcript: String::new(),
            home: None,
            stage: Stage::Over,
            ear: Ear::new(Mono::ZERO),
            limit_at: Mono::ZERO,
            now: Mono::ZERO,
            answers: 0,
            last_seen: Mono::ZERO,
            stopped: None,
        }
    }

    /// Begins, at the prompt that stands there with this line.
    pub(super) fn start(&mut self, now: Mono, prompt: Prompt, line: &str) -> Act {
        self.now = now;
        self.last_seen = now;
        self.arrive(prompt, line)
    }

    /// When [`Round::time`] is due.
    pub(super) fn deadline(&self) -> Mono {
        match &self.stage {
            Stage::Visiting { visit, .. } => visit.deadline(),
            _ => self.ear.look_at.map_or(self.limit_at, |at| at.min(self.limit_at)),
        }
    }

    /// Whether it is on its way out, and nothing new is begun.
    pub(super) const fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// A byte came.
    pub(super) fn take(&mut self, now: Mono, byte: u8) -> Option<Act> {
        self.now = now;
        if let Stage::Visiting { visit, .. } = &mut self.stage {
            let wish = visit.take(now, byte)?;
            return Some(self.grant(wish));
        }
        self.ear.screen.feed(byte);
        self.ear.bytes += 1;
        self.ear.last_rx = now;
        if self.ear.bytes >= self.bytes_max {
            let detail = format!("endless output, {} bytes", self.ear.bytes);
            return Some(self.lost_the_way(&detail));
        }
        self.ear.look_at = Some(now + self.server.settle);
        None
    }

    /// Time has passed: does the one thing that is due first, if anything is.
    pub(super) fn time(&mut self, now: Mono) -> Option<Act> {
        self.now = now;
        if let Stage::Visiting { visit, .. } = &mut self.stage {
            let wish = visit.time(now)?;
            return Some(self.grant(wish));
        }
        if self.deadline() > now {
            None
        } else if self.ear.look_at.take_if(|at| *at <= now).is_some() {
            self.look()
        } else {
            let last = matcher::look(&self.server, self.ear.screen.since(0)).line;
            let last = if last.is_empty() { last } else { format!("; last line \"{last}\"") };
            let within = seconds(self.limits.leave);
            Some(self.lost_the_way(&format!("no prompt of the console server within {within}{last}")))
        }
    }

    /// No further console is chosen; the one that is being visited is left.
    pub(super) fn stop(&mut self, now: Mono, fault: Fault, why: &str) -> Option<Act> {
        self.now = now;
        if self.stopped.is_some() {
            return None;
        }
        self.stopped = Some((fault, why.to_owned()));
        if let Stage::Visiting { visit, .. } = &mut self.stage {
            let seen = visit.stop(now, fault, why);
            return Some(self.visited(&seen));
        }
        None
    }

    /// The call is over without us: the carrier is gone, or was dropped.
    pub(super) fn abandon(&mut self, now: Mono, fault: Fault, why: &str) {
        self.now = now;
        if let Stage::Visiting { index, visit } = &mut self.stage {
            let (index, seen) = (*index, visit.stop(now, fault, why));
            self.note(index, &seen);
        }
        self.stopped.get_or_insert_with(|| (fault, why.to_owned()));
        self.stage = Stage::Over;
    }

    // --- the server

    fn listen(&mut self, limit: Duration) {
        self.ear = Ear::new(self.now);
        self.limit_at = self.now + limit;
    }

    /// The output has rested: what does the server ask for?
    fn look(&mut self) -> Option<Act> {
        let sight = matcher::look(&self.server, self.ear.screen.since(0));
        let prompt = sight.prompt?;
        match (&self.stage, prompt) {
            (Stage::Opening, Prompt::Command | Prompt::Menu(_)) => {
                if self.is_home(prompt) && self.rested() {
                    Some(self.arrive(prompt, &sight.line))
                } else {
                    None
                }
            }
            (Stage::Leaving { .. } | Stage::Closing, Prompt::Command | Prompt::Menu(_)) => {
                let back = self.home.as_ref().is_some_and(|(_, line)| *line == sight.line);
                (back && self.rested()).then(|| self.back())
            }
            (_, Prompt::PressReturn) => self.answer(Say::Return),
            // Nothing of the server's own is answered before it is proven that it is the server who asks.
            (Stage::Opening | Stage::Closing, Prompt::Question(index)) => {
                let question = &self.server.questions[index];
                let (answer, cr) = (question.answer.clone(), question.cr);
                self.answer(Say::Listed(&answer, cr))
            }
            _ => None,
        }
    }

    fn rested(&mut self) -> bool {
        let at = self.ear.last_rx + SETTLE_HOME.max(self.server.settle);
        if at <= self.now {
            return true;
        }
        self.ear.look_at = Some(at);
        false
    }

    fn answer(&mut self, say: Say<'_>) -> Option<Act> {
        if self.answers >= ANSWERS_PER_CONSOLE * (1 + self.consoles.len()) {
            return None;
        }
        self.answers += 1;
        let bytes = speech::bytes(&self.server, say);
        self.ear.screen.fix();
        self.ear = Ear { bytes: self.ear.bytes, ..Ear::new(self.now) };
        Some(Act::Say(bytes))
    }

    /// Whether choices are typed at this prompt.
    fn is_home(&self, prompt: Prompt) -> bool {
        match prompt {
            Prompt::Menu(index) => self.server.menus[index].ports,
            Prompt::Command => !self.server.menus.iter().any(|menu| menu.ports),
            _ => false,
        }
    }

    /// A prompt of the server stands there, for the first time.
    fn arrive(&mut self, prompt: Prompt, line: &str) -> Act {
        if self.is_home(prompt) {
            self.home = Some((prompt, line.to_owned()));
            return self.next();
        }
        let open = self.server.ports.as_ref().and_then(|ports| ports.open.as_deref());
        if let (Stage::Over, Prompt::Command, Some(open)) = (&self.stage, prompt, open) {
            let bytes = speech::bytes(&self.server, Say::Listed(open, true));
            self.stage = Stage::Opening;
            self.listen(self.limits.choose);
            return Act::Say(bytes);
        }
        let why = format!("no way from \"{line}\" to where ports are chosen is known");
        self.stopped = Some((Fault::LoginUnavailable, why));
        // It is the prompt of the login, and is left as one.
        self.home = Some((prompt, line.to_owned()));
        self.stage = Stage::Over;
        Act::Over
    }

    /// Chooses the next console, if there is one.
    fn next(&mut self) -> Act {
        let next = if self.stopped.is_some() { None } else { self.order.pop() };
        let Some(index) = next else {
            self.stage = Stage::Over;
            return Act::Over;
        };
        let behind = &self.consoles[index];
        let bytes = speech::bytes(&self.server, Say::Choice(&behind.port));
        let limits = VisitLimits {
            choose: self.limits.choose,
            console: self.limits.console.max(behind.dialog.timeouts.prompt),
            bytes_max: self.bytes_max,
        };
        let visit = Visit::new(
            Arc::clone(&self.server),
            Arc::clone(&behind.dialog),
            behind.hostname.clone(),
            self.home.as_ref().map(|(_, line)| line.clone()).unwrap_or_default(),
            limits,
            self.now,
        );
        self.stage = Stage::Visiting { index, visit: Box::new(visit) };
        Act::Say(bytes)
    }

    /// The server's prompt is back, after the escape or after what ended the connection.
    fn back(&mut self) -> Act {
        let close = self.server.ports.as_ref().and_then(|ports| ports.close.clone());
        if let (Stage::Leaving { .. }, Some(close)) = (&self.stage, close) {
            let bytes = speech::bytes(&self.server, Say::Listed(&close, true));
            self.stage = Stage::Closing;
            self.listen(self.limits.leave);
            return Act::Say(bytes);
        }
        self.next()
    }

    /// The server's prompt did not come: nothing more is typed.
    fn lost_the_way(&mut self, why: &str) -> Act {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let why = match stage {
            Stage::Opening => {
                self.stopped.get_or_insert_with(|| {
                    (Fault::LoginTimeout, format!("the console server's menu of ports did not come: {why}"))
                });
                self.home = None;
                return Act::Over;
            }
            Stage::Leaving { index } => {
                let said = self.ear.screen.transcript(self.secret.as_ref());
                self.not_left(index, why, &said);
                format!("{} could not be left again: {why}", self.label(index))
            }
            Stage::Closing | Stage::Visiting { .. } | Stage::Over => {
                format!("the console server's prompt did not come again: {why}")
            }
        };
        self.stop_typing(&why);
        Act::Over
    }

    fn stop_typing(&mut self, why: &str) {
        self.stopped.get_or_insert_with(|| (Fault::LoginTimeout, why.to_owned()));
        self.home = None;
        self.stage = Stage::Over;
    }

    // --- the consoles

    fn grant(&mut self, wish: Wish) -> Act {
        match wish {
            Wish::Return => Act::Say(speech::bytes(&self.server, Say::Return)),
            Wish::Over(seen) => self.visited(&seen),
        }
    }

    fn visited(&mut self, seen: &Seen) -> Act {
        let Stage::Visiting { index, .. } = &self.stage else { return Act::Over };
        let index = *index;
        self.last_seen = seen.at.max(self.last_seen);
        self.note(index, seen);
        match seen.stands {
            Stands::Home => self.next(),
            Stands::Connected => {
                self.stage = Stage::Leaving { index };
                self.listen(self.limits.leave);
                Act::Say(speech::bytes(&self.server, Say::Escape))
            }
            Stands::Unknown => {
                let why = "what is shown there is no proof of being back at the console server";
                self.not_left(index, why, "");
                self.stop_typing(&format!("{} could not be left again: {why}", self.label(index)));
                Act::Over
            }
        }
    }

    fn note(&mut self, index: usize, seen: &Seen) {
        let name = self.consoles[index].name.clone();
        let (fault, detail) = seen.verdict.clone().map_or((None, String::new()), |(f, d)| (Some(f), d));
        if fault.is_some() {
            let said = seen.screen.transcript(self.secret.as_ref());
            self.keep(index, &said);
        }
        self.found[index] = Some(ConsoleRecord {
            console: name,
            fault,
            detail,
            hostname: seen.hostname.clone(),
            answer_ms: seen.answer.and_then(|span| u64::try_from(span.as_millis()).ok()),
        });
    }

    /// Nothing leads back from this console: told, and it passes no more.
    fn not_left(&mut self, index: usize, why: &str, said: &str) {
        if let Some(record) = &mut self.found[index] {
            let detail = format!("could not be left again: {why}");
            if record.fault.is_none() {
                record.fault = Some(Fault::LogoutUnproven);
                record.detail = detail;
            } else {
                record.detail = format!("{}; {detail}", record.detail);
            }
        }
        if !said.trim().is_empty() {
            self.keep(index, &format!("after the escape:\n{said}"));
        }
    }

    fn keep(&mut self, index: usize, said: &str) {
        let from = said.len().saturating_sub(KEPT_MAX);
        let from = (from..=said.len()).find(|at| said.is_char_boundary(*at)).unwrap_or(said.len());
        let label = self.label(index);
        // Writing to a String does not fail.
        let _ = write!(self.transcript, "\n---- {label} ----\n{}\n", said[from..].trim_end());
    }

    fn label(&self, index: usize) -> String {
        let Behind { name, port, .. } = &self.consoles[index];
        if name == port { format!("console {name}") } else { format!("console {name} (port {port})") }
    }

    /// What was found so far.
    pub(super) fn found(&self) -> Found {
        let why = self.stopped.as_ref().map_or_else(String::new, |(_, why)| why.clone());
        let skipped = |behind: &Behind| skipped(behind, &why);
        let consoles: Vec<ConsoleRecord> = self
            .found
            .iter()
            .zip(&self.consoles)
            .map(|(found, behind)| found.clone().unwrap_or_else(|| skipped(behind)))
            .collect();
        Found {
            verdict: self.verdict(&consoles),
            consoles,
            home: self.home.as_ref().map(|(prompt, _)| *prompt),
            home_line: self.home.as_ref().map(|(_, line)| line.clone()).unwrap_or_default(),
            at: self.last_seen,
            transcript: self.transcript.clone(),
        }
    }

    /// The call's verdict: the first console that did not pass, a failing one before one that was not reached, and that
    /// before one that could only not be left.
    fn verdict(&self, consoles: &[ConsoleRecord]) -> Option<(Fault, String)> {
        let passed = consoles.iter().filter(|record| record.fault.is_none()).count();
        let skipped = consoles.iter().filter(|record| record.fault == Some(Fault::Skipped)).count();
        let missed = if skipped == 0 { String::new() } else { format!(", {skipped} not reached") };
        let count = format!("{passed} of {} consoles passed{missed}", consoles.len());
        let of = |result: Verdict| {
            let at =
                consoles.iter().position(|record| record.fault.is_some_and(|f| f.verdict() == result))?;
            let fault = consoles[at].fault?;
            Some((fault, format!("{}: {}; {count}", self.label(at), consoles[at].detail)))
        };
        of(Verdict::Fail)
            .or_else(|| {
                let missing = consoles.iter().any(|record| record.fault == Some(Fault::Skipped));
                let (fault, why) = self.stopped.as_ref().filter(|_| missing)?;
                Some((*fault, format!("{why}; {count}")))
            })
            .or_else(|| of(Verdict::Untested))
            .or_else(|| of(Verdict::Degraded))
    }
}

/// A console that a call did not come to.
pub(crate) fn skipped(behind: &Behind, why: &str) -> ConsoleRecord {
    let detail = if why.is_empty() { "not reached".to_owned() } else { format!("not reached: {why}") };
    ConsoleRecord {
        console: behind.name.clone(),
        fault: Some(Fault::Skipped),
        detail,
        hostname: None,
        answer_ms: None,
    }
}
