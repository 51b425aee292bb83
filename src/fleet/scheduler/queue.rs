//! The lines that could be dialed now, best first, for each set of modems that may dial them.
//!
//! Nothing here looks at all lines: a line is found by its rank and by its burden (which modems it had better not meet
//! again). What else may keep a line back is found out when it comes to the front: then it goes to where it waits
//! (`gates`), and the next one comes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::bench::BARRED;

/// Who goes first: the line that proves a credential, then the higher priority, then what fits before the deadline before
/// what does not (of those the longest not tested), then the longest expected, then the order of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// False sorts first.
    pub(super) proves_nothing: bool,
    pub(super) priority: Reverse<i32>,
    /// None sorts first.
    pub(super) deferred: Option<u32>,
    pub(super) expected: Reverse<Duration>,
    /// The line, and at the same time the last tie-break.
    pub(super) line: usize,
}

/// How much each modem has already failed for a line: (modem, weight), by modem, without zeros.
pub(super) type Burden = Box<[(usize, u32)]>;

/// Ready lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    by_burden: BTreeMap<Burden, BTreeSet<Rank>>,
    /// The best of each burden, the best of all first.
    best: BTreeMap<Rank, Burden>,
    /// Burdens with a modem that refuses a number.
    barred: BTreeSet<Burden>,
}

impl Queue {
    /// Adds a line.
    pub(super) fn insert(&mut self, burden: &Burden, rank: Rank) {
        self.change(burden, |ranks| _ = ranks.insert(rank));
    }

    /// Takes a line out.
    pub(super) fn remove(&mut self, burden: &Burden, rank: Rank) {
        self.change(burden, |ranks| _ = ranks.remove(&rank));
    }

    /// The best line of each burden with a modem that refuses its number.
    pub(super) fn barred(&self) -> impl Iterator<Item = (&Burden, Rank)> {
        let first = |burden| self.by_burden.get(burden).and_then(BTreeSet::first).copied();
        self.barred.iter().filter_map(move |burden| Some((burden, first(burden)?)))
    }

    /// The best line whose burden allows it. A burden that does not is passed over with all its lines, and few burdens name
    /// any one modem.
    pub(super) fn best(&self, allowed: impl Fn(&Burden) -> bool) -> Option<Rank> {
        self.best.iter().find(|(_, burden)| allowed(burden)).map(|(rank, _)| *rank)
    }

    /// Whether no line is ready.
    pub(super) fn is_empty(&self) -> bool {
        self.best.is_empty()
    }

    fn change(&mut self, burden: &Burden, change: impl FnOnce(&mut BTreeSet<Rank>)) {
        if !self.by_burden.contains_key(burden) {
            self.by_burden.insert(burden.clone(), BTreeSet::new());
            if burden.iter().any(|&(_, weight)| weight == BARRED) {
                self.barred.insert(burden.clone());
            }
        }
        let Some(ranks) = self.by_burden.get_mut(burden) else { return };
        let best_before = ranks.first().copied();
        change(ranks);
        let best_after = ranks.first().copied();
        if ranks.is_empty() {
            self.by_burden.remove(burden);
            self.barred.remove(burden);
        }
        if best_before != best_after {
            best_before.map(|rank| self.best.remove(&rank));
            best_after.map(|rank| self.best.insert(rank, burden.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(line: usize, seconds: u64) -> Rank {
        let expected = Reverse(Duration::from_secs(seconds));
        Rank { proves_nothing: true, priority: Reverse(0), deferred: None, expected, line }
    }

    #[test]
    fn who_goes_first() {
        let mut queue = Queue::default();
        let free: Burden = Box::new([]);
        let ranks = [
            Rank { deferred: Some(1), ..rank(7, 900) },
            rank(2, 60),
            rank(0, 60),
            rank(1, 90),
            Rank { proves_nothing: false, ..rank(3, 1) },
            Rank { priority: Reverse(-1), ..rank(4, 900) },
            Rank { priority: Reverse(5), deferred: Some(9), ..rank(5, 1) },
            Rank { deferred: Some(0), ..rank(6, 1) },
        ];
        for rank in ranks {
            queue.insert(&free, rank);
        }
        let mut order = Vec::new();
        while let Some(best) = queue.best(|_| true) {
            order.push(best.line);
            queue.remove(&free, best);
        }
        assert_eq!(order, [3, 5, 1, 0, 2, 6, 7, 4]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_burden_that_is_not_allowed_is_passed_over() {
        let mut queue = Queue::default();
        let (free, burdened): (Burden, Burden) = (Box::new([]), Box::new([(0, 2)]));
        queue.insert(&burdened, rank(1, 80));
        queue.insert(&free, rank(2, 10));
        assert_eq!(queue.best(|_| true).map(|r| r.line), Some(1));
        assert_eq!(queue.best(|burden| burden.is_empty()).map(|r| r.line), Some(2));
    }
}
