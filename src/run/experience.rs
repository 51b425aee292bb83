//! What earlier runs teach a new one: how long lines take, where credentials worked last, when lines were tested, what is
//! usual on them; and which password was on its way when a run was cut off.
//!
//! All of it is the history's, and no more than a hint, but for the last: that stands in the journal of the run itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Plan;
use crate::journal;
use crate::model::usual::Spread;
use crate::model::{CredentialName, Event, EventKind, Fault, LineId, RunId, Usual};

use super::history::Recalled;
use super::{Failure, job, technician};

/// The last run that began, as the journal room links it.
const CURRENT: &str = "current";

/// What earlier runs of a plan taught. A line that is not in a map never was what the map tells.
#[derive(Debug, Default)]
pub(crate) struct Experience {
    /// The time that modems were taken for each line in a run, ms, all its calls together: the longest shall begin first,
    /// since one that is found out at the end holds up the run alone.
    pub(crate) took_ms: BTreeMap<LineId, Spread>,
    /// The line on which each credential is to be proven: the plan's `prove_on`, else the one where it worked last.
    pub(crate) provers: BTreeMap<CredentialName, LineId>,
    /// What is usual on each line.
    pub(crate) usual: BTreeMap<LineId, Arc<Usual>>,
    /// When each line was judged last otherwise than `untested`.
    pub(crate) tested: BTreeMap<LineId, Timestamp>,
    /// What was found of it then, if not a pass.
    pub(crate) faults: BTreeMap<LineId, Fault>,
}

impl Experience {
    /// Of what the history knows.
    pub(crate) fn of(plan: &Plan, recalled: &Recalled) -> Self {
        let mut seen = Self::default();
        let mut worked: Vec<(Timestamp, &LineId)> = Vec::new();
        for (line, memory) in &recalled.lines {
            if let Some(took) = memory.took_ms {
                seen.took_ms.insert(line.clone(), took);
            }
            if let Some(usual) = &memory.usual {
                seen.usual.insert(line.clone(), Arc::new(usual.clone()));
            }
            if let Some(at) = memory.tested {
                seen.tested.insert(line.clone(), at);
            }
            worked.extend(memory.worked.map(|at| (at, line)));
        }
        for before in &recalled.before {
            let fault = before.tested.as_ref().and_then(|tested| tested.fault);
            seen.faults.extend(fault.map(|fault| (before.line.clone(), fault)));
        }
        worked.sort_unstable();
        for (name, credential) in &plan.credentials {
            let uses = |line: &LineId| {
                let planned = plan.line(line);
                planned.is_some_and(|line| line.credential.as_ref() == Some(name) && line.preset.is_none())
            };
            let last = || worked.iter().rev().map(|(_, line)| *line).find(|line| uses(line)).cloned();
            if let Some(line) = credential.prove_on.clone().or_else(last) {
                seen.provers.insert(name.clone(), line);
            }
        }
        seen
    }

    /// How long a line will take modems, as far as it is known.
    pub(crate) fn expected(&self, line: &LineId) -> Option<Duration> {
        let median = self.took_ms.get(line)?.median;
        u64::try_from(median).ok().map(Duration::from_millis)
    }
}

/// Credentials whose password was on its way when the last run of this plan was cut off without an end: whoever starts
/// a new one must not send it again as if nothing had been.
///
/// The last run is that of a night or of a technician's calls, whichever began later: at its own beginning it has seen what
/// the one before it left.
///
/// # Errors
/// A run that goes on now is just sending one: nobody knows yet what becomes of it.
pub(crate) fn left_behind(reports: &Path, plan: &Plan) -> Result<BTreeSet<CredentialName>, Failure> {
    let mut last: Option<(RunId, PathBuf, Vec<Event>)> = None;
    for folder in [reports.to_owned(), reports.join(technician::FOLDER)] {
        let run = folder.join(CURRENT);
        let Ok(replay) = journal::read(&run.join(journal::FILE_NAME)) else { continue };
        let Some(EventKind::RunStarted(header)) = replay.events.first().map(|event| &event.kind) else {
            continue;
        };
        let newer = last.as_ref().is_none_or(|(id, ..)| header.run > *id);
        if header.plan == plan.name && newer {
            last = Some((header.run.clone(), run, replay.events));
        }
    }
    let Some((id, run, events)) = last else { return Ok(BTreeSet::new()) };
    let ended = events.last().is_none_or(|event| matches!(event.kind, EventKind::RunEnded { .. }));
    let open = if ended { BTreeSet::new() } else { job::cut_off(&events) };
    match open.first() {
        Some(name) if journal::is_live(&run) => Err(Failure::wrong(format!(
            "run `{id}` is sending the password of credential `{name}` at this moment, and nobody knows yet whether it is right; try again in a minute"
        ))),
        _ => Ok(open),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Overrides, load_plan};
    use crate::history::LineMemory;
    use crate::model::Mono;
    use crate::model::event::{CredentialState, Ending};
    use crate::modem::clock::Clock;

    const PLAN: &str = r#"
plan: nightly
bank: bank.yaml
numbering: us
credentials: { oob: { username: oob, password: { env: X } } }
defaults: { console: cisco-ios, credential: oob }
lines:
  - { id: A, number: "+1 919 555 0101" }
  - { id: B, number: "+1 919 555 0102" }
  - { id: C, number: "+1 919 555 0103", credential: none, console: none }
"#;
    const BANK: &str = "bank: hq\nlocation: { country: US, area_code: \"919\" }\nmodems: [{ id: m00, port: /dev/ttyS0, profile: generic }]\n";

    fn plan(folder: &Path) -> Plan {
        fs::write(folder.join("bank.yaml"), BANK).unwrap();
        fs::write(folder.join("plan.yaml"), PLAN).unwrap();
        load_plan(&folder.join("plan.yaml"), &Overrides::default()).unwrap()
    }

    fn write(folder: &Path, link: &str, plan: &Plan, kinds: Vec<EventKind>) {
        let run = "20261121T020000Z-nightly".parse().unwrap();
        let opening = EventKind::RunStarted(Box::new(job::header(plan, &run, Clock::start())));
        let lines: Vec<String> = std::iter::once(opening)
            .chain(kinds)
            .map(|kind| Event { at: Timestamp::UNIX_EPOCH, mono: Mono::ZERO, kind })
            .map(|event| serde_json::to_string(&event).unwrap() + "\n")
            .collect();
        fs::create_dir_all(folder.join(link)).unwrap();
        fs::write(folder.join(link).join(journal::FILE_NAME), lines.concat()).unwrap();
    }

    #[test]
    fn a_credential_is_proven_where_it_worked_last_and_a_line_takes_as_long_as_it_mostly_did() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path());
        let at = |second| Timestamp::from_second(second).ok();
        let memory = |worked, took: &[i64]| LineMemory {
            worked: at(worked),
            took_ms: Spread::of(took),
            ..LineMemory::default()
        };
        let mut recalled = Recalled::default();
        for (line, memory) in
            [("A", memory(100, &[20, 90, 30])), ("B", memory(200, &[])), ("C", memory(300, &[]))]
        {
            recalled.lines.insert(line.parse().unwrap(), memory);
        }
        let seen = Experience::of(&plan, &recalled);
        let provers: Vec<_> = seen.provers.values().map(LineId::as_str).collect();
        assert_eq!(provers, ["B"], "C logs in nowhere");
        let expected = |line: &str| seen.expected(&line.parse().unwrap());
        assert_eq!((expected("A"), expected("B")), (Some(Duration::from_millis(30)), None));
    }

    #[tokio::test]
    async fn a_password_that_a_kill_cut_off_is_known_to_a_new_run_and_a_finished_runs_is_no_matter() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path());
        let oob: CredentialName = "oob".parse().unwrap();
        let sent = || EventKind::PasswordSent { call: "A.1".parse().unwrap(), credential: oob.clone() };
        write(folder.path(), "current", &plan, vec![sent()]);
        assert_eq!(left_behind(folder.path(), &plan).unwrap(), BTreeSet::from([oob.clone()]));
        write(
            folder.path(),
            "current",
            &plan,
            vec![sent(), EventKind::RunEnded { ending: Ending::Completed }],
        );
        assert!(left_behind(folder.path(), &plan).unwrap().is_empty());
        let proven = EventKind::Credential {
            credential: oob.clone(),
            state: CredentialState::Proven,
            detail: String::new(),
        };
        write(folder.path(), "current", &plan, vec![proven, sent()]);
        assert!(
            left_behind(folder.path(), &plan).unwrap().is_empty(),
            "it was proven: a lost call is that line's alone"
        );
    }
}
