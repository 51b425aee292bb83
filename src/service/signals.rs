//! The signals that a daemon answers: SIGTERM and SIGINT end it, SIGHUP reads its configuration again.

use tokio::sync::mpsc;

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// End; said again: sooner.
    Terminate,
    /// Read the configuration again.
    Reload,
}

/// Signals that may wait to be answered.
const WAITING_MAX: usize = 8;

/// Listens from now on.
///
/// # Errors
/// The signals can't be listened for.
#[cfg(unix)]
pub fn listen() -> std::io::Result<mpsc::Receiver<Word>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (said, words) = mpsc::channel(WAITING_MAX);
    let kinds = [
        (SignalKind::terminate(), Word::Terminate),
        (SignalKind::interrupt(), Word::Terminate),
        (SignalKind::hangup(), Word::Reload),
    ];
    for (kind, word) in kinds {
        let (mut signal, said) = (signal(kind)?, said.clone());
        tokio::spawn(async move {
            while signal.recv().await.is_some() {
                if said.send(word).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(words)
}

/// Listens for Ctrl-C, which is all that there is here.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub fn listen() -> std::io::Result<mpsc::Receiver<Word>> {
    let (said, words) = mpsc::channel(WAITING_MAX);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if said.send(Word::Terminate).await.is_err() {
                return;
            }
        }
    });
    Ok(words)
}
