//! A run that goes on, as a page shows it: the bank with what each modem is at, the counts, the verdicts as they come, what waits
//! and why nothing is dialed where nothing is.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Here;
use super::frame::{Moment, stands, tone};
use crate::model::{Blame, Change, Fault, LineId, ModemId, Mono, Verdict};
use crate::report::html::words::{clean, clock, count, grouped, span};
use crate::report::{RunState, news};
use crate::service::live::LiveRun;
use crate::service::progress::Progress;
use crate::service::status::{ModemStatus, Stands};

/// Lines that wait that are named.
const WAITING_MAX: usize = 8;
/// Verdicts that are shown.
const LATEST_MAX: usize = 24;

/// A run that goes on.
#[derive(Serialize)]
pub(super) struct Going {
    run: String,
    plan: String,
    bank: String,
    is_call: bool,
    began: Moment,
    took: String,
    judged: String,
    total: String,
    percent: u64,
    tiles: Vec<Tile>,
    new_failures: String,
    left: String,
    calls: usize,
    gaps: usize,
    modems: Vec<Row>,
    latest: Vec<Found>,
    waiting: Vec<Waits>,
    waiting_count: String,
    reasons: String,
    notices: Vec<String>,
}

#[derive(Serialize)]
struct Tile {
    result: &'static str,
    count: String,
    from: f64,
    width: f64,
}

/// A modem.
#[derive(Serialize)]
pub(super) struct Row {
    modem: String,
    line: String,
    /// What it is at.
    activity: String,
    tone: &'static str,
    /// For so long.
    seconds: u64,
    told: String,
    why: String,
    until: Option<Moment>,
    restarts: u32,
}

#[derive(Serialize)]
struct Found {
    line: String,
    site: String,
    result: &'static str,
    fault: &'static str,
    blame: &'static str,
    detail: String,
    mark: String,
    is_new: bool,
    at: String,
}

#[derive(Serialize)]
struct Waits {
    line: String,
    why: String,
    seconds: Option<u64>,
}

/// All runs that go on, those of plans before technicians' calls.
pub(super) fn all(here: &Here) -> Vec<Going> {
    let now = here.live().now();
    let mut runs = here.live().runs();
    runs.sort_by_key(|run| run.is_call);
    runs.iter().filter_map(|run| one(here, run, now)).collect()
}

fn one(here: &Here, run: &LiveRun, now: Mono) -> Option<Going> {
    let told: BTreeMap<&ModemId, &ModemStatus> = here
        .status
        .banks
        .iter()
        .filter(|bank| bank.bank == run.bank)
        .flat_map(|bank| &bank.modems)
        .map(|modem| (&modem.modem, modem))
        .collect();
    // One after the other: whoever holds both holds up the record for longer.
    let (mut going, latest, new) = run.watch(|progress| moment(run, progress, &told, now))?;
    run.read(|state| record(&mut going, state, &latest, new))?;
    Some(going)
}

/// What goes on at this moment, which lines were judged last, and how many began to fail in this sitting.
fn moment(
    run: &LiveRun,
    progress: &Progress,
    told: &BTreeMap<&ModemId, &ModemStatus>,
    now: Mono,
) -> (Going, Vec<LineId>, u64) {
    let (board, time) = (progress.board(), progress.time(now));
    let rows: Vec<Row> = board
        .rows()
        .iter()
        .filter(|row| !run.is_call || row.line.is_some())
        .map(|row| {
            let status = told.get(&row.modem);
            let is_busy = row.line.is_some();
            // The daemon knows more of one that does not dial; what it dials only the run knows at every moment.
            let held =
                status.filter(|status| !is_busy && !matches!(status.stands, Stands::Idle | Stands::Working));
            let seconds = time.since(row.since).as_secs();
            Row {
                modem: row.modem.to_string(),
                line: row.line.as_ref().map(ToString::to_string).unwrap_or_default(),
                activity: held.map_or(row.activity, |status| stands(status.stands)).to_owned(),
                tone: held.map_or(if is_busy { "busy" } else { "none" }, |status| tone(status.stands)),
                seconds,
                told: span(seconds),
                why: held.map_or_else(|| clean(&row.detail), |status| clean(&status.why)),
                until: held.and_then(|status| status.until).map(Moment::from),
                restarts: status.map_or(0, |status| status.restarts),
            }
        })
        .collect();
    let mut waiting: Vec<_> = board.waiting().iter().collect();
    waiting.sort_by_key(|(line, waits)| (waits.until.is_none(), waits.until, (*line).clone()));
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, waits) in &waiting {
        *reasons.entry(waits.reason.word()).or_default() += 1;
    }
    let reasons: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{reason} {}", grouped(*count))).collect();
    let waits = |(line, waits): &(&LineId, &crate::report::live::Waiting)| Waits {
        line: line.to_string(),
        why: clean(&waits.why),
        seconds: waits.until.map(|until| until.since(time).as_secs()),
    };
    let left = board.estimate(time).map(|estimate| format!("about {} left", span(estimate.left.as_secs())));
    let going = Going {
        run: run.run.to_string(),
        plan: run.plan.to_string(),
        bank: run.bank.to_string(),
        is_call: run.is_call,
        began: Moment::from(jiff::Timestamp::UNIX_EPOCH),
        took: String::new(),
        judged: String::new(),
        total: String::new(),
        percent: 0,
        tiles: Vec::new(),
        new_failures: String::new(),
        left: left.unwrap_or_default(),
        calls: progress.calls().len(),
        gaps: rows.iter().filter(|row| row.line.is_empty()).count(),
        modems: rows,
        latest: Vec::new(),
        waiting: waiting.iter().take(WAITING_MAX).map(waits).collect(),
        waiting_count: count(waiting.len() as u64, "line"),
        reasons: reasons.join(", "),
        notices: Vec::new(),
    };
    (going, progress.latest().take(LATEST_MAX).cloned().collect(), board.new_failures().unwrap_or(0))
}

/// What is recorded of it so far.
fn record(going: &mut Going, state: &RunState, latest: &[LineId], new: u64) {
    let counts = state.counts();
    let all = counts.total().max(1);
    let mut from = 0.0;
    going.tiles = Verdict::ALL
        .into_iter()
        .map(|result| {
            let width = (counts.of(result) as f64 * 10_000.0 / all as f64).round() / 100.0;
            let tile = Tile { result: result.word(), count: grouped(counts.of(result)), from, width };
            from += width;
            tile
        })
        .collect();
    going.began = state.started().into();
    going.judged = grouped(counts.judged());
    going.total = count(counts.total(), "line");
    going.percent = counts.judged() * 100 / all;
    if state.sittings() > 1 {
        // An estimate of this sitting alone would be wrong for all that is left.
        going.left = String::new();
    }
    going.latest = latest.iter().filter_map(|line| found(state, line)).collect();
    if state.has_past() {
        let new = if state.sittings() > 1 { state.changes().count(Change::NewFailure) } else { new };
        going.new_failures =
            if new == 1 { "1 new failure".to_owned() } else { format!("{} new failures", grouped(new)) };
    }
    going.notices = state.notices().iter().rev().take(3).map(|(_, text)| clean(text)).collect();
}

fn found(state: &RunState, id: &LineId) -> Option<Found> {
    let (line, known) = state.line(id)?;
    let verdict = known.verdict.as_ref()?;
    let changed = state.changed(id);
    let mark = changed.as_ref().and_then(news::mark).unwrap_or_default();
    Some(Found {
        line: line.id.to_string(),
        site: if line.site.as_str() == line.id.as_str() { String::new() } else { line.site.to_string() },
        result: Verdict::of(verdict.fault).word(),
        fault: verdict.fault.map_or("", Fault::code),
        blame: verdict.fault.map(Fault::blame).map_or("", Blame::word),
        detail: clean(&verdict.detail),
        is_new: changed.is_some_and(|changed| matches!(changed.change, Change::NewFailure)),
        mark,
        at: known.judged.map(clock).unwrap_or_default(),
    })
}
