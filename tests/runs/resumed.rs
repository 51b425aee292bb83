//! Runs that go on: what an earlier sitting found must neither be lost nor stand in the way.

use lineman::model::event::LineVerdict;

use crate::stage::Stage;
use crate::verdicts::{bank, ios};

#[test]
fn a_prover_that_was_judged_before_the_kill_does_not_hold_the_credential_back() {
    let good = ios("");
    let mut stage = Stage::new(&bank(&["profile: courier"], &[("DONE", &good), ("LEFT", &good)]));
    stage.accounts[0].prove_on = Some("DONE");
    stage.past.verdicts = vec![LineVerdict {
        line: "DONE".parse().unwrap(),
        fault: None,
        detail: String::new(),
        call: Some("DONE.1".parse().unwrap()),
        attempts: 1,
    }];
    let played = stage.play_unchecked();
    assert_eq!(played.fault("LEFT"), None, "{:?}", played.verdict("LEFT"));
    assert_eq!(played.calls_of("LEFT").len(), 1);
}
