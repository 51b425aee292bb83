//! What of a run follows from the wall clock: the windows of its lines and its deadline. Who knows the calendar is told
//! here what to answer; when it is asked is the dispatcher's.

use jiff::Timestamp;

use crate::model::{LineId, Mono, Reading, Windows};
use crate::modem::clock::Wall;
use crate::modem::clock::set::SetWatch;

/// Knows the calendar.
pub trait Calendar: Send {
    /// When lines may be dialed, and the deadline, as the wall clock is set now.
    fn derive(&mut self, reading: &Reading) -> Derived;

    /// The last safeguard: may the line be dialed while the wall clock shows this?
    ///
    /// # Errors
    /// Why not, in words.
    fn may_dial(&self, line: &LineId, wall: Timestamp) -> Result<(), String>;

    /// When the line may be dialed next after `wall`, in words; absent where there is nothing to be said.
    fn opens_next(&self, line: &LineId, wall: Timestamp) -> Option<String>;
}

/// What follows from the wall clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Derived {
    /// The windows of the lines that have some.
    pub windows: Vec<(LineId, Windows)>,
    /// Nothing is dialed from here on; absent where there is no deadline.
    pub deadline: Option<Mono>,
    /// A window that does not open before this does not open in this run.
    pub horizon: Mono,
}

/// The calendar of a run, and the wall clock that it is read by.
pub struct Hours {
    /// Knows the calendar.
    pub calendar: Box<dyn Calendar>,
    /// The wall clock.
    pub wall: Wall,
    /// [`Derived::horizon`] at the beginning.
    pub horizon: Mono,
    /// The look at both clocks that what the scheduler knows was derived from.
    pub derived: Reading,
    /// Tells when the wall clock may have been set.
    pub set: SetWatch,
    /// What the user should read at the beginning.
    pub notices: Vec<String>,
}
