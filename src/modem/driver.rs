//! Drives one of this room's machines over a port, outside of a call: set-up, identification, hang-up, diagnosis.
//!
//! A call drives its machines itself (`call::shell`), since it has more to listen to.

use std::time::Duration;

use crate::model::Mono;

use super::answer::{Answer, AnswerOutcome};
use super::clock::Clock;
use super::codec::Codec;
use super::diagnostics::{Diagnose, Diagnosis};
use super::dialtone::{DialTone, ToneOutcome};
use super::hangup::{HangUp, HangupOutcome};
use super::identify::{Identify, Identity};
use super::machine::{Action, Input, PortMachine, Progress};
use super::port::{Port, PortError, PortEvent};
use super::setup::{Setup, SetupEnd, SetupFault};

/// Longest that a write may wait for the modem to take it.
pub const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// Longest that closing and opening a port may take.
pub const REOPEN_LIMIT: Duration = Duration::from_secs(5);

macro_rules! port_machines {
    ($($machine:ty => $outcome:ty;)*) => {$(
        impl PortMachine for $machine {
            type Outcome = $outcome;

            fn start(&mut self, now: Mono, actions: &mut Vec<Action>) -> Progress<$outcome> {
                <$machine>::start(self, now, actions)
            }

            fn handle(&mut self, now: Mono, input: Input<'_>, actions: &mut Vec<Action>) -> Progress<$outcome> {
                <$machine>::handle(self, now, input, actions)
            }
        }
    )*};
}

port_machines! {
    Setup => SetupEnd;
    Identify => Result<Identity, SetupFault>;
    HangUp => HangupOutcome;
    DialTone => ToneOutcome;
    Answer => AnswerOutcome;
    Diagnose => Diagnosis;
}

/// Runs `machine` to its end, reading with `codec`.
///
/// # Errors
/// The port failed; the machine's own findings are its outcome.
pub async fn drive<M: PortMachine>(
    mut machine: M,
    mut codec: Codec,
    port: &mut Port,
    clock: Clock,
) -> Result<M::Outcome, PortError> {
    let mut actions = Vec::new();
    let mut progress = machine.start(clock.now(), &mut actions);
    loop {
        // An action can make new ones (a reopened port is told at once), so the list is worked off from its front.
        let mut at = 0;
        while at < actions.len() {
            let action = actions[at].clone();
            at += 1;
            match &action {
                Action::Write(bytes) => {
                    tracing::debug!(port = %port.path(), "> {}", legible(bytes));
                    codec.note_written(bytes);
                }
                Action::Drain => codec.clear(),
                Action::Dtr(_) | Action::Reopen => {}
            }
            if perform(port, &action).await? {
                progress = machine.handle(clock.now(), Input::Reopened, &mut actions);
            }
        }
        actions.clear();
        let until = match progress {
            Progress::Done(outcome) => return Ok(outcome),
            Progress::Until(until) => until,
        };
        tokio::select! {
            biased;
            event = port.next() => match event {
                PortEvent::Bytes(bytes, now) => {
                    tracing::debug!(port = %port.path(), "< {}", legible(&bytes));
                    codec.feed(&bytes);
                    progress = tokens(&mut codec, &mut machine, now, until, &mut actions);
                }
                PortEvent::Signal(signal, on, now) => {
                    progress = machine.handle(now, Input::Signal(signal, on), &mut actions);
                }
                PortEvent::Closed(why) => return Err(PortError::Lost { path: port.path(), detail: why }),
            },
            () = tokio::time::sleep_until(clock.instant(until)) => {
                progress = machine.handle(clock.now(), Input::Time, &mut actions);
            }
        }
    }
}

/// Bytes of the talk with a modem, for a log: nothing of them acts on a terminal.
pub fn legible(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).escape_default().to_string()
}

/// Does one action; tells whether the port was opened anew.
///
/// # Errors
/// The port failed.
pub async fn perform(port: &mut Port, action: &Action) -> Result<bool, PortError> {
    match action {
        Action::Write(bytes) => port.write(bytes, WRITE_LIMIT).await.map(|_| false),
        Action::Dtr(on) => port.dtr(*on).map(|()| false),
        Action::Drain => port.drain_input().map(|()| false),
        Action::Reopen => port.reopen(REOPEN_LIMIT).await.map(|()| true),
    }
}

fn tokens<M: PortMachine>(
    codec: &mut Codec,
    machine: &mut M,
    now: Mono,
    until: Mono,
    actions: &mut Vec<Action>,
) -> Progress<M::Outcome> {
    let mut progress = Progress::Until(until);
    for token in codec {
        progress = machine.handle(now, Input::Token(&token), actions);
        if matches!(progress, Progress::Done(_)) {
            break;
        }
    }
    progress
}
