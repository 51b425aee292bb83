//! A night's audit: what a run of a plan needs, put together; carried through; concluded.
//!
//! In three steps, so that whoever begins it can do his own between them: [`Night::prepare`] finds out all that can keep it from
//! beginning and opens nothing, [`Night::open`] takes the bank and the run's folder, [`Sitting::carry_out`] makes the calls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lettre::message::Mailbox;
use tokio::sync::mpsc;

use super::bench::Bench;
use super::experience::{self, Experience};
use super::history::{History, Recalled};
use super::hours::{First, RunCalendar, Wishes};
use super::resumed::{Begun, Resumed, begin};
use super::scribe::{Minutes, Scribe, Watcher};
use super::telling::{self, Telling, Told};
use super::{Failure, Host, Record, before, job, outlook, secrets, standing, technician};
use crate::config::Plan;
use crate::fleet::desk::Desk;
use crate::fleet::dispatcher::{self, Job};
use crate::fleet::order;
use crate::fleet::scheduler::Past;
use crate::journal::RunDir;
use crate::model::{CredentialName, Event, EventKind, LineId, ModemId, RunId};
use crate::modem::clock::{Clock, Wall};
use crate::report::RunState;

/// What whoever begins a run wishes of it.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    /// When it begins to dial.
    pub(crate) hours: Wishes,
    /// Lines that passed within this time are skipped.
    pub(crate) skip_passed: Option<std::time::Duration>,
    /// Lines whose numbers somebody has confirmed.
    pub(crate) number_confirmed: Vec<LineId>,
    /// Credentials whose refusals are to be forgotten.
    pub(crate) forget_refusal: Vec<CredentialName>,
    /// Mail goes to these, in place of the plan's.
    pub(crate) mail: Vec<Mailbox>,
    /// Nobody is told.
    pub(crate) no_notify: bool,
    /// What holds from the beginning by order. The ports of such modems are left alone.
    pub(crate) standing: order::Standing,
}

/// A run that can begin.
pub(crate) struct Night {
    plan: Arc<Plan>,
    standing: order::Standing,
    reports: PathBuf,
    resumed: Option<Resumed>,
    recalled: Recalled,
    experience: Experience,
    calendar: RunCalendar,
    notices: Vec<String>,
    past: Past,
    desk: Desk,
    told: Told,
    host: Arc<dyn Host>,
    clock: Clock,
}

impl Night {
    /// Puts together all that needs no modem. `reports` is where runs are written.
    ///
    /// # Errors
    /// A secret can't be had, the plan and the run to be resumed do not fit, a wish can't be granted ..
    pub(crate) async fn prepare(
        mut plan: Plan,
        reports: &Path,
        resumed: Option<Resumed>,
        wish: &Wish,
        host: Arc<dyn Host>,
        clock: Clock,
    ) -> Result<Self, Failure> {
        if let Some(resumed) = &resumed {
            resumed.fits(&plan)?;
        }
        let now = Wall::Host.read(&clock);
        // A hold ends by the day on which lines are dialed, which may be the next one.
        let dialed_at = wish.hours.at_of(&plan, &now).map_or(now.wall, |at| at.max(now.wall));
        let history = History::of(&plan, reports);
        standing::confirm(&plan, &history, &wish.number_confirmed, clock.wall(), host.as_ref())?;
        let mut recalled = history.begin(resumed.as_ref().map(Resumed::run));
        let told = standing::settle(&mut plan, &recalled, wish.skip_passed, dialed_at)?;
        recalled.notices.extend(told);
        let plan = Arc::new(plan);
        let mut calendar = RunCalendar::new(Arc::clone(&plan), wish.hours);
        calendar.check(&now)?;

        let memory = secrets::memory(&plan, reports, &wish.forget_refusal, clock, host.as_ref())?;
        let mut past = resumed.as_ref().map(|resumed| job::past(resumed.events())).unwrap_or_default();
        past.called = before::called_by_hand(&plan, &reports.join(technician::FOLDER), now.wall);
        let mut cut_off = match &resumed {
            Some(resumed) => job::cut_off(resumed.events()),
            None => experience::left_behind(reports, &plan)?,
        };
        cut_off.retain(|name| !wish.forget_refusal.contains(name));
        let mut experience = Experience::of(&plan, &recalled);
        let notices = calendar.prove(&mut experience.provers, &past, &now);
        for notice in &notices {
            host.note(notice);
        }
        let desk = secrets::desk(&plan, &past, &cut_off, &experience.provers, &memory, host.as_ref()).await?;
        let mut wish_standing = wish.standing.clone();
        if let Some(why) = plan.bank.all_off(&wish_standing.disabled) {
            return Err(Failure::wrong(why));
        }
        for (modem, why) in plan.bank.off() {
            wish_standing.disabled.entry(modem).or_insert(why);
        }
        let wish = telling::Wish { mail: &wish.mail, nobody: wish.no_notify, asked: false };
        let told = Box::pin(Told::prepare(&plan, &wish, &host)).await;
        let reports = reports.to_owned();
        Ok(Self {
            plan,
            standing: wish_standing,
            reports,
            resumed,
            recalled,
            experience,
            calendar,
            notices,
            past,
            desk,
            told,
            host,
            clock,
        })
    }

    /// Takes the bank, and the run's folder.
    ///
    /// # Errors
    /// Others have one of them, or no folder can be made.
    pub(crate) async fn open(self) -> Result<Sitting, Failure> {
        let left = |modem: &ModemId| {
            self.standing.disabled.contains_key(modem) || self.standing.lent.contains_key(modem)
        };
        let bench = Bench::open(&self.plan, left, self.clock).await?;
        let mut recalled = self.recalled;
        let preface = preface(std::mem::take(&mut recalled), self.resumed.as_ref());
        let begun = match self.resumed {
            Some(resumed) => resumed.begin(self.clock),
            None => match begin(&self.plan, &self.reports, self.clock) {
                Ok(begun) => begun,
                Err(error) => {
                    bench.close().await;
                    return Err(error);
                }
            },
        };
        let context = telling::context(&self.plan, &begun.dir, false);
        let telling = self.told.begin(context, self.clock, &self.host);
        Ok(Sitting {
            plan: self.plan,
            standing: self.standing,
            reports: self.reports,
            bench,
            begun,
            preface,
            experience: self.experience,
            calendar: self.calendar,
            notices: self.notices,
            past: self.past,
            desk: self.desk,
            telling,
            record: Record::default(),
            clock: self.clock,
        })
    }
}

/// What is told behind the opening: what was before, which a run that goes on mostly has told already, and what is amiss
/// with the history.
fn preface(recalled: Recalled, resumed: Option<&Resumed>) -> Vec<EventKind> {
    let told = |event: &Event| matches!(event.kind, EventKind::LinesBefore { .. });
    let is_told = resumed.is_some_and(|resumed| resumed.events().iter().any(told));
    let before = Some(recalled.before).filter(|lines| !lines.is_empty() && !is_told);
    let notices = recalled.notices.into_iter().map(|text| EventKind::Notice { text });
    before.map(|lines| EventKind::LinesBefore { lines }).into_iter().chain(notices).collect()
}

/// A run that has its bank and its folder.
pub(crate) struct Sitting {
    plan: Arc<Plan>,
    standing: order::Standing,
    reports: PathBuf,
    bench: Bench,
    begun: Begun,
    preface: Vec<EventKind>,
    experience: Experience,
    calendar: RunCalendar,
    notices: Vec<String>,
    past: Past,
    desk: Desk,
    telling: Telling,
    record: Record,
    clock: Clock,
}

impl Sitting {
    /// Its id.
    pub(crate) fn run(&self) -> &RunId {
        self.begun.dir.run()
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.begun.dir.path()
    }

    /// What is recorded of it, now and later.
    pub(crate) fn record(&self) -> Record {
        self.record.clone()
    }

    /// Carries it through, and publishes it.
    pub(crate) async fn carry_out(
        self,
        watcher: Box<dyn Watcher>,
        orders: mpsc::Receiver<order::Told>,
    ) -> Concluded {
        let Self { plan, reports, mut bench, begun, mut preface, experience, mut calendar, clock, .. } = self;
        let Begun { dir, journal, opening, past } = begun;
        let mut scribe = Scribe::start(journal, past, self.record, watcher, self.telling.herald(), clock);
        let seats = job::seats(&plan)
            .into_iter()
            .map(|seat| {
                let port = bench.open.remove(&seat.id);
                (seat, port)
            })
            .collect();
        let first = First::of(&mut calendar, clock);
        let mut scheduled = job::scheduler_plan(&plan, self.past, &experience, &first.windows);
        // A forecast waits for nobody to end a pause.
        scheduled.standing = order::Standing { paused: None, ..self.standing.clone() };
        let outlook = outlook::of(&plan, &mut scheduled, &experience, &first.reading, first.deadline);
        scheduled.standing = self.standing;
        preface.extend(outlook.into_iter().map(|text| EventKind::Notice { text }));
        let job = Job {
            opening,
            preface,
            seats,
            opener: Arc::clone(&bench.ports),
            plan: scheduled,
            book: job::Book::new(Arc::clone(&plan), experience.usual),
            desk: self.desk,
            deadline: first.deadline,
            hours: Some(calendar.into_hours(&first, self.notices)),
        };
        let end = dispatcher::run(job, clock, &mut scribe, orders).await;
        bench.close().await;
        // The scribe's last words are a disk's.
        let minutes = tokio::task::block_in_place(|| scribe.finish());
        let history = History::of(&plan, &reports);
        let broken = end.broken.map(|error| error.to_string());
        tokio::task::block_in_place(|| conclude(dir, minutes, broken, &history, self.telling))
    }
}

/// A run that is over.
pub(crate) struct Concluded {
    /// Its folder, which anybody may take now.
    pub(crate) folder: PathBuf,
    /// What was found, where there is a record that adds up.
    pub(crate) state: Option<RunState>,
    /// The files that were written.
    pub(crate) files: Vec<PathBuf>,
    /// Why the history could not take it in.
    pub(crate) trouble: Option<String>,
    /// What went wrong with its record or its files.
    pub(crate) failure: Option<Failure>,
    telling: Telling,
}

impl Concluded {
    /// Tells mail and hooks; `impatience` ends the waiting for them. How that went, in words, if anybody was to be told.
    /// And the failure, if there was one.
    pub(crate) async fn tell(
        self,
        impatience: impl Future<Output = ()>,
    ) -> (Option<String>, Option<Failure>) {
        let Self { folder, state, failure, telling, .. } = self;
        let told = telling.finish(&folder, state.as_ref(), failure.as_ref(), impatience).await;
        (told, failure)
    }
}

/// Checks the record, publishes the run, hands it to the history; then lets go of its folder.
#[expect(clippy::needless_pass_by_value, reason = "its locks go with it")]
fn conclude(
    dir: RunDir,
    minutes: Minutes,
    broken: Option<String>,
    history: &History<'_>,
    telling: Telling,
) -> Concluded {
    let Minutes { state, report_error, journal_error } = minutes;
    let mut done = Concluded {
        folder: dir.path().to_owned(),
        state: None,
        files: Vec::new(),
        trouble: None,
        failure: None,
        telling,
    };
    let (folder, run) = (dir.path().display(), dir.run());
    if let Some(why) = journal_error.or(broken) {
        done.failure = Some(Failure::unjudged(format!(
            "the run's record could not be kept, so the run was ended: {why}\nwhat was recorded is in {folder}; `lineman audit --resume {run}` goes on"
        )));
        return done;
    }
    let Some(state) = state else {
        done.failure = Some(Failure::unjudged("the run left no record"));
        return done;
    };
    if let Err(error) = state.check() {
        done.failure =
            Some(Failure::unjudged(format!("the run's counts do not add up: {error}; this is a defect")));
        return done;
    }
    done.files = crate::report::files(&state, dir.path());
    done.files.push(dir.path().join(crate::journal::FILE_NAME));
    // The night's findings are not to be lost with a file of them.
    done.failure = match report_error {
        None => dir.publish().err().map(Failure::unjudged),
        Some(why) => Some(Failure::unjudged(format!(
            "the verdicts stand in the journal, but a report could not be written: {why}\n`lineman audit --resume {run}` writes it, and dials nothing"
        ))),
    };
    done.trouble = history.end(dir.path(), &state);
    done.state = Some(state);
    done
}
