//! The pictures of nights of thousands of lines: they stay small, and still show what went wrong.

use lineman::model::Verdict;
use lineman::report::{RunState, charts};

use super::drawn;

type Picture = fn(&RunState) -> Option<String>;

const ALL: [(&str, Picture); 5] = [
    ("gantt", charts::gantt),
    ("phases", charts::phases),
    ("times", charts::times),
    ("speeds", charts::speeds),
    ("map", charts::map),
];

fn state(lines: usize, modems: usize) -> RunState {
    RunState::of(&drawn::night(lines, modems, 7)).expect("the night keeps the rules")
}

#[test]
fn no_picture_grows_with_the_plan() {
    for (lines, modems) in [(5_000, 32), (5_000, 1), (4_000, 400), (12_000, 200)] {
        let state = state(lines, modems);
        for (name, draw) in ALL {
            let bytes = draw(&state).unwrap_or_else(|| panic!("{name} is missing")).len();
            assert!(
                bytes < charts::SIZE_MAX,
                "{name} of {lines} lines on {modems} modems takes {bytes} bytes"
            );
        }
    }
}

#[test]
fn of_five_thousand_lines_the_calls_that_failed_are_still_led_to() {
    let state = state(5_000, 32);
    let picture = charts::gantt(&state).expect("there were calls");
    let failed = |name: &str| picture.contains(&format!("href=\"#line={name}\""));
    let lines: Vec<bool> = state
        .lines()
        .filter(|(_, known)| known.deciding().is_some_and(|call| Verdict::of(call.fault) == Verdict::Fail))
        .map(|(line, _)| failed(line.id.as_str()))
        .collect();
    let led = lines.iter().filter(|led| **led).count();
    assert!(led * 2 > lines.len(), "{led} of {} failed lines can be reached from the picture", lines.len());
}

#[test]
fn the_same_night_gives_the_same_pictures() {
    let (one, other) = (state(300, 4), state(300, 4));
    for (name, draw) in ALL {
        assert_eq!(draw(&one), draw(&other), "{name}");
    }
}
