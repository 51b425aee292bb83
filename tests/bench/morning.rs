//! What a night of five thousand lines becomes: the time to fold its events, to draw its pictures and to write all its files,
//! and what they weigh. The night is a draw by a seed (`drawn.rs`); nothing is dialed.

use std::fs;
use std::time::Instant;

use lineman::report::{self, RunState, charts};

use super::common::Row;
use super::drawn;

const LINES: usize = 5_000;
const MODEMS: usize = 32;
/// What all pictures together may take: a person waits for the page's first sight, and they are a part of it.
const PICTURES_MAX_S: f64 = 1.0;
/// What the end of a run may wait for its files.
const FILES_MAX_S: f64 = 10.0;

type Picture = fn(&RunState) -> Option<String>;

const PICTURES: [(&str, Picture); 5] = [
    ("gantt", charts::gantt),
    ("phases", charts::phases),
    ("times", charts::times),
    ("speeds", charts::speeds),
    ("map", charts::map),
];

pub(crate) fn rows() -> Vec<Row> {
    let events = drawn::night(LINES, MODEMS, 7);
    let journal = drawn::journal(&events);
    let mut rows = vec![Row::told(
        format!("{LINES} lines, {MODEMS} modems, {} events", events.len()),
        format!("{:.1} MB", journal.len() as f64 / 1e6),
    )];
    let began = Instant::now();
    let state = RunState::of(&events).expect("the night keeps the rules");
    rows.push(Row::told("  to fold them", format!("{:.3} s", began.elapsed().as_secs_f64())));
    let mut all_s = 0.0;
    for (name, draw) in PICTURES {
        let began = Instant::now();
        let bytes = draw(&state).expect("the night has all pictures").len();
        let took = began.elapsed().as_secs_f64();
        all_s += took;
        let (kb, most) = (bytes as f64 / 1e3, charts::SIZE_MAX as f64 / 1e3);
        rows.push(Row::at_most(format!("  {name}, drawn in {:.0} ms", took * 1e3), kb, most, "kB"));
    }
    rows.push(Row::at_most("  all pictures", all_s, PICTURES_MAX_S, "s"));
    let folder = tempfile::tempdir().expect("a folder for the benchmark");
    let began = Instant::now();
    let (_, files) = report::replay(&events, folder.path()).expect("the files can be written");
    rows.push(Row::at_most("  all files of the run", began.elapsed().as_secs_f64(), FILES_MAX_S, "s"));
    for path in files.iter().filter(|path| path.parent() == Some(folder.path())) {
        let bytes = fs::metadata(path).map_or(0, |file| file.len());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        rows.push(Row::told(format!("  {name}"), format!("{:.2} MB", bytes as f64 / 1e6)));
    }
    rows
}
