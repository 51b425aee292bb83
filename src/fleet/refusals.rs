//! The memory of refused secrets, across runs: a file of slow salted hashes.
//!
//! A secret that a console refused is not sent again by any later run, until it changes or the user says so. Who may send
//! one within a run is [`super::guard`]'s. Nothing here, the error texts included, ever holds a secret in clear.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::model::PlanName;

/// Version of the file; a newer one is not touched.
pub const REFUSALS_FORMAT: u32 = 1;
/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory: 50 to 100 ms on a machine of 2020.
const PASSES: u32 = 4;
/// Bytes of salt.
const SALT_LEN: usize = 16;
/// Most bytes of the file that are read: thousands of entries.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why the memory can't be used. Nothing may be dialed with a password then, or an account might be locked.
#[derive(Debug, thiserror::Error)]
pub enum RefusalsError {
    /// Reading failed.
    #[error("cannot read the memory of refused secrets `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Writing failed.
    #[error("cannot write the memory of refused secrets `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others could read it, or write it.
    #[error("the memory of refused secrets `{path}` is open to others (mode {mode:04o}); `chmod 600` it")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is not what was written.
    #[error(
        "the memory of refused secrets `{path}` is damaged: {what}; restore it, or check your credentials and then \
         remove it (secrets that were refused before will be sent once more)"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, without its contents.
        what: String,
    },
    /// A newer lineman wrote it.
    #[error(
        "the memory of refused secrets `{path}` has format {format}; this lineman knows {REFUSALS_FORMAT}: use a newer one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// The secret could not be hashed.
    #[error("cannot hash the refused secret of `{username}`: {what}")]
    Hash {
        /// Whose.
        username: String,
        /// Why.
        what: String,
    },
}

/// One refused secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The account.
    pub username: String,
    /// Argon2id hash in PHC form, salt included.
    hash: String,
    /// When it was refused.
    pub when: Timestamp,
    /// In a run of this plan.
    pub plan: PlanName,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    format: u32,
    refused: Vec<Refusal>,
}

/// The refused secrets of all runs so far.
#[derive(Debug)]
pub struct Refusals {
    path: PathBuf,
    refused: Vec<Refusal>,
    changes: u64,
}

impl Refusals {
    /// Reads the memory; a file that is not there is an empty one.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, RefusalsError> {
        let path = path.into();
        let refused = read(&path)?;
        Ok(Self { path, refused, changes: 0 })
    }

    /// Reads it again: how often others have changed it since it was opened, as far as was seen here.
    pub fn renew(&mut self) -> Result<u64, RefusalsError> {
        let refused = read(&self.path)?;
        if refused != self.refused {
            self.refused = refused;
            self.changes += 1;
        }
        Ok(self.changes)
    }

    /// Whether this secret of this account was refused before.
    pub fn is_refused(&self, username: &str, secret: &SecretString) -> bool {
        self.find(username, secret).is_some()
    }

    /// The refusal of this secret of this account, if there was one. Slow: one hash for each refusal of the account.
    pub fn find(&self, username: &str, secret: &SecretString) -> Option<&Refusal> {
        self.refused.iter().filter(|refusal| same(&refusal.username, username)).find(|refusal| {
            PasswordHash::new(&refusal.hash).is_ok_and(|hash| {
                Argon2::default().verify_password(secret.expose_secret().as_bytes(), &hash).is_ok()
            })
        })
    }

    /// Remembers a refused secret. Slow: one hash.
    pub fn remember(
        &mut self,
        username: &str,
        secret: &SecretString,
        when: Timestamp,
        plan: &PlanName,
    ) -> Result<(), RefusalsError> {
        if self.is_refused(username, secret) {
            return Ok(());
        }
        let hash =
            hash(secret).map_err(|what| RefusalsError::Hash { username: username.to_owned(), what })?;
        self.change(|refused| {
            refused.push(Refusal { username: username.to_owned(), hash, when, plan: plan.clone() });
        })
    }

    /// Forgets every refusal of an account, on the user's say-so. How many there were.
    pub fn forget(&mut self, username: &str) -> Result<usize, RefusalsError> {
        let mut forgotten = 0;
        self.change(|refused| {
            let before = refused.len();
            refused.retain(|refusal| !same(&refusal.username, username));
            forgotten = before - refused.len();
        })?;
        Ok(forgotten)
    }

    /// Makes sure that something could be remembered, before any password is sent.
    pub fn ensure_writable(&self) -> Result<(), RefusalsError> {
        self.lock().map(drop)
    }

    fn folder(&self) -> &Path {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    fn lock(&self) -> Result<File, RefusalsError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(self.folder());
        made.and_then(|()| lock_file(&self.path))
            .map_err(|source| RefusalsError::Write { path: self.path.clone(), source })
    }

    /// Reads the file again, changes it and writes it, while no other run does.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Refusal>)) -> Result<(), RefusalsError> {
        let lock = self.lock()?;
        let mut refused = read(&self.path)?;
        change(&mut refused);
        let memory = Memory { format: REFUSALS_FORMAT, refused };
        write(self.folder(), &self.path, &memory)
            .map_err(|source| RefusalsError::Write { path: self.path.clone(), source })?;
        self.refused = memory.refused;
        drop(lock);
        Ok(())
    }
}

/// Whether two usernames may be one account: many authentication servers take no notice of case.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// Held while the file changes; the file itself is replaced, so that a lock on it would lock nothing.
fn lock_file(path: &Path) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(name)?;
    file.lock()?;
    Ok(file)
}

fn read(path: &Path) -> Result<Vec<Refusal>, RefusalsError> {
    let failed = |source| RefusalsError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    // Elsewhere there are no such bits: the file lies in the user's own folder, which others can't read.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(RefusalsError::Open { path: path.to_owned(), mode });
        }
    }
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text).map_err(failed)?;
    let damaged = |what: String| RefusalsError::Damaged { path: path.to_owned(), what };
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(damaged(format!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    parse(path, &text, damaged)
}

fn parse(
    path: &Path,
    text: &[u8],
    damaged: impl Fn(String) -> RefusalsError,
) -> Result<Vec<Refusal>, RefusalsError> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let wrong = |error: &serde_json::Error| damaged(format!("line {}: {error}", error.line()));
    let head: Head = serde_json::from_slice(text).map_err(|error| wrong(&error))?;
    if head.format > REFUSALS_FORMAT {
        return Err(RefusalsError::Newer { path: path.to_owned(), format: head.format });
    }
    let memory: Memory = serde_json::from_slice(text).map_err(|error| wrong(&error))?;
    for (index, refusal) in memory.refused.iter().enumerate() {
        if !is_ours(&refusal.hash) {
            return Err(damaged(format!("entry {} holds no hash of ours", index + 1)));
        }
    }
    Ok(memory.refused)
}

/// Whether a hash can be checked at the cost that we are ready to pay: a huge one would stop the run dead.
fn is_ours(hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        hash.salt.is_some()
            && hash.hash.is_some()
            && Params::try_from(&hash).is_ok_and(|cost| {
                cost.m_cost() <= MEMORY_KIB && cost.t_cost() <= PASSES && cost.p_cost() == 1
            })
    })
}

fn write(folder: &Path, path: &Path, memory: &Memory) -> io::Result<()> {
    // Created with mode 0600 where there are modes; the rename keeps it.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, memory)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn hash(secret: &SecretString) -> Result<String, String> {
    let mut salt = [0; SALT_LEN];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut salt))
        .map_err(|error| format!("no salt from /dev/urandom: {error}"))?;
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|error| error.to_string())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(secret.expose_secret().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
