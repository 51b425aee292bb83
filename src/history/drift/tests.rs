//! What is told as a drift, and what is not: lines as they are, played with a seed.

use proptest::prelude::*;

use super::*;

/// Nights with a figure that lies around what `usual` says of each, as real ones do: most near, some far.
fn nights(seed: u64, count: usize, spread: f64, usual: impl Fn(usize) -> f64) -> Vec<(f64, f64)> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut even = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..count)
        .map(|night| {
            // The sum of some even figures is nearly normal.
            let noise: f64 = (0..6).map(|_| even()).sum::<f64>() - 3.0;
            let wild = if even() < 0.03 { 8.0 } else { 1.0 };
            (night as f64, usual(night) + noise * spread * wild)
        })
        .collect()
}

#[test]
fn a_line_that_is_as_it_was_is_hardly_ever_told_to_drift() {
    let mut told = 0;
    for seed in 0..2000 {
        let steady = nights(seed, 30 + (seed % 80) as usize, 400.0, |_| 9200.0);
        told += usize::from(drift(Figure::Train, &steady).unwrap().course != Course::Steady);
    }
    // One in a hundred at the most.
    assert!(told <= 20, "{told} of 2000");
}

#[test]
fn a_slow_rise_is_told_before_a_person_would_see_it() {
    let mut found = 0;
    for seed in 0..200 {
        let rising = nights(seed, 60, 300.0, |night| 9200.0 + 40.0 * night as f64);
        let told = drift(Figure::Train, &rising).unwrap();
        found += usize::from(told.course == Course::Worse);
        assert!(told.slope_by_day.unwrap() > 20.0);
    }
    assert!(found >= 198, "{found} of 200");
}

#[test]
fn a_step_is_told_within_its_nights_and_whichever_way_it_went() {
    for (figure, before, after, course) in [
        (Figure::Level, -18.0, -24.0, Course::Worse),
        (Figure::Level, -24.0, -18.0, Course::Better),
        (Figure::Speed, 31_200.0, 26_400.0, Course::Worse),
        (Figure::Speed, 26_400.0, 31_200.0, Course::Better),
        (Figure::Snr, 34.0, 28.0, Course::Worse),
        (Figure::Retrains, 0.0, 1.0, Course::Worse),
        (Figure::Train, 12_000.0, 9_000.0, Course::Better),
        (Figure::Failed, 2.0, 20.0, Course::Worse),
    ] {
        let stepped: Vec<(f64, f64)> =
            (0..40).map(|night| (f64::from(night), if night < 34 { before } else { after })).collect();
        let told = drift(figure, &stepped).unwrap();
        assert_eq!((told.course, told.shifted), (course, true), "{figure:?}");
        assert_eq!((told.median, told.mad, told.recent), (before, 0.0, Some(after)));
        // Three nights of seven are not yet the median.
        assert_eq!(drift(figure, &stepped[..37]).unwrap().course, Course::Steady, "{figure:?}");
    }
}

#[test]
fn a_change_that_is_sure_and_small_is_not_worth_telling() {
    let creeping: Vec<(f64, f64)> =
        (0..60).map(|night| (f64::from(night), 9200.0 + 5.0 * f64::from(night))).collect();
    let told = drift(Figure::Train, &creeping).unwrap();
    assert!(told.chance.unwrap() < 1e-6 && told.course == Course::Steady);
}

#[test]
fn with_too_few_nights_nothing_is_claimed() {
    let few = nights(1, BASELINE_MIN + RECENT_NIGHTS - 1, 300.0, |night| 9200.0 + 400.0 * night as f64);
    let told = drift(Figure::Train, &few).unwrap();
    assert_eq!((told.course, told.nights, told.recent), (Course::TooFew, 20, None));
    assert_eq!(told.baseline_nights, 20);
    assert_eq!(drift(Figure::Train, &[]), None);
}

#[test]
fn a_hump_that_is_over_is_no_drift() {
    let hump: Vec<(f64, f64)> = (0..60)
        .map(|night| (f64::from(night), if (40..52).contains(&night) { 12_000.0 } else { 9200.0 }))
        .collect();
    assert_eq!(drift(Figure::Train, &hump).unwrap().course, Course::Steady);
}

#[test]
fn a_picture_has_a_column_a_night() {
    let figures = [Some(1.0), None, Some(8.0), Some(4.0)];
    assert_eq!(picture(&figures), "▁ █▄");
    assert_eq!(picture(&[Some(5.0), Some(5.0)]), "▄▄");
    assert_eq!(picture(&[]), "");
}

proptest! {
    /// Where the figures come from and how they are called does not matter: turned around, worse is better.
    #[test]
    fn worse_turned_around_is_better(seed in any::<u64>(), count in 21_usize..80, rise in -80.0_f64..80.0) {
        let train = nights(seed, count, 300.0, |night| 9200.0 + rise * night as f64);
        let turned: Vec<(f64, f64)> = train.iter().map(|&(day, value)| (day, -value)).collect();
        let (there, back) = (drift(Figure::Train, &train).unwrap(), drift(Figure::Train, &turned).unwrap());
        let mirror = match there.course {
            Course::Worse => Course::Better,
            Course::Better => Course::Worse,
            same => same,
        };
        prop_assert_eq!(back.course, mirror);
        prop_assert!(there.mad >= 0.0);
    }
}
