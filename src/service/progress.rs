//! How a run that goes on stands at this moment, for whoever looks on: what each modem is at, how far each call has come, which
//! verdicts came last. Pure; what is recorded of the run is `report::RunState`'s.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::model::event::RunHeader;
use crate::model::{CallId, Event, EventKind, LineId, ModemId, Moment, Mono, Timeline};
use crate::report::Board;

/// Verdicts that are remembered in the order in which they came.
const LATEST_MAX: usize = 40;

/// The moment of a run.
#[derive(Debug, Clone)]
pub struct Progress {
    board: Board,
    calls: BTreeMap<CallId, Going>,
    latest: VecDeque<LineId>,
    /// The last event: when it was by the run's clock, and when it was seen by that of whoever looks on.
    last: (Mono, Mono),
}

/// A call that goes on.
#[derive(Debug, Clone)]
pub struct Going {
    /// Its line.
    pub line: LineId,
    /// Its modem.
    pub modem: ModemId,
    /// Its number within the line.
    pub attempt: u32,
    /// The dial string, access codes masked.
    pub dialed: String,
    /// Its instants so far.
    pub timeline: Timeline,
    /// The last of them, and when it was.
    pub at: (Moment, Mono),
}

impl Progress {
    /// Of a run that begins, or goes on; `now` by the clock of whoever looks on.
    pub fn new(header: &RunHeader, now: Mono) -> Self {
        let (board, last) = (Board::new(header), (Mono::ZERO, now));
        Self { board, calls: BTreeMap::new(), latest: VecDeque::new(), last }
    }

    /// Takes the next event, seen at `seen`.
    pub fn apply(&mut self, event: &Event, seen: Mono) {
        self.last = (event.mono, seen);
        self.board.apply(event);
        match &event.kind {
            EventKind::RunResumed(_) => self.calls.clear(),
            EventKind::CallStarted { call, line, modem, attempt, dialed, .. } => {
                let mut timeline = Timeline::default();
                timeline.observe(Moment::Taken, event.mono);
                let going = Going {
                    line: line.clone(),
                    modem: modem.clone(),
                    attempt: *attempt,
                    dialed: dialed.clone(),
                    timeline,
                    at: (Moment::Taken, event.mono),
                };
                self.calls.insert(call.clone(), going);
            }
            EventKind::CallMoment { call, moment, was } => {
                let Some(going) = self.calls.get_mut(call) else { return };
                // What was told at once has the stamp of its telling, a few milliseconds late.
                let latest = going.timeline.iter().map(|(_, mark)| mark.at).max();
                let at = latest.map_or(event.mono, |latest| latest.max(was.unwrap_or(event.mono)));
                // A moment out of its order would say nothing: the record of the call has it.
                if going.timeline.iter().all(|(other, _)| other <= *moment) {
                    if *moment == Moment::Dialed {
                        going.timeline.observe_anew(*moment, at);
                    } else {
                        going.timeline.observe(*moment, at);
                    }
                    going.at = (*moment, at);
                }
            }
            EventKind::CallEnded(record) => drop(self.calls.remove(&record.call)),
            EventKind::Verdict(verdict) => {
                self.forget(&verdict.line);
                self.latest.push_front(verdict.line.clone());
                self.latest.truncate(LATEST_MAX);
            }
            EventKind::VerdictWithdrawn { line, .. } => self.forget(line),
            _ => {}
        }
    }

    fn forget(&mut self, line: &LineId) {
        self.latest.retain(|other| other != line);
    }

    /// One row a modem, the counts, what waits.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Calls that go on.
    pub fn calls(&self) -> &BTreeMap<CallId, Going> {
        &self.calls
    }

    /// The lines that were judged last, the newest first.
    pub fn latest(&self) -> impl Iterator<Item = &LineId> {
        self.latest.iter()
    }

    /// The run's own time, when it is `now` by the clock of whoever looks on.
    pub fn time(&self, now: Mono) -> Mono {
        let (run, seen) = self.last;
        run + now.since(seen)
    }

    /// How long ago an instant of the run was.
    pub fn since(&self, at: Mono, now: Mono) -> Duration {
        self.time(now).since(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_call_has_its_instants_while_it_goes_on_and_verdicts_stand_newest_first() {
        let events = sample::night();
        let EventKind::RunStarted(header) = &events[0].kind else { panic!("a run begins with its header") };
        let mut progress = Progress::new(header, Mono::ZERO);
        let (mut most, mut reached) = (0, 0);
        for (nth, event) in events.iter().enumerate().skip(1) {
            let seen = Mono::from_millis(10 * nth as u64);
            progress.apply(event, seen);
            assert_eq!(progress.time(seen), event.mono);
            assert_eq!(progress.time(seen + Duration::from_secs(3)), event.mono + Duration::from_secs(3));
            assert_eq!(progress.calls().len(), progress.board().calls_running());
            most = most.max(progress.calls().len());
            for going in progress.calls().values() {
                let (moment, at) = going.at;
                assert_eq!(going.timeline.get(moment).unwrap().at, at);
                reached = reached.max(going.timeline.iter().count());
            }
            if let EventKind::Verdict(verdict) = &event.kind {
                assert_eq!(progress.latest().next(), Some(&verdict.line));
            }
        }
        assert!(most > 0 && progress.calls().is_empty(), "{most}");
        let judged = events.iter().filter(|event| matches!(event.kind, EventKind::Verdict(_))).count();
        assert!(judged >= progress.latest().count() && progress.latest().count() > 3);
        assert!(reached > 0);
    }
}
