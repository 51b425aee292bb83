//! The words of the project as types: line, number, instants, phases, fault, verdict, event.
//!
//! Everything here is a value: no I/O, no clock, no async, no global. Other rooms speak with each other in these
//! types; what a room needs only for itself stays in that room.

pub mod advice;
pub mod before;
pub mod changes;
pub mod charge;
pub mod cost;
pub mod diagnostics;
pub mod dial_string;
pub mod event;
pub mod fault;
pub mod id;
pub mod line;
pub mod link;
pub mod moment;
pub mod mono;
pub mod number;
pub mod phase;
pub mod place;
pub mod price;
pub mod reading;
pub mod service;
pub mod span;
pub mod usual;
pub mod window;

pub use before::LineBefore;
pub use changes::{Change, Changed, Changes};
pub use charge::{Charge, Micros, NumberClass};
pub use cost::FailureCost;
pub use diagnostics::{CallSetup, Diagnostics, Termination};
pub use dial_string::DialString;
pub use event::{CallRecord, Event, EventKind};
pub use fault::{Blame, Fault, Verdict};
pub use id::{
    BankName, CallId, CarrierName, CredentialName, GroupName, LineId, ModemId, PlanName, RunId, SiteId,
    TrunkName,
};
pub use line::{Facets, Hostname, Line};
pub use link::Link;
pub use moment::{Mark, Moment, Timeline};
pub use mono::Mono;
pub use number::PhoneNumber;
pub use phase::PhaseTimes;
pub use place::Coordinates;
pub use price::Price;
pub use reading::Reading;
pub use service::{Level, Role};
pub use usual::Usual;
pub use window::Windows;
