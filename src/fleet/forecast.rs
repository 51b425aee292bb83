//! When a run will end, and which lines do not fit before its deadline: the scheduler itself is played in virtual time, with
//! the lengths that the lines' own history has. Pure.
//!
//! What is known of the lines is handed in. A forecast binds nobody: what it leaves out goes last, and is dialed after all
//! where the night is shorter than was thought.

mod play;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;

use self::play::{Play, Played};
use super::policy::{CallClass, EXPECTED_CALL};
use super::scheduler::SchedulerPlan;
use crate::model::usual::Spread;
use crate::model::{Fault, LineId, Mono};

/// How far from the median the pessimistic length of a line lies, in deviations: nine of ten nights are shorter, if they are
/// spread normally. [the normal distribution's 90th percentile]
const PESSIMISTIC_DEVIATIONS: f64 = 1.2816;
/// A line that is known of fewer nights than this has shown too little of its spread: then it is ..
const NIGHTS_FEW: u32 = 5;
/// .. at least this share of its median.
const DEVIATION_MIN: f64 = 0.25;
/// What a line of which nothing is known takes at the worst: a second call.
const UNKNOWN_PESSIMISTIC: Duration = EXPECTED_CALL.saturating_mul(2);

/// How often what was chosen is played anew because some of it did not fit after all.
const REPLAYS_MAX: usize = 3;

/// What is known of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinePast {
    /// The time that modems were taken for it in a run, ms, all its calls together.
    pub took_ms: Option<Spread>,
    /// What was found of it last; absent is a pass, or nothing.
    pub fault: Option<Fault>,
    /// When it was tested last; absent: never, as far as is known.
    pub tested: Option<Timestamp>,
}

/// What surrounds a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// When it begins.
    pub start: Mono,
    /// Nothing is dialed from here on.
    pub deadline: Option<Mono>,
    /// How long a modem rests on-hook between two calls.
    pub on_hook_min: Duration,
}

/// What is to be expected of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Lines that are to be dialed.
    pub to_dial: usize,
    /// Those of them of whose length nothing is known: [`EXPECTED_CALL`] is assumed.
    pub unknown: usize,
    /// When the last call ends, as likely earlier as later; absent where nothing is dialed.
    pub ends: Option<Mono>,
    /// The same if every line takes as long as in the longest of ten nights, all of them in this one.
    pub ends_late: Option<Mono>,
    /// Lines that are not expected to be judged before the deadline, the first to go if there is time after all.
    pub left_out: Vec<LineId>,
    /// How many they are if every line takes as long as in the longest of ten nights.
    pub left_out_late: usize,
    /// Lines that are expected to end untested for another reason, their windows or a budget.
    pub kept_out: usize,
}

/// Plays a run. Where not all lines fit before the deadline, those with the higher priority do, and among equals those that
/// have not been tested for longest: the others are [`deferred`](super::scheduler::LineJob::deferred) in the plan.
pub fn forecast(plan: &mut SchedulerPlan, frame: Frame, past: &dyn Fn(&LineId) -> LinePast) -> Forecast {
    let known: Vec<LinePast> = plan.lines.iter().map(|job| past(&job.id)).collect();
    let usual = |line: usize| length(known[line].took_ms);
    let play = |plan: &SchedulerPlan, length: &dyn Fn(usize) -> Duration| {
        Play { frame, known: &known, length }.run(plan.clone())
    };
    let mut played = play(plan, &usual);
    if played.late().next().is_some() {
        let order = order(plan, &known);
        played = defer(plan, &order, &|plan| play(plan, &usual));
    }
    let late = play(plan, &|line| length_late(known[line].took_ms));
    let mut left_out: Vec<usize> = played.late().collect();
    left_out.sort_by_key(|&line| (Reverse(plan.lines[line].priority), plan.lines[line].deferred, line));
    let to_dial = || plan.lines.iter().zip(&known).filter(|(job, _)| job.preset.is_none());
    Forecast {
        to_dial: to_dial().count(),
        unknown: to_dial().filter(|(_, known)| known.took_ms.is_none()).count(),
        ends: played.ended,
        ends_late: late.ended.max(played.ended),
        left_out: left_out.into_iter().map(|line| plan.lines[line].id.clone()).collect(),
        left_out_late: late.late().count(),
        kept_out: played.kept_out().filter(|&line| plan.lines[line].preset.is_none()).count(),
    }
}

/// Defers what does not fit; the play of the plan as it is then.
fn defer(plan: &mut SchedulerPlan, order: &[u32], play: &dyn Fn(&SchedulerPlan) -> Played) -> Played {
    // Dialed in the order of the rule: who is not reached before the deadline does not fit.
    for (job, &place) in plan.lines.iter_mut().zip(order) {
        job.deferred = Some(place);
    }
    let mut fits = vec![true; plan.lines.len()];
    for line in play(plan).late() {
        fits[line] = false;
    }
    // Those that do go by what ends soonest, the longest first; the others behind them, in the order of the rule.
    let mut set = |fits: &[bool]| {
        for ((job, &place), &fits) in plan.lines.iter_mut().zip(order).zip(fits) {
            job.deferred = (!fits).then_some(place);
        }
        play(plan)
    };
    let mut played = set(&fits);
    // The last that fit in that order need not fit in this one: they join those that do not.
    for _ in 0..REPLAYS_MAX {
        let lost: Vec<usize> = played.late().filter(|&line| fits[line]).collect();
        if lost.is_empty() {
            return played;
        }
        for line in lost {
            fits[line] = false;
        }
        played = set(&fits);
    }
    for line in played.late() {
        plan.lines[line].deferred = Some(order[line]);
    }
    played
}

/// Each line's place in the order by which lines are chosen: priority, never tested, longest not tested, the plan's order.
fn order(plan: &SchedulerPlan, known: &[LinePast]) -> Vec<u32> {
    let mut lines: Vec<usize> = (0..known.len()).collect();
    lines.sort_by_key(|&line| (Reverse(plan.lines[line].priority), known[line].tested, line));
    let mut places = vec![0; lines.len()];
    for (place, line) in lines.into_iter().enumerate() {
        places[line] = u32::try_from(place).unwrap_or(u32::MAX);
    }
    places
}

/// How long modems are taken for a line.
fn length(took_ms: Option<Spread>) -> Duration {
    took_ms.map_or(EXPECTED_CALL, |took| millis(took.median as f64))
}

/// The same as in the longest of ten nights.
fn length_late(took_ms: Option<Spread>) -> Duration {
    took_ms.map_or(UNKNOWN_PESSIMISTIC, |took| {
        let median = took.median as f64;
        let least = if took.nights < NIGHTS_FEW { median * DEVIATION_MIN } else { 0.0 };
        millis(median + PESSIMISTIC_DEVIATIONS * took.deviation().max(least))
    })
}

fn millis(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
}

/// The calls by which a line ends as it did last: how many there will be.
fn calls(fault: Option<Fault>, confirm: u32) -> u32 {
    match CallClass::of(fault) {
        CallClass::Failed | CallClass::AnsweredWithoutCarrier => confirm.max(1),
        _ => 1,
    }
}
