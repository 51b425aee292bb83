//! The nights of one line, and those of a bank's modems: what was found, run by run, and how long things took against what is
//! usual. Unlike the other pictures these are of many runs, so what they show is handed in.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;

use super::figure::{Figure, Key};
use super::gantt::{plural, short};
use super::scale;
use super::svg::{Anchor, N, Svg, fill};
use crate::model::usual::Spread;
use crate::model::{Fault, Verdict};

/// A line in one run.
#[derive(Debug, Clone, Default)]
pub struct LineNight {
    /// The run.
    pub run: String,
    /// When it began.
    pub at: Timestamp,
    /// What it found; absent: it was killed before.
    pub found: Option<Option<Fault>>,
    /// The family of the modem of the call that decided; empty: there was none.
    pub family: String,
    /// ringing .. answered, ms
    pub ring_ms: Option<f64>,
    /// answered .. carrier, ms
    pub train_ms: Option<f64>,
    /// ringing .. carrier, ms
    pub ring_train_ms: Option<f64>,
    /// answered .. connected, ms
    pub train_connect_ms: Option<f64>,
    /// dial command .. CONNECT, ms
    pub connect_ms: Option<f64>,
    /// The slower way's line rate, bit/s.
    pub rate: Option<f64>,
}

/// How a modem served one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// As a result's colour: `pass` where nothing was wrong with it, `degraded` where it stumbled, `fail` where it was of no
    /// use, `untested` where it was not used.
    pub tone: Verdict,
    /// Its calls.
    pub calls: u32,
    /// Those that ended in a fault of our own side.
    pub bench_faults: u32,
}

/// Runs in a row of the strip.
const RUNS_A_ROW: usize = 50;
const CELL: f64 = 15.0;
const LABELS: f64 = 66.0;
/// Bytes of titles: those of runs that did not pass, the newest first.
const TITLED_MAX: usize = 400;

/// What each run found of a line, in their order, the newest last. Absent without any.
pub fn strip(nights: &[LineNight]) -> Option<String> {
    const ID: &str = "strip";
    let (first, last) = (nights.first()?, nights.last()?);
    // Whole rows, so that the newest row is the full one; a first row begins where rows begin.
    let lead =
        if nights.len() < RUNS_A_ROW { 0 } else { (RUNS_A_ROW - nights.len() % RUNS_A_ROW) % RUNS_A_ROW };
    let rows = (nights.len() + lead).div_ceil(RUNS_A_ROW);
    let mut svg = Svg::new(ID, LABELS + CELL * RUNS_A_ROW as f64, CELL * rows as f64 + 2.0);
    svg.patterns();
    let place = |nth: usize| {
        let nth = nth + lead;
        (LABELS + CELL * (nth % RUNS_A_ROW) as f64, CELL * (nth / RUNS_A_ROW) as f64 + 1.0)
    };
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut plain = String::new();
    let mut titled = Vec::new();
    for (nth, night) in nights.iter().enumerate() {
        let (x, y) = place(nth);
        if nth == 0 || (nth + lead).is_multiple_of(RUNS_A_ROW) {
            let day = night.at.strftime("%F").to_string();
            svg.text("c-small c-dim", (LABELS - 6.0, y + CELL - 4.0), Anchor::End, &day[2..]);
        }
        let Some(fault) = night.found else {
            *counts.entry("cut off").or_default() += 1;
            titled.push((nth, None, "cut off before its verdict".to_owned()));
            continue;
        };
        let result = Verdict::of(fault);
        *counts.entry(result.word()).or_default() += 1;
        match fault {
            None => {
                let _ = write!(plain, "M{} {}h13v13h-13z", N(x), N(y));
            }
            Some(fault) => titled.push((nth, Some(result), format!("{} {fault}", result.word()))),
        }
    }
    if !plain.is_empty() {
        let _ = write!(svg.raw(), "<path {} d=\"{plain}\"/>", fill(ID, Verdict::Pass));
    }
    let untitled = titled.len().saturating_sub(TITLED_MAX);
    for (nth, (place_of, result, what)) in titled.into_iter().enumerate() {
        let (x, y) = place(place_of);
        let (x, y) = (N(x), N(y));
        let paint = result.map_or_else(|| "class=\"c-open\"".to_owned(), |result| fill(ID, result));
        let shape = format!("<rect {paint} x=\"{x}\" y=\"{y}\" width=\"13\" height=\"13\"/>");
        if nth < untitled {
            svg.raw().push_str(&shape);
            continue;
        }
        let when = nights.get(place_of).map(|night| night.at.strftime("%F %H:%M").to_string());
        svg.titled(None, &shape, &format!("{}: {what}", when.unwrap_or_default()));
    }
    let told: Vec<String> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
    let says = format!(
        "{} from {} to {}, the newest last: {}.",
        plural(nights.len() as u64, "run"),
        first.at.strftime("%F"),
        last.at.strftime("%F"),
        told.join(", ")
    );
    let keys = Verdict::ALL.into_iter().filter(|result| counts.contains_key(result.word()));
    Some(
        Figure {
            id: ID,
            title: "What each run found".to_owned(),
            svgs: vec![svg.finish("What each run found", &says)],
            says,
            keys: keys.map(|result| Key::result(ID, result)).collect(),
            // The page has the last runs as a table of its own.
            table: (Vec::new(), Vec::new()),
        }
        .html(),
    )
}

const WIDTH: f64 = 440.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 12.0;
const HEIGHT: f64 = 150.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 24.0;
/// Families that have a mark of their own.
const FAMILIES_MAX: usize = 4;
/// The last runs, which are held against what is usual, and are no part of it.
const RECENT: usize = 7;
/// Dots beyond the usual that have a title, the newest ones, in one figure.
const TITLED_DOTS_MAX: usize = 100;
/// Runs that make the usual, at least and at most: as for a figure that drifts.
const USUAL_MIN: usize = 7;
const USUAL_MAX: usize = 90;
/// So many deviations to each side are still usual.
const USUAL_WIDTH: f64 = 2.5;
/// The least deviation that is drawn, as a part of the median: steady figures come in steps.
const USUAL_STEP: f64 = 0.02;

/// A figure that is drawn over the runs.
struct Measure {
    id: &'static str,
    title: &'static str,
    of: fn(&LineNight) -> Option<f64>,
    /// How it is told.
    told: fn(f64) -> String,
    /// More of it is worse.
    more_is_worse: bool,
}

const MEASURES: [Measure; 6] = [
    Measure {
        id: "over-ring",
        title: "Ring: until the answer",
        of: |n| n.ring_ms,
        told: scale::ms,
        more_is_worse: true,
    },
    Measure {
        id: "over-train",
        title: "Train: answer to carrier",
        of: |n| n.train_ms,
        told: scale::ms,
        more_is_worse: true,
    },
    Measure {
        id: "over-ring-train",
        title: "Ring + train (answer hidden)",
        of: |n| n.ring_train_ms,
        told: scale::ms,
        more_is_worse: true,
    },
    Measure {
        id: "over-train-connect",
        title: "Train + connect (carrier hidden)",
        of: |n| n.train_connect_ms,
        told: scale::ms,
        more_is_worse: true,
    },
    Measure {
        id: "over-connect",
        title: "Connect: dial command to CONNECT",
        of: |n| n.connect_ms,
        told: scale::ms,
        more_is_worse: true,
    },
    Measure {
        id: "over-speed",
        title: "Speed, the slower way",
        of: |n| n.rate,
        told: bps,
        more_is_worse: false,
    },
];

fn bps(rate: f64) -> String {
    format!("{rate:.0} bit/s")
}

/// Ring, train, connect and speed over the runs in which the line worked, with what is usual on the family of modems that
/// called last. Absent without a figure.
pub fn over_nights(nights: &[LineNight]) -> Option<String> {
    let works = |night: &&LineNight| {
        night.found.is_some_and(|fault| matches!(Verdict::of(fault), Verdict::Pass | Verdict::Degraded))
    };
    let nights: Vec<&LineNight> = nights.iter().filter(works).collect();
    let newest = nights.last()?.family.as_str();
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for night in &nights {
        *families.entry(&night.family).or_default() += 1;
    }
    let mut families: Vec<(&str, usize)> = families.into_iter().collect();
    families.sort_by(|a, b| (b.0 == newest).cmp(&(a.0 == newest)).then(b.1.cmp(&a.1)).then(a.0.cmp(b.0)));
    let families: Vec<&str> = families.into_iter().map(|(family, _)| family).collect();
    let (mut svgs, mut table, mut says) = (Vec::new(), Vec::new(), Vec::new());
    for measure in &MEASURES {
        let Some((svg, words)) = panel(measure, &nights, &families, newest, &mut table) else { continue };
        svgs.push(svg);
        says.extend(words);
    }
    if svgs.is_empty() {
        return None;
    }
    let mut keys: Vec<Key> = families
        .iter()
        .take(FAMILIES_MAX)
        .enumerate()
        .map(|(place, family)| Key { shape: marks(place, &[(7.0, 7.0)], 3.0), label: family_name(family) })
        .collect();
    keys.push(Key::class("c-band", "usual"));
    keys.push(Key {
        shape: "<circle class=\"c-slow\" cx=\"7\" cy=\"7\" r=\"4\"/>".to_owned(),
        label: "beyond the usual".to_owned(),
    });
    Some(
        Figure {
            id: "over",
            title: "Ring, train and connect, run by run".to_owned(),
            says: if says.is_empty() {
                "Too few runs to say what is usual.".to_owned()
            } else {
                format!("{}.", says.join("; "))
            },
            svgs,
            keys,
            table: (vec!["figure", "modems", "runs", "least", "median", "most", "last"], table),
        }
        .html(),
    )
}

fn family_name(family: &str) -> String {
    if family.is_empty() { "unknown modems".to_owned() } else { short(family, 24) }
}

/// The dots of the nth family, all in one path: each family has a shape of its own.
fn marks(place: usize, dots: &[(f64, f64)], r: f64) -> String {
    let place = place.min(FAMILIES_MAX - 1);
    let mut path = String::with_capacity(dots.len() * 12);
    for (x, y) in dots {
        let _ = match place {
            // A stroke without a length is a round or a square dot, by its ends.
            0 | 1 => write!(path, "M{} {}h0", N(*x), N(*y)),
            2 => write!(path, "M{} {}l{r} {}h-{}z", N(*x), N(y - r), N(r * 2.0), N(r * 2.0), r = N(r)),
            _ => write!(path, "M{} {}l{r} {r}-{r} {r}-{r}-{r}z", N(*x), N(y - r), r = N(r)),
        };
    }
    let width = if place < 2 { format!(" stroke-width=\"{}\"", N(r * 2.0)) } else { String::new() };
    format!("<path class=\"c-mark-{place}\"{width} d=\"{path}\"/>")
}

/// The least, the median and the most of what is usual.
fn usual(values: &[f64]) -> Option<(f64, f64, f64)> {
    let earlier = &values[..values.len().saturating_sub(RECENT)];
    let earlier = &earlier[earlier.len().saturating_sub(USUAL_MAX)..];
    if earlier.len() < USUAL_MIN {
        return None;
    }
    let whole: Vec<i64> = earlier.iter().map(|value| *value as i64).collect();
    let spread = Spread::of(&whole)?;
    let median = spread.median as f64;
    let half = (spread.deviation() * USUAL_WIDTH).max(median * USUAL_STEP);
    Some(((median - half).max(0.0), median, median + half))
}

fn panel(
    measure: &Measure,
    nights: &[&LineNight],
    families: &[&str],
    newest: &str,
    table: &mut Vec<Vec<String>>,
) -> Option<(String, Option<String>)> {
    let dots: Vec<(usize, &LineNight, f64)> = nights
        .iter()
        .enumerate()
        .filter_map(|(place, night)| Some((place, *night, (measure.of)(night)?)))
        .collect();
    if dots.is_empty() {
        return None;
    }
    let of_newest: Vec<f64> =
        dots.iter().filter(|(_, night, _)| night.family == newest).map(|(.., value)| *value).collect();
    let band = usual(&of_newest);
    let most = dots.iter().map(|(.., value)| *value).chain(band.map(|band| band.2)).fold(0.0, f64::max);
    let step = if measure.more_is_worse {
        scale::duration_step(most.max(1.0), 4.0)
    } else {
        scale::step(most.max(1.0), 4.0)
    };
    let top = (most / step).ceil().max(1.0) * step;
    let mut svg = Svg::new(measure.id, WIDTH, HEIGHT);
    let plot = (LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    let x = |place: usize| plot.0 + 6.0 + (plot.2 - 12.0) * (place as f64 + 0.5) / nights.len() as f64;
    let y = |value: f64| plot.1 + plot.3 * (1.0 - value / top);
    svg.text("c-head", (LEFT, 14.0), Anchor::Start, measure.title);
    let mut tick = 0.0;
    while tick <= top * 1.0001 {
        svg.line("c-grid", (LEFT, y(tick)), (WIDTH - RIGHT, y(tick)));
        let text = if tick == 0.0 { "0".to_owned() } else { (measure.told)(tick) };
        svg.text("c-small c-dim", (LEFT - 6.0, y(tick) + 4.0), Anchor::End, text.trim_end_matches(" bit/s"));
        tick += step;
    }
    if let Some((low, median, high)) = band {
        svg.rect("c-band", (LEFT, y(high.min(top))), (plot.2, y(low) - y(high.min(top))));
        svg.line("c-median", (LEFT, y(median)), (WIDTH - RIGHT, y(median)));
    }
    days(&mut svg, nights, x);
    let r = if nights.len() > 300 { 2.0 } else { 3.0 };
    let mut plain: Vec<Vec<(f64, f64)>> = vec![Vec::new(); FAMILIES_MAX];
    let mut unusual = Vec::new();
    for (place, night, value) in &dots {
        let family =
            families.iter().position(|family| *family == night.family).unwrap_or(0).min(FAMILIES_MAX - 1);
        let (cx, cy) = (x(*place), y(*value));
        let is_off = |(low, _, high): (f64, f64, f64)| {
            if measure.more_is_worse { *value > high } else { *value < low }
        };
        if !band.filter(|_| night.family == newest).is_some_and(is_off) {
            plain[family].push((cx, cy));
            continue;
        }
        let title = || {
            let (when, family) = (night.at.strftime("%F"), family_name(&night.family));
            format!("{when}: {} on {family}", (measure.told)(*value))
        };
        unusual.push((cx, cy, title()));
    }
    for (family, dots) in plain.iter().enumerate().filter(|(_, dots)| !dots.is_empty()) {
        svg.raw().push_str(&marks(family, dots, r));
    }
    let beyond = unusual.len();
    for (nth, (cx, cy, title)) in unusual.into_iter().enumerate() {
        let shape =
            format!("<circle class=\"c-slow\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>", N(cx), N(cy), N(r + 1.0));
        if nth + TITLED_DOTS_MAX < beyond {
            svg.raw().push_str(&shape);
        } else {
            svg.titled(None, &shape, &title);
        }
    }
    for family in families {
        let values: Vec<f64> =
            dots.iter().filter(|(_, night, _)| night.family == *family).map(|(.., value)| *value).collect();
        let (Some(last), mut sorted) = (values.last().copied(), values.clone()) else { continue };
        sorted.sort_by(f64::total_cmp);
        let at = |part: usize| sorted.get(part).copied().map(measure.told).unwrap_or_default();
        table.push(vec![
            measure.title.to_owned(),
            family_name(family),
            values.len().to_string(),
            at(0),
            at(sorted.len() / 2),
            at(sorted.len() - 1),
            (measure.told)(last),
        ]);
    }
    let words = band.map(|(_, median, _)| {
        let name = measure.title.split([':', ',', '(']).next().unwrap_or(measure.title).trim().to_lowercase();
        let last = of_newest.last().copied().unwrap_or(median);
        format!("{name} {} in the last run, usually {}", (measure.told)(last), (measure.told)(median))
    });
    let says = format!(
        "{}: {}{}.",
        measure.title,
        plural(dots.len() as u64, "run"),
        band.map(|(_, median, _)| format!(", usually {}, {beyond} beyond it", (measure.told)(median)))
            .unwrap_or_default()
    );
    Some((svg.finish(measure.title, &says), words))
}

/// Days below the plot, as many as there is room for.
fn days(svg: &mut Svg, nights: &[&LineNight], x: impl Fn(usize) -> f64) {
    let every = nights.len().div_ceil(5).max(1);
    for (place, night) in nights.iter().enumerate().step_by(every) {
        // None reaches into the next one, nor beyond the picture.
        if x(place) < WIDTH - RIGHT - 50.0 || place == 0 {
            let day = night.at.strftime("%F").to_string();
            svg.text("c-small c-dim", (x(place), HEIGHT - 6.0), Anchor::Start, &day[2..]);
        }
    }
}

/// Each modem of a bank over its last runs: good, troubled or bad. Absent without any.
pub fn bank_nights(runs: &[(String, Timestamp)], modems: &[(String, Vec<Option<Served>>)]) -> Option<String> {
    const ID: &str = "bank-nights";
    let (first, last) = (runs.first()?, runs.last()?);
    if modems.is_empty() {
        return None;
    }
    let labels = 96.0;
    let mut svg = Svg::new(ID, labels + CELL * runs.len() as f64 + 110.0, CELL * modems.len() as f64 + 22.0);
    svg.patterns();
    let (mut table, mut troubled, mut titles) = (Vec::new(), 0_u64, 0);
    for (row, (name, nights)) in modems.iter().enumerate() {
        let y = 1.0 + CELL * row as f64;
        svg.text("c-small", (labels - 6.0, y + 11.0), Anchor::End, &short(name, 14));
        let mut paths: BTreeMap<Verdict, String> = BTreeMap::new();
        let (mut calls, mut ours, mut bad) = (0_u64, 0_u64, 0_u64);
        for (column, served) in nights.iter().enumerate() {
            let Some(served) = served else { continue };
            let x = labels + CELL * column as f64;
            calls += u64::from(served.calls);
            ours += u64::from(served.bench_faults);
            let is_bad = matches!(served.tone, Verdict::Fail | Verdict::Degraded);
            bad += u64::from(is_bad);
            if is_bad && titles < TITLED_MAX {
                titles += 1;
                let shape = format!(
                    "<rect {} x=\"{}\" y=\"{}\" width=\"13\" height=\"13\"/>",
                    fill(ID, served.tone),
                    N(x),
                    N(y)
                );
                let when =
                    runs.get(column).map(|(_, at)| at.strftime("%F %H:%M").to_string()).unwrap_or_default();
                let title = format!(
                    "{name}, {when}: {} of {} ended in a fault of ours",
                    served.bench_faults,
                    plural(u64::from(served.calls), "call")
                );
                svg.titled(None, &shape, &title);
            } else {
                let _ = write!(paths.entry(served.tone).or_default(), "M{} {}h13v13h-13z", N(x), N(y));
            }
        }
        for (tone, path) in paths {
            let _ = write!(svg.raw(), "<path {} d=\"{path}\"/>", fill(ID, tone));
        }
        troubled += u64::from(bad > 0);
        let figures = format!("{}, {ours} ours", plural(calls, "call"));
        svg.text(
            "c-small c-dim",
            (labels + CELL * runs.len() as f64 + 4.0, y + 11.0),
            Anchor::Start,
            &figures,
        );
        table.push(vec![
            name.clone(),
            nights.iter().flatten().count().to_string(),
            calls.to_string(),
            ours.to_string(),
            bad.to_string(),
        ]);
    }
    let bottom = CELL * modems.len() as f64 + 16.0;
    svg.text("c-small c-dim", (labels, bottom), Anchor::Start, &first.1.strftime("%F").to_string());
    if runs.len() > 12 {
        svg.text(
            "c-small c-dim",
            (labels + CELL * runs.len() as f64, bottom),
            Anchor::End,
            &last.1.strftime("%F").to_string(),
        );
    }
    let says = format!(
        "{} of {} had a run in which they were in trouble, in {} from {} to {}.",
        troubled,
        plural(modems.len() as u64, "modem"),
        plural(runs.len() as u64, "run"),
        first.1.strftime("%F"),
        last.1.strftime("%F")
    );
    let key = |tone, label: &str| Key { label: label.to_owned(), ..Key::result(ID, tone) };
    Some(
        Figure {
            id: ID,
            title: "Modems over the runs".to_owned(),
            svgs: vec![svg.finish("Modems over the runs", &says)],
            says,
            keys: vec![
                key(Verdict::Pass, "good"),
                key(Verdict::Degraded, "troubled"),
                key(Verdict::Fail, "bad"),
                key(Verdict::Untested, "not used"),
            ],
            table: (vec!["modem", "runs", "calls", "in a fault of ours", "runs in trouble"], table),
        }
        .html(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::SIZE_MAX;
    use jiff::SignedDuration;

    fn at(night: usize) -> Timestamp {
        let night = i64::try_from(night).unwrap();
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * (20_000 + night))
    }

    #[expect(clippy::option_option, reason = "as the night has it")]
    fn night(nth: usize, found: Option<Option<Fault>>, train_ms: f64) -> LineNight {
        let works = found == Some(None);
        LineNight {
            run: format!("run {nth}"),
            at: at(nth),
            found,
            family: ["courier", "rockwell"][nth % 2].to_owned(),
            train_ms: works.then_some(train_ms + (nth % 7) as f64 * 30.0),
            connect_ms: works.then_some(20_000.0),
            rate: works.then_some(33_600.0),
            ..LineNight::default()
        }
    }

    #[test]
    fn a_line_of_a_thousand_nights_stays_small_and_names_what_is_unusual() {
        let nights: Vec<LineNight> = (0..1_000)
            .map(|nth| {
                let found = match nth {
                    500 => None,
                    n if n % 50 == 3 => Some(Some(Fault::Busy)),
                    _ => Some(None),
                };
                night(nth, found, if nth >= 994 { 19_000.0 } else { 9_000.0 })
            })
            .collect();
        let strip = strip(&nights).unwrap();
        assert!(
            strip.len() < SIZE_MAX && strip.contains("fail 20") && strip.contains("cut off 1"),
            "{}",
            strip.len()
        );
        assert!(strip.contains("fail busy"));
        let over = over_nights(&nights).unwrap();
        assert!(over.len() < SIZE_MAX / 4, "{}", over.len());
        // Those that trained longest, and only on the family that called last.
        assert_eq!(over.matches("c-slow").count(), 1 + 3);
        assert!(over.contains("train 19.1 s in the last run, usually 9.1 s"));
        assert!(over.contains("33600 bit/s"));
    }

    #[test]
    fn few_nights_have_no_usual_and_none_no_picture() {
        assert_eq!(strip(&[]), None);
        assert_eq!(over_nights(&[]), None);
        let few: Vec<LineNight> = (0..3).map(|nth| night(nth, Some(None), 9_000.0)).collect();
        let over = over_nights(&few).unwrap();
        assert!(
            over.contains("Too few runs to say what is usual.") && !over.contains("<rect class=\"c-band\" x")
        );
        let failed = [night(0, Some(Some(Fault::NoAnswer)), 0.0)];
        assert!(over_nights(&failed).is_none() && strip(&failed).is_some());
        assert_eq!(bank_nights(&[], &[]), None);
    }

    #[test]
    fn names_from_outside_are_no_markup() {
        let mut hostile = night(0, Some(None), 9_000.0);
        hostile.family = "<img src=x onerror=alert(1)>\u{1b}[31m".to_owned();
        let over = over_nights(&[hostile]).unwrap();
        assert!(!over.contains("<img") && !over.contains('\u{1b}'));
        let served = Served { tone: Verdict::Fail, calls: 3, bench_faults: 2 };
        let bank =
            bank_nights(&[("r".to_owned(), at(0))], &[("</title><script>".to_owned(), vec![Some(served)])])
                .unwrap();
        assert!(!bank.contains("<script"));
        assert!(bank.contains("2 of 3 calls ended in a fault of ours"));
    }
}
