//! The scribe: a thread that takes the event stream, appends it to the journal, syncs it at each verdict, and only then
//! lets the reports and whoever watches see it.
//!
//! It is a thread of its own so that a slow disk never delays a call's stamps. What was shown is therefore on disk.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::fleet::dispatcher::{ObserveError, Observer};
use crate::journal::Journal;
use crate::model::{Event, EventKind, Mono};
use crate::modem::clock::Clock;
use crate::report::{Broken, Renderer, RunState};

use super::record::Record;
use super::telling::Herald;

/// Events that may wait for the disk: about twenty a call, so this holds hundreds of modems through a slow minute.
const QUEUE_MAX: usize = 16_384;
/// Events that are kept together, at most: the screen is not let wait for longer.
const BATCH_MAX: usize = 512;
/// Least time between two renderings of a run's files while it goes on.
const RENDER_EVERY: Duration = Duration::from_secs(1);

/// Whoever looks on while a run goes on: a terminal, or whoever asked the daemon to be told. It must not block for long.
pub(crate) trait Watcher: Send {
    /// An event was kept, and `state` has it.
    fn see(&mut self, state: &RunState, event: &Event);
    /// The run is over.
    fn close(self: Box<Self>);
}

/// The dispatcher's end of the scribe.
pub(crate) struct Scribe {
    queue: Option<SyncSender<Event>>,
    broken: Arc<OnceLock<String>>,
    thread: Option<JoinHandle<Minutes>>,
}

/// What the scribe leaves.
pub(crate) struct Minutes {
    /// The run as it was recorded; absent if not even its header was.
    pub(crate) state: Option<RunState>,
    /// Why the journal could not be kept.
    pub(crate) journal_error: Option<String>,
    /// Why a report file could not be written the last time.
    pub(crate) report_error: Option<String>,
}

impl Scribe {
    /// Starts it. `past` are the events of a resumed run's earlier sittings.
    pub(crate) fn start(
        journal: Journal,
        past: Past,
        record: Record,
        watcher: Box<dyn Watcher>,
        herald: Herald,
        clock: Clock,
    ) -> Self {
        let (queue, events) = sync_channel(QUEUE_MAX);
        let broken = Arc::new(OnceLock::new());
        let told = Arc::clone(&broken);
        record.write(|state| *state = past.state);
        let desk = Desk {
            journal,
            renderer: past.renderer,
            journal_error: None,
            report_error: None,
            watcher,
            record,
            herald,
            clock,
            rendered: Mono::ZERO,
            broken: told,
        };
        let thread = std::thread::Builder::new().name("scribe".to_owned()).spawn(move || desk.work(&events));
        match thread {
            Ok(thread) => Self { queue: Some(queue), broken, thread: Some(thread) },
            Err(error) => {
                let _ = broken.set(format!("the scribe could not be started: {error}"));
                Self { queue: None, broken, thread: None }
            }
        }
    }

    /// Ends it once everything is written.
    pub(crate) fn finish(mut self) -> Minutes {
        self.queue = None;
        let lost =
            |why: &str| Minutes { state: None, journal_error: Some(why.to_owned()), report_error: None };
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(minutes)) => minutes,
            Some(Err(_)) => lost("the scribe died; the journal holds what it had taken"),
            None => lost(self.broken.get().map_or("the scribe never began", String::as_str)),
        }
    }
}

/// A resumed run's earlier sittings, as views of its journal; nothing for a new run.
pub(crate) struct Past {
    pub(crate) state: Option<RunState>,
    pub(crate) renderer: Renderer,
}

/// Whatever becomes of the run: nobody else may take its folder while something still writes there. A run that dies of a panic
/// drops its scribe on its way; the last words take as long as a disk does.
impl Drop for Scribe {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Observer for Scribe {
    fn on_event(&mut self, event: &Event) -> Result<(), ObserveError> {
        if let Some(why) = self.broken.get() {
            return Err(ObserveError(why.clone()));
        }
        let Some(queue) = &self.queue else { return Err(ObserveError("the scribe is gone".to_owned())) };
        match queue.try_send(event.clone()) {
            Ok(()) => Ok(()),
            // Waiting costs stamps, losing an event costs the truth.
            Err(TrySendError::Full(event)) => {
                queue.send(event).map_err(|_| ObserveError("the scribe is gone".to_owned()))
            }
            Err(TrySendError::Disconnected(_)) => Err(ObserveError("the scribe is gone".to_owned())),
        }
    }
}

struct Desk {
    journal: Journal,
    renderer: Renderer,
    record: Record,
    journal_error: Option<String>,
    report_error: Option<String>,
    watcher: Box<dyn Watcher>,
    herald: Herald,
    clock: Clock,
    rendered: Mono,
    broken: Arc<OnceLock<String>>,
}

impl Desk {
    fn work(mut self, events: &Receiver<Event>) -> Minutes {
        loop {
            let first = match self.pause() {
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(pause) => events.recv_timeout(pause),
            };
            match first {
                // What has gathered meanwhile shares one sync: thousands of lines may be judged in one moment.
                Ok(event) => {
                    let more = std::iter::from_fn(|| events.try_recv().ok());
                    let batch: Vec<Event> = std::iter::once(event).chain(more).take(BATCH_MAX).collect();
                    self.take(&batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = self.clock.now();
            if self.renderer.is_stale() && now.since(self.rendered) >= RENDER_EVERY {
                self.render();
            }
        }
        if let Err(error) = self.journal.sync() {
            self.break_off(error.to_string());
        }
        self.render();
        self.watcher.close();
        Minutes {
            state: self.record.into_state(),
            journal_error: self.journal_error,
            report_error: self.report_error,
        }
    }

    /// How long it may sleep; for ever, if nothing waits to be rendered.
    fn pause(&self) -> Option<Duration> {
        self.renderer.is_stale().then(|| (self.rendered + RENDER_EVERY).since(self.clock.now()))
    }

    /// Keeps events, and only then lets the reports and the screen see them.
    fn take(&mut self, batch: &[Event]) {
        if self.journal_error.is_some() {
            return;
        }
        // A password that is on its way must be known to whoever resumes the run, whatever becomes of us.
        let lasting = batch.iter().any(|event| {
            matches!(
                event.kind,
                EventKind::RunStarted(_)
                    | EventKind::Verdict(_)
                    | EventKind::PasswordSent { .. }
                    | EventKind::RunEnded { .. }
            )
        });
        let kept = batch.iter().try_for_each(|event| self.journal.append(event));
        let kept = kept.and_then(|()| if lasting { self.journal.sync() } else { self.journal.flush() });
        if let Err(error) = kept {
            self.break_off(error.to_string());
            return;
        }
        for event in batch {
            if let Err(error) = self.apply(event) {
                self.break_off(format!("the run contradicts itself: {error}; this is a defect"));
                return;
            }
        }
    }

    fn apply(&mut self, event: &Event) -> Result<(), Broken> {
        self.record.write(|slot| match slot {
            Some(state) => state.apply(event),
            None => RunState::begin(event).map(|state| *slot = Some(state)),
        })?;
        let Self { renderer, watcher, herald, .. } = self;
        self.record.read(|state| {
            renderer.note(state, event);
            watcher.see(state, event);
            herald.tell(state, event);
        });
        Ok(())
    }

    fn break_off(&mut self, why: String) {
        let _ = self.broken.set(why.clone());
        self.journal_error.get_or_insert(why);
    }

    fn render(&mut self) {
        self.rendered = self.clock.now();
        let renderer = &mut self.renderer;
        // What can't be written stays stale and is tried again: the last word counts.
        let written = self.record.read(|state| renderer.write(state));
        self.report_error = written.and_then(Result::err).map(|error| error.to_string());
    }
}

#[cfg(test)]
mod tests;
