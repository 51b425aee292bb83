//! SIGTERM during each phase of a call: calls log out and hang up, the daemon ends with 0, and the next one goes on.

use std::collections::BTreeMap;

use lineman::sim::log::What;
use nix::sys::signal::Signal;

use super::house::{House, assert_all_pass, assert_hung_up, calls, judged};
use crate::night::{Exchange, SOON};
use crate::stage::Stage;
use crate::town::{Branch, Town};

const LINES: usize = 44;

/// What the exchange sees of each phase.
const PHASES: [What; 13] = [
    What::PortOpened,
    What::Dialed,
    What::DigitsSent,
    What::Ringback,
    What::Answered,
    What::Carrier,
    What::Connected,
    What::Prompted,
    What::Username,
    What::LoggedIn,
    What::Logout,
    What::LoggedOut,
    What::OnHook,
];

#[test]
fn sigterm_in_each_phase_of_a_call_ends_cleanly_and_the_next_daemon_goes_on() {
    let mut town =
        Town::new(&["courier", "v250", "generic", "courier", "v250"], (1..=LINES).map(Branch::new));
    // Long enough to be met in.
    town.timing = "think: 800ms".to_owned();
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    let run = daemon.start_run();
    exchange.wait_for("the first proof", |log| !calls(log, What::LoggedOut).is_empty());
    let mut done: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = 0;
    let mut daemon = Some(daemon);
    for phase in PHASES {
        let life = daemon.take().unwrap_or_else(|| house.open());
        exchange.wait_for(&format!("{phase:?}"), |log| log[seen..].iter().any(|entry| entry.event == phase));
        let dialed_before = exchange.dialed().len();
        life.signal(Signal::SIGTERM);
        let (ended, words) = life.finish_told(SOON);
        let said = format!("SIGTERM at {phase:?}: {}", ended.said());
        assert_eq!(ended.code(), Some(0), "{said}");
        assert!(words.iter().any(|word| word == "STOPPING=1"), "{said}\n{words:?}");
        assert_hung_up(&exchange, &said);
        let now = judged(&house.reports().join(&run));
        assert!(done.iter().all(|(line, fault)| now.get(line) == Some(fault)), "{done:?} {now:?}\n{said}");
        // Nothing is begun behind the signal, but for what was on its way.
        let dialed = exchange.dialed();
        assert!(dialed.len() <= dialed_before + town.modems.len(), "{said}");
        assert!(dialed[seen_dials(&exchange, seen)..].iter().all(|line| !done.contains_key(line)), "{said}");
        (done, seen) = (now, exchange.log().len());
    }
    assert!(done.len() < LINES, "the run was over too soon to be ended in each phase");
    let daemon = house.open();
    daemon.wait_over(&run);
    let said = daemon.said();
    assert_all_pass(&house.run("latest"), LINES, &[], &said);
    assert_hung_up(&exchange, &said);
    // One run it was, and one it stayed.
    assert_eq!(super::house::runs(&house.reports()), [run]);
    daemon.close();
}

/// How many calls were dialed in the first `entries` of the log.
fn seen_dials(exchange: &Exchange, entries: usize) -> usize {
    exchange.log()[..entries].iter().filter(|entry| entry.event == What::Dialed).count()
}
