//! The ways to a line: which is tried next, and which are shut for the rest of the run.
//!
//! A call that failed on the way (network, far line, far modem, far end) moves the line to its next way; one that came to
//! the console, and faults of our own, say nothing against the way. A way is shut when its number has had all its calls, or
//! no budget pays for another one.

use super::judge::{Shut, Trial};
use super::lines::Way;
use super::spending::NO_MORE_CALLS;
use super::{Known, Scheduler};
use crate::model::event::Via;
use crate::model::{Blame, PhoneNumber};

/// Whether a call speaks against the way that it went.
fn moves_on(trial: &Trial) -> bool {
    let on_the_way =
        |blame| matches!(blame, Blame::Network | Blame::FarLine | Blame::FarModem | Blame::FarEnd);
    trial.is_failing() && trial.fault.is_some_and(|fault| on_the_way(fault.blame()))
}

/// A way in words.
pub(super) fn words(via: Option<&Via>) -> String {
    match via {
        Some(Via { number: Some(number), carrier: Some(carrier) }) => format!("{number} over `{carrier}`"),
        Some(Via { number: Some(number), carrier: None }) => number.to_string(),
        Some(Via { number: None, carrier: Some(carrier) }) => format!("its own number over `{carrier}`"),
        None | Some(Via { number: None, carrier: None }) => "its own number".to_owned(),
    }
}

impl Scheduler {
    /// Sets the way that a line goes next. Whether there is one that is not shut.
    pub(super) fn choose_way(&mut self, line: usize) -> bool {
        let entry = &self.lines[line];
        let count = entry.ways.len();
        let last = entry.trials.iter().rfind(|trial| !trial.void);
        let from = last.map_or(0, |trial| trial.way + usize::from(moves_on(trial)));
        let in_turn = || (from..from + count).map(|way| way % count);
        let open = || in_turn().filter(|&way| self.shut(line, way).is_none());
        // A number that all modems refuse for good is the last that is tried.
        let refused =
            |way: usize| count > 1 && matches!(self.refused(entry.ways[way].number), Some((None, _)));
        let Some(way) = open().find(|&way| !refused(way)).or_else(|| open().next()) else { return false };
        self.lines[line].way = way;
        true
    }

    /// The line that has this route.
    pub(super) fn line_by(&self, route: usize) -> usize {
        route.checked_sub(self.lines.len()).map_or(route, |other| self.other_routes[other])
    }

    /// Which way a call of an earlier sitting went, or another one to the same number. Absent where no way leads to that
    /// number any more (a hold, or whoever edits a plan, takes ways away): what was heard there says nothing of another.
    pub(super) fn way_of(&self, line: usize, via: Option<&Via>) -> Option<usize> {
        fn number(via: Option<&Via>) -> Option<&PhoneNumber> {
            via.and_then(|via| via.number.as_ref())
        }
        let ways = &self.lines[line].ways;
        let same = |way: &Way| way.via.as_deref() == via;
        ways.iter()
            .position(same)
            .or_else(|| ways.iter().position(|way| number(way.via.as_deref()) == number(via)))
    }

    /// Whether a way is shut for the rest of the run, and why.
    pub(super) fn shut(&self, line: usize, way: usize) -> Option<Shut> {
        let number = &self.numbers[self.lines[line].ways[way].number];
        if number.record.is_closed() {
            return Some(Shut::Closed);
        }
        if number.redial.is_spent(&self.redial) {
            return Some(Shut::Spent(NO_MORE_CALLS.to_owned()));
        }
        self.unaffordable(line, way)
    }

    /// Whether the way that a line stands for is not the one that it would go now.
    pub(super) fn is_astray(&self, line: usize) -> bool {
        self.shut(line, self.lines[line].way).is_some()
    }

    /// Whether the credential of a line is known.
    pub(super) fn known(&self, line: usize) -> Known {
        // A credential that the plan does not know can't be waited for.
        self.lines[line].credential.map_or(Known::Stopped, |credential| self.credentials[credential].known)
    }
}
