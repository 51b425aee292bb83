//! What a modem says between dialing and CONNECT, and what it means: instants, and whose fault a failure is.
//!
//! The word alone does not tell (modems.md 0.6, 0.9): elapsed time, the modem's own timer S7, ringback and the family
//! decide with it. Where none of them tells, the finding says so; what the modem's diagnostics add to it is merged when
//! the call is over. `held` is the `;` dial form, `words` what each word means by itself.

mod held;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use self::held::Form;
use super::limits::UNANSWERED;
use super::{CallSpec, dial_time};
use crate::model::{Fault, Link, Moment, Mono};
use crate::modem::connect::ConnectNumber;
use crate::modem::learned::Learned;
use crate::modem::machine::Signal;
use crate::modem::profile::{AnswerMark, CarrierMark, Profile};
use crate::modem::result_code::ResultCode;

/// Most unknown lines that are kept of one call.
pub const UNKNOWN_LINES_MAX: usize = 20;
/// Longest unknown line that is kept, in characters.
const UNKNOWN_LINE_LEN_MAX: usize = 80;
/// How much later than one cadence a RINGING may come and the ringing still counts as going on.
const CADENCE_SLACK: Duration = Duration::from_millis(1500);
/// A gap of less than this part of the country's cadence lies within a burst: British ringback has two tones 0.2 s
/// apart, every 3 s.
const WITHIN_A_BURST: u32 = 3;
/// How exact a modem's S7 is taken to be: it counts whole seconds.
const S7_SLACK: Duration = Duration::from_secs(1);
/// So long after S7 had to run out, only an answer tone can have set it back (modems.md 1.7).
const S7_SET_BACK: Duration = Duration::from_secs(8);

/// Lines that come closer together than this were printed in one go.
const IN_ONE_GO: Duration = Duration::from_millis(200);

/// What a token was worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that moves the call.
    Nothing,
    /// An instant was observed.
    Moment(Moment),
    /// The digits are out, and the modem waits for its bare `ATD` ([`PROCEED`]).
    DigitsSent,
    /// The modem did not take the `;` form, and dialed nothing: dial plainly.
    DialPlainly,
    /// The link is up.
    Connected,
    /// The dial failed: why, and in words.
    Failed(Fault, String),
}

/// The command that lets call progress begin behind the `;` form: a `D` with nothing to dial.
pub const PROCEED: &str = "ATD";

/// Where S7, the modem's own limit, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// Not known.
    Unknown,
    /// It can't have run out yet.
    Running(u64),
    /// It may just have run out.
    Out(u64),
    /// It should have run out so long ago that something has set it back.
    SetBack(u64),
}

/// The ear of a call while it dials.
#[derive(Debug)]
pub struct Dialing {
    hears_ringing: bool,
    ringing_repeats: Option<bool>,
    dsr_is_answer: bool,
    dcd_is_carrier: bool,
    no_answer_is_ringback: bool,
    cadence: Duration,
    /// No figure of real time is held against what comes.
    compressed: bool,
    /// The least time that dialing takes.
    least: Duration,
    s7_s: Option<u8>,
    connect_number: Option<ConnectNumber>,
    port_bps: Option<u32>,
    dialed: Mono,
    form: Form,
    /// It was dialed in the `;` form.
    held: bool,
    rings: u32,
    last_ringing: Option<Mono>,
    ring_gap: Option<Duration>,
    answered: Option<Mono>,
    carrier: Option<Mono>,
    /// The modulation was named, at an instant that no manual tells.
    named: Option<Mono>,
    /// Error control was settled.
    settled: Option<Mono>,
    refused_for: Option<Duration>,
    link: Link,
    unknown: Vec<String>,
    learned: Learned,
}

impl Dialing {
    /// The dial command of a call, without its CR: with `;` where this modem marks the end of dialing by it. Where it
    /// has not shown yet that it does, only a line's first call takes the risk.
    pub fn command(profile: &Profile, spec: &CallSpec) -> String {
        let held = if held::is_due(profile, spec) { ";" } else { "" };
        format!("{}{}{held}", profile.dial, spec.dial.command())
    }

    /// Begins at the CR of the dial command.
    pub fn new(profile: &Profile, spec: &CallSpec, dialed: Mono) -> Self {
        let pulse = profile.dial.to_ascii_uppercase().ends_with('P');
        let compressed = spec.limits.compressed;
        let least = dial_time::least(&spec.dial.command(), pulse, profile.register(8));
        Self {
            hears_ringing: profile.marks.ringing,
            ringing_repeats: profile.marks.ringing_repeats,
            dsr_is_answer: profile.marks.answered == Some(AnswerMark::Dsr),
            dcd_is_carrier: profile.marks.carrier.contains(&CarrierMark::Dcd),
            no_answer_is_ringback: profile.words.no_answer_means_ringback,
            cadence: spec.ring_cadence,
            compressed,
            least: if compressed { Duration::ZERO } else { least },
            s7_s: profile.register(7).filter(|s| *s > 0 && !compressed),
            connect_number: profile.words.connect_number,
            port_bps: spec.port_bps,
            dialed,
            form: Form::of(profile, spec),
            held: held::is_due(profile, spec),
            rings: 0,
            last_ringing: None,
            ring_gap: None,
            answered: None,
            carrier: None,
            named: None,
            settled: None,
            refused_for: None,
            link: Link::default(),
            unknown: Vec::new(),
            learned: Learned::default(),
        }
    }

    /// Begins anew, in the plain form: [`Heard::DialPlainly`] was obeyed.
    pub fn dialed_plainly(&mut self, dialed: Mono) {
        (self.dialed, self.held) = (dialed, false);
    }

    /// RINGINGs so far; absent where the modem never tells.
    pub fn rings(&self) -> Option<u32> {
        (self.hears_ringing || self.rings > 0).then_some(self.rings)
    }

    /// The end of training, where CONNECT shows it in hindsight (now): the modulation was named clearly before anything
    /// that follows training. Where all comes in one go, nobody knows.
    pub fn carrier_in_hindsight(&self, connected: Mono) -> Option<Mono> {
        let named = self.named.filter(|_| self.carrier.is_none())?;
        let next = self.settled.unwrap_or(connected);
        (next.since(named) >= IN_ONE_GO).then_some(named)
    }

    /// What is known of the link.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// How long the modem refuses to dial, where it said so.
    pub fn refused_for(&self) -> Option<Duration> {
        self.refused_for
    }

    /// What was learned of the modem.
    pub fn learned(&self) -> Learned {
        Learned { ringing_repeats: self.rings > 1, rang: self.rings > 0, ..self.learned.clone() }
    }

    /// Whether the modem may be off-hook and in command state: it was dialed in the `;` form, whatever it made of it.
    pub fn may_be_held(&self) -> bool {
        self.held
    }

    /// Lines that no table knows, as they came.
    pub fn take_unknown(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unknown)
    }

    /// Keeps a line that is no result code.
    pub fn unknown(&mut self, text: &str) {
        if self.unknown.len() < UNKNOWN_LINES_MAX && !text.trim().is_empty() {
            self.unknown.push(text.chars().take(UNKNOWN_LINE_LEN_MAX).collect());
        }
    }

    /// A modem-control line changed.
    pub fn signal(&mut self, now: Mono, signal: Signal, on: bool) -> Heard {
        // A wire that moves as the modem goes off-hook tells of nobody's answer.
        if self.too_quick(now) || self.is_sending() {
            return Heard::Nothing;
        }
        match (signal, on) {
            (Signal::Dsr, true) if self.dsr_is_answer && self.answered.is_none() => {
                self.listens();
                self.answered = Some(now);
                Heard::Moment(Moment::Answered)
            }
            (Signal::Dcd, true) if self.dcd_is_carrier && self.carrier.is_none() => {
                self.listens();
                self.carrier = Some(now);
                Heard::Moment(Moment::Carrier)
            }
            _ => Heard::Nothing,
        }
    }

    /// The last RINGING.
    pub fn last_ringing(&self) -> Option<Mono> {
        self.last_ringing
    }

    /// Where the answer lies, if only RINGING tells: between the last one and one cadence later, and before whatever
    /// came after the answer (`later`). A modem that may print RINGING once a call leaves all that is between the two.
    pub fn answer_bounds(&self, later: Mono) -> Option<(Mono, Mono)> {
        if self.answered.is_some() {
            return None;
        }
        let last = self.last_ringing?;
        if !self.tells_every_ring() {
            return Some((last, later));
        }
        Some((last, (last + self.burst_to_burst()).min(later)))
    }

    /// A result code came.
    pub fn hear(&mut self, now: Mono, code: &ResultCode) -> Heard {
        if let Some(heard) = self.hear_held(now, code) {
            return heard;
        }
        match code {
            ResultCode::Ringing => self.ringing(now),
            ResultCode::Carrier(link) | ResultCode::Modulation(link) => {
                self.link.absorb(link.clone());
                if self.carrier.is_some() {
                    return Heard::Nothing;
                }
                self.carrier = Some(now);
                Heard::Moment(Moment::Carrier)
            }
            ResultCode::ModulationName(link) => {
                self.link.absorb(link.clone());
                self.named = self.named.or(Some(now));
                Heard::Nothing
            }
            ResultCode::Protocol(link) | ResultCode::Compression(link) => {
                self.link.absorb(link.clone());
                self.settled = self.settled.or(Some(now));
                Heard::Nothing
            }
            ResultCode::Connect(connect) => {
                self.learned.silent_connects = u32::from(self.hears_ringing && self.rings == 0);
                self.link = connect.settle(&self.link, self.connect_number, self.port_bps);
                Heard::Connected
            }
            ResultCode::NoCarrier => self.no_carrier(now),
            ResultCode::NoAnswer => self.no_answer(now),
            ResultCode::Delayed(span) => {
                self.refused_for = *span;
                Heard::Failed(Fault::ModemRefused, words::delayed(*span))
            }
            ResultCode::Unknown(text) => {
                self.unknown(text);
                Heard::Nothing
            }
            other => match words::meaning(other) {
                Some((fault, _)) if words::is_of_the_far_end(fault) && self.too_quick(now) => {
                    let ms = now.since(self.dialed).as_millis();
                    Heard::Failed(
                        Fault::NoDialtone,
                        format!(
                            "{other} after {ms} ms, before the number can be out: it is our own exchange's"
                        ),
                    )
                }
                Some((fault, detail)) => Heard::Failed(fault, detail.to_owned()),
                None => Heard::Nothing,
            },
        }
    }

    fn ringing(&mut self, now: Mono) -> Heard {
        self.rings += 1;
        if let Some(last) = self.last_ringing {
            let gap = now.since(last);
            // The longest: where one burst has two parts, or one was missed, a shorter bound would be a wrong one.
            if self.compressed || gap * WITHIN_A_BURST >= self.cadence {
                self.ring_gap = self.ring_gap.max(Some(gap));
            }
        }
        self.last_ringing = Some(now);
        if self.rings == 1 { Heard::Moment(Moment::Ringing) } else { Heard::Nothing }
    }

    /// Whether a silence behind the last RINGING means that the ringing has ceased.
    fn tells_every_ring(&self) -> bool {
        self.rings > 1 || self.ringing_repeats == Some(true)
    }

    /// From one burst to the next: the longest that was observed, else the country's.
    fn burst_to_burst(&self) -> Duration {
        self.ring_gap.unwrap_or(self.cadence)
    }

    /// Nothing of the network can be known so soon.
    fn too_quick(&self, now: Mono) -> bool {
        now.since(self.dialed) < self.least
    }

    fn too_quick_to_dial(&self, now: Mono, word: &ResultCode) -> Option<Heard> {
        let ms = now.since(self.dialed).as_millis();
        self.too_quick(now).then(|| {
            Heard::Failed(
                Fault::ModemRefused,
                format!("{word} after {ms} ms, faster than the number can be dialed: the modem did not dial"),
            )
        })
    }

    /// Where S7 stands. It begins when dialing has ended, and is set back when answer tone is heard (modems.md 1.7).
    fn timer(&self, now: Mono) -> Timer {
        let Some(s7_s) = self.s7_s else { return Timer::Unknown };
        let s7 = Duration::from_secs(s7_s.into());
        let s7_s = s7.as_secs();
        let begun = self.form.digits_sent().unwrap_or(self.dialed);
        let since = now.since(begun);
        if since + S7_SLACK < s7 {
            Timer::Running(s7_s)
        } else if self.form.is_proven() && since > s7 + S7_SET_BACK {
            Timer::SetBack(s7_s)
        } else {
            Timer::Out(s7_s)
        }
    }

    fn no_carrier(&mut self, now: Mono) -> Heard {
        if let Some(refused) = self.too_quick_to_dial(now, &ResultCode::NoCarrier) {
            return refused;
        }
        let s = now.since(self.dialed).as_secs();
        let (fault, why) = self.silence(now, self.timer(now));
        self.doubt(fault);
        Heard::Failed(fault, format!("NO CARRIER after {s} s: {why}"))
    }

    fn no_answer(&mut self, now: Mono) -> Heard {
        if let Some(refused) = self.too_quick_to_dial(now, &ResultCode::NoAnswer) {
            return refused;
        }
        let s = now.since(self.dialed).as_secs();
        let (fault, why) = match self.timer(now) {
            Timer::Running(s7_s) if self.no_answer_is_ringback => (
                Fault::NoConnect,
                format!(
                    " after {s} s, though it stands for ringback until S7 ({s7_s} s): what ended it is not known"
                ),
            ),
            Timer::Out(s7_s) | Timer::SetBack(s7_s) if self.no_answer_is_ringback => {
                (Fault::NoAnswer, format!(": it rang until S7 ({s7_s} s) ran out"))
            }
            _ => (Fault::NoAnswer, String::new()),
        };
        Heard::Failed(fault, format!("NO ANSWER{why}"))
    }

    /// Whether nobody has answered, as far as is known, and it is the far end that is waited for.
    pub fn is_unanswered(&self, now: Mono) -> bool {
        let (fault, _) = self.silence(now, Timer::Unknown);
        !self.is_sending() && UNANSWERED.contains(&fault)
    }

    /// The dial limit came without a result.
    pub fn expired(&mut self, now: Mono) -> (Fault, String) {
        if let Some(found) = self.expired_held(now) {
            return found;
        }
        // A timer that still runs says nothing here: it is our own limit that came. One that should be over does.
        let timer = match self.timer(now) {
            set_back @ Timer::SetBack(_) => set_back,
            Timer::Unknown | Timer::Running(_) | Timer::Out(_) => Timer::Unknown,
        };
        let (fault, why) = self.silence(now, timer);
        self.doubt(fault);
        (fault, format!("no result within {} s: {why}", now.since(self.dialed).as_secs()))
    }

    /// What no carrier means, from what was heard before and where the modem's timer stands.
    fn silence(&self, now: Mono, timer: Timer) -> (Fault, String) {
        if self.carrier.or(self.named).is_some() {
            return (Fault::CarrierLost, "the carrier came and went before CONNECT".to_owned());
        }
        if self.answered.is_some() {
            return (Fault::NoCarrier, "answer tone was heard, then no training".to_owned());
        }
        if let Timer::SetBack(s7_s) = timer {
            let why = format!(
                "S7 ({s7_s} s) had run out long before, and only an answer tone sets it back: something answered, without \
                 training"
            );
            return (Fault::NoCarrier, why);
        }
        let Some(last) = self.last_ringing else { return self.never_rang(timer) };
        let (rings, quiet) = (self.rings, now.since(last));
        let cadence = self.burst_to_burst();
        if !self.tells_every_ring() {
            let when = timer.words();
            let why = format!(
                "RINGING came {} s before, and this modem may print it but once a call: nothing shows whether it was \
                 answered{when}",
                quiet.as_secs()
            );
            return (Fault::NoConnect, why);
        }
        if quiet > cadence + CADENCE_SLACK {
            let quiet_ms = quiet.as_millis();
            let why = format!("ringing ceased {quiet_ms} ms before, so something answered, without training");
            return (Fault::NoCarrier, why);
        }
        match timer {
            Timer::Running(s7_s) => {
                let why = format!(
                    "it rang {rings} times, and S7 ({s7_s} s) had not run out: what ended it is not known"
                );
                (Fault::NoConnect, why)
            }
            Timer::Unknown | Timer::Out(_) | Timer::SetBack(_) => {
                (Fault::NoAnswer, format!("it rang {rings} times, to the end"))
            }
        }
    }

    /// What no carrier means where no RINGING came.
    fn never_rang(&self, timer: Timer) -> (Fault, String) {
        match (self.hears_ringing, timer) {
            // Something ended the call; a modem that answers within the first burst lets none be heard (modems.md 6).
            (true, Timer::Running(_)) => {
                (Fault::NoConnect, format!("no ringback was heard{}", timer.words()))
            }
            (true, _) => (Fault::NoRing, "no ringback was heard".to_owned()),
            (false, Timer::Out(_)) if self.no_answer_is_ringback => {
                let when = timer.words();
                let why = format!(
                    "it did not ring to the end, else it were NO ANSWER: it ceased, or never rang{when}"
                );
                (Fault::NoConnect, why)
            }
            (false, _) => {
                (Fault::NoConnect, format!("this modem does not tell whether it rang{}", timer.words()))
            }
        }
    }
}

impl Timer {
    /// What it adds to a finding.
    fn words(self) -> String {
        match self {
            Self::Unknown | Self::SetBack(_) => String::new(),
            Self::Running(s7_s) => {
                format!(
                    "; S7 ({s7_s} s) had not run out, so it was answered and did not train, or was cut off"
                )
            }
            Self::Out(s7_s) => format!("; S7 ({s7_s} s) had run out"),
        }
    }
}
