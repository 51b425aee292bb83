//! The technician's terminal beside a call: shows what comes out of its tap, and hands keys to a console that was handed
//! over. What is typed and said there is written down nowhere.

use std::io::IsTerminal as _;

use crate::call::TapEnd;
use crate::call::live::Live;

/// The terminal, while a run goes on.
pub(super) struct Terminal {
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Whether a console can be handed over here: stdin and stdout must be a terminal.
///
/// # Errors
/// They are not; in words, for who asked for it.
pub(super) fn ready() -> Result<(), String> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err("--interactive needs a terminal: stdin or stdout is none".to_owned())
}

impl Terminal {
    /// Shows what calls tell until every tap is gone. `tell` is given all but [`Live::Words`], on a thread of the terminal's:
    /// lines that are watched are its own to show, and so is that a console is handed over and taken back. It may take its
    /// time: what is said before, say.
    pub(super) fn start(mut end: TapEnd, mut tell: impl FnMut(&Live) + Send + 'static) -> Self {
        let work = move || {
            while let Some(live) = end.live.blocking_recv() {
                tell(&live);
            }
        };
        Self { thread: std::thread::Builder::new().name("terminal".to_owned()).spawn(work).ok() }
    }

    /// Ends it once all is shown: to be called when the run is over, and its job dropped.
    pub(super) fn finish(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
