//! Same plan, same seed, same simulated exchange: same verdicts, whichever modem is quicker tonight.

use std::collections::BTreeSet;

use crate::night::{audited, rows, run_of, verdict};
use crate::stage::Stage;
use crate::town::{Branch, Town};

/// A night in which much is left to chance: whom it meets is the seed's to say, not the clock's.
fn town() -> Town {
    let branches = (1..=24).map(|n| match n {
        4 => Branch::with_fault(n, "open-console"),
        8 => Branch::with_fault(n, "{ kind: busy, times: 1 }"),
        12 => Branch::with_fault(n, "lost-logout"),
        _ => Branch::new(n).rings(1 + n as u32 % 3),
    });
    // Of one family: a fax is told by name on some only, and is called again on the others.
    let mut town = Town::new(&["courier"; 4], branches);
    town.rules = vec![
        "name: storm, probability: 0.3, fault: busy".to_owned(),
        "name: bakery, probability: 0.08, fault: fax".to_owned(),
        "name: drops, probability: 0.15, fault: { kind: drops, after: 100ms }".to_owned(),
    ];
    town
}

/// The verdict columns of a night, in the plan's order.
fn verdicts(seed: &str) -> Vec<String> {
    let stage = Stage::new();
    town().found(&stage);
    let ended = audited(&stage, &["--seed", seed]);
    assert_eq!(ended.code(), Some(1), "{}", ended.said());
    let summary = std::fs::read_to_string(run_of(&stage, "latest").join("summary.json")).unwrap();
    assert!(summary.contains(&format!("\"seed\": {seed}")), "{summary}");
    let lines = rows(&run_of(&stage, "latest").join("lines.csv"));
    lines.iter().map(|row| format!("{} {}", row["line"], verdict(row))).collect()
}

#[test]
fn the_same_seed_has_the_same_verdicts() {
    let mut nights = BTreeSet::new();
    for seed in ["1", "20261121"] {
        // At a time, so that they disturb each other as much as they can.
        let runs: Vec<Vec<String>> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| verdicts(seed))).collect();
            runs.into_iter().map(|run| run.join().expect("a run came to its end")).collect()
        });
        for run in &runs[1..] {
            let differ: Vec<_> = runs[0].iter().zip(run).filter(|(first, other)| first != other).collect();
            assert!(differ.is_empty(), "seed {seed}: {differ:#?}");
        }
        nights.extend(runs);
    }
    assert_eq!(nights.len(), 2, "another seed is another night");
}
