//! Clients that are slow, many or mad, against the real daemon while a run goes on: the run and whoever steers it notice nothing.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use lineman::sim::log::What;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;

use super::house::{House, answer, assert_all_pass, assert_hung_up, calls};
use crate::night::{Exchange, SOON};
use crate::stage::{Stage, wait_until};
use crate::town::{Branch, Town};

const IDLE: usize = 1_000;
const SLOW: usize = 40;

/// Our own end of all these connections; what is allowed in any case is more than enough.
fn more_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(soft.max(8_192)), hard);
    }
}

fn get(address: SocketAddr, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect_timeout(&address, SOON).ok()?;
    stream.set_read_timeout(Some(SOON)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    answer(&text).map(|answer| answer.code)
}

#[test]
fn slow_clients_and_a_thousand_idle_ones_hold_up_neither_the_run_nor_its_operator() {
    more_files();
    let mut town = Town::new(&["courier", "v250", "generic"], (1..=16).map(Branch::new));
    town.timing = "think: 2s".to_owned();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let mut house = House::new(&stage);
    "http: { listen: \"127.0.0.1:0\", reading: open }".clone_into(&mut house.keys);
    let mut daemon = house.open();
    let told = std::fs::read_to_string(stage.path("state/hq.http")).expect("the daemon tells its address");
    let address: SocketAddr =
        told.trim().trim_start_matches("http://").trim_end_matches('/').parse().expect("an address");
    assert_eq!(get(address, "/-/healthy"), Some(200), "{told}");
    let run = daemon.start_run();
    exchange.wait_for("a call", |log| !calls(log, What::LoggedIn).is_empty());
    let slow: Vec<TcpStream> = (0..SLOW)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(address).ok()?;
            stream.write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: loc").ok()?;
            Some(stream)
        })
        .collect();
    let idle: Vec<TcpStream> =
        (0..IDLE).filter_map(|_| TcpStream::connect_timeout(&address, SOON).ok()).collect();
    assert!(slow.len() == SLOW && idle.len() > IDLE / 2, "{} slow, {} idle", slow.len(), idle.len());
    // They dribble on while the operator works.
    let dribble = thread::spawn(move || {
        for _ in 0..20 {
            for mut stream in &slow {
                let _ = stream.write_all(b"x");
            }
            thread::park_timeout(Duration::from_millis(50));
        }
        slow
    });
    for _ in 0..5 {
        let asked = Instant::now();
        let status = daemon.status();
        assert_eq!(status["stands"], "working", "{status:#}");
        daemon.control(&json!({"do": "log", "room": "fleet", "level": "debug"})).done();
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(3), "the operator waited for {took:?}");
    }
    // Half of a request, a mad one, and one that is too large, over the operator's own door.
    for (mad, code) in [
        ("GET / HTTP/9.9\r\n\r\n", None),
        (
            "POST /api/v1/control HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n",
            Some(413),
        ),
    ] {
        let mut stream = std::os::unix::net::UnixStream::connect(daemon.socket()).expect("a socket");
        stream.set_read_timeout(Some(SOON)).expect("a limit");
        let _ = stream.write_all(mad.as_bytes());
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        assert!(code.is_none_or(|code| text.contains(&format!(" {code} "))), "{mad}: {text}");
    }
    daemon.wait_over(&run);
    assert_all_pass(&house.run("latest"), 16, &[], &daemon.said());
    assert_hung_up(&exchange, &daemon.said());
    drop(idle);
    drop(dribble.join());
    assert!(wait_until(SOON, || get(address, "/-/healthy") == Some(200)), "{}", daemon.said());
    assert!(daemon.is_alive());
    daemon.close();
}
