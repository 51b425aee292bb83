//! Each line's rate tonight against its usual one on the same family of modems; where nothing is usual yet, how the rates
//! are spread.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::figure::{Figure, Key};
use super::gantt::{plural, short};
use super::scale;
use super::svg::{Anchor, N, Svg};
use crate::model::usual::Figures;
use crate::model::{Fault, ModemId};
use crate::report::RunState;

const ID: &str = "speeds";
const SIDE: f64 = 380.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 12.0;
/// Room for the names beside the dots.
const NAMES: f64 = 130.0;
/// Below this share of its usual, and below all that it ever had, a rate stands out even where the plan's rules let it pass.
const LOW_SHARE: f64 = 0.85;
const NAMED_MAX: usize = 14;
const TABLE_MAX: usize = 50;

/// One line that has both figures.
struct Dot<'a> {
    line: &'a str,
    usual: i64,
    tonight: i64,
    /// Far below its usual.
    low: bool,
    /// Judged `slow-connect`.
    slow: bool,
}

impl Dot<'_> {
    fn stands_out(&self) -> bool {
        self.low || self.slow
    }
}

/// The picture; absent if no modem told a rate.
pub(super) fn draw(state: &RunState) -> Option<String> {
    let family: BTreeMap<&ModemId, &str> =
        state.modems().iter().map(|modem| (&modem.header.id, modem.header.profile.as_str())).collect();
    let mut rates: BTreeMap<i64, u64> = BTreeMap::new();
    let mut dots = Vec::new();
    for (line, known) in state.lines() {
        let Some(record) = known.deciding() else { continue };
        let Some(tonight) = Figures::of(record).connect_bps else { continue };
        *rates.entry(tonight).or_default() += 1;
        let usual = known.before.as_ref().and_then(|before| before.usual.as_ref());
        let usual = usual
            .zip(family.get(&record.modem))
            .and_then(|(usual, family)| usual.families.get(*family))
            .and_then(|usual| usual.connect_bps);
        if let Some(usual) = usual {
            let low = tonight < usual.least && (tonight as f64) < LOW_SHARE * usual.median as f64;
            let slow = record.fault == Some(Fault::SlowConnect);
            dots.push(Dot { line: line.id.as_str(), usual: usual.median, tonight, low, slow });
        }
    }
    if dots.is_empty() { spread(&rates) } else { Some(against(dots)) }
}

fn kbit(bps: i64) -> String {
    let text = format!("{:.1}", bps as f64 / 1000.0);
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

fn against(mut dots: Vec<Dot>) -> String {
    let most = dots.iter().map(|dot| dot.usual.max(dot.tonight)).max().unwrap_or(0).max(1) as f64 * 1.06;
    let plot = SIDE - LEFT - 8.0;
    let bottom = TOP + plot;
    let x = |bps: i64| LEFT + bps as f64 / most * plot;
    let y = |bps: i64| bottom - bps as f64 / most * plot;
    let mut svg = Svg::new(ID, SIDE + NAMES, bottom + 40.0);
    let step = scale::step(most, 6.0);
    let mut at = 0.0;
    while at <= most {
        let bps = at as i64;
        svg.line("c-grid", (x(bps), TOP), (x(bps), bottom));
        svg.line("c-grid", (LEFT, y(bps)), (LEFT + plot, y(bps)));
        svg.text("c-small c-dim", (x(bps), bottom + 16.0), Anchor::Middle, &kbit(bps));
        svg.text("c-small c-dim", (LEFT - 6.0, y(bps) + 4.0), Anchor::End, &kbit(bps));
        at += step;
    }
    svg.text("c-small c-dim", (LEFT + plot / 2.0, bottom + 33.0), Anchor::Middle, "usual, kbit/s");
    let (mid, turn) = (N(TOP + plot / 2.0), "rotate(-90)");
    let _ = write!(
        svg.raw(),
        "<text class=\"c-small c-dim\" transform=\"translate(12 {mid}) {turn}\" text-anchor=\"middle\">tonight, kbit/s</text>"
    );
    svg.line("c-diagonal", (x(0), y(0)), (x(most as i64), y(most as i64)));

    // Rates come in steps: many lines share a dot, and its area tells how many.
    let mut places: BTreeMap<(bool, i64, i64), Vec<&str>> = BTreeMap::new();
    for dot in &dots {
        places.entry((dot.stands_out(), dot.usual, dot.tonight)).or_default().push(dot.line);
    }
    let crowd = places.values().map(Vec::len).max().unwrap_or(1) as f64;
    // Beyond some hundreds of places a grid stands for them.
    let places = if places.len() > 600 { coarse(places, most) } else { places };
    for ((slow, usual, tonight), lines) in &places {
        let radius = 3.5 + 8.0 * ((lines.len() as f64 - 1.0) / crowd).sqrt();
        let (cx, cy, r) = (N(x(*usual)), N(y(*tonight)), N(radius));
        let shape = if *slow {
            let side = radius + 1.0;
            let (x, y, r, high, wide) = (cx, N(y(*tonight) - side), N(side), N(1.8 * side), N(2.0 * side));
            format!("<path class=\"c-slow\" d=\"M{x} {y}l{r} {high}h-{wide}z\"/>")
        } else {
            format!("<circle class=\"c-dot\" cx=\"{cx}\" cy=\"{cy}\" r=\"{r}\"/>")
        };
        let who = match lines.as_slice() {
            [line] => (*line).to_owned(),
            [first, ..] => format!("{} and {} more", first, lines.len() - 1),
            [] => String::new(),
        };
        let title = format!("{who}: {} kbit/s, usual {}", kbit(*tonight), kbit(*usual));
        svg.titled(lines.first().copied().filter(|_| lines.len() == 1), &shape, &title);
    }
    dots.sort_by_key(|dot| (!dot.low, !dot.slow, dot.tonight - dot.usual, dot.line));
    let named = dots.iter().filter(|dot| dot.stands_out()).count();
    name(&mut svg, dots.iter().filter(|dot| dot.stands_out()), &|dot| (x(dot.usual), y(dot.tonight)), bottom);
    if named > NAMED_MAX {
        let more = format!("and {} more", named - NAMED_MAX);
        svg.text("c-small c-dim", (SIDE + 4.0, bottom), Anchor::Start, &more);
    }

    let title = "Rates against the usual";
    let lines = plural(dots.len() as u64, "line");
    let low = dots.iter().filter(|dot| dot.low).count();
    let mut says = match low {
        0 => format!("None of {lines} with a known usual rate is far below it."),
        1 => format!("1 of {lines} with a known usual rate is far below it: {}.", dots[0].line),
        low => {
            format!("{low} of {lines} with a known usual rate are far below it; worst is {}.", dots[0].line)
        }
    };
    if let slow @ 1.. = dots.iter().filter(|dot| dot.slow && !dot.low).count() {
        let others = if slow == 1 { "1 other is".to_owned() } else { format!("{slow} others are") };
        let _ = write!(says, " {others} {}, and no slower than usual.", Fault::SlowConnect);
    }
    let rows = dots.iter().take(TABLE_MAX).map(|dot| {
        let share = 100.0 * dot.tonight as f64 / dot.usual.max(1) as f64;
        vec![dot.line.to_owned(), kbit(dot.tonight), kbit(dot.usual), format!("{share:.0}%")]
    });
    Figure {
        id: ID,
        title: title.to_owned(),
        table: (vec!["line", "tonight, kbit/s", "usual, kbit/s", "of the usual"], rows.collect()),
        svgs: vec![svg.finish(title, &says)],
        says,
        keys: vec![
            Key {
                shape: "<circle class=\"c-dot\" cx=\"7\" cy=\"7\" r=\"5\"/>".to_owned(),
                label: "line (the larger, the more)".to_owned(),
            },
            Key {
                shape: "<path class=\"c-slow\" d=\"M7 1l6 12h-12z\"/>".to_owned(),
                label: "far below its usual, or slow-connect".to_owned(),
            },
            Key {
                shape: "<path class=\"c-diagonal\" d=\"M0 14L14 0\"/>".to_owned(),
                label: "as usual".to_owned(),
            },
        ],
    }
    .html()
}

/// Places on a grid of 60 by 60.
fn coarse(places: BTreeMap<(bool, i64, i64), Vec<&str>>, most: f64) -> BTreeMap<(bool, i64, i64), Vec<&str>> {
    let cell = ((most / 60.0).ceil() as i64).max(1);
    let mut out: BTreeMap<(bool, i64, i64), Vec<&str>> = BTreeMap::new();
    for ((slow, usual, tonight), lines) in places {
        let middle = |bps: i64| bps / cell * cell + cell / 2;
        out.entry((slow, middle(usual), middle(tonight))).or_default().extend(lines);
    }
    out
}

/// Names on the right, each with a line to its dot, none on another.
fn name<'a>(
    svg: &mut Svg,
    dots: impl Iterator<Item = &'a Dot<'a>>,
    place: &dyn Fn(&Dot) -> (f64, f64),
    bottom: f64,
) {
    let mut named: Vec<(&str, (f64, f64))> = dots.take(NAMED_MAX).map(|dot| (dot.line, place(dot))).collect();
    named.sort_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let pitch = 16.0;
    // From below, so that the lowest names have room.
    let mut ceiling = bottom - 14.0;
    let mut at: Vec<f64> = Vec::with_capacity(named.len());
    for (_, (_, y)) in named.iter().rev() {
        let y = y.min(ceiling);
        ceiling = y - pitch;
        at.push(y);
    }
    for ((line, (x, y)), label) in named.iter().zip(at.into_iter().rev()) {
        svg.line("c-lead", (x + 5.0, *y), (SIDE, label));
        svg.text("c-small", (SIDE + 4.0, label + 4.0), Anchor::Start, &short(line, 17));
    }
}

/// Without a past: how many lines had which rate.
fn spread(rates: &BTreeMap<i64, u64>) -> Option<String> {
    let most = *rates.keys().next_back()?;
    let lines: u64 = rates.values().sum();
    let (width, bottom) = (SIDE + NAMES, 190.0);
    let mut svg = Svg::new(ID, width, bottom + 40.0);
    let top = most.max(1) as f64 * 1.06;
    let plot = width - LEFT - 12.0;
    let x = |bps: f64| LEFT + bps / top * plot;
    let step = scale::step(top, 8.0);
    let mut at = 0.0;
    while at <= top {
        svg.line("c-grid", (x(at), 10.0), (x(at), bottom));
        svg.text("c-small c-dim", (x(at), bottom + 16.0), Anchor::Middle, &kbit(at as i64));
        at += step;
    }
    svg.text("c-small c-dim", (LEFT + plot / 2.0, bottom + 33.0), Anchor::Middle, "kbit/s");
    // The narrowest step of V.34 is 2400 bit/s; V.90's are 8000/6.
    let bin = |bps: i64| bps / 1200;
    let mut bins: BTreeMap<i64, (i64, u64)> = BTreeMap::new();
    for (&bps, &count) in rates {
        let bin = bins.entry(bin(bps)).or_insert((bps, 0));
        bin.1 += count;
    }
    let highest = bins.values().map(|(_, count)| *count).max()? as f64;
    for (bps, count) in bins.values() {
        let height = (*count as f64 / highest * (bottom - 30.0)).max(2.0);
        let bar = (1000.0 / top * plot).max(2.0);
        let (x, y, w, h) = (N(x(*bps as f64) - bar / 2.0), N(bottom - height), N(bar), N(height));
        let shape = format!("<rect class=\"c-bar\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/>");
        svg.titled(None, &shape, &format!("{} at {} kbit/s", plural(*count, "line"), kbit(*bps)));
    }
    svg.line("c-grid", (LEFT, bottom), (LEFT + plot, bottom));
    let title = "Rates";
    let least = *rates.keys().next()?;
    let says = format!(
        "{} connected at {} to {} kbit/s. What is usual on them is not known yet.",
        plural(lines, "line"),
        kbit(least),
        kbit(most)
    );
    let rows = rates.iter().rev().take(TABLE_MAX).map(|(bps, count)| vec![kbit(*bps), count.to_string()]);
    Some(
        Figure {
            id: ID,
            title: title.to_owned(),
            table: (vec!["kbit/s", "lines"], rows.collect()),
            svgs: vec![svg.finish(title, &says)],
            says,
            keys: Vec::new(),
        }
        .html(),
    )
}
