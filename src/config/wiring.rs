//! What other rooms' files this room loads, and the copies of all named files that are built into the program.

use std::path::Path;

use super::library::{Known, LibraryFile};
use super::yaml::Doc;
use crate::model::ModemId;
use crate::modem::profile::{Profile, SETUP_LINE_LEN_MAX};

/// `dialplans/numbering/`
pub(super) const NUMBERINGS: &[(&str, &str)] = &[
    ("de", include_str!("../../dialplans/numbering/de.yaml")),
    ("gb", include_str!("../../dialplans/numbering/gb.yaml")),
    ("us", include_str!("../../dialplans/numbering/us.yaml")),
];

/// `hardware/modems/`
pub(super) const MODEMS: &[(&str, &str)] = &[];

/// `hardware/consoles/`
pub(super) const CONSOLES: &[(&str, &str)] = &[];

impl LibraryFile for Profile {
    type Ready = Self;
    const KIND: Known = Known::Modem;

    fn name(&self) -> Option<&str> {
        Some(&self.profile)
    }

    fn ready(self) -> Result<Self, Vec<(String, String)>> {
        let mut complaints = Vec::new();
        for (index, line) in self.setup.iter().enumerate() {
            if line.send.len() > SETUP_LINE_LEN_MAX {
                complaints.push((
                    format!("setup[{index}]"),
                    format!(
                        "is {} characters long; many modems take no more than {SETUP_LINE_LEN_MAX}: make two of it",
                        line.send.len()
                    ),
                ));
            }
        }
        if complaints.is_empty() { Ok(self) } else { Err(complaints) }
    }
}

/// Stands in until the console room's own type is here.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct DialogFile(serde_yaml::Value);

/// Stands in until the console room's own type is here.
pub type Dialog = DialogFile;

impl LibraryFile for DialogFile {
    type Ready = Dialog;
    const KIND: Known = Known::Console;

    fn name(&self) -> Option<&str> {
        self.0.get("console").and_then(serde_yaml::Value::as_str)
    }

    fn ready(self) -> Result<Self, Vec<(String, String)>> {
        Ok(self)
    }
}

/// The modems that an exchange plays, with their profiles; what is wrong with its file is told through `doc`.
pub(super) fn exchange_modems(path: &Path, doc: &Doc) -> Vec<(ModemId, String)> {
    if let Err(problem) = super::source::read(path) {
        doc.push(problem);
    }
    Vec::new()
}
