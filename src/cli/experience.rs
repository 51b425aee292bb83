//! What earlier runs in this reports folder teach: how long lines take, where credentials worked last, and which password
//! was on its way when a run was cut off.
//!
//! Hints and no more, but for the last: a run that can't be read, or was another plan's, tells nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Plan;
use crate::journal;
use crate::model::{Blame, CredentialName, EventKind, Line, LineId, PlanName, RunId, Usual, Verdict};

use super::{job, nights};

/// The last run that has ended, and the last that began, as the journal room links them.
const LATEST: &str = "latest";
const CURRENT: &str = "current";

/// What the last run of a plan taught.
#[derive(Debug, Default)]
pub(super) struct Experience {
    /// The time that modems were taken for each line, all its calls together: the longest shall begin first, since one
    /// that is found out at the end holds up the run alone.
    pub(super) lengths: BTreeMap<LineId, Duration>,
    /// The line on which each credential is to be proven: the plan's `prove_on`, else the one where it worked last.
    pub(super) provers: BTreeMap<CredentialName, LineId>,
    /// What is usual on each line.
    pub(super) usual: BTreeMap<LineId, Arc<Usual>>,
}

impl Experience {
    /// Looks at the last run, and for what is usual at some more; `goes_on` is the run that does. A simulated bank has no
    /// experience: its runs shall be alike.
    pub(super) fn of(reports: &Path, plan: &Plan, goes_on: Option<&RunId>) -> Self {
        let mut seen = Self::default();
        let mut worked = Vec::new();
        if plan.bank.exchange.is_none() {
            let lines = plan.lines.iter().map(|planned| &planned.line);
            worked = seen.read(&reports.join(LATEST).join(journal::FILE_NAME), &plan.name, &lines);
            seen.usual = nights::usual(reports, plan, goes_on);
        }
        for (name, credential) in &plan.credentials {
            let uses = |line: &&LineId| {
                let planned = plan.line(line);
                planned.is_some_and(|line| line.credential.as_ref() == Some(name) && line.preset.is_none())
            };
            let prover = credential.prove_on.clone().or_else(|| worked.iter().rev().find(uses).cloned());
            if let Some(line) = prover {
                seen.provers.insert(name.clone(), line);
            }
        }
        seen
    }

    /// Reads the last run; the lines that passed, in the order in which they did.
    fn read<'a>(
        &mut self,
        path: &Path,
        plan: &PlanName,
        lines: &(impl Iterator<Item = &'a Line> + Clone),
    ) -> Vec<LineId> {
        let mut worked = Vec::new();
        // A line whose number has changed is another line.
        let mut known: BTreeSet<LineId> = BTreeSet::new();
        let scanned = journal::scan(path, |event| match event.kind {
            EventKind::RunStarted(header) if header.plan == *plan => {
                let before: BTreeMap<_, _> =
                    header.lines.iter().map(|line| (&line.id, &line.number)).collect();
                let same = lines.clone().filter(|line| before.get(&line.id) == Some(&&line.number));
                known = same.map(|line| line.id.clone()).collect();
            }
            EventKind::CallEnded(record) if known.contains(&record.line) => {
                let call = job::report(&record);
                let of_the_line =
                    |blame: Blame| !blame.is_bench() && !matches!(blame, Blame::Policy | Blame::Lineman);
                if matches!(Verdict::of(call.fault), Verdict::Pass | Verdict::Degraded) {
                    worked.push(call.line.clone());
                }
                if call.fault.is_none_or(|fault| of_the_line(fault.blame())) {
                    *self.lengths.entry(call.line).or_default() += call.took;
                }
            }
            _ => {}
        });
        if let Err(error) = scanned {
            tracing::debug!("no experience of an earlier run: {error}");
        }
        self.lengths.retain(|_, length| !length.is_zero());
        worked
    }
}

/// Credentials whose password was on its way when the last run of this plan was cut off without an end: whoever starts
/// a new one must not send it again as if nothing had been.
pub(super) fn left_behind(reports: &Path, plan: &Plan) -> BTreeSet<CredentialName> {
    let path = reports.join(CURRENT).join(journal::FILE_NAME);
    let Ok(replay) = journal::read(&path) else { return BTreeSet::new() };
    let ours = |kind: &EventKind| matches!(kind, EventKind::RunStarted(header) if header.plan == plan.name);
    let ended = replay.events.last().is_none_or(|event| matches!(event.kind, EventKind::RunEnded { .. }));
    if ended || !replay.events.first().is_some_and(|event| ours(&event.kind)) {
        return BTreeSet::new();
    }
    job::cut_off(&replay.events)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Overrides, load_plan};
    use crate::model::event::{CredentialState, Ending};
    use crate::model::{CallRecord, Event, Mono};
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
  - { id: C, number: "+1 919 555 0103" }
"#;
    const BANK: &str = "bank: hq\nlocation: { country: US, area_code: \"919\" }\nmodems: [{ id: m00, port: /dev/ttyS0, profile: generic }]\n";

    fn plan(folder: &Path) -> Plan {
        fs::write(folder.join("bank.yaml"), BANK).unwrap();
        fs::write(folder.join("plan.yaml"), PLAN).unwrap();
        load_plan(&folder.join("plan.yaml"), &Overrides::default()).unwrap()
    }

    fn call(line: &str, fault: Option<crate::model::Fault>) -> EventKind {
        EventKind::CallEnded(Box::new(CallRecord {
            call: format!("{line}.1").parse().unwrap(),
            line: line.parse().unwrap(),
            fault,
            ..CallRecord::sample()
        }))
    }

    fn write(folder: &Path, link: &str, plan: &Plan, kinds: Vec<EventKind>) {
        let run = "20261121T020000Z-nightly".parse().unwrap();
        let opening = EventKind::RunStarted(Box::new(job::header(plan, &run, Clock::start())));
        let lines: Vec<String> = std::iter::once(opening)
            .chain(kinds)
            .map(|kind| Event { at: jiff::Timestamp::UNIX_EPOCH, mono: Mono::ZERO, kind })
            .map(|event| serde_json::to_string(&event).unwrap() + "\n")
            .collect();
        fs::create_dir_all(folder.join(link)).unwrap();
        fs::write(folder.join(link).join(journal::FILE_NAME), lines.concat()).unwrap();
    }

    fn sample() -> (std::path::PathBuf, Vec<Line>) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/samples/events.jsonl");
        let Event { kind: EventKind::RunStarted(header), .. } =
            journal::read(&path).unwrap().events.remove(0)
        else {
            panic!("a journal begins with its header");
        };
        (path, header.lines)
    }

    fn lengths(path: &Path, plan: &str, lines: &[Line]) -> BTreeMap<LineId, Duration> {
        let mut seen = Experience::default();
        seen.read(path, &plan.parse().unwrap(), &lines.iter());
        seen.lengths
    }

    #[test]
    fn all_calls_of_a_line_count_but_those_that_our_own_bench_spoiled() {
        let (path, lines) = sample();
        let lengths = lengths(&path, "nightly", &lines);
        let ms = |line: &str| lengths.get(&line.parse().unwrap()).map(Duration::as_millis);
        assert_eq!(ms("BR0003-A"), Some(6_801 + 31_951), "busy, then passed");
        assert_eq!(ms("BR0009-A"), Some(23_915), "the port was lost in its first call");
        assert_eq!(ms("BR0008-A"), None, "screened, never called");
    }

    #[test]
    fn another_plan_or_another_number_tells_nothing() {
        let (path, mut lines) = sample();
        assert_eq!(lengths(&path, "weekly", &lines), BTreeMap::new());
        lines[0].number = "+12125550199".parse().unwrap();
        let known = lengths(&path, "nightly", &lines);
        assert!(!known.contains_key(&lines[0].id) && known.contains_key(&lines[1].id));
        assert_eq!(lengths(Path::new("none"), "nightly", &lines), BTreeMap::new());
    }

    #[tokio::test]
    async fn a_credential_is_proven_where_it_worked_last() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path());
        let dead = Some(crate::model::Fault::Busy);
        write(folder.path(), "latest", &plan, vec![call("A", None), call("B", None), call("C", dead)]);
        let provers = Experience::of(folder.path(), &plan, None).provers;
        assert_eq!(provers.into_values().map(|line| line.to_string()).collect::<Vec<_>>(), ["B"]);
    }

    #[tokio::test]
    async fn a_password_that_a_kill_cut_off_is_known_to_a_new_run_and_a_finished_runs_is_no_matter() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path());
        let oob: CredentialName = "oob".parse().unwrap();
        let sent = || EventKind::PasswordSent { call: "A.1".parse().unwrap(), credential: oob.clone() };
        write(folder.path(), "current", &plan, vec![sent()]);
        assert_eq!(left_behind(folder.path(), &plan), BTreeSet::from([oob.clone()]));
        write(
            folder.path(),
            "current",
            &plan,
            vec![sent(), EventKind::RunEnded { ending: Ending::Completed }],
        );
        assert!(left_behind(folder.path(), &plan).is_empty());
        let proven = EventKind::Credential {
            credential: oob.clone(),
            state: CredentialState::Proven,
            detail: String::new(),
        };
        write(folder.path(), "current", &plan, vec![proven, sent()]);
        assert!(
            left_behind(folder.path(), &plan).is_empty(),
            "it was proven: a lost call is that line's alone"
        );
    }
}
