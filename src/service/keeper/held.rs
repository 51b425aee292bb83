//! Why something may not begin, or must end: what its file says, what operators said, what the daemon is among its peers. Each
//! with the words for whoever asks why nothing is dialed.

use jiff::Timestamp;

use super::Keeper;
use crate::call::machine::Cancel;
use crate::config::service::{LoadedPlan, When};
use crate::model::PlanName;
use crate::service::durable::{Holds, Word};
use crate::service::status::Stands;

/// What holds something back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) stands: Stands,
    pub(super) why: String,
    pub(super) until: Option<Timestamp>,
}

impl Held {
    /// Why, and until when: for whoever is told in one sentence.
    pub(super) fn told(&self) -> String {
        let until = self.until.map(|until| format!(", until {}", at(until))).unwrap_or_default();
        format!("{}{until}", self.why)
    }
}

/// How a run is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// How; absent: its calls end as they may.
    pub(super) how: Option<Cancel>,
    pub(super) why: String,
    /// It is to go on later, when what ended it is over.
    pub(super) goes_on: bool,
}

impl Ending {
    /// Which of two is the graver.
    pub(super) fn graver(self, other: Self) -> Self {
        let goes_on = self.goes_on && other.goes_on;
        let graver = if other.how > self.how { other } else { self };
        Self { goes_on, ..graver }
    }
}

fn held(stands: Stands, why: String) -> Held {
    Held { stands, why, until: None }
}

/// `since 2026-11-22 02:00:00 UTC: cable work`
fn said(word: &Word) -> String {
    let since = at(word.since);
    if word.why.is_empty() { format!("since {since}") } else { format!("since {since}: {}", word.why) }
}

/// A time in words.
pub(super) fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn paused(who: &str, word: &Word) -> Held {
    Held { stands: Stands::Paused, why: format!("{who} is paused {}", said(word)), until: word.until }
}

fn stopped(who: &str, holds: &Holds) -> Option<Held> {
    let stopped = holds.stopped.as_ref().map(|word| format!("{who} is stopped {}", said(word)));
    let drained = || holds.drained.as_ref().map(|word| format!("{who} is drained {}", said(word)));
    stopped.or_else(drained).map(|why| held(Stands::Stopped, why))
}

impl Keeper {
    /// What holds the whole daemon, the gravest first; a pause aside.
    pub(super) fn daemon_stopped(&self) -> Option<Held> {
        if self.terminating.is_some() {
            return Some(held(Stands::Draining, "the daemon is ending".to_owned()));
        }
        if let Some(word) = &self.durable.emergency {
            return Some(held(Stands::EmergencyStopped, format!("emergency stop {}", said(word))));
        }
        if !self.loaded.service.enabled {
            let file = self.loaded.service.path.display();
            return Some(held(Stands::Disabled, format!("the daemon is disabled in `{file}`")));
        }
        let holds = &self.durable.daemon;
        if let Some(word) = &holds.disabled {
            return Some(held(Stands::Disabled, format!("the daemon is disabled {}", said(word))));
        }
        stopped("the daemon", holds)
    }

    /// What holds the whole daemon.
    pub(super) fn daemon_held(&self) -> Option<Held> {
        self.daemon_stopped().or_else(|| Some(paused("the daemon", self.durable.daemon.paused.as_ref()?)))
    }

    /// What keeps a plan itself from being dialed, its daemon aside: disabled, stopped.
    fn plan_stopped(&self, loaded: &LoadedPlan) -> Option<Held> {
        let name = loaded.name();
        if let Some(why) = self.plan_disabled(loaded) {
            return Some(held(Stands::Disabled, why));
        }
        let memory = self.durable.plans.get(name)?;
        stopped(&format!("plan `{name}`"), &memory.holds)
    }

    /// Why a plan is disabled.
    pub(super) fn plan_disabled(&self, loaded: &LoadedPlan) -> Option<String> {
        let name = loaded.name();
        if !loaded.entry.enabled {
            let file = self.loaded.service.path.display();
            return Some(format!("plan `{name}` is disabled in `{file}`"));
        }
        let word = self.durable.plans.get(name)?.holds.disabled.as_ref()?;
        Some(format!("plan `{name}` is disabled {}", said(word)))
    }

    /// The pause that a plan is under.
    pub(super) fn pause_of(&self, loaded: &LoadedPlan) -> Option<Held> {
        let name = loaded.name();
        let own = self.durable.plans.get(name).and_then(|memory| memory.holds.paused.as_ref());
        let own = own.map(|word| paused(&format!("plan `{name}`"), word));
        let all = self.durable.daemon.paused.as_ref().filter(|_| !loaded.entry.during_pause);
        own.or_else(|| all.map(|word| paused("the daemon", word)))
    }

    /// Whether another daemon has the role that a plan needs.
    fn stands_by(&self, loaded: &LoadedPlan) -> Option<Held> {
        let when: When = loaded.entry.when;
        (!when.fits(self.role)).then(|| {
            let why = format!(
                "plan `{}` runs as {}, and this daemon is {}: {}",
                loaded.name(),
                when.word(),
                self.role,
                self.role_why
            );
            held(Stands::StandingBy, why)
        })
    }

    /// What keeps a plan, or a call to one of its lines, from beginning; who asked for it although it is paused gets it.
    pub(super) fn held(&self, loaded: &LoadedPlan, anyway: bool) -> Option<Held> {
        self.daemon_stopped()
            .or_else(|| self.plan_stopped(loaded))
            .or_else(|| self.pause_of(loaded).filter(|_| !anyway))
            .or_else(|| self.stands_by(loaded))
    }

    /// How a job of a plan is to end, if it is; a drain is for runs alone.
    pub(super) fn ending(&self, loaded: &LoadedPlan, is_call: bool) -> Option<Ending> {
        let end = |how, why: String| Ending { how, why, goes_on: false };
        let of = |who: &str, holds: &Holds| {
            let stopped = holds
                .stopped
                .as_ref()
                .map(|word| end(Some(Cancel::LogOut), format!("{who} is stopped {}", said(word))));
            let drained = holds.drained.as_ref().filter(|_| !is_call);
            stopped
                .into_iter()
                .chain(drained.map(|word| end(None, format!("{who} is drained {}", said(word)))))
        };
        let name = loaded.name();
        let mut all: Vec<Ending> = Vec::new();
        if let Some(word) = &self.durable.emergency {
            all.push(end(Some(Cancel::HangUp), format!("emergency stop {}", said(word))));
        }
        if let Some(how) = self.terminating {
            all.push(Ending { how: Some(how), why: "the daemon is ending".to_owned(), goes_on: true });
        }
        let service = &self.loaded.service;
        if !service.enabled || self.durable.daemon.disabled.is_some() {
            let why = self.daemon_stopped().map(|held| held.why).unwrap_or_default();
            all.push(end(Some(Cancel::LogOut), why));
        }
        all.extend(of("the daemon", &self.durable.daemon));
        // What is loaded now says whether it is disabled; a plan that is gone goes on to its end.
        if let Some(why) = self.loaded.plan(name).and_then(|now| self.plan_disabled(now)) {
            all.push(end(Some(Cancel::LogOut), why));
        }
        if let Some(memory) = self.durable.plans.get(name) {
            all.extend(of(&format!("plan `{name}`"), &memory.holds));
        }
        let now = self.loaded.plan(name).unwrap_or(loaded);
        if let Some(Held { why, .. }) = self.stands_by(now) {
            all.push(Ending { how: Some(Cancel::LogOut), why, goes_on: true });
        }
        all.into_iter().reduce(Ending::graver)
    }

    /// What is known of a plan, for a change.
    pub(super) fn memory(&mut self, plan: &PlanName) -> &mut crate::service::durable::PlanMemory {
        self.durable.plans.entry(plan.clone()).or_default()
    }
}
