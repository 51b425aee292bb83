//! Hanging up, and proving it: a pure machine that takes the quickest way that can prove it and escalates from there.
//!
//! AT is typed only where the modem must be in command state: after carrier loss, after a drop of DTR, a reopened port
//! or an escape. Anything else would type it into the far console. It knows no call: what it is told of it stands in
//! [`Situation`]; what an unproven end means for a modem is `call`'s and `fleet`'s.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Mono;

use super::codec::{Codec, Token};
use super::machine::{Action, Input, Knock, Knocked, PortFacts, Progress, RESYNC_QUIET, Signal, command};
use super::profile::{HangupWay, Profile, Quirks};
use super::result_code::ResultCode;

/// How long an aborted dial may take to say so (modems.md 1.4: NO CARRIER, or OK).
pub const ABORT_ANSWER_MAX: Duration = Duration::from_secs(2);

/// How long DCD may stay high after DTR was dropped and raised again, or after OK was seen.
pub const DCD_FALL_MAX: Duration = Duration::from_secs(2);

/// How long closing and opening the port may take.
pub const REOPEN_MAX: Duration = Duration::from_secs(3);

/// How long OK may take beyond the guard time that follows `+++`.
pub const ESCAPE_ANSWER_MAX: Duration = Duration::from_millis(500);

/// How long ATH may take; S38 can hold it back while data waits to be acknowledged (modems.md 1.5).
pub const ATH_ANSWER_MAX: Duration = Duration::from_secs(2);

/// How often ATH is typed. Without its OK an escape proves nothing: in command state AT is answered with the carrier up.
pub const ATH_TRIES: u32 = 2;

/// How long AT may take to be answered.
pub const AT_ANSWER_MAX: Duration = Duration::from_secs(1);

/// How often AT is typed before a way counts as failed.
pub const AT_TRIES: u32 = 2;

/// What is known of the call when it is to be hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Situation {
    /// A CONNECT was seen, or can't be ruled out, and no carrier loss since.
    pub carrier_may_be_up: bool,
    /// Logout took the carrier: NO CARRIER was seen, or DCD fell.
    pub logged_out_took_carrier: bool,
    /// A dial command has no final result yet.
    pub in_dialing: bool,
    /// It may be off-hook in command state, behind the `;` dial form: there OK to AT proves nothing before ATH.
    pub held: bool,
    /// DCD as last read; `None` where the port has no modem lines, or it is not known.
    pub dcd: Option<bool>,
}

/// What proved that the modem is on-hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The carrier was gone already; OK to AT was all it took.
    AlreadyDown,
    /// A character aborted the dial.
    Abort,
    /// DTR was dropped.
    Dtr,
    /// The port was closed and opened again.
    Reopen,
    /// `+++` and ATH.
    Escape,
}

impl How {
    /// The word for logs and details.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AlreadyDown => "carrier was down",
            Self::Abort => "abort",
            Self::Dtr => "dtr",
            Self::Reopen => "reopen",
            Self::Escape => "escape",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HangupOutcome {
    /// On-hook is proven: OK to AT in command state, and DCD low where the port has it.
    pub proven: bool,
    /// What proved it; absent where nothing did.
    pub how: Option<How>,
    /// What was tried in vain, for people; empty where the first way did it.
    pub detail: String,
}

/// The machine.
#[derive(Debug)]
pub struct HangUp {
    situation: Situation,
    quirks: Quirks,
    limit: Duration,
    deadline: Mono,
    ways: VecDeque<HangupWay>,
    how: How,
    dcd: Option<bool>,
    /// DCD was seen low once, so a high one is the carrier and no strapped wire.
    dcd_tells: bool,
    /// Neither a reopened port nor a drop of DTR proves anything by itself.
    may_stay_online: bool,
    /// How late DCD may tell.
    signal_lag: Duration,
    /// ATHs that are out and have no answer.
    ath_unanswered: u32,
    state: State,
    failed: Vec<String>,
    /// Reads what a codec that was left online passes as data.
    reader: Codec,
}

#[derive(Debug)]
enum State {
    /// Not started, or done.
    Idle,
    /// A CR went out to abort the dial.
    Aborting { until: Mono },
    /// DTR is low.
    DtrLow { until: Mono },
    /// DTR is high again; DCD is to fall.
    DcdFall { until: Mono },
    /// The modem's own rest after DTR rose or the port was opened.
    Rest { until: Mono },
    /// The port is being closed and opened.
    Reopening { until: Mono },
    /// The silence before `+++`.
    Guard { until: Mono },
    /// `+++` is out; silence, and OK.
    Escaped { until: Mono },
    /// ATH is out. The OK of a `+++` that was not answered in time may come before its own.
    Ath { tries: u32, escape_owed: bool, until: Mono },
    /// An OK came that may be the late one of `+++`; a second would be that of ATH.
    AthDoubtful { tries: u32, until: Mono },
    /// AT is out.
    Proving(Knock),
    /// OK has come; DCD is late.
    DcdLate { until: Mono },
}

impl HangUp {
    /// A hang-up of at most `limit` in all, in the ways of the profile: as it orders them where the port has modem
    /// lines; where it has none, reopening comes before the guard times of an escape. On a server's port reopening comes
    /// last, since it proves nothing there.
    pub fn new(profile: &Profile, facts: PortFacts, situation: Situation, limit: Duration) -> Self {
        Self::with_ways(&profile.hangup, &profile.quirks, facts, situation, limit)
    }

    /// [`Self::new`] in these ways.
    pub(super) fn with_ways(
        ways: &[HangupWay],
        quirks: &Quirks,
        facts: PortFacts,
        situation: Situation,
        limit: Duration,
    ) -> Self {
        let mut ways = ways.to_vec();
        if !facts.has_signals {
            ways.retain(|way| *way != HangupWay::Dtr);
            ways.sort_by_key(|way| *way == HangupWay::Escape);
        }
        if facts.may_stay_online {
            ways.sort_by_key(|way| *way == HangupWay::Reopen);
        }
        let dcd = if facts.has_signals { situation.dcd } else { None };
        Self {
            situation,
            quirks: quirks.clone(),
            limit,
            deadline: Mono::ZERO,
            ways: ways.into(),
            how: How::AlreadyDown,
            dcd,
            dcd_tells: facts.has_signals && (!facts.dcd_at_open || dcd == Some(false)),
            may_stay_online: facts.may_stay_online,
            signal_lag: facts.signal_lag,
            ath_unanswered: 0,
            state: State::Idle,
            failed: Vec::new(),
            reader: Codec::new(quirks.numeric),
        }
    }

    /// Begins.
    pub fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<HangupOutcome> {
        self.deadline = now + self.limit;
        if self.situation.in_dialing {
            // Any character aborts a dial; a CR is also harmless to a modem that has just given up by itself.
            self.how = How::Abort;
            actions.push(Action::Write(b"\r".to_vec()));
            self.state = State::Aborting { until: now + ABORT_ANSWER_MAX };
            return self.progress();
        }
        let down = self.situation.logged_out_took_carrier || !self.situation.carrier_may_be_up;
        if down && self.dcd != Some(true) {
            self.down(now, actions);
            return self.progress();
        }
        self.next_way(now, actions).unwrap_or_else(|| self.progress())
    }

    /// Takes what happened.
    pub fn handle(
        &mut self,
        now: Mono,
        input: Input<'_>,
        actions: &mut Vec<Action>,
    ) -> Progress<HangupOutcome> {
        let done = match input {
            Input::Token(Token::Result(code)) => self.result(now, code, actions),
            Input::Token(Token::Data(bytes)) => self.data(now, bytes, actions),
            Input::Signal(Signal::Dcd, up) => self.dcd(now, up, actions),
            Input::Token(Token::Info(_)) | Input::Signal(Signal::Dsr | Signal::Ri, _) | Input::Time => None,
            Input::Reopened => {
                match self.state {
                    // The modem may be online as before, and then answers no AT, or in command state with its carrier
                    // up, and then AT proves nothing.
                    State::Reopening { .. } if self.may_stay_online => self.begin_ath(now, 1, false, actions),
                    State::Reopening { .. } => self.rest(now, actions),
                    _ => {}
                }
                None
            }
        };
        done.or_else(|| self.time(now, actions)).unwrap_or_else(|| self.progress())
    }

    fn data(
        &mut self,
        now: Mono,
        bytes: &[u8],
        actions: &mut Vec<Action>,
    ) -> Option<Progress<HangupOutcome>> {
        self.reader.set_online(false);
        self.reader.feed(bytes);
        while let Some(token) = self.reader.next() {
            if let Token::Result(code) = token
                && let Some(done) = self.result(now, &code, actions)
            {
                return Some(done);
            }
        }
        None
    }

    fn result(
        &mut self,
        now: Mono,
        code: &ResultCode,
        actions: &mut Vec<Action>,
    ) -> Option<Progress<HangupOutcome>> {
        match &mut self.state {
            State::Aborting { .. } => {
                if let ResultCode::Connect(_) = code {
                    // It connected as we gave up: now there is a carrier, and AT would go to the far end.
                    return self.fail(now, "it connected meanwhile", actions);
                }
                if code.is_final() {
                    self.down(now, actions);
                }
                None
            }
            State::Guard { .. } | State::Escaped { .. } if *code == ResultCode::NoCarrier => {
                // The far end was quicker, or `+++` itself hangs up (Courier with DIP 9 off).
                self.prove(now, 0, actions);
                None
            }
            State::Escaped { .. } if *code == ResultCode::Ok => {
                self.begin_ath(now, 1, false, actions);
                None
            }
            State::Ath { tries, escape_owed: true, .. } if *code == ResultCode::Ok => {
                self.state = State::AthDoubtful { tries: *tries, until: now + RESYNC_QUIET };
                None
            }
            State::AthDoubtful { .. } => {
                if matches!(code, ResultCode::Ok | ResultCode::NoCarrier) {
                    self.prove(now, 0, actions);
                }
                None
            }
            State::Ath { .. } => match code {
                ResultCode::Ok | ResultCode::NoCarrier => {
                    let owed = self.ath_unanswered.saturating_sub(1);
                    self.prove(now, owed, actions);
                    None
                }
                // It met the rest of something else in the command buffer, perhaps our own `+++`.
                ResultCode::Error => {
                    self.ath_unanswered = self.ath_unanswered.saturating_sub(1);
                    self.ath_again(now, "ERROR to ATH", actions)
                }
                _ => None,
            },
            State::Proving(knock) => {
                let knocked = knock.result(now, code, actions);
                self.knocked(now, knocked, actions)
            }
            _ => None,
        }
    }

    fn dcd(&mut self, now: Mono, up: bool, actions: &mut Vec<Action>) -> Option<Progress<HangupOutcome>> {
        self.dcd = Some(up);
        if up {
            return None;
        }
        self.dcd_tells = true;
        match self.state {
            State::DtrLow { .. } => {
                actions.push(Action::Dtr(true));
                self.rest(now, actions);
                None
            }
            State::DcdFall { .. } => {
                self.rest(now, actions);
                None
            }
            State::Guard { .. } => {
                self.prove(now, 0, actions);
                None
            }
            // The OKs to what is out may still come.
            State::Escaped { .. } => {
                self.prove(now, 1, actions);
                None
            }
            State::Ath { escape_owed, .. } => {
                self.prove(now, self.ath_unanswered + u32::from(escape_owed), actions);
                None
            }
            State::AthDoubtful { .. } => {
                self.prove(now, self.ath_unanswered, actions);
                None
            }
            State::DcdLate { .. } => Some(self.proven()),
            State::Idle
            | State::Aborting { .. }
            | State::Rest { .. }
            | State::Reopening { .. }
            | State::Proving(_) => None,
        }
    }

    /// Does what has fallen due.
    fn time(&mut self, now: Mono, actions: &mut Vec<Action>) -> Option<Progress<HangupOutcome>> {
        if matches!(self.state, State::Idle) {
            return None;
        }
        if now >= self.deadline {
            if let State::DtrLow { .. } = self.state {
                actions.push(Action::Dtr(true));
            }
            let late = format!("{}: not done within {} ms", self.how.word(), self.limit.as_millis());
            self.failed.push(late);
            return Some(self.unproven());
        }
        if now < self.step_deadline() {
            return None;
        }
        match &mut self.state {
            State::Idle => None,
            // Some modems take the character without a word, and go on dialing: spandsp's AT interpreter (iaxmodem) even
            // answers AT with OK meanwhile. Where there is no DTR to drop, ATH ends the dial for certain.
            State::Aborting { .. } if self.ways.front() != Some(&HangupWay::Dtr) => {
                self.begin_ath(now, ATH_TRIES, false, actions);
                None
            }
            State::Aborting { .. } => self.fail(now, "the dial did not end", actions),
            State::DtrLow { .. } => {
                actions.push(Action::Dtr(true));
                if self.dcd == Some(true) {
                    self.state = State::DcdFall { until: now + DCD_FALL_MAX + self.signal_lag };
                    None
                } else if self.may_stay_online {
                    self.fail(now, "nothing shows that the server dropped it", actions)
                } else {
                    self.rest(now, actions);
                    None
                }
            }
            State::DcdFall { .. } => self.fail(now, "DCD stayed high", actions),
            State::Rest { .. } => {
                self.down(now, actions);
                None
            }
            State::Ath { .. } | State::AthDoubtful { .. } => self.ath_again(now, "no answer to ATH", actions),
            State::Reopening { .. } => self.fail(now, "the port did not open again", actions),
            State::Guard { .. } => {
                actions.push(Action::Write(b"+++".to_vec()));
                self.state = State::Escaped { until: now + self.quirks.escape_guard + ESCAPE_ANSWER_MAX };
                None
            }
            State::Escaped { .. } => {
                self.begin_ath(now, 1, true, actions);
                None
            }
            State::Proving(knock) => {
                let knocked = knock.time(now, actions);
                self.knocked(now, knocked, actions)
            }
            State::DcdLate { .. } => self.fail(now, "AT was answered, but DCD stayed high", actions),
        }
    }

    fn knocked(
        &mut self,
        now: Mono,
        knocked: Knocked,
        actions: &mut Vec<Action>,
    ) -> Option<Progress<HangupOutcome>> {
        match knocked {
            Knocked::Waiting => None,
            Knocked::Answered if self.dcd == Some(true) && self.dcd_tells => {
                self.state = State::DcdLate { until: now + DCD_FALL_MAX + self.signal_lag };
                None
            }
            Knocked::Answered => Some(self.proven()),
            Knocked::Silent => self.fail(now, "no answer to AT", actions),
            Knocked::Refused => self.fail(now, "ERROR to AT", actions),
        }
    }

    /// There should be no carrier: all that is left is to prove it, or first to put down what the `;` dial form holds.
    fn down(&mut self, now: Mono, actions: &mut Vec<Action>) {
        if self.situation.held {
            self.begin_ath(now, 1, false, actions);
        } else {
            self.prove(now, 0, actions);
        }
    }

    /// Types AT: the modem should be in command state. `owed` answers to earlier commands may come first.
    fn prove(&mut self, now: Mono, owed: u32, actions: &mut Vec<Action>) {
        self.state = State::Proving(Knock::start(now, AT_TRIES, AT_ANSWER_MAX, owed, actions));
    }

    /// Lets the modem come to itself, then proves.
    fn rest(&mut self, now: Mono, actions: &mut Vec<Action>) {
        if self.quirks.open_delay.is_zero() {
            self.down(now, actions);
        } else {
            self.state = State::Rest { until: now + self.quirks.open_delay };
        }
    }

    /// Types ATH, from the try `tries` on: where that is the last, the answer to what went before may still come.
    fn begin_ath(&mut self, now: Mono, tries: u32, escape_owed: bool, actions: &mut Vec<Action>) {
        self.ath_unanswered = tries - 1;
        self.ath(now, tries, escape_owed, actions);
    }

    fn ath(&mut self, now: Mono, tries: u32, escape_owed: bool, actions: &mut Vec<Action>) {
        actions.push(command("ATH"));
        self.ath_unanswered += 1;
        self.state = State::Ath { tries, escape_owed, until: now + ATH_ANSWER_MAX };
    }

    fn ath_again(
        &mut self,
        now: Mono,
        why: &str,
        actions: &mut Vec<Action>,
    ) -> Option<Progress<HangupOutcome>> {
        match self.state {
            State::Ath { tries, .. } | State::AthDoubtful { tries, .. } if tries < ATH_TRIES => {
                self.ath(now, tries + 1, false, actions);
                None
            }
            _ => self.fail(now, why, actions),
        }
    }

    /// The way at hand failed: goes on to the next.
    fn fail(&mut self, now: Mono, why: &str, actions: &mut Vec<Action>) -> Option<Progress<HangupOutcome>> {
        self.failed.push(format!("{}: {why}", self.how.word()));
        self.next_way(now, actions)
    }

    /// Begins the next way; done, unproven, where there is none left.
    fn next_way(&mut self, now: Mono, actions: &mut Vec<Action>) -> Option<Progress<HangupOutcome>> {
        match self.ways.pop_front() {
            Some(HangupWay::Dtr) => {
                self.how = How::Dtr;
                actions.push(Action::Dtr(false));
                self.state = State::DtrLow { until: now + self.quirks.dtr_low };
            }
            Some(HangupWay::Reopen) => {
                self.how = How::Reopen;
                actions.push(Action::Reopen);
                self.state = State::Reopening { until: now + REOPEN_MAX };
            }
            Some(HangupWay::Escape) => {
                self.how = How::Escape;
                self.state = State::Guard { until: now + self.quirks.escape_guard };
            }
            None => return Some(self.unproven()),
        }
        None
    }

    fn proven(&mut self) -> Progress<HangupOutcome> {
        self.state = State::Idle;
        Progress::Done(HangupOutcome { proven: true, how: Some(self.how), detail: self.failed.join("; ") })
    }

    fn unproven(&mut self) -> Progress<HangupOutcome> {
        self.state = State::Idle;
        Progress::Done(HangupOutcome { proven: false, how: None, detail: self.failed.join("; ") })
    }

    const fn step_deadline(&self) -> Mono {
        match &self.state {
            State::Idle => self.deadline,
            State::Aborting { until }
            | State::DtrLow { until }
            | State::DcdFall { until }
            | State::Rest { until }
            | State::Reopening { until }
            | State::Guard { until }
            | State::Escaped { until }
            | State::Ath { until, .. }
            | State::AthDoubtful { until, .. }
            | State::DcdLate { until } => *until,
            State::Proving(knock) => knock.deadline(),
        }
    }

    /// When it wants to be called again.
    pub(super) fn deadline(&self) -> Mono {
        self.step_deadline().min(self.deadline)
    }

    fn progress(&self) -> Progress<HangupOutcome> {
        Progress::Until(self.deadline())
    }
}

#[cfg(test)]
mod tests;
