//! The lines that could be dialed now, best first, for each set of modems that may dial them.
//!
//! Nothing here looks at all lines: a line is found by its number (only the best line of an idle number stands in
//! front) and by its burden (which modems it had better not meet again).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::bench::BARRED;

/// Who goes first: the line that proves a credential, then the longest expected, then the order of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// False sorts first.
    pub(super) proves_nothing: bool,
    pub(super) expected: Reverse<Duration>,
    /// The line, and at the same time the last tie-break.
    pub(super) line: usize,
}

/// How much each modem has already failed for a line: (modem, weight), by modem, without zeros.
pub(super) type Burden = Box<[(usize, u32)]>;

/// Ready lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heads: Heads,
    numbers: Vec<Number>,
}

/// Of each idle number and burden, the best line.
#[derive(Debug, Default)]
struct Heads {
    by_burden: BTreeMap<Burden, BTreeSet<Rank>>,
    /// The best of each burden, the best of all first.
    best: BTreeMap<Rank, Burden>,
    /// Burdens with a modem that refuses a number.
    barred: BTreeSet<Burden>,
}

#[derive(Debug, Default)]
struct Number {
    in_call: bool,
    ready: Ready,
}

/// The ready lines of a number. Nearly every number has one line: a million of them need no trees of their own.
#[derive(Debug, Default)]
enum Ready {
    #[default]
    None,
    One(Burden, Rank),
    Many(BTreeMap<Burden, BTreeSet<Rank>>),
}

impl Queue {
    /// An empty queue for this many numbers.
    pub(super) fn new(numbers: usize) -> Self {
        Self { heads: Heads::default(), numbers: (0..numbers).map(|_| Number::default()).collect() }
    }

    /// Adds a line.
    pub(super) fn insert(&mut self, number: usize, burden: &Burden, rank: Rank) {
        self.change(number, burden, |ready| ready.insert(burden, rank));
    }

    /// Takes a line out.
    pub(super) fn remove(&mut self, number: usize, burden: &Burden, rank: Rank) {
        self.change(number, burden, |ready| ready.remove(burden, rank));
    }

    fn change(&mut self, number: usize, burden: &Burden, change: impl FnOnce(&mut Ready)) {
        let number = &mut self.numbers[number];
        let before = number.ready.first(burden);
        change(&mut number.ready);
        let after = number.ready.first(burden);
        if !number.in_call && before != after {
            self.heads.change(burden, before, after);
        }
    }

    /// A number is in a call, or idle again: its lines step back, or come forward.
    pub(super) fn set_in_call(&mut self, number: usize, in_call: bool) {
        let number = &mut self.numbers[number];
        number.in_call = in_call;
        let mut change = |burden: &Burden, head: Rank| {
            let (before, after) = if in_call { (Some(head), None) } else { (None, Some(head)) };
            self.heads.change(burden, before, after);
        };
        match &number.ready {
            Ready::None => {}
            Ready::One(burden, rank) => change(burden, *rank),
            Ready::Many(all) => {
                all.iter().for_each(|(burden, ranks)| {
                    ranks.first().iter().for_each(|rank| change(burden, **rank));
                });
            }
        }
    }

    /// Whether a call to this number is running.
    pub(super) fn is_in_call(&self, number: usize) -> bool {
        self.numbers[number].in_call
    }

    /// The best line of each burden with a modem that refuses its number, where the number is idle.
    pub(super) fn barred(&self) -> impl Iterator<Item = (&Burden, Rank)> {
        let first = |burden| self.heads.by_burden.get(burden).and_then(BTreeSet::first).copied();
        self.heads.barred.iter().filter_map(move |burden| Some((burden, first(burden)?)))
    }

    /// The best line whose number is idle and whose burden allows it. A burden that does not is passed over with all its
    /// lines, and few burdens name any one modem.
    pub(super) fn best(&self, allowed: impl Fn(&Burden) -> bool) -> Option<Rank> {
        self.heads.best.iter().find(|(_, burden)| allowed(burden)).map(|(rank, _)| *rank)
    }

    /// Whether no line of an idle number is ready.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.best.is_empty()
    }
}

impl Heads {
    fn change(&mut self, burden: &Burden, before: Option<Rank>, after: Option<Rank>) {
        if !self.by_burden.contains_key(burden) {
            self.by_burden.insert(burden.clone(), BTreeSet::new());
            if burden.iter().any(|&(_, weight)| weight == BARRED) {
                self.barred.insert(burden.clone());
            }
        }
        let Some(ranks) = self.by_burden.get_mut(burden) else { return };
        let best_before = ranks.first().copied();
        if let Some(rank) = before {
            ranks.remove(&rank);
        }
        ranks.extend(after);
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

impl Ready {
    /// The best line of a burden.
    fn first(&self, burden: &Burden) -> Option<Rank> {
        match self {
            Self::None => None,
            Self::One(own, rank) => (own == burden).then_some(*rank),
            Self::Many(all) => all.get(burden)?.first().copied(),
        }
    }

    fn insert(&mut self, burden: &Burden, rank: Rank) {
        match std::mem::take(self) {
            Self::None => *self = Self::One(burden.clone(), rank),
            Self::One(own, first) => {
                let mut all = BTreeMap::from([(own, BTreeSet::from([first]))]);
                all.entry(burden.clone()).or_default().insert(rank);
                *self = Self::Many(all);
            }
            Self::Many(mut all) => {
                all.entry(burden.clone()).or_default().insert(rank);
                *self = Self::Many(all);
            }
        }
    }

    fn remove(&mut self, burden: &Burden, rank: Rank) {
        match self {
            Self::None => {}
            Self::One(own, first) => {
                if own == burden && *first == rank {
                    *self = Self::None;
                }
            }
            Self::Many(all) => {
                if let Some(ranks) = all.get_mut(burden) {
                    ranks.remove(&rank);
                    if ranks.is_empty() {
                        all.remove(burden);
                    }
                }
                if all.is_empty() {
                    *self = Self::None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(line: usize, seconds: u64) -> Rank {
        Rank { proves_nothing: true, expected: Reverse(Duration::from_secs(seconds)), line }
    }

    #[test]
    fn the_longest_goes_first_and_ties_go_by_the_plan() {
        let mut queue = Queue::new(4);
        let free: Burden = Box::new([]);
        for (line, seconds) in [(2, 60), (0, 60), (1, 90)] {
            queue.insert(line, &free, rank(line, seconds));
        }
        queue.insert(3, &free, Rank { proves_nothing: false, ..rank(3, 1) });
        let mut order = Vec::new();
        while let Some(best) = queue.best(|_| true) {
            order.push(best.line);
            queue.remove(best.line, &free, best);
        }
        assert_eq!(order, [3, 1, 0, 2]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_number_in_a_call_hides_all_its_lines_and_nothing_else() {
        let mut queue = Queue::new(2);
        let (free, burdened): (Burden, Burden) = (Box::new([]), Box::new([(0, 2)]));
        queue.insert(0, &free, rank(0, 90));
        queue.insert(0, &burdened, rank(1, 80));
        queue.insert(1, &free, rank(2, 10));
        queue.set_in_call(0, true);
        queue.insert(0, &free, rank(3, 100));
        assert_eq!(queue.best(|_| true).map(|r| r.line), Some(2));
        queue.set_in_call(0, false);
        assert_eq!(queue.best(|_| true).map(|r| r.line), Some(3));
        assert_eq!(queue.best(|burden| !burden.is_empty()).map(|r| r.line), Some(1));
    }
}
