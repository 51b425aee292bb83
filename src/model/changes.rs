//! What changed: how each line stands after a run, against how it stood before. Pure: who knows the runs hands in both.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::before::{FLAPPING_CHANGES, LineBefore, TestedBefore};
use super::{Fault, LineId, RunId, SiteId, Verdict};

/// A line that came and went has calmed down once its result has been the same in so many runs in a row.
pub const FLAPPING_CALM_RUNS: u32 = 5;
/// A line that was to be tested and was not in so many runs since it was tested last is stale.
pub const STALE_RUNS: u32 = 3;
/// The same where runs count too that left it out by choice (on hold, `--only`, `--skip-passed`): by then it may have been forgotten.
pub const STALE_RUNS_BY_CHOICE: u32 = 30;

/// What a run changed of a line. Each line is in exactly one of these.
///
/// In the order in which a person should read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It fails, and did not the last time that it was tested; or it was never tested before.
    NewFailure,
    /// It is degraded, and had passed the last time; or it was never tested before.
    NewlyDegraded,
    /// It does not fail any more, or is not degraded any more.
    Recovered,
    /// It comes and goes: [`FLAPPING_CHANGES`] times within the last runs, and its result of now has not stood for
    /// [`FLAPPING_CALM_RUNS`] yet.
    Flapping,
    /// It was to be tested and was not, in run after run: nobody knows how it is.
    Stale,
    /// The plan had no such line before, and nothing is wrong with it as far as it was tested.
    NewLine,
    /// The plan has no such line any more.
    GoneLine,
    /// It fails, as the last time that it was tested.
    StillFailing,
    /// It is degraded, as the last time that it was tested.
    StillDegraded,
    /// It was not tested, and not often enough to be stale.
    Untested,
    /// It passed, as the last time that it was tested.
    Same,
}

impl Change {
    /// All of them, in the order in which a person should read them.
    pub const ALL: [Self; 11] = [
        Self::NewFailure,
        Self::NewlyDegraded,
        Self::Recovered,
        Self::Flapping,
        Self::Stale,
        Self::NewLine,
        Self::GoneLine,
        Self::StillFailing,
        Self::StillDegraded,
        Self::Untested,
        Self::Same,
    ];

    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NewFailure => "new-failure",
            Self::NewlyDegraded => "newly-degraded",
            Self::Recovered => "recovered",
            Self::Flapping => "flapping",
            Self::Stale => "stale",
            Self::NewLine => "new-line",
            Self::GoneLine => "gone-line",
            Self::StillFailing => "still-failing",
            Self::StillDegraded => "still-degraded",
            Self::Untested => "untested",
            Self::Same => "same",
        }
    }

    /// Whether the run itself brought it about: it was otherwise before.
    pub const fn is_news(self) -> bool {
        match self {
            Self::NewFailure | Self::NewlyDegraded | Self::Recovered | Self::NewLine | Self::GoneLine => true,
            Self::Flapping
            | Self::Stale
            | Self::StillFailing
            | Self::StillDegraded
            | Self::Untested
            | Self::Same => false,
        }
    }
}

/// How a line stands after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What the run found; absent is a pass.
    pub fault: Option<Fault>,
    /// In how many runs in a row its result (pass, degraded, fail) has been that, this one included and those left out
    /// in which it was untested; where the run did not test it, in how many runs in a row it was untested.
    pub runs: u32,
    /// Where the run did not test it: in how many of these it was left out by choice. Else 0.
    pub by_choice: u32,
    /// Since when; absent: it was untested, and when that began is not known.
    pub since: Option<Timestamp>,
    /// How often it went from failing to not failing or back within the last runs that tested it, this one included.
    pub changes: u32,
}

impl Standing {
    /// After a run that found this at `at`, told from what was before it.
    pub fn after(before: Option<&LineBefore>, fault: Option<Fault>, at: Timestamp) -> Self {
        let changes = before.map_or(0, |before| before.changes);
        let tested = before.and_then(|before| before.tested.as_ref());
        let result = Verdict::of(fault);
        if result == Verdict::Untested {
            let runs = before.map_or(0, |before| before.untested_runs).saturating_add(1);
            let by_choice = before.map_or(0, |before| before.untested_by_choice);
            let by_choice = by_choice.saturating_add(u32::from(is_choice(fault)));
            return Self { fault, runs, by_choice, since: None, changes };
        }
        match tested {
            Some(last) if Verdict::of(last.fault) == result => {
                let (runs, since) = (last.runs.saturating_add(1), Some(last.since));
                Self { fault, runs, by_choice: 0, since, changes }
            }
            last => {
                let turned = last.is_some_and(|last| fails(last.fault) != (result == Verdict::Fail));
                let changes = changes.saturating_add(u32::from(turned));
                Self { fault, runs: 1, by_choice: 0, since: Some(at), changes }
            }
        }
    }
}

fn fails(fault: Option<Fault>) -> bool {
    Verdict::of(fault) == Verdict::Fail
}

/// Whether somebody chose not to test it.
const fn is_choice(fault: Option<Fault>) -> bool {
    matches!(fault, Some(Fault::Skipped | Fault::OnHold))
}

/// Whether a line is stale that so many runs in a row did not test, so many of them by choice.
const fn is_stale(runs: u32, by_choice: u32) -> bool {
    runs.saturating_sub(by_choice) >= STALE_RUNS || runs >= STALE_RUNS_BY_CHOICE
}

/// What changed from `before` to `now`, of a line that the plan has now. Absent before: the plan did not have it.
pub fn change(before: Option<&LineBefore>, now: &Standing) -> Change {
    let last = before.and_then(|before| before.tested.as_ref()).map(|last| Verdict::of(last.fault));
    let result = Verdict::of(now.fault);
    if result == Verdict::Untested {
        return match before {
            None => Change::NewLine,
            Some(_) if is_stale(now.runs, now.by_choice) => Change::Stale,
            Some(_) => Change::Untested,
        };
    }
    if now.changes >= FLAPPING_CHANGES && now.runs < FLAPPING_CALM_RUNS {
        return Change::Flapping;
    }
    match (last, result) {
        (Some(Verdict::Fail), Verdict::Fail) => Change::StillFailing,
        (_, Verdict::Fail) => Change::NewFailure,
        (Some(Verdict::Fail), Verdict::Degraded)
        | (Some(Verdict::Fail | Verdict::Degraded), Verdict::Pass) => Change::Recovered,
        (Some(Verdict::Degraded), Verdict::Degraded) => Change::StillDegraded,
        (_, Verdict::Degraded) => Change::NewlyDegraded,
        (_, Verdict::Pass) if before.is_none() => Change::NewLine,
        (_, Verdict::Pass | Verdict::Untested) => Change::Same,
    }
}

/// One line, and what changed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The line.
    pub line: LineId,
    /// Where it is, where that is known.
    pub site: Option<SiteId>,
    /// What changed.
    pub change: Change,
    /// How it stands; absent for a gone line.
    pub now: Option<Standing>,
    /// The last time before that it was tested.
    pub last: Option<TestedBefore>,
    /// Whether the plan did not have it before.
    pub first: bool,
}

impl Changed {
    /// A line of the plan of now.
    pub fn of(line: LineId, site: Option<SiteId>, before: Option<&LineBefore>, now: Standing) -> Self {
        Self {
            line,
            site,
            change: change(before, &now),
            now: Some(now),
            last: before.and_then(|before| before.tested.clone()),
            first: before.is_none(),
        }
    }

    /// A line that the plan has no more.
    pub fn gone(before: &LineBefore, site: Option<SiteId>) -> Self {
        let (line, last) = (before.line.clone(), before.tested.clone());
        Self { line, site, change: Change::GoneLine, now: None, last, first: false }
    }

    /// The figure that goes with the change, in runs: how long a line that recovered had been as it was; how long a gone
    /// one had been as it was last; for every other one how long it has been as it is, this run included.
    pub fn nights(&self) -> Option<u32> {
        match self.change {
            Change::Recovered | Change::GoneLine => self.last.as_ref().map(|last| last.runs),
            _ => self.now.map(|now| now.runs),
        }
    }

    /// The fault that it has, or (recovered, gone) had.
    pub fn fault(&self) -> Option<Fault> {
        match self.change {
            Change::Recovered | Change::GoneLine => self.last.as_ref().and_then(|last| last.fault),
            _ => self.now.and_then(|now| now.fault),
        }
    }

    /// Whether it went from failing to not failing, or back, since it was tested last.
    pub fn has_turned(&self) -> bool {
        let tested = self.now.map(|now| now.fault).filter(|fault| Verdict::of(*fault) != Verdict::Untested);
        tested.zip(self.last.as_ref()).is_some_and(|(now, last)| fails(now) != fails(last.fault))
    }

    /// Whether it became stale just now: from the next run on, everybody knows.
    pub fn newly_stale(&self) -> bool {
        let was = |now: Standing| {
            let by_choice = now.by_choice.saturating_sub(u32::from(is_choice(now.fault)));
            is_stale(now.runs.saturating_sub(1), by_choice)
        };
        self.change == Change::Stale && self.now.is_some_and(|now| !was(now))
    }

    /// The fault of the last time, where the line was already failing or degraded, and with another one.
    pub fn other_before(&self) -> Option<Fault> {
        let last = self.last.as_ref()?.fault?;
        let same_result = matches!(self.change, Change::StillFailing | Change::StillDegraded);
        (same_result && self.fault() != Some(last)).then_some(last)
    }
}

/// What changed of all lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The run in which most of the lines were tested last: what is compared with.
    pub against: Option<RunId>,
    /// The lines by what changed, in the order in which they were handed in.
    lists: BTreeMap<Change, Vec<Changed>>,
}

impl Changes {
    /// Of these lines. [`Change::Same`] is counted, as everything is.
    pub fn of(lines: impl IntoIterator<Item = Changed>) -> Self {
        let mut lists: BTreeMap<Change, Vec<Changed>> = BTreeMap::new();
        let mut runs: BTreeMap<RunId, usize> = BTreeMap::new();
        for line in lines {
            if let Some(last) = &line.last {
                *runs.entry(last.run.clone()).or_default() += 1;
            }
            lists.entry(line.change).or_default().push(line);
        }
        // What is worse than it was stands before what is as it was.
        for list in lists.values_mut() {
            list.sort_by_key(|line| line.other_before().is_none());
        }
        let against = runs.into_iter().max_by_key(|(_, lines)| *lines).map(|(run, _)| run);
        Self { against, lists }
    }

    /// The lines of which this is told.
    pub fn lines(&self, change: Change) -> &[Changed] {
        self.lists.get(&change).map_or(&[], Vec::as_slice)
    }

    /// How many they are.
    pub fn count(&self, change: Change) -> u64 {
        self.lines(change).len() as u64
    }

    /// All lines, sorted by what changed.
    pub fn all(&self) -> impl Iterator<Item = &Changed> {
        self.lists.values().flatten()
    }

    /// Whether the run brought anything new about.
    pub fn is_empty(&self) -> bool {
        Change::ALL.into_iter().filter(|change| change.is_news()).all(|change| self.lines(change).is_empty())
    }
}

#[cfg(test)]
mod tests;
