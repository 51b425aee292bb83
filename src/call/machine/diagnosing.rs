//! Behind the hang-up: what the modem has to say of the call, while it is on-hook anyway.
//!
//! It comes after on-hook is proven and before the next command that would wipe it. It costs the call nothing that counts:
//! on-hook stays when it was, and the rest that a line wants is counted from there.

use super::{Cancel, Machine, Output, PortInput, State};
use crate::call::evidence::{self, Facts};
use crate::console::transcript::clean_line;
use crate::model::event::Hangup;
use crate::model::{Diagnostics, Fault, Moment, Mono};
use crate::modem::codec::Codec;
use crate::modem::diagnostics::{Diagnose, DiagnoseLimits, Diagnosis, merge};
use crate::modem::machine::Progress;

impl Machine {
    /// On-hook is proven: asks the modem, if there is a call that it can tell of and nobody waits for us to be gone.
    pub(super) fn diagnose(&mut self, now: Mono) {
        let dialed = self.timeline.get(Moment::Dialed).is_some();
        let cancelled = matches!(self.finding, Some((Some(Fault::Cancelled), _)));
        if !dialed || cancelled || self.cancel == Some(Cancel::HangUp) || self.profile.diagnostics.is_empty()
        {
            self.finish(now, Hangup::Proven, "", false);
            return;
        }
        // Without what the last one knows: a figure that holds the dialed digits is no echo of them.
        self.codec = Codec::for_reports(&self.profile);
        let mut machine = Diagnose::new(&self.profile, DiagnoseLimits::default());
        let mut actions = Vec::new();
        let progress = machine.start(now, &mut actions);
        self.act(actions);
        self.state = State::Diagnosing { machine, until: now };
        self.diagnose_progress(now, progress);
    }

    pub(super) fn diagnose_input(&mut self, now: Mono, input: PortInput<'_>) {
        let State::Diagnosing { machine, .. } = &mut self.state else { return };
        let mut actions = Vec::new();
        let progress = machine.handle(now, input, &mut actions);
        self.act(actions);
        self.diagnose_progress(now, progress);
    }

    fn diagnose_progress(&mut self, now: Mono, progress: Progress<Diagnosis>) {
        let State::Diagnosing { until, .. } = &mut self.state else { return };
        match progress {
            Progress::Until(at) => *until = at,
            Progress::Done(found) => {
                self.diagnosis = found;
                self.finish(now, Hangup::Proven, "", false);
            }
        }
    }

    /// Breaks it off: the call is over as it was. `lost` tells why the port is gone, if it is.
    pub(super) fn diagnose_stop(&mut self, now: Mono, lost: Option<&str>) {
        let State::Diagnosing { machine, .. } = &mut self.state else { return };
        self.diagnosis = machine.stop();
        self.outputs.retain(|output| !matches!(output, Output::Port(_)));
        self.finish(now, Hangup::Proven, lost.unwrap_or_default(), lost.is_some());
    }

    /// Takes what was told into the call: the account itself, the link where it was not known, the finding where it was
    /// ambiguous.
    pub(super) fn weigh(&mut self) -> Option<Box<Diagnostics>> {
        let at = |moment| self.timeline.get(moment);
        let facts = Facts {
            connected: at(Moment::Connected).is_some(),
            carrier: at(Moment::Connected).or(at(Moment::Carrier)).is_some(),
            answer_tone: at(Moment::Answered).is_some_and(|mark| mark.half_width.is_zero()),
            said_no_carrier: self.said_no_carrier,
            no_answer_means_ringback: self.profile.words.no_answer_means_ringback,
            span: at(Moment::Dialed).zip(at(Moment::OnHook)).map(|(from, to)| to.at.since(from.at)),
        };
        let accounts = evidence::believed(std::mem::take(&mut self.diagnosis.accounts), &facts);
        let cause = accounts.iter().find_map(|account| account.cause);
        let (mut told, at_end) = merge(accounts);
        if let Some((Some(fault), detail)) = self.finding.take_if(|(fault, _)| fault.is_some()) {
            let (fault, detail) = evidence::refine(fault, detail, &told, cause, &facts);
            self.finding = Some((Some(fault), detail));
        }
        if facts.connected {
            evidence::fill(&mut self.link, at_end);
        }
        // It is our own modem, and it may still print what it dialed.
        let clean = |text: &String| clean_line(&self.spec.dial.mask_in(text));
        told.disconnect_cause = told.disconnect_cause.as_ref().map(clean);
        // A key may be any label that it printed.
        told.more =
            told.more.iter().map(|(key, value)| (self.spec.dial.mask_in(key), clean(value))).collect();
        (!told.is_empty()).then(|| Box::new(told))
    }
}
