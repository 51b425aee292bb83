//! UUCP lock files, as mgetty, minicom, pppd and cu keep them: `LCK..` and the name of the tty, holding the owner's pid.
//!
//! They tell who holds a port and are honoured by programs that know no flock; the flock on the tty itself, which
//! `serial` keeps, stands behind them. [MGETTY locks.c, policy.h; modems.md 8]

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
#[cfg(target_os = "linux")]
use nix::sys::stat::{major, minor};
use nix::unistd::Pid;

use super::Owner;
use crate::modem::clock::age_of;

/// Longer than this no program takes between making its lock file and writing its pid into it: what holds no pid
/// after it is rubbish.
const UNREADABLE_AGE_MAX: Duration = Duration::from_secs(10);

/// A lock file is a pid; of anything longer no more than this is read.
const CONTENT_BYTES_MAX: u64 = 64;

/// Times that a stale file is cleared away before we believe that somebody else is quicker.
const TAKE_TRIES_MAX: u32 = 3;

/// The lock files that this process holds. They tell a lock of ours from one left behind by an earlier process that
/// happened to have our pid, as happens in containers.
static HELD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The folders that could not be used, each told once.
static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn lock_set(set: &'static Mutex<BTreeSet<PathBuf>>) -> MutexGuard<'static, BTreeSet<PathBuf>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The port is taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// By whom, where the file tells.
    pub(super) owner: Option<Owner>,
}

/// A lock file that is ours. It goes when this is dropped.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    /// False where the folder could not be used: then only the other ports of this process are kept out.
    written: bool,
}

/// The lock file's name for a tty: its path without `/dev/`, and `_` for `/`.
fn file_name(tty: &Path) -> String {
    let text = tty.to_string_lossy();
    let name = text.strip_prefix("/dev/").unwrap_or(&text);
    format!("LCK..{}", name.trim_start_matches('/').replace('/', "_"))
}

impl LockFile {
    /// Takes the lock of `tty` (a real path) in `dir`. A stale one is taken over; a folder that can't be used is told
    /// once in the log, and is no error.
    pub(super) fn take(dir: &Path, tty: &Path) -> Result<Self, Held> {
        let path = dir.join(file_name(tty));
        // Kept through all of it: two ports of one process must not find the same lock stale.
        let mut held = lock_set(&HELD);
        if held.contains(&path) {
            return Err(Held { owner: Some(owner_of(std::process::id())) });
        }
        let written = match write(dir, &path) {
            Ok(taken) => taken.map(|()| true)?,
            Err(error) => {
                if lock_set(&TOLD).insert(dir.to_owned()) {
                    tracing::warn!(
                        folder = %dir.display(), %error,
                        "no lock files can be kept here; programs that know no flock will not see that a port is in use",
                    );
                }
                false
            }
        };
        held.insert(path.clone());
        drop(held);
        Ok(Self { path, written })
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let mut held = lock_set(&HELD);
        // Not if somebody removed it and put theirs there: then it is not ours to remove.
        if self.written && matches!(read(&self.path), Ok(Found::Pid(pid)) if pid == std::process::id()) {
            let _ = fs::remove_file(&self.path);
        }
        held.remove(&self.path);
    }
}

/// Writes the file. The outer error is the folder's, the inner one the port's.
fn write(dir: &Path, path: &Path) -> io::Result<Result<(), Held>> {
    for _ in 0..TAKE_TRIES_MAX {
        // Looked at first: a live lock counts even where we may write none.
        match read(path) {
            Ok(found) => {
                if let Some(held) = found.live() {
                    return Ok(Err(held));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut temp = tempfile::Builder::new()
            .prefix("LTMP..")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(dir)?;
        writeln!(temp, "{:>10}", std::process::id())?;
        match fs::hard_link(temp.path(), path) {
            Ok(()) => return Ok(Ok(())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if let Err(held) = clear_stale(dir, path)? {
                    return Ok(Err(held));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Err(Held { owner: None }))
}

/// Clears a stale file away without ever removing a live one: it is moved aside first, looked at there, and put back
/// if it turns out to be another's that came between.
fn clear_stale(dir: &Path, path: &Path) -> io::Result<Result<(), Held>> {
    let aside_dir = tempfile::Builder::new().prefix("LTMP..").tempdir_in(dir)?;
    let aside = aside_dir.path().join("stale");
    match fs::rename(path, &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(())),
        Err(error) => return Err(error),
    }
    match read(&aside).map(Found::live) {
        Ok(Some(held)) => {
            fs::hard_link(&aside, path)?;
            Ok(Err(held))
        }
        // What can't be read is no lock file (a folder, a link to nowhere); its owner finds nothing missing.
        Ok(None) | Err(_) => Ok(Ok(())),
    }
}

/// What a lock file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A pid.
    Pid(u32),
    /// Something else, and this old.
    Unreadable { age: Duration },
}

impl Found {
    /// Who holds the lock; nobody if it is stale.
    fn live(self) -> Option<Held> {
        match self {
            // Ours would stand in `HELD`: this one is from an earlier process with our pid.
            Self::Pid(pid) if pid == std::process::id() => None,
            Self::Pid(pid) if is_running(pid) => Some(Held { owner: Some(owner_of(pid)) }),
            Self::Pid(_) => None,
            Self::Unreadable { age } => (age <= UNREADABLE_AGE_MAX).then_some(Held { owner: None }),
        }
    }
}

/// Reads a lock file. Links are not followed and nothing blocks: lock folders are often open to all.
fn read(path: &Path) -> io::Result<Found> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)?;
    let meta = file.metadata()?;
    let age = age_of(meta.modified()?);
    if !meta.is_file() {
        return Ok(Found::Unreadable { age });
    }
    let mut content = Vec::new();
    file.take(CONTENT_BYTES_MAX).read_to_end(&mut content)?;
    Ok(parse(&content).map_or(Found::Unreadable { age }, Found::Pid))
}

/// The pid of a lock file: text, or four bytes in the machine's order as old programs write it.
fn parse(content: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(content).ok().and_then(|text| {
        // Some programs write their name behind the pid.
        text.split_ascii_whitespace().next()?.parse::<u32>().ok()
    });
    let pid = text.or_else(|| content.try_into().ok().map(u32::from_ne_bytes))?;
    (pid > 0 && i32::try_from(pid).is_ok()).then_some(pid)
}

fn is_running(pid: u32) -> bool {
    // Only ESRCH says that it is gone: EPERM says that it runs and is another user's.
    let found = i32::try_from(pid)
        .is_ok_and(|pid| nix::sys::signal::kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH));
    found && !fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_dead(&stat))
}

/// Whether a process, by its `/proc/PID/stat`, is dead and only waits for its parent to take note: it holds nothing.
fn is_dead(stat: &str) -> bool {
    // The name stands in parentheses, and may hold some itself.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}

fn owner_of(pid: u32) -> Owner {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    // A process may call itself anything.
    let name = name.map(|name| name.trim_end().chars().filter(|c| !c.is_control()).collect::<String>());
    Owner { pid, name: name.filter(|name| !name.is_empty()) }
}

/// Who holds a flock on this open tty: only Linux tells.
#[cfg(not(target_os = "linux"))]
pub(super) const fn flock_owner(_tty: &File) -> Option<Owner> {
    None
}

/// Who holds a flock on this open tty, as far as the kernel tells.
#[cfg(target_os = "linux")]
pub(super) fn flock_owner(tty: &File) -> Option<Owner> {
    let meta = tty.metadata().ok()?;
    let locks = fs::read_to_string("/proc/locks").ok()?;
    flock_pid(&locks, major(meta.dev()), minor(meta.dev()), meta.ino()).map(owner_of)
}

/// Finds the owner of a flock in `/proc/locks`: `1: FLOCK  ADVISORY  WRITE 708 00:17:5 0 EOF`, device in hex.
#[cfg(target_os = "linux")]
fn flock_pid(locks: &str, major: u64, minor: u64, inode: u64) -> Option<u32> {
    let file = format!("{major:02x}:{minor:02x}:{inode}");
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        match fields[..] {
            [_, "FLOCK", _, _, pid, found, ..] if found == file => pid.parse().ok(),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pid that no process has: the kernel's greatest is 2^22.
    const NOBODY: u32 = 0x7fff_fff0;

    fn lock_path(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().join("LCK..pts_77")
    }

    fn tty() -> PathBuf {
        PathBuf::from("/dev/pts/77")
    }

    /// A process that runs until it is dropped.
    struct Sleeper(std::process::Child);

    impl Sleeper {
        fn start() -> Self {
            Self(std::process::Command::new("sleep").arg("600").spawn().unwrap())
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    #[test]
    fn the_name_is_that_of_the_tty() {
        for (tty, name) in
            [("/dev/ttyS0", "LCK..ttyS0"), ("/dev/pts/0", "LCK..pts_0"), ("/tmp/x/tty", "LCK..tmp_x_tty")]
        {
            assert_eq!(file_name(Path::new(tty)), name);
        }
    }

    #[test]
    fn a_free_port_gets_a_file_that_others_can_read_and_that_goes() {
        let dir = tempfile::tempdir().unwrap();
        let lock = LockFile::take(dir.path(), &tty()).unwrap();
        let content = fs::read_to_string(lock_path(&dir)).unwrap();
        assert_eq!(content, format!("{:>10}\n", std::process::id()));
        assert_eq!(content.len(), 11);
        assert_eq!(fs::metadata(lock_path(&dir)).unwrap().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a temporary file stayed");
        drop(lock);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_second_port_of_ours_is_kept_out_and_told_who_we_are() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = LockFile::take(dir.path(), &tty()).unwrap();
        let owner = LockFile::take(dir.path(), &tty()).unwrap_err().owner.unwrap();
        assert_eq!(owner.pid, std::process::id());
        assert!(owner.name.is_some());
    }

    #[test]
    fn a_running_owner_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let sleeper = Sleeper::start();
        let pid = sleeper.0.id();
        for content in
            [format!("{pid:>10}\n").into_bytes(), format!("{pid} sleep\n").into(), pid.to_ne_bytes().into()]
        {
            fs::write(lock_path(&dir), &content).unwrap();
            // The child's name is ours until its exec is through.
            let owner = LockFile::take(dir.path(), &tty()).unwrap_err().owner.unwrap();
            assert_eq!(owner.pid, pid);
            assert!(owner.name.is_some());
            assert_eq!(fs::read(lock_path(&dir)).unwrap(), content, "a live lock was touched");
        }
    }

    #[test]
    fn the_lock_of_a_dead_process_that_nobody_has_waited_for_is_stale() {
        assert!(is_dead("42 (a) Z (b) Z 1 1") && !is_dead("42 (a) Z b) S 1 1") && !is_dead(""));
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        while !fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_dead(&stat)) {
            std::thread::yield_now();
        }
        fs::write(lock_path(&dir), format!("{pid:10}\n")).unwrap();
        assert!(LockFile::take(dir.path(), &tty()).is_ok());
        child.wait().unwrap();
    }

    #[test]
    fn stale_locks_are_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let ours = std::process::id();
        for content in [
            format!("{NOBODY:>10}\n").into_bytes(),
            NOBODY.to_ne_bytes().into(),
            format!("{ours:>10}\n").into(),
        ] {
            fs::write(lock_path(&dir), content).unwrap();
            let lock = LockFile::take(dir.path(), &tty()).unwrap();
            assert_eq!(fs::read_to_string(lock_path(&dir)).unwrap(), format!("{ours:>10}\n"));
            drop(lock);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn rubbish_is_left_to_its_writer_for_a_while_and_then_taken() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(lock_path(&dir), "").unwrap();
        assert_eq!(LockFile::take(dir.path(), &tty()).unwrap_err(), Held { owner: None });
        let old = fs::metadata(lock_path(&dir)).unwrap().modified().unwrap() - Duration::from_secs(60);
        File::options().write(true).open(lock_path(&dir)).unwrap().set_modified(old).unwrap();
        let _lock = LockFile::take(dir.path(), &tty()).unwrap();
    }

    #[test]
    fn a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, lock_path(&dir)).unwrap();
        let lock = LockFile::take(dir.path(), &tty()).unwrap();
        drop(lock);
        assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    }

    #[test]
    fn a_live_lock_that_came_between_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let sleeper = Sleeper::start();
        let content = format!("{:>10}\n", sleeper.0.id());
        fs::write(lock_path(&dir), &content).unwrap();
        assert!(clear_stale(dir.path(), &lock_path(&dir)).unwrap().is_err());
        assert_eq!(fs::read_to_string(lock_path(&dir)).unwrap(), content);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_error_and_our_own_ports_are_still_kept_apart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        for folder in [dir.path().join("nowhere"), file, PathBuf::from("/proc/self")] {
            let lock = LockFile::take(&folder, &tty()).unwrap();
            assert!(!lock.written);
            assert!(LockFile::take(&folder, &tty()).is_err());
            drop(lock);
            drop(LockFile::take(&folder, &tty()).unwrap());
            assert!(lock_set(&TOLD).contains(&folder));
        }
    }

    #[test]
    fn a_lock_that_became_anothers_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let lock = LockFile::take(dir.path(), &tty()).unwrap();
        fs::write(lock_path(&dir), "         1\n").unwrap();
        drop(lock);
        assert_eq!(fs::read_to_string(lock_path(&dir)).unwrap(), "         1\n");
    }

    #[test]
    fn pids_are_read_as_text_or_binary_and_nothing_else_is() {
        assert_eq!(parse(b"      1234\n"), Some(1234));
        assert_eq!(parse(b"1234 mgetty\n"), Some(1234));
        assert_eq!(parse(b"1234"), Some(1234), "four digits are text, not bytes");
        assert_eq!(parse(&70_000_u32.to_ne_bytes()), Some(70_000));
        for rubbish in
            [&b""[..], b"\n", b"0\n", b"-1\n", b"x", b"4294967295\n", &[0, 0, 0, 0], &[0xff; 4], &[0xff; 9]]
        {
            assert_eq!(parse(rubbish), None, "{rubbish:?}");
        }
    }

    #[test]
    fn the_owner_of_a_flock_is_found_by_the_file() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 00:17:5 0 EOF\n2: FLOCK  ADVISORY  WRITE 708 00:17:5 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 9 00:17:5 0 EOF\n3: FLOCK  ADVISORY  WRITE 12 fd:01:5 0 EOF\n";
        assert_eq!(flock_pid(locks, 0, 0x17, 5), Some(708));
        assert_eq!(flock_pid(locks, 0xfd, 1, 5), Some(12));
        assert_eq!(flock_pid(locks, 0xfd, 2, 5), None);
    }
}
