//! `lineman report status`: how lines stand now, as a monitoring plugin. What is said is `report::nagios::status`'s; here
//! the runs that can say it are found.
//!
//! Whatever goes wrong is UNKNOWN, on stdout, with exit code 3: a monitor reads nothing else, and would take the usual code
//! of wrong usage for CRITICAL.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::cli::args;
use crate::cli::{Failure, say};
use crate::journal;
use crate::model::event::RunHeader;
use crate::model::{Event, EventKind, Line, PlanName, RunId};
use crate::modem::clock::Clock;
use crate::report::nagios::Status;
use crate::report::nagios::status::{Standing, report};
use crate::report::{self, RunState};

/// Runs that are looked into for a name: half a year of nights of two plans.
const RUNS_MAX: usize = 400;
/// The longest first line of a journal that is read; it holds the plan.
const HEADER_MAX: u64 = 64 << 20;

/// Runs it; the exit code is a monitoring plugin's.
pub(super) fn run(args: &args::Status) -> u8 {
    match answer(args) {
        Ok((status, text)) => {
            say(&text);
            status.code()
        }
        Err(failure) => unknown(&failure.text),
    }
}

/// Says that nothing is known; the exit code of it.
pub(in crate::cli) fn unknown(why: &str) -> u8 {
    let why = why.strip_prefix("error: ").unwrap_or(why);
    let why: Vec<&str> = why.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    say(&format!("LINEMAN UNKNOWN - {}", report::nagios::plain(&why.join(", "))));
    Status::Unknown.code()
}

/// Whether a command line asks for this verb, however wrong the rest of it is.
pub(in crate::cli) fn is_asked(words: impl IntoIterator<Item = OsString>) -> bool {
    /// Options of all verbs that have their value in the next word.
    const VALUED: [&str; 2] = ["--color", "--log-format"];
    let mut words = words.into_iter().skip(1);
    for verb in ["report", "status"] {
        let found = loop {
            let Some(word) = words.next() else { return false };
            if VALUED.iter().any(|option| word == *option) {
                let _ = words.next();
            } else if !word.to_string_lossy().starts_with('-') {
                break word;
            }
        };
        if found != verb {
            return false;
        }
    }
    true
}

fn answer(args: &args::Status) -> Result<(Status, String), Failure> {
    let reports = super::folder(args.reports.as_ref());
    let now = Clock::start().wall();
    let mut runs = Runs::of(&reports, args.plan.as_ref())?;
    let mut picked: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    if args.names.is_empty() {
        let newest = runs.find(|_| true).ok_or_else(|| nothing(&reports, args.plan.as_ref()))?;
        picked.insert(newest, Vec::new());
    }
    for name in &args.names {
        let found = runs.find(|header| header.lines.iter().any(|line| is_named(line, name)));
        let found = found.ok_or_else(|| {
            let of = args.plan.as_ref().map_or(String::new(), |plan| format!(" of plan {plan}"));
            Failure::wrong(format!(
                "no run{of} in {} that has ended has a line or site `{name}`",
                reports.display()
            ))
        })?;
        picked.entry(found).or_default().push(name.clone());
    }
    let states: Vec<(&RunState, Vec<String>)> =
        picked.into_iter().filter_map(|(place, names)| Some((runs.state(place)?, names))).collect();
    let mut seen = HashSet::new();
    let mut standings = Vec::new();
    for (state, names) in &states {
        for (line, known) in state.lines() {
            let asked = names.is_empty() || names.iter().any(|name| is_named(line, name));
            if asked && seen.insert(&line.id) {
                standings.push(Standing::of(line, known, now, args.max_age));
            }
        }
    }
    let about = match &args.names[..] {
        [] => states.first().map_or(String::new(), |(state, _)| format!("plan {}", state.header().plan)),
        names => names.join(", "),
    };
    let states: Vec<&RunState> = states.iter().map(|(state, _)| *state).collect();
    Ok(report(&about, &standings, &states))
}

fn is_named(line: &Line, name: &str) -> bool {
    line.id.as_str() == name || line.site.as_str() == name
}

fn nothing(reports: &Path, plan: Option<&PlanName>) -> Failure {
    let of = plan.map_or(String::new(), |plan| format!(" of plan {plan}"));
    Failure::wrong(format!(
        "there is no run{of} in {} that has ended; `--reports DIR` names the folder that runs are written to",
        reports.display()
    ))
}

/// The runs of a reports folder, the newest first, each opened when it is asked.
struct Runs {
    folders: Vec<(PathBuf, Looked)>,
    plan: Option<PlanName>,
}

/// How far a run has been looked into.
enum Looked {
    Not,
    Header(Box<RunHeader>),
    Whole(Box<RunState>),
    /// It is of another plan, has not ended, or can't be read.
    Useless,
}

impl Runs {
    fn of(reports: &Path, plan: Option<&PlanName>) -> Result<Self, Failure> {
        let entries = fs::read_dir(reports).map_err(|error| {
            Failure::wrong(format!(
                "{} cannot be read: {error}; `--reports DIR` names the folder that runs are written to",
                reports.display()
            ))
        })?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()) && name.parse::<RunId>().is_ok())
            .collect();
        // A run id begins with its start, so that the newest comes last.
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.truncate(RUNS_MAX);
        let folders = names.into_iter().map(|name| (reports.join(name), Looked::Not)).collect();
        Ok(Self { folders, plan: plan.cloned() })
    }

    /// The newest run that has ended and whose header fits.
    fn find(&mut self, fits: impl Fn(&RunHeader) -> bool) -> Option<usize> {
        (0..self.folders.len()).find(|&place| {
            self.look(place);
            let header = match &self.folders[place].1 {
                Looked::Header(header) => header,
                Looked::Whole(state) => state.header(),
                Looked::Not | Looked::Useless => return false,
            };
            fits(header) && self.open(place)
        })
    }

    /// Reads a run's header, if nothing of it has been read.
    fn look(&mut self, place: usize) {
        let (folder, looked) = &mut self.folders[place];
        if matches!(looked, Looked::Not) {
            let fits = |header: &RunHeader| self.plan.as_ref().is_none_or(|plan| header.plan == *plan);
            *looked = header(folder).filter(|header| fits(header)).map_or(Looked::Useless, Looked::Header);
        }
    }

    /// Reads the whole run; whether it can answer: it has ended.
    fn open(&mut self, place: usize) -> bool {
        let (folder, looked) = &mut self.folders[place];
        if matches!(looked, Looked::Header(_)) {
            let read = journal::read(&folder.join(journal::FILE_NAME)).ok();
            let state = read.and_then(|replay| report::fold(&replay.events).ok());
            *looked = state
                .filter(|state| state.ended().is_some())
                .map_or(Looked::Useless, |state| Looked::Whole(Box::new(state)));
        }
        matches!(looked, Looked::Whole(_))
    }

    fn state(&self, place: usize) -> Option<&RunState> {
        match &self.folders.get(place)?.1 {
            Looked::Whole(state) => Some(state),
            _ => None,
        }
    }
}

/// The header of a run, without the rest of its journal.
fn header(folder: &Path) -> Option<Box<RunHeader>> {
    let file = File::open(folder.join(journal::FILE_NAME)).ok()?;
    let mut first = String::new();
    BufReader::new(std::io::Read::take(file, HEADER_MAX)).read_line(&mut first).ok()?;
    match serde_json::from_str::<Event>(&first).ok()?.kind {
        EventKind::RunStarted(header) => Some(header),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_is_seen_behind_options_of_all_verbs() {
        let asked = |line: &str| is_asked(line.split_whitespace().map(OsString::from));
        for line in [
            "lineman report status X --nope",
            "lineman -v report --color never status",
            "lineman --color never --log-format json report status --nope",
            "lineman --color=never report status",
        ] {
            assert!(asked(line), "{line}");
        }
        for line in
            ["lineman", "lineman report", "lineman status", "lineman report trend status", "lineman --color"]
        {
            assert!(!asked(line), "{line}");
        }
    }
}
