//! One sitting of a plan, put together and carried through: bank, history, calendar, secrets, journal, reports, who is told.
//!
//! A night's audit is `night`, a technician's call `technician`; both hand the same parts to the fleet. What they say to whoever
//! began them, beside their events, goes through [`Host`]; printing and exit codes are `cli`'s, when runs begin is `service`'s.

pub(crate) mod before;
pub(crate) mod bench;
pub(crate) mod experience;
mod failure;
pub(crate) mod history;
mod host;
pub(crate) mod hours;
pub(crate) mod job;
pub(crate) mod night;
pub(crate) mod outlook;
mod record;
pub(crate) mod refused;
pub(crate) mod resumed;
pub(crate) mod rules;
pub(crate) mod scribe;
pub(crate) mod secrets;
pub(crate) mod standing;
pub(crate) mod technician;
pub(crate) mod telling;

pub use self::failure::{Failure, FailureKind};
pub use self::host::Host;
pub use self::record::Record;
