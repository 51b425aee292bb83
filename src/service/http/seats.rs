//! Who has one of a door's seats: so many connections at a time, and of those that ask for nothing the one that has idled
//! longest gives way to a newcomer. So a thousand idle connections keep nobody out.
//!
//! Pure: how a connection is closed is `connection`'s.

use std::collections::BTreeMap;

/// A connection's number.
pub(super) type Seat = u64;

/// Whether a newcomer may sit down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// Here; and this one, if any, has lost its seat.
    Seated(Seat, Option<Seat>),
    /// Everybody is being served.
    Full,
}

/// The seats of a door.
#[derive(Debug)]
pub(super) struct Seats {
    max: usize,
    next: Seat,
    /// Since which turn each is idle; absent while it is served.
    taken: BTreeMap<Seat, Option<u64>>,
    turn: u64,
}

impl Seats {
    /// All free.
    pub(super) const fn new(max: usize) -> Self {
        Self { max, next: 0, taken: BTreeMap::new(), turn: 0 }
    }

    /// Another number of seats; who sits stays.
    pub(super) const fn resize(&mut self, max: usize) {
        self.max = max;
    }

    /// A newcomer, which is idle until it has asked for something.
    pub(super) fn enter(&mut self) -> Entry {
        let mut lost = None;
        if self.taken.len() >= self.max {
            let idlest = self.taken.iter().filter_map(|(seat, idle)| Some(((*idle)?, *seat))).min();
            let Some((_, seat)) = idlest else { return Entry::Full };
            self.taken.remove(&seat);
            lost = Some(seat);
        }
        let seat = self.next;
        self.next += 1;
        self.turn += 1;
        self.taken.insert(seat, Some(self.turn));
        Entry::Seated(seat, lost)
    }

    /// It is served.
    pub(super) fn busy(&mut self, seat: Seat) {
        if let Some(idle) = self.taken.get_mut(&seat) {
            *idle = None;
        }
    }

    /// It has all that it asked for.
    pub(super) fn idle(&mut self, seat: Seat) {
        self.turn += 1;
        if let Some(idle) = self.taken.get_mut(&seat) {
            *idle = Some(self.turn);
        }
    }

    /// It has gone.
    pub(super) fn leave(&mut self, seat: Seat) {
        self.taken.remove(&seat);
    }

    /// How many are taken.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.taken.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_one_that_idled_longest_gives_way_and_one_that_is_served_does_not() {
        let mut seats = Seats::new(2);
        assert_eq!(seats.enter(), Entry::Seated(0, None));
        assert_eq!(seats.enter(), Entry::Seated(1, None));
        seats.busy(0);
        assert_eq!(seats.enter(), Entry::Seated(2, Some(1)));
        seats.busy(2);
        assert_eq!(seats.enter(), Entry::Full);
        seats.idle(2);
        seats.idle(0);
        assert_eq!(seats.enter(), Entry::Seated(3, Some(2)), "it became idle before the other");
        // What is told of one that has lost its seat changes nothing.
        seats.busy(1);
        seats.idle(1);
        assert_eq!(seats.taken(), 2);
    }

    proptest! {
        #[test]
        fn never_more_than_there_are_seats(max in 1_usize..5, acts in prop::collection::vec((0_u8..4, 0_u64..30), 0..80)) {
            let mut seats = Seats::new(max);
            let mut served = std::collections::BTreeSet::new();
            for (act, seat) in acts {
                match act {
                    0 => if let Entry::Seated(_, Some(lost)) = seats.enter() {
                        prop_assert!(!served.contains(&lost), "who is served stays");
                    },
                    1 => { seats.busy(seat); if seats.taken.contains_key(&seat) { served.insert(seat); } }
                    2 => { seats.idle(seat); served.remove(&seat); }
                    _ => { seats.leave(seat); served.remove(&seat); }
                }
                prop_assert!(seats.taken() <= max);
            }
        }
    }
}
