//! The same night as `makespan`, worked off by the way in which this job is done by hand: a Python program with
//! `multiprocessing.Pool.map` over the lines (`pool_map.py`), on the same simulated bank, in the same run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::common::{ExchangeCall, Played, Row, Stage};
use super::makespan;

/// Debian's own Python, which has pySerial as a package.
const PYTHON: &str = "/usr/bin/python3";
const LIMIT: Duration = Duration::from_secs(900);

pub(crate) fn rows() -> Vec<Row> {
    let night = makespan::night();
    let stage = Stage::set(&night);
    let makespan_s = |calls: &[ExchangeCall]| {
        let spans: Vec<(u64, u64)> = calls.iter().map(ExchangeCall::span).collect();
        let first = spans.iter().map(|span| span.0).min().unwrap_or(0);
        let last = spans.iter().map(|span| span.1).max().unwrap_or(0);
        (last - first) as f64 / 1e6
    };
    let passed = |played: &Played| {
        let ended = |record: &&lineman::model::CallRecord| {
            record.fault.is_none_or(|fault| fault.verdict() == lineman::model::Verdict::Degraded)
        };
        played.records().filter(ended).count()
    };
    let mut rows = Vec::new();
    let mut ours = Vec::new();
    for name in ["lineman, first night", "lineman, second night"] {
        let played = stage.play(LIMIT);
        let calls = played.calls();
        ours.push(makespan_s(&calls));
        rows.push(told(name, &calls, passed(&played), makespan_s(&calls)));
    }
    let mut table = "id,number,hostname\n".to_owned();
    for index in 0..night.lines.len() {
        let _ = writeln!(table, "L{index:03},{},host{index:03}", Stage::number(index));
    }
    fs::write(stage.path("lines.csv"), table).expect("the folder can be written");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/pool_map.py");
    for (name, chunk) in [("Pool.map, chunks as it makes them", "auto"), ("Pool.map, chunksize=1", "1")] {
        let exchange = stage.exchange();
        let program = program.display().to_string();
        stage.wait(PYTHON, &[&program, "lines.csv", "ports", chunk, "pool.csv"], LIMIT);
        drop(exchange);
        let calls = ExchangeCall::of(&stage.log());
        let verdicts = fs::read_to_string(stage.path("pool.csv")).unwrap_or_default();
        let passes = verdicts.lines().filter(|line| line.split(',').nth(1) == Some("pass")).count();
        let took = makespan_s(&calls);
        rows.push(told(name, &calls, passes, took));
        for (night, ours) in ["first", "second"].iter().zip(&ours) {
            rows.push(Row {
                figure: format!("  lineman's {night} night against it"),
                measured: format!("{ours:.2} s"),
                bound: format!("{took:.2} s"),
                ratio: Some(ours / took),
                met: Some(*ours <= took),
            });
        }
    }
    rows
}

fn told(name: &str, calls: &[ExchangeCall], passed: usize, took: f64) -> Row {
    Row::told(format!("{name}: {} calls, {passed} lines passed", calls.len()), format!("{took:.2} s"))
}
