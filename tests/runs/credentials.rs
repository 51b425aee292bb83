//! Promise 4: no run can lock an account.

use std::time::Duration;

use lineman::model::event::CredentialState;
use lineman::model::{EventKind, Fault, Moment};
use lineman::sim::log::What;

use crate::stage::{Account, PASSWORD, Played, Stage, USER};
use crate::verdicts::{bank_of, ios, with_rules};

const PROVEN: CredentialState = CredentialState::Proven;
const STOPPED: CredentialState = CredentialState::Stopped;

fn state(name: &str, state: CredentialState) -> (String, CredentialState) {
    (name.to_owned(), state)
}

/// Lines whose console knows another password.
fn changed(ids: &[&'static str]) -> Vec<(&'static str, String)> {
    let rest = ios("").replace(PASSWORD, "changed-long-ago");
    ids.iter().map(|id| (*id, rest.clone())).collect()
}

fn sent(played: &Played) -> usize {
    played.logged(What::Password).len()
}

#[test]
fn until_one_login_worked_one_password_is_out_and_the_others_wait() {
    let played = Stage::new(&bank_of(&["profile: courier"; 8], 8, &[])).play();
    assert_eq!(played.credentials(), [state("main", PROVEN)]);
    let first_login = played.log.iter().position(|entry| entry.event == What::LoggedIn).unwrap();
    let before = played.log[..first_login].iter().filter(|entry| entry.event == What::Password).count();
    assert_eq!(before, 1, "the first one was alone");
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()));
    assert_eq!(played.calls().len(), 8, "waiting cost no call");
}

#[test]
fn a_credential_that_is_refused_before_it_was_proven_is_sent_no_more() {
    let lines = changed(&["A", "B", "C", "D", "E", "F"]);
    let played = Stage::new(&bank_of(&["profile: courier"; 4], 0, &lines)).play();
    assert_eq!(sent(&played), 1);
    assert_eq!(played.credentials(), [state("main", STOPPED)]);
    assert_eq!(played.refused.len(), 1, "it is remembered");
    assert_eq!(played.refused[0].0, USER);
    let refused = played.faults().iter().filter(|(_, fault)| *fault == Some(Fault::LoginRefused)).count();
    let unproven =
        played.faults().iter().filter(|(_, fault)| *fault == Some(Fault::CredentialUnproven)).count();
    assert_eq!((refused, unproven), (1, 5), "{:?}", played.faults());
    for call in played.calls() {
        assert!(call.timeline.get(Moment::Prompted).is_some(), "each was checked up to its login prompt");
    }
}

#[test]
fn once_proven_a_refusal_is_the_lines_own_and_two_in_a_row_stop_it() {
    let one = changed(&["ODD"]);
    let mut stage = Stage::new(&bank_of(&["profile: courier"], 4, &one));
    stage.policy.in_order = true;
    let played = stage.play();
    assert_eq!(played.credentials(), [state("main", PROVEN)]);
    assert_eq!(played.fault("ODD"), Some(Fault::LoginRefused));

    let two = changed(&["ODD1", "ODD2", "ODD3"]);
    let mut stage = Stage::new(&bank_of(&["profile: courier"], 2, &two));
    stage.policy.in_order = true;
    let played = stage.play();
    assert_eq!(played.credentials(), [state("main", PROVEN), state("main", STOPPED)]);
    assert_eq!(played.fault("ODD1"), Some(Fault::LoginRefused));
    assert_eq!(played.fault("ODD2"), Some(Fault::LoginRefused));
    assert_eq!(played.fault("ODD3"), Some(Fault::CredentialUnproven));
    assert_eq!(sent(&played), 4);
}

#[test]
fn a_call_that_is_lost_after_the_password_counts_as_refused() {
    for fault in [
        "{ kind: drops, at: password }",
        "{ kind: port-vanishes, at: password, back_after: 5s }",
        "login-stalls",
    ] {
        let rule = format!("line: G000, times: 1, fault: {fault}");
        let exchange = with_rules(&bank_of(&["profile: courier"], 3, &[]), &[&rule]);
        let mut stage = Stage::new(&exchange);
        stage.policy.in_order = true;
        let played = stage.play();
        assert_eq!(sent(&played), 1, "{fault}");
        assert_eq!(played.credentials(), [state("main", STOPPED)], "{fault}");
        assert_eq!(played.refused.len(), 1, "{fault}");
        assert_eq!(played.fault("G002"), Some(Fault::CredentialUnproven), "{fault}");
    }
}

#[test]
fn a_worker_that_dies_with_a_password_on_its_way_counts_as_refused() {
    use crate::stage::Deed;
    // It dies as it reads what the console says to the password.
    let mut stage = Stage::new(&bank_of(&["profile: courier"], 2, &[])).when(
        |kind| matches!(kind, EventKind::CallMoment { moment: Moment::LoggedIn, .. }),
        Deed::Sabotage("m0"),
    );
    stage.policy.in_order = true;
    let played = stage.play();
    // The login had worked by then: nothing is held against the credential.
    assert_eq!(played.credentials(), [state("main", PROVEN)]);
}

#[test]
fn a_console_that_lets_nobody_in_has_judged_no_password() {
    // NX-OS says so only after the password.
    let line = [(
        "AAA",
        format!(
            "console: generic, hostname: rtr1, username: {USER}, password: {PASSWORD}, fault: login-unavailable"
        ),
    )];
    let mut stage = Stage::new(&bank_of(&["profile: courier"], 0, &line));
    stage.policy.confirm = 1;
    let played = stage.play();
    assert_eq!(played.fault("AAA"), Some(Fault::LoginUnavailable));
    assert_eq!(played.credentials(), []);
    assert_eq!(played.refused.len(), 0);
}

#[test]
fn the_plans_line_proves_it() {
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 4], 8, &[]));
    stage.accounts[0].prove_on = Some("G006");
    let played = stage.play();
    let first = played.logged(What::Password)[0].line.clone();
    assert_eq!(first.as_deref(), Some("G006"));
    assert!(played.faults().iter().all(|(_, fault)| fault.is_none()));
}

#[test]
fn a_proving_line_that_cannot_be_reached_does_not_block_the_others() {
    let dead = [("PROVE", ios("fault: no-answer"))];
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 4], 8, &dead));
    stage.accounts[0].prove_on = Some("PROVE");
    let played = stage.play();
    assert_eq!(played.fault("PROVE"), Some(Fault::NoAnswer));
    for (line, fault) in played.faults() {
        assert!(line == "PROVE" || fault.is_none(), "{line}: {:?}", played.verdict(&line));
    }
}

#[test]
fn waiting_at_the_prompt_is_bounded() {
    // The first login takes longer than any call may wait.
    let slow = [("SLOW", ios("fault: login-stalls"))];
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 4], 3, &slow));
    stage.accounts[0].prove_on = Some("SLOW");
    stage.limits.grant_wait = Duration::from_secs(5);
    let played = stage.play();
    for call in played.calls().iter().filter(|call| call.fault == Some(Fault::CredentialUnproven)) {
        let at = |moment| call.timeline.get(moment).unwrap().at;
        let waited = at(Moment::Released).since(at(Moment::Prompted));
        assert!(waited < Duration::from_secs(8), "{waited:?}");
    }
    assert_eq!(played.credentials(), [state("main", STOPPED)]);
    assert_eq!(sent(&played), 1);
}

#[test]
fn a_secret_that_was_refused_in_an_earlier_run_is_not_sent() {
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 3, &[]));
    stage.accounts[0].barred = Some("its secret was refused last night");
    let played = stage.play();
    assert_eq!(sent(&played), 0);
    assert_eq!(played.credentials(), [state("main", STOPPED)]);
    for (line, fault) in played.faults() {
        assert_eq!(fault, Some(Fault::CredentialUnproven), "{line}");
        assert!(played.verdict(&line).detail.contains("refused last night"));
    }
}

/// Two entries, one account: what is refused to one is refused to both.
#[test]
fn entries_with_one_username_share_a_guard() {
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 2, &changed(&["A", "B", "C"])));
    stage.accounts.push(Account {
        name: "old",
        username: USER,
        password: "an-older-one",
        prove_on: None,
        barred: None,
    });
    stage.credential_of.insert("A", "old");
    stage.credential_of.insert("B", "old");
    stage.credential_of.insert("C", "old");
    stage.policy.in_order = true;
    let played = stage.play();
    let stopped: Vec<_> = played
        .credentials()
        .into_iter()
        .filter(|(_, state)| *state == STOPPED)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(stopped, ["main", "old"]);
    let old = played
        .logged(What::Password)
        .iter()
        .filter(|entry| ["A", "B", "C"].contains(&entry.line.as_deref().unwrap_or_default()))
        .count();
    assert_eq!(old, 1);
}

#[test]
fn another_host_is_sent_nothing() {
    let wrong = [(
        "WRONG",
        ios("fault: { kind: wrong-host, text: other }, banner: \"other line 1\"")
            .replace("console: cisco-ios", "console: linux"),
    )];
    let mut stage = Stage::new(&bank_of(&["profile: courier"; 2], 1, &wrong));
    stage.policy.in_order = true;
    let played = stage.play();
    assert_eq!(played.fault("WRONG"), Some(Fault::WrongConsole), "{:?}", played.verdict("WRONG"));
    assert_eq!(sent(&played), 1, "the sound line's alone");
}
