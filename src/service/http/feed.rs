//! What goes on, as it comes: events of the runs that go on, numbered, and the last of them kept, so that a reader who was
//! cut off goes on where he was; and a picture for one who begins, or who fell too far behind.
//!
//! One task takes the events from `live`, once for all readers, and puts them in words once. A reader never holds it up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::Rooms;
use crate::model::event::ModemState;
use crate::model::{BankName, CallId, Event, EventKind, Fault, LineId, ModemId, Moment, PlanName, RunId};
use crate::report::{Counts, RunState};
use crate::service::live::{LiveRun, Told};
use crate::service::status::Status;

/// Events that are kept for readers who were cut off: some hundred calls.
const KEPT_MAX: usize = 2048;
/// Bytes of them.
const KEPT_BYTES_MAX: usize = 4 << 20;
/// Lines up to which the event that begins a run tells them all: those of a technician's call.
const LINES_TOLD_MAX: usize = 64;

/// An event, in words.
#[derive(Debug)]
pub(super) struct Heard {
    /// The run.
    pub(super) run: RunId,
    /// Its plan.
    pub(super) plan: PlanName,
    /// `{"run": .., "plan": .., "call": .., "seq": .., "event": {..}}`.
    pub(super) json: String,
}

/// Where a reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Of which daemon's life.
    pub(super) epoch: u64,
    /// Events before it.
    pub(super) number: u64,
}

#[derive(Debug, Default)]
struct Kept {
    /// The number of the last one.
    last: u64,
    events: VecDeque<Arc<Heard>>,
    bytes: usize,
    /// By run and call: a call of a technician may have the id of a night's run.
    moments: BTreeMap<(RunId, bool, CallId), Moment>,
}

/// The events of this daemon's life.
#[derive(Debug)]
pub(super) struct Feed {
    epoch: u64,
    kept: Mutex<Kept>,
    last: watch::Sender<u64>,
}

/// What is next for a reader.
#[derive(Debug)]
pub(super) enum Next {
    /// This event, and where he is behind it.
    Event(Arc<Heard>, Place),
    /// He fell behind: so many are gone, and here he goes on.
    Missed(u64, Place),
    /// Nothing yet.
    None,
}

impl Feed {
    /// Begins; `epoch` tells this daemon's life from others.
    pub(super) fn new(epoch: u64) -> Arc<Self> {
        Arc::new(Self { epoch, kept: Mutex::default(), last: watch::channel(0).0 })
    }

    /// Takes events as they come, until the end.
    pub(super) async fn follow(
        self: Arc<Self>,
        mut told: broadcast::Receiver<Arc<Told>>,
        end: CancellationToken,
    ) {
        loop {
            let heard = tokio::select! {
                heard = told.recv() => heard,
                () = end.cancelled() => return,
            };
            match heard {
                Ok(told) => self.take(&told),
                Err(RecvError::Lagged(events)) => self.skip(events),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self, told: &Told) {
        let heard = words(told).map(Arc::new);
        let last = self.with(|kept| {
            kept.note(told);
            if let Some(heard) = heard {
                kept.last += 1;
                kept.bytes += heard.json.len();
                kept.events.push_back(heard);
                while kept.events.len() > KEPT_MAX || kept.bytes > KEPT_BYTES_MAX {
                    let Some(gone) = kept.events.pop_front() else { break };
                    kept.bytes -= gone.json.len();
                }
            }
            kept.last
        });
        self.last.send_replace(last);
    }

    /// Events were missed: nobody who reads from before them can go on.
    fn skip(&self, events: u64) {
        let last = self.with(|kept| {
            kept.last += events;
            kept.events.clear();
            kept.bytes = 0;
            kept.last
        });
        self.last.send_replace(last);
    }

    /// The place behind all events so far.
    pub(super) fn here(&self) -> Place {
        Place { epoch: self.epoch, number: self.with(|kept| kept.last) }
    }

    /// Whether a reader who was at this place can go on there.
    pub(super) fn knows(&self, place: Place) -> bool {
        place.epoch == self.epoch
            && self.with(|kept| {
                place.number <= kept.last && place.number >= kept.last - kept.events.len() as u64
            })
    }

    /// Wakes up when an event comes.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// What is next behind this place.
    pub(super) fn next(&self, place: Place) -> Next {
        self.with(|kept| {
            if place.number >= kept.last {
                return Next::None;
            }
            let first = kept.last - kept.events.len() as u64;
            let Some(at) = place.number.checked_sub(first) else {
                let here = Place { epoch: self.epoch, number: kept.last };
                return Next::Missed(kept.last - place.number, here);
            };
            let behind = Place { epoch: self.epoch, number: place.number + 1 };
            kept.events.get(at as usize).map_or(Next::None, |heard| Next::Event(Arc::clone(heard), behind))
        })
    }

    /// Everything as it stands.
    pub(super) fn picture(&self, rooms: &Rooms) -> Picture {
        let status = rooms.live.over(&rooms.status.borrow().clone());
        let runs = rooms.live.runs();
        Picture { status, runs: runs.iter().filter_map(|live| self.run(live)).collect() }
    }

    /// A run that goes on; absent before its first event.
    pub(super) fn run(&self, live: &LiveRun) -> Option<RunPicture> {
        let mut picture = live.read(|state| RunPicture::of(live, state))?;
        self.with(|kept| {
            for call in &mut picture.calls {
                call.moment = kept.moments.get(&(live.run.clone(), live.is_call, call.call.clone())).copied();
            }
        });
        Some(picture)
    }
}

impl Kept {
    /// Which instant each call has come to.
    fn note(&mut self, told: &Told) {
        let key = |call: &CallId| (told.run.clone(), told.is_call, call.clone());
        match &told.event.kind {
            EventKind::CallStarted { call, .. } => {
                self.moments.insert(key(call), Moment::Taken);
            }
            EventKind::CallMoment { call, moment, .. } => {
                self.moments.insert(key(call), *moment);
            }
            EventKind::CallEnded(record) => {
                self.moments.remove(&key(&record.call));
            }
            EventKind::RunEnded { .. } | EventKind::RunResumed(_) => {
                self.moments.retain(|(run, is_call, _), _| *run != told.run || *is_call != told.is_call);
            }
            _ => {}
        }
    }
}

#[derive(Serialize)]
struct Words<'a> {
    run: &'a RunId,
    plan: &'a PlanName,
    call: bool,
    seq: u64,
    event: &'a Event,
}

/// An event as readers get it: what is large, and told elsewhere, is left out.
fn words(told: &Told) -> Option<Heard> {
    let smaller = match &told.event.kind {
        EventKind::LinesBefore { .. } => return None,
        EventKind::RunStarted(header) if header.lines.len() > LINES_TOLD_MAX => {
            let mut header = header.clone();
            header.lines.clear();
            header.sites.clear();
            Some(EventKind::RunStarted(header))
        }
        EventKind::CallEnded(record) if record.transcript.is_some() => {
            let mut record = record.clone();
            record.transcript = None;
            Some(EventKind::CallEnded(record))
        }
        _ => None,
    };
    let smaller = smaller.map(|kind| Event { at: told.event.at, mono: told.event.mono, kind });
    let event = smaller.as_ref().unwrap_or(&told.event);
    let words = Words { run: &told.run, plan: &told.plan, call: told.is_call, seq: told.seq, event };
    let json = serde_json::to_string(&words).ok()?;
    Some(Heard { run: told.run.clone(), plan: told.plan.clone(), json })
}

/// Everything as it stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Picture {
    /// The daemon.
    pub(super) status: Status,
    /// The runs that go on.
    pub(super) runs: Vec<RunPicture>,
}

/// A run that goes on.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunPicture {
    /// Which.
    pub(super) run: RunId,
    /// Its plan.
    pub(super) plan: PlanName,
    /// Its bank.
    pub(super) bank: BankName,
    /// A technician's call.
    pub(super) call: bool,
    /// When it began.
    pub(super) started: Timestamp,
    /// Lines by result.
    pub(super) counts: CountsPicture,
    /// The calls that go on.
    pub(super) calls: Vec<CallPicture>,
    /// The modems, in the order of the bank.
    pub(super) modems: Vec<ModemPicture>,
}

/// Lines by result.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct CountsPicture {
    pub(super) total: u64,
    pub(super) pass: u64,
    pub(super) degraded: u64,
    pub(super) fail: u64,
    pub(super) untested: u64,
    pub(super) left: u64,
}

impl From<Counts> for CountsPicture {
    fn from(counts: Counts) -> Self {
        let Counts { pass, degraded, fail, untested, left } = counts;
        Self { total: counts.total(), pass, degraded, fail, untested, left }
    }
}

/// A call that goes on.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CallPicture {
    /// Which.
    pub(super) call: CallId,
    /// Its line.
    pub(super) line: LineId,
    /// Its modem.
    pub(super) modem: ModemId,
    /// Its number within the line.
    pub(super) attempt: u32,
    /// The last instant that has come, as far as it is known.
    pub(super) moment: Option<Moment>,
}

/// A modem in a run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ModemPicture {
    /// Which.
    pub(super) modem: ModemId,
    /// What was told of it last.
    pub(super) state: Option<ModemState>,
    /// Why, in words.
    pub(super) detail: String,
    /// Calls that it has made.
    pub(super) calls: u64,
    /// Faults of the bench among them.
    pub(super) bench_faults: u64,
    /// The last fault of the bench.
    pub(super) last_fault: Option<Fault>,
}

impl RunPicture {
    fn of(live: &LiveRun, state: &RunState) -> Self {
        let calls = state.running().iter().map(|(call, running)| CallPicture {
            call: call.clone(),
            line: running.line.clone(),
            modem: running.modem.clone(),
            attempt: running.attempt,
            moment: None,
        });
        let modems = state.modems().iter().map(|modem| ModemPicture {
            modem: modem.header.id.clone(),
            state: modem.state,
            detail: modem.detail.clone(),
            calls: modem.calls,
            bench_faults: modem.bench_faults,
            last_fault: modem.last_fault,
        });
        Self {
            run: live.run.clone(),
            plan: live.plan.clone(),
            bank: live.bank.clone(),
            call: live.is_call,
            started: state.started(),
            counts: state.counts().into(),
            calls: calls.collect(),
            modems: modems.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mono;

    fn told(seq: u64, text: &str) -> Told {
        Told {
            run: "20261121T020000Z-nightly".parse().unwrap(),
            plan: "nightly".parse().unwrap(),
            is_call: false,
            seq,
            event: Event {
                at: Timestamp::UNIX_EPOCH,
                mono: Mono::from_millis(seq),
                kind: EventKind::Notice { text: text.to_owned() },
            },
        }
    }

    fn read(feed: &Feed, mut place: Place) -> (Vec<String>, u64) {
        let (mut got, mut missed) = (Vec::new(), 0);
        loop {
            match feed.next(place) {
                Next::Event(heard, behind) => {
                    got.push(heard.json.clone());
                    place = behind;
                }
                Next::Missed(events, behind) => {
                    missed += events;
                    place = behind;
                }
                Next::None => return (got, missed),
            }
        }
    }

    #[test]
    fn a_reader_goes_on_where_he_was() {
        let feed = Feed::new(7);
        let place = feed.here();
        for seq in 1..=3 {
            feed.take(&told(seq, &format!("event {seq}")));
        }
        let (got, missed) = read(&feed, place);
        assert_eq!((got.len(), missed), (3, 0));
        assert!(got[2].contains("event 3"));
        let middle = Place { epoch: 7, number: 2 };
        assert!(feed.knows(middle));
        assert_eq!(read(&feed, middle).0, got[2..]);
        assert!(!feed.knows(Place { epoch: 8, number: 2 }), "another daemon's life");
        assert!(!feed.knows(Place { epoch: 7, number: 9 }), "it has not come yet");
    }

    #[test]
    fn one_who_fell_behind_is_told_how_far_and_goes_on_at_the_end() {
        let feed = Feed::new(7);
        let place = feed.here();
        let events = 2 * KEPT_MAX as u64;
        for seq in 1..=events {
            feed.take(&told(seq, "x"));
        }
        assert_eq!(read(&feed, place), (Vec::new(), events));
        assert!(!feed.knows(place));
        let held = feed.with(|kept| kept.events.len());
        assert_eq!(held, KEPT_MAX);
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes_too() {
        let feed = Feed::new(7);
        let large = "x".repeat(KEPT_BYTES_MAX / 8);
        for seq in 1..=40 {
            feed.take(&told(seq, &large));
        }
        assert!(
            feed.with(|kept| kept.events.iter().map(|heard| heard.json.len()).sum::<usize>())
                <= KEPT_BYTES_MAX
        );
        // What was missed before it got here is missing for everybody.
        let place = feed.here();
        feed.skip(5);
        assert_eq!(read(&feed, place), (Vec::new(), 5));
    }
}
