//! `policy:` of a plan: how often a line is tried, what confirms a failure, when it is tried again, and what makes a pass a
//! bad one.

use std::collections::BTreeMap;

use jiff::civil::Time;
use serde::Deserialize;

use super::degraded::DegradedFile;
use super::problem::suggestion;
use super::yaml::Doc;
use crate::fleet::policy::Policy;
use crate::model::{Fault, Verdict, span};

/// Most calls to one line in one run; more would be a nuisance to whoever answers there.
pub const ATTEMPTS_MAX: u32 = 15;

/// Least pause before a modem under quarantine is checked again.
const RETEST_AFTER_MIN: std::time::Duration = std::time::Duration::from_secs(1);

/// `policy:` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyFile {
    attempts: Option<u32>,
    confirm: Option<u32>,
    retry_after: BTreeMap<String, Option<String>>,
    in_order: Option<bool>,
    patience: Option<String>,
    retest_after: Option<Vec<Option<String>>>,
    deadline: Option<String>,
    adaptive: Option<bool>,
    degraded: DegradedFile,
}

impl PolicyFile {
    /// The policy, defaults where nothing is written; and the time of day, local to the bank's host, after which nothing
    /// is dialed.
    pub(super) fn check(&self, doc: &Doc) -> (Policy, Option<Time>) {
        let mut policy = Policy::default();
        let mut deadline = None;
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
        policy.adaptive = self.adaptive.unwrap_or(policy.adaptive);
        policy.degraded = self.degraded.check(doc);
        if let Some(text) = &self.patience {
            match span::parse(text) {
                Ok(span) => policy.bench.patience = span,
                Err(what) => doc.problem("policy.patience", what),
            }
        }
        if let Some(written) = &self.retest_after {
            policy.bench.retests.clear();
            for (index, text) in written.iter().enumerate() {
                let key = format!("policy.retest_after[{index}]");
                match text.as_deref().map_or_else(|| Err("is empty; write `2m`".to_owned()), span::parse) {
                    Ok(span) if span < RETEST_AFTER_MIN => {
                        doc.problem(
                            &key,
                            "is under a second; a modem under quarantine is not called that often",
                        );
                    }
                    Ok(span) => policy.bench.retests.push(span),
                    Err(what) => doc.problem(&key, what),
                }
            }
        }
        if let Some(text) = &self.deadline {
            match Time::strptime("%H:%M", text) {
                Ok(time) => deadline = Some(time),
                Err(_) => doc.problem("policy.deadline", "is no time of day; write it as \"05:30\""),
            }
        }
        (policy, deadline)
    }
}
