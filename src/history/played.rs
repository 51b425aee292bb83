//! Runs for the tests of this room: told as a table of what was found, and taken in as real ones are.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::night::{LineNight, ModemNight, Night};
use super::{Store, Waits};
use crate::model::event::{EVENT_FORMAT, Ending, LineVerdict, ModemHeader, RunHeader, Sitting};
use crate::model::{CallId, CallRecord, Facets, Fault, Line, Moment, Mono, RunId, TrunkName};

/// What a run found of a line; absent: it was killed before.
pub(super) type Found = Option<Option<Fault>>;

/// A history in a folder of its own.
pub(super) struct Town {
    folder: TempDir,
    store: Store,
    bank: &'static str,
}

/// One call of a night, for the tests that look at calls.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) modem: &'static str,
    pub(super) fault: Option<Fault>,
    pub(super) train_ms: Option<u64>,
}

pub(super) const MODEMS: [(&str, &str, Option<&str>); 4] = [
    ("m00", "courier", Some("pstn")),
    ("m01", "courier", Some("pstn")),
    ("m02", "courier", Some("isdn")),
    ("m03", "rockwell", None),
];

/// The nth night.
pub(super) fn began(night: u32) -> Timestamp {
    let first: Timestamp = "2026-01-01T02:00:00Z".parse().unwrap();
    first + SignedDuration::from_hours(24 * i64::from(night))
}

pub(super) fn run_id(night: u32) -> RunId {
    RunId::new(began(night), &"nightly".parse().unwrap())
}

impl Town {
    pub(super) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::write(&folder.path().join("history.db"), Waits::Patiently).unwrap();
        Self { folder, store, bank: "hq" }
    }

    /// The nights from now on are run from another bank.
    pub(super) fn moves_to(&mut self, bank: &'static str) {
        self.bank = bank;
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The line of this name, with a number of its own.
    pub(super) fn line(name: &str) -> Line {
        let digits: u32 = name.bytes().fold(0, |sum, byte| (sum * 31 + u32::from(byte)) % 9_999_999);
        Line {
            id: name.parse().unwrap(),
            site: name.split('-').next().unwrap().parse().unwrap(),
            number: format!("+1919{digits:07}").parse().unwrap(),
            hostname: None,
            facets: Facets { country: Some("US".into()), ..Facets::default() },
        }
    }

    /// A night without calls, but for one that decided where a line was called.
    pub(super) fn night(&mut self, night: u32, found: &[(&str, Found)]) {
        let calls: Vec<(&str, Found, Vec<Call>)> = found
            .iter()
            .map(|&(line, found)| {
                let called = found.is_some_and(|fault| fault != Some(Fault::Skipped));
                let call = Call { modem: "m00", fault: found.flatten(), train_ms: None };
                (line, found, if called { vec![call] } else { Vec::new() })
            })
            .collect();
        self.night_with_calls(night, &calls);
    }

    pub(super) fn night_with_calls(&mut self, night: u32, found: &[(&str, Found, Vec<Call>)]) {
        let lines: Vec<Line> = found.iter().map(|(name, ..)| Self::line(name)).collect();
        let header = RunHeader {
            format: EVENT_FORMAT,
            run: run_id(night),
            plan: "nightly".parse().unwrap(),
            plan_path: None,
            bank: self.bank.parse().unwrap(),
            seed: 1,
            currency: None,
            sites: std::collections::BTreeMap::new(),
            lines: lines.clone(),
            modems: MODEMS
                .iter()
                .map(|(id, family, trunk)| ModemHeader {
                    id: id.parse().unwrap(),
                    port: String::new(),
                    profile: (*family).to_owned(),
                    trunk: trunk.map(|name| name.parse().unwrap()),
                })
                .collect(),
            sitting: Sitting { lineman: "0.1.0".into(), origin_us: 0 },
        };
        let records: Vec<Vec<CallRecord>> = lines
            .iter()
            .zip(found)
            .map(|(line, (_, _, calls))| {
                (1..).zip(calls).map(|(attempt, call)| record(&line.id, attempt, night, call)).collect()
            })
            .collect();
        let verdicts: Vec<Option<LineVerdict>> = lines
            .iter()
            .zip(found)
            .zip(&records)
            .map(|((line, (_, found, _)), calls)| {
                found.map(|fault| LineVerdict {
                    line: line.id.clone(),
                    fault,
                    detail: String::new(),
                    call: calls.last().map(|call| call.call.clone()),
                    attempts: u32::try_from(calls.len()).unwrap(),
                })
            })
            .collect();
        let trunks: Vec<Option<TrunkName>> = header.modems.iter().map(|modem| modem.trunk.clone()).collect();
        let told = Night {
            header: &header,
            started: began(night),
            ended: Some((Ending::Completed, began(night) + SignedDuration::from_hours(2))),
            sittings: 1,
            journal_bytes: 1000,
            lines: lines
                .iter()
                .zip(&verdicts)
                .zip(&records)
                .map(|((line, verdict), calls)| LineNight {
                    line,
                    verdict: verdict.as_ref(),
                    calls,
                    doubted: false,
                })
                .collect(),
            modems: header
                .modems
                .iter()
                .zip(&trunks)
                .map(|(modem, trunk)| ModemNight {
                    id: &modem.id,
                    family: &modem.profile,
                    trunk: trunk.as_ref(),
                    health: "good",
                    state: Some("ready"),
                    quarantined: false,
                    bench_faults: 0,
                    hangup_unproven: 0,
                    times_out: 0,
                    checks: 0,
                    checks_failed: 0,
                    on_line_ms: 1000,
                    last_fault: None,
                    detail: "",
                })
                .collect(),
        };
        self.store.ingest(&told).unwrap();
    }
}

fn record(line: &crate::model::LineId, attempt: u32, night: u32, call: &Call) -> CallRecord {
    let mut record = CallRecord::sample();
    record.call = CallId::new(line, attempt);
    record.line = line.clone();
    record.modem = call.modem.parse().unwrap();
    record.attempt = attempt;
    record.started = began(night) + SignedDuration::from_secs(i64::from(attempt) * 60);
    record.finished = record.started + SignedDuration::from_secs(30);
    record.fault = call.fault;
    record.timeline.observe(Moment::Dialed, Mono::from_millis(100));
    if let Some(train_ms) = call.train_ms {
        record.timeline.observe(Moment::Answered, Mono::from_millis(6000));
        record.timeline.observe(Moment::Carrier, Mono::from_millis(6000 + train_ms));
        record.timeline.observe(Moment::Connected, Mono::from_millis(7000 + train_ms));
    }
    record
}
