//! What other rooms' files this room loads, and the copies of all named files that are built into the program.

use std::collections::BTreeMap;
use std::path::Path;

use super::library::{Known, Library, LibraryFile, LoadError};
use super::problem::Problems;
use super::yaml;
use crate::console::dialog::{Dialog, DialogFile};
use crate::modem::profile::Profile;
use crate::sim::file::ExchangeFile;

/// `dialplans/numbering/`
pub(super) const NUMBERINGS: &[(&str, &str)] = &[
    ("de", include_str!("../../dialplans/numbering/de.yaml")),
    ("gb", include_str!("../../dialplans/numbering/gb.yaml")),
    ("us", include_str!("../../dialplans/numbering/us.yaml")),
];

/// `hardware/modems/`
pub(super) const MODEMS: &[(&str, &str)] = &[
    ("courier", include_str!("../../hardware/modems/courier.yaml")),
    ("generic", include_str!("../../hardware/modems/generic.yaml")),
    ("rockwell-conexant", include_str!("../../hardware/modems/rockwell-conexant.yaml")),
    ("v250", include_str!("../../hardware/modems/v250.yaml")),
];

/// `hardware/consoles/`
pub(super) const CONSOLES: &[(&str, &str)] = &[
    ("cisco-ios", include_str!("../../hardware/consoles/cisco-ios.yaml")),
    ("cisco-nxos", include_str!("../../hardware/consoles/cisco-nxos.yaml")),
    ("generic", include_str!("../../hardware/consoles/generic.yaml")),
    ("linux", include_str!("../../hardware/consoles/linux.yaml")),
];

impl LibraryFile for Profile {
    type Ready = Self;
    const KIND: Known = Known::Modem;

    fn name(&self) -> Option<&str> {
        Some(&self.profile)
    }

    fn ready(self) -> Result<Self, Vec<(String, String)>> {
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }
}

impl LibraryFile for DialogFile {
    type Ready = Dialog;
    const KIND: Known = Known::Console;

    fn name(&self) -> Option<&str> {
        Some(&self.console)
    }

    fn ready(self) -> Result<Dialog, Vec<(String, String)>> {
        self.compile()
    }
}

/// An exchange file that was read, with the profiles that its modems play.
#[derive(Debug, Clone)]
pub struct ReadExchange {
    /// The file.
    pub file: ExchangeFile,
    /// The profiles that its modems name.
    pub profiles: Vec<Profile>,
}

/// Reads an exchange file, and the profiles that it names, from the tree that it stands in or the built-in ones.
///
/// # Errors
/// All that is wrong with it and them.
pub fn load_exchange(path: &Path) -> Result<ReadExchange, Problems> {
    read_exchange(path, &Library::around(path))
}

/// The same, with the library of whoever names it.
pub(super) fn read_exchange(path: &Path, library: &Library) -> Result<ReadExchange, Problems> {
    let yaml::Decoded { value, doc } = yaml::read::<ExchangeFile>(path);
    let Some(file) = value else { return Err(doc.into_problems().in_order()) };
    // What is left of a file of bad form may lack entries, and would be complained about at the wrong ones.
    if !doc.has_problems() {
        for (key, what) in file.problems() {
            doc.problem(&key, what);
        }
    }
    let mut profiles: BTreeMap<&str, Option<Profile>> = BTreeMap::new();
    for (index, modem) in file.modems.iter().enumerate() {
        if profiles.contains_key(modem.profile.as_str()) || doc.lost_a_part("modems") {
            continue;
        }
        let profile = match library.load::<Profile>(&modem.profile) {
            Ok(profile) => Some(profile),
            Err(LoadError::Unknown(what)) => {
                doc.problem(&format!("modems[{index}].profile"), what);
                None
            }
            Err(LoadError::Bad(problems)) => {
                problems.0.into_iter().for_each(|problem| doc.push(problem));
                None
            }
        };
        profiles.insert(&modem.profile, profile);
    }
    let profiles = profiles.into_values().flatten().collect();
    doc.into_problems().in_order().or_value(Some(ReadExchange { file, profiles }))
}
