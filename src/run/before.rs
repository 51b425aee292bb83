//! Calls that went out not long ago to the numbers that are to be called now: a law on calling again does not begin anew
//! because somebody types a command anew.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::config::Plan;
use crate::fleet::policy::CallClass;
use crate::fleet::scheduler::CalledBefore;
use crate::journal;
use crate::model::{EventKind, Fault, LineId, Moment, PhoneNumber, RunId};

use crate::run::history::History;

/// What is older counts no more: the longest pause that a country asks for is far shorter.
const SINCE: SignedDuration = SignedDuration::from_hours(1);

/// The calls that count, in the order of their ends: those of the nights, by the history, and those of technicians, by the
/// journals in `calls`. None where no law is known, and none of a simulated network.
pub(crate) fn called(plan: &Plan, history: &History<'_>, calls: &Path, now: Timestamp) -> Vec<CalledBefore> {
    if plan.bank.rehearsal || plan.numbering.redial.is_none() {
        return Vec::new();
    }
    let since = now.checked_sub(SINCE).unwrap_or(Timestamp::MIN);
    let mut dials: Vec<Dialed> = Vec::new();
    for (number, some) in history.dials_since(since) {
        dials.extend(some.into_iter().map(|dial| (dial.at, number.clone(), dial.fault)));
    }
    dials.extend(by_hand(plan, calls, since));
    in_order(plan, dials, since, now)
}

/// The same of technicians' calls alone: for a night, which has its own law for its own calls.
pub(crate) fn called_by_hand(plan: &Plan, calls: &Path, now: Timestamp) -> Vec<CalledBefore> {
    if plan.bank.rehearsal || plan.numbering.redial.is_none() {
        return Vec::new();
    }
    let since = now.checked_sub(SINCE).unwrap_or(Timestamp::MIN);
    in_order(plan, by_hand(plan, calls, since), since, now)
}

/// A call that went out: when it ended, to which number, and what it met.
type Dialed = (Timestamp, PhoneNumber, Option<Fault>);

fn by_hand(plan: &Plan, calls: &Path, since: Timestamp) -> Vec<Dialed> {
    let runs = journal::runs(calls).unwrap_or_default().into_iter().rev();
    let lately = runs.take_while(|(run, ..)| !began_before(run, since));
    lately.flat_map(|(_, folder, _)| of_run(&folder, plan).unwrap_or_default()).collect()
}

fn in_order(plan: &Plan, mut dials: Vec<Dialed>, since: Timestamp, now: Timestamp) -> Vec<CalledBefore> {
    dials.retain(|(at, number, _)| {
        *at >= since && plan.lines.iter().any(|planned| planned.has_number(number))
    });
    dials.sort_by_key(|(at, ..)| *at);
    let before = |(at, number, fault): Dialed| CalledBefore {
        number,
        ago: now.duration_since(at).unsigned_abs(),
        fault,
        through: CallClass::of(fault) == CallClass::Passed,
    };
    dials.into_iter().map(before).collect()
}

/// Whether a run began so long before that its calls were over by then: a hundred calls of one `--repeat` take hours.
fn began_before(run: &RunId, since: Timestamp) -> bool {
    let day_before = since.checked_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
    run.as_str() < day_before.strftime("%Y%m%dT%H%M%SZ").to_string().as_str()
}

/// The calls of a run from this bank that went out.
fn of_run(folder: &Path, plan: &Plan) -> Option<Vec<Dialed>> {
    let mut numbers: BTreeMap<LineId, PhoneNumber> = BTreeMap::new();
    let mut dials = Vec::new();
    let mut take = |event: crate::model::Event| match event.kind {
        EventKind::RunStarted(header) if header.bank == plan.bank.name => {
            numbers.extend(header.lines.into_iter().map(|line| (line.id, line.number)));
        }
        EventKind::CallEnded(record) if record.timeline.get(Moment::Dialed).is_some() => {
            let other = record.via.as_ref().and_then(|via| via.number.clone());
            if let Some(number) = other.or_else(|| numbers.get(&record.line).cloned()) {
                dials.push((record.finished, number, record.fault));
            }
        }
        _ => {}
    };
    journal::scan_kinds(&folder.join(journal::FILE_NAME), &["run-started", "call-ended"], &mut take).ok()?;
    Some(dials)
}
