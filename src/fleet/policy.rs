//! The rules of a run: how often a line is called, how long it waits in between, and what a call's fault means for
//! the next one.
//!
//! How these are written in a plan is `config`'s; who is dialed next is the scheduler's.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::call::limits::UNANSWERED;
use crate::call::quality::Rules;
use crate::model::{Blame, Fault, Verdict};

/// Calls to a line at most, unless the plan says otherwise.
pub const ATTEMPTS: u32 = 3;
/// Failing calls that make a failing verdict, unless the plan says otherwise.
pub const CONFIRM: u32 = 2;
/// Calls a run that a number gets at most once it has answered without carrier. [design.md 4, promise 3]
pub const CALLS_WITHOUT_CARRIER_MAX: u32 = 2;
/// Calls of one line that may end in a bench fault, for each modem of the bank, unless the run says otherwise ..
pub const BENCH_CALLS_PER_MODEM: u32 = 2;
/// .. and in all.
pub const BENCH_CALLS_MAX: u32 = 6;
/// Panicked calls of one line, on one modem, before the defect is the line's verdict.
pub const PANICS_MAX: u32 = 3;
/// Modems on which a line's calls panicked before the defect is the line's verdict.
pub const PANICKED_MODEMS_MAX: usize = 2;
/// How long a number is left alone while a modem that could not be brought on-hook may hold it, unless the modem is set
/// up again before. Far ends give up a login after 30 to 60 s.
pub const NUMBER_HELD: Duration = Duration::from_secs(90);
/// Calls in a row without a usable outside line after which a modem rests.
pub const OUTSIDE_LINE_STREAK_MAX: u32 = 2;
/// Room for a first call and for the wait for a modem, beside the pause before a second call: a first call that is cut
/// short with less than this left before the deadline might be its line's last.
pub const SECOND_CALL_ROOM: Duration = Duration::from_secs(300);
/// Length of a call of which nothing is known: ring, train, login and hang-up of a good line. [peers.md 9]
pub const EXPECTED_CALL: Duration = Duration::from_secs(75);
/// What each console behind a console server adds to that: a CR after a second, its prompt, a second's rest, and the way
/// back to the menu.
pub const EXPECTED_CONSOLE: Duration = Duration::from_secs(4);

/// The length of a good call of which nothing is known but how many consoles are behind the one that answers.
pub fn expected_call(consoles: usize) -> Duration {
    EXPECTED_CALL + EXPECTED_CONSOLE * u32::try_from(consoles).unwrap_or(u32::MAX)
}

/// A far end that was busy: HylaFAX's JobReqBusy. [peers.md 3]
const AFTER_BUSY: Duration = Duration::from_secs(180);
/// A far end that rang for ever: HylaFAX's JobReqNoAnswer. [peers.md 3]
const AFTER_NO_ANSWER: Duration = Duration::from_secs(300);
/// Somebody works on the console: give them time.
const AFTER_CONSOLE_BUSY: Duration = Duration::from_secs(120);
/// The network or the far modem: they change within a minute, or not tonight.
const AFTER_NETWORK: Duration = Duration::from_secs(60);
/// The far modem and console need a moment to see that the last call is over.
const AFTER_CONSOLE: Duration = Duration::from_secs(30);
/// Our own outside line: whoever holds it hangs up soon, or not tonight.
const AFTER_BENCH: Duration = Duration::from_secs(30);
/// A waiting room that was full, although the credential is proven.
const AFTER_UNPROVEN: Duration = Duration::from_secs(5);

/// The rules of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Calls to a line at most, at least 1; calls that ended in a bench fault or a defect of ours are counted apart.
    pub attempts: u32,
    /// Failing calls that make a failing verdict, at least 1.
    pub confirm: u32,
    /// How long a line waits after a call with this fault; [`Policy::retry_after`] has the defaults.
    pub retry_after: BTreeMap<Fault, Duration>,
    /// Dial in the order of the plan, instead of the longest expected first.
    pub in_order: bool,
    /// How modems that are out are waited for.
    pub bench: BenchPolicy,
    /// Whether a line's first call may have a dial limit that is shortened by what is usual there.
    pub adaptive: bool,
    /// What makes a line that passes `degraded`.
    pub degraded: Rules,
    /// Calls that a line gets before it is judged, whatever they find, at least 1: a technician's `--repeat`. What ends a
    /// line for good (a person who answers, a refused password, a law, our own bench) ends it here too.
    pub repeat: u32,
    /// Least pause behind a call that passed, where another one follows all the same.
    pub repeat_pause: Duration,
    /// Calls of one line that may end in a bench fault, for each modem of the bank.
    pub bench_calls_per_modem: u32,
}

/// How modems that are out are waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchPolicy {
    /// How long lines wait while no modem at all is in service, before they end untested.
    pub patience: Duration,
    /// Pauses before a modem that is out is set up again: the first, the second .. ; the last one is kept. Empty: none.
    pub pauses: Vec<Duration>,
    /// How often a modem is set up again, without one good call in between, before it is left alone for the rest of the
    /// run. A port that another program holds is tried as long as there are lines to dial.
    pub setups_max: u32,
    /// Pauses before a modem under quarantine is checked again: the first, the second .. ; the last one is kept. Empty: it
    /// is never taken back.
    pub retests: Vec<Duration>,
    /// How often it is checked again before it is left alone for the rest of the run.
    pub retests_max: u32,
    /// Pauses before a modem whose worker died in a call is set up again: after the first death in a row, the second .. ; the
    /// last one is kept. Empty: none.
    pub deaths: Vec<Duration>,
    /// Deaths in a row, without one good call in between, after which it is held for a crash loop.
    pub deaths_max: u32,
    /// A modem that was tried often enough, or that is in a crash loop, is tried again so long after; without one it is left
    /// alone for the rest of the run. For runs that nobody watches and that last.
    pub slow_retry: Option<Duration>,
}

/// The pause before a modem that is down is tried again, in the runs of a daemon.
pub const SLOW_RETRY: Duration = Duration::from_secs(10 * 60);

impl Default for BenchPolicy {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(600),
            pauses: [10, 30, 60].map(Duration::from_secs).to_vec(),
            setups_max: 5,
            retests: [2 * 60, 10 * 60, 30 * 60].map(Duration::from_secs).to_vec(),
            retests_max: 12,
            deaths: [0, 10, 30, 60].map(Duration::from_secs).to_vec(),
            deaths_max: 4,
            slow_retry: None,
        }
    }
}

impl BenchPolicy {
    /// The pause after the `nth` death in a row (from 1).
    pub fn after_death(&self, nth: u32) -> Duration {
        nth_of(&self.deaths, nth).unwrap_or_default()
    }

    /// The pause before the `nth` try (from 1) to bring a modem back.
    pub fn pause(&self, nth: u32) -> Duration {
        nth_of(&self.pauses, nth).unwrap_or_default()
    }

    /// The pause before the `nth` check (from 1) of a modem under quarantine; absent where none follows.
    pub fn retest(&self, nth: u32) -> Option<Duration> {
        nth_of(&self.retests, nth).filter(|_| nth <= self.retests_max)
    }
}

/// The `nth` pause (from 1); the last one is kept.
pub(super) fn nth_of(pauses: &[Duration], nth: u32) -> Option<Duration> {
    let index = usize::try_from(nth.saturating_sub(1)).unwrap_or(usize::MAX);
    pauses.get(index).or(pauses.last()).copied()
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: ATTEMPTS,
            confirm: CONFIRM,
            retry_after: BTreeMap::new(),
            in_order: false,
            bench: BenchPolicy::default(),
            adaptive: true,
            degraded: Rules::default(),
            repeat: 1,
            repeat_pause: Duration::ZERO,
            bench_calls_per_modem: BENCH_CALLS_PER_MODEM,
        }
    }
}

impl Policy {
    /// Whether a first call may be cut short at all: only where another one is needed for a verdict, and allowed.
    pub const fn may_shorten(&self) -> bool {
        self.adaptive && self.confirm >= 2 && self.attempts >= 2 && self.repeat <= 1
    }

    /// How long before the deadline a first call may be cut short at the latest: the line must have its pause and its
    /// second call before nothing is dialed any more.
    pub fn second_call_room(&self) -> Duration {
        let pauses = UNANSWERED.map(|fault| self.retry_after(fault));
        pauses.into_iter().max().unwrap_or_default() + SECOND_CALL_ROOM
    }

    /// How long a line waits after a call with this fault before it may be dialed again.
    pub fn retry_after(&self, fault: Fault) -> Duration {
        self.retry_after.get(&fault).copied().unwrap_or_else(|| default_retry_after(fault))
    }

    /// How many calls of one line may end in a bench fault, with `modems` modems in the bank.
    pub fn bench_calls_max(&self, modems: usize) -> u32 {
        let modems = u32::try_from(modems).unwrap_or(u32::MAX);
        let each = self.bench_calls_per_modem.clamp(1, BENCH_CALLS_MAX);
        modems.saturating_mul(each).clamp(each, BENCH_CALLS_MAX)
    }
}

/// The pause after a fault where the plan says nothing; zero where no redial follows it.
pub const fn default_retry_after(fault: Fault) -> Duration {
    match fault {
        Fault::Busy => AFTER_BUSY,
        Fault::NoAnswer => AFTER_NO_ANSWER,
        Fault::ConsoleBusy => AFTER_CONSOLE_BUSY,
        Fault::Reorder | Fault::NoRing | Fault::NoCarrier | Fault::CarrierLost | Fault::NoConnect => {
            AFTER_NETWORK
        }
        Fault::ConsoleSilent
        | Fault::Garbage
        | Fault::LoginTimeout
        | Fault::LoginUnavailable
        | Fault::WrongConsole => AFTER_CONSOLE,
        Fault::NoDialtone | Fault::LineInUse | Fault::Glare | Fault::ModemRefused => AFTER_BENCH,
        Fault::CredentialUnproven => AFTER_UNPROVEN,
        // A modem that is out has pauses of its own; all others are never followed by a redial.
        Fault::PortOpenFailed
        | Fault::PortBusy
        | Fault::PortLost
        | Fault::ModemSilent
        | Fault::ModemError
        | Fault::QuarantinedBench
        | Fault::Internal
        | Fault::Voice
        | Fault::Fax
        | Fault::BootPrompt
        | Fault::OpenConsole
        | Fault::LoginRefused
        | Fault::PasswordExpired
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
        | Fault::Cancelled => Duration::ZERO,
    }
}

/// What one call's finding means for the line's next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallClass {
    /// The line passed, perhaps with a blemish.
    Passed,
    /// It failed, and another call must confirm it.
    Failed,
    /// It failed after the far end went off-hook: the number gets two calls a run at most.
    AnsweredWithoutCarrier,
    /// It failed in a way that is never confirmed by a redial.
    Final,
    /// The credential was neither proven nor sent.
    Unproven,
    /// Our modem or its port is bad: the modem goes out, the line goes to another one.
    BenchModem,
    /// Our outside line is bad, or this modem refuses this number: the line goes to another modem.
    BenchLine,
    /// A defect of our own: costs one call.
    Defect,
    /// The user or the plan ended it.
    Policy,
}

impl CallClass {
    /// The class of a call's fault; absent is a pass.
    pub const fn of(fault: Option<Fault>) -> Self {
        let Some(fault) = fault else { return Self::Passed };
        match fault {
            Fault::Voice
            | Fault::Fax
            | Fault::LoginRefused
            | Fault::PasswordExpired
            | Fault::OpenConsole
            | Fault::BootPrompt => Self::Final,
            Fault::NoCarrier | Fault::CarrierLost => Self::AnsweredWithoutCarrier,
            Fault::ModemRefused => Self::BenchLine,
            _ => match (fault.verdict(), fault.blame()) {
                (Verdict::Pass | Verdict::Degraded, _) => Self::Passed,
                (Verdict::Fail, _) => Self::Failed,
                (Verdict::Untested, Blame::BenchModem) => Self::BenchModem,
                (Verdict::Untested, Blame::BenchLine) => Self::BenchLine,
                (Verdict::Untested, Blame::Credential) => Self::Unproven,
                (Verdict::Untested, Blame::Policy) => Self::Policy,
                (Verdict::Untested, _) => Self::Defect,
            },
        }
    }

    /// Whether it blames the line.
    pub const fn is_failing(self) -> bool {
        matches!(self, Self::Failed | Self::AnsweredWithoutCarrier | Self::Final)
    }

    /// Whether it blames our own bench.
    pub const fn is_bench(self) -> bool {
        matches!(self, Self::BenchModem | Self::BenchLine)
    }

    /// Whether it counts as one of the line's attempts; faults of our own are counted apart.
    pub const fn is_attempt(self) -> bool {
        self.is_failing() || matches!(self, Self::Passed | Self::Unproven)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_a_fault_follows_its_blame() {
        for fault in Fault::ALL {
            let class = CallClass::of(Some(fault));
            assert_eq!(class.is_failing(), fault.verdict() == Verdict::Fail, "{fault}");
            assert_eq!(class.is_bench(), fault.blame().is_bench(), "{fault}");
            assert_eq!(class == CallClass::Passed, fault.verdict() == Verdict::Degraded, "{fault}");
        }
        assert_eq!(CallClass::of(None), CallClass::Passed);
        assert_eq!(CallClass::of(Some(Fault::Internal)), CallClass::Defect);
        assert_eq!(CallClass::of(Some(Fault::CredentialUnproven)), CallClass::Unproven);
        assert_eq!(CallClass::of(Some(Fault::Cancelled)), CallClass::Policy);
    }

    #[test]
    fn nobody_is_woken_twice() {
        for fault in [
            Fault::Voice,
            Fault::Fax,
            Fault::LoginRefused,
            Fault::PasswordExpired,
            Fault::OpenConsole,
            Fault::BootPrompt,
        ] {
            assert_eq!(CallClass::of(Some(fault)), CallClass::Final, "{fault}");
        }
    }

    #[test]
    fn a_plan_overrides_the_pauses() {
        let policy = Policy {
            retry_after: BTreeMap::from([(Fault::Busy, Duration::from_millis(5))]),
            ..Policy::default()
        };
        assert_eq!(policy.retry_after(Fault::Busy), Duration::from_millis(5));
        assert_eq!(policy.retry_after(Fault::NoAnswer), Duration::from_secs(300));
    }

    #[test]
    fn every_failing_call_that_is_redialed_has_a_pause() {
        for fault in Fault::ALL {
            let class = CallClass::of(Some(fault));
            let redialed = matches!(class, CallClass::Failed | CallClass::AnsweredWithoutCarrier);
            assert!(!redialed || !default_retry_after(fault).is_zero(), "{fault}");
        }
    }

    #[test]
    fn pauses_grow_and_the_last_is_kept() {
        let bench = BenchPolicy::default();
        let pauses: Vec<u64> = (1..=5).map(|n| bench.pause(n).as_secs()).collect();
        assert_eq!(pauses, [10, 30, 60, 60, 60]);
        assert_eq!(BenchPolicy { pauses: vec![], ..bench.clone() }.pause(3), Duration::ZERO);
        assert_eq!([1, 2, 3, 64].map(|modems| Policy::default().bench_calls_max(modems)), [2, 4, 6, 6]);
        let retests: Vec<Option<u64>> = [1, 2, 3, 12, 13].map(|n| Some(bench.retest(n)?.as_secs())).to_vec();
        assert_eq!(retests, [Some(120), Some(600), Some(1800), Some(1800), None]);
    }
}
