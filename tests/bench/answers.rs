//! What a person waits for when the history is asked: each question through the real binary, as a process of its own.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use jiff::Timestamp;

use super::common::Row;

/// What the issue asks of an answer, s.
const ANSWER_MAX_S: f64 = 1.0;
/// Times that each question is put; the median counts, the slowest is told.
const ASKED: usize = 5;

/// Asks the history in `folder`, whose nights began at these times.
pub(crate) fn rows(folder: &Path, nights: &[Timestamp]) -> Vec<Row> {
    let day = |back: usize| nights[nights.len() - 1 - back].strftime("%F").to_string();
    let middle = (day(nights.len() / 2 + 20), day(nights.len() / 2));
    let first = day(nights.len() - 1);
    let month = day(29);
    let questions: [(&str, Vec<&str>); 12] = [
        ("diff of the last two nights", vec!["diff"]),
        ("diff of the last two nights, as JSON", vec!["diff", "--format", "json"]),
        ("diff of the first night and the last", vec!["diff", &first]),
        ("diff of two nights in the middle", vec!["diff", &middle.0, &middle.1]),
        ("trend of a line", vec!["trend", "BR0042-A"]),
        ("trend of a line, night by night as CSV", vec!["trend", "BR0042-A", "--format", "csv"]),
        ("trend of a modem", vec!["trend", "m07"]),
        ("trend of all lines and modems: which of them drift", vec!["trend"]),
        ("rates by site, 30 nights", vec!["rates", "--by", "site", "--since", &month]),
        ("rates by modem, with the comparison, 30 nights", vec!["rates", "--by", "modem", "--since", &month]),
        ("rates by carrier, 30 nights", vec!["rates", "--by", "carrier", "--since", &month]),
        ("rates by cause, 30 nights", vec!["rates", "--by", "cause", "--since", &month]),
    ];
    let row = |(what, words): (&str, Vec<&str>)| {
        let mut took: Vec<f64> = (0..ASKED).map(|_| asked(folder, &words)).collect();
        took.sort_by(f64::total_cmp);
        let slowest = took[ASKED - 1];
        Row::at_most(format!("  {what} (slowest {slowest:.2} s)"), took[ASKED / 2], ANSWER_MAX_S, "s")
    };
    questions.into_iter().map(row).collect()
}

/// How long one answer takes, s.
fn asked(folder: &Path, words: &[&str]) -> f64 {
    let mut lineman = Command::new(env!("CARGO_BIN_EXE_lineman"));
    lineman.arg("report").args(words).arg("--reports").arg(folder);
    let began = Instant::now();
    let told = lineman.output().expect("an answer");
    let took = began.elapsed().as_secs_f64();
    // 1 says that something drifts, or that a modem is worse than its brothers.
    let answered = matches!(told.status.code(), Some(0 | 1)) && !told.stdout.is_empty();
    assert!(answered, "{words:?}: {}", String::from_utf8_lossy(&told.stderr));
    took
}
