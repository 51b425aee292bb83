//! A thousand nights of five thousand lines: what a night costs to take in, what the file weighs, and how long a run waits
//! for what it asks at its start; and how soon the history answers. The nights are a draw by a seed; nothing is dialed and no journal is written.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lineman::history::night::{LineNight, ModemNight, Night};
use lineman::history::{Series, Store, Waits};
use lineman::model::event::{EVENT_FORMAT, Ending, Hangup, LineVerdict, ModemHeader, RunHeader, Sitting};
use lineman::model::{
    BankName, CallId, CallRecord, Charge, Diagnostics, Facets, Fault, Line, LineId, Link, Micros, Moment,
    Mono, NumberClass, PlanName, RunId, Timeline,
};

use super::answers;
use super::common::Row;

pub(crate) const NIGHTS: i64 = 1_000;
const LINES: usize = 5_000;
const MODEMS: usize = 32;
/// Of so many lines one fails, and goes on failing for about a week.
const FAILING_EVERY: usize = 25;
/// What a run's start may wait for, together.
const START_MAX_S: f64 = 2.0;
const NIGHT_S: i64 = 86_400;
const FIRST_S: i64 = 1_700_000_000;

pub(crate) fn rows() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder for the benchmark");
    let path = folder.path().join("history.db");
    let bank = Bank::new();
    let mut store = Store::write(&path, Waits::Patiently).expect("a new history");
    let (mut all, mut last) = (Duration::ZERO, Duration::ZERO);
    let mut calls = 0;
    bank.fill(&mut store, |found, took| {
        calls += found;
        last = took;
        all += took;
    });
    drop(store);
    let began = Instant::now();
    let store = Store::read(&path, Waits::Patiently).expect("the history is there");
    let series = Series { plan: &bank.plan, bank: &bank.name, except: None };
    let before = store.lines_before(series, &bank.lines).expect("it can be read");
    let known_before = began.elapsed();
    let known = store.recall(series, &bank.lines).expect("it can be read");
    let voices = store.voice_holds(&bank.name).expect("it can be read");
    let start = began.elapsed().as_secs_f64();
    let bytes = store.bytes();
    let rows = NIGHTS as usize * LINES + calls;
    let night = |night: i64| Timestamp::from_second(FIRST_S + night * NIGHT_S).expect("a time");
    let answers = answers::rows(folder.path(), &(0..NIGHTS).map(night).collect::<Vec<_>>());
    let mut told = vec![
        Row::told(
            format!("{NIGHTS} nights of {LINES} lines, {calls} calls"),
            format!("{:.0} MB", bytes as f64 / 1e6),
        ),
        Row::told("  by verdict or call", format!("{:.0} bytes", bytes as f64 / rows as f64)),
        Row::told("  to take in a night, on average", format!("{:.3} s", all.as_secs_f64() / NIGHTS as f64)),
        Row::told("  to take in the last one", format!("{:.3} s", last.as_secs_f64())),
        Row::told("  what was before, of all lines", format!("{:.3} s", known_before.as_secs_f64())),
        Row::at_most("  all that a run asks at its start", start, START_MAX_S, "s"),
        Row {
            met: Some(before.len() == LINES && known.len() == LINES),
            ..Row::told("  lines that are known", format!("{} {voices}", before.len(), voices = known.len()))
        },
        Row { met: Some(voices.is_empty()), ..Row::told("  strangers", "none") },
    ];
    told.extend(answers);
    told
}

/// What does not change from night to night.
pub(crate) struct Bank {
    pub(crate) plan: PlanName,
    pub(crate) name: BankName,
    pub(crate) lines: Vec<Line>,
    modems: Vec<ModemHeader>,
}

pub(crate) struct Found {
    verdict: LineVerdict,
    pub(crate) calls: Vec<CallRecord>,
}

impl Bank {
    pub(crate) fn new() -> Self {
        let line = |n: usize| Line {
            id: format!("BR{n:04}-A").parse().expect("a name"),
            site: format!("BR{n:04}").parse().expect("a name"),
            number: format!("+1919{n:07}").parse().expect("a number"),
            hostname: format!("br{n:04}-rtr1").parse().ok(),
            facets: Facets { country: Some("US".to_owned()), ..Facets::default() },
        };
        let modem = |n: usize| ModemHeader {
            id: format!("m{n:02}").parse().expect("a name"),
            port: format!("/dev/ttyS{n}"),
            profile: ["courier", "rockwell-conexant"][n % 2].to_owned(),
            trunk: "pstn".parse().ok(),
        };
        Self {
            plan: "nightly".parse().expect("a name"),
            name: "hq".parse().expect("a name"),
            lines: (0..LINES).map(line).collect(),
            modems: (0..MODEMS).map(modem).collect(),
        }
    }

    /// Takes all nights in; `each` is told the calls of one, and how long it took.
    pub(crate) fn fill(&self, store: &mut Store, mut each: impl FnMut(usize, Duration)) {
        let mut dice = fastrand::Rng::with_seed(4);
        let mut failing = vec![0_u8; LINES];
        for night in 0..NIGHTS {
            let found = self.night(night, &mut failing, &mut dice);
            let run = self.run(night);
            let began = Instant::now();
            store.ingest(&self.told(&run, night, &found)).expect("a night is taken in");
            each(found.iter().map(|found| found.calls.len()).sum(), began.elapsed());
        }
    }

    pub(crate) fn run(&self, night: i64) -> RunHeader {
        let started = Timestamp::from_second(FIRST_S + night * NIGHT_S).expect("a time");
        RunHeader {
            format: EVENT_FORMAT,
            run: RunId::new(started, &self.plan),
            plan: self.plan.clone(),
            plan_path: None,
            bank: self.name.clone(),
            seed: 0,
            currency: Some("USD".to_owned()),
            sites: std::collections::BTreeMap::new(),
            lines: Vec::new(),
            modems: Vec::new(),
            sitting: Sitting { lineman: "0.1.0".to_owned(), origin_us: 0 },
        }
    }

    pub(crate) fn night(&self, night: i64, failing: &mut [u8], dice: &mut fastrand::Rng) -> Vec<Found> {
        let mut found = Vec::with_capacity(LINES);
        for (line, fails) in self.lines.iter().zip(failing) {
            *fails = match *fails {
                0 => u8::from(dice.usize(0..FAILING_EVERY * 7) == 0) * dice.u8(1..14),
                nights => nights - 1,
            };
            let fault = (*fails > 0).then_some(Fault::NoAnswer);
            let count = if fault.is_some() { 2 } else { 1 + u32::from(dice.u8(0..20) == 0) };
            let call = |attempt: u32| {
                let of_call = if attempt < count { Some(Fault::Busy) } else { fault };
                record(&line.id, attempt, night, &self.modems[dice.usize(0..MODEMS)], of_call, dice)
            };
            let calls: Vec<CallRecord> = (1..=count).map(call).collect();
            let detail = fault.map(|_| "rang 9 times within 55 s, and nothing answered; twice".to_owned());
            let verdict = LineVerdict {
                line: line.id.clone(),
                fault,
                detail: detail.unwrap_or_default(),
                call: calls.last().map(|record| record.call.clone()),
                attempts: count,
            };
            found.push(Found { verdict, calls });
        }
        found
    }

    pub(crate) fn told<'a>(&'a self, run: &'a RunHeader, night: i64, found: &'a [Found]) -> Night<'a> {
        let started = Timestamp::from_second(FIRST_S + night * NIGHT_S).expect("a time");
        let ended = Timestamp::from_second(FIRST_S + night * NIGHT_S + 20_000).expect("a time");
        let modem = |modem: &'a ModemHeader| ModemNight {
            id: &modem.id,
            family: &modem.profile,
            trunk: modem.trunk.as_ref(),
            health: "good",
            state: Some("ready"),
            quarantined: false,
            bench_faults: 0,
            hangup_unproven: 0,
            times_out: 0,
            checks: 1,
            checks_failed: 0,
            on_line_ms: 6_000_000,
            last_fault: None,
            detail: "",
        };
        let line = |(line, found): (&'a Line, &'a Found)| LineNight {
            line,
            verdict: Some(&found.verdict),
            calls: &found.calls,
            doubted: false,
        };
        Night {
            header: run,
            started,
            ended: Some((Ending::Completed, ended)),
            sittings: 1,
            journal_bytes: 20_000_000,
            lines: self.lines.iter().zip(found).map(line).collect(),
            modems: self.modems.iter().map(modem).collect(),
        }
    }
}

fn record(
    line: &LineId,
    attempt: u32,
    night: i64,
    modem: &ModemHeader,
    fault: Option<Fault>,
    dice: &mut fastrand::Rng,
) -> CallRecord {
    let started = FIRST_S + night * NIGHT_S + dice.i64(0..18_000);
    let mut timeline = Timeline::default();
    let mut at = Mono::ZERO;
    let mut moments = vec![Moment::Taken, Moment::Ready, Moment::Dialed, Moment::Ringing];
    if fault.is_none() {
        moments.extend([Moment::Answered, Moment::Carrier, Moment::Connected, Moment::Prompted]);
        moments.extend([Moment::LoggedIn, Moment::Verified, Moment::LoggedOut]);
    }
    for moment in moments.into_iter().chain([Moment::OnHook, Moment::Released]) {
        timeline.observe(moment, at);
        at = at + Duration::from_millis(dice.u64(300..12_000));
    }
    let told = Diagnostics {
        rx_level_dbm: Some(-22 + dice.i16(-3..3)),
        tx_level_dbm: Some(-12),
        snr_db: Some(34 + dice.u16(0..4)),
        retrains: Some(0),
        rate_shifts: Some(dice.u32(0..3)),
        round_trip_ms: Some(40 + dice.u32(0..9)),
        ..Diagnostics::default()
    };
    let rate = 26_400 + 2_400 * dice.u32(0..4);
    CallRecord {
        call: CallId::new(line, attempt),
        line: line.clone(),
        modem: modem.id.clone(),
        attempt,
        dialed: String::new(),
        via: None,
        started: Timestamp::from_second(started).expect("a time"),
        finished: Timestamp::from_second(started + 60).expect("a time"),
        timeline,
        rings: Some(2),
        fault,
        detail: String::new(),
        cut_short_ms: None,
        link: Link {
            modulation: Some("V.34".to_owned()),
            tx_bps: fault.is_none().then_some(rate),
            rx_bps: fault.is_none().then_some(rate),
            protocol: Some("LAPM".to_owned()),
            compression: Some("V.42bis".to_owned()),
        },
        diagnostics: fault.is_none().then(|| Box::new(told)),
        hostname: None,
        consoles: Vec::new(),
        charge: Some(Charge {
            class: NumberClass::National,
            billed_s: if fault.is_none() { 60 } else { 0 },
            cost: Some(Micros(if fault.is_none() { 21_000 } else { 0 })),
        }),
        hangup: Hangup::Proven,
        unknown: Vec::new(),
        transcript: None,
    }
}
