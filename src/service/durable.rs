//! What the daemon must not forget: an emergency stop, what operators disabled, paused and stopped, which run goes on, which
//! times of the schedules are dealt with. One small file, replaced whole at each change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::status::LastRun;
use crate::model::{BankName, LineId, ModemId, PlanName, RunId};
use crate::report;

/// The form of the file.
pub const FORMAT: u32 = 1;

/// Largest state file, bytes; with every line of a large plan disabled it is about 1 MiB.
pub const BYTES_MAX: u64 = 16 << 20;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Durable {
    /// [`FORMAT`].
    pub format: u32,
    /// An emergency stop is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Word>,
    /// What holds the whole daemon.
    #[serde(skip_serializing_if = "Holds::is_none")]
    pub daemon: Holds,
    /// The plans.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub plans: BTreeMap<PlanName, PlanMemory>,
    /// Modems that an operator disabled.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub modems: BTreeMap<BankName, BTreeMap<ModemId, Word>>,
}

impl Default for Durable {
    fn default() -> Self {
        Self {
            format: FORMAT,
            emergency: None,
            daemon: Holds::default(),
            plans: BTreeMap::new(),
            modems: BTreeMap::new(),
        }
    }
}

/// What an operator said, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Why, in words; may be empty.
    #[serde(default)]
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// It ends by itself then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What an operator holds back. Each ends by its own word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holds {
    /// Disabled, until it is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Word>,
    /// Stopped, until it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Word>,
    /// Drained, until it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drained: Option<Word>,
    /// Paused, until it is resumed or for a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Word>,
}

impl Holds {
    /// Whether nothing is held back.
    pub const fn is_none(&self) -> bool {
        self.disabled.is_none() && self.stopped.is_none() && self.drained.is_none() && self.paused.is_none()
    }
}

/// What is known of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanMemory {
    /// What holds it.
    #[serde(skip_serializing_if = "Holds::is_none")]
    pub holds: Holds,
    /// Its lines that an operator disabled.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lines: BTreeMap<LineId, Word>,
    /// The schedule that `dealt_with` is of; empty: none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub schedule: String,
    /// Times of the schedule up to this one are dealt with: begun, or told as missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dealt_with: Option<Timestamp>,
    /// Somebody asked for a run, then, and it has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demanded: Option<Timestamp>,
    /// The run that goes on, or was cut off and is to be resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
    /// The last run that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRun>,
}

/// A run that goes on, or was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Which.
    pub run: RunId,
    /// When it was due; absent: on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// When it began.
    pub begun: Timestamp,
    /// Until then it is resumed when it is cut off.
    pub until: Timestamp,
    /// How often in a row it died.
    #[serde(default)]
    pub deaths: u32,
}

/// What the file held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The state.
    pub state: Durable,
    /// The file was damaged: what is wrong, and where it is kept now. Then nobody knows what was in force, and the state
    /// says that everything is stopped.
    pub damaged: Option<String>,
}

/// Why the state can't be had, and must not be written over.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// The file, or its folder, can't be read or written.
    #[error("the state file `{path}` can't be {done}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// `read`, `written`, `set aside`.
        done: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A later version wrote it.
    #[error(
        "the state file `{path}` is of form {format}, and this version knows {FORMAT}: a later lineman wrote it; use that one, or move the file away (an emergency stop, and what operators disabled, would be forgotten)",
        path = path.display()
    )]
    Later {
        /// Which.
        path: PathBuf,
        /// Its form.
        format: u64,
    },
}

/// Reads the state; without a file it is a new one. A damaged file is set aside, and everything is stopped.
///
/// # Errors
/// It can't be had, and must not be written over.
pub fn load(path: &Path, now: Timestamp) -> Result<Restored, DurableError> {
    let io = |done| move |source| DurableError::Io { path: path.to_owned(), done, source };
    let bytes = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Restored { state: Durable::default(), damaged: None });
        }
        Err(error) => return Err(io("read")(error)),
        Ok(facts) if facts.len() > BYTES_MAX => Vec::new(),
        Ok(_) => fs::read(path).map_err(io("read"))?,
    };
    let what = match parse(&bytes) {
        Ok(Parsed::Ours(state)) => return Ok(Restored { state: *state, damaged: None }),
        Ok(Parsed::Later(format)) => return Err(DurableError::Later { path: path.to_owned(), format }),
        Err(what) => what,
    };
    let aside = path.with_extension(format!("damaged-{}.json", now.strftime("%Y%m%dT%H%M%SZ")));
    fs::rename(path, &aside).map_err(io("set aside"))?;
    let damaged = format!(
        "the state file `{}` is damaged ({what}); it is kept as `{}`",
        path.display(),
        aside.display()
    );
    let why = format!("{damaged}, and whether an emergency stop was in force is not known");
    let emergency = Some(Word { why, since: now, until: None });
    Ok(Restored { state: Durable { emergency, ..Durable::default() }, damaged: Some(damaged) })
}

/// What a file holds.
enum Parsed {
    Ours(Box<Durable>),
    /// Something of a later form, of which nothing else is known.
    Later(u64),
}

/// The form first: a later one may have anything behind it, and what says none is nothing of ours.
fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let format = value.as_object().and_then(|state| state.get("format")?.as_u64());
    match format {
        Some(format) if format == u64::from(FORMAT) => serde_json::from_value(value)
            .map(|state| Parsed::Ours(Box::new(state)))
            .map_err(|error| error.to_string()),
        Some(format) if format > u64::from(FORMAT) => Ok(Parsed::Later(format)),
        _ => Err("it does not say its form".to_owned()),
    }
}

/// Writes the state: whole, or not at all, and on the disk when this returns. Makes its folder. Blocks on the disk.
///
/// # Errors
/// It can't be written; what was there is as it was.
pub fn store(path: &Path, state: &Durable) -> Result<(), DurableError> {
    let io = |source| DurableError::Io { path: path.to_owned(), done: "written", source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io)?;
    }
    let mut text = serde_json::to_vec_pretty(state).map_err(|error| io(error.into()))?;
    text.push(b'\n');
    report::replace(path, &text).map_err(io)
}

#[cfg(test)]
mod tests;
