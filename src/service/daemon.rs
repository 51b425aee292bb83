//! The daemon's one loop: it waits for all that can happen, tells the keeper, and carries out what the keeper wants.
//!
//! It polls nothing: each thing that can happen wakes it by itself. Whatever takes time (a job, a file that is read, an answer)
//! is a task whose outcome comes back through the inbox, so that no control ever waits behind it.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::alone::Alone;
use super::brain::{self, Guarded, Make, panic_text};
use super::control::{Answer, Control, Done, Level, Refused};
use super::durable::{self, Durable};
use super::http::{Rooms, Server};
use super::jobs::{self, Finished, Surroundings};
use super::keeper::{Action, Begin, Input, JobId, OrderId, RunEnd, Ticket};
use super::leadership::{Leadership, Standing};
use super::leftover;
use super::levels::Levels;
use super::live::Live;
use super::signals::Word;
use super::status::Status;
use super::systemd::Systemd;
use super::watch::Watch;
use crate::call::machine::Cancel;
use crate::config::service::{Loaded, Unloaded, load};
use crate::fleet::order::{self, Order};
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

/// Reads the configuration. Blocks on files.
fn read(config: &Path) -> Result<Loaded, Unloaded> {
    tokio::task::block_in_place(|| load(config, &environment))
}

fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The configuration, read again.
struct Reread {
    loaded: Result<Result<Loaded, Unloaded>, String>,
    /// When the reading began.
    from: Timestamp,
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

    /// Its brain has died of a panic: whoever waits is told, and what goes on ends cleanly, for another one to go on with.
    fn brain_died(&mut self, why: &str) {
        tracing::error!(
            "the daemon's brain died, which is a defect: {why}; runs log out, and go on with another one"
        );
        if self.keeper.is_hopeless() {
            self.given_up = Some(format!("the daemon's brain died again and again: {why}"));
        }
        self.inputs.retain(|input| !matches!(input, Input::Control { .. }));
        for (_, reply) in std::mem::take(&mut self.tickets) {
            let why = "the daemon has met with an error of its own, and begins anew; ask again".to_owned();
            let _ = reply.send(Err(Refused { why, unknown: false }));
        }
        self.stop_all(Cancel::LogOut);
    }

    /// Ends all that goes on, whatever anybody thinks of it.
    fn stop_all(&self, how: Cancel) {
        let why = "the daemon begins anew after an error of its own";
        for at_work in self.at_work.values() {
            let (orders, order) = (at_work.orders.clone(), Order::Stop { how, why: Some(why.to_owned()) });
            self.errands.spawn(async move {
                // It may be over.
                let _ = orders.send(order::Told { order, reply: None }).await;
            });
        }
    }

    /// No brain lives: if nothing goes on any more, another one begins with what was kept; whether it has. What happens until
    /// then waits, but for a word that nothing may hold up.
    fn come_round(&mut self) -> bool {
        if !self.jobs.is_empty() {
            let now_at_all_events = |input: &Input| {
                matches!(
                    input,
                    Input::Terminate(Cancel::HangUp)
                        | Input::Control { control: Control::EmergencyStop { .. }, .. }
                )
            };
            if self.inputs.iter().any(now_at_all_events) {
                self.stop_all(Cancel::HangUp);
            }
            return false;
        }
        if self.given_up.is_some() {
            self.over = true;
            return false;
        }
        let now = self.now();
        let restored = tokio::task::block_in_place(|| durable::load(&self.state, now.wall));
        let loaded = Arc::clone(&self.loaded.borrow());
        let begun = match restored {
            Ok(restored) => self.keeper.begin(&now, loaded, restored.state),
            Err(why) => Err(why.to_string()),
        };
        match begun {
            Ok(first) => {
                tracing::info!("another brain has begun, with what was kept");
                self.carry_out(first);
                // What is loaded now came while none lived, perhaps; how things stand among its peers it is told first.
                let waiting = std::mem::take(&mut self.inputs);
                self.tell_role();
                self.inputs.extend(waiting);
                true
            }
            Err(why) => {
                self.given_up = Some(format!("no other brain could begin: {why}"));
                self.over = true;
                false
            }
        }
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

    /// A new configuration is in force: what hangs on it here.
    async fn configured(&mut self, loaded: &Arc<Loaded>) {
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        self.loaded.send_replace(Arc::clone(loaded));
        if let Err(why) = self.server.apply(&loaded.service).await {
            tracing::error!("{why}; it listens as before, as far as it can");
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        let mut unkept = None;
        for action in actions {
            match action {
                Action::Keep(state) => unkept = self.keep(&state).err(),
                Action::Look { plan, reports } => {
                    self.errand(move || {
                        let looked = catch_unwind(|| leftover::look(&reports, &plan));
                        let newest = looked.unwrap_or_else(|payload| Err(panic_text(payload.as_ref())));
                        Input::Found { plan, newest }
                    });
                }
                Action::Begin(begin) => self.begin(begin),
                Action::Order { job, order, what } => self.order(job, order, what),
                Action::Reply { ticket, answer } => {
                    // Whoever asked may be gone.
                    if let Some(reply) = self.tickets.remove(&ticket) {
                        let _ = reply.send(lasting(answer, unkept.as_deref()));
                    }
                }
                Action::Reload => self.reload(),
                Action::Lead(plan) => self.leadership = Leadership::new(&plan),
                Action::Tell(role) => {
                    if let Err(why) = self.leadership.tell(role) {
                        tracing::warn!("{why}");
                    }
                }
                Action::Levels(levels) => {
                    if let Err(why) = self.levels.set(&levels) {
                        tracing::warn!("the log's levels stay as they were: {why}");
                    }
                }
                Action::Log { level, text } => log(level, &text),
                Action::Exit => self.over = true,
            }
        }
    }

    /// It must be on the disk before anything that follows from it is done.
    fn keep(&mut self, state: &Durable) -> Result<(), String> {
        let kept = tokio::task::block_in_place(|| durable::store(&self.state, state));
        let kept = kept.map_err(|error| error.to_string());
        self.inputs.push_back(Input::Kept(kept.clone()));
        kept
    }

    /// Something that blocks on files, beside the loop.
    fn errand(&self, work: impl FnOnce() -> Input + Send + 'static) {
        let inbox = self.inbox.clone();
        self.errands.spawn_blocking(move || {
            // The loop may be over.
            let _ = inbox.blocking_send(work());
        });
    }

    fn reload(&mut self) {
        if std::mem::replace(&mut self.reading, true) {
            self.read_again = true;
            return;
        }
        self.systemd.reloading();
        let (config, readings, from) = (self.config.clone(), self.readings.clone(), self.clock.wall());
        let read = self.errands.spawn_blocking(move || load(&config, &environment));
        self.errands.spawn(async move {
            let loaded = read.await.map_err(died_of);
            // The loop may be over.
            let _ = readings.send(Reread { loaded, from }).await;
        });
    }

    /// The configuration was read, for better or worse: from here on what was read is watched.
    fn reread(&mut self, Reread { loaded, from }: Reread) {
        self.reading = false;
        let input = match loaded {
            Ok(Ok(loaded)) => {
                self.files.follow(loaded.files.iter().cloned(), from);
                Input::Config(Arc::new(loaded))
            }
            Ok(Err(unread)) => {
                self.files.follow(unread.files.iter().cloned(), from);
                Input::BadConfig(unread.problems)
            }
            Err(why) => {
                tracing::error!("the configuration could not be read: {why}");
                self.systemd.ready(&self.said);
                if std::mem::take(&mut self.read_again) {
                    self.reload();
                }
                return;
            }
        };
        if std::mem::take(&mut self.read_again) {
            // Whoever asked meanwhile may have mended what this reading has not seen: his answer is the next one.
            self.reload();
            return;
        }
        self.inputs.push_back(input);
    }

    fn begin(&mut self, begin: Begin) {
        let job = begin.job;
        let (orders, orders_in) = mpsc::channel(jobs::ORDERS_MAX);
        let around =
            Surroundings { live: Arc::clone(&self.live), inbox: self.inbox.clone(), clock: self.clock };
        let task = self.jobs.spawn((self.work)(begin, orders_in, around));
        self.tasks.insert(task.id(), job);
        self.at_work.insert(job, AtWork { orders, begun: false });
    }

    fn order(&mut self, job: JobId, order: OrderId, what: Order) {
        let (reply, answer) = oneshot::channel();
        let told = order::Told { order: what, reply: Some(reply) };
        let sent = match self.at_work.get(&job) {
            Some(at_work) => at_work.orders.try_send(told).map_err(|error| error.to_string()),
            None => Err(String::new()),
        };
        if sent.is_err() {
            let answer = Err(jobs::was_over(job));
            self.inputs.push_back(Input::Ordered { order, answer });
            return;
        }
        let inbox = self.inbox.clone();
        self.errands.spawn(async move {
            let answer = answer.await.unwrap_or_else(|_| Err(jobs::was_over(job)));
            let _ = inbox.send(Input::Ordered { order, answer }).await;
        });
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

/// How far the end is.
#[derive(Debug, Default)]
struct Ending {
    stage: u8,
    until: Option<crate::model::Mono>,
}

impl Ending {
    /// It is wanted, once more: how; `None` where all has been tried.
    fn again(&mut self, now: crate::model::Mono) -> Option<Cancel> {
        let (how, limit) = match self.stage {
            0 => (Cancel::LogOut, LOG_OUT_LIMIT),
            1 => (Cancel::HangUp, HANG_UP_LIMIT),
            _ => return None,
        };
        self.stage += 1;
        self.until = Some(now + limit);
        Some(how)
    }

    /// Waits until it takes too long; for ever, if nobody wants the end.
    async fn limit(&self, clock: &Clock) {
        match self.until {
            Some(until) => tokio::time::sleep_until(clock.instant(until)).await,
            None => std::future::pending().await,
        }
    }
}

/// An answer, with what could not be kept: whoever stops everything relies on it.
fn lasting(answer: Answer, unkept: Option<&str>) -> Answer {
    let Some(why) = unkept else { return answer };
    answer.map(|done| Done {
        said: format!(
            "{}; BUT it can't be written to the disk, and a restart would forget it: {why}",
            done.said
        ),
        ..done
    })
}

fn log(level: Level, text: &str) {
    match level {
        Level::Off => {}
        Level::Error => tracing::error!("{text}"),
        Level::Warn => tracing::warn!("{text}"),
        Level::Info => tracing::info!("{text}"),
        Level::Debug => tracing::debug!("{text}"),
        Level::Trace => tracing::trace!("{text}"),
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

#[cfg(test)]
#[cfg(unix)]
mod tests;
