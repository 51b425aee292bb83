//! What is wrong with an exchange file: all of it at once, each with its key and what would be right.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{ConsoleKind, ExchangeFile, LineEntry};
use crate::sim::fault::FaultKind;

/// Most characters that a word of an exchange file (a banner, a text to say) may have.
const TEXT_LEN_MAX: usize = 4096;

/// The questions that a modem's entry may answer in its own way.
const QUESTIONS: [&str; 10] = ["ATI", "ATI1", "ATI2", "ATI3", "ATI4", "ATI7", "+GMI", "+GMM", "+GMR", "+GSN"];

/// Takes a name; where it is taken already, whose it is.
fn taken<'a, P: Clone>(names: &mut BTreeMap<&'a str, P>, name: &'a str, place: P) -> Option<P> {
    match names.entry(name) {
        Entry::Occupied(first) => Some(first.get().clone()),
        Entry::Vacant(free) => {
            free.insert(place);
            None
        }
    }
}

/// What is wrong with the consoles behind a line.
fn behind_problems(line: &LineEntry) -> Vec<(String, String)> {
    use FaultKind::{BootPrompt, Echo, Flood, Garbage, OpenConsole, ParityGarbage, Silent, WrongHost};
    let mut found = Vec::new();
    if !line.consoles.is_empty() && !line.console.is_server() {
        let what = "stand behind a console server; write `console: port-menu` or `port-names`";
        found.push(("consoles".to_owned(), what.to_owned()));
    }
    let mut ports: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, behind) in line.consoles.iter().enumerate() {
        let mut say = |key: &str, what: String| found.push((format!("consoles[{i}].{key}"), what));
        if let Some(first) = taken(&mut ports, &behind.port, i) {
            say("port", format!("`{}` is taken by consoles[{first}]", behind.port));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
        if behind.port.is_empty() || behind.port.len() > 40 || !behind.port.chars().all(plain) {
            say("port", "is not 1 to 40 letters, digits, `.`, `_`, `:`, `/` and `-`".to_owned());
        } else if line.console == ConsoleKind::PortMenu && !behind.port.chars().all(|c| c.is_ascii_digit()) {
            say("port", "is no figure, and a menu has figures".to_owned());
        }
        if behind.console.is_server() {
            say("console", "is a console server; none stands behind another".to_owned());
        }
        let Some(fault) = &behind.fault else { continue };
        fault.problems().into_iter().for_each(|what| say("fault", what));
        let known = [BootPrompt, Echo, Flood, Garbage, OpenConsole, ParityGarbage, Silent, WrongHost]
            .contains(&fault.kind);
        if !known {
            say("fault.kind", format!("`{}` does not happen before a login", fault.kind));
        }
    }
    found
}

impl ExchangeFile {
    /// All that is wrong with it: key path, and what would be right.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut say = |key: String, what: String| found.push((key, what));
        if !(self.pace.is_finite() && self.pace > 0.0 && self.pace <= 100.0) {
            say(
                "pace".into(),
                format!("is {}; a factor above 0 and up to 100 is meant, 1 for real time", self.pace),
            );
        }
        if self.exchange.is_empty() || self.exchange.contains(char::is_control) {
            say("exchange".into(), "is no name; write `exchange: NAME`".into());
        }
        if self.modems.is_empty() {
            say("modems".into(), "is empty; an exchange has at least one modem".into());
        }
        for (key, digits) in [
            ("country_code", &self.location.country_code),
            ("area_code", &self.location.area_code),
            ("trunk", &self.location.trunk),
            ("international", &self.location.international),
            ("outside", &self.location.outside),
        ] {
            if !digits.chars().all(|c| c.is_ascii_digit()) {
                say(format!("location.{key}"), format!("is `{digits}`; digits alone are meant"));
            }
        }
        if self.timing.ring.on.is_zero() {
            say("timing.ring.on".into(), "is 0; a burst has a length".into());
        }
        let mut ports: BTreeMap<&str, String> = BTreeMap::new();
        let mut numbers: BTreeMap<&str, String> = BTreeMap::new();
        for (i, modem) in self.modems.iter().enumerate() {
            if let Some(first) = taken(&mut ports, modem.id.as_str(), format!("modems[{i}].id")) {
                say(format!("modems[{i}].id"), format!("`{}` is taken by {first}", modem.id));
            }
            if let Some(trunk) = &modem.trunk
                && !self.trunks.contains_key(trunk)
            {
                say(format!("modems[{i}].trunk"), format!("`{trunk}` is not among `trunks`"));
            }
            if let Some(number) = &modem.number
                && let Some(first) = taken(&mut numbers, number.as_str(), format!("modems[{i}]"))
            {
                say(format!("modems[{i}].number"), format!("`{number}` is taken by {first}"));
            }
            for name in modem.answers.keys() {
                if !QUESTIONS.contains(&name.as_str()) {
                    say(
                        format!("modems[{i}].answers"),
                        format!("`{name}` is no question; {} are", QUESTIONS.join(", ")),
                    );
                }
            }
            if let Some(fault) = &modem.fault {
                for what in fault.problems() {
                    say(format!("modems[{i}].fault"), what);
                }
                if !(fault.kind.is_of_modem() || fault.kind.is_of_bench()) {
                    say(
                        format!("modems[{i}].fault.kind"),
                        format!(
                            "`{}` happens to a line; write it as a line's `fault` or as a rule",
                            fault.kind
                        ),
                    );
                }
            }
        }
        let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, line) in self.lines.iter().enumerate() {
            if let Some(first) = taken(&mut ids, line.id.as_str(), i) {
                say(format!("lines[{i}].id"), format!("`{}` is taken by lines[{first}]", line.id));
            }
            if let Some(first) = taken(&mut numbers, line.number.as_str(), format!("lines[{i}]")) {
                say(format!("lines[{i}].number"), format!("`{}` is taken by {first}", line.number));
            }
            if let Some(port) = &line.answer_on
                && let Some(first) = taken(&mut ports, port.as_str(), format!("lines[{i}].answer_on"))
            {
                say(format!("lines[{i}].answer_on"), format!("`{port}` is taken by {first}"));
            }
            let ends = usize::from(line.console != ConsoleKind::None)
                + usize::from(line.exec.is_some())
                + usize::from(line.answer_on.is_some());
            if ends > 1 {
                say(format!("lines[{i}]"), "has more than one of `console`, `exec` and `answer_on`".into());
            }
            if line.exec.as_ref().is_some_and(|argv| argv.first().is_none_or(String::is_empty)) {
                say(
                    format!("lines[{i}].exec"),
                    "names no program; write `[/path/to/program, argument]`".into(),
                );
            }
            if line.rings == 0 {
                say(format!("lines[{i}].rings"), "is 0; a line rings at least once before it answers".into());
            }
            let ring = line.ring.unwrap_or(self.timing.ring);
            if line.answer_after.is_some_and(|after| after >= ring.on + ring.off) {
                say(
                    format!("lines[{i}].answer_after"),
                    "is not shorter than one burst and its pause; write one more of `rings`".into(),
                );
            }
            if line.banner.as_ref().is_some_and(|b| b.len() > TEXT_LEN_MAX) {
                say(format!("lines[{i}].banner"), format!("is longer than {TEXT_LEN_MAX} bytes"));
            }
            for (key, what) in behind_problems(line) {
                say(format!("lines[{i}].{key}"), what);
            }
            if let Some(fault) = &line.fault {
                for what in fault.problems() {
                    say(format!("lines[{i}].fault"), what);
                }
                if fault.kind.is_of_console() && line.console == ConsoleKind::None {
                    say(
                        format!("lines[{i}].fault.kind"),
                        format!("`{}` happens at a console, and this line has none", fault.kind),
                    );
                }
                if fault.kind.is_of_modem() {
                    say(
                        format!("lines[{i}].fault.kind"),
                        format!(
                            "`{}` happens to a modem; write it as a modem's `fault` or as a rule",
                            fault.kind
                        ),
                    );
                }
            }
        }
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, rule) in self.rules.iter().enumerate() {
            if let Some(first) = taken(&mut names, rule.name.as_str(), i) {
                say(format!("rules[{i}].name"), format!("`{}` is taken by rules[{first}]", rule.name));
            }
            if let Some(line) = &rule.line
                && !ids.contains_key(line.as_str())
            {
                say(format!("rules[{i}].line"), format!("`{line}` is no line of this exchange"));
            }
            if let Some(modem) = &rule.modem
                && !self.modems.iter().any(|m| m.id == *modem)
            {
                say(format!("rules[{i}].modem"), format!("`{modem}` is no modem of this exchange"));
            }
            if let Some(number) = &rule.number
                && !(number.starts_with('+') && number[1..].chars().all(|c| c.is_ascii_digit()))
            {
                say(
                    format!("rules[{i}].number"),
                    format!("is `{number}`; `+` and the first digits are meant"),
                );
            }
            if rule.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
                say(format!("rules[{i}].probability"), "is outside 0 to 1".into());
            }
            if rule.fault.kind.is_of_modem() && (rule.line.is_some() || rule.number.is_some()) {
                say(
                    format!("rules[{i}]"),
                    format!(
                        "`{}` happens to a modem before a line is known; name a modem alone",
                        rule.fault.kind
                    ),
                );
            }
            for what in rule.fault.problems() {
                say(format!("rules[{i}].fault"), what);
            }
        }
        found
    }
}
