//! The daemon as it stands, for whoever asks: with the reason wherever nothing is dialed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::held::{Held, at};
use super::jobs::FAILURES_MAX;
use super::queue::{Item, Want};
use super::{Job, Keeper};
use crate::config::service::{LeadershipPlan, LoadedPlan};
use crate::model::event::ModemState;
use crate::model::{BankName, ModemId, Reading};
use crate::report::RunState;
use crate::service::status::{
    BankStatus, ConfigStatus, ModemStatus, PlanStatus, Progress, Stands, Status, Waiting,
};

impl Keeper {
    /// The daemon as it stands, as far as the brain knows: what the modems of a run do is in its own state ([`overlay`]).
    pub fn status(&self, now: &Reading) -> Status {
        let stands = self.stands();
        let service = &self.loaded.service;
        let mut troubles: Vec<String> = Vec::new();
        if let Some((why, _)) = &self.unkept {
            troubles.push(format!("the state can't be written, and would be lost with the daemon: {why}"));
        }
        troubles.extend(
            self.unseen
                .iter()
                .map(|(plan, why)| format!("what was run of plan `{plan}` can't be seen: {why}")),
        );
        Status {
            service: service.name.clone(),
            lineman: env!("CARGO_PKG_VERSION").to_owned(),
            started: now.begun,
            at: now.wall,
            stands: stands.stands,
            why: stands.why,
            until: stands.until,
            role: self.role,
            leadership: self.leadership(),
            config: ConfigStatus {
                path: service.path.display().to_string(),
                loaded: self.loaded_at,
                problem: self.problem.clone(),
            },
            plans: self.loaded.plans.iter().chain(self.gone()).map(|plan| self.plan_status(plan)).collect(),
            banks: self.banks(),
            queue: self.queue.iter().map(|item| self.waiting(item)).collect(),
            log: self.effective_levels(),
            troubles,
        }
    }

    fn leadership(&self) -> String {
        let how = match &self.loaded.service.leadership {
            LeadershipPlan::Always => return "always the primary".to_owned(),
            LeadershipPlan::Lock(path) => format!("by the lock on `{}`", path.display()),
            LeadershipPlan::Told(_) => "told by control".to_owned(),
        };
        format!("{how}: {}", self.role_why)
    }

    fn stands(&self) -> Held {
        let ends = || match self.jobs.len() {
            0 => String::new(),
            1 => "; a run ends".to_owned(),
            n => format!("; {n} runs end"),
        };
        if let Some(held) = self.daemon_held() {
            let draining = held.stands == Stands::Stopped && !self.jobs.is_empty();
            let stands = if draining { Stands::Draining } else { held.stands };
            let ends = if held.stands == Stands::Paused { String::new() } else { ends() };
            return Held { stands, why: format!("{}{ends}", held.why), ..held };
        }
        let plain = |stands, why: String| Held { stands, why, until: None };
        if !self.jobs.is_empty() {
            return plain(Stands::Working, String::new());
        }
        let plans = &self.loaded.plans;
        if !plans.is_empty() && plans.iter().all(|plan| !plan.entry.when.fits(self.role)) {
            return plain(Stands::StandingBy, format!("it is {}: {}", self.role, self.role_why));
        }
        if let Some(item) = self.queue.iter().next() {
            return plain(Stands::Waiting, format!("plan `{}` waits: {}", item.plan, self.why_waits(item)));
        }
        let next = plans.iter().filter_map(|plan| Some((self.next_due(plan)?, plan.name()))).min();
        let why = next.map_or_else(
            || "nothing is due: no plan has a schedule that is in force".to_owned(),
            |(due, plan)| format!("nothing is due: plan `{plan}` is next, {}", self.told(plan, due)),
        );
        plain(Stands::Idle, why)
    }

    /// Plans that are no longer in the configuration, and whose runs go on to their ends.
    fn gone(&self) -> impl Iterator<Item = &LoadedPlan> {
        let runs = self.jobs.values().filter(|job| !job.is_call()).map(|job| &job.plan);
        runs.filter(|plan| self.loaded.plan(plan.name()).is_none())
    }

    fn plan_status(&self, plan: &LoadedPlan) -> PlanStatus {
        let name = plan.name();
        let memory = self.durable.plans.get(name).cloned().unwrap_or_default();
        let job = self.jobs.values().find(|job| !job.is_call() && job.plan.name() == name);
        let Held { stands, mut why, until } = self.plan_stands(plan, job);
        let is_gone = self.loaded.plan(name).is_none();
        if is_gone && why.is_empty() {
            "it is no longer in the configuration; its run goes on to its end".clone_into(&mut why);
        }
        PlanStatus {
            plan: name.clone(),
            bank: plan.bank().clone(),
            stands,
            why,
            until,
            schedule: plan
                .entry
                .schedule
                .as_ref()
                .map(crate::config::service::Schedule::written)
                .unwrap_or_default(),
            next: self.next_due(plan).filter(|_| !is_gone),
            run: job.and_then(|job| job.run.as_ref()).map(|(run, _)| run.clone()),
            progress: None,
            last: memory.last,
            disabled_lines: memory.lines.into_iter().map(|(line, word)| (line, word.why)).collect(),
        }
    }

    fn plan_stands(&self, plan: &LoadedPlan, job: Option<&Job>) -> Held {
        let plain = |stands, why: String| Held { stands, why, until: None };
        if let Some(job) = job {
            if let Some(ending) = job.ending() {
                return plain(Stands::Draining, ending.why.clone());
            }
            return match self.pause_of(plan).filter(|_| !job.anyway) {
                Some(held) => held,
                None if job.run.is_none() => plain(Stands::SettingUp, "its run begins".to_owned()),
                None => plain(Stands::Working, String::new()),
            };
        }
        let waiting = self.queue.find(|item| item.plan == *plan.name() && !item.want.is_call());
        if let Some(held) = self.held(plan, waiting.is_some_and(|item| item.anyway)) {
            return held;
        }
        if let Some(item) = waiting {
            let stands = if item.failures > FAILURES_MAX { Stands::Down } else { Stands::Waiting };
            return Held { stands, why: self.why_waits(item), until: self.again_at(item) };
        }
        let why = self.next_due(plan).map_or_else(
            || "it runs on demand only".to_owned(),
            |due| format!("it is due {}", self.told(plan.name(), due)),
        );
        plain(Stands::Idle, why)
    }

    /// When what failed is tried again.
    fn again_at(&self, item: &Item) -> Option<Timestamp> {
        let at = item.not_before.filter(|at| *at > self.now.mono)?;
        Some(self.now.wall + at.since(self.now.mono))
    }

    fn banks(&self) -> Vec<BankStatus> {
        let mut plans: BTreeMap<&BankName, &LoadedPlan> = BTreeMap::new();
        // A run has the bank as it was when it began.
        let of_jobs = self.jobs.values().map(|job| &job.plan);
        for plan in of_jobs.chain(&self.loaded.plans) {
            plans.entry(plan.bank()).or_insert(plan);
        }
        plans.into_values().map(|plan| self.bank_status(plan)).collect()
    }

    fn bank_status(&self, plan: &LoadedPlan) -> BankStatus {
        let bank = plan.bank();
        let own = self.jobs.values().filter(|job| job.bank() == bank);
        let job = own.clone().min_by_key(|job| job.is_call());
        let lent: BTreeMap<&ModemId, &Job> = own.filter_map(|job| Some((job.borrowed()?, job))).collect();
        let off = self.modems_off(plan);
        let idle = || {
            let held = self.daemon_held().filter(|held| held.stands != Stands::Disabled);
            held.unwrap_or_else(|| Held {
                stands: Stands::Idle,
                why: "no run has its bank, and its port is closed".to_owned(),
                until: None,
            })
        };
        let modem = |id: &ModemId, port: &str| {
            let held = if let Some(why) = off.get(id) {
                Held { stands: Stands::Disabled, why: why.clone(), until: None }
            } else if let Some(job) = lent.get(id) {
                let line = match &job.what {
                    super::What::Call { line, .. } => format!("lent to a technician's call to `{line}`"),
                    super::What::Run { .. } => String::new(),
                };
                Held { stands: Stands::Lent, why: line, until: None }
            } else if job.is_some_and(Job::is_call) {
                let why = "a technician's call has its bank, and one of its modems".to_owned();
                Held { stands: Stands::Idle, why, until: None }
            } else if job.is_some() {
                Held { stands: Stands::SettingUp, why: "nothing was heard of it yet".to_owned(), until: None }
            } else {
                idle()
            };
            let port = if port.is_empty() { format!("sim:{id}") } else { port.to_owned() };
            ModemStatus {
                modem: id.clone(),
                port,
                stands: held.stands,
                why: held.why,
                until: held.until,
                call: None,
                restarts: self.restarts.get(&(bank.clone(), id.clone())).copied().unwrap_or_default(),
            }
        };
        BankStatus {
            bank: bank.clone(),
            run: job.and_then(|job| job.run.as_ref()).map(|(run, _)| run.clone()),
            modems: plan.plan.bank.modems.iter().map(|known| modem(&known.id, &known.port)).collect(),
        }
    }

    fn waiting(&self, item: &Item) -> Waiting {
        Waiting {
            plan: item.plan.clone(),
            line: match &item.want {
                Want::Call(line) => Some(line.clone()),
                Want::Demand | Want::Resume(_) | Want::Due(_) => None,
            },
            since: item.since,
            why: match &item.want {
                Want::Resume(running) => {
                    format!(
                        "run `{}` is to go on, until {}: {}",
                        running.run,
                        at(running.until),
                        self.why_waits(item)
                    )
                }
                _ => self.why_waits(item),
            },
        }
    }
}

/// Puts into a picture what a run, which goes on, knows of its modems.
pub fn overlay(status: &mut Status, state: &RunState) {
    let run = &state.header().run;
    let Some(bank) = status.banks.iter_mut().find(|bank| bank.bank == state.header().bank) else { return };
    let is_its = bank.run.as_ref() == Some(run);
    if let Some(plan) = status.plans.iter_mut().find(|plan| plan.run.as_ref() == Some(run)) {
        let counts = state.counts();
        plan.progress = Some(Progress { judged: counts.judged(), lines: counts.total() });
    }
    let calls: BTreeMap<&ModemId, _> =
        state.running().iter().map(|(call, running)| (&running.modem, (call, running))).collect();
    for figures in state.modems() {
        let Some(modem) = bank.modems.iter_mut().find(|modem| modem.modem == figures.header.id) else {
            continue;
        };
        if let Some((call, running)) = calls.get(&modem.modem) {
            modem.call = Some((*call).clone());
            // What is lent or being disabled is told as that; it is at work all the same.
            if !matches!(modem.stands, Stands::Lent | Stands::Disabled) {
                modem.stands = Stands::Working;
                modem.why = String::new();
            }
            if modem.stands == Stands::Disabled {
                modem.why = format!("{}; the call to `{}` is ended first", modem.why, running.line);
            }
            continue;
        }
        if !is_its || !matches!(modem.stands, Stands::SettingUp) {
            continue;
        }
        let Some(told) = figures.state else { continue };
        let (stands, why) = of_modem(told, &figures.detail);
        modem.stands = stands;
        modem.why = why;
    }
}

fn of_modem(told: ModemState, detail: &str) -> (Stands, String) {
    let with = |words: &str| if detail.is_empty() { words.to_owned() } else { format!("{words}: {detail}") };
    match told {
        ModemState::Ready | ModemState::Identified => {
            (Stands::Idle, "no line that may be dialed now waits for it".to_owned())
        }
        ModemState::Out => (Stands::Out, with("it can't be had just now, and is tried again")),
        ModemState::HangupUnproven => {
            (Stands::Out, with("its on-hook is not proven; it is set up again first"))
        }
        ModemState::Checking => (Stands::SettingUp, with("it is being checked")),
        ModemState::Quarantined => (Stands::Quarantined, with("it fails where others succeed")),
        ModemState::Down => (Stands::Down, with("it failed again and again, and is tried again slowly")),
        ModemState::Disabled => (Stands::Disabled, with("it is disabled")),
        ModemState::Lent => (Stands::Lent, with("it is lent to a technician's call")),
        ModemState::Wedged => (Stands::Down, with("it was tried often enough in this run")),
    }
}
