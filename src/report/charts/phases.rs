//! Where the time of a call goes: its phases stacked from the dial command to on-hook, of the slowest lines and of the
//! line in the middle; and of all calls of one line.

use std::fmt::Write;

use super::figure::{Figure, Key};
use super::gantt::{plural, short};
use super::scale;
use super::segments::{self, Phase, Segment};
use super::svg::{Anchor, Esc, N, Svg};
use crate::model::{CallRecord, LineId, Moment, PhaseTimes, Verdict};
use crate::report::{LineState, RunState};

const ID: &str = "phases";
/// Up to so many lines all are drawn; of more, the slowest.
const ALL_MAX: usize = 48;
/// The slowest, with the line in the middle.
const LINES_MAX: usize = 30;
/// Calls of one line that are drawn, the last ones.
const CALLS_MAX: usize = 12;
const LABELS: f64 = 112.0;
const PLOT: f64 = 700.0;
const FIGURES: f64 = 190.0;
const PITCH: f64 = 24.0;
const BAR: f64 = 16.0;
/// From this width on a stretch bears its name.
const NAMED_FROM: f64 = 46.0;

/// A bar to be drawn.
struct Row<'a> {
    label: String,
    /// What is to be said of it besides its figures.
    note: &'static str,
    line: &'a str,
    record: &'a CallRecord,
    segments: Vec<Segment>,
    /// What is usual from the dial command to CONNECT, ms.
    usual_ms: Option<f64>,
}

impl<'a> Row<'a> {
    fn of(line: &'a LineId, known: &'a LineState, record: &'a CallRecord, label: String) -> Option<Self> {
        let segments = segments::of(record);
        if segments.is_empty() {
            return None;
        }
        let usual = known.before.as_ref().and_then(|before| before.usual.as_ref());
        let usual_ms = usual.and_then(|usual| usual.dialed_to_connect_ms).map(|spread| spread.median as f64);
        Some(Self { label, note: "", line: line.as_str(), record, segments, usual_ms })
    }

    fn end_ms(&self) -> f64 {
        self.segments.last().map_or(0.0, |segment| segment.to_ms)
    }
}

/// The picture; absent if no call that decided a line was timed.
pub(super) fn draw(state: &RunState) -> Option<String> {
    let mut rows: Vec<Row> = state
        .lines()
        .filter_map(|(line, known)| Row::of(&line.id, known, known.deciding()?, line.id.to_string()))
        .collect();
    rows.sort_by(|a, b| b.end_ms().total_cmp(&a.end_ms()).then_with(|| a.line.cmp(b.line)));
    let all = rows.len();
    // Of the lines that passed, half are slower.
    let passed: Vec<usize> = (0..all).filter(|&place| rows[place].record.fault.is_none()).collect();
    let middle = passed.get(passed.len() / 2).copied();
    let middle_ms = middle.map(|place| rows[place].end_ms());
    if let Some(place) = middle {
        rows[place].note = ", the middle of those that passed";
    }
    if all > ALL_MAX {
        // The middle one stands last, where the slowest leave it a place.
        let middle = middle.filter(|&place| place >= LINES_MAX).map(|place| rows.swap_remove(place));
        rows.truncate(LINES_MAX - usize::from(middle.is_some()));
        rows.extend(middle);
    }
    let table = rows.iter().map(figures).collect();
    let slowest = rows.first()?;
    let title = "Phases by line";
    let (longest, took) = (slowest.line, scale::ms(slowest.end_ms()));
    let mut says = if rows.len() < all {
        format!(
            "The slowest of the {all} lines that were dialed: {longest} took {took} from the dial command to on-hook."
        )
    } else {
        let lines = plural(all as u64, "line");
        format!(
            "{lines} that came to a dial command, the slowest first: {longest} took {took} until on-hook."
        )
    };
    if let Some(ms) = middle_ms {
        let _ = write!(says, " Of the lines that passed, half took less than {}.", scale::ms(ms));
    }
    let svg = bars(Svg::new(ID, LABELS + PLOT + FIGURES, height(&rows)), &rows).finish(title, &says);
    Some(
        Figure {
            id: ID,
            title: title.to_owned(),
            says,
            keys: keys(&rows),
            svgs: vec![svg],
            table: (
                vec![
                    "line",
                    "result",
                    "post-dial",
                    "ring",
                    "train",
                    "connect",
                    "prompt",
                    "login",
                    "logout",
                    "hangup",
                    "to CONNECT",
                    "usual",
                    "total",
                ],
                table,
            ),
        }
        .html(),
    )
}

/// All calls of one line; absent if none was timed.
pub(super) fn of_line(state: &RunState, line: &LineId) -> Option<String> {
    let (line, known) = state.line(line)?;
    let skipped = known.calls.len().saturating_sub(CALLS_MAX);
    let rows: Vec<Row> = known.calls[skipped..]
        .iter()
        .filter_map(|record| Row::of(&line.id, known, record, format!("call {}", record.attempt)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let svg = bars(Svg::new("line-phases", LABELS + PLOT + FIGURES, height(&rows)), &rows);
    let says: Vec<String> = rows
        .iter()
        .map(|row| format!("{}: {}", row.label, row.segments.iter().map(told).collect::<Vec<_>>().join(", ")))
        .collect();
    Some(svg.finish_small(&format!("Phases of {}: {}", line.id, says.join("; "))))
}

fn height(rows: &[Row]) -> f64 {
    rows.len() as f64 * PITCH + 30.0
}

fn told(segment: &Segment) -> String {
    let error =
        if segment.error_ms > 0.0 { format!(" ± {}", scale::ms(segment.error_ms)) } else { String::new() };
    format!("{} {}{error}", segment.words(), scale::ms(segment.to_ms - segment.from_ms))
}

fn bars(mut svg: Svg, rows: &[Row]) -> Svg {
    let most = rows.iter().map(|row| row.end_ms().max(row.usual_ms.unwrap_or(0.0))).fold(1.0, f64::max);
    let x = |ms: f64| LABELS + ms / most * PLOT;
    let bottom = rows.len() as f64 * PITCH + 4.0;
    let step = scale::duration_step(most, 8.0);
    let mut at = 0.0;
    while at <= most {
        svg.line("c-grid", (x(at), 0.0), (x(at), bottom + 4.0));
        svg.text("c-small c-dim", (x(at), bottom + 18.0), Anchor::Middle, &scale::ms(at));
        at += step;
    }
    for (place, row) in rows.iter().enumerate() {
        let y = place as f64 * PITCH + 4.0;
        svg.text("c-small", (LABELS - 6.0, y + 12.0), Anchor::End, &short(&row.label, 18));
        for segment in &row.segments {
            stretch(&mut svg, row, segment, (x(segment.from_ms), x(segment.to_ms)), y);
        }
        for segment in row.segments.iter().filter(|segment| segment.error_ms / most * PLOT >= 2.0) {
            let (from, to) = (x(segment.to_ms - segment.error_ms), x(segment.to_ms + segment.error_ms));
            svg.line("c-error", (from, y + BAR / 2.0), (to, y + BAR / 2.0));
        }
        if let Some(usual) = row.usual_ms {
            let at = x(usual);
            let _ =
                write!(svg.raw(), "<path class=\"c-usual\" d=\"M{} {}h8l-4 5z\"/>", N(at - 4.0), N(y - 3.0));
            svg.line("c-usual-line", (at, y), (at, y + BAR));
        }
        let finding = row.record.fault.map_or(Verdict::Pass.word(), crate::model::Fault::code);
        let figures = format!("{}, {finding}{}", scale::ms(row.end_ms()), row.note);
        svg.text("c-small c-dim", (x(row.end_ms()) + 8.0, y + 12.0), Anchor::Start, &figures);
    }
    svg
}

/// A stretch in which several phases lie unseparated has a band of each.
fn stretch(svg: &mut Svg, row: &Row, segment: &Segment, (from, to): (f64, f64), y: f64) {
    let width = (to - from - 0.8).max(0.6);
    let shape = match segment.phases.as_slice() {
        [] => {
            let (x, y, w) = (N(from + 0.5), N(y + 0.5), N((width - 1.0).max(0.6)));
            format!("<rect class=\"c-vain\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{}\"/>", N(BAR - 1.0))
        }
        phases => {
            let band = BAR / phases.len() as f64;
            let mut shape = String::from("<g>");
            for (place, phase) in phases.iter().enumerate() {
                let (x, y, w) = (N(from), N(y + band * place as f64), N(width));
                let (class, band) = (class(*phase), N(band));
                let _ = write!(
                    shape,
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{band}\"/>"
                );
            }
            shape
        }
    };
    let title = format!("{} on {}: {}", row.label, row.record.modem, told(segment));
    match shape.strip_prefix("<g>") {
        Some(bands) => {
            let _ = write!(svg.raw(), "<g><title>{}</title>{bands}</g>", Esc(&title));
        }
        None => svg.titled(None, &shape, &title),
    }
    if let [phase] = segment.phases.as_slice()
        && width >= NAMED_FROM
    {
        svg.text("c-name", (from + width / 2.0, y + 12.0), Anchor::Middle, phase.word());
    }
}

const fn class(phase: Phase) -> &'static str {
    match phase {
        Phase::Dial => "p-dial",
        Phase::PostDial => "p-post-dial",
        Phase::Ring => "p-ring",
        Phase::Train => "p-train",
        Phase::Connect => "p-connect",
        Phase::Prompt => "p-prompt",
        Phase::Login => "p-login",
        Phase::Verify => "p-verify",
        Phase::Logout => "p-logout",
        Phase::Hangup => "p-hangup",
    }
}

/// Of what is drawn alone.
fn keys(rows: &[Row]) -> Vec<Key> {
    let segments = || rows.iter().flat_map(|row| &row.segments);
    let mut keys: Vec<Key> = Phase::ALL
        .into_iter()
        .filter(|phase| segments().any(|segment| segment.phases.contains(phase)))
        .map(|phase| Key::class(class(phase), phase.word()))
        .collect();
    if segments().any(|segment| segment.phases.len() > 1) {
        let shape = "<rect class=\"p-ring\" width=\"14\" height=\"7\"/><rect class=\"p-train\" y=\"7\" width=\"14\" height=\"7\"/>";
        keys.push(Key {
            shape: shape.to_owned(),
            label: "bands: the modem does not tell them apart".to_owned(),
        });
    }
    if segments().any(|segment| segment.phases.is_empty()) {
        keys.push(Key {
            shape: "<rect class=\"c-vain\" x=\".5\" y=\".5\" width=\"13\" height=\"13\"/>".to_owned(),
            label: "it came no further: waiting and hang-up".to_owned(),
        });
    }
    if segments().any(|segment| segment.error_ms > 0.0) {
        let shape = "<path class=\"c-error\" d=\"M0 7H14\"/>".to_owned();
        keys.push(Key { shape, label: "within so much the boundary lies".to_owned() });
    }
    if rows.iter().any(|row| row.usual_ms.is_some()) {
        let shape =
            "<path class=\"c-usual\" d=\"M3 0h8l-4 5z\"/><path class=\"c-usual-line\" d=\"M7 0V14\"/>";
        keys.push(Key { shape: shape.to_owned(), label: "usual CONNECT of the line".to_owned() });
    }
    keys
}

fn figures(row: &Row) -> Vec<String> {
    let times = PhaseTimes::of(&row.record.timeline);
    let told = |ms: Option<u64>| ms.map_or_else(String::new, |ms| scale::ms(ms as f64));
    vec![
        row.line.to_owned(),
        row.record.fault.map_or(Verdict::Pass.word(), crate::model::Fault::code).to_owned(),
        told(times.post_dial_ms),
        told(times.ring_ms),
        told(times.train_ms),
        told(times.connect_ms),
        told(times.prompt_ms),
        told(times.login_ms),
        told(times.logout_ms),
        told(times.hangup_ms),
        told(times.dialed_to_connect_ms),
        row.usual_ms.map_or_else(String::new, scale::ms),
        if row.record.timeline.get(Moment::OnHook).is_some() {
            scale::ms(row.end_ms())
        } else {
            String::new()
        },
    ]
}
