//! What ends a run, or keeps it from beginning.

use std::fmt::Display;

/// What went wrong, for whoever began it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// Of which kind it is.
    pub kind: FailureKind,
    /// All of it, in words: what, where, what would be right.
    pub text: String,
}

/// Of which kind a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Usage or configuration is wrong: nothing was dialed.
    Wrong,
    /// There was a run, and nobody can read from its files what it found.
    Unjudged,
}

impl Failure {
    /// Usage or configuration is wrong: nothing was dialed.
    pub fn wrong(text: impl Display) -> Self {
        Self { kind: FailureKind::Wrong, text: text.to_string() }
    }

    /// There was a run, and nobody can read from its files what it found.
    pub fn unjudged(text: impl Display) -> Self {
        Self { kind: FailureKind::Unjudged, text: text.to_string() }
    }
}
