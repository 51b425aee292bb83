//! What a monitor is told of a line: what the run found, and when the line was tested last, in this run or before it.
//!
//! A monitor outlives a run. A line that was left out of the last run by choice keeps what the run before found of it:
//! a technician who walks one branch by day must not clear the alarms of all the others.

use jiff::Timestamp;

use super::outcome::is_left_out;
use super::{LineState, RunState};
use crate::model::event::LineVerdict;
use crate::model::{Fault, Line, RunId, Verdict};

/// The last time that a line was tested: that it was judged otherwise than `untested`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tested<'a> {
    /// What was found; absent is a pass.
    pub fault: Option<Fault>,
    /// When its verdict was told.
    pub at: Timestamp,
    /// In which earlier run; absent: in this one.
    pub earlier: Option<&'a RunId>,
}

impl Tested<'_> {
    /// What was found, in a word.
    pub const fn result(&self) -> Verdict {
        Verdict::of(self.fault)
    }
}

/// A judged line of a run.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    /// The line.
    pub line: &'a Line,
    /// What is known of it.
    pub known: &'a LineState,
    /// What the run found.
    pub verdict: &'a LineVerdict,
    /// When that was told.
    pub judged: Timestamp,
}

impl<'a> Finding<'a> {
    /// Of a line of a run; absent until it is judged.
    pub fn of(line: &'a Line, known: &'a LineState) -> Option<Self> {
        let (verdict, judged) = (known.verdict.as_ref()?, known.judged?);
        Some(Self { line, known, verdict, judged })
    }

    /// Of all judged lines of a run, in the order of the plan.
    pub fn all(state: &'a RunState) -> impl Iterator<Item = Self> {
        state.lines().filter_map(|(line, known)| Self::of(line, known))
    }

    /// What the run found, in a word.
    pub const fn result(&self) -> Verdict {
        Verdict::of(self.verdict.fault)
    }

    /// Whether nobody meant the line to be tested in this run: it was left out, is on hold, or had no window.
    pub fn is_left_out(&self) -> bool {
        self.verdict.fault.is_some_and(is_left_out)
    }

    /// When the line was tested last, and what was found then; absent: never, as far as is known.
    pub fn tested(&self) -> Option<Tested<'a>> {
        if self.result() != Verdict::Untested {
            return Some(Tested { fault: self.verdict.fault, at: self.judged, earlier: None });
        }
        let before = self.known.before.as_ref()?.tested.as_ref()?;
        Some(Tested { fault: before.fault, at: before.at, earlier: Some(&before.run) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::night;

    #[test]
    fn what_was_not_tested_tonight_was_tested_when_the_history_says() {
        let mut events = night();
        let state = RunState::of(&events).unwrap();
        let of = |state: &RunState, id: &str| {
            let (line, known) = state.line(&id.parse().unwrap()).unwrap();
            let finding = Finding::of(line, known).unwrap();
            (
                finding.result(),
                finding.is_left_out(),
                finding.tested().map(|t| (t.result(), t.earlier.is_some())),
            )
        };
        let tonight = Some((Verdict::Fail, false));
        assert_eq!(of(&state, "BR0004-A"), (Verdict::Fail, false, tonight));
        assert_eq!(
            of(&state, "BR0008-A"),
            (Verdict::Untested, false, None),
            "screened, and never tested before"
        );
        for event in &mut events {
            if let crate::model::EventKind::Verdict(verdict) = &mut event.kind
                && verdict.line.as_str() == "BR0004-A"
            {
                verdict.fault = Some(Fault::Skipped);
            }
        }
        let state = RunState::of(&events).unwrap();
        assert_eq!(of(&state, "BR0004-A"), (Verdict::Untested, true, Some((Verdict::Fail, true))));
    }
}
