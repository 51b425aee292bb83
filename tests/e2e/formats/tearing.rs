//! Readers that never wait, while a run writes: whatever they get hold of is whole, and only ever more of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::night::{Exchange, RUN, Running, audit, run_of};
use crate::stage::{Stage, wait_until};
use crate::town::{Branch, Town};

/// What a reader saw, all in all.
#[derive(Default)]
struct Seen {
    reads: u64,
    /// The most rows of each table so far.
    rows: BTreeMap<String, usize>,
    /// How often a file was another than before.
    changes: BTreeMap<String, u64>,
    last: BTreeMap<String, Vec<u8>>,
}

/// A table that a reader got: whole rows, as many cells as there are columns.
fn rows(name: &str, bytes: &[u8]) -> usize {
    assert!(bytes.ends_with(b"\r\n"), "{name} ends within a row: {:?}", String::from_utf8_lossy(bytes));
    let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(false).from_reader(bytes);
    assert!(reader.headers().expect("a header").iter().any(|column| column == "schema"), "{name}");
    let rows: Vec<_> =
        reader.records().collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{name}: {error}"));
    rows.len()
}

impl Seen {
    /// Reads all files of a run once.
    fn look(&mut self, run: &Path) {
        let entries = match fs::read_dir(run) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => panic!("{}: {error}", run.display()),
        };
        for entry in entries.flatten() {
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            // What begins with a dot is lineman's own.
            if name.starts_with('.') || path.is_dir() {
                continue;
            }
            let bytes =
                fs::read(&path).unwrap_or_else(|error| panic!("{name} was there, and is not: {error}"));
            self.whole(&name, &bytes);
            self.reads += 1;
            if self.last.get(&name) != Some(&bytes) {
                *self.changes.entry(name.clone()).or_default() += 1;
                self.last.insert(name, bytes);
            }
        }
    }

    fn whole(&mut self, name: &str, bytes: &[u8]) {
        let json = || -> Value {
            serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("half of {name}: {error}"))
        };
        match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "csv" => {
                let now = rows(name, bytes);
                let before = self.rows.insert(name.to_owned(), now).unwrap_or(0);
                assert!(now >= before, "{name} had {before} rows and has {now}");
            }
            "json" if name == "summary.json" => {
                let lines = &json()["lines"];
                let of = |key: &str| lines[key].as_u64().unwrap_or_else(|| panic!("no {key}: {lines}"));
                let sum: u64 = ["pass", "degraded", "fail", "untested", "left"].map(of).iter().sum();
                assert_eq!(sum, of("total"), "{lines}");
            }
            "json" => drop(json()),
            "xml" => assert!(bytes.trim_ascii_end().ends_with(b"</testsuites>"), "half of {name}"),
            "html" => assert!(bytes.trim_ascii_end().ends_with(b"</html>"), "half of {name}"),
            "prom" => assert!(bytes.ends_with(b"# EOF\n"), "half of {name}"),
            // The journal is appended to: its last line may be on its way.
            "jsonl" => {
                let text = String::from_utf8_lossy(bytes);
                let end = text.rfind('\n').map_or(0, |end| end + 1);
                for line in text[..end].lines() {
                    serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{line}: {error}"));
                }
            }
            other => panic!("a file `{name}` ({other}) that nobody reads here"),
        }
    }
}

/// Readers share the machine with the run that they read.
fn breathe() {
    thread::park_timeout(Duration::from_millis(1));
}

/// Reads `run` over and over until told to stop, and then once more.
fn reading(run: &Path, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    loop {
        let last = stop.load(Ordering::SeqCst);
        seen.look(run);
        if last {
            return seen;
        }
        breathe();
    }
}

#[test]
fn who_reads_while_a_run_writes_never_gets_half_a_file() {
    let stage = Stage::new();
    let faults = ["", "busy", "", "no-answer", "", "voice", "", ""];
    let branches = faults.iter().zip(1..).map(|(fault, n)| match *fault {
        "" => Branch::new(n),
        fault => Branch::with_fault(n, fault),
    });
    let _exchange = Exchange::of(&Town::new(&["courier", "v250", "courier"], branches), &stage);
    let stop = AtomicBool::new(false);
    let (current, out) = (stage.path("reports/current"), stage.path("out.json"));
    let mut running = Running::start(audit(&stage, &["--plain"]));
    let (seen, exported) = thread::scope(|scope| {
        let reader = scope.spawn(|| reading(&current, &stop));
        // Somebody's own copy, made over and over from the run that goes on, and read by somebody else.
        let copy = scope.spawn(|| {
            let mut copies = 0_u32;
            while !stop.load(Ordering::SeqCst) {
                let words = ["report", "json", "current", "-o", "out.json"];
                let ended = Running::start(stage.lineman(words)).finish(RUN);
                // Before there is a run there is nothing to copy.
                copies += u32::from(ended.code() == Some(0));
                assert!(copies == 0 || ended.code() == Some(0), "{}", ended.said());
            }
            copies
        });
        let copies_read = scope.spawn(|| {
            let mut reads = 0_u32;
            while !stop.load(Ordering::SeqCst) {
                if let Ok(bytes) = fs::read(&out) {
                    serde_json::from_slice::<Value>(&bytes)
                        .unwrap_or_else(|error| panic!("half a copy: {error}"));
                    reads += 1;
                }
                breathe();
            }
            reads
        });
        let done = wait_until(RUN, || {
            !running.is_running() || reader.is_finished() || copy.is_finished() || copies_read.is_finished()
        });
        stop.store(true, Ordering::SeqCst);
        assert!(done, "the run has not ended");
        (
            reader.join().expect("a reader"),
            (copy.join().expect("a copier"), copies_read.join().expect("a reader")),
        )
    });
    let ended = running.finish(RUN);
    assert_eq!(ended.code(), Some(1), "{}", ended.said());
    // It was read often, and in more than one state: else this would have shown nothing.
    assert!(seen.reads > 100, "{} reads", seen.reads);
    assert!(seen.changes["lines.csv"] > 1 && seen.changes["summary.json"] > 2, "{:?}", seen.changes);
    assert!(exported.0 > 0 && exported.1 > 0, "{exported:?}");
    let run: PathBuf = run_of(&stage, "latest");
    assert_eq!(seen.rows["lines.csv"], faults.len());
    super::is_a_data_package(&run);
}
