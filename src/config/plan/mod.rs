//! The plan: which lines are dialed, from which bank, and how; born valid.

mod checks;
mod consoles;
mod costs;
mod file;
mod hours;
mod line;
mod load;
pub mod lone;
pub mod notify;
mod select;
pub mod sites;
pub mod standing;
pub mod ways;
mod written;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::bank::{Bank, BankModem};
use super::credentials::PlannedCredential;
use super::history::HistoryPlan;
use super::hours::Hours;
use super::hours::zone::Zone;
use super::numbering::Numbering;
use super::problem::{Place, Problem};
use super::screening::Refusal;
use super::tariff::Tariff;
use crate::call::Limits;
use crate::console::{Behind, Dialog};
use crate::fleet::budget::Budget;
use crate::fleet::policy::Policy;
use crate::fleet::scheduler::CheckPlan;
use crate::model::{
    CarrierName, CredentialName, DialString, Fault, GroupName, Line, LineId, PhoneNumber, PlanName, Reading,
    SiteId, Windows,
};

pub use self::load::{load_bench, load_plan};
use self::notify::NotifyPlan;
use self::sites::{Carrier, Site};
use self::standing::Hold;
use self::ways::PlannedWay;

/// The console's name that means "stop after CONNECT".
pub const CONSOLE_NONE: &str = "none";

/// What the command line puts in place of what the plan says.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Another bank file.
    pub bank: Option<PathBuf>,
    /// Another seed.
    pub seed: Option<u64>,
    /// Lines or sites that alone are dialed, `*` standing for anything; empty: all. The others are skipped.
    pub only: Vec<String>,
    /// Sites whose lines alone are dialed, in the same way.
    pub sites: Vec<String>,
    /// Tags whose lines alone are dialed, in the same way. A line must be left by all three.
    pub tags: Vec<String>,
}

/// A plan whose every part is known to be right.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub name: PlanName,
    /// The file it was read from.
    pub path: PathBuf,
    /// Our modems.
    pub bank: Bank,
    /// Rules by which numbers are dialed from the bank.
    pub numbering: Arc<Numbering>,
    /// The lines, in the order of the plan; at least one, but for a bank that was read by itself.
    pub lines: Vec<PlannedLine>,
    /// What is said of sites; one that nothing is said of is not there.
    pub sites: BTreeMap<SiteId, Site>,
    /// Hunt groups: most calls at a time to all lines of each.
    pub hunt_groups: BTreeMap<GroupName, u32>,
    /// Carriers that lines may be called through.
    pub carriers: BTreeMap<CarrierName, Carrier>,
    /// The credentials that lines name, and perhaps more.
    pub credentials: BTreeMap<CredentialName, PlannedCredential>,
    /// How lines are tried.
    pub policy: Policy,
    /// How the bench is checked.
    pub checks: CheckPlan,
    /// What calls cost; absent: nothing is told of that.
    pub tariff: Option<Arc<Tariff>>,
    /// What may be spent on them.
    pub budget: Budget,
    /// Nothing is dialed after this time of day of [`Self::zone`].
    pub deadline: Option<jiff::civil::Time>,
    /// The plan's zone, else that of the bank's location: what a time of day without a site is of. Absent: this host's.
    pub zone: Option<Zone>,
    /// Limits of one call.
    pub limits: Limits,
    /// Where the history of its runs is kept, and for how long.
    pub history: HistoryPlan,
    /// Who is told of its runs.
    pub notify: NotifyPlan,
    /// Seed of all randomness.
    pub seed: u64,
    /// What is not wrong, but should be read.
    pub warnings: Vec<Problem>,
}

/// A line of a plan, with all that a call needs to know of it.
#[derive(Debug, Clone)]
pub struct PlannedLine {
    /// The line.
    pub line: Line,
    /// Name of its console; absent: the call stops after CONNECT.
    pub console: Option<String>,
    /// What is said at that console.
    pub dialog: Option<Arc<Dialog>>,
    /// The consoles behind it, where it is a console server.
    pub consoles: Vec<Behind>,
    /// The credential that logs in there.
    pub credential: Option<CredentialName>,
    /// The zone of its site; absent where nothing tells it.
    pub zone: Option<Zone>,
    /// How it is called: each may be dialed from every modem, and they are tried in turn. Empty only where none may be.
    pub ways: Vec<PlannedWay>,
    /// It is known to be dead.
    pub hold: Option<Hold>,
    /// The day on which somebody confirmed its numbers, in the site's zone, and where that is written.
    pub number_confirmed: Option<(jiff::civil::Date, Place)>,
    /// It is not dialed, and this is why.
    pub preset: Option<Preset>,
    /// Whether the plan has it dialed at all; one that is not is preset as skipped.
    pub enabled: bool,
    /// When it may be dialed; absent: at any time.
    pub hours: Option<Arc<Hours>>,
}

/// A verdict that stands before anything is dialed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// The fault: `screened`, `on-hold` or `skipped`.
    pub fault: Fault,
    /// In words.
    pub detail: String,
}

/// Why a line can't be dialed by a modem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undialable {
    /// It has no dial string.
    #[error("{0}")]
    NoString(String),
    /// It has one that must not be dialed.
    #[error(transparent)]
    Screened(#[from] Refusal),
}

impl PlannedLine {
    /// Whether it is called by this number.
    pub fn has_number(&self, number: &PhoneNumber) -> bool {
        self.line.number == *number || self.ways.iter().any(|way| way.number == *number)
    }
}

impl Plan {
    /// What a modem dials for a number that is no line's, to check the bench; screened like any other.
    pub fn dial_string_of(&self, number: &PhoneNumber, modem: &BankModem) -> Result<DialString, Undialable> {
        ways::dial_string(&self.numbering, &self.bank, number, None, &modem.prefix)
    }

    /// The longest that a call to any of its lines can take, from taking the port to proven on-hook.
    pub fn room(&self) -> Duration {
        let of = |planned: &PlannedLine| self.limits.room(planned.dialog.as_deref(), &planned.consoles);
        self.lines.iter().map(of).max().unwrap_or_else(|| self.limits.room(None, &[]))
    }

    /// When a line may be dialed, in the run's own time: the spells from `from` on that begin before `horizon`.
    pub fn windows(
        &self,
        planned: &PlannedLine,
        reading: &Reading,
        from: jiff::Timestamp,
        horizon: jiff::Timestamp,
    ) -> Windows {
        planned.hours.as_deref().map_or(Windows::ALWAYS, |hours| hours.windows(reading, from, horizon))
    }

    /// The line of this id.
    pub fn line(&self, id: &LineId) -> Option<&PlannedLine> {
        self.lines.iter().find(|planned| planned.line.id == *id)
    }
}

/// Whether a name fits a pattern in which `*` stands for anything.
pub fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
