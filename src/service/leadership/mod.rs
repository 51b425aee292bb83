//! What this daemon is among its peers: one small interface, and the ways to find it out.
//!
//! A [`Leadership`] is a watch of the [`Role`] with the reason for it; whoever finds it out lives as long as its handle. What
//! follows from a role is the keeper's.

mod lock;
mod told;

use tokio::sync::watch;

use super::control::Role;
use crate::config::service::LeadershipPlan;

/// The role, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The role.
    pub role: Role,
    /// Who says so, or why, in words.
    pub why: String,
}

/// Finds out the role, for as long as it lives; what it holds (a lock) is given back when it is dropped.
pub trait Leader: Send {
    /// The role from now on.
    fn watch(&self) -> watch::Receiver<Standing>;

    /// An operator, or a cluster manager, says what it is.
    ///
    /// # Errors
    /// It is found out in another way; in words.
    fn tell(&self, role: Role) -> Result<(), String>;
}

/// How the role is found out.
pub struct Leadership(Box<dyn Leader>);

impl Leadership {
    /// Begins to find it out. Never blocks: until something is known the role is `none`.
    pub fn new(plan: &LeadershipPlan) -> Self {
        Self(match plan {
            LeadershipPlan::Always => Box::new(told::Always::new()),
            LeadershipPlan::Lock(path) => Box::new(lock::Lock::new(path)),
            LeadershipPlan::Told(initial) => Box::new(told::Told::new(*initial)),
        })
    }

    /// The role from now on.
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.0.watch()
    }

    /// An operator, or a cluster manager, says what it is.
    ///
    /// # Errors
    /// It is found out in another way; in words.
    pub fn tell(&self, role: Role) -> Result<(), String> {
        self.0.tell(role)
    }
}
