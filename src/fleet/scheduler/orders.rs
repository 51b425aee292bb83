//! What the scheduler is told by whoever operates the run, and what it makes of it: stop, pause, modems in and out of
//! service or lent, lines left out. No line is blamed for any of it: a call that an order cuts off counts as not made.
//!
//! An order that meets a call recalls it first; what was ordered is done once the call is on-hook
//! ([`Scheduler::carry_out`], in every step before any line is given away).

use std::collections::BTreeMap;
use std::time::Duration;

use super::bench::State;
use super::judge::Finding;
use super::lines::Stage;
use super::spending::NO_MORE_CALLS;
use super::{Check, Decision, Scheduler, Timer};
use crate::fleet::order::{Loan, Order, Pause, Standing};
use crate::model::{Fault, LineId, ModemId, Mono};

/// Modems that may be asked for at a time; whoever comes then is refused.
const LENDS_MAX: usize = 64;
/// Longest that a modem is waited for beside the longest call, which may have to end first.
const LEND_MARGIN: Duration = Duration::from_secs(60);

/// What becomes of a modem once it is on-hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bid {
    /// Its worker ends, and its port is closed.
    Leave,
    /// Its worker ends, and another one sets it up.
    Restart,
}

/// Somebody waits for a modem.
#[derive(Debug)]
pub(super) struct Wanted {
    ticket: u64,
    loan: Loan,
    until: Mono,
}

/// What a lent modem holds: gates of numbers and groups.
#[derive(Debug, Default)]
pub(super) struct Held {
    gates: Vec<usize>,
    numbers: Vec<usize>,
}

/// All that was ordered and holds.
#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) paused: Option<Pause>,
    /// Why the run was ended.
    pub(super) stopped: Option<String>,
    /// What is to be done with which modem, once it is on-hook.
    bids: BTreeMap<usize, Bid>,
    /// Modems that are out of service, or will be once they are on-hook, and why.
    disabled: BTreeMap<usize, String>,
    /// Modems that are lent.
    lent: BTreeMap<usize, Held>,
    /// Who waits for one, first come first.
    wanted: Vec<Wanted>,
    /// Modems that would have been set up, but for the pause.
    put_off: Vec<usize>,
    /// Lines that are left out, and why.
    skipped: BTreeMap<usize, String>,
}

impl Orders {
    /// No call may begin.
    pub(super) const fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    pub(super) fn is_lent(&self, modem: usize) -> bool {
        self.lent.contains_key(&modem)
    }

    pub(super) fn is_disabled(&self, modem: usize) -> bool {
        self.disabled.contains_key(&modem)
    }

    pub(super) fn is_skipped(&self, line: usize) -> bool {
        self.skipped.contains_key(&line)
    }
}

impl Scheduler {
    /// Does what is ordered, or refuses it; whoever waits is answered by [`Decision::Answer`], or [`Decision::Lend`].
    pub(super) fn told(&mut self, now: Mono, ticket: u64, order: Order) {
        let answer = match order {
            Order::Stop { why, .. } => Ok(self.stop(why.unwrap_or_default())),
            Order::Drain { why } => Ok(self.stop(why)),
            Order::Pause { why, until } => self.hold_still(now, Pause { why, until }),
            Order::Resume if self.orders.is_paused() => {
                self.resume();
                Ok("the run goes on".to_owned())
            }
            Order::Resume => Err("the run is not paused".to_owned()),
            Order::Disable { modem, why } => self.modem_named(&modem).map(|at| self.disable(at, why)),
            Order::Enable { modem } => self.modem_named(&modem).and_then(|at| self.enable(at)),
            Order::Restart { modem, .. } => self.modem_named(&modem).and_then(|at| self.restart(at)),
            Order::Skip { line, why } => self.line_named(&line).map(|at| self.skip(at, why)),
            Order::Restore { line } => self.line_named(&line).and_then(|at| self.restore(now, at)),
            Order::Lend { numbers, line } => match self.want(now, ticket, Loan { numbers, line }) {
                Ok(()) => return,
                Err(why) => Err(why),
            },
            Order::TakeBack { modem } => self.modem_named(&modem).and_then(|at| self.take_home(at)),
        };
        self.decisions.push(Decision::Answer { ticket, answer });
    }

    fn modem_named(&self, id: &ModemId) -> Result<usize, String> {
        self.modem_index.get(id).copied().ok_or_else(|| format!("the run has no modem `{id}`"))
    }

    fn line_named(&self, id: &LineId) -> Result<usize, String> {
        self.line_index.get(id).copied().ok_or_else(|| format!("the run has no line `{id}`"))
    }

    /// What holds from the start.
    pub(super) fn stand(&mut self, standing: Standing) {
        let Standing { disabled, lent, skipped, paused } = standing;
        self.orders.paused = paused;
        for (id, why) in disabled {
            if let Some(&modem) = self.modem_index.get(&id) {
                self.orders.disabled.insert(modem, why);
                self.bench.send_away(modem);
            }
        }
        for (id, loan) in lent {
            if let Some(&modem) = self.modem_index.get(&id)
                && !self.orders.is_disabled(modem)
            {
                let held = self.held_by(&loan);
                self.bench.lend(modem);
                self.hand_out(modem, held);
            }
        }
        for (id, why) in skipped {
            if let Some(&line) = self.line_index.get(&id) {
                self.orders.skipped.insert(line, why);
            }
        }
    }

    // --- the run as a whole

    fn stop(&mut self, why: String) -> String {
        if !why.is_empty() {
            self.orders.stopped = Some(why);
        }
        self.close(Fault::Cancelled);
        let left = self.running + self.checking;
        match left {
            0 => "nothing is dialed any more".to_owned(),
            1 => "nothing is dialed any more; one call is ending".to_owned(),
            left => format!("nothing is dialed any more; {left} calls are ending"),
        }
    }

    /// Everybody who waits for a modem is told that none comes any more.
    pub(super) fn refuse_the_rest(&mut self, why: &str) {
        for wanted in std::mem::take(&mut self.orders.wanted) {
            self.decisions.push(Decision::Answer { ticket: wanted.ticket, answer: Err(why.to_owned()) });
        }
    }

    fn hold_still(&mut self, now: Mono, pause: Pause) -> Result<String, String> {
        if self.closed.is_some() {
            return Err("the run is ending: nothing is dialed any more".to_owned());
        }
        if pause.until.is_some_and(|until| until <= now) {
            return Err("a pause must end later than now".to_owned());
        }
        self.decisions.push(Decision::Paused { why: pause.why.clone(), until: pause.until });
        self.orders.paused = Some(pause);
        Ok(match self.running + self.checking {
            0 => "paused: no call begins".to_owned(),
            1 => "paused: no call begins; one is running and ends as it may".to_owned(),
            calls => format!("paused: no call begins; {calls} are running and end as they may"),
        })
    }

    /// When a pause ends by itself.
    pub(super) fn pause_ends(&self) -> Option<Mono> {
        self.orders.paused.as_ref().and_then(|pause| pause.until)
    }

    /// A pause is over: modems that were waited for meanwhile have their time anew.
    pub(super) fn resume(&mut self) {
        self.orders.paused = None;
        self.bench.forget_bareness();
        for modem in std::mem::take(&mut self.orders.put_off) {
            self.set_up_due(modem);
        }
        self.decisions.push(Decision::Resumed);
    }

    /// A modem that is out has had its pause.
    pub(super) fn set_up_due(&mut self, modem: usize) {
        if !matches!(self.bench.state(modem), State::Out { .. }) {
            return;
        }
        if self.orders.is_paused() {
            // Whoever maintains the bench has its cables in hand.
            self.orders.put_off.push(modem);
            return;
        }
        self.bench.set_up(modem);
        self.decisions.push(Decision::SetUp(self.bench.ids[modem].clone()));
    }

    // --- modems

    fn disable(&mut self, modem: usize, why: String) -> String {
        let id = self.bench.ids[modem].clone();
        if self.orders.disabled.insert(modem, why).is_some() {
            return format!("`{id}` was disabled already; this is why from now on");
        }
        if self.orders.is_lent(modem) {
            return format!("`{id}` is lent to a technician's call; it is disabled as soon as it is back");
        }
        self.bid(modem, Bid::Leave);
        match self.bench.state(modem) {
            State::InCall => format!("`{id}` is disabled; its call is ended first"),
            _ => format!("`{id}` is disabled"),
        }
    }

    fn enable(&mut self, modem: usize) -> Result<String, String> {
        let id = self.bench.ids[modem].clone();
        if self.orders.disabled.remove(&modem).is_none() {
            return Err(format!("`{id}` is not disabled"));
        }
        if self.orders.is_lent(modem) {
            return Ok(format!("`{id}` is enabled, and lent to a technician's call"));
        }
        if let Some(bid) = self.orders.bids.get_mut(&modem) {
            // Its call is on its way out: it comes back behind that.
            *bid = Bid::Restart;
            self.bench.bid(modem, Some(Bid::Restart));
        } else if self.closed.is_none() {
            self.bench.renew(modem);
            self.decisions.push(Decision::SetUp(id.clone()));
        }
        Ok(format!("`{id}` is enabled, and set up first"))
    }

    fn restart(&mut self, modem: usize) -> Result<String, String> {
        let id = self.bench.ids[modem].clone();
        if let Some(why) = self.orders.disabled.get(&modem) {
            let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
            return Err(format!("`{id}` is disabled{why}: enable it instead"));
        }
        if self.orders.is_lent(modem) {
            return Err(format!("`{id}` is lent to a technician's call"));
        }
        if self.closed.is_some() {
            return Err("the run is ending: nothing is dialed any more".to_owned());
        }
        self.bid(modem, Bid::Restart);
        Ok(match self.bench.state(modem) {
            State::InCall => format!("`{id}` is started again once its call is ended"),
            _ => format!("`{id}` is started again"),
        })
    }

    /// Something is to be done with a modem, once it is on-hook: a call on it ends first.
    fn bid(&mut self, modem: usize, bid: Bid) {
        self.orders.bids.insert(modem, bid);
        self.bench.bid(modem, Some(bid));
        if self.bench.state(modem) == State::InCall {
            self.call_off(modem);
        }
    }

    /// Ends what a modem is at, with nobody to blame. Whoever calls it, or is called by it for a check, ends too: neither can
    /// succeed alone.
    fn call_off(&mut self, modem: usize) {
        if let Some(line) = self.on_line[modem]
            && let Stage::Running { recalled, .. } = &mut self.lines[line].stage
        {
            *recalled = true;
        }
        let mut all = vec![modem];
        match &self.trust[modem].running {
            Some(Check::Peer(peer)) => all.extend(self.modem_index.get(peer)),
            Some(Check::DialTone | Check::Reference | Check::Line(_)) => {}
            None => {
                let calls = Check::Peer(self.bench.ids[modem].clone());
                all.extend(self.trust.iter().position(|trust| trust.running.as_ref() == Some(&calls)));
            }
        }
        for modem in all {
            self.trust[modem].recalled = self.trust[modem].running.is_some();
            self.decisions.push(Decision::Recall(self.bench.ids[modem].clone()));
        }
    }

    /// Does what was ordered of modems that are on-hook by now.
    pub(super) fn carry_out(&mut self) {
        let ready: Vec<(usize, Bid)> = self
            .orders
            .bids
            .iter()
            .filter(|&(&modem, _)| self.bench.state(modem) != State::InCall)
            .map(|(&modem, &bid)| (modem, bid))
            .collect();
        for (modem, bid) in ready {
            self.orders.bids.remove(&modem);
            self.bench.bid(modem, None);
            let id = self.bench.ids[modem].clone();
            match bid {
                Bid::Leave => {
                    self.bench.send_away(modem);
                    let why = self.orders.disabled.get(&modem).cloned().unwrap_or_default();
                    self.decisions.push(Decision::Dismiss { modem: id, why });
                }
                Bid::Restart => {
                    self.bench.renew(modem);
                    self.decisions.push(Decision::Restart(id));
                }
            }
        }
    }

    /// A worker can't be ended: it is stuck inside the system, and so is its port.
    pub(super) fn lost(&mut self, modem: usize, detail: String) {
        self.orders.bids.remove(&modem);
        self.bench.bid(modem, None);
        if self.orders.lent.contains_key(&modem) {
            self.give_back(modem);
        }
        if self.bench.state(modem) != State::Away && self.bench.give_up(modem) {
            let (modem, fault) = (self.bench.ids[modem].clone(), Fault::Internal);
            self.decisions.push(Decision::GiveUp { modem, fault, detail });
        }
    }

    // --- lines

    fn skip(&mut self, line: usize, why: String) -> String {
        let id = self.lines[line].id.clone();
        self.orders.skipped.insert(line, why);
        // Whoever calls it to check a modem does so no more.
        let checks = Check::Line(id.clone());
        if let Some(modem) = self.trust.iter().position(|trust| trust.running.as_ref() == Some(&checks)) {
            self.call_off(modem);
        }
        match &self.lines[line].stage {
            Stage::Judged { fault, .. } => {
                let found = fault.map_or("pass", Fault::code);
                format!("`{id}` has its verdict ({found}), and is not called again in this run")
            }
            &Stage::Running { modem, .. } => {
                self.call_off(modem);
                format!("`{id}` is skipped; its call is ended first")
            }
            Stage::New
            | Stage::Queued { .. }
            | Stage::Blocked { .. }
            | Stage::Waiting { .. }
            | Stage::Parked { .. } => {
                self.leave_out(line);
                format!("`{id}` is skipped")
            }
        }
    }

    /// Judges a line that is not in a call, and that is not to be dialed.
    pub(super) fn leave_out(&mut self, line: usize) {
        let why = self.orders.skipped.get(&line).map_or("", String::as_str);
        let detail = if why.is_empty() { "disabled".to_owned() } else { format!("disabled: {why}") };
        self.conclude(line, Finding { fault: Some(Fault::Skipped), detail, call: None });
    }

    fn restore(&mut self, now: Mono, line: usize) -> Result<String, String> {
        let id = self.lines[line].id.clone();
        let was = self.orders.skipped.remove(&line).is_some();
        match self.lines[line].stage {
            Stage::Judged { fault: Some(Fault::Skipped), .. } if self.closed.is_some() => {
                Err("the run is ending: nothing is dialed any more".to_owned())
            }
            Stage::Judged { fault: Some(Fault::Skipped), .. } => {
                self.lines[line].preset = None;
                self.reopen(line, "enabled again".to_owned());
                self.dispose(now, line);
                Ok(format!("`{id}` is dialed after all"))
            }
            _ if was => Ok(format!("`{id}` is no longer skipped")),
            _ => Err(format!("`{id}` is not skipped")),
        }
    }

    // --- modems that are lent

    fn want(&mut self, now: Mono, ticket: u64, loan: Loan) -> Result<(), String> {
        if self.closed.is_some() || self.finished {
            return Err("the run is ending: its bank is free in a moment".to_owned());
        }
        if self.orders.wanted.len() >= LENDS_MAX {
            return Err(format!("{LENDS_MAX} calls wait for a modem already"));
        }
        let numbers = self.held_by(&loan).numbers;
        if self.orders.lent.values().any(|held| held.numbers.iter().any(|number| numbers.contains(number))) {
            return Err("a technician's call to this number is going on".to_owned());
        }
        self.none_can_be_had()?;
        let until = now + self.room + LEND_MARGIN;
        self.timers.insert((until, Timer::Wanted));
        self.orders.wanted.push(Wanted { ticket, loan, until });
        Ok(())
    }

    /// Whether a modem may come free for a technician, and why not.
    fn none_can_be_had(&self) -> Result<(), String> {
        let lent = self.orders.lent.len();
        if self.bench.hopeful() > 0 || lent > 0 {
            return Ok(());
        }
        let all = |modem: usize| {
            let id = &self.bench.ids[modem];
            match self.bench.state(modem) {
                _ if self.orders.is_disabled(modem) => format!("`{id}` is disabled"),
                _ if self.bench.is_quarantined(modem) => format!("`{id}` is under quarantine"),
                State::Gone => format!("`{id}` is left alone"),
                State::InCall => format!("`{id}` is ending its call"),
                State::Out { .. } | State::SettingUp | State::Ready | State::Away => format!("`{id}` is out"),
            }
        };
        let told: Vec<String> = (0..self.bench.ids.len()).take(4).map(all).collect();
        let more = if self.bench.ids.len() > told.len() { ", .." } else { "" };
        Err(format!("no modem can be had: {}{more}", told.join(", ")))
    }

    fn held_by(&self, loan: &Loan) -> Held {
        let line = loan.line.as_ref().and_then(|line| self.line_index.get(line)).copied();
        let mut numbers: Vec<usize> =
            loan.numbers.iter().filter_map(|number| self.number_index.get(number)).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let groups = line.iter().flat_map(|&line| &self.lines[line].groups);
        let gates = numbers.iter().copied().chain(groups.map(|group| self.numbers.len() + group)).collect();
        Held { gates, numbers }
    }

    /// Gives modems that are free to those who wait for one, before any line gets them.
    pub(super) fn serve_wanted(&mut self, now: Mono) {
        let mut at = 0;
        while let Some(wanted) = self.orders.wanted.get(at) {
            let held = self.held_by(&wanted.loan);
            if wanted.until <= now {
                let ticket = self.orders.wanted.remove(at).ticket;
                let after = (self.room + LEND_MARGIN).as_secs();
                let why = format!("no modem came free for it within {after} s");
                self.decisions.push(Decision::Answer { ticket, answer: Err(why) });
                continue;
            }
            if let Some(why) = self.law_forbids(now, &held, wanted.until) {
                let ticket = self.orders.wanted.remove(at).ticket;
                self.decisions.push(Decision::Answer { ticket, answer: Err(why) });
                continue;
            }
            let Some(modem) = self.lendable(now, &held) else {
                at += 1;
                continue;
            };
            let Wanted { ticket, loan, .. } = self.orders.wanted.remove(at);
            self.bench.lend(modem);
            self.hand_out(modem, held);
            self.decisions.push(Decision::Lend {
                ticket,
                modem: self.bench.ids[modem].clone(),
                line: loan.line,
            });
        }
        if self.orders.wanted.is_empty() {
            return;
        }
        // Nobody waits for what can't come.
        if let Err(why) = self.none_can_be_had() {
            self.refuse_the_rest(&why);
        }
    }

    /// Why redial rules let nobody call these numbers as long as somebody waits for it. Whoever borrows a modem knows only of
    /// runs that are over: what this run has called, it must hold to itself.
    fn law_forbids(&self, now: Mono, held: &Held, patience: Mono) -> Option<String> {
        let counts = || held.numbers.iter().map(|&number| &self.numbers[number].redial);
        if counts().any(|count| count.is_spent(&self.redial)) {
            return Some(NO_MORE_CALLS.to_owned());
        }
        let until = counts().filter_map(|count| count.until(now)).max().filter(|until| *until > patience)?;
        Some(format!("redial rules leave its number alone for {} s more", until.since(now).as_secs()))
    }

    fn lendable(&mut self, now: Mono, held: &Held) -> Option<usize> {
        if !held.gates.iter().all(|&gate| self.gates.has_room(gate)) {
            return None;
        }
        let busy = held.numbers.iter().filter_map(|&number| {
            let entry = &self.numbers[number];
            entry.redial.until(now).max(entry.held.map(|(_, until)| until))
        });
        if let Some(until) = busy.filter(|until| *until > now).max() {
            // It would meet our own modem there, or come sooner than redial rules let it.
            self.timers.insert((until, Timer::Wanted));
            return None;
        }
        let barred = |modem: usize| held.numbers.iter().any(|&number| self.is_barred(number, modem));
        self.bench.free().find(|&modem| !self.bench.is_quarantined(modem) && !barred(modem))
    }

    fn hand_out(&mut self, modem: usize, held: Held) {
        let mut held = held;
        // Two that were lent before this run may share a number.
        held.gates.retain(|&gate| self.gates.has_room(gate));
        for &gate in &held.gates {
            self.gates.enter(gate);
        }
        self.orders.lent.insert(modem, held);
    }

    fn give_back(&mut self, modem: usize) {
        let Some(held) = self.orders.lent.remove(&modem) else { return };
        for gate in held.gates {
            self.gates.leave(gate);
            self.ajar.insert(gate);
        }
        let now = self.now;
        for number in held.numbers {
            // What it found is not known here; that it was called is, and counts before the law.
            self.note_redial(now, number, None, false);
        }
        self.bench.take_home(modem);
    }

    fn take_home(&mut self, modem: usize) -> Result<String, String> {
        let id = self.bench.ids[modem].clone();
        if !self.orders.is_lent(modem) {
            return Err(format!("`{id}` is not lent"));
        }
        self.give_back(modem);
        if let Some(why) = self.orders.disabled.get(&modem).cloned() {
            self.bench.send_away(modem);
            self.decisions.push(Decision::Dismiss { modem: id.clone(), why });
            return Ok(format!("`{id}` is given back, and disabled"));
        }
        if self.closed.is_none() {
            self.decisions.push(Decision::SetUp(id.clone()));
        }
        Ok(format!("`{id}` is given back"))
    }
}
