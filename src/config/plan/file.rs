//! A plan as it is written. Nearly everything may be absent here: what is required is checked with all else at once.

use std::collections::BTreeMap;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

use crate::config::credentials::CredentialFile;
use crate::config::limits::LimitsFile;
use crate::config::policy::PolicyFile;

/// `dialplans/*.yaml`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PlanFile {
    pub(super) plan: Option<String>,
    pub(super) bank: Option<String>,
    pub(super) numbering: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) preflight: Option<String>,
    pub(super) credentials: BTreeMap<String, Option<CredentialFile>>,
    pub(super) defaults: DefaultsFile,
    pub(super) policy: PolicyFile,
    pub(super) limits: LimitsFile,
    pub(super) seed: Option<u64>,
    pub(super) lines: Option<LinesFile>,
}

/// `defaults:`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DefaultsFile {
    pub(super) console: Option<String>,
    pub(super) credential: Option<String>,
}

/// A line; the same names are the columns of a CSV file. Numbers stay text (libraries.md Y6).
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LineFile {
    pub(super) id: Option<String>,
    pub(super) site: Option<String>,
    pub(super) number: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) console: Option<String>,
    pub(super) credential: Option<String>,
    pub(super) on_hold: Option<String>,
}

/// Names of the columns, in the order of [`LineFile::cell`].
pub(super) const COLUMNS: [&str; 7] =
    ["id", "site", "number", "hostname", "console", "credential", "on_hold"];

impl LineFile {
    /// The cell of a column.
    pub(super) fn cell(&mut self, column: usize) -> Option<&mut Option<String>> {
        match column {
            0 => Some(&mut self.id),
            1 => Some(&mut self.site),
            2 => Some(&mut self.number),
            3 => Some(&mut self.hostname),
            4 => Some(&mut self.console),
            5 => Some(&mut self.credential),
            6 => Some(&mut self.on_hold),
            _ => None,
        }
    }
}

/// `lines:`: the lines, or the CSV file that has them.
#[derive(Debug)]
pub(super) enum LinesFile {
    Inline(Vec<Option<LineFile>>),
    Csv(String),
}

impl<'de> Deserialize<'de> for LinesFile {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Lines;

        impl<'de> Visitor<'de> for Lines {
            type Value = LinesFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of lines, or the name of a CSV file")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<LinesFile, E> {
                Ok(LinesFile::Csv(path.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<LinesFile, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(LinesFile::Inline)
            }
        }

        d.deserialize_any(Lines)
    }
}
