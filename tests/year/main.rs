//! A year of nights in virtual time: five thousand lines in twelve zones, thirty-two modems, 365 runs of the scheduler.
//!
//! What is held: no call outside its window (looked up anew, minute by minute, on the clocks of its site), every budget,
//! group and trunk kept, no number called twice at a time, and each line tested or accounted for each night. The hours are
//! read from a plan by the program's own code; the far ends are dice. Nights are independent, so they are shared
//! among the processors.

mod bank;
mod night;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::thread;

use jiff::civil::date;

use bank::{LINES, World};
use night::{Night, Tally};

/// All of them, from a Sunday in spring on: clocks go both ways on both halves of the earth.
const NIGHTS: u32 = 365;

/// Nights in which clocks are set somewhere, and those with a blackout.
const SPECIAL: [u32; 11] = [7, 21, 28, 35, 135, 210, 217, 238, 245, 270, 305];

/// Without optimization a night takes twenty times as long: then it is every thirteenth, and the special ones. `tests/all`
/// plays them all.
fn nights() -> Vec<u32> {
    let due = |night: &u32| !cfg!(debug_assertions) || night.is_multiple_of(13) || SPECIAL.contains(night);
    (0..NIGHTS).filter(due).collect()
}

fn play(world: &World, nights: impl Iterator<Item = u32>) -> Vec<(u32, Tally)> {
    nights.map(|night| (night, Night::new(world, night).play())).collect()
}

#[test]
fn a_year_of_nights_is_dialed_within_its_windows_and_its_budgets() {
    let world = World::new(date(2026, 3, 1));
    let due = nights();
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let nights: BTreeMap<u32, Tally> = thread::scope(|scope| {
        let shares: Vec<_> = (0..workers)
            .map(|share| {
                let (world, due) = (&world, &due);
                scope.spawn(move || play(world, due.iter().copied().skip(share).step_by(workers)))
            })
            .collect();
        shares.into_iter().flat_map(|share| share.join().expect("a night holds")).collect()
    });
    assert_eq!(nights.len(), due.len(), "every night was played");
    let mut year = Tally::default();
    for (night, tally) in &nights {
        assert_eq!(tally.verdicts(), LINES, "night {night}: the verdicts do not add up to the plan");
        if Night::is_quiet(*night) {
            // Nobody whose window opened went without a call while the bench was sound and the budget lasted.
            assert_eq!(tally.missed, 0, "night {night}: lines were left out although there was time");
        }
        year.add(tally);
    }
    // What the year must have met, or it proves little.
    let met = |word: &str| year.by_fault.get(word).copied().unwrap_or(0);
    for word in
        ["pass", "busy", "no-answer", "needed-retry", "voice", "out-of-window", "over-budget", "port-busy"]
    {
        assert!(met(word) > 0, "never met: {word}; met: {:?}", year.by_fault);
    }
    assert!(year.another_way > 0 && year.at_the_edge > 0, "{year:?}");
    let tested = met("pass") + met("needed-retry");
    assert!(tested * 2 > year.verdicts(), "most lines are tested on most nights: {:?}", year.by_fault);
}
