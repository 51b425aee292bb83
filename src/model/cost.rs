//! Whether a call was answered, as far as it can be known, and so what a failed one cost: one that was answered is charged
//! by the carrier, one that was not is free.
//!
//! Where our modem gives no evidence of an answer nor of its absence, neither is said; but what is billed counts all of
//! the time in which it may have been.

use super::diagnostics::CallSetup;
use super::{CallRecord, Fault, Moment, Mono, Verdict};

/// Whether a failed call cost anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureCost {
    /// The far end went off-hook: it costs.
    Answered,
    /// Nobody went off-hook: it is free.
    Free,
    /// It was dialed, and nothing tells which.
    Unknown,
}

impl CallRecord {
    /// How far the call got on the way to the console. A finding that shows that somebody answered counts as the
    /// answer, though nobody can say when that was.
    pub fn furthest(&self) -> Option<Moment> {
        let shows = self.fault.is_some_and(|fault| fault_cost(fault) == FailureCost::Answered);
        self.timeline.furthest().max(shows.then_some(Moment::Answered))
    }

    /// The time in which the far end was off-hook, and never less than that: where nothing shows when it answered, all of the
    /// time in which it may have is in it; absent where it is known that nobody answered, or that nothing was dialed
    /// (`dialed`). `over` is when the call was over.
    pub fn off_hook(&self, dialed: bool, over: Mono) -> Option<(Mono, Mono)> {
        let first = |moment| self.timeline.get(moment).map(|mark| mark.at.before(mark.half_width));
        if !dialed {
            return None;
        }
        let answered = self.timeline.furthest().is_some_and(|furthest| furthest >= Moment::Answered);
        if !answered && self.proves_no_answer() {
            return None;
        }
        // It was not answered before it was heard to ring.
        let from = first(Moment::Answered)
            .or_else(|| first(Moment::Ringing))
            .or_else(|| first(Moment::Dialed))
            .or_else(|| first(Moment::Taken))
            .unwrap_or_default();
        let until = self.timeline.get(Moment::OnHook).map_or(over, |mark| mark.at + mark.half_width);
        Some((from, until.max(from)))
    }

    /// Whether a word of our modem shows that nobody answered: BUSY, NO ANSWER, NO DIALTONE, RINGING up to the end. That
    /// nothing was heard is no such word: whoever answers within the first burst lets none be heard (modems.md 6).
    fn proves_no_answer(&self) -> bool {
        let heard = self.diagnostics.as_deref().and_then(|told| told.call_setup).map(heard_cost);
        match (heard, self.fault) {
            (Some(FailureCost::Free), _) => true,
            (Some(FailureCost::Answered), _) | (_, Some(Fault::NoRing) | None) => false,
            (Some(FailureCost::Unknown) | None, Some(fault)) => fault_cost(fault) == FailureCost::Free,
        }
    }

    /// What this call cost, if it was dialed and did not pass; absent for all others.
    pub fn failure_cost(&self) -> Option<FailureCost> {
        let failed = matches!(Verdict::of(self.fault), Verdict::Fail | Verdict::Untested);
        self.timeline.get(Moment::Dialed).filter(|_| failed)?;
        if self.timeline.furthest().is_some_and(|furthest| furthest >= Moment::Answered) {
            return Some(FailureCost::Answered);
        }
        let heard = self.diagnostics.as_deref().and_then(|told| told.call_setup);
        let by_ear = heard.map_or(FailureCost::Unknown, heard_cost);
        let by_fault = self.fault.map_or(FailureCost::Unknown, fault_cost);
        Some(if by_ear == FailureCost::Unknown { by_fault } else { by_ear })
    }
}

const fn heard_cost(heard: CallSetup) -> FailureCost {
    match heard {
        CallSetup::AnswerTone | CallSetup::Voice => FailureCost::Answered,
        CallSetup::NoDialtone | CallSetup::Reorder | CallSetup::Busy => FailureCost::Free,
        // Whoever lifts a receiver and says nothing is heard as nothing.
        CallSetup::Nothing => FailureCost::Unknown,
    }
}

/// What the fault alone tells.
const fn fault_cost(fault: Fault) -> FailureCost {
    match fault {
        // Somebody spoke, whistled, or ceased the ringing.
        Fault::Voice | Fault::Fax | Fault::NoCarrier | Fault::CarrierLost => FailureCost::Answered,
        // An intercept is not charged; a line that rings to the end was not answered.
        Fault::Reorder
        | Fault::NoRing
        | Fault::Busy
        | Fault::NoAnswer
        | Fault::NoDialtone
        | Fault::LineInUse
        | Fault::Glare
        | Fault::ModemRefused => FailureCost::Free,
        // No evidence, or the call was cut off before there was any. Faults of a console or a login come behind
        // CONNECT, which is an answer: they are not asked for here.
        Fault::NoConnect
        | Fault::PortOpenFailed
        | Fault::PortBusy
        | Fault::PortLost
        | Fault::ModemSilent
        | Fault::ModemError
        | Fault::QuarantinedBench
        | Fault::ConsoleSilent
        | Fault::Garbage
        | Fault::LoginTimeout
        | Fault::BootPrompt
        | Fault::ConsoleBusy
        | Fault::LoginUnavailable
        | Fault::WrongConsole
        | Fault::OpenConsole
        | Fault::LoginRefused
        | Fault::PasswordExpired
        | Fault::CredentialUnproven
        | Fault::LogoutUnproven
        | Fault::SlowConnect
        | Fault::SlowTrain
        | Fault::NoErrorControl
        | Fault::Retrains
        | Fault::Noisy
        | Fault::NeededRetry
        | Fault::OutOfWindow
        | Fault::PastDeadline
        | Fault::OverBudget
        | Fault::Screened
        | Fault::OnHold
        | Fault::Skipped
        | Fault::Cancelled
        | Fault::Internal => FailureCost::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Diagnostics, Mono, Timeline};

    fn cost(fault: Option<Fault>, furthest: Moment, heard: Option<CallSetup>) -> Option<FailureCost> {
        let mut timeline = Timeline::default();
        for (ms, moment) in (0..).zip(Moment::ALL.into_iter().filter(|moment| *moment <= furthest)) {
            timeline.observe(moment, Mono::from_millis(ms));
        }
        timeline.observe(Moment::OnHook, Mono::from_millis(100));
        let diagnostics =
            heard.map(|heard| Box::new(Diagnostics { call_setup: Some(heard), ..Diagnostics::default() }));
        let record = CallRecord { timeline, fault, diagnostics, ..CallRecord::sample() };
        record.failure_cost()
    }

    fn off_hook(fault: Option<Fault>, marks: &[(Moment, u64)], dialed: bool) -> Option<(u64, u64)> {
        let mut timeline = Timeline::default();
        for &(moment, ms) in marks {
            timeline.observe(moment, Mono::from_millis(ms));
        }
        let record = CallRecord { timeline, fault, ..CallRecord::sample() };
        let (from, to) = record.off_hook(dialed, Mono::from_millis(900))?;
        Some((from.as_micros() / 1000, to.as_micros() / 1000))
    }

    #[test]
    fn what_is_billed_is_all_of_the_time_in_which_it_may_have_been_answered() {
        use Moment::{Answered, Connected, Dialed, OnHook, Ringing, Taken};
        let (taken, dialed, rang, on_hook) = ((Taken, 1), (Dialed, 100), (Ringing, 200), (OnHook, 800));
        for (fault, marks, billed) in [
            (None, vec![taken, dialed, rang, (Answered, 300), (Connected, 500), on_hook], Some((300, 800))),
            (None, vec![taken, dialed, rang, (Connected, 500), on_hook], Some((200, 800))),
            (None, vec![taken, dialed, (Connected, 500), on_hook], Some((100, 800))),
            // On-hook was not proven.
            (Some(Fault::PortLost), vec![taken, dialed, (Connected, 500)], Some((100, 900))),
            (Some(Fault::PortLost), vec![taken, dialed], Some((100, 900))),
            (Some(Fault::NoConnect), vec![taken, dialed, rang, on_hook], Some((200, 800))),
            (Some(Fault::NoRing), vec![taken, dialed, on_hook], Some((100, 800))),
            (Some(Fault::Voice), vec![taken, dialed, on_hook], Some((100, 800))),
            (Some(Fault::Cancelled), vec![taken, dialed, on_hook], Some((100, 800))),
            (Some(Fault::Busy), vec![taken, dialed, on_hook], None),
            (Some(Fault::NoAnswer), vec![taken, dialed, rang, on_hook], None),
            (Some(Fault::NoDialtone), vec![taken, dialed, on_hook], None),
            (Some(Fault::Reorder), vec![taken, dialed, on_hook], None),
        ] {
            assert_eq!(off_hook(fault, &marks, true), billed, "{fault:?} {marks:?}");
        }
        assert_eq!(off_hook(Some(Fault::ModemSilent), &[taken], false), None, "nothing was dialed");
        assert_eq!(off_hook(Some(Fault::PortLost), &[taken], true), Some((1, 900)), "it may have been");
    }

    #[test]
    fn the_span_in_which_the_answer_lies_is_billed_whole() {
        let mut timeline = Timeline::default();
        timeline.observe(Moment::Dialed, Mono::from_millis(100));
        timeline.bound(Moment::Answered, Mono::from_millis(200), Mono::from_millis(600));
        timeline.observe(Moment::Connected, Mono::from_millis(700));
        timeline.observe(Moment::OnHook, Mono::from_millis(800));
        let record = CallRecord { timeline, ..CallRecord::sample() };
        let billed = record.off_hook(true, Mono::from_millis(900));
        assert_eq!(billed, Some((Mono::from_millis(200), Mono::from_millis(800))));
    }

    #[test]
    fn an_answer_costs_and_its_absence_is_free_and_no_evidence_is_neither() {
        use FailureCost::{Answered, Free, Unknown};
        let table = [
            (None, Moment::LoggedOut, None, None),
            (Some(Fault::Noisy), Moment::LoggedOut, None, None),
            (Some(Fault::ModemSilent), Moment::Taken, None, None),
            (Some(Fault::Busy), Moment::Dialed, None, Some(Free)),
            (Some(Fault::NoAnswer), Moment::Ringing, None, Some(Free)),
            (Some(Fault::NoDialtone), Moment::Dialed, None, Some(Free)),
            (Some(Fault::Voice), Moment::Dialed, None, Some(Answered)),
            (Some(Fault::NoCarrier), Moment::Ringing, None, Some(Answered)),
            (Some(Fault::NoConnect), Moment::Dialed, None, Some(Unknown)),
            (Some(Fault::NoConnect), Moment::Answered, None, Some(Answered)),
            (Some(Fault::NoConnect), Moment::Dialed, Some(CallSetup::AnswerTone), Some(Answered)),
            (Some(Fault::NoConnect), Moment::Dialed, Some(CallSetup::Busy), Some(Free)),
            (Some(Fault::NoConnect), Moment::Dialed, Some(CallSetup::Nothing), Some(Unknown)),
            (Some(Fault::LoginRefused), Moment::Prompted, None, Some(Answered)),
            (Some(Fault::PortLost), Moment::Connected, None, Some(Answered)),
            (Some(Fault::PortLost), Moment::Dialed, None, Some(Unknown)),
            (Some(Fault::Cancelled), Moment::Dialed, None, Some(Unknown)),
        ];
        for (fault, furthest, heard, expected) in table {
            assert_eq!(cost(fault, furthest, heard), expected, "{fault:?} at {furthest:?}, heard {heard:?}");
        }
    }
}
