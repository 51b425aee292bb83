//! What an operator does while a run goes on.

use super::house::{House, assert_all_pass, assert_hung_up};
use crate::night::Exchange;
use crate::stage::Stage;
use crate::town::{Branch, Town};

#[test]
fn a_run_on_demand_is_made_and_the_daemon_stays() {
    let stage = Stage::new();
    let exchange = Exchange::of(&Town::new(&["courier", "generic"], (1..=6).map(Branch::new)), &stage);
    let house = House::new(&stage);
    let daemon = house.open();
    let run = daemon.whole_run();
    println!("{}", daemon.said());
    assert_all_pass(&house.run("latest"), 6, &[], &daemon.said());
    assert_hung_up(&exchange, &daemon.said());
    assert_eq!(daemon.plan()["last"]["run"], run.as_str(), "{}", daemon.said());
    daemon.close();
}
