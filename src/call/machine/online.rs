//! A call in data state: the session with the console, and the carrier beneath it.

use std::time::Duration;

use super::{Machine, Output, State};
use crate::console::handover::Back;
use crate::console::{Expect, Finding, Session, SessionLimits, session};
use crate::model::{Moment, Mono};
use crate::modem::codec;
use crate::modem::machine::{Action, PortFacts};

/// How long the line must be quiet after a NO CARRIER in the data for it to be the modem's, on a port without DCD, once
/// the logout is out: then it is what we wait for.
const WORDS_QUIET_LEAVING: Duration = Duration::from_millis(5);
/// The same before the logout: a console that prints these words goes on, or a driver has cut its text into pieces.
const WORDS_QUIET: Duration = Duration::from_millis(250);
/// The same where DCD is there and still on: then the wire is believed longer than the words.
const WORDS_QUIET_WITH_DCD: Duration = Duration::from_secs(1);
/// How long bytes that were sent before DCD fell may take to be read: the edge overtakes them in the driver.
const DCD_GRACE: Duration = Duration::from_millis(20);
/// As much of the data's end as NO CARRIER needs to be recognised.
const TAIL_LEN: usize = 32;

/// What is known of the carrier.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    /// As the wire shows it; absent until the wire was seen on.
    wire: Option<bool>,
    /// Since when DCD is low.
    fell: Option<Mono>,
    /// Since when NO CARRIER stands at the end of the data.
    words: Option<Mono>,
    tail: Vec<u8>,
    /// It is gone, and since when.
    gone: Option<Mono>,
    /// It was the wire that said so.
    gone_by_wire: bool,
    /// How late the wire may tell.
    lag: Duration,
}

impl Carrier {
    pub(super) fn new(facts: PortFacts) -> Self {
        Self { wire: facts.dcd_at_open.then_some(true), lag: facts.signal_lag, ..Self::default() }
    }

    /// DCD, where it is known.
    pub(super) const fn dcd(&self) -> Option<bool> {
        self.wire
    }

    /// Whether it came and went.
    pub(super) const fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    pub(super) fn wire(&mut self, now: Mono, on: bool) {
        let was_on = self.wire == Some(true);
        self.wire = if on { Some(true) } else { self.wire.map(|_| false) };
        self.fell = (was_on && !on).then_some(now);
    }

    /// A link is up: what was seen before says nothing of it.
    pub(super) fn begin(&mut self) {
        *self = Self { wire: self.wire, lag: self.lag, ..Self::default() };
    }

    pub(super) fn data(&mut self, now: Mono, data: &[u8]) {
        self.tail.extend_from_slice(data);
        let cut = self.tail.len().saturating_sub(TAIL_LEN);
        self.tail.drain(..cut);
        self.words = codec::online_end(&self.tail).then_some(now);
    }

    /// When its loss is to be believed, unless something speaks against it before.
    pub(super) fn end(&self, leaving: bool) -> Option<Mono> {
        let quiet = match self.wire {
            // A wire that tells late says nothing yet of a carrier that has just gone: once it is what we wait for, the
            // words do; before, the wire gets the time that it may need.
            Some(true) if leaving && !self.lag.is_zero() => WORDS_QUIET_LEAVING,
            Some(true) => WORDS_QUIET_WITH_DCD + self.lag,
            Some(false) => WORDS_QUIET_LEAVING,
            None if leaving => WORDS_QUIET_LEAVING,
            None => WORDS_QUIET,
        };
        let by_words = self.words.map(|since| since + quiet);
        let by_wire = self.fell.map(|since| since + DCD_GRACE);
        by_words.into_iter().chain(by_wire).min()
    }

    /// It is gone, since the first sign of it.
    pub(super) fn lose(&mut self, now: Mono) {
        self.gone = self.words.into_iter().chain(self.fell).min().or(Some(now));
        self.gone_by_wire = self.words.is_none() && self.fell.is_some();
        (self.words, self.fell) = (None, None);
    }
}

impl Machine {
    /// CONNECT has come.
    pub(super) fn go_online(&mut self, now: Mono) {
        let Some(dialog) = self.spec.dialog.clone() else {
            if let Some(limits) = self.aside.handover().filter(|_| self.cancel.is_none()) {
                self.keep_ear();
                self.carrier.begin();
                self.hand_over_bare(now, limits);
                return;
            }
            self.leave(now, None, String::new(), false);
            return;
        };
        self.keep_ear();
        self.carrier.begin();
        let limits = &self.spec.limits;
        let session = Session::new(
            dialog,
            Expect { hostname: self.spec.line.hostname.clone() },
            SessionLimits {
                prompt: limits.prompt,
                login: limits.login,
                logout: limits.logout,
                wait_grant: limits.grant_wait,
                round: limits.round(),
                ..SessionLimits::default()
            },
            now,
        )
        .with_consoles(self.spec.consoles.clone(), self.spec.attempt.is_multiple_of(2))
        .with_handover(self.aside.handover());
        self.state = State::Online { session: Box::new(session) };
        self.session_outputs(now);
    }

    pub(super) fn online_deadline(&self, session: &Session) -> Mono {
        let others = [self.call_end(session), self.carrier.end(session.is_leaving()), self.aside.deadline()];
        others.into_iter().flatten().fold(session.deadline(), Mono::min)
    }

    /// The call's limit. The way out is not cut off by it: it has limits of its own, and whatever was to be found is found.
    fn call_end(&self, session: &Session) -> Option<Mono> {
        let dialed = self.timeline.get(Moment::Dialed).filter(|_| !session.is_winding_up())?;
        Some(dialed.at + self.spec.call_limit())
    }

    pub(super) fn online_data(&mut self, now: Mono, data: &[u8]) {
        self.carrier.data(now, data);
        self.aside_data(now, data);
        self.session_input(now, session::Input::Bytes(data));
    }

    pub(super) fn online_time(&mut self, now: Mono) {
        self.aside_time(now);
        self.session_input(now, session::Input::Time);
        let State::Online { session } = &self.state else { return };
        if self.carrier.end(session.is_leaving()).is_some_and(|at| now >= at) {
            self.carrier.lose(now);
            self.session_input(now, session::Input::CarrierLost);
        } else if self.call_end(session).is_some_and(|at| now >= at) {
            self.session_input(now, session::Input::Limit);
            let limit_s = self.spec.call_limit().as_secs();
            if let Some((Some(_), detail)) = &mut self.finding {
                *detail = format!("{detail}; the call's limit of {limit_s} s came first");
            }
        }
    }

    pub(super) fn session_input(&mut self, now: Mono, input: session::Input<'_>) {
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
                    session.handle(now, session::Input::NoCredential("the plan gives no credential for it"));
                }
                session::Output::AskCredential => self.outputs.push_back(Output::AskCredential),
                session::Output::PasswordSent => self.outputs.push_back(Output::PasswordSent),
                session::Output::CredentialOutcome(outcome) => {
                    self.outputs.push_back(Output::Credential(outcome));
                }
                session::Output::Moment(moment, at) => self.session_moment(moment, at),
                session::Output::HandedOver { stand, host, prompt, limits } => {
                    self.handed_over(now, stand, host, &prompt, limits);
                }
                session::Output::Soon(why, left) => self.soon(why, left),
                session::Output::TakenBack(why, lasted) => self.taken_back(why, lasted),
                session::Output::Done(finding) => {
                    let Finding { fault, detail, .. } = self.keep_finding(*finding);
                    self.leave(now, fault, detail, false);
                }
            }
        }
    }

    /// A logout that took the carrier was over when the carrier went, not when that was believed.
    fn session_moment(&mut self, moment: Moment, at: Mono) {
        match self.carrier.gone.filter(|_| moment == Moment::LoggedOut) {
            Some(gone) if self.carrier.gone_by_wire => self.observe_edge(gone.min(at), moment, None),
            Some(gone) => self.observe(gone.min(at), moment),
            None => self.observe(at, moment),
        }
    }

    fn keep_finding(&mut self, mut finding: Finding) -> Finding {
        self.hostname = finding.hostname.take();
        self.consoles = std::mem::take(&mut finding.consoles);
        let transcript = std::mem::take(&mut finding.transcript);
        self.transcript = Some(transcript).filter(|text| !text.is_empty());
        finding
    }

    /// Ends a session from our side, at once. What it has found is kept, and it tells what became of its password; what
    /// only tells that we cut it off is the caller's to say.
    pub(super) fn cut_session(&mut self, now: Mono, why: Back) {
        let State::Online { session } = &mut self.state else { return };
        session.handle(now, session::Input::CutOff);
        while let State::Online { session } = &mut self.state
            && let Some(output) = session.poll()
        {
            match output {
                session::Output::CredentialOutcome(outcome) => {
                    self.outputs.push_back(Output::Credential(outcome));
                }
                session::Output::Moment(moment, at) => self.observe(at, moment),
                session::Output::Done(finding) => {
                    let Finding { fault, detail, .. } = self.keep_finding(*finding);
                    if fault.is_some() {
                        self.finding = Some((fault, detail));
                    }
                }
                session::Output::TakenBack(_, lasted) => self.taken_back(why, lasted),
                // Nothing is said any more.
                session::Output::Send(_)
                | session::Output::AskCredential
                | session::Output::PasswordSent
                | session::Output::HandedOver { .. }
                | session::Output::Soon(..) => {}
            }
        }
    }
}
