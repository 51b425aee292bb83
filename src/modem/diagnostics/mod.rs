//! What a modem tells of the call that it has just had: each family's report read into [`Diagnostics`], one file a
//! report, and the machine that asks for them.
//!
//! All of it is pure. A figure that is garbled or out of range is absent; what is recognised and has no place of its own
//! goes into [`Diagnostics::more`]. Whether a report is of this call at all, and what it makes of the call's finding, is
//! `call::evidence`'s.

mod ask;
mod ati11;
mod registers;
mod rockwell;
mod text;
mod unimodem;
mod usr;
mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::model::{Diagnostics, Link};

use super::connect;
use super::profile::Report;

pub use ask::{Diagnose, DiagnoseLimits, Diagnosis};
pub use text::{MORE_KEY_LEN_MAX, MORE_MAX, MORE_VALUE_LEN_MAX};

/// Longest round trip that is believed, in ms: two satellite hops are below 2 s.
const ROUND_TRIP_MAX_MS: u32 = 10_000;

/// What one report told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which report.
    pub report: Report,
    /// What it told.
    pub told: Diagnostics,
    /// The link as it was at the end of the call.
    pub link: Link,
    /// How long the call was that it is of (`ATI6`).
    pub last_call: Option<Duration>,
    /// Characters or frames that came from the far end.
    pub received: Option<u32>,
    /// Key 60 of `AT#UD`: why the call ended, by V.58's codes.
    pub cause: Option<u32>,
    /// It says itself that it is of no call that has ended.
    pub no_call: bool,
}

impl Account {
    fn new(report: Report) -> Self {
        Self {
            report,
            told: Diagnostics::default(),
            link: Link::default(),
            last_call: None,
            received: None,
            cause: None,
            no_call: false,
        }
    }

    /// Whether it is of a call that had a link: it tells a rate or a modulation, or that something was received.
    pub fn tells_link(&self) -> bool {
        let Link { modulation, tx_bps, rx_bps, .. } = &self.link;
        modulation.is_some() || tx_bps.is_some() || rx_bps.is_some() || self.received.is_some_and(|n| n > 0)
    }

    /// Whether it tells anything that a blank form would not: counters at 0 and `Protocol NONE` stand in one as well.
    pub fn tells_call(&self) -> bool {
        let Diagnostics { termination, tx_level_dbm, rx_level_dbm, snr_db, round_trip_ms, .. } = &self.told;
        let measured =
            tx_level_dbm.or(*rx_level_dbm).is_some() || snr_db.is_some() || round_trip_ms.is_some();
        let lasted = self.last_call.is_some_and(|span| !span.is_zero());
        self.tells_link() || measured || lasted || termination.is_some()
    }
}

/// Reads the lines that a modem printed in answer to a report's command.
pub fn parse(report: Report, lines: &[String]) -> Account {
    match report {
        Report::I6 => usr::parse(lines),
        Report::I11 => ati11::parse(lines),
        Report::V1 => rockwell::parse(lines),
        Report::Ud => unimodem::parse(lines),
        Report::S86 => registers::s86(lines),
        Report::Level => registers::received_level(lines),
        Report::Quality => registers::quality(lines),
    }
}

/// How exact a report is; the lowest first.
///
/// `AT#UD` speaks in closed codes and is wiped by each ATD. `ATI11` measures the line, `ATI6` and `AT&V1` count and name the
/// end of the call, and S86 is one of Rockwell's few codes.
const fn rank(report: Report) -> u8 {
    match report {
        Report::Ud => 0,
        Report::I11 => 1,
        Report::I6 => 2,
        Report::V1 => 3,
        Report::S86 => 4,
        Report::Level => 5,
        Report::Quality => 6,
    }
}

/// One account of several. Where two tell the same, the more exact report's figure stands, in the order `AT#UD`, `ATI11`,
/// `ATI6`, `AT&V1`, S86, `AT%L`, `AT%Q`; figures of two reports are never mixed or averaged. How the call ended, and
/// the modem's words for it, are always of one report; the words of the others stand in `more` as `cause-ati6` and the like.
pub fn merge(mut accounts: Vec<Account>) -> (Diagnostics, Link) {
    accounts.sort_by_key(|account| rank(account.report));
    let mut all = Diagnostics::default();
    let mut link = Link::default();
    for Account { report, told, link: at_end, .. } in accounts {
        let Diagnostics {
            termination,
            disconnect_cause,
            call_setup,
            s86,
            tx_level_dbm,
            rx_level_dbm,
            snr_db,
            line_quality,
            retrains,
            rate_shifts,
            block_errors,
            round_trip_ms,
            more,
        } = told;
        if all.termination.is_none() {
            all.termination = termination;
            all.disconnect_cause = disconnect_cause;
        } else if let Some(cause) = disconnect_cause {
            text::more(&mut all, &format!("cause-{}", report.key()), &cause);
        }
        all.call_setup = all.call_setup.or(call_setup);
        all.s86 = all.s86.or(s86);
        all.tx_level_dbm = all.tx_level_dbm.or(tx_level_dbm);
        all.rx_level_dbm = all.rx_level_dbm.or(rx_level_dbm);
        all.snr_db = all.snr_db.or(snr_db);
        all.line_quality = all.line_quality.or(line_quality);
        all.retrains = all.retrains.or(retrains);
        all.rate_shifts = all.rate_shifts.or(rate_shifts);
        all.block_errors = all.block_errors.or(block_errors);
        all.round_trip_ms = all.round_trip_ms.or(round_trip_ms);
        for (key, value) in more {
            text::more(&mut all, &key, &value);
        }
        let mut exact = at_end;
        exact.absorb(link);
        link = exact;
    }
    (all, link)
}

/// A rate that a telephone line can have.
fn rate(bps: u32) -> Option<u32> {
    Some(bps).filter(|bps| connect::is_line_rate(*bps))
}
