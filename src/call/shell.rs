//! Drives one call's machine over a port: the only file of this room that awaits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, mpsc, oneshot, watch};

use crate::console::{Credential, Outcome};
use crate::model::price::earlier;
use crate::model::{CallId, CallRecord, Charge, Moment, Mono, Price};
use crate::modem::clock::Clock;
use crate::modem::driver::{WRITE_LIMIT, legible, perform};
use crate::modem::learned::Learned;
use crate::modem::machine::Action;
use crate::modem::port::{Port, PortError, PortEvent};
use crate::modem::profile::Profile;

use super::live::{Back, Key, Live};
use super::machine::{Cancel, Ending, Input, Machine, Output};
use super::quality::OurModem;
use super::{CallSpec, Tap};

/// What a running call tells, and asks.
#[derive(Debug)]
pub enum Notice {
    /// An instant was observed.
    Moment(Moment),
    /// May the credential be used? The call waits at the login prompt for the answer.
    Ask(oneshot::Sender<Grant>),
    /// The password goes out now.
    PasswordSent,
    /// The console took it, or did not.
    Credential(Outcome),
}

/// The answer to [`Notice::Ask`].
#[derive(Debug)]
pub enum Grant {
    /// Use it.
    Granted(Credential),
    /// Don't; why.
    Denied(String),
}

/// A call that is over, and what it leaves of its modem.
#[derive(Debug)]
pub struct CallOver {
    /// For the journal.
    pub record: CallRecord,
    /// Why on-hook could not be proven, if it could not.
    pub hangup_detail: String,
    /// Whether the network may have seen a call.
    pub dialed: bool,
    /// Whether the port must be opened anew.
    pub port_lost: bool,
    /// How long the modem refuses to dial this number, where it refused and said so.
    pub refused_for: Option<Duration>,
    /// What was learned of the modem.
    pub learned: Learned,
    /// The modem owes no answer; if it may, the whole set-up is due.
    pub settled: bool,
    /// When the call was over.
    pub at: Mono,
    /// When on-hook was proven; where it was not, when the call was over.
    pub on_hook: Mono,
}

/// Makes one call. `notices` must be read while it runs; `cancel` may change at any time.
pub async fn run(
    spec: CallSpec,
    profile: Arc<Profile>,
    fresh: bool,
    port: &mut Port,
    clock: Clock,
    notices: mpsc::Sender<(CallId, Notice)>,
    mut cancel: watch::Receiver<Option<Cancel>>,
) -> CallOver {
    let started = clock.wall();
    let call = spec.call.clone();
    let mut record = CallRecord {
        call: call.clone(),
        line: spec.line.id.clone(),
        modem: spec.modem.clone(),
        attempt: spec.attempt,
        dialed: spec.dial.masked(),
        via: spec.via.clone(),
        started,
        finished: started,
        timeline: crate::model::Timeline::default(),
        rings: None,
        fault: None,
        detail: String::new(),
        cut_short_ms: None,
        link: crate::model::Link::default(),
        diagnostics: None,
        hostname: None,
        consoles: Vec::new(),
        charge: None,
        hangup: crate::model::event::Hangup::NotNeeded,
        unknown: Vec::new(),
        transcript: None,
    };
    let talk = Talk {
        modem: spec.modem.to_string(),
        dial: spec.dial.masked(),
        public: spec.dial.masked() == spec.dial.command(),
    };
    let (quality, price) = (spec.quality.clone(), spec.price.clone());
    let modem = (profile.profile.clone(), profile.asks_error_control);
    let side = Side { tap: spec.tap.clone(), keys: None, gone: None };
    let mut around = Around { call, notices, grant: None, talk, side };
    let mut machine = Machine::new(spec, profile, port.facts_now(), fresh, clock.now());
    if let Some(how) = *cancel.borrow_and_update() {
        machine.handle(clock.now(), Input::Cancel(how));
    }
    port.watch(true);
    let ending = loop {
        if let Some(ending) = obey(&mut machine, port, clock, &mut around).await {
            break ending;
        }
        let deadline = machine.deadline().map(|at| clock.instant(at));
        tokio::select! {
            biased;
            event = port.next() => match event {
                PortEvent::Bytes(bytes, at) => {
                    around.talk.note('<', &bytes);
                    machine.handle(at, Input::Bytes(&bytes));
                }
                PortEvent::Signal(signal, on, at) => machine.handle(at, Input::Signal(signal, on)),
                PortEvent::Closed(why) => {
                    machine.handle(clock.now(), Input::PortLost(crate::model::Fault::PortLost, &why));
                }
            },
            how = cancelled(&mut cancel) => machine.handle(clock.now(), Input::Cancel(how)),
            answer = granted(&mut around.grant) => machine.handle(clock.now(), match answer {
                Grant::Granted(credential) => Input::Granted(credential),
                Grant::Denied(why) => Input::Denied(why),
            }),
            key = around.side.key() => machine.handle(clock.now(), Input::Key(&key)),
            () = until(deadline) => machine.handle(clock.now(), Input::Time),
        }
    };
    port.watch(false);
    let on_hook = ending.timeline.get(Moment::OnHook).map_or_else(|| clock.now(), |mark| mark.at);
    let Ending { timeline, rings, fault, detail, link, hostname, hangup, unknown, transcript, .. } = ending;
    record.finished = clock.wall();
    (record.timeline, record.rings, record.fault, record.detail) = (timeline, rings, fault, detail);
    record.diagnostics = ending.diagnostics;
    record.consoles = ending.consoles;
    (record.link, record.hostname, record.hangup, record.unknown) = (link, hostname, hangup, unknown);
    record.cut_short_ms = ending.cut_short.and_then(|limit| u64::try_from(limit.as_millis()).ok());
    quality.apply(OurModem { family: &modem.0, asks_error_control: modem.1 }, &mut record);
    record.transcript = transcript.filter(|_| record.fault.is_some());
    let at = clock.now();
    record.charge = Some(charge(&price, &record, ending.dialed, at));
    CallOver {
        record,
        hangup_detail: ending.hangup_detail,
        dialed: ending.dialed,
        port_lost: ending.port_lost,
        refused_for: ending.refused_for,
        learned: ending.learned,
        settled: ending.settled,
        at,
        on_hook,
    }
}

/// What is charged for a call that is over at `at`.
fn charge(price: &Price, record: &CallRecord, dialed: bool, at: Mono) -> Charge {
    let Some((from, to)) = record.off_hook(dialed, at) else { return price.charge(None, Duration::ZERO) };
    // The wall clock of an instant is told from the end's: what the two clocks say of the time between may differ by as
    // much as one was set meanwhile.
    let wall = |mono: Mono| earlier(record.finished, at.since(mono));
    price.charge(Some((wall(from), wall(to))), to.since(from))
}

/// What a call speaks with, beside its port.
struct Around {
    call: CallId,
    notices: mpsc::Sender<(CallId, Notice)>,
    /// The answer about the credential, while it is waited for.
    grant: Option<oneshot::Receiver<Grant>>,
    talk: Talk,
    side: Side,
}

/// Does what the machine asks, until it asks nothing more.
async fn obey(machine: &mut Machine, port: &mut Port, clock: Clock, around: &mut Around) -> Option<Ending> {
    let Around { call, notices, grant, talk, side } = around;
    while let Some(output) = machine.poll() {
        let notice = match output {
            Output::Done(ending) => return Some(*ending),
            Output::Port(action) => {
                if let Action::Write(bytes) = &action {
                    talk.note('>', bytes);
                }
                match perform(port, &action).await {
                    Ok(false) => {}
                    Ok(true) => machine.handle(clock.now(), Input::Reopened),
                    Err(error) => lost(machine, clock, &error),
                }
                continue;
            }
            Output::Dial(command) => {
                tracing::debug!(modem = talk.modem, "> dials {}", talk.dial);
                match port.write(&command, WRITE_LIMIT).await {
                    Ok(at) => machine.handle(at, Input::DialWritten),
                    Err(error) => lost(machine, clock, &error),
                }
                continue;
            }
            Output::Live(live) => {
                side.tell(*live);
                continue;
            }
            Output::AskCredential => {
                let (reply, answer) = oneshot::channel();
                *grant = Some(answer);
                Notice::Ask(reply)
            }
            Output::PasswordSent => Notice::PasswordSent,
            Output::Credential(outcome) => Notice::Credential(outcome),
            Output::Moment(moment) => {
                // From here on it is a console's, and what is said may be a secret.
                talk.public &= moment < Moment::Connected;
                Notice::Moment(moment)
            }
        };
        // Nobody reads any more only when the run is being torn down; the call still hangs up.
        let _ = notices.send((call.clone(), notice)).await;
    }
    None
}

/// What the log may tell of the talk with a modem.
struct Talk {
    modem: String,
    dial: String,
    /// Neither an access code nor a secret can be in it.
    public: bool,
}

impl Talk {
    fn note(&self, way: char, bytes: &[u8]) {
        if self.public {
            tracing::debug!(modem = self.modem, "{way} {}", legible(bytes));
        } else {
            tracing::trace!(modem = self.modem, "{way} {} bytes", bytes.len());
        }
    }
}

/// The call's end of the side channel to a terminal.
struct Side {
    tap: Option<Tap>,
    /// While the console is handed over.
    keys: Option<OwnedMutexGuard<mpsc::Receiver<Key>>>,
    /// The terminal can't have it, or is gone.
    gone: Option<Back>,
}

impl Side {
    fn tell(&mut self, live: Live) {
        let Some(tap) = &self.tap else { return };
        match &live {
            Live::HandedOver { .. } => {
                self.keys = tap.keys();
                self.gone = self.keys.is_none().then_some(Back::TerminalGone);
            }
            Live::TakenBack { .. } => (self.keys, self.gone) = (None, None),
            _ => {}
        }
        if !tap.tell(live) && self.keys.take().is_some() {
            self.gone = Some(Back::TerminalGone);
        }
    }

    /// What the terminal tells next, while the console is handed over.
    async fn key(&mut self) -> Key {
        if let Some(why) = self.gone.take() {
            return Key::Back(why);
        }
        let Some(keys) = &mut self.keys else { return std::future::pending().await };
        let key = keys.recv().await;
        key.unwrap_or_else(|| {
            self.keys = None;
            Key::Back(Back::TerminalGone)
        })
    }
}

fn lost(machine: &mut Machine, clock: Clock, error: &PortError) {
    machine.handle(clock.now(), Input::PortLost(error.fault(), &error.detail()));
}

async fn cancelled(cancel: &mut watch::Receiver<Option<Cancel>>) -> Cancel {
    loop {
        if cancel.changed().await.is_err() {
            return std::future::pending().await;
        }
        if let Some(how) = *cancel.borrow_and_update() {
            return how;
        }
    }
}

async fn granted(grant: &mut Option<oneshot::Receiver<Grant>>) -> Grant {
    let Some(waiting) = grant else { return std::future::pending().await };
    let answer = waiting.await;
    *grant = None;
    answer.unwrap_or_else(|_| Grant::Denied("the run is being ended".to_owned()))
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
