//! How long each line took in the last run of the plan, so that the longest can begin first: one that is found out at
//! the end holds up the run alone.
//!
//! A hint and no more: a last run that can't be read, or was another plan's, tells nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::config::Plan;
use crate::journal;
use crate::model::{Blame, EventKind, Line, LineId, PhoneNumber, PlanName};

use super::job;

/// The last run that has ended, as the journal room links it.
const LATEST: &str = "latest";

/// The time that modems were taken for each line, all its calls together.
///
/// A simulated bank has no experience: its runs shall be alike.
pub(super) fn lengths(reports: &Path, plan: &Plan) -> BTreeMap<LineId, Duration> {
    if plan.bank.exchange.is_some() {
        return BTreeMap::new();
    }
    let lines = plan.lines.iter().map(|planned| &planned.line);
    lengths_of(&reports.join(LATEST).join(journal::FILE_NAME), &plan.name, lines)
}

fn lengths_of<'a>(
    path: &Path,
    plan: &PlanName,
    lines: impl Iterator<Item = &'a Line>,
) -> BTreeMap<LineId, Duration> {
    let numbers: BTreeMap<&LineId, &PhoneNumber> = lines.map(|line| (&line.id, &line.number)).collect();
    let mut lengths = BTreeMap::new();
    let scanned = journal::scan(path, |event| match event.kind {
        // A line whose number has changed is another line.
        EventKind::RunStarted(header) if header.plan == *plan => {
            let same = header.lines.into_iter().filter(|line| numbers.get(&line.id) == Some(&&line.number));
            lengths = same.map(|line| (line.id, Duration::ZERO)).collect();
        }
        EventKind::CallEnded(record) => {
            let call = job::report(&record);
            if let Some(length) = lengths.get_mut(&call.line)
                && call.fault.is_none_or(|fault| tells(fault.blame()))
            {
                *length += call.took;
            }
        }
        _ => {}
    });
    if let Err(error) = scanned {
        tracing::debug!("no experience of an earlier run: {error}");
    }
    lengths.retain(|_, length| !length.is_zero());
    lengths
}

/// Whether a call that ended so says how long its line takes.
fn tells(blame: Blame) -> bool {
    !blame.is_bench() && !matches!(blame, Blame::Policy | Blame::Lineman)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Event;

    fn sample() -> (std::path::PathBuf, Vec<Line>) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/samples/events.jsonl");
        let Event { kind: EventKind::RunStarted(header), .. } =
            journal::read(&path).unwrap().events.remove(0)
        else {
            panic!("a journal begins with its header");
        };
        (path, header.lines)
    }

    #[test]
    fn all_calls_of_a_line_count_but_those_that_our_own_bench_spoiled() {
        let (path, lines) = sample();
        let lengths = lengths_of(&path, &"nightly".parse().unwrap(), lines.iter());
        let ms = |line: &str| lengths.get(&line.parse().unwrap()).map(Duration::as_millis);
        assert_eq!(ms("BR0003-A"), Some(6_801 + 31_951), "busy, then passed");
        assert_eq!(ms("BR0009-A"), Some(23_915), "the port was lost in its first call");
        assert_eq!(ms("BR0008-A"), None, "screened, never called");
    }

    #[test]
    fn another_plan_or_another_number_tells_nothing() {
        let (path, mut lines) = sample();
        assert_eq!(lengths_of(&path, &"weekly".parse().unwrap(), lines.iter()), BTreeMap::new());
        lines[0].number = "+12125550199".parse().unwrap();
        let lengths = lengths_of(&path, &"nightly".parse().unwrap(), lines.iter());
        assert!(!lengths.contains_key(&lines[0].id) && lengths.contains_key(&lines[1].id));
        assert_eq!(lengths_of(Path::new("none"), &"nightly".parse().unwrap(), lines.iter()), BTreeMap::new());
    }
}
