//! The port in memory, under paused time.

use super::*;
use crate::model::Fault;
use crate::modem::port::{PortOptions, PortPath};

/// A limit that a test never reaches.
const LONG: Duration = Duration::from_secs(3600);

async fn open(door: &Door, clock: Clock) -> Result<Port, PortError> {
    Port::open(&PortPath::Memory(door.clone()), &PortOptions::default(), clock).await
}

#[tokio::test(start_paused = true)]
async fn bytes_and_lines_come_in_their_order_with_the_time_at_which_they_were_sent() {
    let clock = Clock::start();
    let (mut port, end) = pair(clock);
    assert_eq!(port.facts(), PortFacts::WIRED);
    end.send(b"RINGING\r\n").await;
    tokio::time::advance(Duration::from_secs(2)).await;
    end.set(Signal::Dcd, true);
    end.set(Signal::Dcd, true);
    end.send(b"CONNECT\r\n").await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let at = Mono::from_millis(2000);
    assert_eq!(port.next().await, PortEvent::Bytes(b"RINGING\r\n".into(), Mono::ZERO));
    assert_eq!(port.next().await, PortEvent::Signal(Signal::Dcd, true, at));
    assert_eq!(port.next().await, PortEvent::Bytes(b"CONNECT\r\n".into(), at));
    assert_eq!(port.level(Signal::Dcd), Some(true));
    assert!(tokio::time::timeout(LONG, port.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_modem_sees_bytes_dtr_and_hang_ups() {
    let clock = Clock::start();
    let (mut port, end) = pair(clock);
    assert!(end.dtr() && end.is_open());
    assert_eq!(port.write(b"ATH\r", LONG).await.unwrap(), clock.now());
    port.dtr(false).unwrap();
    port.dtr(false).unwrap();
    assert_eq!(end.recv().await, Some(EndEvent::Bytes(b"ATH\r".into())));
    assert_eq!(end.recv().await, Some(EndEvent::Dtr(false)));
    assert!(!end.dtr());
    let began = clock.now();
    port.reopen(LONG).await.unwrap();
    assert_eq!(clock.now().since(began), REOPEN_PAUSE_LINES);
    assert_eq!(end.recv().await, Some(EndEvent::Closed));
    assert_eq!(end.recv().await, Some(EndEvent::Opened));
    assert!(end.dtr());
    port.close().await;
    assert_eq!(end.recv().await, Some(EndEvent::Closed));
    assert_eq!(end.recv().await, None, "nobody is left");
}

#[tokio::test(start_paused = true)]
async fn a_cable_without_lines_is_like_a_pty() {
    let (mut port, end) = pair_with(Clock::start(), Wires::Data);
    assert!(!port.facts().has_signals && !end.has_lines() && !end.dtr());
    end.set(Signal::Dcd, true);
    port.dtr(false).unwrap();
    assert_eq!(port.level(Signal::Dcd), None);
    port.reopen(LONG).await.unwrap();
    assert_eq!(end.recv().await, Some(EndEvent::Closed));
    assert_eq!(end.recv().await, Some(EndEvent::Opened));
    assert!(tokio::time::timeout(LONG, port.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_door_opens_once_at_a_time_and_again_later() {
    let clock = Clock::start();
    let (door, end) = door(clock, Wires::DataAndLines);
    assert!(!end.send(b"nobody hears this").await);
    end.set(Signal::Dcd, true);
    let port = open(&door, clock).await.unwrap();
    assert!(port.facts().dcd_at_open, "a modem that was left online");
    assert_eq!(open(&door, clock).await.unwrap_err().fault(), Fault::PortBusy);
    assert!(end.send(b"late").await);
    drop(port);
    let mut port = open(&door, clock).await.unwrap();
    assert!(tokio::time::timeout(LONG, port.next()).await.is_err(), "bytes of the last opening");
    for seen in [EndEvent::Opened, EndEvent::Closed, EndEvent::Opened] {
        assert_eq!(end.recv().await, Some(seen));
    }
    drop((door, port));
    assert_eq!(end.recv().await, Some(EndEvent::Closed));
    assert_eq!(end.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_port_that_vanishes_is_told_once_and_may_come_back() {
    let clock = Clock::start();
    let (mut port, end) = pair(clock);
    end.send(b"last words").await;
    end.vanish();
    assert!(matches!(port.next().await, PortEvent::Bytes(..)));
    assert!(matches!(port.next().await, PortEvent::Closed(_)));
    assert!(tokio::time::timeout(LONG, port.next()).await.is_err());
    assert_eq!(port.write(b"AT\r", LONG).await.unwrap_err().fault(), Fault::PortLost);
    assert_eq!(port.dtr(true).unwrap_err().fault(), Fault::PortLost);
    assert_eq!(port.drain_input().unwrap_err().fault(), Fault::PortLost);
    assert_eq!(port.reopen(LONG).await.unwrap_err().fault(), Fault::PortLost);
    end.restore();
    port.reopen(LONG).await.unwrap();
    assert!(end.send(b"back").await);
    assert_eq!(port.next().await, PortEvent::Bytes(b"back".into(), clock.now()));
}

#[tokio::test(start_paused = true)]
async fn an_old_handle_cannot_close_a_new_opening() {
    let clock = Clock::start();
    let (door, end) = door(clock, Wires::Data);
    let old = open(&door, clock).await.unwrap();
    end.vanish();
    end.restore();
    let mut new = open(&door, clock).await.unwrap();
    drop(old);
    new.write(b"AT\r", LONG).await.unwrap();
    assert!(end.is_open());
}

#[tokio::test(start_paused = true)]
async fn nobody_can_write_more_than_the_other_side_takes() {
    let (mut port, end) = pair(Clock::start());
    let flood = vec![b'x'; 3 * BUFFER_BYTES];
    let error = port.write(&flood, Duration::from_secs(1)).await.unwrap_err();
    let PortError::Stalled { written, .. } = error else { panic!("{error}") };
    assert_eq!(written, BUFFER_BYTES);
    assert!(tokio::time::timeout(LONG, end.send(&flood)).await.is_err());
    // Draining makes room, reading makes room.
    port.drain_input().unwrap();
    let (sent, got) = tokio::join!(end.send(&flood), async {
        let mut got = 0;
        while got < flood.len() {
            let PortEvent::Bytes(bytes, _) = port.next().await else { panic!("no bytes") };
            got += bytes.len();
        }
        got
    });
    assert!(sent);
    assert_eq!(got, flood.len());
}

#[tokio::test(start_paused = true)]
async fn draining_leaves_edges_and_reopening_leaves_nothing() {
    let clock = Clock::start();
    let (mut port, end) = pair(clock);
    end.send(b"NO CARRIER\r\n").await;
    end.set(Signal::Dcd, true);
    port.drain_input().unwrap();
    assert_eq!(port.next().await, PortEvent::Signal(Signal::Dcd, true, clock.now()));
    end.send(b"x").await;
    end.set(Signal::Dcd, false);
    port.reopen(LONG).await.unwrap();
    assert!(tokio::time::timeout(LONG, port.next()).await.is_err());
    assert!(!port.facts().dcd_at_open);
}

#[tokio::test(start_paused = true)]
async fn a_reopening_has_a_limit() {
    let (mut port, end) = pair(Clock::start());
    let error = port.reopen(REOPEN_PAUSE_LINES / 2).await.unwrap_err();
    assert_eq!(error.fault(), Fault::PortOpenFailed);
    assert!(!end.is_open());
    port.reopen(LONG).await.unwrap();
    assert!(end.is_open());
}

#[tokio::test(start_paused = true)]
async fn the_end_that_goes_takes_the_port_with_it() {
    let (mut port, end) = pair(Clock::start());
    drop(end);
    assert!(matches!(port.next().await, PortEvent::Closed(_)));
    assert!(port.reopen(LONG).await.is_err());
}
