//! What a line's calls make of it: a verdict, or one more call.

use super::ways;
use crate::call::limits::needs_time;
use crate::fleet::policy::{CALLS_WITHOUT_CARRIER_MAX, CallClass, PANICKED_MODEMS_MAX, PANICS_MAX, Policy};
use crate::model::event::Via;
use crate::model::{CallId, Fault, LineId, ModemId, Moment, Mono};

/// One call of a line that is over.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) attempt: u32,
    pub(super) modem: usize,
    /// Which of the line's ways it went, and the place of the number that it called.
    pub(super) way: usize,
    pub(super) number: usize,
    /// When it ended; of a call of an earlier sitting, the origin.
    pub(super) ended: Mono,
    pub(super) fault: Option<Fault>,
    pub(super) class: CallClass,
    pub(super) furthest: Option<Moment>,
    pub(super) dialed: bool,
    pub(super) detail: String,
    /// Its dial limit was shortened, and ended it.
    pub(super) cut_short: bool,
    /// It blamed the line, but its modem is under quarantine: it counts as not made.
    pub(super) void: bool,
}

impl Trial {
    pub(super) const fn is_failing(&self) -> bool {
        self.class.is_failing() && !self.void
    }

    pub(super) const fn is_attempt(&self) -> bool {
        self.class.is_attempt() && !self.void
    }

    /// It woke somebody up at this number: no reason not to try another one.
    fn is_of_the_number(&self) -> bool {
        matches!(self.fault, Some(Fault::Voice | Fault::Fax))
    }

    /// It had its whole time, and no connection came of it either: what a call that was cut short has to say is true.
    fn bears_out_a_short_one(&self) -> bool {
        self.is_failing() && !self.cut_short && self.fault.is_some_and(needs_time)
    }
}

/// What the calls of all lines that share a number make of the number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NumberRecord {
    /// Calls in which digits may have gone out.
    pub(super) dialed: u32,
    /// Calls that failed, void ones left out.
    pub(super) failing: u32,
    /// Some call passed.
    pub(super) passed: bool,
    /// It was answered without carrier.
    pub(super) answered_without_carrier: Option<Seen>,
    /// Somebody, or a fax, was called from their sleep.
    pub(super) woken: Option<Seen>,
}

/// A finding about a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) fault: Fault,
    pub(super) line: LineId,
    pub(super) void: bool,
}

impl NumberRecord {
    /// `anew`: calls are made whatever they find, so that one that passed shows that a modem is there, and what was heard
    /// before says nothing any more.
    pub(super) fn note(&mut self, line: &LineId, trial: &Trial, anew: bool) {
        if anew && trial.class == CallClass::Passed {
            (self.dialed, self.answered_without_carrier) = (0, None);
            self.passed = true;
            return;
        }
        self.dialed += u32::from(trial.dialed);
        self.failing += u32::from(trial.is_failing());
        self.passed |= trial.class == CallClass::Passed;
        let Some(fault) = trial.fault else { return };
        let seen = Seen { fault, line: line.clone(), void: trial.void };
        // What a trustworthy modem saw stands before what one under quarantine saw.
        let better = |old: &Option<Seen>| old.as_ref().is_none_or(|old| old.void && !seen.void);
        if matches!(fault, Fault::Voice | Fault::Fax) && better(&self.woken) {
            self.woken = Some(seen);
        } else if trial.class == CallClass::AnsweredWithoutCarrier && better(&self.answered_without_carrier) {
            self.answered_without_carrier = Some(seen);
        }
    }

    /// Whether the number may not be called any more in this run.
    pub(super) const fn is_closed(&self) -> bool {
        self.woken.is_some()
            || (self.answered_without_carrier.is_some() && self.dialed >= CALLS_WITHOUT_CARRIER_MAX)
    }
}

/// Whether a credential can still be hoped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Neither proven nor stopped.
    Nothing,
    /// A login with it worked.
    Proven,
    /// It is sent no more.
    Stopped,
}

/// What to do with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It has its verdict.
    Settled(Finding),
    /// It is called again after the pause of this fault; without one, at once.
    Again(Option<Fault>),
    /// It is called again once its credential is proven.
    AfterProof,
}

/// A verdict in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) fault: Option<Fault>,
    pub(super) detail: String,
    pub(super) call: Option<CallId>,
}

/// Why a way to a line can't be gone any more in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shut {
    /// Its number was answered by somebody, or twice without carrier.
    Closed,
    /// Its number, or the line, has had all the calls that it may have: by this rule.
    Spent(String),
    /// The run has no budget left for it: by this one.
    OverBudget(String),
}

/// A way to a line.
pub(super) struct WayState<'a> {
    pub(super) number: &'a NumberRecord,
    pub(super) shut: Option<Shut>,
    pub(super) via: Option<&'a Via>,
}

/// What a line is judged by.
pub(super) struct Case<'a> {
    pub(super) line: &'a LineId,
    pub(super) trials: &'a [Trial],
    /// Never empty.
    pub(super) ways: &'a [WayState<'a>],
    pub(super) credential: Known,
    pub(super) policy: &'a Policy,
    pub(super) modems: &'a [ModemId],
}

impl Case<'_> {
    /// The line's verdict, or what is needed for one.
    pub(super) fn judge(&self) -> Judgement {
        if self.is_to_be_repeated() {
            return self.again();
        }
        self.passed()
            .or_else(|| self.ended_by_policy())
            .or_else(|| self.never_again())
            .or_else(|| self.enough_calls())
            .or_else(|| self.over_budget())
            .or_else(|| self.number_closed())
            .or_else(|| self.calls_spent())
            .or_else(|| self.our_own_fault())
            .or_else(|| self.unproven())
            .map_or_else(|| self.again(), Judgement::Settled)
    }

    /// Calls were asked for whatever they find, and nothing that ends a line for good has come.
    fn is_to_be_repeated(&self) -> bool {
        let Some(last) = self.trials.last().filter(|_| self.policy.repeat > 1) else { return false };
        let ended = self.trials.iter().any(|trial| trial.class == CallClass::Final)
            || matches!(last.class, CallClass::Policy | CallClass::Unproven | CallClass::Defect);
        let bench = self.trials.iter().filter(|trial| trial.class.is_bench()).count();
        let bench_max = self.policy.bench_calls_max(self.modems.len()) as usize;
        self.made() < self.policy.repeat && !ended && bench < bench_max && !self.is_nowhere()
    }

    /// Calls that count as the line's own.
    fn made(&self) -> u32 {
        self.trials.iter().map(|trial| u32::from(trial.is_attempt())).sum()
    }

    fn finding(&self, trial: &Trial, detail: String) -> Finding {
        let detail = match (detail.is_empty(), trial.fault) {
            (true, Some(fault)) => fault.code().to_owned(),
            _ => detail,
        };
        Finding { fault: trial.fault, detail, call: Some(CallId::new(self.line, trial.attempt)) }
    }

    /// No way is left that could be gone.
    fn is_nowhere(&self) -> bool {
        self.ways.iter().all(|way| way.shut.is_some())
    }

    /// Failing calls that make a failing verdict: each way that there is, or was, has its chance.
    fn confirm(&self) -> u32 {
        let had = |index: usize| self.trials.iter().any(|trial| trial.way == index && !trial.void);
        let ways =
            self.ways.iter().enumerate().filter(|(index, way)| way.shut.is_none() || had(*index)).count();
        self.policy.confirm.max(1).max(u32::try_from(ways).unwrap_or(u32::MAX))
    }

    fn passed(&self) -> Option<Finding> {
        let trial = self.trials.iter().rfind(|trial| trial.class == CallClass::Passed)?;
        if self.policy.repeat > 1 {
            return Some(self.passed_of_many(trial));
        }
        let before = self.told(Trial::is_failing);
        let by = self.way_told(trial, " by ");
        let retry = match (before.is_empty(), trial.way) {
            (true, 0) => return Some(self.finding(trial, trial.detail.clone())),
            (true, _) => format!("passed{by}, since its own number is not called any more"),
            (false, _) => format!("passed at call {}{by}, after {before}", trial.attempt),
        };
        let detail = if trial.detail.is_empty() { retry } else { format!("{}; {retry}", trial.detail) };
        // A call that we cut short ourselves needed a second one for our sake, not for the line's.
        let failed = self.trials.iter().any(|trial| trial.is_failing() && !trial.cut_short);
        let needed = failed || trial.way != 0;
        let blemish = (needed && self.policy.degraded.needed_retry).then_some(Fault::NeededRetry);
        Some(Finding { fault: trial.fault.or(blemish), ..self.finding(trial, detail) })
    }

    /// What calls that were made whatever they find come to: some passed.
    fn passed_of_many(&self, trial: &Trial) -> Finding {
        let passed = self.trials.iter().filter(|trial| trial.class == CallClass::Passed).count();
        let made = self.made();
        let failed = self.told(Trial::is_failing);
        let count = if failed.is_empty() {
            format!("passed {passed} of {made} calls")
        } else {
            format!("passed {passed} of {made} calls; {failed}")
        };
        // The blemish of one call is that of the line.
        let is_blemished = |trial: &&Trial| trial.class == CallClass::Passed && trial.fault.is_some();
        if let Some(blemished) = self.trials.iter().rfind(is_blemished) {
            return self.finding(blemished, format!("{}; {count}", blemished.detail));
        }
        let retry = (!failed.is_empty()).then_some(Fault::NeededRetry);
        Finding { fault: retry, ..self.finding(trial, count) }
    }

    /// The way of a call, where the line has several.
    fn way_told(&self, trial: &Trial, before: &str) -> String {
        match self.ways.get(trial.way) {
            Some(way) if self.ways.len() > 1 => format!("{before}{}", ways::words(way.via)),
            _ => String::new(),
        }
    }

    /// `busy on m00, no-answer on m01`
    fn told(&self, which: impl Fn(&Trial) -> bool) -> String {
        let words: Vec<String> = self
            .trials
            .iter()
            .filter(|trial| which(trial))
            .filter_map(|trial| {
                let short = if trial.cut_short { ", cut short" } else { "" };
                let by = self.way_told(trial, " by ");
                Some(format!("{} on {}{by}{short}", trial.fault?, self.modems.get(trial.modem)?))
            })
            .collect();
        words.join(", ")
    }

    fn ended_by_policy(&self) -> Option<Finding> {
        let trial = self.trials.last().filter(|trial| trial.class == CallClass::Policy)?;
        Some(self.finding(trial, trial.detail.clone()))
    }

    /// Findings that are never confirmed by a redial, those of a modem under quarantine included.
    fn never_again(&self) -> Option<Finding> {
        let nowhere = self.is_nowhere();
        // Whoever was woken at one number says nothing of another.
        let ends = |trial: &&Trial| trial.class == CallClass::Final && (nowhere || !trial.is_of_the_number());
        let finals = || self.trials.iter().filter(ends);
        if finals().any(|trial| !trial.void) {
            return self.decided();
        }
        if let Some(trial) = finals().next_back() {
            return Some(self.distrusted(trial));
        }
        let seen = self.ways.iter().filter(|_| nowhere).find_map(|way| way.number.woken.as_ref())?;
        Some(if seen.void { Self::number_distrusted(seen) } else { Self::inherited(seen) })
    }

    fn distrusted(&self, trial: &Trial) -> Finding {
        let fault = trial.fault.map_or("a fault", Fault::code);
        let modem = self.modems.get(trial.modem).map_or("?", ModemId::as_str);
        let detail = format!("`{modem}`, now under quarantine, found {fault}; not called again");
        Finding { fault: Some(Fault::QuarantinedBench), ..self.finding(trial, detail) }
    }

    fn number_distrusted(seen: &Seen) -> Finding {
        let detail = format!(
            "a modem that is now under quarantine found {} at the same number, as `{}`; not called again",
            seen.fault, seen.line
        );
        Finding { fault: Some(Fault::QuarantinedBench), detail, call: None }
    }

    fn inherited(seen: &Seen) -> Finding {
        let detail = format!(
            "{} at the same number, called as `{}`; nobody is called out twice",
            seen.fault, seen.line
        );
        Finding { fault: Some(seen.fault), detail, call: None }
    }

    fn failing(&self) -> u32 {
        self.trials.iter().map(|trial| u32::from(trial.is_failing())).sum()
    }

    /// Failing calls that count towards a verdict: one that was cut short only beside one that bears it out.
    fn confirming(&self) -> u32 {
        let borne_out = self.trials.iter().any(Trial::bears_out_a_short_one);
        let counts = |trial: &Trial| trial.is_failing() && (!trial.cut_short || borne_out);
        self.trials.iter().map(|trial| u32::from(counts(trial))).sum()
    }

    /// Calls at most: enough for each way.
    fn attempts(&self, confirm: u32) -> u32 {
        let most = self.policy.attempts.max(1);
        // Where each way has its chance anyway, the plan's word stands.
        if self.ways.len() > 1 { most.max(confirm) } else { most }
    }

    fn enough_calls(&self) -> Option<Finding> {
        let confirm = self.confirm();
        (self.confirming() >= confirm || self.made() >= self.attempts(confirm))
            .then(|| self.decided())
            .flatten()
    }

    /// The finding of the call that decides where none passed: the one that got furthest, of equals the last; one that
    /// was cut short never does where another one can.
    fn decided(&self) -> Option<Finding> {
        let counts = |trial: &&Trial| trial.is_failing() || trial.class == CallClass::Unproven;
        let weight = |trial: &&Trial| (!trial.cut_short, trial.furthest, trial.attempt);
        let trial = self.trials.iter().filter(counts).max_by_key(weight)?;
        let others = self.told(|other| other.is_failing() && other.attempt != trial.attempt);
        let detail = match (trial.detail.as_str(), others.as_str()) {
            (detail, "") => detail.to_owned(),
            ("", others) => format!("likewise: {others}"),
            (detail, others) => format!("{detail}; also {others}"),
        };
        Some(self.finding(trial, detail))
    }

    /// No budget of the run is left for the line: half an opinion is none.
    fn over_budget(&self) -> Option<Finding> {
        let spent = self.ways.iter().find_map(|way| match &way.shut {
            Some(Shut::OverBudget(text)) => Some(text),
            Some(Shut::Closed | Shut::Spent(_)) | None => None,
        });
        let spent = spent.filter(|_| self.is_nowhere())?;
        let before = self.told(Trial::is_failing);
        let detail = if before.is_empty() { spent.clone() } else { format!("{spent}; before that {before}") };
        Some(Finding { fault: Some(Fault::OverBudget), detail, call: None })
    }

    /// Every number has had all the calls that it gets in this run, and one was answered without carrier.
    fn number_closed(&self) -> Option<Finding> {
        if !self.is_nowhere() {
            return None;
        }
        self.ways.iter().find_map(|way| self.closed_by(way.number))
    }

    fn closed_by(&self, number: &NumberRecord) -> Option<Finding> {
        if !number.is_closed() {
            return None;
        }
        let seen = number.answered_without_carrier.as_ref()?;
        let confirmed = self.failing() >= CALLS_WITHOUT_CARRIER_MAX
            || (number.failing >= CALLS_WITHOUT_CARRIER_MAX && !number.passed);
        if confirmed && let Some(finding) = self.decided() {
            return Some(finding);
        }
        if confirmed && !seen.void {
            return Some(Self::inherited(seen));
        }
        if let Some(trial) = self.trials.iter().rfind(|trial| trial.class.is_bench()) {
            let detail =
                format!("{}; its number was answered without carrier and is not called again", trial.detail);
            return Some(self.finding(trial, detail));
        }
        if seen.void && !number.passed {
            return Some(Self::number_distrusted(seen));
        }
        let detail = format!(
            "its number, called as `{}`, was answered without carrier: {CALLS_WITHOUT_CARRIER_MAX} calls a run at most",
            seen.line
        );
        Some(Finding { fault: Some(Fault::OverBudget), detail, call: None })
    }

    /// Redial rules, or the line's or its number's own budget, allow no more calls: the line is judged by what it has.
    fn calls_spent(&self) -> Option<Finding> {
        let spent = self.ways.iter().find_map(|way| match &way.shut {
            Some(Shut::Spent(text)) => Some(text),
            Some(Shut::Closed | Shut::OverBudget(_)) | None => None,
        });
        let spent = spent.filter(|_| self.is_nowhere())?;
        // One call that was cut short is never the only evidence.
        let counts =
            |trial: &Trial| !trial.cut_short && (trial.is_failing() || trial.class == CallClass::Unproven);
        let known = self.trials.iter().any(counts);
        let decided = self.decided().filter(|_| known).or_else(|| {
            let bench = |trial: &&Trial| trial.class.is_bench() || trial.class == CallClass::Defect;
            let trial = self.trials.iter().rfind(bench)?;
            Some(self.finding(trial, trial.detail.clone()))
        });
        Some(match decided {
            Some(finding) => Finding { detail: format!("{}; {spent}", finding.detail), ..finding },
            None => Finding { fault: Some(Fault::OverBudget), detail: spent.clone(), call: None },
        })
    }

    /// Defects and bench faults that could not be got round.
    fn our_own_fault(&self) -> Option<Finding> {
        let panicked: Vec<&Trial> =
            self.trials.iter().filter(|trial| trial.class == CallClass::Defect).collect();
        let mut modems: Vec<usize> = panicked.iter().map(|trial| trial.modem).collect();
        modems.sort_unstable();
        modems.dedup();
        if (modems.len() >= PANICKED_MODEMS_MAX || panicked.len() >= PANICS_MAX as usize)
            && let Some(&trial) = panicked.last()
        {
            return Some(self.finding(trial, trial.detail.clone()));
        }
        let bench = || self.trials.iter().filter(|trial| trial.class.is_bench());
        let most = self.policy.bench_calls_max(self.modems.len()) as usize;
        let last = bench().next_back().filter(|_| bench().count() >= most)?;
        let detail = format!("{}; tried: {}", last.detail, self.told(|trial| trial.class.is_bench()));
        Some(self.finding(last, detail))
    }

    fn unproven(&self) -> Option<Finding> {
        let waited = self.trials.iter().any(|trial| trial.class == CallClass::Unproven);
        (waited && self.credential == Known::Stopped).then(|| self.decided()).flatten()
    }

    fn again(&self) -> Judgement {
        match self.trials.last() {
            Some(trial) if trial.class == CallClass::Unproven && self.credential == Known::Nothing => {
                Judgement::AfterProof
            }
            Some(trial) => Judgement::Again(trial.fault.filter(|_| !trial.void)),
            None => Judgement::Again(None),
        }
    }
}
