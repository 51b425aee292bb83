//! The history as runs use it: opened at a run's start, when runs that are not in it yet are caught up with, and once
//! more when the run has ended. Nothing that goes wrong here ends a run: it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::config::Plan;
use crate::history::night::{LineNight, ModemNight, Night};
use crate::history::{Dial, HistoryError, Keep, LineMemory, Series, Store, Taken, VoiceHold, Waits};
use crate::journal::{self, JournalError};
use crate::model::event::ModemState;
use crate::model::{LineBefore, LineId, PhoneNumber, RunId};
use crate::report::{Broken, RunState};

/// The database's name in a reports folder.
pub(crate) const FILE_NAME: &str = "history.db";

/// Bytes of journals that a run catches up with before it begins; a night of 5000 lines has about twenty million.
const BYTES_MAX: u64 = 256 << 20;

/// The kinds of events that the history is made of; the others, most of a journal, are not even looked into.
const KINDS: [&str; 9] = [
    "run-started",
    "run-resumed",
    "run-ended",
    "modem",
    "call-started",
    "call-ended",
    "bench-check",
    "verdict",
    "verdict-withdrawn",
];

/// What a run's start gets of the history.
#[derive(Debug, Default)]
pub(crate) struct Recalled {
    /// What earlier runs found of the plan's lines.
    pub(crate) before: Vec<LineBefore>,
    /// What else is known of them.
    pub(crate) lines: BTreeMap<LineId, LineMemory>,
    /// Numbers that strangers answer.
    pub(crate) voice: BTreeMap<PhoneNumber, VoiceHold>,
    /// What its user should know of it.
    pub(crate) notices: Vec<String>,
}

/// The history of a plan.
#[derive(Debug)]
pub(crate) struct History<'a> {
    plan: &'a Plan,
    reports: &'a Path,
    path: PathBuf,
}

impl<'a> History<'a> {
    pub(crate) fn of(plan: &'a Plan, reports: &'a Path) -> Self {
        let path = plan.history.file.clone().unwrap_or_else(|| reports.join(FILE_NAME));
        Self { plan, reports, path }
    }

    /// At a run's start: catches up with runs of this folder that are not in the history, and recalls. `goes_on` is the
    /// run that does.
    pub(crate) fn begin(&self, goes_on: Option<&RunId>) -> Recalled {
        let mut recalled = Recalled::default();
        if let Err(error) = self.caught_up(goes_on, &mut recalled) {
            recalled.notices.push(trouble(&error));
        }
        recalled
    }

    /// Remembers that numbers are right, whoever answered there; how it went wrong, if it did.
    pub(crate) fn confirm(
        &self,
        numbers: &BTreeSet<&PhoneNumber>,
        at: jiff::Timestamp,
    ) -> Result<(), String> {
        let confirm = || {
            let mut store = Store::write(&self.path, Waits::Briefly)?;
            numbers.iter().try_for_each(|number| store.confirm_number(&self.plan.bank.name, number, at))
        };
        confirm().map_err(|error: HistoryError| trouble(&error))
    }

    /// The same without a change: for whoever only wants to know what a run would do.
    pub(crate) fn look(&self) -> Recalled {
        let mut recalled = Recalled::default();
        let read = Store::read(&self.path, Waits::Briefly);
        match read.and_then(|store| self.recall(&store, None, &mut recalled)) {
            Ok(()) | Err(HistoryError::Missing { .. }) => {}
            Err(error) => recalled.notices.push(trouble(&error)),
        }
        recalled
    }

    /// Calls that went out from the plan's bank since then, by number; none where there is no history to be read.
    pub(crate) fn dials_since(&self, since: jiff::Timestamp) -> BTreeMap<PhoneNumber, Vec<Dial>> {
        let read = Store::read(&self.path, Waits::Briefly);
        read.and_then(|store| store.dials_since(&self.plan.bank.name, since, None)).unwrap_or_default()
    }

    fn caught_up(&self, goes_on: Option<&RunId>, recalled: &mut Recalled) -> Result<(), HistoryError> {
        // A first run has nothing to catch up with, and its end makes the database.
        let no_runs = !self.reports.exists() || journal::runs(self.reports).is_ok_and(|runs| runs.is_empty());
        if !self.path.exists() && no_runs {
            return Ok(());
        }
        match Store::write(&self.path, Waits::Briefly) {
            Ok(mut store) => {
                if let Err(error) = self.catch_up(&mut store, goes_on, &mut recalled.notices) {
                    recalled.notices.push(trouble(&error));
                }
                self.recall(&store, goes_on, recalled)
            }
            // What can't be written can perhaps be read.
            Err(error @ (HistoryError::Held { .. } | HistoryError::Unwritable { .. })) => {
                recalled.notices.push(trouble(&error));
                let read = Store::read(&self.path, Waits::Briefly);
                read.and_then(|store| self.recall(&store, goes_on, recalled)).or(Ok(()))
            }
            Err(error) => Err(error),
        }
    }

    fn recall(
        &self,
        store: &Store,
        goes_on: Option<&RunId>,
        recalled: &mut Recalled,
    ) -> Result<(), HistoryError> {
        let series = Series { plan: &self.plan.name, bank: &self.plan.bank.name, except: goes_on };
        let lines = || self.plan.lines.iter().map(|planned| &planned.line);
        recalled.before = store.lines_before(series, lines())?;
        recalled.lines = store.recall(series, lines())?;
        for before in &mut recalled.before {
            before.usual = recalled.lines.get(&before.line).and_then(|memory| memory.usual.clone());
        }
        // A simulated bank has no experience: its runs shall be alike. When a line passed is for the user to ask for.
        if self.plan.bank.exchange.is_none() {
            recalled.voice = store.voice_holds(series.bank)?;
        } else {
            let passed = |memory: &LineMemory| LineMemory { passed: memory.passed, ..LineMemory::default() };
            recalled.lines.values_mut().for_each(|memory| *memory = passed(memory));
        }
        Ok(())
    }

    fn keep(&self) -> Keep {
        Keep { calls: self.plan.history.keep_calls, verdicts: self.plan.history.keep_verdicts }
    }

    /// Takes in what the folder has and the history has not: runs that were killed, or that ended while it could not be
    /// written. The newest come first, if there are too many to be read now.
    fn catch_up(
        &self,
        store: &mut Store,
        except: Option<&RunId>,
        notices: &mut Vec<String>,
    ) -> Result<(), HistoryError> {
        let Ok(runs) = journal::runs(self.reports) else { return Ok(()) };
        let known = store.known_runs()?;
        let kept_since = store.kept_since(self.keep())?;
        let mut missing: Vec<_> = runs
            .into_iter()
            .filter(|(run, path, bytes)| {
                except != Some(run)
                    && !known.contains(&(run.to_string(), *bytes))
                    && kept_since.is_none_or(|since| began(run).is_none_or(|at| at >= since))
                    && !journal::is_live(path)
            })
            .collect();
        let mut bytes_left = BYTES_MAX;
        let affordable = missing.iter().rev().take_while(|(.., bytes)| {
            let fits = *bytes <= bytes_left;
            bytes_left = bytes_left.saturating_sub(*bytes);
            fits
        });
        let older = missing.len() - affordable.count();
        if older > 0 {
            notices.push(format!(
                "history: {older} older runs are not in it yet; `lineman report import {}` takes them in",
                self.reports.display()
            ));
        }
        for (run, path, bytes) in missing.drain(older..) {
            match take_in(store, &path, Some(&run)) {
                Ok(_) => {}
                Err(Unread::History(error)) => return Err(error),
                Err(unread) => {
                    notices
                        .push(format!("history: run `{run}` can't be taken in, and is left out: {unread}"));
                    store.refuse(&run, bytes, &unread.to_string())?;
                }
            }
        }
        Ok(())
    }

    /// When a run has ended: takes it in, and lets go what is older than it is kept. What there is to tell.
    pub(crate) fn end(&self, run: &Path, state: &RunState) -> Option<String> {
        let end = || {
            let mut store = Store::write(&self.path, Waits::Briefly)?;
            let bytes = std::fs::metadata(run.join(journal::FILE_NAME)).map_or(0, |journal| journal.len());
            store.ingest(&night(state, bytes))?;
            store.prune(self.keep())
        };
        end().err().map(|error| trouble(&error))
    }
}

/// Why a run's folder can't be taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// Its journal can't be read.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// Its events can't be true together.
    #[error("{0}")]
    Broken(#[from] Broken),
    /// It was killed before its first event.
    #[error("nothing is in its journal")]
    Empty,
    /// A copy, or the user's own name for it.
    #[error(
        "the folder is named `{folder}`, and its journal is that of run `{run}`; was it renamed or copied?"
    )]
    Renamed {
        /// The folder's name.
        folder: RunId,
        /// The journal's run.
        run: RunId,
    },
    /// The history itself.
    #[error("{0}")]
    History(#[from] HistoryError),
}

/// Takes the run of a folder in, from its journal; `named` is the run that it must be.
pub(crate) fn take_in(store: &mut Store, run: &Path, named: Option<&RunId>) -> Result<Taken, Unread> {
    let path = run.join(journal::FILE_NAME);
    // The length comes first: what is written meanwhile makes it another one, and the run is looked at again.
    let bytes = std::fs::metadata(&path).map_or(0, |journal| journal.len());
    let mut state: Result<Option<RunState>, Broken> = Ok(None);
    journal::scan_kinds(&path, &KINDS, |event| match &mut state {
        Ok(Some(known)) => {
            if let Err(broken) = known.apply(&event) {
                state = Err(broken);
            }
        }
        Ok(None) => state = RunState::begin(&event).map(Some),
        Err(_) => {}
    })?;
    let state = state?.ok_or(Unread::Empty)?;
    if let Some(named) = named.filter(|named| **named != state.header().run) {
        return Err(Unread::Renamed { folder: named.clone(), run: state.header().run.clone() });
    }
    Ok(store.ingest(&night(&state, bytes))?)
}

/// A run as the history takes it in.
fn night(state: &RunState, journal_bytes: u64) -> Night<'_> {
    let lines = state.lines().map(|(line, found)| LineNight {
        line,
        verdict: found.verdict.as_ref(),
        calls: &found.calls,
        doubted: !found.withdrawn.is_empty(),
    });
    let modems = state.modems().iter().map(|modem| ModemNight {
        id: &modem.header.id,
        family: &modem.header.profile,
        trunk: modem.header.trunk.as_ref(),
        health: modem.health().word(),
        state: modem.state.map(ModemState::word),
        quarantined: modem.state == Some(ModemState::Quarantined),
        bench_faults: modem.bench_faults,
        hangup_unproven: modem.hangup_unproven,
        times_out: modem.times_out,
        checks: modem.checks,
        checks_failed: modem.checks_failed,
        on_line_ms: u64::try_from(modem.on_line.as_millis()).unwrap_or(u64::MAX),
        last_fault: modem.last_fault,
        detail: &modem.detail,
    });
    Night {
        header: state.header(),
        started: state.started(),
        ended: state.ended(),
        sittings: state.sittings(),
        journal_bytes,
        lines: lines.collect(),
        modems: modems.collect(),
    }
}

/// When a run began, as its id says.
fn began(run: &RunId) -> Option<jiff::Timestamp> {
    let stamp = run.as_str().split_once('-')?.0;
    jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", stamp)
        .ok()?
        .to_datetime()
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|began| began.timestamp())
}

pub(crate) fn trouble(error: &HistoryError) -> String {
    use std::error::Error as _;
    let why = error.source().map(|why| format!(" ({why})")).unwrap_or_default();
    format!("history: {error}{why}")
}
