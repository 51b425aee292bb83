//! The runs that go on: what is recorded of each so far, and their events as they are kept, for whoever looks on.
//!
//! It decides nothing and holds nothing up: who reads too slowly misses events, and is told so by its receiver.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::broadcast;

use super::keeper::overlay;
use super::progress::Progress;
use super::status::Status;
use crate::model::event::{CredentialState, ModemState};
use crate::model::{BankName, Event, EventKind, Fault, ModemId, Mono, PlanName, RunId, Verdict};
use crate::modem::clock::Clock;
use crate::report::RunState;
use crate::run::Record;
use crate::run::scribe::Watcher;

/// Events that are kept for a slow reader: those of some two hundred calls.
const EVENTS_MAX: usize = 4096;

/// The runs that go on.
#[derive(Debug)]
pub struct Live {
    clock: Clock,
    runs: RwLock<Vec<Arc<LiveRun>>>,
    /// How often the workers of modems died, and others took their places.
    deaths: RwLock<BTreeMap<(BankName, ModemId), u32>>,
    told: broadcast::Sender<Arc<Told>>,
}

/// A run that goes on.
#[derive(Debug)]
pub struct LiveRun {
    /// Its id; that of a technician's call may be that of a night's run of the same second.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanName,
    /// Its bank.
    pub bank: BankName,
    /// Its folder.
    pub folder: PathBuf,
    /// A technician's call.
    pub is_call: bool,
    record: Record,
    progress: RwLock<Option<Progress>>,
}

/// An event of a run that goes on, kept already.
#[derive(Debug)]
pub struct Told {
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanName,
    /// Whether it is a technician's call.
    pub is_call: bool,
    /// Its place among the run's events since this daemon began it, from 1.
    pub seq: u64,
    /// The event.
    pub event: Event,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            clock: Clock::start(),
            runs: RwLock::default(),
            deaths: RwLock::default(),
            told: broadcast::channel(EVENTS_MAX).0,
        }
    }
}

impl Live {
    /// The runs that go on, in the order in which they began.
    pub fn runs(&self) -> Vec<Arc<LiveRun>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The daemon as it stands, with what the runs that go on know of their modems at this moment.
    pub fn over(&self, status: &Status) -> Status {
        let mut status = status.clone();
        for run in &self.runs() {
            run.read(|state| overlay(&mut status, state));
        }
        let deaths = self.deaths.read().unwrap_or_else(PoisonError::into_inner);
        for bank in &mut status.banks {
            for modem in &mut bank.modems {
                let died = deaths.get(&(bank.bank.clone(), modem.modem.clone())).copied().unwrap_or_default();
                modem.restarts = modem.restarts.saturating_add(died);
            }
        }
        status
    }

    /// Events from now on. Whoever wants both takes this first, and then looks at [`Self::runs`].
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Told>> {
        self.told.subscribe()
    }

    /// The clock by which [`LiveRun::watch`] tells how long ago something was.
    pub fn now(&self) -> Mono {
        self.clock.now()
    }

    /// Counts a worker that died; that alone is told of a modem as a fault of lineman's own.
    fn count(&self, bank: &BankName, event: &Event) {
        let EventKind::Modem { modem, state: ModemState::Out, fault: Some(Fault::Internal), .. } =
            &event.kind
        else {
            return;
        };
        let mut deaths = self.deaths.write().unwrap_or_else(PoisonError::into_inner);
        *deaths.entry((bank.clone(), modem.clone())).or_default() += 1;
    }

    /// A run begins.
    pub(crate) fn begin(self: &Arc<Self>, run: LiveRun) -> Begun {
        let run = Arc::new(run);
        self.runs.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&run));
        Begun { live: Arc::clone(self), run }
    }
}

impl LiveRun {
    /// A run whose record is kept here.
    pub(crate) fn new(
        run: RunId,
        plan: PlanName,
        bank: BankName,
        folder: &Path,
        is_call: bool,
        record: Record,
    ) -> Self {
        Self { run, plan, bank, folder: folder.to_owned(), is_call, record, progress: RwLock::default() }
    }

    /// Looks at what is recorded so far; absent before the first event. Whoever looks for long holds up the record.
    pub fn read<T>(&self, look: impl FnOnce(&RunState) -> T) -> Option<T> {
        self.record.read(look)
    }

    /// Looks at what goes on at this moment; absent before the first event. Whoever looks for long holds up the record.
    pub fn watch<T>(&self, look: impl FnOnce(&Progress) -> T) -> Option<T> {
        self.progress.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Takes an event that is kept, of the run that `state` tells.
    fn see(&self, state: &RunState, event: &Event, seen: Mono) {
        let mut progress = self.progress.write().unwrap_or_else(PoisonError::into_inner);
        progress.get_or_insert_with(|| Progress::new(state.header(), seen)).apply(event, seen);
    }
}

/// A run that has begun; it is no longer among those that go on when this is dropped.
#[derive(Debug)]
pub(crate) struct Begun {
    live: Arc<Live>,
    run: Arc<LiveRun>,
}

impl Begun {
    /// What tells its events.
    pub(crate) fn watcher(&self) -> Box<dyn Watcher> {
        Box::new(Crier { live: Arc::clone(&self.live), run: Arc::clone(&self.run), seq: 0 })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut runs = self.live.runs.write().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|run| !Arc::ptr_eq(run, &self.run));
    }
}

/// What of a run belongs into the daemon's log: what somebody may have to look after. The rest is in its journal.
fn log(run: &RunId, event: &Event) {
    match &event.kind {
        EventKind::Verdict(verdict) => {
            let result = Verdict::of(verdict.fault);
            if matches!(result, Verdict::Fail | Verdict::Degraded) {
                let fault = verdict.fault.map_or("", Fault::code);
                tracing::info!(%run, line = %verdict.line, "{result} {fault}: {}", verdict.detail);
            }
        }
        EventKind::VerdictWithdrawn { line, why } => tracing::warn!(%run, %line, "verdict withdrawn: {why}"),
        EventKind::Modem {
            modem,
            state: state @ (ModemState::Quarantined | ModemState::Wedged | ModemState::Down),
            detail,
            ..
        } => tracing::warn!(%run, %modem, "{}: {detail}", state.word()),
        EventKind::Credential { credential, state: CredentialState::Stopped, detail } => {
            tracing::warn!(%run, %credential, "it is not sent any more: {detail}");
        }
        EventKind::Notice { text } => tracing::info!(%run, "{text}"),
        _ => {}
    }
}

/// The scribe's way to whoever looks on.
struct Crier {
    live: Arc<Live>,
    run: Arc<LiveRun>,
    seq: u64,
}

impl Watcher for Crier {
    fn see(&mut self, state: &RunState, event: &Event) {
        self.seq += 1;
        self.run.see(state, event, self.live.now());
        self.live.count(&self.run.bank, event);
        log(&self.run.run, event);
        // Nobody may be looking.
        if self.live.told.receiver_count() > 0 {
            let LiveRun { run, plan, is_call, .. } = self.run.as_ref();
            let told = Told {
                run: run.clone(),
                plan: plan.clone(),
                is_call: *is_call,
                seq: self.seq,
                event: event.clone(),
            };
            let _ = self.live.told.send(Arc::new(told));
        }
    }

    fn close(self: Box<Self>) {}
}
