//! What is held of each verdict: that it is the only one, and that it rests on what it must rest on.

use std::collections::BTreeSet;

use super::{
    CALLS_WITHOUT_CARRIER_MAX, Call, CallClass, Fault, LineId, LineVerdict, ModemId, Mono, PhoneNumber, Seat,
    Watch,
};
use crate::fleet::policy::PANICS_MAX;
use crate::fleet::scheduler::Way;
use crate::model::Verdict;

impl Watch {
    pub(super) fn invariant_verdict(&mut self, now: Mono, verdict: &LineVerdict) {
        let line = &verdict.line;
        let job = self.job(line).clone();
        assert!(!self.verdicts.contains_key(line), "a second verdict for `{line}`");
        assert!(!self.running.contains_key(line), "judged in the middle of a call");
        assert_eq!(verdict.attempts, self.begun.get(line).copied().unwrap_or(0));
        let decided = verdict.call.as_ref().map(|id| {
            let call =
                self.calls(line).iter().find(|call| format!("{line}.{}", call.report.attempt) == id.as_str());
            call.expect("the call that decided is one of the line's")
        });
        let class = CallClass::of(verdict.fault);
        let has = |class: CallClass| self.calls(line).iter().any(|call| call.class == class);
        if let Some(preset) = &job.preset {
            assert_eq!((verdict.fault, &decided.is_none()), (Some(preset.fault), &true));
        } else {
            match (Verdict::of(verdict.fault), class) {
                (Verdict::Pass | Verdict::Degraded, _) => self.invariant_pass(verdict),
                (Verdict::Fail, _) => self.invariant_fail(verdict, decided),
                (_, CallClass::Unproven) => {
                    assert!(has(CallClass::Unproven), "unproven, and never came to a prompt");
                    let exhausted = self.attempts(line) >= self.attempts_max(line);
                    let credential = job.credential.as_ref();
                    let known = credential.is_none_or(|name| self.stopped.contains(name));
                    let confirmed = self.confirming(line) >= self.confirm(line)
                        || has(CallClass::Final)
                        || self.is_nowhere(line);
                    assert!(known || exhausted || confirmed, "nothing was known yet of the credential");
                }
                (_, CallClass::BenchModem | CallClass::BenchLine) => {
                    self.invariant_bench(now, verdict, decided);
                }
                (_, CallClass::Defect) => {
                    let panics = self.calls(line).iter().filter(|call| call.class == CallClass::Defect);
                    let modems: BTreeSet<_> = panics.clone().map(|call| &call.report.modem).collect();
                    let persists = modems.len() >= 2 || panics.count() >= PANICS_MAX as usize;
                    // Modem after modem was in a crash loop.
                    let bare = decided.is_none() && !self.has_service();
                    assert!(persists || bare || self.is_nowhere(line), "it did not persist");
                }
                (_, CallClass::Policy) => match verdict.fault {
                    Some(Fault::Cancelled) => {
                        assert!(self.draining || has(CallClass::Policy) || self.all_are_away());
                    }
                    Some(Fault::Skipped) => assert!(self.skipped.contains_key(line)),
                    Some(Fault::PastDeadline) => assert!(self.past_deadline),
                    Some(Fault::Screened) => assert!(self.refused.contains(line)),
                    Some(Fault::OverBudget) => self.invariant_over_budget(line),
                    Some(Fault::OutOfWindow) => self.invariant_out_of_window(now, line),
                    _ => assert!(has(CallClass::Policy)),
                },
                (_, other) => panic!("{other:?} is no class of an untested line"),
            }
        }
        self.waits.remove(line);
        self.verdicts.insert(line.clone(), verdict.clone());
    }

    fn invariant_pass(&self, verdict: &LineVerdict) {
        let line = &verdict.line;
        let passed = || self.calls(line).iter().filter(|call| call.class == CallClass::Passed);
        // Of many calls one with a blemish tells what is the matter.
        let blemished = passed().rfind(|call| call.report.fault.is_some() && self.plan.policy.repeat > 1);
        let passed = blemished.or_else(|| passed().next_back());
        let passed = passed.expect("passed without a call that did");
        assert_eq!(verdict.call.as_ref().unwrap().as_str(), format!("{line}.{}", passed.report.attempt));
        match passed.report.fault {
            Some(own) => assert_eq!(verdict.fault, Some(own)),
            None if (self.failing_in_full(line) || self.way(&passed.report) != 0)
                && self.plan.policy.degraded.needed_retry =>
            {
                assert_eq!(verdict.fault, Some(Fault::NeededRetry));
            }
            None => assert_eq!(verdict.fault, None),
        }
    }

    fn invariant_fail(&self, verdict: &LineVerdict, decided: Option<&Call>) {
        let line = &verdict.line;
        assert!(
            !self.calls(line).iter().any(|call| call.class == CallClass::Passed),
            "failed although it passed"
        );
        let Some(decided) = decided else {
            assert!(self.seen_at_a_number(line, verdict.fault) && self.is_nowhere(line));
            let woken = || self.job(line).ways.iter().any(|way| self.woken(&way.number));
            let own = |call: &&Call| call.class.is_failing() && !self.is_void(call);
            assert!(self.calls(line).iter().filter(own).count() == 0 || woken());
            return;
        };
        assert_eq!(decided.report.fault, verdict.fault);
        assert!(!self.is_void(decided), "rests on a modem under quarantine");
        assert_eq!(decided.report.cut_short, None, "rests on a call that was cut short");
        let further = self.calls(line).iter().any(|call| {
            let counts =
                (call.class.is_failing() && !self.is_void(call)) || call.class == CallClass::Unproven;
            counts
                && call.report.cut_short.is_none()
                && (call.report.furthest, call.report.attempt)
                    > (decided.report.furthest, decided.report.attempt)
        });
        assert!(!further, "another call got further");
        let on = |number: &PhoneNumber| {
            self.number_calls(number).filter(|call| call.class.is_failing() && !self.is_void(call)).count()
        };
        let closed = |number: &PhoneNumber| {
            self.number_closed(number)
                && on(number).max(self.failing(line)) >= CALLS_WITHOUT_CARRIER_MAX as usize
        };
        let own = |call: &&Call| call.class == CallClass::Final && !self.is_void(call);
        let of_the_number = |call: &Call| matches!(call.report.fault, Some(Fault::Voice | Fault::Fax));
        let nowhere = self.is_nowhere(line);
        let ended = |way: &Way| {
            self.is_spent(&way.number) || closed(&way.number) || !self.affords(Some(line), way, false).0
        };
        let confirmed = self.confirming(line) >= self.confirm(line)
            || self.calls(line).iter().filter(own).any(|call| nowhere || !of_the_number(call))
            || self.attempts(line) >= self.attempts_max(line)
            || (nowhere && self.job(line).ways.iter().any(ended));
        assert!(confirmed, "`{line}` fails on one opinion: {verdict:?}; its calls: {:?}", self.calls(line));
    }

    /// A modem is in service.
    pub(super) fn has_service(&self) -> bool {
        let in_service = |(id, (seat, _)): (&ModemId, &(Seat, Option<Fault>))| {
            !self.quarantined.contains(id) && matches!(seat, Seat::Ready | Seat::InCall | Seat::Lent)
        };
        self.seats.iter().any(in_service)
    }

    fn failing(&self, line: &LineId) -> usize {
        self.calls(line).iter().filter(|call| call.class.is_failing() && !self.is_void(call)).count()
    }

    fn invariant_bench(&self, now: Mono, verdict: &LineVerdict, decided: Option<&Call>) {
        let line = &verdict.line;
        let bench = self.calls(line).iter().filter(|call| call.class.is_bench()).count();
        assert!(bench <= self.plan.policy.bench_calls_max(self.plan.modems.len()) as usize);
        // Only modems that could be had count.
        let refused = verdict.fault == Some(Fault::ModemRefused)
            && self.job(line).ways.iter().any(|way| {
                self.seats.keys().all(|id| !self.hopeful(id) || self.is_barred(now, &way.number, id))
            });
        let Some(decided) = decided else {
            let distrusted = verdict.fault == Some(Fault::QuarantinedBench) && self.is_nowhere(line);
            assert!(distrusted || refused || !self.has_service(), "gave up with a modem in service");
            return;
        };
        if verdict.fault == Some(Fault::QuarantinedBench) && self.is_void(decided) {
            assert_eq!(decided.class, CallClass::Final);
            return;
        }
        let all = bench == self.plan.policy.bench_calls_max(self.plan.modems.len()) as usize;
        let ended = self.is_nowhere(line);
        assert!(all || refused || ended, "gave up after {bench} bench faults");
    }
}
