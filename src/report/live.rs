//! The live view as a model: a board with one row a modem, counts, and an estimate of the end.
//!
//! Pure: it is folded from events and asked with the time handed in. How it gets onto a terminal is cli's.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::news::Known;
use super::{Counts, cell};
use crate::model::event::{ModemState, RunHeader, WaitReason};
use crate::model::{
    CallId, Change, Charge, Event, EventKind, Fault, LineId, Micros, ModemId, Moment, Mono, Verdict,
};

/// Lines that must have been finished by calls before an estimate is worth telling, however small the bank.
const KNOWN_LINES_MIN: u64 = 5;
/// Lines as above for each modem in use: the first to finish are the quick ones, and would promise too much.
const KNOWN_LINES_PER_MODEM: u64 = 2;
/// Width of the bar in columns.
const BAR_WIDTH: usize = 20;
/// Columns from which on there is room for the whole bar.
const WIDE: usize = 110;

/// What one modem is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub modem: ModemId,
    /// The line that it is calling.
    pub line: Option<LineId>,
    /// What it is at: the word of the phase, else of its state.
    pub activity: &'static str,
    /// Why, where there is a why.
    pub detail: String,
    /// Since when, within this sitting.
    pub since: Mono,
}

/// How long the run will still take, as far as one can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// About so long.
    pub left: Duration,
    /// Finished lines that it rests upon.
    pub known_lines: u64,
}

/// A line that waits for its next call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Not before, within this sitting; absent where no time is known, but an event.
    pub until: Option<Mono>,
    /// What for.
    pub reason: WaitReason,
    /// Why, in words.
    pub why: String,
}

#[derive(Debug, Clone)]
struct Running {
    place: usize,
    began: Mono,
}

/// A judged line: its fault, and whether calls led to it.
#[derive(Debug, Clone, Copy)]
struct Judged {
    fault: Option<Fault>,
    by_calls: bool,
    /// It began to fail tonight.
    new_failure: bool,
}

/// The live view of a run. An event that does not fit is left out: a view never stops the work.
#[derive(Debug, Clone)]
pub struct Board {
    rows: Vec<Row>,
    places: HashMap<ModemId, usize>,
    states: Vec<Option<ModemState>>,
    running: HashMap<CallId, Running>,
    judged: HashMap<LineId, Judged>,
    waiting: BTreeMap<LineId, Waiting>,
    /// The run is paused: what is told of that.
    paused: Option<String>,
    counts: Counts,
    /// Time that modems spent on calls that ended.
    busy: Duration,
    judged_by_calls: u64,
    known: Known,
    new_failures: u64,
    /// Consoles of the plan, and how many of a line's passed in the best of its calls.
    consoles: u64,
    consoles_passed: HashMap<LineId, u64>,
    /// What calls cost so far, and in which currency.
    spent: Option<(Micros, String)>,
}

impl Board {
    /// An empty board of a run.
    pub fn new(header: &RunHeader) -> Self {
        let rows: Vec<Row> = header
            .modems
            .iter()
            .map(|modem| Row {
                modem: modem.id.clone(),
                line: None,
                activity: idle_word(None),
                detail: String::new(),
                since: Mono::ZERO,
            })
            .collect();
        Self {
            places: rows.iter().enumerate().map(|(place, row)| (row.modem.clone(), place)).collect(),
            states: vec![None; rows.len()],
            rows,
            running: HashMap::new(),
            judged: HashMap::new(),
            waiting: BTreeMap::new(),
            paused: None,
            counts: Counts::none_of(header.lines.len()),
            busy: Duration::ZERO,
            judged_by_calls: 0,
            known: Known::default(),
            new_failures: 0,
            consoles: header.lines.iter().map(|line| line.facets.consoles.len() as u64).sum(),
            consoles_passed: HashMap::new(),
            spent: header.currency.clone().map(|currency| (Micros(0), currency)),
        }
    }

    /// Takes the next event.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunResumed(_) => self.resume(),
            EventKind::Modem { modem, state, fault, detail, .. } => {
                self.modem(event, modem, *state, *fault, detail);
            }
            EventKind::CallStarted { call, line, modem, .. } => {
                let Some(&place) = self.places.get(modem) else { return };
                self.waiting.remove(line);
                self.running.insert(call.clone(), Running { place, began: event.mono });
                let row = &mut self.rows[place];
                row.line = Some(line.clone());
                row.detail.clear();
                (row.activity, row.since) = (Moment::Taken.activity(), event.mono);
            }
            EventKind::CallMoment { call, moment, .. } => {
                let Some(running) = self.running.get(call) else { return };
                let row = &mut self.rows[running.place];
                (row.activity, row.since) = (moment.activity(), event.mono);
            }
            EventKind::CallEnded(record) => {
                let Some(running) = self.running.remove(&record.call) else { return };
                self.spend(record.charge);
                self.busy += event.mono.since(running.began);
                self.rows[running.place].line = None;
                let passed = record.consoles.iter().filter(|console| console.fault.is_none()).count() as u64;
                if !record.consoles.is_empty() {
                    let most = self.consoles_passed.entry(record.line.clone()).or_default();
                    *most = passed.max(*most);
                }
                self.rest(running.place, event.mono);
            }
            // It would be dialed now.
            EventKind::LineWaits { line, reason: WaitReason::Modem, .. } => drop(self.waiting.remove(line)),
            EventKind::LineWaits { line, until, reason, why } => {
                let until = until.map(|until| {
                    let wait = Duration::try_from(until.duration_since(event.at)).unwrap_or(Duration::ZERO);
                    event.mono + wait
                });
                let waiting = Waiting { until, reason: *reason, why: cell::one_line(why) };
                self.waiting.insert(line.clone(), waiting);
            }
            EventKind::Verdict(verdict) => {
                self.waiting.remove(&verdict.line);
                let new_failure = self.known.change(event, verdict) == Some(Change::NewFailure);
                let judged = Judged { fault: verdict.fault, by_calls: verdict.call.is_some(), new_failure };
                if self.judged.insert(verdict.line.clone(), judged).is_none() {
                    self.new_failures += u64::from(new_failure);
                    self.counts.judge(Verdict::of(verdict.fault));
                    self.judged_by_calls += u64::from(judged.by_calls);
                }
            }
            EventKind::VerdictWithdrawn { line, .. } => self.withdraw(line),
            EventKind::RunEnded { .. } => {
                self.waiting.clear();
                self.paused = None;
            }
            EventKind::LinesBefore { .. } => self.known.apply(event),
            EventKind::Paused { why, until } => {
                self.paused = Some(crate::report::why::pause_text(why, *until));
            }
            EventKind::Resumed => self.paused = None,
            EventKind::RunStarted(_)
            | EventKind::PasswordSent { .. }
            | EventKind::Credential { .. }
            | EventKind::Notice { .. } => {}
            EventKind::BenchCheck(record) => self.spend(record.charge),
        }
    }

    fn spend(&mut self, charge: Option<Charge>) {
        if let (Some((spent, _)), Some(cost)) = (&mut self.spent, charge.and_then(|charge| charge.cost)) {
            *spent = spent.plus(cost);
        }
    }

    fn resume(&mut self) {
        self.running.clear();
        self.waiting.clear();
        self.paused = None;
        self.states.fill(None);
        for place in 0..self.rows.len() {
            self.rows[place].line = None;
            self.rest(place, Mono::ZERO);
        }
        let cancelled = |judged: &Judged| judged.fault == Some(Fault::Cancelled);
        let again: Vec<LineId> = self
            .judged
            .iter()
            .filter(|(_, judged)| cancelled(judged))
            .map(|(line, _)| line.clone())
            .collect();
        for line in &again {
            self.withdraw(line);
        }
    }

    fn withdraw(&mut self, line: &LineId) {
        if let Some(judged) = self.judged.remove(line) {
            self.counts.withdraw(Verdict::of(judged.fault));
            self.judged_by_calls -= u64::from(judged.by_calls);
            self.new_failures -= u64::from(judged.new_failure);
        }
    }

    fn modem(
        &mut self,
        event: &Event,
        modem: &ModemId,
        state: ModemState,
        fault: Option<Fault>,
        detail: &str,
    ) {
        let Some(&place) = self.places.get(modem) else { return };
        if state == ModemState::Identified {
            return;
        }
        let changed = self.states[place] != Some(state);
        self.states[place] = Some(state);
        if self.rows[place].line.is_none() {
            if changed {
                self.rest(place, event.mono);
            }
            // What a modem can show is for the record.
            let detail = if state == ModemState::Ready { "" } else { detail };
            let words = [fault.map(Fault::code).unwrap_or_default(), detail].map(cell::one_line);
            let words: Vec<&str> =
                words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
            self.rows[place].detail = words.join(": ");
        }
    }

    fn rest(&mut self, place: usize, since: Mono) {
        let row = &mut self.rows[place];
        row.detail.clear();
        (row.activity, row.since) = (idle_word(self.states[place]), since);
    }

    /// One row a modem, in the order of the bank.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Lines by result, and those that are left.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What was known of the lines before.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Lines that began to fail tonight; absent where nothing is known of earlier runs.
    pub fn new_failures(&self) -> Option<u64> {
        self.known.is_told().then_some(self.new_failures)
    }

    /// Calls that are running.
    pub fn calls_running(&self) -> usize {
        self.running.len()
    }

    /// Lines that wait for their next call.
    pub fn waiting(&self) -> &BTreeMap<LineId, Waiting> {
        &self.waiting
    }

    /// Modems that make calls: those that are out are none.
    pub fn modems_in_use(&self) -> u64 {
        let in_use = |(row, state): (&Row, &Option<ModemState>)| {
            row.line.is_some()
                || matches!(
                    state,
                    Some(ModemState::Ready | ModemState::Checking | ModemState::HangupUnproven)
                )
        };
        self.rows.iter().zip(&self.states).filter(|&pair| in_use(pair)).count() as u64
    }

    /// How long the run will still take: modem time per finished line so far, for the lines left, shared by the modems
    /// in use; but no less than the longest wait. Absent until enough lines are finished to say anything.
    pub fn estimate(&self, now: Mono) -> Option<Estimate> {
        let modems = self.modems_in_use();
        let known = self.judged_by_calls;
        let enough = KNOWN_LINES_MIN.max(modems * KNOWN_LINES_PER_MODEM);
        if self.counts.left == 0 || modems == 0 || known < enough {
            return None;
        }
        let busy_per_line_s = self.busy.as_secs_f64() / known as f64;
        // No more modems work than there are lines.
        let share_s = busy_per_line_s * self.counts.left as f64 / modems.min(self.counts.left) as f64;
        let share = Duration::try_from_secs_f64(share_s).ok()?;
        let wait = self.waiting.values().filter_map(|waiting| Some(waiting.until?.since(now))).max();
        let after_wait = wait.map_or(Duration::ZERO, |wait| wait + Duration::from_secs_f64(busy_per_line_s));
        Some(Estimate { left: share.max(after_wait), known_lines: known })
    }

    /// The bar with the counts, then a row for each modem, then what waits; none wider than `width` columns.
    pub fn text(&self, now: Mono, width: usize) -> Vec<String> {
        let mut out = Vec::with_capacity(self.rows.len() + 2);
        out.push(fit(&self.bar(now, width), width));
        let modem_width = self.rows.iter().map(|row| row.modem.as_str().width()).max().unwrap_or(0);
        let line_width =
            self.rows.iter().filter_map(|row| row.line.as_ref()).map(|line| line.as_str().width()).max();
        let line_width = line_width.unwrap_or(1);
        for row in &self.rows {
            let text = format!(
                "{}  {}  {}  {:>6}  {}",
                pad(row.modem.as_str(), modem_width),
                pad(row.line.as_ref().map_or("-", LineId::as_str), line_width),
                pad(row.activity, ACTIVITY_WIDTH),
                span(now.since(row.since)),
                row.detail
            );
            out.push(fit(&text, width));
        }
        out.extend(self.paused.as_ref().map(|text| fit(text, width)));
        out.extend(self.waiting_text(now).map(|text| fit(&text, width)));
        out
    }

    /// How many lines wait, what for where that is not the same for all, and which of them is the next.
    fn waiting_text(&self, now: Mono) -> Option<String> {
        let mut reasons: BTreeMap<WaitReason, usize> = BTreeMap::new();
        for waiting in self.waiting.values() {
            *reasons.entry(waiting.reason).or_default() += 1;
        }
        let many = self.waiting.len();
        let verb = if many == 1 { "waits" } else { "wait" };
        let each: Vec<String> =
            reasons.iter().map(|(reason, count)| format!("{count} {}", reason.word())).collect();
        let each = if reasons.len() > 1 { format!(" ({})", each.join(", ")) } else { String::new() };
        let next = self
            .waiting
            .iter()
            .filter_map(|(line, waiting)| Some((waiting.until?, line, &waiting.why)))
            .min();
        let text = format!("{} {verb}{each}", lines_text(many as u64));
        match (next, reasons.first_key_value()) {
            (Some((until, line, why)), _) => {
                Some(format!("{text}; the next is {line}, in {} ({why})", span(until.since(now))))
            }
            (None, Some((reason, _))) if reasons.len() == 1 => Some(format!("{text} for {}", reason.word())),
            (None, Some(_)) => Some(text),
            (None, None) => None,
        }
    }

    /// The bar alone: `[####----] 12 of 40 lines  pass 9 ...`.
    fn bar(&self, now: Mono, width: usize) -> String {
        let Counts { pass, degraded, fail, untested, left } = self.counts;
        let (judged, total) = (self.counts.judged(), self.counts.total());
        // On a narrow terminal the words matter more than the bar.
        let bar_width = if width < WIDE { BAR_WIDTH / 4 } else { BAR_WIDTH };
        let full = (judged * bar_width as u64).checked_div(total).unwrap_or(0) as usize;
        let rest = match self.estimate(now) {
            Some(estimate) => format!("  about {} left", rough(estimate.left)),
            None if left > 0 => format!("  {left} left"),
            None => String::new(),
        };
        let spent = self
            .spent
            .as_ref()
            .filter(|(spent, _)| *spent > Micros(0))
            .map_or(String::new(), |(spent, currency)| format!("  {spent} {currency}"));
        let new = self.new_failures().map_or(String::new(), |new| format!(" ({new} new)"));
        let consoles = match self.consoles {
            0 => String::new(),
            all => format!("  consoles {} of {all}", self.consoles_passed.values().sum::<u64>()),
        };
        format!(
            "[{}{}] {judged} of {}  pass {pass}  degraded {degraded}  fail {fail}{new}  untested {untested}{consoles}{rest}{spent}",
            "#".repeat(full),
            "-".repeat(bar_width.saturating_sub(full)),
            lines_text(total),
        )
    }
}

/// Columns for the longest activity.
const ACTIVITY_WIDTH: usize = 18;

const fn idle_word(state: Option<ModemState>) -> &'static str {
    match state {
        None => "not set up yet",
        Some(ModemState::Ready | ModemState::Identified) => "idle",
        Some(ModemState::Out) => "out for a while",
        Some(ModemState::HangupUnproven) => "hang-up unproven",
        Some(ModemState::Checking) => "being checked",
        Some(ModemState::Quarantined) => "quarantined",
        Some(ModemState::Wedged) => "wedged",
        Some(ModemState::Down) => "down",
        Some(ModemState::Disabled) => "disabled",
        Some(ModemState::Lent) => "lent",
    }
}

pub(super) fn lines_text(count: u64) -> String {
    if count == 1 { "1 line".into() } else { format!("{count} lines") }
}

/// A span as it is read at a glance.
fn span(span: Duration) -> String {
    match span.as_secs() {
        s @ 0..600 => format!("{s} s"),
        s @ 600..36_000 => format!("{} min", s / 60),
        s => format!("{} h", s / 3600),
    }
}

/// A span that is not known exactly, and does not pretend to be.
fn rough(span: Duration) -> String {
    match span.as_secs() {
        0..90 => format!("{} s", span.as_secs().div_ceil(10).max(1) * 10),
        s @ 90..5_400 => format!("{} min", (s + 30) / 60),
        s => {
            let minutes = (s / 60).div_ceil(5) * 5;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// Cut to `width` columns, with an ellipsis where something is missing; wide characters count as two.
pub(super) fn fit(text: &str, width: usize) -> String {
    let text = text.trim_end();
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns >= width {
            break;
        }
        used += columns;
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}
