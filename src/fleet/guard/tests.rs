use proptest::prelude::*;

use super::*;

fn line(n: usize) -> LineId {
    format!("L{n}").parse().unwrap()
}

fn name(text: &str) -> CredentialName {
    text.parse().unwrap()
}

fn guard(prove_on: Option<usize>) -> Guard {
    let mut guard = Guard::new();
    guard.add(name("oob"), prove_on.map(line));
    guard
}

fn ask(guard: &mut Guard, n: usize) -> Answer {
    guard.ask(&line(n), &name("oob"))
}

fn released(effects: &[Effect]) -> Vec<(String, Answer)> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Release { line, answer } => Some((line.to_string(), answer.clone())),
            Effect::Proven(_) | Effect::Stopped { .. } => None,
        })
        .collect()
}

fn granted(lines: &[usize]) -> Vec<(String, Answer)> {
    lines.iter().map(|&n| (line(n).to_string(), Answer::Grant)).collect()
}

fn stops(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::Stopped { .. }))
}

#[test]
fn the_first_to_get_there_proves_it_and_the_others_wait() {
    let mut guard = guard(None);
    assert_eq!(ask(&mut guard, 0), Answer::Grant);
    assert_eq!(ask(&mut guard, 1), Answer::Wait);
    assert_eq!(ask(&mut guard, 2), Answer::Wait);
    let effects = guard.outcome(&line(0), Outcome::Accepted);
    assert_eq!(effects[0], Effect::Proven(name("oob")));
    assert_eq!(released(&effects), granted(&[1, 2]));
    assert_eq!(ask(&mut guard, 3), Answer::Grant);
}

#[test]
fn a_refusal_or_a_loss_before_proof_stops_it_for_good() {
    for outcome in [Outcome::Refused, Outcome::Lost] {
        let mut guard = guard(None);
        ask(&mut guard, 0);
        ask(&mut guard, 1);
        let effects = guard.outcome(&line(0), outcome);
        assert!(matches!(&effects[0], Effect::Stopped { refused, credentials, .. }
                if *refused == name("oob") && *credentials == [name("oob")]));
        assert!(
            matches!(&released(&effects)[..], [(l, Answer::Deny(why))] if l == "L1" && why.contains("L0"))
        );
        assert!(matches!(ask(&mut guard, 2), Answer::Deny(_)));
    }
}

#[test]
fn the_prove_on_line_is_waited_for_until_it_has_its_verdict() {
    let mut guard = guard(Some(9));
    assert_eq!(ask(&mut guard, 0), Answer::Wait);
    assert_eq!(ask(&mut guard, 1), Answer::Wait);
    // Its first call did not get to the prompt: it will be called again.
    assert_eq!(guard.call_over(&line(9)), []);
    assert_eq!(released(&guard.line_done(&line(9))), granted(&[0]));
}

#[test]
fn the_prove_on_line_goes_before_those_who_came_first() {
    let mut guard = guard(Some(9));
    assert_eq!(ask(&mut guard, 0), Answer::Wait);
    assert_eq!(ask(&mut guard, 9), Answer::Grant);
    assert_eq!(released(&guard.outcome(&line(9), Outcome::Accepted)), granted(&[0]));
}

#[test]
fn a_proving_call_that_sent_nothing_leaves_it_to_the_next() {
    let mut guard = guard(None);
    ask(&mut guard, 0);
    ask(&mut guard, 1);
    ask(&mut guard, 2);
    // The caller of L1 lost its patience meanwhile.
    guard.call_over(&line(1));
    assert_eq!(released(&guard.outcome(&line(0), Outcome::Unsent)), granted(&[2]));
    assert_eq!(guard.stopped(), None);
}

#[test]
fn a_granted_password_that_nobody_accounts_for_counts_as_refused() {
    let mut guard = guard(None);
    ask(&mut guard, 0);
    assert!(stops(&guard.call_over(&line(0))));
}

#[test]
fn once_proven_one_refusal_is_the_lines_own_and_two_in_a_row_stop_it() {
    let mut guard = guard(None);
    ask(&mut guard, 0);
    guard.outcome(&line(0), Outcome::Accepted);
    for n in 1..5 {
        ask(&mut guard, n);
        assert!(!stops(&guard.outcome(&line(n), Outcome::Refused)));
        ask(&mut guard, n + 10);
        assert!(!stops(&guard.outcome(&line(n + 10), Outcome::Accepted)));
    }
    ask(&mut guard, 5);
    assert!(!stops(&guard.outcome(&line(5), Outcome::Refused)));
    ask(&mut guard, 5);
    assert!(!stops(&guard.outcome(&line(5), Outcome::Lost)), "the same line is no second opinion");
    ask(&mut guard, 6);
    assert!(stops(&guard.outcome(&line(6), Outcome::Refused)));
    assert!(matches!(ask(&mut guard, 7), Answer::Deny(_)));
}

#[test]
fn after_a_refusal_passwords_go_out_one_at_a_time() {
    let mut guard = guard(None);
    ask(&mut guard, 0);
    guard.outcome(&line(0), Outcome::Accepted);
    ask(&mut guard, 1);
    guard.outcome(&line(1), Outcome::Refused);
    assert_eq!(ask(&mut guard, 2), Answer::Grant);
    assert_eq!(ask(&mut guard, 3), Answer::Wait);
    assert_eq!(ask(&mut guard, 4), Answer::Wait);
    assert_eq!(released(&guard.outcome(&line(2), Outcome::Accepted)), granted(&[3, 4]));
}

#[test]
fn credentials_of_one_account_share_its_guard() {
    let mut guard = guard(None);
    guard.add(name("old"), None);
    assert_eq!(guard.ask(&line(0), &name("oob")), Answer::Grant);
    assert_eq!(guard.ask(&line(1), &name("old")), Answer::Wait, "two unproven passwords of one account");
    let effects = guard.outcome(&line(0), Outcome::Accepted);
    assert_eq!(released(&effects), granted(&[1]), "another secret has to be proven by itself");
    let effects = guard.outcome(&line(1), Outcome::Refused);
    assert!(matches!(&effects[0], Effect::Stopped { refused, credentials, .. }
            if *refused == name("old") && credentials.len() == 2));
}

#[test]
fn a_secret_refused_in_an_earlier_run_is_denied_from_the_start() {
    let mut guard = guard(None);
    guard.bar(&name("oob"), "refused on 2026-11-20".to_owned());
    assert_eq!(ask(&mut guard, 0), Answer::Deny("refused on 2026-11-20".to_owned()));
    assert!(matches!(guard.ask(&line(0), &name("nobody")), Answer::Deny(_)));
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Ask(usize),
    Outcome(usize, Outcome),
    CallOver(usize),
    Done(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Accepted),
        2 => Just(Outcome::Refused),
        1 => Just(Outcome::Lost),
        1 => Just(Outcome::Unsent),
    ];
    prop_oneof![
        6 => (0..12usize).prop_map(Act::Ask),
        6 => (0..12usize, outcome).prop_map(|(n, outcome)| Act::Outcome(n, outcome)),
        1 => (0..12usize).prop_map(Act::CallOver),
        1 => (0..12usize).prop_map(Act::Done),
    ]
}

/// What a watcher who sees only the guard's face knows.
#[derive(Default)]
struct Watch {
    /// Lines that hold a password, and whether their credential was proven when they got it.
    out: BTreeMap<LineId, bool>,
    proven: BTreeSet<CredentialName>,
    stopped: bool,
    /// Refusals in a row on different lines.
    refused: BTreeSet<LineId>,
    out_at_first_refusal: usize,
    must_stop: bool,
    waiting: BTreeSet<LineId>,
    done: BTreeSet<LineId>,
}

/// Even lines use `oob`, odd ones `old`: one account.
fn used_on(n: usize) -> CredentialName {
    name(if n.is_multiple_of(2) { "oob" } else { "old" })
}

fn index(line: &LineId) -> usize {
    line.as_str()[1..].parse().unwrap()
}

impl Watch {
    fn granted(&mut self, line: &LineId, prove_on: Option<usize>) {
        assert!(!self.stopped, "a password went out after the stop");
        let credential = used_on(index(line));
        let proven = self.proven.contains(&credential);
        if !proven
            && let Some(prover) = prove_on.map(super::tests::line)
            && credential == name("oob")
        {
            assert!(*line == prover || self.done.contains(&prover), "proven elsewhere than on its line");
        }
        assert!(self.refused.is_empty() || self.out.is_empty(), "two passwords out after a refusal");
        self.out.insert(line.clone(), proven);
        assert!(self.out.values().filter(|proven| !**proven).count() <= 1, "two unproven passwords out");
    }

    fn take(&mut self, effects: Vec<Effect>, prove_on: Option<usize>) {
        for effect in effects {
            match effect {
                Effect::Release { line, answer } => {
                    assert!(self.waiting.remove(&line), "an answer for a line that does not wait");
                    match answer {
                        Answer::Grant => self.granted(&line, prove_on),
                        Answer::Deny(_) => assert!(self.stopped),
                        Answer::Wait => panic!("released to wait"),
                    }
                }
                Effect::Proven(credential) => assert!(self.proven.insert(credential), "proven twice"),
                Effect::Stopped { .. } => {
                    assert!(!std::mem::replace(&mut self.stopped, true), "stopped twice");
                }
            }
        }
        assert!(self.stopped || !self.must_stop, "not stopped in time");
        if self.stopped {
            assert!(self.waiting.is_empty(), "left waiting after the stop");
        }
    }

    fn outcome(&mut self, line: &LineId, outcome: Outcome) {
        let Some(proven) = self.out.remove(line) else { return };
        match outcome {
            Outcome::Unsent => {}
            Outcome::Accepted => self.refused.clear(),
            Outcome::Refused | Outcome::Lost => {
                if self.refused.is_empty() {
                    self.out_at_first_refusal = self.out.len();
                }
                self.refused.insert(line.clone());
                self.must_stop = !proven || self.refused.len() >= 2;
                // One that is the line's own, the one that stops it, and those that were under way.
                let most = 2 + self.out_at_first_refusal;
                assert!(self.refused.len() <= most, "{} refusals in a row", self.refused.len());
            }
        }
    }
}

proptest! {
    #[test]
    fn no_account_is_locked(acts in proptest::collection::vec(act(), 1..120), prove_on in proptest::option::of(0..6usize)) {
        let prove_on = prove_on.map(|n| n * 2);
        let mut guard = guard(prove_on);
        guard.add(name("old"), None);
        let mut watch = Watch::default();
        for act in acts {
            match act {
                Act::Ask(n) => {
                    let id = line(n);
                    if watch.out.contains_key(&id) || watch.waiting.contains(&id) || watch.done.contains(&id) {
                        continue;
                    }
                    match guard.ask(&id, &used_on(n)) {
                        Answer::Grant => watch.granted(&id, prove_on),
                        Answer::Wait => { watch.waiting.insert(id); }
                        Answer::Deny(_) => prop_assert!(watch.stopped),
                    }
                }
                Act::Outcome(n, outcome) => {
                    watch.outcome(&line(n), outcome);
                    let effects = guard.outcome(&line(n), outcome);
                    watch.take(effects, prove_on);
                }
                Act::CallOver(n) => {
                    watch.outcome(&line(n), Outcome::Lost);
                    watch.waiting.remove(&line(n));
                    let effects = guard.call_over(&line(n));
                    watch.take(effects, prove_on);
                }
                Act::Done(n) => {
                    watch.outcome(&line(n), Outcome::Lost);
                    watch.waiting.remove(&line(n));
                    watch.done.insert(line(n));
                    let effects = guard.line_done(&line(n));
                    watch.take(effects, prove_on);
                }
            }
            prop_assert_eq!(guard.stopped().is_some(), watch.stopped);
            // Nobody waits for nothing.
            if watch.out.is_empty() && !watch.waiting.is_empty() {
                prop_assert!(prove_on.is_some_and(|n| !watch.done.contains(&line(n))), "all wait, and nobody proves");
            }
        }
    }
}
