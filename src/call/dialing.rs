//! What a modem says between dialing and CONNECT, and what it means: instants, and whose fault a failure is.
//!
//! The word alone does not tell (modems.md 0.6, 0.9): elapsed time, ringback and the modem's family decide with it.

use std::time::Duration;

use crate::model::{Fault, Link, Moment, Mono};
use crate::modem::connect::ConnectNumber;
use crate::modem::machine::Signal;
use crate::modem::profile::{AnswerMark, CarrierMark, Profile};
use crate::modem::result_code::ResultCode;

/// Most unknown lines that are kept of one call.
pub const UNKNOWN_LINES_MAX: usize = 20;
/// Longest unknown line that is kept, in characters.
const UNKNOWN_LINE_LEN_MAX: usize = 80;
/// How much later than one cadence a RINGING may come and the ringing still counts as going on.
const CADENCE_SLACK: Duration = Duration::from_millis(1500);

/// What a token was worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that moves the call.
    Nothing,
    /// An instant was observed.
    Moment(Moment),
    /// The link is up.
    Connected,
    /// The dial failed: why, and in words.
    Failed(Fault, String),
}

/// The ear of a call while it dials.
#[derive(Debug)]
pub struct Dialing {
    hears_ringing: bool,
    dsr_is_answer: bool,
    dcd_is_carrier: bool,
    cadence: Duration,
    refused_under: Duration,
    connect_number: Option<ConnectNumber>,
    port_bps: Option<u32>,
    dialed: Mono,
    rings: u32,
    last_ringing: Option<Mono>,
    ring_gap: Option<Duration>,
    answered: Option<Mono>,
    carrier: Option<Mono>,
    link: Link,
    unknown: Vec<String>,
}

impl Dialing {
    /// Begins at the CR of the dial command. `cadence` is the country's, for modems that print a single RINGING;
    /// `port_bps` the rate of our port, which some modems put behind CONNECT.
    pub fn new(
        profile: &Profile,
        cadence: Duration,
        refused_under: Duration,
        port_bps: Option<u32>,
        dialed: Mono,
    ) -> Self {
        Self {
            hears_ringing: profile.marks.ringing,
            dsr_is_answer: profile.marks.answered == Some(AnswerMark::Dsr),
            dcd_is_carrier: profile.marks.carrier.contains(&CarrierMark::Dcd),
            cadence,
            refused_under,
            connect_number: profile.words.connect_number,
            port_bps,
            dialed,
            rings: 0,
            last_ringing: None,
            ring_gap: None,
            answered: None,
            carrier: None,
            link: Link::default(),
            unknown: Vec::new(),
        }
    }

    /// RINGINGs so far; absent where the modem never tells.
    pub fn rings(&self) -> Option<u32> {
        (self.hears_ringing || self.rings > 0).then_some(self.rings)
    }

    /// What is known of the link.
    pub fn link(&self) -> &Link {
        &self.link
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
        match (signal, on) {
            (Signal::Dsr, true) if self.dsr_is_answer && self.answered.is_none() => {
                self.answered = Some(now);
                Heard::Moment(Moment::Answered)
            }
            (Signal::Dcd, true) if self.dcd_is_carrier && self.carrier.is_none() => {
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
    /// came after the answer (`later`).
    pub fn answer_bounds(&self, later: Mono) -> Option<(Mono, Mono)> {
        if self.answered.is_some() {
            return None;
        }
        let last = self.last_ringing?;
        let cadence = self.ring_gap.unwrap_or(self.cadence);
        Some((last, (last + cadence).min(later)))
    }

    /// A result code came.
    pub fn hear(&mut self, now: Mono, code: &ResultCode) -> Heard {
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
            ResultCode::Protocol(link) | ResultCode::Compression(link) => {
                self.link.absorb(link.clone());
                Heard::Nothing
            }
            ResultCode::Connect(connect) => {
                self.link = connect.settle(&self.link, self.connect_number, self.port_bps);
                Heard::Connected
            }
            ResultCode::NoCarrier => self.no_carrier(now),
            ResultCode::Unknown(text) => {
                self.unknown(text);
                Heard::Nothing
            }
            other => meaning(other)
                .map_or(Heard::Nothing, |(fault, detail)| Heard::Failed(fault, detail.to_owned())),
        }
    }

    fn ringing(&mut self, now: Mono) -> Heard {
        self.rings += 1;
        if let Some(last) = self.last_ringing {
            self.ring_gap = Some(now.since(last));
        }
        self.last_ringing = Some(now);
        if self.rings == 1 { Heard::Moment(Moment::Ringing) } else { Heard::Nothing }
    }

    fn no_carrier(&self, now: Mono) -> Heard {
        if now.since(self.dialed) < self.refused_under {
            let ms = now.since(self.dialed).as_millis();
            return Heard::Failed(
                Fault::ModemRefused,
                format!(
                    "NO CARRIER after {ms} ms, faster than a number can be dialed: the modem did not dial"
                ),
            );
        }
        let (fault, why) = self.silence(now);
        Heard::Failed(fault, format!("NO CARRIER: {why}"))
    }

    /// The dial limit came without a result.
    pub fn expired(&self, now: Mono) -> (Fault, String) {
        let (fault, why) = self.silence(now);
        (fault, format!("no result within {} s: {why}", now.since(self.dialed).as_secs()))
    }

    /// What no carrier means, from what was heard before.
    fn silence(&self, now: Mono) -> (Fault, String) {
        if self.carrier.is_some() {
            return (Fault::CarrierLost, "the carrier came and went before CONNECT".to_owned());
        }
        if self.answered.is_some() {
            return (Fault::NoCarrier, "answer tone was heard, then no training".to_owned());
        }
        let Some(last) = self.last_ringing else {
            return if self.hears_ringing {
                (Fault::NoRing, "no ringback was heard".to_owned())
            } else {
                (Fault::NoConnect, "this modem does not tell whether it rang".to_owned())
            };
        };
        let quiet = now.since(last);
        let cadence = self.ring_gap.unwrap_or(self.cadence);
        if quiet <= cadence + CADENCE_SLACK {
            (Fault::NoAnswer, format!("it rang {} times, to the end", self.rings))
        } else {
            let quiet_ms = quiet.as_millis();
            (
                Fault::NoCarrier,
                format!("ringing ceased {quiet_ms} ms before, so something answered, without training"),
            )
        }
    }
}

/// Final words whose meaning needs no context.
fn meaning(code: &ResultCode) -> Option<(Fault, &'static str)> {
    Some(match code {
        ResultCode::Busy => (Fault::Busy, "BUSY"),
        ResultCode::NoAnswer => (Fault::NoAnswer, "NO ANSWER"),
        ResultCode::Reorder => (Fault::Reorder, "REORDER"),
        ResultCode::Voice => (Fault::Voice, "VOICE"),
        ResultCode::Fax => (Fault::Fax, "a fax answered"),
        ResultCode::NoDialtone => (Fault::NoDialtone, "NO DIALTONE"),
        ResultCode::NoLine => (Fault::NoDialtone, "NO LINE: no loop voltage, the cable is out"),
        ResultCode::OverCurrent => (Fault::NoDialtone, "over-current: a digital PBX line, the wrong jack"),
        ResultCode::UnobtainableNumber => {
            (Fault::NoDialtone, "UN-OBTAINABLE NUMBER: our own line takes pulse dialing alone")
        }
        ResultCode::Dialtone => {
            (Fault::NoDialtone, "dial tone after dialing: our own exchange did not take the digits")
        }
        ResultCode::LineInUse => (Fault::LineInUse, "LINE IN USE"),
        ResultCode::PhoneOffHook => (Fault::LineInUse, "PHONE OFF-HOOK"),
        ResultCode::Ring => (Fault::Glare, "RING while dialing: a call came in on our own line"),
        ResultCode::Delayed(_) => (Fault::ModemRefused, "DELAYED: the modem's redial lock"),
        ResultCode::Blacklisted => (Fault::ModemRefused, "BLACKLISTED: the modem's redial lock"),
        ResultCode::BlacklistFull => {
            (Fault::ModemRefused, "BLACKLIST FULL: the modem refuses any new number")
        }
        ResultCode::DialingDisabled => (Fault::ModemRefused, "DIALING DISABLED"),
        ResultCode::DialLocked => (Fault::ModemRefused, "DIAL LOCKED: the modem's redial lock"),
        ResultCode::Error => (Fault::ModemError, "ERROR in answer to the dial command"),
        ResultCode::Ok => (Fault::ModemError, "OK in answer to the dial command: it did not dial"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ear(profile: &str) -> Dialing {
        let profile: Profile = serde_yaml::from_str(profile).unwrap();
        Dialing::new(&profile, Duration::from_secs(6), Duration::from_millis(800), None, Mono::ZERO)
    }

    const COURIER: &str = "{ profile: courier, marks: { ringing: true } }";
    const ROCKWELL: &str = "{ profile: rockwell, marks: { answered: dsr, carrier: [line] } }";
    const GENERIC: &str = "{ profile: generic }";

    fn at(s: u64) -> Mono {
        Mono::from_millis(s * 1000)
    }

    fn fault(heard: Heard) -> Fault {
        match heard {
            Heard::Failed(fault, _) => fault,
            other => panic!("{other:?} is no failure"),
        }
    }

    #[test]
    fn no_carrier_after_ringing_to_the_end_is_no_answer_and_after_silence_no_carrier() {
        for (end, expected) in [(24, Fault::NoAnswer), (40, Fault::NoCarrier)] {
            let mut ear = ear(COURIER);
            for s in [4, 10, 16, 22] {
                ear.hear(at(s), &ResultCode::Ringing);
            }
            assert_eq!(fault(ear.hear(at(end), &ResultCode::NoCarrier)), expected);
            assert_eq!(ear.rings(), Some(4));
        }
    }

    #[test]
    fn no_carrier_means_only_what_the_family_can_know() {
        assert_eq!(fault(ear(COURIER).hear(at(60), &ResultCode::NoCarrier)), Fault::NoRing);
        assert_eq!(fault(ear(GENERIC).hear(at(60), &ResultCode::NoCarrier)), Fault::NoConnect);
        assert_eq!(fault(ear(ROCKWELL).hear(at(60), &ResultCode::NoCarrier)), Fault::NoConnect);
        let mut rockwell = ear(ROCKWELL);
        assert_eq!(rockwell.signal(at(9), Signal::Dsr, true), Heard::Moment(Moment::Answered));
        assert_eq!(fault(rockwell.hear(at(50), &ResultCode::NoCarrier)), Fault::NoCarrier);
    }

    #[test]
    fn a_refusal_faster_than_dialing_is_never_the_lines() {
        let now = Mono::from_millis(300);
        assert_eq!(fault(ear(GENERIC).hear(now, &ResultCode::NoCarrier)), Fault::ModemRefused);
        assert_eq!(fault(ear(COURIER).hear(now, &ResultCode::NoCarrier)), Fault::ModemRefused);
    }

    #[test]
    fn the_answer_is_bounded_by_the_observed_cadence_or_the_countrys() {
        let mut courier = ear(COURIER);
        courier.hear(at(4), &ResultCode::Ringing);
        assert_eq!(courier.answer_bounds(at(30)), Some((at(4), at(10))));
        courier.hear(at(7), &ResultCode::Ringing);
        assert_eq!(courier.answer_bounds(at(30)), Some((at(7), at(10))));
        assert_eq!(
            courier.answer_bounds(at(8)),
            Some((at(7), at(8))),
            "what came after the answer bounds it too"
        );
    }

    #[test]
    fn bench_words_blame_the_bench() {
        for code in [
            ResultCode::NoDialtone,
            ResultCode::LineInUse,
            ResultCode::Ring,
            ResultCode::Blacklisted,
            ResultCode::Error,
        ] {
            assert!(fault(ear(GENERIC).hear(at(9), &code)).blame().is_bench(), "{code:?}");
        }
    }

    #[test]
    fn unknown_lines_are_kept_bounded_and_end_nothing() {
        let mut ear = ear(GENERIC);
        for n in 0..100 {
            assert_eq!(
                ear.hear(at(1), &ResultCode::Unknown(format!("NOISE {n} {}", "x".repeat(200)))),
                Heard::Nothing
            );
        }
        let kept = ear.take_unknown();
        assert_eq!((kept.len(), kept[0].len()), (UNKNOWN_LINES_MAX, UNKNOWN_LINE_LEN_MAX));
    }
}
