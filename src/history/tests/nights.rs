//! What many nights make: spells, what is usual, what is kept.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::history::Keep;
use crate::model::before::{FLAPPING_RUNS, TestedBefore};

const FAULTS: [Option<Fault>; 6] =
    [None, None, Some(Fault::Busy), Some(Fault::NoAnswer), Some(Fault::NeededRetry), Some(Fault::Skipped)];

/// What a line's nights say, by the words of [`LineBefore`] alone; absent is a night that never came to it.
fn naive(nights: &[(RunId, Timestamp, Option<usize>)]) -> Option<LineBefore> {
    let judged: Vec<_> =
        nights.iter().filter_map(|(run, at, found)| Some((run, *at, FAULTS[(*found)?]))).collect();
    let tested: Vec<_> =
        judged.iter().filter(|(.., fault)| Verdict::of(*fault) != Verdict::Untested).copied().collect();
    let untested =
        judged.iter().rev().take_while(|(.., fault)| Verdict::of(*fault) == Verdict::Untested).count();
    let last = tested.last().map(|(run, at, fault)| {
        let same = tested.iter().rev().take_while(|(.., other)| Verdict::of(*other) == Verdict::of(*fault));
        let spell: Vec<_> = same.collect();
        TestedBefore {
            run: (*run).clone(),
            at: *at,
            fault: *fault,
            since: spell.last().unwrap().1,
            runs: u32::try_from(spell.len()).unwrap(),
        }
    });
    let fails: Vec<bool> = tested
        .iter()
        .rev()
        .take(FLAPPING_RUNS as usize - 1)
        .map(|(.., fault)| Verdict::of(*fault) == Verdict::Fail)
        .collect();
    let changes = fails.windows(2).filter(|pair| pair[0] != pair[1]).count();
    (last.is_some() || untested > 0).then(|| LineBefore {
        line: line_id(0),
        tested: last,
        untested_runs: u32::try_from(untested).unwrap(),
        // The only fault here that leaves a line untested.
        untested_by_choice: u32::try_from(untested).unwrap(),
        changes: u32::try_from(changes).unwrap(),
        usual: None,
    })
}

fn run_of(night: usize, found: &[Option<usize>]) -> Run {
    let mut run = Run::of(i64::try_from(night).unwrap(), found.len());
    for (n, fault) in found.iter().enumerate() {
        match fault.map(|at| FAULTS[at]) {
            None => {}
            Some(fault) if Verdict::of(fault) == Verdict::Untested => run.judge(n, fault),
            Some(fault) => run.tested(n, fault),
        }
    }
    run
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In whatever order nights are taken in, and though some come a second time with more in them.
    #[test]
    fn spells_tell_what_all_the_nights_of_a_line_tell(
        nights in proptest::collection::vec(
            (proptest::collection::vec(proptest::option::weighted(0.9, 0..FAULTS.len()), 2), any::<bool>(), any::<u16>()),
            1..24,
        ),
    ) {
        let (_folder, mut store) = store();
        let mut order: Vec<usize> = (0..nights.len()).collect();
        order.sort_by_key(|night| nights[*night].2);
        for night in order {
            let (picked, twice, _) = &nights[night];
            if *twice {
                let mut half = run_of(night, &[picked[0], None]);
                half.ended = None;
                half.bytes = 10;
                half.taken_by(&mut store);
            }
            if !*twice || night % 2 == 0 {
                run_of(night, picked).taken_by(&mut store);
            }
        }
        // And those that had only come half.
        for night in (0..nights.len()).rev() {
            run_of(night, &nights[night].0).taken_by(&mut store);
        }
        let told = before(&store, 2);
        for n in 0..2 {
            let of_line: Vec<_> = (0..nights.len())
                .map(|night| {
                    let run = run_of(night, &nights[night].0);
                    let at = run.found[n].calls.last().map_or(run.started, |record| record.finished);
                    (run.header.run, at, nights[night].0[n])
                })
                .collect();
            let expected = naive(&of_line).map(|before| LineBefore { line: line_id(n), ..before });
            prop_assert_eq!(told.iter().find(|before| before.line == line_id(n)), expected.as_ref());
        }
    }
}

#[test]
fn nights_on_which_a_line_passed_make_its_usual_and_its_time() {
    let (_folder, mut store) = store();
    for (night, connect_ms) in (0..).zip([21_000, 22_000, 20_000, 24_000]) {
        let mut run = Run::of(night, 2);
        run.call(0, 0, Some(Fault::NoAnswer));
        let record = run.call(0, 60, (night == 3).then_some(Fault::SlowConnect));
        record.timeline = Timeline::default();
        record.timeline.observe(Moment::Taken, Mono::ZERO);
        record.timeline.observe(Moment::Dialed, Mono::from_millis(1_000));
        record.timeline.observe(Moment::Connected, Mono::from_millis(1_000 + connect_ms));
        record.timeline.observe(Moment::Released, Mono::from_millis(2_000 + connect_ms));
        record.link.tx_bps = Some(33_600);
        record.link.rx_bps = Some(31_200);
        run.judge(0, (night == 3).then_some(Fault::SlowConnect));
        // Our own bench's trouble is no time of the line.
        run.call(1, 0, Some(Fault::PortLost));
        run.tested(1, Some(Fault::Busy));
        run.taken_by(&mut store);
    }
    // One that was killed tells nothing.
    let mut killed = Run::of(4, 2);
    killed.tested(0, Some(Fault::Busy));
    killed.ended = None;
    killed.taken_by(&mut store);
    let lines = [line(0), line(1)];
    let series = Series { plan: &plan(), bank: &bank(), except: None };
    let known = store.recall(series, &lines).unwrap();
    let memory = &known[&line_id(0)];
    let usual = memory.usual.as_ref().unwrap();
    let connect = usual.dialed_to_connect_ms.unwrap();
    assert_eq!((connect.nights, connect.least, connect.most), (4, 20_000, 24_000));
    assert_eq!(usual.families["courier"].connect_bps.unwrap().median, 31_200);
    let took = memory.took_ms.unwrap();
    assert_eq!((took.nights, took.least, took.most), (4, 52_000, 56_000));
    assert_eq!(memory.passed, Some(second(FIRST_S + 2 * NIGHT_S + 90)));
    assert_eq!(memory.worked, Some(second(FIRST_S + 3 * NIGHT_S + 90)), "with a blemish");
    assert_eq!(memory.tested, Some(second(FIRST_S + 4 * NIGHT_S + 30)));
    let memory = &known[&line_id(1)];
    assert_eq!((memory.usual.is_none(), memory.worked), (true, None));
    assert_eq!(memory.took_ms.unwrap().median, 30_000);
    let except: RunId = Run::of(3, 0).header.run;
    let known = store.recall(Series { except: Some(&except), ..series }, &lines).unwrap();
    assert_eq!(
        known[&line_id(0)].took_ms.unwrap().nights,
        3,
        "what was found tonight is not what was before"
    );
    let elsewhere = Series { plan: &plan(), bank: &"demo".parse().unwrap(), except: None };
    assert!(store.recall(elsewhere, &lines).unwrap().is_empty(), "another bank is another matter");
}

#[test]
fn two_weeks_are_remembered_and_a_line_is_expected_to_take_as_long_as_nights_that_ended_like_the_last() {
    let (_folder, mut store) = store();
    for night in 0..30 {
        let mut run = Run::of(night, 1);
        let fault = (night >= 27).then_some(Fault::NoAnswer);
        run.call(0, 0, fault);
        if fault.is_some() {
            run.call(0, 300, fault);
        }
        run.judge(0, fault);
        run.taken_by(&mut store);
    }
    let line = line(0);
    let known = store.recall(Series { plan: &plan(), bank: &bank(), except: None }, [&line]).unwrap();
    let memory = &known[&line_id(0)];
    assert_eq!(memory.usual.as_ref().unwrap().dialed_to_connect_ms.unwrap().nights, 14);
    let took = memory.took_ms.unwrap();
    assert_eq!((took.nights, took.median), (3, 60_000));
}

#[test]
fn a_technicians_runs_of_a_few_lines_do_not_push_out_the_nights() {
    let (_folder, mut store) = store();
    for night in 0..5 {
        let mut run = Run::of(night, 40);
        (0..40).for_each(|n| run.tested(n, None));
        run.taken_by(&mut store);
    }
    for again in 0..40 {
        let mut run = Run::of(5, 40);
        run.started = second(run.started.as_second() + again * 60);
        run.header.run = RunId::new(run.started, &plan());
        run.tested(0, None);
        (1..40).for_each(|n| run.judge(n, Some(Fault::Skipped)));
        run.taken_by(&mut store);
    }
    let line = line(7);
    let known = store.recall(Series { plan: &plan(), bank: &bank(), except: None }, [&line]).unwrap();
    assert_eq!(known[&line_id(7)].usual.as_ref().unwrap().dialed_to_connect_ms.unwrap().nights, 5);
    assert_eq!(before(&store, 40)[7].untested_runs, 40);
}

#[test]
fn what_is_older_than_it_is_kept_goes_and_since_when_a_line_fails_stays() {
    let (_folder, mut store) = store();
    for night in 0..10 {
        let mut run = Run::of(night, 2);
        run.tested(0, Some(Fault::Busy));
        if night == 0 {
            run.tested(1, None);
        }
        run.taken_by(&mut store);
    }
    let days = |days: u64| Duration::from_secs(24 * days * 3600);
    let keep = Keep { calls: days(2), verdicts: days(4) };
    let pruned = store.prune(keep).unwrap();
    // Counted back from the last run but one, the ninth.
    assert_eq!((pruned.runs, pruned.calls), (4, 7));
    assert_eq!(store.prune(keep).unwrap(), crate::history::Pruned::default());
    assert_eq!(number_of(&store, "SELECT count(*) FROM verdict"), 12);
    assert_eq!(number_of(&store, "SELECT sum(calls_kept) FROM run"), 4);
    assert_eq!(store.kept_since(keep).unwrap(), Some(second(FIRST_S + 4 * NIGHT_S)));
    let told = before(&store, 2);
    let failing = told[0].tested.as_ref().unwrap();
    assert_eq!((failing.runs, failing.since), (10, second(FIRST_S + 30)));
    let passed = told[1].tested.as_ref().unwrap();
    assert_eq!(passed.run, Run::of(0, 0).header.run, "its run is gone, and still has a name");
    // A run that comes late among those that are kept does no harm to what is not.
    let mut late = Run::of(5, 2);
    late.bytes += 1;
    late.tested(0, Some(Fault::NoAnswer));
    late.taken_by(&mut store);
    assert_eq!(before(&store, 2)[0].tested, told[0].tested);
}

#[test]
fn one_night_with_a_clock_of_the_future_loses_nothing() {
    let (_folder, mut store) = store();
    for night in [0, 1, 2, 36_500] {
        let mut run = Run::of(night, 1);
        run.tested(0, None);
        run.taken_by(&mut store);
        let keep = Keep {
            calls: Duration::from_secs(24 * 400 * 3600),
            verdicts: Duration::from_secs(24 * 1100 * 3600),
        };
        assert_eq!(store.prune(keep).unwrap().runs, 0);
    }
    assert_eq!(number_of(&store, "SELECT count(*) FROM run"), 4);
}

#[test]
fn calls_to_a_number_are_counted_across_runs_and_lines() {
    let (_folder, mut store) = store();
    let mut run = Run::of(0, 2);
    run.header.lines[1].number = line(0).number;
    run.tested(0, Some(Fault::Busy));
    run.tested(1, Some(Fault::NoAnswer));
    run.call(0, 7_000, None).timeline = Timeline::default();
    run.taken_by(&mut store);
    let dials = store.dials_since(&bank(), second(FIRST_S), None).unwrap();
    let dials: Vec<_> =
        dials[&line(0).number].iter().map(|dial| (dial.at.as_second() - FIRST_S, dial.fault)).collect();
    assert_eq!(dials, [(30, Some(Fault::Busy)), (90, Some(Fault::NoAnswer))], "one never went out");
    assert!(store.dials_since(&bank(), second(FIRST_S + 4_000), None).unwrap().is_empty());
    assert!(store.dials_since(&bank(), second(FIRST_S), Some(&run.header.run)).unwrap().is_empty());
}
