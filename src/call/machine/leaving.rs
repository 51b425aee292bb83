//! A call's ways out: cancelled, cut off, at its end; each through the hang-up, but for a port that is gone.

use super::{Cancel, Ending, Machine, Output, State};
use crate::call::limits::needs_time;
use crate::console::handover::Back;
use crate::console::transcript::clean_line;
use crate::console::{session, skipped};
use crate::model::event::Hangup;
use crate::model::{Fault, Moment, Mono};
use crate::modem::hangup::{HangUp, HangupOutcome, Situation};
use crate::modem::machine::Progress;

impl Machine {
    pub(super) fn cancel(&mut self, now: Mono, how: Cancel) {
        if self.cancel.is_some_and(|before| before >= how) {
            return;
        }
        self.cancel = Some(how);
        let dial_waits = self.outputs.iter().any(|output| matches!(output, Output::Dial(_)));
        match &mut self.state {
            State::Dialing if !dial_waits => {
                // The dial command is on its way: it is aborted as soon as it is out.
            }
            State::SettingUp { .. } | State::Dialing => {
                self.drop_outputs();
                self.dialed = false;
                self.finding = Some((Some(Fault::Cancelled), "cancelled before it was dialed".to_owned()));
                self.finish(now, Hangup::NotNeeded, "", false);
            }
            State::Ringing { .. } => {
                self.abort_dial(now, Fault::Cancelled, "cancelled while dialing".to_owned());
            }
            State::Online { .. } if how == Cancel::LogOut => {
                self.session_input(now, session::Input::Cancel);
            }
            State::Online { session } => {
                let when = if session.is_leaving() { " during the logout" } else { "" };
                self.cut_session(now, Back::Cancelled);
                self.leave(now, Some(Fault::Cancelled), format!("dropped by the user{when}"), false);
            }
            State::Handed { .. } => self.hand_back(now, Back::Cancelled),
            // What is still missing is not worth waiting for.
            State::Diagnosing { .. } => self.diagnose_stop(now, None),
            State::HangingUp { .. } | State::Over => {}
        }
    }

    pub(super) fn port_lost(&mut self, now: Mono, fault: Fault, why: &str) {
        self.drop_outputs();
        if matches!(self.state, State::Over) {
            // The last thing that it wanted done failed; its end is known, and not fetched yet.
            for output in &mut self.outputs {
                if let Output::Done(ending) = output {
                    ending.port_lost = true;
                }
            }
            return;
        }
        if matches!(self.state, State::Diagnosing { .. }) {
            // The call was over, and its on-hook proven.
            self.diagnose_stop(now, Some(why));
            return;
        }
        self.cut_session(now, Back::PortLost);
        self.close_bare(now, Back::PortLost);
        self.keep_ear();
        if self.finding.is_none() {
            self.finding = Some((Some(fault), why.to_owned()));
        }
        let hangup = if self.dialed { Hangup::Unproven } else { Hangup::NotNeeded };
        self.finish(now, hangup, &format!("the port was lost: {why}"), true);
    }

    /// Takes back what was to be done on the port and has not been.
    fn drop_outputs(&mut self) {
        self.outputs.retain(|output| !matches!(output, Output::Port(_) | Output::Dial(_)));
    }

    /// The modem is still dialing and must be stopped.
    pub(super) fn abort_dial(&mut self, now: Mono, fault: Fault, detail: String) {
        self.leave(now, Some(fault), detail, true);
    }

    /// The call has found what it will find. `abort` where the modem is still dialing; else it has ended a dial that
    /// failed by itself.
    pub(super) fn leave(&mut self, now: Mono, fault: Option<Fault>, detail: String, abort: bool) {
        if self.finding.is_none() {
            self.finding = Some((fault, detail));
        }
        self.aside_over();
        let held = matches!(&self.state, State::Ringing { ear } if ear.may_be_held());
        self.keep_ear();
        self.codec.set_online(false);
        let connected = self.timeline.get(Moment::Connected).is_some();
        let situation = Situation {
            carrier_may_be_up: connected && !self.carrier.is_gone(),
            logged_out_took_carrier: self.carrier.is_gone(),
            in_dialing: abort,
            held: held && !connected,
            dcd: self.carrier.dcd(),
        };
        let mut machine = HangUp::new(&self.profile, self.facts, situation, self.spec.limits.hangup);
        let mut actions = Vec::new();
        let progress = machine.start(now, &mut actions);
        self.act(actions);
        self.state = State::HangingUp { machine, until: now };
        self.hang_up_progress(now, progress);
    }

    pub(super) fn hang_up_progress(&mut self, now: Mono, progress: Progress<HangupOutcome>) {
        let State::HangingUp { until, .. } = &mut self.state else { return };
        match progress {
            Progress::Until(at) => *until = at,
            Progress::Done(outcome) => {
                if outcome.proven {
                    self.observe(now, Moment::OnHook);
                    self.diagnose(now);
                } else {
                    self.finish(now, Hangup::Unproven, &outcome.detail, false);
                }
            }
        }
    }

    pub(super) fn finish(&mut self, now: Mono, hangup: Hangup, hangup_detail: &str, port_lost: bool) {
        self.state = State::Over;
        self.observe(now, Moment::Released);
        let diagnostics = self.weigh();
        self.learned.no_reports.extend(std::mem::take(&mut self.diagnosis.not_here));
        let (fault, detail) = self.finding.take().unwrap_or((None, String::new()));
        self.aside_end(fault, &clean_line(&detail));
        let mut consoles = std::mem::take(&mut self.consoles);
        if consoles.is_empty() {
            let why = fault.map_or("", Fault::code);
            consoles = self.spec.consoles.iter().map(|behind| skipped(behind, why)).collect();
        }
        self.outputs.push_back(Output::Done(Box::new(Ending {
            timeline: self.timeline.clone(),
            rings: self.rings,
            fault,
            detail: clean_line(&detail),
            link: self.link.clone(),
            diagnostics,
            settled: self.diagnosis.settled,
            hostname: self.hostname.take(),
            consoles,
            hangup,
            hangup_detail: clean_line(hangup_detail),
            // It may be a garbled echo of our dial command.
            unknown: self.unknown.iter().map(|text| clean_line(&self.spec.dial.mask_in(text))).collect(),
            transcript: self.transcript.take(),
            // What the modem heard by its own account (a voice, say) stands by itself; that it did not train in time does not.
            cut_short: self.cut_short.filter(|_| fault.is_some_and(needs_time)),
            dialed: self.dialed,
            port_lost,
            refused_for: self.refused_for,
            learned: std::mem::take(&mut self.learned),
        })));
    }
}
