//! What the brain wants done, done: state kept, jobs begun and told, answers given.

use std::panic::catch_unwind;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{AtWork, Daemon};
use crate::fleet::order::{self, Order};
use crate::service::brain::panic_text;
use crate::service::control::{Answer, Done, Level};
use crate::service::durable::{self, Durable};
use crate::service::jobs::{self, Surroundings};
use crate::service::keeper::{Action, Begin, Input, JobId, OrderId};
use crate::service::leadership::Leadership;
use crate::service::leftover;

impl Daemon {
    pub(super) fn carry_out(&mut self, actions: Vec<Action>) {
        let mut unkept = None;
        for action in actions {
            match action {
                Action::Keep(state) => unkept = self.keep(&state).err(),
                Action::Look { plan, reports } => {
                    self.errand(move || {
                        let looked = catch_unwind(|| leftover::look(&reports, &plan));
                        let newest = looked.unwrap_or_else(|payload| Err(panic_text(payload.as_ref())));
                        Input::Found { plan, newest }
                    });
                }
                Action::Begin(begin) => self.begin(begin),
                Action::Order { job, order, what } => self.order(job, order, what),
                Action::Reply { ticket, answer } => {
                    // Whoever asked may be gone.
                    if let Some(reply) = self.tickets.remove(&ticket) {
                        let _ = reply.send(lasting(answer, unkept.as_deref()));
                    }
                }
                Action::Reload => self.reload(),
                Action::Lead(plan) => self.leadership = Leadership::new(&plan),
                Action::Tell(role) => {
                    if let Err(why) = self.leadership.tell(role) {
                        tracing::warn!("{why}");
                    }
                }
                Action::Levels(levels) => {
                    if let Err(why) = self.levels.set(&levels) {
                        tracing::warn!("the log's levels stay as they were: {why}");
                    }
                }
                Action::Log { level, text } => log(level, &text),
                Action::Exit => self.over = true,
            }
        }
    }

    /// It must be on the disk before anything that follows from it is done.
    pub(super) fn keep(&mut self, state: &Durable) -> Result<(), String> {
        let kept = tokio::task::block_in_place(|| durable::store(&self.state, state));
        let kept = kept.map_err(|error| error.to_string());
        self.inputs.push_back(Input::Kept(kept.clone()));
        kept
    }

    /// Something that blocks on files, beside the loop.
    pub(super) fn errand(&self, work: impl FnOnce() -> Input + Send + 'static) {
        let inbox = self.inbox.clone();
        self.errands.spawn_blocking(move || {
            // The loop may be over.
            let _ = inbox.blocking_send(work());
        });
    }

    pub(super) fn begin(&mut self, begin: Begin) {
        let job = begin.job;
        let (orders, orders_in) = mpsc::channel(jobs::ORDERS_MAX);
        let around =
            Surroundings { live: Arc::clone(&self.live), inbox: self.inbox.clone(), clock: self.clock };
        let task = self.jobs.spawn((self.work)(begin, orders_in, around));
        self.tasks.insert(task.id(), job);
        self.at_work.insert(job, AtWork { orders, begun: false });
    }

    pub(super) fn order(&mut self, job: JobId, order: OrderId, what: Order) {
        let (reply, answer) = oneshot::channel();
        let told = order::Told { order: what, reply: Some(reply) };
        let sent = match self.at_work.get(&job) {
            Some(at_work) => at_work.orders.try_send(told).map_err(|error| error.to_string()),
            None => Err(String::new()),
        };
        if sent.is_err() {
            let answer = Err(jobs::was_over(job));
            self.inputs.push_back(Input::Ordered { order, answer });
            return;
        }
        let inbox = self.inbox.clone();
        self.errands.spawn(async move {
            let answer = answer.await.unwrap_or_else(|_| Err(jobs::was_over(job)));
            let _ = inbox.send(Input::Ordered { order, answer }).await;
        });
    }
}

/// An answer, with what could not be kept: whoever stops everything relies on it.
pub(super) fn lasting(answer: Answer, unkept: Option<&str>) -> Answer {
    let Some(why) = unkept else { return answer };
    answer.map(|done| Done {
        said: format!(
            "{}; BUT it can't be written to the disk, and a restart would forget it: {why}",
            done.said
        ),
        ..done
    })
}

fn log(level: Level, text: &str) {
    match level {
        Level::Off => {}
        Level::Error => tracing::error!("{text}"),
        Level::Warn => tracing::warn!("{text}"),
        Level::Info => tracing::info!("{text}"),
        Level::Debug => tracing::debug!("{text}"),
        Level::Trace => tracing::trace!("{text}"),
    }
}
