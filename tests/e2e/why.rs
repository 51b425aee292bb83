//! `lineman why`: from another terminal while a run goes on, after it was cut off, and when it has ended.

use lineman::sim::log::What;

use crate::night::{Exchange, Running, SOON, audit, audited};
use crate::stage::{Stage, finish};
use crate::town::{Branch, Town};

/// What it says, with its exit code.
fn why(stage: &Stage, names: &[&str]) -> (Option<i32>, String) {
    let mut words = vec!["why", "--reports", "reports"];
    words.extend(names);
    let output = finish(stage.lineman(words), SOON);
    let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.code(), said.concat())
}

#[test]
fn it_tells_what_a_line_waits_for_while_a_run_goes_on_and_what_became_of_it() {
    let held = Branch::new(3).near("on_hold: cable cut by roadworks");
    let town = Town::new(&["courier"], [Branch::with_fault(1, "silent"), Branch::new(2), held]);
    let stage = Stage::new();
    let exchange = Exchange::of(&town, &stage);
    let run = Running::start(audit(&stage, &["--plain"]));
    exchange.wait_for("a console that says nothing", |log| {
        log.iter().any(|entry| entry.event == What::Connected)
    });
    let (code, told) = why(&stage, &["BR0001-A", "BR0002-A", "BR0003-A", "m00"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("goes on; as of"), "{told}");
    assert!(told.contains("BR0001-A is being called now: call 1, on m00"), "{told}");
    assert!(told.contains("BR0002-A waits for a free modem: 1 of 1 are in service and 1 in calls"), "{told}");
    assert!(told.contains("BR0003-A has its verdict, untested/on-hold: cable cut by roadworks"), "{told}");
    assert!(told.contains("m00 calls BR0001-A: "), "{told}");
    let (code, told) = why(&stage, &["BR0004-A"]);
    assert!(
        code == Some(2) && told.contains("is no line, site or modem") && told.contains("did you mean BR000"),
        "{told}"
    );

    drop(run.kill_hard());
    let (code, told) = why(&stage, &["BR0002-A"]);
    assert!(code == Some(0) && told.contains("was cut off") && told.contains("--resume"), "{told}");
    drop(exchange);
    let exchange = Exchange::of(&town, &stage);
    let ended = audited(&stage, &["--plain", "--resume"]);
    assert_eq!(ended.code(), Some(1), "{}", ended.said());
    drop(exchange);
    let (code, told) = why(&stage, &["BR0002-A", "BR0003-A"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("no run is going on; the last one") && told.contains("BR0002-A has its verdict, pass"),
        "{told}"
    );
    assert!(told.contains("BR0002-A would be dialed by a run that began now"), "{told}");
    assert!(
        told.contains("BR0003-A would not be dialed by a run that began now: on-hold: cable cut"),
        "{told}"
    );
}
