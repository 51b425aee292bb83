//! What counts as a change, as a table, and what holds of all of them.

use proptest::prelude::*;

use super::*;

const BUSY: Option<Fault> = Some(Fault::Busy);
const RETRY: Option<Fault> = Some(Fault::NeededRetry);
const WINDOW: Option<Fault> = Some(Fault::OutOfWindow);
const SKIPPED: Option<Fault> = Some(Fault::Skipped);

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap()
}

fn before(fault: Option<Fault>, runs: u32, untested_runs: u32, changes: u32) -> LineBefore {
    let tested = TestedBefore {
        run: "20261120T020000Z-nightly".parse().unwrap(),
        at: at(-1),
        fault,
        since: at(-i64::from(runs)),
        runs,
    };
    LineBefore {
        line: "BR0001-A".parse().unwrap(),
        tested: Some(tested),
        untested_runs,
        untested_by_choice: 0,
        changes,
        usual: None,
    }
}

/// The same, left out by choice in so many runs.
fn left_out(untested_by_choice: u32, before: LineBefore) -> LineBefore {
    LineBefore { untested_by_choice, ..before }
}

fn never(untested_runs: u32) -> LineBefore {
    LineBefore { tested: None, ..before(None, 0, untested_runs, 0) }
}

fn tonight(before: Option<&LineBefore>, fault: Option<Fault>) -> Changed {
    let now = Standing::after(before, fault, at(0));
    Changed::of("BR0001-A".parse().unwrap(), "BR0001".parse().ok(), before, now)
}

#[test]
fn each_pair_of_nights_has_its_word() {
    let wrong = Some(Fault::WrongConsole);
    for (was, now, word, nights) in [
        (before(None, 12, 0, 0), None, "same", 13),
        (before(None, 12, 2, 0), None, "same", 13),
        (before(None, 12, 0, 0), BUSY, "new-failure", 1),
        (before(RETRY, 2, 0, 0), BUSY, "new-failure", 1),
        (before(BUSY, 6, 0, 1), BUSY, "still-failing", 7),
        (before(BUSY, 6, 0, 1), wrong, "still-failing", 7),
        (before(BUSY, 6, 4, 1), BUSY, "still-failing", 7),
        (before(BUSY, 6, 0, 1), None, "recovered", 6),
        (before(BUSY, 6, 0, 1), RETRY, "recovered", 6),
        (before(RETRY, 3, 0, 0), None, "recovered", 3),
        (before(None, 9, 0, 0), RETRY, "newly-degraded", 1),
        (before(RETRY, 3, 0, 0), Some(Fault::SlowTrain), "still-degraded", 4),
        (before(None, 9, 0, 0), WINDOW, "untested", 1),
        (before(BUSY, 9, 1, 0), WINDOW, "untested", 2),
        (before(None, 9, 2, 0), WINDOW, "stale", 3),
        (before(None, 9, 2, 0), SKIPPED, "untested", 3),
        (left_out(28, before(None, 9, 28, 0)), SKIPPED, "untested", 29),
        (left_out(29, before(BUSY, 9, 29, 0)), Some(Fault::OnHold), "stale", 30),
        // What a technician's runs by day left out was not meant to be tested; it is the nights that count.
        (left_out(5, before(None, 9, 6, 0)), WINDOW, "untested", 7),
        (left_out(5, before(None, 9, 7, 0)), WINDOW, "stale", 8),
        (left_out(1, before(None, 9, 4, 0)), SKIPPED, "stale", 5),
        (never(1), WINDOW, "untested", 2),
        (never(7), WINDOW, "stale", 8),
        (never(2), None, "same", 1),
        (never(2), BUSY, "new-failure", 1),
        (never(2), RETRY, "newly-degraded", 1),
        // The fourth change of the last nights makes it one that comes and goes, whatever it is tonight.
        (before(None, 1, 0, 3), BUSY, "flapping", 1),
        (before(BUSY, 2, 0, 3), None, "flapping", 1),
        (before(BUSY, 2, 0, 3), BUSY, "still-failing", 3),
        (before(BUSY, 1, 0, 4), BUSY, "flapping", 2),
        (before(BUSY, 4, 0, 4), BUSY, "still-failing", 5),
        (before(BUSY, 1, 0, 4), WINDOW, "untested", 1),
    ] {
        let changed = tonight(Some(&was), now);
        assert_eq!((changed.change.word(), changed.nights()), (word, Some(nights)), "{was:?} then {now:?}");
        assert!(!changed.first);
    }
}

#[test]
fn a_line_that_was_not_in_the_plan_is_new_unless_something_is_wrong_with_it() {
    for (now, word) in
        [(None, "new-line"), (WINDOW, "new-line"), (BUSY, "new-failure"), (RETRY, "newly-degraded")]
    {
        let changed = tonight(None, now);
        assert_eq!((changed.change.word(), changed.nights(), changed.first), (word, Some(1), true));
    }
    let gone = Changed::gone(&before(BUSY, 4, 0, 0), None);
    assert_eq!((gone.change, gone.nights(), gone.fault()), (Change::GoneLine, Some(4), BUSY));
}

#[test]
fn since_when_and_what_it_was_before() {
    let was = before(BUSY, 6, 0, 0);
    let still = tonight(Some(&was), Some(Fault::OpenConsole));
    assert_eq!(still.now.unwrap().since, Some(at(-6)));
    assert_eq!((still.fault(), still.other_before()), (Some(Fault::OpenConsole), BUSY));
    assert_eq!(tonight(Some(&was), BUSY).other_before(), None);
    let recovered = tonight(Some(&was), None);
    assert_eq!((recovered.fault(), recovered.now.unwrap().since), (BUSY, Some(at(0))));
}

#[test]
fn what_got_worse_stands_before_what_is_as_it_was() {
    let named = |name: &str, now| Changed {
        line: name.parse().unwrap(),
        ..tonight(Some(&before(BUSY, 6, 0, 0)), now)
    };
    let changes = Changes::of([named("a", BUSY), named("b", Some(Fault::OpenConsole)), named("c", BUSY)]);
    let still: Vec<&str> =
        changes.lines(Change::StillFailing).iter().map(|line| line.line.as_str()).collect();
    assert_eq!(still, ["b", "a", "c"]);
    assert_eq!(changes.against.as_ref().map(RunId::as_str), Some("20261120T020000Z-nightly"));
}

#[test]
fn the_words_are_apart_and_in_order() {
    assert!(Change::ALL.is_sorted());
    let words: std::collections::BTreeSet<&str> = Change::ALL.map(Change::word).into();
    assert_eq!(words.len(), Change::ALL.len());
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![Just(None), prop::sample::select(Fault::ALL.to_vec()).prop_map(Some)]
}

proptest! {
    /// A line's nights, told one by one as history would: what is told of each night fits what came before it.
    #[test]
    fn nights_in_a_row_are_counted_as_one_would_by_hand(nights in prop::collection::vec(fault(), 1..30)) {
        let mut known: Option<LineBefore> = None;
        for (day, &found) in nights.iter().enumerate() {
            let seen = &nights[..=day];
            let now = Standing::after(known.as_ref(), found, at(i64::try_from(day).unwrap()));
            let result = Verdict::of(found);
            let by_hand = if result == Verdict::Untested {
                seen.iter().rev().take_while(|fault| Verdict::of(**fault) == Verdict::Untested).count()
            } else {
                let tested = seen.iter().rev().filter(|fault| Verdict::of(**fault) != Verdict::Untested);
                tested.take_while(|fault| Verdict::of(**fault) == result).count()
            };
            prop_assert_eq!(now.runs as usize, by_hand);
            let what = change(known.as_ref(), &now);
            let last = seen[..day].iter().rev().find(|fault| Verdict::of(**fault) != Verdict::Untested);
            match what {
                Change::NewFailure => {
                    prop_assert!(result == Verdict::Fail && !last.is_some_and(|fault| fails(*fault)));
                }
                Change::StillFailing => prop_assert!(result == Verdict::Fail && fails(*last.unwrap())),
                Change::Recovered => prop_assert!(result != Verdict::Fail && last.unwrap().is_some()),
                Change::Flapping => prop_assert!(now.changes >= FLAPPING_CHANGES),
                Change::Stale | Change::Untested => prop_assert_eq!(result, Verdict::Untested),
                Change::NewLine => prop_assert_eq!(day, 0),
                Change::GoneLine => prop_assert!(false, "it is in the plan"),
                Change::NewlyDegraded | Change::StillDegraded => prop_assert_eq!(result, Verdict::Degraded),
                Change::Same => prop_assert_eq!(result, Verdict::Pass),
            }
            let tested = if result == Verdict::Untested {
                known.and_then(|known| known.tested)
            } else {
                Some(TestedBefore {
                    run: "r".parse().unwrap(), at: at(0), fault: found, since: now.since.unwrap(), runs: now.runs,
                })
            };
            let untested_runs = if result == Verdict::Untested { now.runs } else { 0 };
            let untested_by_choice = now.by_choice;
            let (line, changes) = ("a".parse().unwrap(), now.changes);
            known = Some(LineBefore { line, tested, untested_runs, untested_by_choice, changes, usual: None });
        }
    }

    /// Told against itself, a run brings nothing about.
    #[test]
    fn a_run_against_itself_is_no_news(found in fault(), runs in 1_u32..20, changes in 0_u32..8) {
        prop_assume!(Verdict::of(found) != Verdict::Untested);
        let itself = before(found, runs, 0, changes);
        let now = Standing { fault: found, runs, by_choice: 0, since: Some(at(0)), changes };
        prop_assert!(!change(Some(&itself), &now).is_news());
    }
}
