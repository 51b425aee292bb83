//! Differences, against nights that are counted by hand.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::history::Series;
use crate::history::played::{Found, Town, began, run_id};
use crate::model::Change;

const PASS: Found = Some(None);
const BUSY: Found = Some(Some(Fault::Busy));
const VOICE: Found = Some(Some(Fault::Voice));
const RETRY: Found = Some(Some(Fault::NeededRetry));
const SKIPPED: Found = Some(Some(Fault::Skipped));
const WINDOW: Found = Some(Some(Fault::OutOfWindow));

fn run(town: &Town, night: u32) -> KnownRun {
    town.store().run(Which::Id(run_id(night).as_str()), None).unwrap().unwrap()
}

fn told(town: &Town, from: u32, to: u32) -> BTreeMap<String, (&'static str, Option<u32>)> {
    let changes = town.store().diff(&run(town, from), &run(town, to)).unwrap();
    changes.all().map(|line| (line.line.to_string(), (line.change.word(), line.nights()))).collect()
}

#[test]
fn two_nights_apart_line_by_line() {
    let mut town = Town::new();
    for night in 0..6 {
        town.night(
            night,
            &[("a", PASS), ("b", BUSY), ("c", BUSY), ("d", PASS), ("e", RETRY), ("g", PASS), ("h", BUSY)],
        );
    }
    town.night(
        6,
        &[("a", PASS), ("b", BUSY), ("c", SKIPPED), ("d", PASS), ("e", RETRY), ("g", PASS), ("h", SKIPPED)],
    );
    town.night(
        7,
        &[("a", BUSY), ("b", VOICE), ("c", PASS), ("d", PASS), ("e", PASS), ("f", PASS), ("h", WINDOW)],
    );
    let expected = [
        ("a", ("new-failure", Some(1))),
        ("b", ("still-failing", Some(8))),
        ("c", ("recovered", Some(6))),
        ("d", ("same", Some(8))),
        ("e", ("recovered", Some(7))),
        ("f", ("new-line", Some(1))),
        ("g", ("gone-line", Some(7))),
        ("h", ("untested", Some(2))),
    ];
    let all = told(&town, 6, 7);
    for (line, what) in expected {
        // Of a line that passed as before the nights are not counted.
        assert_eq!(all[line].0, what.0, "{line}");
        assert!(what.0 == "same" || all[line].1 == what.1, "{line}: {:?}", all[line]);
    }
    assert_eq!(all.len(), expected.len());
    // From an older night: what lay between does not matter, and the nights are those up to the later one.
    assert_eq!(told(&town, 2, 5)["b"], ("still-failing", Some(6)));
    assert_eq!(told(&town, 0, 7)["c"], ("recovered", Some(1)));
    let changes = town.store().diff(&run(&town, 6), &run(&town, 7)).unwrap();
    let was = changes.lines(Change::Recovered)[0].last.clone().unwrap();
    assert_eq!((was.fault, was.since, was.run.as_str()), (Some(Fault::Busy), was.since, run_id(5).as_str()));
    assert_eq!(changes.lines(Change::GoneLine)[0].site.as_ref().unwrap().as_str(), "g");
    assert_eq!(changes.against, Some(run_id(6)));
}

/// A line that failed once, fifteen runs ago: both count the same runs, tonight's included.
#[test]
fn the_lead_of_a_run_and_a_difference_asked_for_later_look_at_the_same_nights() {
    let mut town = Town::new();
    let found = |night: u32| match night {
        0 | 1 | 8 | 9 | 15 => BUSY,
        _ => PASS,
    };
    for night in 0..15 {
        town.night(night, &[("a", found(night))]);
    }
    let (plan, bank) = ("nightly".parse().unwrap(), "hq".parse().unwrap());
    let line = Town::line("a");
    let before =
        town.store().lines_before(Series { plan: &plan, bank: &bank, except: None }, [&line]).unwrap();
    let lead = Standing::after(before.first(), found(15).unwrap(), began(15));
    town.night(15, &[("a", found(15))]);
    let changes = town.store().diff(&run(&town, 14), &run(&town, 15)).unwrap();
    let asked = changes.all().next().unwrap();
    assert_eq!((asked.change, asked.now.unwrap().changes), (Change::NewFailure, 3));
    assert_eq!(lead.changes, 3);
}

#[test]
fn runs_are_found_by_name_by_day_and_by_what_came_before() {
    let mut town = Town::new();
    for night in 0..3 {
        town.night(night, &[("a", PASS)]);
    }
    let last = town.store().run(Which::Last, None).unwrap().unwrap();
    assert_eq!((&last.id, last.started, last.plan.as_str()), (&run_id(2), began(2), "nightly"));
    let before = town.store().run(Which::Before(&last), None).unwrap().unwrap();
    assert_eq!(before.id, run_id(1));
    let day = town.store().run(Which::Day("2026-01-02".parse().unwrap()), None).unwrap().unwrap();
    assert_eq!(day.id, run_id(1));
    let first = town.store().run(Which::Id(run_id(0).as_str()), Some("nightly")).unwrap().unwrap();
    assert_eq!(town.store().run(Which::Before(&first), None).unwrap(), None);
    assert_eq!(town.store().run(Which::Last, Some("other")).unwrap(), None);
    assert_eq!(town.store().run(Which::Day("2026-02-02".parse().unwrap()), None).unwrap(), None);
    assert!(town.path().join("history.db").exists());
}

fn found() -> impl Strategy<Value = Found> {
    prop_oneof![
        4 => Just(PASS),
        3 => Just(BUSY),
        1 => Just(VOICE),
        1 => Just(RETRY),
        2 => Just(WINDOW),
        1 => Just(SKIPPED),
        1 => Just(None),
    ]
}

/// How a line stands after its first `nights` runs, counted one by one.
fn by_hand(found: &[Option<Found>]) -> Option<LineBefore> {
    let mut known: Option<LineBefore> = None;
    let mut results: Vec<bool> = Vec::new();
    for (night, found) in (0_u32..).zip(found) {
        let Some(Some(fault)) = found else { continue };
        let now = Standing::after(known.as_ref(), *fault, began(night));
        let tested = if Verdict::of(*fault) == Verdict::Untested {
            known.and_then(|known| known.tested)
        } else {
            results.push(Verdict::of(*fault) == Verdict::Fail);
            let since = now.since.unwrap();
            Some(TestedBefore { run: run_id(night), at: began(night), fault: *fault, since, runs: now.runs })
        };
        let untested_runs = if Verdict::of(*fault) == Verdict::Untested { now.runs } else { 0 };
        let changes = results.windows(2).filter(|pair| pair[0] != pair[1]).count();
        known = Some(LineBefore {
            line: "x".parse().unwrap(),
            tested,
            untested_runs,
            untested_by_choice: now.by_choice,
            changes: u32::try_from(changes).unwrap(),
            usual: None,
        });
    }
    known
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Lines that come and go over up to 13 nights, so that no flapping falls out of what is looked at.
    #[test]
    fn each_line_is_in_exactly_one_class_and_it_is_the_one_that_counting_finds(
        table in prop::collection::vec(prop::collection::vec(prop::option::weighted(0.9, found()), 2..13), 1..6),
        from in 0_usize..13,
        to in 0_usize..13,
    ) {
        let nights = table.iter().map(Vec::len).min().unwrap();
        let (from, to) = (from.min(nights - 1), to.min(nights - 1));
        let (from, to) = (from.min(to), from.max(to));
        let names = ["a", "b", "c", "d", "e"];
        let mut town = Town::new();
        for night in 0..nights {
            let found: Vec<(&str, Found)> =
                names.iter().zip(&table).filter_map(|(name, line)| Some((*name, line[night]?))).collect();
            town.night(u32::try_from(night).unwrap(), &found);
        }
        let (from_run, to_run) = (run(&town, u32::try_from(from).unwrap()), run(&town, u32::try_from(to).unwrap()));
        let changes = town.store().diff(&from_run, &to_run).unwrap();
        let mut seen: Vec<&str> = changes.all().map(|line| line.line.as_str()).collect();
        seen.sort_unstable();
        let classes = seen.len();
        seen.dedup();
        prop_assert_eq!(seen.len(), classes, "a line in two classes");
        for (name, line) in names.iter().zip(&table) {
            let told = changes.all().find(|told| told.line.as_str() == *name);
            let judged = line[to].is_some_and(|found| found.is_some());
            let expected = judged || (line[to].is_none() && line[from].is_some());
            prop_assert_eq!(told.is_some(), expected, "{}", name);
            let Some(told) = told else { continue };
            if line[to].is_none() {
                prop_assert_eq!(told.change, Change::GoneLine);
                continue;
            }
            let after = by_hand(&line[..=to]).unwrap();
            let before = line[from].map(|_| {
                by_hand(&line[..=from]).unwrap_or(LineBefore {
                    line: "x".parse().unwrap(), tested: None, untested_runs: 0, untested_by_choice: 0, changes: 0, usual: None,
                })
            });
            let fault = line[to].unwrap().unwrap();
            let now = match (&after.tested, Verdict::of(fault)) {
                (_, Verdict::Untested) => {
                    let (runs, by_choice) = (after.untested_runs, after.untested_by_choice);
                    Standing { fault, runs, by_choice, since: None, changes: after.changes }
                }
                (Some(tested), _) => {
                    let (runs, since) = (tested.runs, Some(tested.since));
                    Standing { fault, runs, by_choice: 0, since, changes: after.changes }
                }
                (None, _) => unreachable!("it was tested"),
            };
            prop_assert_eq!(told.change, crate::model::changes::change(before.as_ref(), &now), "{} {:?}", name, line);
            if told.change != Change::Same {
                prop_assert_eq!(told.now.unwrap().runs, now.runs, "{} {:?}", name, line);
            }
            if told.change.is_news() {
                let then = before.and_then(|before| before.tested).map(|tested| (tested.fault, tested.runs, tested.run));
                let known = told.last.clone().map(|last| (last.fault, last.runs, last.run));
                prop_assert_eq!(known, then, "{} {:?}", name, line);
            }
        }
        // Against itself nothing is new.
        prop_assert!(town.store().diff(&to_run, &to_run).unwrap().is_empty());
    }
}
