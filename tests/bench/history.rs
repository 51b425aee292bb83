//! The history of a thousand nights of 5000 lines on 32 modems: how large its file is, how long a night takes to be taken
//! in, and how soon it answers through the real binary.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use lineman::history::night::{LineNight, ModemNight};
use lineman::history::{Keep, Night, Series, Store, Waits};
use lineman::model::event::{EVENT_FORMAT, Ending, Hangup, LineVerdict, ModemHeader, RunHeader, Sitting};
use lineman::model::{
    CallId, CallRecord, Diagnostics, Facets, Fault, Line, Link, Moment, Mono, RunId, Timeline, Verdict,
};

use super::common::Row;

const NIGHTS: u32 = 1000;
const LINES: u32 = 5000;
const MODEMS: u32 = 32;
/// What the issue asks of an answer, s.
const ANSWER_MAX_S: f64 = 1.0;
/// What a run's start may wait for, together, s.
const START_MAX_S: f64 = 2.0;
/// Answers that are taken the median of, each by a process of its own.
const ASKED: usize = 5;
const DAY_S: u64 = 86_400;

pub(crate) fn rows() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("history.db");
    let began = Instant::now();
    let mut store = Store::write(&file, Waits::Patiently).expect("a history");
    let keep = Keep { calls: Duration::from_secs(400 * DAY_S), verdicts: Duration::from_secs(1100 * DAY_S) };
    let mut town = Town::new();
    let (mut last, mut calls) = (Duration::ZERO, 0);
    for night in 0..NIGHTS {
        let found = town.night(night);
        calls += found.calls.iter().map(Vec::len).sum::<usize>();
        let told = found.told();
        let taken = Instant::now();
        store.ingest(&told).expect("a night");
        store.prune(keep).expect("what is old goes");
        last = taken.elapsed();
    }
    drop(store);
    let made = began.elapsed();
    let mut rows = vec![
        Row::told(
            format!("{NIGHTS} nights of {LINES} lines, {calls} calls: made in"),
            format!("{:.0} s", made.as_secs_f64()),
        ),
        Row::told(
            "  the last night, taken in and what is old let go",
            format!("{:.2} s", last.as_secs_f64()),
        ),
        Row::told("  the file (verdicts of all nights, calls of 400 days)", {
            let bytes: u64 = ["history.db", "history.db-wal"]
                .iter()
                .filter_map(|name| std::fs::metadata(folder.path().join(name)).ok())
                .map(|found| found.len())
                .sum();
            format!("{:.0} MB", bytes as f64 / 1e6)
        }),
    ];
    let asked_at_start = Instant::now();
    let store = Store::read(&file, Waits::Patiently).expect("the history is there");
    let Town { header, .. } = &town;
    let series = Series { plan: &header.plan, bank: &header.bank, except: None };
    let before = store.lines_before(series, &header.lines).expect("it can be read");
    let known = store.recall(series, &header.lines).expect("it can be read");
    let took = asked_at_start.elapsed().as_secs_f64();
    assert_eq!((before.len(), known.len()), (header.lines.len(), header.lines.len()));
    rows.push(Row::at_most("all that a run asks at its start", took, START_MAX_S, "s"));
    drop(store);
    let run = |night: u32| run_id(night).to_string();
    let questions: [(&str, Vec<String>); 10] = [
        ("diff, the last night against the one before", vec!["diff".into()]),
        ("diff, the last night against the first", vec!["diff".into(), run(0)]),
        ("diff, of two nights in the middle", vec!["diff".into(), run(480), run(500)]),
        ("diff, the whole of it as JSON", vec!["diff".into(), "--format".into(), "json".into()]),
        ("trend of a line", vec!["trend".into(), "BR0042-A".into()]),
        ("trend of a site of eight lines", vec!["trend".into(), "BR0300".into()]),
        ("trend of a modem", vec!["trend".into(), "m07".into()]),
        (
            "rates by site, 30 days",
            vec!["rates".into(), "--by".into(), "site".into(), "--since".into(), since()],
        ),
        ("rates by modem, with the comparison, 30 days", {
            vec!["rates".into(), "--by".into(), "modem".into(), "--since".into(), since()]
        }),
        (
            "rates by cause, 30 days",
            vec!["rates".into(), "--by".into(), "cause".into(), "--since".into(), since()],
        ),
    ];
    for (what, words) in questions {
        let mut took: Vec<f64> = (0..ASKED).map(|_| asked(folder.path(), &words).as_secs_f64()).collect();
        took.sort_by(f64::total_cmp);
        rows.push(Row::at_most(what, took[ASKED / 2], ANSWER_MAX_S, "s"));
        rows.push(Row::told("  the slowest of five", format!("{:.3} s", took[ASKED - 1])));
    }
    rows
}

/// The date thirty nights before the last one.
fn since() -> String {
    began(NIGHTS - 30).strftime("%F").to_string()
}

/// Asks through the real binary.
fn asked(folder: &Path, words: &[String]) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lineman"));
    command.arg("report").args(words).args(["--reports"]).arg(folder).env("TZ", "UTC");
    let began = Instant::now();
    let told = command.output().expect("an answer");
    let took = began.elapsed();
    let wrong = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(matches!(told.status.code(), Some(0 | 1)) && !told.stdout.is_empty(), "{words:?}: {wrong}");
    if std::env::var_os("HISTORY_SHOW").is_some() {
        println!("{words:?}\n{}", String::from_utf8_lossy(&told.stdout[..told.stdout.len().min(6000)]));
    }
    took
}

fn began(night: u32) -> Timestamp {
    let first: Timestamp = "2024-01-01T02:00:00Z".parse().expect("a time");
    first + SignedDuration::from_hours(24 * i64::from(night))
}

fn run_id(night: u32) -> RunId {
    RunId::new(began(night), &"nightly".parse().expect("a name"))
}

/// What lines are like: most are sound, some die for some weeks and are repaired, some come and go, some drift.
struct Town {
    header: RunHeader,
    /// Fails until this night, and how.
    dead: Vec<Option<(u32, Fault)>>,
    dice: fastrand::Rng,
}

struct Found<'a> {
    header: &'a RunHeader,
    started: Timestamp,
    verdicts: Vec<LineVerdict>,
    calls: Vec<Vec<CallRecord>>,
}

impl Town {
    fn new() -> Self {
        let line = |n: u32| Line {
            id: format!("BR{n:04}-A").parse().expect("a name"),
            // Most sites have one line, and some eight.
            site: format!("BR{:04}", if n < 400 { n / 8 * 8 } else { n }).parse().expect("a name"),
            number: format!("+1919{:07}", 2_000_000 + n).parse().expect("a number"),
            hostname: None,
            facets: Facets { country: Some(["US", "DE", "GB"][n as usize % 3].into()), ..Facets::default() },
        };
        let family = |m: u32| ["courier", "rockwell-conexant", "digi"][m as usize % 3];
        let modem = |m: u32| ModemHeader {
            id: format!("m{m:02}").parse().expect("a name"),
            port: format!("/dev/ttyUSB{m}"),
            profile: family(m).to_owned(),
            trunk: Some(["pstn", "isdn"][m as usize % 2].parse().expect("a name")),
        };
        let header = RunHeader {
            format: EVENT_FORMAT,
            run: run_id(0),
            plan: "nightly".parse().expect("a name"),
            plan_path: None,
            bank: "hq".parse().expect("a name"),
            seed: 1,
            currency: None,
            lines: (0..LINES).map(line).collect(),
            modems: (0..MODEMS).map(modem).collect(),
            sitting: Sitting { lineman: "0.1.0".to_owned(), origin_us: 0 },
        };
        Self { header, dead: vec![None; LINES as usize], dice: fastrand::Rng::with_seed(7) }
    }

    fn night(&mut self, night: u32) -> Found<'_> {
        self.header.run = run_id(night);
        let started = began(night);
        let (mut verdicts, mut calls) = (Vec::new(), Vec::new());
        for n in 0..LINES {
            let dice = &mut self.dice;
            let dead = &mut self.dead[n as usize];
            if dead.is_some_and(|(until, _)| until <= night) {
                *dead = None;
            }
            if dead.is_none() && dice.u32(0..1500) == 0 {
                let faults = [Fault::Busy, Fault::NoAnswer, Fault::NoCarrier, Fault::ConsoleSilent];
                *dead = Some((night + dice.u32(3..40), faults[dice.usize(0..4)]));
            }
            // One line in two hundred comes and goes.
            let wobbles = n % 200 == 7 && dice.u32(0..3) == 0;
            let fault = dead.map(|(_, fault)| fault).or(wobbles.then_some(Fault::NoAnswer));
            let skipped = dice.u32(0..100) == 0;
            let line = &self.header.lines[n as usize];
            let mut tonight = Vec::new();
            let verdict = if skipped {
                Some(Fault::PastDeadline)
            } else {
                // m07 loses one sound line in thirty.
                let modem = dice.u32(0..MODEMS);
                let lost = modem == 7 && dice.u32(0..30) == 0;
                match (fault, lost) {
                    (Some(fault), _) => {
                        tonight.push(call(dice, line, 1, modem, night, n, Some(fault)));
                        tonight.push(call(dice, line, 2, (modem + 5) % MODEMS, night, n, Some(fault)));
                        Some(fault)
                    }
                    (None, true) => {
                        tonight.push(call(dice, line, 1, modem, night, n, Some(Fault::NoCarrier)));
                        tonight.push(call(dice, line, 2, (modem + 5) % MODEMS, night, n, None));
                        Some(Fault::NeededRetry)
                    }
                    (None, false) => {
                        tonight.push(call(dice, line, 1, modem, night, n, None));
                        None
                    }
                }
            };
            verdicts.push(LineVerdict {
                line: line.id.clone(),
                fault: verdict,
                detail: verdict.map(|fault| format!("{fault} in 2 calls, 187 s apart")).unwrap_or_default(),
                call: tonight.last().map(|call: &CallRecord| call.call.clone()),
                attempts: tonight.len() as u32,
            });
            calls.push(tonight);
        }
        Found { header: &self.header, started, verdicts, calls }
    }
}

impl Found<'_> {
    fn told(&self) -> Night<'_> {
        let lines = self.header.lines.iter().zip(&self.verdicts).zip(&self.calls);
        Night {
            header: self.header,
            started: self.started,
            ended: Some((Ending::Completed, self.started + SignedDuration::from_hours(3))),
            sittings: 1,
            journal_bytes: 20_000_000,
            lines: lines
                .map(|((line, verdict), calls)| LineNight {
                    line,
                    verdict: Some(verdict),
                    calls,
                    doubted: false,
                })
                .collect(),
            modems: self
                .header
                .modems
                .iter()
                .map(|modem| ModemNight {
                    id: &modem.id,
                    family: &modem.profile,
                    trunk: modem.trunk.as_ref(),
                    health: "good",
                    state: Some("ready"),
                    quarantined: false,
                    bench_faults: 0,
                    hangup_unproven: 0,
                    times_out: 0,
                    checks: 0,
                    checks_failed: 0,
                    on_line_ms: 9_000_000,
                    last_fault: None,
                    detail: "",
                })
                .collect(),
        }
    }
}

fn call(
    dice: &mut fastrand::Rng,
    line: &Line,
    attempt: u32,
    modem: u32,
    night: u32,
    n: u32,
    fault: Option<Fault>,
) -> CallRecord {
    let started = began(night) + SignedDuration::from_secs(i64::from(n) * 2 + i64::from(attempt) * 300);
    let mut timeline = Timeline::default();
    let mut at = |moment, ms: u64| timeline.observe(moment, Mono::from_millis(ms));
    at(Moment::Taken, 0);
    at(Moment::Ready, 60);
    at(Moment::Dialed, 64);
    let works = Verdict::of(fault) == Verdict::Pass;
    // One line in a hundred takes longer to train from night to night.
    let drift = if n % 100 == 42 { u64::from(night) * 10 } else { 0 };
    let train = 9000 + drift + dice.u64(0..1200);
    if works {
        at(Moment::Ringing, 4100);
        at(Moment::Answered, 10_000);
        at(Moment::Carrier, 10_000 + train);
        at(Moment::Connected, 11_000 + train);
    }
    at(Moment::OnHook, 14_000 + train);
    at(Moment::Released, 14_010 + train);
    let told = works.then(|| {
        Box::new(Diagnostics {
            rx_level_dbm: Some(-20 - (n % 6) as i16 - dice.i16(0..2)),
            snr_db: Some(30 + dice.u16(0..4)),
            retrains: Some(u32::from(dice.u32(0..40) == 0)),
            ..Diagnostics::default()
        })
    });
    let rate = 26_400 + 2400 * dice.u32(0..3);
    CallRecord {
        call: CallId::new(&line.id, attempt),
        line: line.id.clone(),
        modem: format!("m{modem:02}").parse().expect("a name"),
        attempt,
        dialed: String::new(),
        via: None,
        started,
        finished: started + SignedDuration::from_secs(25),
        timeline,
        rings: None,
        fault,
        detail: String::new(),
        cut_short_ms: None,
        link: if works {
            Link {
                tx_bps: Some(rate),
                rx_bps: Some(rate),
                modulation: Some("V.34".into()),
                ..Link::default()
            }
        } else {
            Link::default()
        },
        diagnostics: told,
        hostname: None,
        consoles: Vec::new(),
        charge: None,
        hangup: Hangup::Proven,
        unknown: Vec::new(),
        transcript: None,
    }
}
