//! The bank's night: a row a modem, its calls by result, its checks, the spells in which it was out, and its gaps.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::SignedDuration;

use super::figure::{Figure, Key};
use super::scale;
use super::svg::{Anchor, N, Svg, fill};
use crate::model::event::CheckOutcome;
use crate::model::{Fault, Mono, Verdict};
use crate::report::{Act, ModemFigures, RunState, SittingSpan, Spell};

const ID: &str = "gantt";
const LABELS: f64 = 96.0;
const PLOT: f64 = 780.0;
const FIGURES: f64 = 140.0;
/// Width of the break between two sittings.
const BREAK: f64 = 18.0;
/// More modems than this, and those in no trouble that did least are left out.
const ROWS_MAX: usize = 120;
/// Bytes for calls that are drawn one by one, each with a title of its own. Where they don't suffice, calls that passed are
/// drawn together, and then others too.
const TITLED_BYTES: usize = 140_000;
/// What one of them takes besides its names.
const TITLED_CALL_BYTES: usize = 200;
/// Spells that are drawn one by one, all rows together.
const SPELLS_MAX: usize = 480;
/// Stretches that are drawn at most: beyond, calls that lie close together become one stretch, however small the gap
/// between them.
const STRETCHES_MAX: usize = 7_000;
/// Least width of a call.
const CALL_WIDTH_MIN: f64 = 1.0;

/// What the axis needs to know.
struct Axis<'a> {
    sittings: &'a [SittingSpan],
    /// Where each sitting begins.
    starts: Vec<f64>,
    per_us: f64,
}

fn span_us(sitting: &SittingSpan) -> u64 {
    sitting.to.as_micros().saturating_sub(sitting.from.as_micros())
}

impl<'a> Axis<'a> {
    fn of(sittings: &'a [SittingSpan]) -> Option<Self> {
        let total: u64 = sittings.iter().map(span_us).sum();
        if total == 0 {
            return None;
        }
        // However often a run was taken up again, half of the picture is for what it did.
        let gap = BREAK.min(PLOT / 2.0 / sittings.len() as f64);
        let room = PLOT - gap * (sittings.len() - 1) as f64;
        let per_us = room / total as f64;
        let mut x = LABELS;
        let mut starts = Vec::with_capacity(sittings.len());
        for sitting in sittings {
            starts.push(x);
            x += span_us(sitting) as f64 * per_us + gap;
        }
        Some(Self { sittings, starts, per_us })
    }

    fn x(&self, sitting: usize, at: Mono) -> f64 {
        let (Some(span), Some(start)) = (self.sittings.get(sitting), self.starts.get(sitting)) else {
            return LABELS;
        };
        start + at.as_micros().saturating_sub(span.from.as_micros()) as f64 * self.per_us
    }

    /// The time of the day of an instant, by the clock as it was when its sitting began.
    fn clock(&self, sitting: usize, at: Mono, seconds: bool) -> String {
        let Some(span) = self.sittings.get(sitting) else { return String::new() };
        let since = at.as_micros().saturating_sub(span.from.as_micros());
        let since = SignedDuration::from_micros(i64::try_from(since).unwrap_or(i64::MAX));
        span.started.checked_add(since).map_or_else(|_| String::new(), |at| scale::clock(at, seconds))
    }
}

/// The picture; absent before anything happened.
pub(super) fn draw(state: &RunState) -> Option<String> {
    let axis = Axis::of(state.sitting_spans())?;
    let rows = chosen(state);
    let left_out = state.modems().len() - rows.len();
    let pitch = match rows.len() {
        0 => return None,
        1..=16 => 26.0,
        17..=48 => 18.0,
        49..=100 => 12.0,
        _ => 8.0,
    };
    let top = 8.0;
    let bottom = top + pitch * rows.len() as f64;
    let mut svg = Svg::new(ID, LABELS + PLOT + FIGURES, bottom + 26.0);
    svg.patterns();
    ticks(&mut svg, &axis, top, bottom);

    let calls: u64 = state.modems().iter().map(|modem| modem.calls).sum();
    let name_bytes = state.lines().map(|(line, _)| line.id.as_str().len()).max().unwrap_or(0);
    let titles_max = TITLED_BYTES / rows.len() / (TITLED_CALL_BYTES + 2 * name_bytes);
    let stretches_max = STRETCHES_MAX / rows.len();
    let total_us: u64 = state.sitting_spans().iter().map(span_us).sum();
    let mut table = Vec::with_capacity(rows.len());
    let mut busiest: Option<(f64, &str)> = None;
    let mut idlest = busiest;
    // A name every so many rows, where rows are lower than letters.
    let every = scale::whole((12.0 / pitch).ceil());
    for (row, &place) in rows.iter().enumerate() {
        let modem = &state.modems()[place];
        let spells: Vec<Spell> = state.spells(place).collect();
        let y = top + pitch * row as f64;
        let busy_us: u64 = spells.iter().filter(|spell| is_call(&spell.act)).map(length_us).sum();
        let busy = busy_us as f64 / total_us as f64;
        let name = modem.header.id.as_str();
        if busiest.is_none_or(|(most, _)| busy > most) {
            busiest = Some((busy, name));
        }
        if idlest.is_none_or(|(least, _)| busy < least) {
            idlest = Some((busy, name));
        }
        for (span, start) in axis.sittings.iter().zip(&axis.starts) {
            let width = span_us(span) as f64 * axis.per_us;
            svg.rect("c-track", (*start, y + 1.0), (width, pitch - 2.0));
        }
        if row % every == 0 {
            svg.text("c-small", (LABELS - 6.0, y + pitch / 2.0 + 4.0), Anchor::End, &short(name, 14));
            let figures = format!("{}, {:.0}% busy", plural(modem.calls, "call"), busy * 100.0);
            svg.text("c-small c-dim", (LABELS + PLOT + 6.0, y + pitch / 2.0 + 4.0), Anchor::Start, &figures);
        }
        let others: Vec<&Spell> = spells.iter().filter(|spell| !is_call(&spell.act)).collect();
        let (one_by_one, together) = others.split_at(others.len().min(SPELLS_MAX / rows.len()));
        for spell in one_by_one {
            standing(&mut svg, &axis, name, spell, y, pitch);
        }
        if !together.is_empty() {
            let path = strokes(&merged(&axis, together, stretches_max), y + pitch / 2.0);
            let shape = format!("<path class=\"c-outs\" stroke-width=\"{}\" d=\"{path}\"/>", N(pitch * 0.4));
            let title = format!("{name}: {} more spells out, or checks", together.len());
            svg.titled(None, &shape, &title);
        }
        calls_of(&mut svg, &axis, name, &spells, &Room { y, pitch, titles_max, stretches_max });
        table.push(figures(modem, &spells, busy));
    }
    let says = says(state, calls, total_us, busiest, idlest, left_out);
    let title = "The bank's night";
    Some(
        Figure {
            id: ID,
            title: title.to_owned(),
            svgs: vec![svg.finish(title, &says)],
            says,
            keys: keys(),
            table: (
                vec!["modem", "calls", "pass", "degraded", "fail", "untested", "checks", "times out", "busy"],
                table,
            ),
        }
        .html(),
    )
}

/// The modems that get a row, by place. Of too many, those in trouble and those that did most.
fn chosen(state: &RunState) -> Vec<usize> {
    let modems = state.modems();
    let mut places: Vec<usize> = (0..modems.len()).collect();
    if places.len() > ROWS_MAX {
        let trouble = |modem: &ModemFigures| {
            modem.bench_faults + modem.times_out + modem.hangup_unproven + modem.checks_failed > 0
        };
        places.sort_by_key(|&place| {
            std::cmp::Reverse((trouble(&modems[place]), modems[place].calls, std::cmp::Reverse(place)))
        });
        places.truncate(ROWS_MAX);
        places.sort_unstable();
    }
    places
}

fn is_call(act: &Act) -> bool {
    matches!(act, Act::Call { .. } | Act::OpenCall { .. })
}

fn length_us(spell: &Spell) -> u64 {
    spell.to.as_micros().saturating_sub(spell.from.as_micros())
}

fn ticks(svg: &mut Svg, axis: &Axis, top: f64, bottom: f64) {
    let total_us: u64 = axis.sittings.iter().map(span_us).sum();
    let step_s = scale::clock_step(total_us as f64 / 1e6, 11.0);
    let step_us = step_s.saturating_mul(1_000_000);
    let mut free_from = f64::MIN;
    for (place, span) in axis.sittings.iter().enumerate() {
        let start = axis.starts[place];
        if place > 0 {
            svg.line("c-break", (start - 4.0, top), (start - 4.0, bottom));
        }
        let begun = span.started.as_microsecond();
        // The first round time within the sitting.
        let mut at = begun.div_euclid(step_us).saturating_mul(step_us);
        if at < begun {
            at = at.saturating_add(step_us);
        }
        while let Ok(offset) = u64::try_from(at.saturating_sub(begun)) {
            if offset > span_us(span) {
                break;
            }
            let mono = Mono::from_micros(span.from.as_micros().saturating_add(offset));
            let x = axis.x(place, mono);
            svg.line("c-grid", (x, top), (x, bottom + 4.0));
            let text = axis.clock(place, mono, step_s < 60);
            let half = text.len() as f64 * 3.6;
            if x - half > free_from {
                svg.text("c-small c-dim", (x, bottom + 17.0), Anchor::Middle, &text);
                free_from = x + half + 4.0;
            }
            at = at.saturating_add(step_us);
        }
    }
    svg.text("c-small c-dim", (LABELS + PLOT + 6.0, bottom + 17.0), Anchor::Start, "UTC");
}

/// A spell that is no call.
fn standing(svg: &mut Svg, axis: &Axis, modem: &str, spell: &Spell, y: f64, pitch: f64) {
    let (from, to) = (axis.x(spell.sitting, spell.from), axis.x(spell.sitting, spell.to));
    let width = (to - from).max(2.0);
    let (class, what, thin) = match &spell.act {
        Act::Out(fault) => ("c-out", fault.map_or_else(|| "out".to_owned(), |f| format!("out, {f}")), true),
        Act::HangupUnproven => ("c-out", "on-hook not proven".to_owned(), true),
        Act::Quarantined => ("c-quarantine", "under quarantine".to_owned(), true),
        Act::Wedged => ("c-quarantine", "wedged, left alone".to_owned(), true),
        Act::Down => ("c-quarantine", "down, tried again slowly".to_owned(), true),
        Act::Disabled => ("c-quarantine", "disabled".to_owned(), true),
        Act::Lent => ("c-check", "lent to a technician's call".to_owned(), true),
        Act::Check(outcome) => {
            let outcome = outcome.map_or("cut off", CheckOutcome::word);
            ("c-check", format!("check, {outcome}"), false)
        }
        Act::Call { .. } | Act::OpenCall { .. } => return,
    };
    let inset = if thin { pitch * 0.3 } else { 1.0 };
    let (x, y, w, h) = (N(from), N(y + inset), N(width), N((pitch - 2.0 * inset).max(2.0)));
    let shape = format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/>");
    svg.titled(None, &shape, &format!("{modem}: {what}, {}", between(axis, spell)));
}

fn between(axis: &Axis, spell: &Spell) -> String {
    let from = axis.clock(spell.sitting, spell.from, true);
    let to = axis.clock(spell.sitting, spell.to, true);
    format!("{from} to {to} ({})", scale::ms(length_us(spell) as f64 / 1000.0))
}

/// What a row has for its calls.
#[derive(Clone, Copy)]
struct Room {
    y: f64,
    pitch: f64,
    /// Calls that are drawn one by one.
    titles_max: usize,
    stretches_max: usize,
}

/// The calls of a row: good ones first, so that bad ones lie on top.
fn calls_of(svg: &mut Svg, axis: &Axis, modem: &str, spells: &[Spell], room: &Room) {
    let Room { y, pitch, titles_max, stretches_max } = *room;
    let mut by_result: BTreeMap<u8, (Verdict, Vec<&Spell>)> = BTreeMap::new();
    for spell in spells {
        if let Act::Call { fault, .. } = &spell.act {
            let result = Verdict::of(*fault);
            by_result.entry(depth(result)).or_insert((result, Vec::new())).1.push(spell);
        }
    }
    let height = N(pitch - 4.0);
    let all: usize = by_result.values().map(|(_, spells)| spells.len()).sum();
    let mut titles_left = titles_max;
    for (result, spells) in by_result.into_values() {
        let fill = fill(ID, result);
        // The first are those that passed: they leave the titles to the others, unless there are enough for all.
        let titled =
            if all <= titles_max || result != Verdict::Pass { spells.len().min(titles_left) } else { 0 };
        titles_left -= titled;
        let (one_by_one, together) = spells.split_at(titled);
        for spell in one_by_one {
            let Act::Call { line, attempt, fault } = &spell.act else { continue };
            let (x, width) = place(axis, spell);
            let (x, y, w) = (N(x), N(y + 2.0), N(width));
            let shape = format!("<path {fill} d=\"M{x} {y}h{w}v{height}h-{w}z\"/>");
            let what = finding(*fault);
            let title = format!("{line}, call {attempt} on {modem}: {what}; {}", between(axis, spell));
            svg.titled(Some(line.as_str()), &shape, &title);
        }
        if !together.is_empty() {
            let path = strokes(&merged(axis, together, stretches_max), y + pitch / 2.0);
            // Strokes as high as the row take half the characters of boxes.
            let stroke = fill.replacen("fill", "stroke", 1);
            let title = format!("{modem}: {} that ended in {result}", plural(together.len() as u64, "call"));
            let shape = format!("<path fill=\"none\" {stroke} stroke-width=\"{height}\" d=\"{path}\"/>");
            svg.titled(None, &shape, &title);
        }
    }
    for spell in spells {
        if let Act::OpenCall { line, attempt } = &spell.act {
            let (x, width) = place(axis, spell);
            let (x, y, w) = (N(x), N(y + 2.0), N(width));
            let shape =
                format!("<rect class=\"c-open\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{height}\"/>");
            let title = format!("{line}, call {attempt} on {modem}: not over; {}", between(axis, spell));
            svg.titled(Some(line.as_str()), &shape, &title);
        }
    }
}

fn finding(fault: Option<Fault>) -> String {
    let result = Verdict::of(fault);
    fault.map_or_else(|| result.to_string(), |fault| format!("{result}, {fault}"))
}

/// What lies on top of what.
const fn depth(result: Verdict) -> u8 {
    match result {
        Verdict::Pass => 0,
        Verdict::Degraded => 1,
        Verdict::Untested => 2,
        Verdict::Fail => 3,
    }
}

/// A hair's breadth is left free behind each call, so that two calls are told apart.
fn place(axis: &Axis, spell: &Spell) -> (f64, f64) {
    let (from, to) = (axis.x(spell.sitting, spell.from), axis.x(spell.sitting, spell.to));
    (from, (to - from - 0.6).max(CALL_WIDTH_MIN))
}

/// Stretches of calls, those that touch made one; as many as there is room for.
fn merged(axis: &Axis, spells: &[&Spell], stretches_max: usize) -> Vec<(f64, f64)> {
    let mut stretches: Vec<(f64, f64)> = spells.iter().map(|spell| place(axis, spell)).collect();
    stretches.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut gap = 0.3;
    loop {
        let mut out: Vec<(f64, f64)> = Vec::with_capacity(stretches.len());
        for &(x, width) in &stretches {
            match out.last_mut() {
                Some((last, long)) if x - (*last + *long) < gap => *long = long.max(x + width - *last),
                _ => out.push((x, width)),
            }
        }
        if out.len() <= stretches_max.max(1) || gap > PLOT {
            return out;
        }
        gap *= 2.0;
    }
}

/// Level strokes, as a path.
fn strokes(stretches: &[(f64, f64)], y: f64) -> String {
    let mut path = String::new();
    for &(x, width) in stretches {
        let _ = write!(path, "M{} {}h{}", N(x), N(y), N(width));
    }
    path
}

fn figures(modem: &ModemFigures, spells: &[Spell], busy: f64) -> Vec<String> {
    let of = |result| modem.calls_of(result).to_string();
    let checks = spells.iter().filter(|spell| matches!(spell.act, Act::Check(Some(_)))).count();
    vec![
        modem.header.id.to_string(),
        modem.calls.to_string(),
        of(Verdict::Pass),
        of(Verdict::Degraded),
        of(Verdict::Fail),
        of(Verdict::Untested),
        checks.to_string(),
        modem.times_out.to_string(),
        format!("{:.0}%", busy * 100.0),
    ]
}

fn says(
    state: &RunState,
    calls: u64,
    total_us: u64,
    busiest: Option<(f64, &str)>,
    idlest: Option<(f64, &str)>,
    left_out: usize,
) -> String {
    let modems = plural(state.modems().len() as u64, "modem");
    let took = scale::ms(total_us as f64 / 1000.0);
    let mut says = format!("{modems} made {} in {took}", plural(calls, "call"));
    if let (Some((most, busiest)), Some((least, idlest))) = (busiest, idlest)
        && busiest != idlest
    {
        let _ = write!(
            says,
            "; the busiest, {busiest}, was on calls for {:.0}% of that, the idlest, {idlest}, for {:.0}%",
            most * 100.0,
            least * 100.0
        );
    }
    says.push('.');
    if state.sitting_spans().len() > 1 {
        let _ = write!(
            says,
            " The run was taken up again {}; the dotted line stands where it lay still.",
            match state.sitting_spans().len() - 1 {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            }
        );
    }
    if left_out > 0 {
        let _ = write!(
            says,
            " {left_out} modems that were in no trouble and made the fewest calls are not drawn."
        );
    }
    says
}

fn keys() -> Vec<Key> {
    let mut keys: Vec<Key> = Verdict::ALL.into_iter().map(|result| Key::result(ID, result)).collect();
    keys.push(Key::class("c-check", "check of the bench"));
    keys.push(Key::class("c-out", "out for a while"));
    keys.push(Key::class("c-quarantine", "quarantine"));
    keys.push(Key::class("c-track", "idle"));
    keys
}

pub(super) fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A name as far as there is room.
pub(super) fn short(name: &str, chars: usize) -> String {
    if name.chars().count() <= chars {
        return name.to_owned();
    }
    name.chars().take(chars - 1).chain(['…']).collect()
}
