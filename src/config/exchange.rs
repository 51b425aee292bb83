//! A simulated exchange's file, with the profiles that its modems play; what it may say is the simulator's business.

use std::path::Path;

use super::library::{Library, LoadError};
use super::problem::Problems;
use super::yaml;
use crate::modem::profile::Profile;
use crate::sim::file::ExchangeFile;

/// Reads an exchange, checks it, and finds the profiles of its modems, each once.
///
/// # Errors
/// Everything that is wrong with it, or with a profile that it names.
pub fn load_exchange(path: &Path) -> Result<(ExchangeFile, Vec<Profile>), Problems> {
    let yaml::Decoded { value, doc } = yaml::read::<ExchangeFile>(path);
    let Some(file) = value.filter(|_| !doc.has_problems()) else { return Err(doc.into_problems()) };
    for (key, what) in file.problems() {
        doc.problem(&key, what);
    }
    let library = Library::around(path);
    let mut profiles: Vec<Profile> = Vec::new();
    for (index, modem) in file.modems.iter().enumerate() {
        if profiles.iter().any(|profile| profile.profile == modem.profile) {
            continue;
        }
        match library.load::<Profile>(&modem.profile) {
            Ok(profile) => profiles.push(profile),
            Err(LoadError::Unknown(what)) => doc.problem(&format!("modems[{index}].profile"), what),
            Err(LoadError::Bad(problems)) => problems.0.into_iter().for_each(|problem| doc.push(problem)),
        }
    }
    doc.into_problems().or_value(Some((file, profiles)))
}
