//! When a line may be dialed, as the scheduler sees it: spells of monotonic time. What zones, weekdays and holidays make
//! of a plan's hours is `config`'s.

use std::sync::Arc;
use std::time::Duration;

use super::Mono;

/// Half-open spells, in their order, that neither touch nor overlap. Cheap to clone: lines of one site share them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    /// Absent: always.
    spells: Option<Arc<[(Mono, Mono)]>>,
}

impl Windows {
    /// No limit.
    pub const ALWAYS: Self = Self { spells: None };

    /// These spells `[from, to)`, in any order; those that touch or overlap become one, empty ones none. Without any:
    /// never.
    pub fn new(spells: impl IntoIterator<Item = (Mono, Mono)>) -> Self {
        let mut spells: Vec<(Mono, Mono)> = spells.into_iter().filter(|(from, to)| from < to).collect();
        spells.sort_unstable();
        let mut joined: Vec<(Mono, Mono)> = Vec::with_capacity(spells.len());
        for (from, to) in spells {
            match joined.last_mut() {
                Some((_, end)) if from <= *end => *end = (*end).max(to),
                _ => joined.push((from, to)),
            }
        }
        Self { spells: Some(joined.into()) }
    }

    /// Whether there is no limit.
    pub const fn is_always(&self) -> bool {
        self.spells.is_none()
    }

    /// The spells; absent: always.
    pub fn spells(&self) -> Option<&[(Mono, Mono)]> {
        self.spells.as_deref()
    }

    /// Whether all of `[at, at + room]` is open: a call that begins at `at` and takes no longer than `room` lies within.
    pub fn holds(&self, at: Mono, room: Duration) -> bool {
        self.next(at, room) == Some(at)
    }

    /// The first instant from `at` on from which there is `room`; absent if there is none.
    pub fn next(&self, at: Mono, room: Duration) -> Option<Mono> {
        let Some(spells) = &self.spells else { return Some(at) };
        let first = spells.partition_point(|&(_, to)| to <= at);
        spells[first..]
            .iter()
            .map(|&(from, to)| (from.max(at), to))
            .find(|&(from, to)| from + room <= to)
            .map(|(from, _)| from)
    }

    /// When the spell that holds `at` ends; absent if none does, or it has no end.
    pub fn closes(&self, at: Mono) -> Option<Mono> {
        let spells = self.spells.as_deref()?;
        let first = spells.partition_point(|&(_, to)| to <= at);
        spells.get(first).filter(|&&(from, _)| from <= at).map(|&(_, to)| to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Mono {
        Mono::from_millis(seconds * 1000)
    }

    #[test]
    fn a_call_lies_within_its_window_or_is_not_begun() {
        let windows = Windows::new([(s(50), s(60)), (s(0), s(10)), (s(10), s(20)), (s(30), s(30))]);
        assert_eq!(windows.spells(), Some(&[(s(0), s(20)), (s(50), s(60))][..]));
        let room = Duration::from_secs(5);
        assert!(windows.holds(s(15), room) && !windows.holds(s(16), room));
        assert_eq!(windows.next(s(16), room), Some(s(50)));
        assert_eq!(windows.next(s(56), room), None);
        assert_eq!(
            (windows.closes(s(3)), windows.closes(s(20)), windows.closes(s(59))),
            (Some(s(20)), None, Some(s(60)))
        );
    }

    #[test]
    fn never_and_always() {
        let hour = Duration::from_secs(3600);
        assert_eq!(Windows::new([]).next(s(1), Duration::ZERO), None);
        assert_eq!(Windows::ALWAYS.next(s(1), hour), Some(s(1)));
        assert_eq!(Windows::ALWAYS.closes(s(1)), None);
    }
}
