//! The makespan: 200 mixed lines on 16 modems against what nobody could beat: the exchange's own time for the calls
//! that were made, spread evenly over the modems, or the longest line.

use std::collections::BTreeMap;
use std::time::Duration;

use lineman::sim::log::What;

use super::common::{ExchangeCall, Line, Night, Played, Row, Stage, Wire};

const MODEMS: usize = 16;
const LINES: usize = 200;
/// How much shorter everything is on the exchange's side than on a real network; `--real` plays it at its pace, in some
/// twenty minutes.
const PACE: f64 = 0.2;
/// The exchange's thinking time: it lies between what we send and its word for it.
const THINK: Duration = Duration::from_millis(50);
/// What the issue asks for, once the history knows how long lines take.
const RATIO_MAX: f64 = 1.02;
/// Lines that a person answers: from the second night on they are on hold, until somebody confirms their numbers.
const VOICE: usize = 3;
const NIGHT_MAX: Duration = Duration::from_secs(1800);

fn pace() -> f64 {
    if std::env::args().any(|word| word == "--real") { 1.0 } else { PACE }
}

/// The night of this benchmark.
pub(crate) fn night() -> Night {
    Night {
        modems: MODEMS,
        modem_extra: "",
        // A bank of one kind: which family calls a line decides how soon it knows a voice, or nobody, for what it is.
        families: &["courier"],
        wire: Wire::Pty,
        pace: pace(),
        timing: "{ think: 50ms }",
        // The same limits, as the network has its time: else the night at a real pace would be another one.
        limits: if pace() < 1.0 {
            "{ dial: 40s, prompt: 4s, login: 8s, grant_wait: 60s, logout: 3s, hangup: 8s, call: 120s }"
        } else {
            "{ dial: 200s, prompt: 20s, login: 40s, grant_wait: 300s, logout: 15s, hangup: 8s, call: 600s }"
        },
        lines: mixed(),
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let stage = Stage::set(&night());
    // In the first night nothing is known of any line; the second one has the first one's journal.
    let mut rows = Vec::new();
    let first = stage.play(NIGHT_MAX);
    rows.extend(figures("cold start", &first, LINES, None));
    let second = stage.play(NIGHT_MAX);
    rows.extend(figures("with the history's durations", &second, LINES - VOICE, Some(RATIO_MAX)));
    rows
}

/// A night as a company might have it, shuffled. Three of four lines are sound.
fn mixed() -> Vec<Line> {
    let mut chance = fastrand::Rng::with_seed(20_261_121);
    let consoles = ["cisco-ios", "cisco-nxos", "linux", "generic"];
    let bad = [
        (8, "fault: busy"),
        (4, "fault: { kind: busy, times: 1 }"),
        (6, "fault: no-answer"),
        (3, "fault: never-trains"),
        (6, "fault: slow-train"),
        (3, "fault: reorder"),
        (3, "fault: voice"),
        (2, "fault: fax"),
        (2, "fault: silent"),
        (2, "fault: garbage"),
        (2, "fault: open-console"),
        (2, "fault: boot-prompt"),
        (2, "fault: { kind: wrong-host, text: another-host }"),
        (1, "fault: password-expired"),
        (2, "fault: console-busy"),
        (3, "fault: { kind: drops, at: connected, after: 300ms }"),
        (3, "fault: { kind: slow-connect, rate: 2400 }"),
        (2, "fault: lost-logout"),
    ];
    let mut faults: Vec<&str> = bad.iter().flat_map(|&(count, fault)| vec![fault; count]).collect();
    faults.resize(LINES, "");
    chance.shuffle(&mut faults);
    let line = |(index, fault): (usize, &str)| {
        let (rings, train_s) = (chance.u32(1..=4), chance.u32(5..=14));
        let comma = if fault.is_empty() { "" } else { ", " };
        Line::new(consoles[index % 4], format!(", rings: {rings}, train: {train_s}s{comma}{fault}"))
    };
    faults.into_iter().enumerate().map(line).collect()
}

/// `called`: how many lines are to be called; `ratio_max`: what is asked for.
fn figures(name: &str, played: &Played, called: usize, ratio_max: Option<f64>) -> Vec<Row> {
    let calls = played.calls();
    let spans: Vec<(u64, u64)> = calls.iter().map(ExchangeCall::span).collect();
    let first = spans.iter().map(|span| span.0).min().unwrap_or(0);
    let last = spans.iter().map(|span| span.1).max().unwrap_or(0);
    let makespan = last - first;

    let waits: Vec<u64> = calls.iter().map(waited_for_us).collect();
    let exchange: Vec<u64> = spans.iter().zip(&waits).map(|((from, to), ours)| to - from - ours).collect();
    let mut lines: BTreeMap<&str, u64> = BTreeMap::new();
    for (call, own) in calls.iter().zip(&exchange) {
        *lines.entry(&call.line).or_default() += own;
    }
    let even = exchange.iter().sum::<u64>() / MODEMS as u64;
    let bound = even.max(lines.values().copied().max().unwrap_or(0));

    // Where the modems' time went that the exchange did not need.
    let (mut between, mut tail) = (0, 0);
    let mut free: BTreeMap<&str, u64> = BTreeMap::new();
    for (call, (from, to)) in calls.iter().zip(&spans) {
        between += from.saturating_sub(free.insert(&call.modem, *to).unwrap_or(first));
    }
    for to in free.values() {
        tail += last - to;
    }
    let seats = (makespan * MODEMS as u64) as f64;
    let share = |us: u64| format!("{:.2} %", us as f64 * 100.0 / seats);
    let s = |us: u64| us as f64 / 1e6;
    let ratio = makespan as f64 / bound as f64;
    let ours = s(waits.iter().sum::<u64>() + between) / MODEMS as f64;
    let real = (s(makespan) - ours) / pace() + ours;
    vec![
        Row {
            figure: format!("{name}: {} calls to {} lines", calls.len(), lines.len()),
            measured: format!("{:.2} s", s(makespan)),
            bound: format!("{:.2} s", s(bound)),
            ratio: Some(ratio),
            met: (lines.len() != called).then_some(false),
        },
        // What the exchange waits for us and what lies between two calls takes its time however fast the network is.
        Row {
            figure: "  the same at the pace of a real network".to_owned(),
            measured: format!("{real:.2} s"),
            bound: format!("{:.2} s", s(bound) / pace()),
            ratio: Some(real / (s(bound) / pace())),
            met: ratio_max.map(|most| real / (s(bound) / pace()) <= most),
        },
        Row::told("  longest line", format!("{:.2} s", s(lines.values().copied().max().unwrap_or(0)))),
        Row::told("  the exchange waited for us in calls, of the modems' time", share(waits.iter().sum())),
        Row::told("  between two calls", share(between)),
        Row::told("  idle at the end", share(tail)),
    ]
}

/// How long the exchange waited for us in a call, µs: at its prompts, and for our hang-up after the logout. What its
/// own thinking takes, and waits of the plan for a console that says nothing, are not ours.
fn waited_for_us(call: &ExchangeCall) -> u64 {
    let mut ours = 0;
    for pair in call.entries.windows(2) {
        let span = pair[1].mono_us - pair[0].mono_us;
        ours += match (pair[0].event, pair[1].event) {
            (What::Prompted, What::Username | What::Password)
            | (What::Username, What::Password)
            | (What::LoggedIn, What::Logout | What::Command) => {
                span.saturating_sub(THINK.mul_f64(pace()).as_micros() as u64)
            }
            (What::Prompted | What::LoggedOut, What::HungUp) => span,
            _ => 0,
        };
    }
    ours
}
