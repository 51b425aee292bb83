//! Whoever begins a run, as far as it has to talk to him beside its events: a person at a terminal, or the daemon's log.

use std::io;

use secrecy::SecretString;

/// Whoever began a run.
pub trait Host: Send + Sync + 'static {
    /// Something that is good to know.
    fn note(&self, text: &str);
    /// Something that is amiss, and does not end the run.
    fn complain(&self, text: &str);
    /// Asks for a secret; without a person to ask that is an error.
    ///
    /// # Errors
    /// There is nobody to ask.
    fn ask(&self, question: &str) -> io::Result<SecretString>;
}
