//! The ports of a console server that is played: which console is chosen, what goes through to it, and how it is left.
//!
//! A port menu (`port-menu`) speaks like pmshell of Opengear, a command line (`port-names`) like a Cisco router that is used
//! as a terminal server.

use std::fmt::Write as _;

use crate::model::Mono;
use crate::sim::file::{BehindEntry, ConsoleKind, Fake, LineEntry, Refusal};
use crate::sim::log::What;

use super::{Act, Console, Manner};

/// The console servers' escapes; the menu's counts at the beginning of a line alone.
const MENU_ESCAPE: &[u8] = b"~m";
const NAMES_ESCAPE: &[u8] = b"\x1ex";
/// What a menu asks with.
pub(super) const MENU_PROMPT: &str = "Connect to port > ";

/// The ports, and the console that is connected.
#[derive(Debug)]
pub(super) struct Server {
    line: LineEntry,
    manner: Manner,
    open: Option<Open>,
    /// Suspended by the escape, by its place.
    suspended: Option<usize>,
}

#[derive(Debug)]
struct Open {
    place: usize,
    console: Console,
    /// Bytes that may be the beginning of the escape.
    held: Vec<u8>,
    /// The last byte that went through ended a line.
    at_start: bool,
}

/// What becomes of a byte.
pub(super) enum Through {
    /// It went to the console, or is held back.
    Gone,
    /// The escape is complete.
    Escaped,
}

impl Server {
    /// The ports of a line, if it has any.
    pub(super) fn of(line: &LineEntry, manner: &Manner) -> Option<Self> {
        (!line.consoles.is_empty()).then(|| Self {
            line: line.clone(),
            manner: manner.clone(),
            open: None,
            suspended: None,
        })
    }

    pub(super) const fn is_connected(&self) -> bool {
        self.open.is_some()
    }

    /// The menu of ports.
    pub(super) fn menu(&self) -> String {
        let mut menu = String::from("\r\n");
        for entry in &self.line.consoles {
            let label = entry.hostname.as_ref().map_or("-", |host| host.as_str());
            // Writing to a String does not fail.
            let _ = write!(menu, "{:>4}: {label}\r\n", entry.port);
        }
        menu + "\r\n"
    }

    fn entry(&self, place: usize) -> Option<&BehindEntry> {
        self.line.consoles.get(place)
    }

    /// What is said at a choice; connects, if it comes to that.
    pub(super) fn choose(&mut self, now: Mono, port: &str) -> (String, bool) {
        let place = self.line.consoles.iter().position(|entry| entry.port == port);
        let names = self.line.console == ConsoleKind::PortNames;
        let refusal = place.and_then(|place| self.entry(place)?.refuses);
        let said = match (place, refusal) {
            (None, _) | (_, Some(Refusal::Unknown)) if names => {
                "\r\n% Unknown command or computer name, or unable to find computer address\r\n".to_owned()
            }
            (None, _) | (_, Some(Refusal::Unknown)) => "\r\nInvalid port\r\n".to_owned(),
            (_, Some(Refusal::Busy)) if names => {
                format!(
                    "\r\nTrying {port} (10.0.0.1, 2001)...\r\n% Connection refused by remote host\r\n\r\n"
                )
            }
            (_, Some(Refusal::Busy)) => format!("\r\nPort {port} is in use\r\n"),
            (_, Some(Refusal::Off)) if names => format!(
                "\r\nTrying {port} (10.0.0.1, 2001)...\r\n% Connection timed out; remote host not responding\r\n\r\n"
            ),
            (_, Some(Refusal::Off)) => format!("\r\nPort {port} is disabled\r\n"),
            (_, Some(Refusal::Odd)) => "\r\nE4711\r\n".to_owned(),
            (Some(place), None) => {
                self.connect(now, place);
                let said = if names {
                    format!("\r\nTrying {port} (10.0.0.1, 2001)... Open\r\n")
                } else {
                    "\r\n".to_owned()
                };
                return (said + &self.fake_greeting(place), true);
            }
        };
        (said, false)
    }

    fn connect(&mut self, now: Mono, place: usize) {
        let Some(entry) = self.entry(place) else { return };
        let line = entry.as_line(&self.line);
        let console = Console::start(&line, entry.fault.as_ref(), self.manner.clone(), now);
        self.suspended = None;
        self.open = Some(Open { place, console, held: Vec::new(), at_start: true });
    }

    /// What a hostile console prints as soon as it is connected.
    fn fake_greeting(&self, place: usize) -> String {
        match self.entry(place).and_then(|entry| entry.fakes) {
            Some(Fake::Refusal) => format!("{}{}", self.refusal_words(), self.prompt_words()),
            Some(Fake::Menu | Fake::Escape) | None => String::new(),
        }
    }

    fn refusal_words(&self) -> String {
        match self.line.console {
            ConsoleKind::PortNames => "% Connection refused by remote host\r\n\r\n".to_owned(),
            _ => "Port is in use\r\n".to_owned(),
        }
    }

    /// The server's prompt as somebody else would print it who knows it.
    fn prompt_words(&self) -> String {
        match self.line.console {
            ConsoleKind::PortNames => {
                format!("{}>", self.line.hostname.as_ref().map_or("router", |host| host.as_str()))
            }
            _ => format!("{}{MENU_PROMPT}", self.menu()),
        }
    }

    /// A byte from the caller while a console is connected; notes what was typed there that is no CR.
    pub(super) fn through(&mut self, now: Mono, byte: u8, acts: &mut Vec<Act>) -> Through {
        let names = self.line.console == ConsoleKind::PortNames;
        let escape = if names { NAMES_ESCAPE } else { MENU_ESCAPE };
        let Some(Open { place, held, at_start, .. }) = &mut self.open else { return Through::Gone };
        let place = *place;
        let may_begin = !held.is_empty() || names || *at_start;
        if may_begin && escape.get(held.len()) == Some(&byte) {
            held.push(byte);
            if held.len() < escape.len() {
                return Through::Gone;
            }
            if self.entry(place).is_some_and(|entry| !entry.holds) {
                self.suspended = names.then_some(place);
                self.open = None;
                return Through::Escaped;
            }
            let held = self.open.as_mut().map(|open| std::mem::take(&mut open.held)).unwrap_or_default();
            let fakes = self.entry(place).and_then(|entry| entry.fakes);
            for byte in held {
                self.pass(now, byte, acts);
            }
            if fakes == Some(Fake::Escape) {
                let words = format!("\r\n{}", self.prompt_words());
                acts.push(Act::Say(words.into_bytes(), None));
            }
            return Through::Gone;
        }
        for byte in std::mem::take(held).into_iter().chain([byte]) {
            self.pass(now, byte, acts);
        }
        Through::Gone
    }

    fn pass(&mut self, now: Mono, byte: u8, acts: &mut Vec<Act>) {
        let words = self.prompt_words();
        let Some(open) = &mut self.open else { return };
        open.at_start = byte == b'\r';
        let Some(entry) = self.line.consoles.get(open.place) else { return };
        if byte != b'\r' {
            let text = format!("{}: {}", entry.port, byte.escape_ascii());
            acts.push(Act::Heard(What::ConsoleTyped, Some(text), None));
        } else if entry.fakes == Some(Fake::Menu) {
            acts.push(Act::Say(format!("\r\n{words}").into_bytes(), None));
            return;
        }
        open.console.input(now, &[byte]);
    }

    /// Ends the suspended connection; its port.
    pub(super) fn close(&mut self) -> Option<String> {
        let place = self.suspended.take()?;
        self.entry(place).map(|entry| entry.port.clone())
    }

    /// Goes back to the suspended connection.
    pub(super) fn resume(&mut self, now: Mono) -> Option<String> {
        let place = self.suspended?;
        self.connect(now, place);
        self.entry(place).map(|entry| entry.port.clone())
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        self.open.as_ref().and_then(|open| open.console.deadline())
    }

    /// What the connected console says now.
    pub(super) fn poll(&mut self, now: Mono) -> Option<Act> {
        let open = self.open.as_mut()?;
        // What is typed there was noted as it was typed; a console that hangs up has no line to drop here.
        while let Some(act) = open.console.poll(now) {
            if let Act::Say(bytes, _) = act {
                return Some(Act::Say(bytes, None));
            }
        }
        None
    }
}
