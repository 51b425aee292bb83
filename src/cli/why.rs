//! `lineman why`: why a line is not being dialed now, and when it will be; what a modem is at.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::{Overrides, Plan, load_plan};
use crate::journal::{self, is_live};
use crate::model::{Event, EventKind, Line, LineId, ModemId, PlanName, RunId, SiteId, Verdict};
use crate::modem::clock::Clock;
use crate::report::Situation;
use crate::report::why::{clock, span};
use crate::service::http::client::Client;

use super::args;
use super::{Failure, check, daemon, say, status};

/// A window that opens so soon is open.
const NOW: SignedDuration = SignedDuration::from_secs(1);
/// Less than this is no set clock, but two that were not read at one instant.
const SET_MIN: SignedDuration = SignedDuration::from_secs(1);
/// Names that an error suggests.
const KNOWN_MAX: usize = 3;

/// Runs it; the exit code.
pub(super) async fn run(args: &args::Why) -> Result<u8, Failure> {
    if daemon::is_named(&args.daemon) {
        return asked(args).await;
    }
    let reports = args.reports.clone().unwrap_or_else(|| PathBuf::from("reports"));
    let clock = Clock::start();
    let (folder, situation) = newest(&reports, clock)?;
    let now = clock.wall();
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

/// What a daemon says.
async fn asked(args: &args::Why) -> Result<u8, Failure> {
    if args.reports.is_some() {
        return Err(Failure::wrong(
            "--reports is for a run without a daemon; the daemon knows where its runs are",
        ));
    }
    let client = daemon::client(&args.daemon).await?;
    let now = client.status().await.map_err(status::unanswered)?;
    let zone = TimeZone::system();
    if args.names.is_empty() {
        let names = now
            .plans
            .iter()
            .map(|plan| plan.plan.as_str())
            .chain(now.banks.iter().map(|bank| bank.bank.as_str()));
        let mut told: Vec<String> = Vec::new();
        for row in names.flat_map(|name| status::why(&now, name, &zone)) {
            if !told.contains(&row) {
                told.push(row);
            }
        }
        say(&told.join("\n"));
        return Ok(0);
    }
    for name in &args.names {
        let mut told = status::why(&now, name, &zone);
        told.extend(lines(&client, name).await?);
        if told.is_empty() {
            let known = now.plans.iter().map(|plan| plan.plan.as_str());
            let known = known.chain(
                now.banks.iter().flat_map(|bank| bank.modems.iter().map(|modem| modem.modem.as_str())),
            );
            return Err(Failure::wrong(format!(
                "`{name}` is no line, site, modem, bank or plan of this daemon{}",
                near(name, known)
            )));
        }
        say(&told.join("\n"));
    }
    Ok(0)
}

/// What is wanted of the daemon's answers about lines.
#[derive(serde::Deserialize)]
struct Found {
    lines: Vec<FoundLine>,
}

#[derive(serde::Deserialize)]
struct FoundLine {
    plan: PlanName,
    id: LineId,
    site: SiteId,
}

#[derive(serde::Deserialize)]
struct OneLine {
    why: String,
    plan_why: String,
    last: Option<LastFound>,
    next: Option<Timestamp>,
}

#[derive(serde::Deserialize)]
struct LastFound {
    result: Verdict,
    run: RunId,
}

/// Why lines of this name, or of the site of this name, are not being dialed.
async fn lines(client: &Client, name: &str) -> Result<Vec<String>, Failure> {
    let known = name.parse::<LineId>().is_ok() || name.parse::<SiteId>().is_ok();
    if !known {
        return Ok(Vec::new());
    }
    let word = escaped(name);
    let found: Found =
        client.get(&format!("/api/v1/lines?q={word}&limit=1000")).await.map_err(status::unanswered)?;
    let mut told = Vec::new();
    for line in found.lines.iter().filter(|line| line.id.as_str() == name || line.site.as_str() == name) {
        let path =
            format!("/api/v1/lines/{}/{}?nights=0", escaped(line.plan.as_str()), escaped(line.id.as_str()));
        let one: OneLine = client.get(&path).await.map_err(status::unanswered)?;
        let mut words = vec![one.why];
        words.extend((!one.plan_why.is_empty()).then(|| format!("plan {}: {}", line.plan, one.plan_why)));
        if let Some(LastFound { result, run }) = one.last {
            words.push(format!("{} in run {run}", result.word()));
        }
        words.extend(
            one.next.map(|next| format!("plan {} is due at {}", line.plan, clock(next, &TimeZone::system()))),
        );
        told.push(format!("{} {}", line.id, words.join("; ")));
    }
    Ok(told)
}

/// RFC 3986, section 2.1.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;

    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
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
fn newest(reports: &Path, clock: Clock) -> Result<(PathBuf, Situation), Failure> {
    let folder =
        ["current", "latest"].map(|link| reports.join(link)).into_iter().find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        return Err(Failure::wrong(format!(
            "there is no run in {}; `--reports DIR` names the folder that runs are written to",
            reports.display()
        )));
    };
    let path = folder.join(journal::FILE_NAME);
    let mut replay = journal::read(&path).map_err(Failure::wrong)?;
    if is_live(&folder) {
        as_the_clock_is_set(&mut replay.events, clock.origin_us(), clock.wall());
    }
    let situation = Situation::of(&replay.events)
        .ok_or_else(|| Failure::wrong(format!("{}: the run has written nothing yet", path.display())))?;
    Ok((folder, situation))
}

/// Brings what a run that goes on has told to the wall clock as it is set now: its stamps go on as they began, whoever
/// sets the clock, or however long the host sleeps. `mono_us` is CLOCK_MONOTONIC as the clock shows `wall`.
fn as_the_clock_is_set(events: &mut [Event], mono_us: u64, wall: Timestamp) {
    let origin_us = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::RunStarted(header) => Some(header.sitting.origin_us),
        EventKind::RunResumed(sitting) => Some(sitting.origin_us),
        _ => None,
    });
    let (Some(origin_us), Some(last)) = (origin_us, events.last()) else { return };
    let passed_us = mono_us.saturating_sub(origin_us.saturating_add(last.mono.as_micros()));
    let passed = SignedDuration::from_micros(i64::try_from(passed_us).unwrap_or(i64::MAX));
    let set = wall.duration_since(last.at.saturating_add(passed).unwrap_or(Timestamp::MAX));
    if set.abs() < SET_MIN {
        return;
    }
    let shift = |at: &mut Timestamp| *at = at.saturating_add(set).unwrap_or(*at);
    for event in events {
        shift(&mut event.at);
        match &mut event.kind {
            EventKind::LineWaits { until: Some(until), .. } | EventKind::Modem { until: Some(until), .. } => {
                shift(until);
            }
            _ => {}
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mono;
    use crate::model::event::{Sitting, WaitReason};

    #[test]
    fn a_wait_is_told_by_the_clock_as_it_is_set_now() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let line: LineId = "BR0001-A".parse().unwrap();
        let until = Some(at("2026-11-22T03:00:00Z"));
        let waits = EventKind::LineWaits {
            line: line.clone(),
            until,
            reason: WaitReason::Window,
            why: String::new(),
        };
        let sitting = Sitting { lineman: String::new(), origin_us: 5_000_000 };
        let events = || {
            let of = |at, mono, kind| Event { at, mono: Mono::from_millis(mono), kind };
            let stamp = at("2026-11-22T01:00:00Z");
            [of(stamp, 0, EventKind::RunResumed(sitting.clone())), of(stamp, 1000, waits.clone())]
        };
        // A minute later by the clock that nobody sets: nobody has set the other one either.
        let mut same = events();
        as_the_clock_is_set(&mut same, 66_000_000, at("2026-11-22T01:01:00.2Z"));
        assert_eq!(same, events());
        // It was two hours behind: the window is as far away as it was.
        let mut set = events();
        as_the_clock_is_set(&mut set, 66_000_000, at("2026-11-22T03:01:00Z"));
        let EventKind::LineWaits { until, .. } = &set[1].kind else { unreachable!() };
        assert_eq!(*until, Some(at("2026-11-22T05:00:00Z")));
        assert_eq!(set[1].at, at("2026-11-22T03:00:00Z"));
    }
}
