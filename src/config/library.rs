//! Files that are named, not pathed: modem profiles, consoles, numbering rules, tariffs.
//!
//! They are looked up in the tree that the plan stands in (the first folder upwards that has `hardware/`), and, where
//! that has none of the name, among the copies built into the program, so that an installed lineman works without its
//! sources. A user's file of the same name wins.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::problem::{Place, Problem, Problems, list, quoted, suggestion};
use super::source;
use super::wiring;
use super::yaml;

/// What kind of file a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// `hardware/modems/*.yaml`
    Modem,
    /// `hardware/consoles/*.yaml`
    Console,
    /// `dialplans/numbering/*.yaml`
    Numbering,
    /// `dialplans/tariffs/*.yaml`
    Tariff,
}

impl Known {
    /// The folder, from the root of the tree.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Modem => "hardware/modems",
            Self::Console => "hardware/consoles",
            Self::Numbering => "dialplans/numbering",
            Self::Tariff => "dialplans/tariffs",
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Modem => "modem profile",
            Self::Console => "console",
            Self::Numbering => "numbering",
            Self::Tariff => "tariff",
        }
    }

    const fn built_in(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Modem => wiring::MODEMS,
            Self::Console => wiring::CONSOLES,
            Self::Numbering => wiring::NUMBERINGS,
            Self::Tariff => wiring::TARIFFS,
        }
    }
}

/// A file of the library, as it is written, and what it becomes.
pub trait LibraryFile: DeserializeOwned {
    /// What it becomes once all of it is right.
    type Ready;

    /// What kind it is.
    const KIND: Known;

    /// The name that it gives itself, which must be that of its file; `None` where it gives none.
    fn name(&self) -> Option<&str>;

    /// Checks all of it: the ready thing, or each key that is wrong with what is wrong.
    fn ready(self) -> Result<Self::Ready, Vec<(String, String)>>;
}

/// Why a name gives nothing.
#[derive(Debug)]
pub enum LoadError {
    /// There is no such file; the sentence is for whoever wrote the name.
    Unknown(String),
    /// There is one, and it is wrong.
    Bad(Problems),
}

/// Where named files are found.
#[derive(Debug, Clone)]
pub struct Library {
    root: Option<PathBuf>,
}

impl Library {
    /// The library around a file: that of the first folder upwards which has `hardware/`.
    pub fn around(path: &Path) -> Self {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let root = whole.ancestors().skip(1).find(|folder| folder.join("hardware").is_dir());
        Self { root: root.map(Path::to_owned) }
    }

    /// The copies that are built in, and nothing else.
    pub const fn built_in() -> Self {
        Self { root: None }
    }

    /// The names of a kind, sorted.
    pub fn names(&self, kind: Known) -> Vec<String> {
        let mut names: BTreeSet<String> =
            kind.built_in().iter().map(|(name, _)| (*name).to_owned()).collect();
        let folder = self.root.as_ref().and_then(|root| fs::read_dir(root.join(kind.folder())).ok());
        for entry in folder.into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "yaml")
                && let Some(stem) = path.file_stem().and_then(|stem| stem.to_str())
            {
                names.insert(stem.to_owned());
            }
        }
        names.into_iter().collect()
    }

    /// The thing of this name.
    pub fn load<F: LibraryFile>(&self, name: &str) -> Result<F::Ready, LoadError> {
        let kind = F::KIND;
        let decoded = match self.find(kind, name) {
            Some(Found::File(path)) => yaml::read::<F>(&path),
            Some(Found::BuiltIn(text)) => {
                yaml::decode::<F>(text, format!("(built in) {}/{name}.yaml", kind.folder()))
            }
            None => {
                let there = self.names(kind);
                let near = suggestion(name, there.iter().map(String::as_str));
                let there = list(there.iter().map(String::as_str));
                let folder = kind.folder();
                return Err(LoadError::Unknown(format!(
                    "there is no {} {}{near} ({folder} has {there})",
                    kind.noun(),
                    quoted(name)
                )));
            }
        };
        let yaml::Decoded { value, doc } = decoded;
        let Some(file) = value.filter(|_| !doc.has_problems()) else {
            return Err(LoadError::Bad(doc.into_problems()));
        };
        if file.name().is_some_and(|own| own != name) {
            let own = quoted(file.name().unwrap_or_default());
            let what =
                format!("names itself {own}, and its file is named `{name}.yaml`; they must be the same");
            return Err(LoadError::Bad(Problem::new(Place::file(doc.file()), what).into()));
        }
        file.ready().map_err(|complaints| {
            for (key, what) in complaints {
                doc.problem(&key, what);
            }
            LoadError::Bad(doc.into_problems())
        })
    }

    fn find(&self, kind: Known, name: &str) -> Option<Found> {
        // A name, not a path: nothing is looked up outside of the folder.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) || name.starts_with('.') {
            return None;
        }
        let file = self.root.as_ref().map(|root| root.join(kind.folder()).join(format!("{name}.yaml")));
        // One that is not there yet takes the place of the built-in one as soon as somebody writes it.
        if let Some(path) = &file {
            source::note(path);
        }
        if let Some(path) = file.filter(|path| path.exists()) {
            return Some(Found::File(path));
        }
        kind.built_in().iter().find(|(built_in, _)| *built_in == name).map(|(_, text)| Found::BuiltIn(text))
    }
}

enum Found {
    File(PathBuf),
    BuiltIn(&'static str),
}
