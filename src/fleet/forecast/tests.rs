//! Forecasts of small nights, and what holds for any.

use proptest::prelude::*;

use super::*;
use crate::fleet::scheduler::{LineJob, ModemSeat, Preset};
use crate::model::Windows;

fn s(seconds: u64) -> Mono {
    Mono::from_millis(seconds * 1000)
}

fn plan(lines: usize, modems: usize) -> SchedulerPlan {
    let job =
        |n: usize| LineJob::new(format!("L{n}").parse().unwrap(), format!("+1919555{n:04}").parse().unwrap());
    let seat = |n: usize| ModemSeat {
        id: format!("m{n}").parse().unwrap(),
        trunk: None,
        has_number: false,
        toll: None,
    };
    SchedulerPlan {
        lines: (0..lines).map(job).collect(),
        modems: (0..modems).map(seat).collect(),
        ..SchedulerPlan::default()
    }
}

fn frame(deadline_s: Option<u64>) -> Frame {
    Frame { start: s(100), deadline: deadline_s.map(s), on_hook_min: Duration::ZERO }
}

/// Seven nights of so many seconds, five seconds from their median as a rule.
fn took(seconds: i64) -> Spread {
    let ms = seconds * 1000;
    Spread { nights: 7, median: ms, mad: 5000, least: ms - 9000, most: ms + 9000 }
}

fn ids(lines: &[LineId]) -> Vec<&str> {
    lines.iter().map(LineId::as_str).collect()
}

#[test]
fn a_run_ends_when_its_modems_are_through() {
    let known = LinePast { took_ms: Some(took(60)), ..LinePast::default() };
    let told = forecast(&mut plan(10, 2), frame(None), &|_| known);
    // 2 s of set-up, then five lines a modem.
    assert_eq!(told.ends, Some(s(100 + 2 + 5 * 60)));
    let late = told.ends_late.unwrap().since(s(102)).as_secs_f64();
    assert!((late - 5.0 * (60.0 + 1.2816 * 1.4826 * 5.0)).abs() < 0.01, "{late}");
    assert_eq!((told.to_dial, told.unknown, told.left_out.len(), told.kept_out), (10, 0, 0, 0));
}

#[test]
fn lines_without_a_history_are_counted_and_assumed() {
    let mut plan = plan(4, 1);
    plan.lines[3].preset = Some(Preset { fault: Fault::Skipped, detail: String::new() });
    let told = forecast(&mut plan, frame(None), &|_| LinePast::default());
    assert_eq!((told.to_dial, told.unknown), (3, 3));
    assert_eq!(told.ends, Some(s(102) + 3 * EXPECTED_CALL));
    assert_eq!(told.ends_late, Some(s(102) + 6 * EXPECTED_CALL));
}

#[test]
fn nothing_to_dial_has_no_end() {
    let told = forecast(&mut plan(0, 1), frame(None), &|_| LinePast::default());
    assert_eq!((told.ends, told.ends_late, told.to_dial), (None, None, 0));
}

#[test]
fn a_line_that_failed_is_called_again_after_its_pause() {
    let known = LinePast { took_ms: Some(took(60)), fault: Some(Fault::Busy), ..LinePast::default() };
    let mut plan = plan(1, 2);
    let pause = plan.policy.retry_after(Fault::Busy);
    let told = forecast(&mut plan, frame(None), &|_| known);
    assert_eq!(told.ends, Some(s(102) + Duration::from_secs(60) + pause));
    // Nobody is woken twice.
    let known = LinePast { fault: Some(Fault::Voice), ..known };
    assert_eq!(forecast(&mut plan, frame(None), &|_| known).ends, Some(s(162)));
}

#[test]
fn what_does_not_fit_is_chosen_by_priority_and_then_by_who_was_tested_last() {
    let mut plan = plan(8, 1);
    plan.lines[5].priority = -1;
    plan.lines[6].priority = 1;
    let tested = |line: &LineId| {
        let n: i64 = line.as_str()[1..].parse().unwrap();
        // L0 was tested last of all, L7 never.
        (n != 7).then(|| Timestamp::from_second(1_000_000 - n * 1000).unwrap())
    };
    let past =
        |line: &LineId| LinePast { took_ms: Some(took(60)), tested: tested(line), ..LinePast::default() };
    // Four of eight are begun before that; the fourth may end after it.
    let told = forecast(&mut plan, frame(Some(100 + 2 + 3 * 60 + 30)), &past);
    assert_eq!(ids(&told.left_out), ["L2", "L1", "L0", "L5"]);
    let deferred: Vec<Option<u32>> = plan.lines.iter().map(|job| job.deferred).collect();
    assert_eq!(deferred, [Some(6), Some(5), Some(4), None, None, Some(7), None, None]);
    assert_eq!(told.ends, Some(s(100 + 2 + 4 * 60)));
    assert!(told.left_out_late >= 4, "{}", told.left_out_late);
}

#[test]
fn where_all_fit_nothing_is_deferred() {
    let mut plan = plan(4, 2);
    let known = LinePast { took_ms: Some(took(60)), ..LinePast::default() };
    let told = forecast(&mut plan, frame(Some(500)), &|_| known);
    assert_eq!((told.left_out.len(), told.left_out_late), (0, 0));
    assert!(plan.lines.iter().all(|job| job.deferred.is_none()));
}

#[test]
fn a_window_that_never_opens_keeps_a_line_out() {
    let mut plan = plan(3, 1);
    plan.lines[0].windows = Windows::new([]);
    plan.lines[1].windows = Windows::new([(s(1000), s(2000))]);
    plan.room = Duration::from_secs(240);
    let known = LinePast { took_ms: Some(took(60)), ..LinePast::default() };
    let told = forecast(&mut plan, frame(None), &|_| known);
    assert_eq!((told.kept_out, told.ends), (1, Some(s(1060))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn every_line_is_accounted_for_and_the_rule_is_kept(
        lines in proptest::collection::vec((30_i64..200, proptest::option::of(0_i64..50), -1..=1, 0..6_u8), 1..40),
        modems in 1_usize..6,
        deadline in proptest::option::of(110_u64..2000),
    ) {
        let mut plan = plan(lines.len(), modems);
        for (job, &(_, _, priority, _)) in plan.lines.iter_mut().zip(&lines) {
            job.priority = priority;
        }
        let past = |line: &LineId| {
            let (seconds, tested, _, fault) = lines[line.as_str()[1..].parse::<usize>().unwrap()];
            LinePast {
                took_ms: Some(took(seconds)),
                tested: tested.map(|at| Timestamp::from_second(at).unwrap()),
                fault: [Some(Fault::Busy), Some(Fault::Voice)].get(usize::from(fault)).copied().flatten(),
            }
        };
        let told = forecast(&mut plan, frame(deadline), &past);
        prop_assert_eq!(&told, &forecast(&mut plan.clone(), frame(deadline), &past), "played once more, it is the same");
        prop_assert!(told.left_out.len() + told.kept_out <= told.to_dial);
        prop_assert!(told.ends <= told.ends_late);
        if deadline.is_none() {
            prop_assert!(told.left_out.is_empty());
        }
        // Whoever is left out is behind those that are not, as the scheduler sees it.
        let out = |job: &LineJob| told.left_out.contains(&job.id);
        for job in plan.lines.iter().filter(|job| out(job)) {
            prop_assert!(job.deferred.is_some(), "{} is left out and not deferred", job.id);
        }
    }
}
