//! Failures that pile up on one modem: the rule that asks for a check of the bench before it judges on. Pure.
//!
//! [`super::health`] convicts a modem by what others found on the same lines; this rule needs no other modem. It convicts
//! nobody: what a suspicion leads to is the scheduler's. Modems and lines are indices of its plan.

use std::collections::BTreeSet;

/// Lines in a row that fail on a modem before it is checked. Four dead lines in a row are rare where most lines are
/// good, and a check costs as much as one call.
pub const PILE_UP_LINES: usize = 4;

/// Most lines in a row before the next check, however often the checks before were passed: where most lines are dead, a
/// check every four of them would be a fifth of the night.
pub const PILE_UP_LINES_MAX: usize = 32;

/// The failures in a row of each modem.
#[derive(Debug, Clone)]
pub struct PileUps {
    modems: Vec<Pile>,
    /// Those whose pile is full.
    suspects: BTreeSet<usize>,
    /// Some modem got through since all were settled.
    anybody_worked: bool,
}

#[derive(Debug, Clone)]
struct Pile {
    lines: BTreeSet<usize>,
    most: usize,
}

impl Default for Pile {
    fn default() -> Self {
        Self { lines: BTreeSet::new(), most: PILE_UP_LINES }
    }
}

impl PileUps {
    /// Nothing has piled up on any of `modems` modems.
    pub fn new(modems: usize) -> Self {
        Self { modems: vec![Pile::default(); modems], suspects: BTreeSet::new(), anybody_worked: false }
    }

    /// A call on this modem blamed its line, and heard nothing from a console.
    pub fn failed(&mut self, modem: usize, line: usize) {
        if let Some(pile) = self.modems.get_mut(modem) {
            pile.lines.insert(line);
            if pile.lines.len() >= pile.most {
                self.suspects.insert(modem);
            }
        }
    }

    /// A call on this modem got as far as a console: it works.
    pub fn worked(&mut self, modem: usize) {
        self.anybody_worked = true;
        if let Some(pile) = self.modems.get_mut(modem) {
            *pile = Pile::default();
            self.suspects.remove(&modem);
        }
    }

    /// The modem got through to what it was checked with. Where the whole bank fails, and not one modem alone, that
    /// speaks for all: it is the lines, or the network. The modems that are no longer suspect, and this one.
    pub fn passed(&mut self, modem: usize) -> BTreeSet<usize> {
        let mut settled = BTreeSet::from([modem]);
        if !self.anybody_worked {
            // A pile that is not full yet asks for nothing, and goes on growing.
            settled.append(&mut self.suspects.clone());
        }
        for &modem in &settled {
            self.settled(modem);
        }
        settled
    }

    /// It was checked, or can't be: what has piled up stands, and the next check comes later. Where nothing has, as before
    /// the first line, it changes nothing.
    pub fn settled(&mut self, modem: usize) {
        if let Some(pile) = self.modems.get_mut(modem).filter(|pile| !pile.lines.is_empty()) {
            pile.lines.clear();
            pile.most = (pile.most * 2).min(PILE_UP_LINES_MAX);
            self.suspects.remove(&modem);
        }
    }

    /// Whether the modem is to be checked before its next line.
    pub fn is_suspect(&self, modem: usize) -> bool {
        self.suspects.contains(&modem)
    }

    /// All of them, in their order.
    pub const fn suspects(&self) -> &BTreeSet<usize> {
        &self.suspects
    }

    /// How many lines have failed on it in a row.
    pub fn lines(&self, modem: usize) -> usize {
        self.modems.get(modem).map_or(0, |pile| pile.lines.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lines_in_a_row_are_suspect_and_one_that_works_clears() {
        let mut piles = PileUps::new(2);
        for line in [0, 1, 2, 2, 2] {
            piles.failed(0, line);
            assert!(!piles.is_suspect(0), "one line again and again is one line");
        }
        piles.failed(0, 3);
        assert!(piles.is_suspect(0) && !piles.is_suspect(1));
        assert_eq!(piles.lines(0), 4);
        piles.worked(0);
        assert!(!piles.is_suspect(0));
    }

    #[test]
    fn where_nobody_gets_through_one_check_speaks_for_all() {
        let mut piles = PileUps::new(3);
        let pile_up = |piles: &mut PileUps| {
            for n in 0..6 {
                (0..PILE_UP_LINES_MAX).for_each(|line| piles.failed(n % 3, line));
            }
        };
        pile_up(&mut piles);
        piles.passed(1);
        assert!((0..3).all(|modem| !piles.is_suspect(modem)));
        piles.worked(2);
        pile_up(&mut piles);
        piles.passed(1);
        assert_eq!([0, 1, 2].map(|modem| piles.is_suspect(modem)), [true, false, true]);
    }

    #[test]
    fn one_check_speaks_for_no_pile_that_is_not_full() {
        let mut piles = PileUps::new(2);
        (1..PILE_UP_LINES).for_each(|line| piles.failed(0, line));
        piles.passed(1);
        piles.failed(0, 0);
        assert!(piles.is_suspect(0), "its fourth line in a row");
    }

    #[test]
    fn checks_before_the_first_line_let_nothing_more_be_borne() {
        let mut piles = PileUps::new(4);
        (0..4).for_each(|modem| drop(piles.passed(modem)));
        (0..PILE_UP_LINES).for_each(|line| piles.failed(0, line));
        assert!(piles.is_suspect(0));
    }

    #[test]
    fn after_each_passed_check_more_is_borne() {
        let mut piles = PileUps::new(1);
        for most in [4, 8, 16, 32, 32] {
            for line in 0..most {
                assert!(!piles.is_suspect(0), "{line} of {most}");
                piles.failed(0, line);
            }
            assert!(piles.is_suspect(0));
            piles.settled(0);
        }
        piles.worked(0);
        (0..PILE_UP_LINES).for_each(|line| piles.failed(0, line));
        assert!(piles.is_suspect(0));
    }
}
