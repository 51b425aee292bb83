//! What waits for its bank: technicians' calls, runs on demand, runs that were cut off, runs that are due; in this order, and
//! of each the eldest first.

use jiff::Timestamp;

use super::{OrderId, Ticket};
use crate::model::{LineId, Mono, PlanName, RunId};
use crate::service::durable::Running;

/// Most technicians' calls that wait at a time.
pub const CALLS_WAITING_MAX: usize = 64;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Want {
    /// A technician's call.
    Call(LineId),
    /// A run, now.
    Demand,
    /// A run that was cut off is to go on.
    Resume(Running),
    /// A run that is due.
    Due(Timestamp),
}

impl Want {
    /// Who goes first.
    const fn rank(&self) -> u8 {
        match self {
            Self::Call(_) => 0,
            Self::Demand => 1,
            Self::Resume(_) => 2,
            Self::Due(_) => 3,
        }
    }

    pub(super) const fn is_call(&self) -> bool {
        matches!(self, Self::Call(_))
    }

    /// The run that it goes on with.
    pub(super) fn resumed(&self) -> Option<&RunId> {
        match self {
            Self::Resume(running) => Some(&running.run),
            _ => None,
        }
    }
}

/// One that waits.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Its place among equals.
    pub(super) number: u64,
    pub(super) plan: PlanName,
    pub(super) want: Want,
    /// Since when.
    pub(super) since: Timestamp,
    /// From then on it is of no use.
    pub(super) expires: Option<Timestamp>,
    /// It failed, and is not tried before.
    pub(super) not_before: Option<Mono>,
    /// How often in a row it failed to begin, or died.
    pub(super) failures: u32,
    /// Why it failed last.
    pub(super) failed: Option<String>,
    /// Although it is paused.
    pub(super) anyway: bool,
    /// Who wants to know.
    pub(super) ticket: Option<Ticket>,
    /// A run is asked to lend it a modem.
    pub(super) lending: Option<OrderId>,
    /// The run that has the bank would not lend one, and why.
    pub(super) unlent: Option<String>,
}

/// All that wait, in their order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: Vec<Item>,
    count: u64,
}

impl Queue {
    /// One more; `fill` may say more of it.
    pub(super) fn push(
        &mut self,
        plan: PlanName,
        want: Want,
        since: Timestamp,
        fill: impl FnOnce(&mut Item),
    ) {
        self.count += 1;
        let mut item = Item {
            number: self.count,
            plan,
            want,
            since,
            expires: None,
            not_before: None,
            failures: 0,
            failed: None,
            anyway: false,
            ticket: None,
            lending: None,
            unlent: None,
        };
        fill(&mut item);
        let key = |item: &Item| (item.want.rank(), item.since, item.number);
        let at = self.items.partition_point(|other| key(other) <= key(&item));
        self.items.insert(at, item);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Item> {
        self.items.iter_mut()
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.number == number)
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Item> {
        let at = self.items.iter().position(|item| item.number == number)?;
        Some(self.items.remove(at))
    }

    /// Takes out all that fit.
    pub(super) fn take_all(&mut self, fits: impl Fn(&Item) -> bool) -> Vec<Item> {
        self.items.extract_if(.., |item| fits(item)).collect()
    }

    /// The first that fits.
    pub(super) fn find(&self, fits: impl Fn(&Item) -> bool) -> Option<&Item> {
        self.items.iter().find(|item| fits(item))
    }
}
