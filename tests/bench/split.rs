//! The split: what each shipped family tells of a call's phases, and how far its boundaries lie from the exchange's log,
//! with modem lines and without. In memory under paused time, so that nothing of this computer is in the figures: an
//! error is the modem's, which hides the instant, or a mistake of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use lineman::model::{CallRecord, Moment, PhaseTimes};
use lineman::sim::log::{Entry, What};

use super::common::{Row, Sample};
use crate::stage::{Played, Stage};

const LINES: usize = 60;
/// What rounding to whole ms may add to a phase's error, µs.
const ROUNDING_US: u64 = 500;

/// Modems of a family that tell less than its others: how they differ, in the exchange's words.
const LESSER: [(&str, &str, &str); 6] = [
    ("courier", "RINGING once a call", "ringing_once: true"),
    ("courier", "stops at X4", "refuses: [X6, X7]"),
    ("rockwell-conexant", "no `;` form", "refuses: [';']"),
    ("rockwell-conexant", "no CARRIER", "refuses: [W1, S95, +MR]"),
    ("si24xx", "RINGING once a call", "ringing_once: true"),
    ("zyxel", "RINGING once a call", "ringing_once: true"),
];

type Log<'a> = BTreeMap<What, &'a Entry>;

pub(crate) fn rows() -> Vec<Row> {
    let lines = lines();
    let mut rows = Vec::new();
    for family in families() {
        rows.extend(both(&family, "", &lines));
        for (_, name, words) in LESSER.iter().filter(|(of, ..)| *of == family) {
            rows.extend(both(&format!("{family}, {words}"), name, &lines));
        }
    }
    rows
}

/// All profiles that are shipped.
fn families() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("hardware/modems");
    let files = fs::read_dir(folder).expect("the profiles are there").flatten();
    files.filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned())).collect()
}

/// Lines that differ in all that a modem may hide: bursts, where in burst or pause they answer, training, error control,
/// and for every fourth the cadence, which is another country's.
fn lines() -> String {
    let mut chance = fastrand::Rng::with_seed(20_261_122);
    let mut text = String::new();
    for index in 0..LINES {
        let (ring, cycle_ms) =
            if index % 4 == 3 { (", ring: { on: 1s, off: 2s }", 3000) } else { ("", 6000) };
        let _ = writeln!(
            text,
            "  - {{ id: L{index:02}, number: \"+1 704 555 01{index:02}\"{ring}, rings: {}, answer_after: {}ms, \
             train: {}ms, error_control: {}ms }}",
            chance.u32(1..=5),
            chance.u32(1..cycle_ms),
            chance.u32(4000..=14_000),
            chance.u32(300..=3000)
        );
    }
    text
}

/// Without modem lines and with them; one row where these add nothing.
fn both(modem: &str, variant: &str, lines: &str) -> Vec<Row> {
    let family = modem.split(',').next().unwrap_or(modem);
    let name = if variant.is_empty() { family.to_owned() } else { format!("  {variant}") };
    let bare = Told::of(&play(modem, lines, false));
    let wired = Told::of(&play(modem, lines, true));
    if bare == wired {
        return bare.rows(&name);
    }
    let mut rows = bare.rows(&format!("{name}, no modem lines"));
    rows.extend(wired.rows(&format!("{name}, modem lines")));
    rows
}

fn play(modem: &str, lines: &str, wired: bool) -> Played {
    let exchange =
        format!("exchange: split\nseed: 1\nmodems:\n  - {{ id: m0, profile: {modem} }}\nlines:\n{lines}");
    let stage = Stage::new(&exchange);
    let played = if wired { stage.with_lines() } else { stage }.play();
    for (line, fault) in played.faults() {
        assert_eq!(fault, None, "{modem}, modem lines: {wired}, {line}: {:?}", played.verdict(&line));
    }
    played
}

/// What was told, and how true it was.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// Phases and spans that every call had, in their order.
    phases: Vec<&'static str>,
    /// The answer, which splits ring from train: where it was observed, or bounded by a cadence that was heard.
    split: Errors,
    /// The same where one RINGING came: it was answered at the first burst, or the modem tells no more.
    single: Errors,
    /// Greatest error of an instant that was observed, µs.
    observed: u64,
    /// Instants and phases outside their own bounds.
    broken: Vec<String>,
}

/// Errors of one instant, µs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Errors {
    off: Vec<u64>,
    /// The widest bound that a call gave for it.
    widest: u64,
}

impl Told {
    fn of(played: &Played) -> Self {
        let mut told = Self::default();
        let logs = logged(played);
        let calls = played.calls();
        assert_eq!(calls.len(), logs.len(), "each call dials once");
        for (index, (call, log)) in calls.iter().zip(&logs).enumerate() {
            told.instants(call, log);
            told.durations(call, log, index == 0);
        }
        told
    }

    fn instants(&mut self, call: &CallRecord, log: &Log<'_>) {
        for (moment, what) in [
            (Moment::Dialed, What::Dialed),
            (Moment::DigitsSent, What::DigitsSent),
            (Moment::Ringing, What::Ringback),
            (Moment::Answered, What::Answered),
            (Moment::Carrier, What::Carrier),
            (Moment::Connected, What::Connected),
        ] {
            let Some(mark) = call.timeline.get(moment) else { continue };
            let off = log.get(&what).map_or(u64::MAX, |truth| mark.at.as_micros().abs_diff(truth.mono_us));
            let width = u64::try_from(mark.half_width.as_micros()).unwrap_or(u64::MAX);
            if moment == Moment::Answered {
                let errors = if call.rings == Some(1) { &mut self.single } else { &mut self.split };
                errors.off.push(off);
                errors.widest = errors.widest.max(width);
            }
            if width == 0 {
                self.observed = self.observed.max(off);
            }
            // The middle of an odd span lies between two µs.
            if off > width + 1 {
                self.broken.push(format!("{} {moment:?} is {off} us off ± {width}", call.call));
            }
        }
    }

    /// Holds the reported phases to the log's, within the reported `split_error_ms`.
    fn durations(&mut self, call: &CallRecord, log: &Log<'_>, first: bool) {
        use What::{Answered, Carrier, Connected, Dialed, DigitsSent, Ringback};
        let times = PhaseTimes::of(&call.timeline);
        let has = |moment| call.timeline.get(moment).is_some();
        let sent = if has(Moment::DigitsSent) { DigitsSent } else { Dialed };
        let ring = if has(Moment::Ringing) { Ringback } else { DigitsSent };
        let bound_us = times.split_error_ms.unwrap_or(0) * 1000 + ROUNDING_US + 1;
        let mut phases = Vec::new();
        for (phase, told, from, to) in [
            ("dial", times.dial_ms, Dialed, DigitsSent),
            ("post_dial", times.post_dial_ms, sent, Ringback),
            ("ring", times.ring_ms, ring, Answered),
            ("train", times.train_ms, Answered, Carrier),
            ("connect", times.connect_ms, Carrier, Connected),
            ("ring+train", times.ring_train_ms, ring, Carrier),
            ("train+connect", times.train_connect_ms, Answered, Connected),
            ("dialed..connect", times.dialed_to_connect_ms, Dialed, Connected),
        ] {
            let Some(told) = told else { continue };
            phases.push(phase);
            let truth =
                log.get(&to).zip(log.get(&from)).map_or(u64::MAX, |(to, from)| to.mono_us - from.mono_us);
            if (told * 1000).abs_diff(truth) > bound_us {
                self.broken
                    .push(format!("{} {phase}_ms is {told}, and it was {truth} us ± {bound_us}", call.call));
            }
        }
        if first {
            self.phases = phases;
        } else {
            self.phases.retain(|phase| phases.contains(phase));
        }
    }

    fn rows(&self, name: &str) -> Vec<Row> {
        // Every family has this one; it is told only where there is nothing better.
        let told: Vec<&str> = self
            .phases
            .iter()
            .copied()
            .filter(|p| *p != "dialed..connect" || self.phases.len() == 1)
            .collect();
        for broken in &self.broken {
            println!("  OUTSIDE ITS BOUND: {name}: {broken}");
        }
        let met = Some(self.broken.is_empty() && self.observed <= 1);
        let mut rows = Vec::new();
        for (figure, errors) in [
            (format!("{name}: {}", told.join(", ")), &self.split),
            (format!("{name}: one RINGING"), &self.single),
        ] {
            let off = Sample::of(errors.off.iter().copied());
            if off.len() == 0 {
                continue;
            }
            let ms = |us: u64| us.div_ceil(1000);
            rows.push(Row {
                figure,
                measured: format!("{}, {} ms", ms(off.percentile(50)), ms(off.percentile(100))),
                bound: format!("{} ms", ms(errors.widest)),
                ratio: (errors.widest > 0).then(|| off.percentile(100) as f64 / errors.widest as f64),
                met,
            });
        }
        if rows.is_empty() {
            let row = Row::told(format!("{name}: {}", told.join(", ")), "no split");
            rows.push(Row { met, ..row });
        }
        rows
    }
}

/// What the exchange's log has of each call, in the order in which they were dialed.
fn logged(played: &Played) -> Vec<Log<'_>> {
    let mut calls: BTreeMap<u64, Log<'_>> = BTreeMap::new();
    for entry in &played.log {
        if let Some(call) = entry.call {
            calls.entry(call).or_default().entry(entry.event).or_insert(entry);
        }
    }
    calls.into_values().filter(|call| call.contains_key(&What::Dialed)).collect()
}
