//! `policy:` of a plan: how often a line is tried, what confirms a failure, and when it is tried again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::problem::suggestion;
use super::yaml::Doc;
use crate::model::{Fault, Verdict, span};

/// Most calls to one line in one run; more would be a nuisance to whoever answers there.
pub const ATTEMPTS_MAX: u32 = 15;

/// How lines are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Calls a line may get, from 1 to [`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// Failing calls that make a verdict, from 1 to `attempts`.
    pub confirm: u32,
    /// Rest before the next call, by what the last one found, as the plan has it; the fleet knows the rest for others.
    pub retry_after: BTreeMap<Fault, Duration>,
    /// Lines are dialed in the order of the plan, not the longest first.
    pub in_order: bool,
    /// How long lines wait while no modem at all is in service; the fleet has a default.
    pub patience: Option<Duration>,
    /// Nothing is dialed after this time of day, local to the bank's host.
    pub deadline: Option<jiff::civil::Time>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 3,
            confirm: 2,
            retry_after: BTreeMap::new(),
            in_order: false,
            patience: None,
            deadline: None,
        }
    }
}

/// `policy:` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyFile {
    attempts: Option<u32>,
    confirm: Option<u32>,
    retry_after: BTreeMap<String, Option<String>>,
    in_order: Option<bool>,
    patience: Option<String>,
    deadline: Option<String>,
}

impl PolicyFile {
    /// The policy, defaults where nothing is written.
    pub(super) fn check(&self, doc: &Doc) -> Policy {
        let mut policy = Policy::default();
        if let Some(attempts) = self.attempts {
            if (1..=ATTEMPTS_MAX).contains(&attempts) {
                policy.attempts = attempts;
            } else {
                doc.problem(
                    "policy.attempts",
                    format!("is {attempts}; 1 to {ATTEMPTS_MAX} calls a line are possible"),
                );
            }
        }
        match self.confirm {
            Some(0) => doc.problem("policy.confirm", "is 0; at least 1 failing call makes a verdict"),
            Some(confirm) if confirm > policy.attempts => doc.problem(
                "policy.confirm",
                format!(
                    "is {confirm}, more than the {} calls that `attempts` allows; a failure could never be confirmed",
                    policy.attempts
                ),
            ),
            Some(confirm) => policy.confirm = confirm,
            None => policy.confirm = policy.confirm.min(policy.attempts),
        }
        for (code, text) in &self.retry_after {
            let key = format!("policy.retry_after.{code}");
            let fault = match code.parse::<Fault>() {
                Ok(fault) if fault.verdict() == Verdict::Fail || fault.blame().is_bench() => fault,
                Ok(_) => {
                    doc.problem(&key, "this fault is never followed by another call; leave it out");
                    continue;
                }
                Err(unknown) => {
                    let near = suggestion(code, Fault::ALL.map(Fault::code));
                    doc.problem(&key, format!("{unknown}{near}"));
                    continue;
                }
            };
            match text.as_deref().map(span::parse) {
                Some(Ok(span)) => {
                    policy.retry_after.insert(fault, span);
                }
                Some(Err(what)) => doc.problem(&key, what),
                None if doc.is_pruned(&key) => {}
                None => doc.problem(&key, "is empty; write a duration such as `180s`"),
            }
        }
        policy.in_order = self.in_order.unwrap_or_default();
        if let Some(text) = &self.patience {
            match span::parse(text) {
                Ok(span) => policy.patience = Some(span),
                Err(what) => doc.problem("policy.patience", what),
            }
        }
        if let Some(text) = &self.deadline {
            match jiff::civil::Time::strptime("%H:%M", text) {
                Ok(time) => policy.deadline = Some(time),
                Err(_) => doc.problem("policy.deadline", "is no time of day; write it as \"05:30\""),
            }
        }
        policy
    }
}
