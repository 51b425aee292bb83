//! What is usual on each line of a plan, from the journals of its last runs in this reports folder.
//!
//! Like is compared with like: another bank has other outside lines, and a rehearsal on a simulated one takes no time
//! that means anything. Hints and no more: a run that is damaged, was cut off, or was another plan's tells nothing. What is looked at is
//! bounded in number and in bytes, so that a year of reports holds up no night.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Plan;
use crate::journal;
use crate::model::event::{ModemState, RunHeader};
use crate::model::usual::Nights;
use crate::model::{
    BankName, CallRecord, EventKind, Line, LineId, ModemId, PhoneNumber, PlanName, RunId, Usual, Verdict,
};

/// Nights that make the usual: two weeks, so that a line that was repaired is known anew soon.
const NIGHTS_MAX: usize = 14;
/// Folders that are looked at for them.
const FOLDERS_MAX: usize = 60;
/// Bytes that are read of all journals together; a night of 5000 lines has about twenty million.
const BYTES_MAX: u64 = 256 << 20;

/// The kinds of events that matter here.
const KINDS: [&str; 5] = ["run-started", "run-resumed", "run-ended", "modem", "call-ended"];

/// What is usual on the lines of a plan; a line that never passed is not there. `except` is the run that is to go on: what
/// it found tonight is not what is usual.
pub(super) fn usual(reports: &Path, plan: &Plan, except: Option<&RunId>) -> BTreeMap<LineId, Arc<Usual>> {
    let lines = plan.lines.iter().map(|planned| &planned.line);
    gathered(reports, &plan.name, &plan.bank.name, lines, except)
        .into_iter()
        .map(|(line, nights)| (line, Arc::new(nights.usual())))
        .collect()
}

fn gathered<'a>(
    reports: &Path,
    plan: &PlanName,
    bank: &BankName,
    lines: impl Iterator<Item = &'a Line>,
    except: Option<&RunId>,
) -> BTreeMap<LineId, Nights> {
    let numbers: BTreeMap<&LineId, &PhoneNumber> = lines.map(|line| (&line.id, &line.number)).collect();
    let mut gathered: BTreeMap<LineId, Nights> = BTreeMap::new();
    let (mut nights, mut bytes) = (0, 0);
    for path in journals(reports, plan, except).into_iter().take(FOLDERS_MAX) {
        let Ok(found) = fs::metadata(&path) else { continue };
        bytes += found.len();
        if nights == NIGHTS_MAX || bytes > BYTES_MAX {
            break;
        }
        let Some(night) = Night::read(&path, plan, bank, &numbers) else { continue };
        nights += 1;
        for (line, (family, record)) in night.passed {
            gathered.entry(line).or_default().note(&family, &record);
        }
    }
    tracing::debug!("what is usual was learnt from {nights} earlier runs");
    gathered
}

/// The journals of what may be runs of this plan, the newest first.
fn journals(reports: &Path, plan: &PlanName, except: Option<&RunId>) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(reports) else { return Vec::new() };
    // Ids sort by time. The name behind the time may be the beginning of another plan's; the header tells.
    let named = format!("Z-{plan}");
    let mut runs: Vec<RunId> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().to_str()?.parse::<RunId>().ok())
        .filter(|run| run.as_str().contains(&named) && except != Some(run))
        .collect();
    runs.sort_unstable_by(|a, b| b.cmp(a));
    runs.iter().map(|run| reports.join(run.as_str()).join(journal::FILE_NAME)).collect()
}

/// One run: the calls that passed, a line each, with the family of the modem.
#[derive(Debug, Default)]
struct Night {
    families: BTreeMap<ModemId, String>,
    passed: BTreeMap<LineId, (String, Box<CallRecord>)>,
    ended: bool,
}

impl Night {
    /// Reads a run that is over; absent if it is none of this plan on this bank, did not end, or is damaged.
    fn read(
        path: &Path,
        plan: &PlanName,
        bank: &BankName,
        numbers: &BTreeMap<&LineId, &PhoneNumber>,
    ) -> Option<Self> {
        let mut night = Self::default();
        let mut same: Option<BTreeMap<LineId, PhoneNumber>> = None;
        let scanned = journal::scan_kinds(path, &KINDS, |event| match event.kind {
            EventKind::RunStarted(header) if header.plan == *plan && header.bank == *bank => {
                let RunHeader { lines, modems, .. } = *header;
                night.families = modems.into_iter().map(|modem| (modem.id, modem.profile)).collect();
                // A line whose number has changed is another line.
                let kept = lines.into_iter().filter(|line| numbers.get(&line.id) == Some(&&line.number));
                same = Some(kept.map(|line| (line.id, line.number)).collect());
            }
            EventKind::RunResumed(_) => night.ended = false,
            EventKind::RunEnded { .. } => night.ended = true,
            EventKind::Modem { modem, state: ModemState::Identified, detail, .. } => {
                let profile = detail.split(' ').next().unwrap_or_default();
                night.families.insert(modem, profile.to_owned());
            }
            EventKind::CallEnded(record)
                if same.as_ref().is_some_and(|same| same.contains_key(&record.line)) =>
            {
                night.call(record);
            }
            _ => {}
        });
        if let Err(error) = scanned {
            tracing::debug!("an earlier run tells nothing of what is usual: {error}");
            return None;
        }
        (same.is_some() && night.ended).then_some(night)
    }

    fn call(&mut self, record: Box<CallRecord>) {
        if matches!(Verdict::of(record.fault), Verdict::Pass | Verdict::Degraded) {
            let family = self.families.get(&record.modem).cloned().unwrap_or_default();
            self.passed.insert(record.line.clone(), (family, record));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{EVENT_FORMAT, Ending, ModemHeader, Sitting};
    use crate::model::{Event, Fault, Moment, Mono, Timeline};

    const LINES: [&str; 2] = ["BR0001-A", "BR0002-A"];

    fn line(n: usize) -> Line {
        Line {
            id: LINES[n].parse().unwrap(),
            site: LINES[n].parse().unwrap(),
            number: format!("+1919555010{n}").parse().unwrap(),
            hostname: None,
            facets: crate::model::Facets::default(),
        }
    }

    fn header(plan: &str) -> EventKind {
        EventKind::RunStarted(Box::new(RunHeader {
            format: EVENT_FORMAT,
            run: "20261121T020000Z-nightly".parse().unwrap(),
            plan: plan.parse().unwrap(),
            plan_path: None,
            bank: "hq".parse().unwrap(),
            seed: 1,
            currency: None,
            lines: vec![line(0), line(1)],
            modems: vec![ModemHeader {
                id: "m00".parse().unwrap(),
                port: "/dev/ttyS0".to_owned(),
                profile: "auto".to_owned(),
                trunk: None,
            }],
            sitting: Sitting { lineman: "0".to_owned(), origin_us: 0 },
        }))
    }

    fn call(n: usize, connect_ms: u64, fault: Option<Fault>) -> EventKind {
        let mut timeline = Timeline::default();
        timeline.observe(Moment::Dialed, Mono::ZERO);
        timeline.observe(Moment::Connected, Mono::from_millis(connect_ms));
        let mut record = CallRecord { line: line(n).id, timeline, fault, ..CallRecord::sample() };
        record.link.tx_bps = Some(33_600);
        EventKind::CallEnded(Box::new(record))
    }

    const ENDED: EventKind = EventKind::RunEnded { ending: Ending::Completed };

    fn identified() -> EventKind {
        EventKind::Modem {
            modem: "m00".parse().unwrap(),
            state: ModemState::Identified,
            fault: None,
            detail: "courier 3366 / V.90".to_owned(),
            until: None,
        }
    }

    fn write(reports: &Path, day: usize, kinds: Vec<EventKind>) -> PathBuf {
        let folder = reports.join(format!("202611{day:02}T020000Z-nightly"));
        let text: String = kinds
            .into_iter()
            .map(|kind| Event { at: jiff::Timestamp::UNIX_EPOCH, mono: Mono::ZERO, kind })
            .map(|event| serde_json::to_string(&event).unwrap() + "\n")
            .collect();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(journal::FILE_NAME), text).unwrap();
        folder
    }

    fn learnt(reports: &Path, lines: &[Line], except: Option<&RunId>) -> BTreeMap<String, Usual> {
        let gathered =
            gathered(reports, &"nightly".parse().unwrap(), &"hq".parse().unwrap(), lines.iter(), except);
        gathered.into_iter().map(|(line, nights)| (line.to_string(), nights.usual())).collect()
    }

    #[test]
    fn nights_on_which_a_line_passed_make_its_usual() {
        let reports = tempfile::tempdir().unwrap();
        for (day, connect_ms) in (1..).zip([21_000, 22_000, 20_000]) {
            let retried = call(0, 60_000, Some(Fault::NoAnswer));
            let calls = [retried, call(0, connect_ms, None), call(1, 30_000, Some(Fault::Busy))];
            let kinds = [header("nightly"), identified()].into_iter().chain(calls).chain([ENDED]).collect();
            write(reports.path(), day, kinds);
        }
        let blemished = call(0, 24_000, Some(Fault::SlowConnect));
        write(reports.path(), 4, vec![header("nightly"), identified(), blemished, ENDED]);
        let usual = learnt(reports.path(), &[line(0), line(1)], None);
        let connect = usual["BR0001-A"].dialed_to_connect_ms.unwrap();
        assert_eq!((connect.nights, connect.least, connect.most), (4, 20_000, 24_000));
        let rate = usual["BR0001-A"].families["courier"].connect_bps.unwrap();
        assert_eq!((rate.nights, rate.median), (4, 33_600));
        assert!(!usual.contains_key("BR0002-A"), "it never passed");
    }

    #[test]
    fn what_was_cut_off_damaged_or_another_plans_tells_nothing() {
        let reports = tempfile::tempdir().unwrap();
        let reports = reports.path();
        write(reports, 1, vec![header("nightly"), call(0, 20_000, None)]);
        write(reports, 2, vec![header("weekly"), call(0, 20_000, None), ENDED]);
        let damaged = write(reports, 3, vec![header("nightly"), call(0, 20_000, None), ENDED]);
        let text = fs::read_to_string(damaged.join(journal::FILE_NAME)).unwrap();
        fs::write(damaged.join(journal::FILE_NAME), text.replace("\"attempt\":1", "\"attempt\":one"))
            .unwrap();
        fs::create_dir(reports.join("20261104T020000Z-nightly")).unwrap();
        fs::write(reports.join("latest"), "no folder").unwrap();
        assert_eq!(learnt(reports, &[line(0)], None), BTreeMap::new());
        assert_eq!(learnt(&reports.join("none"), &[line(0)], None), BTreeMap::new());

        write(reports, 5, vec![header("nightly"), call(0, 20_000, None), ENDED]);
        assert_eq!(learnt(reports, &[line(0)], None).len(), 1);
        let tonight = "20261105T020000Z-nightly".parse().unwrap();
        assert_eq!(learnt(reports, &[line(0)], Some(&tonight)), BTreeMap::new(), "it is not over");
        let moved = Line { number: "+12125550199".parse().unwrap(), ..line(0) };
        assert_eq!(learnt(reports, &[moved], None), BTreeMap::new());
    }

    #[test]
    fn a_rehearsal_on_another_bank_tells_nothing() {
        let reports = tempfile::tempdir().unwrap();
        let EventKind::RunStarted(mut demo) = header("nightly") else { unreachable!() };
        demo.bank = "demo".parse().unwrap();
        write(reports.path(), 1, vec![EventKind::RunStarted(demo), call(0, 300, None), ENDED]);
        assert_eq!(learnt(reports.path(), &[line(0)], None), BTreeMap::new(), "its time is compressed");
    }

    #[test]
    fn two_weeks_are_remembered_and_the_newest_count() {
        let reports = tempfile::tempdir().unwrap();
        for day in 1..=20 {
            let connect_ms = if day <= 6 { 90_000 } else { 20_000 };
            write(reports.path(), day, vec![header("nightly"), call(0, connect_ms, None), ENDED]);
        }
        let connect = learnt(reports.path(), &[line(0)], None)["BR0001-A"].dialed_to_connect_ms.unwrap();
        assert_eq!((connect.nights, connect.most), (14, 20_000));
    }
}
