//! The fold: what it refuses, that it always adds up, and the exit code that follows.

use super::*;
use crate::model::event::Via;

/// A run of `n` lines on three modems, before anything happened.
fn fresh(n: u32) -> RunState {
    let modems = (0..3).map(|m| modem(m, "generic")).collect();
    RunState::begin(&event(0, header((1..=n).map(line).collect(), modems))).unwrap()
}

fn tell(state: &mut RunState, story: impl FnOnce(&mut Story)) -> Result<(), Broken> {
    let mut told = Story::new(EventKind::Notice { text: String::new() });
    story(&mut told);
    told.events().iter().try_for_each(|event| state.apply(event))
}

#[test]
fn what_cannot_be_true_is_an_error_and_changes_nothing() {
    let mut state = fresh(3);
    tell(&mut state, |s| {
        s.call(1, (1, 1, 0), &BRIEF, |_| {});
        s.judge(5, 1, 1, Some(1), None, "");
        s.tell(6, started(2, 1, 1));
    })
    .unwrap();
    let before = state.clone();
    let mut wrong = |story: &dyn Fn(&mut Story)| {
        let mut told = Story::new(EventKind::Notice { text: String::new() });
        story(&mut told);
        let error = state.apply(&told.events()[1]).unwrap_err();
        assert_eq!(state, before, "{error}");
        error
    };
    let resumed = || EventKind::RunResumed(Sitting { lineman: "0.1.0".into(), origin_us: 0 });
    assert_eq!(wrong(&|s| s.judge(9, 1, 1, Some(1), None, "")), Broken::SecondVerdict(line(1).id));
    assert_eq!(wrong(&|s| s.judge(9, 9, 0, None, Some(Fault::Busy), "")), Broken::UnknownLine(line(9).id));
    assert_eq!(wrong(&|s| s.judge(9, 3, 0, None, None, "")), Broken::PassWithoutCall(line(3).id));
    assert!(matches!(
        wrong(&|s| s.judge(9, 3, 0, Some(1), Some(Fault::Busy), "")),
        Broken::NoSuchCall { .. }
    ));
    assert_eq!(
        wrong(&|s| s.tell(9, EventKind::VerdictWithdrawn { line: line(3).id, why: String::new() })),
        Broken::NothingToWithdraw(line(3).id)
    );
    assert!(matches!(wrong(&|s| s.tell(9, started(3, 1, 1))), Broken::ModemTaken { .. }));
    assert!(matches!(wrong(&|s| s.tell(9, started(2, 2, 2))), Broken::NumberTaken { .. }));
    assert_eq!(wrong(&|s| s.tell(9, started(1, 1, 0))), Broken::CallTwice(call_id(1, 1)));
    assert_eq!(wrong(&|s| s.tell(9, started(3, 1, 7))), Broken::UnknownModem(modem(7, "").id));
    assert_eq!(
        wrong(&|s| s.tell(9, EventKind::RunEnded { ending: Ending::Completed })),
        Broken::StillRunning(call_id(2, 1))
    );
    assert_eq!(wrong(&|s| s.tell(9, header(Vec::new(), Vec::new()))), Broken::SecondHeader);
    // A resumption voids the running call, and then it is a line without a verdict that is in the way of the end.
    state.apply(&event(0, resumed())).unwrap();
    let end = event(10, EventKind::RunEnded { ending: Ending::Completed });
    assert_eq!(state.apply(&end), Err(Broken::Unjudged { count: 2, first: line(2).id }));
    tell(&mut state, |s| {
        s.tell(1, started(2, 1, 0));
    })
    .expect("a void call's number may be used again");
    assert_eq!(RunState::of(&[]), Err(Broken::NoHeader));
    assert_eq!(RunState::of(&[end]), Err(Broken::NoHeader));
    let twice = header(vec![line(1), line(1)], Vec::new());
    assert_eq!(RunState::of(&[event(0, twice)]), Err(Broken::Twice(line(1).id.to_string())));
}

#[test]
fn a_resumed_run_forgets_what_was_cancelled_and_nothing_else() {
    let mut state = fresh(3);
    tell(&mut state, |s| {
        s.call(1, (1, 1, 0), &BRIEF, |_| {});
        s.judge(5, 1, 1, Some(1), None, "");
        s.judge(6, 2, 0, None, Some(Fault::Screened), "");
        s.judge(7, 3, 0, None, Some(Fault::Cancelled), "");
        s.tell(8, EventKind::RunEnded { ending: Ending::Interrupted });
    })
    .unwrap();
    assert_eq!(exit_code(&state), 4);
    assert_eq!(state.apply(&event(9, EventKind::Notice { text: String::new() })), Err(Broken::AfterEnd));
    state.apply(&event(0, EventKind::RunResumed(Sitting { lineman: "0.1.0".into(), origin_us: 0 }))).unwrap();
    assert_eq!((state.counts().judged(), state.counts().left, state.ended()), (2, 1, None));
    tell(&mut state, |s| {
        s.call(1, (3, 1, 0), &BRIEF, |_| {});
        s.judge(5, 3, 1, Some(1), None, "");
        s.tell(6, EventKind::RunEnded { ending: Ending::Completed });
    })
    .unwrap();
    assert_eq!((exit_code(&state), state.sittings()), (1, 2));
}

#[test]
fn the_exit_code_is_the_first_that_holds() {
    use Ending::{Completed, Interrupted};
    let code = |ending: Option<Ending>, faults: &[Option<Fault>]| {
        let mut state = fresh(u32::try_from(faults.len()).unwrap());
        tell(&mut state, |s| {
            for (n, fault) in (1..).zip(faults) {
                if fault.is_none() {
                    s.call(u64::from(n) * 10, (n, 1, 0), &BRIEF, |_| {});
                }
                s.judge(u64::from(n) * 10 + 5, n, 1, fault.is_none().then_some(1), *fault, "");
            }
            if let Some(ending) = ending {
                s.tell(9_999, EventKind::RunEnded { ending });
            }
        })
        .unwrap();
        exit_code(&state)
    };
    let some = |fault| Some(fault);
    assert_eq!(code(Some(Completed), &[None, None]), 0);
    assert_eq!(
        code(Some(Completed), &[None, some(Fault::Skipped), some(Fault::OnHold), some(Fault::OutOfWindow)]),
        0
    );
    assert_eq!(code(Some(Completed), &[some(Fault::Skipped)]), 0, "none was to be tested");
    assert_eq!(code(Some(Completed), &[None, some(Fault::NeededRetry)]), 1);
    assert_eq!(code(Some(Completed), &[None, some(Fault::PortLost)]), 1);
    assert_eq!(code(Some(Completed), &[some(Fault::PortLost), some(Fault::Busy)]), 1);
    assert_eq!(code(Some(Completed), &[some(Fault::Screened), some(Fault::Internal)]), 1);
    assert_eq!(
        code(
            Some(Completed),
            &[
                some(Fault::NoDialtone),
                some(Fault::CredentialUnproven),
                some(Fault::Internal),
                some(Fault::Skipped)
            ]
        ),
        3
    );
    assert_eq!(code(Some(Interrupted), &[some(Fault::PortLost)]), 4);
    assert_eq!(code(Some(Interrupted), &[None]), 4);
    assert_eq!(code(None, &[None]), 4, "a run without an end was cut off");
}

#[test]
fn every_beginning_of_a_run_is_a_run() {
    let events = night();
    for end in 1..=events.len() {
        RunState::of(&events[..end]).unwrap().check().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes, in whatever order: the counts add up, and what is refused changes nothing.
    #[test]
    fn counts_always_add_up(steps in prop::collection::vec((0_u8..9, 1_u32..5, 1_u32..3, 0_u32..4), 0..80)) {
        let mut state = fresh(4);
        let fault = |n: u32| Fault::ALL.get(n as usize * 11).copied();
        for (what, n, attempt, on) in steps {
            let mut story = Story::new(EventKind::Notice { text: String::new() });
            match what {
                0 | 1 => story.tell(1, started(n, attempt, on)),
                2 | 3 => {
                    story.call(1, (n, attempt, on), &BRIEF, |record| record.fault = fault(n));
                    story.tell(9, EventKind::Notice { text: String::new() });
                }
                4 | 5 => story.judge(1, n, attempt, Some(attempt).filter(|_| on > 0), fault(on), ""),
                6 => story.tell(1, EventKind::VerdictWithdrawn { line: line(n).id, why: String::new() }),
                7 => story.tell(1, EventKind::RunEnded { ending: Ending::Interrupted }),
                _ => story.tell(1, EventKind::RunResumed(Sitting { lineman: String::new(), origin_us: 0 })),
            }
            for event in story.events() {
                let before = state.clone();
                if state.apply(&event).is_err() {
                    prop_assert_eq!(&state, &before);
                }
                prop_assert_eq!(state.check(), Ok(()));
                prop_assert_eq!(state.counts().total(), 4);
            }
        }
    }
}

#[test]
fn a_number_is_taken_by_who_called_it_and_not_by_whose_own_it_is() {
    // Two lines of one number: the first one has gone on to its alternative, and the other one calls their own meanwhile.
    let mut second = line(2);
    second.number = line(1).number;
    let alternative = || line(3).number;
    let modems = (0..3).map(|m| modem(m, "generic")).collect();
    let lines = vec![line(1), second, line(3)];
    let mut state = RunState::begin(&event(0, header(lines, modems))).unwrap();
    let by_alternative = |n, attempt, m| match started(n, attempt, m) {
        EventKind::CallStarted { call, line, modem, attempt, dialed, .. } => {
            let via = Some(Via { number: Some(alternative()), carrier: None });
            EventKind::CallStarted { call, line, modem, attempt, dialed, via }
        }
        other => other,
    };
    state.apply(&event(1, by_alternative(1, 2, 0))).expect("nobody calls it");
    state.apply(&event(2, started(2, 1, 1))).expect("the number that they share is free");
    let taken = state.apply(&event(3, started(3, 1, 2)));
    assert!(matches!(taken, Err(Broken::NumberTaken { .. })), "its own number is in a call: {taken:?}");
}
