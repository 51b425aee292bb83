//! The live board: rows, waits, the estimate.

use std::time::Duration;

use super::*;
use crate::model::Mono;

fn board(n: u32, modems: u32) -> Board {
    let modems = (0..modems).map(|m| modem(m, "generic")).collect();
    let EventKind::RunStarted(header) = header((1..=n).map(line).collect(), modems) else { unreachable!() };
    Board::new(&header)
}

fn show(board: &mut Board, story: impl FnOnce(&mut Story)) {
    let mut told = Story::new(EventKind::Notice { text: String::new() });
    story(&mut told);
    for event in told.events() {
        board.apply(&event);
    }
}

#[test]
fn a_row_tells_line_phase_and_seconds() {
    let mut board = board(3, 3);
    show(&mut board, |s| {
        s.modem(5, 0, ModemState::Ready, None, "");
        s.modem(6, 1, ModemState::Out, Some(Fault::PortBusy), "held by `minicom`\u{1b}[2J");
        s.tell(1000, started(2, 1, 0));
        s.tell(4000, EventKind::CallMoment { call: call_id(2, 1), moment: Moment::Ringing, was: None });
        s.judge(4500, 1, 0, None, Some(Fault::Screened), "");
    });
    assert_eq!(
        board.text(Mono::from_millis(9_999), 120),
        [
            "[######--------------] 1 of 3 lines  pass 0  degraded 0  fail 0  untested 1  2 left",
            "m00  BR0002-A  ringing                5 s",
            "m01  -         out for a while        9 s  port-busy: held by `minicom`\u{fffd}[2J",
            "m02  -         not set up yet         9 s",
        ]
    );
    assert!(board.text(Mono::ZERO, 30).iter().all(|row| unicode_width::UnicodeWidthStr::width(&**row) <= 30));
}

#[test]
fn a_line_that_waits_is_told_until_it_is_called() {
    let mut board = board(2, 1);
    show(&mut board, |s| {
        let until = super::super::sample::start() + jiff::SignedDuration::from_secs(100);
        s.tell(
            40_000,
            EventKind::LineWaits {
                line: line(1).id,
                until: Some(until),
                reason: crate::model::event::WaitReason::Pause,
                why: "busy".into(),
            },
        );
    });
    let last = |board: &Board| board.text(Mono::from_millis(50_000), 90).last().unwrap().clone();
    assert_eq!(
        last(&board),
        "1 line wait; the next is BR0001-A, in 50 s (busy)".replace("line wait", "line waits")
    );
    show(&mut board, |s| s.tell(100_000, started(1, 2, 0)));
    assert!(board.waiting().is_empty());
}

#[test]
fn the_end_is_estimated_only_once_enough_is_known_and_never_before_a_wait_is_over() {
    let mut board = board(20, 2);
    show(&mut board, |s| {
        s.modem(0, 0, ModemState::Ready, None, "");
        s.modem(0, 1, ModemState::Ready, None, "");
        for n in 1..=4 {
            let at = u64::from(n) * 40_000;
            s.call(at, (n, 1, n % 2), &[(Moment::Dialed, 1), (Moment::OnHook, 30_000)], |_| {});
            s.judge(at + 30_001, n, 1, Some(1), None, "");
        }
    });
    let now = Mono::from_millis(250_000);
    assert_eq!(board.estimate(now), None, "four lines say too little");
    show(&mut board, |s| {
        s.call(200_000, (5, 1, 0), &[(Moment::Dialed, 1), (Moment::OnHook, 30_000)], |_| {});
        s.judge(230_001, 5, 1, Some(1), None, "");
    });
    // 15 lines of 30 s each on 2 modems.
    let left = Duration::from_secs(225);
    assert_eq!(board.estimate(now), Some(live::Estimate { left, known_lines: 5 }));
    assert!(board.text(now, 100)[0].ends_with("about 4 min left  0.03 USD"), "{}", board.text(now, 100)[0]);
    let paused = EventKind::Paused { why: "moved".into(), until: None };
    show(&mut board, |s| s.tell(239_000, paused));
    assert!(board.text(now, 100).iter().any(|row| row == "the run is paused until it is resumed: moved"));
    show(&mut board, |s| s.tell(239_500, EventKind::Resumed));
    assert!(!board.text(now, 100).iter().any(|row| row.contains("paused")));
    show(&mut board, |s| s.modem(240_000, 1, ModemState::Quarantined, None, ""));
    assert_eq!(board.estimate(now).unwrap().left, Duration::from_secs(450), "one modem is left");
    show(&mut board, |s| {
        let until = super::super::sample::start() + jiff::SignedDuration::from_secs(250 + 900);
        s.tell(
            250_000,
            EventKind::LineWaits {
                line: line(9).id,
                until: Some(until),
                reason: crate::model::event::WaitReason::Pause,
                why: "busy".into(),
            },
        );
    });
    assert_eq!(board.estimate(now).unwrap().left, Duration::from_secs(930));
}

#[test]
fn board_and_state_count_alike_over_a_whole_night() {
    let events = night();
    let mut state = RunState::begin(&events[0]).unwrap();
    let mut board = Board::new(state.header());
    for event in &events[1..] {
        state.apply(event).unwrap();
        board.apply(event);
        assert_eq!(board.counts(), state.counts());
        assert_eq!(board.calls_running(), state.running().len());
    }
    assert_eq!(board.counts().left, 0);
    assert!(board.waiting().is_empty());
}

#[test]
fn what_lines_wait_for_is_told_by_reason_and_one_without_a_time_is_no_next() {
    use crate::model::event::WaitReason;
    let mut board = board(3, 1);
    let mut wait = |n: u32, until_s: Option<i64>, reason: WaitReason| {
        show(&mut board, |s| {
            let until = until_s.map(|s| super::super::sample::start() + jiff::SignedDuration::from_secs(s));
            s.tell(1_000, EventKind::LineWaits { line: line(n).id, until, reason, why: "its hours".into() });
        });
        board.text(Mono::from_millis(2_000), 100).pop().unwrap()
    };
    assert_eq!(wait(1, None, WaitReason::Budget), "1 line waits for budget");
    let both = "2 lines wait (1 window, 1 budget); the next is BR0002-A, in 58 s (its hours)";
    assert_eq!(wait(2, Some(60), WaitReason::Window), both);
    wait(1, None, WaitReason::Modem);
    assert!(wait(2, None, WaitReason::Modem).starts_with("m00"), "nothing waits for anything but a modem");
}

#[test]
fn new_failures_are_told_apart_from_known_ones_as_they_come() {
    let night = night();
    let EventKind::RunStarted(header) = &night[0].kind else { unreachable!() };
    let (mut board, mut known) = (Board::new(header), news::Known::default());
    let mut marks = BTreeMap::new();
    for event in &night {
        board.apply(event);
        known.apply(event);
        if let EventKind::Verdict(verdict) = &event.kind {
            marks.insert(verdict.line.to_string(), known.mark(event, verdict));
        }
    }
    assert_eq!(board.new_failures(), Some(3));
    assert!(
        board.text(Mono::ZERO, 120)[0].contains("fail 6 (3 new)"),
        "{:?}",
        board.text(Mono::ZERO, 120)[0]
    );
    for (line, mark) in [
        ("BR0001-A", ""),
        ("BR0004-A", " [6th run since 2026-11-16]"),
        ("BR0006-A", " [NEW]"),
        ("BR0007-A", " [flapping]"),
        ("BR0009-A", " [recovered]"),
    ] {
        assert_eq!(marks[line], mark, "{line}");
    }
    assert_eq!(Board::new(header).new_failures(), None, "nothing is known of earlier runs");
}

/// BR0011-A was judged to fail, and that was taken back: its new failure is, too.
#[test]
fn a_new_failure_that_is_withdrawn_counts_no_more() {
    let night = night();
    let EventKind::RunStarted(header) = &night[0].kind else { unreachable!() };
    let mut board = Board::new(header);
    let (mut before, mut counts) = (0, Vec::new());
    for event in &night {
        board.apply(event);
        let new = board.new_failures().unwrap_or(0);
        if new != before {
            counts.push((new > before, matches!(event.kind, EventKind::VerdictWithdrawn { .. })));
            before = new;
        }
    }
    assert_eq!(counts.iter().filter(|(grew, _)| *grew).count(), 4);
    assert_eq!(counts.iter().filter(|(grew, _)| !*grew).collect::<Vec<_>>(), [&(false, true)]);
}
