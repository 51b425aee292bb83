//! One pty: a master without waiting, a raw slave of our own, and a symbolic link to its path.
//!
//! We hold a slave ourselves, so that reading the master waits instead of failing while no program has the port open
//! (libraries.md S10), and so that its settings outlive the program. Whether a program has it open is told by
//! [`super::presence`].

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{FlushArg, SetArg, cfmakeraw, tcflush, tcgetattr, tcgetsid, tcsetattr};

/// Bytes that wait for a program that does not read; what comes beyond is lost, as on a wire.
const PENDING_MAX: usize = 64 * 1024;

/// A pty.
#[derive(Debug)]
pub(super) struct Pty {
    master: PtyMaster,
    slave: Option<File>,
    path: PathBuf,
    pending: Vec<u8>,
}

impl Pty {
    /// A pty whose slave is ours and raw.
    pub(super) fn raw() -> io::Result<Self> {
        let mut pty = Self::cooked()?;
        pty.hold()?;
        Ok(pty)
    }

    /// A pty as the kernel makes it, for a program that will be its terminal. Nobody holds its slave yet.
    pub(super) fn cooked() -> io::Result<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = PathBuf::from(ptsname_r(&master)?);
        Ok(Self { master, slave: None, path, pending: Vec::new() })
    }

    /// The slave's path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// For polling.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    /// Bytes wait to be written.
    pub(super) fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Another slave, for a program.
    pub(super) fn open_slave(&self) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags((OFlag::O_NOCTTY | OFlag::O_CLOEXEC).bits())
            .open(&self.path)
    }

    fn hold(&mut self) -> io::Result<()> {
        let slave = self.open_slave()?;
        let mut termios = tcgetattr(&slave)?;
        cfmakeraw(&mut termios);
        tcsetattr(&slave, SetArg::TCSANOW, &termios)?;
        self.slave = Some(slave);
        Ok(())
    }

    /// Whether anybody else has the slave open: ours is let go for a moment, and the kernel says whether it was the
    /// last: then it is made raw again, while a program that has it keeps its own settings.
    pub(super) fn is_open_elsewhere(&mut self) -> io::Result<bool> {
        self.slave = None;
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::empty())];
        poll(&mut fds, PollTimeout::ZERO)?;
        let hung_up = fds[0].revents().is_some_and(|r| r.contains(PollFlags::POLLHUP));
        if hung_up {
            self.hold()?;
        } else {
            self.slave = Some(self.open_slave()?);
        }
        Ok(!hung_up)
    }

    /// Whether it is the terminal of somebody's session: of a login, say, and not of a program that only has it open.
    pub(super) fn has_session(&self) -> bool {
        tcgetsid(&self.master).is_ok()
    }

    /// Locks it as another program would.
    pub(super) fn lock(&self) -> io::Result<()> {
        self.slave.as_ref().map_or(Ok(()), File::lock)
    }

    /// Forgets what was written and not read: on a wire it would be gone.
    pub(super) fn forget_output(&mut self) {
        self.pending.clear();
        if let Some(slave) = &self.slave {
            // Failing only leaves old bytes to the next program, which has to expect them anyway.
            let _ = tcflush(slave, FlushArg::TCIFLUSH);
        }
    }

    /// Reads what is there. `Ok(None)`: nothing now. `Ok(Some(0))` and errors: the other side is gone.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        match self.master.read(into) {
            Ok(n) => Ok(Some(n)),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Writes, or keeps for later what can't be written now.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.pending.is_empty() {
            let written = self.write_some(bytes);
            self.keep(&bytes[written..]);
        } else {
            self.keep(bytes);
        }
    }

    /// Writes what was kept.
    pub(super) fn catch_up(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let written = self.write_some(&pending);
        self.pending = pending;
        self.pending.drain(..written);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = PENDING_MAX.saturating_sub(self.pending.len()).min(bytes.len());
        self.pending.extend_from_slice(&bytes[..room]);
    }

    fn write_some(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.master.write(&bytes[written..]) {
                Ok(0) => break,
                Ok(n) => written += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                // The slave is gone: so are the bytes.
                Err(_) => return bytes.len(),
            }
        }
        written
    }
}
