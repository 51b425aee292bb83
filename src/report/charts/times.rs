//! How ring, train and connect times are spread: a histogram for each family of our modems, since families differ in
//! what they show and in how they measure. A logarithmic axis where the longest is many times the shortest.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::figure::{Figure, Key};
use super::gantt::{plural, short};
use super::scale;
use super::svg::{Anchor, N, Svg};
use crate::model::{ModemId, PhaseTimes};
use crate::report::RunState;

const ID: &str = "times";
const WIDTH: f64 = 340.0;
const LEFT: f64 = 10.0;
const PLOT: f64 = WIDTH - 2.0 * LEFT;
const LANE: f64 = 62.0;
const BARS: f64 = 34.0;
const BINS: usize = 40;
/// Families that have a lane of their own.
const FAMILIES_MAX: usize = 8;
/// From this ratio of the longest to the shortest on, the axis is logarithmic.
const LOG_FROM: f64 = 20.0;

/// A stretch of a call that is measured.
struct Measure {
    id: &'static str,
    title: &'static str,
    of: fn(&PhaseTimes) -> Option<u64>,
}

const MEASURES: [Measure; 6] = [
    Measure { id: "times-ring", title: "Ring: until the answer", of: |times| times.ring_ms },
    Measure { id: "times-train", title: "Train: answer to carrier", of: |times| times.train_ms },
    Measure { id: "times-connect", title: "Connect: carrier to CONNECT", of: |times| times.connect_ms },
    Measure {
        id: "times-ring-train",
        title: "Ring + train (answer hidden)",
        of: |times| times.ring_train_ms,
    },
    Measure {
        id: "times-train-connect",
        title: "Train + connect (carrier hidden)",
        of: |times| times.train_connect_ms,
    },
    Measure { id: "times-all", title: "Dial command to CONNECT", of: |times| times.dialed_to_connect_ms },
];

/// The times of one family, sorted, ms.
type Families = BTreeMap<String, Vec<f64>>;

/// The pictures; absent if nothing was timed.
pub(super) fn draw(state: &RunState) -> Option<String> {
    let mut measured: Vec<Families> = MEASURES.iter().map(|_| Families::new()).collect();
    let family: BTreeMap<&ModemId, &str> =
        state.modems().iter().map(|modem| (&modem.header.id, modem.header.profile.as_str())).collect();
    for record in state.lines().flat_map(|(_, line)| &line.calls) {
        let times = PhaseTimes::of(&record.timeline);
        let Some(family) = family.get(&record.modem) else { continue };
        for (measure, families) in MEASURES.iter().zip(&mut measured) {
            if let Some(ms) = (measure.of)(&times) {
                families.entry((*family).to_owned()).or_default().push(ms as f64);
            }
        }
    }
    let mut says = Vec::new();
    let mut svgs = Vec::new();
    let mut table = Vec::new();
    for (place, (measure, families)) in MEASURES.iter().zip(&mut measured).enumerate() {
        let mut all: Vec<f64> = families.values().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (all.first(), all.last()) else { continue };
        let middle = quantile(&all, 0.5);
        // The three that were asked for; the spans stand in for them where they are missing.
        if place < 3 || says.is_empty() && place + 1 == MEASURES.len() {
            let name = measure.title.split(':').next().unwrap_or(measure.title).to_lowercase();
            says.push(format!("{name} {} (up to {})", scale::ms(middle), scale::ms(most)));
        }
        for times in families.values_mut() {
            times.sort_by(f64::total_cmp);
        }
        let lanes = lanes(families);
        for (family, times) in &lanes {
            table.push(vec![
                measure.title.to_owned(),
                family.clone(),
                times.len().to_string(),
                scale::ms(times.first().copied().unwrap_or_default()),
                scale::ms(quantile(times, 0.5)),
                scale::ms(quantile(times, 0.9)),
                scale::ms(times.last().copied().unwrap_or_default()),
            ]);
        }
        svgs.push(panel(measure, &lanes, least, most));
    }
    if svgs.is_empty() {
        return None;
    }
    Some(
        Figure {
            id: ID,
            title: "Times of calls".to_owned(),
            says: format!(
                "In the middle: {}. A duration is here only where both its ends were seen.",
                says.join(", ")
            ),
            svgs,
            keys: vec![
                Key::class("c-bar", "calls"),
                Key {
                    shape: "<path class=\"c-median\" d=\"M7 0V14\"/>".to_owned(),
                    label: "median".to_owned(),
                },
                Key {
                    shape: "<path class=\"c-ninety\" d=\"M7 0V14\"/>".to_owned(),
                    label: "nine in ten are below".to_owned(),
                },
            ],
            table: (vec!["time", "modems", "calls", "least", "median", "90%", "most"], table),
        }
        .html(),
    )
}

/// The families with most calls; the rest together.
fn lanes(families: &Families) -> Vec<(String, Vec<f64>)> {
    let mut lanes: Vec<(String, Vec<f64>)> =
        families.iter().map(|(family, times)| (family.clone(), times.clone())).collect();
    lanes.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    if lanes.len() > FAMILIES_MAX {
        let rest = lanes.split_off(FAMILIES_MAX - 1);
        let name = format!("{} other families", rest.len());
        let mut times: Vec<f64> = rest.into_iter().flat_map(|(_, times)| times).collect();
        times.sort_by(f64::total_cmp);
        lanes.push((name, times));
    }
    lanes
}

/// Of sorted figures, the one that this share of them does not exceed.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = scale::whole((sorted.len() as f64 * share).ceil());
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// From figures to places.
struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    fn of(least: f64, most: f64) -> Self {
        let low = least.max(1.0);
        if most / low >= LOG_FROM {
            return Self { low: low / 1.1, high: most * 1.1, log: true };
        }
        // From zero, unless all lie far from it and close together.
        let spread = (most - least).max(most * 0.02).max(1.0);
        let low = if spread < most * 0.3 { (least - spread * 0.5).max(0.0) } else { 0.0 };
        Self { low, high: most + (most - low) * 0.03 + 0.5, log: false }
    }

    /// 0 to 1.
    fn share(&self, ms: f64) -> f64 {
        let share = if self.log {
            (ms.max(1.0) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (ms - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0)
    }

    fn x(&self, ms: f64) -> f64 {
        LEFT + self.share(ms) * PLOT
    }

    fn ticks(&self) -> Vec<f64> {
        if self.log {
            let decades = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7];
            let wide = self.high / self.low > 300.0;
            let steps: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
            return decades
                .into_iter()
                .flat_map(|decade| steps.iter().map(move |step| decade * step))
                .filter(|ms| (self.low..=self.high).contains(ms))
                .collect();
        }
        let step = scale::duration_step(self.high - self.low, 5.0);
        let first = scale::whole((self.low / step).ceil());
        (first..first + 12).map(|n| n as f64 * step).take_while(|ms| *ms <= self.high).collect()
    }
}

fn panel(measure: &Measure, lanes: &[(String, Vec<f64>)], least: f64, most: f64) -> String {
    let axis = Axis::of(least, most);
    let top = 24.0;
    let bottom = top + LANE * lanes.len() as f64;
    let mut svg = Svg::new(measure.id, WIDTH, bottom + 24.0);
    svg.text("c-head", (LEFT, 14.0), Anchor::Start, measure.title);
    let mut free_from = 0.0;
    for ms in axis.ticks() {
        let (x, text) = (axis.x(ms), scale::ms(ms));
        svg.line("c-grid", (x, top), (x, bottom + 3.0));
        let half = text.len() as f64 * 3.4;
        let at = x.clamp(half, WIDTH - half);
        if at - half >= free_from {
            svg.text("c-small c-dim", (at, bottom + 16.0), Anchor::Middle, &text);
            free_from = at + half + 6.0;
        }
    }
    for (place, (family, times)) in lanes.iter().enumerate() {
        let y = top + LANE * place as f64;
        let base = y + LANE - 6.0;
        let (median, ninety) = (quantile(times, 0.5), quantile(times, 0.9));
        let label = format!(
            "{}: {}, median {}",
            short(family, 20),
            plural(times.len() as u64, "call"),
            scale::ms(median)
        );
        let mut bins = [0_u32; BINS];
        for ms in times {
            let bin = scale::whole(axis.share(*ms) * BINS as f64).min(BINS - 1);
            bins[bin] += 1;
        }
        let highest = f64::from(bins.iter().copied().max().unwrap_or(1).max(1));
        let mut path = String::new();
        let width = PLOT / BINS as f64;
        for (bin, &count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = (f64::from(count) / highest * BARS).max(1.5);
            let (x, y) = (N(LEFT + bin as f64 * width), N(base - height));
            let (w, h) = (N(width - 1.0), N(height));
            let _ = write!(path, "M{x} {y}h{w}v{h}h-{w}z");
        }
        svg.line("c-grid", (LEFT, base), (LEFT + PLOT, base));
        svg.titled(None, &format!("<path class=\"c-bar\" d=\"{path}\"/>"), &label);
        svg.line("c-ninety", (axis.x(ninety), base - BARS - 2.0), (axis.x(ninety), base));
        svg.line("c-median", (axis.x(median), base - BARS - 2.0), (axis.x(median), base));
        svg.text("c-small", (LEFT, y + 14.0), Anchor::Start, &label);
    }
    if axis.log {
        svg.text("c-small c-dim", (WIDTH - LEFT, 14.0), Anchor::End, "log axis");
    }
    let says: Vec<String> = lanes
        .iter()
        .map(|(family, times)| {
            format!(
                "{family}: {}, median {}",
                plural(times.len() as u64, "call"),
                scale::ms(quantile(times, 0.5))
            )
        })
        .collect();
    svg.finish(measure.title, &says.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_figures_do_not_exceed_the_median() {
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0], 0.5) - 2.0).abs() < 1e-9);
        assert!((quantile(&[1.0, 2.0, 3.0], 0.5) - 2.0).abs() < 1e-9);
        assert!((quantile(&[7.0], 0.9) - 7.0).abs() < 1e-9);
        assert!(quantile(&[], 0.5).abs() < 1e-9);
    }

    #[test]
    fn an_axis_holds_all_figures_and_is_logarithmic_where_they_lie_far_apart() {
        for (least, most) in
            [(0.0, 0.0), (1.0, 1.0), (0.0, 90_000.0), (5_900.0, 6_100.0), (8_000.0, 30_000.0)]
        {
            let axis = Axis::of(least, most);
            assert_eq!(axis.log, most / f64::max(least, 1.0) >= LOG_FROM);
            assert!(axis.x(least) >= LEFT && axis.x(most) <= LEFT + PLOT && axis.x(least) <= axis.x(most));
            assert!(axis.ticks().len() <= 12, "{:?}", axis.ticks());
        }
    }
}
