//! `lineman why`: why a line is not being dialed now, and when it will be; what a modem is at.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::{Overrides, Plan, load_plan};
use crate::journal::{self, is_live};
use crate::model::{Line, LineId, ModemId};
use crate::modem::clock::Clock;
use crate::report::Situation;
use crate::report::why::{clock, span};

use super::args;
use super::{Failure, check, say};

/// A window that opens so soon is open.
const NOW: SignedDuration = SignedDuration::from_secs(1);
/// Names that an error suggests.
const KNOWN_MAX: usize = 3;

/// Runs it; the exit code.
pub(super) fn run(args: &args::Why) -> Result<u8, Failure> {
    let reports = args.reports.clone().unwrap_or_else(|| PathBuf::from("reports"));
    let (folder, situation) = newest(&reports)?;
    let now = Clock::start().wall();
    let zone = TimeZone::system();
    let live = is_live(&folder) && situation.ended().is_none();
    say(&opening(&situation, live, now, &zone));
    if args.names.is_empty() {
        say(&everything(&situation, now, &zone));
        return Ok(0);
    }
    let next = if live { None } else { Some(Next::of(&situation, &reports, now)) };
    for name in &args.names {
        say(&named(&situation, name, now, &zone)?);
        for line in situation.lines(name) {
            if let Some(next) = &next {
                say(&format!("{} {}", line.id, next.line(&line.id, now)));
            }
        }
    }
    Ok(0)
}

/// What a run of the same plan would do, if it began now; or why that can't be told.
struct Next(Result<Plan, String>);

impl Next {
    fn of(situation: &Situation, reports: &Path, now: Timestamp) -> Self {
        let read = || {
            let path =
                situation.header().plan_path.as_deref().ok_or("the run does not say which plan it was")?;
            let mut plan = load_plan(path, &Overrides::default()).map_err(|problems| problems.to_string())?;
            check::settled(&mut plan, reports, &args::Selection::default(), now)
                .map_err(|failure| failure.text)?;
            Ok(plan)
        };
        Self(read())
    }

    fn line(&self, line: &LineId, now: Timestamp) -> String {
        let plan = match &self.0 {
            Ok(plan) => plan,
            Err(why) => {
                return format!("in a run that began now: not known, since its plan can't be read: {why}");
            }
        };
        let Some(planned) = plan.line(line) else {
            return "in a run that began now: it is no line of the plan any more".to_owned();
        };
        if let Some(preset) = &planned.preset {
            return format!(
                "would not be dialed by a run that began now: {}: {}",
                preset.fault, preset.detail
            );
        }
        let room = plan.room();
        match planned.hours.as_deref().map(|hours| hours.next(now, room)) {
            None => "would be dialed by a run that began now".to_owned(),
            Some(None) => {
                "would not be dialed by a run that began now: its windows do not open within two years"
                    .to_owned()
            }
            Some(Some(open)) if open.from.timestamp() <= now + NOW => {
                "would be dialed by a run that began now: its window is open".to_owned()
            }
            Some(Some(open)) => format!(
                "would wait in a run that began now: its window opens at {open}, in {}",
                span(now, open.from.timestamp())
            ),
        }
    }
}

/// The live run, else the last one.
fn newest(reports: &Path) -> Result<(PathBuf, Situation), Failure> {
    let folder =
        ["current", "latest"].map(|link| reports.join(link)).into_iter().find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        return Err(Failure::wrong(format!(
            "there is no run in {}; `--reports DIR` names the folder that runs are written to",
            reports.display()
        )));
    };
    let path = folder.join(journal::FILE_NAME);
    let replay = journal::read(&path).map_err(Failure::wrong)?;
    let situation = Situation::of(&replay.events)
        .ok_or_else(|| Failure::wrong(format!("{}: the run has written nothing yet", path.display())))?;
    Ok((folder, situation))
}

fn opening(situation: &Situation, live: bool, now: Timestamp, zone: &TimeZone) -> String {
    let run = &situation.header().run;
    match situation.ended() {
        _ if live => format!("run {run} goes on; as of {}:", clock(situation.last(), zone)),
        Some((_, at)) => format!(
            "no run is going on; the last one, {run}, ended {} ago, at {}:",
            span(at, now),
            clock(at, zone)
        ),
        None => format!(
            "run {run} was cut off at {} and is not going on: `lineman audit --resume` goes on with it. When it was cut off:",
            clock(situation.last(), zone)
        ),
    }
}

fn named(situation: &Situation, name: &str, now: Timestamp, zone: &TimeZone) -> Result<String, Failure> {
    let mut rows: Vec<String> = situation
        .lines(name)
        .map(|line| format!("{} {}", line.id, situation.line(&line.id, now, zone)))
        .collect();
    if let Ok(modem) = name.parse::<ModemId>() {
        rows.extend(situation.modem(&modem, now, zone).map(|text| format!("{modem} {text}")));
    }
    if rows.is_empty() {
        let header = situation.header();
        let known = header.lines.iter().flat_map(|line| [line.id.as_str(), line.site.as_str()]);
        let known = known.chain(header.modems.iter().map(|modem| modem.id.as_str()));
        return Err(Failure::wrong(format!(
            "`{name}` is no line, site or modem of run {}{}",
            header.run,
            near(name, known)
        )));
    }
    Ok(rows.join("\n"))
}

/// All lines that are open, and all modems.
fn everything(situation: &Situation, now: Timestamp, zone: &TimeZone) -> String {
    let header = situation.header();
    let open = |line: &&Line| situation.verdict(&line.id).is_none();
    let lines = header
        .lines
        .iter()
        .filter(open)
        .map(|line| format!("{} {}", line.id, situation.line(&line.id, now, zone)));
    let modems = header
        .modems
        .iter()
        .filter_map(|modem| Some(format!("{} {}", modem.id, situation.modem(&modem.id, now, zone)?)));
    let mut rows: Vec<String> = lines.collect();
    if rows.is_empty() {
        rows.push("every line has its verdict".to_owned());
    }
    rows.extend(modems);
    rows.join("\n")
}

fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut ranked: Vec<(f64, &str)> =
        known.map(|other| (strsim::jaro_winkler(name, other), other)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    ranked.dedup_by_key(|(_, other)| *other);
    let close: Vec<&str> =
        ranked.into_iter().filter(|(like, _)| *like > 0.8).map(|(_, other)| other).take(KNOWN_MAX).collect();
    if close.is_empty() { String::new() } else { format!("; did you mean {}?", close.join(", ")) }
}
