//! Numbers that may not be called for a while: by national rules, or because a modem refuses them by rules of its own.

use std::time::Duration;

use super::bench::{BARRED, weight};
use super::judge::Finding;
use super::lines::{Stage, Wait};
use super::{Scheduler, Timer};
use crate::model::{CallId, Fault, Mono};

impl Scheduler {
    /// A call to the number is over, and digits may have gone out.
    pub(super) fn note_redial(&mut self, now: Mono, number: usize, fault: Option<Fault>, through: bool) {
        self.numbers[number].redial.note(&self.redial, now, fault, through);
        if self.numbers[number].redial.until(now).is_some() {
            self.look_again(number);
        }
    }

    /// A modem refuses a number, for so long if it told: it does not dial it before that is over.
    pub(super) fn bar(&mut self, now: Mono, number: usize, modem: usize, refused_for: Option<Duration>) {
        let until = refused_for.map(|refused_for| now + refused_for);
        self.numbers[number].refused_by.insert(modem, until);
        if let Some(until) = until {
            self.timers.insert((until, Timer::Number(number)));
        }
        self.look_again(number);
    }

    /// Whether a modem refuses a number now.
    pub(super) fn is_barred(&self, number: usize, modem: usize) -> bool {
        match self.numbers[number].refused_by.get(&modem) {
            None => false,
            Some(None) => true,
            Some(Some(until)) => *until > self.now,
        }
    }

    /// What keeps the lines of a number has changed: those that are ready are queued anew.
    pub(super) fn look_again(&mut self, number: usize) {
        if self.closed.is_some() {
            return;
        }
        for line in self.numbers[number].lines.clone() {
            if self.lines[line].is_ready() && self.lines[line].number() == number {
                self.ready_again(line);
            }
        }
    }

    /// A line is ready for its next call, unless its number has had all that it may have meanwhile.
    pub(super) fn ready_again(&mut self, line: usize) {
        self.detach(line);
        self.enqueue(line);
    }

    /// Who refuses a number, if all do that could call it, and until when; no time if it is for good.
    pub(super) fn refused(&self, number: usize) -> Option<(Option<Mono>, String)> {
        if self.numbers[number].refused_by.is_empty() {
            return None;
        }
        let mut hopeful = self.bench.all_hopeful().peekable();
        hopeful.peek()?;
        let mut first: Option<Mono> = None;
        let mut by = Vec::new();
        for modem in hopeful {
            if !self.is_barred(number, modem) {
                return None;
            }
            by.push(format!("`{}`", self.bench.ids[modem]));
            if let Some(until) = self.numbers[number].refused_by.get(&modem).copied().flatten() {
                first = Some(first.map_or(until, |first| first.min(until)));
            }
        }
        let who = match by.as_slice() {
            [one] => format!("{one} refuses its number"),
            all => format!("{} refuse its number", all.join(", ")),
        };
        Some((first, who))
    }

    /// A modem is there again: it may call what all others refuse. Nothing to do where no line waits for such a one.
    pub(super) fn welcome(&mut self) {
        for number in self.refused_numbers.clone() {
            self.welcome_back(number);
        }
    }

    /// Lines that waited for a modem that does not refuse their number, if there is one now.
    fn welcome_back(&mut self, number: usize) {
        if self.refused(number).is_some() {
            return;
        }
        self.refused_numbers.remove(&number);
        for line in self.numbers[number].lines.clone() {
            let waits = matches!(self.lines[line].stage, Stage::Waiting { wait: Wait::Refused, .. });
            if waits && self.lines[line].number() == number {
                self.ready_again(line);
            }
        }
    }

    /// A modem refuses a number no longer.
    pub(super) fn unbar(&mut self, number: usize) {
        self.look_again(number);
        self.welcome_back(number);
    }

    /// A line that no modem will dial any more.
    pub(super) fn refused_for_good(&mut self, line: usize, who: &str) {
        let entry = &self.lines[line];
        let trial = entry.trials.iter().rfind(|trial| trial.fault == Some(Fault::ModemRefused));
        let detail = match trial {
            Some(trial) if !trial.detail.is_empty() => format!("{who}: {}", trial.detail),
            _ => who.to_owned(),
        };
        let call = trial.map(|trial| CallId::new(&entry.id, trial.attempt));
        self.conclude(line, Finding { fault: Some(Fault::ModemRefused), detail, call });
    }

    /// Lines that were queued for a modem that is gone now, and that all others refuse.
    pub(super) fn free_the_stranded(&mut self) {
        loop {
            let stranded = self.queue.barred().find_map(|(burden, rank)| {
                let nobody = self.bench.all_hopeful().all(|modem| weight(burden, modem) == BARRED);
                (nobody && self.refused(self.lines[rank.line].number()).is_some()).then_some(rank.line)
            });
            let Some(line) = stranded else { return };
            self.ready_again(line);
        }
    }
}
