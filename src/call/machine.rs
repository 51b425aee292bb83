//! The state machine of one call: set-up, dial, console, hang-up. No I/O, no clock, no async.
//!
//! Every way out leads through the hang-up, but for a port that is gone. What is heard while dialing is judged in
//! `dialing`, what the console says in `console::session`; set-up and hang-up are machines of `modem`. This file
//! strings them together, keeps the clock of the call, and makes its ending.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::console::{Credential, Expect, Finding, Outcome, Session, SessionLimits, session};
use crate::model::event::Hangup;
use crate::model::{Fault, Link, Moment, Mono, Timeline};
use crate::modem::codec::{self, Codec, Token};
use crate::modem::hangup::{HangUp, HangupOutcome, Situation};
use crate::modem::machine::{Action, Input as PortInput, PortFacts, Progress, Signal};
use crate::modem::profile::Profile;
use crate::modem::setup::{Setup, SetupFault, SetupLimits};

use super::CallSpec;
use super::dialing::{Dialing, Heard};

/// How long the line must be quiet after a NO CARRIER in the data for it to be the modem's, on a port without DCD:
/// a console that prints these words goes on within one character's time.
const NO_CARRIER_QUIET: Duration = Duration::from_millis(5);
/// The same where DCD is there and still on: then the wire is believed longer than the words.
const NO_CARRIER_QUIET_WITH_DCD: Duration = Duration::from_secs(1);
/// As much of the data's end as NO CARRIER needs to be recognised.
const TAIL_LEN: usize = 32;

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
    /// The host that the console said it is.
    pub hostname: Option<String>,
    /// Whether on-hook was proven.
    pub hangup: Hangup,
    /// Why it was not.
    pub hangup_detail: String,
    /// Lines from the modem that no table knows.
    pub unknown: Vec<String>,
    /// What the console said; absent if it said nothing.
    pub transcript: Option<String>,
    /// Whether the network may have seen a call.
    pub dialed: bool,
    /// Whether the port must be opened anew before it is used again.
    pub port_lost: bool,
}

#[derive(Debug)]
enum State {
    SettingUp { setup: Setup, full: bool, until: Mono },
    Dialing,
    Ringing { ear: Dialing },
    Online { session: Box<Session> },
    HangingUp { machine: HangUp, until: Mono },
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
    timeline: Timeline,
    rings: Option<u32>,
    link: Link,
    unknown: Vec<String>,
    finding: Option<(Option<Fault>, String)>,
    hostname: Option<String>,
    transcript: Option<String>,
    cancel: Option<Cancel>,
    /// Carrier as the wire shows it; absent until the wire was seen on.
    dcd: Option<bool>,
    carrier_gone: bool,
    /// NO CARRIER stands at the end of the data since then.
    gone_by_words: Option<Mono>,
    tail: Vec<u8>,
}

impl Machine {
    /// A call on a port that is open. `fresh` asks for the whole set-up; else a sign of life is enough, since this
    /// modem was set up before and its last hang-up was proven.
    pub fn new(spec: CallSpec, profile: Arc<Profile>, facts: PortFacts, fresh: bool, now: Mono) -> Self {
        let mut timeline = Timeline::default();
        timeline.observe(Moment::Taken, now);
        let mut machine = Self {
            codec: Codec::for_profile(&profile),
            spec,
            profile,
            facts,
            state: State::Over,
            outputs: VecDeque::from([Output::Moment(Moment::Taken)]),
            timeline,
            rings: None,
            link: Link::default(),
            unknown: Vec::new(),
            finding: None,
            hostname: None,
            transcript: None,
            cancel: None,
            dcd: facts.dcd_at_open.then_some(true),
            carrier_gone: false,
            gone_by_words: None,
            tail: Vec::new(),
        };
        machine.set_up(fresh, now);
        machine
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Time`] is due if nothing else happens; absent once the call is over, or while it waits for
    /// [`Input::DialWritten`] or [`Input::Reopened`], which come by themselves.
    pub fn deadline(&self) -> Option<Mono> {
        match &self.state {
            State::SettingUp { until, .. } | State::HangingUp { until, .. } => Some(*until),
            State::Ringing { .. } => self.dial_end(),
            State::Online { session } => {
                let mut at = session.deadline();
                for other in [self.call_end(), self.words_end()].into_iter().flatten() {
                    at = at.min(other);
                }
                Some(at)
            }
            State::Dialing | State::Over => None,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Mono, input: Input<'_>) {
        match input {
            Input::Bytes(bytes) => self.bytes(now, bytes),
            Input::Signal(signal, on) => self.signal(now, signal, on),
            Input::DialWritten => self.dial_written(now),
            Input::Reopened => self.port_input(now, PortInput::Reopened),
            Input::PortLost(fault, why) => self.port_lost(now, fault, why),
            Input::Granted(credential) => self.session_input(now, session::Input::Granted(credential)),
            Input::Denied(why) => self.session_input(now, session::Input::Denied(why)),
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

    fn set_up_progress(&mut self, now: Mono, progress: Progress<Result<(), SetupFault>>) {
        let State::SettingUp { full, until, .. } = &mut self.state else { return };
        match progress {
            Progress::Until(at) => *until = at,
            Progress::Done(Ok(())) => {
                self.observe(now, Moment::Ready);
                let command = format!("{}{}", self.profile.dial, self.spec.dial.command());
                self.codec.expect_echo(&command);
                self.outputs.push_back(Output::Dial(format!("{command}\r").into_bytes()));
                self.state = State::Dialing;
            }
            // A sign of life was not enough: the last call may have left the modem in any state.
            Progress::Done(Err(_)) if !*full => self.set_up(true, now),
            Progress::Done(Err(why)) => {
                self.finding = Some((Some(why.fault), why.detail));
                self.finish(now, Hangup::NotNeeded, String::new(), false);
            }
        }
    }

    fn dial_written(&mut self, now: Mono) {
        if !matches!(self.state, State::Dialing) {
            return;
        }
        self.observe(now, Moment::Dialed);
        let limits = &self.spec.limits;
        let ear = Dialing::new(
            &self.profile,
            self.spec.ring_cadence,
            limits.refused_under,
            self.spec.port_bps,
            now,
        );
        self.state = State::Ringing { ear };
        if self.cancel.is_some() {
            self.abort_dial(now, Fault::Cancelled, "cancelled while dialing".to_owned());
        }
    }

    fn dial_end(&self) -> Option<Mono> {
        let limits = &self.spec.limits;
        self.timeline.get(Moment::Dialed).map(|mark| mark.at + limits.dial.min(limits.call))
    }

    fn call_end(&self) -> Option<Mono> {
        self.timeline.get(Moment::Dialed).map(|mark| mark.at + self.spec.limits.call)
    }

    fn words_end(&self) -> Option<Mono> {
        let quiet = if self.dcd == Some(true) { NO_CARRIER_QUIET_WITH_DCD } else { NO_CARRIER_QUIET };
        self.gone_by_words.map(|since| since + quiet)
    }

    fn heard(&mut self, now: Mono, heard: Heard) {
        match heard {
            Heard::Nothing => {}
            Heard::Moment(moment) => {
                if moment == Moment::Carrier {
                    self.bound_answer(now);
                }
                self.observe(now, moment);
            }
            Heard::Connected => self.connected(now),
            // A RING is no result of our dial: the modem is still at it.
            Heard::Failed(Fault::Glare, detail) => self.abort_dial(now, Fault::Glare, detail),
            Heard::Failed(fault, detail) => self.found(now, Some(fault), detail),
        }
    }

    fn bound_answer(&mut self, later: Mono) {
        if let State::Ringing { ear } = &self.state
            && let Some((earliest, latest)) = ear.answer_bounds(later)
        {
            self.timeline.bound(Moment::Answered, earliest, latest);
        }
    }

    fn connected(&mut self, now: Mono) {
        self.bound_answer(now);
        self.observe(now, Moment::Connected);
        self.keep_ear();
        // From here on the modem is no longer dialing, whatever comes next.
        self.state = State::Dialing;
        let Some(dialog) = self.spec.dialog.clone() else {
            self.found(now, None, String::new());
            return;
        };
        let limits = &self.spec.limits;
        let session = Session::new(
            dialog,
            Expect { hostname: self.spec.line.hostname.clone() },
            SessionLimits {
                prompt: limits.prompt,
                login: limits.login,
                logout: limits.logout,
                wait_grant: limits.grant_wait,
                ..SessionLimits::default()
            },
            now,
        );
        self.state = State::Online { session: Box::new(session) };
        self.session_outputs(now);
    }

    /// Takes over what was heard while dialing, if the call was dialing.
    fn keep_ear(&mut self) -> bool {
        let State::Ringing { ear } = &mut self.state else { return false };
        self.rings = ear.rings();
        self.link = ear.link().clone();
        self.unknown = ear.take_unknown();
        true
    }

    // --- inputs

    fn bytes(&mut self, now: Mono, bytes: &[u8]) {
        self.codec.feed(bytes);
        while let Some(token) = self.codec.next() {
            match &mut self.state {
                State::SettingUp { .. } | State::HangingUp { .. } => {
                    self.port_input(now, PortInput::Token(&token))
                }
                State::Ringing { ear } => match &token {
                    Token::Result(code) => {
                        let heard = ear.hear(now, code);
                        self.heard(now, heard);
                    }
                    Token::Info(text) => ear.unknown(text),
                    Token::Data(_) => {}
                },
                State::Online { session } => {
                    if let Token::Data(data) = &token {
                        session.handle(now, session::Input::Bytes(data));
                        self.note_tail(now, data);
                        self.session_outputs(now);
                    }
                }
                // What a last call left behind: it came before our dial command was out.
                State::Dialing | State::Over => {}
            }
        }
    }

    fn note_tail(&mut self, now: Mono, data: &[u8]) {
        self.tail.extend_from_slice(data);
        let cut = self.tail.len().saturating_sub(TAIL_LEN);
        self.tail.drain(..cut);
        self.gone_by_words = codec::online_end(&self.tail).then_some(now);
    }

    fn signal(&mut self, now: Mono, signal: Signal, on: bool) {
        if signal == Signal::Dcd {
            self.dcd = if on { Some(true) } else { self.dcd.map(|_| false) };
        }
        match &mut self.state {
            State::Ringing { ear } => {
                let heard = ear.signal(now, signal, on);
                self.heard(now, heard);
            }
            State::Online { .. } if signal == Signal::Dcd && !on => self.carrier_lost(now),
            State::SettingUp { .. } | State::HangingUp { .. } => {
                self.port_input(now, PortInput::Signal(signal, on));
            }
            _ => {}
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
            _ => {}
        }
    }

    fn session_input(&mut self, now: Mono, input: session::Input<'_>) {
        if let State::Online { session } = &mut self.state {
            session.handle(now, input);
            self.session_outputs(now);
        }
    }

    fn session_outputs(&mut self, now: Mono) {
        while let State::Online { session } = &mut self.state
            && let Some(output) = session.poll()
        {
            match output {
                session::Output::Send(bytes) => self.outputs.push_back(Output::Port(Action::Write(bytes))),
                session::Output::AskCredential if self.spec.credential.is_none() => {
                    session.handle(
                        now,
                        session::Input::Denied("the plan gives no credential for it".to_owned()),
                    );
                }
                session::Output::AskCredential => self.outputs.push_back(Output::AskCredential),
                session::Output::PasswordSent => self.outputs.push_back(Output::PasswordSent),
                session::Output::CredentialOutcome(outcome) => {
                    self.outputs.push_back(Output::Credential(outcome))
                }
                session::Output::Moment(moment, at) => self.observe(at, moment),
                session::Output::Done(finding) => self.console_done(now, *finding),
            }
        }
    }

    fn console_done(&mut self, now: Mono, finding: Finding) {
        self.carrier_gone |= finding.carrier_gone;
        self.hostname = finding.hostname;
        if !finding.transcript.is_empty() {
            self.transcript = Some(finding.transcript);
        }
        self.found(now, finding.fault, finding.detail);
    }

    fn carrier_lost(&mut self, now: Mono) {
        self.carrier_gone = true;
        self.gone_by_words = None;
        self.session_input(now, session::Input::CarrierLost);
    }

    fn time(&mut self, now: Mono) {
        match &mut self.state {
            State::SettingUp { until, .. } | State::HangingUp { until, .. } if now >= *until => {
                self.port_input(now, PortInput::Time);
            }
            State::Ringing { ear } => {
                let (fault, detail) = ear.expired(now);
                if self.dial_end().is_some_and(|at| now >= at) {
                    self.abort_dial(now, fault, detail);
                }
            }
            State::Online { session } => {
                session.handle(now, session::Input::Time);
                self.session_outputs(now);
                if !matches!(self.state, State::Online { .. }) {
                    return;
                }
                if self.words_end().is_some_and(|at| now >= at) {
                    self.carrier_lost(now);
                } else if self.call_end().is_some_and(|at| now >= at) {
                    self.call_limit(now);
                }
            }
            _ => {}
        }
    }

    /// What the limit means depends on where the session stands: a login that worked stays one.
    fn call_limit(&mut self, now: Mono) {
        self.session_input(now, session::Input::Limit);
        let limit_s = self.spec.limits.call.as_secs();
        if let Some((Some(_), detail)) = &mut self.finding {
            *detail = format!("{detail}; the call's limit of {limit_s} s came first");
        }
    }

    fn cancel(&mut self, now: Mono, how: Cancel) {
        if self.cancel.is_some_and(|before| before >= how) {
            return;
        }
        self.cancel = Some(how);
        match &mut self.state {
            State::SettingUp { .. } => {
                self.finding = Some((Some(Fault::Cancelled), "cancelled before it was dialed".to_owned()));
                self.finish(now, Hangup::NotNeeded, String::new(), false);
            }
            State::Ringing { .. } => {
                self.abort_dial(now, Fault::Cancelled, "cancelled while dialing".to_owned());
            }
            State::Online { session } if how == Cancel::LogOut => {
                session.handle(now, session::Input::Cancel);
                self.session_outputs(now);
            }
            State::Online { .. } => {
                self.session_end(now);
                self.found(now, Some(Fault::Cancelled), "dropped by the user".to_owned());
            }
            // The dial command is on its way: it is aborted as soon as it is out.
            State::Dialing | State::HangingUp { .. } | State::Over => {}
        }
    }

    /// Lets a session that is cut off say what became of its password.
    fn session_end(&mut self, now: Mono) {
        if let State::Online { session } = &mut self.state {
            session.handle(now, session::Input::CarrierLost);
            while let Some(output) = session.poll() {
                match output {
                    session::Output::CredentialOutcome(outcome) => {
                        self.outputs.push_back(Output::Credential(outcome))
                    }
                    session::Output::Done(finding) => {
                        self.hostname = finding.hostname;
                        if !finding.transcript.is_empty() {
                            self.transcript = Some(finding.transcript);
                        }
                        // It was logging out: what it had found of the console stands. A login alone is no pass before
                        // its logout is proven, and nobody but us cut that off.
                        if finding.logout_proven && finding.fault.is_some() {
                            self.finding = Some((finding.fault, finding.detail));
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn port_lost(&mut self, now: Mono, fault: Fault, why: &str) {
        if matches!(self.state, State::Over) {
            return;
        }
        self.session_end(now);
        self.keep_ear();
        if self.finding.is_none() {
            self.finding = Some((Some(fault), why.to_owned()));
        }
        let dialed = self.timeline.get(Moment::Dialed).is_some();
        let hangup = if dialed { Hangup::Unproven } else { Hangup::NotNeeded };
        self.finish(now, hangup, format!("the port was lost: {why}"), true);
    }

    // --- the way out

    /// The modem is still dialing and must be stopped.
    fn abort_dial(&mut self, now: Mono, fault: Fault, detail: String) {
        self.leave(now, Some(fault), detail, true);
    }

    /// The call has found what it will find; a dial that failed was ended by the modem itself.
    fn found(&mut self, now: Mono, fault: Option<Fault>, detail: String) {
        self.leave(now, fault, detail, false);
    }

    fn leave(&mut self, now: Mono, fault: Option<Fault>, detail: String, abort: bool) {
        if self.finding.is_none() {
            self.finding = Some((fault, detail));
        }
        let was_dialing = self.keep_ear();
        self.codec.set_online(false);
        let situation = Situation {
            carrier_may_be_up: !was_dialing && !self.carrier_gone,
            logged_out_took_carrier: self.carrier_gone,
            in_dialing: was_dialing && abort,
            dcd: self.dcd,
        };
        let mut machine = HangUp::new(&self.profile, self.facts, situation, self.spec.limits.hangup);
        let mut actions = Vec::new();
        let progress = machine.start(now, &mut actions);
        self.act(actions);
        self.state = State::HangingUp { machine, until: now };
        self.hang_up_progress(now, progress);
    }

    fn hang_up_progress(&mut self, now: Mono, progress: Progress<HangupOutcome>) {
        let State::HangingUp { until, .. } = &mut self.state else { return };
        match progress {
            Progress::Until(at) => *until = at,
            Progress::Done(outcome) => {
                if outcome.proven {
                    self.observe(now, Moment::OnHook);
                    self.finish(now, Hangup::Proven, String::new(), false);
                } else {
                    self.finish(now, Hangup::Unproven, outcome.detail, false);
                }
            }
        }
    }

    fn finish(&mut self, now: Mono, hangup: Hangup, hangup_detail: String, port_lost: bool) {
        self.state = State::Over;
        self.observe(now, Moment::Released);
        let (fault, detail) = self.finding.take().unwrap_or((None, String::new()));
        self.outputs.push_back(Output::Done(Box::new(Ending {
            timeline: self.timeline.clone(),
            rings: self.rings,
            fault,
            detail: crate::console::transcript::clean_line(&detail),
            link: self.link.clone(),
            hostname: self.hostname.take(),
            hangup,
            hangup_detail: crate::console::transcript::clean_line(&hangup_detail),
            // It may be a garbled echo of our dial command.
            unknown: self
                .unknown
                .iter()
                .map(|text| crate::console::transcript::clean_line(&self.spec.dial.mask_in(text)))
                .collect(),
            transcript: self.transcript.take(),
            dialed: self.timeline.get(Moment::Dialed).is_some(),
            port_lost,
        })));
    }

    fn observe(&mut self, now: Mono, moment: Moment) {
        self.timeline.observe(moment, now);
        self.outputs.push_back(Output::Moment(moment));
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
