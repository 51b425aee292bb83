//! One run as the history takes it in: what its events said, folded by whoever has them.

use jiff::Timestamp;

use crate::model::event::{Ending, LineVerdict, RunHeader};
use crate::model::{CallRecord, Fault, Line, ModemId, TrunkName};

/// A run, ended or killed, as far as it came.
#[derive(Debug, Clone)]
pub struct Night<'a> {
    /// Its header.
    pub header: &'a RunHeader,
    /// When it began, in its first sitting.
    pub started: Timestamp,
    /// How it ended, and when; absent: it was killed.
    pub ended: Option<(Ending, Timestamp)>,
    /// Sittings, the first included.
    pub sittings: u64,
    /// Length of its journal: a run of which more is known than last time has a longer one.
    pub journal_bytes: u64,
    /// All lines of its plan.
    pub lines: Vec<LineNight<'a>>,
    /// All modems of its bank.
    pub modems: Vec<ModemNight<'a>>,
}

/// What a run found of one line.
#[derive(Debug, Clone)]
pub struct LineNight<'a> {
    /// The line.
    pub line: &'a Line,
    /// Its verdict; absent: the run was killed before.
    pub verdict: Option<&'a LineVerdict>,
    /// Its calls, in the order of their ends.
    pub calls: &'a [CallRecord],
    /// A verdict of it was taken back: of its calls only the one that decided is beyond doubt.
    pub doubted: bool,
}

/// How one modem served a run.
#[derive(Debug, Clone)]
pub struct ModemNight<'a> {
    /// The modem.
    pub id: &'a ModemId,
    /// Its family: the name of the profile that it was set up by.
    pub family: &'a str,
    /// Its trunk.
    pub trunk: Option<&'a TrunkName>,
    /// How well it served, in the word of the reports.
    pub health: &'static str,
    /// What was told of it last, in the word of the reports.
    pub state: Option<&'static str>,
    /// It ended the run under quarantine: nothing that it found is beyond doubt.
    pub quarantined: bool,
    /// Calls that ended in a fault of our own side.
    pub bench_faults: u64,
    /// Calls after which on-hook was not proven.
    pub hangup_unproven: u64,
    /// How often it was taken out for a while.
    pub times_out: u64,
    /// Times that it was checked.
    pub checks: u64,
    /// Checks that it failed.
    pub checks_failed: u64,
    /// Time on the line, ms.
    pub on_line_ms: u64,
    /// The latest fault that is its own.
    pub last_fault: Option<Fault>,
    /// What was said with it.
    pub detail: &'a str,
}

/// What became of a run that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was not known.
    New,
    /// More is known of it now.
    Renewed,
    /// It was known as it is.
    Known,
}
