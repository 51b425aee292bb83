//! A console family as data: `hardware/consoles/*.yaml`, read into [`DialogFile`] and compiled into a [`Dialog`].
//!
//! The file says how the console is woken, what its prompts and refusals look like, how one logs out, and in `allow`
//! every text that may ever be sent besides a CR and the credential. What is done with it is [`super::session`]'s.

use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

mod ports;

pub(super) use ports::Ports;
pub use ports::PortsFile;

/// Most wake-ups that a file may ask for.
pub const WAKE_TIMES_MAX: u32 = 3;
/// Longest text in `allow`, in characters.
pub const ALLOW_LEN_MAX: usize = 40;
/// Largest compiled pattern in bytes: a file must not eat the memory of the host.
const REGEX_SIZE_MAX: usize = 1 << 20;
/// Name of the capture that holds a host's name.
pub const HOST_CAPTURE: &str = "host";

/// One file of `hardware/consoles/`, as written. Patterns are `regex` syntax, case-sensitive unless they begin with
/// `(?i)`; `^` and `$` are the ends of a line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DialogFile {
    /// The dialog's name: that of its file, and what a plan's `console:` says.
    pub console: String,
    /// The family, for people.
    #[serde(default)]
    pub about: String,
    /// How a silent console is woken.
    #[serde(default)]
    pub wake: WakeFile,
    /// How long the output must rest before its end is read as a prompt.
    #[serde(default = "default_settle", with = "crate::model::span")]
    pub settle: Duration,
    /// What asks for something; matched against the last line of the output alone.
    pub prompts: PromptsFile,
    /// Texts that identify the host before the login: whole lines, each with a capture `host`.
    #[serde(default)]
    pub banners: Vec<String>,
    /// Texts that decide a call, by the fault that they mean.
    #[serde(default)]
    pub says: SaysFile,
    /// Texts that ask for a CR; blank lines may follow them.
    #[serde(default)]
    pub press_return: Vec<String>,
    /// What stops the output in the middle.
    #[serde(default)]
    pub pager: Option<PagerFile>,
    /// Questions that may stand in the way, and their answers.
    #[serde(default)]
    pub questions: Vec<QuestionFile>,
    /// Menus in front of the login, or behind it in place of a command prompt.
    #[serde(default)]
    pub menus: Vec<MenuFile>,
    /// Of a console server: how the consoles behind it are reached.
    #[serde(default)]
    pub ports: Option<PortsFile>,
    /// What is sent to log out, one after the other; the last is repeated while the command prompt comes back.
    pub logout: Vec<String>,
    /// Every text that may be sent besides a CR and the credential.
    pub allow: Vec<String>,
    /// Log lines that may come at any time: from where the pattern begins to the end of the line.
    #[serde(default)]
    pub noise: Vec<String>,
    /// Limits of this family, where they are longer than the plan's.
    #[serde(default)]
    pub timeouts: TimeoutsFile,
}

fn default_settle() -> Duration {
    Duration::from_millis(30)
}

/// `wake:`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WakeFile {
    /// Silence before it.
    #[serde(with = "crate::model::span")]
    pub after: Duration,
    /// `CR`, or a text of the allow-list.
    pub send: String,
    /// How often, at most.
    pub times: u32,
}

impl Default for WakeFile {
    fn default() -> Self {
        Self { after: Duration::from_secs(3), send: "CR".to_owned(), times: WAKE_TIMES_MAX }
    }
}

/// `prompts:`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptsFile {
    /// Asks for the username; may capture `host`.
    #[serde(default)]
    pub username: Vec<String>,
    /// Asks for the password.
    #[serde(default)]
    pub password: Vec<String>,
    /// Takes commands; may capture `host`.
    pub command: Vec<String>,
    /// A boot loader's: the device is down.
    #[serde(default)]
    pub boot: Vec<String>,
    /// Lines that look like a prompt and are none.
    #[serde(default)]
    pub never: Vec<String>,
}

/// `says:`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct SaysFile {
    /// The credential is refused.
    pub login_refused: Vec<String>,
    /// The password must be changed first.
    pub password_expired: Vec<String>,
    /// Nobody can log in.
    pub login_unavailable: Vec<String>,
    /// The port is taken.
    pub console_busy: Vec<String>,
    /// The console itself gave up waiting.
    pub login_timeout: Vec<String>,
}

/// `pager:`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagerFile {
    /// What it shows.
    pub see: Vec<String>,
    /// The key that ends it; sent without a CR.
    pub send: String,
}

/// One of `questions:`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionFile {
    /// What it asks; matched against the last line.
    pub ask: String,
    /// What we say.
    pub answer: String,
    /// Whether a CR follows the answer.
    #[serde(default = "yes")]
    pub cr: bool,
}

fn yes() -> bool {
    true
}

/// One of `menus:`; it has either `enter` or `leave`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MenuFile {
    /// What it shows; matched against the last line. May capture `host`; a banner on its screen may name one too.
    pub see: String,
    /// It is drawn with the cursor, so that the pattern may match anywhere in what came since we last sent something.
    #[serde(default)]
    pub screen: bool,
    /// Of a menu in front of the login: the key that leads to it. That such a menu is back proves a logout.
    #[serde(default)]
    pub enter: Option<String>,
    /// Of a menu that only who is logged in can see: the keys that leave it, one after the other; the last is repeated
    /// while the menu comes back.
    #[serde(default)]
    pub leave: Vec<String>,
    /// It is the menu at which ports are chosen (`ports:`).
    #[serde(default)]
    pub ports: bool,
    /// Whether a CR follows the key.
    #[serde(default = "yes")]
    pub cr: bool,
}

/// `timeouts:`; zero leaves the plan's limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsFile {
    /// Connected until the login prompt.
    #[serde(with = "crate::model::span")]
    pub prompt: Duration,
    /// First answer until the command prompt.
    #[serde(with = "crate::model::span")]
    pub login: Duration,
    /// Logout until its proof.
    #[serde(with = "crate::model::span")]
    pub logout: Duration,
    /// Of a console server: choice of a port until it is connected.
    #[serde(with = "crate::model::span")]
    pub choose: Duration,
    /// Of a console server: escape until its prompt is back.
    #[serde(with = "crate::model::span")]
    pub leave: Duration,
}

/// A compiled dialog. Born valid: all patterns compile, and all that it would send stands in its allow-list.
#[derive(Debug, Clone)]
pub struct Dialog {
    pub(super) name: String,
    pub(super) wake_after: Duration,
    pub(super) wake_send: String,
    pub(super) wake_times: u32,
    pub(super) settle: Duration,
    pub(super) username: Patterns,
    pub(super) password: Patterns,
    pub(super) command: Patterns,
    pub(super) boot: Patterns,
    pub(super) never: Patterns,
    pub(super) banners: Patterns,
    pub(super) login_refused: Patterns,
    pub(super) password_expired: Patterns,
    pub(super) login_unavailable: Patterns,
    pub(super) console_busy: Patterns,
    pub(super) login_timeout: Patterns,
    pub(super) press_return: Patterns,
    pub(super) pager: Patterns,
    pub(super) pager_send: String,
    pub(super) questions: Vec<Question>,
    pub(super) menus: Vec<Menu>,
    pub(super) ports: Option<Ports>,
    pub(super) logout: Vec<String>,
    pub(super) noise: Patterns,
    pub(super) timeouts: TimeoutsFile,
    allow: Vec<String>,
}

/// A question and its answer.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) ask: Patterns,
    pub(super) answer: String,
    pub(super) cr: bool,
}

/// A menu, and the way on or out.
#[derive(Debug, Clone)]
pub(super) struct Menu {
    pub(super) see: Patterns,
    pub(super) screen: bool,
    pub(super) way: Way,
    pub(super) ports: bool,
    pub(super) cr: bool,
}

/// Where a menu stands, and the keys that go with that.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// In front of the login.
    Enter(String),
    /// Behind it; at least one.
    Leave(Vec<String>),
}

impl Dialog {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The longest that a logout here may take, where that is longer than the plan's limit; else zero.
    pub const fn logout_limit(&self) -> std::time::Duration {
        self.timeouts.logout
    }

    /// Every text that it may send besides a CR and the credential.
    pub fn allow(&self) -> &[String] {
        &self.allow
    }

    /// Whether ports can be chosen there: it is that of a console server.
    pub const fn has_ports(&self) -> bool {
        self.ports.is_some()
    }

    /// Why this can be no port there, if it can't.
    pub fn port_problem(&self, port: &str) -> Option<String> {
        match &self.ports {
            Some(ports) => ports.problem(port, &self.allow),
            None => Some(format!("is a port, and the dialog `{}` knows of none", self.name)),
        }
    }

    /// Whether `text` may be sent.
    pub fn allows(&self, text: &str) -> bool {
        self.allow.iter().any(|allowed| allowed == text)
    }
}

/// Patterns in the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns(Vec<Regex>);

/// What a pattern found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    pub(super) host: Option<&'a str>,
}

impl Patterns {
    /// The first pattern, in order, that is found in `text`.
    pub(super) fn find<'a>(&self, text: &'a str) -> Option<Found<'a>> {
        self.0.iter().find_map(|regex| {
            let captures = regex.captures(text)?;
            let whole = captures.get(0)?;
            let host = captures.name(HOST_CAPTURE).map(|m| m.as_str());
            Some(Found { text: whole.as_str(), start: whole.start(), host })
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.iter().any(|regex| regex.is_match(text))
    }

    /// Every match of every pattern.
    pub(super) fn find_all<'a>(&self, text: &'a str) -> impl Iterator<Item = Found<'a>> {
        self.0.iter().flat_map(move |regex| {
            regex.captures_iter(text).filter_map(|captures| {
                let whole = captures.get(0)?;
                let host = captures.name(HOST_CAPTURE).map(|m| m.as_str());
                Some(Found { text: whole.as_str(), start: whole.start(), host })
            })
        })
    }

    /// Where the earliest match of any pattern begins.
    pub(super) fn earliest(&self, text: &str) -> Option<usize> {
        self.0.iter().filter_map(|regex| regex.find(text)).map(|m| m.start()).min()
    }
}

/// Collects what is wrong with a file: key path and what would be right.
#[derive(Default)]
struct Problems(Vec<(String, String)>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.0.push((path.into(), what.into()));
    }

    fn pattern(&mut self, path: &str, text: &str) -> Option<Regex> {
        let built = RegexBuilder::new(text).multi_line(true).size_limit(REGEX_SIZE_MAX).build();
        match built {
            Ok(regex) if regex.is_match("") => {
                self.add(path, format!("`{text}` matches an empty line, so it would match always"));
                None
            }
            Ok(regex) => Some(regex),
            Err(regex::Error::CompiledTooBig(limit)) => {
                self.add(
                    path,
                    format!("the pattern takes more than {limit} bytes when compiled; make it simpler"),
                );
                None
            }
            Err(error) => {
                // The regex crate draws a picture over several lines; its last line is the sentence.
                let text = error.to_string();
                let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.add(path, format!("is no valid pattern: {why}"));
                None
            }
        }
    }

    fn one(&mut self, path: &str, text: &str) -> Patterns {
        Patterns(self.pattern(path, text).into_iter().collect())
    }

    fn patterns(&mut self, path: &str, texts: &[String]) -> Patterns {
        let compiled = texts
            .iter()
            .enumerate()
            .filter_map(|(index, text)| self.pattern(&format!("{path}[{index}]"), text));
        Patterns(compiled.collect())
    }
}

impl DialogFile {
    /// Compiles the file.
    ///
    /// # Errors
    /// All of its problems at once: the path of the key, and what is wrong there.
    pub fn compile(self) -> Result<Dialog, Vec<(String, String)>> {
        let mut problems = Problems::default();
        self.check(&mut problems);
        let dialog = Dialog {
            username: problems.patterns("prompts.username", &self.prompts.username),
            password: problems.patterns("prompts.password", &self.prompts.password),
            command: problems.patterns("prompts.command", &self.prompts.command),
            boot: problems.patterns("prompts.boot", &self.prompts.boot),
            never: problems.patterns("prompts.never", &self.prompts.never),
            banners: problems.patterns("banners", &self.banners),
            login_refused: problems.patterns("says.login-refused", &self.says.login_refused),
            password_expired: problems.patterns("says.password-expired", &self.says.password_expired),
            login_unavailable: problems.patterns("says.login-unavailable", &self.says.login_unavailable),
            console_busy: problems.patterns("says.console-busy", &self.says.console_busy),
            login_timeout: problems.patterns("says.login-timeout", &self.says.login_timeout),
            press_return: problems.patterns("press_return", &self.press_return),
            pager: problems.patterns("pager.see", self.pager.as_ref().map_or(&[], |pager| &pager.see)),
            questions: self
                .questions
                .iter()
                .enumerate()
                .map(|(index, question)| Question {
                    ask: problems.one(&format!("questions[{index}].ask"), &question.ask),
                    answer: question.answer.clone(),
                    cr: question.cr,
                })
                .collect(),
            menus: self
                .menus
                .iter()
                .enumerate()
                .map(|(index, menu)| Menu {
                    see: problems.one(&format!("menus[{index}].see"), &menu.see),
                    screen: menu.screen,
                    ports: menu.ports,
                    way: menu.enter.clone().map_or_else(|| Way::Leave(menu.leave.clone()), Way::Enter),
                    cr: menu.cr,
                })
                .collect(),
            noise: problems.patterns("noise", &self.noise),
            ports: self.ports.and_then(|ports| ports.compile(&mut problems)),
            name: self.console,
            wake_after: self.wake.after,
            wake_send: if self.wake.send == "CR" { String::new() } else { self.wake.send },
            wake_times: self.wake.times,
            settle: self.settle,
            pager_send: self.pager.map(|pager| pager.send).unwrap_or_default(),
            logout: self.logout,
            timeouts: self.timeouts,
            allow: self.allow,
        };
        for (index, regex) in dialog.banners.0.iter().enumerate() {
            if !regex.capture_names().flatten().any(|name| name == HOST_CAPTURE) {
                let what = format!("names no host; write the part that does as `(?P<{HOST_CAPTURE}>...)`");
                problems.add(format!("banners[{index}]"), what);
            }
        }
        if problems.0.is_empty() { Ok(dialog) } else { Err(problems.0) }
    }

    /// Everything but the patterns.
    fn check(&self, problems: &mut Problems) {
        if self.wake.times > WAKE_TIMES_MAX {
            problems.add("wake.times", format!("is {}; {WAKE_TIMES_MAX} at most", self.wake.times));
        }
        if self.wake.after < Duration::from_millis(500) {
            problems.add("wake.after", "is under 500ms: a CR would be sent while text is still arriving");
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(2)).contains(&self.settle) {
            problems.add("settle", "is not between 1ms and 2s");
        }
        if self.prompts.username.is_empty() && self.prompts.password.is_empty() {
            problems.add("prompts", "has neither `username` nor `password`: nothing could be logged into");
        }
        if self.prompts.command.is_empty() {
            problems.add("prompts.command", "is empty: a login could not be told from a refusal");
        }
        for (index, menu) in self.menus.iter().enumerate() {
            if menu.enter.is_some() != menu.leave.is_empty() {
                let what = "needs either `enter`, the key that leads to the login, or `leave`, the keys that log out";
                problems.add(format!("menus[{index}]"), what);
            }
        }
        if self.logout.is_empty() {
            problems.add("logout", "is empty: who can log in must be able to log out");
        }
        for (index, text) in self.allow.iter().enumerate() {
            if text.is_empty() || text.chars().count() > ALLOW_LEN_MAX || !is_typed(text) {
                let what = format!("is not 1 to {ALLOW_LEN_MAX} printable ASCII characters");
                problems.add(format!("allow[{index}]"), what);
            }
        }
        let mut listed = |path: String, text: &String| {
            if !self.allow.contains(text) {
                problems.add(path, format!("`{text}` is not in `allow`; nothing else is ever sent"));
            }
        };
        if self.wake.send != "CR" {
            listed("wake.send".to_owned(), &self.wake.send);
        }
        for (index, text) in self.logout.iter().enumerate() {
            listed(format!("logout[{index}]"), text);
        }
        for (index, question) in self.questions.iter().enumerate() {
            listed(format!("questions[{index}].answer"), &question.answer);
        }
        for (index, menu) in self.menus.iter().enumerate() {
            if let Some(key) = &menu.enter {
                listed(format!("menus[{index}].enter"), key);
            }
            for (nth, key) in menu.leave.iter().enumerate() {
                listed(format!("menus[{index}].leave[{nth}]"), key);
            }
        }
        if let Some(pager) = &self.pager {
            listed("pager.send".to_owned(), &pager.send);
        }
        for (key, text) in self.ports.iter().flat_map(PortsFile::typed) {
            listed(key.to_owned(), text);
        }
        self.check_ports(problems);
    }
}

fn is_typed(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

#[cfg(test)]
#[path = "dialog/tests.rs"]
mod tests;
