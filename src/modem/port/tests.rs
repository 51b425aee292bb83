//! Ports on real ptys, under real time.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{ControlFlags, tcgetattr};

use super::*;
use crate::model::Fault;

/// Longest that any of these waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A pty whose slave nobody holds, and a lock folder.
struct Bench {
    master: PtyMaster,
    tty: PathBuf,
    locks: tempfile::TempDir,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let tty = PathBuf::from(ptsname_r(&master).unwrap());
        Self { master, tty, locks: tempfile::tempdir().unwrap(), clock: Clock::start() }
    }

    fn options(&self) -> PortOptions {
        PortOptions { lock_dir: self.locks.path().to_owned(), ..PortOptions::default() }
    }

    async fn open_path(&self, path: &Path) -> Result<Port, PortError> {
        Port::open(&PortPath::Tty(path.to_owned()), &self.options(), self.clock).await
    }

    async fn open(&self) -> Port {
        self.open_path(&self.tty).await.unwrap()
    }

    fn lock_file(&self) -> PathBuf {
        self.locks.path().join(self.tty.to_str().unwrap().replace("/dev/pts/", "LCK..pts_"))
    }

    fn lock_files(&self) -> usize {
        fs::read_dir(self.locks.path()).unwrap().count()
    }

    /// What the master has within our patience, `length` bytes of it.
    fn read(&mut self, length: usize) -> Vec<u8> {
        let mut got = vec![0; length];
        let mut filled = 0;
        while filled < length {
            assert!(self.ready(PATIENCE).contains(PollFlags::POLLIN), "nothing came");
            filled += self.master.read(&mut got[filled..]).unwrap();
        }
        got
    }

    fn ready(&self, limit: Duration) -> PollFlags {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::try_from(limit).unwrap()).unwrap();
        fds[0].revents().unwrap()
    }

    fn hung_up(&self) -> bool {
        self.ready(Duration::ZERO).contains(PollFlags::POLLHUP)
    }
}

fn tty_of(port: &Port) -> &SerialPort {
    match &port.0 {
        Kind::Serial(tty) => tty,
        Kind::Remote(_) | Kind::Memory(_) => panic!("no tty"),
    }
}

async fn next(port: &mut Port) -> PortEvent {
    tokio::time::timeout(PATIENCE, port.next()).await.expect("nothing came")
}

async fn bytes(port: &mut Port, length: usize) -> Vec<u8> {
    let mut got = Vec::new();
    while got.len() < length {
        match next(port).await {
            PortEvent::Bytes(more, _) => got.extend(more),
            other => panic!("{other:?} instead of bytes"),
        }
    }
    got
}

#[test]
fn paths_are_told_from_what_is_none() {
    let parse = |text: &str| text.parse::<PortPath>();
    assert_eq!(parse(" /dev/ttyUSB0 "), Ok(PortPath::Tty("/dev/ttyUSB0".into())));
    assert_eq!(parse("/dev/serial/by-path/pci-0:1.0").unwrap().to_string(), "/dev/serial/by-path/pci-0:1.0");
    assert_eq!(parse(" "), Err(PortPathError::Empty));
    for text in ["rfc2217://h:1", "telnet://10.0.0.9:23", "tcp://[2001:db8::9]:4001"] {
        let path = parse(text).unwrap();
        assert_eq!((path.to_string().as_str(), path.address().is_some()), (text, true));
    }
    assert_eq!(
        parse("rfc2217://h").unwrap_err().to_string(),
        "is no address of a port: it names no port number; write it as `rfc2217://host:port`"
    );
    assert!(matches!(parse("tcp://h:0"), Err(PortPathError::Address { why: AddressError::Port, .. })));
    assert_eq!(parse("usb://h"), Err(PortPathError::Scheme("usb".to_owned())));
    assert_eq!(parse("a\0b"), Err(PortPathError::Nul));
}

#[tokio::test]
async fn bytes_go_both_ways_raw_and_stamped() {
    let mut bench = Bench::new();
    let mut port = bench.open().await;
    assert_eq!(port.facts(), PortFacts::BARE);
    assert_eq!(port.level(Signal::Dcd), None);
    let before = bench.clock.now();
    let sent = port.write(b"AT\r\x03\x11", PATIENCE).await.unwrap();
    assert!(before <= sent && sent <= bench.clock.now());
    assert_eq!(bench.read(5), b"AT\r\x03\x11", "the line is not raw");
    bench.master.write_all(b"\r\nOK\r\n\xff\0").unwrap();
    assert_eq!(bytes(&mut port, 8).await, b"\r\nOK\r\n\xff\0");
    port.dtr(false).expect("a port without DTR takes it and does nothing");
    port.close().await;
}

#[tokio::test]
async fn what_came_before_opening_is_thrown_away_and_draining_does_so_later() {
    let mut bench = Bench::new();
    bench.master.write_all(b"NO CARRIER\r\n").unwrap();
    let mut port = bench.open().await;
    bench.master.write_all(b"now").unwrap();
    assert_eq!(bytes(&mut port, 3).await, b"now");
    bench.master.write_all(b"half a banner").unwrap();
    // Through the kernel's queue before we drain: a byte is there to be read.
    while tty_of(&port).queued() < 13 {
        tokio::task::yield_now().await;
    }
    port.drain_input().unwrap();
    bench.master.write_all(b"OK").unwrap();
    assert_eq!(bytes(&mut port, 2).await, b"OK");
}

#[tokio::test]
async fn the_settings_stay_and_closing_hangs_up() {
    for baud in [115_200, 300, 123_456] {
        let bench = Bench::new();
        let options = PortOptions { baud, ..bench.options() };
        let port = Port::open(&PortPath::Tty(bench.tty.clone()), &options, bench.clock).await.unwrap();
        assert_eq!(tty_of(&port).baud_now(), Some(baud));
        let settings = tcgetattr(bench.master.as_fd()).unwrap().control_flags;
        assert!(settings.contains(ControlFlags::HUPCL | ControlFlags::CLOCAL));
        assert!(!settings.contains(ControlFlags::CRTSCTS), "flow control on a pty");
        drop(port);
        assert!(bench.hung_up());
    }
}

#[tokio::test]
async fn a_port_is_ours_alone_under_whatever_name() {
    let bench = Bench::new();
    let link = bench.locks.path().join("modem");
    symlink(&bench.tty, &link).unwrap();
    let port = bench.open_path(&link).await.unwrap();
    assert_eq!(fs::read_to_string(bench.lock_file()).unwrap(), format!("{:>10}\n", std::process::id()));
    let error = bench.open_path(&bench.tty).await.unwrap_err();
    assert_eq!(error.fault(), Fault::PortBusy);
    let told = error.to_string();
    assert!(told.contains(&format!("pid {}", std::process::id())), "{told}");
    port.close().await;
    assert!(!bench.lock_file().exists());
    drop(bench.open_path(&bench.tty).await.unwrap());
    assert!(!bench.lock_file().exists(), "a dropped port keeps its lock");
}

#[tokio::test]
async fn a_flock_counts_where_there_is_no_lock_file() {
    let bench = Bench::new();
    let other = File::options().read(true).write(true).open(&bench.tty).unwrap();
    other.try_lock().unwrap();
    let PortError::Busy { owner, .. } = bench.open_path(&bench.tty).await.unwrap_err() else {
        panic!("not busy")
    };
    assert_eq!(owner.map(|owner| owner.pid), Some(std::process::id()));
    assert_eq!(bench.lock_files(), 0, "a port that was not had left its lock file");
    other.unlock().unwrap();
    let port = bench.open().await;
    assert!(other.try_lock_shared().is_err(), "an open port holds no flock");
    drop(port);
    other.try_lock().unwrap();
}

#[tokio::test]
async fn a_live_lock_file_is_busy_and_a_stale_one_is_taken() {
    let bench = Bench::new();
    let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(bench.lock_file(), format!("{:>10}\n", child.id())).unwrap();
    let told = bench.open_path(&bench.tty).await.unwrap_err().to_string();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.contains("is held by `") && told.contains(&format!("(pid {})", child.id())), "{told}");
    drop(bench.open().await);
}

#[tokio::test]
async fn without_a_lock_folder_a_port_is_still_ours_alone() {
    let bench = Bench::new();
    let options = PortOptions { lock_dir: bench.locks.path().join("nowhere"), ..PortOptions::default() };
    let path = PortPath::Tty(bench.tty.clone());
    let _port = Port::open(&path, &options, bench.clock).await.unwrap();
    // Another folder, as another program might have: the flock stands between.
    assert_eq!(Port::open(&path, &bench.options(), bench.clock).await.unwrap_err().fault(), Fault::PortBusy);
}

#[tokio::test]
async fn what_is_no_port_is_told() {
    let bench = Bench::new();
    let file = bench.locks.path().join("file");
    fs::write(&file, "").unwrap();
    let nowhere = bench.locks.path().join("nowhere");
    let error = bench.open_path(&nowhere).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("port `{}` does not exist; is the modem plugged in?", nowhere.display())
    );
    assert_eq!(error.fault(), Fault::PortOpenFailed);
    for none in [file.as_path(), Path::new("/dev/null"), bench.locks.path()] {
        let error = bench.open_path(none).await.unwrap_err();
        assert_eq!(error.to_string(), format!("port `{}` is no tty", none.display()));
    }
    assert_eq!(bench.lock_files(), 1, "a lock file stayed");
}

#[tokio::test]
async fn reopening_hangs_up_for_the_other_side_and_keeps_the_lock() {
    let mut bench = Bench::new();
    let mut port = bench.open().await;
    port.write(b"x", PATIENCE).await.unwrap();
    bench.read(1);
    assert!(!bench.hung_up());
    let lock = fs::metadata(bench.lock_file()).unwrap().ino();
    let seen = {
        let reopening = port.reopen(PATIENCE);
        let watching = tokio::task::spawn_blocking(move || {
            let seen = bench.ready(PATIENCE);
            let held = bench.lock_file().exists();
            (bench, seen, held)
        });
        let (done, watched) = tokio::join!(reopening, watching);
        done.unwrap();
        watched.unwrap()
    };
    let (mut bench, flags, held) = seen;
    assert!(flags.contains(PollFlags::POLLHUP), "{flags:?}");
    assert!(held, "no lock file while it was closed");
    assert_eq!(fs::metadata(bench.lock_file()).unwrap().ino(), lock);
    port.write(b"AT\r", PATIENCE).await.unwrap();
    assert_eq!(bench.read(3), b"AT\r");
    assert!(bench.open_path(&bench.tty).await.is_err());
}

#[tokio::test]
async fn a_reopening_has_a_limit_and_can_be_tried_again() {
    let bench = Bench::new();
    let mut port = bench.open().await;
    let error = port.reopen(Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, PortError::Timeout { .. }), "{error}");
    assert!(port.write(b"x", PATIENCE).await.is_err());
    assert!(matches!(next(&mut port).await, PortEvent::Closed(_)));
    port.reopen(PATIENCE).await.unwrap();
    port.write(b"x", PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_pty_that_vanishes_is_told_once_and_is_lost() {
    let bench = Bench::new();
    // By a link, since the kernel gives the pty's own name to the next one at once.
    let link = bench.locks.path().join("modem");
    symlink(&bench.tty, &link).unwrap();
    let mut port = bench.open_path(&link).await.unwrap();
    let Bench { master, locks, .. } = bench;
    drop(master);
    assert!(matches!(next(&mut port).await, PortEvent::Closed(_)));
    assert!(tokio::time::timeout(Duration::ZERO, port.next()).await.is_err(), "it spins");
    assert_eq!(port.write(b"AT\r", PATIENCE).await.unwrap_err().fault(), Fault::PortLost);
    fs::remove_file(&link).unwrap();
    assert_eq!(port.reopen(PATIENCE).await.unwrap_err().fault(), Fault::PortLost);
    drop(port);
    assert_eq!(fs::read_dir(locks.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_port_that_comes_back_under_another_name_is_found_and_locked() {
    let (old, mut new) = (Bench::new(), Bench::new());
    let link = old.locks.path().join("modem");
    symlink(&old.tty, &link).unwrap();
    let mut port = old.open_path(&link).await.unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&new.tty, &link).unwrap();
    port.reopen(PATIENCE).await.unwrap();
    assert!(!old.lock_file().exists());
    let name = new.lock_file().file_name().unwrap().to_owned();
    assert!(old.locks.path().join(name).exists());
    port.write(b"AT\r", PATIENCE).await.unwrap();
    assert_eq!(new.read(3), b"AT\r");
}

#[tokio::test]
async fn a_write_that_nobody_takes_ends_at_its_limit_and_leaves_nothing_behind() {
    let mut bench = Bench::new();
    let mut port = bench.open().await;
    let flood = vec![b'x'; 1 << 20];
    let error = port.write(&flood, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.fault(), Fault::ModemSilent);
    let PortError::Stalled { written, length, .. } = error else { panic!("{error}") };
    assert!(written < length);
    // The port is not wedged, and what waited for room in the kernel is gone: the other side finds no more than what
    // lay ready for it to read.
    port.write(b"AT\r", PATIENCE).await.unwrap();
    let mut got = Vec::new();
    while !got.ends_with(b"AT\r") {
        got.extend(bench.read(1));
    }
    assert!(got.len() < written, "{} of {written}", got.len());
    assert!(got.len() <= 4096 + 3, "{}", got.len());
}

#[tokio::test]
async fn an_idle_port_wakes_nobody() {
    let bench = Bench::new();
    let mut port = bench.open().await;
    port.watch(true);
    let mut polls = 0;
    let mut waiting = Box::pin(port.next());
    let counted = std::future::poll_fn(|cx| {
        polls += 1;
        waiting.as_mut().poll(cx)
    });
    // As long as two of the polls that a driver without edges would get.
    assert!(tokio::time::timeout(Duration::from_millis(250), counted).await.is_err());
    assert!(polls <= 3, "{polls} wake-ups");
}

#[tokio::test]
async fn waiting_can_be_given_up_without_losing_a_byte() {
    let mut bench = Bench::new();
    let mut port = bench.open().await;
    bench.master.write_all(b"CONNECT").unwrap();
    let mut got = Vec::new();
    while got.len() < 7 {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            event = port.next() => match event {
                PortEvent::Bytes(more, _) => got.extend(more),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(got, b"CONNECT");
}
