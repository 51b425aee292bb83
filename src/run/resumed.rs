//! Where a sitting begins: the folder, the journal and the first event of a new run, or of an interrupted one that goes on.

use std::path::{Path, PathBuf};

use super::scribe::Past;
use super::{Failure, Host, job};
use crate::config::Plan;
use crate::journal::{Journal, RunDir};
use crate::model::{Event, EventKind, Line, RunId};
use crate::modem::clock::Clock;
use crate::report::{Renderer, RunState};

/// A sitting that begins.
pub(crate) struct Begun {
    pub(crate) dir: RunDir,
    pub(crate) journal: Journal,
    pub(crate) opening: EventKind,
    /// Views of the sittings before this one.
    pub(crate) past: Past,
}

/// Begins a new run.
pub(crate) fn begin(plan: &Plan, reports: &Path, clock: Clock) -> Result<Begun, Failure> {
    let dir = RunDir::create(reports, clock.wall(), &plan.name).map_err(Failure::wrong)?;
    let journal = Journal::create(&dir).map_err(Failure::wrong)?;
    let opening = EventKind::RunStarted(Box::new(job::header(plan, dir.run(), clock)));
    let past = Past { state: None, renderer: Renderer::new(dir.path()) };
    Ok(Begun { dir, journal, opening, past })
}

/// An interrupted run that goes on.
pub(crate) struct Resumed {
    dir: RunDir,
    journal: Journal,
    events: Vec<Event>,
    state: RunState,
}

impl Resumed {
    /// Opens it; `run` is its id, or `current`.
    ///
    /// # Errors
    /// There is no such run, somebody writes it, or its journal can't be read.
    pub(crate) fn open(reports: &Path, run: &str, host: &dyn Host) -> Result<Self, Failure> {
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
            host.note(&format!(
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
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.state.ended(), Some((crate::model::event::Ending::Completed, _)))
    }

    /// Writes the files of a complete run that was killed, or found the disk full, before all of them were written.
    /// Whoever reads `latest` knows nothing of it until then. What was found, and the files.
    ///
    /// # Errors
    /// They were written already, or can't be.
    pub(crate) fn publish(&self) -> Result<(RunState, Vec<PathBuf>), Failure> {
        let run = self.dir.run();
        if self.dir.latest().is_some_and(|latest| latest >= *run) {
            return Err(Failure::wrong(format!("run `{run}` is complete; there is nothing to resume")));
        }
        let (state, _) = crate::report::replay(&self.events, self.dir.path()).map_err(Failure::unjudged)?;
        self.dir.publish().map_err(Failure::unjudged)?;
        let mut files = crate::report::files(&state, self.dir.path());
        files.push(self.dir.path().join(crate::journal::FILE_NAME));
        Ok((state, files))
    }

    /// Its id.
    pub(crate) fn run(&self) -> &RunId {
        self.dir.run()
    }

    /// All that was recorded of it so far.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// What is known of it so far.
    pub(crate) const fn state(&self) -> &RunState {
        &self.state
    }

    /// The plan that it was begun with, if its header says so.
    pub(crate) fn plan_path(&self) -> Option<PathBuf> {
        self.state.header().plan_path.clone()
    }

    /// A run goes on with the lines that it began with, or not at all: else its counts could not add up.
    pub(crate) fn fits(&self, plan: &Plan) -> Result<(), Failure> {
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

    /// Goes on with it.
    pub(crate) fn begin(self, clock: Clock) -> Begun {
        let mut renderer = Renderer::new(self.dir.path());
        for event in &self.events {
            renderer.note(&self.state, event);
        }
        let opening = EventKind::RunResumed(job::sitting(clock));
        let past = Past { state: Some(self.state), renderer };
        Begun { dir: self.dir, journal: self.journal, opening, past }
    }
}

/// Whether a line is the one that it was. By what lines are picked and counted is no part of it: an older lineman knew
/// nothing of that.
fn same(then: &Line, now: &Line) -> bool {
    (&then.id, &then.site, &then.number, &then.hostname) == (&now.id, &now.site, &now.number, &now.hostname)
}
