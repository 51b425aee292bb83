//! Who is dialed next, on which modem, and what a line's calls make of it: a pure machine.
//!
//! It has no clock, no I/O and no dice: same inputs, same decisions. What a call finds is `call`'s; who may send a
//! password is [`super::guard`]'s; ports are the workers'.

mod face;

pub use face::{CallReport, Decision, Input, LineJob, ModemSeat, Past, Preset, SchedulerPlan};

use crate::model::Mono;

/// The scheduler of one sitting.
#[derive(Debug)]
pub struct Scheduler {
    plan: SchedulerPlan,
}

impl Scheduler {
    /// Takes a plan; nothing happens before [`Input::Start`].
    pub fn new(plan: SchedulerPlan) -> Self {
        Self { plan }
    }

    /// Takes in what happened and says what to do. `now` never goes back.
    pub fn step(&mut self, now: Mono, input: Input) -> Vec<Decision> {
        let _ = (now, input, &self.plan);
        Vec::new()
    }

    /// When [`Input::Time`] is due, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Mono> {
        None
    }
}
