//! The exchange's modems over RFC 2217 on real sockets, driven by a small client that takes nothing for granted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nix::poll::{PollFd, PollTimeout, poll};

use super::Manners;
use crate::sim::log::{Log, What};
use crate::sim::tests::{SMALL, file, logged, profiles, wake_ups};
use crate::sim::{Exchange, RunningExchange, SimError};

const LIMIT: Duration = Duration::from_secs(20);
const DCD: u8 = 128;
const DTR_ON: [u8; 7] = [255, 250, 44, 5, 8, 255, 240];
const DTR_OFF: [u8; 7] = [255, 250, 44, 5, 9, 255, 240];

fn start(yaml: &str, manners: &Manners) -> (tempfile::TempDir, RunningExchange, Log) {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::in_memory();
    let running = Exchange::start_rfc2217(file(yaml), &profiles(), dir.path(), manners, log.clone()).unwrap();
    (dir, running, log)
}

fn address(running: &RunningExchange, modem: usize) -> String {
    running.urls()[modem].1.strip_prefix("rfc2217://").unwrap().to_owned()
}

fn count(log: &Log, what: What) -> usize {
    log.entries().iter().filter(|e| e.event == what).count()
}

/// A client that has agreed to all that it was asked for.
struct Client {
    stream: TcpStream,
    text: String,
    /// Subnegotiations after the option's number.
    told: Vec<Vec<u8>>,
    /// The server has closed.
    over: bool,
}

impl Client {
    fn raw(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self { stream, text: String::new(), told: Vec::new(), over: false }
    }

    /// One that has been told the modem's lines.
    fn open(address: &str) -> Self {
        let mut client = Self::raw(address);
        client.send(&[255, 253, 3, 255, 251, 3, 255, 253, 0, 255, 251, 0, 255, 251, 44]);
        client.lines(|_| true);
        client
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads once, and takes apart what came. Nothing here is cut in the middle of a command, since each is sent whole.
    fn read(&mut self) {
        let mut bytes = [0; 4096];
        let n = self.stream.read(&mut bytes).unwrap_or_else(|e| panic!("{e}; came {:?}", self.text));
        self.over = n == 0;
        let mut rest = bytes[..n].iter().copied();
        while let Some(byte) = rest.next() {
            if byte != 255 {
                self.text.push(char::from(byte));
                continue;
            }
            match rest.next() {
                Some(250) => {
                    let sub: Vec<u8> = rest.by_ref().take_while(|byte| *byte != 240).collect();
                    self.told.push(sub[1..sub.len() - 1].to_vec());
                }
                Some(251..=254) => drop(rest.next()),
                other => panic!("IAC {other:?}"),
            }
        }
    }

    /// Reads until `text` has come, and takes it with all before it.
    fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.text.find(text) {
                return self.text.drain(..at + text.len()).collect();
            }
            assert!(!self.over, "`{text}` did not come; came {:?}", self.text);
            self.read();
        }
    }

    /// Reads until such a subnegotiation has come, and takes it with all before it.
    fn until_told(&mut self, fits: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        loop {
            if let Some(at) = self.told.iter().position(|told| fits(told)) {
                return self.told.drain(..=at).next_back().unwrap();
            }
            assert!(!self.over, "it did not come; came {:?}", self.told);
            self.read();
        }
    }

    /// Reads until such modem lines were told.
    fn lines(&mut self, fits: impl Fn(u8) -> bool) {
        self.until_told(|told| matches!(told, [107, lines] if fits(*lines)));
    }

    fn until_over(&mut self) {
        while !self.over {
            self.read();
        }
    }

    /// Dials, and is connected.
    fn dial(&mut self, digits: &str) {
        self.send(b"ATE0\r");
        self.until("OK\r\n");
        self.send(format!("ATDT{digits}\r").as_bytes());
        self.until("CONNECT");
        self.lines(|lines| lines & DCD != 0);
    }
}

#[test]
fn dcd_rises_with_the_carrier_and_falls_with_dtr() {
    let (_dir, running, log) = start(SMALL, &Manners::strict());
    let mut c = Client::open(&address(&running, 0));
    c.dial("9195550101");
    c.until("Username: ");
    c.send(&DTR_OFF);
    assert_eq!(c.until_told(|told| told[0] == 105), [105, 9]);
    c.lines(|lines| lines & DCD == 0);
    assert_eq!(logged(&log, |e| e.event == What::HungUp).by.as_deref(), Some("dtr"));
    c.send(&DTR_ON);
    c.send(b"AT\r");
    c.until("OK\r\n");
    assert_eq!(count(&log, What::ProtocolError), 0, "{:#?}", log.entries());
}

#[test]
fn closing_the_connection_hangs_up_and_the_port_is_free_at_once() {
    let (_dir, running, log) = start(&SMALL.replace("pace: 0.01", "pace: 0.001"), &Manners::strict());
    let address = address(&running, 1);
    for n in 1..=50 {
        let mut c = Client::open(&address);
        c.dial("9195550101");
        drop(c);
        let mut again = Client::open(&address);
        again.send(b"AT\r");
        again.until("OK\r\n");
        let hung_up = logged(&log, |e| e.call == Some(n) && e.event == What::HungUp);
        assert_eq!(hung_up.by.as_deref(), Some("dtr"));
    }
    drop(Client::open(&address));
    // What is written last before the end is done before it.
    let mut c = Client::open(&address);
    c.send(b"ATDT9195550102\r");
    drop(c);
    logged(&log, |e| e.event == What::Dialed && e.line.as_deref() == Some("engaged"));
}

#[test]
fn a_server_may_leave_dtr_up_and_the_call_with_it() {
    let (_dir, running, log) = start(SMALL, &Manners::strict().keep_dtr());
    let address = address(&running, 0);
    let mut c = Client::open(&address);
    c.dial("9195550101");
    c.until("Username: ");
    drop(c);
    logged(&log, |e| e.event == What::PortClosed);
    let mut c = Client::raw(&address);
    c.send(&[255, 251, 44]);
    // Told as it is, and not as a change: CTS is on, and DSR as a modem from the factory has it.
    assert_eq!(c.until_told(|told| told[0] == 107), [107, DCD | 32 | 16]);
    c.send(b"oob\r\0");
    c.until("Password: ");
    assert_eq!(count(&log, What::HungUp), 0);
    // What was dropped stays down for the next client, until it says otherwise.
    c.send(&DTR_OFF);
    c.lines(|lines| lines & DCD == 0);
    drop(c);
    let mut c = Client::open(&address);
    c.send(&[255, 250, 44, 5, 7, 255, 240]);
    assert_eq!(c.until_told(|told| told[0] == 105), [105, 9]);
}

#[test]
fn a_server_without_dtr_says_that_it_is_down_and_the_carrier_stays() {
    let (_dir, running, log) = start(SMALL, &Manners::strict().no_dtr());
    let mut c = Client::open(&address(&running, 0));
    c.dial("9195550101");
    c.send(&DTR_OFF);
    assert_eq!(c.until_told(|told| told[0] == 105), [105, 9]);
    c.until("Username: ");
    c.send(b"oob\r");
    c.until("Password: ");
    assert_eq!(count(&log, What::HungUp), 0);
}

#[test]
fn a_second_client_is_told_and_the_first_is_not_disturbed() {
    let (_dir, running, log) = start(SMALL, &Manners::strict());
    let address = address(&running, 0);
    let mut first = Client::open(&address);
    first.dial("9195550101");
    for _ in 0..20 {
        let mut second = Client::raw(&address);
        // What it says at once must not cost it the answer.
        second.send(b"AT\r");
        second.until("in use\r\n");
        second.until_over();
    }
    first.until("Username: ");
    first.send(b"oob\r");
    first.until("Password: ");
    assert_eq!((count(&log, What::PortOpened), count(&log, What::HungUp)), (1, 0));
}

#[test]
fn a_port_vanishes_under_its_client_and_comes_back_at_its_address() {
    let (_dir, running, log) = start(
        r#"
exchange: t
pace: 0.05
modems: [{ id: m0, profile: courier }]
lines:
  - { id: a, number: "+1 919 555 0101", console: cisco-ios, fault: { kind: port-vanishes, at: connected, after: 1s, back_after: 5s, times: 1 } }
"#,
        &Manners::strict(),
    );
    let address = address(&running, 0);
    let mut c = Client::open(&address);
    c.dial("5550101");
    c.until_over();
    assert_eq!(count(&log, What::PortVanished), 1);
    let mut c = Client::raw(&address);
    c.until("not there\r\n");
    c.until_over();
    logged(&log, |e| e.event == What::PortReturned);
    let mut c = Client::open(&address);
    c.dial("5550101");
}

#[test]
fn ports_that_are_missing_or_busy_from_the_start() {
    let (_dir, running, _log) = start(
        r"
exchange: t
modems:
  - { id: m0, profile: courier, fault: port-missing }
  - { id: m1, profile: courier, fault: port-busy }
",
        &Manners::strict(),
    );
    Client::raw(&address(&running, 0)).until("not there\r\n");
    Client::raw(&address(&running, 1)).until("in use\r\n");
}

#[test]
fn a_client_that_breaks_the_protocol_is_told_of_in_the_log() {
    let (_dir, running, log) = start(SMALL, &Manners::strict());
    let mut c = Client::raw(&address(&running, 1));
    c.send(&DTR_OFF);
    let entry = logged(&log, |e| e.event == What::ProtocolError);
    assert_eq!(entry.modem.as_deref(), Some("m1"));
    assert_eq!(entry.text.as_deref(), Some("COM-PORT-OPTION [5, 9] before the option is agreed"));
}

#[test]
fn urls_stand_in_files_as_long_as_the_exchange_runs() {
    let (dir, running, _log) = start(SMALL, &Manners::strict());
    let urls = running.urls();
    assert_eq!((urls.len(), running.ports().len()), (2, 0));
    for (modem, url) in &urls {
        let file = dir.path().join(format!("{modem}.url"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), format!("{url}\n"));
    }
    let mut client = Client::open(&address(&running, 0));
    drop(running);
    client.until_over();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    // What one that was killed has left is written over; what is not an exchange's is not.
    std::fs::write(dir.path().join("m0.url"), "rfc2217://127.0.0.1:1\n").unwrap();
    std::fs::write(dir.path().join("m1.url"), "precious").unwrap();
    let again =
        || Exchange::start_rfc2217(file(SMALL), &profiles(), dir.path(), &Manners::strict(), Log::none());
    assert!(matches!(again(), Err(SimError::NoUrl(path)) if path == dir.path().join("m1.url")));
    assert_eq!(std::fs::read_to_string(dir.path().join("m1.url")).unwrap(), "precious");
    std::fs::remove_file(dir.path().join("m1.url")).unwrap();
    let running = again().unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("m0.url")).unwrap().trim(), running.urls()[0].1);
}

#[test]
fn an_idle_server_does_not_wake_up() {
    for (name, manners) in [("rest", Manners::strict()), ("tick", Manners::ser2net())] {
        let (_dir, running, _log) =
            start(&SMALL.replace("exchange: small", &format!("exchange: {name}")), &manners);
        let mut c = Client::open(&address(&running, 0));
        c.dial("9195550101");
        c.until("Username: ");
        let switches = || wake_ups(&format!("sim-{name}"));
        let before = switches();
        c.send(b"oob\r");
        c.until("Password: ");
        let woken = switches();
        assert!(woken > before, "the count counts nothing");
        let mut none: [PollFd<'_>; 0] = [];
        poll(&mut none, PollTimeout::from(1500_u16)).unwrap();
        assert!(switches() <= woken + 1, "{name}");
    }
}

#[test]
fn answering_ports_stay_ptys() {
    let (dir, running, _log) = start(
        r#"
exchange: t
modems: [{ id: m0, profile: courier }]
lines:
  - { id: a, number: "+1 919 555 0101", answer_on: far0 }
"#,
        &Manners::strict(),
    );
    assert_eq!(running.answering_ports().len(), 1);
    assert_eq!(running.answering_ports()[0].1, dir.path().join("far0"));
    assert!(dir.path().join("far0").exists() && dir.path().join("m0.url").exists());
}
