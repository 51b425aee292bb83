//! The viewer: a thread that shows what the scribe has kept, and what is said on stderr meanwhile.
//!
//! It is a thread of its own since a terminal may stop taking anything (Ctrl-S, a stalled connection, a pager that waits):
//! that must hold up neither the journal nor a call nor the answer to a signal.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::Event;
use crate::modem::clock::Clock;
use crate::report::{Counts, RunState};
use crate::run::scribe::Watcher;

use super::screen::Screen;

/// News that wait for a terminal that takes nothing: those of some three thousand calls. What comes beyond is not shown,
/// and counted; the journal and the reports have it all.
const NEWS_MAX: usize = 65_536;
/// How long the last words may take to be shown before the run is ended without them.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Where words for stderr go while a viewer is at work, of which there is one. Whoever wrote past it would tear the board's
/// rows, and be painted over.
static AT_WORK: Mutex<Option<SyncSender<News>>> = Mutex::new(None);

/// What is to be shown.
enum News {
    Event(Box<Event>, Counts),
    Aside(String),
}

/// The scribe's end of the viewer.
pub(super) struct Viewer {
    news: SyncSender<News>,
    over: Receiver<()>,
    missed: AtomicU64,
}

impl Viewer {
    /// Starts it.
    pub(super) fn start(screen: Box<dyn Screen>, clock: Clock) -> Self {
        let (news, incoming) = sync_channel(NEWS_MAX);
        let (ended, over) = sync_channel(1);
        let work = move || {
            show(screen, &incoming, clock);
            drop(ended);
        };
        *AT_WORK.lock().unwrap_or_else(PoisonError::into_inner) = Some(news.clone());
        if let Err(error) = std::thread::Builder::new().name("viewer".to_owned()).spawn(work) {
            *AT_WORK.lock().unwrap_or_else(PoisonError::into_inner) = None;
            tracing::warn!("nothing can be shown of the run: {error}");
        }
        Self { news, over, missed: AtomicU64::new(0) }
    }
}

impl Watcher for Viewer {
    fn see(&mut self, state: &RunState, event: &Event) {
        let counts = state.counts();
        // A viewer that is gone shows nothing; the run goes on.
        if let Err(TrySendError::Full(_)) = self.news.try_send(News::Event(Box::new(event.clone()), counts)) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends it, once all is shown or a terminal that takes nothing was waited for long enough.
    fn close(self: Box<Self>) {
        *AT_WORK.lock().unwrap_or_else(PoisonError::into_inner) = None;
        drop(self.news);
        let _ = self.over.recv_timeout(CLOSE_LIMIT);
        let missed = self.missed.load(Ordering::Relaxed);
        if missed > 0 {
            aside(&format!(
                "{missed} events were not shown, since nobody took what was said; the reports have them"
            ));
        }
    }
}

fn show(mut screen: Box<dyn Screen>, incoming: &Receiver<News>, clock: Clock) {
    loop {
        let news = match screen.next_tick(clock.now()) {
            None => incoming.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(pause) => incoming.recv_timeout(pause),
        };
        match news {
            Ok(News::Event(event, counts)) => screen.show(counts, &event),
            Ok(News::Aside(text)) => screen.aside(&text),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        screen.tick(clock.now());
    }
    screen.finish();
}

/// Writes lines to stderr: above the board, if there is one. It waits for nobody while a viewer is at work.
pub(super) fn aside(text: &str) {
    let text = text.trim_end_matches('\n');
    let at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let unsent = match at_work {
        Some(viewer) => {
            matches!(viewer.try_send(News::Aside(text.to_owned())), Err(TrySendError::Disconnected(_)))
        }
        None => true,
    };
    if unsent {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

/// The log's way to [`aside`]; each event comes in one piece.
#[derive(Debug)]
pub(super) struct Aside;

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        aside(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
