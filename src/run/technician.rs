//! A technician's call: one line, or the few of a site, now; a run of its own, which no monitor and no history reads.
//!
//! It is a run like any other, with a journal and reports of its own under `calls/` in the reports folder; but one call makes
//! its verdict. Screening, redial law, guard and refused secrets hold.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::mpsc;

use super::before;
use super::bench::Bench;
use super::experience::{self, Experience};
use super::history::{History, Recalled};
use super::hours::{First, RunCalendar, Wishes};
use super::resumed::Begun;
use super::rules::{self, Wish};
use super::scribe::{Minutes, Past as Views, Scribe, Watcher};
use super::telling::Herald;
use super::{Failure, Host, Record, job, secrets, standing};
use crate::call::Tap;
use crate::config::Plan;
use crate::fleet::desk::Desk;
use crate::fleet::dispatcher::{self, Job};
use crate::fleet::order::Told;
use crate::fleet::scheduler::{Group, GroupKind, Past, SchedulerPlan};
use crate::journal::{Journal, RunDir};
use crate::model::{EventKind, LineId, RunId};
use crate::modem::clock::{Clock, Wall};
use crate::report::{Renderer, RunState};

/// Where calls are written, within the reports folder: never where `latest` and `current` of the nights are looked for.
pub(crate) const FOLDER: &str = "calls";
/// Modems that are opened for a single call: one to call, and one should our own side fail.
const MODEMS: usize = 2;

/// A call that can begin: its modems are open.
pub(crate) struct Ready {
    plan: Arc<Plan>,
    reports: PathBuf,
    recalled: Recalled,
    bench: Bench,
    experience: Experience,
    desk: Desk,
    clock: Clock,
}

impl Ready {
    /// Puts it together; `plan` has the lines that are to be called, and none beside.
    ///
    /// # Errors
    /// No modem is free, a secret can't be had, a wish can't be granted.
    pub(crate) async fn prepare(
        mut plan: Plan,
        reports: &Path,
        wish: &Wish,
        host: &dyn Host,
        clock: Clock,
    ) -> Result<Self, Failure> {
        if let Some(why) = plan.bank.all_off(&std::collections::BTreeMap::new()) {
            return Err(Failure::wrong(why));
        }
        plan.bank.modems.retain(|modem| modem.enabled);
        let recalled = recall(wish, &mut plan, reports, host, clock)?;
        let mut bench = Bench::open_few(&mut plan, if wish.repeat > 1 { 1 } else { MODEMS }, clock).await?;
        let plan = Arc::new(plan);
        let entitled = async {
            let memory = secrets::memory(&plan, reports, &wish.forget_refusal, clock, host)?;
            let mut cut_off = experience::left_behind(reports, &plan)?;
            cut_off.retain(|name| !wish.forget_refusal.contains(name));
            let experience = Experience::of(&plan, &recalled);
            let past = Past::default();
            let desk = secrets::desk(&plan, &past, &cut_off, &experience.provers, &memory, host).await?;
            Ok((experience, desk))
        };
        match entitled.await {
            Ok((experience, desk)) => {
                Ok(Self { plan, reports: reports.to_owned(), recalled, bench, experience, desk, clock })
            }
            Err(error) => {
                bench.open.clear();
                bench.close().await;
                Err(error)
            }
        }
    }

    /// The lines, and how they are called.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What earlier runs know of them.
    pub(crate) const fn recalled(&self) -> &Recalled {
        &self.recalled
    }

    /// What must be shown to nobody.
    pub(crate) fn secrets(&self) -> Arc<[SecretString]> {
        self.desk.secrets()
    }

    /// Makes its folder.
    ///
    /// # Errors
    /// It can't be made.
    pub(crate) async fn open(self) -> Result<Call, Failure> {
        let folder = self.reports.join(FOLDER);
        let begin = || {
            let dir =
                RunDir::create_beside(&folder, self.clock.wall(), &self.plan.name).map_err(Failure::wrong)?;
            let journal = Journal::create(&dir).map_err(Failure::wrong)?;
            let opening = EventKind::RunStarted(Box::new(job::header(&self.plan, dir.run(), self.clock)));
            let past = Views { state: None, renderer: Renderer::new(dir.path()) };
            Ok(Begun { dir, journal, opening, past })
        };
        match begin() {
            Ok(begun) => Ok(Call { ready: self, begun, record: Record::default() }),
            Err(error) => {
                self.bench.close().await;
                Err(error)
            }
        }
    }
}

/// A call that has its modems and its folder.
pub(crate) struct Call {
    ready: Ready,
    begun: Begun,
    record: Record,
}

impl Call {
    /// The id of its run.
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

    /// Makes it. `tap` is the side channel to a terminal.
    pub(crate) async fn carry_out(
        self,
        watcher: Box<dyn Watcher>,
        tap: Option<Tap>,
        orders: mpsc::Receiver<Told>,
    ) -> Made {
        let Self { ready, begun, record } = self;
        let Ready { plan, reports, mut recalled, mut bench, experience, desk, clock } = ready;
        let Begun { dir, journal, opening, past } = begun;
        let calls = reports.join(FOLDER);
        let called = before::called(&plan, &History::of(&plan, &reports), &calls, clock.wall());
        let mut scribe = Scribe::start(journal, past, record, watcher, Herald::default(), clock);
        let past = Past { called, ..Past::default() };
        let mut calendar = RunCalendar::new(Arc::clone(&plan), Wishes { at: None, no_wait: true });
        let first = First::of(&mut calendar, clock);
        let mut scheduled = job::scheduler_plan(&plan, past, &experience, &first.windows);
        one_after_the_other(&mut scheduled);
        let book = job::Book::new(Arc::clone(&plan), experience.usual);
        let book = match tap {
            Some(tap) => book.with_tap(tap),
            None => book,
        };
        let seats = job::seats(&plan).into_iter().map(|seat| {
            let port = bench.open.remove(&seat.id);
            (seat, port)
        });
        let before = std::mem::take(&mut recalled.before);
        let preface = (!before.is_empty()).then_some(EventKind::LinesBefore { lines: before });
        let notices = recalled.notices.into_iter().map(|text| EventKind::Notice { text });
        let job = Job {
            opening,
            preface: preface.into_iter().chain(notices).collect(),
            seats: seats.collect(),
            opener: Arc::clone(&bench.ports),
            plan: scheduled,
            book,
            desk,
            deadline: None,
            hours: Some(calendar.into_hours(&first, Vec::new())),
        };
        let end = dispatcher::run(job, clock, &mut scribe, orders).await;
        bench.close().await;
        tokio::task::block_in_place(|| {
            let minutes = scribe.finish();
            conclude(dir, minutes, end.broken.map(|error| error.to_string()))
        })
    }
}

/// A call that was made.
pub(crate) struct Made {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// What was found, where there is a record that adds up.
    pub(crate) state: Option<RunState>,
    /// What went wrong with its record or its files.
    pub(crate) failure: Option<Failure>,
}

/// Checks the record, and publishes it; then lets go of its folder.
#[expect(clippy::needless_pass_by_value, reason = "its locks go with it")]
fn conclude(dir: RunDir, minutes: Minutes, broken: Option<String>) -> Made {
    let Minutes { state, report_error, journal_error } = minutes;
    let folder = dir.path().to_owned();
    let lost =
        |why: String| Made { folder: folder.clone(), state: None, failure: Some(Failure::unjudged(why)) };
    if let Some(why) = journal_error.or(broken) {
        return lost(format!(
            "the record of the calls could not be kept, so they were ended: {why}\nwhat was recorded is in {}",
            folder.display()
        ));
    }
    let Some(state) = state else { return lost("the calls left no record".to_owned()) };
    if let Err(error) = state.check() {
        return lost(format!("the run's counts do not add up: {error}; this is a defect"));
    }
    let failure = match report_error {
        None => dir.publish().err().map(Failure::unjudged),
        Some(why) => Some(Failure::unjudged(format!(
            "what was found stands in the journal, but a report could not be written: {why}\n`lineman report {}` writes it again",
            folder.display()
        ))),
    };
    Made { folder, state: Some(state), failure }
}

/// What earlier runs know of the lines, and what keeps them from being called now; the plan's rules become those of a call.
fn recall(
    wish: &Wish,
    plan: &mut Plan,
    reports: &Path,
    host: &dyn Host,
    clock: Clock,
) -> Result<Recalled, Failure> {
    let now = Wall::Host.read(&clock);
    let history = History::of(plan, reports);
    if wish.number_confirmed {
        let lines: Vec<LineId> = plan.lines.iter().map(|planned| planned.line.id.clone()).collect();
        standing::confirm(plan, &history, &lines, clock.wall(), host)?;
    }
    let mut recalled = history.look();
    // A line that is gone from the plan is not this call's business, and neither are those that were not named.
    recalled.before.retain(|before| plan.line(&before.line).is_some());
    let told = rules::lift(wish, plan);
    recalled.notices.extend(told);
    let told = standing::settle(plan, &recalled, None, now.wall)?;
    recalled.notices.extend(told);
    recalled.notices.extend(rules::one_call(wish, plan));
    RunCalendar::new(Arc::new(plan.clone()), Wishes::default()).check(&now)?;
    Ok(recalled)
}

/// No two calls at a time: whoever stands in front of a rack follows one.
fn one_after_the_other(plan: &mut SchedulerPlan) {
    let place = plan.groups.len();
    plan.groups.push(Group { name: FOLDER.to_owned(), kind: GroupKind::Site, max_calls: NonZeroU32::MIN });
    for line in &mut plan.lines {
        line.groups.push(place);
    }
}
