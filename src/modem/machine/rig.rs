//! A pretended modem in virtual time, for the tests of the machines of this room: it does what is asked of it, and what
//! is known of it: what went to the far end, whether a carrier is up, what was written and when.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::Mono;
use crate::modem::codec::Codec;
use crate::modem::diagnostics::{Diagnose, Diagnosis};
use crate::modem::hangup::{HangUp, HangupOutcome};
use crate::modem::identify::{Identify, Identity};
use crate::modem::setup::{Setup, SetupEnd, SetupFault};

use super::{Action, Input, Progress, Signal};

/// Steps after which a machine counts as hung.
const STEPS_MAX: usize = 2_000;

/// What the machines have in common.
pub(crate) trait Machine {
    type Out;
    fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<Self::Out>;
    fn handle(&mut self, now: Mono, input: Input<'_>, actions: &mut Vec<Action>) -> Progress<Self::Out>;
}

macro_rules! machines {
    ($($machine:ty => $out:ty;)*) => {$(
        impl Machine for $machine {
            type Out = $out;

            fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<$out> {
                self.start(now, actions)
            }

            fn handle(&mut self, now: Mono, input: Input<'_>, actions: &mut Vec<Action>) -> Progress<$out> {
                self.handle(now, input, actions)
            }
        }
    )*};
}

machines! {
    Diagnose => Diagnosis;
    HangUp => HangupOutcome;
    Setup => SetupEnd;
    Identify => Result<Identity, SetupFault>;
}

/// How the modem behaves, and what has become of it.
#[derive(Debug, Clone)]
pub(crate) struct Pretend {
    /// It has DTR and DCD.
    pub(crate) signals: bool,
    /// In data state.
    pub(crate) online: bool,
    /// A carrier is up.
    pub(crate) carrier: bool,
    /// A dial waits for its result.
    pub(crate) dialing: bool,
    /// It says nothing at all.
    pub(crate) dead: bool,
    /// A drop of DTR hangs up.
    pub(crate) dtr_works: bool,
    /// Closing the port hangs up.
    pub(crate) reopen_works: bool,
    /// The port opens again.
    pub(crate) reopens: bool,
    /// `+++` leads to command state, after its guard time.
    pub(crate) escape_works: bool,
    /// A character aborts a dial.
    pub(crate) abort_works: bool,
    /// DCD reads high whatever happens.
    pub(crate) dcd_stuck: bool,
    /// It says its commands back.
    pub(crate) echo: bool,
    /// So many command lines are not answered.
    pub(crate) deaf_for: usize,
    /// Command lines that it answers with ERROR.
    pub(crate) errors: Vec<&'static str>,
    /// What it says to questions, framed, before its OK.
    pub(crate) answers: Vec<(&'static str, &'static str)>,
    /// ms by which the fall of DCD is told late.
    pub(crate) dcd_lag_ms: u64,
    /// ms from a command to its answer.
    pub(crate) latency_ms: u64,
    /// What it says of itself, at these ms.
    pub(crate) unasked: Vec<(u64, &'static str)>,
    /// The codec was left in data state.
    pub(crate) codec_online: bool,
    /// What the far end got.
    pub(crate) far: Vec<u8>,
    /// The command line so far.
    pub(crate) command: Vec<u8>,
    /// When something was last written to it.
    pub(crate) last_write: Option<Mono>,
    /// DTR is high.
    pub(crate) dtr: bool,
}

impl Default for Pretend {
    fn default() -> Self {
        Self {
            signals: false,
            online: false,
            carrier: false,
            dialing: false,
            dead: false,
            dtr_works: true,
            reopen_works: true,
            reopens: true,
            escape_works: true,
            abort_works: true,
            dcd_stuck: false,
            dcd_lag_ms: 0,
            echo: false,
            deaf_for: 0,
            errors: Vec::new(),
            answers: Vec::new(),
            latency_ms: 10,
            unasked: Vec::new(),
            codec_online: false,
            far: Vec::new(),
            command: Vec::new(),
            last_write: None,
            dtr: true,
        }
    }
}

/// Something that will happen.
#[derive(Debug, Clone)]
enum Happening {
    Bytes(Vec<u8>),
    Dcd(bool),
    Reopened,
    /// The guard time behind `+++` ends here, if nothing was written meanwhile.
    Escaped(Mono),
}

/// S12 of the pretended modem.
const GUARD: Duration = Duration::from_secs(1);

impl Pretend {
    /// A modem in a call.
    pub(crate) fn in_call() -> Self {
        Self { online: true, carrier: true, codec_online: true, ..Self::default() }
    }

    fn say(&self, after_ms: u64, text: &str) -> (u64, Happening) {
        (self.latency_ms + after_ms, Happening::Bytes(format!("\r\n{text}\r\n").into_bytes()))
    }

    fn drop_carrier(&mut self, out: &mut Vec<(u64, Happening)>) {
        if std::mem::take(&mut self.carrier) && self.signals && !self.dcd_stuck {
            out.push((self.latency_ms + self.dcd_lag_ms, Happening::Dcd(false)));
        }
        self.online = false;
        self.dialing = false;
    }

    /// What follows from an action, with the ms until then.
    fn on(&mut self, now: Mono, action: &Action) -> Vec<(u64, Happening)> {
        let mut out = Vec::new();
        match action {
            Action::Drain => {}
            Action::Dtr(up) => {
                assert!(self.signals, "DTR was moved on a port that has none");
                self.dtr = *up;
                if !up && self.dtr_works {
                    if self.online {
                        out.push(self.say(0, "NO CARRIER"));
                    }
                    self.drop_carrier(&mut out);
                }
            }
            Action::Reopen => {
                if self.reopen_works {
                    self.drop_carrier(&mut out);
                    self.command.clear();
                }
                if self.reopens {
                    out.push((5, Happening::Reopened));
                }
            }
            Action::Write(bytes) => {
                let quiet = self.last_write.is_none_or(|at| now.since(at) >= GUARD);
                self.last_write = Some(now);
                self.written(now, bytes, quiet, &mut out);
            }
        }
        if self.dead {
            out.retain(|(_, what)| matches!(what, Happening::Reopened | Happening::Dcd(_)));
        }
        out
    }

    fn written(&mut self, now: Mono, bytes: &[u8], quiet: bool, out: &mut Vec<(u64, Happening)>) {
        if self.dead {
            return;
        }
        if self.dialing {
            if self.abort_works {
                self.dialing = false;
                out.push(self.say(0, "NO CARRIER"));
            }
            return;
        }
        if self.online {
            self.far.extend_from_slice(bytes);
            if bytes == b"+++" && quiet && self.escape_works {
                out.push((GUARD.as_millis() as u64, Happening::Escaped(now)));
            }
            return;
        }
        for &byte in bytes {
            if byte != b'\r' {
                self.command.push(byte);
                continue;
            }
            let line = String::from_utf8(std::mem::take(&mut self.command)).unwrap();
            if line.is_empty() {
                continue;
            }
            if self.deaf_for > 0 {
                self.deaf_for -= 1;
                continue;
            }
            if self.echo {
                out.push((1, Happening::Bytes(format!("{line}\r").into_bytes())));
            }
            if line == "ATH" {
                self.drop_carrier(out);
            }
            if let Some((_, answer)) = self.answers.iter().find(|(question, _)| *question == line) {
                out.push(self.say(0, answer));
            }
            let refused = !line.starts_with("AT") || self.errors.contains(&line.as_str());
            out.push(self.say(0, if refused { "ERROR" } else { "OK" }));
        }
    }
}

/// How a run went.
#[derive(Debug)]
pub(crate) struct Ran<T> {
    pub(crate) out: T,
    /// ms from start to done.
    pub(crate) took_ms: u64,
    /// What was done: `0 AT`, `1100 +++`, `0 dtr low`, `0 reopen`; drains aside.
    pub(crate) did: Vec<String>,
    pub(crate) modem: Pretend,
    /// What the modem was still to say when it was done.
    pub(crate) late: Vec<String>,
}

/// Runs a machine against a modem until it is done.
pub(crate) fn run<M: Machine>(mut machine: M, mut modem: Pretend) -> Ran<M::Out> {
    // Not at the origin, so that nothing is right by being zero.
    let begun = Mono::from_millis(5_000);
    let mut now = begun;
    let mut codec = Codec::new(false);
    codec.set_online(modem.codec_online);
    let mut agenda: BTreeMap<(Mono, usize), Happening> = BTreeMap::new();
    for (i, (at_ms, text)) in modem.unasked.iter().enumerate() {
        let at = begun + Duration::from_millis(*at_ms);
        agenda.insert((at, i), Happening::Bytes(format!("\r\n{text}\r\n").into_bytes()));
    }
    let mut number = agenda.len();
    let mut did = Vec::new();
    let mut actions = Vec::new();
    let mut progress = machine.start(now, &mut actions);
    for _ in 0..STEPS_MAX {
        for action in actions.drain(..) {
            let what = match &action {
                Action::Write(bytes) => {
                    codec.note_written(bytes);
                    String::from_utf8(bytes.clone()).unwrap().replace('\r', "")
                }
                Action::Dtr(up) => (if *up { "dtr high" } else { "dtr low" }).to_owned(),
                Action::Reopen => "reopen".to_owned(),
                Action::Drain => String::new(),
            };
            if action != Action::Drain {
                did.push(format!("{} {what}", now.since(begun).as_millis()));
            }
            for (after_ms, happening) in modem.on(now, &action) {
                number += 1;
                agenda.insert((now + Duration::from_millis(after_ms), number), happening);
            }
        }
        let until = match progress {
            Progress::Done(out) => {
                let late = agenda.into_values().filter_map(|happening| match happening {
                    Happening::Bytes(bytes) => Some(String::from_utf8(bytes).unwrap().trim().to_owned()),
                    Happening::Dcd(_) | Happening::Reopened | Happening::Escaped(_) => None,
                });
                let took_ms = now.since(begun).as_millis() as u64;
                return Ran { out, took_ms, did, modem, late: late.collect() };
            }
            Progress::Until(until) => until,
        };
        let due = agenda.first_key_value().map(|(key, _)| *key).filter(|(at, _)| *at <= until);
        let Some(key) = due else {
            assert!(until >= now, "a deadline in the past");
            now = until;
            progress = machine.handle(now, Input::Time, &mut actions);
            continue;
        };
        now = key.0.max(now);
        progress = Progress::Until(until);
        match agenda.remove(&key).unwrap() {
            Happening::Bytes(bytes) => {
                codec.feed(&bytes);
                let tokens: Vec<_> = codec.by_ref().collect();
                for token in &tokens {
                    if let Progress::Until(_) = progress {
                        progress = machine.handle(now, Input::Token(token), &mut actions);
                    }
                }
            }
            Happening::Dcd(up) => {
                progress = machine.handle(now, Input::Signal(Signal::Dcd, up), &mut actions);
            }
            Happening::Reopened => progress = machine.handle(now, Input::Reopened, &mut actions),
            Happening::Escaped(at) => {
                if modem.online && modem.last_write == Some(at) {
                    modem.online = false;
                    let (after_ms, happening) = modem.say(0, "OK");
                    number += 1;
                    agenda.insert((now + Duration::from_millis(after_ms), number), happening);
                }
            }
        }
    }
    panic!("it did not end; it did {did:?}");
}
