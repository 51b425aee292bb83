//! A worker's checks of its modem: the dial tone, a call up to CONNECT, the answer to another modem's call.
//!
//! When they are made, and what they mean, is the scheduler's.

use tokio::sync::watch;

use super::{Bench, Channels, CheckOver, Command, OpenPort};
use crate::call::machine::Cancel;
use crate::console::transcript::clean_line;
use crate::fleet::scheduler::outcome_of;
use crate::model::Link;
use crate::model::event::{CheckOutcome, Hangup};
use crate::modem::answer::{Answer, AnswerOutcome};
use crate::modem::codec::Codec;
use crate::modem::dialtone::{DialTone, Tone, ToneOutcome};
use crate::modem::driver::drive;
use crate::modem::hangup::{HangUp, Situation};
use crate::modem::port::PortError;

impl<O: OpenPort> Bench<O> {
    pub(super) async fn check(&mut self, command: Command, channels: &Channels) -> CheckOver {
        if let Command::Check(spec) = command {
            let over = self.make(*spec, channels).await;
            return CheckOver {
                outcome: outcome_of(over.record.fault),
                fault: over.record.fault,
                detail: over.record.detail,
                dialed: over.dialed,
                hangup: over.record.hangup,
                hangup_detail: over.hangup_detail,
                port_lost: over.port_lost,
                link: over.record.link,
                charge: over.record.charge,
            };
        }
        let mut cancel = channels.cancel.clone();
        self.rest(&mut cancel).await;
        let done = if matches!(command, Command::Answer) {
            self.answer(&mut cancel).await
        } else {
            self.dial_tone(&mut cancel).await
        };
        let over = done.unwrap_or_else(|error| {
            self.port = None;
            CheckOver {
                outcome: CheckOutcome::Failed,
                fault: Some(error.fault()),
                detail: clean_line(&error.detail()),
                dialed: false,
                hangup: Hangup::Unproven,
                hangup_detail: String::new(),
                port_lost: true,
                link: Link::default(),
                charge: None,
            }
        });
        let unproven = over.hangup == Hangup::Unproven;
        self.fresh |= unproven;
        self.in_doubt |= unproven;
        self.free_at = self.clock.now() + self.seat.on_hook_min;
        over
    }

    async fn dial_tone(
        &mut self,
        cancel: &mut watch::Receiver<Option<Cancel>>,
    ) -> Result<CheckOver, PortError> {
        let profile = self.profile();
        let (Some(port), Some(profile)) = (self.port.as_mut(), profile) else {
            panic!("a check was given to a modem without a port");
        };
        let (facts, limit) = (port.facts_now(), self.seat.hangup_limit);
        let mut machine = DialTone::new(&profile, facts, self.seat.tone_limit, limit);
        let codec = || Codec::for_profile(&profile);
        let heard = tokio::select! {
            biased;
            _ = cancel.wait_for(Option::is_some) => None,
            end = drive(&mut machine, codec(), port, self.clock) => Some(end?),
        };
        let ToneOutcome { tone, on_hook, detail } = if let Some(end) = heard {
            end
        } else {
            let cut_short = DialTone::cut_short(&profile, port.facts_now(), limit);
            drive(cut_short, codec(), port, self.clock).await?
        };
        let (outcome, fault, said) = match tone {
            Tone::Heard => (CheckOutcome::Passed, None, String::new()),
            Tone::Missing(fault, why) => (CheckOutcome::Failed, Some(fault), why),
            Tone::Unknown(why) => (CheckOutcome::Unknown, None, why),
        };
        Ok(CheckOver {
            outcome,
            fault,
            detail: clean_line(&said),
            dialed: false,
            hangup: if on_hook { Hangup::Proven } else { Hangup::Unproven },
            hangup_detail: clean_line(&detail),
            port_lost: false,
            link: Link::default(),
            charge: None,
        })
    }

    async fn answer(&mut self, cancel: &mut watch::Receiver<Option<Cancel>>) -> Result<CheckOver, PortError> {
        let profile = self.profile();
        let (Some(port), Some(profile)) = (self.port.as_mut(), profile) else {
            panic!("a check was given to a modem without a port");
        };
        let (facts, limit) = (port.facts_now(), self.seat.hangup_limit);
        let wait = self.seat.tone_limit;
        let mut machine = Answer::new(&profile, facts, wait, wait, limit);
        let codec = || Codec::for_profile(&profile);
        let end = tokio::select! {
            biased;
            _ = cancel.wait_for(Option::is_some) => None,
            end = drive(&mut machine, codec(), port, self.clock) => Some(end?),
        };
        let AnswerOutcome { rang, connected, on_hook, detail } = if let Some(end) = end {
            end
        } else {
            // It may be ringing, training or connected by now.
            let facts = port.facts_now();
            let situation = Situation {
                carrier_may_be_up: true,
                dcd: facts.has_signals.then_some(facts.dcd_at_open),
                ..Situation::default()
            };
            let hangup = HangUp::new(&profile, facts, situation, limit);
            let end = drive(hangup, codec(), port, self.clock).await?;
            AnswerOutcome { rang: false, connected: false, on_hook: end.proven, detail: end.detail }
        };
        let (outcome, said) = match (connected, rang) {
            (true, _) => (CheckOutcome::Passed, ""),
            (false, true) => (CheckOutcome::Failed, "it rang, and the answer came to no CONNECT"),
            (false, false) => (CheckOutcome::Unknown, "it did not ring"),
        };
        Ok(CheckOver {
            outcome,
            fault: None,
            detail: said.to_owned(),
            dialed: false,
            hangup: if on_hook { Hangup::Proven } else { Hangup::Unproven },
            hangup_detail: clean_line(&detail),
            port_lost: false,
            link: Link::default(),
            charge: None,
        })
    }
}
