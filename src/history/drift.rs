//! Whether a figure drifts: its last nights against its own baseline. Pure.
//!
//! A baseline is a median with its median absolute deviation (see [`crate::model::usual`] for the source of the factor
//! that makes it a deviation): a bad night moves neither. Two things are told, and both must be worth a person's time as
//! well as beyond chance: a shift of the last nights, and a slope that has gone on for weeks.

use super::statistics::{mann_kendall, median, theil_sen};
use crate::model::usual::MAD_TO_DEVIATION;

/// Nights that are held against the baseline.
pub const RECENT_NIGHTS: usize = 7;
/// Fewest nights of a baseline.
pub const BASELINE_MIN: usize = 14;
/// Most nights of a baseline: a season, so that what was years ago is not held against a line.
pub const BASELINE_MAX: usize = 90;
/// Nights over which a slope is looked for.
pub const SLOPE_NIGHTS: usize = 60;
/// A shift of the last nights' median is told from so many deviations on. The median of seven nights has a deviation of
/// half a night's, so chance has to go five of its own deviations; of a short baseline, whose spread is not known well, fewer
/// will do: one steady figure in 200 is told then.
const SHIFT_DEVIATIONS: f64 = 2.5;
/// A slope is told from this probability of chance down, ...
pub(super) const SLOPE_CHANCE: f64 = 0.01;
/// ... and if it has come to so many deviations over its nights: figures that hang on the night before make chance look
/// smaller than it is.
const SLOPE_DEVIATIONS: f64 = 1.5;

/// What is followed over the nights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// answered .. carrier
    Train,
    /// answered .. connected, where the carrier between them is hidden
    TrainConnect,
    /// ringing .. carrier, where the answer between them is hidden
    RingTrain,
    /// dial command .. CONNECT
    Connect,
    /// The slower way's line rate.
    Speed,
    /// What our modem received.
    Level,
    /// Signal to noise ratio.
    Snr,
    /// Retrains in a call.
    Retrains,
    /// Of a modem's calls, those that did not pass.
    Failed,
}

impl Figure {
    /// All of them, in the order of the reports.
    pub const ALL: [Self; 9] = [
        Self::Train,
        Self::TrainConnect,
        Self::RingTrain,
        Self::Connect,
        Self::Speed,
        Self::Level,
        Self::Snr,
        Self::Retrains,
        Self::Failed,
    ];

    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Train => "train_ms",
            Self::TrainConnect => "train_connect_ms",
            Self::RingTrain => "ring_train_ms",
            Self::Connect => "dialed_to_connect_ms",
            Self::Speed => "connect_bps",
            Self::Level => "rx_level_dbm",
            Self::Snr => "snr_db",
            Self::Retrains => "retrains",
            Self::Failed => "failed_percent",
        }
    }

    /// What it is called where people read of it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Train => "train time",
            Self::TrainConnect => "train time, answer to CONNECT",
            Self::RingTrain => "ring and train time",
            Self::Connect => "dial to CONNECT",
            Self::Speed => "speed",
            Self::Level => "level",
            Self::Snr => "signal to noise",
            Self::Retrains => "retrains",
            Self::Failed => "calls that did not pass",
        }
    }

    /// A value of it with its unit, for people.
    pub fn told(self, value: f64) -> String {
        match self {
            Self::Train | Self::TrainConnect | Self::RingTrain | Self::Connect => {
                format!("{:.1} s", value / 1000.0)
            }
            Self::Speed => format!("{value:.0} bit/s"),
            Self::Level => format!("{value:.0} dBm"),
            Self::Snr => format!("{value:.0} dB"),
            Self::Retrains => format!("{value:.0}"),
            Self::Failed => format!("{value:.1} %"),
        }
    }

    /// Whether more of it is worse.
    pub const fn more_is_worse(self) -> bool {
        match self {
            Self::Train
            | Self::TrainConnect
            | Self::RingTrain
            | Self::Connect
            | Self::Retrains
            | Self::Failed => true,
            Self::Speed | Self::Level | Self::Snr => false,
        }
    }

    /// The least change that is worth a person's time, in the figure's unit; and what the deviation is taken to be at
    /// least: figures come in steps (2400 bit/s in V.34, whole dB), and a line that is always on the same one has none.
    const fn worth_and_step(self) -> (f64, f64) {
        match self {
            Self::Train | Self::TrainConnect | Self::RingTrain => (1000.0, 250.0),
            Self::Connect => (2000.0, 500.0),
            Self::Speed => (2400.0, 960.0),
            Self::Level | Self::Snr => (3.0, 1.0),
            Self::Retrains => (1.0, 0.4),
            Self::Failed => (5.0, 1.0),
        }
    }
}

/// Which way a figure goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// There are too few nights to say.
    TooFew,
    /// As it always was.
    Steady,
    /// It gets worse, or has become worse.
    Worse,
    /// It gets better, or has become better.
    Better,
}

impl Course {
    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooFew => "too-few-nights",
            Self::Steady => "steady",
            Self::Worse => "worse",
            Self::Better => "better",
        }
    }
}

/// A figure's last nights against its baseline, with all the numbers that the finding rests upon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Nights that have the figure.
    pub nights: usize,
    /// Which way it goes.
    pub course: Course,
    /// Nights of the baseline.
    pub baseline_nights: usize,
    /// Their median; of too few nights the median of all.
    pub median: f64,
    /// Their median absolute deviation, as it is.
    pub mad: f64,
    /// The median of the last [`RECENT_NIGHTS`]; absent with too few nights.
    pub recent: Option<f64>,
    /// Theil-Sen slope by day over the last [`SLOPE_NIGHTS`]; absent with too few nights.
    pub slope_by_day: Option<f64>,
    /// Days that the slope goes over.
    pub slope_days: f64,
    /// Mann-Kendall: the probability of such a trend by chance, both ways.
    pub chance: Option<f64>,
    /// The last nights have shifted.
    pub shifted: bool,
    /// The slope is beyond chance, and worth telling.
    pub sloping: bool,
}

/// Judges a figure. `nights` are days (any origin) and figures, in the order of time; absent without any.
pub fn drift(figure: Figure, nights: &[(f64, f64)]) -> Option<Drift> {
    let values: Vec<f64> = nights.iter().map(|&(_, value)| value).collect();
    let recent_from = values.len().saturating_sub(RECENT_NIGHTS);
    let too_few = recent_from < BASELINE_MIN;
    let baseline =
        if too_few { &values[..] } else { &values[recent_from.saturating_sub(BASELINE_MAX)..recent_from] };
    let middle = median(baseline)?;
    let away: Vec<f64> = baseline.iter().map(|value| (value - middle).abs()).collect();
    let mad = median(&away)?;
    let mut told = Drift {
        nights: values.len(),
        course: Course::TooFew,
        baseline_nights: baseline.len(),
        median: middle,
        mad,
        recent: None,
        slope_by_day: None,
        slope_days: 0.0,
        chance: None,
        shifted: false,
        sloping: false,
    };
    if too_few {
        return Some(told);
    }
    let (worth, step) = figure.worth_and_step();
    let deviation = (mad * MAD_TO_DEVIATION).max(step);
    let recent = median(&values[recent_from..])?;
    let shift = recent - middle;
    let window = &nights[nights.len().saturating_sub(SLOPE_NIGHTS)..];
    let slope = theil_sen(window).unwrap_or(0.0);
    let days = window.last().zip(window.first()).map_or(0.0, |(last, first)| last.0 - first.0);
    let (_, chance) = mann_kendall(&values[values.len().saturating_sub(SLOPE_NIGHTS)..]);
    let risen = slope * days;
    told.recent = Some(recent);
    told.slope_by_day = Some(slope);
    told.slope_days = days;
    told.chance = Some(chance);
    told.shifted = shift.abs() >= worth.max(SHIFT_DEVIATIONS * deviation);
    // A slope whose last nights are no further than its first ones is a hump: it is over.
    told.sloping = chance < SLOPE_CHANCE
        && risen.abs() >= worth.max(SLOPE_DEVIATIONS * deviation)
        && risen * shift > 0.0;
    let up = if told.shifted { shift > 0.0 } else { risen > 0.0 };
    told.course = match (told.shifted || told.sloping, up == figure.more_is_worse()) {
        (false, _) => Course::Steady,
        (true, true) => Course::Worse,
        (true, false) => Course::Better,
    };
    Some(told)
}

/// Rows of a picture, from the least to the most.
const ROWS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Figures as a row of bars, the least one lowest; a blank for what is absent.
pub fn picture(figures: &[Option<f64>]) -> String {
    let known = || figures.iter().flatten().copied();
    let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    figures
        .iter()
        .map(|figure| match figure {
            None => ' ',
            // All alike: neither low nor high.
            Some(_) if most <= least => ROWS[3],
            Some(figure) => {
                let step = (figure - least) / (most - least) * (ROWS.len() - 1) as f64;
                let above = |at: &(&char, u8)| step < f64::from(at.1) + 0.5;
                ROWS.iter().zip(0_u8..).find(above).map_or('█', |(row, _)| *row)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
