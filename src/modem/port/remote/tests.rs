//! The shell against servers of a few lines, over loopback.

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::super::{Port, PortPath};
use super::*;
use crate::model::Fault;

/// Longest that any of these waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

struct Bench {
    listener: TcpListener,
    clock: Clock,
}

impl Bench {
    async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap(), clock: Clock::start() }
    }

    fn path(&self, scheme: &str) -> PortPath {
        format!("{scheme}://{}", self.listener.local_addr().unwrap()).parse().unwrap()
    }

    async fn open(&self, scheme: &str) -> Result<Port, PortError> {
        Port::open(&self.path(scheme), &PortOptions::default(), self.clock).await
    }

    async fn accept(&self) -> TcpStream {
        timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap().0
    }

    /// A raw port, and the server's end of it.
    async fn raw(&self) -> (Port, TcpStream) {
        let (port, server) = tokio::join!(self.open("tcp"), self.accept());
        (port.unwrap(), server)
    }
}

async fn next(port: &mut Port) -> PortEvent {
    timeout(PATIENCE, port.next()).await.expect("nothing came")
}

async fn heard(server: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut got = vec![0; length];
    timeout(PATIENCE, server.read_exact(&mut got)).await.expect("nothing came").unwrap();
    got
}

/// Agrees to the com port option, confirms settings, and tells these lines.
async fn serve_rfc2217(server: &mut TcpStream, lines: u8) {
    server.write_all(&[255, 253, 44, 255, 253, 0, 255, 251, 0, 255, 253, 3, 255, 251, 3]).await.unwrap();
    for said in [&[101, 0, 1, 0xc2, 0][..], &[102, 8], &[103, 1], &[104, 1], &[112, 3], &[107, lines]] {
        server.write_all(&[&[255, 250, 44], said, &[255, 240]].concat()).await.unwrap();
    }
}

/// Reads until these bytes stand at the end.
async fn hear_until(server: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut got = Vec::new();
    while !got.ends_with(end) {
        got.extend(heard(server, 1).await);
    }
    got
}

#[tokio::test]
async fn a_raw_port_passes_bytes_both_ways_and_promises_nothing() {
    let bench = Bench::new().await;
    let (mut port, mut server) = bench.raw().await;
    assert_eq!(port.facts(), PortFacts { may_stay_online: true, ..PortFacts::BARE });
    assert_eq!(port.level(Signal::Dcd), None);
    port.dtr(false).unwrap();
    port.write(b"AT\r\xff\0", PATIENCE).await.unwrap();
    assert_eq!(heard(&mut server, 5).await, b"AT\r\xff\0", "nothing is added for DTR");
    server.write_all(b"\r\nOK\xff\r\n").await.unwrap();
    let PortEvent::Bytes(bytes, _) = next(&mut port).await else { panic!("no bytes") };
    assert_eq!(bytes, b"\r\nOK\xff\r\n");
    server.write_all(b"old").await.unwrap();
    port.0.wait_for_input().await;
    port.drain_input().unwrap();
    server.write_all(b"new").await.unwrap();
    assert!(matches!(next(&mut port).await, PortEvent::Bytes(bytes, _) if bytes == b"new"));
    assert!(port.path().starts_with("tcp://127.0.0.1:"));
}

impl super::super::Kind {
    /// Until something lies there to be read.
    async fn wait_for_input(&mut self) {
        let Self::Remote(port) = self else { panic!("no remote port") };
        let link = port.link.as_mut().unwrap();
        timeout(PATIENCE, link.stream.readable()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_rfc2217_port_tells_its_lines_and_drops_dtr_on_the_wire() {
    let bench = Bench::new().await;
    let (port, mut server) = tokio::join!(bench.open("rfc2217"), async {
        let mut server = bench.accept().await;
        serve_rfc2217(&mut server, 0xb0).await;
        server
    });
    let mut port = port.unwrap();
    let facts =
        PortFacts { has_signals: true, dcd_at_open: true, may_stay_online: true, signal_lag: SIGNAL_LAG };
    assert_eq!(port.facts(), facts);
    assert_eq!((port.level(Signal::Dcd), port.level(Signal::Ri)), (Some(true), Some(false)));
    let _ = hear_until(&mut server, &[12, 3, 255, 240]).await;
    port.dtr(false).unwrap();
    assert_eq!(heard(&mut server, 7).await, [255, 250, 44, 5, 9, 255, 240]);
    server.write_all(&[255, 250, 44, 107, 0x38, 255, 240]).await.unwrap();
    assert!(matches!(next(&mut port).await, PortEvent::Signal(Signal::Dcd, false, _)));
    assert_eq!(port.facts_now(), PortFacts { dcd_at_open: false, ..facts });
    // On the way out DTR falls too, before the connection does.
    let ((), said) = tokio::join!(port.close(), async {
        let said = hear_until(&mut server, &[5, 9, 255, 240]).await;
        drop(server);
        said
    });
    assert_eq!(said, [255, 250, 44, 5, 9, 255, 240]);
}

#[tokio::test]
async fn a_port_is_reopened_with_dtr_low_and_a_busy_server_gets_its_time() {
    let bench = Bench::new().await;
    let (port, mut server) = tokio::join!(bench.open("rfc2217"), async {
        let mut server = bench.accept().await;
        serve_rfc2217(&mut server, 0x30).await;
        server
    });
    let mut port = port.unwrap();
    let _ = hear_until(&mut server, &[12, 3, 255, 240]).await;
    let (again, ()) = tokio::join!(port.reopen(PATIENCE), async {
        let _ = hear_until(&mut server, &[5, 9, 255, 240]).await;
        drop(server);
        // Not let go of yet.
        bench.accept().await.write_all(b"Port already in use\r\n").await.unwrap();
        let mut server = bench.accept().await;
        serve_rfc2217(&mut server, 0).await;
        let said = hear_until(&mut server, &[12, 3, 255, 240]).await;
        assert!(said.windows(4).any(|w| w == [44, 5, 8, 255]), "DTR is raised again: {said:?}");
        std::mem::forget(server.into_std());
    });
    again.unwrap();
    assert!(port.facts().has_signals, "it was proven before");
}

#[tokio::test]
async fn a_server_that_dies_closes_or_resets_is_a_lost_port() {
    let bench = Bench::new().await;
    for reset in [false, true] {
        let (mut port, mut server) = bench.raw().await;
        server.write_all(b"last words").await.unwrap();
        assert!(matches!(next(&mut port).await, PortEvent::Bytes(..)));
        if reset {
            server.set_zero_linger().unwrap();
        }
        drop(server);
        let PortEvent::Closed(why) = next(&mut port).await else { panic!("not told") };
        assert!(why.contains("its server"), "{why}");
        assert!(timeout(Duration::from_millis(50), port.next()).await.is_err(), "told once");
        let error = port.write(b"AT\r", PATIENCE).await.unwrap_err();
        assert_eq!(error.fault(), Fault::PortLost, "{error}");
        assert!(port.dtr(true).is_err() && port.drain_input().is_err());
    }
    // It may be there again; if not, the port is lost.
    let (mut port, server) = bench.raw().await;
    drop(server);
    let (again, _server) = tokio::join!(port.reopen(PATIENCE), bench.accept());
    again.unwrap();
    drop(bench);
    let error = port.reopen(PATIENCE).await.unwrap_err();
    assert_eq!(error.fault(), Fault::PortLost, "{}", error.detail());
}

#[tokio::test]
async fn why_a_port_cannot_be_had_is_told() {
    let bench = Bench::new().await;
    for (said, fault, words) in [
        ("Port already in use\r\n", Fault::PortBusy, "in use; its server said `Port already in use`"),
        ("\r\nPort's device already in use\r\n", Fault::PortBusy, "already in use"),
        ("Device open failure: Value or file not found\r\n", Fault::PortOpenFailed, "Device open failure"),
        ("", Fault::PortOpenFailed, "somebody else may have it"),
    ] {
        for scheme in ["tcp", "telnet", "rfc2217"] {
            let (port, ()) = tokio::join!(bench.open(scheme), async {
                let mut server = bench.accept().await;
                server.write_all(said.as_bytes()).await.unwrap();
                let _ = server.shutdown().await;
                // What was sent to it is read, or the kernel would reset the connection and lose its words.
                let _ = timeout(PATIENCE, server.read_to_end(&mut Vec::new())).await;
            });
            let error = port.unwrap_err();
            assert_eq!(error.fault(), fault, "{error}");
            assert!(error.detail().contains(words), "{}", error.detail());
        }
    }
    let path = bench.path("tcp");
    let clock = bench.clock;
    drop(bench);
    let error = Port::open(&path, &PortOptions::default(), clock).await.unwrap_err();
    assert_eq!(error.fault(), Fault::PortOpenFailed);
    assert!(error.detail().contains("nobody listens there (connection refused)"), "{}", error.detail());
}

#[tokio::test]
async fn a_server_that_takes_nothing_ends_the_connection_and_what_was_not_sent_with_it() {
    let bench = Bench::new().await;
    let (mut port, mut server) = bench.raw().await;
    // More than the kernels of both sides hold.
    let much = vec![b'x'; 64 * 1024 * 1024];
    let error = port.write(&much, Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error, PortError::Stalled { .. }), "{error}");
    assert_eq!(error.fault(), Fault::ModemSilent);
    assert!(matches!(next(&mut port).await, PortEvent::Closed(_)));
    let mut taken = Vec::new();
    let ended = timeout(PATIENCE, server.read_to_end(&mut taken)).await.expect("the connection goes on");
    assert!(ended.is_err(), "it was not reset");
}

#[tokio::test]
async fn a_server_that_stops_us_is_obeyed_up_to_the_limit() {
    let bench = Bench::new().await;
    let (port, mut server) = tokio::join!(bench.open("rfc2217"), async {
        let mut server = bench.accept().await;
        serve_rfc2217(&mut server, 0x30).await;
        server
    });
    let mut port = port.unwrap();
    let _ = hear_until(&mut server, &[12, 3, 255, 240]).await;
    server.write_all(&[255, 250, 44, 108, 255, 240, b'.']).await.unwrap();
    assert!(matches!(next(&mut port).await, PortEvent::Bytes(..)));
    let (written, said) = tokio::join!(port.write(b"AT\r", PATIENCE), async {
        let early = timeout(Duration::from_millis(100), server.read_u8()).await;
        assert!(early.is_err(), "it was sent all the same");
        server.write_all(&[255, 250, 44, 109, 255, 240]).await.unwrap();
        heard(&mut server, 3).await
    });
    written.unwrap();
    assert_eq!(said, b"AT\r");
}

#[tokio::test]
async fn a_server_that_floods_is_read_no_faster_than_it_is_heard() {
    let bench = Bench::new().await;
    let (mut port, mut server) = bench.raw().await;
    let flood = tokio::spawn(async move {
        let much = vec![b'x'; 1024 * 1024];
        while server.write_all(&much).await.is_ok() {}
    });
    assert!(matches!(next(&mut port).await, PortEvent::Bytes(..)));
    // A write reads meanwhile, and must not read without bound.
    port.write(b"AT\r", PATIENCE).await.unwrap();
    let super::super::Kind::Remote(remote) = &port.0 else { panic!("no remote port") };
    assert!(remote.link.as_ref().unwrap().event_bytes <= EVENT_BYTES_MAX + READ_BYTES_MAX);
    drop(port);
    timeout(PATIENCE, flood).await.unwrap().unwrap();
}

/// A port whose server sends one thing again and again, from a thread of its own, as fast as it goes.
async fn flooded(with: &'static [u8]) -> Port {
    let bench = Bench::new().await;
    let (port, mut server) = tokio::join!(bench.open("rfc2217"), async {
        let mut server = bench.accept().await;
        serve_rfc2217(&mut server, 0x30).await;
        server
    });
    let _ = hear_until(&mut server, &[12, 3, 255, 240]).await;
    let mut server = server.into_std().unwrap();
    server.set_nonblocking(false).unwrap();
    std::thread::spawn(move || {
        let much = with.repeat(64 * 1024);
        while std::io::Write::write_all(&mut server, &much).is_ok() {}
    });
    port.unwrap()
}

#[tokio::test]
async fn a_flood_of_edges_is_held_within_bounds_too() {
    let up_and_down = &[255, 250, 44, 107, 0xf0, 255, 240, 255, 250, 44, 107, 0, 255, 240];
    let mut port = flooded(up_and_down).await;
    // Both read on the way.
    for _ in 0..20 {
        timeout(PATIENCE, port.write(b"AT\r", PATIENCE)).await.unwrap().unwrap();
        port.drain_input().unwrap();
    }
    let super::super::Kind::Remote(remote) = &port.0 else { panic!("no remote port") };
    let waiting = remote.link.as_ref().unwrap().events.len();
    assert!(waiting < EVENT_BYTES_MAX, "{waiting} edges wait");
}

#[tokio::test]
async fn a_flood_of_nothing_holds_nobody_up() {
    for nothing in
        [&[255, 241][..], &[255, 250, 44, 255, 240], &[255, 250, 44, 107, 0x30, 255, 240], b"\xff\xfa\x2c~"]
    {
        let mut port = flooded(nothing).await;
        let waited = timeout(Duration::from_millis(200), port.next()).await;
        assert!(waited.is_err(), "{waited:?}");
        timeout(PATIENCE, port.write(b"AT\r", PATIENCE)).await.unwrap().unwrap();
        port.drain_input().unwrap();
    }
}

/// A modem with a chatty neighbour, or one that somebody rings: it is opened all the same.
#[tokio::test]
async fn a_port_that_never_falls_silent_is_opened_within_its_limits() {
    let bench = Bench::new().await;
    let (port, ()) = tokio::join!(bench.open("tcp"), async {
        let mut server = bench.accept().await.into_std().unwrap();
        server.set_nonblocking(false).unwrap();
        std::thread::spawn(move || {
            let much = b"\r\nRING\r\n".repeat(64 * 1024);
            while std::io::Write::write_all(&mut server, &much).is_ok() {}
        });
    });
    port.unwrap();
}
