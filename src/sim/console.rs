//! What speaks behind a line: consoles of each family, and all that can be wrong with one. Pure.
//!
//! Their words are those of modems.md 7. A console speaks with delays; whoever drives it takes what is due.

mod server;
mod words;

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Mono;

use super::fault::{FaultEntry, FaultKind};
use super::file::{AfterLogout, ConsoleKind, LineEntry};
use super::log::What;
use server::{MENU_PROMPT, Server, Through};
use words::Words;

/// A login that is not completed in this time ends the session.
const LOGIN_LIMIT: Duration = Duration::from_secs(60);
/// Wrong passwords before IOS drops the line.
const TRIES: u32 = 3;
/// Bytes of one burst of a flood, and the span between two at full pace.
const FLOOD_BYTES: usize = 512;
const FLOOD_EVERY: Duration = Duration::from_millis(50);
/// Longest line that is kept of what is typed.
const TYPED_LEN_MAX: usize = 256;

/// What a console does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It says this; the event, if any, is what these bytes show.
    Say(Vec<u8>, Option<What>),
    /// Something came in; the text is what was typed (never a password), the flag whether it was right.
    Heard(What, Option<String>, Option<bool>),
    /// It drops the line.
    Drop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is said before a CR.
    Asleep,
    Username,
    Password,
    Shell,
    /// A menu in place of a shell.
    Menu,
    /// Asks whether to log out.
    AskLogout,
    /// Asks whether to save, on the way out.
    AskSave,
    /// Asks whether to close a suspended connection.
    AskClose,
    /// A password prompt that nobody should answer.
    NewPassword,
    Boot,
    /// Nothing comes any more.
    Mute,
    Echo,
    Flood,
    Noise,
}

/// A console during one call.
#[derive(Debug)]
pub struct Console {
    kind: ConsoleKind,
    words: Words,
    host: String,
    username: Option<String>,
    password: Option<String>,
    banner: Option<String>,
    after_logout: AfterLogout,
    syslog: bool,
    fault: Option<FaultEntry>,
    login_limit: Duration,
    think: Duration,
    pace: f64,
    chance: fastrand::Rng,
    state: State,
    typed: Vec<u8>,
    after_cr: bool,
    user: String,
    wrong: u32,
    boots: u32,
    login_due: Option<Mono>,
    /// The consoles behind it.
    server: Option<Box<Server>>,
    queue: VecDeque<(Mono, Act)>,
}

/// What a console needs of its exchange.
#[derive(Debug, Clone)]
pub struct Manner {
    /// CONNECT to first character.
    pub prompt: Duration,
    /// Thinking time.
    pub think: Duration,
    /// The exchange's pace.
    pub pace: f64,
    /// Chance for noise.
    pub chance: fastrand::Rng,
}

impl Console {
    /// The console of a line, at the instant of CONNECT.
    pub fn start(line: &LineEntry, fault: Option<&FaultEntry>, manner: Manner, now: Mono) -> Self {
        let kind = fault.map(|f| f.kind);
        let words = Words::of(line.console);
        let mut host = line.hostname.as_ref().map_or_else(|| words.host.to_owned(), ToString::to_string);
        if kind == Some(FaultKind::WrongHost) {
            host = fault.and_then(|f| f.text.clone()).unwrap_or_else(|| "some-other-host".to_owned());
        }
        let think = if kind == Some(FaultKind::Noisy) { manner.think * 10 } else { manner.think };
        let server = Server::of(line, &manner).map(Box::new);
        let mut console = Self {
            kind: line.console,
            after_logout: line.after_logout.unwrap_or(words.after_logout),
            words,
            host,
            username: line.username.clone(),
            password: line.password.clone(),
            banner: line.banner.clone(),
            syslog: line.syslog,
            fault: fault.cloned(),
            login_limit: line.login_limit.unwrap_or(LOGIN_LIMIT),
            think,
            pace: manner.pace,
            chance: manner.chance,
            state: State::Mute,
            typed: Vec::new(),
            after_cr: false,
            user: String::new(),
            wrong: 0,
            boots: 0,
            login_due: None,
            server,
            queue: VecDeque::new(),
        };
        console.begin(now, now + manner.prompt, line.wake);
        console
    }

    fn begin(&mut self, now: Mono, at: Mono, wake: bool) {
        if self.kind == ConsoleKind::None {
            return;
        }
        match self.fault.as_ref().map(|f| f.kind) {
            Some(FaultKind::Silent) => {}
            Some(FaultKind::Garbage) => {
                self.state = State::Noise;
                self.noise(at);
            }
            Some(FaultKind::Flood) => {
                self.state = State::Flood;
                self.flood(at);
            }
            Some(FaultKind::Echo) => self.state = State::Echo,
            Some(FaultKind::OpenConsole) => {
                self.state = State::Shell;
                let prompt = format!("\r\n{}", self.words.open_prompt(&self.host));
                self.say(at, &prompt, None);
            }
            Some(FaultKind::BootPrompt) => {
                self.state = State::Boot;
                self.boot(at);
            }
            Some(FaultKind::ConsoleBusy) => self.say_and_drop(at, self.words.busy),
            Some(FaultKind::LoginUnavailable) if self.words.unavailable_first => {
                self.say_and_drop(at, self.words.unavailable);
            }
            _ if wake => {
                self.state = State::Asleep;
                self.login_due = Some(now + self.login_limit);
            }
            _ => self.greet(at),
        }
    }

    /// The login prompt, or what asks for a key in front of it.
    fn greet(&mut self, at: Mono) {
        if self.words.press.is_empty() {
            self.login_prompt(at, "");
        } else {
            self.state = State::Asleep;
            self.login_due = Some(at + self.login_limit);
            self.say(at, self.words.press, None);
        }
    }

    /// When it has something to say or to do.
    pub fn deadline(&self) -> Option<Mono> {
        let speech = self.queue.front().map(|(at, _)| *at);
        let behind = self.server.as_ref().and_then(|server| server.deadline());
        [speech, self.login_due, behind].into_iter().flatten().min()
    }

    /// What is due.
    pub fn poll(&mut self, now: Mono) -> Option<Act> {
        if self.login_due.is_some_and(|due| due <= now) {
            self.login_due = None;
            self.state = State::Mute;
            let text = self.words.timed_out;
            self.say_and_drop(now, text);
        }
        if self.queue.front().is_none_or(|(at, _)| *at > now) {
            return self.server.as_mut().and_then(|server| server.poll(now));
        }
        let (at, act) = self.queue.pop_front()?;
        if self.state == State::Flood && self.queue.is_empty() && matches!(act, Act::Say(..)) {
            let every = FLOOD_EVERY.mul_f64(self.pace).max(Duration::from_millis(1));
            self.flood(at + every);
        }
        Some(act)
    }

    /// Bytes from the caller.
    pub fn input(&mut self, now: Mono, bytes: &[u8]) {
        for &byte in bytes {
            if self.server.as_ref().is_some_and(|server| server.is_connected()) {
                self.through(now, byte);
                continue;
            }
            match self.state {
                State::Mute | State::Flood => {}
                State::Echo => self.raw(now + self.think, vec![byte]),
                State::Noise => self.noise(now + self.think),
                _ => self.typed(now, byte),
            }
        }
    }

    fn typed(&mut self, now: Mono, byte: u8) {
        let at = now + self.think;
        let cr = byte == b'\r';
        let lf_of_cr = byte == b'\n' && self.after_cr;
        self.after_cr = cr;
        if matches!(self.state, State::Menu | State::AskLogout | State::AskSave | State::AskClose) {
            self.key(at, byte);
            return;
        }
        match byte {
            b'\n' if lf_of_cr => {}
            b'\r' | b'\n' => {
                let typed = String::from_utf8_lossy(&std::mem::take(&mut self.typed)).into_owned();
                self.line(at, &typed);
            }
            0x08 | 0x7f => {
                let erased = self.typed.pop().is_some();
                if erased && self.state == State::Shell {
                    self.raw(at, b"\x08 \x08".to_vec());
                }
            }
            // Ctrl-C: what was typed is not run.
            0x03 if self.state == State::Shell => {
                self.typed.clear();
                let prompt = self.words.prompt(&self.host, &self.user);
                self.say(at, &format!("^C\r\n{prompt}"), None);
            }
            0x04 if self.state == State::Shell && self.kind == ConsoleKind::Linux => self.logout(at),
            b' '..=b'~' => {
                if self.typed.len() < TYPED_LEN_MAX {
                    self.typed.push(byte);
                }
                if !matches!(self.state, State::Password | State::NewPassword | State::Asleep) {
                    self.raw(at, vec![byte]);
                }
            }
            _ => {}
        }
    }

    fn line(&mut self, at: Mono, typed: &str) {
        match self.state {
            State::Asleep => self.login_prompt(at, "\r\n"),
            State::Username => {
                if typed.trim().is_empty() {
                    self.login_prompt(at, "\r\n");
                    return;
                }
                typed.trim().clone_into(&mut self.user);
                self.heard(at, What::Username, Some(typed.trim().to_owned()), None);
                self.state = State::Password;
                self.say(at, "\r\n", None);
                self.noise_line(at);
                self.say(at, "Password: ", None);
            }
            State::Password => self.password(at, typed),
            State::NewPassword => {
                self.heard(at, What::Password, None, Some(false));
                self.say_and_drop(at, "\r\nPassword change aborted\r\n");
            }
            State::Boot => self.boot(at),
            State::Shell => self.shell(at, typed.trim()),
            // Keys were taken before a line came about; the rest hears nothing.
            State::Menu
            | State::AskLogout
            | State::AskSave
            | State::AskClose
            | State::Mute
            | State::Echo
            | State::Flood
            | State::Noise => {}
        }
    }

    /// One key, where no line is typed.
    fn key(&mut self, at: Mono, byte: u8) {
        match (self.state, byte) {
            (State::Menu, b'0') => self.ask_logout(at),
            (State::AskLogout, b'y') => {
                self.state = State::AskSave;
                let ask = self.words.asks.map_or("", |asks| asks[1]);
                self.say(at, &format!("y{ask}"), None);
            }
            (State::AskLogout, b'n') => self.inside(at, "n", None),
            (State::AskSave, b'y' | b'n') => {
                if byte == b'y' {
                    self.heard(at, What::Command, Some("saved what somebody left".to_owned()), None);
                }
                self.logged_out(at);
            }
            (State::AskClose, b'y' | b'\r') => {
                if let Some(server) = &mut self.server {
                    server.close();
                }
                self.inside(at, "\r\n", None);
            }
            // Another item of the menu: it would be a screen of its own, and none of ours.
            (State::Menu, b'1'..=b'9') => {
                self.heard(at, What::Command, Some(char::from(byte).to_string()), None);
            }
            _ => {}
        }
    }

    fn ask_logout(&mut self, at: Mono) {
        match self.words.asks {
            Some([ask, _]) => {
                self.heard(at, What::Logout, None, None);
                self.state = State::AskLogout;
                self.say(at, ask, None);
            }
            None => self.logout(at),
        }
    }

    /// The command prompt, or the menu in its place.
    fn inside(&mut self, at: Mono, before: &str, shows: Option<What>) {
        let ports = self.server.as_ref().filter(|_| self.kind == ConsoleKind::PortMenu);
        let (text, state) = match self.words.menu {
            _ if ports.is_some() => {
                (ports.map(|server| server.menu()).unwrap_or_default() + MENU_PROMPT, State::Shell)
            }
            Some(menu) => (menu.replace("{host}", &self.host), State::Menu),
            None => (self.words.prompt(&self.host, &self.user), State::Shell),
        };
        self.state = state;
        self.say(at, &format!("{before}{text}"), shows);
    }

    fn login_prompt(&mut self, at: Mono, before: &str) {
        self.typed.clear();
        self.login_due = Some(at + self.login_limit);
        let banner = self.banner.as_ref().map_or_else(
            || self.words.banner.replace("{host}", &self.host),
            |text| format!("\r\n{}\r\n", text.replace('\n', "\r\n").trim_end()),
        );
        self.noise_line(at);
        let (prompt, state) = match &self.username {
            Some(_) => (self.words.login.replace("{host}", &self.host), State::Username),
            None => ("Password: ".to_owned(), State::Password),
        };
        self.state = state;
        self.say(at, &format!("{before}{banner}{prompt}"), Some(What::Prompted));
        self.noise_line(at + self.think * 4);
    }

    fn password(&mut self, at: Mono, typed: &str) {
        let fault = self.fault.as_ref().map(|f| f.kind);
        let known = self.username.as_ref().is_none_or(|u| *u == self.user);
        let right =
            known && self.password.as_deref() == Some(typed) && fault != Some(FaultKind::RefusedPassword);
        self.heard(at, What::Password, None, Some(right));
        match fault {
            Some(FaultKind::LoginStalls) => {
                self.state = State::Mute;
                self.login_due = None;
                self.say(at, "\r\n", None);
                return;
            }
            Some(FaultKind::LoginUnavailable) => {
                self.say_and_drop(at, self.words.unavailable);
                return;
            }
            _ => {}
        }
        if !right {
            self.wrong += 1;
            let at = at + self.words.wrong_delay.mul_f64(self.pace);
            let text = format!("\r\n{}", self.words.refused);
            if self.wrong >= TRIES {
                self.say_and_drop(at, &format!("{text}{}", self.words.too_many));
            } else {
                self.say(at, &text, None);
                self.login_prompt(at, "");
            }
            return;
        }
        if fault == Some(FaultKind::PasswordExpired) {
            self.state = State::NewPassword;
            let text = format!("\r\n{}", self.words.expired);
            self.say(at, &text, None);
            return;
        }
        self.login_due = None;
        self.noise_line(at);
        let motd = self.words.motd.replace("{host}", &self.host);
        self.inside(at, &format!("\r\n{motd}"), Some(What::LoggedIn));
        self.noise_line(at + self.think * 4);
    }

    /// A byte for the console that is connected.
    fn through(&mut self, now: Mono, byte: u8) {
        let Some(server) = &mut self.server else { return };
        let mut acts = Vec::new();
        let through = server.through(now, byte, &mut acts);
        for act in acts {
            self.put(now + self.think, act);
        }
        if matches!(through, Through::Escaped) {
            self.heard(now, What::ConsoleLeft, None, None);
            self.inside(now + self.think, "\r\n", None);
        }
    }

    /// Lines of a console server that are about its ports. True if that was one.
    fn ports(&mut self, at: Mono, typed: &str) -> bool {
        let Some(server) = &mut self.server else { return false };
        let menu = self.kind == ConsoleKind::PortMenu;
        let port = if menu {
            Some(typed).filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
        } else {
            typed.strip_prefix("connect ")
        };
        if let Some(port) = port {
            let (said, connected) = server.choose(at, port);
            self.heard(at, What::ConsoleChosen, Some(port.to_owned()), None);
            if connected {
                self.say(at, &said, None);
            } else {
                self.inside(at, &said, None);
            }
            return true;
        }
        match typed {
            "" if menu => self.inside(at, "\r\n", None),
            // A bare CR goes back to where the escape came from.
            "" => match server.resume(at) {
                Some(port) => self.say(at, &format!("\r\n[Resuming connection 1 to {port} ... ]\r\n"), None),
                None => return false,
            },
            "q" if menu => self.ask_logout(at),
            "disconnect" if !menu => {
                self.state = State::AskClose;
                self.say(at, "\r\nClosing connection [confirm]", None);
            }
            _ => return false,
        }
        true
    }

    fn shell(&mut self, at: Mono, typed: &str) {
        if self.ports(at, typed) {
            return;
        }
        let prompt = self.words.prompt(&self.host, &self.user);
        match typed {
            "" => self.say(at, &format!("\r\n{prompt}"), None),
            "exit" | "logout" | "quit" if typed != "quit" || self.words.quits => self.ask_logout(at),
            other => {
                self.heard(at, What::Command, Some(other.to_owned()), None);
                let reply = self.words.unknown.replace("{word}", other);
                self.say(at, &format!("\r\n{reply}\r\n{prompt}"), None);
            }
        }
    }

    fn logout(&mut self, at: Mono) {
        self.heard(at, What::Logout, None, None);
        self.logged_out(at);
    }

    fn logged_out(&mut self, at: Mono) {
        if self.fault.as_ref().map(|f| f.kind) == Some(FaultKind::LostLogout) {
            self.inside(at, "\r\n", None);
            return;
        }
        self.wrong = 0;
        match self.after_logout {
            AfterLogout::Prompt => {
                self.heard(at, What::LoggedOut, None, None);
                self.login_prompt(at + self.think, "\r\n");
            }
            AfterLogout::Return if !self.words.press.is_empty() => {
                self.heard(at, What::LoggedOut, None, None);
                self.greet(at);
            }
            AfterLogout::Return => {
                self.heard(at, What::LoggedOut, None, None);
                self.state = State::Asleep;
                let text = format!(
                    "\r\n\r\n{} con0 is now available\r\n\r\n\r\nPress RETURN to get started.\r\n",
                    self.host
                );
                self.say(at, &text, None);
            }
            AfterLogout::Drop => self.say_and_drop(at, "\r\nlogout\r\n"),
        }
    }

    fn boot(&mut self, at: Mono) {
        self.boots += 1;
        let prompt = self.words.boot.replace("{n}", &self.boots.to_string());
        self.say(at, &format!("\r\n{prompt}"), None);
    }

    fn say_and_drop(&mut self, at: Mono, text: &str) {
        self.state = State::Mute;
        self.login_due = None;
        self.say(at, text, None);
        self.put(at + self.think * 4, Act::Drop);
    }

    fn noise_line(&mut self, at: Mono) {
        if self.syslog && !self.words.syslog.is_empty() {
            let text = format!("\r\n{}\r\n", self.words.syslog);
            self.say(at, &text, None);
        }
    }

    /// What a wrong speed makes of characters: bytes with framing errors, most of them with the high bit set.
    fn noise(&mut self, at: Mono) {
        let bytes =
            (0..24).map(|_| self.chance.u8(..) | if self.chance.u8(..4) == 0 { 0 } else { 0x80 }).collect();
        self.raw(at, bytes);
    }

    fn flood(&mut self, at: Mono) {
        let line = "%% Traceback= 60A5B3C4 60A5B5D0 6098A1F8 6098C554 609A31EC 6099F2C4\r\n";
        let bytes = line.bytes().cycle().take(FLOOD_BYTES).collect();
        self.raw(at, bytes);
    }

    fn say(&mut self, at: Mono, text: &str, shows: Option<What>) {
        let mut bytes = text.as_bytes().to_vec();
        if self.fault.as_ref().map(|f| f.kind) == Some(FaultKind::ParityGarbage) {
            for byte in &mut bytes {
                // Even parity, as 7E1 sends it, read as 8N1.
                *byte |= u8::try_from(byte.count_ones() % 2).unwrap_or(0) << 7;
            }
        }
        self.put(at, Act::Say(bytes, shows));
    }

    fn raw(&mut self, at: Mono, bytes: Vec<u8>) {
        self.put(at, Act::Say(bytes, None));
    }

    fn heard(&mut self, at: Mono, what: What, text: Option<String>, right: Option<bool>) {
        self.put(at, Act::Heard(what, text, right));
    }

    /// Speech keeps its order: nothing overtakes.
    fn put(&mut self, at: Mono, act: Act) {
        let at = self.queue.back().map_or(at, |(last, _)| at.max(*last));
        self.queue.push_back((at, act));
    }
}

#[cfg(test)]
mod tests;
