//! What keeps a line back that is ready, beside the want of a modem: another call to its number, a site or hunt group
//! that has all its calls, a budget that is set aside. Each of these is a gate; a line that finds one closed waits there.
//!
//! A gate with a thousand lines before it may open for one alone, and again with every call that ends. So when it opens,
//! of those that wait there only the best of each burden goes back to the queue; the next one follows when that one is
//! through and the gate still open. No line that could be dialed is held back by that, since the one that stands in
//! the queue is the better one.

use std::collections::{BTreeMap, BTreeSet};

use super::queue::{Burden, Rank};

/// The gates of a plan: numbers first, then groups, then what is set aside by kind of charge.
#[derive(Debug, Default)]
pub(super) struct Gates {
    all: Vec<Gate>,
}

#[derive(Debug)]
struct Gate {
    calls: u32,
    most: u32,
    waiting: Waiting,
    /// Those that were sent back to the queue and stand there, by burden.
    sent: BTreeMap<Burden, Rank>,
}

/// Lines by burden, the best first. Nearly every number has one line: a million of them need no trees of their own.
#[derive(Debug, Default)]
enum Waiting {
    #[default]
    None,
    One(Burden, Rank),
    Many(BTreeMap<Burden, BTreeSet<Rank>>),
}

impl Gates {
    /// Adds a gate that lets so many calls through at a time.
    pub(super) fn add(&mut self, most: u32) {
        self.all.push(Gate { calls: 0, most, waiting: Waiting::None, sent: BTreeMap::new() });
    }

    /// A call goes through.
    pub(super) fn enter(&mut self, gate: usize) {
        let gate = &mut self.all[gate];
        debug_assert!(gate.calls < gate.most, "one call too many");
        gate.calls += 1;
    }

    /// It has ended.
    pub(super) fn leave(&mut self, gate: usize) {
        let gate = &mut self.all[gate];
        gate.calls = gate.calls.saturating_sub(1);
    }

    /// Whether another call may go through.
    pub(super) fn has_room(&self, gate: usize) -> bool {
        self.all[gate].calls < self.all[gate].most
    }

    /// A line waits there.
    pub(super) fn wait(&mut self, gate: usize, burden: &Burden, rank: Rank) {
        self.all[gate].waiting.insert(burden, rank);
    }

    /// It does no longer.
    pub(super) fn stop_waiting(&mut self, gate: usize, burden: &Burden, rank: Rank) {
        self.all[gate].waiting.remove(burden, rank);
    }

    /// Whether any line waits there.
    pub(super) fn is_awaited(&self, gate: usize) -> bool {
        !matches!(self.all[gate].waiting, Waiting::None)
    }

    /// The burdens of those that wait there.
    pub(super) fn burdens(&self, gate: usize) -> Vec<Burden> {
        match &self.all[gate].waiting {
            Waiting::None => Vec::new(),
            Waiting::One(burden, _) => vec![burden.clone()],
            Waiting::Many(all) => all.keys().cloned().collect(),
        }
    }

    /// The best of a burden that waits there, unless a better one stands in the queue already.
    pub(super) fn next(&self, gate: usize, burden: &Burden) -> Option<Rank> {
        let gate = &self.all[gate];
        let best = gate.waiting.first(burden)?;
        gate.sent.get(burden).is_none_or(|sent| best < *sent).then_some(best)
    }

    /// A line of this gate stands in the queue for those that wait.
    pub(super) fn sent(&mut self, gate: usize, burden: Burden, rank: Rank) {
        self.all[gate].sent.insert(burden, rank);
    }

    /// It does no longer.
    pub(super) fn gone(&mut self, gate: usize, burden: &Burden, rank: Rank) {
        let sent = &mut self.all[gate].sent;
        if sent.get(burden) == Some(&rank) {
            sent.remove(burden);
        }
    }
}

impl Waiting {
    fn first(&self, burden: &Burden) -> Option<Rank> {
        match self {
            Self::None => None,
            Self::One(own, rank) => (own == burden).then_some(*rank),
            Self::Many(all) => all.get(burden)?.first().copied(),
        }
    }

    fn insert(&mut self, burden: &Burden, rank: Rank) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(burden.clone(), rank),
            Self::One(own, first) => {
                let mut all = BTreeMap::from([(own, BTreeSet::from([first]))]);
                all.entry(burden.clone()).or_default().insert(rank);
                Self::Many(all)
            }
            Self::Many(mut all) => {
                all.entry(burden.clone()).or_default().insert(rank);
                Self::Many(all)
            }
        };
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
    use std::cmp::Reverse;
    use std::time::Duration;

    use super::*;

    fn rank(line: usize) -> Rank {
        let expected = Reverse(Duration::ZERO);
        Rank { proves_nothing: true, priority: Reverse(0), deferred: None, expected, line }
    }

    #[test]
    fn one_of_each_burden_goes_back_and_the_next_when_it_is_through() {
        let mut gates = Gates::default();
        let gate = 0;
        gates.add(2);
        let (free, burdened): (Burden, Burden) = (Box::new([]), Box::new([(0, 2)]));
        for (line, burden) in [(3, &free), (1, &free), (2, &burdened)] {
            gates.wait(gate, burden, rank(line));
        }
        assert_eq!(gates.burdens(gate), [free.clone(), burdened.clone()]);
        let next = gates.next(gate, &free).unwrap();
        assert_eq!(next.line, 1);
        gates.stop_waiting(gate, &free, next);
        gates.sent(gate, free.clone(), next);
        assert_eq!(gates.next(gate, &free), None, "one stands in the queue");
        assert_eq!(gates.next(gate, &burdened).unwrap().line, 2);
        gates.wait(gate, &free, rank(0));
        assert_eq!(gates.next(gate, &free).unwrap().line, 0, "a better one");
        gates.stop_waiting(gate, &free, rank(0));
        gates.gone(gate, &free, next);
        assert_eq!(gates.next(gate, &free).unwrap().line, 3);
    }

    #[test]
    fn calls_are_counted() {
        let mut gates = Gates::default();
        let gate = 0;
        gates.add(1);
        assert!(gates.has_room(gate) && !gates.is_awaited(gate));
        gates.enter(gate);
        assert!(!gates.has_room(gate));
        gates.leave(gate);
        assert!(gates.has_room(gate));
    }
}
