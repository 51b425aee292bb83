//! The statistics that trends and rates rest upon: few, robust, exact where that can be had, each with its source.
//! Pure: figures in, figures out.

/// Where the normal distribution leaves 2.5 % on either side.
const Z_95: f64 = 1.959_963_984_540_054;

/// A share with the interval in which the true one lies with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// What was counted, 0 to 1.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The share of `hits` in `tries` with its score interval, which keeps its promise for few tries and for shares near 0
/// too; absent without a try.
/// [E. B. Wilson: Probable Inference, the Law of Succession, and Statistical Inference, J. Am. Stat. Assoc. 22 (1927), 209-212]
pub fn wilson(hits: u64, tries: u64) -> Option<Share> {
    if tries == 0 {
        return None;
    }
    let n = tries as f64;
    let share = hits.min(tries) as f64 / n;
    let z2 = Z_95 * Z_95;
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Some(Share { share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) })
}

/// ln(n!): exact sums for small n, Stirling's series beyond, whose error there is below 1e-15.
fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|k| (k as f64).ln()).sum();
    }
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + series
}

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// The probability that of two groups with one and the same true share the first has `hits` or more of its `tries`, given
/// how many hits both have together. Exact, however few they are.
/// [R. A. Fisher: The Logic of Inductive Inference, J. R. Stat. Soc. 98 (1935), 39-82]
pub fn fisher_more(hits: u64, tries: u64, other_hits: u64, other_tries: u64) -> f64 {
    let (hits, other_hits) = (hits.min(tries), other_hits.min(other_tries));
    let (all_hits, all) = (hits + other_hits, tries + other_tries);
    let whole = ln_choose(all, all_hits);
    let most = tries.min(all_hits);
    let mut sum = 0.0;
    for k in hits..=most {
        // The other group can't have more than it tried.
        if all_hits - k > other_tries {
            continue;
        }
        let term = (ln_choose(tries, k) + ln_choose(other_tries, all_hits - k) - whole).exp();
        sum += term;
        // Behind the middle the terms only fall, and soon add nothing.
        if k > hits && term < sum * 1e-17 && (k as f64) * (all as f64) > (tries as f64) * (all_hits as f64) {
            break;
        }
    }
    sum.min(1.0)
}

/// Probabilities of as many tests made at once, so that taking those below a level for real is wrong in no more of such
/// sets than that level says.
/// [S. Holm: A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Stat. 6 (1979), 65-70]
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut adjusted = vec![0.0; probabilities.len()];
    let mut greatest: f64 = 0.0;
    for (rank, &place) in order.iter().enumerate() {
        let left = (probabilities.len() - rank) as f64;
        greatest = greatest.max((probabilities[place] * left).min(1.0));
        adjusted[place] = greatest;
    }
    adjusted
}

/// The median; of an even number the middle of the two in the middle; absent without a figure.
pub fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper))
}

/// The median of the slopes of all pairs of points with different `x`: up to 29 % of the points may be wild and not move
/// it far; absent without such a pair.
/// [H. Theil: A Rank-Invariant Method of Linear and Polynomial Regression Analysis, Proc. K. Ned. Akad. Wet. 53 (1950);
/// P. K. Sen: Estimates of the Regression Coefficient Based on Kendall's Tau, J. Am. Stat. Assoc. 63 (1968), 1379-1389]
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (place, &(x, y)) in points.iter().enumerate() {
        for &(other_x, other_y) in &points[place + 1..] {
            let apart = other_x - x;
            if apart.abs() > 0.0 {
                slopes.push((other_y - y) / apart);
            }
        }
    }
    median(&slopes)
}

/// Whether figures, in the order of time, go up or down: Kendall's S, and the two-sided probability of as much without
/// any trend. Nothing is assumed of how they are spread. The normal approximation holds from about ten figures on; figures
/// that hang on the one before make it too small.
/// [H. B. Mann: Nonparametric Tests Against Trend, Econometrica 13 (1945), 245-259; M. G. Kendall: Rank Correlation
/// Methods, 4th ed. (1975), for ties]
pub fn mann_kendall(figures: &[f64]) -> (i64, f64) {
    let n = figures.len();
    let mut s = 0_i64;
    for (place, figure) in figures.iter().enumerate() {
        for later in &figures[place + 1..] {
            s += match later.total_cmp(figure) {
                std::cmp::Ordering::Greater => 1,
                std::cmp::Ordering::Less => -1,
                std::cmp::Ordering::Equal => 0,
            };
        }
    }
    let spread = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties: f64 = sorted
        .chunk_by(|a, b| a.total_cmp(b) == std::cmp::Ordering::Equal)
        .map(|tied| spread(tied.len() as f64))
        .sum();
    let variance = (spread(n as f64) - ties) / 18.0;
    if s == 0 || variance <= 0.0 {
        return (s, 1.0);
    }
    // S moves by two at a time: half a step is taken off.
    let z = (s.abs() - 1) as f64 / variance.sqrt();
    (s, erfc(z / std::f64::consts::SQRT_2).min(1.0))
}

/// The complementary error function for `x` from 0 on: its Taylor series near 0, its continued fraction beyond.
fn erfc(x: f64) -> f64 {
    let root_pi = std::f64::consts::PI.sqrt();
    if x < 2.0 {
        let (mut term, mut sum) = (x, x);
        for n in 1..60_i32 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return 1.0 - 2.0 / root_pi * sum;
    }
    let mut fraction = x;
    for n in (1..80_i32).rev() {
        fraction = x + f64::from(n) / 2.0 / fraction;
    }
    (-x * x).exp() / (root_pi * fraction)
}

#[cfg(test)]
mod tests;
