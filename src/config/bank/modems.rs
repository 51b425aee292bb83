//! The modems of a bank: each one's keys, checked, and the profiles that they name.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;

use super::{BAUD, BAUDS, PROFILE_AUTO, RESET_EVERY_MIN, missing};
use crate::config::library::{Known, Library, LoadError};
use crate::config::problem::{list, quoted, suggestion};
use crate::config::source::beside;
use crate::config::yaml::Doc;
use crate::fleet::reset::{self, ResetHook};
use crate::model::{DialString, ModemId, PhoneNumber, TrunkName, span};
use crate::modem::fingerprint::Fingerprint;
use crate::modem::port::{PortPath, PortPathError};
use crate::modem::profile::Profile;

/// One modem of the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankModem {
    /// Its id.
    pub id: ModemId,
    /// Its port: a path, absolute or from the working folder, or `rfc2217://host:port`, `telnet://host:port`,
    /// `tcp://host:port`; empty in a simulated bank.
    pub port: String,
    /// Name of its profile, or [`PROFILE_AUTO`].
    pub profile: String,
    /// The trunk that it shares.
    pub trunk: Option<TrunkName>,
    /// What it dials in front of each number: an outside line, an access code.
    pub prefix: String,
    /// Speed of its port, bit/s.
    pub baud: u32,
    /// The number of its own outside line: other modems of the bank call it to check themselves.
    pub number: Option<PhoneNumber>,
    /// What it says of itself; another one on its port is told, and not dialed on.
    pub fingerprint: Option<Fingerprint>,
    /// What wakes it when it is stuck.
    pub reset: Option<ResetHook>,
    /// Whether it is used at all: one that is not is never opened, nor dialed on.
    pub enabled: bool,
}

impl BankModem {
    /// The speed that its port is known to run at. Behind `telnet://` and `tcp://` the server alone knows, and `baud` is
    /// but our default.
    pub fn port_bps(&self) -> Option<u32> {
        let set_by_server = self.port.starts_with("telnet://") || self.port.starts_with("tcp://");
        (!set_by_server).then_some(self.baud)
    }

    /// A modem that an exchange plays, as it stands in a bank that lists none.
    pub(super) fn played((id, profile): &(ModemId, String)) -> Self {
        let (id, profile) = (id.clone(), profile.clone());
        Self {
            id,
            port: String::new(),
            profile,
            trunk: None,
            prefix: String::new(),
            baud: BAUD,
            number: None,
            fingerprint: None,
            reset: None,
            enabled: true,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ModemFile {
    id: Option<String>,
    port: Option<String>,
    profile: Option<String>,
    trunk: Option<String>,
    prefix: Option<String>,
    baud: Option<u32>,
    number: Option<String>,
    fingerprint: Option<String>,
    reset: Option<ResetFile>,
    enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ResetFile {
    command: Vec<String>,
    every: Option<String>,
}

pub(super) fn check_modems(
    files: &[Option<ModemFile>],
    trunks: &BTreeMap<TrunkName, u32>,
    played: Option<&Vec<(ModemId, String)>>,
    path: &Path,
    doc: &Doc,
) -> Vec<BankModem> {
    let simulated = played.is_some();
    let mut modems = Vec::new();
    let mut ids: BTreeMap<ModemId, usize> = BTreeMap::new();
    let mut ports: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbers: BTreeMap<PhoneNumber, usize> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        let key = |name: &str| format!("modems[{index}].{name}");
        let Some(file) = file else {
            missing(doc, &format!("modems[{index}]"), "is empty; write `{ id: m00, port: /dev/... }`");
            continue;
        };
        let id = match file.id.as_deref().map(str::parse::<ModemId>) {
            Some(Ok(id)) => Some(id),
            Some(Err(error)) => {
                doc.problem(&key("id"), error.to_string());
                None
            }
            None => {
                missing(doc, &key("id"), "the modem has no id; write `id: m00`");
                None
            }
        };
        if let Some(id) = &id {
            match ids.get(id) {
                Some(first) => doc.problem(
                    &key("id"),
                    format!("`{id}` is the id of modems[{first}] already; every modem has its own"),
                ),
                None => drop(ids.insert(id.clone(), index)),
            }
        }
        let port = check_port(file.port.as_deref(), simulated, path, &key("port"), doc);
        if let Some(port) = port.as_deref().filter(|port| !port.is_empty()) {
            let real = same_port(port);
            match ports.get(&real) {
                Some(first) => doc.problem(
                    &key("port"),
                    format!("is the port of modems[{first}] already ({real}); every modem has its own"),
                ),
                None => drop(ports.insert(real, index)),
            }
        }
        let trunk = file.trunk.as_deref().and_then(|name| {
            let known = trunks.keys().find(|trunk| trunk.as_str() == name);
            if known.is_none() {
                let near = suggestion(name, trunks.keys().map(TrunkName::as_str));
                let there = list(trunks.keys().map(TrunkName::as_str));
                doc.problem(
                    &key("trunk"),
                    format!("{} is no trunk of this bank{near} (under `trunks:`: {there})", quoted(name)),
                );
            }
            known.cloned()
        });
        let prefix = file.prefix.clone().unwrap_or_default();
        if let Err(error) = DialString::new(&prefix, "") {
            doc.problem(&key("prefix"), error.to_string());
        }
        let baud = file.baud.unwrap_or(BAUD);
        if !BAUDS.contains(&baud) {
            doc.problem(
                &key("baud"),
                format!("{baud} is no speed of a serial port; 115200 suits nearly every modem"),
            );
        }
        let own = id.as_ref().and_then(|id| played?.iter().find(|(played, _)| played == id));
        if let (Some(id), Some(played), None) = (&id, played.filter(|played| !played.is_empty()), own) {
            let there = list(played.iter().map(|(id, _)| id.as_str()));
            doc.problem(&key("id"), format!("the exchange plays no modem `{id}` (it plays {there})"));
        }
        let profile = match (&file.profile, own) {
            (Some(profile), _) | (None, Some((_, profile))) => profile.clone(),
            // Not among the exchange's, or the exchange is wrong: told, and nothing is to be asked of it.
            (None, None) if simulated => continue,
            (None, None) => PROFILE_AUTO.to_owned(),
        };
        let number = parsed::<PhoneNumber>(file.number.as_deref(), &key("number"), doc);
        if let Some(number) = &number {
            match numbers.get(number) {
                Some(first) => doc.problem(
                    &key("number"),
                    format!(
                        "is the number of modems[{first}] already; a check that calls it could reach either"
                    ),
                ),
                None => drop(numbers.insert(number.clone(), index)),
            }
        }
        let fingerprint = parsed::<Fingerprint>(file.fingerprint.as_deref(), &key("fingerprint"), doc);
        let reset = file.reset.as_ref().and_then(|reset| reset.check(&key("reset"), doc));
        if let (Some(id), Some(port)) = (id, port) {
            let enabled = file.enabled.unwrap_or(true);
            modems.push(BankModem {
                id,
                port,
                profile,
                trunk,
                prefix,
                baud,
                number,
                fingerprint,
                reset,
                enabled,
            });
        }
    }
    modems
}

/// A value that is not there is none; one that means nothing is told.
fn parsed<T: FromStr<Err: Display>>(text: Option<&str>, key: &str, doc: &Doc) -> Option<T> {
    text?.parse().map_err(|error: T::Err| doc.problem(key, error.to_string())).ok()
}

impl ResetFile {
    fn check(&self, key: &str, doc: &Doc) -> Option<ResetHook> {
        let no_command = self.command.iter().any(String::is_empty) || self.command.is_empty();
        if no_command {
            missing(
                doc,
                &format!("{key}.command"),
                "is empty; write program and arguments, as `[usb-power, \"1-2\", cycle]`",
            );
        }
        let every = match self.every.as_deref().map(span::parse) {
            None => Ok(reset::EVERY),
            Some(Ok(every)) if every >= RESET_EVERY_MIN => Ok(every),
            Some(Ok(_)) => Err(format!(
                "is less than {} s; switching more often wears things out",
                RESET_EVERY_MIN.as_secs()
            )),
            Some(Err(what)) => Err(what),
        };
        let every = every.map_err(|what| doc.problem(&format!("{key}.every"), what)).ok()?;
        if no_command {
            return None;
        }
        Some(ResetHook { command: self.command.clone(), every })
    }
}

/// Loads what the modems name; a name that means nothing is told where it is written.
pub(super) fn check_profiles(
    modems: &[BankModem],
    files: &[Option<ModemFile>],
    library: &Library,
    doc: &Doc,
) -> BTreeMap<String, Arc<Profile>> {
    let mut profiles: BTreeMap<String, Arc<Profile>> = BTreeMap::new();
    let mut names: Vec<(String, String)> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        if let Some(name) = file.as_ref().and_then(|file| file.profile.clone()) {
            names.push((name, format!("modems[{index}].profile")));
        }
    }
    for modem in modems {
        names.push((modem.profile.clone(), String::new()));
    }
    if names.iter().any(|(name, _)| name == PROFILE_AUTO) {
        names.extend(library.names(Known::Modem).into_iter().map(|name| (name, String::new())));
    }
    let mut wrong: Vec<String> = Vec::new();
    for (name, key) in names {
        let told_before = wrong.contains(&name);
        if name == PROFILE_AUTO || profiles.contains_key(&name) || (told_before && key.is_empty()) {
            continue;
        }
        match library.load::<Profile>(&name) {
            Ok(profile) => {
                profiles.insert(name, Arc::new(profile));
                continue;
            }
            Err(LoadError::Unknown(what)) => doc.problem(&key, what),
            Err(LoadError::Bad(problems)) if !told_before => problems.0.into_iter().for_each(|p| doc.push(p)),
            Err(LoadError::Bad(_)) => {}
        }
        wrong.push(name);
    }
    profiles
}

/// One text for all names of a port: by-path, by-id and ttyUSB0 are one device, `localhost` and `127.0.0.1` one host,
/// and a server has one port at an address, in whatever way it is spoken to.
fn same_port(port: &str) -> String {
    if let Ok(path) = port.parse::<PortPath>()
        && let Some(address) = path.address()
    {
        return address.key();
    }
    std::fs::canonicalize(port).map_or_else(|_| port.to_owned(), |real| real.display().to_string())
}

/// The port as others can open it; empty in a simulated bank.
fn check_port(port: Option<&str>, simulated: bool, path: &Path, key: &str, doc: &Doc) -> Option<String> {
    let Some(port) = port else {
        if !simulated {
            missing(
                doc,
                key,
                "the modem has no port; write `port: /dev/...`, or `port: rfc2217://host:port`",
            );
            return None;
        }
        return Some(String::new());
    };
    if simulated {
        doc.problem(key, "a simulated bank has no ports: the exchange makes them; leave it out");
        return None;
    }
    if port.trim().is_empty() {
        doc.problem(key, "is empty; write `port: /dev/...`, or `port: rfc2217://host:port`");
        return None;
    }
    match port.parse::<PortPath>() {
        Ok(PortPath::Tty(_)) => Some(beside(path, port.trim()).display().to_string()),
        Ok(remote) => Some(remote.to_string()),
        Err(why @ PortPathError::Address { .. }) => {
            doc.problem(key, format!("{} {why}", quoted(port)));
            None
        }
        Err(why) => {
            doc.problem(key, why.to_string());
            None
        }
    }
}
