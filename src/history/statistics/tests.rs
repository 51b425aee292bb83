//! Every statistic against values from the literature, and what must hold of any figures.

use proptest::prelude::*;

use super::*;

fn near(is: f64, should: f64, within: f64) {
    assert!((is - should).abs() <= within, "{is} is not {should} ± {within}");
}

/// R. G. Newcombe: Two-sided confidence intervals for the single proportion, Stat. Med. 17 (1998), table I, method 3.
#[test]
fn score_intervals_are_those_of_the_literature() {
    for (hits, tries, low, high) in
        [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
    {
        let share = wilson(hits, tries).unwrap();
        near(share.low, low, 0.000_05);
        near(share.high, high, 0.000_05);
    }
    assert_eq!(wilson(0, 0), None);
}

/// Fisher's own examples: the lady tasting tea, and the convictions of twins.
#[test]
fn exact_probabilities_are_fishers() {
    near(fisher_more(4, 4, 0, 4), 1.0 / 70.0, 1e-12);
    near(fisher_more(3, 4, 1, 4), 17.0 / 70.0, 1e-12);
    near(fisher_more(10, 13, 2, 17), 0.000_465_2, 5e-8);
    near(fisher_more(0, 13, 12, 17), 1.0, 1e-12);
    near(fisher_more(0, 0, 5, 9), 1.0, 1e-12);
    // Far more calls than there are in a year of nights: nothing overflows, and chance stays chance.
    let even = fisher_more(1000, 100_000, 9000, 900_000);
    assert!((0.49..0.52).contains(&even), "{even}");
    assert!(fisher_more(1300, 100_000, 9000, 900_000) < 1e-12);
}

#[test]
fn many_tests_at_once_are_held_to_more() {
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
    for (is, should) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        near(*is, should, 1e-12);
    }
    assert_eq!(holm(&[]), Vec::<f64>::new());
}

#[test]
fn a_slope_is_not_moved_by_some_wild_nights() {
    let mut points: Vec<(f64, f64)> = (0..20).map(|x| (f64::from(x), 2.0 * f64::from(x) + 1.0)).collect();
    for wild in [3, 8, 12, 17] {
        points[wild].1 = 900.0;
    }
    near(theil_sen(&points).unwrap(), 2.0, 0.3);
    assert_eq!(theil_sen(&[(1.0, 2.0), (1.0, 3.0)]), None);
    // P. K. Sen (1968), section 6: x, y with the slope 4.
    let sen = [(1.0, 9.0), (2.0, 15.0), (3.0, 19.0), (4.0, 20.0), (10.0, 45.0), (12.0, 55.0), (18.0, 78.0)];
    near(theil_sen(&sen).unwrap(), 4.0, 1e-12);
}

#[test]
fn a_trend_has_the_probability_of_the_tables() {
    let up: Vec<f64> = (0..10).map(f64::from).collect();
    let (s, p) = mann_kendall(&up);
    // S = 45, variance 125, z = 3.9354.
    assert_eq!(s, 45);
    near(p, 0.000_083_05, 1e-7);
    // Ties by hand: S = 2, variance (66 - 18) / 18, z = 0.6124.
    let (s, p) = mann_kendall(&[1.0, 1.0, 2.0]);
    assert_eq!(s, 2);
    near(p, 0.540_29, 1e-4);
    assert_eq!(mann_kendall(&[3.0; 9]), (0, 1.0));
    assert_eq!(mann_kendall(&[]), (0, 1.0));
}

#[test]
fn the_error_function_is_that_of_the_tables() {
    for (x, value) in [
        (0.0, 1.0),
        (0.5, 0.479_500_122_186_95),
        (1.0, 0.157_299_207_050_285_13),
        (1.999_999, 0.004_677_755_6),
        (2.0, 0.004_677_734_981_047_266),
        (3.0, 2.209_049_699_858_544e-5),
        (5.0, 1.537_459_794_428_035e-12),
    ] {
        near(erfc(x) / value, 1.0, 1e-7);
    }
}

#[test]
fn factorials_meet_where_the_series_begins() {
    let by_hand: f64 = (2..=32_u64).map(|k| (k as f64).ln()).sum();
    near(ln_factorial(32), by_hand, 1e-10);
}

proptest! {
    #[test]
    fn an_interval_holds_its_share(tries in 1_u64..5000, part in 0_u64..=1000) {
        let hits = tries * part / 1000;
        let share = wilson(hits, tries).unwrap();
        prop_assert!(0.0 <= share.low && share.low <= share.share + 1e-12);
        prop_assert!(share.share <= share.high + 1e-12 && share.high <= 1.0);
    }

    #[test]
    fn all_tables_with_the_same_margins_add_up_to_certainty(tries in 0_u64..40, others in 0_u64..40, part in 0_u64..=1000) {
        let hits = (tries + others) * part / 1000;
        let least = hits.saturating_sub(others);
        prop_assert!((fisher_more(least, tries, hits - least, others) - 1.0).abs() < 1e-9);
        // More hits are never likelier.
        let most = tries.min(hits);
        let tails: Vec<f64> = (least..=most).map(|k| fisher_more(k, tries, hits - k, others)).collect();
        prop_assert!(tails.is_sorted_by(|a, b| a >= b), "{:?}", tails);
    }

    #[test]
    fn holding_to_more_never_makes_anything_likelier(raw in prop::collection::vec(0.0_f64..=1.0, 0..20)) {
        let adjusted = holm(&raw);
        for (raw, adjusted) in raw.iter().zip(&adjusted) {
            prop_assert!(adjusted >= raw && *adjusted <= 1.0);
        }
    }

    #[test]
    fn a_trend_turned_around_is_as_likely(figures in prop::collection::vec(-50_i32..50, 0..40)) {
        let figures: Vec<f64> = figures.into_iter().map(f64::from).collect();
        let back: Vec<f64> = figures.iter().rev().copied().collect();
        let ((s, p), (back_s, back_p)) = (mann_kendall(&figures), mann_kendall(&back));
        prop_assert_eq!(s, -back_s);
        prop_assert!((p - back_p).abs() < 1e-12 && (0.0..=1.0).contains(&p));
    }
}
