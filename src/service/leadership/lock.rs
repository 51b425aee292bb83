//! Leadership by a lock on a file: who holds it is the primary, all others wait for it.
//!
//! A thread of its own waits, in the kernel, for the lock and, once it has it, for word that the file at the path is no longer
//! the one that is locked. A lock dies with its process, so a primary that was killed is followed at once. The file must be
//! on a file system whose locks reach all hosts that share it; what is done to the file on another host is seen only where the
//! file system tells of it.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::watch;

use super::{Leader, Role, Standing};

/// Pause before a lock that can't be had for an error, not for a peer, is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// So long whoever lost the lock leaves it to its peers.
const LEFT_TO_PEERS: Duration = Duration::from_secs(3);
/// Where the kernel tells this host's name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";
/// Longest word of a holder about itself that is read, bytes.
const HOLDER_BYTES_MAX: u64 = 256;

/// Holds, or waits for, the lock.
pub(super) struct Lock {
    standing: watch::Sender<Standing>,
    wake: mpsc::Sender<Woken>,
}

/// Why the thread wakes.
enum Woken {
    /// Something happened in the folder.
    Files,
    /// Nobody wants to know any more.
    Dropped,
}

impl Lock {
    pub(super) fn new(path: &Path) -> Self {
        let standing =
            watch::Sender::new(Standing { role: Role::None, why: "it asks for the lock".to_owned() });
        let (wake, woken) = mpsc::channel();
        let keeper = Keeper { path: path.to_owned(), standing: standing.clone(), wake: wake.clone(), woken };
        let began = std::thread::Builder::new().name("leadership".to_owned()).spawn(move || keeper.run());
        if let Err(error) = began {
            standing
                .send_replace(Standing { role: Role::None, why: format!("no thread can be had: {error}") });
        }
        Self { standing, wake }
    }
}

impl Leader for Lock {
    fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    fn tell(&self, _: Role) -> Result<(), String> {
        Err("its role is that of a lock, and can't be told".to_owned())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A thread that still waits for the lock finds this when it gets it, and gives it back.
        drop(self.wake.send(Woken::Dropped));
    }
}

/// What the thread works with.
struct Keeper {
    path: PathBuf,
    standing: watch::Sender<Standing>,
    wake: mpsc::Sender<Woken>,
    woken: mpsc::Receiver<Woken>,
}

impl Keeper {
    fn run(self) {
        loop {
            let pause = match self.hold() {
                Ok(Lost::Dropped) => return,
                Ok(Lost::Replaced) => {
                    let path = self.path.display();
                    self.say(
                        Role::Secondary,
                        format!("the lock file `{path}` was replaced or removed, and the lock with it"),
                    );
                    LEFT_TO_PEERS
                }
                Err(error) => {
                    self.say(Role::None, format!("the lock `{}` can't be had: {error}", self.path.display()));
                    AGAIN_AFTER
                }
            };
            if self.dropped_within(pause) {
                return;
            }
        }
    }

    fn say(&self, role: Role, why: String) {
        self.standing.send_replace(Standing { role, why });
    }

    /// Waits for the lock, then holds it until it is lost.
    fn hold(&self) -> io::Result<Lost> {
        // Watched before it is asked for, so that no change falls between.
        let wake = self.wake.clone();
        let mut watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
            drop(wake.send(Woken::Files));
        })
        .map_err(io::Error::other)?;
        let folder =
            self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        watcher.watch(folder, RecursiveMode::NonRecursive).map_err(io::Error::other)?;
        let mut locked = loop {
            let locked = self.lock()?;
            if self.is_dropped() {
                return Ok(Lost::Dropped);
            }
            // While it was waited for the file may have been replaced; then this lock means nothing.
            if self.is_at_path(&locked)? {
                break locked;
            }
        };
        if let Err(error) = sign(&mut locked) {
            tracing::debug!(path = %self.path.display(), %error, "the lock file can't be signed");
        }
        self.say(Role::Primary, format!("it holds the lock on `{}`", self.path.display()));
        while let Ok(woken) = self.woken.recv() {
            match woken {
                Woken::Dropped => return Ok(Lost::Dropped),
                // A file that can't be seen any more is no lock that a peer could see either.
                Woken::Files if self.is_at_path(&locked).unwrap_or(false) => {}
                Woken::Files => return Ok(Lost::Replaced),
            }
        }
        Ok(Lost::Dropped)
    }

    /// Waits until the lock is ours.
    fn lock(&self) -> io::Result<File> {
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.path)?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let holder = holder(&mut file).map_or_else(|| "a peer".to_owned(), |holder| format!("`{holder}`"));
        self.say(Role::Secondary, format!("{holder} holds the lock on `{}`", self.path.display()));
        loop {
            match file.lock() {
                Ok(()) => return Ok(file),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the file at the path is the one that is locked.
    fn is_at_path(&self, locked: &File) -> io::Result<bool> {
        match std::fs::metadata(&self.path) {
            Ok(there) => Ok(same(&there, &locked.metadata()?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn is_dropped(&self) -> bool {
        self.woken.try_iter().any(|woken| matches!(woken, Woken::Dropped))
    }

    /// Waits so long, unless nobody wants to know any more.
    fn dropped_within(&self, pause: Duration) -> bool {
        // Files that change meanwhile are looked at once it is quiet: each begins the pause anew.
        loop {
            match self.woken.recv_timeout(pause) {
                Ok(Woken::Files) => {}
                Ok(Woken::Dropped) | Err(mpsc::RecvTimeoutError::Disconnected) => return true,
                Err(mpsc::RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

/// How the lock was lost.
enum Lost {
    /// The file at the path is another one now, or none.
    Replaced,
    /// Nobody wants it any more.
    Dropped,
}

#[cfg(unix)]
fn same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// As far as can be told here.
#[cfg(not(unix))]
fn same(a: &Metadata, b: &Metadata) -> bool {
    a.created().ok() == b.created().ok()
}

/// Writes into the file who holds it, for people, and for the peers' words.
fn sign(file: &mut File) -> io::Result<()> {
    let host = std::fs::read_to_string(HOST_NAME).unwrap_or_default();
    let host = host.trim();
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{host} process {}", std::process::id())
}

/// Who holds it, as it says itself; what it says is data.
fn holder(file: &mut File) -> Option<String> {
    let mut bytes = Vec::new();
    file.rewind().ok()?;
    file.take(HOLDER_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| crate::report::safe_line(line))
}

#[cfg(test)]
mod tests;
