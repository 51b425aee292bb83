//! A terminal for a program to run on: a pty whose other end is this test, and a screen that shows what a person would see.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{Termios, tcgetattr};

use crate::night::SOON;
use crate::stage::{ended, wait_until};

/// Columns and rows of the terminal.
pub(crate) const COLUMNS: u16 = 120;
const ROWS: u16 = 30;

/// What is on the screen, and above it.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    rows: Vec<Vec<char>>,
    /// Rows that went out at the top.
    pub(crate) above: Vec<String>,
    row: usize,
    column: usize,
    pub(crate) cursor_hidden: bool,
    /// Sequences that a plain line of text has no business with: titles, modes, device strings.
    pub(crate) odd: Vec<String>,
}

impl Screen {
    fn new() -> Self {
        Self { rows: vec![Vec::new(); usize::from(ROWS)], ..Self::default() }
    }

    /// The rows as a person reads them.
    pub(crate) fn text(&self) -> String {
        let rows: Vec<String> =
            self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect();
        rows.join("\n").trim_end().to_owned()
    }

    /// All that was ever left standing.
    pub(crate) fn all(&self) -> String {
        format!("{}\n{}", self.above.join("\n"), self.text())
    }

    pub(crate) fn column(&self) -> usize {
        self.column
    }

    fn line_feed(&mut self) {
        if self.row + 1 < self.rows.len() {
            self.row += 1;
        } else {
            let out = self.rows.remove(0);
            self.above.push(out.into_iter().collect::<String>().trim_end().to_owned());
            self.rows.push(Vec::new());
        }
    }
}

impl vte::Perform for Screen {
    fn print(&mut self, c: char) {
        if self.column >= usize::from(COLUMNS) {
            self.column = 0;
            self.line_feed();
        }
        let row = &mut self.rows[self.row];
        if row.len() <= self.column {
            row.resize(self.column + 1, ' ');
        }
        row[self.column] = c;
        self.column += 1;
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => self.line_feed(),
            b'\r' => self.column = 0,
            8 => self.column = self.column.saturating_sub(1),
            other => self.odd.push(format!("control {other:#04x}")),
        }
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _ignore: bool, action: char) {
        let first = params.iter().next().and_then(|p| p.first().copied()).unwrap_or(0);
        let count = usize::from(first.max(1));
        match (intermediates, action) {
            ([], 'A') => self.row = self.row.saturating_sub(count),
            ([], 'B') => self.row = (self.row + count).min(self.rows.len() - 1),
            ([], 'C') => self.column += count,
            ([], 'D') => self.column = self.column.saturating_sub(count),
            ([], 'G') => self.column = count - 1,
            ([], 'K') if first == 0 => self.rows[self.row].truncate(self.column),
            ([], 'K') if first == 2 => self.rows[self.row].clear(),
            ([], 'J') if first == 0 => {
                self.rows[self.row].truncate(self.column);
                self.rows[self.row + 1..].iter_mut().for_each(Vec::clear);
            }
            ([], 'm') => {}
            ([b'?'], 'l' | 'h') if first == 25 => self.cursor_hidden = action == 'l',
            _ => self.odd.push(format!("CSI {} {first} {action}", String::from_utf8_lossy(intermediates))),
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell: bool) {
        self.odd.push(format!("OSC {:?}", params.first().map(|text| String::from_utf8_lossy(text))));
    }

    fn esc_dispatch(&mut self, _intermediates: &[u8], _ignore: bool, byte: u8) {
        self.odd.push(format!("ESC {}", byte as char));
    }

    fn hook(&mut self, _params: &vte::Params, _intermediates: &[u8], _ignore: bool, action: char) {
        self.odd.push(format!("DCS {action}"));
    }
}

/// A program on a terminal of its own, as its controlling one.
pub(crate) struct Terminal {
    child: Child,
    master: Option<File>,
    slave: Option<OwnedFd>,
    screen: Arc<Mutex<Screen>>,
    raw: Arc<Mutex<Vec<u8>>>,
    closed: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts it. What it writes to stderr goes to the terminal too, unless `errors` takes it.
    pub(crate) fn start(command: &Command, errors: Option<File>) -> Self {
        // Not openpty(3): its ends would be inherited by every program that another test starts in this moment.
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let master = posix_openpt(flags).expect("a pty");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("a pty of ours");
        let name = ptsname_r(&master).expect("its slave has a name");
        let open = File::options().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&name);
        let slave_end = OwnedFd::from(open.expect("its slave can be opened"));
        let (rows, columns) = (ROWS.to_string(), COLUMNS.to_string());
        let sized = Command::new("stty").args(["-F", &name, "rows", &rows, "cols", &columns]).status();
        assert!(sized.is_ok_and(|status| status.success()), "stty sets the size of a terminal");
        let master = OwnedFd::from(master);
        let slave = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("a second handle"));
        // `setsid --ctty` makes it the program's terminal, so that Ctrl-C and hanging up act on it.
        let mut wrapped = Command::new("setsid");
        wrapped.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            wrapped.current_dir(folder);
        }
        wrapped.env_remove("NO_COLOR").env_remove("CLICOLOR").env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            wrapped.env(name, value.unwrap_or_default());
        }
        wrapped.stdin(slave(&slave_end)).stdout(slave(&slave_end));
        wrapped.stderr(errors.map_or_else(|| slave(&slave_end), Stdio::from));
        let child = wrapped.spawn().expect("the program starts");
        let (screen, raw) = (Arc::new(Mutex::new(Screen::new())), Arc::new(Mutex::new(Vec::new())));
        let closed = Arc::new(AtomicBool::new(false));
        let mut from = File::from(master.try_clone().expect("a second handle"));
        let reader = {
            let (screen, raw) = (Arc::clone(&screen), Arc::clone(&raw));
            let closed = Arc::clone(&closed);
            std::thread::spawn(move || {
                let mut parser = vte::Parser::new();
                let mut bytes = [0; 4096];
                // A terminal is closed once all have let go of it, this reader too.
                while !closed.load(Ordering::Relaxed) {
                    let mut fds = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
                    if !matches!(poll(&mut fds, 50_u8), Ok(1..)) {
                        continue;
                    }
                    // EIO is what a pty says once the last program has let go of it.
                    let Ok(n @ 1..) = from.read(&mut bytes) else { return };
                    raw.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..n]);
                    parser.advance(&mut *screen.lock().unwrap_or_else(PoisonError::into_inner), &bytes[..n]);
                }
            })
        };
        let (master, slave) = (Some(File::from(master)), Some(slave_end));
        Self { child, master, slave, screen, raw, closed, reader: Some(reader) }
    }

    /// What is to be seen.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&Screen) -> T) -> T {
        look(&self.screen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the screen shows something.
    pub(crate) fn wait_for(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let seen = wait_until(SOON, || self.see(|screen| holds(&screen.all())));
        assert!(seen, "{what} was never to be seen:\n{}", self.see(Screen::all));
    }

    /// Types on its keyboard.
    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.master.as_mut().expect("it is still there").write_all(keys).expect("a terminal takes keys");
    }

    /// Makes it so many columns wide, as who drags its window does; what is seen here stays as wide as it was.
    pub(crate) fn resize(&self, columns: u16) {
        let slave = self.slave.as_ref().expect("it is still there").try_clone().expect("a second handle");
        let sized = Command::new("stty").args(["cols", &columns.to_string()]).stdin(slave).status();
        assert!(sized.is_ok_and(|status| status.success()), "stty sets the size of a terminal");
    }

    /// The program's id: `setsid` has become it.
    pub(crate) fn program(&self) -> i32 {
        i32::try_from(self.child.id()).expect("an id")
    }

    /// The settings of the line: echo, line editing, signals.
    pub(crate) fn settings(&self) -> Termios {
        tcgetattr(self.slave.as_ref().expect("it is still there")).expect("a terminal has settings")
    }

    /// Waits for the program's end; all that it wrote.
    pub(crate) fn finish(&mut self, limit: Duration) -> (ExitStatus, Vec<u8>) {
        let status = ended(&mut self.child, limit);
        let Some(status) = status else { panic!("it has not ended:\n{}", self.see(Screen::all)) };
        self.slave = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        (status, self.raw.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Hanging up ends what is on it, by its own hand.
        self.closed.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.slave = None;
        self.master = None;
        let _ = ended(&mut self.child, Duration::from_secs(5));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
