//! What a run says of one modem: its calls, its faults, its time on the line, its health.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cost::Charges;
use crate::model::event::{CheckOutcome, CheckRecord, Hangup, ModemHeader, ModemState};
use crate::model::{CallRecord, FailureCost, Fault, Moment, Verdict};

/// What is known of one modem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModemFigures {
    /// The modem as the bank has it; the profile is the one that it was identified by, once it was.
    pub header: ModemHeader,
    /// What was told of it last; absent as long as nothing was.
    pub state: Option<ModemState>,
    /// Calls that ended.
    pub calls: u64,
    /// Calls by their result; those that are untested by [`ModemFigures::bench_faults`] too.
    pub by_result: BTreeMap<Verdict, u64>,
    /// Calls that ended in a fault of our own side: this modem, its port, its outside line.
    pub bench_faults: u64,
    /// Calls after which on-hook was not proven.
    pub hangup_unproven: u64,
    /// How often it was taken out of the run for a while.
    pub times_out: u64,
    /// Time on the line: from the dial command to on-hook.
    pub on_line: Duration,
    /// Calls that did not pass and had been answered: they cost.
    pub answered_failures: u64,
    /// Calls that were dialed, did not pass, and were not answered: they are free. Those of which it is not known are in
    /// neither.
    pub free_failures: u64,
    /// Its calls' faults, all of them, the far ends' too.
    pub faults: BTreeMap<Fault, u64>,
    /// The latest fault that is its own.
    pub last_fault: Option<Fault>,
    /// What was said with it, or with its state.
    pub detail: String,
    /// Times that it was checked.
    pub checks: u64,
    /// Checks that it failed.
    pub checks_failed: u64,
    /// What is charged for its calls and for the calls of its checks.
    pub charges: Charges,
}

/// How well a modem served a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It made calls, and none of them ended in a fault of its own.
    Good,
    /// Some did, or its on-hook was not proven, or it was out for a while.
    Troubled,
    /// It is out, down, wedged or under quarantine, or none of its calls did without a fault of its own.
    Bad,
    /// It made no call and was in no trouble.
    Unused,
}

impl Health {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Good, Self::Troubled, Self::Bad, Self::Unused];

    /// The stable word for files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Troubled => "troubled",
            Self::Bad => "bad",
            Self::Unused => "unused",
        }
    }
}

impl ModemFigures {
    pub(super) fn new(header: ModemHeader) -> Self {
        Self {
            header,
            state: None,
            calls: 0,
            by_result: BTreeMap::new(),
            bench_faults: 0,
            hangup_unproven: 0,
            times_out: 0,
            on_line: Duration::ZERO,
            answered_failures: 0,
            free_failures: 0,
            faults: BTreeMap::new(),
            last_fault: None,
            detail: String::new(),
            checks: 0,
            checks_failed: 0,
            charges: Charges::default(),
        }
    }

    pub(super) fn told(&mut self, state: ModemState, fault: Option<Fault>, detail: &str) {
        if state == ModemState::Identified {
            // The first word is the profile's name; what follows is for people.
            if let Some(profile) = detail.split([' ', ',', ';', ':']).find(|word| !word.is_empty()) {
                profile.clone_into(&mut self.header.profile);
            }
            return;
        }
        // What it is asked says nothing of it; the answer does.
        if state == ModemState::Checking {
            return;
        }
        if state == ModemState::Out && self.state != Some(ModemState::Out) {
            self.times_out += 1;
        }
        self.state = Some(state);
        if fault.is_some() {
            self.last_fault = fault;
        }
        // Getting ready again is no reason to forget what was wrong before: what it can show stands only where nothing was.
        let fits = state != ModemState::Ready || self.last_fault.is_none() && self.hangup_unproven == 0;
        if fits && !detail.is_empty() {
            detail.clone_into(&mut self.detail);
        }
    }

    pub(super) fn checked(&mut self, record: &CheckRecord) {
        self.checks += 1;
        // A check that dials no digit is no call.
        if record.dialed.is_some() {
            self.charges.add(record.charge);
        }
        if record.outcome == CheckOutcome::Failed {
            self.checks_failed += 1;
            record.detail.clone_into(&mut self.detail);
        }
    }

    pub(super) fn called(&mut self, record: &CallRecord) {
        self.calls += 1;
        *self.by_result.entry(Verdict::of(record.fault)).or_default() += 1;
        self.on_line += on_line(record);
        self.charges.add(record.charge);
        match record.failure_cost() {
            Some(FailureCost::Answered) => self.answered_failures += 1,
            Some(FailureCost::Free) => self.free_failures += 1,
            Some(FailureCost::Unknown) | None => {}
        }
        self.hangup_unproven += u64::from(record.hangup == Hangup::Unproven);
        if let Some(fault) = record.fault {
            *self.faults.entry(fault).or_default() += 1;
            if fault.blame().is_bench() {
                self.bench_faults += 1;
                self.last_fault = Some(fault);
                record.detail.clone_into(&mut self.detail);
            }
        }
    }

    /// Calls with this result.
    pub fn calls_of(&self, result: Verdict) -> u64 {
        self.by_result.get(&result).copied().unwrap_or(0)
    }

    /// How well it served.
    pub fn health(&self) -> Health {
        let gone = matches!(
            self.state,
            Some(ModemState::Out | ModemState::Quarantined | ModemState::Wedged | ModemState::Down)
        );
        let troubled = self.bench_faults + self.hangup_unproven + self.times_out + self.checks_failed > 0
            || self.state == Some(ModemState::HangupUnproven);
        match (gone, self.calls) {
            (true, _) => Health::Bad,
            (false, 0) if troubled => Health::Troubled,
            (false, 0) => Health::Unused,
            (false, calls) if self.bench_faults == calls => Health::Bad,
            (false, _) if troubled => Health::Troubled,
            (false, _) => Health::Good,
        }
    }
}

/// From the dial command to on-hook; where on-hook is not known, to the last instant that is. A call that dialed
/// nothing took no time of the line.
fn on_line(record: &CallRecord) -> Duration {
    let Some(dialed) = record.timeline.get(Moment::Dialed) else { return Duration::ZERO };
    let end =
        record.timeline.get(Moment::OnHook).or_else(|| record.timeline.iter().map(|(_, mark)| mark).last());
    end.map_or(Duration::ZERO, |mark| mark.at.since(dialed.at))
}
