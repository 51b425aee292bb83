//! National redial rules as the scheduler keeps them: how often a number may be called without success, and how long it is
//! left alone in between. Pure.
//!
//! What each country's rules are is data (`dialplans/numbering/`, modems.md 5.1); whether they hold for a bank is `cli`'s
//! to say: they do for real ports, and not for a simulated exchange, which has no law and may have a quicker clock.

use std::time::Duration;

use super::policy::nth_of;
use crate::model::{Fault, Mono};

/// What holds for calls to one number. Nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedialLaw {
    /// Most failed calls in a row to one number in a run; absent: no such rule.
    pub attempts: Option<u32>,
    /// The same where all of them met busy or reorder tone; absent: as `attempts`.
    pub busy_attempts: Option<u32>,
    /// Least pause after the first failed call in a row, the second .. ; the last one is kept.
    pub pauses: Vec<Duration>,
}

impl RedialLaw {
    /// How long after a first failed call a second one may follow; absent where none may.
    pub fn second_call_after(&self) -> Option<Duration> {
        let allowed = |most: Option<u32>| most.is_none_or(|most| most > 1);
        let pause = nth_of(&self.pauses, 1).unwrap_or_default();
        (allowed(self.attempts) && allowed(self.busy_attempts)).then_some(pause)
    }
}

/// What is counted of one number. A call that got through clears it; every other one that went out counts, whoever's
/// fault it was: the law asks for calls, and not for verdicts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedialCount {
    failed: u32,
    /// Those of them that met something else than busy or reorder tone.
    otherwise: u32,
    /// Not before then.
    until: Option<Mono>,
}

impl RedialCount {
    /// A call to the number is over, and digits may have gone out.
    pub fn note(&mut self, law: &RedialLaw, now: Mono, fault: Option<Fault>, through: bool) {
        if through {
            *self = Self::default();
            return;
        }
        self.failed = self.failed.saturating_add(1);
        self.otherwise += u32::from(!matches!(fault, Some(Fault::Busy | Fault::Reorder)));
        self.until = nth_of(&law.pauses, self.failed).map(|pause| now + pause);
    }

    /// The same of a call of another run, which ended so long before this one began: in the order of their ends, before any of
    /// this run.
    pub fn recall(&mut self, law: &RedialLaw, ago: Duration, fault: Option<Fault>, through: bool) {
        self.note(law, Mono::ZERO, fault, through);
        self.until = self.until.map(|until| until.before(ago));
    }

    /// Whether the number has had all the calls that it may have in this run.
    pub fn is_spent(&self, law: &RedialLaw) -> bool {
        let most = if self.otherwise == 0 { law.busy_attempts.or(law.attempts) } else { law.attempts };
        most.is_some_and(|most| self.failed >= most)
    }

    /// When it may be called again, if that lies ahead.
    pub fn until(&self, now: Mono) -> Option<Mono> {
        self.until.filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Mono {
        Mono::from_millis(seconds * 1000)
    }

    fn law() -> RedialLaw {
        RedialLaw {
            attempts: Some(2),
            busy_attempts: Some(4),
            pauses: [60, 120].map(Duration::from_secs).to_vec(),
        }
    }

    #[test]
    fn failed_calls_count_and_one_that_gets_through_clears_them() {
        let (law, mut count) = (law(), RedialCount::default());
        count.note(&law, s(0), Some(Fault::NoAnswer), false);
        assert_eq!((count.until(s(0)), count.is_spent(&law)), (Some(s(60)), false));
        assert_eq!(count.until(s(60)), None);
        count.note(&law, s(70), Some(Fault::PortLost), false);
        assert_eq!((count.until(s(70)), count.is_spent(&law)), (Some(s(190)), true));
        count.note(&law, s(200), None, true);
        assert_eq!(count, RedialCount::default());
    }

    #[test]
    fn calls_of_another_run_count_and_their_pause_has_begun_then() {
        let (law, mut count) = (law(), RedialCount::default());
        count.recall(&law, Duration::from_secs(20), Some(Fault::NoAnswer), false);
        assert_eq!((count.until(s(0)), count.until(s(40))), (Some(s(40)), None));
        count.recall(&law, Duration::from_secs(500), Some(Fault::NoAnswer), false);
        assert_eq!((count.until(s(0)), count.is_spent(&law)), (None, true));
        count.recall(&law, Duration::ZERO, None, true);
        assert_eq!(count, RedialCount::default());
    }

    #[test]
    fn busy_tone_alone_allows_more() {
        let (law, mut count) = (law(), RedialCount::default());
        for n in 0..3 {
            count.note(&law, s(n), Some(Fault::Busy), false);
            assert!(!count.is_spent(&law), "after {n}");
        }
        assert_eq!(count.until(s(2)), Some(s(122)), "the last pause is kept");
        let mut mixed = count.clone();
        count.note(&law, s(3), Some(Fault::Reorder), false);
        assert!(count.is_spent(&law));
        mixed.note(&law, s(3), Some(Fault::NoAnswer), false);
        assert!(mixed.is_spent(&law));
    }

    #[test]
    fn a_second_call_follows_where_the_law_has_one() {
        assert_eq!(law().second_call_after(), Some(Duration::from_secs(60)));
        assert_eq!(RedialLaw::default().second_call_after(), Some(Duration::ZERO));
        assert_eq!(RedialLaw { attempts: Some(1), ..law() }.second_call_after(), None);
    }

    #[test]
    fn no_law_no_limit() {
        let (law, mut count) = (RedialLaw::default(), RedialCount::default());
        for n in 0..1000 {
            count.note(&law, s(n), None, false);
        }
        assert!(!count.is_spent(&law) && count.until(s(0)).is_none());
    }
}
