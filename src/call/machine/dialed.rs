//! A call that was dialed and is not connected: what its ear tells becomes instants, or the way out.

use super::{Machine, State};
use crate::call::dialing::{Dialing, Heard, PROCEED};
use crate::call::evidence;
use crate::call::limits::UNANSWERED;
use crate::model::{Fault, Moment, Mono};
use crate::modem::machine::Action;
use crate::modem::result_code::ResultCode;

impl Machine {
    pub(super) fn dial_written(&mut self, now: Mono) {
        if !matches!(self.state, State::Dialing) {
            return;
        }
        self.observe(now, Moment::Dialed);
        self.state = State::Ringing { ear: Dialing::new(&self.profile, &self.spec, now) };
        if self.cancel.is_some() {
            self.abort_dial(now, Fault::Cancelled, "cancelled while dialing".to_owned());
        }
    }

    pub(super) fn dial_end(&self) -> Option<Mono> {
        let limits = &self.spec.limits;
        let full = limits.dial.min(limits.call);
        let limit = self.spec.short_dial.map_or(full, |short| short.limit.min(full));
        self.timeline.get(Moment::Dialed).map(|mark| mark.at + limit)
    }

    /// The dial limit has come.
    pub(super) fn dial_expired(&mut self, now: Mono) {
        let State::Ringing { ear } = &mut self.state else { return };
        let short = self.spec.short_dial.take();
        // Where somebody answered, the full limit holds from here on.
        if short.is_some() && !ear.is_unanswered(now) {
            return;
        }
        let (fault, mut detail) = ear.expired(now);
        if let Some(short) = short.filter(|_| UNANSWERED.contains(&fault)) {
            self.cut_short = Some(short.limit);
            detail = format!("{detail} ({})", short.why());
        }
        self.abort_dial(now, fault, detail);
    }

    pub(super) fn heard(&mut self, now: Mono, heard: Heard) {
        match heard {
            Heard::Nothing => {}
            Heard::Moment(moment) => {
                if moment == Moment::Carrier {
                    self.bound_answer(now);
                }
                self.observe(now, moment);
            }
            Heard::DigitsSent => {
                self.observe(now, Moment::DigitsSent);
                self.act(vec![Action::Write(format!("{PROCEED}\r").into_bytes())]);
            }
            Heard::DialPlainly => self.dial_plainly(now),
            Heard::Connected => {
                if let State::Ringing { ear } = &self.state
                    && let Some(at) = ear.carrier_in_hindsight(now)
                {
                    self.bound_answer(at);
                    self.observe(at, Moment::Carrier);
                }
                self.bound_answer(now);
                self.observe(now, Moment::Connected);
                self.go_online(now);
            }
            // A RING is no result of our dial: the modem is still at it.
            Heard::Failed(Fault::Glare, detail) => self.abort_dial(now, Fault::Glare, detail),
            Heard::Failed(fault, detail) => self.leave(now, Some(fault), detail, false),
        }
    }

    /// The modem refused the form of the dial command, and dialed nothing: the same call goes on in the plain one.
    fn dial_plainly(&mut self, now: Mono) {
        let command = format!("{}{}\r", self.profile.dial, self.spec.dial.command());
        self.act(vec![Action::Write(command.into_bytes())]);
        self.timeline.observe_anew(Moment::Dialed, now);
        if let State::Ringing { ear } = &mut self.state {
            ear.dialed_plainly(now);
        }
    }

    pub(super) fn bound_answer(&mut self, later: Mono) {
        if let State::Ringing { ear } = &self.state
            && let Some((earliest, latest)) = ear.answer_bounds(later)
            && !self.is_past(Moment::Answered)
        {
            self.timeline.bound(Moment::Answered, earliest, latest);
        }
    }

    /// Takes over what was heard while dialing, if the call was dialing.
    pub(super) fn keep_ear(&mut self) -> bool {
        let State::Ringing { ear } = &mut self.state else { return false };
        self.rings = ear.rings();
        self.link = ear.link().clone();
        self.unknown = ear.take_unknown();
        self.refused_for = ear.refused_for();
        self.learned.absorb(ear.learned());
        true
    }

    /// A line about the link behind CONNECT. It may be the console's text, so it overrules nothing that was told before.
    pub(super) fn link_line(&mut self, code: &ResultCode) {
        if let Some(link) = code.link() {
            evidence::fill(&mut self.link, link.clone());
        }
    }
}
