//! Runs a plan: the one place where the scheduler, the credential guard, the workers and the clock meet.
//!
//! It owns every fact of the run and is the only writer of its event stream. Decisions are the scheduler's and the
//! guard's, which are pure; this file waits for what happens, asks them, and does what they say. It writes no file:
//! observers do. How calls and workers end is in `ends`, how modems are
//! checked in `checks`.

mod checks;
mod clock;
mod ends;
mod orders;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinSet};

use crate::call::CallSpec;
use crate::call::machine::Cancel;
use crate::call::shell::Notice;
use crate::model::event::{CredentialState, Ending, ModemState, WaitReason};
use crate::model::{CallId, Event, EventKind, Fault, LineId, ModemId, Mono, PhoneNumber};
use crate::modem::clock::Clock;
use crate::modem::port::Port;

use self::checks::RunningCheck;
use self::orders::{After, Asked, Leaving, Overdue, lent_text};
use super::desk::{Desk, DeskFact};
use super::hours::Hours;
use super::order::{Refused, Told};
use super::scheduler::{Check, Decision, Input, Scheduler, SchedulerPlan};
use super::talk;
use super::worker::{self, Channels, Command, OpenPort, Report, Seat};

/// Notices that may wait to be read. A call tells about twenty in its whole life; the bound is for a burst of all
/// modems of a large bank at once.
const NOTICES_MAX: usize = 1024;
/// Reports that may wait to be read: at most two of a worker at a time.
const REPORTS_MAX: usize = 256;
/// What is told so soon after it was needs no time of its own.
const TOLD_AT_ONCE: Duration = Duration::from_millis(5);
/// Longest that workers may take to give their ports back at the end.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Longest that is waited for workers which had to be given up.
const ABORT_LIMIT: Duration = Duration::from_secs(1);

/// Takes the event stream. It must not block for long: calls are timed beside it.
pub trait Observer: Send {
    /// Takes one event.
    ///
    /// # Errors
    /// The stream can't be kept any more: the run dials no more, hangs up and ends.
    fn on_event(&mut self, event: &Event) -> Result<(), ObserveError>;
}

/// Why the event stream can't be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ObserveError(pub String);

/// What a call to a line needs, apart from its modem and attempt.
pub trait LineBook: Send + Sync + 'static {
    /// The call's particulars with the final dial string for this modem and this one of the line's ways
    /// ([`LineJob::ways`](super::scheduler::LineJob::ways)), screened once more.
    ///
    /// # Errors
    /// The number may not be dialed from there: nothing is.
    fn call(&self, line: &LineId, modem: &ModemId, attempt: u32, way: usize) -> Result<CallSpec, NotDialed>;

    /// The same of a call that checks a modem: up to CONNECT, with no credential. Never asked for
    /// [`Check::DialTone`], which dials nothing.
    ///
    /// # Errors
    /// The number may not be dialed from there: nothing is.
    fn check(&self, check: &Check, modem: &ModemId) -> Result<CallSpec, NotDialed>;
}

/// Why a call was not made: the last safeguard before a modem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotDialed(pub String);

/// A run to be made.
pub struct Job<O, B> {
    /// First event: a new run's header, or the resumption of an old one.
    pub opening: EventKind,
    /// What is told right behind it: what was before the run, and what its user should know of it.
    pub preface: Vec<EventKind>,
    /// The workers' seats, with the ports that were opened already.
    pub seats: Vec<(Seat, Option<Port>)>,
    /// Opens ports.
    pub opener: Arc<O>,
    /// The lines.
    pub book: B,
    /// The plan as the scheduler takes it.
    pub plan: SchedulerPlan,
    /// The credentials.
    pub desk: Desk,
    /// Nothing is dialed from here on, if there is such an instant; calls that are running end as they may.
    pub deadline: Option<Mono>,
    /// What that and the lines' windows follow from; absent where the wall clock plays no part.
    pub hours: Option<Hours>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// Completed or interrupted.
    pub ending: Ending,
    /// The event stream broke; why.
    pub broken: Option<ObserveError>,
}

/// Runs a job to its end. `orders` brings what it is told meanwhile.
pub async fn run<O: OpenPort, B: LineBook>(
    job: Job<O, B>,
    clock: Clock,
    observer: &mut dyn Observer,
    orders: mpsc::Receiver<Told>,
) -> RunEnd {
    let Job { opening, preface, seats, opener, book, plan, mut desk, deadline, mut hours } = job;
    // Nobody waits for a line to prove a credential that an earlier sitting has judged.
    for verdict in plan.past.verdicts.iter().filter(|verdict| verdict.fault != Some(Fault::Cancelled)) {
        desk.line_done(&verdict.line);
    }
    let said = hours.as_mut().map(|hours| std::mem::take(&mut hours.notices)).unwrap_or_default();
    let quarantined = plan.past.quarantined.clone();
    let standing = plan.standing.clone();
    let (notices, notices_in) = mpsc::channel(NOTICES_MAX);
    let (reports, reports_in) = mpsc::channel(REPORTS_MAX);
    let mut run = Run {
        clock,
        observer,
        book,
        desk,
        scheduler: Scheduler::new(plan).until(deadline).looking_to(hours.as_ref().map(|hours| hours.horizon)),
        inputs: VecDeque::new(),
        stepping: false,
        deadline,
        hours,
        workers: BTreeMap::new(),
        tasks: JoinSet::new(),
        task_modems: BTreeMap::new(),
        held: BTreeMap::new(),
        quarantined,
        opener,
        notices,
        reports,
        cancel: None,
        seats: BTreeMap::new(),
        leaving: BTreeMap::new(),
        stuck: BTreeMap::new(),
        limits: BTreeSet::new(),
        asked: BTreeMap::new(),
        tickets: 0,
        ending: Ending::Completed,
        broken: None,
        finished: false,
    };
    run.emit(opening);
    for kind in preface {
        run.emit(kind);
    }
    for text in said {
        run.emit(EventKind::Notice { text });
    }
    for (seat, port) in seats {
        run.seats.insert(seat.id.clone(), seat.clone());
        if let Some(why) = standing.disabled.get(&seat.id) {
            run.modem(seat.id, ModemState::Disabled, None, why.clone());
        } else if let Some(loan) = standing.lent.get(&seat.id) {
            run.modem(seat.id, ModemState::Lent, None, lent_text(loan.line.as_ref()));
        } else {
            run.hire(seat, port, false);
        }
    }
    run.step(Input::Start);
    run.desk_effects();
    run.work(notices_in, reports_in, orders).await;
    run.close().await
}

struct Worker {
    seat: Seat,
    commands: mpsc::Sender<Command>,
    task: Id,
    abort: AbortHandle,
    /// What it is at is to end.
    cancel: watch::Sender<Option<Cancel>>,
    /// Its call is called off as soon as its password is judged.
    recalled: bool,
    /// Past this it is stuck.
    limit: Option<Mono>,
    overdue: Overdue,
    call: Option<Running>,
    check: Option<RunningCheck>,
}

/// A call that is being made, as far as its worker's death would have to be told.
struct Running {
    spec: CallSpec,
    started: jiff::Timestamp,
    began: Mono,
    /// Its fate decides over the credential, even if the worker dies.
    password_sent: bool,
    /// The console has said what it makes of it.
    judged: bool,
}

struct Run<'a, O, B> {
    clock: Clock,
    observer: &'a mut dyn Observer,
    book: B,
    desk: Desk,
    scheduler: Scheduler,
    /// What the scheduler has still to be told: decisions are carried out before it hears what they led to.
    inputs: VecDeque<Input>,
    stepping: bool,
    /// While it lies ahead.
    deadline: Option<Mono>,
    hours: Option<Hours>,
    workers: BTreeMap<ModemId, Worker>,
    tasks: JoinSet<()>,
    task_modems: BTreeMap<Id, ModemId>,
    /// Numbers that may still be in a call of ours, and the modem that could not be brought on-hook.
    held: BTreeMap<PhoneNumber, ModemId>,
    /// Modems that are set up as ever, and get no line.
    quarantined: BTreeSet<ModemId>,
    opener: Arc<O>,
    notices: mpsc::Sender<(CallId, Notice)>,
    reports: mpsc::Sender<(ModemId, Report)>,
    /// All calls are to end.
    cancel: Option<Cancel>,
    /// Of all modems, whether they have a worker or not.
    seats: BTreeMap<ModemId, Seat>,
    /// Workers that were told to end, and have not yet.
    leaving: BTreeMap<ModemId, Leaving>,
    /// Workers that could not be ended.
    stuck: BTreeMap<Id, ModemId>,
    /// When which worker is stuck.
    limits: BTreeSet<(Mono, ModemId)>,
    /// Orders that have no answer yet, by ticket.
    asked: BTreeMap<u64, Asked>,
    tickets: u64,
    ending: Ending,
    broken: Option<ObserveError>,
    finished: bool,
}

impl<O: OpenPort, B: LineBook> Run<'_, O, B> {
    async fn work(
        &mut self,
        mut notices: mpsc::Receiver<(CallId, Notice)>,
        mut reports: mpsc::Receiver<(ModemId, Report)>,
        mut orders: mpsc::Receiver<Told>,
    ) {
        while !self.finished {
            let next = self
                .scheduler
                .next_deadline()
                .into_iter()
                .chain(self.deadline)
                .chain(self.next_limit())
                .min();
            let next = next.map(|at| self.clock.instant(at));
            tokio::select! {
                // In this order, so that what a call told is known before its end is.
                biased;
                Some(told) = orders.recv() => self.told(told),
                Some((call, notice)) = notices.recv() => self.notice(&call, notice),
                Some((modem, report)) = reports.recv() => self.report(modem, report),
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = clock::set(&mut self.hours) => self.step(Input::Time),
                () = until(next) => {
                    self.watch_workers();
                    self.step(Input::Time);
                }
                else => break,
            }
        }
        // Whoever comes too late hears that, too.
        orders.close();
        while let Ok(Told { reply, .. }) = orders.try_recv() {
            if let Some(reply) = reply {
                let _ = reply.send(Err(Refused("the run has ended".to_owned())));
            }
        }
    }

    fn emit(&mut self, kind: EventKind) {
        let mono = self.clock.now();
        let event = Event { at: self.clock.wall_at(mono), mono, kind };
        talk::tell(&event.kind);
        if self.broken.is_none()
            && let Err(error) = self.observer.on_event(&event)
        {
            tracing::error!("the run's record can't be kept: {error}");
            self.broken = Some(error);
            self.interrupt(Cancel::LogOut);
        }
    }

    fn hire(&mut self, seat: Seat, port: Option<Port>, in_doubt: bool) {
        let (commands, commands_in) = mpsc::channel(2);
        let (cancel, cancelled) = watch::channel(self.cancel);
        let channels = Channels {
            commands: commands_in,
            notices: self.notices.clone(),
            reports: self.reports.clone(),
            cancel: cancelled,
        };
        let modem = seat.id.clone();
        let work = worker::work(seat.clone(), Arc::clone(&self.opener), port, in_doubt, self.clock, channels);
        let abort = self.tasks.spawn(work);
        let task = abort.id();
        self.task_modems.insert(task, modem.clone());
        self.workers.insert(
            modem,
            Worker {
                seat,
                commands,
                task,
                abort,
                cancel,
                recalled: false,
                limit: None,
                overdue: Overdue::No,
                call: None,
                check: None,
            },
        );
    }

    fn interrupt(&mut self, how: Cancel) {
        self.ending = Ending::Interrupted;
        self.cancel_all(how);
        self.step(Input::Drain);
    }

    // --- what the scheduler says

    fn step(&mut self, input: Input) {
        self.inputs.push_back(input);
        if std::mem::replace(&mut self.stepping, true) {
            return;
        }
        self.look_at_clock();
        // Whatever else has happened: nothing is decided as if it had not come.
        if self.deadline_has_come() {
            self.inputs.push_front(Input::Deadline);
        }
        while let Some(input) = self.inputs.pop_front() {
            for decision in self.scheduler.step(self.clock.now(), input) {
                self.decide(decision);
            }
        }
        self.stepping = false;
    }

    /// Whether it has come, for the first time; then that is told.
    fn deadline_has_come(&mut self) -> bool {
        let come = self.deadline.take_if(|at| *at <= self.clock.now()).is_some();
        if come {
            let text = "the deadline has come: nothing is dialed any more, and calls end as they may";
            self.emit(EventKind::Notice { text: text.to_owned() });
        }
        come
    }

    fn decide(&mut self, decision: Decision) {
        match decision {
            Decision::Dial { line, modem, attempt, way, may_shorten, .. } => {
                self.desk.line_again(&line);
                self.dial(&line, &modem, (attempt, way), may_shorten);
            }
            Decision::SetUp(modem) => self.set_up(&modem),
            Decision::Verdict(mut verdict) => {
                if verdict.fault == Some(Fault::OutOfWindow) {
                    let next = self.opens_next(&verdict.line);
                    verdict.detail.push_str(&next);
                }
                if verdict.fault == Some(Fault::Cancelled) {
                    // To go on with such a line is what a resumption is for.
                    self.ending = Ending::Interrupted;
                }
                self.desk.line_done(&verdict.line);
                self.emit(EventKind::Verdict(verdict));
                self.desk_effects();
            }
            Decision::Withdraw { line, why } => {
                self.desk.line_again(&line);
                self.emit(EventKind::VerdictWithdrawn { line, why });
            }
            Decision::Check { modem, check } => self.check(&modem, &check),
            Decision::TakeBack { modem, detail } => {
                self.quarantined.remove(&modem);
                self.modem(modem, ModemState::Ready, None, detail);
            }
            Decision::Notice(text) => self.emit(EventKind::Notice { text }),
            Decision::Quarantine { modem, detail, until } => {
                self.quarantined.insert(modem.clone());
                self.modem_until(modem, ModemState::Quarantined, None, detail, until);
            }
            Decision::Waits { line, until, reason, why } => {
                // Whoever is outside its window proves nothing: nobody at a prompt waits for it.
                if reason == WaitReason::Window {
                    self.desk.line_done(&line);
                } else {
                    self.desk.line_again(&line);
                }
                let until = until.map(|until| self.clock.wall_at(until));
                self.emit(EventKind::LineWaits { line, until, reason, why });
                self.desk_effects();
            }
            Decision::GiveUp { modem, fault, detail } => {
                let detail = format!("left alone for the rest of the run: {detail}");
                self.modem(modem, ModemState::Wedged, Some(fault), detail);
            }
            Decision::Down { modem, fault, detail, until } => {
                self.modem_until(modem, ModemState::Down, Some(fault), detail, Some(until));
            }
            Decision::Recall(modem) => self.call_off(&modem),
            Decision::Dismiss { modem, why } => self.dismiss(&modem, After::Disabled { why }),
            Decision::Restart(modem) => self.dismiss(&modem, After::Restart),
            Decision::Lend { ticket, modem, line } => self.dismiss(&modem, After::Lent { ticket, line }),
            Decision::Answer { ticket, answer } => self.answer(ticket, answer),
            Decision::Paused { why, until } => {
                let until = until.map(|until| self.clock.wall_at(until));
                self.emit(EventKind::Paused { why, until });
            }
            Decision::Resumed => self.emit(EventKind::Resumed),
            Decision::Finished => self.finished = true,
        }
    }

    fn dial(&mut self, line: &LineId, modem: &ModemId, (attempt, way): (u32, usize), may_shorten: bool) {
        let call = match self.may_dial(line) {
            Ok(()) => self.book.call(line, modem, attempt, way),
            Err(why) => Err(NotDialed(why)),
        };
        match call {
            Ok(mut spec) => {
                spec.short_dial = spec.short_dial.filter(|_| may_shorten);
                self.emit(EventKind::CallStarted {
                    call: spec.call.clone(),
                    line: line.clone(),
                    modem: modem.clone(),
                    attempt,
                    dialed: spec.dial.masked(),
                    via: spec.via.clone(),
                });
                if let Some(worker) = self.workers.get_mut(modem) {
                    worker.call = Some(Running {
                        spec: spec.clone(),
                        started: self.clock.wall(),
                        began: self.clock.now(),
                        password_sent: false,
                        judged: false,
                    });
                }
                let longest = self.longest_call(modem, &spec);
                self.command(modem, Command::Call(Box::new(spec)), longest);
            }
            Err(why) => self.step(Input::NotDialed {
                modem: modem.clone(),
                line: line.clone(),
                detail: why.to_string(),
            }),
        }
    }

    /// Gives a worker something to do that takes so long at most.
    fn command(&mut self, modem: &ModemId, command: Command, longest: Duration) {
        self.limit(modem, longest);
        let Some(worker) = self.workers.get(modem) else { return };
        // Two places: a worker has at most one order waiting, so a full queue means that it is stuck or dead; its end
        // is then told by its task.
        if worker.commands.try_send(command).is_err() {
            tracing::warn!(%modem, "the worker takes no orders");
        }
    }

    fn modem(&mut self, modem: ModemId, state: ModemState, fault: Option<Fault>, detail: String) {
        self.modem_until(modem, state, fault, detail, None);
    }

    fn modem_until(
        &mut self,
        modem: ModemId,
        state: ModemState,
        fault: Option<Fault>,
        detail: String,
        until: Option<Mono>,
    ) {
        let until = until.map(|until| self.clock.wall_at(until));
        self.emit(EventKind::Modem { modem, state, fault, detail, until });
    }

    /// A modem is not to be had, before the scheduler hears of it; and when it will be seen to again, if that is known.
    fn modem_away(&mut self, modem: &ModemId, state: ModemState, fault: Fault, detail: String) {
        let until = self.scheduler.returns(self.clock.now(), modem, fault);
        // Of one whose on-hook is not proven the state says what is wrong, and of one under quarantine that it is.
        let fault = Some(fault).filter(|_| state == ModemState::Out);
        self.modem_until(modem.clone(), state, fault, detail, until);
    }

    // --- what the workers tell

    fn notice(&mut self, call: &CallId, notice: Notice) {
        let Some(Running { spec, .. }) = self.running_mut(call) else { return };
        let (line, credential) = (spec.line.id.clone(), spec.credential.clone());
        match notice {
            Notice::Moment(moment, at) => {
                let was = Some(at).filter(|at| self.clock.now().since(*at) >= TOLD_AT_ONCE);
                self.emit(EventKind::CallMoment { call: call.clone(), moment, was });
            }
            Notice::Ask(reply) => {
                if let Some(credential) = credential {
                    self.desk.ask(&line, &credential, reply);
                }
            }
            Notice::PasswordSent => {
                if let Some(running) = self.running_mut(call) {
                    running.password_sent = true;
                }
                if let Some(credential) = credential {
                    self.emit(EventKind::PasswordSent { call: call.clone(), credential });
                }
            }
            Notice::Credential(outcome) => {
                self.desk.outcome(&line, outcome);
                if let Some(modem) = self.running_mut(call).map(|running| running.spec.modem.clone()) {
                    self.password_judged(&modem);
                }
            }
        }
        self.desk_effects();
    }

    fn running_mut(&mut self, call: &CallId) -> Option<&mut Running> {
        self.workers
            .values_mut()
            .filter_map(|worker| worker.call.as_mut())
            .find(|running| running.spec.call == *call)
    }

    fn desk_effects(&mut self) {
        for DeskFact { credential, state, detail } in self.desk.take_facts() {
            let input = match state {
                CredentialState::Proven => Input::CredentialProven(credential.clone()),
                CredentialState::Stopped => Input::CredentialStopped(credential.clone()),
            };
            self.emit(EventKind::Credential { credential, state, detail });
            self.step(input);
        }
    }

    fn report(&mut self, modem: ModemId, report: Report) {
        // Of a worker that was told to end nothing more is wanted to be known.
        if !self.workers.contains_key(&modem) && !matches!(report, Report::Notice(_)) {
            return;
        }
        let idle = |worker: &Worker| worker.call.is_none() && worker.check.is_none();
        match &report {
            Report::Over(_) | Report::Checked(_) => self.at_rest(&modem),
            Report::Ready { .. } | Report::Out(..) if self.workers.get(&modem).is_some_and(idle) => {
                self.at_rest(&modem);
            }
            Report::Ready { .. } | Report::Out(..) | Report::Notice(_) => {}
        }
        match report {
            Report::Ready { identified, abilities } => {
                self.held.retain(|_, holder| *holder != modem);
                if let Some(said) = identified {
                    self.modem(modem.clone(), ModemState::Identified, None, said);
                }
                if !self.quarantined.contains(&modem) {
                    self.modem(modem.clone(), ModemState::Ready, None, abilities.unwrap_or_default());
                }
                self.step(Input::ModemReady(modem));
            }
            Report::Out(fault, detail) => {
                self.modem_away(&modem, ModemState::Out, fault, detail.clone());
                self.step(Input::ModemOut { modem, fault, detail });
            }
            Report::Notice(text) => self.emit(EventKind::Notice { text }),
            Report::Over(over) => self.over(modem, *over),
            Report::Checked(over) => self.check_over(modem, *over),
        }
    }

    // --- the end

    async fn close(mut self) -> RunEnd {
        // Whatever still goes on is a set-up that nobody waits for.
        self.cancel_all(Cancel::HangUp);
        self.answer_the_rest();
        for worker in std::mem::take(&mut self.workers).into_values() {
            drop(worker.commands);
        }
        let stopped =
            tokio::time::timeout(STOP_LIMIT, async { while self.tasks.join_next().await.is_some() {} }).await;
        if stopped.is_err() {
            tracing::warn!("some ports could not be given back within {} s", STOP_LIMIT.as_secs());
            // One that does not even end now is stuck inside the system; it must not hold up the report.
            self.tasks.abort_all();
            let aborted =
                tokio::time::timeout(ABORT_LIMIT, async { while self.tasks.join_next().await.is_some() {} });
            if aborted.await.is_err() {
                self.tasks.detach_all();
            }
        }
        self.desk.close().await;
        let ending = self.ending;
        self.emit(EventKind::RunEnded { ending });
        RunEnd { ending, broken: self.broken }
    }
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
