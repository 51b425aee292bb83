//! `lineman audit`: runs a plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{Plan, load_plan};
use crate::fleet::dispatcher::{self, Job};
use crate::journal::{Journal, RunDir};
use crate::model::{Event, EventKind, Line, RunId};
use crate::modem::clock::{Clock, Wall};
use crate::report::{Board, Renderer, RunState, exit_code, summary};

use super::args::Audit;
use super::bench::Bench;
use super::example::{self, Example};
use super::experience::{self, Experience};
use super::history::{History, Recalled};
use super::hours::{First, RunCalendar, Wishes};
use super::notify::{self, Told, Wish};
use super::scribe::{self, Minutes, Scribe};
use super::{Failure, check, complain, job, note, outlook, say, screen, secrets, standing, stop};

/// Where runs are written, unless the example plan is run or `--reports` says otherwise.
const REPORTS: &str = "reports";

/// Runs it; the exit code. `talkative`: the log goes to stderr, so no board is drawn over it.
pub(super) async fn run(args: &Audit, talkative: bool) -> Result<u8, Failure> {
    let example = if args.plan.is_none() && args.resume.is_none() { Some(Example::find()?) } else { None };
    let reports = reports_folder(args.reports.as_deref(), example.is_some());
    let clock = Clock::start();
    let wishes = Wishes { at: args.at, no_wait: args.no_wait };
    let resumed = args.resume.as_deref().map(|run| Resumed::open(&reports, run)).transpose()?;
    if let Some(complete) = resumed.as_ref().filter(|resumed| resumed.is_complete()) {
        return complete.publish();
    }
    let path = plan_path(args, example.as_ref(), resumed.as_ref())?;
    let overrides = args.selection.overrides(args.bank.clone(), args.seed);
    let mut plan = load_plan(&path, &overrides).map_err(Failure::wrong)?;
    for warning in &plan.warnings {
        note(&format!("warning: {warning}"));
    }
    if let Some(resumed) = &resumed {
        resumed.fits(&plan)?;
    }
    let now = Wall::Host.read(&clock);
    // A hold ends by the day on which lines are dialed, which may be the next one.
    let dialed_at = wishes.at_of(&plan, &now).map_or(now.wall, |at| at.max(now.wall));
    if args.dry_run {
        let recalled = check::settled(&mut plan, &reports, &args.selection, dialed_at)?;
        let calendar = RunCalendar::new(Arc::new(plan.clone()), wishes);
        calendar.check(&now)?;
        say(&check::text(&plan, &now, calendar, &recalled));
        return Ok(0);
    }
    let history = History::of(&plan, &reports);
    standing::confirm(&plan, &history, &args.number_confirmed, clock.wall())?;
    let mut recalled = history.begin(resumed.as_ref().map(|resumed| resumed.dir.run()));
    let told = standing::settle(&mut plan, &recalled, &args.selection, dialed_at)?;
    recalled.notices.extend(told);
    let plan = Arc::new(plan);
    let mut calendar = RunCalendar::new(Arc::clone(&plan), wishes);
    calendar.check(&now)?;

    let memory = secrets::memory(&plan, &reports, &args.forget_refusal, clock)?;
    let past = resumed.as_ref().map(|resumed| job::past(&resumed.events)).unwrap_or_default();
    let mut cut_off = match &resumed {
        Some(resumed) => job::cut_off(&resumed.events),
        None => experience::left_behind(&reports, &plan)?,
    };
    cut_off.retain(|name| !args.forget_refusal.contains(name));
    let history = History::of(&plan, &reports);
    let mut experience = Experience::of(&plan, &recalled);
    let notices = calendar.prove(&mut experience.provers, &past, &now);
    for notice in &notices {
        note(notice);
    }
    let desk = secrets::desk(&plan, &past, &cut_off, &experience.provers, &memory).await?;
    let wish = Wish { mail: &args.mail, nobody: args.no_notify, asked: false };
    let told = Box::pin(Told::prepare(&plan, &wish)).await;
    let stops = stop::listen()?;
    let mut bench = Bench::open(&plan, clock).await?;

    let mut preface = preface(recalled, resumed.as_ref());
    let (dir, journal, opening, earlier) = match resumed {
        Some(resumed) => resumed.begin(clock),
        None => begin(&plan, &reports, clock)?,
    };
    let screen = screen::choose(args.plain || talkative, earlier.board);
    let past_views = scribe::Past { state: earlier.state, renderer: earlier.renderer };
    let told = told.begin(notify::context(&plan, &dir, false), clock);
    let mut scribe = Scribe::start(journal, past_views, screen, told.herald(), clock);
    let seats = job::seats(&plan)
        .into_iter()
        .map(|seat| {
            let port = bench.open.remove(&seat.id);
            (seat, port)
        })
        .collect();
    let first = First::of(&mut calendar, clock);
    let mut scheduled = job::scheduler_plan(&plan, past, &experience, &first.windows);
    let outlook = outlook::of(&plan, &mut scheduled, &experience, &first.reading, first.deadline);
    preface.extend(outlook.into_iter().map(|text| EventKind::Notice { text }));
    let job = Job {
        opening,
        preface,
        seats,
        opener: Arc::clone(&bench.ports),
        plan: scheduled,
        book: job::Book::new(Arc::clone(&plan), experience.usual),
        desk,
        deadline: first.deadline,
        hours: Some(calendar.into_hours(&first, notices)),
    };
    let end = dispatcher::run(job, clock, &mut scribe, stops).await;
    bench.close().await;
    let minutes = scribe.finish();
    let concluded = conclude(&dir, &minutes, end.broken.map(|error| error.to_string()), &history);
    Box::pin(told.finish(&dir, minutes.state.as_ref(), concluded.as_ref().err())).await;
    concluded
}

/// What is told behind the opening: what was before, which a run that goes on mostly has told already, and what is amiss
/// with the history.
fn preface(recalled: Recalled, resumed: Option<&Resumed>) -> Vec<EventKind> {
    let told = |event: &Event| matches!(event.kind, EventKind::LinesBefore { .. });
    let is_told = resumed.is_some_and(|resumed| resumed.events.iter().any(told));
    let before = Some(recalled.before).filter(|lines| !lines.is_empty() && !is_told);
    let notices = recalled.notices.into_iter().map(|text| EventKind::Notice { text });
    before.map(|lines| EventKind::LinesBefore { lines }).into_iter().chain(notices).collect()
}

/// Where runs are written.
pub(super) fn reports_folder(written: Option<&Path>, example: bool) -> PathBuf {
    match written {
        Some(reports) => reports.to_owned(),
        None if example => PathBuf::from(example::REPORTS),
        None => PathBuf::from(REPORTS),
    }
}

fn plan_path(args: &Audit, example: Option<&Example>, resumed: Option<&Resumed>) -> Result<PathBuf, Failure> {
    if let Some(path) = args.plan.clone().or_else(|| example.map(|example| example.plan.clone())) {
        return Ok(path);
    }
    resumed.and_then(Resumed::plan_path).ok_or_else(|| {
        Failure::wrong("the run to be resumed does not say which plan it was; name the plan: `lineman audit PLAN --resume`")
    })
}

/// Views of the sittings before this one.
struct Earlier {
    state: Option<RunState>,
    renderer: Renderer,
    board: Option<Board>,
}

type Begun = (RunDir, Journal, EventKind, Earlier);

fn begin(plan: &Plan, reports: &Path, clock: Clock) -> Result<Begun, Failure> {
    let dir = RunDir::create(reports, clock.wall(), &plan.name).map_err(Failure::wrong)?;
    let journal = Journal::create(&dir).map_err(Failure::wrong)?;
    let opening = EventKind::RunStarted(Box::new(job::header(plan, dir.run(), clock)));
    let renderer = Renderer::new(dir.path());
    Ok((dir, journal, opening, Earlier { state: None, renderer, board: None }))
}

/// An interrupted run that goes on.
struct Resumed {
    dir: RunDir,
    journal: Journal,
    events: Vec<Event>,
    state: RunState,
}

impl Resumed {
    fn open(reports: &Path, run: &str) -> Result<Self, Failure> {
        let id = match run {
            "current" => None,
            name => Some(
                name.parse::<RunId>()
                    .map_err(|error| Failure::wrong(format!("--resume: `{name}` {error}")))?,
            ),
        };
        let dir = RunDir::resume(reports, id.as_ref()).map_err(Failure::wrong)?;
        let (journal, replay) = Journal::resume(&dir).map_err(Failure::wrong)?;
        if let Some(cut) = replay.cut {
            note(&format!(
                "the journal's line {} was cut off ({} bytes) and is gone; nothing that was told is in it",
                cut.line, cut.bytes
            ));
        }
        if replay.events.is_empty() {
            return Err(Failure::wrong(format!(
                "run `{}` was ended before anything was dialed; start a new one",
                dir.run()
            )));
        }
        let state = RunState::of(&replay.events)
            .map_err(|error| Failure::wrong(format!("{}: {error}", journal.path().display())))?;
        if state.header().run != *dir.run() {
            return Err(Failure::wrong(format!(
                "{} is the journal of run `{}`; was the folder renamed?",
                journal.path().display(),
                state.header().run
            )));
        }
        Ok(Self { dir, journal, events: replay.events, state })
    }

    /// Whether every call of it was made.
    fn is_complete(&self) -> bool {
        matches!(self.state.ended(), Some((crate::model::event::Ending::Completed, _)))
    }

    /// Writes the files of a complete run that was killed, or found the disk full, before all of them were written.
    /// Whoever reads `latest` knows nothing of it until then.
    fn publish(&self) -> Result<u8, Failure> {
        let run = self.dir.run();
        if self.dir.latest().is_some_and(|latest| latest >= *run) {
            return Err(Failure::wrong(format!("run `{run}` is complete; there is nothing to resume")));
        }
        note(
            "the run had come to its end, but not its files: they are written now; mail and hooks were not sent",
        );
        let (state, _) = crate::report::replay(&self.events, self.dir.path()).map_err(Failure::unjudged)?;
        self.dir.publish().map_err(Failure::unjudged)?;
        let mut files = crate::report::files(&state, self.dir.path());
        files.push(self.dir.path().join(crate::journal::FILE_NAME));
        say(&summary::text(&state, &files, screen::style()));
        Ok(exit_code(&state))
    }

    fn plan_path(&self) -> Option<PathBuf> {
        self.state.header().plan_path.clone()
    }

    /// A run goes on with the lines that it began with, or not at all: else its counts could not add up.
    fn fits(&self, plan: &Plan) -> Result<(), Failure> {
        let header = self.state.header();
        let other = |what: String| {
            Err(Failure::wrong(format!(
                "{}: {what}, so run `{}` can't go on with it; start a new run",
                plan.path.display(),
                self.dir.run()
            )))
        };
        if header.plan != plan.name {
            return other(format!("the plan is `{}`, and the run's was `{}`", plan.name, header.plan));
        }
        let lines = plan.lines.iter().map(|planned| &planned.line);
        if let Some((line, _)) = header.lines.iter().zip(lines.clone()).find(|(then, now)| !same(then, now)) {
            return other(format!("line `{}` is gone, was changed, or stands elsewhere", line.id));
        }
        let modems = plan.bank.modems.iter().map(|modem| &modem.id);
        if let Some((modem, _)) =
            header.modems.iter().zip(modems.clone()).find(|(then, now)| then.id != **now)
        {
            return other(format!("modem `{}` of its bank is gone, or stands elsewhere", modem.id));
        }
        if header.lines.len() != lines.len() || header.modems.len() != modems.len() {
            return other("it has more or fewer lines or modems than then".to_owned());
        }
        Ok(())
    }

    fn begin(self, clock: Clock) -> Begun {
        let mut renderer = Renderer::new(self.dir.path());
        let mut board = Board::new(self.state.header());
        for event in &self.events {
            board.apply(event);
            renderer.note(&self.state, event);
        }
        let opening = EventKind::RunResumed(job::sitting(clock));
        (self.dir, self.journal, opening, Earlier { state: Some(self.state), renderer, board: Some(board) })
    }
}

/// Whether a line is the one that it was. By what lines are picked and counted is no part of it: an older lineman knew
/// nothing of that.
fn same(then: &Line, now: &Line) -> bool {
    (&then.id, &then.site, &then.number, &then.hostname) == (&now.id, &now.site, &now.number, &now.hostname)
}

/// Checks the record, publishes the run, tells the user.
fn conclude(
    dir: &RunDir,
    minutes: &Minutes,
    broken: Option<String>,
    history: &History<'_>,
) -> Result<u8, Failure> {
    let Minutes { state, report_error, journal_error } = minutes;
    if let Some(why) = journal_error.clone().or(broken) {
        return Err(Failure::unjudged(format!(
            "the run's record could not be kept, so the run was ended: {why}\nwhat was recorded is in {}; `lineman audit --resume {}` goes on",
            dir.path().display(),
            dir.run()
        )));
    }
    let Some(state) = state else { return Err(Failure::unjudged("the run left no record")) };
    state.check().map_err(|error| {
        Failure::unjudged(format!("the run's counts do not add up: {error}; this is a defect"))
    })?;
    let mut files = crate::report::files(state, dir.path());
    files.push(dir.path().join(crate::journal::FILE_NAME));
    // A terminal may take nothing any more, so this comes first; what fails in it is told last.
    let published = if report_error.is_none() { dir.publish() } else { Ok(()) };
    // The night's findings are not to be lost with a file of them.
    say(&summary::text(state, &files, screen::style()));
    if let Some(trouble) = history.end(dir.path(), state) {
        complain(&trouble);
    }
    if let Some(why) = report_error {
        return Err(Failure::unjudged(format!(
            "the verdicts stand in the journal, but a report could not be written: {why}\n`lineman audit --resume {}` writes it, and dials nothing",
            dir.run()
        )));
    }
    published.map_err(Failure::unjudged)?;
    Ok(exit_code(state))
}
