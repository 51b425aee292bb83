//! The idle wait: all modems ring, nothing comes in, and lineman must not wake up by itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::common::{Line, Night, Row, Stage, Wire, pause, status};
use lineman::sim::log::What;

/// Between the two readings.
const SPAN: Duration = Duration::from_secs(15);
/// From the last ring to the first reading.
const SETTLE: Duration = Duration::from_secs(12);
/// Longest wait for all modems to ring.
const RING_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn rows() -> Vec<Row> {
    rows_of(16)
}

/// The same with so many modems.
pub(crate) fn rows_of(modems: usize) -> Vec<Row> {
    let night = Night {
        modems,
        // One RINGING a call: a wake-up by what a modem says is none of our own.
        modem_extra: ", ringing_once: true",
        families: &["courier"],
        wire: Wire::Pty,
        pace: 0.5,
        timing: "{ reply: 0ms }",
        limits: "{ dial: 90s, call: 240s }",
        lines: (0..modems).map(|_| Line::new("cisco-ios", ", fault: no-answer")).collect(),
    };
    let stage = Stage::set(&night);
    let exchange = stage.exchange();
    let audit = stage.audit();
    let started = Instant::now();
    let ringing =
        || stage.log().iter().filter(|entry| entry.event == What::Ringback && entry.burst == Some(1)).count();
    while ringing() < modems {
        assert!(started.elapsed() < RING_LIMIT, "only {} modems ring", ringing());
        pause(Duration::from_millis(200));
    }
    // What has just happened is still being written, and threads that opened the ports end after 10 s without work.
    pause(SETTLE);
    let folder = format!("/proc/{}/task", audit.id());
    let before = switches(Path::new(&folder));
    pause(SPAN);
    let after = switches(Path::new(&folder));
    assert!(stage.log().iter().all(|entry| entry.event != What::OnHook), "a call has ended meanwhile");
    drop(audit);
    drop(exchange);
    let woken = woken(&before, &after);
    vec![
        Row::at_most(
            format!("voluntary context switches, {modems} modems ringing, {} s", SPAN.as_secs()),
            woken as f64,
            0.0,
            "",
        ),
        Row::told("  before that, since its start", before.values().sum::<u64>().to_string()),
        Row::told("  a second", format!("{:.2}", woken as f64 / SPAN.as_secs_f64())),
        Row::told("  threads", after.len().to_string()),
    ]
}

/// Wake-ups between two readings of [`switches`].
pub(crate) fn woken(before: &BTreeMap<OsString, u64>, after: &BTreeMap<OsString, u64>) -> u64 {
    // A thread that has ended was woken for it.
    let ended = before.keys().filter(|thread| !after.contains_key(*thread)).count() as u64;
    ended + after.iter().map(|(thread, n)| n - before.get(thread).unwrap_or(&0)).sum::<u64>()
}

/// Voluntary context switches so far, by thread.
pub(crate) fn switches(tasks: &Path) -> BTreeMap<OsString, u64> {
    let tasks = fs::read_dir(tasks).expect("lineman is at work").flatten();
    tasks.map(|task| (task.file_name(), status(&task.path(), "voluntary_ctxt_switches:"))).collect()
}
