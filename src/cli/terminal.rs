//! The technician's terminal beside a call: shows what comes out of its tap, and hands keys to a console that was handed
//! over. What is typed and said there is written down nowhere.
//!
//! What the user is told of it goes to stderr, the console's words to stdout. Only keys are raw: what the program writes
//! keeps its line ends. Which keys mean something here is `escape`'s, the terminal's mode `raw`'s, reading `keys`'.

#[cfg(any(unix, test))]
mod escape;
#[cfg(unix)]
mod keys;
#[cfg(unix)]
mod raw;

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use crate::call::TapEnd;
use crate::call::live::{Back, HandoverLimits, Key, Live, Stand};
use crate::model::LineId;

/// How long the lines that tell of the call are given to be shown before a console's own: they come through the journal.
const LINES_FIRST: Duration = Duration::from_millis(200);
/// How long the last words may take to be shown.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The terminal, while a run goes on.
pub(super) struct Terminal {
    over: Receiver<()>,
    resizes: Option<tokio::task::JoinHandle<()>>,
}

/// Whether a console can be handed over here: stdin and stdout must be a terminal.
///
/// # Errors
/// They are not; in words, for who asked for it.
pub(super) fn ready() -> Result<(), String> {
    if cfg!(not(unix)) {
        return Err("--interactive needs a Unix terminal".to_owned());
    }
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err("--interactive needs a terminal: stdin or stdout is none".to_owned())
}

/// Gives the terminal back as it was, if a console has it: for whoever ends the process at once.
pub(super) fn restore() {
    #[cfg(unix)]
    raw::restore();
}

impl Terminal {
    /// Shows what calls tell until every tap is gone. `tell` is given the lines that are watched ([`Live::Line`]), on a
    /// thread of the terminal's. To be called within the runtime.
    pub(super) fn start(end: TapEnd, tell: impl FnMut(&Live) + Send + 'static) -> Self {
        let (ended, over) = sync_channel(1);
        let resizes = resizes(end.keys.clone());
        let work = move || {
            show(end, tell);
            drop(ended);
        };
        if let Err(error) = std::thread::Builder::new().name("terminal".to_owned()).spawn(work) {
            tracing::warn!("nothing can be shown of the console: {error}");
        }
        Self { over, resizes }
    }

    /// Ends it once all is shown: to be called when the run is over, and its job dropped.
    pub(super) fn finish(self) {
        let _ = self.over.recv_timeout(CLOSE_LIMIT);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(resizes) = &self.resizes {
            resizes.abort();
        }
        restore();
    }
}

/// Tells how wide the terminal is whenever that changes.
#[cfg(unix)]
fn resizes(keys: Sender<Key>) -> Option<tokio::task::JoinHandle<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut changed = signal(SignalKind::window_change()).ok()?;
    Some(tokio::spawn(async move {
        while changed.recv().await.is_some() {
            if keys.send(Key::Width(width())).await.is_err() {
                return;
            }
        }
    }))
}

#[cfg(not(unix))]
fn resizes(_: Sender<Key>) -> Option<tokio::task::JoinHandle<()>> {
    None
}

/// Columns of the terminal; 0 where it does not know.
fn width() -> u16 {
    console::Term::stdout().size_checked().map_or(0, |(_, columns)| columns)
}

fn show(mut end: TapEnd, mut tell: impl FnMut(&Live)) {
    #[cfg(unix)]
    let mut hands: Option<keys::Hands> = None;
    let mut dialog_logs_out = true;
    while let Some(live) = end.live.blocking_recv() {
        match &live {
            Live::Line { .. } => tell(&live),
            Live::HandedOver { line, stand, host, limits, .. } => {
                dialog_logs_out = *stand != Stand::Connected;
                std::thread::park_timeout(LINES_FIRST);
                aside(&opening(line, *stand, host.as_deref(), *limits));
                let _ = end.keys.try_send(Key::Width(width()));
                #[cfg(unix)]
                match keys::Hands::on(end.keys.clone()) {
                    Ok(taken) => hands = Some(taken),
                    Err(error) => {
                        aside(&format!("--- the terminal can't be had: {error}"));
                        let _ = end.keys.try_send(Key::Back(Back::TerminalGone));
                    }
                }
            }
            Live::Words { text, .. } => {
                let mut out = std::io::stdout().lock();
                let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
                if written.is_err() {
                    let _ = end.keys.try_send(Key::Back(Back::TerminalGone));
                }
            }
            Live::Soon { why, left, .. } => aside(&format!("\r\n--- {}", soon(*why, *left))),
            Live::TakenBack { why, lasted, .. } => {
                #[cfg(unix)]
                drop(hands.take());
                aside(&format!("\r\n--- {}", closing(*why, *lasted, dialog_logs_out)));
            }
            Live::NotHandedOver { why, .. } => aside(&format!("--- not handed over: {why}")),
            Live::Missed(pieces) => {
                aside(&format!(
                    "\r\n--- {pieces} pieces of what was said are not shown: the terminal did not take them"
                ));
            }
        }
    }
}

/// Words of our own. Past the viewer, since they must stand before and behind the console's; nothing is drawn anew on a
/// terminal that may be handed over.
fn aside(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// What the technician is told as the console is handed over.
fn opening(line: &LineId, stand: Stand, host: Option<&str>, limits: HandoverLimits) -> String {
    let named = host.map(|host| format!(" {host}")).unwrap_or_default();
    let checked = match stand {
        Stand::Verified => format!("logged in, and it is{named}"),
        Stand::LoggedIn => {
            format!("logged in{}", if named.is_empty() { named } else { format!(" on{named}") })
        }
        Stand::LoginPrompt => {
            "at its login prompt; there is no credential for it, so log in yourself".to_owned()
        }
        Stand::Connected => "connected; nothing was checked behind CONNECT".to_owned(),
    };
    let way_out = match stand {
        Stand::Connected => "lineman then hangs up; to log out is yours.",
        _ => "lineman then logs out and hangs up.",
    };
    format!(
        "--- {line}: {checked}.\n\
         --- Your keys go to it from here on, and nothing of it is kept.\n\
         --- Ctrl-] gives it back: {way_out} So do ~. at the\n\
         --- beginning of a line (~? helps), {} without a key, and {} in all.",
        span(limits.idle),
        span(limits.whole),
    )
}

fn soon(why: Back, left: Duration) -> String {
    let how = if why == Back::Idle { "for want of a key; any key keeps it" } else { "whatever happens" };
    format!("it is taken back in {}, {how}", span(left))
}

/// What the technician is told as it was taken back.
fn closing(why: Back, lasted: Duration, dialog_logs_out: bool) -> String {
    let said = match why {
        Back::Escape => "given back",
        Back::TerminalGone => "taken back: the terminal is gone",
        Back::CarrierLost => "the far end hung up, or the carrier was lost",
        Back::Idle => "taken back: no key came for too long",
        Back::Whole => "taken back: its time is over",
        Back::Cancelled => "taken back: the run is being ended",
        Back::PortLost => "the modem's port is gone",
    };
    let next = match why {
        Back::PortLost => "",
        Back::CarrierLost => "; hanging up",
        _ if !dialog_logs_out => "; hanging up",
        _ => "; logging out and hanging up",
    };
    format!("{said}, after {}{next}", span(lasted))
}

/// A length of time as one says it.
fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_names_both_limits_and_the_way_back() {
        let limits = HandoverLimits::default();
        let line: LineId = "BR1-A".parse().unwrap();
        let told = opening(&line, Stand::Verified, Some("br1-rtr1"), limits);
        for part in ["BR1-A", "br1-rtr1", "Ctrl-]", "~.", "10 min without a key", "60 min in all"] {
            assert!(told.contains(part), "{told}");
        }
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
        assert_eq!(
            soon(Back::Idle, Duration::from_secs(60)),
            "it is taken back in 60 s, for want of a key; any key keeps it"
        );
        assert_eq!(
            closing(Back::Escape, Duration::from_secs(130), true),
            "given back, after 2 min; logging out and hanging up"
        );
        assert_eq!(
            closing(Back::PortLost, Duration::from_secs(5), true),
            "the modem's port is gone, after 5 s"
        );
    }
}
