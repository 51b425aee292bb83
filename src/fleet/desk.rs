//! The credential desk of a run: hands secrets to calls as the guard allows.
//!
//! Who may send a password is decided in [`super::guard`]; this file keeps the secrets, the guards of all accounts and
//! the calls that wait for an answer. What was refused is handed on to whoever remembers it.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::call::shell::Grant;
use crate::console::{Credential, Outcome as Reception};
use crate::model::event::CredentialState;
use crate::model::{CredentialName, LineId};

use super::guard::{Answer, Effect, Guard, Outcome};

/// A credential as a run uses it.
#[derive(Debug, Clone)]
pub struct DeskEntry {
    /// The plan's name for it.
    pub name: CredentialName,
    /// What is sent.
    pub credential: Credential,
    /// The line on which it is to be proven, if it must be a certain one.
    pub prove_on: Option<LineId>,
    /// Set if its secret was refused in an earlier run: why it is not sent.
    pub barred: Option<String>,
}

/// A fact that a guard's decision made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskFact {
    /// The credential.
    pub credential: CredentialName,
    /// What became of it.
    pub state: CredentialState,
    /// In words.
    pub detail: String,
}

/// Remembers refused secrets across runs. It may be slow on purpose, so it is called from a thread that may block.
pub trait Remember: Send + Sync + 'static {
    /// The secret of this credential was refused.
    fn refused(&self, credential: &Credential, why: &str);

    /// Why the secret must not be sent, if another run was refused with it since this one began. Asked at every prompt until the
    /// credential is proven, so it must be quick where nothing is new: `seen` is of the memory's state that was asked last for
    /// this credential.
    fn refused_elsewhere(&self, _credential: &Credential, _seen: &mut u64) -> Option<String> {
        None
    }
}

/// The desk.
pub struct Desk {
    entries: BTreeMap<CredentialName, DeskEntry>,
    /// One guard an account: entries with the same username share it, whatever its case: many authentication servers
    /// take no notice of that, and would lock the account for both.
    guards: BTreeMap<String, Guard>,
    /// Calls at their prompts.
    waiting: BTreeMap<LineId, oneshot::Sender<Grant>>,
    /// Of each line with a call at or past its prompt: the credential that it uses.
    used: BTreeMap<LineId, CredentialName>,
    facts: Vec<DeskFact>,
    memory: std::sync::Arc<dyn Remember>,
    /// Up to which change of the memory each credential was looked for in it.
    seen: BTreeMap<CredentialName, u64>,
    remembering: Vec<tokio::task::JoinHandle<()>>,
}

impl Desk {
    /// A desk for these credentials.
    pub fn new(entries: Vec<DeskEntry>, memory: std::sync::Arc<dyn Remember>) -> Self {
        let mut guards: BTreeMap<String, Guard> = BTreeMap::new();
        for entry in &entries {
            let guard = guards.entry(account(&entry.credential)).or_default();
            guard.add(entry.name.clone(), entry.prove_on.clone());
            if let Some(why) = &entry.barred {
                guard.bar(&entry.name, why.clone());
            }
        }
        let barred: Vec<DeskFact> = entries
            .iter()
            .filter_map(|entry| {
                let detail = entry.barred.clone()?;
                Some(DeskFact { credential: entry.name.clone(), state: CredentialState::Stopped, detail })
            })
            .collect();
        Self {
            entries: entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect(),
            guards,
            waiting: BTreeMap::new(),
            used: BTreeMap::new(),
            facts: barred,
            memory,
            seen: BTreeMap::new(),
            remembering: Vec::new(),
        }
    }

    /// All passwords, for whoever must mask them.
    pub fn secrets(&self) -> std::sync::Arc<[secrecy::SecretString]> {
        self.entries.values().map(|entry| entry.credential.password().clone()).collect()
    }

    /// A call is at its login prompt.
    pub fn ask(&mut self, line: &LineId, credential: &CredentialName, reply: oneshot::Sender<Grant>) {
        self.hear_of_others(credential);
        let answer = match self.guard(credential) {
            Some(guard) => guard.ask(line, credential),
            None => Answer::Deny(format!("the plan has no credential `{credential}`")),
        };
        self.used.insert(line.clone(), credential.clone());
        self.waiting.insert(line.clone(), reply);
        self.answer(line, answer);
    }

    /// Runs on other banks, and technicians' calls beside this one, may have the same account: what they were refused with is not
    /// sent here as if nothing had been.
    fn hear_of_others(&mut self, credential: &CredentialName) {
        let Some(entry) = self.entries.get(credential) else { return };
        if self.guards.get(&account(&entry.credential)).is_none_or(|guard| !guard.is_open(credential)) {
            return;
        }
        let seen = self.seen.entry(credential.clone()).or_default();
        let Some(why) = self.memory.refused_elsewhere(&entry.credential, seen) else { return };
        if let Some(guard) = self.guard(credential) {
            guard.bar(credential, why.clone());
        }
        let state = CredentialState::Stopped;
        self.facts.push(DeskFact { credential: credential.clone(), state, detail: why });
    }

    /// What the console made of the password.
    pub fn outcome(&mut self, line: &LineId, reception: Reception) {
        let outcome = match reception {
            Reception::Accepted => Outcome::Accepted,
            Reception::Refused => Outcome::Refused,
            // Nobody can have counted it.
            Reception::NotJudged => Outcome::Unsent,
        };
        self.guarded(line, |guard| guard.outcome(line, outcome));
    }

    /// The line's call is over. `sent` tells whether the password went out; a granted one that did not is free again.
    pub fn call_over(&mut self, line: &LineId, sent: bool) {
        self.waiting.remove(line);
        if sent {
            self.guarded(line, |guard| guard.call_over(line));
        } else {
            self.guarded(line, |guard| {
                let mut effects = guard.outcome(line, Outcome::Unsent);
                effects.extend(guard.call_over(line));
                effects
            });
        }
        self.used.remove(line);
    }

    /// The line has its verdict.
    pub fn line_done(&mut self, line: &LineId) {
        self.all_guards(|guard| guard.line_done(line));
    }

    /// The line's verdict was withdrawn.
    pub fn line_again(&mut self, line: &LineId) {
        self.all_guards(|guard| {
            guard.line_again(line);
            Vec::new()
        });
    }

    /// The facts since the last time.
    pub fn take_facts(&mut self) -> Vec<DeskFact> {
        std::mem::take(&mut self.facts)
    }

    /// Waits until everything that was refused is remembered.
    pub async fn close(&mut self) {
        for task in self.remembering.drain(..) {
            if let Err(error) = task.await {
                tracing::error!("a refused secret could not be remembered: {error}");
            }
        }
    }

    fn guard(&mut self, credential: &CredentialName) -> Option<&mut Guard> {
        let account = account(&self.entries.get(credential)?.credential);
        self.guards.get_mut(&account)
    }

    fn guarded(&mut self, line: &LineId, ask: impl FnOnce(&mut Guard) -> Vec<Effect>) {
        let Some(credential) = self.used.get(line).cloned() else { return };
        let effects = self.guard(&credential).map(ask).unwrap_or_default();
        self.carry_out(effects);
    }

    fn all_guards(&mut self, ask: impl Fn(&mut Guard) -> Vec<Effect>) {
        let effects: Vec<Effect> = self.guards.values_mut().flat_map(ask).collect();
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Release { line, answer } => self.answer(&line, answer),
                Effect::Proven(credential) => self.facts.push(DeskFact {
                    credential,
                    state: CredentialState::Proven,
                    detail: String::new(),
                }),
                Effect::Stopped { credentials, refused, why } => {
                    self.remember(&refused, &why);
                    self.facts.extend(credentials.into_iter().map(|credential| DeskFact {
                        credential,
                        state: CredentialState::Stopped,
                        detail: why.clone(),
                    }));
                }
            }
        }
    }

    fn remember(&mut self, refused: &CredentialName, why: &str) {
        let Some(entry) = self.entries.get(refused) else { return };
        let (memory, credential, why) =
            (std::sync::Arc::clone(&self.memory), entry.credential.clone(), why.to_owned());
        self.remembering.push(tokio::task::spawn_blocking(move || memory.refused(&credential, &why)));
    }

    fn answer(&mut self, line: &LineId, answer: Answer) {
        let grant = match answer {
            Answer::Wait => return,
            Answer::Deny(why) => Grant::Denied(why),
            Answer::Grant => {
                let credential = self.used.get(line).and_then(|name| self.entries.get(name));
                match credential {
                    Some(entry) => Grant::Granted(entry.credential.clone()),
                    None => Grant::Denied("the credential is not known".to_owned()),
                }
            }
        };
        if let Some(reply) = self.waiting.remove(line) {
            // A call that is over in this moment needs no answer; its end is told next, and frees the grant.
            let _ = reply.send(grant);
        }
    }
}

fn account(credential: &Credential) -> String {
    credential.username().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Forgetful;

    impl Remember for Forgetful {
        fn refused(&self, _: &Credential, _: &str) {}
    }

    fn entry(name: &str, username: &str) -> DeskEntry {
        DeskEntry {
            name: name.parse().unwrap(),
            credential: Credential::new(username, "s3cret".to_owned().into()).unwrap(),
            prove_on: None,
            barred: None,
        }
    }

    /// Another run was refused with the secret meanwhile.
    struct Heard;

    impl Remember for Heard {
        fn refused(&self, _: &Credential, _: &str) {}

        fn refused_elsewhere(&self, _: &Credential, _: &mut u64) -> Option<String> {
            Some("it was refused elsewhere".to_owned())
        }
    }

    #[tokio::test]
    async fn what_was_refused_to_another_run_is_not_sent_again_by_this_one() {
        let mut desk = Desk::new(vec![entry("one", "oob")], std::sync::Arc::new(Heard));
        for line in ["A", "B"] {
            let (reply, answer) = oneshot::channel();
            desk.ask(&line.parse().unwrap(), &"one".parse().unwrap(), reply);
            assert!(matches!(answer.await, Ok(Grant::Denied(why)) if why == "it was refused elsewhere"));
        }
        let facts = desk.take_facts();
        assert_eq!(facts.len(), 1, "{facts:?}");
        assert_eq!(facts[0].state, CredentialState::Stopped);
    }

    /// A worker that dies tells no outcome: whether the password was out by then decides.
    #[tokio::test]
    async fn a_call_that_dies_with_its_password_sent_stops_the_credential_and_before_that_frees_it() {
        for sent in [true, false] {
            let mut desk = Desk::new(vec![entry("one", "oob")], std::sync::Arc::new(Forgetful));
            let (first, second): (LineId, LineId) = ("L1".parse().unwrap(), "L2".parse().unwrap());
            let (reply, mut granted) = oneshot::channel();
            desk.ask(&first, &"one".parse().unwrap(), reply);
            assert!(matches!(granted.try_recv(), Ok(Grant::Granted(_))));
            desk.call_over(&first, sent);
            let stopped = desk.take_facts().iter().any(|fact| fact.state == CredentialState::Stopped);
            assert_eq!(stopped, sent);
            let (reply, mut answer) = oneshot::channel();
            desk.ask(&second, &"one".parse().unwrap(), reply);
            assert_eq!(matches!(answer.try_recv(), Ok(Grant::Denied(_))), sent);
            desk.close().await;
        }
    }

    #[tokio::test]
    async fn a_username_in_another_case_is_the_same_account() {
        let entries = vec![entry("one", "oob"), entry("two", "OOB")];
        let mut desk = Desk::new(entries, std::sync::Arc::new(Forgetful));
        let (first, second): (LineId, LineId) = ("L1".parse().unwrap(), "L2".parse().unwrap());
        let (reply, mut granted) = oneshot::channel();
        desk.ask(&first, &"one".parse().unwrap(), reply);
        assert!(matches!(granted.try_recv(), Ok(Grant::Granted(_))));
        desk.outcome(&first, Reception::Refused);
        let (reply, mut denied) = oneshot::channel();
        desk.ask(&second, &"two".parse().unwrap(), reply);
        assert!(matches!(denied.try_recv(), Ok(Grant::Denied(_))));
        desk.close().await;
    }
}
