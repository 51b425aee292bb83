//! `lineman why`: why a line is not being dialed now, and when it will be; what a modem is at.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::journal::{self, is_live};
use crate::model::{Line, ModemId};
use crate::modem::clock::Clock;
use crate::report::Situation;
use crate::report::why::{clock, span};

use super::args;
use super::{Failure, say};

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
    for name in &args.names {
        say(&named(&situation, name, now, &zone)?);
    }
    Ok(0)
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
