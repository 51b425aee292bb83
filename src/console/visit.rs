//! One console behind a console server, from its choice until we know enough of it: a pure machine that can do nothing but
//! listen and ask for a CR. Nobody logs in there: the call's one password was the console server's.
//!
//! What a console prints is hostile. Whatever it shows, a menu of the console server or its refusals included, makes us
//! type nothing; it only changes what is said of the console, and whether its server can still be believed afterwards.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Fault, Hostname, Mono};

use super::Dialog;
use super::dialog::Way;
use super::legible::Legibility;
use super::matcher::{self, Prompt, Sight, names};
use super::transcript::Screen;
use super::unheard::{Unheard, seconds};

/// Silence behind the choice before the first CR: what a server tells of the connection, and what it has kept of older
/// output, is over by then.
const FIRST_CR_AFTER: Duration = Duration::from_secs(1);
/// The first CR goes out at the latest so long after the connection, however much is printed.
const FIRST_CR_LATEST: Duration = Duration::from_secs(3);
/// CRs at most.
const CRS_MAX: u32 = 6;
/// Rest before a prompt is believed: our CR may have crossed one that was late.
const SETTLE: Duration = Duration::from_secs(1);

/// Limits of one visit.
#[derive(Debug, Clone, Copy)]
pub(super) struct VisitLimits {
    /// Choice until connected.
    pub(super) choose: Duration,
    /// Connected until a prompt.
    pub(super) console: Duration,
    /// Bytes of all of it.
    pub(super) bytes_max: usize,
}

/// What a visit asks for.
pub(super) enum Wish {
    /// A CR. There is nothing else that it could ask for.
    Return,
    /// It has seen enough.
    Over(Box<Seen>),
}

/// What was seen of a console.
pub(super) struct Seen {
    /// What is wrong; absent is a pass.
    pub(super) verdict: Option<(Fault, String)>,
    /// The host that it named.
    pub(super) hostname: Option<String>,
    /// From the choice to the answer.
    pub(super) answer: Option<Duration>,
    /// When the answer came; without one, when it was waited for no more.
    pub(super) at: Mono,
    /// How we stand to the console server now.
    pub(super) stands: Stands,
    /// All that came.
    pub(super) screen: Screen,
}

/// How we stand to the console server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// It may have connected us: the escape comes next.
    Connected,
    /// It refused, and its prompt is back.
    Home,
    /// It asks something else, or its own prompt was seen where only a console can print it: nothing that it shows from
    /// here on would prove anything.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The server has not told yet.
    Choosing,
    /// Connected, and no CR was sent.
    Listening,
    /// Woken.
    Looking,
}

/// The machine.
pub(super) struct Visit {
    server: Arc<Dialog>,
    console: Arc<Dialog>,
    expected: Option<Hostname>,
    /// The line at which the choice was typed.
    home: String,
    limits: VisitLimits,
    begun: Mono,
    connected: Mono,
    now: Mono,
    limit_at: Mono,
    phase: Phase,
    screen: Screen,
    legible: Legibility,
    bytes: usize,
    /// Text before this is the server's.
    console_from: usize,
    /// Text before this is not the console's answer to our CRs.
    mark: usize,
    last_rx: Mono,
    last_tx: Mono,
    look_at: Option<Mono>,
    crs: u32,
    /// The server's prompt stood where only a console could print it.
    faked: bool,
    host: Option<String>,
    fits: bool,
}

impl Visit {
    /// Begins when the choice goes out.
    pub(super) fn new(
        server: Arc<Dialog>,
        console: Arc<Dialog>,
        expected: Option<Hostname>,
        home: String,
        limits: VisitLimits,
        now: Mono,
    ) -> Self {
        let mut visit = Self {
            server,
            console,
            expected,
            home,
            limits,
            begun: now,
            connected: now,
            now,
            limit_at: now + limits.choose,
            phase: Phase::Choosing,
            screen: Screen::new(),
            legible: Legibility::default(),
            bytes: 0,
            console_from: 0,
            mark: 0,
            last_rx: now,
            last_tx: now,
            look_at: None,
            crs: 0,
            faked: false,
            host: None,
            fits: false,
        };
        if !visit.tells_of_connections() {
            visit.connect();
        }
        visit
    }

    fn ports(&self) -> Option<&super::dialog::Ports> {
        self.server.ports.as_ref()
    }

    fn tells_of_connections(&self) -> bool {
        self.ports().is_some_and(|ports| !ports.connected.is_empty())
    }

    /// From here on all that comes is the console's.
    fn connect(&mut self) {
        self.phase = Phase::Listening;
        self.connected = self.now;
        self.limit_at = self.now + self.limits.console;
    }

    /// When it must be called again if nothing comes.
    pub(super) fn deadline(&self) -> Mono {
        [Some(self.limit_at), self.look_at, self.idle_at()]
            .into_iter()
            .flatten()
            .fold(self.limit_at, Mono::min)
    }

    /// When silence is answered with a CR.
    fn idle_at(&self) -> Option<Mono> {
        let active = self.last_rx.max(self.last_tx);
        match self.phase {
            Phase::Listening => {
                Some((active.max(self.connected) + FIRST_CR_AFTER).min(self.connected + FIRST_CR_LATEST))
            }
            Phase::Looking if self.look_at.is_none() && self.crs < self.console.wake_times.max(1) => {
                Some(active + self.console.wake_after)
            }
            Phase::Choosing | Phase::Looking => None,
        }
    }

    /// A byte came.
    pub(super) fn take(&mut self, now: Mono, byte: u8) -> Option<Wish> {
        self.now = now;
        self.screen.feed(byte);
        if self.phase != Phase::Choosing {
            self.legible.feed(byte);
        }
        self.bytes += 1;
        self.last_rx = now;
        if self.bytes >= self.limits.bytes_max {
            return Some(self.too_much());
        }
        self.look_at = Some(now + self.console.settle.max(self.server.settle));
        None
    }

    /// Time has passed: does the one thing that is due first, if anything is.
    pub(super) fn time(&mut self, now: Mono) -> Option<Wish> {
        self.now = now;
        let due = self.deadline();
        if due > now {
            return None;
        }
        if self.look_at == Some(due) {
            self.look_at = None;
            self.look()
        } else if self.idle_at() == Some(due) {
            Some(self.cr())
        } else {
            Some(self.limit_reached())
        }
    }

    fn cr(&mut self) -> Wish {
        if self.phase == Phase::Listening {
            // What came before may be older than the call: a server keeps what a console printed.
            self.note_faked();
            self.legible = Legibility::default();
            self.phase = Phase::Looking;
        }
        self.crs += 1;
        self.last_tx = self.now;
        self.look_at = None;
        self.mark = self.screen.fix();
        Wish::Return
    }

    fn rested(&mut self, rest: Duration) -> bool {
        let at = self.last_rx + rest;
        if at <= self.now {
            return true;
        }
        self.look_at = Some(at);
        false
    }

    fn look(&mut self) -> Option<Wish> {
        match self.phase {
            Phase::Choosing => self.look_for_connection(),
            Phase::Listening => self.look_for_refusal(),
            Phase::Looking => self.look_for_prompt(),
        }
    }

    // --- the server's own words

    fn look_for_connection(&mut self) -> Option<Wish> {
        let text = self.screen.since(0);
        let ports = self.server.ports.as_ref()?;
        let connected = ports.connected.earliest(text);
        let refusal = self.refusal(text);
        if let Some(at) = connected.filter(|at| refusal.as_ref().is_none_or(|(said, ..)| at < said)) {
            self.console_from = text[at..].find('\n').map_or(text.len(), |end| at + end);
            self.connect();
            return None;
        }
        let sight = matcher::look(&self.server, text);
        let is_home = sight.prompt.is_some() && sight.line == self.home;
        if is_home {
            if !self.rested(SETTLE) {
                return None;
            }
            let verdict = refusal.map_or_else(|| self.unknown_refusal(), |(_, fault, said)| (fault, said));
            return Some(self.over(Some(verdict), Stands::Home));
        }
        if sight.prompt == Some(Prompt::PressReturn) && self.crs < CRS_MAX && self.rested(self.server.settle)
        {
            self.crs += 1;
            self.last_tx = self.now;
            return Some(Wish::Return);
        }
        None
    }

    /// A server that does not tell when it has connected: what is said before our first CR may be its refusal, or a console's
    /// text that looks like one. It is told, and believed no further than that.
    fn look_for_refusal(&mut self) -> Option<Wish> {
        if self.tells_of_connections() {
            return None;
        }
        let (_, fault, said) = self.refusal(self.screen.since(0))?;
        self.rested(SETTLE).then(|| self.answered(Some((fault, said))))
    }

    /// What the server says against the choice: where it stands, and what it means.
    fn refusal(&self, text: &str) -> Option<(usize, Fault, String)> {
        let ports = self.ports()?;
        let table = [
            (&ports.busy, Fault::ConsoleBusy, "the console server says that the port is taken"),
            (&ports.unknown, Fault::WrongConsole, "the console server knows no such port"),
            (&ports.off, Fault::ConsoleSilent, "the console server says that nothing is there"),
        ];
        table.into_iter().find_map(|(patterns, fault, what)| {
            let found = patterns.find(text)?;
            Some((found.start, fault, format!("{what}: \"{}\"", found.text.trim())))
        })
    }

    /// Its prompt came back, and no pattern knows why.
    fn unknown_refusal(&self) -> (Fault, String) {
        let text = self.screen.since(0);
        let said = text.lines().rev().map(str::trim).find(|line| !line.is_empty() && *line != self.home);
        let said = said.map(|line| format!(": \"{line}\"")).unwrap_or_default();
        (
            Fault::WrongConsole,
            format!("the console server did not connect it, and asks for the next one{said}"),
        )
    }

    // --- the console's

    fn look_for_prompt(&mut self) -> Option<Wish> {
        let text = self.screen.since(self.mark);
        let sight = matcher::look(&self.console, text);
        let banner = matcher::banner(&self.console, text, |host| self.is_other(host));
        if let Some(wrong) = self.meet(banner.as_deref()) {
            return Some(self.answered(Some(wrong)));
        }
        match sight.prompt {
            Some(Prompt::Username | Prompt::Password) => {
                self.rested(SETTLE).then(|| self.login_prompt(&sight))
            }
            Some(Prompt::Command) => self.rested(SETTLE).then(|| self.open(&sight, "command prompt")),
            Some(Prompt::Menu(index)) => {
                if !self.rested(SETTLE) {
                    return None;
                }
                Some(match self.console.menus[index].way {
                    Way::Enter(_) => self.login_prompt(&sight),
                    Way::Leave(_) => self.open(&sight, "menu"),
                })
            }
            Some(Prompt::Boot) => self.rested(SETTLE).then(|| {
                self.answered(Some((Fault::BootPrompt, format!("boot loader's prompt \"{}\"", sight.line))))
            }),
            Some(Prompt::PressReturn) if self.crs < CRS_MAX => Some(self.cr()),
            // No answer of these is a CR.
            Some(Prompt::PressReturn | Prompt::Pager | Prompt::Question(_)) => None,
            None => self.look_for_words(&sight),
        }
    }

    /// No prompt that the console's dialog knows: a text that decides, or the server's prompt.
    fn look_for_words(&mut self, sight: &Sight) -> Option<Wish> {
        if sight.line == self.home {
            return self.rested(SETTLE).then(|| self.servers_prompt());
        }
        let text = self.screen.since(self.mark);
        let says = matcher::says_before_login(&self.console, text);
        match says {
            Some(says) if self.rested(SETTLE) => Some(self.answered(Some(says))),
            _ => None,
        }
    }

    fn is_other(&self, host: &str) -> bool {
        self.expected.as_ref().is_some_and(|expected| !names(expected, host))
    }

    /// Notes a host that was named; says what is wrong if it is another one.
    fn meet(&mut self, host: Option<&str>) -> Option<(Fault, String)> {
        let host = host?;
        self.host = Some(host.to_owned());
        match &self.expected {
            Some(expected) if !names(expected, host) => {
                Some((Fault::WrongConsole, format!("answered as \"{host}\", expected \"{expected}\"")))
            }
            Some(_) => {
                self.fits = true;
                None
            }
            None => None,
        }
    }

    fn login_prompt(&mut self, sight: &Sight) -> Wish {
        if let Some(wrong) = self.meet(sight.host.as_deref()) {
            return self.answered(Some(wrong));
        }
        let Some(expected) = self.expected.as_ref().filter(|_| !self.fits) else {
            return self.answered(None);
        };
        if self.crs < self.console.wake_times.max(1) {
            // A name may stand above the next one.
            return self.cr();
        }
        let detail = format!(
            "a login prompt is there, but neither it nor a banner names a host; expected \"{expected}\""
        );
        self.answered(Some((Fault::WrongConsole, detail)))
    }

    fn open(&mut self, sight: &Sight, what: &str) -> Wish {
        if sight.line == self.home {
            return self.servers_prompt();
        }
        let verdict = match self.meet(sight.host.as_deref()) {
            Some((fault, detail)) => (fault, format!("{detail}; its {what} stands open without a login")),
            None => (Fault::OpenConsole, format!("{what} \"{}\" without a login", sight.line)),
        };
        self.answered(Some(verdict))
    }

    /// What stands there is the console server's own prompt, word for word: the connection is gone, or the console shows it.
    fn servers_prompt(&mut self) -> Wish {
        let detail = format!("what answers is the prompt of the console server itself: \"{}\"", self.home);
        self.faked = true;
        self.answered(Some((Fault::WrongConsole, detail)))
    }

    // --- ends

    fn limit_reached(&mut self) -> Wish {
        let within = seconds(self.limit_at.since(if self.phase == Phase::Choosing {
            self.begun
        } else {
            self.connected
        }));
        let from = if self.phase == Phase::Looking { self.mark } else { 0 };
        let line = matcher::look(&self.console, self.screen.since(from)).line;
        let last = if line.is_empty() { line } else { format!("; last line \"{line}\"") };
        if self.phase == Phase::Choosing {
            let refusal = self.refusal(self.screen.since(0));
            let stands = if refusal.is_some() { Stands::Unknown } else { Stands::Connected };
            let verdict = refusal.map_or_else(
                || {
                    let detail = format!(
                        "the console server said neither that it was connected nor that it was not within {within}{last}"
                    );
                    (if last.is_empty() { Fault::ConsoleSilent } else { Fault::LoginTimeout }, detail)
                },
                |(_, fault, said)| (fault, format!("{said}; then it did not ask for the next one")),
            );
            return self.over(Some(verdict), stands);
        }
        if self.fits {
            // Its banner has proven it, whatever it waits for.
            return self.answered(None);
        }
        let unheard = Unheard { legible: &self.legible, wakes: self.crs, within: &within, last: &last };
        let verdict = unheard.why(self.screen.since(from), "");
        self.over(Some(verdict), Stands::Connected)
    }

    fn too_much(&mut self) -> Wish {
        let verdict = self.legible.garbage().map_or_else(
            || {
                let detail = format!("endless output: {} bytes and no prompt at their end", self.bytes);
                (Fault::LoginTimeout, detail)
            },
            |garbage| (Fault::Garbage, garbage),
        );
        self.over(Some(verdict), Stands::Connected)
    }

    /// It is cut short for a reason that is not its own.
    pub(super) fn stop(&mut self, now: Mono, fault: Fault, why: &str) -> Seen {
        self.now = now;
        self.seen(Some((fault, why.to_owned())), None, Stands::Connected)
    }

    fn answered(&mut self, verdict: Option<(Fault, String)>) -> Wish {
        let answer = Some(self.last_rx.since(self.begun));
        Wish::Over(Box::new(self.seen(verdict, answer, Stands::Connected)))
    }

    fn over(&mut self, verdict: Option<(Fault, String)>, stands: Stands) -> Wish {
        Wish::Over(Box::new(self.seen(verdict, None, stands)))
    }

    fn seen(&mut self, verdict: Option<(Fault, String)>, answer: Option<Duration>, stands: Stands) -> Seen {
        if stands == Stands::Connected {
            self.note_faked();
        }
        let shows = || {
            let detail = format!("it shows the prompt of the console server itself: \"{}\"", self.home);
            (Fault::WrongConsole, detail)
        };
        let verdict = verdict.or_else(|| self.faked.then(shows));
        self.screen.flush();
        Seen {
            verdict,
            hostname: self.host.take(),
            answer,
            at: if answer.is_some() { self.last_rx } else { self.now },
            stands: if self.faked { Stands::Unknown } else { stands },
            screen: std::mem::replace(&mut self.screen, Screen::new()),
        }
    }

    /// Looks for the server's prompt among all that the console has printed.
    fn note_faked(&mut self) {
        if self.phase != Phase::Choosing {
            let text = self.screen.since(self.console_from);
            self.faked |= text.lines().any(|line| line.trim() == self.home);
        }
    }
}
