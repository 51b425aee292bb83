//! When lines may be dialed: no call is begun that might not be over before its line's window is.
//!
//! A line outside its window waits for it, and never stands in the queue. One whose window does not open any more before the
//! end of the run is judged at once. So is one that has half an opinion when its window closes, or whose pause would outlast it:
//! half an opinion is none, so it is untested, as at the deadline. Only where the window opens again shortly (a blackout in
//! the middle of the night) it waits.

use std::time::Duration;

use super::judge::{Finding, Judgement, Trial};
use super::lines::{Stage, Wait};
use super::{Decision, Scheduler, Timer};
use crate::model::{Fault, LineId, Mono, Windows};

/// How far a run looks ahead that has no deadline: a window that opens later is another night's.
pub const HORIZON: Duration = Duration::from_secs(24 * 3600);
/// The longest gap in its window that a line waits out which was called before: the far end that is called after it is still
/// the same night's.
pub const LULL_MAX: Duration = Duration::from_secs(3600);

/// When a call may begin, from a certain instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Now,
    At(Mono),
    /// Not in this run.
    Never,
}

impl Scheduler {
    /// When this line may be called, from then on.
    pub(super) fn opening(&self, line: usize, from: Mono) -> Opening {
        let entry = &self.lines[line];
        let Some(at) = entry.windows.next(from, self.room) else { return Opening::Never };
        let half = || entry.trials.iter().any(Trial::is_attempt);
        if at == from {
            Opening::Now
        } else if at < self.horizon && (at.since(from) <= LULL_MAX || !half()) {
            Opening::At(at)
        } else {
            Opening::Never
        }
    }

    /// Judges a line that is nowhere, and whose window does not open for it any more.
    pub(super) fn shut_out(&mut self, line: usize) {
        let entry = &self.lines[line];
        let made = entry.trials.iter().filter(|trial| trial.is_attempt());
        let found: Vec<&str> = made.filter_map(|trial| trial.fault).map(Fault::code).collect();
        let detail = match found.as_slice() {
            [] => "its window does not open any more in this run".to_owned(),
            [one] => format!("its window closed after its first call ({one})"),
            more => format!("its window closed after {} of its calls ({})", more.len(), more.join(", ")),
        };
        self.conclude(line, Finding { fault: Some(Fault::OutOfWindow), detail, call: None });
    }

    /// Sees to it that a line which waits for something else is looked at when its window closes.
    pub(super) fn mind_window(&mut self, line: usize) {
        let entry = &self.lines[line];
        let windows = &entry.windows;
        let closes = windows.next(self.now, self.room).and_then(|at| windows.closes(at));
        // The first instant at which no call fits any more.
        let at = closes.map(|closes| closes.before(self.room) + Duration::from_micros(1));
        if at != entry.closes {
            self.forget_window(line);
            self.lines[line].closes = at;
            self.timers.extend(at.map(|at| (at, Timer::Closes(line))));
        }
    }

    pub(super) fn forget_window(&mut self, line: usize) {
        if let Some(at) = self.lines[line].closes.take() {
            self.timers.remove(&(at, Timer::Closes(line)));
        }
    }

    /// A line's window has no room for a call any more.
    pub(super) fn window_closed(&mut self, line: usize) {
        self.forget_window(line);
        match self.lines[line].stage {
            Stage::Queued { .. } | Stage::Blocked { .. } => self.ready_again(line),
            Stage::Parked { .. } => match self.opening(line, self.now) {
                Opening::Never => {
                    self.detach(line);
                    self.shut_out(line);
                }
                Opening::Now | Opening::At(_) => self.mind_window(line),
            },
            Stage::New | Stage::Waiting { .. } | Stage::Running { .. } | Stage::Judged { .. } => {}
        }
    }

    /// The wall clock was set: lines have other windows from here on. One that was out of its window by a clock that was
    /// wrong, and is not by the right one, is called after all.
    pub(super) fn new_windows(&mut self, now: Mono, windows: Vec<(LineId, Windows)>) {
        for (id, windows) in windows {
            let Some(&line) = self.line_index.get(&id) else { continue };
            if self.lines[line].windows == windows {
                continue;
            }
            self.lines[line].windows = windows;
            match self.lines[line].stage {
                Stage::Queued { .. } | Stage::Blocked { .. } | Stage::Waiting { wait: Wait::Window, .. } => {
                    self.ready_again(line);
                }
                Stage::Waiting { until, wait: wait @ (Wait::Pause(_) | Wait::Redial) } => {
                    self.detach(line);
                    self.put_off(line, until, wait);
                }
                Stage::Parked { .. } => self.window_closed(line),
                Stage::Judged { fault: Some(Fault::OutOfWindow), .. }
                    if self.lines[line].preset.is_none()
                        && self.closed.is_none()
                        && self.opening(line, now) != Opening::Never =>
                {
                    let why = "the clock was set: its window opens in this run after all".to_owned();
                    self.reopen(line, why);
                    match self.judge(line) {
                        Judgement::Settled(finding) => self.conclude(line, finding),
                        Judgement::Again(_) => self.enqueue(line),
                        Judgement::AfterProof => self.park(line),
                    }
                }
                // What is held or refused is looked at when that is over; a call that is running ends as it may.
                Stage::Waiting { wait: Wait::Held(_) | Wait::Refused, .. }
                | Stage::New
                | Stage::Running { .. }
                | Stage::Judged { .. } => {}
            }
        }
    }

    /// Takes a verdict back.
    pub(super) fn reopen(&mut self, line: usize, why: String) {
        self.decisions.push(Decision::Withdraw { line: self.lines[line].id.clone(), why });
        self.lines[line].stage = Stage::New;
        self.open += 1;
        if let Some(credential) = self.lines[line].credential {
            self.credentials[credential].active += 1;
        }
    }
}
