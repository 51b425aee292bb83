//! Carries out what the keeper wants begun: a run of a plan, or a technician's call, from its files to its last word. A job
//! decides nothing; what becomes of it is an input of the keeper.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::keeper::{Begin, Input, JobId, RunEnd, What};
use super::live::{Live, LiveRun};
use crate::fleet::order::{Standing, Told};
use crate::fleet::policy::SLOW_RETRY;
use crate::model::Verdict;
use crate::model::event::Ending;
use crate::modem::clock::Clock;
use crate::report::RunState;
use crate::run::night::{Concluded, Night, Wish};
use crate::run::resumed::Resumed;
use crate::run::rules;
use crate::run::technician::Ready;
use crate::run::{Failure, Host};

/// The log, as whoever began a run: the daemon has nobody to ask.
#[derive(Debug)]
pub(super) struct Log;

impl Host for Log {
    fn note(&self, text: &str) {
        tracing::info!("{text}");
    }

    fn complain(&self, text: &str) {
        tracing::warn!("{text}");
    }

    fn ask(&self, _question: &str) -> std::io::Result<SecretString> {
        let why = "the daemon has nobody to ask; `env:`, `file:`, `command:` or `systemd:` tell it";
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, why))
    }
}

/// What a job needs of the daemon.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) live: Arc<Live>,
    pub(super) inbox: mpsc::Sender<Input>,
    pub(super) clock: Clock,
}

/// What a job leaves.
pub(super) struct Finished {
    /// How it ended; absent where it never began, which was told.
    pub(super) end: Option<RunEnd>,
    /// A run whose end is still to be told to mail and hooks.
    pub(super) untold: Option<Box<Concluded>>,
}

/// Makes a run, or a call.
pub(super) async fn work(begin: Begin, orders: mpsc::Receiver<Told>, around: Surroundings) -> Finished {
    let job = begin.job;
    let done = match &begin.what {
        What::Run { resume } => {
            night(&begin, resume.as_ref().map(ToString::to_string), orders, &around).await
        }
        What::Call { .. } => call(&begin, orders, &around).await,
    };
    match done {
        Ok(finished) => finished,
        Err(failure) => {
            tell(&around, Input::NotBegun { job, why: failure.text }).await;
            Finished { end: None, untold: None }
        }
    }
}

/// What an operator has disabled is so from the run's beginning.
fn standing(begin: &Begin) -> Standing {
    Standing { disabled: begin.disabled.clone(), skipped: begin.skipped.clone(), ..Standing::default() }
}

/// Orders that may wait for a job: a new configuration may leave out thousands of lines at once.
pub(super) const ORDERS_MAX: usize = 16_384;

async fn night(
    begin: &Begin,
    resume: Option<String>,
    orders: mpsc::Receiver<Told>,
    around: &Surroundings,
) -> Result<Finished, Failure> {
    let host: Arc<dyn Host> = Arc::new(Log);
    let reports = &begin.plan.entry.reports;
    let opened =
        resume.map(|run| tokio::task::block_in_place(|| Resumed::open(reports, &run, host.as_ref())));
    let resumed = opened.transpose()?;
    if let Some(complete) = resumed.as_ref().filter(|resumed| resumed.is_complete()) {
        let (state, _) = tokio::task::block_in_place(|| complete.publish())?;
        tell(around, Input::Begun { job: begin.job, run: complete.run().clone() }).await;
        return Ok(Finished { end: Some(over(&state)), untold: None });
    }
    let mut plan = begin.plan.plan.as_ref().clone();
    // Nobody looks on who could start it again.
    plan.policy.bench.slow_retry.get_or_insert(SLOW_RETRY);
    let bank = plan.bank.name.clone();
    let wish = Wish { standing: standing(begin), ..Wish::default() };
    let night = Box::pin(Night::prepare(plan, reports, resumed, &wish, host, around.clock)).await?;
    let sitting = Box::pin(night.open()).await?;
    let run = sitting.run().clone();
    let live =
        LiveRun::new(run.clone(), begin.plan.name().clone(), bank, sitting.folder(), false, sitting.record());
    let begun = around.live.begin(live);
    tell(around, Input::Begun { job: begin.job, run: run.clone() }).await;
    let done = Box::pin(sitting.carry_out(begun.watcher(), orders)).await;
    drop(begun);
    if let Some(trouble) = &done.trouble {
        tracing::warn!("{trouble}");
    }
    if let Some(failure) = &done.failure {
        tracing::error!(%run, "{failure}");
    }
    let end = match (&done.state, &done.failure) {
        // Who goes on with a run that is done, and could not be written or published, writes and publishes it.
        (_, Some(failure)) => RunEnd::Died(failure.text.clone()),
        (Some(state), None) => over(state),
        (None, None) => RunEnd::Died("it left no record".to_owned()),
    };
    Ok(Finished { end: Some(end), untold: Some(Box::new(done)) })
}

async fn call(
    begin: &Begin,
    orders: mpsc::Receiver<Told>,
    around: &Surroundings,
) -> Result<Finished, Failure> {
    let What::Call { line, modem } = &begin.what else {
        return Err(Failure::wrong("no call was wanted"));
    };
    let mut plan = begin.plan.plan.as_ref().clone();
    plan.cut_down(&[line.to_string()]).map_err(Failure::wrong)?;
    plan.bank.modems.retain(|known| match modem {
        Some(lent) => known.id == *lent,
        None => !begin.disabled.contains_key(&known.id),
    });
    if plan.bank.modems.is_empty() {
        return Err(Failure::wrong(format!("all modems of bank `{}` are disabled", plan.bank.name)));
    }
    let bank = plan.bank.name.clone();
    let reports: PathBuf = begin.plan.entry.reports.clone();
    let wish = rules::Wish::default();
    let ready = Box::pin(Ready::prepare(plan, &reports, &wish, &Log, around.clock)).await?;
    let call = ready.open().await?;
    let run = call.run().clone();
    let live = LiveRun::new(run.clone(), begin.plan.name().clone(), bank, call.folder(), true, call.record());
    let begun = around.live.begin(live);
    tell(around, Input::Begun { job: begin.job, run: run.clone() }).await;
    let made = Box::pin(call.carry_out(begun.watcher(), None, orders)).await;
    drop(begun);
    if let Some(failure) = &made.failure {
        tracing::error!(%run, "{failure}");
    }
    let end = match (&made.state, made.failure) {
        (Some(state), _) => over(state),
        (None, Some(failure)) => RunEnd::Died(failure.text),
        (None, None) => RunEnd::Died("it left no record".to_owned()),
    };
    Ok(Finished { end: Some(end), untold: None })
}

fn over(state: &RunState) -> RunEnd {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, line) in state.lines() {
        if let Some(verdict) = &line.verdict {
            *counts.entry(Verdict::of(verdict.fault).to_string()).or_default() += 1;
        }
    }
    RunEnd::Over { completed: matches!(state.ended(), Some((Ending::Completed, _))), counts }
}

/// Tells mail and hooks of a run's end, until the daemon wants to be gone.
pub(super) async fn tell_the_end(run: Box<Concluded>, gone: CancellationToken) {
    let (told, _) = Box::pin(run.tell(gone.cancelled_owned())).await;
    if let Some(told) = told {
        tracing::info!("{}", told.trim());
    }
}

/// The daemon's loop takes this at once, or is over.
async fn tell(around: &Surroundings, input: Input) {
    let _ = around.inbox.send(input).await;
}

/// The answer where a job was over before it could be told.
pub(super) fn was_over(job: JobId) -> crate::fleet::order::Refused {
    crate::fleet::order::Refused(format!("the run is over (job {})", job.0))
}
