//! `lineman modems`: finds ports, asks who sits there, shows it, writes a bank file.

pub(super) mod ask;
pub(super) mod bank_file;
mod check;
mod table;

use std::path::{Path, PathBuf};

use crate::config::library::{Known, Library, LoadError};
use crate::modem::clock::Clock;
use crate::modem::port::list::{self, FoundPort};
use crate::modem::port::{PortOptions, PortPath};
use crate::modem::profile::Profile;

use self::ask::{Asked, Place};
use super::args;
use super::{Failure, complain, say};

/// Ports were found, and no modem answered at any of them.
const NONE_ANSWERED: u8 = 3;

/// Runs it; the exit code.
pub(super) async fn run(args: &args::Modems) -> Result<u8, Failure> {
    if let Some(args::ModemsVerb::Check(args)) = &args.verb {
        return check::run(args).await;
    }
    let found = list::list().map_err(|error| {
        Failure::wrong(format!(
            "the system does not tell its serial ports: {error}; name them: `lineman modems PORT`"
        ))
    })?;
    let places = places(args, found)?;
    if places.is_empty() {
        complain("this host has no serial port that the system knows of; name one: `lineman modems PORT`");
        return Ok(NONE_ANSWERED);
    }
    if let Some(path) = &args.write {
        bank_file::is_free(path)?;
    }
    let asked = if args.no_ask {
        places.into_iter().map(Asked::not_asked).collect()
    } else {
        let profiles = profiles()?;
        let options = PortOptions { baud: args.baud, rtscts: false, ..PortOptions::default() };
        ask::all(places, &options, profiles.into(), Clock::start()).await
    };
    say(&table::text(&asked));
    let answered = asked.iter().any(|asked| asked.modem().is_some());
    match &args.write {
        Some(path) if answered => {
            let modems = bank_file::write(path, &asked, args)?;
            say(&format!("\n{} written, with {modems}; look it through before you dial", path.display()));
        }
        Some(path) => complain(&format!("no modem answered; {} is not written", path.display())),
        None => {}
    }
    Ok(if answered || args.no_ask { 0 } else { NONE_ANSWERED })
}

/// A modem of this host that answered.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Its port, by the name that lasts longest.
    pub(super) port: String,
    /// Its family.
    pub(super) profile: String,
    /// What it is, for a person who chooses.
    pub(super) told: String,
}

/// Asks all serial ports of this host at once who is there.
///
/// # Errors
/// The system does not tell its ports, or a profile is wrong.
pub(super) async fn find() -> Result<Vec<Asked>, Failure> {
    let found = list::list().map_err(|error| {
        Failure::wrong(format!("the system does not tell its serial ports: {error}; name one yourself"))
    })?;
    let places = found.into_iter().map(Place::found).collect();
    let options = PortOptions { rtscts: false, ..PortOptions::default() };
    Ok(ask::all(places, &options, profiles()?.into(), Clock::start()).await)
}

/// The same, of those alone that answered.
///
/// # Errors
/// As above.
pub(super) async fn search() -> Result<Vec<Found>, Failure> {
    let asked = find().await?;
    let found = asked.iter().filter_map(|one| {
        let modem = one.modem()?;
        let hardware = table::hardware(one);
        let told = if hardware.is_empty() {
            modem.profile.clone()
        } else {
            format!("{} ({hardware})", modem.profile)
        };
        Some(Found { port: one.place.name.clone(), profile: modem.profile.clone(), told })
    });
    Ok(found.collect())
}

/// The ports that were named, or all that there are.
fn places(args: &args::Modems, found: Vec<FoundPort>) -> Result<Vec<Place>, Failure> {
    if args.ports.is_empty() {
        return Ok(found.into_iter().map(Place::found).collect());
    }
    args.ports.iter().map(|text| place(text, &found)).collect()
}

/// All profiles that there are: those of the tree that we stand in, else the built-in ones.
fn profiles() -> Result<Vec<Profile>, Failure> {
    let library = Library::around(Path::new("lineman"));
    let load = |name: &String| match library.load::<Profile>(name) {
        Ok(profile) => Ok(profile),
        Err(LoadError::Unknown(what)) => Err(Failure::wrong(what)),
        Err(LoadError::Bad(problems)) => Err(Failure::wrong(problems)),
    };
    library.names(Known::Modem).iter().map(load).collect()
}

/// A port by one of its names, with what is known of it.
fn place(text: &str, found: &[FoundPort]) -> Result<Place, Failure> {
    let path: PortPath = text.parse().map_err(|error| Failure::wrong(format!("`{text}` {error}")))?;
    let real = std::fs::canonicalize(text).unwrap_or_else(|_| PathBuf::from(text));
    let known = found.iter().find(|port| port.path == real);
    Ok(Place { name: text.to_owned(), path, known: known.cloned() })
}
