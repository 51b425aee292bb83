//! A run as it was recorded so far: written by its scribe alone, read by whoever shows it.

use std::sync::{Arc, PoisonError, RwLock};

use crate::report::RunState;

/// A run as it was recorded so far; all copies are the same one.
#[derive(Debug, Clone, Default)]
pub struct Record(Arc<RwLock<Option<RunState>>>);

impl Record {
    /// Looks at it; absent before its first event. Whoever looks for long holds up the record, though no call.
    pub fn read<T>(&self, look: impl FnOnce(&RunState) -> T) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// One that is recorded already, for tests of whoever shows it.
    #[cfg(test)]
    pub(crate) fn of(state: RunState) -> Self {
        let record = Self::default();
        record.write(|known| *known = Some(state));
        record
    }

    /// The scribe's hand.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut Option<RunState>) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is left of it when the run is over, without a copy where nobody else holds it.
    pub(super) fn into_state(self) -> Option<RunState> {
        match Arc::try_unwrap(self.0) {
            Ok(only) => only.into_inner().unwrap_or_else(PoisonError::into_inner),
            Err(shared) => shared.read().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}
