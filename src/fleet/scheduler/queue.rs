//! The lines that could be dialed now, best first, for each set of modems that may dial them.
//!
//! Nothing here looks at all lines: a line is found by its number (only the best line of an idle number stands in
//! front) and by its burden (which modems it had better not meet again).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    /// Of each idle number and burden, the best line.
    heads: BTreeMap<Burden, BTreeSet<Rank>>,
    numbers: Vec<Number>,
}

#[derive(Debug, Default)]
struct Number {
    in_call: bool,
    ready: BTreeMap<Burden, BTreeSet<Rank>>,
}

impl Queue {
    /// An empty queue for this many numbers.
    pub(super) fn new(numbers: usize) -> Self {
        Self { heads: BTreeMap::new(), numbers: (0..numbers).map(|_| Number::default()).collect() }
    }

    /// Adds a line.
    pub(super) fn insert(&mut self, number: usize, burden: &Burden, rank: Rank) {
        self.change(number, burden, |ready| {
            ready.insert(rank);
        });
    }

    /// Takes a line out.
    pub(super) fn remove(&mut self, number: usize, burden: &Burden, rank: Rank) {
        self.change(number, burden, |ready| {
            ready.remove(&rank);
        });
    }

    fn change(&mut self, number: usize, burden: &Burden, change: impl FnOnce(&mut BTreeSet<Rank>)) {
        let number = &mut self.numbers[number];
        let ready = number.ready.entry(burden.clone()).or_default();
        let before = ready.first().copied();
        change(ready);
        let after = ready.first().copied();
        if ready.is_empty() {
            number.ready.remove(burden);
        }
        if !number.in_call && before != after {
            move_head(&mut self.heads, burden, before, after);
        }
    }

    /// A number is in a call, or idle again: its lines step back, or come forward.
    pub(super) fn set_in_call(&mut self, number: usize, in_call: bool) {
        let number = &mut self.numbers[number];
        number.in_call = in_call;
        for (burden, ready) in &number.ready {
            let head = ready.first().copied();
            let (before, after) = if in_call { (head, None) } else { (None, head) };
            move_head(&mut self.heads, burden, before, after);
        }
    }

    /// Whether a call to this number is running.
    pub(super) fn is_in_call(&self, number: usize) -> bool {
        self.numbers[number].in_call
    }

    /// The best line of each burden, whose number is idle.
    pub(super) fn heads(&self) -> impl Iterator<Item = (&Burden, &Rank)> {
        self.heads.iter().filter_map(|(burden, ranks)| Some((burden, ranks.first()?)))
    }

    /// The best line whose number is idle and whose burden allows it.
    pub(super) fn best(&self, allowed: impl Fn(&Burden) -> bool) -> Option<Rank> {
        self.heads
            .iter()
            .filter(|(burden, _)| allowed(burden))
            .filter_map(|(_, ranks)| ranks.first())
            .min()
            .copied()
    }

    /// Whether no line of an idle number is ready.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }
}

fn move_head(
    heads: &mut BTreeMap<Burden, BTreeSet<Rank>>,
    burden: &Burden,
    before: Option<Rank>,
    after: Option<Rank>,
) {
    let ranks = heads.entry(burden.clone()).or_default();
    if let Some(rank) = before {
        ranks.remove(&rank);
    }
    ranks.extend(after);
    if ranks.is_empty() {
        heads.remove(burden);
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
