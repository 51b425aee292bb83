//! The exchange in memory: one task under tokio's time, so that a night passes in a moment when time is paused.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::modem::clock::Clock;
use crate::modem::port::Signal;
use crate::modem::port::memory::{self, Door, EndEvent, MemoryEnd, Wires};

use super::exchange::{Engine, Input, Output};
use super::log::{Entry, Log};

/// Events that wait for the exchange; a port that floods it has to wait.
const EVENTS_MAX: usize = 256;

/// What is written to a port, in its order with the lines.
#[derive(Debug)]
enum ToPort {
    Bytes(Vec<u8>),
    Line(Signal, bool),
    Vanish,
    Return,
}

/// The running task.
#[derive(Debug)]
pub(super) struct MemoryOffice {
    stop: Arc<Notify>,
    task: AbortOnDropHandle<()>,
}

impl MemoryOffice {
    pub(super) fn open(engine: Engine, clock: Clock, wires: Wires, log: Log) -> (Self, Vec<Door>) {
        let count = engine.ports().count();
        let (doors, ends): (Vec<Door>, Vec<MemoryEnd>) =
            (0..count).map(|_| memory::door(clock, wires)).unzip();
        let stop = Arc::new(Notify::new());
        let task = tokio::spawn(work(engine, clock, log, ends, Arc::clone(&stop)));
        (Self { stop, task: AbortOnDropHandle::new(task) }, doors)
    }

    pub(super) async fn stop(self) {
        self.stop.notify_one();
        if self.task.await.is_err_and(|e| e.is_panic()) {
            tracing::error!("the exchange's task panicked");
        }
    }
}

async fn work(mut engine: Engine, clock: Clock, log: Log, ends: Vec<MemoryEnd>, stop: Arc<Notify>) {
    let (tell, mut events) = mpsc::channel(EVENTS_MAX);
    let mut writers = Vec::new();
    let mut helpers: Vec<AbortOnDropHandle<()>> = Vec::new();
    for (port, end) in ends.into_iter().enumerate() {
        let end = Arc::new(end);
        // Unbounded: what a port does not take is bounded by what the exchange says in one call, and writing may never
        // hold up the others.
        let (writer, lines) = mpsc::unbounded_channel();
        writers.push(writer);
        helpers.push(AbortOnDropHandle::new(write_port(Arc::clone(&end), lines)));
        helpers.push(AbortOnDropHandle::new(read_port(port, end, tell.clone())));
    }
    drop(tell);
    loop {
        while let Some(output) = engine.poll() {
            act(output, &clock, &log, &writers);
        }
        let deadline = engine.deadline();
        let due = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(clock.instant(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.notified() => return,
            event = events.recv() => match event {
                None => return,
                Some((port, event)) => {
                    let now = clock.now();
                    match event {
                        EndEvent::Bytes(bytes) => engine.handle(now, Input::Bytes(port, &bytes)),
                        EndEvent::Dtr(up) => engine.handle(now, Input::Dtr(port, up)),
                        EndEvent::Opened => engine.handle(now, Input::Opened(port)),
                        EndEvent::Closed => engine.handle(now, Input::Closed(port)),
                    }
                }
            },
            () = due => engine.handle(clock.now(), Input::Time),
        }
    }
}

fn act(output: Output, clock: &Clock, log: &Log, writers: &[mpsc::UnboundedSender<ToPort>]) {
    let stamp = clock.now().as_micros();
    // A writer ends with its port only, and the port with the exchange.
    let send = |port: usize, what| {
        let _ = writers[port].send(what);
    };
    match output {
        Output::Write { port, bytes, entries } => {
            for entry in entries {
                log.add(Entry { mono_us: stamp, ..entry });
            }
            send(port, ToPort::Bytes(bytes));
        }
        Output::Signal(port, signal, level) => send(port, ToPort::Line(signal, level)),
        Output::Vanish(port) => send(port, ToPort::Vanish),
        Output::Return(port) => send(port, ToPort::Return),
        // Refused when the exchange was started.
        Output::Start { .. } | Output::Send(..) | Output::Stop(_) => {}
        Output::Log(entry) => log.add(Entry { mono_us: stamp, ..entry }),
    }
}

fn write_port(end: Arc<MemoryEnd>, mut lines: mpsc::UnboundedReceiver<ToPort>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(what) = lines.recv().await {
            match what {
                // On a closed port the bytes are lost, as on a wire.
                ToPort::Bytes(bytes) => {
                    end.send(&bytes).await;
                }
                ToPort::Line(signal, level) => end.set(signal, level),
                ToPort::Vanish => end.vanish(),
                ToPort::Return => end.restore(),
            }
        }
    })
}

fn read_port(port: usize, end: Arc<MemoryEnd>, tell: mpsc::Sender<(usize, EndEvent)>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(event) = end.recv().await {
            if tell.send((port, event)).await.is_err() {
                return;
            }
        }
    })
}
