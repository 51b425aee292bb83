//! What is usual on a line: robust figures of the earlier nights on which it passed.
//!
//! Pure: whoever knows the earlier nights hands them in, record by record. What is made of the figures is `call`'s
//! (a shorter first call, a blemish of tonight's).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CallRecord, Fault, Mark, Moment, PhaseTimes, Verdict};

/// Makes the median absolute deviation an estimate of the standard deviation of a normal distribution.
/// [P. J. Rousseeuw, C. Croux: Alternatives to the Median Absolute Deviation, J. Am. Stat. Assoc. 88 (1993), 1273-1283]
pub const MAD_TO_DEVIATION: f64 = 1.4826;

/// A figure over some nights, by robust statistics: one bad night in seven moves the median hardly, and the mean a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Nights that had the figure, at least 1.
    pub nights: u32,
    /// The median; of an even number the middle of the two in the middle, towards zero.
    pub median: i64,
    /// The median absolute deviation from the median, as it is.
    pub mad: i64,
    /// The least.
    pub least: i64,
    /// The most.
    pub most: i64,
}

impl Spread {
    /// Of these figures; absent without any.
    pub fn of(figures: &[i64]) -> Option<Self> {
        let median = median(figures)?;
        let away: Vec<i64> =
            figures.iter().map(|figure| figure.saturating_sub(median).saturating_abs()).collect();
        Some(Self {
            nights: u32::try_from(figures.len()).unwrap_or(u32::MAX),
            median,
            mad: self::median(&away)?,
            least: *figures.iter().min()?,
            most: *figures.iter().max()?,
        })
    }

    /// What a standard deviation would be if the nights were spread normally.
    pub fn deviation(&self) -> f64 {
        // Figures are ms, bit/s and dB: far within what f64 holds exactly.
        self.mad as f64 * MAD_TO_DEVIATION
    }
}

fn median(figures: &[i64]) -> Option<i64> {
    let mut sorted = figures.to_vec();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = sorted[sorted.len() / 2 - 1];
    Some(lower + (upper - lower) / 2)
}

/// What is usual on a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usual {
    /// Dial command .. CONNECT, ms, on whatever modem of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialed_to_connect_ms: Option<Spread>,
    /// All else, by the family of our modem (its profile's name): families differ in the instants that they show, the
    /// rates that they reach, and the way in which they measure. Like is compared with like.
    pub families: BTreeMap<String, FamilyUsual>,
}

/// What is usual on a line when it is called from one family of modems. Absent is what it never told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FamilyUsual {
    /// The slower way's line rate, bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_bps: Option<Spread>,
    /// answered .. carrier, ms
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_ms: Option<Spread>,
    /// answered .. connected, ms
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_connect_ms: Option<Spread>,
    /// ringing (else digits sent) .. carrier, ms
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring_train_ms: Option<Spread>,
    /// Received level, dBm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rx_level_dbm: Option<Spread>,
    /// Signal to noise ratio, dB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snr_db: Option<Spread>,
}

/// What one call tells towards [`FamilyUsual`], or is held against it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// The slower way's line rate, bit/s.
    pub connect_bps: Option<i64>,
    /// answered .. carrier, ms
    pub train_ms: Option<i64>,
    /// answered .. connected, ms
    pub train_connect_ms: Option<i64>,
    /// ringing (else digits sent) .. carrier, ms
    pub ring_train_ms: Option<i64>,
    /// Half-width of the answer, ms, where it is bounded: so much may the first two of the three be wrong.
    pub answer_error_ms: i64,
    /// Received level, dBm.
    pub rx_level_dbm: Option<i64>,
    /// Signal to noise ratio, dB.
    pub snr_db: Option<i64>,
    /// Dial command .. CONNECT, ms.
    pub dialed_to_connect_ms: Option<i64>,
}

impl Figures {
    /// Of one call.
    pub fn of(record: &CallRecord) -> Self {
        let times = PhaseTimes::of(&record.timeline);
        let ms = |span: Option<u64>| span.and_then(|ms| i64::try_from(ms).ok());
        let told = record.diagnostics.as_deref();
        let rates = [record.link.tx_bps, record.link.rx_bps];
        let answer = record.timeline.get(Moment::Answered);
        let half_width = |mark: Mark| i64::try_from(mark.half_width.as_millis()).unwrap_or(i64::MAX);
        Self {
            connect_bps: rates.into_iter().flatten().min().map(i64::from),
            train_ms: ms(times.train_ms),
            train_connect_ms: ms(times.train_connect_ms),
            ring_train_ms: ms(times.ring_train_ms),
            answer_error_ms: answer.map_or(0, half_width),
            rx_level_dbm: told.and_then(|told| told.rx_level_dbm).map(i64::from),
            snr_db: told.and_then(|told| told.snr_db).map(i64::from),
            dialed_to_connect_ms: ms(times.dialed_to_connect_ms),
        }
    }
}

/// Gathers the nights of one line.
#[derive(Debug, Clone, Default)]
pub struct Nights {
    calls: Vec<(String, Figures)>,
}

impl Nights {
    /// One more night: the call that passed, perhaps with a blemish, and the family of the modem that made it. Any
    /// other call tells nothing of what is usual, and is left out.
    pub fn note(&mut self, family: &str, record: &CallRecord) {
        // A retry is a blemish of the line, never of a call.
        debug_assert_ne!(record.fault, Some(Fault::NeededRetry));
        if matches!(Verdict::of(record.fault), Verdict::Pass | Verdict::Degraded) {
            self.add(family, Figures::of(record));
        }
    }

    /// One more night, of whose call that passed these figures were kept.
    pub fn add(&mut self, family: &str, figures: Figures) {
        self.calls.push((family.to_owned(), figures));
    }

    /// What they make usual.
    pub fn usual(&self) -> Usual {
        let of = |family: Option<&str>, figure: fn(&Figures) -> Option<i64>| {
            let calls = self.calls.iter().filter(|(name, _)| family.is_none_or(|family| family == name));
            Spread::of(&calls.filter_map(|(_, figures)| figure(figures)).collect::<Vec<_>>())
        };
        let family = |name: &String| {
            let of = |figure| of(Some(name), figure);
            let usual = FamilyUsual {
                connect_bps: of(|figures| figures.connect_bps),
                train_ms: of(|figures| figures.train_ms),
                train_connect_ms: of(|figures| figures.train_connect_ms),
                ring_train_ms: of(|figures| figures.ring_train_ms),
                rx_level_dbm: of(|figures| figures.rx_level_dbm),
                snr_db: of(|figures| figures.snr_db),
            };
            (name.clone(), usual)
        };
        Usual {
            dialed_to_connect_ms: of(None, |figures| figures.dialed_to_connect_ms),
            families: self.calls.iter().map(|(name, _)| family(name)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_spread_is_not_moved_by_one_bad_night() {
        let spread = Spread::of(&[9100, 8200, 10_400, 9000, 9300, 60_000, 9200]).unwrap();
        assert_eq!((spread.nights, spread.median, spread.mad), (7, 9200, 200));
        assert_eq!((spread.least, spread.most), (8200, 60_000));
        assert!((spread.deviation() - 296.52).abs() < 0.001);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn the_middle_of_an_even_number_lies_between_the_two() {
        let spread = Spread::of(&[-30, -20, -22, -21]).unwrap();
        assert_eq!((spread.median, spread.mad, spread.least, spread.most), (-22, 1, -30, -20));
    }

    proptest! {
        #[test]
        fn half_of_the_nights_lie_within_the_deviation_and_none_beyond_the_ends(
            figures in proptest::collection::vec(-1_000_000_i64..1_000_000, 1..30),
        ) {
            let spread = Spread::of(&figures).unwrap();
            prop_assert!(spread.least <= spread.median && spread.median <= spread.most);
            prop_assert!(figures.iter().all(|figure| (spread.least..=spread.most).contains(figure)));
            let near = figures.iter().filter(|figure| (**figure - spread.median).abs() <= spread.mad + 1);
            prop_assert!(near.count() * 2 >= figures.len());
            prop_assert!(spread.mad >= 0 && spread.mad <= spread.most - spread.least);
        }
    }
}
