//! Numbers that somebody confirmed with `lineman audit --number-confirmed`: a small file beside the runs' folders.
//!
//! What calls found can be read again from the runs' journals. What a person said can't, so it has a file of its own, which
//! outlives the database.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{LineId, PhoneNumber, VoiceHolds};

/// Its name in the reports folder.
pub const CONFIRMED_FILE: &str = "confirmed-numbers.json";
/// Version of the file; a newer one is not touched.
pub const CONFIRMED_FORMAT: u32 = 1;

/// Why the memory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmedError {
    /// Reading failed.
    #[error("cannot read the numbers that were confirmed, `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Writing failed.
    #[error("cannot write the numbers that were confirmed, `{path}`: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what was written.
    #[error(
        "`{path}`, the numbers that were confirmed, is damaged: {what}; restore it, or remove it and confirm the numbers again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A newer lineman wrote it.
    #[error("`{path}` has format {format}; this lineman knows {CONFIRMED_FORMAT}: use a newer one")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

/// One number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// When somebody said so.
    pub at: Timestamp,
    /// For this line.
    pub line: LineId,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    format: u32,
    confirmed: BTreeMap<PhoneNumber, Confirmation>,
}

/// The numbers that were confirmed so far.
#[derive(Debug, Default)]
pub struct Confirmed {
    numbers: BTreeMap<PhoneNumber, Confirmation>,
}

impl Confirmed {
    /// Reads the memory of a reports folder; one that is not there is empty.
    ///
    /// # Errors
    /// It can't be read, or is not what was written.
    pub fn open(reports: &Path) -> Result<Self, ConfirmedError> {
        Ok(Self { numbers: read(&reports.join(CONFIRMED_FILE))? })
    }

    /// Remembers numbers that were confirmed for a line; they are on the disk when this returns.
    ///
    /// # Errors
    /// It can't be read or written; nothing is changed then.
    pub fn confirm(
        reports: &Path,
        line: &LineId,
        numbers: impl IntoIterator<Item = PhoneNumber>,
        at: Timestamp,
    ) -> Result<Self, ConfirmedError> {
        let path = reports.join(CONFIRMED_FILE);
        let failed = |source| ConfirmedError::Write { path: path.clone(), source };
        fs::create_dir_all(reports).map_err(failed)?;
        let lock = lock(&path).map_err(failed)?;
        let mut confirmed = read(&path)?;
        confirmed.extend(numbers.into_iter().map(|number| (number, Confirmation { at, line: line.clone() })));
        let memory = Memory { format: CONFIRMED_FORMAT, confirmed };
        write(reports, &path, &memory).map_err(failed)?;
        drop(lock);
        Ok(Self { numbers: memory.confirmed })
    }

    /// The numbers.
    pub fn numbers(&self) -> impl Iterator<Item = (&PhoneNumber, &Confirmation)> {
        self.numbers.iter()
    }

    /// Tells them to the voices that were heard.
    pub fn apply(&self, holds: &mut VoiceHolds) {
        for (number, confirmation) in &self.numbers {
            holds.confirmed(number.clone(), confirmation.at);
        }
    }
}

fn read(path: &Path) -> Result<BTreeMap<PhoneNumber, Confirmation>, ConfirmedError> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(ConfirmedError::Read { path: path.to_owned(), source }),
    };
    let damaged = |error: &serde_json::Error| ConfirmedError::Damaged {
        path: path.to_owned(),
        what: format!("line {}: {error}", error.line()),
    };
    let head: Head = serde_json::from_slice(&text).map_err(|error| damaged(&error))?;
    if head.format > CONFIRMED_FORMAT {
        return Err(ConfirmedError::Newer { path: path.to_owned(), format: head.format });
    }
    let memory: Memory = serde_json::from_slice(&text).map_err(|error| damaged(&error))?;
    Ok(memory.confirmed)
}

/// Held while the file changes; the file itself is replaced, so that a lock on it would lock nothing.
fn lock(path: &Path) -> io::Result<File> {
    let lock = path.with_file_name(format!(".{CONFIRMED_FILE}.lock"));
    let file = OpenOptions::new().create(true).append(true).open(lock)?;
    file.lock()?;
    Ok(file)
}

fn write(folder: &Path, path: &Path, memory: &Memory) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    // Others may read and confirm too, as the umask allows; a temporary file's own 0600 would stay after the rename.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, memory)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_confirmed_is_read_again_and_a_damaged_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let reports = folder.path().join("reports");
        let line: LineId = "BR0001-A".parse().unwrap();
        let number = |n: u8| format!("+1 919 555 01{n:02}").parse::<PhoneNumber>().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(Confirmed::open(&reports).unwrap().numbers().count(), 0);
        Confirmed::confirm(&reports, &line, [number(1)], at("2026-11-20T08:00:00Z")).unwrap();
        Confirmed::confirm(&reports, &line, [number(2)], at("2026-11-21T08:00:00Z")).unwrap();
        Confirmed::confirm(&reports, &line, [number(1)], at("2026-11-22T08:00:00Z")).unwrap();
        let read = Confirmed::open(&reports).unwrap();
        let told: Vec<_> = read.numbers().map(|(number, said)| (number.clone(), said.at)).collect();
        assert_eq!(told, [(number(1), at("2026-11-22T08:00:00Z")), (number(2), at("2026-11-21T08:00:00Z"))]);

        let file = reports.join(CONFIRMED_FILE);
        for (text, wrong) in [("{", "damaged"), ("{\"format\": 9}", "format 9")] {
            fs::write(&file, text).unwrap();
            let told = Confirmed::open(&reports).unwrap_err().to_string();
            assert!(told.contains(wrong), "{told}");
            assert!(Confirmed::confirm(&reports, &line, [number(1)], Timestamp::UNIX_EPOCH).is_err());
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }
}
