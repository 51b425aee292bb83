//! Benchmarks of the whole program: the release binary as processes of its own, `lineman sim` as the exchange and
//! `lineman audit` over a bank of its ptys; `adaptive` alone plays its nights in memory, on the stage of `tests/runs`. Every figure is measured against its bound in one run; README.md beside
//! this file says what they mean.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod adaptive;
mod answers;
mod common;
mod crowd;
mod daemon;
mod drawn;
mod gap;
mod history;
mod idle;
mod makespan;
mod million;
mod morning;
mod page;
mod pool;
mod rfc2217;
mod soak;
mod split;
mod stamps;

/// A real browser, as the tests of pages have it.
#[path = "../e2e/browser/driver.rs"]
#[expect(dead_code, reason = "the tests ask more of a browser than a benchmark does")]
mod driver;
#[path = "../e2e/patience.rs"]
mod patience;
#[path = "../runs/played.rs"]
#[expect(dead_code, reason = "the tests of whole runs ask more of a night than a benchmark does")]
mod played;
#[path = "../runs/promises.rs"]
mod promises;
/// Whole runs in memory, as the tests have them; each is held to every promise here too.
#[path = "../runs/stage.rs"]
#[expect(dead_code, reason = "the same")]
mod stage;

use common::Row;

/// Measures, and tells.
type Figure = fn() -> Vec<Row>;

const FIGURES: [(&str, Figure); 15] = [
    ("makespan", makespan::rows),
    ("pool", pool::rows),
    ("million", million::rows),
    ("history", history::rows),
    ("morning", morning::rows),
    ("page", page::rows),
    ("gap", gap::rows),
    ("stamps", stamps::rows),
    ("idle", idle::rows),
    ("adaptive", adaptive::rows),
    ("split", split::rows),
    ("rfc2217", rfc2217::rows),
    ("crowd", crowd::rows),
    ("daemon", daemon::rows),
    ("soak", soak::rows),
];

fn main() {
    // Cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let Some(word) = wanted.iter().find(|word| FIGURES.iter().all(|(name, _)| name != *word)) {
        let all: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
        println!("`{word}` is no figure; there are {}", all.join(", "));
        std::process::exit(2);
    }
    for (name, rows) in FIGURES {
        if !wanted.is_empty() && !wanted.iter().any(|word| word == name) {
            continue;
        }
        let before = load();
        let rows = rows();
        println!("\n{name} (load {before} before, {} after; {} cores)", load(), cores());
        println!("  {:<62} {:>20} {:>10} {:>6}", "figure", "measured", "bound", "ratio");
        for Row { figure, measured, bound, ratio, met } in rows {
            let ratio = ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
            let word = met.map_or("", |met| if met { "met" } else { "MISSED" });
            println!("  {figure:<62} {measured:>20} {bound:>10} {ratio:>6}  {word}");
        }
    }
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
