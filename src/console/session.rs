//! One call's conversation with its console: a pure machine. Bytes and time go in; what to send, instants and at last
//! a [`Finding`] come out. It asks before a password goes out, sends one at most, and ends within its limits.
//!
//! Prompts are read once the output rests, so that how a stream was cut into pieces changes nothing. Instants carry
//! the time at which the decisive bytes came, not the one at which they were understood.

mod behind;
mod endings;
mod handed;
mod steps;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::event::ConsoleRecord;
use crate::model::{Fault, Hostname, Moment, Mono};

use self::handed::Handed;
use super::handover::{Back, HandoverLimits, Stand};
use super::legible::Legibility;
use super::round::{Behind, Round, RoundLimits, skipped};
use super::speech::{self, Say};
use super::transcript::{Screen, clean_line, redact};
use super::{Credential, Dialog};

/// Rest after our own CR before a prompt is answered: it may have crossed a prompt that was late, and then the far end
/// prints a second one.
const SETTLE_WOKEN: Duration = Duration::from_secs(1);
/// Rest before a command prompt without a login, or a boot loader's, is believed: a banner may end like one.
const SETTLE_OPEN: Duration = Duration::from_millis(500);
/// Rest before a command prompt is believed that names no host (`$ `, `# `).
const SETTLE_NAMELESS: Duration = Duration::from_millis(150);
/// Rest before a text is believed that has no prompt after it.
const SETTLE_TEXT: Duration = Duration::from_secs(1);
/// Rest before a username prompt that came again is answered again.
const SETTLE_REPEATED: Duration = Duration::from_secs(2);
/// Rest before a log line is held to have swallowed the prompt.
const SETTLE_NOISE: Duration = Duration::from_secs(1);
/// Silence after a logout before a CR asks for the prompt that would prove it.
const LOGOUT_SILENCE: Duration = Duration::from_secs(3);
/// Longest wait for the outcome of a password that is on its way when the call is cancelled.
const CANCEL_GRACE: Duration = Duration::from_secs(5);
/// A far end that hangs up this long after we began to wait for the credential has waited for us.
const GRANT_PATIENCE: Duration = Duration::from_secs(10);
/// CRs to get a new prompt, beyond those that wake the console.
const REFRESHES_MAX: u32 = 4;
/// Answers to questions, pagers and `Press RETURN`.
const ANSWERS_MAX: u32 = 8;
/// Times that the username is typed.
const USERNAMES_MAX: u32 = 2;
/// Logout commands beyond those that the dialog lists.
const LOGOUT_REPEATS: usize = 3;

/// What must be found behind the line.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// The host that must answer; without one, any will do.
    pub hostname: Option<Hostname>,
}

/// Limits of one conversation. A dialog may have longer ones for the first three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Connected until the login prompt.
    pub prompt: Duration,
    /// First answer until the command prompt.
    pub login: Duration,
    /// First logout command until its proof.
    pub logout: Duration,
    /// Wait at the login prompt for the credential.
    pub wait_grant: Duration,
    /// Those of each console behind a console server.
    pub round: RoundLimits,
    /// Bytes until the login, again until the logout's proof, and of each console in between.
    pub bytes_max: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            prompt: Duration::from_secs(20),
            login: Duration::from_secs(45),
            logout: Duration::from_secs(10),
            wait_grant: Duration::from_secs(60),
            round: RoundLimits::default(),
            bytes_max: 64 * 1024,
        }
    }
}

/// What happened.
pub enum Input<'a> {
    /// Bytes came.
    Bytes(&'a [u8]),
    /// The carrier is gone. Bytes that came with it are given first.
    CarrierLost,
    /// The call is cut off on our side, at once: what was found so far is the finding.
    CutOff,
    /// The credential may be used.
    Granted(Credential),
    /// It may not; why, in words.
    Denied(String),
    /// There is no credential at all; in words. A technician may log in, if one wants to.
    NoCredential(&'a str),
    /// Keys of a technician to whom it was handed over.
    Keys(&'a [u8]),
    /// It is taken back from the technician; why.
    TakeBack(Back),
    /// The call is to end: log out if that is needed, and promptly.
    Cancel,
    /// There is no more time, whatever its own limits say.
    Limit,
    /// Time has passed; the deadline may have come.
    Time,
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // They may hold an echoed password.
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::CarrierLost => f.write_str("CarrierLost"),
            Self::CutOff => f.write_str("CutOff"),
            Self::Granted(credential) => write!(f, "Granted({credential:?})"),
            Self::Denied(why) => write!(f, "Denied({why:?})"),
            Self::NoCredential(why) => write!(f, "NoCredential({why:?})"),
            // They may be a password, too.
            Self::Keys(keys) => write!(f, "Keys({} bytes)", keys.len()),
            Self::TakeBack(why) => write!(f, "TakeBack({why:?})"),
            Self::Cancel => f.write_str("Cancel"),
            Self::Limit => f.write_str("Limit"),
            Self::Time => f.write_str("Time"),
        }
    }
}

/// What became of the password. Once [`Output::PasswordSent`] was told, one of these follows before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The command prompt came.
    Accepted,
    /// Refused, expired, or not heard of again: a far end that is lost with it counts as one that refused it.
    Refused,
    /// The console said that it lets nobody in, so nobody can have counted it (`login-unavailable`, `console-busy`).
    NotJudged,
}

/// What to do or to note, in this order.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// Write these bytes. They may hold the password; `Debug` shows their number alone.
    Send(Vec<u8>),
    /// The login prompt is there, and no other host was named: may the credential be used?
    AskCredential,
    /// The password goes out next.
    PasswordSent,
    /// An instant, and when it was.
    Moment(Moment, Mono),
    /// What became of the password.
    CredentialOutcome(Outcome),
    /// It is in a technician's hands from here on.
    HandedOver {
        /// How far the checks came.
        stand: Stand,
        /// The host that it said it is.
        host: Option<String>,
        /// What stands there, cleaned.
        prompt: String,
        /// How long it may be so.
        limits: HandoverLimits,
    },
    /// It will be taken back soon; why, and in how long.
    Soon(Back, Duration),
    /// It was taken back; why, and how long it was handed over.
    TakenBack(Back, Duration),
    /// It is over: nothing comes after this.
    Done(Box<Finding>),
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::AskCredential => f.write_str("AskCredential"),
            Self::PasswordSent => f.write_str("PasswordSent"),
            Self::Moment(moment, at) => write!(f, "Moment({moment:?}, {at:?})"),
            Self::CredentialOutcome(outcome) => write!(f, "CredentialOutcome({outcome:?})"),
            Self::HandedOver { stand, .. } => write!(f, "HandedOver({stand:?})"),
            Self::Soon(why, left) => write!(f, "Soon({why:?}, {left:?})"),
            Self::TakenBack(why, lasted) => write!(f, "TakenBack({why:?}, {lasted:?})"),
            Self::Done(finding) => write!(f, "Done({finding:?})"),
        }
    }
}

/// What a conversation found. All texts are cleaned and hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finding {
    /// What is wrong; absent is a pass.
    pub fault: Option<Fault>,
    /// In words, with what was seen. One line.
    pub detail: String,
    /// The host that the console said it is.
    pub hostname: Option<String>,
    /// The consoles behind it, in the order of the plan.
    pub consoles: Vec<ConsoleRecord>,
    /// A logout was sent, and its proof was seen.
    pub logout_proven: bool,
    /// The carrier is gone.
    pub carrier_gone: bool,
    /// What the console said.
    pub transcript: String,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Waits for something to answer.
    Prompt,
    /// Waits for the credential.
    Grant,
    /// Has answered, waits for the command prompt.
    Login,
    /// Sees the consoles behind it.
    Round,
    /// In a technician's hands.
    Handed,
    /// Out of them; waits for a prompt from which it can be logged out.
    TakingBack,
    /// Has sent a logout, waits for its proof.
    Logout,
    /// Over.
    Done,
}

/// The machine. Feed it with [`Session::handle`], drain [`Session::poll`], and call again at [`Session::deadline`].
pub struct Session {
    dialog: Arc<Dialog>,
    expect: Expect,
    limits: SessionLimits,
    now: Mono,
    step: Step,
    /// When the step began; the login's is that of the first answer.
    since: Mono,
    /// The step ends here at the latest.
    limit_at: Mono,
    /// Text before this was dealt with.
    mark: usize,
    screen: Screen,
    legible: Legibility,
    /// Bytes towards `bytes_max`.
    bytes: usize,
    last_rx: Mono,
    /// When something came that was not a log line alone: a chatty console is woken like a silent one.
    last_text: Mono,
    /// The last line that was seen.
    last_line: String,
    /// When we last sent something, or the step began.
    last_tx: Mono,
    /// When the output is looked at, if something new came.
    look_at: Option<Mono>,
    wakes: u32,
    refreshes: u32,
    answers: u32,
    usernames: u32,
    logouts: usize,
    /// Keys sent to leave a menu.
    leaves: usize,
    password_sent: bool,
    /// A password was sent and its outcome was not told.
    outcome_due: bool,
    prompted: bool,
    cancelled: bool,
    cut_off: bool,
    credential: Option<Credential>,
    /// The host that was named last, and whether a name fitted.
    host: Option<String>,
    host_fits: bool,
    /// The consoles behind it, and the round over them from the login on.
    behind: Vec<Behind>,
    backwards: bool,
    round: Option<Box<Round>>,
    /// A technician wants it after the checks; absent once it was handed over.
    hand_over: Option<HandoverLimits>,
    handed: Option<Box<Handed>>,
    /// What the finding will say, once logged out.
    verdict: Option<(Fault, String)>,
    logout_proven: bool,
    carrier_gone: bool,
    out: VecDeque<Output>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("dialog", &self.dialog.name())
            .field("step", &self.step)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Begins at the instant of CONNECT. Nothing is sent until the console was silent for the dialog's time.
    pub fn new(dialog: Arc<Dialog>, expect: Expect, limits: SessionLimits, now: Mono) -> Self {
        let longer = dialog.timeouts;
        let limits = SessionLimits {
            prompt: limits.prompt.max(longer.prompt),
            login: limits.login.max(longer.login),
            logout: limits.logout.max(longer.logout),
            ..limits
        };
        Self {
            limit_at: now + limits.prompt,
            dialog,
            expect,
            limits,
            now,
            step: Step::Prompt,
            since: now,
            mark: 0,
            screen: Screen::new(),
            legible: Legibility::default(),
            bytes: 0,
            last_rx: now,
            last_text: now,
            last_line: String::new(),
            last_tx: now,
            look_at: None,
            wakes: 0,
            refreshes: 0,
            answers: 0,
            usernames: 0,
            logouts: 0,
            leaves: 0,
            password_sent: false,
            outcome_due: false,
            prompted: false,
            cancelled: false,
            cut_off: false,
            credential: None,
            host: None,
            host_fits: false,
            behind: Vec::new(),
            backwards: false,
            round: None,
            hand_over: None,
            handed: None,
            verdict: None,
            logout_proven: false,
            carrier_gone: false,
            out: VecDeque::new(),
        }
    }

    /// It is a console server, and these are the consoles behind it that are to be seen, too; with `backwards` the last one
    /// first. The dialog must know of ports.
    #[must_use]
    pub fn with_consoles(self, behind: Vec<Behind>, backwards: bool) -> Self {
        Self { behind, backwards, ..self }
    }

    /// Takes what happened at `now`. A time before that of the last call is taken for that one.
    pub fn handle(&mut self, now: Mono, input: Input<'_>) {
        self.now = self.now.max(now);
        self.pass_time();
        if self.step == Step::Done {
            return;
        }
        match input {
            Input::Bytes(bytes) => self.take(bytes),
            Input::CarrierLost => self.carrier_lost(),
            Input::CutOff => self.cut_off(),
            Input::Granted(credential) => self.granted(credential),
            Input::Denied(why) => self.denied(&why),
            Input::NoCredential(why) => self.no_credential(why),
            Input::Keys(keys) => self.keys(keys),
            Input::TakeBack(why) => self.take_back(why),
            Input::Cancel => self.cancel(),
            Input::Limit => {
                self.limit_at = self.now;
                self.limit_reached();
            }
            Input::Time => {}
        }
    }

    /// Whether the logout is on its way: from here on the far end may well hang up.
    pub fn is_leaving(&self) -> bool {
        self.step == Step::Logout
    }

    /// Whether nothing new is begun any more: what is left has limits of its own.
    pub fn is_winding_up(&self) -> bool {
        self.is_leaving()
            || matches!(self.step, Step::Handed | Step::TakingBack)
            || (self.step == Step::Round && self.round.as_ref().is_some_and(|round| round.is_stopped()))
    }

    /// The next thing to do or to note.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Input::Time`] is due if nothing else happens. Meaningless once it is done.
    pub fn deadline(&self) -> Mono {
        if let (Step::Round, Some(round)) = (self.step, &self.round) {
            return round.deadline();
        }
        if let Some(at) = self.handed_deadline() {
            return at;
        }
        [Some(self.limit_at), self.look_at, self.idle_at(), self.interrupt_at()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.limit_at)
    }

    /// Does what is due, the earliest first.
    fn pass_time(&mut self) {
        while self.step != Step::Done && self.deadline() <= self.now {
            let due = self.deadline();
            if self.step == Step::Round {
                let now = self.now;
                let act = self.round.as_mut().and_then(|round| round.time(now));
                self.round_act(act);
            } else if self.step == Step::Handed {
                self.handed_time();
            } else if self.look_at == Some(due) {
                self.look_at = None;
                self.look();
            } else if self.idle_at() == Some(due) {
                self.idle();
            } else if self.interrupt_at() == Some(due) && due < self.limit_at {
                self.interrupt_again();
            } else {
                self.limit_reached();
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match self.step {
                Step::Done => return,
                Step::Round => {
                    let now = self.now;
                    let act = self.round.as_mut().and_then(|round| round.take(now, byte));
                    self.round_act(act);
                }
                Step::Handed | Step::TakingBack => self.handed_byte(byte),
                Step::Prompt | Step::Grant | Step::Login | Step::Logout => self.take_one(byte),
            }
        }
    }

    fn take_one(&mut self, byte: u8) {
        self.screen.feed(byte);
        self.legible.feed(byte);
        self.bytes += 1;
        self.last_rx = self.now;
        if self.bytes >= self.limits.bytes_max {
            self.too_much();
        } else {
            self.look_at = Some(self.now + self.dialog.settle);
        }
    }

    /// Looks again once the output has rested for `rest`. True if it has.
    fn rested(&mut self, rest: Duration) -> bool {
        let at = self.last_rx + rest;
        if at <= self.now {
            return true;
        }
        self.look_at = Some(at);
        false
    }

    /// Sends something; what came before it is dealt with.
    fn say(&mut self, bytes: Vec<u8>) {
        self.out.push_back(Output::Send(bytes));
        self.last_tx = self.now;
        self.look_at = None;
        self.mark = self.screen.fix();
    }

    fn say_return(&mut self) {
        let bytes = speech::bytes(&self.dialog, Say::Return);
        self.say(bytes);
    }

    fn moment(&mut self, moment: Moment, at: Mono) {
        self.out.push_back(Output::Moment(moment, at));
    }

    /// One clean line without the secret.
    fn clean(&self, text: &str) -> String {
        let secret = self.credential.as_ref().map(Credential::password);
        // Both before and after: cleaning may close a gap in the secret, and may cut it off at its own length.
        clean_line(&redact(&redact(text, secret), secret))
    }

    fn outcome(&mut self, outcome: Outcome) {
        if std::mem::take(&mut self.outcome_due) {
            self.out.push_back(Output::CredentialOutcome(outcome));
        }
    }

    /// Ends the session, whatever it was doing.
    fn finish(&mut self, verdict: Option<(Fault, String)>) {
        let ours = |fault| matches!(fault, Fault::CarrierLost | Fault::CredentialUnproven);
        let verdict = verdict.filter(|(fault, _)| !(self.cut_off && ours(*fault)));
        let fault = verdict.as_ref().map(|(fault, _)| *fault);
        self.outcome(match fault {
            Some(Fault::LoginUnavailable | Fault::ConsoleBusy) => Outcome::NotJudged,
            _ => Outcome::Refused,
        });
        self.screen.flush();
        let secret = self.credential.as_ref().map(Credential::password);
        let found = self.round.as_ref().map(|round| round.found());
        let (consoles, said) = found.map_or_else(
            || {
                let why = fault.map_or("", Fault::code);
                (self.behind.iter().map(|behind| skipped(behind, why)).collect(), String::new())
            },
            |found| (found.consoles, found.transcript),
        );
        let clean = |record: ConsoleRecord| ConsoleRecord {
            detail: self.clean(&record.detail),
            hostname: record.hostname.map(|host| self.clean(&host)),
            ..record
        };
        let finding = Finding {
            fault,
            detail: verdict.map(|(_, detail)| self.clean(&detail)).unwrap_or_default(),
            hostname: self.host.as_deref().map(|host| self.clean(host)),
            consoles: consoles.into_iter().map(clean).collect(),
            logout_proven: self.logout_proven,
            carrier_gone: self.carrier_gone && !self.cut_off,
            transcript: self.screen.transcript(secret) + &said,
        };
        self.credential = None;
        self.step = Step::Done;
        self.look_at = None;
        self.out.push_back(Output::Done(Box::new(finding)));
    }

    fn fail(&mut self, fault: Fault, detail: impl Into<String>) {
        self.finish(Some((fault, detail.into())));
    }
}

#[cfg(test)]
mod tests;
