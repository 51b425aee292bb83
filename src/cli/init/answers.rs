//! What a starter is made of: answers, whether they were typed as options or at a terminal, each checked as it comes.

use std::path::Path;

use crate::cli::Failure;
use crate::cli::modems::ask::Asked;
use crate::config::library::{Known, Library, LoadError};
use crate::config::numbering::{Numbering, NumberingFile};
use crate::config::problem::{list, quoted, suggestion};
use crate::model::{DialString, PhoneNumber, PlanName};
use crate::modem::port::PortPath;

/// All of them.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) name: PlanName,
    /// Two capitals.
    pub(super) country: String,
    /// The name of its rules.
    pub(super) numbering: String,
    pub(super) area_code: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) ports: Ports,
    /// A dialog's name, or `none`.
    pub(super) console: String,
    /// Who logs in, and where the password comes from; absent where nobody does.
    pub(super) login: Option<(String, Source)>,
    pub(super) reference: Option<PhoneNumber>,
}

/// The modems, as far as they are known.
#[derive(Debug)]
pub(super) enum Ports {
    /// Ports that were asked who is there.
    Asked(Vec<Asked>),
    /// Ports that were named, and not opened.
    Named(Vec<String>),
    Unknown,
}

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Env(String),
    File(String),
    Systemd(String),
    Prompt,
}

/// `env:VARIABLE` and so on. What was typed may be the password itself, so the complaint does not repeat it.
pub(super) fn source(text: &str) -> Result<Source, String> {
    let text = text.trim();
    let named = text.split_once(':').map(|(kind, name)| (kind.trim(), name.trim().to_owned()));
    match named.filter(|(_, name)| !name.is_empty()) {
        Some(("env", name)) => Ok(Source::Env(name)),
        Some(("file", name)) => Ok(Source::File(name)),
        Some(("systemd", name)) => Ok(Source::Systemd(name)),
        None if text == "prompt" => Ok(Source::Prompt),
        _ => {
            Err("write env:VARIABLE, file:PATH, systemd:NAME or prompt; never the password itself".to_owned())
        }
    }
}

/// The rules of a country, by its two letters.
pub(super) fn numbering(library: &Library, country: &str) -> Result<Numbering, String> {
    match library.load::<NumberingFile>(&country.to_ascii_lowercase()) {
        Ok(rules) => Ok(rules),
        Err(LoadError::Bad(problems)) => Err(problems.to_string()),
        Err(LoadError::Unknown(_)) => {
            let known = library.names(Known::Numbering);
            let known = known.iter().map(|name| name.to_ascii_uppercase()).collect::<Vec<_>>().join(" ");
            Err(format!(
                "{} is no country whose numbers are known ({known}); a file in dialplans/numbering/ is all that a new one needs",
                quoted(country)
            ))
        }
    }
}

/// A console's name, or `none`.
pub(super) fn console(library: &Library, text: &str) -> Result<String, String> {
    let text = text.trim();
    let known = library.names(Known::Console);
    if text == "none" || known.iter().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let near = suggestion(text, known.iter().map(String::as_str));
    Err(format!(
        "there is no console {}{near} (there are {}, and `none`)",
        quoted(text),
        list(known.iter().map(String::as_str))
    ))
}

pub(super) fn area_code(text: &str) -> Result<String, String> {
    let is_one = !text.is_empty() && text.len() <= 8 && text.bytes().all(|b| b.is_ascii_digit());
    is_one
        .then(|| text.to_owned())
        .ok_or_else(|| format!("{} is no area code; write its digits, as `919`", quoted(text)))
}

/// What is dialed for an outside line.
pub(super) fn prefix(text: &str) -> Result<String, String> {
    // An access code may be in it: it is not said again.
    DialString::new(text, "5550101")
        .map(|_| text.to_owned())
        .map_err(|why| format!("it can't be dialed: {why}"))
}

pub(super) fn port(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.parse::<PortPath>() {
        // A bank's relative paths begin at its own folder, not where we stand.
        Ok(PortPath::Tty(path)) => Ok(std::path::absolute(&path).unwrap_or(path).display().to_string()),
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(format!("{} {why}", quoted(text))),
    }
}

/// The user's name as it may be written.
pub(super) fn username(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_one = !text.is_empty() && !text.chars().any(char::is_control);
    is_one.then(|| text.to_owned()).ok_or_else(|| "write the name of a user".to_owned())
}

/// A plan's name, of which there is no file yet.
pub(super) fn plan_name(text: &str, dialplans: &Path) -> Result<PlanName, String> {
    let name: PlanName = text.trim().parse().map_err(|why| format!("{} {why}", quoted(text)))?;
    let path = dialplans.join(format!("{name}.yaml"));
    if path.symlink_metadata().is_ok() {
        return Err(format!(
            "{} is there already, and is not overwritten; choose another name",
            path.display()
        ));
    }
    Ok(name)
}

/// As a failure of the option that it came from.
pub(super) fn wrong(option: &str) -> impl Fn(String) -> Failure + '_ {
    move |why| Failure::wrong(format!("{option}: {why}"))
}
