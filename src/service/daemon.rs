//! The daemon's one loop: it waits for all that can happen, tells the keeper, and carries out what the keeper wants.
//!
//! It polls nothing: each thing that can happen wakes it by itself. Whatever takes time (a job, a file that is read, an answer)
//! is a task whose outcome comes back through the inbox, so that no control ever waits behind it.

mod deeds;
mod ending;
mod reading;
mod revival;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::ending::Ending;
use self::reading::{Reread, read};
use super::alone::Alone;
use super::brain::{self, Guarded, Make, panic_text};
use super::control::{Answer, Control, Refused};
use super::durable::{self};
use super::http::{Rooms, Server};
use super::jobs::{self, Finished, Surroundings};
use super::keeper::{Begin, Input, JobId, RunEnd, Ticket};
use super::leadership::{Leadership, Standing};
use super::levels::Levels;
use super::live::Live;
use super::signals::Word;
use super::status::Status;
use super::systemd::Systemd;
use super::watch::Watch;
use crate::call::machine::Cancel;
use crate::config::service::Loaded;
use crate::fleet::order::{self};
use crate::model::Reading;
use crate::modem::clock::set::SetWatch;
use crate::modem::clock::{Clock, Wall};
use crate::run::Failure;

/// Things that may wait to be heard; whoever finds no room waits, and holds nobody up.
const INBOX_MAX: usize = 1_024;
/// Controls that may wait.
const CONTROLS_MAX: usize = 64;
/// Longest that calls may take to log out when the daemon ends; then they are dropped. Longer than a call's own limits.
const LOG_OUT_LIMIT: Duration = Duration::from_secs(5 * 60);
/// Longest that lines may take to be dropped; then the daemon ends whatever hangs.
const HANG_UP_LIMIT: Duration = Duration::from_secs(30);
/// How long the end waits for mail and hooks.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(20);

/// What a daemon is begun with.
pub struct Setup {
    /// Its file.
    pub config: PathBuf,
    /// The log's levels.
    pub levels: Levels,
    /// The service manager, or none.
    pub systemd: Systemd,
    /// What it hears of signals.
    pub signals: mpsc::Receiver<Word>,
}

/// A job's work, from its beginning to its last word.
type Work =
    fn(Begin, mpsc::Receiver<order::Told>, Surroundings) -> Pin<Box<dyn Future<Output = Finished> + Send>>;

/// Who decides, and who does the work.
#[derive(Clone, Copy)]
struct Crew {
    make: Make,
    work: Work,
}

/// Works until it is told to end.
///
/// # Errors
/// Its configuration is wrong when it begins, somebody else has its state, or it can't listen; or its brain died too often.
pub async fn serve(setup: Setup) -> Result<(), Failure> {
    let work: Work = |begin, orders, around| Box::pin(jobs::work(begin, orders, around));
    serve_with(setup, Crew { make: brain::keeper, work }).await
}

async fn serve_with(setup: Setup, crew: Crew) -> Result<(), Failure> {
    let Setup { config, levels, systemd, signals } = setup;
    let clock = Clock::start();
    let read_from = clock.wall();
    let loaded = read(&config).map_err(|unread| Failure::wrong(unread.problems))?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let loaded = Arc::new(loaded);
    let alone = Alone::take(&loaded.service.state, &loaded.service.name).map_err(Failure::wrong)?;
    let state = loaded.service.state_file();
    let restored = durable::load(&state, clock.wall()).map_err(Failure::wrong)?;
    if let Some(damaged) = &restored.damaged {
        tracing::error!("{damaged}");
    }
    let (inbox, news) = mpsc::channel(INBOX_MAX);
    let (readings, read_out) = mpsc::channel(1);
    let (controls_in, controls) = mpsc::channel(CONTROLS_MAX);
    let now = Wall::Host.read(&clock);
    let mut keeper = Guarded::new(crew.make);
    let first = keeper.begin(&now, Arc::clone(&loaded), restored.state).map_err(Failure::unjudged)?;
    let live = Arc::new(Live::default());
    let standing = keeper.status(&now).ok_or_else(|| Failure::unjudged("it can't say how it stands"))?;
    let (status_in, status) = watch::channel(Arc::new(standing));
    let (loaded_in, loaded_out) = watch::channel(Arc::clone(&loaded));
    let rooms = Rooms { status, live: Arc::clone(&live), control: controls_in, config: loaded_out, clock };
    let mut server = Server::new(rooms);
    server.apply(&loaded.service).await.map_err(Failure::wrong)?;
    let mut files = Watch::new();
    files.follow(loaded.files.iter().cloned(), read_from);
    let mut daemon = Daemon {
        leadership: Leadership::new(&loaded.service.leadership),
        config,
        levels,
        systemd,
        state,
        _alone: alone,
        keeper,
        live,
        inbox,
        readings,
        jobs: JoinSet::new(),
        tasks: BTreeMap::new(),
        at_work: BTreeMap::new(),
        errands: TaskTracker::new(),
        gone: CancellationToken::new(),
        tickets: BTreeMap::new(),
        next_ticket: 0,
        inputs: VecDeque::new(),
        status: status_in,
        loaded: loaded_in,
        server,
        files,
        reading: false,
        read_again: false,
        said: String::new(),
        over: false,
        given_up: None,
        work: crew.work,
        clock,
    };
    // The log's levels are among it: what is told before is heard at `warn` alone.
    daemon.carry_out(first);
    daemon.introduce();
    daemon.tell_role();
    daemon.drain_inputs().await;
    daemon.systemd.ready(&daemon.keeper_line());
    daemon.work(news, read_out, controls, signals).await;
    let given_up = daemon.given_up.take();
    daemon.close().await;
    given_up.map_or(Ok(()), |why| Err(Failure::unjudged(why)))
}

/// A job at work.
struct AtWork {
    orders: mpsc::Sender<order::Told>,
    begun: bool,
}

struct Daemon {
    config: PathBuf,
    levels: Levels,
    systemd: Systemd,
    /// The file of its state.
    state: PathBuf,
    _alone: Alone,
    keeper: Guarded,
    live: Arc<Live>,
    inbox: mpsc::Sender<Input>,
    readings: mpsc::Sender<Reread>,
    jobs: JoinSet<Finished>,
    tasks: BTreeMap<Id, JobId>,
    at_work: BTreeMap<JobId, AtWork>,
    /// What is done beside the loop, and must not be lost at its end.
    errands: TaskTracker,
    /// The end has no time left.
    gone: CancellationToken,
    tickets: BTreeMap<Ticket, oneshot::Sender<Answer>>,
    next_ticket: u64,
    inputs: VecDeque<Input>,
    status: watch::Sender<Arc<Status>>,
    loaded: watch::Sender<Arc<Loaded>>,
    server: Server,
    leadership: Leadership,
    files: Watch,
    /// The configuration is being read; and was asked for again meanwhile.
    reading: bool,
    read_again: bool,
    /// What systemd was told last.
    said: String,
    over: bool,
    /// Its brain died too often, and of what.
    given_up: Option<String>,
    work: Work,
    clock: Clock,
}

impl Daemon {
    async fn work(
        &mut self,
        mut news: mpsc::Receiver<Input>,
        mut readings: mpsc::Receiver<Reread>,
        mut controls: mpsc::Receiver<(Control, oneshot::Sender<Answer>)>,
        mut signals: mpsc::Receiver<Word>,
    ) {
        let mut set = SetWatch::start();
        let mut role = self.leadership.watch();
        role.mark_changed();
        let mut ending = Ending::default();
        let beat = self.systemd.watchdog();
        while !self.over {
            let (deadline, beat_at) = (self.deadline(), beat.map(|every| tokio::time::sleep(every)));
            tokio::select! {
                biased;
                Some(word) = signals.recv() => match word {
                    Word::Reload => self.reload(),
                    Word::Terminate => {
                        let Some(how) = ending.again(self.clock.now()) else { break };
                        self.terminate(how);
                    }
                },
                Some(input) = news.recv() => self.heard(input),
                Some(reread) = readings.recv() => self.reread(reread),
                Some((control, reply)) = controls.recv() => self.controlled(control, reply),
                Some(done) = self.jobs.join_next_with_id() => self.finished(done),
                changed = role.changed() => {
                    if changed.is_ok() {
                        let Standing { role, why } = role.borrow_and_update().clone();
                        self.inputs.push_back(Input::Role { role, why });
                    } else {
                        // Another one has taken its place.
                        role = self.leadership.watch();
                        role.mark_changed();
                    }
                }
                () = self.files.next() => self.reload(),
                () = set.next() => self.inputs.push_back(Input::Time),
                () = sleep(deadline) => self.inputs.push_back(Input::Time),
                () = ending.limit(&self.clock) => {
                    let Some(how) = ending.again(self.clock.now()) else {
                        tracing::error!("something does not end: the daemon ends without it");
                        break;
                    };
                    self.terminate(how);
                }
                () = maybe(beat_at) => {}
            }
            self.systemd.beat();
            self.drain_inputs().await;
        }
    }

    /// How long until the keeper wants to be asked, by the wall clock; whoever sets that wakes the loop.
    fn deadline(&mut self) -> Option<Duration> {
        let now = self.now();
        let at = self.keeper.next_deadline(&now)?;
        let ahead = at.duration_since(now.wall);
        Some(Duration::try_from(ahead).unwrap_or(Duration::ZERO))
    }

    /// Says who is at work here, and where.
    fn introduce(&self) {
        let loaded = self.loaded.borrow();
        let (service, version) = (&loaded.service, env!("CARGO_PKG_VERSION"));
        tracing::info!("lineman {version} works as `{}`, by {}", service.name, service.path.display());
        if let Some(address) = self.server.address() {
            let has_tls = service.http.as_ref().is_some_and(|http| http.tls.is_some());
            tracing::info!("listens on {}://{address}", if has_tls { "https" } else { "http" });
        }
    }

    fn now(&self) -> Reading {
        Wall::Host.read(&self.clock)
    }

    fn terminate(&mut self, how: Cancel) {
        let what = match how {
            Cancel::LogOut => "ending: calls log out and hang up",
            Cancel::HangUp => "ending: all lines are dropped",
        };
        tracing::info!("{what}");
        self.systemd.stopping(what);
        self.systemd.extend(LOG_OUT_LIMIT + HANG_UP_LIMIT + LAST_WORDS_LIMIT);
        self.inputs.push_back(Input::Terminate(how));
    }

    fn controlled(&mut self, control: Control, reply: oneshot::Sender<Answer>) {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.tickets.insert(ticket, reply);
        self.inputs.push_back(Input::Control { ticket, control });
    }

    fn heard(&mut self, input: Input) {
        match &input {
            Input::Begun { job, .. } => {
                if let Some(at_work) = self.at_work.get_mut(job) {
                    at_work.begun = true;
                }
            }
            Input::NotBegun { job, .. } => drop(self.at_work.remove(job)),
            _ => {}
        }
        self.inputs.push_back(input);
    }

    /// A job's task has ended: by its last word, or by a panic, which is no more than the end of that job.
    fn finished(&mut self, done: Result<(Id, Finished), JoinError>) {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(job) = self.tasks.remove(&id) else { return };
        let begun = self.at_work.remove(&job).is_some_and(|at_work| at_work.begun);
        let end = match done {
            Ok((_, Finished { end, untold })) => {
                if let Some(untold) = untold {
                    self.errands.spawn(jobs::tell_the_end(untold, self.gone.clone()));
                }
                end
            }
            Err(error) => {
                let why = died_of(error);
                tracing::error!(job = job.0, "{why}");
                if !begun {
                    self.inputs.push_back(Input::NotBegun { job, why });
                    return;
                }
                Some(RunEnd::Died(why))
            }
        };
        if let Some(end) = end {
            self.inputs.push_back(Input::Ended { job, end });
        }
    }

    /// Tells the keeper all that has happened, and does what it says.
    async fn drain_inputs(&mut self) {
        if self.inputs.is_empty() {
            return;
        }
        while !self.over && (!self.keeper.is_dead() || self.come_round()) {
            let Some(input) = self.inputs.pop_front() else { break };
            if let Input::Config(loaded) = &input {
                self.configured(loaded).await;
            }
            let is_reload = matches!(input, Input::Config(_) | Input::BadConfig(_));
            let now = self.now();
            match self.keeper.step(&now, input) {
                Ok(actions) => self.carry_out(actions),
                Err(why) => self.brain_died(&why),
            }
            if is_reload {
                self.systemd.ready(&self.keeper_line());
            }
        }
        self.show();
    }

    /// What is known at once is told at once: whoever asks as soon as the daemon is up is not refused for nothing.
    fn tell_role(&mut self) {
        let Standing { role, why } = self.leadership.watch().borrow().clone();
        self.inputs.push_back(Input::Role { role, why });
    }

    fn keeper_line(&self) -> String {
        self.status.borrow().line()
    }

    /// Shows how it stands now.
    fn show(&mut self) {
        let status = self.keeper.status(&self.now()).unwrap_or_else(|| {
            let mut status = Status::clone(&self.status.borrow());
            status.troubles = vec!["the daemon has met with an error of its own, and begins anew".to_owned()];
            status
        });
        let line = status.line();
        self.status.send_replace(Arc::new(status));
        if line != self.said {
            self.systemd.status(&line);
            self.said = line;
        }
    }

    /// The end: whoever waits is told, and the last words go out.
    async fn close(mut self) {
        for (_, reply) in std::mem::take(&mut self.tickets) {
            let _ = reply.send(Err(Refused { why: "the daemon is ending".to_owned(), unknown: false }));
        }
        self.server.stop().await;
        self.jobs.detach_all();
        self.errands.close();
        let gone = self.gone.clone();
        drop(self.inbox);
        if tokio::time::timeout(LAST_WORDS_LIMIT, self.errands.wait()).await.is_err() {
            gone.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(1), self.errands.wait()).await;
        }
        tracing::info!("ended");
    }
}

/// What a task died of, in words.
fn died_of(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => panic_text(payload.as_ref()),
        Err(error) => error.to_string(),
    }
}

async fn sleep(until: Option<Duration>) {
    match until {
        Some(until) => tokio::time::sleep(until).await,
        None => std::future::pending().await,
    }
}

async fn maybe(wait: Option<impl Future<Output = ()>>) {
    match wait {
        Some(wait) => wait.await,
        None => std::future::pending().await,
    }
}
