//! The state machine of one call: set-up, dial, console, hang-up. No I/O, no clock, no async.
//!
//! Every way out leads through the hang-up, but for a port that is gone. What is heard while dialing is judged in
//! `dialing`, what the console says in `console::session`; set-up and hang-up are machines of `modem`. This file
//! strings them together and keeps the clock of the call; `online` is its time in data state, `leaving` its ways out,
//! `aside` what it tells a terminal, `diagnosing` what the modem tells once it is on-hook.

mod aside;
mod diagnosing;
mod dialed;
mod leaving;
mod online;
#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use self::aside::Aside;
use self::online::Carrier;
use super::CallSpec;
use super::dialing::{Dialing, Heard};
use super::live::{Key, Live};
use crate::console::handover::Handover;
use crate::console::{Credential, Outcome, Session, session};
use crate::model::event::{ConsoleRecord, Hangup};
use crate::model::{Diagnostics, Fault, Link, Mark, Moment, Mono, Timeline};
use crate::modem::codec::{Codec, Token};
use crate::modem::diagnostics::{Diagnose, Diagnosis};
use crate::modem::hangup::HangUp;
use crate::modem::learned::Learned;
use crate::modem::machine::{Action, Input as PortInput, PortFacts, Progress, Signal};
use crate::modem::profile::Profile;
use crate::modem::result_code::ResultCode;
use crate::modem::setup::{Setup, SetupEnd, SetupLimits};

/// How to end a call early, the milder first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cancel {
    /// Dial no more, log out, hang up.
    LogOut,
    /// Hang up at once.
    HangUp,
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes from the port.
    Bytes(&'a [u8]),
    /// A modem-control line changed.
    Signal(Signal, bool),
    /// The CR of the dial command was written.
    DialWritten,
    /// The port was closed and opened again, as asked.
    Reopened,
    /// The port is gone; why.
    PortLost(Fault, &'a str),
    /// The credential may be used.
    Granted(Credential),
    /// It may not; why.
    Denied(String),
    /// The terminal tells something, of a console that was handed over.
    Key(&'a Key),
    /// End the call.
    Cancel(Cancel),
    /// Time has passed.
    Time,
}

/// What to do, in this order.
#[derive(Debug)]
pub enum Output {
    /// Do this on the port.
    Port(Action),
    /// Write this, and tell [`Input::DialWritten`] when its last byte is out.
    Dial(Vec<u8>),
    /// Ask whether the credential may be used.
    AskCredential,
    /// From here on the password counts as used.
    PasswordSent,
    /// The console took the credential, or did not.
    Credential(Outcome),
    /// An instant was observed.
    Moment(Moment),
    /// For the terminal, and no event.
    Live(Box<Live>),
    /// The call is over.
    Done(Box<Ending>),
}

/// All that a call found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Its instants.
    pub timeline: Timeline,
    /// RINGINGs heard; absent where the modem does not tell.
    pub rings: Option<u32>,
    /// Absent is a pass.
    pub fault: Option<Fault>,
    /// In words, cleaned.
    pub detail: String,
    /// The link.
    pub link: Link,
    /// What the modem told of it; absent if it was not asked, or told nothing.
    pub diagnostics: Option<Box<Diagnostics>>,
    /// The modem owes no answer. If it may, the whole set-up is due.
    pub settled: bool,
    /// The host that the console said it is.
    pub hostname: Option<String>,
    /// The consoles behind it, in the order of the plan; those that the call did not come to are `skipped`.
    pub consoles: Vec<ConsoleRecord>,
    /// Whether on-hook was proven.
    pub hangup: Hangup,
    /// Why it was not.
    pub hangup_detail: String,
    /// Lines from the modem that no table knows.
    pub unknown: Vec<String>,
    /// What the console said; absent if it said nothing.
    pub transcript: Option<String>,
    /// The dial limit that ended it, if that was shortened.
    pub cut_short: Option<Duration>,
    /// Whether the network may have seen a call.
    pub dialed: bool,
    /// Whether the port must be opened anew before it is used again.
    pub port_lost: bool,
    /// How long the modem refuses to dial this number, where it refused and said so.
    pub refused_for: Option<Duration>,
    /// What was learned of the modem.
    pub learned: Learned,
}

#[derive(Debug)]
enum State {
    SettingUp {
        setup: Setup,
        full: bool,
        until: Mono,
    },
    /// The dial command is being written.
    Dialing,
    Ringing {
        ear: Dialing,
    },
    Online {
        session: Box<Session>,
    },
    /// A technician has a console of which nothing is known.
    Handed {
        handover: Box<Handover>,
    },
    HangingUp {
        machine: HangUp,
        until: Mono,
    },
    /// On-hook; the modem is asked about the call.
    Diagnosing {
        machine: Diagnose,
        until: Mono,
    },
    Over,
}

/// One call.
#[derive(Debug)]
pub struct Machine {
    spec: CallSpec,
    profile: Arc<Profile>,
    facts: PortFacts,
    codec: Codec,
    state: State,
    outputs: VecDeque<Output>,
    /// The latest instant that it was told: bytes and edges may be stamped before what was done meanwhile.
    now: Mono,
    timeline: Timeline,
    /// The dial command was given out: digits may have gone out, whatever became of the port.
    dialed: bool,
    rings: Option<u32>,
    link: Link,
    unknown: Vec<String>,
    refused_for: Option<Duration>,
    learned: Learned,
    finding: Option<(Option<Fault>, String)>,
    cut_short: Option<Duration>,
    hostname: Option<String>,
    consoles: Vec<ConsoleRecord>,
    transcript: Option<String>,
    cancel: Option<Cancel>,
    carrier: Carrier,
    /// The dial ended with NO CARRIER.
    said_no_carrier: bool,
    diagnosis: Diagnosis,
    /// For whoever looks on.
    aside: Aside,
}

impl Machine {
    /// A call on a port that is open. `fresh` asks for the whole set-up; else a sign of life is enough, since this
    /// modem was set up before and its last hang-up was proven.
    pub fn new(spec: CallSpec, profile: Arc<Profile>, facts: PortFacts, fresh: bool, now: Mono) -> Self {
        let mut timeline = Timeline::default();
        timeline.observe(Moment::Taken, now);
        let mut machine = Self {
            codec: Codec::for_profile(&profile),
            aside: Aside::new(spec.tap.as_ref().map(super::Tap::wish)),
            spec,
            profile,
            facts,
            state: State::Over,
            outputs: VecDeque::from([Output::Moment(Moment::Taken)]),
            now,
            timeline,
            dialed: false,
            rings: None,
            link: Link::default(),
            unknown: Vec::new(),
            refused_for: None,
            learned: Learned::default(),
            finding: None,
            cut_short: None,
            hostname: None,
            consoles: Vec::new(),
            transcript: None,
            cancel: None,
            carrier: Carrier::new(facts),
            said_no_carrier: false,
            diagnosis: Diagnosis { settled: true, ..Diagnosis::default() },
        };
        machine.set_up(fresh, now);
        machine
    }

    /// What is known of an instant until now.
    pub fn mark(&self, moment: Moment) -> Option<Mark> {
        self.timeline.get(moment)
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Time`] is due if nothing else happens; absent once the call is over, or while it waits for
    /// [`Input::DialWritten`], which comes by itself.
    pub fn deadline(&self) -> Option<Mono> {
        match &self.state {
            State::SettingUp { until, .. }
            | State::HangingUp { until, .. }
            | State::Diagnosing { until, .. } => Some(*until),
            State::Ringing { .. } => self.dial_end(),
            State::Online { session } => Some(self.online_deadline(session)),
            State::Handed { handover } => Some(self.bare_deadline(handover)),
            State::Dialing | State::Over => None,
        }
    }

    /// Takes one input. A time before that of the last one is taken for that one.
    pub fn handle(&mut self, now: Mono, input: Input<'_>) {
        self.now = self.now.max(now);
        let now = self.now;
        match input {
            Input::Bytes(bytes) => self.bytes(now, bytes),
            Input::Signal(signal, on) => self.signal(now, signal, on),
            Input::DialWritten => self.dial_written(now),
            Input::Reopened => self.port_input(now, PortInput::Reopened),
            Input::PortLost(fault, why) => self.port_lost(now, fault, why),
            Input::Granted(credential) => {
                self.aside.granted(&credential);
                self.session_input(now, session::Input::Granted(credential));
            }
            Input::Denied(why) => self.session_input(now, session::Input::Denied(why)),
            Input::Key(key) => self.key(now, key),
            Input::Cancel(how) => self.cancel(now, how),
            Input::Time => self.time(now),
        }
    }

    // --- set-up and dial

    fn set_up(&mut self, full: bool, now: Mono) {
        let limits = SetupLimits { total: self.spec.limits.setup, ..SetupLimits::default() };
        let mut setup = if full {
            Setup::full(&self.profile, &self.facts, limits)
        } else {
            Setup::quick(&self.profile, &self.facts, limits)
        };
        let mut actions = Vec::new();
        let progress = setup.start(now, &mut actions);
        self.act(actions);
        self.state = State::SettingUp { setup, full, until: now };
        self.set_up_progress(now, progress);
    }

    fn set_up_progress(&mut self, now: Mono, progress: Progress<SetupEnd>) {
        let State::SettingUp { full, until, .. } = &mut self.state else { return };
        match progress {
            Progress::Until(at) => *until = at,
            Progress::Done(Ok(done)) => {
                if !done.refused.is_empty() {
                    self.learned.refused.extend(done.refused);
                    self.profile = Arc::new(self.profile.for_modem(&self.learned));
                }
                self.observe(now, Moment::Ready);
                let command = Dialing::command(&self.profile, &self.spec);
                self.codec.expect_echo(&command);
                self.outputs.push_back(Output::Dial(format!("{command}\r").into_bytes()));
                self.dialed = true;
                self.state = State::Dialing;
            }
            // A sign of life was not enough: the last call may have left the modem in any state.
            Progress::Done(Err(_)) if !*full => self.set_up(true, now),
            Progress::Done(Err(why)) => {
                self.finding = Some((Some(why.fault), why.detail));
                self.finish(now, Hangup::NotNeeded, "", false);
            }
        }
    }

    // --- inputs

    fn bytes(&mut self, now: Mono, bytes: &[u8]) {
        self.codec.feed(bytes);
        while let Some(token) = self.codec.next() {
            match &mut self.state {
                State::SettingUp { .. } | State::HangingUp { .. } | State::Diagnosing { .. } => {
                    self.port_input(now, PortInput::Token(&token));
                }
                State::Ringing { ear } => match &token {
                    Token::Result(code) => {
                        self.said_no_carrier = *code == ResultCode::NoCarrier;
                        let heard = ear.hear(now, code);
                        self.heard(now, heard);
                    }
                    Token::Info(text) => ear.unknown(text),
                    Token::Data(_) => {}
                },
                State::Online { .. } => match &token {
                    Token::Data(data) => self.online_data(now, data),
                    Token::Result(code) => self.link_line(code),
                    Token::Info(_) => {}
                },
                State::Handed { .. } => match &token {
                    Token::Data(data) => self.bare_data(now, data),
                    Token::Result(code) => self.link_line(code),
                    Token::Info(_) => {}
                },
                // What a last call left behind: it came before our dial command was out.
                State::Dialing | State::Over => {}
            }
        }
    }

    fn signal(&mut self, now: Mono, signal: Signal, on: bool) {
        if signal == Signal::Dcd {
            self.carrier.wire(now, on);
        }
        match &mut self.state {
            State::Ringing { ear } => match ear.signal(now, signal, on) {
                Heard::Moment(moment) => {
                    let not_before = ear.last_ringing();
                    if moment == Moment::Carrier {
                        self.bound_answer(now);
                    }
                    self.observe_edge(now, moment, not_before);
                }
                heard => self.heard(now, heard),
            },
            State::SettingUp { .. } | State::HangingUp { .. } | State::Diagnosing { .. } => {
                self.port_input(now, PortInput::Signal(signal, on));
            }
            State::Online { .. } | State::Handed { .. } | State::Dialing | State::Over => {}
        }
    }

    fn port_input(&mut self, now: Mono, input: PortInput<'_>) {
        let mut actions = Vec::new();
        match &mut self.state {
            State::SettingUp { setup, .. } => {
                let progress = setup.handle(now, input, &mut actions);
                self.act(actions);
                self.set_up_progress(now, progress);
            }
            State::HangingUp { machine, .. } => {
                let progress = machine.handle(now, input, &mut actions);
                self.act(actions);
                self.hang_up_progress(now, progress);
            }
            State::Diagnosing { .. } => self.diagnose_input(now, input),
            State::Dialing
            | State::Ringing { .. }
            | State::Online { .. }
            | State::Handed { .. }
            | State::Over => {}
        }
    }

    fn time(&mut self, now: Mono) {
        let dial_end = self.dial_end();
        match &self.state {
            State::SettingUp { until, .. }
            | State::HangingUp { until, .. }
            | State::Diagnosing { until, .. }
                if now >= *until =>
            {
                self.port_input(now, PortInput::Time);
            }
            State::Ringing { .. } if dial_end.is_some_and(|at| now >= at) => self.dial_expired(now),
            State::Online { .. } => self.online_time(now),
            State::Handed { .. } => self.bare_time(now),
            State::SettingUp { .. }
            | State::HangingUp { .. }
            | State::Diagnosing { .. }
            | State::Ringing { .. }
            | State::Dialing
            | State::Over => {}
        }
    }

    // --- the clock of the call

    /// Notes an instant, never before an earlier one: a RINGING behind the carrier is no ringing.
    fn observe(&mut self, at: Mono, moment: Moment) {
        if self.is_past(moment) {
            return;
        }
        let latest = self.timeline.iter().map(|(_, mark)| mark.at).max().unwrap_or(at);
        self.timeline.observe(moment, at.max(latest));
        self.outputs.push_back(Output::Moment(moment));
    }

    /// Notes an instant that an edge told of: observed, or bounded where the port may tell it late. `after` is an
    /// instant that it can't lie before.
    pub(super) fn observe_edge(&mut self, at: Mono, moment: Moment, after: Option<Mono>) {
        let lag = self.facts.signal_lag;
        if lag.is_zero() {
            self.observe(at, moment);
            return;
        }
        if self.is_past(moment) {
            return;
        }
        let known = || self.timeline.iter().map(|(_, mark)| mark);
        // Each of the earlier ones may itself lie anywhere within its span.
        let floor =
            known().map(|mark| mark.at.before(mark.half_width)).chain(after).max().unwrap_or(Mono::ZERO);
        let latest = known().map(|mark| mark.at).max().unwrap_or(Mono::ZERO);
        let at = at.max(latest);
        self.timeline.bound_after(moment, at.before(lag).max(floor).min(at), at, latest);
        self.outputs.push_back(Output::Moment(moment));
    }

    /// Whether this instant, or one that comes after it, is known.
    fn is_past(&self, moment: Moment) -> bool {
        self.timeline.iter().any(|(known, _)| known >= moment)
    }

    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            match &action {
                Action::Write(bytes) => self.codec.note_written(bytes),
                Action::Drain => self.codec.clear(),
                Action::Dtr(_) | Action::Reopen => {}
            }
            self.outputs.push_back(Output::Port(action));
        }
    }
}
