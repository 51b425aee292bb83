//! How far the daemon's end is: calls log out, then lines are dropped, then it goes whatever hangs.

use super::{HANG_UP_LIMIT, LOG_OUT_LIMIT};
use crate::call::machine::Cancel;
use crate::model::Mono;
use crate::modem::clock::Clock;

/// How far the end is.
#[derive(Debug, Default)]
pub(super) struct Ending {
    stage: u8,
    until: Option<Mono>,
}

impl Ending {
    /// It is wanted, once more: how; `None` where all has been tried.
    pub(super) fn again(&mut self, now: Mono) -> Option<Cancel> {
        let (how, limit) = match self.stage {
            0 => (Cancel::LogOut, LOG_OUT_LIMIT),
            1 => (Cancel::HangUp, HANG_UP_LIMIT),
            _ => return None,
        };
        self.stage += 1;
        self.until = Some(now + limit);
        Some(how)
    }

    /// Waits until it takes too long; for ever, if nobody wants the end.
    pub(super) async fn limit(&self, clock: &Clock) {
        match self.until {
            Some(until) => tokio::time::sleep_until(clock.instant(until)).await,
            None => std::future::pending().await,
        }
    }
}
