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
    let Some(file) = value else { return Err(doc.into_problems().in_order()) };
    // What is left of a file of bad form may lack entries, and would be complained about at the wrong ones.
    if !doc.has_problems() {
        for (key, what) in file.problems() {
            doc.problem(&key, what);
        }
    }
    let library = Library::around(path);
    let mut profiles: Vec<Profile> = Vec::new();
    let mut asked: Vec<&str> = Vec::new();
    for (index, modem) in file.modems.iter().enumerate() {
        if asked.contains(&modem.profile.as_str()) || doc.lost_a_part("modems") {
            continue;
        }
        asked.push(&modem.profile);
        match library.load::<Profile>(&modem.profile) {
            Ok(profile) => profiles.push(profile),
            Err(LoadError::Unknown(what)) => doc.problem(&format!("modems[{index}].profile"), what),
            Err(LoadError::Bad(problems)) => problems.0.into_iter().for_each(|problem| doc.push(problem)),
        }
    }
    doc.into_problems().in_order().or_value(Some((file, profiles)))
}
