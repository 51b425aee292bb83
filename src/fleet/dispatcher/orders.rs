//! What the run is told meanwhile, and what that asks of its workers: calls that are called off, workers that end and come
//! back, modems that are lent; and workers that are past every limit.
//!
//! What an order does to lines and modems is the scheduler's to say. No wait here is without a limit: a worker that does not
//! end is ended, and one that does not even end then is stuck inside the system; its modem is out, and nobody waits for it.

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, Id};

use super::{LineBook, Run, Worker};
use crate::call::CallSpec;
use crate::call::machine::Cancel;
use crate::console::handover::HandoverLimits;
use crate::fleet::order::{Answer, Done, Order, Refused, Told};
use crate::fleet::scheduler::Input;
use crate::fleet::worker::{self, Command, OpenPort};
use crate::model::event::{Ending, ModemState};
use crate::model::{EventKind, LineId, ModemId, Mono};

/// Beside all its limits, before a worker counts as stuck.
const STUCK_MARGIN: Duration = Duration::from_secs(30);
/// Longest that a worker which is not in a call may take to end: its port is closed, a reset hook that runs is let finish.
const LEAVE_LIMIT: Duration = Duration::from_secs(45);
/// Longest that a worker which was ended may live on.
const ABORT_LIMIT: Duration = Duration::from_secs(2);

/// Who waits for an answer, and what is told in the journal where it is a good one.
pub(super) struct Asked {
    reply: Option<oneshot::Sender<Answer>>,
    notice: Option<String>,
}

/// What happens once a worker has ended.
#[derive(Debug)]
pub(super) enum After {
    /// Its modem is out of service.
    Disabled { why: String },
    /// Another one takes its place; the modem may be online.
    Restart,
    /// Its modem is lent.
    Lent { ticket: u64, line: Option<LineId> },
}

/// How a worker stands to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Within it.
    No,
    /// Past it, for a moment.
    Late,
    /// It was ended.
    Ended,
}

/// A worker that was told to end.
pub(super) struct Leaving {
    task: Id,
    abort: AbortHandle,
    pub(super) cancel: watch::Sender<Option<Cancel>>,
    aborted: bool,
    limit: Mono,
    after: After,
}

impl<O: OpenPort, B: LineBook> Run<'_, O, B> {
    /// Takes an order; it is answered once it is done or refused.
    pub(super) fn told(&mut self, told: Told) {
        let Told { order, reply } = told;
        self.tickets += 1;
        let ticket = self.tickets;
        let because = |why: &str| if why.is_empty() { String::new() } else { format!(": {why}") };
        let mut notice = None;
        match &order {
            Order::Stop { how, why } => {
                notice = why.as_deref().map(|why| format!("the run is stopped{}", because(why)));
                self.ending = Ending::Interrupted;
                self.cancel_all(*how);
            }
            Order::Drain { why } => {
                notice = Some(format!("the run ends with the calls that are running{}", because(why)));
                self.ending = Ending::Interrupted;
            }
            Order::Restart { modem, why } => {
                notice = Some(format!("modem `{modem}` is started again{}", because(why)));
            }
            Order::Pause { .. }
            | Order::Resume
            | Order::Disable { .. }
            | Order::Enable { .. }
            | Order::Skip { .. }
            | Order::Restore { .. }
            | Order::Lend { .. }
            | Order::TakeBack { .. } => {}
        }
        self.asked.insert(ticket, Asked { reply, notice });
        self.step(Input::Told { ticket, order });
    }

    /// What became of an order.
    pub(super) fn answer(&mut self, ticket: u64, answer: Result<String, String>) {
        let Some(Asked { reply, notice }) = self.asked.remove(&ticket) else { return };
        if answer.is_ok()
            && let Some(text) = notice
        {
            self.emit(EventKind::Notice { text });
        }
        if let Some(reply) = reply {
            // Whoever asked may be gone.
            let _ = reply.send(answer.map(Done::Said).map_err(Refused));
        }
    }

    /// Nobody is left without an answer.
    pub(super) fn answer_the_rest(&mut self) {
        for asked in std::mem::take(&mut self.asked).into_values() {
            if let Some(reply) = asked.reply {
                let _ = reply.send(Err(Refused("the run has ended".to_owned())));
            }
        }
    }

    /// Ends all calls; a milder word than the last one changes nothing.
    pub(super) fn cancel_all(&mut self, how: Cancel) {
        self.cancel = self.cancel.max(Some(how));
        let all = self.workers.values().map(|worker| &worker.cancel);
        for cancel in all.chain(self.leaving.values().map(|leaving| &leaving.cancel)) {
            cancel.send_if_modified(|now| {
                let worse = now.is_none_or(|before| before < how);
                if worse {
                    *now = Some(how);
                }
                worse
            });
        }
    }

    /// Ends what one modem is at. A call whose password is on its way hears first what becomes of it: else that would count as
    /// refused, for every line that has the same.
    pub(super) fn call_off(&mut self, modem: &ModemId) {
        let Some(worker) = self.workers.get_mut(modem) else { return };
        if worker.call.as_ref().is_some_and(|running| running.password_sent && !running.judged) {
            worker.recalled = true;
        } else {
            worker.cancel.send_if_modified(|now| now.is_none() && now.replace(Cancel::LogOut).is_none());
        }
    }

    /// The console has said what it makes of the password.
    pub(super) fn password_judged(&mut self, modem: &ModemId) {
        let Some(worker) = self.workers.get_mut(modem) else { return };
        if let Some(running) = &mut worker.call {
            running.judged = true;
        }
        if std::mem::take(&mut worker.recalled) {
            self.call_off(modem);
        }
    }

    /// What a modem was at is over: nothing of what was called off is left, and no limit runs.
    pub(super) fn at_rest(&mut self, modem: &ModemId) {
        let cancel = self.cancel;
        let Some(worker) = self.workers.get_mut(modem) else { return };
        worker.recalled = false;
        worker.overdue = Overdue::No;
        worker.cancel.send_if_modified(|now| std::mem::replace(now, cancel) != cancel);
        if let Some(limit) = worker.limit.take() {
            self.limits.remove(&(limit, modem.clone()));
        }
    }

    // --- workers come and go

    /// Sets a modem up, with a new worker if it has none.
    pub(super) fn set_up(&mut self, modem: &ModemId) {
        if self.stuck.values().any(|stuck| stuck == modem) {
            let detail = "its last worker is still stuck inside the system".to_owned();
            return self.step(Input::Lost { modem: modem.clone(), detail });
        }
        if let Some(leaving) = self.leaving.get_mut(modem) {
            let before = std::mem::replace(&mut leaving.after, After::Restart);
            if let After::Lent { ticket, .. } = before {
                self.answer(ticket, Err("it was taken back before it was handed over".to_owned()));
            }
            return;
        }
        if !self.workers.contains_key(modem)
            && let Some(seat) = self.seats.get(modem).cloned()
        {
            // Nobody has seen what became of it since.
            self.hire(seat, None, true);
        }
        let longest = self.seats.get(modem).map(worker::longest_setup).unwrap_or_default();
        self.command(modem, Command::SetUp, longest);
    }

    /// A modem's worker, which is in no call, ends.
    pub(super) fn dismiss(&mut self, modem: &ModemId, after: After) {
        if let Some(leaving) = self.leaving.get_mut(modem) {
            leaving.after = after;
            return;
        }
        self.at_rest(modem);
        let Some(worker) = self.workers.remove(modem) else { return self.left(modem, after) };
        let Worker { seat, commands, cancel, task, abort, .. } = worker;
        // A set-up that runs is of no use any more.
        cancel.send_if_modified(|now| now.is_none() && now.replace(Cancel::LogOut).is_none());
        drop(commands);
        let limit = self.clock.now() + LEAVE_LIMIT + seat.on_hook_min;
        self.limits.insert((limit, modem.clone()));
        let leaving = Leaving { task, abort, cancel, aborted: false, limit, after };
        self.leaving.insert(modem.clone(), leaving);
    }

    /// A worker that was told to end has ended. Whether it was one.
    pub(super) fn has_left(&mut self, task: Id, modem: &ModemId) -> bool {
        if self.leaving.get(modem).is_none_or(|leaving| leaving.task != task) {
            return false;
        }
        if let Some(leaving) = self.leaving.remove(modem) {
            self.limits.remove(&(leaving.limit, modem.clone()));
            self.left(modem, leaving.after);
        }
        true
    }

    fn left(&mut self, modem: &ModemId, after: After) {
        match after {
            After::Disabled { why } => self.modem(modem.clone(), ModemState::Disabled, None, why),
            After::Restart => {
                if let Some(seat) = self.seats.get(modem).cloned() {
                    // What its last call left is not known any more.
                    self.hire(seat, None, true);
                }
                self.set_up(modem);
            }
            After::Lent { ticket, line } => {
                self.modem(modem.clone(), ModemState::Lent, None, lent_text(line.as_ref()));
                if let Some(Asked { reply: Some(reply), .. }) = self.asked.remove(&ticket)
                    && reply.send(Ok(Done::Lent(modem.clone()))).is_err()
                {
                    // Whoever wanted it is gone: it comes back by itself.
                    let order = Order::TakeBack { modem: modem.clone() };
                    self.told(Told { order, reply: None });
                }
            }
        }
    }

    // --- limits

    /// The next limit of a worker.
    pub(super) fn next_limit(&self) -> Option<Mono> {
        self.limits.first().map(|(at, _)| *at)
    }

    /// Ends workers that are past every limit; lines are not to blame for that.
    pub(super) fn watch_workers(&mut self) {
        while let Some((at, modem)) = self.limits.first().cloned()
            && at <= self.clock.now()
        {
            self.limits.pop_first();
            let again = self.clock.now() + ABORT_LIMIT;
            if let Some(leaving) = self.leaving.get_mut(&modem) {
                if std::mem::replace(&mut leaving.aborted, true) {
                    self.bury_leaving(&modem);
                    continue;
                }
                tracing::warn!(%modem, "its worker does not end: it is ended");
                leaving.abort.abort();
                leaving.limit = again;
            } else if let Some(worker) = self.workers.get_mut(&modem) {
                match worker.overdue {
                    // A host that stood still wakes with all limits at once: its own come first.
                    Overdue::No => worker.overdue = Overdue::Late,
                    Overdue::Late => {
                        tracing::error!(%modem, "its worker is past every limit: it is ended");
                        worker.abort.abort();
                        worker.overdue = Overdue::Ended;
                    }
                    Overdue::Ended => {
                        self.bury(&modem);
                        continue;
                    }
                }
                worker.limit = Some(again);
            } else {
                continue;
            }
            self.limits.insert((again, modem));
        }
    }

    /// A worker does not end even when it is ended: it is stuck inside the system, and its modem with it.
    fn bury(&mut self, modem: &ModemId) {
        let Some(worker) = self.workers.remove(modem) else { return };
        self.task_modems.remove(&worker.task);
        self.stuck.insert(worker.task, modem.clone());
        let detail = "its worker is stuck inside the system, and could not be ended".to_owned();
        self.died(modem, worker, &detail);
        self.step(Input::Lost { modem: modem.clone(), detail });
    }

    fn bury_leaving(&mut self, modem: &ModemId) {
        let Some(leaving) = self.leaving.remove(modem) else { return };
        self.task_modems.remove(&leaving.task);
        self.stuck.insert(leaving.task, modem.clone());
        let detail = "its worker is stuck inside the system: its port could not be closed".to_owned();
        match leaving.after {
            After::Lent { ticket, .. } => self.answer(ticket, Err(format!("`{modem}`: {detail}"))),
            After::Disabled { why } => self.modem(modem.clone(), ModemState::Disabled, None, why),
            After::Restart => {}
        }
        self.step(Input::Lost { modem: modem.clone(), detail });
    }

    /// The longest that a call can take with its worker, the time on-hook before it included.
    pub(super) fn longest_call(&self, modem: &ModemId, spec: &CallSpec) -> Duration {
        let rest = self.seats.get(modem).map(|seat| seat.on_hook_min).unwrap_or_default();
        let room = spec.limits.room(spec.dialog.as_deref(), &spec.consoles);
        // A technician may keep the console, or have the checks made again.
        let aside =
            if spec.tap.is_some() { HandoverLimits::default().whole * 2 + room } else { Duration::ZERO };
        rest + room + aside
    }

    /// A worker is to be at rest again by then.
    pub(super) fn limit(&mut self, modem: &ModemId, longest: Duration) {
        let at = self.clock.now() + longest + STUCK_MARGIN;
        let Some(worker) = self.workers.get_mut(modem) else { return };
        if let Some(before) = worker.limit.replace(at) {
            self.limits.remove(&(before, modem.clone()));
        }
        self.limits.insert((at, modem.clone()));
    }
}

/// What is told of a modem that is lent.
pub(super) fn lent_text(line: Option<&LineId>) -> String {
    line.map_or_else(
        || "to a technician's call".to_owned(),
        |line| format!("to a technician's call of `{line}`"),
    )
}
