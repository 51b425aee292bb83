//! The real programs as things that a test holds: each is started, given what it needs, and ended with all it started when
//! the test lets go of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::script;
use crate::stage::{Stage, end, wait_until};

/// How long a program may take until it is there.
const START_LIMIT: Duration = Duration::from_secs(15);

/// How long a program may take to end after SIGTERM.
const END_LIMIT: Duration = Duration::from_secs(5);

/// How often a far end is looked after.
const LOOK: Duration = Duration::from_millis(20);

/// A virtual exchange in a process of its own: `lineman sim`.
pub(super) struct Exchange {
    child: Child,
    said: PathBuf,
}

impl Exchange {
    /// Starts the exchange of `file`, and waits until each of `ports` is there in `folder`.
    pub(super) fn start(stage: &Stage, file: &str, folder: &Path, ports: &[&str]) -> Self {
        Self::start_with(stage, file, folder, &[], ports)
    }

    /// The same with more arguments; each of `files` tells that it has come up.
    pub(super) fn start_with(
        stage: &Stage,
        file: &str,
        folder: &Path,
        arguments: &[&str],
        files: &[&str],
    ) -> Self {
        let said = stage.path("exchange.out");
        let out = File::create(&said).expect("the test's folder can be written");
        let err = out.try_clone().expect("a file has a second handle");
        let mut command = stage.lineman(["sim", file, "--dir"]);
        let child =
            command.arg(folder).args(arguments).stdout(out).stderr(err).spawn().expect("the exchange starts");
        let mut exchange = Self { child, said };
        let there = wait_until(START_LIMIT, || {
            exchange.child.try_wait().is_ok_and(|status| status.is_some())
                || files.iter().all(|file| folder.join(file).exists())
        });
        let running = exchange.child.try_wait().is_ok_and(|status| status.is_none());
        assert!(there && running, "the exchange has not come up: {}", exchange.said());
        exchange
    }

    /// What it said so far.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        end(&mut self.child, END_LIMIT);
    }
}

/// A host with a modem and mgetty on it, which is started again after each call, as init would.
pub(super) struct MgettyHost {
    let_go: Arc<AtomicBool>,
    keeper: Option<JoinHandle<()>>,
}

impl MgettyHost {
    /// A host called `hostname` whose modem is at `tty` (a link is followed anew for each call), with `password` for the
    /// account `oob`, and mgetty's log in `logs`.
    pub(super) fn start(hostname: &str, tty: &Path, password: &str, logs: &Path) -> Self {
        fs::create_dir_all(logs).expect("the test's folder can be written");
        let mut command = Command::new(script("mgetty"));
        command
            .arg(hostname)
            .arg(tty)
            .env("LINEMAN_REAL_PASSWORD", password)
            .env("LINEMAN_REAL_LOGS", logs)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(logs.join("stderr")).expect("the test's folder can be written"));
        let let_go = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&let_go);
        let keeper = thread::spawn(move || keep(&mut command, &told));
        Self { let_go, keeper: Some(keeper) }
    }
}

/// Starts `command` again whenever it has ended, until told to let go.
fn keep(command: &mut Command, let_go: &AtomicBool) {
    while !let_go.load(Ordering::Relaxed) {
        let mut child = command.spawn().expect("mgetty starts");
        while !let_go.load(Ordering::Relaxed) && child.try_wait().is_ok_and(|status| status.is_none()) {
            thread::park_timeout(LOOK);
        }
        end(&mut child, END_LIMIT);
        thread::park_timeout(LOOK);
    }
}

impl Drop for MgettyHost {
    fn drop(&mut self) {
        self.let_go.store(true, Ordering::Relaxed);
        if let Some(keeper) = self.keeper.take() {
            keeper.thread().unpark();
            let _ = keeper.join();
        }
    }
}

/// A modem of Debian's iaxmodem, on a pty, with no switch behind it.
pub(super) struct Iaxmodem {
    child: Child,
}

impl Iaxmodem {
    /// Starts it with its pty at `link`, and waits until that is there.
    pub(super) fn start(stage: &Stage, link: &Path) -> Self {
        let said = File::create(stage.path("iaxmodem.out")).expect("the test's folder can be written");
        let child = Command::new(script("iaxmodem"))
            .arg(link)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("iaxmodem starts");
        let modem = Self { child };
        assert!(
            wait_until(START_LIMIT, || link.exists()),
            "iaxmodem has not come up: {}",
            fs::read_to_string(stage.path("iaxmodem.out")).unwrap_or_default()
        );
        modem
    }
}

impl Drop for Iaxmodem {
    fn drop(&mut self) {
        end(&mut self.child, END_LIMIT);
    }
}
