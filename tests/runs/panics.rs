//! A run that dies of a panic in the middle of its calls: all lines are dropped, nothing that was found is lost, and whoever goes
//! on with it finishes the rest. A worker that panics costs one call: that is in `ports`, and in many a `random` night.

use std::collections::BTreeMap;

use lineman::fleet::scheduler::Past;
use lineman::model::event::LineVerdict;
use lineman::model::{EventKind, Moment};
use lineman::sim::log::What;

use crate::stage::{Deed, Played, Stage};
use crate::verdicts::{ALL, bank_of};

const LINES: usize = 24;

/// The last verdict of each line, as far as the run came.
fn found(played: &Played) -> BTreeMap<String, LineVerdict> {
    let mut found = BTreeMap::new();
    for event in &played.events {
        match &event.kind {
            EventKind::Verdict(verdict) => drop(found.insert(verdict.line.to_string(), verdict.clone())),
            EventKind::VerdictWithdrawn { line, .. } => drop(found.remove(line.as_str())),
            _ => {}
        }
    }
    found
}

fn dialed(played: &Played) -> Vec<String> {
    played.logged(What::Dialed).iter().filter_map(|entry| entry.line.clone()).collect()
}

/// The dispatcher dies with whoever takes its events, at each moment of a call in turn.
#[test]
fn a_run_that_dies_at_any_moment_hangs_up_and_can_be_gone_on_with() {
    for (n, moment) in Moment::ALL.into_iter().enumerate() {
        // Without wires no modem here shows the answer.
        let wired = n % 2 == 0 || moment == Moment::Answered;
        let what = format!("{moment:?}, modem lines: {wired}");
        let mut seen = 0;
        let mut stage = Stage::new(&bank_of(&ALL, LINES, &[])).when(
            move |kind| {
                seen += usize::from(matches!(kind, EventKind::CallMoment { moment: m, .. } if *m == moment));
                // Amid a night: some lines have been done.
                seen == 5
            },
            Deed::Panic,
        );
        if wired {
            stage = stage.with_lines();
        }
        let died = stage.play_unchecked();
        if died.end.broken.is_none() {
            // Nobody has a terminal here.
            assert!(moment == Moment::HandedBack, "{what}: it has not died");
            continue;
        }
        // All lines are on-hook, though nobody was left to see to it.
        assert_eq!(died.logged(What::Dialed).len(), died.logged(What::OnHook).len(), "{what}");
        assert!(!died.events.iter().any(|e| matches!(e.kind, EventKind::RunEnded { .. })), "{what}");
        let found = found(&died);

        let mut stage = Stage::new(&bank_of(&ALL, LINES, &[]));
        stage.past = Past { verdicts: found.values().cloned().collect(), ..Past::default() };
        let rest = stage.play_unchecked();
        let again: Vec<String> = dialed(&rest).into_iter().filter(|line| found.contains_key(line)).collect();
        assert!(again.is_empty(), "{what}: dialed again: {again:?}");
        let mut lines = self::found(&rest);
        assert!(lines.keys().all(|line| !found.contains_key(line)), "{what}: {lines:#?}");
        lines.extend(found);
        let blamed: Vec<_> = lines.values().filter(|verdict| verdict.fault.is_some()).collect();
        assert!(blamed.is_empty() && lines.len() == LINES, "{what}: {lines:#?}");
    }
}
