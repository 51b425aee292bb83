//! The wall clock of a run: somebody may set it while the run goes on, or it was wrong at boot. Then windows and deadline are
//! derived anew, before anything else is decided; and each dial is held to the calendar once more.

use jiff::{SignedDuration, Timestamp};

use super::{LineBook, Run};
use crate::fleet::hours::Hours;
use crate::fleet::scheduler::{Check, Input};
use crate::fleet::worker::OpenPort;
use crate::model::{EventKind, LineId};

/// The wall clock counts as set when it is so far from where it would be. Two clocks can't be read at one instant, and a clock that is
/// disciplined moves both.
const SET_MIN: SignedDuration = SignedDuration::from_millis(100);

impl<O: OpenPort, B: LineBook> Run<'_, O, B> {
    /// Looks whether the wall clock was set, before the scheduler decides anything. What was derived from it goes before
    /// all other inputs.
    pub(super) fn look_at_clock(&mut self) {
        let Some(hours) = &mut self.hours else { return };
        let reading = hours.wall.read(&self.clock);
        let set = reading.set_since(&hours.derived);
        if set.abs() < SET_MIN {
            return;
        }
        hours.derived = reading;
        let derived = hours.calendar.derive(&reading);
        self.emit(EventKind::Notice { text: told(set, reading.wall) });
        // One that has come stays: what it left off has its verdict.
        if self.deadline.is_none() {
            self.scheduler.set_deadline(None, Some(derived.horizon));
        } else {
            self.deadline = derived.deadline;
            self.scheduler.set_deadline(derived.deadline, Some(derived.horizon));
        }
        self.inputs.push_front(Input::Windows(derived.windows));
    }

    /// Whether the line may be dialed while the wall clock shows what it does; else why not.
    pub(super) fn may_dial(&self, line: &LineId) -> Result<(), String> {
        let Some(hours) = &self.hours else { return Ok(()) };
        let wall = hours.wall.read(&self.clock).wall;
        // By the clock as it was when the decision was made, give or take what does not count as a set clock.
        let soon = wall.checked_add(SET_MIN).unwrap_or(wall);
        hours.calendar.may_dial(line, wall).or_else(|_| hours.calendar.may_dial(line, soon))
    }

    /// The same of a check, where it calls a line.
    pub(super) fn may_check(&self, check: &Check) -> Result<(), String> {
        match check {
            Check::Line(line) => self.may_dial(line),
            Check::DialTone | Check::Reference | Check::Peer(_) => Ok(()),
        }
    }

    /// When a line that was left off for its window may be dialed next, behind what is told of it.
    pub(super) fn opens_next(&self, line: &LineId) -> String {
        let next = self.hours.as_ref().and_then(|hours| {
            let wall = hours.wall.read(&self.clock).wall;
            hours.calendar.opens_next(line, wall)
        });
        next.map_or_else(String::new, |next| format!("; {next}"))
    }
}

/// The next word that the wall clock may have been set; for ever none where nobody listens.
pub(super) async fn set(hours: &mut Option<Hours>) {
    match hours {
        Some(hours) => hours.set.next().await,
        None => std::future::pending().await,
    }
}

fn told(set: SignedDuration, wall: Timestamp) -> String {
    let way = if set.is_negative() { "back" } else { "forward" };
    let by = set.unsigned_abs();
    let by = match by.as_secs() {
        0 => format!("{} ms", by.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        seconds => format!("{} days", seconds / 86_400),
    };
    format!(
        "the wall clock was set {way} by {by} (or this host slept): it is {} now, and windows and deadline were derived anew; the stamps of this run go on as they began",
        wall.strftime("%Y-%m-%d %H:%M:%S UTC")
    )
}
