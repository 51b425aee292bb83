//! A line that passed and is bad all the same: rules on figures, and what each one says. Pure.
//!
//! The rules are the plan's, the figures are the call's own record and what is usual on the line (`model::usual`). That
//! a retry is a blemish is seen by whoever judges the line, since it takes two calls: the switch stands here beside the
//! others, and `fleet::scheduler` obeys it.
//!
//! Nothing is made of what a modem did not tell: a figure that is absent fires no rule.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::model::usual::{FamilyUsual, Figures, Spread};
use crate::model::{CallRecord, Fault, Moment, Usual, Verdict};

/// Below this rate a line carries no full screen at a bearable speed, and V.34 is far from what it can do.
pub const CONNECT_BPS: u32 = 9_600;
/// Share of the line's usual rate below which it has lost something: 33600 to 19200 is a loss, to 21600 is weather.
pub const CONNECT_SHARE: f64 = 0.6;
/// Retrains in one call: one may be chance, and each takes up to 30 s. [modems.md 6]
pub const RETRAINS: u32 = 2;
/// Block errors a minute. [modems.md 3.1, a rule of thumb for users of Couriers]
pub const BLOCK_ERRORS_PER_MIN: f64 = 67.0;
/// A connection counts as at least this long for that rate. An audit's link is up for some ten seconds, so twelve errors
/// fire the rule there: a good part of the few dozen blocks that a login takes, far worse than the same rate under
/// load, which is what the rule of thumb is about. One burst behind the training of a call that hangs up at once would
/// be a rate of hundreds, and is none.
pub const BLOCK_ERRORS_SPAN_MIN: Duration = Duration::from_secs(10);
/// Nights that make something usual: with fewer, the median of a line is hearsay.
pub const NIGHTS: u32 = 5;
/// Deviations from the usual time of training; 6 of a normal distribution are never seen by chance.
pub const TRAIN_DEVIATIONS: f64 = 6.0;
/// A time of training that is less than this beyond the usual is no matter, however steady the line was: a modem that
/// tries another modulation first takes so long.
pub const TRAIN_MARGIN: Duration = Duration::from_secs(8);
/// How much longer ring and training together may take: an incoming call meets the ringing at any point of its cadence.
/// [modems.md 6: 6 s in North America, the longest]
const RING_SLACK_MS: f64 = 6_000.0;
/// A fall of level or of signal to noise beyond this, dB, is a tenth of the power: no weather, a joint or a filter.
pub const LEVEL_DROP_DB: u16 = 10;

/// The rules of `degraded`; a rule that is absent (or false) is off.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// `slow-connect`: the slower way's rate is below this, bit/s.
    pub connect_bps: Option<u32>,
    /// `slow-connect`: it is below this share of the line's usual rate, 0 to 1.
    pub connect_share: Option<f64>,
    /// `retrains`: at least so many in one call, 1 or more.
    pub retrains: Option<u32>,
    /// `noisy`: more block errors a minute than this; see [`BLOCK_ERRORS_SPAN_MIN`].
    pub block_errors_per_min: Option<f64>,
    /// `noisy`: level or signal to noise fell by more than this below the line's usual, dB.
    pub level_drop_db: Option<u16>,
    /// `noisy`: received level below this, dBm. Off by default: no threshold is known to fit all. [modems.md 3.8]
    pub rx_level_dbm: Option<i16>,
    /// `noisy`: signal to noise ratio below this, dB. Off by default, as that.
    pub snr_db: Option<u16>,
    /// `no-error-control`: our modem asked for it, and told that there is none.
    pub error_control: bool,
    /// `slow-train`: far beyond the line's usual.
    pub train: Option<TrainRule>,
    /// `needed-retry`: more attempts than one were needed.
    pub needed_retry: bool,
    /// Nights that make something usual, at least 2.
    pub nights: u32,
}

/// When training was slow: beyond the usual by more than both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainRule {
    /// So many deviations (robust ones, [`Spread::deviation`]).
    pub deviations: f64,
    /// So much time.
    pub margin: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            connect_bps: Some(CONNECT_BPS),
            connect_share: Some(CONNECT_SHARE),
            retrains: Some(RETRAINS),
            block_errors_per_min: Some(BLOCK_ERRORS_PER_MIN),
            level_drop_db: Some(LEVEL_DROP_DB),
            rx_level_dbm: None,
            snr_db: None,
            error_control: true,
            train: Some(TrainRule { deviations: TRAIN_DEVIATIONS, margin: TRAIN_MARGIN }),
            needed_retry: true,
            nights: NIGHTS,
        }
    }
}

/// What a call that passes is measured by.
#[derive(Debug, Clone, Default)]
pub struct Quality {
    /// The plan's rules.
    pub rules: Arc<Rules>,
    /// What is usual on the line; absent on its first night.
    pub usual: Option<Arc<Usual>>,
}

/// Our modem, as far as the rules need it.
#[derive(Debug, Clone, Copy)]
pub struct OurModem<'a> {
    /// Its family: the name of its profile.
    pub family: &'a str,
    /// Its set-up asks for error control.
    pub asks_error_control: bool,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blemish {
    /// Its fault.
    pub fault: Fault,
    /// The figures that it fired on, in words.
    pub detail: String,
}

impl Quality {
    /// Holds a call that is over to the rules, before it is recorded. One that did not pass is left as it is: a failure
    /// is no matter of degree.
    ///
    /// The worst blemish gives the fault, unless the call found one of its own (`logout-unproven`: a session may be
    /// left open); all of them are told in the detail.
    pub fn apply(&self, modem: OurModem<'_>, record: &mut CallRecord) {
        if !matches!(Verdict::of(record.fault), Verdict::Pass | Verdict::Degraded) {
            return;
        }
        let mut told = String::new();
        let mut own = record.fault;
        if own.is_some() {
            told.clone_from(&record.detail);
        }
        for Blemish { fault, detail } in self.blemishes(modem, record) {
            if !told.is_empty() {
                told.push_str("; ");
            }
            if own.is_none() {
                own = Some(fault);
                told.push_str(&detail);
            } else {
                let _ = write!(told, "{fault}: {detail}");
            }
        }
        if record.fault.is_none() && own.is_some() && !record.detail.is_empty() {
            let _ = write!(told, "; {}", record.detail);
        }
        if own.is_some() {
            (record.fault, record.detail) = (own, told);
        }
    }

    /// The rules that fire, the worst first: `retrains` (each stops the session, and the next one may end it), `noisy` (what
    /// is typed is sent again and again), `no-error-control` (it arrives wrong), `slow-connect` (it works, slowly),
    /// `slow-train` (it works, late). Of two rules with one fault the one that stands first in [`Rules`].
    fn blemishes(&self, modem: OurModem<'_>, record: &CallRecord) -> Vec<Blemish> {
        let family = self.usual.as_deref().and_then(|usual| usual.families.get(modem.family));
        let nowhere = FamilyUsual::default();
        let case = Case {
            rules: &self.rules,
            usual: family.unwrap_or(&nowhere),
            figures: Figures::of(record),
            record,
        };
        let found = [
            (Fault::Retrains, case.retrains()),
            (Fault::Noisy, case.block_errors()),
            (Fault::Noisy, case.level()),
            (Fault::Noisy, case.signal_to_noise()),
            (Fault::NoErrorControl, case.error_control(modem.asks_error_control)),
            (Fault::SlowConnect, case.rate()),
            (Fault::SlowTrain, case.training()),
        ];
        found.into_iter().filter_map(|(fault, detail)| Some(Blemish { fault, detail: detail? })).collect()
    }
}

struct Case<'a> {
    rules: &'a Rules,
    usual: &'a FamilyUsual,
    figures: Figures,
    record: &'a CallRecord,
}

impl Case<'_> {
    /// What is usual, if enough nights say so.
    fn usually(&self, spread: Option<Spread>) -> Option<Spread> {
        spread.filter(|spread| spread.nights >= self.rules.nights)
    }

    fn retrains(&self) -> Option<String> {
        let (limit, retrains) = (self.rules.retrains?, self.record.diagnostics.as_deref()?.retrains?);
        (retrains >= limit).then(|| format!("retrained {}", times(retrains)))
    }

    fn block_errors(&self) -> Option<String> {
        let limit = self.rules.block_errors_per_min?;
        let errors = self.record.diagnostics.as_deref()?.block_errors?;
        let up = connected_for(self.record)?;
        let per_min = f64::from(errors) * 60.0 / up.max(BLOCK_ERRORS_SPAN_MIN).as_secs_f64();
        (per_min > limit)
            .then(|| format!("{errors} block errors in {:.1} s, over {limit} a minute", up.as_secs_f64()))
    }

    fn level(&self) -> Option<String> {
        let level = self.figures.rx_level_dbm?;
        if let Some(limit) = self.rules.rx_level_dbm.filter(|limit| level < i64::from(*limit)) {
            return Some(format!("received at {level} dBm, under {limit}"));
        }
        let usual = self.fallen(level, self.usual.rx_level_dbm)?;
        Some(format!("received at {level} dBm, usual {}", range(usual, 1.0, 0, " dBm")))
    }

    fn signal_to_noise(&self) -> Option<String> {
        let snr = self.figures.snr_db?;
        if let Some(limit) = self.rules.snr_db.filter(|limit| snr < i64::from(*limit)) {
            return Some(format!("signal to noise {snr} dB, under {limit}"));
        }
        let usual = self.fallen(snr, self.usual.snr_db)?;
        Some(format!("signal to noise {snr} dB, usual {}", range(usual, 1.0, 0, " dB")))
    }

    /// A level that is further below its usual than the plan allows, and than the line's own ups and downs reach.
    fn fallen(&self, level: i64, usual: Option<Spread>) -> Option<Spread> {
        let limit = f64::from(self.rules.level_drop_db?);
        let usual = self.usually(usual)?;
        let drop = (usual.median - level) as f64;
        (drop > limit.max(3.0 * usual.deviation())).then_some(usual)
    }

    /// Only what the modem told: `NONE` is none, silence is silence.
    fn error_control(&self, asked: bool) -> Option<String> {
        let none = self.record.link.protocol.as_deref()?.eq_ignore_ascii_case("none");
        (self.rules.error_control && asked && none)
            .then(|| "asked for error control, and the modem tells that there is none".to_owned())
    }

    fn rate(&self) -> Option<String> {
        let bps = self.figures.connect_bps?;
        if let Some(limit) = self.rules.connect_bps.filter(|limit| bps < i64::from(*limit)) {
            return Some(format!("connected at {bps} bit/s, under {limit}"));
        }
        let (share, usual) = (self.rules.connect_share?, self.usually(self.usual.connect_bps)?);
        let low = (bps as f64) < share * usual.median as f64;
        low.then(|| format!("connected at {bps} bit/s, usual {}", range(usual, 1.0, 0, " bit/s")))
    }

    /// The narrowest span that holds the training, of those that the modem shows.
    fn training(&self) -> Option<String> {
        let rule = self.rules.train?;
        let (tonight, usual) = (&self.figures, self.usual);
        let error_ms = tonight.answer_error_ms;
        let spans = [
            ("trained", tonight.train_ms, usual.train_ms, error_ms, 0.0),
            ("trained and connected in", tonight.train_connect_ms, usual.train_connect_ms, error_ms, 0.0),
            ("rang and trained", tonight.ring_train_ms, usual.ring_train_ms, 0, RING_SLACK_MS),
        ];
        let (what, ms, usual, error_ms, slack_ms) = spans
            .into_iter()
            .find_map(|(what, ms, usual, error, slack)| Some((what, ms?, usual, error, slack)))?;
        let usual = self.usually(usual)?;
        // An answer that is only bounded may have come as late as its bounds allow.
        let beyond = (ms - error_ms - usual.median) as f64;
        let allowed =
            (rule.margin.as_secs_f64() * 1000.0 + slack_ms).max(rule.deviations * usual.deviation());
        let seconds = ms as f64 / 1000.0;
        (beyond > allowed).then(|| format!("{what} {seconds:.1} s, usual {}", range(usual, 0.001, 1, " s")))
    }
}

/// `9.1 s (9 nights, 8.2 to 10.4 s)`
fn range(usual: Spread, scale: f64, places: usize, unit: &str) -> String {
    let shown = |figure: i64| format!("{:.places$}", figure as f64 * scale);
    let Spread { nights, median, least, most, .. } = usual;
    format!("{}{unit} ({nights} nights, {} to {}{unit})", shown(median), shown(least), shown(most))
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// How long the link was up at most: CONNECT to on-hook, else to the last instant that is known.
fn connected_for(record: &CallRecord) -> Option<Duration> {
    let connected = record.timeline.get(Moment::Connected)?;
    let last = record
        .timeline
        .get(Moment::OnHook)
        .or_else(|| record.timeline.iter().map(|(_, mark)| mark).last())?;
    Some(last.at.since(connected.at))
}

#[cfg(test)]
mod tests;
