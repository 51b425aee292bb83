//! Debian's python3-serial, a client of RFC 2217 that nobody here wrote, on the exchange's modems: what the simulated
//! server thinks of the protocol is held against somebody else's reading of it. lineman's own client then meets a server
//! that is not of its own making.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::time::Duration;

use lineman::sim::log::{Entry, What};

use super::far_end::Exchange;
use super::script;
use crate::stage::{Stage, finish};

/// More than a call ever takes, with pySerial's own waits.
const LIMIT: Duration = Duration::from_secs(60);

const EXCHANGE: &str = r#"
exchange: wires
pace: 0.1
modems:
  - { id: m00, profile: rockwell-conexant }
lines:
  - { id: BR0001-A, number: "+1 919 555 0101", rings: 1, console: cisco-ios, hostname: br0001-rtr1, username: oob, password: demo }
  - { id: BR0002-A, number: "+1 919 555 0102", rings: 1, exec: [sh, -c, "stty raw -echo; echo ready; exec cat"] }
"#;

/// Whether it is installed; says loudly when not, and does not put up with it in CI. It needs no root.
#[expect(clippy::disallowed_methods, reason = "whether this is CI is told by the environment alone")]
fn can_run(test: &str) -> bool {
    let import = Command::new("/usr/bin/python3").args(["-c", "import serial.rfc2217"]).output();
    if import.is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "in CI this must run, and Debian's python3-serial lacks"
    );
    let _ = writeln!(std::io::stderr(), "\n*** {test} DID NOT RUN: this machine lacks python3-serial\n");
    false
}

/// A call through a server with these manners, by a client that is told `options`; the exchange's log of it.
fn called(manners: &str, options: &str) -> Vec<Entry> {
    let stage = Stage::new();
    stage.write("exchange.yaml", EXCHANGE);
    let ports = stage.path("ports");
    let served = format!("--rfc2217={manners}");
    let exchange = Exchange::start_with(&stage, "exchange.yaml", &ports, &[&served], &["m00.url"]);
    let url = fs::read_to_string(ports.join("m00.url")).expect("the exchange wrote it");
    let mut client = Command::new(script("pyserial"));
    client.arg(format!("{}{options}", url.trim())).args(["9195550101", "9195550102"]);
    let output = finish(client, LIMIT);
    let said = format!(
        "{manners}: {}\n{}\nthe exchange said: {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        exchange.said()
    );
    assert!(output.status.success(), "{said}");
    let text = fs::read_to_string(ports.join("exchange.jsonl")).expect("the exchange has a log");
    text.lines().map(|line| serde_json::from_str(line).expect("an entry of the log")).collect()
}

/// Both calls went through and were hung up on by DTR.
fn is_done(log: &[Entry], manners: &str) {
    let hung_up: Vec<_> = log.iter().filter(|entry| entry.event == What::HungUp).collect();
    assert_eq!(hung_up.len(), 2, "{manners}: {log:#?}");
    assert!(hung_up.iter().all(|entry| entry.by.as_deref() == Some("dtr")), "{manners}: {log:#?}");
    let closed = log.iter().filter(|entry| entry.event == What::PortClosed).count();
    assert_eq!(closed, 1, "{manners}: {log:#?}");
}

#[test]
fn pyserial_sees_the_modem_lines_and_hangs_up_with_dtr() {
    if !can_run("the call of python3-serial") {
        return;
    }
    // Told of each change, and asking for the lines itself.
    for options in ["", "?poll_modem"] {
        let log = called("strict", options);
        is_done(&log, "strict");
        // An honest client does nothing that a strict server takes for a mistake.
        let wrong: Vec<_> = log.iter().filter(|entry| entry.event == What::ProtocolError).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn pyserial_gets_on_with_the_manners_of_other_servers_in_the_ways_it_has_for_them() {
    if !can_run("the call of python3-serial") {
        return;
    }
    for manners in ["ser2net", "sredird"] {
        // Where the server's DO comes before its own WILL has gone, pySerial may leave that out: no mistake of ours.
        is_done(&called(manners, "?ign_set_control"), manners);
    }
}
