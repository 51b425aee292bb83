//! What a shortened first call saves on a night on which some lines have died: the same night twice in one run, with the
//! plan's `adaptive` on and off. In memory and in virtual time, so the figures are the scheduler's and the limits' alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use lineman::call::limits::UNANSWERED;
use lineman::model::usual::Nights;
use lineman::model::{Fault, LineId, Moment, Usual, Verdict};

use super::common::Row;
use super::stage::{PASSWORD, Played, Stage, USER};

const MODEMS: usize = 4;
const LINES: usize = 40;
/// Nights that are known of the lines.
const NIGHTS: usize = 6;
/// One line in so many has died since.
const DEAD_EVERY: usize = 5;
/// Least share of the modems' time in failing calls that must be saved: one call of two from 90 s to some 40 s is a
/// quarter.
const SAVED_MIN: f64 = 0.2;

pub(crate) fn rows() -> Vec<Row> {
    let mut usual: BTreeMap<LineId, Nights> = BTreeMap::new();
    let sound = night(false);
    let before = play(&sound, BTreeMap::new(), true);
    for call in before.calls() {
        for _ in 0..NIGHTS {
            usual.entry(call.line.clone()).or_default().note("generic", call);
        }
    }
    let usual: BTreeMap<_, _> = usual.into_iter().map(|(line, nights)| (line, nights.usual())).collect();
    let tonight = night(true);
    let full = play(&tonight, usual.clone(), false);
    let short = play(&tonight, usual, true);

    let same = full.faults() == short.faults();
    let dead = short.faults().iter().filter(|(_, fault)| Verdict::of(*fault) == Verdict::Fail).count();
    let saved = 1.0 - secs(in_vain(&short)) / secs(in_vain(&full));
    let ratio = |a: Duration, b: Duration| secs(a) / secs(b);
    vec![
        Row {
            figure: format!("modems' time in {dead} dead lines of {LINES}, adaptive by full"),
            measured: format!("{:.0} s", secs(in_vain(&short))),
            bound: format!("{:.0} s", secs(in_vain(&full))),
            ratio: Some(ratio(in_vain(&short), in_vain(&full))),
            met: Some(saved >= SAVED_MIN && same && dead == LINES / DEAD_EVERY),
        },
        Row {
            figure: format!("the night on {MODEMS} modems, adaptive by full"),
            measured: format!("{:.0} s", secs(short.took)),
            bound: format!("{:.0} s", secs(full.took)),
            ratio: Some(ratio(short.took, full.took)),
            met: Some(short.took <= full.took),
        },
        Row::told("  verdicts that differ", if same { "none".to_owned() } else { "SOME".to_owned() }),
        Row::told("  first calls cut short", cut_short(&short).to_string()),
        Row::told("  sound lines that needed a second call for it", needed_retry(&short).to_string()),
    ]
}

/// Modems that tell no ringing: a line that has died costs them their whole limit, twice.
fn night(some_died: bool) -> String {
    let mut text = "exchange: bench\nseed: 1\nmodems:\n".to_owned();
    for n in 0..MODEMS {
        let _ = writeln!(text, "  - {{ id: m{n}, profile: generic }}");
    }
    text.push_str("lines:\n");
    for n in 0..LINES {
        let (rings, train_s) = (1 + n % 3, 6 + n % 5);
        let fault = match n % DEAD_EVERY {
            0 if some_died => ", fault: no-ring",
            _ => "",
        };
        let _ = writeln!(
            text,
            "  - {{ id: L{n:03}, number: \"+1 704 555 {:04}\", console: cisco-ios, hostname: rtr1, username: {USER}, \
             password: {PASSWORD}, rings: {rings}, train: {train_s}s{fault} }}",
            100 + n
        );
    }
    text
}

fn play(exchange: &str, usual: BTreeMap<LineId, Usual>, adaptive: bool) -> Played {
    let mut stage = Stage::new(exchange);
    stage.usual = usual;
    stage.policy.adaptive = adaptive;
    // The pauses before a second call are the plan's, and no modem's time.
    stage.policy.retry_after = UNANSWERED.map(|fault| (fault, Duration::from_secs(1))).into();
    // The modem's own S7 (75 s) stands just above it.
    stage.limits.dial = Duration::from_secs(74);
    stage.play()
}

/// The modems' time in calls that found nobody.
fn in_vain(played: &Played) -> Duration {
    let taken = |call: &&lineman::model::CallRecord| {
        let at = |moment| call.timeline.get(moment).map(|mark| mark.at);
        at(Moment::Released).zip(at(Moment::Taken)).map(|(to, from)| to.since(from))
    };
    let calls = played.calls().into_iter();
    calls.filter(|call| Verdict::of(call.fault) == Verdict::Fail).filter_map(|call| taken(&call)).sum()
}

fn cut_short(played: &Played) -> usize {
    played.calls().iter().filter(|call| call.cut_short_ms.is_some()).count()
}

fn needed_retry(played: &Played) -> usize {
    played.faults().iter().filter(|(_, fault)| *fault == Some(Fault::NeededRetry)).count()
}

const fn secs(span: Duration) -> f64 {
    span.as_secs_f64()
}
