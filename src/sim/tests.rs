//! The exchange on real ptys and in memory, driven by small raw clients.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::file::ExchangeFile;
use super::log::{Entry, Log, What};
use super::{Exchange, RunningExchange};
use crate::modem::profile::Profile;

const LIMIT: Duration = Duration::from_secs(20);

pub(super) fn profiles() -> Vec<Profile> {
    [
        "{ profile: generic }",
        "{ profile: courier, setup: [AT&F1, 'ATE0Q0V1X7&A3'], marks: { ringing: true } }",
        "{ profile: rockwell-conexant, setup: [AT&F, ATE0Q0V1X4W1], marks: { answered: dsr, carrier: [line] }, words: { no_answer_means_ringback: true } }",
        "{ profile: v250, marks: { carrier: [line] } }",
    ]
    .iter()
    .map(|text| serde_yaml::from_str(text).unwrap())
    .collect()
}

pub(super) fn file(yaml: &str) -> ExchangeFile {
    let file: ExchangeFile = serde_yaml::from_str(yaml).unwrap();
    assert_eq!(file.problems(), Vec::new());
    file
}

struct Client(File, String);

impl Client {
    fn open(path: &Path) -> Self {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits())
            .open(path)
            .unwrap();
        Self(file, String::new())
    }

    fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// Reads until `text` has come, and takes it with all before it.
    fn until(&mut self, text: &str) -> String {
        let begin = Instant::now();
        loop {
            if let Some(at) = self.1.find(text) {
                return self.1.drain(..at + text.len()).collect();
            }
            assert!(begin.elapsed() < LIMIT, "`{text}` did not come; came {:?}", self.1);
            let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::from(200_u16)).unwrap();
            let mut bytes = [0; 4096];
            match self.0.read(&mut bytes) {
                Ok(n) => self.1.push_str(&String::from_utf8_lossy(&bytes[..n])),
                Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::WouldBlock, "{e} after {:?}", self.1),
            }
        }
    }
}

/// Waits for an entry of the log.
fn logged(log: &Log, fits: impl Fn(&Entry) -> bool) -> Entry {
    let begin = Instant::now();
    loop {
        if let Some(entry) = log.entries().into_iter().find(|e| fits(e)) {
            return entry;
        }
        assert!(begin.elapsed() < LIMIT, "not logged; the log is {:#?}", log.entries());
        std::thread::yield_now();
    }
}

fn start(yaml: &str) -> (tempfile::TempDir, RunningExchange, Log) {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::in_memory();
    let running = Exchange::start(file(yaml), &profiles(), dir.path(), log.clone()).unwrap();
    (dir, running, log)
}

const SMALL: &str = r##"
exchange: small
pace: 0.01
modems:
  - { id: m0, profile: courier }
  - { id: m1, profile: generic }
lines:
  - { id: good, number: "+1 919 555 0101", rings: 2, console: cisco-ios, hostname: rtr1, username: oob, password: demo }
  - { id: engaged, number: "+1 919 555 0102", fault: busy }
  - { id: nobody, number: "+1 919 555 0103", fault: no-answer }
"##;

#[test]
fn a_call_over_a_pty_from_dial_to_hang_up() {
    let (_dir, running, log) = start(SMALL);
    let (_, path) = &running.ports()[0];
    let mut c = Client::open(path);
    c.send("ATE0Q0V1X7&A3\r");
    c.until("OK\r\n");
    c.send("ATDT9195550101\r");
    let heard = c.until("/V42BIS\r\n");
    assert_eq!(heard.matches("RINGING").count(), 2, "{heard}");
    assert!(heard.ends_with("CONNECT 33600/ARQ/V34/LAPM/V42BIS\r\n"));
    c.until("Username: ");
    c.send("oob\r");
    c.until("Password: ");
    c.send("demo\r");
    c.until("rtr1>");
    c.send("exit\r");
    c.until("Username: ");
    drop(c);
    logged(&log, |e| e.event == What::OnHook);
    let events: Vec<What> = log.entries().iter().filter(|e| e.call == Some(1)).map(|e| e.event).collect();
    assert_eq!(
        events,
        [
            What::Dialed,
            What::DigitsSent,
            What::Ringback,
            What::Ringback,
            What::Answered,
            What::Carrier,
            What::Connected,
            What::Prompted,
            What::Username,
            What::Password,
            What::LoggedIn,
            What::Logout,
            What::LoggedOut,
            What::Prompted,
            What::HungUp,
            What::OnHook
        ]
    );
    let stamps: Vec<u64> = log.entries().iter().map(|e| e.mono_us).collect();
    assert!(stamps.is_sorted(), "{stamps:?}");
}
