//! `ports:` of a console server's dialog: how a console behind it is chosen, what says that it is there, and how it is left.
//!
//! What a plan calls a port is typed at the console server, so it is checked here twice: against what any port may look
//! like, and against the dialog's own pattern. What is done with all this is [`super::super::round`]'s.

use regex::Regex;
use serde::Deserialize;

use super::{DialogFile, Patterns, Problems, yes};

/// What stands for the plan's port in `choose`.
pub(super) const PORT: &str = "{port}";
/// Longest name of a port, in characters.
const PORT_LEN_MAX: usize = 40;
/// Longest escape, in bytes.
const ESCAPE_LEN_MAX: usize = 8;

/// `ports:`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortsFile {
    /// What is typed to choose one, `{port}` standing for what the plan calls it: at the menu that has `ports: true`, or at
    /// the command prompt where no menu has that.
    pub choose: String,
    /// Whether a CR follows it.
    #[serde(default = "yes")]
    pub cr: bool,
    /// What a port's name looks like, as a whole.
    #[serde(default = "any_port")]
    pub port: String,
    /// What is typed at the command prompt to come to the menu of ports.
    #[serde(default)]
    pub open: Option<String>,
    /// What it says before the first byte of a console that it has connected. Where there is such a text, whatever comes
    /// before it is the server's own; where there is none, nothing is.
    #[serde(default)]
    pub connected: Vec<String>,
    /// Somebody else has the port.
    #[serde(default)]
    pub busy: Vec<String>,
    /// It has no such port.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// The port is switched off, or nothing is plugged in.
    #[serde(default)]
    pub off: Vec<String>,
    /// The escape: the bytes that lead back to where the port was chosen. No CR follows them.
    pub leave: String,
    /// What is typed there to end a connection that the escape has only suspended.
    #[serde(default)]
    pub close: Option<String>,
}

fn any_port() -> String {
    "[A-Za-z0-9][A-Za-z0-9._:/-]*".to_owned()
}

/// A compiled `ports:`.
#[derive(Debug, Clone)]
pub(in crate::console) struct Ports {
    choose: String,
    port: Regex,
    /// As it is written.
    port_written: String,
    pub(in crate::console) cr: bool,
    pub(in crate::console) open: Option<String>,
    pub(in crate::console) connected: Patterns,
    pub(in crate::console) busy: Patterns,
    pub(in crate::console) unknown: Patterns,
    pub(in crate::console) off: Patterns,
    pub(in crate::console) leave: String,
    pub(in crate::console) close: Option<String>,
}

impl PortsFile {
    /// The texts that must stand in `allow`, with their keys.
    pub(super) fn typed(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [
            ("ports.choose", Some(&self.choose)),
            ("ports.open", self.open.as_ref()),
            ("ports.close", self.close.as_ref()),
        ]
        .into_iter()
        .filter_map(|(key, text)| Some((key, text?)))
    }

    pub(super) fn compile(self, problems: &mut Problems) -> Option<Ports> {
        let port = problems.pattern("ports.port", &format!("^(?:{})$", self.port))?;
        Some(Ports {
            port,
            port_written: self.port,
            connected: problems.patterns("ports.connected", &self.connected),
            busy: problems.patterns("ports.busy", &self.busy),
            unknown: problems.patterns("ports.unknown", &self.unknown),
            off: problems.patterns("ports.off", &self.off),
            choose: self.choose,
            cr: self.cr,
            open: self.open,
            leave: self.leave,
            close: self.close,
        })
    }
}

impl DialogFile {
    pub(super) fn check_ports(&self, problems: &mut Problems) {
        let menus = self.menus.iter().enumerate().filter(|(_, menu)| menu.ports);
        for (index, menu) in menus {
            if self.ports.is_none() {
                let what = "is for console servers; write how a port is chosen there under `ports:`";
                problems.add(format!("menus[{index}].ports"), what);
            }
            if menu.leave.is_empty() {
                let what = "is a menu that only who is logged in sees; write the keys that `leave` it";
                problems.add(format!("menus[{index}].ports"), what);
            }
            if menu.screen {
                let what = "can't be told from another on a screen that is drawn: that it is back could not be proven";
                problems.add(format!("menus[{index}].ports"), what);
            }
        }
        let Some(ports) = &self.ports else { return };
        if ports.choose.matches(PORT).count() != 1 {
            problems.add("ports.choose", format!("must hold `{PORT}` once, where the plan's port is typed"));
        }
        if ports.open.is_some() && !self.menus.iter().any(|menu| menu.ports) {
            problems.add("ports.open", "leads to a menu, and none of `menus` has `ports: true`");
        }
        let escape = &ports.leave;
        if escape.is_empty() || escape.len() > ESCAPE_LEN_MAX || !escape.is_ascii() || escape.contains('\0') {
            problems.add(
                "ports.leave",
                format!("is not 1 to {ESCAPE_LEN_MAX} ASCII characters, such as \"\\x1ex\""),
            );
        } else if escape.ends_with(['\r', '\n']) {
            // Where it does nothing it would be a line that is typed at a console.
            problems.add("ports.leave", "ends a line; an escape must do without that");
        }
    }
}

impl Ports {
    /// What is typed to choose this port. The caller has checked the port.
    pub(in crate::console) fn choice(&self, port: &str) -> String {
        self.choose.replacen(PORT, port, 1)
    }

    /// Why this can be no port of the server.
    pub(in crate::console) fn problem(&self, port: &str, allow: &[String]) -> Option<String> {
        // Nothing that a shell or a command line could take for more than a name.
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:/- ".contains(c);
        if port.is_empty() || port.len() > PORT_LEN_MAX || !port.chars().all(plain) || port.trim() != port {
            return Some(format!(
                "is no port: 1 to {PORT_LEN_MAX} letters, digits, `.`, `_`, `:`, `/`, `-` and blanks inside"
            ));
        }
        if !self.port.is_match(port) {
            return Some(format!(
                "is no port of this console server; they look like `{}`",
                self.port_written
            ));
        }
        let choice = self.choice(port);
        let other = allow.iter().find(|text| text.eq_ignore_ascii_case(&choice));
        other.map(|text| format!("would type `{text}`, which means something else there"))
    }
}
