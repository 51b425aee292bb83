//! What an operator, a technician or a cluster manager says: carried out, or refused with the reason. Each ticket is answered
//! once: at once, or when a run has answered.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::held::at;
use super::jobs::Purpose;
use super::queue::{CALLS_WAITING_MAX, Item, Want};
use super::{Action, Keeper, Level, Ticket, done, refused, unknown};
use crate::config::problem::suggestion;
use crate::config::service::{LeadershipPlan, LoadedPlan, ROOMS};
use crate::fleet::order::Order;
use crate::model::{BankName, LineId, ModemId, PlanName, Role};
use crate::service::control::{Control, Refused, Subject};
use crate::service::durable::{Holds, Word};

/// Who asked for something that a run is told for it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) ticket: Ticket,
    /// What is done in any case.
    pub(super) said: String,
    modem: Option<ModemId>,
    line: Option<LineId>,
    /// Why, for the log alone; empty, or behind a blank and in brackets.
    pub(super) because: String,
}

impl Asked {
    /// Whether this order is what it was asked for.
    pub(super) fn fits(&self, order: &Order) -> bool {
        match order {
            Order::Disable { modem, .. } | Order::Enable { modem } => self.modem.as_ref() == Some(modem),
            Order::Skip { line, .. } | Order::Restore { line } => self.line.as_ref() == Some(line),
            _ => false,
        }
    }
}

/// What becomes of a word.
type Outcome = Result<Said, Refused>;

/// How it is answered.
enum Said {
    /// At once.
    Now(String),
    /// Later: whoever has the ticket sees to it.
    Later,
}

#[expect(clippy::unnecessary_wraps, reason = "it is what the arms of a word come to")]
fn now(said: impl Into<String>) -> Outcome {
    Ok(Said::Now(said.into()))
}

impl Keeper {
    pub(super) fn control(&mut self, ticket: Ticket, control: Control) {
        let level = if matches!(control, Control::EmergencyStop { .. }) { Level::Warn } else { Level::Info };
        let because = control.why().map(|why| format!(" ({why})")).unwrap_or_default();
        let outcome = if self.terminating.is_some() {
            Err(refused("the daemon is ending"))
        } else {
            match control {
                Control::Start { plan, anyway } => self.start(ticket, &plan, anyway),
                Control::Call { plan, line, anyway } => self.call(ticket, plan.as_ref(), line, anyway),
                Control::Stop { plan, why } => self.stop(plan.as_ref(), why),
                Control::Drain { plan, why } => self.drain(plan.as_ref(), why),
                Control::Pause { plan, until, why } => self.pause(plan.as_ref(), until, why),
                Control::Resume { plan } => self.resume(plan.as_ref()),
                Control::EmergencyStop { why } => self.emergency_stop(why),
                Control::Release => self.release(),
                Control::Restart { modem, bank } => self.restart(ticket, &modem, bank.as_ref()),
                Control::Enable { subject } => self.enable(ticket, subject),
                Control::Disable { subject, why } => self.disable(ticket, subject, why),
                Control::Role { role } => self.tell_role(role),
                Control::Log { room, level } => self.set_level(room, level),
                Control::Reload => {
                    self.reloads.push(ticket);
                    self.after.push(Action::Reload);
                    Ok(Said::Later)
                }
            }
        };
        if let Some(asked) = &mut self.asked {
            asked.because.clone_from(&because);
        }
        match outcome {
            Ok(Said::Now(said)) => {
                self.log(level, format!("{said}{because}"));
                self.reply(ticket, done(said));
            }
            Ok(Said::Later) => {}
            Err(why) => self.reply(ticket, Err(why)),
        }
    }

    fn word(&self, why: String) -> Word {
        Word { why, since: self.now.wall, until: None }
    }

    fn plan_named(&self, name: &PlanName) -> Result<LoadedPlan, Refused> {
        self.loaded.plan(name).cloned().ok_or_else(|| {
            let known = || self.loaded.plans.iter().map(|plan| plan.name().as_str());
            unknown(format!("there is no plan `{name}`{}", suggestion(name.as_str(), known())))
        })
    }

    fn start(&mut self, ticket: Ticket, name: &PlanName, anyway: bool) -> Outcome {
        let plan = self.plan_named(name)?;
        if let Some(held) = self.held(&plan, anyway) {
            return Err(refused(held.told()));
        }
        let job = self.jobs.values().find(|job| !job.is_call() && job.plan.name() == name);
        if let Some(job) = job {
            let which = job.run.as_ref().map_or_else(String::new, |(run, _)| format!(": run `{run}`"));
            return Err(refused(format!("plan `{name}` is run already{which}")));
        }
        if self.queue.find(|item| item.plan == *name && item.want == Want::Demand).is_some() {
            return Err(refused(format!("a run of plan `{name}` on demand waits already")));
        }
        // What was cut off is gone on with, at once, rather than begun anew; but for what has been tried, and can't go on.
        let may_go_on = |item: &Item| match &item.want {
            Want::Resume(running) => item.failures <= running.deaths,
            Want::Call(_) | Want::Demand | Want::Due(_) => false,
        };
        if let Some(item) = self.queue.iter_mut().find(|item| item.plan == *name && may_go_on(item)) {
            item.not_before = None;
            item.anyway |= anyway;
            let run = item.want.resumed().map(ToString::to_string).unwrap_or_default();
            if item.ticket.is_some() {
                return Err(refused(format!("run `{run}` is about to go on already")));
            }
            item.ticket = Some(ticket);
            return Ok(Said::Later);
        }
        let since = self.now.wall;
        self.memory(name).demanded = Some(since);
        self.queue.push(name.clone(), Want::Demand, since, |item| {
            item.anyway = anyway;
            item.ticket = Some(ticket);
        });
        Ok(Said::Later)
    }

    fn call(&mut self, ticket: Ticket, plan: Option<&PlanName>, line: LineId, anyway: bool) -> Outcome {
        let plan = self.plan_with(plan, &line)?;
        if let Some(held) = self.held(&plan, anyway) {
            return Err(refused(held.told()));
        }
        if let Some(planned) = plan.plan.line(&line)
            && planned.ways.is_empty()
        {
            let why = planned
                .preset
                .as_ref()
                .map_or("it has no number that may be dialed", |preset| preset.detail.as_str());
            return Err(refused(format!("`{line}` can't be dialed: {why}")));
        }
        if plan.plan.line(&line).is_some_and(|planned| !planned.enabled) {
            return Err(refused(format!("`{line}` is disabled in `{}`", plan.plan.path.display())));
        }
        let off = self.durable.plans.get(plan.name()).and_then(|memory| memory.lines.get(&line));
        if let Some(word) = off {
            return Err(refused(format!(
                "`{line}` is {}; enable it first",
                super::jobs::by_operator(&word.why)
            )));
        }
        let is_it = |want: &Want| matches!(want, Want::Call(other) if *other == line);
        let calls = self
            .jobs
            .values()
            .filter(|job| matches!(&job.what, super::What::Call { line: other, .. } if *other == line));
        if calls.into_iter().any(|job| job.plan.name() == plan.name()) {
            return Err(refused(format!("a call to `{line}` goes on already")));
        }
        if self.queue.find(|item| item.plan == *plan.name() && is_it(&item.want)).is_some() {
            return Err(refused(format!("a call to `{line}` waits already")));
        }
        if self.queue.iter().filter(|item| item.want.is_call()).count() >= CALLS_WAITING_MAX {
            return Err(refused(format!("{CALLS_WAITING_MAX} calls wait already")));
        }
        let since = self.now.wall;
        self.queue.push(plan.name().clone(), Want::Call(line), since, |item| {
            item.anyway = anyway;
            item.ticket = Some(ticket);
        });
        Ok(Said::Later)
    }

    /// The plan that has a line.
    fn plan_with(&self, plan: Option<&PlanName>, line: &LineId) -> Result<LoadedPlan, Refused> {
        if let Some(name) = plan {
            let plan = self.plan_named(name)?;
            if plan.plan.line(line).is_none() {
                let known = plan.plan.lines.iter().map(|planned| planned.line.id.as_str());
                let near = suggestion(line.as_str(), known);
                return Err(unknown(format!("plan `{name}` has no line `{line}`{near}")));
            }
            return Ok(plan);
        }
        let having: Vec<&LoadedPlan> =
            self.loaded.plans.iter().filter(|plan| plan.plan.line(line).is_some()).collect();
        match having.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                let known = self.loaded.plans.iter().flat_map(|plan| plan.plan.lines.iter());
                let near = suggestion(line.as_str(), known.map(|planned| planned.line.id.as_str()));
                Err(unknown(format!("no plan has a line `{line}`{near}")))
            }
            several => {
                let names: Vec<&str> = several.iter().map(|plan| plan.name().as_str()).collect();
                Err(refused(format!("`{line}` is in the plans {}; say which", names.join(", "))))
            }
        }
    }

    /// The bank that has a modem.
    fn bank_with(&self, bank: Option<&BankName>, modem: &ModemId) -> Result<LoadedPlan, Refused> {
        let mut banks: BTreeMap<&BankName, &LoadedPlan> = BTreeMap::new();
        for plan in &self.loaded.plans {
            banks.entry(plan.bank()).or_insert(plan);
        }
        let has = |plan: &LoadedPlan| plan.plan.bank.modems.iter().any(|known| known.id == *modem);
        if let Some(name) = bank {
            let Some(plan) = banks.get(name) else {
                let near = suggestion(name.as_str(), banks.keys().map(|bank| bank.as_str()));
                return Err(unknown(format!("there is no bank `{name}`{near}")));
            };
            if !has(plan) {
                return Err(unknown(format!("bank `{name}` has no modem `{modem}`")));
            }
            return Ok((*plan).clone());
        }
        let having: Vec<&LoadedPlan> = banks.into_values().filter(|plan| has(plan)).collect();
        match having.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err(unknown(format!("no bank has a modem `{modem}`"))),
            several => {
                let names: Vec<&str> = several.iter().map(|plan| plan.bank().as_str()).collect();
                Err(refused(format!("`{modem}` is in the banks {}; say which", names.join(", "))))
            }
        }
    }

    /// The holds of a plan, or of all.
    fn holds(&mut self, plan: Option<&PlanName>) -> Result<(String, &mut Holds), Refused> {
        match plan {
            None => Ok(("the daemon".to_owned(), &mut self.durable.daemon)),
            Some(name) => {
                self.plan_named(name)?;
                let who = format!("plan `{name}`");
                Ok((who, &mut self.memory(name).holds))
            }
        }
    }

    /// Takes out what waits of a plan, or all.
    fn empty_queue(&mut self, plan: Option<&PlanName>, why: &str) -> usize {
        let items: Vec<Item> = self.queue.take_all(|item| plan.is_none_or(|plan| item.plan == *plan));
        let many = items.len();
        for item in items {
            self.drop_item(&item, why);
        }
        many
    }

    fn stop(&mut self, plan: Option<&PlanName>, why: String) -> Outcome {
        let because = if why.is_empty() { String::new() } else { format!(": {why}") };
        let Some(name) = plan else {
            let word = self.word(why);
            self.durable.daemon.stopped = Some(word);
            let waited = self.empty_queue(None, &format!("the daemon was stopped{because}"));
            let runs = self.jobs.len();
            return now(format!("the daemon is stopped: {}, until it is resumed", ends(runs, waited)));
        };
        // A plan that is gone from the configuration may still have a run, which is to be stopped like any other.
        if self.jobs.values().all(|job| job.plan.name() != name) {
            self.plan_named(name)?;
        }
        let words = format!("stopped by an operator{because}");
        let waited = self.empty_queue(Some(name), &words);
        let mut runs = 0;
        for job in self.jobs.values_mut().filter(|job| job.plan.name() == name) {
            runs += 1;
            job.stopped.get_or_insert_with(|| words.clone());
        }
        if runs + waited == 0 {
            return Err(refused(format!("of plan `{name}` nothing runs and nothing waits")));
        }
        now(format!("of plan `{name}` {}; it begins again when it is due next", ends(runs, waited)))
    }

    fn drain(&mut self, plan: Option<&PlanName>, why: String) -> Outcome {
        let word = self.word(why);
        let (who, holds) = self.holds(plan)?;
        holds.drained = Some(word);
        now(format!("{who} is drained: calls that go on end as they may, nothing begins until it is resumed"))
    }

    fn pause(&mut self, plan: Option<&PlanName>, until: Option<Timestamp>, why: String) -> Outcome {
        if let Some(until) = until.filter(|until| *until <= self.now.wall) {
            return Err(refused(format!("{} is past", at(until))));
        }
        let word = Word { until, ..self.word(why) };
        let (who, holds) = self.holds(plan)?;
        holds.paused = Some(word);
        // Who wanted something although it was paused knew of an earlier pause, not of this one.
        let fits = |name: &PlanName| plan.is_none_or(|plan| plan == name);
        for job in self.jobs.values_mut().filter(|job| fits(job.plan.name())) {
            job.anyway = false;
        }
        for item in self.queue.iter_mut().filter(|item| fits(&item.plan)) {
            item.anyway = false;
        }
        let until =
            until.map_or_else(|| "until it is resumed".to_owned(), |until| format!("until {}", at(until)));
        now(format!("{who} is paused {until}: calls that go on end as they may"))
    }

    fn resume(&mut self, plan: Option<&PlanName>) -> Outcome {
        let emergency = self.durable.emergency.is_some();
        let daemon = self.daemon_held();
        let (who, holds) = self.holds(plan)?;
        let mut over: Vec<&str> = Vec::new();
        for (hold, word) in
            [(&mut holds.paused, "paused"), (&mut holds.drained, "drained"), (&mut holds.stopped, "stopped")]
        {
            if hold.take().is_some() {
                over.push(word);
            }
        }
        if over.is_empty() {
            let but = match (plan, daemon) {
                (Some(_), Some(held)) => format!("; but {}", held.told()),
                (None, _) if emergency => "; an emergency stop is in force, which `release` ends".to_owned(),
                _ => String::new(),
            };
            return Err(refused(format!("{who} is not paused, drained or stopped{but}")));
        }
        let still = match (plan, self.daemon_held()) {
            (_, None) => String::new(),
            (_, Some(held)) => format!("; but {}", held.told()),
        };
        now(format!("{who} is no longer {}{still}", over.join(" nor ")))
    }

    /// Ends the pauses whose time has come.
    pub(super) fn end_pauses(&mut self) {
        let now = self.now.wall;
        let over = |holds: &mut Holds| {
            holds.paused.take_if(|word| word.until.is_some_and(|until| until <= now)).is_some()
        };
        let mut ended: Vec<String> = Vec::new();
        if over(&mut self.durable.daemon) {
            ended.push("the pause of the daemon is over".to_owned());
        }
        for (name, memory) in &mut self.durable.plans {
            if over(&mut memory.holds) {
                ended.push(format!("the pause of plan `{name}` is over"));
            }
        }
        for words in ended {
            self.log(Level::Info, words);
        }
    }

    fn emergency_stop(&mut self, why: String) -> Outcome {
        let because = if why.is_empty() { String::new() } else { format!(": {why}") };
        let word = self.word(why);
        // The first one's reason stands.
        self.durable.emergency.get_or_insert(word);
        let waited = self.empty_queue(None, &format!("emergency stop{because}"));
        let runs = self.jobs.len();
        now(format!(
            "emergency stop: {}, everything hangs up; nothing is dialed until it is released, over restarts too",
            ends(runs, waited)
        ))
    }

    fn release(&mut self) -> Outcome {
        if self.durable.emergency.take().is_none() {
            return Err(refused("no emergency stop is in force"));
        }
        let still = self.daemon_held().map(|held| format!("; but {}", held.told())).unwrap_or_default();
        now(format!("the emergency stop is over{still}"))
    }

    fn restart(&mut self, ticket: Ticket, modem: &ModemId, bank: Option<&BankName>) -> Outcome {
        let plan = self.bank_with(bank, modem)?;
        if let Some(why) = self.modems_off(&plan).get(modem) {
            return Err(refused(format!("`{modem}` is {why}")));
        }
        let fits = |job: &super::Job| {
            job.bank() == plan.bank()
                && job.borrowed().is_none_or(|borrowed| borrowed == modem)
                && job.run.is_some()
        };
        // Whoever has borrowed it has it now.
        let having =
            self.jobs.iter().filter(|(_, job)| fits(job)).max_by_key(|(_, job)| job.borrowed().is_some());
        let Some((job, _)) = having.map(|(id, job)| (*id, job)) else {
            let bank = plan.bank();
            return Err(refused(format!(
                "no run has bank `{bank}`: the port of `{modem}` is closed, and there is nothing to restart"
            )));
        };
        let why = "restarted by an operator".to_owned();
        let (bank, modem) = (plan.bank().clone(), modem.clone());
        let purpose = Purpose::Restart { ticket, bank, modem: modem.clone() };
        self.order(job, Order::Restart { modem, why }, purpose);
        Ok(Said::Later)
    }

    fn disable(&mut self, ticket: Ticket, subject: Subject, why: String) -> Outcome {
        let word = self.word(why);
        match subject {
            Subject::Daemon { .. } => {
                self.durable.daemon.disabled = Some(word);
                let waited = self.empty_queue(None, "the daemon was disabled");
                now(format!("the daemon is disabled: {}", ends(self.jobs.len(), waited)))
            }
            Subject::Plan { plan } => {
                self.plan_named(&plan)?;
                self.memory(&plan).holds.disabled = Some(word);
                let waited = self.empty_queue(Some(&plan), "its plan was disabled");
                let runs = self.jobs.values().filter(|job| *job.plan.name() == plan).count();
                now(format!("plan `{plan}` is disabled: {}", ends(runs, waited)))
            }
            Subject::Modem { modem, bank } => {
                let bank = self.bank_with(bank.as_ref(), &modem)?.bank().clone();
                self.durable.modems.entry(bank.clone()).or_default().insert(modem.clone(), word);
                let said = format!("`{modem}` of bank `{bank}` is disabled");
                self.asked =
                    Some(Asked { ticket, said, modem: Some(modem), line: None, because: String::new() });
                Ok(Said::Later)
            }
            Subject::Line { line, plan } => {
                let plan = self.plan_with(plan.as_ref(), &line)?.name().clone();
                self.memory(&plan).lines.insert(line.clone(), word);
                let is_it = |item: &Item| item.plan == plan && item.want == Want::Call(line.clone());
                for item in self.queue.take_all(is_it) {
                    self.drop_item(&item, "the line was disabled");
                }
                let said = format!("`{line}` of plan `{plan}` is disabled");
                self.asked =
                    Some(Asked { ticket, said, modem: None, line: Some(line), because: String::new() });
                Ok(Said::Later)
            }
        }
    }

    fn enable(&mut self, ticket: Ticket, subject: Subject) -> Outcome {
        let in_file = |what: String, path: &std::path::Path| {
            Err(refused(format!(
                "{what} is disabled in `{}`, and only that file can enable it",
                path.display()
            )))
        };
        let already = |what: &str| now(format!("{what} is enabled already"));
        match subject {
            Subject::Daemon { .. } => {
                if !self.loaded.service.enabled {
                    return in_file("the daemon".to_owned(), &self.loaded.service.path);
                }
                match self.durable.daemon.disabled.take() {
                    Some(_) => now("the daemon is enabled"),
                    None => already("the daemon"),
                }
            }
            Subject::Plan { plan } => {
                let loaded = self.plan_named(&plan)?;
                if !loaded.entry.enabled {
                    return in_file(format!("plan `{plan}`"), &self.loaded.service.path);
                }
                match self.memory(&plan).holds.disabled.take() {
                    Some(_) => now(format!("plan `{plan}` is enabled")),
                    None => already(&format!("plan `{plan}`")),
                }
            }
            Subject::Modem { modem, bank } => {
                let loaded = self.bank_with(bank.as_ref(), &modem)?;
                let bank = &loaded.plan.bank;
                if bank.modems.iter().any(|known| known.id == modem && !known.enabled) {
                    return in_file(format!("`{modem}`"), &bank.path);
                }
                let modems = self.durable.modems.entry(bank.name.clone()).or_default();
                let was = modems.remove(&modem).is_some();
                if modems.is_empty() {
                    self.durable.modems.remove(&bank.name);
                }
                if !was {
                    return already(&format!("`{modem}`"));
                }
                let said = format!("`{modem}` of bank `{}` is enabled", bank.name);
                self.asked =
                    Some(Asked { ticket, said, modem: Some(modem), line: None, because: String::new() });
                Ok(Said::Later)
            }
            Subject::Line { line, plan } => {
                let loaded = self.plan_with(plan.as_ref(), &line)?;
                if loaded.plan.line(&line).is_some_and(|planned| !planned.enabled) {
                    return in_file(format!("`{line}`"), &loaded.plan.path);
                }
                let name = loaded.name().clone();
                if self.memory(&name).lines.remove(&line).is_none() {
                    return already(&format!("`{line}`"));
                }
                let said = format!("`{line}` of plan `{name}` is enabled");
                self.asked =
                    Some(Asked { ticket, said, modem: None, line: Some(line), because: String::new() });
                Ok(Said::Later)
            }
        }
    }

    fn tell_role(&mut self, role: Role) -> Outcome {
        match &self.loaded.service.leadership {
            LeadershipPlan::Told(_) => {
                self.after.push(Action::Tell(role));
                now(format!("this daemon is {role}"))
            }
            LeadershipPlan::Always => Err(refused(
                "this daemon has no peers and is always the primary (`leadership: always`); write `leadership: { told: { initial: none } }` for a role that is told",
            )),
            LeadershipPlan::Lock(path) => {
                let path = path.display();
                Err(refused(format!("its role is that of the lock on `{path}`, and can't be told")))
            }
        }
    }

    fn set_level(&mut self, room: Option<String>, level: Option<Level>) -> Outcome {
        let room = room.filter(|room| room != "default").unwrap_or_default();
        if !room.is_empty() && !ROOMS.contains(&room.as_str()) {
            let near = suggestion(&room, ROOMS);
            return Err(unknown(format!("there is no room `{room}`{near}; there are {}", ROOMS.join(", "))));
        }
        match level {
            Some(level) => drop(self.levels.insert(room.clone(), level)),
            None => drop(self.levels.remove(&room)),
        }
        let levels = self.effective_levels();
        self.after.push(Action::Levels(levels.clone()));
        let who = if room.is_empty() { "the log".to_owned() } else { format!("the log of `{room}`") };
        let is = levels.get(&room).or_else(|| levels.get("")).copied().unwrap_or(Level::Info);
        let by = if level.is_some() { "until the daemon ends" } else { "as the configuration says" };
        now(format!("{who} is at {is}, {by}"))
    }

    /// What is logged: what the file says, and over it what an operator said.
    pub(super) fn effective_levels(&self) -> BTreeMap<String, Level> {
        let log = &self.loaded.service.log;
        let mut levels = log.rooms.clone();
        levels.insert(String::new(), log.default);
        levels.extend(self.levels.iter().map(|(room, level)| (room.clone(), *level)));
        levels
    }

    /// Answers who asked for what no run had to be told, and whose run or call has to wait.
    pub(super) fn answer(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.log(Level::Info, format!("{}{}", asked.said, asked.because));
            self.reply(asked.ticket, done(asked.said));
        }
        let waiting: Vec<(u64, Ticket)> = self
            .queue
            .iter()
            .filter(|item| item.lending.is_none())
            .filter_map(|item| Some((item.number, item.ticket?)))
            .collect();
        for (number, ticket) in waiting {
            let Some(item) = self.queue.get_mut(number) else { continue };
            item.ticket = None;
            let item = item.clone();
            let what = match &item.want {
                Want::Call(line) => format!("the call to `{line}` waits"),
                _ => format!("the run of plan `{}` waits", item.plan),
            };
            let said = format!("{what}: {}", self.why_waits(&item));
            self.log(Level::Info, said.clone());
            self.reply(ticket, done(said));
        }
    }
}

/// What ends, in words.
fn ends(runs: usize, waited: usize) -> String {
    let many = |n: usize, one: &str, more: &str| match n {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        n => format!("{n} {more}"),
    };
    format!(
        "{} ended, {} taken out of the queue",
        many(runs, "run is", "runs are"),
        many(waited, "is", "are").replace("no is", "nothing is")
    )
}
