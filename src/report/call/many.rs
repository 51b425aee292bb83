//! What many calls to one line come to: counts, spread, a picture of the times.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::figure::{Figure, ThereUsually};
use super::picture::{Ink, bars, histogram};
use super::{figure_seconds, seconds};
use crate::model::usual::Spread;
use crate::model::{CallRecord, Line, PhaseTimes, Verdict};
use crate::report::LineState;
use crate::report::page::{Page, Paint, Style};

/// Bars in a row of the picture, at most: the rest goes on below.
const BARS_MAX: usize = 60;
/// Calls from which on a histogram says more than the row of bars.
const HISTOGRAM_MIN: usize = 8;
/// Phases that never took so long are not told of, ms.
const GRAIN: i64 = 10;
/// Its rows.
const ROWS: u64 = 6;

/// What is usual on the line, and the family of the modem that called.
pub(in crate::report) type Usual<'a> = (&'a ThereUsually, &'a str);

/// Counts, spread and picture. `wanted`: calls that were asked for.
pub fn many(
    line: &Line,
    state: &LineState,
    wanted: u32,
    usually: &Usual<'_>,
    style: Style,
    ink: Ink,
) -> String {
    let mut page = Page::new(style);
    // Calls that our own bench or the user ended say nothing of the line.
    let counts = |record: &&CallRecord| Verdict::of(record.fault) != Verdict::Untested;
    let calls: Vec<&CallRecord> = state.calls.iter().filter(counts).collect();
    let ours = state.calls.len() - calls.len();
    page.painted(&format!("{}: {} of {wanted} calls", line.id, calls.len()), Some(Paint::Bold));
    for (result, text) in tally(&calls) {
        page.painted(&format!("  {text}"), Some(Paint::of(result)));
    }
    match ours {
        0 => {}
        1 => page.wrapped(2, "1 more says nothing of the line: it ended on our own side"),
        _ => page.wrapped(2, &format!("{ours} more say nothing of the line: they ended on our own side")),
    }
    let times: Vec<PhaseTimes> = calls.iter().map(|record| PhaseTimes::of(&record.timeline)).collect();
    spread(&mut page, &calls, &times, usually);
    picture(&mut page, &times, ink);
    page.finish()
}

/// `7  pass`, `2  busy (far-line)`: passes first, then by number.
fn tally(calls: &[&CallRecord]) -> Vec<(Verdict, String)> {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for record in calls {
        *counts.entry(record.fault).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(fault, count)| (fault.is_some(), std::cmp::Reverse(*count)));
    let told = |(fault, count): (Option<crate::model::Fault>, usize)| {
        let result = Verdict::of(fault);
        let what = fault.map_or_else(
            || result.word().to_owned(),
            |fault| format!("{result} {fault} ({})", fault.blame()),
        );
        let share = 100 * count / calls.len().max(1);
        (result, format!("{count:>3}  {what}, {share} %"))
    };
    counts.into_iter().map(told).collect()
}

/// A row a figure that two calls at least have.
fn spread(page: &mut Page, calls: &[&CallRecord], times: &[PhaseTimes], usually: &Usual<'_>) {
    let mut rows: Vec<[String; 7]> = Vec::new();
    for figure in Figure::ALL {
        let known: Vec<i64> =
            times.iter().filter_map(|times| i64::try_from(figure.of(times)?).ok()).collect();
        // What takes no time worth telling is left out.
        let Some(spread) = Spread::of(&known).filter(|spread| known.len() > 1 && spread.most >= GRAIN) else {
            continue;
        };
        let usual =
            usually.0.get(usually.1, figure).map(|usual| figure_seconds(usual.median)).unwrap_or_default();
        rows.push(row(figure.word(), &spread, figure_seconds, usual));
    }
    let rates: Vec<i64> =
        calls.iter().filter_map(|record| record.link.rx_bps.or(record.link.tx_bps)).map(i64::from).collect();
    if let Some(spread) = Spread::of(&rates).filter(|_| rates.len() > 1) {
        rows.push(row("bit/s", &spread, |bps| bps.to_string(), String::new()));
    }
    if rows.is_empty() {
        return;
    }
    let mut head = ["", "calls", "min", "median", "max", "deviation", "usual"].map(ToOwned::to_owned);
    // Narrow terminals keep what matters most.
    let columns: &[usize] = match page.width() {
        76.. => &[2, 3, 4, 5, 6],
        56.. => &[2, 3, 4],
        46.. => &[3, 4],
        _ => &[3],
    };
    if rows.iter().all(|row| row[6].is_empty()) {
        head[6].clear();
    }
    page.line("");
    for row in std::iter::once(&head).chain(&rows) {
        let mut text = format!("  {:<17} {:>5}", row[0], row[1]);
        for column in columns {
            let _ = write!(text, " {:>9}", row[*column]);
        }
        page.line(&text);
    }
}

fn row(name: &str, spread: &Spread, told: impl Fn(i64) -> String, usual: String) -> [String; 7] {
    // A deviation is a figure of the same kind: rounded to it.
    let deviation = told(spread.deviation().round() as i64);
    [
        name.to_owned(),
        spread.nights.to_string(),
        told(spread.least),
        told(spread.median),
        told(spread.most),
        deviation,
        usual,
    ]
}

/// The time to CONNECT, else of the whole call, in the order of the calls; and how it is spread.
fn picture(page: &mut Page, times: &[PhaseTimes], ink: Ink) {
    let all = |figure: Figure| times.iter().map(|times| figure.of(times)).collect::<Vec<_>>();
    let chosen = [Figure::DialedToConnect, Figure::Total]
        .into_iter()
        .map(|figure| (figure, all(figure)))
        .find(|(_, figures)| figures.iter().flatten().count() > 1);
    let Some((figure, figures)) = chosen else { return };
    let known: Vec<u64> = figures.iter().flatten().copied().collect();
    let (Some(least), Some(most)) = (known.iter().min(), known.iter().max()) else { return };
    page.line("");
    let missing = if known.len() < figures.len() {
        format!("; {} = it did not come to that", ink.none())
    } else {
        String::new()
    };
    page.wrapped(
        2,
        &format!("{}, call by call, {} to {}{missing}", figure.word(), seconds(*least), seconds(*most)),
    );
    let drawn: Vec<char> = bars(&figures, ink).chars().collect();
    for piece in drawn.chunks(BARS_MAX.min(page.width().saturating_sub(4))) {
        page.line(&format!("    {}", piece.iter().collect::<String>()));
    }
    if known.len() < HISTOGRAM_MIN {
        return;
    }
    let bins = histogram(&known, ROWS, page.width().saturating_sub(40).clamp(10, 40), ink);
    for bin in &bins {
        page.line(&format!(
            "    {:>8} to {:>8} {:>4}  {}",
            seconds(bin.from),
            seconds(bin.to),
            bin.count,
            bin.bar
        ));
    }
}
