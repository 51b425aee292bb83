//! Deadlines, `--at`, `--no-wait`, and a wall clock that is set while a run goes on.

use std::fs;

use super::*;
use crate::config::{Overrides, load_plan};

#[test]
fn a_deadline_is_the_next_time_that_the_clocks_show_it() {
    let wait = |now: &str, time: &str| {
        let now: jiff::Zoned = now.parse().unwrap();
        next_time(time.parse().unwrap(), &now).unwrap().duration_since(now.timestamp()).as_secs()
    };
    let hour = 3600;
    assert_eq!(wait("2026-11-21T22:00:00-05:00[America/New_York]", "05:30"), 7 * hour + hour / 2);
    assert_eq!(wait("2026-11-21T02:00:00-05:00[America/New_York]", "05:30"), 3 * hour + hour / 2);
    assert_eq!(wait("2026-11-21T05:30:00-05:00[America/New_York]", "05:30"), 24 * hour);
    // The night in which the clocks are put back is an hour longer, and the one in spring an hour shorter.
    assert_eq!(wait("2026-10-31T22:00:00-04:00[America/New_York]", "05:30"), 8 * hour + hour / 2);
    assert_eq!(wait("2026-03-07T22:00:00-05:00[America/New_York]", "05:30"), 6 * hour + hour / 2);
    // A time that is skipped that night comes as soon as the clocks are past it.
    assert_eq!(wait("2026-03-08T01:00:00-05:00[America/New_York]", "02:30"), hour + hour / 2);
}
