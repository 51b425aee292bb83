//! What is usual of every phase on a line: the history's own figures, and, of the phases that it does not keep, what the
//! journals of the last nights say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config::Plan;
use crate::journal;
use crate::model::event::ModemState;
use crate::model::{CallRecord, EventKind, LineId};
use crate::report::call::ThereUsually;

use crate::run::history::Recalled;

/// Nights that are looked into.
const NIGHTS_MAX: usize = 7;
/// Bytes of journals that are read for them: a second's work.
const BYTES_MAX: u64 = 64 << 20;

/// The kinds of events that tell it; the others are not even looked into.
const KINDS: [&str; 3] = ["run-started", "modem", "call-ended"];

/// By line, and by the family of the modem that calls: families differ in what they show.
pub(super) fn of(plan: &Plan, recalled: &Recalled, reports: &Path) -> BTreeMap<LineId, ThereUsually> {
    let lines: BTreeSet<&LineId> = plan.lines.iter().map(|planned| &planned.line.id).collect();
    let mut nights: BTreeMap<LineId, Vec<(String, CallRecord)>> = BTreeMap::new();
    let mut runs = journal::runs(reports).unwrap_or_default();
    let mut bytes_left = BYTES_MAX;
    for _ in 0..NIGHTS_MAX {
        let Some((_, folder, bytes)) = runs.pop() else { break };
        if bytes > bytes_left {
            break;
        }
        bytes_left -= bytes;
        // One that can't be read tells nothing.
        for (line, family, record) in night(&folder, plan, &lines).unwrap_or_default() {
            nights.entry(line).or_default().push((family, record));
        }
    }
    let usual = |line: &LineId| {
        let before = recalled.before.iter().find(|before| before.line == *line);
        let known = before.and_then(|before| before.usual.as_ref());
        ThereUsually::of(known, nights.get(line).map_or(&[], Vec::as_slice))
    };
    lines.iter().map(|line| ((*line).clone(), usual(line))).collect()
}

type Night = Vec<(LineId, String, CallRecord)>;

/// Calls to these lines in one run, with the family of each one's modem; nothing of another plan's run, or another bank's.
fn night(folder: &Path, plan: &Plan, lines: &BTreeSet<&LineId>) -> Option<Night> {
    let mut families = BTreeMap::new();
    let mut ours = false;
    let mut calls: Night = Vec::new();
    let mut take = |event: crate::model::Event| match event.kind {
        EventKind::RunStarted(header) => {
            ours = header.plan == plan.name && header.bank == plan.bank.name;
            families.extend(header.modems.into_iter().map(|modem| (modem.id, modem.profile)));
        }
        EventKind::Modem { modem, state: ModemState::Identified, detail, .. } => {
            let family = detail.split_whitespace().next().unwrap_or_default();
            families.insert(modem, family.to_owned());
        }
        EventKind::CallEnded(record) if ours && lines.contains(&record.line) => {
            let family = families.get(&record.modem).cloned().unwrap_or_default();
            calls.push((record.line.clone(), family, *record));
        }
        _ => {}
    };
    journal::scan_kinds(&folder.join(journal::FILE_NAME), &KINDS, &mut take).ok()?;
    Some(calls)
}
